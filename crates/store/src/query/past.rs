//! What happened, as a simulation reads it: requests and failed attempts of a window, newest first, a bounded
//! number per question, so that a long window holds no connection for long.
//!
//! Promises: whoever goes on behind the last row is given every row of the window once, but for what is written
//! meanwhile; both databases answer alike. Must not know: what is made of it.

use waybill_model::{
    cause::Cause,
    id::{AccountId, GroupId, RequestId},
    protocol::{Endpoint, Platform},
    state::AccountEvent,
    time::UnixMillis,
    waybill::Decision,
};

use super::{
    account_events::Moment,
    condition::{self, Window},
    states,
};
use crate::{
    Store,
    sql::{Cells, Db, Dialect, Result, Value},
};

/// Longest message that is read of an attempt, in bytes.
const MESSAGE_BYTES: usize = 512;

/// An attempt begins at most so long after its request arrived, as far as is looked for.
const LONGEST_MS: i64 = 3_600_000;

/// Where a page ended: the next one lies behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastPlace {
    /// When the last row happened.
    pub created_at: UnixMillis,
    /// Its id.
    pub id: i64,
}

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRequest {
    /// Where it lies.
    pub place: PastPlace,
    /// Its id.
    pub request_id: RequestId,
    /// Platform of the account that answered last, else of the client's protocol.
    pub platform: Platform,
    /// What was asked for.
    pub endpoint: Option<Endpoint>,
    /// The model the client named.
    pub model: Option<String>,
    /// Status the client was sent.
    pub status_code: u16,
    /// Set when it failed.
    pub cause: Option<Cause>,
    /// Succeeded after hidden failures.
    pub recovered: bool,
    /// From arrival to end.
    pub latency_ms: u32,
    /// From arrival to the first content byte.
    pub time_to_first_token_ms: Option<u32>,
    /// How many attempts were made.
    pub attempts: u32,
    /// The account of the last one.
    pub account_id: Option<AccountId>,
    /// The group.
    pub group_id: Option<GroupId>,
    /// Tokens that were used, both ways.
    pub tokens: u64,
    /// Size of the body as it came.
    pub body_bytes: Option<u64>,
    /// An operator sent it again.
    pub is_replay: bool,
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct PastAttempt {
    /// Where it lies.
    pub place: PastPlace,
    /// The request it is of.
    pub request_id: RequestId,
    /// Its number, from 1.
    pub attempt: u32,
    /// The account.
    pub account_id: AccountId,
    /// The provider's status.
    pub status_code: Option<u16>,
    /// The cause of its failure.
    pub cause: Cause,
    /// The provider's machine name for it.
    pub name: Option<String>,
    /// What the provider said, shortened.
    pub message: String,
    /// From start to verdict.
    pub duration_ms: u32,
    /// The stated wait.
    pub retry_after_ms: Option<u64>,
    /// Where it was read.
    pub retry_after_source: Option<String>,
    /// What was decided after it.
    pub decision: Decision,
    /// Why.
    pub decision_reason: String,
}

impl Store {
    /// Requests of a window (from the first instant on, before the second), newest first, behind a place.
    pub async fn past_requests(
        &self,
        (start, end): (UnixMillis, UnixMillis),
        before: Option<PastPlace>,
        limit: u32,
    ) -> Result<Vec<PastRequest>> {
        let window = Window::between(start, end);
        self.readers
            .run(move |db| {
                let from = db.dialect().by_index("requests", "r", "requests_by_time");
                let (sql, values) = page_sql(OF_REQUESTS, &from, "r", window, before, limit);
                db.rows(&sql, &values, read_request)
            })
            .await
    }

    /// Failed attempts of requests that arrived in a window, newest first, behind a place.
    pub async fn past_attempts(
        &self,
        (start, end): (UnixMillis, UnixMillis),
        before: Option<PastPlace>,
        limit: u32,
    ) -> Result<Vec<PastAttempt>> {
        let window = Window::between(start, end.plus_ms(LONGEST_MS));
        self.readers
            .run(move |db| {
                let dialect = db.dialect();
                let mut from = format!(
                    "{} {} errors e ON {}",
                    dialect.by_index("upstream_events", "u", "events_by_time"),
                    dialect.then_join(),
                    condition::of_error(dialect),
                );
                if dialect == Dialect::Postgres {
                    // Which days' partitions are looked into.
                    from += &format!(
                        " AND e.created_at BETWEEN {} AND {}",
                        window.first.0, window.last.0
                    );
                }
                let (sql, values) = page_sql(OF_ATTEMPTS, &from, "u", window, before, limit);
                db.rows(&sql, &values, read_attempt)
            })
            .await
    }

    /// The events that the states of all accounts came from at a moment, by id: folding each account's gives
    /// its state then.
    pub async fn account_states_at(&self, at: UnixMillis) -> Result<Vec<AccountEvent>> {
        self.readers.run(move |db| states_at(db, at)).await
    }
}

fn states_at(db: &dyn Db, at: UnixMillis) -> Result<Vec<AccountEvent>> {
    let accounts: Vec<AccountId> = db.rows("SELECT id FROM accounts", &[], |cells| cells.next())?;
    let mut events = Vec::new();
    for account in accounts {
        if let Some(moment) = Moment::of(db, account, at)? {
            events.extend(states::read(db, account, moment)?);
        }
    }
    events.sort_by_key(|event| event.id);
    Ok(events)
}

fn page_sql(
    columns: &str,
    from: &str,
    alias: &str,
    window: Window,
    before: Option<PastPlace>,
    limit: u32,
) -> (String, Vec<Value>) {
    let last = before.map_or(window.last, |place| window.last.min(place.created_at));
    let mut values = vec![Value::from(window.first), Value::from(last)];
    let mut sql = format!(
        "SELECT {columns} FROM {from} WHERE {alias}.created_at >= ? AND {alias}.created_at <= ?"
    );
    if let Some(place) = before {
        sql += &format!(" AND ({alias}.created_at < ? OR {alias}.id < ?)");
        values.extend([Value::from(place.created_at), Value::from(place.id)]);
    }
    sql += &format!(" ORDER BY {alias}.created_at DESC, {alias}.id DESC LIMIT ?");
    values.push(Value::from(limit));
    (sql, values)
}

/// In the order `read_request` reads them.
const OF_REQUESTS: &str = "r.created_at, r.id, r.request_id, r.platform, r.endpoint, r.model, r.status_code, r.cause, \
    r.recovered, r.latency_ms, r.time_to_first_token_ms, r.attempts, r.account_id, r.group_id, \
    coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0), r.body_bytes, r.replay_of";

fn read_request(cells: &mut Cells<'_>) -> Result<PastRequest> {
    Ok(PastRequest {
        place: PastPlace {
            created_at: cells.time()?,
            id: cells.next()?,
        },
        request_id: cells.word("request_id")?,
        platform: cells.word("platform")?,
        endpoint: cells.optional_word("endpoint")?,
        model: cells.next()?,
        status_code: cells.next()?,
        cause: cells.optional_word("cause")?,
        recovered: cells.next()?,
        latency_ms: cells.next()?,
        time_to_first_token_ms: cells.next()?,
        attempts: cells.next()?,
        account_id: cells.next()?,
        group_id: cells.next()?,
        tokens: cells.count()?,
        body_bytes: cells.optional_count()?,
        is_replay: cells.next::<Option<i64>>()?.is_some(),
    })
}

/// In the order `read_attempt` reads them.
const OF_ATTEMPTS: &str = "u.created_at, u.id, e.request_id, u.attempt, u.account_id, u.upstream_status_code, u.cause, \
    u.name, u.message, u.duration_ms, u.retry_after_ms, u.retry_after_source, u.decision, u.decision_reason";

fn read_attempt(cells: &mut Cells<'_>) -> Result<PastAttempt> {
    Ok(PastAttempt {
        place: PastPlace {
            created_at: cells.time()?,
            id: cells.next()?,
        },
        request_id: cells.word("request_id")?,
        attempt: cells.next()?,
        account_id: cells.next()?,
        status_code: cells.next()?,
        cause: cells.word("cause")?,
        name: cells.next()?,
        message: {
            let message = cells.text()?;
            message[..message.floor_char_boundary(MESSAGE_BYTES)].to_owned()
        },
        duration_ms: cells.next()?,
        retry_after_ms: cells.optional_count()?,
        retry_after_source: cells.next()?,
        decision: cells.word("decision")?,
        decision_reason: cells.next()?,
    })
}
