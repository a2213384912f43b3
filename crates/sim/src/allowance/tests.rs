//! Buckets, days and places, to the millisecond.
#![allow(clippy::unwrap_used)]
use super::*;

fn admit(all: &Allowances, key: &str, tokens: u64, at: i64) -> Result<Admitted, OverLimit> {
    all.admit(key, "m-large", || tokens, UnixMillis(at))
}

fn with(limits: impl IntoIterator<Item = Limit>) -> Allowances {
    let all = Allowances::default();
    limits.into_iter().for_each(|limit| all.add(limit));
    all
}

#[test]
fn a_bucket_refills_steadily_and_says_exactly_when_the_next_request_fits() {
    let all = with([Limit::of("k*").requests_per_minute(2)]);
    assert_eq!(
        admit(&all, "k1", 0, 0).unwrap().left.requests,
        Some(Level {
            limit: 2,
            remaining: 1,
            full_in_ms: 30_000
        })
    );
    admit(&all, "k1", 0, 0).unwrap();
    let over = admit(&all, "k1", 0, 10_000).unwrap_err();
    assert_eq!(
        (over.error, over.limit, over.wait_ms),
        (ProviderError::RateLimitRequests, 2, Some(20_000))
    );
    assert!(admit(&all, "k1", 0, 29_999).is_err());
    admit(&all, "k1", 0, 30_000).unwrap();
    // Another credential has its own, one that does not fit the pattern none.
    admit(&all, "k2", 0, 10_000).unwrap();
    assert_eq!(admit(&all, "x", 0, 0).unwrap().left, Left::default());
    assert_eq!(all.states()[0].refused, 2);
}

#[test]
fn tokens_are_charged_and_a_request_beyond_the_bucket_takes_all_of_it() {
    let all = with([Limit::of("k").tokens_per_minute(600)]);
    admit(&all, "k", 500, 0).unwrap();
    let over = admit(&all, "k", 200, 0).unwrap_err();
    assert_eq!(
        (over.error, over.wait_ms),
        (ProviderError::RateLimitTokens, Some(10_000))
    );
    admit(&all, "k", 9_999, 60_000).unwrap();
    assert_eq!(
        admit(&all, "k", 60, 60_000).unwrap_err().wait_ms,
        Some(6_000)
    );
}

#[test]
fn a_day_ends_at_midnight() {
    let all = with([Limit::of("k").requests_per_day(1)]);
    admit(&all, "k", 0, DAY_MS + 1_000).unwrap();
    let over = admit(&all, "k", 0, DAY_MS + 2_000).unwrap_err();
    assert_eq!(
        (over.error, over.wait_ms),
        (ProviderError::RateLimitDay, Some(86_398_000))
    );
    admit(&all, "k", 0, 2 * DAY_MS).unwrap();
}

#[test]
fn places_at_one_time_come_back_when_they_are_dropped() {
    let all = with([Limit::of("k").concurrency(1)]);
    let first = admit(&all, "k", 0, 0).unwrap();
    let over = admit(&all, "k", 0, 0).unwrap_err();
    assert_eq!(
        (over.error, over.wait_ms),
        (ProviderError::RateLimitConcurrency, None)
    );
    drop(first);
    admit(&all, "k", 0, 0).unwrap();
}

#[test]
fn a_request_that_one_limit_refuses_is_charged_to_none() {
    let all = with([
        Limit::of("k").requests_per_minute(60),
        Limit::of("k").model("m-*").requests_per_minute(1),
    ]);
    admit(&all, "k", 0, 0).unwrap();
    for _ in 0..5 {
        assert_eq!(admit(&all, "k", 0, 0).unwrap_err().limit, 1);
    }
    let other = all
        .admit("k", "other", || 0, UnixMillis(0))
        .unwrap()
        .left
        .requests
        .unwrap();
    assert_eq!((other.limit, other.remaining), (60, 58));
}

#[test]
fn a_limit_of_nothing_refuses_everything() {
    let all = with([Limit::of("k").requests_per_minute(0)]);
    assert!(admit(&all, "k", 0, 0).unwrap_err().wait_ms.is_some());
    assert!(admit(&all, "k", 0, 1_000_000_000).is_err());
}
