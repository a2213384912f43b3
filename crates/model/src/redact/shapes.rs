//! Credentials that are recognised by how they look, wherever they stand.
//!
//! The table follows what the providers publish about their keys (prefix and alphabet). Lengths are
//! lower bounds: a shorter run after the prefix is prose. Where the text ends inside a token, a few
//! characters are enough, since the rest was cut off.

use std::ops::Range;

use super::{
    scan::Sight,
    spans::{Found, Kind},
    views,
};

/// Enough of a token when the text ends inside it.
const AT_THE_END: usize = 6;

/// How much of a token is looked at before it is believed, in bytes.
const ENOUGH: usize = 256;

/// How far a private key or an address is followed, in bytes.
const FARTHEST: usize = 16 * 1024;

/// A token with a fixed beginning.
pub(super) struct Shape {
    /// Its beginning; case matters.
    pub(super) prefix: &'static str,
    /// How many characters must follow.
    least: usize,
    /// What may follow.
    alphabet: Alphabet,
    /// What must be true of it.
    proof: Proof,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Alphabet {
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `-` and `_`.
    Url,
    /// As `Url`, and `.`.
    Dotted,
}

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || match self {
                Alphabet::Alnum => false,
                Alphabet::Url => matches!(byte, b'-' | b'_'),
                Alphabet::Dotted => matches!(byte, b'-' | b'_' | b'.'),
            }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// The prefix alone is proof: nothing else is written so.
    Prefix,
    /// The prefix must begin a word.
    Word,
    /// The prefix must begin a word, and what follows must look random (a digit, or both cases).
    Random,
}

macro_rules! shapes {
    ($($prefix:literal $least:literal $alphabet:ident $proof:ident $kind:ident;)*) => {
        /// Every token with a fixed beginning.
        pub(super) const SHAPES: &[Shape] = &[$(Shape {
            prefix: $prefix, least: $least, alphabet: Alphabet::$alphabet, proof: Proof::$proof, kind: Kind::$kind,
        }),*];
    };
}

// prefix, least length after it, alphabet, proof, kind
shapes! {
    // model providers
    "sk-ant-" 8 Url Prefix ApiKey;
    "sk-proj-" 8 Url Prefix ApiKey;
    "sk-or-v1-" 8 Url Prefix ApiKey;
    "sk-svcacct-" 8 Url Prefix ApiKey;
    "sk-" 16 Url Random ApiKey;
    "sess-" 20 Url Random ApiKey;
    "AIza" 30 Url Prefix ApiKey;
    "AQ." 24 Url Random ApiKey;
    "gsk_" 16 Alnum Word ApiKey;
    "xai-" 16 Url Random ApiKey;
    "pplx-" 16 Url Random ApiKey;
    "nvapi-" 16 Url Random ApiKey;
    "csk-" 16 Url Random ApiKey;
    "fw_" 16 Alnum Random ApiKey;
    "hf_" 16 Alnum Random ApiKey;
    "r8_" 16 Alnum Random ApiKey;
    "tgp_v1_" 16 Url Random ApiKey;
    "ABSK" 40 Url Word ApiKey;
    // Google sign-in
    "ya29." 16 Dotted Prefix Token;
    "1//0" 16 Url Word Token;
    "GOCSPX-" 16 Url Prefix Secret;
    // clouds, forges and other services whose keys end up in prompts and logs
    "AKIA" 16 Alnum Word ApiKey;
    "ASIA" 16 Alnum Random ApiKey;
    "ghp_" 16 Alnum Prefix Token;
    "gho_" 16 Alnum Prefix Token;
    "ghu_" 16 Alnum Prefix Token;
    "ghs_" 16 Alnum Prefix Token;
    "ghr_" 16 Alnum Prefix Token;
    "github_pat_" 16 Url Prefix Token;
    "glpat-" 16 Url Prefix Token;
    "npm_" 30 Alnum Random Token;
    "pypi-" 40 Url Random Token;
    "xoxa-" 10 Url Random Token;
    "xoxb-" 10 Url Random Token;
    "xoxp-" 10 Url Random Token;
    "xoxr-" 10 Url Random Token;
    "xoxs-" 10 Url Random Token;
    "sk_live_" 16 Alnum Prefix ApiKey;
    "sk_test_" 16 Alnum Prefix ApiKey;
    "rk_live_" 16 Alnum Prefix ApiKey;
    "whsec_" 16 Alnum Prefix Secret;
    "SG." 40 Dotted Random ApiKey;
    "dapi" 32 Alnum Random Token;
    // who the account belongs to, as providers write it in their messages
    "org-" 16 Alnum Random Organization;
    "org_" 16 Alnum Random Organization;
    "user-" 16 Alnum Random User;
    "user_" 16 Alnum Random User;
    "proj_" 16 Alnum Random Project;
    "acct_" 14 Alnum Random Account;
    "acc_" 16 Alnum Random Account;
    "team_" 16 Alnum Random Organization;
    "team-" 20 Alnum Random Organization;
    "wrkspc_" 16 Alnum Random Organization;
    "ws_" 20 Alnum Random Organization;
}

impl Shape {
    /// Judges a hit of the prefix (found whatever its case).
    pub(super) fn find(&self, text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) -> Sight {
        if &text[hit.clone()] != self.prefix.as_bytes() {
            return Sight::Settled;
        }
        // Judged by its beginning, so that a long run of prefixes is not looked at again and again.
        let near = near(text, hit.end);
        let run_len = run(near, |byte| self.alphabet.has(byte));
        let tail = &near[..run_len];
        let cut_off = hit.end + run_len == text.len();
        let least = if cut_off {
            self.least.min(AT_THE_END)
        } else {
            self.least
        };
        // An id goes on only as letters and digits: `user-…-suffix` is somebody's own word.
        let goes_on = near
            .get(run_len)
            .is_some_and(|byte| matches!(byte, b'_' | b'-'));
        if tail.len() < least || (self.is_id() && (goes_on || tail.len() == ENOUGH)) {
            return Sight::Settled;
        }
        let proven = match self.proof {
            Proof::Prefix => true,
            Proof::Word => begins_word(text, hit.start),
            Proof::Random if !looks_random(tail) => return Sight::Settled,
            Proof::Random => {
                begins_word(text, hit.start)
                    || (!self.is_id() && tail.len() >= 20 && all_classes(tail))
            }
        };
        if proven {
            let all = run(&text[hit.end..], |byte| self.alphabet.has(byte));
            let dots = text[hit.end..hit.end + all].iter().rev();
            // A dot at the end is the sentence's.
            let end = hit.end + all - dots.take_while(|byte| **byte == b'.').count();
            found.push(Found::new(hit.start..end, self.kind));
        }
        Sight::Open
    }

    fn is_id(&self) -> bool {
        match self.kind {
            Kind::Organization | Kind::User | Kind::Project | Kind::Account => true,
            Kind::ApiKey
            | Kind::Token
            | Kind::Password
            | Kind::Secret
            | Kind::Authorization
            | Kind::Cookie
            | Kind::PrivateKey
            | Kind::Signature
            | Kind::UserInfo
            | Kind::Live
            | Kind::Email => false,
        }
    }
}

/// A JSON Web Token: two or more base64url parts with dots between them, the first a JSON object.
pub(super) fn jwt(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) -> Sight {
    let header = run(near(text, hit.start), |byte| Alphabet::Url.has(byte));
    if &text[hit.clone()] != b"eyJ" || header < 3 + AT_THE_END {
        return Sight::Settled;
    }
    if !begins_word(text, hit.start) {
        return Sight::Open;
    }
    let mut end = hit.start;
    let mut parts = 0;
    loop {
        end += run(&text[end..], |byte| Alphabet::Url.has(byte));
        parts += 1;
        match text.get(end..end + 2) {
            Some([b'.', next]) if Alphabet::Url.has(*next) || *next == b'.' => end += 1,
            _ => break,
        }
    }
    let whole = parts >= 2 && header >= 12;
    if whole || (end == text.len() && end - hit.start >= 3 + AT_THE_END) {
        found.push(Found::new(hit.start..end, Kind::Token));
    }
    Sight::Open
}

/// A PEM private key, whole or cut off. Public keys and certificates stay.
pub(super) fn private_key(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) -> Sight {
    let label_len = run(&text[hit.end..], |byte| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
    });
    let label = &text[hit.end..hit.end + label_len];
    if memchr::memmem::find(label, b"PRIVATE KEY").is_none() {
        return Sight::Settled;
    }
    let body = &text[hit.end..text.len().min(hit.end + FARTHEST)];
    let quote = memchr::memchr2(b'"', b'\'', body).unwrap_or(body.len());
    let end = match memchr::memmem::find(&body[..quote], b"-----END ") {
        Some(at) => {
            let closing = at + b"-----END ".len();
            let dashes = memchr::memmem::find(&body[closing..quote], b"-----");
            dashes.map_or(quote, |dashes| closing + dashes + b"-----".len())
        }
        None => run(body, |byte| {
            byte.is_ascii_alphanumeric()
                || byte.is_ascii_whitespace()
                || b"+/=-:,\\".contains(&byte)
        }),
    };
    // What is left of an escape sequence is not the key's.
    let blank = |byte: &&u8| byte.is_ascii_whitespace() || **byte == b'\\';
    let end = hit.end + end - body[..end].iter().rev().take_while(blank).count();
    found.push(Found::new(hit.start..end, Kind::PrivateKey));
    Sight::Open
}

/// `user:password@` in a URL.
pub(super) fn user_info(text: &[u8], hit: Range<usize>, found: &mut Vec<Found>) -> Sight {
    let rest = &text[hit.end..text.len().min(hit.end + 1024)];
    let authority = &rest[..run(rest, |byte| {
        !byte.is_ascii_whitespace() && !b"/?#\"'`<>\\".contains(&byte)
    })];
    let Some(len) = memchr::memrchr(b'@', authority) else {
        // It goes on behind what is escaped, unless that is a quote or a line end.
        let end = &rest[authority.len()..];
        let goes_on = end.starts_with(b"\\")
            && matches!(
                end.get(views::past_backslashes(end)),
                Some(b'u' | b'x') | None
            );
        return Sight::settled_if(!goes_on && authority.len() < 1024);
    };
    let info = &authority[..len];
    let password = memchr::memchr(b':', info).map_or(&info[..0], |colon| &info[colon + 1..]);
    if !password.is_empty() && mark_free(info) {
        found.push(Found::new(hit.end..hit.end + len, Kind::UserInfo));
    }
    Sight::Open
}

fn mark_free(text: &[u8]) -> bool {
    super::spans::mark_len(text) != Some(text.len())
}

/// What is looked at from `at` on before a hit is believed: bounded, so that no text costs more than
/// its length times this.
pub(super) fn near(text: &[u8], at: usize) -> &[u8] {
    let rest = text.get(at..).unwrap_or_default();
    &rest[..rest.len().min(ENOUGH)]
}

/// How many bytes at the start of `text` satisfy `is`.
pub(super) fn run(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| is(**byte)).count()
}

/// Whether a word may begin at `at`: what stands before is no letter, digit or joining sign.
pub(super) fn begins_word(text: &[u8], at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|before| text.get(before))
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-'))
}

/// A digit, or letters of both cases after the first: prose rarely has either inside a word.
pub(super) fn looks_random(text: &[u8]) -> bool {
    let lower = text.iter().any(u8::is_ascii_lowercase);
    let upper = text.iter().skip(1).any(u8::is_ascii_uppercase);
    text.iter().any(u8::is_ascii_digit) || (lower && upper)
}

fn all_classes(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit)
        && text.iter().any(u8::is_ascii_lowercase)
        && text.iter().any(u8::is_ascii_uppercase)
}
