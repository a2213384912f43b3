//! Issues through the real server: thousands of failures become a handful, states follow what happens, and
//! nothing is counted twice.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::support::{
    Answer, CLIENT_KEY, Setup, World,
    binary::Binary,
    client, configuration, eventually, key_of, message,
    replicas::{Deployment, all_stored},
    send,
};
use futures_util::{StreamExt as _, stream};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use waybill_gateway::clock::Clock;
use waybill_sim::{Fault, ProviderError as E, Rule, Sim, SimOptions};

const MESSAGES: &str = "/v1/messages";

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct Time(Arc<AtomicI64>);

impl Time {
    fn new() -> Time {
        Time(Arc::new(AtomicI64::new(Clock::System.now().0)))
    }

    fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

async fn world(rest: &str) -> (World, Time) {
    let time = Time::new();
    let world = World::with(Setup {
        accounts: 1,
        top: "[queue]\ntimeout_ms = 0".into(),
        rest: rest.into(),
        clock: Clock::Manual(Arc::clone(&time.0)),
        ..Setup::default()
    })
    .await;
    (world, time)
}

fn refused(error: E) -> Fault {
    Fault::Provider {
        error,
        retry_after_ms: None,
        echo_key: false,
        headers: Default::default(),
    }
}

/// Fails once for a reason that is the request's own, so that it stops no account.
async fn fail(world: &World) {
    world.sim.script(
        Rule::new(refused(E::BadRequest))
            .key(&key_of("a1"))
            .times(1),
    );
    let answer = world.post(MESSAGES, message(false)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

async fn issues(world: &World, query: &str) -> Vec<Value> {
    let list = world.ops(&format!("issues?{query}")).await;
    list["items"].as_array().unwrap().clone()
}

/// Waits until all issues together have counted as many failures, and gives them.
async fn counted(world: &World, failures: u64) -> Vec<Value> {
    eventually("every failure is counted", || async move {
        let found = issues(world, "").await;
        let count = |issue: &Value| {
            issue["count"].as_u64().unwrap() + issue["hidden_count"].as_u64().unwrap()
        };
        (found.iter().map(count).sum::<u64>() == failures).then_some(found)
    })
    .await
}

async fn put(world: &World, issue: &Value, form: Value) -> Value {
    let path = format!("/ops/issues/{}", issue["fingerprint"].as_str().unwrap());
    let answer = world.admin(Method::PUT, &path, form.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_failures_become_a_handful_of_issues() {
    let (world, _) = world("").await;
    let errors = [E::BadRequest, E::ContextLength, E::ContentFilter];
    let mut total = 0;
    for error in errors {
        world
            .sim
            .script(Rule::new(refused(error)).key(&key_of("a1")).times(700));
        let sent = stream::iter(0..700).map(|_| world.post(MESSAGES, message(false)));
        let answers: Vec<_> = sent.buffer_unordered(16).collect().await;
        assert!(answers.iter().all(|answer| answer.status.is_client_error()));
        total += 700;
    }
    let found = counted(&world, total).await;
    assert_eq!(found.len(), errors.len(), "{found:?}");
    for issue in &found {
        assert_eq!(issue["count"], 700);
        assert_eq!(
            (&issue["users"], &issue["accounts"], &issue["models"]),
            (&json!(1), &json!(1), &json!(1))
        );
        let key = issue["fingerprint"].as_str().unwrap();
        let errors = world
            .ops(&format!("errors?issue={key}&view=all&time_range=1h"))
            .await;
        assert_eq!(errors["total"], 700);
        let sample = world
            .ops(&format!("errors/{}", issue["sample_error_id"]))
            .await;
        assert_eq!(sample["issue"]["fingerprint"], key);
        let whole = world.ops(&format!("issues/{key}")).await;
        assert_eq!(whole["remedy"], sample["remedy"]);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_failure_after_a_fix_makes_a_resolved_issue_regressed() {
    let (world, time) = world("").await;
    fail(&world).await;
    let issue = counted(&world, 1).await.remove(0);
    assert_eq!(issue["state"], "new");
    time.pass(1_000);
    let resolved = put(
        &world,
        &issue,
        json!({ "state": "resolved", "note": "fixed the prompt" }),
    )
    .await;
    assert_eq!(
        (&resolved["state"], &resolved["state_by"]),
        (&json!("resolved"), &json!("admin token"))
    );
    assert_eq!(resolved["timeline"][0]["detail"], "fixed the prompt");
    // The fix: it serves again.
    assert_eq!(world.post(MESSAGES, message(false)).await.status, 200);
    assert_eq!(issues(&world, "state=resolved").await.len(), 1);
    time.pass(1_000);
    fail(&world).await;
    let again = counted(&world, 2).await.remove(0);
    assert_eq!(
        (&again["state"], &again["state_why"]),
        (&json!("regressed"), &json!("failure"))
    );

    let path = format!("/ops/errors/{}/resolve", again["last_error_id"]);
    let answer = world
        .admin(Method::PUT, &path, r#"{"resolved":true}"#)
        .await
        .json();
    assert_eq!(
        (&answer["resolved"], &answer["issue"]["state"]),
        (&json!(true), &json!("regressed"))
    );
    let answer = world
        .admin(Method::PUT, &path, r#"{"resolved":true,"issue":true}"#)
        .await
        .json();
    assert_eq!(answer["issue"]["state"], "resolved");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_failure_served_when_sent_again_resolves_its_issue_and_a_new_one_reopens_it() {
    let (world, time) = world("").await;
    fail(&world).await;
    time.pass(1_000);
    fail(&world).await;
    let issue = counted(&world, 2).await.remove(0);
    let older = issue["first_error_id"].to_string();
    let newest = issue["last_error_id"].to_string();
    let retry = |id: String, served: bool| {
        let world = &world;
        async move {
            let path = format!("/ops/errors/{id}/retry");
            let answer = world.admin(Method::POST, &path, "{}").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let expected = if served { "succeeded" } else { "failed" };
            assert_eq!(answer.json()["status"], expected, "{}", answer.text());
        }
    };
    // It fails still: that counts for nothing, and proves nothing.
    time.pass(1_000);
    let still = Rule::new(refused(E::BadRequest)).key(&key_of("a1"));
    world.sim.script(still.times(1));
    retry(newest.clone(), false).await;
    let read = |id: String| {
        let world = &world;
        async move { world.ops(&format!("errors/{id}")).await }
    };
    assert_eq!(read(newest.clone()).await["resolved"], false);
    // An older failure is served; what the newest says is not known.
    time.pass(1_000);
    retry(older.clone(), true).await;
    let seen = read(older).await;
    assert_eq!(
        (&seen["resolved"], &seen["issue"]["state"]),
        (&json!(true), &json!("new"))
    );
    time.pass(10_000);
    retry(newest.clone(), true).await;
    let seen = read(newest).await;
    assert_eq!(
        (&seen["resolved"], &seen["issue"]["state"]),
        (&json!(true), &json!("resolved"))
    );
    let resolved = issues(&world, "state=resolved").await.remove(0);
    assert_eq!(
        (&resolved["count"], &resolved["state_why"]),
        (&json!(2), &json!("replay"))
    );
    time.pass(1_000);
    fail(&world).await;
    let again = counted(&world, 3).await.remove(0);
    assert_eq!(again["state"], "regressed");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ignored_issue_is_back_after_as_many_failures_as_were_to_be_ignored() {
    let (world, _) = world("").await;
    fail(&world).await;
    let issue = counted(&world, 1).await.remove(0);
    put(
        &world,
        &issue,
        json!({ "state": "ignored", "ignore_count": 2 }),
    )
    .await;
    fail(&world).await;
    assert_eq!(counted(&world, 2).await[0]["state"], "ignored");
    fail(&world).await;
    let back = counted(&world, 3).await.remove(0);
    assert_eq!(
        (&back["state"], &back["state_why"]),
        (&json!("ongoing"), &json!("ignore_count"))
    );
    for (form, field) in [
        (
            json!({ "state": "resolved", "ignore_count": 2 }),
            "ignore_count",
        ),
        (
            json!({ "state": "ignored", "ignore_until": "2020-01-01T00:00:00Z" }),
            "ignore_until",
        ),
        (
            json!({ "state": "ignored", "ignore_count": 0 }),
            "ignore_count",
        ),
    ] {
        let path = format!("/ops/issues/{}", issue["fingerprint"].as_str().unwrap());
        let answer = world.admin(Method::PUT, &path, form.to_string()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["field"]),
            (400, &json!(field))
        );
    }
    let nobodys = format!("/ops/issues/{}", "0".repeat(32));
    assert_eq!(world.admin(Method::GET, &nobodys, "").await.status, 404);
    assert_eq!(
        world.admin(Method::GET, "/ops/issues/x", "").await.status,
        400
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_escalates_when_failures_come_faster_than_in_its_past() {
    let (world, time) = world("").await;
    let mut total = 0;
    for _ in 0..9 {
        fail(&world).await;
        total += 1;
        time.pass(3_600_000);
    }
    counted(&world, total).await;
    for _ in 0..40 {
        fail(&world).await;
        total += 1;
    }
    counted(&world, total).await;
    let fast = eventually("it escalates", || async {
        let found = issues(&world, "state=escalating").await;
        found.first().cloned()
    })
    .await;
    assert_eq!(fast["state_why"], "rate");
    time.pass(3 * 3_600_000);
    eventually("it is calm", || async {
        let found = issues(&world, "state=ongoing").await;
        found.first().cloned()
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_divide_and_merge_what_is_stored() {
    let (world, _) = world("").await;
    fail(&world).await;
    world.sim.script(
        Rule::new(refused(E::ContextLength))
            .key(&key_of("a1"))
            .times(1),
    );
    world.post(MESSAGES, message(false)).await;
    let found = counted(&world, 2).await;
    assert_eq!(found.len(), 2);
    let rule = json!({
        "kind": "merge", "into": found[0]["fingerprint"], "fingerprints": [found[1]["fingerprint"]],
    });
    let made = world
        .admin(Method::POST, "/ops/issue-rules", rule.to_string())
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let world = &world;
    let merged = eventually("they are one", || async move {
        let mut found = issues(world, "").await;
        (found.len() == 1 && found[0]["count"] == 2 && found[0]["recounting"] == false)
            .then(|| found.remove(0))
    })
    .await;
    assert_eq!(merged["fingerprint"], found[0]["fingerprint"]);
    let path = format!("/ops/issue-rules/{}", made.json()["id"]);
    assert_eq!(world.admin(Method::DELETE, &path, "").await.status, 204);
    eventually("they are two again", || async move {
        (issues(world, "").await.len() == 2).then_some(())
    })
    .await;
    let nothing = json!({ "kind": "merge", "into": found[0]["fingerprint"] });
    let answer = world
        .admin(Method::POST, "/ops/issue-rules", nothing.to_string())
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["field"]),
        (400, &json!("fingerprints"))
    );
}

/// One request to a process.
async fn post(process: &Binary) -> Answer {
    let request = Request::post(format!("{}{MESSAGES}", process.url))
        .header("x-api-key", CLIENT_KEY)
        .header("anthropic-version", "2023-06-01")
        .body(Full::from(message(false)));
    send(&client(), request.unwrap()).await
}

/// How many failures a process's issues have counted.
async fn sum(process: &Binary) -> u64 {
    let list = process.ops("issues?page_size=500").await;
    let items = list["items"].as_array().unwrap().clone();
    let count =
        |issue: &Value| issue["count"].as_u64().unwrap() + issue["hidden_count"].as_u64().unwrap();
    items.iter().map(count).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_counts_nothing_twice() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let setup = Setup {
        accounts: 1,
        ..Setup::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let text = configuration(&setup, &sim.url());
    sim.script(Rule::new(refused(E::BadRequest)).key(&key_of("a1")));
    let mut total = 0;
    for _ in 0..3 {
        let process = Binary::serve(folder.path(), &text, &[]).await;
        for _ in 0..20 {
            assert_eq!(post(&process).await.status, 400);
            total += 1;
        }
        let running = &process;
        eventually("some are counted", || async move {
            (sum(running).await > total - 20).then_some(())
        })
        .await;
        process.kill().await;
    }
    let process = Binary::serve(folder.path(), &text, &[]).await;
    let running = &process;
    eventually("all are counted", || async move {
        (sum(running).await >= total).then_some(())
    })
    .await;
    assert_eq!(sum(&process).await, total);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_count_every_failure_once() {
    let deployment = Deployment::new(Setup {
        accounts: 1,
        ..Setup::default()
    })
    .await;
    deployment
        .sim
        .script(Rule::new(refused(E::BadRequest)).key(&key_of("a1")));
    let (one, other) = (
        deployment.replica("one").await,
        deployment.replica("other").await,
    );
    for _ in 0..30 {
        for replica in [&one, &other] {
            assert_eq!(post(replica).await.status, 400);
        }
    }
    all_stored(&one, 30).await;
    all_stored(&other, 30).await;
    let replica = &one;
    eventually("all are counted", || async move {
        (sum(replica).await >= 60).then_some(())
    })
    .await;
    assert_eq!((sum(&one).await, sum(&other).await), (60, 60));
}
