//! Changes of accounts' states, told to other replicas and heard of them.
//!
//! In: the events that this replica makes, and those that others publish. Out: every account's state, the
//! same on all replicas that know the same events.
//!
//! Promises: telling never waits; what could not be told while Redis was away is told when it is back, as
//! far as the queue goes; who was away reads up what was told meanwhile. Must not know: what an event does
//! to an account.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify, mpsc};
use waybill_model::{fold::Arrival, state::AccountEvent};

use super::{
    Place,
    link::{Away, State, parts_of, string_of},
};
use crate::{app::Shared, standing};

/// Events that wait to be told. Beyond, they are not, and counted; they are on record all the same.
const OUTBOX: usize = 8192;

/// Events told in one go.
const AT_ONCE: usize = 128;

/// How long the newest events can be read up, in milliseconds, and how many of them at most.
const KEPT_MS: i64 = 600_000;
const MOST_KEPT: isize = 20_000;

/// Events read up in one go.
const PAGE: usize = 500;

/// An event on its way.
#[derive(Serialize, Deserialize)]
struct Message {
    /// The run of the replica that made it.
    from: String,
    event: AccountEvent,
}

/// Tells and hears.
pub struct Events {
    place: Arc<Place>,
    run: String,
    outbox: mpsc::Sender<AccountEvent>,
    /// Where they come out again, for whoever tells them.
    out: Mutex<mpsc::Receiver<AccountEvent>>,
    to_read_up: Notify,
}

impl Events {
    pub(super) fn new(place: Arc<Place>, run: String) -> Events {
        let (outbox, out) = mpsc::channel(OUTBOX);
        Events {
            place,
            run,
            outbox,
            out: Mutex::new(out),
            to_read_up: Notify::new(),
        }
    }

    /// This replica made an event. Never waits.
    pub(super) fn publish(&self, event: AccountEvent) {
        if self.outbox.try_send(event).is_err() {
            self.place.counts.events_dropped.add(1);
        }
    }

    /// Something may have been missed: what was told lately is read up.
    pub(super) fn read_up(&self) {
        self.to_read_up.notify_one();
    }

    /// Tells what is made here, for as long as it is let.
    pub(super) async fn tell(&self) {
        let mut out = self.out.lock().await;
        let mut link = self.place.link.state();
        let mut waiting: VecDeque<AccountEvent> = VecDeque::new();
        loop {
            if waiting.is_empty() {
                let Some(event) = out.recv().await else {
                    return;
                };
                waiting.push_back(event);
            }
            while waiting.len() < AT_ONCE
                && let Ok(event) = out.try_recv()
            {
                waiting.push_back(event);
            }
            // Never an error while the link is here.
            let _ = link
                .wait_for(|state| matches!(state, State::Up { .. }))
                .await;
            if self.send(&waiting).await.is_ok() {
                let told = u64::try_from(waiting.len()).unwrap_or(0);
                self.place.counts.events_published.add(told);
                waiting.clear();
            }
        }
    }

    async fn send(&self, events: &VecDeque<AccountEvent>) -> Result<(), Away> {
        let place = &self.place;
        let mut ask = place.link.ask()?;
        for event in events {
            let message = Message {
                from: self.run.clone(),
                event: event.clone(),
            };
            // An event is plain data: it can always be written.
            let Ok(text) = serde_json::to_string(&message) else {
                continue;
            };
            ask.command("ZADD")
                .arg(place.keys.events())
                .arg(event.id.0)
                .arg(&text);
            ask.command("PUBLISH")
                .arg(place.keys.events_channel())
                .arg(&text);
        }
        if let Some(event) = events.back() {
            let oldest = standing::id_at(event.at.plus_ms(-KEPT_MS));
            ask.command("ZREMRANGEBYSCORE")
                .arg(place.keys.events())
                .arg("-inf")
                .arg(format!("({}", oldest.0));
            ask.command("ZREMRANGEBYRANK")
                .arg(place.keys.events())
                .arg(0)
                .arg(-MOST_KEPT - 1);
            ask.command("PEXPIRE")
                .arg(place.keys.events())
                .arg(2 * KEPT_MS);
        }
        place.link.answers(ask).await.map(drop)
    }

    /// Hears what others tell, for as long as it is let.
    pub(super) async fn hear(&self, shared: &Shared, mut inbox: mpsc::Receiver<String>) {
        let mut link = self.place.link.state();
        let lost = || self.place.counts.messages_lost.get();
        let (mut lost_before, mut is_behind) = (lost(), true);
        loop {
            if is_behind && self.place.link.is_up() {
                lost_before = lost();
                is_behind = self.read(shared).await.is_err();
            }
            tokio::select! {
                Some(message) = inbox.recv() => {
                    self.learn(shared, &message, true);
                    is_behind |= lost() > lost_before;
                }
                Ok(()) = link.changed() => {
                    // What was told while it was away went by.
                    is_behind |= matches!(*link.borrow_and_update(), State::Up { .. });
                }
                () = self.to_read_up.notified() => is_behind = true,
            }
        }
    }

    /// Reads up what was told lately. What is known already changes nothing.
    async fn read(&self, shared: &Shared) -> Result<(), Away> {
        let place = &self.place;
        let oldest = standing::id_at(shared.clock.now().plus_ms(-KEPT_MS));
        for page in 0.. {
            let mut ask = place.link.ask()?;
            ask.command("ZRANGEBYSCORE")
                .arg(place.keys.events())
                .arg(oldest.0)
                .arg("+inf")
                .arg("LIMIT")
                .arg(page * PAGE)
                .arg(PAGE);
            let answer = place.link.answers(ask).await?.pop().ok_or(Away)?;
            let messages = parts_of(answer);
            let is_last = messages.len() < PAGE;
            for message in messages.into_iter().filter_map(string_of) {
                self.learn(shared, &message, false);
            }
            if is_last {
                break;
            }
        }
        Ok(())
    }

    fn learn(&self, shared: &Shared, message: &str, is_new: bool) {
        let Ok(Message { from, event }) = serde_json::from_str(message) else {
            tracing::warn!("a replica of another version tells of events that cannot be read here");
            return;
        };
        if from == self.run {
            return;
        }
        let counts = &self.place.counts;
        match shared.keeper.learn(&shared.snapshot(), &event) {
            Some(Arrival::InOrder) => counts.events_received.add(1),
            Some(Arrival::Late) => {
                counts.events_received.add(1);
                counts.events_late.add(1);
            }
            Some(Arrival::Known) => {}
            // Of what is read up, it may be in what is on record.
            Some(Arrival::TooLate) => counts.events_too_late.add(u64::from(is_new)),
            None => counts.events_unknown.add(u64::from(is_new)),
        }
    }
}
