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
mod tally;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::tally::Tally;
use crate::{time::UnixMillis, words};

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
    /// The program, as [`Client`](crate::traits::Client) spells it.
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
pub struct Compared {
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
    pub window: Compared,
    /// What came of it.
    pub finding: Finding,
    /// The same in words.
    pub summary: String,
    /// What stands out, most first.
    pub attributes: Vec<Difference>,
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

fn share(part: u32, whole: u32) -> f64 {
    match whole {
        0 => 0.0,
        _ => f64::from(part) / f64::from(whole),
    }
}
