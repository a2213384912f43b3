//! How an account stands, as operators see it: one word, until when, and every mark with its origin.
//!
//! Promises: what was said passes the redactor of now. Must not know: HTTP, the store.

use serde::Serialize;
use waybill_model::{
    cause::Cause,
    entity::Status,
    id::{AccountEventId, RequestId},
    redact::Redactor,
    state::{AccountState, Mark, MarkKind, Scope, Standing},
    time::UnixMillis,
    words,
};

words! {
    /// How an account stands, in one word.
    pub enum StateWord {
        /// It may serve.
        Active = "active",
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
        /// A deadline has passed: one request or probe finds out whether it serves again.
        HalfOpen = "half_open",
    }
}

impl From<MarkKind> for StateWord {
    fn from(kind: MarkKind) -> Self {
        match kind {
            MarkKind::RateLimited => StateWord::RateLimited,
            MarkKind::Overloaded => StateWord::Overloaded,
            MarkKind::Paused => StateWord::Paused,
            MarkKind::Error => StateWord::Error,
            MarkKind::Disabled => StateWord::Disabled,
        }
    }
}

/// How an account stands.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StateView {
    /// The word for the account as a whole, or for the model that was asked about. One that is limited
    /// for single models only is `active`.
    pub status: StateWord,
    /// When it may be tried again; `null` where nothing ends by itself.
    pub until: Option<UnixMillis>,
    /// Everything that keeps it, or models on it, from serving.
    pub marks: Vec<MarkView>,
}

/// One thing that keeps an account, or models on it, from serving.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct MarkView {
    /// What it is.
    kind: MarkKind,
    /// What it applies to.
    scope: Scope,
    /// Since when.
    since: UnixMillis,
    /// Its deadline; `null`: by hand alone.
    until: Option<UnixMillis>,
    /// Its deadline has passed; recovery is still to be shown.
    half_open: bool,
    /// Where the deadline was read: a header's name, a body field's path, `back-off`, `rule`, `manual`.
    source: Option<String>,
    /// How often in a row.
    strikes: u32,
    /// The newest event that set it.
    event_id: AccountEventId,
    /// The request behind it.
    #[schema(value_type = Option<String>)]
    request_id: Option<RequestId>,
    /// The cause behind it.
    cause: Option<Cause>,
    /// What was said.
    reason: String,
}

impl StateView {
    /// How `state` is shown, for a model or for the account as a whole.
    pub fn of(
        state: &AccountState,
        status: Status,
        model: Option<&str>,
        redactor: &Redactor,
        now: UnixMillis,
    ) -> StateView {
        let (word, until) = word(state, status, model, now);
        StateView {
            status: word,
            until,
            marks: state
                .marks()
                .iter()
                .map(|mark| MarkView::of(mark, redactor, now))
                .collect(),
        }
    }
}

impl MarkView {
    fn of(mark: &Mark, redactor: &Redactor, now: UnixMillis) -> MarkView {
        MarkView {
            kind: mark.kind,
            scope: mark.scope.clone(),
            since: mark.since,
            until: mark.until,
            half_open: mark.is_over(now),
            source: mark.source.clone(),
            strikes: mark.strikes,
            event_id: mark.event,
            request_id: mark.request_id,
            cause: mark.cause,
            reason: redactor.text(&mark.reason).into_string(),
        }
    }
}

/// The word for a state, and until when it holds.
pub fn word(
    state: &AccountState,
    status: Status,
    model: Option<&str>,
    now: UnixMillis,
) -> (StateWord, Option<UnixMillis>) {
    match (status, state.standing(model, now)) {
        (Status::Disabled, _) => (StateWord::Disabled, None),
        (Status::Active, Standing::Ready) => (StateWord::Active, None),
        (Status::Active, Standing::HalfOpen(mark)) => (StateWord::HalfOpen, mark.until),
        (Status::Active, Standing::Blocked(mark)) => (mark.kind.into(), mark.until),
    }
}
