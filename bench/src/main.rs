//! `waybill-bench`: measures this gateway beside nginx, beside no proxy at all, and beside itself.
//!
//! It promises that all of them get the same bytes at the same rate in the same run, in turn, and that
//! whatever it started is stopped when it ends. It knows the gateway as a program and an HTTP
//! server only; `ingest` alone, which measures no gateway, links the store.

mod alloc;
mod answer;
mod burst;
mod case;
mod compare;
mod cpu;
mod goals;
mod http1;
mod ingest;
mod load;
mod request;
mod same_rate;
mod shared;
mod subject;
mod table;
mod tongue;
mod translate;
mod upstream;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::{
    load::{Load, Pace},
    request::{Expect, Request},
};

#[derive(Parser)]
#[command(about = "Measures Waybill beside nginx and no proxy, under the same load, in turn.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The whole comparison: starts everything, measures in turn, prints a table.
    Compare(compare::Options),
    /// Only what capturing a failure allocates on the request path; prints a table.
    Alloc(alloc::Options),
    /// What translation between providers' languages costs, to passing on; prints a table.
    Translate(translate::Options),
    /// The shared set-up, PostgreSQL and Redis, beside the embedded one; prints tables.
    Shared(shared::Options),
    /// Sustained ingest of error records, by PostgreSQL and by SQLite; prints a table.
    Ingest(ingest::Options),
    /// Only the fixed-answer upstream; prints its address and serves until stopped.
    Upstream {
        /// Where to listen; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// Only the load generator, against something that already runs; prints JSON.
    Load(LoadOptions),
}

#[derive(Args)]
struct LoadOptions {
    /// Where to send.
    #[arg(long)]
    target: SocketAddr,
    /// What to ask the upstream for: `bench-1k`, `bench-stream-50-200us`, `bench-fail-100-400`, …
    #[arg(long, default_value = "bench-1k")]
    model: String,
    /// The key to send.
    #[arg(long, default_value = "bench")]
    key: String,
    /// Size of the request body.
    #[arg(long, default_value_t = 1024)]
    body_bytes: usize,
    /// Connections.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Requests a second; absent: as many as the answers allow.
    #[arg(long)]
    rate: Option<f64>,
    /// For how long.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Also write the JSON here.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Compare(options) => compare::run(&options),
        Command::Alloc(options) => alloc::run(&options),
        Command::Translate(options) => translate::run(&options),
        Command::Shared(options) => shared::run(&options),
        Command::Ingest(options) => ingest::run(&options),
        Command::Upstream { listen } => upstream::serve(listen),
        Command::Load(options) => load_once(&options),
    }
}

fn load_once(options: &LoadOptions) -> Result<()> {
    let report = Load {
        target: options.target,
        request: Request::new(
            &options.model,
            options.body_bytes,
            &options.key,
            Expect::Anything,
        )?,
        connections: options.connections,
        pace: options
            .rate
            .map_or(Pace::Closed, |per_second| Pace::Open { per_second }),
        length: Duration::from_secs_f64(options.seconds),
        stop: Arc::default(),
    }
    .run()?;
    let json = serde_json::to_string_pretty(&report)?;
    if let Some(path) = &options.out {
        std::fs::write(path, &json)?;
    }
    println!("{json}");
    Ok(())
}
