//! Several gateways over one PostgreSQL: what one does is known to all, and what it owes is paid whatever
//! happens to the database or to itself.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::{
    self, Answer, CLIENT_KEY, Setup,
    binary::Binary,
    client, eventually, key_of, message,
    replicas::{Deployment, all_stored},
    send, try_send,
};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::Value;
use waybill_model::secret::Secret;
use waybill_sim::{Fault, ProviderError, Rule};
use waybill_store::{Store, StoreOptions, add_up_usage};
use waybill_testbed::{Link, Manner, Postgres, PostgresOptions};

fn request(url: &str, body: String) -> Request<Full<bytes::Bytes>> {
    Request::post(format!("{url}/v1/messages"))
        .header("x-api-key", CLIENT_KEY)
        .header("anthropic-version", "2023-06-01")
        .body(Full::from(body))
        .unwrap()
}

async fn post(replica: &Binary) -> Answer {
    send(&client(), request(&replica.url, message(false))).await
}

/// One account per platform, which no failure stops.
fn undeterred() -> Setup {
    Setup {
        accounts: 1,
        ..Setup::default()
    }
}

fn never_stopped(text: String) -> String {
    text.replace("priority = ", "counted_statuses = []\npriority = ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_on_one_replica_is_found_on_another_whole() {
    let mut world = Deployment::new(undeterred()).await;
    world.change(never_stopped);
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)).times(1));
    let (a, b) = (world.replica("a").await, world.replica("b").await);
    let answer = post(&a).await;
    assert_eq!(answer.status, 529, "{}", answer.text());
    let id = answer.request_id().to_owned();
    let error = eventually("the error, on the other replica", || async {
        let answer = b
            .admin(Method::GET, &format!("/ops/errors/{id}"), String::new())
            .await;
        (answer.status == 200).then(|| answer.json())
    })
    .await;
    assert_eq!(
        (&error["cause"], &error["status_code"]),
        (&"overloaded".into(), &529.into())
    );
    assert_eq!(error["attempts"].as_array().unwrap().len(), 1);
    assert!(
        error["request_body"]
            .as_str()
            .unwrap()
            .contains("Say something.")
    );
    assert_eq!(error["replayable"], true);
    let books = all_stored(&b, 1).await;
    assert_eq!(
        (&books["due"], &books["counted_lost"]),
        (&1.into(), &0.into())
    );
    assert_eq!(books["replicas"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_one_replica_works_on_all_until_it_is_deleted_on_any() {
    let world = Deployment::new(undeterred()).await;
    let (a, b) = (world.replica("a").await, world.replica("b").await);
    let form = r#"{"name":"eve","role":"viewer","password":"correct horse battery"}"#;
    let made = a.admin(Method::POST, "/admin-users", form.to_owned()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let form = r#"{"name":"t","role":"viewer","admin_user":"eve"}"#;
    let made = a.admin(Method::POST, "/tokens", form.to_owned()).await;
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let me = async |replica: &Binary| {
        let request = Request::get(format!("{}/api/v1/admin/me", replica.url))
            .header("authorization", format!("Bearer {token}"))
            .body(Full::default())
            .unwrap();
        send(&client(), request).await.status.as_u16()
    };
    assert_eq!((me(&a).await, me(&b).await), (200, 200));
    let path = format!("/tokens/{}", made.json()["id"]);
    let gone = a.admin(Method::DELETE, &path, String::new()).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    assert_eq!(me(&a).await, 401);
    eventually("it works no longer on the other replica", || async {
        (me(&b).await == 401).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_configuration_acts_on_every_replica() {
    let world = Deployment::new(undeterred()).await;
    let (a, b) = (world.replica("a").await, world.replica("b").await);
    assert_eq!(post(&b).await.status, 200);
    let keys = a
        .admin(Method::GET, "/api-keys", String::new())
        .await
        .json();
    let key = keys["items"][0]["id"].as_i64().unwrap();
    let off = a
        .admin(
            Method::PATCH,
            &format!("/api-keys/{key}"),
            r#"{"status":"disabled"}"#.to_owned(),
        )
        .await;
    assert_eq!(off.status, 200, "{}", off.text());
    eventually("the key works no longer on the other replica", || async {
        post(&b).await.status.is_client_error().then_some(())
    })
    .await;
    let versions: HashSet<i64> = eventually("both replicas say so", || async {
        let list = b.ops("replicas").await;
        let versions: HashSet<i64> = list["items"]
            .as_array()?
            .iter()
            .filter_map(|replica| replica["config_version"].as_i64())
            .collect();
        (versions.len() == 1).then_some(versions)
    })
    .await;
    assert!(versions.iter().all(|version| *version > 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_one_replica_meets_stops_the_account_on_the_other() {
    let world = Deployment::new(undeterred()).await;
    let (a, b) = (world.replica("a").await, world.replica("b").await);
    world.sim.script(
        Rule::new(Fault::provider(ProviderError::RateLimitRequests))
            .key(&key_of("a1"))
            .times(1),
    );
    let refused = post(&a).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    let state = eventually("the other replica knows", || async {
        let list = b.ops("account-availability").await;
        let account = list["accounts"]
            .as_array()?
            .iter()
            .find(|account| account["account_name"] == "a1")?
            .clone();
        (account["marks"].as_array()?.len() == 1).then_some(account)
    })
    .await;
    let mark = &state["marks"][0];
    assert_eq!(
        (&mark["kind"], &mark["request_id"]),
        (&"rate_limited".into(), &refused.request_id().into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_runs_on_one_replica_and_on_another_when_that_is_killed() {
    let world = Deployment::new(undeterred()).await;
    let a = world.replica("a").await;
    let job = |jobs: &Value, name: &str| {
        let mut items = jobs["items"].as_array().unwrap().iter();
        items.find(|job| job["name"] == name).cloned()
    };
    let holder = eventually("a job that ran", || async {
        let job = job(&a.ops("jobs").await, "retention")?;
        (job["outcome"] == "ok").then(|| job["holder"].as_str().unwrap().to_owned())
    })
    .await;
    let b = world.replica("b").await;
    let own = b.ops("replicas").await["own"].as_str().unwrap().to_owned();
    assert_ne!(holder, own, "the lease is the first one's");
    a.kill().await;
    let taken_over = eventually("the lease of the dead ends", || async {
        let job = job(&b.ops("jobs").await, "retention")?;
        (job["holder"] == own.as_str() && job["runs"].as_u64()? >= 2).then_some(job)
    })
    .await;
    assert_eq!(taken_over["failures"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_with_another_instance_key_does_not_start() {
    let world = Deployment::new(undeterred()).await;
    let _a = world.replica("a").await;
    let folder = world.folder("stranger");
    let file = folder.join("waybill.toml");
    let text = world
        .configuration("stranger", &world.database)
        .replace(support::replicas::SECRET_KEY, "another-key-0123456789");
    std::fs::write(&file, text).unwrap();
    let output = support::binary::waybill(&[])
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(&file)
        .arg("--data-dir")
        .arg(folder.join("data"))
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("secret_key is not the one"), "{said}");
    assert!(!said.contains("another-key"), "{said}");
}

/// What clients saw of failures, and how long each answer took.
#[derive(Default)]
struct Seen {
    failed: HashMap<String, usize>,
    took: Vec<Duration>,
}

/// Sends failing requests, `per_second` in all, until told to stop; a replica that is gone is left alone.
async fn failing_traffic(
    urls: Vec<String>,
    per_second: u32,
    seen: Arc<Mutex<Seen>>,
    sent: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
) {
    const CLIENTS: u32 = 16;
    let pause = Duration::from_secs(1) * CLIENTS / per_second;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (urls, seen, stop) = (urls.clone(), Arc::clone(&seen), Arc::clone(&stop));
            let sent = Arc::clone(&sent);
            tokio::spawn(async move {
                let client = client();
                let url = &urls[number as usize % urls.len()];
                let mut turn = tokio::time::interval(pause);
                while !stop.load(Ordering::Relaxed) {
                    turn.tick().await;
                    let began = Instant::now();
                    let Ok(answer) = try_send(&client, request(url, message(false))).await else {
                        return;
                    };
                    sent.fetch_add(1, Ordering::Relaxed);
                    assert!(answer.status != 200, "{}", answer.text());
                    let mut seen = seen.lock().unwrap();
                    seen.took.push(began.elapsed());
                    *seen
                        .failed
                        .entry(answer.request_id().to_owned())
                        .or_default() += 1;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

fn median(took: &mut [Duration]) -> Duration {
    took.sort();
    took[took.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_costs_no_record_and_no_time_also_when_a_replica_is_killed() {
    // A minute, and 300 a second, where there is time for it.
    let number = |name: &str, default: usize| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let per_second = number("WAYBILL_TEST_OUTAGE_RATE", 150) as u32;
    let during = number("WAYBILL_TEST_OUTAGE_SECONDS", 6) * per_second as usize;

    let postgres = Postgres::new(PostgresOptions::default()).unwrap();
    let database = postgres.create_database("outage").unwrap();
    let mut world = Deployment::over(undeterred(), database).await;
    world.change(never_stopped);
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)));
    let (a, b, c) = (
        world.replica("a").await,
        world.replica("b").await,
        world.replica("c").await,
    );
    let urls = vec![a.url.clone(), b.url.clone(), c.url.clone()];
    let (seen, sent) = (Arc::<Mutex<Seen>>::default(), Arc::<AtomicUsize>::default());
    let stop = Arc::<AtomicBool>::default();
    let traffic = tokio::spawn(failing_traffic(
        urls,
        per_second,
        Arc::clone(&seen),
        Arc::clone(&sent),
        Arc::clone(&stop),
    ));
    let until = |count: usize| {
        let sent = Arc::clone(&sent);
        async move {
            while sent.load(Ordering::Relaxed) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    until(per_second as usize * 2).await;
    let mut before = std::mem::take(&mut seen.lock().unwrap().took);

    postgres.stop().unwrap();
    until(sent.load(Ordering::Relaxed) + during / 2).await;
    c.kill().await;
    until(sent.load(Ordering::Relaxed) + during / 2).await;
    let mut away = std::mem::take(&mut seen.lock().unwrap().took);
    let books = a.ops("books").await;
    assert_eq!(books["forwarding"]["works"], false, "{books}");
    assert!(books["spooled"].as_u64().unwrap() > 0, "{books}");
    assert_eq!(a.get("/readyz").await.status, 200);

    postgres.start().unwrap();
    let c = world.replica("c").await;
    until(sent.load(Ordering::Relaxed) + per_second as usize).await;
    stop.store(true, Ordering::Relaxed);
    traffic.await.unwrap();

    let due = seen.lock().unwrap().failed.len();
    let books = all_stored(&c, due).await;
    assert_eq!(books["counted_lost"], 0, "{books}");
    let (before, away) = (median(&mut before), median(&mut away));
    println!("median of a failed answer: {before:?} before, {away:?} while the database was away");
    // Who waited for the database would wait for seconds; the rest is what else the machine does.
    assert!(
        away < before * 2 + Duration::from_millis(50),
        "{away:?} after {before:?}"
    );

    let mut stored = HashMap::<String, usize>::new();
    for error in c.all("errors?view=all&time_range=1h", "errors").await {
        let id = error["request_id"].as_str().unwrap().to_owned();
        *stored.entry(id).or_default() += 1;
    }
    let seen = seen.lock().unwrap();
    let lost: Vec<_> = seen
        .failed
        .keys()
        .filter(|id| !stored.contains_key(*id))
        .collect();
    assert!(
        lost.is_empty(),
        "{} of {} are lost",
        lost.len(),
        seen.failed.len()
    );
    assert!(
        stored.values().all(|times| *times == 1),
        "none is there twice"
    );
    assert_eq!(books["stored"], stored.len(), "{books}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_cut_off_from_the_database_goes_on_and_catches_up() {
    let mut world = Deployment::new(undeterred()).await;
    world.change(never_stopped);
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)).times(20));
    let link = Link::to(Postgres::shared().address()).await.unwrap();
    let cut_off = world
        .replica_by("cut-off", &link.url(&world.database))
        .await;
    let other = world.replica("other").await;
    for manner in [Manner::BlackHole, Manner::Refuse] {
        link.behave(manner).await.unwrap();
        for _ in 0..10 {
            assert_eq!(post(&cut_off).await.status, 529);
        }
        let books = cut_off.ops("books").await;
        assert!(
            books["spooled"].as_u64().unwrap() > 0,
            "{manner:?}: {books}"
        );
        link.behave(Manner::Pass).await.unwrap();
        all_stored(&cut_off, 1).await;
    }
    let list = other.ops("errors?view=all&time_range=1h").await;
    assert_eq!(list["total"], 20);
    // Rules of alerts wait for no more.
    eventually("it says that it has caught up", || async {
        let replicas = other.ops("replicas").await;
        let mut replicas = replicas["items"].as_array().unwrap().iter();
        let cut_off = replicas.find(|replica| replica["name"] == "cut-off")?;
        (cut_off["behind_ms"].as_i64()? < 5_000).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_says_so_first_and_owes_nothing() {
    let world = Deployment::new(Setup {
        top: "timeouts.notice_ms = 1500".to_owned(),
        ..undeterred()
    })
    .await;
    let (a, b) = (world.replica("a").await, world.replica("b").await);
    a.terminate();
    eventually("it says that it is not ready", || async {
        let answer = a.get("/readyz").await;
        (answer.status == 503).then_some(())
    })
    .await;
    // It still serves whoever has not noticed.
    assert_eq!(post(&a).await.status, 200);
    assert!(a.ended().await.success());
    let left = b.ops("replicas").await;
    let gone = left["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "a");
    assert_eq!(gone.unwrap()["alive"], false, "{left}");
    let list = b.ops("requests?time_range=1h").await;
    assert_eq!(list["total"], 1, "what it served last is stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_room_or_that_is_held_keeps_no_replica_from_starting() {
    let world = Deployment::new(undeterred()).await;
    let a = world.replica("a").await;
    let look = spool_of(&world, "a");
    eventually("it has seen what it needs for a start", || async {
        let picture = look.picture().await.unwrap()?;
        (!picture.config.api_keys.is_empty()).then_some(())
    })
    .await;
    a.kill().await;
    let sql = |text: String| Postgres::shared().sql(&world.database, &text).unwrap();
    // While it joins: no disk, no memory. After it joined: held, or no connection left.
    for (table, code) in [
        ("replicas", "53100"),
        ("replicas", "53200"),
        ("groups", "55P03"),
        ("groups", "53300"),
    ] {
        sql(format!(
            "CREATE FUNCTION fails() RETURNS TRIGGER LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{code}'; END $$;
             CREATE TRIGGER fails BEFORE INSERT OR UPDATE ON {table}
             FOR EACH ROW EXECUTE FUNCTION fails()"
        ));
        let a = world.replica("a").await;
        assert_eq!(post(&a).await.status, 200, "{table} {code}");
        sql(format!(
            "DROP TRIGGER fails ON {table}; DROP FUNCTION fails"
        ));
        a.kill().await;
    }
    let a = world.replica("a").await;
    let books = all_stored(&a, 0).await;
    assert_eq!(books["counted_lost"], 0, "{books}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_starts_with_a_backlog_knows_what_was_used() {
    let world = Deployment::new(Setup {
        rest: "limits = { requests_per_day = 4 }".to_owned(),
        ..undeterred()
    })
    .await;
    let link = Link::to(Postgres::shared().address()).await.unwrap();
    let through = link.url(&world.database);
    let a = world.replica_by("a", &through).await;
    let look = spool_of(&world, "a");
    assert_eq!(post(&a).await.status, 200);
    eventually("it is moved, and part of what a start needs", || async {
        let picture = look.picture().await.unwrap()?;
        (!picture.usage.is_empty()).then_some(())
    })
    .await;
    link.behave(Manner::Refuse).await.unwrap();
    let spooled = async |n: u64| {
        let replicas = look.replicas().unwrap();
        eventually("it is in the spool", || async {
            let used = add_up_usage(replicas.spooled_usage(0).await.unwrap());
            used.iter()
                .any(|count| count.used.requests == n)
                .then_some(())
        })
        .await;
    };
    assert_eq!(post(&a).await.status, 200);
    assert_eq!(post(&a).await.status, 200);
    spooled(2).await;
    a.kill().await;
    // From the picture, and what came after it.
    let a = world.replica_by("a", &through).await;
    assert_eq!(post(&a).await.status, 200);
    assert_eq!(post(&a).await.status, 429);
    spooled(3).await;
    a.kill().await;
    // From the database, before the first batch is moved.
    link.behave(Manner::Pass).await.unwrap();
    let a = world.replica_by("a", &through).await;
    assert_eq!(post(&a).await.status, 429);
}

/// What a replica's spool holds, for whoever only looks.
fn spool_of(world: &Deployment, name: &str) -> Store {
    let options = StoreOptions {
        read_only: true,
        ..StoreOptions::at(world.folder(name).join("data/spool.db"))
    };
    let database = waybill_store::PostgresOptions::at(Secret::new(world.database.clone()));
    Store::shared(options, &database, "nobody").unwrap()
}

/// Runs `waybill` in a replica's folder, to its end: whether it went well, and all that it said.
async fn tool(folder: &std::path::Path, arguments: &[&str]) -> (bool, String) {
    let output = support::binary::waybill(&[])
        .args(arguments)
        .arg("--config")
        .arg(folder.join("waybill.toml"))
        .arg("--data-dir")
        .arg(folder.join("data"))
        .output()
        .await
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_one_gateways_and_whoever_only_looks_is_let() {
    let mut world = Deployment::new(undeterred()).await;
    world.change(never_stopped);
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)).times(2));
    let a = world.replica("a").await;
    let folder = world.folder("a");
    assert_eq!(post(&a).await.status, 529);
    all_stored(&a, 1).await;
    let file = folder.join("export.jsonl");
    let file = file.to_str().unwrap();
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["export", file],
        &["import", file],
    ] {
        let (went_well, said) = tool(&folder, arguments).await;
        let names = said.contains(folder.join("data").to_str().unwrap());
        assert!(!went_well && names && said.contains("in use"), "{said}");
    }
    let (went_well, said) = tool(&folder, &["doctor"]).await;
    assert!(went_well && said.contains("nothing waits"), "{said}");
    let (went_well, said) = tool(&folder, &["migrate"]).await;
    assert!(went_well, "{said}");

    // What was done meanwhile does not disturb what a crash leaves.
    assert_eq!(post(&a).await.status, 529);
    a.kill().await;
    let a = world.replica("a").await;
    let books = all_stored(&a, 2).await;
    assert_eq!(
        (&books["stored"], &books["counted_lost"]),
        (&2.into(), &0.into())
    );
    a.terminate();
    assert!(a.ended().await.success());
    let (went_well, said) = tool(&folder, &["export", file]).await;
    assert!(went_well && said.contains("2 errors"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_becomes_replicas_with_its_own_instance_key_and_with_no_other() {
    let world = Deployment::new(undeterred()).await;
    // One by itself, whose key was made at its first start.
    let alone = world.folder("alone");
    let shared = world.configuration("alone", &world.database);
    let (_, by_itself) = shared.split_once("replica_name = \"alone\"\n").unwrap();
    let gateway = Binary::serve(&alone, by_itself, &[]).await;
    assert_eq!(post(&gateway).await.status, 200);
    gateway.terminate();
    assert!(gateway.ended().await.success());
    let file = alone.join("export.zst");
    let file = file.to_str().unwrap();
    let (went_well, said) = tool(&alone, &["export", file]).await;
    assert!(went_well && said.contains("3 accounts"), "{said}");

    let folder = world.folder("a");
    let configure = |text: &str| std::fs::write(folder.join("waybill.toml"), text).unwrap();
    configure(&shared);
    let (went_well, said) = tool(&folder, &["import", file]).await;
    assert!(
        !went_well && said.contains("another instance key"),
        "{said}"
    );
    let key = std::fs::read_to_string(alone.join("data/instance.key")).unwrap();
    let shared = shared.replace(support::replicas::SECRET_KEY, key.trim());
    configure(&shared);
    let (went_well, said) = tool(&folder, &["import", file]).await;
    assert!(went_well && said.contains("3 accounts"), "{said}");
    let replica = Binary::serve(&folder, &shared, &[]).await;
    assert_eq!(post(&replica).await.status, 200);
    eventually("what it did before is there", || async {
        let list = replica.ops("requests?time_range=1h").await;
        (list["total"] == 2).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_chosen_on_one_replica_is_in_force_on_the_other() {
    let deployment = Deployment::new(undeterred()).await;
    let (a, b) = (deployment.replica("a").await, deployment.replica("b").await);
    let body = serde_json::json!({
        "thresholds": {"sla_percent_min": 97},
        "monitoring": {"enabled": false},
    });
    let changed = a
        .admin(Method::PATCH, "/ops/settings", body.to_string())
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    eventually("the other replica judges by it", || async {
        let seen = b.ops("dashboard/overview?time_range=1h").await;
        let threshold = &seen["thresholds"]["sla_percent_min"]["threshold"];
        let jobs = b.ops("jobs").await;
        let jobs = jobs["items"].as_array().unwrap();
        let is_off = jobs
            .iter()
            .any(|job| job["name"] == "alerts" && job["outcome"] == "off");
        (*threshold == 97.0 && is_off).then_some(())
    })
    .await;
    assert_eq!(b.ops("settings").await, a.ops("settings").await);
}
