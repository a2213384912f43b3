//! PagerDuty's Events API v2 (developer.pagerduty.com, "Send an alert event", PD-CEF).
//!
//! Limits: a summary 1,024 characters, a dedup key 255, an event 512 KB. One notice per event: the begin of an alert
//! triggers an incident and its end resolves the same one, for both have the alert's dedup key. So what is sent twice
//! is one incident all the same.

use serde_json::{Map, Value, json};
use waybill_model::{
    cause::Severity,
    notify::{Notice, NoticeKind},
};

use super::{Message, words};

/// Where events go; those of Europe go to `https://events.eu.pagerduty.com/v2/enqueue`.
pub const ENQUEUE: &str = "https://events.pagerduty.com/v2/enqueue";

const MOST_SUMMARY: usize = 1024;
const MOST_KEY: usize = 255;
const MOST_DETAIL: usize = 4096;

/// The body, without the routing key.
pub fn body(message: &Message<'_>) -> Value {
    let Some(notice) = message.notices.first() else {
        return Value::Null;
    };
    let action = match notice.kind {
        NoticeKind::AlertResolved => "resolve",
        NoticeKind::AlertFired | NoticeKind::Report | NoticeKind::Test => "trigger",
    };
    let mut body = json!({
        "event_action": action,
        "dedup_key": words::fit_bytes(&dedup_key(message, notice), MOST_KEY),
        "client": "Waybill",
        "payload": {
            "summary": words::fit(&summary(notice), MOST_SUMMARY),
            "source": notice.subject.as_deref().map_or("waybill".to_owned(), words::one_line),
            "severity": severity(notice),
            "timestamp": notice.started_at,
            "component": "waybill",
            "class": notice.metric.map_or(notice.kind.as_str(), |metric| metric.as_str()),
            "custom_details": details(notice),
        },
    });
    if let Some(url) = words::link(message, notice) {
        body["client_url"] = json!(url);
        body["links"] = json!([{"href": url, "text": "Open"}]);
    }
    body
}

/// Another installation has an alert of the same number, and perhaps the same integration.
fn dedup_key(message: &Message<'_>, notice: &Notice) -> String {
    format!("waybill:{}:{}", message.installation, notice.topic)
}

fn summary(notice: &Notice) -> String {
    let (title, sentence) = (words::title(notice), words::one_line(&notice.sentence));
    format!("{title}: {sentence}")
}

fn details(notice: &Notice) -> Map<String, Value> {
    let facts = words::facts(notice).into_iter();
    let facts = facts.map(|(name, value)| (name.to_lowercase(), value));
    let note = (!notice.text.is_empty()).then(|| ("note".to_owned(), notice.text.clone()));
    facts
        .chain(note)
        .map(|(name, value)| (name, json!(words::fit(&value, MOST_DETAIL))))
        .collect()
}

fn severity(notice: &Notice) -> &'static str {
    match (notice.kind, notice.severity) {
        (NoticeKind::Test | NoticeKind::Report, _) | (_, Severity::P3) => "info",
        (_, Severity::P0) => "critical",
        (_, Severity::P1) => "error",
        (_, Severity::P2) => "warning",
    }
}
