//! What HTTP says about a hop: which headers end at it (RFC 9110 7.6.1).

use http::{HeaderMap, header};

/// Header names that `connection` declares to be for this hop only.
pub fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "keep-alive" && name != "close")
        .collect()
}
