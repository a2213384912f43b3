//! `waybill channels` and `waybill notifications`: who is told of something, and how that went.
//!
//! Promises: a secret is read from the environment or from standard input; never from the command line, which others
//! can see.

use std::io::{self, Write};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use waybill_model::{notify::DeliveryState, view::List as Page};

use super::{
    ClientArgs, Remote,
    configured::{List, list, text},
    people::hidden,
    table::{self, Cell, Tone, clean, maybe, plain, toned},
};

const PATH: &str = "/ops/notification-channels";
const LOG: &str = "/ops/notifications";

/// What can be done with notification channels.
#[derive(Debug, Subcommand)]
pub enum Channels {
    /// List the channels.
    List(List),
    /// Make a channel. Its secret (the address, or PagerDuty's routing key, or the mail server's password) is asked
    /// for, or read from standard input.
    Add(Box<Add>),
    /// Delete a channel: what waits for it is dropped.
    Remove(One),
    /// Send a channel a test now, and say what it answered.
    Test(One),
}

/// `waybill channels add`.
#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    client: ClientArgs,
    /// Unique name.
    name: String,
    /// email, webhook, slack, discord, feishu, dingtalk, wecom or pagerduty.
    #[arg(long, value_name = "KIND")]
    kind: String,
    /// Told of what is this bad or worse: P0 to P3.
    #[arg(long, value_name = "SEVERITY")]
    min_severity: Option<String>,
    /// What comes within so many seconds goes as one message.
    #[arg(long, value_name = "SECONDS")]
    group_seconds: Option<u32>,
    /// Messages in any hour.
    #[arg(long, value_name = "N")]
    max_per_hour: Option<u32>,
    /// Not told when something is over.
    #[arg(long)]
    no_resolved: bool,
    /// What messages are signed with: webhook, feishu, dingtalk.
    #[arg(
        long,
        env = "WAYBILL_SIGNING_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    signing_secret: Option<String>,
    /// E-mail: to whom; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    to: Vec<String>,
    /// E-mail: from whom.
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// E-mail: the server.
    #[arg(long, value_name = "HOST")]
    smtp_host: Option<String>,
    /// E-mail: its port.
    #[arg(long, value_name = "PORT")]
    smtp_port: Option<u16>,
    /// E-mail: starttls, tls or none.
    #[arg(long, value_name = "HOW")]
    smtp_security: Option<String>,
    /// E-mail: who signs in; the password is asked for, or read from standard input.
    #[arg(long, value_name = "NAME")]
    smtp_user: Option<String>,
}

/// One channel.
#[derive(Debug, Args)]
pub struct One {
    #[command(flatten)]
    client: ClientArgs,
    /// Name or id.
    name: String,
}

/// What can be asked of the log of deliveries.
#[derive(Debug, Subcommand)]
pub enum Notifications {
    /// List what was told to whom, newest first.
    List(Log),
}

/// `waybill notifications list`.
#[derive(Debug, Args)]
pub struct Log {
    #[command(flatten)]
    client: ClientArgs,
    /// A window that ends now, such as 24h; without it the last 30 days.
    #[arg(long, value_name = "RANGE")]
    time_range: Option<String>,
    /// To one channel, by id.
    #[arg(long, value_name = "ID")]
    channel_id: Option<String>,
    /// pending, sent, failed or dropped.
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Of one alert's event.
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

/// `waybill channels`.
pub fn channels(command: Channels) -> anyhow::Result<()> {
    match command {
        Channels::List(args) => list(
            &args.client,
            PATH,
            &["ID", "NAME", "KIND", "ENABLED", "FROM", "HOST", "CHANGED"],
            |channel| {
                vec![
                    plain(&channel["id"]),
                    text(&channel["name"]),
                    text(&channel["kind"]),
                    plain(&channel["enabled"]),
                    text(&channel["min_severity"]),
                    text(&channel["host"]),
                    text(&channel["updated_at"]),
                ]
            },
        ),
        Channels::Add(args) => add(&args),
        Channels::Remove(one) => {
            let remote = Remote::new(&one.client)?;
            let id = id_of(&remote, &one.name)?;
            remote.delete(&format!("{PATH}/{id}"))?;
            writeln!(io::stdout(), "The channel {} is gone.", clean(&one.name))?;
            Ok(())
        }
        Channels::Test(one) => test(&one),
    }
}

/// `waybill notifications`.
pub fn notifications(command: Notifications) -> anyhow::Result<()> {
    let Notifications::List(args) = command;
    let given = [
        ("time_range", &args.time_range),
        ("channel_id", &args.channel_id),
        ("state", &args.state),
        ("event_id", &args.event_id),
    ];
    let mut query: Vec<(&str, String)> = given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect();
    query.push(("page_size", args.limit.to_string()));
    let page: Page<waybill_model::notify::Delivery> =
        Remote::new(&args.client)?.get(LOG, &query)?;
    let mut out = io::stdout().lock();
    if args.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&page.items)?)?;
        return Ok(());
    }
    if page.items.is_empty() {
        writeln!(out, "No notifications.")?;
        return Ok(());
    }
    let rows: Vec<Vec<Cell>> = page
        .items
        .iter()
        .map(|delivery| {
            vec![
                plain(delivery.id),
                (delivery.created_at.to_string(), Tone::Dim),
                plain(&delivery.channel),
                (delivery.state.to_string(), tone(delivery.state)),
                plain(delivery.attempts),
                plain(delivery.severity),
                plain(delivery.kind),
                plain(&delivery.notice.title),
                maybe(
                    delivery
                        .last_error
                        .as_deref()
                        .or(delivery.reason.as_deref()),
                ),
            ]
        })
        .collect();
    let headings = &[
        "ID", "TIME", "CHANNEL", "STATE", "TRIES", "SEVERITY", "KIND", "TITLE", "WHY",
    ];
    table::write(&mut out, headings, &rows, table::colours())?;
    Ok(())
}

const fn tone(state: DeliveryState) -> Tone {
    match state {
        DeliveryState::Pending => Tone::Yellow,
        DeliveryState::Sent => Tone::Green,
        DeliveryState::Failed | DeliveryState::Uncertain => Tone::Red,
        DeliveryState::Dropped => Tone::Dim,
    }
}

fn add(args: &Add) -> anyhow::Result<()> {
    let mut form = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        form.extend(value.map(|value| (name.to_owned(), value)));
    };
    set("name", Some(json!(args.name)));
    set("kind", Some(json!(args.kind)));
    set("min_severity", args.min_severity.as_ref().map(|v| json!(v)));
    set("group_seconds", args.group_seconds.map(|v| json!(v)));
    set("max_per_hour", args.max_per_hour.map(|v| json!(v)));
    set(
        "send_resolved",
        args.no_resolved.then_some(Value::Bool(false)),
    );
    set(
        "signing_secret",
        args.signing_secret.as_ref().map(|v| json!(v)),
    );
    match args.kind.as_str() {
        "email" => set("email", Some(mail(args)?)),
        "pagerduty" => set(
            "routing_key",
            Some(json!(hidden("routing key", "routing key")?)),
        ),
        _ => set("url", Some(json!(hidden("address", "address")?))),
    }
    let made: Value = Remote::new(&args.client)?.post(PATH, &Value::Object(form))?;
    let mut out = io::stdout().lock();
    match args.client.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&made)?)?,
        false => writeln!(
            out,
            "Channel {} is made. Try it: waybill channels test {}",
            made["id"],
            clean(&args.name)
        )?,
    }
    Ok(())
}

fn mail(args: &Add) -> anyhow::Result<Value> {
    let needed = |given: &Option<String>, name: &str| {
        given
            .clone()
            .with_context(|| format!("--{name} is needed for e-mail"))
    };
    let mut mail = json!({
        "to": args.to,
        "from": needed(&args.from, "from")?,
        "host": needed(&args.smtp_host, "smtp-host")?,
        "port": args.smtp_port,
        "security": args.smtp_security,
        "username": args.smtp_user,
    });
    if args.smtp_user.is_some() {
        mail["password"] = json!(hidden("password", "password")?);
    }
    Ok(mail)
}

fn test(one: &One) -> anyhow::Result<()> {
    let remote = Remote::new(&one.client)?;
    let id = id_of(&remote, &one.name)?;
    let tested: Value = remote.post(&format!("{PATH}/{id}/test"), &Value::Null)?;
    let mut out = io::stdout().lock();
    if one.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&tested)?)?;
    } else {
        let ok = tested["ok"] == true;
        let (word, tone) = if ok {
            ("taken", Tone::Green)
        } else {
            ("not taken", Tone::Red)
        };
        writeln!(
            out,
            "{} after {} ms: {}",
            toned(word, tone, table::colours()),
            tested["took_ms"],
            clean(tested["said"].as_str().unwrap_or_default())
        )?;
    }
    match tested["ok"] == true {
        true => Ok(()),
        false => bail!("the channel did not take the test"),
    }
}

fn id_of(remote: &Remote, name: &str) -> anyhow::Result<i64> {
    let page: Page<Value> = remote.get(PATH, &[("page_size", "500".to_owned())])?;
    let named = page
        .items
        .iter()
        .find(|channel| channel["name"] == name)
        .or_else(|| {
            page.items.iter().find(|channel| {
                channel["id"]
                    .as_i64()
                    .is_some_and(|id| name.parse() == Ok(id))
            })
        });
    named
        .and_then(|channel| channel["id"].as_i64())
        .with_context(|| format!("there is no channel {}", clean(name)))
}
