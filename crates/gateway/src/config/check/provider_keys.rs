//! A gateway without a file: accounts from the keys that the providers' own SDKs look for.

use waybill_model::{entity::HttpVersion, limits::Quota, secret::Secret};

use super::{
    super::{
        env, rules,
        seeds::{AccountSeed, ApiKeySeed, DEFAULT_STICKY, DEFAULT_USER, GroupSeed},
    },
    Check,
    entities::Entities,
};
use crate::{credential::Definition, egress::CustomHeaders};

/// Where the key for clients is looked for.
const CLIENT_KEY: &str = "WAYBILL_DEV_KEY";

impl Check<'_> {
    /// An account for every provider whose key is there; with `make_key`, a key for clients, too.
    pub(super) fn provider_keys(&mut self, entities: &mut Entities, make_key: bool) {
        for (platform, variable) in env::PROVIDER_KEYS {
            let Some(key) = self.variable(variable).map(Secret::new) else {
                continue;
            };
            self.rule(*variable, rules::credential(*platform, &key));
            let name = platform.as_str().to_owned();
            if !entities.groups.iter().any(|group| group.name == name) {
                entities.groups.push(GroupSeed {
                    name: name.clone(),
                    platform: *platform,
                    protocols: platform.default_protocols().to_vec(),
                    model_mapping: Vec::new(),
                    sticky: DEFAULT_STICKY,
                    state_rules: Vec::new(),
                    status: None,
                });
            }
            let address = variable.replace("_API_KEY", "_BASE_URL");
            let base_url = self
                .variable(&address)
                .unwrap_or_else(|| platform.default_base_url().to_owned());
            // SDKs of OpenAI keep the version in their base URL; ours is without.
            let base_url = base_url
                .trim_end_matches('/')
                .trim_end_matches("/v1")
                .to_owned();
            self.rule(address, rules::base_url(&base_url, HttpVersion::Auto));
            entities.accounts.push(AccountSeed {
                name: format!("{name}-env"),
                platform: *platform,
                groups: vec![name],
                base_url,
                fallback_urls: Vec::new(),
                apis: platform.default_apis().to_vec(),
                project: None,
                credential: Definition::ApiKey(key),
                priority: 0,
                concurrency: None,
                models: Vec::new(),
                model_mapping: Vec::new(),
                http_version: HttpVersion::Auto,
                quota: Quota::default(),
                counted_statuses: None,
                state_rules: Vec::new(),
                probe: None,
                proxy: None,
                headers: CustomHeaders::default(),
                status: None,
            });
        }
        if make_key && !entities.accounts.is_empty() {
            let key = self.variable(CLIENT_KEY).map(Secret::new);
            if let Some(key) = &key {
                self.rule(CLIENT_KEY, rules::client_key(key));
            }
            entities.api_keys.push(ApiKeySeed {
                name: "default".to_owned(),
                key,
                user: DEFAULT_USER.to_owned(),
                groups: None,
                limits: None,
                expires_at: None,
                status: None,
            });
        }
    }

    /// A variable that is set to something.
    fn variable(&self, name: &str) -> Option<String> {
        (self.var)(name).filter(|value| !value.is_empty())
    }
}
