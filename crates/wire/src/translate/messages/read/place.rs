//! Where in a body something stands.
//!
//! Promises: it is spelled only when it is refused, as Anthropic's own errors spell it:
//! `messages.0.content.1.source`.
//!
//! Must not know: what stands there.

use std::{borrow::Cow, fmt};

use super::super::super::{
    Untranslatable,
    talk::{At, Content, Part},
};

/// A place in the body, spelled only when it is refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub list: &'static str,
    pub message: Option<usize>,
    pub part: Option<usize>,
    pub inner: Option<usize>,
}

impl Place {
    pub fn message(at: usize) -> Place {
        Place {
            list: "messages",
            message: Some(at),
            part: None,
            inner: None,
        }
    }

    pub fn part(self, at: usize) -> Place {
        Place {
            part: Some(at),
            ..self
        }
    }

    pub fn holds(self, content: Content<'_>) -> Part<'_> {
        let count = |at: Option<usize>| u32::try_from(at.unwrap_or_default()).unwrap_or(u32::MAX);
        Part {
            content,
            at: At {
                message: count(self.message),
                part: count(self.part),
            },
        }
    }

    /// Refuses the place itself, or a field of it.
    pub fn refuse(&self, field: &str, why: impl Into<Cow<'static, str>>) -> Untranslatable {
        let name = if field.is_empty() {
            self.to_string()
        } else {
            format!("{self}.{field}")
        };
        Untranslatable::named(name, why)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.list)?;
        if let Some(at) = self.message {
            write!(f, ".{at}")?;
        }
        match (self.message, self.part) {
            (Some(_), Some(part)) => write!(f, ".content.{part}")?,
            (None, Some(part)) => write!(f, ".{part}")?,
            (_, None) => {}
        }
        match self.inner {
            Some(at) => write!(f, ".content.{at}"),
            None => Ok(()),
        }
    }
}

pub(super) fn need<T>(value: Option<T>, place: &Place, field: &str) -> Result<T, Untranslatable> {
    value.ok_or_else(|| place.refuse(field, "is missing"))
}
