//! The dashboard, the rules and the page for people say nothing that is not exported, and the page says all of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use waybill_gateway::telemetry::{
    convention::{ATTRIBUTES, On},
    table::{Kind, METRICS, attribute},
};

use crate::promql::{ADDED, Named, named};

const DASHBOARD: &str = include_str!("../../../../deploy/grafana/waybill.json");
const RULES: &str = include_str!("../../../../deploy/prometheus/rules.yml");
const PAGE: &str = include_str!("../../../../docs/TELEMETRY.md");

/// Every series' name that is exported, and its labels.
fn exported() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut series = BTreeMap::new();
    for metric in METRICS {
        let suffixes: &[&str] = match metric.kind {
            Kind::Histogram(_) => &["_bucket", "_sum", "_count"],
            Kind::Counter | Kind::Gauge => &[""],
        };
        for suffix in suffixes {
            series.insert(
                format!("{}{suffix}", metric.name),
                metric.labels.iter().copied().collect(),
            );
        }
    }
    series
}

/// Holds an expression to what is exported, and to what is recorded by rules.
fn hold(expression: &str, recorded: &BTreeMap<String, BTreeSet<String>>) -> Named {
    let named = named(expression).unwrap_or_else(|why| panic!("{why}"));
    let exported = exported();
    let mut known: BTreeSet<&str> = ADDED.iter().copied().collect();
    for (metric, labels) in &named.metrics {
        let of_metric: BTreeSet<&str> = match (exported.get(metric), recorded.get(metric)) {
            (Some(labels), _) => labels.clone(),
            (None, Some(labels)) => labels.iter().map(String::as_str).collect(),
            // The scrape's own.
            (None, None) if metric == "up" => BTreeSet::new(),
            (None, None) => panic!("{metric} is not exported: {expression}"),
        };
        for label in labels {
            assert!(
                of_metric.contains(label.as_str()) || ADDED.contains(&label.as_str()),
                "{metric} has no {label}: {expression}"
            );
        }
        known.extend(of_metric);
    }
    for label in &named.grouped {
        assert!(
            known.contains(label.as_str()),
            "nothing has {label}: {expression}"
        );
    }
    named
}

/// One rule of the file.
#[derive(Debug, Default)]
struct Rule {
    record: Option<String>,
    alert: Option<String>,
    expr: String,
    keys: BTreeSet<String>,
}

/// The rules of the file, which is written in the plainest YAML: two spaces a level, one line or a `|` block.
fn rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut block = false;
    for (number, line) in RULES.lines().enumerate() {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        assert!(
            !line.contains('\t') && indent % 2 == 0,
            "line {}: {line}",
            number + 1
        );
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if block && indent >= 10 {
            let rule = rules.last_mut().unwrap();
            rule.expr.push_str(text);
            rule.expr.push('\n');
            continue;
        }
        block = false;
        let item = text.strip_prefix("- ");
        let (key, value) = item
            .unwrap_or(text)
            .split_once(':')
            .unwrap_or_else(|| panic!("line {}: {line}", number + 1));
        let value = value.trim();
        if item.is_some() && indent == 6 {
            rules.push(Rule::default());
        }
        let Some(rule) = rules.last_mut().filter(|_| indent >= 6) else {
            assert!(
                ["groups", "name", "rules", "interval"].contains(&key),
                "line {}: {line}",
                number + 1
            );
            continue;
        };
        rule.keys.insert(key.to_owned());
        match key {
            "record" => rule.record = Some(value.to_owned()),
            "alert" => rule.alert = Some(value.to_owned()),
            "expr" if value == "|" => block = true,
            "expr" => rule.expr = value.to_owned(),
            "for" | "labels" | "annotations" | "severity" | "summary" | "description"
            | "keep_firing_for" => {}
            other => panic!("line {}: {other}", number + 1),
        }
    }
    rules
}

/// What rules record, with the labels that are left.
fn recorded() -> BTreeMap<String, BTreeSet<String>> {
    let mut recorded = BTreeMap::new();
    for rule in rules() {
        if let Some(name) = rule.record {
            let of = hold(&rule.expr, &recorded);
            recorded.insert(name, of.grouped);
        }
    }
    recorded
}

#[test]
fn rules_name_what_is_exported() {
    let (rules, recorded) = (rules(), recorded());
    let alerts: Vec<&Rule> = rules.iter().filter(|rule| rule.alert.is_some()).collect();
    assert!(alerts.len() >= 8 && recorded.len() >= 4, "{rules:?}");
    for rule in &rules {
        hold(&rule.expr, &recorded);
        match (&rule.record, &rule.alert) {
            // level:metric:operations
            (Some(name), None) => assert_eq!(name.split(':').count(), 3, "{name}"),
            (None, Some(name)) => {
                for key in [
                    "expr",
                    "labels",
                    "severity",
                    "annotations",
                    "summary",
                    "description",
                ] {
                    assert!(rule.keys.contains(key), "{name} lacks {key}");
                }
            }
            other => panic!("{other:?}"),
        }
    }
    let names: BTreeSet<_> = alerts.iter().map(|rule| &rule.alert).collect();
    assert_eq!(names.len(), alerts.len());
}

/// Every value of this key, at any depth.
fn every<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                if name == key {
                    found.push(inner);
                }
                every(inner, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| every(item, key, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_names_what_is_exported() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut expressions = Vec::new();
    every(&dashboard, "expr", &mut expressions);
    assert!(expressions.len() >= 20, "{}", expressions.len());
    let recorded = recorded();
    for expression in expressions {
        hold(expression.as_str().unwrap(), &recorded);
    }
    // Variables: `label_values(metric, label)`.
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let Some(query) = variable["query"]
            .as_str()
            .filter(|_| variable["type"] == "query")
        else {
            continue;
        };
        let inner = query
            .strip_prefix("label_values(")
            .and_then(|inner| inner.strip_suffix(')'))
            .unwrap();
        let (metric, label) = inner.split_once(", ").unwrap();
        let labels = &exported()[metric];
        assert!(labels.contains(label) || ADDED.contains(&label), "{query}");
    }
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels
        .iter()
        .map(|panel| panel["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len(), panels.len());
    // No panel lies over another.
    let mut taken = BTreeSet::new();
    for panel in panels {
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{}", panel["title"]);
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(
                    taken.insert((x, y)),
                    "{} lies over another panel",
                    panel["title"]
                );
            }
        }
    }
}

#[test]
fn the_page_has_every_metric_and_every_attribute_as_they_are() {
    for metric in METRICS {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let line = format!(
            "| `{}` | {} | {} | {} |",
            metric.name,
            metric.kind.as_str(),
            if labels.is_empty() {
                "–".to_owned()
            } else {
                labels.join(", ")
            },
            metric.help
        );
        assert!(PAGE.contains(&line), "docs/TELEMETRY.md lacks: {line}");
    }
    for (key, on, meaning) in ATTRIBUTES {
        let on = match on {
            On::Request => "request",
            On::Attempt => "attempt",
            On::Both => "both",
            On::Event => "event",
        };
        let line = format!("| `{key}` | {on} | {meaning} |");
        assert!(PAGE.contains(&line), "docs/TELEMETRY.md lacks: {line}");
    }
    // And no other.
    let known: BTreeSet<&str> = METRICS
        .iter()
        .map(|metric| metric.name)
        .chain(ATTRIBUTES.iter().map(|(key, ..)| *key))
        .collect();
    for line in PAGE.lines().filter_map(|line| line.strip_prefix("| `")) {
        let name = line.split('`').next().unwrap();
        let is_ours = name.starts_with("waybill")
            || name.starts_with("gen_ai")
            || name.starts_with("process_");
        assert!(!is_ours || known.contains(name), "{name} is not exported");
    }
}

#[test]
fn a_label_has_one_name_over_otlp() {
    assert_eq!(attribute("gen_ai_request_model"), "gen_ai.request.model");
    assert_eq!(attribute("account"), "waybill.account");
}
