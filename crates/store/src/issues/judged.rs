//! Issues after failures were judged anew: whose fault an issue is, and how urgent, are those of its last failure.

use std::collections::HashMap;

use waybill_model::{
    cause::{Owner, Severity},
    record::Verdict,
};

use super::row;
use crate::sql::{Db, Result, values};

/// Takes over what failures are judged to be now; they are given in the order of ids.
pub(crate) fn judged_anew(db: &dyn Db, judged: &[(i64, Verdict)]) -> Result<()> {
    let (Some((first, _)), Some((last, _))) = (judged.first(), judged.last()) else {
        return Ok(());
    };
    let verdicts: HashMap<i64, &Verdict> = judged.iter().map(|(id, made)| (*id, made)).collect();
    for row in db.rows(&of_last_errors(), values![*first, *last], row::read)? {
        let Some(verdict) = verdicts.get(&row.last.1) else {
            continue;
        };
        let impact = row.weight.impact(verdict.severity, row.who());
        db.execute(
            "UPDATE issues SET owner = ?2, severity = ?3, impact = ?4 WHERE issue = ?1",
            values![
                row.key.as_slice(),
                verdict.owner.as_str(),
                verdict.severity.as_str(),
                impact
            ],
        )?;
    }
    Ok(())
}

/// Issues whose last failure is one of a range of ids; there is an index for it.
fn of_last_errors() -> String {
    format!(
        "SELECT {} FROM issues i WHERE i.last_error_id >= ?1 AND i.last_error_id <= ?2",
        row::COLUMNS
    )
}

/// What a failure is judged to be at this moment: since it was read, rules may have made another thing of it.
pub(super) fn verdict_now(db: &dyn Db, id: i64) -> Result<Option<(Owner, Severity)>> {
    db.first(
        "SELECT owner, severity FROM errors WHERE id = ?1",
        values![id],
        |cells| Ok((cells.word("owner")?, cells.word("severity")?)),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::{Store, StoreOptions};

    #[test]
    fn issues_are_found_by_their_last_failure_without_going_through_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("waybill.db");
        let _store = Store::open(StoreOptions::at(file.clone())).unwrap();
        let database = rusqlite::Connection::open(file).unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {}", of_last_errors());
        let plan: String = database.query_row(&sql, [1, 2], |row| row.get(3)).unwrap();
        assert!(plan.contains("issues_by_last_error"), "{plan}");
    }
}
