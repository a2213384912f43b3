//! Where the numbers of rules come from.

use std::{collections::HashMap, sync::Arc};

use waybill_model::{
    alert::{
        AlertRuleBody, Filter, Metric, MetricKind, Missing, Objective, Operator, Reading, Subject,
        Unit, of_window,
    },
    entity::{Account, Status},
    id::AccountId,
    issue::{IssueFilter, IssueSort, IssueState},
    objective::short_window_ms,
    rollup::{Bucket, Ignore, Scope, Span},
    settings::Chosen,
    time::UnixMillis,
    view::{Page, Sort},
};
use waybill_store::{RollupOf, RollupQuery, StoreError};

use super::{
    evaluate::begin,
    level::{counted, level_now},
};
use crate::{
    app::Shared,
    routing::{is_down, obstacle},
};

/// Issues that one rule tells apart; of more, those that hurt most.
const MOST_ISSUES: u32 = 100;

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
    /// Whether it was watched. What was not is not judged, whatever a rule says of nothing: monitoring was off.
    pub(super) is_watched: bool,
}

/// Reads for the rules of one round: what several of them look at is asked for once.
pub(super) struct Reader<'a> {
    shared: &'a Arc<Shared>,
    at: UnixMillis,
    /// Since when it is watched again, where monitoring was ever off: what was before is nobody's alarm.
    since: Option<UnixMillis>,
    ignore: Ignore,
    windows: HashMap<(u32, Scope), Option<Bucket>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(shared: &'a Arc<Shared>, at: UnixMillis, chosen: &Chosen) -> Self {
        Reader {
            shared,
            at,
            since: chosen.monitored_since(),
            ignore: chosen.ignore(),
            windows: HashMap::new(),
        }
    }

    /// Everything that a rule is to judge.
    pub(super) async fn read(&mut self, rule: &AlertRuleBody) -> Result<Vec<Found>, StoreError> {
        match rule.metric.info().kind {
            MetricKind::Window => Ok(vec![self.window(rule).await?]),
            MetricKind::Pool => Ok(vec![self.pool(&rule.filter).await?]),
            MetricKind::Account => self.accounts(&rule.filter).await,
            MetricKind::Issue => self.issues(rule).await,
            MetricKind::Objective => self.objectives(rule).await,
            MetricKind::Books => Ok(vec![self.books(rule).await?]),
        }
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
            return Ok(unwatched(&rule.filter));
        };
        if start > begin(self.at, rule.window_minutes) && fires_for_little(rule) {
            return Ok(unwatched(&rule.filter));
        }
        let key = (rule.window_minutes, rule.scope());
        let found = match self.windows.get(&key) {
            Some(known) => known,
            None => {
                let of = RollupOf::One(key.1.clone());
                let query = RollupQuery {
                    causes: false,
                    ignore: self.ignore,
                    ..RollupQuery::whole(start, self.at, of)
                };
                let answer = self.shared.store.rollups(query).await?;
                // Half of the requests would be half of the truth.
                let total = answer.is_complete.then(|| answer.total());
                self.windows.entry(key).or_insert(total)
            }
        };
        let reading = found.as_ref().map_or(NOTHING, |bucket| {
            of_window(rule.metric, &bucket.counts, &bucket.sketches)
        });
        Ok(of_all(reading, &rule.filter))
    }

    async fn pool(&self, filter: &Filter) -> Result<Found, StoreError> {
        let accounts = self.chosen(filter).await?;
        let able = accounts
            .iter()
            .filter(|(account, is_down)| account.status == Status::Active && !is_down)
            .count();
        // Without accounts there is nothing that could serve, and nobody who would miss it.
        let value = (!accounts.is_empty()).then_some(able as f64);
        let samples = accounts.len() as u64;
        Ok(of_all(Reading { value, samples }, filter))
    }

    async fn accounts(&self, filter: &Filter) -> Result<Vec<Found>, StoreError> {
        let accounts = self.chosen(filter).await?;
        Ok(accounts
            .into_iter()
            .filter(|(_, is_down)| *is_down)
            .map(|(account, _)| Found {
                is_watched: true,
                subject: format!("account:{}", account.id),
                scope: Subject {
                    platform: Some(account.platform),
                    group_id: account.group_ids.first().copied(),
                    account_id: Some(account.id),
                },
                about: Some(account.name),
                reading: one(),
            })
            .collect())
    }

    /// The accounts that a filter is about, and whether each is down.
    async fn chosen(&self, filter: &Filter) -> Result<Vec<(Account, bool)>, StoreError> {
        let snapshot = self.shared.snapshot();
        let now = self.shared.clock.now();
        let down = |id: AccountId| {
            let entry = snapshot.account(id)?;
            Some(is_down(obstacle(entry, None, now)))
        };
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
            .filter_map(|account| down(account.id).map(|is_down| (account, is_down)))
            .collect())
    }

    async fn issues(&self, rule: &AlertRuleBody) -> Result<Vec<Found>, StoreError> {
        let state = match rule.metric {
            Metric::RegressedIssue => IssueState::Regressed,
            Metric::EscalatingIssue => IssueState::Escalating,
            _ => IssueState::New,
        };
        let filter = IssueFilter {
            states: vec![state],
            platform: rule.filter.platform,
            ..IssueFilter::default()
        };
        let page = Page {
            sort: Sort::Newest,
            page: 1,
            page_size: MOST_ISSUES,
            cursor: None,
        };
        let now = self.shared.clock.now();
        let issues = self
            .shared
            .store
            .issues(&filter, IssueSort::Impact, &page, now)
            .await?;
        Ok(issues
            .items
            .into_iter()
            .map(|issue| Found {
                subject: format!("issue:{}", issue.fingerprint),
                scope: Subject {
                    platform: Some(issue.platform),
                    ..Subject::default()
                },
                about: Some(format!("{} ({})", issue.title, issue.cause)),
                reading: one(),
                // An event of what became so unwatched goes on, and none begins.
                is_watched: self.since.is_none_or(|since| since <= issue.state_since),
            })
            .collect())
    }

    async fn objectives(&self, rule: &AlertRuleBody) -> Result<Vec<Found>, StoreError> {
        let mut all = Vec::new();
        for objective in self.shared.store.objectives().await? {
            let wanted = rule.filter.objective_id;
            if wanted.is_none_or(|wanted| wanted == objective.id) {
                all.push(Found {
                    subject: format!("objective:{}", objective.id),
                    about: Some(objective.body.name.clone()),
                    scope: Subject {
                        platform: objective.body.platform,
                        group_id: objective.body.group_id,
                        account_id: None,
                    },
                    reading: self.objective(rule, &objective).await?,
                    is_watched: rule.metric == Metric::BudgetLeft || self.watched_ms() > 0,
                });
            }
        }
        Ok(all)
    }

    async fn objective(
        &self,
        rule: &AlertRuleBody,
        objective: &Objective,
    ) -> Result<Reading, StoreError> {
        if rule.metric == Metric::BudgetLeft {
            let level = level_now(self.shared, objective, self.at).await?;
            return Ok(Reading {
                value: level.is_complete.then_some(level.budget.left_percent),
                samples: level.counted.total,
            });
        }
        // It must burn now, too, and not only have burnt: the lower one of both.
        let long_ms = i64::from(rule.window_minutes) * 60_000;
        let mut lowest = Reading {
            value: Some(f64::INFINITY),
            samples: 0,
        };
        let (long_ms, short_ms) = (
            long_ms.min(self.watched_ms()),
            short_window_ms(long_ms).min(self.watched_ms()),
        );
        for ms in [long_ms, short_ms] {
            let (counts, _) = counted(self.shared, &objective.body, ms, self.at).await?;
            let rate = counts.and_then(|counts| objective.body.burn_rate(counts));
            if ms == long_ms {
                lowest.samples = counts.unwrap_or_default().total;
            }
            lowest.value = lowest.value.zip(rate).map(|(a, b)| a.min(b));
        }
        Ok(lowest)
    }

    async fn books(&self, rule: &AlertRuleBody) -> Result<Found, StoreError> {
        let Some(since) = self.start(rule.window_minutes) else {
            return Ok(unwatched(&rule.filter));
        };
        let losses = self.shared.store.losses().await?;
        // Losses are counted by kind: of a kind that goes on, all of it.
        let lost = losses
            .iter()
            .filter(|loss| loss.last_at.is_some_and(|at| at >= since))
            .map(|loss| loss.count)
            .sum::<u64>();
        let reading = Reading {
            value: Some(lost as f64),
            samples: lost,
        };
        Ok(of_all(reading, &rule.filter))
    }
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

fn of_all(reading: Reading, filter: &Filter) -> Found {
    Found {
        subject: "all".to_owned(),
        about: None,
        scope: Subject {
            platform: filter.platform,
            group_id: filter.group_id,
            account_id: filter.account_id,
        },
        reading,
        is_watched: true,
    }
}

fn unwatched(filter: &Filter) -> Found {
    Found {
        is_watched: false,
        ..of_all(NOTHING, filter)
    }
}
