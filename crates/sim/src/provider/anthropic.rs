//! The Anthropic Messages API.

use super::Frame;
use crate::{
    ask::Ask,
    json::{Json, json, obj},
    reply::{End, Reply},
    signature,
    words::{chunks, halves},
};
use waybill_model::protocol::Platform;

/// `POST /v1/messages`, plain.
pub fn message(ask: &Ask, reply: &Reply) -> Json {
    let blocks: Vec<Json> = blocks(reply).iter().map(Block::whole).collect();
    obj! {
        "model": ask.model,
        "id": id(reply),
        "type": "message",
        "role": "assistant",
        "content": blocks,
        "stop_reason": stop_reason(reply),
        "stop_sequence": stop_sequence(reply),
        "usage": usage(reply, reply.output_tokens),
    }
}

/// `POST /v1/messages`, streamed.
pub fn stream(ask: &Ask, reply: &Reply, words: usize) -> Vec<Frame> {
    let none: [Json; 0] = [];
    let message = obj! {
        "model": ask.model,
        "id": id(reply),
        "type": "message",
        "role": "assistant",
        "content": none,
        "stop_reason": (),
        "stop_sequence": (),
        "usage": usage(reply, 1),
    };
    let mut frames = vec![Frame::event(
        "message_start",
        &obj! { "type": "message_start", "message": message },
        false,
    )];
    for (index, block) in blocks(reply).iter().enumerate() {
        let start =
            obj! { "type": "content_block_start", "index": index, "content_block": block.empty() };
        // The name of a tool tells the client something already.
        let content = matches!(block, Block::ToolUse { .. });
        frames.push(Frame::event("content_block_start", &start, content));
        if index == 0 {
            frames.push(ping());
        }
        for delta in block.deltas(words) {
            let delta = obj! { "type": "content_block_delta", "index": index, "delta": delta };
            frames.push(Frame::event("content_block_delta", &delta, true));
        }
        let stop = obj! { "type": "content_block_stop", "index": index };
        frames.push(Frame::event("content_block_stop", &stop, false));
    }
    let end = obj! {
        "type": "message_delta",
        "delta": obj! { "stop_reason": stop_reason(reply), "stop_sequence": stop_sequence(reply) },
        "usage": obj! {
            "input_tokens": reply.input_tokens - reply.cached_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": reply.cached_tokens,
            "output_tokens": reply.output_tokens,
        },
    };
    frames.push(Frame::event("message_delta", &end, false));
    frames.push(Frame::event(
        "message_stop",
        &obj! { "type": "message_stop" },
        false,
    ));
    frames
}

/// A keep-alive frame.
pub fn ping() -> Frame {
    Frame::event("ping", &obj! { "type": "ping" }, false)
}

/// `POST /v1/messages/count_tokens`.
pub fn count(ask: &Ask) -> Json {
    obj! { "input_tokens": ask.input_tokens }
}

/// One content block.
enum Block<'a> {
    Thinking {
        text: &'a str,
        signature: String,
    },
    Text(&'a str),
    ToolUse {
        id: String,
        name: &'a str,
        input: Json,
    },
}

fn blocks(reply: &Reply) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    if let Some(text) = &reply.thinking {
        let signature = signature::sign(Platform::Anthropic, text);
        blocks.push(Block::Thinking { text, signature });
    }
    if !reply.text.is_empty() {
        blocks.push(Block::Text(&reply.text));
    }
    blocks.extend(reply.calls.iter().map(|call| Block::ToolUse {
        id: format!("toolu_01{}", &call.id[..22]),
        name: &call.name,
        input: json(&call.arguments),
    }));
    blocks
}

impl Block<'_> {
    fn whole(&self) -> Json {
        match self {
            Block::Thinking { text, signature } => {
                obj! { "type": "thinking", "thinking": text, "signature": signature }
            }
            Block::Text(text) => obj! { "type": "text", "text": text },
            Block::ToolUse { id, name, input } => {
                obj! { "type": "tool_use", "id": id, "name": name, "input": input }
            }
        }
    }

    fn empty(&self) -> Json {
        match self {
            Block::Thinking { .. } => obj! { "type": "thinking", "thinking": "", "signature": "" },
            Block::Text(_) => obj! { "type": "text", "text": "" },
            Block::ToolUse { id, name, .. } => {
                obj! { "type": "tool_use", "id": id, "name": name, "input": obj! {} }
            }
        }
    }

    fn deltas(&self, words: usize) -> Vec<Json> {
        match self {
            Block::Thinking { text, signature } => {
                let text = chunks(text, words).into_iter();
                text.map(|piece| obj! { "type": "thinking_delta", "thinking": piece })
                    .chain([obj! { "type": "signature_delta", "signature": signature }])
                    .collect()
            }
            Block::Text(text) => chunks(text, words)
                .into_iter()
                .map(|piece| obj! { "type": "text_delta", "text": piece })
                .collect(),
            Block::ToolUse { input, .. } => [""]
                .into_iter()
                .chain(halves(input.get()))
                .map(|piece| obj! { "type": "input_json_delta", "partial_json": piece })
                .collect(),
        }
    }
}

fn id(reply: &Reply) -> String {
    format!("msg_01{}", &reply.id[..22])
}

fn stop_reason(reply: &Reply) -> &'static str {
    match reply.end {
        End::Turn => "end_turn",
        End::Calls => "tool_use",
        End::MaxTokens => "max_tokens",
        End::Stop(_) => "stop_sequence",
        End::Safety | End::Blocked => "refusal",
    }
}

fn stop_sequence(reply: &Reply) -> Option<&str> {
    match &reply.end {
        End::Stop(sequence) => Some(sequence),
        End::Turn | End::Calls | End::MaxTokens | End::Safety | End::Blocked => None,
    }
}

/// What came from the cache is counted apart.
fn usage(reply: &Reply, output_tokens: u64) -> Json {
    obj! {
        "input_tokens": reply.input_tokens - reply.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": reply.cached_tokens,
        "cache_creation": obj! { "ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0 },
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }
}
