//! `waybill upstream-errors`: failed attempts, also those that failover hid from the client.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::Value;
use waybill_model::view::{UpstreamErrorEvent, UpstreamErrorList};

use super::{
    ClientArgs, Remote,
    flags::FilterFlags,
    retries,
    table::{self, Tone, maybe, plain},
};
use crate::ops::filter::MAX_PAGE_SIZE;

const PATH: &str = "/ops/upstream-errors";

/// What can be asked about failed attempts.
#[derive(Debug, Subcommand)]
pub enum UpstreamErrors {
    /// List failed attempts, newest first.
    List(List),
    /// Show one failed attempt with headers and body, as JSON.
    Show(Show),
    /// Send the request of a failed attempt again, to its account or another one.
    Retry(retries::RetryUpstream),
}

/// `waybill upstream-errors list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    filter: FilterFlags,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE_SIZE)))]
    limit: u32,
}

/// `waybill upstream-errors show`.
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    client: ClientArgs,
    /// Row id.
    id: i64,
}

/// Does what was asked.
pub fn run(command: UpstreamErrors) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match command {
        UpstreamErrors::Retry(args) => {
            drop(out);
            return retries::retry_upstream(&args);
        }
        UpstreamErrors::Show(args) => {
            let whole: Value =
                Remote::new(&args.client)?.get(&format!("{PATH}/{}", args.id), &[])?;
            writeln!(out, "{}", serde_json::to_string_pretty(&whole)?)?;
        }
        UpstreamErrors::List(args) => {
            let mut query = args.filter.pairs();
            query.push(("page_size", args.limit.to_string()));
            let list: UpstreamErrorList = Remote::new(&args.client)?.get(PATH, &query)?;
            if args.client.json {
                writeln!(out, "{}", serde_json::to_string_pretty(&list.events)?)?;
            } else if list.events.is_empty() {
                writeln!(out, "No failed attempts.")?;
            } else {
                table::write(
                    &mut out,
                    HEADINGS,
                    &list.events.iter().map(row).collect::<Vec<_>>(),
                    table::colours(),
                )?;
            }
        }
    }
    Ok(())
}

const HEADINGS: &[&str] = &[
    "ID",
    "TIME",
    "ACCOUNT",
    "STATUS",
    "CAUSE",
    "KIND",
    "MS",
    "CLIENT SAW",
    "MESSAGE",
];

fn row(event: &UpstreamErrorEvent) -> Vec<table::Cell> {
    let saw = if event.recovered {
        ("success", Tone::Green)
    } else {
        ("an error", Tone::Red)
    };
    vec![
        plain(event.id),
        (event.created_at.to_string(), Tone::Dim),
        plain(&event.account_name),
        maybe(event.upstream_status_code),
        plain(event.cause),
        plain(event.kind),
        plain(event.duration_ms),
        (saw.0.to_owned(), saw.1),
        plain(&event.message),
    ]
}
