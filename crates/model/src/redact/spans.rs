//! What was found and how it is replaced: kinds, their marks, and the rewriting of a text.
//!
//! Promises: a replacement never breaks a character, and never the quoting of valid JSON.

use std::{borrow::Cow, ops::Range};

use serde::de::IgnoredAny;

macro_rules! kinds {
    ($($variant:ident = $text:literal),* $(,)?) => {
        /// What kind of secret was found.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Kind { $($variant),* }

        impl Kind {
            /// What stands in its place.
            pub(super) const fn mark(self) -> &'static str {
                match self { $(Kind::$variant => concat!("[redacted:", $text, "]")),* }
            }
        }
    };
}

kinds! {
    ApiKey = "api_key",
    Token = "token",
    Password = "password",
    Secret = "secret",
    Authorization = "authorization",
    Cookie = "cookie",
    PrivateKey = "private_key",
    Signature = "signature",
    UserInfo = "userinfo",
    Live = "live_secret",
    Organization = "organization",
    Account = "account",
    Project = "project",
    User = "user",
    Email = "email",
}

/// One find: the bytes to take out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    /// Where.
    pub(super) range: Range<usize>,
    /// What.
    pub(super) kind: Kind,
    /// For a bare JSON number: where the quote of its key stands, whose spelling the mark is wrapped in.
    pub(super) quote: Option<Range<usize>>,
}

impl Found {
    /// A find without quotes of its own.
    pub(super) fn new(range: Range<usize>, kind: Kind) -> Self {
        Found {
            range,
            kind,
            quote: None,
        }
    }
}

/// The length of the mark at the start of `text`, if one stands there.
pub(super) fn mark_len(text: &[u8]) -> Option<usize> {
    let name = text.strip_prefix(b"[redacted:")?;
    let len = name
        .iter()
        .take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_')
        .count();
    (len > 0 && name.get(len) == Some(&b']')).then_some(b"[redacted:".len() + len + 1)
}

/// `text` with everything in `found` replaced by its mark, of which only what begins in the first
/// `limit` bytes is given back.
pub(super) fn replace(text: &str, mut found: Vec<Found>, limit: usize) -> Cow<'_, str> {
    let limit = text.floor_char_boundary(limit);
    if found.is_empty() {
        return Cow::Borrowed(&text[..limit]);
    }
    if found
        .iter()
        .any(|one| bare_quote(text.as_bytes(), &one.range).is_some())
        && serde_json::from_str::<IgnoredAny>(text).is_ok()
    {
        for one in &mut found {
            // A live secret goes whole, whatever it takes along.
            if one.kind != Kind::Live
                && let Some(at) = bare_quote(text.as_bytes(), &one.range)
            {
                one.range.end = at;
            }
        }
    }
    found.sort_by_key(|one| (one.range.start, std::cmp::Reverse(one.range.end)));
    let mut out = String::with_capacity(limit.saturating_add(64));
    let mut at = 0;
    let mut waiting = found.into_iter().peekable();
    while let Some(one) = waiting.next() {
        if one.range.is_empty() {
            continue;
        }
        let mut range = one.range;
        while let Some(next) = waiting.next_if(|next| next.range.start < range.end) {
            range.end = range.end.max(next.range.end);
        }
        let start = text.floor_char_boundary(range.start);
        if start >= limit {
            break;
        }
        out.push_str(text.get(at..start).unwrap_or_default());
        let quote = one.quote.and_then(|quote| text.get(quote)).unwrap_or("");
        out.push_str(quote);
        out.push_str(one.kind.mark());
        out.push_str(quote);
        at = text.ceil_char_boundary(range.end);
    }
    out.push_str(text.get(at..limit).unwrap_or_default());
    Cow::Owned(out)
}

/// The first `max_bytes` of redacted text, with neither a character nor a mark cut in two.
pub(super) fn cut(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    let end = text.floor_char_boundary(max_bytes);
    match memchr::memrchr(b'[', &text.as_bytes()[..end]) {
        Some(open) if mark_len(&text.as_bytes()[open..]).is_some_and(|len| open + len > end) => {
            &text[..open]
        }
        _ => &text[..end],
    }
}

/// Where an unescaped `"` stands in `range`.
fn bare_quote(text: &[u8], range: &Range<usize>) -> Option<usize> {
    let mut at = range.start;
    while at < range.end {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{cut, mark_len};

    #[test]
    fn a_mark_is_recognised_whole_or_not_at_all() {
        assert_eq!(mark_len(b"[redacted:api_key] and"), Some(18));
        assert_eq!(mark_len(b"[redacted:]"), None);
        assert_eq!(mark_len(b"[redacted:api"), None);
    }

    #[test]
    fn a_cut_leaves_no_half_mark_and_no_half_character() {
        assert_eq!(cut("ab[redacted:token]cd", 10), "ab");
        assert_eq!(cut("ab[redacted:token]cd", 19), "ab[redacted:token]c");
        assert_eq!(cut("aé", 2), "a");
    }
}
