//! As much of PromQL as it takes to tell which metrics and labels an expression names.

use std::collections::{BTreeMap, BTreeSet};

/// Words with a bracket of labels behind them.
const BY_LABELS: &[&str] = &[
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

/// Words that are neither functions nor metrics.
const WORDS: &[&str] = &[
    "and", "or", "unless", "bool", "offset", "inf", "nan", "atan2", "start", "end",
];

/// Labels that a scrape adds, or a function makes.
pub const ADDED: &[&str] = &["instance", "job", "le", "alertname", "severity"];

/// What an expression names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Metrics, and the labels that are asked of each.
    pub metrics: BTreeMap<String, BTreeSet<String>>,
    /// Labels that are grouped or joined by.
    pub grouped: BTreeSet<String>,
}

/// Reads an expression. Variables of Grafana's (`$account`, `${x}`, `[$__rate_interval]`) are values.
pub fn named(expression: &str) -> Result<Named, String> {
    let mut named = Named::default();
    let mut rest = expression;
    let mut open = 0_i32;
    while let Some(letter) = rest.chars().next() {
        match letter {
            '"' | '\'' | '`' => {
                rest = behind_quote(rest, letter)
                    .ok_or_else(|| format!("an open quote: {expression}"))?
            }
            '[' => {
                rest = rest
                    .split_once(']')
                    .ok_or_else(|| format!("an open range: {expression}"))?
                    .1
            }
            '(' | ')' => {
                open += if letter == '(' { 1 } else { -1 };
                if open < 0 {
                    return Err(format!("a bracket too many: {expression}"));
                }
                rest = &rest[1..];
            }
            letter if letter.is_ascii_digit() => {
                let end = rest
                    .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.')
                    .unwrap_or(rest.len());
                rest = &rest[end..];
            }
            letter if letter.is_ascii_alphabetic() || letter == '_' || letter == ':' => {
                let is_part =
                    |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
                let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
                let (word, behind) = rest.split_at(end);
                rest = behind.trim_start();
                if BY_LABELS.contains(&word.to_ascii_lowercase().as_str()) {
                    let inner = rest
                        .strip_prefix('(')
                        .and_then(|inner| inner.split_once(')'));
                    let Some((labels, behind)) = inner else {
                        continue;
                    };
                    let labels = labels
                        .split(',')
                        .map(str::trim)
                        .filter(|label| !label.is_empty());
                    named.grouped.extend(labels.map(str::to_owned));
                    rest = behind;
                } else if rest.starts_with('(')
                    || rest.starts_with("by")
                    || rest.starts_with("without")
                    || WORDS.contains(&word.to_ascii_lowercase().as_str())
                {
                    // A function, an aggregation, an operator.
                } else {
                    let labels = named.metrics.entry(word.to_owned()).or_default();
                    if let Some(inner) = rest.strip_prefix('{') {
                        rest = matchers(inner, labels)
                            .ok_or_else(|| format!("matchers of {word}: {expression}"))?;
                    }
                }
            }
            letter => rest = &rest[letter.len_utf8()..],
        }
    }
    if open != 0 || named.metrics.is_empty() && !expression.trim().is_empty() {
        return Err(format!("not an expression over metrics: {expression}"));
    }
    Ok(named)
}

/// `label="value", label=~"value"}`
fn matchers<'e>(mut rest: &'e str, labels: &mut BTreeSet<String>) -> Option<&'e str> {
    loop {
        rest = rest.trim_start_matches([' ', ',', '\n']);
        if let Some(behind) = rest.strip_prefix('}') {
            return Some(behind);
        }
        let (label, behind) = rest.split_at(rest.find(['=', '!'])?);
        let value = behind.trim_start_matches(['=', '!', '~', ' ']);
        rest = behind_quote(
            value,
            value
                .chars()
                .next()
                .filter(|quote| ['"', '\''].contains(quote))?,
        )?;
        labels.insert(label.trim().to_owned());
    }
}

fn behind_quote(text: &str, quote: char) -> Option<&str> {
    let mut letters = text[1..].char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => {
                letters.next();
            }
            letter if letter == quote => return Some(&text[at + 2..]),
            _ => {}
        }
    }
    None
}

#[test]
fn metrics_and_labels_are_told_from_everything_else() {
    let expression = "sum by (account, le) (rate(a_total{outcome!~\"served|x\", account=\"$account\"}[$__rate_interval] offset 5m)) / on (account) group_left () (b_seconds_bucket > bool 0.5e3) or vector(1)";
    let named = named(expression).unwrap();
    let metrics: Vec<(&str, Vec<&str>)> = named
        .metrics
        .iter()
        .map(|(name, labels)| (name.as_str(), labels.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(
        metrics,
        [
            ("a_total", vec!["account", "outcome"]),
            ("b_seconds_bucket", vec![])
        ]
    );
    assert_eq!(
        named.grouped,
        BTreeSet::from(["account".to_owned(), "le".to_owned()])
    );
}

#[test]
fn what_cannot_be_read_is_said() {
    for bad in ["rate(a[5m]", "a{b=\"c}", "a)", "vector(1)", "a{b}"] {
        assert!(named(bad).is_err(), "{bad}");
    }
}
