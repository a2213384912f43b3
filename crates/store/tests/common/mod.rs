//! What the suites share: a fresh store, and records to put into it.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

pub mod along;
pub mod postgres;

use std::{path::Path, sync::Arc};

use tempfile::TempDir;
use waybill_model::{
    cause::Cause,
    classify::ruling::Ruling,
    entity::{HttpVersion, Sealed, Status},
    id::{AccountId, ApiKeyId, GroupId, RequestId, UserId},
    limits::Quota,
    protocol::{Endpoint, Platform},
    record::{self, ErrorRow, EventRow, Record, ReplayRow, RequestRow, Stages, Traits, Verdict},
    redact::Shown,
    secret::Secret,
    time::UnixMillis,
    view::{Filter, Page, Sort},
    waybill::{Candidate, Decision, EventKind, Exclusion, Queued, Usage},
};
use waybill_store::{
    Batch, CommitReport, Fate, Forwarder, Journal, NewAccount, PostgresOptions, Store, StoreOptions,
};

/// Midnight of a day that all records are from.
pub const DAY: UnixMillis = UnixMillis(1_760_000_000_000);

/// Which database a contract is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The embedded store.
    Sqlite,
    /// The shared store, behind a spool.
    Postgres,
}

/// Runs each of these `async fn(Subject)` against both databases.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::common::Subject::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::common::Subject::Postgres).await;
            })*
        }
    };
}

/// The same for `fn(Subject)`, which bring a runtime of their own.
#[macro_export]
macro_rules! on_both_plain {
    ($($name:ident),* $(,)?) => {
        mod sqlite_plain {
            $(#[test]
            fn $name() {
                super::$name($crate::common::Subject::Sqlite);
            })*
        }
        mod postgres_plain {
            $(#[test]
            fn $name() {
                super::$name($crate::common::Subject::Postgres);
            })*
        }
    };
}

/// A store in a folder of its own, and its journal. What is behind a spool has a database of its own.
pub struct Fixture {
    pub store: Store,
    pub journal: Journal,
    pub folder: TempDir,
    pub forwarder: Option<Forwarder>,
    /// Of the shared database.
    pub url: Option<String>,
    /// The last to go.
    database: Option<postgres::Own>,
}

impl Fixture {
    /// An embedded store.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// An embedded store, opened in a way of its own.
    pub fn with(change: impl FnOnce(&mut StoreOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = StoreOptions::at(folder.path().join(FILE));
        change(&mut options);
        let store = Store::open(options).unwrap();
        Self::of(store, folder, None)
    }

    pub async fn on(subject: Subject) -> Self {
        match subject {
            Subject::Sqlite => Self::new(),
            Subject::Postgres => {
                let database = postgres::Own::new();
                let mut fixture = Self::at(database.url().to_owned(), |_, _| {});
                fixture.database = Some(database);
                fixture
            }
        }
    }

    /// A replica of a shared store, opened in a way of its own.
    pub fn at(url: String, change: impl FnOnce(&mut StoreOptions, &mut PostgresOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = replica(folder.path(), &url, change);
        Self::of(store, folder, Some(url))
    }

    fn of(store: Store, folder: TempDir, url: Option<String>) -> Self {
        let journal = store.journal().unwrap();
        let forwarder = store.forwarder().unwrap();
        Fixture {
            store,
            journal,
            folder,
            forwarder,
            url,
            database: None,
        }
    }

    pub fn forwarder(&mut self) -> &mut Forwarder {
        self.forwarder.as_mut().unwrap()
    }

    /// Runs SQL in the shared database.
    pub fn sql(&self, statements: &str) -> String {
        postgres::sql(self.url.as_deref().unwrap(), statements)
    }

    /// Commits records that must all be stored whole, and moves them to where they are looked for.
    pub async fn write(&mut self, records: &[Record]) {
        let CommitReport { fates, .. } = self.journal.commit(Batch::of(records));
        assert_eq!(fates, vec![Fate::Stored; records.len()]);
        self.drain().await;
    }

    /// Moves what was committed to where it is looked for.
    pub async fn drain(&mut self) {
        if let Some(forwarder) = &mut self.forwarder {
            forwarder.drain().await.unwrap();
        }
    }

    /// The file that the journal writes to: the embedded store's, or the spool's.
    pub fn file(&self) -> std::path::PathBuf {
        self.folder.path().join(FILE)
    }

    /// The store on the files as they are while everything is open: what a killed process leaves behind.
    pub async fn as_after_a_crash(&self) -> Store {
        let after = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        copy_files(self.folder.path(), &after);
        let Some(url) = &self.url else {
            return Store::open(StoreOptions::at(after.join(FILE))).unwrap();
        };
        let store = replica(&after, url, |_, _| {});
        store.forwarder().unwrap().unwrap().drain().await.unwrap();
        store
    }
}

/// The file in a fixture's folder.
pub const FILE: &str = "waybill.db";

/// Copies a store's files as they are.
pub fn copy_files(from: &Path, to: &Path) {
    for file in [FILE, "waybill.db-wal"] {
        std::fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

/// A replica with its spool in a folder.
pub fn replica(
    folder: &Path,
    url: &str,
    change: impl FnOnce(&mut StoreOptions, &mut PostgresOptions),
) -> Store {
    let mut options = StoreOptions::at(folder.join(FILE));
    let mut postgres = PostgresOptions::at(Secret::new(url.to_owned()));
    change(&mut options, &mut postgres);
    let name = format!("spool-{}", folder.display());
    Store::shared(options, &postgres, &name).unwrap()
}

/// Waits until a condition holds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = std::time::Instant::now() + DEADLINE;
    while !holds().await {
        assert!(
            std::time::Instant::now() < deadline,
            "{what}: not within {DEADLINE:?}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Longest wait of a test for what must happen.
pub const DEADLINE: std::time::Duration = std::time::Duration::from_secs(60);

/// An account with nothing special about it.
/// Folds every request that is stored into roll-ups.
pub async fn roll_up(store: &Store) {
    while store.fold_rollups().await.unwrap().more {}
}

pub fn new_account(name: &str) -> NewAccount {
    NewAccount {
        name: name.to_owned(),
        platform: Platform::Anthropic,
        base_url: "https://127.0.0.1:9".to_owned(),
        fallback_urls: Vec::new(),
        apis: Vec::new(),
        project: None,
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

pub fn subject(n: u64) -> record::Subject {
    record::Subject {
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
        replay_of: None,
        traits: Traits {
            client: Some(Shown::own("claude-cli 1.0.83")),
            headers: Some(Shown::own("anthropic-version: 2023-06-01")),
            config_version: Some(7),
            egress: Some(Shown::own("direct")),
        },
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
            body_bytes: Some(2_048),
            stages: Stages::default(),
            unserved: false,
        }),
        error: None,
        events: Vec::new(),
        replay: None,
    }
}

/// A failure after two attempts, with everything a failure can have.
pub fn failure(n: u64) -> Record {
    let subject = record::Subject {
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
            body_bytes: Some(2_048),
            stages: Stages::default(),
            unserved: false,
        }),
        error: Some(Box::new(error_row(subject, Cause::Overloaded))),
        events: vec![
            event(n, 1, EventKind::Failover, Decision::NextAccount),
            event(n, 2, EventKind::HttpError, Decision::Surface),
        ],
        replay: Some(ReplayRow {
            sealed: Sealed(vec![7; 600]),
            body_bytes: 2_048,
            parts: Vec::new(),
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

pub fn error_row(subject: record::Subject, cause: Cause) -> ErrorRow {
    ErrorRow {
        subject,
        verdict: verdict(cause),
        ruling: Ruling::default(),
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
