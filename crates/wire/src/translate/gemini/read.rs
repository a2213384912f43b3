//! Reads a client's request.
//!
//! Promises: what is unknown is refused by the client's name for it; text is borrowed from the body.
//!
//! Must not know: who will answer.
//!
//! Calls and their results need not carry ids in Gemini's language. One that carries none is given
//! `call_<content>_<part>` here, and a result without one answers the earliest unanswered call of its name.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{
    Untranslatable, schema,
    talk::{
        At, Content, Media, MediaKind, Part, Prompt, Role, Source, Thought, Tool, ToolCall,
        ToolChoice, ToolResult, Turn,
    },
    text::{Json, Text},
};
use super::{body, read_signature, settings};

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

/// Calls that wait for their results, earliest first.
#[derive(Default)]
struct Calls<'a>(Vec<(Text<'a>, Text<'a>)>);

impl<'a> Calls<'a> {
    /// The id of a call.
    fn made(&mut self, id: Option<Text<'a>>, name: &Text<'a>, at: At) -> Text<'a> {
        let id = id
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| Text::from(format!("call_{}_{}", at.message, at.part)));
        self.0.push((name.clone(), id.clone()));
        id
    }

    /// The id of the call that a result answers.
    fn answered(&mut self, id: Option<Text<'a>>, name: &Text<'a>) -> Option<Text<'a>> {
        let id = id.filter(|id| !id.is_empty());
        let found = self.0.iter().position(|(called, known)| match &id {
            Some(id) => id == known,
            None => name == called,
        });
        match found {
            Some(place) => Some(self.0.remove(place).1),
            None => id,
        }
    }
}

fn read_part<'a>(
    part: body::Part<'a>,
    at: At,
    calls: &mut Calls<'a>,
    parts: &mut Vec<Part<'a>>,
) -> Result<(), Untranslatable> {
    let here = || format!("contents.{}.parts.{}", at.message, at.part);
    let body::Part {
        text,
        thought,
        thought_signature,
        inline_data,
        file_data,
        function_call,
        function_response,
        executable_code,
        code_execution_result,
        video_metadata,
        media_resolution,
        part_metadata: _,
    } = part;
    for (name, said) in [
        ("executableCode", executable_code),
        ("codeExecutionResult", code_execution_result),
        ("videoMetadata", video_metadata),
        ("mediaResolution", media_resolution),
    ] {
        if said.is_some() {
            return Err(Untranslatable::named(
                format!("{}.{name}", here()),
                "is not something that can be said to another provider",
            ));
        }
    }
    let signature = thought_signature.and_then(read_signature);
    let mut push = |content| parts.push(Part { content, at });
    match (
        text,
        inline_data,
        file_data,
        function_call,
        function_response,
    ) {
        (text, None, None, None, None) if thought == Some(true) => {
            let text = text.unwrap_or_default();
            match parts.last_mut().map(|last| &mut last.content) {
                Some(Content::Thinking(last)) if goes_on(last) => {
                    if !text.is_empty() {
                        last.text = Text::from(format!("{}{text}", last.text));
                    }
                    last.signature = signature;
                }
                _ => parts.push(Part {
                    content: Content::Thinking(Thought {
                        redacted: text.is_empty() && signature.is_some(),
                        text,
                        signature,
                    }),
                    at,
                }),
            }
        }
        (text, None, None, None, None) if text.is_some() || signature.is_some() => {
            let text = text.unwrap_or_default();
            // The proof of an answer without calls stands at its end, often beside an empty text.
            if signature.is_none() || !text.is_empty() {
                push(Content::Text(text));
            }
            if signature.is_some() {
                push(Content::Thinking(Thought {
                    text: Text::default(),
                    signature,
                    redacted: false,
                }));
            }
        }
        (None, Some(blob), None, None, None) => push(Content::Media(media(blob, here)?)),
        (None, None, Some(file), None, None) => push(Content::Media(file_at(file, here)?)),
        (None, None, None, Some(call), None) => {
            let body::FunctionCall { id, name, args } = call;
            let name = demanded(name, || format!("{}.functionCall.name", here()))?;
            push(Content::ToolCall(ToolCall {
                id: calls.made(id, &name, at),
                name,
                arguments: match args {
                    Some(args) => args,
                    None => no_arguments(),
                },
                signature,
            }));
        }
        (None, None, None, None, Some(response)) => {
            push(Content::ToolResult(result(response, calls, here)?));
        }
        (None, None, None, None, None) => {
            return Err(Untranslatable::named(here(), "says nothing"));
        }
        _ => {
            return Err(Untranslatable::named(
                here(),
                "says several things, and a part is one",
            ));
        }
    }
    Ok(())
}

/// Clients hand back a streamed thought piece by piece, as it came; its proof is the last of them.
fn goes_on(thought: &Thought<'_>) -> bool {
    thought.signature.is_none() && !thought.redacted
}

/// `{}`.
pub(super) fn no_arguments() -> Json<'static> {
    Json::parse("{}".to_owned()).unwrap_or(Json::Borrowed(RawValue::NULL))
}

fn media<'a>(blob: body::Blob<'a>, here: impl Fn() -> String) -> Result<Media<'a>, Untranslatable> {
    let body::Blob {
        mime_type,
        data,
        display_name,
    } = blob;
    let mime = demanded(mime_type, || format!("{}.inlineData.mimeType", here()))?;
    Ok(Media {
        kind: kind(&mime),
        mime: Some(mime),
        source: Source::Base64(demanded(data, || format!("{}.inlineData.data", here()))?),
        name: display_name,
    })
}

fn file_at<'a>(
    file: body::FileData<'a>,
    here: impl Fn() -> String,
) -> Result<Media<'a>, Untranslatable> {
    let body::FileData {
        mime_type,
        file_uri,
        display_name,
    } = file;
    let uri = demanded(file_uri, || format!("{}.fileData.fileUri", here()))?;
    Ok(Media {
        kind: mime_type.as_deref().map_or(MediaKind::Document, kind),
        mime: mime_type,
        source: if is_googles(&uri) {
            Source::File(uri)
        } else {
            Source::Url(uri)
        },
        name: display_name,
    })
}

/// Whether an address is that of a file which only Google can open: one of its Files API, or in its
/// storage.
pub(super) fn is_googles(uri: &str) -> bool {
    uri.starts_with("https://generativelanguage.googleapis.com/")
        || uri.starts_with("gs://")
        || !uri.contains("://")
}

fn kind(mime: &str) -> MediaKind {
    match mime.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

fn result<'a>(
    response: body::FunctionResponse<'a>,
    calls: &mut Calls<'a>,
    here: impl Fn() -> String,
) -> Result<ToolResult<'a>, Untranslatable> {
    let body::FunctionResponse {
        id,
        name,
        response,
        parts: files,
    } = response;
    let name = demanded(name, || format!("{}.functionResponse.name", here()))?;
    let Some(id) = calls.answered(id, &name) else {
        return Err(Untranslatable::named(
            format!("{}.functionResponse", here()),
            "answers no function call that stands before it",
        ));
    };
    let (said, is_error) = match &response {
        Some(json) => outcome(json).map_err(|error| {
            Untranslatable::named(
                format!("{}.functionResponse.response", here()),
                format!("cannot be read: {error}"),
            )
        })?,
        None => (None, false),
    };
    let mut parts: Vec<Part<'a>> = said
        .into_iter()
        .map(|text| Part::from(Content::Text(text)))
        .collect();
    for (place, file) in files.unwrap_or_default().into_iter().enumerate() {
        let here = || format!("{}.functionResponse.parts.{place}", here());
        let Some(blob) = file.inline_data else {
            return Err(Untranslatable::named(here(), "says nothing"));
        };
        parts.push(Part::from(Content::Media(media(blob, here)?)));
    }
    Ok(ToolResult {
        id,
        name: Some(name),
        parts,
        is_error,
    })
}

/// What a `response` says: `{"output": …}` and `{"error": …}` are Google's words for what came out, any
/// other object is what came out.
pub(super) fn outcome<'a>(json: &Json<'a>) -> Result<(Option<Text<'a>>, bool), serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outcome<'a> {
        #[serde(borrow)]
        output: Option<Json<'a>>,
        error: Option<Json<'a>>,
    }

    let borrowed: &'a str = match json {
        Json::Borrowed(raw) => raw.get(),
        Json::Owned(_) => return Ok((Some(Text::from(json.get().to_owned())), false)),
    };
    let (value, is_error) = match serde_json::from_str::<Outcome<'a>>(borrowed) {
        Ok(Outcome {
            output: Some(output),
            error: None,
        }) => (output, false),
        Ok(Outcome {
            output: None,
            error: Some(error),
        }) => (error, true),
        Ok(Outcome {
            output: None,
            error: None,
        }) => return Ok((None, false)),
        _ => return Ok((Some(Text::from(borrowed)), false)),
    };
    let Json::Borrowed(raw) = value else {
        return Ok((None, is_error));
    };
    let raw: &'a str = raw.get();
    Ok(match serde_json::from_str::<Text<'a>>(raw) {
        Ok(text) => (Some(text), is_error),
        Err(_) => (Some(Text::from(raw)), is_error),
    })
}

fn declarations<'a>(
    place: usize,
    tool: body::Tool<'a>,
    tools: &mut Vec<Tool<'a>>,
) -> Result<(), Untranslatable> {
    let body::Tool {
        function_declarations,
        google_search,
        google_search_retrieval,
        google_maps,
        code_execution,
        url_context,
        computer_use,
        file_search,
        mcp_servers,
    } = tool;
    for (name, said) in [
        ("googleSearch", google_search),
        ("googleSearchRetrieval", google_search_retrieval),
        ("googleMaps", google_maps),
        ("codeExecution", code_execution),
        ("urlContext", url_context),
        ("computerUse", computer_use),
        ("fileSearch", file_search),
        ("mcpServers", mcp_servers),
    ] {
        if said.is_some() {
            return Err(Untranslatable::named(
                format!("tools.{place}.{name}"),
                "is a tool that Google runs, and no other provider",
            ));
        }
    }
    let declarations = function_declarations.unwrap_or_default();
    for (number, declaration) in declarations.into_iter().enumerate() {
        let here = || format!("tools.{place}.functionDeclarations.{number}");
        let body::Declaration {
            name,
            description,
            parameters,
            parameters_json_schema,
            response: _,
            response_json_schema: _,
            behavior,
        } = declaration;
        if behavior
            .as_deref()
            .is_some_and(|said| said == "NON_BLOCKING")
        {
            return Err(Untranslatable::named(
                format!("{}.behavior", here()),
                "is not something that can be said to another provider",
            ));
        }
        let parameters = match (parameters, parameters_json_schema) {
            (Some(_), Some(_)) => {
                return Err(Untranslatable::named(
                    format!("{}.parametersJsonSchema", here()),
                    "is said beside `parameters`, and only one of both can be meant",
                ));
            }
            (Some(parameters), None) => Some(schema::read(&parameters).map_err(|error| {
                Untranslatable::named(error.under(&format!("{}.parameters", here())), error.why)
            })?),
            (None, json_schema) => json_schema,
        };
        tools.push(Tool {
            name: demanded(name, || format!("{}.name", here()))?,
            description,
            parameters,
            strict: None,
        });
    }
    Ok(())
}

fn choice<'a>(
    config: Option<body::ToolConfig<'a>>,
    prompt: &mut Prompt<'a>,
) -> Result<(), Untranslatable> {
    const HERE: &str = "toolConfig.functionCallingConfig";
    let Some(calling) = config.and_then(|config| config.function_calling_config) else {
        return Ok(());
    };
    let mut allowed = calling.allowed_function_names.unwrap_or_default();
    let unsayable = || {
        Err(Untranslatable::named(
            format!("{HERE}.allowedFunctionNames"),
            "names some of the tools, and other providers are told of one or all",
        ))
    };
    let everything = prompt.tools.iter().all(|tool| allowed.contains(&tool.name));
    prompt.tool_choice = match calling.mode.as_deref() {
        None | Some("" | "MODE_UNSPECIFIED") if allowed.is_empty() => None,
        None | Some("" | "MODE_UNSPECIFIED" | "AUTO" | "VALIDATED")
            if !allowed.is_empty() && !everything =>
        {
            return unsayable();
        }
        None | Some("" | "MODE_UNSPECIFIED" | "AUTO") => Some(ToolChoice::Auto),
        Some("VALIDATED") => {
            for tool in &mut prompt.tools {
                tool.strict = Some(true);
            }
            Some(ToolChoice::Auto)
        }
        Some("NONE") => Some(ToolChoice::None),
        Some("ANY") if allowed.len() == 1 => allowed.pop().map(ToolChoice::Named),
        Some("ANY") if allowed.is_empty() || everything => Some(ToolChoice::Any),
        Some("ANY") => return unsayable(),
        Some(_) => {
            return Err(Untranslatable::named(
                format!("{HERE}.mode"),
                "is not a mode that is known here",
            ));
        }
    };
    Ok(())
}

fn demanded<T>(value: Option<T>, here: impl Fn() -> String) -> Result<T, Untranslatable> {
    value.ok_or_else(|| Untranslatable::named(here(), "is missing"))
}

/// A place as [`At`] holds it.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
