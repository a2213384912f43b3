//! The Gemini API.

use waybill_model::protocol::StreamFormat;

use super::Frame;
use crate::{
    ask::Ask,
    json::{Json, obj},
    reply::Reply,
    seed::Seed,
    words::chunks,
};

/// `…:generateContent`.
pub fn response(ask: &Ask, reply: &Reply) -> Json {
    let mut parts = Vec::new();
    parts.extend(reply.thinking.as_deref().map(thought));
    if !reply.text.is_empty() {
        parts.push(obj! { "text": reply.text });
    }
    parts.extend(call(reply));
    envelope(
        ask,
        reply,
        &parts,
        Some(finish_reason(reply)),
        reply.output_tokens,
    )
}

/// `…:streamGenerateContent`, as events or as one array.
pub fn stream(ask: &Ask, reply: &Reply, words: usize, format: StreamFormat) -> Vec<Frame> {
    let mut parts: Vec<Json> = reply.thinking.as_deref().map(thought).into_iter().collect();
    parts.extend(
        chunks(&reply.text, words)
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| obj! { "text": text }),
    );
    parts.extend(call(reply));
    if parts.is_empty() {
        // Cut before the first word: there is still a last document to say so.
        parts.push(obj! { "text": "" });
    }
    let count = parts.len() as u64;
    let last = parts.len() - 1;
    let documents = parts.into_iter().enumerate().map(|(i, part)| {
        let finish = (i == last).then(|| finish_reason(reply));
        envelope(
            ask,
            reply,
            &[part],
            finish,
            reply.output_tokens * (i as u64 + 1) / count,
        )
    });
    frames(documents.collect(), format)
}

/// Documents framed as events or as the elements of one array.
fn frames(documents: Vec<Json>, format: StreamFormat) -> Vec<Frame> {
    if format != StreamFormat::GeminiArray {
        return documents
            .iter()
            .map(|document| Frame {
                bytes: format!("data: {document}\r\n\r\n").into(),
                content: true,
            })
            .collect();
    }
    let elements = documents.iter().enumerate().map(|(i, document)| {
        let before = if i == 0 { "[" } else { ",\r\n" };
        Frame {
            bytes: format!("{before}{document}").into(),
            content: true,
        }
    });
    elements.chain([Frame::raw("]")]).collect()
}

/// `…:countTokens`.
pub fn count(ask: &Ask) -> Json {
    obj! { "totalTokens": ask.input_tokens, "promptTokensDetails": [text_tokens(ask.input_tokens)] }
}

fn envelope(
    ask: &Ask,
    reply: &Reply,
    parts: &[Json],
    finish: Option<&str>,
    output_tokens: u64,
) -> Json {
    let content = obj! { "parts": parts, "role": "model" };
    let candidate = match finish {
        None => obj! { "content": content, "index": 0 },
        Some(reason) => obj! { "content": content, "finishReason": reason, "index": 0 },
    };
    let answered = output_tokens.saturating_sub(reply.thinking_tokens);
    let (prompt, thoughts) = (reply.input_tokens, reply.thinking_tokens);
    let total = prompt + answered + thoughts;
    let usage = if thoughts == 0 {
        obj! {
            "promptTokenCount": prompt, "candidatesTokenCount": answered, "totalTokenCount": total,
            "promptTokensDetails": [text_tokens(prompt)],
        }
    } else {
        obj! {
            "promptTokenCount": prompt, "candidatesTokenCount": answered, "totalTokenCount": total,
            "promptTokensDetails": [text_tokens(prompt)], "thoughtsTokenCount": thoughts,
        }
    };
    obj! {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": ask.model,
        "responseId": reply.id[..22],
    }
}

fn text_tokens(count: u64) -> Json {
    obj! { "modality": "TEXT", "tokenCount": count }
}

fn thought(text: &str) -> Json {
    obj! { "text": text, "thought": true, "thoughtSignature": format!("{}==", Seed::of(&[text]).letters(86)) }
}

fn call(reply: &Reply) -> Option<Json> {
    let call = reply.tool.as_ref()?;
    Some(obj! { "functionCall": obj! { "name": call.name, "args": call.arguments } })
}

fn finish_reason(reply: &Reply) -> &'static str {
    if reply.cut { "MAX_TOKENS" } else { "STOP" }
}
