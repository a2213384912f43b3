//! Writes a request to Gemini.
//!
//! Promises: the results of calls that stood side by side stand side by side, in the order of the calls;
//! what cannot be said is refused before anything is sent.
//!
//! Must not know: whose request it is.

use std::collections::HashMap;

use super::super::{
    Setting, Spot, Target, Untranslatable,
    talk::{
        Content, Maker, Media, Part, Prompt, Role, Source, Thought, ToolCall, ToolResult, Turn,
    },
    text::Json,
};
use super::{
    NO_SIGNATURE,
    declarations::{write_choice, write_tools},
    files::{blob, untyped, write_media},
    generation,
    out::Group,
    parts::outcome,
    settings::{self, Settings},
    write_signature,
};

/// Writes the body of `generateContent` and `streamGenerateContent`; model and streaming stand in the path.
///
/// What is left out, and why:
/// - thoughts that Gemini did not sign: it could not check them, and does without;
/// - [`Prompt::user`]: Gemini has no field for who the request is for, and answers nobody differently;
/// - the names of files: labels, for which Gemini has no field;
/// - a tool's `strict` that is not `true`, and a schema's `strict`: the model is always held to the schema of
///   an answer;
/// - the length that a dialect demands where the client gave none: Gemini demands none.
///
/// # Errors
/// What Gemini has no words for.
pub fn write_prompt(prompt: &Prompt<'_>, target: Target<'_>) -> Result<Vec<u8>, Untranslatable> {
    let mut out = Vec::with_capacity(prompt.room());
    let mut body = Group::object(&mut out);
    members(prompt, target, &mut body)?;
    body.close();
    Ok(out)
}

/// The members of a request's body.
pub(super) fn members(
    prompt: &Prompt<'_>,
    target: Target<'_>,
    body: &mut Group<'_>,
) -> Result<(), Untranslatable> {
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
        user: _,
        stream: _,
        stream_usage: _,
    } = prompt;
    let Target {
        model,
        max_tokens: _,
    } = target;
    if !system.is_empty() {
        write_system(system, body)?;
    }
    let mut writer = Contents {
        calls: calls_of(turns),
        demands_signatures: generation(model).is_some_and(|generation| generation >= 3),
        takes_files: generation(model).is_none_or(|generation| generation >= 3),
    };
    let mut contents = body.list("contents");
    for turn in turns {
        writer.turn(turn, &mut contents)?;
    }
    contents.close();
    if !tools.is_empty() {
        write_tools(tools, body)?;
        if *parallel_tool_calls == Some(false) {
            return Err(Untranslatable::at(
                Spot::Setting(Setting::ParallelToolCalls),
                "cannot be told to Gemini, which calls several tools at once as it likes",
            ));
        }
    }
    write_choice(tool_choice.as_ref(), tools, body);
    let settings = Settings {
        max_tokens: *max_tokens,
        temperature: temperature.as_ref(),
        top_p: top_p.as_ref(),
        top_k: *top_k,
        seed: *seed,
        presence_penalty: presence_penalty.as_ref(),
        frequency_penalty: frequency_penalty.as_ref(),
        stop,
        thinking: thinking.as_ref(),
        format: format.as_ref(),
    };
    settings::write(&settings, model, body)
}

fn write_system(system: &[Part<'_>], body: &mut Group<'_>) -> Result<(), Untranslatable> {
    let mut instruction = body.inner("systemInstruction");
    let mut parts = instruction.list("parts");
    for (place, part) in system.iter().enumerate() {
        let Content::Text(text) = &part.content else {
            return Err(Untranslatable::at(
                Spot::System(place),
                "is not text, and instructions are texts",
            ));
        };
        text_part(parts.element(), text);
    }
    parts.close();
    instruction.close();
    Ok(())
}

pub(super) fn text_part(out: &mut Vec<u8>, text: &str) {
    let mut part = Group::object(out);
    part.text("text", text);
    part.close();
}

/// The calls by their ids: which it is, counted from the first, and the tool's name.
type Calls<'p> = HashMap<&'p str, (usize, &'p str)>;

fn calls_of<'p>(turns: &'p [Turn<'_>]) -> Calls<'p> {
    let parts = turns.iter().flat_map(|turn| &turn.parts);
    parts
        .filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some(call),
            _ => None,
        })
        .enumerate()
        .map(|(place, call)| (&*call.id, (place, &*call.name)))
        .collect()
}

/// The writer of a conversation.
struct Contents<'p> {
    calls: Calls<'p>,
    /// From its third generation on, Gemini wants the proof of each step's first call, or to be told that
    /// there is none.
    demands_signatures: bool,
    /// From its third generation on, Gemini takes files inside a tool's result. Where the generation is not
    /// known, the newest is likelier.
    takes_files: bool,
}

impl Contents<'_> {
    fn turn(&mut self, turn: &Turn<'_>, contents: &mut Group<'_>) -> Result<(), Untranslatable> {
        let mut inside = Vec::new();
        let mut parts = Group::array(&mut inside);
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "model",
        };
        let mut called = false;
        let mut files = Vec::new();
        for (result, part) in self.results(turn) {
            self.result(result, part, &mut parts, &mut files)?;
        }
        for (media, part) in files {
            write_media(media, part, &mut parts)?;
        }
        for part in &turn.parts {
            match &part.content {
                Content::Text(text) | Content::Refusal(text) => text_part(parts.element(), text),
                Content::Media(media) => write_media(media, part, &mut parts)?,
                Content::ToolCall(call) => {
                    let demanded = self.demands_signatures && !called;
                    write_call(call, part, demanded, &mut parts)?;
                    called = true;
                }
                Content::ToolResult(_) => {}
                Content::Thinking(thought) => write_thought(thought, &mut parts),
            }
        }
        // A turn of which nothing is left, such as thoughts of another provider, is none.
        if parts.is_empty() {
            return Ok(());
        }
        parts.close();
        let mut content = Group::object(contents.element());
        content.text("role", role);
        content.member("parts").extend_from_slice(&inside);
        content.close();
        Ok(())
    }

    /// The results in a turn, in the order of their calls. They come first: Gemini wants them right after
    /// the calls.
    fn results<'t, 'a>(&self, turn: &'t Turn<'a>) -> Vec<(&'t ToolResult<'a>, &'t Part<'a>)> {
        let mut results: Vec<_> = turn
            .parts
            .iter()
            .filter_map(|part| match &part.content {
                Content::ToolResult(result) => Some((result, part)),
                _ => None,
            })
            .collect();
        results.sort_by_key(|(result, _)| {
            let call = self.calls.get(&*result.id);
            call.map_or(usize::MAX, |(place, _)| *place)
        });
        results
    }

    fn result<'t, 'a>(
        &self,
        result: &'t ToolResult<'a>,
        part: &'t Part<'a>,
        parts: &mut Group<'_>,
        files: &mut Vec<(&'t Media<'a>, &'t Part<'a>)>,
    ) -> Result<(), Untranslatable> {
        let ToolResult {
            id,
            name,
            parts: said,
            is_error,
        } = result;
        let called = self.calls.get(&**id).map(|(_, name)| *name);
        let Some(name) = called.or(name.as_deref()) else {
            return Err(Untranslatable::at(
                Spot::Part(part.at),
                "answers no call that stands before it, and Gemini wants the tool's name",
            ));
        };
        let mut whole = Group::object(parts.element());
        let mut response = whole.inner("functionResponse");
        if !id.is_empty() {
            response.text("id", id);
        }
        response.text("name", name);
        let mut text: Option<String> = None;
        let mut inside = Vec::new();
        for piece in said {
            match &piece.content {
                Content::Text(more) | Content::Refusal(more) => match &mut text {
                    Some(text) => {
                        text.push('\n');
                        text.push_str(more);
                    }
                    None => text = Some(more.to_string()),
                },
                Content::Media(media) => match &media.source {
                    Source::Base64(_) if self.takes_files => inside.push(media),
                    _ => files.push((media, part)),
                },
                Content::ToolCall(_) | Content::ToolResult(_) | Content::Thinking(_) => {
                    return Err(Untranslatable::at(
                        Spot::Part(part.at),
                        "holds something that is no result",
                    ));
                }
            }
        }
        let out = response.member("response");
        match text {
            None if !is_error => out.extend_from_slice(b"{}"),
            text => write_outcome(out, text.as_deref().unwrap_or_default(), *is_error),
        }
        if !inside.is_empty() {
            let mut list = response.list("parts");
            for media in inside {
                if let (Source::Base64(data), Some(mime)) = (&media.source, &media.mime) {
                    let mut file = Group::object(list.element());
                    blob(mime, data, &mut file);
                    file.close();
                } else {
                    return Err(untyped(part));
                }
            }
            list.close();
        }
        response.close();
        whole.close();
        Ok(())
    }
}

/// What came out of a tool, as an object: the object itself if it is one that cannot be mistaken, else
/// under Google's word for it.
fn write_outcome(out: &mut Vec<u8>, text: &str, is_error: bool) {
    if !is_error && is_plain_object(text) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut object = Group::object(out);
    object.text(if is_error { "error" } else { "output" }, text);
    object.close();
}

/// Whether text is a JSON object that reads as itself.
fn is_plain_object(text: &str) -> bool {
    if !text.starts_with('{') {
        return false;
    }
    let Ok(raw) = serde_json::from_str::<Json<'_>>(text) else {
        return false;
    };
    matches!(outcome(&raw), Ok((Some(read), false)) if *read == *text)
}

fn write_call(
    call: &ToolCall<'_>,
    part: &Part<'_>,
    demanded: bool,
    parts: &mut Group<'_>,
) -> Result<(), Untranslatable> {
    let ToolCall {
        id,
        name,
        arguments,
        signature,
    } = call;
    if !arguments.is_object() {
        return Err(Untranslatable::at(
            Spot::Part(part.at),
            "calls a tool with arguments that are no JSON object",
        ));
    }
    let mut whole = Group::object(parts.element());
    let mut inner = whole.inner("functionCall");
    if !id.is_empty() {
        inner.text("id", id);
    }
    inner.text("name", name);
    inner.raw("args", arguments.get());
    inner.close();
    match signature {
        Some(signature) if signature.maker == Maker::Gemini => {
            whole.text("thoughtSignature", &signature.value);
        }
        _ if demanded => whole.text("thoughtSignature", NO_SIGNATURE),
        _ => {}
    }
    whole.close();
    Ok(())
}

fn write_thought(thought: &Thought<'_>, parts: &mut Group<'_>) {
    let Some(signature) = &thought.signature else {
        return;
    };
    if signature.maker == Maker::Gemini {
        thought_part(parts.element(), thought);
    }
}

/// A thought, whoever made it. One of which nothing is shown, and which is not said to be hidden, is the
/// proof of an answer: it stands beside an empty text.
pub(super) fn thought_part(out: &mut Vec<u8>, thought: &Thought<'_>) {
    let Thought {
        text,
        signature,
        redacted,
    } = thought;
    let mut part = Group::object(out);
    part.text("text", text);
    if *redacted || !text.is_empty() || signature.is_none() {
        part.raw("thought", true);
    }
    if let Some(signature) = signature {
        part.text("thoughtSignature", &write_signature(signature));
    }
    part.close();
}
