//! Requests that wait for an account, through the real server.

use std::fmt::Write as _;

use crate::support::{
    self, Setup, World, binary::Binary, chat, client, configuration, eventually, generate, key_of,
    message, open, read, told,
};
use futures_util::future::join_all;
use http::{Method, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use waybill_sim::{Fault, Place, ProviderError, Rule, Sim, SimOptions};

const MESSAGES: &str = "/v1/messages";

/// A streamed request of each protocol.
fn streams() -> [(&'static str, String); 3] {
    [
        (MESSAGES, message(true)),
        ("/v1/chat/completions", chat(true)),
        (
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
            generate(),
        ),
    ]
}

/// One account per platform, each with so many places.
fn setup(places: u32, queue: &str) -> Setup {
    let mut rest = String::new();
    let pools = [
        ("claude", "anthropic", "a7"),
        ("gpt", "openai", "o7"),
        ("gemini", "gemini", "g7"),
    ];
    for (group, platform, name) in pools {
        let _ = write!(
            rest,
            "[[account]]\nname = \"{name}\"\nplatform = \"{platform}\"\ngroups = [\"{group}\"]\n\
             base_url = \"{{providers}}\"\ncredential = {{ api_key = \"{}\" }}\nconcurrency = {places}\n",
            key_of(name)
        );
    }
    Setup {
        accounts: 0,
        top: format!("[queue]\n{queue}"),
        rest,
        ..Setup::default()
    }
}

async fn world(places: u32, queue: &str) -> World {
    World::with(setup(places, queue)).await
}

/// Takes a place and keeps it until the answer is dropped.
async fn hold(world: &World, path: &str, body: &str) -> Response<Incoming> {
    world
        .sim
        .script(Rule::new(Fault::stall(Place::MidContent)).times(1));
    let mut response = world
        .open(world.request(Method::POST, path, body.to_owned()))
        .await;
    assert_eq!(response.status(), 200);
    assert!(response.frame().await.unwrap().is_ok());
    response
}

async fn queue(world: &World) -> Value {
    world.ops("concurrency").await["queue"].clone()
}

/// Until so many wait.
async fn until_waiting(world: &World, n: u64) {
    eventually("requests wait", || async {
        (queue(world).await["waiting"] == n).then_some(())
    })
    .await;
}

/// Until one has waited for so long.
async fn until_waited_ms(world: &World, ms: u64) {
    eventually("a request waits", || async {
        let waited = queue(world).await["longest_wait_ms"].as_u64();
        (waited >= Some(ms)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_for_two_at_once_serves_ten_and_the_provider_never_sees_more_than_two() {
    let world = world(2, "").await;
    world.sim.script(Rule::healthy().delay_ms(30));
    let answers = join_all((0..10).map(|n| world.post(MESSAGES, message(n % 2 == 0)))).await;
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(world.sim.counters().max_in_flight, 2);
    let queue = queue(&world).await;
    assert_eq!(
        (&queue["waiting"], &queue["timed_out"]),
        (&0.into(), &0.into()),
        "{queue}"
    );
    assert_eq!(queue["joined"], queue["served"], "{queue}");
    assert!(queue["served"].as_u64() >= Some(6), "{queue}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_in_vain_is_told_in_its_protocol_and_can_see_for_what_it_waited() {
    let world = world(1, "timeout_ms = 100").await;
    for (path, body) in streams() {
        let held = hold(&world, path, &body).await;
        let answer = world.post(path, body.clone()).await;
        let story = format!("{path}: {}", answer.text());
        assert_eq!(
            (answer.status.as_u16(), answer.header("retry-after")),
            (503, Some("1")),
            "{story}"
        );
        assert_eq!(told(path, &answer).0, "waybill_queue_timeout", "{story}");
        assert_eq!(answer.header("x-waybill-error-source"), Some("gateway"));
        assert_eq!(answer.header("x-waybill-attempts"), Some("0"));
        let error = world.error(answer.request_id()).await;
        assert_eq!(
            (&error["cause"], &error["phase"], &error["queued"]["ahead"]),
            (
                &"gateway.queue_timeout".into(),
                &"scheduling".into(),
                &0.into()
            ),
            "{error}"
        );
        assert!(
            error["queued"]["waited_ms"].as_u64() >= Some(100),
            "{error}"
        );
        assert!(error["routing_latency_ms"].as_u64() >= Some(100), "{error}");
        let route = error["route"].as_array().unwrap();
        assert_eq!(
            (route.len(), &route[0]["excluded"], &route[0]["reason"]),
            (1, &"no_slot".into(), &"in flight 1 of 1".into()),
            "{error}"
        );
        drop(held);
    }
    assert_eq!(queue(&world).await["timed_out"], 3);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_while_it_waits_makes_room_and_is_on_record() {
    let world = world(1, "max_waiting = 1").await;
    let held = hold(&world, MESSAGES, &message(true)).await;
    {
        let leaver = world.post(MESSAGES, message(false));
        tokio::select! {
            answer = leaver => panic!("it waits: {}", answer.text()),
            () = until_waited_ms(&world, 20) => {}
        }
    }
    until_waiting(&world, 0).await;
    let left = eventually("the one who left is on record", || async {
        let errors = world.errors().await;
        errors
            .into_iter()
            .find(|error| error["cause"] == "client_closed_request")
    })
    .await;
    let left = world.error(left["request_id"].as_str().unwrap()).await;
    assert_eq!(
        (&left["status_code"], &left["error_owner"]),
        (&499.into(), &"client".into()),
        "{left}"
    );
    assert!(
        left["routing_latency_ms"].as_u64() >= Some(20),
        "what it waited for: {left}"
    );
    // Its place is another's, and no account went with it.
    let (next, ()) = tokio::join!(world.post(MESSAGES, message(false)), async {
        until_waiting(&world, 1).await;
        drop(held);
    });
    assert_eq!(next.status, 200, "{}", next.text());
    let queue = queue(&world).await;
    assert_eq!(
        (&queue["left"], &queue["served"]),
        (&1.into(), &1.into()),
        "{queue}"
    );
    eventually("no place is lost", || async {
        (world.in_flight("a7").await == 0).then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_line_refuses_and_one_key_alone_cannot_fill_it() {
    let mut setup = setup(1, "max_waiting = 2\nmax_waiting_per_key = 1");
    setup.rest.push_str(
        "[[api_key]]\nname = \"second\"\nkey = \"second-key-0123456789\"\ngroups = [\"claude\"]\n\
         [[api_key]]\nname = \"third\"\nkey = \"third-key-01234567890\"\ngroups = [\"claude\"]\n",
    );
    let world = World::with(setup).await;
    let of = |key: &str| {
        let mut request = world.request(Method::POST, MESSAGES, message(false));
        request
            .headers_mut()
            .insert("x-api-key", key.parse().unwrap());
        world.send(request)
    };
    let held = hold(&world, MESSAGES, &message(true)).await;
    let story = async {
        until_waiting(&world, 1).await;
        let of_the_same = world.post(MESSAGES, message(false)).await;
        let (second, third) = tokio::join!(of("second-key-0123456789"), async {
            until_waiting(&world, 2).await;
            let third = of("third-key-01234567890").await;
            drop(held);
            third
        });
        assert_eq!(second.status, 200, "{}", second.text());
        [of_the_same, third]
    };
    let (first, refused) = tokio::join!(world.post(MESSAGES, message(false)), story);
    assert_eq!(first.status, 200, "{}", first.text());
    for answer in refused {
        assert_eq!(
            (answer.status.as_u16(), answer.header("retry-after")),
            (503, Some("1")),
            "{}",
            answer.text()
        );
        assert_eq!(told(MESSAGES, &answer).0, "waybill_queue_full");
        let error = world.error(answer.request_id()).await;
        assert_eq!(error["cause"], "gateway.queue_full", "{error}");
        assert_eq!(error["route"][0]["excluded"], "no_slot", "{error}");
    }
    assert_eq!(queue(&world).await["refused"], 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_next_account_that_is_merely_full_is_waited_for() {
    let mut setup = setup(1, "");
    let _ = write!(
        setup.rest,
        "[[account]]\nname = \"a8\"\nplatform = \"anthropic\"\ngroups = [\"claude\"]\npriority = 9\n\
         base_url = \"{{providers}}\"\ncredential = {{ api_key = \"{}\" }}\nconcurrency = 1\n",
        key_of("a8")
    );
    let world = World::with(setup).await;
    // The first holds the better account, the second the other one.
    let first = hold(&world, MESSAGES, &message(true)).await;
    let second = hold(&world, MESSAGES, &message(true)).await;
    drop(first);
    eventually("the better account is free", || async {
        (world.in_flight("a7").await == 0).then_some(())
    })
    .await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Internal)).key(&key_of("a7")));
    let (answer, ()) = tokio::join!(world.post(MESSAGES, message(false)), async {
        until_waiting(&world, 1).await;
        drop(second);
    });
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-waybill-attempts")),
        (200, Some("2")),
        "{}",
        answer.text()
    );
    let events = world.events_of(answer.request_id()).await;
    assert_eq!(
        (&events[0]["account_name"], &events[0]["decision"]),
        (&"a7".into(), &"next_account".into()),
        "{events:?}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_ends_soon_is_waited_for_and_one_that_ends_late_is_not() {
    let world = world(8, "timeout_ms = 20000").await;
    let limited = |seconds: u64| Fault::Provider {
        error: ProviderError::RateLimitRequests,
        retry_after_ms: Some(seconds * 1000),
        echo_key: false,
        headers: [("retry-after".to_owned(), seconds.to_string())].into(),
    };
    world.sim.script(Rule::new(limited(1)).times(1));
    assert_eq!(world.post(MESSAGES, message(false)).await.status, 429);
    // Several at once: one finds out, the others wait for what it finds.
    let answers = join_all((0..3).map(|_| world.post(MESSAGES, message(false)))).await;
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let queue = queue(&world).await;
    assert_eq!(queue["joined"], queue["served"], "{queue}");
    assert!(queue["served"].as_u64() >= Some(1), "{queue}");

    world.sim.script(Rule::new(limited(60)).times(1));
    assert_eq!(world.post(MESSAGES, message(false)).await.status, 429);
    let refused = world.post(MESSAGES, message(false)).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(told(MESSAGES, &refused).0, "waybill_no_account");
    let retry_after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((20..=60).contains(&retry_after), "{retry_after}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_when_the_gateway_is_stopped_is_served_if_a_place_becomes_free_in_time() {
    let (sim, folder, configuration) = binary(setup(1, "")).await;
    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    let client = client();
    let ask = || request(&waybill.url, message(true));
    let mut held = open(&client, ask()).await;
    assert_eq!(held.status(), 200);
    assert!(held.frame().await.unwrap().is_ok());
    sim.clear_script();
    let (answer, ()) = tokio::join!(async { read(open(&client, ask()).await).await }, async {
        until_waiting_in(&waybill, 1).await;
        waybill.terminate();
        // What is being stopped takes no connection any more.
        eventually("it is being stopped", || async {
            tokio::net::TcpStream::connect(waybill.url.trim_start_matches("http://"))
                .await
                .is_err()
                .then_some(())
        })
        .await;
        drop(held);
    });
    assert_eq!(
        (answer.status.as_u16(), answer.broken),
        (200, false),
        "{}",
        answer.text()
    );
    assert!(waybill.ended().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_still_waits_at_the_end_of_the_drain_time_is_on_record_as_cut_off() {
    let mut setup = setup(1, "");
    setup.top.insert_str(0, "[timeouts]\ndrain_ms = 300\n");
    let (_sim, folder, configuration) = binary(setup).await;
    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    let client = client();
    let mut held = open(&client, request(&waybill.url, message(true))).await;
    assert_eq!(held.status(), 200);
    assert!(held.frame().await.unwrap().is_ok());
    let (ended, ()) = tokio::join!(
        support::try_send(&client, request(&waybill.url, message(false))),
        async {
            until_waiting_in(&waybill, 1).await;
            waybill.terminate();
        }
    );
    assert!(ended.is_err(), "{ended:?}");
    assert!(waybill.ended().await.success());

    let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
    let list = waybill.ops("errors?view=errors&time_range=1h").await;
    let of_the_waiting = list["errors"]
        .as_array()
        .unwrap()
        .iter()
        .find(|error| error["stream"] == false)
        .unwrap_or_else(|| panic!("{list}"));
    assert_eq!(of_the_waiting["cause"], "gateway.shutdown", "{list}");
}

/// Simulated providers whose first answer stalls, a folder, and a configuration.
async fn binary(setup: Setup) -> (Sim, tempfile::TempDir, String) {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    sim.script(Rule::new(Fault::stall(Place::MidContent)).times(1));
    let folder = tempfile::tempdir().unwrap();
    let configuration = configuration(&setup, &sim.url());
    (sim, folder, configuration)
}

fn request(url: &str, body: String) -> http::Request<http_body_util::Full<bytes::Bytes>> {
    http::Request::post(format!("{url}{MESSAGES}"))
        .header("x-api-key", support::CLIENT_KEY)
        .header("anthropic-version", "2023-06-01")
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

async fn until_waiting_in(waybill: &Binary, n: u64) {
    eventually("requests wait", || async {
        (waybill.ops("concurrency").await["queue"]["waiting"] == n).then_some(())
    })
    .await;
}
