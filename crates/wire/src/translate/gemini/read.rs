//! Reads a client's request.
//!
//! Promises: what is unknown is refused by the client's name for it; text is borrowed from the body.
//!
//! Must not know: who will answer.

use serde::Deserialize;

use super::super::{
    Untranslatable,
    talk::{At, Content, Part, Prompt, Role, Turn},
};
use super::{
    body,
    parts::{Calls, read_part},
    settings,
    tools::{choice, declarations},
};

/// Reads the body of `generateContent` and `streamGenerateContent`.
///
/// # Errors
/// What it says that no other provider could be asked.
pub fn read_prompt(body: &str) -> Result<Prompt<'_>, Untranslatable> {
    prompt(parse(body)?)
}

/// Reads JSON into a body; names the place of what is wrong with it.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Untranslatable> {
    serde_json::from_str(body).map_err(|error| {
        let reader = &mut serde_json::Deserializer::from_str(body);
        match serde_path_to_error::deserialize::<_, T>(reader) {
            Ok(_) => refusal(String::new(), &error.to_string()),
            Err(located) => refusal(
                located.path().to_string().replace(['[', ']'], "."),
                &located.inner().to_string(),
            ),
        }
    })
}

fn refusal(path: String, message: &str) -> Untranslatable {
    let mut names: Vec<&str> = path
        .split('.')
        .filter(|name| !name.is_empty() && *name != "?")
        .collect();
    let message = message.split(" at line ").next().unwrap_or(message);
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let unknown = rest.split('`').next().unwrap_or(rest);
        if names.last() != Some(&unknown) {
            names.push(unknown);
        }
        return Untranslatable::named(
            names.join("."),
            "is not something that can be said to another provider",
        );
    }
    Untranslatable::named(names.join("."), format!("cannot be read: {message}"))
}

/// Takes a body apart.
pub(super) fn prompt(request: body::Request<'_>) -> Result<Prompt<'_>, Untranslatable> {
    // The fields that are dropped here are those of `HINTS`.
    let body::Request {
        model: _,
        contents,
        system_instruction,
        tools,
        tool_config,
        safety_settings,
        generation_config,
        cached_content,
        labels: _,
        service_tier: _,
        store: _,
    } = request;
    if cached_content.is_some() {
        return Err(Untranslatable::named(
            "cachedContent",
            "is kept with Google, and means nothing to another provider",
        ));
    }
    settings::check_safety(safety_settings.unwrap_or_default())?;
    let mut prompt = Prompt {
        system: system(system_instruction)?,
        turns: turns(contents.unwrap_or_default())?,
        ..Prompt::default()
    };
    for (place, tool) in tools.unwrap_or_default().into_iter().enumerate() {
        declarations(place, tool, &mut prompt.tools)?;
    }
    choice(tool_config, &mut prompt)?;
    settings::read(generation_config.unwrap_or_default(), &mut prompt)?;
    Ok(prompt)
}

fn system(instruction: Option<body::Content<'_>>) -> Result<Vec<Part<'_>>, Untranslatable> {
    let parts = instruction.and_then(|content| content.parts);
    let mut system = Vec::new();
    for (place, part) in parts.unwrap_or_default().into_iter().enumerate() {
        let body::Part {
            text,
            thought: None | Some(false),
            thought_signature: None,
            inline_data: None,
            file_data: None,
            function_call: None,
            function_response: None,
            executable_code: None,
            code_execution_result: None,
            video_metadata: None,
            media_resolution: None,
            part_metadata: _,
        } = part
        else {
            return Err(Untranslatable::named(
                format!("systemInstruction.parts.{place}"),
                "is not text, and instructions are texts",
            ));
        };
        system.push(Part {
            content: Content::Text(text.unwrap_or_default()),
            at: At {
                message: 0,
                part: number(place),
            },
        });
    }
    Ok(system)
}

fn turns(contents: Vec<body::Content<'_>>) -> Result<Vec<Turn<'_>>, Untranslatable> {
    let mut turns: Vec<Turn<'_>> = Vec::with_capacity(contents.len());
    let mut calls = Calls::default();
    for (message, content) in contents.into_iter().enumerate() {
        let role = match content.role.as_deref() {
            None | Some("" | "user" | "function") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => {
                return Err(Untranslatable::named(
                    format!("contents.{message}.role"),
                    "is neither `user` nor `model`",
                ));
            }
        };
        let mut parts = Vec::new();
        for (place, part) in content.parts.unwrap_or_default().into_iter().enumerate() {
            let at = At {
                message: number(message),
                part: number(place),
            };
            read_part(part, at, &mut calls, &mut parts)?;
        }
        match turns.last_mut() {
            Some(last) if last.role == role => last.parts.append(&mut parts),
            _ if parts.is_empty() => {}
            _ => turns.push(Turn { role, parts }),
        }
    }
    Ok(turns)
}

/// What Google demands.
pub(super) fn demanded<T>(
    value: Option<T>,
    here: impl Fn() -> String,
) -> Result<T, Untranslatable> {
    value.ok_or_else(|| Untranslatable::named(here(), "is missing"))
}

/// A place as [`At`] holds it.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
