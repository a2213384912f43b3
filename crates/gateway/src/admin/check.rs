//! The fields of accounts, groups, users and keys in a change: the rules of the configuration, with the
//! field that is refused, and what only a running gateway knows.

use std::collections::BTreeMap;

use waybill_model::{
    entity::{Group, HttpVersion, ModelRule, Probe, StateRule},
    id::GroupId,
    limits::{Limits, Price, Quota},
    protocol::{OpenAiApi, Platform, Protocol},
    secret::Secret,
    time::UnixMillis,
};

use super::{body::NameOrId, problem::Problem};
use crate::{
    config::rules,
    credential::{Definition, Given},
    egress::{CustomHeaders, EgressPolicy, Proxy},
};

/// Longest reason, in bytes: a sentence or two.
const MAX_REASON_BYTES: usize = 1024;

type Checked = Result<(), Problem>;

/// A resource's name.
pub fn name(name: &str) -> Checked {
    rules::name(name).map_err(|why| Problem::field("name", why))
}

/// A provider's address, which must not lead where the policy forbids.
pub fn base_url(policy: &EgressPolicy, url: &str, http_version: HttpVersion) -> Checked {
    rules::base_url(url, http_version)
        .and_then(|()| policy.check_url(url))
        .map_err(|why| Problem::field("base_url", why))
}

/// Further addresses of an account that is at `base_url` first, under the same policy.
pub fn fallback_urls(
    policy: &EgressPolicy,
    base_url: &str,
    urls: &[String],
    http_version: HttpVersion,
) -> Checked {
    let refuse =
        |(index, why): (usize, String)| Problem::field(format!("fallback_urls[{index}]"), why);
    rules::fallback_urls(base_url, urls, http_version).map_err(refuse)?;
    urls.iter()
        .enumerate()
        .try_for_each(|(index, url)| policy.check_url(url).map_err(|why| refuse((index, why))))
}

/// Whose clients a group serves.
pub fn protocols(protocols: &[Protocol]) -> Checked {
    rules::protocols(protocols).map_err(|why| Problem::field("protocols", why))
}

/// Which of OpenAI's APIs an account's server speaks.
pub fn apis(platform: Platform, apis: &[OpenAiApi]) -> Checked {
    rules::apis(platform, apis).map_err(|why| Problem::field("apis", why))
}

/// The Google Cloud project that an account works in.
pub fn project(platform: Platform, project: &str) -> Checked {
    rules::project(platform, project).map_err(|why| Problem::field("project", why))
}

/// The address of a proxy, which must not lead where the policy forbids.
pub fn proxy(policy: &EgressPolicy, address: Option<&Secret>) -> Checked {
    let Some(address) = address else {
        return Ok(());
    };
    let refuse = |why| Problem::field("proxy", why);
    let proxy = Proxy::parse(address.expose()).map_err(refuse)?;
    policy
        .check_host(proxy.host())
        .map_err(|forbidden| refuse(forbidden.to_string()))
}

/// Headers to send along.
pub fn headers(
    platform: Platform,
    headers: Option<&BTreeMap<String, Secret>>,
) -> Result<CustomHeaders, Problem> {
    let headers = headers.into_iter().flatten();
    rules::headers(platform, headers).map_err(|why| Problem::field("headers", why))
}

/// What a provider is known to allow.
pub fn quota(quota: &Quota) -> Checked {
    first("quota", rules::quota(quota))
}

/// Limits of a user or a key.
pub fn limits(limits: &Limits) -> Checked {
    first("limits", rules::limits(limits))
}

fn first(field: &str, mistakes: Vec<(&'static str, &'static str)>) -> Checked {
    match mistakes.into_iter().next() {
        Some((inner, why)) => Err(Problem::field(format!("{field}.{inner}"), why)),
        None => Ok(()),
    }
}

/// Provider statuses that may stop an account.
pub fn counted_statuses(statuses: Option<&[u16]>) -> Checked {
    for (index, status) in statuses.into_iter().flatten().enumerate() {
        rules::counted_status(*status)
            .map_err(|why| Problem::field(format!("counted_statuses[{index}]"), why))?;
    }
    Ok(())
}

/// Rules for failures.
pub fn state_rules(state_rules: &[StateRule]) -> Checked {
    for (index, rule) in state_rules.iter().enumerate() {
        rules::state_rule(rule).map_err(|(field, why)| {
            let at = format!("state_rules[{index}].{field}");
            Problem::field(at.trim_end_matches('.'), why)
        })?;
    }
    Ok(())
}

/// How an account is asked whether it serves again.
pub fn probe(probe: Option<&Probe>) -> Checked {
    let Some(probe) = probe else { return Ok(()) };
    rules::probe(probe).map_err(|(field, why)| Problem::field(format!("probe.{field}"), why))
}

/// The same where it is the whole body: a test.
pub fn test(ask: &Probe) -> Checked {
    rules::probe(ask).map_err(|(field, why)| Problem::field(field, why))
}

/// A price table.
pub fn prices(prices: &[Price]) -> Checked {
    for (index, price) in prices.iter().enumerate() {
        let refuse = |why: String| Problem::field(format!("prices[{index}].model"), why);
        rules::model_pattern(&price.model).map_err(refuse)?;
        let mut earlier = prices.iter().take(index);
        if earlier.any(|earlier| earlier.model == price.model) {
            return Err(refuse(format!("`{}` has a price already", price.model)));
        }
    }
    Ok(())
}

/// An account's credential.
pub fn credential(
    policy: &EgressPolicy,
    platform: Platform,
    given: Given,
) -> Result<Definition, Problem> {
    let refuse = |field: &str, why| Problem::field(format!("credential.{field}"), why);
    let definition = given.checked(Some(platform)).map_err(|mistakes| {
        let (field, why) = mistakes.into_iter().next().unwrap_or_default();
        refuse(field, why)
    })?;
    let url = definition.token_url().unwrap_or_default();
    policy
        .check_url(url)
        .map_err(|why| refuse("token_url", why))?;
    Ok(definition)
}

/// A key that a client is to use.
pub fn client_key(key: &Secret) -> Checked {
    rules::client_key(key).map_err(|why| Problem::field("key", why))
}

/// A limit of requests at once.
pub fn concurrency(limit: Option<u32>) -> Checked {
    rules::concurrency(limit).map_err(|why| Problem::field("concurrency", why))
}

/// Why something is done.
pub fn reason(reason: Option<&str>) -> Checked {
    match reason {
        Some(text) if text.len() > MAX_REASON_BYTES => Err(Problem::field(
            "reason",
            format!("it is longer than {MAX_REASON_BYTES} bytes"),
        )),
        _ => Ok(()),
    }
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
