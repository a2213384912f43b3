//! Errors in the shape of the client's protocol, as a whole answer or inside a stream: our own, whose type is
//! always one of ours (`waybill_…`), and, named by [`told`](crate::translate::told), a provider's of another
//! language.
//!
//! Promises: the official SDKs turn every one of these into the exception they have for it.
//!
//! Must not know: why it failed; code and message come in.

use bytes::Bytes;
use serde::Serialize;
use waybill_model::protocol::{Protocol, StreamFormat};

/// The body of an error answer, for `application/json`. `code` is a word such as
/// `waybill_no_account`; `status` the answer's own status.
pub fn error_body(
    protocol: Protocol,
    status: u16,
    code: &str,
    message: &str,
    request_id: &str,
) -> Bytes {
    Bytes::from(match protocol {
        Protocol::Anthropic => json(&AnthropicError {
            r#type: "error",
            error: AnthropicInner {
                r#type: code,
                message,
            },
            request_id,
        }),
        Protocol::OpenAi => json(&OpenAiError {
            error: OpenAiInner::new(code, message),
            request_id,
        }),
        Protocol::Gemini => json(&gemini(status, code, message, request_id)),
    })
}

/// The error event that ends a stream whose `200` is already out; nothing follows it but the end.
/// `status` is what the answer would have had (400 to 599), and `begun` says whether any bytes of the
/// body were sent before.
///
/// What the SDKs read, which decides each shape:
/// - Anthropic: an event *named* `error`; its data becomes the exception's body.
/// - OpenAI Chat: any data with an `error` object raises. No `[DONE]` follows: to a client that looks
///   only for that, the answer would seem whole.
/// - OpenAI Responses: the documented `error` event is flat, and the SDKs hand it out as one more
///   event; with an `error` object beside the flat fields they raise. Both readings are served.
/// - Gemini: data whose first member is `error`, with a numeric `code` of 400 to 599.
/// - Gemini without SSE: one more element of the array, which is then closed.
pub fn error_event(
    format: StreamFormat,
    status: u16,
    code: &str,
    message: &str,
    request_id: &str,
    begun: bool,
) -> Bytes {
    // An event that a broken upstream left open would swallow ours: an empty line ends it.
    let gap = if begun { "\n\n" } else { "" };
    Bytes::from(match format {
        StreamFormat::AnthropicSse => {
            let data = json(&AnthropicError {
                r#type: "error",
                error: AnthropicInner {
                    r#type: code,
                    message,
                },
                request_id,
            });
            format!("{gap}event: error\ndata: {data}\n\n")
        }
        StreamFormat::ChatSse => {
            let data = json(&OpenAiError {
                error: OpenAiInner::new(code, message),
                request_id,
            });
            format!("{gap}data: {data}\n\n")
        }
        StreamFormat::ResponsesSse => {
            let data = json(&ResponsesError {
                r#type: "error",
                code,
                message,
                param: None,
                sequence_number: 0,
                error: OpenAiInner::new(code, message),
                request_id,
            });
            format!("{gap}event: error\ndata: {data}\n\n")
        }
        StreamFormat::GeminiSse => {
            format!(
                "{gap}data: {}\n\n",
                json(&gemini(status, code, message, request_id))
            )
        }
        StreamFormat::GeminiArray => {
            let before = if begun { ",\n" } else { "[" };
            format!(
                "{before}{}\n]\n",
                json(&gemini(status, code, message, request_id))
            )
        }
    })
}

/// An error as the last element of an array, which it closes. `last`: the last byte but for white space that the
/// client was given of the array. The event may come as any part of an array.
pub fn array_end(event: &[u8], last: Option<u8>) -> Bytes {
    let mut element = event.trim_ascii();
    while let Some(rest) = element.strip_prefix(b"[").or(element.strip_prefix(b",")) {
        element = rest.trim_ascii_start();
    }
    while let Some(rest) = element.strip_suffix(b"]") {
        element = rest.trim_ascii_end();
    }
    let before: &[u8] = match last {
        None => b"[",
        Some(b'[' | b',') => b"",
        Some(_) => b",\n",
    };
    Bytes::from([before, element, b"\n]\n"].concat())
}

/// What keeps a stream alive and says nothing: a comment, or white space between elements. Stands between
/// whole frames only.
pub fn keep_alive(format: StreamFormat) -> Bytes {
    Bytes::from_static(match format {
        StreamFormat::AnthropicSse
        | StreamFormat::ChatSse
        | StreamFormat::ResponsesSse
        | StreamFormat::GeminiSse => b": keep-alive\n\n",
        StreamFormat::GeminiArray => b"\n",
    })
}

/// The content type of a streamed answer.
pub const fn content_type(format: StreamFormat) -> &'static str {
    match format {
        StreamFormat::AnthropicSse
        | StreamFormat::ChatSse
        | StreamFormat::ResponsesSse
        | StreamFormat::GeminiSse => "text/event-stream; charset=utf-8",
        StreamFormat::GeminiArray => "application/json; charset=utf-8",
    }
}

#[derive(Serialize)]
struct AnthropicError<'a> {
    r#type: &'static str,
    error: AnthropicInner<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct AnthropicInner<'a> {
    r#type: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct OpenAiError<'a> {
    error: OpenAiInner<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct OpenAiInner<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: &'a str,
}

impl<'a> OpenAiInner<'a> {
    fn new(code: &'a str, message: &'a str) -> Self {
        OpenAiInner {
            message,
            r#type: code,
            param: None,
            code,
        }
    }
}

#[derive(Serialize)]
struct ResponsesError<'a> {
    r#type: &'static str,
    code: &'a str,
    message: &'a str,
    param: Option<&'a str>,
    /// Ours stands outside the provider's numbering.
    sequence_number: u64,
    error: OpenAiInner<'a>,
    request_id: &'a str,
}

/// `error` stays the first member: the Python SDK looks for it at the start of the text.
#[derive(Serialize)]
struct GeminiError<'a> {
    error: GeminiInner<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct GeminiInner<'a> {
    code: u16,
    message: &'a str,
    status: &'a str,
}

fn gemini<'a>(
    status: u16,
    code: &'a str,
    message: &'a str,
    request_id: &'a str,
) -> GeminiError<'a> {
    GeminiError {
        error: GeminiInner {
            code: status,
            message,
            status: code,
        },
        request_id,
    }
}

/// Plain structs of strings and numbers always serialise.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use waybill_model::protocol::StreamFormat::*;

    use super::*;
    use crate::stream::{Limits, Mark, StreamEnd, StreamReader};

    fn text(bytes: Bytes) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn each_protocol_gets_its_own_error_shape() {
        let body = |protocol| {
            text(error_body(
                protocol,
                503,
                "waybill_no_account",
                "No \"free\" account.",
                "wb_1",
            ))
        };
        assert_eq!(
            body(Protocol::Anthropic),
            r#"{"type":"error","error":{"type":"waybill_no_account","message":"No \"free\" account."},"request_id":"wb_1"}"#
        );
        assert_eq!(
            body(Protocol::OpenAi),
            r#"{"error":{"message":"No \"free\" account.","type":"waybill_no_account","param":null,"code":"waybill_no_account"},"request_id":"wb_1"}"#
        );
        assert_eq!(
            body(Protocol::Gemini),
            r#"{"error":{"code":503,"message":"No \"free\" account.","status":"waybill_no_account"},"request_id":"wb_1"}"#
        );
    }

    #[test]
    fn an_error_event_is_one_that_our_own_reader_recognises_after_any_broken_start() {
        let starts = [
            (
                AnthropicSse,
                "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"te",
            ),
            (
                ChatSse,
                "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
            ),
            (
                ResponsesSse,
                "event: response.output_text.delta\ndata: {\"delta\":\"a\"}\n\n",
            ),
            (
                GeminiSse,
                "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n",
            ),
            (
                GeminiArray,
                "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}",
            ),
        ];
        for (format, start) in starts {
            for start in [start, ""] {
                let event = error_event(
                    format,
                    502,
                    "waybill_upstream",
                    "It broke.",
                    "wb_1",
                    !start.is_empty(),
                );
                let mut reader = StreamReader::new(format, Limits::default());
                let mut out = Vec::new();
                reader.feed(Bytes::from(start), &mut out);
                reader.feed(event, &mut out);
                let end = reader.finish(&mut out);
                assert!(
                    matches!(end, StreamEnd::Error(_)),
                    "{format:?} after {start:?}: {end:?}"
                );
                assert!(out.iter().any(|piece| piece.mark == Mark::Error));
            }
        }
    }

    #[test]
    fn an_error_ends_an_array_wherever_it_stands() {
        let error = r#"{"error":{"code":503,"details":[]}}"#;
        for given in ["", " \r\n", "[", "[ ", "[{}", "[{},", "[{},\r\n"] {
            let last = given.trim_ascii_end().bytes().last();
            for event in [
                error.to_owned(),
                format!("[{error}"),
                format!(",\r\n{error}"),
                format!("[{error}\n]\n"),
                format!(",\n{error}\n]"),
            ] {
                let end = text(array_end(event.as_bytes(), last));
                let whole: serde_json::Value =
                    serde_json::from_str(&format!("{given}{end}")).unwrap();
                let last = whole.as_array().unwrap().last().unwrap();
                assert_eq!(last["error"]["code"], 503, "{given:?} {event:?}");
            }
        }
    }

    #[test]
    fn an_array_is_closed_whether_or_not_an_element_came_before() {
        for (start, begun) in [("[{\"candidates\":[]}", true), ("", false)] {
            let event = text(error_event(
                GeminiArray,
                502,
                "waybill_upstream",
                "It broke.",
                "wb_1",
                begun,
            ));
            let whole: serde_json::Value =
                serde_json::from_str(&format!("{start}{event}")).unwrap();
            assert_eq!(
                whole.as_array().unwrap().last().unwrap()["error"]["code"],
                502
            );
        }
    }
}
