//! What is said of an event: one sentence that a person understands at three in the morning.

use super::{
    metric::{MetricKind, Unit},
    rule::{AlertRuleBody, Operator, Reading},
};

/// What a rule found, of what it is about, if that is one thing. Of a value that the rule does not wait for it says so:
/// with such a one an event ends.
pub fn sentence(rule: &AlertRuleBody, reading: Reading, about: Option<&str>) -> String {
    let info = rule.metric.info();
    let of = about
        .map(|about| format!(" of {about}"))
        .unwrap_or_default();
    let Some(value) = reading.value else {
        return format!("There is nothing to make {}{of} of.", info.name);
    };
    let named = about.unwrap_or("something");
    match info.kind {
        MetricKind::Account => return format!("{named} cannot serve."),
        MetricKind::Issue => return format!("{}: {named}.", first_upper(info.name)),
        MetricKind::Window | MetricKind::Pool | MetricKind::Objective | MetricKind::Books => {}
    }
    let is_so = match rule.operator.holds(value, rule.threshold) {
        true => "",
        false => "no longer ",
    };
    let (value, threshold) = (amount(value, info.unit), amount(rule.threshold, info.unit));
    let compared = match rule.operator {
        Operator::Above => "above",
        Operator::AtLeast => "at or above",
        Operator::Below => "below",
        Operator::AtMost => "at or below",
    };
    let over = match info.kind {
        MetricKind::Pool => " now".to_owned(),
        _ => format!(" over {}", minutes(rule.window_minutes)),
    };
    let samples = match info.is_share {
        true => format!(" ({} counted)", reading.samples),
        false => String::new(),
    };
    let subject = first_upper(info.name);
    let verb = if info.name.starts_with("the ") {
        "is"
    } else {
        "are"
    };
    format!("{subject}{of} {verb} {value}{over}{samples}, {is_so}{compared} {threshold}.")
}

/// A value in its unit.
pub fn amount(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => format!("{value:.0}"),
        Unit::Percent => format!("{value:.2} %"),
        Unit::Milliseconds => format!("{value:.0} ms"),
        Unit::Usd => format!("{value:.2} USD"),
        Unit::Factor => format!("{value:.1} times what is allowed"),
    }
}

fn minutes(number: u32) -> String {
    match number {
        1 => "a minute".to_owned(),
        60 => "an hour".to_owned(),
        number if number % 60 == 0 => format!("{} hours", number / 60),
        number => format!("{number} minutes"),
    }
}

fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{
        super::{Metric, default_rules},
        *,
    };

    fn said(metric: Metric, value: f64, about: Option<&str>) -> String {
        let rule = default_rules()
            .into_iter()
            .find(|rule| rule.metric == metric)
            .unwrap();
        sentence(
            &rule,
            Reading {
                value: Some(value),
                samples: 40,
            },
            about,
        )
    }

    #[test]
    fn a_sentence_says_what_was_found_and_what_is_allowed() {
        assert_eq!(
            said(Metric::ErrorRate, 7.25, None),
            "The error rate is 7.25 % over 5 minutes (40 counted), at or above 5.00 %."
        );
        assert_eq!(
            said(Metric::BudgetBurn, 20.0, Some("claude")),
            "The burn rate of the budget of claude is 20.0 times what is allowed over an hour (40 counted), at or above \
             14.4 times what is allowed."
        );
        assert_eq!(
            said(Metric::AccountsAvailable, 0.0, None),
            "Accounts that can serve are 0 now, below 1."
        );
        assert_eq!(
            said(Metric::ErrorRate, 1.0, Some("group claude")),
            "The error rate of group claude is 1.00 % over 5 minutes (40 counted), no longer at or above 5.00 %."
        );
        assert_eq!(
            said(Metric::AccountDown, 1.0, Some("anthropic-1")),
            "anthropic-1 cannot serve."
        );
        assert_eq!(
            said(Metric::NewIssue, 1.0, Some("no such model")),
            "A new issue: no such model."
        );
    }
}
