//! What the fields of accounts, groups, users and keys must satisfy, wherever they are written: in the
//! configuration file, in the environment or in a change through the admin API.
//!
//! Promises: one rule for each; a refusal is a sentence about the field, and quotes no secret. Must not
//! know: where a field stands.

use waybill_model::{
    entity::{HttpVersion, ModelRule, Probe, StateRule},
    limits::{Limits, Quota},
    protocol::{OpenAiApi, Platform, Protocol},
    secret::Secret,
    state::MarkKind,
};

use crate::{
    egress::{CustomHeaders, Proxy},
    routing::{Credential, Upstream},
};

/// Longest name, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// Longest model name or pattern, in bytes.
const MAX_MODEL_BYTES: usize = 256;

/// Longest id of a Google Cloud project, in bytes: 30 letters, and perhaps a domain before them.
const MAX_PROJECT_BYTES: usize = 128;

/// Longest credential, in bytes: it has to fit into a header.
const MAX_CREDENTIAL_BYTES: usize = 8 << 10;

/// A client key shorter than this can be guessed.
const MIN_KEY_CHARS: usize = 16;

/// Longest time that a rule stops an account for, in seconds: a year. A longer one is a mistake in the
/// unit, or means that the account is to be disabled.
const MAX_RULE_SECONDS: u64 = 366 * 86_400;

/// Longest time between two probes, in seconds: a day.
const MAX_PROBE_SECONDS: u64 = 86_400;

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

/// Further addresses of an account that is at `base_url` first. `Err` says which of them is at fault.
pub fn fallback_urls(
    base_url: &str,
    urls: &[String],
    http_version: HttpVersion,
) -> Result<(), (usize, String)> {
    for (index, url) in urls.iter().enumerate() {
        self::base_url(url, http_version).map_err(|why| (index, why))?;
        let mut earlier = std::iter::once(base_url).chain(urls[..index].iter().map(String::as_str));
        if earlier.any(|earlier| earlier.trim_end_matches('/') == url.trim_end_matches('/')) {
            return Err((index, format!("`{url}` is there already")));
        }
    }
    Ok(())
}

/// Whose clients a group serves.
pub fn protocols(protocols: &[Protocol]) -> Checked {
    if protocols.is_empty() {
        return Err(
            "at least one: a group that serves no client's protocol could serve nobody; \
             disable the group to switch it off"
                .to_owned(),
        );
    }
    each_once(protocols)
}

/// Which of OpenAI's APIs an account's server speaks.
pub fn apis(platform: Platform, apis: &[OpenAiApi]) -> Checked {
    if platform != Platform::OpenAi {
        return Err(format!(
            "it is for openai accounts alone, this one speaks {platform}"
        ));
    }
    if apis.is_empty() {
        return Err(
            "at least one: a server that speaks none of them could serve nobody".to_owned(),
        );
    }
    each_once(apis)
}

fn each_once<T: PartialEq + std::fmt::Display>(list: &[T]) -> Checked {
    match (1..list.len()).find(|index| list[..*index].contains(&list[*index])) {
        Some(again) => Err(format!("`{}` is there twice", list[again])),
        None => Ok(()),
    }
}

/// The Google Cloud project that an account works in.
pub fn project(platform: Platform, project: &str) -> Checked {
    if platform != Platform::Antigravity {
        return Err(format!(
            "it is for antigravity accounts alone, this one speaks {platform}"
        ));
    }
    let printable = project.bytes().all(|byte| byte.is_ascii_graphic());
    if project.is_empty() || project.len() > MAX_PROJECT_BYTES || !printable {
        return Err(format!(
            "the id of a Google Cloud project is needed: 1 to {MAX_PROJECT_BYTES} letters, digits and signs \
             of ASCII, without spaces"
        ));
    }
    Ok(())
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

/// A status of a provider's that a rule is for; `200` is that of an error inside a stream.
pub fn status(status: u16) -> Checked {
    match status {
        200 | 400..=599 => Ok(()),
        _ => Err(format!(
            "{status} is no status of a failure: 400 to 599 is needed, or 200 for errors inside a stream"
        )),
    }
}

/// A status that may stop an account. An error inside a `200` counts as the statuses its cause usually
/// comes with, so 200 is none of them.
pub fn counted_status(status: u16) -> Checked {
    match status {
        400..=599 => Ok(()),
        _ => Err(format!(
            "{status} is no status of a failure: 400 to 599 is needed"
        )),
    }
}

/// A rule for an account's failures. `Err` names the field at fault; none is the rule as a whole.
pub fn state_rule(rule: &StateRule) -> Result<(), (&'static str, String)> {
    let refuse = |field, why: &str| Err((field, why.to_owned()));
    name(&rule.name).map_err(|why| ("name", why))?;
    for code in &rule.statuses {
        status(*code).map_err(|why| ("statuses", why))?;
    }
    if rule
        .contains
        .as_ref()
        .is_some_and(|text| text.trim().is_empty())
    {
        return refuse("contains", "it is empty: every failure would fit");
    }
    if rule.statuses.is_empty() && rule.contains.is_none() && rule.cause.is_none() {
        return refuse(
            "",
            "a condition is needed: statuses, contains or cause; without one it would stop the account at every failure",
        );
    }
    match (rule.state, rule.for_seconds) {
        (Some(MarkKind::Disabled), _) => {
            refuse("state", "an account is disabled by hand alone; use paused")
        }
        (Some(_), 0) => refuse("for_seconds", "at least 1 with a state"),
        (None, 1..) => refuse(
            "state",
            "it is missing; without a state nothing is stopped, and for_seconds has no meaning",
        ),
        (_, seconds) if seconds > MAX_RULE_SECONDS => refuse(
            "for_seconds",
            "longer than a year; disable the account instead",
        ),
        (Some(_) | None, _) => Ok(()),
    }
}

/// How an account is asked whether it serves again. `Err` names the field at fault.
pub fn probe(probe: &Probe) -> Result<(), (&'static str, String)> {
    if let Some(model) = &probe.model
        && (!is_pattern(model) || model.contains('*'))
    {
        return Err(("model", "a model's name is needed".to_owned()));
    }
    match probe.every_seconds {
        Some(seconds) if !(1..=MAX_PROBE_SECONDS).contains(&seconds) => Err((
            "every_seconds",
            format!("1 to {MAX_PROBE_SECONDS} seconds are needed"),
        )),
        _ => Ok(()),
    }
}

/// The address of a proxy, which may hold a password.
pub fn proxy(address: &Secret) -> Checked {
    Proxy::parse(address.expose()).map(drop)
}

/// Headers to send along to a provider.
pub fn headers<'a>(
    platform: Platform,
    headers: impl IntoIterator<Item = (&'a String, &'a Secret)>,
) -> Result<CustomHeaders, String> {
    let headers = headers
        .into_iter()
        .map(|(name, value)| (name.as_str(), value.expose()));
    CustomHeaders::new(platform, headers)
}

/// Limits of a user or a key: every field at fault, and why.
pub fn limits(limits: &Limits) -> Vec<(&'static str, &'static str)> {
    let Limits {
        concurrency,
        requests_per_minute,
        tokens_per_minute,
        requests_per_day,
        tokens_per_day,
        usd_per_day,
        requests_per_month,
        tokens_per_month,
        usd_per_month,
    } = *limits;
    nothing_left([
        ("concurrency", concurrency.map(u64::from)),
        ("requests_per_minute", requests_per_minute.map(u64::from)),
        ("tokens_per_minute", tokens_per_minute),
        ("requests_per_day", requests_per_day),
        ("tokens_per_day", tokens_per_day),
        ("usd_per_day", usd_per_day.map(|usd| usd.0.unsigned_abs())),
        ("requests_per_month", requests_per_month),
        ("tokens_per_month", tokens_per_month),
        (
            "usd_per_month",
            usd_per_month.map(|usd| usd.0.unsigned_abs()),
        ),
    ])
}

/// What a provider is known to allow an account: every field at fault, and why.
pub fn quota(quota: &Quota) -> Vec<(&'static str, &'static str)> {
    let Quota {
        requests_per_minute,
        tokens_per_minute,
        requests_per_day,
        tokens_per_day,
    } = *quota;
    nothing_left([
        ("requests_per_minute", requests_per_minute.map(u64::from)),
        ("tokens_per_minute", tokens_per_minute),
        ("requests_per_day", requests_per_day),
        ("tokens_per_day", tokens_per_day),
    ])
}

fn nothing_left<const N: usize>(
    limits: [(&'static str, Option<u64>); N],
) -> Vec<(&'static str, &'static str)> {
    limits
        .into_iter()
        .filter(|(_, limit)| *limit == Some(0))
        .map(|(field, _)| {
            (
                field,
                "0 would refuse everything; leave it out for no limit, or switch it off with `enabled`",
            )
        })
        .collect()
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
