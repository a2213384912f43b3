//! What is worth knowing about an action, for its entry in the audit log.
//!
//! Promises: of a body the names of its fields alone, and only of one that was understood. Must not know: where
//! entries go.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::FromRequestParts;
use http::{Extensions, request::Parts};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// Names of fields that are kept.
const MOST_FIELDS: usize = 64;

/// What a handler, or what reads its body, says about what is done. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Note(Arc<Mutex<Noted>>);

/// What was said.
#[derive(Debug, Default)]
pub struct Noted {
    /// What is worth knowing.
    pub detail: Map<String, Value>,
    /// Who acts, where nobody was known before.
    pub actor: Option<String>,
    /// Which thing it is done to, where the path does not say it.
    pub subject_id: Option<String>,
    /// How often it was tried besides.
    pub more: u64,
}

impl Note {
    /// The note that goes with a request; what is said to one that goes with none is lost.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Note>().cloned().unwrap_or_default()
    }

    /// The fields of a body that was understood.
    pub fn fields(&self, body: &[u8]) {
        let fields: BTreeMap<String, IgnoredAny> = serde_json::from_slice(body).unwrap_or_default();
        let names: Vec<Value> = fields
            .into_keys()
            .take(MOST_FIELDS)
            .map(Value::from)
            .collect();
        if !names.is_empty() {
            self.say("fields", Value::from(names));
        }
    }

    /// Something worth knowing, which is no secret.
    pub fn say(&self, name: &str, value: impl Into<Value>) {
        self.lock().detail.insert(name.to_owned(), value.into());
    }

    /// Who acts.
    pub fn actor(&self, name: &str) {
        self.lock().actor = Some(name.to_owned());
    }

    /// Which thing it is done to.
    pub fn subject(&self, id: impl ToString) {
        self.lock().subject_id = Some(id.to_string());
    }

    /// So many attempts more were not looked at.
    pub fn more(&self, count: u64) {
        self.lock().more += count;
    }

    /// What was said.
    pub fn take(&self) -> Noted {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Note {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Note::of(&parts.extensions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_body_the_names_alone_are_kept() {
        let note = Note::default();
        note.fields(br#"{"name":"a","credential":{"api_key":"sk-secret"}}"#);
        let said = Value::Object(note.take().detail).to_string();
        assert_eq!(said, r#"{"fields":["credential","name"]}"#);
    }
}
