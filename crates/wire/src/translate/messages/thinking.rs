//! How much to think: in Anthropic's two ways of saying it, a budget of tokens, and an effort in words.
//!
//! Promises: a budget that is written is one that Anthropic takes: no less than [`LEAST`], and less than
//! `max_tokens`.
//!
//! Must not know: what is thought about.

use serde::Serialize;

use super::{
    super::{
        Untranslatable,
        talk::{Amount, Effort, Thinking},
        text::Text,
    },
    body, refuse,
};

/// The smallest budget that Anthropic takes.
const LEAST: u64 = 1_024;

/// Anthropic's words for effort. It has none for the least: `low` is the nearest.
const EFFORTS: &[(Effort, &str)] = &[
    (Effort::Low, "low"),
    (Effort::Medium, "medium"),
    (Effort::High, "high"),
    (Effort::XHigh, "xhigh"),
    (Effort::Max, "max"),
    (Effort::Minimal, "low"),
];

/// What was said in the two places of a request.
pub(super) fn read(
    thinking: Option<body::Thinking<'_>>,
    effort: Option<Text<'_>>,
) -> Result<Option<Thinking>, Untranslatable> {
    let effort = effort.map(read_effort).transpose()?;
    let Some(body::Thinking {
        r#type,
        budget_tokens,
        display,
    }) = thinking
    else {
        return Ok(effort.map(|effort| Thinking {
            amount: Amount::Effort(effort),
            shown: None,
        }));
    };
    let amount = match (r#type.as_deref(), budget_tokens) {
        (Some("enabled"), Some(tokens)) => Amount::Tokens(tokens),
        (Some("enabled"), None) => {
            return Err(Untranslatable::named(
                "thinking.budget_tokens",
                "is missing",
            ));
        }
        (Some("disabled" | "adaptive"), Some(_)) => {
            return Err(Untranslatable::named(
                "thinking.budget_tokens",
                "is only for the type `enabled`",
            ));
        }
        (Some("disabled"), None) => Amount::Off,
        (Some("adaptive"), None) => effort.map_or(Amount::Adaptive, Amount::Effort),
        (Some(kind), _) => {
            let why = format!(
                "is `{}`, which other providers do not have",
                refuse::short(kind)
            );
            return Err(Untranslatable::named("thinking.type", why));
        }
        (None, _) => return Err(Untranslatable::named("thinking.type", "is missing")),
    };
    let shown = match display.as_deref() {
        None => None,
        Some("summarized") => Some(true),
        Some("omitted") => Some(false),
        Some(display) => {
            let why = format!(
                "is `{}`, which other providers do not have",
                refuse::short(display)
            );
            return Err(Untranslatable::named("thinking.display", why));
        }
    };
    Ok(Some(Thinking { amount, shown }))
}

fn read_effort(effort: Text<'_>) -> Result<Effort, Untranslatable> {
    let known = EFFORTS.iter().find(|(_, word)| **word == *effort);
    known.map(|(effort, _)| *effort).ok_or_else(|| {
        Untranslatable::named(
            "output_config.effort",
            format!(
                "is `{}`, which other providers do not have",
                refuse::short(&effort)
            ),
        )
    })
}

/// The field `thinking`, as it is written.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Config {
    Enabled {
        budget_tokens: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Adaptive {
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Disabled,
}

/// What a request says of thinking.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub config: Option<Config>,
    /// For `output_config.effort`.
    pub effort: Option<&'static str>,
}

/// How a model is told how much to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By a budget alone.
    Budget,
    /// By an effort alone.
    Effort,
    /// By either.
    Either,
}

/// Models that do not think by effort alone, by a part of their name: a list that later models do not
/// lengthen. See Anthropic's table of how each model is configured to think.
const WAYS: &[(&str, Way)] = &[
    ("claude-3", Way::Budget),
    ("claude-opus-4-0", Way::Budget),
    ("claude-opus-4-1", Way::Budget),
    ("claude-opus-4-2025", Way::Budget),
    ("claude-opus-4-5", Way::Budget),
    ("claude-sonnet-4-0", Way::Budget),
    ("claude-sonnet-4-2025", Way::Budget),
    ("claude-sonnet-4-5", Way::Budget),
    ("claude-haiku-4-5", Way::Budget),
    ("claude-opus-4-6", Way::Either),
    ("claude-sonnet-4-6", Way::Either),
    ("claude", Way::Effort),
];

impl Way {
    /// Others that speak this protocol took it over when there were only budgets.
    fn of(model: &str) -> Way {
        // Clouds and aggregators spell `claude-sonnet-4.5` and `claude-opus-4@20250514`.
        let model = model.replace(['.', '@'], "-");
        let known = WAYS.iter().find(|(part, _)| model.contains(part));
        known.map_or(Way::Budget, |(_, way)| *way)
    }
}

/// Says `thinking` to `model`. A budget is kept below `limit`, the longest answer; if even the least budget
/// is not, the limit is raised by it, for Anthropic counts thinking within the answer.
pub(super) fn write(
    thinking: Option<&Thinking>,
    model: &str,
    limit: &mut u64,
    stated: bool,
) -> Said {
    let Some(Thinking { amount, shown }) = thinking else {
        return Said::default();
    };
    let display = shown.map(|shown| if shown { "summarized" } else { "omitted" });
    let adaptive = |effort: Option<Effort>| Said {
        config: Some(Config::Adaptive { display }),
        effort: effort.map(write_effort),
    };
    let budget = |tokens: u64| Said {
        config: Some(Config::Enabled {
            budget_tokens: tokens,
            display,
        }),
        effort: None,
    };
    match (*amount, Way::of(model)) {
        (Amount::Off, _) => Said {
            config: Some(Config::Disabled),
            effort: None,
        },
        (Amount::Adaptive, Way::Effort | Way::Either) => adaptive(None),
        (Amount::Effort(effort), Way::Effort | Way::Either) => adaptive(Some(effort)),
        (Amount::Tokens(tokens), Way::Effort) => adaptive(Some(Effort::of_tokens(tokens))),
        (Amount::Tokens(tokens), Way::Budget | Way::Either) => {
            budget(fit(tokens.max(LEAST), limit, stated))
        }
        // An effort is ours to put into numbers: it leaves half of the answer to its words.
        (Amount::Effort(effort), Way::Budget) => {
            let half = if stated { *limit / 2 } else { u64::MAX };
            budget(fit(effort.tokens().min(half).max(LEAST), limit, stated))
        }
        // At most so much: the model may think less.
        (Amount::Adaptive, Way::Budget) => {
            let half = if stated { *limit / 2 } else { u64::MAX };
            budget(fit(
                Effort::High.tokens().min(half).max(LEAST),
                limit,
                stated,
            ))
        }
    }
}

/// A limit that the client stated holds for thinking and words together, so that a budget above it means
/// nothing more than the limit does. One that it did not state makes room for the budget.
fn fit(budget: u64, limit: &mut u64, stated: bool) -> u64 {
    if budget < *limit {
        return budget;
    }
    if stated && *limit > LEAST {
        return *limit - 1;
    }
    let budget = if stated { LEAST } else { budget };
    *limit = limit.saturating_add(budget);
    budget
}

fn write_effort(effort: Effort) -> &'static str {
    let known = EFFORTS.iter().find(|(known, _)| *known == effort);
    known.map_or("low", |(_, word)| word)
}
