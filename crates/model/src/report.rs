//! Reports: what is told without being asked, when, and to whom.
//!
//! A report is figures, small charts and tables: the same for mail, for a webhook and for whoever asks. It holds
//! numbers and names.
//!
//! Promises: values alone. Must not know: where the numbers come from, what a report looks like, when it is due.

use serde::{Deserialize, Serialize};

use crate::{
    alert::{Invalid, Unit},
    id::{ChannelId, ScheduleId},
    time::UnixMillis,
    words,
};

/// Longest name, in bytes.
const MOST_NAME: usize = 128;

/// Longest expression and name of a time zone, in bytes.
const MOST_WORDS: usize = 128;

/// Channels of one schedule.
const MOST_CHANNELS: usize = 50;

words! {
    /// What is reported.
    pub enum ReportKind {
        /// The day before, against the one before that.
        DailySummary = "daily_summary",
        /// The seven days before, against the seven before those.
        WeeklySummary = "weekly_summary",
        /// What failed in the day before, and why.
        ErrorDigest = "error_digest",
        /// What each account delivered in the day before, and how it stands.
        AccountHealth = "account_health",
    }
}

impl ReportKind {
    /// Calendar days that it covers.
    pub const fn days(self) -> i8 {
        match self {
            ReportKind::WeeklySummary => 7,
            ReportKind::DailySummary | ReportKind::ErrorDigest | ReportKind::AccountHealth => 1,
        }
    }

    /// Whether its days are those of the calendar, from midnight to midnight, whatever the hour that it comes at.
    /// Otherwise they end when it is due: what just failed is what it is asked for.
    pub const fn is_of_whole_days(self) -> bool {
        match self {
            ReportKind::DailySummary | ReportKind::WeeklySummary => true,
            ReportKind::ErrorDigest | ReportKind::AccountHealth => false,
        }
    }

    /// How it is called.
    pub const fn title(self) -> &'static str {
        match self {
            ReportKind::DailySummary => "Daily summary",
            ReportKind::WeeklySummary => "Weekly summary",
            ReportKind::ErrorDigest => "Error digest",
            ReportKind::AccountHealth => "Account health",
        }
    }
}

/// A report that comes by itself, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleBody {
    /// Unique name.
    pub name: String,
    /// Whether it comes.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What is reported.
    pub kind: ReportKind,
    /// When: a cron expression of five fields, minutes to days of the week.
    pub cron: String,
    /// Where that time is told, such as `Europe/Berlin`.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// To which channels, by id.
    pub channels: Vec<ChannelId>,
}

fn utc() -> String {
    "UTC".to_owned()
}
const fn yes() -> bool {
    true
}

impl ScheduleBody {
    /// Checks what needs no calendar and no store.
    pub fn check(&self) -> Result<(), Invalid> {
        let wrong = |field, problem: String| Err(Invalid { field, problem });
        if self.name.trim().is_empty() || self.name.len() > MOST_NAME {
            return wrong("name", format!("must have 1 to {MOST_NAME} bytes"));
        }
        for (field, text) in [("cron", &self.cron), ("time_zone", &self.time_zone)] {
            if text.len() > MOST_WORDS {
                return wrong(field, format!("must have at most {MOST_WORDS} bytes"));
            }
        }
        if self.channels.is_empty() || self.channels.len() > MOST_CHANNELS {
            return wrong("channels", format!("must have 1 to {MOST_CHANNELS}"));
        }
        Ok(())
    }
}

/// A report that comes by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Schedule {
    /// Row id.
    pub id: ScheduleId,
    /// As it is written.
    #[serde(flatten)]
    pub body: ScheduleBody,
    /// When it is due next; `null`: it is switched off.
    pub next_at: Option<UnixMillis>,
    /// Which one came last: when it was due.
    pub last_at: Option<UnixMillis>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    /// What is reported.
    pub kind: ReportKind,
    /// From here on,
    pub start: UnixMillis,
    /// and before here.
    pub end: UnixMillis,
    /// Where its days begin.
    pub time_zone: String,
    /// What its numbers lack, in sentences; empty: nothing that is known.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Single numbers.
    pub figures: Vec<Figure>,
    /// Numbers over time.
    pub charts: Vec<Chart>,
    /// What has rows.
    pub tables: Vec<Table>,
}

/// One number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// In what.
    pub unit: Unit,
    /// The number; `null`: there is nothing to make one of.
    pub value: Option<f64>,
    /// What it was over as long a time before.
    pub before: Option<f64>,
}

/// Numbers over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Chart {
    /// What they are.
    pub name: String,
    /// In what.
    pub unit: Unit,
    /// In order, as many as there are hours or days.
    pub points: Vec<Point>,
}

/// One number of a chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Point {
    /// Where its hour or day begins.
    pub at: UnixMillis,
    /// The number.
    pub value: f64,
}

/// What has rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Table {
    /// What it is of.
    pub name: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<String>>,
}
