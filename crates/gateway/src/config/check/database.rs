//! What replicas share: a database, and what has to be the same on each of them.

use std::path::PathBuf;

use waybill_model::secret::Secret;
use waybill_store::PostgresOptions;

use crate::cluster::RedisUrl;

use super::{
    super::{DEFAULT_SPOOL_BYTES, Database, raw::RawConfig},
    Check,
};

/// A smaller spool would be full of a single request.
const MIN_SPOOL_BYTES: u64 = 64 << 20;

impl Check<'_> {
    /// The database that replicas share, if there is one.
    pub(super) fn database(&mut self, raw: &RawConfig) -> Option<Database> {
        let url = self.optional_secret("database_url", raw.database_url.as_ref());
        let redis_url = self.optional_secret("redis_url", raw.redis_url.as_ref());
        let redis_url = redis_url.and_then(|url| match url.expose().parse::<RedisUrl>() {
            Ok(url) => Some(url),
            Err(error) => {
                self.problem("redis_url", error.to_string());
                None
            }
        });
        let Some(url) = url else {
            self.needs_database(raw);
            return None;
        };
        for (key, given) in [
            ("secret_key", raw.secret_key.is_some()),
            ("admin_token", raw.admin_token.is_some()),
        ] {
            if !given {
                self.problem(
                    key,
                    "needed with database_url: it has to be the same on every replica",
                );
            }
        }
        if let Err(message) = is_address(&url) {
            self.problem("database_url", message);
        }
        let spool = raw.spool.max_bytes.unwrap_or(DEFAULT_SPOOL_BYTES);
        if spool < MIN_SPOOL_BYTES {
            self.problem(
                "spool.max_bytes",
                format!("{spool} is too little: at least {MIN_SPOOL_BYTES}"),
            );
        }
        Some(Database {
            url,
            ca: raw.database_ca.as_ref().map(PathBuf::from),
            replica_name: raw.replica_name.clone().unwrap_or_else(host_name),
            spool_max_bytes: spool,
            redis_url,
        })
    }

    /// Says of what is given that it has no meaning without a database.
    fn needs_database(&mut self, raw: &RawConfig) {
        let given = [
            (
                "redis_url",
                raw.redis_url.is_some(),
                "needs database_url: replicas tell accounts apart by the ids that the shared database gives them",
            ),
            (
                "database_ca",
                raw.database_ca.is_some(),
                "has a meaning with database_url only",
            ),
            (
                "replica_name",
                raw.replica_name.is_some(),
                "has a meaning with database_url only",
            ),
            (
                "spool.max_bytes",
                raw.spool.max_bytes.is_some(),
                "has a meaning with database_url only",
            ),
        ];
        for (key, given, message) in given {
            if given {
                self.problem(key, message);
            }
        }
    }
}

/// Whether it is an address; the message quotes nothing of it, for it may hold a password.
fn is_address(url: &Secret) -> Result<(), String> {
    let shaped = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.expose().starts_with(scheme))
        || url.expose().contains("host=");
    if !shaped {
        return Err("begins with neither postgres:// nor postgresql://".to_owned());
    }
    PostgresOptions::at(url.clone())
        .check()
        .map_err(|_| "cannot be read as postgres://user:password@host:port/database".to_owned())
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    match name.trim() {
        "" => "replica".to_owned(),
        name => name.to_owned(),
    }
}
