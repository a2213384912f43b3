//! Records to ingest: each with all that a failure can have, and with values that differ as they do in
//! use, so that indexes have something to do.
//!
//! Made once and given new ids and instants again and again, which is cheap beside writing them.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use waybill_model::{
    cause::{Cause, Source},
    classify::ruling::Ruling,
    entity::Sealed,
    id::{AccountId, ApiKeyId, GroupId, RequestId, UserId},
    money::MicroUsd,
    protocol::{Endpoint, Platform},
    record::{ErrorRow, EventRow, Record, ReplayRow, RequestRow, Stages, Subject, Traits, Verdict},
    redact::Shown,
    time::UnixMillis,
    waybill::{Candidate, Decision, EventKind, Exclusion, Queued, Usage},
};

use super::Kind;

/// Different records, before they repeat themselves.
const DIFFERENT: u64 = 10_000;
/// Accounts, client keys and error fingerprints among them.
const ACCOUNTS: u64 = 50;
const KEYS: u64 = 200;
const FINGERPRINTS: u64 = 300;

const CAUSES: [(Cause, u16); 4] = [
    (Cause::Overloaded, 529),
    (Cause::RateLimitTokens, 429),
    (Cause::ServerError, 500),
    (Cause::UpstreamTimeout, 504),
];
const MODELS: [&str; 5] = [
    "claude-sonnet-4-5",
    "claude-opus-4-1",
    "claude-haiku-4-5",
    "claude-sonnet-4",
    "claude-3-7-sonnet",
];
const MESSAGES: [&str; 4] = [
    "Overloaded: the provider takes no more requests now, try again later",
    "This request would exceed the rate limit of 400,000 input tokens per minute of the organization",
    "Internal server error",
    "No answer within the time allowed",
];

/// Records without end.
pub struct Records {
    pool: Vec<Record>,
    batch: usize,
    next: usize,
    made: u64,
    /// Differs from run to run.
    salt: u64,
}

impl Records {
    /// Batches of so many records.
    pub fn new(kind: Kind, batch: usize) -> Records {
        let make = match kind {
            Kind::Failures => failure,
            Kind::Successes => success,
        };
        let batch = batch.max(1);
        let count = (DIFFERENT as usize).next_multiple_of(batch);
        Records {
            pool: (0..count as u64).map(make).collect(),
            batch,
            next: 0,
            made: 0,
            salt: now().0.unsigned_abs(),
        }
    }

    /// The next batch: its requests have arrived just now.
    pub fn next(&mut self) -> &[Record] {
        let at = now();
        let begin = self.next;
        self.next = (begin + self.batch) % self.pool.len();
        let batch = &mut self.pool[begin..begin + self.batch];
        for record in &mut *batch {
            self.made += 1;
            renew(record, at, mix(self.made ^ self.salt << 24));
        }
        batch
    }
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixMillis(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0)))
}

/// Another request, otherwise the same.
fn renew(record: &mut Record, at: UnixMillis, random: u64) {
    let id = |salt: u64| {
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&mix(random ^ salt).to_le_bytes());
        bytes[8..].copy_from_slice(&random.to_le_bytes()[..2]);
        RequestId::new(at, bytes)
    };
    let subjects = record
        .request
        .iter_mut()
        .map(|row| &mut row.subject)
        .chain(record.error.iter_mut().map(|row| &mut row.subject));
    for subject in subjects {
        subject.request_id = id(0);
        subject.created_at = at;
    }
    for event in &mut record.events {
        event.created_at = at.plus_ms(i64::from(event.attempt));
        event.upstream_request_id = Some(Shown::request_id(id(u64::from(event.attempt))));
    }
}

/// A number that looks like chance.
fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn one_of(n: u64, salt: u64, count: u64) -> u64 {
    mix(n ^ salt << 40) % count
}

fn subject(n: u64) -> Subject {
    let key = one_of(n, 1, KEYS);
    Subject {
        request_id: RequestId::new(UnixMillis(0), [0; 10]),
        created_at: UnixMillis(0),
        client_request_id: None,
        platform: Platform::Anthropic,
        endpoint: Some(Endpoint::Messages),
        model: Some(Shown::own(
            MODELS[one_of(n, 2, MODELS.len() as u64) as usize],
        )),
        stream: n.is_multiple_of(2),
        status_code: 200,
        latency_ms: 1_234 + one_of(n, 3, 5_000) as u32,
        time_to_first_token_ms: Some(321),
        user_id: Some(UserId(1 + key as i64 / 4)),
        api_key_id: Some(ApiKeyId(1 + key as i64)),
        account_id: Some(AccountId(1 + one_of(n, 4, ACCOUNTS) as i64)),
        group_id: Some(GroupId(1 + key as i64 / 50)),
        attempts: 1,
        replay_of: None,
        traits: Traits {
            client: Some(Shown::own("claude-cli 1.0.83")),
            headers: Some(Shown::own("anthropic-version: 2023-06-01")),
            config_version: Some(7),
            egress: Some(Shown::own("direct")),
        },
    }
}

fn success(n: u64) -> Record {
    Record {
        request: Some(RequestRow {
            subject: subject(n),
            cause: None,
            recovered: false,
            usage: Usage {
                input_tokens: Some(1_000 + one_of(n, 5, 9_000)),
                output_tokens: Some(200),
                ..Usage::default()
            },
            cost: Some(MicroUsd(1_250)),
            body_bytes: Some(2_048),
            stages: Stages::default(),
            unserved: false,
        }),
        error: None,
        events: Vec::new(),
        replay: None,
    }
}

fn failure(n: u64) -> Record {
    let which = one_of(n, 6, CAUSES.len() as u64) as usize;
    let (cause, status_code) = CAUSES[which];
    let subject = Subject {
        status_code,
        attempts: 2,
        ..subject(n)
    };
    Record {
        request: Some(RequestRow {
            subject: subject.clone(),
            cause: Some(cause),
            recovered: false,
            usage: Usage::default(),
            cost: None,
            body_bytes: Some(2_048),
            stages: Stages::default(),
            unserved: false,
        }),
        events: vec![
            event(n, 1, which, EventKind::Failover, Decision::NextAccount),
            event(n, 2, which, EventKind::HttpError, Decision::Surface),
        ],
        error: Some(Box::new(error(n, subject, which))),
        replay: Some(ReplayRow {
            sealed: Sealed(
                (0..75)
                    .flat_map(|i| mix(n ^ i << 32).to_le_bytes())
                    .collect(),
            ),
            body_bytes: 2_048,
            parts: Vec::new(),
        }),
    }
}

fn error(n: u64, subject: Subject, which: usize) -> ErrorRow {
    let (cause, status) = CAUSES[which];
    let info = cause.info();
    let mut fingerprint = [0; 16];
    fingerprint[..8].copy_from_slice(&mix(one_of(n, 7, FINGERPRINTS)).to_le_bytes());
    ErrorRow {
        subject,
        verdict: Verdict {
            phase: info.phase,
            error_type: info.error_type,
            cause,
            severity: info.severity,
            owner: info.owner,
            source: Source::Upstream,
            is_retryable: info.retryable,
            is_business_limited: info.business_limited,
            rules_version: 1,
        },
        ruling: Ruling::default(),
        message: Shown::own(MESSAGES[which]),
        fingerprint,
        recovered: false,
        upstream_error_count: 2,
        user_name: Some(Shown::own("ada")),
        api_key_name: Some(Shown::own("dev")),
        account_name: Some(Shown::own("anthropic-1")),
        group_name: Some(Shown::own("claude")),
        client_ip: std::net::Ipv4Addr::new(192, 0, 2, one_of(n, 8, 250) as u8).into(),
        request_path: Shown::own("/v1/messages?beta=true"),
        user_agent: Some(Shown::own("claude-cli/2.0 (external, cli)")),
        error_body: Some(Shown::own(
            r#"{"type":"error","error":{"type":"overloaded_error"}}"#,
        )),
        upstream_status_code: Some(status),
        upstream_error_message: Some(Shown::own(MESSAGES[which])),
        upstream_error_detail: Some(Shown::own("overloaded_error")),
        auth_latency_ms: Some(1),
        routing_latency_ms: Some(2),
        upstream_latency_ms: Some(3),
        response_latency_ms: Some(4),
        request_body: Some(text(n, 128)),
        request_body_truncated: false,
        request_body_bytes: 2_048,
        request_headers: Some(Shown::own(
            r#"[["accept","application/json"],["content-type","application/json"]]"#,
        )),
        queued: Some(Queued {
            ahead: 3,
            waited_ms: 40,
        }),
        route: vec![Candidate::new(
            AccountId(5),
            Arc::from("anthropic-2"),
            Some(Exclusion::NoSlot),
        )],
    }
}

fn event(n: u64, attempt: u32, which: usize, kind: EventKind, decision: Decision) -> EventRow {
    let (cause, status) = CAUSES[which];
    EventRow {
        created_at: UnixMillis(0),
        attempt,
        platform: Platform::Anthropic,
        model: Some(Shown::own(
            MODELS[one_of(n, 2, MODELS.len() as u64) as usize],
        )),
        account_id: AccountId(1 + one_of(n, 8 + u64::from(attempt), ACCOUNTS) as i64),
        account_name: Shown::own("anthropic-1"),
        upstream_host: Shown::own("provider.test"),
        upstream_status_code: Some(status),
        upstream_request_id: None,
        kind,
        cause,
        name: Some(Shown::own("overloaded_error")),
        message: Shown::own(MESSAGES[which]),
        detail: Some(Shown::own("error.type: overloaded_error")),
        request_headers: Some(Shown::own(r#"[["accept","application/json"]]"#)),
        response_headers: Some(Shown::own(r#"[["retry-after","2"]]"#)),
        response_body: Some(text(n, 16)),
        connect_ms: None,
        first_byte_ms: Some(80),
        duration_ms: 90,
        retry_after_ms: Some(2_000),
        retry_after_source: Some(Shown::own("retry-after")),
        decision,
        decision_reason: "another account may serve",
    }
}

/// `words` times about sixteen bytes.
fn text(n: u64, words: u64) -> Shown {
    const WORDS: [&str; 8] = [
        "The quick brown",
        "fox reads a log,",
        "finds one line,",
        "and asks itself",
        "what has failed.",
        "Was it the host",
        "or the account?",
        "Nobody can tell:",
    ];
    let parts: Vec<Shown> = (0..words)
        .map(|i| Shown::own(WORDS[one_of(n, 16 + i, WORDS.len() as u64) as usize]))
        .collect();
    Shown::join(&parts, " ")
}
