//! What must hold of meters under any traffic and any threads.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use proptest::prelude::*;
use waybill_model::{
    limits::{Limits, Quota, Used, Window},
    money::MicroUsd,
    time::UnixMillis,
};

use super::{Exceeded, Meter, Unit};

fn at(text: &str) -> UnixMillis {
    text.parse().unwrap()
}

fn noon() -> UnixMillis {
    at("2026-03-31T12:00:00Z")
}

fn used(requests: u64, tokens: u64, micros: i64) -> Used {
    Used {
        requests,
        tokens,
        usd: MicroUsd(micros),
    }
}

fn per_minute(requests: u32) -> Limits {
    Limits {
        requests_per_minute: Some(requests),
        ..Limits::default()
    }
}

/// Runs `work` on four threads at once.
fn on_threads(work: impl Fn(u64) + Sync) {
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let work = &work;
            scope.spawn(move || work(thread));
        }
    });
}

#[test]
fn what_many_threads_add_is_counted_exactly() {
    const ROUNDS: u64 = 5_000;
    let meter = Meter::default();
    on_threads(|thread| {
        for _ in 0..ROUNDS {
            meter.add(used(1, thread, 3), noon());
        }
    });
    for window in Window::ALL {
        let sum = used(4 * ROUNDS, 6 * ROUNDS, 12 * ROUNDS as i64);
        assert_eq!(meter.used(*window, noon()), sum, "{window}");
    }
}

#[test]
fn however_many_come_at_once_no_more_than_the_limit_are_let_in() {
    let limits = Limits {
        requests_per_minute: Some(900),
        requests_per_day: Some(1_000),
        requests_per_month: Some(700),
        ..Limits::default()
    };
    let (meter, let_in) = (Meter::default(), AtomicU64::new(0));
    on_threads(|_| {
        for _ in 0..500 {
            if meter.try_request(&limits, noon()).is_ok() {
                let_in.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    assert_eq!(let_in.into_inner(), 700);
    for window in Window::ALL {
        assert_eq!(
            meter.used(*window, noon()).requests,
            700,
            "a refused one left a trace"
        );
    }
}

#[test]
fn threads_on_both_sides_of_midnight_lose_nothing_of_the_new_day() {
    let midnight = at("2026-04-01T00:00:00Z");
    let clock = AtomicI64::new(midnight.0 - 400);
    let (meter, new_day) = (Meter::default(), AtomicU64::new(0));
    on_threads(|thread| {
        for _ in 0..2_000 {
            // Threads read the clock a little apart.
            let now = clock.fetch_add(1, Ordering::Relaxed) / 10 * 10 - thread as i64;
            if now >= midnight.0 {
                new_day.fetch_add(1, Ordering::Relaxed);
            }
            meter.add(used(1, 0, 0), UnixMillis(now));
        }
    });
    let counted = meter.used(Window::Day, midnight.plus_ms(10_000)).requests;
    assert!(counted >= new_day.into_inner(), "{counted}");
    assert_eq!(meter.used(Window::Total, midnight).requests, 8_000);
}

#[test]
fn the_end_of_a_window_frees_it_and_the_refusal_says_when_that_is() {
    let day = Limits {
        requests_per_day: Some(1),
        ..Limits::default()
    };
    let month = Limits {
        tokens_per_month: Some(100),
        ..Limits::default()
    };
    let meter = Meter::default();
    meter.try_request(&day, noon()).unwrap();
    assert_eq!(
        meter.try_request(&day, noon()),
        Err(Exceeded {
            window: Window::Day,
            unit: Unit::Requests,
            limit: 1,
            used: 1,
            until: Some(at("2026-04-01T00:00:00Z")),
        })
    );
    assert!(
        meter
            .try_request(&day, at("2026-03-31T23:59:59.999Z"))
            .is_err()
    );
    meter.add(used(0, 100, 0), noon());
    let full = meter.try_request(&month, noon()).unwrap_err();
    assert_eq!(
        (full.unit, full.until),
        (Unit::Tokens, Some(at("2026-04-01T00:00:00Z")))
    );
    let next = at("2026-04-01T00:00:00Z");
    assert!(meter.try_request(&day, next).is_ok() && meter.try_request(&month, next).is_ok());
}

#[test]
fn money_is_refused_once_it_is_used_up_to_the_millionth() {
    let limits = Limits {
        usd_per_day: Some(MicroUsd(1_000)),
        ..Limits::default()
    };
    let meter = Meter::default();
    meter.add(used(0, 0, 999), noon());
    assert!(meter.try_request(&limits, noon()).is_ok());
    meter.add(used(0, 0, 1), noon());
    let full = meter.try_request(&limits, noon()).unwrap_err();
    assert_eq!(
        (full.unit, full.used, full.limit),
        (Unit::Usd, 1_000, 1_000)
    );
}

#[test]
fn a_limit_of_nothing_lets_nothing_in() {
    let limits = per_minute(0);
    assert!(Meter::default().try_request(&limits, noon()).is_err());
}

#[test]
fn a_clock_that_is_set_back_neither_frees_the_day_nor_stops_it_for_ever() {
    let limits = Limits {
        requests_per_day: Some(1),
        ..Limits::default()
    };
    let meter = Meter::default();
    meter
        .try_request(&limits, at("2026-04-01T00:00:00Z"))
        .unwrap();
    assert!(
        meter
            .try_request(&limits, at("2026-03-31T23:59:59Z"))
            .is_err(),
        "a second back"
    );
    assert!(
        meter
            .try_request(&limits, at("2026-03-01T00:00:00Z"))
            .is_ok(),
        "a month back"
    );
}

#[test]
fn what_is_restored_counts_in_its_window_and_in_no_other() {
    let meter = Meter::default();
    let yesterday = Window::Day.start(noon().plus_ms(-86_400_000));
    meter.restore(Window::Day, yesterday, used(7, 7, 7));
    assert_eq!(meter.used(Window::Day, noon()), Used::default());
    for window in Window::ALL {
        meter.restore(*window, window.start(noon()), used(1, 2, 3));
        assert_eq!(meter.used(*window, noon()), used(1, 2, 3), "{window}");
    }
}

#[test]
fn an_attempt_that_goes_beyond_the_quota_leaves_no_trace() {
    let quota = Quota {
        tokens_per_minute: Some(100),
        requests_per_day: Some(3),
        ..Quota::default()
    };
    let meter = Meter::default();
    let first = meter.reserve(&quota, 60, noon()).unwrap();
    let full = meter.reserve(&quota, 60, noon()).unwrap_err();
    assert_eq!((full.unit, full.used), (Unit::Tokens, 60));
    assert_eq!(meter.has_room(&quota, 60, noon()), Err(full));
    assert_eq!(meter.used(Window::Day, noon()), used(1, 60, 0));
    meter.release(first);
    meter.add(used(0, 30, 0), noon());
    assert_eq!(meter.used(Window::Minute, noon()), used(1, 30, 0));
    let second = meter.reserve(&quota, 70, noon()).unwrap();
    meter.undo(second);
    assert_eq!(meter.used(Window::Total, noon()), used(1, 30, 0));
}

#[test]
fn a_request_larger_than_the_whole_quota_goes_alone() {
    let quota = Quota {
        tokens_per_minute: Some(100),
        ..Quota::default()
    };
    let meter = Meter::default();
    assert!(meter.has_room(&quota, 5_000, noon()).is_ok());
    let large = meter.reserve(&quota, 5_000, noon()).unwrap();
    assert!(meter.reserve(&quota, 1, noon()).is_err());
    meter.release(large);
    assert!(meter.reserve(&quota, 1, noon()).is_ok());
}

#[test]
fn attempts_at_once_never_set_aside_more_tokens_than_the_quota() {
    let quota = Quota {
        tokens_per_minute: Some(10_000),
        requests_per_minute: Some(1_000_000),
        ..Quota::default()
    };
    let (meter, most) = (Meter::default(), AtomicU64::new(0));
    on_threads(|thread| {
        for round in 0..2_000 {
            if let Ok(reserved) = meter.reserve(&quota, 700 + 13 * thread, noon()) {
                most.fetch_max(meter.used(Window::Minute, noon()).tokens, Ordering::Relaxed);
                if round % 3 > 0 {
                    meter.undo(reserved);
                } else {
                    meter.release(reserved);
                }
            }
        }
    });
    let most = most.into_inner();
    assert!(most > 0 && most <= 10_000, "{most}");
    assert_eq!(meter.used(Window::Minute, noon()).tokens, 0);
}

/// Asks at the given moments; the moments at which it was let in.
fn let_in(meter: &Meter, limits: &Limits, moments: &[i64]) -> Vec<i64> {
    let mut now = noon().0;
    let mut let_in = Vec::new();
    for step in moments {
        now += step;
        match meter.try_request(limits, UnixMillis(now)) {
            Ok(()) => let_in.push(now),
            Err(full) => {
                let until = full.until.unwrap();
                assert!(until.0 > now && until.0 <= now + 120_000, "{full:?}");
                assert!(full.used >= u64::from(limits.requests_per_minute.unwrap()));
            }
        }
    }
    let_in
}

fn most_within(let_in: &[i64], span_ms: i64) -> usize {
    (0..let_in.len())
        .map(|from| let_in[from..].partition_point(|at| *at < let_in[from] + span_ms))
        .max()
        .unwrap_or(0)
}

proptest! {
    #[test]
    fn a_minute_of_the_clock_never_has_more_than_the_limit(
        limit in 1u32..40,
        moments in proptest::collection::vec(0i64..9_000, 1..600),
    ) {
        let let_in = let_in(&Meter::default(), &per_minute(limit), &moments);
        for minute in let_in.chunk_by(|a, b| a / 60_000 == b / 60_000) {
            prop_assert!(minute.len() <= limit as usize);
        }
        // A burst at the end of a minute is the worst that can happen; over time the limit holds.
        prop_assert!(most_within(&let_in, 60_000) <= 2 * limit as usize);
        prop_assert!(most_within(&let_in, 600_000) <= 11 * limit as usize);
    }

    #[test]
    fn any_sixty_seconds_of_steady_traffic_have_about_the_limit(
        limit in 20u32..200,
        pause in 5i64..400,
        offset in 0i64..60_000,
    ) {
        let mut moments = vec![pause; (300_000 / pause) as usize];
        moments[0] = offset;
        let let_in = let_in(&Meter::default(), &per_minute(limit), &moments);
        // Once it runs, what is let in follows the traffic evenly.
        let settled: Vec<i64> = let_in.into_iter().filter(|at| *at > noon().0 + 180_000).collect();
        let fair = (limit as i64).min(60_000 / pause) as usize;
        let most = most_within(&settled, 60_000);
        prop_assert!(most <= fair + fair / 4 + 2, "{} of {}", most, fair);
    }

    #[test]
    fn the_instant_that_a_refusal_names_is_the_first_with_room(
        limit in 1u32..50,
        earlier in 0u64..80,
        this in 0u64..80,
        offset in 0i64..60_000,
    ) {
        let limits = per_minute(limit);
        let meter = Meter::default();
        let now = noon().plus_ms(offset);
        meter.restore(Window::Minute, noon().plus_ms(-60_000), used(earlier, 0, 0));
        meter.restore(Window::Minute, noon(), used(this, 0, 0));
        if let Err(full) = meter.try_request(&limits, now) {
            let until = full.until.unwrap();
            prop_assert!(until > now);
            prop_assert!(meter.try_request(&limits, until.plus_ms(-1)).is_err());
            prop_assert!(meter.try_request(&limits, until).is_ok());
        }
    }

    #[test]
    fn a_minute_long_ago_never_counts_again(
        minutes in prop_oneof![2i64..5_000_000, Just(1 << 12), Just(1 << 16), Just(1 << 20)],
        count in 1u64..1_000_000,
    ) {
        let meter = Meter::default();
        meter.add(used(count, count, 0), noon());
        let later = noon().plus_ms(minutes * 60_000);
        prop_assert_eq!(meter.used(Window::Minute, later), Used::default());
        prop_assert_eq!(meter.used(Window::Total, later).requests, count);
    }

    #[test]
    fn whatever_is_given_back_leaves_what_was_there(
        steps in proptest::collection::vec((0i64..50_000, any::<bool>(), 0u64..5_000), 1..100),
    ) {
        let meter = Meter::default();
        let quota = Quota::default();
        let mut now = noon();
        let mut held = Vec::new();
        let mut kept = 0;
        for (step, undo, tokens) in steps {
            now = now.plus_ms(step);
            let reserved = meter.reserve(&quota, tokens, now).unwrap();
            if undo { held.push(reserved) } else { kept += 1; meter.release(reserved) }
        }
        held.into_iter().for_each(|reserved| meter.undo(reserved));
        prop_assert_eq!(meter.used(Window::Total, now).requests, kept);
        prop_assert_eq!(meter.used(Window::Minute, now).tokens, 0);
        prop_assert_eq!(meter.used(Window::Day, now).tokens, 0);
    }
}

proptest! {
    #[test]
    fn what_others_counted_counts_as_if_it_had_been_counted_here(
        steps in proptest::collection::vec((0..3u8, 0..20_000i64, 1..6u64), 1..60), limit in 1..40u32,
    ) {
        // One meter is told what the other counts; a third counts for both.
        let (here, there, both) = (Meter::default(), Meter::default(), Meter::default());
        let limits = per_minute(limit);
        let mut now = noon();
        for (what, later_ms, n) in steps {
            now = now.plus_ms(later_ms);
            match what {
                0 => {
                    there.add(used(n, n, 0), now);
                    both.add(used(n, n, 0), now);
                }
                _ => {
                    for at in [now.plus_ms(-60_000), now] {
                        let start = Window::Minute.start(at);
                        here.set_foreign(Window::Minute, start, there.own(Window::Minute, start));
                    }
                    let (a, b) = (here.try_request(&limits, now), both.try_request(&limits, now));
                    prop_assert_eq!(a, b);
                    let minute = |meter: &Meter| meter.used(Window::Minute, now);
                    prop_assert_eq!(minute(&here), minute(&both));
                }
            }
        }
        prop_assert!(here.own(Window::Day, now).requests <= both.own(Window::Day, now).requests);
    }
}

#[test]
fn what_others_counted_in_a_window_that_has_passed_counts_no_more() {
    let meter = Meter::default();
    let (day, next) = (noon(), at("2026-04-01T00:00:00Z"));
    meter.set_foreign(Window::Day, Window::Day.start(day), used(7, 0, 0));
    meter.add(used(1, 0, 0), day);
    assert_eq!(meter.used(Window::Day, day).requests, 8);
    assert_eq!(meter.own(Window::Day, day).requests, 1);
    assert_eq!(meter.used(Window::Day, next).requests, 0);
}
