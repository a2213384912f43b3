//! Trace context: from the client through the gateway to the provider.

use http::Method;
use waybill_sim::{Fault, ProviderError, Rule};

use crate::{
    conventions::hold,
    receiver::{Manner, Receiver},
    support::{Answer, Setup, World, chat, key_of, message},
    traces::world,
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const STATE: &str = "vendor=opaque,other@x=1";

async fn post(
    world: &World,
    path: &str,
    body: String,
    headers: &[(&'static str, String)],
) -> Answer {
    let mut request = world.request(Method::POST, path, body);
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let answer = world.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

fn parent(flags: &str) -> (&'static str, String) {
    ("traceparent", format!("00-{TRACE}-{PARENT}-{flags}"))
}

fn state() -> (&'static str, String) {
    ("tracestate", STATE.to_owned())
}

/// What the provider was sent with each attempt: `traceparent`, `tracestate`.
fn told(world: &World) -> Vec<(Option<String>, Option<String>)> {
    let received = world.sim.received();
    world.sim.clear_received();
    let header = |received: &waybill_sim::Received, name| received.header(name).map(str::to_owned);
    received
        .iter()
        .map(|received| {
            (
                header(received, "traceparent"),
                header(received, "tracestate"),
            )
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clients_trace_goes_on_to_the_provider_attempt_by_attempt() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = world(&receiver, "").await;
    world
        .sim
        .script(Rule::new(Fault::provider(ProviderError::Internal)).key(&key_of("a1")));
    let answer = post(
        &world,
        "/v1/messages",
        message(false),
        &[parent("01"), state()],
    )
    .await;
    let spans = receiver.spans_of(answer.request_id()).await;
    hold(&spans);
    assert_eq!(hex(&spans[0].trace_id), TRACE);
    assert_eq!(
        (hex(&spans[0].parent_span_id).as_str(), spans[0].flags),
        (PARENT, 0x301)
    );
    assert!(spans.iter().all(|span| span.trace_state == STATE));
    let expected: Vec<_> = spans[1..]
        .iter()
        .map(|attempt| {
            (
                Some(format!("00-{TRACE}-{}-01", hex(&attempt.span_id))),
                Some(STATE.to_owned()),
            )
        })
        .collect();
    assert_eq!(expected.len(), 2);
    assert_eq!(told(&world), expected);
    // What the record says was sent is what was sent.
    let events = world.events_of(answer.request_id()).await;
    let headers = world.error(answer.request_id()).await;
    let line = expected[0].0.as_deref().unwrap();
    assert!(
        format!("{events:?}{headers}").contains(line),
        "{line} in {headers}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_translated_request_carries_the_trace_too() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = World::with(Setup {
        rest: format!(
            "[[api_key]]\nname = \"crossing\"\nkey = \"another-key-for-tests-0123456789\"\ngroups = [\"both\"]\n\
             [[group]]\nname = \"both\"\nplatform = \"anthropic\"\nprotocols = [\"openai\"]\n\
             [[account]]\nname = \"x1\"\nplatform = \"anthropic\"\ngroups = [\"both\"]\nbase_url = \"{{providers}}\"\n\
             credential = {{ api_key = \"{}\" }}\n[telemetry]\notlp_endpoint = \"{}\"\n",
            key_of("a9"),
            receiver.url
        ),
        ..Setup::default()
    })
    .await;
    let mut request = world.request(Method::POST, "/v1/chat/completions", chat(false));
    let key = "Bearer another-key-for-tests-0123456789".parse().unwrap();
    request.headers_mut().insert("authorization", key);
    let (name, line) = parent("01");
    request.headers_mut().insert(name, line.parse().unwrap());
    let answer = world.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let spans = receiver.spans_of(answer.request_id()).await;
    hold(&spans);
    assert_eq!(
        told(&world)[0].0,
        Some(format!("00-{TRACE}-{}-01", hex(&spans[1].span_id)))
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_wants_no_spans_gets_none_and_one_that_cannot_be_read_begins_anew() {
    let receiver = Receiver::start(Manner::Takes).await;
    let world = world(&receiver, "").await;
    let unwanted = post(&world, "/v1/messages", message(false), &[parent("00")]).await;
    let [(Some(line), None)] = &told(&world)[..] else {
        panic!("one attempt, with a parent");
    };
    assert!(
        line.starts_with(&format!("00-{TRACE}-")) && line.ends_with("-00"),
        "{line}"
    );

    let broken = [
        ("traceparent", format!("00-{TRACE}-{PARENT}-01-more")),
        state(),
    ];
    let anew = post(&world, "/v1/messages", message(false), &broken).await;
    let spans = receiver.spans_of(anew.request_id()).await;
    hold(&spans);
    assert_ne!(hex(&spans[0].trace_id), TRACE);
    assert!(spans[0].parent_span_id.is_empty() && spans[0].trace_state.is_empty());
    // A trace that the client did not begin is nothing that its provider is told.
    assert_eq!(told(&world), [(None, None)]);
    world.stop().await;
    let wanted = receiver
        .spans()
        .iter()
        .filter(|(_, span)| {
            crate::conventions::text(span, "waybill.request_id") == Some(unwanted.request_id())
        })
        .count();
    assert_eq!(wanted, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_told_is_the_operators_choice() {
    let receiver = Receiver::start(Manner::Takes).await;
    let always = world(&receiver, "propagate = \"always\"\n").await;
    let answer = post(&always, "/v1/messages", message(false), &[]).await;
    let spans = receiver.spans_of(answer.request_id()).await;
    let line = format!(
        "00-{}-{}-01",
        hex(&spans[0].trace_id),
        hex(&spans[1].span_id)
    );
    assert_eq!(told(&always), [(Some(line), None)]);
    always.stop().await;

    let never = world(&receiver, "propagate = \"never\"\n").await;
    let answer = post(
        &never,
        "/v1/messages",
        message(false),
        &[parent("01"), state()],
    )
    .await;
    assert_eq!(told(&never), [(None, None)]);
    assert_eq!(
        hex(&receiver.spans_of(answer.request_id()).await[0].trace_id),
        TRACE
    );
    never.stop().await;

    // Where nobody collects spans, the client's own header passes as it came.
    let without = World::new().await;
    post(
        &without,
        "/v1/messages",
        message(false),
        &[parent("01"), state()],
    )
    .await;
    assert_eq!(
        told(&without),
        [(Some(parent("01").1), Some(STATE.to_owned()))]
    );
    without.stop().await;
}
