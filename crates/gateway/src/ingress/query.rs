//! Credentials in a query string: Gemini clients may send `?key=…`.

use http::uri::PathAndQuery;

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
}
