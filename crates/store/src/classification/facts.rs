//! What rules look at, read from stored failures.

use waybill_model::{
    cause::{ErrorType, Phase},
    classify::ruling::{Facts, Found, Ruling},
    id::{AccountId, ApiKeyId, GroupId, UserId},
    protocol::{Endpoint, Platform},
    record::Verdict,
    time::UnixMillis,
};

use crate::{
    StoreError,
    sql::{Cells, Result},
};

/// In the order [`read`] reads them; `e` is the errors table.
pub(super) const COLUMNS: &str = "e.id, e.created_at, e.request_id, e.recovered, e.replay_of, e.platform, e.endpoint, \
    e.status_code, e.upstream_status_code, e.model, e.account_id, e.group_id, e.api_key_id, e.user_id, e.stream, \
    e.message, e.phase, e.error_type, e.cause, e.severity, e.owner, e.source, e.is_retryable, \
    e.is_business_limited, e.rules_version, e.ruled_version, e.ruled_by, e.found";

/// A stored failure, as far as rules are concerned.
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) created_at: UnixMillis,
    pub(super) request_id: String,
    pub(super) recovered: bool,
    /// An operator sent it again.
    pub(super) is_replay: bool,
    pub(super) verdict: Verdict,
    pub(super) ruling: Ruling,
    platform: Platform,
    endpoint: Option<Endpoint>,
    status_code: u16,
    upstream_status_code: Option<u16>,
    model: Option<String>,
    account_id: Option<AccountId>,
    group_id: Option<GroupId>,
    api_key_id: Option<ApiKeyId>,
    user_id: Option<UserId>,
    stream: bool,
    message: String,
}

impl Stored {
    /// The same as of the record when it was made.
    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            platform: self.platform,
            endpoint: self.endpoint,
            status_code: self.status_code,
            upstream_status_code: self.upstream_status_code,
            model: self.model.as_deref(),
            account_id: self.account_id,
            group_id: self.group_id,
            api_key_id: self.api_key_id,
            user_id: self.user_id,
            stream: self.stream,
            message: &self.message,
            built_in: self.ruling.built_in(self.verdict),
        }
    }
}

pub(super) fn read(cells: &mut Cells<'_>) -> Result<Stored> {
    let (id, created_at, request_id) = (cells.next()?, cells.time()?, cells.next()?);
    let recovered = cells.next()?;
    let is_replay = cells.next::<Option<i64>>()?.is_some();
    let (platform, endpoint) = (cells.word("platform")?, cells.optional_word("endpoint")?);
    let (status_code, upstream_status_code) = (cells.next()?, cells.next()?);
    let model = cells.next()?;
    let (account_id, group_id) = (cells.next()?, cells.next()?);
    let (api_key_id, user_id) = (cells.next()?, cells.next()?);
    let (stream, message) = (cells.next()?, cells.next()?);
    let (phase, error_type): (Phase, ErrorType) = (cells.word("phase")?, cells.word("error_type")?);
    let verdict = Verdict {
        phase,
        error_type,
        cause: cells.word("cause")?,
        severity: cells.word("severity")?,
        owner: cells.word("owner")?,
        source: cells.word("source")?,
        is_retryable: cells.next()?,
        is_business_limited: cells.next()?,
        rules_version: cells.next()?,
    };
    let ruling = Ruling {
        version: cells.next::<Option<i64>>()?.unwrap_or(0),
        by: cells.next()?,
        found: found(cells.next()?)?,
    };
    Ok(Stored {
        id,
        created_at,
        request_id,
        recovered,
        is_replay,
        verdict,
        ruling,
        platform,
        endpoint,
        status_code,
        upstream_status_code,
        model,
        account_id,
        group_id,
        api_key_id,
        user_id,
        stream,
        message,
    })
}

/// What the built-in table had said, as it is stored.
pub(crate) fn found(text: Option<String>) -> Result<Option<Found>> {
    text.map(|text| text.parse())
        .transpose()
        .map_err(|_| StoreError::Unreadable { column: "found" })
}
