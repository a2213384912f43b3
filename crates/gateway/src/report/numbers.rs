//! Where a report's numbers come from: roll-ups, and what is known of issues and accounts. The one place that asks.

use waybill_model::{
    issue::IssueLog,
    report::ReportKind,
    rollup::{Bucket, Counts, Facet, Scope, Sketches, Span},
    time::UnixMillis,
    view::{Page, Sort},
};
use waybill_store::{RollupOf, RollupQuery, StoreError};

use super::Calendar;
use crate::{admin::state_word, app::Shared};

/// Issues that are named.
const MOST_ISSUES: u32 = 10;

const HOUR_MS: i64 = 3_600_000;

/// What a report is of.
#[derive(Debug, Clone)]
pub struct Period {
    /// From here on,
    pub start: UnixMillis,
    /// and before here.
    pub end: UnixMillis,
    /// Where what it is compared with begins; that ends where this begins.
    pub before: UnixMillis,
    /// Where the hours or days of its charts begin.
    pub steps: Vec<UnixMillis>,
}

impl Period {
    /// The one that ends at `end`: its days are as long as those of the calendar.
    pub fn ending(calendar: &Calendar, kind: ReportKind, end: UnixMillis) -> Period {
        let start = calendar.days_before(end, kind.days());
        let steps = match kind {
            ReportKind::WeeklySummary => calendar.days(start, end),
            ReportKind::DailySummary | ReportKind::ErrorDigest | ReportKind::AccountHealth => {
                let hours = (end.0 - start.0).div_euclid(HOUR_MS);
                (0..hours)
                    .map(|hour| start.plus_ms(hour * HOUR_MS))
                    .collect()
            }
        };
        Period {
            before: calendar.days_before(start, kind.days()),
            start,
            end,
            steps,
        }
    }

    /// The longest span that its hours or days are made of.
    fn span(&self) -> Span {
        let is_whole = |at: &UnixMillis| at.0.rem_euclid(HOUR_MS) == 0;
        match self.steps.iter().all(is_whole) {
            true => Span::Hour,
            false => Span::Minute,
        }
    }
}

/// What a report is made of.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    /// What the window adds up to.
    pub counts: Counts,
    /// How long it took.
    pub sketches: Sketches,
    /// Why requests failed.
    pub causes: Vec<waybill_model::rollup::CauseCount>,
    /// What the window before adds up to.
    pub before: Counts,
    /// How long it took then.
    pub sketches_before: Sketches,
    /// Whether requests that are stored are not counted yet.
    pub is_behind: bool,
    /// Whether every request of the window is counted, and of the one before.
    pub is_complete: [bool; 2],
    /// When it was asked for.
    pub asked_at: UnixMillis,
    /// Requests that the settings leave out, now and before.
    pub left_out: [u64; 2],
    /// What each step adds up to.
    pub steps: Vec<Counts>,
    /// What each account delivered, by name.
    pub accounts: Vec<(String, String, Counts)>,
    /// What hurts most.
    pub issues: Vec<IssueLog>,
}

/// Asks for what a report of a kind needs.
pub async fn numbers(
    shared: &Shared,
    kind: ReportKind,
    period: &Period,
) -> Result<Numbers, StoreError> {
    let ignore = shared.chosen().ignore();
    let whole = |start, end| RollupQuery {
        ignore,
        ..RollupQuery::whole(start, end, RollupOf::One(Scope::default()))
    };
    let parts = RollupQuery {
        step: Some(period.span()),
        causes: false,
        sketches: &[],
        ..whole(period.start, period.end)
    };
    let accounts = RollupQuery {
        causes: false,
        sketches: &[],
        ignore,
        ..RollupQuery::whole(period.start, period.end, RollupOf::Each(Facet::Account))
    };
    let asked = vec![
        whole(period.start, period.end),
        whole(period.before, period.start),
        parts,
        accounts,
    ];
    let mut answers = shared.store.rollups_of(asked).await?.into_iter();
    let mut next = || answers.next().ok_or(StoreError::Closed);
    let (now, before) = (next()?, next()?);
    let both = [&now, &before];
    let left_out = both.map(|answer| answer.left_out.requests());
    let is_behind = both.iter().any(|answer| answer.is_behind);
    let is_complete = both.map(|answer| answer.is_complete);
    let (now, before) = (now.total(), before.total());
    let (parts, accounts) = (next()?.buckets, next()?.buckets);
    Ok(Numbers {
        counts: now.counts,
        sketches: now.sketches,
        causes: now.causes,
        before: before.counts,
        is_behind,
        is_complete,
        asked_at: shared.clock.now(),
        left_out,
        sketches_before: before.sketches,
        steps: steps(period, &parts),
        accounts: match kind {
            ReportKind::AccountHealth => named(shared, &accounts),
            ReportKind::DailySummary | ReportKind::WeeklySummary | ReportKind::ErrorDigest => {
                Vec::new()
            }
        },
        issues: match kind {
            ReportKind::AccountHealth => Vec::new(),
            ReportKind::DailySummary | ReportKind::WeeklySummary | ReportKind::ErrorDigest => {
                issues(shared, period).await?
            }
        },
    })
}

/// Adds buckets up by the steps that they begin in.
fn steps(period: &Period, buckets: &[Bucket]) -> Vec<Counts> {
    let mut steps = vec![Counts::default(); period.steps.len()];
    for bucket in buckets {
        let after = period.steps.partition_point(|step| *step <= bucket.start);
        // What was rounded outwards belongs to the first.
        if let Some(step) = steps.get_mut(after.saturating_sub(1)) {
            step.add(&bucket.counts);
        }
    }
    steps
}

/// What each account delivered, under its name, and how it stands; those that delivered nothing, too.
fn named(shared: &Shared, buckets: &[Bucket]) -> Vec<(String, String, Counts)> {
    let now = shared.clock.now();
    let snapshot = shared.snapshot();
    let mut accounts: Vec<(String, String, Counts)> = snapshot
        .accounts()
        .map(|account| {
            let id = account.id.0.to_string();
            let of_it = buckets.iter().filter(|bucket| bucket.value == id);
            let mut counts = Counts::default();
            of_it.for_each(|bucket| counts.add(&bucket.counts));
            let state = state_word(&account.live.state(), account.status, None, now)
                .0
                .to_string();
            (account.name.to_string(), state, counts)
        })
        .collect();
    accounts.sort_by(|a, b| a.0.cmp(&b.0));
    accounts
}

/// The issues that failed within the window, what hurts most first.
async fn issues(shared: &Shared, period: &Period) -> Result<Vec<IssueLog>, StoreError> {
    let filter = waybill_model::issue::IssueFilter {
        start: Some(period.start),
        ..Default::default()
    };
    let page = Page {
        sort: Sort::Newest,
        page: 1,
        page_size: MOST_ISSUES,
        cursor: None,
    };
    let sort = waybill_model::issue::IssueSort::Impact;
    let found = shared
        .store
        .issues(&filter, sort, &page, shared.clock.now())
        .await?;
    Ok(found.items)
}
