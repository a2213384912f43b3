//! Refuses what the real service refuses, in its words: the fields it does not know, the order of
//! roles, tool calls without their results, schemas it cannot read, signatures it did not make.
//!
//! Promises: a request that a provider's documentation allows passes. Written from the providers'
//! documentation and the errors they are known to answer.
//!
//! Must not know: the gateway's translation, which it exists to check.

mod anthropic;
mod chat;
mod code_assist;
mod gemini;
mod openai;
mod responses;
mod schema;
mod shape;

pub use shape::snake_case;

use serde_json::Value;
use waybill_model::protocol::{Endpoint, Platform};

use crate::{
    ask::BadRequest,
    route::{AccountCall, Route},
};

/// What a check needs to know besides the body.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The model asked for.
    pub model: &'a str,
    /// The request opts into fields that are not for everybody (`anthropic-beta`, or `beta=true`).
    pub beta: bool,
}

/// Checks a body.
///
/// # Errors
/// What the provider says of it.
pub fn request(route: &Route, body: &Value, facts: Facts<'_>) -> Result<(), BadRequest> {
    if route.platform == Platform::Antigravity {
        return match route.account {
            Some(AccountCall::Load) => code_assist::load(body),
            Some(AccountCall::Models) => code_assist::models(body),
            None => code_assist::envelope(route.endpoint, body, facts.model),
        };
    }
    match route.endpoint {
        Endpoint::Messages => anthropic::messages(body, facts),
        Endpoint::CountTokens => anthropic::count_tokens(body),
        Endpoint::ChatCompletions => chat::completions(body, facts.model),
        Endpoint::Responses => responses::responses(body, facts.model),
        Endpoint::GenerateContent | Endpoint::StreamGenerateContent => {
            gemini::generate(body, facts.model)
        }
        Endpoint::GeminiCountTokens => gemini::count_tokens(body),
        Endpoint::Embeddings | Endpoint::EmbedContent | Endpoint::Models => Ok(()),
    }
}

/// The elements of a list; none of anything else.
fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A string, or the empty one.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
