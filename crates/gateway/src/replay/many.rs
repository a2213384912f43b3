//! Many failures that are sent again: walked newest first, one turn after the other, within a budget.
//!
//! In: replays that stand in the store as running. Out: a turn per failure, on record there.
//!
//! Promises: what is on record decides, so that whoever goes on after a crash, here or on another replica, goes on
//! where it was; a failure has one turn; requests leave evenly; a few places are taken, so that people find some; a
//! replay that cannot go on is ended, and keeps no other from going on.
//! Must not know: how a request is sent, what a turn counts for.
//!
//! Reading order: [`run`] finds what is running, [`walks`] has each of them walked, [`walk`](mod@walk) goes along one,
//! failure by failure.

mod pace;
mod walk;
mod walks;

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;
use waybill_model::{
    id::ReplayId,
    retry::many::{Replay, ReplayIssue, ReplayStatus, StopReason},
};
use waybill_store::StoreError;

use self::walks::Walks;
use super::{passes, prove};
use crate::app::Shared;

/// Replays that go on at once, over all replicas.
pub const MOST_RUNNING: u32 = 4;

/// How often is looked for replays that have begun, and for places.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often is looked whether what is under way has ended, when nothing else is left to do.
const WAIT: Duration = Duration::from_millis(200);

/// Longest sleep until the next look at the clock.
const TICK: Duration = Duration::from_millis(50);

/// Goes on with every replay that is running, until none is. Answers how many turns there were.
pub async fn run(shared: Arc<Shared>) -> Result<u64, StoreError> {
    let mut walks = Walks::default();
    let mut turns = 0;
    loop {
        let is_leaving = shared.is_leaving();
        if !is_leaving {
            match shared.store.running_replays().await {
                Ok(running) => walks.begin(&shared, &running),
                Err(error) if walks.is_empty() => return Err(error),
                // Those that are walked find out for themselves.
                Err(error) => tracing::debug!(%error, "running replays could not be looked for"),
            }
        }
        if walks.is_empty() && (is_leaving || !walks.is_any_to_be_tried_again()) {
            return Ok(turns);
        }
        turns += walks.look(LOOK_EVERY).await;
    }
}

/// What a replay says of issues; nothing where that cannot be found out, which must not keep it from its end.
async fn said(shared: &Shared, replay: &Replay) -> Result<Vec<ReplayIssue>, StoreError> {
    match prove::replayed(shared, replay).await {
        Err(error) if !passes(&error) => {
            tracing::warn!(%error, id = %replay.id, "what a replay proved is not on record");
            Ok(Vec::new())
        }
        said => said,
    }
}

/// Ends a replay, when what is under way elsewhere has ended, too. Whether it says anything of issues.
async fn end(
    shared: &Shared,
    id: ReplayId,
    stopped: Option<StopReason>,
    says: bool,
) -> Result<(), StoreError> {
    loop {
        if shared.store.settle_replay(id).await? {
            let issues = match says {
                false => Vec::new(),
                true => match shared.store.replay(id).await? {
                    Some(replay) if replay.status == ReplayStatus::Running => {
                        said(shared, &replay).await?
                    }
                    _ => return Ok(()),
                },
            };
            let now = shared.clock.now();
            if shared.store.end_replay(id, stopped, issues, now).await? {
                return Ok(());
            }
        }
        if shared.is_leaving() {
            return Ok(());
        }
        sleep(WAIT).await;
    }
}
