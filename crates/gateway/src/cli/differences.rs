//! `waybill errors differences`: what failures have more often than successes.

use std::io::{self, Write};

use clap::Args;
use serde_json::Value;
use waybill_model::differs::{Difference, Differences};

use super::{
    ClientArgs, Remote,
    flags::FilterFlags,
    table::{self, Cell, Tone, plain},
};

/// Where it is asked.
const PATH: &str = "/ops/errors/differences";

/// `waybill errors differences`.
#[derive(Debug, Args)]
pub struct Ask {
    #[command(flatten)]
    client: ClientArgs,
    /// Of which failures.
    #[command(flatten)]
    filter: FilterFlags,
}

/// Does what was asked.
pub fn run(args: &Ask) -> anyhow::Result<()> {
    let remote = Remote::new(&args.client)?;
    let mut out = io::stdout().lock();
    if args.client.json {
        let whole: Value = remote.get(PATH, &args.filter.pairs())?;
        writeln!(out, "{}", serde_json::to_string_pretty(&whole)?)?;
        return Ok(());
    }
    let found: Differences = remote.get(PATH, &args.filter.pairs())?;
    writeln!(out, "{}", found.summary)?;
    if !found.attributes.is_empty() {
        writeln!(out)?;
        let rows: Vec<_> = found.attributes.iter().map(row).collect();
        table::write(&mut out, HEADINGS, &rows, table::colours())?;
    }
    Ok(())
}

const HEADINGS: &[&str] = &["ATTRIBUTE", "VALUE", "FAILURES", "SUCCESSES", "AT LEAST"];

fn row(found: &Difference) -> Vec<Cell> {
    let of = |with: u64, known: u64, share: f64| {
        plain(format!("{:.1} % ({with} of {known})", share * 100.0))
    };
    vec![
        plain(found.attribute),
        (found.name.clone(), Tone::Red),
        of(found.failures, found.failures_known, found.failure_share),
        of(found.successes, found.successes_known, found.success_share),
        plain(format!("{:+.1} points", found.score * 100.0)),
    ]
}
