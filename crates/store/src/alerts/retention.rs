//! Removing events that are over and old enough. One that goes on stays, however long it does, and so does one that
//! the outbox speaks of: whoever reads there finds it.

use waybill_model::time::UnixMillis;

use crate::{
    Store,
    sql::{Result, values},
};

/// Events that go at once.
const BATCH_ROWS: i64 = 1_000;

impl Store {
    /// Removes events that ended before an instant; answers how many.
    pub async fn forget_alert_events(&self, before: UnixMillis) -> Result<u64> {
        let mut removed = 0;
        loop {
            let batch = self
                .quick_desk()
                .change(move |db| {
                    let sql =
                        "DELETE FROM alert_events WHERE id IN (SELECT e.id FROM alert_events e
                         WHERE e.resolved_at < ?1 AND e.status <> 'firing'
                         AND NOT EXISTS (SELECT 1 FROM notifications n
                            WHERE n.topic = 'alert:' || CAST(e.id AS TEXT))
                         ORDER BY e.resolved_at LIMIT ?2)";
                    db.execute(sql, values![before, BATCH_ROWS])
                })
                .await?;
            removed += batch;
            if batch < BATCH_ROWS as u64 {
                return Ok(removed);
            }
        }
    }
}
