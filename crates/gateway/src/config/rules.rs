//! What the fields of accounts, groups, users and keys must satisfy, wherever they are written: in the
//! configuration file, in the environment or in a change through the admin API.
//!
//! Promises: one rule for each; a refusal is a sentence about the field, and quotes no secret. Must not
//! know: where a field stands.

use waybill_model::{
    entity::{HttpVersion, ModelRule},
    protocol::Platform,
    secret::Secret,
};

use crate::routing::{Credential, Upstream};

/// Longest name, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// Longest model name or pattern, in bytes.
const MAX_MODEL_BYTES: usize = 256;

/// Longest credential, in bytes: it has to fit into a header.
const MAX_CREDENTIAL_BYTES: usize = 8 << 10;

/// A client key shorter than this can be guessed.
const MIN_KEY_CHARS: usize = 16;

/// Nothing, or why a field cannot be accepted.
pub type Checked = Result<(), String>;

/// A resource's name.
pub fn name(name: &str) -> Checked {
    let printable = !name.chars().any(char::is_control);
    if name.trim() == name && !name.is_empty() && name.len() <= MAX_NAME_BYTES && printable {
        return Ok(());
    }
    Err(format!(
        "1 to {MAX_NAME_BYTES} bytes are needed, without line breaks or spaces at the ends"
    ))
}

/// A provider's address.
pub fn base_url(url: &str, http_version: HttpVersion) -> Checked {
    let refuse = |text: &str| Err(text.to_owned());
    // Such an address holds a password: it is not quoted.
    if url.contains('@') {
        return refuse("user and password cannot stand in an address; use the credential");
    }
    if url.contains(['?', '#']) {
        return refuse("scheme, host and perhaps a path are needed, without a query");
    }
    match Upstream::parse(url, http_version) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "`{url}` is not an http or https address with a host"
        )),
    }
}

/// An account's credential.
pub fn credential(platform: Platform, key: &Secret) -> Checked {
    match key.expose() {
        text if text.trim().is_empty() => Err("it is empty".to_owned()),
        text if text.len() > MAX_CREDENTIAL_BYTES => {
            Err(format!("it is longer than {MAX_CREDENTIAL_BYTES} bytes"))
        }
        _ => Credential::api_key(platform, key)
            .map(drop)
            .map_err(|error| error.to_string()),
    }
}

/// A key that a client is to use.
pub fn client_key(key: &Secret) -> Checked {
    let text = key.expose();
    if text.chars().count() < MIN_KEY_CHARS {
        return Err(format!(
            "shorter than {MIN_KEY_CHARS} characters: it could be guessed"
        ));
    }
    if text.len() > MAX_CREDENTIAL_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "letters, digits and signs of ASCII are needed, without spaces: it has to fit into a header"
                .to_owned(),
        );
    }
    Ok(())
}

/// A limit of requests at once.
pub fn concurrency(limit: Option<u32>) -> Checked {
    match limit {
        Some(0) => Err("at least 1; disable the account to switch it off".to_owned()),
        _ => Ok(()),
    }
}

/// A model an account serves: a name, or the beginning of one and `*`.
pub fn model_pattern(pattern: &str) -> Checked {
    if is_pattern(pattern) {
        return Ok(());
    }
    Err("a model's name is needed, or the beginning of one and `*`".to_owned())
}

/// A rule of a mapping. `Err` names the side at fault, `from` or `to`.
pub fn model_rule(rule: &ModelRule) -> Result<(), (&'static str, String)> {
    model_pattern(&rule.from).map_err(|why| ("from", why))?;
    if !is_pattern(&rule.to) || rule.to.contains('*') {
        return Err(("to", "a model's name is needed".to_owned()));
    }
    Ok(())
}

fn is_pattern(pattern: &str) -> bool {
    let body = pattern.strip_suffix('*').unwrap_or(pattern);
    !pattern.is_empty()
        && pattern.len() <= MAX_MODEL_BYTES
        && !body.contains('*')
        && !pattern.chars().any(|c| c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_or_a_beginning_and_a_star() {
        for good in ["gpt-5", "claude-*", "*", "models/gemini-3"] {
            assert!(model_pattern(good).is_ok(), "{good}");
        }
        for bad in ["", "*-mini", "a*b", "**", "a b", "a\n", &"x".repeat(257)] {
            assert!(model_pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_can_be_read_back_as_it_was_written() {
        for good in ["a", "team 7", "überall", &"x".repeat(128)] {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in ["", " ", " a", "a ", "a\nb", "a\u{1b}[31m", &"x".repeat(129)] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_client_key_is_long_and_fits_into_a_header() {
        assert!(client_key(&Secret::new("0123456789abcdef")).is_ok());
        for bad in ["", "short", "0123456789 abcdef", "0123456789abcdefü"] {
            assert!(client_key(&Secret::new(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_with_a_password_is_refused_without_quoting_it() {
        for bad in [
            "https://user:hunter2@host",
            "hunter2@host",
            "https://host?key=hunter2",
        ] {
            let why = base_url(bad, HttpVersion::Auto).err().unwrap_or_default();
            assert!(!why.is_empty() && !why.contains("hunter2"), "{why}");
        }
    }
}
