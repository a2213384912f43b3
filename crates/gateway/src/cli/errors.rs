//! `waybill errors`: failed requests as a list, as one story, and as they come.

use std::{
    fmt,
    io::{self, Write},
};

use clap::{Args, Subcommand};
use serde_json::Value;
use waybill_model::{
    cause::Owner,
    view::{ErrorLog, ErrorLogDetail, ErrorLogList},
};

use super::{
    ClientArgs, Remote, differences,
    flags::FilterFlags,
    retries, story, table,
    table::{Cell, Tone, maybe, plain},
    tail,
};
use crate::ops::filter::MAX_PAGE_SIZE;

/// Where the list is.
pub const PATH: &str = "/ops/errors";

/// What can be asked about failed requests.
#[derive(Debug, Subcommand)]
pub enum Errors {
    /// List failed requests, newest first.
    List(List),
    /// Tell the story of one failure.
    Show(Show),
    /// Say what failed requests have more often than those that were served.
    Differences(differences::Ask),
    /// Print failed requests as they come, until Ctrl-C.
    Tail(Tail),
    /// Send a failed request again, exactly as it was.
    Retry(retries::Retry),
    /// List the attempts to send a failed request again.
    Retries(retries::Retries),
    /// Print a failed request as code that sends it.
    Code(retries::Code),
}

/// `waybill errors list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    client: ClientArgs,
    /// Which ones.
    #[command(flatten)]
    pub filter: FilterFlags,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// `waybill errors show`.
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    client: ClientArgs,
    /// Row id, or the request id from the answer's `x-waybill-request-id`.
    id: String,
    /// Also the headers and bodies.
    #[arg(long)]
    full: bool,
}

/// `waybill errors tail`.
#[derive(Debug, Args)]
pub struct Tail {
    #[command(flatten)]
    pub(super) client: ClientArgs,
    /// Which ones.
    #[command(flatten)]
    pub(super) filter: FilterFlags,
    /// How many earlier ones to print first.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(super) limit: usize,
}

/// Does what was asked.
pub fn run(command: Errors) -> anyhow::Result<()> {
    match command {
        Errors::List(args) => list(&args),
        Errors::Show(args) => show(&args),
        Errors::Differences(args) => differences::run(&args),
        Errors::Tail(args) => tail::run(&args),
        Errors::Retry(args) => retries::retry(&args),
        Errors::Retries(args) => retries::retries(&args),
        Errors::Code(args) => retries::code(&args),
    }
}

fn list(args: &List) -> anyhow::Result<()> {
    let remote = Remote::new(&args.client)?;
    let (errors, total) = newest(&remote, &args.filter, args.limit)?;
    let shown = errors.len();
    let mut out = io::stdout().lock();
    if args.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&errors)?)?;
        return Ok(());
    }
    if errors.is_empty() {
        writeln!(out, "No failed requests.")?;
        return Ok(());
    }
    table::write(
        &mut out,
        HEADINGS,
        &errors.iter().map(row).collect::<Vec<_>>(),
        table::colours(),
    )?;
    if total.count > shown as u64 {
        writeln!(out, "{shown} of {total} shown; --limit shows more.")?;
    }
    Ok(())
}

fn show(args: &Show) -> anyhow::Result<()> {
    let remote = Remote::new(&args.client)?;
    let path = format!(
        "{PATH}/{}",
        percent_encoding::utf8_percent_encode(&args.id, percent_encoding::NON_ALPHANUMERIC)
    );
    let mut out = io::stdout().lock();
    if args.client.json {
        let whole: Value = remote.get(&path, &[])?;
        writeln!(out, "{}", serde_json::to_string_pretty(&whole)?)?;
        return Ok(());
    }
    let error: ErrorLogDetail = remote.get(&path, &[])?;
    story::tell(&mut out, &error, args.full, table::colours())?;
    Ok(())
}

/// How many rows match, as far as they were counted.
#[derive(Debug, Clone, Copy)]
pub struct Total {
    count: u64,
    stopped: bool,
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stopped {
            true => write!(f, "at least {}", self.count),
            false => write!(f, "{}", self.count),
        }
    }
}

/// The newest failed requests, newest first, and how many there are.
pub fn newest(
    remote: &Remote,
    filter: &FilterFlags,
    limit: usize,
) -> anyhow::Result<(Vec<ErrorLog>, Total)> {
    let mut errors: Vec<ErrorLog> = Vec::new();
    let mut query = filter.pairs();
    let page_size = limit.clamp(1, MAX_PAGE_SIZE as usize);
    query.push(("page_size", page_size.to_string()));
    loop {
        let page: ErrorLogList = remote.get(PATH, &query)?;
        errors.extend(page.errors);
        query.retain(|(name, _)| *name != "cursor");
        match page.next_cursor {
            Some(cursor) if errors.len() < limit => query.push(("cursor", cursor)),
            _ => {
                errors.truncate(limit);
                let total = Total {
                    count: page.total,
                    stopped: page.total_is_estimate,
                };
                return Ok((errors, total));
            }
        }
    }
}

/// Headings of [`row`].
pub const HEADINGS: &[&str] = &[
    "ID", "TIME", "STATUS", "CAUSE", "MODEL", "ACCOUNT", "TRIES", "MS", "MESSAGE",
];

/// One failure on one line.
pub fn row(error: &ErrorLog) -> Vec<Cell> {
    let tone = match error.error_owner {
        _ if error.recovered => Tone::Green,
        Owner::Client => Tone::Yellow,
        Owner::Provider | Owner::Platform => Tone::Red,
    };
    vec![
        plain(error.id),
        (error.created_at.to_string(), Tone::Dim),
        (error.status_code.to_string(), tone),
        (error.cause.to_string(), tone),
        maybe(error.model.as_deref()),
        maybe(error.account_name.as_deref()),
        plain(error.upstream_error_count),
        plain(error.latency_ms),
        plain(&error.message),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_stopped_early_is_called_a_lower_bound() {
        let said = |stopped| {
            Total {
                count: 10_000,
                stopped,
            }
            .to_string()
        };
        assert_eq!(
            (said(true), said(false)),
            ("at least 10000".to_owned(), "10000".to_owned())
        );
    }
}
