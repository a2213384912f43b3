//! Why a body could not be read: the place, in the client's words, and what is wrong with it.
//!
//! Promises: a block of a kind that is not translated is refused by its kind, not by the first of its fields.
//! Only bodies that are refused are read a second time.

use serde_json::{Value, error::Category};
use serde_path_to_error::{Path, Segment};

use super::shapes::Request;
use crate::translate::Untranslatable;

/// Kinds that a client knows well, and why each is not translated. Others get [`OTHER_KIND`].
const KINDS: &[(&str, &str)] = &[
    (
        "item_reference",
        "names an item that OpenAI would have stored; nothing is stored here: send the item itself",
    ),
    ("web_search", SERVER_TOOL),
    ("web_search_2025_08_26", SERVER_TOOL),
    ("web_search_preview", SERVER_TOOL),
    ("web_search_preview_2025_03_11", SERVER_TOOL),
    ("file_search", SERVER_TOOL),
    ("code_interpreter", SERVER_TOOL),
    ("image_generation", SERVER_TOOL),
    ("mcp", SERVER_TOOL),
    ("tool_search", SERVER_TOOL),
    ("computer", MODEL_TOOL),
    ("computer_use", MODEL_TOOL),
    ("computer_use_preview", MODEL_TOOL),
    ("local_shell", MODEL_TOOL),
    ("shell", MODEL_TOOL),
    ("apply_patch", MODEL_TOOL),
    (
        "namespace",
        "groups functions, which no other provider's tools can be; send them one by one",
    ),
    (
        "allowed_tools",
        "picks some of the tools, which no other provider does; send only those",
    ),
    (
        "input_audio",
        "is sound, which OpenAI Responses does not describe for messages",
    ),
    (
        "compaction",
        "is a conversation that only OpenAI can unseal",
    ),
    (
        "compaction_summary",
        "is a conversation that only OpenAI can unseal",
    ),
];

const SERVER_TOOL: &str = "is a tool that OpenAI runs on its own servers; the account asked has none such: switch it off in the client";
const MODEL_TOOL: &str =
    "is a tool that only OpenAI's models are trained on; offer a `function` in its place";
const OTHER_KIND: &str = "is nothing that can be said to another provider";

/// Refuses a block for its kind.
pub(super) fn kind(place: impl Into<String>, kind: &str) -> Untranslatable {
    let why = KINDS
        .iter()
        .find(|(name, _)| *name == kind)
        .map_or(OTHER_KIND, |(_, why)| why);
    Untranslatable::named(place, format!("(`{kind}`) {why}"))
}

/// Refuses a field that is not there.
pub(super) fn missing(place: impl Into<String>) -> Untranslatable {
    Untranslatable::named(place, "is missing")
}

/// Refuses a field that is of no use where it stands.
pub(super) fn stray(place: impl Into<String>) -> Untranslatable {
    Untranslatable::named(place, "does not belong there")
}

/// Says what is wrong with a body that does not fit [`Request`].
pub(super) fn explain(body: &str, error: &serde_json::Error) -> Untranslatable {
    if matches!(
        error.classify(),
        Category::Syntax | Category::Eof | Category::Io
    ) {
        return Untranslatable::named("", format!("is not JSON: {error}"));
    }
    if !body.trim_start().starts_with('{') {
        return Untranslatable::named("", "is no JSON object");
    }
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let Err(found) = serde_path_to_error::deserialize::<_, Request<'_>>(&mut deserializer) else {
        return Untranslatable::named("", format!("cannot be read: {error}"));
    };
    if let Some(refused) = unknown_kind(body, found.path()) {
        return refused;
    }
    let name = spelled(found.path().iter());
    let message = found.inner().to_string();
    if message.starts_with("unknown field") {
        return Untranslatable::named(name, "is not a field that can be said to another provider");
    }
    let message = message.split(" at line ").next().unwrap_or_default();
    Untranslatable::named(name, format!("cannot be read: {message}"))
}

/// Whether the place lies in a block whose kind explains it all.
fn unknown_kind(body: &str, path: &Path) -> Option<Untranslatable> {
    const READ: &[&str] = &[
        "message",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "reasoning",
        "input_text",
        "input_image",
        "input_file",
        "output_text",
        "refusal",
        "summary_text",
        "reasoning_text",
        "text",
        "function",
        "custom",
        "grammar",
        "json_object",
        "json_schema",
    ];
    let whole: Value = serde_json::from_str(body).ok()?;
    let mut value = &whole;
    for (depth, segment) in path.iter().enumerate() {
        value = match segment {
            Segment::Seq { index } => value.get(index)?,
            Segment::Map { key } => value.get(key)?,
            Segment::Enum { .. } | Segment::Unknown => return None,
        };
        let kind_of = value.get("type").and_then(Value::as_str);
        if let Some(found) = kind_of.filter(|found| !READ.contains(found)) {
            return Some(kind(spelled(path.iter().take(depth + 1)), found));
        }
    }
    None
}

fn spelled<'p>(segments: impl Iterator<Item = &'p Segment>) -> String {
    let mut name = String::new();
    for segment in segments {
        if !name.is_empty() {
            name.push('.');
        }
        match segment {
            Segment::Seq { index } => name.push_str(&index.to_string()),
            Segment::Map { key } => name.push_str(key),
            Segment::Enum { variant } => name.push_str(variant),
            Segment::Unknown => name.push('?'),
        }
    }
    name
}
