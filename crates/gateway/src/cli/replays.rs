//! `waybill replays`: sending many failed requests again, and what came of it.

use std::{
    io::{self, IsTerminal as _, Write},
    thread,
    time::Duration,
};

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use waybill_model::{
    id::ReplayId,
    retry::{
        Verdict,
        many::{IssueOutcome, Replay, ReplayIssue, ReplayItem, ReplayStatus},
    },
    view::List as Page,
};

use super::{
    ClientArgs, Remote, accounts,
    flags::FilterFlags,
    table::{self, Cell, Tone, clean, maybe, plain, toned},
};

const PATH: &str = "/ops/replays";

/// From one look to the next of whoever watches.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// What can be asked about replays, and done with them.
#[derive(Debug, Subcommand)]
pub enum Replays {
    /// Send the failed requests that filters choose again, newest first, within a budget.
    Start(Box<Start>),
    /// List replays, newest first.
    List(List),
    /// Show one replay: how far it is, and what came of each failure.
    Show(Show),
    /// End a replay before its next failure.
    Cancel(One),
}

/// `waybill replays start`.
#[derive(Debug, Args)]
pub struct Start {
    #[command(flatten)]
    client: ClientArgs,
    /// Which ones; without a window the last 24 hours, or 30 days of an issue.
    #[command(flatten)]
    filter: FilterFlags,
    /// Name or id of the account to send them to; without it routing chooses.
    #[arg(long, value_name = "ID|NAME")]
    account: Option<String>,
    /// Send each to the account that failed.
    #[arg(long, conflicts_with = "account")]
    same_account: bool,
    /// How many are sent at most.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max_count: u32,
    /// How many are sent per minute at most.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=600))]
    per_minute: u32,
    /// Send no further one once so many US dollars are spent.
    #[arg(long, value_name = "USD")]
    max_usd: Option<f64>,
    /// Why; it stands in the replay.
    #[arg(long)]
    note: Option<String>,
    /// Wait for its end, and say how far it is.
    #[arg(long)]
    watch: bool,
}

/// `waybill replays list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    client: ClientArgs,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

/// One replay.
#[derive(Debug, Args)]
pub struct One {
    #[command(flatten)]
    client: ClientArgs,
    /// Its id.
    id: ReplayId,
}

/// `waybill replays show`.
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    one: One,
    /// Wait for its end, and say how far it is.
    #[arg(long)]
    watch: bool,
    /// Only failures that came to this.
    #[arg(long, value_parser = verdict)]
    verdict: Option<Verdict>,
    /// How many failures at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

fn verdict(text: &str) -> Result<Verdict, String> {
    text.parse()
        .map_err(|unknown: waybill_model::protocol::UnknownWord| unknown.to_string())
}

/// Does what was asked.
pub fn run(command: Replays) -> anyhow::Result<()> {
    match command {
        Replays::Start(args) => start(&args),
        Replays::List(args) => list(&args),
        Replays::Show(args) => show(&args),
        Replays::Cancel(args) => {
            let path = format!("{PATH}/{}/cancel", args.id);
            let replay: Replay = Remote::new(&args.client)?.post(&path, &json!({}))?;
            tell(&replay, args.client.json)
        }
    }
}

fn start(args: &Start) -> anyhow::Result<()> {
    let remote = Remote::new(&args.client)?;
    let filter: Map<String, Value> = args
        .filter
        .pairs()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    let mut body = json!({
        "filter": filter,
        "mode": if args.account.is_some() || args.same_account { "upstream" } else { "client" },
        "budget": {"max_count": args.max_count, "per_minute": args.per_minute, "max_usd": args.max_usd},
        "note": args.note,
    });
    if let Some(account) = &args.account {
        body["pinned_account_id"] = accounts::named(&remote, account)?["id"].clone();
    }
    let replay: Replay = remote.post(PATH, &body)?;
    if !args.watch {
        return tell(&replay, args.client.json);
    }
    let replay = watch(&remote, replay)?;
    end(&remote, &replay, args.client.json, None, 50)
}

fn list(args: &List) -> anyhow::Result<()> {
    let query = [("page_size", args.limit.to_string())];
    let page: Page<Replay> = Remote::new(&args.client)?.get(PATH, &query)?;
    let mut out = io::stdout().lock();
    if args.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&page.items)?)?;
        return Ok(());
    }
    if page.items.is_empty() {
        writeln!(out, "No replays.")?;
        return Ok(());
    }
    let rows: Vec<_> = page.items.iter().map(row).collect();
    table::write(&mut out, HEADINGS, &rows, table::colours())?;
    let shown = page.items.len() as u64;
    if page.total > shown {
        writeln!(out, "{shown} of {} shown; --limit shows more.", page.total)?;
    }
    Ok(())
}

fn show(args: &Show) -> anyhow::Result<()> {
    let remote = Remote::new(&args.one.client)?;
    let mut replay = get(&remote, args.one.id)?;
    if args.watch {
        replay = watch(&remote, replay)?;
    }
    end(
        &remote,
        &replay,
        args.one.client.json,
        args.verdict,
        args.limit,
    )
}

fn get(remote: &Remote, id: ReplayId) -> anyhow::Result<Replay> {
    remote.get(&format!("{PATH}/{id}"), &[])
}

/// Waits for a replay's end; how far it is stands on standard error, for standard output is what was asked for.
fn watch(remote: &Remote, mut replay: Replay) -> anyhow::Result<Replay> {
    let is_terminal = io::stderr().is_terminal();
    let mut said = String::new();
    loop {
        let line = progress(&replay);
        if line != said {
            let mut err = io::stderr().lock();
            match is_terminal {
                true => write!(err, "\r\x1b[K{line}")?,
                false => writeln!(err, "{line}")?,
            }
            err.flush()?;
            said = line;
        }
        if replay.status != ReplayStatus::Running {
            if is_terminal {
                writeln!(io::stderr())?;
            }
            return Ok(replay);
        }
        thread::sleep(WATCH_EVERY);
        replay = get(remote, replay.id)?;
    }
}

/// A replay and its failures.
fn end(
    remote: &Remote,
    replay: &Replay,
    as_json: bool,
    verdict: Option<Verdict>,
    limit: u32,
) -> anyhow::Result<()> {
    let mut query = vec![("page_size", limit.to_string())];
    query.extend(verdict.map(|verdict| ("verdict", verdict.to_string())));
    let page: Page<ReplayItem> = remote.get(&format!("{PATH}/{}/items", replay.id), &query)?;
    let mut out = io::stdout().lock();
    if as_json {
        let whole = json!({"replay": replay, "items": page.items});
        writeln!(out, "{}", serde_json::to_string_pretty(&whole)?)?;
        return Ok(());
    }
    writeln!(out, "{}", progress(replay))?;
    if let Some(note) = &replay.note {
        writeln!(out, "{}", clean(note))?;
    }
    let filter: Vec<String> = replay
        .filter
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    writeln!(out, "{}", clean(&filter.join(" ")))?;
    for issue in &replay.issues {
        writeln!(out, "{}", clean(&about(issue)))?;
    }
    if page.items.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let rows: Vec<Vec<Cell>> = page
        .items
        .iter()
        .map(|item| {
            vec![
                plain(item.source_error_id),
                maybe(item.attempt_id),
                said(item.verdict),
                plain(&item.summary),
            ]
        })
        .collect();
    table::write(
        &mut out,
        &["ERROR", "ATTEMPT", "VERDICT", "WHAT"],
        &rows,
        table::colours(),
    )?;
    let shown = page.items.len() as u64;
    if page.total > shown {
        writeln!(out, "{shown} of {} shown; --limit shows more.", page.total)?;
    }
    Ok(())
}

/// What a replay did to an issue, in a sentence.
fn about(issue: &ReplayIssue) -> String {
    let ReplayIssue {
        issue,
        outcome,
        why,
        error_id,
    } = issue;
    let what = match outcome {
        IssueOutcome::Resolved => "is resolved",
        IssueOutcome::KeptOpen => "stays open",
    };
    match why {
        None => format!("Issue {issue} {what}: error {error_id}, its newest, was served"),
        Some(why) => format!("Issue {issue} {what}: {why} (error {error_id})"),
    }
}

fn tell(replay: &Replay, as_json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match as_json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(replay)?)?,
        false => writeln!(out, "{}", progress(replay))?,
    }
    drop(out);
    if replay.candidates == 0 {
        bail!("the filters choose no failure");
    }
    Ok(())
}

/// How far a replay is, in one line.
fn progress(replay: &Replay) -> String {
    let more = if replay.candidates_is_estimate {
        "+"
    } else {
        ""
    };
    let counts = &replay.verdicts;
    let counts = [
        (counts.would_succeed, "would succeed"),
        (counts.fails_the_same, "fail the same"),
        (counts.fails_differently, "fail differently"),
        (counts.not_replayable, "not replayable"),
        (counts.not_run, "not run"),
        (counts.interrupted, "interrupted"),
        (replay.under_way, "under way"),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let counts = match counts.is_empty() {
        true => String::new(),
        false => format!(": {}", counts.join(", ")),
    };
    let (status, tone) = status(replay);
    format!(
        "Replay {} {}, {} of {}{more} done{counts}; {} spent",
        replay.id,
        toned(&status, tone, table::colours()),
        replay.done,
        replay.candidates,
        replay.spent_usd,
    )
}

const HEADINGS: &[&str] = &[
    "ID",
    "CREATED",
    "STATUS",
    "DONE",
    "OF",
    "SUCCEED",
    "SAME",
    "DIFFERENT",
    "NOT SENT",
    "SPENT",
    "NOTE",
];

fn row(replay: &Replay) -> Vec<Cell> {
    let counts = &replay.verdicts;
    vec![
        plain(replay.id),
        (replay.created_at.to_string(), Tone::Dim),
        status(replay),
        plain(replay.done),
        plain(replay.candidates),
        plain(counts.would_succeed),
        plain(counts.fails_the_same),
        plain(counts.fails_differently),
        plain(counts.not_replayable + counts.not_run),
        plain(replay.spent_usd),
        maybe(replay.note.as_deref()),
    ]
}

fn status(replay: &Replay) -> Cell {
    let tone = match replay.status {
        ReplayStatus::Running => Tone::Yellow,
        ReplayStatus::Finished => Tone::Green,
        ReplayStatus::Cancelled => Tone::Dim,
        ReplayStatus::Stopped => Tone::Red,
    };
    let status = match replay.stopped_because {
        Some(why) => format!("{} ({why})", replay.status),
        None => replay.status.to_string(),
    };
    (status, tone)
}

fn said(verdict: Option<Verdict>) -> Cell {
    let Some(verdict) = verdict else {
        return ("-".to_owned(), Tone::Dim);
    };
    let tone = match verdict {
        Verdict::WouldSucceed => Tone::Green,
        Verdict::FailsTheSame => Tone::Red,
        Verdict::FailsDifferently => Tone::Yellow,
        Verdict::NotReplayable | Verdict::NotRun | Verdict::Interrupted => Tone::Dim,
    };
    (verdict.to_string(), tone)
}
