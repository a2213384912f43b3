//! What is measured: nothing at all, nginx, and Waybill, each as a running program with an address.
//!
//! It promises that what it started is stopped when the value is dropped, and, through the kernel's
//! parent-death signal, also when the bench itself is killed. It knows how each is configured; it
//! does not know what is asked of it.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use crate::{cpu::Processes, request::get};

/// How long a subject may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// The key of the group with one account; the upstream sees it too where nothing replaces it.
pub const KEY_SINGLE: &str = "bench-key-single-0123456789abcdef";
/// The key of the group with two accounts.
pub const KEY_PAIR: &str = "bench-key-pair-0123456789abcdef";
/// What replicas seal with.
const SECRET_KEY: &str = "bench-secret-key-0123456789abcdef";
/// The admin token.
pub const ADMIN_TOKEN: &str = "bench-admin-token-0123456789abcdef";

/// What stands between load and upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nothing.
    Direct,
    /// nginx as a plain reverse proxy, not logging.
    Nginx,
    /// The same, with a buffered access log: the cheapest record a proxy can keep.
    NginxLog,
    /// Waybill, recording.
    Waybill,
}

impl Kind {
    /// Its name in tables.
    pub const fn label(self) -> &'static str {
        match self {
            Kind::Direct => "no proxy",
            Kind::Nginx => "nginx",
            Kind::NginxLog => "nginx, access log",
            Kind::Waybill => "waybill",
        }
    }
}

/// Where and how to run subjects.
#[derive(Clone)]
pub struct Stage {
    /// Temporary files; gone after the run.
    pub dir: PathBuf,
    /// The gateway's program.
    pub gateway: PathBuf,
    /// Worker threads of the gateway, and as many worker processes of nginx.
    pub workers: usize,
    /// CPU list for the proxies and one for load and upstream; `None` leaves it to the scheduler.
    pub pin: Option<(String, String)>,
}

/// Where a gateway's records rest.
pub enum Home {
    /// In its own data folder.
    Embedded,
    /// In a database that replicas share.
    Shared {
        /// `postgres://…`
        database_url: String,
        /// `redis://…`, where replicas meet within milliseconds.
        redis_url: Option<String>,
    },
}

impl Home {
    /// What the configuration says of it.
    fn keys(&self, name: &str) -> String {
        let Home::Shared {
            database_url,
            redis_url,
        } = self
        else {
            return String::new();
        };
        let redis = redis_url
            .as_ref()
            .map(|url| format!("redis_url = \"{url}\"\n"));
        format!(
            "database_url = \"{database_url}\"\nsecret_key = \"{SECRET_KEY}\"\nreplica_name = \"{name}\"\n{}",
            redis.unwrap_or_default()
        )
    }
}

/// A subject that runs.
pub struct Running {
    /// What it is.
    pub kind: Kind,
    /// For plain answers.
    pub plain: SocketAddr,
    /// For streams: nginx needs other settings for them.
    pub streams: SocketAddr,
    /// What to charge for it.
    pub processes: Processes,
    _child: Option<Stopped>,
}

impl Stage {
    /// Starts the fixed-answer upstream.
    ///
    /// # Errors
    /// When it cannot be started or says no address.
    pub fn upstream(&self) -> Result<Running> {
        let mut command = self.command(
            &std::env::current_exe()?,
            self.pin.as_ref().map(|(_, rest)| rest),
        );
        command
            .args(["upstream", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped());
        let mut child = Stopped(command.spawn().context("cannot start the upstream")?);
        let stdout = child.0.stdout.take().context("no output of the upstream")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let addr = line
            .trim()
            .parse()
            .context("the upstream said no address")?;
        let processes = Processes::family(child.0.id());
        Ok(Running {
            kind: Kind::Direct,
            plain: addr,
            streams: addr,
            processes,
            _child: Some(child),
        })
    }

    /// Starts nginx in front of `upstream`.
    ///
    /// # Errors
    /// When it is not installed, or does not start in time.
    pub fn nginx(&self, upstream: SocketAddr, kind: Kind) -> Result<Running> {
        let dir = self.dir.join(format!("{kind:?}"));
        fs::create_dir_all(&dir)?;
        let (plain, streams) = (free_port()?, free_port()?);
        let log = if kind == Kind::NginxLog {
            format!("{}/access.log combined buffer=64k flush=1s", dir.display())
        } else {
            "off".to_owned()
        };
        let config = NGINX
            .replace("{DIR}", &dir.display().to_string())
            .replace("{WORKERS}", &self.workers.to_string())
            .replace("{LOG}", &log)
            .replace("{UPSTREAM}", &upstream.to_string())
            .replace("{PLAIN}", &plain.to_string())
            .replace("{STREAMS}", &streams.to_string());
        fs::write(dir.join("nginx.conf"), config)?;
        let mut command = self.command(
            Path::new("nginx"),
            self.pin.as_ref().map(|(proxy, _)| proxy),
        );
        command
            .arg("-p")
            .arg(&dir)
            .arg("-c")
            .arg(dir.join("nginx.conf"))
            .arg("-e")
            .arg(dir.join("error.log"));
        let mut child = Stopped(command.spawn().context("cannot start nginx")?);
        child.wait_for("nginx", || std::net::TcpStream::connect(streams).is_ok())?;
        let pid = child.0.id();
        child.wait_for("nginx's workers", || {
            Processes::family(pid).0.len() > self.workers
        })?;
        Ok(Running {
            kind,
            plain,
            streams,
            processes: Processes::family(pid),
            _child: Some(child),
        })
    }

    /// Starts Waybill in front of `upstream`, recording into a fresh data folder.
    ///
    /// # Errors
    /// When it does not start in time; its log is then part of the message.
    pub fn waybill(&self, upstream: SocketAddr) -> Result<Running> {
        self.waybill_at(upstream, "waybill", &Home::Embedded)
    }

    /// The same, called `name`, with its records at home elsewhere.
    ///
    /// # Errors
    /// When it does not start in time; its log is then part of the message.
    pub fn waybill_at(&self, upstream: SocketAddr, name: &str, home: &Home) -> Result<Running> {
        self.waybill_with(upstream, name, home, "")
    }

    /// The same as [`Stage::waybill`], with more groups.
    ///
    /// # Errors
    /// When it does not start in time; its log is then part of the message.
    pub fn waybill_over_bridges(&self, upstream: SocketAddr, groups: &str) -> Result<Running> {
        self.waybill_with(upstream, "bridges", &Home::Embedded, groups)
    }

    fn waybill_with(
        &self,
        upstream: SocketAddr,
        name: &str,
        home: &Home,
        groups: &str,
    ) -> Result<Running> {
        let dir = self.dir.join(name);
        fs::create_dir_all(&dir)?;
        let addr = free_port()?;
        let config = (WAYBILL.to_owned() + groups)
            .replace("{LISTEN}", &addr.to_string())
            .replace("{WORKERS}", &self.workers.to_string())
            .replace("{DATA}", &dir.join("data").display().to_string())
            .replace("{HOME}", &home.keys(name))
            .replace("{UPSTREAM}", &upstream.to_string());
        fs::write(dir.join("waybill.toml"), config)?;
        let mut command = self.command(&self.gateway, self.pin.as_ref().map(|(proxy, _)| proxy));
        let log = dir.join("log");
        command
            .arg("serve")
            .arg("--config")
            .arg(dir.join("waybill.toml"))
            .env("WAYBILL_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("WAYBILL_BENCH_KEY_SINGLE", KEY_SINGLE)
            .env("WAYBILL_BENCH_KEY_PAIR", KEY_PAIR)
            .env("WAYBILL_BENCH_FIRST", "first")
            .env("WAYBILL_BENCH_SECOND", "second")
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?);
        let mut child = Stopped(
            command
                .spawn()
                .with_context(|| format!("cannot start {}", self.gateway.display()))?,
        );
        let ready = child.wait_for("waybill", || {
            get(addr, "/readyz", "").is_ok_and(|(status, _)| status == 200)
        });
        ready.with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
        let processes = Processes::family(child.0.id());
        Ok(Running {
            kind: Kind::Waybill,
            plain: addr,
            streams: addr,
            processes,
            _child: Some(child),
        })
    }

    /// A command that dies with the bench, on its CPUs, with no input.
    fn command(&self, program: &Path, cpus: Option<&String>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "--"]);
        if let Some(cpus) = cpus {
            command.args(["taskset", "-c", cpus]);
        }
        command.arg(program).stdin(Stdio::null());
        command
    }
}

impl Stage {
    /// Looks for the gateway's program.
    ///
    /// # Errors
    /// When it is not there.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.gateway.is_file(),
            "{} is not there: build it first",
            self.gateway.display()
        );
        Ok(())
    }
}

/// A child that is asked to end, and waited for, when dropped.
struct Stopped(Child);

impl Stopped {
    fn wait_for(&mut self, what: &str, mut there: impl FnMut() -> bool) -> Result<()> {
        let patience = Instant::now() + PATIENCE;
        while !there() {
            if let Some(status) = self.0.try_wait()? {
                bail!("{what} did not start: {status}");
            }
            ensure!(
                Instant::now() < patience,
                "{what} did not start within {PATIENCE:?}"
            );
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // TERM and not KILL: nginx's workers outlive a killed master.
        // The shell's own: a program of this name is not everywhere.
        let id = self.0.id().to_string();
        let asked = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &id])
            .status();
        let patience = Instant::now() + PATIENCE;
        while asked.is_ok() && Instant::now() < patience {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// nginx at its best for this work: kept-alive upstream connections, no disk, streams unbuffered.
const NGINX: &str = "\
daemon off;
worker_processes {WORKERS};
worker_rlimit_nofile 16384;
pid {DIR}/nginx.pid;
error_log {DIR}/error.log warn;
events { worker_connections 8192; }
http {
  access_log {LOG};
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  tcp_nodelay on;
  client_max_body_size 64m;
  client_body_buffer_size 2m;
  client_body_temp_path {DIR}/body;
  proxy_temp_path {DIR}/proxy;
  fastcgi_temp_path {DIR}/fastcgi;
  uwsgi_temp_path {DIR}/uwsgi;
  scgi_temp_path {DIR}/scgi;
  upstream bench {
    server {UPSTREAM};
    keepalive 512;
    keepalive_requests 100000000;
  }
  proxy_http_version 1.1;
  proxy_set_header Connection \"\";
  proxy_max_temp_file_size 0;
  proxy_buffer_size 32k;
  proxy_buffers 64 32k;
  server {
    listen {PLAIN} reuseport backlog=4096;
    location / { proxy_pass http://bench; }
  }
  server {
    listen {STREAMS} reuseport backlog=4096;
    proxy_buffering off;
    location / { proxy_pass http://bench; }
  }
}
";

/// Waybill as it is run, with recording on: one group of one account, one of two.
const WAYBILL: &str = "\
listen = \"{LISTEN}\"
data_dir = \"{DATA}\"
workers = {WORKERS}
{HOME}
[[group]]
name = \"single\"
platform = \"openai\"

[[group]]
name = \"pair\"
platform = \"openai\"

[[account]]
name = \"only\"
platform = \"openai\"
groups = [\"single\"]
base_url = \"http://{UPSTREAM}\"
credential = { api_key = \"env:WAYBILL_BENCH_SECOND\" }
priority = 10
concurrency = 4096

[[account]]
name = \"first\"
platform = \"openai\"
groups = [\"pair\"]
base_url = \"http://{UPSTREAM}\"
credential = { api_key = \"env:WAYBILL_BENCH_FIRST\" }
priority = 10
concurrency = 4096

[[account]]
name = \"second\"
platform = \"openai\"
groups = [\"pair\"]
base_url = \"http://{UPSTREAM}\"
credential = { api_key = \"env:WAYBILL_BENCH_SECOND\" }
priority = 20
concurrency = 4096

[[api_key]]
name = \"single\"
key = \"env:WAYBILL_BENCH_KEY_SINGLE\"
groups = [\"single\"]

[[api_key]]
name = \"pair\"
key = \"env:WAYBILL_BENCH_KEY_PAIR\"
groups = [\"pair\"]
";
