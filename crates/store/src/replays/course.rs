//! The turns of a replay: who is next, and what each came to.

use waybill_model::{
    id::{ErrorId, ReplayId, RetryId},
    money::MicroUsd,
    retry::{NotSent, Verdict, many::Replay},
    time::UnixMillis,
    view::Filter,
};

use super::one;
use crate::{
    Store,
    query::errors,
    sql::{Db, Result, values},
};

/// How far a replay is.
#[derive(Debug, Clone)]
pub struct Course {
    /// The replay.
    pub replay: Replay,
    /// No error that is newer has a turn.
    pub newest_error_id: ErrorId,
    /// The last one that had its turn, and when its request arrived.
    pub place: Option<(UnixMillis, ErrorId)>,
    /// When the last one was sent, by the clock of who sent it.
    pub last_began_at: Option<UnixMillis>,
    /// So many could not be sent since the last one that could.
    pub not_sent_in_a_row: u32,
}

/// One failure's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// In which replay.
    pub replay: ReplayId,
    /// The failure.
    pub error: ErrorId,
    /// When its request arrived.
    pub at: UnixMillis,
}

/// How a turn ended whose request was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub(crate) replay: ReplayId,
    pub(crate) error: ErrorId,
    pub(crate) verdict: Verdict,
    pub(crate) cost: Option<MicroUsd>,
    pub(crate) cost_is_unknown: bool,
}

impl Store {
    /// How far a replay is.
    pub async fn replay_course(&self, id: ReplayId) -> Result<Option<Course>> {
        self.readers
            .run(move |db| {
                let Some(replay) = one(db, id)? else {
                    return Ok(None);
                };
                db.first(
                    "SELECT newest_error_id, place_at, place_id, last_began_at, not_sent_in_a_row FROM replays
                     WHERE id = ?1",
                    values![id],
                    |cells| {
                        let newest_error_id = cells.next()?;
                        let (at, error): (Option<UnixMillis>, Option<ErrorId>) =
                            (cells.next()?, cells.next()?);
                        Ok(Course {
                            replay: replay.clone(),
                            newest_error_id,
                            place: at.zip(error),
                            last_began_at: cells.next()?,
                            not_sent_in_a_row: cells.next()?,
                        })
                    },
                )
            })
            .await
    }

    /// The next failures of a filter, newest first, behind a place in that order. No more is read of them than
    /// where they are, so that one that cannot be read keeps nobody from the others.
    pub async fn errors_behind(
        &self,
        filter: &Filter,
        place: Option<(UnixMillis, ErrorId)>,
        most: u32,
    ) -> Result<Vec<(UnixMillis, ErrorId)>> {
        let filter = filter.clone();
        self.readers
            .run(move |db| errors::behind(db, &filter, place, most))
            .await
    }

    /// A failure had its turn and was not sent. `false`: it had it before, or the replay has ended.
    pub async fn skip_in_replay(&self, turn: Turn, why: NotSent, now: UnixMillis) -> Result<bool> {
        self.desk
            .change(move |db| {
                let verdict = why.verdict();
                if !is_running(db, turn.replay)? || !take(db, &turn, None, Some(why), now)? {
                    return Ok(false);
                }
                let sql = format!(
                    "UPDATE replays SET {0} = {0} + 1, not_sent_in_a_row = not_sent_in_a_row + 1, place_at = ?2,
                     place_id = ?3 WHERE id = ?1",
                    verdict.as_str()
                );
                db.execute(&sql, values![turn.replay, turn.at, turn.error])?;
                Ok(true)
            })
            .await
    }
}

fn is_running(db: &dyn Db, id: ReplayId) -> Result<bool> {
    let sql = "SELECT count(*) FROM replays WHERE id = ?1 AND status = 'running'";
    Ok(db.count(sql, values![id])? > 0)
}

/// Whether a failure's turn may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum May {
    /// It may.
    Begin,
    /// Once what is under way has ended, of which nobody knows yet what it costs.
    Wait,
    /// The replay has ended, its budget is used up, or the failure had its turn before.
    Not,
}

/// Whether a failure's turn may begin: the replay goes on, its budget is not used up, and it had none before. Under a
/// limit in money the cost of every answer before has to be known, whichever replica asked for it.
pub(crate) fn may_begin(db: &dyn Db, turn: &Turn) -> Result<May> {
    let sql = "SELECT max_micro_usd IS NOT NULL
        AND EXISTS (SELECT 1 FROM replay_items o WHERE o.replay_id = ?1 AND o.verdict IS NULL)
        FROM replays WHERE id = ?1 AND status = 'running' AND sent < max_count
        AND (max_micro_usd IS NULL OR (spent_micro_usd < max_micro_usd AND unpriced = 0))
        AND NOT EXISTS (SELECT 1 FROM replay_items i WHERE i.replay_id = ?1 AND i.source_error_id = ?2)";
    let waits: Option<bool> = db.cell(sql, values![turn.replay, turn.error])?;
    Ok(match waits {
        None => May::Not,
        Some(true) => May::Wait,
        Some(false) => May::Begin,
    })
}

/// A failure's turn has begun: it is being sent.
pub(crate) fn began(db: &dyn Db, turn: &Turn, attempt: RetryId, now: UnixMillis) -> Result<()> {
    take(db, turn, Some(attempt), None, now)?;
    db.execute(
        "UPDATE replays SET sent = sent + 1, not_sent_in_a_row = 0, place_at = ?2, place_id = ?3,
         last_began_at = ?4, started_at = coalesce(started_at, ?4) WHERE id = ?1",
        values![turn.replay, turn.at, turn.error, now],
    )
    .map(drop)
}

fn take(
    db: &dyn Db,
    turn: &Turn,
    attempt: Option<RetryId>,
    why: Option<NotSent>,
    now: UnixMillis,
) -> Result<bool> {
    let made = db.execute(
        "INSERT INTO replay_items (created_at, replay_id, source_error_id, source_error_at, attempt_id, verdict, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (replay_id, source_error_id) DO NOTHING",
        values![
            now,
            turn.replay,
            turn.error,
            turn.at,
            attempt,
            why.map(|why| why.verdict().as_str()),
            why.map(NotSent::as_str),
        ],
    )?;
    Ok(made > 0)
}

/// A turn whose request was sent has ended. It ends once.
pub(crate) fn ended(db: &dyn Db, how: &Ended) -> Result<()> {
    let changed = db.execute(
        "UPDATE replay_items SET verdict = ?3 WHERE replay_id = ?1 AND source_error_id = ?2 AND verdict IS NULL",
        values![how.replay, how.error, how.verdict.as_str()],
    )?;
    if changed == 0 {
        return Ok(());
    }
    let sql = format!(
        "UPDATE replays SET {0} = {0} + 1, spent_micro_usd = spent_micro_usd + ?2, unpriced = unpriced + ?3
         WHERE id = ?1",
        how.verdict.as_str()
    );
    let unpriced = i64::from(how.cost_is_unknown);
    db.execute(
        &sql,
        values![how.replay, how.cost.unwrap_or_default(), unpriced],
    )
    .map(drop)
}

/// Ends every turn whose attempt is over without having said so: its process ended.
pub(crate) fn end_interrupted(db: &dyn Db) -> Result<()> {
    let over: Vec<(ReplayId, ErrorId)> = db.rows(
        "SELECT i.replay_id, i.source_error_id FROM replay_items i LEFT JOIN retry_attempts t ON t.id = i.attempt_id
         WHERE i.verdict IS NULL AND (t.id IS NULL OR t.status <> 'running')",
        &[],
        |cells| Ok((cells.next()?, cells.next()?)),
    )?;
    for (replay, error) in over {
        ended(
            db,
            &Ended {
                replay,
                error,
                verdict: Verdict::Interrupted,
                cost: None,
                // Nothing is known of it, its cost neither.
                cost_is_unknown: true,
            },
        )?;
    }
    Ok(())
}
