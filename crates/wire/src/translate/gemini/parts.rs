//! Reads what was said: texts, files, thoughts, calls and their results.
//!
//! Promises: a part is one thing; what it says beside that is refused.
//!
//! Must not know: settings and tools.
//!
//! Calls and their results need not carry ids in Gemini's language. One that carries none is given
//! `call_<content>_<part>` here, and a result without one answers the earliest unanswered call of its name.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{
    Untranslatable,
    talk::{At, Content, Media, MediaKind, Part, Source, Thought, ToolCall, ToolResult},
    text::{Json, Text},
};
use super::{body, read::demanded, read_signature};

/// Calls that wait for their results, earliest first.
#[derive(Default)]
pub(super) struct Calls<'a>(Vec<(Text<'a>, Text<'a>)>);

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

pub(super) fn read_part<'a>(
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
                    Some(args) if args.is_object() => args,
                    Some(_) => {
                        let name = format!("{}.functionCall.args", here());
                        return Err(Untranslatable::named(name, "is no object"));
                    }
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
