//! The request as the provider gets it: the client's, with our account's credential, address and model.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header};
use waybill_wire::splice;

use super::body::RequestBody;
use crate::{
    hop::named_by_connection,
    ingress::Inbound,
    respond::Refusal,
    routing::{AccountEntry, Chosen, Credential},
};

/// Headers that end at a hop (RFC 9110 7.6.1), or that this gateway decides itself.
const NOT_FORWARDED: &[HeaderName] = &[
    header::CONNECTION,
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::EXPECT,
    // Answers are read on their way; a plain one is scanned without unpacking it first.
    header::ACCEPT_ENCODING,
    // Who calls the gateway is not the provider's business.
    header::FORWARDED,
    header::COOKIE,
    // The client's own credential, in every spelling its SDK may use.
    header::AUTHORIZATION,
];

/// The same, for names without a constant.
const NOT_FORWARDED_NAMES: &[&str] = &[
    "keep-alive",
    "proxy-connection",
    "http2-settings",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
];

/// The same, for families of names.
const NOT_FORWARDED_PREFIXES: &[&str] = &["x-waybill-", "x-forwarded-", "cf-"];

/// Builds the provider's request. Shares the client's body.
pub fn build(inbound: &Inbound, chosen: &Chosen) -> Result<Request<RequestBody>, Refusal> {
    let account = &chosen.account;
    let mut request = Request::new(body(inbound, chosen));
    *request.method_mut() = inbound.method.clone();
    *request.uri_mut() = uri(inbound, chosen)?;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = headers_sent(&inbound.arrival().headers, account, &inbound.method);
    Ok(request)
}

/// The headers sent: the client's, less what must not pass; then the account's own, and its credential.
pub fn headers_sent(client: &HeaderMap, account: &AccountEntry, method: &Method) -> HeaderMap {
    let named_by_connection = named_by_connection(client);
    let mut headers = HeaderMap::with_capacity(client.len() + 3);
    for (name, value) in client {
        if !is_forwarded(name)
            || named_by_connection
                .iter()
                .any(|named| named == name.as_str())
        {
            continue;
        }
        headers.append(name.clone(), value.clone());
    }
    if let Ok(host) = HeaderValue::from_str(account.upstream.authority.as_str()) {
        headers.insert(header::HOST, host);
    }
    account.headers.put_into(&mut headers);
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    if method == Method::POST && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    if let Some((name, value)) = account.credential.as_ref().and_then(Credential::presented) {
        headers.insert(name, value);
    }
    headers
}

fn is_forwarded(name: &HeaderName) -> bool {
    !NOT_FORWARDED.contains(name)
        && !NOT_FORWARDED_NAMES.contains(&name.as_str())
        && !NOT_FORWARDED_PREFIXES
            .iter()
            .any(|prefix| name.as_str().starts_with(prefix))
}

fn body(inbound: &Inbound, chosen: &Chosen) -> RequestBody {
    let body = &inbound.arrival().body;
    match (&inbound.model_span, &chosen.upstream_model) {
        (Some(span), Some(model)) if inbound.arrival().model.as_ref() != Some(model) => {
            RequestBody::spliced(splice::splice(body, span, model))
        }
        _ => RequestBody::whole(body.clone()),
    }
}

/// Path and query alone, as HTTP/1.1 wants it; HTTP/2 adds scheme and host when it is sent.
fn uri(inbound: &Inbound, chosen: &Chosen) -> Result<Uri, Refusal> {
    let upstream = &chosen.account.upstream;
    let renamed = match (&inbound.path_model_span, &chosen.upstream_model) {
        (Some(span), Some(model)) if inbound.arrival().model.as_ref() != Some(model) => Some(
            splice::splice_path(inbound.path_and_query.as_str(), span, model),
        ),
        _ => None,
    };
    let path_and_query = match (renamed, upstream.path_prefix.is_empty()) {
        (None, true) => inbound.path_and_query.clone(),
        (renamed, _) => {
            let path = renamed
                .as_deref()
                .unwrap_or(inbound.path_and_query.as_str());
            format!("{}{path}", upstream.path_prefix)
                .parse()
                .map_err(Refusal::internal)?
        }
    };
    Ok(Uri::from(path_and_query))
}
