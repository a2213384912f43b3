//! `waybill reports`: reports that come by themselves, one looked at, and one sent now.

use std::io::{self, Write};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use waybill_model::{
    report::{Report, Schedule},
    view::List as Page,
};

use super::{
    ClientArgs, Remote,
    configured::{List, joined, list, text},
    table::{self, clean, plain},
};
use crate::report::render;

const PATH: &str = "/ops/report-schedules";

/// What can be done with reports.
#[derive(Debug, Subcommand)]
pub enum Reports {
    /// List the schedules, and when each is due.
    List(List),
    /// Show one schedule.
    Show(One),
    /// Put a schedule's report, up to now, into the outbox. When it is due next stays.
    Send(One),
    /// Show what a schedule's report would say now.
    Preview(One),
}

/// One schedule.
#[derive(Debug, Args)]
pub struct One {
    #[command(flatten)]
    client: ClientArgs,
    /// Name or id.
    name: String,
}

/// Does what was asked.
pub fn run(command: Reports) -> anyhow::Result<()> {
    match command {
        Reports::List(args) => list(
            &args.client,
            PATH,
            &[
                "ID", "NAME", "KIND", "ENABLED", "CRON", "ZONE", "NEXT", "LAST", "CHANNELS",
            ],
            |schedule| {
                vec![
                    plain(&schedule["id"]),
                    text(&schedule["name"]),
                    text(&schedule["kind"]),
                    plain(&schedule["enabled"]),
                    text(&schedule["cron"]),
                    text(&schedule["time_zone"]),
                    text(&schedule["next_at"]),
                    text(&schedule["last_at"]),
                    ids(&schedule["channels"]),
                ]
            },
        ),
        Reports::Show(one) => show(&one),
        Reports::Send(one) => {
            let remote = Remote::new(&one.client)?;
            let id = find(&remote, &one.name)?.id;
            let sent: Report = remote.post(&format!("{PATH}/{id}/send"), &Value::Null)?;
            print(&one.client, &sent, "It is in the outbox.\n\n")
        }
        Reports::Preview(one) => {
            let remote = Remote::new(&one.client)?;
            let id = find(&remote, &one.name)?.id;
            let report: Report = remote.get(&format!("{PATH}/{id}/preview"), &[])?;
            print(&one.client, &report, "")
        }
    }
}

/// Ids with commas between.
fn ids(values: &Value) -> table::Cell {
    let texts = values.as_array().into_iter().flatten();
    joined(&json!(texts.map(Value::to_string).collect::<Vec<_>>()))
}

fn show(one: &One) -> anyhow::Result<()> {
    let schedule = find(&Remote::new(&one.client)?, &one.name)?;
    let mut out = io::stdout().lock();
    if one.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&schedule)?)?;
        return Ok(());
    }
    let body = &schedule.body;
    let at = |at: Option<waybill_model::time::UnixMillis>| {
        at.map_or_else(|| "-".to_owned(), |at| at.to_string())
    };
    let channels: Vec<String> = body.channels.iter().map(ToString::to_string).collect();
    let rows = [
        ("id", schedule.id.to_string()),
        ("name", clean(&body.name).to_string()),
        ("kind", body.kind.to_string()),
        ("enabled", body.enabled.to_string()),
        (
            "when",
            format!("{} ({})", clean(&body.cron), clean(&body.time_zone)),
        ),
        ("next", at(schedule.next_at)),
        ("last", at(schedule.last_at)),
        ("channels", channels.join(", ")),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(name, value)| vec![(name.to_owned(), table::Tone::Bold), plain(value)])
        .collect();
    table::write(&mut out, &[], &rows, table::colours())?;
    Ok(())
}

fn print(client: &ClientArgs, report: &Report, before: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match client.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(report)?)?,
        false => writeln!(out, "{before}{}", render::text(report))?,
    }
    Ok(())
}

fn find(remote: &Remote, name: &str) -> anyhow::Result<Schedule> {
    let page: Page<Schedule> = remote.get(PATH, &[("page_size", "500".to_owned())])?;
    let named = page.items.iter().position(|one| one.body.name == name);
    let by_id = || {
        let id = name.parse::<i64>().ok()?;
        page.items.iter().position(|one| one.id.0 == id)
    };
    let place = named.or_else(by_id);
    place
        .and_then(|place| page.items.into_iter().nth(place))
        .with_context(|| format!("there is no report schedule {}", clean(name)))
}
