//! Limits of the gateway's own: places on accounts, requests in flight, time for attempts.

use crate::support::{Setup, World, eventually, key_of, message, told};
use http::Method;
use http_body_util::BodyExt;
use waybill_sim::{Fault, Place, ProviderError, Rule};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_holds_no_more_requests_than_its_concurrency_and_its_places_come_back() {
    let rest = format!(
        "[[group]]\nname = \"small\"\nplatform = \"anthropic\"\n\
         [[account]]\nname = \"s1\"\nplatform = \"anthropic\"\ngroups = [\"small\"]\nbase_url = \"{{providers}}\"\n\
         credential = {{ api_key = \"{}\" }}\nconcurrency = 1\npriority = 1\n\
         [[account]]\nname = \"s2\"\nplatform = \"anthropic\"\ngroups = [\"small\"]\nbase_url = \"{{providers}}\"\n\
         credential = {{ api_key = \"{}\" }}\nconcurrency = 1\npriority = 2\n\
         [[api_key]]\nname = \"small\"\nkey = \"small-key-0123456789\"\ngroups = [\"small\"]",
        key_of("a7"),
        key_of("a8"),
    );
    let world = World::with(Setup {
        // Nobody waits for a place.
        top: "[queue]\ntimeout_ms = 0".into(),
        rest,
        ..Setup::default()
    })
    .await;
    world
        .sim
        .script(Rule::new(Fault::stall(Place::MidContent)).times(2));
    let ask = || {
        let mut request = world.request(Method::POST, "/v1/messages", message(true));
        request
            .headers_mut()
            .insert("x-api-key", "small-key-0123456789".parse().unwrap());
        request
    };
    let mut held = Vec::new();
    for account in ["s1", "s2"] {
        let mut response = world.open(ask()).await;
        assert!(response.frame().await.unwrap().is_ok());
        assert_eq!(world.in_flight(account).await, 1);
        held.push(response);
    }
    let refused = world.send(ask()).await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("retry-after")),
        (503, Some("1")),
        "{}",
        refused.text()
    );
    assert_eq!(told("/v1/messages", &refused).0, "waybill_no_slot");
    assert_eq!(refused.header("x-waybill-error-source"), Some("gateway"));
    let error = world.error(refused.request_id()).await;
    assert_eq!(
        (&error["cause"], &error["phase"]),
        (&"gateway.no_slot".into(), &"scheduling".into()),
        "{error}"
    );
    let route: Vec<_> = error["route"]
        .as_array()
        .unwrap()
        .iter()
        .map(|seen| seen["excluded"].as_str())
        .collect();
    assert_eq!(route, [Some("no_slot"), Some("no_slot")], "{error}");

    // The places come back with the clients' going.
    drop(held);
    eventually("both places are free", || async {
        (world.in_flight("s1").await + world.in_flight("s2").await == 0).then_some(())
    })
    .await;
    let answer = world.send(ask()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    eventually("the place of a whole answer is free", || async {
        (world.in_flight("s1").await == 0).then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_accounts_of_the_same_priority_the_less_busy_one_serves() {
    let rest = ["e1", "e2"]
        .map(|name| {
            format!(
                "[[account]]\nname = \"{name}\"\nplatform = \"anthropic\"\ngroups = [\"claude\"]\nbase_url = \"{{providers}}\"\n\
                 credential = {{ api_key = \"{}\" }}\npriority = 0\n",
                key_of(&name.replace('e', "a6"))
            )
        })
        .concat();
    let world = World::with(Setup {
        rest,
        ..Setup::default()
    })
    .await;
    world.sim.script(Rule::new(Fault::stall(Place::MidContent)));
    let mut held = Vec::new();
    for _ in 0..6 {
        let mut response = world
            .open(world.request(Method::POST, "/v1/messages", message(true)))
            .await;
        assert!(response.frame().await.unwrap().is_ok());
        held.push(response);
    }
    assert_eq!(
        (world.in_flight("e1").await, world.in_flight("e2").await),
        (3, 3)
    );
    drop(held);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_its_own_capacity_the_gateway_refuses_and_says_so() {
    let top = "[limits]\nin_flight = 2".to_owned();
    let world = World::with(Setup {
        top,
        ..Setup::default()
    })
    .await;
    world
        .sim
        .script(Rule::new(Fault::stall(Place::MidContent)).times(2));
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut response = world
            .open(world.request(Method::POST, "/v1/messages", message(true)))
            .await;
        assert!(response.frame().await.unwrap().is_ok());
        held.push(response);
    }
    let refused = world.post("/v1/messages", message(true)).await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("retry-after")),
        (503, Some("1")),
        "{}",
        refused.text()
    );
    assert_eq!(told("/v1/messages", &refused).0, "waybill_overloaded");
    assert_eq!(
        world.error(refused.request_id()).await["cause"],
        "gateway.overloaded"
    );
    drop(held);
    eventually("there is room again", || async {
        (world.post("/v1/messages", message(false)).await.status == 200).then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_time_for_attempts_is_spent_no_further_account_is_tried() {
    let top = "[timeouts]\nattempts_ms = 200".to_owned();
    let world = World::with(Setup {
        top,
        ..Setup::default()
    })
    .await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Internal)).delay_ms(300));
    let answer = world.post("/v1/messages", message(false)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-waybill-attempts")),
        (500, Some("1")),
        "{}",
        answer.text()
    );
    let event = world.events_of(answer.request_id()).await.remove(0);
    assert_eq!(event["decision"], "surface", "{event}");
    assert_eq!(
        event["decision_reason"], "the time for attempts is spent",
        "{event}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_the_provider_closed_while_it_was_idle_costs_no_request() {
    let world = World::with(Setup {
        accounts: 1,
        ..Setup::default()
    })
    .await;
    assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
    // The only account: what follows can succeed on nothing but a second try of the same one.
    world
        .sim
        .script(Rule::new(Fault::reset(Place::BeforeHeaders)).times(1));
    let answer = world.post("/v1/messages", message(false)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-waybill-attempts")),
        (200, Some("2")),
        "{}",
        answer.text()
    );
    let event = world.events_of(answer.request_id()).await.remove(0);
    assert_eq!(
        (&event["decision"], &event["cause"]),
        (&"retry_same_account".into(), &"network.reset".into()),
        "{event}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_towards_the_provider_fails_over_like_http_1() {
    let rest = format!(
        "[[account]]\nname = \"h2\"\nplatform = \"anthropic\"\ngroups = [\"claude\"]\nbase_url = \"{{providers}}\"\n\
         credential = {{ api_key = \"{}\" }}\npriority = 0\nhttp_version = \"2\"",
        key_of("a0")
    );
    let world = World::with(Setup {
        rest,
        ..Setup::default()
    })
    .await;
    for fault in [
        Fault::provider(ProviderError::Overloaded),
        Fault::reset(Place::BeforeHeaders),
        Fault::reset(Place::BeforeContent),
        Fault::StreamError {
            error: ProviderError::Overloaded,
            frames: 0,
        },
        Fault::Truncate { frames: 0 },
    ] {
        for stream in [false, true] {
            world.clear_states().await;
            world
                .sim
                .script(Rule::new(fault.clone()).key(&key_of("a0")));
            let answer = world.post("/v1/messages", message(stream)).await;
            world.sim.clear_script();
            let story = format!("{fault:?} {stream}: {}", answer.text());
            assert_eq!(
                (answer.status.as_u16(), answer.broken),
                (200, false),
                "{story}"
            );
            let events = world.events_of(answer.request_id()).await;
            assert!(
                events.iter().all(|event| event["account_name"] == "h2") && !events.is_empty(),
                "{story}: {events:?}"
            );
            // And is used again afterwards.
            world.clear_states().await;
            let answer = world.post("/v1/messages", message(stream)).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("x-waybill-attempts")),
                (200, Some("1")),
                "{story}"
            );
        }
    }
    world.stop().await;
}
