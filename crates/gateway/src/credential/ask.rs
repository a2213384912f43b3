//! Asking a token endpoint: the form, one request, one bounded answer.
//!
//! Promises: goes where the egress policy lets it, through the account's proxy; says who asks; redirects are not
//! followed. Must not know: what comes of it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use waybill_model::{secret::Secret, time::UnixMillis};

use super::{
    answer::{self, Granted, NoToken},
    definition::{RefreshToken, ServiceAccount, Source},
};
use crate::{
    egress::Proxy,
    upstream::{Outlet, TransportError, USER_AGENT, ask},
};

/// Longest time for an answer, from the connection to its end.
pub const TIME_TO_ANSWER: Duration = Duration::from_secs(10);

/// Bytes of an answer that are read. Tokens are some kilobytes at most.
const MAX_ANSWER: usize = 64 << 10;

/// What stands for itself in a form (RFC 3986 2.3).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Asks for a token. `rotated` stands in for the refresh token that the operator gave.
pub async fn token(
    outlet: Outlet<'_>,
    source: &Source,
    rotated: Option<&Secret>,
    proxy: Option<&Arc<Proxy>>,
    now: impl Fn() -> UnixMillis,
) -> Result<Granted, NoToken> {
    let form = form(source, rotated, now()).map_err(NoToken::unavailable)?;
    let (status, headers, body) = post(outlet, source, proxy, form).await.map_err(|error| {
        NoToken::unavailable(format!("the token endpoint cannot be reached: {error}"))
    })?;
    answer::read(status, &headers, &body, now())
}

/// Whether there is something at a token endpoint that answers. Asks for nothing, so that nothing is changed.
pub async fn answers(
    outlet: Outlet<'_>,
    source: &Source,
    proxy: Option<&Arc<Proxy>>,
) -> Result<(), String> {
    match post(outlet, source, proxy, String::new()).await {
        Ok((status, ..))
            if status.is_server_error()
                || status.is_redirection()
                || [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status) =>
        {
            Err(format!("it answers {status}"))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

async fn post(
    outlet: Outlet<'_>,
    source: &Source,
    proxy: Option<&Arc<Proxy>>,
    form: String,
) -> Result<(StatusCode, HeaderMap, Bytes), TransportError> {
    let unusable = || {
        TransportError::unsent(
            waybill_model::waybill::TransportFault::Protocol,
            "its address cannot be read",
        )
    };
    let mut upstream = source.endpoint().ok_or_else(unusable)?;
    upstream.proxy = proxy.cloned();
    let uri: http::Uri = source.token_url().parse().map_err(|_| unusable())?;
    let mut request = Request::new(Bytes::from(form));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri
        .path_and_query()
        .map_or_else(http::Uri::default, |path| http::Uri::from(path.clone()));
    let headers = request.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
        (header::ACCEPT, "application/json"),
        (header::ACCEPT_ENCODING, "identity"),
        (header::USER_AGENT, USER_AGENT),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    ask(outlet, &upstream, request, MAX_ANSWER, TIME_TO_ANSWER).await
}

fn form(source: &Source, rotated: Option<&Secret>, now: UnixMillis) -> Result<String, String> {
    match source {
        Source::RefreshToken(RefreshToken {
            refresh_token,
            client_id,
            client_secret,
            ..
        }) => {
            let mut fields = vec![
                ("grant_type", "refresh_token"),
                ("refresh_token", rotated.unwrap_or(refresh_token).expose()),
                ("client_id", client_id),
            ];
            fields.extend(
                client_secret
                    .as_ref()
                    .map(|secret| ("client_secret", secret.expose())),
            );
            Ok(encoded(&fields))
        }
        Source::ServiceAccount(ServiceAccount { key, scopes }) => {
            let assertion = key.assertion(scopes, now)?;
            Ok(encoded(&[
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", assertion.expose()),
            ]))
        }
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, PLAIN)))
        .collect();
    pairs.join("&")
}
