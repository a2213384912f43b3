//! A PostgreSQL server of one's own.
//!
//! Promises: what was committed is there after [`Postgres::kill`] and a new start, also with the default
//! settings, which only an operating system that fails can hurt. Whoever reaches the port may do
//! everything: there are no passwords.

mod programs;
mod sql;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use self::programs::Programs;
use crate::{
    error::{Error, Result},
    proc::wait_until,
    server::Server,
    user::User,
};

/// The superuser that everything is done as.
const USER: &str = "waybill";

/// The database that is always there.
const MAINTENANCE: &str = "postgres";

/// For new settings to be read.
const RELOAD: Duration = Duration::from_secs(20);

/// How a server is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct PostgresOptions<'a> {
    /// Whether a commit waits for the disk, as in production. Default: no, the server's processes may be
    /// killed but the machine must not fail.
    pub durable: bool,
    /// Further settings, name and value, over all others.
    pub settings: &'a [(&'a str, &'a str)],
}

/// A PostgreSQL server. Dropping it stops it and removes its data.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    programs: Programs,
    data: PathBuf,
    databases: AtomicU32,
}

impl Postgres {
    /// Makes an empty server and starts it. Takes about a second.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or refuses a setting.
    pub fn new(options: PostgresOptions<'_>) -> Result<Postgres> {
        let programs = Programs::find()?;
        let server = Server::new("postgres", User::instead_of_root()?, "QUIT")?;
        let postgres = Postgres {
            data: server.folder().join("data"),
            server,
            programs,
            databases: AtomicU32::new(0),
        };
        postgres.initialise(options)?;
        postgres.start()?;
        Ok(postgres)
    }

    /// The server that all tests of a process share: started at its first use, gone with the process.
    ///
    /// # Panics
    /// It cannot be started.
    #[expect(clippy::panic, reason = "no test that needs a server can go on")]
    pub fn shared() -> &'static Postgres {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| match Postgres::new(PostgresOptions::default()) {
            Ok(postgres) => postgres,
            Err(error) => panic!("{}", error.with_source()),
        })
    }

    /// Address of the database that is always there.
    pub fn url(&self) -> String {
        self.url_of(MAINTENANCE)
    }

    /// Where it listens when it runs.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Where its files are: `data`, and `log`.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// Everything it wrote into its log.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Whether its processes are there, suspended or not.
    pub fn is_running(&self) -> bool {
        self.server.is_running()
    }

    /// Makes an empty database and answers its address. Its name begins with `prefix`, and no other has it.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn create_database(&self, prefix: &str) -> Result<String> {
        self.create(prefix, "template0")
    }

    /// Makes a copy of the database at this address, to which nobody may be connected, and answers its
    /// address.
    ///
    /// # Errors
    /// There is no such database, somebody uses it, or the server does not answer.
    pub fn create_database_from(&self, template: &str) -> Result<String> {
        let name = sql::database_of(template)?;
        self.create(name, name)
    }

    /// Removes the database at this address, and ends whoever is connected to it.
    ///
    /// # Errors
    /// There is no such database, or the server does not answer.
    pub fn drop_database(&self, url: &str) -> Result<()> {
        let name = sql::database_of(url)?;
        let statement = format!("drop database {name} with (force)");
        self.sql(&self.url(), &statement).map(drop)
    }

    /// Runs SQL in the database at this address. Answers the rows, a line each, columns divided by `|`.
    ///
    /// # Errors
    /// What PostgreSQL says against it.
    pub fn sql(&self, url: &str, statements: &str) -> Result<String> {
        self.programs.psql(url, statements)
    }

    /// Changes a setting for everybody, as `ALTER SYSTEM` does: sessions take it up before their next
    /// statement. `set("default_transaction_read_only", "on")` makes a standby of it, as far as clients see.
    ///
    /// # Errors
    /// There is no such setting, it only changes with a new start, or the server does not answer.
    pub fn set(&self, name: &str, value: &str) -> Result<()> {
        let url = self.url();
        let loaded = || self.sql(&url, "select pg_conf_load_time()");
        let before = loaded()?;
        self.sql(&url, &sql::alter_system(name, value)?)?;
        self.sql(&url, "select pg_reload_conf()")?;
        // A session that is new has what the server has read.
        let mut answer = Ok(());
        let read = wait_until(RELOAD, || match loaded() {
            Ok(at) => at != before,
            Err(error) => {
                answer = Err(error);
                true
            }
        });
        match read {
            true => answer,
            false => Err(Error::Late {
                what: format!("postgres was to read its new {name}"),
                log: self.log(),
            }),
        }
    }

    /// Stops it in order, ending every session: a *fast* shutdown.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop(&self) -> Result<()> {
        self.server.end("INT")
    }

    /// `kill -9` of all its processes.
    ///
    /// # Errors
    /// They do not end.
    pub fn kill(&self) -> Result<()> {
        self.server.kill()
    }

    /// Starts it again, on the same port with the same data, and waits until it takes queries.
    ///
    /// # Errors
    /// It ends again; with the end of its log.
    pub fn start(&self) -> Result<()> {
        let data = self.data.to_string_lossy();
        let lock = self.data.join("postmaster.pid");
        let ready = |pid| fs::read_to_string(&lock).is_ok_and(|text| takes_queries(&text, pid));
        self.server
            .start(&self.programs.path("postgres"), ["-D", &data], ready)
    }

    /// Stops all its processes in their tracks: sessions stay, and get no answer; new connections are
    /// taken by the kernel and get none either.
    ///
    /// # Errors
    /// It is not running.
    pub fn suspend(&self) -> Result<()> {
        self.server.suspend()
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It is not running.
    pub fn resume(&self) -> Result<()> {
        self.server.resume()
    }

    fn create(&self, prefix: &str, template: &str) -> Result<String> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}_{number}");
        let statement = format!(
            "create database {} template {}",
            sql::identifier(&name)?,
            sql::identifier(template)?
        );
        self.sql(&self.url(), &statement)?;
        Ok(self.url_of(&name))
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://{USER}@{}/{database}", self.address())
    }

    fn initialise(&self, options: PostgresOptions<'_>) -> Result<()> {
        let mut command = Command::new(self.programs.path("initdb"));
        command.arg("--pgdata").arg(&self.data).args([
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
            "--auth=trust",
            "--username",
            USER,
        ]);
        programs::run(self.server.as_its_user(command), "initdb")?;
        let file = self.data.join("postgresql.conf");
        let settings = sql::settings(self.address().port(), options)?;
        fs::OpenOptions::new()
            .append(true)
            .open(&file)
            .and_then(|mut file| std::io::Write::write_all(&mut file, settings.as_bytes()))
            .map_err(Error::io(file.display().to_string()))
    }
}

/// Whether the lock file is this server's, and says that it is ready. Its first line is the process id,
/// its eighth how far it is; `pg_ctl` waits for the same.
fn takes_queries(lock: &str, pid: u32) -> bool {
    let mut lines = lock.lines();
    lines.next() == Some(pid.to_string().as_str())
        && lines.nth(6).is_some_and(|status| status.trim() == "ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_of_another_server_or_of_one_that_starts_is_not_ready() {
        let lock = |status| format!("42\n/data\n1700000000\n5432\n\n127.0.0.1\n  1 2\n{status}\n");
        assert!(takes_queries(&lock("ready   "), 42));
        assert!(!takes_queries(&lock("ready   "), 43));
        assert!(!takes_queries(&lock("starting"), 42));
        assert!(!takes_queries("42\n", 42));
    }
}
