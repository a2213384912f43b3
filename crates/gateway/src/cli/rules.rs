//! `waybill rules`: classification rules, tried over what is stored before they are put into force.

use std::{
    io::{self, Read as _, Write},
    path::PathBuf,
};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use waybill_model::{
    classify::ruling::{ClassificationRule, Preview, Turn},
    view::{List, RulesChange, RulesProgress, RulesVersion},
};

use super::{
    ClientArgs, Remote,
    table::{self, Cell, Tone, clean, maybe, plain},
};

const PATH: &str = "/ops/classification-rules";

/// What can be done with classification rules.
#[derive(Debug, Subcommand)]
pub enum Rules {
    /// Show the rules in force, and how far what is stored is judged by them.
    List(ListRules),
    /// Try the rules of a file over stored failures: nothing is changed.
    Preview(TryFile),
    /// Put the rules of a file into force, in place of all that are.
    Apply(Apply),
    /// List the versions there were, or show the rules of one.
    History(History),
    /// Put an old version back into force.
    Restore(Restore),
}

/// `waybill rules list`.
#[derive(Debug, Args)]
pub struct ListRules {
    #[command(flatten)]
    client: ClientArgs,
}

/// A file of rules.
#[derive(Debug, Args)]
pub struct File {
    /// Rules as TOML (`[[rules]]`) or JSON (what `waybill rules list --json` prints); `-` for standard input.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

/// `waybill rules preview`.
#[derive(Debug, Args)]
pub struct TryFile {
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    file: File,
    /// A window that ends now: 5m, 30m, 1h, 6h, 24h, 7d or 30d.
    #[arg(long, value_name = "RANGE")]
    time_range: Option<String>,
    /// From this instant on (RFC 3339).
    #[arg(long, value_name = "TIME")]
    start_time: Option<String>,
    /// Before this instant.
    #[arg(long, value_name = "TIME")]
    end_time: Option<String>,
}

/// `waybill rules apply`.
#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    file: File,
    /// Why; it stands in the history.
    #[arg(long)]
    note: Option<String>,
    /// The version they take the place of; the file's `version`, or the one in force, when absent.
    #[arg(long, value_name = "VERSION")]
    replaces: Option<i64>,
}

/// `waybill rules history`.
#[derive(Debug, Args)]
pub struct History {
    #[command(flatten)]
    client: ClientArgs,
    /// A version whose rules are shown.
    version: Option<i64>,
}

/// `waybill rules restore`.
#[derive(Debug, Args)]
pub struct Restore {
    #[command(flatten)]
    client: ClientArgs,
    /// The version to put back.
    version: i64,
    /// Why; it stands in the history.
    #[arg(long)]
    note: Option<String>,
}

/// Does what was asked.
pub fn run(command: Rules) -> anyhow::Result<()> {
    match command {
        Rules::List(args) => list(&args),
        Rules::Preview(args) => preview(&args),
        Rules::Apply(args) => apply(&args),
        Rules::History(args) => history(&args),
        Rules::Restore(args) => restore(&args),
    }
}

fn list(args: &ListRules) -> anyhow::Result<()> {
    let whole: Value = Remote::new(&args.client)?.get(PATH, &[])?;
    tell(&args.client, &whole)
}

fn preview(args: &TryFile) -> anyhow::Result<()> {
    let content = content(&args.file)?;
    let given = [
        ("time_range", &args.time_range),
        ("start_time", &args.start_time),
        ("end_time", &args.end_time),
    ];
    let query: Vec<String> = given
        .into_iter()
        .filter_map(|(name, value)| {
            let value = percent_encoding::utf8_percent_encode(
                value.as_deref()?,
                percent_encoding::NON_ALPHANUMERIC,
            );
            Some(format!("{name}={value}"))
        })
        .collect();
    let path = format!("{PATH}/preview?{}", query.join("&"));
    let form = json!({ "rules": content["rules"] });
    let remote = Remote::new(&args.client)?;
    let mut out = io::stdout().lock();
    if args.client.json {
        let whole: Value = remote.post(&path, &form)?;
        writeln!(out, "{}", serde_json::to_string_pretty(&whole)?)?;
        return Ok(());
    }
    let tried: Preview = remote.post(&path, &form)?;
    writeln!(out, "{}", tried.sentence)?;
    writeln!(
        out,
        "{} to {}: {} failures looked at, {} requests; {} failures count now, {} then",
        tried.start_time,
        tried.end_time,
        tried.examined,
        tried.requests,
        tried.failures_before,
        tried.failures_after
    )?;
    let changes = &tried.changes;
    let lists = [
        ("counts", &changes.counts),
        ("error_owner", &changes.error_owner),
        ("cause", &changes.cause),
        ("severity", &changes.severity),
        ("is_retryable", &changes.is_retryable),
    ];
    let rows: Vec<Vec<Cell>> = lists
        .into_iter()
        .flat_map(|(field, turns)| turns.iter().map(move |turn| of_turn(field, turn)))
        .collect();
    if !rows.is_empty() {
        writeln!(out)?;
        table::write(
            &mut out,
            &["FIELD", "FROM", "TO", "FAILURES"],
            &rows,
            table::colours(),
        )?;
    }
    let rows: Vec<Vec<Cell>> = tried
        .rules
        .iter()
        .map(|rule| vec![plain(&rule.name), plain(rule.fits), plain(rule.changes)])
        .collect();
    if !rows.is_empty() {
        writeln!(out)?;
        table::write(
            &mut out,
            &["RULE", "FITS", "CHANGES"],
            &rows,
            table::colours(),
        )?;
    }
    if let Some(sample) = tried.samples.first() {
        writeln!(out, "\nOne that would change: waybill errors show {sample}")?;
    }
    Ok(())
}

fn of_turn(field: &str, turn: &Turn) -> Vec<Cell> {
    vec![
        plain(field),
        plain(&turn.from),
        plain(&turn.to),
        plain(turn.count),
    ]
}

fn apply(args: &Apply) -> anyhow::Result<()> {
    let content = content(&args.file)?;
    let remote = Remote::new(&args.client)?;
    let replaces = match args.replaces.or(content["version"].as_i64()) {
        Some(version) => version,
        None => in_force(&remote)?,
    };
    let form = json!({ "version": replaces, "note": args.note, "rules": content["rules"] });
    let whole: Value = remote.put(PATH, &form)?;
    tell(&args.client, &whole)
}

fn restore(args: &Restore) -> anyhow::Result<()> {
    let remote = Remote::new(&args.client)?;
    let form = json!({ "version": in_force(&remote)?, "note": args.note });
    let path = format!("{PATH}/versions/{}/restore", args.version);
    let whole: Value = remote.post(&path, &form)?;
    tell(&args.client, &whole)
}

fn in_force(remote: &Remote) -> anyhow::Result<i64> {
    let now: RulesVersion = remote.get(PATH, &[])?;
    Ok(now.version)
}

fn history(args: &History) -> anyhow::Result<()> {
    let remote = Remote::new(&args.client)?;
    if let Some(version) = args.version {
        let path = format!("{PATH}/versions/{version}");
        let whole: Value = remote.get(&path, &[])?;
        return tell(&args.client, &whole);
    }
    let path = format!("{PATH}/versions");
    let all: List<RulesChange> = remote.get(&path, &[])?;
    let mut out = io::stdout().lock();
    if args.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&all.items)?)?;
        return Ok(());
    }
    let rows: Vec<Vec<Cell>> = all
        .items
        .iter()
        .map(|change| {
            vec![
                plain(change.version),
                (change.at.to_string(), Tone::Dim),
                maybe(change.by.as_deref()),
                plain(change.rules),
                maybe(change.note.as_deref()),
            ]
        })
        .collect();
    match rows.is_empty() {
        true => writeln!(out, "There never was a rule.")?,
        false => table::write(
            &mut out,
            &["VERSION", "SINCE", "BY", "RULES", "NOTE"],
            &rows,
            table::colours(),
        )?,
    }
    Ok(())
}

/// What a file says: an object with `rules`.
fn content(File { file }: &File) -> anyhow::Result<Value> {
    let name = file.display();
    let text = if file.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        text
    } else {
        std::fs::read_to_string(file).with_context(|| name.to_string())?
    };
    let read =
        match text.trim_start().starts_with(['{', '[']) && !text.trim_start().starts_with("[[") {
            true => serde_json::from_str(&text).with_context(|| format!("{name} is no JSON"))?,
            false => toml::from_str(&text).with_context(|| format!("{name} is no TOML"))?,
        };
    let content = match read {
        Value::Array(rules) => json!({ "rules": rules }),
        other => other,
    };
    if !content["rules"].is_array() {
        bail!("{name} has no list `rules`; an empty one takes all rules away");
    }
    Ok(content)
}

fn tell(client: &ClientArgs, whole: &Value) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(whole)?)?;
        return Ok(());
    }
    let version: RulesVersion = of(whole)?;
    match (version.at, version.by.as_deref()) {
        (Some(at), by) => writeln!(
            out,
            "Version {}, since {at}, by {}",
            version.version,
            clean(by.unwrap_or("somebody"))
        )?,
        (None, _) => writeln!(out, "There never was a rule.")?,
    }
    let rows: Vec<Vec<Cell>> = version.rules.iter().map(row).collect();
    if !rows.is_empty() {
        table::write(
            &mut out,
            &["ID", "NAME", "WHEN", "THEN"],
            &rows,
            table::colours(),
        )?;
    }
    if !whole["applied"].is_null() && version.version > 0 {
        let applied: RulesProgress = of(&whole["applied"])?;
        match applied.is_done {
            true => writeln!(
                out,
                "Every stored failure is judged by it; {} were changed.",
                applied.changed
            )?,
            false => {
                let more = if applied.remaining_is_estimate {
                    "+"
                } else {
                    ""
                };
                writeln!(
                    out,
                    "Stored failures are being judged by it: {}{more} are left, {} were changed.",
                    applied.remaining, applied.changed
                )?;
            }
        }
    }
    Ok(())
}

fn row(rule: &ClassificationRule) -> Vec<Cell> {
    let words = |part: Value| match part {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}={value}"));
            fields.collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    };
    let tone = if rule.enabled { Tone::Plain } else { Tone::Dim };
    let off = if rule.enabled { "" } else { " (off)" };
    vec![
        (rule.id.to_string(), tone),
        (format!("{}{off}", rule.name), tone),
        (words(json!(rule.when)), tone),
        (words(json!(rule.then)), tone),
    ]
}

fn of<T: DeserializeOwned>(value: &Value) -> anyhow::Result<T> {
    serde_json::from_value(value.clone()).context("the answer is not what the admin API promises")
}
