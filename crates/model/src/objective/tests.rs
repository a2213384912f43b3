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

/// A thousand requests a day, of which so many times what is allowed are bad.
fn pace(rate: f64) -> Pace {
    let counted = counted(100_000, (500.0 * rate) as u64);
    Pace {
        counted,
        ms: 100 * DAY_MS,
    }
}

#[test]
fn it_is_said_when_the_budget_is_gone_and_only_if_it_will_be() {
    let now = UnixMillis(1_000);
    let objective = objective();
    let window = objective.window_ms();
    let gone = |counted, pace| objective.gone_at(counted, pace, window, now);
    assert_eq!(gone(counted(100, 3), pace(0.0)), Some(now));
    let after = |bad, rate| {
        let gone = gone(counted(30_000, bad), pace(rate))?;
        Some((gone.0 - now.0) as f64 / window as f64)
    };
    let is_after = |bad, rate, wanted| near(after(bad, rate).unwrap(), wanted);
    // What is left of it, at so many times what is allowed.
    is_after(0, 1.0, 1.0);
    is_after(75, 1.0, 0.5);
    is_after(75, 5.0, 0.1);
    is_after(75, 0.626, 0.5 / 0.626);
    assert_eq!(after(75, 0.4), None);
    assert_eq!(after(75, 0.0), None);
    assert_eq!(gone(counted(0, 0), pace(5.0)), None);
}

#[test]
fn a_young_objective_has_only_the_budget_of_what_there_was() {
    let objective = objective();
    let now = UnixMillis(1_000);
    let after = |total, bad, rate, lived_days| {
        let lived_ms = lived_days * DAY_MS;
        let gone = objective.gone_at(counted(total, bad), pace(rate), lived_ms, now)?;
        Some((gone.0 - now.0) as f64 / HOUR_MS as f64)
    };
    // A day old: five may be bad, two were. 72 a day are, and each day allows five more: three are left for 64 minutes.
    near(after(1_000, 2, 14.4, 1).unwrap(), 24.0 * 3.0 / 67.0);
    // As it will be when a month is lived through: 150 may be bad.
    near(after(30_000, 60, 14.4, 30).unwrap(), 24.0 * 90.0 / 72.0);
    // What is spent a little faster than it comes is gone when nothing comes any more.
    let days = after(20_000, 20, 1.2, 20).unwrap() / 24.0;
    near(days, (80.0 + 50.0) / 6.0);
    // And what comes as fast as it is spent is never gone before that.
    let days = after(20_000, 50, 1.0, 20).unwrap() / 24.0;
    near(days, (50.0 + 50.0) / 5.0);
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
