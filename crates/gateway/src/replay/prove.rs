//! What requests that were served when they were sent again say about their failures, and about issues.
//!
//! Promises: the failure is dealt with; its issue is resolved where this was the newest failure of it, so that
//! none is known that might not be served now. Newer failures count whether clients saw them or failover hid them:
//! an issue is reopened by either, so it is not resolved over either. Only what went the way of a client's request
//! proves anything: one account alone is no proof for a pool. A replay of many says of an issue at its end what all
//! of its attempts say together. Must not know: how it was sent.

use waybill_model::{
    id::{ErrorId, ReplayId, RetryId},
    issue::hex,
    time::UnixMillis,
    view::{Filter, Page, Sort},
};
use waybill_store::{ResolvedBy, StoreError};

use crate::{app::Shared, jobs::issue_settings};

/// How far back a newer failure may have arrived: none takes longer to be written.
const MONTH_MS: i64 = 30 * 24 * 3_600_000;

/// What a served attempt may say something of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proves {
    /// The failure alone.
    Itself,
    /// Its issue, too.
    Issue,
}

/// A failure was sent again, through routing, and served.
pub async fn served_again(shared: &Shared, source: ErrorId, attempt: RetryId, proves: Proves) {
    let said = async {
        shared.store.set_resolved(source, true).await?;
        match (proves, shared.store.issue_of_error(source).await?) {
            (Proves::Issue, Some(issue)) => resolve(shared, issue, source, attempt).await,
            _ => Ok(()),
        }
    };
    if let Err(error) = said.await {
        // The attempt is on record; whoever looks can resolve by hand.
        tracing::warn!(%error, %attempt, "what a replay proved is not on record");
    }
}

/// Every failure of a replay of many had its turn, or as many as may have.
pub async fn replayed(shared: &Shared, replay: ReplayId) -> Result<(), StoreError> {
    for proof in shared.store.proofs_of_replay(replay).await? {
        resolve(shared, proof.issue, proof.source, proof.attempt).await?;
    }
    Ok(())
}

/// Resolves an issue, unless a failure of it is known that is newer than the one that was served.
async fn resolve(
    shared: &Shared,
    issue: [u8; 16],
    source: ErrorId,
    attempt: RetryId,
) -> Result<(), StoreError> {
    let now = shared.clock.now();
    for recovered in [false, true] {
        if has_newer(shared, &issue, source, recovered, now).await? {
            return Ok(());
        }
    }
    let by = ResolvedBy::Replay { attempt: attempt.0 };
    let settings = issue_settings(shared);
    shared
        .store
        .resolve_issue(issue, by, settings, now)
        .await
        .map(drop)
}

/// Whether a client's request failed for the same reason since; one that is not yet counted is seen, too.
async fn has_newer(
    shared: &Shared,
    key: &[u8; 16],
    source: ErrorId,
    recovered: bool,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    let filter = Filter {
        issue: Some(hex::text(*key)),
        after_id: Some(source.0),
        replay: Some(false),
        recovered: Some(recovered),
        ..Filter::between(now.plus_ms(-MONTH_MS), now.plus_ms(1))
    };
    let page = Page {
        sort: Sort::Newest,
        page: 1,
        page_size: 1,
        cursor: None,
    };
    Ok(!shared.store.errors(&filter, &page).await?.errors.is_empty())
}
