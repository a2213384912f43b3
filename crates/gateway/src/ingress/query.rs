//! The path and query as the provider gets them: without the client's credential (Gemini clients may
//! send `?key=…`), without a prefix that only says whom the client wants, and with the version that OpenAI
//! clients may leave out.

use http::uri::PathAndQuery;
use waybill_wire::endpoint::split_prefix;

/// Query parameters that carry a client's credential.
const CREDENTIAL_PARAMETERS: &[&str] = &["key", "api_key", "access_token"];

/// The credential in the query, still percent-encoded.
pub fn credential_in_query(path: &PathAndQuery) -> Option<&str> {
    path.query()?
        .split('&')
        .find_map(|pair| pair.strip_prefix("key="))
}

/// The same path and query without credentials: they are ours, not the provider's.
pub fn without_credentials(path: &PathAndQuery) -> PathAndQuery {
    let is_credential = |pair: &str| {
        CREDENTIAL_PARAMETERS.contains(&pair.split_once('=').map_or(pair, |(name, _)| name))
    };
    let Some(query) = path
        .query()
        .filter(|query| query.split('&').any(is_credential))
    else {
        return path.clone();
    };
    let mut kept = path.path().to_owned();
    for (index, pair) in query
        .split('&')
        .filter(|pair| !is_credential(pair))
        .enumerate()
    {
        kept.push(if index == 0 { '?' } else { '&' });
        kept.push_str(pair);
    }
    // Parts of a valid path and query, joined, are one again.
    kept.parse()
        .unwrap_or_else(|_| PathAndQuery::from_static("/"))
}

/// The path without a prefix of ours, and how many bytes that was.
pub fn without_prefix(path: PathAndQuery) -> (PathAndQuery, usize) {
    let cut = path.path().len() - split_prefix(path.path()).1.len();
    match path.as_str().get(cut..).filter(|_| cut > 0) {
        Some(rest) => match rest.parse() {
            Ok(plain) => (plain, cut),
            // Cannot be: what was recognised begins with a slash behind the prefix.
            Err(_) => (path, 0),
        },
        None => (path, 0),
    }
}

/// The path as the provider knows it, and how many bytes were put before it. OpenAI clients whose base
/// URL ends before the version leave it out.
pub fn with_version(path: PathAndQuery) -> (PathAndQuery, usize) {
    const VERSION: &str = "/v1";
    if path.path().starts_with(VERSION) {
        return (path, 0);
    }
    match format!("{VERSION}{path}").parse() {
        Ok(versioned) => (versioned, VERSION.len()),
        // Cannot be: a valid path behind another is one.
        Err(_) => (path, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_key_does_not_leave_with_the_query() {
        let path =
            PathAndQuery::from_static("/v1beta/models/m:streamGenerateContent?key=k&alt=sse&x=1");
        assert_eq!(credential_in_query(&path), Some("k"));
        assert_eq!(
            without_credentials(&path).as_str(),
            "/v1beta/models/m:streamGenerateContent?alt=sse&x=1"
        );
        let path = PathAndQuery::from_static("/v1beta/models?key=k");
        assert_eq!(without_credentials(&path).as_str(), "/v1beta/models");
        let path = PathAndQuery::from_static("/v1/messages?beta=true");
        assert_eq!(
            without_credentials(&path).as_str(),
            "/v1/messages?beta=true"
        );
    }

    #[test]
    fn a_prefix_of_ours_does_not_leave() {
        for (path, plain, cut) in [
            (
                "/antigravity/v1/messages?beta=true",
                "/v1/messages?beta=true",
                12,
            ),
            (
                "/v1beta/models/antigravity",
                "/v1beta/models/antigravity",
                0,
            ),
            (
                "/v1/models?of=/antigravity/x",
                "/v1/models?of=/antigravity/x",
                0,
            ),
        ] {
            let (found, by) = without_prefix(PathAndQuery::from_static(path));
            assert_eq!((found.as_str(), by), (plain, cut));
        }
    }

    #[test]
    fn a_path_without_a_version_gets_one() {
        for (path, versioned, grown) in [
            ("/responses?a=b", "/v1/responses?a=b", 3),
            ("/models/gpt-5", "/v1/models/gpt-5", 3),
            ("/v1/models", "/v1/models", 0),
            ("/v1beta/models?x", "/v1beta/models?x", 0),
        ] {
            let (found, by) = with_version(PathAndQuery::from_static(path));
            assert_eq!((found.as_str(), by), (versioned, grown));
        }
    }
}
