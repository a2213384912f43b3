//! The contract of the journal about what goes along with records: usage, and events that cannot be
//! written now, or never.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{DAY, Fixture, failure, long_text, new_account, request_id, success};
use rusqlite::{Connection, TransactionBehavior};
use waybill_model::{
    entity::Status,
    id::{AccountEventId, AccountId, ApiKeyId, UserId},
    limits::{Consumer, Limits, UsageCount, Used, Window},
    money::MicroUsd,
    record::AccountEventRow,
    redact::Shown,
    state::AccountEventKind,
    time::UnixMillis,
    view::Books,
};
use waybill_store::{AccountEventFilter, Batch, Fate, NewUser, RetentionPolicy, StoreOptions};

const ACCOUNT: AccountId = AccountId(3);
const KEY: Consumer = Consumer::Key(ApiKeyId(2));

fn event(id: i64) -> AccountEventRow {
    AccountEventRow {
        id: AccountEventId(id),
        at: DAY.plus_ms(id),
        account_id: ACCOUNT,
        kind: AccountEventKind::Overloaded,
        scope: Shown::own("account"),
        since: None,
        until: Some(DAY),
        source: None,
        strikes: 1,
        cause: None,
        status_code: None,
        reason: Shown::own("busy"),
        request_id: Some(request_id(1)),
        attempt: None,
        actor: None,
        undoes: None,
    }
}

fn count(consumer: Consumer, window: Window, at: UnixMillis, requests: u64) -> UsageCount {
    UsageCount {
        consumer,
        window,
        started_at: window.start(at),
        used: Used {
            requests,
            tokens: 10 * requests,
            usd: MicroUsd(100),
        },
    }
}

/// Commits usage alone, which must be taken.
fn add(f: &mut Fixture, usage: &[UsageCount]) {
    let report = f.journal.commit(Batch {
        usage,
        ..Batch::default()
    });
    assert!(report.usage);
}

fn open(f: &Fixture) -> Connection {
    Connection::open(f.folder.path().join("waybill.db")).unwrap()
}

async fn stored_ids(f: &Fixture) -> Vec<i64> {
    let all = AccountEventFilter::default();
    let events = f.store.account_events(ACCOUNT, all).await.unwrap();
    events.iter().rev().map(|event| event.id.0).collect()
}

#[tokio::test]
async fn usage_adds_up_within_a_window_and_begins_anew_with_the_next() {
    let mut f = Fixture::new();
    let minute = |minutes: i64, requests| {
        count(KEY, Window::Minute, DAY.plus_ms(60_000 * minutes), requests)
    };
    let total = |requests| count(KEY, Window::Total, DAY, requests);
    add(&mut f, &[minute(5, 1), total(1)]);
    add(&mut f, &[minute(5, 2), total(2)]);
    let sum = |mut one: UsageCount, other: UsageCount| {
        one.used.add(other.used);
        one
    };
    let expected = [sum(minute(5, 1), minute(5, 2)), sum(total(1), total(2))];
    assert_eq!(f.store.usage_of(KEY).await.unwrap(), expected);
    // What belongs to a minute that is over is not asked for any more; the next one begins at nothing.
    add(&mut f, &[minute(4, 50)]);
    assert_eq!(f.store.usage_of(KEY).await.unwrap(), expected);
    add(&mut f, &[minute(6, 7)]);
    assert_eq!(
        f.store.usage_of(KEY).await.unwrap(),
        [minute(6, 7), expected[1]]
    );
}

#[tokio::test]
async fn consumers_are_told_apart_and_usage_survives_a_crash() {
    let mut f = Fixture::new();
    let usage = [
        count(Consumer::User(UserId(1)), Window::Day, DAY, 1),
        count(Consumer::Key(ApiKeyId(1)), Window::Day, DAY, 2),
        count(Consumer::Account(AccountId(1)), Window::Day, DAY, 3),
        count(Consumer::Account(AccountId(2)), Window::Month, DAY, 4),
    ];
    add(&mut f, &usage);
    let store = f.as_after_a_crash();
    let mut all = store.usage().await.unwrap();
    all.sort_by_key(|count| count.used.requests);
    assert_eq!(all, usage);
    for count in usage {
        assert_eq!(store.usage_of(count.consumer).await.unwrap(), [count]);
    }
}

#[tokio::test]
async fn usage_of_those_who_are_no_longer_there_goes() {
    let mut f = Fixture::new();
    let account = f.store.create_account(new_account("a"), DAY).await.unwrap();
    let user = NewUser {
        name: "u".to_owned(),
        limits: Limits::default(),
        credit_usd: None,
        status: Status::Active,
    };
    let user = f.store.create_user(user, DAY).await.unwrap();
    let kept = [
        count(Consumer::Account(account.id), Window::Total, DAY, 1),
        count(Consumer::User(user.id), Window::Total, DAY, 2),
    ];
    let gone = [
        count(Consumer::Account(AccountId(99)), Window::Total, DAY, 1),
        count(Consumer::User(UserId(99)), Window::Day, DAY, 1),
        count(Consumer::Key(ApiKeyId(99)), Window::Day, DAY, 1),
    ];
    add(&mut f, &[&kept[..], &gone[..]].concat());
    let policy = RetentionPolicy::default();
    let report = f.store.retain(&policy, DAY).await.unwrap();
    assert_eq!(report.usage, 3);
    let left = f.store.usage().await.unwrap();
    assert!(
        left.len() == 2 && kept.iter().all(|count| left.contains(count)),
        "{left:?}"
    );
}

#[tokio::test]
async fn what_goes_along_is_handed_back_with_the_records_and_counted_once_when_it_is_taken() {
    let mut f = Fixture::new();
    let mut other = open(&f);
    let held = other
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .unwrap();
    let usage = [count(KEY, Window::Day, DAY, 1)];
    let (records, account_events) = ([failure(1), success(2)], [event(1), event(2)]);
    let batch = Batch {
        records: &records,
        account_events: &account_events,
        usage: &usage,
    };
    let alone = Batch {
        records: &[],
        ..batch
    };
    for batch in [batch, alone] {
        let report = f.journal.commit(batch);
        assert_eq!(report.fates, vec![Fate::Held; batch.records.len()]);
        assert_eq!((report.account_events, report.usage), (0, false));
    }
    held.rollback().unwrap();
    let report = f.journal.commit(batch);
    assert_eq!(report.fates, [Fate::Stored; 2]);
    assert_eq!((report.account_events, report.usage), (2, true));
    assert_eq!(stored_ids(&f).await, [1, 2]);
    assert_eq!(f.store.usage_of(KEY).await.unwrap(), usage);
    let expected = Books {
        due: 2,
        stored: 2,
        ..Books::default()
    };
    assert_eq!(f.store.books().await.unwrap(), expected);
}

#[tokio::test]
async fn refused_rows_take_nothing_else_down() {
    let mut f = Fixture::new();
    open(&f)
        .execute_batch(&format!(
            "CREATE TRIGGER event BEFORE INSERT ON account_events WHEN new.id = 2
             BEGIN SELECT raise(ABORT, 'refused'); END;
             CREATE TRIGGER counted BEFORE INSERT ON usage WHEN new.consumer = 'user'
             BEGIN SELECT raise(ABORT, 'refused'); END;
             CREATE TRIGGER record BEFORE INSERT ON errors WHEN new.request_id = '{}'
             BEGIN SELECT raise(ABORT, 'refused'); END",
            request_id(7)
        ))
        .unwrap();
    let usage = [
        count(Consumer::User(UserId(1)), Window::Day, DAY, 1),
        count(KEY, Window::Day, DAY, 1),
    ];
    let report = f.journal.commit(Batch {
        records: &[failure(6), failure(7), failure(8)],
        account_events: &[event(1), event(2), event(3)],
        usage: &usage,
    });
    assert_eq!(report.fates, [Fate::Stored, Fate::SetAside, Fate::Stored]);
    assert_eq!(
        (report.account_events, report.refused_account_events),
        (3, 1)
    );
    assert!(report.usage);
    assert_eq!(stored_ids(&f).await, [1, 3]);
    assert_eq!(f.store.usage().await.unwrap(), usage[1..]);
}

#[tokio::test]
async fn with_no_space_left_for_records_events_are_written_until_they_do_not_fit_either() {
    let mut f = Fixture::with(|options| options.max_file_bytes = Some(700_000));
    let mut n = 0;
    let mut heavy = || {
        n += 1;
        let mut record = failure(n);
        record.error.as_mut().unwrap().request_body = Some(long_text(512));
        record
    };
    while f.journal.commit(Batch::of(&[heavy()])).fates != [Fate::Lost] {}
    let usage = [count(KEY, Window::Total, DAY, 1)];
    let mut written = 0;
    let mut waiting: Vec<AccountEventRow> = Vec::new();
    // As many as the space that single records left behind cannot hold.
    for id in 1..20_000 {
        waiting.push(event(id));
        if waiting.len() == 500 {
            let report = f.journal.commit(Batch {
                records: &[],
                account_events: &waiting,
                usage: &usage,
            });
            assert!(report.usage, "usage adds to a row that is there");
            assert_eq!(report.refused_account_events, 0);
            waiting.drain(..report.account_events);
            written += report.account_events;
            if !waiting.is_empty() {
                break;
            }
        }
    }
    assert!(!waiting.is_empty(), "{written} events found room");
    assert_eq!(stored_ids(&f).await.len(), written);
    // Room is made: what was handed back is taken.
    open(&f)
        .execute_batch("DELETE FROM error_details; DELETE FROM replay_bodies;")
        .unwrap();
    let report = f.journal.commit(Batch {
        account_events: &waiting,
        ..Batch::default()
    });
    assert_eq!(report.account_events, waiting.len());
    assert_eq!(stored_ids(&f).await.len(), written + waiting.len());
    let books = f.store.books().await.unwrap();
    assert_eq!(books.due, books.stored + books.counted_lost);
}

#[tokio::test]
async fn a_cost_is_on_the_request_it_belongs_to() {
    let mut f = Fixture::new();
    f.write(&[success(1)]);
    let requests = f
        .store
        .requests(&common::everything(), &common::first_page(1))
        .await
        .unwrap();
    assert_eq!(requests.items[0].cost_usd, Some(MicroUsd(1_250)));
}

#[test]
fn a_database_without_account_states_learns_about_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waybill.db");
    let first = Connection::open(&path).unwrap();
    first
        .execute_batch(include_str!(
            "../src/sqlite/migrations/0001_record_and_config.sql"
        ))
        .unwrap();
    first.pragma_update(None, "user_version", 1).unwrap();
    drop(first);
    let store = waybill_store::Store::open(StoreOptions::at(&path)).unwrap();
    let mut journal = store.journal().unwrap();
    let report = journal.commit(Batch {
        account_events: &[event(1)],
        ..Batch::default()
    });
    assert_eq!(
        (report.account_events, report.refused_account_events),
        (1, 0)
    );
}
