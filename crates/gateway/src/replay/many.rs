//! Many failures that are sent again: walked newest first, one turn after the other, within a budget.
//!
//! In: replays that stand in the store as running. Out: a turn per failure, on record there.
//!
//! Promises: what is on record decides, so that whoever goes on after a crash, here or on another replica, goes on
//! where it was; a failure has one turn; requests leave evenly; a few places are taken, so that people find some.
//! Must not know: how a request is sent, what a turn counts for.
//!
//! Reading order: [`run`] finds what is running, [`walk`] goes along one of them, [`turn`] is one failure's.

mod pace;

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use waybill_model::{
    id::ReplayId,
    retry::{
        NotSent, RetryMode,
        many::{ReplayStatus, StopReason},
    },
    view::ErrorLog,
};
use waybill_store::{Course, StoreError, Turn};

use self::pace::Pace;
use super::{
    ask::{Refused, Wish, begin},
    prove,
};
use crate::{app::Shared, ops::filter};

/// Replays that go on at once, over all replicas.
pub const MOST_RUNNING: u32 = 4;

/// Requests of one replay that are under way at once. With [`MOST_RUNNING`], half of the places are people's.
const AT_ONCE: usize = 2;

/// Failures that are looked up at once.
const PAGE: u32 = 50;

/// How often is looked for replays that have begun, and for places.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often is looked whether what is under way has ended, when nothing else is left to do.
const WAIT: Duration = Duration::from_millis(200);

/// Longest sleep until the next look at the clock.
const TICK: Duration = Duration::from_millis(50);

/// Goes on with every replay that is running, until none is. Answers how many turns there were.
pub async fn run(shared: Arc<Shared>) -> Result<u64, StoreError> {
    let mut walks = JoinSet::new();
    let mut walked = HashSet::new();
    let mut turns = 0;
    loop {
        if !shared.is_leaving() {
            for id in shared.store.running_replays().await? {
                if walked.insert(id) {
                    let shared = Arc::clone(&shared);
                    walks.spawn(async move { walk(&shared, id).await });
                }
            }
        }
        if walks.is_empty() {
            return Ok(turns);
        }
        let Ok(Some(ended)) = timeout(LOOK_EVERY, walks.join_next()).await else {
            continue;
        };
        // Where the store was away it is the next run that goes on.
        turns += ended.map_err(|_| StoreError::Closed)??;
    }
}

/// What came of a failure's turn.
enum Took {
    /// It is being sent.
    Sent(super::ask::UnderWay),
    /// It had its turn, and was not sent.
    NotSent,
    /// There is no turn for it: it had one, or it is gone, or the replay has ended.
    None,
}

/// Goes along one replay, until it ends or the gateway does.
async fn walk(shared: &Arc<Shared>, id: ReplayId) -> Result<u64, StoreError> {
    let Some(mut course) = shared.store.replay_course(id).await? else {
        return Ok(0);
    };
    let Ok(chosen) = filter::read_chosen(&course.replay.filter) else {
        // Written by a version whose filters this one does not know.
        tracing::error!(%id, "a replay's filter cannot be read; it is left alone");
        return Ok(0);
    };
    let budget = course.replay.budget;
    // Money is known once an answer has ended: the next one waits for that.
    let at_once = if budget.max_usd.is_some() { 1 } else { AT_ONCE };
    let mut pace = Pace::after(course.last_began_at, budget.per_minute, shared.clock.now());
    let mut under_way = JoinSet::new();
    let (mut place, mut turns) = (course.place, 0);
    let stopped = 'walk: loop {
        let page = shared.store.errors_behind(&chosen, place, PAGE).await?;
        if page.is_empty() {
            break None;
        }
        for log in page {
            place = Some((log.created_at, log.id));
            if log.id > course.newest_error_id || log.replay_of.is_some() {
                continue;
            }
            while under_way.len() >= at_once {
                under_way.join_next().await;
            }
            pace.wait(shared).await;
            match next(shared, &mut course).await? {
                Next::Leave => return Ok(turns),
                Next::Stop(why) => break 'walk Some(why),
                Next::Go => {}
            }
            match turn(shared, &course, &log).await? {
                Took::Sent(sent) => {
                    pace.sent(shared.clock.now());
                    under_way.spawn(sent.ended());
                    turns += 1;
                }
                Took::NotSent => turns += 1,
                Took::None => {}
            }
        }
    };
    while under_way.join_next().await.is_some() {}
    end(shared, &course, stopped).await?;
    Ok(turns)
}

/// Whether the next failure has its turn.
enum Next {
    Go,
    Stop(StopReason),
    /// Somebody ended it, or the gateway is being stopped.
    Leave,
}

async fn next(shared: &Shared, course: &mut Course) -> Result<Next, StoreError> {
    let id = course.replay.id;
    let Some(now) = shared.store.replay_course(id).await? else {
        return Ok(Next::Leave);
    };
    *course = now;
    if shared.is_leaving() || course.replay.status != ReplayStatus::Running {
        return Ok(Next::Leave);
    }
    Ok(match course.replay.stops(course.not_sent_in_a_row) {
        Some(why) => Next::Stop(why),
        None => Next::Go,
    })
}

/// One failure's turn.
async fn turn(shared: &Arc<Shared>, course: &Course, log: &ErrorLog) -> Result<Took, StoreError> {
    let replay = &course.replay;
    let turn = Turn {
        replay: replay.id,
        error: log.id,
        at: log.created_at,
    };
    loop {
        let Some(error) = shared.store.error(log.id).await? else {
            return Ok(Took::None);
        };
        let wish = Wish {
            error,
            mode: replay.mode,
            pinned_account_id: replay.pinned_account_id,
            requested_by_user_id: replay.requested_by_user_id,
            replay: Some(replay.id),
        };
        let why = match begin(shared, wish).await {
            Ok(sent) => return Ok(Took::Sent(sent)),
            Err(Refused::Unreplayable(why, _)) => NotSent::from(why),
            Err(Refused::NoAccount) => NotSent::NoAccount,
            Err(Refused::NotInGroup(_)) => NotSent::AccountNotInGroup,
            Err(Refused::NotUsable(_)) => NotSent::AccountNotSchedulable,
            Err(Refused::InProgress(_)) => NotSent::RetryInProgress,
            Err(Refused::TooSoon(_)) => NotSent::RetryTooFrequent,
            Err(Refused::NoTurn) => return Ok(Took::None),
            Err(Refused::Store(error)) => return Err(error),
            // People have every place.
            Err(Refused::TooMany) if shared.is_leaving() => return Ok(Took::None),
            Err(Refused::TooMany) => {
                sleep(LOOK_EVERY).await;
                continue;
            }
        };
        let now = shared.clock.now();
        let is_new = shared.store.skip_in_replay(turn, why, now).await?;
        return Ok(if is_new { Took::NotSent } else { Took::None });
    }
}

/// Ends a replay, when what is under way elsewhere has ended, too.
async fn end(
    shared: &Shared,
    course: &Course,
    stopped: Option<StopReason>,
) -> Result<(), StoreError> {
    let id = course.replay.id;
    // One account alone is no proof for a pool.
    let proves = course.replay.mode == RetryMode::Client;
    loop {
        match shared.store.replay(id).await? {
            Some(replay) if replay.status == ReplayStatus::Running => {
                if replay.under_way == 0 && proves {
                    match prove::replayed(shared, id).await {
                        // It would be no other time: whoever looks can resolve by hand.
                        Err(error @ StoreError::TooSlow) => {
                            tracing::warn!(%error, %id, "what a replay proved is not on record");
                        }
                        said => said?,
                    }
                }
            }
            _ => return Ok(()),
        }
        let now = shared.clock.now();
        if shared.store.end_replay(id, stopped, now).await? || shared.is_leaving() {
            return Ok(());
        }
        sleep(WAIT).await;
    }
}
