//! Rules tried over the failures of a window: read in pieces, each a short question of its own, the newest first
//! and up to a bound; where there are more, the window begins later, and all numbers are of that window.

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
    Store, StoreError,
    sql::{Db, Result, values},
};

/// Failures of one piece.
const PIECE: usize = 2_000;

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
    ///
    /// Rows are read and judged on blocking threads, piece by piece: whoever asks is in nobody's way, and ends it
    /// by going away.
    pub async fn try_classification_rules(
        &self,
        rules: Vec<ClassificationRule>,
        window: (UnixMillis, UnixMillis),
        knows_all: bool,
    ) -> Result<Preview> {
        self.try_classification_rules_on(rules, window, knows_all, MOST_READ)
            .await
    }

    /// The same of so many failures that clients saw, and so many that failover hid, at most.
    pub async fn try_classification_rules_on(
        &self,
        rules: Vec<ClassificationRule>,
        (start, end): (UnixMillis, UnixMillis),
        knows_all: bool,
        most: u64,
    ) -> Result<Preview> {
        let (now, oldest) = self
            .quick
            .run(|db| Ok((in_force(db)?, oldest(db)?)))
            .await?;
        // All figures are of one window: that of which everything is read, what clients saw and what they did not.
        let mut from = start;
        for recovered in [false, true] {
            let cut = self
                .readers
                .run(move |db| beyond(db, recovered, (from, end), most));
            from = cut.await?.unwrap_or(from);
        }
        // Every failure has its request's row, so that before the oldest row there was nothing, or it is gone.
        let counted_from = oldest.map_or(end, |oldest| oldest.clamp(start, end));
        let tried = RuleSet { version: 0, rules };
        let mut trial = blocking(move || Trial::new(now, tried, counted_from)).await?;
        for recovered in [false, true] {
            trial = self.read(trial, recovered, (from, end)).await?;
        }
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
        Ok(trial.answer((from, end), from == start, knows_all))
    }

    /// Shows the trial the failures of a window.
    async fn read(
        &self,
        mut trial: Trial,
        recovered: bool,
        (start, end): (UnixMillis, UnixMillis),
    ) -> Result<Trial> {
        let mut before = (end.plus_ms(-1), FIRST);
        loop {
            let rows = self
                .readers
                .run(move |db| piece(db, recovered, start, before))
                .await?;
            let is_last = rows.len() < PIECE;
            before = rows.last().map_or(before, |row| (row.created_at, row.id));
            // Not with the connection in hand: judging takes longer than reading.
            trial = blocking(move || {
                for row in rows {
                    trial.see(ErrorId(row.id), row.created_at, recovered, &row.facts());
                }
                trial
            })
            .await?;
            if is_last {
                return Ok(trial);
            }
        }
    }
}

/// Works where nobody is served meanwhile.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StoreError::Closed)
}

/// Where a window has more failures than are read: the instant from which on it has no more.
fn beyond(
    db: &dyn Db,
    recovered: bool,
    (start, end): (UnixMillis, UnixMillis),
    most: u64,
) -> Result<Option<UnixMillis>> {
    let sql = format!(
        "SELECT e.created_at FROM {} WHERE {} = ?1 AND e.replay_of IS NULL AND e.created_at >= ?2
         AND e.created_at < ?3 ORDER BY e.created_at DESC LIMIT 1 OFFSET ?4",
        db.dialect().by_index("errors", "e", "errors_of_clients"),
        db.dialect().flag("e.recovered"),
    );
    let values = values![i64::from(recovered), start, end, most];
    let cut = db.first(&sql, values, |cells| cells.time())?;
    // What arrived in one millisecond belongs together.
    Ok(cut.map(|at| at.plus_ms(1)))
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
