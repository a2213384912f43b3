//! One run: what it goes by, and which minutes it is about.

use std::sync::Arc;

use waybill_model::{
    alert::{AlertRuleBody, Evidence, Reading, sentence},
    rollup::Span,
    settings::Chosen,
    time::UnixMillis,
};
use waybill_store::StoreError;

use super::{arrived::arrived, run::Run};
use crate::app::{Changed, Shared};

/// A request that is over is counted so much later at most: what is younger is not looked at yet.
pub(super) const SETTLES_AFTER_MS: i64 = 3_000;

/// Minutes that nobody judged, because nobody ran or nothing could be read, are judged afterwards; so many at most.
const MOST_MISSED: i64 = 60;

/// So far a clock may go back, and is waited for.
const GOES_BACK_MS: i64 = 2 * MINUTE_MS;

const MINUTE_MS: i64 = Span::Minute.millis();

/// Judges every rule, once for each minute that is over, while monitoring is on. Says what began and what is over.
pub async fn evaluate(shared: &Arc<Shared>) -> Result<String, String> {
    let say = |error: StoreError| error.to_string();
    let chosen = shared.chosen();
    if !chosen.is_monitored() {
        return Ok(String::new());
    }
    let now = shared.clock.now();
    if let Some(since) = ahead(&chosen, now) {
        let store = &shared.store;
        store.monitoring_switched_by(now).await.map_err(say)?;
        shared.reload(Changed::Here).await.map_err(say)?;
        return Err(format!(
            "monitoring was switched on at {since}, which is still to come: rules are judged from {now} on"
        ));
    }
    let at = Span::Minute.begin(now.plus_ms(-SETTLES_AFTER_MS));
    let marks = shared.store.alert_marks().await.map_err(say)?;
    let done = marks.evaluated_to;
    if at < done {
        let behind = done.0.saturating_sub(at.0);
        if behind <= GOES_BACK_MS {
            return Ok(String::new());
        }
        shared.store.alerts_begin_anew(at).await.map_err(say)?;
        return Err(format!(
            "rules are evaluated up to {done}, {} minutes ahead of the clock: from {at} on they are evaluated anew",
            behind / MINUTE_MS
        ));
    }
    let arrived = arrived(shared, now).await;
    if at == done && marks.waiting.is_empty() {
        return Ok(String::new());
    }
    shared.store.seed_alert_rules(at).await.map_err(say)?;
    let mut rules = shared.store.alert_rules().await.map_err(say)?;
    rules.retain(|rule| rule.body.enabled);
    let run = Run {
        shared,
        chosen,
        marks,
        arrived,
        now,
        at,
    };
    run.judge(&rules).await.map_err(say)?.said(shared, now)
}

/// Since when it is monitored, where that is still to come: by a clock that was ahead. A little is waited for.
fn ahead(chosen: &Chosen, now: UnixMillis) -> Option<UnixMillis> {
    let since = chosen.monitored_since()?;
    (since.0.saturating_sub(now.0) > GOES_BACK_MS).then_some(since)
}

/// Up to when nothing is to be judged any more: up to when it was, or up to the first minute that is watched whole
/// since monitoring is on again.
pub(super) fn watched(done: UnixMillis, chosen: &Chosen) -> UnixMillis {
    let since = chosen
        .monitored_since()
        .map(|since| Span::Minute.end(since));
    since.map_or(done, |since| done.max(since))
}

/// The ends of the minutes that are to be judged now, after those up to `done` were.
pub(super) fn minutes(done: UnixMillis, at: UnixMillis) -> impl Iterator<Item = UnixMillis> {
    let missed = (at.0.saturating_sub(done.0) / MINUTE_MS).min(MOST_MISSED);
    // Before the first round nothing was missed.
    let count = if done.0 == 0 { 1 } else { missed };
    (0..count)
        .rev()
        .map(move |back| at.plus_ms(-back * MINUTE_MS))
}

/// What is kept of a reading.
pub(super) fn evidence(rule: &AlertRuleBody, reading: Reading, about: Option<String>) -> Evidence {
    Evidence {
        rule_name: rule.name.clone(),
        metric: rule.metric,
        unit: rule.metric.info().unit,
        operator: rule.operator,
        threshold: rule.threshold,
        value: reading.value,
        samples: reading.samples,
        window_minutes: rule.window_minutes,
        sentence: sentence(rule, reading, about.as_deref()),
        note: rule.note.clone(),
        about,
    }
}

/// The beginning of a window of so many minutes that ends at `at`.
pub(super) fn begin(at: UnixMillis, minutes: u32) -> UnixMillis {
    at.plus_ms(-i64::from(minutes) * MINUTE_MS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn minute(number: i64) -> UnixMillis {
        UnixMillis(number * MINUTE_MS)
    }

    #[test]
    fn minutes_that_were_missed_are_judged_in_order_and_within_a_bound() {
        let judged = |done, at| minutes(minute(done), minute(at)).collect::<Vec<_>>();
        assert_eq!(judged(10, 11), [minute(11)]);
        assert_eq!(judged(10, 13), [minute(11), minute(12), minute(13)]);
        assert_eq!(judged(0, 1_000), [minute(1_000)]);
        let many = judged(10, 1_000);
        assert_eq!(
            (many.len(), many[0], many[59]),
            (60, minute(941), minute(1_000))
        );
    }

    #[test]
    fn monitoring_that_begins_in_a_while_was_switched_by_a_clock_that_was_ahead() {
        let chosen = Chosen {
            monitoring_since: Some(minute(100)),
            ..Chosen::default()
        };
        assert_eq!(ahead(&chosen, minute(100)), None);
        // A replica's clock may be a little ahead of another's.
        assert_eq!(ahead(&chosen, minute(98)), None);
        assert_eq!(ahead(&chosen, minute(97)), Some(minute(100)));
        assert_eq!(ahead(&Chosen::default(), minute(97)), None);
    }
}
