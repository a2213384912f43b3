//! Code Assist: the envelope around Gemini's request, and the calls about the account.

use serde_json::Value;
use waybill_model::protocol::{Endpoint, Platform};

use super::{
    gemini::{ASSIST_REQUEST, Rules, fits, sense},
    shape::{
        Field,
        Presence::May,
        Shape::{self, Any, List, Map, Object, Of, Text},
    },
    text,
};
use crate::ask::BadRequest;

static ENVELOPE: Shape = Object(&[
    ("model", May, Text),
    ("project", May, Text),
    ("request", May, Of(&ASSIST_REQUEST)),
    ("userPromptId", May, Text),
    ("requestId", May, Text),
    ("requestType", May, Text),
    ("userAgent", May, Text),
    ("enabledCreditTypes", May, List(&Text)),
]);

static COUNT: Shape = Object(&[(
    "request",
    May,
    Object(&[("model", May, Text), ("contents", May, List(&Map(&Any)))]),
)]);

const METADATA: Field = (
    "metadata",
    May,
    Object(&[
        ("ideType", May, Text),
        ("ideVersion", May, Text),
        ("ideName", May, Text),
        ("pluginVersion", May, Text),
        ("pluginType", May, Text),
        ("platform", May, Text),
        ("updateChannel", May, Text),
        ("duetProject", May, Text),
    ]),
);

static LOAD: Shape = Object(&[
    ("cloudaicompanionProject", May, Text),
    METADATA,
    ("mode", May, Text),
]);

static MODELS: Shape = Object(&[("project", May, Text)]);

/// `:loadCodeAssist`.
pub fn load(body: &Value) -> Result<(), BadRequest> {
    fits(&LOAD, body)
}

/// `:fetchAvailableModels`.
pub fn models(body: &Value) -> Result<(), BadRequest> {
    fits(&MODELS, body)
}

/// `:generateContent`, `:streamGenerateContent` and `:countTokens`.
pub fn envelope(endpoint: Endpoint, body: &Value, model: &str) -> Result<(), BadRequest> {
    if endpoint == Endpoint::GeminiCountTokens {
        fits(&COUNT, body)?;
        if !body["request"].is_object() {
            return invalid();
        }
        return Ok(());
    }
    fits(&ENVELOPE, body)?;
    if text(&body["model"]).is_empty() || !body["request"].is_object() {
        return invalid();
    }
    if text(&body["project"]).is_empty() {
        return Err(BadRequest {
            reason: Some("RESOURCE_PROJECT_INVALID"),
            ..BadRequest::saying("Invalid resource field value in the request.")
        });
    }
    let rules = Rules {
        platform: Platform::Antigravity,
        model,
    };
    sense(&body["request"], rules)
}

fn invalid() -> Result<(), BadRequest> {
    Err(BadRequest::saying("Request contains an invalid argument."))
}
