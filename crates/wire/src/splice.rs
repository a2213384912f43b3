//! Replaces the model's name in a request without copying the rest of it.
//!
//! Promises: every other byte stays as it came, and is shared, not copied.
//!
//! Must not know: why the name changes.

use std::ops::Range;

use bytes::Bytes;

/// Replaces the JSON string at `span` (as [`crate::peek::Peek::model_span`] gives it) by `model`. The
/// three parts, written one after another, are the new body; the first and the last share `body`.
pub fn splice(body: &Bytes, span: &Range<usize>, model: &str) -> [Bytes; 3] {
    let name = serde_json::Value::from(model).to_string();
    [
        body.slice(..span.start),
        Bytes::from(name),
        body.slice(span.end..),
    ]
}

/// Replaces the model at `span` (as [`crate::endpoint::Recognised::path_model_span`] gives it) of a
/// path, percent-encoding what a path segment cannot hold. Works on a path with its query, too.
pub fn splice_path(path: &str, span: &Range<usize>, model: &str) -> String {
    let mut out = String::with_capacity(path.len() + model.len());
    out.push_str(&path[..span.start]);
    for byte in model.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' | b'/' => {
                out.push(char::from(byte));
            }
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out.push_str(&path[span.end..]);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use proptest::prelude::*;
    use waybill_model::protocol::Endpoint;

    use super::*;
    use crate::{endpoint::recognise, peek::peek};

    #[test]
    fn only_the_model_changes_and_the_rest_is_shared() {
        let body = Bytes::from_static(b"{ \"x\": [1,  2], \"model\" : \"old\", \"y\":1e400}");
        let span = peek(Endpoint::Messages, &body).unwrap().model_span.unwrap();
        let parts = splice(&body, &span, "new \"1\"");
        assert_eq!(
            parts.concat(),
            b"{ \"x\": [1,  2], \"model\" : \"new \\\"1\\\"\", \"y\":1e400}"
        );
        assert_eq!(parts[0].as_ptr(), body.as_ptr());
        assert_eq!(parts[2].as_ptr(), body[span.end..].as_ptr());
    }

    #[test]
    fn a_path_keeps_its_verb_and_query() {
        let path = "/v1beta/models/gemini-x:streamGenerateContent";
        let headers = http::HeaderMap::new();
        let span = recognise(&http::Method::POST, path, &headers)
            .unwrap()
            .path_model_span
            .unwrap();
        let spliced = splice_path(&format!("{path}?alt=sse"), &span, "gémini y:2");
        assert_eq!(
            spliced,
            "/v1beta/models/g%C3%A9mini%20y%3A2:streamGenerateContent?alt=sse"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_spliced_body_names_the_new_model_and_nothing_else_changes(old in ".{1,9}", new in ".{0,9}", text in ".{0,40}") {
            let json = serde_json::json!({"a": text, "model": format!("x{old}"), "z": [text]});
            let body = Bytes::from(json.to_string());
            let span = peek(Endpoint::Messages, &body).unwrap().model_span.unwrap();
            let mut expected = json;
            expected["model"] = serde_json::Value::from(new.as_str());
            prop_assert_eq!(splice(&body, &span, &new).concat(), expected.to_string().into_bytes());
        }
    }
}
