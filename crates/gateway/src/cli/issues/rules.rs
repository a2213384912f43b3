//! `waybill issues rules`: what brings kinds of failures together, or divides an issue.

use std::io::{self, Write as _};

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use waybill_model::issue::{IssueRule, Merge, RuleBody};

use super::RULES;
use crate::cli::{
    ClientArgs, Remote,
    table::{self, Cell, Tone, maybe, plain},
};

/// What can be done with rules; `merge` and `split` make them.
#[derive(Debug, Subcommand)]
pub enum Rules {
    /// List rules, in the order in which they are looked at.
    List(List),
    /// Remove a rule: the issues it changed are counted anew.
    Remove(Remove),
}

/// `waybill issues rules list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    client: ClientArgs,
}

/// `waybill issues rules remove`.
#[derive(Debug, Args)]
pub struct Remove {
    #[command(flatten)]
    client: ClientArgs,
    /// Its id.
    id: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct All {
    items: Vec<IssueRule>,
}

const HEADINGS: &[&str] = &["ID", "SINCE", "BY", "RULE"];

/// Does what was asked.
pub fn run(command: &Rules) -> anyhow::Result<()> {
    match command {
        Rules::List(args) => list(&args.client),
        Rules::Remove(args) => {
            Remote::new(&args.client)?.delete(&format!("{RULES}/{}", args.id))?;
            writeln!(
                io::stdout(),
                "Rule {} is removed; what it changed is counted anew.",
                args.id
            )?;
            Ok(())
        }
    }
}

fn list(client: &ClientArgs) -> anyhow::Result<()> {
    let all: All = Remote::new(client)?.get(RULES, &[])?;
    let mut out = io::stdout().lock();
    if client.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&all.items)?)?;
        return Ok(());
    }
    if all.items.is_empty() {
        writeln!(out, "No rules.")?;
        return Ok(());
    }
    let rows: Vec<Vec<Cell>> = all
        .items
        .iter()
        .map(|rule| {
            vec![
                plain(rule.id),
                (rule.created_at.to_string(), Tone::Dim),
                maybe(rule.created_by.as_deref()),
                plain(told(&rule.rule)),
            ]
        })
        .collect();
    table::write(&mut out, HEADINGS, &rows, table::colours())?;
    Ok(())
}

/// A rule in words.
fn told(rule: &RuleBody) -> String {
    match rule {
        RuleBody::Split(split) => format!("divide {} by {}", split.issue, split.by),
        RuleBody::Merge(Merge {
            into,
            fingerprints,
            platform,
            cause,
            status_code,
            text,
        }) => {
            let mut which = fingerprints.clone();
            which.extend(platform.map(|platform| format!("platform {platform}")));
            which.extend(cause.map(|cause| format!("cause {cause}")));
            which.extend(status_code.map(|status| format!("status {status}")));
            which.extend(text.as_ref().map(|text| format!("text {text:?}")));
            let joint = if fingerprints.is_empty() {
                " and "
            } else {
                ", "
            };
            format!("merge {} into {into}", which.join(joint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_told_in_words() {
        let merge = |change: fn(&mut Merge)| {
            let mut merge = Merge {
                into: "aa".to_owned(),
                ..Merge::default()
            };
            change(&mut merge);
            told(&RuleBody::Merge(merge))
        };
        assert_eq!(
            merge(|merge| merge.fingerprints = vec!["bb".to_owned(), "cc".to_owned()]),
            "merge bb, cc into aa"
        );
        assert_eq!(
            merge(|merge| (merge.status_code, merge.text) = (Some(529), Some("busy".to_owned()))),
            "merge status 529 and text \"busy\" into aa"
        );
    }
}
