//! Sustained ingest: how many error records a second can be kept up, and for how much CPU?
//!
//! The gateway's own journal, spool and forwarder, without the gateway around them: a thread commits
//! records in batches as fast as they go on, never further ahead of the database than a bounded number,
//! so that what is counted is what has arrived. This is the one part of the bench that links a crate of
//! the gateway's, for no gateway could be asked to fail so often on this machine.

mod records;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use clap::{Args, ValueEnum};
use serde::Serialize;
use waybill_model::secret::Secret;
use waybill_store::{Batch, Fate, Journal, PostgresOptions, Store, StoreOptions};
use waybill_testbed::{Postgres, PostgresOptions as ServerOptions};

use self::records::Records;
use crate::cpu::{Processes, Server, of_the_machine};

/// The spool holds at most so many records: some seconds' worth, so that a checkpoint does not stop the
/// one who commits.
const MOST_AHEAD: u64 = 20_000;
/// Between two looks at how far records have come.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Left out at the begin: connections are opened, a day is made.
const WARM_UP: Duration = Duration::from_secs(5);
/// Between two lines of progress.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// What is left at the end has so long.
const PATIENCE: Duration = Duration::from_secs(60);

const POSTGRES: Server = Server::called("postgres");

/// How ingest is measured.
#[derive(Args)]
pub struct Options {
    /// Where the results go.
    #[arg(long, default_value = ".build/bench")]
    out: PathBuf,
    /// Only this home.
    #[arg(long)]
    home: Option<Home>,
    /// What is written.
    #[arg(long, value_enum, default_value = "failures")]
    records: Kind,
    /// Seconds for each home: PostgreSQL makes several checkpoints in a minute of this.
    #[arg(long, default_value_t = 90.0)]
    seconds: f64,
    /// Records of a commit to the journal.
    #[arg(long, default_value_t = 200)]
    batch: usize,
    /// A setting of PostgreSQL's, `name=value`; otherwise it is as installed, and durable.
    #[arg(long)]
    set: Vec<String>,
}

/// Where records rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Home {
    /// A spool, and PostgreSQL behind it.
    Postgres,
    /// The embedded store.
    Sqlite,
}

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A request, an error with details, two attempts with theirs, a copy to send again.
    Failures,
    /// A request.
    Successes,
}

/// What was measured of one home.
#[derive(Serialize)]
pub struct Ingested {
    /// Where to.
    pub home: Home,
    /// What.
    pub records: Kind,
    /// Records that arrived, after the warm-up.
    pub arrived: u64,
    /// In so many seconds.
    pub seconds: f64,
    /// The fewest a second in any ten seconds of it.
    pub slowest: f64,
    /// CPU of this process: making records, the journal, the forwarder; seconds.
    pub own_cpu: f64,
    /// Of it, making them.
    pub making_cpu: f64,
    /// CPU of PostgreSQL; seconds.
    pub database_cpu: f64,
    /// CPUs that others on this machine kept busy meanwhile.
    pub others_cpus: f64,
    /// Bytes on disk when all had arrived, and of PostgreSQL's log, for each record.
    pub bytes: f64,
    /// See above.
    pub log_bytes: f64,
    /// Table by table, its indexes included: bytes for each record.
    pub tables: Vec<(String, f64)>,
    /// Checkpoints made meanwhile.
    pub checkpoints: usize,
}

/// Runs it, writes the results and prints the table.
///
/// # Errors
/// When a store cannot be opened, or does not take what it is given.
pub fn run(options: &Options) -> Result<()> {
    fs::create_dir_all(&options.out)?;
    let mut all = Vec::new();
    for home in [Home::Sqlite, Home::Postgres] {
        if options.home.is_none_or(|only| only == home) {
            let folder = tempfile::Builder::new()
                .prefix("run-")
                .tempdir_in(fs::canonicalize(&options.out)?)?;
            let measured = match home {
                Home::Sqlite => sqlite(options, folder.path()),
                Home::Postgres => postgres(options, folder.path()),
            };
            all.push(measured.with_context(|| format!("{home:?}"))?);
        }
    }
    let table = table::render(&all);
    let json = serde_json::to_vec_pretty(&all)?;
    fs::write(options.out.join("ingest.json"), json)?;
    fs::write(options.out.join("ingest.md"), &table)?;
    println!("{table}");
    Ok(())
}

fn sqlite(options: &Options, folder: &Path) -> Result<Ingested> {
    let file = folder.join("waybill.db");
    let store = Store::open(StoreOptions::at(&file))?;
    let mut ingested = ingest(options, Home::Sqlite, &store)?;
    let size: u64 = fs::metadata(&file)?.len();
    ingested.bytes = size as f64 / stored(&store)?.max(1) as f64;
    Ok(ingested)
}

fn postgres(options: &Options, folder: &Path) -> Result<Ingested> {
    let settings = options
        .set
        .iter()
        .map(|pair| pair.split_once('=').context("a setting is name=value"))
        .collect::<Result<Vec<_>>>()?;
    let server = Postgres::new(ServerOptions {
        durable: true,
        settings: &settings,
    })?;
    let url = server.create_database("bench")?;
    let reached = PostgresOptions::at(Secret::new(url.clone()));
    let store = Store::shared(
        StoreOptions::at(folder.join("spool.db")),
        &reached,
        "bench-spool",
    )?;
    let number = |sql: &str| -> Result<f64> { Ok(server.sql(&url, sql)?.trim().parse()?) };
    runtime()?.block_on(store.migrate())?;
    let forwarder = store.forwarder()?.context("a shared store has one")?;
    // The table they are counted in is another from version 17 on; the log says the same in all.
    let checkpoints = || server.log().matches("checkpoint complete").count();
    let (log, checkpoints_before) = (number(LOG)?, checkpoints());
    let forwarding = forwarder.spawn(PATIENCE)?;
    let ingested = ingest(options, Home::Postgres, &store);
    forwarding.stop();
    let mut ingested = ingested?;
    let records = stored(&store)?.max(1) as f64;
    ingested.log_bytes = (number(LOG)? - log) / records;
    ingested.checkpoints = checkpoints() - checkpoints_before;
    ingested.bytes = number("SELECT pg_database_size(current_database())")? / records;
    let tables = server.sql(&url, TABLES)?;
    ingested.tables = tables
        .lines()
        .filter_map(|line| {
            let (table, bytes) = line.split_once('|')?;
            Some((table.to_owned(), bytes.parse::<f64>().ok()? / records))
        })
        .collect();
    Ok(ingested)
}

const LOG: &str = "SELECT pg_current_wal_insert_lsn() - '0/0'";
const TABLES: &str = "SELECT p.relname, sum(pg_total_relation_size(i.inhrelid)) FROM pg_inherits i
    JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind = 'r'
    GROUP BY 1 ORDER BY 2 DESC";

/// Commits for as long as was asked, and looks on.
fn ingest(options: &Options, home: Home, store: &Store) -> Result<Ingested> {
    let runtime = runtime()?;
    let books = || runtime.block_on(store.books());
    let journal = store.journal()?;
    let (arrived, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let writer = Writer {
        journal,
        records: Records::new(options.records, options.batch),
        // What is in the embedded store has arrived.
        arrived: (home == Home::Postgres).then(|| Arc::clone(&arrived)),
        stop: Arc::clone(&stop),
    };
    let own = Processes(vec![std::process::id()]);
    let (mut begin, mut slowest) = (None, f64::INFINITY);
    let length = WARM_UP + Duration::from_secs_f64(options.seconds);
    let began = Instant::now();
    let committing = thread::Builder::new()
        .name("journal".into())
        .spawn(move || writer.run())?;
    let mut said = (Instant::now(), 0);
    while began.elapsed() < length && !committing.is_finished() {
        thread::sleep(LOOK_EVERY);
        let now = books()?;
        arrived.store(now.stored, Ordering::Relaxed);
        if begin.is_none() && began.elapsed() >= WARM_UP {
            begin = Some((
                Instant::now(),
                now.stored,
                own.sample(),
                POSTGRES.cpu(),
                of_the_machine(),
            ));
            said = (Instant::now(), now.stored);
        }
        if begin.is_some() && said.0.elapsed() >= SAY_EVERY {
            let rate = (now.stored - said.1) as f64 / said.0.elapsed().as_secs_f64();
            slowest = slowest.min(rate);
            let seconds = began.elapsed().as_secs();
            eprintln!(
                "{seconds:>4} s  {home:?}: {rate:.0}/s, {} wait",
                now.spooled
            );
            said = (Instant::now(), now.stored);
        }
    }
    let (since, before, cpu, database, machine) = begin.context("it ended before it began")?;
    let now = books()?;
    let (seconds, own_cpu) = (since.elapsed(), cpu.until(&own.sample()));
    let database_cpu = POSTGRES.cpu().saturating_sub(database);
    let machine_cpu = of_the_machine().saturating_sub(machine);
    let ours = (own_cpu + database_cpu).as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    let (committed, making_share) = committing
        .join()
        .map_err(|_| anyhow!("the one who commits panicked"))??;
    let waits = Instant::now();
    while books()?.stored < committed {
        ensure!(waits.elapsed() < PATIENCE, "records stay in the spool");
        thread::sleep(LOOK_EVERY);
    }
    let books = books()?;
    ensure!(
        books.due == committed && books.counted_lost + books.set_aside == 0,
        "not as meant: {committed} committed, {books:?}"
    );
    let arrived = now.stored - before;
    Ok(Ingested {
        home,
        records: options.records,
        arrived,
        seconds: seconds.as_secs_f64(),
        slowest,
        own_cpu: own_cpu.as_secs_f64(),
        making_cpu: making_share * arrived as f64,
        database_cpu: database_cpu.as_secs_f64(),
        others_cpus: (machine_cpu.as_secs_f64() - ours) / seconds.as_secs_f64(),
        bytes: 0.0,
        log_bytes: 0.0,
        tables: Vec::new(),
        checkpoints: 0,
    })
}

/// Makes records and commits them.
struct Writer {
    journal: Journal,
    records: Records,
    arrived: Option<Arc<AtomicU64>>,
    stop: Arc<AtomicBool>,
}

impl Writer {
    /// How many were committed; seconds that making one took.
    fn run(mut self) -> Result<(u64, f64)> {
        let (mut committed, mut making) = (0, Duration::ZERO);
        while !self.stop.load(Ordering::Relaxed) {
            let ahead = self.arrived.as_ref().map_or(0, |arrived| {
                committed - arrived.load(Ordering::Relaxed).min(committed)
            });
            if ahead >= MOST_AHEAD {
                thread::sleep(Duration::from_millis(2));
                continue;
            }
            let began = Instant::now();
            let records = self.records.next();
            making += began.elapsed();
            let report = self.journal.commit(Batch::of(records));
            let whole = report.fates.iter().all(|fate| *fate == Fate::Stored);
            ensure!(whole, "not stored whole: {:?}", report.fates.first());
            committed += records.len() as u64;
        }
        Ok((committed, making.as_secs_f64() / committed.max(1) as f64))
    }
}

fn stored(store: &Store) -> Result<u64> {
    Ok(runtime()?.block_on(store.books())?.stored)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    Ok(builder.enable_all().build()?)
}
