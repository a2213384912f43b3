//! `waybill settings`: what operators choose while the gateway runs.

use std::io::{self, Write};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{
    ClientArgs, Remote,
    table::{self, Cell, Tone, clean, plain},
};

const PATH: &str = "/ops/settings";

/// The parts of the document that hold choices.
const PARTS: [&str; 4] = ["monitoring", "thresholds", "ignore", "retention"];

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub enum Settings {
    /// Show the settings: what is in force, and what was chosen.
    Show(Show),
    /// Choose something: `thresholds.sla_percent_min=99.9`, `ignore.count_tokens_errors=true`,
    /// `retention.errors_days=default`.
    Set(Set),
}

/// `waybill settings show`.
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    client: ClientArgs,
}

/// `waybill settings set`.
#[derive(Debug, Args)]
pub struct Set {
    #[command(flatten)]
    client: ClientArgs,
    /// What, and how: a number, `true`, `false`, `off` for no threshold, `default` to take a choice back.
    #[arg(value_name = "KEY=VALUE", required = true)]
    choices: Vec<String>,
}

/// Does what was asked.
pub fn run(command: Settings) -> anyhow::Result<()> {
    match command {
        Settings::Show(args) => {
            let settings: Value = Remote::new(&args.client)?.get(PATH, &[])?;
            print(&args.client, &settings)
        }
        Settings::Set(args) => {
            let mut change = read(&args.choices)?;
            let remote = Remote::new(&args.client)?;
            // What somebody else changes in between is not written over.
            let before: Value = remote.get(PATH, &[])?;
            change.insert("version".to_owned(), before["version"].clone());
            let after: Value = remote.patch(PATH, &Value::Object(change))?;
            print(&args.client, &after)
        }
    }
}

/// The choices as a change.
fn read(choices: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut change = Map::new();
    for choice in choices {
        let (key, value) = choice
            .split_once('=')
            .with_context(|| format!("`{}`: KEY=VALUE is needed", clean(choice)))?;
        let (part, field) = key.split_once('.').with_context(|| {
            format!(
                "`{}`: a key such as ignore.client_cancellations",
                clean(key)
            )
        })?;
        let value = match value {
            "default" => Value::Null,
            "off" => json!("off"),
            // Anything else that is no word of JSON is a text, which the gateway refuses by its field.
            other => serde_json::from_str(other).unwrap_or_else(|_| json!(other)),
        };
        let fields = change.entry(part).or_insert_with(|| json!({}));
        let fields = fields.as_object_mut().context("a part is an object")?;
        if fields.insert(field.to_owned(), value).is_some() {
            bail!("`{}` is given twice", clean(key));
        }
    }
    Ok(change)
}

fn print(client: &ClientArgs, settings: &Value) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(settings)?)?;
        return Ok(());
    }
    let headings = &["SETTING", "IN FORCE", "CHOSEN", "OTHERWISE"];
    table::write(&mut out, headings, &rows(settings), table::colours())?;
    let version = &settings["version"];
    match (
        settings["updated_by"].as_str(),
        settings["updated_at"].as_str(),
    ) {
        (Some(by), Some(at)) => writeln!(out, "\nVersion {version}, by {} at {at}.", clean(by))?,
        _ => writeln!(out, "\nNobody chose anything yet.")?,
    }
    Ok(())
}

fn rows(settings: &Value) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for part in PARTS {
        let choices = settings[part].as_object();
        for (name, choice) in choices.into_iter().flatten() {
            // What is no choice is told of it: since when monitoring is on.
            let Some(in_force) = choice.get("in_force") else {
                continue;
            };
            let otherwise = choice.get("configured").or_else(|| choice.get("default"));
            let set = choice.get("set").filter(|set| !set.is_null());
            rows.push(vec![
                (format!("{part}.{name}"), Tone::Bold),
                plain(text(in_force)),
                match set {
                    Some(set) => (text(set), Tone::Yellow),
                    None => ("-".to_owned(), Tone::Dim),
                },
                (otherwise.map(text).unwrap_or_default(), Tone::Dim),
            ]);
        }
    }
    rows
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => clean(text).to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn choices_are_read_by_part_and_field() {
        let choices = [
            "thresholds.sla_percent_min=99.9",
            "thresholds.ttft_p99_ms_max=off",
            "ignore.invalid_api_keys=false",
            "retention.errors_days=default",
        ];
        let change = read(&choices.map(str::to_owned)).unwrap();
        assert_eq!(
            Value::Object(change),
            json!({
                "thresholds": {"sla_percent_min": 99.9, "ttft_p99_ms_max": "off"},
                "ignore": {"invalid_api_keys": false},
                "retention": {"errors_days": null},
            })
        );
        for wrong in [&["x"][..], &["x=1"], &["a.b=1", "a.b=2"]] {
            let wrong: Vec<String> = wrong.iter().map(|text| (*text).to_owned()).collect();
            assert!(read(&wrong).is_err(), "{wrong:?}");
        }
    }
}
