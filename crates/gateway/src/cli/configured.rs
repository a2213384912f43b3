//! `waybill keys`: what clients authenticate with. And what lists of configured things have in common.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    ClientArgs, Remote,
    table::{self, Cell, Tone, maybe, plain},
};

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// List the API keys.
    List(List),
    /// Make an API key and print it: the one time it is shown.
    Create(Create),
}

/// A list without filters.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    pub(super) client: ClientArgs,
}

/// `waybill keys create`.
#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    client: ClientArgs,
    /// Unique name.
    name: String,
    /// Name of its user; `default` when absent.
    #[arg(long)]
    user: Option<String>,
    /// Names of groups it may use, in order, with commas between; every group when absent.
    #[arg(long, value_delimiter = ',')]
    groups: Vec<String>,
}

/// Does what was asked.
pub fn keys(command: Keys) -> anyhow::Result<()> {
    match command {
        Keys::Create(args) => create(&args),
        Keys::List(args) => list(
            &args.client,
            "/api-keys",
            &["ID", "NAME", "KEY", "STATUS", "USER", "EXPIRES", "GROUPS"],
            |item| {
                vec![
                    plain(&item["id"]),
                    text(&item["name"]),
                    plain(format!("{}…", item["prefix"].as_str().unwrap_or_default())),
                    status(&item["status"]),
                    text(&item["user"]),
                    text(&item["expires_at"]),
                    joined(&item["groups"]),
                ]
            },
        ),
    }
}

fn create(args: &Create) -> anyhow::Result<()> {
    let mut form = json!({ "name": args.name });
    if let Some(user) = &args.user {
        form["user"] = json!(user);
    }
    if !args.groups.is_empty() {
        form["groups"] = json!(args.groups);
    }
    let made: Value = Remote::new(&args.client)?.post("/api-keys", &form)?;
    let mut out = io::stdout().lock();
    if args.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&made)?)?;
    } else {
        // The key alone: so that it can be caught by a script.
        writeln!(out, "{}", made["key"].as_str().unwrap_or_default())?;
    }
    Ok(())
}

/// Prints a list, row by row.
pub fn list(
    client: &ClientArgs,
    path: &str,
    headings: &[&str],
    row: impl Fn(&Value) -> Vec<Cell>,
) -> anyhow::Result<()> {
    let answer: Value = Remote::new(client)?.get(path, &[])?;
    let mut out = io::stdout().lock();
    if client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&answer["items"])?)?;
        return Ok(());
    }
    let rows: Vec<_> = answer["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(row)
        .collect();
    table::write(&mut out, headings, &rows, table::colours())?;
    Ok(())
}

/// A text that may be missing.
pub fn text(value: &Value) -> Cell {
    maybe(value.as_str())
}

/// Texts with commas between.
pub fn joined(values: &Value) -> Cell {
    plain(
        values
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(", "),
    )
}

/// Whether something may be used.
pub fn status(value: &Value) -> Cell {
    match value.as_str() {
        Some("active") => ("active".to_owned(), Tone::Green),
        other => (other.unwrap_or("-").to_owned(), Tone::Yellow),
    }
}
