//! Sending a failed request again: what is recorded of each attempt, and why one is refused.
//!
//! Field names are a contract of the admin API.

pub mod many;
mod verdict;

pub use verdict::{Came, Failed, NotSent, Verdict, verdict};

use serde::{Deserialize, Serialize};

use crate::{
    cause::Cause,
    id::{AccountId, ErrorId, ReplayId, RetryId},
    money::MicroUsd,
    time::UnixMillis,
    words,
};

words! {
    /// How a failed request is sent again.
    pub enum RetryMode {
        /// Through routing, as the client's request would be now.
        Client = "client",
        /// To one account.
        Upstream = "upstream",
    }
}

words! {
    /// Where an attempt to send a request again stands.
    pub enum RetryStatus {
        /// It is under way.
        Running = "running",
        /// It was served.
        Succeeded = "succeeded",
        /// It was not, or not to its end.
        Failed = "failed",
    }
}

words! {
    /// Why a request cannot be sent again.
    pub enum Unreplayable {
        /// Its exact bytes are not kept, or no longer.
        BodyExpired = "body_expired",
        /// Its body is larger than what is kept for sending again.
        BodyTooLarge = "body_too_large",
        /// The API key it came with may not be used now, or what is kept cannot be opened with the instance key.
        KeyUnavailable = "key_unavailable",
        /// It was refused before it had anywhere to go.
        NotReplayable = "not_replayable",
    }
}

/// One attempt to send a failed request again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RetryAttempt {
    /// Row id.
    pub id: RetryId,
    /// When it was asked for.
    pub created_at: UnixMillis,
    /// Which admin user asked; `null`: the bearer of the admin token.
    pub requested_by_user_id: Option<i64>,
    /// The failure that was sent again.
    pub source_error_id: ErrorId,
    /// How.
    pub mode: RetryMode,
    /// The one account it was sent to; `null` where routing chose.
    pub pinned_account_id: Option<AccountId>,
    /// Where it stands.
    pub status: RetryStatus,
    /// When it began.
    pub started_at: UnixMillis,
    /// When it ended.
    pub finished_at: Option<UnixMillis>,
    /// How long it took.
    pub duration_ms: Option<u32>,
    /// The gateway's id of the request that was made.
    pub result_request_id: Option<String>,
    /// The error it ended in; with a shared database as soon as it has arrived there.
    pub result_error_id: Option<ErrorId>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// Whether it was served; `null` while it runs.
    pub success: Option<bool>,
    /// What that says of the failure; `null` while it runs, and of what an older version sent.
    pub verdict: Option<Verdict>,
    /// What really happened this time; of an answer that was served, what failover hid on the way.
    pub result_cause: Option<Cause>,
    /// What it cost, where the model has a price.
    pub cost_usd: Option<MicroUsd>,
    /// The replay of many that it was part of.
    pub replay_id: Option<ReplayId>,
    /// The status that a client would have been sent.
    pub http_status_code: Option<u16>,
    /// The provider's id for the request.
    pub upstream_request_id: Option<String>,
    /// The account that was tried last.
    pub used_account_id: Option<AccountId>,
    /// How the answer begins, without secrets; of a stream its text as it came. `null` also for whoever is no
    /// operator.
    pub response_preview: Option<String>,
    /// Whether there was more of it.
    pub response_truncated: bool,
}

impl RetryAttempt {
    /// Leaves out what was answered, for whoever may not see it.
    pub fn withhold(&mut self) {
        self.response_preview = None;
    }
}

/// What a call to send a request again answers with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RetryResult {
    /// The attempt.
    pub attempt_id: RetryId,
    /// How it was sent.
    pub mode: RetryMode,
    /// Where it stands.
    pub status: RetryStatus,
    /// The one account it was sent to.
    pub pinned_account_id: Option<AccountId>,
    /// The account that was tried last.
    pub used_account_id: Option<AccountId>,
    /// The status that a client would have been sent.
    pub http_status_code: Option<u16>,
    /// The provider's id for the request.
    pub upstream_request_id: Option<String>,
    /// How the answer begins, without secrets.
    pub response_preview: Option<String>,
    /// Whether there was more of it.
    pub response_truncated: bool,
    /// Why it failed.
    pub error_message: Option<String>,
    /// When it began.
    pub started_at: UnixMillis,
    /// When it ended.
    pub finished_at: Option<UnixMillis>,
    /// How long it took.
    pub duration_ms: Option<u32>,
}

impl From<RetryAttempt> for RetryResult {
    fn from(attempt: RetryAttempt) -> Self {
        RetryResult {
            attempt_id: attempt.id,
            mode: attempt.mode,
            status: attempt.status,
            pinned_account_id: attempt.pinned_account_id,
            used_account_id: attempt.used_account_id,
            http_status_code: attempt.http_status_code,
            upstream_request_id: attempt.upstream_request_id,
            response_preview: attempt.response_preview,
            response_truncated: attempt.response_truncated,
            error_message: attempt.error_message,
            started_at: attempt.started_at,
            finished_at: attempt.finished_at,
            duration_ms: attempt.duration_ms,
        }
    }
}
