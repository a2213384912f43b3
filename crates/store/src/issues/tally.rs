//! A batch of errors, added up in memory by issue.

use std::collections::{BTreeMap, HashMap};

use waybill_model::{
    cause::{Cause, Owner, Phase, Severity},
    issue::{HOUR_MS, KindFacts, RuleBody, SplitBy, issue_of, part, split_of},
    protocol::Platform,
    time::UnixMillis,
};

/// The key of an issue, or a fingerprint.
pub(super) type Key = [u8; 16];

/// An error, as far as issues look at it.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) id: i64,
    pub(super) at: UnixMillis,
    pub(super) fingerprint: Key,
    pub(super) hidden: bool,
    pub(super) owner: Owner,
    pub(super) severity: Severity,
    /// By sort, in the order of [`SORTS`]: id and name.
    pub(super) members: [Option<(String, Option<String>)>; 5],
    /// An operator sent it again.
    pub(super) is_replay: bool,
}

/// What members there are, as they are kept.
pub(super) const SORTS: [&str; 5] = ["user", "key", "account", "model", "group"];

/// What a fingerprint stands for.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) fingerprint: Key,
    pub(super) platform: Platform,
    pub(super) phase: Phase,
    pub(super) cause: Cause,
    pub(super) status_code: Option<u16>,
    pub(super) provider_code: Option<String>,
    pub(super) title: String,
}

impl Kind {
    pub(super) fn facts(&self) -> KindFacts<'_> {
        KindFacts {
            fingerprint: self.fingerprint,
            platform: self.platform,
            cause: self.cause,
            status_code: self.status_code,
            title: &self.title,
        }
    }
}

/// Failures seen by clients, and hidden.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) seen: u64,
    pub(super) hidden: u64,
}

impl Count {
    fn add(&mut self, hidden: bool) {
        match hidden {
            true => self.hidden += 1,
            false => self.seen += 1,
        }
    }
}

/// One member's part.
#[derive(Debug, Clone)]
pub(super) struct MemberCount {
    pub(super) name: Option<String>,
    pub(super) count: Count,
    pub(super) last_seen: UnixMillis,
}

/// Which part of which issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) of: Key,
    pub(super) by: SplitBy,
    pub(super) value: String,
}

/// What a batch adds to one issue.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    /// One of its kinds, for a new issue to be called after.
    pub(super) kind: Key,
    pub(super) part: Option<Part>,
    pub(super) count: Count,
    pub(super) hours: BTreeMap<i64, Count>,
    pub(super) members: [HashMap<String, MemberCount>; 5],
    /// When it arrived, and its id.
    pub(super) first: (UnixMillis, i64),
    pub(super) last: (UnixMillis, i64),
    /// The newest that a client saw.
    pub(super) sample: Option<i64>,
    pub(super) owner: Owner,
    pub(super) severity: Severity,
}

/// Adds failures up by the issues that rules make of them. Every fingerprint is among the kinds.
pub(super) fn tally(
    failures: Vec<Failure>,
    kinds: &HashMap<Key, Kind>,
    rules: &[RuleBody],
) -> HashMap<Key, Tally> {
    let mut places: HashMap<Key, (Key, Option<SplitBy>)> = HashMap::new();
    let mut tallies: HashMap<Key, Tally> = HashMap::new();
    for failure in failures {
        let Some(kind) = kinds.get(&failure.fingerprint) else {
            continue;
        };
        let (issue, split) = *places.entry(failure.fingerprint).or_insert_with(|| {
            let issue = issue_of(&kind.facts(), rules);
            (issue, split_of(issue, rules))
        });
        let (key, part) = match split {
            None => (issue, None),
            Some(by) => {
                let value = failure.value_of(by);
                let part_of = Part {
                    of: issue,
                    by,
                    value: value.clone(),
                };
                (part(issue, by, &value), Some(part_of))
            }
        };
        tallies
            .entry(key)
            .or_insert_with(|| Tally::new(&failure, part))
            .add(failure);
    }
    tallies
}

impl Failure {
    fn value_of(&self, by: SplitBy) -> String {
        let at = match by {
            SplitBy::Key => 1,
            SplitBy::Account => 2,
            SplitBy::Model => 3,
            SplitBy::Group => 4,
        };
        let member = self.members[at].as_ref();
        member.map(|(id, _)| id.clone()).unwrap_or_default()
    }
}

impl Tally {
    fn new(first: &Failure, part: Option<Part>) -> Tally {
        Tally {
            kind: first.fingerprint,
            part,
            count: Count::default(),
            hours: BTreeMap::new(),
            members: Default::default(),
            first: (first.at, first.id),
            last: (first.at, first.id),
            sample: None,
            owner: first.owner,
            severity: first.severity,
        }
    }

    fn add(&mut self, failure: Failure) {
        let place = (failure.at, failure.id);
        self.count.add(failure.hidden);
        let hour = failure.at.0.div_euclid(HOUR_MS) * HOUR_MS;
        self.hours.entry(hour).or_default().add(failure.hidden);
        self.first = self.first.min(place);
        if !failure.hidden {
            // Errors come in the order of ids.
            self.sample = Some(failure.id);
        }
        if place >= self.last {
            self.last = place;
            self.owner = failure.owner;
            self.severity = failure.severity;
        }
        for (members, member) in self.members.iter_mut().zip(failure.members) {
            let Some((id, name)) = member else { continue };
            let member = members.entry(id).or_insert(MemberCount {
                name,
                count: Count::default(),
                last_seen: failure.at,
            });
            member.count.add(failure.hidden);
            member.last_seen = member.last_seen.max(failure.at);
        }
    }
}
