//! Taking blocks in: the words of their rows are collected outside of any writing, and written in small steps.

use waybill_model::time::UnixMillis;

use super::{ROWS, word::Words};
use crate::{
    Store,
    sql::{Cells, Db, Dialect, Result, Value, values},
};

/// Blocks of one step: some milliseconds of writing.
const STEP: i64 = 4;

/// Of these, for blocks that have changed, if there are new ones, too: neither has to wait for the other to end.
const CHANGED: usize = 2;

/// With so many blocks to be taken in anew, whoever changes many waits. Each list looks through all of them that it
/// cannot rule out, in some ten microseconds each.
const MOST_CHANGED: u64 = 128;

/// Blocks without rows that are forgotten in one step.
const FORGOTTEN: i64 = 64;

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IndexReport {
    /// Blocks of errors that were taken in, for the first time or anew.
    pub blocks: u64,
    /// Whether there may be more to do at once.
    pub more: bool,
}

/// A block as it is taken in.
struct Block {
    id: i64,
    /// How often it had changed when it was read.
    turns: Option<i64>,
    /// Of its errors, and of their attempts; first and last.
    errors: Span,
    attempts: Span,
    words: Words,
}

/// From an instant to another; nothing: the last is before the first.
#[derive(Clone, Copy)]
struct Span(i64, i64);

impl Span {
    const NOTHING: Span = Span(i64::MAX, i64::MIN);

    fn with(self, at: UnixMillis) -> Span {
        Span(self.0.min(at.0), self.1.max(at.0))
    }
}

impl Store {
    /// Takes in some of the blocks of errors that are not yet, or have changed. Lists are right without it, and
    /// quick with it. Nothing to do for a shared store.
    pub async fn index_errors(&self) -> Result<IndexReport> {
        if self.is_shared() {
            return Ok(IndexReport::default());
        }
        let blocks = self.readers.run(read).await?;
        let more = blocks.len() as i64 >= STEP;
        let report = IndexReport {
            blocks: blocks.len() as u64,
            more,
        };
        let has_old = self.readers.run(|db| Ok(!gone(db)?.is_empty())).await?;
        if report.blocks > 0 || has_old {
            self.quick_desk()
                .change(move |db| write(db, blocks))
                .await?;
        }
        Ok(report)
    }
}

fn read(db: &dyn Db) -> Result<Vec<Block>> {
    let newest: Option<Option<i64>> = db.cell("SELECT max(id) FROM errors", &[])?;
    let newest = newest.flatten().unwrap_or(0);
    let last: Option<Option<i64>> = db.cell("SELECT max(block) FROM error_blocks", &[])?;
    let last = last.flatten();
    let changed = db.rows(
        "SELECT block, turns FROM error_blocks_stale WHERE block <= ?1 LIMIT ?2",
        values![last.unwrap_or(-1), STEP],
        |cells| Ok((cells.next::<i64>()?, cells.next::<i64>()?)),
    )?;
    let mut changed = changed.into_iter();
    let mut blocks = Vec::new();
    for (id, turns) in changed.by_ref().take(CHANGED) {
        blocks.push(collect(db, id, Some(turns))?);
    }
    let mut next = last.map_or(0, |last| last + 1);
    while (blocks.len() as i64) < STEP {
        // Where retention has been there may be none for long.
        let there: Option<i64> = db.cell(
            "SELECT id FROM errors WHERE id >= ?1 ORDER BY id LIMIT 1",
            values![next * ROWS],
        )?;
        let Some(id) = there
            .map(|id| id / ROWS)
            .filter(|id| id * ROWS + ROWS <= newest + 1)
        else {
            break;
        };
        let turns = db.cell(
            "SELECT turns FROM error_blocks_stale WHERE block = ?1",
            values![id],
        )?;
        blocks.push(collect(db, id, turns)?);
        next = id + 1;
    }
    while (blocks.len() as i64) < STEP
        && let Some((id, turns)) = changed.next()
    {
        blocks.push(collect(db, id, Some(turns))?);
    }
    Ok(blocks)
}

/// Whether so many blocks are to be taken in anew that no further one should change.
pub(crate) fn is_far_ahead(db: &dyn Db) -> Result<bool> {
    // Those that are not taken in yet are no dearer for having changed.
    let sql = "SELECT count(*) FROM (SELECT 1 FROM error_blocks_stale
        WHERE block <= (SELECT max(block) FROM error_blocks) LIMIT ?1)";
    Ok(db.count(sql, values![MOST_CHANGED])? >= MOST_CHANGED)
}

/// Blocks that are before all errors.
fn gone(db: &dyn Db) -> Result<Vec<i64>> {
    let oldest: Option<Option<i64>> = db.cell("SELECT min(id) FROM errors", &[])?;
    let before = oldest.flatten().unwrap_or(0) / ROWS;
    let sql = "SELECT block FROM error_blocks WHERE block < ?1 ORDER BY block LIMIT ?2";
    db.rows(sql, values![before, FORGOTTEN], |cells| cells.next())
}

fn write(db: &dyn Db, blocks: Vec<Block>) -> Result<()> {
    for id in gone(db)? {
        remove(db, id)?;
        db.execute(
            "DELETE FROM error_blocks_stale WHERE block = ?1",
            values![id],
        )?;
    }
    for block in blocks {
        remove(db, block.id)?;
        db.execute(
            "INSERT INTO error_words (rowid, words) VALUES (?1, ?2)",
            values![block.id, block.words.joined()],
        )?;
        db.execute(
            "INSERT INTO error_blocks VALUES (?1, ?2, ?3, ?4, ?5)",
            values![
                block.id,
                block.errors.0,
                block.errors.1,
                block.attempts.0,
                block.attempts.1
            ],
        )?;
        // One that has changed since it was read stays marked.
        db.execute(
            "DELETE FROM error_blocks_stale WHERE block = ?1 AND turns = ?2",
            &[Value::Int(block.id), block.turns.into()],
        )?;
    }
    Ok(())
}

fn remove(db: &dyn Db, id: i64) -> Result<()> {
    if db.execute("DELETE FROM error_blocks WHERE block = ?1", values![id])? > 0 {
        db.execute("DELETE FROM error_words WHERE rowid = ?1", values![id])?;
    }
    Ok(())
}

/// Columns whose values are words, each with the word's name; those of errors, then those of attempts. Of these,
/// and of the texts, each is watched by a trigger that marks blocks.
const ERROR_VALUES: &[(&str, &str)] = &[
    ("e.platform", "platform"),
    ("e.account_id", "account"),
    ("e.cause", "cause"),
    ("e.model", "model"),
    ("e.status_code", "status"),
    ("e.recovered", "recovered"),
    ("e.stream", "stream"),
    ("e.replay_of IS NOT NULL", "replay"),
    ("e.group_id", "group"),
    ("e.api_key_id", "key"),
    ("e.user_id", "user"),
    ("e.phase", "phase"),
    ("e.error_type", "type"),
    ("e.severity", "severity"),
    ("e.owner", "owner"),
    ("e.source", "source"),
    ("e.resolved", "resolved"),
    ("e.fingerprint", "fingerprint"),
    (
        "CASE WHEN e.owner = 'client' OR e.is_business_limited THEN 'excluded' ELSE 'errors' END",
        "view",
    ),
];
/// Words whose values are written anew after a row was made. All others last.
pub(crate) const CHANGING: &[&str] = &["cause", "severity", "owner", "resolved", "view"];

const ATTEMPT_VALUES: &[(&str, &str)] = &[
    ("u.platform", "attempt.platform"),
    ("u.account_id", "attempt.account"),
    ("u.cause", "attempt.cause"),
    ("u.model", "attempt.model"),
    ("u.upstream_status_code", "attempt.status"),
];
const ERROR_TEXTS: &[&str] = &[
    "e.message",
    "e.request_id",
    "e.client_request_id",
    "e.model",
    "nullif(e.upstream_error_message, e.message)",
];
const ATTEMPT_TEXTS: &[&str] = &["u.message", "u.upstream_request_id", "u.model"];

fn collect(db: &dyn Db, id: i64, turns: Option<i64>) -> Result<Block> {
    let mut words = Words::default();
    let range = values![id * ROWS, id * ROWS + ROWS - 1];
    let errors = Dialect::Sqlite.by_id("errors", "e");
    let attempts = Dialect::Sqlite.by_index("upstream_events", "u", "events_by_error");
    let errors = gather(
        db,
        &format!("{errors} WHERE e.id BETWEEN ?1 AND ?2"),
        "e.created_at",
        ERROR_VALUES,
        ERROR_TEXTS,
        range,
        &mut words,
    )?;
    let attempts = gather(
        db,
        &format!("{attempts} WHERE u.error_id BETWEEN ?1 AND ?2"),
        "u.created_at",
        ATTEMPT_VALUES,
        ATTEMPT_TEXTS,
        range,
        &mut words,
    )?;
    Ok(Block {
        id,
        turns,
        errors,
        attempts,
        words,
    })
}

fn gather(
    db: &dyn Db,
    rows: &str,
    time: &str,
    named: &[(&str, &str)],
    texts: &[&str],
    range: &[Value],
    words: &mut Words,
) -> Result<Span> {
    let columns: Vec<&str> = [time]
        .into_iter()
        .chain(named.iter().map(|(column, _)| *column))
        .chain(texts.iter().copied())
        .collect();
    let sql = format!("SELECT {} FROM {rows}", columns.join(", "));
    let mut span = Span::NOTHING;
    db.each(&sql, range, &mut |cells: &mut Cells<'_>| {
        span = span.with(cells.time()?);
        for (_, name) in named {
            match cells.raw()? {
                crate::sql::Cell::Null => {}
                crate::sql::Cell::Int(number) => words.value(name, number.to_string().as_bytes()),
                crate::sql::Cell::Text(text) => words.value(name, text.as_bytes()),
                crate::sql::Cell::Bytes(bytes) => words.value(name, bytes),
                crate::sql::Cell::Flag(flag) => {
                    words.value(name, i64::from(flag).to_string().as_bytes());
                }
            }
        }
        for _ in texts {
            if let Some(text) = cells.next::<Option<String>>()? {
                words.text(&text);
            }
        }
        Ok(())
    })?;
    Ok(span)
}

#[cfg(test)]
mod tests;
