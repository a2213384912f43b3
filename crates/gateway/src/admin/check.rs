//! The fields of accounts, groups, users and keys in a change: the rules of the configuration, with the
//! field that is refused, and what only a running gateway knows.

use waybill_model::{
    entity::{Group, HttpVersion, ModelRule},
    id::GroupId,
    protocol::Platform,
    secret::Secret,
    time::UnixMillis,
};

use super::{body::NameOrId, problem::Problem};
use crate::config::rules;

type Checked = Result<(), Problem>;

/// A resource's name.
pub fn name(name: &str) -> Checked {
    rules::name(name).map_err(|why| Problem::field("name", why))
}

/// A provider's address.
pub fn base_url(url: &str, http_version: HttpVersion) -> Checked {
    rules::base_url(url, http_version).map_err(|why| Problem::field("base_url", why))
}

/// An account's credential.
pub fn credential(platform: Platform, key: &Secret) -> Checked {
    rules::credential(platform, key).map_err(|why| Problem::field("credential.api_key", why))
}

/// A key that a client is to use.
pub fn client_key(key: &Secret) -> Checked {
    rules::client_key(key).map_err(|why| Problem::field("key", why))
}

/// A limit of requests at once.
pub fn concurrency(limit: Option<u32>) -> Checked {
    rules::concurrency(limit).map_err(|why| Problem::field("concurrency", why))
}

/// The models an account serves.
pub fn models(patterns: &[String]) -> Checked {
    for (index, pattern) in patterns.iter().enumerate() {
        rules::model_pattern(pattern)
            .map_err(|why| Problem::field(format!("models[{index}]"), why))?;
    }
    Ok(())
}

/// A model mapping.
pub fn model_mapping(mapping: &[ModelRule]) -> Checked {
    for (index, rule) in mapping.iter().enumerate() {
        let refuse = |(side, why): (&str, String)| {
            Problem::field(format!("model_mapping[{index}].{side}"), why)
        };
        rules::model_rule(rule).map_err(refuse)?;
        let mut earlier = mapping.iter().take(index);
        if earlier.any(|earlier| earlier.from == rule.from) {
            let why = format!("`{}` has a rule already", rule.from);
            return Err(refuse(("from", why)));
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
