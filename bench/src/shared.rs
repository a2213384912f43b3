//! The shared set-up beside the embedded one: what do PostgreSQL, Redis and a replica's fellows cost the
//! gateway?
//!
//! Gateways of each set-up run at once and are pressed in turn, saturated and at one rate; a ratio is taken
//! within each round. A pressing ends when everything it recorded has been moved, so that moving is in
//! its figure. It knows the gateway as a program, and the servers behind it as programs, too.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use serde::Serialize;
use waybill_testbed::{Postgres, PostgresOptions, Redis};

use crate::{
    compare::CONNECTIONS,
    cpu::{Processes, Server},
    load::{Load, Pace, Percentiles, Report},
    request::{Expect, Request, get},
    subject::{ADMIN_TOKEN, Home, KEY_SINGLE, Running, Stage},
};

/// Gateways of each kind in the second part.
const REPLICAS: usize = 3;
/// What has been recorded is in the database within so long after a load.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How the shared set-up is measured.
#[derive(Args)]
pub struct Options {
    /// The gateway's program.
    #[arg(long, default_value = "target/release/waybill")]
    gateway: PathBuf,
    /// Where the results go.
    #[arg(long, default_value = ".build/bench")]
    out: PathBuf,
    /// Rounds of each part.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each pressing.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// PostgreSQL alone, no Redis.
    #[arg(long)]
    without_redis: bool,
    /// Only parts whose name contains this: `one`, `three`, `stopped`.
    #[arg(long)]
    only: Option<String>,
}

/// Everything that was measured.
#[derive(Serialize)]
pub struct Results {
    /// CPUs of the machine.
    pub cpus: usize,
    /// Part by part.
    pub parts: Vec<Part>,
}

/// Set-ups beside each other.
#[derive(Serialize)]
pub struct Part {
    /// What it is.
    pub name: &'static str,
    /// Requests a second of the open load.
    pub rate: f64,
    /// The first is what the others are compared to.
    pub setups: Vec<Measured>,
}

/// One set-up.
#[derive(Serialize)]
pub struct Measured {
    /// What it is.
    pub name: &'static str,
    /// Round by round.
    pub rounds: Vec<Round>,
}

/// One set-up in one round.
#[derive(Serialize)]
pub struct Round {
    /// As many as it can; absent where that says nothing.
    pub closed: Option<Pressed>,
    /// At the part's rate.
    pub open: Pressed,
}

/// One pressing, with what it cost.
#[derive(Serialize)]
pub struct Pressed {
    /// Requests sent.
    pub sent: u64,
    /// Answers a second.
    pub per_second: f64,
    /// Latency, of the slowest gateway.
    pub latency: Percentiles,
    /// CPU time of the gateways for each request, in microseconds: until all was moved.
    pub gateway_us: f64,
    /// Of PostgreSQL.
    pub postgres_us: f64,
    /// Of Redis.
    pub redis_us: f64,
    /// Commands that Redis was given each second: they go in bulk, however many requests there are.
    pub redis_commands: f64,
    /// From the last answer until all was moved.
    pub behind_ms: f64,
}

/// Gateways that share a load.
struct Setup {
    name: &'static str,
    gateways: Vec<Running>,
}

/// Runs it, writes the results and prints the table.
///
/// # Errors
/// When something cannot be started or breaks under load.
pub fn run(options: &Options) -> Result<()> {
    let began = Instant::now();
    fs::create_dir_all(&options.out)?;
    let dir = tempfile::Builder::new()
        .prefix("run-")
        .tempdir_in(fs::canonicalize(&options.out)?)?;
    let cpus = thread::available_parallelism()?.get();
    let stage = Stage {
        dir: dir.path().to_owned(),
        gateway: options.gateway.clone(),
        workers: cpus,
        pin: None,
    };
    stage.check()?;
    let durable = PostgresOptions {
        durable: true,
        ..PostgresOptions::default()
    };
    let bench = Bench {
        upstream: stage.upstream()?,
        stage,
        postgres: Postgres::new(durable)?,
        redis: match options.without_redis {
            true => None,
            false => Some(Redis::new()?),
        },
        rounds: options.rounds,
        length: Duration::from_secs_f64(options.seconds),
    };
    let wanted = |name: &str| options.only.as_ref().is_none_or(|only| name.contains(only));
    let mut parts = Vec::new();
    for (name, part) in [
        ("one gateway", Bench::one as fn(&Bench) -> Result<Part>),
        ("three gateways", Bench::three),
        ("PostgreSQL stopped", Bench::stopped),
    ] {
        if wanted(name) {
            eprintln!("{:>4} s  {name}", began.elapsed().as_secs());
            let part = part(&bench).with_context(|| name)?;
            parts.push(Part { name, ..part });
        }
    }
    let results = Results { cpus, parts };
    let table = table::render(&results);
    let json = serde_json::to_vec_pretty(&results)?;
    fs::write(options.out.join("shared.json"), json)?;
    fs::write(options.out.join("shared.md"), &table)?;
    println!("{table}");
    Ok(())
}

struct Bench {
    stage: Stage,
    upstream: Running,
    postgres: Postgres,
    redis: Option<Redis>,
    rounds: usize,
    length: Duration,
}

impl Bench {
    /// One gateway of each set-up.
    fn one(&self) -> Result<Part> {
        let mut setups = vec![
            self.embedded("embedded", 1)?,
            self.shared("over PostgreSQL", 1, None)?,
        ];
        if let Some(redis) = &self.redis {
            setups.push(self.shared("over PostgreSQL and Redis", 1, Some(redis))?);
        }
        self.compare(&setups, true)
    }

    /// Three of each: alone in every respect, shared but each over a database of its own, and replicas.
    fn three(&self) -> Result<Part> {
        let lone = (0..REPLICAS)
            .map(|_| Ok(self.shared("", 1, self.redis.as_ref())?.gateways))
            .collect::<Result<Vec<_>>>()?;
        let setups = [
            self.embedded("three embedded", REPLICAS)?,
            Setup {
                name: "three shared, each alone",
                gateways: lone.into_iter().flatten().collect(),
            },
            self.shared("three replicas", REPLICAS, self.redis.as_ref())?,
        ];
        self.compare(&setups, true)
    }

    /// What is recorded stays in the spool, for PostgreSQL is away.
    fn stopped(&self) -> Result<Part> {
        let setups = [
            self.embedded("embedded", 1)?,
            self.shared("over PostgreSQL, stopped", 1, None)?,
        ];
        let rate = self.half(&setups[0])?;
        self.postgres.stop()?;
        let measured = self.rounds_of(&setups, rate, false, Wait::No);
        self.postgres.start()?;
        let mut measured = measured?;
        let spooled = self.spooled(&setups[1])?;
        let (gateway, database) = (setups[1].sample(), POSTGRES.cpu());
        let behind = self.moved(&setups[1])?;
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / spooled.max(1.0);
        measured.push(Measured {
            name: "afterwards, catching up",
            rounds: vec![Round {
                closed: None,
                open: Pressed {
                    sent: spooled as u64,
                    per_second: spooled / behind.as_secs_f64().max(1e-9),
                    latency: Percentiles::default(),
                    gateway_us: each(setups[1].since(&gateway)),
                    postgres_us: each(POSTGRES.cpu().saturating_sub(database)),
                    redis_us: 0.0,
                    redis_commands: 0.0,
                    behind_ms: behind.as_secs_f64() * 1e3,
                },
            }],
        });
        Ok(Part {
            name: "",
            rate,
            setups: measured,
        })
    }

    fn embedded(&self, name: &'static str, count: usize) -> Result<Setup> {
        self.setup(name, count, &Home::Embedded)
    }

    /// Replicas over a new database.
    fn shared(&self, name: &'static str, count: usize, redis: Option<&Redis>) -> Result<Setup> {
        let home = Home::Shared {
            database_url: self.postgres.create_database("bench")?,
            redis_url: redis.map(Redis::url),
        };
        self.setup(name, count, &home)
    }

    fn setup(&self, name: &'static str, count: usize, home: &Home) -> Result<Setup> {
        let gateways = (0..count)
            .map(|_| {
                let folder = tempfile::Builder::new()
                    .prefix("gateway-")
                    .tempdir_in(&self.stage.dir)?
                    .keep();
                let name = folder.file_name().and_then(|name| name.to_str());
                let name = name.context("a folder's name")?.to_owned();
                self.stage.waybill_at(self.upstream.plain, &name, home)
            })
            .collect::<Result<_>>()?;
        Ok(Setup { name, gateways })
    }

    fn compare(&self, setups: &[Setup], closed: bool) -> Result<Part> {
        let rate = self.half(&setups[0])?;
        for setup in &setups[1..] {
            self.press(setup, Pace::Closed, Wait::ForAll)?;
        }
        Ok(Part {
            name: "",
            rate,
            setups: self.rounds_of(setups, rate, closed, Wait::ForAll)?,
        })
    }

    /// Half of what it manages.
    fn half(&self, setup: &Setup) -> Result<f64> {
        let pressed = self.press(setup, Pace::Closed, Wait::ForAll)?;
        Ok((pressed.per_second / 2.0).max(1.0))
    }

    fn rounds_of(
        &self,
        setups: &[Setup],
        rate: f64,
        closed: bool,
        wait: Wait,
    ) -> Result<Vec<Measured>> {
        let mut measured: Vec<Measured> = setups
            .iter()
            .map(|setup| Measured {
                name: setup.name,
                rounds: Vec::new(),
            })
            .collect();
        for round in 0..self.rounds {
            for turn in 0..setups.len() {
                let index = (round + turn) % setups.len();
                let setup = &setups[index];
                let closed = closed.then(|| self.press(setup, Pace::Closed, wait));
                let open = Pace::Open { per_second: rate };
                measured[index].rounds.push(Round {
                    closed: closed.transpose()?,
                    open: self.press(setup, open, wait)?,
                });
            }
        }
        Ok(measured)
    }

    /// Presses the gateways of a set-up at once, each with its part of the load.
    fn press(&self, setup: &Setup, pace: Pace, wait: Wait) -> Result<Pressed> {
        let parts = setup.gateways.len();
        let pace = match pace {
            Pace::Open { per_second } => Pace::Open {
                per_second: per_second / parts as f64,
            },
            pace => pace,
        };
        let request = Request::new(
            "bench-1k",
            1024,
            KEY_SINGLE,
            Expect::Served { body_bytes: 1024 },
        )?;
        let load = |gateway: &Running| Load {
            target: gateway.plain,
            request: request.clone(),
            connections: CONNECTIONS / parts,
            pace,
            length: self.length,
            stop: Arc::default(),
        };
        let (gateways, postgres, redis) = (setup.sample(), POSTGRES.cpu(), REDIS.cpu());
        let (commands, began) = (self.redis_commands()?, std::time::Instant::now());
        let reports = thread::scope(|scope| {
            let running: Vec<_> = setup
                .gateways
                .iter()
                .map(|gateway| {
                    let load = load(gateway);
                    scope.spawn(move || load.run())
                })
                .collect();
            running
                .into_iter()
                .map(|load| load.join().map_err(|_| anyhow!("a load panicked"))?)
                .collect::<Result<Vec<Report>>>()
        })?;
        let behind = match wait {
            Wait::ForAll => self.moved(setup)?,
            Wait::No => Duration::ZERO,
        };
        for report in &reports {
            ensure!(
                report.wrong + report.broken == 0,
                "not as meant: {report:?}"
            );
        }
        let sent: u64 = reports.iter().map(|report| report.sent).sum();
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / sent as f64;
        let slowest = reports
            .iter()
            .map(|report| report.total)
            .max_by(|a, b| a.p99_us.total_cmp(&b.p99_us));
        Ok(Pressed {
            sent,
            per_second: reports.iter().map(|report| report.per_second).sum(),
            latency: slowest.unwrap_or_default(),
            gateway_us: each(setup.since(&gateways)),
            postgres_us: each(POSTGRES.cpu().saturating_sub(postgres)),
            redis_us: each(REDIS.cpu().saturating_sub(redis)),
            redis_commands: (self.redis_commands()? - commands) / began.elapsed().as_secs_f64(),
            behind_ms: behind.as_secs_f64() * 1e3,
        })
    }

    /// Waits until all that was recorded is where it belongs; says how long that took.
    fn moved(&self, setup: &Setup) -> Result<Duration> {
        let began = Instant::now();
        while self.spooled(setup)? > 0.0 {
            ensure!(began.elapsed() < PATIENCE, "records stay in the spool");
            thread::sleep(LOOK_EVERY);
        }
        Ok(began.elapsed())
    }

    /// Records of these gateways that wait to be committed or moved.
    fn spooled(&self, setup: &Setup) -> Result<f64> {
        let of = |gateway: &Running| {
            let (_, page) = get(gateway.plain, "/metrics", ADMIN_TOKEN)?;
            metric(&String::from_utf8_lossy(&page), "waybill_records_spooled")
        };
        setup.gateways.iter().map(of).sum()
    }

    fn redis_commands(&self) -> Result<f64> {
        let address = self.redis.as_ref().map(Redis::address);
        address.map_or(Ok(0.0), redis_commands)
    }
}

const POSTGRES: Server = Server::called("postgres");
const REDIS: Server = Server::called("redis-server");

/// Whether a pressing goes on until all has been moved.
#[derive(Clone, Copy)]
enum Wait {
    ForAll,
    No,
}

impl Setup {
    fn processes(&self) -> Processes {
        let all = self
            .gateways
            .iter()
            .flat_map(|gateway| &gateway.processes.0);
        Processes(all.copied().collect())
    }

    fn sample(&self) -> crate::cpu::Sample {
        self.processes().sample()
    }

    fn since(&self, before: &crate::cpu::Sample) -> Duration {
        before.until(&self.sample())
    }
}

/// A number on a page of metrics.
fn metric(page: &str, name: &str) -> Result<f64> {
    page.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .with_context(|| format!("no {name} among the metrics"))?
        .trim()
        .parse()
        .context(name.to_owned())
}

/// How many commands a Redis has been given so far.
fn redis_commands(address: SocketAddr) -> Result<f64> {
    let mut connection = TcpStream::connect(address)?;
    connection.write_all(b"INFO stats\r\nQUIT\r\n")?;
    let mut text = String::new();
    connection.read_to_string(&mut text)?;
    text.lines()
        .find_map(|line| line.strip_prefix("total_commands_processed:"))
        .context("Redis does not say how many commands it was given")?
        .trim()
        .parse()
        .context("a count of commands")
}

mod table;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_metric_is_found_by_its_whole_name() {
        let page = "# TYPE x gauge\nx_total 3\nx 4\n";
        assert!((metric(page, "x").unwrap() - 4.0).abs() < f64::EPSILON);
        assert!(metric(page, "y").is_err());
    }
}
