//! What a rule refuses, and how it judges.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn rule() -> AlertRuleBody {
    default_rules().remove(0)
}

#[test]
fn the_rules_of_a_new_installation_are_valid_and_have_names_of_their_own() {
    let rules = default_rules();
    for rule in &rules {
        rule.check().unwrap();
    }
    let names: std::collections::HashSet<_> = rules.iter().map(|rule| &rule.name).collect();
    assert_eq!(names.len(), rules.len());
}

#[test]
fn a_rule_that_cannot_be_is_refused_by_the_name_of_its_field() {
    type Change = fn(&mut AlertRuleBody);
    let cases: &[(&str, Change)] = &[
        ("name", |r| r.name = "  ".to_owned()),
        ("note", |r| r.note = "x".repeat(4_000)),
        ("threshold", |r| r.threshold = f64::NAN),
        ("threshold", |r| r.threshold = -1.0),
        ("threshold", |r| r.threshold = 101.0),
        ("window_minutes", |r| r.window_minutes = 0),
        ("cooldown_minutes", |r| r.cooldown_minutes = 1_000_000),
        ("filter.objective_id", |r| r.filter.objective_id = Some(1)),
        ("filter", |r| {
            r.filter.group_id = Some(GroupId(1));
            r.filter.account_id = Some(AccountId(1));
        }),
        ("filter.model", |r| {
            r.metric = Metric::AccountDown;
            r.filter.model = Some("m".to_owned());
        }),
    ];
    for (field, change) in cases {
        let mut rule = rule();
        change(&mut rule);
        assert_eq!(rule.check().unwrap_err().field, *field);
    }
}

#[test]
fn what_is_made_of_too_few_requests_is_no_value() {
    let mut rule = rule();
    let all_fail = |samples| Reading {
        value: Some(100.0),
        samples,
    };
    assert_eq!(rule.judge(all_fail(19)), Said::Nothing);
    assert_eq!(rule.judge(all_fail(20)), Said::Breach);
    assert_eq!(
        rule.judge(Reading {
            value: Some(1.0),
            samples: 20
        }),
        Said::Well
    );
    let none = Reading {
        value: None,
        samples: 0,
    };
    rule.missing = Missing::Alert;
    assert_eq!(rule.judge(none), Said::Breach);
    rule.missing = Missing::Ok;
    assert_eq!(rule.judge(none), Said::Well);
}

#[test]
fn a_rule_is_read_with_what_is_usual_and_nothing_unknown() {
    let text = r#"{"name": "n", "metric": "error_rate", "operator": ">", "threshold": 1, "severity": "P1"}"#;
    let rule: AlertRuleBody = serde_json::from_str(text).unwrap();
    assert_eq!(
        (rule.window_minutes, rule.cooldown_minutes, rule.enabled),
        (5, 10, true)
    );
    let unknown = text.replace("\"name\"", "\"colour\": 1, \"name\"");
    assert!(serde_json::from_str::<AlertRuleBody>(&unknown).is_err());
}
