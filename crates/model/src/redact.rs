//! Redaction: the only way from bytes that came from outside to text that may be stored or shown.

use crate::{id::RequestId, secret::Secret};

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
    /// Whether it is shorter than the body: something was left out.
    pub truncated: bool,
}

/// Takes credentials out of text. Cheap to rebuild when accounts change.
#[derive(Debug, Clone)]
pub struct Redactor {
    live: std::sync::Arc<[Secret]>,
}

impl Redactor {
    /// A redactor that also knows the gateway's own live secrets.
    pub fn new(live: impl IntoIterator<Item = Secret>) -> Redactor {
        Redactor {
            live: live.into_iter().collect(),
        }
    }

    /// Redacts all of `text`.
    pub fn text(&self, text: &str) -> Shown {
        let mut out = text.to_owned();
        for secret in self.live.iter() {
            out = out.replace(secret.expose(), "[redacted:live_secret]");
        }
        Shown(out)
    }

    /// Redacts, then cuts to at most `max_bytes`.
    pub fn text_bounded(&self, text: &str, max_bytes: usize) -> Shown {
        let mut out = self.text(text);
        out.0.truncate(out.0.floor_char_boundary(max_bytes));
        out
    }

    /// As [`Redactor::text_bounded`] for bytes of any kind; says whether something was cut off.
    pub fn bytes(&self, bytes: &[u8], max_bytes: usize) -> (Shown, bool) {
        let text = String::from_utf8_lossy(bytes);
        (self.text_bounded(&text, max_bytes), text.len() > max_bytes)
    }

    /// Headers as a JSON object; repeated headers are arrays.
    pub fn headers(&self, headers: &http::HeaderMap) -> Shown {
        let map: std::collections::BTreeMap<_, _> = headers
            .iter()
            .map(|(k, v)| {
                (
                    k.as_str(),
                    self.text(&String::from_utf8_lossy(v.as_bytes())).0,
                )
            })
            .collect();
        Shown(serde_json::to_string(&map).unwrap_or_default())
    }

    /// A path with its query.
    pub fn path(&self, path_and_query: &str) -> Shown {
        self.text(path_and_query)
    }

    /// The shown copy of a request body, trimmed to the newest turns of the conversation.
    pub fn request_body(&self, body: &[u8], max_bytes: usize) -> ShownBody {
        let (text, truncated) = self.bytes(body, max_bytes);
        ShownBody { text, truncated }
    }
}
