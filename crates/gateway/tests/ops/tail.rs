//! The live stream of failures, read from a real gateway: nothing missed, nothing twice, whoever else reads
//! and whatever stops meanwhile.

use std::{collections::HashSet, time::Duration};

use crate::support::{
    self, ADMIN_TOKEN, CLIENT_KEY, DEADLINE, Setup, World, binary::Binary, client, configuration,
    eventually, open, raw::Wire, replicas::Deployment, send,
};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::Value;
use waybill_sim::{Fault, ProviderError, Rule, Sim, SimOptions};

/// Requests that the provider refuses as the client's own doing: no account suffers.
fn refused() -> Rule {
    Rule::new(Fault::provider(ProviderError::BadRequest))
}

/// A gateway whose every request fails.
async fn failing(top: &str) -> World {
    let world = World::with(Setup {
        top: top.to_owned(),
        sim: SimOptions {
            keep: 0,
            ..SimOptions::default()
        },
        ..Setup::default()
    })
    .await;
    world.sim.script(refused());
    world
}

fn body(model: &str, stream: bool) -> String {
    serde_json::json!({
        "model": model, "max_tokens": 64, "stream": stream,
        "messages": [{"role": "user", "content": "Say something."}],
    })
    .to_string()
}

/// Fails once; answers the request's id.
async fn fail(url: &str, model: &str, stream: bool) -> String {
    let request = Request::post(format!("{url}/v1/messages"))
        .header("x-api-key", CLIENT_KEY)
        .header("anthropic-version", "2023-06-01")
        .body(Full::from(body(model, stream)))
        .unwrap();
    let answer = send(&client(), request).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    answer.request_id().to_owned()
}

/// Fails many times at once, each with a row of some kilobytes.
async fn fail_often(world: &World, count: usize) {
    let path = format!("/v1/messages?note={}", "n".repeat(3_000));
    let mut left = count;
    while left > 0 {
        let some = left.min(32);
        let posts = (0..some).map(|_| world.post(&path, body("claude-many", false)));
        for answer in futures_util::future::join_all(posts).await {
            assert_eq!(answer.status, 400, "{}", answer.text());
        }
        left -= some;
    }
}

/// One event of a stream.
#[derive(Debug, Clone)]
struct Event {
    name: String,
    id: Option<String>,
    data: Value,
}

/// A reader of the stream.
struct Tail {
    body: Incoming,
    text: String,
    last_id: Option<String>,
}

impl Tail {
    async fn answer(url: &str, query: &str, last_id: Option<&str>) -> Response<Incoming> {
        let mut request = Request::get(format!("{url}/api/v1/admin/ops/stream{query}"))
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        open(&client(), request.body(Full::default()).unwrap()).await
    }

    async fn open(url: &str, query: &str, last_id: Option<&str>) -> Tail {
        let response = Self::answer(url, query, last_id).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut tail = Tail {
            body: response.into_body(),
            text: String::new(),
            last_id: last_id.map(str::to_owned),
        };
        let hello = tail.next().await.unwrap();
        assert_eq!(hello.name, "hello", "{hello:?}");
        tail
    }

    /// The next event; `None` when the stream ended in order.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = parse(block);
                self.text = rest.to_owned();
                self.last_id = event.id.clone().or(self.last_id.take());
                if event.name.is_empty() {
                    continue;
                }
                return Some(event);
            }
            let frame = tokio::time::timeout(DEADLINE, self.body.frame())
                .await
                .expect("an event in time")?;
            let data = frame.expect("the stream is whole").into_data().unwrap();
            self.text += std::str::from_utf8(&data).unwrap();
        }
    }

    /// Request ids of the next failures.
    async fn failures(&mut self, count: usize) -> Vec<String> {
        let mut failures = Vec::new();
        while failures.len() < count {
            let event = self.next().await.expect("it goes on");
            assert_eq!(event.name, "error", "{event:?}");
            assert_eq!(event.id.unwrap(), event.data["id"].to_string());
            failures.push(event.data["request_id"].as_str().unwrap().to_owned());
        }
        failures
    }
}

fn parse(block: &str) -> Event {
    let field = |name: &str| {
        let found = block.lines().find_map(|line| line.strip_prefix(name));
        found.map(str::to_owned)
    };
    Event {
        name: field("event: ").unwrap_or_default(),
        id: field("id: "),
        data: field("data: ").map_or(Value::Null, |data| serde_json::from_str(&data).unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_is_told_what_its_filter_asks_for_and_nothing_else() {
    let world = failing("").await;
    fail(&world.url, "before", false).await;
    let queries = [
        "",
        "?model=crimson",
        "?stream=true&model=blue",
        "?view=errors",
        "?q=CRIMSON&status_codes=400,529",
        "?recovered=true",
    ];
    let mut readers = Vec::new();
    for query in queries {
        readers.push(Tail::open(&world.url, query, None).await);
    }
    let mut ids = Vec::new();
    for (model, stream) in [
        ("crimson", false),
        ("blue", true),
        ("blue", false),
        ("crimson", true),
    ] {
        ids.push(fail(&world.url, model, stream).await);
    }
    world.sim.clear_script();
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)).times(1));
    let hidden = world.post("/v1/messages", body("crimson", false)).await;
    assert_eq!(hidden.status, 200, "{}", hidden.text());
    world.sim.clear_script();
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)));
    let ours = world.post("/v1/messages", body("last", false)).await;
    assert!(ours.status.is_server_error(), "{}", ours.text());
    let ours = ours.request_id().to_owned();

    let id = |n: usize| ids[n].clone();
    let mut all = ids.clone();
    all.push(ours.clone());
    let expected = [
        all,
        vec![id(0), id(3)],
        vec![id(1)],
        vec![ours],
        vec![id(0), id(3)],
        vec![hidden.request_id().to_owned()],
    ];
    for ((reader, expected), query) in readers.iter_mut().zip(expected).zip(queries) {
        assert_eq!(reader.failures(expected.len()).await, expected, "{query}");
    }
    // As in the list, to the letter.
    let mut whole = Tail::open(&world.url, "?model=blue&stream=true", Some("0")).await;
    let event = whole.next().await.unwrap();
    assert_eq!(
        event.data,
        world.error_in("all", &ids[1]).await.unwrap(),
        "the list's row"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_goes_on_where_it_was_also_after_a_restart() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    sim.script(refused());
    let folder = tempfile::tempdir().unwrap();
    let text = configuration(&Setup::default(), &sim.url());
    let mut waybill = Binary::serve(folder.path(), &text, &[]).await;
    let mut tail = Tail::open(&waybill.url, "?model=crimson", None).await;
    let (mut failed, mut told) = (Vec::new(), Vec::new());
    for round in 0..4 {
        failed.push(fail(&waybill.url, "crimson", false).await);
        fail(&waybill.url, "blue", false).await;
        told.extend(tail.failures(1).await);
        // The first break is the reader's, then the gateway stops, then it is killed; each time more comes
        // that the reader is not there for.
        let last = tail.last_id.clone();
        drop(tail);
        failed.push(fail(&waybill.url, "crimson", false).await);
        waybill = match round {
            0 => waybill,
            1 => {
                waybill.terminate();
                assert!(waybill.ended().await.success());
                Binary::serve(folder.path(), &text, &[]).await
            }
            _ => {
                waybill.kill().await;
                Binary::serve(folder.path(), &text, &[]).await
            }
        };
        failed.push(fail(&waybill.url, "crimson", false).await);
        tail = Tail::open(&waybill.url, "?model=crimson&after_id=1", last.as_deref()).await;
        told.extend(tail.failures(2).await);
    }
    assert_eq!(told, failed);
    let from_the_start = format!(
        "?model=crimson&after_id=0&start_time={}",
        "2020-01-01T00:00:00Z"
    );
    let mut all = Tail::open(&waybill.url, &from_the_start, None).await;
    assert_eq!(all.failures(failed.len()).await, failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_costs_others_nothing_and_is_told_what_it_missed() {
    let top = "[limits]\nlive_behind = 400\n[timeouts]\nwrite_stall_ms = 600000";
    let world = failing(top).await;
    let mut slow = Wire::narrow(&world.url).await;
    slow.send(format!(
        "GET /api/v1/admin/ops/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
    ))
    .await;
    eventually("the slow reader is there", async || {
        (readers(&world) == 1).then_some(())
    })
    .await;
    let mut quick = Tail::open(&world.url, "", None).await;
    // More than sockets and buffers hold by far.
    let (rounds, each) = (8, 400);
    let mut seen = Vec::new();
    for _ in 0..rounds {
        let (told, ()) = tokio::join!(quick.failures(each), fail_often(&world, each));
        seen.extend(told);
    }
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), rounds * each);

    // Now it reads: what was under way to it, what it missed, and what comes.
    let mut slow = Slow {
        wire: slow,
        text: Vec::new(),
        told: Vec::new(),
        missed: Vec::new(),
    };
    slow.until(|slow| !slow.missed.is_empty()).await;
    fail(&world.url, "after", false).await;
    slow.until(|slow| {
        slow.told
            .last()
            .is_some_and(|error| error["model"] == "after")
    })
    .await;
    let Slow { told, missed, .. } = slow;
    let ids: HashSet<u64> = told
        .iter()
        .map(|error| error["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len(), told.len(), "none is told twice");
    let uncounted = missed
        .iter()
        .find(|event| event["count_is_estimate"] != false);
    assert_eq!(uncounted, None);
    let passed_over = missed.iter().map(|event| event["count"].as_u64().unwrap());
    let passed_over: u64 = passed_over.sum();
    let due = (rounds * each + 1) as u64;
    assert_eq!(
        told.len() as u64 + passed_over,
        due,
        "each is told or counted"
    );
    assert!(
        passed_over > 1_000,
        "{passed_over}: more was held for it than should be"
    );

    // What it missed can be listed.
    let first = &missed[0];
    let list = world
        .ops(&format!(
            "errors?after_id={}&page_size=1",
            first["after_id"]
        ))
        .await;
    assert!(list["total"].as_u64().unwrap() >= first["count"].as_u64().unwrap());
    world.stop().await;
}

/// A reader by the socket alone.
struct Slow {
    wire: Wire,
    text: Vec<u8>,
    told: Vec<Value>,
    missed: Vec<Value>,
}

impl Slow {
    async fn until(&mut self, is_so: impl Fn(&Slow) -> bool) {
        let reading = async {
            while !is_so(self) {
                let some = self.wire.some().await;
                assert!(!some.is_empty(), "it goes on");
                self.text.extend(some);
                while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                    let block: Vec<u8> = self.text.drain(..end + 2).collect();
                    // The lengths of chunks stand between events, never in them.
                    let event = parse(std::str::from_utf8(&block).unwrap());
                    match event.name.as_str() {
                        "error" => self.told.push(event.data),
                        "missed" => self.missed.push(event.data),
                        _ => {}
                    }
                }
            }
        };
        let read = tokio::time::timeout(DEADLINE, reading).await;
        read.expect("what is waited for is told in time");
    }
}

fn readers(world: &World) -> usize {
    let gateway = world.gateway.as_ref().unwrap();
    gateway.running.shared().live.readers()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_takes_nothing_for_long_is_cut_off_over_either_http() {
    let world = failing("[timeouts]\nwrite_stall_ms = 300").await;
    let mut narrow = Wire::narrow(&world.url).await;
    narrow
        .send(format!(
            "GET /api/v1/admin/ops/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
        ))
        .await;
    let request = Request::get(format!("{}/api/v1/admin/ops/stream", world.url))
        .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
        .body(Full::default())
        .unwrap();
    let unread = open(&support::http2_client(), request).await;
    assert_eq!(unread.status(), 200);
    eventually("both are there", async || {
        (readers(&world) == 2).then_some(())
    })
    .await;
    let mut left = 60;
    while readers(&world) > 0 {
        left -= 1;
        assert!(left > 0, "they are still there");
        fail_often(&world, 200).await;
    }
    drop(unread);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_no_more_readers_than_there_may_be_and_what_cannot_be_read_is_refused() {
    let world = failing("[limits]\nlive_readers = 2\n[timeouts]\nkeep_alive_ms = 20").await;
    let first = Tail::open(&world.url, "", None).await;
    let mut second = Tail::open(&world.url, "?model=crimson", None).await;
    let refused = support::read(Tail::answer(&world.url, "", None).await).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert_eq!(refused.json()["code"], "too_many_streams");
    drop(first);
    let mut third = eventually("a place", async || {
        let answer = Tail::answer(&world.url, "", None).await;
        (answer.status() == 200).then_some(answer)
    })
    .await;
    assert!(third.frame().await.is_some());
    drop(third);

    // What its filter leaves out moves its place all the same.
    fail(&world.url, "blue", false).await;
    let newest = world.errors().await[0]["id"].to_string();
    while second.last_id.as_ref() != Some(&newest) {
        let frame = tokio::time::timeout(DEADLINE, second.body.frame());
        let data = frame.await.unwrap().unwrap().unwrap().into_data().unwrap();
        for block in std::str::from_utf8(&data).unwrap().split("\n\n") {
            assert!(!block.contains("event:"), "{block}");
            second.last_id = parse(block).id.or(second.last_id.take());
        }
    }
    drop(second);
    for (query, last, code) in [
        ("?page=1", None, "unknown_parameter"),
        ("?end_time=2030-01-01T00:00:00Z", None, "unknown_parameter"),
        ("?time_range=1h", None, "unknown_parameter"),
        ("?start_time=today", None, "invalid_parameter"),
        ("?cause=x", None, "invalid_parameter"),
        ("", Some("x"), "invalid_parameter"),
    ] {
        let answer = eventually("an answer", async || {
            let answer = support::read(Tail::answer(&world.url, query, last).await).await;
            (answer.status != 429).then_some(answer)
        })
        .await;
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.json()["code"], code, "{query}");
    }
    let nobody = Request::get(format!("{}/api/v1/admin/ops/stream", world.url));
    let nobody = world.send(nobody.body(Full::default()).unwrap()).await;
    assert_eq!(nobody.status, 401);
    eventually("nobody is there", async || {
        (readers(&world) == 0).then_some(())
    })
    .await;
    // An id of a store that this one is not any more.
    let mut ahead = Tail::open(&world.url, "", Some("9000000000000000000")).await;
    let failed = fail(&world.url, "crimson", false).await;
    assert_eq!(ahead.failures(1).await, [failed]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_every_reader_in_order_and_at_once() {
    let mut world = failing("").await;
    let mut quiet = Tail::open(&world.url, "?model=none", None).await;
    let mut busy = Tail::open(&world.url, "", None).await;
    let failed = fail(&world.url, "crimson", false).await;
    assert_eq!(busy.failures(1).await, [failed]);
    let began = std::time::Instant::now();
    let stopping = tokio::spawn(world.gateway.take().unwrap().stop());
    assert!(quiet.next().await.is_none() && busy.next().await.is_none());
    stopping.await.unwrap();
    // The drain time, which readers would otherwise use up, is half a minute.
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_of_every_replica_are_told_on_each_and_across_them() {
    let world = Deployment::new(Setup::default()).await;
    world.sim.script(refused());
    let (a, b) = (world.replica("a").await, world.replica("b").await);
    let mut on_a = Tail::open(&a.url, "", None).await;
    let mut on_b = Tail::open(&b.url, "", None).await;
    let mut failed = Vec::new();
    for replica in [&a, &b, &a] {
        let id = fail(&replica.url, "crimson", false).await;
        assert_eq!(on_a.failures(1).await, std::slice::from_ref(&id));
        assert_eq!(on_b.failures(1).await, std::slice::from_ref(&id));
        failed.push(id);
    }
    // Both at once: in one order for all.
    for _ in 0..10 {
        tokio::join!(
            fail(&a.url, "crimson", false),
            fail(&b.url, "crimson", true)
        );
    }
    let (seen_a, seen_b) = (on_a.failures(20).await, on_b.failures(20).await);
    assert_eq!(seen_a, seen_b);
    // Who was read from one replica goes on with the other.
    let last = on_a.last_id.clone();
    drop(on_a);
    let late = fail(&a.url, "crimson", false).await;
    assert_eq!(on_b.failures(1).await, std::slice::from_ref(&late));
    let mut moved = Tail::open(&b.url, "", last.as_deref()).await;
    assert_eq!(moved.failures(1).await, [late]);
    let answer = b
        .admin(Method::GET, "/ops/stream?cursor=1", String::new())
        .await;
    assert_eq!(answer.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_goes_on_where_the_connection_broke() {
    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
    use waybill_testbed::{Link, Manner};

    let world = failing("").await;
    let address = world.gateway.as_ref().unwrap().running.address();
    let link = Link::to(address).await.unwrap();
    let mut failed = Vec::new();
    for model in ["crimson", "blue", "crimson", "crimson"] {
        let id = fail(&world.url, model, false).await;
        if model == "crimson" {
            failed.push(id);
        }
    }
    // Two of three earlier ones, then what comes.
    failed.remove(0);
    let mut tail = support::binary::waybill(&[])
        .args([
            "errors", "tail", "--json", "--limit", "2", "--model", "crimson",
        ])
        .args(["--time-range", "1h", "--token", ADMIN_TOKEN, "--url"])
        .arg(format!("http://{}", link.address()))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut seen = Vec::new();
    for round in 0..3 {
        while seen.len() < failed.len() {
            let line = tokio::time::timeout(DEADLINE, lines.next_line()).await;
            let error: Value = serde_json::from_str(&line.unwrap().unwrap().unwrap()).unwrap();
            seen.push(error["request_id"].as_str().unwrap().to_owned());
        }
        assert_eq!(seen, failed);
        if round == 1 {
            link.behave(Manner::Refuse).await.unwrap();
        }
        failed.push(fail(&world.url, "crimson", true).await);
        fail(&world.url, "blue", true).await;
        link.behave(Manner::Pass).await.unwrap();
    }
    tail.kill().await.unwrap();
    let mut said = String::new();
    let mut errors = tail.stderr.take().unwrap();
    errors.read_to_string(&mut said).await.unwrap();
    assert_eq!(said.matches("trying again").count(), 1, "{said}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_may_follow_failures() {
    let world = failing("").await;
    let made = async |path: &str, form: Value| {
        let answer = world.admin(Method::POST, path, form.to_string()).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        answer.json()
    };
    let viewer = serde_json::json!({"name": "vera", "password": "correct horse battery staple", "role": "viewer"});
    made("/admin-users", viewer).await;
    let token = serde_json::json!({"name": "t", "role": "viewer", "admin_user": "vera"});
    let token = made("/tokens", token).await["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let request = Request::get(format!("{}/api/v1/admin/ops/stream", world.url))
        .header("authorization", format!("Bearer {token}"))
        .body(Full::default())
        .unwrap();
    let mut tail = Tail {
        body: world.open(request).await.into_body(),
        text: String::new(),
        last_id: None,
    };
    assert_eq!(tail.next().await.unwrap().name, "hello");
    let failed = fail(&world.url, "crimson", false).await;
    assert_eq!(tail.failures(1).await, [failed]);
    world.stop().await;
}

/// Revoked, ended, switched off: within seconds nothing more is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_stream_ends_with_what_its_reader_is_known_through() {
    let world = failing("").await;
    let made = async |method: Method, path: &str, form: Value| {
        let answer = world.admin(method, path, form.to_string()).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        match answer.body.is_empty() {
            true => Value::Null,
            false => answer.json(),
        }
    };
    let password = "correct horse battery staple";
    let user = serde_json::json!({"name": "vera", "password": password, "role": "viewer"});
    let user = made(Method::POST, "/admin-users", user).await;
    let follow = async |name: &str, value: &str| {
        let request = Request::get(format!("{}/api/v1/admin/ops/stream", world.url))
            .header(name, value)
            .body(Full::default())
            .unwrap();
        let mut tail = Tail {
            body: world.open(request).await.into_body(),
            text: String::new(),
            last_id: None,
        };
        assert_eq!(tail.next().await.unwrap().name, "hello");
        tail
    };
    let token = async |name: &str| {
        let form = serde_json::json!({"name": name, "role": "viewer", "admin_user": "vera"});
        let made = made(Method::POST, "/tokens", form).await;
        let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
        (made["id"].clone(), bearer)
    };
    let request = Request::post(format!("{}/api/v1/admin/sign-in", world.url))
        .header("content-type", "application/json")
        .body(Full::from(
            serde_json::json!({"name": "vera", "password": password}).to_string(),
        ))
        .unwrap();
    let signed_in = world.send(request).await;
    let cookie = signed_in.header("set-cookie").unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let (one, first) = token("one").await;
    let (_, second) = token("two").await;
    let mut revoked = follow("authorization", &first).await;
    let mut switched_off = follow("authorization", &second).await;
    let mut signed_out = follow("cookie", &cookie).await;
    let failed = fail(&world.url, "crimson", false).await;
    for tail in [&mut revoked, &mut switched_off, &mut signed_out] {
        assert_eq!(tail.failures(1).await, std::slice::from_ref(&failed));
    }

    made(Method::DELETE, &format!("/tokens/{one}"), Value::Null).await;
    let failed = fail(&world.url, "crimson", false).await;
    assert!(revoked.next().await.is_none());
    for tail in [&mut switched_off, &mut signed_out] {
        assert_eq!(tail.failures(1).await, std::slice::from_ref(&failed));
    }
    let off = serde_json::json!({"status": "disabled"});
    made(Method::PATCH, &format!("/admin-users/{}", user["id"]), off).await;
    // Nothing happens any more, and they end all the same.
    for tail in [&mut switched_off, &mut signed_out] {
        assert!(tail.next().await.is_none());
    }
    world.stop().await;
}
