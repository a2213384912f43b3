//! Budgets by hand.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn objective() -> ObjectiveBody {
    let text = r#"{"name": "claude", "target_percent": 99.5}"#;
    serde_json::from_str(text).unwrap()
}

fn counted(total: u64, bad: u64) -> Counted {
    Counted { total, bad }
}

#[track_caller]
fn near(is: f64, wanted: f64) {
    assert!((is - wanted).abs() < 1e-6, "{is} is not {wanted}");
}

#[test]
fn a_budget_is_what_the_target_leaves() {
    let budget = objective().budget(counted(10_000, 20));
    near(budget.allowed, 50.0);
    near(budget.left_percent, 60.0);
    near(budget.achieved_percent.unwrap(), 99.8);
    near(
        objective().budget(counted(10_000, 100)).left_percent,
        -100.0,
    );
    near(objective().budget(counted(0, 0)).left_percent, 100.0);
}

#[test]
fn a_burn_rate_of_one_spends_the_budget_in_its_window() {
    near(objective().burn_rate(counted(1_000, 5)).unwrap(), 1.0);
    near(objective().burn_rate(counted(1_000, 72)).unwrap(), 14.4);
    assert_eq!(objective().burn_rate(counted(0, 0)), None);
}

#[test]
fn it_is_said_when_the_budget_is_gone_and_only_if_it_will_be() {
    let now = UnixMillis(1_000);
    let objective = objective();
    assert_eq!(objective.gone_at(-3.0, 0.0, now), Some(now));
    let after = |left, rate| {
        let gone = objective.gone_at(left, rate, now)?;
        Some((gone.0 - now.0) as f64 / objective.window_ms() as f64)
    };
    // What is left of it, at so many times what is allowed.
    assert_eq!(after(100.0, 1.0), Some(1.0));
    assert_eq!(after(50.0, 1.0), Some(0.5));
    assert_eq!(after(50.0, 5.0), Some(0.1));
    assert_eq!(after(50.0, 0.625), Some(0.8));
    assert_eq!(after(50.0, 0.4), None);
    assert_eq!(after(50.0, 0.0), None);
}

#[test]
fn an_objective_that_cannot_be_is_refused_by_the_name_of_its_field() {
    type Change = fn(&mut ObjectiveBody);
    let cases: &[(&str, Change)] = &[
        ("name", |o| o.name.clear()),
        ("target_percent", |o| o.target_percent = 100.0),
        ("target_percent", |o| o.target_percent = f64::NAN),
        ("window_days", |o| o.window_days = 91),
        ("within_ms", |o| o.within_ms = Some(1)),
        ("within_ms", |o| o.goal = Goal::Latency),
        ("platform", |o| {
            o.platform = Some(Platform::OpenAi);
            o.group_id = Some(GroupId(1));
        }),
        ("goal", |o| {
            o.side = Side::Provider;
            o.goal = Goal::Latency;
            o.within_ms = Some(1);
        }),
    ];
    for (field, change) in cases {
        let mut objective = objective();
        change(&mut objective);
        assert_eq!(objective.check().unwrap_err().field, *field);
    }
    objective().check().unwrap();
}
