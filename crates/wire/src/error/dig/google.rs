//! The typed details of a `google.rpc.Status`: reasons and quota ids.
//!
//! Follows google/rpc/error_details.proto. Must not know: reset times (see [`crate::reset`]).

use serde_json::{Map, Value};

use super::{Names, Said, text};

/// Longest list of details or violations looked at.
const ITEMS: usize = 16;

/// Adds what `details` of this node says.
pub(super) fn read(members: &Map<String, Value>, names: &mut Names, said: &mut Said) {
    let details = members
        .get("details")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for detail in details.take(ITEMS).filter_map(Value::as_object) {
        let kind = text(detail, "@type").unwrap_or_default();
        if kind.ends_with("ErrorInfo") || detail.contains_key("domain") {
            names.code(detail.get("reason"));
            if let Some(metadata) = detail.get("metadata").and_then(Value::as_object) {
                said.hints.extend(
                    ["quota_limit", "quotaId"]
                        .iter()
                        .filter_map(|key| text(metadata, key))
                        .map(str::to_owned),
                );
            }
        }
        for violation in objects(detail, "violations") {
            said.hints.extend(
                ["quotaId", "quota_id"]
                    .iter()
                    .filter_map(|key| text(violation, key))
                    .map(str::to_owned),
            );
            said.details
                .extend(text(violation, "description").map(str::to_owned));
        }
        for violation in objects(detail, "fieldViolations") {
            said.details
                .extend(text(violation, "description").map(str::to_owned));
        }
    }
}

fn objects<'a>(
    members: &'a Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    members
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .take(ITEMS)
        .filter_map(Value::as_object)
}
