//! Many failures that are sent again: what an operator asks for, how far it is, and when it stops.
//!
//! Field names are a contract of the admin API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    cause::Cause,
    id::{AccountId, ErrorId, ReplayId, RetryId},
    money::MicroUsd,
    time::UnixMillis,
    words,
};

use super::{NotSent, RetryMode, Verdict};

words! {
    /// Where a replay of many stands.
    pub enum ReplayStatus {
        /// It goes on.
        Running = "running",
        /// Every failure that was chosen had its turn.
        Finished = "finished",
        /// Somebody ended it.
        Cancelled = "cancelled",
        /// It ended by itself before that; `stopped_because` says why.
        Stopped = "stopped",
    }
}

words! {
    /// Why a replay of many ended by itself before its time.
    pub enum StopReason {
        /// As many were sent as may be.
        CountReached = "count_reached",
        /// As much was spent as may be.
        MoneySpent = "money_spent",
        /// There is a limit in money, and what an answer cost is not known: its model has no price, or its end was
        /// not seen.
        CostUnknown = "cost_unknown",
        /// Too many in a row could not be sent.
        NoneSendable = "none_sendable",
        /// What was kept of its filters cannot be read by this version.
        FilterUnreadable = "filter_unreadable",
        /// It could not go on, several times in a row: the gateway's log says why.
        Failing = "failing",
    }
}

words! {
    /// What a replay of many did to an issue.
    pub enum IssueOutcome {
        /// It is dealt with.
        Resolved = "resolved",
        /// It stays as it is.
        KeptOpen = "kept_open",
    }
}

words! {
    /// Why a replay of many did nothing to an issue.
    pub enum IssueWhy {
        /// It was resolved before.
        WasResolved = "was_resolved",
        /// It is ignored.
        Ignored = "ignored",
        /// One account alone is no proof for a pool.
        NotThroughRouting = "not_through_routing",
        /// A failure of it failed again.
        FailedAgain = "failed_again",
        /// A failure of it was served, but only after failover had hidden one on the way.
        HiddenOnTheWay = "hidden_on_the_way",
        /// The newest of its failures could not be sent.
        NotSent = "not_sent",
        /// The newest of its failures was sent, and nothing is known of it.
        Interrupted = "interrupted",
        /// A client met it after the newest failure that was served.
        NewerFailure = "newer_failure",
        /// Failover hid it from a client after the newest failure that was served.
        NewerHidden = "newer_hidden",
        /// It had not been counted yet.
        NotCounted = "not_counted",
        /// What is known of it could not be looked up.
        NotLookedUp = "not_looked_up",
    }
}

/// So many issues are told of one replay: those of its newest failures.
pub const MOST_ISSUES: usize = 200;

/// What a replay of many did to an issue that its failures belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReplayIssue {
    /// The issue's fingerprint.
    pub issue: String,
    /// What became of it.
    pub outcome: IssueOutcome,
    /// Why nothing did; `null`: this replay resolved it.
    pub why: Option<IssueWhy>,
    /// The failure that decided: the newest that was served, or the one that says otherwise.
    pub error_id: ErrorId,
}

/// So many in a row that could not be sent end a replay: what is older will not fare better.
pub const MOST_NOT_SENT: u32 = 100;

/// What a replay of many may use.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReplayBudget {
    /// Requests that are sent, at most.
    pub max_count: u32,
    /// Requests that are sent per minute, at most: evenly, not in bursts.
    pub per_minute: u32,
    /// No further one is sent once so much is spent; `null`: no limit.
    pub max_usd: Option<MicroUsd>,
}

/// What came of those that had their turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VerdictCounts {
    /// Served now.
    pub would_succeed: u64,
    /// Failed, and of the same kind.
    pub fails_the_same: u64,
    /// Failed for another reason.
    pub fails_differently: u64,
    /// Cannot be sent again.
    pub not_replayable: u64,
    /// Not sent for a reason of the moment.
    pub not_run: u64,
    /// Sent, and nothing is known of it.
    pub interrupted: u64,
}

impl VerdictCounts {
    /// All of them.
    pub const fn done(&self) -> u64 {
        let VerdictCounts {
            would_succeed,
            fails_the_same,
            fails_differently,
            not_replayable,
            not_run,
            interrupted,
        } = *self;
        would_succeed + fails_the_same + fails_differently + not_replayable + not_run + interrupted
    }
}

/// A replay of many failures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Replay {
    /// Row id.
    pub id: ReplayId,
    /// When it was asked for.
    pub created_at: UnixMillis,
    /// Which admin user asked; `null`: the bearer of the admin token.
    pub requested_by_user_id: Option<i64>,
    /// Why, in the operator's words.
    pub note: Option<String>,
    /// Which failures: the list's filters, as they were understood. The window does not move.
    pub filter: BTreeMap<String, String>,
    /// How they are sent.
    pub mode: RetryMode,
    /// The one account they are sent to; `null`: routing chooses, or each goes to the account that failed.
    pub pinned_account_id: Option<AccountId>,
    /// What it may use.
    pub budget: ReplayBudget,
    /// Where it stands.
    pub status: ReplayStatus,
    /// Why it is `stopped`.
    pub stopped_because: Option<StopReason>,
    /// How many failures the filter chose when it began.
    pub candidates: u64,
    /// Whether there were more than were counted.
    pub candidates_is_estimate: bool,
    /// How many had their turn and their end.
    pub done: u64,
    /// How many are under way.
    pub under_way: u64,
    /// How many were sent.
    pub sent: u64,
    /// What came of them.
    pub verdicts: VerdictCounts,
    /// What the answers cost, as far as it is known.
    pub spent_usd: MicroUsd,
    /// Answers whose cost is not known: their model has no price, or their end was not seen.
    pub unpriced: u64,
    /// When the first one was sent.
    pub started_at: Option<UnixMillis>,
    /// When it ended.
    pub finished_at: Option<UnixMillis>,
    /// What it did to the issues of its failures, those of the newest first; empty before its end, and of one that
    /// was cancelled or could not go on. At most 200.
    pub issues: Vec<ReplayIssue>,
}

impl Replay {
    /// Why no further failure is sent; `None`: the next one may be. `not_sent_in_a_row`: so many could not be
    /// since the last one that could.
    pub fn stops(&self, not_sent_in_a_row: u32) -> Option<StopReason> {
        if self.sent >= u64::from(self.budget.max_count) {
            return Some(StopReason::CountReached);
        }
        if let Some(most) = self.budget.max_usd {
            if self.spent_usd >= most {
                return Some(StopReason::MoneySpent);
            }
            if self.unpriced > 0 {
                return Some(StopReason::CostUnknown);
            }
        }
        (not_sent_in_a_row >= MOST_NOT_SENT).then_some(StopReason::NoneSendable)
    }
}

/// A failure as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OldAnswer {
    /// Status the client was sent.
    pub status_code: u16,
    /// What really happened.
    pub cause: Cause,
    /// What happened, in one line.
    pub message: String,
    /// The account of the last attempt.
    pub account_name: Option<String>,
    /// Whether failover hid it from the client.
    pub recovered: bool,
}

/// What came when it was sent again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NewAnswer {
    /// The status that a client would have been sent.
    pub status_code: Option<u16>,
    /// What really happened; of an answer that was served, what failover hid on the way.
    pub cause: Option<Cause>,
    /// The error it ended in; with a shared database as soon as it has arrived there.
    pub error_id: Option<ErrorId>,
    /// Why it failed.
    pub message: Option<String>,
    /// The account that was tried last.
    pub account_id: Option<AccountId>,
    /// Its name now.
    pub account_name: Option<String>,
    /// How the answer begins, without secrets; `null` also for whoever is no operator.
    pub preview: Option<String>,
    /// Whether there was more of it.
    pub truncated: bool,
    /// How long it took.
    pub duration_ms: Option<u32>,
    /// What it cost, where the model has a price.
    pub cost_usd: Option<MicroUsd>,
    /// The provider's id for the request.
    pub upstream_request_id: Option<String>,
}

/// One failure of a replay of many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReplayItem {
    /// The failure.
    pub source_error_id: ErrorId,
    /// When its turn came.
    pub created_at: UnixMillis,
    /// The attempt to send it; `null`: it was not sent.
    pub attempt_id: Option<RetryId>,
    /// What it came to; `null` while it is under way.
    pub verdict: Option<Verdict>,
    /// Why it was not sent.
    pub reason: Option<NotSent>,
    /// Old and new in a sentence.
    pub summary: String,
    /// What it was; `null`: it was removed meanwhile.
    pub old: Option<OldAnswer>,
    /// What came; `null` while it is under way, and where it was not sent.
    pub new: Option<NewAnswer>,
}

impl ReplayItem {
    /// Leaves out what was answered, for whoever may not see it.
    pub fn withhold(&mut self) {
        if let Some(new) = &mut self.new {
            new.preview = None;
        }
    }
}

/// Old and new in a sentence: "was 429 rate_limit.requests on anthropic-1, is 200 on anthropic-2".
pub fn summary(
    old: Option<&OldAnswer>,
    new: Option<&NewAnswer>,
    verdict: Option<Verdict>,
    reason: Option<NotSent>,
) -> String {
    let on = |name: Option<&str>| name.map(|name| format!(" on {name}")).unwrap_or_default();
    let was = match old {
        None => "was a failure that is no longer kept".to_owned(),
        Some(old) => {
            let on = on(old.account_name.as_deref());
            match old.recovered {
                true => format!("was {}{on}, hidden by failover", old.cause),
                false => format!("was {} {}{on}", old.status_code, old.cause),
            }
        }
    };
    let is = match (reason, verdict, new) {
        (Some(why), ..) => format!("was not sent: {}", why.said()),
        (None, None, _) => "is being sent".to_owned(),
        (None, Some(Verdict::Interrupted), _) => "was sent, and nothing is known of it".to_owned(),
        (None, Some(_), None) => "is not known any more".to_owned(),
        (None, Some(verdict), Some(new)) => {
            let status = match new.status_code {
                Some(status) => status.to_string(),
                None => "without an answer".to_owned(),
            };
            let cause = match (verdict, new.cause) {
                (Verdict::WouldSucceed, Some(hidden)) => format!(" after a hidden {hidden}"),
                (_, Some(cause)) => format!(" {cause}"),
                (_, None) => String::new(),
            };
            let on = on(new.account_name.as_deref());
            format!("is {status}{cause}{on}")
        }
    };
    format!("{was}, {is}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn replay(max_usd: Option<i64>, sent: u64, spent: i64, unpriced: u64) -> Replay {
        Replay {
            id: ReplayId(1),
            created_at: UnixMillis(0),
            requested_by_user_id: None,
            note: None,
            filter: BTreeMap::new(),
            mode: RetryMode::Client,
            pinned_account_id: None,
            budget: ReplayBudget {
                max_count: 10,
                per_minute: 60,
                max_usd: max_usd.map(MicroUsd),
            },
            status: ReplayStatus::Running,
            stopped_because: None,
            candidates: 20,
            candidates_is_estimate: false,
            done: 0,
            under_way: 0,
            sent,
            verdicts: VerdictCounts::default(),
            spent_usd: MicroUsd(spent),
            unpriced,
            started_at: None,
            finished_at: None,
            issues: Vec::new(),
        }
    }

    #[test]
    fn a_budget_stops_before_the_next_one() {
        use StopReason as S;
        let cases = [
            (replay(None, 9, 1_000_000, 9), 99, None),
            (replay(None, 10, 0, 0), 0, Some(S::CountReached)),
            (replay(Some(50), 1, 49, 0), 0, None),
            (replay(Some(50), 1, 50, 0), 0, Some(S::MoneySpent)),
            (replay(Some(0), 0, 0, 0), 0, Some(S::MoneySpent)),
            (replay(Some(50), 1, 0, 1), 0, Some(S::CostUnknown)),
            (replay(None, 0, 0, 0), 100, Some(S::NoneSendable)),
        ];
        for (replay, in_a_row, expected) in cases {
            assert_eq!(replay.stops(in_a_row), expected, "{replay:?}");
        }
    }

    #[test]
    fn old_and_new_are_told_in_a_sentence() {
        let old = OldAnswer {
            status_code: 429,
            cause: Cause::RateLimitRequests,
            message: "slow down".to_owned(),
            account_name: Some("anthropic-1".to_owned()),
            recovered: false,
        };
        let new = NewAnswer {
            status_code: Some(200),
            cause: None,
            error_id: None,
            message: None,
            account_id: Some(AccountId(2)),
            account_name: Some("anthropic-2".to_owned()),
            preview: None,
            truncated: false,
            duration_ms: None,
            cost_usd: None,
            upstream_request_id: None,
        };
        let served = Some(Verdict::WouldSucceed);
        assert_eq!(
            summary(Some(&old), Some(&new), served, None),
            "was 429 rate_limit.requests on anthropic-1, is 200 on anthropic-2"
        );
        let again = NewAnswer {
            status_code: Some(529),
            cause: Some(Cause::Overloaded),
            ..new.clone()
        };
        let hidden = OldAnswer {
            recovered: true,
            ..old.clone()
        };
        assert_eq!(
            summary(
                Some(&hidden),
                Some(&again),
                Some(Verdict::FailsDifferently),
                None
            ),
            "was rate_limit.requests on anthropic-1, hidden by failover, is 529 overloaded on anthropic-2"
        );
        assert_eq!(
            summary(
                Some(&old),
                None,
                Some(Verdict::NotReplayable),
                Some(NotSent::BodyExpired)
            ),
            "was 429 rate_limit.requests on anthropic-1, was not sent: its exact bytes are not kept, or no longer"
        );
        assert_eq!(
            summary(None, None, None, None),
            "was a failure that is no longer kept, is being sent"
        );
    }
}
