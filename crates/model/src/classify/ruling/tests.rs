//! Rules over facts: what fits, what becomes of it, and what never does.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::{judge::is_like, *};
use crate::{cause::Source, id::ErrorId, time::UnixMillis};

fn built_in(cause: Cause) -> Verdict {
    let info = cause.info();
    Verdict {
        phase: info.phase,
        error_type: info.error_type,
        cause,
        severity: info.severity,
        owner: info.owner,
        source: Source::Upstream,
        is_retryable: info.retryable,
        is_business_limited: info.business_limited,
        rules_version: 2,
    }
}

fn facts(cause: Cause) -> Facts<'static> {
    Facts {
        platform: Platform::Anthropic,
        endpoint: Some(Endpoint::Messages),
        status_code: 503,
        upstream_status_code: Some(529),
        model: Some("claude-sonnet-4-5"),
        account_id: Some(AccountId(3)),
        group_id: Some(GroupId(4)),
        api_key_id: Some(ApiKeyId(2)),
        user_id: Some(UserId(1)),
        stream: true,
        message: "Overloaded: planned maintenance until 12:00",
        built_in: built_in(cause),
    }
}

fn rule(when: When, then: Then) -> ClassificationRule {
    ClassificationRule {
        id: 7,
        name: "a rule".to_owned(),
        note: None,
        enabled: true,
        when,
        then,
    }
}

fn set(rules: Vec<ClassificationRule>) -> RuleSet {
    RuleSet { version: 3, rules }
}

fn of_cause(cause: Cause) -> When {
    When {
        cause: Some(cause),
        ..When::default()
    }
}

fn excluded() -> Then {
    Then {
        counts: Some(false),
        ..Then::default()
    }
}

#[test]
fn the_first_rule_that_fits_decides_and_one_that_is_off_does_not() {
    let mut first = rule(of_cause(Cause::Overloaded), excluded());
    let mut second = first.clone();
    second.id = 8;
    second.then = Then {
        severity: Some(Severity::P3),
        ..Then::default()
    };
    let facts = facts(Cause::Overloaded);
    let (verdict, ruling) = set(vec![first.clone(), second.clone()]).judge(&facts);
    assert!(verdict.is_business_limited && verdict.severity == Severity::P1);
    assert_eq!((ruling.by, ruling.version), (Some(7), 3));
    assert_eq!(ruling.found, Some(Found::of(&facts.built_in)));
    first.enabled = false;
    let (verdict, ruling) = set(vec![first, second]).judge(&facts);
    assert_eq!(
        (verdict.severity, ruling.by),
        (Severity::P3, Some(8)),
        "the next one"
    );
    let (verdict, ruling) = set(Vec::new()).judge(&facts);
    assert_eq!(
        (verdict, ruling.by, ruling.found),
        (facts.built_in, None, None)
    );
}

#[test]
fn every_condition_that_is_given_has_to_hold() {
    let all = When {
        platform: Some(Platform::Anthropic),
        endpoint: Some(Endpoint::Messages),
        phase: Some(Phase::Upstream),
        cause: Some(Cause::Overloaded),
        error_type: Some(ErrorType::Overloaded),
        status_codes: vec![502, 503],
        upstream_status_codes: vec![529],
        model: Some("claude-*-4*".to_owned()),
        account_id: Some(AccountId(3)),
        group_id: Some(GroupId(4)),
        api_key_id: Some(ApiKeyId(2)),
        user_id: Some(UserId(1)),
        message_contains: Some("PLANNED maintenance".to_owned()),
        stream: Some(true),
    };
    let facts = facts(Cause::Overloaded);
    let fits = |when: &When| set(vec![rule(when.clone(), excluded())]).judge(&facts).1.by;
    assert_eq!(fits(&all), Some(7));
    let breaks: [fn(&mut When); 14] = [
        |when| when.platform = Some(Platform::Gemini),
        |when| when.endpoint = Some(Endpoint::Responses),
        |when| when.phase = Some(Phase::Network),
        |when| when.cause = Some(Cause::ServerError),
        |when| when.error_type = Some(ErrorType::Api),
        |when| when.status_codes = vec![500],
        |when| when.upstream_status_codes = vec![503],
        |when| when.model = Some("claude-sonnet-4".to_owned()),
        |when| when.account_id = Some(AccountId(9)),
        |when| when.group_id = Some(GroupId(9)),
        |when| when.api_key_id = Some(ApiKeyId(9)),
        |when| when.user_id = Some(UserId(9)),
        |when| when.message_contains = Some("unplanned".to_owned()),
        |when| when.stream = Some(false),
    ];
    for (at, one) in breaks.into_iter().enumerate() {
        let mut when = all.clone();
        one(&mut when);
        assert_eq!(fits(&when), None, "condition {at}");
    }
}

#[test]
fn a_star_stands_for_any_letters_and_none() {
    for (name, pattern, is) in [
        ("gpt-5", "gpt-5", true),
        ("gpt-5", "gpt", false),
        ("gpt-5", "gpt-*", true),
        ("gpt-", "gpt-*", true),
        ("gpt-5-mini", "*-mini", true),
        ("gpt-5-mini", "gpt*5*mini", true),
        ("gpt-mini", "gpt*5*mini", false),
        ("aba", "ab*ba", false),
        ("abba", "ab*ba", true),
        ("anything", "*", true),
        ("GPT-5", "gpt-*", false),
    ] {
        assert_eq!(is_like(name, pattern), is, "{name} {pattern}");
    }
}

#[test]
fn a_new_cause_brings_what_follows_from_it_and_what_is_said_besides_wins() {
    let then = Then {
        cause: Some(Cause::QuotaExhausted),
        ..Then::default()
    };
    let facts = facts(Cause::ServerError);
    let one = set(vec![rule(of_cause(Cause::ServerError), then.clone())]);
    let (verdict, _) = one.judge(&facts);
    let info = Cause::QuotaExhausted.info();
    assert_eq!(
        (verdict.cause, verdict.severity, verdict.owner),
        (Cause::QuotaExhausted, info.severity, info.owner)
    );
    // Facts stay.
    assert_eq!(
        (verdict.phase, verdict.error_type, verdict.source),
        (
            facts.built_in.phase,
            facts.built_in.error_type,
            facts.built_in.source
        )
    );
    let then = Then {
        severity: Some(Severity::P0),
        error_owner: Some(Owner::Platform),
        ..then
    };
    let (verdict, _) = set(vec![rule(of_cause(Cause::ServerError), then)]).judge(&facts);
    assert_eq!(
        (verdict.severity, verdict.owner),
        (Severity::P0, Owner::Platform)
    );
}

#[test]
fn what_waybill_caused_keeps_its_cause() {
    let everything = When {
        platform: Some(Platform::Anthropic),
        ..When::default()
    };
    let then = Then {
        cause: Some(Cause::Overloaded),
        ..Then::default()
    };
    let rules = set(vec![
        rule(everything.clone(), then),
        rule(everything, excluded()),
    ]);
    for cause in Cause::ALL.iter().filter(|cause| cause.is_waybills_own()) {
        let (verdict, _) = rules.judge(&facts(*cause));
        assert_eq!(verdict.cause, *cause);
        assert!(verdict.is_business_limited, "the next rule is for it");
    }
}

#[test]
fn a_rule_that_says_nothing_or_what_cannot_be_is_refused_by_its_field() {
    let good = rule(of_cause(Cause::Overloaded), excluded());
    assert_eq!(check(std::slice::from_ref(&good)), Ok(()));
    let long = "x".repeat(2_000);
    let with = |change: &dyn Fn(&mut ClassificationRule)| {
        let mut rule = good.clone();
        change(&mut rule);
        check(&[rule]).map_err(|bad| bad.field)
    };
    type Change<'c> = &'c dyn Fn(&mut ClassificationRule);
    let cases: [(Change<'_>, &str); 14] = [
        (&|rule| rule.name = " ".to_owned(), "name"),
        (&|rule| rule.name.clone_from(&long), "name"),
        (&|rule| rule.note = Some(long.clone()), "note"),
        (&|rule| rule.id = -1, "id"),
        (&|rule| rule.when = When::default(), "when"),
        (
            &|rule| rule.when.status_codes = vec![99],
            "when.status_codes",
        ),
        (
            &|rule| rule.when.upstream_status_codes = vec![500; 40],
            "when.upstream_status_codes",
        ),
        (&|rule| rule.when.model = Some(long.clone()), "when.model"),
        (
            &|rule| rule.when.message_contains = Some(long.clone()),
            "when.message_contains",
        ),
        (
            &|rule| rule.when.message_contains = Some("a\0b".to_owned()),
            "when.message_contains",
        ),
        (&|rule| rule.then = Then::default(), "then"),
        (
            &|rule| rule.then.cause = Some(Cause::GatewayInternal),
            "then.cause",
        ),
        (
            &|rule| {
                rule.when.cause = Some(Cause::GatewayNoAccount);
                rule.then.cause = Some(Cause::Overloaded);
            },
            "then.cause",
        ),
        (&|rule| rule.then.counts = Some(true), "then.counts"),
    ];
    for (change, field) in cases {
        assert_eq!(with(change), Err(format!("rules[0].{field}")));
    }
    let twice = [good.clone(), good.clone()];
    assert_eq!(check(&twice).unwrap_err().field, "rules[1].name");
    let many = vec![good; LIMITS.rules + 1];
    assert_eq!(check(&many).unwrap_err().field, "rules");
}

#[test]
fn what_is_tried_is_counted_by_what_becomes_what() {
    let now = set(Vec::new());
    let tried = set(vec![rule(of_cause(Cause::Overloaded), excluded())]);
    let (at, before) = (UnixMillis(10), UnixMillis(9));
    let mut trial = Trial::new(now, tried, at);
    let (hit, other) = (facts(Cause::Overloaded), facts(Cause::ServerError));
    for id in 0..3 {
        trial.see(ErrorId(id), at, false, &hit);
    }
    trial.see(ErrorId(3), at, true, &hit);
    trial.see(ErrorId(4), at, false, &other);
    // Of what arrived then, nobody knows how much was served.
    trial.see(ErrorId(5), before, false, &hit);
    trial.served(95);
    let preview = trial.answer((UnixMillis(0), UnixMillis(1)), true, true);
    assert_eq!(
        (
            preview.examined,
            preview.would_change,
            preview.would_change_hidden
        ),
        (6, 5, 1)
    );
    assert_eq!((preview.failures_before, preview.failures_after), (4, 1));
    assert_eq!((preview.requests, preview.served), (99, 95));
    assert_eq!(preview.changes.counts.len(), 1);
    assert_eq!(preview.changes.counts[0].count, 5);
    assert!(preview.changes.cause.is_empty());
    assert_eq!((preview.rules[0].fits, preview.rules[0].changes), (5, 5));
    assert_eq!(
        preview.sentence,
        "would change 5 requests, SLA 95.95 → 98.95 %"
    );
}

fn causes() -> impl Strategy<Value = Cause> {
    proptest::sample::select(Cause::ALL)
}

fn rules() -> impl Strategy<Value = ClassificationRule> {
    let when = (
        proptest::option::of(causes()),
        proptest::option::of(any::<bool>()),
        proptest::option::of(Just("over".to_owned())),
    );
    let then = (
        proptest::option::of(causes()),
        proptest::option::of(proptest::sample::select(Owner::ALL)),
        proptest::option::of(proptest::sample::select(Severity::ALL)),
        proptest::option::of(any::<bool>()),
        proptest::option::of(any::<bool>()),
    );
    (when, then, 1..9i64).prop_map(|(when, then, id)| ClassificationRule {
        id,
        name: format!("rule {id}"),
        note: None,
        enabled: true,
        when: When {
            cause: when.0,
            stream: when.1,
            message_contains: when.2,
            ..When::default()
        },
        then: Then {
            cause: then.0.filter(|cause| !cause.is_waybills_own()),
            error_owner: then.1,
            severity: then.2,
            is_retryable: then.3,
            counts: then.4,
        },
    })
}

proptest! {
    #[test]
    fn the_built_in_verdict_comes_back_whatever_the_rules_were(
        cause in causes(),
        first in proptest::collection::vec(rules(), 0..5),
        second in proptest::collection::vec(rules(), 0..5),
    ) {
        let (first, second) = (set(first), set(second));
        let fresh = facts(cause);
        let (verdict, ruling) = first.judge(&fresh);
        prop_assert_eq!(ruling.built_in(verdict), fresh.built_in);
        // A row is stored with both, its built-in verdict written as a text.
        let found = ruling.found.map(|found| found.to_string().parse::<Found>().unwrap());
        let stored = Ruling { found, ..ruling };
        let again = Facts { built_in: stored.built_in(verdict), ..fresh };
        prop_assert_eq!(second.judge(&again), second.judge(&fresh));
        prop_assert_eq!(RuleSet::default().judge(&again).0, fresh.built_in);
    }

    #[test]
    fn no_rule_makes_a_failure_look_like_waybills_own(
        cause in causes(), rules in proptest::collection::vec(rules(), 0..6),
    ) {
        let (verdict, _) = set(rules).judge(&facts(cause));
        prop_assert!(verdict.cause == cause || !verdict.cause.is_waybills_own());
        prop_assert!(!cause.is_waybills_own() || verdict.cause == cause);
    }
}
