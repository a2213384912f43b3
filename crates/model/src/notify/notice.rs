//! What somebody is told.

use serde::{Deserialize, Serialize};

use crate::{
    alert::{Metric, Unit},
    cause::Severity,
    report::Report,
    time::UnixMillis,
    words,
};

words! {
    /// What a notice says.
    pub enum NoticeKind {
        /// An alert's event began.
        AlertFired = "alert_fired",
        /// It is over.
        AlertResolved = "alert_resolved",
        /// A report that was asked for.
        Report = "report",
        /// That the channel works.
        Test = "test",
    }
}

/// What somebody is told, before it has the form of any receiver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Notice {
    /// What it says.
    pub kind: NoticeKind,
    /// What it is about: the same for the begin and the end of an event. With the kind, each channel is told once.
    pub topic: String,
    /// The alert's event.
    #[serde(default)]
    pub event_id: Option<i64>,
    /// How bad it is.
    pub severity: Severity,
    /// In a few words, such as the rule's name.
    pub title: String,
    /// In one sentence, with the numbers.
    pub sentence: String,
    /// What else is worth knowing, such as the rule's note; may be empty or have several lines.
    #[serde(default)]
    pub text: String,
    /// The rule's name.
    #[serde(default)]
    pub rule: Option<String>,
    /// What it is about in words: an account, an issue, an objective.
    #[serde(default)]
    pub subject: Option<String>,
    /// What was looked at.
    #[serde(default)]
    pub metric: Option<Metric>,
    /// What it was.
    #[serde(default)]
    pub value: Option<f64>,
    /// What it is held against.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// What both are counted in.
    #[serde(default)]
    pub unit: Option<Unit>,
    /// When it began.
    pub started_at: UnixMillis,
    /// When it was over.
    #[serde(default)]
    pub ended_at: Option<UnixMillis>,
    /// Where under the configured public address it can be looked at, with the leading slash.
    #[serde(default)]
    pub path: Option<String>,
    /// Of a report: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

impl Notice {
    /// The topic of an alert's event.
    pub fn topic_of_event(event_id: i64) -> String {
        format!("alert:{event_id}")
    }

    /// Whether it may go in one message with others.
    pub const fn may_be_grouped(kind: NoticeKind) -> bool {
        match kind {
            NoticeKind::AlertFired | NoticeKind::AlertResolved => true,
            NoticeKind::Report | NoticeKind::Test => false,
        }
    }
}
