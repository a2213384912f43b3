//! From what was written to what it means. Collects every mistake before it answers.

mod database;
mod egress;
mod entities;
mod limits;
mod provider_keys;
mod secrets;
mod settings;
mod state;
mod telemetry;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use waybill_store::Durability;

use super::{
    Config,
    problem::{ConfigError, Place, Problem},
    raw::RawConfig,
    read::{Read, read},
    rules::Checked,
    seeds::{DEFAULT_USER, UserSeed},
};

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
        let Read {
            raw,
            problems,
            variables,
        } = read(text, var)?;
        let mut check = Check {
            misshapen: problems.iter().map(|problem| problem.key.clone()).collect(),
            problems,
            variables,
            var,
        };
        match check.config(raw) {
            Some(config) if check.problems.is_empty() => Ok(config),
            _ => Err(ConfigError::Problems(check.problems)),
        }
    }
}

struct Check<'v> {
    problems: Vec<Problem>,
    /// Keys that were refused for their shape: what they lack now is no second mistake.
    misshapen: HashSet<String>,
    variables: HashMap<String, String>,
    var: &'v dyn Fn(&str) -> Option<String>,
}

impl Check<'_> {
    fn config(&mut self, raw: RawConfig) -> Option<Config> {
        let database = self.database(&raw);
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
        let mut settings = self.settings(&raw);
        let mut entities = self.entities(&raw);
        if raw.account.is_empty() {
            self.provider_keys(&mut entities, raw.api_key.is_empty());
        }
        settings.egress = self.egress(&raw.egress, &entities.accounts);
        let users = &mut entities.users;
        if entities.api_keys.iter().any(|key| key.user == DEFAULT_USER)
            && !users.iter().any(|user| user.name == DEFAULT_USER)
        {
            users.push(UserSeed {
                name: DEFAULT_USER.to_owned(),
                limits: None,
                credit_usd: None,
                status: None,
            });
        }
        let admin_token = self.optional_secret("admin_token", raw.admin_token.as_ref());
        let secret_key = self.optional_secret("secret_key", raw.secret_key.as_ref());
        Some(Config {
            listen: address?,
            data_dir: PathBuf::from(raw.data_dir.as_deref().unwrap_or("./waybill-data")),
            database,
            admin_token,
            secret_key,
            workers: raw.workers.unwrap_or(0),
            durability,
            upstream_ca: raw.upstream_ca.map(PathBuf::from),
            settings,
            groups: entities.groups,
            accounts: entities.accounts,
            users: entities.users,
            api_keys: entities.api_keys,
            prices: entities.prices,
        })
    }

    fn problem(&mut self, key: impl Into<String>, message: impl Into<String>) {
        let key = key.into();
        if self.misshapen.contains(&key) {
            return;
        }
        let place = self.variables.get(&key).cloned().map(Place::Variable);
        self.problems.push(Problem {
            key,
            message: message.into(),
            place,
        });
    }

    /// Notes what a rule refuses.
    fn rule(&mut self, key: impl Into<String>, checked: Checked) {
        if let Err(message) = checked {
            self.problem(key, message);
        }
    }
}
