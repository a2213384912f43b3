//! What recorded requests would have come to under other rules, asked of a real gateway: a longer cool-down on
//! an account that limits for a while, another priority, an account left out; and what cannot be asked.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::support::{ADMIN_TOKEN, Setup, World, eventually, key_of, message};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use waybill_gateway::clock::Clock;
use waybill_sim::{Fault, ProviderError, Rule};

const PATH: &str = "/ops/what-if/scheduler";

/// Requests, one a second; the first account limits during the first two thirds.
const REQUESTS: u64 = 60;

/// A 429 that states two seconds, which are not enough.
fn limited() -> Rule {
    let fault = Fault::Provider {
        error: ProviderError::RateLimitRequests,
        retry_after_ms: Some(2000),
        echo_key: false,
        headers: [("retry-after".to_owned(), "2".to_owned())].into(),
    };
    Rule::new(fault).key(&key_of("a1"))
}

/// A gateway that has lived through it.
async fn lived() -> World {
    let time = Arc::new(AtomicI64::new(Clock::System.now().0));
    let world = World::with(Setup {
        clock: Clock::Manual(Arc::clone(&time)),
        ..Setup::default()
    })
    .await;
    world.sim.script(limited());
    for number in 0..REQUESTS {
        if number == REQUESTS * 2 / 3 {
            world.sim.clear_script();
        }
        assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
        time.fetch_add(1000, Ordering::Relaxed);
    }
    world
}

async fn ask(world: &World, question: Value) -> (u16, Value) {
    let answer = world.admin(Method::POST, PATH, question.to_string()).await;
    (answer.status.as_u16(), answer.json())
}

/// The answer, once everything is written.
async fn what_if(world: &World, question: &Value) -> Value {
    eventually("all requests on record", || async move {
        let (status, found) = ask(world, question.clone()).await;
        assert_eq!(status, 200, "{found:#}");
        (found["requests"] == REQUESTS).then_some(found)
    })
    .await
}

/// Every account as it stands.
async fn states(world: &World) -> Vec<Value> {
    let path = "/accounts?page_size=500";
    let list = world.admin(Method::GET, path, "").await.json();
    let items = list["items"].as_array().unwrap().iter();
    items.map(|account| account["state"].clone()).collect()
}

fn count(found: &Value, of: &str, what: &str) -> u64 {
    found[of][what].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_longer_cool_down_shows_the_attempts_it_would_have_avoided() {
    let world = lived().await;
    let before = states(&world).await;
    let longer = json!({"cooldown": [{"cause": "rate_limit.requests", "seconds": 30}]});
    let found = what_if(&world, &longer).await;
    let failed = |of: &str| count(&found, of, "failed_attempts");
    // Nothing but time differs between what happened and what is simulated.
    assert_eq!(found["reproduced"]["same_fate"], REQUESTS, "{found:#}");
    assert_eq!(found["reproduced"]["same_account"], REQUESTS, "{found:#}");
    assert_eq!(failed("recorded"), failed("present"), "{found:#}");
    assert!(failed("recorded") >= 4, "{found:#}");
    // At the start and half a minute later.
    assert_eq!(failed("changed"), 2, "{found:#}");
    assert_eq!(found["difference"]["failed"], 0, "{found:#}");
    let avoided = failed("present") - 2;
    let says = format!(
        "Over 60 requests, a cool-down of 30 s on rate_limit.requests would have avoided {avoided} of {} failed attempts",
        failed("present")
    );
    let summary = found["summary"].as_str().unwrap();
    assert!(summary.starts_with(&says), "{summary}");
    assert_eq!(found["changed"]["failures"][0]["account_name"], "a1");
    assert_eq!(
        found["changed"]["failures"][0]["cause"],
        "rate_limit.requests"
    );
    // It is tried, and nothing is done.
    assert_eq!(states(&world).await, before);
    let log = world.ops("audit-log?action=what-if.scheduler").await;
    assert_eq!(log["items"][0]["status"], 200, "{log:#}");

    let url = world.url.clone();
    let told = tokio::task::spawn_blocking(move || {
        std::process::Command::new(env!("CARGO_BIN_EXE_waybill"))
            .args(["what-if", "--time-range", "1h"])
            .args(["--cooldown", "rate_limit.requests=30s"])
            .args(["--url", &url, "--token", ADMIN_TOKEN])
            .output()
            .unwrap()
    });
    let told = told.await.unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.status.success(),
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
    assert!(text.starts_with(&says), "{text}");
    for line in [
        "failed attempts",
        "DIFFERENCE",
        "RESTED",
        "rate_limit.requests",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_priorities_and_accounts_left_out_move_requests() {
    let world = lived().await;
    let swapped = json!({"priority": [{"account_id": 1, "priority": 9}], "platform": "anthropic"});
    let found = what_if(&world, &swapped).await;
    assert_eq!(found["changed"]["failed_attempts"], 0, "{found:#}");
    let served = |found: &Value, account: i64| {
        let accounts = found["changed"]["accounts"].as_array().unwrap();
        let of = accounts.iter().find(|of| of["account_id"] == account);
        of.map_or(0, |of| of["served"].as_u64().unwrap())
    };
    assert_eq!(
        (served(&found, 1), served(&found, 2)),
        (0, REQUESTS),
        "{found:#}"
    );
    let without = what_if(&world, &json!({"disable": [2]})).await;
    assert_eq!(served(&without, 2), 0, "{without:#}");
    assert!(count(&without, "changed", "failed") > 0, "{without:#}");
    let none = ask(&world, json!({"disable": [2], "model": "another"})).await;
    assert_eq!((&none.1["requests"], none.0), (&json!(0), 200), "{none:?}");
    assert_eq!(none.1["replayed"], REQUESTS);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_asked_is_refused_by_its_field_and_one_is_simulated_at_a_time() {
    let world = World::new().await;
    for (question, code, field) in [
        (json!({}), "invalid_field", "cooldown"),
        (
            json!({"cooldown": [{"seconds": -1}]}),
            "invalid_body",
            "cooldown[0].seconds",
        ),
        (
            json!({"cooldown": [{"cause": "no", "seconds": 1}]}),
            "invalid_body",
            "cooldown[0].cause",
        ),
        (
            json!({"cooldown": [{"factor": 2, "seconds": 1}]}),
            "invalid_field",
            "cooldown[0].seconds",
        ),
        (
            json!({"priority": [{"account_id": 99, "priority": 1}]}),
            "invalid_field",
            "priority[0].account_id",
        ),
        (json!({"disable": [99]}), "invalid_field", "disable[0]"),
        (
            json!({"disable": [1], "group_id": 99}),
            "invalid_field",
            "group_id",
        ),
        (
            json!({"disable": [1], "time_range": "30d"}),
            "window_too_long",
            "time_range",
        ),
        (
            json!({"disable": [1], "start_time": "2099-01-01T00:00:00Z"}),
            "invalid_field",
            "start_time",
        ),
        (json!({"disable": [1], "users": 1}), "invalid_body", "users"),
    ] {
        let (status, refused) = ask(&world, question.clone()).await;
        let story = format!("{question}: {refused:#}");
        assert_eq!(
            (status, refused["code"].as_str().unwrap()),
            (400, code),
            "{story}"
        );
        assert_eq!(refused["field"], field, "{story}");
    }
    let desk = &world.gateway.as_ref().unwrap().shared().what_if;
    let seat = desk.seat().unwrap();
    let (status, refused) = ask(&world, json!({"disable": [1]})).await;
    assert_eq!(
        (status, &refused["code"]),
        (409, &json!("what_if_in_progress")),
        "{refused:#}"
    );
    drop(seat);
    assert_eq!(ask(&world, json!({"disable": [1]})).await.0, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_may_ask_and_a_viewer_may_not() {
    let world = World::new().await;
    let made = async |path: &str, form: Value| {
        let answer = world.admin(Method::POST, path, form.to_string()).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        answer.json()
    };
    for (role, status) in [("viewer", 403), ("operator", 200)] {
        let user = json!({"name": role, "password": "correct horse battery staple", "role": role});
        made("/admin-users", user).await;
        let token = json!({"name": role, "role": role, "admin_user": role});
        let token = made("/tokens", token).await["token"]
            .as_str()
            .unwrap()
            .to_owned();
        let request = Request::post(format!("{}/api/v1/admin{PATH}", world.url))
            .header("authorization", format!("Bearer {token}"))
            .body(Full::from(json!({"disable": [1]}).to_string()))
            .unwrap();
        let answer = world.send(request).await;
        assert_eq!(answer.status, status, "{role}: {}", answer.text());
    }
    world.stop().await;
}
