//! What to call the place in the client's body where reading failed. Runs only for bodies that are refused.
//!
//! Promises: kinds of blocks and tools that only Anthropic has are named as such, rather than by the first
//! of their fields that nobody knows.
//!
//! Must not know: what a good body means.

use serde_json::{Value, error::Category};
use serde_path_to_error::Segment;

use super::{super::Untranslatable, body::Body, read::BLOCKS};

/// Why a body that serde refused cannot be translated.
pub(super) fn name(body: &str, error: &serde_json::Error) -> Untranslatable {
    if let Ok(value) = serde_json::from_str::<Value>(body)
        && let Some(kind) = foreign_tool(&value).or_else(|| foreign_block(&value))
    {
        return kind;
    }
    let deserializer = &mut serde_json::Deserializer::from_str(body);
    match serde_path_to_error::deserialize::<_, Body<'_>>(deserializer) {
        Ok(_) => said("", error),
        Err(placed) => {
            let place = path(placed.path());
            said(&place, placed.inner())
        }
    }
}

/// Joined as Anthropic's own errors do: `messages.0.content.1`.
fn path(path: &serde_path_to_error::Path) -> String {
    let mut place = String::new();
    for segment in path.iter() {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        if !place.is_empty() {
            place.push('.');
        }
        place.push_str(&name);
    }
    place
}

/// Serde's sentence, as the end of one about the place.
fn said(place: &str, error: &serde_json::Error) -> Untranslatable {
    let text = error.to_string();
    // The place is named better than by its line.
    let text = short(text.split(" at line ").next().unwrap_or(&text));
    if error.classify() != Category::Data {
        return Untranslatable::named("", format!("is not JSON: {text}"));
    }
    let why = if text.starts_with("unknown field") {
        "is not something that can be translated for another provider".to_owned()
    } else {
        format!("cannot be read: {text}")
    };
    Untranslatable::named(place, why)
}

/// What is quoted of the client's is bounded.
pub(super) fn short(text: &str) -> &str {
    const LONGEST: usize = 200;
    text.char_indices()
        .nth(LONGEST)
        .map_or(text, |(end, _)| &text[..end])
}

fn foreign_tool(body: &Value) -> Option<Untranslatable> {
    let tools = body.get("tools")?.as_array()?;
    tools.iter().enumerate().find_map(|(at, tool)| {
        let kind = tool.get("type")?.as_str()?;
        (kind != "custom").then(|| own_tool(at, kind))
    })
}

/// A tool that is not the client's own.
pub(super) fn own_tool(at: usize, kind: &str) -> Untranslatable {
    Untranslatable::named(
        format!("tools.{at}"),
        format!(
            "is Anthropic's own tool `{}`, which other providers do not have",
            short(kind)
        ),
    )
}

fn foreign_block(body: &Value) -> Option<Untranslatable> {
    let messages = body.get("messages")?.as_array()?;
    messages.iter().enumerate().find_map(|(at, message)| {
        let place = format!("messages.{at}.content");
        in_blocks(&place, message.get("content")?)
    })
}

fn in_blocks(place: &str, content: &Value) -> Option<Untranslatable> {
    content
        .as_array()?
        .iter()
        .enumerate()
        .find_map(|(at, block)| {
            let place = format!("{place}.{at}");
            let kind = block.get("type")?.as_str()?;
            if BLOCKS.iter().all(|(name, _)| *name != kind) {
                return Some(own_block(place, kind));
            }
            in_blocks(&format!("{place}.content"), block.get("content")?)
        })
}

/// A block of a kind that others have no word for.
pub(super) fn own_block(place: String, kind: &str) -> Untranslatable {
    Untranslatable::named(
        place,
        format!(
            "is of the kind `{}`, which other providers do not have",
            short(kind)
        ),
    )
}
