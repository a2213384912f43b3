//! `waybill alerts` and `waybill objectives`: what wakes somebody, and what is promised.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use waybill_model::{
    alert::{AlertEvent, AlertRule, EventStatus, Objective, amount},
    time::UnixMillis,
    view,
};

use super::{
    ClientArgs, Remote,
    configured::List,
    table::{self, Cell, Tone, maybe, plain},
};

const MINUTE_MS: i64 = 60_000;

/// What can be done with alerts.
#[derive(Debug, Subcommand)]
pub enum Alerts {
    /// List events, newest first: what fires, and what did.
    List(Events),
    /// Say that you have taken an event up.
    Ack(One),
    /// End an event by hand. It does not come again before all was well in between.
    Resolve(One),
    /// Tell nobody of events for a time. They are on record all the same.
    Silence(Silence),
    /// List the rules.
    Rules(List),
}

/// `waybill alerts list`.
#[derive(Debug, Args)]
pub struct Events {
    #[command(flatten)]
    client: ClientArgs,
    /// firing, resolved or manual_resolved; without it, all.
    #[arg(long, value_name = "STATUS")]
    status: Option<EventStatus>,
}

/// One event.
#[derive(Debug, Args)]
pub struct One {
    #[command(flatten)]
    client: ClientArgs,
    /// Row id of the event.
    id: i64,
}

/// `waybill alerts silence`.
#[derive(Debug, Args)]
pub struct Silence {
    #[command(flatten)]
    client: ClientArgs,
    /// For so many minutes.
    #[arg(long, value_name = "MINUTES")]
    minutes: u32,
    /// Row id of the rule; without it, all rules.
    #[arg(long, value_name = "ID")]
    rule: Option<i64>,
    /// Row id of the account.
    #[arg(long, value_name = "ID")]
    account: Option<i64>,
    /// Row id of the group.
    #[arg(long, value_name = "ID")]
    group: Option<i64>,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

/// What can be done with objectives.
#[derive(Debug, Subcommand)]
pub enum Objectives {
    /// List objectives, with what was reached and what is left of each budget.
    List(List),
    /// Print an objective's statement, a line per day.
    Statement(Statement),
}

/// `waybill objectives statement`.
#[derive(Debug, Args)]
pub struct Statement {
    #[command(flatten)]
    client: ClientArgs,
    /// Row id of the objective.
    id: i64,
    /// A line per failure that does not count, with why.
    #[arg(long)]
    ledger: bool,
}

/// Does what was asked of alerts.
pub fn alerts(command: Alerts) -> anyhow::Result<()> {
    match command {
        Alerts::List(args) => events(&args),
        Alerts::Ack(one) => act(&one, "acknowledge"),
        Alerts::Resolve(one) => act(&one, "resolve"),
        Alerts::Silence(args) => silence(&args),
        Alerts::Rules(args) => rules(&args),
    }
}

/// Does what was asked of objectives.
pub fn objectives(command: Objectives) -> anyhow::Result<()> {
    match command {
        Objectives::List(args) => levels(&args),
        Objectives::Statement(args) => statement(&args),
    }
}

fn events(args: &Events) -> anyhow::Result<()> {
    let status = args.status.map(|status| ("status", status.to_string()));
    let query: Vec<_> = status.into_iter().collect();
    let found: view::List<AlertEvent> =
        Remote::new(&args.client)?.get("/ops/alert-events", &query)?;
    let mut out = io::stdout().lock();
    if args.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&found.items)?)?;
    } else if found.items.is_empty() {
        writeln!(out, "There are none.")?;
    } else {
        let headings = &["ID", "BEGAN", "STATUS", "SEVERITY", "RULE", "WHAT"];
        let rows: Vec<_> = found.items.iter().map(event).collect();
        table::write(&mut out, headings, &rows, table::colours())?;
    }
    Ok(())
}

fn event(event: &AlertEvent) -> Vec<Cell> {
    let tone = match event.status {
        EventStatus::Firing => Tone::Red,
        EventStatus::Resolved | EventStatus::ManualResolved => Tone::Green,
    };
    vec![
        plain(event.id),
        (event.fired_at.to_string(), Tone::Dim),
        (event.status.to_string(), tone),
        plain(event.severity),
        plain(&event.evidence.rule_name),
        plain(&event.evidence.sentence),
    ]
}

fn act(one: &One, what: &str) -> anyhow::Result<()> {
    let path = format!("/ops/alert-events/{}/{what}", one.id);
    let changed: Value = Remote::new(&one.client)?.post(&path, &json!({}))?;
    let mut out = io::stdout().lock();
    match one.client.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&changed)?)?,
        false => {
            let event: AlertEvent = serde_json::from_value(changed)?;
            writeln!(out, "Event {} is {}.", event.id, event.status)?;
        }
    }
    Ok(())
}

fn silence(args: &Silence) -> anyhow::Result<()> {
    let until = crate::clock::Clock::System
        .now()
        .plus_ms(i64::from(args.minutes) * MINUTE_MS);
    let body = json!({
        "rule_id": args.rule,
        "account_id": args.account,
        "group_id": args.group,
        "until": until,
        "note": args.note,
    });
    let made: Value = Remote::new(&args.client)?.post("/ops/alert-silences", &body)?;
    let mut out = io::stdout().lock();
    match args.client.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&made)?)?,
        false => writeln!(out, "Silence {} lasts until {until}.", made["id"])?,
    }
    Ok(())
}

fn rules(args: &List) -> anyhow::Result<()> {
    let found: view::List<AlertRule> = Remote::new(&args.client)?.get("/ops/alert-rules", &[])?;
    let mut out = io::stdout().lock();
    if args.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&found.items)?)?;
        return Ok(());
    }
    let headings = &["ID", "NAME", "SEVERITY", "WHEN", "OVER", "FOR", "ON"];
    let rows: Vec<_> = found.items.iter().map(rule).collect();
    table::write(&mut out, headings, &rows, table::colours())?;
    Ok(())
}

fn rule(rule: &AlertRule) -> Vec<Cell> {
    let body = &rule.body;
    let threshold = amount(body.threshold, body.metric.info().unit);
    vec![
        plain(rule.id),
        plain(&body.name),
        plain(body.severity),
        plain(format!("{} {} {threshold}", body.metric, body.operator)),
        plain(format!("{} min", body.window_minutes)),
        plain(format!("{} min", body.sustained_minutes)),
        plain(if body.enabled { "yes" } else { "no" }),
    ]
}

fn levels(args: &List) -> anyhow::Result<()> {
    let remote = Remote::new(&args.client)?;
    let found: view::List<Objective> = remote.get("/ops/objectives", &[])?;
    let mut all: Vec<Value> = Vec::new();
    for objective in &found.items {
        all.push(remote.get(&format!("/ops/objectives/{}", objective.id), &[])?);
    }
    let mut out = io::stdout().lock();
    if args.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else if all.is_empty() {
        writeln!(out, "Nothing is promised yet.")?;
    } else {
        let headings = &["ID", "NAME", "TARGET", "REACHED", "BUDGET LEFT", "GONE AT"];
        let rows: Vec<_> = found.items.iter().zip(&all).map(level).collect();
        table::write(&mut out, headings, &rows, table::colours())?;
    }
    Ok(())
}

fn level((objective, now): (&Objective, &Value)) -> Vec<Cell> {
    let budget = &now["level"]["budget"];
    let percent = |value: &Value| value.as_f64().map(|value| format!("{value:.3} %"));
    let left = match budget["left_percent"].as_f64() {
        Some(left) if left > 0.0 => (format!("{left:.1} %"), Tone::Green),
        Some(left) => (format!("{left:.1} %"), Tone::Red),
        None => maybe(None::<String>),
    };
    let gone_at: Option<UnixMillis> =
        serde_json::from_value(now["level"]["gone_at"].clone()).unwrap_or_default();
    vec![
        plain(objective.id),
        plain(&objective.body.name),
        plain(format!("{} %", objective.body.target_percent)),
        maybe(percent(&budget["achieved_percent"])),
        left,
        maybe(gone_at),
    ]
}

fn statement(args: &Statement) -> anyhow::Result<()> {
    let path = format!("/ops/objectives/{}/statement", args.id);
    let remote = Remote::new(&args.client)?;
    let format = match (args.client.json, args.ledger) {
        (_, true) => "ledger",
        (true, false) => "json",
        (false, false) => "csv",
    };
    let text = remote.bytes(&path, &[("format", format.to_owned())])?;
    io::stdout().lock().write_all(&text)?;
    Ok(())
}
