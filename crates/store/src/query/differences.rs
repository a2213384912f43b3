//! What is different about failures: the rows that are compared, and names for what stands out.
//!
//! Failures are those of the error list, newest first, up to a bound; where there are more, the comparison begins
//! with the oldest of those that are read. Successes are what was served at once in the same window and scope:
//! all of them where the window has few requests, else a sample of blocks of ids, spread evenly.
//!
//! Promises: a bounded number of rows is read of each, the same ones every time.

use waybill_model::{
    differs::{Attribute, Differences, Seen, Side, Tally},
    time::UnixMillis,
    view::{Filter, Sort, View},
};

use super::{
    condition::{self, Conditions, Window},
    page::{self, Listing, Source},
    stepped::Stepped,
};
use crate::{
    Store, issues,
    sql::{Cells, Db, Dialect, Result, Value, values},
};

/// In the order `read` reads them.
const OF_ERRORS: &str = "e.created_at, e.platform, e.account_id, e.group_id, e.user_id, e.api_key_id, e.model, \
    e.endpoint, e.stream, e.client, e.traits, e.config_version, e.egress, e.request_body_bytes";

const OF_REQUESTS: &str = "r.created_at, r.platform, r.account_id, r.group_id, r.user_id, r.api_key_id, r.model, \
    r.endpoint, r.stream, r.client, r.traits, r.config_version, r.egress, r.body_bytes";

/// Places that are spread evenly over the ids of a window.
const PLACES: i64 = 64;

/// Looks at all places, each behind what the looks before have read.
const LOOKS: i64 = 16;

/// How many rows are compared.
#[derive(Debug, Clone, Copy)]
pub struct DifferenceBounds {
    /// Failures at most.
    pub failures: u32,
    /// Successes at most. Of so many requests as this, times four, none that matches is further looked for.
    pub successes: u32,
}

impl Store {
    /// Compares the failures that match a filter with successes of its scope: platform, group, account, key,
    /// user, model and stream, in the same window. Requests that an operator sent again are no successes, nor
    /// are those that succeeded after hidden failures.
    pub async fn differences(
        &self,
        filter: &Filter,
        bounds: DifferenceBounds,
    ) -> Result<Differences> {
        let filter = filter.clone();
        self.readers
            .run(move |db| compare(db, &issues::resolve(db, &filter)?, bounds))
            .await
    }
}

fn compare(db: &dyn Db, filter: &Filter, bounds: DifferenceBounds) -> Result<Differences> {
    let (failures, start) = failures(db, filter, bounds.failures)?;
    let mut tally = Tally::between(start.unwrap_or(filter.start), filter.end);
    for seen in &failures {
        tally.add(Side::Failure, seen);
    }
    let window = Window::between(start.unwrap_or(filter.start), filter.end);
    let is_sample = successes(db, filter, window, bounds.successes, &mut tally)?;
    let found = tally.differences(|attribute, id| name(db, attribute, id))?;
    Ok(tally.answer(found, is_sample || start.is_some()))
}

/// The failures, and, where there are more, when the oldest of them arrived.
fn failures(db: &dyn Db, filter: &Filter, most: u32) -> Result<(Vec<Seen>, Option<UnixMillis>)> {
    let dialect = db.dialect();
    let window = Window::between(filter.start, filter.end);
    let asked = condition::on_errors(filter, dialect);
    let limit = most as usize + 1;
    let mut rows = match Stepped::of(db, Listing::Errors, OF_ERRORS, &asked, Sort::Newest) {
        Some(list) => list.page(window, None, limit, read)?,
        None => {
            let from = condition::way_to_errors(filter, dialect);
            let source = Source {
                listing: Listing::Errors,
                columns: OF_ERRORS,
                from: &from,
                count_from: &from,
                alias: "e",
                time: "created_at",
            };
            let (sql, mut values) =
                page::page_sql(&source, window, &asked.whole(), Sort::Newest, None);
            values.extend([Value::Int(i64::from(most) + 1), Value::Int(0)]);
            db.rows(&sql, &values, read)?
        }
    };
    let are_more = rows.len() >= limit;
    rows.truncate(most as usize);
    let oldest = rows.last().filter(|_| are_more).map(|seen| seen.created_at);
    Ok((rows, oldest))
}

/// Counts successes; answers whether there may be more of them.
fn successes(
    db: &dyn Db,
    filter: &Filter,
    window: Window,
    most: u32,
    tally: &mut Tally,
) -> Result<bool> {
    let conditions = of_scope(filter, db.dialect());
    let way = db.dialect().by_index("requests", "r", "requests_by_time");
    let within = "r.created_at >= ? AND r.created_at <= ?";
    let times = values![window.first, window.last];
    let limit = i64::from(most) + 1;
    let requests = db.count(
        &format!(
            "SELECT count(*) FROM (SELECT 1 FROM {way} WHERE {within} LIMIT {limit}) AS counted"
        ),
        times,
    )?;
    let mut count = |cells: &mut Cells<'_>| -> Result<()> {
        tally.add(Side::Success, &read(cells)?);
        Ok(())
    };
    if requests <= u64::from(most) {
        let sql = format!(
            "SELECT {OF_REQUESTS} FROM {way} WHERE {within}{}",
            conditions.sql()
        );
        let values = [times, conditions.values()].concat();
        db.each(&sql, &values, &mut count)?;
        return Ok(false);
    }
    let end = |order: &str| -> Result<Option<i64>> {
        let sql = format!(
            "SELECT r.id FROM {way} WHERE {within} ORDER BY r.created_at {order}, r.id {order} LIMIT 1"
        );
        db.cell(&sql, times)
    };
    let (Some(one), Some(other)) = (end("ASC")?, end("DESC")?) else {
        return Ok(false);
    };
    let sql = block_sql(db.dialect(), &conditions);
    let ids = (one.min(other), one.max(other));
    sample(db, &sql, ids, times, &conditions, most, tally)?;
    Ok(true)
}

/// Reads blocks of ids, look by look, until another look could be too much.
fn sample(
    db: &dyn Db,
    sql: &str,
    (first, last): (i64, i64),
    times: &[Value],
    conditions: &Conditions,
    most: u32,
    tally: &mut Tally,
) -> Result<()> {
    let most = i64::from(most);
    let stride = ((last - first + PLACES) / PLACES).max(1);
    let step = (stride + LOOKS - 1) / LOOKS;
    // A quarter of what is wanted per look: what matches little is looked for over several.
    let block = step.min((most / (4 * PLACES)).max(1));
    for look in 0..LOOKS {
        if i64::from(tally.rows(Side::Success)) + block * PLACES > most {
            break;
        }
        for place in 0..PLACES {
            let begin = first + place * stride + look * step;
            // A place's last block ends where the next place begins.
            let end = (begin + block)
                .min(first + (place + 1) * stride)
                .min(last + 1);
            let values = [
                values![begin, end, times[0].clone(), times[1].clone()],
                conditions.values(),
            ]
            .concat();
            db.each(sql, &values, &mut |cells| {
                tally.add(Side::Success, &read(cells)?);
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Requests with ids in a range: the range alone decides which rows are read.
fn block_sql(dialect: Dialect, conditions: &Conditions) -> String {
    let within = "r.id >= ? AND r.id < ? AND r.created_at >= ? AND r.created_at <= ?";
    let rows = match dialect {
        Dialect::Sqlite => format!("requests r NOT INDEXED WHERE {within}"),
        // The offset keeps the planner from looking into the parentheses.
        Dialect::Postgres => {
            format!("(SELECT * FROM requests r WHERE {within} OFFSET 0) r WHERE TRUE")
        }
    };
    format!("SELECT {OF_REQUESTS} FROM {rows}{}", conditions.sql())
}

/// What was served at once, of the filter's scope. Everything else in a filter is the failures' own.
fn of_scope(filter: &Filter, dialect: Dialect) -> Conditions {
    let scope = Filter {
        platform: filter.platform,
        group_id: filter.group_id,
        account_id: filter.account_id,
        api_key_id: filter.api_key_id,
        user_id: filter.user_id,
        model: filter.model.clone(),
        stream: filter.stream,
        recovered: Some(false),
        replay: Some(false),
        view: View::All,
        ..Filter::between(filter.start, filter.end)
    };
    let mut conditions = condition::on_requests(&scope, dialect).whole();
    conditions.and("r.cause IS NULL");
    conditions
}

/// What something is called that is configured; who was removed has no name.
fn name(db: &dyn Db, attribute: Attribute, id: i64) -> Result<Option<String>> {
    let table = match attribute {
        Attribute::Account => "accounts",
        Attribute::Group => "groups",
        Attribute::ApiKey => "api_keys",
        Attribute::User => "users",
        _ => return Ok(None),
    };
    db.cell(
        &format!("SELECT name FROM {table} WHERE id = ?"),
        values![id],
    )
}

fn read(cells: &mut Cells<'_>) -> Result<Seen> {
    Ok(Seen {
        created_at: cells.time()?,
        platform: cells.next()?,
        account_id: cells.next()?,
        group_id: cells.next()?,
        user_id: cells.next()?,
        api_key_id: cells.next()?,
        model: cells.next()?,
        endpoint: cells.next()?,
        stream: cells.next()?,
        client: cells.next()?,
        headers: cells.next()?,
        config_version: cells.next()?,
        egress: cells.next()?,
        body_bytes: cells.next()?,
    })
}
