//! Requests, added up in memory.

use std::collections::{BTreeMap, HashMap};

use waybill_model::{
    protocol::Platform,
    rollup::{By, CauseCount, Counts, Facet, Scope, Seen, Sketches, Span, Why},
    time::UnixMillis,
};

use super::{
    LENGTHS, Length, Minutes,
    name::{Name, Part},
};

/// What is added up under one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) counts: Counts,
    pub(super) causes: BTreeMap<Why, u64>,
    pub(super) sketches: Sketches,
}

impl Sum {
    pub(super) fn add(&mut self, other: &Sum) {
        self.counts.add(&other.counts);
        for (why, count) in &other.causes {
            *self.causes.entry(*why).or_default() += count;
        }
        self.sketches.merge(&other.sketches);
    }

    fn because(&mut self, why: Option<Why>) {
        if let Some(why) = why {
            *self.causes.entry(why).or_default() += 1;
        }
    }

    /// Why, the most frequent first.
    pub(super) fn causes(&self) -> Vec<CauseCount> {
        let causes = self.causes.iter();
        let mut causes: Vec<CauseCount> = causes
            .map(|(why, count)| CauseCount {
                why: *why,
                count: *count,
            })
            .collect();
        causes.sort_by(|one, other| other.count.cmp(&one.count).then(one.why.cmp(&other.why)));
        causes
    }
}

/// Under which names requests are added up.
#[derive(Debug, Clone)]
pub(super) enum Pick {
    /// Each value of every facet.
    Every,
    /// Each value of one.
    Each(Facet),
    /// One scope, whether or not a facet has it: as the one value of [`Facet::All`].
    One(Scope),
}

/// A value of a facet, small enough to be looked up for every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Value {
    Nothing,
    Platform(Platform),
    Id(i64),
    Model(u32),
    Pair(i64, u32),
}

/// What requests add up to, by the minutes of their arrival and end.
#[derive(Debug)]
pub(super) struct Tally {
    pick: Pick,
    sums: HashMap<(Minutes, Name, Value), Sum>,
    models: HashMap<String, u32>,
}

impl Tally {
    pub(super) fn of(pick: Pick) -> Tally {
        Tally {
            pick,
            sums: HashMap::new(),
            models: HashMap::new(),
        }
    }

    /// Adds a request where it arrived and ended.
    pub(super) fn add(&mut self, seen: &Seen) {
        self.add_to(Part::Whole, seen);
        if seen.is_token_count_error() {
            self.add_to(Part::TokenCountErrors, seen);
        }
    }

    fn add_to(&mut self, part: Part, seen: &Seen) {
        let minute = [By::Arrival, By::End].map(|by| Span::Minute.begin(seen.moment(by)));
        let minute: Minutes = minute.into();
        let own = seen.own_counts();
        for (facet, value) in self.names(&seen.scope).into_iter().flatten() {
            let stages = self.measures_stages(facet);
            let place = (minute, Name { facet, part }, value);
            let sum = self.sums.entry(place).or_default();
            sum.counts.add(&own);
            sum.because(seen.failed);
            sum.because(seen.recovered);
            if part == Part::Whole {
                seen.measure(&mut sum.sketches, stages);
            }
        }
        if seen.attempts_failed == 0 && seen.failures.is_empty() {
            return;
        }
        for (scope, counts, why) in seen.failed_counts() {
            for (facet, value) in self.names(&scope).into_iter().flatten() {
                let place = (minute, Name { facet, part }, value);
                let sum = self.sums.entry(place).or_default();
                sum.counts.add(&counts);
                sum.because(why);
            }
        }
    }

    fn measures_stages(&self, facet: Facet) -> bool {
        match &self.pick {
            Pick::Every | Pick::Each(_) => facet.has_stages(),
            Pick::One(scope) => scope.facet().is_none_or(|(facet, _)| facet.has_stages()),
        }
    }

    /// What something is counted under.
    fn names(&mut self, scope: &Scope) -> [Option<(Facet, Value)>; Facet::ALL.len()] {
        let mut names = [None; Facet::ALL.len()];
        match &self.pick {
            Pick::Every => {
                for (name, facet) in names.iter_mut().zip(Facet::ALL) {
                    *name = self.value(*facet, scope).map(|value| (*facet, value));
                }
            }
            Pick::Each(facet) => {
                let facet = *facet;
                names[0] = self.value(facet, scope).map(|value| (facet, value));
            }
            Pick::One(wanted) => {
                names[0] = wanted.holds(scope).then_some((Facet::All, Value::Nothing));
            }
        }
        names
    }

    fn value(&mut self, facet: Facet, scope: &Scope) -> Option<Value> {
        let model = |models: &mut HashMap<String, u32>| {
            let model = scope.model.as_deref()?;
            if let Some(number) = models.get(model) {
                return Some(*number);
            }
            let number = u32::try_from(models.len()).ok()?;
            models.insert(model.to_owned(), number);
            Some(number)
        };
        Some(match facet {
            Facet::All => Value::Nothing,
            Facet::Platform => Value::Platform(scope.platform?),
            Facet::Group => Value::Id(scope.group_id?),
            Facet::Account => Value::Id(scope.account_id?),
            Facet::Key => Value::Id(scope.api_key_id?),
            Facet::User => Value::Id(scope.user_id?),
            Facet::Model => Value::Model(model(&mut self.models)?),
            Facet::GroupModel => Value::Pair(scope.group_id?, model(&mut self.models)?),
            Facet::AccountModel => Value::Pair(scope.account_id?, model(&mut self.models)?),
        })
    }

    /// What was added up, by minutes.
    pub(super) fn minutes(self) -> impl Iterator<Item = (Minutes, Name, String, Sum)> {
        let mut models = vec![String::new(); self.models.len()];
        for (model, number) in self.models {
            models[number as usize] = model;
        }
        self.sums
            .into_iter()
            .map(move |((minute, name, value), sum)| {
                let value = match value {
                    Value::Nothing => String::new(),
                    Value::Platform(platform) => platform.as_str().to_owned(),
                    Value::Id(id) => id.to_string(),
                    Value::Model(model) => models[model as usize].clone(),
                    Value::Pair(id, model) => format!("{id}/{}", models[model as usize]),
                };
                (minute, name, value, sum)
            })
    }

    /// The same by every length, in the order in which it is written.
    pub(super) fn spans(self) -> Spans {
        let mut spans: Spans = BTreeMap::new();
        for (minute, name, value, sum) in self.minutes() {
            for length in LENGTHS.into_iter().filter(|length| length.has(name.facet)) {
                let place = Place {
                    length,
                    name,
                    begin: length.begin(minute),
                };
                let values = spans.entry(place).or_default();
                values.entry(value.clone()).or_default().add(&sum);
            }
        }
        spans
    }
}

/// Which roll-up: all of it but the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) length: Length,
    pub(super) name: Name,
    pub(super) begin: UnixMillis,
}

/// By place: what the values of its facet add up to.
pub(super) type Spans = BTreeMap<Place, BTreeMap<String, Sum>>;
