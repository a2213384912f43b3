//! Keeps every account's token valid: looks through them, and lets those fly that are due.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::task::TaskTracker;
use waybill_model::entity::Status;

use super::{flight, when};
use crate::{app::Shared, routing::Credential};

/// How often the accounts are looked through, though nobody asked.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What could not be written down is written again at every so many looks.
const WRITE_AGAIN: u64 = 10;

/// At the end, flights that have begun are waited for so long: a refresh token that was rotated meanwhile would
/// be lost.
const LAST_LANDING: Duration = Duration::from_secs(5);

/// Who has tokens.
#[derive(Debug, Default)]
pub struct Tokens {
    asked: Notify,
    flights: TaskTracker,
}

impl Tokens {
    /// Somebody waits for a token.
    pub fn ask(&self) {
        self.asked.notify_one();
    }

    /// Waits for flights under way. No more begin when the keeper has been stopped.
    pub async fn settle(&self) {
        self.flights.close();
        if timeout(LAST_LANDING, self.flights.wait()).await.is_err() {
            tracing::warn!("a token was still being had when the gateway stopped");
        }
    }
}

/// Has tokens for as long as it is let.
pub async fn keep_tokens(shared: Arc<Shared>) {
    let mut looks: u64 = 0;
    let mut every = interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let may_write = tokio::select! {
            _ = every.tick() => {
                looks += 1;
                looks.is_multiple_of(WRITE_AGAIN)
            }
            () = shared.tokens.asked.notified() => false,
        };
        let snapshot = shared.snapshot().clone();
        for account in snapshot.accounts() {
            let Some(Credential::Token(bearer)) = &account.credential else {
                continue;
            };
            let share = |obtained| when::share_of(&shared.replica, account.id.0, obtained);
            let now = shared.clock.now();
            let is_due = bearer.is_due(now, &account.live.state(), share);
            // One that is switched off has none, unless somebody tests it.
            let is_used = account.status == Status::Active || bearer.is_awaited();
            let is_unwritten = may_write && bearer.is_unwritten();
            if !is_used || !(is_due || is_unwritten) {
                continue;
            }
            if let Some(flight) = bearer.fly() {
                let of_shared = Arc::clone(&shared);
                let (account, bearer) = (Arc::clone(account), Arc::clone(bearer));
                // A task of its own: to be stopped in the middle could lose what was rotated.
                shared.tokens.flights.spawn(async move {
                    flight::fly(&of_shared, &account, &bearer, is_due).await;
                    drop(flight);
                });
            }
        }
    }
}
