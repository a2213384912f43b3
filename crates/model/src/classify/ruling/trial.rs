//! Rules tried over stored failures: what would change, counted, before anything does.
//!
//! Every failure is judged twice, by the rules in force and by those that are tried. So what is counted is what
//! applying them makes, also while rows are still being judged anew by the rules in force.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Facts, Found, Judge, RuleSet, judge::Message};
use crate::{id::ErrorId, number::grouped, time::UnixMillis};

/// Failures that are named as examples.
const MOST_SAMPLES: usize = 20;

/// What rules would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Preview {
    /// The version they were held against.
    pub version: i64,
    /// From this instant on; later than what was asked for where there was more than is read.
    pub start_time: UnixMillis,
    /// Before this instant.
    pub end_time: UnixMillis,
    /// Whether the window that was asked for was read whole.
    pub is_whole: bool,
    /// Failures that were looked at, hidden ones too.
    pub examined: u64,
    /// Of these, how many would have another verdict.
    pub would_change: u64,
    /// Of those, how many failover hid from their client: they do not count either way.
    pub would_change_hidden: u64,
    /// By what changes.
    pub changes: FieldChanges,
    /// What each rule would be for, in order.
    pub rules: Vec<RuleTried>,
    /// The service level is of what arrived from this instant on: later than `start_time` where requests of before
    /// are not kept any more. So are the four counts that follow.
    pub sla_start_time: UnixMillis,
    /// Requests: those that were served and those that failed.
    pub requests: u64,
    /// Those that were served, after hidden failures too.
    pub served: u64,
    /// Failures that count against the service now.
    pub failures_before: u64,
    /// And then.
    pub failures_after: u64,
    /// What was served of what counts, in percent; `null` where nothing counts, or only a share of the requests is
    /// kept.
    pub sla_before: Option<f64>,
    /// And then.
    pub sla_after: Option<f64>,
    /// Some of the failures that would change, the newest first.
    pub samples: Vec<ErrorId>,
    /// All of it in a sentence.
    pub sentence: String,
}

/// How often what becomes what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldChanges {
    /// Whether it counts: `counts` or `excluded`.
    pub counts: Vec<Turn>,
    /// Whose fault.
    pub error_owner: Vec<Turn>,
    /// What really happened.
    pub cause: Vec<Turn>,
    /// How urgent.
    pub severity: Vec<Turn>,
    /// Whether sending it again may help.
    pub is_retryable: Vec<Turn>,
}

/// One word that becomes another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Turn {
    /// What it is.
    pub from: String,
    /// What it would be.
    pub to: String,
    /// Of how many failures.
    pub count: u64,
}

/// What one rule would be for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleTried {
    /// Its name.
    pub name: String,
    /// Failures that it decides.
    pub fits: u64,
    /// Of these, how many would have another verdict than now.
    pub changes: u64,
}

/// Rules under trial.
#[derive(Debug)]
pub struct Trial {
    now: Judge,
    then: Judge,
    counted_from: UnixMillis,
    examined: u64,
    changed: u64,
    changed_hidden: u64,
    failed: u64,
    before: u64,
    after: u64,
    served: u64,
    turns: [BTreeMap<(&'static str, &'static str), u64>; 5],
    tried: Vec<RuleTried>,
    samples: Vec<ErrorId>,
}

impl Trial {
    /// Of rules against those in force. The ids of the tried ones are of no matter. `counted_from`: since when
    /// requests that were served are known.
    pub fn new(now: RuleSet, mut then: RuleSet, counted_from: UnixMillis) -> Trial {
        // Told apart by their places.
        for (id, rule) in (0..).zip(&mut then.rules) {
            rule.id = id;
        }
        let tried = then.rules.iter().map(|rule| RuleTried {
            name: rule.name.clone(),
            fits: 0,
            changes: 0,
        });
        Trial {
            tried: tried.collect(),
            now: Judge::of(now),
            then: Judge::of(then),
            counted_from,
            examined: 0,
            changed: 0,
            changed_hidden: 0,
            failed: 0,
            before: 0,
            after: 0,
            served: 0,
            turns: Default::default(),
            samples: Vec::new(),
        }
    }

    /// Looks at one failure of a request that arrived then; the newest come first.
    pub fn see(&mut self, id: ErrorId, at: UnixMillis, hidden: bool, facts: &Facts<'_>) {
        let message = Message::of(facts);
        let (now, then) = (
            self.now.judge_reading(facts, &message),
            self.then.judge_reading(facts, &message),
        );
        let (before, after) = (Found::of(&now.0), Found::of(&then.0));
        let is_changed = before != after;
        self.examined += 1;
        if !hidden && at >= self.counted_from {
            self.failed += 1;
            self.before += u64::from(before.counts());
            self.after += u64::from(after.counts());
        }
        let at = then.1.by.and_then(|place| usize::try_from(place).ok());
        if let Some(tried) = at.and_then(|at| self.tried.get_mut(at)) {
            tried.fits += 1;
            tried.changes += u64::from(is_changed);
        }
        if !is_changed {
            return;
        }
        self.changed += 1;
        self.changed_hidden += u64::from(hidden);
        if self.samples.len() < MOST_SAMPLES {
            self.samples.push(id);
        }
        for ((from, to), turns) in words(&before)
            .into_iter()
            .zip(words(&after))
            .zip(&mut self.turns)
        {
            if from != to {
                *turns.entry((from, to)).or_default() += 1;
            }
        }
    }

    /// Counts requests that were served.
    pub fn served(&mut self, count: u64) {
        self.served += count;
    }

    /// What came of it, for the window that was read. `knows_all`: every request that was served was counted.
    pub fn answer(
        self,
        (start_time, end_time): (UnixMillis, UnixMillis),
        is_whole: bool,
        knows_all: bool,
    ) -> Preview {
        let sla = |failures: u64| {
            let counted = self.served + failures;
            (knows_all && counted > 0).then(|| self.served as f64 * 100.0 / counted as f64)
        };
        let (sla_before, sla_after) = (sla(self.before), sla(self.after));
        let since = (!is_whole).then_some(start_time);
        let [counts, error_owner, cause, severity, is_retryable] = self.turns.map(turns);
        Preview {
            version: self.now.version(),
            start_time,
            end_time,
            is_whole,
            examined: self.examined,
            would_change: self.changed,
            would_change_hidden: self.changed_hidden,
            changes: FieldChanges {
                counts,
                error_owner,
                cause,
                severity,
                is_retryable,
            },
            rules: self.tried,
            sla_start_time: self.counted_from.max(start_time),
            requests: self.served + self.failed,
            served: self.served,
            failures_before: self.before,
            failures_after: self.after,
            sla_before,
            sla_after,
            samples: self.samples,
            sentence: sentence(self.changed, sla_before.zip(sla_after), since),
        }
    }
}

fn words(found: &Found) -> [&'static str; 5] {
    [
        if found.counts() { "counts" } else { "excluded" },
        found.error_owner.as_str(),
        found.cause.as_str(),
        found.severity.as_str(),
        if found.is_retryable { "true" } else { "false" },
    ]
}

/// The most frequent first.
fn turns(counted: BTreeMap<(&'static str, &'static str), u64>) -> Vec<Turn> {
    let mut turns: Vec<Turn> = counted
        .into_iter()
        .map(|((from, to), count)| Turn {
            from: from.to_owned(),
            to: to.to_owned(),
            count,
        })
        .collect();
    turns.sort_by_key(|turn| std::cmp::Reverse(turn.count));
    turns
}

fn sentence(changed: u64, sla: Option<(f64, f64)>, since: Option<UnixMillis>) -> String {
    let noun = if changed == 1 { "request" } else { "requests" };
    let mut text = format!("would change {} {noun}", grouped(changed));
    if let Some((before, after)) = sla {
        text += &format!(", SLA {} → {} %", percent(before), percent(after));
    }
    if let Some(since) = since {
        text += &format!(", as far as was read: since {since}");
    }
    text
}

/// Rounded down: what is not whole is not called so.
fn percent(value: f64) -> String {
    // Of what is a whole hundredth, arithmetic may have left a little less.
    format!("{:.2}", ((value + 1e-9) * 100.0).floor() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_how_many_and_what_becomes_of_the_service_level() {
        assert_eq!(
            sentence(1_204, Some((99.1, 99.42)), None),
            "would change 1,204 requests, SLA 99.10 → 99.42 %"
        );
        assert_eq!(
            sentence(1, Some((99.9999, 100.0)), None),
            "would change 1 request, SLA 99.99 → 100.00 %"
        );
        assert_eq!(
            sentence(1_234_567, None, Some(UnixMillis(0))),
            "would change 1,234,567 requests, as far as was read: since 1970-01-01T00:00:00.000Z"
        );
    }
}
