//! Counting days anew: what is stored is judged differently now, and counts as it is judged.
//!
//! A day is counted into a generation of its own, beside the one that counts, and takes its place in one go when
//! all of it is counted. What is folded meanwhile is added to both. Where rows of the day are gone, the new
//! generation would say less than the old one: then the old one stays.

use waybill_model::{
    rollup::{Facet, Span},
    time::UnixMillis,
};

use super::{
    SPANS,
    fold::{Folded, RollupReport, begin},
    name::Name,
    read::{self, BATCH, Models},
    tally::{Pick, Spans, Tally},
    write::{self, Kept},
};
use crate::{
    Store,
    sql::{Db, Result, values},
};

/// Days that one request for it may name.
const MOST_DAYS: i64 = 1_000;

/// A day under way.
#[derive(Debug, Clone, Copy)]
struct Way {
    day: UnixMillis,
    generation: i64,
    read_at: UnixMillis,
    read_id: i64,
    end_id: i64,
}

/// What a batch adds to it.
struct Batch {
    way: Way,
    to: (UnixMillis, i64),
    count: u64,
    missing: u64,
    is_last: bool,
    models: Models,
    spans: Spans,
}

impl Store {
    /// Has the days that a window touches counted anew, by the fold, from the rows that are stored; of the days
    /// of which rows are gone nothing changes. Answers how many days. Numbers change day by day, each in one go.
    pub async fn recount_rollups(&self, start: UnixMillis, end: UnixMillis) -> Result<u64> {
        self.quick_desk()
            .change(move |db| {
                begin(db)?;
                let folded = Folded::load(db)?.to;
                let days: Vec<UnixMillis> = db.rows(
                    "SELECT begins_at FROM rollups WHERE span_ms = ?1 AND facet = ?2 AND begins_at >= ?3
                     AND begins_at < ?4 GROUP BY begins_at ORDER BY begins_at DESC LIMIT ?5",
                    values![
                        Span::Day.millis(),
                        Facet::All.as_str(),
                        Span::Day.begin(start),
                        end,
                        MOST_DAYS
                    ],
                    |cells| cells.time(),
                )?;
                for day in &days {
                    db.execute(
                        "INSERT INTO rollup_days (day, generation, newest, building, read_at, read_id, end_id,
                         missing, outcome, swept) VALUES (?1, 0, 1, 1, ?1, 0, ?2, 0, NULL, 0)
                         ON CONFLICT (day) DO UPDATE SET newest = rollup_days.newest + 1,
                         building = rollup_days.newest + 1, read_at = excluded.read_at, read_id = 0,
                         end_id = excluded.end_id, missing = 0, outcome = NULL, swept = 0",
                        values![*day, folded],
                    )?;
                }
                Ok(days.len() as u64)
            })
            .await
    }

    /// Counts a batch anew, or removes what has been replaced.
    pub(super) async fn recount_batch(&self) -> Result<RollupReport> {
        let Some(batch) = self.readers.run(read_batch).await? else {
            return self.sweep().await;
        };
        let count = batch.count;
        let written = self
            .quick_desk()
            .change(move |db| write_batch(db, &batch))
            .await?;
        Ok(RollupReport {
            recounted: written.map_or(0, |_| count),
            days: u64::from(written == Some(true)),
            more: true,
            ..RollupReport::default()
        })
    }

    /// Removes generations of one day that do not count, a little at a time.
    async fn sweep(&self) -> Result<RollupReport> {
        let sql =
            "SELECT day FROM rollup_days WHERE swept = 0 AND building IS NULL ORDER BY day LIMIT 1";
        let day: Option<UnixMillis> = self.readers.run(move |db| db.cell(sql, &[])).await?;
        let Some(day) = day else {
            return Ok(RollupReport::default());
        };
        for (table, span, name, hour) in parts_of(day) {
            self.quick_desk()
                .change(move |db| {
                    let sql = format!(
                        "DELETE FROM {table} WHERE span_ms = ?1 AND facet = ?2 AND begins_at >= ?3 AND begins_at < ?4
                         AND generation <> (SELECT generation FROM rollup_days WHERE day = ?5)
                         AND generation <> coalesce((SELECT building FROM rollup_days WHERE day = ?5), -1)"
                    );
                    let end = match span {
                        Span::Minute => hour.plus_ms(Span::Hour.millis()),
                        Span::Hour | Span::Day => hour.plus_ms(Span::Day.millis()),
                    };
                    db.execute(&sql, values![span.millis(), name.text(), hour, end, day])
                })
                .await?;
        }
        self.quick_desk()
            .change(move |db| {
                let sql = "UPDATE rollup_days SET swept = 1 WHERE day = ?1 AND building IS NULL";
                db.execute(sql, values![day])
            })
            .await?;
        Ok(RollupReport {
            more: true,
            ..RollupReport::default()
        })
    }
}

/// A day's roll-ups in parts of a bounded size.
fn parts_of(day: UnixMillis) -> Vec<(&'static str, Span, Name, UnixMillis)> {
    let mut parts = Vec::new();
    for table in ["rollups", "rollup_causes"] {
        for span in SPANS {
            for name in Name::all() {
                let hours = if span == Span::Minute { 24 } else { 1 };
                for hour in 0..hours {
                    parts.push((table, span, name, day.plus_ms(hour * Span::Hour.millis())));
                }
            }
        }
    }
    parts
}

fn read_batch(db: &dyn Db) -> Result<Option<Batch>> {
    let way = db.first(
        "SELECT day, building, read_at, read_id, end_id FROM rollup_days WHERE building IS NOT NULL
         ORDER BY day DESC LIMIT 1",
        &[],
        |cells| {
            Ok(Way {
                day: cells.time()?,
                generation: cells.next()?,
                read_at: cells.time()?,
                read_id: cells.next()?,
                end_id: cells.next()?,
            })
        },
    )?;
    let Some(way) = way else {
        return Ok(None);
    };
    let mut models = Models::default();
    let day = (way.day, way.day.plus_ms(Span::Day.millis()));
    let rows = read::within(db, day, (way.read_at, way.read_id), way.end_id, &mut models)?;
    let mut tally = Tally::of(Pick::Every);
    let counted = rows.iter().filter(|row| !row.is_replay);
    counted.clone().for_each(|row| tally.add(&row.seen));
    let last = rows.last();
    Ok(Some(Batch {
        to: last.map_or((way.read_at, way.read_id), |row| (row.seen.at, row.id)),
        count: counted.clone().count() as u64,
        missing: counted.filter(|row| row.is_missing).count() as u64,
        is_last: (rows.len() as i64) < BATCH,
        models,
        spans: tally.spans(),
        way,
    }))
}

/// Writes a batch: `None` if somebody else was there, else whether the day is done.
fn write_batch(db: &dyn Db, batch: &Batch) -> Result<Option<bool>> {
    let way = batch.way;
    let moved = db.execute(
        "UPDATE rollup_days SET read_at = ?1, read_id = ?2, missing = missing + ?3
         WHERE day = ?4 AND building = ?5 AND read_at = ?6 AND read_id = ?7",
        values![
            batch.to.0,
            batch.to.1,
            batch.missing,
            way.day,
            way.generation,
            way.read_at,
            way.read_id
        ],
    )?;
    if moved == 0 {
        return Ok(None);
    }
    batch.models.write(db)?;
    let kept = Kept::load(db)?;
    write::add(db, &batch.spans, &kept, |_| Some(way.generation))?;
    if batch.is_last {
        end(db, way)?;
    }
    Ok(Some(batch.is_last))
}

/// The new generation takes its place, if it is of all that the old one is of.
fn end(db: &dyn Db, way: Way) -> Result<()> {
    let requests = |generation: &str| -> Result<u64> {
        db.count(
            &format!(
                "SELECT r.requests FROM rollups r WHERE r.span_ms = ?1 AND r.facet = ?2 AND r.begins_at = ?3 AND r.value = ''
                 AND r.generation = (SELECT {generation} FROM rollup_days WHERE day = ?3)"
            ),
            values![Span::Day.millis(), Facet::All.as_str(), way.day],
        )
    };
    let missing = db.count(
        "SELECT missing FROM rollup_days WHERE day = ?1",
        values![way.day],
    )?;
    let is_whole = missing == 0 && requests("building")? == requests("generation")?;
    let sql = match is_whole {
        true => {
            "UPDATE rollup_days SET generation = building, building = NULL, outcome = 'recounted' WHERE day = ?1"
        }
        false => "UPDATE rollup_days SET building = NULL, outcome = 'rows_gone' WHERE day = ?1",
    };
    db.execute(sql, values![way.day]).map(drop)
}
