//! Model names: which an account serves, and under which name the provider knows them.

use std::sync::Arc;

use waybill_model::entity::ModelRule;

/// A pattern: an exact name, or a prefix and `*`.
fn matches(pattern: &str, model: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => model.starts_with(prefix),
        None => pattern == model,
    }
}

/// Whether `model` is among `patterns`; an empty list is every model.
pub fn serves(patterns: &[String], model: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, model))
}

/// Rules in the order they are tried: exact names first, then wildcards, the longest first.
#[derive(Debug, Clone, Default)]
pub struct ModelMap {
    rules: Vec<(String, Arc<str>)>,
}

impl ModelMap {
    /// Sorts the rules once, so that the first match is the right one.
    pub fn new(rules: &[ModelRule]) -> Self {
        let mut rules: Vec<_> = rules
            .iter()
            .map(|rule| (rule.from.clone(), Arc::from(rule.to.as_str())))
            .collect();
        rules.sort_by_key(|(from, _)| (from.ends_with('*'), std::cmp::Reverse(from.len())));
        ModelMap { rules }
    }

    /// Every name and pattern in it, on both sides.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().flat_map(|(from, to)| [from.as_str(), to])
    }

    /// The name to send instead, if a rule says so.
    pub fn get(&self, model: &str) -> Option<Arc<str>> {
        self.rules
            .iter()
            .find(|(from, _)| matches(from, model))
            .map(|(_, to)| Arc::clone(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(from: &str, to: &str) -> ModelRule {
        ModelRule {
            from: from.into(),
            to: to.into(),
        }
    }

    #[test]
    fn an_exact_rule_beats_a_wildcard_and_a_longer_wildcard_a_shorter_one() {
        let map = ModelMap::new(&[
            rule("*", "any"),
            rule("gpt-5*", "five"),
            rule("gpt-5-mini", "mini"),
        ]);
        assert_eq!(map.get("gpt-5-mini").as_deref(), Some("mini"));
        assert_eq!(map.get("gpt-5-pro").as_deref(), Some("five"));
        assert_eq!(map.get("o4").as_deref(), Some("any"));
        assert_eq!(ModelMap::default().get("o4"), None);
    }

    #[test]
    fn no_list_of_models_means_every_model() {
        assert!(serves(&[], "anything"));
        assert!(serves(&["claude-*".into()], "claude-x"));
        assert!(!serves(&["claude-*".into()], "gpt"));
    }
}
