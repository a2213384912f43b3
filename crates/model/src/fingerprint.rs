//! Fingerprints: failures of one kind share one, whatever ids, numbers and times they mention.
//!
//! Promises: the same facts give the same fingerprint on every machine and in every release, until
//! [`FINGERPRINT_VERSION`] changes. Must not know who asked or when.

use crate::{
    cause::{Cause, Phase},
    protocol::Platform,
};

/// Version of the rules below; part of every fingerprint.
pub const FINGERPRINT_VERSION: u8 = 1;

/// How much of a message is looked at, in bytes: what differs between kinds is said early.
const LONGEST_MESSAGE: usize = 2048;

/// The fingerprint of a failure: where it happened, what it really was, what the provider called it
/// (`provider_name`, its machine name for the error), and the [`template`] of its message.
pub fn fingerprint(
    platform: Platform,
    phase: Phase,
    cause: Cause,
    status: Option<u16>,
    provider_name: Option<&str>,
    message_template: &str,
) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[FINGERPRINT_VERSION]);
    let status = status.map(|status| status.to_string()).unwrap_or_default();
    let parts = [
        platform.as_str(),
        phase.as_str(),
        cause.as_str(),
        &status,
        provider_name.unwrap_or_default(),
        message_template,
    ];
    for part in parts {
        // Length first, so that no two lists of parts run together into the same bytes.
        let len = u64::try_from(part.len()).unwrap_or(u64::MAX);
        hasher.update(&len.to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut short = [0; 16];
    hasher.finalize_xof().fill(&mut short);
    short
}

/// `message` with everything taken out that differs between failures of one kind: ids, numbers,
/// durations, times, places in a list, and where links lead. Model names and words stay.
///
/// `in organization org-9TlgPztVTTKDh5cT: Limit 30000, try again in 7m12s` becomes
/// `in organization <id>: Limit <n>, try again in <n>`.
pub fn template(message: &str) -> String {
    let message = &message[..message.floor_char_boundary(LONGEST_MESSAGE)];
    let mut out = String::with_capacity(message.len());
    for part in Parts(message.trim()) {
        match Sort::of(part) {
            // Layout is no difference.
            Sort::Blank => out.push(' '),
            Sort::Link => out.push_str(&part[..link_len(part)]),
            Sort::Mark | Sort::Id => out.push_str("<id>"),
            Sort::Number => out.push_str("<n>"),
            Sort::Path => {
                for (index, step) in part.split('.').enumerate() {
                    let place = step.bytes().all(|byte| byte.is_ascii_digit());
                    out.push_str(if index > 0 { "." } else { "" });
                    out.push_str(if place { "<n>" } else { step });
                }
            }
            Sort::Word => out.push_str(part),
        }
    }
    out
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
        } else if rest.starts_with("http://") || rest.starts_with("https://") {
            until(|char| char.is_whitespace() || ends_link(char))
        } else if rest.starts_with(MARK) {
            rest.find(']').map_or(rest.len(), |at| at + 1)
        } else if is_sign(first) {
            first.len_utf8()
        } else {
            let word = &rest[..until(|char| char.is_whitespace() || is_sign(char))];
            // The punctuation of the sentence is not the word's.
            match word.trim_end_matches(['.', ',']).len() {
                0 => word.len(),
                len => len,
            }
        };
        let (part, tail) = rest.split_at(len);
        self.0 = tail;
        Some(part)
    }
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
    Path,
    Word,
}

impl Sort {
    fn of(part: &str) -> Sort {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        if part.starts_with(char::is_whitespace) {
            Sort::Blank
        } else if part.starts_with("http://") || part.starts_with("https://") {
            Sort::Link
        } else if part.starts_with(MARK) {
            Sort::Mark
        } else if digits == 0 {
            Sort::Word
        } else if is_hexadecimal(part.as_bytes()) || is_random(part, digits) {
            Sort::Id
        } else if is_number(part) {
            Sort::Number
        } else if is_path(part) {
            Sort::Path
        } else {
            Sort::Word
        }
    }
}

/// Numbers, durations, sizes, dates and times: `20,000`, `7m12s`, `4.77s`, `2026-04-01T00`. The units
/// are at most three letters, and none begins after a dash: `7-day` is a word.
fn is_number(part: &str) -> bool {
    let mut letters = 0;
    let fits = part.chars().all(|char| {
        letters = if char.is_ascii_alphabetic() {
            letters + 1
        } else {
            0
        };
        letters <= 3 && (char.is_ascii_alphanumeric() || "+-.,/%$#".contains(char))
    });
    let mut dashed = part.split('-').skip(1);
    fits && part.starts_with(|first: char| first.is_ascii_digit() || "+-$#.".contains(first))
        && !dashed.any(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// A UUID, or a word with twelve or more hexadecimal digits, letters among them: `30fca77b1d2ebd14-SJC`.
fn is_hexadecimal(part: &[u8]) -> bool {
    let longest = part
        .split(|byte| matches!(byte, b'-' | b'_'))
        .find(|run| run.len() >= 12 && run.iter().all(u8::is_ascii_hexdigit));
    longest.is_some_and(|run| {
        run.len() >= 16 || run.iter().any(u8::is_ascii_alphabetic) || part.len() == 36
    })
}

/// Letters and digits in no order that a word has: `req_011CX9eN3YnQn7Goy`. A date at the end of a
/// model's name is digits alone, and shorter.
fn is_random(part: &str, digits: usize) -> bool {
    let longest = part.split(['-', '_', '.', '/']).map(str::len).max();
    let letters = part.bytes().filter(u8::is_ascii_alphabetic).count();
    digits >= 2 && letters >= 2 && longest.unwrap_or(0) >= 14
}

/// A way into a document: words and places in lists with dots between, `messages.3.content.0`.
fn is_path(part: &str) -> bool {
    let mut steps = part.split('.');
    let named = steps.next().is_some_and(|first| {
        first
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
    });
    named && steps.any(|step| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Scheme, host and first step of a link's path: what follows is often an id.
fn link_len(link: &str) -> usize {
    let end = link.find(['?', '#']).unwrap_or(link.len());
    let fourth = link[..end].match_indices('/').map(|(at, _)| at).nth(3);
    fourth.unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::{fingerprint, template};
    use crate::{
        cause::{Cause, Phase},
        protocol::Platform,
    };

    #[test]
    fn messages_of_one_kind_have_one_template() {
        for (one, other) in [
            (
                "Rate limit reached for gpt-4.1 in organization org-9TlgPztVTTKDh5cTPrPS4kZn on tokens per min (TPM): Limit 30000, Used 18928. Please try again in 174ms.",
                "Rate limit reached for gpt-4.1 in organization [redacted:organization] on tokens per min (TPM): Limit 800, Used 1. Please try again in 7m12s.",
            ),
            (
                "Please include the request ID 705298be-4771-49de-a282-9d6b3da83aca in your message.",
                "Please include the request ID req_1ac1385bd5129bbb699a7651e2fa391c in your message.",
            ),
            (
                "of 20,000 input tokens per minute",
                "of 800 input tokens per minute",
            ),
            (
                "messages.1.content.0: Invalid signature",
                "messages.31.content.12: Invalid signature",
            ),
            ("Invalid 'messages[0].role'", "Invalid 'messages[17].role'"),
            (
                "regain access on 2026-04-01 at 00:00 UTC",
                "regain access on 2027-12-24 at 18:30 UTC",
            ),
            (
                "see https://a.example/docs/1?x=2\n now",
                "see https://a.example/docs/77#y now",
            ),
            (
                "error sending request for url (http://127.0.0.1:18097/v1/messages): reset",
                "error sending request for url (http://127.0.0.1:18097/v1/models): reset",
            ),
        ] {
            assert_eq!(template(one), template(other));
        }
    }

    #[test]
    fn messages_of_different_kinds_have_different_templates() {
        for (one, other) in [
            ("model gpt-4.1 not found", "model gpt-4.5 not found"),
            (
                "claude-sonnet-4-20250514 is overloaded",
                "claude-opus-4-20250514 is overloaded",
            ),
            (
                "exceeded your 7-day rate limit",
                "exceeded your 5-hour rate limit",
            ),
            ("tokens per min", "requests per min"),
        ] {
            assert_ne!(template(one), template(other));
        }
    }

    #[test]
    fn the_template_is_readable_and_stable() {
        let message = "in organization org-9TlgPztVTTKDh5cT: Limit 30000, try again in 7m12s";
        let expected = "in organization <id>: Limit <n>, try again in <n>";
        assert_eq!(template(message), expected);
        assert_eq!(template(expected), expected);
    }

    #[test]
    fn every_fact_is_part_of_the_fingerprint() {
        let of = |status, name, message| {
            fingerprint(
                Platform::OpenAi,
                Phase::Upstream,
                Cause::Overloaded,
                status,
                name,
                message,
            )
        };
        let base = of(Some(503), Some("overloaded"), "busy");
        assert_eq!(base, of(Some(503), Some("overloaded"), "busy"));
        let others = [
            of(None, Some("overloaded"), "busy"),
            of(Some(529), Some("overloaded"), "busy"),
            of(Some(503), None, "overloadedbusy"),
            of(Some(503), Some("overloadedbusy"), ""),
            of(Some(503), Some("overloaded"), "busy <n>"),
        ];
        assert!(others.iter().all(|other| *other != base));
    }
}
