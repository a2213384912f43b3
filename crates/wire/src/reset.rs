//! Reads when a limit ends, from the headers, the body and the words of a failed answer.
//!
//! Promises: only stated waits are reported, rounded down to milliseconds; placeholders and impossible
//! values (zero, negative, past, beyond a year) are not believed. Headers that describe a limit are
//! believed only where a limit was the matter: providers send them with every answer.
//!
//! Must not know: what an error means otherwise.
//!
//! Sources, in the order of belief: the answer's `retry-after`; Anthropic's unified windows; waits and
//! instants in the body; the sentence; the windows of `…ratelimit-*` headers.

mod body;
pub(crate) mod header;
mod sentence;
pub(crate) mod span;

use http::HeaderMap;
use serde_json::Value;
use waybill_model::{protocol::Platform, state::Reach, time::UnixMillis};

/// A stated wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// Milliseconds from `now` until the limit ends.
    pub after_ms: u64,
    /// Where it was read: a header's name, a body field's path, or `message`.
    pub source: String,
    /// What is limited.
    pub scope: Reach,
}

/// Longest wait believed: a year and a day.
const MAX_WAIT_MS: i64 = 366 * 24 * 3600 * 1000;

/// Everything a reset may be read from.
pub(crate) struct Evidence<'a> {
    pub(crate) platform: Platform,
    /// The failing status, the answer's or the one its text states.
    pub(crate) status: Option<u16>,
    pub(crate) headers: &'a HeaderMap,
    /// Every JSON document found in the body.
    pub(crate) documents: &'a [Value],
    pub(crate) message: &'a str,
    /// Quota ids and the like.
    pub(crate) hints: &'a [String],
}

/// A wait and where it was read, before its scope is known.
pub(crate) struct Stated {
    pub(crate) after_ms: u64,
    pub(crate) source: String,
    pub(crate) scope: Option<Reach>,
}

impl Evidence<'_> {
    /// The wait, if a believable one is stated.
    pub(crate) fn read(&self, now: UnixMillis) -> Option<Reset> {
        // A request that was refused for itself is not helped by the state of a limit.
        let limited = self
            .status
            .is_none_or(|status| status == 429 || status >= 500);
        let headers = limited.then_some(self.headers);
        let stated = headers
            .and_then(|headers| header::retry_after(headers, now))
            .or_else(|| header::unified(headers?, now))
            .or_else(|| body::read(self.documents, now))
            .or_else(|| sentence::read(self.message, now))
            .or_else(|| header::windows(headers?, self.message, now))?;
        let scope = stated.scope.unwrap_or_else(|| self.scope());
        Some(Reset {
            after_ms: stated.after_ms,
            source: stated.source,
            scope,
        })
    }

    /// What is limited. Per-minute and per-day limits of the APIs are kept per model; plans and
    /// subscriptions are shared by all models of an account, unless their headers say otherwise.
    pub(crate) fn scope(&self) -> Reach {
        let named = |marks: &[&str]| {
            let message = self.message.to_ascii_lowercase();
            let hints = self.hints.iter().map(|hint| hint.to_ascii_lowercase());
            let mut texts = hints.chain([message]);
            texts.any(|text| marks.iter().any(|mark| text.contains(mark)))
        };
        let of_model = match self.platform {
            Platform::Antigravity => !named(&["individual quota"]) || self.names_model(),
            Platform::Gemini => {
                named(&["permodel", "model"]) || self.names_model() || self.status == Some(503)
            }
            Platform::Anthropic => match header::reach(self.headers) {
                Some(reach) => return reach,
                None => named(&["tokens per minute", "requests per minute", "model:"]),
            },
            Platform::OpenAi => named(&[
                "for model",
                "limit reached for",
                "tokens per",
                "requests per",
                "token rate limit",
            ]),
        };
        if of_model {
            Reach::Model
        } else {
            Reach::Account
        }
    }

    fn names_model(&self) -> bool {
        self.documents.iter().any(body::names_model)
    }
}

/// Believes a wait, or not.
pub(crate) fn believed(wait_ms: i64, source: impl Into<String>) -> Option<Stated> {
    let believable = (1..=MAX_WAIT_MS).contains(&wait_ms);
    let after_ms = u64::try_from(wait_ms).ok().filter(|_| believable)?;
    Some(Stated {
        after_ms,
        source: source.into(),
        scope: None,
    })
}

/// Believes an instant that lies ahead.
fn until(at: UnixMillis, now: UnixMillis, source: impl Into<String>) -> Option<Stated> {
    believed(at.0.saturating_sub(now.0), source)
}
