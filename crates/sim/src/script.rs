//! Which rule hits a request: the rules in order, with their counts, shares and cycles.
//!
//! Promises: the first rule that matches decides; the draws of `share` depend on the seed and on
//! nothing else.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Serialize;

use crate::{fault::Rule, route::Route, seed::Seed};

/// What a rule is matched against.
pub struct Facts<'a> {
    /// The endpoint and protocol.
    pub route: &'a Route,
    /// The presented credential.
    pub key: Option<&'a str>,
    /// The model, if it is known.
    pub model: Option<&'a str>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Since the simulator's start.
    pub uptime: Duration,
}

/// A rule and how often it hit.
#[derive(Debug, Clone, Serialize)]
pub struct RuleState {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// Requests it matched, those let through by `skip` and `share` included.
    pub matched: u64,
    /// Requests it hit.
    pub hits: u64,
    #[serde(skip)]
    draws: Seed,
}

/// The rules in force.
#[derive(Debug)]
pub struct Script {
    seed: u64,
    rules: Mutex<Vec<RuleState>>,
    any: AtomicBool,
}

impl Script {
    /// No rules; shares are drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        Script {
            seed,
            rules: Mutex::default(),
            any: AtomicBool::new(false),
        }
    }

    /// Adds a rule behind the others.
    pub fn add(&self, rule: Rule) {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let draws = Seed::new(self.seed ^ (rules.len() as u64 + 1).wrapping_mul(0x9e37_79b9));
        rules.push(RuleState {
            rule,
            matched: 0,
            hits: 0,
            draws,
        });
        self.any.store(true, Ordering::Release);
    }

    /// Removes every rule.
    pub fn clear(&self) {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.any.store(false, Ordering::Release);
    }

    /// Every rule with its counts.
    pub fn states(&self) -> Vec<RuleState> {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The rule that hits this request, counted, and its name.
    pub fn hit(&self, facts: &Facts<'_>) -> Option<(Rule, String)> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter_mut().enumerate().find_map(|(position, state)| {
            state.hits_now(facts).then(|| {
                let name = state
                    .rule
                    .name
                    .clone()
                    .unwrap_or_else(|| format!("#{}", position + 1));
                (state.rule.clone(), name)
            })
        })
    }
}

impl RuleState {
    fn hits_now(&mut self, facts: &Facts<'_>) -> bool {
        let rule = &self.rule;
        let matches = like_or_absent(rule.key.as_deref(), facts.key)
            && like_or_absent(rule.model.as_deref(), facts.model)
            && rule
                .endpoint
                .is_none_or(|endpoint| endpoint == facts.route.endpoint)
            && rule
                .protocol
                .is_none_or(|protocol| protocol == facts.route.protocol)
            && rule
                .platform
                .is_none_or(|platform| platform == facts.route.platform)
            && rule.stream.is_none_or(|stream| stream == facts.stream)
            && rule.times.is_none_or(|times| self.hits < times)
            && facts.uptime.as_millis() as u64 >= rule.from_ms
            && rule
                .until_ms
                .is_none_or(|until| (facts.uptime.as_millis() as u64) < until)
            && rule.cycle.is_none_or(|cycle| {
                facts.uptime.as_millis() as u64 % cycle.period_ms.max(1) < cycle.on_ms
            });
        if !matches {
            return false;
        }
        self.matched += 1;
        if self.matched <= rule.skip || rule.share.is_some_and(|share| self.draws.unit() >= share) {
            return false;
        }
        self.hits += 1;
        true
    }
}

/// Whether `text` is there and fits, where a pattern asks for it.
pub fn like_or_absent(pattern: Option<&str>, text: Option<&str>) -> bool {
    pattern.is_none_or(|pattern| text.is_some_and(|text| like(pattern, text)))
}

/// Whether `text` fits `pattern`, in which `*` stands for any run of characters.
pub fn like(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = &text[at + part.len()..];
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text, fits) in [
            ("claude-*", "claude-opus-4", true),
            ("claude-*", "gpt-5", false),
            ("*", "", true),
            ("*-mini", "gpt-5-mini", true),
            ("g*-*i", "gpt-5-mini", true),
            ("gpt-5", "gpt-5-mini", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(like(pattern, text), fits, "{pattern} {text}");
        }
    }
}
