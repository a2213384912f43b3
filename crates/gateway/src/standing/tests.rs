//! What failures, successes, rules and hands do to a state, whatever their order.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use proptest::prelude::*;
use waybill_model::{
    cause::Cause,
    entity::{RuleScope, StateRule},
    id::{AccountEventId, AccountId},
    state::{AccountEventKind, AccountState, MarkKind, Reach, Scope, Standing},
    time::UnixMillis,
    waybill::{EventKind, Failure},
};

use super::{
    effect,
    event::{self, Draft, Facts},
    history::Sign,
    rules,
};

const ACCOUNT: AccountId = AccountId(1);
const HOUR: i64 = 3_600_000;

pub(super) fn failure(cause: Cause, wait_ms: Option<u64>) -> Failure {
    Failure {
        kind: EventKind::HttpError,
        cause,
        transport: None,
        stream: None,
        message: format!("the provider says {cause}"),
        name: None,
        detail: None,
        body: Bytes::new(),
        request_headers: HeaderMap::new(),
        response_headers: HeaderMap::new(),
        retry_after_ms: wait_ms,
        retry_after_source: wait_ms.map(|_| "retry-after".to_owned()),
        reach: Reach::Account,
    }
}

fn facts<'a>(failure: &'a Failure, model: &'a Arc<str>, began_at: i64, now: i64) -> Facts<'a> {
    Facts {
        account: ACCOUNT,
        model: Some(model),
        failure,
        status: Some(429),
        request_id: None,
        attempt: Some(1),
        actor: None,
        began_at: UnixMillis(began_at),
        now: UnixMillis(now),
    }
}

fn rule(name: &str, state: Option<MarkKind>) -> StateRule {
    StateRule {
        name: name.into(),
        statuses: Vec::new(),
        contains: None,
        cause: None,
        state,
        for_seconds: 600,
        scope: RuleScope::Account,
    }
}

#[test]
fn a_limit_stops_what_it_reaches_and_states_where_its_deadline_was_read() {
    let model: Arc<str> = "m".into();
    let state = AccountState::default();
    let mut limit = failure(Cause::RateLimitTokens, Some(30_000));
    limit.reach = Reach::Family("opus");
    let draft = event::by_effect(
        &state,
        &facts(&limit, &model, 0, 1000),
        effect::of(limit.cause),
    )
    .unwrap();
    assert_eq!(draft.scope, Scope::Family("opus".into()));
    assert_eq!(draft.until, Some(UnixMillis(31_000)));
    assert_eq!(draft.source.as_deref(), Some("retry-after"));
    let full = failure(Cause::Overloaded, None);
    let draft = event::by_effect(
        &state,
        &facts(&full, &model, 0, 1000),
        effect::of(full.cause),
    )
    .unwrap();
    assert_eq!(
        (draft.scope, draft.until, draft.source.as_deref()),
        (
            Scope::Model("m".into()),
            Some(UnixMillis(2000)),
            Some("back-off")
        )
    );
}

#[test]
fn the_first_rule_that_fits_decides_and_the_accounts_come_first() {
    let mut of_text = rule("text", Some(MarkKind::Paused));
    of_text.contains = Some("Come Back LATER".into());
    of_text.statuses = vec![400];
    let ignored = rule("nothing", None);
    let mut said = failure(Cause::InvalidRequest, None);
    said.message = "please come back later".into();
    let group = [rule("group", Some(MarkKind::Error))];
    let account = [of_text, ignored];
    let name = |status, failure: &Failure| {
        rules::caught_by(&account, &group, Some(status), failure).map(|rule| rule.name.clone())
    };
    assert_eq!(name(400, &said).as_deref(), Some("text"));
    assert_eq!(name(401, &said).as_deref(), Some("nothing"));
    said.message = "no".into();
    assert_eq!(name(400, &said).as_deref(), Some("nothing"));
    said.body = Bytes::from_static(b"{\"x\": \"come back later\"}");
    assert_eq!(name(400, &said).as_deref(), Some("text"));
    assert_eq!(
        rules::caught_by(&[], &group, None, &said).map(|rule| rule.name.as_str()),
        Some("group")
    );
}

#[test]
fn a_rule_waits_as_long_as_it_says_or_as_the_provider_says_where_that_is_longer() {
    let model: Arc<str> = "m".into();
    let state = AccountState::default();
    let mut pause = rule("later", Some(MarkKind::Paused));
    let draft = |rule: &StateRule, wait| {
        let said = failure(Cause::InvalidRequest, wait);
        event::by_rule(&state, &facts(&said, &model, 0, 0), rule)
    };
    let plain = draft(&pause, None).unwrap();
    assert_eq!(
        (plain.until, plain.source.as_deref()),
        (Some(UnixMillis(600_000)), Some("rule"))
    );
    assert!(
        plain.reason.starts_with("rule `later`: "),
        "{}",
        plain.reason
    );
    let shorter = draft(&pause, Some(1000)).unwrap();
    assert_eq!(shorter.until, plain.until);
    let longer = draft(&pause, Some(700_000)).unwrap();
    assert_eq!(
        (longer.until, longer.source.as_deref()),
        (Some(UnixMillis(700_000)), Some("retry-after"))
    );
    pause.state = None;
    assert_eq!(draft(&pause, None), None);
}

#[test]
fn only_failures_that_may_be_the_requests_own_can_put_the_blame_on_it() {
    let sign = |cause, status, ruled, bytes| {
        Sign::of(&failure(cause, None), Some(status), ruled, bytes).is_some()
    };
    assert!(sign(Cause::AuthPermission, 403, false, 0));
    assert!(sign(Cause::RequestOverBudget, 429, false, 0));
    assert!(sign(Cause::InvalidRequest, 400, true, 0));
    assert!(sign(Cause::RateLimitTokens, 429, false, 1_000_000));
    for (cause, status) in [
        (Cause::RateLimitTokens, 429),
        (Cause::RateLimitRequests, 429),
        (Cause::AuthInvalidKey, 401),
        (Cause::Overloaded, 529),
        (Cause::ServerError, 500),
        (Cause::NetworkReset, 0),
    ] {
        assert!(!sign(cause, status, false, 1000), "{cause}");
    }
}

/// Something that happens to an account.
#[derive(Debug, Clone)]
enum Step {
    Fails {
        cause: Cause,
        wait_ms: Option<u64>,
        began_ago: i64,
    },
    Caught {
        kind: MarkKind,
        for_seconds: u64,
    },
    Serves,
    UsesUp {
        wait_ms: u64,
    },
    ByHand(AccountEventKind),
}

fn steps() -> impl Strategy<Value = Vec<(i64, usize, Step)>> {
    let step = prop_oneof![
        6 => (prop::sample::select(Cause::ALL), prop::option::of(1..2 * 86_400_000_u64), 0..HOUR)
            .prop_map(|(cause, wait_ms, began_ago)| Step::Fails { cause, wait_ms, began_ago }),
        2 => (prop::sample::select(MarkKind::ALL), 0..u64::MAX)
            .prop_map(|(kind, for_seconds)| Step::Caught { kind, for_seconds }),
        3 => Just(Step::Serves),
        1 => (1..HOUR as u64).prop_map(|wait_ms| Step::UsesUp { wait_ms }),
        1 => prop::sample::select(&[
            AccountEventKind::Reset, AccountEventKind::Enabled, AccountEventKind::Disabled,
        ][..]).prop_map(Step::ByHand),
    ];
    prop::collection::vec((0..2 * HOUR, 0..3_usize, step), 1..60)
}

/// One account, driven through the pure functions alone.
#[derive(Default)]
struct Account {
    state: AccountState,
    events: i64,
}

impl Account {
    fn apply(&mut self, draft: Option<Draft>) {
        if let Some(mut draft) = draft {
            self.events += 1;
            draft.id = AccountEventId(self.events);
            self.state.apply(&draft);
        }
    }

    fn step(&mut self, step: &Step, model: &Arc<str>, now: i64) {
        let at = UnixMillis(now);
        match step {
            Step::Fails {
                cause,
                wait_ms,
                began_ago,
            } => {
                let failure = failure(*cause, *wait_ms);
                let facts = facts(&failure, model, now - began_ago, now);
                self.apply(event::by_effect(&self.state, &facts, effect::of(*cause)));
            }
            Step::Caught { kind, for_seconds } => {
                let failure = failure(Cause::InvalidRequest, None);
                let caught = StateRule {
                    for_seconds: *for_seconds,
                    ..rule("r", Some(*kind))
                };
                let facts = facts(&failure, model, now, now);
                self.apply(event::by_rule(&self.state, &facts, &caught));
            }
            Step::Serves => {
                for scope in event::proven_scopes(&self.state, Some(model), at) {
                    self.apply(event::recovery(&self.state, ACCOUNT, &scope, at));
                }
            }
            Step::UsesUp { wait_ms } => {
                let reset = waybill_wire::error::Reset {
                    after_ms: *wait_ms,
                    source: "x".into(),
                    scope: Reach::Model,
                };
                let used = event::UsedUp {
                    reset: &reset,
                    model: Some(model),
                    request_id: None,
                    attempt: None,
                };
                self.apply(event::by_use(&self.state, used, ACCOUNT, at));
            }
            Step::ByHand(kind) => {
                self.apply(Some(event::plain(ACCOUNT, *kind, Scope::Account, at)));
            }
        }
    }
}

proptest! {
    #[test]
    fn a_stopped_account_always_has_a_way_back(steps in steps()) {
        let models: [Arc<str>; 3] = ["a".into(), "b".into(), "c".into()];
        let mut account = Account::default();
        let mut now = 0;
        for (later, model, step) in &steps {
            now += later;
            account.step(step, &models[*model], now);
            let disabled = account.state.marks().iter().any(|mark| mark.kind == MarkKind::Disabled);
            for model in &models {
                let Standing::Blocked(mark) = account.state.standing(Some(model), UnixMillis(now)) else {
                    continue;
                };
                let Some(until) = mark.until else {
                    prop_assert!(disabled, "stopped without a deadline: {:?}", mark);
                    continue;
                };
                prop_assert!(until.0 > now);
                let then = account.state.standing(Some(model), until);
                prop_assert!(matches!(then, Standing::HalfOpen(_)), "{:?}", then);
                // And a request that is served then clears it.
                for scope in event::proven_scopes(&account.state, Some(model), until) {
                    let draft = event::recovery(&account.state, ACCOUNT, &scope, until);
                    let mut after = account.state.clone();
                    after.apply(&draft.unwrap());
                    prop_assert!(after.mark(mark.kind, &mark.scope).is_none() || scope != mark.scope);
                }
            }
        }
    }

    #[test]
    fn no_signal_but_a_later_statement_makes_an_account_usable_earlier(steps in steps()) {
        let model: Arc<str> = "a".into();
        let mut account = Account::default();
        let mut now = 0;
        for (later, _, step) in &steps {
            now += later;
            let before = account.state.clone();
            account.step(step, &model, now);
            let took_back = match step {
                Step::ByHand(_) => true,
                Step::Fails { wait_ms, .. } => wait_ms.is_some(),
                // A rule's own time is the operator's word.
                Step::Caught { .. } => true,
                Step::Serves | Step::UsesUp { .. } => false,
            };
            let blocked_until = |state: &AccountState| match state.standing(Some(&model), UnixMillis(now)) {
                Standing::Blocked(mark) => Some(mark.until.map_or(i64::MAX, |until| until.0)),
                Standing::Ready | Standing::HalfOpen(_) => None,
            };
            if !took_back && let Some(until) = blocked_until(&before) {
                prop_assert!(blocked_until(&account.state) >= Some(until), "{:?}", step);
            }
        }
    }
}
