//! `waybill what-if`: recorded requests under other rules of the scheduler.

use std::{
    io::{self, Write},
    str::FromStr,
};

use clap::Args;
use serde_json::{Map, Value, json};
use waybill_model::{
    cause::Cause,
    whatif::{AccountUse, FailedAttempts, Outcome, WhatIf},
};

use super::{
    ClientArgs, Remote,
    table::{self, Cell, Tone, plain},
};

/// Where it is asked.
const PATH: &str = "/ops/what-if/scheduler";

/// `waybill what-if`.
#[derive(Debug, Args)]
pub struct Ask {
    #[command(flatten)]
    client: ClientArgs,
    /// A window that ends now: 5m 30m 1h 6h 24h 7d; an hour where nothing is said.
    #[arg(long, value_name = "RANGE", conflicts_with_all = ["start_time", "end_time"])]
    time_range: Option<String>,
    /// From then on (RFC 3339).
    #[arg(long, value_name = "TIME")]
    start_time: Option<String>,
    /// Before then.
    #[arg(long, value_name = "TIME")]
    end_time: Option<String>,
    /// Count requests of this group; all are replayed.
    #[arg(long, value_name = "ID")]
    group_id: Option<i64>,
    /// Count requests of this platform.
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Count requests for this model.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Another cool-down, for every cause or one: `120s`, `2x`, `rate_limit.requests=120s`; with bounds:
    /// `overloaded=2x,min=5s,max=60s`. The first that is for a failure's cause decides.
    #[arg(long, value_name = "[CAUSE=]LENGTH")]
    cooldown: Vec<Tried>,
    /// Another priority of an account; lower first.
    #[arg(long, value_name = "ACCOUNT_ID=PRIORITY")]
    priority: Vec<Ranked>,
    /// An account that is not asked.
    #[arg(long, value_name = "ACCOUNT_ID")]
    disable: Vec<i64>,
}

/// A cool-down as it is typed, and as the API takes it.
#[derive(Debug, Clone, PartialEq)]
struct Tried(Value);

/// A priority as it is typed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ranked(i64, i32);

impl FromStr for Tried {
    type Err = String;

    fn from_str(text: &str) -> Result<Tried, String> {
        let mut fields = Map::new();
        for (at, part) in text.split(',').enumerate() {
            let (name, length) = match part.split_once('=') {
                Some((name, length)) => (Some(name), length),
                None => (None, part),
            };
            match name {
                Some("min") => fields.insert("min_seconds".to_owned(), seconds(length)?),
                Some("max") => fields.insert("max_seconds".to_owned(), seconds(length)?),
                cause if at == 0 => {
                    if let Some(cause) = cause {
                        let cause: Cause = cause
                            .parse()
                            .map_err(|_| format!("`{cause}` is no cause"))?;
                        fields.insert("cause".to_owned(), json!(cause));
                    }
                    match length.strip_suffix('x') {
                        Some(factor) => {
                            let factor: f64 = factor
                                .parse()
                                .map_err(|_| format!("`{length}` is no factor such as 2x"))?;
                            fields.insert("factor".to_owned(), json!(factor))
                        }
                        None => fields.insert("seconds".to_owned(), seconds(length)?),
                    }
                }
                _ => return Err(format!("`{part}`: `min=…` or `max=…` is expected here")),
            };
        }
        Ok(Tried(Value::Object(fields)))
    }
}

fn seconds(text: &str) -> Result<Value, String> {
    let number = text.strip_suffix('s').unwrap_or(text);
    let number: u32 = number
        .parse()
        .map_err(|_| format!("`{text}` is no length such as 120s or 2x"))?;
    Ok(json!(number))
}

impl FromStr for Ranked {
    type Err = String;

    fn from_str(text: &str) -> Result<Ranked, String> {
        let read = || {
            let (account, priority) = text.split_once('=')?;
            Some(Ranked(account.parse().ok()?, priority.parse().ok()?))
        };
        read().ok_or_else(|| format!("`{text}` is not ACCOUNT_ID=PRIORITY"))
    }
}

impl Ask {
    fn question(&self) -> Value {
        let given = [
            (
                "time_range",
                self.time_range.as_ref().map(|text| json!(text)),
            ),
            (
                "start_time",
                self.start_time.as_ref().map(|text| json!(text)),
            ),
            ("end_time", self.end_time.as_ref().map(|text| json!(text))),
            ("group_id", self.group_id.map(|id| json!(id))),
            ("platform", self.platform.as_ref().map(|text| json!(text))),
            ("model", self.model.as_ref().map(|text| json!(text))),
        ];
        let mut question: Map<String, Value> = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect();
        let cooldown: Vec<&Value> = self.cooldown.iter().map(|tried| &tried.0).collect();
        let priority: Vec<Value> = self
            .priority
            .iter()
            .map(|Ranked(account, priority)| json!({"account_id": account, "priority": priority}))
            .collect();
        question.insert("cooldown".to_owned(), json!(cooldown));
        question.insert("priority".to_owned(), json!(priority));
        question.insert("disable".to_owned(), json!(self.disable));
        Value::Object(question)
    }
}

/// Does what was asked.
pub fn run(args: &Ask) -> anyhow::Result<()> {
    let remote = Remote::new(&args.client)?;
    let mut out = io::stdout().lock();
    if args.client.json {
        let whole: Value = remote.post(PATH, &args.question())?;
        writeln!(out, "{}", serde_json::to_string_pretty(&whole)?)?;
        return Ok(());
    }
    let found: WhatIf = remote.post(PATH, &args.question())?;
    tell(&mut out, &found, table::colours())?;
    Ok(())
}

fn tell(out: &mut impl Write, found: &WhatIf, colours: bool) -> io::Result<()> {
    writeln!(out, "{}", found.summary)?;
    for note in &found.notes {
        writeln!(out, "Note: {note}")?;
    }
    if found.requests == 0 {
        return Ok(());
    }
    writeln!(out)?;
    let rows: Vec<_> = MEASURES
        .iter()
        .map(|measure| measured(found, measure))
        .collect();
    table::write(&mut *out, HEADINGS, &rows, colours)?;
    writeln!(out)?;
    let accounts: Vec<_> = found
        .changed
        .accounts
        .iter()
        .map(|changed| account(found, changed))
        .collect();
    table::write(&mut *out, OF_ACCOUNTS, &accounts, colours)?;
    let failures = failures(found);
    if !failures.is_empty() {
        writeln!(out)?;
        table::write(&mut *out, OF_FAILURES, &failures, colours)?;
    }
    Ok(())
}

const HEADINGS: &[&str] = &["", "RECORDED", "PRESENT", "CHANGED", "DIFFERENCE"];

const OF_ACCOUNTS: &[&str] = &["ACCOUNT", "SERVED", "FAILED ATTEMPTS", "RESTED"];

const OF_FAILURES: &[&str] = &[
    "FAILED ATTEMPTS",
    "ACCOUNT",
    "RECORDED",
    "PRESENT",
    "CHANGED",
];

type Measure = (&'static str, fn(&Outcome) -> u64);

const MEASURES: &[Measure] = &[
    ("served", |of| of.served),
    ("failed", |of| of.failed),
    ("served after failures", |of| of.recovered),
    ("attempts", |of| of.attempts),
    ("failed attempts", |of| of.failed_attempts),
    ("time lost to them, s", |of| of.failed_attempts_ms / 1000),
];

fn measured(found: &WhatIf, (name, of): &Measure) -> Vec<Cell> {
    let (present, changed) = (of(&found.present), of(&found.changed));
    let difference = i128::from(changed) - i128::from(present);
    let tone = if difference == 0 {
        Tone::Dim
    } else {
        Tone::Bold
    };
    vec![
        plain(name),
        plain(of(&found.recorded)),
        plain(present),
        plain(changed),
        (format!("{difference:+}"), tone),
    ]
}

/// What the present rules give, and what the changed ones do.
fn account(found: &WhatIf, changed: &AccountUse) -> Vec<Cell> {
    let of = |outcome: &Outcome, read: fn(&AccountUse) -> u64| {
        let mut accounts = outcome.accounts.iter();
        accounts
            .find(|account| account.account_id == changed.account_id)
            .map_or(0, read)
    };
    let both = |read: fn(&AccountUse) -> u64, unit: &str| {
        plain(format!(
            "{}{unit} → {}{unit}",
            of(&found.present, read),
            read(changed)
        ))
    };
    let name = changed.account_name.clone();
    vec![
        plain(name.unwrap_or_else(|| changed.account_id.to_string())),
        both(|of| of.served, ""),
        both(|of| of.failed_attempts, ""),
        both(|of| of.rested_ms / 1000, " s"),
    ]
}

fn failures(found: &WhatIf) -> Vec<Vec<Cell>> {
    let outcomes = [&found.recorded, &found.present, &found.changed];
    let is_same =
        |a: &FailedAttempts, b: &FailedAttempts| a.cause == b.cause && a.account_id == b.account_id;
    let mut all: Vec<&FailedAttempts> = Vec::new();
    for failed in outcomes.iter().flat_map(|outcome| &outcome.failures) {
        if !all.iter().any(|known| is_same(known, failed)) {
            all.push(failed);
        }
    }
    all.into_iter()
        .map(|failed| {
            let count = |outcome: &Outcome| {
                let mut alike = outcome.failures.iter();
                let found = alike.find(|other| is_same(other, failed));
                plain(found.map_or(0, |found| found.attempts))
            };
            let name = failed.account_name.clone();
            let mut row = vec![
                plain(failed.cause),
                plain(name.unwrap_or_else(|| failed.account_id.to_string())),
            ];
            row.extend(outcomes.map(count));
            row
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cool_down_is_typed_as_it_is_said() {
        for (text, fields) in [
            ("120s", json!({"seconds": 120})),
            ("2x", json!({"factor": 2.0})),
            (
                "rate_limit.requests=120s",
                json!({"cause": "rate_limit.requests", "seconds": 120}),
            ),
            (
                "overloaded=0.5x,min=5s,max=60",
                json!({"cause": "overloaded", "factor": 0.5, "min_seconds": 5, "max_seconds": 60}),
            ),
            ("min=5s", json!({"min_seconds": 5})),
        ] {
            assert_eq!(text.parse::<Tried>().unwrap().0, fields, "{text}");
        }
        for text in ["", "2h", "nothing=2x", "2x,5s", "x"] {
            assert!(text.parse::<Tried>().is_err(), "{text}");
        }
        assert_eq!("3=-1".parse(), Ok(Ranked(3, -1)));
        assert!("3".parse::<Ranked>().is_err());
    }
}
