//! The comparison: every case on every subject, in turn, round after round.
//!
//! Within a round each subject is pressed closed (throughput) and then open at the case's rate
//! (latency), and the order of the subjects turns with the round, so that a slow minute of the machine
//! falls on all of them. The rate is half of what the slowest proxy managed in a calibrating round, the
//! same for all.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use crate::{
    alloc::{self, Cost},
    burst::{self, Burst},
    case::{CASES, Case},
    load::{Load, Pace, Report},
    same_rate::{self, SameRate},
    subject::{Kind, Running, Stage},
    table,
};

/// Connections of every load: enough to keep every proxy busy on a few cores.
pub const CONNECTIONS: usize = 32;

/// How the comparison is run.
#[derive(Args)]
pub struct Options {
    /// The gateway's program.
    #[arg(long, default_value = "target/release/waybill")]
    gateway: PathBuf,
    /// Where the results go.
    #[arg(long, default_value = ".build/bench")]
    out: PathBuf,
    /// Fewer and shorter rounds: under three minutes instead of under fifteen.
    #[arg(long)]
    quick: bool,
    /// Only cases whose name contains this, or that one of `failed to served`, `alloc` and `burst`.
    #[arg(long)]
    only: Option<String>,
    /// Proxies on the first CPU alone, load and upstream on the others: less noise, one worker each.
    #[arg(long)]
    pinned: bool,
}

/// How long things take.
struct Plan {
    rounds: usize,
    calibrate: Duration,
    closed: Duration,
    open: Duration,
}

const FULL: Plan = Plan {
    rounds: 5,
    calibrate: Duration::from_millis(1000),
    closed: Duration::from_millis(1500),
    open: Duration::from_millis(2000),
};
const QUICK: Plan = Plan {
    rounds: 2,
    calibrate: Duration::from_millis(200),
    closed: Duration::from_millis(400),
    open: Duration::from_millis(500),
};

/// Everything that was measured.
#[derive(Serialize)]
pub struct Results {
    /// CPUs of the machine.
    pub cpus: usize,
    /// Whether proxies had a CPU of their own.
    pub pinned: bool,
    /// Rounds of each case.
    pub rounds: usize,
    /// Case by case.
    pub cases: Vec<CaseResult>,
    /// Failures beside successes at one rate; absent when not asked for.
    pub same_rate: Option<SameRate>,
    /// What capture allocates, by size of the body; empty when not asked for.
    pub allocation: Vec<Cost>,
    /// The burst, by subject.
    pub bursts: Vec<Burst>,
}

/// One case.
#[derive(Serialize)]
pub struct CaseResult {
    /// The case.
    pub case: Case,
    /// Requests a second of the open load.
    pub rate: f64,
    /// What was measured, by subject.
    pub subjects: Vec<SubjectResult>,
}

/// One subject in one case.
#[derive(Serialize)]
pub struct SubjectResult {
    /// The subject.
    pub kind: Kind,
    /// Round by round.
    pub rounds: Vec<Round>,
    /// Peak resident memory during the case.
    pub peak_bytes: u64,
}

/// One subject in one round.
#[derive(Serialize)]
pub struct Round {
    /// As many as it can.
    pub closed: Pressed,
    /// At the case's rate.
    pub open: Pressed,
}

/// One pressing, with what it cost.
#[derive(Serialize)]
pub struct Pressed {
    /// What came back.
    pub report: Report,
    /// CPU time of the subject for each request, in microseconds.
    pub cpu_us: f64,
}

/// Runs the comparison, writes the results and prints the table.
///
/// # Errors
/// When a subject cannot be started or breaks under load.
pub fn run(options: &Options) -> Result<()> {
    let began = Instant::now();
    let plan = if options.quick { QUICK } else { FULL };
    fs::create_dir_all(&options.out)?;
    let dir = tempfile::Builder::new()
        .prefix("run-")
        .tempdir_in(fs::canonicalize(&options.out)?)?;
    let cpus = std::thread::available_parallelism()?.get();
    let stage = Stage {
        dir: dir.path().to_owned(),
        gateway: options.gateway.clone(),
        workers: if options.pinned { 1 } else { cpus },
        pin: options
            .pinned
            .then(|| ("0".to_owned(), format!("1-{}", cpus.max(2) - 1))),
    };
    stage.check()?;
    if options.pinned {
        pin_self(&format!("1-{}", cpus.max(2) - 1))?;
    }
    let upstream = stage.upstream()?;
    let subjects = [
        stage.nginx(upstream.plain, Kind::Nginx)?,
        stage.waybill(upstream.plain)?,
        stage.nginx(upstream.plain, Kind::NginxLog)?,
    ];
    let [_, waybill, _] = &subjects;
    let all: Vec<&Running> = std::iter::once(&upstream).chain(&subjects).collect();

    let wanted = |name: &str| {
        options
            .only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
    };
    let mut results = Results {
        cpus,
        pinned: options.pinned,
        rounds: plan.rounds,
        cases: Vec::new(),
        same_rate: None,
        allocation: Vec::new(),
        bursts: Vec::new(),
    };
    let say = |what: &str| eprintln!("{:>4} s  {what}", began.elapsed().as_secs());
    for case in CASES.iter().filter(|case| wanted(case.name)) {
        say(case.name);
        results
            .cases
            .push(measure(case, &all, &plan).with_context(|| case.name)?);
    }
    if wanted(same_rate::NAME) {
        say(same_rate::NAME);
        results.same_rate = Some(
            same_rate::measure(waybill, plan.rounds, plan.calibrate, plan.open)
                .context(same_rate::NAME)?,
        );
    }
    if wanted(alloc::NAME) {
        say(alloc::NAME);
        results.allocation = alloc::measure(&stage, &upstream).context(alloc::NAME)?;
    }
    if wanted("burst") {
        for subject in &subjects[..2] {
            say(&format!("burst of failures, {}", subject.kind.label()));
            results.bursts.push(burst::run(subject, plan.open)?);
        }
    }
    let table = table::render(&results);
    fs::write(
        options.out.join("results.json"),
        serde_json::to_vec_pretty(&results)?,
    )?;
    fs::write(options.out.join("results.md"), &table)?;
    println!("{table}");
    Ok(())
}

fn measure(case: &Case, all: &[&Running], plan: &Plan) -> Result<CaseResult> {
    let subjects: Vec<&Running> = all
        .iter()
        .copied()
        .filter(|subject| case.includes(subject.kind))
        .collect();
    let mut capacity = f64::INFINITY;
    for subject in &subjects {
        let calibrated = press(case, subject, Pace::Closed, plan.calibrate)?;
        if subject.kind != Kind::Direct {
            capacity = capacity.min(calibrated.report.per_second);
        }
        subject.processes.reset_peak();
    }
    let rate = (capacity / 2.0).max(1.0);
    let mut measured: Vec<SubjectResult> = subjects
        .iter()
        .map(|subject| SubjectResult {
            kind: subject.kind,
            rounds: Vec::new(),
            peak_bytes: 0,
        })
        .collect();
    for round in 0..plan.rounds {
        for turn in 0..subjects.len() {
            let index = (round + turn) % subjects.len();
            let closed = press(case, subjects[index], Pace::Closed, plan.closed)?;
            let open = press(
                case,
                subjects[index],
                Pace::Open { per_second: rate },
                plan.open,
            )?;
            measured[index].rounds.push(Round { closed, open });
        }
    }
    for (result, subject) in measured.iter_mut().zip(&subjects) {
        result.peak_bytes = subject.processes.peak_bytes();
    }
    Ok(CaseResult {
        case: *case,
        rate,
        subjects: measured,
    })
}

/// Presses a subject with a case's requests, and says what that cost it.
///
/// # Errors
/// When the subject breaks under load.
pub fn press(case: &Case, subject: &Running, pace: Pace, length: Duration) -> Result<Pressed> {
    let load = Load {
        target: case.target(subject),
        request: case.request()?,
        connections: CONNECTIONS,
        pace,
        length,
        stop: Arc::default(),
    };
    let before = subject.processes.sample();
    let report = load.run().with_context(|| subject.kind.label())?;
    let used = before.until(&subject.processes.sample());
    Ok(Pressed {
        cpu_us: used.as_secs_f64() * 1e6 / report.sent.max(1) as f64,
        report,
    })
}

/// Moves the load generator itself off the proxies' CPU.
fn pin_self(cpus: &str) -> Result<()> {
    let pid = std::process::id().to_string();
    let status = std::process::Command::new("taskset")
        .args(["-a", "-c", "-p", cpus, &pid])
        .stdout(std::process::Stdio::null())
        .status()?;
    anyhow::ensure!(
        status.success(),
        "cannot pin the load generator to CPU {cpus}"
    );
    Ok(())
}
