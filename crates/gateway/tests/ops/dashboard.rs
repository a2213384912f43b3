//! Dashboards through the real server: what counts against whom, and that every number is that of the requests.

mod over_time;

use crate::support::{Setup, World, eventually, message};
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use waybill_sim::{Fault, Place, ProviderError, Rule};

const MESSAGES: &str = "/v1/messages";

/// One account, and a user who may have one request at once.
async fn world() -> World {
    World::with(Setup {
        accounts: 1,
        top: "[queue]\ntimeout_ms = 0".into(),
        rest: "[[user]]\nname = \"u\"\nlimits = { concurrency = 1 }\n\
               [[api_key]]\nname = \"capped\"\nuser = \"u\"\nkey = \"key-for-tests-of-capped-0123456789\"\n\
               groups = [\"claude\"]\n"
            .into(),
        ..Setup::default()
    })
    .await
}

async fn dashboard(world: &World, what: &str, query: &str) -> Value {
    world
        .ops(&format!("dashboard/{what}?time_range=1h{query}"))
        .await
}

/// The overview, when so many requests are in it.
async fn overview(world: &World, requests: u64) -> Value {
    eventually("every request is counted", || async move {
        let seen = dashboard(world, "overview", "").await;
        (seen["counts"]["requests"] == requests).then_some(seen)
    })
    .await
}

/// Part and whole of a share.
fn share(of: &Value) -> (u64, u64) {
    (of["part"].as_u64().unwrap(), of["of"].as_u64().unwrap())
}

async fn serve(world: &World, times: usize) {
    for _ in 0..times {
        let answer = world.post(MESSAGES, message(false)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// Asks every endpoint from roll-ups and from rows, until both have all requests, and compares.
async fn same_raw_and_rolled_up(world: &World, requests: u64) {
    overview(world, requests).await;
    for what in [
        "overview",
        "throughput-trend",
        "latency-histogram",
        "latency-trend",
        "error-trend",
        "error-distribution",
        "error-distribution-trend",
    ] {
        for narrowed in [
            "",
            "&group_id=1",
            "&platform=anthropic",
            "&account_id=1",
            "&model=claude-sonnet-4-5",
        ] {
            let mut raw = dashboard(world, what, &format!("{narrowed}&mode=raw")).await;
            let mut rolled_up = dashboard(world, what, &format!("{narrowed}&mode=rolled_up")).await;
            assert_eq!(
                (&raw["mode"], &rolled_up["mode"]),
                (&"raw".into(), &"rolled_up".into())
            );
            // What is told of now, and of when it was asked.
            for answer in [&mut raw, &mut rolled_up] {
                for now in [
                    "mode",
                    "system",
                    "jobs",
                    "folded_to",
                    "start_time",
                    "end_time",
                    "qps",
                    "tps",
                    "points",
                ] {
                    answer[now].take();
                }
            }
            assert_eq!(raw, rolled_up, "{what} {narrowed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_after_content_counts_against_the_service() {
    let world = world().await;
    serve(&world, 3).await;
    world
        .sim
        .script(Rule::new(Fault::Truncate { frames: 2 }).times(1));
    let answer = world.post(MESSAGES, message(true)).await;
    assert_eq!(answer.status, 200);
    let seen = overview(&world, 4).await;
    assert_eq!(
        share(&seen["sla"]),
        (3, 4),
        "it was sent 200, and no whole answer: {seen}"
    );
    assert_eq!(share(&seen["error_rate"]), (1, 4));
    assert_eq!(seen["counts"]["broken_answers"], 1);
    assert_eq!(
        share(&seen["upstream"]["level"]),
        (3, 4),
        "the provider broke it"
    );
    assert_eq!(seen["duration"]["count"], 3);
    assert!(seen["health"]["score"].as_u64().unwrap() <= 25, "{seen}");
    same_raw_and_rolled_up(&world, 4).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_gone_does_not_count() {
    let world = world().await;
    serve(&world, 1).await;
    world
        .sim
        .script(Rule::new(Fault::stall(Place::MidContent)).times(1));
    let mut held = world
        .open(world.request(Method::POST, MESSAGES, message(true)))
        .await;
    assert!(held.frame().await.unwrap().is_ok());
    drop(held);
    let seen = overview(&world, 2).await;
    assert_eq!(share(&seen["sla"]), (1, 1), "nobody else failed it: {seen}");
    assert_eq!(seen["counts"]["client_gone"], 1);
    assert_eq!(seen["counts"]["attempts_cut_off"], 1);
    assert_eq!(
        share(&seen["upstream"]["level"]),
        (1, 1),
        "nobody knows what the provider would have done"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_account_because_all_are_rate_limited_counts_on_both_sides() {
    let world = world().await;
    serve(&world, 1).await;
    let limit = Fault::Provider {
        error: ProviderError::RateLimitRequests,
        retry_after_ms: Some(60_000),
        echo_key: false,
        headers: Default::default(),
    };
    world.sim.script(Rule::new(limit).times(1));
    assert_eq!(world.post(MESSAGES, message(false)).await.status, 429);
    let refused = world.post(MESSAGES, message(false)).await;
    assert_eq!(
        refused.header("x-waybill-attempts"),
        Some("0"),
        "{}",
        refused.text()
    );
    let seen = overview(&world, 3).await;
    let counts = &seen["counts"];
    assert_eq!(
        (
            &counts["attempts"],
            &counts["attempts_429"],
            &counts["unserved"]
        ),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!(
        share(&seen["sla"]),
        (1, 3),
        "clients had one answer: {seen}"
    );
    // Two attempts, one of which failed, and one that could not be made.
    assert_eq!(share(&seen["upstream"]["level"]), (1, 3), "{seen}");
    assert_eq!(share(&seen["upstream"]["rate_429"]), (1, 2));
    assert_eq!(
        share(&seen["upstream"]["error_rate"]),
        (0, 2),
        "a limit is told apart from errors"
    );
    // The account itself made two attempts; whom to blame for the third is not known.
    let account = dashboard(&world, "overview", "&account_id=1").await;
    assert_eq!(share(&account["upstream"]["level"]), (1, 2), "{account}");
    same_raw_and_rolled_up(&world, 3).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_concurrency_cap_of_a_user_does_not_count() {
    let world = world().await;
    serve(&world, 1).await;
    let by_capped = |stream| {
        let mut request = world.request(Method::POST, MESSAGES, message(stream));
        let key = "key-for-tests-of-capped-0123456789".parse().unwrap();
        request.headers_mut().insert("x-api-key", key);
        request
    };
    world
        .sim
        .script(Rule::new(Fault::stall(Place::MidContent)).times(1));
    let mut held = world.open(by_capped(true)).await;
    assert!(held.frame().await.unwrap().is_ok());
    assert_eq!(world.send(by_capped(false)).await.status, 429);
    drop(held);
    let seen = overview(&world, 3).await;
    assert_eq!(share(&seen["sla"]), (1, 1), "{seen}");
    assert_eq!(seen["counts"]["business_limited"], 1);
    let by_cause = dashboard(&world, "error-distribution", "").await;
    let capped = by_cause["items"].as_array().unwrap().iter();
    let capped = capped
        .clone()
        .find(|item| item["value"] == "gateway.concurrency_limit");
    assert_eq!(
        capped.map(|item| (item["counted"].clone(), item["excluded"].clone())),
        Some((json!(0), json!(1))),
        "{by_cause}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_own_doing_and_hidden_failures_do_not_count_and_are_shown() {
    let world = World::with(Setup {
        accounts: 2,
        ..Setup::default()
    })
    .await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::BadRequest)).times(1));
    assert_eq!(world.post(MESSAGES, message(false)).await.status, 400);
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)).times(1));
    serve(&world, 1).await;
    let seen = overview(&world, 2).await;
    let counts = &seen["counts"];
    assert_eq!(
        (
            &counts["client_errors"],
            &counts["recovered"],
            &counts["failures"]
        ),
        (&1.into(), &1.into(), &0.into())
    );
    assert_eq!(share(&seen["sla"]), (1, 1));
    assert_eq!(share(&seen["upstream"]["rate_529"]), (1, 3), "{seen}");
    // Of the provider's side: three attempts, of which one is the client's own doing.
    assert_eq!(share(&seen["upstream"]["level"]), (1, 2));
    for (query, value) in [
        ("&of=recovered", "overloaded"),
        ("&of=attempts&by=status_code", "400"),
        ("&by=owner", "client"),
        ("&by=account&of=attempts", "1"),
    ] {
        let items = dashboard(&world, "error-distribution", query).await["items"].take();
        let mut values = items.as_array().unwrap().iter().map(|item| &item["value"]);
        assert!(values.any(|found| found == value), "{query}: {items}");
    }
    same_raw_and_rolled_up(&world, 2).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trends_and_histograms_hold_every_request_once() {
    let world = world().await;
    serve(&world, 5).await;
    overview(&world, 5).await;
    for what in ["throughput-trend", "error-trend"] {
        let trend = dashboard(&world, what, "").await;
        let points = trend["points"].as_array().unwrap();
        assert_eq!(trend["step_ms"], 60_000);
        assert!(
            (60..=62).contains(&points.len()),
            "minutes without requests are there, too: {}",
            points.len()
        );
        let requests = points
            .iter()
            .map(|point| point["requests"].as_u64().unwrap());
        assert_eq!(requests.sum::<u64>(), 5);
    }
    for metric in ["duration", "auth", "routing", "upstream", "response"] {
        let histogram = dashboard(&world, "latency-histogram", &format!("&metric={metric}")).await;
        let buckets = histogram["buckets"].as_array().unwrap().iter();
        let counts = buckets.map(|bucket| bucket["count"].as_u64().unwrap());
        assert_eq!(counts.sum::<u64>(), 5, "{histogram}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_asked_is_refused_by_the_parameter_at_fault() {
    let world = world().await;
    serve(&world, 1).await;
    for (query, parameter) in [
        ("overview?mode=fast", "mode"),
        ("overview?metric=duration", "metric"),
        (
            "overview?group_id=1&account_id=1&mode=rolled_up",
            "account_id",
        ),
        (
            "overview?platform=anthropic&model=x&mode=rolled_up",
            "platform",
        ),
        ("error-distribution?by=account&group_id=1", "by"),
        ("error-distribution?of=nobody", "of"),
        ("error-distribution-trend?by=account", "by"),
        ("error-distribution-trend?by=mood", "by"),
        ("error-distribution-trend?metric=duration", "metric"),
        ("latency-trend?metric=mood", "metric"),
        ("latency-trend?by=cause", "by"),
        ("latency-histogram?metric=mood", "metric"),
        ("throughput-trend?time_range=2h", "time_range"),
    ] {
        let answer = world
            .admin(Method::GET, &format!("/ops/dashboard/{query}"), "")
            .await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert_eq!(answer.json()["parameter"], parameter, "{query}");
    }
    // Without a facet of its own it is added up from the requests.
    overview(&world, 1).await;
    let both = dashboard(&world, "overview", "&group_id=1&account_id=1").await;
    assert_eq!(
        (&both["mode"], &both["counts"]["requests"]),
        (&"raw".into(), &1.into())
    );
    world.stop().await;
}
