//! A request is written for an Anthropic account.
//!
//! Promises: what Anthropic has no word for is refused before anything is sent; what it would refuse itself,
//! such as settings that do not go together, is sent as the client said it, so that Anthropic's reason
//! reaches the client.
//!
//! Left out are texts without a word, which Anthropic refuses, and thoughts and proofs of other makers, which
//! it cannot check.
//!
//! Must not know: the client's dialect.

use serde::Serialize;
use serde_json::{Number, value::RawValue};

use super::{
    super::{
        Setting, Spot, Target, Untranslatable,
        talk::{
            Amount, At, Content, Format, Maker, Media, MediaKind, Part, Prompt, Role, Source,
            Thought, Tool, ToolCall, ToolChoice, ToolResult, Turn,
        },
        text::{Json, Text},
    },
    blocks::{self, Block},
    thinking,
};

#[derive(Serialize)]
pub(super) struct Request<'p> {
    pub model: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<&'p Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<&'p Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub stop_sequences: &'p [Text<'p>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<thinking::Config>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_config: Option<OutputConfig<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Choice<'p>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolSpec<'p>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<Block<'p>>,
    pub messages: Vec<Message<'p>>,
}

#[derive(Serialize)]
pub(super) struct Metadata<'p> {
    user_id: &'p str,
}

#[derive(Serialize)]
pub(super) struct OutputConfig<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<JsonSchema<'p>>,
}

#[derive(Serialize)]
pub(super) struct JsonSchema<'p> {
    r#type: &'static str,
    schema: Schema<'p>,
}

/// A schema as it came, or with a description put in.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Schema<'p> {
    Theirs(&'p Json<'p>),
    Described(Box<RawValue>),
}

#[derive(Serialize)]
pub(super) struct Choice<'p> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'p Text<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct ToolSpec<'p> {
    name: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'p Text<'p>>,
    input_schema: &'p RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Message<'p> {
    role: &'static str,
    content: Vec<Block<'p>>,
}

/// Writes the body of `/v1/messages`.
///
/// # Errors
/// The first thing in the prompt that Anthropic has no word for.
pub fn write_prompt(prompt: &Prompt<'_>, target: Target<'_>) -> Result<Vec<u8>, Untranslatable> {
    encode(&request(prompt, target)?, prompt.room())
}

pub(super) fn encode(request: &Request<'_>, room: usize) -> Result<Vec<u8>, Untranslatable> {
    let mut body = Vec::with_capacity(room);
    match serde_json::to_writer(&mut body, request) {
        Ok(()) => Ok(body),
        Err(error) => Err(Untranslatable::named(
            "",
            format!("cannot be written: {error}"),
        )),
    }
}

pub(super) fn request<'p>(
    prompt: &'p Prompt<'p>,
    target: Target<'p>,
) -> Result<Request<'p>, Untranslatable> {
    let Prompt {
        system,
        turns,
        tools,
        tool_choice,
        parallel_tool_calls,
        max_tokens,
        temperature,
        top_p,
        top_k,
        seed,
        presence_penalty,
        frequency_penalty,
        stop,
        thinking,
        format,
        user,
        stream,
        stream_usage: _,
    } = prompt;
    if seed.is_some() {
        return Err(not_taken(Setting::Seed));
    }
    neutral(presence_penalty.as_ref(), Setting::PresencePenalty)?;
    neutral(frequency_penalty.as_ref(), Setting::FrequencyPenalty)?;
    if temperature
        .as_ref()
        .and_then(Number::as_f64)
        .is_some_and(|warmth| warmth > 1.0)
    {
        return Err(Untranslatable::at(
            Spot::Setting(Setting::Temperature),
            "is above 1, the highest that an Anthropic account takes",
        ));
    }
    let mut limit = max_tokens.unwrap_or(target.max_tokens);
    let thinking::Said { config, effort } = thinking::write(
        thinking
            .as_ref()
            .filter(|thinking| thinking.amount == Amount::Off || !goes_on_without_thought(turns)),
        target.model,
        &mut limit,
        max_tokens.is_some(),
    );
    let format = format.as_ref().map(json_schema).transpose()?;
    let output_config =
        (effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format });
    Ok(Request {
        model: target.model,
        max_tokens: Some(limit),
        stream: *stream,
        temperature: temperature.as_ref(),
        top_p: top_p.as_ref(),
        top_k: *top_k,
        stop_sequences: stop,
        metadata: user.as_ref().map(|user| Metadata { user_id: user }),
        thinking: config,
        output_config,
        tool_choice: choice(tool_choice.as_ref(), *parallel_tool_calls, tools.is_empty()),
        tools: tools.iter().map(tool).collect(),
        system: words(system)?,
        messages: turns
            .iter()
            .filter_map(|turn| message(turn).transpose())
            .collect::<Result<_, _>>()?,
    })
}

fn not_taken(setting: Setting) -> Untranslatable {
    Untranslatable::at(
        Spot::Setting(setting),
        "is not something an Anthropic account takes",
    )
}

/// A penalty of nothing is what Anthropic does anyway.
fn neutral(penalty: Option<&Number>, setting: Setting) -> Result<(), Untranslatable> {
    match penalty.and_then(Number::as_f64) {
        Some(penalty) if penalty != 0.0 => Err(not_taken(setting)),
        _ => Ok(()),
    }
}

fn json_schema<'p>(format: &'p Format<'p>) -> Result<JsonSchema<'p>, Untranslatable> {
    // The name is a label. Anthropic holds the model to every schema, also where it need not.
    let (description, schema) = match format {
        Format::Json => {
            return Err(Untranslatable::at(
                Spot::Setting(Setting::Format),
                "asks for JSON without a schema, which is not something an Anthropic account takes",
            ));
        }
        Format::Schema {
            name: _,
            description,
            schema,
            strict: _,
        } => (description, schema),
    };
    let schema = match description {
        None => Schema::Theirs(schema),
        Some(description) => Schema::Described(described(schema, description)?),
    };
    Ok(JsonSchema {
        r#type: "json_schema",
        schema,
    })
}

/// Anthropic's formats have no description of their own, but schemas do.
fn described(schema: &Json<'_>, description: &str) -> Result<Box<RawValue>, Untranslatable> {
    #[derive(serde::Deserialize)]
    struct Own {
        description: Option<serde::de::IgnoredAny>,
    }
    let refused = || {
        Untranslatable::at(
            Spot::Setting(Setting::Format),
            "has a description beside its schema's, which is not something an Anthropic account takes",
        )
    };
    let own = serde_json::from_str::<Own>(schema.get()).map_err(|_| refused())?;
    let fields = schema.get().strip_prefix('{').ok_or_else(refused)?;
    if own.description.is_some() {
        return Err(refused());
    }
    let comma = if fields.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    let description = serde_json::Value::from(description);
    RawValue::from_string(format!("{{\"description\":{description}{comma}{fields}"))
        .map_err(|_| refused())
}

/// A choice that changes nothing is left unsaid where there are no tools: Anthropic refuses any there.
fn choice<'p>(
    choice: Option<&'p ToolChoice<'p>>,
    parallel: Option<bool>,
    no_tools: bool,
) -> Option<Choice<'p>> {
    let (r#type, name) = match choice {
        None | Some(ToolChoice::Auto | ToolChoice::None) if no_tools => return None,
        None if parallel != Some(false) => return None,
        None | Some(ToolChoice::Auto) => ("auto", None),
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Any) => ("any", None),
        Some(ToolChoice::Named(name)) => ("tool", Some(name)),
    };
    Some(Choice {
        r#type,
        name,
        // Who calls none calls no two at once.
        disable_parallel_tool_use: parallel
            .filter(|_| r#type != "none")
            .map(|parallel| !parallel),
    })
}

fn tool<'p>(tool: &'p Tool<'p>) -> ToolSpec<'p> {
    let Tool {
        name,
        description,
        parameters,
        strict,
    } = tool;
    ToolSpec {
        name,
        description: description.as_ref(),
        input_schema: match parameters {
            Some(Json::Borrowed(schema)) => schema,
            Some(Json::Owned(schema)) => schema,
            None => no_parameters(),
        },
        strict: *strict,
    }
}

/// The schema of a tool that takes nothing.
fn no_parameters() -> &'static RawValue {
    serde_json::from_str(r#"{"type":"object","properties":{}}"#).unwrap_or(RawValue::TRUE)
}

fn words<'p>(system: &'p [Part<'p>]) -> Result<Vec<Block<'p>>, Untranslatable> {
    let mut blocks = Vec::with_capacity(system.len());
    for (at, part) in system.iter().enumerate() {
        match &part.content {
            Content::Text(text) | Content::Refusal(text) if blocks::is_blank(text) => {}
            Content::Text(text) | Content::Refusal(text) => blocks.push(Block::Text { text }),
            Content::Media(_)
            | Content::ToolCall(_)
            | Content::ToolResult(_)
            | Content::Thinking(_) => {
                return Err(Untranslatable::at(
                    Spot::System(at),
                    "is no text, and an Anthropic account takes nothing else as a system prompt",
                ));
            }
        }
    }
    Ok(blocks)
}

/// Nothing where nothing of the turn is written.
fn message<'p>(turn: &'p Turn<'p>) -> Result<Option<Message<'p>>, Untranslatable> {
    let Turn { role, parts } = turn;
    let mut content = Vec::with_capacity(parts.len());
    // Anthropic wants results before whatever else the user says.
    let is_result = |part: &Part<'_>| matches!(part.content, Content::ToolResult(_));
    let rest = |part: &&Part<'_>| !is_result(part);
    for part in parts
        .iter()
        .filter(|part| is_result(part))
        .chain(parts.iter().filter(rest))
    {
        content.extend(block(part)?);
    }
    let role = match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    Ok((!content.is_empty()).then_some(Message { role, content }))
}

/// Nothing for what Anthropic would refuse, or could not check.
fn block<'p>(part: &'p Part<'p>) -> Result<Option<Block<'p>>, Untranslatable> {
    let Part { content, at } = part;
    Ok(match content {
        // Anthropic has no blocks for refusals: what the model said was said.
        Content::Text(text) | Content::Refusal(text) => {
            (!blocks::is_blank(text)).then_some(Block::Text { text })
        }
        Content::Media(media) => Some(file(media, *at)?),
        Content::ToolCall(call) => Some(tool_use(call, *at)?),
        Content::ToolResult(result) => Some(tool_result(result)?),
        Content::Thinking(thought) => is_anthropics(thought).then(|| blocks::thought(thought)),
    })
}

fn is_anthropics(thought: &Thought<'_>) -> bool {
    let signature = thought.signature.as_ref();
    signature.is_some_and(|signature| signature.maker == Maker::Anthropic)
}

/// Its proof, if it has one, is another provider's.
fn tool_use<'p>(call: &'p ToolCall<'p>, at: At) -> Result<Block<'p>, Untranslatable> {
    let ToolCall {
        id,
        name,
        arguments,
        signature: _,
    } = call;
    if !arguments.is_object() {
        return Err(Untranslatable::at(
            Spot::Part(at),
            "calls a tool with arguments that are no JSON object, which is not something an Anthropic account takes",
        ));
    }
    Ok(Block::ToolUse {
        id: blocks::id(id),
        name,
        input: arguments,
    })
}

fn tool_result<'p>(result: &'p ToolResult<'p>) -> Result<Block<'p>, Untranslatable> {
    let ToolResult {
        id,
        name: _,
        parts,
        is_error,
    } = result;
    let content = parts.iter().filter_map(|part| block(part).transpose());
    Ok(Block::ToolResult {
        tool_use_id: blocks::id(id),
        content: content.collect::<Result<_, _>>()?,
        is_error: *is_error,
    })
}

const PDF: &str = "application/pdf";

/// The name of a picture is a label; that of a document is its title.
fn file<'p>(media: &'p Media<'p>, at: At) -> Result<Block<'p>, Untranslatable> {
    let Media {
        kind,
        mime,
        source,
        name,
    } = media;
    let refused = |why: &'static str| Err(Untranslatable::at(Spot::Part(at), why));
    let mime = mime.as_deref();
    let source = match (kind, source, mime) {
        (MediaKind::Audio, _, _) => {
            return refused("is sound, which is not something an Anthropic account takes");
        }
        (MediaKind::Video, _, _) => {
            return refused("is a video, which is not something an Anthropic account takes");
        }
        (_, Source::File(_), _) => {
            return refused("is a file that is kept with another provider than Anthropic");
        }
        (MediaKind::Image, Source::Base64(data), Some(media_type)) => {
            blocks::Source::Base64 { media_type, data }
        }
        (MediaKind::Image, Source::Base64(_), None) => {
            return refused("is a picture that does not say its type");
        }
        (MediaKind::Image, Source::Plain(_), _) => return refused("is a picture given as text"),
        (MediaKind::Document, Source::Base64(data), Some(PDF)) => blocks::Source::Base64 {
            media_type: PDF,
            data,
        },
        (MediaKind::Document, Source::Plain(data), _) => blocks::Source::Text {
            media_type: "text/plain",
            data,
        },
        (MediaKind::Image, Source::Url(url), _)
        | (MediaKind::Document, Source::Url(url), None | Some(PDF)) => blocks::Source::Url { url },
        (MediaKind::Document, Source::Base64(_) | Source::Url(_), _) => {
            return refused(
                "is a document that is neither a PDF nor plain text, which an Anthropic account does not take",
            );
        }
    };
    Ok(match kind {
        MediaKind::Document => Block::Document {
            source,
            title: name.as_ref(),
        },
        MediaKind::Image | MediaKind::Audio | MediaKind::Video => Block::Image { source },
    })
}

/// Whether the answer goes on with a round of tools that began without thinking, as far as this provider can
/// tell: Anthropic takes a round as one answer, which thinks from its beginning or not at all.
fn goes_on_without_thought(turns: &[Turn<'_>]) -> bool {
    let Some(Turn {
        role: Role::User,
        parts,
    }) = turns.last()
    else {
        return false;
    };
    let answers_tools = parts
        .iter()
        .any(|part| matches!(part.content, Content::ToolResult(_)));
    let before = turns.iter().rev().find(|turn| turn.role == Role::Assistant);
    let first = before.and_then(|turn| turn.parts.first());
    let thinks = first.is_some_and(|part| match &part.content {
        Content::Thinking(thought) => is_ours(thought),
        _ => false,
    });
    answers_tools && !thinks
}

fn is_ours(thought: &Thought<'_>) -> bool {
    let signature = thought.signature.as_ref();
    signature.is_some_and(|signature| signature.maker == Maker::Anthropic)
}
