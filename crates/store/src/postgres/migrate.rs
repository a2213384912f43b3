//! The schema, step by step, forwards only.
//!
//! Replicas are replaced one by one, so a step must leave the schema usable for programs that know only
//! the step before: it adds, and what is no longer used goes a release later. Each step says which programs
//! it still serves: those that know at least the step it `needs`.
//!
//! Promises: one migration at a time, over all replicas; all of it happens or nothing.

use std::time::Duration;

use tokio_postgres::Client;

use super::connect::Server;
use crate::{StoreError, sql::Result};

/// One step.
struct Step {
    /// What it does.
    sql: &'static str,
    /// The oldest step a program must know to run beside it.
    needs: u32,
}

/// In order. A step that was released never changes.
const STEPS: &[Step] = &[
    Step {
        sql: include_str!("migrations/0001_record_and_config.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0002_bridges.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0003_people.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0004_replays.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0005_issues.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0006_capture.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0007_traits.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0008_replays_of_many.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0009_classification.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0010_rollups.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0011_last_errors.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0012_alerts.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0013_notify.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0014_replays_and_issues.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0015_settings.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0016_numbers.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0017_unanswered.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0018_totp.sql"),
        needs: 1,
    },
    Step {
        sql: include_str!("migrations/0019_alert_waits.sql"),
        needs: 1,
    },
];

/// Steps may build indexes over all that is there.
pub(super) const LIMIT: Duration = Duration::from_secs(6 * 3600);

/// The step that this program knows last.
pub(crate) fn known() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

/// Where a database stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    /// The last step that was taken.
    pub(crate) version: u32,
    /// The oldest step a program must know.
    pub(crate) needs: u32,
}

/// Brings a database up to what this program knows. Answers where it stood before.
///
/// # Errors
/// [`StoreError::Newer`] where programs as old as this one are no longer served; nothing is changed then.
pub(crate) async fn migrate(server: &Server) -> Result<Version> {
    let mut client = server.connect(LIMIT).await?;
    let before = read(&client).await?;
    check(before)?;
    if before.version >= known() {
        return Ok(before);
    }
    let step = client.transaction().await?;
    step.batch_execute(
        "SELECT pg_advisory_xact_lock(1466005858, 5);
         CREATE TABLE IF NOT EXISTS schema_migrations (
             version BIGINT PRIMARY KEY, needs BIGINT NOT NULL, applied_at BIGINT NOT NULL
         )",
    )
    .await?;
    // Somebody else may have been here while we waited for the lock.
    let found = read_within(&step).await?;
    check(found)?;
    for (number, wanted) in (1_u32..).zip(STEPS).skip(found.version as usize) {
        step.batch_execute(wanted.sql).await?;
        step.execute(
            "INSERT INTO schema_migrations VALUES ($1, $2, (extract(epoch FROM now()) * 1000)::BIGINT)",
            &[&i64::from(number), &i64::from(wanted.needs)],
        )
        .await?;
    }
    step.commit().await?;
    Ok(before)
}

/// Whether this program may run on a database.
pub(crate) fn check(found: Version) -> Result<()> {
    if found.needs > known() {
        return Err(StoreError::Newer {
            found: found.version,
            known: known(),
        });
    }
    Ok(())
}

/// Where a database stands; nothing was done to an empty one.
pub(crate) async fn read(client: &Client) -> Result<Version> {
    let there: bool = client
        .query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[])
        .await?
        .try_get(0)?;
    if !there {
        return Ok(Version {
            version: 0,
            needs: 0,
        });
    }
    row(client.query_one(VERSION, &[]).await?)
}

async fn read_within(step: &tokio_postgres::Transaction<'_>) -> Result<Version> {
    row(step.query_one(VERSION, &[]).await?)
}

const VERSION: &str =
    "SELECT coalesce(max(version), 0), coalesce(max(needs), 0) FROM schema_migrations";

fn row(row: tokio_postgres::Row) -> Result<Version> {
    let step = |at: usize| -> Result<u32> {
        let number: i64 = row.try_get(at)?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    };
    Ok(Version {
        version: step(0)?,
        needs: step(1)?,
    })
}
