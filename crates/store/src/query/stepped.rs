//! How one page of a list is read from PostgreSQL, step by step:
//!
//! 1. Where the row is that lies [`WALK`] rows from the end that was asked for.
//! 2. The rows from the end to there, tested one by one: whatever many rows have fills a page here.
//! 3. What is left, day by day: all that the indexes find in that day's partition, sorted. It ends with the
//!    day that fills the page.
//!
//! None of it is steered by the planner's guess of how many rows there are: `OFFSET 0` keeps order and limit
//! out of the choice of the index, and the partition of one day is small. Counting goes day by day, too.
//!
//! Promises: the same rows in the same order as one statement would give.

use std::time::{Duration, Instant};

use waybill_model::{time::UnixMillis, view::Sort};

use super::{
    condition::{Asked, Conditions, Window},
    page::{COUNT_LIMIT, Listing, Place},
};
use crate::sql::{Cells, Db, Dialect, Result, Value, int, values};

/// Rows that are tested one by one before indexes are asked.
const WALK: i64 = 2_000;

/// Counting for a list ends after so long; the total is then an estimate from below.
pub(super) const COUNT_TIME: Duration = Duration::from_secs(1);

const DAY_MS: i64 = 86_400_000;

/// An attempt begins at most so long after its request arrived.
const LONGEST_REQUEST_MS: i64 = DAY_MS;

/// And never before it, as far as clocks are not set meanwhile.
const CLOCK_SLACK_MS: i64 = 3_600_000;

/// A list to be read in steps.
pub(super) struct Stepped<'a> {
    db: &'a dyn Db,
    listing: Listing,
    columns: &'a str,
    asked: &'a Asked,
    sort: Sort,
}

/// A statement under way.
struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    fn new(text: impl Into<String>) -> Self {
        Sql {
            text: text.into(),
            values: Vec::new(),
        }
    }

    fn add(&mut self, conditions: &Conditions) -> &mut Self {
        self.text += conditions.sql();
        self.values.extend_from_slice(conditions.values());
        self
    }

    fn say(&mut self, text: &str) -> &mut Self {
        self.text += text;
        self
    }

    fn with(&mut self, text: &str, values: &[Value]) -> &mut Self {
        self.values.extend_from_slice(values);
        self.say(text)
    }

    fn append(&mut self, other: Sql) -> &mut Self {
        self.values.extend(other.values);
        self.say(&other.text)
    }
}

impl<'a> Stepped<'a> {
    /// `None` for a list that is not kept by day, or another database's.
    pub(super) fn of(
        db: &'a dyn Db,
        listing: Listing,
        columns: &'a str,
        asked: &'a Asked,
        sort: Sort,
    ) -> Option<Self> {
        let by_day = match listing {
            Listing::Errors | Listing::Events | Listing::Requests => true,
            Listing::Noise | Listing::Audit | Listing::Deliveries => false,
        };
        (by_day && db.dialect() == Dialect::Postgres).then_some(Stepped {
            db,
            listing,
            columns,
            asked,
            sort,
        })
    }

    /// The first rows of a window, behind a place if there is one.
    pub(super) fn page<T>(
        &self,
        window: Window,
        after: Option<Place>,
        limit: usize,
        mut read: impl FnMut(&mut Cells<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let window = match (self.sort, after) {
            (_, None) => window,
            (Sort::Newest, Some(at)) => window.up_to(at.created_at),
            (Sort::Oldest, Some(at)) => window.from(at.created_at),
        };
        let days = self.days(window)?;
        let (Some(first), Some(last)) = (days.first(), days.last()) else {
            return Ok(Vec::new());
        };
        // What lies outside of every day need not be planned for.
        let window = window.from(first.first).up_to(last.last);
        let mut run = |window, walk, most: usize| {
            let sql = self.page_sql(window, after, walk, most);
            self.db.rows(&sql.text, &sql.values, &mut read)
        };
        if self.asked.is_few {
            return run(window, false, limit);
        }
        let boundary = self.boundary(window, after)?;
        let walked = match (self.sort, boundary) {
            (_, None) => window,
            (Sort::Newest, Some(at)) => window.from(at),
            (Sort::Oldest, Some(at)) => window.up_to(at),
        };
        let mut rows = run(walked, true, limit)?;
        let Some(boundary) = boundary else {
            return Ok(rows);
        };
        let left = match self.sort {
            Sort::Newest => window.up_to(boundary.plus_ms(-1)),
            Sort::Oldest => window.from(boundary.plus_ms(1)),
        };
        let mut days = within(&days, left);
        if self.sort == Sort::Newest {
            days.reverse();
        }
        for day in days {
            if rows.len() >= limit {
                break;
            }
            rows.extend(run(day, false, limit - rows.len())?);
        }
        Ok(rows)
    }

    /// How many rows match, counted no further than one beyond the limit, for about so long; and whether all were.
    pub(super) fn count(&self, window: Window, time: Duration) -> Result<(u64, bool)> {
        let days = self.days(window)?;
        if self.asked.is_few {
            let (Some(first), Some(last)) = (days.first(), days.last()) else {
                return Ok((0, true));
            };
            let counted = self.count_in(window.from(first.first).up_to(last.last), 0)?;
            return Ok((counted, true));
        }
        let begun = Instant::now();
        let mut counted = 0;
        for day in within(&days, window).into_iter().rev() {
            if begun.elapsed() > time {
                return Ok((counted, false));
            }
            counted += self.count_in(day, counted)?;
            if counted > COUNT_LIMIT {
                break;
            }
        }
        Ok((counted, true))
    }

    fn count_in(&self, window: Window, counted: u64) -> Result<u64> {
        let mut sql = Sql::new("SELECT count(*) FROM (SELECT 1 FROM (");
        sql.append(self.rows(window, None, "1", "1", false)).with(
            " OFFSET 0) AS found LIMIT ?) AS counted",
            values![(COUNT_LIMIT + 1).saturating_sub(counted)],
        );
        self.db.count(&sql.text, &sql.values)
    }

    /// The days there are that a window touches, each as far as it lies in it, by time.
    fn days(&self, window: Window) -> Result<Vec<Window>> {
        let table = match self.listing {
            Listing::Errors | Listing::Noise | Listing::Audit | Listing::Deliveries => "errors",
            Listing::Events => "upstream_events",
            Listing::Requests => "requests",
        };
        let mut starts: Vec<i64> = self.db.rows(
            "SELECT CAST(substring(pg_get_expr(c.relpartbound, c.oid) FROM '''(-[0-9]+|[0-9]+)''') AS BIGINT)
             FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = CAST(CAST(?1 AS TEXT) AS REGCLASS)",
            values![table],
            |cells| cells.next(),
        )?;
        if self.listing == Listing::Events {
            // An attempt is kept by the day of its request.
            let around = starts.iter().flat_map(|day| [day - DAY_MS, day + DAY_MS]);
            starts.extend(around.collect::<Vec<_>>());
        }
        starts.sort_unstable();
        starts.dedup();
        let days: Vec<Window> = starts
            .into_iter()
            .map(|start| Window {
                first: UnixMillis(start),
                last: UnixMillis(start + DAY_MS - 1),
            })
            .collect();
        Ok(within(&days, window))
    }

    /// When the row was written that lies so many rows from the end asked for. Looked for in two days first,
    /// because more take longer to plan.
    fn boundary(&self, window: Window, after: Option<Place>) -> Result<Option<UnixMillis>> {
        let near = match self.sort {
            Sort::Newest => window.from(window.last.plus_ms(-2 * DAY_MS)),
            Sort::Oldest => window.up_to(window.first.plus_ms(2 * DAY_MS)),
        };
        let found = self.boundary_in(near, after)?;
        let is_whole = near.first == window.first && near.last == window.last;
        match found {
            None if !is_whole => self.boundary_in(window, after),
            found => Ok(found),
        }
    }

    fn boundary_in(&self, window: Window, after: Option<Place>) -> Result<Option<UnixMillis>> {
        let (table, alias) = self.table();
        let mut sql = Sql::new(format!(
            "SELECT {alias}.created_at FROM {table} {alias} WHERE TRUE"
        ));
        sql.add(&self.span(window, after)).with(
            &format!(
                " ORDER BY {alias}.created_at {} LIMIT 1 OFFSET ?",
                self.way()
            ),
            values![WALK - 1],
        );
        self.db.cell(&sql.text, &sql.values)
    }

    fn page_sql(&self, window: Window, after: Option<Place>, walk: bool, limit: usize) -> Sql {
        let (_, alias) = self.table();
        let way = self.way();
        let order = format!("ORDER BY {alias}.created_at {way}, {alias}.id {way}");
        // A fence: what is found does not depend on what is looked for first.
        let fence = if walk { "" } else { " OFFSET 0" };
        let limit = Value::Int(int(limit as u64));
        let rows = match self.listing {
            Listing::Events => self.rows(window, after, "u.*", ATTEMPT_AND_ERROR, walk),
            Listing::Errors
            | Listing::Requests
            | Listing::Noise
            | Listing::Audit
            | Listing::Deliveries => self.rows(window, after, &format!("{alias}.*"), "", walk),
        };
        let mut sql = Sql::new("SELECT ");
        match self.listing {
            Listing::Errors
            | Listing::Requests
            | Listing::Noise
            | Listing::Audit
            | Listing::Deliveries => {
                sql.say(self.columns).say(" FROM (").append(rows);
                sql.with(&format!("{fence}) {alias} {order} LIMIT ?"), &[limit]);
            }
            Listing::Events => {
                let columns = self.columns.replace("e.request_id", "u.of_request_id");
                let columns = columns.replace("e.recovered", "u.of_recovered");
                sql.say(&columns).say(" FROM (SELECT * FROM (").append(rows);
                sql.with(&format!("{fence}) u {order} LIMIT ?) u"), &[limit]);
                let day = Conditions::within("d.error_at", days_around(window));
                sql.say(
                    " LEFT JOIN event_details d ON d.event_id = u.id AND d.error_at = u.error_at",
                )
                .add(&day)
                .say(" ")
                .say(&order);
            }
        }
        sql
    }

    /// Rows of a window, in no order. `of_error` are columns of an attempt's error.
    fn rows(
        &self,
        window: Window,
        after: Option<Place>,
        columns: &str,
        of_error: &str,
        walk: bool,
    ) -> Sql {
        let Asked {
            own, lead, failure, ..
        } = self.asked;
        let span = self.span(window, after);
        let mut sql = Sql::new(String::new());
        match self.listing {
            Listing::Errors | Listing::Noise | Listing::Audit | Listing::Deliveries => {
                sql.say(&format!("SELECT {columns} FROM errors e WHERE TRUE"))
                    .add(&span)
                    .add(own);
                if !walk {
                    sql.add(lead);
                }
            }
            Listing::Requests => {
                sql.say(&format!("SELECT {columns} FROM requests r WHERE TRUE"))
                    .add(&span)
                    .add(own);
                if !failure.is_empty() {
                    sql.say(
                        " AND EXISTS (SELECT 1 FROM errors e WHERE e.request_id = r.request_id
                         AND e.created_at = r.created_at",
                    )
                    .add(&Conditions::within("e.created_at", window))
                    .add(failure)
                    .say(")");
                }
            }
            Listing::Events => self.attempts(&mut sql, window, &span, columns, of_error, walk),
        }
        sql
    }

    fn attempts(
        &self,
        sql: &mut Sql,
        window: Window,
        span: &Conditions,
        columns: &str,
        of_error: &str,
        walk: bool,
    ) {
        let Asked {
            own,
            lead,
            model,
            by_error,
            ..
        } = self.asked;
        let columns = match columns {
            "1" => "1".to_owned(),
            all => format!("{all}, {of_error}"),
        };
        let error = Conditions::within("e.created_at", days_around(window));
        if walk && *by_error {
            // All rows of the span first, each joined to its error then.
            sql.say(&format!(
                "SELECT {columns} FROM (SELECT * FROM upstream_events u WHERE TRUE"
            ))
            .add(span)
            .say(" OFFSET 0) u JOIN errors e ON e.id = u.error_id AND e.created_at = u.error_at")
            .add(&error)
            .say(" WHERE TRUE")
            .add(own);
            if let Some(model) = model {
                sql.with(" AND (u.model = ? OR e.model = ?)", values![model, model]);
            }
            return;
        }
        let source = format!(
            "SELECT {columns} FROM upstream_events u
             JOIN errors e ON e.id = u.error_id AND e.created_at = u.error_at WHERE TRUE"
        );
        let part = |sql: &mut Sql| {
            sql.say(&source).add(span).add(&error).add(own);
            if !walk {
                sql.add(lead);
            }
        };
        part(sql);
        if let Some(model) = model {
            // The model that was sent, or the one that was asked for: each has an index.
            sql.with(" AND u.model = ?", values![model])
                .say(" UNION ALL ");
            part(sql);
            sql.with(
                " AND e.model = ? AND u.model IS DISTINCT FROM ?",
                values![model, model],
            );
        }
    }

    fn span(&self, window: Window, after: Option<Place>) -> Conditions {
        let (_, alias) = self.table();
        let mut span = Conditions::within(&format!("{alias}.created_at"), window);
        if self.listing == Listing::Events {
            let days = days_around(window);
            span.with(
                "u.error_at >= ? AND u.error_at <= ?",
                values![days.first, days.last],
            );
        }
        if let Some(at) = after {
            let beyond = match self.sort {
                Sort::Newest => "<",
                Sort::Oldest => ">",
            };
            span.with(
                &format!("({alias}.created_at, {alias}.id) {beyond} (?, ?)"),
                values![at.created_at, at.id],
            );
        }
        span
    }

    /// The statement of a step, to be explained.
    #[cfg(test)]
    pub(super) fn explained(&self, window: Window, walk: bool) -> (String, Vec<Value>) {
        let sql = self.page_sql(window, None, walk, 51);
        (sql.text, sql.values)
    }

    fn table(&self) -> (&'static str, &'static str) {
        match self.listing {
            Listing::Errors | Listing::Noise | Listing::Audit | Listing::Deliveries => {
                ("errors", "e")
            }
            Listing::Events => ("upstream_events", "u"),
            Listing::Requests => ("requests", "r"),
        }
    }

    fn way(&self) -> &'static str {
        match self.sort {
            Sort::Newest => "DESC",
            Sort::Oldest => "ASC",
        }
    }
}

/// What the list of attempts shows of their errors.
const ATTEMPT_AND_ERROR: &str = "e.request_id AS of_request_id, e.recovered AS of_recovered";

/// When the requests arrived whose attempts began in a window.
fn days_around(window: Window) -> Window {
    Window {
        first: UnixMillis(window.first.0.saturating_sub(LONGEST_REQUEST_MS)),
        last: UnixMillis(window.last.0.saturating_add(CLOCK_SLACK_MS)),
    }
}

/// The days that a window touches, each as far as it lies in it.
fn within(days: &[Window], window: Window) -> Vec<Window> {
    days.iter()
        .map(|day| day.from(window.first).up_to(window.last))
        .filter(|day| day.first <= day.last)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(first: i64, last: i64) -> Window {
        Window {
            first: UnixMillis(first),
            last: UnixMillis(last),
        }
    }

    #[test]
    fn a_window_is_cut_at_midnight_and_days_that_are_not_there_are_left_out() {
        let days = [
            window(0, DAY_MS - 1),
            window(2 * DAY_MS, 3 * DAY_MS - 1),
            window(3 * DAY_MS, 4 * DAY_MS - 1),
        ];
        let bounds = |found: Vec<Window>| -> Vec<(i64, i64)> {
            found.iter().map(|w| (w.first.0, w.last.0)).collect()
        };
        assert_eq!(
            bounds(within(&days, window(5, 2 * DAY_MS))),
            [(5, DAY_MS - 1), (2 * DAY_MS, 2 * DAY_MS)]
        );
        assert_eq!(bounds(within(&days, window(DAY_MS, 2 * DAY_MS - 1))), []);
        assert_eq!(within(&days, window(i64::MIN, i64::MAX)).len(), 3);
    }
}
