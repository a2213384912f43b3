//! `waybill-sim`: the simulated providers as a process.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clap::Parser;
use serde::de::DeserializeOwned;
use waybill_sim::{Fast, Limit, Rule, Sim, SimOptions, Strictness, demo_limits, demo_rules};

/// Simulated Anthropic, OpenAI and Gemini providers on one port.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A JSON file with a list of rules.
    #[arg(long)]
    rules: Option<PathBuf>,
    /// A JSON file with a list of limits that accounts have.
    #[arg(long)]
    limits: Option<PathBuf>,
    /// Adds the faults and limits of the demo's accounts.
    #[arg(long)]
    demo: bool,
    /// A credential to accept; others are refused. May be repeated.
    #[arg(long = "key")]
    keys: Vec<String>,
    /// Whose requests are checked as strictly as the real service checks them, whatever the model
    /// (`all` for everybody, `off` for nobody). May be repeated.
    #[arg(long)]
    strict: Vec<String>,
    /// Words in each frame of a stream.
    #[arg(long, default_value_t = 3)]
    chunk_words: usize,
    /// Milliseconds between the frames of a stream.
    #[arg(long, default_value_t = 0)]
    chunk_pause_ms: u64,
    /// Requests kept for `/_sim/received`.
    #[arg(long, default_value_t = 1024)]
    keep: usize,
    /// Prepares every answer at start, for benchmarks: bytes of text in a plain answer.
    #[arg(long, value_name = "BYTES")]
    fast: Option<usize>,
    /// Content events of a prepared stream; `--chunk-pause-ms` between them.
    #[arg(long, default_value_t = 100)]
    fast_events: usize,
    /// Worker threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = if arguments.threads > 1 {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(arguments.threads)
            .enable_all()
            .build()?
    } else {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
    };
    runtime.block_on(run(arguments))
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut rules: Vec<Rule> = list_from(arguments.rules.as_deref())?;
    let mut limits: Vec<Limit> = list_from(arguments.limits.as_deref())?;
    if arguments.demo {
        rules.extend(demo_rules());
        limits.extend(demo_limits());
    }
    let chunk_pause = Duration::from_millis(arguments.chunk_pause_ms);
    let sim = Sim::start(SimOptions {
        listen: arguments.listen,
        keys: arguments.keys,
        strictness: strictness(&arguments.strict)?,
        chunk_words: arguments.chunk_words,
        chunk_pause,
        keep: arguments.keep,
        fast: arguments.fast.map(|text_bytes| Fast {
            text_bytes,
            events: arguments.fast_events,
            pause: chunk_pause,
        }),
        ..SimOptions::default()
    })
    .await
    .with_context(|| format!("listening on {}", arguments.listen))?;
    rules.into_iter().for_each(|rule| sim.script(rule));
    limits.into_iter().for_each(|limit| sim.limit(limit));
    println!("listening on {}", sim.url());
    until_told_to_stop().await?;
    sim.stop().await;
    Ok(())
}

fn strictness(words: &[String]) -> anyhow::Result<Strictness> {
    Ok(match words {
        [] => Strictness::Simulated,
        [one] if one == "all" => Strictness::All,
        [one] if one == "off" => Strictness::Off,
        several => {
            let platforms: Result<_, _> = several.iter().map(|word| word.parse()).collect();
            Strictness::Platforms(platforms.context("reading --strict")?)
        }
    })
}

/// The list in a JSON file; empty without one.
fn list_from<T: DeserializeOwned>(path: Option<&Path>) -> anyhow::Result<Vec<T>> {
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("in {}", path.display()))
}

async fn until_told_to_stop() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
