//! A provider's error in the client's language: the closest type and status, with the provider's own words
//! inside.
//!
//! Promises: an official SDK raises the exception that it has for this kind of error. Must not know: why it
//! failed; what is limited until when goes into headers elsewhere.

use bytes::Bytes;
use waybill_model::{
    cause::{Cause, ErrorType},
    protocol::{Protocol, StreamFormat},
};

use crate::render;

/// A kind of error that every provider has a word for.
struct Kind {
    /// The status it comes with.
    status: u16,
    anthropic: &'static str,
    openai: &'static str,
    gemini: &'static str,
    /// Statuses of other providers that mean the same.
    also: &'static [u16],
}

const fn kind(
    status: u16,
    anthropic: &'static str,
    openai: &'static str,
    gemini: &'static str,
    also: &'static [u16],
) -> Kind {
    Kind {
        status,
        anthropic,
        openai,
        gemini,
        also,
    }
}

/// From the providers' documentation of their errors.
#[rustfmt::skip]
const KINDS: &[Kind] = &[
    kind(400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT", &[422]),
    kind(401, "authentication_error", "authentication_error", "UNAUTHENTICATED", &[]),
    kind(402, "billing_error", "insufficient_quota", "FAILED_PRECONDITION", &[]),
    kind(403, "permission_error", "permission_error", "PERMISSION_DENIED", &[]),
    kind(404, "not_found_error", "not_found_error", "NOT_FOUND", &[405, 410]),
    kind(409, "invalid_request_error", "conflict_error", "ABORTED", &[]),
    kind(413, "request_too_large", "invalid_request_error", "INVALID_ARGUMENT", &[]),
    kind(429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED", &[]),
    kind(499, "api_error", "server_error", "CANCELLED", &[408]),
    kind(500, "api_error", "server_error", "INTERNAL", &[501, 502]),
    kind(503, "overloaded_error", "server_error", "UNAVAILABLE", &[529]),
    kind(504, "timeout_error", "server_error", "DEADLINE_EXCEEDED", &[]),
];

/// Anthropic's own status for what others call 503.
const OVERLOADED: u16 = 529;

fn kind_of(status: u16) -> &'static Kind {
    let named = |kind: &&Kind| kind.status == status || kind.also.contains(&status);
    let class = |kind: &&Kind| kind.status == if status < 500 { 400 } else { 500 };
    let found = KINDS
        .iter()
        .find(named)
        .or_else(|| KINDS.iter().find(class));
    found.unwrap_or(&KINDS[0])
}

/// The status that an error of this cause has where no answer's status says it: inside a stream.
pub const fn status_of(cause: Cause) -> u16 {
    match cause.info().error_type {
        ErrorType::InvalidRequest => 400,
        ErrorType::Authentication => 401,
        ErrorType::Billing => 402,
        ErrorType::Permission => 403,
        ErrorType::NotFound => 404,
        ErrorType::RequestTooLarge => 413,
        ErrorType::RateLimit => 429,
        ErrorType::ClientClosed => 499,
        ErrorType::Api => 500,
        ErrorType::Upstream => 502,
        ErrorType::Overloaded => 503,
        ErrorType::Timeout => 504,
    }
}

impl Kind {
    const fn name(&self, protocol: Protocol) -> &'static str {
        match protocol {
            Protocol::Anthropic => self.anthropic,
            Protocol::OpenAi => self.openai,
            Protocol::Gemini => self.gemini,
        }
    }
}

/// What a client of `protocol` is told where the provider of another language answered with `status`: the
/// status, and the body.
pub fn error_answer(
    protocol: Protocol,
    status: u16,
    message: &str,
    request_id: &str,
) -> (u16, Bytes) {
    let kind = kind_of(status);
    let status = match protocol {
        Protocol::Anthropic if kind.status == 503 => OVERLOADED,
        Protocol::Anthropic | Protocol::OpenAi | Protocol::Gemini => kind.status,
    };
    let name = kind.name(protocol);
    let body = render::error_body(protocol, status, name, message, request_id);
    (status, body)
}

/// The same as the event that ends a stream. Its kind follows from the failure's cause: the answer that holds
/// it began as a success.
pub fn error_event(format: StreamFormat, cause: Cause, message: &str, request_id: &str) -> Bytes {
    let protocol = match format {
        StreamFormat::AnthropicSse => Protocol::Anthropic,
        StreamFormat::ChatSse | StreamFormat::ResponsesSse => Protocol::OpenAi,
        StreamFormat::GeminiSse | StreamFormat::GeminiArray => Protocol::Gemini,
    };
    let kind = kind_of(status_of(cause));
    let name = kind.name(protocol);
    render::error_event(format, kind.status, name, message, request_id, true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use serde_json::Value;
    use waybill_model::protocol::StreamFormat::*;

    use super::*;
    use crate::stream::{Limits, StreamEnd, StreamReader};

    #[test]
    fn each_status_becomes_the_clients_closest() {
        let cases = [
            (Protocol::Anthropic, 503, 529, "overloaded_error"),
            (Protocol::Anthropic, 429, 429, "rate_limit_error"),
            (Protocol::Anthropic, 418, 400, "invalid_request_error"),
            (Protocol::OpenAi, 529, 503, "server_error"),
            (Protocol::OpenAi, 599, 500, "server_error"),
            (Protocol::Gemini, 529, 503, "UNAVAILABLE"),
            (Protocol::Gemini, 413, 413, "INVALID_ARGUMENT"),
        ];
        for (protocol, given, told, word) in cases {
            let (status, body) = error_answer(protocol, given, "It \"broke\".", "wb_1");
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(status, told, "{protocol} {given}");
            let name = if protocol == Protocol::Gemini {
                "status"
            } else {
                "type"
            };
            assert_eq!(body["error"][name], word, "{protocol} {given}");
            assert_eq!(body["error"]["message"], "It \"broke\".");
        }
    }

    #[test]
    fn an_event_is_of_the_kind_that_an_answer_with_the_causes_status_would_be() {
        let cases = [
            (
                Cause::RateLimitTokens,
                "rate_limit_error",
                "rate_limit_error",
                "RESOURCE_EXHAUSTED",
            ),
            (
                Cause::Overloaded,
                "overloaded_error",
                "server_error",
                "UNAVAILABLE",
            ),
            (
                Cause::UpstreamTimeout,
                "timeout_error",
                "server_error",
                "DEADLINE_EXCEEDED",
            ),
            (Cause::ServerError, "api_error", "server_error", "INTERNAL"),
            (
                Cause::ContextLength,
                "invalid_request_error",
                "invalid_request_error",
                "INVALID_ARGUMENT",
            ),
        ];
        for (cause, anthropic, openai, gemini) in cases {
            for (format, word) in [
                (AnthropicSse, anthropic),
                (ChatSse, openai),
                (ResponsesSse, openai),
                (GeminiSse, gemini),
                (GeminiArray, gemini),
            ] {
                let event = error_event(format, cause, "It broke.", "wb_1");
                let event = String::from_utf8(event.to_vec()).unwrap();
                assert!(event.contains(&format!("\"{word}\"")), "{cause}: {event}");
            }
        }
        for cause in Cause::ALL {
            let status = status_of(*cause);
            assert!(
                KINDS
                    .iter()
                    .any(|kind| kind.status == status || kind.also.contains(&status))
            );
        }
    }

    #[test]
    fn an_error_event_is_one_for_our_own_reader() {
        for format in [AnthropicSse, ChatSse, ResponsesSse, GeminiSse, GeminiArray] {
            let mut reader = StreamReader::new(format, Limits::default());
            let mut out = Vec::new();
            if format == GeminiArray {
                reader.feed(Bytes::from_static(b"[{\"candidates\":[]}"), &mut out);
            }
            reader.feed(
                error_event(format, Cause::Overloaded, "It broke.", "wb_1"),
                &mut out,
            );
            let end = reader.finish(&mut out);
            assert!(matches!(end, StreamEnd::Error(_)), "{format:?}: {end:?}");
        }
    }
}
