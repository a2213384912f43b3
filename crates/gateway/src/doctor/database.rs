//! The database: whether it is there, takes what is written, and is the one that this gateway belongs to.

use waybill_model::view::Books;
use waybill_store::{DatabaseFacts, Replicas, StoreError};

use super::{Finding, accounts};
use crate::{
    clock::Clock,
    config::{Config, Database},
    home::{self, Purpose},
};

const CHECK: &str = "database";

/// The oldest PostgreSQL that compresses texts the way the schema says; its extensions need no superuser, and
/// partitions can be attached without stopping everybody.
const OLDEST_SERVER: i64 = 140_000;

/// Clocks further apart than this mix up the order of what replicas do.
const CLOCKS_APART_MS: u64 = 1_000;

pub(super) async fn embedded(config: &Config) -> Vec<Finding> {
    let file = home::embedded_file(config);
    if !file.exists() {
        return vec![Finding::good(CHECK, "embedded; the file is made at start")];
    }
    let store = match home::embedded(config, Purpose::Look) {
        Ok(store) => store,
        Err(error) if is_older(&error) => {
            let remedy = "it is brought up to date at start, or now by `waybill migrate`";
            return vec![Finding::doubtful(CHECK, format!("{error:#}"), remedy)];
        }
        Err(error) => {
            let remedy = "restore a backup, or start the newer program that wrote it";
            return vec![Finding::bad(CHECK, format!("{error:#}"), remedy)];
        }
    };
    let mut findings = vec![match store.books().await {
        Ok(books) if books.counted_lost > 0 => Finding::doubtful(
            CHECK,
            format!(
                "embedded; {} records were lost, and counted",
                books.counted_lost
            ),
            "`GET ops/books` says why and which",
        ),
        Ok(books) => Finding::good(CHECK, format!("embedded; {} records", books.stored)),
        Err(error) => Finding::bad(
            CHECK,
            error.to_string(),
            "look at the disk, then restore a backup",
        ),
    }];
    if let Some(vault) = home::known_vault(config) {
        findings.extend(accounts::examine(config, &store, &vault).await);
    }
    findings
}

pub(super) async fn shared(config: &Config, database: &Database, clock: &Clock) -> Vec<Finding> {
    let is_spool_there = home::spool_file(config).exists();
    let store = match home::behind_spool(config, database, Purpose::Look) {
        Ok(store) => store,
        Err(error) => {
            let remedy = "look at data_dir and at database_url";
            return vec![Finding::bad("spool", format!("{error:#}"), remedy)];
        }
    };
    let mut findings = Vec::new();
    let books = match is_spool_there {
        true => store.books().await,
        false => Ok(Books::default()),
    };
    findings.extend(match books {
        Ok(books) if books.spooled > 0 => Some(Finding::doubtful(
            "spool",
            format!("{} records wait to be moved to the database", books.spooled),
            "they are moved while the gateway runs; keep its data folder until then",
        )),
        Ok(_) => Some(Finding::good("spool", "nothing waits to be moved")),
        Err(error) => Some(Finding::bad("spool", error.to_string(), "look at the disk")),
    });
    let Some(replicas) = store.replicas() else {
        return findings;
    };
    match replicas.inspect().await {
        Ok(facts) => {
            findings.extend(server(&facts));
            findings.extend(clocks(&facts, clock));
            findings.extend(key(&facts, config));
            if facts.schema_version > 0 {
                findings.extend(others(&replicas).await);
                if let Some(vault) = home::known_vault(config) {
                    findings.extend(accounts::examine(config, &store, &vault).await);
                }
            }
        }
        Err(error) => findings.push(unreachable(&error)),
    }
    findings
}

fn is_older(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::Older { .. }))
}

fn unreachable(error: &StoreError) -> Finding {
    let why = std::error::Error::source(error).map_or_else(String::new, |why| format!(": {why}"));
    let remedy = match error {
        StoreError::Away => {
            "see that PostgreSQL runs, that database_url names its host and port, and that nothing blocks the way"
        }
        _ => {
            "see that database_url names a user and a database that exist, with the right password"
        }
    };
    Finding::bad(CHECK, format!("{error}{why}"), remedy)
}

fn server(facts: &DatabaseFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (most, open) = facts.connections;
    if facts.server_version_number < OLDEST_SERVER {
        findings.push(Finding::bad(
            CHECK,
            facts.server_version.clone(),
            "PostgreSQL 14 or newer is needed",
        ));
    } else {
        findings.push(Finding::good(
            CHECK,
            format!(
                "{}; {} MiB",
                short(&facts.server_version),
                facts.bytes >> 20
            ),
        ));
    }
    if facts.schema_needs > facts.schema_known {
        findings.push(Finding::bad(
            "schema",
            format!(
                "step {} needs a program that knows step {}, this one knows {}",
                facts.schema_version, facts.schema_needs, facts.schema_known
            ),
            "start a newer version of the program",
        ));
    } else if facts.schema_version < facts.schema_known {
        let seen = format!("step {} of {}", facts.schema_version, facts.schema_known);
        findings.push(if facts.can_create {
            Finding::doubtful(
                "schema",
                seen,
                "it is brought up to date at start, or now by `waybill migrate`",
            )
        } else {
            Finding::bad(
                "schema",
                format!("{seen}, and this user may not make tables"),
                "let database_url name the database's owner",
            )
        });
    } else {
        findings.push(Finding::good(
            "schema",
            format!("step {}", facts.schema_version),
        ));
    }
    if !facts.owns_tables {
        findings.push(Finding::bad(
            CHECK,
            "this user does not own the tables: it cannot make the days that records are kept in, nor drop them",
            "let database_url name the role that owns them",
        ));
    }
    if facts.read_only {
        findings.push(Finding::bad(
            CHECK,
            "it takes no changes: a standby, or switched to read-only",
            "name the primary in database_url; meanwhile records wait in the spool",
        ));
    }
    if !facts.has_trigrams {
        findings.push(Finding::bad(
            CHECK,
            "the extensions pg_trgm and btree_gin are not both there",
            "install PostgreSQL's contrib package on the server",
        ));
    }
    if open.saturating_mul(10) > most.saturating_mul(8) {
        findings.push(Finding::doubtful(
            CHECK,
            format!("{open} of {most} connections are taken"),
            "raise max_connections: a replica takes up to a dozen",
        ));
    }
    if !facts.encrypted {
        findings.push(Finding::doubtful(
            CHECK,
            "the connection is not encrypted",
            "fine on one machine or in a private network; elsewhere add sslmode=require to database_url",
        ));
    }
    findings
}

/// The name and number out of what a server says of itself.
fn short(version: &str) -> String {
    version.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

fn clocks(facts: &DatabaseFacts, clock: &Clock) -> Vec<Finding> {
    let apart = clock.now().0.abs_diff(facts.now.0);
    vec![if apart > CLOCKS_APART_MS {
        Finding::doubtful(
            "clock",
            format!("{apart} ms from the database's"),
            "keep both in time (NTP): events and limits are ordered by clocks",
        )
    } else {
        Finding::good("clock", format!("{apart} ms from the database's"))
    }]
}

fn key(facts: &DatabaseFacts, config: &Config) -> Option<Finding> {
    let (known, vault) = (facts.key_check.as_ref()?, home::known_vault(config)?);
    Some(if *known == vault.check_text() {
        Finding::good("secrets", "secret_key is the deployment's")
    } else {
        Finding::bad(
            "secrets",
            "secret_key is not the deployment's",
            "give this replica the secret_key that the others have",
        )
    })
}

async fn others(replicas: &Replicas) -> Option<Finding> {
    let known = replicas.list().await.ok()?;
    let alive = known.iter().filter(|replica| replica.seen_ms_ago < 10_000);
    let names: Vec<&str> = alive.map(|replica| &*replica.name).collect();
    Some(Finding::good(
        "replicas",
        format!(
            "{} running ({}), {} known",
            names.len(),
            names.join(", "),
            known.len()
        ),
    ))
}
