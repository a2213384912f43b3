//! Changes of accounts' states, newest first, by account or by the request that caused them.
//!
//! Order is that of the ids, which grow with time as far as the clock does. A question about a span of
//! time becomes a span of ids first, so that it reads its own rows only, however many there are.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use waybill_model::{
    id::{AccountEventId, AccountId, RequestId},
    state::AccountEvent,
    time::UnixMillis,
};

use super::super::{Result, Store, row};
use crate::AccountEventFilter;

/// In the order `read` reads them.
pub(super) const COLUMNS: &str = "id, at, account_id, kind, scope, since, until, source, strikes, cause, \
    status_code, reason, request_id, attempt, actor, undoes";

/// How far the order of ids and that of time may differ: clocks are set, and threads overtake.
const CLOCK_SLACK_MS: i64 = 600_000;

impl Store {
    /// An account's events that the filter lets through, newest first.
    pub async fn account_events(
        &self,
        account: AccountId,
        filter: AccountEventFilter,
    ) -> Result<Vec<AccountEvent>> {
        self.readers.run(move |db| list(db, account, &filter)).await
    }

    /// The events that a request caused, on whichever account, oldest first.
    pub async fn account_events_of_request(&self, id: RequestId) -> Result<Vec<AccountEvent>> {
        self.readers
            .run(move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM account_events INDEXED BY account_events_by_request
                     WHERE request_id = ?1 ORDER BY id"
                );
                read_all(db, &sql, &[&id.to_string()])
            })
            .await
    }
}

fn list(
    db: &Connection,
    account: AccountId,
    filter: &AccountEventFilter,
) -> Result<Vec<AccountEvent>> {
    let first_id = match filter.start {
        Some(start) => match first_id_from(db, account, start)? {
            Some(id) => id,
            None => return Ok(Vec::new()),
        },
        None => i64::MIN,
    };
    let last_at = filter
        .end
        .map_or(UnixMillis(i64::MAX), |end| end.plus_ms(-1));
    let Some(last) = Moment::of(db, account, last_at)? else {
        return Ok(Vec::new());
    };
    let last_id = filter
        .before_id
        .map_or(last.id, |before| last.id.min(before.0.saturating_sub(1)));
    let index = match filter {
        AccountEventFilter {
            request_id: Some(_),
            ..
        } => "account_events_by_request",
        AccountEventFilter { kind: Some(_), .. } => "account_events_by_kind",
        AccountEventFilter { .. } => "account_events_by_account",
    };
    let mut sql = format!(
        "SELECT {COLUMNS} FROM account_events INDEXED BY {index}
         WHERE account_id = ?1 AND id BETWEEN ?2 AND ?3 AND at BETWEEN ?4 AND ?5"
    );
    let kind = filter.kind.map(|kind| kind.as_str());
    let request_id = filter.request_id.map(|id| id.to_string());
    let first_at = filter.start.map_or(i64::MIN, |start| start.0);
    let mut values: Vec<&dyn ToSql> = vec![&account.0, &first_id, &last_id, &first_at, &last.at];
    if let Some(kind) = &kind {
        values.push(kind);
        sql += &format!(" AND kind = ?{}", values.len());
    }
    if let Some(request_id) = &request_id {
        values.push(request_id);
        sql += &format!(" AND request_id = ?{}", values.len());
    }
    values.push(&filter.limit);
    sql += &format!(" ORDER BY id DESC LIMIT ?{}", values.len());
    read_all(db, &sql, &values)
}

/// The events of an account up to a moment: those with an id up to `id` and a time up to `at`.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Moment {
    pub(in super::super) id: i64,
    pub(in super::super) at: i64,
}

impl Moment {
    /// The end of all time.
    pub(super) const END: Moment = Moment {
        id: i64::MAX,
        at: i64::MAX,
    };

    /// A moment of an account's; `None` if nothing happened up to it.
    pub(in super::super) fn of(
        db: &Connection,
        account: AccountId,
        at: UnixMillis,
    ) -> Result<Option<Moment>> {
        let id = id_next_to(
            db,
            account,
            "SELECT max(at) FROM account_events WHERE account_id = ?1 AND at <= ?2",
            at,
            "SELECT max(id) FROM account_events WHERE account_id = ?1 AND at BETWEEN ?2 - ?3 AND ?2",
        )?;
        let Some(id) = id else { return Ok(None) };
        let is_last = db
            .prepare_cached(
                "SELECT 1 FROM account_events WHERE account_id = ?1 AND at > ?2 LIMIT 1",
            )?
            .query_row(params![account.0, at.0], |_| Ok(()))
            .optional()?
            .is_none();
        let id = if is_last { i64::MAX } else { id };
        Ok(Some(Moment { id, at: at.0 }))
    }
}

/// The least id of an event at or after an instant; `None` if there is none.
fn first_id_from(db: &Connection, account: AccountId, start: UnixMillis) -> Result<Option<i64>> {
    id_next_to(
        db,
        account,
        "SELECT min(at) FROM account_events WHERE account_id = ?1 AND at >= ?2",
        start,
        "SELECT min(id) FROM account_events WHERE account_id = ?1 AND at BETWEEN ?2 AND ?2 + ?3",
    )
}

/// The time next to an instant at which something happened, and the outermost id around it.
fn id_next_to(
    db: &Connection,
    account: AccountId,
    time: &'static str,
    instant: UnixMillis,
    id: &'static str,
) -> Result<Option<i64>> {
    let next: Option<i64> = db
        .prepare_cached(time)?
        .query_row(params![account.0, instant.0], |r| r.get(0))?;
    let Some(next) = next else { return Ok(None) };
    Ok(db
        .prepare_cached(id)?
        .query_row(params![account.0, next, CLOCK_SLACK_MS], |r| r.get(0))?)
}

pub(super) fn read_all(
    db: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<AccountEvent>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut events = Vec::new();
    while let Some(r) = rows.next()? {
        events.push(read(r)?);
    }
    Ok(events)
}

fn read(r: &Row<'_>) -> Result<AccountEvent> {
    let mut cells = row::Cells::of(r);
    Ok(AccountEvent {
        id: AccountEventId(cells.next()?),
        at: cells.time()?,
        account_id: AccountId(cells.next()?),
        kind: cells.word("kind")?,
        scope: cells.word("scope")?,
        since: cells.next::<Option<i64>>()?.map(UnixMillis),
        until: cells.next::<Option<i64>>()?.map(UnixMillis),
        source: cells.next()?,
        strikes: cells.next()?,
        cause: cells.optional_word("cause")?,
        status_code: cells.next()?,
        reason: cells.next()?,
        request_id: cells.optional_word("request_id")?,
        attempt: cells.next()?,
        actor: cells.next()?,
        undoes: cells.next::<Option<i64>>()?.map(AccountEventId),
    })
}
