//! The OpenAI Chat Completions API.

use super::Frame;
use crate::{
    ask::Ask,
    json::{Json, obj},
    reply::{Reply, ToolCall},
    words::{chunks, halves},
};

/// `POST /v1/chat/completions`, plain.
pub fn completion(ask: &Ask, reply: &Reply, created: u64) -> Json {
    let none: [Json; 0] = [];
    let message = match &reply.tool {
        None => {
            obj! { "role": "assistant", "content": reply.text, "refusal": (), "annotations": none }
        }
        Some(call) => {
            let calls =
                [obj! { "id": call_id(reply), "type": "function", "function": function(call) }];
            obj! { "role": "assistant", "content": (), "tool_calls": calls, "refusal": (), "annotations": none }
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
    match &reply.tool {
        None => {
            frames.push(chunk(
                obj! { "role": "assistant", "content": "", "refusal": () },
                None,
                false,
            ));
            let pieces = chunks(&reply.text, words).into_iter();
            frames.extend(pieces.map(|piece| chunk(obj! { "content": piece }, None, true)));
        }
        Some(call) => {
            let begun = obj! {
                "index": 0,
                "id": call_id(reply),
                "type": "function",
                "function": obj! { "name": call.name, "arguments": "" },
            };
            let delta =
                obj! { "role": "assistant", "content": (), "tool_calls": [begun], "refusal": () };
            frames.push(chunk(delta, None, true));
            let arguments = call.arguments.to_string();
            for piece in halves(&arguments) {
                let more = obj! { "index": 0, "function": obj! { "arguments": piece } };
                frames.push(chunk(obj! { "tool_calls": [more] }, None, true));
            }
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

fn call_id(reply: &Reply) -> String {
    format!("call_{}", reply.id)
}

fn finish_reason(reply: &Reply) -> &'static str {
    match (&reply.tool, reply.cut) {
        (Some(_), _) => "tool_calls",
        (None, true) => "length",
        (None, false) => "stop",
    }
}

fn usage(reply: &Reply) -> Json {
    obj! {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
        "prompt_tokens_details": obj! { "cached_tokens": 0, "audio_tokens": 0 },
        "completion_tokens_details": obj! {
            "reasoning_tokens": reply.thinking_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
}
