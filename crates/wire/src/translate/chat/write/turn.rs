//! Writes the turns of a conversation as Chat's messages.
//!
//! Promises: the results of tools come directly after their calls; what has no field is said in words or
//! refused.
//!
//! Must not know: settings.

use std::borrow::Cow;

use super::{
    Written,
    body::{Address, Body, Call, Called, Extra, File, InputAudio, Message, Piece},
};
use crate::translate::{
    Spot, Untranslatable,
    chat::{media, media::DataUrl},
    talk::{At, Content, Maker, Media, MediaKind, Part, Role, Source, ToolCall, ToolResult, Turn},
};

pub(super) fn write_turn<'p>(turn: &'p Turn<'p>, messages: &mut Vec<Message<'p>>) -> Written<()> {
    let Turn { role, parts } = turn;
    match role {
        Role::User => write_user(parts, messages),
        Role::Assistant => write_assistant(parts, messages),
    }
}

/// Results first: the API wants them directly after the calls. Then their files, then what the user says.
fn write_user<'p>(parts: &'p [Part<'p>], messages: &mut Vec<Message<'p>>) -> Written<()> {
    let mut pieces = Vec::with_capacity(parts.len());
    let mut said = Vec::with_capacity(parts.len());
    for Part { content, at } in parts {
        match content {
            Content::ToolResult(result) => {
                let message = write_result(result, *at, &mut pieces)?;
                messages.push(message);
            }
            Content::Text(text) => said.push(Piece::text(&**text)),
            Content::Media(media) => said.push(write_media(media, *at)?),
            Content::ToolCall(_) | Content::Thinking(_) | Content::Refusal(_) => {
                return Err(misplaced(*at, "user"));
            }
        }
    }
    pieces.extend(said);
    messages.extend(Body::of(pieces).map(|body| Message {
        content: Some(body),
        ..Message::of("user")
    }));
    Ok(())
}

/// A result as a message. Its files go into `files`, with a word about where they come from.
fn write_result<'p>(
    result: &'p ToolResult<'p>,
    at: At,
    files: &mut Vec<Piece<'p>>,
) -> Written<Message<'p>> {
    let ToolResult {
        id,
        // Repeats the call's.
        name: _,
        parts,
        is_error,
    } = result;
    let mut pieces = Vec::with_capacity(parts.len());
    let mut some_files = false;
    for Part { content, at } in parts {
        match content {
            Content::Text(text) => pieces.push(Piece::text(&**text)),
            Content::Media(media) => {
                if !some_files {
                    some_files = true;
                    files.push(Piece::text(format!("[From the result of {id}:]")));
                }
                files.push(write_media(media, *at)?);
            }
            Content::ToolCall(_)
            | Content::ToolResult(_)
            | Content::Thinking(_)
            | Content::Refusal(_) => return Err(misplaced(*at, "tool")),
        }
    }
    if some_files {
        pieces.push(Piece::text(
            "[The files of this result are in the next message of the user.]",
        ));
    }
    if *is_error {
        const FAILED: &str = "[The tool failed.]";
        match pieces.first_mut() {
            Some(Piece::Text { text }) => *text = Cow::Owned(format!("{FAILED}\n{text}")),
            _ => pieces.push(Piece::text(FAILED)),
        }
    }
    if id.is_empty() {
        return Err(Untranslatable::at(
            Spot::Part(at),
            "does not say which call it answers",
        ));
    }
    Ok(Message {
        content: Some(Body::of(pieces).unwrap_or(Body::Text(Cow::Borrowed("")))),
        tool_call_id: Some(id),
        ..Message::of("tool")
    })
}

fn write_assistant<'p>(parts: &'p [Part<'p>], messages: &mut Vec<Message<'p>>) -> Written<()> {
    let mut pieces = Vec::with_capacity(parts.len());
    let mut calls = Vec::new();
    for Part { content, at } in parts {
        match content {
            Content::Text(text) => pieces.push(Piece::text(&**text)),
            Content::Refusal(text) => pieces.push(Piece::Refusal {
                refusal: Cow::Borrowed(text),
            }),
            Content::ToolCall(call) => calls.push(write_call(call)),
            Content::Thinking(_) => {}
            Content::Media(_) => {
                return Err(Untranslatable::at(
                    Spot::Part(*at),
                    "is a file in an answer, which Chat Completions does not take back",
                ));
            }
            Content::ToolResult(_) => return Err(misplaced(*at, "assistant")),
        }
    }
    let mut message = Message {
        tool_calls: calls,
        ..Message::of("assistant")
    };
    // A refusal by itself has a field of its own.
    match <[Piece<'_>; 1]>::try_from(pieces) {
        Ok([Piece::Refusal { refusal }]) => message.refusal = Some(refusal),
        Ok([piece]) => message.content = Body::of(vec![piece]),
        Err(pieces) => message.content = Body::of(pieces),
    }
    let says = message.content.is_some() || message.refusal.is_some();
    if says || !message.tool_calls.is_empty() {
        messages.push(message);
    }
    Ok(())
}

pub(super) fn write_call<'p>(call: &'p ToolCall<'p>) -> Call<'p> {
    let ToolCall {
        id,
        name,
        arguments,
        signature,
    } = call;
    Call {
        id,
        r#type: "function",
        function: Called {
            name,
            arguments: arguments.get(),
        },
        extra_content: signature
            .as_ref()
            .filter(|signature| signature.maker == Maker::Gemini)
            .map(Extra::from),
    }
}

fn write_media<'p>(media: &'p Media<'p>, at: At) -> Written<Piece<'p>> {
    let refuse = |why: &'static str| Err(Untranslatable::at(Spot::Part(at), why));
    let Media {
        kind,
        mime,
        source,
        name,
    } = media;
    let data = match source {
        Source::File(_) => return refuse("is kept with another provider, under a name of its own"),
        Source::Plain(text) if *kind == MediaKind::Document => {
            return Ok(Piece::text(match name {
                Some(name) => Cow::Owned(format!("[{name}]\n{text}")),
                None => Cow::Borrowed(&**text),
            }));
        }
        Source::Plain(_) => return refuse("is given as plain text, which no picture or sound is"),
        Source::Url(url) => Err(&**url),
        Source::Base64(data) => Ok(&**data),
    };
    let mime = mime.as_deref();
    let nameless = |piece| match name {
        Some(_) => refuse("has a name, which Chat Completions takes of documents only"),
        None => Ok(piece),
    };
    match (kind, data, mime) {
        (MediaKind::Image, Err(url), _) => nameless(Piece::image(Address::Url(url))),
        (MediaKind::Image, Ok(data), Some(mime)) => {
            nameless(Piece::image(Address::Data(DataUrl { mime, data })))
        }
        (MediaKind::Document, Ok(data), Some(mime)) => {
            if !mime.eq_ignore_ascii_case(PDF) {
                return refuse(
                    "is a document of a type that Chat Completions does not take: only PDF is",
                );
            }
            Ok(Piece::File {
                file: File {
                    filename: name.as_deref().unwrap_or("document.pdf"),
                    file_data: DataUrl { mime, data },
                },
            })
        }
        (MediaKind::Document, Err(_), _) => {
            refuse("is a document at an address, which Chat Completions does not take")
        }
        (MediaKind::Audio, Ok(data), Some(mime)) => match media::audio_format(mime) {
            Some(format) => nameless(Piece::InputAudio {
                input_audio: InputAudio { data, format },
            }),
            None => refuse("is sound of a type that Chat Completions does not take"),
        },
        (MediaKind::Audio, Err(_), _) => {
            refuse("is sound at an address, which Chat Completions does not take")
        }
        (MediaKind::Video, ..) => refuse("is a video, which Chat Completions does not take"),
        (_, Ok(_), None) => refuse("does not say its type, which Chat Completions demands"),
    }
}

const PDF: &str = "application/pdf";

fn misplaced(at: At, role: &str) -> Untranslatable {
    Untranslatable::at(
        Spot::Part(at),
        format!("is not something that a message of the role `{role}` takes in Chat Completions"),
    )
}
