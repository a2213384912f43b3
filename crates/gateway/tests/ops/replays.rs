//! Many failed requests that are sent again, through the real server: which ones, how many, how fast, what comes of
//! them, and what that says of issues.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::support::{
    self, ADMIN_TOKEN, Answer, CLIENT_KEY, Setup, World,
    binary::{Binary, waybill},
    client, configuration, eventually, key_of, message,
    replicas::{Deployment, all_stored},
    send,
};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use waybill_gateway::clock::Clock;
use waybill_sim::{Fault, Place, ProviderError as E, Rule, Sim, SimOptions};

const MESSAGES: &str = "/v1/messages";
const PRICE: &str = "[[price]]\nmodel = \"claude-sonnet-4-5\"\ninput = 3.0\noutput = 15.0\n";

fn alone(rest: &str) -> Setup {
    Setup {
        accounts: 1,
        rest: rest.to_owned(),
        ..Setup::default()
    }
}

/// A failure for a reason that is the request's own, so that it stops no account.
async fn fail(world: &World) -> String {
    fail_by(world, E::BadRequest).await
}

async fn fail_by(world: &World, error: E) -> String {
    let rule = Rule::new(Fault::provider(error));
    world.sim.script(rule.key(&key_of("a1")).times(1));
    let answer = world.post(MESSAGES, message(false)).await;
    world.sim.clear_script();
    assert_eq!(answer.status, 400, "{}", answer.text());
    answer.request_id().to_owned()
}

async fn failures(world: &World, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(fail(world).await);
    }
    ids
}

async fn ask(world: &World, body: Value) -> Answer {
    world
        .admin(Method::POST, "/ops/replays", body.to_string())
        .await
}

/// Begins a replay that is as quick as may be.
async fn begin(world: &World, mut body: Value) -> Value {
    if body["budget"]["per_minute"].is_null() {
        body["budget"]["per_minute"] = json!(600);
    }
    let answer = ask(world, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

async fn get(world: &World, replay: &Value) -> Value {
    world.ops(&format!("replays/{}", replay["id"])).await
}

async fn items(world: &World, replay: &Value) -> Vec<Value> {
    let list = world.ops(&format!("replays/{}/items", replay["id"])).await;
    list["items"].as_array().unwrap().clone()
}

async fn ended(world: &World, replay: &Value) -> Value {
    eventually("the replay ends", || async move {
        let now = get(world, replay).await;
        (now["status"] != "running").then_some(now)
    })
    .await
}

/// What came of a replay: how many of each verdict that any came to.
fn verdicts(replay: &Value) -> Value {
    let mut counts = replay["verdicts"].as_object().unwrap().clone();
    counts.retain(|_, count| count != 0);
    counts.into()
}

async fn counted(world: &World, failures: u64) -> Value {
    eventually("every failure is counted", || async move {
        let list = world.ops("issues").await;
        let issue = list["items"].as_array()?.first()?.clone();
        (issue["count"] == failures).then_some(issue)
    })
    .await
}

async fn issue(world: &World, issue: &Value) -> Value {
    let key = issue["fingerprint"].as_str().unwrap();
    world.ops(&format!("issues/{key}")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_fix_an_issue_that_is_sent_again_is_resolved_and_one_new_failure_reopens_it() {
    let world = World::with(alone("")).await;
    let ids = failures(&world, 3).await;
    let found = counted(&world, 3).await;
    let newest = world.error(&ids[2]).await;
    // The fix: it serves again.
    world.sim.clear_received();
    let filter = json!({"issue": found["fingerprint"]});
    let replay = begin(
        &world,
        json!({"filter": filter, "note": "the prompt is fixed"}),
    )
    .await;
    assert_eq!(
        (&replay["status"], &replay["candidates"], &replay["note"]),
        (&"running".into(), &3.into(), &"the prompt is fixed".into())
    );
    let end = ended(&world, &replay).await;
    assert_eq!(
        (&end["status"], &end["done"], &end["sent"]),
        (&"finished".into(), &3.into(), &3.into()),
        "{end}"
    );
    assert_eq!(verdicts(&end), json!({"would_succeed": 3}));
    assert_eq!(world.sim.received().len(), 3);
    let resolved = issue(&world, &found).await;
    assert_eq!(
        (&resolved["state"], &resolved["state_why"]),
        (&"resolved".into(), &"replay".into()),
        "{resolved}"
    );
    let turns = items(&world, &replay).await;
    assert_eq!(turns[0]["source_error_id"], newest["id"], "newest first");
    assert_eq!(resolved["state_by"], turns[0]["attempt_id"].to_string());
    assert_eq!(
        end["issues"],
        json!([{"issue": found["fingerprint"], "outcome": "resolved", "why": null, "error_id": newest["id"]}])
    );
    assert_eq!(
        turns[0]["summary"],
        "was 400 invalid_request on a1, is 200 on a1"
    );
    assert_eq!(world.error(&ids[0]).await["resolved"], true);

    fail(&world).await;
    let again = counted(&world, 4).await;
    let again = issue(&world, &again).await;
    assert_eq!(
        (&again["state"], &again["fingerprint"]),
        (&"regressed".into(), &found["fingerprint"])
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_one_of_whose_failures_fails_again_stays_open() {
    let world = World::with(alone("")).await;
    failures(&world, 3).await;
    let found = counted(&world, 3).await;
    // The newest is served, the one before is not.
    world.sim.script(Rule::healthy().times(1));
    world
        .sim
        .script(Rule::new(Fault::provider(E::BadRequest)).times(1));
    let replay = begin(
        &world,
        json!({"filter": {"issue": found["fingerprint"]}, "mode": "client"}),
    )
    .await;
    let end = ended(&world, &replay).await;
    assert_eq!(
        verdicts(&end),
        json!({"would_succeed": 2, "fails_the_same": 1}),
        "{:?}",
        items(&world, &replay).await
    );
    assert_ne!(issue(&world, &found).await["state"], "resolved");
    let turns = items(&world, &replay).await;
    let mut failed = turns
        .iter()
        .filter(|turn| turn["verdict"] == "fails_the_same");
    let failed = &failed.next().unwrap()["source_error_id"];
    assert_eq!(
        end["issues"],
        json!([{"issue": found["fingerprint"], "outcome": "kept_open", "why": "failed_again", "error_id": failed}])
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_that_failover_hid_keeps_its_issue_open_until_it_is_served_itself() {
    let now = Arc::new(AtomicI64::new(Clock::System.now().0));
    let world = World::with(Setup {
        clock: Clock::Manual(Arc::clone(&now)),
        ..Setup::default()
    })
    .await;
    let overloaded = || Rule::new(Fault::provider(E::Overloaded));
    world.sim.script(overloaded());
    let seen = world.post(MESSAGES, message(false)).await;
    world.sim.clear_script();
    assert!(seen.status.is_server_error(), "{}", seen.text());
    world.clear_states().await;
    world.sim.script(overloaded().key(&key_of("a1")));
    let hidden = world.post(MESSAGES, message(false)).await;
    assert_eq!(hidden.status, 200);
    world.clear_states().await;
    let (seen, hidden) = (seen.request_id(), hidden.request_id());
    let found = counted(&world, 1).await;
    let world = &world;
    eventually("the hidden one is counted", || async move {
        let list = world.ops("issues").await;
        (list["items"][0]["hidden_count"] == 1).then_some(())
    })
    .await;
    let retry = async |id: &str| {
        let path = format!("/ops/errors/{id}/retry");
        let answer = world.admin(Method::POST, &path, "{}").await;
        assert_eq!(answer.json()["status"], "succeeded", "{}", answer.text());
    };
    let state = async || issue(world, &found).await["state"].clone();
    // The newer one is known, though no client saw it.
    world.sim.clear_script();
    retry(seen).await;
    assert_eq!(world.error(seen).await["resolved"], true);
    assert_ne!(state().await, "resolved");
    // So it is where the filter leaves hidden ones out, and that is said.
    now.fetch_add(10_000, Ordering::Relaxed);
    let budget = json!({"per_minute": 600});
    let replay = begin(world, json!({"filter": {}, "budget": budget})).await;
    let end = ended(world, &replay).await;
    assert_eq!(verdicts(&end), json!({"would_succeed": 1}));
    let newer = world.error(hidden).await["id"].clone();
    assert_eq!(
        end["issues"],
        json!([{"issue": found["fingerprint"], "outcome": "kept_open", "why": "newer_hidden", "error_id": newer}])
    );
    // It is served, but only after the same had been hidden once more.
    world.sim.script(overloaded().key(&key_of("a1")));
    let budget = json!({"per_minute": 600});
    let again = json!({"filter": {"recovered": true}, "budget": budget});
    let replay = begin(world, again).await;
    let end = ended(world, &replay).await;
    assert_eq!(verdicts(&end), json!({"would_succeed": 1}));
    let turn = items(world, &replay).await.remove(0);
    assert_eq!(
        turn["summary"],
        "was overloaded on a1, hidden by failover, is 200 after a hidden overloaded on a2"
    );
    assert_ne!(state().await, "resolved");
    assert_eq!(end["issues"][0]["why"], "hidden_on_the_way");
    // At last it is served at once.
    world.sim.clear_script();
    now.fetch_add(10_000, Ordering::Relaxed);
    retry(hidden).await;
    assert_eq!(state().await, "resolved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_failures_on_the_way_the_first_counts_as_much_as_the_last() {
    let now = Arc::new(AtomicI64::new(Clock::System.now().0));
    let world = World::with(Setup {
        accounts: 3,
        clock: Clock::Manual(Arc::clone(&now)),
        ..Setup::default()
    })
    .await;
    let fails = |error: E| Rule::new(Fault::provider(error));
    world.sim.script(fails(E::Overloaded));
    let seen = world.post(MESSAGES, message(false)).await;
    world.sim.clear_script();
    assert!(seen.status.is_server_error(), "{}", seen.text());
    world.clear_states().await;
    let found = counted(&world, 1).await;
    // The same comes back on the first account, something else on the second; the third one serves.
    world.sim.script(fails(E::Overloaded).key(&key_of("a1")));
    world.sim.script(fails(E::Internal).key(&key_of("a2")));
    let path = format!("/ops/errors/{}/retry", seen.request_id());
    let answer = world.admin(Method::POST, &path, "{}").await.json();
    assert_eq!(answer["status"], "succeeded", "{answer}");
    assert_ne!(issue(&world, &found).await["state"], "resolved");
    assert_eq!(world.error(seen.request_id()).await["resolved"], true);
    now.fetch_add(10_000, Ordering::Relaxed);
    let replay = begin(&world, json!({"filter": {}})).await;
    let end = ended(&world, &replay).await;
    let turn = items(&world, &replay).await.remove(0);
    assert_eq!(turn["verdict"], "would_succeed", "{turn}");
    assert_ne!(turn["new"]["cause"], turn["old"]["cause"], "{turn}");
    assert_eq!(end["issues"][0]["why"], "hidden_on_the_way", "{end}");
    assert_ne!(issue(&world, &found).await["state"], "resolved");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_cannot_go_on_is_ended_and_stops_no_other() {
    let world = World::with(alone("")).await;
    let ids = failures(&world, 3).await;
    let bad = world.error(&ids[1]).await["id"].clone();
    let file = world.folder.path().join("waybill.db");
    let other_program = rusqlite::Connection::open(file).unwrap();
    let by_hand = |sql: &str| other_program.execute_batch(sql).unwrap();
    by_hand(&format!(
        "UPDATE errors SET cause = 'of another version' WHERE id = {bad};
         INSERT INTO replays (id, created_at, filter, mode, max_count, per_minute, newest_error_id, candidates,
                              candidates_is_estimate, status)
         VALUES (71, 1, '{{\"of_another_version\":\"1\"}}', 'client', 9, 600, 99, 0, 0, 'running'),
                (72, 1, '{{}}', 'of another version', 9, 600, 99, 0, 0, 'running')"
    ));
    let replay = begin(&world, json!({"filter": {}})).await;
    let (world, replay) = (&world, &replay);
    let status = |id: u32| {
        let sql = format!(
            "SELECT status || ' ' || coalesce(stopped_because, '') FROM replays WHERE id = {id}"
        );
        other_program
            .query_row(&sql, [], |row| row.get::<_, String>(0))
            .unwrap()
    };
    let end = ended(world, replay).await;
    eventually("the others are ended", || async {
        (status(71) == "stopped filter_unreadable" && status(72) == "stopped failing").then_some(())
    })
    .await;
    assert_eq!(
        (&end["status"], verdicts(&end)),
        (
            &"finished".into(),
            json!({"would_succeed": 2, "not_replayable": 1})
        )
    );
    let turns = items(world, replay).await;
    assert_eq!(turns[1]["reason"], "unreadable");
    assert_eq!(turns[1]["old"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_again_is_told_from_what_fails_for_another_reason() {
    let world = World::with(alone("")).await;
    let ids = failures(&world, 2).await;
    let (older, newer) = (world.error(&ids[0]).await, world.error(&ids[1]).await);
    let limited = Rule::new(Fault::provider(E::ContextLength));
    world.sim.script(limited.times(1));
    world
        .sim
        .script(Rule::new(Fault::provider(E::BadRequest)).times(1));
    // One after the other, so that it is known who meets what.
    let budget = json!({"per_minute": 120});
    let replay = begin(
        &world,
        json!({"filter": {"cause": "invalid_request"}, "budget": budget}),
    )
    .await;
    let end = ended(&world, &replay).await;
    assert_eq!(
        verdicts(&end),
        json!({"fails_the_same": 1, "fails_differently": 1}),
        "{end}"
    );
    let turns = items(&world, &replay).await;
    assert_eq!(turns[0]["source_error_id"], newer["id"]);
    assert_eq!(turns[0]["verdict"], "fails_differently");
    assert_eq!(turns[0]["old"]["cause"], "invalid_request");
    assert_eq!(turns[0]["new"]["cause"], "context_length");
    assert_eq!(
        turns[0]["summary"],
        "was 400 invalid_request on a1, is 400 context_length on a1"
    );
    assert_eq!(turns[1]["source_error_id"], older["id"]);
    assert_eq!(turns[1]["verdict"], "fails_the_same");
    let preview = turns[1]["new"]["preview"].as_str().unwrap();
    assert!(preview.contains("invalid_request_error"), "{preview}");
    let again = world
        .ops(&format!("errors/{}", turns[1]["new"]["error_id"]))
        .await;
    assert_eq!(again["replay_of"], older["id"]);
    // Attempts say the same, and of which replay they are.
    let attempts = world.ops(&format!("errors/{}/retries", newer["id"])).await;
    let attempt = &attempts["items"][0];
    assert_eq!(
        (&attempt["verdict"], &attempt["result_cause"]),
        (&"fails_differently".into(), &"context_length".into())
    );
    assert_eq!(attempt["replay_id"], replay["id"]);
    // What was sent again is no source itself.
    let nothing = begin(&world, json!({"filter": {"cause": "context_length"}})).await;
    let end = ended(&world, &nothing).await;
    assert_eq!((&end["candidates"], &end["done"]), (&0.into(), &0.into()));
    let only = world
        .ops(&format!(
            "replays/{}/items?verdict=fails_the_same",
            replay["id"]
        ))
        .await;
    assert_eq!(only["total"], 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_of_requests_ends_it() {
    let world = World::with(alone("")).await;
    failures(&world, 4).await;
    world.sim.clear_received();
    let replay = begin(&world, json!({"filter": {}, "budget": {"max_count": 3}})).await;
    let end = ended(&world, &replay).await;
    assert_eq!(
        (&end["status"], &end["stopped_because"], &end["sent"]),
        (&"stopped".into(), &"count_reached".into(), &3.into())
    );
    assert!(end["finished_at"].is_string() && end["started_at"].is_string());
    assert_eq!(world.sim.received().len(), 3);
    // As many as there are is no reason to stop.
    let whole = begin(
        &world,
        json!({"filter": {"resolved": false}, "budget": {"max_count": 1}}),
    )
    .await;
    let end = ended(&world, &whole).await;
    assert_eq!(
        (&end["status"], &end["stopped_because"]),
        (&"finished".into(), &Value::Null)
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_of_money_ends_it_and_cannot_be_kept_where_prices_are_not_known() {
    let world = World::with(alone(PRICE)).await;
    failures(&world, 3).await;
    world.sim.clear_received();
    let replay = begin(
        &world,
        json!({"filter": {}, "budget": {"max_usd": 0.000001}}),
    )
    .await;
    let end = ended(&world, &replay).await;
    assert_eq!(
        (&end["stopped_because"], &end["sent"]),
        (&"money_spent".into(), &1.into()),
        "{end}"
    );
    assert!(end["spent_usd"].as_f64().unwrap() > 0.0);
    assert_eq!(world.sim.received().len(), 1);
    let turn = items(&world, &replay).await.remove(0);
    assert_eq!(turn["new"]["cost_usd"], end["spent_usd"]);
    world.stop().await;

    let world = World::with(alone("")).await;
    failures(&world, 3).await;
    let replay = begin(&world, json!({"filter": {}, "budget": {"max_usd": 100}})).await;
    let end = ended(&world, &replay).await;
    assert_eq!(
        (&end["stopped_because"], &end["sent"], &end["unpriced"]),
        (&"cost_unknown".into(), &1.into(), &1.into())
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_leave_evenly_and_none_after_it_is_cancelled() {
    let now = Arc::new(AtomicI64::new(Clock::System.now().0));
    let world = World::with(Setup {
        clock: Clock::Manual(Arc::clone(&now)),
        ..alone("")
    })
    .await;
    failures(&world, 4).await;
    world.sim.clear_received();
    let began = now.load(Ordering::Relaxed);
    let replay = begin(&world, json!({"filter": {}, "budget": {"per_minute": 60}})).await;
    let (world, replay) = (&world, &replay);
    let sent = async |count: u64| {
        eventually("so many are sent", || async move {
            let now = get(world, replay).await;
            (now["done"] == count && now["sent"] == count).then_some(now)
        })
        .await
    };
    // The clock stands still: one leaves, and the next ones each with their second.
    sent(1).await;
    now.fetch_add(999, Ordering::Relaxed);
    assert_eq!(get(world, replay).await["sent"], 1);
    now.fetch_add(1, Ordering::Relaxed);
    sent(2).await;
    now.fetch_add(60_000, Ordering::Relaxed);
    sent(3).await;
    let path = format!("/ops/replays/{}/cancel", replay["id"]);
    let cancelled = world.admin(Method::POST, &path, "").await.json();
    assert_eq!(cancelled["status"], "cancelled");
    now.fetch_add(60_000, Ordering::Relaxed);
    let turns = items(world, replay).await;
    let mut at = Vec::new();
    for turn in &turns {
        let attempt = world.ops(&format!("retries/{}", turn["attempt_id"])).await;
        at.push(attempt["started_at"].as_str().unwrap().to_owned());
    }
    let expected = [began, began + 1_000, began + 61_000];
    let expected = expected.map(|at| waybill_model::time::UnixMillis(at).to_string());
    assert_eq!(at, expected, "no burst makes up for what was lost");
    // The job goes on without it: another one is served meanwhile.
    let other = begin(world, json!({"filter": {"resolved": false}})).await;
    let end = ended(world, &other).await;
    assert_eq!(
        (&end["status"], &end["sent"]),
        (&"finished".into(), &1.into())
    );
    let again = world.admin(Method::POST, &path, "").await;
    assert_eq!((again.status.as_u16(), again.json()), (200, cancelled));
    assert_eq!(world.sim.received().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_sent_is_said_and_does_not_stop_the_others() {
    let world = World::with(Setup {
        top: "[capture]\nreplay_body_bytes = 400".to_owned(),
        ..alone("")
    })
    .await;
    let ids = failures(&world, 2).await;
    world
        .sim
        .script(Rule::new(Fault::provider(E::BadRequest)).times(1));
    let long = json!({"model": "claude-sonnet-4-5", "max_tokens": 9,
        "messages": [{"role": "user", "content": "x".repeat(500)}]});
    let large = world.post(MESSAGES, long.to_string()).await;
    assert_eq!(large.status, 400);
    world.sim.clear_script();
    // Somebody has just sent one by hand.
    let path = format!("/ops/errors/{}/retry", ids[1]);
    assert_eq!(world.admin(Method::POST, &path, "{}").await.status, 200);
    let replay = begin(&world, json!({"filter": {}})).await;
    let end = ended(&world, &replay).await;
    assert_eq!(
        verdicts(&end),
        json!({"would_succeed": 1, "not_replayable": 1, "not_run": 1})
    );
    let turns = items(&world, &replay).await;
    let reasons: Vec<_> = turns.iter().map(|turn| turn["reason"].clone()).collect();
    assert_eq!(
        reasons,
        [
            json!("body_too_large"),
            json!("retry_too_frequent"),
            Value::Null
        ]
    );
    assert_eq!(turns[0]["new"], Value::Null);
    assert!(
        turns[0]["summary"]
            .as_str()
            .unwrap()
            .ends_with("was not sent: its body is larger than what is kept"),
        "{}",
        turns[0]["summary"]
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_wrongly_is_refused_with_its_field() {
    let world = World::with(alone("")).await;
    let cases = [
        (json!({}), "invalid_body", None),
        (
            json!({"filter": {}, "limit": 1}),
            "invalid_body",
            Some("limit"),
        ),
        (
            json!({"filter": {"causes": "x"}}),
            "invalid_field",
            Some("filter.causes"),
        ),
        (
            json!({"filter": {"cause": "bad luck"}}),
            "invalid_field",
            Some("filter.cause"),
        ),
        (
            json!({"filter": {"cause": ["overloaded"]}}),
            "invalid_field",
            Some("filter.cause"),
        ),
        (
            json!({"filter": {"issue": "12"}}),
            "invalid_field",
            Some("filter.issue"),
        ),
        (
            json!({"filter": {"replay": true}}),
            "invalid_field",
            Some("filter.replay"),
        ),
        (
            json!({"filter": {"time_range": "1y"}}),
            "invalid_field",
            Some("filter.time_range"),
        ),
        (
            json!({"filter": {}, "mode": "sideways"}),
            "invalid_body",
            Some("mode"),
        ),
        (
            json!({"filter": {}, "pinned_account_id": 1}),
            "invalid_field",
            Some("pinned_account_id"),
        ),
        (
            json!({"filter": {}, "mode": "upstream", "pinned_account_id": 99}),
            "invalid_field",
            Some("pinned_account_id"),
        ),
        (
            json!({"filter": {}, "budget": {"max_count": 0}}),
            "invalid_field",
            Some("budget.max_count"),
        ),
        (
            json!({"filter": {}, "budget": {"max_count": 10_001}}),
            "invalid_field",
            Some("budget.max_count"),
        ),
        (
            json!({"filter": {}, "budget": {"per_minute": 601}}),
            "invalid_field",
            Some("budget.per_minute"),
        ),
        (
            json!({"filter": {}, "budget": {"max_usd": -1}}),
            "invalid_body",
            Some("budget.max_usd"),
        ),
    ];
    for (body, code, field) in cases {
        let answer = ask(&world, body.clone()).await;
        let problem = answer.json();
        assert_eq!(answer.status, 400, "{body}: {problem}");
        assert_eq!(
            (problem["code"].as_str(), problem["field"].as_str()),
            (Some(code), field),
            "{body}: {problem}"
        );
    }
    assert_eq!(world.ops("replays").await["total"], 0);
    for (method, path) in [
        (Method::GET, "/ops/replays/7"),
        (Method::GET, "/ops/replays/7/items"),
        (Method::POST, "/ops/replays/7/cancel"),
    ] {
        assert_eq!(world.admin(method, path, "").await.status, 404, "{path}");
    }
    let wrong = world.admin(Method::GET, "/ops/replays/7/items?verdict=maybe", "");
    assert_eq!(wrong.await.status, 400);
    // The window of what is kept does not move.
    let replay = begin(
        &world,
        json!({"filter": {"time_range": "1h", "status_codes": 529}}),
    )
    .await;
    let names: Vec<_> = replay["filter"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(names, ["end_time", "start_time", "status_codes"]);
    ended(&world, &replay).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_than_four_run_at_once() {
    let now = Arc::new(AtomicI64::new(Clock::System.now().0));
    let world = World::with(Setup {
        clock: Clock::Manual(now),
        ..alone("")
    })
    .await;
    failures(&world, 6).await;
    // The clock stands still, so that each of them waits with what is left.
    for _ in 0..4 {
        let body = json!({"filter": {}, "budget": {"per_minute": 1}});
        assert_eq!(ask(&world, body).await.status, 201);
    }
    let fifth = ask(&world, json!({"filter": {}})).await;
    assert_eq!(fifth.status, 409);
    assert_eq!(fifth.json()["code"], "too_many_replays");
    assert_eq!(world.ops("replays").await["total"], 4);
    let cancel = world.admin(Method::POST, "/ops/replays/1/cancel", "").await;
    assert_eq!(cancel.status, 200);
    assert_eq!(ask(&world, json!({"filter": {}})).await.status, 201);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_waits_for_a_place_hears_that_it_is_cancelled() {
    let world = World::with(alone("")).await;
    let ids = failures(&world, 17).await;
    world.sim.clear_received();
    // Longer than this test waits for anything.
    let long = 2 * support::DEADLINE.as_millis() as u64;
    world.sim.script(Rule::healthy().delay_ms(long));
    for id in &ids[..16] {
        let request = Request::post(format!("{}/api/v1/admin/ops/errors/{id}/retry", world.url))
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .body(Full::from("{}"))
            .unwrap();
        tokio::spawn(async move { send(&client(), request).await });
    }
    let (world, ids) = (&world, &ids);
    eventually("people have every place", || async move {
        (world.sim.received().len() == 16).then_some(())
    })
    .await;
    let replay = begin(world, json!({"filter": {}})).await;
    let job = || async {
        let jobs = world.ops("jobs").await;
        let mut jobs = jobs["items"].as_array().unwrap().iter();
        let job = jobs.find(|job| job["name"] == "replays-of-many");
        job.unwrap().clone()
    };
    let job = &job;
    let asked_at = replay["created_at"].as_str().unwrap();
    let walked = eventually("it is walked", || async move {
        let job = job().await;
        (job["started_at"].as_str()? > asked_at).then_some(job)
    })
    .await;
    let runs = walked["runs"].as_u64().unwrap();
    let path = format!("/ops/replays/{}/cancel", replay["id"]);
    let cancelled = world.admin(Method::POST, &path, "").await;
    assert_eq!(cancelled.status, 200);
    eventually("its walk is over", || async move {
        (job().await["runs"].as_u64()? > runs).then_some(())
    })
    .await;
    assert_eq!(get(world, &replay).await["done"], 0);
    assert_eq!(world.error(&ids[16]).await["resolved"], false);
}

/// Asks with a token.
async fn with(world: &World, token: &str, method: Method, path: &str, body: Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("{}/api/v1/admin{path}", world.url))
        .header("authorization", format!("Bearer {token}"))
        .body(Full::<Bytes>::from(body.to_string()))
        .unwrap();
    world.send(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_replays_nothing_and_an_operator_does_by_name() {
    let world = World::with(alone("")).await;
    let ids = failures(&world, 2).await;
    let mut tokens = Vec::new();
    let mut users = Vec::new();
    for role in ["viewer", "operator"] {
        let form = json!({"name": role, "password": "correct horse battery staple", "role": role});
        let made = world
            .admin(Method::POST, "/admin-users", form.to_string())
            .await;
        users.push(made.json()["id"].clone());
        let form = json!({"name": "t", "role": role, "admin_user": role});
        let made = world.admin(Method::POST, "/tokens", form.to_string()).await;
        tokens.push(made.json()["token"].as_str().unwrap().to_owned());
    }
    let (viewer, operator) = (&tokens[0], &tokens[1]);
    // One alone,
    let path = format!("/ops/errors/{}/retry", ids[0]);
    let refused = with(&world, viewer, Method::POST, &path, json!({})).await;
    assert_eq!(refused.status, 403);
    let done = with(&world, operator, Method::POST, &path, json!({})).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let attempts = world.ops(&format!("errors/{}/retries", ids[0])).await;
    assert_eq!(attempts["items"][0]["requested_by_user_id"], users[1]);
    // and many.
    let body = json!({"filter": {"resolved": false}});
    let refused = with(&world, viewer, Method::POST, "/ops/replays", body.clone()).await;
    assert_eq!(refused.status, 403);
    let made = with(&world, operator, Method::POST, "/ops/replays", body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let replay = made.json();
    assert_eq!(replay["requested_by_user_id"], users[1]);
    ended(&world, &replay).await;
    let attempts = world.ops(&format!("errors/{}/retries", ids[1])).await;
    assert_eq!(attempts["items"][0]["requested_by_user_id"], users[1]);
    let cancel = format!("/ops/replays/{}/cancel", replay["id"]);
    let refused = with(&world, viewer, Method::POST, &cancel, json!({})).await;
    assert_eq!(refused.status, 403);
    // Whoever may read sees what came of it, without what was answered.
    let path = format!("/ops/replays/{}/items", replay["id"]);
    let seen = with(&world, viewer, Method::GET, &path, Value::Null)
        .await
        .json();
    assert_eq!(seen["items"][0]["verdict"], "would_succeed");
    assert_eq!(seen["items"][0]["new"]["preview"], Value::Null);
    let seen = with(&world, operator, Method::GET, &path, Value::Null)
        .await
        .json();
    assert!(seen["items"][0]["new"]["preview"].is_string());

    let log = world.ops("audit-log?action=replays.create").await;
    let entries: Vec<_> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["actor"].clone(),
                entry["status"].clone(),
                entry["subject_id"].clone(),
            )
        })
        .collect();
    let id = json!(replay["id"].to_string());
    assert!(
        entries.contains(&(json!("operator"), json!(201), id)),
        "{log}"
    );
    assert!(
        entries
            .iter()
            .any(|(who, status, _)| who == "viewer" && status == 403)
    );
    world.stop().await;
}

fn request(url: &str) -> Request<Full<Bytes>> {
    Request::post(format!("{url}{MESSAGES}"))
        .header("x-api-key", CLIENT_KEY)
        .header("anthropic-version", "2023-06-01")
        .body(Full::from(message(false)))
        .unwrap()
}

async fn post(gateway: &Binary, path: &str, body: Value) -> Value {
    let answer = gateway.admin(Method::POST, path, body.to_string()).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    answer.json()
}

async fn ended_at(gateway: &Binary, id: &Value) -> Value {
    eventually("the replay ends", || async move {
        let now = gateway.ops(&format!("replays/{id}")).await;
        (now["status"] != "running").then_some(now)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_on_after_kill_9_and_no_failure_is_sent_twice() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let text = configuration(&alone(""), &sim.url());
    let gateway = Binary::serve(folder.path(), &text, &[]).await;
    for _ in 0..5 {
        sim.script(Rule::new(Fault::provider(E::BadRequest)).times(1));
        let answer = send(&client(), request(&gateway.url)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    sim.clear_script();
    sim.clear_received();
    // Two are served, two are under way when the process is killed.
    sim.script(Rule::healthy().times(2));
    sim.script(Rule::new(Fault::stall(Place::BeforeHeaders)));
    let budget = json!({"per_minute": 600});
    let replay = post(
        &gateway,
        "/ops/replays",
        json!({"filter": {}, "budget": budget}),
    )
    .await;
    let id = &replay["id"];
    let before = eventually("two wait for their answers", || async {
        let now = gateway.ops(&format!("replays/{id}")).await;
        (now["done"] == 2 && now["under_way"] == 2 && sim.received().len() == 4).then_some(now)
    })
    .await;
    assert_eq!(before["status"], "running");
    gateway.kill().await;

    sim.clear_script();
    let gateway = Binary::serve(folder.path(), &text, &[]).await;
    let end = ended_at(&gateway, id).await;
    assert_eq!(
        (&end["status"], &end["sent"]),
        (&"finished".into(), &5.into()),
        "{end}"
    );
    assert_eq!(
        verdicts(&end),
        json!({"would_succeed": 3, "interrupted": 2})
    );
    assert_eq!(sim.received().len(), 5, "one each");
    let list = gateway.ops(&format!("replays/{id}/items")).await;
    let turns = list["items"].as_array().unwrap();
    let mut sources: Vec<_> = turns
        .iter()
        .map(|turn| turn["source_error_id"].as_i64())
        .collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!(sources.len(), 5);
    gateway.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_one_database_it_runs_on_one_replica_and_any_tells_of_it() {
    let world = Deployment::new(alone("")).await;
    let (a, b) = (world.replica("a").await, world.replica("b").await);
    for _ in 0..4 {
        world
            .sim
            .script(Rule::new(Fault::provider(E::BadRequest)).times(1));
        let answer = send(&client(), request(&a.url)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    world.sim.clear_script();
    all_stored(&b, 4).await;
    let before = world.sim.counters().requests;
    world
        .sim
        .script(Rule::new(Fault::provider(E::BadRequest)).times(1));
    let budget = json!({"per_minute": 600});
    let replay = post(&b, "/ops/replays", json!({"filter": {}, "budget": budget})).await;
    let end = ended_at(&a, &replay["id"]).await;
    assert_eq!(
        verdicts(&end),
        json!({"would_succeed": 3, "fails_the_same": 1}),
        "{end}"
    );
    assert_eq!(world.sim.counters().requests, before + 4);
    let again = eventually("the new error's id", || async {
        let path = format!("replays/{}/items?verdict=fails_the_same", replay["id"]);
        let list = b.ops(&path).await;
        list["items"][0]["new"]["error_id"].as_i64()
    })
    .await;
    let error = a.ops(&format!("errors/{again}")).await;
    assert!(error["replay_of"].is_i64());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_replica_goes_on_where_one_that_was_killed_ended() {
    let world = Deployment::new(alone("")).await;
    let (a, b) = (world.replica("a").await, world.replica("b").await);
    for _ in 0..3 {
        world
            .sim
            .script(Rule::new(Fault::provider(E::BadRequest)).times(1));
        let answer = send(&client(), request(&a.url)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    world.sim.clear_script();
    all_stored(&b, 3).await;
    let before = world.sim.counters().requests;
    // So slow that nothing is under way when it ends.
    let budget = json!({"per_minute": 20});
    let replay = post(&b, "/ops/replays", json!({"filter": {}, "budget": budget})).await;
    let id = &replay["id"];
    eventually("one is sent", || async {
        let now = b.ops(&format!("replays/{id}")).await;
        (now["done"] == 1).then_some(())
    })
    .await;
    let jobs = b.ops("jobs").await;
    let mut jobs = jobs["items"].as_array().unwrap().iter();
    let job = jobs.find(|job| job["name"] == "replays-of-many").unwrap();
    let own = a.ops("replicas").await["own"].clone();
    let (one, other) = match job["holder"] == own {
        true => (a, b),
        false => (b, a),
    };
    one.kill().await;
    let end = ended_at(&other, id).await;
    assert_eq!(
        (&end["status"], verdicts(&end)),
        (&"finished".into(), json!({"would_succeed": 3})),
        "{end}"
    );
    assert_eq!(world.sim.counters().requests, before + 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_starts_watches_lists_and_cancels() {
    let world = World::with(alone("")).await;
    failures(&world, 2).await;
    let run = async |args: &[&str]| {
        let output = waybill(&[
            ("WAYBILL_URL", &world.url),
            ("WAYBILL_ADMIN_TOKEN", ADMIN_TOKEN),
        ])
        .args(args)
        .output();
        let output = tokio::time::timeout(support::DEADLINE, output)
            .await
            .unwrap()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (code, out, _) = run(&["replays", "list"]).await;
    assert_eq!((code, &*out), (Some(0), "No replays.\n"));
    let args = [
        "replays",
        "start",
        "--cause",
        "invalid_request",
        "--per-minute",
        "600",
        "--note",
        "why not",
        "--watch",
    ];
    let (code, out, err) = run(&args).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("Replay 1 running"), "{err}");
    for said in [
        "Replay 1 finished, 2 of 2 done: 2 would succeed",
        "why not",
        "cause=invalid_request",
        "was 400 invalid_request on a1, is 200 on a1",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
    let (code, out, _) = run(&[
        "replays",
        "show",
        "1",
        "--verdict",
        "would_succeed",
        "--json",
    ])
    .await;
    let whole: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, whole["items"].as_array().unwrap().len()),
        (Some(0), 2)
    );
    assert_eq!(whole["replay"]["status"], "finished");
    let (code, out, _) = run(&["replays", "list"]).await;
    assert!(code == Some(0) && out.contains("finished"), "{out}");
    let (code, out, _) = run(&["replays", "cancel", "1"]).await;
    assert!(code == Some(0) && out.contains("finished"), "{out}");
    let (code, _, err) = run(&["replays", "start", "--cause", "overloaded"]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("choose no failure"), "{err}");
    let (code, _, _) = run(&["replays", "start", "--per-minute", "601"]).await;
    assert_eq!(code, Some(2));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_looked_for_is_not_kept_with_the_replay() {
    let world = World::with(alone("")).await;
    let body = json!({ "filter": { "q": format!("said {ADMIN_TOKEN}") } });
    let replay = begin(&world, body).await;
    let kept = get(&world, &replay).await["filter"].to_string();
    assert!(
        kept.contains("said ") && !kept.contains(ADMIN_TOKEN),
        "{kept}"
    );
    world.stop().await;
}
