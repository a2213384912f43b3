//! What ties a request to earlier ones of its conversation, as a key.
//!
//! An id comes first: `metadata.user_id` (Claude Code puts its session there, other clients their
//! user), `session_id`, `prompt_cache_key` (Codex and other clients of the Responses API), then the
//! headers in [`SESSION_HEADERS`]. Request ids are not among them: they differ from turn to turn.
//!
//! Without an id, a conversation is known by how it begins: the system prompt and everything said
//! before the model's first turn. Clients only ever append behind that, but they do not repeat its bytes:
//! cache markers move to later messages, and a message that carried one as a list of blocks comes back
//! as a plain string. So only the texts count, as they stand between their quotes (a client escapes the
//! same text the same way each time). Of a system prompt only the beginning counts, for what changes (the
//! date, the state of a work tree) stands at its end, and Claude Code's billing line, which differs with
//! every request, does not count at all. A conversation that was compacted begins anew, here as in the
//! provider's cache.
//!
//! Only a conversation of several turns and of some size has such a key: a single request has no earlier
//! one whose cache it could find, and requests that share a template are to be spread, not tied together.
//!
//! Must not know: accounts, or whether the key is used.

use std::ops::Range;

use http::HeaderMap;
use waybill_model::{
    protocol::Endpoint,
    waybill::{Sticky, StickySource},
};

use super::scan::{Fault, Scanner};

/// Headers in which coding agents send the id of a session or conversation, the first that is there
/// counts: Claude Code, Codex (its own and older spelling), OpenCode and pi, Amp, and what relays use.
pub const SESSION_HEADERS: [&str; 11] = [
    "x-claude-code-session-id",
    "session-id",
    "session_id",
    "x-session-id",
    "x-session-affinity",
    "x-opencode-session",
    "conversation-id",
    "conversation_id",
    "x-conversation-id",
    "thread-id",
    "x-amp-thread-id",
];

/// The key of a request: the id in its body, else the one in its headers, else how it begins.
pub fn sticky(in_body: Option<Sticky>, headers: &HeaderMap) -> Option<Sticky> {
    let in_headers = || {
        SESSION_HEADERS
            .iter()
            .filter_map(|name| headers.get(*name)?.to_str().ok())
            .find_map(session)
    };
    match in_body {
        Some(Sticky {
            from: StickySource::Session,
            ..
        }) => in_body,
        Some(Sticky {
            from: StickySource::Prefix,
            ..
        })
        | None => in_headers().or(in_body),
    }
}

/// The key of an id; none for a blank one.
pub(super) fn session(id: &str) -> Option<Sticky> {
    let id = id.trim();
    (!id.is_empty()).then(|| {
        key(StickySource::Session, |hash| {
            hash.update(id.as_bytes());
        })
    })
}

/// Bodies smaller than this have no prefix worth caching: providers cache from 1,024 tokens on.
const PREFIX_FROM_BYTES: usize = 4 * 1024;

/// So much of the system prompt counts.
const SYSTEM_BYTES: usize = 4 * 1024;

/// So much of what was said before the model's first turn counts. Agents put whole project notes before
/// the first question, and conversations are told apart by what follows them.
const SAID_BYTES: usize = 32 * 1024;

/// Begins a block of Claude Code's system prompt that is different in every request.
const BILLING: &str = "x-anthropic-billing-header";

/// Texts noted of a system prompt, and of what was said before the model's first turn.
const TEXTS: usize = 16;

/// How deep texts stand in a content: a list of blocks, their parts.
const CONTENT_DEPTH: u32 = 4;

/// How a kind of request words a conversation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wording {
    system: &'static [&'static str],
    turns: &'static str,
    /// Whether a turn without a role is the model's: calls and reasoning of the Responses API.
    unnamed_is_model: bool,
}

/// How this request words its conversation; `None` when it is none, or too small to matter.
pub(super) fn wording(endpoint: Endpoint, body_bytes: usize) -> Option<&'static Wording> {
    const ANTHROPIC: Wording = Wording {
        system: &["system"],
        turns: "messages",
        unnamed_is_model: false,
    };
    const CHAT: Wording = Wording {
        system: &[],
        ..ANTHROPIC
    };
    const RESPONSES: Wording = Wording {
        system: &["instructions"],
        turns: "input",
        unnamed_is_model: true,
    };
    const GEMINI: Wording = Wording {
        system: &["systemInstruction", "system_instruction"],
        turns: "contents",
        unnamed_is_model: false,
    };
    if body_bytes < PREFIX_FROM_BYTES {
        return None;
    }
    match endpoint {
        Endpoint::Messages | Endpoint::CountTokens => Some(&ANTHROPIC),
        Endpoint::ChatCompletions => Some(&CHAT),
        Endpoint::Responses => Some(&RESPONSES),
        Endpoint::GenerateContent
        | Endpoint::StreamGenerateContent
        | Endpoint::GeminiCountTokens => Some(&GEMINI),
        Endpoint::Embeddings | Endpoint::EmbedContent | Endpoint::Models => None,
    }
}

/// How a conversation begins, noted while its body is scanned.
#[derive(Default)]
pub(super) struct Opening<'a> {
    system: Texts<'a>,
    said: Texts<'a>,
    model_has_spoken: bool,
}

impl<'a> Opening<'a> {
    /// Takes the value at the scanner if it is part of a conversation's beginning.
    pub(super) fn member(
        &mut self,
        wording: &Wording,
        key: &str,
        text: &'a str,
        scanner: &mut Scanner<'_>,
    ) -> Option<Result<Range<usize>, Fault>> {
        if wording.system.contains(&key) {
            self.system = Texts::default();
            return Some(self.system.take(text, scanner, CONTENT_DEPTH));
        }
        if wording.turns != key || scanner.next() != Some(b'[') {
            return None;
        }
        self.said = Texts::default();
        self.model_has_spoken = false;
        Some(scanner.items(|scanner| self.turn(wording, text, scanner)))
    }

    fn turn(
        &mut self,
        wording: &Wording,
        text: &'a str,
        scanner: &mut Scanner<'_>,
    ) -> Result<(), Fault> {
        if self.model_has_spoken || scanner.next() != Some(b'{') {
            return scanner.value().map(drop);
        }
        let (mut role, before) = (None, self.said.count);
        scanner.members(|scanner, key| {
            let key = &text[key];
            if matches!(key, r#""content""# | r#""parts""#) {
                self.said.take(text, scanner, CONTENT_DEPTH)?;
                return Ok(());
            }
            let value = scanner.value()?;
            if key == r#""role""# {
                role = Some(value);
            }
            Ok(())
        })?;
        self.model_has_spoken = match role.map(|role| &text[role]) {
            Some(role) => matches!(role, r#""assistant""# | r#""model""#),
            None => wording.unnamed_is_model,
        };
        if self.model_has_spoken {
            self.said.count = before;
        }
        Ok(())
    }

    /// The key, if this is a conversation of several turns and a person said something in words.
    pub(super) fn key(&self) -> Option<Sticky> {
        (self.model_has_spoken && self.said.count > 0).then(|| {
            key(StickySource::Prefix, |hash| {
                self.system.hash(hash, SYSTEM_BYTES);
                hash.update(&[1]);
                self.said.hash(hash, SAID_BYTES);
            })
        })
    }
}

/// The first texts of a content, as they stand between their quotes.
#[derive(Default)]
struct Texts<'a> {
    kept: [&'a str; TEXTS],
    count: usize,
}

impl<'a> Texts<'a> {
    /// Takes the value at the scanner and notes its texts: a string, or the `text`s of a list of blocks.
    fn take(
        &mut self,
        text: &'a str,
        scanner: &mut Scanner<'_>,
        depth: u32,
    ) -> Result<Range<usize>, Fault> {
        match scanner.next() {
            Some(b'"') => {
                let span = scanner.value()?;
                let inside = &text[span.start + 1..span.end - 1];
                let counts = !inside.is_empty() && !inside.starts_with(BILLING);
                if let Some(place) = self.kept.get_mut(self.count).filter(|_| counts) {
                    *place = inside;
                    self.count += 1;
                }
                Ok(span)
            }
            Some(b'[') if depth > 0 => {
                scanner.items(|scanner| self.take(text, scanner, depth - 1).map(drop))
            }
            Some(b'{') if depth > 0 => scanner.members(|scanner, key| {
                match &text[key] {
                    r#""text""# | r#""parts""# => self.take(text, scanner, depth - 1),
                    _ => scanner.value(),
                }
                .map(drop)
            }),
            _ => scanner.value(),
        }
    }

    /// The first `most` bytes of all texts together, and where one ends.
    fn hash(&self, hash: &mut blake3::Hasher, most: usize) {
        let mut room = most;
        for text in &self.kept[..self.count] {
            let counted = &text.as_bytes()[..text.len().min(room)];
            room -= counted.len();
            hash.update(counted);
            hash.update(&[0]);
        }
    }
}

/// A key that is the same in every process and version: the first eight bytes of a BLAKE3 hash.
fn key(from: StickySource, feed: impl FnOnce(&mut blake3::Hasher)) -> Sticky {
    let mut hash = blake3::Hasher::new();
    hash.update(from.as_str().as_bytes());
    hash.update(&[0]);
    feed(&mut hash);
    let mut first = [0; 8];
    hash.finalize_xof().fill(&mut first);
    Sticky {
        key: u64::from_le_bytes(first),
        from,
    }
}

#[cfg(test)]
mod tests;
