//! Changes of accounts' states, newest first, by account or by the request that caused them.
//!
//! Order is that of the ids, which grow with time as far as the clock does. A question about a span of
//! time becomes a span of ids first, so that it reads its own rows only, however many there are.

use waybill_model::{
    id::{AccountId, RequestId},
    state::AccountEvent,
    time::UnixMillis,
};

use crate::{
    AccountEventFilter, Store,
    sql::{Cells, Db, Result, Value, values},
};

/// In the order `read` reads them.
pub(crate) const COLUMNS: &str = "id, at, account_id, kind, scope, since, until, source, strikes, cause, \
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
                let from = by_index(db, "account_events_by_request");
                let sql = format!("SELECT {COLUMNS} FROM {from} WHERE request_id = ?1 ORDER BY id");
                read_all(db, &sql, values![id.to_string()])
            })
            .await
    }
}

fn list(db: &dyn Db, account: AccountId, filter: &AccountEventFilter) -> Result<Vec<AccountEvent>> {
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
    let from = by_index(db, index);
    let mut sql = format!(
        "SELECT {COLUMNS} FROM {from}
         WHERE account_id = ?1 AND id BETWEEN ?2 AND ?3 AND at BETWEEN ?4 AND ?5"
    );
    let first_at = filter.start.map_or(i64::MIN, |start| start.0);
    let mut values = values![account, first_id, last_id, first_at, last.at].to_vec();
    if let Some(kind) = filter.kind {
        values.push(kind.as_str().into());
        sql += &format!(" AND kind = ?{}", values.len());
    }
    if let Some(request_id) = filter.request_id {
        values.push(request_id.to_string().into());
        sql += &format!(" AND request_id = ?{}", values.len());
    }
    values.push(filter.limit.into());
    sql += &format!(" ORDER BY id DESC LIMIT ?{}", values.len());
    read_all(db, &sql, &values)
}

/// The events of an account up to a moment: those with an id up to `id` and a time up to `at`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) id: i64,
    pub(crate) at: i64,
}

impl Moment {
    /// The end of all time.
    pub(super) const END: Moment = Moment {
        id: i64::MAX,
        at: i64::MAX,
    };

    /// A moment of an account's; `None` if nothing happened up to it.
    pub(crate) fn of(db: &dyn Db, account: AccountId, at: UnixMillis) -> Result<Option<Moment>> {
        let id = id_next_to(
            db,
            account,
            "SELECT max(at) FROM account_events WHERE account_id = ?1 AND at <= ?2",
            at,
            "SELECT max(id) FROM account_events WHERE account_id = ?1 AND at BETWEEN ?2 AND ?3",
            (-CLOCK_SLACK_MS, 0),
        )?;
        let Some(id) = id else { return Ok(None) };
        let later: Option<i64> = db.cell(
            "SELECT id FROM account_events WHERE account_id = ?1 AND at > ?2 LIMIT 1",
            values![account, at],
        )?;
        let is_last = later.is_none();
        let id = if is_last { i64::MAX } else { id };
        Ok(Some(Moment { id, at: at.0 }))
    }
}

/// The least id of an event at or after an instant; `None` if there is none.
fn first_id_from(db: &dyn Db, account: AccountId, start: UnixMillis) -> Result<Option<i64>> {
    id_next_to(
        db,
        account,
        "SELECT min(at) FROM account_events WHERE account_id = ?1 AND at >= ?2",
        start,
        "SELECT min(id) FROM account_events WHERE account_id = ?1 AND at BETWEEN ?2 AND ?3",
        (0, CLOCK_SLACK_MS),
    )
}

/// The time next to an instant at which something happened, and the outermost id around it: from so much
/// earlier to so much later.
fn id_next_to(
    db: &dyn Db,
    account: AccountId,
    time: &'static str,
    instant: UnixMillis,
    id: &'static str,
    around_ms: (i64, i64),
) -> Result<Option<i64>> {
    let next: Option<Option<i64>> = db.cell(time, values![account, instant])?;
    let Some(next) = next.flatten() else {
        return Ok(None);
    };
    let (from, to) = (
        next.saturating_add(around_ms.0),
        next.saturating_add(around_ms.1),
    );
    let id: Option<Option<i64>> = db.cell(id, values![account, from, to])?;
    Ok(id.flatten())
}

/// The table, by one of its indexes.
pub(super) fn by_index(db: &dyn Db, index: &str) -> String {
    db.dialect().by_index("account_events", "", index)
}

pub(super) fn read_all(db: &dyn Db, sql: &str, values: &[Value]) -> Result<Vec<AccountEvent>> {
    db.rows(sql, values, read)
}

pub(crate) fn read(cells: &mut Cells<'_>) -> Result<AccountEvent> {
    Ok(AccountEvent {
        id: cells.next()?,
        at: cells.time()?,
        account_id: cells.next()?,
        kind: cells.word("kind")?,
        scope: cells.word("scope")?,
        since: cells.next()?,
        until: cells.next()?,
        source: cells.next()?,
        strikes: cells.next()?,
        cause: cells.optional_word("cause")?,
        status_code: cells.next()?,
        reason: cells.next()?,
        request_id: cells.optional_word("request_id")?,
        attempt: cells.next()?,
        actor: cells.next()?,
        undoes: cells.next()?,
    })
}
