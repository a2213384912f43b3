//! `ExportTraceServiceRequest`.

use super::{Resource, nanos, text_pair, wire::Message};
use crate::telemetry::span::{Attribute, Event, Fact, Side, Span, Trace};

/// `SpanFlags`: bit 8 says that bit 9 is known, bit 9 that the parent is remote.
const KNOWN_WHETHER_REMOTE: u32 = 0x100;
const REMOTE: u32 = 0x200;

/// `STATUS_CODE_ERROR`.
const ERROR: u64 = 2;

/// The message that carries these traces.
pub fn traces<'a>(resource: &Resource, traces: impl IntoIterator<Item = &'a Trace>) -> Vec<u8> {
    let mut request = Message::default();
    let of_resource = resource.message(|scoped| {
        for trace in traces {
            for span in &trace.spans {
                scoped.message(2, |message| write(message, trace, span));
            }
        }
    });
    request.put(1, &of_resource);
    request.into_bytes()
}

fn write(message: &mut Message, trace: &Trace, span: &Span) {
    let context = &trace.context;
    message.bytes(1, &context.trace_id.0);
    message.bytes(2, &span.id.0);
    message.text(3, context.state.as_deref().unwrap_or_default());
    if let Some(parent) = span.parent {
        message.bytes(4, &parent.0);
    }
    message.text(5, span.name.as_str());
    message.varint(
        6,
        match span.side {
            Side::Server => 2,
            Side::Client => 3,
        },
    );
    message.fixed64(7, nanos(span.began_ms));
    message.fixed64(8, nanos(span.ended_ms));
    for attribute in &span.attributes {
        message.message(9, |pair| write_attribute(pair, attribute));
    }
    for event in &span.events {
        message.message(11, |inner| write_event(inner, event));
    }
    if let Some(error) = &span.error {
        message.message(15, |status| {
            status.text(2, error.as_str());
            status.varint(3, ERROR);
        });
    }
    let mut flags = KNOWN_WHETHER_REMOTE | u32::from(context.sampled);
    if span.parent_is_remote {
        flags |= REMOTE;
    }
    message.fixed32(16, flags);
}

fn write_event(message: &mut Message, event: &Event) {
    message.fixed64(1, nanos(event.at_ms));
    message.text(2, event.name);
    for attribute in &event.attributes {
        message.message(3, |pair| write_attribute(pair, attribute));
    }
}

fn write_attribute(pair: &mut Message, (key, fact): &Attribute) {
    match fact {
        Fact::Word(word) => return text_pair(pair, key, word),
        Fact::Text(text) => return text_pair(pair, key, text.as_str()),
        Fact::Whole(_) | Fact::Broken(_) | Fact::Yes => {}
    }
    pair.text(1, key);
    pair.message(2, |any| match fact {
        Fact::Whole(number) => any.varint_even_zero(3, number.cast_unsigned()),
        Fact::Broken(number) => any.double_even_zero(4, *number),
        Fact::Yes => any.varint_even_zero(2, 1),
        Fact::Word(_) | Fact::Text(_) => {}
    });
}
