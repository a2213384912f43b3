//! A rule tried over history: when it would have told somebody, and for how long.

use std::collections::VecDeque;

use serde::Serialize;
use waybill_model::{
    alert::{AlertRuleBody, Evidence, MetricKind, News, Stand, of_window, turn},
    rollup::{Bucket, By, Counts, Sketches, Span},
    time::UnixMillis,
};
use waybill_store::{RollupOf, RollupQuery, StoreError};

use super::evaluate::{begin, evidence};
use crate::app::Shared;

/// Longest history that is looked at: what minutes are kept of, at most.
const MOST_MS: i64 = 7 * 24 * 3_600_000;

/// An event that would have been.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct WouldBe {
    /// When it would have begun.
    pub fired_at: UnixMillis,
    /// When it would have been over; `null`: it would go on.
    pub resolved_at: Option<UnixMillis>,
    /// What would have been read when it began.
    pub evidence: Evidence,
}

/// What a rule would have said.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Previewed {
    /// Where the first minute begins that was judged: later than was asked for where minutes are not kept for so long,
    /// and for the rule's window before it.
    pub start_time: UnixMillis,
    /// The last one.
    pub end_time: UnixMillis,
    /// Minutes that were judged.
    pub minutes: u64,
    /// Of those, minutes in which there was nothing to make a value of.
    pub minutes_without_value: u64,
    /// Events, in order.
    pub events: Vec<WouldBe>,
    /// The lowest value of all minutes.
    pub lowest: Option<f64>,
    /// The highest one.
    pub highest: Option<f64>,
}

/// Why a rule cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum NoPreview {
    /// What it looks at is not kept for the past.
    #[error("there is no history of `{0}`")]
    NoHistory(waybill_model::alert::Metric),
    /// Its window is longer than minutes are kept.
    #[error("is longer than minutes are kept: from {0} on")]
    WindowTooLong(UnixMillis),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tries a rule over the minutes of a window, each judged as it would have been when it was over.
pub async fn preview(
    shared: &Shared,
    rule: AlertRuleBody,
    start: UnixMillis,
    end: UnixMillis,
) -> Result<Previewed, NoPreview> {
    if rule.metric.info().kind != MetricKind::Window {
        return Err(NoPreview::NoHistory(rule.metric));
    }
    let end = Span::Minute.begin(end);
    let start = Span::Minute.begin(start.max(end.plus_ms(-MOST_MS)));
    // The first minute that can be judged has a whole window before it.
    let kept_from = shared.store.minutes_kept_from(By::End).await?;
    let window_ms = i64::from(rule.window_minutes) * Span::Minute.millis();
    let start = start.max(kept_from.plus_ms(window_ms));
    if start >= end {
        return Err(NoPreview::WindowTooLong(kept_from));
    }
    let query = RollupQuery {
        step: Some(Span::Minute),
        by: By::End,
        causes: false,
        ignore: shared.chosen().ignore(),
        ..RollupQuery::whole(
            begin(start, rule.window_minutes),
            end,
            RollupOf::One(rule.scope()),
        )
    };
    let answer = shared.store.rollups(query).await?;
    if answer.by != By::End {
        // They have gone just now.
        return Err(NoPreview::WindowTooLong(kept_from));
    }
    let judged = tokio::task::spawn_blocking(move || over(&rule, answer.buckets, start, end)).await;
    judged.map_err(|_| NoPreview::Store(StoreError::Closed))
}

/// Judges every minute from `start` on up to `end`.
fn over(
    rule: &AlertRuleBody,
    buckets: Vec<Bucket>,
    start: UnixMillis,
    end: UnixMillis,
) -> Previewed {
    let mut previewed = Previewed {
        start_time: start,
        end_time: end,
        minutes: 0,
        minutes_without_value: 0,
        events: Vec::new(),
        lowest: None,
        highest: None,
    };
    let mut coming = VecDeque::from(buckets);
    let mut window: VecDeque<Bucket> = VecDeque::new();
    let mut stand = Stand::well(start);
    let mut at = start;
    while at < end {
        at = at.plus_ms(Span::Minute.millis());
        while coming.front().is_some_and(|bucket| bucket.start < at) {
            window.extend(coming.pop_front());
        }
        let from = begin(at, rule.window_minutes);
        while window.front().is_some_and(|bucket| bucket.start < from) {
            window.pop_front();
        }
        let (mut counts, mut sketches) = (Counts::default(), Sketches::default());
        for bucket in &window {
            counts.add(&bucket.counts);
            sketches.merge(&bucket.sketches);
        }
        let reading = of_window(rule.metric, &counts, &sketches);
        previewed.minutes += 1;
        match reading.value {
            None => previewed.minutes_without_value += 1,
            Some(value) => {
                let known = |old: Option<f64>, of: fn(f64, f64) -> f64| {
                    Some(old.map_or(value, |old| of(old, value)))
                };
                previewed.lowest = known(previewed.lowest, f64::min);
                previewed.highest = known(previewed.highest, f64::max);
            }
        }
        let (next, news) = turn(stand, rule.judge(reading), rule.timing(), at);
        stand = next;
        match news {
            Some(News::Fired) => previewed.events.push(WouldBe {
                fired_at: at,
                resolved_at: None,
                evidence: evidence(rule, reading, None),
            }),
            Some(News::Resolved) => {
                if let Some(event) = previewed.events.last_mut() {
                    event.resolved_at = Some(at);
                }
            }
            None => {}
        }
    }
    previewed
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use waybill_model::alert::default_rules;

    use super::*;

    fn minute(number: i64) -> UnixMillis {
        UnixMillis(number * 60_000)
    }

    #[test]
    fn a_rule_says_of_history_what_it_would_have_said() {
        let rule = AlertRuleBody {
            window_minutes: 2,
            sustained_minutes: 1,
            cooldown_minutes: 0,
            min_requests: 1,
            ..default_rules().remove(0)
        };
        // Ten requests a minute; all of minutes 10 to 14 fail.
        let buckets = (0..30)
            .map(|number| {
                let failures = if (10..15).contains(&number) { 10 } else { 0 };
                Bucket {
                    start: minute(number),
                    value: String::new(),
                    counts: Counts {
                        requests: 10,
                        successes: 10 - failures,
                        failures,
                        ..Counts::default()
                    },
                    causes: Vec::new(),
                    sketches: Sketches::default(),
                }
            })
            .collect();
        let previewed = over(&rule, buckets, minute(0), minute(30));
        assert_eq!(
            (previewed.minutes, previewed.minutes_without_value),
            (30, 0)
        );
        // Broken when minute 10 is over, told a minute later; well again when a window lies behind minute 14.
        let spans: Vec<_> = previewed
            .events
            .iter()
            .map(|event| (event.fired_at, event.resolved_at))
            .collect();
        assert_eq!(spans, [(minute(12), Some(minute(18)))]);
        assert_eq!(previewed.highest, Some(100.0));
    }
}
