//! Messages without what differs between failures of one kind.
//!
//! A message is cut into parts: blanks, single signs, links, marks of redaction, words. Each is of one
//! sort, by its shape and by the word before it.

use super::names;

/// How much of a message is looked at, in bytes: what differs between kinds is said early.
const LONGEST_MESSAGE: usize = 2048;

/// `message` with everything taken out that differs between failures of one kind: ids, numbers, durations,
/// times, places in a list, links, and names of models, hosts and whoever else has one. Words stay.
///
/// `gpt-4.1 in organization org-9TlgPztVTTKDh5cT: Limit 30000, try again in 7m12s` becomes
/// `<id> in organization <id>: Limit <n>, try again in <n>`.
pub fn template(message: &str) -> String {
    template_without(message, &[])
}

/// The same, with `known` names taken out besides: of the model that was asked for, and that was sent.
pub fn template_without(message: &str, known: &[&str]) -> String {
    let message = &message[..message.floor_char_boundary(LONGEST_MESSAGE)];
    let mut out = String::with_capacity(message.len());
    let mut before = Before::default();
    let mut parts = Parts(message.trim());
    loop {
        let rest = parts.0;
        let Some(part) = parts.next() else { break };
        if let Some(len) = quoted_name(rest, before.word, known) {
            // The quotes go, too: providers are not of one mind about them.
            let (_, tail) = rest.split_at(len);
            parts.0 = tail;
            out.push_str("<id>");
            before = Before::default();
            continue;
        }
        match Sort::of(part, &before, known) {
            // Layout is no difference.
            Sort::Blank => {
                out.push(' ');
                continue;
            }
            Sort::Link => out.push_str("<url>"),
            Sort::Mark | Sort::Id => out.push_str("<id>"),
            Sort::Number if before.was_model => {}
            Sort::Number => out.push_str("<n>"),
            Sort::Name => out.push_str("<id>"),
            Sort::Family => {
                out.push_str("<id>");
                before = Before {
                    word: "",
                    was_model: true,
                };
                continue;
            }
            Sort::Edition => continue,
            Sort::Path => path(part, &mut out),
            Sort::Word if names::without_names(part, &mut out) => {}
            Sort::Word => out.push_str(part),
        }
        before = before.then(part);
    }
    squeezed(&out)
}

/// What came before a part.
#[derive(Default)]
struct Before<'a> {
    /// The last word, past signs of grammar.
    word: &'a str,
    /// A family of models was named, so that its number and edition follow.
    was_model: bool,
}

impl<'a> Before<'a> {
    fn then(self, part: &'a str) -> Before<'a> {
        let is_glue = matches!(part, ":" | "(" | "=" | "'" | "\"" | "`" | "[");
        Before {
            word: if is_glue { self.word } else { part },
            was_model: self.was_model && part.starts_with(|first: char| first.is_ascii_digit()),
        }
    }
}

/// One blank for several: what was taken out leaves its own behind.
fn squeezed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if char != ' ' || !out.ends_with(' ') {
            out.push(char);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn path(part: &str, out: &mut String) {
    for (index, step) in part.split('.').enumerate() {
        let place = step.bytes().all(|byte| byte.is_ascii_digit());
        out.push_str(if index > 0 { "." } else { "" });
        out.push_str(if place { "<n>" } else { step });
    }
}

/// The length of a name in quotes, with them, if one begins here.
fn quoted_name(rest: &str, noun: &str, known: &[&str]) -> Option<usize> {
    let quote = rest
        .chars()
        .next()
        .filter(|first| "'\"`".contains(*first))?;
    let inner = &rest[1..];
    let len = inner.find(quote)?;
    let inner = &inner[..len];
    let one_token = !inner.is_empty() && len <= 160 && !inner.contains(char::is_whitespace);
    let is_name = one_token
        && (names::names_what_is_quoted(noun) && !inner.contains("//")
            || known.contains(&inner)
            || names::is_model(inner)
            || names::is_host(inner)
            || names::is_address(inner));
    is_name.then_some(len + 2)
}

/// A message in parts: blanks, single signs, links, marks of redaction, and words.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.0;
        let first = rest.chars().next()?;
        let until = |ends: fn(char) -> bool| rest.find(ends).unwrap_or(rest.len());
        let len = if first.is_whitespace() {
            until(|char| !char.is_whitespace())
        } else if is_link(rest) {
            until(|char| char.is_whitespace() || ends_link(char))
        } else if rest.starts_with(MARK) {
            rest.find(']').map_or(rest.len(), |at| at + 1)
        } else if is_sign(first) {
            first.len_utf8()
        } else {
            let end = word_end(rest);
            let word = &rest[..end];
            // The punctuation of the sentence is not the word's.
            match word.trim_end_matches(['.', ',', ':']).len() {
                0 => word.len(),
                len => len,
            }
        };
        let (part, tail) = rest.split_at(len);
        self.0 = tail;
        Some(part)
    }
}

/// Where a word ends. A colon within one belongs to it: of a port, of a model's edition.
fn word_end(rest: &str) -> usize {
    rest.char_indices()
        .find(|(at, char)| {
            char.is_whitespace()
                || is_sign(*char)
                    && !(*char == ':'
                        && rest[at + 1..].starts_with(|next: char| next.is_ascii_alphanumeric()))
        })
        .map_or(rest.len(), |(at, _)| at)
}

fn is_link(text: &str) -> bool {
    ["http://", "https://", "ws://", "wss://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

/// How a mark of redaction begins: what it stands for was an id or worse.
const MARK: &str = "[redacted:";

fn is_sign(char: char) -> bool {
    ends_link(char) || "([{=|:;!?".contains(char)
}

fn ends_link(char: char) -> bool {
    ")]}<>\"'`".contains(char)
}

/// What one part of a message is.
enum Sort {
    Blank,
    Link,
    Mark,
    Number,
    Id,
    Name,
    Family,
    Edition,
    Path,
    Word,
}

impl Sort {
    fn of(part: &str, before: &Before<'_>, known: &[&str]) -> Sort {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        if part.starts_with(char::is_whitespace) {
            Sort::Blank
        } else if part.contains("***") {
            Sort::Id
        } else if known.contains(&part) {
            Sort::Name
        } else if is_link(part) {
            Sort::Link
        } else if part.starts_with(MARK) {
            Sort::Mark
        } else if before.was_model && names::is_edition(part) {
            Sort::Edition
        } else if names::is_family(part) {
            Sort::Family
        } else if names::is_address(part)
            || is_prefixed(part)
            || digits > 0 && (is_hexadecimal(part.as_bytes()) || is_random(part, digits))
        {
            Sort::Id
        } else if is_number(part) {
            Sort::Number
        } else if names::is_host(part)
            || names::is_model(part)
            || names::is_noun(before.word) && names::is_named(part) && !is_path(part)
        {
            Sort::Name
        } else if digits > 0 && is_path(part) {
            Sort::Path
        } else {
            Sort::Word
        }
    }
}

/// Numbers, durations, sizes, dates and times: `20,000`, `7m12s`, `4.77s`, `2026-04-01T00:00:00Z`,
/// `10KTPM-200RPM`. The units are at most four letters, and none begins after a dash: `7-day` is a word.
fn is_number(part: &str) -> bool {
    let mut letters = 0;
    let fits = part.chars().all(|char| {
        letters = if char.is_ascii_alphabetic() {
            letters + 1
        } else {
            0
        };
        letters <= 4 && (char.is_ascii_alphanumeric() || "+-.,/%$#:".contains(char))
    });
    let mut dashed = part.split('-').skip(1);
    fits && part.bytes().any(|byte| byte.is_ascii_digit())
        && part.starts_with(|first: char| first.is_ascii_digit() || "+-$#.".contains(first))
        && !dashed.any(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// A UUID, or a word with twelve or more hexadecimal digits, letters among them: `30fca77b1d2ebd14-SJC`.
fn is_hexadecimal(part: &[u8]) -> bool {
    let longest = part
        .split(|byte| matches!(byte, b'-' | b'_' | b'/' | b':'))
        .find(|run| run.len() >= 12 && run.iter().all(u8::is_ascii_hexdigit));
    longest.is_some_and(|run| {
        run.len() >= 16 || run.iter().any(u8::is_ascii_alphabetic) || part.len() == 36
    })
}

/// Letters and digits in no order that a word has: `req_011CX9eN3YnQn7Goy`. A date at the end of a
/// model's name is digits alone, and shorter.
fn is_random(part: &str, digits: usize) -> bool {
    let letters = part.bytes().filter(u8::is_ascii_alphabetic).count();
    if digits < 2 || letters < 2 {
        return false;
    }
    let runs = || part.split(['-', '_', '.', '/', ':']);
    let longest = runs().map(str::len).max().unwrap_or(0);
    // Shorter ones that change between letters and digits as no word does: `x7Qp2mZ9`.
    longest >= 14 || runs().any(is_scrambled)
}

/// An id by its look alone: a short word, a line below, and a run in both cases: `sess_cZkQwAbRtY`.
fn is_prefixed(part: &str) -> bool {
    let Some((prefix, run)) = part.split_once('_') else {
        return false;
    };
    let has = |kind: fn(&u8) -> bool| run.bytes().any(|byte| kind(&byte));
    (2..=6).contains(&prefix.len())
        && prefix.bytes().all(|byte| byte.is_ascii_lowercase())
        && run.len() >= 10
        && run.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
}

/// Whether letters and digits take turns at least three times over eight signs or more.
fn is_scrambled(run: &str) -> bool {
    let bytes = run.as_bytes();
    let turns = bytes
        .windows(2)
        .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
        .count();
    bytes.len() >= 8
        && turns >= 3
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && !bytes[0].is_ascii_digit()
}

/// A way into a document: words and places in lists with dots between, `messages.3.content.0`.
fn is_path(part: &str) -> bool {
    let mut steps = part.split('.');
    let named = steps.next().is_some_and(|first| {
        !first.is_empty()
            && first
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
    });
    named && steps.any(|step| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
