//! Writes JSON into one buffer, member by member.
//!
//! Promises: whatever is put in as text is escaped; whatever is put in raw stands as it is.
//!
//! Must not know: what the members mean.

use std::fmt::Display;

/// A JSON string.
pub(in super::super) fn string(out: &mut Vec<u8>, text: &str) {
    // Writing into memory cannot fail, and a string is always JSON.
    let _ = serde_json::to_writer(out, text);
}

/// An object or an array under way.
pub(in super::super) struct Group<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
    end: u8,
}

impl<'o> Group<'o> {
    /// Begins an object.
    pub(in super::super) fn object(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Group {
            out,
            first: true,
            end: b'}',
        }
    }

    /// Begins an array.
    pub(in super::super) fn array(out: &'o mut Vec<u8>) -> Self {
        out.push(b'[');
        Group {
            out,
            first: true,
            end: b']',
        }
    }

    /// The buffer, ready for the next element of an array.
    pub(in super::super) fn element(&mut self) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out
    }

    /// The buffer, ready for the value of the next member of an object.
    pub(in super::super) fn member(&mut self, key: &str) -> &mut Vec<u8> {
        let out = self.element();
        string(out, key);
        out.push(b':');
        out
    }

    /// A member that is text.
    pub(in super::super) fn text(&mut self, key: &str, text: &str) {
        string(self.member(key), text);
    }

    /// A member whose value is JSON already: raw JSON, a number, a truth.
    pub(in super::super) fn raw(&mut self, key: &str, value: impl Display) {
        use std::io::Write as _;
        // Writing into memory cannot fail.
        let _ = write!(self.member(key), "{value}");
    }

    /// A member that is an object.
    pub(in super::super) fn inner(&mut self, key: &str) -> Group<'_> {
        Group::object(self.member(key))
    }

    /// A member that is an array.
    pub(in super::super) fn list(&mut self, key: &str) -> Group<'_> {
        Group::array(self.member(key))
    }

    /// Whether nothing was put in yet.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.first
    }

    /// Ends it.
    pub(in super::super) fn close(self) {
        self.out.push(self.end);
    }
}
