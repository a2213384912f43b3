//! How many records were lost until when: rules ask for what was lost in a window, and counts are of all time.

use waybill_model::time::UnixMillis;

use crate::{
    Store,
    sql::{Db, Result, int, values},
};

/// The longest window of a rule, and a day.
const KEPT_MS: i64 = 8 * 86_400_000;

impl Store {
    /// How many records were lost in all until an instant, as far as rounds noted it; `None`: none looked by then.
    pub async fn losses_until(&self, at: UnixMillis) -> Result<Option<u64>> {
        self.readers
            .run(move |db| {
                let sql = "SELECT total FROM alert_losses WHERE at <= ?1 ORDER BY at DESC LIMIT 1";
                let total: Option<i64> = db.cell(sql, values![at])?;
                Ok(total.and_then(|total| u64::try_from(total).ok()))
            })
            .await
    }
}

/// The last total that was noted.
pub(super) fn last(db: &dyn Db) -> Result<Option<u64>> {
    let sql = "SELECT total FROM alert_losses ORDER BY at DESC LIMIT 1";
    let total: Option<i64> = db.cell(sql, &[])?;
    Ok(total.and_then(|total| u64::try_from(total).ok()))
}

/// Notes a total, if it is another one than the last; lets go of what no window reaches.
pub(super) fn note(db: &dyn Db, at: UnixMillis, total: u64) -> Result<()> {
    if last(db)? == Some(total) {
        return Ok(());
    }
    db.execute(
        "INSERT INTO alert_losses (at, total) VALUES (?1, ?2) ON CONFLICT (at) DO UPDATE SET total = excluded.total",
        values![at, int(total)],
    )?;
    // The newest of those still says what was lost when the longest window began.
    db.execute(
        "DELETE FROM alert_losses WHERE at < (SELECT max(at) FROM alert_losses WHERE at <= ?1)",
        values![at.plus_ms(-KEPT_MS)],
    )
    .map(drop)
}

/// Forgets what was noted after an instant.
pub(super) fn forget_after(db: &dyn Db, at: UnixMillis) -> Result<()> {
    db.execute("DELETE FROM alert_losses WHERE at > ?1", values![at])
        .map(drop)
}
