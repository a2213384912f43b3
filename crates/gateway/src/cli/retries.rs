//! `waybill errors retry | retries | code` and `waybill upstream-errors retry`: sending a failed request again.

use std::io::{self, Write};

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use waybill_model::{
    retry::{RetryAttempt, RetryResult, RetryStatus},
    view::List,
};

use super::{
    ClientArgs, Remote, accounts,
    table::{self, Cell, Tone, clean, maybe, plain, toned},
};

/// `waybill errors retry`.
#[derive(Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    client: ClientArgs,
    /// Row id, or the request id from the answer's `x-waybill-request-id`.
    id: String,
    /// Name or id of the account to send it to; without it routing chooses.
    #[arg(long, value_name = "ID|NAME")]
    account: Option<String>,
    /// Send it to the account that failed.
    #[arg(long, conflicts_with = "account")]
    same_account: bool,
}

/// `waybill upstream-errors retry`.
#[derive(Debug, Args)]
pub struct RetryUpstream {
    #[command(flatten)]
    client: ClientArgs,
    /// Row id of the failed attempt.
    id: i64,
    /// Name or id of the account to send it to; without it that of the attempt.
    #[arg(long, value_name = "ID|NAME")]
    account: Option<String>,
}

/// `waybill errors retries`.
#[derive(Debug, Args)]
pub struct Retries {
    #[command(flatten)]
    client: ClientArgs,
    /// Row id or request id.
    id: String,
}

/// `waybill errors code`.
#[derive(Debug, Args)]
pub struct Code {
    #[command(flatten)]
    client: ClientArgs,
    /// Row id or request id.
    id: String,
    /// What to write it as; the key is left out.
    #[arg(long = "as", value_enum, default_value_t = Language::Curl)]
    language: Language,
}

/// What a request is written as.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    /// A shell command.
    Curl,
    /// Python.
    Python,
    /// TypeScript.
    Typescript,
    /// The exact body alone.
    Body,
}

impl Language {
    const fn as_str(self) -> &'static str {
        match self {
            Language::Curl => "curl",
            Language::Python => "python",
            Language::Typescript => "typescript",
            Language::Body => "body",
        }
    }
}

/// Sends a failed request again.
pub fn retry(args: &Retry) -> anyhow::Result<()> {
    let remote = Remote::new(&args.client)?;
    let body = match (&args.account, args.same_account) {
        (Some(account), _) => {
            let account = accounts::named(&remote, account)?;
            json!({"mode": "upstream", "pinned_account_id": account["id"]})
        }
        (None, true) => json!({"mode": "upstream"}),
        (None, false) => json!({"mode": "client"}),
    };
    let path = format!("/ops/errors/{}/retry", encoded(&args.id));
    tell(&remote.post::<Value>(&path, &body)?, args.client.json)
}

/// Sends the request of a failed attempt again.
pub fn retry_upstream(args: &RetryUpstream) -> anyhow::Result<()> {
    let remote = Remote::new(&args.client)?;
    let body = match &args.account {
        Some(account) => json!({"pinned_account_id": accounts::named(&remote, account)?["id"]}),
        None => json!({}),
    };
    let path = format!("/ops/upstream-errors/{}/retry", args.id);
    tell(&remote.post::<Value>(&path, &body)?, args.client.json)
}

/// Lists the attempts to send a failed request again.
pub fn retries(args: &Retries) -> anyhow::Result<()> {
    let path = format!("/ops/errors/{}/retries", encoded(&args.id));
    let list: List<RetryAttempt> = Remote::new(&args.client)?.get(&path, &[])?;
    let mut out = io::stdout().lock();
    if args.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&list.items)?)?;
    } else if list.items.is_empty() {
        writeln!(out, "It was never sent again.")?;
    } else {
        let rows: Vec<_> = list.items.iter().map(row).collect();
        table::write(&mut out, HEADINGS, &rows, table::colours())?;
    }
    Ok(())
}

/// Prints a failed request as code.
pub fn code(args: &Code) -> anyhow::Result<()> {
    let path = format!("/ops/errors/{}/code", encoded(&args.id));
    let code =
        Remote::new(&args.client)?.bytes(&path, &[("as", args.language.as_str().to_owned())])?;
    // As it is: it is made to be read by a program.
    io::stdout().lock().write_all(&code)?;
    Ok(())
}

/// What came of it; an error where it failed, so that a script can tell.
fn tell(answer: &Value, as_json: bool) -> anyhow::Result<()> {
    let result: RetryResult = serde_json::from_value(answer.clone())?;
    let mut out = io::stdout().lock();
    if as_json {
        writeln!(out, "{}", serde_json::to_string_pretty(answer)?)?;
    } else {
        let (word, tone) = status(result.status);
        writeln!(
            out,
            "Attempt {} {} in {} ms: status {}, account {}, provider's request {}.",
            result.attempt_id,
            toned(&word, tone, table::colours()),
            result.duration_ms.unwrap_or(0),
            result
                .http_status_code
                .map_or_else(|| "-".to_owned(), |code| code.to_string()),
            result
                .used_account_id
                .map_or_else(|| "-".to_owned(), |id| id.to_string()),
            clean(result.upstream_request_id.as_deref().unwrap_or("-")),
        )?;
        if let Some(preview) = &result.response_preview {
            for line in preview.lines() {
                writeln!(out, "  {}", clean(line))?;
            }
            if result.response_truncated {
                writeln!(out, "  …")?;
            }
        }
    }
    drop(out);
    match result.status {
        RetryStatus::Succeeded => Ok(()),
        RetryStatus::Running | RetryStatus::Failed => bail!(
            "it failed again: {}",
            clean(
                result
                    .error_message
                    .as_deref()
                    .unwrap_or("no reason is known")
            )
        ),
    }
}

const HEADINGS: &[&str] = &[
    "ID", "BEGAN", "MODE", "STATUS", "VERDICT", "CODE", "ACCOUNT", "MS", "ERROR", "MESSAGE",
];

fn row(attempt: &RetryAttempt) -> Vec<Cell> {
    vec![
        plain(attempt.id),
        (attempt.started_at.to_string(), Tone::Dim),
        plain(attempt.mode),
        status(attempt.status),
        maybe(attempt.verdict),
        maybe(attempt.http_status_code),
        maybe(attempt.used_account_id),
        maybe(attempt.duration_ms),
        maybe(attempt.result_error_id),
        maybe(attempt.error_message.as_deref()),
    ]
}

fn status(status: RetryStatus) -> Cell {
    let tone = match status {
        RetryStatus::Running => Tone::Yellow,
        RetryStatus::Succeeded => Tone::Green,
        RetryStatus::Failed => Tone::Red,
    };
    (status.to_string(), tone)
}

fn encoded(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string()
}
