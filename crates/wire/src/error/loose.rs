//! Texts that came instead of an error, and may hold anything: also what the user wrote.
//!
//! A message is shown to whoever may see that something failed. So of a text of which nothing says that it is an
//! error's, only what is short and speaks of a failure is a message; of any other it is said what it was, and the
//! text itself is in the detail.
//!
//! Must not know: who sees what.

use http::HeaderMap;
use waybill_model::number::grouped;

/// Longest text that is taken for a sentence about a failure, in bytes.
const SENTENCE_BYTES: usize = 300;

/// Longest single word that is shown as it is, in bytes.
const TOKEN_BYTES: usize = 16;

/// Phrases of failures, in lower case. One of them makes a short line a sentence about one. Words that people use of
/// anything (`not`, `too`, `lost`) count only with what makes them a server's.
const PHRASES: &[&str] = &[
    "abort",
    "bad gateway",
    "bad request",
    "bad response",
    "blocked",
    "can't connect",
    "can't find",
    "cannot access",
    "cannot be ",
    "cannot connect",
    "cannot find",
    "cannot get",
    "cannot post",
    "cannot process",
    "cannot read",
    "cannot resolve",
    "cannot use",
    "closed by",
    "closed the connection",
    "connection closed",
    "connection lost",
    "connection refused",
    "connection reset",
    "could not be ",
    "could not connect",
    "could not find",
    "could not process",
    "could not resolve",
    "currently busy",
    "denied",
    "deprecated",
    "disconnect",
    "does not exist",
    "does not have access",
    "does not support",
    "enotfound",
    "error",
    "exceed",
    "expired",
    "fail",
    "forbidden",
    "gateway",
    "internal server",
    "invalid",
    "is busy",
    "is disabled",
    "is down",
    "is missing",
    "is not a valid",
    "is required",
    "limit for",
    "limit reached",
    "lost connection",
    "maintenance",
    "missing api",
    "missing auth",
    "missing header",
    "missing param",
    "missing required",
    "no healthy",
    "no such",
    "not acceptable",
    "not allowed",
    "not authenticated",
    "not authorized",
    "not available",
    "not enabled",
    "not found",
    "not implemented",
    "not permitted",
    "not supported",
    "not valid",
    "overload",
    "please retry",
    "please wait",
    "quota",
    "rate limit",
    "rate-limit",
    "ratelimit",
    "refused",
    "rejected",
    "request limit",
    "reset after",
    "reset before",
    "reset by",
    "retries",
    "retry later",
    "server busy",
    "server is busy",
    "shut down",
    "shutting down",
    "slow down",
    "throttl",
    "time-out",
    "timed out",
    "timeout",
    "token limit",
    "too large",
    "too long",
    "too many",
    "try again",
    "unable to",
    "unauthorized",
    "unavailable",
    "unexpected end",
    "unexpected eof",
    "unexpected response",
    "unexpected status",
    "unexpected token",
    "unhealthy",
    "unknown model",
    "unsupported",
    "upstream",
    "usage limit",
    "went wrong",
    "wrong api key",
];

/// Whether a text reads like a sentence about a failure.
pub(super) fn is_sentence(text: &str) -> bool {
    // `null`, `undefined`: nothing anybody wrote.
    if text.len() <= TOKEN_BYTES && !text.contains(char::is_whitespace) {
        return true;
    }
    let is_line = text.len() <= SENTENCE_BYTES && !text.contains(['\n', '{']);
    let lower = text.to_ascii_lowercase() + " ";
    is_line && PHRASES.iter().any(|phrase| lower.contains(phrase))
}

/// What is said of any other text.
pub(super) fn instead(status: Option<u16>, headers: &HeaderMap, bytes: usize) -> String {
    let answered = match status {
        Some(status) => format!("the provider answered {status}"),
        None => "the provider answered".to_owned(),
    };
    format!(
        "{answered} with {} ({} bytes)",
        form(headers),
        grouped(bytes as u64)
    )
}

/// The content type, if it is one.
fn form(headers: &HeaderMap) -> &str {
    let named = headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = named
        .and_then(|named| named.split(';').next())
        .unwrap_or_default()
        .trim();
    let is_named = essence.len() <= 64
        && essence.contains('/')
        && essence
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/+-.".contains(&byte));
    if is_named { essence } else { "a text" }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};

    use super::*;

    #[test]
    fn short_lines_about_a_failure_are_sentences_and_nothing_else_is() {
        for text in [
            "Internal Server Error",
            "no healthy upstream",
            "slow down, please try again",
            "getaddrinfo ENOTFOUND api.example.invalid",
            "null",
        ] {
            assert!(is_sentence(text), "{text}");
        }
        for text in [
            "My sister's birthday is in May",
            "My sister's birthday is not in May, and too far away",
            "I lost my keys down by the river; the sky is the limit",
            "You must bring a cake, I can't wait",
            "line one failed\nline two",
            r#"{"prompt": "an error of mine"}"#,
            &format!("error: {}", "x".repeat(300)),
        ] {
            assert!(!is_sentence(text), "{text}");
        }
    }

    #[test]
    fn what_a_text_was_is_said_without_a_word_of_it() {
        let mut headers = HeaderMap::new();
        assert_eq!(
            instead(None, &headers, 7),
            "the provider answered with a text (7 bytes)"
        );
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        assert_eq!(
            instead(Some(502), &headers, 1_204),
            "the provider answered 502 with text/html (1,204 bytes)"
        );
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("my secret words"),
        );
        assert_eq!(
            instead(Some(502), &headers, 1_234_567),
            "the provider answered 502 with a text (1,234,567 bytes)"
        );
    }
}
