//! One round: every rule that is on, judged at one moment.

use std::sync::Arc;

use waybill_model::{
    alert::{AlertRule, AlertRuleBody, Evidence, Reading, Said, sentence},
    rollup::Span,
    settings::Chosen,
    time::UnixMillis,
};
use waybill_store::{Judged, Round, RuleRound, StoreError};

use super::read::{Read, Reader};
use crate::app::Shared;

/// A request that is over is counted so much later at most: what is younger is not looked at yet.
const SETTLES_AFTER_MS: i64 = 3_000;

/// Minutes that nobody judged, because nobody ran or nothing could be read, are judged afterwards; so many at most.
const MOST_MISSED: i64 = 60;

/// So long a minute waits for requests that are stored and not rolled up. Then it is judged without them.
const WAITS_FOR_NUMBERS_MS: i64 = 10 * MINUTE_MS;

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
    let at = Span::Minute.begin(shared.clock.now().plus_ms(-SETTLES_AFTER_MS));
    let done = shared.store.alerts_evaluated_to().await.map_err(say)?;
    if at <= done {
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
    shared.store.seed_alert_rules(at).await.map_err(say)?;
    let mut rules = shared.store.alert_rules().await.map_err(say)?;
    rules.retain(|rule| rule.body.enabled);
    let (mut fired, mut resolved) = (0, 0);
    for minute in minutes(watched(done, &chosen), at) {
        let read = judged(shared, &rules, minute, at, &chosen).await;
        let Some(round) = read.map_err(say)? else {
            return Err(format!(
                "the minute before {minute} waits to be judged: requests are stored that are not rolled up"
            ));
        };
        let report = shared.store.alert_round(round).await.map_err(say)?;
        if report.told > 0 {
            shared.notifier.ring();
        }
        fired += report.fired;
        resolved += report.resolved;
    }
    Ok(match (fired, resolved) {
        (0, 0) => String::new(),
        (fired, resolved) => format!("{fired} alerts fired, {resolved} are resolved"),
    })
}

/// Up to when nothing is to be judged any more: up to when it was, or up to the first minute that is watched whole
/// since monitoring is on again.
fn watched(done: UnixMillis, chosen: &Chosen) -> UnixMillis {
    let since = chosen
        .monitored_since()
        .map(|since| Span::Minute.end(since));
    since.map_or(done, |since| done.max(since))
}

/// The ends of the minutes that are to be judged now, after those up to `done` were.
fn minutes(done: UnixMillis, at: UnixMillis) -> impl Iterator<Item = UnixMillis> {
    let missed = (at.0.saturating_sub(done.0) / MINUTE_MS).min(MOST_MISSED);
    // Before the first round nothing was missed.
    let count = if done.0 == 0 { 1 } else { missed };
    (0..count)
        .rev()
        .map(move |back| at.plus_ms(-back * MINUTE_MS))
}

/// What every rule says of a minute. Of one that was missed only those say something that look at windows: nothing
/// else is known of the past. `None`: it is too early.
async fn judged(
    shared: &Arc<Shared>,
    rules: &[AlertRule],
    minute: UnixMillis,
    now: UnixMillis,
    chosen: &Chosen,
) -> Result<Option<Round>, StoreError> {
    let is_now = minute == now;
    let waits = now.0.saturating_sub(minute.0) < WAITS_FOR_NUMBERS_MS;
    let mut reader = Reader::new(shared, minute, chosen);
    let mut judged = Vec::new();
    let known = |rule: &&AlertRule| is_now || rule.body.metric.info().kind.is_of_the_past();
    for rule in rules.iter().filter(known) {
        // What one rule cannot read is no reason to leave the others alone.
        match reader.read(&rule.body).await {
            Ok(read) => judged.push(of_rule(rule.clone(), read)),
            Err(error) => {
                tracing::warn!(rule = rule.body.name, %error, "an alert rule could not be evaluated")
            }
        }
        if reader.is_behind && waits {
            return Ok(None);
        }
    }
    let losses = match is_now {
        true => Some(reader.losses().await?),
        false => None,
    };
    Ok(Some(Round {
        at: minute,
        rules: judged,
        losses,
    }))
}

fn of_rule(rule: AlertRule, read: Read) -> RuleRound {
    let judged = read
        .found
        .into_iter()
        .map(|found| Judged {
            said: match found.is_watched {
                true => rule.body.judge(found.reading),
                false => Said::Nothing,
            },
            evidence: said(&rule.body, found.reading, found.about, found.says),
            subject: found.subject,
            scope: found.scope,
        })
        .collect();
    RuleRound {
        rule,
        judged,
        is_whole: read.is_whole,
    }
}

/// What is kept of a reading of which more can be said than its value.
fn said(
    rule: &AlertRuleBody,
    reading: Reading,
    about: Option<String>,
    says: Option<String>,
) -> Evidence {
    let mut evidence = evidence(rule, reading, about);
    if let Some(sentence) = says {
        evidence.sentence = sentence;
    }
    evidence
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
}
