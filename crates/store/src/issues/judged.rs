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
    let sql = format!(
        "SELECT {} FROM issues i WHERE i.last_error_id >= ?1 AND i.last_error_id <= ?2",
        row::COLUMNS
    );
    for row in db.rows(&sql, values![*first, *last], row::read)? {
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

/// What a failure is judged to be at this moment: since it was read, rules may have made another thing of it.
pub(super) fn verdict_now(db: &dyn Db, id: i64) -> Result<Option<(Owner, Severity)>> {
    db.first(
        "SELECT owner, severity FROM errors WHERE id = ?1",
        values![id],
        |cells| Ok((cells.word("owner")?, cells.word("severity")?)),
    )
}
