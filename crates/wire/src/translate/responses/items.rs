//! The items of `input`, read into the conversation.
//!
//! Promises: items of the same speaker in a row become one turn; what a tool answered is the user's.

use super::{
    OUTPUT, WHOLE, custom, faults, media,
    sealed::{self, Sealed},
    shapes::{Item, Piece, TextOr},
};
use crate::translate::{
    Untranslatable,
    talk::{At, Content, Part, Role, Signature, ToolCall, ToolResult, Turn},
    text::{Json, Text},
};

/// What was read so far.
#[derive(Default)]
pub(super) struct Conversation<'a> {
    pub system: Vec<Part<'a>>,
    pub turns: Vec<Turn<'a>>,
}

/// Whose words a message holds: which kinds of parts it may have depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaker {
    System,
    User,
    Assistant,
    Tool,
}

impl<'a> Conversation<'a> {
    /// Adds what the user says.
    pub(super) fn say(&mut self, text: Text<'a>, at: At) {
        self.push(Role::User, Content::Text(text), at);
    }

    /// Adds an item.
    pub(super) fn add(&mut self, index: usize, item: Item<'a>) -> Result<(), Untranslatable> {
        let place = |field: &str| match field {
            "" => format!("input.{index}"),
            field => format!("input.{index}.{field}"),
        };
        let kind = match (item.r#type.as_deref(), &item.role) {
            (Some(kind), _) => kind,
            (None, Some(_)) => "message",
            (None, None) if item.id.is_some() => "item_reference",
            (None, None) => return Err(faults::missing(place("type"))),
        };
        let fields: &[&str] = match kind {
            "message" => &["role", "content"],
            "function_call" => &["call_id", "name", "arguments"],
            "custom_tool_call" => &["call_id", "name", "input"],
            "function_call_output" | "custom_tool_call_output" => &["call_id", "output"],
            "reasoning" => &["summary", "content", "encrypted_content"],
            other => return Err(faults::kind(place(""), other)),
        };
        if let Some(field) = stated(&item).find(|field| !fields.contains(field)) {
            return Err(faults::stray(place(field)));
        }
        let at = At {
            message: number(index),
            part: WHOLE,
        };
        match kind {
            "message" => self.message(index, at, item),
            "reasoning" => self.reasoning(&place, at, item),
            "function_call" | "custom_tool_call" => {
                let id = item
                    .call_id
                    .ok_or_else(|| faults::missing(place("call_id")))?;
                let name = item.name.ok_or_else(|| faults::missing(place("name")))?;
                let (name, arguments) = if kind == "custom_tool_call" {
                    let input = item.input.ok_or_else(|| faults::missing(place("input")))?;
                    let wrapped = custom::wrapped(&input).map_err(|error| {
                        Untranslatable::named(place("input"), error.to_string())
                    })?;
                    (custom::marked(&name), wrapped)
                } else {
                    let text = item
                        .arguments
                        .ok_or_else(|| faults::missing(place("arguments")))?;
                    let arguments = object(&text).ok_or_else(|| {
                        Untranslatable::named(place("arguments"), "is no JSON object in a string")
                    })?;
                    (name, arguments)
                };
                let signature = self.signature_before();
                let call = ToolCall {
                    id,
                    name,
                    arguments,
                    signature,
                };
                self.push(Role::Assistant, Content::ToolCall(call), at);
                Ok(())
            }
            _ => {
                let id = item
                    .call_id
                    .ok_or_else(|| faults::missing(place("call_id")))?;
                let output = item
                    .output
                    .ok_or_else(|| faults::missing(place("output")))?;
                let mut parts = Vec::new();
                match output {
                    TextOr::Text(text) => parts.push(Part {
                        content: Content::Text(text),
                        at,
                    }),
                    TextOr::Other(pieces) => {
                        for (number, piece) in pieces.into_iter().enumerate() {
                            let place = || format!("input.{index}.output.{number}");
                            let content = content(Speaker::Tool, &place, piece)?;
                            let at = part_at(index, number, OUTPUT);
                            parts.push(Part { content, at });
                        }
                    }
                }
                let result = ToolResult {
                    id,
                    name: None,
                    parts,
                    is_error: item.status.as_deref() == Some("incomplete"),
                };
                self.push(Role::User, Content::ToolResult(result), at);
                Ok(())
            }
        }
    }

    fn message(&mut self, index: usize, at: At, item: Item<'a>) -> Result<(), Untranslatable> {
        let place = |field: &str| format!("input.{index}.{field}");
        let speaker = match item.role.as_deref() {
            Some("user") => Speaker::User,
            Some("assistant") => Speaker::Assistant,
            Some("system" | "developer") => Speaker::System,
            Some(other) => {
                let why =
                    format!("is `{other}`, which is none of user, assistant, system and developer");
                return Err(Untranslatable::named(place("role"), why));
            }
            None => return Err(faults::missing(place("role"))),
        };
        match item
            .content
            .ok_or_else(|| faults::missing(place("content")))?
        {
            TextOr::Text(text) => self.speak(speaker, Content::Text(text), at),
            TextOr::Other(pieces) => {
                for (number, piece) in pieces.into_iter().enumerate() {
                    let place = || format!("input.{index}.content.{number}");
                    let content = content(speaker, &place, piece)?;
                    self.speak(speaker, content, part_at(index, number, 0));
                }
            }
        }
        Ok(())
    }

    fn reasoning(
        &mut self,
        place: &dyn Fn(&str) -> String,
        at: At,
        item: Item<'a>,
    ) -> Result<(), Untranslatable> {
        let mut text = joined(
            item.summary.unwrap_or_default(),
            "summary_text",
            &place("summary"),
        )?;
        match item.content {
            Some(TextOr::Other(pieces)) => {
                let content = joined(pieces, "reasoning_text", &place("content"))?;
                // The summary is what was shown; the whole text stands in for it where there is none.
                if text.is_empty() {
                    text = content;
                }
            }
            Some(TextOr::Text(_)) => {
                return Err(Untranslatable::named(
                    place("content"),
                    "is a string, not a list",
                ));
            }
            None => {}
        }
        let sealed = sealed::with_id(item.id, item.encrypted_content);
        match sealed::read(text, sealed) {
            Sealed::Thought(thought) => {
                self.push(Role::Assistant, Content::Thinking(thought), at);
                Ok(())
            }
            Sealed::After(signature) => match self.last_call() {
                Some(call) => {
                    call.signature = Some(signature);
                    Ok(())
                }
                None => Err(Untranslatable::named(
                    place("encrypted_content"),
                    "belongs to the call before it, which is not there",
                )),
            },
        }
    }

    fn speak(&mut self, speaker: Speaker, content: Content<'a>, at: At) {
        match speaker {
            Speaker::System => self.system.push(Part { content, at }),
            Speaker::Assistant => self.push(Role::Assistant, content, at),
            Speaker::User | Speaker::Tool => self.push(Role::User, content, at),
        }
    }

    fn push(&mut self, role: Role, content: Content<'a>, at: At) {
        let part = Part { content, at };
        match self.turns.last_mut() {
            Some(turn) if turn.role == role => turn.parts.push(part),
            _ => self.turns.push(Turn {
                role,
                parts: vec![part],
            }),
        }
    }

    /// Takes the item back that was the signature of the call that follows.
    fn signature_before(&mut self) -> Option<Signature<'a>> {
        let turn = self
            .turns
            .last_mut()
            .filter(|turn| turn.role == Role::Assistant)?;
        let is_signature = |part: &Part<'_>| matches!(&part.content, Content::Thinking(thought) if sealed::is_of_next_call(thought));
        match turn.parts.pop_if(|part| is_signature(part))?.content {
            Content::Thinking(thought) => thought.signature,
            _ => None,
        }
    }

    fn last_call(&mut self) -> Option<&mut ToolCall<'a>> {
        match &mut self.turns.last_mut()?.parts.last_mut()?.content {
            Content::ToolCall(call) => Some(call),
            _ => None,
        }
    }
}

/// The fields of an item that belong to some kinds only.
fn stated<'i>(item: &'i Item<'_>) -> impl Iterator<Item = &'static str> + use<'i> {
    [
        ("role", item.role.is_some()),
        ("content", item.content.is_some()),
        ("call_id", item.call_id.is_some()),
        ("name", item.name.is_some()),
        ("arguments", item.arguments.is_some()),
        ("input", item.input.is_some()),
        ("output", item.output.is_some()),
        ("summary", item.summary.is_some()),
        ("encrypted_content", item.encrypted_content.is_some()),
    ]
    .into_iter()
    .filter_map(|(field, stated)| stated.then_some(field))
}

/// Reads a part of a message or of a tool's output.
fn content<'a>(
    speaker: Speaker,
    place: &dyn Fn() -> String,
    piece: Piece<'a>,
) -> Result<Content<'a>, Untranslatable> {
    let Some(kind) = piece.r#type.as_deref() else {
        return Err(faults::missing(format!("{}.type", place())));
    };
    let fields: &[&str] = match (kind, speaker) {
        ("input_text" | "output_text" | "text", _) => &["text"],
        ("refusal", Speaker::Assistant) => &["refusal"],
        ("input_image", Speaker::User | Speaker::Tool) => &["image_url", "file_id"],
        ("input_file", Speaker::User | Speaker::Tool) => {
            &["file_data", "file_url", "file_id", "filename"]
        }
        ("input_image" | "input_file" | "refusal", _) => {
            let why = format!("(`{kind}`) is nothing that the speaker of this message can say");
            return Err(Untranslatable::named(place(), why));
        }
        (other, _) => return Err(faults::kind(place(), other)),
    };
    let stated = [
        ("text", piece.text.is_some()),
        ("refusal", piece.refusal.is_some()),
        ("image_url", piece.image_url.is_some()),
        ("file_id", piece.file_id.is_some()),
        ("file_data", piece.file_data.is_some()),
        ("file_url", piece.file_url.is_some()),
        ("filename", piece.filename.is_some()),
    ];
    if let Some((field, _)) = stated
        .iter()
        .find(|(field, stated)| *stated && !fields.contains(field))
    {
        return Err(faults::stray(format!("{}.{field}", place())));
    }
    let required = |field: &str| faults::missing(format!("{}.{field}", place()));
    match kind {
        "refusal" => piece
            .refusal
            .map(Content::Refusal)
            .ok_or_else(|| required("refusal")),
        "input_image" => media::read_image(place, piece).map(Content::Media),
        "input_file" => media::read_file(place, piece).map(Content::Media),
        _ => piece
            .text
            .map(Content::Text)
            .ok_or_else(|| required("text")),
    }
}

/// The texts of a `reasoning` item, as paragraphs of one.
fn joined<'a>(pieces: Vec<Piece<'a>>, kind: &str, place: &str) -> Result<Text<'a>, Untranslatable> {
    let mut texts = Vec::with_capacity(pieces.len());
    for (number, piece) in pieces.into_iter().enumerate() {
        let found = piece.r#type.as_deref().unwrap_or(kind);
        if found != kind && found != "text" {
            return Err(faults::kind(format!("{place}.{number}"), found));
        }
        let missing = || faults::missing(format!("{place}.{number}.text"));
        texts.push(piece.text.ok_or_else(missing)?);
    }
    Ok(paragraphs(texts.into_iter()))
}

/// One text of several; copied only where there are several.
pub(super) fn paragraphs<'a>(texts: impl Iterator<Item = Text<'a>>) -> Text<'a> {
    let mut texts = texts.filter(|text| !text.is_empty());
    let first = texts.next().unwrap_or_default();
    let Some(second) = texts.next() else {
        return first;
    };
    let mut all = first.0.into_owned();
    for text in std::iter::once(second).chain(texts) {
        all.push_str("\n\n");
        all.push_str(&text);
    }
    Text::from(all)
}

/// Arguments of a call. Some models give none at all where a function has none.
pub(super) fn object(text: &Text<'_>) -> Option<Json<'static>> {
    let text = if text.trim().is_empty() {
        "{}"
    } else {
        &**text
    };
    Json::parse(text.to_owned()).ok().filter(Json::is_object)
}

fn part_at(item: usize, part: usize, mark: u32) -> At {
    At {
        message: number(item),
        part: number(part) | mark,
    }
}

/// A body of that many parts does not exist; its places would be named wrongly, nothing more.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX) & !OUTPUT
}
