//! Writes what a provider is asked.
//!
//! Promises: nothing is stored (`store: false`), and thinking comes back sealed, so that it can be handed back.
//! The first part of the system prompt is `instructions`; further ones are a message of the developer, which
//! has the same weight. A function that is not said to be strict is said not to be, since strict is what
//! OpenAI takes silence for. Thoughts without a signature of OpenAI's are left out, text and all: OpenAI takes
//! back only what it can unseal. An error of a tool is an output of status `incomplete`. An amount of thinking
//! in tokens is the least effort that allows them.

use std::{borrow::Cow, collections::HashSet};

use serde_json::Number;

mod shapes;

use super::{custom, media, read::EFFORTS, sealed};
use crate::translate::{
    Setting, Spot, Target, Untranslatable,
    talk::{
        Amount, Content, Effort, Format, Maker, Part, Prompt, Role, Thinking, Thought, Tool,
        ToolCall, ToolChoice, ToolResult, Turn,
    },
    text::Text,
};
use shapes::{
    Choice, FormatShape, Item, Named, Output, Piece, Reasoning, Request, Summary, TextConfig,
    ToolShape, Words,
};

/// The longest name of a user that OpenAI takes.
const USER_CHARS: usize = 64;

/// Writes a request.
///
/// # Errors
/// What OpenAI Responses has no words for.
pub fn write_prompt(prompt: &Prompt<'_>, target: Target<'_>) -> Result<Vec<u8>, Untranslatable> {
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

    let is_set = |number: &Option<Number>| {
        number
            .as_ref()
            .is_some_and(|number| number.as_f64() != Some(0.0))
    };
    let unknown = [
        (Setting::TopK, top_k.is_some()),
        (Setting::Seed, seed.is_some()),
        (Setting::PresencePenalty, is_set(presence_penalty)),
        (Setting::FrequencyPenalty, is_set(frequency_penalty)),
        (Setting::Stop, !stop.is_empty()),
    ];
    if let Some((setting, _)) = unknown.into_iter().find(|(_, stated)| *stated) {
        return Err(Untranslatable::at(
            Spot::Setting(setting),
            "is not something OpenAI Responses takes",
        ));
    }

    let mut items = Vec::with_capacity(turns.len() + 1);
    let instructions = write_system(system, &mut items)?;
    let mut customs = HashSet::new();
    for turn in turns {
        write_turn(turn, &mut customs, &mut items)?;
    }
    let thinks = thinking
        .as_ref()
        .is_some_and(|thinking| thinking.amount != Amount::Off);
    let request = Request {
        model: target.model,
        instructions,
        input: items,
        tools: tools.iter().map(write_tool).collect(),
        tool_choice: tool_choice.as_ref().map(write_choice),
        parallel_tool_calls: *parallel_tool_calls,
        max_output_tokens: *max_tokens,
        temperature: temperature.as_ref(),
        top_p: top_p.as_ref(),
        reasoning: thinking.as_ref().and_then(write_thinking),
        text: format.as_ref().map(write_format),
        safety_identifier: user.as_ref().map(write_user),
        include: if thinks {
            &["reasoning.encrypted_content"]
        } else {
            &[]
        },
        store: false,
        stream: *stream,
    };
    let mut body = Vec::with_capacity(prompt.room());
    match serde_json::to_writer(&mut body, &request) {
        Ok(()) => Ok(body),
        Err(error) => Err(Untranslatable::named(
            "",
            format!("cannot be written: {error}"),
        )),
    }
}

/// The instructions; what does not fit there becomes the first item.
fn write_system<'p>(
    system: &'p [Part<'_>],
    items: &mut Vec<Item<'p>>,
) -> Result<Option<&'p str>, Untranslatable> {
    let mut texts = Vec::with_capacity(system.len());
    for (index, part) in system.iter().enumerate() {
        match &part.content {
            Content::Text(text) => texts.push(&**text),
            Content::Media(_)
            | Content::ToolCall(_)
            | Content::ToolResult(_)
            | Content::Thinking(_)
            | Content::Refusal(_) => {
                let why = "is more than text, which OpenAI Responses does not take as instructions";
                return Err(Untranslatable::at(Spot::System(index), why));
            }
        }
    }
    let mut texts = texts.into_iter();
    // Empty instructions are none.
    let first = texts
        .as_slice()
        .first()
        .copied()
        .filter(|text| !text.is_empty());
    if first.is_some() {
        texts.next();
    }
    if !texts.as_slice().is_empty() {
        items.push(Item::Message {
            role: "developer",
            content: texts
                .map(|text| Piece::Words(Words::InputText { text }))
                .collect(),
        });
    }
    Ok(first)
}

/// `customs`: the calls of custom tools so far, whose results are told apart.
fn write_turn<'p>(
    turn: &'p Turn<'_>,
    customs: &mut HashSet<&'p str>,
    items: &mut Vec<Item<'p>>,
) -> Result<(), Untranslatable> {
    let Turn { role, parts } = turn;
    // What was said since the last item that is no message.
    let mut said = Vec::new();
    for part in parts {
        let Part { content, at } = part;
        let unsayable = |why: &'static str| Err(Untranslatable::at(Spot::Part(*at), why));
        match (content, role) {
            (Content::Text(text), Role::User) => said.push(Piece::Words(Words::InputText { text })),
            (Content::Text(text), Role::Assistant) => {
                said.push(Piece::Words(Words::OutputText { text }));
            }
            (Content::Refusal(refusal), Role::Assistant) => {
                said.push(Piece::Words(Words::Refusal { refusal }));
            }
            (Content::Media(media), Role::User) => {
                said.push(Piece::Media(media::write(media, *at)?));
            }
            (Content::Media(_), Role::Assistant) => {
                return unsayable("is a file of the model's, which OpenAI Responses does not take");
            }
            (Content::ToolCall(call), Role::Assistant) => {
                flush(*role, &mut said, items);
                if custom::unmarked(&call.name).is_some() {
                    customs.insert(&call.id);
                }
                write_call(call, items);
            }
            (Content::ToolResult(result), Role::User) => {
                flush(*role, &mut said, items);
                let is_custom = customs.contains(&*result.id);
                items.push(write_result(result, is_custom)?);
            }
            (Content::Thinking(thought), Role::Assistant) => {
                if let Some(item) = write_thought(thought) {
                    flush(*role, &mut said, items);
                    items.push(item);
                }
            }
            (Content::ToolCall(_) | Content::Thinking(_) | Content::Refusal(_), Role::User) => {
                return unsayable("is something that only the model can say");
            }
            (Content::ToolResult(_), Role::Assistant) => {
                return unsayable("is something that only the user can say");
            }
        }
    }
    flush(*role, &mut said, items);
    Ok(())
}

fn flush<'p>(role: Role, said: &mut Vec<Piece<'p>>, items: &mut Vec<Item<'p>>) {
    if said.is_empty() {
        return;
    }
    items.push(Item::Message {
        role: match role {
            Role::User => "user",
            Role::Assistant => "assistant",
        },
        content: std::mem::take(said),
    });
}

/// A signature that is not OpenAI's is left out: only its maker can read it.
fn write_call<'p>(call: &'p ToolCall<'_>, items: &mut Vec<Item<'p>>) {
    let ToolCall {
        id,
        name,
        arguments,
        signature,
    } = call;
    if let Some(signature) = signature
        .as_ref()
        .filter(|signature| signature.maker == Maker::OpenAi)
    {
        let (id, encrypted_content) = sealed::apart(sealed::thought(signature, false));
        items.push(Item::Reasoning {
            id,
            summary: Vec::new(),
            encrypted_content,
        });
    }
    items.push(match custom::unmarked(name) {
        Some(name) => Item::CustomToolCall {
            call_id: id,
            name,
            input: custom::unwrapped(arguments.get()),
        },
        None => Item::FunctionCall {
            call_id: id,
            name,
            arguments: arguments.get(),
        },
    });
}

fn write_result<'p>(
    result: &'p ToolResult<'_>,
    is_custom: bool,
) -> Result<Item<'p>, Untranslatable> {
    let ToolResult {
        id,
        // The call says it.
        name: _,
        parts,
        is_error,
    } = result;
    let output = match parts.as_slice() {
        [] => Output::Text(""),
        [
            Part {
                content: Content::Text(text),
                ..
            },
        ] => Output::Text(text),
        parts => {
            let mut pieces = Vec::with_capacity(parts.len());
            for Part { content, at } in parts {
                pieces.push(match content {
                    Content::Text(text) => Piece::Words(Words::InputText { text }),
                    Content::Media(media) => Piece::Media(media::write(media, *at)?),
                    Content::ToolCall(_)
                    | Content::ToolResult(_)
                    | Content::Thinking(_)
                    | Content::Refusal(_) => {
                        let why = "is nothing that a tool can answer";
                        return Err(Untranslatable::at(Spot::Part(*at), why));
                    }
                });
            }
            Output::Pieces(pieces)
        }
    };
    let (call_id, status) = (&**id, is_error.then_some("incomplete"));
    Ok(match is_custom {
        true => Item::CustomToolCallOutput {
            call_id,
            output,
            status,
        },
        false => Item::FunctionCallOutput {
            call_id,
            output,
            status,
        },
    })
}

fn write_thought<'p>(thought: &'p Thought<'_>) -> Option<Item<'p>> {
    let Thought {
        text,
        signature,
        redacted,
    } = thought;
    let signature = signature
        .as_ref()
        .filter(|signature| signature.maker == Maker::OpenAi)?;
    let (id, encrypted_content) = sealed::apart(sealed::thought(signature, *redacted));
    Some(Item::Reasoning {
        id,
        summary: if text.is_empty() {
            Vec::new()
        } else {
            vec![Summary { text }]
        },
        encrypted_content,
    })
}

fn write_tool<'p>(tool: &'p Tool<'_>) -> ToolShape<'p> {
    let Tool {
        name,
        description,
        parameters,
        strict,
    } = tool;
    match custom::unmarked(name) {
        Some(name) => ToolShape::Custom {
            name,
            description: custom::described(description.as_ref()),
        },
        None => ToolShape::Function {
            name,
            description: description.as_deref(),
            parameters: parameters.as_ref(),
            strict: strict.unwrap_or(false),
        },
    }
}

fn write_choice<'p>(choice: &'p ToolChoice<'_>) -> Choice<'p> {
    match choice {
        ToolChoice::Auto => Choice::Word("auto"),
        ToolChoice::None => Choice::Word("none"),
        ToolChoice::Any => Choice::Word("required"),
        ToolChoice::Named(name) => Choice::Named(match custom::unmarked(name) {
            Some(name) => Named {
                r#type: "custom",
                name,
            },
            None => Named {
                r#type: "function",
                name,
            },
        }),
    }
}

/// As much as the model sees fit, and not shown, is what OpenAI does unasked.
fn write_thinking(thinking: &Thinking) -> Option<Reasoning> {
    let Thinking { amount, shown } = thinking;
    let word = |effort: Effort| {
        EFFORTS
            .iter()
            .find(|(_, known)| *known == effort)
            .map(|(word, _)| *word)
    };
    let effort = match amount {
        Amount::Off => Some("none"),
        Amount::Adaptive => None,
        Amount::Tokens(tokens) => word(Effort::of_tokens(*tokens)),
        Amount::Effort(effort) => word(*effort),
    };
    let summary = (*shown == Some(true)).then_some("auto");
    (effort.is_some() || summary.is_some()).then_some(Reasoning { effort, summary })
}

fn write_format<'p>(format: &'p Format<'_>) -> TextConfig<'p> {
    let format = match format {
        Format::Json => FormatShape::JsonObject,
        Format::Schema {
            name,
            description,
            schema,
            strict,
        } => FormatShape::JsonSchema {
            // OpenAI demands one.
            name: name.as_deref().unwrap_or("answer"),
            description: description.as_deref(),
            schema,
            strict: *strict,
        },
    };
    TextConfig { format }
}

/// A name that is too long for OpenAI is hashed, as its reference recommends of all.
fn write_user<'p>(user: &'p Text<'_>) -> Cow<'p, str> {
    if user.chars().count() <= USER_CHARS {
        Cow::Borrowed(user)
    } else {
        Cow::Owned(blake3::hash(user.as_bytes()).to_hex().to_string())
    }
}
