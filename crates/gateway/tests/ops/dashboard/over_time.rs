//! Failures and durations over time: the steps together are what the window says as a whole, whatever it is added up
//! from.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use serde_json::{Value, json};
use waybill_gateway::clock::Clock;
use waybill_model::time::UnixMillis;
use waybill_sim::{Fault, Place, ProviderError, Rule};

use super::{MESSAGES, serve};
use crate::support::{Setup, World, eventually, message};

const BEGIN: &str = "2026-03-04T10:00:30Z";
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A world by a clock that is set, and where it stands.
async fn world() -> (World, Arc<AtomicI64>) {
    let begin: UnixMillis = BEGIN.parse().unwrap();
    let now = Arc::new(AtomicI64::new(begin.0));
    let world = World::with(Setup {
        accounts: 2,
        clock: Clock::Manual(Arc::clone(&now)),
        ..Setup::default()
    })
    .await;
    (world, now)
}

/// Five hours in which things succeed, are slow, recover, break, and fail by the client's own doing.
async fn history() -> World {
    let (world, now) = world().await;
    let pass = |minutes: i64| now.fetch_add(minutes * MINUTE, Ordering::Relaxed);
    let refuse = async || {
        let bad = Fault::provider(ProviderError::BadRequest);
        world.sim.script(Rule::new(bad).times(1));
        assert_eq!(world.post(MESSAGES, message(false)).await.status, 400);
    };
    let recover = async || {
        let overloaded = Fault::provider(ProviderError::Overloaded);
        world.sim.script(Rule::new(overloaded).times(1));
        serve(&world, 1).await;
    };
    serve(&world, 3).await;
    refuse().await;
    pass(2);
    recover().await;
    let slow = Fault::Stall {
        at: Place::MidContent,
        for_ms: Some(120),
        frames: 1,
    };
    world.sim.script(Rule::new(slow).times(1));
    assert_eq!(world.post(MESSAGES, message(true)).await.status, 200);
    pass(46);
    let broken = Rule::new(Fault::Truncate { frames: 2 });
    world.sim.script(broken.times(1));
    assert_eq!(world.post(MESSAGES, message(true)).await.status, 200);
    pass(1);
    refuse().await;
    pass(230);
    recover().await;
    refuse().await;
    eventually("every request is stored", || async {
        let seen = world.ops("dashboard/overview?time_range=6h").await;
        (seen["counts"]["requests"] == 10).then_some(())
    })
    .await;
    world
}

async fn rolled_up(world: &World) {
    eventually("everything is rolled up", || async {
        let seen = world.ops("dashboard/overview?time_range=6h").await;
        let list = world.ops("requests?time_range=6h&page_size=1").await;
        (seen["folded_to"] == list["items"][0]["created_at"]).then_some(())
    })
    .await;
}

fn at(value: &Value) -> i64 {
    value.as_str().unwrap().parse::<UnixMillis>().unwrap().0
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

/// The numbers of a kind in all points, added up one by one.
fn added_up(points: &Value, width: usize) -> Vec<u64> {
    let mut sums = vec![0; width];
    for point in list(points) {
        assert_eq!(list(&point["counts"]).len(), width, "{point}");
        for (sum, count) in sums.iter_mut().zip(list(&point["counts"])) {
            *sum += number(count);
        }
    }
    sums
}

/// Points follow one another from the beginning of the window to its end.
fn follow_one_another(trend: &Value) {
    let step = trend["step_ms"].as_i64().unwrap();
    let mut expected = at(&trend["start_time"]);
    for point in list(&trend["points"]) {
        assert_eq!(at(&point["start_time"]), expected, "{trend}");
        expected = (expected.div_euclid(step) + 1) * step;
    }
    let end = at(&trend["end_time"]);
    assert!(expected - step < end && end <= expected, "{trend}");
}

/// What is said of a trend's window as a whole.
async fn whole(world: &World, what: &str, query: &str, trend: &Value) -> Value {
    let [start, end] = ["start_time", "end_time"].map(|name| trend[name].as_str().unwrap());
    let (_, rest) = query.split_once('&').unwrap();
    let path = format!("dashboard/{what}?start_time={start}&end_time={end}&{rest}");
    world.ops(&path).await
}

async fn failures_add_up(world: &World, query: &str) {
    let trend = world
        .ops(&format!("dashboard/error-distribution-trend?{query}"))
        .await;
    follow_one_another(&trend);
    let whole = whole(world, "error-distribution", query, &trend).await;
    for of_both in ["of", "by", "mode", "start_time", "end_time", "ignored"] {
        assert_eq!(trend[of_both], whole[of_both], "{query}");
    }
    let items = list(&whole["items"]).iter().map(|item| {
        json!({"value": item["value"], "count": item["count"], "explanation": item["explanation"]})
    });
    let items: Vec<Value> = items.collect();
    assert_eq!(list(&trend["values"]), &items, "{query}");
    let counts: Vec<u64> = items.iter().map(|item| number(&item["count"])).collect();
    assert_eq!(added_up(&trend["points"], counts.len()), counts, "{query}");
    let others = list(&trend["points"]).iter();
    let others: u64 = others.map(|point| number(&point["others"])).sum();
    assert_eq!(others, 0, "all are named: {query}");
}

async fn durations_add_up(world: &World, query: &str) {
    let trend = world.ops(&format!("dashboard/latency-trend?{query}")).await;
    follow_one_another(&trend);
    let whole = whole(world, "latency-histogram", query, &trend).await;
    for of_both in ["metric", "mode", "start_time", "end_time", "ignored"] {
        assert_eq!(trend[of_both], whole[of_both], "{query}");
    }
    let buckets = list(&whole["buckets"]);
    let ranges = buckets.iter();
    let ranges = ranges.map(|one| json!({"from_ms": one["from_ms"], "to_ms": one["to_ms"]}));
    assert_eq!(list(&trend["ranges"]), &ranges.collect::<Vec<Value>>());
    let counts: Vec<u64> = buckets.iter().map(|one| number(&one["count"])).collect();
    assert_eq!(added_up(&trend["points"], counts.len()), counts, "{query}");
    let points = list(&trend["points"]).iter();
    let count: u64 = points.map(|point| number(&point["count"])).sum();
    assert_eq!(count, number(&whole["durations"]["count"]), "{query}");
}

/// By minutes, by several of them, by hours that are moved outwards.
const WINDOWS: [&str; 4] = ["1h", "6h", "24h", "7d"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_steps_of_a_window_are_together_what_it_says_as_a_whole() {
    let world = history().await;
    for is_folded in [false, true] {
        if is_folded {
            rolled_up(&world).await;
        }
        for range in WINDOWS {
            for mode in ["raw", "rolled_up"] {
                let asked = format!("time_range={range}&mode={mode}");
                for of in ["requests", "recovered", "attempts"] {
                    for by in ["cause", "status_code", "owner", "phase"] {
                        for scope in ["", "&group_id=1", "&account_id=2"] {
                            failures_add_up(&world, &format!("{asked}&of={of}&by={by}{scope}"))
                                .await;
                        }
                    }
                }
                for metric in ["duration", "time_to_first_token", "routing", "response"] {
                    for scope in ["", "&platform=anthropic"] {
                        durations_add_up(&world, &format!("{asked}&metric={metric}{scope}")).await;
                    }
                }
            }
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_told_where_it_failed() {
    let world = history().await;
    let begin = at(&json!(BEGIN));
    let asked = format!(
        "start_time={BEGIN}&end_time={}",
        UnixMillis(begin + 5 * HOUR)
    );
    let trend = world
        .ops(&format!(
            "dashboard/error-distribution-trend?{asked}&by=owner"
        ))
        .await;
    assert_eq!(trend["step_ms"], 5 * MINUTE);
    assert_eq!(
        trend["values"],
        json!([
            {"value": "client", "count": 3, "explanation": null},
            {"value": "provider", "count": 1, "explanation": null},
        ])
    );
    let points = list(&trend["points"]);
    let told = points.iter().map(|point| &point["counts"]).enumerate();
    let told = told.filter(|(_, counts)| **counts != json!([0, 0]));
    // 10:00 to 15:01, by five minutes: 10:00:30, 10:48:30 and 10:49:30, 14:39:30.
    assert_eq!(points.len(), 61);
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (0, &json!([1, 0])),
            (9, &json!([1, 1])),
            (55, &json!([1, 0]))
        ]
    );

    // The clock stands still while requests are served; stages are measured by themselves.
    let slow = world
        .ops(&format!("dashboard/latency-trend?{asked}&metric=response"))
        .await;
    let beyond = list(&slow["ranges"])
        .iter()
        .position(|range| range["from_ms"] == 100)
        .unwrap();
    let first = &slow["points"][0];
    assert_eq!(
        first["count"], 5,
        "three, one that recovered, and the slow one: {first}"
    );
    let slower: u64 = list(&first["counts"])[beyond..].iter().map(number).sum();
    assert!(slower >= 1, "{first}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_window_has_some_sixty_steps_at_most() {
    let (world, now) = world().await;
    now.fetch_add(3 * MINUTE + 1, Ordering::Relaxed);
    for (range, step, steps) in [
        ("5m", MINUTE, 5),
        ("30m", MINUTE, 30),
        ("1h", MINUTE, 60),
        ("6h", 10 * MINUTE, 36),
        ("24h", 30 * MINUTE, 48),
        ("7d", 3 * HOUR, 56),
        ("30d", 12 * HOUR, 60),
    ] {
        for what in ["error-distribution-trend", "latency-trend"] {
            let trend = world
                .ops(&format!("dashboard/{what}?time_range={range}"))
                .await;
            assert_eq!(trend["step_ms"], step, "{what} {range}");
            // The first and the last are one, cut in two.
            assert_eq!(list(&trend["points"]).len(), steps + 1, "{what} {range}");
            follow_one_another(&trend);
        }
    }
    world.stop().await;
}
