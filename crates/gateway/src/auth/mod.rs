//! Auth: whose request it is.
//!
//! In: request headers and the query. Out: an [`Admitted`], the only proof that a key was accepted.
//! Promises: one hash and one look-up, no I/O. Must not know: accounts, bodies.

use std::sync::Arc;

use http::{HeaderMap, header, uri::PathAndQuery};
use waybill_model::{entity::Status, time::UnixMillis};

use crate::{
    ingress::credential_in_query,
    respond::{Code, Refusal},
    routing::{KeyEntry, Snapshot},
    vault::Vault,
};

/// An accepted key. Made by [`admit`] alone.
#[derive(Debug, Clone)]
pub struct Admitted {
    key: Arc<KeyEntry>,
}

impl Admitted {
    /// The key.
    pub fn key(&self) -> &Arc<KeyEntry> {
        &self.key
    }
}

/// A key that was not accepted.
#[derive(Debug)]
pub struct Denied {
    /// What the client is told.
    pub refusal: Refusal,
    /// The key, when it is known: then somebody owns it, and will ask.
    pub key: Option<Arc<KeyEntry>>,
}

/// Finds the key of a request and checks that it may be used now.
pub fn admit(
    headers: &HeaderMap,
    path: &PathAndQuery,
    snapshot: &Snapshot,
    vault: &Vault,
    now: UnixMillis,
) -> Result<Admitted, Denied> {
    let unknown = |message| Denied {
        refusal: Refusal::new(Code::InvalidApiKey, message),
        key: None,
    };
    let presented =
        presented(headers, path).ok_or_else(|| unknown("no API key was sent with the request"))?;
    let key = snapshot
        .key(&vault.hash_key(&presented))
        .ok_or_else(|| unknown("this gateway does not know the API key"))?;
    let of_key = |code, message| Denied {
        refusal: Refusal::new(code, message),
        key: Some(Arc::clone(key)),
    };
    if key.status == Status::Disabled {
        return Err(of_key(
            Code::KeyDisabled,
            "this API key, or its user, has been disabled",
        ));
    }
    if key.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(of_key(Code::InvalidApiKey, "this API key has expired"));
    }
    Ok(Admitted {
        key: Arc::clone(key),
    })
}

/// The key as the client's SDK sends it.
pub fn presented<'a>(
    headers: &'a HeaderMap,
    path: &'a PathAndQuery,
) -> Option<std::borrow::Cow<'a, str>> {
    let header = |name| {
        headers
            .get(name)
            .and_then(|value: &http::HeaderValue| value.to_str().ok())
    };
    header("x-api-key")
        .or_else(|| header("x-goog-api-key"))
        .or_else(|| header("api-key"))
        .or_else(|| {
            let (scheme, token) = header(header::AUTHORIZATION.as_str())?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token)
        })
        .map(|token| token.trim().into())
        .or_else(|| {
            percent_encoding::percent_decode_str(credential_in_query(path)?)
                .decode_utf8()
                .ok()
        })
        .filter(|token| !token.is_empty())
}
