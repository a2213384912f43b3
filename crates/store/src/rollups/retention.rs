//! Removing roll-ups that are older than those of their length are kept.

use waybill_model::{rollup::Span, time::UnixMillis};

use super::name::Name;
use crate::{
    RetentionPolicy,
    sql::{Db, Result, values},
};

/// Roll-ups of one facet that begin at so many instants go at once.
const BEGINS: i64 = 4;

const TABLES: [&str; 2] = ["rollups", "rollup_causes"];

/// Removes some that are too old; whether there may be more.
pub(crate) fn remove(db: &dyn Db, policy: &RetentionPolicy, now: UnixMillis) -> Result<bool> {
    // The next longer ones are whole where the shorter ones end.
    let ages = [
        (Span::Minute, Span::Hour, policy.rollup_minutes_max_age_ms),
        (Span::Hour, Span::Day, policy.rollup_hours_max_age_ms),
        (Span::Day, Span::Day, policy.rollup_days_max_age_ms),
    ];
    for (span, next, max_age_ms) in ages {
        let Some(max_age_ms) = max_age_ms else {
            continue;
        };
        let before = next.begin(now.plus_ms(max_age_ms.saturating_neg()));
        if remove_before(db, span, before)? {
            return Ok(true);
        }
        if span == Span::Day {
            db.execute("DELETE FROM rollup_days WHERE day < ?1", values![before])?;
            db.execute(
                "DELETE FROM rollup_models WHERE used_on < ?1",
                values![before],
            )?;
        }
    }
    Ok(false)
}

fn remove_before(db: &dyn Db, span: Span, before: UnixMillis) -> Result<bool> {
    // Said first, in the same transaction: what is about to go is not added to, nor read, any more.
    db.execute(
        "INSERT INTO rollup_kept (span_ms, kept_from) VALUES (?1, ?2) ON CONFLICT (span_ms) DO UPDATE SET
         kept_from = excluded.kept_from WHERE rollup_kept.kept_from < excluded.kept_from",
        values![span.millis(), before],
    )?;
    for table in TABLES {
        for name in Name::all() {
            let key = values![span.millis(), name.text()];
            let sql =
                format!("SELECT min(begins_at) FROM {table} WHERE span_ms = ?1 AND facet = ?2");
            let oldest: Option<Option<UnixMillis>> = db.cell(&sql, key)?;
            let Some(oldest) = oldest.flatten().filter(|oldest| *oldest < before) else {
                continue;
            };
            let end = before.min(oldest.plus_ms(BEGINS * span.millis()));
            db.execute(
                &format!(
                    "DELETE FROM {table} WHERE span_ms = ?1 AND facet = ?2 AND begins_at < ?3"
                ),
                values![span.millis(), name.text(), end],
            )?;
            return Ok(true);
        }
    }
    Ok(false)
}
