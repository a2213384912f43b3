//! The end of the process: killed in the middle of failures it loses none that a client has seen;
//! asked to stop, it lets requests end and writes everything down.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::support::{
    self, Answer, CLIENT_KEY, Setup, binary::Binary, client, configuration, key_of, message, open,
    raw::Wire, read, try_send,
};
use http::Request;
use http_body_util::{BodyExt, Full};
use waybill_sim::{Fault, Place, ProviderError, Rule, Sim, SimOptions};

fn request(url: &str, body: String) -> Request<Full<bytes::Bytes>> {
    Request::post(format!("{url}/v1/messages"))
        .header("x-api-key", CLIENT_KEY)
        .header("anthropic-version", "2023-06-01")
        .body(Full::from(body))
        .unwrap()
}

/// Requests, some of which failed and some of which succeeded after a hidden failure, whose answers
/// were read to their end.
#[derive(Default)]
struct Seen {
    failed: HashSet<String>,
    recovered: HashSet<String>,
}

impl Seen {
    fn note(&mut self, answer: &Answer) {
        if answer.broken {
            return;
        }
        let id = answer.request_id().to_owned();
        if answer.status != 200 || answer.text().contains("event: error") {
            self.failed.insert(id);
        } else if answer.header("x-waybill-attempts") != Some("1") {
            self.recovered.insert(id);
        }
    }

    fn count(&self) -> usize {
        self.failed.len() + self.recovered.len()
    }
}

/// Sends until told to stop, or until the gateway is gone.
async fn traffic(url: String, number: usize, seen: Arc<Mutex<Seen>>, stop: Arc<AtomicBool>) {
    let client = client();
    let mut turn = number;
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let body = if turn.is_multiple_of(5) {
            "{".to_owned()
        } else {
            message(turn.is_multiple_of(2))
        };
        match try_send(&client, request(&url, body)).await {
            Ok(answer) => seen.lock().unwrap().note(&answer),
            Err(_) => return,
        }
    }
}

/// Accounts that no failure stops, so that failures go on.
fn undeterred(providers: &str) -> String {
    configuration(&Setup::default(), providers)
        .replace("priority = ", "counted_statuses = []\npriority = ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_failure_that_a_client_has_seen_is_lost_when_the_process_is_killed() {
    const ROUNDS: usize = 10;
    const PER_ROUND: usize = 150;
    let sim = Sim::start(SimOptions {
        keep: 0,
        ..SimOptions::default()
    })
    .await
    .unwrap();
    // The first account always fails, the second half of the time: hidden failures and plain ones,
    // streams that break after content among them.
    sim.script(
        Rule::new(Fault::provider(ProviderError::Overloaded))
            .key(&key_of("a1"))
            .share(0.6),
    );
    sim.script(
        Rule::new(Fault::Truncate { frames: 2 })
            .key(&key_of("a1"))
            .share(0.5),
    );
    sim.script(Rule::new(Fault::provider(ProviderError::RateLimitRequests)).share(0.4));
    let folder = tempfile::tempdir().unwrap();
    let configuration = undeterred(&sim.url());
    let seen = Arc::<Mutex<Seen>>::default();

    for round in 1..=ROUNDS {
        let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
        let stop = Arc::<AtomicBool>::default();
        let clients: Vec<_> = (0..16)
            .map(|number| {
                tokio::spawn(traffic(
                    waybill.url.clone(),
                    number,
                    Arc::clone(&seen),
                    Arc::clone(&stop),
                ))
            })
            .collect();
        support::eventually("enough failures", || async {
            (seen.lock().unwrap().count() >= round * PER_ROUND).then_some(())
        })
        .await;
        waybill.kill().await;
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.await.unwrap();
        }
    }

    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    let ids = async |query: &str| -> HashSet<String> {
        let rows = waybill
            .all(&format!("errors?view=all&time_range=1h{query}"), "errors")
            .await;
        rows.iter()
            .map(|row| row["request_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let (failed, recovered) = (ids("").await, ids("&recovered=true").await);
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert!(
        seen.failed.len() > 100 && seen.recovered.len() > 100,
        "{} {}",
        seen.failed.len(),
        seen.recovered.len()
    );
    assert_eq!(
        seen.failed.difference(&failed).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "failures lost"
    );
    assert_eq!(
        seen.recovered.difference(&recovered).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "hidden failures lost"
    );
    let with_events: HashSet<String> = waybill
        .all("upstream-errors?time_range=1h", "events")
        .await
        .iter()
        .map(|event| event["request_id"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        seen.recovered.is_subset(&with_events),
        "each hidden failure has its event"
    );

    let books = waybill.ops("books").await;
    let count = |name: &str| books[name].as_u64().unwrap();
    assert_eq!(
        count("due"),
        count("stored") + count("spooled") + count("counted_lost"),
        "{books}"
    );
    assert_eq!((count("counted_lost"), count("spooled")), (0, 0), "{books}");
    assert!(
        count("stored") >= (failed.len() + recovered.len()) as u64,
        "{books}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_has_seen_happen_to_an_account_survives_a_kill() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    sim.script(Rule::new(Fault::provider(ProviderError::InvalidKey)).key(&key_of("a1")));
    let folder = tempfile::tempdir().unwrap();
    let configuration = configuration(&Setup::default(), &sim.url());
    let client = client();
    let ask = async |waybill: &Binary| {
        try_send(&client, request(&waybill.url, message(false)))
            .await
            .unwrap()
    };

    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    let answer = ask(&waybill).await;
    assert_eq!(answer.header("x-waybill-attempts"), Some("2"));
    waybill.kill().await;

    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    let availability = waybill.ops("account-availability").await.to_string();
    assert!(availability.contains(answer.request_id()), "{availability}");
    let answer = ask(&waybill).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-waybill-attempts")),
        (200, Some("1")),
        "it is not asked again before its deadline"
    );
    waybill.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_was_told_is_done_survives_a_kill_and_the_file_does_not_undo_it() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    sim.script(Rule::new(Fault::provider(ProviderError::InvalidKey)).key(&key_of("a1")));
    let folder = tempfile::tempdir().unwrap();
    let configuration = configuration(&Setup::default(), &sim.url());
    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    let answer = try_send(&client(), request(&waybill.url, message(false)))
        .await
        .unwrap();
    assert_eq!(answer.header("x-waybill-attempts"), Some("2"));
    let path = "/accounts";
    let accounts = waybill.admin(http::Method::GET, path, String::new()).await;
    let accounts = accounts.json();
    let id = |name: &str| {
        let mut all = accounts["items"].as_array().unwrap().iter();
        all.find(|account| account["name"] == name).unwrap()["id"].clone()
    };
    for (name, act) in [("a1", "reset"), ("a2", "disable")] {
        let path = format!("/accounts/{}/{act}", id(name));
        let answer = waybill
            .admin(http::Method::POST, &path, String::new())
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    waybill.kill().await;

    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    for (name, status, event) in [("a1", "active", "reset"), ("a2", "disabled", "disabled")] {
        let path = format!("/accounts/{}/events", id(name));
        let answer = waybill.admin(http::Method::GET, &path, String::new()).await;
        let events = answer.json();
        assert_eq!(events["items"][0]["kind"], event, "{name}: {events}");
        assert_eq!(events["state"]["status"], status, "{name}: {events}");
    }
    waybill.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_it_lets_streams_end_and_writes_every_record() {
    let options = SimOptions {
        chunk_pause: Duration::from_millis(30),
        ..SimOptions::default()
    };
    let sim = Sim::start(options).await.unwrap();
    sim.script(Rule::new(Fault::provider(ProviderError::Internal)).key(&key_of("a1")));
    let folder = tempfile::tempdir().unwrap();
    let configuration = undeterred(&sim.url());
    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    let client = client();

    let failed = try_send(&client, request(&waybill.url, "{".to_owned()))
        .await
        .unwrap();
    let mut running = Vec::new();
    for _ in 0..8 {
        let mut response = open(&client, request(&waybill.url, message(true))).await;
        let first = response.frame().await.unwrap().unwrap();
        assert!(!first.data_ref().unwrap().is_empty());
        running.push(tokio::spawn(read(response)));
    }
    waybill.terminate();
    let mut ids = Vec::new();
    for answer in running {
        let answer = answer.await.unwrap();
        assert!(
            !answer.broken && answer.text().contains("message_stop"),
            "{}",
            answer.text()
        );
        ids.push(answer.request_id().to_owned());
    }
    let url = waybill.url.clone();
    assert!(waybill.ended().await.success());
    assert!(
        try_send(&client, request(&url, message(true)))
            .await
            .is_err(),
        "nobody listens any more"
    );

    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    for id in &ids {
        let rows = waybill
            .ops(&format!("requests?time_range=1h&request_id={id}"))
            .await;
        assert_eq!(rows["items"][0]["status_code"], 200, "{id}: {rows}");
        assert_eq!(rows["items"][0]["recovered"], true, "{id}: {rows}");
    }
    assert_eq!(
        waybill
            .ops(&format!("errors/{}", failed.request_id()))
            .await["status_code"],
        400
    );
    let books = waybill.ops("books").await;
    assert_eq!(
        (&books["due"], &books["stored"]),
        (&9.into(), &9.into()),
        "{books}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_longer_than_the_drain_time_is_cut_and_written_down_as_such() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    sim.script(Rule::new(Fault::stall(Place::MidContent)));
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup {
        top: "[timeouts]\ndrain_ms = 300".into(),
        ..Setup::default()
    };
    let configuration = configuration(&setup, &sim.url());
    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    let client = client();

    let mut response = open(&client, request(&waybill.url, message(true))).await;
    let id = response.headers()["x-waybill-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(response.frame().await.unwrap().is_ok());
    waybill.terminate();
    let answer = read(response).await;
    assert!(
        answer.broken,
        "the client can tell that the answer is not whole"
    );
    assert!(waybill.ended().await.success());

    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    let error = waybill.ops(&format!("errors/{id}")).await;
    assert_eq!(
        (&error["cause"], &error["error_owner"]),
        (&"gateway.shutdown".into(), &"platform".into()),
        "{error}"
    );
    let counted = waybill
        .ops(&format!("errors?view=errors&time_range=1h&request_id={id}"))
        .await;
    assert_eq!(
        counted["total"], 1,
        "it counts against the service: {error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_connected_before_the_stop_is_served_and_told_to_connect_anew() {
    let setup = Setup {
        top: "[timeouts]\nnotice_ms = 300".into(),
        ..Setup::default()
    };
    let mut world = support::World::with(setup).await;
    let body = message(false);
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {CLIENT_KEY}\r\n\
         anthropic-version: 2023-06-01\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (mut early, mut late) = (Wire::to(&world.url).await, Wire::to(&world.url).await);
    let stopping = tokio::spawn(world.gateway.take().unwrap().stop());

    support::eventually("the gateway says that it leaves", async || {
        let mut asks = Wire::to(&world.url).await;
        asks.send("GET /readyz HTTP/1.0\r\n\r\n").await;
        (asks.answer().await.status == 503).then_some(())
    })
    .await;
    early.send(format!("{head}{body}")).await;
    let answer = early.answer().await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("connection")),
        (200, Some("close")),
        "{}",
        answer.text()
    );

    let address = world.url.strip_prefix("http://").unwrap().to_owned();
    support::eventually("nobody is taken in any more", async || {
        let refused = tokio::net::TcpStream::connect(&address).await.is_err();
        refused.then_some(())
    })
    .await;
    late.send(format!("{head}{body}")).await;
    let answer = late.answer().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    stopping.await.unwrap();
}
