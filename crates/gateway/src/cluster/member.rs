//! Who is there: this replica's card, and those of the others.
//!
//! Promises: a replica that falls silent is gone after a lease; whose turn it is to find out about an
//! account is the same for all who see the same replicas. Must not know: what replicas share.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval};
use waybill_model::{id::AccountId, time::UnixMillis};

use super::{
    Place,
    link::{Away, Script, number_of, parts_of, string_of},
};
use crate::{app::Shared, routing::Live, standing::MOST_REPLICAS};

/// Which replica this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Its own for as long as its data folder lasts. Letters, digits, `-` and `_`.
    pub id: String,
    /// No other replica's; below 64. Part of the ids of the events it makes.
    pub number: u16,
    /// For operators.
    pub name: String,
}

/// What a replica says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its number.
    pub number: u16,
    /// For operators.
    pub name: String,
    /// This run of it: nothing that an earlier run said counts any more.
    pub run: String,
    /// When this run began.
    pub started_at: UnixMillis,
    /// Its version.
    pub version: String,
    /// All its accounts' states, in short.
    pub states: String,
}

/// A replica that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// When it was heard of last, by Redis' clock.
    pub seen_at: UnixMillis,
    /// What it says of itself.
    pub card: Card,
}

/// Who is there.
pub struct Members {
    place: Arc<Place>,
    run: String,
    started_at: UnixMillis,
    /// As last seen. Stays while Redis is away.
    seen: ArcSwap<Vec<Member>>,
    /// How many are taken to be there before anybody was seen.
    assumed: usize,
    states: Mutex<String>,
}

impl Members {
    pub(super) fn new(
        place: Arc<Place>,
        run: String,
        assumed: usize,
        started_at: UnixMillis,
    ) -> Members {
        Members {
            place,
            run,
            started_at,
            seen: ArcSwap::default(),
            assumed,
            states: Mutex::default(),
        }
    }

    /// This run of this replica.
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// Those seen last, this one among them.
    pub(super) fn seen(&self) -> Arc<Vec<Member>> {
        self.seen.load_full()
    }

    /// How many there were when Redis was there last.
    pub(super) fn last_alive(&self) -> usize {
        match self.seen.load().len() {
            0 => self.assumed.max(1),
            seen => seen,
        }
    }

    /// What the card says of the states, from the next time on.
    pub(super) fn say_states(&self, states: String) {
        *self.states.lock().unwrap_or_else(PoisonError::into_inner) = states;
    }

    /// Whether another replica finds out first if an account serves again, is said to the account.
    pub(super) fn defer(&self, account: AccountId, live: &Live) {
        let seen = self.seen.load();
        let first = first_to_try(account, seen.iter().map(|member| &*member.id));
        live.defer_trials(first.is_some_and(|first| first != self.place.replica.id));
    }

    /// Says that this replica is there, and looks who else is, for as long as it is let.
    pub(super) async fn beat(&self, shared: &Shared) {
        let every = Duration::from_millis(u64::try_from(self.place.timing.renew_ms).unwrap_or(1));
        let mut every = interval(every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            // Why it failed is on the link's record.
            if let Ok(seen) = self.say(Some(self.card())).await {
                self.is_seen(seen, shared);
            }
        }
    }

    /// Says that this replica leaves.
    pub(super) async fn leave(&self) {
        // Whatever is not heard of is taken to be gone after a lease.
        let _ = self.say(None).await;
    }

    fn card(&self) -> Card {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        Card {
            number: self.place.replica.number,
            name: self.place.replica.name.clone(),
            run: self.run.clone(),
            started_at: self.started_at,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            states: states.clone(),
        }
    }

    async fn say(&self, card: Option<Card>) -> Result<Vec<Member>, Away> {
        let place = &self.place;
        // A card is plain data: it can always be written.
        let card = card.and_then(|card| serde_json::to_string(&card).ok());
        let mut ask = place.link.ask()?;
        ask.script(Script::Member, &[place.keys.replicas()])
            .arg(&place.replica.id)
            .arg(card.unwrap_or_default())
            .arg(place.timing.lease_ms);
        let answer = place.link.answers(ask).await?.pop().ok_or(Away)?;
        let mut parts = parts_of(answer).into_iter().skip(1);
        let mut seen = Vec::new();
        while let (Some(id), Some(at), Some(card)) = (parts.next(), parts.next(), parts.next()) {
            let card = string_of(card).and_then(|card| serde_json::from_str(&card).ok());
            // A card of another version that cannot be read is nobody to this one.
            if let (Some(id), Some(at), Some(card)) = (string_of(id), number_of(&at), card) {
                seen.push(Member {
                    id,
                    seen_at: UnixMillis(at),
                    card,
                });
            }
        }
        seen.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(seen)
    }

    fn is_seen(&self, seen: Vec<Member>, shared: &Shared) {
        let before = self.seen.swap(Arc::new(seen.clone()));
        let ids = |members: &[Member]| -> Vec<String> {
            members.iter().map(|member| member.id.clone()).collect()
        };
        if ids(&before) == ids(&seen) {
            return;
        }
        tracing::info!(replicas = ?ids(&seen), "who is there");
        let own = &self.place.replica;
        for twin in seen
            .iter()
            .filter(|member| member.id != own.id && member.card.number == own.number)
        {
            tracing::error!(
                replica = %twin.id,
                number = own.number,
                "another replica has the same number: ids of account events may clash"
            );
        }
        for account in shared.snapshot().accounts() {
            self.defer(account.id, &account.live);
        }
    }
}

/// Whether a replica's id and number can be used.
pub fn check(replica: &Replica) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if replica.id.is_empty() || !replica.id.chars().all(is_plain) {
        return Err("a replica's id is made of letters, digits, `-` and `_`".to_owned());
    }
    if replica.number >= MOST_REPLICAS {
        return Err(format!("a replica's number is below {MOST_REPLICAS}"));
    }
    Ok(())
}

/// The replica whose hash with the account is largest: each account has another one, and who leaves
/// changes nothing for the others' (rendezvous hashing).
fn first_to_try<'a>(
    account: AccountId,
    replicas: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    replicas.max_by_key(|replica| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&account.0.to_le_bytes());
        hasher.update(replica.as_bytes());
        *hasher.finalize().as_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_out_is_agreed_on_spread_and_changes_only_for_who_left() {
        let all = ["a", "b", "c"];
        let first =
            |account, of: &[&'static str]| first_to_try(AccountId(account), of.iter().copied());
        let mut counts = [0; 3];
        for account in 1..=300 {
            let found = first(account, &all);
            assert_eq!(found, first(account, &["c", "a", "b"]));
            let at = all.iter().position(|id| Some(*id) == found).unwrap_or(0);
            counts[at] += 1;
            let without_b = first(account, &["a", "c"]);
            assert!(found == Some("b") || found == without_b);
        }
        assert!(counts.iter().all(|count| *count > 60), "{counts:?}");
        assert_eq!(first(1, &[]), None);
    }
}
