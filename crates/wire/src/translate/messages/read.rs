//! A request is read.
//!
//! Promises: a block has the fields of its kind and no others; what talk has no word for is refused by name.
//!
//! Must not know: which provider will be asked.

use super::{
    super::{
        Untranslatable,
        talk::{
            Content, Format, Maker, Part, Prompt, Role, Signature, Thought, Tool, ToolCall,
            ToolChoice, Turn,
        },
        text::Text,
    },
    body::{self, Body, Said},
    refuse, thinking,
};

mod block;
mod place;

pub(super) use block::BLOCKS;
use block::{blocks, is_empty, read_block};
use place::Place;

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
