//! What an account may use, as data: the same words in Rust, in a file and over HTTP.

use serde::{Deserialize, Serialize};

/// A limit that a provider keeps for each account (credential) it applies to.
///
/// Every limit that applies to a request must have room, else the request is refused as the provider does
/// it and counts against none of them. Requests that a rule answers with a fault do not count either.
///
/// Limits per minute are buckets that are full at first and refill steadily; a request with more tokens
/// than the bucket holds takes all of it. Tokens are those of the prompt and the answer together. Days are
/// UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limit {
    /// Only for these credentials (`*` matches any run of characters); each has a count of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Only for these models (`*` as above), counted together; absent: all models together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Requests per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Requests per day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_day: Option<u64>,
    /// Requests at one time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u64>,
}

impl Limit {
    /// A limit for these credentials that allows everything so far.
    pub fn of(key: &str) -> Self {
        Limit {
            key: Some(key.to_owned()),
            ..Limit::default()
        }
    }

    /// Only for these models.
    #[must_use]
    pub fn model(mut self, model: &str) -> Self {
        self.model = Some(model.to_owned());
        self
    }

    /// So many requests per minute.
    #[must_use]
    pub fn requests_per_minute(mut self, limit: u64) -> Self {
        self.requests_per_minute = Some(limit);
        self
    }

    /// So many tokens per minute.
    #[must_use]
    pub fn tokens_per_minute(mut self, limit: u64) -> Self {
        self.tokens_per_minute = Some(limit);
        self
    }

    /// So many requests per day.
    #[must_use]
    pub fn requests_per_day(mut self, limit: u64) -> Self {
        self.requests_per_day = Some(limit);
        self
    }

    /// So many requests at one time.
    #[must_use]
    pub fn concurrency(mut self, limit: u64) -> Self {
        self.concurrency = Some(limit);
        self
    }
}
