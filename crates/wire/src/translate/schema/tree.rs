//! A JSON value that keeps the order of its members: models read a schema from top to bottom.
//!
//! Promises: what is read and written again means the same; of members of one name the last holds.
//!
//! Must not know: what a schema is.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

use super::super::text::Text;

/// So many members are compared one by one.
const FEW: usize = 16;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    Number(Number),
    String(Text<'a>),
    Array(Vec<Node<'a>>),
    Object(Members<'a>),
}

/// Members of an object, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Members<'a>(pub(super) Vec<(Text<'a>, Node<'a>)>);

impl<'a> Members<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&Node<'a>> {
        let found = self.0.iter().find(|(name, _)| **name == *key);
        found.map(|(_, value)| value)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Puts a value in the place of the one of that name, or at the end.
    pub(super) fn set(&mut self, key: impl Into<Text<'a>>, value: Node<'a>) {
        let key = key.into();
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// Of members of one name the last holds.
    fn keep_last(&mut self) {
        // Nearly all are few and all different, which is seen sooner without hashing them.
        if self.0.len() <= FEW {
            let repeated = |at: usize| self.0[..at].iter().any(|(key, _)| *key == self.0[at].0);
            if !(1..self.0.len()).any(repeated) {
                return;
            }
        }
        let mut seen = HashSet::with_capacity(self.0.len());
        let last: Vec<bool> = self
            .0
            .iter()
            .rev()
            .map(|(key, _)| seen.insert(&**key))
            .collect();
        if last.iter().all(|last| *last) {
            return;
        }
        let mut last = last.into_iter().rev();
        self.0.retain(|_| last.next() == Some(true));
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Node<'a>> {
        let place = self.0.iter().position(|(name, _)| **name == *key)?;
        Some(self.0.remove(place).1)
    }
}

impl<'a> Node<'a> {
    pub(super) fn text(text: &'static str) -> Node<'a> {
        Node::String(Text::from(text))
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Node::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<f64> {
        match self {
            Node::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    pub(super) fn as_array(&self) -> Option<&[Node<'a>]> {
        match self {
            Node::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn as_object(&self) -> Option<&Members<'a>> {
        match self {
            Node::Object(members) => Some(members),
            _ => None,
        }
    }

    /// How many values it is made of.
    pub(super) fn size(&self) -> usize {
        match self {
            Node::Array(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Node::Object(members) => 1 + members.0.iter().map(|(_, n)| n.size()).sum::<usize>(),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::String(_) => 1,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Node<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;

        impl<'de> Visitor<'de> for Reads {
            type Value = Node<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Node<'de>, E> {
                Ok(Node::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
                Ok(Node::Bool(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
                Ok(Node::Number(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
                Ok(Node::Number(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Node<'de>, E> {
                Ok(Number::from_f64(value).map_or(Node::Null, Node::Number))
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Node<'de>, E> {
                Ok(Node::String(Text::from(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Node<'de>, E> {
                Ok(Node::String(Text::from(value.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Node::Array(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
                let mut members = Members::default();
                while let Some((key, value)) = map.next_entry::<Text<'de>, Node<'de>>()? {
                    members.0.push((key, value));
                }
                members.keep_last();
                Ok(Node::Object(members))
            }
        }

        deserializer.deserialize_any(Reads)
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(value) => serializer.serialize_bool(*value),
            Node::Number(number) => number.serialize(serializer),
            Node::String(text) => text.serialize(serializer),
            Node::Array(items) => serializer.collect_seq(items),
            Node::Object(members) => {
                serializer.collect_map(members.0.iter().map(|(key, value)| (key, value)))
            }
        }
    }
}
