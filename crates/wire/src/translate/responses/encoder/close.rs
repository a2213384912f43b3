//! The ends of parts: the events that repeat what a part has grown to.

use super::{Encoder, Event, Open};
use crate::translate::responses::{
    custom,
    output::{Item, Piece},
    sealed,
};

impl Encoder {
    pub(super) fn close_message(
        &mut self,
        id: &str,
        text: &str,
        is_refusal: bool,
        out: &mut Vec<u8>,
    ) {
        let piece = || match is_refusal {
            true => Piece::Refusal { refusal: text },
            false => Piece::text(text),
        };
        let event = || Event {
            item_id: Some(id),
            content_index: Some(0),
            ..Event::default()
        };
        self.event(
            match is_refusal {
                true => Event {
                    r#type: "response.refusal.done",
                    refusal: Some(text),
                    ..event()
                },
                false => Event {
                    r#type: "response.output_text.done",
                    text: Some(text),
                    logprobs: Some([]),
                    ..event()
                },
            },
            out,
        );
        self.event(
            Event {
                r#type: "response.content_part.done",
                part: Some(piece()),
                ..event()
            },
            out,
        );
        let content = [piece()];
        self.done(
            Item::Message {
                id,
                status: "completed",
                role: "assistant",
                content: &content,
            },
            out,
        );
    }

    pub(super) fn close_thinking(&mut self, open: &Open, redacted: bool, out: &mut Vec<u8>) {
        let text = &open.text;
        let event = || Event {
            item_id: Some(&open.id),
            summary_index: Some(0),
            ..Event::default()
        };
        if !text.is_empty() {
            self.event(
                Event {
                    r#type: "response.reasoning_summary_text.done",
                    text: Some(text),
                    ..event()
                },
                out,
            );
            self.event(
                Event {
                    r#type: "response.reasoning_summary_part.done",
                    part: Some(Piece::SummaryText { text }),
                    ..event()
                },
                out,
            );
        }
        let summary = [Piece::SummaryText { text }];
        let signature = open.signature.as_ref();
        self.done(
            Item::Reasoning {
                id: &open.id,
                summary: if text.is_empty() { &[] } else { &summary },
                encrypted_content: signature.map(|signature| sealed::thought(signature, redacted)),
            },
            out,
        );
    }

    pub(super) fn close_call(&mut self, open: &Open, call_id: &str, name: &str, out: &mut Vec<u8>) {
        let mut arguments = open.text.as_str();
        if arguments.is_empty() {
            // A function without arguments: clients parse what they were told.
            arguments = "{}";
            self.grow(open, arguments, out);
        }
        self.event(
            Event {
                r#type: "response.function_call_arguments.done",
                item_id: Some(&open.id),
                name: Some(name),
                arguments: Some(arguments),
                ..Event::default()
            },
            out,
        );
        self.done(
            Item::FunctionCall {
                id: &open.id,
                status: "completed",
                call_id,
                name,
                arguments,
            },
            out,
        );
    }

    pub(super) fn close_custom(
        &mut self,
        open: &Open,
        call_id: &str,
        name: &str,
        out: &mut Vec<u8>,
    ) {
        let input = &*custom::unwrapped(&open.text);
        let event = Event {
            item_id: Some(&open.id),
            ..Event::default()
        };
        self.event(
            Event {
                r#type: "response.custom_tool_call_input.delta",
                delta: Some(input),
                ..event
            },
            out,
        );
        self.event(
            Event {
                r#type: "response.custom_tool_call_input.done",
                item_id: Some(&open.id),
                input: Some(input),
                ..Event::default()
            },
            out,
        );
        self.done(
            Item::CustomToolCall {
                id: &open.id,
                status: "completed",
                call_id,
                name,
                input,
            },
            out,
        );
    }
}
