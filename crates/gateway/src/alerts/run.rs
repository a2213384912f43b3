//! What a run does: of every minute it judges the rules whose turn it is, and lets those wait that have to.
//!
//! Promises: what one rule waits for, or cannot read, keeps no other from its turn. Must not know: where readings come
//! from.

use std::sync::Arc;

use waybill_model::{
    alert::{AlertRule, AlertRuleBody, Evidence, Reading, Said},
    settings::Chosen,
    time::UnixMillis,
};
use waybill_store::{AlertMarks, Judged, Round, RuleRound, StoreError};

use super::{
    arrived::Arrived,
    evaluate::{SETTLES_AFTER_MS, evidence, minutes, watched},
    read::{Read, Reader, losses},
    waits::For,
};
use crate::app::Shared;

/// When a minute has waited for so long, the job says so.
const PATIENCE_MS: i64 = 20_000;

/// What a run goes by.
pub(super) struct Run<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) chosen: Chosen,
    pub(super) marks: AlertMarks,
    pub(super) arrived: Arrived,
    pub(super) now: UnixMillis,
    /// The end of the last minute that is over.
    pub(super) at: UnixMillis,
}

/// What a run came to.
#[derive(Default)]
pub(super) struct Came {
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
    pub(super) async fn judge(&self, rules: &[AlertRule]) -> Result<Came, StoreError> {
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
    pub(super) fn said(self, shared: &Shared, now: UnixMillis) -> Result<String, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_read_in_a_while_is_waited_for() {
        for error in [
            StoreError::TooSlow,
            StoreError::Busy,
            StoreError::Away,
            StoreError::Closed,
        ] {
            assert!(passes(&error), "{error}");
        }
        assert!(!passes(&StoreError::Unreadable { column: "cause" }));
    }
}
