//! The cookie of a session.
//!
//! Promises: no script reads it, no other site sends it, and it goes over TLS alone where TLS is spoken in
//! front of us. Must not know: what it holds.

use http::{HeaderMap, HeaderValue, header};

use crate::people::known::LONGEST_MS;

/// What it is called.
pub const NAME: &str = "waybill_session";

/// What it holds, if it came.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == NAME)
        .map(|(_, value)| value)
}

/// The header that sets it.
pub fn set(text: &str, asked: &HeaderMap) -> Option<HeaderValue> {
    header_of(text, LONGEST_MS / 1_000, asked)
}

/// The header that takes it away.
pub fn unset(asked: &HeaderMap) -> Option<HeaderValue> {
    header_of("", 0, asked)
}

fn header_of(text: &str, max_age_s: i64, asked: &HeaderMap) -> Option<HeaderValue> {
    let secure = if came_by_tls(asked) { "; Secure" } else { "" };
    let text =
        format!("{NAME}={text}; HttpOnly; SameSite=Strict; Path=/; Max-Age={max_age_s}{secure}");
    HeaderValue::from_str(&text).ok()
}

/// Whether who forwards to us says that the client speaks TLS. Whoever says so without it keeps their own
/// cookie from themselves.
fn came_by_tls(asked: &HeaderMap) -> bool {
    let says = |name: &str, text: &str| {
        asked
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().contains(text))
    };
    says("x-forwarded-proto", "https") || says("forwarded", "proto=https")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_is_secure_behind_tls() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "cookie",
            HeaderValue::from_static("a=1; waybill_session=x; b=2"),
        );
        assert_eq!(session(&headers), Some("x"));
        let plain = set("x", &headers).unwrap();
        assert!(!plain.to_str().unwrap().contains("Secure"));
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        let set = set("x", &headers).unwrap();
        let text = set.to_str().unwrap();
        for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(
            unset(&headers)
                .unwrap()
                .to_str()
                .unwrap()
                .contains("Max-Age=0")
        );
    }
}
