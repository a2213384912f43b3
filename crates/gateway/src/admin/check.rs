//! What the fields of accounts, groups, users and keys must satisfy: the same as in the configuration
//! file. Every function names the field it refuses.

use waybill_model::{
    entity::{Group, HttpVersion, ModelRule},
    id::GroupId,
    protocol::Platform,
    secret::Secret,
    time::UnixMillis,
};

use super::{body::NameOrId, problem::Problem};
use crate::routing::{Credential, Upstream};

/// Longest name, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// Longest model name or pattern, in bytes.
const MAX_MODEL_BYTES: usize = 256;

/// Longest credential, in bytes: it has to fit into a header.
const MAX_CREDENTIAL_BYTES: usize = 8 << 10;

/// A client key shorter than this can be guessed.
const MIN_KEY_CHARS: usize = 16;

type Checked = Result<(), Problem>;

/// A resource's name.
pub fn name(name: &str) -> Checked {
    let printable = !name.chars().any(char::is_control);
    if name.trim() == name && !name.is_empty() && name.len() <= MAX_NAME_BYTES && printable {
        return Ok(());
    }
    let detail = format!(
        "1 to {MAX_NAME_BYTES} bytes are needed, without line breaks or spaces at the ends"
    );
    Err(Problem::field("name", detail))
}

/// A provider's address.
pub fn base_url(url: &str, http_version: HttpVersion) -> Checked {
    Upstream::parse(url, http_version)
        .map(drop)
        .map_err(|error| Problem::field("base_url", error.to_string()))
}

/// An account's credential.
pub fn credential(platform: Platform, key: &Secret) -> Checked {
    let refuse = |detail: String| Err(Problem::field("credential.api_key", detail));
    match key.expose() {
        text if text.trim().is_empty() => refuse("it is empty".to_owned()),
        text if text.len() > MAX_CREDENTIAL_BYTES => {
            refuse(format!("it is longer than {MAX_CREDENTIAL_BYTES} bytes"))
        }
        _ => Credential::api_key(platform, key)
            .map(drop)
            .or_else(|error| refuse(error.to_string())),
    }
}

/// A key that a client is to use.
pub fn client_key(key: &Secret) -> Checked {
    let text = key.expose();
    let detail = if text.chars().count() < MIN_KEY_CHARS {
        format!("shorter than {MIN_KEY_CHARS} characters: it could be guessed")
    } else if text.len() > MAX_CREDENTIAL_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic())
    {
        "letters, digits and signs of ASCII are needed, without spaces: it has to fit into a header"
            .to_owned()
    } else {
        return Ok(());
    };
    Err(Problem::field("key", detail))
}

/// A limit of requests at once.
pub fn concurrency(limit: Option<u32>) -> Checked {
    match limit {
        Some(0) => Err(Problem::field(
            "concurrency",
            "at least 1; disable the account to switch it off",
        )),
        _ => Ok(()),
    }
}

/// The models an account serves.
pub fn models(patterns: &[String]) -> Checked {
    match patterns.iter().position(|pattern| !is_pattern(pattern)) {
        None => Ok(()),
        Some(index) => Err(Problem::field(format!("models[{index}]"), PATTERN)),
    }
}

/// A model mapping.
pub fn model_mapping(rules: &[ModelRule]) -> Checked {
    for (index, rule) in rules.iter().enumerate() {
        if !is_pattern(&rule.from) {
            return Err(Problem::field(
                format!("model_mapping[{index}].from"),
                PATTERN,
            ));
        }
        if !is_pattern(&rule.to) || rule.to.contains('*') {
            return Err(Problem::field(
                format!("model_mapping[{index}].to"),
                "a model's name is needed",
            ));
        }
        if rules
            .iter()
            .take(index)
            .any(|earlier| earlier.from == rule.from)
        {
            let detail = format!("`{}` has a rule already", rule.from);
            return Err(Problem::field(
                format!("model_mapping[{index}].from"),
                detail,
            ));
        }
    }
    Ok(())
}

/// An instant at which a key is to end.
pub fn expires_at(at: Option<UnixMillis>, now: UnixMillis) -> Checked {
    match at {
        Some(at) if at <= now => Err(Problem::field("expires_at", "it is in the past")),
        _ => Ok(()),
    }
}

/// The ids of the groups that are named, in order; of one platform, where that matters.
pub fn groups(
    named: &[NameOrId],
    known: &[Group],
    platform: Option<Platform>,
) -> Result<Vec<GroupId>, Problem> {
    let mut ids = Vec::with_capacity(named.len());
    for (index, named) in named.iter().enumerate() {
        let field = format!("groups[{index}]");
        let Some(group) = known
            .iter()
            .find(|group| named.means(group.id.0, &group.name))
        else {
            return Err(Problem::field(field, format!("there is no group {named}")));
        };
        if let Some(platform) = platform.filter(|platform| *platform != group.platform) {
            let detail = format!(
                "group `{}` is for {}, the account speaks {platform}",
                group.name, group.platform
            );
            return Err(Problem::field(field, detail));
        }
        if !ids.contains(&group.id) {
            ids.push(group.id);
        }
    }
    Ok(ids)
}

const PATTERN: &str = "a model's name is needed, or the beginning of one and `*`";

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
            assert!(is_pattern(good), "{good}");
        }
        for bad in ["", "*-mini", "a*b", "**", "a b", "a\n", &"x".repeat(257)] {
            assert!(!is_pattern(bad), "{bad}");
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
}
