//! Failed requests that are sent again: the bytes that reach the provider, what is recorded, and what is left
//! alone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::support::{
    self, ADMIN_TOKEN, Answer, CLIENT_KEY, Setup, World,
    binary::Binary,
    binary::waybill,
    chat, client, configuration, eventually, generate, key_of, message,
    replicas::{Deployment, all_stored},
    response, send,
};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use waybill_gateway::{clock::Clock, config::Config, run};
use waybill_sim::{Fault, Place, ProviderError, Received, Rule, Sim, SimOptions};

/// One account per platform, one of Antigravity's among them, behind keys of their own.
fn alone() -> Setup {
    Setup {
        accounts: 1,
        rest: format!(
            "[[group]]\nname = \"agy\"\nplatform = \"antigravity\"\nprotocols = [\"anthropic\", \"gemini\"]\n\
             [[account]]\nname = \"y1\"\nplatform = \"antigravity\"\ngroups = [\"agy\"]\nbase_url = \"{{providers}}\"\n\
             credential = {{ api_key = \"{}\" }}\nproject = \"project-1\"\n\
             [[api_key]]\nname = \"agy\"\nkey = \"{CLIENT_KEY}-agy\"\ngroups = [\"agy\"]\n",
            key_of("y1")
        ),
        ..Setup::default()
    }
}

fn overloaded() -> Rule {
    Rule::new(Fault::provider(ProviderError::Overloaded))
}

/// A request that fails while every provider is overloaded; its id. Accounts are then as if nothing had been.
async fn fail(world: &World, request: Request<Full<Bytes>>) -> String {
    world.sim.script(overloaded());
    let answer = world.send(request).await;
    world.sim.clear_script();
    assert!(answer.status.is_server_error(), "{}", answer.text());
    world.clear_states().await;
    answer.request_id().to_owned()
}

async fn fail_message(world: &World) -> String {
    let request = world.request(Method::POST, "/v1/messages", message(false));
    fail(world, request).await
}

async fn retry(world: &World, id: &str, body: Value) -> Answer {
    let path = format!("/ops/errors/{id}/retry");
    world.admin(Method::POST, &path, body.to_string()).await
}

async fn retries(world: &World, id: &str) -> Vec<Value> {
    let list = world.ops(&format!("errors/{id}/retries")).await;
    list["items"].as_array().unwrap().clone()
}

/// What tells one request at a provider from another: everything but its number.
fn told(received: &Received) -> (String, String, Vec<(String, String)>, Bytes) {
    (
        received.method.clone(),
        received.path.clone(),
        received.headers.clone(),
        received.body.clone(),
    )
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    let problem = answer.json();
    assert_eq!(
        (answer.status.as_u16(), problem["code"].as_str()),
        (status, Some(code)),
        "{problem}"
    );
}

/// A text of more than 200 KiB, which copies keep in parts.
fn so_it_goes() -> String {
    (0..16_000_u32)
        .map(|n| format!("so it goes {n} "))
        .collect()
}

/// Every endpoint, with bodies as clients write them.
fn everything() -> Vec<(&'static str, &'static str, String)> {
    let spaced =
        "{ \"model\" : \"claude-sonnet-4-5\",\n\t\"max_tokens\":64, \"zeta\": [1.0, 1e3],\n \
        \"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9 \u{e9}\u{1f600}\"}] }\n"
            .to_owned();
    let long = json!({"model": "claude-sonnet-4-5", "max_tokens": 64,
        "messages": [{"role": "user", "content": so_it_goes()}]});
    let sonnet = json!({"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "how long?"}]});
    vec![
        ("x-api-key", "/v1/messages?beta=true", spaced),
        ("x-api-key", "/v1/messages", message(true)),
        ("x-api-key", "/v1/messages", long.to_string()),
        ("x-api-key", "/v1/messages/count_tokens", sonnet.to_string()),
        ("authorization", "/v1/chat/completions", chat(false)),
        ("authorization", "/v1/chat/completions", chat(true)),
        ("authorization", "/v1/responses", response(false)),
        ("authorization", "/responses?a=b", response(true)),
        (
            "authorization",
            "/v1/embeddings",
            json!({"model": "text-embedding-3-small", "input": "words"}).to_string(),
        ),
        (
            "x-goog-api-key",
            "/v1beta/models/gemini-2.5-flash:generateContent",
            generate(),
        ),
        (
            "?key=",
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            generate(),
        ),
        (
            "x-goog-api-key",
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
            generate(),
        ),
        (
            "x-goog-api-key",
            "/v1beta/models/gemini-2.5-flash:countTokens",
            generate(),
        ),
        ("agy", "/antigravity/v1/messages", message(false)),
        ("agy", "/antigravity/v1/messages", message(true)),
        (
            "agy",
            "/antigravity/v1beta/models/gemini-2.5-flash:generateContent",
            generate(),
        ),
        (
            "agy",
            "/antigravity/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            generate(),
        ),
        // Told apart by a header that is the client's credential.
        ("x-goog-api-key", "/v1/models", String::new()),
        ("authorization", "/v1/models", String::new()),
    ]
}

fn asked(world: &World, how: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    let method = match body.is_empty() {
        true => Method::GET,
        false => Method::POST,
    };
    let mut uri = format!("{}{path}", world.url);
    let (name, value) = match how {
        "authorization" => (how, format!("Bearer {CLIENT_KEY}")),
        "agy" => ("x-api-key", format!("{CLIENT_KEY}-agy")),
        "?key=" => {
            uri += &format!("&key={CLIENT_KEY}");
            ("x-nothing", "at all".to_owned())
        }
        _ => (how, CLIENT_KEY.to_owned()),
    };
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header(name, value)
        .header("user-agent", "some-sdk/1.2.3")
        .header("anthropic-beta", "one,two")
        .header("x-stainless-lang", "js")
        .header("x-twice", "a")
        .header("x-twice", "b")
        .header("x-forwarded-for", "10.0.0.1")
        .header("cookie", "a=b");
    if path.contains("/v1/messages") {
        request = request.header("anthropic-version", "2023-06-01");
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json; charset=utf-8");
    }
    request.body(Full::from(body.to_owned())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_reaches_the_provider_is_what_reached_it_the_first_time_to_the_byte() {
    let world = World::with(alone()).await;
    let mut failed = Vec::new();
    for (how, path, body) in everything() {
        world.sim.clear_received();
        let id = fail(&world, asked(&world, how, path, &body)).await;
        let first = told(&world.sim.received()[0]);
        failed.push((path, id, first));
    }
    for (path, id, first) in &failed {
        world.sim.clear_received();
        let answer = retry(&world, id, json!({"mode": "upstream"})).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let result = answer.json();
        assert_eq!(result["status"], "succeeded", "{path}: {result}");
        assert_eq!(result["http_status_code"], 200, "{path}: {result}");
        let received = world.sim.received();
        assert_eq!(received.len(), 1, "{path}");
        assert_eq!(told(&received[0]), *first, "{path}");
        let preview = result["response_preview"].as_str().unwrap();
        assert!(!preview.is_empty(), "{path}");
    }
    world.stop().await;
}

/// The same folder and configuration, started anew.
async fn restart(world: World, setup: &Setup) -> World {
    let World {
        sim,
        gateway,
        folder,
        ..
    } = world;
    gateway.unwrap().stop().await;
    let fresh = World::over(sim, Setup::default()).await;
    let World {
        sim,
        gateway: throwaway,
        ..
    } = fresh;
    throwaway.unwrap().stop().await;
    let mut again = World::over(sim, Setup::default()).await;
    again.gateway.take().unwrap().stop().await;
    let mut config = Config::parse(&configuration(setup, &again.sim.url()), &|_| None).unwrap();
    config.data_dir = folder.path().to_owned();
    let gateway = run::start_at(config, setup.clock.clone()).await.unwrap();
    again.url = format!("http://{}", gateway.running.address());
    again.gateway = Some(gateway);
    again.folder = folder;
    again
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_changes_no_byte_and_another_instance_key_opens_nothing() {
    let world = World::with(alone()).await;
    let mut failed = Vec::new();
    for (how, path, body) in everything().into_iter().take(3) {
        world.sim.clear_received();
        let id = fail(&world, asked(&world, how, path, &body)).await;
        failed.push((id, told(&world.sim.received()[0])));
    }
    let world = restart(world, &alone()).await;
    for (id, first) in &failed {
        world.sim.clear_received();
        let answer = retry(&world, id, json!({"mode": "client"})).await;
        assert_eq!(answer.json()["status"], "succeeded", "{}", answer.text());
        assert_eq!(told(&world.sim.received()[0]), *first);
    }
    std::fs::write(world.folder.path().join("instance.key"), "another key").unwrap();
    let world = restart(world, &alone()).await;
    world.sim.clear_received();
    refused(
        &retry(&world, &failed[0].0, json!({})).await,
        422,
        "key_unavailable",
    );
    assert!(world.sim.received().is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_no_longer_whole_is_refused_and_nothing_is_sent() {
    let world = World::with(alone()).await;
    let mut failed = Vec::new();
    for (how, path, body) in everything().into_iter().skip(2).take(1).cycle().take(2) {
        failed.push(fail(&world, asked(&world, how, path, &body)).await);
    }
    let file = world.folder.path().join("waybill.db");
    let db = rusqlite::Connection::open(file).unwrap();
    let change = |sql: &str| {
        assert!(db.execute(sql, []).unwrap() > 0, "{sql}");
    };
    // Other bytes in the place of a part, then none.
    change(
        "UPDATE replay_chunk_bytes SET sealed = (SELECT sealed FROM replay_chunk_bytes WHERE id = 3) WHERE id = 5",
    );
    world.sim.clear_received();
    refused(
        &retry(&world, &failed[0], json!({})).await,
        422,
        "body_expired",
    );
    change("DELETE FROM replay_chunk_bytes WHERE id = 5");
    refused(
        &retry(&world, &failed[1], json!({})).await,
        422,
        "body_expired",
    );
    assert!(world.sim.received().is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_ask_at_once_one_is_served() {
    let world = World::with(alone()).await;
    let id = fail_message(&world).await;
    world.sim.clear_received();
    world.sim.script(Rule {
        delay_ms: 300,
        ..Rule::healthy()
    });
    let (one, other) = tokio::join!(retry(&world, &id, json!({})), retry(&world, &id, json!({})));
    let (served, other) = match one.status.as_u16() {
        200 => (one, other),
        _ => (other, one),
    };
    assert_eq!(served.json()["status"], "succeeded", "{}", served.text());
    refused(&other, 409, "retry_in_progress");
    assert_eq!(world.sim.received().len(), 1);
    assert_eq!(retries(&world, &id).await.len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_sent_again_every_ten_seconds_at_most() {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = Arc::new(AtomicI64::new(since.as_millis() as i64));
    let world = World::with(Setup {
        clock: Clock::Manual(Arc::clone(&now)),
        ..alone()
    })
    .await;
    let (id, other) = (fail_message(&world).await, fail_message(&world).await);
    assert_eq!(retry(&world, &id, json!({})).await.status, 200);
    now.fetch_add(9_999, Ordering::Relaxed);
    let answer = retry(&world, &id, json!({})).await;
    refused(&answer, 409, "retry_too_frequent");
    let again = answer.json()["retry_at"].as_str().unwrap().to_owned();
    assert!(
        answer.text().contains(&format!("from {again} on")),
        "{}",
        answer.text()
    );
    // Others are not held up.
    assert_eq!(retry(&world, &other, json!({})).await.status, 200);
    now.fetch_add(1, Ordering::Relaxed);
    assert_eq!(retry(&world, &id, json!({})).await.status, 200);
    // A clock that is set back keeps nobody waiting.
    now.fetch_sub(3_600_000, Ordering::Relaxed);
    assert_eq!(retry(&world, &id, json!({})).await.status, 200);
    assert_eq!(retries(&world, &id).await.len(), 3);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_again_is_an_error_of_its_own_that_counts_against_nobody() {
    let world = World::with(Setup {
        rest: "[[price]]\nmodel = \"claude-sonnet-4-5\"\ninput = 3.0\noutput = 15.0\n".to_owned(),
        ..Setup::default()
    })
    .await;
    let id = fail_message(&world).await;
    let served = world.post("/v1/messages", message(false)).await;
    world.request_row(served.request_id()).await;
    let of_user = || async {
        let users = world.admin(Method::GET, "/users", "").await.json();
        let keys = world.admin(Method::GET, "/api-keys", "").await.json();
        (
            users["items"][0]["usage"].clone(),
            keys["items"][0]["usage"].clone(),
        )
    };
    let before = of_user().await;
    let states = || async {
        let accounts = world.admin(Method::GET, "/accounts", "").await.json();
        let list = accounts["items"].as_array().unwrap().clone();
        list.iter().map(|a| a["state"].clone()).collect::<Vec<_>>()
    };
    let (stood, source) = (states().await, world.error(&id).await);
    let mut events = Vec::new();
    for account in [1, 2] {
        events.push(
            world
                .admin(Method::GET, &format!("/accounts/{account}/events"), "")
                .await
                .json()["items"]
                .clone(),
        );
    }

    world.sim.script(overloaded());
    let result = retry(&world, &id, json!({})).await.json();
    world.sim.clear_script();
    assert_eq!(
        (&result["status"], &result["http_status_code"]),
        (&"failed".into(), &529.into()),
        "{result}"
    );
    let message = result["error_message"].as_str().unwrap();
    assert!(message.contains("verload"), "{message}");
    let attempt = retries(&world, &id).await.remove(0);
    let again = attempt["result_request_id"].as_str().unwrap();
    let error = world.error(again).await;
    assert_eq!(error["id"], attempt["result_error_id"]);
    assert_eq!(error["replay_of"], source["id"]);
    assert_eq!(error["api_key_name"], "dev");
    assert_eq!(
        error["attempts"].as_array().unwrap().len(),
        2,
        "both accounts were tried"
    );
    assert_eq!(error["cause"], "overloaded");

    let ids = |list: Value| -> Vec<i64> {
        let rows = list["errors"].as_array().unwrap().clone();
        rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    let (first, second) = (
        source["id"].as_i64().unwrap(),
        error["id"].as_i64().unwrap(),
    );
    for view in ["errors", "all"] {
        let list = |more: &str| format!("errors?time_range=1h&view={view}{more}");
        assert_eq!(ids(world.ops(&list("")).await), [first]);
        assert_eq!(ids(world.ops(&list("&replay=false")).await), [first]);
        assert_eq!(ids(world.ops(&list("&replay=true")).await), [second]);
        let by_id = ids(world.ops(&list(&format!("&request_id={again}"))).await);
        assert_eq!(by_id, [second]);
    }
    let of_replays = world.ops("upstream-errors?time_range=1h&replay=true").await;
    assert_eq!(of_replays["events"].as_array().unwrap().len(), 2);

    // Nobody's quota, and no account, has noticed.
    assert_eq!(of_user().await, before);
    assert_eq!(states().await, stood);
    for (account, before) in [1, 2].into_iter().zip(events) {
        let now = world
            .admin(Method::GET, &format!("/accounts/{account}/events"), "")
            .await;
        assert_eq!(now.json()["items"], before);
    }
    let list = world.ops("requests?time_range=1h&replay=true").await;
    assert_eq!(list["items"][0]["replay_of"], source["id"], "{list}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_account_is_asked_where_one_is_named_and_conversations_stay_where_they_are() {
    let setup = Setup::default();
    let world = World::with(setup).await;
    for account in [1, 2] {
        let body = json!({"priority": 1}).to_string();
        let path = format!("/accounts/{account}");
        assert_eq!(world.admin(Method::PATCH, &path, body).await.status, 200);
    }
    let talk = json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "metadata": {"user_id": "user_1_session_2"},
        "messages": [{"role": "user", "content": "hi"}]})
    .to_string();
    let ask = || world.request(Method::POST, "/v1/messages", talk.clone());
    let home = |received: Vec<Received>| received.last().unwrap().key.clone().unwrap();
    assert_eq!(world.send(ask()).await.status, 200);
    let at_home = home(world.sim.received());
    let id = fail(&world, ask()).await;
    let away = match at_home == key_of("a1") {
        true => 2,
        false => 1,
    };
    world.sim.clear_received();
    let pinned = json!({"mode": "upstream", "pinned_account_id": away});
    let result = retry(&world, &id, pinned).await.json();
    assert_eq!(result["status"], "succeeded", "{result}");
    assert_eq!(
        (&result["used_account_id"], &result["pinned_account_id"]),
        (&away.into(), &away.into())
    );
    assert_eq!(home(world.sim.received()), key_of(&format!("a{away}")));
    assert_eq!(world.send(ask()).await.status, 200);
    assert_eq!(home(world.sim.received()), at_home);

    // A pinned account alone is tried, and the record says so.
    let other = fail(&world, ask()).await;
    world.sim.script(overloaded());
    let pinned = json!({"mode": "upstream", "pinned_account_id": away});
    let result = retry(&world, &other, pinned).await.json();
    world.sim.clear_script();
    assert_eq!(result["status"], "failed");
    let attempt = retries(&world, &other).await.remove(0);
    let error = world
        .error(attempt["result_request_id"].as_str().unwrap())
        .await;
    let attempts = error["attempts"].as_array().unwrap();
    assert!(
        attempts.iter().all(|attempt| attempt["account_id"] == away),
        "{error}"
    );
    assert_eq!(error["route"].as_array().unwrap().len(), 1, "{error}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_request_of_a_failed_attempt_is_sent_to_its_account() {
    let world = World::new().await;
    world.sim.script(overloaded().key(&key_of("a1")));
    let answer = world.post("/v1/messages", message(true)).await;
    assert_eq!(answer.header("x-waybill-attempts"), Some("2"));
    world.sim.clear_script();
    world.clear_states().await;
    let event = world.events_of(answer.request_id()).await.remove(0);
    world.sim.clear_received();
    let path = format!("/ops/upstream-errors/{}/retry", event["id"]);
    let answer = world.admin(Method::POST, &path, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let result = answer.json();
    assert_eq!(
        (&result["status"], &result["mode"]),
        (&"succeeded".into(), &"upstream".into())
    );
    assert_eq!(world.sim.received()[0].key, Some(key_of("a1")));
    let preview = result["response_preview"].as_str().unwrap();
    assert!(preview.starts_with("event: message_start"), "{preview}");
    let attempt = &retries(&world, &event["error_id"].to_string()).await[0];
    assert_eq!(attempt["id"], result["attempt_id"]);
    let alone = world.ops(&format!("retries/{}", attempt["id"])).await;
    assert_eq!(alone, *attempt);
    let names: Vec<_> = attempt.as_object().unwrap().keys().cloned().collect();
    let mut expected: Vec<_> = "id created_at requested_by_user_id source_error_id mode pinned_account_id status verdict \
        result_cause cost_usd replay_id \
        started_at finished_at duration_ms result_request_id result_error_id error_message success http_status_code \
        upstream_request_id used_account_id response_preview response_truncated"
        .split_whitespace()
        .collect();
    expected.sort_unstable();
    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    let mut names: Vec<_> = result.as_object().unwrap().keys().cloned().collect();
    names.sort_unstable();
    let mut expected: Vec<_> = "attempt_id mode status pinned_account_id used_account_id http_status_code \
        upstream_request_id response_preview response_truncated error_message started_at finished_at duration_ms"
        .split_whitespace()
        .collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_sent_again_is_refused_by_name_and_nothing_is_sent() {
    let world = World::with(Setup {
        top: "[capture]\nreplay_body_bytes = 400".to_owned(),
        ..Setup::default()
    })
    .await;
    let id = fail_message(&world).await;
    let reason = |error: &Value| (error["replayable"].clone(), error["unreplayable"].clone());
    assert_eq!(reason(&world.error(&id).await), (true.into(), Value::Null));

    let bad = world.post("/v1/messages", "{").await;
    let long = json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "x".repeat(500)}]});
    let large = fail(
        &world,
        world.request(Method::POST, "/v1/messages", long.to_string()),
    )
    .await;
    world.sim.clear_received();
    refused(
        &retry(&world, bad.request_id(), json!({})).await,
        422,
        "not_replayable",
    );
    refused(
        &retry(&world, &large, json!({})).await,
        413,
        "body_too_large",
    );
    refused(
        &retry(&world, "019a0000-0000-7000-8000-000000000000", json!({})).await,
        404,
        "not_found",
    );
    let pinned = |account: i64| json!({"mode": "upstream", "pinned_account_id": account});
    refused(
        &retry(&world, &id, pinned(3)).await,
        422,
        "account_not_in_group",
    );
    refused(
        &retry(&world, &id, pinned(99)).await,
        422,
        "account_not_in_group",
    );
    refused(
        &retry(&world, &id, json!({"pinned_account_id": 1})).await,
        400,
        "invalid_field",
    );
    refused(
        &retry(&world, &id, json!({"mode": "sideways"})).await,
        400,
        "invalid_body",
    );
    let disable = world.admin(Method::POST, "/accounts/2/disable", "").await;
    assert_eq!(disable.status, 200);
    refused(
        &retry(&world, &id, pinned(2)).await,
        409,
        "account_not_schedulable",
    );
    // One that is stopped by a limit, too: the answer says until when.
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::RateLimitRequests)).times(1));
    world.post("/v1/messages", message(false)).await;
    let answer = retry(&world, &id, pinned(1)).await;
    refused(&answer, 409, "account_not_schedulable");
    assert!(
        answer.text().contains("rate_limited until"),
        "{}",
        answer.text()
    );
    world.clear_states().await;

    assert_eq!(
        reason(&world.error(bad.request_id()).await),
        (false.into(), "not_replayable".into())
    );
    assert_eq!(
        reason(&world.error(&large).await),
        (false.into(), "body_too_large".into())
    );
    let off = json!({"status": "disabled"}).to_string();
    assert_eq!(
        world.admin(Method::PATCH, "/api-keys/1", off).await.status,
        200
    );
    refused(&retry(&world, &id, json!({})).await, 422, "key_unavailable");
    assert_eq!(
        reason(&world.error(&id).await),
        (false.into(), "key_unavailable".into())
    );
    let on = json!({"status": "active"}).to_string();
    assert_eq!(
        world.admin(Method::PATCH, "/api-keys/1", on).await.status,
        200
    );

    let file = world.folder.path().join("waybill.db");
    let db = rusqlite::Connection::open(file).unwrap();
    db.execute("DELETE FROM replay_bodies", []).unwrap();
    drop(db);
    refused(&retry(&world, &id, json!({})).await, 422, "body_expired");
    assert_eq!(
        reason(&world.error(&id).await),
        (false.into(), "body_expired".into())
    );
    assert!(retries(&world, &id).await.is_empty(), "nothing was begun");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_shown_without_secrets_and_no_character_is_split() {
    let world = World::with(alone()).await;
    let ids = [
        fail_message(&world).await,
        fail_message(&world).await,
        fail_message(&world).await,
    ];
    world
        .sim
        .script(Rule::new(Fault::http(400, "é".repeat(9_000))).times(1));
    let result = retry(&world, &ids[0], json!({})).await.json();
    let preview = result["response_preview"].as_str().unwrap();
    assert!(
        preview.len() <= 8_192 && preview.len() > 8_000,
        "{}",
        preview.len()
    );
    assert!(!preview.contains('\u{fffd}'));
    assert_eq!(result["response_truncated"], true);

    world.sim.clear_script();
    world.sim.script(Rule::new(Fault::Provider {
        error: ProviderError::InvalidKey,
        retry_after_ms: None,
        echo_key: true,
        headers: Default::default(),
    }));
    let answer = retry(&world, &ids[1], json!({})).await;
    assert_eq!(answer.json()["status"], "failed");
    assert!(!answer.text().contains(&key_of("a1")), "{}", answer.text());

    // A stream of characters of three bytes each: its preview ends with a whole one.
    world.sim.clear_script();
    let text = "€".repeat(20_000);
    world.sim.script(Rule::new(Fault::http(200, json!({"id": "msg_1", "type": "message", "role": "assistant",
        "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}))));
    let result = retry(&world, &ids[2], json!({})).await.json();
    let preview = result["response_preview"].as_str().unwrap();
    assert!(preview.contains("€€€") && !preview.contains('\u{fffd}'));
    assert!(preview.len() > 8_000 && preview.len() <= 8_192);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_too_long_is_given_up_and_what_came_of_it_is_shown() {
    let world = World::with(Setup {
        top: "[replay]\ntimeout_ms = 400".to_owned(),
        ..alone()
    })
    .await;
    let request = world.request(Method::POST, "/v1/messages", message(true));
    let id = fail(&world, request).await;
    world.sim.script(Rule::new(Fault::stall(Place::MidContent)));
    let result = retry(&world, &id, json!({})).await.json();
    assert_eq!(result["status"], "failed", "{result}");
    assert_eq!(result["error_message"], "no whole answer within 400 ms");
    assert_eq!(result["http_status_code"], 200);
    let preview = result["response_preview"].as_str().unwrap();
    assert!(preview.contains("content_block_delta"), "{preview}");
    assert_eq!(world.in_flight("a1").await, 0, "its slot is free again");
    let again = retries(&world, &id).await.remove(0);
    let request = again["result_request_id"].as_str().unwrap().to_owned();
    let world = &world;
    let error = eventually("its record", || {
        let path = format!("/ops/errors/{request}");
        async move {
            let answer = world.admin(Method::GET, &path, "").await;
            (answer.status == 200).then(|| answer.json())
        }
    })
    .await;
    assert!(
        error["message"].as_str().unwrap().contains("sent again"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asked_may_leave_and_it_ends_all_the_same() {
    let world = World::with(alone()).await;
    let id = fail_message(&world).await;
    world.sim.clear_received();
    world.sim.script(Rule {
        delay_ms: 500,
        ..Rule::healthy()
    });
    let request = Request::post(format!("{}/api/v1/admin/ops/errors/{id}/retry", world.url))
        .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
        .body(Full::default())
        .unwrap();
    let asking = tokio::spawn(async move { send(&client(), request).await });
    let world = &world;
    eventually("it reached the provider", || async move {
        (!world.sim.received().is_empty()).then_some(())
    })
    .await;
    asking.abort();
    let id = &id;
    let ended = eventually("its end", || async move {
        let attempt = retries(world, id).await.remove(0);
        (attempt["status"] != "running").then_some(attempt)
    })
    .await;
    assert_eq!(
        (&ended["status"], &ended["success"]),
        (&"succeeded".into(), &true.into()),
        "{ended}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn providers_are_told_what_the_operator_wants_them_to_know() {
    let world = World::with(Setup {
        top: "[replay]\nmark_header = \"x-sent-again: by hand\"".to_owned(),
        ..alone()
    })
    .await;
    let id = fail_message(&world).await;
    world.sim.clear_received();
    assert_eq!(retry(&world, &id, json!({})).await.status, 200);
    assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
    let received = world.sim.received();
    assert_eq!(received[0].header("x-sent-again"), Some("by hand"));
    assert_eq!(received[1].header("x-sent-again"), None);
    world.stop().await;
    for wrong in [
        "no colon",
        "host: x",
        "x-api-key: y",
        "authorization: z",
        "a b: c",
    ] {
        let text = format!("[replay]\nmark_header = \"{wrong}\"\n");
        let problems = Config::parse(&text, &|_| None).unwrap_err().to_string();
        assert!(
            problems.contains("replay.mark_header"),
            "{wrong}: {problems}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_request_is_had_as_code_without_its_key_and_as_its_exact_body() {
    let world = World::with(alone()).await;
    let (how, path, body) = everything().remove(0);
    let id = fail(&world, asked(&world, how, path, &body)).await;
    let code = async |as_what: &str| {
        let path = format!("/ops/errors/{id}/code?as={as_what}");
        let answer = world.admin(Method::GET, &path, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    };
    assert_eq!(code("body").await.text(), body);
    for language in ["curl", "python", "typescript"] {
        let text = code(language).await.text();
        assert!(
            text.contains("WAYBILL_API_KEY") && text.contains(path),
            "{text}"
        );
        assert!(
            text.contains(&world.url) && !text.contains(CLIENT_KEY),
            "{text}"
        );
    }
    let answer = world
        .admin(Method::GET, &format!("/ops/errors/{id}/code?as=cobol"), "")
        .await;
    refused(&answer, 400, "invalid_parameter");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_sends_again_and_says_how_it_went() {
    let world = World::with(alone()).await;
    let id = fail_message(&world).await;
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
    let (code, out, _) = run(&["errors", "retries", &id]).await;
    assert_eq!((code, &*out), (Some(0), "It was never sent again.\n"));
    let (code, out, err) = run(&["errors", "retry", &id, "--account", "a1"]).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("succeeded") && out.contains("status 200"),
        "{out}"
    );
    let (code, _, err) = run(&["errors", "retry", &id]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("just been sent again"), "{err}");
    let (code, out, _) = run(&["errors", "retries", &id]).await;
    assert!(
        code == Some(0) && out.contains("upstream") && out.contains("succeeded"),
        "{out}"
    );
    let (code, out, _) = run(&["errors", "code", &id, "--as", "body"]).await;
    assert_eq!((code, out), (Some(0), message(false)));

    let other = fail_message(&world).await;
    let event = world.events_of(&other).await.remove(0)["id"].to_string();
    world.sim.script(overloaded());
    let (code, out, err) = run(&["upstream-errors", "retry", &event, "--json"]).await;
    assert_eq!(code, Some(1), "{err}");
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(result["status"], "failed");
    assert!(err.contains("failed again"), "{err}");
    world.sim.clear_script();
    world.stop().await;
}

fn request(url: &str, body: String) -> Request<Full<Bytes>> {
    Request::post(format!("{url}/v1/messages"))
        .header("x-api-key", CLIENT_KEY)
        .header("anthropic-version", "2023-06-01")
        .body(Full::from(body))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_when_the_process_is_killed_is_interrupted_when_it_is_back() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup {
        accounts: 1,
        ..Setup::default()
    };
    let text = configuration(&setup, &sim.url())
        .replace("priority = ", "counted_statuses = []\npriority = ");
    let waybill = Binary::serve(folder.path(), &text, &[]).await;
    sim.script(overloaded());
    let answer = send(&client(), request(&waybill.url, message(false))).await;
    assert_eq!(answer.status, 529, "{}", answer.text());
    let id = answer.request_id().to_owned();
    sim.clear_script();
    sim.clear_received();
    sim.script(Rule::new(Fault::stall(Place::BeforeHeaders)));
    let path = format!("{}/api/v1/admin/ops/errors/{id}/retry", waybill.url);
    let asking = tokio::spawn(async move {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .body(Full::<Bytes>::default())
            .unwrap();
        support::try_send(&client(), request).await.is_err()
    });
    eventually("it reached the provider", || async {
        (!sim.received().is_empty()).then_some(())
    })
    .await;
    let running = waybill.ops(&format!("errors/{id}/retries")).await["items"][0].clone();
    assert_eq!(
        (&running["status"], &running["success"]),
        (&"running".into(), &Value::Null)
    );
    let again = waybill
        .admin(
            Method::POST,
            &format!("/ops/errors/{id}/retry"),
            String::new(),
        )
        .await;
    refused(&again, 409, "retry_in_progress");
    waybill.kill().await;
    assert!(asking.await.unwrap());

    sim.clear_script();
    let waybill = Binary::serve(folder.path(), &text, &[]).await;
    let list = waybill.ops(&format!("errors/{id}/retries")).await;
    let ended = &list["items"][0];
    assert_eq!(
        (&ended["status"], &ended["error_message"], &ended["success"]),
        (&"failed".into(), &"interrupted".into(), &false.into()),
        "{list}"
    );
    assert!(ended["finished_at"].is_string());
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    waybill.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_one_database_any_replica_sends_again_and_one_at_a_time() {
    let mut world = Deployment::new(Setup {
        accounts: 1,
        top: "[replay]\ntimeout_ms = 3000".to_owned(),
        ..Setup::default()
    })
    .await;
    world.change(|text| text.replace("priority = ", "counted_statuses = []\npriority = "));
    let (a, b) = (world.replica("a").await, world.replica("b").await);
    let mut ids = Vec::new();
    for _ in 0..3 {
        world.sim.script(overloaded());
        let answer = send(&client(), request(&a.url, message(false))).await;
        assert_eq!(answer.status, 529, "{}", answer.text());
        ids.push(answer.request_id().to_owned());
        world.sim.clear_script();
    }
    all_stored(&b, 3).await;
    let retry = async |replica: &Binary, id: &str| {
        let path = format!("/ops/errors/{id}/retry");
        replica.admin(Method::POST, &path, String::new()).await
    };
    world.sim.script(Rule {
        delay_ms: 300,
        ..Rule::healthy()
    });
    let before = world.sim.counters().requests;
    let (one, other) = tokio::join!(retry(&a, &ids[0]), retry(&b, &ids[0]));
    let (served, other) = match one.status.as_u16() {
        200 => (one, other),
        _ => (other, one),
    };
    assert_eq!(served.json()["status"], "succeeded", "{}", served.text());
    refused(&other, 409, "retry_in_progress");
    assert_eq!(world.sim.counters().requests, before + 1);
    refused(&retry(&b, &ids[0]).await, 409, "retry_too_frequent");

    // What fails on one replica is an error that the other finds, apart from clients' own.
    world.sim.clear_script();
    world.sim.script(overloaded());
    let result = retry(&b, &ids[1]).await.json();
    assert_eq!(result["status"], "failed", "{result}");
    world.sim.clear_script();
    let error = eventually("the new error's id", || async {
        let list = a.ops(&format!("errors/{}/retries", ids[1])).await;
        list["items"][0]["result_error_id"].as_i64()
    })
    .await;
    let error = a.ops(&format!("errors/{error}")).await;
    let source = a.ops(&format!("errors/{}", ids[1])).await;
    assert_eq!(error["replay_of"], source["id"]);
    assert_eq!(a.ops("errors?time_range=1h").await["total"], 3);
    assert_eq!(a.ops("errors?time_range=1h&replay=true").await["total"], 1);

    // One that ends leaves an attempt that others do not touch until it cannot be running any more; when it is
    // back it says so itself.
    world
        .sim
        .script(Rule::new(Fault::stall(Place::BeforeHeaders)));
    let path = format!("{}/api/v1/admin/ops/errors/{}/retry", b.url, ids[2]);
    let asking = tokio::spawn(async move {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .body(Full::<Bytes>::default())
            .unwrap();
        support::try_send(&client(), request).await.is_err()
    });
    let status = async |replica: &Binary| {
        let list = replica.ops(&format!("errors/{}/retries", ids[2])).await;
        let newest = list["items"].as_array()?.first()?.clone();
        Some((newest["status"].clone(), newest["error_message"].clone()))
    };
    eventually("it runs", || async {
        status(&a).await.filter(|(status, _)| status == "running")
    })
    .await;
    b.kill().await;
    assert!(asking.await.unwrap());
    refused(&retry(&a, &ids[2]).await, 409, "retry_in_progress");
    world.sim.clear_script();
    let b = world.replica("b").await;
    assert_eq!(
        status(&a).await.unwrap(),
        ("failed".into(), "interrupted".into())
    );
    drop((a, b));
}
