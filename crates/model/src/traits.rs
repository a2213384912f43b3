//! What a request is like, as far as its headers say so: the program that sent it, and the few headers that
//! change what a provider does.
//!
//! Promises: pure and bounded, whatever a client sends. What comes out is still the client's text: whoever keeps
//! it redacts it.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers whose values are kept of every request, successes too. A closed list: none of them says who asks.
pub const HEADERS: [&str; 4] = [
    "anthropic-beta",
    "anthropic-version",
    "openai-beta",
    "x-stainless-lang",
];

/// Values kept of one request, over all headers.
const MAX_VALUES: usize = 16;

/// Longest value; a longer one is no name of a feature or a version.
const MAX_VALUE_BYTES: usize = 64;

/// Lines read of one header.
const MAX_LINES: usize = 4;

/// Bytes read of one line.
const MAX_LINE_BYTES: usize = 1024;

/// Longest name of a program.
const MAX_PRODUCT_BYTES: usize = 64;

/// Longest version.
const MAX_VERSION_BYTES: usize = 32;

/// A program and its version, as `user-agent` names it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client<'a> {
    /// The program: `claude-cli`, `OpenAI/Python`.
    pub product: &'a str,
    /// Its version, without a leading `v`.
    pub version: Option<&'a str>,
}

impl<'a> Client<'a> {
    /// Reads a `user-agent`; `None` where it begins with no name.
    ///
    /// The name ends at the first `/` that a version follows. Some SDKs put their language behind the `/` and
    /// the version behind a space: `OpenAI/Python 1.40.0`.
    pub fn of(user_agent: &'a str) -> Option<Client<'a>> {
        let mut words = user_agent.split_ascii_whitespace();
        let first = words.next()?;
        let (product, version) = match first.split_once('/') {
            Some((product, rest)) => match version(rest) {
                Some(version) => (product, Some(version)),
                None => (first, words.next().and_then(version)),
            },
            None => (first, words.next().and_then(version)),
        };
        let is_name = !product.is_empty()
            && product.len() <= MAX_PRODUCT_BYTES
            && product.bytes().all(|byte| byte.is_ascii_graphic());
        is_name.then_some(Client { product, version })
    }

    /// Reads what [`Display`](std::fmt::Display) wrote.
    pub fn read(text: &'a str) -> Client<'a> {
        match text.split_once(' ') {
            Some((product, version)) => Client {
                product,
                version: Some(version),
            },
            None => Client {
                product: text,
                version: None,
            },
        }
    }
}

impl std::fmt::Display for Client<'_> {
    /// `product version`: neither has a space in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.version {
            Some(version) => write!(f, "{} {version}", self.product),
            None => f.write_str(self.product),
        }
    }
}

/// A version begins with a digit, after a `v` or not, and ends where something else is said.
fn version(text: &str) -> Option<&str> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text
        .bytes()
        .position(|byte| !(byte.is_ascii_alphanumeric() || b".-+_".contains(&byte)))
        .unwrap_or(text.len());
    let version = &text[..end];
    let begins = version.bytes().next().is_some_and(|b| b.is_ascii_digit());
    (begins && version.len() <= MAX_VERSION_BYTES).then_some(version)
}

/// The program that sent a request.
pub fn client(headers: &HeaderMap) -> Option<Client<'_>> {
    Client::of(beginning(headers.get(header::USER_AGENT)?, b' ')?)
}

/// A copy of what is read here, and no more: of a success nothing else is kept.
pub fn kept(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in HEADERS.into_iter().chain(["user-agent"]) {
        for line in headers.get_all(name).iter().take(MAX_LINES) {
            let bytes = line.as_bytes();
            // One more than is read, so that it is known to go on.
            let bytes = &bytes[..bytes.len().min(MAX_LINE_BYTES + 1)];
            if let Ok(line) = HeaderValue::from_bytes(bytes) {
                kept.append(HeaderName::from_static(name), line);
            }
        }
    }
    kept
}

/// What is read of a line: all of it, or what is whole of its beginning.
fn beginning(line: &HeaderValue, between: u8) -> Option<&str> {
    let bytes = line.as_bytes();
    let bytes = match bytes.get(..=MAX_LINE_BYTES) {
        None => bytes,
        Some(begins) => {
            let end = begins.iter().rposition(|byte| *byte == between)?;
            &begins[..end]
        }
    };
    std::str::from_utf8(bytes).ok()
}

/// The values of the kept headers, each once, as `(header, value)`. Lists are taken apart.
pub fn of_headers(headers: &HeaderMap) -> Vec<(&'static str, &str)> {
    let mut kept: Vec<(&'static str, &str)> = Vec::new();
    for name in HEADERS {
        let values = headers.get_all(HeaderName::from_static(name));
        let lines = values.iter().take(MAX_LINES);
        let values = lines.filter_map(|line| beginning(line, b','));
        for value in values.flat_map(|list| list.split(',')).map(str::trim) {
            let fits = (1..=MAX_VALUE_BYTES).contains(&value.len());
            if fits && kept.len() < MAX_VALUES && !kept.contains(&(name, value)) {
                kept.push((name, value));
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_user_agent_names_a_program_and_its_version() {
        for (agent, product, version) in [
            (
                "claude-cli/1.0.83 (external, cli)",
                "claude-cli",
                Some("1.0.83"),
            ),
            ("OpenAI/Python 1.40.0", "OpenAI/Python", Some("1.40.0")),
            (
                "AsyncAnthropic/Python 0.34.1",
                "AsyncAnthropic/Python",
                Some("0.34.1"),
            ),
            (
                "OpenAI/JS 4.52.0-beta.1",
                "OpenAI/JS",
                Some("4.52.0-beta.1"),
            ),
            (
                "google-genai-sdk/1.2.0 gl-python/3.11.4",
                "google-genai-sdk",
                Some("1.2.0"),
            ),
            (
                "GeminiCLI/v0.1.13/gemini-2.5-pro (linux; x64)",
                "GeminiCLI",
                Some("0.1.13"),
            ),
            (
                "codex_cli_rs/0.20.0 (Mac OS 14.5; arm64)",
                "codex_cli_rs",
                Some("0.20.0"),
            ),
            ("curl/8.5.0", "curl", Some("8.5.0")),
            ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla", Some("5.0")),
            ("agent 3", "agent", Some("3")),
            ("agent", "agent", None),
            ("my agent", "my", None),
            ("agent/", "agent/", None),
        ] {
            let read = Client::of(agent).unwrap();
            assert_eq!((read.product, read.version), (product, version), "{agent}");
            assert_eq!(Client::read(&read.to_string()), read, "{agent}");
        }
        for nobody in ["", "  ", "/1.0", "日本語/1.0"] {
            assert_eq!(Client::of(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn header_lists_are_taken_apart_and_everything_else_is_left() {
        let mut headers = HeaderMap::new();
        headers.append("anthropic-beta", HeaderValue::from_static("a, b,,a"));
        headers.append("anthropic-beta", HeaderValue::from_static("c"));
        headers.append("anthropic-version", HeaderValue::from_static("2023-06-01"));
        headers.append("x-api-key", HeaderValue::from_static("sk-secret"));
        assert_eq!(
            of_headers(&headers),
            [
                ("anthropic-beta", "a"),
                ("anthropic-beta", "b"),
                ("anthropic-beta", "c"),
                ("anthropic-version", "2023-06-01"),
            ]
        );
    }

    proptest! {
        #[test]
        fn whatever_a_client_calls_itself_little_is_kept(agent in "\\PC{0,300}|[ -~]{0,300}") {
            if let Some(client) = Client::of(&agent) {
                prop_assert!(client.to_string().len() <= MAX_PRODUCT_BYTES + 1 + MAX_VERSION_BYTES);
                let text = client.to_string();
                prop_assert_eq!(Client::read(&text), client);
            }
        }

        #[test]
        fn whatever_headers_a_client_sends_few_values_are_kept(
            values in proptest::collection::vec("[ -~]{0,200}|[a-c,]{900,1200}", 0..40)
        ) {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append("anthropic-beta", HeaderValue::from_str(value).unwrap());
            }
            if let Some(first) = values.first() {
                headers.append("user-agent", HeaderValue::from_str(&first.repeat(9)).unwrap());
            }
            let read = of_headers(&headers);
            prop_assert!(read.len() <= MAX_VALUES);
            prop_assert!(read.iter().all(|(_, value)| value.len() <= MAX_VALUE_BYTES));
            let copy = kept(&headers);
            prop_assert_eq!(of_headers(&copy), read);
            prop_assert_eq!(client(&copy), client(&headers));
            prop_assert!(copy.values().all(|line| line.len() <= MAX_LINE_BYTES + 1));
        }
    }
}
