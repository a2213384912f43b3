//! Which names of models may be labels: those that are configured.
//!
//! Promises: as many labels as there are names in the configuration, and never more than a bound, whatever clients
//! ask for. Must not know: what is counted.

use std::{collections::BTreeSet, sync::Arc};

use crate::routing::Snapshot;

/// What every other model is called.
pub const OTHER: &str = "other";

/// Names at most. A dashboard with more is of no use, and each is a series in several metrics.
const MAX_MODELS: usize = 200;

/// Configured names.
#[derive(Debug, Default)]
pub struct ModelNames {
    exact: BTreeSet<Arc<str>>,
    /// Those that end in `*`, the longest first.
    prefixes: Vec<Arc<str>>,
}

impl ModelNames {
    /// Models that accounts serve, names that are mapped and what they are mapped to, models with a price.
    pub fn of(snapshot: &Snapshot) -> ModelNames {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for account in snapshot.accounts() {
            names.extend(account.models.iter().map(String::as_str));
            names.extend(account.model_map.names());
        }
        let groups = snapshot.keys().flat_map(|key| &key.groups);
        names.extend(groups.flat_map(|group| group.model_map.names()));
        names.extend(snapshot.prices.models());
        ModelNames::new(names)
    }

    fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> ModelNames {
        // `*` alone says nothing of a model.
        let names = names
            .into_iter()
            .filter(|name| !name.is_empty() && *name != "*");
        let (mut prefixes, exact): (Vec<Arc<str>>, Vec<_>) = names
            .take(MAX_MODELS)
            .map(Arc::from)
            .partition(|name: &Arc<str>| name.ends_with('*'));
        prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
        ModelNames {
            exact: exact.into_iter().collect(),
            prefixes,
        }
    }

    /// The label of a model: its name, the pattern that it falls under, or [`OTHER`]; empty where none was named.
    pub fn label(&self, model: Option<&str>) -> Arc<str> {
        let Some(model) = model else {
            return Arc::from("");
        };
        if let Some(name) = self.exact.get(model) {
            return Arc::clone(name);
        }
        let falls_under = |prefix: &&Arc<str>| model.starts_with(prefix.trim_end_matches('*'));
        let pattern = self.prefixes.iter().find(falls_under);
        pattern.map_or_else(|| Arc::from(OTHER), Arc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_called_by_its_name_its_pattern_or_other() {
        let names = ModelNames::new(["gpt-5", "gpt-*", "gpt-5-*", "*", ""]);
        for (model, label) in [
            (Some("gpt-5"), "gpt-5"),
            (Some("gpt-5-mini"), "gpt-5-*"),
            (Some("gpt-4"), "gpt-*"),
            (Some("claude"), OTHER),
            (Some(""), OTHER),
            (None, ""),
        ] {
            assert_eq!(&*names.label(model), label, "{model:?}");
        }
    }

    #[test]
    fn there_is_a_bound_to_names() {
        let many: Vec<String> = (0..1000).map(|number| format!("m{number}")).collect();
        let names = ModelNames::new(many.iter().map(String::as_str));
        let labels: BTreeSet<_> = many.iter().map(|model| names.label(Some(model))).collect();
        assert_eq!(labels.len(), MAX_MODELS + 1);
    }
}
