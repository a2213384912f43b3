//! One replay, failure by failure, newest first.
//!
//! Promises: before each turn it is looked whether there is to be one; a failure that cannot be read, or sent, has its
//! turn all the same, with the reason. Must not know: what happens when the walk itself fails.

use std::sync::Arc;

use tokio::{task::JoinSet, time::sleep};
use waybill_model::{
    id::ReplayId,
    retry::{
        NotSent, RetryAttempt,
        many::{Replay, ReplayStatus, StopReason},
    },
    view::Filter,
};
use waybill_store::{Course, StoreError, Turn};

use super::{LOOK_EVERY, WAIT, end, pace::Pace};
use crate::{
    app::Shared,
    ops::filter,
    replay::ask::{Refused, UnderWay, Wish, begin},
};

/// Requests of one replay that are under way at once. With [`MOST_RUNNING`](super::MOST_RUNNING), half of the places
/// are people's.
const AT_ONCE: usize = 2;

/// Failures that are looked up at once.
const PAGE: u32 = 50;

type Sent = JoinSet<Result<RetryAttempt, StoreError>>;

/// How far a walk came.
enum Way {
    /// To the end: every failure had its turn, or there is a reason why no further one has.
    Through(Option<StopReason>),
    /// Somebody ended the replay, or the gateway is being stopped.
    Left,
}

/// Goes along one replay, until it ends or the gateway does; `turns` counts how many failures had theirs.
pub(super) async fn walk(
    shared: &Arc<Shared>,
    id: ReplayId,
    turns: &mut u64,
) -> Result<(), StoreError> {
    let Some(course) = shared.store.replay_course(id).await? else {
        return Ok(());
    };
    let chosen = match filter::read_chosen(&course.replay.filter) {
        Ok(chosen) => chosen,
        // Written by a version whose filters this one does not know.
        Err(bad) => {
            let parameter = bad.parameter;
            tracing::error!(%id, %parameter, "a replay's filter cannot be read; it is ended");
            return end(shared, id, Some(StopReason::FilterUnreadable), false).await;
        }
    };
    let mut under_way = JoinSet::new();
    let came = along(shared, course, &chosen, &mut under_way, turns).await;
    if matches!(came, Ok(Way::Left)) {
        return Ok(());
    }
    while under_way.join_next().await.is_some() {}
    match came? {
        Way::Through(stopped) => end(shared, id, stopped, true).await,
        Way::Left => Ok(()),
    }
}

async fn along(
    shared: &Arc<Shared>,
    mut course: Course,
    chosen: &Filter,
    under_way: &mut Sent,
    turns: &mut u64,
) -> Result<Way, StoreError> {
    let budget = course.replay.budget;
    // Money is known once an answer has ended: the next one waits for that.
    let at_once = if budget.max_usd.is_some() { 1 } else { AT_ONCE };
    let mut pace = Pace::after(course.last_began_at, budget.per_minute, shared.clock.now());
    let mut place = course.place;
    loop {
        let page = shared.store.errors_behind(chosen, place, PAGE).await?;
        if page.is_empty() {
            return Ok(Way::Through(None));
        }
        for (at, error) in page {
            place = Some((at, error));
            if error > course.newest_error_id {
                continue;
            }
            while under_way.len() >= at_once {
                under_way.join_next().await;
            }
            pace.wait(shared).await;
            let turn = Turn {
                replay: course.replay.id,
                error,
                at,
            };
            loop {
                match next(shared, &mut course).await? {
                    Next::Leave => return Ok(Way::Left),
                    Next::Stop(why) => return Ok(Way::Through(Some(why))),
                    Next::Wait => {
                        sleep(WAIT).await;
                        continue;
                    }
                    Next::Go => {}
                }
                match take(shared, &course.replay, turn).await? {
                    Took::Sent(sent) => {
                        pace.sent(shared.clock.now());
                        under_way.spawn(sent.ended());
                        *turns += 1;
                    }
                    Took::NotSent => *turns += 1,
                    Took::None => {}
                    Took::Later => {
                        sleep(LOOK_EVERY).await;
                        continue;
                    }
                }
                break;
            }
        }
    }
}

/// Whether the next failure has its turn.
enum Next {
    Go,
    /// Once it is known what another replica's request, or that of a process that ended, costs.
    Wait,
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
    let replay = &course.replay;
    if shared.is_leaving() || replay.status != ReplayStatus::Running {
        return Ok(Next::Leave);
    }
    if let Some(why) = replay.stops(course.not_sent_in_a_row) {
        return Ok(Next::Stop(why));
    }
    if replay.budget.max_usd.is_some() && replay.under_way > 0 {
        // What was under way when its process ended is ended by this; what that cost is looked at next time.
        shared.store.settle_replay(id).await?;
        return Ok(Next::Wait);
    }
    Ok(Next::Go)
}

/// What came of a failure's turn.
enum Took {
    /// It is being sent.
    Sent(UnderWay),
    /// It had its turn, and was not sent.
    NotSent,
    /// There is no turn for it: it had one, or it is gone, or the replay has ended.
    None,
    /// There is no place for it now.
    Later,
}

/// One failure's turn.
async fn take(shared: &Arc<Shared>, replay: &Replay, turn: Turn) -> Result<Took, StoreError> {
    // Before the failure is read, which may be large: people may have every place for long.
    if !shared.replays.has_room() {
        return Ok(Took::Later);
    }
    let began = match shared.store.error(turn.error).await {
        Ok(None) => return Ok(Took::None),
        Ok(Some(error)) => {
            let wish = Wish {
                error,
                mode: replay.mode,
                pinned_account_id: replay.pinned_account_id,
                requested_by_user_id: replay.requested_by_user_id,
                replay: Some(replay.id),
            };
            begin(shared, wish).await
        }
        Err(error) => Err(Refused::Store(error)),
    };
    let why = match began {
        Ok(sent) => return Ok(Took::Sent(sent)),
        Err(Refused::Unreplayable(why, _)) => NotSent::from(why),
        Err(Refused::NoAccount) => NotSent::NoAccount,
        Err(Refused::NotInGroup(_)) => NotSent::AccountNotInGroup,
        Err(Refused::NotUsable(_)) => NotSent::AccountNotSchedulable,
        Err(Refused::InProgress(_)) => NotSent::RetryInProgress,
        Err(Refused::TooSoon(_)) => NotSent::RetryTooFrequent,
        Err(Refused::NoTurn) => return Ok(Took::None),
        Err(Refused::TooMany | Refused::NoTurnYet) => return Ok(Took::Later),
        Err(Refused::Store(error @ StoreError::Unreadable { .. })) => {
            tracing::warn!(%error, id = %replay.id, failure = %turn.error, "a failure is not sent again");
            NotSent::Unreadable
        }
        Err(Refused::Store(error)) => return Err(error),
    };
    let now = shared.clock.now();
    let is_new = shared.store.skip_in_replay(turn, why, now).await?;
    Ok(if is_new { Took::NotSent } else { Took::None })
}
