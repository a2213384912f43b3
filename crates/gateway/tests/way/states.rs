//! What failures do to accounts, through the real server: what stops, until when, who comes back and how,
//! and that every exclusion leads to the request that caused it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::support::{Answer, Setup, World, configuration, eventually, key_of, message};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use waybill_gateway::{clock::Clock, config::Config, run};
use waybill_sim::{Fault, Limit, Place, ProviderError as E, Rule};

const MESSAGES: &str = "/v1/messages";

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct Time(Arc<AtomicI64>);

impl Time {
    fn new() -> Time {
        Time(Arc::new(AtomicI64::new(Clock::System.now().0)))
    }

    fn clock(&self) -> Clock {
        Clock::Manual(Arc::clone(&self.0))
    }

    fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

/// Accounts whose time is the test's. Nobody waits in the line: what cannot be served is refused.
async fn world(accounts: usize, rest: &str) -> (World, Time) {
    let time = Time::new();
    let world = World::with(setup(accounts, rest, &time)).await;
    (world, time)
}

fn setup(accounts: usize, rest: &str, time: &Time) -> Setup {
    Setup {
        accounts,
        top: "[queue]\ntimeout_ms = 0".into(),
        rest: rest.into(),
        clock: time.clock(),
        ..Setup::default()
    }
}

/// A 429 that states its wait.
fn limited(seconds: u64) -> Fault {
    Fault::Provider {
        error: E::RateLimitRequests,
        retry_after_ms: Some(seconds * 1000),
        echo_key: false,
        headers: [("retry-after".to_owned(), seconds.to_string())].into(),
    }
}

/// The account as the admin API shows it.
async fn account(world: &World, name: &str) -> Value {
    let list = world
        .admin(Method::GET, "/accounts?page_size=500", "")
        .await
        .json();
    let mut accounts = list["items"].as_array().unwrap().iter();
    accounts.find(|seen| seen["name"] == name).unwrap().clone()
}

async fn state(world: &World, name: &str) -> Value {
    account(world, name).await["state"].clone()
}

/// The account's events, oldest first.
async fn events(world: &World, name: &str) -> Vec<Value> {
    let id = account(world, name).await["id"].clone();
    let path = format!("/accounts/{id}/events?time_range=24h");
    let answer = world.admin(Method::GET, &path, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut events = answer.json()["items"].as_array().unwrap().clone();
    events.reverse();
    events
}

async fn kinds(world: &World, name: &str) -> Vec<String> {
    let events = events(world, name).await;
    events
        .iter()
        .map(|event| event["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits until the account's newest event is of this kind: a success does not wait for the recorder.
async fn ends_with(world: &World, name: &str, kind: &str) {
    eventually(kind, || async move {
        (kinds(world, name).await.last().map(String::as_str) == Some(kind)).then_some(())
    })
    .await;
}

/// The account that was asked last.
fn asked_last(world: &World) -> String {
    let received = world.sim.received();
    received.last().unwrap().key.clone().unwrap()
}

async fn post(world: &World) -> Answer {
    world.post(MESSAGES, message(false)).await
}

fn attempts(answer: &Answer) -> &str {
    answer.header("x-waybill-attempts").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_stops_one_account_until_its_reset_and_the_others_serve() {
    let (world, time) = world(2, "").await;
    world
        .sim
        .script(Rule::new(limited(7)).key(&key_of("a1")).times(1));
    let answer = post(&world).await;
    assert_eq!((answer.status.as_u16(), attempts(&answer)), (200, "2"));
    let stopped = state(&world, "a1").await;
    assert_eq!(stopped["marks"][0]["kind"], "rate_limited", "{stopped}");
    assert_eq!(stopped["marks"][0]["source"], "retry-after", "{stopped}");
    assert_eq!(
        stopped["marks"][0]["request_id"],
        answer.request_id(),
        "{stopped}"
    );
    assert_eq!(state(&world, "a2").await["marks"], json!([]));

    time.pass(6_900);
    assert_eq!(attempts(&post(&world).await), "1");
    assert_eq!(asked_last(&world), key_of("a2"), "before the deadline");
    time.pass(200);
    assert_eq!(state(&world, "a1").await["marks"][0]["half_open"], true);
    assert_eq!(attempts(&post(&world).await), "1");
    assert_eq!(asked_last(&world), key_of("a1"), "the trial");
    assert_eq!(state(&world, "a1").await["marks"], json!([]));
    ends_with(&world, "a1", "recovered").await;
    assert_eq!(kinds(&world, "a1").await, ["rate_limited", "recovered"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_credential_stops_its_account_with_the_reason() {
    let (world, _) = world(2, "").await;
    let payment = Fault::http(
        402,
        json!({"error": {"type": "billing_error", "message": "Please pay."}}),
    );
    for (fault, cause) in [
        (Fault::provider(E::InvalidKey), "auth.invalid_key"),
        (Fault::provider(E::AccountDisabled), "auth.account_disabled"),
        (Fault::provider(E::Permission), "auth.permission"),
        (payment, "billing.credit_exhausted"),
    ] {
        world.clear_states().await;
        world
            .sim
            .script(Rule::new(fault).key(&key_of("a1")).times(1));
        let answer = post(&world).await;
        assert_eq!((answer.status.as_u16(), attempts(&answer)), (200, "2"));
        let stopped = state(&world, "a1").await;
        let mark = &stopped["marks"][0];
        assert_eq!(
            (&mark["kind"], &mark["cause"]),
            (&json!("error"), &json!(cause)),
            "{stopped}"
        );
        assert!(!mark["reason"].as_str().unwrap().is_empty(), "{stopped}");
        assert!(mark["until"].is_string(), "a way back: {stopped}");
        assert_eq!(attempts(&post(&world).await), "1", "{cause}");
        assert_eq!(asked_last(&world), key_of("a2"), "{cause}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_capacity_stops_a_model_for_longer_each_time_in_a_row() {
    let (world, time) = world(2, "").await;
    world
        .sim
        .script(Rule::new(Fault::provider(E::Overloaded)).key(&key_of("a1")));
    for (strike, wait) in [(1, 1000), (2, 2000), (3, 4000)] {
        let answer = post(&world).await;
        assert_eq!((answer.status.as_u16(), attempts(&answer)), (200, "2"));
        let stopped = state(&world, "a1").await;
        let mark = &stopped["marks"][0];
        assert_eq!(mark["scope"], "model:claude-sonnet-4-5", "{stopped}");
        assert_eq!(
            (&mark["strikes"], &mark["source"]),
            (&json!(strike), &json!("back-off")),
            "{stopped}"
        );
        time.pass(wait - 1);
        assert_eq!(attempts(&post(&world).await), "1", "strike {strike}");
        time.pass(1);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_too_long_leaves_twenty_healthy_accounts() {
    let (world, _) = world(20, "").await;
    world
        .sim
        .script(Rule::new(Fault::provider(E::ContextLength)));
    for _ in 0..5 {
        let answer = post(&world).await;
        assert_eq!((answer.status.as_u16(), attempts(&answer)), (400, "1"));
    }
    for number in 1..=20 {
        let name = format!("a{number}");
        assert_eq!(state(&world, &name).await["marks"], json!([]), "{name}");
        assert_eq!(kinds(&world, &name).await.len(), 0, "{name}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_alike_on_two_accounts_is_the_requests_own_fault() {
    let (world, _) = world(3, "").await;
    let message = "Extra usage is required for long context requests.";
    let error = json!({"type": "error", "error": {"type": "rate_limit_error", "message": message}});
    world.sim.script(Rule::new(Fault::http(429, error)));
    let answer = post(&world).await;
    assert_eq!(
        (answer.status.as_u16(), attempts(&answer)),
        (429, "2"),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("x-waybill-error-source"), Some("upstream"));
    for name in ["a1", "a2", "a3"] {
        assert_eq!(state(&world, name).await["marks"], json!([]), "{name}");
    }
    let error = world
        .error_in("excluded", answer.request_id())
        .await
        .expect("it does not count against the service");
    assert_eq!(
        (&error["error_owner"], &error["is_retryable"]),
        (&json!("client"), &json!(false)),
        "{error}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_credential_may_do_stops_no_account_and_is_not_shown_as_the_clients_doing() {
    let (world, _) = world(3, "").await;
    world.sim.script(Rule::new(Fault::provider(E::Permission)));
    let answer = post(&world).await;
    assert_eq!(
        (answer.status.as_u16(), attempts(&answer)),
        (502, "3"),
        "{}",
        answer.text()
    );
    for name in ["a1", "a2", "a3"] {
        assert_eq!(state(&world, name).await["marks"], json!([]), "{name}");
    }
    let of_first = events(&world, "a1").await;
    let kinds: Vec<_> = of_first.iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["error", "compensated"]);
    assert_eq!(of_first[1]["undoes"], of_first[0]["id"]);
    assert_eq!(of_first[1]["request_id"], json!(answer.request_id()));
    let error = world
        .error_in("errors", answer.request_id())
        .await
        .expect("it counts against the service");
    assert_eq!(error["error_owner"], "platform", "{error}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_are_refused_what_another_may_do_stop_their_accounts() {
    let (world, _) = world(3, "").await;
    for name in ["a1", "a2"] {
        let refused = Rule::new(Fault::provider(E::Permission));
        world.sim.script(refused.key(&key_of(name)));
    }
    let answer = post(&world).await;
    assert_eq!((answer.status.as_u16(), attempts(&answer)), (200, "3"));
    for name in ["a1", "a2"] {
        let mark = &state(&world, name).await["marks"][0];
        assert_eq!(mark["kind"], "error", "{name}: {mark}");
        assert_eq!(mark["scope"], "model:claude-sonnet-4-5", "{name}: {mark}");
    }
    assert_eq!(attempts(&post(&world).await), "1");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_down_for_everybody_leaves_no_account_marked() {
    let (world, time) = world(4, "").await;
    for fault in [
        Fault::provider(E::Internal),
        Fault::provider(E::Overloaded),
        Fault::reset(Place::BeforeHeaders),
    ] {
        world.sim.script(Rule::new(fault.clone()));
        for _ in 0..8 {
            assert!(post(&world).await.status.is_server_error(), "{fault:?}");
            time.pass(3_000);
        }
        let availability = world.ops("account-availability").await;
        for number in 1..=4 {
            let name = format!("a{number}");
            let state = state(&world, &name).await;
            assert_eq!(state["marks"], json!([]), "{fault:?} {name}");
        }
        let ways = availability["ways"].as_array().unwrap();
        assert!(
            ways.iter().any(|way| {
                way["failing_since"].is_string()
                    || way["full_models"] == json!(["claude-sonnet-4-5"])
            }),
            "{fault:?}: {availability}"
        );
        world.sim.clear_script();
        assert_eq!(attempts(&post(&world).await), "1", "{fault:?}");
        let availability = world.ops("account-availability").await;
        assert_eq!(availability["ways"], json!([]), "a success clears the way");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_exclusion_leads_by_its_ids_to_the_request_that_caused_it() {
    let (world, _) = world(3, "").await;
    for (name, fault) in [
        ("a1", limited(600)),
        ("a2", Fault::provider(E::InvalidKey)),
        ("a3", Fault::provider(E::Quota)),
    ] {
        world.sim.script(Rule::new(fault).key(&key_of(name)));
    }
    assert_eq!(attempts(&post(&world).await), "3");
    let refused = post(&world).await;
    assert_eq!(
        (refused.status.as_u16(), attempts(&refused)),
        (503, "0"),
        "{}",
        refused.text()
    );
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    let error = world.error(refused.request_id()).await;
    let route = error["route"].as_array().unwrap();
    assert_eq!(route.len(), 3, "{error}");
    for seen in route {
        let name = seen["account_name"].as_str().unwrap();
        for field in [
            "excluded",
            "since",
            "until",
            "event_id",
            "caused_by",
            "cause",
        ] {
            assert!(!seen[field].is_null(), "{field}: {seen}");
        }
        let events = events(&world, name).await;
        let event = events
            .iter()
            .find(|event| event["id"] == seen["event_id"])
            .unwrap_or_else(|| panic!("{seen} leads to no event of {events:?}"));
        assert_eq!(event["request_id"], seen["caused_by"], "{event}");
        assert_eq!(event["until"], seen["until"], "{event}");
        let request_id = event["request_id"].as_str().unwrap();
        let attempts = world.events_of(request_id).await;
        let attempt = attempts
            .iter()
            .find(|attempt| attempt["account_name"] == name)
            .unwrap_or_else(|| panic!("no attempt on {name} in {attempts:?}"));
        assert_eq!(attempt["cause"], seen["cause"], "{attempt}");
        assert_eq!(attempt["attempt"], event["attempt"], "{attempt}");
        assert_eq!(
            attempt["upstream_status_code"], event["status_code"],
            "{attempt}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_keeps_states_and_deadlines() {
    let (mut world, time) = world(2, "").await;
    world
        .sim
        .script(Rule::new(limited(7)).key(&key_of("a1")).times(1));
    assert_eq!(attempts(&post(&world).await), "2");
    let before = state(&world, "a1").await;

    world.gateway.take().unwrap().stop().await;
    let text = configuration(&setup(2, "", &time), &world.sim.url());
    let mut config = Config::parse(&text, &|_| None).unwrap();
    config.data_dir = world.folder.path().to_owned();
    let gateway = run::start_at(config, time.clock()).await.unwrap();
    world.url = format!("http://{}", gateway.running.address());
    world.gateway = Some(gateway);

    assert_eq!(state(&world, "a1").await, before);
    assert_eq!(attempts(&post(&world).await), "1");
    assert_eq!(asked_last(&world), key_of("a2"));
    time.pass(7_100);
    assert_eq!(attempts(&post(&world).await), "1");
    assert_eq!(asked_last(&world), key_of("a1"), "the trial");
    ends_with(&world, "a1", "recovered").await;
    let ids: Vec<_> = events(&world, "a1").await;
    let ids: Vec<_> = ids.iter().map(|event| event["id"].as_i64()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_at_a_time_finds_out_whether_an_account_serves_again() {
    let (world, time) = world(2, "").await;
    let first = key_of("a1");
    world.sim.script(Rule::new(limited(7)).key(&first).times(1));
    assert_eq!(attempts(&post(&world).await), "2");
    time.pass(7_100);
    let asked = |world: &World| {
        let received = world.sim.received();
        received
            .iter()
            .filter(|request| request.key.as_deref() == Some(first.as_str()))
            .count()
    };
    let before = asked(&world);
    // The trial stays undecided until it has its first content.
    world
        .sim
        .script(Rule::healthy().key(&first).times(1).delay_ms(2_000));
    let answers = join_all((0..6).map(|_| post(&world))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(
        asked(&world) - before,
        1,
        "the others went to the other account"
    );

    // One that ends undecided gives the trial back.
    world.clear_states().await;
    world.sim.clear_script();
    world.sim.script(Rule::new(limited(7)).key(&first).times(1));
    assert_eq!(attempts(&post(&world).await), "2");
    time.pass(7_100);
    world.sim.script(
        Rule::new(Fault::provider(E::BadRequest))
            .key(&first)
            .times(1),
    );
    assert_eq!(post(&world).await.status, 400);
    assert_eq!(state(&world, "a1").await["marks"][0]["half_open"], true);
    assert_eq!(attempts(&post(&world).await), "1");
    assert_eq!(asked_last(&world), first);
    assert_eq!(state(&world, "a1").await["marks"], json!([]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_were_in_flight_together_make_one_event() {
    let (world, _) = world(2, "").await;
    world.sim.script(
        Rule::new(limited(30))
            .key(&key_of("a1"))
            .times(5)
            // Long enough for all of them to be there, on a slow machine, too.
            .delay_ms(1_500),
    );
    let answers = join_all((0..5).map(|_| post(&world))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(kinds(&world, "a1").await, ["rate_limited"]);
    assert_eq!(state(&world, "a1").await["marks"][0]["strikes"], 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_inside_a_stream_counts_like_a_status() {
    let (world, _) = world(2, "").await;
    for frames in [0, 3] {
        world.clear_states().await;
        let fault = Fault::StreamError {
            error: E::Overloaded,
            frames,
        };
        world
            .sim
            .script(Rule::new(fault).key(&key_of("a1")).times(1));
        world.post(MESSAGES, message(true)).await;
        let stopped = state(&world, "a1").await;
        let mark = &stopped["marks"][0];
        assert_eq!(mark["kind"], "overloaded", "{frames}: {stopped}");
        assert_eq!(mark["scope"], "model:claude-sonnet-4-5", "{stopped}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_rules_come_before_the_table() {
    let rest = "[[account]]\nname = \"ruled\"\nplatform = \"anthropic\"\ngroups = [\"claude\"]\n\
        base_url = \"{providers}\"\ncredential = { api_key = \"sk-ant-api03-a0-0123456789abcdefABCDEF\" }\n\
        priority = 0\ncounted_statuses = [401]\n\
        [[account.state_rules]]\nname = \"later\"\nstatuses = [400]\ncontains = \"come back LATER\"\n\
        state = \"paused\"\nfor_seconds = 600\n\
        [[account.state_rules]]\nname = \"never mind\"\nstatuses = [401]\ncontains = \"never mind\"";
    let (world, time) = world(1, rest).await;
    let says = |status: u16, text: &str| {
        let kind = "invalid_request_error";
        Fault::http(
            status,
            json!({"type": "error", "error": {"type": kind, "message": text}}),
        )
    };
    let once = |fault| {
        world
            .sim
            .script(Rule::new(fault).key(&key_of("a0")).times(1));
    };
    // A status that does not count, and a rule that says that nothing happens.
    for fault in [limited(60), says(401, "No key, never mind.")] {
        once(fault);
        assert_eq!(attempts(&post(&world).await), "2");
        assert_eq!(state(&world, "ruled").await["marks"], json!([]));
    }
    // The table would blame the request.
    once(says(400, "Please come back later."));
    let answer = post(&world).await;
    assert_eq!(
        (answer.status.as_u16(), attempts(&answer)),
        (200, "2"),
        "{}",
        answer.text()
    );
    let paused = state(&world, "ruled").await;
    assert_eq!(paused["status"], "paused", "{paused}");
    assert_eq!(paused["marks"][0]["source"], "rule", "{paused}");
    let reason = paused["marks"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("`later`"), "{paused}");
    time.pass(599_000);
    assert_eq!(attempts(&post(&world).await), "1");
    assert_eq!(asked_last(&world), key_of("a1"));
    time.pass(1_001);
    assert_eq!(attempts(&post(&world).await), "1");
    assert_eq!(asked_last(&world), key_of("a0"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_credential_is_not_refused_yet() {
    let (world, _) = world(2, "").await;
    world
        .sim
        .script(Rule::new(Fault::provider(E::InvalidKey)).key(&key_of("a1")));
    assert_eq!(attempts(&post(&world).await), "2");
    assert_eq!(state(&world, "a1").await["status"], "error");
    let id = account(&world, "a1").await["id"].clone();
    let changed = json!({"credential": {"api_key": key_of("a9")}}).to_string();
    let answer = world
        .admin(Method::PUT, &format!("/accounts/{id}"), changed)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(state(&world, "a1").await["status"], "active");
    assert_eq!(attempts(&post(&world).await), "1");
    assert_eq!(asked_last(&world), key_of("a9"));
    ends_with(&world, "a1", "recovered").await;
    let events = events(&world, "a1").await;
    assert_eq!(events[1]["actor"], "configuration", "{events:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_an_answer_says_is_used_up_is_met_before_the_provider_says_no() {
    let world = World::new().await;
    world
        .sim
        .limit(Limit::of(&key_of("a1")).requests_per_minute(1));
    assert_eq!(post(&world).await.status, 200);
    assert_eq!(asked_last(&world), key_of("a1"));
    let stopped = state(&world, "a1").await;
    assert_eq!(stopped["marks"][0]["kind"], "rate_limited", "{stopped}");
    assert_eq!(stopped["marks"][0]["strikes"], 0, "{stopped}");
    for _ in 0..3 {
        let answer = post(&world).await;
        assert_eq!((answer.status.as_u16(), attempts(&answer)), (200, "1"));
        assert_eq!(asked_last(&world), key_of("a2"));
    }
    world.stop().await;
}
