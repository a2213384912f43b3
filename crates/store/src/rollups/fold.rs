//! Folding: a batch of requests is read, added up in memory, and written with how far requests are folded.

use waybill_model::time::UnixMillis;

use super::{
    read::{self, Models},
    tally::{Pick, Spans, Tally},
    write::{self, Kept},
};
use crate::{
    Store,
    sql::{Db, Result, values},
};

/// What one batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RollupReport {
    /// Requests that were counted for the first time.
    pub folded: u64,
    /// Whether there may be more to do at once.
    pub more: bool,
}

/// How far requests are folded.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Folded {
    pub(super) to: i64,
    /// When the youngest of them arrived.
    pub(super) newest_at: Option<UnixMillis>,
    /// When the oldest request arrived that was there when folding began.
    pub(super) oldest_at: UnixMillis,
    /// How often stored failures were judged anew.
    pub(super) judgements: i64,
    /// Requests that had to go before they were folded.
    pub(super) given_up: u64,
    /// When the first and the last of them arrived.
    given_up_between: Option<(UnixMillis, UnixMillis)>,
}

impl Folded {
    pub(super) fn load(db: &dyn Db) -> Result<Folded> {
        let sql = "SELECT folded_to, newest_at, oldest_at, judgements, given_up, given_up_from, given_up_to
             FROM rollup_fold WHERE id = 1";
        let found = db.first(sql, &[], |cells| {
            Ok(Folded {
                to: cells.next()?,
                newest_at: Some(cells.time()?),
                oldest_at: cells.time()?,
                judgements: cells.next()?,
                given_up: cells.count()?,
                given_up_between: cells
                    .next::<Option<UnixMillis>>()?
                    .zip(cells.next::<Option<UnixMillis>>()?),
            })
        })?;
        Ok(found.unwrap_or_default())
    }

    /// Whether requests of a window had to go before they were folded.
    pub(super) fn gave_up_of(&self, start: UnixMillis, end: UnixMillis) -> bool {
        self.given_up_between
            .is_some_and(|(first, last)| first < end && start <= last)
    }
}

/// What a batch adds.
struct Batch {
    from: Folded,
    to: i64,
    newest_at: UnixMillis,
    count: u64,
    is_full: bool,
    models: Models,
    spans: Spans,
}

impl Store {
    /// Folds one batch of requests into roll-ups. Whoever else does so at the same time does so in vain: a batch
    /// counts once.
    pub async fn fold_rollups(&self) -> Result<RollupReport> {
        let Some(batch) = self.readers.run(read_batch).await? else {
            return Ok(RollupReport::default());
        };
        let (count, is_full) = (batch.count, batch.is_full);
        let written = self
            .quick_desk()
            .change(move |db| write_batch(db, &batch))
            .await?;
        Ok(RollupReport {
            folded: if written { count } else { 0 },
            more: is_full || !written,
        })
    }
}

fn read_batch(db: &dyn Db) -> Result<Option<Batch>> {
    let from = Folded::load(db)?;
    let mut models = Models::default();
    let rows = read::behind(db, from.to, read::BATCH, &mut models)?;
    let Some(last) = rows.last() else {
        return Ok(None);
    };
    let mut tally = Tally::of(Pick::Every);
    let counted = rows.iter().filter(|row| !row.is_replay);
    counted.clone().for_each(|row| tally.add(&row.seen));
    Ok(Some(Batch {
        from,
        to: last.id,
        newest_at: rows.iter().map(|row| row.seen.at).max().unwrap_or_default(),
        count: counted.count() as u64,
        is_full: rows.len() as i64 >= read::BATCH,
        models,
        spans: tally.spans(),
    }))
}

/// Writes a batch, unless somebody else was there.
fn write_batch(db: &dyn Db, batch: &Batch) -> Result<bool> {
    begin(db)?;
    let moved = db.execute(
        "UPDATE rollup_fold SET folded_to = ?1, newest_at = CASE WHEN newest_at > ?3 THEN newest_at ELSE ?3 END
         WHERE id = 1 AND folded_to = ?2 AND judgements = ?4",
        values![
            batch.to,
            batch.from.to,
            batch.newest_at,
            batch.from.judgements
        ],
    )?;
    if moved == 0 {
        return Ok(false);
    }
    batch.models.write(db)?;
    write::add(db, &batch.spans, &Kept::load(db)?)?;
    Ok(true)
}

/// The place where it is kept how far requests are folded.
pub(super) fn begin(db: &dyn Db) -> Result<()> {
    if db.count("SELECT count(*) FROM rollup_fold", &[])? > 0 {
        return Ok(());
    }
    let oldest: Option<Option<i64>> = db.cell("SELECT min(created_at) FROM requests", &[])?;
    db.execute(
        "INSERT INTO rollup_fold (id, folded_to, newest_at, oldest_at, judgements) VALUES (1, 0, 0, ?1, 0)
         ON CONFLICT (id) DO NOTHING",
        values![oldest.flatten().unwrap_or(0)],
    )
    .map(drop)
}
