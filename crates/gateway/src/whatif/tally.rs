//! Counting: what came of requests and attempts, and how long accounts rested.
//!
//! Promises: pure; only what is in scope is counted, but for the rest of accounts. Must not know: where what it
//! counts is from.

use std::collections::{BTreeMap, HashMap};

use waybill_model::{
    cause::Cause,
    id::AccountId,
    state::{AccountEvent, AccountState},
    time::UnixMillis,
    whatif::{AccountUse, Basis, FailedAttempts, Outcome},
};

use super::{answers::Ground, past::Past};

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    served: u64,
    failed: u64,
    recovered: u64,
    attempts: u64,
    failed_attempts: u64,
    failed_ms: u64,
    failures: HashMap<(Cause, AccountId), u64>,
    accounts: BTreeMap<AccountId, Uses>,
    basis: Basis,
    pub(super) rests: Rests,
}

#[derive(Debug, Default, Clone, Copy)]
struct Uses {
    served: u64,
    attempts: u64,
    failed: u64,
}

impl Tally {
    /// Nothing yet.
    pub(super) fn new(past: &Past) -> Tally {
        Tally {
            rests: Rests::new(past),
            ..Tally::default()
        }
    }

    /// An attempt begins.
    pub(super) fn begins(&mut self, account: AccountId, ground: Ground) {
        self.attempts += 1;
        self.accounts.entry(account).or_default().attempts += 1;
        let Basis {
            recorded,
            of_the_request,
            stated,
            nearest,
            unknown,
        } = &mut self.basis;
        *match ground {
            Ground::Recorded => recorded,
            Ground::OfTheRequest => of_the_request,
            Ground::Stated => stated,
            Ground::Nearest => nearest,
            Ground::Unknown => unknown,
        } += 1;
    }

    /// It failed, after so long.
    pub(super) fn broke(&mut self, account: AccountId, cause: Cause, ms: i64) {
        self.failed_attempts += 1;
        self.failed_ms += u64::try_from(ms).unwrap_or(0);
        *self.failures.entry((cause, account)).or_default() += 1;
        self.accounts.entry(account).or_default().failed += 1;
    }

    /// A request is over; `account` served it.
    pub(super) fn over(&mut self, account: Option<AccountId>, has_failed_attempts: bool) {
        match account {
            Some(account) => {
                self.served += 1;
                self.recovered += u64::from(has_failed_attempts);
                self.accounts.entry(account).or_default().served += 1;
            }
            None => self.failed += 1,
        }
    }

    /// What is on record of the requests that can be replayed.
    pub(super) fn recorded(past: &Past, playable: &[bool]) -> Tally {
        let mut tally = Tally::new(past);
        for event in &past.events {
            tally.rests.hear(event);
        }
        let spells = past.spells.iter().zip(playable);
        for (spell, _) in spells.filter(|(spell, playable)| **playable && spell.in_scope) {
            let mut has_failed = false;
            for attempt in &spell.tries {
                tally.begins(attempt.account, Ground::Recorded);
                if let Some(fault) = &attempt.answer.fault {
                    has_failed = true;
                    tally.broke(attempt.account, fault.cause, attempt.answer.ms);
                }
            }
            tally.over(spell.account.filter(|_| spell.served), has_failed);
        }
        tally
    }

    /// The sums.
    pub(super) fn outcome(self, name: &impl Fn(AccountId) -> Option<String>) -> Outcome {
        let rested = self.rests.end();
        let mut uses = self.accounts;
        for account in rested.keys() {
            uses.entry(*account).or_default();
        }
        let accounts = uses.into_iter().map(|(account_id, uses)| AccountUse {
            account_id,
            account_name: name(account_id),
            served: uses.served,
            attempts: uses.attempts,
            failed_attempts: uses.failed,
            rested_ms: rested.get(&account_id).copied().unwrap_or(0),
        });
        let mut failures: Vec<FailedAttempts> = self
            .failures
            .into_iter()
            .map(|((cause, account_id), attempts)| FailedAttempts {
                cause,
                account_id,
                account_name: name(account_id),
                attempts,
            })
            .collect();
        failures.sort_by(|a, b| {
            let key =
                |of: &FailedAttempts| (std::cmp::Reverse(of.attempts), of.cause, of.account_id);
            key(a).cmp(&key(b))
        });
        Outcome {
            served: self.served,
            failed: self.failed,
            recovered: self.recovered,
            attempts: self.attempts,
            failed_attempts: self.failed_attempts,
            failed_attempts_ms: self.failed_ms,
            failures,
            accounts: accounts.collect(),
            basis: self.basis,
        }
    }
}

/// How long a deadline ran on each account.
#[derive(Debug, Default)]
pub(super) struct Rests {
    of: BTreeMap<AccountId, Rest>,
    start: i64,
    end: i64,
}

#[derive(Debug)]
struct Rest {
    state: AccountState,
    /// Up to when it is added up.
    at: i64,
    ms: u64,
}

impl Rests {
    /// Accounts as they were at the start of a window.
    pub(super) fn new(past: &Past) -> Rests {
        let mut rests = Rests {
            of: BTreeMap::new(),
            start: past.start.0,
            end: past.end.0,
        };
        for event in &past.before {
            rests.rest(event.account_id).state.apply(event);
        }
        rests
    }

    /// An event changes an account.
    pub(super) fn hear(&mut self, event: &AccountEvent) {
        let at = event.at.0.min(self.end);
        let rest = self.rest(event.account_id);
        rest.add_up(at);
        rest.state.apply(event);
    }

    fn end(mut self) -> BTreeMap<AccountId, u64> {
        let end = self.end;
        for rest in self.of.values_mut() {
            rest.add_up(end);
        }
        self.of
            .into_iter()
            .map(|(account, rest)| (account, rest.ms))
            .collect()
    }

    fn rest(&mut self, account: AccountId) -> &mut Rest {
        let at = self.start;
        self.of.entry(account).or_insert_with(|| Rest {
            state: AccountState::default(),
            at,
            ms: 0,
        })
    }
}

impl Rest {
    fn add_up(&mut self, now: i64) {
        let until = self
            .state
            .marks()
            .iter()
            .filter_map(|mark| mark.until)
            .max();
        let until = until.unwrap_or(UnixMillis(i64::MIN)).0.min(now);
        self.ms += u64::try_from(until.saturating_sub(self.at)).unwrap_or(0);
        self.at = self.at.max(now);
    }
}
