//! The record as a trace: requests in the order of their arrival, each with what became of its attempts, and
//! what changed accounts meanwhile that no request did.
//!
//! Promises: pure; what the scheduler had no part in is left out and counted. Must not know: the store's tables.

use std::{collections::HashMap, sync::Arc};

use waybill_model::{
    cause::Cause,
    id::{AccountId, GroupId, RequestId},
    protocol::{Endpoint, Platform},
    state::{AccountEvent, Reach, Scope as Marked},
    time::UnixMillis,
    waybill::Decision,
};
use waybill_store::{PastAttempt, PastRequest};
use waybill_wire::error::Reset;

use crate::upstream::Again;

/// Families of models that providers limit by themselves; events name them by these words.
const FAMILIES: [&str; 3] = ["opus", "sonnet", "haiku"];

/// Which requests are counted. All are replayed: they use the same accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// Of this group.
    pub group_id: Option<GroupId>,
    /// Of this platform.
    pub platform: Option<Platform>,
    /// For this model, as clients name it.
    pub model: Option<String>,
}

/// What is on record of a window.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// From when on.
    pub start: UnixMillis,
    /// Until when.
    pub end: UnixMillis,
    /// There is more than was read.
    pub is_cut: bool,
    /// Requests, in the order of their arrival.
    pub spells: Vec<Spell>,
    /// Requests of the scope that are not among them.
    pub left_out: u64,
    /// What the accounts' states came from at the start, by id.
    pub before: Vec<AccountEvent>,
    /// What changed accounts within the window, by id.
    pub events: Vec<AccountEvent>,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Spell {
    /// Its id.
    pub request_id: RequestId,
    /// When it arrived.
    pub at: UnixMillis,
    /// Its group.
    pub group: GroupId,
    /// What was asked for.
    pub endpoint: Endpoint,
    /// The model the client named.
    pub model: Option<Arc<str>>,
    /// Size of the body.
    pub body_bytes: u64,
    /// Tokens that were used.
    pub tokens: u64,
    /// Whether it is counted.
    pub in_scope: bool,
    /// Its attempts, in order.
    pub tries: Vec<Try>,
    /// Whether it was served.
    pub served: bool,
    /// The account of its last attempt.
    pub account: Option<AccountId>,
}

/// One attempt.
#[derive(Debug, Clone)]
pub struct Try {
    /// On which account.
    pub account: AccountId,
    /// When it began.
    pub at: UnixMillis,
    /// What came of it.
    pub answer: Arc<Answered>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// How it failed; `None`: it served.
    pub fault: Option<Fault>,
    /// From its beginning to the verdict, or to the end of the answer.
    pub ms: i64,
    /// To the first content, where it served.
    pub first_ms: Option<i64>,
    /// It broke after content had been sent: nothing could follow.
    pub is_late: bool,
    /// Why the same account was asked again after it.
    pub again: Option<Again>,
    /// What the answer's headers said is used up.
    pub used_up: Option<Reset>,
}

/// How an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The cause.
    pub cause: Cause,
    /// The provider's status.
    pub status: Option<u16>,
    /// The provider's machine name for it.
    pub name: Option<String>,
    /// What was said.
    pub message: String,
    /// The stated wait.
    pub retry_after_ms: Option<u64>,
    /// Where it was read.
    pub source: Option<String>,
    /// What the limit reaches.
    pub reach: Reach,
}

impl Spell {
    /// How many attempts were made.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.tries.len()).unwrap_or(u32::MAX)
    }
}

impl Scope {
    fn has(&self, request: &PastRequest) -> bool {
        let Scope {
            group_id,
            platform,
            model,
        } = self;
        group_id.is_none_or(|id| request.group_id == Some(id))
            && platform.is_none_or(|platform| request.platform == platform)
            && model
                .as_deref()
                .is_none_or(|model| request.model.as_deref() == Some(model))
    }
}

impl Past {
    /// Makes a trace of rows in any order. `events` are by id.
    pub fn of(
        (start, end): (UnixMillis, UnixMillis),
        requests: Vec<PastRequest>,
        attempts: Vec<PastAttempt>,
        before: Vec<AccountEvent>,
        events: Vec<AccountEvent>,
        scope: &Scope,
    ) -> Past {
        let mut of_request: HashMap<RequestId, Vec<PastAttempt>> = HashMap::new();
        for attempt in attempts {
            of_request
                .entry(attempt.request_id)
                .or_default()
                .push(attempt);
        }
        let reaches = Reaches::of(&events);
        let mut past = Past {
            start,
            end,
            before,
            ..Past::default()
        };
        let mut models: HashMap<String, Arc<str>> = HashMap::new();
        for request in requests {
            let in_scope = scope.has(&request);
            let failed = of_request.remove(&request.request_id).unwrap_or_default();
            let model = request.model.as_ref().map(|model| {
                let shared = models
                    .entry(model.clone())
                    .or_insert_with(|| Arc::from(model.as_str()));
                Arc::clone(shared)
            });
            match spell(&request, failed, model, in_scope, &reaches) {
                Some(spell) => past.spells.push(spell),
                None => past.left_out += u64::from(in_scope),
            }
        }
        past.spells
            .sort_by_key(|spell| (spell.at, spell.request_id));
        past.events = events;
        past
    }

    /// Requests that are counted, where they can be replayed.
    pub(super) fn in_scope(&self) -> u64 {
        self.spells.iter().filter(|spell| spell.in_scope).count() as u64
    }
}

/// Whether a request that failed so without an attempt might have found an account under other rules.
fn is_of_the_scheduler(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::GatewayNoAccount
            | Cause::GatewayNoSlot
            | Cause::GatewayQueueTimeout
            | Cause::GatewayQueueFull
    )
}

/// Whether a request that failed so was ended from outside, so that it is not known what would have come of it.
fn is_cut_off(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::ClientClosed
            | Cause::ClientStalled
            | Cause::GatewayShutdown
            | Cause::GatewayInternal
            | Cause::GatewayUntranslatable
    )
}

fn spell(
    request: &PastRequest,
    mut failed: Vec<PastAttempt>,
    model: Option<Arc<str>>,
    in_scope: bool,
    reaches: &Reaches<'_>,
) -> Option<Spell> {
    let (Some(group), Some(endpoint), false) =
        (request.group_id, request.endpoint, request.is_replay)
    else {
        return None;
    };
    match request.cause {
        None => {}
        Some(cause) if is_cut_off(cause) => return None,
        Some(cause) if failed.is_empty() && !is_of_the_scheduler(cause) => return None,
        Some(_) => {}
    }
    failed.sort_by_key(|attempt| attempt.attempt);
    let breaks_late = request.cause.is_some() && request.status_code == 200;
    let last = failed.len().saturating_sub(1);
    let mut tries: Vec<Try> = Vec::with_capacity(failed.len() + 1);
    let mut spent = 0;
    for (number, attempt) in failed.into_iter().enumerate() {
        spent += i64::from(attempt.duration_ms);
        tries.push(Try {
            account: attempt.account_id,
            at: attempt.place.created_at,
            answer: Arc::new(failure(attempt, breaks_late && number == last, reaches)),
        });
    }
    if request.cause.is_none() {
        let account = request.account_id?;
        let left = |whole: u32| i64::from(whole).saturating_sub(spent).max(0);
        tries.push(Try {
            account,
            at: request.place.created_at.plus_ms(spent),
            answer: Arc::new(Answered {
                fault: None,
                ms: left(request.latency_ms),
                first_ms: request.time_to_first_token_ms.map(left),
                is_late: false,
                again: None,
                used_up: reaches.used_up(request.request_id, request.attempts),
            }),
        });
    }
    Some(Spell {
        request_id: request.request_id,
        at: request.place.created_at,
        group,
        endpoint,
        model,
        body_bytes: request.body_bytes.unwrap_or(0),
        tokens: request.tokens,
        in_scope,
        served: request.cause.is_none(),
        account: tries.last().map(|last| last.account),
        tries,
    })
}

fn failure(attempt: PastAttempt, is_late: bool, reaches: &Reaches<'_>) -> Answered {
    let again = match attempt.decision {
        Decision::RetrySameAccount => Again::of(&attempt.decision_reason),
        Decision::Serve | Decision::NextAccount | Decision::Surface | Decision::GiveUp => None,
    };
    Answered {
        ms: i64::from(attempt.duration_ms),
        first_ms: None,
        is_late,
        again,
        used_up: None,
        fault: Some(Fault {
            reach: reaches.reach(&attempt),
            cause: attempt.cause,
            status: attempt.status_code,
            name: attempt.name,
            message: attempt.message,
            retry_after_ms: attempt.retry_after_ms,
            source: attempt.retry_after_source,
        }),
    }
}

/// What limits reached: an attempt's row does not say it, the event that it made does.
struct Reaches<'e> {
    by_attempt: HashMap<(RequestId, u32), &'e AccountEvent>,
    /// The newest of an account and cause.
    by_cause: HashMap<(AccountId, Cause), Reach>,
}

impl<'e> Reaches<'e> {
    fn of(events: &'e [AccountEvent]) -> Reaches<'e> {
        let set = || events.iter().filter(|event| event.kind.sets().is_some());
        let by_attempt =
            set().filter_map(|event| Some(((event.request_id?, event.attempt?), event)));
        let by_cause =
            set().filter_map(|event| Some(((event.account_id, event.cause?), reach(&event.scope))));
        Reaches {
            by_attempt: by_attempt.collect(),
            by_cause: by_cause.collect(),
        }
    }

    fn reach(&self, attempt: &PastAttempt) -> Reach {
        let own = self.by_attempt.get(&(attempt.request_id, attempt.attempt));
        let alike = || self.by_cause.get(&(attempt.account_id, attempt.cause));
        own.map(|event| reach(&event.scope))
            .or_else(|| alike().copied())
            .unwrap_or(Reach::Account)
    }

    /// The event of a success is that of a limit that was used up.
    fn used_up(&self, request: RequestId, attempt: u32) -> Option<Reset> {
        let event = self.by_attempt.get(&(request, attempt))?;
        let after_ms = event.until?.0.saturating_sub(event.at.0);
        Some(Reset {
            after_ms: u64::try_from(after_ms).ok()?,
            source: event.source.clone()?,
            scope: reach(&event.scope),
        })
    }
}

pub(super) fn reach(scope: &Marked) -> Reach {
    match scope {
        Marked::Account => Reach::Account,
        Marked::Model(_) => Reach::Model,
        Marked::Family(word) => FAMILIES
            .iter()
            .find(|family| **family == &**word)
            .map_or(Reach::Model, |family| Reach::Family(family)),
    }
}
