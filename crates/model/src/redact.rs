//! Redaction: the only way from bytes that came from outside to text that may be stored or shown.

/// Text that redaction has passed. There is no other constructor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown(String);

impl Shown {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
