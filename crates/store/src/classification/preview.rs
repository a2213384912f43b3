//! Rules tried over the failures of a window: read in pieces, each a short question of its own, the newest first
//! and up to a bound; where there are more, the window begins later, and all numbers are of what was read.

use waybill_model::{
    classify::ruling::{ClassificationRule, Preview, RuleSet, Trial},
    id::ErrorId,
    time::UnixMillis,
};

use super::{
    facts::{self, Stored},
    rules::in_force,
};
use crate::{
    Store,
    sql::{Db, Result, values},
};

/// Failures of one piece.
const PIECE: usize = 5_000;

/// Failures that are read: of those that clients saw, and of those that failover hid.
const MOST_READ: u64 = 300_000;

/// Requests are counted by pieces of this length.
const COUNTED_MS: i64 = 6 * 3_600_000;

/// And in no more pieces than so many.
const MOST_PIECES: i64 = 128;

/// Behind every failure of the window, in the order in which they are read.
const FIRST: i64 = i64::MAX;

impl Store {
    /// What rules would make of the failures of a window, against the rules in force. Failures that an operator
    /// sent again are left out. `knows_all`: every request that was served has a row.
    pub async fn try_classification_rules(
        &self,
        rules: Vec<ClassificationRule>,
        (start, end): (UnixMillis, UnixMillis),
        knows_all: bool,
    ) -> Result<Preview> {
        let (now, oldest) = self
            .quick
            .run(|db| Ok((in_force(db)?, oldest(db)?)))
            .await?;
        // Every failure has its request's row, so that before the oldest row there was nothing, or it is gone.
        let counted_from = oldest.map_or(end, |oldest| oldest.clamp(start, end));
        let mut trial = Trial::new(now, RuleSet { version: 0, rules }, counted_from);
        let seen = self.read(&mut trial, false, (start, end)).await?;
        let from = seen.unwrap_or(start);
        let hidden = self.read(&mut trial, true, (from, end)).await?;
        if knows_all {
            let mut at = from.max(counted_from);
            let step = COUNTED_MS.max(end.0.saturating_sub(at.0) / MOST_PIECES);
            while at < end {
                let to = at.plus_ms(step).min(end);
                let served = self.readers.run(move |db| served(db, at, to)).await?;
                trial.served(served);
                at = to;
            }
        }
        let is_whole = seen.is_none() && hidden.is_none();
        Ok(trial.answer((from, end), is_whole, knows_all))
    }

    /// Shows the trial failures of a window. Where there are more than are read: the instant from which on all of
    /// them were.
    async fn read(
        &self,
        trial: &mut Trial,
        recovered: bool,
        (start, end): (UnixMillis, UnixMillis),
    ) -> Result<Option<UnixMillis>> {
        let mut before = (end.plus_ms(-1), FIRST);
        let mut read = 0;
        loop {
            let rows = self
                .readers
                .run(move |db| piece(db, recovered, start, before))
                .await?;
            let is_last = rows.len() < PIECE;
            for row in rows {
                // What arrived in one millisecond belongs together.
                if read >= MOST_READ && row.created_at != before.0 {
                    return Ok(Some(before.0));
                }
                before = (row.created_at, row.id);
                read += 1;
                trial.see(ErrorId(row.id), row.created_at, recovered, &row.facts());
            }
            if is_last {
                return Ok(None);
            }
        }
    }
}

fn piece(
    db: &dyn Db,
    recovered: bool,
    start: UnixMillis,
    before: (UnixMillis, i64),
) -> Result<Vec<Stored>> {
    let sql = format!(
        "SELECT {} FROM {} WHERE {} = ?1 AND e.replay_of IS NULL AND e.created_at >= ?2 AND e.created_at <= ?3
         AND (e.created_at < ?3 OR e.id < ?4) ORDER BY e.created_at DESC, e.id DESC LIMIT {PIECE}",
        facts::COLUMNS,
        db.dialect().by_index("errors", "e", "errors_of_clients"),
        db.dialect().flag("e.recovered"),
    );
    let values = values![i64::from(recovered), start, before.0, before.1];
    db.rows(&sql, values, facts::read)
}

/// When the oldest request arrived that is kept.
fn oldest(db: &dyn Db) -> Result<Option<UnixMillis>> {
    let oldest: Option<Option<UnixMillis>> =
        db.cell("SELECT min(created_at) FROM requests", &[])?;
    Ok(oldest.flatten())
}

fn served(db: &dyn Db, start: UnixMillis, end: UnixMillis) -> Result<u64> {
    let sql = format!(
        "SELECT count(*) FROM {} WHERE r.created_at >= ?1 AND r.created_at < ?2 AND r.cause IS NULL
         AND r.replay_of IS NULL",
        db.dialect().by_index("requests", "r", "requests_by_time"),
    );
    db.count(&sql, values![start, end])
}
