//! Where the numbers of rules come from.

use std::{collections::HashMap, sync::Arc};

use waybill_model::{
    alert::{
        AlertRuleBody, Filter, Metric, MetricKind, Missing, Objective, Operator, Reading, Subject,
        Unit, of_window,
    },
    entity::{Account, Status},
    id::AccountId,
    issue::IssueState,
    objective::{Counted, ObjectiveBody, short_window_ms},
    rollup::{Bucket, By, Ignore, Scope, Span},
    settings::Chosen,
    time::UnixMillis,
};
use waybill_store::{RollupOf, RollupQuery, StoreError};

use super::{
    evaluate::begin,
    level::{counted, level_now, lived},
    named::{Named, of_account},
};
use crate::{
    app::Shared,
    routing::{AccountEntry, down, is_stopped, obstacle},
};

/// Issues that one rule tells apart: those that came into its state last. Of the others nothing is said.
const MOST_ISSUES: u32 = 10_000;

/// Bad ones in the short window below which no burn rate is told: of few requests one that fails is a high rate, and
/// nothing burns.
const FEWEST_BAD: u64 = 3;

/// What share of its long window must have been lived through for a burn rate: a half. At the beginning a minute's
/// failures would be all that there is of six hours.
const LIVED_THROUGH: i64 = 2;

/// What a rule found of one of its subjects.
#[derive(Debug)]
pub(super) struct Found {
    /// As a key.
    pub(super) subject: String,
    /// In words.
    pub(super) about: Option<String>,
    /// What of.
    pub(super) scope: Subject,
    /// How much.
    pub(super) reading: Reading,
    /// What is said of it, where the reading alone says little.
    pub(super) says: Option<String>,
    /// Whether it was watched. What was not is not judged, whatever a rule says of nothing: monitoring was off, or it is
    /// not known yet.
    pub(super) is_watched: bool,
}

/// All that a rule found.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) found: Vec<Found>,
    /// Whether what is not among it is well.
    pub(super) is_whole: bool,
    /// Requests are stored that could not be counted.
    pub(super) is_behind: bool,
}

/// Reads for the rules of one round: what several of them look at is asked for once.
pub(super) struct Reader<'a> {
    shared: &'a Arc<Shared>,
    at: UnixMillis,
    /// Since when it is watched again, where monitoring was ever off: what was before is nobody's alarm.
    since: Option<UnixMillis>,
    ignore: Ignore,
    windows: HashMap<(u32, Scope), Option<Bucket>>,
    named: Option<Named>,
    /// Records are not in the store yet that are of the time before.
    is_partial: bool,
    /// Requests are stored that could not be counted, of what was read last.
    is_behind: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        shared: &'a Arc<Shared>,
        at: UnixMillis,
        chosen: &Chosen,
        is_partial: bool,
    ) -> Self {
        Reader {
            shared,
            at,
            since: chosen.monitored_since(),
            ignore: chosen.ignore(),
            windows: HashMap::new(),
            named: None,
            is_partial,
            is_behind: false,
        }
    }

    /// Everything that a rule is to judge.
    pub(super) async fn read(&mut self, rule: &AlertRuleBody) -> Result<Read, StoreError> {
        self.is_behind = false;
        let found = match rule.metric.info().kind {
            MetricKind::Window => vec![self.window(rule).await?],
            MetricKind::Pool => vec![self.pool(rule).await?],
            MetricKind::Account => self.accounts(&rule.filter).await?,
            MetricKind::Issue => self.issues(rule).await?,
            MetricKind::Objective => self.objectives(rule).await?,
            MetricKind::Books => vec![self.books(rule).await?],
        };
        Ok(Read {
            is_whole: found.len() < MOST_ISSUES as usize,
            is_behind: self.is_behind,
            found,
        })
    }

    /// Where the window of a rule begins: not before it is watched. `None`: there is nothing of it yet.
    fn start(&self, minutes: u32) -> Option<UnixMillis> {
        let start = begin(self.at, minutes);
        let start = self.first_minute().map_or(start, |first| start.max(first));
        (start < self.at).then_some(start)
    }

    /// The first whole minute that is watched, where monitoring was ever off.
    fn first_minute(&self) -> Option<UnixMillis> {
        self.since.map(|since| Span::Minute.end(since))
    }

    /// For how long it is watched.
    fn watched_ms(&self) -> i64 {
        self.first_minute()
            .map_or(i64::MAX, |first| self.at.0.saturating_sub(first.0).max(0))
    }

    async fn window(&mut self, rule: &AlertRuleBody) -> Result<Found, StoreError> {
        let Some(start) = self.start(rule.window_minutes) else {
            return self.unwatched(rule).await;
        };
        let is_part = self.is_partial || start > begin(self.at, rule.window_minutes);
        if is_part && fires_for_little(rule) {
            return self.unwatched(rule).await;
        }
        let key = (rule.window_minutes, rule.scope());
        let found = match self.windows.get(&key) {
            Some(known) => known,
            None => {
                let of = RollupOf::One(key.1.clone());
                let query = RollupQuery {
                    causes: false,
                    by: By::End,
                    ignore: self.ignore,
                    ..RollupQuery::whole(start, self.at, of)
                };
                let answer = self.shared.store.rollups(query).await?;
                // Half of the requests would be half of the truth.
                let total = (!answer.is_behind).then(|| answer.total());
                self.windows.entry(key).or_insert(total)
            }
        };
        let Some(bucket) = found else {
            self.is_behind = true;
            return self.unwatched(rule).await;
        };
        let reading = of_window(rule.metric, &bucket.counts, &bucket.sketches);
        self.of_all(reading, rule).await
    }

    async fn pool(&mut self, rule: &AlertRuleBody) -> Result<Found, StoreError> {
        let now = self.shared.clock.now();
        let accounts = self.chosen(&rule.filter).await?;
        let able = accounts
            .iter()
            .filter(|(account, entry)| {
                account.status == Status::Active && !is_stopped(obstacle(entry, None, now))
            })
            .count();
        // Without accounts there is nothing that could serve, and nobody who would miss it.
        let value = (!accounts.is_empty()).then_some(able as f64);
        let samples = accounts.len() as u64;
        self.of_all(Reading { value, samples }, rule).await
    }

    async fn accounts(&self, filter: &Filter) -> Result<Vec<Found>, StoreError> {
        let now = self.shared.clock.now();
        let accounts = self.chosen(filter).await?;
        let found = accounts.into_iter().filter_map(|(account, entry)| {
            let down = down(&entry, now)?;
            Some(Found {
                subject: format!("account:{}", account.id),
                scope: of_account(&account),
                about: Some(format!("account {}", account.name)),
                reading: one(),
                says: Some(down.sentence(&account.name)),
                is_watched: true,
            })
        });
        Ok(found.collect())
    }

    /// The accounts that a filter is about, as they are stored and as they serve.
    async fn chosen(
        &self,
        filter: &Filter,
    ) -> Result<Vec<(Account, Arc<AccountEntry>)>, StoreError> {
        let snapshot = self.shared.snapshot();
        let entry = |id: AccountId| snapshot.account(id).cloned();
        let stored = self.shared.store.accounts().await?;
        Ok(stored
            .into_iter()
            .filter(|account| {
                filter
                    .platform
                    .is_none_or(|wanted| wanted == account.platform)
                    && filter.account_id.is_none_or(|wanted| wanted == account.id)
                    && filter
                        .group_id
                        .is_none_or(|wanted| account.group_ids.contains(&wanted))
            })
            .filter_map(|account| entry(account.id).map(|entry| (account, entry)))
            .collect())
    }

    async fn issues(&self, rule: &AlertRuleBody) -> Result<Vec<Found>, StoreError> {
        let state = match rule.metric {
            Metric::RegressedIssue => IssueState::Regressed,
            Metric::EscalatingIssue => IssueState::Escalating,
            _ => IssueState::New,
        };
        let store = &self.shared.store;
        let issues = store
            .issues_in(state, rule.filter.platform, MOST_ISSUES)
            .await?;
        Ok(issues
            .into_iter()
            .map(|issue| Found {
                subject: format!("issue:{}", issue.fingerprint),
                scope: Subject {
                    platform: Some(issue.platform),
                    ..Subject::default()
                },
                about: Some(format!("{} ({})", issue.title, issue.cause)),
                reading: one(),
                says: None,
                // An event of what became so unwatched goes on, and none begins.
                is_watched: self.since.is_none_or(|since| since <= issue.state_since),
            })
            .collect())
    }

    async fn objectives(&mut self, rule: &AlertRuleBody) -> Result<Vec<Found>, StoreError> {
        let mut all = Vec::new();
        for objective in self.shared.store.objectives().await? {
            let wanted = rule.filter.objective_id;
            if wanted.is_none_or(|wanted| wanted == objective.id) {
                let filter = Filter {
                    platform: objective.body.platform,
                    group_id: objective.body.group_id,
                    ..Filter::default()
                };
                let reading = self.objective(rule, &objective).await?;
                self.is_behind |= reading.is_none();
                let is_watched = rule.metric == Metric::BudgetLeft || self.watched_ms() > 0;
                all.push(Found {
                    subject: format!("objective:{}", objective.id),
                    about: Some(objective.body.name.clone()),
                    scope: self.named().await?.subject(&filter),
                    is_watched: is_watched && reading.is_some(),
                    reading: reading.unwrap_or(NOTHING),
                    says: None,
                });
            }
        }
        Ok(all)
    }

    /// `None`: not all that is stored could be counted.
    async fn objective(
        &self,
        rule: &AlertRuleBody,
        objective: &Objective,
    ) -> Result<Option<Reading>, StoreError> {
        if rule.metric == Metric::BudgetLeft {
            let level = level_now(self.shared, objective, self.at).await?;
            let known = level.counted.zip(level.budget);
            return Ok(known.map(|(counted, budget)| Reading {
                value: Some(budget.left_percent),
                samples: counted.total,
            }));
        }
        let long_ms = i64::from(rule.window_minutes) * 60_000;
        let body = &objective.body;
        let watched_ms = self.watched_ms();
        let long_of_it = long_ms.min(watched_ms);
        let long = counted(self.shared, body, By::End, long_of_it, self.at).await?;
        let short_ms = short_window_ms(long_ms).min(watched_ms);
        let short = counted(self.shared, body, By::End, short_ms, self.at).await?;
        let Some((long, short)) = long.counted.zip(short.counted) else {
            return Ok(None);
        };
        let since = self.shared.store.rolled_up_since().await?;
        let is_old_enough = is_lived_through(long_ms, lived(since, self.at), watched_ms);
        Ok(Some(Reading {
            value: burn(body, long, short).filter(|_| is_old_enough),
            samples: long.total,
        }))
    }

    async fn books(&mut self, rule: &AlertRuleBody) -> Result<Found, StoreError> {
        let Some(since) = self.start(rule.window_minutes) else {
            return self.unwatched(rule).await;
        };
        let now = losses(self.shared).await?;
        let then = match self.shared.store.losses_until(since).await? {
            Some(then) => then,
            // No round is as old: what was lost of a kind whose last one is.
            None => losses_of(self.shared, |at| at < since).await?,
        };
        let lost = now.saturating_sub(then);
        let reading = Reading {
            value: Some(lost as f64),
            samples: lost,
        };
        self.of_all(reading, rule).await
    }

    /// Of what was not watched nothing is said.
    async fn unwatched(&mut self, rule: &AlertRuleBody) -> Result<Found, StoreError> {
        Ok(Found {
            is_watched: false,
            ..self.of_all(NOTHING, rule).await?
        })
    }

    /// A number of all that a rule is kept to.
    async fn of_all(
        &mut self,
        reading: Reading,
        rule: &AlertRuleBody,
    ) -> Result<Found, StoreError> {
        let (about, scope) = match rule.filter == Filter::default() {
            true => (None, Subject::default()),
            false => {
                let named = self.named().await?;
                (named.about(&rule.filter), named.subject(&rule.filter))
            }
        };
        Ok(Found {
            subject: "all".to_owned(),
            about,
            scope,
            reading,
            says: None,
            is_watched: true,
        })
    }

    async fn named(&mut self) -> Result<&Named, StoreError> {
        let named = match self.named.take() {
            Some(known) => known,
            None => Named::read(&self.shared.store).await?,
        };
        Ok(self.named.insert(named))
    }
}

/// How many records were lost in all.
pub(super) async fn losses(shared: &Shared) -> Result<u64, StoreError> {
    losses_of(shared, |_| true).await
}

/// How many were, of the kinds whose last one was lost then.
async fn losses_of(shared: &Shared, then: impl Fn(UnixMillis) -> bool) -> Result<u64, StoreError> {
    let losses = shared.store.losses().await?;
    let chosen = losses.iter().filter(|loss| loss.last_at.is_none_or(&then));
    Ok(chosen.map(|loss| loss.count).sum())
}

/// How fast a budget burns: it must burn now, too, and not only have burnt, which is the lower one of both windows.
/// Where fewer than [`FEWEST_BAD`] were bad in the short one, not at all.
fn burn(body: &ObjectiveBody, long: Counted, short: Counted) -> Option<f64> {
    let rate = body.burn_rate(long)?.min(body.burn_rate(short)?);
    Some(if short.bad < FEWEST_BAD { 0.0 } else { rate })
}

/// Whether enough of a long window was lived through: requests were counted, and it was watched.
fn is_lived_through(long_ms: i64, lived_ms: i64, watched_ms: i64) -> bool {
    lived_ms.min(watched_ms) >= long_ms / LIVED_THROUGH
}

/// Whether a rule fires for nothing, or for too little of something that adds up: a part of its window would pass for
/// that.
fn fires_for_little(rule: &AlertRuleBody) -> bool {
    let adds_up = match rule.metric.info().unit {
        Unit::Count | Unit::Usd => true,
        Unit::Percent | Unit::Milliseconds | Unit::Factor => false,
    };
    let is_low = match rule.operator {
        Operator::Below | Operator::AtMost => true,
        Operator::Above | Operator::AtLeast => false,
    };
    rule.missing == Missing::Alert || (adds_up && is_low)
}

/// There is nothing to judge.
const NOTHING: Reading = Reading {
    value: None,
    samples: 0,
};

const fn one() -> Reading {
    Reading {
        value: Some(1.0),
        samples: 1,
    }
}
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_budget_does_not_burn_for_one_failure_of_a_quiet_hour() {
        let text = r#"{"name": "claude", "target_percent": 99.5}"#;
        let body: ObjectiveBody = serde_json::from_str(text).unwrap();
        let counted = |total, bad| Counted { total, bad };
        let rate = |long, short| burn(&body, long, short);
        assert_eq!(rate(counted(10, 1), counted(2, 1)), Some(0.0));
        assert_eq!(rate(counted(10, 2), counted(2, 2)), Some(0.0));
        let burns = rate(counted(20, 3), counted(3, 3)).unwrap();
        assert!((burns - 30.0).abs() < 1e-6, "{burns}");
        // It burnt, and does not any more.
        assert_eq!(rate(counted(1_000, 500), counted(100, 0)), Some(0.0));
        assert_eq!(rate(counted(0, 0), counted(0, 0)), None);
    }

    #[test]
    fn a_burn_rate_is_told_when_half_of_its_window_was_lived_through_and_watched() {
        let hour = 3_600_000;
        let is_told = |lived, watched| is_lived_through(6 * hour, lived, watched);
        assert!(is_told(3 * hour, i64::MAX));
        assert!(!is_told(2 * hour, i64::MAX));
        // It was switched on a minute ago: a minute's failures are not those of six hours.
        assert!(!is_told(1_000 * hour, 60_000));
        assert!(is_told(1_000 * hour, 3 * hour));
    }
}
