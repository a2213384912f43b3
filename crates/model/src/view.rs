//! What the admin API answers with. Field names are a contract. An absent optional is `null`, unless
//! it is marked to be left out.

use serde::{Deserialize, Serialize};

use crate::{
    cause::{Cause, ErrorType, Owner, Phase, Severity, Source},
    classify::ruling::{ClassificationRule, Found},
    id::{AccountId, ApiKeyId, ErrorId, EventId, GroupId, UserId},
    issue::IssueLink,
    money::MicroUsd,
    protocol::{Endpoint, Platform},
    retry::Unreplayable,
    time::UnixMillis,
    waybill::{Candidate, Decision, EventKind, Queued, Usage},
    words,
};

/// One row of the error list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorLog {
    /// Row id.
    pub id: ErrorId,
    /// When the request arrived.
    pub created_at: UnixMillis,
    /// Stage in which it failed.
    pub phase: Phase,
    /// Client-visible type.
    #[serde(rename = "type")]
    pub error_type: ErrorType,
    /// Urgency.
    pub severity: Severity,
    /// Status the client was sent.
    pub status_code: u16,
    /// Platform of the last account, else of the protocol.
    pub platform: Platform,
    /// Model the client named.
    pub model: Option<String>,
    /// From arrival to end.
    pub latency_ms: u32,
    /// The id the client sent.
    pub client_request_id: Option<String>,
    /// Waybill's id.
    pub request_id: String,
    /// What happened, in one line.
    pub message: String,
    /// The user.
    pub user_id: Option<UserId>,
    /// The key.
    pub api_key_id: Option<ApiKeyId>,
    /// The account of the last attempt.
    pub account_id: Option<AccountId>,
    /// The group.
    pub group_id: Option<GroupId>,
    /// The peer's address.
    pub client_ip: String,
    /// Path and query, credentials out.
    pub request_path: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// What really happened.
    pub cause: Cause,
    /// Whose fault.
    pub error_owner: Owner,
    /// Who spoke to the client.
    pub error_source: Source,
    /// Whether sending it again may help.
    pub is_retryable: bool,
    /// Whether it is a limit of the business.
    pub is_business_limited: bool,
    /// How many attempts failed.
    pub upstream_error_count: u32,
    /// Succeeded after hidden failures.
    pub recovered: bool,
    /// Groups failures of one kind; hex.
    pub fingerprint: String,
    /// Marked as dealt with.
    pub resolved: bool,
    /// The user's name then.
    pub user_name: Option<String>,
    /// The key's name then.
    pub api_key_name: Option<String>,
    /// The account's name then.
    pub account_name: Option<String>,
    /// The group's name then.
    pub group_name: Option<String>,
    /// The failure that this request sent again; `null`: a client sent it.
    pub replay_of: Option<ErrorId>,
}

/// What a live reader of errors was not given, because it was too far behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MissedErrors {
    /// They were written after this one.
    pub after_id: ErrorId,
    /// Up to this one, from which on the reader goes on.
    pub up_to_id: ErrorId,
    /// How many of them match.
    pub count: u64,
    /// Not all were looked at: there are at least so many.
    pub count_is_estimate: bool,
}

/// Where a live reader of errors begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TailBegins {
    /// What was written after this one is sent.
    pub after_id: ErrorId,
    /// The newest one there is.
    pub newest_id: ErrorId,
}

/// One error, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorLogDetail {
    /// The list's columns.
    #[serde(flatten)]
    pub log: ErrorLog,
    /// The error body the client was sent.
    pub error_body: Option<String>,
    /// `user-agent`.
    pub user_agent: Option<String>,
    /// Last failed attempt's status.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_status_code: Option<u16>,
    /// Its message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_error_message: Option<String>,
    /// Its detail.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_error_detail: Option<String>,
    /// The attempts as a JSON array in a string.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_errors: Option<String>,
    /// Time in auth.
    pub auth_latency_ms: Option<u32>,
    /// Time choosing accounts.
    pub routing_latency_ms: Option<u32>,
    /// From sending upstream to the answer's head.
    pub upstream_latency_ms: Option<u32>,
    /// From the head to the end.
    pub response_latency_ms: Option<u32>,
    /// From arrival to first content.
    pub time_to_first_token_ms: Option<u32>,
    /// The shown copy of the request body.
    pub request_body: Option<String>,
    /// Whether the shown copy is shorter than the body.
    pub request_body_truncated: bool,
    /// Size of the body as it came.
    pub request_body_bytes: u64,
    /// Request headers as a JSON object in a string.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_headers: Option<String>,
    /// The failed attempts as objects.
    pub attempts: Vec<UpstreamErrorEvent>,
    /// How it waited for a slot; `null` when it did not.
    pub queued: Option<Queued>,
    /// Every account looked at, and why it was passed over.
    pub route: Vec<Candidate>,
    /// What happened, as a sentence.
    pub explanation: String,
    /// What to do about it.
    pub remedy: String,
    /// Whether the exact bytes are still there to send again, as far as that is known without opening them.
    pub replayable: bool,
    /// The issue it belongs to; `null` for the moment until it is counted there.
    #[serde(default)]
    pub issue: Option<IssueLink>,
    /// The version of the operator's classification rules that it was judged by; 0: there was none.
    #[serde(default)]
    pub classification_version: i64,
    /// The rule that decided, and what the built-in table had said; `null`: the verdict is the built-in one.
    #[serde(default)]
    pub ruled_by: Option<RuledBy>,
    /// Fields that are `null` because whoever asks may not see them.
    #[serde(default)]
    pub withheld: Vec<String>,
    /// Why they cannot be sent again.
    pub unreplayable: Option<Unreplayable>,
}

/// The rule that decided a failure's verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuledBy {
    /// Its id.
    pub rule_id: i64,
    /// Its name; `null` where its version is not there any more.
    pub rule_name: Option<String>,
    /// What the built-in table says.
    pub built_in: Found,
}

/// The operator's classification rules, as they are in force, or were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RulesVersion {
    /// Grows by one with every change; 0: there never was a rule.
    pub version: i64,
    /// When they were put into force.
    pub at: Option<UnixMillis>,
    /// Who did it.
    pub by: Option<String>,
    /// Why.
    pub note: Option<String>,
    /// The rules, in the order in which they are looked at.
    pub rules: Vec<ClassificationRule>,
}

/// One change of the classification rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RulesChange {
    /// The version that it made.
    pub version: i64,
    /// When.
    pub at: UnixMillis,
    /// Who did it.
    pub by: Option<String>,
    /// Why.
    pub note: Option<String>,
    /// How many rules there were then.
    pub rules: u64,
}

/// How far stored failures are judged by the rules in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RulesProgress {
    /// The version that failures are being judged by; 0: none yet.
    pub version: i64,
    /// Failures up to this one have been looked at.
    pub applied_to: ErrorId,
    /// How many are left.
    pub remaining: u64,
    /// There are more than that.
    pub remaining_is_estimate: bool,
    /// How many failures have another verdict because of this version, so far.
    pub changed: u64,
    /// Whether every failure that is stored has been judged by the version in force.
    pub is_done: bool,
}

impl ErrorLogDetail {
    /// Takes out what only an operator may see: bodies and headers.
    pub fn withhold(&mut self) {
        self.request_body = None;
        self.request_headers = None;
        self.error_body = None;
        self.upstream_error_detail = None;
        // The attempts once more, with all that is in them.
        self.upstream_errors = None;
        self.attempts
            .iter_mut()
            .for_each(UpstreamErrorEvent::withhold);
        self.withheld = WITHHELD_OF_ERRORS.map(str::to_owned).to_vec();
    }
}

/// What an error is shown without to whoever is no operator; of its attempts goes [`WITHHELD_OF_ATTEMPTS`].
pub const WITHHELD_OF_ERRORS: [&str; 5] = [
    "request_body",
    "request_headers",
    "error_body",
    "upstream_error_detail",
    "upstream_errors",
];

/// The same of an attempt.
pub const WITHHELD_OF_ATTEMPTS: [&str; 4] = [
    "detail",
    "request_headers",
    "response_headers",
    "response_body",
];

/// One failed upstream attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpstreamErrorEvent {
    /// Row id.
    pub id: EventId,
    /// When the attempt began.
    pub created_at: UnixMillis,
    /// The same in epoch milliseconds.
    pub at_unix_ms: i64,
    /// The request.
    pub request_id: String,
    /// The error row it belongs to.
    pub error_id: Option<ErrorId>,
    /// Its number within the request, from 1.
    pub attempt: u32,
    /// The account's platform.
    pub platform: Platform,
    /// The model name sent upstream.
    pub model: Option<String>,
    /// The account.
    pub account_id: AccountId,
    /// Its name then.
    pub account_name: String,
    /// The provider's host.
    pub upstream_host: String,
    /// The provider's status, if it answered.
    pub upstream_status_code: Option<u16>,
    /// The provider's request id.
    pub upstream_request_id: Option<String>,
    /// Kind of event.
    pub kind: EventKind,
    /// The provider's message.
    pub message: String,
    /// More of what was said.
    pub detail: Option<String>,
    /// Cause of this attempt's failure.
    pub cause: Cause,
    /// The provider's machine name for it.
    pub name: Option<String>,
    /// Headers sent, a JSON object in a string.
    pub request_headers: Option<String>,
    /// Headers received, a JSON object in a string.
    pub response_headers: Option<String>,
    /// Body received.
    pub response_body: Option<String>,
    /// Time to connect; `null` on a reused connection.
    pub connect_ms: Option<u32>,
    /// Time to the answer's head.
    pub first_byte_ms: Option<u32>,
    /// From start to verdict.
    pub duration_ms: u32,
    /// The stated wait.
    pub retry_after_ms: Option<u64>,
    /// Where the wait was read.
    pub retry_after_source: Option<String>,
    /// What was decided after it.
    pub decision: Decision,
    /// Why.
    pub decision_reason: String,
    /// Whether the request it belongs to succeeded in the end.
    pub recovered: bool,
    /// Fields that are `null` because whoever asks may not see them.
    #[serde(default)]
    pub withheld: Vec<String>,
}

impl UpstreamErrorEvent {
    /// Takes out what only an operator may see: bodies and headers.
    pub fn withhold(&mut self) {
        self.detail = None;
        self.request_headers = None;
        self.response_headers = None;
        self.response_body = None;
        self.withheld = WITHHELD_OF_ATTEMPTS.map(str::to_owned).to_vec();
    }
}

/// One request, compact; successes too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RequestLog {
    /// Row id.
    pub id: i64,
    /// When it arrived.
    pub created_at: UnixMillis,
    /// Waybill's id.
    pub request_id: String,
    /// The id the client sent.
    pub client_request_id: Option<String>,
    /// Platform of the last account, else of the protocol.
    pub platform: Platform,
    /// What was asked for.
    pub endpoint: Option<Endpoint>,
    /// Model the client named.
    pub model: Option<String>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Status the client was sent.
    pub status_code: u16,
    /// Set when it failed.
    pub cause: Option<Cause>,
    /// Succeeded after hidden failures.
    pub recovered: bool,
    /// From arrival to end.
    pub latency_ms: u32,
    /// From arrival to first content.
    pub time_to_first_token_ms: Option<u32>,
    /// How many attempts were made.
    pub attempts: u32,
    /// The user.
    pub user_id: Option<UserId>,
    /// The key.
    pub api_key_id: Option<ApiKeyId>,
    /// The account of the last attempt.
    pub account_id: Option<AccountId>,
    /// The group.
    pub group_id: Option<GroupId>,
    /// Tokens.
    #[serde(flatten)]
    pub usage: Usage,
    /// What they cost in US dollars, where the model has a price.
    pub cost_usd: Option<MicroUsd>,
    /// The failure that this request sent again; `null`: a client sent it.
    pub replay_of: Option<ErrorId>,
}

/// `GET errors`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorLogList {
    /// The rows.
    pub errors: Vec<ErrorLog>,
    /// How many match.
    pub total: u64,
    /// The page, from 1.
    pub page: u32,
    /// Rows per page.
    pub page_size: u32,
    /// Give it back as `cursor` for the next page; `null` on the last.
    pub next_cursor: Option<String>,
    /// Whether `total` stopped counting.
    pub total_is_estimate: bool,
}

/// `GET upstream-errors`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpstreamErrorList {
    /// The rows.
    pub events: Vec<UpstreamErrorEvent>,
    /// How many match.
    pub total: u64,
    /// The page, from 1.
    pub page: u32,
    /// Rows per page.
    pub page_size: u32,
    /// Give it back as `cursor` for the next page; `null` on the last.
    pub next_cursor: Option<String>,
    /// Whether `total` stopped counting.
    pub total_is_estimate: bool,
}

/// Every other list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// How many match.
    pub total: u64,
    /// The page, from 1.
    pub page: u32,
    /// Rows per page.
    pub page_size: u32,
    /// Give it back as `cursor` for the next page; `null` on the last.
    pub next_cursor: Option<String>,
    /// Whether `total` stopped counting.
    #[serde(default)]
    pub total_is_estimate: bool,
}

words! {
    /// Which failures a list shows.
    pub enum View {
        /// Failures that count against the service.
        Errors = "errors",
        /// Business limits and the client's own doing.
        Excluded = "excluded",
        /// Both.
        All = "all",
    }
}

words! {
    /// Order of a list.
    pub enum Sort {
        /// Newest first.
        Newest = "-created_at",
        /// Oldest first.
        Oldest = "created_at",
    }
}

/// What `errors`, `upstream-errors` and `requests` can be narrowed by. Empty narrows nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// From this instant on.
    pub start: UnixMillis,
    /// Before this instant.
    pub end: UnixMillis,
    /// Platform.
    pub platform: Option<Platform>,
    /// Group.
    pub group_id: Option<GroupId>,
    /// Account.
    pub account_id: Option<AccountId>,
    /// Key.
    pub api_key_id: Option<ApiKeyId>,
    /// User.
    pub user_id: Option<UserId>,
    /// Model, exact.
    pub model: Option<String>,
    /// Any of these statuses.
    pub status_codes: Vec<u16>,
    /// Phase.
    pub phase: Option<Phase>,
    /// Type.
    pub error_type: Option<ErrorType>,
    /// Cause.
    pub cause: Option<Cause>,
    /// Severity.
    pub severity: Option<Severity>,
    /// Owner.
    pub owner: Option<Owner>,
    /// Source.
    pub source: Option<Source>,
    /// Marked as dealt with.
    pub resolved: Option<bool>,
    /// Succeeded after hidden failures; absent, `errors` leaves such rows out.
    pub recovered: Option<bool>,
    /// Streamed.
    pub stream: Option<bool>,
    /// Failures that were sent again, and nothing else, or none of them; absent, they are left out unless a
    /// request is asked for by its id.
    pub replay: Option<bool>,
    /// Which failures.
    pub view: View,
    /// Text in message, ids, model or upstream message; case-insensitive.
    pub q: Option<String>,
    /// Exact id.
    pub request_id: Option<String>,
    /// Exact id.
    pub client_request_id: Option<String>,
    /// Exact fingerprint, hex.
    pub fingerprint: Option<String>,
    /// Any of these fingerprints, hex; none narrows nothing.
    pub fingerprints: Vec<String>,
    /// An issue's key, hex.
    pub issue: Option<String>,
    /// Rows written after the one with this id, whenever their requests arrived.
    pub after_id: Option<i64>,
}

impl Filter {
    /// Everything between two instants.
    pub fn between(start: UnixMillis, end: UnixMillis) -> Self {
        Filter {
            start,
            end,
            platform: None,
            group_id: None,
            account_id: None,
            api_key_id: None,
            user_id: None,
            model: None,
            status_codes: Vec::new(),
            phase: None,
            error_type: None,
            cause: None,
            severity: None,
            owner: None,
            source: None,
            resolved: None,
            recovered: None,
            stream: None,
            replay: None,
            view: View::All,
            q: None,
            request_id: None,
            client_request_id: None,
            fingerprint: None,
            fingerprints: Vec::new(),
            issue: None,
            after_id: None,
        }
    }
}

/// Which part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Order.
    pub sort: Sort,
    /// From 1; not used with a cursor.
    pub page: u32,
    /// 1 to 500.
    pub page_size: u32,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Where every due record went. `due = stored + spooled + counted_lost`, always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Books {
    /// Records that had to be written.
    pub due: u64,
    /// Committed to the store.
    pub stored: u64,
    /// Accepted, not yet committed.
    pub spooled: u64,
    /// Given up, each one counted.
    pub counted_lost: u64,
    /// Of the stored ones, those without their body for want of space.
    pub without_body: u64,
    /// Of the stored ones, those without details for want of space.
    pub without_detail: u64,
    /// Of the stored ones, those the database refused, of which a summary is kept aside.
    pub set_aside: u64,
}

words! {
    /// How a run of a job went.
    pub enum JobOutcome {
        /// It did what it is for.
        Ok = "ok",
        /// It did not.
        Failed = "failed",
        /// It does nothing while monitoring is off. Never stored: it is said of jobs whenever they are shown.
        Off = "off",
    }
}

/// Something that runs by itself, on one replica at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Job {
    /// What it is.
    pub name: String,
    /// The replica that runs it, or ran it last.
    pub holder: Option<String>,
    /// Until then nobody else does.
    pub lease_until: Option<UnixMillis>,
    /// When its holder last said so.
    pub heartbeat_at: Option<UnixMillis>,
    /// When its last run began.
    pub started_at: Option<UnixMillis>,
    /// When the last run that ended did.
    pub finished_at: Option<UnixMillis>,
    /// How that went.
    pub outcome: Option<JobOutcome>,
    /// What it did, or what went wrong.
    pub detail: Option<String>,
    /// Runs that ended, ever.
    pub runs: u64,
    /// Of these, those that failed.
    pub failures: u64,
}

/// Refused, unauthenticated requests of one minute and source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NoiseCount {
    /// Start of the minute.
    pub minute: UnixMillis,
    /// Peer address.
    pub client_ip: String,
    /// Why they were refused.
    pub cause: Cause,
    /// How many.
    pub count: u64,
    /// A few request ids.
    pub samples: Vec<String>,
}
