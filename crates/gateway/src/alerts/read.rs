//! Where the numbers of rules come from.

use std::{collections::HashMap, sync::Arc};

use waybill_model::{
    alert::{AlertRuleBody, Filter, Metric, MetricKind, Objective, Reading, Subject, of_window},
    entity::{Account, Status},
    id::AccountId,
    issue::{IssueFilter, IssueSort, IssueState},
    objective::short_window_ms,
    rollup::{Bucket, Scope},
    time::UnixMillis,
    view::{Page, Sort},
};
use waybill_store::{RollupOf, RollupQuery, StoreError};

use super::{
    evaluate::begin,
    level::{counted, level_now},
    named::{Named, of_account},
};
use crate::{
    app::Shared,
    routing::{AccountEntry, down, is_stopped, obstacle},
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
    /// What is said of it, where the reading alone says little.
    pub(super) says: Option<String>,
}

/// Reads for the rules of one round: what several of them look at is asked for once.
pub(super) struct Reader<'a> {
    shared: &'a Arc<Shared>,
    at: UnixMillis,
    windows: HashMap<(u32, Scope), Option<Bucket>>,
    named: Option<Named>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(shared: &'a Arc<Shared>, at: UnixMillis) -> Self {
        Reader {
            shared,
            at,
            windows: HashMap::new(),
            named: None,
        }
    }

    /// Everything that a rule is to judge.
    pub(super) async fn read(&mut self, rule: &AlertRuleBody) -> Result<Vec<Found>, StoreError> {
        match rule.metric.info().kind {
            MetricKind::Window => Ok(vec![self.window(rule).await?]),
            MetricKind::Pool => Ok(vec![self.pool(rule).await?]),
            MetricKind::Account => self.accounts(&rule.filter).await,
            MetricKind::Issue => self.issues(rule).await,
            MetricKind::Objective => self.objectives(rule).await,
            MetricKind::Books => Ok(vec![self.books(rule).await?]),
        }
    }

    async fn window(&mut self, rule: &AlertRuleBody) -> Result<Found, StoreError> {
        let key = (rule.window_minutes, rule.scope());
        let found = match self.windows.get(&key) {
            Some(known) => known,
            None => {
                let of = RollupOf::One(key.1.clone());
                let query = RollupQuery {
                    causes: false,
                    ..RollupQuery::whole(begin(self.at, rule.window_minutes), self.at, of)
                };
                let answer = self.shared.store.rollups(query).await?;
                // Half of the requests would be half of the truth.
                let total = answer.is_complete.then(|| answer.total());
                self.windows.entry(key).or_insert(total)
            }
        };
        let nothing = Reading {
            value: None,
            samples: 0,
        };
        let reading = found.as_ref().map_or(nothing, |bucket| {
            of_window(rule.metric, &bucket.counts, &bucket.sketches)
        });
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
                says: None,
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
                all.push(Found {
                    subject: format!("objective:{}", objective.id),
                    about: Some(objective.body.name.clone()),
                    scope: self.named().await?.subject(&filter),
                    reading: self.objective(rule, &objective).await?,
                    says: None,
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
        for ms in [long_ms, short_window_ms(long_ms)] {
            let (counts, _) = counted(self.shared, &objective.body, ms, self.at).await?;
            let rate = counts.and_then(|counts| objective.body.burn_rate(counts));
            if ms == long_ms {
                lowest.samples = counts.unwrap_or_default().total;
            }
            lowest.value = lowest.value.zip(rate).map(|(a, b)| a.min(b));
        }
        Ok(lowest)
    }

    async fn books(&mut self, rule: &AlertRuleBody) -> Result<Found, StoreError> {
        let since = begin(self.at, rule.window_minutes);
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
        self.of_all(reading, rule).await
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

const fn one() -> Reading {
    Reading {
        value: Some(1.0),
        samples: 1,
    }
}
