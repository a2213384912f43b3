//! What a sketch promises: an error of a hundredth at most, and sums that do not depend on their order.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::{collection::vec, prelude::*};

use super::*;

fn of(values: &[u64]) -> Sketch {
    let mut sketch = Sketch::default();
    values.iter().for_each(|value| sketch.add(*value));
    sketch
}

fn merged(one: &Sketch, other: &Sketch) -> Sketch {
    let mut one = one.clone();
    one.merge(other);
    one
}

/// Durations as they come: mostly short, some very long.
fn durations() -> impl Strategy<Value = Vec<u64>> {
    vec(
        prop_oneof![
            0..200_u64,
            0..60_000_u64,
            0..10_000_000_u64,
            any::<u32>().prop_map(u64::from)
        ],
        0..200,
    )
}

/// The value at a rank of sorted values: the least that so many thousandths do not exceed.
fn exact(sorted: &[u64], per_mille: u64) -> u64 {
    let rank = (sorted.len() as u64 * per_mille).div_ceil(1_000).max(1);
    sorted[usize::try_from(rank).unwrap() - 1]
}

fn is_within(given: u64, exact: u64) -> bool {
    given.abs_diff(exact) * 1_000 <= exact * MOST_ERROR_PER_MILLE
}

proptest! {
    #[test]
    fn quantiles_are_within_the_stated_error(mut values in durations(), per_mille in 0..=1_000_u64) {
        let sketch = of(&values);
        values.sort_unstable();
        match sketch.quantile(per_mille) {
            None => prop_assert!(values.is_empty()),
            Some(given) => prop_assert!(is_within(given, exact(&values, per_mille))),
        }
    }

    #[test]
    fn count_sum_and_ends_are_exact(values in durations()) {
        let sketch = of(&values);
        prop_assert_eq!(sketch.count(), values.len() as u64);
        prop_assert_eq!(sketch.sum(), values.iter().sum::<u64>());
        prop_assert_eq!(sketch.min(), values.iter().min().copied());
        prop_assert_eq!(sketch.max(), values.iter().max().copied());
        prop_assert_eq!(sketch.ranges().map(|(_, count)| count).sum::<u64>(), sketch.count());
    }

    #[test]
    fn what_does_not_exceed_a_bound_is_exact_for_a_bound_nearby(values in durations(), bound in 0..20_000_000_u64) {
        let given = of(&values).at_most(bound);
        let exact = |bound: u64| values.iter().filter(|value| **value <= bound).count() as u64;
        let slack = bound * MOST_ERROR_PER_MILLE / 1_000 + 1;
        prop_assert!((exact(bound.saturating_sub(slack))..=exact(bound + slack)).contains(&given));
    }

    #[test]
    fn what_lies_between_ends_is_exact_for_ends_nearby_and_adds_up(a in durations(), b in durations(), ends in vec(0..20_000_000_u64, 0..20)) {
        let ends: Vec<u64> = ends.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        let values = [a.as_slice(), &b].concat();
        let whole = of(&values).spread(&ends);
        let (a, b) = (of(&a).spread(&ends), of(&b).spread(&ends));
        let parts: Vec<u64> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
        prop_assert_eq!(&parts, &whole);
        prop_assert_eq!(whole.iter().sum::<u64>(), values.len() as u64);
        let mut given = 0;
        for (end, count) in ends.iter().zip(&whole) {
            given += count;
            let exact = |bound: u64| values.iter().filter(|value| **value <= bound).count() as u64;
            let slack = end * MOST_ERROR_PER_MILLE / 1_000 + 1;
            prop_assert!((exact(end.saturating_sub(slack))..=exact(end + slack)).contains(&given));
        }
    }

    #[test]
    fn the_whole_is_the_sum_of_its_parts_in_any_order(a in durations(), b in durations(), c in durations()) {
        let whole = of(&[a.as_slice(), &b, &c].concat());
        let (a, b, c) = (of(&a), of(&b), of(&c));
        prop_assert_eq!(&merged(&merged(&a, &b), &c), &whole);
        prop_assert_eq!(&merged(&a, &merged(&b, &c)), &whole);
        prop_assert_eq!(&merged(&merged(&c, &b), &a), &whole);
    }

    #[test]
    fn bytes_are_read_back(values in durations()) {
        let sketch = of(&values);
        prop_assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), Ok(sketch));
    }

    #[test]
    fn bytes_that_are_cut_are_refused(values in vec(0..100_000_u64, 1..50), cut in any::<prop::sample::Index>()) {
        let bytes = of(&values).to_bytes();
        let cut = cut.index(bytes.len());
        // Nothing at all is the sketch of nothing.
        prop_assert!(cut == 0 || Sketch::from_bytes(&bytes[..cut]).is_err());
    }

    #[test]
    fn any_bytes_are_a_sketch_or_refused(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok(sketch) = Sketch::from_bytes(&bytes) {
            prop_assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), Ok(sketch));
        }
    }

    #[test]
    fn every_number_is_near_the_middle_of_its_range(value in any::<u64>()) {
        let middle = middle_of(range_of(value));
        prop_assert!(u128::from(middle.abs_diff(value)) * 1_000 <= u128::from(value) * u128::from(MOST_ERROR_PER_MILLE));
    }
}

#[test]
fn ranges_follow_one_another_without_a_gap() {
    let mut last = 0;
    for value in 0..100_000_u64 {
        let range = range_of(value);
        assert!(range == last || range == last + 1, "{value}");
        last = range;
    }
    assert_eq!(u64::from(range_of(u64::MAX)), LAST);
}

#[test]
fn a_minute_of_traffic_is_a_few_hundred_bytes() {
    let mut sketch = Sketch::default();
    for n in 0..60_000_u64 {
        sketch.add(200 + n * n % 30_000);
    }
    assert!(
        sketch.to_bytes().len() < 1_500,
        "{}",
        sketch.to_bytes().len()
    );
}
