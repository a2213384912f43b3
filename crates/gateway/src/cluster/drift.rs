//! The drift check: whether all replicas have their accounts in the same states.
//!
//! Each replica says what its states come to, all together, with its heartbeat; where two differ for longer
//! than events take, they are compared account by account. What stays different is drift: it is counted,
//! shown, and begun anew from what is on record.
//!
//! Promises: costs nothing while all agree but one digest a second over the accounts that have a mark. Must
//! not know: how a state is read from the record.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};
use waybill_model::{
    id::{AccountEventId, AccountId},
    time::UnixMillis,
};

use super::{
    Place,
    events::Events,
    link::{Away, string_of},
    member::Members,
};
use crate::app::Shared;

/// How often states are compared.
const EVERY: Duration = Duration::from_secs(1);

/// A difference that lasts so long is no longer one of events on their way, in milliseconds: what was told
/// lately is read up.
const SUSPECT_MS: i64 = 2_000;

/// And so long: it is drift.
const DRIFT_MS: i64 = 5_000;

/// While it lasts, the record is asked this often.
const RESYNC_EVERY_MS: i64 = 10_000;

/// How long a replica's states can be read without being written again, in milliseconds.
const KEPT_MS: i64 = 60_000;

/// Begins these accounts anew with what is on record.
pub type Resync =
    Box<dyn Fn(Vec<AccountId>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The newest event and the digest of each account with a mark.
type States = BTreeMap<AccountId, (AccountEventId, String)>;

/// Compares states.
pub struct Drift {
    place: Arc<Place>,
    resync: OnceLock<Resync>,
    found: Mutex<Vec<Drifted>>,
}

/// An account whose state differs from that on another replica, and stays so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drifted {
    /// The account.
    pub account: AccountId,
    /// The other replica.
    pub replica: String,
    /// Since when.
    pub since: UnixMillis,
}

/// A difference that was seen.
struct Suspect {
    own: Option<String>,
    others: Option<String>,
    since: i64,
    seen_at: UnixMillis,
    is_drift: bool,
}

impl Drift {
    pub(super) fn new(place: Arc<Place>) -> Drift {
        Drift {
            place,
            resync: OnceLock::new(),
            found: Mutex::default(),
        }
    }

    /// What begins accounts anew. Once.
    pub(super) fn resync_by(&self, resync: Resync) {
        // A second one would be a mistake that changes nothing.
        let _ = self.resync.set(resync);
    }

    /// The accounts that differ.
    pub(super) fn found(&self) -> Vec<Drifted> {
        self.found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Compares for as long as it is let.
    pub(super) async fn check(&self, shared: &Shared, members: &Members, events: &Events) {
        let mut every = interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut suspects: HashMap<(String, AccountId), Suspect> = HashMap::new();
        let mut said: Option<(String, i64)> = None;
        let mut resynced_at = i64::MIN;
        loop {
            every.tick().await;
            let own = states(shared);
            let all = together(&own);
            members.say_states(all.clone());
            let now = self.place.now();
            let is_said = said
                .as_ref()
                .is_some_and(|(text, at)| *text == all && now - at < KEPT_MS / 3);
            if !is_said && self.say(&own).await.is_ok() {
                said = Some((all.clone(), now));
            }
            let mut others = HashMap::new();
            for member in members.seen().iter() {
                let differs = !member.card.states.is_empty() && member.card.states != all;
                if member.id != self.place.replica.id
                    && differs
                    && let Ok(Some(states)) = self.states_of(&member.id).await
                {
                    others.insert(member.id.clone(), states);
                }
            }
            suspect(&mut suspects, &own, &others, now, shared.clock.now());
            if suspects.values().any(|s| now - s.since >= SUSPECT_MS) {
                events.read_up();
            }
            let drifted = self.judge(&mut suspects, now);
            if !drifted.is_empty()
                && now.saturating_sub(resynced_at) >= RESYNC_EVERY_MS
                && let Some(resync) = self.resync.get()
            {
                resynced_at = now;
                resync(drifted).await;
            }
        }
    }

    /// Which accounts have drifted; those that have only now are counted.
    fn judge(
        &self,
        suspects: &mut HashMap<(String, AccountId), Suspect>,
        now: i64,
    ) -> Vec<AccountId> {
        let mut found = Vec::new();
        for ((replica, account), suspect) in suspects.iter_mut() {
            if now - suspect.since < DRIFT_MS {
                continue;
            }
            if !std::mem::replace(&mut suspect.is_drift, true) {
                self.place.counts.drifts.add(1);
                tracing::error!(%account, %replica, "an account's state differs from that on another replica");
            }
            found.push(Drifted {
                account: *account,
                replica: replica.clone(),
                since: suspect.seen_at,
            });
        }
        found.sort_by(|a, b| (a.account, &a.replica).cmp(&(b.account, &b.replica)));
        let mut accounts: Vec<AccountId> = found.iter().map(|drifted| drifted.account).collect();
        accounts.dedup();
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
        accounts
    }

    async fn say(&self, states: &States) -> Result<(), Away> {
        let place = &self.place;
        let mut ask = place.link.ask()?;
        // Plain data: it can always be written.
        let text = serde_json::to_string(states).unwrap_or_default();
        ask.command("SET")
            .arg(place.keys.states(&place.replica.id))
            .arg(text)
            .arg("PX")
            .arg(KEPT_MS);
        place.link.answers(ask).await.map(drop)
    }

    async fn states_of(&self, replica: &str) -> Result<Option<States>, Away> {
        let place = &self.place;
        let mut ask = place.link.ask()?;
        ask.command("GET").arg(place.keys.states(replica));
        let answer = place.link.answers(ask).await?.pop().and_then(string_of);
        Ok(answer.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

/// This replica's states, of accounts that have a mark.
fn states(shared: &Shared) -> States {
    let snapshot = shared.snapshot();
    let marked = snapshot
        .accounts()
        .filter(|account| !account.live.state().marks().is_empty());
    marked
        .map(|account| {
            let (last, digest) = account.live.digest();
            (account.id, (last, format!("{digest:016x}")))
        })
        .collect()
}

/// What they come to.
fn together(states: &States) -> String {
    let mut hasher = blake3::Hasher::new();
    for (account, (_, digest)) in states {
        hasher.update(&account.0.to_le_bytes());
        hasher.update(digest.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Notes what differs, and since when it has been so without a change on either side.
fn suspect(
    suspects: &mut HashMap<(String, AccountId), Suspect>,
    own: &States,
    others: &HashMap<String, States>,
    now: i64,
    wall_clock: UnixMillis,
) {
    let digest = |states: &States, account| states.get(&account).map(|(_, digest)| digest.clone());
    let mut differ = HashMap::new();
    for (replica, states) in others {
        for account in own.keys().chain(states.keys()) {
            let (here, there) = (digest(own, *account), digest(states, *account));
            if here != there {
                differ.insert((replica.clone(), *account), (here, there));
            }
        }
    }
    suspects.retain(|key, suspect| {
        let same = |(own, others): &(Option<String>, Option<String>)| {
            *own == suspect.own && *others == suspect.others
        };
        differ.get(key).is_some_and(same)
    });
    for (key, (own, others)) in differ {
        suspects.entry(key).or_insert(Suspect {
            own,
            others,
            since: now,
            seen_at: wall_clock,
            is_drift: false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(of: &[(i64, &str)]) -> States {
        of.iter()
            .map(|(account, digest)| {
                (
                    AccountId(*account),
                    (AccountEventId(1), (*digest).to_owned()),
                )
            })
            .collect()
    }

    #[test]
    fn a_difference_counts_from_when_it_last_changed_and_ends_when_it_is_gone() {
        let mut suspects = HashMap::new();
        let mut look = |own: &[(i64, &str)], other: &[(i64, &str)], now| {
            let others = HashMap::from([("b".to_owned(), states(other))]);
            suspect(&mut suspects, &states(own), &others, now, UnixMillis(now));
            let mut since: Vec<_> = suspects
                .iter()
                .map(|((_, account), suspect)| (account.0, suspect.since))
                .collect();
            since.sort_unstable();
            since
        };
        assert_eq!(look(&[(1, "x")], &[(1, "x")], 0), []);
        assert_eq!(look(&[(1, "x")], &[(2, "y")], 1), [(1, 1), (2, 1)]);
        assert_eq!(look(&[(1, "x")], &[(2, "z")], 2), [(1, 1), (2, 2)]);
        assert_eq!(look(&[(1, "x"), (2, "z")], &[(2, "z")], 3), [(1, 1)]);
        assert_eq!(look(&[(2, "z")], &[(2, "z")], 4), []);
    }

    #[test]
    fn what_states_come_to_tells_accounts_and_states_apart() {
        let all = [
            together(&states(&[])),
            together(&states(&[(1, "x")])),
            together(&states(&[(2, "x")])),
            together(&states(&[(1, "y")])),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one));
        }
    }
}
