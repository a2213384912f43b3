//! A rule against a clock of its own.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::{News::*, Phase as P, Said::*, *};

const TIMING: Timing = Timing {
    sustained_ms: 2 * MINUTE_MS,
    cooldown_ms: 5 * MINUTE_MS,
};

fn minute(number: i64) -> UnixMillis {
    UnixMillis(number * MINUTE_MS)
}

/// What is told, one letter a minute, and in which; a space is a minute that nobody judged: `b`reach, `w`ell, `-` nothing.
fn told(said: &str) -> Vec<(i64, News)> {
    let mut stand = Stand::well(UnixMillis(0));
    let mut all = Vec::new();
    for (at, letter) in (0..).zip(said.chars()) {
        let said = match letter {
            ' ' => continue,
            'b' => Breach,
            'w' => Well,
            _ => Nothing,
        };
        let (next, news) = turn(stand, said, TIMING, minute(at));
        stand = next;
        all.extend(news.map(|news| (at, news)));
    }
    all
}

#[test]
fn an_alert_fires_once_and_is_resolved_once() {
    assert_eq!(told("wbbbbbbwww"), [(3, Fired), (9, Resolved)]);
}

#[test]
fn what_does_not_last_is_not_told() {
    assert_eq!(told("bwbwbbwbw"), []);
}

#[test]
fn what_is_well_for_a_moment_is_not_over() {
    assert_eq!(told("bbbwbwbwbwww"), [(2, Fired), (11, Resolved)]);
}

#[test]
fn missing_data_change_nothing_for_as_long_as_it_must_last() {
    assert_eq!(told("b-b"), [(2, Fired)]);
    assert_eq!(told("bbb-----"), [(2, Fired)]);
    assert_eq!(told("bbbw-w"), [(2, Fired), (5, Resolved)]);
}

#[test]
fn a_gap_does_not_count_as_broken_nor_as_well() {
    for gap in ["----", "    ", "- - "] {
        assert_eq!(told(&format!("bb{gap}b")), []);
        assert_eq!(told(&format!("bb{gap}bbb")), [(8, Fired)]);
        assert_eq!(told(&format!("bbbw{gap}w")), [(2, Fired)]);
        assert_eq!(told(&format!("bbbw{gap}www")), [(2, Fired), (10, Resolved)]);
    }
}

#[test]
fn while_it_cools_down_it_does_not_fire_and_afterwards_it_must_last_anew() {
    // Resolved at 5; cools down until 10; broken from 10 on; told at 12.
    assert_eq!(
        told("bbbwwwbbbbbbbb"),
        [(2, Fired), (5, Resolved), (12, Fired)]
    );
}

#[test]
fn what_somebody_ended_begins_again_only_when_it_was_well_in_between() {
    let timing = Timing {
        sustained_ms: 0,
        cooldown_ms: 5,
    };
    let dismissed = Stand::dismissed(UnixMillis(0));
    let step = |stand, said, at| turn(stand, said, timing, UnixMillis(at));
    assert_eq!(step(dismissed, Breach, 100), (dismissed, None));
    let (well, _) = step(dismissed, Well, 3);
    assert_eq!(well.phase, P::Cooling);
    assert_eq!(step(well, Breach, 4).1, None);
    assert_eq!(step(well, Breach, 6).1, Some(Fired));
}

proptest! {
    #[test]
    fn whatever_is_read_events_begin_and_end_in_turn_and_never_too_close(
        said in prop::collection::vec(prop_oneof![Just('b'), Just('w'), Just('-')], 0..200)
    ) {
        let told = told(&said.into_iter().collect::<String>());
        for (n, (_, news)) in told.iter().enumerate() {
            prop_assert_eq!(*news, if n % 2 == 0 { Fired } else { Resolved });
        }
        for pair in told.windows(2) {
            if let [(ended, Resolved), (began, Fired)] = pair {
                prop_assert!((began - ended) * MINUTE_MS >= TIMING.cooldown_ms);
            }
        }
    }
}
