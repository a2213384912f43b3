//! Blocks are read.
//!
//! Promises: a block has the fields of its kind and no others, and stands where its kind may stand.
//!
//! Must not know: its neighbours.

use super::{
    super::{
        super::{
            Untranslatable,
            talk::{
                Content, Maker, Media, MediaKind, Role, Signature, Source, Thought, ToolCall,
                ToolResult,
            },
            text::{Json, Text},
        },
        body::{self, Block, Said},
        refuse,
    },
    place::{Place, need},
};

/// The kinds of blocks, and the fields of each besides `type` and `cache_control`.
pub(in super::super) const BLOCKS: &[(&str, &[&str])] = &[
    ("text", &["text", "citations"]),
    ("image", &["source", "transformations"]),
    ("document", &["source", "title", "context", "citations"]),
    (
        "tool_use",
        &["id", "name", "input", "caller", "toolset_name"],
    ),
    (
        "tool_result",
        &["tool_use_id", "content", "is_error", "toolset_name"],
    ),
    ("thinking", &["thinking", "signature"]),
    ("redacted_thinking", &["data"]),
];

/// Reads a block of a message of `role`, or, with none, one that must be text.
pub(super) fn read_block<'a>(
    block: Block<'a>,
    place: &Place,
    role: Option<Role>,
) -> Result<Content<'a>, Untranslatable> {
    let Some(kind) = block.r#type.as_ref() else {
        return Err(place.refuse("type", "is missing"));
    };
    let Some((kind, fields)) = BLOCKS.iter().find(|(name, _)| **name == **kind) else {
        return Err(refuse::own_block(place.to_string(), kind));
    };
    only(&block, fields, place)?;
    match (*kind, role) {
        ("text", _) => read_text(block, place).map(Content::Text),
        (kind, None) => Err(place.refuse(
            "",
            format!("is of the kind `{kind}` where only text can stand"),
        )),
        ("image", _) => read_media(block, place, MediaKind::Image).map(Content::Media),
        ("document", _) => read_media(block, place, MediaKind::Document).map(Content::Media),
        ("tool_result", Some(Role::User)) => read_result(block, place).map(Content::ToolResult),
        ("tool_use", Some(Role::Assistant)) => read_call(block, place).map(Content::ToolCall),
        ("thinking", Some(Role::Assistant)) => {
            let text = need(block.thinking, place, "thinking")?;
            let signature = block.signature.filter(|signature| !signature.is_empty());
            Ok(Content::Thinking(Thought {
                text,
                signature: signature.map(|field| Signature::read(Maker::Anthropic, field)),
                redacted: false,
            }))
        }
        ("redacted_thinking", Some(Role::Assistant)) => {
            let data = need(block.data, place, "data")?;
            Ok(Content::Thinking(Thought {
                text: Text::default(),
                signature: Some(Signature::read(Maker::Anthropic, data)),
                redacted: true,
            }))
        }
        (kind, Some(Role::User)) => Err(place.refuse(
            "",
            format!("is of the kind `{kind}`, which is not the user's to say"),
        )),
        (kind, Some(Role::Assistant)) => Err(place.refuse(
            "",
            format!("is of the kind `{kind}`, which is not the assistant's to say"),
        )),
    }
}

/// Refuses fields that a block of this kind does not have.
fn only(block: &Block<'_>, fields: &[&str], place: &Place) -> Result<(), Untranslatable> {
    let Block {
        r#type: _,
        _cache_control,
        text,
        citations,
        source,
        transformations,
        title,
        context,
        id,
        name,
        input,
        caller,
        toolset_name,
        tool_use_id,
        content,
        is_error,
        thinking,
        signature,
        data,
    } = block;
    let said = [
        ("text", text.is_some()),
        ("citations", citations.is_some()),
        ("source", source.is_some()),
        ("transformations", transformations.is_some()),
        ("title", title.is_some()),
        ("context", context.is_some()),
        ("id", id.is_some()),
        ("name", name.is_some()),
        ("input", input.is_some()),
        ("caller", caller.is_some()),
        ("toolset_name", toolset_name.is_some()),
        ("tool_use_id", tool_use_id.is_some()),
        ("content", content.is_some()),
        ("is_error", is_error.is_some()),
        ("thinking", thinking.is_some()),
        ("signature", signature.is_some()),
        ("data", data.is_some()),
    ];
    for (field, said) in said {
        if said && !fields.contains(&field) {
            return Err(place.refuse(field, "is not a field of such a block"));
        }
    }
    Ok(())
}

fn read_text<'a>(block: Block<'a>, place: &Place) -> Result<Text<'a>, Untranslatable> {
    if block
        .citations
        .is_some_and(|citations| !is_empty(&citations))
    {
        return Err(place.refuse("citations", "is something that other providers do not have"));
    }
    need(block.text, place, "text")
}

fn read_media<'a>(
    block: Block<'a>,
    place: &Place,
    kind: MediaKind,
) -> Result<Media<'a>, Untranslatable> {
    if let Some(citations) = &block.citations {
        let asked = serde_json::from_str::<serde_json::Value>(citations.get());
        if asked.is_ok_and(|asked| asked["enabled"] == true) {
            return Err(place.refuse(
                "citations.enabled",
                "is something that other providers do not have",
            ));
        }
    }
    if block.context.is_some_and(|context| !context.is_empty()) {
        return Err(place.refuse("context", "is something that other providers do not have"));
    }
    if block
        .transformations
        .is_some_and(|wishes| !is_empty(&wishes))
    {
        return Err(place.refuse(
            "transformations",
            "is something that other providers do not have",
        ));
    }
    let body::Source {
        r#type,
        media_type,
        data,
        url,
        file_id,
        _content,
    } = need(block.source, place, "source")?;
    let how = need(r#type, place, "source.type")?;
    let (mime, source) = match (&*how, kind) {
        ("base64", _) => (
            Some(need(media_type, place, "source.media_type")?),
            Source::Base64(need(data, place, "source.data")?),
        ),
        ("text", MediaKind::Document) => (
            Some(media_type.unwrap_or_else(|| Text::from("text/plain"))),
            Source::Plain(need(data, place, "source.data")?),
        ),
        // The one type of document that Anthropic fetches.
        ("url", MediaKind::Document) => (
            Some(Text::from("application/pdf")),
            Source::Url(need(url, place, "source.url")?),
        ),
        ("url", _) => (None, Source::Url(need(url, place, "source.url")?)),
        ("file", _) => (None, Source::File(need(file_id, place, "source.file_id")?)),
        (how, _) => {
            let why = format!(
                "is of the kind `{}`, which other providers do not have",
                refuse::short(how)
            );
            return Err(place.refuse("source", why));
        }
    };
    Ok(Media {
        kind,
        mime,
        source,
        name: block.title,
    })
}

fn read_call<'a>(block: Block<'a>, place: &Place) -> Result<ToolCall<'a>, Untranslatable> {
    let caller = block.caller.and_then(|caller| caller.r#type);
    if caller.is_some_and(|caller| *caller != *"direct") {
        return Err(place.refuse("caller", "is a tool that only Anthropic runs"));
    }
    if block.toolset_name.is_some() {
        return Err(place.refuse("toolset_name", "names tools that only Anthropic has"));
    }
    let arguments = need(block.input, place, "input")?;
    if !arguments.is_object() {
        return Err(place.refuse("input", "is not an object"));
    }
    Ok(ToolCall {
        id: need(block.id, place, "id")?,
        name: need(block.name, place, "name")?,
        arguments,
        signature: None,
    })
}

fn read_result<'a>(block: Block<'a>, place: &Place) -> Result<ToolResult<'a>, Untranslatable> {
    if block.toolset_name.is_some() {
        return Err(place.refuse("toolset_name", "names tools that only Anthropic has"));
    }
    let content = block.content.unwrap_or(Said::Blocks(Vec::new()));
    let parts = blocks(content).enumerate().map(|(at, block)| {
        let inner = Place {
            inner: Some(at),
            ..*place
        };
        match read_block(block, &inner, Some(Role::User))? {
            content @ (Content::Text(_) | Content::Media(_)) => Ok(inner.holds(content)),
            _ => Err(inner.refuse("", "is neither a text nor a file")),
        }
    });
    Ok(ToolResult {
        id: need(block.tool_use_id, place, "tool_use_id")?,
        name: None,
        parts: parts.collect::<Result<_, _>>()?,
        is_error: block.is_error.unwrap_or_default(),
    })
}

/// A string is one block of text.
pub(super) fn blocks(said: Said<'_>) -> impl Iterator<Item = Block<'_>> {
    let (one, many) = match said {
        Said::Text(text) => {
            let block = Block {
                r#type: Some(Text::from("text")),
                text: Some(text),
                ..Block::default()
            };
            (Some(block), Vec::new())
        }
        Said::Blocks(blocks) => (None, blocks),
    };
    one.into_iter().chain(many)
}

pub(super) fn is_empty(value: &Json<'_>) -> bool {
    matches!(value.get(), "[]" | "{}" | "\"\"" | "false")
}
