//! Answers that are no errors by their shape, but say that nothing is coming: blocked prompts and
//! answers that ended for a bad reason.
//!
//! Must not know: error objects.

use serde_json::{Map, Value};

use super::{Said, text};

/// Where such a reason stands, and where words beside it stand; the first that is there counts.
pub(super) fn read(members: &Map<String, Value>) -> Said {
    let first = |key: &str| match members.get(key) {
        Some(Value::Array(items)) => items.first().and_then(Value::as_object),
        Some(Value::Object(inner)) => Some(inner),
        _ => None,
    };
    let places = [
        (first("promptFeedback"), "blockReason", "blockReasonMessage"),
        (first("candidates"), "finishReason", "finishMessage"),
        (first("choices"), "finish_reason", "refusal"),
        (first("incomplete_details"), "reason", "message"),
        (Some(members), "stop_reason", "stop_message"),
    ];
    let found = places.into_iter().find_map(|(node, reason, words)| {
        let node = node?;
        let reason = text(node, reason).filter(|reason| !WELL_ENDED.contains(reason))?;
        Some((reason, text(node, words)))
    });
    let Some((reason, words)) = found else {
        return Said::default();
    };
    Said {
        message: Some(words.unwrap_or(reason).to_owned()),
        names: vec![reason.to_owned()],
        ..Said::default()
    }
}

/// Reasons for which an answer ends well, or was cut at a limit that the request itself set.
const WELL_ENDED: [&str; 13] = [
    "STOP",
    "MAX_TOKENS",
    "FINISH_REASON_UNSPECIFIED",
    "stop",
    "length",
    "tool_calls",
    "function_call",
    "max_output_tokens",
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
];
