//! The recorder on a real store: what goes along with records is on disk when they are.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, uri::PathAndQuery};
use tempfile::TempDir;
use waybill_model::{
    cause::Cause,
    id::{AccountEventId, AccountId, ApiKeyId, RequestId, UserId},
    limits::{Consumer, Window},
    protocol::{Endpoint, Platform, Protocol},
    secret::Secret,
    state::{AccountEvent, AccountEventKind, Scope},
    time::UnixMillis,
    waybill::{Admission, Arrival, Attempt, Decision, Finished, Outcome, Relayed, Usage, Waybill},
};
use waybill_store::{AccountEventFilter, Store, StoreOptions};

use super::{
    Composer, Recorder, RecorderThread,
    capture::Copies,
    queue::{ACCOUNT_EVENT_QUEUE, Queues},
    spawn,
};
use crate::{
    config::{Capture, RequestLogging},
    secrets::Secrets,
    telemetry::{self, Telemetry},
    vault::Vault,
};

const NOW: UnixMillis = UnixMillis(1_760_000_000_000);
const ACCOUNT: AccountId = AccountId(3);
const KEY: Consumer = Consumer::Key(ApiKeyId(2));

struct Desk {
    store: Store,
    recorder: Recorder,
    thread: RecorderThread,
    folder: TempDir,
}

impl Desk {
    /// A recorder that keeps failures alone.
    fn new() -> Desk {
        let (store, recorder, queues, folder) = parts();
        let secrets = Arc::new(Secrets::new(vec![Secret::new("a-live-secret-of-ours")]));
        let vault = Vault::new(&Secret::new("instance key"));
        let composer = Composer::new(secrets, vault, Capture::default(), Copies::InParts);
        let (telemetry, _) = Telemetry::new(telemetry::Settings::default(), NOW);
        let journal = store.journal().unwrap();
        let thread = spawn(journal, store.clone(), composer, queues, telemetry).unwrap();
        Desk {
            store,
            recorder,
            thread,
            folder,
        }
    }

    async fn events(&self) -> Vec<AccountEvent> {
        let all = AccountEventFilter::default();
        self.store.account_events(ACCOUNT, all).await.unwrap()
    }

    /// Requests and tokens in a window of a consumer; nothing if there is no count.
    async fn used(&self, consumer: Consumer, window: Window) -> (u64, u64) {
        let counts = self.store.usage_of(consumer).await.unwrap();
        let count = counts.iter().find(|count| count.window == window);
        count.map_or((0, 0), |count| (count.used.requests, count.used.tokens))
    }

    /// Looks until `is_so`, for a while.
    async fn eventually(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        for _ in 0..1_000 {
            if is_so().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not in time: {what}");
    }
}

fn parts() -> (Store, Recorder, Queues, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions::at(folder.path().join("waybill.db"))).unwrap();
    let (recorder, queues) = Recorder::new(
        store.clone(),
        Capture::default(),
        RequestLogging::ErrorsOnly,
    );
    (store, recorder, queues, folder)
}

fn event(id: i64) -> AccountEvent {
    AccountEvent {
        id: AccountEventId(id),
        at: NOW,
        account_id: ACCOUNT,
        kind: AccountEventKind::RateLimited,
        scope: Scope::Model("claude".into()),
        since: None,
        until: Some(NOW),
        source: Some("retry-after".to_owned()),
        strikes: 1,
        cause: None,
        status_code: Some(429),
        reason: "slow down".to_owned(),
        request_id: None,
        attempt: None,
        actor: None,
        undoes: None,
    }
}

/// A request that an account served, with 10 tokens.
fn served() -> Finished {
    let mut waybill = opened();
    waybill.begin_attempt(Attempt {
        number: 1,
        account_id: ACCOUNT,
        account_name: "a".into(),
        platform: Platform::Anthropic,
        upstream_model: None,
        host: "127.0.0.1".into(),
        proxy: None,
        started_at: NOW,
        connect_ms: None,
        first_byte_ms: None,
        duration_ms: 1,
        status: Some(200),
        upstream_request_id: None,
        failure: None,
        decision: Decision::Serve,
        decision_reason: "served",
    });
    waybill.relayed = Some(Relayed {
        upstream_latency_ms: None,
        time_to_first_token_ms: None,
        response_latency_ms: None,
        usage: Usage {
            input_tokens: Some(4),
            output_tokens: Some(6),
            ..Usage::default()
        },
        cost: None,
    });
    waybill.finish(Outcome::Served, 200, Bytes::new(), NOW)
}

/// A request that was refused.
fn refused() -> Finished {
    let cause = Cause::GatewayQuotaExhausted;
    let message = "no more today".to_owned();
    opened().finish(Outcome::Refused { cause, message }, 429, Bytes::new(), NOW)
}

fn opened() -> Box<Waybill> {
    let arrival = Arrival {
        method: http::Method::POST,
        path: PathAndQuery::from_static("/v1/messages"),
        protocol: Protocol::Anthropic,
        endpoint: Some(Endpoint::Messages),
        model: Some("claude".into()),
        stream: false,
        client_ip: Ipv4Addr::LOCALHOST.into(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        body_bytes: 0,
        sticky: None,
    };
    let mut waybill = Waybill::open(RequestId::new(NOW, rand::random()), NOW, arrival);
    waybill.admission = Some(Admission {
        api_key_id: ApiKeyId(2),
        api_key_name: "key".into(),
        user_id: UserId(1),
        user_name: "user".into(),
        auth_latency_ms: 0,
    });
    Box::new(waybill)
}

#[tokio::test]
async fn an_event_that_comes_before_a_record_is_on_disk_when_the_record_is() {
    let desk = Desk::new();
    for id in 1..=40 {
        desk.recorder.account_event(event(id));
        desk.recorder.record(refused()).unwrap().await;
        assert_eq!(desk.events().await[0].id, AccountEventId(id));
    }
    assert_eq!(desk.recorder.released_early(), 0);
    desk.thread.stop();
}

#[tokio::test]
async fn what_a_request_is_refused_for_is_on_disk_when_the_refusal_is() {
    let desk = Desk::new();
    let mut expected = 0;
    for round in 1..=40 {
        for _ in 0..round {
            assert!(desk.recorder.record(served()).is_none());
        }
        expected += round;
        desk.recorder.record(refused()).unwrap().await;
        for window in Window::ALL {
            assert_eq!(desk.used(KEY, *window).await, (expected, 10 * expected));
        }
        let account = Consumer::Account(ACCOUNT);
        assert_eq!(desk.used(account, Window::Day).await.0, expected);
    }
    // No more than the refusals are on record: what was served is not kept.
    assert_eq!(desk.store.books().await.unwrap().due, 40);
    desk.thread.stop();
}

#[tokio::test]
async fn events_and_usage_are_written_without_any_record() {
    let desk = Desk::new();
    desk.recorder.account_event(event(1));
    desk.recorder.record(served());
    desk.eventually("the event is there", async || {
        !desk.events().await.is_empty()
    })
    .await;
    desk.eventually("the usage is there", async || {
        desk.used(KEY, Window::Total).await == (1, 10)
    })
    .await;
    desk.thread.stop();
}

#[tokio::test]
async fn what_the_store_cannot_take_is_written_once_when_it_can() {
    let desk = Desk::new();
    let mut other = rusqlite::Connection::open(desk.folder.path().join("waybill.db")).unwrap();
    let held = other
        .transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)
        .unwrap();
    desk.recorder.account_event(event(1));
    desk.recorder.record(served());
    let first = desk.recorder.record(refused()).unwrap();
    let mut first = std::pin::pin!(first);
    let soon = tokio::time::timeout(Duration::from_millis(700), &mut first);
    assert!(soon.await.is_err(), "the database takes no writes");
    desk.recorder.account_event(event(2));
    desk.recorder.record(served());
    held.rollback().unwrap();
    first.await;
    desk.recorder.record(refused()).unwrap().await;
    let ids: Vec<_> = desk.events().await.iter().map(|event| event.id.0).collect();
    assert_eq!(ids, [2, 1]);
    assert_eq!(desk.used(KEY, Window::Total).await, (2, 20));
    assert_eq!(desk.recorder.account_events_lost(), 0);
    desk.thread.stop();
}

#[tokio::test]
async fn a_stop_writes_what_still_waits() {
    let desk = Desk::new();
    desk.recorder.account_event(event(1));
    desk.recorder.record(served());
    let (store, folder) = (desk.store.clone(), desk.folder);
    desk.thread.stop();
    let used = store.usage_of(KEY).await.unwrap();
    assert!(used.iter().all(|count| count.used.requests == 1) && used.len() == 4);
    let all = AccountEventFilter::default();
    assert_eq!(store.account_events(ACCOUNT, all).await.unwrap().len(), 1);
    drop(folder);
}

#[tokio::test]
async fn what_an_event_says_is_redacted_and_its_scope_stays_a_scope() {
    let desk = Desk::new();
    let secret = "a-live-secret-of-ours";
    desk.recorder.account_event(AccountEvent {
        reason: format!("refused {secret}"),
        source: Some(secret.to_owned()),
        actor: Some(secret.to_owned()),
        scope: Scope::Model(secret.into()),
        ..event(1)
    });
    desk.recorder.account_event(event(2));
    desk.recorder.record(refused()).unwrap().await;
    let events = desk.events().await;
    assert_eq!(events[0], event(2));
    assert!(!format!("{events:?}").contains(secret), "{events:?}");
    assert!(matches!(&events[1].scope, Scope::Model(model) if model.starts_with("[redacted")));
    desk.thread.stop();
}

#[test]
fn a_full_queue_of_events_is_a_counted_loss() {
    let (_store, recorder, queues, _folder) = parts();
    for id in 0..ACCOUNT_EVENT_QUEUE + 11 {
        recorder.account_event(event(i64::try_from(id).unwrap()));
    }
    assert_eq!(recorder.account_events_lost(), 11);
    drop(queues);
    recorder.account_event(event(0));
    assert_eq!(recorder.account_events_lost(), 12);
}
