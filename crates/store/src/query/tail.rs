//! Errors in the order in which they were committed, for those who follow them: everything after an id.
//!
//! Promises: a reader that goes on from where its last look reached is given every error once, whatever is
//! committed meanwhile; one look reads a bounded number of rows, whatever is asked for and however far
//! behind the reader is; a filter that nothing matches reaches as far as any other.
//!
//! It rests on ids being given in the order of commits, which both databases do.

use waybill_model::{
    id::ErrorId,
    view::{ErrorLog, Filter, MissedErrors},
};

use super::{condition, errors};
use crate::{
    Store, issues,
    sql::{Db, Dialect, Result, Value, values},
};

/// Ids that one look goes through. What matches little is found over several looks.
const STEP: i64 = 5_000;

/// Ids that are gone through to count what a reader is not given; beyond, the count is from below.
const COUNTED: i64 = 50_000;

/// What a reader is given at once, and what it may leave unread.
#[derive(Debug, Clone, Copy)]
pub struct TailBounds {
    /// Errors per look.
    pub page: u32,
    /// A reader that has more ids than this before it is moved to the newest one.
    pub most_behind: u32,
}

/// What one look found.
#[derive(Debug, Clone, PartialEq)]
pub struct Newer {
    /// Errors that match, in the order in which they were committed.
    pub errors: Vec<ErrorLog>,
    /// Everything up to here has been looked at: where the next look goes on.
    pub reached: ErrorId,
    /// The newest error there is.
    pub newest: ErrorId,
    /// What was passed over, because the reader was too far behind. Then there are no errors.
    pub missed: Option<MissedErrors>,
}

impl Store {
    /// The id of the newest error; 0 where there is none.
    pub async fn newest_error(&self) -> Result<ErrorId> {
        self.quick.run(|db| newest(db).map(ErrorId)).await
    }

    /// The next errors after an id that match a filter. Of the filter's window the start alone counts; its
    /// own `after_id` does not.
    pub async fn errors_after(
        &self,
        filter: &Filter,
        after: ErrorId,
        bounds: TailBounds,
    ) -> Result<Newer> {
        let filter = Filter {
            after_id: None,
            ..filter.clone()
        };
        self.readers
            .run(move |db| look(db, &issues::resolve(db, &filter)?, after.0, bounds))
            .await
    }
}

fn look(db: &dyn Db, filter: &Filter, after: i64, bounds: TailBounds) -> Result<Newer> {
    // Read first: what is committed later is for the next look.
    let newest = newest(db)?;
    let behind = newest.saturating_sub(after);
    if behind > i64::from(bounds.most_behind) {
        return Ok(Newer {
            errors: Vec::new(),
            reached: ErrorId(newest),
            newest: ErrorId(newest),
            missed: missed(db, filter, after, newest)?,
        });
    }
    let up_to = newest.min(after.saturating_add(STEP));
    let page = bounds.page.max(1);
    let errors = if up_to > after {
        page_of(db, filter, after, up_to, page)?
    } else {
        Vec::new()
    };
    let reached = match errors.last() {
        // There may be more of them.
        Some(last) if errors.len() >= page as usize => last.id,
        // The newest errors may have been removed: nobody goes back.
        _ => ErrorId(up_to.max(after)),
    };
    Ok(Newer {
        errors,
        reached,
        newest: ErrorId(newest),
        missed: None,
    })
}

fn newest(db: &dyn Db) -> Result<i64> {
    let newest: Option<Option<i64>> = db.cell("SELECT max(id) FROM errors", &[])?;
    Ok(newest.flatten().unwrap_or(0))
}

fn page_of(
    db: &dyn Db,
    filter: &Filter,
    after: i64,
    up_to: i64,
    page: u32,
) -> Result<Vec<ErrorLog>> {
    let (rows, mut values) = among(db.dialect(), filter, after, up_to);
    let sql = format!("SELECT {} {rows} ORDER BY e.id LIMIT ?", errors::COLUMNS);
    values.push(Value::Int(page.into()));
    db.rows(&sql, &values, errors::read_log)
}

/// `None` where nothing of what was passed over matches.
fn missed(db: &dyn Db, filter: &Filter, after: i64, newest: i64) -> Result<Option<MissedErrors>> {
    let counted_from = after.max(newest.saturating_sub(COUNTED));
    let (rows, values) = among(db.dialect(), filter, counted_from, newest);
    let count = db.count(&format!("SELECT count(*) {rows}"), &values)?;
    let count_is_estimate = counted_from > after;
    Ok((count > 0 || count_is_estimate).then_some(MissedErrors {
        after_id: ErrorId(after),
        up_to_id: ErrorId(newest),
        count,
        count_is_estimate,
    }))
}

/// `FROM` and `WHERE` over the errors with ids in a range, and its values. The range alone decides which
/// rows are read: any other index would go through all that ever matched.
fn among(dialect: Dialect, filter: &Filter, after: i64, up_to: i64) -> (String, Vec<Value>) {
    let from = match dialect {
        Dialect::Sqlite => "errors e NOT INDEXED WHERE e.id > ? AND e.id <= ?",
        // The offset keeps the planner from looking into the parentheses.
        Dialect::Postgres => {
            "(SELECT * FROM errors WHERE id > ? AND id <= ? OFFSET 0) e WHERE TRUE"
        }
    };
    let conditions = condition::on_errors(filter, dialect).whole();
    let mut values = values![after, up_to, filter.start].to_vec();
    values.extend_from_slice(conditions.values());
    let sql = format!("FROM {from} AND e.created_at >= ?{}", conditions.sql());
    (sql, values)
}

#[cfg(test)]
pub(super) fn explained(dialect: Dialect, filter: &Filter) -> (String, Vec<Value>) {
    let (rows, values) = among(dialect, filter, 1, 2);
    (
        format!("SELECT {} {rows} ORDER BY e.id LIMIT 3", errors::COLUMNS),
        values,
    )
}
