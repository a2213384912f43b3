//! The waybill: one value opened when a request arrives, moved from stage to stage, stamped by each
//! with its facts, and handed to the recorder when the request ends.
//!
//! Facts are kept as they were seen. What they mean is decided later, by [`crate::classify`].

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, uri::PathAndQuery};

use crate::{
    cause::{Cause, Source},
    id::{AccountEventId, AccountId, ApiKeyId, ErrorId, GroupId, RequestId, UserId},
    money::MicroUsd,
    protocol::{Endpoint, Platform, Protocol},
    state::{Reach, Scope},
    time::UnixMillis,
    trace::TraceContext,
    words,
};

/// Failed attempts kept per request; the newest ones win, and the count of all is kept beside them.
/// A pool large enough to try more has nothing new to say after that many.
pub const MAX_ATTEMPTS_KEPT: usize = 32;

words! {
    /// The last stage that stamped the waybill.
    pub enum Stage {
        /// Request line and headers were read.
        Ingress = "ingress",
        /// The key was accepted.
        Auth = "auth",
        /// An account was chosen.
        Routing = "routing",
        /// An attempt was made.
        Upstream = "upstream",
        /// The answer began to flow.
        Relay = "relay",
    }
}

words! {
    /// What kind of upstream error event an attempt left behind.
    pub enum EventKind {
        /// The provider answered with a 4xx or 5xx that went to the client.
        HttpError = "http_error",
        /// No answer: the connection failed.
        RequestError = "request_error",
        /// Failed, and tried again on the same account.
        Retry = "retry",
        /// Failed, and nothing was left to try.
        RetryExhausted = "retry_exhausted",
        /// Failed, and another account was tried.
        Failover = "failover",
        /// An error event inside a `200` stream.
        StreamError = "stream_error",
        /// A `200` answer that ended, reset or stalled before its end.
        StreamTruncated = "stream_truncated",
        /// The provider complained of a thinking signature.
        SignatureError = "signature_error",
        /// A retry without the signatures failed.
        SignatureRetry = "signature_retry",
    }
}

words! {
    /// How a transport failed before or while an answer was read.
    pub enum TransportFault {
        /// Host name not resolved.
        Dns = "dns",
        /// TCP connection refused, unreachable or timed out.
        Connect = "connect",
        /// TLS handshake.
        Tls = "tls",
        /// Connection broken.
        Reset = "reset",
        /// No first byte in time.
        Timeout = "timeout",
        /// The answer was not HTTP, or broke HTTP's rules.
        Protocol = "protocol",
        /// The account's proxy could not be reached, refused, or got no further.
        Proxy = "proxy",
        /// The address must not be connected to.
        Forbidden = "forbidden",
    }
}

words! {
    /// How a `200` answer broke.
    pub enum StreamFault {
        /// The provider sent an error inside the stream.
        ErrorEvent = "error_event",
        /// It ended without its end marker.
        Truncated = "truncated",
        /// The connection broke in the middle.
        Reset = "reset",
        /// Silence beyond the idle time-out.
        Stalled = "stalled",
        /// Something that is not the protocol: wrong content type, garbage.
        Garbage = "garbage",
        /// The model broke its own answer off, and the provider says so.
        GaveUp = "gave_up",
        /// Larger than the configured limit.
        TooLarge = "too_large",
    }
}

words! {
    /// The one word the decision function answers with.
    pub enum Decision {
        /// Pass the answer on.
        Serve = "serve",
        /// Try this account again.
        RetrySameAccount = "retry_same_account",
        /// Try the next account.
        NextAccount = "next_account",
        /// Give the provider's error to the client.
        Surface = "surface",
        /// Stop trying and answer with an error of our own.
        GiveUp = "give_up",
    }
}

words! {
    /// Why an account was passed over.
    pub enum Exclusion {
        /// Switched off by hand.
        Disabled = "disabled",
        /// Does not serve the model.
        ModelNotServed = "model_not_served",
        /// Already tried for this request.
        AlreadyTried = "already_tried",
        /// All its slots are taken.
        NoSlot = "no_slot",
        /// Could have served, but another was chosen first.
        LowerPriority = "lower_priority",
        /// Same priority, but more requests in flight.
        MoreInFlight = "more_in_flight",
        /// Its credential, proxy or headers could not be opened or read.
        NoCredential = "no_credential",
        /// The provider's limit is used up until the deadline.
        RateLimited = "rate_limited",
        /// The provider had no capacity, or kept failing.
        Overloaded = "overloaded",
        /// A rule of the operator's says to wait.
        Paused = "paused",
        /// Its credential or standing was refused.
        Error = "error",
        /// Its deadline has passed, and another request is finding out whether it serves again.
        HalfOpen = "half_open",
        /// What the provider is known to allow would be exceeded.
        QuotaReached = "quota_reached",
        /// Same load, but slower, or used more recently.
        LessPreferred = "less_preferred",
        /// The way to its provider is failing; others are tried first.
        WayFailing = "way_failing",
        /// The conversation belongs to another account.
        Sticky = "sticky",
        /// Its provider has no words for what is asked.
        Untranslatable = "untranslatable",
    }
}

impl Exclusion {
    /// Whether it is a provider's limit or trouble that keeps the account from serving.
    pub const fn is_of_provider(self) -> bool {
        match self {
            Exclusion::RateLimited
            | Exclusion::Overloaded
            | Exclusion::QuotaReached
            | Exclusion::HalfOpen => true,
            Exclusion::Disabled
            | Exclusion::ModelNotServed
            | Exclusion::AlreadyTried
            | Exclusion::NoSlot
            | Exclusion::LowerPriority
            | Exclusion::MoreInFlight
            | Exclusion::NoCredential
            | Exclusion::Paused
            | Exclusion::Error
            | Exclusion::LessPreferred
            | Exclusion::WayFailing
            | Exclusion::Sticky
            | Exclusion::Untranslatable => false,
        }
    }
}

/// What ingress saw.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The method.
    pub method: Method,
    /// Path and query as they came; a key may be in the query, so never stored unredacted.
    pub path: PathAndQuery,
    /// The language the client speaks.
    pub protocol: Protocol,
    /// What was asked for; `None` when the path is none of ours.
    pub endpoint: Option<Endpoint>,
    /// The model the client named.
    pub model: Option<Arc<str>>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The peer's address.
    pub client_ip: IpAddr,
    /// Request headers as they came, credentials included: never stored unredacted.
    pub headers: HeaderMap,
    /// The body as it came, shared with the upstream request.
    pub body: Bytes,
    /// Body length in bytes; larger than `body` when it was refused before being read whole.
    pub body_bytes: u64,
    /// What ties the request to earlier ones of its conversation.
    pub sticky: Option<Sticky>,
}

/// What ties a request to earlier ones of its conversation: requests with the same key are best served
/// by the same account, which has the beginning of the conversation in its prompt cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sticky {
    /// A hash that is the same in every process and on every machine.
    pub key: u64,
    /// What it is a hash of.
    pub from: StickySource,
}

words! {
    /// What a sticky key was made of.
    pub enum StickySource {
        /// An id that the client sends with every request of a conversation.
        Session = "session",
        /// How a conversation of several turns begins.
        Prefix = "prefix",
    }
}

/// What auth found.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The key.
    pub api_key_id: ApiKeyId,
    /// Its name.
    pub api_key_name: Arc<str>,
    /// Its owner.
    pub user_id: UserId,
    /// The owner's name.
    pub user_name: Arc<str>,
    /// Time spent in auth.
    pub auth_latency_ms: u32,
}

/// What routing decided.
#[derive(Debug, Clone)]
pub struct Routing {
    /// The group that serves.
    pub group_id: GroupId,
    /// Its name.
    pub group_name: Arc<str>,
    /// Platform of its accounts.
    pub platform: Platform,
    /// Every account that was looked at, and why it was passed over; filled for failures.
    pub candidates: Vec<Candidate>,
    /// Time spent choosing and waiting, all choices together.
    pub routing_latency_ms: u32,
    /// What part of that was spent in the queue for a slot; `None` when it did not wait.
    pub queued: Option<Queued>,
    /// Which configuration was in force.
    pub config_version: i64,
}

/// A wait for a slot.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
pub struct Queued {
    /// Requests of the group that were waiting already when it joined.
    pub ahead: u32,
    /// How long it waited.
    pub waited_ms: u32,
}

/// One account that routing looked at.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, PartialEq, Eq, utoipa::ToSchema)]
pub struct Candidate {
    /// The account.
    pub account_id: AccountId,
    /// Its name.
    #[schema(value_type = String)]
    pub account_name: Arc<str>,
    /// Why it was passed over; `null` for the chosen one.
    pub excluded: Option<Exclusion>,
    /// What the reason applies to: the account, or a model on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Since when it is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<UnixMillis>,
    /// Until when it stays so, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixMillis>,
    /// The event of the account that made it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<AccountEventId>,
    /// The request that caused that event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub caused_by: Option<RequestId>,
    /// The cause of that request's failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What was said, or what is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Candidate {
    /// A candidate of which there is no more to say.
    pub fn new(
        account_id: AccountId,
        account_name: Arc<str>,
        excluded: Option<Exclusion>,
    ) -> Candidate {
        Candidate {
            account_id,
            account_name,
            excluded,
            scope: None,
            since: None,
            until: None,
            event_id: None,
            caused_by: None,
            cause: None,
            reason: None,
        }
    }
}

/// One try on one account.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// The account.
    pub account_id: AccountId,
    /// Its name.
    pub account_name: Arc<str>,
    /// Its platform.
    pub platform: Platform,
    /// The model name sent to the provider.
    pub upstream_model: Option<Arc<str>>,
    /// Host (and port) of the provider.
    pub host: Arc<str>,
    /// Host and port of the proxy; `None` without one.
    pub proxy: Option<Arc<str>>,
    /// When it began.
    pub started_at: UnixMillis,
    /// Time to connect (DNS, TCP, TLS); `None` on a reused connection.
    pub connect_ms: Option<u32>,
    /// Time from the start to the answer's head.
    pub first_byte_ms: Option<u32>,
    /// Time from the start to the verdict on this attempt.
    pub duration_ms: u32,
    /// The provider's status, if it answered.
    pub status: Option<u16>,
    /// The provider's id for the request.
    pub upstream_request_id: Option<String>,
    /// What went wrong; `None` when it served.
    pub failure: Option<Failure>,
    /// What was decided after it.
    pub decision: Decision,
    /// Why.
    pub decision_reason: &'static str,
}

/// Facts of a failed attempt.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Kind of event.
    pub kind: EventKind,
    /// The cause, read from the facts below.
    pub cause: Cause,
    /// How the transport failed, if it did.
    pub transport: Option<TransportFault>,
    /// How the `200` broke, if it did.
    pub stream: Option<StreamFault>,
    /// What the provider (or the transport) said, in one line.
    pub message: String,
    /// The provider's most specific machine name for the error.
    pub name: Option<String>,
    /// What else the provider said: outer messages, the parameter, quota ids.
    pub detail: Option<String>,
    /// The response body or stream frame that carried the error; empty if none.
    pub body: Bytes,
    /// The headers sent upstream; the credential is among them, so never stored unredacted.
    pub request_headers: HeaderMap,
    /// The response headers.
    pub response_headers: HeaderMap,
    /// The stated wait.
    pub retry_after_ms: Option<u64>,
    /// Where the wait was read from: a header's name or a body field's path.
    pub retry_after_source: Option<String>,
    /// What the limit reaches, where the failure is one.
    pub reach: Reach,
}

/// What relay measured.
#[derive(Debug, Clone, Default)]
pub struct Relayed {
    /// From sending upstream to the answer's head, of the attempt that answered.
    pub upstream_latency_ms: Option<u32>,
    /// From arrival to the first content byte given to the client.
    pub time_to_first_token_ms: Option<u32>,
    /// From the answer's head to its end.
    pub response_latency_ms: Option<u32>,
    /// Tokens, as the provider counted them.
    pub usage: Usage,
    /// What they cost, where the model has a price.
    pub cost: Option<MicroUsd>,
}

/// Tokens, as a provider reports them.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
pub struct Usage {
    /// Prompt tokens, cached ones included where the provider includes them.
    pub input_tokens: Option<u64>,
    /// Answer tokens.
    pub output_tokens: Option<u64>,
    /// Prompt tokens read from the provider's cache.
    pub cache_read_tokens: Option<u64>,
    /// Prompt tokens written to the provider's cache.
    pub cache_write_tokens: Option<u64>,
}

impl Usage {
    /// Takes what `newer` states and keeps the rest: streams report input first and output last.
    pub fn merge(&mut self, newer: Usage) {
        self.input_tokens = newer.input_tokens.or(self.input_tokens);
        self.output_tokens = newer.output_tokens.or(self.output_tokens);
        self.cache_read_tokens = newer.cache_read_tokens.or(self.cache_read_tokens);
        self.cache_write_tokens = newer.cache_write_tokens.or(self.cache_write_tokens);
    }
}

/// How the request ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The client has a whole, good answer.
    Served,
    /// Waybill answered with an error of its own, without or after attempts.
    Refused {
        /// The cause.
        cause: Cause,
        /// What the log says; may hold more than the client was told.
        message: String,
    },
    /// The last attempt's failure decided: `Upstream` when the client has the provider's own error or
    /// a broken stream, `Gateway` when Waybill answered in its place (a credential of the pool, the network).
    Failed {
        /// Who spoke to the client.
        source: Source,
    },
    /// The client went away.
    ClientLeft,
    /// The client stopped reading.
    ClientStalled,
    /// The waybill was dropped without a verdict: a defect, counted as one.
    Abandoned {
        /// The last stage that stamped it.
        stage: Stage,
    },
}

/// The value that travels.
#[derive(Debug)]
pub struct Waybill {
    /// Its id.
    pub request_id: RequestId,
    /// When the request arrived.
    pub opened_at: UnixMillis,
    /// The failure that is sent again here; `None`: a client sent the request. Stamped before anything else.
    pub replay_of: Option<ErrorId>,
    /// The trace it belongs to; `None` where nobody collects traces. Stamped before anything else.
    pub trace: Option<Box<TraceContext>>,
    /// Stamped by ingress.
    pub arrival: Arrival,
    /// Stamped by auth.
    pub admission: Option<Admission>,
    /// Stamped by routing.
    pub routing: Option<Routing>,
    /// The same failure met it on two accounts: it is at fault itself. Stamped by upstream.
    pub request_at_fault: bool,
    attempts: Vec<Attempt>,
    attempts_made: u32,
    attempts_failed: u32,
    /// Stamped by relay.
    pub relayed: Option<Relayed>,
}

impl Waybill {
    /// Opens a waybill.
    pub fn open(request_id: RequestId, opened_at: UnixMillis, arrival: Arrival) -> Self {
        Waybill {
            request_id,
            opened_at,
            replay_of: None,
            trace: None,
            arrival,
            admission: None,
            routing: None,
            request_at_fault: false,
            attempts: Vec::new(),
            attempts_made: 0,
            attempts_failed: 0,
            relayed: None,
        }
    }

    /// Stamps an attempt that begins, so that one which is cut off is on the record, too. Beyond
    /// [`MAX_ATTEMPTS_KEPT`] the oldest is let go and only counted.
    pub fn begin_attempt(&mut self, attempt: Attempt) {
        self.attempts_made += 1;
        if self.attempts.is_empty() {
            // Nearly every request is served by its first attempt.
            self.attempts.reserve_exact(1);
        }
        if self.attempts.len() == MAX_ATTEMPTS_KEPT {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
    }

    /// Puts the facts of the attempt begun last in place of what was stamped when it began.
    pub fn complete_attempt(&mut self, attempt: Attempt) {
        self.attempts_failed += u32::from(attempt.failure.is_some());
        if let Some(last) = self.attempts.last_mut() {
            *last = attempt;
        }
    }

    /// The attempts kept, oldest first.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The newest attempt, to complete its facts while its answer is relayed.
    pub fn last_attempt_mut(&mut self) -> Option<&mut Attempt> {
        self.attempts.last_mut()
    }

    /// Turns the newest attempt, stamped as serving, into a failed one: its `200` broke.
    pub fn fail_last_attempt(
        &mut self,
        failure: Failure,
        decision: Decision,
        reason: &'static str,
    ) {
        if let Some(last) = self.attempts.last_mut() {
            self.attempts_failed += u32::from(last.failure.is_none());
            last.failure = Some(failure);
            last.decision = decision;
            last.decision_reason = reason;
        }
    }

    /// How many attempts were made, the ones no longer kept included.
    pub fn attempts_made(&self) -> u32 {
        self.attempts_made
    }

    /// How many attempts failed, the ones no longer kept included.
    pub fn attempts_failed(&self) -> u32 {
        self.attempts_failed
    }

    /// Of the account that was tried last, else of the group that was to serve, else the client's own.
    pub fn platform(&self) -> Platform {
        let tried = self.attempts.last().map(|attempt| attempt.platform);
        let routed = self.routing.as_ref().map(|routing| routing.platform);
        tried
            .or(routed)
            .unwrap_or_else(|| self.arrival.protocol.native_platform())
    }

    /// The last stage that stamped it.
    pub fn stage(&self) -> Stage {
        if self.relayed.is_some() {
            Stage::Relay
        } else if self.attempts_made > 0 {
            Stage::Upstream
        } else if self.routing.is_some() {
            Stage::Routing
        } else if self.admission.is_some() {
            Stage::Auth
        } else {
            Stage::Ingress
        }
    }

    /// Ends the way. The only road to the recorder.
    pub fn finish(
        self: Box<Self>,
        outcome: Outcome,
        status_code: u16,
        told: Bytes,
        finished_at: UnixMillis,
    ) -> Finished {
        Finished {
            waybill: self,
            outcome,
            status_code,
            told,
            finished_at,
        }
    }
}

/// A waybill whose request is over.
#[derive(Debug)]
pub struct Finished {
    /// The facts. Boxed, because many wait in a queue and are moved on the way.
    pub waybill: Box<Waybill>,
    /// How it ended.
    pub outcome: Outcome,
    /// The status the client was sent.
    pub status_code: u16,
    /// The error body or error event the client was sent; empty when it was sent none.
    pub told: Bytes,
    /// When it ended.
    pub finished_at: UnixMillis,
}

impl Finished {
    /// Whether the client must not see the end of its answer before the record is committed: the
    /// request failed, or succeeded after a failure that failover hid.
    pub fn must_be_durable(&self) -> bool {
        !matches!(self.outcome, Outcome::Served) || self.waybill.attempts_failed > 0
    }
}
