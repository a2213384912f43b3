//! Rows counted by every value of every attribute, and what stands out of it.
//!
//! Promises: the order of rows changes nothing.

use std::collections::HashMap;

use super::{
    ABSENT, Attribute, Compared, Count, Difference, Differences, FALSE_FINDINGS, Finding,
    LEAST_ROWS, LEAST_SCORE, LEAST_WITH, MOST_NAMED, OF_HEADERS, Seen, Side, TIME_PARTS, exact,
    sentence, share,
};
use crate::{time::UnixMillis, traits::Client};

/// One attribute's rows.
#[derive(Debug, Default)]
struct Values {
    known: Count,
    of: HashMap<String, Count>,
}

/// Rows as they are counted.
#[derive(Debug)]
pub struct Tally {
    start: UnixMillis,
    end: UnixMillis,
    rows: Count,
    /// In the order of [`Attribute::ALL`].
    attributes: Vec<Values>,
}

impl Tally {
    /// Nothing counted yet, of requests between two instants.
    pub fn between(start: UnixMillis, end: UnixMillis) -> Tally {
        Tally {
            start,
            end,
            rows: Count::default(),
            attributes: Attribute::ALL.iter().map(|_| Values::default()).collect(),
        }
    }

    /// Rows of a side so far.
    pub fn rows(&self, side: Side) -> u32 {
        match side {
            Side::Failure => self.rows.failures,
            Side::Success => self.rows.successes,
        }
    }

    /// Counts a row.
    pub fn add(&mut self, side: Side, seen: &Seen) {
        self.rows.add(side);
        let ids = [
            (Attribute::Account, seen.account_id),
            (Attribute::Group, seen.group_id),
            (Attribute::User, seen.user_id),
            (Attribute::ApiKey, seen.api_key_id),
            (Attribute::ConfigVersion, seen.config_version),
            (Attribute::BodySize, seen.body_bytes.map(band)),
            (Attribute::Time, Some(self.part(seen.created_at))),
        ];
        for (attribute, id) in ids {
            if let Some(id) = id {
                self.one(side, attribute, &id.to_string());
            }
        }
        let texts = [
            (Attribute::Platform, Some(seen.platform.as_str())),
            (Attribute::Model, seen.model.as_deref()),
            (Attribute::Endpoint, seen.endpoint.as_deref()),
            (Attribute::Egress, seen.egress.as_deref()),
            (
                Attribute::Stream,
                Some(if seen.stream { "true" } else { "false" }),
            ),
        ];
        for (attribute, text) in texts {
            if let Some(text) = text {
                self.one(side, attribute, text);
            }
        }
        match (seen.client.as_deref(), &seen.headers) {
            (Some(text), _) => {
                self.one(side, Attribute::Client, Client::read(text).product);
                self.one(side, Attribute::ClientVersion, text);
            }
            (None, Some(_)) => self.one(side, Attribute::Client, ABSENT),
            (None, None) => {}
        }
        if let Some(headers) = &seen.headers {
            self.headers(side, headers);
        }
    }

    fn headers(&mut self, side: Side, headers: &str) {
        for attribute in OF_HEADERS {
            let mut values: Vec<&str> = Vec::new();
            for line in headers.lines() {
                let value = line.strip_prefix(attribute.as_str());
                let value = value.and_then(|rest| rest.strip_prefix(": "));
                values.extend(value.filter(|value| !values.contains(value)));
            }
            if values.is_empty() {
                values.push(ABSENT);
            }
            self.values(attribute).known.add(side);
            for value in values {
                self.count(side, attribute, value);
            }
        }
    }

    /// A row's only value of an attribute.
    fn one(&mut self, side: Side, attribute: Attribute, value: &str) {
        self.values(attribute).known.add(side);
        self.count(side, attribute, value);
    }

    fn count(&mut self, side: Side, attribute: Attribute, value: &str) {
        let values = &mut self.values(attribute).of;
        match values.get_mut(value) {
            Some(count) => count.add(side),
            None => values.entry(value.to_owned()).or_default().add(side),
        }
    }

    fn values(&mut self, attribute: Attribute) -> &mut Values {
        &mut self.attributes[attribute as usize]
    }

    /// Where the part of the window begins that an instant lies in.
    fn part(&self, at: UnixMillis) -> i64 {
        let length = self.part_ms();
        let part = (at.0 - self.start.0).div_euclid(length);
        self.start.0 + part.clamp(0, TIME_PARTS - 1) * length
    }

    fn part_ms(&self) -> i64 {
        let length = self.end.0.saturating_sub(self.start.0);
        (length.saturating_add(TIME_PARTS - 1) / TIME_PARTS).max(1)
    }

    /// What stands out, most first. `name` gives an id's name, where it has one.
    pub fn differences<E>(
        &self,
        mut name: impl FnMut(Attribute, i64) -> Result<Option<String>, E>,
    ) -> Result<Vec<Difference>, E> {
        if self.is_too_small() {
            return Ok(Vec::new());
        }
        let mut found = self.found();
        found.truncate(MOST_NAMED);
        found
            .into_iter()
            .map(|found| {
                let given = match (found.attribute.is_named(), found.value.parse()) {
                    (true, Ok(id)) => name(found.attribute, id)?,
                    _ => None,
                };
                Ok(self.told(found, given))
            })
            .collect()
    }

    /// The whole answer.
    pub fn answer(&self, attributes: Vec<Difference>, sampled: bool) -> Differences {
        let finding = match (self.is_too_small(), attributes.is_empty()) {
            (true, _) => Finding::TooFew,
            (false, true) => Finding::NothingStandsOut,
            (false, false) => Finding::StandsOut,
        };
        Differences {
            failures: self.rows.failures.into(),
            successes: self.rows.successes.into(),
            sampled,
            window: Compared {
                start_time: self.start,
                end_time: self.end,
            },
            finding,
            summary: sentence::summary(finding, self.rows, &attributes, sampled),
            attributes,
        }
    }

    fn is_too_small(&self) -> bool {
        self.rows.failures < LEAST_ROWS || self.rows.successes < LEAST_ROWS
    }

    fn found(&self) -> Vec<Found<'_>> {
        let most = self.rows.failures + self.rows.successes;
        let exact = exact::Exact::up_to(most);
        let mut tested: Vec<Found<'_>> = Vec::new();
        for (attribute, values) in Attribute::ALL.iter().zip(&self.attributes) {
            for (value, &with) in &values.of {
                // Chosen by what is fixed under the test: how many rows have it.
                if with.failures + with.successes >= LEAST_WITH {
                    tested.push(Found {
                        attribute: *attribute,
                        value,
                        with,
                        known: values.known,
                        chance: exact.chance(with, values.known),
                        score: exact::score(with, values.known),
                    });
                }
            }
        }
        let limit = exact::limit(tested.iter().map(|found| found.chance), FALSE_FINDINGS);
        tested.retain(|found| {
            found.chance <= limit && found.with.failures >= LEAST_WITH && found.score >= LEAST_SCORE
        });
        tested.sort_by(|a, b| {
            let by_score = b.score.total_cmp(&a.score);
            let by_name = || (a.attribute, a.value).cmp(&(b.attribute, b.value));
            by_score.then_with(by_name)
        });
        tested
    }

    fn told(&self, found: Found<'_>, given: Option<String>) -> Difference {
        let Found {
            attribute,
            value,
            with,
            known,
            score,
            ..
        } = found;
        let (value, name) = self.spelled(attribute, value, given);
        Difference {
            sentence: sentence::sentence(attribute, &value, &name, with, known, self.rows),
            attribute,
            value,
            name,
            failures: with.failures.into(),
            failures_known: known.failures.into(),
            failure_share: share(with.failures, known.failures),
            successes: with.successes.into(),
            successes_known: known.successes.into(),
            success_share: share(with.successes, known.successes),
            score,
        }
    }

    /// A value as the API spells it, and as people know it.
    fn spelled(
        &self,
        attribute: Attribute,
        value: &str,
        given: Option<String>,
    ) -> (String, String) {
        let number = value.parse::<i64>().ok();
        match (attribute, number) {
            (Attribute::Time, Some(from)) => {
                let to = UnixMillis(from).plus_ms(self.part_ms()).min(self.end);
                let from = UnixMillis(from).to_string();
                (from.clone(), format!("{from} to {to}"))
            }
            (Attribute::BodySize, Some(bytes)) => (value.to_owned(), sentence::band(bytes)),
            (Attribute::ConfigVersion, Some(version)) => {
                (value.to_owned(), sentence::configuration(version))
            }
            _ => (value.to_owned(), given.unwrap_or_else(|| value.to_owned())),
        }
    }
}

/// A value that was tested.
struct Found<'t> {
    attribute: Attribute,
    value: &'t str,
    with: Count,
    known: Count,
    chance: f64,
    score: f64,
}

/// The lower end of the band of sizes, powers of 4, that a size lies in; 0 for nothing.
pub(super) fn band(bytes: i64) -> i64 {
    match u64::try_from(bytes).unwrap_or(0).checked_ilog2() {
        None => 0,
        Some(log) => 1 << (log & !1),
    }
}
