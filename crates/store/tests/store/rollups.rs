//! The contract of the store about roll-ups, written against the interface alone: whatever happens in between, every
//! number at every length is that of the requests themselves.

mod fates;
mod truth;

use crate::common::{Fixture, Subject, at, failure, recovered, success};
use fates::{Fates, LATE_MS};
use truth::Truth;
use waybill_model::{
    cause::{Cause, Owner},
    classify::ruling::{ClassificationRule, Then, When},
    id::ErrorId,
    record::Record,
    rollup::{By, Class, Counts, Facet, Ignore, Measure, Scope, Sketches, Span},
    sketch::MOST_ERROR_PER_MILLE,
    time::UnixMillis,
    view::NoiseCount,
};
use waybill_store::{
    NewRules, RetentionPolicy, RollupOf, RollupQuery, RollupReport, Rollups, Store,
};

on_both! {
    every_number_of_every_length_is_the_truth,
    who_folds_at_the_same_time_does_so_in_vain,
    what_was_folded_before_a_crash_is_not_folded_after_it,
    a_request_that_is_stored_late_counts_where_it_arrived,
    what_an_operator_sent_again_is_not_counted,
    what_is_not_folded_yet_is_in_the_answer,
    any_window_is_the_sum_of_its_parts_and_of_its_rows,
    scopes_that_no_facet_has_are_added_up_from_the_rows,
    by_their_end_requests_count_in_the_minute_in_which_they_are_over,
    what_rules_judge_anew_counts_anew_at_once,
    minutes_go_and_hours_and_days_stay,
    ids_are_not_given_twice_when_all_requests_have_gone,
    models_beyond_a_bound_are_counted_together,
    made_up_names_take_no_room_and_what_is_not_seen_for_long_makes_some,
    what_is_not_folded_stays_and_what_must_go_all_the_same_is_counted,
    rows_that_have_gone_are_not_added_up_as_if_they_were_there,
    a_clock_that_leaps_ahead_removes_little_and_keeps_nothing_from_being_counted,
    what_a_clock_that_was_ahead_wrote_and_removed_is_missed_until_now_and_no_longer,
    what_is_left_out_is_left_out_of_rows_and_roll_ups_alike_and_is_not_lost,
    what_rules_judge_anew_is_left_out_as_it_is_judged,
}

/// How many requests; by the environment many more: `make books`.
fn how_many() -> u64 {
    let asked = std::env::var("WAYBILL_ROLLUP_REQUESTS");
    asked.map_or(8_000, |many| many.parse().unwrap())
}

async fn fold(store: &Store) -> RollupReport {
    let mut all = RollupReport::default();
    loop {
        let report = store.fold_rollups().await.unwrap();
        all.folded += report.folded;
        if !report.more {
            return all;
        }
    }
}

fn everything() -> RollupQuery {
    RollupQuery::whole(fates::START, fates::END, RollupOf::One(Scope::default()))
}

async fn ask(store: &Store, query: RollupQuery) -> Rollups {
    store.rollups(query).await.unwrap()
}

/// Compares every facet, at every length, with the truth.
async fn compare(store: &Store, truth: &Truth) {
    for span in [Span::Minute, Span::Hour, Span::Day] {
        for facet in Facet::ALL {
            let query = RollupQuery {
                step: Some(span),
                of: RollupOf::Each(*facet),
                ..everything()
            };
            let answer = ask(store, query).await;
            assert!(answer.is_complete && !answer.is_raw);
            truth.hold(By::Arrival, span, *facet, &answer.buckets);
        }
    }
    for facet in Facet::ALL.iter().filter(|facet| **facet != Facet::User) {
        let query = RollupQuery {
            // What arrived last ends later.
            end: fates::END.plus_ms(Span::Hour.millis()),
            step: Some(Span::Minute),
            by: By::End,
            of: RollupOf::Each(*facet),
            ..everything()
        };
        let answer = ask(store, query).await;
        assert!(answer.is_complete && answer.by == By::End);
        truth.hold(By::End, Span::Minute, *facet, &answer.buckets);
    }
}

async fn every_number_of_every_length_is_the_truth(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let mut truth = Truth::default();
    let mut fates = Fates::of(7);
    let mut left = how_many();
    while left > 0 {
        let some = left.min(4_000);
        let batch: Vec<Record> = (0..some).map(|_| fates.next()).collect();
        batch.iter().for_each(|record| truth.add(record));
        fixture.write(&batch).await;
        fold(&fixture.store).await;
        left -= some;
    }
    compare(&fixture.store, &truth).await;
    // Without causes and sketches the counts are the same.
    let whole = ask(&fixture.store, everything()).await;
    let bare = RollupQuery {
        causes: false,
        sketches: &[],
        ..everything()
    };
    let bare = ask(&fixture.store, bare).await.total();
    assert_eq!(bare.counts, whole.total().counts);
    assert!(bare.causes.is_empty() && bare.sketches == Sketches::default());
    // One of the sketches is the same without the others.
    let all = whole.total().sketches;
    for measure in Measure::ALL {
        let alone = RollupQuery {
            sketches: measure.alone(),
            // One from the rows: with a million of them it takes long.
            raw: *measure == Measure::Routing,
            ..everything()
        };
        let alone = ask(&fixture.store, alone).await.total().sketches;
        assert!(!alone.get(*measure).is_empty());
        assert_eq!(alone, all.clone().only(measure.alone()), "{measure:?}");
    }
    // Quantiles are within the stated bound.
    let mut durations = truth.durations.clone();
    durations.sort_unstable();
    let sketch = whole.total().sketches.duration;
    assert_eq!(sketch.count(), durations.len() as u64);
    assert_eq!(sketch.sum(), durations.iter().sum::<u64>());
    for per_mille in [1, 100, 500, 900, 950, 990, 999, 1_000] {
        let rank = (durations.len() as u64 * per_mille).div_ceil(1_000).max(1);
        let exact = durations[usize::try_from(rank).unwrap() - 1];
        let given = sketch.quantile(per_mille).unwrap();
        assert!(
            given.abs_diff(exact) * 1_000 <= exact * MOST_ERROR_PER_MILLE,
            "{per_mille}: {given} for {exact}"
        );
    }
}

async fn who_folds_at_the_same_time_does_so_in_vain(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let (mut truth, mut fates) = (Truth::default(), Fates::of(8));
    let batch: Vec<Record> = (0..600).map(|_| fates.next()).collect();
    batch.iter().for_each(|record| truth.add(record));
    fixture.write(&batch).await;
    let one = fixture.store.clone();
    let (a, b, c) = tokio::join!(fold(&one), fold(&one), fold(&one));
    assert_eq!(a.folded + b.folded + c.folded, 600 - fates.replays);
    compare(&fixture.store, &truth).await;
}

async fn what_was_folded_before_a_crash_is_not_folded_after_it(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let (mut truth, mut fates) = (Truth::default(), Fates::of(9));
    for _ in 0..3 {
        let batch: Vec<Record> = (0..300).map(|_| fates.next()).collect();
        batch.iter().for_each(|record| truth.add(record));
        fixture.write(&batch).await;
        let after = fixture.as_after_a_crash().await;
        fold(&after).await;
        fold(&after.clone()).await;
        compare(&after, &truth).await;
        fold(&fixture.store).await;
    }
    let after = fixture.as_after_a_crash().await;
    assert_eq!(fold(&after).await.folded, 0);
    compare(&after, &truth).await;
}

async fn a_request_that_is_stored_late_counts_where_it_arrived(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    fixture
        .write(&[success(LATE_MS), failure(LATE_MS + 1)])
        .await;
    fold(&fixture.store).await;
    // The clock was set back, or a stream took long.
    fixture.write(&[success(5), recovered(6)]).await;
    fold(&fixture.store).await;
    let minutes = RollupQuery {
        step: Some(Span::Minute),
        ..everything()
    };
    let minutes = ask(&fixture.store, minutes).await.buckets;
    let counts: Vec<_> = minutes
        .iter()
        .map(|b| (b.start, b.counts.requests, b.counts.failures))
        .collect();
    let minute = |n| Span::Minute.begin(at(n));
    assert_eq!(counts, [(minute(5), 2, 0), (minute(LATE_MS), 2, 1)]);
}

async fn by_their_end_requests_count_in_the_minute_in_which_they_are_over(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let mut slow = failure(1);
    let minutes = |n: i64| n * Span::Minute.millis();
    for subject in [
        &mut slow.request.as_mut().unwrap().subject,
        &mut slow.error.as_mut().unwrap().subject,
    ] {
        subject.latency_ms = minutes(10) as u32;
    }
    // Folded, or not yet: the answer is the same.
    for is_folded in [false, true] {
        match is_folded {
            false => fixture.write(&[success(2), slow.clone()]).await,
            true => drop(fold(&fixture.store).await),
        }
        let minute = Span::Minute.begin(at(1));
        let window = |by, from: i64, to: i64| RollupQuery {
            start: minute.plus_ms(minutes(from)),
            end: minute.plus_ms(minutes(to)),
            by,
            ..everything()
        };
        for (by, from, to, requests, failures) in [
            (By::Arrival, 0, 2, 2, 1),
            (By::Arrival, 9, 12, 0, 0),
            (By::End, 0, 2, 1, 0),
            (By::End, 9, 12, 1, 1),
        ] {
            let answer = ask(&fixture.store, window(by, from, to)).await;
            let counts = answer.total().counts;
            assert_eq!(answer.by, by);
            assert_eq!((counts.requests, counts.failures), (requests, failures));
        }
    }
    // What reaches further back than minutes are kept is answered by hours of arrival.
    let policy = RetentionPolicy {
        rollup_minutes_max_age_ms: Some(0),
        ..RetentionPolicy::default()
    };
    let now = at(1).plus_ms(minutes(60));
    fixture.store.retain(&policy, now).await.unwrap();
    let query = RollupQuery {
        by: By::End,
        ..everything()
    };
    let answer = ask(&fixture.store, query).await;
    assert_eq!(
        (answer.by, answer.total().counts.requests),
        (By::Arrival, 2)
    );
}

async fn what_an_operator_sent_again_is_not_counted(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let mut again = failure(2);
    again.request.as_mut().unwrap().subject.replay_of = Some(ErrorId(1));
    again.error.as_mut().unwrap().subject.replay_of = Some(ErrorId(1));
    fixture.write(&[failure(1), again]).await;
    for raw in [true, false] {
        let query = RollupQuery {
            raw,
            ..everything()
        };
        let counts = ask(&fixture.store, query).await.total().counts;
        assert_eq!((counts.requests, counts.attempts), (1, 2));
        assert_eq!(fold(&fixture.store).await.folded, u64::from(raw));
    }
}

async fn what_is_not_folded_yet_is_in_the_answer(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let (mut truth, mut fates) = (Truth::default(), Fates::of(10));
    let mut batch: Vec<Record> = (0..500).map(|_| fates.next()).collect();
    batch.iter().for_each(|record| truth.add(record));
    fixture.write(&batch).await;
    fold(&fixture.store).await;
    batch = (0..500).map(|_| fates.next()).collect();
    batch.iter().for_each(|record| truth.add(record));
    fixture.write(&batch).await;
    compare(&fixture.store, &truth).await;
}

async fn any_window_is_the_sum_of_its_parts_and_of_its_rows(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let mut fates = Fates::of(11);
    let batch: Vec<Record> = (0..2_000).map(|_| fates.next()).collect();
    fixture.write(&batch[..1_500]).await;
    fold(&fixture.store).await;
    fixture.write(&batch[1_500..]).await;
    let length = fates::END.0 - fates::START.0;
    let mut random = fates::Random(12);
    for _ in 0..25 {
        let one = fates::START.plus_ms(random.below(length as u64) as i64);
        let other = fates::START.plus_ms(random.below(length as u64) as i64);
        let facet = *random.one_of(Facet::ALL);
        let query = RollupQuery {
            start: one.min(other),
            end: one.max(other).plus_ms(1),
            of: RollupOf::Each(facet),
            step: *random.one_of(&[None, None, Some(Span::Hour), Some(Span::Day)]),
            ..everything()
        };
        let raw = RollupQuery {
            raw: true,
            ..query.clone()
        };
        let (mut rolled_up, from_rows) = (
            ask(&fixture.store, query.clone()).await,
            ask(&fixture.store, raw).await,
        );
        assert!(from_rows.is_raw && !rolled_up.is_raw);
        rolled_up.is_raw = true;
        assert_eq!(rolled_up, from_rows, "{query:?}");
        assert!(rolled_up.start <= query.start && query.end <= rolled_up.end);
        // The minutes of the window add up to it.
        if query.step.is_none() && facet == Facet::All {
            let minutes = RollupQuery {
                step: Some(Span::Minute),
                ..query
            };
            assert_eq!(
                ask(&fixture.store, minutes).await.total(),
                rolled_up.total()
            );
        }
    }
}

async fn scopes_that_no_facet_has_are_added_up_from_the_rows(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let (mut truth, mut fates) = (Truth::default(), Fates::of(13));
    let batch: Vec<Record> = (0..1_000).map(|_| fates.next()).collect();
    batch.iter().for_each(|record| truth.add(record));
    fixture.write(&batch).await;
    fold(&fixture.store).await;
    let mut random = fates::Random(14);
    for _ in 0..10 {
        let scope = Scope {
            platform: Some(fates::PLATFORMS[0]),
            account_id: Some(1 + random.below(4) as i64),
            group_id: Some(1 + random.below(2) as i64),
            ..Scope::default()
        };
        let query = RollupQuery {
            of: RollupOf::One(scope.clone()),
            ..everything()
        };
        let answer = ask(&fixture.store, query).await;
        assert!(answer.is_raw);
        assert_eq!(answer.total().counts, truth.of_scope(&scope));
    }
}

/// Puts one rule into force: failures of providers' servers are the client's own; or none.
async fn rule(fixture: &Fixture, replaces: i64, is_there: bool) {
    let rule = ClassificationRule {
        id: 0,
        name: "ours".to_owned(),
        note: None,
        enabled: true,
        when: When {
            cause: Some(Cause::ServerError),
            ..When::default()
        },
        then: Then {
            error_owner: Some(Owner::Client),
            ..Then::default()
        },
    };
    let new = NewRules {
        replaces,
        rules: if is_there { vec![rule] } else { Vec::new() },
        by: None,
        note: None,
    };
    let put = fixture
        .store
        .set_classification_rules(new, fates::END)
        .await;
    put.unwrap();
}

async fn judge(store: &Store) {
    while store.judge_anew().await.unwrap().more {}
}

async fn what_rules_judge_anew_counts_anew_at_once(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let mut fates = Fates::of(19);
    let mut all: Vec<Record> = (0..2_000).map(|_| fates.next()).collect();
    fixture.write(&all[..1_500]).await;
    fold(&fixture.store).await;
    // Some are folded when they are judged anew, some are not, and some requests have gone by then.
    fixture.write(&all[1_500..]).await;
    rule(&fixture, 0, true).await;
    fixture.store.judge_anew().await.unwrap();
    fold(&fixture.store).await;
    judge(&fixture.store).await;
    fold(&fixture.store).await;
    all.iter_mut().for_each(fates::judge_anew);
    let mut truth = Truth::default();
    all.iter().for_each(|record| truth.add(record));
    compare(&fixture.store, &truth).await;
    let policy = RetentionPolicy {
        requests_max_age_ms: Some(0),
        ..RetentionPolicy::default()
    };
    let middle = Span::Day.begin(fates::END.plus_ms(-1));
    fixture.store.retain(&policy, middle).await.unwrap();
    rule(&fixture, 1, false).await;
    judge(&fixture.store).await;
    let mut fates = Fates::of(19);
    let mut truth = Truth::default();
    (0..2_000).for_each(|_| truth.add(&fates.next()));
    compare(&fixture.store, &truth).await;
}

async fn minutes_go_and_hours_and_days_stay(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let mut fates = Fates::of(17);
    let all: Vec<Record> = (0..1_000).map(|_| fates.next()).collect();
    fixture.write(&all).await;
    fold(&fixture.store).await;
    let whole = ask(&fixture.store, everything()).await;
    let day = Span::Day.millis();
    let now = fates::END.plus_ms(day);
    let policy = RetentionPolicy {
        rollup_minutes_max_age_ms: Some(day),
        rollup_hours_max_age_ms: Some(100 * day),
        rollup_days_max_age_ms: Some(1_000 * day),
        ..RetentionPolicy::default()
    };
    fixture.store.retain(&policy, now).await.unwrap();
    let odd = RollupQuery {
        start: fates::START.plus_ms(1_234_567),
        end: fates::END.plus_ms(-7_654_321),
        ..everything()
    };
    let answer = ask(&fixture.store, odd.clone()).await;
    let hours = |at: UnixMillis| Span::Hour.begin(at) == at;
    assert!(
        hours(answer.start)
            && hours(answer.end)
            && answer.start <= odd.start
            && odd.end <= answer.end
    );
    let raw = RollupQuery {
        raw: true,
        ..odd.clone()
    };
    assert_eq!(ask(&fixture.store, raw).await.total(), answer.total());
    assert_eq!(
        ask(&fixture.store, everything()).await.total(),
        whole.total()
    );
    // Minutes that have gone are asked for in vain, and are not begun anew by what comes late.
    let step = |span| RollupQuery {
        step: Some(span),
        ..odd.clone()
    };
    assert_eq!(
        ask(&fixture.store, step(Span::Minute)).await.step,
        Some(Span::Hour)
    );
    fixture.write(&[Fates::of(18).next()]).await;
    fold(&fixture.store).await;
    assert_eq!(
        ask(&fixture.store, everything())
            .await
            .total()
            .counts
            .requests,
        whole.total().counts.requests + 1
    );
    let policy = RetentionPolicy {
        rollup_hours_max_age_ms: Some(0),
        rollup_days_max_age_ms: Some(0),
        ..policy
    };
    fixture.store.retain(&policy, now).await.unwrap();
    assert!(ask(&fixture.store, everything()).await.buckets.is_empty());
}

async fn ids_are_not_given_twice_when_all_requests_have_gone(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let policy = RetentionPolicy {
        requests_max_age_ms: Some(0),
        ..RetentionPolicy::default()
    };
    fixture.write(&[success(1), success(2), success(3)]).await;
    fold(&fixture.store).await;
    fixture
        .store
        .retain(&policy, at(1_000_000_000))
        .await
        .unwrap();
    fixture.write(&[success(4), success(5)]).await;
    assert_eq!(fold(&fixture.store).await.folded, 2);
    assert_eq!(
        ask(&fixture.store, everything())
            .await
            .total()
            .counts
            .requests,
        5
    );
}

/// The same, asking for a model of its own.
fn of_model(mut record: Record, n: u64) -> Record {
    let name = Box::leak(format!("model-{n}").into_boxed_str());
    let model = Some(waybill_model::redact::Shown::own(name));
    record.request.as_mut().unwrap().subject.model = model;
    record
}

async fn made_up_names_take_no_room_and_what_is_not_seen_for_long_makes_some(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let month = 31 * Span::Day.millis() as u64;
    let names = async |store: &Store, end: u64| {
        let query = RollupQuery {
            end: at(end),
            of: RollupOf::Each(Facet::Model),
            ..everything()
        };
        let buckets = ask(store, query).await.buckets;
        let names = buckets.into_iter().map(|bucket| bucket.value);
        names.collect::<Vec<String>>()
    };
    let made_up: Vec<Record> = (1..=20).map(|n| of_model(failure(n), n)).collect();
    fixture.write(&made_up).await;
    fold(&fixture.store).await;
    assert_eq!(names(&fixture.store, 1_000).await, [""]);
    // From when on one of them is served it has a name.
    fixture.write(&[of_model(success(21), 1)]).await;
    fold(&fixture.store).await;
    fixture.write(&[of_model(failure(22), 1)]).await;
    fold(&fixture.store).await;
    assert_eq!(names(&fixture.store, 1_000).await, ["", "model-1"]);
    let others = (2..=1_000).map(|n| of_model(success(n + 100), n));
    fixture.write(&others.collect::<Vec<_>>()).await;
    fold(&fixture.store).await;
    for (after, has_name) in [(2_000, false), (month, true)] {
        fixture.write(&[of_model(success(after), after)]).await;
        fold(&fixture.store).await;
        let names = names(&fixture.store, after + 100_000).await;
        assert_eq!(names.contains(&format!("model-{after}")), has_name);
    }
}

async fn models_beyond_a_bound_are_counted_together(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let of_model = |n: u64| of_model(success(n), n);
    let records: Vec<Record> = (1..=1_010).map(of_model).collect();
    fixture.write(&records).await;
    fold(&fixture.store).await;
    fixture.write(&[of_model(2_000)]).await;
    let query = RollupQuery {
        of: RollupOf::Each(Facet::Model),
        ..everything()
    };
    for raw in [false, true] {
        let answer = ask(
            &fixture.store,
            RollupQuery {
                raw,
                ..query.clone()
            },
        )
        .await;
        assert_eq!(answer.buckets.len(), 1_001);
        assert_eq!(
            (
                answer.buckets[0].value.as_str(),
                answer.buckets[0].counts.requests
            ),
            ("", 11)
        );
    }
}

async fn what_is_not_folded_stays_and_what_must_go_all_the_same_is_counted(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let later = fates::END;
    let by_age = RetentionPolicy {
        requests_max_age_ms: Some(0),
        ..RetentionPolicy::default()
    };
    let by_size = RetentionPolicy {
        max_bytes: Some(0),
        ..RetentionPolicy::default()
    };
    let requests = async |store: &Store| ask(store, everything()).await.total().counts.requests;
    fixture.write(&[success(1), success(2), success(3)]).await;
    fixture.store.retain(&by_age, later).await.unwrap();
    assert_eq!(fold(&fixture.store).await.folded, 3);
    let report = fixture.store.retain(&by_age, later).await.unwrap();
    assert_eq!(report.requests_given_up, 0);
    assert!(ask(&fixture.store, everything()).await.is_complete);
    // Nobody folds, and there is no room.
    fixture.write(&[success(4), success(5), success(6)]).await;
    let report = fixture.store.retain(&by_size, later).await.unwrap();
    assert!(report.requests_given_up >= 2, "{report:?}");
    let given_up = fixture.store.requests_given_up().await.unwrap();
    assert_eq!(given_up, report.requests_given_up);
    // Another replica gave none up: those of all together are as many as there are.
    let other = fixture.as_after_a_crash().await;
    assert_eq!(other.requests_given_up().await.unwrap(), given_up);
    let of_each = [&fixture.store, &other].map(Store::requests_given_up_here);
    assert_eq!(of_each, [given_up, 0]);
    fold(&fixture.store).await;
    assert_eq!(requests(&fixture.store).await, 6 - given_up);
    assert!(!ask(&fixture.store, everything()).await.is_complete);
    let elsewhere = RollupQuery {
        start: fates::START.plus_ms(-2 * Span::Day.millis()),
        end: fates::START.plus_ms(-Span::Day.millis()),
        ..everything()
    };
    assert!(ask(&fixture.store, elsewhere).await.is_complete);
}

async fn rows_that_have_gone_are_not_added_up_as_if_they_were_there(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let day = Span::Day.millis();
    let records: Vec<Record> = (0..3).map(|n| success(n * day as u64)).collect();
    fixture.write(&records).await;
    fold(&fixture.store).await;
    let raw = |start| RollupQuery {
        start,
        raw: true,
        ..everything()
    };
    assert!(ask(&fixture.store, raw(fates::START)).await.is_complete);
    let policy = RetentionPolicy {
        requests_max_age_ms: Some(day),
        ..RetentionPolicy::default()
    };
    let now = fates::START.plus_ms(2 * day + day / 2);
    fixture.store.retain(&policy, now).await.unwrap();
    let answer = ask(&fixture.store, raw(fates::START)).await;
    assert!(answer.is_raw && !answer.is_complete);
    assert!(answer.total().counts.requests < 3);
    assert!(
        ask(&fixture.store, raw(fates::START.plus_ms(2 * day)))
            .await
            .is_complete
    );
    let answer = ask(&fixture.store, everything()).await;
    assert_eq!(
        (answer.is_complete, answer.total().counts.requests),
        (true, 3)
    );
}

async fn a_clock_that_leaps_ahead_removes_little_and_keeps_nothing_from_being_counted(
    subject: Subject,
) {
    let mut fixture = Fixture::on(subject).await;
    let (hour, year) = (Span::Hour.millis(), 365 * Span::Day.millis());
    let store = fixture.store.clone();
    let moment = async |now| store.retention_moment(now).await.unwrap();
    assert_eq!(moment(at(0)).await, at(0));
    fixture.write(&[success(7)]).await;
    // What is believed of a clock that is far ahead: an hour with every run, whatever arrives meanwhile.
    let ahead = at(7).plus_ms(year);
    assert_eq!(moment(ahead).await, at(0).plus_ms(hour));
    fixture.write(&[success(year as u64 + 8)]).await;
    assert_eq!(moment(ahead).await, at(0).plus_ms(2 * hour));
    assert_eq!(moment(at(9)).await, at(9));
    // One that is far behind for a moment is followed no further.
    assert_eq!(moment(at(9).plus_ms(-year)).await, at(9).plus_ms(-year));
    assert_eq!(moment(at(9)).await, at(9));
    // And if it was believed, what comes afterwards is counted all the same.
    let policy = RetentionPolicy {
        rollup_minutes_max_age_ms: Some(3 * Span::Day.millis()),
        rollup_hours_max_age_ms: Some(92 * Span::Day.millis()),
        ..RetentionPolicy::default()
    };
    fold(&store).await;
    store.retain(&policy, ahead).await.unwrap();
    let now = at(0).plus_ms(2 * hour);
    store.retain(&policy, now).await.unwrap();
    fixture.write(&[success(2 * hour as u64 + 5)]).await;
    fold(&store).await;
    for by in [By::Arrival, By::End] {
        let query = RollupQuery {
            start: now,
            end: now.plus_ms(hour),
            step: Some(Span::Minute),
            by,
            ..everything()
        };
        let answer = ask(&store, query).await;
        assert_eq!((answer.by, answer.step), (by, Some(Span::Minute)));
        assert_eq!(answer.total().counts.requests, 1);
    }
}

async fn what_a_clock_that_was_ahead_wrote_and_removed_is_missed_until_now_and_no_longer(
    subject: Subject,
) {
    let mut fixture = Fixture::on(subject).await;
    let (day, year) = (Span::Day.millis(), 365 * Span::Day.millis());
    let policy = RetentionPolicy {
        requests_max_age_ms: Some(day),
        ..RetentionPolicy::default()
    };
    let leaped = [success(1), success(year as u64), success(year as u64 + 1)];
    fixture.write(&leaped).await;
    fold(&fixture.store).await;
    let ahead = fates::START.plus_ms(year + 3 * day);
    fixture.store.retain(&policy, ahead).await.unwrap();
    // The clock is right again, and requests come.
    let minute = Span::Minute.millis();
    fixture.write(&[success((day + 5 * minute) as u64)]).await;
    fold(&fixture.store).await;
    let now = at(0).plus_ms(day + 6 * minute);
    let raw = |start| RollupQuery {
        start,
        raw: true,
        ..everything()
    };
    assert!(!ask(&fixture.store, raw(now)).await.is_complete);
    fixture.store.retain(&policy, now).await.unwrap();
    let later = now.plus_ms(minute);
    assert!(ask(&fixture.store, raw(later)).await.is_complete);
    assert!(!ask(&fixture.store, raw(at(0))).await.is_complete);
    // Retention may go by a moment that lies behind: what had to go since is not there for that.
    let gone = RetentionPolicy {
        max_bytes: Some(0),
        ..RetentionPolicy::default()
    };
    fixture
        .write(&[success(2 * day as u64), success(2 * day as u64 + 1)])
        .await;
    fold(&fixture.store).await;
    fixture.store.retain(&gone, now).await.unwrap();
    fixture.store.retain(&policy, now).await.unwrap();
    let answer = ask(&fixture.store, raw(later)).await;
    let are_there = answer.total().counts.requests == 2;
    assert_eq!(answer.is_complete, are_there);
}

/// How a request counts, and whether it counts tokens.
fn kind(record: &Record) -> (Option<Class>, bool) {
    let request = record.request.as_ref().unwrap();
    let failed = record.error.as_ref().filter(|error| !error.recovered);
    let class = failed.map(|error| {
        let verdict = &error.verdict;
        Class::of(verdict.cause, verdict.owner, verdict.is_business_limited)
    });
    let counts_tokens = request.subject.endpoint.unwrap().counts_tokens();
    (class, counts_tokens)
}

fn is_gone(record: &Record) -> bool {
    kind(record).0 == Some(Class::ClientGone)
}

fn is_token_count_error(record: &Record) -> bool {
    let (class, counts_tokens) = kind(record);
    counts_tokens && class.is_some() && !is_gone(record)
}

/// Every choice of what is left out.
fn ignores() -> impl Iterator<Item = Ignore> {
    (0..8).map(|bits| Ignore {
        count_tokens_errors: bits & 1 > 0,
        client_cancellations: bits & 2 > 0,
        invalid_api_keys: bits & 4 > 0,
    })
}

/// What some of the requests count, counted one by one.
fn counted(records: &[Record], keep: impl Fn(&Record) -> bool) -> Counts {
    let mut truth = Truth::default();
    let kept = records.iter().filter(|record| keep(record));
    kept.for_each(|record| truth.add(record));
    truth.of_scope(&Scope::default())
}

/// Asks for everything and for each value of some facets, from rows and from roll-ups, which must agree; answers what
/// everything is.
async fn both_ways(store: &Store, ignore: Ignore) -> Rollups {
    let mut all = None;
    let each = RollupOf::Each;
    for (of, step) in [
        (RollupOf::One(Scope::default()), None),
        (RollupOf::One(Scope::default()), Some(Span::Minute)),
        (each(Facet::All), Some(Span::Hour)),
        (each(Facet::Account), Some(Span::Day)),
        (each(Facet::GroupModel), None),
    ] {
        let query = RollupQuery {
            of: of.clone(),
            step,
            ignore,
            ..everything()
        };
        let mut rolled_up = ask(store, query.clone()).await;
        let raw = RollupQuery { raw: true, ..query };
        let from_rows = ask(store, raw).await;
        rolled_up.is_raw = true;
        assert_eq!(rolled_up, from_rows, "{of:?} {step:?} {ignore:?}");
        for counts in rolled_up.buckets.iter().map(|bucket| bucket.counts) {
            let classes = counts.successes
                + counts.failures
                + counts.client_errors
                + counts.business_limited
                + counts.client_gone;
            assert_eq!(counts.requests, classes, "{of:?} {ignore:?}");
        }
        all.get_or_insert(rolled_up);
    }
    all.unwrap()
}

async fn what_is_left_out_is_left_out_of_rows_and_roll_ups_alike_and_is_not_lost(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let mut fates = Fates::of(31);
    let all: Vec<Record> = (0..1_200).map(|_| fates.next()).collect();
    let (first, rest) = all.split_at(1_000);
    fixture.write(first).await;
    fold(&fixture.store).await;
    // Not folded yet when somebody asks; and strangers, of whom one has nothing to do with keys.
    let noise = |minute: i64, cause, count| NoiseCount {
        minute: fates::START.plus_ms(minute * 60_000),
        client_ip: "192.0.2.1".to_owned(),
        cause,
        count,
        samples: Vec::new(),
    };
    let strangers = [
        noise(0, Cause::GatewayInvalidKey, 5),
        noise(70, Cause::GatewayInvalidKey, 2),
        noise(70, Cause::GatewayOverloaded, 9),
        noise(-1, Cause::GatewayInvalidKey, 100),
    ];
    fixture.journal.commit_noise(&strangers).unwrap();
    fixture.write(rest).await;
    let everything = counted(&all, |_| true);
    for ignore in ignores() {
        let answer = both_ways(&fixture.store, ignore).await;
        let found = answer.total().counts;
        let leaves_counts =
            |record: &Record| ignore.count_tokens_errors && is_token_count_error(record);
        let leaves_gone = |record: &Record| ignore.client_cancellations && is_gone(record);
        let strangers = if ignore.invalid_api_keys { 0 } else { 7 };
        let requests = counted(&all, |record| {
            !leaves_counts(record) && !leaves_gone(record)
        });
        // Attempts of clients that left say something of providers.
        let attempts = counted(&all, |record| !leaves_counts(record));
        let expected = Counts {
            requests: requests.requests + strangers,
            client_errors: requests.client_errors + strangers,
            client_gone: requests.client_gone,
            // One that counts tokens and whose client left counts tokens all the same.
            token_counts: attempts.token_counts,
            input_tokens: everything.input_tokens,
            output_tokens: everything.output_tokens,
            cache_read_tokens: everything.cache_read_tokens,
            cache_write_tokens: everything.cache_write_tokens,
            cost_micro_usd: everything.cost_micro_usd,
            ..attempts
        };
        assert_eq!(found, expected, "{ignore:?}");
        let left_out = &answer.left_out;
        let is_counted =
            |record: &&Record| record.request.as_ref().unwrap().subject.replay_of.is_none();
        let of = |what: &dyn Fn(&Record) -> bool| {
            all.iter()
                .filter(is_counted)
                .filter(|record| what(record))
                .count() as u64
        };
        assert_eq!(left_out.count_tokens_errors, of(&leaves_counts));
        assert_eq!(left_out.client_cancellations, of(&leaves_gone));
        let causes: u64 = left_out.causes.iter().map(|cause| cause.count).sum();
        assert_eq!(causes, left_out.requests(), "each of them has its cause");
        let sketch = answer.total().sketches.duration;
        assert_eq!(sketch.count(), everything.successes, "durations are of all");
    }
    let strangers = |most| {
        fixture
            .store
            .count_strangers(fates::START, fates::END, most)
    };
    assert_eq!(strangers(100).await.unwrap(), Some(7));
    assert_eq!(
        strangers(1).await.unwrap(),
        None,
        "that would take too long"
    );
}

async fn what_rules_judge_anew_is_left_out_as_it_is_judged(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let mut fates = Fates::of(32);
    let all: Vec<Record> = (0..600).map(|_| fates.next()).collect();
    fixture.write(&all).await;
    fold(&fixture.store).await;
    let rule: ClassificationRule = serde_json::from_str(
        r#"{"name":"theirs","when":{"cause":"server_error"},"then":{"error_owner":"client"}}"#,
    )
    .unwrap();
    let rules = NewRules {
        replaces: 0,
        rules: vec![rule],
        by: None,
        note: None,
    };
    fixture
        .store
        .set_classification_rules(rules, fates::END)
        .await
        .unwrap();
    while fixture.store.judge_anew().await.unwrap().more {}
    for ignore in ignores() {
        both_ways(&fixture.store, ignore).await;
    }
}
