//! Credentials that expire, through the real server: tokens are had once and early, survive every end of the process,
//! and what a token endpoint refuses or breaks is on record.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::support::{
    self, Answer, CLIENT_KEY, Setup, World,
    binary::Binary,
    client, eventually, generate,
    key_file::{EMAIL, key_file, key_lines, public_key},
    replicas::Deployment,
    send,
};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use waybill_gateway::{clock::Clock, config::Config};
use waybill_sim::{
    Fault, Manner, Place, ProviderError, Proxy, ProxyOptions, Rule, Sim, SimClock, SimOptions,
    TokenAnswer, TokenManner,
};

const GENERATE: &str = "/v1beta/models/gemini-2.5-flash:generateContent";
const CLIENT_SECRET: &str = "client-secret-zQ7wM3kX9tN2vB5rC8";

/// A clock that stands still until it is moved; the provider's is the same.
#[derive(Clone)]
struct Time(Arc<AtomicI64>);

impl Time {
    fn new() -> Time {
        Time(Arc::new(AtomicI64::new(Clock::System.now().0)))
    }

    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::Relaxed);
    }
}

fn manner() -> TokenManner {
    TokenManner {
        client: ("the-client".to_owned(), Some(CLIENT_SECRET.to_owned())),
        ..TokenManner::default()
    }
}

fn account(name: &str, credential: &str, priority: u32) -> String {
    format!(
        "[[account]]\nname = \"{name}\"\nplatform = \"gemini\"\ngroups = [\"gemini\"]\n\
         base_url = \"{{providers}}\"\ncredential = {credential}\npriority = {priority}\n"
    )
}

fn refreshable(token_url: &str) -> String {
    let token = manner().refresh_token;
    format!(
        "{{ refresh_token = \"{token}\", client_id = \"the-client\", client_secret = \"{CLIENT_SECRET}\", \
         token_url = \"{token_url}\" }}"
    )
}

/// The accounts `t1`, which has tokens, and `k2` behind it, if it is wanted, which has a key.
fn accounts(with_other: bool) -> String {
    let other = account("k2", "{ api_key = \"key-of-k2-0123456789\" }", 2);
    let expiring = account("t1", &refreshable("{providers}/token"), 1);
    format!("{expiring}{}", if with_other { other.as_str() } else { "" })
}

struct Case {
    world: World,
    time: Time,
}

impl Case {
    async fn new(rest: &str) -> Case {
        Case::with(rest, manner()).await
    }

    async fn with(rest: &str, manner: TokenManner) -> Case {
        let time = Time::new();
        let sim = SimOptions {
            clock: SimClock::Manual(Arc::clone(&time.0)),
            ..SimOptions::default()
        };
        let setup = Setup {
            sim: sim.clone(),
            accounts: 0,
            top: "[queue]\ntimeout_ms = 0".into(),
            rest: rest.into(),
            clock: Clock::Manual(Arc::clone(&time.0)),
        };
        // The endpoint behaves so from the first call on.
        let sim = Sim::start(sim).await.unwrap();
        sim.tokens().set(manner);
        let world = World::over(sim, setup).await;
        Case { world, time }
    }

    async fn ask(&self) -> Answer {
        self.world.post(GENERATE, generate()).await
    }

    fn calls(&self) -> usize {
        self.world.sim.tokens().calls().len()
    }

    async fn account(&self, name: &str) -> Value {
        let list = self
            .world
            .admin(Method::GET, "/accounts?page_size=500", "")
            .await
            .json();
        let mut accounts = list["items"].as_array().unwrap().iter();
        accounts.find(|seen| seen["name"] == name).unwrap().clone()
    }

    /// The account's events, oldest first.
    async fn events(&self, name: &str) -> Vec<Value> {
        let id = self.account(name).await["id"].clone();
        let path = format!("/accounts/{id}/events");
        let mut events = self.world.admin(Method::GET, &path, "").await.json()["items"]
            .as_array()
            .unwrap()
            .clone();
        events.reverse();
        events
    }

    /// Waits for so many calls in all.
    async fn called(&self, calls: usize) {
        eventually(&format!("{calls} calls"), || async {
            (self.calls() >= calls).then_some(())
        })
        .await;
    }

    /// Waits until the account has a token that ends in so many seconds.
    async fn has_token_for(&self, seconds: i64) {
        eventually("a token", || async {
            let credential = self.account("t1").await["credential"].clone();
            let until: waybill_model::time::UnixMillis =
                credential["expires_at"].as_str()?.parse().unwrap();
            (until.0 - self.time.0.load(Ordering::Relaxed) > (seconds - 1) * 1_000).then_some(())
        })
        .await;
    }

    fn sent_last(&self) -> String {
        let received = self.world.sim.received();
        received
            .last()
            .unwrap()
            .header("authorization")
            .unwrap_or_default()
            .to_owned()
    }
}

fn attempts(answer: &Answer) -> &str {
    answer.header("x-waybill-attempts").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_request_is_sent_with_a_token_and_the_endpoint_is_asked_as_documented() {
    let case = Case::new(&accounts(false)).await;
    let answer = case.ask().await;
    assert_eq!(
        (answer.status.as_u16(), attempts(&answer)),
        (200, "1"),
        "{}",
        answer.text()
    );
    let given = case.world.sim.tokens().given();
    assert_eq!(case.sent_last(), format!("Bearer {}", given[0]));
    let calls = case.world.sim.tokens().calls();
    assert_eq!(calls.len(), 1);
    let form: Vec<_> = calls[0]
        .form
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(
        form,
        [
            ("grant_type", "refresh_token"),
            ("refresh_token", &*manner().refresh_token),
            ("client_id", "the-client"),
            ("client_secret", CLIENT_SECRET),
        ]
    );
    assert!(
        calls[0].user_agent.starts_with("waybill/"),
        "{}",
        calls[0].user_agent
    );
    let shown = case.account("t1").await["credential"].clone();
    assert_eq!(shown["kind"], "refresh_token", "{shown}");
    assert_eq!(shown["client"], "the-client", "{shown}");
    assert_eq!(shown["last_failure"], Value::Null, "{shown}");
    assert!(shown["expires_at"].is_string(), "{shown}");
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_requests_that_find_an_ended_token_make_one_call() {
    let case = Case::new(&accounts(false)).await;
    assert_eq!(case.ask().await.status, 200);
    case.world
        .sim
        .tokens()
        .change(|manner| manner.delay = Duration::from_millis(300));
    let before = case.calls();
    case.time.pass(3_601);
    let answers = join_all((0..200).map(|_| case.ask())).await;
    for answer in &answers {
        assert_eq!(
            (answer.status.as_u16(), attempts(answer)),
            (200, "1"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(case.calls(), before + 1);
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_had_anew_before_its_end_and_no_request_notices() {
    let case = Case::new(&accounts(false)).await;
    assert_eq!(case.ask().await.status, 200);
    // So slow that a request that waited for it would fail.
    case.world
        .sim
        .tokens()
        .change(|manner| manner.delay = Duration::from_secs(2));
    case.time.pass(3_000);
    assert_eq!(case.ask().await.status, 200);
    assert_eq!(case.calls(), 1, "it is too early");
    case.time.pass(400);
    case.called(2).await;
    let first = case.world.sim.tokens().given()[0].clone();
    assert_eq!(case.ask().await.status, 200);
    assert_eq!(
        case.sent_last(),
        format!("Bearer {first}"),
        "the old one is good while the new one is had"
    );
    case.has_token_for(3_600).await;
    assert_eq!(case.ask().await.status, 200);
    let second = case.world.sim.tokens().given()[1].clone();
    assert_eq!(case.sent_last(), format!("Bearer {second}"));
    assert_eq!(case.calls(), 2);
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_endpoint_refuses_stops_the_account_with_its_words_until_a_new_credential() {
    let case = Case::new(&accounts(true)).await;
    assert_eq!(case.ask().await.status, 200);
    case.world.sim.tokens().script(TokenAnswer::error(
        400,
        "invalid_grant",
        "Token has been expired or revoked.",
    ));
    case.time.pass(3_601);
    let answer = case.ask().await;
    assert_eq!(
        (answer.status.as_u16(), attempts(&answer)),
        (200, "2"),
        "{}",
        answer.text()
    );
    // The attempt that had no token is on record, with the reason.
    let events = case.world.events_of(answer.request_id()).await;
    assert_eq!(events[0]["cause"], "auth.token_refused", "{events:?}");
    assert_eq!(events[0]["kind"], "request_error", "{events:?}");
    let said = "the token endpoint says invalid_grant: Token has been expired or revoked.";
    assert_eq!(events[0]["message"], said, "{events:?}");
    // And so is what it did to the account.
    let stopped = case.events("t1").await;
    let last = stopped.last().unwrap();
    assert_eq!(
        (&last["kind"], &last["reason"]),
        (&"error".into(), &said.into()),
        "{stopped:?}"
    );
    assert_eq!(last["actor"], "credential", "{stopped:?}");
    let shown = case.account("t1").await;
    assert_eq!(shown["state"]["status"], "error", "{shown}");
    assert_eq!(
        shown["credential"]["last_failure"]["cause"], "auth.token_refused",
        "{shown}"
    );
    assert_eq!(
        shown["credential"]["last_failure"]["status"], 400,
        "{shown}"
    );
    // It is left alone: the endpoint has said what there is to say.
    let calls = case.calls();
    assert_eq!(attempts(&case.ask().await), "1");
    assert_eq!(case.calls(), calls);

    // An error's route says why the account was passed over.
    case.world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)));
    let failed = case.ask().await;
    case.world.sim.clear_script();
    let route = case.world.error(failed.request_id()).await["route"].to_string();
    assert!(route.contains("invalid_grant"), "{route}");

    case.world.sim.tokens().clear();
    case.world
        .sim
        .tokens()
        .change(|manner| manner.refresh_token = "another-refresh-token-0".to_owned());
    let id = shown["id"].clone();
    let change = json!({"credential": {
        "refresh_token": "another-refresh-token-0", "client_id": "the-client",
        "client_secret": CLIENT_SECRET, "token_url": format!("{}/token", case.world.sim.url()),
    }});
    let changed = case
        .world
        .admin(
            Method::PATCH,
            &format!("/accounts/{id}"),
            change.to_string(),
        )
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    case.has_token_for(3_600).await;
    assert_eq!(case.account("t1").await["state"]["status"], "active");
    let kinds: Vec<_> = case
        .events("t1")
        .await
        .iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert_eq!(kinds.last().unwrap(), "recovered", "{kinds:?}");
    case.ask().await;
    let newest = case.world.sim.tokens().given().pop().unwrap();
    assert_eq!(case.sent_last(), format!("Bearer {newest}"));
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_credential_is_tried_again_slowly_and_at_once_after_a_reset_by_hand() {
    let case = Case::new(&accounts(true)).await;
    assert_eq!(case.ask().await.status, 200);
    case.world
        .sim
        .tokens()
        .script(TokenAnswer::error(401, "invalid_client", "Unauthorized"));
    case.time.pass(3_601);
    case.ask().await;
    let after_first = case.calls();
    case.time.pass(200);
    case.ask().await;
    assert_eq!(case.calls(), after_first, "people have to act");
    case.time.pass(110);
    case.called(after_first + 1).await;

    case.world.sim.tokens().clear();
    let id = case.account("t1").await["id"].clone();
    let answer = case
        .world
        .admin(Method::POST, &format!("/accounts/{id}/reset"), "")
        .await;
    assert_eq!(answer.status, 200);
    case.has_token_for(3_600).await;
    assert_eq!(case.account("t1").await["state"]["status"], "active");
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_endpoint_is_down_a_valid_token_is_used_to_its_end_and_then_others_serve() {
    let case = Case::new(&accounts(true)).await;
    assert_eq!(case.ask().await.status, 200);
    let first = case.world.sim.tokens().given()[0].clone();
    case.world
        .sim
        .tokens()
        .script(TokenAnswer::raw(503, "<html>busy</html>"));
    case.time.pass(3_400);
    case.called(2).await;
    let answer = case.ask().await;
    assert_eq!((answer.status.as_u16(), attempts(&answer)), (200, "1"));
    assert_eq!(case.sent_last(), format!("Bearer {first}"));
    let shown = eventually("the failure is shown", || async {
        let shown = case.account("t1").await;
        shown["credential"]["last_failure"]
            .is_object()
            .then_some(shown)
    })
    .await;
    assert_eq!(shown["state"]["status"], "active", "{shown}");
    assert_eq!(
        shown["credential"]["last_failure"]["cause"], "auth.token_unavailable",
        "{shown}"
    );

    case.time.pass(201);
    let answer = case.ask().await;
    assert_eq!(
        (answer.status.as_u16(), attempts(&answer)),
        (200, "2"),
        "{}",
        answer.text()
    );
    let events = case.world.events_of(answer.request_id()).await;
    assert_eq!(events[0]["cause"], "auth.token_unavailable", "{events:?}");
    assert_eq!(events[0]["account_name"], "t1", "{events:?}");

    case.world.sim.tokens().clear();
    case.time.pass(61);
    case.has_token_for(3_600).await;
    eventually("it serves again", || async {
        let last = case.events("t1").await.pop().unwrap();
        (last["kind"] == "recovered" && last["reason"] == "an access token was had").then_some(())
    })
    .await;
    assert_eq!(attempts(&case.ask().await), "1");
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_whose_tokens_cannot_be_had_says_so_and_not_that_the_client_is_at_fault() {
    let case = Case::new(&accounts(false)).await;
    assert_eq!(case.ask().await.status, 200);
    case.world
        .sim
        .tokens()
        .script(TokenAnswer::error(400, "invalid_grant", "revoked"));
    case.time.pass(3_601);
    let answer = case.ask().await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(
        answer.text().contains("auth.token_refused"),
        "{}",
        answer.text()
    );
    let error = case.world.error(answer.request_id()).await;
    assert_eq!(
        (&error["cause"], &error["error_owner"]),
        (&"auth.token_refused".into(), &"platform".into())
    );
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_lies_breaks_nothing() {
    let case = Case::new(&accounts(true)).await;
    assert_eq!(case.ask().await.status, 200);
    let redirect = TokenAnswer {
        headers: vec![("location".to_owned(), "/elsewhere".to_owned())],
        ..TokenAnswer::raw(302, "")
    };
    let lies = [
        TokenAnswer::raw(200, "x".repeat(5_000_000)),
        TokenAnswer::raw(200, "<html>Sign in</html>"),
        TokenAnswer::raw(200, json!({"access_token": {"a": 1}}).to_string()),
        TokenAnswer::raw(
            200,
            json!({"access_token": "a\nb", "expires_in": 5}).to_string(),
        ),
        TokenAnswer::raw(
            200,
            json!({"access_token": "t", "expires_in": "soon"}).to_string(),
        ),
        TokenAnswer::raw(200, vec![0xff, 0xfe]),
        redirect,
    ];
    case.time.pass(3_601);
    for lie in lies {
        case.world.sim.tokens().clear();
        case.world.sim.tokens().script(lie.clone());
        let before = case.calls();
        case.world.clear_states().await;
        let answer = case.ask().await;
        assert_eq!(
            (answer.status.as_u16(), attempts(&answer)),
            (200, "2"),
            "{lie:?}"
        );
        assert!(case.calls() > before, "{lie:?}");
        let events = case.world.events_of(answer.request_id()).await;
        assert_eq!(events[0]["cause"], "auth.token_unavailable", "{lie:?}");
    }
    case.world.sim.tokens().clear();
    // One that does not say how long a token lives gives one for some minutes.
    let endless = json!({"access_token": "no-end"}).to_string();
    case.world
        .sim
        .tokens()
        .script(TokenAnswer::raw(200, endless));
    case.world.clear_states().await;
    let answer = case.ask().await;
    assert_eq!(attempts(&answer), "1");
    assert_eq!(case.sent_last(), "Bearer no-end");
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_refused_before_its_end_is_had_anew_and_the_request_is_served() {
    let case = Case::new(&accounts(true)).await;
    assert_eq!(case.ask().await.status, 200);
    let first = case.world.sim.tokens().given()[0].clone();
    case.world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::InvalidKey)).key(&first));
    case.time.pass(600);
    let answer = case.ask().await;
    assert_eq!(
        (answer.status.as_u16(), attempts(&answer)),
        (200, "2"),
        "{}",
        answer.text()
    );
    assert_eq!(case.calls(), 2);
    let events = case.world.events_of(answer.request_id()).await;
    assert_eq!(
        (&events[0]["kind"], &events[0]["account_name"]),
        (&"retry".into(), &"t1".into())
    );
    let second = case.world.sim.tokens().given()[1].clone();
    assert_eq!(case.sent_last(), format!("Bearer {second}"));
    assert_eq!(case.account("t1").await["state"]["status"], "active");

    // Where the new one is refused, too, the account is at fault, and the endpoint is not asked again and again.
    case.world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::InvalidKey)).key("access*"));
    case.time.pass(600);
    let answer = case.ask().await;
    assert_eq!(
        (answer.status.as_u16(), attempts(&answer)),
        (200, "3"),
        "{}",
        answer.text()
    );
    assert_eq!(case.calls(), 3);
    assert_eq!(case.account("t1").await["state"]["status"], "error");
    case.ask().await;
    assert_eq!(case.calls(), 3);
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_had_anew_also_after_the_account_was_tried_again_for_another_reason() {
    let case = Case::new(&accounts(false)).await;
    assert_eq!(case.ask().await.status, 200);
    let first = case.world.sim.tokens().given()[0].clone();
    let reset = Fault::reset(Place::BeforeHeaders);
    case.world.sim.script(Rule::new(reset).key(&first).times(1));
    case.world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::InvalidKey)).key(&first));
    case.time.pass(600);
    let answer = case.ask().await;
    assert_eq!(
        (answer.status.as_u16(), attempts(&answer)),
        (200, "3"),
        "{}",
        answer.text()
    );
    assert_eq!(case.calls(), 2);
    let events = case.world.events_of(answer.request_id()).await;
    let causes: Vec<_> = events.iter().map(|event| &event["cause"]).collect();
    assert_eq!(causes, ["network.reset", "auth.invalid_key"], "{events:?}");
    let second = case.world.sim.tokens().given()[1].clone();
    assert_eq!(case.sent_last(), format!("Bearer {second}"));
    assert_eq!(case.account("t1").await["state"]["status"], "active");
    case.world.stop().await;
}

/// The account `t1` of Antigravity, which has tokens, for clients of Anthropic's API.
fn bridged() -> String {
    format!(
        "[[group]]\nname = \"bridged\"\nplatform = \"antigravity\"\nprotocols = [\"anthropic\"]\n\
         [[account]]\nname = \"t1\"\nplatform = \"antigravity\"\ngroups = [\"bridged\"]\n\
         base_url = \"{{providers}}\"\nproject = \"project-1\"\ncredential = {}\n\
         [[api_key]]\nname = \"bridged\"\nkey = \"{CLIENT_KEY}-bridged\"\ngroups = [\"bridged\"]\n",
        refreshable("{providers}/token"),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_messages_client_streams_from_an_antigravity_account_whose_token_is_had_anew() {
    let case = Case::new(&bridged()).await;
    let ask = || async {
        let body = json!({
            "model": "gemini-2.5-flash", "max_tokens": 256, "stream": true,
            "messages": [{"role": "user", "content": "Say something."}],
        });
        let request = http::Request::post(format!("{}/v1/messages", case.world.url))
            .header("x-api-key", format!("{CLIENT_KEY}-bridged"))
            .header("anthropic-version", "2023-06-01")
            .header("content-type", "application/json")
            .body(body.to_string().into_bytes().into())
            .unwrap();
        case.world.send(request).await
    };
    let is_served = |answer: &Answer, made: &str, token: usize| {
        let text = answer.text();
        assert_eq!(
            (answer.status.as_u16(), attempts(answer)),
            (200, made),
            "{text}"
        );
        assert!(
            text.contains("text_delta") && text.contains("event: message_stop"),
            "{text}"
        );
        let tokens = case.world.sim.tokens().given();
        assert_eq!(tokens.len(), token, "{tokens:?}");
        assert_eq!(case.sent_last(), format!("Bearer {}", tokens[token - 1]));
        let received = case.world.sim.received();
        let last = received.last().unwrap();
        assert!(
            last.path.starts_with("/v1internal:streamGenerateContent"),
            "{}",
            last.path
        );
        assert!(
            last.header("anthropic-version").is_none(),
            "the client's headers speak of another protocol"
        );
    };
    is_served(&ask().await, "1", 1);

    case.time.pass(3_601);
    is_served(&ask().await, "1", 2);

    // One that is refused before its end is had anew, too, and the conversation is told once more.
    let second = case.world.sim.tokens().given()[1].clone();
    case.world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::InvalidKey)).key(&second));
    case.time.pass(600);
    let answer = ask().await;
    is_served(&answer, "2", 3);
    let events = case.world.events_of(answer.request_id()).await;
    assert_eq!(
        (&events[0]["kind"], &events[0]["cause"]),
        (&"retry".into(), &"auth.invalid_key".into()),
        "{events:?}"
    );
    assert_eq!(case.account("t1").await["state"]["status"], "active");

    // A wait in vain is an attempt on record, and the client is told in its own words.
    case.world
        .sim
        .tokens()
        .script(TokenAnswer::error(400, "invalid_grant", "revoked"));
    case.time.pass(3_601);
    let answer = ask().await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    let told = answer.json();
    assert_eq!(told["type"], "error", "{told}");
    assert!(told.to_string().contains("auth.token_refused"), "{told}");
    let events = case.world.events_of(answer.request_id()).await;
    assert_eq!(
        (&events[0]["kind"], &events[0]["cause"]),
        (&"request_error".into(), &"auth.token_refused".into()),
        "{events:?}"
    );
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_account_signs_for_its_token() {
    let time = Time::new();
    let sim = SimOptions {
        clock: SimClock::Manual(Arc::clone(&time.0)),
        ..SimOptions::default()
    };
    let sim = Sim::start(sim).await.unwrap();
    sim.tokens().set(TokenManner {
        service_accounts: vec![(EMAIL.to_owned(), public_key())],
        ..manner()
    });
    let file = key_file(&format!("{}/token", sim.url()));
    let credential = format!("{{ service_account = '''{file}''' }}");
    let setup = Setup {
        accounts: 0,
        rest: account("t1", &credential, 1),
        clock: Clock::Manual(Arc::clone(&time.0)),
        ..Setup::default()
    };
    let case = Case {
        world: World::over(sim, setup).await,
        time,
    };
    let answer = case.ask().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let calls = case.world.sim.tokens().calls();
    let claims = calls[0].claims.clone().unwrap();
    assert_eq!(claims["iss"], EMAIL);
    assert_eq!(
        claims["scope"],
        "https://www.googleapis.com/auth/cloud-platform"
    );
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        3_600
    );
    let shown = case.account("t1").await["credential"].clone();
    assert_eq!(
        (&shown["kind"], &shown["client"]),
        (&"service_account".into(), &EMAIL.into())
    );
    case.time.pass(3_601);
    assert_eq!(case.ask().await.status, 200);
    assert_eq!(case.calls(), 2);
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_had_through_the_accounts_proxy() {
    let proxy = Proxy::start(ProxyOptions::default()).await.unwrap();
    let through = format!("priority = 1\nproxy = \"http://{}\"", proxy.address());
    let case = Case::new(&accounts(true).replace("priority = 1", &through)).await;
    assert_eq!(attempts(&case.ask().await), "1");
    let provider = case.world.sim.address().to_string();
    assert_eq!(
        proxy.targets(),
        [provider.clone(), provider],
        "the token, and the request"
    );

    proxy.behave(Manner::Refuse(403));
    case.time.pass(3_601);
    let answer = case.ask().await;
    assert_eq!(attempts(&answer), "2", "{}", answer.text());
    let events = case.world.events_of(answer.request_id()).await;
    assert_eq!(events[0]["cause"], "auth.token_unavailable", "{events:?}");
    let message = events[0]["message"].as_str().unwrap();
    assert!(
        message.contains("the token endpoint cannot be reached: proxy"),
        "{message}"
    );
    assert_eq!(case.calls(), 1, "nothing goes past it");
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_says_nothing_costs_a_request_the_connect_time_out_and_no_more() {
    let case = Case::new(&accounts(true)).await;
    assert_eq!(case.ask().await.status, 200);
    let silent = Duration::from_secs(60);
    case.world
        .sim
        .tokens()
        .change(|manner| manner.delay = silent);
    case.time.pass(3_601);
    let began = std::time::Instant::now();
    let answers = join_all((0..20).map(|_| case.ask())).await;
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    for answer in answers {
        assert_eq!(
            (answer.status.as_u16(), attempts(&answer)),
            (200, "2"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(case.calls(), 2, "one flight for all of them");
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_switched_off_has_no_tokens_but_can_be_tested() {
    let off = accounts(false).replace("priority = 1", "priority = 1\nenabled = false");
    let case = Case::new(&off).await;
    let id = case.account("t1").await["id"].clone();
    assert_eq!(case.calls(), 0);
    let path = format!("/accounts/{id}/test");
    let tested = case.world.admin(Method::POST, &path, "").await.json();
    assert_eq!(tested["ok"], true, "{tested}");
    assert_eq!(case.calls(), 1);
    case.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_use_one_token_and_what_one_has_rotated_the_others_send() {
    let setup = Setup {
        accounts: 0,
        rest: accounts(false),
        ..Setup::default()
    };
    let deployment = Deployment::new(setup).await;
    let tokens = deployment.sim.tokens();
    tokens.set(TokenManner {
        rotates: true,
        lives_s: 8,
        ..manner()
    });
    let a = deployment.replica("a").await;
    assert_eq!(ask(&a).await.status, 200);
    let b = deployment.replica("b").await;
    assert_eq!(ask(&b).await.status, 200);
    assert_eq!(
        tokens.calls().len(),
        1,
        "the second found the first one's token"
    );
    let both = async || {
        let mut seen = Vec::new();
        for replica in [&a, &b] {
            let list = replica.admin(Method::GET, "/accounts", String::new()).await;
            let account = list.json()["items"][0].clone();
            assert_eq!(account["state"]["status"], "active", "{account}");
            seen.push(account["credential"]["obtained_at"].clone());
        }
        (seen[0] == seen[1]).then(|| seen[0].clone())
    };
    let first = both().await.unwrap();
    // Time and again, though only one of them can have it.
    let mut before = first;
    for _ in 0..2 {
        before = eventually("a newer token on both", || async {
            both().await.filter(|now| *now != before)
        })
        .await;
        assert_eq!(ask(&a).await.status, 200);
        assert_eq!(ask(&b).await.status, 200);
    }
    for replica in [a, b] {
        replica.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_looks_at_token_endpoints_without_asking_for_a_token() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    sim.tokens().set(manner());
    let folder = tempfile::tempdir().unwrap();
    let waybill = Binary::serve(folder.path(), &for_binary(&sim.url()), &[]).await;
    assert_eq!(ask(&waybill).await.status, 200);
    let examine = async || {
        let mut doctor = support::binary::waybill(&[]);
        doctor.args(["doctor", "--json", "--config"]);
        doctor.arg(folder.path().join("waybill.toml"));
        doctor.arg("--data-dir").arg(folder.path().join("data"));
        let said = doctor.output().await.unwrap();
        let findings: Value = serde_json::from_slice(&said.stdout).unwrap();
        let mut findings = findings.as_array().unwrap().clone().into_iter();
        findings
            .find(|finding| finding["check"] == "tokens")
            .unwrap()
    };
    let found = examine().await;
    assert_eq!(found["health"], "ok", "{found}");
    assert_eq!(sim.tokens().given().len(), 1);
    sim.tokens().script(TokenAnswer::raw(503, ""));
    let found = examine().await;
    assert_eq!(found["health"], "fail", "{found}");
    assert!(found["seen"].as_str().unwrap().contains("503"), "{found}");
    waybill.kill().await;
}

/// A configuration for the binary, with one account that has tokens.
fn for_binary(providers: &str) -> String {
    let setup = Setup {
        accounts: 0,
        rest: accounts(false),
        ..Setup::default()
    };
    support::configuration(&setup, providers)
}

async fn ask(waybill: &Binary) -> Answer {
    let request = http::Request::post(format!("{}{GENERATE}", waybill.url))
        .header("x-goog-api-key", CLIENT_KEY)
        .header("content-type", "application/json")
        .body(http_body_util::Full::from(generate()))
        .unwrap();
    send(&client(), request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_rotated_survives_a_kill_and_the_file_does_not_undo_it() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    sim.tokens().set(TokenManner {
        rotates: true,
        ..manner()
    });
    let folder = tempfile::tempdir().unwrap();
    let configuration = for_binary(&sim.url());
    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    assert_eq!(ask(&waybill).await.status, 200);
    waybill.kill().await;
    assert_ne!(
        sim.tokens().refresh_token(),
        manner().refresh_token,
        "it was rotated"
    );

    // The newest access token is good still.
    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    assert_eq!(ask(&waybill).await.status, 200);
    assert_eq!(sim.tokens().calls().len(), 1);
    waybill.kill().await;

    // And when it has ended, the rotated refresh token is what is sent, time after time.
    sim.tokens().change(|manner| manner.lives_s = 1);
    for _ in 0..2 {
        let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
        let answer = waybill
            .admin(Method::POST, "/accounts/1/test", "{}".to_owned())
            .await;
        assert_eq!(answer.json()["ok"], true, "{}", answer.text());
        waybill.kill().await;
    }
    let refused = sim.tokens().calls().len() - sim.tokens().given().len();
    assert_eq!(refused, 0, "no refresh token was sent twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_credentials_are_found_nowhere() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    sim.tokens().set(TokenManner {
        rotates: true,
        service_accounts: vec![(EMAIL.to_owned(), public_key())],
        ..manner()
    });
    let folder = tempfile::tempdir().unwrap();
    let file = key_file(&format!("{}/token", sim.url()));
    let robot = account("t2", &format!("{{ service_account = '''{file}''' }}"), 2);
    let configuration = format!(
        "{}{}",
        for_binary(&sim.url()),
        robot.replace("{providers}", &sim.url())
    );
    let waybill = Binary::serve(folder.path(), &configuration, &[("RUST_LOG", "debug")]).await;
    eventually("both have a token", || async {
        (sim.tokens().given().len() >= 2).then_some(())
    })
    .await;
    assert_eq!(ask(&waybill).await.status, 200);
    let mut secrets = sim.tokens().given();
    secrets.extend([
        manner().refresh_token,
        sim.tokens().refresh_token(),
        CLIENT_SECRET.to_owned(),
    ]);
    secrets.extend(key_lines());
    // A provider, and a token endpoint, that say everything they know.
    let all = secrets.join(" ");
    sim.script(Rule::new(Fault::http(
        400,
        json!({"error": {"code": 400, "message": all, "status": "INVALID_ARGUMENT"}}),
    )));
    let told = ask(&waybill).await;
    assert_eq!(told.status, 400);
    sim.clear_script();
    sim.tokens().script(TokenAnswer::error(
        400,
        "invalid_grant",
        &secrets[..4].join(" "),
    ));
    let change = json!({"credential": {
        "refresh_token": "yet-another-refresh-token-1", "client_id": "the-client", "client_secret": CLIENT_SECRET,
        "token_url": format!("{}/token", sim.url()),
    }});
    let id = 1;
    let changed = waybill
        .admin(
            Method::PATCH,
            &format!("/accounts/{id}"),
            change.to_string(),
        )
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    secrets.push("yet-another-refresh-token-1".to_owned());
    let mut pages = vec![told.text()];
    pages.push(
        eventually("it is refused", || async {
            let events = waybill
                .admin(
                    Method::GET,
                    &format!("/accounts/{id}/events"),
                    String::new(),
                )
                .await
                .text();
            events.contains("invalid_grant").then_some(events)
        })
        .await,
    );
    for path in [
        "/accounts",
        "/ops/account-availability",
        "/ops/upstream-errors?time_range=1h",
        "/ops/errors?view=all&time_range=1h",
    ] {
        pages.push(waybill.admin(Method::GET, path, String::new()).await.text());
    }
    pages.push(
        waybill
            .ops(&format!("errors/{}", told.request_id()))
            .await
            .to_string(),
    );
    waybill.terminate();
    assert!(waybill.ended().await.success());
    for entry in std::fs::read_dir(folder.path().join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        pages.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    pages.push(std::fs::read_to_string(folder.path().join("output.log")).unwrap());
    for (index, page) in pages.iter().enumerate() {
        for secret in &secrets {
            if page.contains(&**secret) {
                let at = page.find(&**secret).unwrap();
                let around = &page[page.floor_char_boundary(at.saturating_sub(300))
                    ..page.floor_char_boundary(at + 80)];
                panic!("page {index} holds {secret}: {around}");
            }
        }
    }
}

#[test]
fn every_mistake_of_a_credential_is_named_at_once_and_no_secret_with_it() {
    let text = r#"
[[group]]
name = "g"
platform = "gemini"
[[account]]
name = "both"
platform = "gemini"
credential = { api_key = "key-hunter2", refresh_token = "hunter2", client_id = "" }
[[account]]
name = "half"
platform = "gemini"
credential = { refresh_token = "hunter2", scopes = ["x"], token_url = "ftp://x" }
[[account]]
name = "elsewhere"
platform = "openai"
credential = { refresh_token = "hunter2", client_id = "c" }
[[account]]
name = "file"
platform = "antigravity"
credential = { service_account = '{"type": "service_account", "private_key": "hunter2"}', scopes = [], token_url = "https://x" }
[[account]]
name = "inside"
platform = "gemini"
credential = { refresh_token = "hunter2", client_id = "c", token_url = "http://169.254.169.254/token" }
"#;
    let problems = Config::parse(text, &|_| None).unwrap_err().to_string();
    for expected in [
        "account \"both\": credential.refresh_token: there is `api_key` already",
        "account \"both\": credential.client_id: it belongs to `refresh_token`",
        "account \"half\": credential.client_id: it is missing",
        "account \"half\": credential.scopes: it belongs to `service_account`",
        "account \"half\": credential.token_url: `ftp://x` is not an http or https address",
        "account \"elsewhere\": credential.refresh_token: accounts of openai have an api_key",
        "account \"file\": credential.service_account: it has no `client_email`",
        "account \"file\": credential.scopes: 1 to 32 scopes",
        "account \"file\": credential.token_url: the key file says where",
        "account \"inside\": credential.token_url: `169.254.169.254` is a cloud's metadata service",
    ] {
        assert!(
            problems.contains(expected),
            "{expected} is not in:\n{problems}"
        );
    }
    assert!(!problems.contains("hunter2"), "{problems}");
}
