//! Spans of requests, as a receiver reads them.

use http::Method;
use opentelemetry_proto::tonic::trace::v1::{Span, span::Event};
use waybill_model::id::RequestId;
use waybill_sim::{Fault, Place, ProviderError, Rule};

use crate::{
    conventions::{event_text, hold, is_error, text, value, whole},
    receiver::{Manner, Receiver},
    support::{CLIENT_KEY, Setup, World, chat, generate, key_of, message},
};

/// A gateway that sends what it collects to `receiver`.
pub async fn world(receiver: &Receiver, telemetry: &str) -> World {
    World::with(Setup {
        rest: format!(
            "[telemetry]\notlp_endpoint = \"{}\"\n{telemetry}",
            receiver.url
        ),
        ..Setup::default()
    })
    .await
}

fn event<'s>(span: &'s Span, name: &str) -> &'s Event {
    let found = span.events.iter().find(|event| event.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {span:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_served_request_is_one_span_with_one_child() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = world(&receiver, "service_name = \"gateway of tests\"\n").await;
    let answer = world.post("/v1/messages", message(true)).await;
    let spans = receiver.spans_of(answer.request_id()).await;
    hold(&spans);
    let [request, attempt] = &spans[..] else {
        panic!("{spans:?}");
    };
    assert_eq!(request.name, "chat claude-sonnet-4-5");
    assert!(request.parent_span_id.is_empty() && request.flags & 0x200 == 0);
    // One is found by the other.
    let id: RequestId = answer.request_id().parse().unwrap();
    assert_eq!(request.trace_id, id.as_u128().to_be_bytes());
    for (key, expected) in [
        ("gen_ai.provider.name", "anthropic"),
        ("waybill.group", "claude"),
        ("waybill.account", "a1"),
        ("waybill.endpoint", "messages"),
        ("http.request.method", "POST"),
    ] {
        assert_eq!(text(request, key), Some(expected), "{key}");
    }
    assert_eq!(whole(request, "http.response.status_code"), Some(200));
    assert_eq!(whole(request, "waybill.attempts"), Some(1));
    assert!(value(&request.attributes, "gen_ai.request.stream").is_some());
    assert!(value(&request.attributes, "waybill.time_to_first_token").is_some());
    for span in [request, attempt] {
        assert!(!is_error(span) && span.events.is_empty(), "{span:?}");
        assert!(whole(span, "gen_ai.usage.input_tokens") > Some(0));
        assert!(whole(span, "gen_ai.usage.output_tokens") > Some(0));
    }
    assert_eq!(text(attempt, "server.address"), Some("127.0.0.1"));
    assert_eq!(whole(attempt, "waybill.attempt"), Some(1));

    let (resource, _) = receiver.spans().pop().unwrap();
    let named = value(&resource.attributes, "service.name");
    assert_eq!(
        format!("{named:?}"),
        "Some(StringValue(\"gateway of tests\"))"
    );
    for key in [
        "service.version",
        "service.instance.id",
        "telemetry.sdk.name",
    ] {
        assert!(value(&resource.attributes, key).is_some(), "{key}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_failure_is_a_child_of_its_own_with_an_exception() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = world(&receiver, "").await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)).key(&key_of("a1")));
    let answer = world.post("/v1/messages", message(false)).await;
    assert_eq!(answer.status, 200);
    let spans = receiver.spans_of(answer.request_id()).await;
    hold(&spans);
    let [request, failed, served] = &spans[..] else {
        panic!("{spans:?}");
    };
    // The client has its answer: nothing to wake anybody for, but a thing to find.
    assert!(!is_error(request) && text(request, "error.type").is_none());
    assert!(value(&request.attributes, "waybill.recovered").is_some());
    assert_eq!(text(request, "waybill.cause"), Some("overloaded"));
    let decided = event(request, "waybill.decision");
    assert_eq!(event_text(decided, "waybill.account"), Some("a1"));
    assert_eq!(
        event_text(decided, "waybill.decision"),
        Some("next_account")
    );

    assert!(is_error(failed) && !is_error(served));
    assert_eq!(text(failed, "error.type"), Some("overloaded"));
    assert_eq!(whole(failed, "http.response.status_code"), Some(529));
    let exception = event(failed, "exception");
    assert_eq!(event_text(exception, "exception.type"), Some("overloaded"));
    assert_eq!(
        event_text(exception, "exception.message"),
        Some(failed.status.as_ref().unwrap().message.as_str())
    );
    assert_eq!(
        (
            text(failed, "waybill.account"),
            text(served, "waybill.account")
        ),
        (Some("a1"), Some("a2"))
    );
    assert!(failed.end_time_unix_nano <= served.end_time_unix_nano);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_is_an_error_of_request_and_attempt() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = world(&receiver, "").await;
    world.sim.script(Rule::new(Fault::reset(Place::MidContent)));
    let answer = world.post("/v1/chat/completions", chat(true)).await;
    let spans = receiver.spans_of(answer.request_id()).await;
    hold(&spans);
    let [request, attempt] = &spans[..] else {
        panic!("{spans:?}");
    };
    assert!(is_error(request) && is_error(attempt));
    assert_eq!(text(request, "error.type"), text(attempt, "error.type"));
    assert_eq!(whole(request, "http.response.status_code"), Some(200));
    assert_eq!(text(request, "waybill.owner"), Some("provider"));
    // Its answer flowed to the end.
    assert_eq!(attempt.end_time_unix_nano, request.end_time_unix_nano);
    event(attempt, "exception");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_did_itself_is_no_error_of_the_server() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = world(&receiver, "").await;
    let answer = world.post("/v1/messages", "{\"model\": 7}").await;
    assert_eq!(answer.status, 400);
    let spans = receiver.spans_of(answer.request_id()).await;
    hold(&spans);
    let [request] = &spans[..] else {
        panic!("{spans:?}");
    };
    assert!(!is_error(request) && text(request, "error.type").is_some());
    assert_eq!(text(request, "waybill.owner"), Some("client"));
    event(request, "exception");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_protocol_has_its_operation_and_provider() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = world(&receiver, "").await;
    let embed = "{\"model\": \"text-embedding-3-small\", \"input\": \"Something.\"}".to_owned();
    for (path, body, operation, provider) in [
        ("/v1/messages", message(false), "chat", "anthropic"),
        (
            "/v1/messages/count_tokens",
            message(false),
            "count_tokens",
            "anthropic",
        ),
        ("/v1/chat/completions", chat(false), "chat", "openai"),
        ("/v1/embeddings", embed, "embeddings", "openai"),
        (
            "/v1beta/models/gemini-2.5-flash:generateContent",
            generate(),
            "generate_content",
            "gcp.gemini",
        ),
    ] {
        let answer = world.post(path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let spans = receiver.spans_of(answer.request_id()).await;
        hold(&spans);
        assert_eq!(
            text(&spans[0], "gen_ai.operation.name"),
            Some(operation),
            "{path}"
        );
        assert_eq!(
            text(&spans[0], "gen_ai.provider.name"),
            Some(provider),
            "{path}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_no_prompt_leaves() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = world(
        &receiver,
        "otlp_headers = \"authorization=Bearer%20token-of-the-receiver\"\nmetrics_every_ms = 100\n",
    )
    .await;
    // A provider that repeats what it was sent, and a client that names its key as a model.
    let echo = format!(
        "{{\"error\": {{\"message\": \"no such key {}\"}}}}",
        key_of("o1")
    );
    world.sim.script(
        Rule::new(Fault::http(400, echo))
            .endpoint(waybill_model::protocol::Endpoint::ChatCompletions),
    );
    let failed = world.post("/v1/chat/completions", chat(false)).await;
    let named = message(false).replace("claude-sonnet-4-5", CLIENT_KEY);
    let odd = world
        .post("/v1/messages?key=secret-in-the-query", named)
        .await;
    for answer in [&failed, &odd] {
        hold(&receiver.spans_of(answer.request_id()).await);
    }
    world.stop().await;
    for sent in receiver.sent() {
        assert_eq!(
            sent.headers["authorization"],
            "Bearer token-of-the-receiver"
        );
        let body = String::from_utf8_lossy(&sent.body);
        for secret in [
            &key_of("o1"),
            &key_of("a1"),
            "secret-in-the-query",
            "token-of-the-receiver",
            "Say something",
        ] {
            assert!(!body.contains(secret), "{secret} in {body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_sampled_is_sent_when_it_failed() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = world(&receiver, "sample_ratio = 0.0\n").await;
    let good = world.post("/v1/messages", message(false)).await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Internal)).key(&key_of("a1")));
    let recovered = world.post("/v1/messages", message(false)).await;
    let spans = receiver.spans_of(recovered.request_id()).await;
    assert_eq!(spans.len(), 3);
    // The flag says that nobody asked for it.
    assert!(spans.iter().all(|span| span.flags & 1 == 0));
    world.stop().await;
    let all = receiver.spans();
    assert!(
        all.iter()
            .all(|(_, span)| text(span, "waybill.request_id") != Some(good.request_id()))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_sent_at_the_end() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = world(&receiver, "").await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(
            world
                .post("/v1/messages", message(false))
                .await
                .request_id()
                .to_owned(),
        );
    }
    world.stop().await;
    let spans = receiver.spans();
    for id in ids {
        assert_eq!(
            spans
                .iter()
                .filter(|(_, span)| text(span, "waybill.request_id") == Some(&id))
                .count(),
            2
        );
    }
    assert!(
        receiver
            .sent()
            .iter()
            .any(|sent| sent.path == "/v1/metrics")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_a_body_has_a_span() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = world(&receiver, "").await;
    let answer = world
        .send(world.request(Method::GET, "/v1/models", ""))
        .await;
    let spans = receiver.spans_of(answer.request_id()).await;
    hold(&spans);
    assert_eq!(spans[0].name, "list_models");
    world.stop().await;
}
