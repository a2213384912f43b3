//! The OpenAI Chat Completions API.

use super::Frame;
use crate::{
    ask::Ask,
    json::{Json, obj},
    reply::{End, REFUSAL, Reply, ToolCall},
    words::{chunks, halves},
};

/// `POST /v1/chat/completions`, plain.
pub fn completion(ask: &Ask, reply: &Reply, created: u64) -> Json {
    let none: [Json; 0] = [];
    let calls: Vec<Json> = reply
        .calls
        .iter()
        .map(|call| obj! { "id": call_id(call), "type": "function", "function": function(call) })
        .collect();
    let said = (!reply.text.is_empty()).then_some(&reply.text);
    let message = match (&reply.end, calls.is_empty()) {
        (End::Blocked, _) => {
            obj! { "role": "assistant", "content": (), "refusal": REFUSAL, "annotations": none }
        }
        (_, true) => {
            obj! { "role": "assistant", "content": reply.text, "refusal": (), "annotations": none }
        }
        (_, false) => {
            obj! { "role": "assistant", "content": said, "tool_calls": calls, "refusal": (), "annotations": none }
        }
    };
    let choice = obj! { "index": 0, "message": message, "logprobs": (), "finish_reason": finish_reason(reply) };
    obj! {
        "id": id(reply),
        "object": "chat.completion",
        "created": created,
        "model": ask.model,
        "choices": [choice],
        "usage": usage(reply),
        "service_tier": "default",
        "system_fingerprint": "fp_5a1b7c9d20",
    }
}

/// `POST /v1/chat/completions`, streamed.
pub fn stream(ask: &Ask, reply: &Reply, created: u64, words: usize) -> Vec<Frame> {
    let chunk = |delta: Json, finish: Option<&str>, content: bool| {
        let choice = obj! { "index": 0, "delta": delta, "logprobs": (), "finish_reason": finish };
        Frame::data(
            &envelope(
                ask,
                reply,
                created,
                &[choice],
                ask.include_usage.then_some(None),
            ),
            content,
        )
    };
    let mut frames = Vec::new();
    // A call with nothing said before it comes with the role.
    let mut role_said = !reply.text.is_empty() || reply.calls.is_empty();
    if role_said {
        let opening = obj! { "role": "assistant", "content": "", "refusal": () };
        frames.push(chunk(opening, None, false));
        let pieces = chunks(&reply.text, words).into_iter();
        frames.extend(pieces.map(|piece| chunk(obj! { "content": piece }, None, true)));
    }
    if reply.end == End::Blocked {
        let pieces = chunks(REFUSAL, words).into_iter();
        frames.extend(pieces.map(|piece| chunk(obj! { "refusal": piece }, None, true)));
    }
    for (index, call) in reply.calls.iter().enumerate() {
        let begun = obj! {
            "index": index,
            "id": call_id(call),
            "type": "function",
            "function": obj! { "name": call.name, "arguments": "" },
        };
        let delta = if role_said {
            obj! { "tool_calls": [begun] }
        } else {
            obj! { "role": "assistant", "content": (), "tool_calls": [begun], "refusal": () }
        };
        role_said = true;
        frames.push(chunk(delta, None, true));
        let arguments = call.arguments.to_string();
        for piece in halves(&arguments) {
            let more = obj! { "index": index, "function": obj! { "arguments": piece } };
            frames.push(chunk(obj! { "tool_calls": [more] }, None, true));
        }
    }
    frames.push(chunk(obj! {}, Some(finish_reason(reply)), false));
    if ask.include_usage {
        frames.push(Frame::data(
            &envelope(ask, reply, created, &[], Some(Some(usage(reply)))),
            false,
        ));
    }
    frames.push(Frame::raw("data: [DONE]\n\n"));
    frames
}

/// `usage` is absent, `null`, or counted.
fn envelope(
    ask: &Ask,
    reply: &Reply,
    created: u64,
    choices: &[Json],
    usage: Option<Option<Json>>,
) -> Json {
    let (id, object) = (id(reply), "chat.completion.chunk");
    let (tier, fingerprint) = ("default", "fp_5a1b7c9d20");
    match usage {
        None => obj! {
            "id": id, "object": object, "created": created, "model": ask.model,
            "service_tier": tier, "system_fingerprint": fingerprint, "choices": choices,
        },
        Some(usage) => obj! {
            "id": id, "object": object, "created": created, "model": ask.model,
            "service_tier": tier, "system_fingerprint": fingerprint, "choices": choices, "usage": usage,
        },
    }
}

fn function(call: &ToolCall) -> Json {
    obj! { "name": call.name, "arguments": call.arguments.to_string() }
}

fn id(reply: &Reply) -> String {
    format!("chatcmpl-{}", reply.id)
}

fn call_id(call: &ToolCall) -> String {
    format!("call_{}", call.id)
}

fn finish_reason(reply: &Reply) -> &'static str {
    match reply.end {
        End::Turn | End::Stop(_) | End::Blocked => "stop",
        End::Calls => "tool_calls",
        End::MaxTokens => "length",
        End::Safety => "content_filter",
    }
}

fn usage(reply: &Reply) -> Json {
    obj! {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
        "prompt_tokens_details": obj! { "cached_tokens": reply.cached_tokens, "audio_tokens": 0 },
        "completion_tokens_details": obj! {
            "reasoning_tokens": reply.thinking_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
}
