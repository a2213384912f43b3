//! Looks into single payloads where a scan is not enough: is it an error, is it content, is it the end.
//!
//! Promises: answers from the members that decide, whatever else is there; borrows, builds no tree.
//!
//! Must not know: framing.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

/// What one payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    /// Something a reader of the answer would see.
    Content,
    /// Of the protocol, but nothing to see.
    Empty,
    /// Not of the protocol.
    Foreign,
}

/// The members by which any provider says "error".
#[derive(Deserialize)]
struct Confession<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ChoiceConfession<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

/// Whether a payload is an error object: `{"error":…}`, alone or in an array; `"type":"error"` or
/// `"object":"error"`; or a chat choice that carries one.
pub(super) fn is_error(payload: &[u8]) -> bool {
    if payload.trim_ascii_start().starts_with(b"[") {
        return serde_json::from_slice::<Vec<Confession<'_>>>(payload)
            .is_ok_and(|all| all.iter().any(Confession::is_error));
    }
    serde_json::from_slice::<Confession<'_>>(payload).is_ok_and(|one| one.is_error())
}

impl Confession<'_> {
    fn is_error(&self) -> bool {
        let says_error = |raw: Option<&RawValue>| raw.is_some_and(|raw| raw.get() == "\"error\"");
        let choices = self
            .choices
            .and_then(|raw| serde_json::from_str::<Vec<ChoiceConfession<'_>>>(raw.get()).ok());
        self.error.is_some_and(has_substance)
            || says_error(self.r#type)
            || says_error(self.object)
            || choices.iter().flatten().any(|choice| {
                choice.error.is_some_and(has_substance) || says_error(choice.finish_reason)
            })
    }
}

/// The name an event gives itself in its data, for streams that lost their `event:` lines.
pub(super) fn type_of(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(borrow)]
        r#type: Cow<'a, str>,
    }
    serde_json::from_slice::<Typed<'_>>(payload)
        .ok()
        .map(|typed| typed.r#type.into_owned())
}

/// Whether a payload is whole JSON.
pub(super) fn is_json(payload: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(payload).is_ok()
}

/// Judges a chat completion chunk before the first content.
pub(super) fn chat(payload: &[u8]) -> Payload {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        choices: Option<Vec<Choice<'a>>>,
        #[serde(borrow)]
        usage: Option<&'a RawValue>,
        #[serde(borrow)]
        object: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Choice<'a> {
        #[serde(borrow)]
        delta: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
    }
    let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(payload) else {
        return Payload::Foreign;
    };
    if chunk.choices.is_none() && chunk.usage.is_none() && chunk.object.is_none() {
        return Payload::Foreign;
    }
    let mut members = chunk
        .choices
        .iter()
        .flatten()
        .filter_map(|choice| choice.delta.as_ref())
        .flatten();
    match members.any(|(name, value)| name != "role" && has_substance(value)) {
        true => Payload::Content,
        false => Payload::Empty,
    }
}

/// What a Gemini response object says.
pub(super) struct GeminiChunk {
    pub payload: Payload,
    /// It says why the answer is over: `finishReason`, or `blockReason` for the prompt.
    pub finished: bool,
}

/// Judges a Gemini response object, or one in Code Assist's envelope.
pub(super) fn gemini(payload: &[u8]) -> GeminiChunk {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        response: &'a RawValue,
    }
    let bare = bare_gemini(payload);
    match bare.payload {
        Payload::Foreign => match serde_json::from_slice::<Envelope<'_>>(payload) {
            Ok(envelope) => bare_gemini(envelope.response.get().as_bytes()),
            Err(_) => bare,
        },
        Payload::Content | Payload::Empty => bare,
    }
}

fn bare_gemini(payload: &[u8]) -> GeminiChunk {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Chunk<'a> {
        #[serde(borrow)]
        candidates: Option<Vec<Candidate<'a>>>,
        #[serde(borrow)]
        prompt_feedback: Option<Feedback<'a>>,
        #[serde(borrow)]
        usage_metadata: Option<&'a RawValue>,
        #[serde(borrow)]
        model_version: Option<&'a RawValue>,
        #[serde(borrow)]
        response_id: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Candidate<'a> {
        #[serde(borrow)]
        content: Option<Content<'a>>,
        #[serde(borrow)]
        finish_reason: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Content<'a> {
        #[serde(borrow)]
        parts: Option<Vec<BTreeMap<Cow<'a, str>, &'a RawValue>>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Feedback<'a> {
        #[serde(borrow)]
        block_reason: Option<&'a RawValue>,
    }
    let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(payload) else {
        return GeminiChunk {
            payload: Payload::Foreign,
            finished: false,
        };
    };
    let known = chunk.candidates.is_some()
        || chunk.prompt_feedback.is_some()
        || chunk.usage_metadata.is_some()
        || chunk.model_version.is_some()
        || chunk.response_id.is_some();
    let blocked = chunk
        .prompt_feedback
        .and_then(|feedback| feedback.block_reason)
        .is_some_and(has_substance);
    let candidates = chunk.candidates.unwrap_or_default();
    let finished = blocked
        || candidates
            .iter()
            .any(|one| one.finish_reason.is_some_and(has_substance));
    let mut parts = candidates
        .iter()
        .filter_map(|one| one.content.as_ref()?.parts.as_ref())
        .flatten()
        .flatten();
    let shown = parts.any(|(name, value)| name != "thoughtSignature" && has_substance(value));
    let payload = match (known, shown) {
        (false, _) => Payload::Foreign,
        (true, true) => Payload::Content,
        (true, false) => Payload::Empty,
    };
    GeminiChunk { payload, finished }
}

/// A string, array or object with something in it. Numbers and booleans only qualify other members.
fn has_substance(raw: &RawValue) -> bool {
    match raw.get().as_bytes() {
        [b'"', inner @ .., b'"'] => !inner.is_empty(),
        [b'[' | b'{', inner @ .., b']' | b'}'] => !inner.trim_ascii().is_empty(),
        _ => false,
    }
}
