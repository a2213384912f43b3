//! A rule as somebody writes it, checked; and what it makes of a reading.

use serde::{Deserialize, Serialize};

use super::{
    metric::{Metric, MetricKind, Unit},
    turn::{Said, Timing},
};
use crate::{
    cause::Severity,
    id::{AccountId, ApiKeyId, GroupId},
    protocol::Platform,
    rollup::Scope,
    words,
};

const MINUTE_MS: i64 = 60_000;

/// Longest window and longest wait: a week.
const MOST_MINUTES: u32 = 7 * 24 * 60;

/// Longest name and note, in bytes.
const MOST_NAME: usize = 128;

words! {
    /// How a value is compared.
    pub enum Operator {
        /// Above the threshold.
        Above = ">",
        /// At the threshold or above it.
        AtLeast = ">=",
        /// Below it.
        Below = "<",
        /// At it or below it.
        AtMost = "<=",
    }
}

words! {
    /// What it means when there is nothing to judge: no request in the window, or fewer than `min_requests`.
    pub enum Missing {
        /// All stays as it is.
        Keep = "keep",
        /// All is well.
        Ok = "ok",
        /// It is what the rule waits for.
        Alert = "alert",
    }
}

/// What a rule is kept to. Nothing of it: everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// One platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// One group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// One account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// One key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<ApiKeyId>,
    /// One model; with a group or an account, of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// One objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective_id: Option<i64>,
}

/// A rule as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertRuleBody {
    /// Unique name.
    pub name: String,
    /// Whether it is looked at.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What it looks at.
    pub metric: Metric,
    /// How the value is compared.
    pub operator: Operator,
    /// With what, in the metric's unit.
    pub threshold: f64,
    /// Over so many minutes.
    #[serde(default = "five")]
    pub window_minutes: u32,
    /// So long it must last before somebody is told. Also so long it must be well before it is over.
    #[serde(default)]
    pub sustained_minutes: u32,
    /// After its end it does not begin again for so long.
    #[serde(default = "ten")]
    pub cooldown_minutes: u32,
    /// A share of fewer requests than this is no value.
    #[serde(default)]
    pub min_requests: u64,
    /// What no value means.
    #[serde(default = "keep")]
    pub missing: Missing,
    /// How bad it is.
    pub severity: Severity,
    /// What it is kept to.
    #[serde(default)]
    pub filter: Filter,
    /// Channels that are told, by id; empty: all that take its severity.
    #[serde(default)]
    pub channels: Vec<i64>,
    /// Why it is there, and what to do.
    #[serde(default)]
    pub note: String,
}

const fn yes() -> bool {
    true
}
const fn five() -> u32 {
    5
}
const fn ten() -> u32 {
    10
}
const fn keep() -> Missing {
    Missing::Keep
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct Invalid {
    /// Which field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

/// A value, and of how many requests it is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The value; `None`: there is nothing to make one of.
    pub value: Option<f64>,
    /// Requests, or attempts, that it is made of.
    pub samples: u64,
}

impl Operator {
    /// Whether `value` is what a rule waits for.
    pub fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Operator::Above => value > threshold,
            Operator::AtLeast => value >= threshold,
            Operator::Below => value < threshold,
            Operator::AtMost => value <= threshold,
        }
    }
}

impl AlertRuleBody {
    /// Checks what types alone do not.
    pub fn check(&self) -> Result<(), Invalid> {
        let wrong = |field, problem: String| Err(Invalid { field, problem });
        let info = self.metric.info();
        if self.name.trim().is_empty() || self.name.len() > MOST_NAME {
            return wrong("name", format!("must have 1 to {MOST_NAME} bytes"));
        }
        if self.note.len() > 16 * MOST_NAME {
            return wrong(
                "note",
                format!("must have at most {} bytes", 16 * MOST_NAME),
            );
        }
        if !self.threshold.is_finite() || self.threshold < 0.0 {
            return wrong("threshold", "must be a number from 0 on".to_owned());
        }
        if info.unit == Unit::Percent && self.threshold > 100.0 {
            return wrong("threshold", "is a percentage: at most 100".to_owned());
        }
        if !(1..=MOST_MINUTES).contains(&self.window_minutes) {
            return wrong("window_minutes", format!("must be 1 to {MOST_MINUTES}"));
        }
        for (field, minutes) in [
            ("sustained_minutes", self.sustained_minutes),
            ("cooldown_minutes", self.cooldown_minutes),
        ] {
            if minutes > MOST_MINUTES {
                return wrong(field, format!("must be at most {MOST_MINUTES}"));
            }
        }
        self.check_filter(info.kind)
    }

    /// A filter that the metric cannot be kept to would be ignored in silence.
    fn check_filter(&self, kind: MetricKind) -> Result<(), Invalid> {
        let Filter {
            platform,
            group_id,
            account_id,
            api_key_id,
            model,
            objective_id,
        } = &self.filter;
        let given = [
            ("filter.platform", platform.is_some()),
            ("filter.group_id", group_id.is_some()),
            ("filter.account_id", account_id.is_some()),
            ("filter.api_key_id", api_key_id.is_some()),
            ("filter.model", model.is_some()),
            ("filter.objective_id", objective_id.is_some()),
        ];
        let fits: &[&str] = match kind {
            MetricKind::Window => &[
                "filter.platform",
                "filter.group_id",
                "filter.account_id",
                "filter.api_key_id",
                "filter.model",
            ],
            MetricKind::Pool | MetricKind::Account => {
                &["filter.platform", "filter.group_id", "filter.account_id"]
            }
            MetricKind::Issue => &["filter.platform"],
            MetricKind::Objective => &["filter.objective_id"],
            MetricKind::Books => &[],
        };
        let metric = self.metric;
        for (field, is_given) in given {
            if is_given && !fits.contains(&field) {
                return Err(Invalid {
                    field,
                    problem: format!("says nothing about `{metric}`"),
                });
            }
        }
        // Roll-ups are kept per one of these, or per a model of a group or of an account.
        let ways = [
            platform.is_some(),
            group_id.is_some(),
            account_id.is_some(),
            api_key_id.is_some(),
        ];
        let ways = ways.iter().filter(|is_given| **is_given).count();
        let with_model = model.is_some() && (platform.is_some() || api_key_id.is_some());
        if kind == MetricKind::Window && (ways > 1 || with_model) {
            return Err(Invalid {
                field: "filter",
                problem: "takes one of platform, group, account and key, or a model, alone or with a group or an account"
                    .to_owned(),
            });
        }
        Ok(())
    }

    /// What it is kept to, as roll-ups know it.
    pub fn scope(&self) -> Scope {
        Scope {
            platform: self.filter.platform,
            group_id: self.filter.group_id.map(|id| id.0),
            account_id: self.filter.account_id.map(|id| id.0),
            model: self.filter.model.clone(),
            api_key_id: self.filter.api_key_id.map(|id| id.0),
            user_id: None,
        }
    }

    /// The rule's times.
    pub fn timing(&self) -> Timing {
        let ms = |minutes: u32| i64::from(minutes) * MINUTE_MS;
        Timing {
            sustained_ms: ms(self.sustained_minutes),
            cooldown_ms: ms(self.cooldown_minutes),
        }
    }

    /// What a reading says.
    pub fn judge(&self, reading: Reading) -> Said {
        let enough = !self.metric.info().is_share || reading.samples >= self.min_requests;
        match reading.value.filter(|_| enough) {
            Some(value) if self.operator.holds(value, self.threshold) => Said::Breach,
            Some(_) => Said::Well,
            None => match self.missing {
                Missing::Keep => Said::Nothing,
                Missing::Ok => Said::Well,
                Missing::Alert => Said::Breach,
            },
        }
    }
}

/// What a new installation watches.
pub fn default_rules() -> Vec<AlertRuleBody> {
    use {Metric as M, Operator as O, Severity as S};
    type Line = (&'static str, M, O, f64, u32, u32, u64, S, &'static str);
    const RULES: &[Line] = &[
        (
            "Requests fail",
            M::ErrorRate,
            O::AtLeast,
            5.0,
            5,
            2,
            20,
            S::P1,
            "More than one request in twenty fails for a reason that is not the client's. Look at the issues of the last minutes.",
        ),
        (
            "Most requests fail",
            M::ErrorRate,
            O::AtLeast,
            50.0,
            2,
            1,
            10,
            S::P0,
            "The service is down for most clients.",
        ),
        (
            "Upstreams fail",
            M::UpstreamErrorRate,
            O::AtLeast,
            20.0,
            10,
            5,
            20,
            S::P2,
            "Providers fail more often than usual; failover may still hide it.",
        ),
        (
            "No account can serve",
            M::AccountsAvailable,
            O::Below,
            1.0,
            1,
            1,
            0,
            S::P0,
            "Every account is stopped. Look at the accounts' states for when they come back.",
        ),
        (
            "An account is down",
            M::AccountDown,
            O::AtLeast,
            1.0,
            1,
            5,
            0,
            S::P2,
            "Its provider refuses it, or its credential cannot be used: that does not end by waiting. See whether it has to sign in again, to be paid for, or to be given another credential.",
        ),
        (
            "First tokens are late",
            M::TtftP99,
            O::Above,
            30_000.0,
            10,
            5,
            50,
            S::P2,
            "One answer in a hundred begins after half a minute.",
        ),
        (
            "A new issue",
            M::NewIssue,
            O::AtLeast,
            1.0,
            1,
            0,
            0,
            S::P3,
            "Failures of a kind that was not seen before.",
        ),
        (
            "An issue is back",
            M::RegressedIssue,
            O::AtLeast,
            1.0,
            1,
            0,
            0,
            S::P2,
            "Failures of a kind that was resolved.",
        ),
        (
            "An issue escalates",
            M::EscalatingIssue,
            O::AtLeast,
            1.0,
            1,
            0,
            0,
            S::P2,
            "Failures of a kind come faster than they used to.",
        ),
        (
            "The budget burns fast",
            M::BudgetBurn,
            O::AtLeast,
            14.4,
            60,
            0,
            10,
            S::P1,
            "At this rate a month's budget is gone in two days.",
        ),
        (
            "The budget burns",
            M::BudgetBurn,
            O::AtLeast,
            6.0,
            360,
            0,
            10,
            S::P2,
            "At this rate a month's budget is gone in five days.",
        ),
        (
            "Records are lost",
            M::RecordsLost,
            O::AtLeast,
            1.0,
            5,
            0,
            0,
            S::P1,
            "Failures happen that are counted but cannot be kept. Look at the disk and the database.",
        ),
    ];
    RULES
        .iter()
        .map(
            |&(
                name,
                metric,
                operator,
                threshold,
                window,
                sustained,
                min_requests,
                severity,
                note,
            )| AlertRuleBody {
                name: name.to_owned(),
                enabled: true,
                metric,
                operator,
                threshold,
                window_minutes: window,
                sustained_minutes: sustained,
                cooldown_minutes: 10,
                min_requests,
                missing: Missing::Keep,
                severity,
                filter: Filter::default(),
                channels: Vec::new(),
                note: note.to_owned(),
            },
        )
        .collect()
}

#[cfg(test)]
mod tests;
