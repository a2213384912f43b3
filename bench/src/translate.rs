//! What translation costs: one conversation of 100 KiB in Anthropic's language, passed on as it is to an
//! account of Anthropic's, and over bridges to accounts of others, by one gateway, in turn.
//!
//! It promises that every way is asked the same thing and that each answer came out whole. It knows no
//! proxy but the gateway.

use std::{
    fmt::Write as _,
    io::Write as _,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{
    http1::{Reader, status},
    load::{Load, Pace},
    request::{Expect, Request},
    subject::{Running, Stage},
};

mod conversation;

/// What a translated request may cost, to one that passes as it is.
const LIMIT: f64 = 3.0;
const BODY_BYTES: usize = 100 * 1024;
const CONNECTIONS: usize = 16;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// The ways, the plain one first: the group's key, and whose language its provider speaks.
const WAYS: [(&str, &str, &str); 3] = [
    (
        "plain, to Anthropic",
        "bench-key-messages-0123456789abcdef",
        "messages",
    ),
    (
        "over a bridge, to Gemini",
        "bench-key-gemini-0123456789abcdef",
        "gemini",
    ),
    (
        "over a bridge, to OpenAI",
        "bench-key-responses-0123456789abcdef",
        "responses",
    ),
];

/// The answers: by their names, and their ends in the model's.
const ANSWERS: [(&str, &str); 2] = [("whole", ""), ("stream of 50", "-stream-50")];

/// Of the measurement.
#[derive(Args)]
pub struct Options {
    /// The gateway's program.
    #[arg(long, default_value = "target/release/waybill")]
    gateway: PathBuf,
    /// Rounds; each presses every way.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Of one pressing.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Worker threads of the gateway.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Size of the request.
    #[arg(long, default_value_t = BODY_BYTES)]
    body_bytes: usize,
    /// Only this way, by its place from 0: to look inside.
    #[arg(long)]
    only: Option<usize>,
}

/// Starts what is needed, measures, and prints the table.
///
/// # Errors
/// When something does not start, or an answer is not as meant.
pub fn run(options: &Options) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let stage = Stage {
        dir: dir.path().to_owned(),
        gateway: options.gateway.clone(),
        workers: options.workers,
        pin: None,
    };
    stage.check()?;
    let upstream = stage.upstream()?;
    let gateway = stage.waybill_over_bridges(upstream.plain, &groups())?;
    let mut page = String::from(
        "| answer | way | CPU per request | to plain | at most | |\n|---|---|---|---|---|---|\n",
    );
    for (answer, ending) in ANSWERS {
        let rounds = measure(&gateway, options, ending).with_context(|| answer.to_owned())?;
        for (way, (name, _, _)) in WAYS.iter().enumerate() {
            let cpu = median(rounds.iter().map(|round| round[way]));
            let ratio = median(rounds.iter().map(|round| round[way] / round[0]));
            let verdict = match ratio {
                _ if way == 0 || options.only.is_some() => String::from("– | – |"),
                ratio if ratio <= LIMIT => format!("{LIMIT}× | reached |"),
                _ => format!("{LIMIT}× | **missed** |"),
            };
            let _ = writeln!(
                page,
                "| {answer} | {name} | {cpu:.0} µs | {ratio:.2}× | {verdict}"
            );
        }
    }
    println!("{page}");
    Ok(())
}

/// CPU microseconds per request of each way, round by round.
fn measure(gateway: &Running, options: &Options, ending: &str) -> Result<Vec<[f64; WAYS.len()]>> {
    let requests = WAYS.map(|(_, key, tongue)| {
        conversation::request(
            &format!("bench-in-{tongue}{ending}"),
            options.body_bytes,
            key,
        )
    });
    let mut lengths = Vec::new();
    for request in &requests {
        lengths.push(probe(gateway.plain, request)?);
    }
    let mut rounds = Vec::new();
    for round in 0..options.rounds {
        let mut cpu = [f64::NAN; WAYS.len()];
        for turn in 0..WAYS.len() {
            let way = (turn + round) % WAYS.len();
            if options.only.is_some_and(|only| only != way) {
                continue;
            }
            let load = Load {
                target: gateway.plain,
                request: Request {
                    wire: requests[way].clone(),
                    expect: Expect::Served {
                        body_bytes: lengths[way],
                    },
                },
                connections: CONNECTIONS,
                pace: Pace::Closed,
                length: Duration::from_secs_f64(options.seconds),
                stop: Arc::default(),
            };
            let before = gateway.processes.sample();
            let report = load.run()?;
            let used = before.until(&gateway.processes.sample());
            ensure!(
                report.wrong + report.broken == 0,
                "not as meant: {report:?}"
            );
            cpu[way] = used.as_secs_f64() * 1e6 / report.sent.max(1) as f64;
        }
        rounds.push(cpu);
    }
    Ok(rounds)
}

/// Asks once, and looks at the answer; its length.
fn probe(target: SocketAddr, wire: &[u8]) -> Result<u64> {
    let mut stream = TcpStream::connect(target)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.write_all(wire)?;
    let mut body = Vec::new();
    let (status, message) = Reader::new(stream)
        .message(
            |head| status(head).unwrap_or(0),
            |piece| body.extend_from_slice(piece),
        )?
        .context("the gateway hung up")?;
    let body = String::from_utf8_lossy(&body);
    ensure!(
        status == 200 && body.contains("end_turn") && body.contains(" word49"),
        "not as meant: {status} {body}"
    );
    Ok(message.body_bytes)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A group of one account for each way.
fn groups() -> String {
    let platforms = ["anthropic", "gemini", "openai"];
    let mut config = String::new();
    for ((_, key, name), platform) in WAYS.iter().zip(platforms) {
        let _ = write!(
            config,
            "\n[[group]]\nname = \"{name}\"\nplatform = \"{platform}\"\nprotocols = [\"anthropic\"]\n\
             \n[[account]]\nname = \"{name}\"\nplatform = \"{platform}\"\ngroups = [\"{name}\"]\n\
             base_url = \"http://{{UPSTREAM}}\"\ncredential = {{ api_key = \"env:WAYBILL_BENCH_FIRST\" }}\nconcurrency = 4096\n\
             \n[[api_key]]\nname = \"{name}\"\nkey = \"{key}\"\ngroups = [\"{name}\"]\n"
        );
    }
    config
}
