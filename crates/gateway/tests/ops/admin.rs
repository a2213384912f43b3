//! The admin API of a real gateway: who may use it, what it says, and that what it changes acts.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::support::{self, ADMIN_TOKEN, Answer, Setup, World, chat, key_of, message};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use waybill_gateway::{admin, clock::Clock};
use waybill_sim::{Fault, ProviderError, Rule};

const API: &str = "/api/v1/admin";

async fn bare(world: &World, method: Method, path: &str, token: Option<&str>) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", world.url));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    world
        .send(request.body(Full::new(Bytes::new())).unwrap())
        .await
}

/// A change that must succeed.
async fn change(world: &World, method: Method, path: &str, body: Value) -> Value {
    let answer = world.admin(method.clone(), path, body.to_string()).await;
    assert!(
        answer.status.is_success(),
        "{method} {path}: {}",
        answer.text()
    );
    if answer.body.is_empty() {
        Value::Null
    } else {
        answer.json()
    }
}

/// A refused one: status and problem.
async fn refused(world: &World, method: Method, path: &str, body: &str) -> Value {
    let answer = world.admin(method.clone(), path, body.to_owned()).await;
    assert!(
        answer.status.is_client_error(),
        "{method} {path} {body}: {} {}",
        answer.status,
        answer.text()
    );
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{path}"
    );
    let problem = answer.json();
    assert_eq!(problem["status"], answer.status.as_u16(), "{problem}");
    for member in ["type", "title", "detail", "code"] {
        assert!(problem[member].is_string(), "{problem}");
    }
    problem
}

async fn with_key(world: &World, key: &str) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}/v1/messages", world.url))
        .header("x-api-key", key)
        .header("anthropic-version", "2023-06-01")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(message(false))))
        .unwrap();
    world.send(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_but_the_public_ones_refuses_who_bears_no_token() {
    let clock = Arc::new(AtomicI64::new(1_800_000_000_000));
    let world = World::with(Setup {
        clock: Clock::Manual(Arc::clone(&clock)),
        ..Setup::default()
    })
    .await;
    for admin::Described {
        method,
        path,
        public,
        ..
    } in admin::table()
    {
        let path = path.replace("{id}", "1");
        for token in [None, Some("wrong"), Some(support::CLIENT_KEY)] {
            // So that wrong tokens are not too many at once.
            clock.fetch_add(7_200_000, Ordering::Relaxed);
            let answer = bare(&world, method.clone(), &path, token).await;
            let story = format!(
                "{method} {path} {token:?}: {} {}",
                answer.status,
                answer.text()
            );
            if public {
                assert_ne!(answer.status, 401, "{story}");
            } else {
                assert_eq!(answer.status, 401, "{story}");
                assert!(
                    answer
                        .header("www-authenticate")
                        .unwrap()
                        .starts_with("Bearer"),
                    "{story}"
                );
                assert_eq!(answer.json()["code"], "unauthorized", "{story}");
            }
        }
    }
    // Who bears no token does not learn which paths there are.
    for path in ["/api", "/api/v1/admin/secret", "/api/v2"] {
        assert_eq!(
            bare(&world, Method::GET, path, None).await.status,
            401,
            "{path}"
        );
        assert_eq!(
            bare(&world, Method::GET, path, Some(ADMIN_TOKEN))
                .await
                .status,
            404,
            "{path}"
        );
    }
    let answer = bare(
        &world,
        Method::DELETE,
        &format!("{API}/ops/errors"),
        Some(ADMIN_TOKEN),
    )
    .await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["code"].clone()),
        (405, json!("method_not_allowed"))
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_an_account_and_a_key_made_over_the_api_serve_the_next_request() {
    let world = World::new().await;
    let group = change(
        &world,
        Method::POST,
        "/groups",
        json!({"name": "new", "platform": "anthropic"}),
    )
    .await;
    let account = change(
        &world,
        Method::POST,
        "/accounts",
        json!({"name": "n1", "platform": "anthropic", "groups": ["new"], "base_url": world.sim.url(),
               "credential": {"api_key": "sk-ant-api03-planted-0123456789"}, "concurrency": 4,
               "model_mapping": [{"from": "claude-*", "to": "claude-sonnet-4-5"}]}),
    )
    .await;
    assert_eq!(account["groups"], json!(["new"]));
    assert_eq!(account["group_ids"], json!([group["id"]]));
    let made = change(
        &world,
        Method::POST,
        "/api-keys",
        json!({"name": "k1", "groups": [group["id"]]}),
    )
    .await;
    let key = made["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("sk-wb-") && key.len() > 30, "{key}");
    assert_eq!(made["user"], "default");

    let answer = with_key(&world, &key).await;
    assert_eq!(answer.status, 200, "{}", answer.text());

    // Neither the key nor the credential comes out again.
    for path in [
        "/accounts",
        "/api-keys",
        &format!("/accounts/{}", account["id"]),
        &format!("/api-keys/{}", made["id"]),
    ] {
        let shown = world.admin(Method::GET, path, "").await.text();
        assert!(
            !shown.contains("planted") && !shown.contains(&key),
            "{shown}"
        );
    }

    // A disabled account, a disabled key, a deleted key: each acts on the next request.
    let account_path = format!("/accounts/{}", account["id"]);
    assert_eq!(
        change(
            &world,
            Method::POST,
            &format!("{account_path}/disable"),
            json!(null)
        )
        .await["status"],
        "disabled"
    );
    assert_eq!(with_key(&world, &key).await.status, 503);
    assert_eq!(
        change(
            &world,
            Method::POST,
            &format!("{account_path}/enable"),
            json!(null)
        )
        .await["status"],
        "active"
    );
    assert_eq!(with_key(&world, &key).await.status, 200);
    let key_path = format!("/api-keys/{}", made["id"]);
    change(
        &world,
        Method::PATCH,
        &key_path,
        json!({"status": "disabled"}),
    )
    .await;
    assert_eq!(with_key(&world, &key).await.status, 403);
    change(&world, Method::PUT, &key_path, json!({"status": "active"})).await;
    assert_eq!(with_key(&world, &key).await.status, 200);
    assert_eq!(
        refused(
            &world,
            Method::DELETE,
            &format!("/groups/{}", group["id"]),
            ""
        )
        .await["code"],
        "in_use"
    );
    change(&world, Method::DELETE, &key_path, json!(null)).await;
    assert_eq!(with_key(&world, &key).await.status, 401);
    change(&world, Method::DELETE, &account_path, json!(null)).await;
    change(
        &world,
        Method::DELETE,
        &format!("/groups/{}", group["id"]),
        json!(null),
    )
    .await;
    assert_eq!(
        refused(&world, Method::GET, &account_path, "").await["code"],
        "not_found"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_touches_only_what_it_names_and_null_takes_a_limit_away() {
    let world = World::new().await;
    let accounts = change(&world, Method::GET, "/accounts", json!(null)).await;
    assert_eq!(accounts["total"], 6);
    let before = accounts["items"][0].clone();
    let path = format!("/accounts/{}", before["id"]);
    let limited = change(&world, Method::PATCH, &path, json!({"concurrency": 3})).await;
    assert_eq!(limited["concurrency"], 3);
    let free = change(
        &world,
        Method::PATCH,
        &path,
        json!({"concurrency": null, "models": ["claude-*"]}),
    )
    .await;
    assert_eq!(
        (&free["concurrency"], &free["models"]),
        (&Value::Null, &json!(["claude-*"]))
    );
    for same in [
        "name",
        "base_url",
        "groups",
        "priority",
        "platform",
        "status",
        "created_at",
    ] {
        assert_eq!(free[same], before[same], "{same}");
    }
    let paged = change(
        &world,
        Method::GET,
        "/accounts?page=2&page_size=4",
        json!(null),
    )
    .await;
    assert_eq!(
        (paged["items"].as_array().unwrap().len(), &paged["total"]),
        (2, &json!(6))
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_a_group_serves_is_said_shown_and_changed() {
    let world = World::new().await;
    let post = |path: &'static str, form: Value| change(&world, Method::POST, path, form);
    let group = |name: &str, more: Value| {
        let mut form = json!({"name": name, "platform": "antigravity"});
        form.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        form
    };
    let unsaid = post("/groups", group("unsaid", json!({}))).await;
    assert_eq!(unsaid["protocols"], json!(["anthropic", "gemini"]));
    let said = post("/groups", group("said", json!({"protocols": ["gemini"]}))).await;
    assert_eq!(said["protocols"], json!(["gemini"]));
    let path = format!("/groups/{}", said["id"]);
    let to = json!({"protocols": ["openai", "gemini"]});
    let changed = change(&world, Method::PATCH, &path, to.clone()).await;
    assert_eq!(changed["protocols"], to["protocols"]);
    let renamed = change(&world, Method::PATCH, &path, json!({"name": "other"})).await;
    assert_eq!(renamed["protocols"], to["protocols"]);
    for (method, path) in [(Method::POST, "/groups"), (Method::PATCH, path.as_str())] {
        for (protocols, code) in [
            (json!([]), "invalid_field"),
            (json!(["gemini", "gemini"]), "invalid_field"),
            (json!(["antigravity"]), "invalid_body"),
        ] {
            let form = match method {
                Method::POST => group("x", json!({"protocols": protocols})),
                _ => json!({"protocols": protocols}),
            };
            let refused = refused(&world, method.clone(), path, &form.to_string()).await;
            assert_eq!(refused["code"], code, "{refused}");
            let field = refused["field"].as_str().unwrap();
            assert!(field.starts_with("protocols"), "{refused}");
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_else_and_how_an_account_is_spoken_to_is_said_shown_and_changed() {
    let world = World::new().await;
    let account = |platform: &str, more: Value| {
        let mut form = json!({"name": format!("new {platform}"), "platform": platform,
            "credential": {"api_key": "sk-x"}});
        form.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        form
    };
    let post = |form: Value| change(&world, Method::POST, "/accounts", form);
    let openai = post(account("openai", json!({}))).await;
    assert_eq!(openai["apis"], json!(["chat_completions", "responses"]));
    assert_eq!(
        (&openai["fallback_urls"], &openai["project"]),
        (&json!([]), &Value::Null)
    );
    let urls = json!(["https://b.test", "https://c.test/prefix"]);
    let cloud = post(account(
        "antigravity",
        json!({"project": "p-1", "fallback_urls": urls}),
    ))
    .await;
    assert_eq!(
        (&cloud["project"], &cloud["fallback_urls"], &cloud["apis"]),
        (&json!("p-1"), &urls, &json!([]))
    );

    let openai = format!("/accounts/{}", openai["id"]);
    let cloud = format!("/accounts/{}", cloud["id"]);
    let patch = |path: String, form: Value| {
        let world = &world;
        async move { change(world, Method::PATCH, &path, form).await }
    };
    let chat = patch(openai.clone(), json!({"apis": ["chat_completions"]})).await;
    assert_eq!(chat["apis"], json!(["chat_completions"]));
    let same = patch(cloud.clone(), json!({"priority": 3})).await;
    assert_eq!(
        (&same["project"], &same["fallback_urls"]),
        (&json!("p-1"), &urls)
    );
    let bare = patch(cloud.clone(), json!({"project": null, "fallback_urls": []})).await;
    assert_eq!(
        (&bare["project"], &bare["fallback_urls"]),
        (&Value::Null, &json!([]))
    );
    patch(cloud.clone(), json!({"fallback_urls": urls})).await;

    for (method, path, form, field) in [
        (
            Method::POST,
            "/accounts",
            account("gemini", json!({"apis": ["responses"]})),
            "apis",
        ),
        (
            Method::POST,
            "/accounts",
            account("openai", json!({"apis": []})),
            "apis",
        ),
        (
            Method::POST,
            "/accounts",
            account("openai", json!({"project": "p"})),
            "project",
        ),
        (
            Method::POST,
            "/accounts",
            account("antigravity", json!({"project": ""})),
            "project",
        ),
        (
            Method::POST,
            "/accounts",
            account(
                "openai",
                json!({"fallback_urls": ["https://b.test", "ftp://x"]}),
            ),
            "fallback_urls[1]",
        ),
        (Method::PATCH, &openai, json!({"project": "p"}), "project"),
        (Method::PATCH, &openai, json!({"apis": []}), "apis"),
        (
            Method::PATCH,
            &cloud,
            json!({"apis": ["responses"]}),
            "apis",
        ),
        (
            Method::PATCH,
            &cloud,
            json!({"fallback_urls": ["http://169.254.169.254"]}),
            "fallback_urls[0]",
        ),
        // It would be its own fallback.
        (
            Method::PATCH,
            &cloud,
            json!({"base_url": "https://c.test/prefix"}),
            "fallback_urls[1]",
        ),
    ] {
        let refused = refused(&world, method, path, &form.to_string()).await;
        assert_eq!(
            (&refused["code"], &refused["field"]),
            (&json!("invalid_field"), &json!(field)),
            "{refused}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_cannot_be_is_refused_with_the_field_at_fault() {
    let world = World::new().await;
    let account = |change: Value| {
        let mut form =
            json!({"name": "x", "platform": "openai", "credential": {"api_key": "sk-x"}});
        form.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        form.to_string()
    };
    let cases = [
        (
            "/accounts",
            account(json!({"name": ""})),
            "invalid_field",
            "name",
        ),
        (
            "/accounts",
            account(json!({"name": "a1"})),
            "name_taken",
            "name",
        ),
        (
            "/accounts",
            account(json!({"base_url": "ftp://x"})),
            "invalid_field",
            "base_url",
        ),
        (
            "/accounts",
            account(json!({"base_url": "https://u:p@x"})),
            "invalid_field",
            "base_url",
        ),
        (
            "/accounts",
            account(json!({"concurrency": 0})),
            "invalid_field",
            "concurrency",
        ),
        (
            "/accounts",
            account(json!({"concurrency": -1})),
            "invalid_body",
            "concurrency",
        ),
        (
            "/accounts",
            account(json!({"platform": "azure"})),
            "invalid_body",
            "platform",
        ),
        (
            "/accounts",
            account(json!({"groups": ["nowhere"]})),
            "invalid_field",
            "groups[0]",
        ),
        (
            "/accounts",
            account(json!({"groups": ["gpt", "claude"]})),
            "invalid_field",
            "groups[1]",
        ),
        (
            "/accounts",
            account(json!({"models": ["a*b"]})),
            "invalid_field",
            "models[0]",
        ),
        (
            "/accounts",
            account(json!({"model_mapping": [{"from": "a", "to": "b*"}]})),
            "invalid_field",
            "model_mapping[0].to",
        ),
        (
            "/accounts",
            account(json!({"credential": {"api_key": "a\nb"}})),
            "invalid_field",
            "credential.api_key",
        ),
        (
            "/accounts",
            account(json!({"credential": {}})),
            "invalid_field",
            "credential.api_key",
        ),
        (
            "/accounts",
            account(json!({"colour": "red"})),
            "invalid_body",
            "colour",
        ),
        (
            "/groups",
            json!({"name": "claude", "platform": "anthropic"}).to_string(),
            "name_taken",
            "name",
        ),
        (
            "/users",
            json!({"name": " a"}).to_string(),
            "invalid_field",
            "name",
        ),
        (
            "/api-keys",
            json!({"name": "k", "key": "short"}).to_string(),
            "invalid_field",
            "key",
        ),
        (
            "/api-keys",
            json!({"name": "k", "key": support::CLIENT_KEY}).to_string(),
            "key_taken",
            "key",
        ),
        (
            "/api-keys",
            json!({"name": "k", "groups": []}).to_string(),
            "invalid_field",
            "groups",
        ),
        (
            "/api-keys",
            json!({"name": "k", "user": "nobody"}).to_string(),
            "invalid_field",
            "user",
        ),
        (
            "/api-keys",
            json!({"name": "k", "expires_at": "2001-01-01T00:00:00Z"}).to_string(),
            "invalid_field",
            "expires_at",
        ),
    ];
    for (path, body, code, field) in cases {
        let problem = refused(&world, Method::POST, path, &body).await;
        assert_eq!(
            (problem["code"].as_str(), problem["field"].as_str()),
            (Some(code), Some(field)),
            "{body}: {problem}"
        );
    }
    for body in ["", "{", "[1]", "null", "{}x"] {
        let problem = refused(&world, Method::POST, "/groups", body).await;
        assert_eq!(problem["code"], "invalid_body", "{body}: {problem}");
    }
    let problem = refused(&world, Method::POST, "/groups", "{\"name\": \"x\", }").await;
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("line 1 column"),
        "{problem}"
    );
    let problem = refused(
        &world,
        Method::POST,
        "/users",
        &format!("{{\"name\": \"{}\"}}", "x".repeat(2 << 20)),
    )
    .await;
    assert_eq!(problem["code"], "body_too_large");
    assert_eq!(
        refused(&world, Method::PATCH, "/users/99", "{}").await["code"],
        "not_found"
    );
    assert_eq!(
        refused(&world, Method::GET, "/users/me", "").await["parameter"],
        "id"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_the_wrong_shape_is_refused_by_field_and_shape_and_never_repeated() {
    let world = World::new().await;
    let secret = "sk-hunter2, expected hunter2";
    let of_account = |field: &str, value: Value| {
        let mut form =
            json!({"name": "x", "platform": "openai", "credential": {"api_key": "sk-x"}});
        form[field] = value;
        form
    };
    let cases = [
        (
            "/accounts",
            of_account("credential", json!(secret)),
            "credential",
            "an object",
        ),
        (
            "/accounts",
            of_account("credential", json!({"api_key": [secret]})),
            "credential.api_key",
            "a string",
        ),
        (
            "/accounts",
            of_account("credential", json!({"apikey": secret})),
            "credential.apikey",
            "unknown field `apikey`",
        ),
        (
            "/accounts",
            of_account("platform", json!(secret)),
            "platform",
            "`openai`",
        ),
        (
            "/accounts",
            of_account("priority", json!(secret)),
            "priority",
            "a whole number",
        ),
        (
            "/accounts",
            of_account("models", json!(secret)),
            "models",
            "an array",
        ),
        (
            "/accounts",
            of_account("model_mapping", json!([secret])),
            "model_mapping[0]",
            "an object",
        ),
        (
            "/api-keys",
            json!({"name": "k", "key": {"is": secret}}),
            "key",
            "a string",
        ),
        (
            "/api-keys",
            json!({"name": "k", "expires_at": secret}),
            "expires_at",
            "RFC 3339",
        ),
        (
            "/groups",
            json!({"name": "g", "platform": 5, "x": secret}),
            "platform",
            "cannot be read",
        ),
        (
            "/users",
            json!({"name": "u", "status": secret}),
            "status",
            "`active`",
        ),
        (
            "/accounts",
            of_account("base_url", json!("https://u:hunter2@host")),
            "base_url",
            "user and password",
        ),
    ];
    for (path, body, field, says) in cases {
        let problem = refused(&world, Method::POST, path, &body.to_string()).await;
        assert_eq!(problem["field"], field, "{body}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{body}: {problem}");
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
    for path in ["/accounts", "/groups", "/users", "/api-keys"] {
        let problem = refused(&world, Method::POST, path, &json!(secret).to_string()).await;
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_cannot_be_read_is_refused_by_the_parameters_name() {
    let world = World::new().await;
    for (path, code, parameter) in [
        (
            "/ops/errors?time_range=2h",
            "invalid_parameter",
            "time_range",
        ),
        ("/ops/errors?modle=x", "unknown_parameter", "modle"),
        (
            "/ops/errors?start_time=2020-01-01T00:00:00Z",
            "window_too_long",
            "start_time",
        ),
        (
            "/ops/errors?page_size=501",
            "invalid_parameter",
            "page_size",
        ),
        ("/ops/errors?cursor=zz", "invalid_parameter", "cursor"),
        ("/ops/errors/x", "invalid_parameter", "id"),
        ("/ops/errors/%ff", "invalid_parameter", "id"),
        ("/groups/%ff", "invalid_parameter", "id"),
        (
            "/ops/upstream-errors?status_codes=4xx",
            "invalid_parameter",
            "status_codes",
        ),
        ("/ops/requests?stream=maybe", "invalid_parameter", "stream"),
        ("/ops/noise?model=x", "unknown_parameter", "model"),
        ("/ops/books?x=1", "unknown_parameter", "x"),
        ("/accounts?platform=openai", "unknown_parameter", "platform"),
    ] {
        let problem = refused(&world, Method::GET, path, "").await;
        assert_eq!(
            (problem["code"].as_str(), problem["parameter"].as_str()),
            (Some(code), Some(parameter)),
            "{path}"
        );
    }
    assert_eq!(
        refused(&world, Method::GET, "/ops/errors/12345", "").await["code"],
        "not_found"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_found_by_either_id_and_can_be_marked_as_dealt_with() {
    let world = World::new().await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)));
    let answer = world.post("/v1/messages", message(false)).await;
    assert!(answer.status.is_server_error(), "{}", answer.text());
    let by_request = world.error(answer.request_id()).await;
    let id = by_request["id"].as_i64().unwrap();
    assert_eq!(world.ops(&format!("errors/{id}")).await, by_request);
    let attempts = world.ops(&format!("errors/{id}/upstream-errors")).await;
    assert_eq!(attempts["events"].as_array().unwrap().len(), 2);
    let event = &attempts["events"][0]["id"];
    assert_eq!(
        world.ops(&format!("upstream-errors/{event}")).await["error_id"],
        id
    );

    let path = format!("/ops/errors/{id}/resolve");
    assert_eq!(
        change(&world, Method::PUT, &path, json!({"resolved": true})).await["resolved"],
        true
    );
    assert_eq!(world.ops("errors?resolved=true").await["total"], 1);
    assert_eq!(world.ops("errors?resolved=false").await["total"], 0);
    assert_eq!(
        refused(&world, Method::PUT, &path, "{}").await["code"],
        "invalid_body"
    );

    // Only what was written after the last look is new.
    assert_eq!(
        world.ops(&format!("errors?after_id={id}")).await["total"],
        0
    );
    // On other accounts: those of the first failure are left alone for a while.
    let second = world.post("/v1/chat/completions", chat(false)).await;
    let new = world.ops(&format!("errors?after_id={id}")).await;
    assert_eq!(new["total"], 1);
    assert_eq!(new["errors"][0]["request_id"], second.request_id());
    assert_eq!(
        world
            .ops(&format!(
                "upstream-errors?after_id={}",
                attempts["events"][0]["id"]
            ))
            .await["total"],
        2
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_balance_and_the_metrics_say_the_same() {
    let world = World::new().await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Internal)).key(&key_of("a1")));
    for _ in 0..5 {
        assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
    }
    assert_eq!(with_key(&world, "nobody's key").await.status, 401);
    let books = world.ops("books").await;
    let count = |name: &str| books[name].as_u64().unwrap();
    assert_eq!(
        count("due"),
        count("stored") + count("spooled") + count("counted_lost")
    );
    assert!(
        count("due") >= 5 && count("counted_lost") == 0 && count("released_early") == 0,
        "{books}"
    );
    assert_eq!(
        (&books["losses"], &books["set_aside_records"]),
        (&json!([]), &json!([]))
    );

    let metrics = bare(&world, Method::GET, "/metrics", Some(ADMIN_TOKEN)).await;
    assert!(
        metrics
            .header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let text = metrics.text();
    for line in [
        "waybill_store_up 1",
        "waybill_requests_in_flight 0",
        "waybill_account_in_flight{account=\"a1\"} 0",
        "waybill_records_lost_total 0",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
    let noise = support::eventually("noise is written", || async {
        let noise = world.ops("noise?time_range=1h").await;
        (noise["total"] == 1).then_some(noise)
    })
    .await;
    assert_eq!(noise["items"][0]["count"], 1);
    assert_eq!(
        bare(&world, Method::GET, "/readyz", None).await.json(),
        json!({"ready": true, "reasons": []})
    );
    world.stop().await;
}

/// The names and kinds of an answer's fields, without the values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        Value::Array(items) => items.first().map(shape).into_iter().collect(),
        Value::String(_) => json!("string"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("bool"),
        Value::Null => json!("null"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shapes_of_answers_are_a_contract() {
    // One account: whether a second attempt finds the connection of the first is a matter of moments.
    let world = World::with(Setup {
        accounts: 1,
        ..Setup::default()
    })
    .await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::RateLimitRequests)));
    let failed = world.post("/v1/messages", message(true)).await;
    assert!(failed.status.is_client_error(), "{}", failed.text());
    support::eventually("the request is listed", || async {
        (world.ops("requests").await["total"] == 1).then_some(())
    })
    .await;
    let id = failed.request_id();
    support::eventually("the failure is on its issue", || async {
        let issue = &world.error(id).await["issue"];
        (!issue.is_null()).then_some(())
    })
    .await;
    insta::assert_json_snapshot!("errors", shape(&world.ops("errors").await));
    insta::assert_json_snapshot!("error", shape(&world.error(id).await));
    insta::assert_json_snapshot!(
        "upstream_errors",
        shape(&world.ops("upstream-errors").await)
    );
    insta::assert_json_snapshot!("requests", shape(&world.ops("requests").await));
    insta::assert_json_snapshot!("books", shape(&world.ops("books").await));
    insta::assert_json_snapshot!(
        "accounts",
        shape(&change(&world, Method::GET, "/accounts", json!(null)).await)
    );
    insta::assert_json_snapshot!(
        "api_keys",
        shape(&change(&world, Method::GET, "/api-keys", json!(null)).await)
    );
    let problem = refused(&world, Method::GET, "/ops/errors?time_range=2h", "").await;
    insta::assert_json_snapshot!("problem", problem);
    world.stop().await;
}
