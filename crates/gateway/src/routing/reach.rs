//! Which models an account's marks may reach, in words that a choice can test without reading the state.
//!
//! Promises: a mark that covers a model is never missed; one that does not is rarely taken for one that
//! does, and then the state is read. Must not know: until when a mark lasts.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering},
};

use waybill_model::state::{AccountState, Scope};

/// The bit of requests that name no model: only marks on the account as a whole reach them.
const NO_MODEL: u64 = 1 << 63;

/// Bytes of the pieces that tell whether a family's word can be part of a name.
const PIECE: usize = 3;

/// What is tested of a model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    bit: u64,
    pieces: u64,
}

/// What an account's marks may reach.
#[derive(Debug)]
pub(super) struct Reached {
    /// A bit per model, all of them for a family, and [`NO_MODEL`] too for the account.
    any: AtomicU64,
}

/// The same, told apart by what reaches it.
#[derive(Debug)]
pub(super) struct ReachedBy {
    /// A bit per model that has a mark of its own.
    models: AtomicU64,
    /// Pieces that the words of all families have in common: a name without one of these is in none.
    families: AtomicU64,
}

impl Asked {
    /// What is tested of `model`, as the provider knows it.
    pub(super) fn new(model: Option<&str>) -> Asked {
        Asked {
            bit: model.map_or(NO_MODEL, model_bit),
            pieces: model.map_or(0, pieces),
        }
    }
}

impl Default for Reached {
    fn default() -> Self {
        Reached {
            any: AtomicU64::new(0),
        }
    }
}

impl Default for ReachedBy {
    fn default() -> Self {
        ReachedBy {
            models: AtomicU64::new(0),
            families: AtomicU64::new(u64::MAX),
        }
    }
}

impl Reached {
    /// Whether some mark may reach it. One load.
    #[inline]
    pub(super) fn includes(&self, asked: Asked) -> bool {
        self.any.load(Ordering::Relaxed) & asked.bit != 0
    }
}

impl ReachedBy {
    /// Whether a mark on less than the account may reach it.
    pub(super) fn includes(&self, asked: Asked) -> bool {
        self.models.load(Ordering::Relaxed) & asked.bit != 0
            || self.families.load(Ordering::Relaxed) & !asked.pieces == 0
    }
}

/// Takes over what the marks of `state` reach.
pub(super) fn publish(state: &AccountState, reached: &Reached, by: &ReachedBy) {
    let (mut any, mut models, mut families) = (0, 0, u64::MAX);
    for mark in state.marks() {
        match &mark.scope {
            Scope::Account => any = u64::MAX,
            Scope::Model(name) => {
                any |= model_bit(name);
                models |= model_bit(name);
            }
            Scope::Family(word) => {
                any |= !NO_MODEL;
                families &= pieces(word);
            }
        }
    }
    by.models.store(models, Ordering::Release);
    by.families.store(families, Ordering::Release);
    reached.any.store(any, Ordering::Release);
}

fn model_bit(model: &str) -> u64 {
    1 << (hash(model.as_bytes()) % 63)
}

/// A bit for each piece of a text. A text that is part of another has no bit that the other lacks.
fn pieces(text: &str) -> u64 {
    text.as_bytes()
        .windows(PIECE)
        .fold(0, |bits, piece| bits | 1 << (hash(piece) % 64))
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waybill_model::{
        id::{AccountEventId, AccountId},
        state::{AccountEvent, AccountEventKind},
        time::UnixMillis,
    };

    use super::*;

    fn state(scopes: &[Scope]) -> AccountState {
        let events: Vec<_> = (1..)
            .zip(scopes)
            .map(|(id, scope)| AccountEvent {
                id: AccountEventId(id),
                at: UnixMillis(0),
                account_id: AccountId(1),
                kind: AccountEventKind::RateLimited,
                scope: scope.clone(),
                since: None,
                until: Some(UnixMillis(1)),
                source: None,
                strikes: 1,
                cause: None,
                status_code: None,
                reason: String::new(),
                request_id: None,
                attempt: None,
                actor: None,
                undoes: None,
            })
            .collect();
        AccountState::of(&events)
    }

    fn may_reach(scopes: &[Scope], model: Option<&str>) -> bool {
        let (reached, by) = (Reached::default(), ReachedBy::default());
        publish(&state(scopes), &reached, &by);
        let asked = Asked::new(model);
        let of_account = scopes.contains(&Scope::Account);
        reached.includes(asked) && (of_account || by.includes(asked))
    }

    fn scopes() -> impl Strategy<Value = Vec<Scope>> {
        let scope = prop_oneof![
            1 => Just(Scope::Account),
            5 => "[a-c]{1,4}".prop_map(|name| Scope::Model(name.as_str().into())),
            5 => "[a-c]{1,4}".prop_map(|word| Scope::Family(word.as_str().into())),
        ];
        proptest::collection::vec(scope, 0..4)
    }

    proptest! {
        #[test]
        fn a_mark_that_covers_a_model_is_never_missed(
            scopes in scopes(),
            model in proptest::option::of("[a-c]{1,6}"),
        ) {
            let model = model.as_deref();
            if scopes.iter().any(|scope| scope.covers(model)) {
                prop_assert!(may_reach(&scopes, model));
            }
        }
    }

    #[test]
    fn marks_on_other_models_and_families_are_told_apart() {
        let opus = [
            Scope::Family("opus".into()),
            Scope::Model("claude-haiku-4-5".into()),
        ];
        assert!(may_reach(&opus, Some("claude-opus-4-5")));
        assert!(may_reach(&opus, Some("claude-haiku-4-5")));
        assert!(!may_reach(&opus, Some("claude-sonnet-4-5")));
        assert!(!may_reach(&opus, None));
        assert!(!may_reach(&[], Some("claude-opus-4-5")));
    }
}
