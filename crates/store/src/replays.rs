//! Many failed requests that are sent again: which ones, how far that is, and what came of each.
//!
//! Promises: a failure has one turn in a replay, whoever gives it; what a turn came to is counted in the transaction
//! in which it is known, so that counts and items agree after any crash; a turn whose attempt was interrupted is
//! counted as that, and not taken again.
//!
//! Must not know: how a request is sent; how a filter is spelled.

mod course;
mod items;
mod proofs;

use waybill_model::{
    id::{AccountId, ErrorId, ReplayId},
    redact::Shown,
    retry::{
        RetryMode,
        many::{Replay, ReplayBudget, ReplayIssue, ReplayStatus, StopReason, VerdictCounts},
    },
    time::UnixMillis,
    view::{List, Page},
};

use crate::{
    Store, StoreError,
    jobs::clock,
    query::numbered::Numbered,
    sql::{Cells, Db, Result, values},
};

pub use course::{Course, Turn};
pub(crate) use course::{Ended, May, began, end_interrupted, ended, may_begin};
pub use proofs::{IssueTurns, Proof};

/// In the order [`read`] reads them.
const COLUMNS: &str = "r.id, r.created_at, r.requested_by_user_id, r.note, r.filter, r.mode, r.pinned_account_id, \
    r.max_count, r.per_minute, r.max_micro_usd, r.status, r.stopped_because, r.candidates, r.candidates_is_estimate, \
    (SELECT count(*) FROM replay_items i WHERE i.replay_id = r.id AND i.verdict IS NULL), r.sent, r.would_succeed, r.fails_the_same, \
    r.fails_differently, r.not_replayable, r.not_run, r.interrupted, r.spent_micro_usd, r.unpriced, r.started_at, \
    r.finished_at, r.issues";

/// A replay that is to begin.
#[derive(Debug, Clone)]
pub struct NewReplay {
    /// Who asks.
    pub requested_by_user_id: Option<i64>,
    /// Why.
    pub note: Option<Shown>,
    /// Which failures, as text that its reader understands.
    pub filter: String,
    /// How they are sent.
    pub mode: RetryMode,
    /// The one account they are sent to.
    pub pinned_account_id: Option<AccountId>,
    /// What it may use.
    pub budget: ReplayBudget,
    /// No error that is newer has a turn.
    pub newest_error_id: ErrorId,
    /// How many there are.
    pub candidates: u64,
    /// Whether there are more than were counted.
    pub candidates_is_estimate: bool,
}

impl Store {
    /// Begins a replay. `None`: as many as may be are running.
    pub async fn create_replay(
        &self,
        new: NewReplay,
        most_running: u32,
        now: UnixMillis,
    ) -> Result<Option<Replay>> {
        self.desk
            .change(move |db| {
                let running =
                    db.count("SELECT count(*) FROM replays WHERE status = 'running'", &[])?;
                match running >= u64::from(most_running) {
                    true => Ok(None),
                    false => create(db, &new, now).map(Some),
                }
            })
            .await
    }

    /// One replay.
    pub async fn replay(&self, id: ReplayId) -> Result<Option<Replay>> {
        self.readers.run(move |db| one(db, id)).await
    }

    /// Every replay, newest first, by page number.
    pub async fn replays(&self, page: &Page) -> Result<List<Replay>> {
        let page = page.clone();
        self.readers
            .run(move |db| {
                let all = Numbered {
                    columns: COLUMNS,
                    from: "replays r",
                    table: "replays r",
                    which: "1 = 1",
                    values: &[],
                    order: "r.id DESC",
                };
                all.page(db, &page, read)
            })
            .await
    }

    /// The replays that go on, oldest first.
    pub async fn running_replays(&self) -> Result<Vec<ReplayId>> {
        let sql = "SELECT id FROM replays WHERE status = 'running' ORDER BY id";
        self.quick
            .run(move |db| db.rows(sql, &[], |cells| cells.next()))
            .await
    }

    /// Ends a replay before its next turn; those under way end on their own. One that has ended stays as it is.
    pub async fn cancel_replay(&self, id: ReplayId, now: UnixMillis) -> Result<Option<Replay>> {
        self.desk
            .change(move |db| {
                end(db, id, ReplayStatus::Cancelled, None, &[], now)?;
                one(db, id)
            })
            .await
    }

    /// Whether nothing of a replay is under way. What was when its process ended is no longer. Nothing is written
    /// as long as something is: it may be asked often.
    pub async fn settle_replay(&self, id: ReplayId) -> Result<bool> {
        let (left, running) = self
            .readers
            .run(move |db| {
                let left = open(db, id)?;
                let running = db.count(
                    "SELECT count(*) FROM replay_items i JOIN retry_attempts t ON t.id = i.attempt_id
                     WHERE i.replay_id = ?1 AND i.verdict IS NULL AND t.status = 'running'",
                    values![id],
                )?;
                Ok((left, running))
            })
            .await?;
        if left == 0 || running > 0 {
            return Ok(left == 0);
        }
        self.desk
            .change(move |db| {
                end_interrupted(db)?;
                Ok(open(db, id)? == 0)
            })
            .await
    }

    /// Ends a replay by itself, once nothing of it is under way: `false` until then. One that has ended stays
    /// as it is. `issues`: what it did to them.
    pub async fn end_replay(
        &self,
        id: ReplayId,
        stopped_because: Option<StopReason>,
        issues: Vec<ReplayIssue>,
        now: UnixMillis,
    ) -> Result<bool> {
        let status = match stopped_because {
            Some(_) => ReplayStatus::Stopped,
            None => ReplayStatus::Finished,
        };
        self.desk
            .change(move |db| {
                if open(db, id)? > 0 {
                    return Ok(false);
                }
                end(db, id, status, stopped_because, &issues, now)?;
                Ok(true)
            })
            .await
    }
}

fn create(db: &dyn Db, new: &NewReplay, now: UnixMillis) -> Result<Replay> {
    let sql = format!(
        "INSERT INTO replays (created_at, requested_by_user_id, note, filter, mode, pinned_account_id, max_count,
         per_minute, max_micro_usd, newest_error_id, candidates, candidates_is_estimate, status)
         VALUES ({}, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'running') RETURNING id",
        clock(db.dialect(), now)
    );
    let id: Option<ReplayId> = db.cell(
        &sql,
        values![
            new.requested_by_user_id,
            new.note.as_ref().map(Shown::as_str),
            &new.filter,
            new.mode.as_str(),
            new.pinned_account_id,
            new.budget.max_count,
            new.budget.per_minute,
            new.budget.max_usd,
            new.newest_error_id,
            new.candidates,
            new.candidates_is_estimate,
        ],
    )?;
    let unreadable = || StoreError::Unreadable { column: "id" };
    one(db, id.ok_or_else(unreadable)?)?.ok_or_else(unreadable)
}

/// How many of its turns have not ended.
fn open(db: &dyn Db, id: ReplayId) -> Result<u64> {
    let sql = "SELECT count(*) FROM replay_items WHERE replay_id = ?1 AND verdict IS NULL";
    db.count(sql, values![id])
}

fn end(
    db: &dyn Db,
    id: ReplayId,
    status: ReplayStatus,
    stopped_because: Option<StopReason>,
    issues: &[ReplayIssue],
    now: UnixMillis,
) -> Result<()> {
    let sql = format!(
        "UPDATE replays SET status = ?2, stopped_because = ?3, issues = ?4, finished_at = {}
         WHERE id = ?1 AND status = 'running'",
        clock(db.dialect(), now)
    );
    let because = stopped_because.map(StopReason::as_str);
    let issues =
        serde_json::to_string(issues).map_err(|_| StoreError::Unreadable { column: "issues" })?;
    db.execute(&sql, values![id, status.as_str(), because, issues])
        .map(drop)
}

fn one(db: &dyn Db, id: ReplayId) -> Result<Option<Replay>> {
    let sql = format!("SELECT {COLUMNS} FROM replays r WHERE r.id = ?1");
    db.first(&sql, values![id], read)
}

fn read(cells: &mut Cells<'_>) -> Result<Replay> {
    let mut replay = Replay {
        id: cells.next()?,
        created_at: cells.time()?,
        requested_by_user_id: cells.next()?,
        note: cells.next()?,
        filter: cells.json("filter")?,
        mode: cells.word("mode")?,
        pinned_account_id: cells.next()?,
        budget: ReplayBudget {
            max_count: cells.next()?,
            per_minute: cells.next()?,
            max_usd: cells.next()?,
        },
        status: cells.word("status")?,
        stopped_because: cells.optional_word("stopped_because")?,
        candidates: cells.count()?,
        candidates_is_estimate: cells.next()?,
        under_way: cells.count()?,
        sent: cells.count()?,
        verdicts: VerdictCounts {
            would_succeed: cells.count()?,
            fails_the_same: cells.count()?,
            fails_differently: cells.count()?,
            not_replayable: cells.count()?,
            not_run: cells.count()?,
            interrupted: cells.count()?,
        },
        spent_usd: cells.next()?,
        unpriced: cells.count()?,
        started_at: cells.next()?,
        finished_at: cells.next()?,
        issues: cells.json("issues")?,
        done: 0,
    };
    replay.done = replay.verdicts.done();
    Ok(replay)
}

/// Replays that were asked for so long ago that the failures of then are gone; those that go on stay.
pub(crate) fn remove_replays(db: &dyn Db, before: UnixMillis) -> Result<u64> {
    const OLD: &str = "status <> 'running' AND created_at < ?1";
    db.execute(
        &format!(
            "DELETE FROM replay_items WHERE replay_id IN (SELECT id FROM replays WHERE {OLD})"
        ),
        values![before],
    )?;
    db.execute(&format!("DELETE FROM replays WHERE {OLD}"), values![before])
}
