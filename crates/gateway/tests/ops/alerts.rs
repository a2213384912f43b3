//! Alerts and objectives through the real server: numbers break, somebody is told once, and what was promised can be
//! shown.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::support::{Setup, World, eventually, key_of, message};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use waybill_gateway::clock::Clock;
use waybill_sim::{Fault, Place, ProviderError as E, Rule};

const MESSAGES: &str = "/v1/messages";
const MINUTE: i64 = 60_000;

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct Time(Arc<AtomicI64>);

impl Time {
    fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

/// A world whose clock begins with a minute, and that watches nothing but what the test says.
async fn world() -> (World, Time) {
    let (world, time, seeded) = watched("").await;
    for rule in seeded["items"].as_array().unwrap() {
        let path = format!("/ops/alert-rules/{}", rule["id"]);
        let answer = world.admin(Method::DELETE, &path, "").await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
    (world, time)
}

/// One that watches what a new installation does; and those rules.
async fn watched(top: &str) -> (World, Time, Value) {
    let now = Clock::System.now().0;
    let time = Time(Arc::new(AtomicI64::new(now - now.rem_euclid(MINUTE))));
    let world = World::with(Setup {
        accounts: 1,
        top: format!("[queue]\ntimeout_ms = 0\n{top}"),
        clock: Clock::Manual(Arc::clone(&time.0)),
        ..Setup::default()
    })
    .await;
    let seeded = eventually("the first rules are there", || async {
        let rules = world.ops("alert-rules").await;
        (rules["total"].as_u64().unwrap() > 5).then_some(rules)
    })
    .await;
    (world, time, seeded)
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

async fn serve(world: &World, times: u32) {
    for _ in 0..times {
        let answer = world.post(MESSAGES, message(false)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

async fn rule(world: &World, change: Value) -> Value {
    let mut rule = json!({
        "name": "failures", "metric": "failures", "operator": ">=", "threshold": 3, "window_minutes": 5,
        "cooldown_minutes": 0, "severity": "P1",
    });
    let fields = change.as_object().unwrap().clone();
    rule.as_object_mut().unwrap().extend(fields);
    let answer = world
        .admin(Method::POST, "/ops/alert-rules", rule.to_string())
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

async fn events(world: &World, query: &str) -> Vec<Value> {
    let list = world.ops(&format!("alert-events?{query}")).await;
    list["items"].as_array().unwrap().clone()
}

/// Waits until so many events are as `query` says, and gives them.
async fn until(world: &World, query: &str, count: usize) -> Vec<Value> {
    eventually("as many events", || async move {
        let found = events(world, query).await;
        (found.len() == count).then_some(found)
    })
    .await
}

/// A minute passes, and all of it is judged.
async fn judged(world: &World, time: &Time) {
    let runs = |jobs: &Value| {
        let jobs = jobs["items"].as_array().unwrap();
        let job = jobs.iter().find(|job| job["name"] == "alerts");
        job.map_or(0, |job| job["runs"].as_u64().unwrap())
    };
    time.pass(MINUTE + 4_000);
    let before = runs(&world.ops("jobs").await);
    eventually("a round after the minute", || async move {
        (runs(&world.ops("jobs").await) >= before + 2).then_some(())
    })
    .await;
}

/// The provider takes the first account's key no more.
fn refuse_the_key(world: &World) {
    let refusal = Fault::Provider {
        error: E::InvalidKey,
        retry_after_ms: None,
        echo_key: false,
        headers: Default::default(),
    };
    world.sim.script(Rule::new(refusal).key(&key_of("a1")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_fires_once_says_what_it_found_and_is_resolved_once() {
    let (world, time) = world().await;
    let rule = rule(&world, json!({})).await;
    serve(&world, 7).await;
    fail(&world, 3).await;
    time.pass(MINUTE + 4_000);
    let event = until(&world, "status=firing", 1).await.remove(0);
    assert_eq!(event["rule_id"], rule["id"]);
    assert_eq!(event["evidence"]["value"], 3.0);
    assert_eq!(
        event["evidence"]["sentence"],
        "Failed requests are 3 over 5 minutes, at or above 3."
    );
    assert_eq!(event["told"], true);
    judged(&world, &time).await;
    assert_eq!(events(&world, "").await.len(), 1);
    // Five minutes later no failure lies in the window.
    time.pass(6 * MINUTE);
    let event = until(&world, "status=resolved", 1).await.remove(0);
    assert_eq!(event["resolved_by"], Value::Null);
    assert_eq!(events(&world, "").await.len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_silenced_is_on_record_and_told_when_the_silence_ends() {
    let (world, time) = world().await;
    let rule = rule(&world, json!({"window_minutes": 60})).await;
    let until_then = time.0.load(Ordering::Relaxed) + 3 * MINUTE;
    let until_then = waybill_model::time::UnixMillis(until_then).to_string();
    let silence = json!({"rule_id": rule["id"], "until": until_then, "note": "we know"});
    let answer = world
        .admin(Method::POST, "/ops/alert-silences", silence.to_string())
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    fail(&world, 3).await;
    time.pass(MINUTE + 4_000);
    let event = until(&world, "status=firing", 1).await.remove(0);
    assert_eq!(event["told"], false);
    time.pass(3 * MINUTE);
    eventually("it is told", || async {
        (events(&world, "").await[0]["told"] == true).then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silence_of_a_platform_covers_what_is_of_one_of_its_groups() {
    let (world, time) = world().await;
    let group = world.admin(Method::GET, "/groups", "").await.json()["items"][0].clone();
    let until_then = time.0.load(Ordering::Relaxed) + 60 * MINUTE;
    let until_then = waybill_model::time::UnixMillis(until_then).to_string();
    let silence =
        json!({"platform": group["platform"], "until": until_then, "note": "they said so"});
    let answer = world
        .admin(Method::POST, "/ops/alert-silences", silence.to_string())
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    rule(&world, json!({"filter": {"group_id": group["id"]}})).await;
    fail(&world, 3).await;
    time.pass(MINUTE + 4_000);
    let event = until(&world, "status=firing", 1).await.remove(0);
    assert_eq!(event["told"], false);
    assert_eq!(event["scope"]["platform"], group["platform"]);
    assert_eq!(event["scope"]["group_ids"], json!([group["id"]]));
    // In words, too.
    let about = format!("group {}", group["name"].as_str().unwrap());
    assert_eq!(event["evidence"]["about"], about);
    let sentence = event["evidence"]["sentence"].as_str().unwrap();
    assert_eq!(
        sentence,
        format!("Failed requests of {about} are 3 over 5 minutes, at or above 3.")
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_down_is_named_and_somebody_takes_it_up_and_ends_it() {
    let (world, time) = world().await;
    rule(
        &world,
        json!({"name": "down", "metric": "account_down", "threshold": 1}),
    )
    .await;
    refuse_the_key(&world);
    let answer = world.post(MESSAGES, message(false)).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    time.pass(MINUTE + 4_000);
    let event = until(&world, "status=firing", 1).await.remove(0);
    let sentence = event["evidence"]["sentence"].as_str().unwrap();
    let begin = "Account a1 cannot serve: its provider refuses it (";
    assert!(
        sentence.starts_with(begin) && sentence.contains("since 20"),
        "{sentence}"
    );
    assert!(sentence.contains("tried again"), "{sentence}");
    assert_eq!(event["evidence"]["about"], "account a1");
    assert!(event["subject"].as_str().unwrap().starts_with("account:"));
    let act = |what: &str| format!("/ops/alert-events/{}/{what}", event["id"]);
    let taken = world.admin(Method::POST, &act("acknowledge"), "").await;
    assert_eq!(taken.json()["acknowledged_by"], "admin token");
    let ended = world.admin(Method::POST, &act("resolve"), "").await;
    assert_eq!(ended.json()["status"], "manual_resolved");
    // It is down still, and nobody hears of it again.
    judged(&world, &time).await;
    assert_eq!(events(&world, "status=firing").await.len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_waits_for_its_limit_to_end_is_not_down() {
    let (world, time) = world().await;
    for (name, metric, operator) in [
        ("down", "account_down", ">="),
        ("none can serve", "accounts_available", "<"),
    ] {
        let change = json!({"name": name, "metric": metric, "operator": operator, "threshold": 1,
            "filter": {"platform": "anthropic"}});
        rule(&world, change).await;
    }
    let limit = Fault::Provider {
        error: E::RateLimitDay,
        retry_after_ms: Some(3_600_000),
        echo_key: false,
        headers: Default::default(),
    };
    world.sim.script(Rule::new(limit).key(&key_of("a1")));
    let answer = world.post(MESSAGES, message(false)).await;
    assert_ne!(answer.status, 200, "{}", answer.text());
    judged(&world, &time).await;
    let firing = until(&world, "status=firing", 1).await.remove(0);
    assert_eq!(firing["evidence"]["rule_name"], "none can serve");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_rule_is_tried_over_history_and_says_what_it_would_have_said() {
    let (world, time) = world().await;
    serve(&world, 2).await;
    fail(&world, 3).await;
    time.pass(7 * MINUTE);
    // Without a request nothing would be known to be well.
    serve(&world, 1).await;
    eventually("every request is stored", || async {
        (world.ops("requests").await["total"] == 6).then_some(())
    })
    .await;
    time.pass(3 * MINUTE);
    let asked = json!({
        "rule": {"name": "new", "metric": "error_rate", "operator": ">=", "threshold": 50, "severity": "P1"},
        "time_range": "1h",
    });
    let answer = world
        .admin(Method::POST, "/ops/alert-rules/preview", asked.to_string())
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let said = answer.json();
    assert_eq!(said["minutes"], 60);
    assert_eq!(said["highest"], 60.0);
    let would = said["events"].as_array().unwrap();
    assert_eq!(would.len(), 1, "{said}");
    assert_ne!(would[0]["resolved_at"], Value::Null);
    assert_eq!(events(&world, "").await.len(), 0);
    let asked = json!({"rule": {"name": "n", "metric": "account_down", "operator": ">=", "threshold": 1, "severity": "P1"}});
    let answer = world
        .admin(Method::POST, "/ops/alert-rules/preview", asked.to_string())
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["field"], "rule.metric");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_objective_has_a_budget_and_a_statement_that_names_what_does_not_count() {
    let (world, time) = world().await;
    let body = json!({"name": "claude", "target_percent": 90, "window_days": 30});
    let answer = world
        .admin(Method::POST, "/ops/objectives", body.to_string())
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = answer.json()["id"].clone();
    serve(&world, 38).await;
    fail(&world, 2).await;
    let refusal = Fault::Provider {
        error: E::BadRequest,
        retry_after_ms: None,
        echo_key: false,
        headers: Default::default(),
    };
    world
        .sim
        .script(Rule::new(refusal).key(&key_of("a1")).times(1));
    assert_eq!(world.post(MESSAGES, message(false)).await.status, 400);
    let (world, id) = (&world, &id);
    let now = eventually("all is counted", || async move {
        let now = world.ops(&format!("objectives/{id}")).await;
        (now["level"]["counted"]["total"] == 40).then_some(now)
    })
    .await;
    let level = &now["level"];
    assert_eq!(level["budget"]["bad"], 2);
    assert_eq!(level["budget"]["achieved_percent"], 95.0);
    let left = level["budget"]["left_percent"].as_f64().unwrap();
    assert!((left - 50.0).abs() < 1e-6, "{left}");
    // Half of what is allowed in an hour, in that hour: half as fast as allowed.
    let rate = level["burn"][1]["rate"].as_f64().unwrap();
    assert!((rate - 0.5).abs() < 1e-6, "{rate}");

    let statement = world.ops(&format!("objectives/{id}/statement")).await;
    assert_eq!(statement["counted"], json!({"total": 40, "bad": 2}));
    let exclusions = statement["exclusions"].as_array().unwrap();
    assert_eq!(exclusions.len(), 1, "{statement}");
    assert_eq!(exclusions[0]["count"], 1);
    assert_eq!(exclusions[0]["owner"], "client");
    let as_text = |format: &str| {
        let path = format!("/ops/objectives/{id}/statement?format={format}");
        async move { world.admin(Method::GET, &path, "").await }
    };
    let csv = as_text("csv").await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let csv = csv.text();
    assert!(csv.contains(",40,2,95.0000"), "{csv}");
    // What does not count is in the table, by which rule, and of which version.
    let version = statement["rules_version"].to_string();
    let excluded = csv.lines().find(|line| line.starts_with("exclusion,"));
    let excluded = excluded.unwrap();
    assert!(
        excluded.contains("client_error") && excluded.ends_with(&version),
        "{csv}"
    );
    let ledger = as_text("ledger").await.text();
    assert_eq!(ledger.lines().count(), 2, "{ledger}");
    assert!(ledger.contains("client_error"), "{ledger}");
    assert_eq!(statement["ledger_complete"], true);
    // The window is the objective's own, and ends now.
    let now = waybill_model::time::UnixMillis(time.0.load(Ordering::Relaxed));
    assert_eq!(statement["end_time"], now.plus_ms(1).to_string());
    let week = json!({"name": "week", "target_percent": 90, "window_days": 7, "side": "provider"});
    let made = world
        .admin(Method::POST, "/ops/objectives", week.to_string())
        .await
        .json();
    let path = format!("objectives/{}/statement", made["id"]);
    let week = world.ops(&path).await;
    let start: waybill_model::time::UnixMillis =
        week["start_time"].as_str().unwrap().parse().unwrap();
    let days = (now.0 - start.0) as f64 / (24.0 * 60.0 * MINUTE as f64);
    assert!((7.0..7.05).contains(&days), "{week}");
    // Of the provider's side attempts are excluded, and there is no ledger of them.
    assert_eq!(week["exclusions"][0]["count"], 1, "{week}");
    assert_eq!(week["ledger_complete"], false);

    // An operator's rule that decides is named in the ledger.
    let rules = json!({"version": 0, "note": "agreed", "rules": [{
        "name": "cuts are agreed", "when": {"cause": "stream.truncated"},
        "then": {"counts": false},
    }]});
    let put = world
        .admin(Method::PUT, "/ops/classification-rules", rules.to_string())
        .await;
    assert_eq!(put.status, 200, "{}", put.text());
    let ledger = eventually("all are judged anew", || async move {
        let path = format!("/ops/objectives/{id}/statement?format=ledger");
        let ledger = world.admin(Method::GET, &path, "").await.text();
        (ledger.lines().count() == 4).then_some(ledger)
    })
    .await;
    let ruled = ledger
        .lines()
        .filter(|line| line.contains("cuts are agreed"));
    assert_eq!(ruled.count(), 2, "{ledger}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_no_sense_is_refused_by_the_name_of_its_field() {
    let (world, _) = world().await;
    let rule = json!({"name": "r", "metric": "failures", "operator": ">=", "threshold": 1, "severity": "P1"});
    let with = |field: &str, value: Value| {
        let mut changed = rule.clone();
        changed[field] = value;
        changed
    };
    let cases = [
        (
            "/ops/alert-rules",
            with("threshold", json!(-1)),
            "threshold",
        ),
        ("/ops/alert-rules", with("metric", json!("luck")), "metric"),
        (
            "/ops/alert-rules",
            with("window_minutes", json!(0)),
            "window_minutes",
        ),
        (
            "/ops/alert-rules",
            with("filter", json!({"objective_id": 3})),
            "filter.objective_id",
        ),
        (
            "/ops/alert-silences",
            json!({"until": "2020-01-01T00:00:00Z"}),
            "until",
        ),
        (
            "/ops/objectives",
            json!({"name": "o", "target_percent": 100}),
            "target_percent",
        ),
        (
            "/ops/objectives",
            json!({"name": "o", "target_percent": 99, "goal": "latency"}),
            "within_ms",
        ),
    ];
    for (path, body, field) in cases {
        let answer = world.admin(Method::POST, path, body.to_string()).await;
        assert_eq!(answer.status, 400, "{path} {body}");
        assert_eq!(answer.json()["field"], field, "{}", answer.text());
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_silent_for_longer_than_any_window_is_told_of() {
    let (world, time, _) = watched("[timeouts]\nfirst_byte_ms = 4000").await;
    let world = &world;
    let silent = Fault::stall(Place::BeforeHeaders);
    world.sim.script(Rule::new(silent).key(&key_of("a1")));
    let asked = join_all((0..20).map(|_| world.post(MESSAGES, message(false))));
    let passes = async {
        eventually("all of them wait", || async {
            (world.ops("concurrency").await["in_flight"] == 20).then_some(())
        })
        .await;
        // They arrived ten minutes ago, in a minute that is judged long since.
        time.pass(10 * MINUTE);
    };
    let (answers, ()) = tokio::join!(asked, passes);
    assert!(answers.iter().all(|answer| answer.status.is_server_error()));
    time.pass(5 * MINUTE);
    let fired = eventually("it is told", || async {
        let firing = events(world, "status=firing").await;
        let of = |event: &&Value| event["evidence"]["rule_name"] == "Requests fail";
        firing.iter().find(of).cloned()
    })
    .await;
    assert_eq!(fired["evidence"]["value"], 100.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rule_is_tried_over_begins_where_minutes_are_kept() {
    let (world, time) = world().await;
    eventually("what is old has gone", || async {
        let jobs = world.ops("jobs").await;
        let mut jobs = jobs["items"].as_array().unwrap().iter();
        let ran = jobs.any(|job| job["name"] == "retention" && job["outcome"] == "ok");
        ran.then_some(())
    })
    .await;
    fail(&world, 3).await;
    time.pass(7 * MINUTE);
    let tried = async |window_minutes: u32| {
        let asked = json!({
            "rule": {"name": "new", "metric": "failures", "operator": ">=", "threshold": 3, "severity": "P1",
                "window_minutes": window_minutes},
            "time_range": "7d",
        });
        let path = "/ops/alert-rules/preview";
        world.admin(Method::POST, path, asked.to_string()).await
    };
    let answer = tried(60).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let said = answer.json();
    let minutes = said["minutes"].as_u64().unwrap();
    let days = 3 * 24 * 60;
    assert!((days - 60..=days + 60).contains(&minutes), "{said}");
    assert_eq!(said["events"].as_array().unwrap().len(), 1, "{said}");
    let answer = tried(4 * 24 * 60).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["field"], "rule.window_minutes");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_clock_that_was_ahead_rules_are_judged_from_now_on() {
    let (world, time) = world().await;
    rule(&world, json!({})).await;
    let day = 24 * 60 * MINUTE;
    time.pass(day);
    judged(&world, &time).await;
    time.pass(-day);
    eventually("it is on record that the clock was ahead", || async {
        let jobs = world.ops("jobs").await;
        let mut jobs = jobs["items"].as_array().unwrap().iter();
        let failed = jobs.any(|job| job["name"] == "alerts" && job["failures"] != 0);
        failed.then_some(())
    })
    .await;
    fail(&world, 3).await;
    time.pass(MINUTE + 4_000);
    until(&world, "status=firing", 1).await;
    world.stop().await;
}

/// Roll-ups cannot be written, and more requests are stored than can be added as somebody asks.
fn stick_roll_ups(world: &World) -> rusqlite::Connection {
    let db = rusqlite::Connection::open(world.folder.path().join("waybill.db")).unwrap();
    db.execute_batch(
        "CREATE TRIGGER stuck BEFORE INSERT ON rollups BEGIN SELECT RAISE(ABORT, 'stuck'); END;",
    )
    .unwrap();
    db
}

fn fill(db: &rusqlite::Connection, requests: usize) {
    let columns: Vec<String> = db
        .prepare(
            "SELECT name FROM pragma_table_info('requests') WHERE name NOT IN ('id', 'request_id')",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let columns = columns.join(", ");
    let sql = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {requests})
         INSERT INTO requests (request_id, {columns})
         SELECT printf('00000000-0000-7000-8000-%012x', n), {columns}
         FROM n, (SELECT * FROM requests WHERE status_code = 200 AND cause IS NULL LIMIT 1)"
    );
    assert_eq!(db.execute(&sql, []).unwrap(), requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_roll_ups_are_stuck_what_is_now_is_judged_and_what_was_lost_sight_of_is_not() {
    let (world, time) = world().await;
    rule(
        &world,
        json!({"name": "down", "metric": "account_down", "threshold": 1}),
    )
    .await;
    rule(
        &world,
        json!({"name": "none can serve", "metric": "accounts_available", "operator": "<", "threshold": 1,
            "filter": {"platform": "anthropic"}}),
    )
    .await;
    rule(
        &world,
        json!({"name": "silence", "metric": "error_rate", "missing": "alert", "threshold": 99, "window_minutes": 60}),
    )
    .await;
    rule(&world, json!({"window_minutes": 60})).await;
    serve(&world, 1).await;
    eventually("it is stored", || async {
        (world.ops("requests").await["total"] == 1).then_some(())
    })
    .await;
    let db = stick_roll_ups(&world);
    fill(&db, 5_000);
    fail(&world, 3).await;
    // The account rests for a second.
    time.pass(2_000);
    refuse_the_key(&world);
    let answer = world.post(MESSAGES, message(false)).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    let names = |events: &[Value]| {
        let name = |event: &Value| event["evidence"]["rule_name"].as_str().unwrap().to_owned();
        let mut names: Vec<String> = events.iter().map(name).collect();
        names.sort();
        names
    };
    time.pass(MINUTE + 4_000);
    let firing = until(&world, "status=firing", 2).await;
    assert_eq!(names(&firing), ["down", "none can serve"]);
    // Somebody is told that windows wait, and when they have for long they are passed over: nothing is said of them,
    // least of all that there is nothing.
    time.pass(MINUTE);
    eventually("the job says so", || async {
        let jobs = world.ops("jobs").await;
        let mut jobs = jobs["items"].as_array().unwrap().iter();
        let job = jobs.find(|job| job["name"] == "alerts")?;
        let detail = job["detail"].as_str()?;
        detail
            .ends_with("requests are stored that are not rolled up")
            .then_some(())
    })
    .await;
    for _ in 0..3 {
        time.pass(5 * MINUTE);
        judged(&world, &time).await;
    }
    let of_windows = async || {
        let mut names = names(&events(&world, "").await);
        names.retain(|name| name == "failures" || name == "silence");
        names
    };
    assert_eq!(of_windows().await, [""; 0]);
    db.execute_batch("DROP TRIGGER stuck").unwrap();
    eventually("what broke in the last hour is told", || async {
        let found = of_windows().await;
        assert!(!found.contains(&"silence".to_owned()));
        (!found.is_empty()).then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn monitoring_that_a_clock_switched_on_that_was_ahead_goes_on_when_it_is_right() {
    let (world, time) = world().await;
    rule(&world, json!({})).await;
    let day = 24 * 60 * MINUTE;
    time.pass(day);
    for enabled in [false, true] {
        let change = json!({"monitoring": {"enabled": enabled}});
        let answer = world
            .admin(Method::PATCH, "/ops/settings", change.to_string())
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    time.pass(-day);
    let world = &world;
    eventually("it is on since now", || async {
        let settings = world.ops("settings").await;
        let since: waybill_model::time::UnixMillis =
            settings["monitoring"]["since"].as_str()?.parse().unwrap();
        (since.0 <= time.0.load(Ordering::Relaxed)).then_some(())
    })
    .await;
    time.pass(MINUTE);
    fail(world, 3).await;
    time.pass(MINUTE + 4_000);
    until(world, "status=firing", 1).await;
}
