//! `waybill accounts`: the pool, how each account stands and why, and what can be done about it.

use std::io::{self, Write};

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    ClientArgs, Remote, configured,
    configured::{joined, text},
    standing::{items, state, until, write_events, write_marks},
    table::{self, Cell, Tone, clean, plain, toned},
};

/// Events shown with an account.
const EVENTS_SHOWN: u32 = 10;

/// What can be asked about accounts, and done with them.
#[derive(Debug, Subcommand)]
pub enum Accounts {
    /// List the accounts and how they stand.
    List(configured::List),
    /// Show one account: its settings, how it stands and why, and its newest events.
    Show(One),
    /// Show what happened to an account, newest first, or how it stood at a moment.
    Events(Events),
    /// Ask an account whether it serves.
    Test(Test),
    /// Clear everything that keeps an account from serving.
    Reset(Act),
    /// Switch an account on.
    Enable(Act),
    /// Switch an account off.
    Disable(Act),
}

/// One account.
#[derive(Debug, Args)]
pub struct One {
    #[command(flatten)]
    client: ClientArgs,
    /// Name or id.
    account: String,
}

/// `waybill accounts events`.
#[derive(Debug, Args)]
pub struct Events {
    #[command(flatten)]
    one: One,
    /// A moment (RFC 3339): show the state as it was then, and the events up to it.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Only events that say this, such as rate_limited.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only events that this request caused.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// A window that ends now, such as 1h.
    #[arg(long, value_name = "RANGE")]
    time_range: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

/// `waybill accounts test`.
#[derive(Debug, Args)]
pub struct Test {
    #[command(flatten)]
    one: One,
    /// A model to ask for one token; without it the list of models is asked for.
    #[arg(long)]
    model: Option<String>,
}

/// `waybill accounts reset|enable|disable`.
#[derive(Debug, Args)]
pub struct Act {
    #[command(flatten)]
    one: One,
    /// Why; it stands in the account's events.
    #[arg(long)]
    reason: Option<String>,
}

/// Does what was asked.
pub fn run(command: Accounts) -> anyhow::Result<()> {
    match command {
        Accounts::List(args) => configured::list(&args.client, "/accounts", HEADINGS, row),
        Accounts::Show(args) => show(&args),
        Accounts::Events(args) => events(&args),
        Accounts::Test(args) => test(&args),
        Accounts::Reset(args) => act(&args, "reset"),
        Accounts::Enable(args) => act(&args, "enable"),
        Accounts::Disable(args) => act(&args, "disable"),
    }
}

const HEADINGS: &[&str] = &[
    "ID",
    "NAME",
    "PLATFORM",
    "STATE",
    "UNTIL",
    "PRIORITY",
    "IN FLIGHT",
    "GROUPS",
    "BASE URL",
];

fn row(account: &Value) -> Vec<Cell> {
    vec![
        plain(&account["id"]),
        text(&account["name"]),
        text(&account["platform"]),
        state(&account["state"]),
        until(&account["state"]),
        plain(&account["priority"]),
        plain(in_flight(account)),
        joined(&account["groups"]),
        text(&account["base_url"]),
    ]
}

fn in_flight(account: &Value) -> String {
    match &account["concurrency"] {
        Value::Null => account["in_flight"].to_string(),
        most => format!("{} of {most}", account["in_flight"]),
    }
}

fn show(args: &One) -> anyhow::Result<()> {
    let (remote, account) = find(args)?;
    let query = [("page_size", EVENTS_SHOWN.to_string())];
    let events: Value = remote.get(&format!("/accounts/{}/events", account["id"]), &query)?;
    let mut out = io::stdout().lock();
    if args.client.json {
        let mut whole = account;
        whole["events"] = events["items"].clone();
        writeln!(out, "{}", serde_json::to_string_pretty(&whole)?)?;
        return Ok(());
    }
    let colours = table::colours();
    let title = format!(
        "Account {} ({}, id {})",
        account["name"].as_str().unwrap_or_default(),
        account["platform"].as_str().unwrap_or_default(),
        account["id"]
    );
    writeln!(out, "{}", toned(&clean(&title), Tone::Bold, colours))?;
    let fields = [
        ("Base URL", text(&account["base_url"])),
        ("Fallbacks", joined(&account["fallback_urls"])),
        ("APIs", joined(&account["apis"])),
        ("Project", text(&account["project"])),
        ("Proxy", text(&account["proxy"])),
        ("Headers", joined(&account["headers"])),
        ("Credential", credential(&account["credential"])),
        ("Refresh", refresh(&account["credential"]["last_failure"])),
        ("Groups", joined(&account["groups"])),
        ("In flight", plain(in_flight(&account))),
        ("State", state(&account["state"])),
    ];
    for (name, (text, tone)) in fields {
        if !text.is_empty() && text != "-" {
            let name = toned(&format!("{name:<10}"), Tone::Bold, colours);
            writeln!(out, "{name} {}", toned(&clean(&text), tone, colours))?;
        }
    }
    write_marks(&mut out, &account["state"], colours)?;
    write_events(&mut out, &events, colours)
}

/// What it presents, and until when that is good.
fn credential(credential: &Value) -> Cell {
    let said = |name: &str| credential[name].as_str();
    let Some(kind) = said("kind") else {
        return plain("cannot be opened with this instance key");
    };
    let client = said("client").map(|client| format!(" of {client}"));
    let until = match (said("token_url"), said("expires_at")) {
        (None, _) => String::new(),
        (Some(_), None) => ", no access token yet".to_owned(),
        (Some(_), Some(until)) => format!(", access token until {until}"),
    };
    plain(format!("{kind}{}{until}", client.unwrap_or_default()))
}

/// Why no newer token could be had.
fn refresh(failure: &Value) -> Cell {
    let said = |name: &str| failure[name].as_str().unwrap_or_default();
    if failure.is_null() {
        return plain("");
    }
    plain(format!(
        "failed at {} ({} in a row), again at {}: {}: {}",
        said("at"),
        failure["in_a_row"],
        said("retry_at"),
        said("cause"),
        said("message")
    ))
}

fn events(args: &Events) -> anyhow::Result<()> {
    let (remote, account) = find(&args.one)?;
    let mut query = vec![("page_size", args.limit.to_string())];
    let given = [
        ("at", &args.at),
        ("kind", &args.kind),
        ("request_id", &args.request_id),
        ("time_range", &args.time_range),
    ];
    query.extend(
        given
            .iter()
            .filter_map(|(name, value)| Some((*name, (*value).clone()?))),
    );
    let events: Value = remote.get(&format!("/accounts/{}/events", account["id"]), &query)?;
    let mut out = io::stdout().lock();
    if args.one.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&events)?)?;
        return Ok(());
    }
    let colours = table::colours();
    let (word, tone) = state(&events["state"]);
    writeln!(
        out,
        "{} at {}: {}",
        clean(account["name"].as_str().unwrap_or_default()),
        events["at"].as_str().unwrap_or("-"),
        toned(&word, tone, colours)
    )?;
    write_marks(&mut out, &events["state"], colours)?;
    write_events(&mut out, &events, colours)
}

fn test(args: &Test) -> anyhow::Result<()> {
    let (remote, account) = find(&args.one)?;
    let body = match &args.model {
        Some(model) => json!({ "model": model }),
        None => json!({}),
    };
    let result: Value = remote.post(&format!("/accounts/{}/test", account["id"]), &body)?;
    let mut out = io::stdout().lock();
    if args.one.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&result)?)?;
    } else {
        writeln!(out, "{}", clean(&verdict(&account, &result)))?;
    }
    drop(out);
    if result["ok"] == true {
        return Ok(());
    }
    bail!("the account did not serve");
}

/// What came of a test, in a sentence or two.
fn verdict(account: &Value, result: &Value) -> String {
    let name = account["name"].as_str().unwrap_or_default();
    let asked = match result["model"].as_str() {
        Some(model) => format!("one token of {model}"),
        None => "the list of models".to_owned(),
    };
    let status = match &result["status"] {
        Value::Null => String::new(),
        status => format!(", status {status}"),
    };
    let took = &result["latency_ms"];
    let outcome = if result["ok"] == true {
        format!("{name} served {asked} in {took} ms{status}.")
    } else {
        format!(
            "{name} did not serve {asked} ({took} ms{status}): {}: {}",
            result["cause"].as_str().unwrap_or("unknown"),
            result["message"].as_str().unwrap_or_default()
        )
    };
    let word = |which: &str| result[which]["status"].as_str().unwrap_or("-").to_owned();
    let (before, after) = (word("state_before"), word("state"));
    match before == after {
        true => format!("{outcome} Its state is {after}."),
        false => format!("{outcome} Its state was {before} and is {after}."),
    }
}

fn act(args: &Act, what: &str) -> anyhow::Result<()> {
    let (remote, account) = find(&args.one)?;
    let body = match &args.reason {
        Some(reason) => json!({ "reason": reason }),
        None => json!({}),
    };
    let after: Value = remote.post(&format!("/accounts/{}/{what}", account["id"]), &body)?;
    let mut out = io::stdout().lock();
    if args.one.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&after)?)?;
    } else {
        let name = after["name"].as_str().unwrap_or_default();
        let (word, _) = state(&after["state"]);
        writeln!(out, "{} is {word}.", clean(name))?;
    }
    Ok(())
}

/// The account with this name, or else this id.
fn find(args: &One) -> anyhow::Result<(Remote, Value)> {
    let remote = Remote::new(&args.client)?;
    let account = named(&remote, &args.account)?;
    Ok((remote, account))
}

/// The account with this name, or else this id.
pub fn named(remote: &Remote, name: &str) -> anyhow::Result<Value> {
    for page in 1.. {
        let list: Value = remote.get("/accounts", &[("page", page.to_string())])?;
        let named = items(&list["items"]).find(|account| account["name"] == *name);
        if let Some(account) = named {
            return Ok(account.clone());
        }
        let seen = page * list["page_size"].as_u64().unwrap_or(u64::MAX);
        if seen >= list["total"].as_u64().unwrap_or(0) {
            break;
        }
    }
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return remote.get(&format!("/accounts/{name}"), &[]);
    }
    bail!("there is no account `{}`", clean(name))
}
