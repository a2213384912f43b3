//! States of an issue over any course of failures and time.
#![allow(clippy::unwrap_used, clippy::panic)]
use proptest::prelude::*;

use super::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const SETTINGS: Settings = Settings {
    quiet_ms: Some(7 * 24 * HOUR_MS),
};
const SLOW: Rate = Rate {
    last_hour: 1.0,
    baseline: Some(1.0),
    threshold: Some(20.0),
};
const FAST: Rate = Rate {
    last_hour: 90.0,
    ..SLOW
};

fn hours_ago(hours: i64) -> UnixMillis {
    NOW.plus_ms(-hours * HOUR_MS)
}

fn standing(state: IssueState, since: UnixMillis) -> Standing {
    Standing {
        state,
        since,
        ignore: Ignore::default(),
    }
}

fn facts() -> Facts {
    Facts {
        last_seen: NOW,
        newest: Some(NOW),
        count: 10,
        rate: SLOW,
    }
}

#[track_caller]
fn goes(standing: Standing, facts: Facts, to: Option<(IssueState, Why)>) {
    let due = turn(&standing, &facts, &SETTINGS, NOW);
    assert_eq!(due.map(|due| (due.to, due.why)), to, "{standing:?}");
}

#[test]
fn a_new_issue_is_ongoing_after_a_day() {
    use IssueState as S;
    goes(standing(S::New, hours_ago(23)), facts(), None);
    let grown_up = Some((S::Ongoing, Why::Age));
    goes(standing(S::New, hours_ago(24)), facts(), grown_up);
    goes(standing(S::Regressed, hours_ago(24)), facts(), grown_up);
}

#[test]
fn one_failure_that_arrived_after_the_resolution_reopens_and_none_from_before() {
    let resolved = standing(IssueState::Resolved, hours_ago(1));
    let at = |newest| Facts {
        newest: Some(newest),
        ..facts()
    };
    goes(resolved, at(hours_ago(2)), None);
    goes(resolved, at(hours_ago(1).plus_ms(-1)), None);
    let regressed = Some((IssueState::Regressed, Why::Failure));
    goes(resolved, at(hours_ago(1)), regressed);
    goes(resolved, at(NOW), regressed);
}

#[test]
fn what_departs_from_its_past_escalates_and_is_ongoing_when_it_is_calm_again() {
    use IssueState as S;
    let fast = Facts {
        rate: FAST,
        ..facts()
    };
    for state in [S::New, S::Ongoing, S::Regressed] {
        goes(
            standing(state, hours_ago(1)),
            fast,
            Some((S::Escalating, Why::Rate)),
        );
    }
    goes(standing(S::Escalating, hours_ago(1)), fast, None);
    let calm = Some((S::Ongoing, Why::Calm));
    goes(standing(S::Escalating, hours_ago(1)), facts(), calm);
}

#[test]
fn what_is_quiet_for_long_is_resolved() {
    use IssueState as S;
    let quiet = Facts {
        last_seen: hours_ago(7 * 24),
        newest: None,
        ..facts()
    };
    for state in [S::New, S::Ongoing, S::Escalating, S::Regressed] {
        goes(
            standing(state, hours_ago(1)),
            quiet,
            Some((S::Resolved, Why::Quiet)),
        );
    }
    goes(standing(S::Ignored, hours_ago(1)), quiet, None);
    let never = Settings { quiet_ms: None };
    let ongoing = standing(S::Ongoing, hours_ago(1));
    assert_eq!(turn(&ongoing, &quiet, &never, NOW), None);
}

#[test]
fn ignoring_ends_by_time_count_or_escalation_and_not_otherwise() {
    use IssueState as S;
    let ignored = |ignore| Standing {
        ignore,
        ..standing(S::Ignored, hours_ago(100))
    };
    let nothing = Ignore::default();
    let fast = Facts {
        rate: FAST,
        ..facts()
    };
    goes(ignored(nothing), fast, None);
    let until = |until| Ignore {
        until: Some(until),
        ..nothing
    };
    goes(ignored(until(NOW.plus_ms(1))), fast, None);
    goes(
        ignored(until(NOW)),
        facts(),
        Some((S::Ongoing, Why::IgnoreTime)),
    );
    let count = |count| Ignore {
        until_count: Some(count),
        ..nothing
    };
    goes(ignored(count(11)), fast, None);
    goes(
        ignored(count(10)),
        facts(),
        Some((S::Ongoing, Why::IgnoreCount)),
    );
    let escalation = Ignore {
        until_escalation: true,
        ..nothing
    };
    goes(ignored(escalation), facts(), None);
    goes(ignored(escalation), fast, Some((S::Escalating, Why::Rate)));
}

#[test]
fn an_old_issue_that_is_heard_of_first_today_ends_where_it_belongs() {
    let mut old = standing(IssueState::New, hours_ago(20 * 24));
    let facts = Facts {
        last_seen: hours_ago(15 * 24),
        newest: Some(hours_ago(15 * 24)),
        ..facts()
    };
    let made = settle(&mut old, &facts, &SETTINGS, NOW);
    assert_eq!(made.last().map(|made| made.to), Some(IssueState::Resolved));
    assert_eq!(old.since, NOW);
}

fn any_standing() -> impl Strategy<Value = Standing> {
    let state = proptest::sample::select(IssueState::ALL);
    let ignore = (
        proptest::option::of(-50_i64..50),
        proptest::option::of(0_u64..40),
        any::<bool>(),
    );
    (state, 0_i64..400, ignore).prop_map(|(state, since, (until, count, escalation))| Standing {
        state,
        since: hours_ago(since),
        ignore: Ignore {
            until: until.map(|hours| NOW.plus_ms(hours * HOUR_MS)),
            until_count: count,
            until_escalation: escalation,
        },
    })
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let rate = proptest::sample::select(vec![SLOW, FAST]);
    (
        0_i64..400,
        proptest::option::of(0_i64..400),
        0_u64..40,
        rate,
    )
        .prop_map(|(last_seen, newest, count, rate)| Facts {
            last_seen: hours_ago(last_seen),
            newest: newest.map(hours_ago),
            count,
            rate,
        })
}

proptest! {
    #[test]
    fn after_what_is_due_nothing_is(mut standing in any_standing(), facts in any_facts()) {
        settle(&mut standing, &facts, &SETTINGS, NOW);
        let later = Facts { newest: None, ..facts };
        prop_assert_eq!(turn(&standing, &later, &SETTINGS, NOW), None);
    }

    #[test]
    fn every_transition_leads_elsewhere_and_is_dated_now(mut standing in any_standing(), facts in any_facts()) {
        let mut before = standing.state;
        for made in settle(&mut standing, &facts, &SETTINGS, NOW) {
            prop_assert_ne!(made.to, before);
            prop_assert_ne!(made.to, IssueState::New);
            prop_assert_ne!(made.to, IssueState::Ignored);
            prop_assert_eq!(standing.since, NOW);
            before = made.to;
        }
    }

    #[test]
    fn a_resolved_issue_is_left_only_for_a_later_failure(standing in any_standing(), facts in any_facts()) {
        let resolved = Standing { state: IssueState::Resolved, ..standing };
        let due = turn(&resolved, &facts, &SETTINGS, NOW);
        let later = facts.newest.is_some_and(|at| at >= resolved.since);
        prop_assert_eq!(due.is_some(), later);
    }

    #[test]
    fn time_alone_changes_nothing_before_the_next_look(mut standing in any_standing(), facts in any_facts(), share in 0.0_f64..1.0) {
        let facts = Facts { newest: None, ..facts };
        settle(&mut standing, &facts, &SETTINGS, NOW);
        if standing.state == IssueState::Escalating { return Ok(()); }
        let horizon = NOW.plus_ms(400 * 24 * HOUR_MS);
        let look = next_look(&standing, facts.last_seen, &SETTINGS, NOW).unwrap_or(horizon);
        let between = NOW.plus_ms(((look.0 - NOW.0 - 1).max(0) as f64 * share) as i64);
        prop_assert_eq!(turn(&standing, &facts, &SETTINGS, between), None);
    }
}
