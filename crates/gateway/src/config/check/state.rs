//! What stops an account and how it comes back: rules, statuses, probes; and the way to its provider.

use std::collections::BTreeMap;

use waybill_model::{
    entity::{Probe, RuleScope, StateRule},
    protocol::Platform,
    secret::Secret,
};

use super::{
    super::{
        raw::{RawProbe, RawStateRule},
        rules,
    },
    Check,
};
use crate::egress::CustomHeaders;

impl Check<'_> {
    pub(super) fn state_rules(&mut self, of: &str, raw: &[RawStateRule]) -> Vec<StateRule> {
        raw.iter()
            .enumerate()
            .map(|(index, rule)| self.state_rule(&format!("{of}: state_rules[{index}]"), rule))
            .collect()
    }

    fn state_rule(&mut self, key: &str, raw: &RawStateRule) -> StateRule {
        let before = self.problems.len();
        let rule = StateRule {
            name: raw.name.clone().unwrap_or_default(),
            statuses: raw.statuses.clone().unwrap_or_default(),
            contains: raw.contains.clone(),
            cause: self.word(format!("{key}.cause"), raw.cause.as_deref()),
            state: self.word(format!("{key}.state"), raw.state.as_deref()),
            for_seconds: raw.for_seconds.unwrap_or(0),
            scope: self
                .word(format!("{key}.scope"), raw.scope.as_deref())
                .unwrap_or(RuleScope::Account),
        };
        // A word that could not be read would look as if it were missing.
        if self.problems.len() == before
            && let Err((field, why)) = rules::state_rule(&rule)
        {
            self.problem(below(key, field), why);
        }
        rule
    }

    pub(super) fn counted_statuses(&mut self, of: &str, raw: Option<&[u16]>) -> Option<Vec<u16>> {
        let raw = raw?;
        self.rule(
            format!("{of}: counted_statuses"),
            raw.iter()
                .try_for_each(|status| rules::counted_status(*status)),
        );
        Some(raw.to_vec())
    }

    pub(super) fn probe(&mut self, of: &str, raw: Option<&RawProbe>) -> Option<Probe> {
        let raw = raw?;
        let probe = Probe {
            model: raw.model.clone(),
            every_seconds: raw.every_seconds,
        };
        if let Err((field, why)) = rules::probe(&probe) {
            self.problem(format!("{of}: probe.{field}"), why);
        }
        Some(probe)
    }

    pub(super) fn proxy(&mut self, of: &str, written: Option<&Secret>) -> Option<Secret> {
        let key = format!("{of}: proxy");
        let proxy = self.secret(&key, written?)?;
        self.rule(key, rules::proxy(&proxy));
        Some(proxy)
    }

    pub(super) fn headers(
        &mut self,
        of: &str,
        platform: Option<Platform>,
        written: &BTreeMap<String, Secret>,
    ) -> CustomHeaders {
        let mut values = BTreeMap::new();
        for (name, written) in written {
            let key = format!("{of}: headers.\"{name}\"");
            let Some(value) = self.secret(&key, written) else {
                continue;
            };
            let alone = [(name, &value)];
            match platform.map_or(Ok(CustomHeaders::default()), |p| rules::headers(p, alone)) {
                Ok(_) => drop(values.insert(name.clone(), value)),
                Err(why) => self.problem(key, why),
            }
        }
        platform
            .map_or(Ok(CustomHeaders::default()), |p| rules::headers(p, &values))
            .map_err(|why| self.problem(format!("{of}: headers"), why))
            .unwrap_or_default()
    }
}

/// A key's field; an empty one is the key itself.
fn below(key: &str, field: &str) -> String {
    match field {
        "" => key.to_owned(),
        field => format!("{key}.{field}"),
    }
}
