//! Where an account's provider is, and what the account presents there.
//!
//! Promises: an address is read whole or refused; what was presented can be found in what comes back.
//! Must not know: how a connection is made.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header, uri::Authority};
use waybill_model::{entity::HttpVersion, protocol::Platform, secret::Secret};

use super::AccountEntry;
use crate::{credential::Bearer, egress::Proxy};

/// Where a provider is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Upstream {
    /// TLS or plain.
    pub tls: bool,
    /// Host and port as written.
    pub authority: Authority,
    /// Path before `/v1/…`; empty, or `/prefix` without a trailing slash.
    pub path_prefix: Arc<str>,
    /// Which HTTP to speak.
    pub http_version: HttpVersion,
    /// What it is reached through. Part of what makes two connections alike.
    pub proxy: Option<Arc<Proxy>>,
}

/// What authenticates an account.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A key, sent as it is.
    Key {
        /// Header name.
        name: HeaderName,
        /// Header value, marked sensitive.
        value: HeaderValue,
    },
    /// Access tokens, one after the other.
    Token(Arc<Bearer>),
}

/// Why a definition cannot be used. Shown to the operator.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SnapshotError {
    /// Not `http://host` or `https://host`.
    #[error("base_url: `{0}` is not an http or https address with a host")]
    BaseUrl(String),
    /// Bytes that cannot stand in a header.
    #[error("credential: it has characters that cannot be sent in a header")]
    Credential,
}

impl Upstream {
    /// Reads `scheme://host[:port][/prefix]`.
    pub fn parse(base_url: &str, http_version: HttpVersion) -> Result<Self, SnapshotError> {
        let bad = || SnapshotError::BaseUrl(base_url.to_owned());
        let uri: http::Uri = base_url.parse().map_err(|_| bad())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(bad()),
        };
        let authority = uri.authority().cloned().ok_or_else(bad)?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(bad());
        }
        let path_prefix = Arc::from(uri.path().trim_end_matches('/'));
        Ok(Upstream {
            tls,
            authority,
            path_prefix,
            http_version,
            proxy: None,
        })
    }

    /// Host, without brackets.
    pub fn host(&self) -> &str {
        self.authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
    }

    /// TCP port.
    pub fn port(&self) -> u16 {
        self.authority
            .port_u16()
            .unwrap_or(if self.tls { 443 } else { 80 })
    }
}

impl Credential {
    /// The header each platform expects an API key in.
    pub fn header(platform: Platform) -> HeaderName {
        match platform {
            Platform::Anthropic => HeaderName::from_static("x-api-key"),
            Platform::Gemini => HeaderName::from_static("x-goog-api-key"),
            Platform::OpenAi | Platform::Antigravity => header::AUTHORIZATION,
        }
    }

    /// An API key as its platform expects it.
    pub fn api_key(platform: Platform, key: &Secret) -> Result<Self, SnapshotError> {
        let name = Credential::header(platform);
        let text = match platform {
            Platform::Anthropic | Platform::Gemini => key.expose().to_owned(),
            Platform::OpenAi | Platform::Antigravity => format!("Bearer {}", key.expose()),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| SnapshotError::Credential)?;
        value.set_sensitive(true);
        Ok(Credential::Key { name, value })
    }

    /// What there is to send now; nothing before the first access token.
    pub fn presented(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Credential::Key { name, value } => Some((name.clone(), value.clone())),
            Credential::Token(bearer) => Some((header::AUTHORIZATION, bearer.header()?)),
        }
    }

    /// Whether an operator gave the same. An access token that is had anew changes nothing of it.
    pub fn is_same(&self, other: &Credential) -> bool {
        match (self, other) {
            (Credential::Key { value, .. }, Credential::Key { value: other, .. }) => value == other,
            (Credential::Token(bearer), Credential::Token(other)) => {
                bearer.source() == other.source()
            }
            (Credential::Key { .. } | Credential::Token(_), _) => false,
        }
    }
}

impl AccountEntry {
    /// Removes headers in which a provider sends back what the account presented.
    pub fn take_secrets_out_of(&self, headers: &mut HeaderMap) {
        // `Bearer …` or the key alone: the key is the last word of both.
        let presented = self.credential.as_ref().and_then(Credential::presented);
        let key = presented
            .as_ref()
            .and_then(|(_, value)| value.as_bytes().rsplit(|byte| *byte == b' ').next());
        let echoes = |value: &HeaderValue| {
            key.into_iter()
                .chain(self.headers.secret_values())
                .any(|secret| memchr::memmem::find(value.as_bytes(), secret).is_some())
        };
        while let Some(name) = headers
            .iter()
            .find(|(_, value)| echoes(value))
            .map(|(name, _)| name.clone())
        {
            headers.remove(name);
        }
    }
}
