//! The spool and the forwarder: everything that was committed to the spool is in the shared store exactly
//! once in the end, whatever happens to the database, the network or the process in between.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::common::{
    self, DAY, DEADLINE, FILE, Fixture,
    along::{KEY, count, event},
    at, copy_files, everything, failure, first_page, long_text, postgres, recovered, replica,
    request_id, success, until,
};
use waybill_model::{
    cause::Cause,
    entity::Sealed,
    limits::{UsageCount, Window},
    record::Record,
    redact::Shown,
    view::{Books, NoiseCount},
};
use waybill_store::{
    Batch, Fate, Forwarding, LossReason, PostgresOptions, Store, StoreOptions, add_up_usage,
};
use waybill_testbed::{Link, Manner, Postgres};

const PATIENCE: Duration = Duration::from_secs(2);

/// Everything that goes through a spool, once.
fn everything_once(f: &mut Fixture, n: u64) {
    let records = [failure(n), success(n + 1), recovered(n + 2)];
    let usage = [count(KEY, Window::Day, DAY, 1)];
    let report = f.journal.commit(Batch {
        records: &records,
        account_events: &[event(i64::try_from(n).unwrap())],
        usage: &usage,
    });
    assert_eq!(report.fates, [Fate::Stored; 3]);
    assert!(report.usage && report.account_events == 1);
    f.journal.commit_noise(&[noise("192.0.2.1", "a")]).unwrap();
}

fn noise(ip: &str, sample: &str) -> NoiseCount {
    NoiseCount {
        minute: DAY,
        client_ip: ip.to_owned(),
        cause: Cause::GatewayInvalidKey,
        count: 1,
        samples: vec![sample.to_owned()],
    }
}

/// What is in the shared store after so many calls of [`everything_once`].
async fn holds_everything(store: &Store, times: u64) {
    let all = everything();
    let page = first_page(1);
    let requests = store.requests(&all, &page).await.unwrap().total;
    let errors = store.errors(&all, &page).await.unwrap().total;
    let attempts = store.upstream_errors(&all, &page).await.unwrap().total;
    assert_eq!(
        (requests, errors, attempts),
        (3 * times, times, 3 * times),
        "{times} times"
    );
    let used = store.usage_of(KEY).await.unwrap();
    assert_eq!(used, [count_of(times)]);
    let noise = store.noise(DAY, DAY.plus_ms(1), &page).await.unwrap();
    assert_eq!(noise.items[0].count, times);
    let replicas = store.replicas().unwrap();
    let events = replicas.account_events_after(0, 1_000).await.unwrap();
    assert_eq!(events.len() as u64, times);
}

fn count_of(times: u64) -> UsageCount {
    let mut sum = count(KEY, Window::Day, DAY, times);
    sum.used.usd.0 *= i64::try_from(times).unwrap();
    sum
}

fn settled(stored: u64) -> Books {
    Books {
        due: stored,
        stored,
        ..Books::default()
    }
}

/// What is known in the shared store of all spools together.
fn books_there(f: &Fixture) -> String {
    f.sql("SELECT due, stored, counted_lost, set_aside FROM books")
}

fn errors_there(f: &Fixture) -> String {
    f.sql("SELECT count(*) FROM errors")
}

async fn moved(store: &Store) {
    until("the spool is empty", || async {
        store.books().await.unwrap().spooled == 0
    })
    .await;
}

async fn fails(store: &Store) -> String {
    let mut said = String::new();
    let reason = &mut said;
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(Forwarding::Fails { reason: why, .. }) = store.forwarding() {
            *reason = why;
            return said;
        }
        assert!(Instant::now() < deadline, "forwarding works");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_was_moved_before_a_crash_is_not_moved_again() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    f.drain().await;
    everything_once(&mut f, 1);
    // The files from before the shared store answered: the process ended before it could forget.
    let before = tempfile::tempdir().unwrap();
    copy_files(f.folder.path(), before.path());
    f.drain().await;
    assert_eq!(f.store.books().await.unwrap(), settled(3));

    let after = replica(before.path(), f.url.as_ref().unwrap(), |_, _| {});
    let mut journal = after.journal().unwrap();
    journal.commit(Batch::of(&[failure(10)]));
    let expected = Books {
        due: 4,
        spooled: 4,
        ..Books::default()
    };
    assert_eq!(after.books().await.unwrap(), expected);
    after.forwarder().unwrap().unwrap().drain().await.unwrap();
    assert_eq!(after.books().await.unwrap(), settled(4));
    assert_eq!(books_there(&f), "4|4|0|0");
    assert_eq!(errors_there(&f), "3");
}

#[tokio::test]
async fn who_looks_at_a_spool_changes_nothing_of_it_nor_of_what_a_crash_leaves() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    f.drain().await;
    let url = f.url.clone().unwrap();
    let look = |folder: &std::path::Path| replica(folder, &url, |spool, _| spool.read_only = true);
    let seen = look(f.folder.path());
    assert_eq!(seen.books().await.unwrap(), settled(0));
    assert_eq!(
        seen.replicas().unwrap().own_id(),
        f.store.replicas().unwrap().own_id()
    );
    // What it does after it was looked at is more than it had when it was opened.
    everything_once(&mut f, 1);
    let crashed = tempfile::tempdir().unwrap();
    copy_files(f.folder.path(), crashed.path());
    f.drain().await;
    let after = replica(crashed.path(), &url, |_, _| {});
    after.forwarder().unwrap().unwrap().drain().await.unwrap();
    holds_everything(&f.store, 1).await;
    assert_eq!(books_there(&f), "3|3|0|0");
    assert_eq!(f.sql("SELECT count(*) FROM spools"), "1");

    // A folder where no gateway runs stays as it is, to the byte; one where none ever ran stays empty.
    drop(after);
    let files = |folder: &std::path::Path| -> BTreeSet<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
        entries
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, std::fs::read(entry.path()).unwrap())
            })
            .collect()
    };
    let before = files(crashed.path());
    assert!(before.iter().any(|(name, _)| name == FILE));
    assert_eq!(look(crashed.path()).books().await.unwrap(), settled(3));
    assert!(files(crashed.path()) == before);
    let nowhere = tempfile::tempdir().unwrap();
    let tool = look(nowhere.path());
    tool.migrate().await.unwrap();
    assert!(tool.load_config().await.unwrap().accounts.is_empty());
    assert!(files(nowhere.path()).is_empty());
}

#[tokio::test]
async fn an_answer_that_is_lost_on_its_way_back_costs_nothing() {
    let link = Link::to(Postgres::shared().address()).await.unwrap();
    let url = postgres::database();
    let through = link.url(&url);
    let mut f = Fixture::at(url, |_, _| {});
    f.drain().await;
    f.sql(
        "CREATE FUNCTION wait_a_little() RETURNS TRIGGER LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON spools DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW WHEN (new.position > old.position) EXECUTE FUNCTION wait_a_little()",
    );
    everything_once(&mut f, 1);
    f.forwarder = None;
    let far = replica(f.folder.path(), &through, |_, options| {
        options.batch_limit = PATIENCE;
    });
    let mut forwarder = far.forwarder().unwrap().unwrap();
    let committing =
        "SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'";
    let cut = async {
        until("it is committed", || async { f.sql(committing) != "0" }).await;
        link.behave(Manner::BlackHole).await.unwrap();
    };
    let (said, ()) = tokio::join!(forwarder.drain(), cut);
    assert!(said.is_err());
    assert_eq!(errors_there(&f), "2");
    assert_eq!(far.books().await.unwrap().spooled, 3);
    link.behave(Manner::Pass).await.unwrap();
    forwarder.drain().await.unwrap();
    holds_everything(&f.store, 1).await;
    assert_eq!(far.books().await.unwrap(), settled(3));
    assert_eq!(books_there(&f), "3|3|0|0");
}

#[tokio::test]
async fn a_replica_that_vanishes_in_the_middle_of_a_copy_does_not_stop_the_others() {
    // Long enough for a slow way there and back, which gives the time to cut it.
    const FOR_A_BATCH: Duration = Duration::from_secs(5);
    let delay = Manner::Delay(Duration::from_millis(300));
    let link = Link::to(Postgres::shared().address()).await.unwrap();
    let url = postgres::database();
    let mut gone = Fixture::at(link.url(&url), |_, options| {
        options.batch_limit = FOR_A_BATCH
    });
    let mut other = Fixture::at(url, |_, options| options.batch_limit = FOR_A_BATCH);
    everything_once(&mut gone, 1);
    gone.drain().await;
    link.behave(delay).await.unwrap();
    everything_once(&mut gone, 10);
    let copying = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND query LIKE 'COPY %' AND state = 'active' AND wait_event = 'ClientRead'";
    let cut = async {
        until("it waits for rows", || async { other.sql(copying) == "1" }).await;
        link.behave(Manner::BlackHole).await.unwrap();
    };
    let forwarder = gone.forwarder.as_mut().unwrap();
    let (said, ()) = tokio::join!(forwarder.drain(), cut);
    assert!(said.is_err());
    assert_eq!(other.sql(copying), "1", "the server has not noticed");

    let thread = other.forwarder.take().unwrap().spawn(DEADLINE).unwrap();
    everything_once(&mut other, 100);
    moved(&other.store).await;
    tokio::task::spawn_blocking(|| thread.stop()).await.unwrap();
    link.behave(Manner::Pass).await.unwrap();
    gone.drain().await;
    holds_everything(&other.store, 3).await;
    assert_eq!(books_there(&other), "9|9|0|0");
}

/// One way of not being there, and the way back.
enum Outage {
    Stopped,
    Killed,
    Suspended,
    ReadOnly,
}

async fn outage(how: Outage, says: &[&str]) {
    let server = Postgres::new(waybill_testbed::PostgresOptions::default()).unwrap();
    let url = server.create_database("away").unwrap();
    let mut f = Fixture::at(url, |_, options| options.batch_limit = PATIENCE);
    let forwarder = f.forwarder.take().unwrap().spawn(DEADLINE).unwrap();
    everything_once(&mut f, 1);
    moved(&f.store).await;
    match how {
        Outage::Stopped => server.stop().unwrap(),
        Outage::Killed => server.kill().unwrap(),
        Outage::Suspended => server.suspend().unwrap(),
        Outage::ReadOnly => server.set("default_transaction_read_only", "on").unwrap(),
    }
    for n in 1..=20 {
        everything_once(&mut f, 10 * n);
    }
    let said = fails(&f.store).await;
    assert!(says.iter().any(|part| said.contains(part)), "{said}");
    let books = f.store.books().await.unwrap();
    assert_eq!((books.due, books.stored + books.spooled), (63, 63));
    assert!(books.spooled >= 57, "{books:?}");
    match how {
        Outage::Stopped | Outage::Killed => server.start().unwrap(),
        Outage::Suspended => server.resume().unwrap(),
        Outage::ReadOnly => server.set("default_transaction_read_only", "off").unwrap(),
    }
    moved(&f.store).await;
    until("it says that it works", || async {
        f.store.forwarding() == Some(Forwarding::Works)
    })
    .await;
    tokio::task::spawn_blocking(|| forwarder.stop())
        .await
        .unwrap();
    holds_everything(&f.store, 21).await;
    assert_eq!(f.store.books().await.unwrap(), settled(63));
}

#[tokio::test]
async fn records_wait_while_the_database_is_stopped() {
    outage(Outage::Stopped, &["cannot be reached"]).await;
}

#[tokio::test]
async fn records_wait_while_the_database_is_killed() {
    outage(Outage::Killed, &["cannot be reached"]).await;
}

#[tokio::test]
async fn records_wait_while_the_database_does_not_answer() {
    outage(
        Outage::Suspended,
        &["cannot be reached", "does not answer", "too long"],
    )
    .await;
}

#[tokio::test]
async fn records_wait_while_the_database_takes_no_changes() {
    outage(Outage::ReadOnly, &["read-only"]).await;
}

#[tokio::test]
async fn records_wait_while_the_network_swallows_everything() {
    let link = Link::to(Postgres::shared().address()).await.unwrap();
    let url = postgres::database();
    let mut f = Fixture::at(link.url(&url), |_, options| options.batch_limit = PATIENCE);
    f.url = Some(url.clone());
    let forwarder = f.forwarder.take().unwrap().spawn(DEADLINE).unwrap();
    everything_once(&mut f, 1);
    moved(&f.store).await;
    for (manner, n) in [
        (Manner::BlackHole, 10),
        (Manner::Refuse, 20),
        (Manner::Hold, 30),
    ] {
        link.behave(manner).await.unwrap();
        everything_once(&mut f, n);
        fails(&f.store).await;
        assert_eq!(f.store.books().await.unwrap().spooled, 3, "{manner:?}");
        link.behave(Manner::Pass).await.unwrap();
        moved(&f.store).await;
    }
    tokio::task::spawn_blocking(|| forwarder.stop())
        .await
        .unwrap();
    holds_everything(&f.store, 4).await;
    assert_eq!(books_there(&f), "12|12|0|0");
}

#[tokio::test]
async fn a_refused_record_is_found_by_halving_and_kept_aside_and_its_batch_goes_through() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    f.sql("ALTER TABLE errors ADD CONSTRAINT not_these CHECK (client_request_id <> 'refuse me')");
    let refused = [13, 14, 77, 99];
    let mut records: Vec<Record> = (0..100).map(failure).collect();
    for n in refused {
        let error = records[n].error.as_mut().unwrap();
        error.subject.client_request_id = Some(Shown::own("refuse me"));
    }
    // Nothing that is compressed or cut makes this fit into an index.
    let mut number = 0x2545_f491_4f6c_dd1d_i64;
    let digits: Vec<Shown> = std::iter::repeat_with(|| {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695);
        Shown::number(number)
    })
    .take(600)
    .collect();
    records[50].error.as_mut().unwrap().subject.model = Some(Shown::join(&digits, ""));
    f.write(&records).await;

    let list = f.store.errors(&everything(), &first_page(1)).await.unwrap();
    assert_eq!(list.total, 95);
    let aside = f.store.set_aside(10).await.unwrap();
    let kept: BTreeSet<String> = aside.iter().map(|a| a.request_id.clone()).collect();
    let expected = [13, 14, 50, 77, 99].map(|n| request_id(n).to_string());
    assert_eq!(kept, BTreeSet::from(expected));
    let reasons: Vec<&str> = aside.iter().rev().map(|a| a.reason.as_str()).collect();
    assert!(reasons[0].contains("not_these"), "{reasons:?}");
    assert!(reasons[2].contains("index row"), "{reasons:?}");
    let summary: serde_json::Value = serde_json::from_str(&aside[0].summary).unwrap();
    assert_eq!(
        (
            &summary["cause"],
            &summary["status_code"],
            &summary["upstream_errors"]
        ),
        (&"overloaded".into(), &529.into(), &2.into()),
        "{summary}"
    );
    assert_eq!(aside[0].created_at, at(99));
    let whole = "SELECT count(*) FROM set_aside WHERE length(payload) > 1000";
    assert_eq!(f.sql(whole), "5");
    let expected = Books {
        set_aside: 5,
        ..settled(100)
    };
    assert_eq!(f.store.books().await.unwrap(), expected);
    assert_eq!(books_there(&f), "100|100|0|5");
    // Again: nothing new.
    f.write(&records[10..20]).await;
    assert_eq!(f.store.books().await.unwrap(), expected);
}

#[tokio::test]
async fn what_cannot_even_be_kept_aside_is_counted_as_lost() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    f.sql(
        "ALTER TABLE errors ADD CONSTRAINT none CHECK (client_request_id <> 'refuse me');
         ALTER TABLE set_aside ADD CONSTRAINT none CHECK (reason = '')",
    );
    let mut odd = failure(2);
    odd.error.as_mut().unwrap().subject.client_request_id = Some(Shown::own("refuse me"));
    f.write(&[failure(1), odd, failure(3)]).await;
    let expected = Books {
        due: 3,
        stored: 2,
        counted_lost: 1,
        ..Books::default()
    };
    assert_eq!(f.store.books().await.unwrap(), expected);
    assert_eq!(books_there(&f), "3|2|1|0");
    let losses = f.store.losses().await.unwrap();
    assert_eq!(
        (losses.len(), losses[0].reason, losses[0].count),
        (1, LossReason::StoreFailed, 1)
    );
}

fn heavy_failure(n: u64) -> Record {
    let mut record = failure(n);
    record.error.as_mut().unwrap().request_body = Some(long_text(512));
    record.replay.as_mut().unwrap().sealed = Sealed(vec![1; 4_000]);
    record
}

#[tokio::test]
async fn a_spool_at_its_limit_degrades_in_steps_and_is_whole_again_when_records_are_moved() {
    let mut f = Fixture::at(postgres::database(), |options, _| {
        options.max_file_bytes = Some(1_000_000);
    });
    let mut fates = Vec::new();
    for batch in 0..60_u64 {
        let records: Vec<_> = (batch * 20..batch * 20 + 20).map(heavy_failure).collect();
        fates.extend(f.journal.commit(Batch::of(&records)).fates);
        let books = f.store.books().await.unwrap();
        assert_eq!(books.due, books.stored + books.spooled + books.counted_lost);
    }
    let steps = [
        Fate::Stored,
        Fate::StoredWithoutBody,
        Fate::StoredWithoutDetail,
        Fate::Lost,
    ];
    let firsts = steps.map(|fate| fates.iter().position(|f| *f == fate));
    assert!(firsts.iter().all(Option::is_some), "{firsts:?}");
    assert!(firsts.is_sorted(), "{firsts:?}");
    let number = |fate| fates.iter().filter(|f| **f == fate).count() as u64;

    f.drain().await;
    let books = f.store.books().await.unwrap();
    assert_eq!((books.due, books.spooled), (1_200, 0));
    assert_eq!(books.counted_lost, number(Fate::Lost));
    assert_eq!(books.without_body, number(Fate::StoredWithoutBody));
    assert_eq!(books.without_detail, number(Fate::StoredWithoutDetail));
    let list = f.store.errors(&everything(), &first_page(1)).await.unwrap();
    assert_eq!(list.total, books.stored);
    let there = format!("1200|{}|{}|0", books.stored, books.counted_lost);
    assert_eq!(books_there(&f), there);
    let losses = f.store.losses().await.unwrap();
    assert_eq!(
        (losses.len(), losses[0].reason, losses[0].count),
        (1, LossReason::NoSpace, books.counted_lost)
    );
    let nth = |at: Option<usize>| request_id(at.unwrap() as u64).to_string();
    let opened = async |at| {
        f.store
            .error_by_request_id(&nth(at))
            .await
            .unwrap()
            .unwrap()
    };
    let without_body = opened(firsts[1]).await;
    assert!(without_body.request_body.is_none() && without_body.request_body_truncated);
    assert!(without_body.error_body.is_some() && !without_body.replayable);
    let without_detail = opened(firsts[2]).await;
    assert!(without_detail.error_body.is_none() && without_detail.attempts.len() == 2);
    assert!(without_detail.attempts[0].response_body.is_none());

    let whole = f.journal.commit(Batch::of(&[heavy_failure(5_000)]));
    assert_eq!(whole.fates, [Fate::Stored]);
}

/// Rewrites what is in a spool as if a program had written it that knew fewer columns of errors.
fn age_layout(f: &Fixture) {
    let db = common::along::open(f);
    let columns: String = db
        .query_row("SELECT columns FROM layouts", [], |row| row.get(0))
        .unwrap();
    let mut layout: Vec<(String, String)> = serde_json::from_str(&columns).unwrap();
    let errors = &mut layout
        .iter_mut()
        .find(|(name, _)| name == "errors")
        .unwrap()
        .1;
    let names: Vec<&str> = errors.split(',').map(str::trim).collect();
    let gone = names
        .iter()
        .position(|name| *name == "queued_ahead")
        .unwrap();
    let kept: Vec<&str> = [&names[..gone], &names[gone + 1..]].concat();
    *errors = kept.join(", ");
    db.execute(
        "INSERT INTO layouts (columns) VALUES (?1)",
        [serde_json::to_string(&layout).unwrap()],
    )
    .unwrap();
    let old = db.last_insert_rowid();
    let payloads: Vec<(i64, Vec<u8>)> = db
        .prepare("SELECT id, payload FROM spool")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (id, payload) in payloads {
        let aged = without_field(&payload, gone);
        db.execute(
            "UPDATE spool SET layout = ?2, payload = ?3 WHERE id = ?1",
            rusqlite::params![id, old, aged],
        )
        .unwrap();
    }
}

/// A payload whose rows of errors (table 1) lack a field.
fn without_field(mut payload: &[u8], gone: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while let [table, a, b, c, d, rest @ ..] = payload {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (row, rest) = rest.split_at(length);
        payload = rest;
        let mut kept = row[..2].to_vec();
        let count = i16::from_be_bytes([row[0], row[1]]);
        let mut fields = &row[2..];
        for field in 0..usize::try_from(count).unwrap() {
            let size = i32::from_be_bytes(fields[..4].try_into().unwrap()).max(0) as usize;
            if *table != 1 || field != gone {
                kept.extend(&fields[..4 + size]);
            }
            fields = &fields[4 + size..];
        }
        if *table == 1 {
            kept[..2].copy_from_slice(&(count - 1).to_be_bytes());
        }
        out.push(*table);
        out.extend((kept.len() as u32).to_be_bytes());
        out.extend(kept);
    }
    out
}

#[tokio::test]
async fn what_an_older_program_left_in_the_spool_is_moved_beside_what_this_one_writes() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    f.journal.commit(Batch::of(&[failure(1), failure(2)]));
    age_layout(&f);
    f.write(&[failure(3), failure(4)]).await;
    let list = f.store.errors(&everything(), &first_page(9)).await.unwrap();
    assert_eq!(list.total, 4);
    let old = f
        .store
        .error_by_request_id(&request_id(1).to_string())
        .await;
    let old = old.unwrap().unwrap();
    assert_eq!((old.queued, old.attempts.len()), (None, 2));
    assert_eq!(f.store.books().await.unwrap(), settled(4));
}

#[tokio::test]
async fn replicas_count_apart_and_their_counts_add_up() {
    let url = postgres::database();
    let mut both = [
        Fixture::at(url.clone(), |_, _| {}),
        Fixture::at(url, |_, _| {}),
    ];
    for (f, n) in both.iter_mut().zip([1, 100]) {
        everything_once(f, n);
        f.store.count_lost(n, LossReason::QueueFull);
        for sample in ["b", "c", "d", "e", "f"] {
            let sample = format!("{sample}{n}");
            let noise = NoiseCount {
                minute: DAY.plus_ms(-60_000),
                ..noise("192.0.2.7", &sample)
            };
            f.journal.commit_noise(&[noise]).unwrap();
        }
        f.journal.commit(Batch::default());
        f.drain().await;
    }
    let store = &both[0].store;
    holds_everything(store, 2).await;
    let apart = store.replicas().unwrap().usage().await.unwrap();
    assert_eq!(apart.len(), 2);
    assert!(apart.iter().all(|(_, used)| *used == count_of(1)));
    let losses = store.losses().await.unwrap();
    assert_eq!((losses.len(), losses[0].count), (1, 101));
    assert_eq!(books_there(&both[0]), "107|6|101|0");
    let noise = store
        .noise(DAY.plus_ms(-60_000), DAY, &first_page(9))
        .await
        .unwrap();
    let shared = &noise.items[0];
    assert_eq!(shared.count, 10);
    assert_eq!(shared.samples, ["b1", "c1", "d1", "e1", "f1"]);
    for (f, lost) in both.iter().zip([1, 100]) {
        let expected = Books {
            due: 3 + lost,
            stored: 3,
            counted_lost: lost,
            ..Books::default()
        };
        assert_eq!(f.store.books().await.unwrap(), expected);
    }
}

#[tokio::test]
async fn what_a_replica_counted_is_known_to_it_whether_or_not_it_was_moved() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    let used = |f: &mut Fixture, n: u64| {
        let usage = [count(KEY, Window::Day, DAY, n)];
        let report = f.journal.commit(Batch {
            usage: &usage,
            ..Batch::default()
        });
        assert!(report.usage);
    };
    used(&mut f, 1);
    f.drain().await;
    f.store.keep_picture().await.unwrap();
    used(&mut f, 2);
    // What was moved and not forgotten: the process ended in between.
    let crashed = tempfile::tempdir().unwrap();
    copy_files(f.folder.path(), crashed.path());
    f.drain().await;
    let after = replica(crashed.path(), f.url.as_ref().unwrap(), |_, _| {});
    used(&mut f, 4);
    for (store, spooled) in [(&f.store, 4), (&after, 0)] {
        let replicas = store.replicas().unwrap();
        let (counted, own) = replicas.usage_and_spooled().await.unwrap();
        let requests = |counts: &[UsageCount]| counts.iter().map(|c| c.used.requests).sum::<u64>();
        assert_eq!(requests(&own), spooled);
        let all = add_up_usage(counted.into_iter().map(|(_, count)| count).chain(own));
        assert_eq!((all.len(), requests(&all)), (1, 3 + spooled));
        // From the picture: what came after it, where it is still here.
        let picture = store.picture().await.unwrap().unwrap();
        let beyond = replicas.spooled_usage(picture.moved).await.unwrap();
        assert_eq!(requests(&beyond), spooled.max(2));
    }
}

#[tokio::test]
async fn a_window_that_only_one_replica_has_begun_is_the_one_that_counts() {
    let url = postgres::database();
    let mut both = [
        Fixture::at(url.clone(), |_, _| {}),
        Fixture::at(url, |_, _| {}),
    ];
    let minute = |minutes: i64, requests| {
        [count(
            KEY,
            Window::Minute,
            DAY.plus_ms(60_000 * minutes),
            requests,
        )]
    };
    for (f, usage) in both.iter_mut().zip([minute(1, 5), minute(2, 7)]) {
        f.journal.commit(Batch {
            usage: &usage,
            ..Batch::default()
        });
        f.drain().await;
    }
    assert_eq!(both[0].store.usage_of(KEY).await.unwrap(), minute(2, 7));
    assert_eq!(both[0].store.usage().await.unwrap(), minute(2, 7));
}

#[tokio::test]
async fn a_spool_restored_from_an_old_copy_takes_another_name_and_loses_nothing() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    f.write(&[failure(1), failure(2)]).await;
    let usage = [count(KEY, Window::Day, DAY, 1)];
    f.journal.commit(Batch {
        records: &[failure(3)],
        usage: &usage,
        ..Batch::default()
    });
    let old = tempfile::tempdir().unwrap();
    copy_files(f.folder.path(), old.path());
    // More than is written to the copy before it meets the database.
    let more: Vec<_> = (10..40).map(success).collect();
    f.write(&more).await;
    let url = f.url.clone().unwrap();
    // Opened twice without the database: what is written meanwhile is none that was moved.
    for n in [100, 101] {
        let restored = replica(old.path(), "postgres://127.0.0.1:1/nowhere", |_, _| {});
        let mut journal = restored.journal().unwrap();
        let fates = journal.commit(Batch::of(&[failure(n)])).fates;
        assert_eq!(fates, [Fate::Stored]);
    }
    let restored = replica(old.path(), &url, |_, _| {});
    restored
        .forwarder()
        .unwrap()
        .unwrap()
        .drain()
        .await
        .unwrap();
    let list = restored
        .errors(&everything(), &first_page(9))
        .await
        .unwrap();
    assert_eq!(list.total, 5);
    assert_eq!(books_there(&f), "35|35|0|0");
    assert_eq!(f.sql("SELECT count(*) FROM spools"), "2");
    assert_eq!(restored.books().await.unwrap(), settled(2));
    assert_eq!(restored.usage_of(KEY).await.unwrap(), usage);
    // It is the same replica, and counts as that: what it used is not two replicas'.
    let replicas = restored.replicas().unwrap();
    let usage = [count(KEY, Window::Day, DAY, 3)];
    let mut journal = restored.journal().unwrap();
    journal.commit(Batch {
        usage: &usage,
        ..Batch::default()
    });
    drop(journal);
    restored
        .forwarder()
        .unwrap()
        .unwrap()
        .drain()
        .await
        .unwrap();
    let counted = replicas.usage().await.unwrap();
    assert_eq!((counted.len(), counted[0].1.used.requests), (1, 4));
    assert_eq!(counted[0].0, f.store.replicas().unwrap().own_id());
    assert_eq!(replicas.own_id(), counted[0].0);
    // The next start knows the new name, and goes on with it.
    drop(restored);
    let again = replica(old.path(), &url, |_, _| {});
    again.journal().unwrap().commit(Batch::of(&[failure(200)]));
    again.forwarder().unwrap().unwrap().drain().await.unwrap();
    assert_eq!(books_there(&f), "36|36|0|0");
    assert_eq!(f.sql("SELECT count(*) FROM spools"), "2");
}

#[tokio::test]
async fn a_database_that_knows_less_than_was_moved_gets_what_comes_under_another_name() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    f.write(&[failure(1)]).await;
    f.sql("DELETE FROM spools");
    f.forwarder = f.store.forwarder().unwrap();
    f.write(&[failure(2), success(3)]).await;
    assert_eq!(f.store.books().await.unwrap(), settled(2));
    assert_eq!(books_there(&f), "2|2|0|0");
    assert_eq!(errors_there(&f), "2");
}

#[tokio::test]
async fn a_day_that_was_removed_under_the_forwarder_is_made_again() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    f.write(&[failure(1)]).await;
    let drop_it = format!(
        "SELECT waybill_drop_day(waybill_daily_tables(), {})",
        at(1).0
    );
    assert_eq!(f.sql(&drop_it), "t");
    assert_eq!(errors_there(&f), "0");
    f.write(&[failure(2), success(3)]).await;
    assert_eq!(errors_there(&f), "1");
    assert_eq!(f.store.books().await.unwrap(), settled(3));
}

#[tokio::test]
async fn a_batch_may_be_of_many_days() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    let days: Vec<_> = (0..20).map(|n| failure(n * 86_400_000)).collect();
    f.write(&days).await;
    let list = f
        .store
        .errors(&everything(), &first_page(50))
        .await
        .unwrap();
    assert_eq!(list.errors.len(), 20);
    let partitions = "SELECT count(*) FROM waybill_days() WHERE table_name = 'errors'";
    assert_eq!(f.sql(partitions), "20");
}

#[tokio::test]
async fn a_time_that_no_calendar_has_is_refused_and_its_neighbours_are_stored() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    let mut odd = success(2);
    odd.request.as_mut().unwrap().subject.created_at.0 = i64::MAX;
    f.write(&[success(1), odd, success(3)]).await;
    let aside = f.store.set_aside(9).await.unwrap();
    assert_eq!(aside.len(), 1);
    assert_eq!(aside[0].request_id, request_id(2).to_string());
    assert_eq!(f.store.books().await.unwrap().stored, 3);
}

#[tokio::test]
async fn replicas_that_move_at_once_store_everything_in_one_order() {
    let url = postgres::database();
    let mut all: Vec<Fixture> = (0..4)
        .map(|_| Fixture::at(url.clone(), |_, _| {}))
        .collect();
    let mut threads = Vec::new();
    for f in &mut all {
        threads.push(f.forwarder.take().unwrap().spawn(DEADLINE).unwrap());
    }
    for batch in 0..20 {
        for (n, f) in (0..).zip(&mut all) {
            let first = (n * 20 + batch) * 25;
            let records: Vec<_> = (first..first + 25).map(failure).collect();
            f.journal.commit(Batch::of(&records));
        }
    }
    tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| thread.stop()))
        .await
        .unwrap();
    let f = &all[0];
    assert_eq!(books_there(f), "2000|2000|0|0");
    let ids = "SELECT count(*), count(DISTINCT id), max(id) - min(id) + 1 FROM errors";
    assert_eq!(f.sql(ids), "2000|2000|2000");
}

#[tokio::test]
async fn a_forwarder_that_is_stopped_moves_what_is_left_and_gathers_what_comes() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    let forwarder = f.forwarder.take().unwrap().spawn(DEADLINE).unwrap();
    for batch in 0..200 {
        let records: Vec<_> = (batch * 25..batch * 25 + 25).map(success).collect();
        f.journal.commit(Batch::of(&records));
    }
    tokio::task::spawn_blocking(|| forwarder.stop())
        .await
        .unwrap();
    assert_eq!(f.store.books().await.unwrap(), settled(5_000));
    assert_eq!(f.sql("SELECT count(*) FROM requests"), "5000");
    let transactions: u64 = f
        .sql("SELECT count(DISTINCT xmin::TEXT) FROM requests")
        .parse()
        .unwrap();
    assert!(transactions < 100, "{transactions} transactions");
}

#[tokio::test]
async fn a_forwarder_that_cannot_move_ends_in_its_time() {
    let link = Link::to(Postgres::shared().address()).await.unwrap();
    let url = postgres::database();
    let mut f = Fixture::at(link.url(&url), |_, _| {});
    let forwarder = f.forwarder.take().unwrap();
    let forwarder = forwarder.spawn(Duration::from_millis(300)).unwrap();
    f.journal.commit(Batch::of(&[failure(1)]));
    moved(&f.store).await;
    link.behave(Manner::BlackHole).await.unwrap();
    f.journal.commit(Batch::of(&[failure(2)]));
    let begun = Instant::now();
    tokio::task::spawn_blocking(|| forwarder.stop())
        .await
        .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(f.store.books().await.unwrap().spooled, 1);
}

#[tokio::test]
async fn a_spool_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(replica(
        folder.path(),
        "postgres://127.0.0.1:1/nowhere",
        |_, _| {},
    ));
    let db = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    db.pragma_update(None, "user_version", 9).unwrap();
    let options = PostgresOptions::at(waybill_model::secret::Secret::new("postgres://x/y"));
    let refused = Store::shared(StoreOptions::at(folder.path().join(FILE)), &options, "new");
    assert!(matches!(
        refused,
        Err(waybill_store::StoreError::Newer { found: 9, .. })
    ));
}
