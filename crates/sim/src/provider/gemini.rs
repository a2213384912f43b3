//! The Gemini API, and the same answers in Code Assist's envelope.

use waybill_model::protocol::{Platform, StreamFormat};

use super::Frame;
use crate::{
    ask::Ask,
    behaviour::Behaviour,
    json::{Json, obj},
    reply::{End, Reply, ToolCall},
    seed::Seed,
    signature,
    words::chunks,
};

/// `…:generateContent`.
pub fn response(platform: Platform, ask: &Ask, reply: &Reply) -> Json {
    let voice = Voice {
        platform,
        ask,
        reply,
    };
    voice.document(voice.parts(None), true, reply.output_tokens)
}

/// `…:streamGenerateContent`, as events or as one array.
pub fn stream(
    platform: Platform,
    ask: &Ask,
    reply: &Reply,
    words: usize,
    format: StreamFormat,
) -> Vec<Frame> {
    let voice = Voice {
        platform,
        ask,
        reply,
    };
    let mut parts = voice.parts(Some(words));
    if parts.is_empty() {
        // Cut before the first word: there is still a last document to say so.
        parts.push(obj! { "text": "" });
    }
    let (count, last) = (parts.len() as u64, parts.len() - 1);
    let documents = parts.into_iter().enumerate().map(|(i, part)| {
        let so_far = reply.output_tokens * (i as u64 + 1) / count;
        voice.document(vec![part], i == last, so_far)
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

/// `…:countTokens`; Code Assist says the sum alone.
pub fn count(platform: Platform, ask: &Ask) -> Json {
    match platform {
        Platform::Antigravity => obj! { "totalTokens": ask.input_tokens },
        Platform::Anthropic | Platform::OpenAi | Platform::Gemini => {
            obj! { "totalTokens": ask.input_tokens, "promptTokensDetails": [text_tokens(ask.input_tokens)] }
        }
    }
}

/// One answer of one service.
struct Voice<'a> {
    platform: Platform,
    ask: &'a Ask,
    reply: &'a Reply,
}

impl Voice<'_> {
    /// The parts of the answer; in a stream, text in pieces of so many words.
    fn parts(&self, words: Option<usize>) -> Vec<Json> {
        let pieces = |text: &'_ str| -> Vec<String> {
            let pieces = match words {
                None => vec![text],
                Some(words) => chunks(text, words),
            };
            let said = pieces.into_iter().filter(|piece| !piece.is_empty());
            said.map(str::to_owned).collect()
        };
        let (reply, streamed) = (self.reply, words.is_some());
        let mut parts = Vec::new();
        if let Some(thought) = &reply.thinking {
            parts.extend(self.thought(thought, &pieces));
        }
        let mut text: Vec<Json> = pieces(&reply.text)
            .iter()
            .map(|piece| obj! { "text": piece })
            .collect();
        if self.signs_text() {
            let signature = signature::sign(self.platform, "");
            // A stream signs what it said when it has said it.
            let signed = if streamed {
                obj! { "text": "", "thoughtSignature": signature }
            } else {
                text.clear();
                obj! { "text": reply.text, "thoughtSignature": signature }
            };
            text.push(signed);
        }
        parts.extend(text);
        parts.extend(
            reply
                .calls
                .iter()
                .enumerate()
                .map(|(i, call)| self.call(i, call)),
        );
        parts
    }

    /// The summary of a thought. Models of Anthropic's sign it, an agent signs what follows it.
    fn thought(&self, thought: &str, pieces: &impl Fn(&str) -> Vec<String>) -> Vec<Json> {
        let plain = |text: &str| obj! { "text": text, "thought": true };
        let signed = |text: &str, covered: &str| {
            let signature = signature::sign(self.platform, covered);
            obj! { "text": text, "thought": true, "thoughtSignature": signature }
        };
        if self.is_claude() {
            let mut parts: Vec<Json> = pieces(thought).iter().map(|piece| plain(piece)).collect();
            match parts.as_slice() {
                [_] => vec![signed(thought, thought)],
                _ => {
                    parts.push(signed("", thought));
                    parts
                }
            }
        } else if self.ask.behaviour == Behaviour::Agent {
            pieces(thought).iter().map(|piece| plain(piece)).collect()
        } else {
            vec![signed(thought, "")]
        }
    }

    /// An agent that thought signs its last words.
    fn signs_text(&self) -> bool {
        let reply = self.reply;
        self.ask.behaviour == Behaviour::Agent
            && !self.is_claude()
            && reply.thinking.is_some()
            && reply.calls.is_empty()
            && !reply.text.is_empty()
    }

    /// A call; the first of several bears the signature.
    fn call(&self, place: usize, call: &ToolCall) -> Json {
        let model = &self.ask.model;
        let inner = if self.is_claude() || model.contains("gemini-3") {
            let id = match self.is_claude() {
                true => format!("toolu_vrtx_01{}", &call.id[..22]),
                false => call.id[..8].to_owned(),
            };
            obj! { "id": id, "name": call.name, "args": call.arguments }
        } else {
            obj! { "name": call.name, "args": call.arguments }
        };
        let signs = (self.ask.behaviour == Behaviour::Agent || model.contains("gemini-3"))
            && !self.is_claude()
            && place == 0;
        if signs {
            let signature = signature::sign(self.platform, &call.name);
            obj! { "functionCall": inner, "thoughtSignature": signature }
        } else {
            obj! { "functionCall": inner }
        }
    }

    fn is_claude(&self) -> bool {
        self.platform == Platform::Antigravity && self.ask.model.contains("claude")
    }

    /// One document: some parts, and at the end why it ends.
    fn document(&self, parts: Vec<Json>, ends: bool, output_tokens: u64) -> Json {
        let reply = self.reply;
        let usage = self.usage(output_tokens);
        let (model, id) = (&self.ask.model, &reply.id[..22]);
        let inner = if reply.end == End::Blocked {
            let feedback = obj! { "blockReason": "SAFETY", "safetyRatings": ratings() };
            obj! { "promptFeedback": feedback, "usageMetadata": usage, "modelVersion": model, "responseId": id }
        } else {
            let content = obj! { "parts": parts, "role": "model" };
            let candidate = match (ends, &reply.end) {
                (false, _) => obj! { "content": content, "index": 0 },
                (true, End::Safety) => {
                    obj! { "content": content, "finishReason": "SAFETY", "index": 0, "safetyRatings": ratings() }
                }
                (true, _) => {
                    obj! { "content": content, "finishReason": finish_reason(reply), "index": 0 }
                }
            };
            obj! { "candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": id }
        };
        match self.platform {
            Platform::Antigravity => {
                let trace = Seed::of(&["trace", &reply.id]).hex(16);
                obj! { "response": inner, "traceId": trace }
            }
            Platform::Anthropic | Platform::OpenAi | Platform::Gemini => inner,
        }
    }

    fn usage(&self, output_tokens: u64) -> Json {
        let reply = self.reply;
        let answered = output_tokens.saturating_sub(reply.thinking_tokens);
        let (prompt, thoughts) = (reply.input_tokens, reply.thinking_tokens);
        let mut usage = crate::json::ObjectWriter::new();
        usage.field("promptTokenCount", &prompt);
        usage.field("candidatesTokenCount", &answered);
        usage.field("totalTokenCount", &(prompt + answered + thoughts));
        if reply.cached_tokens > 0 {
            usage.field("cachedContentTokenCount", &reply.cached_tokens);
        }
        usage.field("promptTokensDetails", &[text_tokens(prompt)]);
        if reply.cached_tokens > 0 {
            usage.field("cacheTokensDetails", &[text_tokens(reply.cached_tokens)]);
        }
        if thoughts > 0 {
            usage.field("thoughtsTokenCount", &thoughts);
        }
        usage.end()
    }
}

fn ratings() -> [Json; 1] {
    [obj! { "category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": true }]
}

fn text_tokens(count: u64) -> Json {
    obj! { "modality": "TEXT", "tokenCount": count }
}

fn finish_reason(reply: &Reply) -> &'static str {
    match reply.end {
        End::Turn | End::Calls | End::Stop(_) => "STOP",
        End::MaxTokens => "MAX_TOKENS",
        End::Safety | End::Blocked => "SAFETY",
    }
}
