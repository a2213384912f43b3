//! The shown copy of a large request body: trimmed to what an operator looks for first, the newest
//! turns of the conversation and the small settings around it.
//!
//! Promises: valid JSON in gives valid JSON out, of at most the budget; what is left out is said in a
//! marker; one pass over the body that copies no more than the budget. Must not know what a secret is:
//! text is cut by the function it is given, which redacts first.

use std::{collections::VecDeque, ops::Range};

/// Members whose list is the conversation, of the protocols spoken: its newest items matter most.
const CONVERSATION: &[&[u8]] = &[b"messages", b"contents", b"input"];

/// Members or items kept track of; of more, the rest is counted.
const MOST_PARTS: usize = 1024;

/// How deep shortening goes into nested values before it leaves them out whole.
const DEEPEST: usize = 6;

/// Room every member of an object gets before the large ones share the rest.
const SMALL: usize = 160;

/// Room for a marker and the commas around it.
const MARKER: usize = 56;

/// `body` within `budget` bytes, or `None` when it is not JSON, or the budget too small for any of it.
/// `cut(bytes, limit)` gives the first `limit` bytes of a longer text with secrets taken out.
pub(super) fn newest(
    body: &[u8],
    budget: usize,
    cut: impl Fn(&[u8], usize) -> String,
) -> Option<Vec<u8>> {
    let body = body.trim_ascii();
    if budget < 4 * MARKER
        || !matches!(body.first(), Some(b'{' | b'['))
        || (body.len() <= budget && skip(body, 0)? != body.len())
    {
        return None;
    }
    let mut trimmer = Trimmer {
        cut,
        out: Vec::with_capacity(budget),
    };
    trimmer.value(body, budget, 0)?;
    Some(trimmer.out)
}

struct Trimmer<F> {
    cut: F,
    out: Vec<u8>,
}

impl<F: Fn(&[u8], usize) -> String> Trimmer<F> {
    /// Writes `value` within `budget` bytes.
    fn value(&mut self, value: &[u8], budget: usize, depth: usize) -> Option<()> {
        if value.len() <= budget {
            self.out.extend_from_slice(value);
            return Some(());
        }
        match value.first()? {
            b'"' if budget > 2 * MARKER => self.string(value, budget),
            b'[' | b'{' if budget > 2 * MARKER && depth < DEEPEST => {
                self.members(value, budget, depth)?;
            }
            _ => self.marker(value.len(), "bytes"),
        }
        Some(())
    }

    /// The beginning of a string, and how much is missing.
    fn string(&mut self, value: &[u8], budget: usize) {
        let inner = &value[1..value.len() - 1];
        let keep = whole_escapes(inner, budget - MARKER);
        let kept = (self.cut)(inner, keep);
        self.out.push(b'"');
        self.out.extend_from_slice(kept.as_bytes());
        let note = format!(" [waybill: {} more bytes left out]\"", inner.len() - keep);
        self.out.extend_from_slice(note.as_bytes());
    }

    /// As many of the newest items of the list `part` as fit whole, and the beginning of the one before
    /// them.
    fn conversation(
        &mut self,
        text: &[u8],
        part: &Part,
        budget: usize,
        depth: usize,
    ) -> Option<()> {
        let value = &text[part.value.clone()];
        let Some(parts) = &part.items else {
            return self.value(value, budget, depth);
        };
        if value.len() <= budget || budget <= 2 * MARKER {
            return self.value(value, budget, depth);
        }
        let mut left = budget - MARKER;
        let mut whole = parts.kept.len();
        while whole > 0 && parts.kept[whole - 1].value.len() < left {
            whole -= 1;
            left -= parts.kept[whole].value.len() + 1;
        }
        let shortened = (whole > 0 && left > 4 * MARKER).then(|| whole - 1);
        let first = shortened.unwrap_or(whole);
        let missing = parts.count - (parts.kept.len() - first);
        self.out.push(b'[');
        if missing > 0 {
            self.marker(missing, "earlier items");
        }
        for (index, part) in parts.kept.iter().enumerate().skip(first) {
            if index > first || missing > 0 {
                self.out.push(b',');
            }
            let item = &text[part.value.clone()];
            if shortened == Some(index) {
                self.value(item, left - 1, depth + 1)?;
            } else {
                self.out.extend_from_slice(item);
            }
        }
        self.out.push(b']');
        Some(())
    }

    /// Members of an object or items of a list: small ones whole, large ones share what is left, the
    /// conversation before the others.
    fn members(&mut self, value: &[u8], budget: usize, depth: usize) -> Option<()> {
        let object = value.first()? == &b'{';
        let (parts, end) = parts(value, 0, false)?;
        (end == value.len()).then_some(())?;
        let talk = |part: &Part| is_talk(&value[part.key.clone()]);
        // What each costs at least; those beyond the budget are left out.
        let mut left = budget - MARKER;
        let mut large = 0;
        let mut whole = 0;
        for part in &parts.kept {
            let cost = part.key.len() + 2 + part.value.len().min(SMALL);
            if cost > left {
                break;
            }
            left -= cost;
            large += usize::from(part.value.len() > SMALL && !talk(part));
            whole += 1;
        }
        let kept = || parts.kept.iter().take(whole);
        // The conversation gets what it needs up to three quarters; the others share the rest.
        let wanted: usize = kept()
            .filter(|part| talk(part))
            .map(|part| part.value.len())
            .sum();
        let reserved = wanted.min(left / 4 * 3);
        let share = (left - reserved).checked_div(large).unwrap_or(0);
        let spent: usize = kept()
            .filter(|part| !talk(part))
            .map(|part| part.value.len().saturating_sub(SMALL).min(share))
            .sum();
        let mut talk_left = left - spent;
        self.out.push(if object { b'{' } else { b'[' });
        for (index, part) in kept().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            if object {
                self.out.extend_from_slice(&value[part.key.clone()]);
                self.out.push(b':');
            }
            if talk(part) {
                let before = self.out.len();
                self.conversation(value, part, SMALL + talk_left, depth + 1)?;
                let more = (self.out.len() - before).saturating_sub(SMALL);
                talk_left = talk_left.saturating_sub(more);
            } else {
                self.value(&value[part.value.clone()], SMALL + share, depth + 1)?;
            }
        }
        if parts.count > whole {
            if whole > 0 {
                self.out.push(b',');
            }
            if object {
                self.out.extend_from_slice(b"\"[waybill]\":");
            }
            self.marker(
                parts.count - whole,
                if object { "more fields" } else { "more items" },
            );
        }
        self.out.push(if object { b'}' } else { b']' });
        Some(())
    }

    fn marker(&mut self, count: usize, what: &str) {
        let note = format!("\"[waybill: {count} {what} left out]\"");
        self.out.extend_from_slice(note.as_bytes());
    }
}

/// A member of an object, or an item of a list (then without a key).
struct Part {
    key: Range<usize>,
    value: Range<usize>,
    /// Of a conversation, its newest items: it is the most of a body, and read once.
    items: Option<Parts>,
}

struct Parts {
    kept: VecDeque<Part>,
    count: usize,
}

impl Parts {
    fn push(&mut self, part: Part, newest: bool) {
        self.count += 1;
        if self.kept.len() == MOST_PARTS {
            if !newest {
                return;
            }
            self.kept.pop_front();
        }
        self.kept.push_back(part);
    }
}

/// The members or items of the object or list that begins at `start`, the last ones or the first, and
/// where it ends.
fn parts(text: &[u8], start: usize, newest: bool) -> Option<(Parts, usize)> {
    let object = text.get(start)? == &b'{';
    let mut parts = Parts {
        kept: VecDeque::new(),
        count: 0,
    };
    let mut at = blank(text, start + 1);
    while !matches!(text.get(at)?, b'}' | b']') {
        let key = if object {
            let end = skip(text, at)?;
            let key = at..end;
            at = blank(text, end);
            (text.get(at)? == &b':').then_some(())?;
            at = blank(text, at + 1);
            key
        } else {
            at..at
        };
        let (items, end) = if text.get(at)? == &b'[' && is_talk(&text[key.clone()]) {
            let (items, end) = self::parts(text, at, true)?;
            (Some(items), end)
        } else {
            (None, skip(text, at)?)
        };
        let value = at..end;
        parts.push(Part { key, value, items }, newest);
        at = blank(text, end);
        if text.get(at)? == &b',' {
            at = blank(text, at + 1);
        }
    }
    Some((parts, at + 1))
}

/// Whether the value of this key, written with its quotes, is the conversation.
fn is_talk(key: &[u8]) -> bool {
    let key = key
        .strip_prefix(b"\"")
        .and_then(|key| key.strip_suffix(b"\""));
    key.is_some_and(|key| CONVERSATION.contains(&key))
}

/// Where the JSON value that begins at `at` ends; its inside is not checked.
fn skip(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => skip_string(text, at),
        b'{' | b'[' => {
            let mut depth = 0_usize;
            let mut next = at;
            loop {
                match text.get(next)? {
                    b'"' => {
                        next = skip_string(text, next)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(next + 1);
                        }
                    }
                    _ => {}
                }
                next += 1;
            }
        }
        b',' | b':' | b'}' | b']' => None,
        _ => Some(
            at + text[at..]
                .iter()
                .take_while(|byte| !b",:}] \t\r\n".contains(byte))
                .count(),
        ),
    }
}

fn skip_string(text: &[u8], at: usize) -> Option<usize> {
    let mut next = at + 1;
    loop {
        let stop = next + memchr::memchr(b'"', text.get(next..)?)?;
        let before = text[next..stop].iter().rev();
        let backslashes = before.take_while(|byte| **byte == b'\\').count();
        next = stop + 1;
        // Two backslashes are one that is escaped; one that is left escapes the quote.
        if backslashes % 2 == 0 {
            return Some(next);
        }
    }
}

fn blank(text: &[u8], at: usize) -> usize {
    at + text
        .get(at..)
        .unwrap_or_default()
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

/// The most bytes of a string's inside, up to `limit`, that end in no escape sequence or character.
fn whole_escapes(inner: &[u8], limit: usize) -> usize {
    let mut end = limit;
    while end > 0 && inner.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end -= 1;
    }
    // An escape sequence across the end begins in the last bytes; not within a row of backslashes.
    let mut at = end.saturating_sub(8);
    while at > 0 && inner[at - 1] == b'\\' {
        at -= 1;
    }
    while let Some(offset) = memchr::memchr(b'\\', &inner[at..end]) {
        let escape = at + offset;
        let len = if inner.get(escape + 1) == Some(&b'u') {
            6
        } else {
            2
        };
        if escape + len > end {
            return escape;
        }
        at = escape + len;
    }
    end
}
