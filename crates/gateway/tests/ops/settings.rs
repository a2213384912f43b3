//! Settings through the real server: what is chosen is shown, acts at once on what it is about, and stays.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::support::{
    Answer, Setup, World, configuration, eventually, key_of, message, receiver::Receiver,
};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use waybill_gateway::{clock::Clock, config::Config, run};
use waybill_model::time::UnixMillis;
use waybill_sim::{Fault, Place, ProviderError, Rule};

const MESSAGES: &str = "/v1/messages";
const COUNT: &str = "/v1/messages/count_tokens";
const SETTINGS: &str = "/ops/settings";
const MINUTE: i64 = 60_000;

fn setup() -> Setup {
    Setup {
        accounts: 1,
        top: "[queue]\ntimeout_ms = 0\n[retention]\nerrors_days = 12\n\
              [egress]\nallow = [\"127.0.0.1\"]"
            .into(),
        ..Setup::default()
    }
}

async fn world() -> World {
    World::with(setup()).await
}

/// A world whose clock stands still, at the begin of a minute, until it is moved.
async fn world_at(instant: UnixMillis) -> (World, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(instant.0 - instant.0.rem_euclid(MINUTE)));
    let world = World::with(Setup {
        clock: Clock::Manual(Arc::clone(&time)),
        ..setup()
    })
    .await;
    (world, time)
}

async fn change(world: &World, change: Value) -> Answer {
    world
        .admin(Method::PATCH, SETTINGS, change.to_string())
        .await
}

async fn set(world: &World, what: Value) -> Value {
    let answer = change(world, what).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn serve(world: &World, times: usize) {
    for _ in 0..times {
        let answer = world.post(MESSAGES, message(false)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// Breaks `times` times inside an answer: that counts.
async fn fail(world: &World, times: u32) {
    for _ in 0..times {
        let cut = Rule::new(Fault::Truncate { frames: 2 });
        world.sim.script(cut.key(&key_of("a1")).times(1));
        let answer = world.post(MESSAGES, message(true)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// The overview, when so many requests are in it.
async fn overview(world: &World, requests: u64, query: &str) -> Value {
    eventually("every request is counted", || async move {
        let path = format!("dashboard/overview?time_range=1h{query}");
        let seen = world.ops(&path).await;
        (seen["counts"]["requests"] == requests).then_some(seen)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_chosen_is_shown_beside_what_it_takes_the_place_of() {
    let world = world().await;
    let fresh = world.ops("settings").await;
    assert_eq!(
        (&fresh["version"], &fresh["updated_at"]),
        (&0.into(), &Value::Null)
    );
    assert_eq!(
        fresh["thresholds"]["sla_percent_min"],
        json!({"default": 99.5, "set": null, "in_force": 99.5})
    );
    assert_eq!(
        fresh["ignore"]["invalid_api_keys"],
        json!({"default": true, "set": null, "in_force": true})
    );
    assert_eq!(
        fresh["retention"]["errors_days"],
        json!({"configured": 12.0, "set": null, "in_force": 12.0})
    );
    assert_eq!(fresh["retention"]["alert_events_days"]["configured"], 365.0);

    let chosen = set(
        &world,
        json!({
            "version": 0,
            "thresholds": {"sla_percent_min": 98, "ttft_p99_ms_max": "off"},
            "retention": {"errors_days": 3.5},
        }),
    )
    .await;
    assert_eq!(
        (&chosen["version"], &chosen["updated_by"]),
        (&1.into(), &"admin token".into())
    );
    assert_eq!(
        chosen["thresholds"]["ttft_p99_ms_max"],
        json!({"default": 10_000, "set": "off", "in_force": "off"})
    );
    assert_eq!(
        chosen["retention"]["errors_days"],
        json!({"configured": 12.0, "set": 3.5, "in_force": 3.5})
    );
    // What is absent stays, `null` puts the default back, and `PUT` does the same.
    let body = json!({"thresholds": {"sla_percent_min": null}}).to_string();
    let answer = world.admin(Method::PUT, SETTINGS, body).await;
    let next = answer.json();
    assert_eq!(next["thresholds"]["sla_percent_min"]["in_force"], 99.5);
    assert_eq!(next["thresholds"]["ttft_p99_ms_max"]["in_force"], "off");
    assert_eq!(world.ops("settings").await, next);

    let late = change(
        &world,
        json!({"version": 1, "monitoring": {"enabled": false}}),
    )
    .await;
    assert_eq!(
        (late.status.as_u16(), late.json()["code"].clone()),
        (409, "outdated".into())
    );
    let log = world.ops("audit-log?action=settings.change").await;
    let entry = &log["items"][0];
    assert_eq!(entry["status"], 409, "{entry}");
    assert_eq!(
        log["items"][2]["detail"]["fields"],
        json!([
            "thresholds.sla_percent_min",
            "thresholds.ttft_p99_ms_max",
            "retention.errors_days"
        ]),
        "{log}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_accepted_is_named_and_a_viewer_may_only_look() {
    let world = world().await;
    for (body, field) in [
        (
            json!({"thresholds": {"sla_percent_min": 101}}),
            "thresholds.sla_percent_min",
        ),
        (
            json!({"thresholds": {"ttft_p99_ms_max": "never"}}),
            "thresholds.ttft_p99_ms_max",
        ),
        (
            json!({"retention": {"audit_days": 0}}),
            "retention.audit_days",
        ),
        (
            json!({"retention": {"errors_days": "long"}}),
            "retention.errors_days",
        ),
        (json!({"ignore": {"moods": true}}), "ignore.moods"),
        (
            json!({"monitoring": {"enabled": "no"}}),
            "monitoring.enabled",
        ),
    ] {
        let answer = change(&world, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["field"], field, "{}", answer.text());
    }
    assert_eq!(world.ops("settings").await["version"], 0);

    let eve = json!({"name": "eve", "role": "viewer", "password": "correct horse battery"});
    let made = world
        .admin(Method::POST, "/admin-users", eve.to_string())
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let token = json!({"name": "t", "role": "viewer", "admin_user": "eve"});
    let made = world
        .admin(Method::POST, "/tokens", token.to_string())
        .await;
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let by_eve = async |method: Method, body: &str| {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1/admin{SETTINGS}", world.url))
            .header("authorization", format!("Bearer {token}"))
            .body(Full::from(body.to_owned()))
            .unwrap();
        world.send(request).await.status.as_u16()
    };
    assert_eq!(by_eve(Method::GET, "").await, 200);
    let off = r#"{"monitoring":{"enabled":false}}"#;
    assert_eq!(by_eve(Method::PATCH, off).await, 403);
    assert_eq!(by_eve(Method::PUT, off).await, 403);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_overview_says_how_its_numbers_stand_to_their_thresholds() {
    let world = world().await;
    let states = |seen: &Value| {
        let of = |name: &str| {
            seen["thresholds"][name]["state"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        [
            of("sla_percent_min"),
            of("ttft_p99_ms_max"),
            of("request_error_rate_percent_max"),
            of("upstream_error_rate_percent_max"),
        ]
    };
    let seen = overview(&world, 0, "").await;
    assert_eq!(states(&seen), ["no_data"; 4]);
    serve(&world, 3).await;
    fail(&world, 1).await;
    let seen = overview(&world, 4, "").await;
    assert_eq!(
        states(&seen),
        ["breached", "ok", "breached", "breached"],
        "{seen}"
    );
    assert_eq!(
        seen["thresholds"]["sla_percent_min"],
        json!({"value": 75.0, "threshold": 99.5, "state": "breached"})
    );
    set(
        &world,
        json!({"thresholds": {
            "sla_percent_min": 75, "ttft_p99_ms_max": "off",
            "request_error_rate_percent_max": 25, "upstream_error_rate_percent_max": 24.9,
        }}),
    )
    .await;
    let seen = overview(&world, 4, "").await;
    assert_eq!(states(&seen), ["ok", "off", "ok", "breached"], "{seen}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_out_of_numbers_is_said_and_comes_back() {
    let world = world().await;
    serve(&world, 2).await;
    fail(&world, 1).await;
    // A count of tokens that fails, a client that leaves, and two strangers.
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)).times(1));
    let counted = world.post(COUNT, message(false)).await;
    assert!(counted.status.is_server_error(), "{}", counted.text());
    world.clear_states().await;
    let stall = Rule::new(Fault::stall(Place::MidContent)).times(1);
    world.sim.script(stall);
    let mut held = world
        .open(world.request(Method::POST, MESSAGES, message(true)))
        .await;
    assert!(held.frame().await.unwrap().is_ok());
    drop(held);
    for _ in 0..2 {
        let mut stranger = world.request(Method::POST, MESSAGES, message(false));
        stranger
            .headers_mut()
            .insert("x-api-key", "nobody-knows-this-key".parse().unwrap());
        assert_eq!(world.send(stranger).await.status, 401);
    }
    let shown = |seen: &Value| {
        let counts = &seen["counts"];
        let of = |name: &str| counts[name].as_u64().unwrap();
        (
            of("requests"),
            of("failures"),
            of("client_gone"),
            of("client_errors"),
            of("attempts"),
        )
    };
    let seen = overview(&world, 5, "").await;
    assert_eq!(shown(&seen), (5, 2, 1, 0, 5), "{seen}");
    eventually("the strangers are told of", || async {
        let seen = overview(&world, 5, "").await;
        let all =
            json!({"count_tokens_errors": 0, "client_cancellations": 0, "invalid_api_keys": 2});
        (seen["ignored"] == all).then_some(())
    })
    .await;

    // Everything that was left in goes, and the strangers come.
    let ignore = json!({"count_tokens_errors": true, "client_cancellations": true, "invalid_api_keys": false});
    set(&world, json!({"ignore": ignore})).await;
    for mode in ["&mode=raw", "&mode=rolled_up"] {
        let seen = overview(&world, 5, mode).await;
        assert_eq!(shown(&seen), (5, 1, 0, 2, 4), "{mode} {seen}");
        assert_eq!(
            seen["ignored"],
            json!({"count_tokens_errors": 1, "client_cancellations": 1, "invalid_api_keys": 0})
        );
        assert_eq!(seen["sla"]["of"], 3);
        // They are nobody's: of a group they are not.
        let group = overview(&world, 3, &format!("{mode}&group_id=1")).await;
        assert_eq!(shown(&group), (3, 1, 0, 0, 4), "{mode}");
        let kinds = world
            .ops(&format!("dashboard/error-distribution?time_range=1h{mode}"))
            .await;
        let kinds: Vec<&str> = kinds["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["value"].as_str().unwrap())
            .collect();
        assert_eq!(kinds.len(), 2, "{kinds:?}");
        assert!(kinds.contains(&"gateway.invalid_key"), "{kinds:?}");
        let over_time = world
            .ops(&format!(
                "dashboard/error-distribution-trend?time_range=1h{mode}"
            ))
            .await;
        let values = over_time["values"].as_array().unwrap().iter();
        let values: Vec<&str> = values.map(|one| one["value"].as_str().unwrap()).collect();
        assert_eq!(values, kinds);
        let trend = world
            .ops(&format!("dashboard/error-trend?time_range=1h{mode}"))
            .await;
        let points = trend["points"].as_array().unwrap().iter();
        let failures: u64 = points
            .map(|point| point["failures"].as_u64().unwrap())
            .sum();
        assert_eq!(failures, 1, "{trend}");
    }
    set(&world, json!({"ignore": {"count_tokens_errors": null, "client_cancellations": null, "invalid_api_keys": null}})).await;
    let seen = overview(&world, 5, "").await;
    assert_eq!(shown(&seen), (5, 2, 1, 0, 5), "nothing was lost: {seen}");
    world.stop().await;
}

/// An objective's statement names what the settings leave out, with the rule.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_names_what_the_settings_leave_out() {
    let world = world().await;
    serve(&world, 1).await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)).times(1));
    world.post(COUNT, message(false)).await;
    overview(&world, 2, "").await;
    let body = json!({"name": "all", "target_percent": 90, "window_days": 7}).to_string();
    let made = world.admin(Method::POST, "/ops/objectives", body).await;
    let path = format!("objectives/{}/statement", made.json()["id"]);
    let statement = world.ops(&path).await;
    assert_eq!(statement["counted"], json!({"total": 2, "bad": 1}));
    set(&world, json!({"ignore": {"count_tokens_errors": true}})).await;
    let statement = world.ops(&path).await;
    assert_eq!(statement["counted"], json!({"total": 1, "bad": 0}));
    let rule = statement["exclusions"][0]["rule"].as_str().unwrap();
    assert!(rule.starts_with("ignored: "), "{statement}");
    world.stop().await;
}

async fn rule(world: &World, rule: Value) -> Value {
    let answer = world
        .admin(Method::POST, "/ops/alert-rules", rule.to_string())
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// Watches nothing but `failures >= 3` within an hour.
async fn watch_failures(world: &World) {
    let seeded = eventually("the first rules are there", || async {
        let rules = world.ops("alert-rules").await;
        (rules["total"].as_u64().unwrap() > 5).then_some(rules)
    })
    .await;
    for rule in seeded["items"].as_array().unwrap() {
        let path = format!("/ops/alert-rules/{}", rule["id"]);
        assert_eq!(world.admin(Method::DELETE, &path, "").await.status, 204);
    }
    rule(
        world,
        json!({"name": "failures", "metric": "failures", "operator": ">=", "threshold": 3,
               "window_minutes": 60, "cooldown_minutes": 0, "severity": "P1"}),
    )
    .await;
}

/// Lets the minute pass and waits until it is judged: another rule, which always fires anew, says so.
async fn judged(world: &World, time: &AtomicI64, name: &str) {
    rule(
        world,
        json!({"name": name, "metric": "requests", "operator": ">=", "threshold": 0, "severity": "P3"}),
    )
    .await;
    time.fetch_add(MINUTE + 4_000, Ordering::Relaxed);
    eventually("the minute is judged", || async {
        let events = world.ops("alert-events?status=firing").await;
        let mut events = events["items"].as_array().unwrap().iter();
        events
            .any(|event| event["evidence"]["rule_name"] == name)
            .then_some(())
    })
    .await;
}

async fn failures_fired(world: &World) -> usize {
    let events = world.ops("alert-events").await;
    let events = events["items"].as_array().unwrap().iter();
    events
        .filter(|event| event["evidence"]["rule_name"] == "failures")
        .count()
}

async fn outcome(world: &World, job: &str) -> Value {
    let jobs = world.ops("jobs").await;
    let mut jobs = jobs["items"].as_array().unwrap().iter();
    jobs.find(|found| found["name"] == job).unwrap()["outcome"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_monitoring_is_off_nobody_is_told_and_nothing_fires_for_the_gap() {
    let (world, time) = world_at(Clock::System.now()).await;
    watch_failures(&world).await;
    set(&world, json!({"monitoring": {"enabled": false}})).await;
    for (job, is_off) in [("alerts", true), ("reports", true), ("rollups", false)] {
        let outcome = outcome(&world, job).await;
        assert_eq!(outcome == "off", is_off, "{job}: {outcome}");
    }
    fail(&world, 3).await;
    // Records and numbers go on.
    assert_eq!(overview(&world, 3, "").await["counts"]["failures"], 3);
    time.fetch_add(2 * MINUTE, Ordering::Relaxed);
    let on = set(&world, json!({"monitoring": {"enabled": null}})).await;
    assert_ne!(on["monitoring"]["since"], Value::Null);
    judged(&world, &time, "first").await;
    judged(&world, &time, "second").await;
    assert_eq!(failures_fired(&world).await, 0, "three failed unwatched");
    world.clear_states().await;
    fail(&world, 3).await;
    judged(&world, &time, "third").await;
    judged(&world, &time, "fourth").await;
    assert_eq!(failures_fired(&world).await, 1);
    // What goes on stays as it is.
    set(&world, json!({"monitoring": {"enabled": false}})).await;
    let firing = world.ops("alert-events?status=firing").await["total"].clone();
    set(&world, json!({"monitoring": {"enabled": true}})).await;
    let still = world.ops("alert-events?status=firing").await["total"].clone();
    assert_eq!(firing, still);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_was_due_while_monitoring_was_off_never_comes() {
    let start: UnixMillis = "2027-03-25T12:00:00Z".parse().unwrap();
    let (world, time) = world_at(start).await;
    let receiver = Receiver::start().await;
    let channel = json!({"name": "hook", "kind": "webhook", "url": receiver.url});
    let made = world
        .admin(
            Method::POST,
            "/ops/notification-channels",
            channel.to_string(),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let schedule = json!({"name": "daily", "kind": "daily_summary", "cron": "0 9 * * *",
        "channels": [made.json()["id"]]});
    let made = world
        .admin(Method::POST, "/ops/report-schedules", schedule.to_string())
        .await;
    let path = format!("report-schedules/{}", made.json()["id"]);
    let due = async |instant: &str| {
        eventually("the schedule has moved on", || async {
            (world.ops(&path).await["next_at"] == instant).then_some(())
        })
        .await;
    };
    due("2027-03-26T09:00:00.000Z").await;
    set(&world, json!({"monitoring": {"enabled": false}})).await;
    let at = |text: &str| text.parse::<UnixMillis>().unwrap().0;
    time.store(at("2027-03-26T09:00:05Z"), Ordering::Relaxed);
    due("2027-03-27T09:00:00.000Z").await;
    assert_eq!(world.ops(&path).await["last_at"], Value::Null);
    set(&world, json!({"monitoring": {"enabled": true}})).await;
    time.store(at("2027-03-27T09:00:05Z"), Ordering::Relaxed);
    due("2027-03-28T09:00:00.000Z").await;
    eventually("the report comes", || async {
        (!receiver.taken().is_empty()).then_some(())
    })
    .await;
    assert_eq!(receiver.taken().len(), 1);
    assert_eq!(world.ops("notifications").await["total"], 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_read_numbers_without_what_is_left_out() {
    let (world, time) = world_at(Clock::System.now()).await;
    watch_failures(&world).await;
    set(&world, json!({"ignore": {"count_tokens_errors": true}})).await;
    for _ in 0..3 {
        world
            .sim
            .script(Rule::new(Fault::provider(ProviderError::Internal)).times(1));
        let counted = world.post(COUNT, message(false)).await;
        assert!(counted.status.is_server_error(), "{}", counted.text());
        world.clear_states().await;
    }
    judged(&world, &time, "first").await;
    assert_eq!(failures_fired(&world).await, 0);
    set(&world, json!({"ignore": {"count_tokens_errors": null}})).await;
    judged(&world, &time, "second").await;
    judged(&world, &time, "third").await;
    assert_eq!(
        failures_fired(&world).await,
        1,
        "the switch works backwards"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_chosen_survives_a_restart_and_retention_follows_it() {
    let mut world = world().await;
    fail(&world, 1).await;
    assert_eq!(world.errors().await.len(), 1);
    // A tenth of a second or so.
    let chosen = set(&world, json!({"retention": {"errors_days": 0.000_001}})).await;
    world.gateway.take().unwrap().stop().await;
    let text = configuration(&setup(), &world.sim.url());
    let mut config = Config::parse(&text, &|_| None).unwrap();
    config.data_dir = world.folder.path().to_owned();
    let gateway = run::start_at(config, Clock::System).await.unwrap();
    world.url = format!("http://{}", gateway.running.address());
    world.gateway = Some(gateway);
    assert_eq!(world.ops("settings").await, chosen);
    eventually("the error is gone by its age", || async {
        world.errors().await.is_empty().then_some(())
    })
    .await;
    world.stop().await;
}
