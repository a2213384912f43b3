//! What follows from an answer: when it is tried again, and when it is given up. Pure.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};
use waybill_model::time::UnixMillis;
use waybill_store::DeliveryUpdate;

use super::{deliver::Reply, judge::Verdict};

/// For so long a receiver that is away is tried.
const PATIENCE_MS: i64 = 24 * 3_600_000;

/// A receiver that says no is asked so often: what it says no to may be its own change under way.
const MOST_REFUSALS: u32 = 3;

/// A message that was sent so often without an answer is left: each time it may have arrived, and others wait behind
/// it.
const MOST_UNANSWERED: u32 = 5;

/// One that is away is asked at least so often, however old the notice was when its turn came.
const LEAST_ATTEMPTS: u32 = 3;

const FIRST_WAIT_MS: i64 = 1_000;
const LONGEST_WAIT_MS: i64 = 300_000;

/// The longest that a receiver's own wish is kept to.
const LONGEST_WISH: Duration = Duration::from_secs(3600);

/// How long to wait after so many attempts: one second, doubled with each, to five minutes.
pub fn wait_ms(attempts: u32) -> i64 {
    let doubled = attempts.saturating_sub(1).min(16);
    (FIRST_WAIT_MS << doubled).min(LONGEST_WAIT_MS)
}

/// How often a message was tried, this time included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// In all.
    pub attempts: u32,
    /// And before this time it was sent so often, and not answered.
    pub unanswered: u32,
    /// A part of it waits since then.
    pub queued_at: UnixMillis,
}

/// What becomes of a message that was answered like this.
pub fn update(reply: &Reply, tried: Tried, now: UnixMillis) -> DeliveryUpdate {
    let attempts = tried.attempts;
    let error = || reply.said.clone();
    let again = |after: Option<Duration>| {
        let wish = after.unwrap_or_default().min(LONGEST_WISH).as_millis();
        let wish = i64::try_from(wish).unwrap_or(LONGEST_WAIT_MS);
        DeliveryUpdate::Again {
            at: now.plus_ms(wait_ms(attempts).max(wish)),
            error: error(),
            was_sent: reply.verdict == Verdict::Unanswered,
        }
    };
    match reply.verdict {
        Verdict::Taken => DeliveryUpdate::Sent,
        Verdict::Refused if attempts < MOST_REFUSALS => again(None),
        Verdict::Refused => DeliveryUpdate::Failed {
            reason: format!("the receiver refused it {attempts} times"),
            error: error(),
        },
        Verdict::Unanswered if tried.unanswered + 1 < MOST_UNANSWERED => again(None),
        Verdict::Unanswered => DeliveryUpdate::Uncertain {
            reason: format!(
                "it was sent {MOST_UNANSWERED} times and not answered: it may have arrived"
            ),
            error: error(),
        },
        Verdict::Later(after) => {
            let is_old = now.0.saturating_sub(tried.queued_at.0) >= PATIENCE_MS;
            match is_old && attempts >= LEAST_ATTEMPTS {
                true => DeliveryUpdate::Failed {
                    reason: "the receiver took nothing for a day".to_owned(),
                    error: error(),
                },
                false => again(after),
            }
        }
    }
}

/// How long a receiver wants to be left alone: seconds, or a date.
pub fn retry_after(headers: &HeaderMap, now: UnixMillis) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let at = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let now = Duration::from_millis(u64::try_from(now.0).ok()?);
    Some(at.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn reply(verdict: Verdict) -> Reply {
        Reply {
            verdict,
            status: Some(500),
            said: "it answered 500".to_owned(),
        }
    }

    fn tried(attempts: u32) -> Tried {
        Tried {
            attempts,
            unanswered: 0,
            queued_at: NOW,
        }
    }

    fn after(verdict: Verdict, attempts: u32, age_ms: i64) -> Option<i64> {
        let tried = Tried {
            queued_at: NOW.plus_ms(-age_ms),
            ..tried(attempts)
        };
        match update(&reply(verdict), tried, NOW) {
            DeliveryUpdate::Again { at, .. } => Some(at.0 - NOW.0),
            DeliveryUpdate::Failed { .. } => None,
            DeliveryUpdate::Sent | DeliveryUpdate::Uncertain { .. } => panic!("nobody took it"),
        }
    }

    #[test]
    fn what_was_sent_five_times_and_not_answered_is_left_for_uncertain() {
        let silent = |unanswered| {
            let tried = Tried {
                unanswered,
                ..tried(40)
            };
            update(&reply(Verdict::Unanswered), tried, NOW)
        };
        for unanswered in 0..4 {
            let again = silent(unanswered);
            assert!(matches!(
                again,
                DeliveryUpdate::Again { was_sent: true, .. }
            ));
        }
        assert!(matches!(silent(4), DeliveryUpdate::Uncertain { .. }));
        // Nobody was there: that says nothing of what was sent.
        let away = update(&reply(Verdict::Later(None)), tried(1), NOW);
        assert!(matches!(
            away,
            DeliveryUpdate::Again {
                was_sent: false,
                ..
            }
        ));
    }

    #[test]
    fn one_that_is_away_is_tried_for_a_day_ever_more_rarely() {
        let waits: Vec<_> = (1..=11)
            .map(|attempts| after(Verdict::Later(None), attempts, 0).unwrap())
            .collect();
        let seconds: Vec<_> = waits.iter().map(|ms| ms / 1000).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(
            after(Verdict::Later(None), 300, PATIENCE_MS - 1),
            Some(300_000)
        );
        assert_eq!(after(Verdict::Later(None), 300, PATIENCE_MS), None);
        // One that waited for its turn all day has its attempts, too.
        assert_eq!(after(Verdict::Later(None), 1, PATIENCE_MS), Some(1_000));
    }

    #[test]
    fn a_wish_to_be_left_alone_is_kept_to_within_reason() {
        let wish = |seconds| Verdict::Later(Some(Duration::from_secs(seconds)));
        assert_eq!(after(wish(90), 1, 0), Some(90_000));
        assert_eq!(after(wish(1), 10, 0), Some(300_000));
        assert_eq!(after(wish(100_000), 1, 0), Some(3_600_000));
    }

    #[test]
    fn one_that_says_no_is_asked_three_times() {
        assert_eq!(after(Verdict::Refused, 1, 0), Some(1_000));
        assert_eq!(after(Verdict::Refused, 2, 0), Some(2_000));
        assert_eq!(after(Verdict::Refused, 3, 0), None);
        let taken = update(&reply(Verdict::Taken), tried(1), NOW);
        assert_eq!(taken, DeliveryUpdate::Sent);
    }

    #[test]
    fn a_wish_is_read_in_seconds_or_as_a_date() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, NOW)
        };
        assert_eq!(read("30"), Some(Duration::from_secs(30)));
        assert_eq!(read("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-1"), None);
        let date = httpdate::fmt_http_date(
            SystemTime::UNIX_EPOCH + Duration::from_millis(NOW.0.unsigned_abs() + 60_000),
        );
        assert_eq!(read(&date), Some(Duration::from_secs(60)));
    }
}
