//! Planted differences are found, noise is not, few rows are called few.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::{collection::vec, prelude::*};

use super::{tally::band, *};

const START: UnixMillis = UnixMillis(1_760_000_000_000);
const END: UnixMillis = UnixMillis(1_760_000_000_000 + 3_600_000);

/// A stream of numbers that is the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    fn id(&mut self, most: u64) -> i64 {
        i64::try_from(self.below(most)).unwrap() + 1
    }

    fn of<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[usize::try_from(self.below(words.len() as u64)).unwrap()]
    }

    /// Any request: every attribute at random, independent of how it ends.
    fn seen(&mut self) -> Seen {
        let beta = self.of(&[
            "anthropic-beta: a\n",
            "anthropic-beta: a\nanthropic-beta: b\n",
            "",
        ]);
        Seen {
            created_at: START.plus_ms(self.id(3_599_999)),
            platform: "anthropic".to_owned(),
            account_id: Some(self.id(8)),
            group_id: Some(self.id(3)),
            user_id: Some(self.id(20)),
            api_key_id: Some(self.id(40)),
            model: Some(self.of(&["m-1", "m-2", "m-3", "m-4"]).to_owned()),
            endpoint: Some("messages".to_owned()),
            stream: self.below(2) == 0,
            client: Some(self.of(&["cli 1.0", "cli 1.1", "sdk 4.0"]).to_owned()),
            headers: Some(format!("{beta}anthropic-version: 2023-06-01")),
            config_version: Some(self.id(3)),
            egress: Some(self.of(&["direct", "proxy:1"]).to_owned()),
            body_bytes: Some(self.id(100_000)),
        }
    }
}

fn differences(failures: &[Seen], successes: &[Seen]) -> Differences {
    let mut tally = Tally::between(START, END);
    successes
        .iter()
        .for_each(|seen| tally.add(Side::Success, seen));
    failures
        .iter()
        .for_each(|seen| tally.add(Side::Failure, seen));
    let found = tally.differences(|_, id| Ok::<_, ()>(Some(format!("name-{id}"))));
    tally.answer(found.unwrap(), false)
}

fn rows(dice: &mut Dice, count: usize) -> Vec<Seen> {
    (0..count).map(|_| dice.seen()).collect()
}

#[test]
fn the_sentence_says_the_numbers() {
    let mut dice = Dice(1);
    let failures: Vec<Seen> = (0..500)
        .map(|n| Seen {
            account_id: Some(if n < 480 { 3 } else { 4 }),
            ..dice.seen()
        })
        .collect();
    let successes: Vec<Seen> = (0..10_100)
        .map(|n| Seen {
            account_id: Some(if n < 1_220 { 3 } else { 4 }),
            ..dice.seen()
        })
        .collect();
    let found = differences(&failures, &successes);
    assert_eq!(found.finding, Finding::StandsOut);
    let sentence = "96 % of these failures are on account name-3, which served 12 % of the successes \
                    (480 of 500, 1,220 of 10,100).";
    assert_eq!(found.attributes[0].sentence, sentence);
    assert_eq!(found.summary, sentence);
    assert!((0.8..0.85).contains(&found.attributes[0].score));
}

/// Twenty at a hundredth are twenty hundredths of a false finding over two hundred comparisons, if each had
/// one with that chance; the exact test is on the careful side.
#[test]
fn what_is_spread_evenly_yields_nothing_at_the_stated_rate() {
    let false_alarms = (0..200)
        .filter(|seed| {
            let mut dice = Dice(*seed);
            let (failures, successes) = (rows(&mut dice, 120), rows(&mut dice, 600));
            differences(&failures, &successes).finding == Finding::StandsOut
        })
        .count();
    assert!(false_alarms <= 5, "{false_alarms} of 200");
}

#[test]
fn few_rows_are_called_few_and_small_ones_are_not_over_read() {
    let mut dice = Dice(2);
    let (four, many) = (rows(&mut dice, 4), rows(&mut dice, 500));
    for found in [
        differences(&four, &many),
        differences(&many, &four),
        differences(&[], &[]),
    ] {
        assert_eq!(found.finding, Finding::TooFew);
        assert!(found.attributes.is_empty());
        assert!(
            found.summary.starts_with("Too few to tell"),
            "{}",
            found.summary
        );
    }
    // All on one account of two: that happens once in 32.
    let half = |n: usize| Seen {
        account_id: Some(if n.is_multiple_of(2) { 1 } else { 2 }),
        ..many[n].clone()
    };
    let successes: Vec<Seen> = (0..500).map(half).collect();
    let failures: Vec<Seen> = (0..5).map(|n| half(n * 2)).collect();
    let found = differences(&failures, &successes);
    let accounts = found
        .attributes
        .iter()
        .filter(|found| found.attribute == Attribute::Account);
    assert_eq!(accounts.count(), 0, "{found:?}");
}

#[test]
fn what_is_not_known_is_neither_with_nor_without() {
    let mut dice = Dice(3);
    let blank = |seen: Seen| Seen {
        client: None,
        headers: None,
        ..seen
    };
    let old: Vec<Seen> = rows(&mut dice, 300).into_iter().map(blank).collect();
    let mut failures = rows(&mut dice, 100);
    for failure in &mut failures {
        failure.client = Some("cli 1.1".to_owned());
    }
    failures.extend_from_slice(&old[..50]);
    let mut successes = rows(&mut dice, 400);
    successes.extend_from_slice(&old[50..]);
    let found = differences(&failures, &successes);
    let first = &found.attributes[0];
    assert_eq!(
        (first.attribute, first.value.as_str()),
        (Attribute::ClientVersion, "cli 1.1")
    );
    assert_eq!(
        (first.failures, first.failures_known, first.successes_known),
        (100, 100, 400)
    );
    assert!(first.sentence.starts_with(
        "100 % of these failures for which it is known come from the client cli 1.1,"
    ));
}

#[test]
fn a_header_that_failures_lack_is_named() {
    let mut dice = Dice(4);
    let successes = rows(&mut dice, 400);
    let mut failures = rows(&mut dice, 60);
    for failure in &mut failures {
        failure.headers = Some("anthropic-beta: a".to_owned());
    }
    let found = differences(&failures, &successes);
    let first = &found.attributes[0];
    assert_eq!(
        (first.attribute, first.value.as_str()),
        (Attribute::AnthropicVersion, ABSENT)
    );
    assert!(
        first.sentence.contains("send no anthropic-version"),
        "{}",
        first.sentence
    );
}

#[test]
fn sizes_lie_between_powers_of_four() {
    for (bytes, low) in [
        (-1, 0),
        (0, 0),
        (1, 1),
        (3, 1),
        (4, 4),
        (1_023, 256),
        (1_024, 1_024),
        (i64::MAX, 1 << 62),
    ] {
        assert_eq!(band(bytes), low, "{bytes}");
    }
}

/// Changes a request so that it has the value that goes with failing.
type Plant = fn(&mut Seen);

const PLANTS: &[(Attribute, Plant)] = &[
    (Attribute::Account, |seen| seen.account_id = Some(99)),
    (Attribute::Group, |seen| seen.group_id = Some(99)),
    (Attribute::Platform, |seen| {
        seen.platform = "openai".to_owned()
    }),
    (Attribute::Model, |seen| {
        seen.model = Some("m-99".to_owned())
    }),
    (Attribute::ApiKey, |seen| seen.api_key_id = Some(99)),
    (Attribute::User, |seen| seen.user_id = Some(99)),
    (Attribute::ClientVersion, |seen| {
        seen.client = Some("cli 9.9".to_owned())
    }),
    (Attribute::AnthropicBeta, |seen| {
        seen.headers = Some(
            "anthropic-beta: a\nanthropic-beta: new\nanthropic-version: 2023-06-01".to_owned(),
        );
    }),
    (Attribute::BodySize, |seen| {
        seen.body_bytes = Some(5_000_000)
    }),
    (Attribute::Endpoint, |seen| {
        seen.endpoint = Some("count_tokens".to_owned())
    }),
    (Attribute::Time, |seen| seen.created_at = START.plus_ms(1)),
    (Attribute::ConfigVersion, |seen| {
        seen.config_version = Some(99)
    }),
    (Attribute::Egress, |seen| {
        seen.egress = Some("proxy:9".to_owned())
    }),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_was_planted_is_found_first(
        seed: u64,
        which in 0..PLANTS.len(),
        failures in 60_usize..200,
        share in 60_u64..=100,
    ) {
        let (attribute, plant) = PLANTS[which];
        let mut dice = Dice(seed);
        let successes = rows(&mut dice, 1_000);
        let mut failed = rows(&mut dice, failures);
        for failure in &mut failed {
            if dice.below(100) < share {
                plant(failure);
            }
        }
        let found = differences(&failed, &successes);
        prop_assert_eq!(found.attributes[0].attribute, attribute, "{:?}", found.attributes);
    }

    #[test]
    fn the_order_of_rows_changes_nothing(seed: u64, swaps in vec((0_usize..150, 0_usize..150), 0..200)) {
        let mut dice = Dice(seed);
        let successes = rows(&mut dice, 400);
        let mut failures = rows(&mut dice, 150);
        failures.iter_mut().take(90).for_each(|seen| seen.account_id = Some(2));
        let before = differences(&failures, &successes);
        for (a, b) in swaps {
            failures.swap(a, b);
        }
        let backwards: Vec<Seen> = successes.into_iter().rev().collect();
        prop_assert_eq!(differences(&failures, &backwards), before);
    }

    #[test]
    fn every_number_is_within_its_bounds(
        (known_failures, known_successes) in (0_u32..400, 0_u32..400),
        (with_failures, with_successes) in (0_u32..400, 0_u32..400),
    ) {
        let known = Count { failures: known_failures, successes: known_successes };
        let with = Count {
            failures: with_failures.min(known_failures),
            successes: with_successes.min(known_successes),
        };
        let chance = exact::Exact::up_to(800).chance(with, known);
        prop_assert!((0.0..=1.0).contains(&chance), "{chance}");
        let score = exact::score(with, known);
        prop_assert!((-1.0..=1.0).contains(&score), "{score}");
        prop_assert!(score <= share(with.failures, known.failures) - share(with.successes, known.successes) + 1e-9);
    }
}
