//! A request is read.
//!
//! Promises: a block has the fields of its kind and no others; what talk has no word for is refused by name.
//!
//! Must not know: which provider will be asked.

use std::fmt;

use super::{
    super::{
        Untranslatable,
        talk::{
            At, Content, Format, Maker, Media, MediaKind, Part, Prompt, Role, Signature, Source,
            Thought, Tool, ToolCall, ToolChoice, ToolResult, Turn,
        },
        text::{Json, Text},
    },
    body::{self, Block, Body, Said},
    refuse, thinking,
};

/// Reads the body of `/v1/messages`.
///
/// # Errors
/// The first thing in it that cannot be translated, or is not what Anthropic documents.
pub fn read_prompt(body: &str) -> Result<Prompt<'_>, Untranslatable> {
    let prompt = read(body)?;
    if prompt.max_tokens.is_none() {
        return Err(Untranslatable::named("max_tokens", "is missing"));
    }
    Ok(prompt)
}

/// Reads a body that need not say `max_tokens`.
pub(super) fn read(body: &str) -> Result<Prompt<'_>, Untranslatable> {
    let parsed = serde_json::from_str::<Body<'_>>(body);
    let body = parsed.map_err(|error| refuse::name(body, &error))?;
    refuse_foreign(&body)?;
    let Body {
        _model,
        max_tokens,
        system,
        messages,
        metadata,
        stop_sequences,
        stream,
        temperature,
        top_p,
        top_k,
        tools,
        tool_choice,
        thinking,
        output_config,
        output_format,
        ..
    } = body;
    let (effort, format) = match output_config {
        Some(body::OutputConfig { effort, format }) => (effort, format),
        None => (None, None),
    };
    let format = match (format, output_format) {
        (Some(format), _) => Some(read_format(format, "output_config.format")?),
        (None, Some(format)) => Some(read_format(format, "output_format")?),
        (None, None) => None,
    };
    let (tool_choice, parallel_tool_calls) = match tool_choice {
        Some(choice) => read_tool_choice(choice)?,
        None => (None, None),
    };
    let mut talk = Talk {
        system: system.map_or(Ok(Vec::new()), read_system)?,
        turns: Vec::new(),
    };
    let messages = messages.ok_or_else(|| Untranslatable::named("messages", "is missing"))?;
    for (at, message) in messages.into_iter().enumerate() {
        talk.message(at, message)?;
    }
    let tools = tools.unwrap_or_default().into_iter().enumerate();
    Ok(Prompt {
        system: talk.system,
        turns: talk.turns,
        tools: tools
            .map(|(at, tool)| read_tool(at, tool))
            .collect::<Result<_, _>>()?,
        tool_choice,
        parallel_tool_calls,
        max_tokens,
        temperature,
        top_p,
        top_k,
        seed: None,
        presence_penalty: None,
        frequency_penalty: None,
        stop: stop_sequences.unwrap_or_default(),
        thinking: thinking::read(thinking, effort)?,
        format,
        user: metadata.and_then(|metadata| metadata.user_id),
        stream: stream.unwrap_or_default(),
        stream_usage: false,
    })
}

/// What only Anthropic does, in fields of their own.
fn refuse_foreign(body: &Body<'_>) -> Result<(), Untranslatable> {
    let foreign = [
        (
            "container",
            &body.container,
            "asks for a container, which only Anthropic runs",
        ),
        (
            "mcp_servers",
            &body.mcp_servers,
            "asks for servers of tools that only Anthropic calls",
        ),
        (
            "inference_geo",
            &body.inference_geo,
            "asks for a place that only Anthropic can promise",
        ),
        (
            "fallbacks",
            &body.fallbacks,
            "asks for other models of Anthropic's",
        ),
    ];
    for (name, value, why) in foreign {
        if value.as_ref().is_some_and(|value| !is_empty(value)) {
            return Err(Untranslatable::named(name, why));
        }
    }
    let edits = body.context_management.as_ref();
    for (at, edit) in edits
        .and_then(|all| all.edits.as_ref())
        .into_iter()
        .flatten()
        .enumerate()
    {
        let kind = edit.r#type.as_deref().unwrap_or_default();
        if !matches!(kind, "clear_thinking_20251015" | "clear_tool_uses_20250919") {
            return Err(Untranslatable::named(
                format!("context_management.edits.{at}"),
                format!(
                    "is the edit `{}`, which only Anthropic makes",
                    refuse::short(kind)
                ),
            ));
        }
    }
    Ok(())
}

fn is_empty(value: &Json<'_>) -> bool {
    matches!(value.get(), "[]" | "{}" | "\"\"" | "false")
}

/// The kinds of blocks, and the fields of each besides `type` and `cache_control`.
pub(super) const BLOCKS: &[(&str, &[&str])] = &[
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

/// The conversation, as it grows.
struct Talk<'a> {
    system: Vec<Part<'a>>,
    turns: Vec<Turn<'a>>,
}

impl<'a> Talk<'a> {
    fn message(&mut self, at: usize, message: body::Message<'a>) -> Result<(), Untranslatable> {
        let body::Message { role, content } = message;
        let place = Place::message(at);
        let role = match role.as_deref() {
            Some("user") => Some(Role::User),
            Some("assistant") => Some(Role::Assistant),
            Some("system") => None,
            Some(role) => {
                return Err(place.refuse(
                    "role",
                    format!(
                        "is `{}`, neither `user` nor `assistant`",
                        refuse::short(role)
                    ),
                ));
            }
            None => return Err(place.refuse("role", "is missing")),
        };
        let content = content.ok_or_else(|| place.refuse("content", "is missing"))?;
        let mut sealed = None;
        for (part, block) in blocks(content).enumerate() {
            let place = place.part(part);
            let content = read_block(block, &place, role)?;
            let Some(role) = role else {
                self.system.push(place.holds(content));
                continue;
            };
            match (content, sealed.take()) {
                (Content::ToolCall(call), Some((signature, _))) => {
                    let signature = Some(signature);
                    self.push(
                        role,
                        place.holds(Content::ToolCall(ToolCall { signature, ..call })),
                    );
                }
                (content, before) => {
                    if let Some((signature, at)) = before {
                        self.push(role, sealed_thought(signature, at));
                    }
                    match seals_a_call(content) {
                        Ok(signature) => sealed = Some((signature, place)),
                        Err(content) => self.push(role, place.holds(content)),
                    }
                }
            }
        }
        if let (Some((signature, at)), Some(role)) = (sealed, role) {
            self.push(role, sealed_thought(signature, at));
        }
        Ok(())
    }

    fn push(&mut self, role: Role, part: Part<'a>) {
        match self.turns.last_mut() {
            Some(turn) if turn.role == role => turn.parts.push(part),
            _ => self.turns.push(Turn {
                role,
                parts: vec![part],
            }),
        }
    }
}

fn sealed_thought(signature: Signature<'_>, place: Place) -> Part<'_> {
    place.holds(Content::Thinking(Thought {
        text: Text::default(),
        signature: Some(signature),
        redacted: true,
    }))
}

/// A sealed thought of Gemini's before a call is the proof of that call: this is how [`super::blocks`] writes
/// it.
fn seals_a_call(content: Content<'_>) -> Result<Signature<'_>, Content<'_>> {
    match content {
        Content::Thinking(Thought {
            signature: Some(signature),
            redacted: true,
            ..
        }) if signature.maker == Maker::Gemini => Ok(signature),
        content => Err(content),
    }
}

/// A string is one block of text.
fn blocks(said: Said<'_>) -> impl Iterator<Item = Block<'_>> {
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

fn read_system(system: Said<'_>) -> Result<Vec<Part<'_>>, Untranslatable> {
    let parts = blocks(system).enumerate().map(|(at, block)| {
        let place = Place {
            list: "system",
            message: None,
            part: Some(at),
            inner: None,
        };
        let content = read_block(block, &place, None)?;
        Ok(place.holds(content))
    });
    parts.collect()
}

/// Reads a block of a message of `role`, or, with none, one that must be text.
fn read_block<'a>(
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

fn read_tool(at: usize, tool: body::Tool<'_>) -> Result<Tool<'_>, Untranslatable> {
    let body::Tool {
        r#type,
        name,
        description,
        input_schema,
        strict,
        allowed_callers,
        input_examples,
        ..
    } = tool;
    let refuse =
        |field: &str, why: &'static str| Untranslatable::named(format!("tools.{at}.{field}"), why);
    if let Some(kind) = r#type.filter(|kind| **kind != *"custom") {
        return Err(refuse::own_tool(at, &kind));
    }
    if allowed_callers.is_some_and(|callers| callers.iter().any(|caller| **caller != *"direct")) {
        return Err(refuse(
            "allowed_callers",
            "names tools that only Anthropic runs",
        ));
    }
    if input_examples.is_some_and(|examples| !is_empty(&examples)) {
        return Err(refuse(
            "input_examples",
            "is something that other providers do not have",
        ));
    }
    Ok(Tool {
        name: name.ok_or_else(|| refuse("name", "is missing"))?,
        description,
        parameters: Some(input_schema.ok_or_else(|| refuse("input_schema", "is missing"))?),
        strict,
    })
}

type Choice<'a> = (Option<ToolChoice<'a>>, Option<bool>);

fn read_tool_choice(choice: body::ToolChoice<'_>) -> Result<Choice<'_>, Untranslatable> {
    let body::ToolChoice {
        r#type,
        name,
        disable_parallel_tool_use,
    } = choice;
    let choice = match (r#type.as_deref(), name) {
        (Some("auto"), None) => ToolChoice::Auto,
        (Some("any"), None) => ToolChoice::Any,
        (Some("none"), None) => ToolChoice::None,
        (Some("tool"), Some(name)) => ToolChoice::Named(name),
        (Some("tool"), None) => {
            return Err(Untranslatable::named("tool_choice.name", "is missing"));
        }
        (Some("auto" | "any" | "none"), Some(_)) => {
            return Err(Untranslatable::named(
                "tool_choice.name",
                "is only for the type `tool`",
            ));
        }
        (Some(kind), _) => {
            let why = format!(
                "is `{}`, which other providers do not have",
                refuse::short(kind)
            );
            return Err(Untranslatable::named("tool_choice.type", why));
        }
        (None, _) => return Err(Untranslatable::named("tool_choice.type", "is missing")),
    };
    Ok((
        Some(choice),
        disable_parallel_tool_use.map(|disabled| !disabled),
    ))
}

/// Anthropic holds the model to every schema.
fn read_format<'a>(format: body::Format<'a>, place: &str) -> Result<Format<'a>, Untranslatable> {
    let body::Format { r#type, schema } = format;
    match r#type.as_deref() {
        Some("json_schema") => {}
        Some(kind) => {
            let why = format!(
                "is `{}`, which other providers do not have",
                refuse::short(kind)
            );
            return Err(Untranslatable::named(format!("{place}.type"), why));
        }
        None => return Err(Untranslatable::named(format!("{place}.type"), "is missing")),
    }
    Ok(Format::Schema {
        name: None,
        description: None,
        schema: schema
            .ok_or_else(|| Untranslatable::named(format!("{place}.schema"), "is missing"))?,
        strict: Some(true),
    })
}

/// A place in the body, spelled only when it is refused.
#[derive(Debug, Clone, Copy)]
struct Place {
    list: &'static str,
    message: Option<usize>,
    part: Option<usize>,
    inner: Option<usize>,
}

impl Place {
    fn message(at: usize) -> Place {
        Place {
            list: "messages",
            message: Some(at),
            part: None,
            inner: None,
        }
    }

    fn part(self, at: usize) -> Place {
        Place {
            part: Some(at),
            ..self
        }
    }

    fn holds(self, content: Content<'_>) -> Part<'_> {
        let count = |at: Option<usize>| u32::try_from(at.unwrap_or_default()).unwrap_or(u32::MAX);
        Part {
            content,
            at: At {
                message: count(self.message),
                part: count(self.part),
            },
        }
    }

    /// Refuses the place itself, or a field of it.
    fn refuse(
        &self,
        field: &str,
        why: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Untranslatable {
        let name = if field.is_empty() {
            self.to_string()
        } else {
            format!("{self}.{field}")
        };
        Untranslatable::named(name, why)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.list)?;
        if let Some(at) = self.message {
            write!(f, ".{at}")?;
        }
        match (self.message, self.part) {
            (Some(_), Some(part)) => write!(f, ".content.{part}")?,
            (None, Some(part)) => write!(f, ".{part}")?,
            (_, None) => {}
        }
        match self.inner {
            Some(at) => write!(f, ".content.{at}"),
            None => Ok(()),
        }
    }
}

fn need<T>(value: Option<T>, place: &Place, field: &str) -> Result<T, Untranslatable> {
    value.ok_or_else(|| place.refuse(field, "is missing"))
}
