//! The job: looks which channels have something waiting, and serves each in a task of its own.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval, sleep};
use waybill_model::{
    id::{ChannelId, NotificationId},
    notify::{Channel, Notice},
    time::UnixMillis,
};
use waybill_store::{DeliveryUpdate, StoreError, Waiting};

use super::{
    deliver::{Patience, Reply, deliver},
    notifier::Notifier,
    opened::Opened,
    plan::{self, HOUR_MS, Next},
    when::{self, Tried},
};
use crate::app::Shared;

/// What the job is called, whose lease lets begin messages.
pub const JOB: &str = "notifications";

/// How often the outbox is looked at, though nobody rang.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Beyond the time a delivery may take: who takes over the lease leaves it alone for so long.
const SLACK_MS: i64 = 20_000;

// A message that is under way is not taken for one that a clock that was ahead put off, and is not begun twice.
const _: () = assert!(Patience::MOST_MS + SLACK_MS <= plan::LONGEST_WAIT_MS);

/// From one try to write down how a delivery went to the next.
const WRITE_AGAIN: Duration = Duration::from_millis(500);

/// At the start of the only process there is: what another one was sending when it was killed goes again at once.
/// Among replicas somebody else may be sending it: there it waits for as long as that may take.
pub async fn take_over(shared: &Shared) {
    if shared.home.is_some() {
        return;
    }
    match shared.store.resume_messages(shared.clock.now()).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "notices that were under way are sent again"),
        Err(error) => tracing::warn!(%error, "what was under way is sent again later"),
    }
}

/// Serves every channel for which something waits, for as long as it is let.
pub async fn send(shared: Arc<Shared>) {
    let mut turns = interval(LOOK_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = turns.tick() => {}
            () = shared.notifier.rung() => {}
        }
        let now = shared.clock.now();
        match shared.store.channels_waiting().await {
            Ok(waits) => waits
                .iter()
                .filter(|waits| plan::is_due(waits.next_at, now))
                .for_each(|waits| Notifier::serve(&shared, waits.channel_id)),
            Err(error) => tracing::debug!(%error, "the outbox could not be looked at"),
        }
    }
}

/// Sends one channel what waits for it, message by message, until nothing may go now.
pub(super) async fn serve(shared: &Shared, channel: ChannelId) {
    loop {
        match step(shared, channel).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::debug!(%channel, %error, "what waits for a channel could not be looked after");
                return;
            }
        }
    }
}

/// One message. Says whether another may go at once.
async fn step(shared: &Shared, id: ChannelId) -> Result<bool, StoreError> {
    if shared.notifier.is_closing() {
        return Ok(false);
    }
    let now = shared.clock.now();
    let outbox = shared.store.outbox(id, now.plus_ms(-HOUR_MS)).await?;
    let Some(channel) = outbox.channel else {
        return Ok(false);
    };
    let line = &outbox.waiting;
    match plan::next(&channel.body, line, &outbox.sent, now) {
        Next::Nothing => Ok(false),
        Next::Wait { until, why } => {
            if let Some(head) = line.first() {
                shared.store.put_off(head.id, until, why).await?;
            }
            Ok(false)
        }
        Next::Send(places) => {
            let chosen: Vec<&Waiting> = places.iter().filter_map(|at| line.get(*at)).collect();
            message(shared, &channel, &chosen, now).await
        }
    }
}

/// Begins a message, sends it, writes down how it went.
async fn message(
    shared: &Shared,
    channel: &Channel,
    chosen: &[&Waiting],
    now: UnixMillis,
) -> Result<bool, StoreError> {
    let Some(head) = chosen.first() else {
        return Ok(false);
    };
    let ids = chosen.iter().map(|row| row.id).collect();
    let patience = Patience::of(&shared.settings.notifications);
    let longest = i64::try_from(patience.longest(channel.body.kind).as_millis());
    let back_at = now.plus_ms(longest.unwrap_or(HOUR_MS) + SLACK_MS);
    let holder = (JOB, shared.replica.as_str());
    if !shared.store.begin_message(holder, ids, back_at).await? {
        return Ok(false);
    }
    let notices: Vec<Notice> = chosen.iter().map(|row| row.notice.clone()).collect();
    let reply = match Opened::of(shared, channel) {
        Ok(opened) => deliver(shared, &opened, &key(head), &notices, patience, now).await,
        Err(error) => Reply::refused(format!("its secrets cannot be opened: {error}")),
    };
    let now = shared.clock.now();
    // Whatever waits longest says for how long it was tried.
    let tried = Tried {
        attempts: head.attempts + 1,
        unanswered: head.unanswered,
        queued_at: head.queued_at,
    };
    let update = when::update(channel.body.kind, &reply, tried, now);
    if update != DeliveryUpdate::Sent {
        tracing::warn!(channel = %channel.body.name, said = reply.said, "a notification was not taken");
    }
    let goes_on = !matches!(update, DeliveryUpdate::Again { .. });
    write_down(shared, head.id, update, now).await;
    Ok(goes_on)
}

/// What a receiver knows a message by. One that was put back by hand is another message.
fn key(head: &Waiting) -> String {
    format!("wb-{}-{}", head.id, head.queued_at.0)
}

/// Writes down how a delivery went: until it is written, nothing else goes to the channel, and nothing twice.
async fn write_down(
    shared: &Shared,
    message: NotificationId,
    update: DeliveryUpdate,
    now: UnixMillis,
) {
    loop {
        let written = shared.store.message_ended(message, update.clone(), now);
        match written.await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, "how a notification went could not be written down; it is tried again");
            }
        }
        if shared.notifier.is_closing() {
            return;
        }
        sleep(WRITE_AGAIN).await;
    }
}
