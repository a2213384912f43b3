//! What other replicas used: what several sources say of each, made one.
//!
//! Each replica counts for itself and says how far it is, in the one source at once, in another when it is
//! on record. Neither can say too much, but each can be behind: so what counts of a replica is the most
//! that one of them says of it.
//!
//! Promises: pure; the same reports give the same sum, in whatever order and however often they come, as
//! long as each source's newest of a replica comes last. Must not know: where reports come from.

use std::collections::BTreeMap;

use waybill_model::{limits::Used, money::MicroUsd};

/// Who says what replicas used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The replicas themselves, as they go.
    Told,
    /// What is on record of them.
    Recorded,
}

/// What each replica used in one window of one consumer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foreign {
    by_replica: BTreeMap<String, BTreeMap<Source, Used>>,
}

impl Foreign {
    /// A source says what a replica used. It replaces what the same source said of it before.
    pub fn learn(&mut self, source: Source, replica: &str, used: Used) {
        match self.by_replica.get_mut(replica) {
            Some(known) => known.insert(source, used),
            None => self
                .by_replica
                .entry(replica.to_owned())
                .or_default()
                .insert(source, used),
        };
    }

    /// What all replicas but `own` used.
    pub fn of_others(&self, own: &str) -> Used {
        let mut sum = Used::default();
        let others = self.by_replica.iter().filter(|(id, _)| *id != own);
        for used in others.filter_map(|(_, said)| said.values().copied().reduce(most)) {
            sum.add(used);
        }
        sum
    }
}

fn most(a: Used, b: Used) -> Used {
    Used {
        requests: a.requests.max(b.requests),
        tokens: a.tokens.max(b.tokens),
        usd: MicroUsd(a.usd.0.max(b.usd.0)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Report = (Source, u8, u64);

    fn used(n: u64) -> Used {
        Used {
            requests: n,
            tokens: n * 7 % 11,
            usd: MicroUsd(i64::try_from(n).unwrap_or(0)),
        }
    }

    fn reports() -> impl Strategy<Value = Vec<Report>> {
        let source = prop_oneof![Just(Source::Told), Just(Source::Recorded)];
        proptest::collection::vec((source, 0..4u8, 0..100u64), 0..30)
    }

    fn told(reports: &[Report]) -> Foreign {
        let mut foreign = Foreign::default();
        for (source, replica, n) in reports {
            foreign.learn(*source, &replica.to_string(), used(*n));
        }
        foreign
    }

    proptest! {
        #[test]
        fn what_counts_is_the_most_that_is_said_of_each_other_replica(reports in reports(), own in 0..4u8) {
            let mut expected = Used::default();
            for replica in (0..4u8).filter(|replica| *replica != own) {
                let newest = |source| {
                    let of_it = |report: &&Report| report.0 == source && report.1 == replica;
                    reports.iter().rfind(of_it).map_or(Used::default(), |report| used(report.2))
                };
                expected.add(most(newest(Source::Told), newest(Source::Recorded)));
            }
            prop_assert_eq!(told(&reports).of_others(&own.to_string()), expected);
        }

        #[test]
        fn neither_the_order_of_sources_nor_repetition_matters(reports in reports()) {
            let foreign = told(&reports);
            let (first, second): (Vec<_>, Vec<_>) =
                reports.iter().copied().partition(|report| report.0 == Source::Told);
            prop_assert_eq!(&told(&[&first[..], &second].concat()), &foreign);
            prop_assert_eq!(&told(&[&second[..], &first].concat()), &foreign);
            prop_assert_eq!(&told(&[&reports[..], &reports].concat()), &foreign);
        }

        #[test]
        fn who_reports_more_never_counts_for_less(reports in reports(), more in 0..100u64) {
            let before = told(&reports).of_others("own");
            let mut foreign = told(&reports);
            foreign.learn(Source::Told, "another", used(more));
            prop_assert!(foreign.of_others("own").requests >= before.requests);
        }
    }
}
