//! Failures judged anew, in the order of their ids, by a place that is written with what was changed.
//!
//! The place never stands still: what is committed after a change of the rules may have been judged by those
//! before (it lay in a spool, or another replica did not know of the change yet), and is passed like all else.

use waybill_model::{
    classify::ruling::{Found, Judge, Ruling},
    id::ErrorId,
    record::Verdict,
    view::RulesProgress,
};

use super::{
    facts::{self, Stored},
    rules::in_force,
};
use crate::{
    Store,
    blocks::is_far_ahead,
    issues,
    rollups::{self, judged::Judged},
    sql::{Db, Result, values},
};

/// Ids that one batch goes through at most.
const STEP: i64 = 5_000;

/// Failures that one batch changes at most: some milliseconds of writing, for which failures that are being
/// recorded wait.
const MOST_CHANGED: usize = 500;

/// Failures that are left are counted up to here.
const MOST_COUNTED: u64 = 200_000;

/// What one batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JudgeReport {
    /// Failures that were looked at.
    pub looked_at: u64,
    /// Failures whose verdict is another one now; those that an operator sent again are not counted.
    pub changed: u64,
    /// Whether there may be more to do at once.
    pub more: bool,
    /// More blocks than a few have changed and are to be taken in first, by [`Store::index_errors`].
    pub waits: bool,
}

/// Where judging is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    version: i64,
    judged_to: i64,
    changed: u64,
}

/// A batch that was read and judged: from where on, up to where.
struct Batch {
    from: Place,
    to: i64,
    version: i64,
    looked_at: u64,
    changes: Vec<Change>,
}

struct Change {
    row: Stored,
    verdict: Verdict,
    ruling: Ruling,
}

impl Store {
    /// Judges one batch of stored failures by the rules in force. Whoever else does so at the same time does it
    /// in vain: a batch is written once. On the embedded store it stays a few blocks ahead of whoever takes them
    /// in, so that lists have few to look through row by row.
    pub async fn judge_anew(&self) -> Result<JudgeReport> {
        if !self.is_shared() && self.readers.run(is_far_ahead).await? {
            return Ok(JudgeReport {
                waits: true,
                ..JudgeReport::default()
            });
        }
        let Some(batch) = self.readers.run(read_batch).await? else {
            return Ok(JudgeReport::default());
        };
        let mut report = JudgeReport {
            looked_at: batch.looked_at,
            changed: batch.changed(),
            more: true,
            waits: false,
        };
        let is_written = self
            .quick_desk()
            .change(move |db| write_batch(db, &batch))
            .await?;
        if !is_written {
            (report.looked_at, report.changed) = (0, 0);
        }
        Ok(report)
    }

    /// How far stored failures are judged by the rules in force.
    pub async fn classification_progress(&self) -> Result<RulesProgress> {
        self.quick
            .run(|db| {
                let (set, place) = (in_force(db)?, place(db)?);
                let here = match place.version == set.version {
                    true => place,
                    false => Place {
                        version: set.version,
                        ..Place::default()
                    },
                };
                let left = match set.version {
                    0 => 0,
                    _ => db.count(
                        "SELECT count(*) FROM (SELECT 1 FROM errors WHERE id > ?1 LIMIT ?2) AS counted",
                        values![here.judged_to, MOST_COUNTED + 1],
                    )?,
                };
                Ok(RulesProgress {
                    version: here.version,
                    applied_to: ErrorId(here.judged_to),
                    remaining: left.min(MOST_COUNTED),
                    remaining_is_estimate: left > MOST_COUNTED,
                    changed: here.changed,
                    is_done: left == 0,
                })
            })
            .await
    }
}

/// Up to where failures are judged by a version; version 0 where none is.
pub(crate) fn judged_to(db: &dyn Db) -> Result<(i64, i64)> {
    place(db).map(|place| (place.version, place.judged_to))
}

fn place(db: &dyn Db) -> Result<Place> {
    let sql = "SELECT version, judged_to, changed FROM classification_fold WHERE id = 1";
    let found = db.first(sql, &[], |cells| {
        Ok(Place {
            version: cells.next()?,
            judged_to: cells.next()?,
            changed: cells.count()?,
        })
    })?;
    Ok(found.unwrap_or_default())
}

fn read_batch(db: &dyn Db) -> Result<Option<Batch>> {
    let rules = Judge::of(in_force(db)?);
    if rules.version() == 0 {
        return Ok(None);
    }
    let from = place(db)?;
    let is_new = from.version != rules.version();
    let end = |which: &str| -> Result<i64> {
        let sql = format!("SELECT {which}(id) FROM errors");
        Ok(db.cell::<Option<i64>>(&sql, &[])?.flatten().unwrap_or(0))
    };
    let (oldest, newest) = (end("min")?, end("max")?);
    let done_to = if is_new { 0 } else { from.judged_to };
    // What retention removed is passed at once.
    let after = done_to.max(oldest - 1);
    if after >= newest && !is_new {
        return Ok(None);
    }
    let mut batch = Batch {
        from,
        to: newest.min(after.saturating_add(STEP)),
        version: rules.version(),
        looked_at: 0,
        changes: Vec::new(),
    };
    let sql = format!(
        "SELECT {} FROM {} WHERE e.id > ?1 AND e.id <= ?2 ORDER BY e.id",
        facts::COLUMNS,
        db.dialect().by_id("errors", "e")
    );
    let rows = db.rows(&sql, values![after, batch.to], facts::read)?;
    for row in rows {
        let (verdict, ruling) = rules.judge(&row.facts());
        batch.looked_at += 1;
        if (verdict, ruling.by, ruling.found) == (row.verdict, row.ruling.by, row.ruling.found) {
            continue;
        }
        let id = row.id;
        batch.changes.push(Change {
            row,
            verdict,
            ruling,
        });
        if batch.changes.len() >= MOST_CHANGED {
            batch.to = id;
            break;
        }
    }
    Ok(Some(batch))
}

impl Batch {
    fn changed(&self) -> u64 {
        let counted = self.changes.iter().filter(|change| change.is_counted());
        counted.count() as u64
    }
}

impl Change {
    /// Whether the verdict itself is another one, of a request of a client's.
    fn is_counted(&self) -> bool {
        self.verdict != self.row.verdict && !self.row.is_replay
    }
}

/// Writes a batch, unless somebody else was there or the rules have changed: then `false`.
fn write_batch(db: &dyn Db, batch: &Batch) -> Result<bool> {
    db.execute(
        "INSERT INTO classification_fold (id, version, judged_to, changed) VALUES (1, 0, 0, 0)
         ON CONFLICT (id) DO NOTHING",
        &[],
    )?;
    let changed = match batch.from.version == batch.version {
        true => batch.from.changed,
        false => 0,
    } + batch.changed();
    let moved = db.execute(
        "UPDATE classification_fold SET version = ?1, judged_to = ?2, changed = ?3
         WHERE id = 1 AND version = ?4 AND judged_to = ?5
         AND EXISTS (SELECT 1 FROM classification_rules r WHERE r.version = ?1)",
        values![
            batch.version,
            batch.to,
            changed,
            batch.from.version,
            batch.from.judged_to
        ],
    )?;
    if moved == 0 {
        return Ok(false);
    }
    let judged: Vec<Judged> = batch
        .changes
        .iter()
        .filter(|change| change.verdict != change.row.verdict)
        .map(|change| Judged {
            request_id: change.row.request_id.clone(),
            at: change.row.created_at,
        })
        .collect();
    rollups::judged::around(db, &judged, || {
        batch
            .changes
            .iter()
            .try_for_each(|change| write(db, change))
    })?;
    let judged: Vec<(i64, Verdict)> = batch
        .changes
        .iter()
        .map(|change| (change.row.id, change.verdict))
        .collect();
    issues::judged_anew(db, &judged)?;
    Ok(true)
}

fn write(db: &dyn Db, change: &Change) -> Result<()> {
    let Change {
        row,
        verdict,
        ruling,
    } = change;
    db.execute(
        "UPDATE errors SET cause = ?3, severity = ?4, owner = ?5, is_retryable = ?6, is_business_limited = ?7,
         ruled_version = ?8, ruled_by = ?9, found = ?10 WHERE id = ?1 AND created_at = ?2",
        values![
            row.id,
            row.created_at,
            verdict.cause.as_str(),
            verdict.severity.as_str(),
            verdict.owner.as_str(),
            verdict.is_retryable,
            verdict.is_business_limited,
            ruling.version,
            ruling.by,
            ruling.found.as_ref().map(Found::to_string)
        ],
    )?;
    // The request says what it failed of, if it did.
    if verdict.cause != row.verdict.cause && !row.recovered {
        db.execute(
            "UPDATE requests SET cause = ?3 WHERE request_id = ?1 AND created_at = ?2 AND cause IS NOT NULL",
            values![&row.request_id, row.created_at, verdict.cause.as_str()],
        )?;
    }
    Ok(())
}
