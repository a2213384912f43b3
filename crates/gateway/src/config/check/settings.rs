//! Sizes, times and what is kept.

use std::{fmt::Display, time::Duration};

use http::{HeaderName, HeaderValue};
use waybill_model::{entity::HttpVersion, protocol::Platform, settings::MAX_DAYS};

use crate::{
    egress::{CustomHeaders, EgressPolicy},
    routing::{LineSettings, Upstream},
};

use super::{
    super::{
        Capture, Failover, Limits, NotificationSettings, ReplaySettings, RequestLogging, Retention,
        Settings, Timeouts,
        raw::{
            RawCapture, RawConfig, RawFailover, RawLimits, RawQueue, RawReplay, RawRequests,
            RawRetention, RawTimeouts,
        },
    },
    Check,
};

/// A store smaller than this would delete a failure as soon as it is written.
const MIN_STORE_BYTES: u64 = 1 << 20;

/// Reads `name: value`. What it may be called is what an account's own headers may, on every platform.
fn mark_header(line: &str) -> Result<(HeaderName, HeaderValue), String> {
    let Some((name, value)) = line.split_once(':') else {
        return Err("`name: value` is needed, such as `x-replay: yes`".to_owned());
    };
    let (name, value) = (name.trim(), value.trim());
    for platform in Platform::ALL {
        CustomHeaders::new(*platform, [(name, value)])?;
    }
    let read = |name: &str| Some((name.parse().ok()?, value.parse().ok()?));
    read(name).ok_or_else(|| "it cannot be sent in a header".to_owned())
}

/// Reads where people find this gateway: an address to which paths are appended.
fn public_url(url: &str) -> Result<String, String> {
    let bad = || "an address such as https://waybill.example.com is needed".to_owned();
    let upstream = Upstream::parse(url, HttpVersion::Auto).map_err(|_| bad())?;
    let scheme = if upstream.tls { "https" } else { "http" };
    Ok(format!(
        "{scheme}://{}{}",
        upstream.authority, upstream.path_prefix
    ))
}

impl Check<'_> {
    pub(super) fn settings(&mut self, raw: &RawConfig) -> Settings {
        Settings {
            limits: self.limits(&raw.limits),
            timeouts: self.timeouts(&raw.timeouts),
            failover: self.failover(&raw.failover),
            queue: self.queue(&raw.queue),
            capture: self.capture(&raw.capture),
            requests: self.requests(&raw.requests),
            replay: self.replay(&raw.replay),
            retention: self.retention(&raw.retention),
            notifications: self.notifications(raw),
            // Follows from the accounts, too.
            egress: EgressPolicy::default(),
            telemetry: self.telemetry(&raw.telemetry),
        }
    }

    fn limits(&mut self, raw: &RawLimits) -> Limits {
        let default = Limits::default();
        let mut some = |key: &str, value: Option<usize>, default: usize| {
            self.at_least(&format!("limits.{key}"), 1, value.unwrap_or(default))
        };
        Limits {
            request_bytes: some("request_bytes", raw.request_bytes, default.request_bytes),
            header_bytes: some("header_bytes", raw.header_bytes, default.header_bytes),
            response_bytes: some("response_bytes", raw.response_bytes, default.response_bytes),
            in_flight: some("in_flight", raw.in_flight, default.in_flight),
            live_readers: some("live_readers", raw.live_readers, default.live_readers),
            live_behind: self.at_least(
                "limits.live_behind",
                1,
                raw.live_behind.unwrap_or(default.live_behind),
            ),
        }
    }

    fn timeouts(&mut self, raw: &RawTimeouts) -> Timeouts {
        let default = Timeouts::default();
        let mut ms = |key: &str, value: Option<u64>, default: Duration| match value {
            None => default,
            Some(ms) => Duration::from_millis(self.at_least(&format!("timeouts.{key}"), 1, ms)),
        };
        Timeouts {
            connect: ms("connect_ms", raw.connect_ms, default.connect),
            first_byte: ms("first_byte_ms", raw.first_byte_ms, default.first_byte),
            idle: ms("idle_ms", raw.idle_ms, default.idle),
            header_read: ms("header_read_ms", raw.header_read_ms, default.header_read),
            body_idle: ms("body_idle_ms", raw.body_idle_ms, default.body_idle),
            body_read: ms("body_read_ms", raw.body_read_ms, default.body_read),
            write_stall: ms("write_stall_ms", raw.write_stall_ms, default.write_stall),
            attempts: ms("attempts_ms", raw.attempts_ms, default.attempts),
            drain: ms("drain_ms", raw.drain_ms, default.drain),
            notice: raw.notice_ms.map_or(default.notice, Duration::from_millis),
            keep_alive: raw
                .keep_alive_ms
                .map_or(default.keep_alive, Duration::from_millis),
        }
    }

    fn failover(&mut self, raw: &RawFailover) -> Failover {
        let attempts = raw.max_attempts.unwrap_or(Failover::default().max_attempts);
        Failover {
            // The first attempt counts.
            max_attempts: self.at_least("failover.max_attempts", 1, attempts),
        }
    }

    fn queue(&mut self, raw: &RawQueue) -> LineSettings {
        let default = LineSettings::default();
        let mut some = |key: &str, value: Option<usize>, default: usize| {
            let value = value.unwrap_or(default);
            if value == 0 {
                let why = "0 is too little: at least 1. With queue.timeout_ms = 0 no request waits";
                self.problem(format!("queue.{key}"), why);
            }
            value
        };
        LineSettings {
            timeout: raw
                .timeout_ms
                .map_or(default.timeout, Duration::from_millis),
            max_waiting: some("max_waiting", raw.max_waiting, default.max_waiting),
            max_waiting_per_key: some(
                "max_waiting_per_key",
                raw.max_waiting_per_key,
                default.max_waiting_per_key,
            ),
        }
    }

    fn capture(&mut self, raw: &RawCapture) -> Capture {
        let default = Capture::default();
        let records = raw.queue_records.unwrap_or(default.queue_records);
        Capture {
            request_body_bytes: raw.request_body_bytes.unwrap_or(default.request_body_bytes),
            detail_bytes: raw.detail_bytes.unwrap_or(default.detail_bytes),
            replay: raw.replay.unwrap_or(default.replay),
            replay_body_bytes: raw.replay_body_bytes.unwrap_or(default.replay_body_bytes),
            queue_bytes: raw.queue_bytes.unwrap_or(default.queue_bytes),
            queue_records: self.at_least("capture.queue_records", 1, records),
        }
    }

    fn requests(&mut self, raw: &RawRequests) -> RequestLogging {
        let (key, message) = match (raw.keep.as_deref(), raw.share) {
            (None | Some("all"), None) => return RequestLogging::All,
            (Some("errors"), None) => return RequestLogging::ErrorsOnly,
            (Some("sampled"), Some(share)) if (0.0..=1.0).contains(&share) => {
                return RequestLogging::Sampled(share);
            }
            (Some("sampled"), _) => (
                "requests.share",
                "a number from 0 to 1 is needed with keep = \"sampled\"".to_owned(),
            ),
            (None | Some("all" | "errors"), Some(_)) => (
                "requests.share",
                "has a meaning with keep = \"sampled\" only".to_owned(),
            ),
            (Some(other), _) => (
                "requests.keep",
                format!("`{other}` is none of all, sampled, errors"),
            ),
        };
        self.problem(key, message);
        RequestLogging::All
    }

    fn replay(&mut self, raw: &RawReplay) -> ReplaySettings {
        let default = ReplaySettings::default();
        let mark_header = raw.mark_header.as_deref().and_then(|line| {
            let marked = mark_header(line);
            marked
                .map_err(|why| self.problem("replay.mark_header", why))
                .ok()
        });
        ReplaySettings {
            timeout: raw.timeout_ms.map_or(default.timeout, |ms| {
                Duration::from_millis(self.at_least("replay.timeout_ms", 1, ms))
            }),
            mark_header,
        }
    }

    fn notifications(&mut self, raw: &RawConfig) -> NotificationSettings {
        let default = NotificationSettings::default();
        let public_url = raw.public_url.as_deref().and_then(|url| {
            let read = public_url(url);
            read.map_err(|why| self.problem("public_url", why)).ok()
        });
        let most = NotificationSettings::MOST.as_millis() as u64;
        let mut ms = |key, given: Option<u64>, default| {
            given.map_or(default, |ms| {
                let ms = self.at_least(key, 1, ms);
                Duration::from_millis(self.at_most(key, most, ms))
            })
        };
        let raw = &raw.notifications;
        NotificationSettings {
            public_url,
            timeout: ms("notifications.timeout_ms", raw.timeout_ms, default.timeout),
            answer_timeout: ms(
                "notifications.answer_timeout_ms",
                raw.answer_timeout_ms,
                default.answer_timeout,
            ),
        }
    }

    fn retention(&mut self, raw: &RawRetention) -> Retention {
        let default = Retention::default();
        let mut days = |key: &str, value: Option<f64>, default: Duration| match value {
            Some(days) if days > 0.0 && days < MAX_DAYS => Duration::from_secs_f64(days * 86_400.0),
            Some(_) => {
                self.problem(
                    format!("retention.{key}"),
                    format!("a number of days above 0 and below {MAX_DAYS} is needed"),
                );
                default
            }
            None => default,
        };
        Retention {
            errors: days("errors_days", raw.errors_days, default.errors),
            requests: days("requests_days", raw.requests_days, default.requests),
            issues: days("issues_days", raw.issues_days, default.issues),
            issue_quiet: days(
                "issue_quiet_days",
                raw.issue_quiet_days,
                default.issue_quiet,
            ),
            rollup_minutes: days(
                "rollup_minutes_days",
                raw.rollup_minutes_days,
                default.rollup_minutes,
            ),
            rollup_hours: days(
                "rollup_hours_days",
                raw.rollup_hours_days,
                default.rollup_hours,
            ),
            rollup_days: days(
                "rollup_days_days",
                raw.rollup_days_days,
                default.rollup_days,
            ),
            replay: days("replay_days", raw.replay_days, default.replay),
            replay_max_bytes: raw.replay_max_bytes.unwrap_or(default.replay_max_bytes),
            audit: days("audit_days", raw.audit_days, default.audit),
            notifications: days(
                "notifications_days",
                raw.notifications_days,
                default.notifications,
            ),
            alert_events: days(
                "alert_events_days",
                raw.alert_events_days,
                default.alert_events,
            ),
            max_bytes: self.at_least(
                "retention.max_bytes",
                MIN_STORE_BYTES,
                raw.max_bytes.unwrap_or(default.max_bytes),
            ),
        }
    }

    pub(super) fn at_least<N: PartialOrd + Display>(&mut self, key: &str, least: N, value: N) -> N {
        if value < least {
            self.problem(key, format!("{value} is too little: at least {least}"));
        }
        value
    }

    fn at_most<N: PartialOrd + Display>(&mut self, key: &str, most: N, value: N) -> N {
        if value > most {
            self.problem(key, format!("{value} is too much: at most {most}"));
        }
        value
    }
}
