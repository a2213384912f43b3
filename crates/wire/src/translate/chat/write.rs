//! Writes a Chat request.
//!
//! Promises: nothing of a prompt is left unsaid but thoughts and whether to show them (see [`super`]); what
//! Chat has no field for is said in words where words will do (that a tool failed, which file belongs to
//! which result), and refused where they will not.
//!
//! Must not know: which server it is for. Where servers differ, OpenAI's own API decides.

mod body;
mod turn;

use body::{Body, Choice, Message, Piece, Request, StreamOptions, WrittenFormat, WrittenTool};
pub(super) use body::{Call, Called, Extra};

use super::read::EFFORTS;
use crate::translate::{
    Setting, Spot, Target, Untranslatable,
    talk::{Amount, Content, Effort, Part, Prompt, Thinking, ToolChoice},
};

type Written<T> = Result<T, Untranslatable>;

/// Writes the body of a request.
///
/// # Errors
/// What Chat cannot say.
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
        // The books want usage always; whether the client does is the encoder's affair.
        stream_usage: _,
    } = prompt;
    if top_k.is_some() {
        return Err(Untranslatable::at(
            Spot::Setting(Setting::TopK),
            "is not something Chat Completions takes",
        ));
    }
    let mut messages = Vec::with_capacity(turns.len() + 1);
    messages.extend(system_message(system)?);
    for turn in turns {
        turn::write_turn(turn, &mut messages)?;
    }
    // Without tools, OpenAI refuses words about them, and so far they say nothing.
    let (choice, parallel) = match (tools.is_empty(), tool_choice) {
        (true, None | Some(ToolChoice::Auto | ToolChoice::None)) => (None, None),
        (true, choice) => (choice.as_ref(), None),
        (false, choice) => (choice.as_ref(), *parallel_tool_calls),
    };
    let request = Request {
        model: target.model,
        messages,
        tools: tools.iter().map(WrittenTool::from).collect(),
        tool_choice: choice.map(Choice::from),
        parallel_tool_calls: parallel,
        max_completion_tokens: *max_tokens,
        temperature: temperature.as_ref(),
        top_p: top_p.as_ref(),
        seed: *seed,
        presence_penalty: presence_penalty.as_ref(),
        frequency_penalty: frequency_penalty.as_ref(),
        stop: stop.iter().map(|text| &**text).collect(),
        reasoning_effort: thinking.as_ref().and_then(effort),
        response_format: format.as_ref().map(WrittenFormat::from),
        user: user.as_deref(),
        stream: stream.then_some(true),
        stream_options: stream.then_some(StreamOptions {
            include_usage: true,
        }),
    };
    let mut body = Vec::with_capacity(prompt.room());
    // Only keys that are no strings can fail, and there are none.
    let _ = serde_json::to_writer(&mut body, &request);
    Ok(body)
}

/// An effort in words; `None` where the model decides.
fn effort(thinking: &Thinking) -> Option<&'static str> {
    let Thinking {
        amount,
        // Servers show what they show.
        shown: _,
    } = thinking;
    let amount = match amount {
        Amount::Adaptive => return None,
        Amount::Tokens(0) => Amount::Off,
        Amount::Tokens(tokens) => Amount::Effort(Effort::of_tokens(*tokens)),
        Amount::Off | Amount::Effort(_) => *amount,
    };
    EFFORTS
        .iter()
        .find(|(_, one)| *one == amount)
        .map(|(word, _)| *word)
}

fn system_message<'p>(system: &'p [Part<'p>]) -> Written<Option<Message<'p>>> {
    let mut pieces = Vec::with_capacity(system.len());
    for (index, part) in system.iter().enumerate() {
        match &part.content {
            Content::Text(text) => pieces.push(Piece::text(&**text)),
            Content::Media(_)
            | Content::ToolCall(_)
            | Content::ToolResult(_)
            | Content::Thinking(_)
            | Content::Refusal(_) => {
                return Err(Untranslatable::at(
                    Spot::System(index),
                    "is no text, and a system message of Chat Completions takes nothing else",
                ));
            }
        }
    }
    Ok(Body::of(pieces).map(|body| Message {
        content: Some(body),
        ..Message::of("system")
    }))
}
