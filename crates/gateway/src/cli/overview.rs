//! `waybill overview`: how the service did, on one screen.

use std::io::{self, Write};

use clap::Args;
use serde_json::Value;

use super::{
    ClientArgs, Remote,
    table::{self, Cell, Tone, plain},
};

/// Where it is asked.
const PATH: &str = "/ops/dashboard/overview";

/// `waybill overview`.
#[derive(Debug, Args)]
pub struct Ask {
    #[command(flatten)]
    client: ClientArgs,
    /// The last so much time: 5m, 30m, 1h, 6h, 24h, 7d, 30d.
    #[arg(long, value_name = "RANGE", default_value = "1h")]
    time_range: String,
    /// Of one platform.
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Of one group.
    #[arg(long, value_name = "N")]
    group_id: Option<i64>,
    /// Of one account.
    #[arg(long, value_name = "N")]
    account_id: Option<i64>,
    /// Of one model.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
}

impl Ask {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let id = |id: Option<i64>| id.map(|id| id.to_string());
        [
            ("time_range", Some(self.time_range.clone())),
            ("platform", self.platform.clone()),
            ("group_id", id(self.group_id)),
            ("account_id", id(self.account_id)),
            ("model", self.model.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

/// Does what was asked.
pub fn run(args: &Ask) -> anyhow::Result<()> {
    let seen: Value = Remote::new(&args.client)?.get(PATH, &args.pairs())?;
    let mut out = io::stdout().lock();
    if args.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&seen)?)?;
        return Ok(());
    }
    table::write(&mut out, &[], &rows(&seen), table::colours())?;
    if seen["is_complete"] == false {
        writeln!(
            out,
            "\nNot every request is counted yet: the job `rollups` is behind."
        )?;
    }
    if seen["successes_are_sampled"] == true {
        writeln!(
            out,
            "\nNot every success has a row (`requests.keep`): shares are not those of all requests."
        )?;
    }
    Ok(())
}

fn rows(seen: &Value) -> Vec<Vec<Cell>> {
    let counts = &seen["counts"];
    let upstream = &seen["upstream"];
    let row = |name: &str, value: Cell, more: String| {
        vec![(name.to_owned(), Tone::Bold), value, (more, Tone::Dim)]
    };
    vec![
        row(
            "window",
            plain(text(&seen["start_time"])),
            format!("to {}", text(&seen["end_time"])),
        ),
        row("health", health(&seen["health"]), worst(&seen["health"])),
        row(
            "sla",
            judged(
                percent(&seen["sla"]),
                &seen["thresholds"]["sla_percent_min"],
            ),
            format!(
                "{} of {} that count",
                text(&seen["sla"]["part"]),
                text(&seen["sla"]["of"])
            ),
        ),
        row(
            "requests",
            plain(text(&counts["requests"])),
            format!(
                "{} served ({} recovered), {} failed; excluded: {} client, {} limited, {} gone",
                text(&counts["successes"]),
                text(&counts["recovered"]),
                text(&counts["failures"]),
                text(&counts["client_errors"]),
                text(&counts["business_limited"]),
                text(&counts["client_gone"])
            ),
        ),
        row("ignored", plain(ignored(&seen["ignored"])), String::new()),
        row(
            "upstream",
            percent(&upstream["level"]),
            format!(
                "{} attempts; errors {}, 429 {}, 529 {}",
                text(&counts["attempts"]),
                percent(&upstream["error_rate"]).0,
                percent(&upstream["rate_429"]).0,
                percent(&upstream["rate_529"]).0
            ),
        ),
        rate("requests/s", &seen["qps"]),
        rate("tokens/s", &seen["tps"]),
        durations("duration", &seen["duration"]),
        durations("first token", &seen["time_to_first_token"]),
        row(
            "cost",
            plain(format!("${}", text(&seen["cost_usd"]))),
            String::new(),
        ),
    ]
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn percent(share: &Value) -> Cell {
    match share["percent"].as_f64() {
        None => ("-".to_owned(), Tone::Dim),
        Some(percent) => plain(format!("{percent:.3} %")),
    }
}

/// Coloured by what the gateway says of it.
fn judged((text, tone): Cell, judged: &Value) -> Cell {
    let tone = match judged["state"].as_str() {
        Some("ok") => Tone::Green,
        Some("breached") => Tone::Red,
        _ => tone,
    };
    (text, tone)
}

/// What the settings leave out.
fn ignored(ignored: &Value) -> String {
    let kinds = [
        ("count_tokens_errors", "token counts that failed"),
        ("client_cancellations", "clients that left"),
        ("invalid_api_keys", "requests without a known key"),
    ];
    let said = kinds
        .into_iter()
        .filter_map(|(name, words)| match &ignored[name] {
            Value::Null => Some(format!("very many {words}")),
            count if *count == 0 => None,
            count => Some(format!("{count} {words}")),
        });
    let said: Vec<String> = said.collect();
    match said.is_empty() {
        true => "-".to_owned(),
        false => said.join(", "),
    }
}

fn health(health: &Value) -> Cell {
    match health["score"].as_u64() {
        None => ("-".to_owned(), Tone::Dim),
        Some(score) => (
            score.to_string(),
            match score {
                90.. => Tone::Green,
                60.. => Tone::Yellow,
                _ => Tone::Red,
            },
        ),
    }
}

/// The part that costs the score most.
fn worst(health: &Value) -> String {
    let parts = health["parts"].as_array().map(Vec::as_slice);
    let lost = |part: &&Value| {
        let lost = part["score"]
            .as_u64()
            .map_or(0, |score| 100 - score.min(100));
        lost * part["weight"].as_u64().unwrap_or(0)
    };
    let worst = parts.unwrap_or_default().iter().max_by_key(lost);
    match worst.filter(|part| lost(part) > 0) {
        None => String::new(),
        Some(part) => format!("{}: {} of 100", text(&part["name"]), text(&part["score"])),
    }
}

fn rate(name: &str, rate: &Value) -> Vec<Cell> {
    let more = format!(
        "now {}, at most {} (a {})",
        text(&rate["current"]),
        text(&rate["peak"]),
        text(&rate["peak_span"])
    );
    vec![
        (name.to_owned(), Tone::Bold),
        plain(text(&rate["average"])),
        (more, Tone::Dim),
    ]
}

fn durations(name: &str, durations: &Value) -> Vec<Cell> {
    let ms = |field: &str| match &durations[field] {
        Value::Null => "-".to_owned(),
        ms => format!("{} ms", text(ms)),
    };
    let more = format!(
        "p90 {}, p95 {}, p99 {}, max {}",
        ms("p90"),
        ms("p95"),
        ms("p99"),
        ms("max")
    );
    vec![
        (name.to_owned(), Tone::Bold),
        plain(format!("p50 {}", ms("p50"))),
        (more, Tone::Dim),
    ]
}
