//! Code Assist: what it says of an account. Its answers are Gemini's in an envelope.

use waybill_model::time::UnixMillis;

use super::headers::second_after;
use crate::{
    json::{Json, ObjectWriter, obj},
    route::AccountCall,
    seed::Seed,
};

/// The models it says it has, by the names it takes, with the names it shows.
const MODELS: &[(&str, &str)] = &[
    ("claude-opus-4-5-thinking", "Claude Opus 4.5 (Thinking)"),
    ("claude-sonnet-4-5", "Claude Sonnet 4.5"),
    ("claude-sonnet-4-5-thinking", "Claude Sonnet 4.5 (Thinking)"),
    ("gemini-2.5-flash", "Gemini 2.5 Flash"),
    ("gemini-2.5-pro", "Gemini 2.5 Pro"),
    ("gemini-3-flash", "Gemini 3 Flash"),
    ("gemini-3-pro-high", "Gemini 3 Pro (High)"),
    ("gemini-3-pro-low", "Gemini 3 Pro (Low)"),
    ("gpt-oss-120b-medium", "GPT-OSS 120B (Medium)"),
    ("sim-agent", "Simulated agent"),
];

/// How long a quota runs.
const QUOTA_MS: i64 = 5 * 60 * 60 * 1000;

/// The answer to a call about the account of a token.
pub fn account(call: AccountCall, token: &str, now: UnixMillis) -> Json {
    match call {
        AccountCall::Load => load(token),
        AccountCall::Models => models(now),
    }
}

/// The project that belongs to a token.
pub fn project(token: &str) -> String {
    format!("simulated-harbour-{}", Seed::of(&["project", token]).hex(5))
}

fn load(token: &str) -> Json {
    let tier = |id: &str, name: &str, usual: bool, own_project: bool| {
        obj! {
            "id": id,
            "name": name,
            "description": format!("{name} of the simulated service"),
            "userDefinedCloudaicompanionProject": own_project,
            "privacyNotice": obj! {},
            "isDefault": usual,
        }
    };
    let free = tier("free-tier", "Free tier", true, false);
    obj! {
        "currentTier": free,
        "allowedTiers": [&free, &tier("standard-tier", "Standard tier", false, true)],
        "cloudaicompanionProject": project(token),
        "gcpManaged": false,
    }
}

fn models(now: UnixMillis) -> Json {
    let reset = second_after(UnixMillis(now.0 + QUOTA_MS));
    let mut all = ObjectWriter::new();
    for (name, shown) in MODELS {
        let thinks = name.contains("thinking") || name.contains("gemini");
        let described = obj! {
            "displayName": shown,
            "supportsImages": true,
            "supportsThinking": thinks,
            "maxTokens": 1_048_576,
            "maxOutputTokens": 65_536,
            "quotaInfo": obj! { "remainingFraction": 1, "resetTime": reset },
        };
        all.field(name, &described);
    }
    obj! { "models": all.end(), "defaultAgentModelId": "gemini-3-pro-high" }
}
