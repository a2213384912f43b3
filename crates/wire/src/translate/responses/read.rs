//! Reads what a client asks.

use super::{
    ONLY, WHOLE, custom, faults,
    items::Conversation,
    shapes::{ChoiceShape, FormatShape, ReasoningShape, Request, TextOr, ToolShape},
};
use crate::translate::{
    Untranslatable,
    talk::{Amount, At, Content, Effort, Format, Part, Prompt, Thinking, Tool, ToolChoice},
    text::Text,
};

/// The efforts that have names.
pub(super) const EFFORTS: &[(&str, Effort)] = &[
    ("minimal", Effort::Minimal),
    ("low", Effort::Low),
    ("medium", Effort::Medium),
    ("high", Effort::High),
    ("xhigh", Effort::XHigh),
    ("max", Effort::Max),
];

/// Reads a request.
///
/// # Errors
/// What cannot be said to another provider, by the client's name for it.
pub fn read_prompt(body: &str) -> Result<Prompt<'_>, Untranslatable> {
    let request: Request<'_> =
        serde_json::from_str(body).map_err(|error| faults::explain(body, &error))?;
    let Request {
        model: _,
        input,
        instructions,
        tools,
        tool_choice,
        parallel_tool_calls,
        max_output_tokens,
        temperature,
        top_p,
        reasoning,
        text,
        user,
        safety_identifier,
        stream,
        previous_response_id,
        conversation,
        prompt,
        background,
        truncation,
        max_tool_calls,
        top_logprobs,
        include,
        stream_options: _,
        store: _,
        metadata: _,
        service_tier: _,
        prompt_cache_key: _,
        prompt_cache_retention: _,
        prompt_cache_options: _,
        client_metadata: _,
    } = request;

    let refused = [
        (
            "previous_response_id",
            previous_response_id.is_some(),
            "names an answer that OpenAI would have stored; nothing is stored here: send the whole conversation as `input`",
        ),
        (
            "conversation",
            conversation.is_some(),
            "names a conversation that OpenAI would have stored; nothing is stored here: send it whole as `input`",
        ),
        (
            "prompt",
            prompt.is_some(),
            "names a prompt that lies with OpenAI; send its text",
        ),
        (
            "background",
            background == Some(true),
            "asks for an answer that is fetched later; nothing is stored here",
        ),
        (
            "truncation",
            !matches!(truncation.as_deref(), None | Some("disabled")),
            "lets OpenAI drop parts of a conversation that is too long, which other providers do not; say `disabled`",
        ),
        (
            "max_tool_calls",
            max_tool_calls.is_some(),
            "limits the tools that OpenAI runs, which other providers do not have",
        ),
        (
            "top_logprobs",
            top_logprobs.is_some_and(|count| count > 0),
            "asks how sure the model is of each token, which other providers do not say",
        ),
    ];
    if let Some((name, _, why)) = refused.iter().find(|(_, stated, _)| *stated) {
        return Err(Untranslatable::named(*name, *why));
    }
    for (index, wish) in include.into_iter().flatten().enumerate() {
        if wish != *"reasoning.encrypted_content" {
            let why =
                format!("(`{wish}`) asks for something that other providers' answers do not hold");
            return Err(Untranslatable::named(format!("include.{index}"), why));
        }
    }

    let mut talk = Conversation::default();
    if let Some(text) = instructions.filter(|text| !text.is_empty()) {
        talk.system.push(Part::from(Content::Text(text)));
    }
    match input.ok_or_else(|| faults::missing("input"))? {
        TextOr::Text(text) => talk.say(
            text,
            At {
                message: ONLY,
                part: WHOLE,
            },
        ),
        TextOr::Other(items) => {
            for (index, item) in items.into_iter().enumerate() {
                talk.add(index, item)?;
            }
        }
    }

    Ok(Prompt {
        system: talk.system,
        turns: talk.turns,
        tools: read_tools(tools.unwrap_or_default())?,
        tool_choice: tool_choice.map(read_choice).transpose()?,
        parallel_tool_calls,
        max_tokens: max_output_tokens,
        temperature,
        top_p,
        thinking: reasoning.map(read_thinking).transpose()?.flatten(),
        format: text
            .and_then(|text| text.format)
            .map(read_format)
            .transpose()?
            .flatten(),
        user: read_user(user, safety_identifier)?,
        stream: stream.unwrap_or(false),
        ..Prompt::default()
    })
}

fn read_tools<'a>(shapes: Vec<ToolShape<'a>>) -> Result<Vec<Tool<'a>>, Untranslatable> {
    let mut tools = Vec::with_capacity(shapes.len());
    for (index, shape) in shapes.into_iter().enumerate() {
        let place = format!("tools.{index}");
        if shape.defer_loading == Some(true) {
            let why = "keeps the tool from the model until it is searched for, which other providers do not do";
            return Err(Untranslatable::named(format!("{place}.defer_loading"), why));
        }
        tools.push(match shape.r#type.as_deref() {
            Some("function") => read_function(&place, shape)?,
            Some("custom") => custom::read(&place, shape)?,
            Some(other) => return Err(faults::kind(place, other)),
            None => return Err(faults::missing(format!("{place}.type"))),
        });
    }
    Ok(tools)
}

fn read_function<'a>(place: &str, shape: ToolShape<'a>) -> Result<Tool<'a>, Untranslatable> {
    let ToolShape {
        r#type: _,
        name,
        description,
        parameters,
        strict,
        format,
        defer_loading: _,
    } = shape;
    if format.is_some() {
        return Err(faults::stray(format!("{place}.format")));
    }
    let name = name.ok_or_else(|| faults::missing(format!("{place}.name")))?;
    if custom::unmarked(&name).is_some() {
        let why = format!(
            "ends with `{}`, which is how custom tools are marked here",
            custom::MARK
        );
        return Err(Untranslatable::named(format!("{place}.name"), why));
    }
    Ok(Tool {
        name,
        description,
        parameters,
        strict,
    })
}

fn read_choice<'a>(choice: TextOr<'a, ChoiceShape<'a>>) -> Result<ToolChoice<'a>, Untranslatable> {
    match choice {
        TextOr::Text(word) => match &*word {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" => Ok(ToolChoice::Any),
            other => Err(Untranslatable::named(
                "tool_choice",
                format!("is `{other}`, which is none of auto, none and required"),
            )),
        },
        TextOr::Other(ChoiceShape { r#type, name }) => {
            let kind = r#type.ok_or_else(|| faults::missing("tool_choice.type"))?;
            let name = name.ok_or_else(|| faults::missing("tool_choice.name"));
            match &*kind {
                "function" => name.map(ToolChoice::Named),
                "custom" => name.map(|name| ToolChoice::Named(custom::marked(&name))),
                other => Err(faults::kind("tool_choice", other)),
            }
        }
    }
}

fn read_thinking(reasoning: ReasoningShape<'_>) -> Result<Option<Thinking>, Untranslatable> {
    let ReasoningShape {
        effort,
        summary,
        generate_summary,
        _context,
    } = reasoning;
    let amount = match effort.as_deref() {
        None => None,
        Some("none") => Some(Amount::Off),
        Some(word) => match EFFORTS.iter().find(|(name, _)| *name == word) {
            Some((_, effort)) => Some(Amount::Effort(*effort)),
            None => {
                let why = format!("is `{word}`, which is no known effort");
                return Err(Untranslatable::named("reasoning.effort", why));
            }
        },
    };
    // How long a summary is, other providers do not let a client say.
    let shown = match summary.or(generate_summary).as_deref() {
        None => None,
        Some("none") => Some(false),
        Some("auto" | "concise" | "detailed") => Some(true),
        Some(word) => {
            let why = format!("is `{word}`, which is none of auto, concise and detailed");
            return Err(Untranslatable::named("reasoning.summary", why));
        }
    };
    Ok(match (amount, shown) {
        (None, None) => None,
        (amount, shown) => Some(Thinking {
            amount: amount.unwrap_or(Amount::Adaptive),
            shown,
        }),
    })
}

fn read_format(format: FormatShape<'_>) -> Result<Option<Format<'_>>, Untranslatable> {
    let FormatShape {
        r#type,
        name,
        description,
        schema,
        strict,
    } = format;
    let stated = [
        ("name", name.is_some()),
        ("description", description.is_some()),
        ("schema", schema.is_some()),
        ("strict", strict.is_some()),
    ];
    if let (None | Some("text" | "json_object"), Some((field, _))) =
        (r#type.as_deref(), stated.iter().find(|(_, stated)| *stated))
    {
        return Err(faults::stray(format!("text.format.{field}")));
    }
    match r#type.as_deref() {
        Some("text") | None => Ok(None),
        Some("json_object") => Ok(Some(Format::Json)),
        Some("json_schema") => Ok(Some(Format::Schema {
            name,
            description,
            schema: schema.ok_or_else(|| faults::missing("text.format.schema"))?,
            strict,
        })),
        Some(other) => Err(faults::kind("text.format", other)),
    }
}

/// `safety_identifier` is what `user` became.
fn read_user<'a>(
    user: Option<Text<'a>>,
    safety_identifier: Option<Text<'a>>,
) -> Result<Option<Text<'a>>, Untranslatable> {
    match (user, safety_identifier) {
        (Some(user), Some(identifier)) if user != identifier => Err(Untranslatable::named(
            "user",
            "says something else than `safety_identifier`, and only one can be said to another provider",
        )),
        (user, identifier) => Ok(identifier.or(user)),
    }
}
