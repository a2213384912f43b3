//! Signatures of thoughts that come back: where one must be, and whether it is the service's own.

use serde_json::Value;
use waybill_model::protocol::Platform;

use super::{super::items, at, refuse, text};
use crate::{ask::BadRequest, signature};

/// What the documentation allows instead of a signature, for calls that another model made.
const WAIVERS: &[&str] = &[
    "context_engineering_is_the_way_to_go",
    "skip_thought_signature_validator",
];

/// Whose signatures are looked for, and where.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The service that signed.
    pub platform: Platform,
    /// The model asked for.
    pub model: &'a str,
}

impl<'a> Rules<'a> {
    /// Those of the Gemini API.
    pub fn of_gemini(model: &'a str) -> Self {
        Rules {
            platform: Platform::Gemini,
            model,
        }
    }

    /// Gemini 3 wants a signature with the first call of each step of the current turn.
    fn wants_signed_calls(self) -> bool {
        self.model.contains("gemini-3")
    }

    /// A model of Anthropic's, whose own rules are behind the service's.
    fn is_claude(self) -> bool {
        self.model.contains("claude")
    }
}

pub fn check(contents: &[Value], rules: Rules<'_>) -> Result<(), BadRequest> {
    if rules.is_claude() {
        thoughts(contents, rules)?;
    } else {
        own(contents, rules)?;
    }
    if rules.wants_signed_calls() {
        unsigned(contents)
    } else {
        Ok(())
    }
}

fn parts(content: &Value) -> &[Value] {
    items(&content["parts"])
}

/// A signature covers the name of the call it comes with, and nothing of a text.
fn own(contents: &[Value], rules: Rules<'_>) -> Result<(), BadRequest> {
    for part in contents.iter().flat_map(parts) {
        let covered = text(&at(part, &["functionCall"])["name"]);
        let fits = at(part, &["thoughtSignature"])
            .as_str()
            .is_none_or(|signature| {
                WAIVERS.contains(&signature)
                    || signature::is_signed(rules.platform, covered, signature)
            });
        if !fits {
            return refuse("Thought signature is not valid");
        }
    }
    Ok(())
}

/// Each thought of a Claude model is signed, in the last of its parts.
fn thoughts(contents: &[Value], rules: Rules<'_>) -> Result<(), BadRequest> {
    let is_thought = |part: &Value| part["thought"] == true;
    let mut number = 0;
    for turn in contents.chunk_by(|one, next| one["role"] == next["role"]) {
        let all: Vec<&Value> = turn.iter().flat_map(parts).collect();
        let mut place = 0;
        for run in all.chunk_by(|one, next| {
            is_thought(one) && is_thought(next) && at(one, &["thoughtSignature"]).is_null()
        }) {
            let last = run[run.len() - 1];
            let thought: String = run.iter().map(|part| text(&part["text"])).collect();
            let at_block = format!("messages.{number}.content.{place}");
            match at(last, &["thoughtSignature"]).as_str() {
                None if is_thought(last) => {
                    return wrapped(&format!("{at_block}.thinking.signature: Field required"));
                }
                Some(signature)
                    if is_thought(last)
                        && !signature::is_signed(rules.platform, &thought, signature) =>
                {
                    return wrapped(&format!(
                        "{at_block}: Invalid `signature` in `thinking` block"
                    ));
                }
                _ => {}
            }
            place += run.len();
        }
        number += turn.len();
    }
    Ok(())
}

/// The first call of each step since the user last spoke; a step is a turn of the model.
fn unsigned(contents: &[Value]) -> Result<(), BadRequest> {
    let answers = |content: &Value| {
        parts(content)
            .iter()
            .any(|part| at(part, &["functionResponse"]).is_object())
    };
    let spoke = contents
        .iter()
        .rposition(|content| content["role"] != "model" && !answers(content))
        .unwrap_or(0);
    let mut position = spoke;
    for turn in contents[spoke..].chunk_by(|one, next| one["role"] == next["role"]) {
        let first = turn
            .iter()
            .flat_map(parts)
            .find(|part| at(part, &["functionCall"]).is_object());
        if let Some(part) = first
            && at(part, &["thoughtSignature"]).is_null()
        {
            let name = text(&at(part, &["functionCall"])["name"]);
            return refuse(format!(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:{name}` , position {}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
                position + 1
            ));
        }
        position += turn.len();
    }
    Ok(())
}

/// An error of Anthropic's as Code Assist passes it on: its JSON as the message.
fn wrapped(message: &str) -> Result<(), BadRequest> {
    let inner = serde_json::json!({
        "type": "error",
        "error": { "type": "invalid_request_error", "message": message },
        "request_id": "req_vrtx_011CSimulated",
    });
    refuse(inner.to_string())
}
