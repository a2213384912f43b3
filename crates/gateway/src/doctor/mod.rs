//! `waybill doctor`: looks at everything a gateway needs, without changing anything, and says what to do.
//!
//! In: the configuration. Out: a list of [`Finding`]s, the worst of which decides how it ends.
//! Promises: every check is made, whatever the others find; no finding holds a secret; a running gateway is
//! not disturbed. Must not know: how findings are shown.

mod accounts;
mod database;
mod machine;
mod redis;

use waybill_model::words;

use crate::{clock::Clock, config::Config};

words! {
    /// How bad a finding is.
    pub enum Health as "DoctorHealth" {
        /// As it should be.
        Good = "ok",
        /// It works, and will not for ever.
        Doubtful = "warn",
        /// It does not work.
        Bad = "fail",
    }
}

/// What was found about one thing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What was looked at: `data_dir`, `disk`, `database`, …
    pub check: &'static str,
    /// How bad it is.
    pub health: Health,
    /// What was seen.
    pub seen: String,
    /// What to do about it; nothing where it is good.
    pub remedy: Option<String>,
}

impl Finding {
    fn good(check: &'static str, seen: impl Into<String>) -> Self {
        Finding {
            check,
            health: Health::Good,
            seen: seen.into(),
            remedy: None,
        }
    }

    fn doubtful(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Finding {
            health: Health::Doubtful,
            remedy: Some(remedy.into()),
            ..Finding::good(check, seen)
        }
    }

    fn bad(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Finding {
            health: Health::Bad,
            ..Finding::doubtful(check, seen, remedy)
        }
    }
}

/// Looks at everything.
pub async fn examine(config: &Config, clock: &Clock) -> Vec<Finding> {
    let mut findings = machine::examine(config);
    match &config.database {
        None => findings.extend(database::embedded(config).await),
        Some(database) => {
            findings.extend(database::shared(config, database, clock).await);
            findings.extend(redis::examine(database, clock).await);
        }
    }
    findings
}

/// How it went, all in all.
pub fn worst(findings: &[Finding]) -> Health {
    let is = |health: Health| findings.iter().any(|finding| finding.health == health);
    if is(Health::Bad) {
        Health::Bad
    } else if is(Health::Doubtful) {
        Health::Doubtful
    } else {
        Health::Good
    }
}
