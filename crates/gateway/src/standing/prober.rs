//! Asks stopped accounts that have a probe configured whether they serve again: when a deadline has
//! passed, so that no client's request has to find out, and now and then while a limit lasts.
//!
//! Promises: when to ask is a pure function ([`due`]); an account is asked only what can end one of its
//! marks, never twice within [`LEAST_PAUSE`], and more and more rarely while its probe decides nothing;
//! at most [`MOST_AT_ONCE`] probes run, and where there are more, clients find out. Must not know: what
//! an answer does to an account.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use waybill_model::{
    entity::{Probe, Status},
    id::{AccountEventId, AccountId},
    state::{AccountState, Mark, MarkKind},
    time::UnixMillis,
};

use crate::{
    app::Shared,
    routing::{AccountEntry, Slot},
    upstream::{Pool, probe},
};

/// How often the accounts are looked through: a deadline is met this late at worst.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// So long before a deadline the place of the request that finds out is taken, in milliseconds: two
/// looks.
const AHEAD: u64 = 2_000;

/// How often a probe that is early looks at the clock.
const NEARER: Duration = Duration::from_millis(50);

/// Probes that run at once.
const MOST_AT_ONCE: usize = 4;

/// Least time between two probes of one account, in milliseconds.
const LEAST_PAUSE: u64 = 5_000;

/// The same, at most, for one whose probes decide nothing.
const LONGEST_PAUSE: u64 = 300_000;

/// Who acts here, in events.
const PROBE: &str = "probe";

/// The last probe of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    began_at: UnixMillis,
    /// Probes in a row that did not serve, it among them.
    failures: u32,
}

/// When an account is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: UnixMillis,
    /// The mark whose deadline it is: the probe is its trial.
    trial: Option<AccountEventId>,
}

/// Probes accounts for as long as it is let.
pub async fn probe_accounts(shared: Arc<Shared>) {
    let pool = Arc::new(Pool::default());
    let mut last: HashMap<AccountId, Last> = HashMap::new();
    let mut running: JoinSet<(AccountId, bool)> = JoinSet::new();
    let mut under_way: Vec<AccountId> = Vec::new();
    let mut every = interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(ended) = running.join_next() => {
                // A probe that panicked frees its place, too; which one it was shows when none is left.
                match ended {
                    Ok((account, ok)) => {
                        under_way.retain(|id| *id != account);
                        if let Some(last) = last.get_mut(&account) {
                            last.failures = if ok { 0 } else { last.failures.saturating_add(1) };
                        }
                    }
                    Err(error) => tracing::error!(%error, "a probe broke"),
                }
                if running.is_empty() {
                    under_way.clear();
                }
                continue;
            }
            _ = every.tick() => {}
        }
        pool.sweep();
        let now = shared.clock.now();
        let snapshot = shared.snapshot().clone();
        last.retain(|id, _| snapshot.account(*id).is_some());
        for (account, ask) in snapshot.accounts().filter_map(probed) {
            if running.len() >= MOST_AT_ONCE {
                break;
            }
            let known = last.get(&account.id).copied();
            if under_way.contains(&account.id) {
                continue;
            }
            let Some(turn) = turn_of(account, ask, known, now) else {
                continue;
            };
            under_way.push(account.id);
            let began = Last {
                began_at: turn.at.max(now),
                failures: known.map_or(0, |known| known.failures),
            };
            last.insert(account.id, began);
            running.spawn(one(
                Arc::clone(&shared),
                Arc::clone(&pool),
                Arc::clone(account),
                ask.clone(),
                turn,
            ));
        }
    }
}

/// One that may be asked at all.
fn probed(account: &Arc<AccountEntry>) -> Option<(&Arc<AccountEntry>, &Probe)> {
    let usable = account.status == Status::Active && account.credential.is_some();
    account
        .probe
        .as_ref()
        .filter(|_| usable)
        .map(|probe| (account, probe))
}

async fn one(
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    account: Arc<AccountEntry>,
    ask: Probe,
    turn: Turn,
) -> (AccountId, bool) {
    let id = account.id;
    while shared.clock.now() < turn.at {
        tokio::time::sleep(NEARER).await;
    }
    let result = probe(&shared, &pool, &account, &ask).await;
    tracing::debug!(account = %account.name, ok = result.ok, cause = ?result.cause, "probed");
    // Of an account that was changed meanwhile, it is the new definition that stands.
    let account = shared.snapshot().account(id).cloned().unwrap_or(account);
    shared
        .keeper
        .probed(&account, &result, PROBE, shared.clock.now());
    // Not before its outcome is on the account: in between, a client would find out a second time.
    drop(turn);
    (id, result.ok)
}

/// A probe that may be made.
struct Turn {
    at: UnixMillis,
    /// The place of the request that finds out. While it is held, no client's request is that.
    _trial: Option<Slot>,
}

/// Whether an account is to be asked now, or in a moment. A client's request that is finding out already
/// makes a probe needless.
fn turn_of(
    account: &AccountEntry,
    ask: &Probe,
    last: Option<Last>,
    now: UnixMillis,
) -> Option<Turn> {
    let model = ask.model.as_deref().map(|model| {
        let mapped = account.model_map.get(model);
        mapped.as_deref().unwrap_or(model).to_owned()
    });
    let due = due(
        &account.live.state(),
        model.as_deref(),
        ask.every_seconds,
        last,
    )?;
    match due.trial {
        None => (due.at <= now).then_some(Turn {
            at: due.at,
            _trial: None,
        }),
        Some(_) if due.at > after(now, AHEAD) => None,
        Some(event) => {
            let trial = account.live.take_trial(account.concurrency, event, None)?;
            Some(Turn {
                at: due.at,
                _trial: Some(trial),
            })
        }
    }
}

/// When an account in this state is to be asked for `model` (as its provider knows it; `None`: for its
/// list of models); `None`: not at all.
fn due(
    state: &AccountState,
    model: Option<&str>,
    every_seconds: Option<u64>,
    last: Option<Last>,
) -> Option<Due> {
    let rested = |at: UnixMillis, pause| match last {
        Some(last) => at.max(after(last.began_at, pause)),
        None => at,
    };
    let marks = state.marks().iter().filter(|mark| can_end(mark, model));
    marks
        .filter_map(|mark| {
            let between = every_seconds.map(|seconds| {
                let asked_at = last.map_or(mark.set_at, |last| last.began_at.max(mark.set_at));
                Due {
                    at: rested(after(asked_at, seconds.saturating_mul(1_000)), LEAST_PAUSE),
                    trial: None,
                }
            });
            // A deadline that is newer than the last probe is news.
            let undecided = last.filter(|last| mark.set_at < last.began_at);
            let pause = pause(undecided.map_or(0, |last| last.failures));
            let at_deadline = mark.until.map(|until| Due {
                at: rested(until, pause),
                trial: Some(mark.event),
            });
            at_deadline.into_iter().chain(between).min()
        })
        .min()
}

/// Whether an answer could end the mark: one of a model ends what covers that model, a list of models
/// proves the credential and nothing else.
fn can_end(mark: &Mark, model: Option<&str>) -> bool {
    match mark.kind {
        MarkKind::Disabled => false,
        MarkKind::Error => mark.scope.covers(model),
        MarkKind::RateLimited | MarkKind::Overloaded | MarkKind::Paused => {
            model.is_some() && mark.scope.covers(model)
        }
    }
}

/// Rest after a probe, in milliseconds.
fn pause(failures: u32) -> u64 {
    let doubled = failures.saturating_sub(1).min(16);
    (LEAST_PAUSE << doubled).min(LONGEST_PAUSE)
}

fn after(at: UnixMillis, ms: u64) -> UnixMillis {
    UnixMillis(at.0.saturating_add_unsigned(ms))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waybill_model::state::{AccountEvent, Scope};

    use super::*;

    const T0: i64 = 1_800_000_000_000;

    fn at(ms: i64) -> UnixMillis {
        UnixMillis(T0 + ms)
    }

    /// Marked at T0, until `until` after it.
    fn state(kind: MarkKind, scope: Scope, until: Option<i64>) -> AccountState {
        let event = AccountEvent {
            id: AccountEventId(7),
            at: at(0),
            account_id: AccountId(1),
            kind: kind.event(),
            scope,
            since: Some(at(0)),
            until: until.map(at),
            source: None,
            strikes: 1,
            cause: None,
            status_code: None,
            reason: String::new(),
            request_id: None,
            attempt: None,
            actor: None,
            undoes: None,
        };
        AccountState::of([&event])
    }

    fn last(ms: i64, failures: u32) -> Option<Last> {
        Some(Last {
            began_at: at(ms),
            failures,
        })
    }

    #[test]
    fn a_stopped_account_is_asked_at_its_deadline_and_in_between_if_wanted() {
        let limited = state(MarkKind::RateLimited, Scope::Account, Some(600_000));
        let asked = |every, last| due(&limited, Some("m"), every, last).map(|due| due.at);
        assert_eq!(asked(None, None), Some(at(600_000)));
        assert_eq!(asked(Some(60), None), Some(at(60_000)));
        assert_eq!(asked(Some(60), last(60_000, 1)), Some(at(120_000)));
        assert_eq!(asked(Some(1), last(60_000, 1)), Some(at(65_000)));
        assert_eq!(asked(Some(3_600), None), Some(at(600_000)));
    }

    #[test]
    fn a_probe_at_a_deadline_is_the_marks_trial_and_one_in_between_is_none() {
        let limited = state(MarkKind::RateLimited, Scope::Account, Some(600_000));
        let trial = |every| due(&limited, Some("m"), every, None).and_then(|due| due.trial);
        assert_eq!(trial(None), Some(AccountEventId(7)));
        assert_eq!(trial(Some(60)), None);
    }

    #[test]
    fn nothing_is_asked_that_could_end_no_mark() {
        let model = |name: &str| Scope::Model(name.into());
        for (kind, scope, asked, wanted) in [
            (MarkKind::RateLimited, Scope::Account, None, false),
            (MarkKind::RateLimited, Scope::Account, Some("m"), true),
            (MarkKind::Overloaded, model("m"), Some("m"), true),
            (MarkKind::Overloaded, model("other"), Some("m"), false),
            (
                MarkKind::Paused,
                Scope::Family("m".into()),
                Some("m-1"),
                true,
            ),
            (MarkKind::Error, Scope::Account, None, true),
            (MarkKind::Error, model("m"), None, false),
            (MarkKind::Disabled, Scope::Account, Some("m"), false),
        ] {
            let until = (kind != MarkKind::Disabled).then_some(1_000);
            let found = due(&state(kind, scope.clone(), until), asked, None, None);
            assert_eq!(found.is_some(), wanted, "{kind} {scope} {asked:?}");
        }
        assert_eq!(
            due(&AccountState::default(), Some("m"), Some(1), None),
            None
        );
    }

    #[test]
    fn a_probe_that_decides_nothing_becomes_rare() {
        let stuck = state(MarkKind::RateLimited, Scope::Account, Some(1));
        let pauses = [(0, 5), (1, 5), (2, 10), (3, 20), (7, 300), (1_000, 300)];
        for (failures, seconds) in pauses {
            let asked = due(&stuck, Some("m"), None, last(1_000, failures));
            assert_eq!(
                asked.map(|due| due.at),
                Some(at(1_000 + seconds * 1_000)),
                "{failures}"
            );
        }
        // But for who wants it often, or when the last one made a new deadline.
        let asked = due(&stuck, Some("m"), Some(30), last(1_000, 1_000));
        assert_eq!(asked.map(|due| due.at), Some(at(31_000)));
        let asked = due(&stuck, Some("m"), None, last(-1_000, 1_000));
        assert_eq!(asked.map(|due| due.at), Some(at(4_000)));
    }

    proptest! {
        #[test]
        fn no_account_is_asked_twice_within_the_least_pause(
            until in 0i64..10_000_000, every in proptest::option::of(1u64..100_000),
            asked in 0i64..10_000_000, failures in any::<u32>(),
        ) {
            let state = state(MarkKind::RateLimited, Scope::Account, Some(until));
            let asked_again = due(&state, Some("m"), every, last(asked, failures));
            prop_assert!(asked_again.is_some_and(|due| due.at.0 - at(asked).0 >= 5_000));
        }
    }
}
