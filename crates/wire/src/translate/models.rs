//! A list of models in a client's language, of which nothing but the names is known.

use serde_json::{Value, json};

use super::Dialect;

/// The list; or the one that was asked for, where `wanted` names one. `None`: it is not among them.
pub fn write(client: Dialect, names: &[String], wanted: &str) -> Option<Vec<u8>> {
    if !wanted.is_empty() {
        let found = names.iter().find(|name| *name == wanted)?;
        return Some(one(client, found).to_string().into_bytes());
    }
    let all: Vec<Value> = names.iter().map(|name| one(client, name)).collect();
    Some(
        match client {
            Dialect::Gemini => json!({"models": all}),
            Dialect::Messages => json!({
                "data": all,
                "has_more": false,
                "first_id": names.first(),
                "last_id": names.last(),
            }),
            Dialect::Chat | Dialect::Responses => json!({"object": "list", "data": all}),
        }
        .to_string()
        .into_bytes(),
    )
}

/// When a model was made is not known; the SDKs want a date.
fn one(client: Dialect, name: &str) -> Value {
    match client {
        Dialect::Gemini => json!({
            "name": format!("models/{name}"),
            "displayName": name,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        }),
        Dialect::Messages => json!({
            "type": "model",
            "id": name,
            "display_name": name,
            "created_at": "1970-01-01T00:00:00Z",
        }),
        Dialect::Chat | Dialect::Responses => json!({
            "id": name,
            "object": "model",
            "created": 0,
            "owned_by": "google",
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_list_has_the_shape_of_its_client() {
        let names = ["a".to_owned(), "b".to_owned()];
        for (client, list, name) in [
            (Dialect::Messages, "data", "id"),
            (Dialect::Chat, "data", "id"),
            (Dialect::Gemini, "models", "displayName"),
        ] {
            let written = write(client, &names, "").unwrap();
            let written: Value = serde_json::from_slice(&written).unwrap();
            let told: Vec<_> = written[list]
                .as_array()
                .unwrap()
                .iter()
                .map(|model| model[name].clone())
                .collect();
            assert_eq!(told, ["a", "b"], "{client:?}");
            let one: Value = serde_json::from_slice(&write(client, &names, "b").unwrap()).unwrap();
            assert_eq!(one[name], "b", "{client:?}");
            assert_eq!(write(client, &names, "c"), None);
        }
    }
}
