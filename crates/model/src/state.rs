//! An account's state: what keeps it from serving, since when, until when, and which request said so.
//!
//! State changes only through [`AccountEvent`]s. [`AccountState`] is the fold of an account's events, so
//! the state at any past moment can be had by folding the events up to it.
//!
//! Promises: pure; a deadline is never shortened by a weaker signal; every mark has a deadline, so a
//! stopped account always has a way back. At its deadline a mark does not end: the account is half
//! open until a request or a probe has shown that it serves.
//!
//! Must not know: which failure has which effect (that is decided where failures are judged), or what
//! time it is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    cause::Cause,
    id::{AccountEventId, AccountId, RequestId},
    time::UnixMillis,
    words,
};

words! {
    /// What stops an account, or one model on it.
    pub enum MarkKind {
        /// The provider's limit is used up.
        RateLimited = "rate_limited",
        /// The provider has no capacity, or keeps failing.
        Overloaded = "overloaded",
        /// A rule of the operator's says to wait.
        Paused = "paused",
        /// The credential or the account's standing is at fault.
        Error = "error",
        /// Switched off by hand.
        Disabled = "disabled",
    }
}

words! {
    /// What an event says about an account.
    pub enum AccountEventKind {
        /// A limit of the provider was met.
        RateLimited = "rate_limited",
        /// The provider had no capacity, or kept failing.
        Overloaded = "overloaded",
        /// A rule of the operator's applied.
        Paused = "paused",
        /// The credential or the account's standing was refused.
        Error = "error",
        /// Switched off by hand.
        Disabled = "disabled",
        /// Switched on by hand.
        Enabled = "enabled",
        /// A request or a probe showed that it serves again.
        Recovered = "recovered",
        /// An earlier event is taken back: the account was not at fault.
        Compensated = "compensated",
        /// Everything but `disabled` was cleared by hand.
        Reset = "reset",
    }
}

impl AccountEventKind {
    /// The mark it sets, if it sets one.
    pub const fn sets(self) -> Option<MarkKind> {
        match self {
            AccountEventKind::RateLimited => Some(MarkKind::RateLimited),
            AccountEventKind::Overloaded => Some(MarkKind::Overloaded),
            AccountEventKind::Paused => Some(MarkKind::Paused),
            AccountEventKind::Error => Some(MarkKind::Error),
            AccountEventKind::Disabled => Some(MarkKind::Disabled),
            AccountEventKind::Enabled
            | AccountEventKind::Recovered
            | AccountEventKind::Compensated
            | AccountEventKind::Reset => None,
        }
    }
}

impl MarkKind {
    /// The event that sets it.
    pub const fn event(self) -> AccountEventKind {
        match self {
            MarkKind::RateLimited => AccountEventKind::RateLimited,
            MarkKind::Overloaded => AccountEventKind::Overloaded,
            MarkKind::Paused => AccountEventKind::Paused,
            MarkKind::Error => AccountEventKind::Error,
            MarkKind::Disabled => AccountEventKind::Disabled,
        }
    }
}

/// What a mark applies to. Spelled `account`, `model:NAME` or `family:WORD`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Everything the account does.
    Account,
    /// One model, as the provider knows it.
    Model(Arc<str>),
    /// Every model whose name contains this word.
    Family(Arc<str>),
}

impl Scope {
    /// Whether a request for `model` is within it.
    pub fn covers(&self, model: Option<&str>) -> bool {
        match self {
            Scope::Account => true,
            Scope::Model(name) => model == Some(name),
            Scope::Family(word) => model.is_some_and(|model| model.contains(&**word)),
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scope::Account => f.write_str("account"),
            Scope::Model(name) => write!(f, "model:{name}"),
            Scope::Family(word) => write!(f, "family:{word}"),
        }
    }
}

/// Not the spelling of a scope.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no scope: `account`, `model:NAME` or `family:WORD` was expected")]
pub struct UnknownScope(String);

impl std::str::FromStr for Scope {
    type Err = UnknownScope;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s.split_once(':') {
            None if s == "account" => Ok(Scope::Account),
            Some(("model", name)) => Ok(Scope::Model(name.into())),
            Some(("family", word)) => Ok(Scope::Family(word.into())),
            _ => Err(UnknownScope(s.to_owned())),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Scope {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("`account`, `model:NAME` or `family:WORD`"))
            .into()
    }
}

impl utoipa::ToSchema for Scope {}

/// What a provider's limit reaches, as far as its answer says. The request's model makes it a [`Scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everything the account does.
    Account,
    /// The model that was asked for.
    Model,
    /// Every model whose name contains this word.
    Family(&'static str),
}

impl Reach {
    /// The scope, for a request that asked for `model`.
    pub fn scope(self, model: Option<&Arc<str>>) -> Scope {
        match (self, model) {
            (Reach::Family(word), _) => Scope::Family(word.into()),
            (Reach::Model, Some(model)) => Scope::Model(Arc::clone(model)),
            (Reach::Model, None) | (Reach::Account, _) => Scope::Account,
        }
    }
}

/// One recorded change of an account's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccountEvent {
    /// Its id; later events have larger ones.
    pub id: AccountEventId,
    /// When it happened.
    pub at: UnixMillis,
    /// The account.
    pub account_id: AccountId,
    /// What it says.
    pub kind: AccountEventKind,
    /// What it applies to.
    pub scope: Scope,
    /// Since when the account has been so, for events that set a mark.
    pub since: Option<UnixMillis>,
    /// The deadline of the mark; `null` for `disabled`, which ends by hand alone.
    pub until: Option<UnixMillis>,
    /// Where the deadline was read: a header's name, a body field's path, `back-off`, `rule`, `manual`.
    pub source: Option<String>,
    /// How often in a row the same happened; makes back-offs grow.
    pub strikes: u32,
    /// The cause of the failure behind it.
    pub cause: Option<Cause>,
    /// The provider's status.
    pub status_code: Option<u16>,
    /// What the provider said, or why a person did it.
    pub reason: String,
    /// The request that caused it.
    #[schema(value_type = Option<String>)]
    pub request_id: Option<RequestId>,
    /// The attempt of that request, from 1.
    pub attempt: Option<u32>,
    /// Who did it, where it was not a request: `admin`, `probe`, `test`, `configuration`.
    pub actor: Option<String>,
    /// For `compensated`: the event that is taken back.
    pub undoes: Option<AccountEventId>,
}

/// One thing that keeps an account, or a model on it, from serving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What it is.
    pub kind: MarkKind,
    /// What it applies to.
    pub scope: Scope,
    /// Since when, extensions included.
    pub since: UnixMillis,
    /// When the account may be tried again; `None`: by hand alone.
    pub until: Option<UnixMillis>,
    /// How often in a row.
    pub strikes: u32,
    /// The newest event that set it.
    pub event: AccountEventId,
    /// When that was.
    pub set_at: UnixMillis,
    /// The request behind it.
    pub request_id: Option<RequestId>,
    /// The cause behind it.
    pub cause: Option<Cause>,
    /// Where the deadline was read.
    pub source: Option<String>,
    /// What was said.
    pub reason: String,
}

/// Everything that keeps an account from serving: the fold of its events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountState {
    /// At most one per kind and scope, in their order: states made of the same marks are equal.
    marks: Vec<Mark>,
    /// What ended lately, so that a limit that comes straight back is met with a longer wait. As many,
    /// in the same order.
    past: Vec<Past>,
}

/// A mark that ended because the account served again.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Past {
    kind: MarkKind,
    scope: Scope,
    strikes: u32,
    ended_at: UnixMillis,
}

/// Whether an account may serve a model now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// It may.
    Ready,
    /// A deadline has passed: one request may find out.
    HalfOpen(&'a Mark),
    /// It may not.
    Blocked(&'a Mark),
}

impl AccountState {
    /// The fold of `events`, which are in the order of their ids.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a AccountEvent>) -> Self {
        let mut state = AccountState::default();
        for event in events {
            state.apply(event);
        }
        state
    }

    /// What an event changes.
    pub fn apply(&mut self, event: &AccountEvent) {
        match (event.kind, event.kind.sets()) {
            (_, Some(kind)) => self.set(kind, event),
            (AccountEventKind::Enabled, None) => {
                self.marks.retain(|mark| mark.kind != MarkKind::Disabled);
            }
            (AccountEventKind::Recovered, None) => {
                for mark in self.marks.extract_if(.., |mark| {
                    mark.scope == event.scope && mark.kind != MarkKind::Disabled
                }) {
                    let past = Past {
                        kind: mark.kind,
                        scope: mark.scope,
                        strikes: mark.strikes,
                        ended_at: event.at,
                    };
                    put(&mut self.past, past, |past| (past.kind, &past.scope));
                }
            }
            (AccountEventKind::Compensated, None) => {
                self.marks.retain(|mark| Some(mark.event) != event.undoes);
            }
            (AccountEventKind::Reset, None) => {
                self.marks.retain(|mark| mark.kind == MarkKind::Disabled);
                self.past.clear();
            }
            (
                AccountEventKind::RateLimited
                | AccountEventKind::Overloaded
                | AccountEventKind::Paused
                | AccountEventKind::Error
                | AccountEventKind::Disabled,
                None,
            ) => {}
        }
    }

    fn set(&mut self, kind: MarkKind, event: &AccountEvent) {
        let mark = Mark {
            kind,
            scope: event.scope.clone(),
            since: event.since.unwrap_or(event.at),
            until: event.until,
            strikes: event.strikes,
            event: event.id,
            set_at: event.at,
            request_id: event.request_id,
            cause: event.cause,
            source: event.source.clone(),
            reason: event.reason.clone(),
        };
        put(&mut self.marks, mark, |mark| (mark.kind, &mark.scope));
    }

    /// The mark of a kind on a scope.
    pub fn mark(&self, kind: MarkKind, scope: &Scope) -> Option<&Mark> {
        self.marks
            .iter()
            .find(|mark| mark.kind == kind && mark.scope == *scope)
    }

    /// How often in a row a kind of mark was set on a scope: that of the running mark, or of the one
    /// that ended less than `memory_ms` before `now`.
    pub fn strikes(&self, kind: MarkKind, scope: &Scope, now: UnixMillis, memory_ms: i64) -> u32 {
        let ended_lately = || {
            self.past
                .iter()
                .find(|past| past.kind == kind && past.scope == *scope)
                .filter(|past| now.0.saturating_sub(past.ended_at.0) < memory_ms)
                .map(|past| past.strikes)
        };
        self.mark(kind, scope)
            .map(|mark| mark.strikes)
            .or_else(ended_lately)
            .unwrap_or(0)
    }

    /// Every mark, those whose deadline has passed included.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// A short name for its marks, the same in every process that has the same ones. What ended lately
    /// is not in it: it decides nothing but how long the next wait is.
    pub fn digest(&self) -> u64 {
        let mut hasher = blake3::Hasher::new();
        for mark in &self.marks {
            mark.digest(&mut hasher);
        }
        let mut short = [0; 8];
        hasher.finalize_xof().fill(&mut short);
        u64::from_le_bytes(short)
    }

    /// Whether a request for `model` may be sent at `now`. Of several marks the one that lasts longest
    /// decides.
    pub fn standing(&self, model: Option<&str>, now: UnixMillis) -> Standing<'_> {
        let longest = self
            .marks
            .iter()
            .filter(|mark| mark.scope.covers(model))
            .max_by_key(|mark| (mark.until.is_none(), mark.until));
        match longest {
            None => Standing::Ready,
            Some(mark) if mark.is_over(now) => Standing::HalfOpen(mark),
            Some(mark) => Standing::Blocked(mark),
        }
    }
}

/// Puts an item where its key belongs, in place of the one that has it.
fn put<T>(items: &mut Vec<T>, item: T, key: impl Fn(&T) -> (MarkKind, &Scope)) {
    match items.binary_search_by(|old| key(old).cmp(&key(&item))) {
        Ok(at) => items[at] = item,
        Err(at) => items.insert(at, item),
    }
}

impl Mark {
    fn digest(&self, hasher: &mut blake3::Hasher) {
        let Mark {
            kind,
            scope,
            since,
            until,
            strikes,
            event,
            set_at,
            request_id,
            cause,
            source,
            reason,
        } = self;
        for number in [
            since.0,
            until.map_or(i64::MIN, |until| until.0),
            i64::from(*strikes),
            event.0,
            set_at.0,
        ] {
            hasher.update(&number.to_le_bytes());
        }
        for text in [
            kind.as_str(),
            &scope.to_string(),
            &request_id.map(|id| id.to_string()).unwrap_or_default(),
            cause.map(Cause::as_str).unwrap_or_default(),
            source.as_deref().unwrap_or_default(),
            reason,
        ] {
            // Length first, so that no two lists of texts run together into the same bytes.
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }

    /// Whether its deadline has passed.
    pub fn is_over(&self, now: UnixMillis) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: i64, kind: AccountEventKind, at: i64, until: Option<i64>) -> AccountEvent {
        AccountEvent {
            id: AccountEventId(id),
            at: UnixMillis(at),
            account_id: AccountId(1),
            kind,
            scope: Scope::Account,
            since: None,
            until: until.map(UnixMillis),
            source: None,
            strikes: 1,
            cause: None,
            status_code: None,
            reason: String::new(),
            request_id: None,
            attempt: None,
            actor: None,
            undoes: None,
        }
    }

    #[test]
    fn a_deadline_that_has_passed_is_half_open_until_recovery_is_shown() {
        let mut state = AccountState::default();
        state.apply(&event(1, AccountEventKind::RateLimited, 0, Some(100)));
        assert!(matches!(
            state.standing(None, UnixMillis(99)),
            Standing::Blocked(_)
        ));
        assert!(matches!(
            state.standing(None, UnixMillis(100)),
            Standing::HalfOpen(_)
        ));
        state.apply(&event(2, AccountEventKind::Recovered, 110, None));
        assert_eq!(state.standing(None, UnixMillis(110)), Standing::Ready);
        let strikes =
            |now| state.strikes(MarkKind::RateLimited, &Scope::Account, UnixMillis(now), 50);
        assert_eq!((strikes(120), strikes(160)), (1, 0));
    }

    #[test]
    fn a_model_that_is_stopped_leaves_the_others_alone() {
        let mut limited = event(1, AccountEventKind::RateLimited, 0, Some(100));
        limited.scope = Scope::Family("opus".into());
        let state = AccountState::of([&limited]);
        let standing = |model| state.standing(model, UnixMillis(1));
        assert!(matches!(
            standing(Some("claude-opus-4-5")),
            Standing::Blocked(_)
        ));
        assert_eq!(standing(Some("claude-sonnet-4-5")), Standing::Ready);
        assert_eq!(standing(None), Standing::Ready);
    }

    #[test]
    fn a_reset_by_hand_clears_everything_but_what_a_hand_switched_off() {
        let mut scoped = event(2, AccountEventKind::Error, 0, Some(100));
        scoped.scope = Scope::Model("m".into());
        let state = AccountState::of([
            &event(1, AccountEventKind::RateLimited, 0, Some(100)),
            &scoped,
            &event(3, AccountEventKind::Disabled, 0, None),
            &event(4, AccountEventKind::Reset, 1, None),
        ]);
        let left: Vec<_> = state.marks().iter().map(|mark| mark.kind).collect();
        assert_eq!(left, [MarkKind::Disabled]);
    }

    #[test]
    fn what_is_taken_back_is_the_event_it_names_and_no_later_one() {
        let mut undo = event(3, AccountEventKind::Compensated, 2, None);
        undo.undoes = Some(AccountEventId(1));
        let first = event(1, AccountEventKind::RateLimited, 0, Some(100));
        let second = event(2, AccountEventKind::RateLimited, 1, Some(200));
        assert_eq!(AccountState::of([&first, &undo]).marks(), []);
        assert_eq!(AccountState::of([&first, &second, &undo]).marks().len(), 1);
    }
}
