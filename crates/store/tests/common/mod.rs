//! What the suites share: a fresh store, and records to put into it.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use tempfile::TempDir;
use waybill_model::{
    cause::Cause,
    entity::{HttpVersion, Sealed, Status},
    id::{AccountId, ApiKeyId, GroupId, RequestId, UserId},
    limits::Quota,
    protocol::{Endpoint, Platform},
    record::{ErrorRow, EventRow, Record, ReplayRow, RequestRow, Subject, Verdict},
    redact::Shown,
    time::UnixMillis,
    view::{Filter, Page, Sort},
    waybill::{Candidate, Decision, EventKind, Exclusion, Queued, Usage},
};
use waybill_store::{Batch, CommitReport, Fate, Journal, NewAccount, Store, StoreOptions};

/// Midnight of a day that all records are from.
pub const DAY: UnixMillis = UnixMillis(1_760_000_000_000);

/// A store in a folder of its own, and its journal.
pub struct Fixture {
    pub store: Store,
    pub journal: Journal,
    pub folder: TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut StoreOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = StoreOptions::at(folder.path().join("waybill.db"));
        change(&mut options);
        let store = Store::open(options).unwrap();
        let journal = store.journal().unwrap();
        Fixture {
            store,
            journal,
            folder,
        }
    }

    /// Commits records that must all be stored whole.
    pub fn write(&mut self, records: &[Record]) {
        let CommitReport { fates, .. } = self.journal.commit(Batch::of(records));
        assert_eq!(fates, vec![Fate::Stored; records.len()]);
    }

    /// The store on the files as they are while everything is open: what a killed process leaves behind.
    pub fn as_after_a_crash(&self) -> Store {
        let after = self.folder.path().join("after");
        std::fs::create_dir(&after).unwrap();
        for file in ["waybill.db", "waybill.db-wal"] {
            std::fs::copy(self.folder.path().join(file), after.join(file)).unwrap();
        }
        Store::open(StoreOptions::at(after.join("waybill.db"))).unwrap()
    }
}

/// An account with nothing special about it.
pub fn new_account(name: &str) -> NewAccount {
    NewAccount {
        name: name.to_owned(),
        platform: Platform::Anthropic,
        base_url: "https://127.0.0.1:9".to_owned(),
        group_ids: Vec::new(),
        priority: 0,
        concurrency: None,
        models: Vec::new(),
        model_mapping: Vec::new(),
        http_version: HttpVersion::Auto,
        quota: Quota::default(),
        counted_statuses: None,
        state_rules: Vec::new(),
        probe: None,
        status: Status::Active,
        credential: Sealed(vec![1]),
        proxy: None,
        headers: None,
    }
}

pub fn everything() -> Filter {
    Filter::between(UnixMillis(i64::MIN), UnixMillis(i64::MAX))
}

pub fn first_page(page_size: u32) -> Page {
    Page {
        sort: Sort::Newest,
        page: 1,
        page_size,
        cursor: None,
    }
}

pub fn request_id(n: u64) -> RequestId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    RequestId::new(at(n), random)
}

/// The instant the `n`th record arrived at.
pub fn at(n: u64) -> UnixMillis {
    DAY.plus_ms(i64::try_from(n).unwrap())
}

/// `repeat` times sixteen bytes of text.
pub fn long_text(repeat: usize) -> Shown {
    let part = Shown::own("sixteen letters.");
    Shown::join(vec![&part; repeat], "")
}

pub fn subject(n: u64) -> Subject {
    Subject {
        request_id: request_id(n),
        created_at: at(n),
        client_request_id: None,
        platform: Platform::Anthropic,
        endpoint: Some(Endpoint::Messages),
        model: Some(Shown::own("claude-sonnet-4-5")),
        stream: true,
        status_code: 200,
        latency_ms: 1_234,
        time_to_first_token_ms: Some(321),
        user_id: Some(UserId(1)),
        api_key_id: Some(ApiKeyId(2)),
        account_id: Some(AccountId(3)),
        group_id: Some(GroupId(4)),
        attempts: 1,
    }
}

pub fn verdict(cause: Cause) -> Verdict {
    let info = cause.info();
    Verdict {
        phase: info.phase,
        error_type: info.error_type,
        cause,
        severity: info.severity,
        owner: info.owner,
        source: waybill_model::cause::Source::Upstream,
        is_retryable: info.retryable,
        is_business_limited: info.business_limited,
        rules_version: 1,
    }
}

/// A success that nothing happened to.
pub fn success(n: u64) -> Record {
    let usage = Usage {
        input_tokens: Some(1_000),
        output_tokens: Some(200),
        ..Usage::default()
    };
    Record {
        request: Some(RequestRow {
            subject: subject(n),
            cause: None,
            recovered: false,
            usage,
            cost: Some(waybill_model::money::MicroUsd(1_250)),
        }),
        error: None,
        events: Vec::new(),
        replay: None,
    }
}

/// A failure after two attempts, with everything a failure can have.
pub fn failure(n: u64) -> Record {
    let subject = Subject {
        status_code: 529,
        attempts: 2,
        ..subject(n)
    };
    Record {
        request: Some(RequestRow {
            subject: subject.clone(),
            cause: Some(Cause::Overloaded),
            recovered: false,
            usage: Usage::default(),
            cost: Some(waybill_model::money::MicroUsd(1_250)),
        }),
        error: Some(Box::new(error_row(subject, Cause::Overloaded))),
        events: vec![
            event(n, 1, EventKind::Failover, Decision::NextAccount),
            event(n, 2, EventKind::HttpError, Decision::Surface),
        ],
        replay: Some(ReplayRow {
            sealed: Sealed(vec![7; 600]),
            body_bytes: 2_048,
        }),
    }
}

/// A success after one hidden failure.
pub fn recovered(n: u64) -> Record {
    let mut record = failure(n);
    record.events.truncate(1);
    record.replay = None;
    let error = record.error.as_mut().unwrap();
    error.recovered = true;
    error.subject.status_code = 200;
    error.upstream_error_count = 1;
    let request = record.request.as_mut().unwrap();
    request.recovered = true;
    request.cause = None;
    request.subject.status_code = 200;
    record
}

pub fn error_row(subject: Subject, cause: Cause) -> ErrorRow {
    ErrorRow {
        subject,
        verdict: verdict(cause),
        message: Shown::own("Overloaded: try again later"),
        fingerprint: [9; 16],
        recovered: false,
        upstream_error_count: 2,
        user_name: Some(Shown::own("ada")),
        api_key_name: Some(Shown::own("dev")),
        account_name: Some(Shown::own("anthropic-1")),
        group_name: Some(Shown::own("claude")),
        client_ip: "192.0.2.7".parse().unwrap(),
        request_path: Shown::own("/v1/messages?beta=true"),
        user_agent: Some(Shown::own("test-agent/1.0")),
        error_body: Some(Shown::own(r#"{"type":"error"}"#)),
        upstream_status_code: Some(529),
        upstream_error_message: Some(Shown::own("Overloaded")),
        upstream_error_detail: Some(Shown::own("overloaded_error")),
        auth_latency_ms: Some(1),
        routing_latency_ms: Some(2),
        upstream_latency_ms: Some(3),
        response_latency_ms: Some(4),
        request_body: Some(long_text(128)),
        request_body_truncated: false,
        request_body_bytes: 2_048,
        request_headers: Some(Shown::own(r#"{"accept":"*/*"}"#)),
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

pub fn event(n: u64, attempt: u32, kind: EventKind, decision: Decision) -> EventRow {
    EventRow {
        created_at: at(n).plus_ms(i64::from(attempt)),
        attempt,
        platform: Platform::Anthropic,
        model: Some(Shown::own("claude-sonnet-4-5")),
        account_id: AccountId(2 + i64::from(attempt)),
        account_name: Shown::own("anthropic-1"),
        upstream_host: Shown::own("provider.test"),
        upstream_status_code: Some(529),
        upstream_request_id: Some(Shown::own("req_upstream")),
        kind,
        cause: Cause::Overloaded,
        name: Some(Shown::own("overloaded_error")),
        message: Shown::own("Overloaded"),
        detail: Some(Shown::own("error.type: overloaded_error")),
        request_headers: Some(Shown::own(r#"{"accept":"*/*"}"#)),
        response_headers: Some(Shown::own(r#"{"retry-after":"2"}"#)),
        response_body: Some(long_text(16)),
        connect_ms: None,
        first_byte_ms: Some(80),
        duration_ms: 90,
        retry_after_ms: Some(2_000),
        retry_after_source: Some(Shown::own("retry-after")),
        decision,
        decision_reason: "another account may serve",
    }
}
