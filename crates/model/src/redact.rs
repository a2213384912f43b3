//! Redaction: the only way from bytes that came from outside to text that may be stored or shown.
//!
//! Promises: credentials go, by the name of their field, by their shape, and because they are one of
//! the gateway's own; so do the identifiers of the accounts behind a provider. Everything else stays
//! byte for byte. Valid JSON stays valid JSON, redacting twice changes nothing, and a cut never leaves
//! a part of a secret behind. What was taken out is marked as `[redacted:kind]`.
//!
//! Must not know: where the text goes. There is one strictness for the database, logs and pages.

mod fields;
mod ids;
mod live;
mod names;
mod scan;
mod shapes;
mod spans;
mod trim;
mod views;
mod words;

use std::{borrow::Cow, sync::Arc};

use self::{live::LiveSecrets, spans::Kind};
use crate::{id::RequestId, secret::Secret};

/// How far past a cut redaction looks, in bytes, so that a secret that straddles it is recognised.
/// Longer than any token or header; private keys are recognised by their beginning.
const LOOK_AHEAD: usize = 4096;

/// Takes credentials out of text. Cheap to clone, and to rebuild when accounts change.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    live: Arc<LiveSecrets>,
}

impl Redactor {
    /// A redactor that also knows the gateway's own live secrets: account credentials, the admin
    /// token, the instance's key, client keys known in the clear. They are found as they are and
    /// escaped, percent-encoded or base64-encoded. Those shorter than 8 bytes are left out, because
    /// they would match ordinary words.
    pub fn new(live: impl IntoIterator<Item = Secret>) -> Redactor {
        Redactor {
            live: Arc::new(LiveSecrets::new(live)),
        }
    }

    /// Redacts all of `text`.
    pub fn text(&self, text: &str) -> Shown {
        Shown(self.redact(text, text.len()).into_owned())
    }

    /// Redacts, then cuts to at most `max_bytes`, never inside a character.
    pub fn text_bounded(&self, text: &str, max_bytes: usize) -> Shown {
        let window = self.window(text.len(), max_bytes);
        let window = &text[..text.floor_char_boundary(window)];
        let redacted = self.redact(window, max_bytes);
        Shown(spans::cut(&redacted, max_bytes).to_owned())
    }

    /// As [`Redactor::text_bounded`] for bytes of any kind, read as UTF-8 with replacement characters;
    /// also says whether something was cut off.
    pub fn bytes(&self, bytes: &[u8], max_bytes: usize) -> (Shown, bool) {
        let window = &bytes[..self.window(bytes.len(), max_bytes)];
        let text = decode(window);
        let redacted = self.redact(&text, max_bytes);
        let kept = spans::cut(&redacted, max_bytes);
        let truncated = text.len() > max_bytes || kept.len() < redacted.len();
        (Shown(kept.to_owned()), truncated)
    }

    /// Headers as a JSON object of strings; repeated headers are arrays of strings. Headers that carry
    /// credentials by name, or are marked sensitive, are replaced whole.
    pub fn headers(&self, headers: &http::HeaderMap) -> Shown {
        let mut names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        let mut object = String::with_capacity(64 * names.len());
        for name in names {
            object.push(if object.is_empty() { '{' } else { ',' });
            push_json(&mut object, name);
            object.push(':');
            let secret = names::header(name);
            let mut values = headers.get_all(name).iter().map(|value| match secret {
                Some(kind) => Cow::Borrowed(kind.mark()),
                // Whoever made the header says so, however short the value is.
                None if value.is_sensitive() => Cow::Borrowed(Kind::Live.mark()),
                None => String::from_utf8_lossy(value.as_bytes()),
            });
            let first = values.next().unwrap_or_default();
            match values.next() {
                None => push_json(&mut object, &first),
                Some(second) => {
                    object.push('[');
                    push_json(&mut object, &first);
                    for value in std::iter::once(second).chain(values) {
                        object.push(',');
                        push_json(&mut object, &value);
                    }
                    object.push(']');
                }
            }
        }
        object.push_str(if object.is_empty() { "{}" } else { "}" });
        self.text(&object)
    }

    /// A path with its query, or a whole URL: keys in the query and user information go.
    pub fn path(&self, path_and_query: &str) -> Shown {
        self.text(path_and_query)
    }

    /// The shown copy of a request body, of at most `max_bytes`. A larger JSON body is trimmed: the
    /// oldest turns of the conversation go first, long strings and lists are shortened, and markers
    /// such as `[waybill: 12 earlier items left out]` say so. What is not JSON is cut.
    pub fn request_body(&self, body: &[u8], max_bytes: usize) -> ShownBody {
        if body.len() <= max_bytes {
            let text = decode(body);
            let redacted = self.redact(&text, text.len());
            if redacted.len() <= max_bytes {
                return ShownBody {
                    text: Shown(redacted.into_owned()),
                    truncated: false,
                };
            }
        }
        // Marks can be longer than what they replace: leave more out until it fits.
        for budget in [max_bytes, max_bytes / 4 * 3, max_bytes / 2, max_bytes / 4] {
            let Some(trimmed) = trim::newest(body, budget, |part, limit| {
                let window = &part[..self.window(part.len(), limit)];
                let text = decode(window);
                self.redact(&text, limit).into_owned()
            }) else {
                break;
            };
            let text = decode(&trimmed);
            let redacted = self.redact(&text, text.len());
            if redacted.len() <= max_bytes {
                return ShownBody {
                    text: Shown(redacted.into_owned()),
                    truncated: true,
                };
            }
        }
        let (text, truncated) = self.bytes(body, max_bytes);
        ShownBody { text, truncated }
    }

    /// How much of `len` bytes to look at when `limit` of them are kept.
    fn window(&self, len: usize, limit: usize) -> usize {
        let ahead = LOOK_AHEAD.max(self.live.longest());
        len.min(limit.saturating_add(ahead))
    }

    /// The redacted form of the first `limit` bytes of `text`. All of `text` is looked at.
    fn redact<'a>(&self, text: &'a str, limit: usize) -> Cow<'a, str> {
        let found = scan::all(text.as_bytes(), &self.live);
        spans::replace(text, found, limit)
    }
}

/// `bytes` as they are when they are UTF-8, which is asked first because it is the fastest to answer;
/// with replacement characters otherwise.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Text that redaction has passed. There is no constructor from text that came from outside but the
/// methods of [`Redactor`].
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, serde::Serialize)]
#[serde(transparent)]
pub struct Shown(String);

impl Shown {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Our own fixed words: a literal, or the spelling of a closed set.
    pub fn own(text: &'static str) -> Self {
        Shown(text.to_owned())
    }

    /// A number of ours.
    pub fn number(value: i64) -> Self {
        Shown(value.to_string())
    }

    /// An id that we made.
    pub fn request_id(id: RequestId) -> Self {
        Shown(id.to_string())
    }

    /// The parts one after the other with `separator` between them.
    pub fn join<'a>(parts: impl IntoIterator<Item = &'a Shown>, separator: &'static str) -> Self {
        let mut text = String::new();
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                text.push_str(separator);
            }
            text.push_str(&part.0);
        }
        Shown(text)
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// The shown copy of a request body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShownBody {
    /// The redacted text, at most as long as was asked for.
    pub text: Shown,
    /// Whether something of the body was left out.
    pub truncated: bool,
}

/// Appends `text` as a JSON string.
fn push_json(out: &mut String, text: &str) {
    if text
        .bytes()
        .all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
    {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}
