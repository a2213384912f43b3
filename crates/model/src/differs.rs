//! What is different about failures: which values of which attributes they have more often than successes.
//!
//! How it is judged. For every value: failures with and without it, successes with and without it, of the rows
//! whose attribute is known. Fisher's exact test, one-sided, says how likely so many failures with it are by
//! chance; Benjamini and Hochberg's procedure over all values keeps the share of false findings under
//! [`FALSE_FINDINGS`]. What passes is ranked by [`Difference::score`]: how much larger the share among failures
//! is *at least*, the lower end of Newcombe's 95 % interval of the difference of two shares.
//!
//! Promises: pure; the order of rows changes nothing; few rows are said to be too few. It names values that go
//! with failures, which need not be their reason; values of several attributes that go together are all named.

mod exact;
mod sentence;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{time::UnixMillis, traits::Client, words};

/// Largest share of false findings among what stands out, on average.
pub const FALSE_FINDINGS: f64 = 0.01;

/// Fewer failures, or successes, say nothing.
pub const LEAST_ROWS: u32 = 5;

/// A value of fewer failures does not stand out, whatever the arithmetic.
pub const LEAST_WITH: u32 = 5;

/// A smaller difference of shares is nothing to look at.
pub const LEAST_SCORE: f64 = 0.02;

/// Differences that are named.
pub const MOST_NAMED: usize = 50;

/// Parts of the window that are told apart.
pub const TIME_PARTS: i64 = 12;

/// The value of a header that was not sent, and of a client that says no name.
pub const ABSENT: &str = "none";

words! {
    /// What a request has a value of.
    pub enum Attribute {
        /// Account of the last attempt.
        Account = "account",
        /// Group.
        Group = "group",
        /// Platform of the account, else of the client's protocol.
        Platform = "platform",
        /// Model the client named.
        Model = "model",
        /// API key.
        ApiKey = "api_key",
        /// User.
        User = "user",
        /// The program that asked, by `user-agent`.
        Client = "client",
        /// The program with its version.
        ClientVersion = "client_version",
        /// Values of `anthropic-beta`, one by one.
        AnthropicBeta = "anthropic-beta",
        /// Value of `anthropic-version`.
        AnthropicVersion = "anthropic-version",
        /// Values of `openai-beta`, one by one.
        OpenAiBeta = "openai-beta",
        /// Value of `x-stainless-lang`.
        StainlessLang = "x-stainless-lang",
        /// Size of the body, between powers of 4: the lower end in bytes.
        BodySize = "body_size",
        /// Whether a stream was asked for.
        Stream = "stream",
        /// What was asked for.
        Endpoint = "endpoint",
        /// Which twelfth of the window: its beginning.
        Time = "time",
        /// Which configuration was in force.
        ConfigVersion = "config_version",
        /// The proxy through which the provider was asked, or `direct`.
        Egress = "egress",
    }
}

/// Attributes that are headers, spelled as these.
const OF_HEADERS: [Attribute; 4] = [
    Attribute::AnthropicBeta,
    Attribute::AnthropicVersion,
    Attribute::OpenAiBeta,
    Attribute::StainlessLang,
];

/// What a row says of its request; `None` where it does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// When it arrived.
    pub created_at: UnixMillis,
    /// Platform.
    pub platform: String,
    /// Account.
    pub account_id: Option<i64>,
    /// Group.
    pub group_id: Option<i64>,
    /// User.
    pub user_id: Option<i64>,
    /// Key.
    pub api_key_id: Option<i64>,
    /// Model.
    pub model: Option<String>,
    /// Endpoint.
    pub endpoint: Option<String>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The program, as [`Client`] spells it.
    pub client: Option<String>,
    /// Lines of `header: value`. Where they are known, a client that is not is one without a name.
    pub headers: Option<String>,
    /// Configuration.
    pub config_version: Option<i64>,
    /// Proxy or `direct`.
    pub egress: Option<String>,
    /// Size of the body.
    pub body_bytes: Option<i64>,
}

/// Which of the two a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A failure that was asked about.
    Failure,
    /// A success it is compared with.
    Success,
}

/// How many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    failures: u32,
    successes: u32,
}

impl Count {
    fn add(&mut self, side: Side) {
        match side {
            Side::Failure => self.failures += 1,
            Side::Success => self.successes += 1,
        }
    }
}

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

/// One value that stands out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Difference {
    /// Of what.
    pub attribute: Attribute,
    /// The value: an id, a word, a number.
    pub value: String,
    /// The value as people know it.
    pub name: String,
    /// Failures with it.
    pub failures: u64,
    /// Failures of which it is known.
    pub failures_known: u64,
    /// Share of the one in the other.
    pub failure_share: f64,
    /// Successes with it.
    pub successes: u64,
    /// Successes of which it is known.
    pub successes_known: u64,
    /// Share of the one in the other.
    pub success_share: f64,
    /// By how much the one share is larger than the other at least (95 %).
    pub score: f64,
    /// The same in words.
    pub sentence: String,
}

words! {
    /// What came of the comparison.
    pub enum Finding {
        /// Something stands out.
        StandsOut = "stands_out",
        /// Failures are spread as successes are.
        NothingStandsOut = "nothing_stands_out",
        /// There are too few failures, or successes, to tell.
        TooFew = "too_few",
    }
}

/// The instants that were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Window {
    /// From here on.
    pub start_time: UnixMillis,
    /// Before here.
    pub end_time: UnixMillis,
}

/// `GET errors/differences`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Differences {
    /// Failures that were looked at.
    pub failures: u64,
    /// Successes that they were compared with.
    pub successes: u64,
    /// Whether there are more of either.
    pub sampled: bool,
    /// What was compared. It begins with the oldest of the failures where there are more than are looked at.
    pub window: Window,
    /// What came of it.
    pub finding: Finding,
    /// The same in words.
    pub summary: String,
    /// What stands out, most first.
    pub attributes: Vec<Difference>,
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
            window: Window {
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
            found.chance <= limit
                && found.with.failures >= LEAST_WITH
                && found.score >= LEAST_SCORE
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
    fn spelled(&self, attribute: Attribute, value: &str, given: Option<String>) -> (String, String) {
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

impl Attribute {
    /// Whether its values are ids of what has a name.
    pub const fn is_named(self) -> bool {
        matches!(
            self,
            Attribute::Account | Attribute::Group | Attribute::ApiKey | Attribute::User
        )
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

fn share(part: u32, whole: u32) -> f64 {
    match whole {
        0 => 0.0,
        _ => f64::from(part) / f64::from(whole),
    }
}

/// The lower end of the band of sizes, powers of 4, that a size lies in; 0 for nothing.
fn band(bytes: i64) -> i64 {
    match u64::try_from(bytes).unwrap_or(0).checked_ilog2() {
        None => 0,
        Some(log) => 1 << (log & !1),
    }
}
