//! What follows from an answer: when it is tried again, and when it is given up. Pure.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};
use waybill_model::{notify::ChannelKind, time::UnixMillis};
use waybill_store::DeliveryUpdate;

use super::{
    deliver::Reply,
    judge::Verdict,
    plan::{self, HOUR_MS},
};

/// For so long a receiver that is away is tried, and one that is silent, if it knows what it was sent before.
const PATIENCE_MS: i64 = 24 * HOUR_MS;

/// A receiver that says no is asked so often: what it says no to may be its own change under way.
const MOST_REFUSALS: u32 = 3;

/// A message that was sent so often without an answer to a receiver that cannot know it is the same is left: each
/// time it may have arrived.
const MOST_UNANSWERED: u32 = 5;

/// One that is away is asked at least so often, however old the notice was when its turn came.
const LEAST_ATTEMPTS: u32 = 3;

const FIRST_WAIT_MS: i64 = 1_000;
const LONGEST_WAIT_MS: i64 = 300_000;

/// And the longest from one try without an answer to the next: what is sent then may have arrived each time, so that
/// it is sent more rarely. Some forty times in a day.
const LONGEST_SILENCE_MS: i64 = 900_000;

/// What was sent so often without an answer, which takes some two hours, is sent once an hour.
const OFTEN_UNANSWERED: u32 = 16;

/// The longest that a receiver's own wish is kept to.
const LONGEST_WISH: Duration = Duration::from_millis(HOUR_MS as u64);

// Whatever waits longer counts as put off by a clock that was ahead.
const _: () = assert!(HOUR_MS <= plan::LONGEST_WAIT_MS);

/// How long to wait after so many tries: one second, doubled with each.
fn doubled(tries: u32) -> i64 {
    FIRST_WAIT_MS << tries.saturating_sub(1).min(16)
}

/// How long to wait after so many attempts at one that is away: to five minutes.
fn wait_ms(attempts: u32) -> i64 {
    doubled(attempts).min(LONGEST_WAIT_MS)
}

/// How long to wait after sending something so often without an answer: to a quarter of an hour, then an hour.
fn silence_ms(unanswered: u32) -> i64 {
    match unanswered {
        0..OFTEN_UNANSWERED => doubled(unanswered).min(LONGEST_SILENCE_MS),
        OFTEN_UNANSWERED.. => HOUR_MS,
    }
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

/// What becomes of a message to such a receiver that was answered like this.
pub fn update(kind: ChannelKind, reply: &Reply, tried: Tried, now: UnixMillis) -> DeliveryUpdate {
    let attempts = tried.attempts;
    let is_old = now.0.saturating_sub(tried.queued_at.0) >= PATIENCE_MS;
    let error = || reply.said.clone();
    let again = |wait_ms: i64| DeliveryUpdate::Again {
        at: now.plus_ms(wait_ms),
        error: error(),
        was_sent: reply.verdict == Verdict::Unanswered,
    };
    let failed = |reason: String| DeliveryUpdate::Failed {
        reason,
        error: error(),
    };
    let uncertain = |reason: String| DeliveryUpdate::Uncertain {
        reason,
        error: error(),
    };
    match reply.verdict {
        Verdict::Taken => DeliveryUpdate::Sent,
        Verdict::Refused if attempts < MOST_REFUSALS => again(wait_ms(attempts)),
        Verdict::Refused => failed(format!("the receiver refused it {attempts} times")),
        Verdict::Unanswered => {
            let unanswered = tried.unanswered + 1;
            let is_over = match kind.knows_repeats() {
                true => is_old,
                false => unanswered >= MOST_UNANSWERED,
            };
            match is_over {
                true => uncertain(format!(
                    "it was sent {unanswered} times and not answered: it may have arrived"
                )),
                false => again(silence_ms(unanswered)),
            }
        }
        Verdict::Later(_) if is_old && attempts >= LEAST_ATTEMPTS => match tried.unanswered {
            0 => failed("the receiver took nothing for a day".to_owned()),
            unanswered => uncertain(format!(
                "the receiver took nothing for a day, but did not answer {unanswered} times: it may have arrived"
            )),
        },
        Verdict::Later(after) => {
            let wish = after.unwrap_or_default().min(LONGEST_WISH).as_millis();
            again(wait_ms(attempts).max(i64::try_from(wish).unwrap_or(HOUR_MS)))
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
        match update(ChannelKind::Webhook, &reply(verdict), tried, NOW) {
            DeliveryUpdate::Again { at, .. } => Some(at.0 - NOW.0),
            DeliveryUpdate::Failed { .. } => None,
            DeliveryUpdate::Sent | DeliveryUpdate::Uncertain { .. } => panic!("nobody took it"),
        }
    }

    /// What follows when a message that was sent so often without an answer was sent once more, so old.
    fn silent(kind: ChannelKind, unanswered: u32, age_ms: i64) -> DeliveryUpdate {
        let tried = Tried {
            attempts: unanswered + 1,
            unanswered,
            queued_at: NOW.plus_ms(-age_ms),
        };
        update(kind, &reply(Verdict::Unanswered), tried, NOW)
    }

    const ALL: &[ChannelKind] = ChannelKind::ALL;

    #[test]
    fn what_a_chat_was_sent_five_times_and_did_not_answer_is_left_for_uncertain() {
        for kind in ALL.iter().filter(|kind| !kind.knows_repeats()) {
            for unanswered in 0..4 {
                let again = silent(*kind, unanswered, 0);
                assert!(matches!(
                    again,
                    DeliveryUpdate::Again { was_sent: true, .. }
                ));
            }
            let left = silent(*kind, 4, 0);
            assert!(matches!(left, DeliveryUpdate::Uncertain { .. }), "{kind}");
        }
        // Nobody was there: that says nothing of what was sent.
        let away = update(
            ChannelKind::Slack,
            &reply(Verdict::Later(None)),
            tried(1),
            NOW,
        );
        assert!(matches!(
            away,
            DeliveryUpdate::Again {
                was_sent: false,
                ..
            }
        ));
    }

    #[test]
    fn one_that_knows_repeats_and_is_silent_is_tried_for_a_day_some_forty_times() {
        const ANSWER_MS: i64 = 60_000;
        for kind in ALL.iter().filter(|kind| kind.knows_repeats()) {
            let (mut age, mut sent, mut longest_in_an_hour) = (0, 0, 0);
            let left = loop {
                age += ANSWER_MS;
                match silent(*kind, sent, age) {
                    DeliveryUpdate::Again { at, was_sent, .. } => {
                        assert!(was_sent && plan::is_due(at, at) && !plan::is_due(at, NOW));
                        let waits = at.0 - NOW.0;
                        age += waits;
                        if age <= 2 * HOUR_MS {
                            longest_in_an_hour = waits;
                        }
                    }
                    over => break over,
                }
                sent += 1;
            };
            // It is back after an hour: it has what waits a quarter of an hour later.
            assert_eq!(longest_in_an_hour, LONGEST_SILENCE_MS, "{kind}");
            assert!((PATIENCE_MS..PATIENCE_MS + 2 * HOUR_MS).contains(&age));
            assert!((30..45).contains(&sent), "{kind}: {sent}");
            assert!(matches!(left, DeliveryUpdate::Uncertain { .. }));
        }
        // One that waited for its turn all day is tried once: others wait behind it.
        let left = silent(ChannelKind::Webhook, 0, PATIENCE_MS);
        assert!(matches!(left, DeliveryUpdate::Uncertain { .. }));
    }

    #[test]
    fn what_was_sent_and_not_answered_may_have_arrived_whatever_is_said_later() {
        let tried = Tried {
            attempts: 300,
            unanswered: 1,
            queued_at: NOW.plus_ms(-PATIENCE_MS),
        };
        let left = update(
            ChannelKind::Webhook,
            &reply(Verdict::Later(None)),
            tried,
            NOW,
        );
        assert!(matches!(left, DeliveryUpdate::Uncertain { .. }));
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
        let taken = update(ChannelKind::Webhook, &reply(Verdict::Taken), tried(1), NOW);
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
