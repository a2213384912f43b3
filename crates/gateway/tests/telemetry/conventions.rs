//! What the conventions ask of a span, written down by hand from their text, apart from what makes the spans.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::{
        Span,
        span::{Event, SpanKind},
        status::StatusCode,
    },
};

/// `gen_ai.operation.name`: the well-known ones that this gateway has, and its own.
const OPERATIONS: &[&str] = &[
    "chat",
    "generate_content",
    "embeddings",
    "count_tokens",
    "list_models",
    "_OTHER",
];

/// `gen_ai.provider.name`: the well-known ones.
const PROVIDERS: &[&str] = &[
    "anthropic",
    "openai",
    "gcp.gemini",
    "gcp.gen_ai",
    "gcp.vertex_ai",
];

/// What must never be among the attributes: the conventions let it be asked for, and this gateway never does.
const CONTENT: &[&str] = &[
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
];

pub fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let mut found = attributes.iter().filter(|pair| pair.key == key);
    let value = found.next()?.value.as_ref();
    assert!(found.next().is_none(), "{key} is there twice");
    value.and_then(|AnyValue { value }| value.as_ref())
}

pub fn text<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    match value(&span.attributes, key)? {
        Value::StringValue(text) => Some(text),
        other => panic!("{key} is {other:?}"),
    }
}

pub fn whole(span: &Span, key: &str) -> Option<i64> {
    match value(&span.attributes, key)? {
        Value::IntValue(number) => Some(*number),
        other => panic!("{key} is {other:?}"),
    }
}

pub fn event_text<'a>(event: &'a Event, key: &str) -> Option<&'a str> {
    match value(&event.attributes, key)? {
        Value::StringValue(text) => Some(text),
        other => panic!("{key} is {other:?}"),
    }
}

pub fn is_error(span: &Span) -> bool {
    let status = span.status.as_ref();
    status.is_some_and(|status| status.code == i32::from(StatusCode::Error))
}

/// Holds the spans of one request, its own first, to the conventions.
pub fn hold(spans: &[Span]) {
    let [request, attempts @ ..] = spans else {
        panic!("no spans");
    };
    assert_eq!(request.kind(), SpanKind::Server);
    for span in spans {
        hold_span(span);
        assert_eq!(span.trace_id, request.trace_id);
    }
    for attempt in attempts {
        assert_eq!(attempt.kind(), SpanKind::Client);
        assert_eq!(attempt.parent_span_id, request.span_id);
        assert!(attempt.start_time_unix_nano >= request.start_time_unix_nano);
        assert!(attempt.end_time_unix_nano <= request.end_time_unix_nano);
        assert!(text(attempt, "server.address").is_some());
        // Conditionally required: where the address is.
        assert!(whole(attempt, "server.port").is_some_and(|port| port > 0));
        // The parent is here, and it is said that it is.
        assert_eq!(attempt.flags & 0x300, 0x100);
    }
    let ids: std::collections::HashSet<_> = spans.iter().map(|span| &span.span_id).collect();
    assert_eq!(ids.len(), spans.len());
}

fn hold_span(span: &Span) {
    assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
    assert!(
        span.trace_id.iter().any(|byte| *byte != 0) && span.span_id.iter().any(|byte| *byte != 0)
    );
    assert!(matches!(span.parent_span_id.len(), 0 | 8));
    assert!(span.start_time_unix_nano > 0 && span.start_time_unix_nano <= span.end_time_unix_nano);

    let operation = text(span, "gen_ai.operation.name").expect("required");
    assert!(OPERATIONS.contains(&operation), "{operation}");
    let provider = text(span, "gen_ai.provider.name").expect("required");
    assert!(PROVIDERS.contains(&provider), "{provider}");
    match text(span, "gen_ai.request.model") {
        Some(model) => assert_eq!(span.name, format!("{operation} {model}")),
        None => assert_eq!(span.name, operation),
    }
    // If and only if it is one.
    assert_ne!(
        value(&span.attributes, "gen_ai.request.stream"),
        Some(&Value::BoolValue(false))
    );
    if let Some(status) = whole(span, "http.response.status_code") {
        assert!((100..600).contains(&status), "{status}");
    }
    // Required where the operation ended in an error.
    if is_error(span) {
        assert!(text(span, "error.type").is_some(), "{span:?}");
        assert!(!span.status.as_ref().unwrap().message.is_empty());
    }
    for tokens in [
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
    ] {
        assert!(whole(span, tokens).is_none_or(|tokens| tokens >= 0));
    }
    for pair in &span.attributes {
        let dotted = pair.key.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte)
        });
        assert!(dotted, "{}", pair.key);
        assert!(!CONTENT.contains(&pair.key.as_str()), "{}", pair.key);
        let is_known = ["gen_ai.", "waybill.", "http.", "server.", "error."];
        assert!(
            is_known.iter().any(|space| pair.key.starts_with(space)),
            "{}",
            pair.key
        );
        assert!(
            pair.value
                .as_ref()
                .and_then(|any| any.value.as_ref())
                .is_some(),
            "{}",
            pair.key
        );
    }
    for event in &span.events {
        assert!(
            event.time_unix_nano >= span.start_time_unix_nano
                && event.time_unix_nano <= span.end_time_unix_nano
        );
        if event.name == "exception" {
            assert!(event_text(event, "exception.type").is_some());
            assert!(event_text(event, "exception.message").is_some_and(|said| !said.is_empty()));
        }
    }
}
