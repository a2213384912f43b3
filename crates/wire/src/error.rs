//! Reads what a provider, or something in front of it, said when it failed.
//!
//! Promises: any bytes give an answer; at most [`BODY_BYTES`] of a body are looked at, and nesting is
//! followed to a fixed depth. The words are the provider's own, unredacted: they must pass redaction
//! before they are stored or shown. Nothing is invented: a missing name or wait stays missing.
//!
//! Must not know: accounts, routing, and what is done about the error.
//!
//! In reading order: this file puts the facts together, [`shape`] recognises the form of a body,
//! [`dig`] finds the innermost error in a JSON document, [`prose`] reads errors printed as text,
//! [`markup`] pages of proxies, [`lenient`] JSON that is none; [`loose`] keeps texts of any content out of the
//! message.

mod dig;
mod lenient;
mod loose;
mod markup;
mod prose;
mod shape;

use http::HeaderMap;
use waybill_model::{
    cause::Cause,
    classify::{AttemptFacts, cause_of},
    protocol::Platform,
    state::Reach,
    time::UnixMillis,
    waybill::{StreamFault, TransportFault},
};

use crate::reset;
pub use crate::reset::Reset;

/// Most bytes of a body that are looked at. Errors are small; what is larger is a page or a stream.
pub const BODY_BYTES: usize = 64 * 1024;

/// Longest message and longest detail kept, in bytes.
pub const MESSAGE_BYTES: usize = 2048;

/// Longest machine name and request id kept, in bytes.
const NAME_BYTES: usize = 128;

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderError {
    /// What an operator should see: the innermost message, unredacted, at most [`MESSAGE_BYTES`].
    /// Falls back to the name, then to the status. Of a text that may be anything it is what that was; the text
    /// is the detail then.
    pub message: String,
    /// The most specific machine name: the error's code, else its reason, type or status.
    pub name: Option<String>,
    /// What else was said: outer messages, the parameter, quota ids. At most [`MESSAGE_BYTES`].
    pub detail: Option<String>,
    /// The provider's id for the request, at most 128 bytes.
    pub upstream_request_id: Option<String>,
    /// The wait that was stated, if it is believable.
    pub reset: Option<Reset>,
    /// What is limited, where a limit is the matter: told also where no wait is stated.
    pub reach: Reach,
    /// What really happened, read from all of this.
    pub cause: Cause,
    facts: Facts,
}

/// What classification needs beyond the visible fields.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    platform: Platform,
    status: Option<u16>,
    stated_status: Option<u16>,
    names: Vec<String>,
    challenge: bool,
    /// What was said, where that is not the message.
    words: Option<String>,
}

impl ProviderError {
    /// The cause, given how the gateway itself saw the transport or the stream break.
    pub fn cause_with(
        &self,
        transport: Option<TransportFault>,
        stream: Option<StreamFault>,
    ) -> Cause {
        let words = self.facts.words.as_deref().unwrap_or(&self.message);
        cause_of(&self.facts.attempt(words, transport, stream))
    }
}

impl Facts {
    fn attempt<'a>(
        &'a self,
        message: &'a str,
        transport: Option<TransportFault>,
        stream: Option<StreamFault>,
    ) -> AttemptFacts<'a> {
        AttemptFacts {
            platform: self.platform,
            status: self.status,
            stated_status: self.stated_status,
            names: &self.names,
            message,
            challenge: self.challenge,
            transport,
            stream,
        }
    }
}

/// Reads one failed answer: its status (`None` where there was no answer, only an error of the
/// transport or an SDK), its headers, and its body or the stream frame that carried the error.
/// `now` turns absolute reset times into waits.
pub fn read(
    platform: Platform,
    status: Option<u16>,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixMillis,
) -> ProviderError {
    let text = shape::text_of(body);
    let said = shape::read(&text);
    let header_name = header(headers, "x-amzn-errortype")
        .map(exception_name)
        .filter(|name| !name.is_empty());
    let names: Vec<String> = said.names.iter().cloned().chain(header_name).collect();
    let number = said.number.filter(|_| !said.nested);
    let name = names
        .first()
        .cloned()
        .or(number)
        .map(|name| cut(name, NAME_BYTES));
    let message = match said.message {
        Some(message) => message,
        None => name.clone().unwrap_or_else(|| without_words(status)),
    };
    let message = cut(message, MESSAGE_BYTES);
    let facts = Facts {
        platform,
        status,
        stated_status: said.stated_status,
        names: names
            .into_iter()
            .chain(said.hints.iter().cloned())
            .collect(),
        challenge: said.challenge || header(headers, "cf-mitigated") == Some("challenge"),
        words: None,
    };
    let wait = reset::Evidence {
        platform,
        status: status
            .filter(|status| *status >= 300)
            .or(said.stated_status),
        headers,
        documents: &said.documents,
        message: &message,
        hints: &said.hints,
    };
    let reset = wait.read(now);
    let cause = cause_of(&facts.attempt(&message, None, None));
    let reach = reset
        .as_ref()
        .map_or_else(|| wait.scope(), |reset| reset.scope);
    let mut details = said.details;
    let (message, words) = if said.loose && !loose::is_sentence(&message) {
        details.push(message.clone());
        (loose::instead(status, headers, body.len()), Some(message))
    } else {
        (message, None)
    };
    ProviderError {
        reach,
        reset,
        cause,
        name,
        detail: detail(details, &said.hints, &message),
        upstream_request_id: request_id(headers)
            .or(said.request_id)
            .map(|id| cut(id, NAME_BYTES)),
        message,
        facts: Facts { words, ..facts },
    }
}

/// Headers under which providers and proxies name a request; the first that is there counts.
const REQUEST_ID_HEADERS: [&str; 9] = [
    "request-id",
    "x-request-id",
    "apim-request-id",
    "x-ms-request-id",
    "x-amzn-requestid",
    "x-goog-request-id",
    "x-cloudaicompanion-trace-id",
    "x-generation-id",
    "cf-ray",
];

fn request_id(headers: &HeaderMap) -> Option<String> {
    REQUEST_ID_HEADERS
        .iter()
        .find_map(|name| header(headers, name))
        .map(str::to_owned)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)?
        .to_str()
        .ok()
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

/// AWS sends `Name:http://…` and sometimes `namespace#Name`.
fn exception_name(value: &str) -> String {
    let name = value.split(':').next().unwrap_or(value);
    name.rsplit('#').next().unwrap_or(name).to_owned()
}

fn detail(details: Vec<String>, hints: &[String], message: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in details.iter().chain(hints).map(|part| part.trim()) {
        if !part.is_empty() && part != message && !parts.contains(&part) {
            parts.push(part);
        }
    }
    (!parts.is_empty()).then(|| cut(parts.join("; "), MESSAGE_BYTES))
}

fn without_words(status: Option<u16>) -> String {
    let Some(status) = status else {
        return "no answer and no message".to_owned();
    };
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    match reason {
        Some(reason) => format!("{status} {reason}"),
        None => format!("HTTP status {status}"),
    }
}

/// Shortens to `limit` bytes at most, on a character boundary.
fn cut(mut text: String, limit: usize) -> String {
    const MARK: &str = "…";
    if text.len() > limit {
        let fits = (0..=limit - MARK.len())
            .rev()
            .find(|end| text.is_char_boundary(*end));
        text.truncate(fits.unwrap_or(0));
        text.push_str(MARK);
    }
    text
}
