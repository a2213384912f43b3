//! Failover: the client sees one good answer, the operator every failure behind it.

use crate::support::{Setup, World, chat, generate, key_of, message, protocol_of, response, told};
use futures_util::future::join_all;
use http::Method;
use waybill_sim::{Fault, Place, ProviderError as E, Rule};

/// Every way to ask for content: path, body, the account tried first.
fn asks() -> Vec<(&'static str, String, &'static str)> {
    vec![
        ("/v1/messages", message(false), "a1"),
        ("/v1/messages", message(true), "a1"),
        ("/v1/chat/completions", chat(false), "o1"),
        ("/v1/chat/completions", chat(true), "o1"),
        ("/v1/responses", response(false), "o1"),
        ("/v1/responses", response(true), "o1"),
        (
            "/v1beta/models/gemini-2.5-pro:generateContent",
            generate(),
            "g1",
        ),
        (
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
            generate(),
            "g1",
        ),
        (
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
            generate(),
            "g1",
        ),
    ]
}

/// Failures that another account can make good, with the status and kind of event they leave.
fn faults(path: &str) -> Vec<(Fault, Option<u64>, &'static str)> {
    let overloaded = if protocol_of(path) == "anthropic" {
        529
    } else {
        503
    };
    let elsewhere = Fault::Redirect {
        to: "http://127.0.0.1:9/v1/messages".into(),
        status: 307,
    };
    vec![
        (Fault::provider(E::RateLimitRequests), Some(429), "failover"),
        (Fault::provider(E::RateLimitTokens), Some(429), "failover"),
        (Fault::provider(E::Quota), Some(429), "failover"),
        (Fault::provider(E::Overloaded), Some(overloaded), "failover"),
        (Fault::provider(E::Internal), Some(500), "failover"),
        (Fault::provider(E::Unavailable), Some(503), "failover"),
        (Fault::provider(E::Timeout), Some(504), "failover"),
        (Fault::provider(E::InvalidKey), None, "failover"),
        (Fault::provider(E::Permission), None, "failover"),
        (Fault::provider(E::AccountDisabled), None, "failover"),
        (Fault::provider(E::CreditBalance), None, "failover"),
        (Fault::http(402, "Payment Required"), Some(402), "failover"),
        (Fault::http(502, ""), Some(502), "failover"),
        (Fault::Html { status: 502 }, Some(502), "failover"),
        (Fault::InvalidUtf8 { status: 500 }, Some(500), "failover"),
        (
            Fault::Huge {
                mib: 2,
                status: 500,
            },
            Some(500),
            "failover",
        ),
        (elsewhere, Some(307), "failover"),
        (Fault::reset(Place::BeforeHeaders), None, "request_error"),
        (Fault::reset(Place::MidHeaders), None, "request_error"),
        (Fault::NotHttp, None, "request_error"),
        (
            Fault::OkWithError {
                error: E::Overloaded,
            },
            Some(200),
            "stream_error",
        ),
        (
            Fault::StreamError {
                error: E::Overloaded,
                frames: 0,
            },
            Some(200),
            "stream_error",
        ),
        (
            Fault::StreamError {
                error: E::RateLimitRequests,
                frames: 0,
            },
            Some(200),
            "stream_error",
        ),
        (Fault::Truncate { frames: 0 }, Some(200), "stream_truncated"),
        (
            Fault::reset(Place::BeforeContent),
            Some(200),
            "stream_truncated",
        ),
        (Fault::Html { status: 200 }, Some(200), "stream_truncated"),
        (Fault::Garbage { frames: 0 }, Some(200), "stream_truncated"),
    ]
}

/// Whether the answer is one document, and so of use to nobody before it is whole.
fn is_plain(path: &str, body: &str) -> bool {
    !body.contains("\"stream\":true") && !path.contains("streamGenerateContent")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_before_content_is_hidden_from_the_client_and_shown_to_the_operator() {
    // Each platform in a world of its own, side by side: a case waits for its commits most of the time.
    join_all(["a1", "o1", "g1"].map(hides_failures_of)).await;
}

/// Every failure of the account, and every way to ask it first.
async fn hides_failures_of(account: &str) {
    let world = World::new().await;
    for (path, body, first) in asks().into_iter().filter(|ask| ask.2 == account) {
        let clean = world.post(path, body.clone()).await;
        assert_eq!(clean.status, 200, "{path}: {}", clean.text());
        let mut faults = faults(path);
        if is_plain(path, &body) {
            faults.push((
                Fault::LongLength { extra: 100 },
                Some(200),
                "stream_truncated",
            ));
            faults.push((Fault::Truncate { frames: 2 }, Some(200), "stream_truncated"));
            faults.push((
                Fault::reset(Place::MidContent),
                Some(200),
                "stream_truncated",
            ));
        }
        for (fault, status, kind) in faults {
            world.clear_states().await;
            world
                .sim
                .script(Rule::new(fault.clone()).key(&key_of(first)).times(1));
            let answer = world.post(path, body.clone()).await;
            let story = format!("{path} {fault:?}: {}", answer.text());
            assert_eq!(answer.status, 200, "{story}");
            assert!(!answer.broken && answer.text().len() > 100, "{story}");
            assert_eq!(answer.header("x-waybill-attempts"), Some("2"), "{story}");
            assert_eq!(answer.header("x-waybill-error-source"), None, "{story}");
            world.sim.clear_script();

            let id = answer.request_id();
            let events = world
                .ops(&format!(
                    "upstream-errors?recovered=true&time_range=5m&request_id={id}"
                ))
                .await;
            let events = events["events"].as_array().unwrap();
            assert_eq!(events.len(), 1, "{story}: {events:?}");
            let event = &events[0];
            assert_eq!(event["account_name"], first, "{story}");
            assert_eq!(event["kind"], kind, "{story}: {event}");
            if let Some(status) = status {
                assert_eq!(event["upstream_status_code"], status, "{story}: {event}");
            }
            assert!(
                !event["message"].as_str().unwrap().is_empty(),
                "{story}: {event}"
            );
            assert!(
                event["duration_ms"].is_u64() && event["recovered"] == true,
                "{story}: {event}"
            );

            let errors = world
                .ops(&format!("errors?view=all&time_range=5m&request_id={id}"))
                .await;
            assert_eq!(
                errors["errors"].as_array().unwrap().len(),
                0,
                "{story}: a success is not an error"
            );
            let recovered = world
                .ops(&format!(
                    "errors?view=all&time_range=5m&recovered=true&request_id={id}"
                ))
                .await;
            assert_eq!(
                recovered["errors"][0]["status_code"], 200,
                "{story}: {recovered}"
            );
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_that_make_no_content_fail_over_too() {
    let world = World::new().await;
    let count = message(false).replace("\"max_tokens\":64,", "");
    let embed =
        serde_json::json!({"model": "text-embedding-3-small", "input": "Some text."}).to_string();
    let content = serde_json::json!({"content": {"parts": [{"text": "Some text."}]}}).to_string();
    for (method, path, body, first) in [
        (Method::POST, "/v1/messages/count_tokens", count, "a1"),
        (Method::POST, "/v1/embeddings", embed, "o1"),
        (
            Method::POST,
            "/v1beta/models/gemini-2.5-pro:countTokens",
            generate(),
            "g1",
        ),
        (
            Method::POST,
            "/v1beta/models/gemini-embedding-001:embedContent",
            content,
            "g1",
        ),
        (Method::GET, "/v1beta/models", String::new(), "g1"),
        (Method::GET, "/v1/models", String::new(), "a1"),
    ] {
        for fault in [
            Fault::provider(E::Internal),
            Fault::provider(E::RateLimitRequests),
            Fault::reset(Place::MidContent),
            Fault::Truncate { frames: 2 },
            Fault::Html { status: 200 },
        ] {
            world.clear_states().await;
            world
                .sim
                .script(Rule::new(fault.clone()).key(&key_of(first)).times(1));
            let answer = world
                .send(world.request(method.clone(), path, body.clone()))
                .await;
            world.sim.clear_script();
            let story = format!("{path} {fault:?}: {}", answer.text());
            assert_eq!(
                (answer.status.as_u16(), answer.header("x-waybill-attempts")),
                (200, Some("2")),
                "{story}"
            );
            assert_eq!(
                world.events_of(answer.request_id()).await[0]["account_name"],
                first,
                "{story}"
            );
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_stays_silent_is_given_up_in_favour_of_another() {
    let setup = Setup {
        top: "[timeouts]\nfirst_byte_ms = 1500\nidle_ms = 1500".into(),
        ..Setup::default()
    };
    let world = World::with(setup).await;
    for (place, kind, cause) in [
        (Place::BeforeHeaders, "request_error", "network.timeout"),
        (Place::BeforeContent, "stream_truncated", "stream.stalled"),
    ] {
        for first in ["a1", "o1", "g1"] {
            world
                .sim
                .script(Rule::new(Fault::stall(place)).key(&key_of(first)));
        }
        join_all(asks().into_iter().map(|(path, body, first)| {
            let world = &world;
            async move {
                let answer = world.post(path, body).await;
                let story = format!("{path} {place:?}: {}", answer.text());
                assert_eq!(answer.status, 200, "{story}");
                let event = world.events_of(answer.request_id()).await.remove(0);
                assert_eq!(event["account_name"], first, "{story}: {event}");
                assert_eq!(
                    (&event["kind"], &event["cause"]),
                    (&kind.into(), &cause.into()),
                    "{story}: {event}"
                );
                assert!(
                    !event["message"].as_str().unwrap().is_empty(),
                    "{story}: {event}"
                );
            }
        }))
        .await;
        world.sim.clear_script();
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_not_there_is_passed_over() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let rest = format!(
        "[[account]]\nname = \"gone\"\nplatform = \"anthropic\"\ngroups = [\"claude\"]\nbase_url = \"http://{closed}\"\n\
         credential = {{ api_key = \"{}\" }}\npriority = 0",
        key_of("a0")
    );
    let world = World::with(Setup {
        rest,
        ..Setup::default()
    })
    .await;
    let answer = world.post("/v1/messages", message(true)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let events = world.events_of(answer.request_id()).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["cause"], "network.connect", "{events:?}");
    assert_eq!(events[0]["account_name"], "gone");
    assert_eq!(events[0]["upstream_host"], closed.to_string());
    assert!(
        events[0]["upstream_status_code"].is_null() && events[0]["connect_ms"].is_u64(),
        "{events:?}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_end_at_their_limit() {
    let top = "[failover]\nmax_attempts = 3".to_owned();
    let world = World::with(Setup {
        top,
        accounts: 5,
        ..Setup::default()
    })
    .await;
    world.sim.script(Rule::new(Fault::provider(E::Internal)));
    let answer = world.post("/v1/messages", message(false)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-waybill-attempts")),
        (500, Some("3")),
        "{}",
        answer.text()
    );
    let tried: Vec<_> = world
        .sim
        .received()
        .iter()
        .map(|request| request.key.clone().unwrap())
        .collect();
    assert_eq!(tried, ["a1", "a2", "a3"].map(key_of));

    let events = world.events_of(answer.request_id()).await;
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["failover", "failover", "retry_exhausted"]);
    let error = world.error(answer.request_id()).await;
    assert_eq!(error["upstream_error_count"], 3);
    let route: Vec<_> = error["route"]
        .as_array()
        .unwrap()
        .iter()
        .map(|seen| {
            (
                seen["account_name"].as_str().unwrap(),
                seen["excluded"].as_str(),
            )
        })
        .collect();
    let tried = Some("already_tried");
    // They share the way that two accounts have failed on.
    let behind = Some("way_failing");
    assert_eq!(
        route,
        [
            ("a1", tried),
            ("a2", tried),
            ("a3", None),
            ("a4", behind),
            ("a5", behind)
        ]
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_every_account_fails_the_client_gets_the_last_providers_own_error() {
    let world = World::new().await;
    for (path, body, first) in asks() {
        world.clear_states().await;
        let second = first.replace('1', "2");
        let limited = Fault::Provider {
            error: E::RateLimitRequests,
            retry_after_ms: Some(7000),
            echo_key: false,
            headers: [("retry-after".to_owned(), "7".to_owned())].into(),
        };
        world
            .sim
            .script(Rule::new(Fault::provider(E::Internal)).key(&key_of(first)));
        world.sim.script(Rule::new(limited).key(&key_of(&second)));
        let answer = world.post(path, body).await;
        world.sim.clear_script();
        let story = format!("{path}: {} {}", answer.status, answer.text());
        assert_eq!(answer.status, 429, "{story}");
        assert_eq!(answer.header("retry-after"), Some("7"), "{story}");
        assert_eq!(
            answer.header("x-waybill-error-source"),
            Some("upstream"),
            "{story}"
        );
        assert_eq!(answer.header("x-waybill-attempts"), Some("2"), "{story}");
        let (kind, says) = told(path, &answer);
        assert!(!kind.starts_with("waybill_") && says.len() > 20, "{story}");

        let error = world
            .error_in("errors", answer.request_id())
            .await
            .expect("it counts against the service");
        assert_eq!(error["status_code"], 429, "{error}");
        assert_eq!(
            (&error["phase"], &error["cause"]),
            (&"upstream".into(), &"rate_limit.requests".into()),
            "{error}"
        );
        assert_eq!(
            (&error["error_owner"], &error["error_source"]),
            (&"provider".into(), &"upstream".into()),
            "{error}"
        );
        assert_eq!(
            (&error["account_name"], &error["upstream_error_count"]),
            (&second.into(), &2.into()),
            "{error}"
        );
        let events = world.events_of(answer.request_id()).await;
        let kinds: Vec<_> = events
            .iter()
            .map(|event| event["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["failover", "retry_exhausted"], "{story}");
        assert_eq!(events[1]["retry_after_ms"], 7000, "{events:?}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_credential_of_the_pool_is_never_shown_as_the_clients_own() {
    let world = World::new().await;
    let payment = Fault::http(
        402,
        serde_json::json!({"error": {"type": "billing_error", "message": "Please pay."}}),
    );
    // Two accounts without the same permission are another matter: then the request is at fault.
    let faults = [E::InvalidKey, E::AccountDisabled, E::CreditBalance].map(Fault::provider);
    for fault in faults.into_iter().chain([payment]) {
        world.sim.script(Rule::new(fault.clone()));
        for (path, body, _) in asks() {
            world.clear_states().await;
            let answer = world.post(path, body).await;
            let story = format!("{path} {fault:?}: {} {}", answer.status, answer.text());
            assert_eq!(answer.status, 502, "{story}");
            assert_eq!(
                told(path, &answer).0,
                "waybill_upstream_credential",
                "{story}"
            );
            assert_eq!(
                answer.header("x-waybill-error-source"),
                Some("gateway"),
                "{story}"
            );
            assert_eq!(answer.header("x-waybill-attempts"), Some("2"), "{story}");
            for word in [
                "api key",
                "API key",
                "x-api-key",
                "credit balance",
                "pay",
                "organization",
            ] {
                assert!(!told(path, &answer).1.contains(word), "{story}");
            }
            let error = world
                .error_in("errors", answer.request_id())
                .await
                .expect("it counts against the service");
            assert_eq!(
                (&error["status_code"], &error["error_owner"]),
                (&502.into(), &"platform".into()),
                "{error}"
            );
            assert_eq!(error["error_source"], "gateway", "{error}");
            let cause = error["cause"].as_str().unwrap();
            assert!(
                cause.starts_with("auth.") || cause.starts_with("billing."),
                "{story}: {error}"
            );
        }
        world.sim.clear_script();
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_requests_own_fault_is_tried_once_and_given_to_the_client_as_the_provider_said_it() {
    let world = World::new().await;
    for (error, status) in [
        (E::ContextLength, 400),
        (E::BadRequest, 400),
        (E::ContentFilter, 400),
        (E::TooLarge, 413),
        (E::ModelNotFound, 404),
    ] {
        for (path, body, first) in asks() {
            // Once only: a second attempt would succeed, and be noticed.
            world.sim.script(
                Rule::new(Fault::provider(error))
                    .key(&key_of(first))
                    .times(1),
            );
            let answer = world.post(path, body).await;
            world.sim.clear_script();
            let story = format!("{path} {error:?}: {} {}", answer.status, answer.text());
            assert_eq!(
                (answer.status.as_u16(), answer.header("x-waybill-attempts")),
                (status, Some("1")),
                "{story}"
            );
            assert_eq!(
                answer.header("x-waybill-error-source"),
                Some("upstream"),
                "{story}"
            );
            let (kind, message) = told(path, &answer);
            assert!(!kind.starts_with("waybill_"), "{story}");
            let record = world.error(answer.request_id()).await;
            assert_eq!(
                record["upstream_error_message"],
                message.as_str(),
                "{story}: {record}"
            );
            assert_eq!(
                (&record["error_owner"], &record["is_retryable"]),
                (&"client".into(), &false.into()),
                "{record}"
            );
            assert!(
                world
                    .error_in("errors", answer.request_id())
                    .await
                    .is_none(),
                "{story}: not the service's fault"
            );
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_beyond_the_limit_is_refused_in_bounded_memory() {
    let top = "[limits]\nresponse_bytes = 1048576".to_owned();
    let world = World::with(Setup {
        top,
        ..Setup::default()
    })
    .await;
    world.sim.script(Rule::new(Fault::Huge {
        mib: 64,
        status: 200,
    }));
    for (path, body, _) in asks()
        .into_iter()
        .filter(|(path, body, _)| is_plain(path, body))
    {
        let answer = world.post(path, body).await;
        let story = format!("{path}: {} {}", answer.status, answer.text());
        assert_eq!(answer.status, 502, "{story}");
        assert_eq!(
            told(path, &answer).0,
            "waybill_upstream_invalid_response",
            "{story}"
        );
        let error = world.error(answer.request_id()).await;
        assert_eq!(error["cause"], "upstream.response_too_large", "{error}");
    }
    // An error's body may be long, too; what is kept and passed on of it is not.
    world.sim.clear_script();
    world.sim.script(Rule::new(Fault::Huge {
        mib: 64,
        status: 500,
    }));
    let answer = world.post("/v1/messages", message(false)).await;
    assert_eq!(answer.status, 500);
    assert!(
        !answer.broken && answer.body.len() < 1 << 20,
        "{} bytes",
        answer.body.len()
    );
    let error = world.error(answer.request_id()).await;
    assert!(error["error_body"].as_str().unwrap().len() <= 16 << 10);
    world.stop().await;
}
