//! Keeps every account's token valid and its project known: looks through them, and lets those fly that are due.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::task::TaskTracker;
use waybill_model::entity::Status;

use super::{flight, project, runway::Runway, when};
use crate::{
    app::Shared,
    routing::{AccountEntry, Credential},
};

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
            token(&shared, account, may_write);
            project(&shared, account);
        }
    }
}

/// Begins the flight for the account's token, if one is due.
fn token(shared: &Arc<Shared>, account: &Arc<AccountEntry>, may_write: bool) {
    let Some(Credential::Token(bearer)) = &account.credential else {
        return;
    };
    let share = |obtained| when::share_of(&shared.replica, account.id.0, obtained);
    let now = shared.clock.now();
    let is_due = bearer.is_due(now, &account.live.state(), share);
    let is_unwritten = may_write && bearer.is_unwritten();
    if !is_used(account, bearer.runway()) || !(is_due || is_unwritten) {
        return;
    }
    if let Some(flight) = bearer.runway().fly() {
        let of_shared = Arc::clone(shared);
        let (account, bearer) = (Arc::clone(account), Arc::clone(bearer));
        // A task of its own: to be stopped in the middle could lose what was rotated.
        shared.tokens.flights.spawn(async move {
            flight::fly(&of_shared, &account, &bearer, is_due).await;
            drop(flight);
        });
    }
}

/// Begins the flight for the account's project, if it has to be found out.
fn project(shared: &Arc<Shared>, account: &Arc<AccountEntry>) {
    let Some(discovery) = account.project.discovery() else {
        return;
    };
    let now = shared.clock.now();
    // Without a token there is nothing to ask with.
    let has_credential = match &account.credential {
        Some(Credential::Token(bearer)) => bearer.is_valid(now),
        Some(Credential::Key { .. }) => true,
        None => false,
    };
    if !has_credential
        || !is_used(account, discovery.runway())
        || !discovery.is_due(now, &account.live.state())
    {
        return;
    }
    if let Some(flight) = discovery.runway().fly() {
        let of_shared = Arc::clone(shared);
        let (account, discovery) = (Arc::clone(account), Arc::clone(discovery));
        shared.tokens.flights.spawn(async move {
            project::discover(&of_shared, &account, &discovery).await;
            drop(flight);
        });
    }
}

/// One that is switched off has nothing, unless somebody tests it.
fn is_used(account: &AccountEntry, runway: &Runway) -> bool {
    account.status == Status::Active || runway.is_awaited()
}
