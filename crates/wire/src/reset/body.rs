//! Reset times in members of a JSON body.
//!
//! Follows google/rpc/error_details.proto (RetryInfo), and the members that the ChatGPT back end,
//! Cloud Code, OpenRouter and relays use. Must not know: headers of the answer itself.

use serde_json::Value;
use waybill_model::time::UnixMillis;

use super::{Stated, believed, span};

/// How a member states a wait.
#[derive(Clone, Copy)]
enum Form {
    /// A protobuf or Go duration: `40s`, `479.417207ms`, or `{"seconds": "40", "nanos": 0}`.
    Duration,
    /// Seconds, as a number or a string; with a unit too.
    Seconds,
    /// Milliseconds.
    Millis,
    /// An instant: epoch seconds or milliseconds, or RFC 3339.
    Instant,
    /// Seconds or an instant, by size.
    Any,
}

/// Members, most trusted first: waits before instants, which depend on two clocks.
const MEMBERS: [(&str, Form); 21] = [
    ("quotaResetDelay", Form::Duration),
    ("retryDelay", Form::Duration),
    ("retry_delay", Form::Duration),
    ("retry_after_ms", Form::Millis),
    ("retry-after-ms", Form::Millis),
    ("retryAfterMs", Form::Millis),
    ("resets_in_seconds", Form::Seconds),
    ("reset_after_seconds", Form::Seconds),
    ("retry_after_seconds", Form::Seconds),
    ("retryAfterSeconds", Form::Seconds),
    ("retry_after", Form::Seconds),
    ("retry-after", Form::Seconds),
    ("Retry-After", Form::Seconds),
    ("retryAfter", Form::Seconds),
    ("resets_at", Form::Instant),
    ("reset_at", Form::Instant),
    ("resetAt", Form::Instant),
    ("quotaResetTimeStamp", Form::Instant),
    ("X-RateLimit-Reset", Form::Any),
    ("x-ratelimit-reset", Form::Any),
    ("reset_time", Form::Instant),
];

/// Most members looked at in one body.
const NODES: usize = 2_000;

/// The most trusted wait in any of the documents.
pub(super) fn read(documents: &[Value], now: UnixMillis) -> Option<Stated> {
    let mut best: Option<(usize, Stated)> = None;
    for document in documents {
        let mut walk = Walk {
            now,
            nodes: NODES,
            path: String::new(),
            best: None,
        };
        walk.visit(document);
        if let Some(found) = walk.best
            && best.as_ref().is_none_or(|(rank, _)| found.0 < *rank)
        {
            best = Some(found);
        }
    }
    best.map(|(_, stated)| stated)
}

/// Whether typed details name the model a quota is kept for.
pub(super) fn names_model(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            let dimensions = ["quotaDimensions", "metadata"]
                .iter()
                .filter_map(|key| members.get(*key));
            dimensions
                .into_iter()
                .any(|inner| inner.get("model").is_some())
                || ["error", "details", "violations"]
                    .iter()
                    .filter_map(|key| members.get(*key))
                    .any(names_model)
        }
        Value::Array(items) => items.iter().take(16).any(names_model),
        _ => false,
    }
}

struct Walk {
    now: UnixMillis,
    nodes: usize,
    path: String,
    best: Option<(usize, Stated)>,
}

impl Walk {
    fn visit(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (key, inner) in members {
                    if self.nodes == 0 {
                        return;
                    }
                    self.nodes -= 1;
                    self.step(key, inner);
                }
            }
            Value::Array(items) => items
                .iter()
                .take(16)
                .enumerate()
                .for_each(|(at, inner)| self.step(&at.to_string(), inner)),
            _ => {}
        }
    }

    fn step(&mut self, key: &str, value: &Value) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        let rank = MEMBERS.iter().position(|(name, _)| *name == key);
        let better = rank.filter(|rank| self.best.as_ref().is_none_or(|(best, _)| rank < best));
        if let Some(rank) = better {
            let wait = wait_ms(value, MEMBERS[rank].1, self.now);
            let stated = wait.and_then(|wait| believed(wait, self.path.clone()));
            self.best = stated.map(|stated| (rank, stated)).or(self.best.take());
        }
        self.visit(value);
        self.path.truncate(length);
    }
}

fn wait_ms(value: &Value, form: Form, now: UnixMillis) -> Option<i64> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        // Headers copied into a body may be lists.
        Value::Array(values) => return wait_ms(values.first()?, form, now),
        Value::Object(duration) => {
            let part = |key: &str| {
                duration.get(key).map(|part| {
                    part.as_str()
                        .map_or_else(|| part.to_string(), str::to_owned)
                })
            };
            let seconds = part("seconds").map_or(Some(0), |seconds| span::seconds(&seconds))?;
            let nanos: i64 = part("nanos").map_or(Some(0), |nanos| nanos.parse().ok())?;
            return Some(seconds.saturating_add(nanos / 1_000_000));
        }
        Value::Null | Value::Bool(_) => return None,
    };
    match form {
        Form::Duration => span::whole(&text),
        Form::Seconds => span::seconds(&text).or_else(|| span::whole(&text)),
        Form::Millis => span::millis(&text),
        Form::Instant => span::instant(&text, now),
        Form::Any => span::any(&text, now),
    }
}
