//! The lists of models.

use waybill_model::protocol::Protocol;

use crate::{
    json::{Json, obj},
    route::Route,
};

/// The models a provider says it has. Others are served all the same unless a rule says otherwise.
pub const fn known(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Anthropic => &["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"],
        Protocol::OpenAi => &[
            "gpt-5.1",
            "gpt-5",
            "gpt-5-mini",
            "gpt-4.1",
            "gpt-4o-mini",
            "text-embedding-3-small",
        ],
        Protocol::Gemini => &[
            "gemini-2.5-pro",
            "gemini-2.5-flash",
            "gemini-2.5-flash-lite",
            "gemini-embedding-001",
        ],
    }
}

/// All models of a provider.
pub fn list(route: &Route) -> Json {
    let all: Vec<Json> = known(route.protocol)
        .iter()
        .map(|id| describe(route.protocol, id))
        .collect();
    let names = known(route.protocol);
    match route.protocol {
        Protocol::Anthropic => obj! {
            "data": all, "has_more": false, "first_id": names.first(), "last_id": names.last(),
        },
        Protocol::OpenAi => obj! { "object": "list", "data": all },
        Protocol::Gemini => obj! { "models": all },
    }
}

/// One model, if the provider has it.
pub fn one(route: &Route, id: &str) -> Option<Json> {
    known(route.protocol)
        .contains(&id)
        .then(|| describe(route.protocol, id))
}

fn describe(protocol: Protocol, id: &str) -> Json {
    match protocol {
        Protocol::Anthropic => obj! {
            "type": "model", "id": id, "display_name": id, "created_at": "2025-09-29T00:00:00Z",
        },
        Protocol::OpenAi => {
            obj! { "id": id, "object": "model", "created": 1_758_000_000, "owned_by": "system" }
        }
        Protocol::Gemini => obj! {
            "name": format!("models/{id}"),
            "version": "001",
            "displayName": id,
            "description": "A simulated model",
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens", "embedContent"],
            "temperature": 1,
            "topP": 0.95,
            "topK": 64,
        },
    }
}
