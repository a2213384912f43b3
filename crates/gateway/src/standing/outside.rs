//! What changes an account's state from outside a client's request: hands, probes, the configuration, and
//! the record of before.
//!
//! Must not know: who asked for it, beyond the word that is put into the event.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use waybill_model::{
    cause::Cause,
    fold::Arrival,
    id::AccountId,
    state::{AccountEvent, AccountEventKind, AccountState, Mark, MarkKind, Scope},
    time::UnixMillis,
};

use super::{
    Blamed, Failed, Keeper, effect,
    event::{self, Draft},
};
use crate::{
    credential::CREDENTIAL,
    routing::{AccountEntry, Snapshot},
    upstream::{ProbeKind, ProbeResult},
};

impl Keeper {
    /// Somebody switched it on or off, or cleared everything: `kind` is `enabled`, `disabled` or `reset`.
    /// Any other kind has no effect. A reset clears every layer at once: marks, ramp, streaks and what is
    /// held against the way.
    pub fn by_hand(
        &self,
        account: &Arc<AccountEntry>,
        kind: AccountEventKind,
        actor: &str,
        reason: String,
        now: UnixMillis,
    ) {
        let by_hand = matches!(
            kind,
            AccountEventKind::Enabled | AccountEventKind::Disabled | AccountEventKind::Reset
        );
        if !by_hand {
            return;
        }
        let since = (kind == AccountEventKind::Disabled).then_some(now);
        self.change(account, |_| {
            Some(Draft {
                since,
                source: Some("manual".to_owned()),
                actor: Some(actor.to_owned()),
                reason,
                ..event::plain(account.id, kind, Scope::Account, now)
            })
        });
        if kind == AccountEventKind::Reset {
            self.forget(account);
        }
    }

    /// A probe, or a test by hand, has an answer.
    pub fn probed(
        &self,
        account: &Arc<AccountEntry>,
        result: &ProbeResult,
        actor: &'static str,
        now: UnixMillis,
    ) {
        let model = result.model.as_ref();
        match &result.failure {
            _ if result.ok => {
                self.ways.served(account, model, now);
                account.live.no_fault();
                self.probe_served(account, result, actor, now);
            }
            Some(failure) => {
                let mut blamed = Blamed::default();
                let failed = Failed {
                    account,
                    group_rules: &[],
                    model,
                    failure,
                    status: result.status,
                    request_id: None,
                    attempt: None,
                    actor: Some(actor),
                    began_at: result.started_at,
                    now,
                    stale_connection: false,
                    acts: true,
                    blamed: &mut blamed,
                };
                self.failed(failed);
            }
            None => {}
        }
    }

    /// A list of models proves the credential; an answer of a model proves that model, also before its
    /// deadline.
    fn probe_served(
        &self,
        account: &Arc<AccountEntry>,
        result: &ProbeResult,
        actor: &'static str,
        now: UnixMillis,
    ) {
        let model = result.model.as_deref();
        let proves_capacity = result.kind == ProbeKind::Message;
        let shown = |draft| Draft {
            reason: "a probe was served".to_owned(),
            actor: Some(actor.to_owned()),
            ..draft
        };
        let proves = |state: &AccountState, scope: &Scope| {
            let mut of_scope = state.marks().iter().filter(|mark| mark.scope == *scope);
            of_scope.all(|mark| {
                let proven = proves_capacity || mark.kind == MarkKind::Error;
                mark.kind == MarkKind::Disabled || (proven && result.started_at > mark.set_at)
            })
        };
        let state = account.live.state();
        let scopes: Vec<Scope> = state
            .marks()
            .iter()
            .filter(|mark| mark.kind != MarkKind::Disabled && mark.scope.covers(model))
            .filter(|mark| proves(&state, &mark.scope))
            .map(|mark| mark.scope.clone())
            .collect();
        self.recover(account, scopes, proves, shown, now);
    }

    /// Begins with what is on record, in the order of the events' ids. Called before the first request.
    pub fn restore(&self, snapshot: &Snapshot, events: &[AccountEvent]) {
        let mut by_account: HashMap<AccountId, Vec<&AccountEvent>> = HashMap::new();
        for event in events {
            self.last_id.fetch_max(event.id.0, Ordering::Relaxed);
            by_account.entry(event.account_id).or_default().push(event);
        }
        for (account, events) in by_account {
            if let Some(account) = snapshot.account(account) {
                account.live.change(|fold| fold.rest_on(events));
            }
        }
    }

    /// Begins these accounts anew with what is on record of all replicas; what was heard since stays.
    /// `events` make their states, in the order of ids.
    pub fn resync(&self, snapshot: &Snapshot, accounts: &[AccountId], events: &[AccountEvent]) {
        for event in events {
            self.last_id.fetch_max(event.id.0, Ordering::Relaxed);
        }
        for account in accounts.iter().filter_map(|id| snapshot.account(*id)) {
            let of_it = events.iter().filter(|event| event.account_id == account.id);
            account.live.change(|fold| fold.rest_on(of_it));
        }
    }

    /// Another replica made this event. Says how it came; `None`: there is no such account here. What it
    /// has on this replica besides is what it had on the other.
    pub fn learn(&self, snapshot: &Snapshot, event: &AccountEvent) -> Option<Arrival> {
        self.last_id.fetch_max(event.id.0, Ordering::Relaxed);
        let account = snapshot.account(event.account_id)?;
        let arrival = account.live.change(|fold| {
            let arrival = fold.apply(event);
            if is_new(arrival) && event.kind == AccountEventKind::Recovered {
                // Before whoever waits is let in.
                account.live.start_ramp();
            }
            arrival
        });
        if is_new(arrival) && event.kind == AccountEventKind::Reset {
            self.forget(account);
        }
        if is_new(arrival) {
            tracing::info!(
                account = %account.name,
                event = %event.id,
                kind = event.kind.as_str(),
                scope = %event.scope,
                "account state changed by another replica"
            );
        }
        Some(arrival)
    }

    /// Nothing that is not in the state is held against it any more.
    fn forget(&self, account: &AccountEntry) {
        account.live.no_fault();
        account.live.end_ramp();
        self.ways.forget(account);
    }

    /// An account has an access token again: what stopped it for want of one is over.
    pub fn token_had(&self, account: &AccountEntry, now: UnixMillis) {
        self.had(account, effect::is_of_token, "an access token was had", now);
    }

    /// It is known which project an account works in: what stopped it for want of that is over.
    pub fn project_had(&self, account: &AccountEntry, now: UnixMillis) {
        self.had(account, effect::is_of_project, "its project was told", now);
    }

    /// What stopped an account for want of something is over: it was had.
    fn had(
        &self,
        account: &AccountEntry,
        is_of_want: fn(Cause) -> bool,
        reason: &str,
        now: UnixMillis,
    ) {
        let state = account.live.state();
        let is_of_want = |mark: &&Mark| mark.cause.is_some_and(is_of_want);
        let scopes: Vec<Scope> = state
            .marks()
            .iter()
            .filter(is_of_want)
            .map(|mark| mark.scope.clone())
            .collect();
        // Whatever else stops the same part stops it still.
        let proven = |state: &AccountState, scope: &Scope| {
            let mut of_scope = state.marks().iter().filter(|mark| mark.scope == *scope);
            of_scope.all(|mark| mark.kind == MarkKind::Disabled || is_of_want(&mark))
        };
        let had = |draft| Draft {
            reason: reason.to_owned(),
            actor: Some(CREDENTIAL.to_owned()),
            ..draft
        };
        self.recover(account, scopes, proven, had, now);
    }

    /// What a change of the configuration means: a credential that is new is not refused yet.
    pub fn configured(&self, before: &Snapshot, after: &Snapshot, now: UnixMillis) {
        for account in after.accounts() {
            let Some(old) = before.account(account.id) else {
                continue;
            };
            let is_same = match (&old.credential, &account.credential) {
                (Some(old), Some(new)) => old.is_same(new),
                (old, new) => old.is_none() && new.is_none(),
            };
            if is_same {
                // One that is named is no longer wanting.
                if old.project.discovery().is_some() && account.project.discovery().is_none() {
                    self.had(account, effect::is_of_project, "its project was named", now);
                }
                continue;
            }
            let state = account.live.state();
            let refused = state
                .marks()
                .iter()
                .filter(|mark| mark.kind == MarkKind::Error);
            let scopes: Vec<Scope> = refused.map(|mark| mark.scope.clone()).collect();
            let changed = |draft| Draft {
                reason: "its credential was changed".to_owned(),
                actor: Some("configuration".to_owned()),
                ..draft
            };
            self.recover(account, scopes, |_, _| true, changed, now);
        }
    }
}

fn is_new(arrival: Arrival) -> bool {
    match arrival {
        Arrival::InOrder | Arrival::Late => true,
        Arrival::Known | Arrival::TooLate => false,
    }
}
