//! From what happened to the event that says so. Pure: the state as it is goes in, a draft of an event,
//! or nothing, comes out.

use std::sync::Arc;

use waybill_model::{
    cause::Cause,
    entity::{RuleScope, StateRule},
    id::{AccountEventId, AccountId, RequestId},
    state::{AccountEvent, AccountEventKind, AccountState, Mark, MarkKind, Scope},
    time::UnixMillis,
    waybill::Failure,
};

use super::{
    backoff::{self, Ask, Ladder},
    effect::{Effect, Part},
};

/// Longest reason kept, in bytes.
const REASON_BYTES: usize = 512;

/// Where deadlines come from that no provider states.
const BACK_OFF: &str = "back-off";
const RULE: &str = "rule";

/// Whether an event's deadline was stated by the provider.
pub fn is_stated(event: &AccountEvent) -> bool {
    event.actor.is_none()
        && event
            .source
            .as_deref()
            .is_some_and(|source| source != BACK_OFF && source != RULE)
}

/// An event without its id.
pub type Draft = AccountEvent;

/// The facts behind an event.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The account.
    pub account: AccountId,
    /// The model the provider was asked for.
    pub model: Option<&'a Arc<str>>,
    /// What went wrong.
    pub failure: &'a Failure,
    /// The provider's status.
    pub status: Option<u16>,
    /// The request; `None` for probes.
    pub request_id: Option<RequestId>,
    /// Its attempt.
    pub attempt: Option<u32>,
    /// Who asked, where it was no client.
    pub actor: Option<&'static str>,
    /// When the attempt began.
    pub began_at: UnixMillis,
    /// Now.
    pub now: UnixMillis,
}

/// An event of which nothing is known but what it is.
pub fn plain(account: AccountId, kind: AccountEventKind, scope: Scope, now: UnixMillis) -> Draft {
    AccountEvent {
        id: AccountEventId(0),
        at: now,
        account_id: account,
        kind,
        scope,
        since: None,
        until: None,
        source: None,
        strikes: 0,
        cause: None,
        status_code: None,
        reason: String::new(),
        request_id: None,
        attempt: None,
        actor: None,
        undoes: None,
    }
}

/// What a failure does by the built-in table.
pub fn by_effect(state: &AccountState, facts: &Facts<'_>, effect: Effect) -> Option<Draft> {
    let Effect::Stops { kind, part, ladder } = effect else {
        return None;
    };
    let scope = match part {
        Part::Account => Scope::Account,
        Part::Model => model_scope(facts.model),
        Part::AsStated => facts.failure.reach.scope(facts.model),
    };
    let stated = facts.stated();
    let found = backoff::deadline(state, &facts.ask(kind, &scope, ladder, stated, false))?;
    let source = if found.backed_off {
        Some(BACK_OFF.to_owned())
    } else {
        facts.failure.retry_after_source.clone()
    };
    let reason = shortened(&facts.failure.message);
    Some(facts.draft(kind, scope, &found, source, reason))
}

/// What a failure does by an operator's rule.
pub fn by_rule(state: &AccountState, facts: &Facts<'_>, rule: &StateRule) -> Option<Draft> {
    let kind = rule.state?;
    let scope = match rule.scope {
        RuleScope::Account => Scope::Account,
        RuleScope::Model => model_scope(facts.model),
    };
    let reason = shortened(&format!("rule `{}`: {}", rule.name, facts.failure.message));
    // By hand alone: the configuration refuses such a rule, and without a deadline there is no way back.
    if kind == MarkKind::Disabled {
        return None;
    }
    let for_ms = i64::try_from(rule.for_seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
    let own = (for_ms > 0).then(|| facts.now.plus_ms(for_ms.min(LONGEST_RULE_MS)));
    // A stated wait that is longer than the rule's counts.
    let stated = own.max(facts.stated());
    let ask = facts.ask(kind, &scope, ladder_of(kind), stated, own.is_some());
    let found = backoff::deadline(state, &ask)?;
    let source = match (found.backed_off, stated == own) {
        (true, _) => Some(BACK_OFF.to_owned()),
        (false, true) => Some(RULE.to_owned()),
        (false, false) => facts.failure.retry_after_source.clone(),
    };
    Some(facts.draft(kind, scope, &found, source, reason))
}

/// Longest stop by a rule: ten years. Beyond that it is no deadline.
const LONGEST_RULE_MS: i64 = 10 * 366 * 86_400_000;

/// How a rule without a time grows.
const fn ladder_of(kind: MarkKind) -> Ladder {
    match kind {
        MarkKind::RateLimited | MarkKind::Paused => Ladder::Rate,
        MarkKind::Overloaded => Ladder::Capacity,
        MarkKind::Error | MarkKind::Disabled => Ladder::Refused,
    }
}

/// A success whose headers say that nothing is left: the limit before the provider says no.
pub fn by_use(
    state: &AccountState,
    facts: UsedUp<'_>,
    account: AccountId,
    now: UnixMillis,
) -> Option<Draft> {
    let scope = facts.reset.scope.scope(facts.model);
    let kind = MarkKind::RateLimited;
    let after_ms = i64::try_from(facts.reset.after_ms).unwrap_or(i64::MAX);
    let until = now.plus_ms(after_ms);
    let running = state.mark(kind, &scope);
    if running.is_some_and(|mark| mark.until.is_none_or(|end| end.plus_ms(1000) > until)) {
        return None;
    }
    let tokens = facts.reset.source.contains("token");
    Some(Draft {
        since: Some(running.map_or(now, |mark| mark.since)),
        until: Some(until),
        source: Some(facts.reset.source.clone()),
        // Nobody was refused: that is no strike.
        strikes: running.map_or(0, |mark| mark.strikes),
        cause: Some(if tokens {
            Cause::RateLimitTokens
        } else {
            Cause::RateLimitRequests
        }),
        reason: "the provider's answer says that nothing is left of the limit".to_owned(),
        request_id: facts.request_id,
        attempt: facts.attempt,
        ..plain(account, kind.event(), scope, now)
    })
}

/// Facts of a success that used up a limit.
#[derive(Debug, Clone, Copy)]
pub struct UsedUp<'a> {
    /// Which limit, and until when.
    pub reset: &'a waybill_wire::error::Reset,
    /// The model the provider was asked for.
    pub model: Option<&'a Arc<str>>,
    /// The request.
    pub request_id: Option<RequestId>,
    /// Its attempt.
    pub attempt: Option<u32>,
}

/// What a trial that served shows: every scope that covers its model, and of which all deadlines have
/// passed, is good again.
pub fn proven_scopes(state: &AccountState, model: Option<&str>, now: UnixMillis) -> Vec<Scope> {
    let mut scopes: Vec<Scope> = Vec::new();
    for Mark { scope, .. } in state.marks() {
        if scope.covers(model) && !scopes.contains(scope) && is_over(state, scope, now) {
            scopes.push(scope.clone());
        }
    }
    scopes
}

/// Whether every deadline of a scope has passed.
pub fn is_over(state: &AccountState, scope: &Scope, now: UnixMillis) -> bool {
    let mut marks = state.marks().iter();
    marks.all(|mark| mark.scope != *scope || mark.is_over(now))
}

/// A scope serves again, where something had stopped it.
pub fn recovery(
    state: &AccountState,
    account: AccountId,
    scope: &Scope,
    now: UnixMillis,
) -> Option<Draft> {
    let mut marks = state.marks().iter();
    let mark = marks.find(|mark| mark.scope == *scope && mark.kind != MarkKind::Disabled)?;
    Some(Draft {
        cause: mark.cause,
        ..plain(account, AccountEventKind::Recovered, scope.clone(), now)
    })
}

/// Takes an event back, where its mark still stands.
pub fn compensation(
    state: &AccountState,
    account: AccountId,
    undone: AccountEventId,
    reason: &str,
    now: UnixMillis,
) -> Option<Draft> {
    let mark = state.marks().iter().find(|mark| mark.event == undone)?;
    Some(Draft {
        cause: mark.cause,
        reason: reason.to_owned(),
        undoes: Some(undone),
        ..plain(
            account,
            AccountEventKind::Compensated,
            mark.scope.clone(),
            now,
        )
    })
}

fn model_scope(model: Option<&Arc<str>>) -> Scope {
    model.map_or(Scope::Account, |model| Scope::Model(Arc::clone(model)))
}

fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(REASON_BYTES)].to_owned()
}

impl Facts<'_> {
    fn stated(&self) -> Option<UnixMillis> {
        let wait = i64::try_from(self.failure.retry_after_ms?).unwrap_or(i64::MAX);
        Some(self.now.plus_ms(wait))
    }

    fn ask<'s>(
        &self,
        kind: MarkKind,
        scope: &'s Scope,
        ladder: Ladder,
        stated: Option<UnixMillis>,
        fixed: bool,
    ) -> Ask<'s> {
        Ask {
            kind,
            scope,
            ladder,
            stated,
            fixed,
            began_at: self.began_at,
            now: self.now,
        }
    }

    fn plain(&self, kind: AccountEventKind, scope: Scope) -> Draft {
        Draft {
            cause: Some(self.failure.cause),
            status_code: self.status,
            request_id: self.request_id,
            attempt: self.attempt,
            actor: self.actor.map(str::to_owned),
            ..plain(self.account, kind, scope, self.now)
        }
    }

    fn draft(
        &self,
        kind: MarkKind,
        scope: Scope,
        found: &backoff::Deadline,
        source: Option<String>,
        reason: String,
    ) -> Draft {
        Draft {
            since: Some(found.since),
            until: Some(found.until),
            source,
            strikes: found.strikes,
            reason,
            ..self.plain(kind.event(), scope)
        }
    }
}
