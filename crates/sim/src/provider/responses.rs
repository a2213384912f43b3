//! The OpenAI Responses API.

use serde::Serialize;
use serde_json::value::RawValue;

use waybill_model::protocol::Platform;

use super::Frame;
use crate::{
    ask::Ask,
    json::{Json, obj},
    reply::{End, REFUSAL, Reply},
    signature,
    words::{chunks, halves},
};

/// `POST /v1/responses`, plain.
pub fn response(ask: &Ask, reply: &Reply, created: u64) -> Json {
    let state = State {
        status: end_status(reply),
        error: None,
        whole: true,
    };
    envelope(ask, reply, created, &state)
}

/// `POST /v1/responses`, streamed.
pub fn stream(ask: &Ask, reply: &Reply, created: u64, words: usize) -> Vec<Frame> {
    let mut events = Events::default();
    let begun = envelope(
        ask,
        reply,
        created,
        &State {
            status: "in_progress",
            error: None,
            whole: false,
        },
    );
    events.lifecycle("response.created", [("response", &begun)]);
    events.lifecycle("response.in_progress", [("response", &begun)]);
    for (index, item) in items(ask, reply).iter().enumerate() {
        item.stream(&mut events, index, words);
    }
    let (name, whole) = (
        if incomplete(reply).is_some() {
            "response.incomplete"
        } else {
            "response.completed"
        },
        response(ask, reply, created),
    );
    events.lifecycle(name, [("response", &whole)]);
    events.frames
}

/// The event that ends a stream that failed; `sequence` is the number of events before it.
pub fn failed(ask: &Ask, created: u64, sequence: u64, code: &str, message: &str) -> Frame {
    let reply = Reply::to(ask);
    let error = obj! { "code": code, "message": message };
    let response = envelope(
        ask,
        &reply,
        created,
        &State {
            status: "failed",
            error: Some(error),
            whole: false,
        },
    );
    let data =
        obj! { "type": "response.failed", "sequence_number": sequence, "response": response };
    Frame::event("response.failed", &data, false)
}

struct State {
    status: &'static str,
    error: Option<Json>,
    /// The output and the usage are known.
    whole: bool,
}

fn end_status(reply: &Reply) -> &'static str {
    match incomplete(reply) {
        Some(_) => "incomplete",
        None => "completed",
    }
}

/// Why the answer is not all there.
fn incomplete(reply: &Reply) -> Option<&'static str> {
    match reply.end {
        End::MaxTokens => Some("max_output_tokens"),
        End::Safety => Some("content_filter"),
        End::Turn | End::Calls | End::Stop(_) | End::Blocked => None,
    }
}

fn envelope(ask: &Ask, reply: &Reply, created: u64, state: &State) -> Json {
    let output: Vec<Json> = if state.whole {
        items(ask, reply)
            .iter()
            .map(|item| item.json(end_status(reply), true))
            .collect()
    } else {
        Vec::new()
    };
    let incomplete = incomplete(reply)
        .filter(|_| state.whole)
        .map(|reason| obj! { "reason": reason });
    let none: [Json; 0] = [];
    obj! {
        "id": format!("resp_{}", reply.id),
        "object": "response",
        "created_at": created,
        "status": state.status,
        "background": false,
        "error": state.error,
        "incomplete_details": incomplete,
        "instructions": (),
        "max_output_tokens": ask.max_tokens,
        "model": ask.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": (),
        "reasoning": obj! { "effort": (), "summary": () },
        "service_tier": "default",
        "store": true,
        "temperature": 1.0,
        "text": obj! { "format": obj! { "type": "text" } },
        "tool_choice": "auto",
        "tools": none,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": state.whole.then(|| usage(reply)),
        "user": (),
        "metadata": obj! {},
    }
}

fn usage(reply: &Reply) -> Json {
    obj! {
        "input_tokens": reply.input_tokens,
        "input_tokens_details": obj! { "cached_tokens": reply.cached_tokens },
        "output_tokens": reply.output_tokens,
        "output_tokens_details": obj! { "reasoning_tokens": reply.thinking_tokens },
        "total_tokens": reply.input_tokens + reply.output_tokens,
    }
}

enum Item<'a> {
    Reasoning {
        id: String,
        summary: &'a str,
        sealed: Option<String>,
    },
    Message {
        id: String,
        text: &'a str,
    },
    Refusal {
        id: String,
    },
    Call {
        id: String,
        call_id: String,
        name: &'a str,
        arguments: String,
    },
}

fn items<'a>(ask: &Ask, reply: &'a Reply) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    if let Some(summary) = &reply.thinking {
        items.push(Item::Reasoning {
            id: format!("rs_{}", reply.id),
            summary,
            sealed: ask
                .sealed_thoughts
                .then(|| signature::sign(Platform::OpenAi, "")),
        });
    }
    let id = format!("msg_{}", reply.id);
    if reply.end == End::Blocked {
        items.push(Item::Refusal { id });
    } else if !reply.text.is_empty() || reply.calls.is_empty() {
        let text = &reply.text;
        items.push(Item::Message { id, text });
    }
    items.extend(reply.calls.iter().map(|call| Item::Call {
        id: format!("fc_{}", call.id),
        call_id: format!("call_{}", call.id),
        name: &call.name,
        arguments: call.arguments.to_string(),
    }));
    items
}

fn refusal_part(text: &str) -> Json {
    obj! { "type": "refusal", "refusal": text }
}

fn text_part(text: &str) -> Json {
    let none: [Json; 0] = [];
    obj! { "type": "output_text", "annotations": none, "logprobs": none, "text": text }
}

impl Item<'_> {
    /// As it is in `output`: whole, or as it begins.
    fn json(&self, status: &str, whole: bool) -> Json {
        match self {
            Item::Reasoning {
                id,
                summary,
                sealed,
            } => {
                let parts: Vec<Json> = whole
                    .then(|| obj! { "type": "summary_text", "text": summary })
                    .into_iter()
                    .collect();
                match sealed {
                    None => obj! { "id": id, "type": "reasoning", "summary": parts },
                    Some(sealed) => {
                        obj! { "id": id, "type": "reasoning", "summary": parts, "encrypted_content": sealed }
                    }
                }
            }
            Item::Refusal { id } => {
                let parts: Vec<Json> = whole.then(|| refusal_part(REFUSAL)).into_iter().collect();
                obj! { "id": id, "type": "message", "status": status, "content": parts, "role": "assistant" }
            }
            Item::Message { id, text } => {
                let parts: Vec<Json> = whole.then(|| text_part(text)).into_iter().collect();
                obj! { "id": id, "type": "message", "status": status, "content": parts, "role": "assistant" }
            }
            Item::Call {
                id,
                call_id,
                name,
                arguments,
            } => obj! {
                "id": id,
                "type": "function_call",
                "status": status,
                "arguments": if whole { arguments } else { "" },
                "call_id": call_id,
                "name": name,
            },
        }
    }

    fn stream(&self, events: &mut Events, index: usize, words: usize) {
        let added = self.json("in_progress", false);
        events.push(
            "response.output_item.added",
            &obj! { "output_index": index, "item": added },
            matches!(self, Item::Call { .. }),
        );
        let none: [Json; 0] = [];
        match self {
            Item::Reasoning { id, summary, .. } => {
                let part = |text: &str| {
                    let part = obj! { "type": "summary_text", "text": text };
                    obj! { "item_id": id, "output_index": index, "summary_index": 0, "part": part }
                };
                events.push("response.reasoning_summary_part.added", &part(""), false);
                for piece in chunks(summary, words) {
                    let delta = obj! { "item_id": id, "output_index": index, "summary_index": 0, "delta": piece };
                    events.push("response.reasoning_summary_text.delta", &delta, true);
                }
                let done = obj! { "item_id": id, "output_index": index, "summary_index": 0, "text": summary };
                events.push("response.reasoning_summary_text.done", &done, false);
                events.push(
                    "response.reasoning_summary_part.done",
                    &part(summary),
                    false,
                );
            }
            Item::Refusal { id } => {
                let part = |text: &str| {
                    obj! { "item_id": id, "output_index": index, "content_index": 0, "part": refusal_part(text) }
                };
                events.push("response.content_part.added", &part(""), false);
                for piece in chunks(REFUSAL, words) {
                    let delta = obj! { "item_id": id, "output_index": index, "content_index": 0, "delta": piece };
                    events.push("response.refusal.delta", &delta, true);
                }
                let done = obj! { "item_id": id, "output_index": index, "content_index": 0, "refusal": REFUSAL };
                events.push("response.refusal.done", &done, false);
                events.push("response.content_part.done", &part(REFUSAL), false);
            }
            Item::Message { id, text } => {
                let part = |text: &str| {
                    obj! { "item_id": id, "output_index": index, "content_index": 0, "part": text_part(text) }
                };
                events.push("response.content_part.added", &part(""), false);
                for piece in chunks(text, words) {
                    let delta = obj! {
                        "item_id": id, "output_index": index, "content_index": 0, "delta": piece, "logprobs": none,
                    };
                    events.push("response.output_text.delta", &delta, true);
                }
                let done = obj! {
                    "item_id": id, "output_index": index, "content_index": 0, "text": text, "logprobs": none,
                };
                events.push("response.output_text.done", &done, false);
                events.push("response.content_part.done", &part(text), false);
            }
            Item::Call {
                id,
                name,
                arguments,
                ..
            } => {
                for piece in halves(arguments) {
                    let delta = obj! { "item_id": id, "output_index": index, "delta": piece };
                    events.push("response.function_call_arguments.delta", &delta, true);
                }
                let done = obj! { "item_id": id, "output_index": index, "name": name, "arguments": arguments };
                events.push("response.function_call_arguments.done", &done, false);
            }
        }
        let whole = self.json("completed", true);
        events.push(
            "response.output_item.done",
            &obj! { "output_index": index, "item": whole },
            false,
        );
    }
}

/// Events with their sequence numbers.
#[derive(Default)]
struct Events {
    frames: Vec<Frame>,
}

impl Events {
    fn lifecycle<T: Serialize>(&mut self, name: &str, [(key, value)]: [(&str, &T); 1]) {
        let mut fields = crate::json::ObjectWriter::new();
        fields.field(key, value);
        self.push(name, &fields.end(), false);
    }

    /// Puts `type` and `sequence_number` before the fields of an object.
    fn push(&mut self, name: &str, fields: &RawValue, content: bool) {
        let head = obj! { "type": name, "sequence_number": self.frames.len() };
        let data = format!(
            "{},{}",
            head.get().trim_end_matches('}'),
            fields.get().trim_start_matches('{')
        );
        self.frames.push(Frame {
            bytes: format!("event: {name}\ndata: {data}\n\n").into(),
            content,
        });
    }
}
