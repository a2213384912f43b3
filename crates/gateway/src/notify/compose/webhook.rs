//! The generic webhook: our own body, documented in `docs/NOTIFICATIONS.md`. Every notice is in it.

use serde_json::{Value, json};
use waybill_model::notify::Notice;

use super::{Message, words};

/// Of the body.
const VERSION: u32 = 1;

/// The body.
pub fn body(message: &Message<'_>) -> Value {
    let notices: Vec<Value> = message
        .notices
        .iter()
        .map(|notice| one(message, notice))
        .collect();
    json!({
        "version": VERSION,
        "id": message.key,
        "sent_at": message.now,
        "summary": words::headline(message),
        "notices": notices,
    })
}

fn one(message: &Message<'_>, notice: &Notice) -> Value {
    let mut one = json!(notice);
    if let Some(fields) = one.as_object_mut() {
        fields.remove("path");
        fields.insert("url".to_owned(), json!(words::link(message, notice)));
    }
    one
}
