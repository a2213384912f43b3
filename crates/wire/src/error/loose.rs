//! Texts that came instead of an error, and may hold anything: also what the user wrote.
//!
//! A message is shown to whoever may see that something failed. So of a text of which nothing says that it is an
//! error's, only what is short and speaks of a failure is a message; of any other it is said what it was, and the
//! text itself is in the detail.
//!
//! Must not know: who sees what.

use http::HeaderMap;

/// Longest text that is taken for a sentence about a failure, in bytes.
const SENTENCE_BYTES: usize = 300;

/// Longest single word that is shown as it is, in bytes.
const TOKEN_BYTES: usize = 16;

/// Words of failures, in lower case. One of them makes a short line a sentence about one.
const WORDS: &[&str] = &[
    "abort",
    "bad ",
    "block",
    "busy",
    "can't",
    "cannot",
    "closed",
    "could not",
    "denied",
    "deprecated",
    "disabled",
    "disconnect",
    "does not",
    "down",
    "enotfound",
    "eof",
    "error",
    "exceed",
    "expired",
    "fail",
    "fault",
    "forbidden",
    "gateway",
    "healthy",
    "invalid",
    "lost",
    "limit",
    "maintenance",
    "missing",
    "must ",
    "no such",
    "not ",
    "overload",
    "quota",
    "refuse",
    "reject",
    "required",
    "reset",
    "retr",
    "stopped",
    "throttl",
    "time-out",
    "timed out",
    "timeout",
    "too ",
    "try again",
    "unable",
    "unauthorized",
    "unavailable",
    "unexpected",
    "unknown",
    "unsupported",
    "upstream",
    "wait ",
    "wrong",
];

/// Whether a text reads like a sentence about a failure.
pub(super) fn is_sentence(text: &str) -> bool {
    // `null`, `undefined`: nothing anybody wrote.
    if text.len() <= TOKEN_BYTES && !text.contains(char::is_whitespace) {
        return true;
    }
    let is_line = text.len() <= SENTENCE_BYTES && !text.contains(['\n', '{']);
    let lower = text.to_ascii_lowercase() + " ";
    is_line && WORDS.iter().any(|word| lower.contains(word))
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
        grouped(bytes)
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

/// `1204` as `1,204`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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
