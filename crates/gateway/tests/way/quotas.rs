//! Limits of users and keys: each is met at the right count, said in the client's own words, recorded
//! as a limit of the business, and given back where it was not used.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::support::{
    self, Answer, Setup, World, binary::Binary, chat, client, configuration, eventually, generate,
    key_of, message, raw::Wire, told, try_send,
};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use waybill_gateway::clock::Clock;
use waybill_model::time::UnixMillis;
use waybill_sim::{Fault, Place, ProviderError, Rule, Sim, SimOptions};

const MESSAGES: &str = "/v1/messages";

/// The price of a million tokens of any Claude: an answer of [`known_usage`] costs $0.000180.
const PRICE: &str = "[[price]]\nmodel = \"claude-*\"\ninput = 1\noutput = 5\n";

/// A key with limits, of a user with limits.
fn party(name: &str, of_key: &str, of_user: &str) -> String {
    format!(
        "[[user]]\nname = \"{name}\"\n{of_user}\n\
         [[api_key]]\nname = \"{name}\"\nuser = \"{name}\"\nkey = \"{}\"\n\
         groups = [\"claude\", \"gpt\", \"gemini\"]\n{of_key}\n",
        secret_of(name)
    )
}

fn secret_of(name: &str) -> String {
    format!("key-for-tests-of-{name}-0123456789")
}

/// A good answer of 80 prompt tokens and 20 more.
fn known_usage() -> Rule {
    Rule::new(Fault::http(
        200,
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
            "content": [{"type": "text", "text": "Something."}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 80, "output_tokens": 20},
        }),
    ))
}

/// A request with somebody's key.
fn by(world: &World, name: &str, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let method = if path.ends_with("/models") {
        Method::GET
    } else {
        Method::POST
    };
    let mut request = world.request(method, path, body);
    let headers = request.headers_mut();
    for header in ["x-api-key", "x-goog-api-key", "authorization"] {
        headers.remove(header);
    }
    headers.insert("x-api-key", secret_of(name).parse().unwrap());
    request
}

async fn ask(world: &World, name: &str) -> Answer {
    world.send(by(world, name, MESSAGES, message(false))).await
}

/// A gateway for which it stays noon.
async fn world(rest: String) -> World {
    world_at("2026-03-30T12:00:00Z", rest).await.0
}

/// A gateway that takes it to be this instant until told otherwise.
async fn world_at(instant: &str, rest: String) -> (World, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(millis(instant)));
    let world = World::with(Setup {
        rest,
        clock: Clock::Manual(Arc::clone(&now)),
        ..Setup::default()
    })
    .await;
    (world, now)
}

fn millis(instant: &str) -> i64 {
    instant.parse::<UnixMillis>().unwrap().0
}

/// What a refusal must say: status, type, cause, phase, owner.
type Said = (u16, &'static str, &'static str, &'static str);

const RATE: Said = (
    429,
    "waybill_rate_limit",
    "gateway.rate_limit",
    "concurrency",
);
const QUOTA: Said = (
    429,
    "waybill_quota_exhausted",
    "gateway.quota_exhausted",
    "billing",
);
const BALANCE: Said = (
    402,
    "waybill_balance_exhausted",
    "gateway.balance_exhausted",
    "billing",
);
const CONCURRENCY: Said = (
    429,
    "waybill_concurrency_limit",
    "gateway.concurrency_limit",
    "concurrency",
);

/// Checks an answer and its record.
async fn assert_refused(world: &World, answer: &Answer, said: Said) -> Value {
    let (status, kind, cause, phase) = said;
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(told(MESSAGES, answer).0, kind);
    assert_eq!(answer.header("x-waybill-error-source"), Some("client"));
    assert_eq!(answer.header("x-waybill-attempts"), Some("0"));
    let error = world.error(answer.request_id()).await;
    assert_eq!(error["cause"], cause, "{error}");
    assert_eq!(error["phase"], phase, "{error}");
    assert_eq!(error["error_owner"], "client", "{error}");
    assert_eq!(error["is_business_limited"], true, "{error}");
    assert_eq!(error["status_code"], status, "{error}");
    assert_eq!(error["upstream_error_count"], 0, "{error}");
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_limit_is_met_at_its_count_and_says_whose_it_is_and_when_it_ends() {
    // Each lets two requests in. Two use 200 tokens and $0.000360.
    const LIMITS: &[(&str, Said, u64, &str, &str)] = &[
        (
            "requests_per_minute = 2",
            RATE,
            60,
            "2 requests per minute",
            "2 requests",
        ),
        (
            "tokens_per_minute = 200",
            RATE,
            31,
            "200 tokens per minute",
            "200 tokens",
        ),
        (
            "requests_per_day = 2",
            QUOTA,
            43_170,
            "2 requests per day",
            "2 requests",
        ),
        (
            "tokens_per_day = 150",
            QUOTA,
            43_170,
            "150 tokens per day",
            "200 tokens",
        ),
        (
            "usd_per_day = 0.00036",
            QUOTA,
            43_170,
            "$0.00036 per day",
            "$0.00036",
        ),
        (
            "requests_per_month = 2",
            QUOTA,
            129_570,
            "2 requests per month",
            "2 requests",
        ),
        (
            "tokens_per_month = 101",
            QUOTA,
            129_570,
            "101 tokens per month",
            "200 tokens",
        ),
        (
            "usd_per_month = 0.0002",
            QUOTA,
            129_570,
            "$0.0002 per month",
            "$0.00036",
        ),
    ];
    let mut rest = PRICE.to_owned();
    for (number, (limit, ..)) in LIMITS.iter().enumerate() {
        let limits = format!("limits = {{ {limit} }}");
        rest += &party(&format!("k{number}"), &limits, "");
        rest += &party(&format!("u{number}"), "", &limits);
    }
    let (world, now) = world_at("2026-03-30T12:00:30Z", rest).await;
    world.sim.script(known_usage());
    for (number, (limit, said, wait, may, has)) in LIMITS.iter().enumerate() {
        for (letter, whose) in [("k", "key"), ("u", "user")] {
            let name = format!("{letter}{number}");
            for _ in 0..2 {
                let answer = ask(&world, &name).await;
                assert_eq!(answer.status, 200, "{limit}: {}", answer.text());
            }
            // A refusal does not make it worse.
            for _ in 0..2 {
                let answer = ask(&world, &name).await;
                let error = assert_refused(&world, &answer, *said).await;
                assert_eq!(
                    answer.header("retry-after"),
                    Some(&*wait.to_string()),
                    "{limit}"
                );
                let message = told(MESSAGES, &answer).1;
                let begins = format!("the {whose} `{name}` may use {may}, and has used {has}; ");
                assert!(message.starts_with(&begins), "{message}");
                assert_eq!(error["message"], message);
                assert_eq!(error["api_key_name"], name, "{error}");
            }
        }
    }
    assert_eq!(world.sim.received().len(), 4 * LIMITS.len());

    // At the end of each window there is room again, for as many as before where requests are counted.
    for (number, (limit, _, wait, ..)) in LIMITS.iter().enumerate() {
        let name = format!("k{number}");
        now.store(
            millis("2026-03-30T12:00:30Z") + *wait as i64 * 1000,
            Ordering::Relaxed,
        );
        assert_eq!(ask(&world, &name).await.status, 200, "{limit}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_has_the_shape_of_each_protocol_and_never_looks_like_the_providers() {
    let world = world(party("p", "limits = { requests_per_day = 1 }", "")).await;
    assert_eq!(ask(&world, "p").await.status, 200);
    for (path, body) in [
        (MESSAGES, message(true)),
        ("/v1/chat/completions", chat(true)),
        ("/v1/responses", support::response(false)),
        (
            "/v1beta/models/gemini-2.5-flash:generateContent",
            generate(),
        ),
        ("/v1/models", String::new()),
    ] {
        let answer = world.send(by(&world, "p", path, body)).await;
        assert_eq!(answer.status, 429, "{path}: {}", answer.text());
        let (kind, message) = told(path, &answer);
        let ours = if path.starts_with("/v1beta") {
            // Google's own clients read a status word; ours is beside it.
            answer.text().contains("waybill_quota_exhausted")
        } else {
            kind == "waybill_quota_exhausted"
        };
        assert!(ours, "{path}: {}", answer.text());
        assert!(message.contains("the key `p`"), "{path}: {message}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=86_400).contains(&wait), "{wait}");
        for name in answer.headers.keys() {
            assert!(!name.as_str().contains("ratelimit"), "{path}: {name}");
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_at_once_exactly_as_many_are_served_as_the_day_allows() {
    let world = Arc::new(world(party("p", "limits = { requests_per_day = 10 }", "")).await);
    let all: Vec<_> = (0..50)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { ask(&world, "p").await })
        })
        .collect();
    let mut statuses = Vec::new();
    for one in all {
        statuses.push(one.await.unwrap().status.as_u16());
    }
    let of = |status| statuses.iter().filter(|seen| **seen == status).count();
    assert_eq!((of(200), of(429)), (10, 40), "{statuses:?}");
    assert_eq!(world.sim.received().len(), 10);
    Arc::into_inner(world).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_comes_back_whatever_becomes_of_its_request() {
    let rest = party("k", "limits = { concurrency = 1 }", "")
        + &party("u", "", "limits = { concurrency = 1 }");
    let world = World::with(Setup {
        rest,
        ..Setup::default()
    })
    .await;
    for name in ["k", "u"] {
        // The client leaves in the middle of a stream that its provider holds.
        world
            .sim
            .script(Rule::new(Fault::stall(Place::MidContent)).times(1));
        let mut held = world.open(by(&world, name, MESSAGES, message(true))).await;
        assert!(held.frame().await.unwrap().is_ok());
        let refused = ask(&world, name).await;
        assert_refused(&world, &refused, CONCURRENCY).await;
        assert_eq!(refused.header("retry-after"), Some("1"));
        let whose = if name == "k" { "key" } else { "user" };
        assert_eq!(
            told(MESSAGES, &refused).1,
            format!("the {whose} `{name}` may have 1 request in flight at once, and has 1")
        );
        drop(held);
        served_again(&world, name).await;

        // The client leaves before its provider has said anything.
        world
            .sim
            .script(Rule::new(Fault::stall(Place::BeforeHeaders)).times(1));
        let before = world.sim.received().len();
        let mut wire = Wire::to(&world.url).await;
        let body = message(false);
        let head = format!(
            "POST {MESSAGES} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\nanthropic-version: 2023-06-01\r\n\
             content-length: {}\r\n\r\n{body}",
            secret_of(name),
            body.len()
        );
        wire.send(head).await;
        eventually("the provider has it", || async {
            (world.sim.received().len() > before).then_some(())
        })
        .await;
        assert_eq!(ask(&world, name).await.status, 429);
        drop(wire);
        served_again(&world, name).await;

        // It leaves in the middle of its own request.
        let mut wire = Wire::to(&world.url).await;
        let head = format!(
            "POST {MESSAGES} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ncontent-length: 1000\r\n\r\n{{",
            secret_of(name)
        );
        wire.send(head).await;
        eventually("the unfinished request has the place", || async {
            let keys = world.ops("concurrency").await["api_keys"].take();
            let mut keys = keys.as_array().unwrap().iter();
            keys.any(|key| key["name"] == name && key["in_flight"] == 1)
                .then_some(())
        })
        .await;
        assert_eq!(ask(&world, name).await.status, 429);
        drop(wire);
        served_again(&world, name).await;

        // Requests that fail, at the provider and before it, one after the other.
        for _ in 0..3 {
            world
                .sim
                .script(Rule::new(Fault::provider(ProviderError::BadRequest)).times(1));
            assert_eq!(ask(&world, name).await.status, 400);
            let broken = world.send(by(&world, name, MESSAGES, "{")).await;
            assert_eq!(broken.status, 400);
            world
                .sim
                .script(Rule::new(Fault::Truncate { frames: 2 }).times(1));
            let cut = world.send(by(&world, name, MESSAGES, message(true))).await;
            assert!(cut.text().contains("event: error"), "{}", cut.text());
        }
        assert_eq!(ask(&world, name).await.status, 200);
    }
    world.stop().await;
}

async fn served_again(world: &World, name: &str) {
    eventually("the place is free again", || async {
        (ask(world, name).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_requests_use_up_a_balance_to_the_millionth_of_a_dollar() {
    // Three answers of $0.000180 each.
    let rest = PRICE.to_owned()
        + &party("exact", "", "credit_usd = 0.00054")
        + &party("more", "", "credit_usd = 0.000541");
    let world = world(rest).await;
    world.sim.script(known_usage());
    for name in ["exact", "more"] {
        for _ in 0..3 {
            let answer = ask(&world, name).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    let refused = ask(&world, "exact").await;
    assert_refused(&world, &refused, BALANCE).await;
    assert_eq!(refused.header("retry-after"), None, "waiting does not help");
    assert_eq!(
        told(MESSAGES, &refused).1,
        "the user `exact` has a credit of $0.00054, and has used $0.00054"
    );
    assert_eq!(
        ask(&world, "more").await.status,
        200,
        "a millionth was left"
    );
    assert_eq!(ask(&world, "more").await.status, 402);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_paid_for_like_whole_answers() {
    let rest = PRICE.to_owned() + &party("s", "", "credit_usd = 0.000001");
    let world = world(rest).await;
    let answer = world.send(by(&world, "s", MESSAGES, message(true))).await;
    assert!(answer.text().contains("message_stop"), "{}", answer.text());
    let refused = ask(&world, "s").await;
    assert_refused(&world, &refused, BALANCE).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_money_is_counted_a_model_without_a_price_is_not_served() {
    let money = [
        party("day", "limits = { usd_per_day = 1 }", ""),
        party("month", "", "limits = { usd_per_month = 1 }"),
        party("credit", "", "credit_usd = 1"),
    ]
    .concat();
    let rest = money
        + &party("free", "", "")
        + "[[price]]\nmodel = \"claude-sonnet-4-5\"\ninput = 1\noutput = 5\n";
    let world = world(rest).await;
    let unpriced = message(false).replace("claude-sonnet-4-5", "claude-opus-4-1");
    for name in ["day", "month", "credit"] {
        assert_eq!(ask(&world, name).await.status, 200);
        let refused = world
            .send(by(&world, name, MESSAGES, unpriced.clone()))
            .await;
        assert_eq!(refused.status, 402, "{}", refused.text());
        let (kind, message) = told(MESSAGES, &refused);
        assert_eq!(kind, "waybill_no_price");
        assert!(
            message.contains("`claude-opus-4-1`") && message.contains(name),
            "{message}"
        );
        let error = world.error(refused.request_id()).await;
        assert_eq!(
            (
                &error["cause"],
                &error["phase"],
                &error["is_business_limited"]
            ),
            (&"gateway.no_price".into(), &"billing".into(), &true.into()),
            "{error}"
        );
        // Counting tokens and listing models costs nothing, whatever the model.
        let count = format!("{MESSAGES}/count_tokens");
        let counted = world.send(by(&world, name, &count, unpriced.clone())).await;
        assert_eq!(counted.status, 200, "{}", counted.text());
    }
    let answer = world.send(by(&world, "free", MESSAGES, unpriced)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_may_have_its_price_under_the_name_that_its_provider_knows() {
    let rest = party("p", "", "credit_usd = 0.00018")
        + "[[group]]\nname = \"mapped\"\nplatform = \"anthropic\"\nmodel_mapping = { \"fast\" = \"claude-haiku-4-5\" }\n"
        + &format!(
            "[[account]]\nname = \"m1\"\nplatform = \"anthropic\"\ngroups = [\"mapped\"]\n\
             base_url = \"{{providers}}\"\ncredential = {{ api_key = \"{}\" }}\n",
            key_of("a8")
        )
        + PRICE;
    let rest = rest.replace(
        "groups = [\"claude\", \"gpt\", \"gemini\"]",
        "groups = [\"mapped\"]",
    );
    let world = world(rest).await;
    world.sim.script(known_usage());
    let body = message(false).replace("claude-sonnet-4-5", "fast");
    let answer = world.send(by(&world, "p", MESSAGES, body.clone())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let refused = world.send(by(&world, "p", MESSAGES, body)).await;
    assert_eq!(told(MESSAGES, &refused).0, "waybill_balance_exhausted");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_reached_no_provider_does_not_count() {
    let rest = party("p", "limits = { requests_per_day = 2 }", "")
        + "[[group]]\nname = \"dead\"\nplatform = \"openai\"\n\
           [[account]]\nname = \"dead\"\nplatform = \"openai\"\ngroups = [\"dead\"]\n\
           base_url = \"http://127.0.0.1:1\"\ncredential = { api_key = \"sk-dead-0123456789abcdef\" }\n";
    let rest = rest.replace(
        "groups = [\"claude\", \"gpt\", \"gemini\"]",
        "groups = [\"claude\", \"dead\"]",
    );
    let world = world(rest).await;
    for _ in 0..3 {
        let unreadable = world.send(by(&world, "p", MESSAGES, "{")).await;
        assert_eq!(unreadable.status, 400, "{}", unreadable.text());
        let unserved = by(
            &world,
            "p",
            "/v1beta/models/gemini-2.5-flash:generateContent",
            generate(),
        );
        assert_eq!(world.send(unserved).await.status, 404);
        let unreachable = world
            .send(by(&world, "p", "/v1/chat/completions", chat(false)))
            .await;
        assert!(
            matches!(unreachable.status.as_u16(), 502 | 503),
            "{}",
            unreachable.text()
        );
    }
    assert_eq!(ask(&world, "p").await.status, 200);
    // What the provider itself refuses was asked of it, and so was a count of tokens.
    let count = format!("{MESSAGES}/count_tokens");
    assert_eq!(
        world
            .send(by(&world, "p", &count, message(false)))
            .await
            .status,
        200
    );
    assert_eq!(ask(&world, "p").await.status, 429);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counting_tokens_uses_a_request_and_no_tokens() {
    let world = world(party(
        "p",
        "limits = { requests_per_day = 4, tokens_per_day = 1 }",
        "",
    ))
    .await;
    let count = format!("{MESSAGES}/count_tokens");
    for _ in 0..3 {
        let counted = world.send(by(&world, "p", &count, message(false))).await;
        assert_eq!(counted.status, 200, "{}", counted.text());
    }
    assert_eq!(ask(&world, "p").await.status, 200);
    let refused = world.send(by(&world, "p", &count, message(false))).await;
    assert_refused(&world, &refused, QUOTA).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_states_no_tokens_is_counted_by_its_requests_size() {
    let body = chat(true);
    let limit = body.len().div_ceil(4) + 1;
    let limits = format!("limits = {{ tokens_per_day = {limit} }}");
    let world = world(party("p", &limits, "")).await;
    let chat = || by(&world, "p", "/v1/chat/completions", body.clone());
    for _ in 0..2 {
        let answer = world.send(chat()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(!answer.text().contains("\"usage\""), "{}", answer.text());
    }
    assert_eq!(world.send(chat()).await.status, 429);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_user_has_used_survives_a_change_of_the_configuration() {
    let world = world(party("p", "", "limits = { requests_per_day = 1 }")).await;
    assert_eq!(ask(&world, "p").await.status, 200);
    let group = json!({"name": "another", "platform": "anthropic"}).to_string();
    let made = world.admin(Method::POST, "/groups", group).await;
    assert!(made.status.is_success(), "{}", made.text());
    assert_eq!(ask(&world, "p").await.status, 429);
    world.stop().await;
}

/// A gateway process with two who are held to limits, one by requests and one by money.
async fn process(folder: &std::path::Path, sim: &Sim) -> Binary {
    let rest = PRICE.to_owned()
        + &party("requests", "limits = { requests_per_month = 3 }", "")
        + &party("money", "", "credit_usd = 0.00054");
    let setup = Setup {
        rest,
        ..Setup::default()
    };
    Binary::serve(folder, &configuration(&setup, &sim.url()), &[]).await
}

async fn status_by(waybill: &Binary, name: &str) -> u16 {
    let request = Request::post(format!("{}{MESSAGES}", waybill.url))
        .header("x-api-key", secret_of(name))
        .header("anthropic-version", "2023-06-01")
        .body(Full::from(message(false)))
        .unwrap();
    try_send(&client(), request).await.unwrap().status.as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_was_refused_for_is_known_after_the_process_was_killed() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    sim.script(known_usage());
    let folder = tempfile::tempdir().unwrap();
    let waybill = process(folder.path(), &sim).await;
    for name in ["requests", "money"] {
        for _ in 0..3 {
            assert_eq!(status_by(&waybill, name).await, 200);
        }
    }
    let refused = [("requests", 429), ("money", 402)];
    for (name, status) in refused {
        assert_eq!(status_by(&waybill, name).await, status, "{name}");
    }
    waybill.kill().await;
    let waybill = process(folder.path(), &sim).await;
    for (name, status) in refused {
        assert_eq!(status_by(&waybill, name).await, status, "{name}");
    }
    assert_eq!(sim.received().len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_orderly_restart_quotas_go_on_where_they_were() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    sim.script(known_usage());
    let folder = tempfile::tempdir().unwrap();
    let waybill = process(folder.path(), &sim).await;
    for name in ["requests", "money"] {
        for _ in 0..2 {
            assert_eq!(status_by(&waybill, name).await, 200);
        }
    }
    waybill.terminate();
    assert!(waybill.ended().await.success());
    let waybill = process(folder.path(), &sim).await;
    for (name, status) in [("requests", 429), ("money", 402)] {
        assert_eq!(status_by(&waybill, name).await, 200, "{name}");
        assert_eq!(status_by(&waybill, name).await, status, "{name}");
    }
}

/// A group of `q1`, which its provider allows `quota`, and `q2`, which comes after it; and a key to it.
fn with_known_quota(quota: &str) -> String {
    let account = |name: &str, more: &str| {
        format!(
            "[[account]]\nname = \"{name}\"\nplatform = \"anthropic\"\ngroups = [\"known\"]\n\
             base_url = \"{{providers}}\"\ncredential = {{ api_key = \"{}\" }}\n{more}\n",
            key_of(&name.replace('q', "a7"))
        )
    };
    let rest = party("p", "", "")
        + "[[group]]\nname = \"known\"\nplatform = \"anthropic\"\n"
        + &account("q1", &format!("priority = 1\nquota = {{ {quota} }}"))
        + &account("q2", "priority = 2");
    rest.replace(
        "groups = [\"claude\", \"gpt\", \"gemini\"]",
        "groups = [\"known\"]",
    )
}

/// The accounts that were asked, in order.
fn asked(sim: &Sim) -> Vec<&'static str> {
    sim.received()
        .iter()
        .map(|received| match received.key.as_deref() {
            Some(key) if key == key_of("a71") => "q1",
            Some(key) if key == key_of("a72") => "q2",
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_passed_over_before_its_provider_would_say_no() {
    // An estimate of 29 tokens each before, 100 after: the fourth would be beyond.
    let world = world(with_known_quota("tokens_per_day = 320")).await;
    world.sim.script(known_usage());
    for _ in 0..5 {
        assert_eq!(ask(&world, "p").await.status, 200);
    }
    assert_eq!(asked(&world.sim), ["q1", "q1", "q1", "q2", "q2"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_account_has_used_is_known_after_a_restart() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup {
        rest: with_known_quota("requests_per_day = 2"),
        ..Setup::default()
    };
    let configuration = configuration(&setup, &sim.url());
    for _ in 0..2 {
        let waybill = Binary::serve(folder.path(), &configuration, &[]).await;
        for _ in 0..2 {
            assert_eq!(status_by(&waybill, "p").await, 200);
        }
        waybill.terminate();
        assert!(waybill.ended().await.success());
    }
    assert_eq!(asked(&sim), ["q1", "q1", "q2", "q2"]);
}
