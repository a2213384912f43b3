//! Groups, accounts, users and client keys of the file.

use std::{
    collections::{BTreeMap, HashSet},
    str::FromStr,
};

use waybill_model::{
    entity::{HttpVersion, ModelRule, Status},
    limits::Price,
    protocol::{OpenAiApi, Platform, Protocol, UnknownWord},
    secret::Secret,
};

use crate::credential::{Definition, Given};

use super::{
    super::{
        raw::{RawAccount, RawApiKey, RawConfig, RawGroup, RawUser},
        read::entity,
        rules,
        seeds::{AccountSeed, ApiKeySeed, DEFAULT_STICKY, DEFAULT_USER, GroupSeed, UserSeed},
    },
    Check,
};

/// Everything that is created or updated by name.
pub(super) struct Entities {
    pub groups: Vec<GroupSeed>,
    pub accounts: Vec<AccountSeed>,
    pub users: Vec<UserSeed>,
    pub api_keys: Vec<ApiKeySeed>,
    pub prices: Vec<Price>,
}

impl Check<'_> {
    pub(super) fn entities(&mut self, raw: &RawConfig) -> Entities {
        let groups: Vec<_> = raw
            .group
            .iter()
            .enumerate()
            .filter_map(|(index, group)| self.group(index, group))
            .collect();
        let accounts = raw
            .account
            .iter()
            .enumerate()
            .filter_map(|(index, account)| self.account(index, account, &groups))
            .collect();
        let users: Vec<_> = raw
            .user
            .iter()
            .enumerate()
            .map(|(index, user)| self.user(index, user))
            .collect();
        let api_keys = raw
            .api_key
            .iter()
            .enumerate()
            .filter_map(|(index, key)| self.api_key(index, key, &groups, &users))
            .collect();
        self.unique("group", raw.group.iter().map(|group| &group.name));
        self.unique("account", raw.account.iter().map(|account| &account.name));
        self.unique("user", raw.user.iter().map(|user| &user.name));
        self.unique("api_key", raw.api_key.iter().map(|key| &key.name));
        Entities {
            groups,
            accounts,
            users,
            api_keys,
            prices: self.prices(&raw.price),
        }
    }

    fn group(&mut self, index: usize, raw: &RawGroup) -> Option<GroupSeed> {
        let key = self.named("group", index, &raw.name);
        let model_mapping = self.mapping(&key, &raw.model_mapping);
        let state_rules = self.state_rules(&key, &raw.state_rules);
        let sticky = self.word(format!("{key}: sticky"), raw.sticky.as_deref());
        let protocols = self.protocols(&key, raw.protocols.as_deref());
        let platform = self.platform(&key, raw.platform.as_deref())?;
        Some(GroupSeed {
            name: raw.name.clone(),
            platform,
            protocols: protocols.unwrap_or_else(|| platform.default_protocols().to_vec()),
            model_mapping,
            sticky: sticky.unwrap_or(DEFAULT_STICKY),
            state_rules,
            status: raw.enabled.map(status),
        })
    }

    fn account(
        &mut self,
        index: usize,
        raw: &RawAccount,
        groups: &[GroupSeed],
    ) -> Option<AccountSeed> {
        let key = self.named("account", index, &raw.name);
        let platform = self.platform(&key, raw.platform.as_deref());
        for name in &raw.groups {
            match groups.iter().find(|group| &group.name == name) {
                None => self.no_such(&key, "groups", "group", name),
                Some(group) => {
                    if let Some(platform) = platform.filter(|platform| *platform != group.platform)
                    {
                        let message = format!(
                            "group `{name}` is for {}, the account speaks {platform}",
                            group.platform
                        );
                        self.problem(format!("{key}: groups"), message);
                    }
                }
            }
        }
        let http_version = self
            .word(format!("{key}: http_version"), raw.http_version.as_deref())
            .unwrap_or(HttpVersion::Auto);
        if let Some(url) = &raw.base_url {
            self.rule(
                format!("{key}: base_url"),
                rules::base_url(url, http_version),
            );
        }
        self.fallback_urls(&key, platform, http_version, raw);
        let apis = self.apis(&key, platform, raw.apis.as_deref());
        if let (Some(platform), Some(project)) = (platform, &raw.project) {
            self.rule(format!("{key}: project"), rules::project(platform, project));
        }
        self.rule(
            format!("{key}: concurrency"),
            rules::concurrency(raw.concurrency),
        );
        for pattern in &raw.models {
            let checked = rules::model_pattern(pattern);
            self.rule(
                format!("{key}: models"),
                checked.map_err(|why| format!("`{pattern}`: {why}")),
            );
        }
        let model_mapping = self.mapping(&key, &raw.model_mapping);
        let quota = self.quota(&key, &raw.quota);
        let counted_statuses = self.counted_statuses(&key, raw.counted_statuses.as_deref());
        let state_rules = self.state_rules(&key, &raw.state_rules);
        let probe = self.probe(&key, raw.probe.as_ref());
        let proxy = self.proxy(&key, raw.proxy.as_ref());
        let headers = self.headers(&key, platform, &raw.headers);
        let credential = self.credential(&key, platform, raw);
        let platform = platform?;
        Some(AccountSeed {
            name: raw.name.clone(),
            platform,
            groups: raw.groups.clone(),
            base_url: raw
                .base_url
                .clone()
                .unwrap_or_else(|| platform.default_base_url().to_owned()),
            fallback_urls: raw.fallback_urls.clone(),
            apis: apis.unwrap_or_else(|| platform.default_apis().to_vec()),
            project: raw.project.clone(),
            credential: credential?,
            priority: raw.priority,
            concurrency: raw.concurrency,
            models: raw.models.clone(),
            model_mapping,
            http_version,
            quota,
            counted_statuses,
            state_rules,
            probe,
            proxy,
            headers,
            status: raw.enabled.map(status),
        })
    }

    /// Whose clients a group serves; `None`: those that its platform's groups do.
    fn protocols(&mut self, key: &str, raw: Option<&[String]>) -> Option<Vec<Protocol>> {
        let key = format!("{key}: protocols");
        let protocols = self.words(&key, raw)?;
        self.rule(key, rules::protocols(&protocols));
        Some(protocols)
    }

    fn apis(
        &mut self,
        key: &str,
        platform: Option<Platform>,
        raw: Option<&[String]>,
    ) -> Option<Vec<OpenAiApi>> {
        let key = format!("{key}: apis");
        let apis = self.words(&key, raw)?;
        self.rule(key, rules::apis(platform?, &apis));
        Some(apis)
    }

    fn fallback_urls(
        &mut self,
        key: &str,
        platform: Option<Platform>,
        http_version: HttpVersion,
        raw: &RawAccount,
    ) {
        let first = raw.base_url.as_deref();
        let first = first.or(platform.map(Platform::default_base_url));
        let first = first.unwrap_or_default();
        if let Err((index, why)) = rules::fallback_urls(first, &raw.fallback_urls, http_version) {
            self.problem(format!("{key}: fallback_urls[{index}]"), why);
        }
    }

    fn credential(
        &mut self,
        key: &str,
        platform: Option<Platform>,
        raw: &RawAccount,
    ) -> Option<Definition> {
        let key = format!("{key}: credential");
        let Some(raw) = &raw.credential else {
            self.problem(key, "it is missing; { api_key = \"…\" } is needed");
            return None;
        };
        let before = self.problems.len();
        let mut secret = |field: &str, written: Option<&Secret>| {
            self.optional_secret(&format!("{key}.{field}"), written)
        };
        let given = Given {
            api_key: secret("api_key", raw.api_key.as_ref()),
            refresh_token: secret("refresh_token", raw.refresh_token.as_ref()),
            client_secret: secret("client_secret", raw.client_secret.as_ref()),
            service_account: secret("service_account", raw.service_account.as_ref()),
            client_id: raw.client_id.clone(),
            token_url: raw.token_url.clone(),
            scopes: raw.scopes.clone(),
        };
        // What could not be looked up is no second mistake.
        let is_whole = self.problems.len() == before;
        match given.checked(platform) {
            Ok(definition) => Some(definition).filter(|_| is_whole),
            Err(mistakes) => {
                for (field, why) in mistakes {
                    let is_known = self
                        .problems
                        .iter()
                        .skip(before)
                        .any(|problem| problem.key == format!("{key}.{field}"));
                    if !is_known {
                        self.problem(format!("{key}.{field}"), why);
                    }
                }
                None
            }
        }
    }

    fn user(&mut self, index: usize, raw: &RawUser) -> UserSeed {
        let key = self.named("user", index, &raw.name);
        UserSeed {
            name: raw.name.clone(),
            limits: raw.limits.as_ref().map(|raw| self.use_limits(&key, raw)),
            credit_usd: self.usd(format!("{key}: credit_usd"), raw.credit_usd),
            status: raw.enabled.map(status),
        }
    }

    fn api_key(
        &mut self,
        index: usize,
        raw: &RawApiKey,
        groups: &[GroupSeed],
        users: &[UserSeed],
    ) -> Option<ApiKeySeed> {
        let key = self.named("api_key", index, &raw.name);
        for name in &raw.groups {
            if !groups.iter().any(|group| &group.name == name) {
                self.no_such(&key, "groups", "group", name);
            }
        }
        if raw.groups.is_empty() {
            self.problem(
                format!("{key}: groups"),
                "at least one group: without it the key could reach nothing",
            );
        }
        let user = raw.user.clone().unwrap_or_else(|| DEFAULT_USER.to_owned());
        if raw.user.is_some() && !users.iter().any(|known| known.name == user) {
            self.no_such(&key, "user", "user", &user);
        }
        let limits = raw.limits.as_ref().map(|raw| self.use_limits(&key, raw));
        let secret = match &raw.key {
            None => None,
            Some(written) => {
                let secret = self.secret(&format!("{key}: key"), written)?;
                self.rule(format!("{key}: key"), rules::client_key(&secret));
                Some(secret)
            }
        };
        let expires_at = match raw.expires_at.as_deref().map(str::parse) {
            None => None,
            Some(Ok(at)) => Some(at),
            Some(Err(_)) => {
                self.problem(
                    format!("{key}: expires_at"),
                    "not an RFC 3339 time, such as 2030-01-31T00:00:00Z",
                );
                None
            }
        };
        Some(ApiKeySeed {
            name: raw.name.clone(),
            key: secret,
            user,
            groups: Some(raw.groups.clone()),
            limits,
            expires_at,
            status: raw.enabled.map(status),
        })
    }

    /// How one of a list is called, once its name has been looked at.
    fn named(&mut self, kind: &str, index: usize, name: &str) -> String {
        let key = entity(kind, index, name);
        self.rule(format!("{key}: name"), rules::name(name));
        key
    }

    fn platform(&mut self, key: &str, text: Option<&str>) -> Option<Platform> {
        let key = format!("{key}: platform");
        let Some(text) = text else {
            self.problem(key, "it is missing");
            return None;
        };
        self.word(key, Some(text))
    }

    fn mapping(&mut self, key: &str, raw: &BTreeMap<String, String>) -> Vec<ModelRule> {
        let rules: Vec<_> = raw
            .iter()
            .map(|(from, to)| ModelRule {
                from: from.clone(),
                to: to.clone(),
            })
            .collect();
        for rule in &rules {
            if let Err((side, why)) = rules::model_rule(rule) {
                let side = if side == "from" { "left" } else { "right" };
                self.problem(
                    format!("{key}: model_mapping.\"{}\"", rule.from),
                    format!("on the {side}, {why}"),
                );
            }
        }
        rules
    }

    /// Some of a closed set of words; `None` when absent, or when one is unknown.
    fn words<T: FromStr<Err = UnknownWord>>(
        &mut self,
        key: &str,
        texts: Option<&[String]>,
    ) -> Option<Vec<T>> {
        let texts = texts?;
        let read = |text: &String| self.word(key.to_owned(), Some(text));
        let words: Vec<T> = texts.iter().filter_map(read).collect();
        (words.len() == texts.len()).then_some(words)
    }

    /// One of a closed set of words; `None` when absent or unknown.
    pub(super) fn word<T: FromStr<Err = UnknownWord>>(
        &mut self,
        key: String,
        text: Option<&str>,
    ) -> Option<T> {
        text?
            .parse()
            .map_err(|error| self.problem(key, format!("{error}")))
            .ok()
    }

    fn no_such(&mut self, key: &str, field: &str, kind: &str, name: &str) {
        self.problem(
            format!("{key}: {field}"),
            format!("there is no {kind} `{name}` in this file"),
        );
    }

    pub(super) fn unique<'a>(&mut self, kind: &str, names: impl Iterator<Item = &'a String>) {
        let mut seen = HashSet::new();
        for name in names.filter(|name| !name.is_empty()) {
            if !seen.insert(name) {
                self.problem(format!("{kind} \"{name}\""), "the name is there twice");
            }
        }
    }
}

fn status(enabled: bool) -> Status {
    match enabled {
        true => Status::Active,
        false => Status::Disabled,
    }
}
