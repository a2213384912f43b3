//! Text that both databases can keep.

use std::borrow::Cow;

/// The same text, with the one character that PostgreSQL does not keep, and behind which SQLite does not
/// look, shown as a replacement. It comes with the errors of providers that were cut from binary answers.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.as_bytes().contains(&0) {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}
