//! `waybill admins`, `tokens` and `audit`: who uses the admin API, and what they did.
//!
//! Promises: a password is read from a terminal without being shown, or from standard input; never from the
//! command line, which others can see.

use std::io::{self, BufRead as _, IsTerminal as _, Write};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::{Value, json};

use super::{
    ClientArgs, Remote,
    configured::{List, joined, list, status, text},
    table::{self, Cell, Tone, plain},
};

/// What can be done with admin users.
#[derive(Debug, Subcommand)]
pub enum Admins {
    /// List the admin users.
    List(List),
    /// Make an admin user. The password is asked for, or read from standard input.
    Add(Add),
    /// Change an admin user's role, or switch one on or off.
    Change(Change),
    /// Give an admin user another password, which is asked for, or read from standard input.
    Password(One),
    /// Turn off the second factor of an admin user who lost the device that makes codes. Their sessions end.
    ResetTotp(One),
    /// Delete an admin user, with their tokens and sessions.
    Remove(One),
}

/// `waybill admins add`.
#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    client: ClientArgs,
    /// Unique name.
    name: String,
    /// viewer, operator or admin.
    #[arg(long, value_name = "ROLE")]
    role: String,
}

/// `waybill admins change`.
#[derive(Debug, Args)]
pub struct Change {
    #[command(flatten)]
    one: One,
    /// viewer, operator or admin.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// active or disabled.
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
}

/// One admin user, or one token.
#[derive(Debug, Args)]
pub struct One {
    #[command(flatten)]
    client: ClientArgs,
    /// Name or id.
    name: String,
}

/// What can be done with personal tokens.
#[derive(Debug, Subcommand)]
pub enum Tokens {
    /// List one's own tokens; an admin sees everybody's.
    List(List),
    /// Make a personal token and print it: the one time it is shown.
    Create(Create),
    /// Delete a token: it no longer works.
    Revoke(Revoke),
}

/// `waybill tokens create`.
#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    client: ClientArgs,
    /// Its name.
    name: String,
    /// viewer, operator or admin: what it may be used for at most.
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// Areas it is kept to, with commas between: errors, accounts, config, ops, people.
    #[arg(long, value_delimiter = ',', value_name = "AREAS")]
    scopes: Vec<String>,
    /// After this instant (RFC 3339) it no longer works.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Name of the admin user whose it is to be; one's own when absent.
    #[arg(long = "for", value_name = "NAME")]
    owner: Option<String>,
}

/// `waybill tokens revoke`.
#[derive(Debug, Args)]
pub struct Revoke {
    #[command(flatten)]
    client: ClientArgs,
    /// Its id.
    id: i64,
}

/// What can be asked of the audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// List what was changed, seen in full or refused, newest first.
    List(AuditList),
}

/// `waybill audit list`.
#[derive(Debug, Args)]
pub struct AuditList {
    #[command(flatten)]
    client: ClientArgs,
    /// A window that ends now, such as 1h; without it the last 24 hours.
    #[arg(long, value_name = "RANGE")]
    time_range: Option<String>,
    /// Name of who did it.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// What was done, such as accounts.disable.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// What kind of thing it was done to, such as accounts.
    #[arg(long, value_name = "KIND")]
    subject: Option<String>,
    /// Which one.
    #[arg(long, value_name = "ID")]
    subject_id: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

/// Does what was asked about admin users.
pub fn admins(command: Admins) -> anyhow::Result<()> {
    match command {
        Admins::List(args) => list(
            &args.client,
            "/admin-users",
            &["ID", "NAME", "ROLE", "STATUS", "TOTP", "LAST SIGN-IN"],
            |item| {
                vec![
                    plain(&item["id"]),
                    text(&item["name"]),
                    text(&item["role"]),
                    status(&item["status"]),
                    plain(if item["totp"] == true { "on" } else { "off" }),
                    text(&item["last_sign_in_at"]),
                ]
            },
        ),
        Admins::Add(args) => {
            let form = json!({"name": args.name, "role": args.role, "password": password()?});
            let made: Value = Remote::new(&args.client)?.post("/admin-users", &form)?;
            say(&args.client, &made, &format!("made {}", args.name))
        }
        Admins::Change(args) => {
            let mut patch = json!({});
            for (name, given) in [("role", &args.role), ("status", &args.status)] {
                if let Some(given) = given {
                    patch[name] = json!(given);
                }
            }
            change(&args.one, &patch)
        }
        Admins::Password(one) => {
            let patch = json!({"password": password()?});
            change(&one, &patch)
        }
        Admins::ResetTotp(one) => {
            let remote = Remote::new(&one.client)?;
            let path = path_of(&remote, &one.name)?;
            remote.delete(&format!("{path}/totp"))?;
            let words = format!("turned off the second factor of {}", one.name);
            say(&one.client, &Value::Null, &words)
        }
        Admins::Remove(one) => {
            let remote = Remote::new(&one.client)?;
            let path = path_of(&remote, &one.name)?;
            remote.delete(&path)?;
            say(&one.client, &Value::Null, &format!("deleted {}", one.name))
        }
    }
}

fn change(one: &One, patch: &Value) -> anyhow::Result<()> {
    let remote = Remote::new(&one.client)?;
    let path = path_of(&remote, &one.name)?;
    let changed: Value = remote.patch(&path, patch)?;
    say(&one.client, &changed, &format!("changed {}", one.name))
}

/// Does what was asked about tokens.
pub fn tokens(command: Tokens) -> anyhow::Result<()> {
    match command {
        Tokens::List(args) => list(
            &args.client,
            "/tokens",
            &[
                "ID",
                "NAME",
                "TOKEN",
                "OF",
                "ROLE",
                "SCOPES",
                "EXPIRES",
                "LAST USED",
            ],
            |item| {
                vec![
                    plain(&item["id"]),
                    text(&item["name"]),
                    plain(format!("{}…", item["prefix"].as_str().unwrap_or_default())),
                    text(&item["admin_user"]),
                    text(&item["role"]),
                    joined(&item["scopes"]),
                    text(&item["expires_at"]),
                    text(&item["last_used_at"]),
                ]
            },
        ),
        Tokens::Create(args) => {
            let mut form = json!({"name": args.name, "role": args.role, "scopes": args.scopes});
            for (name, given) in [
                ("expires_at", &args.expires_at),
                ("admin_user", &args.owner),
            ] {
                if let Some(given) = given {
                    form[name] = json!(given);
                }
            }
            let made: Value = Remote::new(&args.client)?.post("/tokens", &form)?;
            // The token alone: so that it can be caught by a script.
            say(
                &args.client,
                &made,
                made["token"].as_str().unwrap_or_default(),
            )
        }
        Tokens::Revoke(args) => {
            Remote::new(&args.client)?.delete(&format!("/tokens/{}", args.id))?;
            say(&args.client, &Value::Null, &format!("revoked {}", args.id))
        }
    }
}

/// Does what was asked of the audit log.
pub fn audit(command: Audit) -> anyhow::Result<()> {
    let Audit::List(args) = command;
    let mut query = vec![("page_size", args.limit.to_string())];
    for (name, given) in [
        ("time_range", &args.time_range),
        ("actor", &args.actor),
        ("action", &args.action),
        ("subject", &args.subject),
        ("subject_id", &args.subject_id),
    ] {
        query.extend(given.clone().map(|given| (name, given)));
    }
    let answer: Value = Remote::new(&args.client)?.get("/ops/audit-log", &query)?;
    let mut out = io::stdout().lock();
    if args.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&answer["items"])?)?;
        return Ok(());
    }
    let rows: Vec<Vec<Cell>> = answer["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(entry)
        .collect();
    let headings = [
        "AT", "ACTOR", "ROLE", "FROM", "ACTION", "ON", "STATUS", "TIMES", "DETAIL",
    ];
    table::write(&mut out, &headings, &rows, table::colours())?;
    Ok(())
}

fn entry(item: &Value) -> Vec<Cell> {
    let outcome = match item["status"].as_u64() {
        Some(status) if status < 400 => (status.to_string(), Tone::Green),
        Some(status) => (status.to_string(), Tone::Yellow),
        None => ("interrupted".to_owned(), Tone::Red),
    };
    vec![
        text(&item["at"]),
        text(&item["actor"]),
        text(&item["role"]),
        text(&item["client_ip"]),
        text(&item["action"]),
        text(&item["subject_id"]),
        outcome,
        plain(&item["count"]),
        plain(&item["detail"]),
    ]
}

/// The path of an admin user by name or id.
fn path_of(remote: &Remote, name: &str) -> anyhow::Result<String> {
    let all: Value = remote.get("/admin-users", &[])?;
    let found = all["items"].as_array().into_iter().flatten().find(|item| {
        item["name"].as_str() == Some(name)
            || item["id"].as_i64().map(|id| id.to_string()).as_deref() == Some(name)
    });
    match found {
        Some(item) => Ok(format!("/admin-users/{}", item["id"])),
        None => bail!("there is no admin user {name}"),
    }
}

fn say(client: &ClientArgs, answer: &Value, words: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match client.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(answer)?)?,
        false => writeln!(out, "{words}")?,
    }
    Ok(())
}

/// A new password: one line of standard input, which a terminal does not show.
fn password() -> anyhow::Result<String> {
    hidden("new password", "password")
}

/// One line that nobody sees: from a terminal without being shown, or from standard input.
pub fn hidden(prompt: &str, what: &str) -> anyhow::Result<String> {
    let input = io::stdin();
    let shown = match input.is_terminal() {
        true => {
            eprint!("{prompt}: ");
            io::stderr().flush()?;
            let shown = tcgetattr(&input)?;
            let mut hidden = shown.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            tcsetattr(&input, OptionalActions::Flush, &hidden)?;
            Some(shown)
        }
        false => None,
    };
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    if let Some(shown) = shown {
        tcsetattr(&input, OptionalActions::Flush, &shown)?;
        eprintln!();
    }
    read.with_context(|| format!("the {what} could not be read"))?;
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        bail!("a {what} is needed: type it, or give it on standard input");
    }
    Ok(line.to_owned())
}
