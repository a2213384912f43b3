//! From what was written to what it means. Collects every mistake before it answers.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use waybill_model::{
    entity::{HttpVersion, ModelRule, Status},
    protocol::Platform,
    secret::Secret,
    time::UnixMillis,
};
use waybill_store::Durability;

use super::{
    Capture, Config, Failover, Limits, RequestLogging, Retention, Settings, Timeouts, env,
    raw::{RawAccount, RawApiKey, RawConfig, RawGroup},
};
use crate::routing::{Credential, Upstream};

/// A group of the file.
#[derive(Debug, Clone)]
pub struct GroupSeed {
    /// Unique name.
    pub name: String,
    /// Platform of its accounts.
    pub platform: Platform,
    /// Model names to send under another name.
    pub model_mapping: Vec<ModelRule>,
    /// Whether it may be used.
    pub status: Status,
}

/// An account of the file.
#[derive(Debug, Clone)]
pub struct AccountSeed {
    /// Unique name.
    pub name: String,
    /// Whose API it speaks.
    pub platform: Platform,
    /// Names of groups.
    pub groups: Vec<String>,
    /// Scheme and host.
    pub base_url: String,
    /// The key in the clear.
    pub api_key: Secret,
    /// Lower first.
    pub priority: i32,
    /// Most requests at once.
    pub concurrency: Option<u32>,
    /// Models it serves.
    pub models: Vec<String>,
    /// Model names to send under another name.
    pub model_mapping: Vec<ModelRule>,
    /// Which HTTP to speak.
    pub http_version: HttpVersion,
    /// Whether it may be used.
    pub status: Status,
}

/// A user of the file.
#[derive(Debug, Clone)]
pub struct UserSeed {
    /// Unique name.
    pub name: String,
    /// Whether their keys work.
    pub status: Status,
}

/// A client key of the file.
#[derive(Debug, Clone)]
pub struct ApiKeySeed {
    /// Unique name.
    pub name: String,
    /// The key in the clear; `None`: made on first start.
    pub key: Option<Secret>,
    /// Name of its user.
    pub user: String,
    /// Names of groups, in order; `None`: every group there is.
    pub groups: Option<Vec<String>>,
    /// After this instant it no longer works.
    pub expires_at: Option<UnixMillis>,
    /// Whether it works.
    pub status: Status,
}

/// User of keys that name none.
pub const DEFAULT_USER: &str = "default";

/// A client key shorter than this can be guessed.
const MIN_KEY_CHARS: usize = 16;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, such as `account "a": base_url`.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key or a wrong type.
    #[error("{0}")]
    Syntax(String),
    /// Every other mistake.
    #[error("{}", Problems(.0))]
    Problems(Vec<Problem>),
}

struct Problems<'a>(&'a [Problem]);

impl fmt::Display for Problems<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {}", problem.key, problem.message)?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads the file, if one is given, and the environment.
    pub fn load(
        file: Option<&Path>,
        var: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Config, ConfigError> {
        let text = match file {
            None => String::new(),
            Some(path) => {
                std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
                    path: path.to_owned(),
                    source,
                })?
            }
        };
        Config::parse(&text, var)
    }

    /// Reads a file's text and the environment.
    pub fn parse(text: &str, var: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        // Once for errors that point into the text, once more with the environment over it.
        let _: RawConfig =
            toml::from_str(text).map_err(|error| ConfigError::Syntax(error.to_string()))?;
        let mut table: toml::Table =
            toml::from_str(text).map_err(|error| ConfigError::Syntax(error.to_string()))?;
        env::overlay(&mut table, var);
        let raw: RawConfig = toml::Value::Table(table)
            .try_into()
            .map_err(|error: toml::de::Error| ConfigError::Syntax(error.to_string()))?;
        let mut check = Check {
            problems: Vec::new(),
            var,
        };
        let config = check.config(raw);
        match config {
            Some(config) if check.problems.is_empty() => Ok(config),
            _ => Err(ConfigError::Problems(check.problems)),
        }
    }
}

struct Check<'v> {
    problems: Vec<Problem>,
    var: &'v dyn Fn(&str) -> Option<String>,
}

impl Check<'_> {
    fn problem(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem {
            key: key.into(),
            message: message.into(),
        });
    }

    fn config(&mut self, raw: RawConfig) -> Option<Config> {
        for (key, value) in [
            ("database_url", &raw.database_url),
            ("redis_url", &raw.redis_url),
        ] {
            if value.is_some() {
                self.problem(
                    key,
                    "this version keeps everything in its embedded store; take the key out",
                );
            }
        }
        let listen = raw.listen.as_deref().unwrap_or("127.0.0.1:8080");
        let address = listen.parse().ok();
        if address.is_none() {
            self.problem(
                "listen",
                format!("`{listen}` is not an address and port, such as 127.0.0.1:8080"),
            );
        }
        let durability = match raw.durability.as_deref() {
            None | Some("process") => Durability::Process,
            Some("power") => Durability::Power,
            Some(other) => {
                self.problem(
                    "durability",
                    format!("`{other}` is neither `process` nor `power`"),
                );
                Durability::Process
            }
        };
        let settings = self.settings(&raw);
        let mut groups: Vec<_> = raw
            .group
            .iter()
            .filter_map(|group| self.group(group))
            .collect();
        let mut accounts: Vec<_> = raw
            .account
            .iter()
            .filter_map(|account| self.account(account, &groups))
            .collect();
        let mut users: Vec<_> = raw
            .user
            .iter()
            .map(|user| UserSeed {
                name: user.name.clone(),
                status: status(user.enabled),
            })
            .collect();
        let mut api_keys: Vec<_> = raw
            .api_key
            .iter()
            .filter_map(|key| self.api_key(key, &groups, &users))
            .collect();
        self.unique("group", groups.iter().map(|group| &group.name));
        self.unique("account", raw.account.iter().map(|account| &account.name));
        self.unique("user", users.iter().map(|user| &user.name));
        self.unique("api_key", raw.api_key.iter().map(|key| &key.name));
        if raw.account.is_empty() {
            self.from_provider_keys(
                &mut groups,
                &mut accounts,
                &mut api_keys,
                raw.api_key.is_empty(),
            );
        }
        if api_keys.iter().any(|key| key.user == DEFAULT_USER)
            && !users.iter().any(|user| user.name == DEFAULT_USER)
        {
            users.push(UserSeed {
                name: DEFAULT_USER.to_owned(),
                status: Status::Active,
            });
        }
        let admin_token = self.optional_secret("admin_token", raw.admin_token.as_deref());
        let secret_key = self.optional_secret("secret_key", raw.secret_key.as_deref());
        Some(Config {
            listen: address?,
            data_dir: PathBuf::from(raw.data_dir.as_deref().unwrap_or("./waybill-data")),
            admin_token,
            secret_key,
            workers: raw.workers.unwrap_or(0),
            durability,
            upstream_ca: raw.upstream_ca.map(PathBuf::from),
            settings,
            groups,
            accounts,
            users,
            api_keys,
        })
    }

    fn settings(&mut self, raw: &RawConfig) -> Settings {
        let (limits, timeouts, capture) =
            (Limits::default(), Timeouts::default(), Capture::default());
        let mut ms = |key: &str, value: Option<u64>, default: Duration| match value {
            Some(0) => {
                self.problem(
                    format!("timeouts.{key}"),
                    "0 would let nothing through; give milliseconds",
                );
                default
            }
            Some(value) => Duration::from_millis(value),
            None => default,
        };
        let times = &raw.timeouts;
        let timeouts = Timeouts {
            connect: ms("connect_ms", times.connect_ms, timeouts.connect),
            first_byte: ms("first_byte_ms", times.first_byte_ms, timeouts.first_byte),
            idle: ms("idle_ms", times.idle_ms, timeouts.idle),
            header_read: ms("header_read_ms", times.header_read_ms, timeouts.header_read),
            body_idle: ms("body_idle_ms", times.body_idle_ms, timeouts.body_idle),
            body_read: ms("body_read_ms", times.body_read_ms, timeouts.body_read),
            write_stall: ms("write_stall_ms", times.write_stall_ms, timeouts.write_stall),
            attempts: ms("attempts_ms", times.attempts_ms, timeouts.attempts),
            drain: ms("drain_ms", times.drain_ms, timeouts.drain),
        };
        let max_attempts = raw
            .failover
            .max_attempts
            .unwrap_or(Failover::default().max_attempts);
        if max_attempts == 0 {
            self.problem(
                "failover.max_attempts",
                "at least 1: the first attempt counts",
            );
        }
        let requests = match (raw.requests.keep.as_deref(), raw.requests.share) {
            (None | Some("all"), None) => RequestLogging::All,
            (Some("errors"), None) => RequestLogging::ErrorsOnly,
            (Some("sampled"), Some(share)) if (0.0..=1.0).contains(&share) => {
                RequestLogging::Sampled(share)
            }
            (Some("sampled"), _) => {
                self.problem(
                    "requests.share",
                    "a number from 0 to 1 is needed with keep = \"sampled\"",
                );
                RequestLogging::All
            }
            (None | Some("all" | "errors"), Some(_)) => {
                self.problem(
                    "requests.share",
                    "has a meaning with keep = \"sampled\" only",
                );
                RequestLogging::All
            }
            (Some(other), _) => {
                self.problem(
                    "requests.keep",
                    format!("`{other}` is none of all, sampled, errors"),
                );
                RequestLogging::All
            }
        };
        let mut days = |key: &str, value: Option<f64>, default: Duration| match value {
            Some(days) if days > 0.0 && days < 36_500.0 => Duration::from_secs_f64(days * 86_400.0),
            Some(_) => {
                self.problem(
                    format!("retention.{key}"),
                    "a number of days above 0 is needed",
                );
                default
            }
            None => default,
        };
        let keep = Retention::default();
        let retention = Retention {
            errors: days("errors_days", raw.retention.errors_days, keep.errors),
            requests: days("requests_days", raw.retention.requests_days, keep.requests),
            replay: days("replay_days", raw.retention.replay_days, keep.replay),
            max_bytes: raw.retention.max_bytes.unwrap_or(keep.max_bytes),
        };
        Settings {
            limits: Limits {
                request_bytes: raw.limits.request_bytes.unwrap_or(limits.request_bytes),
                header_bytes: raw.limits.header_bytes.unwrap_or(limits.header_bytes),
                response_bytes: raw.limits.response_bytes.unwrap_or(limits.response_bytes),
                in_flight: raw.limits.in_flight.unwrap_or(limits.in_flight),
            },
            timeouts,
            failover: Failover { max_attempts },
            capture: Capture {
                request_body_bytes: raw
                    .capture
                    .request_body_bytes
                    .unwrap_or(capture.request_body_bytes),
                detail_bytes: raw.capture.detail_bytes.unwrap_or(capture.detail_bytes),
                replay: raw.capture.replay.unwrap_or(capture.replay),
                replay_body_bytes: raw
                    .capture
                    .replay_body_bytes
                    .unwrap_or(capture.replay_body_bytes),
                queue_bytes: raw.capture.queue_bytes.unwrap_or(capture.queue_bytes),
                queue_records: raw
                    .capture
                    .queue_records
                    .unwrap_or(capture.queue_records)
                    .max(1),
            },
            requests,
            retention,
        }
    }

    fn group(&mut self, raw: &RawGroup) -> Option<GroupSeed> {
        let key = format!("group \"{}\"", raw.name);
        self.name(&key, &raw.name);
        Some(GroupSeed {
            name: raw.name.clone(),
            platform: self.platform(&key, &raw.platform)?,
            model_mapping: self.mapping(&key, &raw.model_mapping),
            status: status(raw.enabled),
        })
    }

    fn account(&mut self, raw: &RawAccount, groups: &[GroupSeed]) -> Option<AccountSeed> {
        let key = format!("account \"{}\"", raw.name);
        self.name(&key, &raw.name);
        let platform = self.platform(&key, &raw.platform)?;
        for name in &raw.groups {
            match groups.iter().find(|group| &group.name == name) {
                None => self.problem(
                    format!("{key}: groups"),
                    format!("there is no group `{name}` in this file"),
                ),
                Some(group) if group.platform != platform => self.problem(
                    format!("{key}: groups"),
                    format!(
                        "group `{name}` is for {}, the account speaks {platform}",
                        group.platform
                    ),
                ),
                Some(_) => {}
            }
        }
        let http_version = match raw.http_version.as_deref().unwrap_or("auto").parse() {
            Ok(version) => version,
            Err(error) => {
                self.problem(format!("{key}: http_version"), format!("{error}"));
                HttpVersion::Auto
            }
        };
        let base_url = raw
            .base_url
            .clone()
            .unwrap_or_else(|| platform.default_base_url().to_owned());
        if let Err(error) = Upstream::parse(&base_url, http_version) {
            self.problem(key.clone(), error.to_string());
        }
        if raw.concurrency == Some(0) {
            self.problem(
                format!("{key}: concurrency"),
                "at least 1; set enabled = false to switch the account off",
            );
        }
        let api_key = self.secret(
            &format!("{key}: credential.api_key"),
            &raw.credential.api_key,
        )?;
        if let Err(error) = Credential::api_key(platform, &api_key) {
            self.problem(key.clone(), error.to_string());
        }
        Some(AccountSeed {
            name: raw.name.clone(),
            platform,
            groups: raw.groups.clone(),
            base_url,
            api_key,
            priority: raw.priority,
            concurrency: raw.concurrency,
            models: raw.models.clone(),
            model_mapping: self.mapping(&key, &raw.model_mapping),
            http_version,
            status: status(raw.enabled),
        })
    }

    fn api_key(
        &mut self,
        raw: &RawApiKey,
        groups: &[GroupSeed],
        users: &[UserSeed],
    ) -> Option<ApiKeySeed> {
        let key = format!("api_key \"{}\"", raw.name);
        self.name(&key, &raw.name);
        for name in &raw.groups {
            if !groups.iter().any(|group| &group.name == name) {
                self.problem(
                    format!("{key}: groups"),
                    format!("there is no group `{name}` in this file"),
                );
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
            self.problem(
                format!("{key}: user"),
                format!("there is no user `{user}` in this file"),
            );
        }
        let secret = match &raw.key {
            None => None,
            Some(text) => {
                let secret = self.secret(&format!("{key}: key"), text)?;
                if secret.expose().chars().count() < MIN_KEY_CHARS {
                    self.problem(
                        format!("{key}: key"),
                        format!("shorter than {MIN_KEY_CHARS} characters: it could be guessed"),
                    );
                }
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
            expires_at,
            status: status(raw.enabled),
        })
    }

    /// Accounts from the keys that the providers' own SDKs look for, when the file names none.
    fn from_provider_keys(
        &mut self,
        groups: &mut Vec<GroupSeed>,
        accounts: &mut Vec<AccountSeed>,
        api_keys: &mut Vec<ApiKeySeed>,
        make_key: bool,
    ) {
        for (platform, variable) in env::PROVIDER_KEYS {
            let Some(key) = (self.var)(variable).filter(|key| !key.is_empty()) else {
                continue;
            };
            let name = platform.as_str().to_owned();
            if !groups.iter().any(|group| group.name == name) {
                groups.push(GroupSeed {
                    name: name.clone(),
                    platform: *platform,
                    model_mapping: Vec::new(),
                    status: Status::Active,
                });
            }
            let base_url = (self.var)(&variable.replace("_API_KEY", "_BASE_URL"))
                .filter(|url| !url.is_empty())
                .unwrap_or_else(|| platform.default_base_url().to_owned());
            // SDKs of OpenAI keep the version in their base URL; ours is without.
            let base_url = base_url
                .trim_end_matches('/')
                .trim_end_matches("/v1")
                .to_owned();
            if let Err(error) = Upstream::parse(&base_url, HttpVersion::Auto) {
                self.problem(*variable, error.to_string());
            }
            accounts.push(AccountSeed {
                name: format!("{name}-env"),
                platform: *platform,
                groups: vec![name],
                base_url,
                api_key: Secret::new(key),
                priority: 0,
                concurrency: None,
                models: Vec::new(),
                model_mapping: Vec::new(),
                http_version: HttpVersion::Auto,
                status: Status::Active,
            });
        }
        if make_key && !accounts.is_empty() {
            api_keys.push(ApiKeySeed {
                name: "default".to_owned(),
                key: (self.var)("WAYBILL_DEV_KEY")
                    .filter(|key| !key.is_empty())
                    .map(Secret::new),
                user: DEFAULT_USER.to_owned(),
                groups: None,
                expires_at: None,
                status: Status::Active,
            });
        }
    }

    fn platform(&mut self, key: &str, text: &str) -> Option<Platform> {
        text.parse()
            .map_err(|error| self.problem(format!("{key}: platform"), format!("{error}")))
            .ok()
    }

    fn mapping(&mut self, key: &str, raw: &BTreeMap<String, String>) -> Vec<ModelRule> {
        for (from, to) in raw {
            let stars = from.matches('*').count();
            if from.is_empty()
                || to.is_empty()
                || stars > 1
                || (stars == 1 && !from.ends_with('*'))
                || to.contains('*')
            {
                self.problem(
                    format!("{key}: model_mapping.\"{from}\""),
                    "a name or a prefix and `*` on the left, a name on the right",
                );
            }
        }
        raw.iter()
            .map(|(from, to)| ModelRule {
                from: from.clone(),
                to: to.clone(),
            })
            .collect()
    }

    fn name(&mut self, key: &str, name: &str) {
        if name.trim().is_empty() || name.len() > 128 {
            self.problem(format!("{key}: name"), "1 to 128 bytes");
        }
    }

    fn unique<'a>(&mut self, kind: &str, names: impl Iterator<Item = &'a String>) {
        let mut seen = HashSet::new();
        for name in names {
            if !seen.insert(name) {
                self.problem(format!("{kind} \"{name}\""), "the name is there twice");
            }
        }
    }

    fn optional_secret(&mut self, key: &str, text: Option<&str>) -> Option<Secret> {
        text.and_then(|text| self.secret(key, text))
    }

    /// A literal, `env:NAME` or `file:PATH`.
    fn secret(&mut self, key: &str, text: &str) -> Option<Secret> {
        let value = if let Some(name) = text.strip_prefix("env:") {
            (self.var)(name).ok_or_else(|| format!("the environment has no variable {name}"))
        } else if let Some(path) = text.strip_prefix("file:") {
            std::fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .map_err(|error| format!("{path}: {error}"))
        } else {
            Ok(text.to_owned())
        };
        match value {
            Ok(value) if value.is_empty() => {
                self.problem(key, "it is empty");
                None
            }
            Ok(value) => Some(Secret::new(value)),
            Err(message) => {
                self.problem(key, message);
                None
            }
        }
    }
}

fn status(enabled: bool) -> Status {
    if enabled {
        Status::Active
    } else {
        Status::Disabled
    }
}
