//! One round: every rule that is on, judged at one moment.

use std::sync::Arc;

use waybill_model::{
    alert::{AlertRule, AlertRuleBody, Evidence, Reading, Said, sentence},
    rollup::Span,
    settings::Chosen,
    time::UnixMillis,
};
use waybill_store::{AlertMarks, Judged, Round, RuleRound, StoreError};

use super::{
    arrived::{Arrived, arrived},
    read::{Read, Reader, losses},
    waits::For,
};
use crate::app::{Changed, Shared};

/// A request that is over is counted so much later at most: what is younger is not looked at yet.
const SETTLES_AFTER_MS: i64 = 3_000;

/// Minutes that nobody judged, because nobody ran or nothing could be read, are judged afterwards; so many at most.
const MOST_MISSED: i64 = 60;

/// When a minute has waited for so long, the job says so.
const PATIENCE_MS: i64 = 20_000;

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

/// What a run goes by.
struct Run<'a> {
    shared: &'a Arc<Shared>,
    chosen: Chosen,
    marks: AlertMarks,
    arrived: Arrived,
    now: UnixMillis,
    /// The end of the last minute that is over.
    at: UnixMillis,
}

/// What a run came to.
#[derive(Default)]
struct Came {
    fired: u64,
    resolved: u64,
    /// Rules whose turn is still to come.
    waiting: Vec<Waiting>,
}

/// A rule that waits.
struct Waiting {
    rule: i64,
    /// From which minute on.
    minute: UnixMillis,
    what: For,
    /// In words.
    why: String,
}

impl Run<'_> {
    /// Judges the minutes that are over, in their order: of each every rule whose turn it is. A rule that has to wait
    /// does so by itself, from that minute on.
    async fn judge(&self, rules: &[AlertRule]) -> Result<Came, StoreError> {
        let done = rules.iter().map(|rule| self.done(rule));
        let done = done.min().unwrap_or(self.marks.evaluated_to);
        let mut came = Came::default();
        for minute in minutes(done, self.at) {
            let judged = self.of_minute(rules, minute, &mut came.waiting).await;
            let is_new = minute == self.at && self.at > self.marks.evaluated_to;
            if judged.is_empty() && !is_new {
                continue;
            }
            let losses = match is_new {
                // What cannot be read is noted in a minute.
                true => losses(self.shared).await.ok(),
                false => None,
            };
            let round = Round {
                at: minute,
                rules: judged,
                waiting: came.waiting.iter().map(|waiting| waiting.rule).collect(),
                losses,
            };
            let report = self.shared.store.alert_round(round).await?;
            if report.told > 0 {
                self.shared.notifier.ring();
            }
            came.fired += report.fired;
            came.resolved += report.resolved;
        }
        Ok(came)
    }

    /// Up to when a rule is judged.
    fn done(&self, rule: &AlertRule) -> UnixMillis {
        watched(self.marks.of(rule.id), &self.chosen)
    }

    /// What every rule says of a minute whose turn it is. Of one that was missed only those say something that look at
    /// windows: nothing else is known of the past, and those look at the present whatever windows wait for.
    async fn of_minute(
        &self,
        rules: &[AlertRule],
        minute: UnixMillis,
        waiting: &mut Vec<Waiting>,
    ) -> Vec<RuleRound> {
        let is_there = self.arrived.has(minute, SETTLES_AFTER_MS);
        let mut reader = Reader::new(self.shared, minute, &self.chosen, !is_there);
        let mut is_behind = false;
        let mut judged = Vec::new();
        for rule in rules {
            let is_of_the_past = rule.body.metric.info().kind.is_of_the_past();
            let waits = waiting.iter().any(|waiting| waiting.rule == rule.id);
            if waits || self.done(rule) >= minute || !(is_of_the_past || minute == self.at) {
                continue;
            }
            let mut wait = |what, why: String| {
                let may = self.shared.alert_waits.may(what, minute, self.now);
                if may {
                    waiting.push(Waiting {
                        rule: rule.id,
                        minute,
                        what,
                        why,
                    });
                }
                may
            };
            if is_of_the_past {
                let on_the_way =
                    || format!("records of {} are not in the store", self.arrived.last);
                if !is_there && wait(For::Records, on_the_way()) {
                    continue;
                }
                if is_behind && wait(For::RollUps, NOT_ROLLED_UP.to_owned()) {
                    continue;
                }
            }
            // What one rule cannot read is no reason to leave the others alone.
            match reader.read(&rule.body).await {
                Ok(read) => {
                    is_behind |= read.is_behind;
                    if !(read.is_behind && wait(For::RollUps, NOT_ROLLED_UP.to_owned())) {
                        judged.push(of_rule(rule.clone(), read));
                    }
                }
                Err(error) => {
                    let name = &rule.body.name;
                    tracing::warn!(rule = name, %error, "an alert rule could not be evaluated");
                    let why = format!("`{name}` could not be read: {error}");
                    if !(passes(&error) && wait(For::Answer, why)) {
                        judged.push(says_nothing(rule.clone()));
                    }
                }
            }
        }
        judged
    }
}

/// What is stored and not rolled up, in words.
const NOT_ROLLED_UP: &str = "requests are stored that are not rolled up";

/// Whether what failed may be read in a while.
fn passes(error: &StoreError) -> bool {
    error.is_of_the_moment() || matches!(error, StoreError::Closed)
}

impl Came {
    /// In one line. That something waits is said when it has for long.
    fn said(self, shared: &Shared, now: UnixMillis) -> Result<String, String> {
        let Came {
            fired,
            resolved,
            waiting,
        } = self;
        let waited = waiting.iter().map(|waiting| waiting.what);
        shared.alert_waits.note(waited, now);
        let longest = waiting.iter().min_by_key(|waiting| waiting.minute);
        match longest {
            Some(Waiting { minute, why, .. }) if now.0.saturating_sub(minute.0) > PATIENCE_MS => {
                Err(format!(
                    "the minute before {minute} waits to be judged: {why}"
                ))
            }
            _ if fired + resolved == 0 => Ok(String::new()),
            _ => Ok(format!("{fired} alerts fired, {resolved} are resolved")),
        }
    }
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

/// Of what can never be read, the minute is over.
fn says_nothing(rule: AlertRule) -> RuleRound {
    RuleRound {
        rule,
        judged: Vec::new(),
        is_whole: false,
    }
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
