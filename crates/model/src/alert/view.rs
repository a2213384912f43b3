//! What the API says of alerts. Field names are a contract.

use serde::{Deserialize, Serialize};

use super::{
    EventStatus,
    metric::{Metric, Unit},
    rule::{AlertRuleBody, Operator},
    silence::{SilenceBody, Subject},
    turn::Phase,
};
use crate::{cause::Severity, objective::ObjectiveBody, time::UnixMillis};

/// What somebody wrote, with who did, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Written<T> {
    /// Row id.
    pub id: i64,
    /// What was written.
    #[serde(flatten)]
    pub body: T,
    /// When it was first written.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
    /// Who did; `null`: the gateway itself.
    pub updated_by: Option<String>,
}

/// A rule.
pub type AlertRule = Written<AlertRuleBody>;

/// A silence.
pub type Silence = Written<SilenceBody>;

/// An objective.
pub type Objective = Written<ObjectiveBody>;

/// What was read when an event began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evidence {
    /// The rule's name then.
    pub rule_name: String,
    /// What it is about, in words: an account, an issue, an objective; `null` for a number of all.
    pub about: Option<String>,
    /// What was looked at.
    pub metric: Metric,
    /// In what it is counted.
    pub unit: Unit,
    /// How it was compared.
    pub operator: Operator,
    /// With what.
    pub threshold: f64,
    /// What it was; `null` where there was nothing to make a value of.
    pub value: Option<f64>,
    /// Requests, or attempts, that it was made of.
    pub samples: u64,
    /// Over so many minutes.
    pub window_minutes: u32,
    /// All of it as one sentence.
    pub sentence: String,
    /// What the rule's note says.
    pub note: String,
}

/// Something that went wrong for long enough that somebody is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AlertEvent {
    /// Row id.
    pub id: i64,
    /// The rule.
    pub rule_id: i64,
    /// What it is about, as a key: `all`, `account:3`, `issue:…`, `objective:2`.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// How it stands.
    pub status: EventStatus,
    /// When it began.
    pub fired_at: UnixMillis,
    /// When it was over.
    pub resolved_at: Option<UnixMillis>,
    /// Who said so, if somebody did.
    pub resolved_by: Option<String>,
    /// When somebody took it up.
    pub acknowledged_at: Option<UnixMillis>,
    /// Who did.
    pub acknowledged_by: Option<String>,
    /// Whether channels were told that it began. Not while a silence covers it.
    pub told: bool,
    /// What was read when it began.
    pub evidence: Evidence,
    /// What it is of, where it is of one.
    pub scope: Subject,
}

/// Where a rule stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleStand {
    /// The rule.
    pub rule_id: i64,
    /// What of.
    pub subject: String,
    /// Where.
    pub phase: Phase,
    /// Since when.
    pub since: UnixMillis,
}
