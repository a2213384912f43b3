//! What a rule can look at: one table.

use crate::words;

words! {
    /// What a rule looks at.
    pub enum Metric {
        /// Requests that arrived.
        Requests = "requests",
        /// Requests that failed and count against the service.
        Failures = "failures",
        /// Their share.
        ErrorRate = "error_rate",
        /// What was served of what counts.
        Sla = "sla",
        /// Requests that were served after failures that failover hid.
        Recovered = "recovered",
        /// The share of failed attempts, 429 and 529 apart.
        UpstreamErrorRate = "upstream_error_rate",
        /// Attempts that were answered 429.
        RateLimited = "rate_limited",
        /// Attempts that were answered 529.
        Overloaded = "overloaded",
        /// Half of all requests took no longer.
        LatencyP50 = "latency_p50",
        /// 95 of 100 took no longer.
        LatencyP95 = "latency_p95",
        /// 99 of 100 took no longer.
        LatencyP99 = "latency_p99",
        /// Half of all first tokens came within it.
        TtftP50 = "ttft_p50",
        /// 95 of 100 first tokens did.
        TtftP95 = "ttft_p95",
        /// 99 of 100 first tokens did.
        TtftP99 = "ttft_p99",
        /// Tokens, in and out.
        Tokens = "tokens",
        /// What was spent.
        CostUsd = "cost_usd",
        /// Accounts that can serve now.
        AccountsAvailable = "accounts_available",
        /// One account cannot serve, and will not by waiting.
        AccountDown = "account_down",
        /// An issue is new.
        NewIssue = "new_issue",
        /// An issue that was resolved is back.
        RegressedIssue = "regressed_issue",
        /// An issue comes faster than it did.
        EscalatingIssue = "escalating_issue",
        /// How many times faster than allowed an objective's budget is spent, in a long and in a short window.
        BudgetBurn = "budget_burn",
        /// What is left of an objective's budget.
        BudgetLeft = "budget_left",
        /// Records that were lost, and counted.
        RecordsLost = "records_lost",
    }
}

words! {
    /// What a value is counted in.
    pub enum Unit {
        /// A number of things.
        Count = "count",
        /// Of a hundred.
        Percent = "percent",
        /// Milliseconds.
        Milliseconds = "ms",
        /// US dollars.
        Usd = "usd",
        /// Times.
        Factor = "factor",
    }
}

/// Where a metric's value comes from, and of how many things it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Roll-ups of a window, under a filter: one value.
    Window,
    /// The pool as it is now: one value.
    Pool,
    /// One value per account.
    Account,
    /// One value per issue in that state.
    Issue,
    /// One value per objective.
    Objective,
    /// The books of the recorder: one value.
    Books,
}

impl MetricKind {
    /// Whether it can be read of a minute that is long over.
    pub const fn is_of_the_past(self) -> bool {
        match self {
            MetricKind::Window | MetricKind::Objective => true,
            MetricKind::Pool | MetricKind::Account | MetricKind::Issue | MetricKind::Books => false,
        }
    }
}

/// What is known of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricInfo {
    /// Where from.
    pub kind: MetricKind,
    /// In what.
    pub unit: Unit,
    /// Whether it is a share of requests, so that a few say little.
    pub is_share: bool,
    /// How a sentence calls it.
    pub name: &'static str,
}

impl Metric {
    /// The table.
    pub const fn info(self) -> MetricInfo {
        use {MetricKind as K, Unit as U};
        let (kind, unit, is_share, name) = match self {
            Metric::Requests => (K::Window, U::Count, false, "requests"),
            Metric::Failures => (K::Window, U::Count, false, "failed requests"),
            Metric::ErrorRate => (K::Window, U::Percent, true, "the error rate"),
            Metric::Sla => (K::Window, U::Percent, true, "the service level"),
            Metric::Recovered => (K::Window, U::Count, false, "failures hidden by failover"),
            Metric::UpstreamErrorRate => (K::Window, U::Percent, true, "the upstream error rate"),
            Metric::RateLimited => (K::Window, U::Count, false, "attempts answered 429"),
            Metric::Overloaded => (K::Window, U::Count, false, "attempts answered 529"),
            Metric::LatencyP50 => (K::Window, U::Milliseconds, true, "the median latency"),
            Metric::LatencyP95 => (K::Window, U::Milliseconds, true, "the p95 latency"),
            Metric::LatencyP99 => (K::Window, U::Milliseconds, true, "the p99 latency"),
            Metric::TtftP50 => (
                K::Window,
                U::Milliseconds,
                true,
                "the median time to first token",
            ),
            Metric::TtftP95 => (
                K::Window,
                U::Milliseconds,
                true,
                "the p95 time to first token",
            ),
            Metric::TtftP99 => (
                K::Window,
                U::Milliseconds,
                true,
                "the p99 time to first token",
            ),
            Metric::Tokens => (K::Window, U::Count, false, "tokens"),
            Metric::CostUsd => (K::Window, U::Usd, false, "the cost"),
            Metric::AccountsAvailable => (K::Pool, U::Count, false, "accounts that can serve"),
            Metric::AccountDown => (K::Account, U::Count, false, "an account that cannot serve"),
            Metric::NewIssue => (K::Issue, U::Count, false, "a new issue"),
            Metric::RegressedIssue => (K::Issue, U::Count, false, "an issue that is back"),
            Metric::EscalatingIssue => (K::Issue, U::Count, false, "an issue that escalates"),
            Metric::BudgetBurn => (K::Objective, U::Factor, true, "the burn rate of the budget"),
            Metric::BudgetLeft => (K::Objective, U::Percent, true, "the budget left"),
            Metric::RecordsLost => (K::Books, U::Count, false, "lost records"),
        };
        MetricInfo {
            kind,
            unit,
            is_share,
            name,
        }
    }
}
