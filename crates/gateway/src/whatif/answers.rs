//! What an account would have answered: the estimate that every simulated attempt rests on.
//!
//! In this order:
//! 1. The request was tried on that account: what came of it, try by try.
//! 2. The request failed by its own fault: it fails alike everywhere.
//! 3. The provider had stated, by then, a wait that still ran on the account for that model: it refuses for what
//!    is left of it. A wait that only our back-off set says nothing about the provider.
//! 4. What the account answered for that model to whoever was nearest in time, before or after, within
//!    [`NEAR_MS`].
//! 5. It is not known: it serves.
//!
//! What it cannot know: that an account which is asked more, or less, would be limited sooner, or later.
//!
//! Promises: pure; the same question has the same answer. Must not know: why the account is asked.

use std::{collections::HashMap, sync::Arc};

use waybill_model::{
    cause::{Blame, Cause},
    id::AccountId,
    state::{AccountEvent, AccountEventKind, Scope},
    time::UnixMillis,
};

use super::past::{Answered, Fault, Past, Spell, reach};
use crate::standing::is_stated;

/// How far an attempt may be away to say something: five minutes.
pub const NEAR_MS: i64 = 300_000;

/// How long an answer is taken to need where nothing is known.
const UNKNOWN_MS: i64 = 1_000;

/// How long a refusal is taken to need that was not asked for.
const REFUSAL_MS: i64 = 200;

/// Where an answer is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    Recorded,
    OfTheRequest,
    Stated,
    Nearest,
    Unknown,
}

/// An answer, and where it is from.
pub(super) type Given = (Arc<Answered>, Ground);

/// Everything that is known of accounts' answers.
pub(super) struct Answers {
    by_model: HashMap<Asked, Vec<Known>>,
    stops: HashMap<AccountId, Vec<Stop>>,
}

/// Which account, and the model as clients name it.
type Asked = (AccountId, Option<Arc<str>>);

struct Known {
    at: i64,
    answer: Arc<Answered>,
}

/// A wait that a provider stated.
struct Stop {
    from: i64,
    until: i64,
    /// The latest end of this one and all before.
    reached: i64,
    scope: Scope,
    event: i64,
    fault: Fault,
}

/// A question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub spell: &'a Spell,
    pub account: AccountId,
    /// As the account names it.
    pub model: Option<&'a str>,
    /// How often this request was tried on the account before.
    pub nth: usize,
    pub now: UnixMillis,
}

/// Who says what comes of an attempt.
pub(super) trait Oracle {
    /// What comes of it.
    fn answer(&self, question: Question<'_>) -> Given;
}

impl Answers {
    pub(super) fn of(past: &Past) -> Answers {
        let mut by_model: HashMap<Asked, Vec<Known>> = HashMap::new();
        for spell in &past.spells {
            for attempt in spell
                .tries
                .iter()
                .filter(|attempt| says_something(&attempt.answer))
            {
                let asked = (attempt.account, spell.model.clone());
                by_model.entry(asked).or_default().push(Known {
                    at: attempt.at.0,
                    answer: Arc::clone(&attempt.answer),
                });
            }
        }
        for known in by_model.values_mut() {
            known.sort_by_key(|known| known.at);
        }
        let events = past.before.iter().chain(&past.events);
        Answers {
            by_model,
            stops: stops(events),
        }
    }

    fn stated(&self, question: Question<'_>) -> Option<Answered> {
        let now = question.now.0;
        let stops = self.stops.get(&question.account)?;
        let begun = stops.partition_point(|stop| stop.from <= now);
        let running = stops[..begun]
            .iter()
            .rev()
            .take_while(|stop| stop.reached > now)
            .find(|stop| stop.until > now && stop.scope.covers(question.model))?;
        Some(Answered {
            fault: Some(Fault {
                retry_after_ms: u64::try_from(running.until - now).ok(),
                ..running.fault.clone()
            }),
            ms: REFUSAL_MS,
            first_ms: None,
            is_late: false,
            again: None,
            used_up: None,
        })
    }

    fn nearest(&self, question: Question<'_>) -> Option<&Known> {
        let asked = (question.account, question.spell.model.clone());
        let known = self.by_model.get(&asked)?;
        let now = question.now.0;
        let at = known.partition_point(|known| known.at < now);
        let before = at.checked_sub(1).and_then(|at| known.get(at));
        let after = known.get(at);
        let distance = |known: &&Known| (known.at - now).abs();
        [before, after]
            .into_iter()
            .flatten()
            .filter(|known| distance(known) <= NEAR_MS)
            .min_by_key(distance)
    }
}

impl Oracle for Answers {
    fn answer(&self, question: Question<'_>) -> Given {
        let Question {
            spell,
            account,
            nth,
            ..
        } = question;
        let mut own = spell
            .tries
            .iter()
            .filter(|attempt| attempt.account == account);
        if let Some(attempt) = own.nth(nth) {
            return (Arc::clone(&attempt.answer), Ground::Recorded);
        }
        let mut at_fault = spell
            .tries
            .iter()
            .filter(|attempt| is_of_the_request(&attempt.answer));
        if let Some(attempt) = at_fault.next_back() {
            return (Arc::clone(&attempt.answer), Ground::OfTheRequest);
        }
        if let Some(refused) = self.stated(question) {
            return (Arc::new(refused), Ground::Stated);
        }
        match self.nearest(question) {
            Some(known) => (like(known, spell, question.now), Ground::Nearest),
            None => (serves(spell, UNKNOWN_MS), Ground::Unknown),
        }
    }
}

/// What another request was answered with, for this one now.
fn like(known: &Known, spell: &Spell, now: UnixMillis) -> Arc<Answered> {
    let Some(fault) = &known.answer.fault else {
        return serves(spell, known.answer.ms);
    };
    // A wait ends when it was said to end, not so long after this request.
    let retry_after_ms = fault.retry_after_ms.map(|wait| {
        let ends = known
            .at
            .saturating_add(known.answer.ms)
            .saturating_add(i64::try_from(wait).unwrap_or(i64::MAX));
        u64::try_from(ends.saturating_sub(now.0)).map_or(wait, |left| left.clamp(1, wait.max(1)))
    });
    Arc::new(Answered {
        fault: Some(Fault {
            retry_after_ms,
            ..fault.clone()
        }),
        ms: known.answer.ms,
        first_ms: None,
        is_late: false,
        again: None,
        used_up: None,
    })
}

/// It is served: in the time that it took where it was served, else in `ms`.
fn serves(spell: &Spell, ms: i64) -> Arc<Answered> {
    let own = spell
        .tries
        .last()
        .filter(|attempt| attempt.answer.fault.is_none());
    Arc::new(Answered {
        fault: None,
        ms: own.map_or(ms, |own| own.answer.ms),
        first_ms: own.and_then(|own| own.answer.first_ms),
        is_late: false,
        again: None,
        used_up: None,
    })
}

fn is_of_the_request(answer: &Answered) -> bool {
    answer
        .fault
        .as_ref()
        .is_some_and(|fault| fault.cause.info().blame == Blame::Request)
}

/// Whether another request would have been answered alike.
fn says_something(answer: &Answered) -> bool {
    !is_of_the_request(answer) && answer.again.is_none() && !answer.is_late
}

/// The waits that providers stated, by account, in the order of their beginnings; each as long as it ran.
fn stops<'e>(events: impl Iterator<Item = &'e AccountEvent>) -> HashMap<AccountId, Vec<Stop>> {
    let mut all: HashMap<AccountId, Vec<Stop>> = HashMap::new();
    for event in events {
        let stops = all.entry(event.account_id).or_default();
        match event.kind {
            AccountEventKind::Compensated => {
                stops.retain(|stop| Some(stop.event) != event.undoes.map(|id| id.0));
            }
            AccountEventKind::Recovered | AccountEventKind::Reset => {
                let of_all = event.kind == AccountEventKind::Reset;
                end(stops, event, |stop| of_all || stop.scope == event.scope);
            }
            AccountEventKind::RateLimited
            | AccountEventKind::Overloaded
            | AccountEventKind::Paused
            | AccountEventKind::Error => {
                // What is stated later is nearer to the truth.
                end(stops, event, |stop| stop.scope == event.scope);
                stops.extend(stop(event));
            }
            AccountEventKind::Disabled | AccountEventKind::Enabled => {}
        }
    }
    for stops in all.values_mut() {
        stops.sort_by_key(|stop| stop.from);
        let mut reached = i64::MIN;
        for stop in stops {
            reached = reached.max(stop.until);
            stop.reached = reached;
        }
    }
    all
}

fn end(stops: &mut [Stop], by: &AccountEvent, which: impl Fn(&Stop) -> bool) {
    for stop in stops.iter_mut().filter(|stop| which(stop)) {
        stop.until = stop.until.min(by.at.0);
    }
}

fn stop(event: &AccountEvent) -> Option<Stop> {
    if !is_stated(event) {
        return None;
    }
    Some(Stop {
        from: event.at.0,
        until: event.until?.0,
        reached: i64::MIN,
        scope: event.scope.clone(),
        event: event.id.0,
        fault: Fault {
            cause: event.cause.unwrap_or(Cause::RateLimitRequests),
            // A limit that was used up by a success refuses the next request.
            status: Some(event.status_code.unwrap_or(429)),
            name: None,
            message: event.reason.clone(),
            retry_after_ms: None,
            source: event.source.clone(),
            reach: reach(&event.scope),
        },
    })
}
