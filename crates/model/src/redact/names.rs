//! Which field names carry credentials, and which only sound like it.
//!
//! Promises: a name is judged by its last words, however it is spelled (`apiKey`, `X-API-Key`,
//! `OPENAI_API_KEY`). Must not know values or syntax.

use super::spans::Kind;

/// How much a name says about its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Strength {
    /// The value is a credential, whatever it looks like.
    Certain,
    /// The value is a credential if it looks like one: the word has other meanings.
    IfPlausible,
    /// The value is a credential in a query string only: elsewhere the word means something else.
    InQuery,
}

/// Names by their last words, most specific first. Words are in lower case with `_` between them.
const NAMES: &[(&str, Strength, Kind)] = &[
    ("api_key", Strength::Certain, Kind::ApiKey),
    ("api_keys", Strength::Certain, Kind::ApiKey),
    ("apikey", Strength::Certain, Kind::ApiKey),
    ("apikeys", Strength::Certain, Kind::ApiKey),
    ("access_key", Strength::Certain, Kind::ApiKey),
    ("accesskey", Strength::Certain, Kind::ApiKey),
    ("account_key", Strength::Certain, Kind::ApiKey),
    ("admin_key", Strength::Certain, Kind::ApiKey),
    ("auth_key", Strength::Certain, Kind::ApiKey),
    ("encryption_key", Strength::Certain, Kind::Secret),
    ("license_key", Strength::Certain, Kind::ApiKey),
    ("master_key", Strength::Certain, Kind::ApiKey),
    ("private_key", Strength::Certain, Kind::PrivateKey),
    ("privatekey", Strength::Certain, Kind::PrivateKey),
    ("secret_key", Strength::Certain, Kind::Secret),
    ("secretkey", Strength::Certain, Kind::Secret),
    ("service_key", Strength::Certain, Kind::ApiKey),
    ("session_key", Strength::Certain, Kind::Secret),
    ("shared_key", Strength::Certain, Kind::Secret),
    ("signing_key", Strength::Certain, Kind::Secret),
    ("subscription_key", Strength::Certain, Kind::ApiKey),
    ("password", Strength::Certain, Kind::Password),
    ("passwords", Strength::Certain, Kind::Password),
    ("passphrase", Strength::Certain, Kind::Password),
    ("passwd", Strength::Certain, Kind::Password),
    ("pwd", Strength::IfPlausible, Kind::Password),
    ("secret", Strength::Certain, Kind::Secret),
    ("secrets", Strength::Certain, Kind::Secret),
    ("clientsecret", Strength::Certain, Kind::Secret),
    ("access_token", Strength::Certain, Kind::Token),
    ("accesstoken", Strength::Certain, Kind::Token),
    ("api_token", Strength::Certain, Kind::Token),
    ("auth_token", Strength::Certain, Kind::Token),
    ("authtoken", Strength::Certain, Kind::Token),
    ("bearer_token", Strength::Certain, Kind::Token),
    ("bot_token", Strength::Certain, Kind::Token),
    ("id_token", Strength::IfPlausible, Kind::Token),
    ("oauth_token", Strength::Certain, Kind::Token),
    ("refresh_token", Strength::Certain, Kind::Token),
    ("refreshtoken", Strength::Certain, Kind::Token),
    ("security_token", Strength::Certain, Kind::Token),
    ("session_token", Strength::Certain, Kind::Token),
    ("token", Strength::IfPlausible, Kind::Token),
    ("authorization", Strength::Certain, Kind::Authorization),
    ("cookie", Strength::Certain, Kind::Cookie),
    ("credential", Strength::IfPlausible, Kind::Secret),
    ("credentials", Strength::IfPlausible, Kind::Secret),
    ("auth", Strength::IfPlausible, Kind::Authorization),
    ("jwt", Strength::IfPlausible, Kind::Token),
    ("key", Strength::InQuery, Kind::ApiKey),
    ("sig", Strength::InQuery, Kind::Signature),
    ("signature", Strength::InQuery, Kind::Signature),
];

/// Words before `token` that make it a place in a list, a piece of text, or a count.
const NOT_A_CREDENTIAL: &[&str] = &[
    "bos",
    "cls",
    "continuation",
    "cursor",
    "eos",
    "eot",
    "first",
    "image",
    "input",
    "last",
    "mask",
    "max",
    "min",
    "next",
    "output",
    "pad",
    "page",
    "per",
    "prefix",
    "sep",
    "special",
    "stop",
    "suffix",
    "sync",
    "text",
    "total",
    "unk",
];

/// Words that make a header's value a credential, wherever in its name they stand.
const HEADER_WORDS: &[(&str, Kind)] = &[
    ("apikey", Kind::ApiKey),
    ("auth", Kind::Authorization),
    ("authorization", Kind::Authorization),
    ("cookie", Kind::Cookie),
    ("cookie2", Kind::Cookie),
    ("credential", Kind::Secret),
    ("credentials", Kind::Secret),
    ("jwt", Kind::Token),
    ("passwd", Kind::Password),
    ("password", Kind::Password),
    ("secret", Kind::Secret),
    ("signature", Kind::Signature),
    ("token", Kind::Token),
];

/// The longest name looked at, in bytes. Real ones are shorter; the bound keeps the scan linear.
pub(super) const LONGEST: usize = 64;

/// What the name of a field says about its value, if anything.
pub(super) fn field(name: &[u8]) -> Option<(Strength, Kind)> {
    let mut buffer = [0; 2 * LONGEST];
    let name = words(name, &mut buffer)?;
    let last = name.as_bytes().last()?;
    let (ending, strength, kind) = NAMES.iter().find(|(ending, ..)| {
        // Asked first because it is quick, and true of few.
        ending.as_bytes().last() == Some(last)
            && name
                .strip_suffix(ending)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    })?;
    let before = name.strip_suffix(ending)?.trim_end_matches('_');
    let before = before.rsplit('_').next().unwrap_or(before);
    if *ending == "token" && NOT_A_CREDENTIAL.contains(&before) {
        return None;
    }
    if *ending == "key" && !before.is_empty() {
        return None;
    }
    Some((*strength, *kind))
}

/// What the name of an HTTP header says about its value, if anything.
pub(super) fn header(name: &str) -> Option<Kind> {
    if let Some((Strength::Certain | Strength::IfPlausible, kind)) = field(name.as_bytes()) {
        return Some(kind);
    }
    HEADER_WORDS
        .iter()
        .find(|(word, _)| {
            name.split(['-', '_'])
                .any(|part| part.eq_ignore_ascii_case(word))
        })
        .map(|(_, kind)| *kind)
}

/// `name` in lower case with one `_` between its words; `None` when it is longer than [`LONGEST`].
fn words<'a>(name: &[u8], buffer: &'a mut [u8; 2 * LONGEST]) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let mut len = 0;
    let mut previous = b'_';
    for &byte in name {
        let camel = byte.is_ascii_uppercase()
            && (previous.is_ascii_lowercase() || previous.is_ascii_digit());
        let separator = !byte.is_ascii_alphanumeric();
        if (camel || separator) && len > 0 && buffer[len - 1] != b'_' {
            buffer[len] = b'_';
            len += 1;
        }
        if !separator {
            buffer[len] = byte.to_ascii_lowercase();
            len += 1;
        }
        previous = byte;
    }
    std::str::from_utf8(&buffer[..len]).ok()
}

#[cfg(test)]
mod tests {
    use super::{Strength, field, header};

    #[test]
    fn a_name_is_judged_by_its_last_words_however_spelled() {
        for name in [
            "api_key",
            "apiKey",
            "X-API-Key",
            "OPENAI_API_KEY",
            "x-goog-api-key",
            "apikey",
            "AccountKey",
        ] {
            assert_eq!(
                field(name.as_bytes()).map(|(strength, _)| strength),
                Some(Strength::Certain),
                "{name}"
            );
        }
        for name in [
            "client_secret",
            "DB_PASSWORD",
            "refreshToken",
            "proxy-authorization",
            "Set-Cookie",
        ] {
            assert_eq!(
                field(name.as_bytes()).map(|(strength, _)| strength),
                Some(Strength::Certain),
                "{name}"
            );
        }
    }

    #[test]
    fn names_that_only_sound_like_credentials_are_not() {
        for name in [
            "max_tokens",
            "maxOutputTokens",
            "input_tokens",
            "token_count",
            "cache_creation_input_tokens",
            "tokenizer",
            "prompt_cache_key",
            "idempotency_key",
            "next_page_token",
            "pageToken",
            "eos_token",
            "public_key",
            "primaryKey",
            "author",
            "total_tokens",
            "password_hint",
            "monkey",
            "keyboard",
            "time_to_first_token",
        ] {
            assert_eq!(field(name.as_bytes()), None, "{name}");
        }
        assert_eq!(
            field(b"thoughtSignature").map(|(strength, _)| strength),
            Some(Strength::InQuery)
        );
    }

    #[test]
    fn headers_of_limits_stay_and_headers_of_credentials_go() {
        for name in [
            "x-auth-user",
            "x-amz-security-token",
            "cookie",
            "ocp-apim-subscription-key",
            "x-token-id",
        ] {
            assert!(header(name).is_some(), "{name}");
        }
        for name in [
            "x-ratelimit-remaining-tokens",
            "anthropic-ratelimit-input-tokens-reset",
            "www-authenticate",
            "idempotency-key",
            "request-id",
            "x-goog-api-client",
            "anthropic-beta",
        ] {
            assert!(header(name).is_none(), "{name}");
        }
    }
}
