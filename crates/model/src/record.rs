//! What the store is given: rows that are classified and redacted. Every text that came from outside
//! is a [`Shown`], which only redaction can make: an unredacted byte does not compile.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;

use crate::{
    cause::{Cause, ErrorType, Owner, Phase, Severity, Source},
    classify::ruling::Ruling,
    entity::Sealed,
    id::{AccountEventId, AccountId, ApiKeyId, ErrorId, GroupId, RequestId, UserId},
    money::MicroUsd,
    protocol::{Endpoint, Platform},
    redact::Shown,
    state::AccountEventKind,
    time::UnixMillis,
    waybill::{Candidate, Decision, EventKind, Queued, Usage},
};

/// Everything to be written about one finished request, in one transaction.
#[derive(Debug, Clone)]
pub struct Record {
    /// One compact row, for successes too; `None` when configuration samples them away.
    pub request: Option<RequestRow>,
    /// The error row; also for a success after hidden failures (`recovered`).
    pub error: Option<Box<ErrorRow>>,
    /// One per failed upstream attempt.
    pub events: Vec<EventRow>,
    /// The exact request bytes, compressed and sealed.
    pub replay: Option<ReplayRow>,
}

/// Who and what, shared by the request row and the error row.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The request.
    pub request_id: RequestId,
    /// When it arrived.
    pub created_at: UnixMillis,
    /// The id the client sent.
    pub client_request_id: Option<Shown>,
    /// Platform of the account that answered last, else of the client's protocol.
    pub platform: Platform,
    /// What was asked for; `None` for a path that is none of ours.
    pub endpoint: Option<Endpoint>,
    /// Model the client named.
    pub model: Option<Shown>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Status the client was sent.
    pub status_code: u16,
    /// From arrival to end.
    pub latency_ms: u32,
    /// From arrival to the first content byte.
    pub time_to_first_token_ms: Option<u32>,
    /// The user.
    pub user_id: Option<UserId>,
    /// The key.
    pub api_key_id: Option<ApiKeyId>,
    /// The account of the last attempt.
    pub account_id: Option<AccountId>,
    /// The group.
    pub group_id: Option<GroupId>,
    /// How many attempts were made.
    pub attempts: u32,
    /// The failure that this request sends again; `None`: a client sent it.
    pub replay_of: Option<ErrorId>,
    /// What the request is like.
    pub traits: Traits,
}

/// What a request is like, kept so that failures can be compared with successes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traits {
    /// The program that asked, as [`Client`](crate::traits::Client) spells it.
    pub client: Option<Shown>,
    /// Lines of `header: value`, of [`HEADERS`](crate::traits::HEADERS); empty where none was sent.
    pub headers: Option<Shown>,
    /// Which configuration was in force when the request was routed.
    pub config_version: Option<i64>,
    /// The proxy of the last attempt, host and port; `direct` without one.
    pub egress: Option<Shown>,
}

/// One row per request.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// Who and what.
    pub subject: Subject,
    /// Set when it failed.
    pub cause: Option<Cause>,
    /// Succeeded after hidden failures.
    pub recovered: bool,
    /// Tokens.
    pub usage: Usage,
    /// What they cost, where the model has a price.
    pub cost: Option<MicroUsd>,
    /// Size of the body as it came.
    pub body_bytes: Option<u64>,
    /// How long its stages took.
    pub stages: Stages,
    /// Failed because no account could be asked, for limits or trouble at their providers.
    pub unserved: bool,
}

/// How long the stages of a request took, in milliseconds; absent for those it did not reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stages {
    /// Time in auth.
    pub auth_ms: Option<u32>,
    /// Time choosing accounts, waiting included.
    pub routing_ms: Option<u32>,
    /// From sending upstream to the answer's head.
    pub upstream_ms: Option<u32>,
    /// From the head to the end.
    pub response_ms: Option<u32>,
}

impl Stages {
    /// Each, in the order of a request's way.
    pub const fn all(self) -> [Option<u32>; 4] {
        [
            self.auth_ms,
            self.routing_ms,
            self.upstream_ms,
            self.response_ms,
        ]
    }
}

/// The verdict on a failure: a pure function of its facts and the rules' version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Stage in which it failed.
    pub phase: Phase,
    /// Client-visible type.
    pub error_type: ErrorType,
    /// What really happened.
    pub cause: Cause,
    /// Urgency.
    pub severity: Severity,
    /// Whose fault.
    pub owner: Owner,
    /// Who spoke to the client.
    pub source: Source,
    /// Whether sending it again may help.
    pub is_retryable: bool,
    /// Whether it is a limit of the business.
    pub is_business_limited: bool,
    /// Version of the rules that said so.
    pub rules_version: u32,
}

/// One failed (or recovered) request.
#[derive(Debug, Clone)]
pub struct ErrorRow {
    /// Who and what.
    pub subject: Subject,
    /// The verdict; a rule's, where one fitted.
    pub verdict: Verdict,
    /// How it came about.
    pub ruling: Ruling,
    /// What happened, in one line.
    pub message: Shown,
    /// Groups failures of one kind.
    pub fingerprint: [u8; 16],
    /// Succeeded after hidden failures.
    pub recovered: bool,
    /// How many attempts failed.
    pub upstream_error_count: u32,
    /// Names as they were then.
    pub user_name: Option<Shown>,
    /// The key's name.
    pub api_key_name: Option<Shown>,
    /// The account's name.
    pub account_name: Option<Shown>,
    /// The group's name.
    pub group_name: Option<Shown>,
    /// The peer's address.
    pub client_ip: std::net::IpAddr,
    /// Path and query, credentials out.
    pub request_path: Shown,
    /// `user-agent`.
    pub user_agent: Option<Shown>,
    /// The error body the client was sent.
    pub error_body: Option<Shown>,
    /// Last failed attempt's status.
    pub upstream_status_code: Option<u16>,
    /// Its message.
    pub upstream_error_message: Option<Shown>,
    /// Its detail.
    pub upstream_error_detail: Option<Shown>,
    /// Stage timings.
    pub auth_latency_ms: Option<u32>,
    /// Time spent choosing accounts.
    pub routing_latency_ms: Option<u32>,
    /// From sending upstream to the answer's head.
    pub upstream_latency_ms: Option<u32>,
    /// From the head to the end.
    pub response_latency_ms: Option<u32>,
    /// The shown copy of the request body.
    pub request_body: Option<Shown>,
    /// Whether the shown copy is shorter than the body.
    pub request_body_truncated: bool,
    /// Size of the body as it came.
    pub request_body_bytes: u64,
    /// Request headers as a JSON object.
    pub request_headers: Option<Shown>,
    /// How it waited for a slot; `None` when it did not.
    pub queued: Option<Queued>,
    /// Every account looked at, and why it was passed over.
    pub route: Vec<Candidate>,
}

/// One failed upstream attempt.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// When the attempt began.
    pub created_at: UnixMillis,
    /// Its number within the request, from 1.
    pub attempt: u32,
    /// The account's platform.
    pub platform: Platform,
    /// The model name sent upstream.
    pub model: Option<Shown>,
    /// The account.
    pub account_id: AccountId,
    /// Its name then.
    pub account_name: Shown,
    /// The provider's host.
    pub upstream_host: Shown,
    /// The provider's status, if it answered.
    pub upstream_status_code: Option<u16>,
    /// The provider's request id.
    pub upstream_request_id: Option<Shown>,
    /// Kind of event.
    pub kind: EventKind,
    /// Cause of this attempt's failure.
    pub cause: Cause,
    /// The provider's machine name for it.
    pub name: Option<Shown>,
    /// The provider's message, at most 2 KiB.
    pub message: Shown,
    /// More of what was said, bounded.
    pub detail: Option<Shown>,
    /// Headers sent, as a JSON object.
    pub request_headers: Option<Shown>,
    /// Headers received, as a JSON object.
    pub response_headers: Option<Shown>,
    /// Body received, bounded.
    pub response_body: Option<Shown>,
    /// Time to connect; `None` on a reused connection.
    pub connect_ms: Option<u32>,
    /// Time to the answer's head.
    pub first_byte_ms: Option<u32>,
    /// From start to verdict.
    pub duration_ms: u32,
    /// The stated wait.
    pub retry_after_ms: Option<u64>,
    /// Where the wait was read.
    pub retry_after_source: Option<Shown>,
    /// What was decided after it.
    pub decision: Decision,
    /// Why.
    pub decision_reason: &'static str,
}

/// One change of an account's state; as [`AccountEvent`](crate::state::AccountEvent), redacted.
#[derive(Debug, Clone)]
pub struct AccountEventRow {
    /// Its id; later events have larger ones.
    pub id: AccountEventId,
    /// When it happened.
    pub at: UnixMillis,
    /// The account.
    pub account_id: AccountId,
    /// What it says.
    pub kind: AccountEventKind,
    /// What it applies to, spelled as a [`Scope`](crate::state::Scope); a model's name is the client's word.
    pub scope: Shown,
    /// Since when the account has been so.
    pub since: Option<UnixMillis>,
    /// The deadline.
    pub until: Option<UnixMillis>,
    /// Where the deadline was read.
    pub source: Option<Shown>,
    /// How often in a row.
    pub strikes: u32,
    /// The cause of the failure behind it.
    pub cause: Option<Cause>,
    /// The provider's status.
    pub status_code: Option<u16>,
    /// What was said.
    pub reason: Shown,
    /// The request that caused it.
    pub request_id: Option<RequestId>,
    /// The attempt of that request.
    pub attempt: Option<u32>,
    /// Who did it, where it was not a request.
    pub actor: Option<Shown>,
    /// The event that is taken back.
    pub undoes: Option<AccountEventId>,
}

/// The exact request, for sending again. What it is packed as, is for who made it to know.
#[derive(Debug, Clone)]
pub struct ReplayRow {
    /// Compressed, then sealed.
    pub sealed: Sealed,
    /// Size of the body before compression.
    pub body_bytes: u64,
    /// What it shares with other copies, in order; none where `sealed` is all of it.
    pub parts: Vec<ReplayPart>,
}

/// What [`ReplayRow`] is stored as and opened from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayCopy {
    /// Compressed, then sealed.
    pub sealed: Sealed,
    /// Size of the body before compression.
    pub body_bytes: u64,
    /// Its parts, in order; none where `sealed` is all of it.
    pub parts: Vec<Sealed>,
}

/// A part's name: the same bytes have the same one.
pub type PartName = [u8; 16];

/// Seals the bytes of a part. They cannot be had in another way.
pub trait SealPart: Send + Sync {
    /// Compressed, then sealed.
    fn seal_part(&self, plain: &[u8]) -> Sealed;
}

/// A part of a replay copy that others may have, too. It is sealed when it is first asked for: most are stored
/// already.
#[derive(Clone)]
pub struct ReplayPart {
    name: PartName,
    plain: Bytes,
    sealer: Arc<dyn SealPart>,
    sealed: OnceLock<Sealed>,
}

impl ReplayPart {
    /// A part that `sealer` seals.
    pub fn new(name: PartName, plain: Bytes, sealer: Arc<dyn SealPart>) -> Self {
        ReplayPart {
            name,
            plain,
            sealer,
            sealed: OnceLock::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &PartName {
        &self.name
    }

    /// Its sealed bytes.
    pub fn sealed(&self) -> &Sealed {
        self.sealed
            .get_or_init(|| self.sealer.seal_part(&self.plain))
    }
}

impl fmt::Debug for ReplayPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplayPart({} bytes)", self.plain.len())
    }
}
