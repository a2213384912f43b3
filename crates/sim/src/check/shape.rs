//! The shape of a JSON document as a table, and what in a document does not fit it.
//!
//! Promises: every finding has its place; an absent optional value and `null` are the same.
//!
//! Must not know: how a provider words a finding.

use serde_json::{Map, Value};

/// What a value may be.
#[derive(Debug)]
pub enum Shape {
    /// Anything.
    Any,
    /// A string.
    Text,
    /// `true` or `false`.
    Flag,
    /// An integer.
    Whole,
    /// A number.
    Number,
    /// One of these strings.
    Word(&'static [&'static str]),
    /// A list of these.
    List(&'static Shape),
    /// An object with any keys and these values.
    Map(&'static Shape),
    /// An object with these keys and no others.
    Object(&'static [Field]),
    /// An object whose tag says what else it has: the tag's key, the tag when absent (empty: none),
    /// and the shape for each tag (which need not list the tag; a tag may end with `*`).
    Tagged(&'static str, &'static str, &'static [(&'static str, Shape)]),
    /// A string or this.
    TextOr(&'static Shape),
    /// The same as a shape that stands elsewhere, so that one can hold itself.
    Of(&'static Shape),
}

/// Key, whether it must be there, shape.
pub type Field = (&'static str, Presence, Shape);

/// Whether a key must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Need,
    /// It may.
    May,
}

/// How keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// As in the table.
    Exact,
    /// As in the table or in snake case, and a list of one may stand without its brackets: the JSON
    /// form of protocol buffers.
    Proto,
}

/// A step on the way to a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of an object.
    Key(String),
    /// An element of a list.
    Index(usize),
    /// The value of a map's entry, by position and key.
    Entry(usize, String),
    /// The tag that decided what the object is.
    Tag(&'static str),
}

/// One thing that does not fit.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Where: the object or value at fault.
    pub at: Vec<Step>,
    /// What.
    pub what: What,
}

/// What does not fit.
#[derive(Debug, Clone)]
pub enum What {
    /// A key nobody knows.
    Unknown(String),
    /// A key that must be there is not.
    Missing(&'static str),
    /// A value of the wrong kind.
    Kind(&'static Shape, Value),
    /// A string that is none of these.
    Word(&'static [&'static str], String),
    /// No tag to tell what the object is.
    NoTag(&'static str),
    /// A tag nobody knows: the tag's key, what it says, and the known ones.
    BadTag(&'static str, String, Vec<&'static str>),
}

/// What of a document does not fit a shape, in the document's order.
pub fn findings(shape: &'static Shape, value: &Value, naming: Naming) -> Vec<Finding> {
    let mut walk = Walk {
        naming,
        at: Vec::new(),
        found: Vec::new(),
    };
    walk.value(shape, value);
    walk.found
}

/// A key in snake case.
pub fn snake_case(key: &str) -> String {
    key.chars().fold(String::new(), |mut done, letter| {
        if letter.is_ascii_uppercase() {
            done.push('_');
        }
        done.push(letter.to_ascii_lowercase());
        done
    })
}

struct Walk {
    naming: Naming,
    at: Vec<Step>,
    found: Vec<Finding>,
}

impl Walk {
    fn value(&mut self, shape: &'static Shape, value: &Value) {
        match (shape, value) {
            (Shape::Of(same), _) => self.value(same, value),
            (Shape::Any, _)
            | (Shape::Text | Shape::TextOr(_), Value::String(_))
            | (Shape::Flag, Value::Bool(_))
            | (Shape::Number, Value::Number(_)) => {}
            (Shape::Whole, Value::Number(number)) if !number.is_f64() => {}
            (Shape::Whole | Shape::Number, Value::String(digits))
                if self.naming == Naming::Proto && digits.parse::<f64>().is_ok() => {}
            (Shape::Word(allowed), Value::String(word)) => {
                if !self.is_word(allowed, word) {
                    self.find(What::Word(allowed, word.clone()));
                }
            }
            (Shape::List(inner), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.under(Step::Index(index), |walk| walk.value(inner, item));
                }
            }
            (Shape::List(inner), single) if self.naming == Naming::Proto && !single.is_null() => {
                self.under(Step::Index(0), |walk| walk.value(inner, single));
            }
            (Shape::Map(inner), Value::Object(entries)) => {
                for (index, (key, item)) in entries.iter().enumerate() {
                    self.under(Step::Entry(index, key.clone()), |walk| {
                        walk.value(inner, item);
                    });
                }
            }
            (Shape::Object(fields), Value::Object(object)) => self.object(fields, object, None),
            (Shape::Tagged(key, usual, variants), Value::Object(object)) => {
                self.tagged(key, usual, variants, object);
            }
            (Shape::TextOr(inner), other)
                if !matches!(inner, Shape::List(_)) || other.is_array() =>
            {
                self.value(inner, other);
            }
            (_, other) => self.find(What::Kind(shape, other.clone())),
        }
    }

    fn tagged(
        &mut self,
        key: &'static str,
        usual: &'static str,
        variants: &'static [(&'static str, Shape)],
        object: &Map<String, Value>,
    ) {
        let tag = match object.get(key) {
            None | Some(Value::Null) if usual.is_empty() => return self.find(What::NoTag(key)),
            None | Some(Value::Null) => usual,
            Some(tag) => tag.as_str().unwrap_or_default(),
        };
        let fits = |name: &str| match name.strip_suffix('*') {
            Some(start) => tag.starts_with(start),
            None => name == tag,
        };
        match variants.iter().find(|(name, _)| fits(name)) {
            None => {
                let known = variants.iter().map(|(name, _)| *name).collect();
                self.find(What::BadTag(key, tag.to_owned(), known));
            }
            Some((name, Shape::Object(fields))) => {
                self.under(Step::Tag(name), |walk| {
                    walk.object(fields, object, Some(key));
                });
            }
            Some(_) => {}
        }
    }

    fn object(
        &mut self,
        fields: &'static [Field],
        object: &Map<String, Value>,
        tag: Option<&'static str>,
    ) {
        for (key, value) in object {
            match fields.iter().find(|(name, ..)| self.is_named(name, key)) {
                None if tag == Some(key) => {}
                None => self.find(What::Unknown(key.clone())),
                Some(_) if value.is_null() => {}
                Some((_, _, shape)) => {
                    self.under(Step::Key(key.clone()), |walk| walk.value(shape, value));
                }
            }
        }
        for (name, presence, _) in fields {
            let there = object
                .iter()
                .any(|(key, value)| self.is_named(name, key) && !value.is_null());
            if *presence == Presence::Need && !there {
                self.find(What::Missing(name));
            }
        }
    }

    fn is_named(&self, name: &str, key: &str) -> bool {
        name == key || (self.naming == Naming::Proto && snake_case(name) == key)
    }

    fn is_word(&self, allowed: &[&str], word: &str) -> bool {
        allowed.iter().any(|known| match self.naming {
            Naming::Exact => *known == word,
            Naming::Proto => known.eq_ignore_ascii_case(word),
        })
    }

    fn under(&mut self, step: Step, look: impl FnOnce(&mut Self)) {
        self.at.push(step);
        look(self);
        self.at.pop();
    }

    fn find(&mut self, what: What) {
        self.found.push(Finding {
            at: self.at.clone(),
            what,
        });
    }
}
