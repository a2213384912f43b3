//! What a receiver's answer means.
//!
//! Promises: pure; any bytes mean something. The statuses are HTTP's; what receivers say with `200` follows their own
//! documents: Feishu `code`, DingTalk and WeCom `errcode`.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use waybill_model::{notify::ChannelKind, time::UnixMillis};

use super::when::retry_after;

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has it.
    Taken,
    /// Not now; perhaps not before that time has passed.
    Later(Option<Duration>),
    /// It was sent, and no answer came in time: it may have it.
    Unanswered,
    /// No.
    Refused,
}

/// Codes that say "too often" or "too busy", and how long to wait then.
const BUSY: &[(ChannelKind, i64, u64)] = &[
    // The bot's frequency is limited: 100 messages a minute, 5 a second.
    (ChannelKind::Feishu, 11_232, 10),
    (ChannelKind::Feishu, 9_499, 10),
    // 20 messages a minute; beyond, the robot is mute for ten minutes.
    (ChannelKind::Dingtalk, 130_101, 60),
    (ChannelKind::Dingtalk, -1, 10),
    // The same.
    (ChannelKind::Wecom, 45_009, 60),
    (ChannelKind::Wecom, -1, 10),
];

/// Judges an answer.
pub fn judge(
    kind: ChannelKind,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixMillis,
) -> Verdict {
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Verdict::Later(retry_after(headers, now))
        }
        status if status.is_server_error() => Verdict::Later(retry_after(headers, now)),
        status if status.is_success() => inside(kind, body),
        _ => Verdict::Refused,
    }
}

/// What a success says inside.
fn inside(kind: ChannelKind, body: &[u8]) -> Verdict {
    let field = match kind {
        ChannelKind::Feishu => "code",
        ChannelKind::Dingtalk | ChannelKind::Wecom => "errcode",
        ChannelKind::Email
        | ChannelKind::Webhook
        | ChannelKind::Slack
        | ChannelKind::Discord
        | ChannelKind::Pagerduty => return Verdict::Taken,
    };
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    // An older answer of Feishu's.
    let code = said[field].as_i64().or_else(|| said["StatusCode"].as_i64());
    match code {
        Some(0) => Verdict::Taken,
        Some(code) => {
            let busy = BUSY.iter().find(|busy| (busy.0, busy.1) == (kind, code));
            busy.map_or(Verdict::Refused, |(_, _, seconds)| {
                Verdict::Later(Some(Duration::from_secs(*seconds)))
            })
        }
        // A success of somebody else's: a proxy's page, another service.
        None => Verdict::Refused,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(kind: ChannelKind, status: u16, body: &str) -> Verdict {
        let status = StatusCode::from_u16(status).unwrap();
        let now = UnixMillis(1_800_000_000_000);
        judge(kind, status, &HeaderMap::new(), body.as_bytes(), now)
    }

    #[test]
    fn statuses_mean_what_http_says() {
        use Verdict as V;
        for (status, verdict) in [
            (200, V::Taken),
            (204, V::Taken),
            (202, V::Taken),
            (302, V::Refused),
            (400, V::Refused),
            (401, V::Refused),
            (404, V::Refused),
            (410, V::Refused),
            (408, V::Later(None)),
            (429, V::Later(None)),
            (500, V::Later(None)),
            (503, V::Later(None)),
        ] {
            assert_eq!(of(ChannelKind::Webhook, status, "no"), verdict, "{status}");
        }
    }

    #[test]
    fn a_success_that_says_no_inside_is_none() {
        for (kind, body, verdict) in [
            (
                ChannelKind::Feishu,
                r#"{"code":0,"msg":"success"}"#,
                Verdict::Taken,
            ),
            (
                ChannelKind::Feishu,
                r#"{"StatusCode":0,"StatusMessage":"success"}"#,
                Verdict::Taken,
            ),
            (
                ChannelKind::Feishu,
                r#"{"code":19021,"msg":"sign match fail"}"#,
                Verdict::Refused,
            ),
            (
                ChannelKind::Dingtalk,
                r#"{"errcode":0,"errmsg":"ok"}"#,
                Verdict::Taken,
            ),
            (
                ChannelKind::Dingtalk,
                r#"{"errcode":310000,"errmsg":"sign not match"}"#,
                Verdict::Refused,
            ),
            (
                ChannelKind::Dingtalk,
                r#"{"errcode":130101}"#,
                Verdict::Later(Some(Duration::from_secs(60))),
            ),
            (
                ChannelKind::Wecom,
                r#"{"errcode":45009}"#,
                Verdict::Later(Some(Duration::from_secs(60))),
            ),
            (
                ChannelKind::Wecom,
                r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#,
                Verdict::Refused,
            ),
            (ChannelKind::Wecom, "<html>", Verdict::Refused),
            (ChannelKind::Slack, "ok", Verdict::Taken),
        ] {
            assert_eq!(of(kind, 200, body), verdict, "{kind}: {body}");
        }
    }
}
