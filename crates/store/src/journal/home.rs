//! Records as rows of the embedded store. Statements are prepared once per connection, and borrowed once
//! per transaction.

use std::{borrow::Cow, collections::BTreeSet, io::Write as _, sync::LazyLock};

use rusqlite::{CachedStatement, Connection, OptionalExtension, ToSql, params};
use waybill_model::{
    cause::Cause,
    classify::ruling::Ruling,
    id::RequestId,
    record::{ErrorRow, EventRow, Record, ReplayRow, RequestRow, Subject},
    redact::Shown,
    view::NoiseCount,
};

use super::{Step, Trouble};
use crate::{
    parts,
    sql::{int, storable},
};

const SUBJECT: &str = "request_id, created_at, client_request_id, platform, endpoint, model, stream, \
    status_code, latency_ms, time_to_first_token_ms, user_id, api_key_id, account_id, group_id, attempts, \
    replay_of, client, traits, config_version, egress";

const REQUEST: &str = "cause, recovered, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, \
    cost_micro_usd, body_bytes, auth_latency_ms, routing_latency_ms, upstream_latency_ms, response_latency_ms, \
    unserved";

const ERROR: &str = "phase, error_type, cause, severity, owner, source, is_retryable, is_business_limited, \
    rules_version, message, fingerprint, recovered, upstream_error_count, user_name, api_key_name, \
    account_name, group_name, client_ip, request_path, upstream_status_code, upstream_error_message, \
    auth_latency_ms, routing_latency_ms, upstream_latency_ms, response_latency_ms, request_body_truncated, \
    request_body_bytes, queued_ahead, queued_ms, ruled_version, ruled_by, found";

const ERROR_DETAIL: &str =
    "error_id, user_agent, error_body, upstream_error_detail, request_headers, route, request_body";

const EVENT: &str = "error_id, created_at, attempt, platform, model, account_id, account_name, upstream_host, \
    upstream_status_code, upstream_request_id, kind, cause, name, message, connect_ms, first_byte_ms, \
    duration_ms, retry_after_ms, retry_after_source, decision, decision_reason";

const EVENT_DETAIL: &str = "event_id, detail, request_headers, response_headers, response_body";

const REPLAY: &str = "error_id, created_at, body_bytes, sealed, chunks";

/// Request ids kept per minute, source and cause of refused requests.
const MAX_SAMPLES: usize = 5;

static INSERT_REQUEST: LazyLock<String> = LazyLock::new(|| {
    insert("requests", &[SUBJECT, REQUEST]) + " ON CONFLICT (request_id) DO NOTHING"
});
static INSERT_ERROR: LazyLock<String> =
    LazyLock::new(|| insert("errors", &[SUBJECT, ERROR]) + " ON CONFLICT (request_id) DO NOTHING");
static INSERT_ERROR_DETAIL: LazyLock<String> =
    LazyLock::new(|| insert("error_details", &[ERROR_DETAIL]));
static INSERT_EVENT: LazyLock<String> = LazyLock::new(|| insert("upstream_events", &[EVENT]));
static INSERT_EVENT_DETAIL: LazyLock<String> =
    LazyLock::new(|| insert("event_details", &[EVENT_DETAIL]));
static INSERT_REPLAY: LazyLock<String> = LazyLock::new(|| insert("replay_bodies", &[REPLAY]));

/// The statements of one transaction.
pub(crate) struct Inserts<'c> {
    pub(super) db: &'c Connection,
    request: CachedStatement<'c>,
    error: CachedStatement<'c>,
    error_detail: CachedStatement<'c>,
    event: CachedStatement<'c>,
    event_detail: CachedStatement<'c>,
    replay: CachedStatement<'c>,
}

impl<'c> Inserts<'c> {
    pub(super) fn prepare(db: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Inserts {
            db,
            request: db.prepare_cached(&INSERT_REQUEST)?,
            error: db.prepare_cached(&INSERT_ERROR)?,
            error_detail: db.prepare_cached(&INSERT_ERROR_DETAIL)?,
            event: db.prepare_cached(&INSERT_EVENT)?,
            event_detail: db.prepare_cached(&INSERT_EVENT_DETAIL)?,
            replay: db.prepare_cached(&INSERT_REPLAY)?,
        })
    }

    /// Writes a record as far as `step` lets it; `false` if it was stored before.
    pub(super) fn record(
        &mut self,
        record: &Record,
        step: Step,
    ) -> std::result::Result<bool, Trouble> {
        let mut is_new = false;
        if let Some(request) = &record.request {
            is_new |= self.request(request)?;
        }
        match record.error.as_deref() {
            Some(error) => is_new |= self.error(error, record, step)?,
            None if record.events.is_empty() && record.replay.is_none() => {}
            None => return Err(Trouble::events_without_error()),
        }
        Ok(is_new)
    }

    fn request(&mut self, row: &RequestRow) -> rusqlite::Result<bool> {
        let usage = row.usage;
        let [auth, routing, upstream, response] = row.stages.all();
        let own: [&dyn ToSql; 13] = [
            &row.cause.map(Cause::as_str),
            &row.recovered,
            &usage.input_tokens.map(int),
            &usage.output_tokens.map(int),
            &usage.cache_read_tokens.map(int),
            &usage.cache_write_tokens.map(int),
            &row.cost.map(|cost| cost.0),
            &row.body_bytes.map(int),
            &auth,
            &routing,
            &upstream,
            &response,
            &row.unserved.then_some(1),
        ];
        with_subject(&mut self.request, &row.subject, &own)
    }

    fn error(&mut self, row: &ErrorRow, record: &Record, step: Step) -> rusqlite::Result<bool> {
        let verdict = &row.verdict;
        let body_dropped = step >= Step::WithoutBody && row.request_body.is_some();
        let own: [&dyn ToSql; 32] = [
            &verdict.phase.as_str(),
            &verdict.error_type.as_str(),
            &verdict.cause.as_str(),
            &verdict.severity.as_str(),
            &verdict.owner.as_str(),
            &verdict.source.as_str(),
            &verdict.is_retryable,
            &verdict.is_business_limited,
            &verdict.rules_version,
            &storable(row.message.as_str()),
            &&row.fingerprint[..],
            &row.recovered,
            &row.upstream_error_count,
            &text(&row.user_name),
            &text(&row.api_key_name),
            &text(&row.account_name),
            &text(&row.group_name),
            &row.client_ip.to_string(),
            &storable(row.request_path.as_str()),
            &row.upstream_status_code,
            &text(&row.upstream_error_message),
            &row.auth_latency_ms,
            &row.routing_latency_ms,
            &row.upstream_latency_ms,
            &row.response_latency_ms,
            &(row.request_body_truncated || body_dropped),
            &int(row.request_body_bytes),
            &row.queued.map(|queued| queued.ahead),
            &row.queued.map(|queued| queued.waited_ms),
            &ruled_version(&row.ruling),
            &row.ruling.by,
            &row.ruling.found.map(|found| found.to_string()),
        ];
        if !with_subject(&mut self.error, &row.subject, &own)? {
            return Ok(false);
        }
        let error_id = self.db.last_insert_rowid();
        if step < Step::WithoutDetail {
            let body = if body_dropped {
                None
            } else {
                text(&row.request_body)
            };
            self.error_detail.execute(params![
                error_id,
                text(&row.user_agent),
                text(&row.error_body),
                text(&row.upstream_error_detail),
                text(&row.request_headers),
                json(&row.route)?,
                body
            ])?;
        }
        for event in &record.events {
            self.event(error_id, event, step)?;
        }
        if let (Some(replay), Step::Whole) = (&record.replay, step) {
            self.replay(error_id, row, replay)?;
        }
        Ok(true)
    }

    fn event(&mut self, error_id: i64, event: &EventRow, step: Step) -> rusqlite::Result<()> {
        let event_id = self.event.insert(params![
            error_id,
            event.created_at.0,
            event.attempt,
            event.platform.as_str(),
            text(&event.model),
            event.account_id.0,
            storable(event.account_name.as_str()),
            storable(event.upstream_host.as_str()),
            event.upstream_status_code,
            text(&event.upstream_request_id),
            event.kind.as_str(),
            event.cause.as_str(),
            text(&event.name),
            storable(event.message.as_str()),
            event.connect_ms,
            event.first_byte_ms,
            event.duration_ms,
            event.retry_after_ms.map(int),
            text(&event.retry_after_source),
            event.decision.as_str(),
            event.decision_reason
        ])?;
        let long = [
            &event.detail,
            &event.request_headers,
            &event.response_headers,
            &event.response_body,
        ];
        if step < Step::WithoutDetail && long.iter().any(|text| text.is_some()) {
            let [detail, request_headers, response_headers, response_body] = long.map(text);
            self.event_detail.execute(params![
                event_id,
                detail,
                request_headers,
                response_headers,
                response_body
            ])?;
        }
        Ok(())
    }

    fn replay(
        &mut self,
        error_id: i64,
        row: &ErrorRow,
        replay: &ReplayRow,
    ) -> rusqlite::Result<()> {
        let at = row.subject.created_at.0;
        let parts = match replay.parts.as_slice() {
            [] => None,
            parts => Some(parts::put(self.db, parts, at)?),
        };
        self.replay.execute(params![
            error_id,
            at,
            int(replay.body_bytes),
            replay.sealed.0,
            parts
        ])?;
        Ok(())
    }
}

/// The version of the rules that judged a failure, as it is stored: nothing where there was none.
pub(crate) fn ruled_version(ruling: &Ruling) -> Option<i64> {
    (ruling.version > 0).then_some(ruling.version)
}

/// Adds to one count of refused requests.
pub(super) fn noise(db: &Connection, noise: &NoiseCount) -> rusqlite::Result<()> {
    let key = params![noise.minute.0, noise.client_ip, noise.cause.as_str()];
    let before: Option<String> = db
        .prepare_cached(
            "SELECT samples FROM noise WHERE minute = ?1 AND client_ip = ?2 AND cause = ?3",
        )?
        .query_row(key, |r| r.get(0))
        .optional()?;
    let mut samples: Vec<String> = before
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let known: BTreeSet<String> = samples.iter().cloned().collect();
    samples.extend(
        noise
            .samples
            .iter()
            .filter(|id| !known.contains(*id))
            .cloned(),
    );
    samples.truncate(MAX_SAMPLES);
    db.prepare_cached(
        "INSERT INTO noise (minute, client_ip, cause, count, samples) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (minute, client_ip, cause) DO UPDATE SET
         count = count + excluded.count, samples = excluded.samples",
    )?
    .execute(params![
        noise.minute.0,
        noise.client_ip,
        noise.cause.as_str(),
        int(noise.count),
        json(&samples)?
    ])?;
    Ok(())
}

/// Keeps the main facts of a refused record; `false` if they were kept before.
pub(super) fn set_aside(
    db: &Connection,
    record: &Record,
    reason: &str,
) -> std::result::Result<bool, Trouble> {
    let Some((subject, summary)) = summary(record) else {
        return Err(Trouble::Record(reason.to_owned()));
    };
    let added = db.execute(
        "INSERT INTO set_aside (request_id, created_at, reason, summary) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (request_id) DO NOTHING",
        params![
            subject.request_id.to_string(),
            subject.created_at.0,
            reason,
            summary.to_string()
        ],
    )?;
    Ok(added > 0)
}

/// What remains of a record that is set aside; `None` for one about nothing.
pub(crate) fn summary(record: &Record) -> Option<(&Subject, serde_json::Value)> {
    let error = record.error.as_deref();
    let subject = error
        .map(|e| &e.subject)
        .or(record.request.as_ref().map(|r| &r.subject))?;
    let summary = serde_json::json!({
        "platform": subject.platform,
        "endpoint": subject.endpoint,
        "model": subject.model.as_ref().map(|text| clip(text.as_str())),
        "status_code": subject.status_code,
        "account_id": subject.account_id,
        "user_id": subject.user_id,
        "cause": error.map(|e| e.verdict.cause),
        "message": error.map(|e| clip(e.message.as_str())),
        "recovered": error.map(|e| e.recovered),
        "upstream_errors": record.events.len(),
    });
    Some((subject, summary))
}

/// Binds what requests and errors share, then their own columns; `false` if the request id is stored.
fn with_subject(
    statement: &mut CachedStatement<'_>,
    subject: &Subject,
    own: &[&dyn ToSql],
) -> rusqlite::Result<bool> {
    let mut id = [0; 36];
    let shared: [&dyn ToSql; 20] = [
        &spell(subject.request_id, &mut id),
        &subject.created_at.0,
        &text(&subject.client_request_id),
        &subject.platform.as_str(),
        &subject.endpoint.map(|endpoint| endpoint.as_str()),
        &text(&subject.model),
        &subject.stream,
        &subject.status_code,
        &subject.latency_ms,
        &subject.time_to_first_token_ms,
        &subject.user_id.map(|id| id.0),
        &subject.api_key_id.map(|id| id.0),
        &subject.account_id.map(|id| id.0),
        &subject.group_id.map(|id| id.0),
        &subject.attempts,
        &subject.replay_of.map(|id| id.0),
        &text(&subject.traits.client),
        &text(&subject.traits.headers),
        &subject.traits.config_version,
        &text(&subject.traits.egress),
    ];
    let values = rusqlite::params_from_iter(shared.into_iter().chain(own.iter().copied()));
    Ok(statement.execute(values)? > 0)
}

/// An id's text without an allocation: every row needs it.
pub(crate) fn spell(id: RequestId, buffer: &mut [u8; 36]) -> &str {
    let mut rest = &mut buffer[..];
    // The text of an id is exactly as long as the buffer.
    let _ = write!(rest, "{id}");
    std::str::from_utf8(buffer).unwrap_or_default()
}

pub(crate) fn text(shown: &Option<Shown>) -> Option<Cow<'_, str>> {
    shown.as_ref().map(|shown| storable(shown.as_str()))
}

pub(crate) fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// The summary of a record must not be refused for the size that the record was refused for.
pub(crate) fn clip(text: &str) -> &str {
    let end = (0..=text.len().min(512))
        .rev()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or(0);
    &text[..end]
}

fn insert(table: &str, columns: &[&str]) -> String {
    let columns = columns.join(", ");
    let places = vec!["?"; columns.split(',').count()].join(", ");
    format!("INSERT INTO {table} ({columns}) VALUES ({places})")
}
