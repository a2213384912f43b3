//! Whether rules say something that can be done: every mistake by the path of its field.

use std::collections::HashSet;

use super::{ClassificationRule, Then, When};
use crate::cause::Owner;

/// How much rules may say.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rules of one version: every failure is held against each.
    pub rules: usize,
    /// Bytes of a rule's name.
    pub name_bytes: usize,
    /// Bytes of a note.
    pub note_bytes: usize,
    /// Bytes of a model's pattern.
    pub model_bytes: usize,
    /// Bytes of a text to be looked for.
    pub text_bytes: usize,
    /// Statuses of one list.
    pub statuses: usize,
}

/// What rules may say.
pub const LIMITS: Limits = Limits {
    rules: 100,
    name_bytes: 100,
    note_bytes: 1_000,
    model_bytes: 200,
    text_bytes: 500,
    statuses: 32,
};

/// What is wrong with a rule: the field as a path, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct BadRule {
    /// The field at fault, such as `rules[2].when.model`.
    pub field: String,
    /// What would be right.
    pub message: String,
}

/// Whether rules can be put into force.
///
/// # Errors
/// [`BadRule`] names the first field that is wrong.
pub fn check(rules: &[ClassificationRule]) -> Result<(), BadRule> {
    if rules.len() > LIMITS.rules {
        let message = format!("at most {} rules", LIMITS.rules);
        return Err(bad("rules", message));
    }
    let (mut names, mut ids) = (HashSet::new(), HashSet::new());
    for (at, rule) in rules.iter().enumerate() {
        let of_rule = |problem: BadRule| BadRule {
            field: format!("rules[{at}].{}", problem.field),
            ..problem
        };
        one(rule).map_err(of_rule)?;
        if !names.insert(rule.name.trim()) {
            return Err(of_rule(bad("name", "another rule has this name")));
        }
        if rule.id != 0 && !ids.insert(rule.id) {
            return Err(of_rule(bad("id", "another rule has this id")));
        }
    }
    Ok(())
}

fn one(rule: &ClassificationRule) -> Result<(), BadRule> {
    text("name", &rule.name, LIMITS.name_bytes)?;
    if let Some(note) = &rule.note {
        text("note", note, LIMITS.note_bytes)?;
    }
    if rule.id < 0 {
        return Err(bad("id", "ids are positive"));
    }
    when(&rule.when)?;
    then(&rule.then)?;
    if rule.then.cause.is_some() && rule.when.cause.is_some_and(|is| is.is_waybills_own()) {
        let message = "what Waybill itself caused keeps its cause";
        return Err(bad("then.cause", message));
    }
    Ok(())
}

fn when(when: &When) -> Result<(), BadRule> {
    if *when == When::default() {
        return Err(bad("when", "at least one condition is needed"));
    }
    let lists = [
        ("when.status_codes", &when.status_codes),
        ("when.upstream_status_codes", &when.upstream_status_codes),
    ];
    for (field, statuses) in lists {
        if statuses.len() > LIMITS.statuses {
            let message = format!("at most {} statuses", LIMITS.statuses);
            return Err(bad(field, message));
        }
        if !statuses.iter().all(|status| (100..=599).contains(status)) {
            return Err(bad(field, "a status is a number from 100 to 599"));
        }
    }
    if let Some(model) = &when.model {
        text("when.model", model, LIMITS.model_bytes)?;
    }
    if let Some(said) = &when.message_contains {
        text("when.message_contains", said, LIMITS.text_bytes)?;
    }
    Ok(())
}

fn then(then: &Then) -> Result<(), BadRule> {
    if *then == Then::default() {
        return Err(bad("then", "at least one thing to change is needed"));
    }
    if then.cause.is_some_and(|cause| cause.is_waybills_own()) {
        let message = "a rule cannot make a failure look like one that Waybill itself caused";
        return Err(bad("then.cause", message));
    }
    let of_cause = then.cause.map(|cause| cause.info().owner);
    let owner = then.error_owner.or(of_cause);
    if then.counts == Some(true) && owner.is_none_or(|owner| owner == Owner::Client) {
        let message =
            "what is the client's never counts: give `error_owner`, `provider` or `platform`";
        return Err(bad("then.counts", message));
    }
    Ok(())
}

/// Text that is there, is not too long, and is found alike wherever it is looked for: what cannot be stored as
/// it is, is not part of any message that is.
fn text(field: &str, text: &str, most_bytes: usize) -> Result<(), BadRule> {
    if text.trim().is_empty() || text.len() > most_bytes {
        return Err(bad(
            field,
            format!("1 to {most_bytes} bytes of text are needed"),
        ));
    }
    let is_odd = |letter: char| {
        letter == '\u{fffd}' || (letter.is_control() && (letter != '\n' || field != "note"))
    };
    if text.chars().any(is_odd) {
        return Err(bad(field, "control characters cannot be in it"));
    }
    Ok(())
}

fn bad(field: &str, message: impl Into<String>) -> BadRule {
    BadRule {
        field: field.to_owned(),
        message: message.into(),
    }
}
