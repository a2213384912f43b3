//! Headers that an account sends with every request, as they are configured.
//!
//! Promises: a header that would break the exchange or replace the account's credential is refused by
//! name; values are shown by no `Debug` and no error. Must not know: what else is sent.

use std::{collections::BTreeMap, fmt};

use http::{HeaderMap, HeaderName, HeaderValue};
use waybill_model::{protocol::Platform, secret::Secret};

use crate::routing::Credential;

/// Most headers, and longest value in bytes: a provider refuses larger heads anyway.
const MAX_HEADERS: usize = 32;
const MAX_VALUE_BYTES: usize = 4 << 10;

/// A shorter value is not looked for in what a provider sends back: it would match ordinary words.
const MIN_SECRET_BYTES: usize = 12;

/// Headers that HTTP itself, or this gateway, decides.
const FORBIDDEN: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers of one account.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CustomHeaders(HeaderMap);

impl CustomHeaders {
    /// Reads names and values. The error names the header at fault, never a value.
    pub fn new<'a>(
        platform: Platform,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<CustomHeaders, String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let (name, value) = header(platform, name, value)?;
            if map.insert(name.clone(), value).is_some() {
                return Err(format!("`{name}` is there twice"));
            }
            if map.len() > MAX_HEADERS {
                return Err(format!("more than {MAX_HEADERS} headers"));
            }
        }
        Ok(CustomHeaders(map))
    }

    /// Reads a JSON object from name to value: how they rest, sealed.
    pub fn from_json(platform: Platform, json: &[u8]) -> Result<CustomHeaders, String> {
        let headers: BTreeMap<String, String> = serde_json::from_slice(json)
            .map_err(|_| "a JSON object from header name to text is needed".to_owned())?;
        CustomHeaders::new(
            platform,
            headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        )
    }

    /// As they rest, before they are sealed.
    pub fn to_json(&self) -> Vec<u8> {
        let text: BTreeMap<&str, std::borrow::Cow<'_, str>> = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
            .collect();
        // A map of strings always has a JSON form.
        serde_json::to_vec(&text).unwrap_or_default()
    }

    /// Names, for whoever may not see the values.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.0.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        names
    }

    /// Replaces headers of the same name.
    pub fn put_into(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.insert(name.clone(), value.clone());
        }
    }

    /// Values that are long enough not to be a word of somebody else's.
    pub fn secret_values(&self) -> impl Iterator<Item = &[u8]> {
        self.0
            .values()
            .map(HeaderValue::as_bytes)
            .filter(|value| value.len() >= MIN_SECRET_BYTES)
    }

    /// The same values, for the redactor: a date that is a version is no secret.
    pub fn secrets(&self) -> impl Iterator<Item = Secret> + '_ {
        self.secret_values()
            .map(|value| Secret::new(String::from_utf8_lossy(value)))
    }
}

impl fmt::Debug for CustomHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn header(
    platform: Platform,
    name: &str,
    value: &str,
) -> Result<(HeaderName, HeaderValue), String> {
    let parsed: HeaderName = name
        .parse()
        .map_err(|_| format!("`{name}` is not a header's name"))?;
    if FORBIDDEN.contains(&parsed.as_str()) || parsed.as_str().starts_with("x-waybill-") {
        return Err(format!("`{parsed}` is decided by the gateway"));
    }
    if parsed == Credential::header(platform) {
        return Err(format!("`{parsed}` carries the account's credential"));
    }
    if value.len() > MAX_VALUE_BYTES {
        return Err(format!(
            "the value of `{parsed}` is longer than {MAX_VALUE_BYTES} bytes"
        ));
    }
    let mut value = HeaderValue::from_str(value.trim()).map_err(|_| {
        format!("the value of `{parsed}` has characters that cannot be sent in a header")
    })?;
    value.set_sensitive(true);
    Ok((parsed, value))
}
