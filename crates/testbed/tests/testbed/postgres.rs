//! A PostgreSQL server of one's own.

use std::{fs, thread};

use waybill_testbed::{Error, Postgres, PostgresOptions};

use crate::support::{Asked, is_closed, wait_until};

/// What opens a session, and the first byte of the answer to it.
const OPENING: &[u8] =
    b"\x00\x00\x00\x28\x00\x03\x00\x00user\x00waybill\x00database\x00postgres\x00\x00";
const SSL_REQUEST: &[u8] = b"\x00\x00\x00\x08\x04\xd2\x16\x2f";

fn postgres() -> Postgres {
    Postgres::new(PostgresOptions::default()).unwrap()
}

#[test]
fn everybody_gets_a_database_of_their_own_on_the_shared_server() {
    let postgres = Postgres::shared();
    assert!(std::ptr::eq(postgres, Postgres::shared()));
    let one = postgres.create_database("books").unwrap();
    let other = postgres.create_database("books").unwrap();
    assert_ne!(one, other);
    postgres
        .sql(&one, "create table books (id bigint)")
        .unwrap();
    let count = "select count(*) from pg_tables where tablename = 'books'";
    assert_eq!(postgres.sql(&one, count).unwrap(), "1");
    assert_eq!(postgres.sql(&other, count).unwrap(), "0");
}

#[test]
fn databases_can_be_made_by_many_threads_at_once() {
    let postgres = Postgres::shared();
    let mut urls: Vec<String> = thread::scope(|scope| {
        let made: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| postgres.create_database("crowd").unwrap()))
            .collect();
        made.into_iter().map(|made| made.join().unwrap()).collect()
    });
    urls.sort();
    urls.dedup();
    assert_eq!(urls.len(), 8);
}

#[test]
fn a_database_can_be_copied() {
    let postgres = Postgres::shared();
    let template = postgres.create_database("template").unwrap();
    let fill = "create table books (title text); insert into books values ('Momo'), ('Emil')";
    postgres.sql(&template, fill).unwrap();
    let copy = postgres.create_database_from(&template).unwrap();
    assert_ne!(copy, template);
    let titles = "select title, length(title) from books order by title";
    assert_eq!(postgres.sql(&copy, titles).unwrap(), "Emil|4\nMomo|4");
}

#[test]
fn a_database_goes_and_whoever_is_connected_to_it() {
    let postgres = Postgres::shared();
    let url = postgres.create_database("gone").unwrap();
    std::thread::scope(|scope| {
        let connected = scope.spawn(|| postgres.sql(&url, "select pg_sleep(3000)"));
        let sessions = format!(
            "select count(*) from pg_stat_activity where datname = '{}'",
            url.rsplit('/').next().unwrap()
        );
        wait_until("it is connected", || {
            postgres.sql(&postgres.url(), &sessions).unwrap() == "1"
        });
        postgres.drop_database(&url).unwrap();
        assert!(connected.join().unwrap().is_err());
    });
    assert!(postgres.sql(&url, "select 1").is_err());
}

#[test]
fn what_cannot_be_a_database_is_refused_and_what_postgresql_refuses_is_told() {
    let postgres = Postgres::shared();
    for prefix in ["", "Books", "a b", "x\"; drop database postgres; --"] {
        let refused = postgres.create_database(prefix);
        assert!(matches!(refused, Err(Error::Argument(_))), "{prefix}");
    }
    let error = postgres
        .sql(&postgres.url(), "select * from nothing")
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("relation \"nothing\" does not exist"),
        "{error}"
    );
}

#[test]
fn the_defaults_are_those_for_tests_and_can_be_changed() {
    let show = |postgres: &Postgres| {
        let names = [
            "fsync",
            "synchronous_commit",
            "max_connections",
            "work_mem",
            "listen_addresses",
        ];
        let columns = names
            .map(|name| format!("current_setting('{name}')"))
            .join(", ");
        postgres
            .sql(&postgres.url(), &format!("select {columns}"))
            .unwrap()
    };
    assert_eq!(show(Postgres::shared()), "off|on|200|4MB|127.0.0.1");
    let own = Postgres::new(PostgresOptions {
        durable: true,
        settings: &[("work_mem", "7MB"), ("max_connections", "20")],
    });
    assert_eq!(show(&own.unwrap()), "on|on|20|7MB|127.0.0.1");
}

#[test]
fn it_speaks_utf8_orders_bytes_and_lives_in_utc_behind_no_other_door() {
    let postgres = Postgres::shared();
    let url = postgres.url();
    let shown = "select current_setting('server_encoding'), current_setting('lc_collate'), \
                 current_setting('timezone'), current_setting('unix_socket_directories')";
    assert_eq!(postgres.sql(&url, shown).unwrap(), "UTF8|C|UTC|");
}

#[test]
fn a_setting_that_is_refused_is_told_with_the_servers_own_words() {
    let settings = &[("shared_buffers", "much")];
    let error = Postgres::new(PostgresOptions {
        durable: false,
        settings,
    })
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("invalid value for parameter \"shared_buffers\""),
        "{error}"
    );
}

#[test]
fn what_was_committed_is_there_after_a_kill_on_the_same_port() {
    let postgres = postgres();
    let url = postgres.create_database("books").unwrap();
    let fill = "create table books as select generate_series(1, 1000) as id";
    postgres.sql(&url, fill).unwrap();
    let mut session = Asked::at(postgres.address());
    session.send(OPENING);
    assert_eq!(session.receive(1), b"R");

    postgres.kill().unwrap();
    assert!(!postgres.is_running());
    assert!(is_closed(postgres.address()));
    assert!(postgres.sql(&url, "select 1").is_err());

    postgres.start().unwrap();
    assert_eq!(
        postgres.sql(&url, "select count(*) from books").unwrap(),
        "1000"
    );
    assert!(postgres.log().contains("was not properly shut down"));
}

#[test]
fn a_stop_is_orderly_and_the_port_is_kept_meanwhile() {
    let postgres = postgres();
    let url = postgres.create_database("books").unwrap();
    postgres
        .sql(&url, "create table books (id bigint)")
        .unwrap();
    postgres.stop().unwrap();
    postgres.stop().unwrap();
    assert!(is_closed(postgres.address()));
    assert!(matches!(
        postgres.suspend(),
        Err(Error::NotRunning("postgres"))
    ));
    // Nobody who asks for a free port is given this one.
    for _ in 0..500 {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_ne!(free.local_addr().unwrap(), postgres.address());
    }

    postgres.start().unwrap();
    postgres.start().unwrap();
    assert_eq!(
        postgres.sql(&url, "select count(*) from books").unwrap(),
        "0"
    );
    assert!(postgres.log().contains("database system is shut down"));
    assert!(!postgres.log().contains("was not properly shut down"));
}

#[test]
fn a_suspended_server_says_nothing_and_goes_on_where_it_was() {
    let postgres = postgres();
    // A session whose process is there, but has not been told who we are.
    let mut session = Asked::at(postgres.address());
    session.send(SSL_REQUEST);
    assert_eq!(session.receive(1), b"N");

    postgres.suspend().unwrap();
    session.send(OPENING);
    let mut newcomer = Asked::at(postgres.address());
    newcomer.send(OPENING);
    assert!(session.is_silent());
    assert!(newcomer.is_silent());
    assert!(postgres.is_running());

    postgres.resume().unwrap();
    assert_eq!(session.receive(1), b"R");
    assert_eq!(newcomer.receive(1), b"R");
}

#[test]
fn a_suspended_server_can_be_stopped_and_killed() {
    let postgres = postgres();
    postgres.suspend().unwrap();
    postgres.stop().unwrap();
    postgres.start().unwrap();
    postgres.suspend().unwrap();
    postgres.kill().unwrap();
    postgres.start().unwrap();
    assert_eq!(postgres.sql(&postgres.url(), "select 1").unwrap(), "1");
}

#[test]
fn a_setting_can_be_changed_while_it_runs() {
    let postgres = postgres();
    let url = postgres.create_database("books").unwrap();
    postgres.set("default_transaction_read_only", "on").unwrap();
    let error = postgres
        .sql(&url, "create table books (id bigint)")
        .unwrap_err();
    assert!(
        error.to_string().contains("read-only transaction"),
        "{error}"
    );
    postgres
        .set("default_transaction_read_only", "off")
        .unwrap();
    postgres
        .sql(&url, "create table books (id bigint)")
        .unwrap();
    assert!(postgres.set("no_such_setting", "on").is_err());
}

#[test]
fn nothing_is_left_of_one_that_is_dropped() {
    let postgres = postgres();
    let (address, folder) = (postgres.address(), postgres.folder().to_owned());
    assert!(folder.is_dir());
    drop(postgres);
    assert!(is_closed(address));
    assert!(!folder.exists());
}

#[test]
fn nothing_is_left_of_one_that_was_killed() {
    let postgres = postgres();
    let (id, folder) = (shared_memory(&postgres), postgres.folder().to_owned());
    assert!(segments().contains(&id));
    postgres.kill().unwrap();
    drop(postgres);
    assert!(!folder.exists());
    wait_until("its shared memory is gone", || !segments().contains(&id));
}

/// The number of its piece of shared memory.
fn shared_memory(postgres: &Postgres) -> String {
    let lock = fs::read_to_string(postgres.folder().join("data/postmaster.pid")).unwrap();
    let line = lock.lines().nth(6).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().to_owned()
}

/// The numbers of all pieces of shared memory on this machine.
fn segments() -> Vec<String> {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let number = |line: &str| Some(line.split_ascii_whitespace().nth(1)?.to_owned());
    table.lines().skip(1).filter_map(number).collect()
}
