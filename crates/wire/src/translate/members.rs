//! A JSON object as its members in their order, each as it was written: for changes that leave the rest of
//! a document untouched.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::text::Text;

/// An object's members.
#[derive(Debug, Clone, Default)]
pub struct Members<'a>(Vec<(Text<'a>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;

        impl<'de> Visitor<'de> for Reads {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<Text<'de>>()? {
                    let value: &'de RawValue = map.next_value()?;
                    members.push((name, Cow::Borrowed(value.get())));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Reads)
    }
}

impl<'a> Members<'a> {
    /// Reads an object.
    pub fn read(json: &'a str) -> Option<Members<'a>> {
        serde_json::from_str(json).ok()
    }

    /// The value of a member, as JSON.
    pub fn get(&self, name: &str) -> Option<&str> {
        let member = self.0.iter().find(|(member, _)| **member == *name);
        member.map(|(_, value)| &**value)
    }

    /// The value of a member that is a string.
    pub fn text(&self, name: &str) -> Option<Text<'_>> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// Puts JSON in a member's place, or behind all others.
    pub fn set(&mut self, name: &'static str, value: String) {
        match self.0.iter_mut().find(|(member, _)| **member == *name) {
            Some((_, old)) => *old = Cow::Owned(value),
            None => self.0.push((Text::from(name), Cow::Owned(value))),
        }
    }

    /// Takes a member out; whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(member, _)| **member != *name);
        self.0.len() < before
    }

    /// As JSON.
    pub fn write(&self) -> String {
        let mut out = String::from("{");
        for (name, value) in &self.0 {
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str(&quoted(name));
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        out
    }
}

/// The elements of an array, as they were written.
pub fn elements(json: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// Elements as an array.
pub fn array(elements: &[Cow<'_, str>]) -> String {
    format!("[{}]", elements.join(","))
}

/// A string as JSON.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn what_is_not_changed_is_written_as_it_was() {
        let json = r#"{"b":1.50,"a":{"z": [1, 2]},"c":"é\u00e9"}"#;
        let mut members = Members::read(json).unwrap();
        assert_eq!(members.write(), json);
        members.set("a", "null".to_owned());
        members.set("d", quoted("\"x\""));
        assert!(members.remove("b") && !members.remove("b"));
        assert_eq!(members.write(), r#"{"a":null,"c":"é\u00e9","d":"\"x\""}"#);
        assert_eq!(members.text("c").unwrap().to_string(), "éé");
    }
}
