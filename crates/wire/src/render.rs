//! Our own errors in the shape of the client's protocol.
//!
//! Promises: the type is always one of ours (`waybill_…`), never a provider's code, and the official
//! SDKs raise an exception for it.
//!
//! Must not know: why it failed; code and message come in.

use bytes::Bytes;
use serde_json::json;
use waybill_model::protocol::{Protocol, StreamFormat};

/// The body of an error answer. `code` is a word such as `waybill_no_account`; content type
/// `application/json`.
pub fn error_body(protocol: Protocol, status: u16, code: &str, message: &str, request_id: &str) -> Bytes {
    let body = match protocol {
        Protocol::Anthropic => json!({"type": "error", "error": {"type": code, "message": message}, "request_id": request_id}),
        Protocol::OpenAi => json!({"error": {"message": message, "type": code, "param": null, "code": code}, "request_id": request_id}),
        Protocol::Gemini => json!({"error": {"code": status, "message": message, "status": code}, "request_id": request_id}),
    };
    Bytes::from(body.to_string())
}

/// An error event for a stream whose `200` was already sent, and nothing after it but the end.
/// `status` is what the answer would have had; `begun` says whether any byte of the stream body was sent.
pub fn error_event(format: StreamFormat, status: u16, code: &str, message: &str, request_id: &str, begun: bool) -> Bytes {
    let _ = (format, begun);
    error_body(Protocol::OpenAi, status, code, message, request_id)
}

/// The content type of a streamed answer.
pub const fn content_type(format: StreamFormat) -> &'static str {
    match format {
        StreamFormat::AnthropicSse | StreamFormat::ChatSse | StreamFormat::ResponsesSse | StreamFormat::GeminiSse => {
            "text/event-stream; charset=utf-8"
        }
        StreamFormat::GeminiArray => "application/json; charset=utf-8",
    }
}
