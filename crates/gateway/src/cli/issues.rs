//! `waybill issues`: failures of one kind as one thing, and what can be done about them.

mod rules;

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use waybill_model::{
    issue::{IssueDetail, IssueLog, IssueNote, IssueRule, IssueState, MemberList},
    view::List as Page,
};

use super::{
    ClientArgs, Remote,
    table::{self, Cell, Tone, clean, maybe, plain, toned},
};

const PATH: &str = "/ops/issues";
const RULES: &str = "/ops/issue-rules";

/// What can be asked about issues, and done with them.
#[derive(Debug, Subcommand)]
pub enum Issues {
    /// List issues, what hurts most first.
    List(List),
    /// Show one issue: whom it meets, its states, its hours, what to do.
    Show(One),
    /// Mark an issue as dealt with: a failure after that reopens it.
    Resolve(Act),
    /// Do not look at an issue until something ends that.
    Ignore(Ignore),
    /// Open an issue again, or acknowledge a new one.
    Reopen(Act),
    /// Add a note to an issue.
    Note(Note),
    /// Make kinds of failures one issue.
    Merge(Merge),
    /// Divide an issue.
    Split(Split),
    /// What was merged and divided, and undoing it.
    #[command(subcommand)]
    Rules(rules::Rules),
}

/// `waybill issues list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    client: ClientArgs,
    /// Any of these states, with commas between; those that are open when absent.
    #[arg(long, value_name = "STATES")]
    state: Option<String>,
    /// Every state.
    #[arg(long, conflicts_with = "state")]
    all: bool,
    /// Platform of the account.
    #[arg(long)]
    platform: Option<String>,
    /// What really happens, such as rate_limit.tokens.
    #[arg(long)]
    cause: Option<String>,
    /// Whose fault: client, provider or platform.
    #[arg(long)]
    owner: Option<String>,
    /// P0 to P3.
    #[arg(long)]
    severity: Option<String>,
    /// An account it was met on.
    #[arg(long, value_name = "ID")]
    account_id: Option<String>,
    /// A user that met it.
    #[arg(long, value_name = "ID")]
    user_id: Option<String>,
    /// A model it was met with.
    #[arg(long)]
    model: Option<String>,
    /// Failed within a window that ends now, such as 1h.
    #[arg(long, value_name = "RANGE")]
    time_range: Option<String>,
    /// Text in the title.
    #[arg(long, value_name = "TEXT")]
    q: Option<String>,
    /// The order.
    #[arg(long, value_parser = ["impact", "last_seen", "first_seen", "count"], default_value = "impact")]
    sort: String,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

/// One issue.
#[derive(Debug, Args)]
pub struct One {
    #[command(flatten)]
    client: ClientArgs,
    /// Its fingerprint.
    fingerprint: String,
}

/// `waybill issues resolve|reopen`.
#[derive(Debug, Args)]
pub struct Act {
    #[command(flatten)]
    one: One,
    /// Why; it stands in the timeline.
    #[arg(long)]
    note: Option<String>,
}

/// `waybill issues ignore`.
#[derive(Debug, Args)]
pub struct Ignore {
    #[command(flatten)]
    act: Act,
    /// Until then (RFC 3339).
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Until it has failed so often from now on.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Until it escalates.
    #[arg(long)]
    escalation: bool,
}

/// `waybill issues note`.
#[derive(Debug, Args)]
pub struct Note {
    #[command(flatten)]
    one: One,
    /// What.
    text: String,
}

/// `waybill issues merge`.
#[derive(Debug, Args)]
pub struct Merge {
    #[command(flatten)]
    client: ClientArgs,
    /// The issue they become part of.
    #[arg(long, value_name = "FINGERPRINT")]
    into: String,
    /// The issues that become part of it.
    #[arg(value_name = "FINGERPRINT", required = true)]
    fingerprints: Vec<String>,
}

/// `waybill issues split`.
#[derive(Debug, Args)]
pub struct Split {
    #[command(flatten)]
    one: One,
    /// By what.
    #[arg(long, value_parser = ["account", "model", "group", "key"])]
    by: String,
}

/// Does what was asked.
pub fn run(command: Issues) -> anyhow::Result<()> {
    match command {
        Issues::List(args) => list(&args),
        Issues::Show(args) => show(&args),
        Issues::Resolve(args) => act(&args, json!({ "state": "resolved" })),
        Issues::Reopen(args) => act(&args, json!({ "state": "ongoing" })),
        Issues::Ignore(args) => {
            let form = json!({
                "state": "ignored",
                "ignore_until": args.until,
                "ignore_count": args.count,
                "ignore_escalation": args.escalation,
            });
            act(&args.act, form)
        }
        Issues::Note(args) => note(&args),
        Issues::Merge(args) => {
            let rule =
                json!({ "kind": "merge", "into": args.into, "fingerprints": args.fingerprints });
            add_rule(&args.client, &rule)
        }
        Issues::Split(args) => {
            let rule = json!({ "kind": "split", "issue": args.one.fingerprint, "by": args.by });
            add_rule(&args.one.client, &rule)
        }
        Issues::Rules(command) => rules::run(&command),
    }
}

fn list(args: &List) -> anyhow::Result<()> {
    let open = IssueState::ALL.iter().filter(|state| state.is_open());
    let open: Vec<&str> = open.map(|state| state.as_str()).collect();
    let state = match (&args.state, args.all) {
        (_, true) => None,
        (Some(states), _) => Some(states.clone()),
        (None, false) => Some(open.join(",")),
    };
    let given = [
        ("state", &state),
        ("platform", &args.platform),
        ("cause", &args.cause),
        ("owner", &args.owner),
        ("severity", &args.severity),
        ("account_id", &args.account_id),
        ("user_id", &args.user_id),
        ("model", &args.model),
        ("time_range", &args.time_range),
        ("q", &args.q),
    ];
    let mut query: Vec<(&str, String)> = given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect();
    query.push(("sort", format!("-{}", args.sort)));
    query.push(("page_size", args.limit.to_string()));
    let page: Page<IssueLog> = Remote::new(&args.client)?.get(PATH, &query)?;
    let mut out = io::stdout().lock();
    if args.client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&page.items)?)?;
        return Ok(());
    }
    if page.items.is_empty() {
        writeln!(out, "No issues.")?;
        return Ok(());
    }
    let rows: Vec<_> = page.items.iter().map(row).collect();
    table::write(&mut out, HEADINGS, &rows, table::colours())?;
    let shown = page.items.len() as u64;
    if page.total > shown {
        writeln!(out, "{shown} of {} shown; --limit shows more.", page.total)?;
    }
    Ok(())
}

const HEADINGS: &[&str] = &[
    "FINGERPRINT",
    "STATE",
    "IMPACT",
    "FAILURES",
    "HIDDEN",
    "USERS",
    "LAST SEEN",
    "24 HOURS",
    "CAUSE",
    "TITLE",
];

fn row(issue: &IssueLog) -> Vec<Cell> {
    let more = if issue.members_are_bounded { "+" } else { "" };
    vec![
        plain(&issue.fingerprint),
        (issue.state.to_string(), tone(issue.state)),
        plain(issue.impact),
        plain(issue.count),
        plain(issue.hidden_count),
        plain(format!("{}{more}", issue.users)),
        (issue.last_seen.to_string(), Tone::Dim),
        plain(sparkline(&issue.hourly)),
        plain(issue.cause),
        plain(&issue.title),
    ]
}

const fn tone(state: IssueState) -> Tone {
    match state {
        IssueState::New | IssueState::Ongoing => Tone::Yellow,
        IssueState::Escalating | IssueState::Regressed => Tone::Red,
        IssueState::Resolved => Tone::Green,
        IssueState::Ignored => Tone::Dim,
    }
}

/// Counts as bars, the highest as high as it gets.
fn sparkline(counts: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bar = |count: &u64| match count {
        0 => ' ',
        count => {
            let height = (count * BARS.len() as u64).div_ceil(most);
            BARS[usize::try_from(height).unwrap_or(1).clamp(1, BARS.len()) - 1]
        }
    };
    counts.iter().map(bar).collect()
}

fn show(args: &One) -> anyhow::Result<()> {
    let issue: IssueDetail = Remote::new(&args.client)?.get(&path(&args.fingerprint), &[])?;
    tell(&args.client, &issue)
}

fn act(args: &Act, mut form: Value) -> anyhow::Result<()> {
    if let Some(note) = &args.note {
        form["note"] = json!(note);
    }
    let remote = Remote::new(&args.one.client)?;
    let issue: IssueDetail = remote.put(&path(&args.one.fingerprint), &form)?;
    if args.one.client.json {
        return tell(&args.one.client, &issue);
    }
    writeln!(io::stdout(), "The issue is {}.", issue.log.state)?;
    Ok(())
}

fn note(args: &Note) -> anyhow::Result<()> {
    let path = format!("{}/notes", path(&args.one.fingerprint));
    let remote = Remote::new(&args.one.client)?;
    let made: IssueNote = remote.post(&path, &json!({ "text": args.text }))?;
    let mut out = io::stdout().lock();
    match args.one.client.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&made)?)?,
        false => writeln!(out, "Noted.")?,
    }
    Ok(())
}

fn add_rule(client: &ClientArgs, rule: &Value) -> anyhow::Result<()> {
    let made: IssueRule = Remote::new(client)?.post(RULES, rule)?;
    let mut out = io::stdout().lock();
    match client.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&made)?)?,
        false => writeln!(
            out,
            "Rule {} is made; what is stored is counted anew by it.",
            made.id
        )?,
    }
    Ok(())
}

fn path(fingerprint: &str) -> String {
    let id = percent_encoding::utf8_percent_encode(fingerprint, percent_encoding::NON_ALPHANUMERIC);
    format!("{PATH}/{id}")
}

fn tell(client: &ClientArgs, issue: &IssueDetail) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(issue)?)?;
        return Ok(());
    }
    let (log, colours) = (&issue.log, table::colours());
    writeln!(out, "{}", toned(&clean(&log.title), Tone::Bold, colours))?;
    let state = toned(log.state.as_str(), tone(log.state), colours);
    let by = log
        .state_by
        .as_deref()
        .map(|by| format!(" by {}", clean(by)));
    writeln!(
        out,
        "{state} since {} ({}{})",
        log.state_since,
        log.state_why,
        by.unwrap_or_default()
    )?;
    writeln!(
        out,
        "{} {}, {}, owner {}, reaches the {}",
        log.platform, log.cause, log.severity, log.owner, log.scope
    )?;
    writeln!(
        out,
        "{} failures, {} more hidden; first {}, last {}; impact {}",
        log.count, log.hidden_count, log.first_seen, log.last_seen, log.impact
    )?;
    writeln!(out, "24 hours  |{}|", sparkline(&log.hourly))?;
    writeln!(out, "{}\n{}", issue.explanation, issue.remedy)?;
    writeln!(
        out,
        "A failure to look at: waybill errors show {}",
        log.sample_error_id
    )?;
    let lists = [
        ("users", &issue.members.users),
        ("keys", &issue.members.api_keys),
        ("accounts", &issue.members.accounts),
        ("models", &issue.members.models),
        ("groups", &issue.members.groups),
    ];
    let rows: Vec<Vec<Cell>> = lists
        .into_iter()
        .flat_map(|(sort, list)| members(sort, list))
        .collect();
    if !rows.is_empty() {
        writeln!(out)?;
        table::write(
            &mut out,
            &["AFFECTS", "ID", "NAME", "FAILURES", "HIDDEN"],
            &rows,
            colours,
        )?;
    }
    writeln!(out)?;
    let rows: Vec<Vec<Cell>> = issue
        .timeline
        .iter()
        .map(|line| {
            vec![
                (line.at.to_string(), Tone::Dim),
                (line.to.to_string(), tone(line.to)),
                plain(line.why),
                maybe(line.by.as_deref()),
                maybe(line.detail.as_deref()),
            ]
        })
        .collect();
    table::write(
        &mut out,
        &["TIME", "STATE", "WHY", "BY", "NOTE"],
        &rows,
        colours,
    )?;
    for note in &issue.notes {
        let author = note.author.as_deref().unwrap_or("somebody");
        writeln!(
            out,
            "\n{} {}: {}",
            note.at,
            clean(author),
            table::clean_lines(&note.text)
        )?;
    }
    Ok(())
}

fn members(sort: &str, list: &MemberList) -> Vec<Vec<Cell>> {
    let mut rows: Vec<Vec<Cell>> = list
        .top
        .iter()
        .map(|member| {
            vec![
                plain(sort),
                plain(&member.id),
                maybe(member.name.as_deref()),
                plain(member.count),
                plain(member.hidden_count),
            ]
        })
        .collect();
    let more = list.known.saturating_sub(list.top.len() as u64);
    if more > 0 {
        rows.push(vec![plain(sort), (format!("and {more} more"), Tone::Dim)]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_is_as_high_as_its_highest_hour() {
        assert_eq!(sparkline(&[0, 1, 4, 8]), " ▁▄█");
        assert_eq!(sparkline(&[0, 0]), "  ");
        assert_eq!(sparkline(&[1_000_000, 1]), "█▁");
    }
}
