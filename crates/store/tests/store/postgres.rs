//! What only PostgreSQL has: migrations by many at once, roles, days that are made and dropped, other
//! replicas' changes, time zones, a server that is away.

use std::{collections::BTreeMap, time::Duration};

use crate::common::{
    self, DAY, DEADLINE, Fixture,
    along::{KEY, count, event},
    at, everything, failure, first_page, new_account, postgres, recovered, replica, roll_up,
    success, until,
};
use waybill_model::{
    entity::Status,
    limits::{Consumer, Limits, Price, Window},
    money::MicroUsd,
    protocol::Platform,
    record::Record,
    state::AccountState,
    time::UnixMillis,
    view::{JobOutcome, NoiseCount},
};
use waybill_store::{
    Batch, Change, Kind, NewUser, Replicas, RetentionPolicy, RetentionReport, Store, StoreError,
};
use waybill_testbed::Postgres;

const A_DAY: i64 = 86_400_000;

/// Steps of the schema that this program knows.
const KNOWN: u32 = 19;

fn at_url(url: &str) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (replica(folder.path(), url, |_, _| {}), folder)
}

// ── migrations ──

#[tokio::test]
async fn a_migration_may_be_asked_for_by_many_at_once_and_again() {
    let url = postgres::empty_database();
    let stores: Vec<_> = (0..10).map(|_| at_url(&url)).collect();
    let mut tasks = Vec::new();
    for (store, _) in &stores {
        let store = store.clone();
        tasks.push(tokio::spawn(async move { store.migrate().await }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    stores[0].0.migrate().await.unwrap();
    let steps = "SELECT count(*), count(DISTINCT version) FROM schema_migrations";
    assert_eq!(postgres::sql(&url, steps), format!("{KNOWN}|{KNOWN}"));
    assert!(stores[0].0.load_config().await.unwrap().groups.is_empty());
}

#[tokio::test]
async fn a_newer_schema_is_used_as_long_as_it_says_that_it_serves_this_program() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    f.sql("INSERT INTO schema_migrations VALUES (98, 1, 0)");
    f.store.migrate().await.unwrap();
    f.write(&[failure(1)]).await;
    f.sql("INSERT INTO schema_migrations VALUES (99, 99, 0)");
    let refused = f.store.migrate().await.unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Newer {
                found: 99,
                known: KNOWN
            }
        ),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("newer version"), "{refused}");
    // A forwarder that connects anew leaves everything where it is.
    f.journal.commit(Batch::of(&[failure(2)]));
    f.forwarder = f.store.forwarder().unwrap();
    let refused = f.forwarder().drain().await;
    assert!(matches!(refused, Err(StoreError::Newer { .. })));
    assert_eq!(f.store.books().await.unwrap().spooled, 1);
}

#[tokio::test]
async fn a_program_of_the_step_before_runs_on_beside_this_one() {
    const FIRST: &str = include_str!("../../src/postgres/migrations/0001_record_and_config.sql");
    let url = postgres::empty_database();
    postgres::sql(
        &url,
        &format!(
            "{FIRST};
             CREATE TABLE schema_migrations (version BIGINT PRIMARY KEY, needs BIGINT NOT NULL, applied_at BIGINT NOT NULL);
             INSERT INTO schema_migrations VALUES (1, 1, 0)"
        ),
    );
    let write = "INSERT INTO groups (name, platform, model_mapping, sticky, state_rules, status, created_at, updated_at)
        VALUES ('NAME', 'antigravity', '[]', 'off', '[]', 'active', 1, 1)";
    postgres::sql(&url, &write.replace("NAME", "before"));
    let (store, _folder) = at_url(&url);
    store.migrate().await.unwrap();
    // The other one is served still, and what it writes means what it meant there.
    assert_eq!(
        postgres::sql(
            &url,
            "SELECT max(version), max(needs) FROM schema_migrations"
        ),
        format!("{KNOWN}|1")
    );
    postgres::sql(&url, &write.replace("NAME", "after"));
    let groups = store.groups().await.unwrap();
    assert_eq!(groups.len(), 2);
    for group in groups {
        assert_eq!(group.protocols, Platform::Antigravity.default_protocols());
    }
}

#[tokio::test]
async fn while_a_newer_program_adds_a_column_this_one_loses_nothing() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    let forwarder = f.forwarder.take().unwrap().spawn(DEADLINE).unwrap();
    let mut journal = f.journal;
    let writer = tokio::task::spawn_blocking(move || {
        for batch in 0..100 {
            let records: Vec<Record> = (batch * 20..batch * 20 + 20).map(failure).collect();
            journal.commit(Batch::of(&records));
            std::thread::yield_now();
        }
    });
    for (n, table) in ["errors", "requests", "upstream_events", "account_events"]
        .iter()
        .enumerate()
    {
        postgres::sql(
            f.url.as_ref().unwrap(),
            &format!(
                "BEGIN; ALTER TABLE {table} ADD COLUMN of_the_future TEXT NOT NULL DEFAULT 'none';
                 ALTER TABLE {table} ADD COLUMN perhaps BIGINT;
                 INSERT INTO schema_migrations VALUES ({}, 1, 0); COMMIT",
                n + 90
            ),
        );
    }
    writer.await.unwrap();
    tokio::task::spawn_blocking(|| forwarder.stop())
        .await
        .unwrap();
    let books = f.store.books().await.unwrap();
    assert_eq!(
        (books.due, books.stored, books.set_aside),
        (2_000, 2_000, 0)
    );
    let list = f
        .store
        .errors(&everything(), &first_page(50))
        .await
        .unwrap();
    assert_eq!(list.total, 2_000);
    assert!(f.store.error(list.errors[0].id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_role_without_rights_is_told_what_to_do() {
    let server = Postgres::new(waybill_testbed::PostgresOptions::default()).unwrap();
    let owner = server.create_database("rights").unwrap();
    server.sql(&owner, "CREATE ROLE guest LOGIN").unwrap();
    let guest = owner.replace("waybill@", "guest@");
    let (store, _folder) = at_url(&guest);
    let refused = store.migrate().await.unwrap_err();
    assert!(matches!(refused, StoreError::NoRights(_)), "{refused:?}");
    let said = refused.to_string();
    assert!(
        said.contains("permission denied") && said.contains("owns the database's tables"),
        "{said}"
    );
    // A role that may only read and write what the owner made is not enough: days have an owner, too.
    at_url(&owner).0.migrate().await.unwrap();
    server
        .sql(
            &owner,
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest;
             GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO guest",
        )
        .unwrap();
    store.migrate().await.unwrap();
    store.create_account(new_account("a"), DAY).await.unwrap();
    assert_eq!(store.accounts().await.unwrap().len(), 1);
    store.journal().unwrap().commit(Batch::of(&[failure(1)]));
    let refused = store.forwarder().unwrap().unwrap().drain().await;
    assert!(
        matches!(refused, Err(StoreError::NoRights(_))),
        "{refused:?}"
    );
    let owns = async |url: &str| {
        let replicas = at_url(url).0.replicas().unwrap();
        replicas.inspect().await.unwrap().owns_tables
    };
    assert!(!owns(&guest).await && owns(&owner).await);
    assert!(owns(&server.create_database("nothing").unwrap()).await);
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_told_apart() {
    let server = Postgres::shared();
    let nobody = server.url().replace("waybill@", "nobody_known@");
    let refused = at_url(&nobody).0.migrate().await;
    assert!(
        matches!(refused, Err(StoreError::BadAddress(_))),
        "{refused:?}"
    );
    let nothing = format!("{}_that_is_not_there", server.url());
    let refused = at_url(&nothing).0.migrate().await;
    assert!(
        matches!(refused, Err(StoreError::BadAddress(_))),
        "{refused:?}"
    );
    let closed = at_url("postgres://waybill@127.0.0.1:1/x").0.migrate().await;
    assert!(matches!(closed, Err(StoreError::Away)), "{closed:?}");
}

// ── being away ──

#[tokio::test]
async fn whoever_asks_while_the_database_is_away_is_told_so_and_soon() {
    let server = Postgres::new(waybill_testbed::PostgresOptions::default()).unwrap();
    let url = server.create_database("away").unwrap();
    let mut f = Fixture::at(url, |_, options| {
        options.query_limit = Duration::from_secs(1)
    });
    f.write(&[failure(1)]).await;
    let ask = async || f.store.errors(&everything(), &first_page(1)).await;
    assert_eq!(ask().await.unwrap().total, 1);

    server.stop().unwrap();
    assert!(matches!(ask().await, Err(StoreError::Away)));
    let change = f.store.create_account(new_account("a"), DAY).await;
    assert!(matches!(change, Err(StoreError::Away)), "{change:?}");
    assert_eq!(f.store.books().await.unwrap().stored, 1);
    server.start().unwrap();
    assert_eq!(ask().await.unwrap().total, 1);

    server.suspend().unwrap();
    let begun = std::time::Instant::now();
    assert!(matches!(
        ask().await,
        Err(StoreError::TooSlow | StoreError::Away)
    ));
    assert!(begun.elapsed() < Duration::from_secs(5));
    server.resume().unwrap();
    assert_eq!(ask().await.unwrap().total, 1);

    server.set("default_transaction_read_only", "on").unwrap();
    let change = f.store.create_account(new_account("a"), DAY).await;
    assert!(matches!(change, Err(StoreError::ReadOnly)), "{change:?}");
    let change = f
        .store
        .set_resolved(waybill_model::id::ErrorId(1), true)
        .await;
    assert!(matches!(change, Err(StoreError::ReadOnly)), "{change:?}");
    assert_eq!(ask().await.unwrap().total, 1);
    server.set("default_transaction_read_only", "off").unwrap();
    f.store.create_account(new_account("a"), DAY).await.unwrap();
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_stopped_at_the_server_too() {
    let f = Fixture::at(postgres::database(), |_, options| {
        options.query_limit = Duration::from_millis(300);
    });
    f.sql(
        "CREATE FUNCTION slowly(t TEXT) RETURNS TEXT LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_sleep(30); RETURN t; END $$;
         ALTER TABLE prices RENAME TO prices_there;
         CREATE VIEW prices AS SELECT slowly(model) AS model, input, output, cache_read, cache_write
         FROM prices_there;
         INSERT INTO prices_there VALUES ('m', 1, 1)",
    );
    let answer = f.store.prices().await;
    assert!(matches!(answer, Err(StoreError::TooSlow)), "{answer:?}");
    let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%FROM prices%'
                   AND query NOT LIKE '%pg_stat%' AND datname = current_database()";
    until("it is stopped", || async { f.sql(running) == "0" }).await;
    assert!(f.store.accounts().await.unwrap().is_empty());
}

// ── replicas ──

#[tokio::test]
async fn a_change_is_heard_of_by_every_replica_and_has_a_number() {
    let url = postgres::database();
    let (one, other) = (
        Fixture::at(url.clone(), |_, _| {}),
        Fixture::at(url, |_, _| {}),
    );
    let mut f = one;
    let replicas = other.store.replicas().unwrap();
    let mut changes = replicas.changes();
    assert_eq!(changes.next().await, Change::Anything);
    let before = replicas.deployment().await.unwrap();
    f.store.create_account(new_account("a"), DAY).await.unwrap();
    assert_eq!(changes.next().await, Change::Config);
    let after = replicas.deployment().await.unwrap();
    assert_eq!(after.name, before.name);
    assert!(after.config_version > before.config_version);
    f.journal.commit(Batch {
        account_events: &[event(1), event(2)],
        ..Batch::default()
    });
    let own = f.store.replicas().unwrap();
    assert_eq!(own.spooled_account_events().await.unwrap().len(), 2);
    f.drain().await;
    assert_eq!(own.spooled_account_events().await.unwrap(), []);
    while changes.next().await != Change::AccountEvents {}
    let heard = replicas.account_events_after(0, 10).await.unwrap();
    let ids: Vec<i64> = heard.iter().map(|(_, event)| event.id.0).collect();
    assert_eq!(ids, [1, 2]);
    let (first, _) = heard[0];
    assert_eq!(
        replicas
            .account_events_after(first, 10)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(replicas.last_account_event().await.unwrap(), heard[1].0);
}

#[tokio::test]
async fn replicas_get_numbers_of_their_own_and_keep_them() {
    let url = postgres::database();
    let stores: Vec<_> = (0..3).map(|_| at_url(&url)).collect();
    let mut numbers = Vec::new();
    for (n, (store, _)) in stores.iter().enumerate() {
        let replicas = store.replicas().unwrap();
        let name = format!("r{n}");
        numbers.push(replicas.join(&name, "1.0", DAY).await.unwrap());
        assert_eq!(replicas.join(&name, "1.1", DAY).await.unwrap(), numbers[n]);
    }
    assert_eq!(numbers, [1, 2, 3]);
    let replicas = stores[0].0.replicas().unwrap();
    replicas.beat(r#"{"ready":true}"#.to_owned()).await.unwrap();
    let list = replicas.list().await.unwrap();
    assert_eq!(list.len(), 3);
    assert_eq!(
        (list[0].id.as_str(), list[0].number),
        (replicas.own_id(), 1)
    );
    assert_eq!(
        (list[0].name.as_str(), list[0].version.as_str()),
        ("r0", "1.1")
    );
    assert_eq!(list[0].status, r#"{"ready":true}"#);
    assert!(list[0].seen_ms_ago < 60_000 && list[0].seen_at > DAY);
    // Whoever was not seen for a day makes room.
    postgres::sql(&url, "UPDATE replicas SET seen_at = 0 WHERE number = 2");
    let (fourth, _folder) = at_url(&url);
    let number = fourth.replicas().unwrap().join("r4", "1.0", DAY).await;
    assert_eq!(number.unwrap(), 2);
    postgres::sql(
        &url,
        "INSERT INTO replicas SELECT 'x' || n, n, '', '', 0, 4000000000000, '{}' FROM generate_series(4, 63) n",
    );
    let (last, _folder) = at_url(&url);
    let full = last.replicas().unwrap().join("late", "1.0", DAY).await;
    assert!(matches!(full, Err(StoreError::NoNumber)), "{full:?}");
    replicas.leave().await.unwrap();
}

#[tokio::test]
async fn configuration_changed_by_many_replicas_at_once_stays_unique() {
    let url = postgres::database();
    let stores: Vec<_> = (0..4).map(|_| at_url(&url)).collect();
    let mut tasks = Vec::new();
    for _ in 0..10 {
        for (n, (store, _)) in stores.iter().enumerate() {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let made = store.create_account(new_account("the one"), DAY).await;
                let other = store
                    .upsert_account(new_account("shared"), DAY)
                    .await
                    .unwrap();
                let own = store
                    .create_account(new_account(&format!("own {n}")), DAY)
                    .await;
                (made, other.id, own)
            }));
        }
    }
    let (mut made, mut own, mut shared) = (0, 0, std::collections::BTreeSet::new());
    for task in tasks {
        let (one, other, mine) = task.await.unwrap();
        shared.insert(other);
        for (answer, count) in [(one, &mut made), (mine, &mut own)] {
            match answer {
                Ok(_) => *count += 1,
                Err(StoreError::NameTaken {
                    kind: Kind::Account,
                    ..
                }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    assert_eq!((made, own, shared.len()), (1, 4, 1));
    assert_eq!(stores[0].0.accounts().await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_job_is_done_by_one_replica_at_a_time_by_the_databases_clock() {
    let url = postgres::database();
    let (one, other) = (at_url(&url), at_url(&url));
    // What the replicas think of the time is of no matter.
    let wrong = UnixMillis(5);
    assert!(
        one.0
            .lease_job("retention", "a", 60_000, wrong)
            .await
            .unwrap()
    );
    assert!(
        !other
            .0
            .lease_job("retention", "b", 60_000, at(1))
            .await
            .unwrap()
    );
    assert!(
        one.0
            .lease_job("retention", "a", 60_000, wrong)
            .await
            .unwrap()
    );
    one.0.job_began("retention", "a", wrong).await.unwrap();
    let ended = one
        .0
        .job_ended("retention", "a", JobOutcome::Ok, "fine".to_owned(), wrong);
    ended.await.unwrap();
    let jobs = other.0.jobs().await.unwrap();
    assert_eq!((jobs.len(), jobs[0].runs, jobs[0].failures), (1, 1, 0));
    assert!(jobs[0].finished_at.unwrap() > DAY);
    one.0.release_jobs("a").await.unwrap();
    assert!(other.0.lease_job("retention", "b", 0, at(1)).await.unwrap());
    until("the lease is over", || async {
        one.0
            .lease_job("retention", "a", 60_000, wrong)
            .await
            .unwrap()
    })
    .await;
}

// ── a start while the database is away ──

#[tokio::test]
async fn a_picture_holds_what_a_replica_needs_to_start() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    assert_eq!(f.store.picture().await.unwrap(), None);
    let mut account = new_account("a");
    account.credential = waybill_model::entity::Sealed((0..=255).collect());
    let account = f.store.create_account(account, DAY).await.unwrap();
    let user = NewUser {
        name: "ü'\"".to_owned(),
        limits: Limits::default(),
        credit_usd: Some(MicroUsd(7)),
        status: Status::Active,
    };
    f.store.create_user(user, DAY).await.unwrap();
    let price = Price {
        model: "gpt*".to_owned(),
        input: MicroUsd(1),
        output: MicroUsd(2),
        cache_read: None,
        cache_write: Some(MicroUsd(3)),
    };
    f.store.set_prices(vec![price]).await.unwrap();
    let mut limited = event(9);
    limited.account_id = account.id;
    let usage = [count(KEY, Window::Total, DAY, 5)];
    f.journal.commit(Batch {
        account_events: &[limited],
        usage: &usage,
        ..Batch::default()
    });
    f.drain().await;
    f.store.keep_picture().await.unwrap();
    let kept = f.store.picture().await.unwrap().unwrap();
    assert_eq!(kept.config, f.store.load_config().await.unwrap());
    assert_eq!(kept.account_events, f.store.account_states().await.unwrap());
    assert_eq!(kept.account_events.len(), 1);
    let replicas = f.store.replicas().unwrap();
    assert_eq!(kept.usage, replicas.usage().await.unwrap());
    assert_eq!(
        kept.last_account_event,
        replicas.last_account_event().await.unwrap()
    );
    assert!(kept.taken_at > DAY);

    // Kept with the spool: read without the database.
    let folder = f.folder.path().to_owned();
    let nowhere = replica(&folder, "postgres://127.0.0.1:1/nowhere", |_, _| {});
    assert_eq!(nowhere.picture().await.unwrap(), Some(kept));
    assert!(matches!(
        nowhere.keep_picture().await,
        Err(StoreError::Away)
    ));
    // Another program's is not read.
    common::along::open(&f)
        .execute(
            "UPDATE picture SET content = CAST('{\"format\":99}' AS BLOB)",
            [],
        )
        .unwrap();
    assert_eq!(nowhere.picture().await.unwrap(), None);
}

// ── time ──

#[tokio::test]
async fn answers_are_the_same_in_every_time_zone() {
    let mut answers = Vec::new();
    for zone in ["UTC", "Asia/Kolkata", "America/St_Johns"] {
        let server = Postgres::new(waybill_testbed::PostgresOptions {
            settings: &[
                ("timezone", zone),
                ("datestyle", "German, DMY"),
                ("extra_float_digits", "0"),
            ],
            ..waybill_testbed::PostgresOptions::default()
        })
        .unwrap();
        let mut f = Fixture::at(server.create_database("zone").unwrap(), |_, _| {});
        // Around midnight, of UTC and of the zones; in summer and in winter.
        let midnight = -(DAY.0 % A_DAY);
        let offsets = [
            0,
            -1,
            1,
            5 * 3_600_000 + 1_800_000,
            -3 * 3_600_000 - 1_800_000,
        ];
        let mut n = 0;
        let mut records = Vec::new();
        for day in [0, 1, 150, 300] {
            for offset in offsets {
                n += 1;
                let mut record = failure(n);
                let when = DAY.plus_ms(midnight + day * A_DAY + offset);
                record.request.as_mut().unwrap().subject.created_at = when;
                record.error.as_mut().unwrap().subject.created_at = when;
                records.push(record);
            }
        }
        f.write(&records).await;
        let list = f
            .store
            .errors(&everything(), &first_page(50))
            .await
            .unwrap();
        let events = f
            .store
            .upstream_errors(&everything(), &first_page(50))
            .await
            .unwrap();
        let days = f.sql("SELECT string_agg(table_name || day_start_ms, ' ') FROM waybill_days()");
        let policy = RetentionPolicy {
            errors_max_age_ms: Some(0),
            ..RetentionPolicy::default()
        };
        f.store
            .retain(&policy, DAY.plus_ms(midnight + A_DAY))
            .await
            .unwrap();
        let left = f
            .store
            .errors(&everything(), &first_page(50))
            .await
            .unwrap();
        assert!(left.total < list.total);
        answers.push((list, events, days, left));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

// ── retention ──

fn of_day(day: i64, n: u64) -> Record {
    let n = u64::try_from(day * A_DAY).unwrap() + n;
    match n % 3 {
        0 => recovered(n),
        1 => failure(n),
        _ => success(n),
    }
}

/// Ten days with thirty records each.
async fn ten_days(f: &mut Fixture) {
    for day in 0..10 {
        let records: Vec<Record> = (0..30).map(|n| of_day(day, n)).collect();
        f.write(&records).await;
    }
    roll_up(&f.store).await;
}

fn days(f: &Fixture, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM waybill_days() WHERE table_name = '{table}'");
    f.sql(&sql).parse().unwrap()
}

fn rows(f: &Fixture, table: &str) -> i64 {
    f.sql(&format!("SELECT count(*) FROM {table}"))
        .parse()
        .unwrap()
}

async fn retain(f: &Fixture, policy: RetentionPolicy, day: i64) -> RetentionReport {
    let now = DAY.plus_ms(day * A_DAY);
    f.store.retain(&policy, now).await.unwrap()
}

#[tokio::test]
async fn age_drops_whole_days_and_days_are_made_ahead() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    ten_days(&mut f).await;
    let noise = |day: i64| NoiseCount {
        minute: DAY.plus_ms(day * A_DAY),
        client_ip: "192.0.2.1".to_owned(),
        cause: waybill_model::cause::Cause::GatewayInvalidKey,
        count: 1,
        samples: Vec::new(),
    };
    f.journal.commit_noise(&[noise(0), noise(9)]).unwrap();
    f.drain().await;
    let policy = RetentionPolicy {
        errors_max_age_ms: Some(5 * A_DAY),
        requests_max_age_ms: Some(3 * A_DAY),
        replay_max_age_ms: Some(A_DAY),
        issues_max_age_ms: None,
        rollup_minutes_max_age_ms: None,
        rollup_hours_max_age_ms: None,
        rollup_days_max_age_ms: None,
        replay_max_bytes: None,
        audit_max_age_ms: None,
        max_bytes: None,
    };
    let report = retain(&f, policy, 9).await;
    // Kept for at least as long, and up to a day longer.
    assert_eq!(rows(&f, "errors"), 6 * 20);
    assert_eq!(rows(&f, "upstream_events"), 6 * 30);
    assert_eq!(rows(&f, "error_details"), 6 * 20);
    assert_eq!(rows(&f, "requests"), 4 * 30);
    assert_eq!(rows(&f, "replay_bodies"), 2 * 10);
    assert_eq!(rows(&f, "noise"), 1);
    assert_eq!(report.noise, 1);
    assert!(
        report.bytes_freed > 0 && report.bytes_used > 0,
        "{report:?}"
    );
    // Today, tomorrow, and the day after.
    assert_eq!(days(&f, "errors"), 6 + 2);
    let again = retain(&f, policy, 9).await;
    assert_eq!((again.bytes_freed, again.errors), (0, 0));
    let detail = f.store.errors(&everything(), &first_page(1)).await.unwrap();
    assert!(f.store.error(detail.errors[0].id).await.unwrap().is_some());
}

#[tokio::test]
async fn size_drops_what_is_least_missed_first_and_never_today() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    ten_days(&mut f).await;
    let keep = |max_bytes| RetentionPolicy {
        max_bytes: Some(max_bytes),
        ..RetentionPolicy::default()
    };
    let all = retain(&f, keep(u64::MAX), 9).await.bytes_used;
    let some = retain(&f, keep(all - 1), 9).await;
    assert!(some.bytes_freed > 0 && some.bytes_used < all, "{some:?}");
    assert_eq!((rows(&f, "errors"), rows(&f, "requests")), (200, 300));
    assert!(rows(&f, "replay_bodies") < 100);
    let least = retain(&f, keep(0), 9).await;
    assert!(least.bytes_used < some.bytes_used);
    for (table, today) in [
        ("errors", 20),
        ("requests", 30),
        ("error_details", 20),
        ("upstream_events", 30),
        ("replay_bodies", 10),
    ] {
        assert_eq!(rows(&f, table), today, "{table}");
    }
}

#[tokio::test]
async fn a_day_that_is_being_read_goes_another_time_and_nobody_waits() {
    let mut f = Fixture::at(postgres::database(), |_, _| {});
    ten_days(&mut f).await;
    let url = f.url.clone().unwrap();
    let day_of = |n: i64| {
        let sql = format!(
            "SELECT 'errors_' || waybill_day_name({})",
            DAY.plus_ms(n * A_DAY).0
        );
        postgres::sql(&url, &sql)
    };
    let first = day_of(0);
    let reader = {
        let (url, first) = (url.clone(), first.clone());
        tokio::task::spawn_blocking(move || {
            let long = format!("SELECT count(*), pg_sleep(3000) FROM {first}");
            Postgres::shared().sql(&url, &long)
        })
    };
    let of_it = "FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3000)%' AND state = 'active'
                 AND query NOT LIKE '%pg_stat%'";
    let reading = format!("SELECT count(*) {of_it}");
    until("it is read", || async { f.sql(&reading) != "0" }).await;
    let policy = RetentionPolicy {
        errors_max_age_ms: Some(5 * A_DAY),
        ..RetentionPolicy::default()
    };
    retain(&f, policy, 9).await;
    assert!(!reader.is_finished(), "nobody waits for who reads");
    let there = format!("SELECT to_regclass('{first}') IS NOT NULL");
    assert_eq!(f.sql(&there), "t");
    assert_eq!(days(&f, "errors"), 7 + 2);
    // Whoever asks meanwhile does not wait behind it.
    let list = f.store.errors(&everything(), &first_page(1)).await.unwrap();
    assert!(list.total > 0);
    f.sql(&format!("SELECT pg_cancel_backend(pid) {of_it}"));
    assert!(reader.await.unwrap().is_err(), "it was read until now");
    retain(&f, policy, 9).await;
    assert_eq!(f.sql(&there), "f");
}

#[tokio::test]
async fn accounts_states_survive_and_what_those_counted_who_are_gone_stays_theirs() {
    let url = postgres::database();
    let mut all: Vec<Fixture> = (0..3)
        .map(|_| Fixture::at(url.clone(), |_, _| {}))
        .collect();
    let account = all[0]
        .store
        .create_account(new_account("a"), DAY)
        .await
        .unwrap();
    let who = Consumer::Account(account.id);
    for (n, f) in (1..).zip(&mut all) {
        let mut happened = event(n);
        happened.account_id = account.id;
        let usage = [count(who, Window::Total, DAY, 1)];
        f.journal.commit(Batch {
            account_events: &[happened],
            usage: &usage,
            ..Batch::default()
        });
        f.drain().await;
    }
    let there = all[0].store.replicas().unwrap();
    there.join("here", "1", DAY).await.unwrap();
    let before = all[0].store.account_states().await.unwrap();
    let counted = by_replica(&there).await;
    assert_eq!(counted.len(), 3);
    let policy = RetentionPolicy {
        errors_max_age_ms: Some(0),
        ..RetentionPolicy::default()
    };
    // By the database's clock the others were never seen.
    let now: i64 = all[0]
        .sql("SELECT (extract(epoch FROM now()) * 1000)::BIGINT")
        .parse()
        .unwrap();
    let report = all[0].store.retain(&policy, UnixMillis(now)).await.unwrap();
    assert_eq!(report.account_events, 2);
    assert_eq!(all[0].store.account_states().await.unwrap(), before);
    let state = all[0]
        .store
        .account_state_at(account.id, UnixMillis(now))
        .await
        .unwrap();
    assert_eq!(state, AccountState::of(&before));
    let used = all[0].store.usage_of(who).await.unwrap();
    assert_eq!((used.len(), used[0].used.requests), (1, 3));
    // Whoever knows what each of them counted learns nothing new: nothing is added to what it knows.
    assert_eq!(by_replica(&there).await, counted);
}

/// How many requests each replica counted.
async fn by_replica(replicas: &Replicas) -> BTreeMap<String, u64> {
    let usage = replicas.usage().await.unwrap().into_iter();
    usage
        .map(|(replica, count)| (replica, count.used.requests))
        .collect()
}
