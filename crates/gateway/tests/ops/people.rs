//! Who may do what, at a real gateway: roles, personal tokens, sessions, throttling, the first set-up, and the
//! audit log of all of it.

mod totp;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::support::{self, ADMIN_TOKEN, Answer, Setup, World, message};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use waybill_gateway::{admin, clock::Clock};
use waybill_model::people::Role;
use waybill_sim::{Fault, ProviderError, Rule};

const API: &str = "/api/v1/admin";
const PASSWORD: &str = "correct horse battery staple";
const NOW: i64 = 1_800_000_000_000;
const HOUR: i64 = 3_600_000;

/// A gateway whose clock stands still until it is moved.
struct Place {
    world: World,
    clock: Arc<AtomicI64>,
}

impl Place {
    async fn new() -> Place {
        let clock = Arc::new(AtomicI64::new(NOW));
        let world = World::with(Setup {
            clock: Clock::Manual(Arc::clone(&clock)),
            ..Setup::default()
        })
        .await;
        Place { world, clock }
    }

    fn wait(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    /// Asks with these headers.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.world.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Value::Null => Bytes::new(),
            body => Bytes::from(body.to_string()),
        };
        let request = request.body(Full::new(body)).unwrap();
        self.world.send(request).await
    }

    /// Asks with a token, or with none.
    async fn with(&self, token: Option<&str>, method: Method, path: &str, body: Value) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = bearer
            .iter()
            .map(|text| ("authorization", text.as_str()))
            .collect();
        self.ask(method, &format!("{API}{path}"), &headers, body)
            .await
    }

    /// Asks with the configured admin token; it must succeed.
    #[track_caller]
    fn admin(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> impl Future<Output = Value> + use<'_> {
        let path = path.to_owned();
        async move {
            let answer = self.with(Some(ADMIN_TOKEN), method, &path, body).await;
            assert!(answer.status.is_success(), "{path}: {}", answer.text());
            match answer.body.is_empty() {
                true => Value::Null,
                false => answer.json(),
            }
        }
    }

    /// An admin user of this name and role.
    async fn user(&self, name: &str, role: &str) -> Value {
        let form = json!({"name": name, "password": PASSWORD, "role": role});
        self.admin(Method::POST, "/admin-users", form).await
    }

    /// A token of somebody's.
    async fn token(&self, form: Value) -> String {
        let made = self.admin(Method::POST, "/tokens", form).await;
        made["token"].as_str().unwrap().to_owned()
    }

    /// One token per role, each of a user of the role's name.
    async fn tokens(&self) -> Vec<(Role, String)> {
        let mut all = Vec::new();
        for role in Role::ALL {
            let name = role.as_str();
            self.user(name, name).await;
            let form = json!({"name": "t", "role": name, "admin_user": name});
            all.push((*role, self.token(form).await));
        }
        all
    }

    async fn sign_in(&self, name: &str, password: &str) -> Answer {
        let form = json!({"name": name, "password": password});
        self.with(None, Method::POST, "/sign-in", form).await
    }

    /// The audit log, newest first.
    async fn log(&self, query: &str) -> Vec<Value> {
        let path = format!("/ops/audit-log?page_size=500&{query}");
        let list = self.admin(Method::GET, &path, Value::Null).await;
        list["items"].as_array().unwrap().clone()
    }

    async fn failed_request(&self) -> i64 {
        let world = &self.world;
        world
            .sim
            .script(Rule::new(Fault::provider(ProviderError::Overloaded)));
        let answer = world.post("/v1/messages", message(false)).await;
        assert!(answer.status.is_server_error(), "{}", answer.text());
        world.error(answer.request_id()).await["id"]
            .as_i64()
            .unwrap()
    }
}

/// What a browser keeps of a sign-in: the cookie, and what changes have to bear.
fn session(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cookie = answer.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_owned();
    (
        cookie,
        answer.json()["csrf_token"].as_str().unwrap().to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_but_the_public_ones_needs_somebody_of_its_role() {
    let place = Place::new().await;
    let tokens = place.tokens().await;
    let expires_at = "2027-01-15T08:00:30Z";
    let form =
        json!({"name": "short", "role": "admin", "admin_user": "admin", "expires_at": expires_at});
    let expired = place.token(form).await;
    let works = place
        .with(Some(&expired), Method::GET, "/me", Value::Null)
        .await;
    assert_eq!(works.status, 200, "{}", works.text());
    place.wait(31_000);

    let document = serde_json::to_value(admin::document()).unwrap();
    let mut public = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let url = path.replace("{id}", "999999");
            if operation["security"] == json!([{}]) {
                public.push(format!("{method} {path}"));
                continue;
            }
            for token in [
                None,
                Some("wrong"),
                Some(support::CLIENT_KEY),
                Some(expired.as_str()),
            ] {
                // So that wrong tokens are not too many at once.
                place.wait(2 * HOUR);
                let bearer = token.map(|token| format!("Bearer {token}"));
                let headers: Vec<_> = bearer
                    .iter()
                    .map(|b| ("authorization", b.as_str()))
                    .collect();
                let answer = place.ask(method.clone(), &url, &headers, Value::Null).await;
                assert_eq!(
                    answer.status,
                    401,
                    "{method} {path} {token:?}: {}",
                    answer.text()
                );
                assert_eq!(answer.json()["code"], "unauthorized");
            }
            let route = admin::table()
                .into_iter()
                .find(|route| route.method == method && route.path == path);
            let needs = route.unwrap().needs;
            for (role, token) in &tokens {
                let bearer = format!("Bearer {token}");
                let headers = [("authorization", bearer.as_str())];
                if role.reaches(needs) {
                    continue;
                }
                let answer = place.ask(method.clone(), &url, &headers, json!({})).await;
                assert_eq!(
                    answer.status,
                    403,
                    "{method} {path} {role}: {}",
                    answer.text()
                );
                let problem = answer.json();
                assert_eq!(problem["code"], "forbidden", "{problem}");
                let detail = problem["detail"].as_str().unwrap();
                assert!(detail.contains(needs.as_str()), "{problem}");
            }
        }
    }
    public.sort();
    assert_eq!(
        public,
        [
            "GET /api/v1/admin/setup",
            "GET /healthz",
            "GET /readyz",
            "POST /api/v1/admin/setup",
            "POST /api/v1/admin/sign-in",
        ]
    );
    place.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_changes_something_is_written_down_before_the_answer_leaves() {
    let place = Place::new().await;
    for route in admin::table() {
        if !route.changes() {
            continue;
        }
        place.wait(2 * HOUR);
        let url = route.path.replace("{id}", "999999");
        let bearer = format!("Bearer {ADMIN_TOKEN}");
        let headers = [("authorization", bearer.as_str())];
        let answer = place
            .ask(route.method.clone(), &url, &headers, json!({}))
            .await;
        let name = route.action().name;
        let found = place.log(&format!("action={name}&time_range=1h")).await;
        let story = format!("{} {}: {}", route.method, route.path, answer.text());
        assert_eq!(found.len(), 1, "{story}");
        assert_eq!(found[0]["status"], answer.status.as_u16(), "{story}");
        let actor = if route.public {
            "unknown"
        } else {
            "admin token"
        };
        assert_eq!(found[0]["actor"], actor, "{story}");
        if route.path.contains("{id}") {
            assert_eq!(found[0]["subject_id"], "999999", "{story}");
        }
    }
    place.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_sees_no_bodies_and_resolves_nothing_and_an_operator_does_both() {
    let place = Place::new().await;
    let tokens = place.tokens().await;
    let of = |role: Role| {
        tokens
            .iter()
            .find(|(r, _)| *r == role)
            .map(|(_, token)| token.as_str())
    };
    let (viewer, operator) = (of(Role::Viewer), of(Role::Operator));
    let id = place.failed_request().await;
    let path = format!("/ops/errors/{id}");
    let seen = place
        .with(viewer, Method::GET, &path, Value::Null)
        .await
        .json();
    for field in ["request_body", "request_headers", "error_body"] {
        assert!(seen[field].is_null(), "{field}: {seen}");
        assert!(
            seen["withheld"].as_array().unwrap().contains(&json!(field)),
            "{seen}"
        );
    }
    for field in ["request_headers", "response_headers", "response_body"] {
        let attempt = &seen["attempts"][0];
        assert!(attempt[field].is_null(), "{seen}");
        assert!(
            attempt["withheld"]
                .as_array()
                .unwrap()
                .contains(&json!(field)),
            "{seen}"
        );
    }
    assert!(!seen.to_string().contains("Say something"), "{seen}");
    for list in [
        format!("{path}/upstream-errors"),
        "/ops/upstream-errors".to_owned(),
    ] {
        let list = place
            .with(viewer, Method::GET, &list, Value::Null)
            .await
            .json();
        assert!(list["events"][0]["response_body"].is_null(), "{list}");
        let one = format!("/ops/upstream-errors/{}", list["events"][0]["id"]);
        let one = place
            .with(viewer, Method::GET, &one, Value::Null)
            .await
            .json();
        assert!(
            one["response_body"].is_null() && one["withheld"][0].is_string(),
            "{one}"
        );
    }
    let full = place
        .with(operator, Method::GET, &path, Value::Null)
        .await
        .json();
    assert!(
        full["request_body"]
            .as_str()
            .unwrap()
            .contains("Say something"),
        "{full}"
    );
    assert_eq!(full["withheld"], json!([]));

    let resolve = format!("{path}/resolve");
    let resolved = json!({"resolved": true});
    let refused = place
        .with(viewer, Method::PUT, &resolve, resolved.clone())
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    let again = place
        .with(viewer, Method::PUT, &resolve, resolved.clone())
        .await;
    assert_eq!(again.status, 403);
    let done = place.with(operator, Method::PUT, &resolve, resolved).await;
    assert_eq!(done.status, 200, "{}", done.text());

    let log = place.log("action=errors.resolve").await;
    assert_eq!(log.len(), 2, "{log:?}");
    let entry = |name: &str| log.iter().find(|entry| entry["actor"] == name).unwrap();
    assert_eq!(
        (&entry("viewer")["status"], &entry("viewer")["count"]),
        (&json!(403), &json!(2))
    );
    assert_eq!(entry("operator")["status"], 200);
    assert_eq!(entry("operator")["detail"], json!({"fields": ["resolved"]}));
    assert_eq!(entry("operator")["through"], "personal_token");
    assert_eq!(entry("operator")["subject_id"], id.to_string());
    let opened = place.log("action=errors.open&actor=operator").await;
    assert_eq!(opened.len(), 1, "{opened:?}");
    assert_eq!(
        place.log("action=errors.open&actor=viewer").await,
        Vec::<Value>::new()
    );
    place.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_reaches_no_further_than_its_maker_and_ends_at_once_when_it_is_deleted() {
    let place = Place::new().await;
    place.user("op", "operator").await;
    place.user("other", "viewer").await;
    let form = json!({"name": "t", "role": "admin", "admin_user": "op"});
    let refused = place
        .with(Some(ADMIN_TOKEN), Method::POST, "/tokens", form)
        .await;
    assert_eq!(refused.json()["field"], "role", "{}", refused.text());
    let unowned = json!({"name": "t", "role": "viewer"});
    let refused = place
        .with(Some(ADMIN_TOKEN), Method::POST, "/tokens", unowned)
        .await;
    assert_eq!(refused.json()["field"], "admin_user", "{}", refused.text());

    let form = json!({"name": "t", "role": "operator", "admin_user": "op", "scopes": ["errors", "people"],
        "expires_at": "2027-01-15T09:00:00Z"});
    let own = place.token(form).await;
    let token = Some(own.as_str());
    let status = async |method, path: &str, body| place.with(token, method, path, body).await;
    assert_eq!(
        status(Method::GET, "/ops/errors", Value::Null).await.status,
        200
    );
    let outside = status(Method::GET, "/accounts", Value::Null).await;
    assert_eq!(outside.status, 403, "{}", outside.text());
    assert!(outside.text().contains("accounts"), "{}", outside.text());
    for (form, field) in [
        (json!({"name": "x", "role": "admin"}), "role"),
        (
            json!({"name": "x", "role": "viewer", "scopes": ["config"]}),
            "scopes",
        ),
        (
            json!({"name": "x", "role": "viewer", "expires_at": "2028-01-15T09:00:00Z"}),
            "expires_at",
        ),
    ] {
        let refused = status(Method::POST, "/tokens", form).await;
        assert_eq!(refused.json()["field"], field, "{}", refused.text());
    }
    let for_other = json!({"name": "x", "role": "viewer", "admin_user": "other"});
    assert_eq!(status(Method::POST, "/tokens", for_other).await.status, 403);
    let made = status(
        Method::POST,
        "/tokens",
        json!({"name": "x", "role": "viewer"}),
    )
    .await;
    let made = made.json();
    assert_eq!(
        (&made["scopes"], &made["expires_at"]),
        (
            &json!(["errors", "people"]),
            &json!("2027-01-15T09:00:00.000Z")
        )
    );
    assert!(
        made["token"]
            .as_str()
            .unwrap()
            .starts_with(made["prefix"].as_str().unwrap())
    );

    // Neither token comes out again, nor does it stand in the log.
    let child = made["token"].as_str().unwrap();
    let list = status(Method::GET, "/tokens", Value::Null).await.text();
    let log = serde_json::to_string(&place.log("").await).unwrap();
    for secret in [child, own.as_str(), PASSWORD] {
        assert!(!list.contains(secret) && !log.contains(secret), "{secret}");
    }
    let used = support::eventually("its use is noted", || async {
        let list = place.admin(Method::GET, "/tokens", Value::Null).await;
        list["items"][0]["last_used_at"].as_str().map(str::to_owned)
    });
    assert_eq!(used.await, "2027-01-15T08:00:00.000Z");

    let works = place
        .with(Some(child), Method::GET, "/ops/errors", Value::Null)
        .await;
    assert_eq!(works.status, 200);
    let path = format!("/tokens/{}", made["id"]);
    assert_eq!(status(Method::DELETE, &path, Value::Null).await.status, 204);
    let gone = place
        .with(Some(child), Method::GET, "/ops/errors", Value::Null)
        .await;
    assert_eq!(gone.status, 401);
    place.wait(HOUR);
    assert_eq!(
        status(Method::GET, "/ops/errors", Value::Null).await.status,
        401
    );

    // A token that is kept to areas cannot make somebody who is kept to none.
    place.user("root", "admin").await;
    let form = json!({"name": "p", "role": "admin", "admin_user": "root", "scopes": ["people"]});
    let kept = place.token(form).await;
    let form = json!({"name": "x", "role": "admin", "password": PASSWORD});
    let refused = place
        .with(Some(&kept), Method::POST, "/admin-users", form)
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    place.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_works_with_its_csrf_token_until_it_is_ended_or_over() {
    let place = Place::new().await;
    let eve = place.user("eve", "admin").await;
    let (cookie, csrf) = session(&place.sign_in("eve", PASSWORD).await);
    let cookies = [("cookie", cookie.as_str())];
    let both = [
        ("cookie", cookie.as_str()),
        ("x-waybill-csrf", csrf.as_str()),
    ];
    let wrong = [("cookie", cookie.as_str()), ("x-waybill-csrf", "wrong")];
    let at = |path: &str| format!("{API}{path}");
    let me = place
        .ask(Method::GET, &at("/me"), &cookies, Value::Null)
        .await
        .json();
    assert_eq!(
        (&me["name"], &me["through"], &me["csrf_token"]),
        (&json!("eve"), &json!("session"), &json!(csrf))
    );
    let group = json!({"name": "g", "platform": "openai"});
    for headers in [&cookies[..], &wrong[..]] {
        let refused = place
            .ask(Method::POST, &at("/groups"), headers, group.clone())
            .await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["code"].as_str()),
            (403, Some("csrf_token"))
        );
    }
    let made = place.ask(Method::POST, &at("/groups"), &both, group).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let entry = &place.log("action=groups.create").await[0];
    assert_eq!(
        (&entry["actor"], &entry["through"]),
        (&json!("eve"), &json!("session"))
    );
    assert_eq!(entry["subject_id"], made.json()["id"].to_string());

    let out = place
        .ask(Method::POST, &at("/sign-out"), &both, Value::Null)
        .await;
    assert_eq!(out.status, 204, "{}", out.text());
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(
        place
            .ask(Method::GET, &at("/me"), &cookies, Value::Null)
            .await
            .status,
        401
    );

    // Another password ends every session; so does signing out everywhere.
    let (one, csrf) = session(&place.sign_in("eve", PASSWORD).await);
    let (two, _) = session(&place.sign_in("eve", PASSWORD).await);
    let both = [("cookie", one.as_str()), ("x-waybill-csrf", csrf.as_str())];
    let form = |old: &str| json!({"old_password": old, "new_password": "another long password"});
    let refused = place
        .ask(Method::PUT, &at("/me/password"), &both, form("wrong"))
        .await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    let changed = place
        .ask(Method::PUT, &at("/me/password"), &both, form(PASSWORD))
        .await;
    assert_eq!(changed.status, 204, "{}", changed.text());
    for cookie in [&one, &two] {
        let headers = [("cookie", cookie.as_str())];
        assert_eq!(
            place
                .ask(Method::GET, &at("/me"), &headers, Value::Null)
                .await
                .status,
            401
        );
    }
    assert_eq!(place.sign_in("eve", PASSWORD).await.status, 401);
    let (one, csrf) = session(&place.sign_in("eve", "another long password").await);
    let (two, _) = session(&place.sign_in("eve", "another long password").await);
    let both = [("cookie", one.as_str()), ("x-waybill-csrf", csrf.as_str())];
    place
        .ask(
            Method::POST,
            &at("/sign-out-everywhere"),
            &both,
            Value::Null,
        )
        .await;
    let headers = [("cookie", two.as_str())];
    assert_eq!(
        place
            .ask(Method::GET, &at("/me"), &headers, Value::Null)
            .await
            .status,
        401
    );

    // Without use a session is over after half a day; somebody who is switched off has none.
    let (cookie, _) = session(&place.sign_in("eve", "another long password").await);
    let headers = [("cookie", cookie.as_str())];
    place.wait(11 * HOUR);
    assert_eq!(
        place
            .ask(Method::GET, &at("/me"), &headers, Value::Null)
            .await
            .status,
        200
    );
    place.wait(13 * HOUR);
    assert_eq!(
        place
            .ask(Method::GET, &at("/me"), &headers, Value::Null)
            .await
            .status,
        401
    );
    let (cookie, _) = session(&place.sign_in("eve", "another long password").await);
    let headers = [("cookie", cookie.as_str())];
    let path = format!("/admin-users/{}", eve["id"]);
    place
        .admin(Method::PATCH, &path, json!({"status": "disabled"}))
        .await;
    assert_eq!(
        place
            .ask(Method::GET, &at("/me"), &headers, Value::Null)
            .await
            .status,
        401
    );
    assert_eq!(
        place.sign_in("eve", "another long password").await.status,
        401
    );
    place.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_slowed_by_name_and_address_and_counted_in_the_log() {
    let place = Place::new().await;
    place.user("eve", "admin").await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(
            place
                .sign_in("eve", "a wrong password")
                .await
                .status
                .as_u16(),
        );
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 401, 429, 429]);
    let told = place.sign_in("eve", PASSWORD).await;
    assert_eq!(
        (told.status.as_u16(), told.header("retry-after")),
        (429, Some("1"))
    );
    assert_eq!(told.json()["code"], "too_many_attempts");
    place.wait(1_000);
    assert_eq!(place.sign_in("eve", "a wrong password").await.status, 401);
    assert_eq!(
        place.sign_in("eve", PASSWORD).await.header("retry-after"),
        Some("2")
    );
    place.wait(2_000);
    session(&place.sign_in("eve", PASSWORD).await);
    // Six that were looked at; then one more, with the three that were not.
    let log = place.log("action=sign-in").await;
    let counts: Vec<_> = log
        .iter()
        .map(|entry| {
            (
                entry["status"].as_u64().unwrap(),
                entry["count"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(counts, [(200, 2), (401, 10)], "{log:?}");

    // Names that nobody has are counted by the address alone, and do not stand in the log.
    let mut refused = 0;
    for number in 0..40 {
        let answer = place
            .sign_in(&format!("nobody {number}"), "a wrong password")
            .await;
        refused += u32::from(answer.status == 429);
    }
    assert!(refused >= 20, "{refused}");
    let log = serde_json::to_string(&place.log("action=sign-in").await).unwrap();
    assert!(!log.contains("nobody"), "{log}");

    // Tokens, too; but not the right ones.
    let mut refused = 0;
    for number in 0..40 {
        let token = format!("guess {number}");
        let answer = place
            .with(Some(&token), Method::GET, "/me", Value::Null)
            .await;
        refused += u32::from(answer.status == 429);
    }
    assert_eq!(refused, 9);
    place.admin(Method::GET, "/me", Value::Null).await;
    let log = place.log("action=token").await;
    assert_eq!((log.len(), &log[0]["count"]), (1, &json!(31)), "{log:?}");
    place.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_tokens_and_changes_from_elsewhere_are_in_the_log_once_a_minute() {
    let place = Place::new().await;
    place.user("eve", "admin").await;
    let form = json!({"name": "t", "role": "admin", "admin_user": "eve"});
    let made = place.admin(Method::POST, "/tokens", form).await;
    let token = made["token"].as_str().unwrap();
    let path = format!("/tokens/{}", made["id"]);
    place.admin(Method::DELETE, &path, Value::Null).await;
    let (cookie, _) = session(&place.sign_in("eve", PASSWORD).await);
    let headers = [("cookie", cookie.as_str())];
    let abuse = async |times: u32| {
        for _ in 0..times {
            let answer = place.with(Some(token), Method::GET, "/me", Value::Null);
            assert_eq!(answer.await.status, 401);
            let path = format!("{API}/sign-out");
            let answer = place.ask(Method::POST, &path, &headers, Value::Null).await;
            assert_eq!(answer.status, 403, "{}", answer.text());
        }
    };
    abuse(50).await;
    place.wait(60_000);
    abuse(3).await;
    for (action, actor, status) in [("ended-token", "unknown", 401), ("csrf", "eve", 403)] {
        let log = place.log(&format!("action={action}")).await;
        let told: Vec<_> = log
            .iter()
            .map(|entry| (&entry["actor"], &entry["status"], &entry["count"]))
            .collect();
        assert_eq!(
            told,
            [
                (&json!(actor), &json!(status), &json!(50)),
                (&json!(actor), &json!(status), &json!(1))
            ],
            "{log:?}"
        );
    }
    place.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_set_up_is_done_once_by_one() {
    let place = Place::new().await;
    let token = place.world.gateway.as_ref().unwrap().setup_token.clone();
    let token = token
        .expect("a first start makes a token")
        .expose()
        .to_owned();
    let open = async || {
        place
            .with(None, Method::GET, "/setup", Value::Null)
            .await
            .json()
    };
    assert_eq!(open().await, json!({"open": true}));
    let form = |token: &str, name: &str, password: &str| json!({"setup_token": token, "name": name, "password": password});
    let set_up = async |form| place.with(None, Method::POST, "/setup", form).await;
    assert_eq!(set_up(form("wrong", "root", PASSWORD)).await.status, 401);
    let short = set_up(form(&token, "root", "short")).await;
    assert_eq!(short.json()["field"], "password", "{}", short.text());
    let (one, two) = tokio::join!(
        set_up(form(&token, "one", PASSWORD)),
        set_up(form(ADMIN_TOKEN, "two", PASSWORD))
    );
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", one.text(), two.text());
    assert_eq!(open().await, json!({"open": false}));
    let late = set_up(form(&token, "three", PASSWORD)).await;
    assert_eq!(late.json()["code"], "setup_closed", "{}", late.text());
    let name = if one.status == 201 { "one" } else { "two" };
    let (cookie, _) = session(&place.sign_in(name, PASSWORD).await);
    let headers = [("cookie", cookie.as_str())];
    let me = place
        .ask(Method::GET, &format!("{API}/me"), &headers, Value::Null)
        .await;
    assert_eq!(me.json()["role"], "admin");
    let done = place.log("action=setup").await;
    let made = done.iter().filter(|entry| entry["status"] == 201);
    assert_eq!(
        made.map(|entry| &entry["actor"]).collect::<Vec<_>>(),
        [name]
    );
    place.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_admin_is_kept_by_everybody_but_the_bearer_of_the_admin_token() {
    let place = Place::new().await;
    let eve = place.user("eve", "admin").await;
    let form = json!({"name": "t", "role": "admin", "admin_user": "eve"});
    let token = place.token(form).await;
    let path = format!("/admin-users/{}", eve["id"]);
    for (method, body) in [
        (Method::PATCH, json!({"role": "viewer"})),
        (Method::PATCH, json!({"status": "disabled"})),
        (Method::DELETE, Value::Null),
    ] {
        let refused = place.with(Some(&token), method, &path, body).await;
        assert_eq!(refused.status, 409, "{}", refused.text());
        assert_eq!(refused.json()["code"], "last_admin");
    }
    place.admin(Method::DELETE, &path, Value::Null).await;
    let gone = place
        .with(Some(&token), Method::GET, "/me", Value::Null)
        .await;
    assert_eq!(gone.status, 401);
    place.world.stop().await;
}
