//! Attempts to send a failed request again.
//!
//! Promises: one at a time per failure, and not too soon after the last, whichever replicas are asked, by the
//! database's own clock where replicas share it; an attempt has one end: what was swept as interrupted stays so.
//!
//! Must not know: how a request is sent.

use waybill_model::{
    cause::Cause,
    id::{AccountId, ErrorId, ReplayId, RequestId, RetryId},
    money::MicroUsd,
    redact::Shown,
    retry::{RetryAttempt, RetryMode, RetryStatus, Verdict},
    time::UnixMillis,
    view::{List, Page},
};

use crate::{
    Store,
    jobs::clock,
    query::numbered::Numbered,
    replays::{self, May, Turn},
    sql::{Cells, Db, Result, values},
};

/// In the order `read` reads them.
const COLUMNS: &str = "t.id, t.created_at, t.requested_by_user_id, t.source_error_id, t.mode, t.pinned_account_id, \
    t.status, t.started_at, t.finished_at, t.duration_ms, t.result_request_id, \
    (SELECT e.id FROM errors e WHERE e.request_id = t.result_request_id AND NOT e.recovered), t.error_message, \
    t.verdict, t.result_cause, t.cost_micro_usd, t.replay_id, t.http_status_code, t.upstream_request_id, t.used_account_id, t.response_preview, t.response_truncated";

/// What an attempt says that was under way when its process ended.
const INTERRUPTED: &str = "interrupted";

/// An attempt that is to begin.
#[derive(Debug, Clone)]
pub struct NewRetry {
    /// The failure.
    pub source_error_id: ErrorId,
    /// When its request arrived.
    pub source_error_at: UnixMillis,
    /// Who asks.
    pub requested_by_user_id: Option<i64>,
    /// How it is sent.
    pub mode: RetryMode,
    /// The one account it is sent to.
    pub pinned_account_id: Option<AccountId>,
    /// Who runs it.
    pub holder: String,
    /// The replay of many that it is a turn of.
    pub replay_id: Option<ReplayId>,
}

/// How often, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct RetryBounds {
    /// From the begin of one attempt to that of the next of the same failure.
    pub every_ms: i64,
    /// One that runs for longer does not run: its process has ended.
    pub abandoned_after_ms: i64,
}

/// What came of the wish to begin one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It runs.
    Began(RetryId),
    /// Another one of the same failure does.
    InProgress(RetryId),
    /// The last one has just begun; from this instant on another may.
    TooSoon(UnixMillis),
    /// The replay of many has ended, has used up what it may use, or gave this failure its turn before.
    NoTurn,
    /// The replay of many has a limit in money, and waits for what another one costs.
    NoTurnYet,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub struct RetryOutcome {
    /// It was served.
    pub success: bool,
    /// What that says of the failure.
    pub verdict: Verdict,
    /// What really happened; of what was served, what failover hid.
    pub cause: Option<Cause>,
    /// The kind of that.
    pub fingerprint: Option<[u8; 16]>,
    /// What it cost, where that is known.
    pub cost: Option<MicroUsd>,
    /// Whether it cost something that is not known.
    pub cost_is_unknown: bool,
    /// How long it took.
    pub duration_ms: u32,
    /// The request that was made.
    pub result_request_id: RequestId,
    /// Why it failed.
    pub error_message: Option<Shown>,
    /// The status that a client would have been sent.
    pub http_status_code: Option<u16>,
    /// The provider's id for the request.
    pub upstream_request_id: Option<Shown>,
    /// The account that was tried last.
    pub used_account_id: Option<AccountId>,
    /// How the answer begins.
    pub response_preview: Option<Shown>,
    /// Whether there was more of it.
    pub response_truncated: bool,
}

impl Store {
    /// Begins an attempt, unless one of the same failure runs or has just begun.
    pub async fn begin_retry(
        &self,
        new: NewRetry,
        bounds: RetryBounds,
        now: UnixMillis,
    ) -> Result<Begun> {
        self.desk
            .change(move |db| begin(db, &new, bounds, now))
            .await
    }

    /// Ends an attempt. `None` where that was done already: it took so long that it was given up.
    pub async fn finish_retry(
        &self,
        id: RetryId,
        outcome: RetryOutcome,
        now: UnixMillis,
    ) -> Result<Option<RetryAttempt>> {
        self.desk
            .change(move |db| {
                let status = match outcome.success {
                    true => RetryStatus::Succeeded,
                    false => RetryStatus::Failed,
                };
                let text = |shown: &Option<Shown>| shown.as_ref().map(|shown| shown.as_str().to_owned());
                let sql = format!(
                    "UPDATE retry_attempts SET status = ?2, finished_at = {}, duration_ms = ?3, result_request_id = ?4,
                     error_message = ?5, http_status_code = ?6, upstream_request_id = ?7, used_account_id = ?8,
                     response_preview = ?9, response_truncated = ?10, verdict = ?11, result_cause = ?12,
                     result_fingerprint = ?13, cost_micro_usd = ?14 WHERE id = ?1 AND status = 'running'",
                    clock(db.dialect(), now)
                );
                let changed = db.execute(
                    &sql,
                    values![
                        id,
                        status.as_str(),
                        outcome.duration_ms,
                        outcome.result_request_id.to_string(),
                        text(&outcome.error_message),
                        outcome.http_status_code,
                        text(&outcome.upstream_request_id),
                        outcome.used_account_id,
                        text(&outcome.response_preview),
                        outcome.response_truncated,
                        outcome.verdict.as_str(),
                        outcome.cause.map(Cause::as_str),
                        outcome.fingerprint.as_ref().map(|kind| kind.as_slice()),
                        outcome.cost,
                    ],
                )?;
                if changed == 0 {
                    return Ok(None);
                }
                let attempt = one(db, id)?;
                if let Some((attempt, replay)) = attempt
                    .as_ref()
                    .and_then(|attempt| Some((attempt, attempt.replay_id?)))
                {
                    let ended = replays::Ended {
                        replay,
                        error: attempt.source_error_id,
                        verdict: outcome.verdict,
                        cost: outcome.cost,
                        cost_is_unknown: outcome.cost_is_unknown,
                    };
                    replays::ended(db, &ended)?;
                }
                Ok(attempt)
            })
            .await
    }

    /// Ends every attempt that `holder` ran before it was started anew. Answers how many there were.
    pub async fn interrupt_retries(&self, holder: &str, now: UnixMillis) -> Result<u64> {
        let holder = holder.to_owned();
        self.desk
            .change(move |db| {
                let sql = interrupt(&clock(db.dialect(), now), "holder = ?2");
                let interrupted = db.execute(&sql, values![INTERRUPTED, holder])?;
                replays::end_interrupted(db)?;
                Ok(interrupted)
            })
            .await
    }

    /// Ends every attempt that has run for too long to be running. Answers how many there were.
    pub async fn sweep_retries(&self, bounds: RetryBounds, now: UnixMillis) -> Result<u64> {
        self.desk.change(move |db| sweep(db, bounds, now)).await
    }

    /// One attempt.
    pub async fn retry(&self, id: RetryId) -> Result<Option<RetryAttempt>> {
        self.readers.run(move |db| one(db, id)).await
    }

    /// The attempts to send one failure again, newest first, by page number.
    pub async fn retries_of(&self, error: ErrorId, page: &Page) -> Result<List<RetryAttempt>> {
        let page = page.clone();
        self.readers
            .run(move |db| {
                let all = Numbered {
                    columns: COLUMNS,
                    from: "retry_attempts t",
                    table: "retry_attempts t",
                    which: "t.source_error_id = ?1",
                    values: values![error],
                    order: "t.id DESC",
                };
                all.page(db, &page, read)
            })
            .await
    }
}

fn begin(db: &dyn Db, new: &NewRetry, bounds: RetryBounds, now: UnixMillis) -> Result<Begun> {
    sweep(db, bounds, now)?;
    let turn = new.replay_id.map(|replay| Turn {
        replay,
        error: new.source_error_id,
        at: new.source_error_at,
    });
    if let Some(turn) = &turn {
        match replays::may_begin(db, turn)? {
            May::Begin => {}
            May::Wait => return Ok(Begun::NoTurnYet),
            May::Not => return Ok(Begun::NoTurn),
        }
    }
    let clock = clock(db.dialect(), now);
    let running: Option<RetryId> = db.cell(
        "SELECT id FROM retry_attempts WHERE source_error_id = ?1 AND status = 'running'",
        values![new.source_error_id],
    )?;
    if let Some(running) = running {
        return Ok(Begun::InProgress(running));
    }
    // A clock that was set back must not keep anybody waiting for the time that it was set by.
    let sql = format!(
        "SELECT max(started_at) + ?2 FROM retry_attempts
         WHERE source_error_id = ?1 AND started_at > {clock} - ?2 AND started_at <= {clock}"
    );
    let again: Option<Option<UnixMillis>> =
        db.cell(&sql, values![new.source_error_id, bounds.every_ms])?;
    if let Some(again) = again.flatten() {
        return Ok(Begun::TooSoon(again));
    }
    let sql = format!(
        "INSERT INTO retry_attempts (created_at, requested_by_user_id, source_error_id, source_error_at, mode,
         pinned_account_id, status, holder, started_at, replay_id)
         VALUES ({clock}, ?1, ?2, ?3, ?4, ?5, 'running', ?6, {clock}, ?7) ON CONFLICT DO NOTHING RETURNING id"
    );
    let id: Option<RetryId> = db.cell(
        &sql,
        values![
            new.requested_by_user_id,
            new.source_error_id,
            new.source_error_at,
            new.mode.as_str(),
            new.pinned_account_id,
            &new.holder,
            new.replay_id,
        ],
    )?;
    match id {
        Some(id) => {
            if let Some(turn) = &turn {
                replays::began(db, turn, id, now)?;
            }
            Ok(Begun::Began(id))
        }
        // Whoever was quicker has the place in the index.
        None => {
            let running: Option<RetryId> = db.cell(
                "SELECT max(id) FROM retry_attempts WHERE source_error_id = ?1",
                values![new.source_error_id],
            )?;
            Ok(Begun::InProgress(running.unwrap_or(RetryId(0))))
        }
    }
}

fn sweep(db: &dyn Db, bounds: RetryBounds, now: UnixMillis) -> Result<u64> {
    let clock = clock(db.dialect(), now);
    let sql = interrupt(&clock, &format!("started_at < {clock} - ?2"));
    let interrupted = db.execute(&sql, values![INTERRUPTED, bounds.abandoned_after_ms])?;
    if interrupted > 0 {
        replays::end_interrupted(db)?;
    }
    Ok(interrupted)
}

fn interrupt(clock: &str, which: &str) -> String {
    format!(
        "UPDATE retry_attempts SET status = 'failed', error_message = ?1, verdict = 'interrupted', finished_at = {clock}
         WHERE status = 'running' AND {which}"
    )
}

fn one(db: &dyn Db, id: RetryId) -> Result<Option<RetryAttempt>> {
    let sql = format!("SELECT {COLUMNS} FROM retry_attempts t WHERE t.id = ?1");
    db.first(&sql, values![id], read)
}

fn read(cells: &mut Cells<'_>) -> Result<RetryAttempt> {
    let id = cells.next()?;
    let created_at = cells.time()?;
    let requested_by_user_id = cells.next()?;
    let source_error_id = cells.next()?;
    let mode = cells.word("mode")?;
    let pinned_account_id = cells.next()?;
    let status = cells.word("status")?;
    Ok(RetryAttempt {
        id,
        created_at,
        requested_by_user_id,
        source_error_id,
        mode,
        pinned_account_id,
        status,
        started_at: cells.time()?,
        finished_at: cells.next()?,
        duration_ms: cells.next()?,
        result_request_id: cells.next()?,
        result_error_id: cells.next()?,
        error_message: cells.next()?,
        success: match status {
            RetryStatus::Running => None,
            RetryStatus::Succeeded => Some(true),
            RetryStatus::Failed => Some(false),
        },
        verdict: cells.optional_word("verdict")?,
        result_cause: cells.optional_word("result_cause")?,
        cost_usd: cells.next()?,
        replay_id: cells.next()?,
        http_status_code: cells.next()?,
        upstream_request_id: cells.next()?,
        used_account_id: cells.next()?,
        response_preview: cells.next()?,
        response_truncated: cells.next()?,
    })
}
