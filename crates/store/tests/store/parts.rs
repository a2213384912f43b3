//! Replay copies in parts: what they share is stored once, and is there for as long as any of them.

use std::{
    io::{Cursor, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::common::{Fixture, Subject, at, failure, request_id};
use bytes::Bytes;
use waybill_model::{
    entity::Sealed,
    id::ErrorId,
    record::{Record, ReplayPart, SealPart},
};
use waybill_store::{Batch, Fate, RetentionPolicy, Store, StoreOptions};

/// Makes a part of twice its bytes, and counts how often it is asked to.
#[derive(Default)]
struct Doubling(AtomicUsize);

impl SealPart for Doubling {
    fn seal_part(&self, plain: &[u8]) -> Sealed {
        self.0.fetch_add(1, Ordering::Relaxed);
        Sealed(plain.repeat(2))
    }
}

/// A failure whose copy has these parts.
fn copy(n: u64, parts: &[&str], sealer: &Arc<Doubling>) -> Record {
    let mut record = failure(n);
    let part = |plain: &&str| {
        let mut name = [0; 16];
        name[..plain.len().min(16)].copy_from_slice(&plain.as_bytes()[..plain.len().min(16)]);
        let sealer: Arc<dyn SealPart> = sealer.clone();
        ReplayPart::new(name, Bytes::copy_from_slice(plain.as_bytes()), sealer)
    };
    record.replay.as_mut().unwrap().parts = parts.iter().map(part).collect();
    record
}

/// The parts of a failure's copy; `None` if there is no copy, or not all of it.
async fn parts(store: &Store, n: u64) -> Option<String> {
    let found = store.error_by_request_id(&request_id(n).to_string()).await;
    let found = found.unwrap()?;
    let copy = store.replay_copy(found.log.id).await.unwrap()?;
    let parts = copy
        .parts
        .into_iter()
        .map(|part| String::from_utf8(part.0).unwrap());
    Some(parts.collect::<Vec<_>>().join(" "))
}

fn count(f: &Fixture, table: &str) -> i64 {
    let db = rusqlite::Connection::open(f.file()).unwrap();
    db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
        row.get(0)
    })
    .unwrap()
}

/// What is counted as it comes and goes is what is there.
fn bytes(f: &Fixture) -> i64 {
    let db = rusqlite::Connection::open(f.file()).unwrap();
    let (counted, there): (i64, i64) = db
        .query_row(
            "SELECT bytes, (SELECT coalesce(sum(length(sealed)), 0) FROM replay_bodies)
             + (SELECT coalesce(sum(length(sealed)), 0) FROM replay_chunk_bytes) FROM replay_size",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(counted, there);
    counted
}

#[tokio::test]
async fn what_copies_share_is_sealed_and_stored_once() {
    let mut f = Fixture::new();
    let sealer = Arc::default();
    f.write(&[copy(1, &["a", "b", "c", "a"], &sealer)]).await;
    f.write(&[
        copy(2, &["a", "b", "d"], &sealer),
        copy(3, &["d", "b", "e"], &sealer),
    ])
    .await;
    assert_eq!(sealer.0.load(Ordering::Relaxed), 5);
    assert_eq!(count(&f, "replay_chunks"), 5);
    assert_eq!(bytes(&f), 3 * 600 + 5 * 2);
    let store = f.as_after_a_crash().await;
    for (n, expected) in [(1, "aa bb cc aa"), (2, "aa bb dd"), (3, "dd bb ee")] {
        assert_eq!(parts(&f.store, n).await.as_deref(), Some(expected));
        assert_eq!(parts(&store, n).await.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn a_part_goes_with_the_last_copy_that_has_it_and_no_sooner() {
    const MINUTE: u64 = 60_000;
    let mut f = Fixture::new();
    let sealer = Arc::default();
    f.write(&[copy(0, &["a", "b"], &sealer)]).await;
    // Within a minute nothing says that the parts were used again.
    f.write(&[copy(MINUTE - 1, &["a", "c"], &sealer)]).await;
    f.write(&[copy(3 * MINUTE, &["a", "d"], &sealer)]).await;
    let now = 5 * MINUTE;
    let keep = |since: u64| RetentionPolicy {
        replay_max_age_ms: Some(i64::try_from(now - since).unwrap()),
        ..RetentionPolicy::default()
    };
    let removed = async |since| {
        let report = f.store.retain(&keep(since), at(now)).await.unwrap();
        (report.replay_bodies, report.replay_parts)
    };
    assert_eq!(removed(1).await, (1, 0));
    assert_eq!(parts(&f.store, MINUTE - 1).await.as_deref(), Some("aa cc"));
    assert_eq!(removed(MINUTE).await, (1, 2));
    assert_eq!(parts(&f.store, 3 * MINUTE).await.as_deref(), Some("aa dd"));
    assert_eq!(removed(now).await, (1, 2));
    assert_eq!((count(&f, "replay_chunk_bytes"), bytes(&f)), (0, 0));
    // Whatever was stored before: what is not there is stored again.
    f.write(&[copy(4 * MINUTE, &["a", "d"], &sealer)]).await;
    assert_eq!(parts(&f.store, 4 * MINUTE).await.as_deref(), Some("aa dd"));
}

#[tokio::test]
async fn size_removes_the_oldest_copies_and_what_they_alone_had() {
    let mut f = Fixture::new();
    let sealer = Arc::default();
    for n in 0..300 {
        let own = format!("{n:03}").repeat(100);
        f.write(&[copy(n * 90_000, &["shared", &own], &sealer)])
            .await;
    }
    assert_eq!(bytes(&f), 300 * (600 + 600) + 12);
    let policy = RetentionPolicy {
        replay_max_bytes: Some(200_000),
        ..RetentionPolicy::default()
    };
    let report = f.store.retain(&policy, at(300 * 90_000)).await.unwrap();
    assert_eq!((report.replay_bodies, report.errors), (200, 0));
    assert!(bytes(&f) <= 200_000);
    assert_eq!(parts(&f.store, 199 * 90_000).await, None);
    for n in 200..300 {
        assert!(parts(&f.store, n * 90_000).await.is_some());
    }
}

#[tokio::test]
async fn a_copy_that_lacks_a_part_is_none() {
    let mut f = Fixture::new();
    f.write(&[copy(1, &["a", "b", "c"], &Arc::default())]).await;
    let db = rusqlite::Connection::open(f.file()).unwrap();
    let whole = "SELECT id FROM replay_chunks WHERE substr(name, 1, 1) = CAST('b' AS BLOB)";
    db.execute(
        &format!("DELETE FROM replay_chunk_bytes WHERE id = ({whole})"),
        [],
    )
    .unwrap();
    assert_eq!(f.store.replay_copy(ErrorId(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_record_that_lost_its_copy_for_want_of_space_takes_no_part_from_others() {
    let mut f = Fixture::with(|options| options.max_file_bytes = Some(1_200_000));
    let sealer: Arc<Doubling> = Arc::default();
    let large = "x".repeat(20_000);
    let mut n = 0;
    let mut next = |parts: &[&str]| {
        n += 1;
        (n, copy(n, parts, &sealer))
    };
    let (mut degraded, mut whole) = (false, Vec::new());
    for round in 0..60 {
        let own = format!("{round:016}{large}");
        let (n, record) = next(&["shared", &own]);
        match f.journal.commit(Batch::of(&[record])).fates[0] {
            Fate::Stored => whole.push(n),
            _ => degraded = true,
        }
    }
    assert!(degraded && whole.len() > 3);
    for n in whole {
        assert!(
            parts(&f.store, n)
                .await
                .unwrap()
                .starts_with("sharedshared ")
        );
    }
}

/// A file in memory.
#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn moved(from: &Store, to: &Store) {
    let file = File::default();
    from.export(file.clone(), None).await.unwrap();
    let bytes = file.0.lock().unwrap().clone();
    to.import(Cursor::new(bytes), None).await.unwrap();
}

#[tokio::test]
async fn copies_are_whole_in_whatever_database_they_are_moved_to() {
    let mut f = Fixture::new();
    let sealer = Arc::default();
    f.write(&[
        copy(1, &["a", "b"], &sealer),
        failure(2),
        copy(3, &["b", "c"], &sealer),
    ])
    .await;
    let there = Fixture::on(Subject::Postgres).await;
    moved(&f.store, &there.store).await;
    let mut back = Fixture::new();
    moved(&there.store, &back.store).await;
    for store in [&there.store, &back.store] {
        for (n, expected) in [(1, "aa bb"), (2, ""), (3, "bb cc")] {
            assert_eq!(parts(store, n).await.as_deref(), Some(expected));
        }
    }
    assert!(bytes(&back) > 0);
    back.write(&[copy(4, &["c", "d"], &sealer)]).await;
    assert_eq!(count(&back, "replay_chunks"), 4);
    // With the last day of copies go the parts that came with it.
    let none = RetentionPolicy {
        replay_max_age_ms: Some(0),
        ..RetentionPolicy::default()
    };
    let later = at(0).plus_ms(3 * 86_400_000);
    let report = there.store.retain(&none, later).await.unwrap();
    assert_eq!(report.replay_parts, 3);
    assert_eq!(parts(&there.store, 1).await, None);
}

#[tokio::test]
async fn a_store_from_before_there_were_parts_opens_with_its_copies_counted() {
    const BEFORE: [&str; 7] = [
        include_str!("../../src/sqlite/migrations/0001_record_and_config.sql"),
        include_str!("../../src/sqlite/migrations/0002_account_state_and_limits.sql"),
        include_str!("../../src/sqlite/migrations/0003_jobs.sql"),
        include_str!("../../src/sqlite/migrations/0004_bridges.sql"),
        include_str!("../../src/sqlite/migrations/0005_people.sql"),
        include_str!("../../src/sqlite/migrations/0006_replays.sql"),
        include_str!("../../src/sqlite/migrations/0007_issues.sql"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waybill.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    BEFORE
        .iter()
        .for_each(|step| db.execute_batch(step).unwrap());
    db.execute_batch(
        "INSERT INTO replay_bodies (error_id, created_at, body_bytes, sealed)
         VALUES (1, 5, 9, zeroblob(600)), (2, 6, 9, zeroblob(600))",
    )
    .unwrap();
    db.pragma_update(None, "user_version", 7).unwrap();
    drop(db);
    let store = Store::open(StoreOptions::at(&path)).unwrap();
    let copy = store.replay_copy(ErrorId(1)).await.unwrap().unwrap();
    assert_eq!((copy.sealed.0.len(), copy.parts.len()), (600, 0));
    let db = rusqlite::Connection::open(&path).unwrap();
    let counted: i64 = db
        .query_row("SELECT bytes FROM replay_size", [], |row| row.get(0))
        .unwrap();
    assert_eq!(counted, 2 * 600);
}
