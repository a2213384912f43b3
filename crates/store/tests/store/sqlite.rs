//! What is particular to SQLite: crashes, a full disk, a refused row, versions of the schema.

use std::time::Duration;

use crate::common::{
    self, DAY, Fixture,
    along::{KEY, count, event, open, stored_ids},
    at, everything, failure, first_page, long_text, recovered, request_id, roll_up, success,
};
use rusqlite::Connection;
use waybill_model::{
    cause::Cause,
    entity::Sealed,
    id::UserId,
    limits::{Consumer, Window},
    protocol::Protocol,
    record::{AccountEventRow, Record},
    view::Books,
};
use waybill_store::{
    Batch, Durability, Fate, LossReason, RetentionPolicy, Store, StoreError, StoreOptions,
};

#[tokio::test]
async fn what_was_committed_is_there_after_a_crash_and_the_books_balance() {
    for durability in [Durability::Process, Durability::Power] {
        let mut f = Fixture::with(|options| options.durability = durability);
        f.write(&[failure(1), success(2)]).await;
        f.write(&[failure(3)]).await;
        // The files as they are while everything is open: what a killed process leaves behind.
        let after = tempfile::tempdir().unwrap();
        for file in ["waybill.db", "waybill.db-wal"] {
            std::fs::copy(f.folder.path().join(file), after.path().join(file)).unwrap();
        }
        let store = Store::open(StoreOptions::at(after.path().join("waybill.db"))).unwrap();
        assert_eq!(
            store
                .errors(&everything(), &first_page(10))
                .await
                .unwrap()
                .total,
            2
        );
        assert_eq!(
            store
                .upstream_errors(&everything(), &first_page(10))
                .await
                .unwrap()
                .total,
            4
        );
        assert_eq!(
            store.books().await.unwrap(),
            Books {
                due: 3,
                stored: 3,
                ..Books::default()
            }
        );
    }
}

#[tokio::test]
async fn tidying_moves_the_log_into_the_database() {
    let mut f = Fixture::new();
    let batch: Vec<_> = (0..100).map(failure).collect();
    f.write(&batch).await;
    let database = f.file();
    let before = std::fs::metadata(&database).unwrap().len();
    f.store.tidy().await.unwrap();
    assert!(std::fs::metadata(&database).unwrap().len() > before + 100_000);
}

#[tokio::test]
async fn a_refused_record_does_not_take_its_batch_down() {
    let mut f = Fixture::new();
    let raw = rusqlite::Connection::open(f.file()).unwrap();
    let refuse = |id: u64| {
        let id = request_id(id);
        raw.execute_batch(&format!(
            "CREATE TRIGGER \"refuse {id}\" BEFORE INSERT ON errors WHEN new.request_id = '{id}'
             BEGIN SELECT raise(ABORT, 'refused'); END"
        ))
        .unwrap();
    };
    refuse(13);
    refuse(77);
    let batch: Vec<_> = (0..100).map(failure).collect();
    let report = f.journal.commit(Batch::of(&batch));
    for (n, fate) in report.fates.iter().enumerate() {
        let expected = if [13, 77].contains(&n) {
            Fate::SetAside
        } else {
            Fate::Stored
        };
        assert_eq!(*fate, expected, "record {n}");
    }
    let aside = f.store.set_aside(10).await.unwrap();
    assert_eq!(
        aside
            .iter()
            .map(|a| a.request_id.clone())
            .collect::<Vec<_>>(),
        [77, 13].map(|n| request_id(n).to_string())
    );
    assert_eq!(aside[0].reason, "refused");
    assert!(
        aside[0].summary.contains("Overloaded"),
        "{}",
        aside[0].summary
    );
    assert_eq!(
        f.store
            .errors(&everything(), &first_page(1))
            .await
            .unwrap()
            .total,
        98
    );
    assert_eq!(
        f.store
            .requests(&everything(), &first_page(1))
            .await
            .unwrap()
            .total,
        98
    );
    let expected = Books {
        due: 100,
        stored: 100,
        set_aside: 2,
        ..Books::default()
    };
    assert_eq!(f.store.books().await.unwrap(), expected);
}

#[tokio::test]
async fn a_full_disk_degrades_records_in_steps_and_room_makes_them_whole_again() {
    // However much the schema itself takes: so much room is for records.
    let empty = Fixture::new();
    let pages: u32 = rusqlite::Connection::open(empty.file())
        .unwrap()
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    let room = u64::from(pages) * 4_096 + 765_952;
    let mut f = Fixture::with(|options| options.max_file_bytes = Some(room));
    let mut fates = Vec::new();
    for batch in 0..60_u64 {
        let records: Vec<_> = (batch * 20..batch * 20 + 20).map(heavy_failure).collect();
        fates.extend(f.journal.commit(Batch::of(&records)).fates);
    }
    let count = |fate| fates.iter().filter(|f| **f == fate).count() as u64;
    let steps = [
        Fate::Stored,
        Fate::StoredWithoutBody,
        Fate::StoredWithoutDetail,
        Fate::Lost,
    ];
    for fate in steps {
        assert!(count(fate) > 0, "no record is {fate:?}");
    }
    let firsts: Vec<_> = steps
        .map(|fate| fates.iter().position(|f| *f == fate))
        .to_vec();
    assert!(firsts.is_sorted(), "{firsts:?}");

    let books = f.store.books().await.unwrap();
    assert_eq!(books.due, 1_200);
    assert_eq!(books.due, books.stored + books.spooled + books.counted_lost);
    assert_eq!(books.counted_lost, count(Fate::Lost));
    assert_eq!(books.without_body, count(Fate::StoredWithoutBody));
    assert_eq!(books.without_detail, count(Fate::StoredWithoutDetail));
    assert_eq!(
        f.store
            .errors(&everything(), &first_page(1))
            .await
            .unwrap()
            .total,
        books.stored
    );
    let losses = f.store.losses().await.unwrap();
    assert_eq!((losses.len(), losses[0].reason), (1, LossReason::NoSpace));
    assert_eq!(
        losses[0].fingerprint.as_deref(),
        Some("09".repeat(16).as_str())
    );
    assert_eq!(losses[0].count, books.counted_lost);

    let nth = |fate| request_id(fates.iter().position(|f| *f == fate).unwrap() as u64).to_string();
    let without_body = f
        .store
        .error_by_request_id(&nth(Fate::StoredWithoutBody))
        .await
        .unwrap()
        .unwrap();
    assert!(without_body.request_body.is_none() && without_body.request_body_truncated);
    assert!(without_body.error_body.is_some() && !without_body.replayable);
    let without_detail = f
        .store
        .error_by_request_id(&nth(Fate::StoredWithoutDetail))
        .await
        .unwrap()
        .unwrap();
    assert!(without_detail.error_body.is_none());
    assert_eq!(without_detail.attempts.len(), 2);
    assert!(without_detail.attempts[0].response_body.is_none());

    let policy = RetentionPolicy {
        max_bytes: Some(500_000),
        ..RetentionPolicy::default()
    };
    f.store.retain(&policy, common::DAY).await.unwrap();
    assert_eq!(
        f.journal.commit(Batch::of(&[heavy_failure(5_000)])).fates,
        [Fate::Stored]
    );
}

#[tokio::test]
async fn without_retention_a_journal_finds_out_by_itself_that_there_is_room_again() {
    let mut f = Fixture::with(|options| options.max_file_bytes = Some(1_000_000));
    let mut n = 0;
    let mut next = || {
        n += 1;
        heavy_failure(n)
    };
    while f.journal.commit(Batch::of(&[next()])).fates != [Fate::Lost] {}
    let raw = rusqlite::Connection::open(f.file()).unwrap();
    raw.execute_batch(
        "DELETE FROM replay_bodies; DELETE FROM error_details; DELETE FROM event_details;",
    )
    .unwrap();
    let recovered =
        (0..200).any(|_| f.journal.commit(Batch::of(&[next()])).fates == [Fate::Stored]);
    assert!(recovered);
}

#[tokio::test]
async fn what_cannot_be_written_now_is_handed_back_and_nothing_is_lost() {
    let mut f = Fixture::new();
    let mut other = rusqlite::Connection::open(f.file()).unwrap();
    let held = other
        .transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)
        .unwrap();
    let batch = [failure(1), success(2)];
    assert_eq!(f.journal.commit(Batch::of(&batch)).fates, [Fate::Held; 2]);
    assert_eq!(f.store.books().await.unwrap(), Books::default());
    held.rollback().unwrap();
    f.write(&batch).await;
    let expected = Books {
        due: 2,
        stored: 2,
        ..Books::default()
    };
    assert_eq!(f.store.books().await.unwrap(), expected);
}

#[tokio::test]
async fn what_is_given_up_is_counted_for_the_reason_given() {
    let mut f = Fixture::new();
    f.journal
        .give_up(&[failure(1), success(2)], LossReason::Shutdown);
    f.journal.commit(Batch::default());
    let books = f.store.books().await.unwrap();
    assert_eq!((books.due, books.counted_lost), (2, 2));
    let losses = f.store.losses().await.unwrap();
    assert!(
        losses
            .iter()
            .all(|loss| loss.reason == LossReason::Shutdown)
    );
    assert!(
        losses
            .iter()
            .any(|loss| loss.cause == Some(Cause::Overloaded))
    );
}

#[test]
fn a_newer_database_is_refused_with_advice() {
    let f = Fixture::new();
    let path = f.file();
    drop((f.store, f.journal));
    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let refused = Store::open(StoreOptions::at(&path)).unwrap_err();
    assert!(matches!(
        refused,
        StoreError::Newer {
            found: 99,
            known: 22
        }
    ));
    assert!(refused.to_string().contains("newer version"), "{refused}");
}

#[tokio::test]
async fn the_file_shrinks_when_rows_go() {
    let mut f = Fixture::new();
    let batch: Vec<_> = (0..500).map(heavy_failure).collect();
    f.write(&batch).await;
    let keep_all = f
        .store
        .retain(&RetentionPolicy::default(), common::at(0))
        .await
        .unwrap();
    let policy = RetentionPolicy {
        errors_max_age_ms: Some(0),
        ..RetentionPolicy::default()
    };
    let report = f.store.retain(&policy, common::at(10_000)).await.unwrap();
    assert_eq!(report.errors, 500);
    let size = std::fs::metadata(f.file()).unwrap().len();
    assert!(
        size < keep_all.bytes_used / 4,
        "{size} of {} bytes",
        keep_all.bytes_used
    );
}

#[tokio::test]
async fn an_abandoned_query_is_stopped_and_its_connection_serves_the_next() {
    let mut f = Fixture::with(|options| options.readers = 1);
    let batch: Vec<_> = (0..3_000).map(failure).collect();
    f.write(&batch).await;
    let mut slow = everything();
    slow.q = Some("nowhere to be found".to_owned());
    for _ in 0..20 {
        let query = f.store.clone();
        let filter = slow.clone();
        let caller = tokio::spawn(async move { query.errors(&filter, &first_page(1)).await });
        tokio::task::yield_now().await;
        caller.abort();
        let _ = caller.await;
        assert_eq!(
            f.store
                .errors(&everything(), &first_page(1))
                .await
                .unwrap()
                .total,
            3_000
        );
    }
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_stopped() {
    let mut f = Fixture::new();
    let batch: Vec<_> = (0..3_000).map(failure).collect();
    f.write(&batch).await;
    let options = StoreOptions {
        query_limit: Duration::ZERO,
        ..StoreOptions::at(f.file())
    };
    let hasty = Store::open(options).unwrap();
    let mut slow = everything();
    slow.q = Some("nowhere to be found".to_owned());
    let answer = hasty.errors(&slow, &first_page(1)).await;
    assert!(matches!(answer, Err(StoreError::TooSlow)), "{answer:?}");
}

#[tokio::test]
async fn a_run_of_retention_that_nobody_waits_for_ends_at_the_next_batch() {
    let mut f = Fixture::new();
    let batch: Vec<_> = (0..1_000).map(success).collect();
    f.write(&batch).await;
    roll_up(&f.store).await;
    let mut other = rusqlite::Connection::open(f.file()).unwrap();
    let held = other
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .unwrap();
    let policy = RetentionPolicy {
        requests_max_age_ms: Some(0),
        ..RetentionPolicy::default()
    };
    let run = f.store.clone();
    let run = tokio::spawn(async move { run.retain(&policy, common::at(9_999)).await });
    tokio::task::yield_now().await;
    run.abort();
    let _ = run.await;
    held.rollback().unwrap();
    // One run at a time: the next one begins when the one before has ended.
    let nothing = RetentionPolicy::default();
    f.store.retain(&nothing, common::at(0)).await.unwrap();
    let left = f.store.requests(&everything(), &first_page(1)).await;
    assert!(left.unwrap().total >= 900);
}

#[tokio::test]
async fn age_removes_rows_with_all_that_belongs_to_them() {
    let mut f = Fixture::new();
    let records: Vec<_> = (0..250)
        .map(|n| if n % 5 == 0 { recovered(n) } else { failure(n) })
        .collect();
    f.write(&records).await;
    roll_up(&f.store).await;
    let policy = RetentionPolicy {
        errors_max_age_ms: Some(50),
        requests_max_age_ms: Some(100),
        replay_max_age_ms: Some(20),
        issues_max_age_ms: None,
        rollup_minutes_max_age_ms: None,
        rollup_hours_max_age_ms: None,
        rollup_days_max_age_ms: None,
        replay_max_bytes: None,
        audit_max_age_ms: None,
        max_bytes: None,
    };
    let report = f.store.retain(&policy, at(250)).await.unwrap();
    assert_eq!((report.errors, report.requests), (200, 150));
    // Of the 200 failures with a replay copy, the 16 of the last 20 milliseconds stay.
    assert_eq!(report.replay_bodies, 184);
    let mut all = everything();
    assert_eq!(
        f.store.errors(&all, &first_page(500)).await.unwrap().total,
        40
    );
    all.recovered = Some(true);
    assert_eq!(
        f.store.errors(&all, &first_page(500)).await.unwrap().total,
        10
    );
    let events = f
        .store
        .upstream_errors(&everything(), &first_page(500))
        .await
        .unwrap();
    assert_eq!(events.total, 90);
    assert!(
        events
            .events
            .iter()
            .all(|event| event.created_at >= at(200))
    );
    let again = f.store.retain(&policy, at(250)).await.unwrap();
    assert_eq!(
        (again.errors, again.requests, again.replay_bodies),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn size_removes_replay_copies_first_then_details_then_rows_oldest_first() {
    let mut f = Fixture::new();
    let records: Vec<_> = (0..3_000).map(failure).collect();
    f.write(&records).await;
    roll_up(&f.store).await;
    let keep = |max_bytes| RetentionPolicy {
        max_bytes: Some(max_bytes),
        ..RetentionPolicy::default()
    };
    let full = f
        .store
        .retain(&keep(u64::MAX), at(0))
        .await
        .unwrap()
        .bytes_used;

    let some = f.store.retain(&keep(full - 200_000), at(0)).await.unwrap();
    assert!(some.replay_bodies > 0 && some.details == 0, "{some:?}");
    assert!(
        some.bytes_used <= full - 200_000 && some.bytes_freed > 0,
        "{some:?}"
    );
    let oldest = f
        .store
        .error_by_request_id(&request_id(0).to_string())
        .await
        .unwrap()
        .unwrap();
    let newest = f
        .store
        .error_by_request_id(&request_id(2_999).to_string())
        .await
        .unwrap()
        .unwrap();
    assert!(!oldest.replayable && newest.replayable);

    let more = f.store.retain(&keep(full / 2), at(0)).await.unwrap();
    assert!(more.details > 0 && more.errors == 0, "{more:?}");
    let oldest = f.store.error(oldest.log.id).await.unwrap().unwrap();
    assert!(oldest.request_body.is_none() && oldest.request_body_truncated);
    assert_eq!(oldest.attempts.len(), 2);

    let most = f.store.retain(&keep(full / 10), at(0)).await.unwrap();
    assert!(most.errors > 0, "{most:?}");
    assert_eq!(f.store.error(oldest.log.id).await.unwrap(), None);
    assert!(f.store.error(newest.log.id).await.unwrap().is_some());
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
    let mut f = Fixture::with(|options| options.max_file_bytes = Some(1_500_000));
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

#[test]
fn a_database_without_account_states_learns_about_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waybill.db");
    let first = Connection::open(&path).unwrap();
    first
        .execute_batch(include_str!(
            "../../src/sqlite/migrations/0001_record_and_config.sql"
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

#[tokio::test]
async fn a_database_of_the_step_before_learns_whom_its_groups_serve() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waybill.db");
    let first = Connection::open(&path).unwrap();
    for step in [
        include_str!("../../src/sqlite/migrations/0001_record_and_config.sql"),
        include_str!("../../src/sqlite/migrations/0002_account_state_and_limits.sql"),
        include_str!("../../src/sqlite/migrations/0003_jobs.sql"),
    ] {
        first.execute_batch(step).unwrap();
    }
    first
        .execute_batch(
            "INSERT INTO groups (name, platform, model_mapping, status, created_at, updated_at)
             VALUES ('g', 'gemini', '[]', 'active', 1, 1)",
        )
        .unwrap();
    first.pragma_update(None, "user_version", 3).unwrap();
    drop(first);
    let store = waybill_store::Store::open(StoreOptions::at(&path)).unwrap();
    let groups = store.groups().await.unwrap();
    assert_eq!(groups[0].protocols, [Protocol::Gemini]);
}

fn heavy_failure(n: u64) -> Record {
    let mut record = failure(n);
    record.error.as_mut().unwrap().request_body = Some(long_text(512));
    record.replay.as_mut().unwrap().sealed = Sealed(vec![1; 4_000]);
    record
}
