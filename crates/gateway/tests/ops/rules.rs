//! Classification rules through the real server: tried first, then applied to old and new alike.

use std::process::Output;

use crate::support::{
    ADMIN_TOKEN, Answer, CLIENT_KEY, Setup, World,
    binary::{Binary, waybill},
    client, eventually, key_of, message,
    replicas::Deployment,
    send,
};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use waybill_sim::{Fault, ProviderError as E, Rule};

const MESSAGES: &str = "/v1/messages";

const RULES: &str = "/ops/classification-rules";

async fn world() -> World {
    World::with(Setup {
        accounts: 1,
        ..Setup::default()
    })
    .await
}

fn refused(error: E) -> Fault {
    Fault::Provider {
        error,
        retry_after_ms: None,
        echo_key: false,
        headers: Default::default(),
    }
}

/// Fails once for a reason that is the request's own, so that it stops no account; answers the request's id.
async fn fail(world: &World, error: E) -> String {
    world
        .sim
        .script(Rule::new(refused(error)).key(&key_of("a1")).times(1));
    let answer = world.post(MESSAGES, message(false)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    answer.request_id().to_owned()
}

async fn serve(world: &World, times: usize) {
    for _ in 0..times {
        let answer = world.post(MESSAGES, message(false)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        world.request_row(answer.request_id()).await;
    }
}

/// What the provider rejects as malformed is ours.
fn ours() -> Value {
    json!({
        "name": "our prompts", "when": { "cause": "invalid_request", "message_contains": "VALID STRING" },
        "then": { "error_owner": "platform", "severity": "P1", "counts": true },
    })
}

async fn put(world: &World, version: i64, rules: Value) -> Answer {
    let form = json!({ "version": version, "note": "a try", "rules": rules });
    world.admin(Method::PUT, RULES, form.to_string()).await
}

async fn preview(world: &World, rules: Value) -> Value {
    let path = format!("{RULES}/preview?time_range=1h");
    let form = json!({ "rules": rules }).to_string();
    let answer = world.admin(Method::POST, &path, form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Waits until what is stored is judged by the version in force, and gives what is in force.
async fn applied(world: &World, version: i64) -> Value {
    eventually("what is stored is judged anew", || async move {
        let now = world.ops("classification-rules").await;
        assert_eq!(now["version"], version);
        (now["applied"]["is_done"] == true && now["applied"]["version"] == version).then_some(now)
    })
    .await
}

async fn total(world: &World, view: &str) -> Value {
    let list = world
        .ops(&format!("errors?view={view}&time_range=1h"))
        .await;
    list["total"].clone()
}

/// A failure without what only says by which version it was judged, and what its issue has counted by now.
fn by_itself(mut error: Value) -> Value {
    error["classification_version"].take();
    error["issue"].take();
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_tried_is_what_applying_makes_and_what_is_put_back_is_as_it_was() {
    let world = world().await;
    serve(&world, 6).await;
    let mut ids = Vec::new();
    for error in [
        E::BadRequest,
        E::ContextLength,
        E::BadRequest,
        E::BadRequest,
    ] {
        ids.push(fail(&world, error).await);
    }
    let before = world.error(&ids[0]).await;
    assert_eq!(
        (&before["classification_version"], &before["ruled_by"]),
        (&json!(0), &Value::Null)
    );
    let tried = preview(&world, json!([ours()])).await;
    assert_eq!(
        tried["sentence"], "would change 3 requests, SLA 100.00 → 66.66 %",
        "{tried}"
    );
    assert_eq!(
        (&tried["requests"], &tried["served"], &tried["is_whole"]),
        (&json!(10), &json!(6), &json!(true))
    );
    assert_eq!(
        tried["changes"]["error_owner"],
        json!([{ "from": "client", "to": "platform", "count": 3 }])
    );
    assert_eq!(tried["failures_before"], total(&world, "errors").await);
    assert_eq!(world.ops("classification-rules").await["version"], 0);

    let made = put(&world, 0, json!([ours()])).await;
    assert_eq!(made.status, 200, "{}", made.text());
    // New ones are judged by it at once.
    let new = fail(&world, E::BadRequest).await;
    let new = world.error(&new).await;
    assert_eq!(
        (
            &new["error_owner"],
            &new["severity"],
            &new["ruled_by"]["rule_name"]
        ),
        (&json!("platform"), &json!("P1"), &json!("our prompts"))
    );
    assert_eq!(new["ruled_by"]["built_in"]["error_owner"], "client");
    let now = applied(&world, 1).await;
    assert_eq!(now["applied"]["changed"], tried["would_change"]);
    assert_eq!(total(&world, "errors").await, 3 + 1);
    let ruled = world.error(&ids[0]).await;
    assert_eq!(
        (
            &ruled["error_owner"],
            &ruled["fingerprint"],
            &ruled["cause"]
        ),
        (&json!("platform"), &before["fingerprint"], &before["cause"])
    );
    let again = preview(&world, json!([ours()])).await;
    assert_eq!(again["would_change"], 0);
    // Of the ten that were there before, this is what was said.
    assert_eq!(again["failures_after"], 3 + 1);

    let path = format!("{RULES}/versions/1/restore");
    assert_eq!(put(&world, 1, json!([])).await.status, 200);
    applied(&world, 2).await;
    let back = world.error(&ids[0]).await;
    assert_eq!(back["classification_version"], 2);
    assert_eq!(by_itself(back), by_itself(before));
    assert_eq!(total(&world, "errors").await, 0);

    let stale = world
        .admin(Method::POST, &path, json!({ "version": 1 }).to_string())
        .await;
    assert_eq!(
        (stale.status.as_u16(), &stale.json()["code"]),
        (409, &json!("outdated"))
    );
    let restored = world
        .admin(Method::POST, &path, json!({ "version": 2 }).to_string())
        .await;
    assert_eq!(restored.status, 200, "{}", restored.text());
    let now = applied(&world, 3).await;
    assert_eq!(
        (&now["rules"], &now["note"]),
        (&made.json()["rules"], &json!("as in version 1"))
    );
    assert_eq!(total(&world, "errors").await, 3 + 1);
    let history = world.ops("classification-rules/versions").await;
    assert_eq!(
        (&history["total"], &history["items"][2]["by"]),
        (&json!(3), &json!("admin token"))
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_touches_the_verdict_and_nothing_else() {
    let world = world().await;
    let rule = json!({
        "name": "planned", "when": { "upstream_status_codes": [529], "model": "claude-*" },
        "then": { "cause": "content_filter", "counts": false },
    });
    assert_eq!(put(&world, 0, json!([rule])).await.status, 200);
    world.sim.script(
        Rule::new(refused(E::Overloaded))
            .key(&key_of("a1"))
            .times(1),
    );
    let answer = world.post(MESSAGES, message(false)).await;
    assert!(answer.status.is_server_error(), "{}", answer.text());
    let error = world.error(answer.request_id()).await;
    assert_eq!(
        (&error["cause"], &error["is_retryable"], &error["phase"]),
        (&json!("content_filter"), &json!(false), &json!("upstream"))
    );
    assert_eq!(error["ruled_by"]["built_in"]["cause"], "overloaded");
    // What the client was told, and what the attempt failed of, are facts.
    assert_eq!(error["type"], "overloaded_error");
    assert_eq!(error["attempts"][0]["cause"], "overloaded");
    let row = world.request_row(answer.request_id()).await;
    assert_eq!(row["cause"], "content_filter");
    // The account was stopped for what the provider said.
    let accounts = world.ops("account-availability").await.to_string();
    assert!(accounts.contains("overloaded"), "{accounts}");
    assert_eq!(total(&world, "errors").await, 0);
    assert_eq!(total(&world, "excluded").await, 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trial_runs_at_a_time_and_whoever_comes_meanwhile_is_told() {
    let world = world().await;
    let desk = &world.gateway.as_ref().unwrap().shared().rule_trials;
    let seat = desk.seat().unwrap();
    let path = format!("{RULES}/preview?time_range=1h");
    let form = json!({ "rules": [ours()] }).to_string();
    let refused = world.admin(Method::POST, &path, form).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["code"]),
        (409, &json!("preview_in_progress"))
    );
    drop(seat);
    preview(&world, json!([ours()])).await;
    assert!(desk.seat().is_some(), "given back");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_in_the_text_of_a_rule_is_not_kept() {
    let world = world().await;
    let mut rule = ours();
    rule["note"] = json!(format!("seen with {ADMIN_TOKEN}"));
    rule["when"]["message_contains"] = json!(format!("refused {ADMIN_TOKEN}"));
    let made = put(&world, 0, json!([rule])).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let kept = world.ops("classification-rules").await;
    let text = kept["rules"].to_string();
    assert!(
        text.contains("seen with ") && text.contains("refused "),
        "{text}"
    );
    assert!(!text.contains(ADMIN_TOKEN), "{text}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telemetry_counts_by_the_verdict_that_is_on_record() {
    let world = world().await;
    fail(&world, E::BadRequest).await;
    assert_eq!(put(&world, 0, json!([ours()])).await.status, 200);
    fail(&world, E::BadRequest).await;
    let page = world.metrics().await;
    for owner in ["client", "platform"] {
        let line = format!(
            "waybill_request_failures_total{{cause=\"invalid_request\",owner=\"{owner}\"}} 1"
        );
        assert!(page.contains(&line), "{line}: {page}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_cannot_be_is_refused_by_its_field_and_nothing_changes() {
    let world = world().await;
    let with = |when: Value, then: Value| json!([{ "name": "x", "when": when, "then": then }]);
    let long = "x".repeat(5_000);
    let many: Vec<Value> = (0..101)
        .map(|n| {
            let mut rule = ours();
            rule["name"] = json!(format!("rule {n}"));
            rule
        })
        .collect();
    let counts = json!({ "counts": false });
    let cases = [
        (with(json!({}), counts.clone()), "rules[0].when"),
        (with(json!({ "stream": true }), json!({})), "rules[0].then"),
        (
            with(json!({ "cause": "no_such" }), counts.clone()),
            "rules[0].when.cause",
        ),
        (
            with(json!({ "colour": "red" }), counts.clone()),
            "rules[0].when.colour",
        ),
        (
            with(
                json!({ "stream": true }),
                json!({ "cause": "gateway.internal" }),
            ),
            "rules[0].then.cause",
        ),
        (
            with(json!({ "message_contains": long }), counts.clone()),
            "rules[0].when.message_contains",
        ),
        (
            with(json!({ "status_codes": [4] }), counts.clone()),
            "rules[0].when.status_codes",
        ),
        (Value::Array(many), "rules"),
    ];
    for (rules, field) in cases {
        let path = format!("{RULES}/preview");
        let tried = json!({ "rules": rules }).to_string();
        for answer in [
            put(&world, 0, rules).await,
            world.admin(Method::POST, &path, tried).await,
        ] {
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["field"]),
                (400, &json!(field)),
                "{}",
                answer.text()
            );
        }
    }
    let huge = json!([{ "name": "x", "note": "x".repeat(2 << 20), "when": {}, "then": {} }]);
    assert_eq!(put(&world, 0, huge).await.status, 413);
    let mut unknown = ours();
    unknown["id"] = json!(7);
    assert_eq!(put(&world, 0, json!([unknown])).await.status, 400);
    let path = format!("{RULES}/preview?time_range=2h");
    let answer = world.admin(Method::POST, &path, r#"{"rules":[]}"#).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["parameter"]),
        (400, &json!("time_range"))
    );
    assert_eq!(world.ops("classification-rules").await["version"], 0);
    let missing = format!("{RULES}/versions/7");
    assert_eq!(world.admin(Method::GET, &missing, "").await.status, 404);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_changes_at_once_one_is_made() {
    let world = world().await;
    for version in 0..4 {
        let (one, other) = tokio::join!(
            put(&world, version, json!([ours()])),
            put(&world, version, json!([]))
        );
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
    }
    assert_eq!(world.ops("classification-rules").await["version"], 4);
    world.stop().await;
}

/// A token of somebody of this role.
async fn token(world: &World, role: &str) -> String {
    let form = json!({ "name": role, "password": "correct horse battery staple", "role": role });
    let made = world
        .admin(Method::POST, "/admin-users", form.to_string())
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let form = json!({ "name": "t", "role": role, "admin_user": role });
    let made = world.admin(Method::POST, "/tokens", form.to_string()).await;
    made.json()["token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_tries_rules_and_an_admin_changes_them() {
    let world = world().await;
    for (role, may_try) in [("viewer", false), ("operator", true)] {
        let token = token(&world, role).await;
        let ask = async |method: Method, path: &str, body: Value| {
            let request = Request::builder()
                .method(method)
                .uri(format!("{}/api/v1/admin{path}", world.url))
                .header("authorization", format!("Bearer {token}"))
                .body(Full::from(body.to_string()))
                .unwrap();
            world.send(request).await.status.as_u16()
        };
        assert_eq!(ask(Method::GET, RULES, Value::Null).await, 200);
        let history = format!("{RULES}/versions");
        assert_eq!(ask(Method::GET, &history, Value::Null).await, 200);
        let path = format!("{RULES}/preview");
        let tried = ask(Method::POST, &path, json!({ "rules": [ours()] }));
        assert_eq!(tried.await, if may_try { 200 } else { 403 });
        let form = json!({ "version": 0, "rules": [] });
        assert_eq!(ask(Method::PUT, RULES, form).await, 403);
        let path = format!("{RULES}/versions/1/restore");
        assert_eq!(ask(Method::POST, &path, json!({ "version": 0 })).await, 403);
    }
    assert_eq!(put(&world, 0, json!([ours()])).await.status, 200);
    let log = world
        .ops("audit-log?action=classification-rules.change")
        .await;
    let made = &log["items"][0];
    assert_eq!(
        (&made["actor"], &made["status"], &made["detail"]["version"]),
        (&json!("admin token"), &json!(200), &json!(1)),
        "{log}"
    );
    let log = world
        .ops("audit-log?action=classification-rules.preview")
        .await;
    assert_eq!(log["total"], 2, "{log}");
    world.stop().await;
}

async fn run(world: &World, args: &[&str]) -> Output {
    let variables = [
        ("WAYBILL_URL", world.url.as_str()),
        ("WAYBILL_ADMIN_TOKEN", ADMIN_TOKEN),
    ];
    waybill(&variables).args(args).output().await.unwrap()
}

async fn text(world: &World, args: &[&str]) -> String {
    let output = run(world, args).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_in_a_file_are_tried_applied_and_put_back_from_the_command_line() {
    let world = world().await;
    let id = fail(&world, E::BadRequest).await;
    let file = world.folder.path().join("rules.toml");
    let name = file.to_str().unwrap();
    std::fs::write(
        &file,
        "[[rules]]\nname = \"our prompts\"\nwhen = { cause = \"invalid_request\" }\n\
         then = { error_owner = \"platform\", counts = true }\n",
    )
    .unwrap();
    assert!(text(&world, &["rules", "list"]).await.contains("never"));
    let tried = text(
        &world,
        &["rules", "preview", "--file", name, "--time-range", "1h"],
    )
    .await;
    assert!(tried.starts_with("would change 1 request\n"), "{tried}");
    let made = text(
        &world,
        &["rules", "apply", "--file", name, "--note", "they are ours"],
    )
    .await;
    assert!(made.contains("our prompts"), "{made}");
    applied(&world, 1).await;
    let story = text(&world, &["errors", "show", &id]).await;
    assert!(
        story.contains("our prompts (1); without it invalid_request"),
        "{story}"
    );
    let history = text(&world, &["rules", "history"]).await;
    assert!(history.contains("they are ours"), "{history}");

    // What is listed as JSON can be applied as it is, once.
    let listed = text(&world, &["rules", "list", "--json"]).await;
    let kept = world.folder.path().join("rules.json");
    std::fs::write(&kept, listed).unwrap();
    let kept = kept.to_str().unwrap();
    text(&world, &["rules", "apply", "--file", kept]).await;
    let late = run(&world, &["rules", "apply", "--file", kept]).await;
    assert_eq!(late.status.code(), Some(1));
    let said = String::from_utf8_lossy(&late.stderr).into_owned();
    assert!(said.contains("version 2 is in force"), "{said}");
    let back = text(&world, &["rules", "restore", "1", "--json"]).await;
    let back: Value = serde_json::from_str(&back).unwrap();
    assert_eq!(back["version"], 3);
    world.stop().await;
}

/// One request to a process; answers its id.
async fn post(process: &Binary) -> String {
    let request = Request::post(format!("{}{MESSAGES}", process.url))
        .header("x-api-key", CLIENT_KEY)
        .header("anthropic-version", "2023-06-01")
        .body(Full::from(message(false)));
    let answer = send(&client(), request.unwrap()).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    answer.request_id().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_on_one_replica_holds_on_all_and_for_what_was_on_its_way() {
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
    let mut ids = Vec::new();
    for round in 0..30 {
        for replica in [&one, &other] {
            ids.push(post(replica).await);
        }
        if round == 15 {
            let form = json!({ "version": 0, "rules": [ours()] }).to_string();
            let made = one.admin(Method::PUT, RULES, form).await;
            assert_eq!(made.status, 200, "{}", made.text());
        }
    }
    // Whoever wrote it, and by whichever version: all are judged by the one in force.
    let ruled = |replica| async move {
        let replica: &Binary = replica;
        let list = replica
            .ops("errors?view=errors&time_range=1h&owner=platform&page_size=1")
            .await;
        list["total"].as_u64().unwrap()
    };
    let replica = &other;
    eventually("all are judged by it", || async move {
        (ruled(replica).await == 60).then_some(())
    })
    .await;
    assert_eq!(ruled(&one).await, 60);
    // The other replica's recorder knows it by now, or soon.
    eventually("new ones are judged by it on the other", || async move {
        let id = post(replica).await;
        let error = eventually("it is stored", || async {
            let answer = replica
                .admin(Method::GET, &format!("/ops/errors/{id}"), String::new())
                .await;
            (answer.status == 200).then(|| answer.json())
        })
        .await;
        (error["ruled_by"]["rule_name"] == "our prompts").then_some(())
    })
    .await;
}
