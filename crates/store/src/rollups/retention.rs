//! Removing roll-ups that are older than those of their length are kept; and what removing requests means to them.
//!
//! Promises: what is not folded is known to be, so that whoever removes requests can leave it; what had to go all the
//! same is counted. A clock that leaps ahead for a moment removes little, and nothing is refused for good after it.

use waybill_model::{rollup::Span, time::UnixMillis};

use super::{
    Length, ROWS_KEY,
    fold::{Folded, begin},
    name::Name,
};
use crate::{
    RetentionPolicy, Store,
    sql::{Db, Result, int, values},
};

/// Roll-ups of one facet that begin at so many instants go at once.
const BEGINS: i64 = 4;

const TABLES: [&str; 2] = ["rollups", "rollup_causes"];

/// The clock is followed by so much with every run, ahead and back.
const STEP_MS: i64 = Span::Hour.millis();

impl Store {
    /// The moment that retention is to go by. What is believed of the clock moves by at most an hour with every call
    /// from what was believed before, whatever requests say: those that arrive while it is far ahead are stamped by
    /// it. So a clock that is ahead for some minutes removes some hours, and not everything; and one that was right
    /// all along, while nobody ran, is caught up with an hour at a time. It is never later than `now`.
    ///
    /// Where nothing was believed yet, it is what the newest request says, and an hour; without requests, `now`.
    pub async fn retention_moment(&self, now: UnixMillis) -> Result<UnixMillis> {
        self.quick_desk()
            .change(move |db| {
                let last: Option<UnixMillis> =
                    db.cell("SELECT at FROM retention_clock WHERE id = 1", &[])?;
                let known = match last {
                    Some(last) => Some(last),
                    None => {
                        let newest: Option<Option<UnixMillis>> =
                            db.cell("SELECT max(created_at) FROM requests", &[])?;
                        newest.flatten()
                    }
                };
                let believed = known.map_or(now, |known| {
                    now.clamp(known.plus_ms(-STEP_MS), known.plus_ms(STEP_MS))
                });
                db.execute(
                    "INSERT INTO retention_clock (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = excluded.at",
                    values![believed],
                )?;
                Ok(believed.min(now))
            })
            .await
    }
}

/// Up to which id requests are folded: those behind it are in no roll-up yet.
pub(crate) fn folded_to(db: &dyn Db) -> Result<i64> {
    Ok(Folded::load(db)?.to)
}

/// Says that requests that arrived before an instant have gone, or may have.
pub(crate) fn rows_gone(db: &dyn Db, before: UnixMillis) -> Result<()> {
    let sql = "INSERT INTO rollup_kept (span_ms, kept_from) VALUES (?1, ?2) ON CONFLICT (span_ms) DO UPDATE SET
         kept_from = excluded.kept_from WHERE rollup_kept.kept_from < excluded.kept_from";
    db.execute(sql, values![ROWS_KEY, before]).map(drop)
}

/// A clock that was far ahead wrote requests, and said that they have gone. From now on they are there; `now` may lie
/// behind, and where it does, the request that was stored last says better what has been.
fn rows_are_there_again(db: &dyn Db, now: UnixMillis) -> Result<()> {
    let sql = "SELECT kept_from FROM rollup_kept WHERE span_ms = ?1 AND kept_from > ?2";
    let ahead: Option<UnixMillis> = db.cell(sql, values![ROWS_KEY, now])?;
    if ahead.is_none() {
        return Ok(());
    }
    let sql = "SELECT created_at FROM requests ORDER BY id DESC LIMIT 1";
    let stored: Option<UnixMillis> = db.cell(sql, &[])?;
    let from = stored.map_or(now, |stored| stored.max(now));
    db.execute(
        "UPDATE rollup_kept SET kept_from = ?2 WHERE span_ms = ?1 AND kept_from > ?2",
        values![ROWS_KEY, from],
    )
    .map(drop)
}

/// Counts requests that go before they are folded, and says when they arrived.
pub(crate) fn give_up(
    db: &dyn Db,
    count: u64,
    (first, last): (UnixMillis, UnixMillis),
) -> Result<()> {
    begin(db)?;
    db.execute(
        "UPDATE rollup_fold SET given_up = given_up + ?1,
         given_up_from = CASE WHEN given_up_from < ?2 THEN given_up_from ELSE ?2 END,
         given_up_to = CASE WHEN given_up_to > ?3 THEN given_up_to ELSE ?3 END WHERE id = 1",
        values![int(count), first, last],
    )
    .map(drop)
}

/// Removes some that are too old; whether there may be more.
pub(crate) fn remove(db: &dyn Db, policy: &RetentionPolicy, now: UnixMillis) -> Result<bool> {
    rows_are_there_again(db, now)?;
    // The next longer ones are whole where the shorter ones end.
    let ages = [
        (Length::ENDED, Span::Hour, policy.rollup_minutes_max_age_ms),
        (
            Length::arrived(Span::Minute),
            Span::Hour,
            policy.rollup_minutes_max_age_ms,
        ),
        (
            Length::arrived(Span::Hour),
            Span::Day,
            policy.rollup_hours_max_age_ms,
        ),
        (
            Length::arrived(Span::Day),
            Span::Day,
            policy.rollup_days_max_age_ms,
        ),
    ];
    for (length, next, max_age_ms) in ages {
        let Some(max_age_ms) = max_age_ms else {
            continue;
        };
        let before = next.begin(now.plus_ms(max_age_ms.saturating_neg()));
        // A clock that was far ahead said that all was old. From here on it is not.
        db.execute(
            "UPDATE rollup_kept SET kept_from = ?2 WHERE span_ms = ?1 AND kept_from > ?3",
            values![length.key(), next.begin(now), now],
        )?;
        if remove_before(db, length, before)? {
            return Ok(true);
        }
        if length.span == Span::Day {
            db.execute(
                "DELETE FROM rollup_models WHERE used_on < ?1",
                values![before],
            )?;
        }
    }
    Ok(false)
}

fn remove_before(db: &dyn Db, length: Length, before: UnixMillis) -> Result<bool> {
    // Said first, in the same transaction: what is about to go is not added to, nor read, any more.
    db.execute(
        "INSERT INTO rollup_kept (span_ms, kept_from) VALUES (?1, ?2) ON CONFLICT (span_ms) DO UPDATE SET
         kept_from = excluded.kept_from WHERE rollup_kept.kept_from < excluded.kept_from",
        values![length.key(), before],
    )?;
    for table in TABLES {
        for name in Name::all() {
            let key = values![length.key(), name.text()];
            let sql =
                format!("SELECT min(begins_at) FROM {table} WHERE span_ms = ?1 AND facet = ?2");
            let oldest: Option<Option<UnixMillis>> = db.cell(&sql, key)?;
            let Some(oldest) = oldest.flatten().filter(|oldest| *oldest < before) else {
                continue;
            };
            let end = before.min(oldest.plus_ms(BEGINS * length.span.millis()));
            db.execute(
                &format!(
                    "DELETE FROM {table} WHERE span_ms = ?1 AND facet = ?2 AND begins_at < ?3"
                ),
                values![length.key(), name.text(), end],
            )?;
            return Ok(true);
        }
    }
    Ok(false)
}
