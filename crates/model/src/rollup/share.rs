//! What counts come to: shares and levels.
//!
//! Promises: what belongs into a share, and what does not, is decided here.

use serde::{Deserialize, Serialize};

use super::Counts;
use crate::objective::Counted;

/// A share, exact: so many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Share {
    /// How many are meant.
    pub part: u64,
    /// Of how many.
    pub of: u64,
}

impl Share {
    /// In per cent; `None` of nothing.
    pub fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| self.part as f64 * 100.0 / self.of as f64)
    }
}

impl Counts {
    /// What clients saw, after failover: successes of all requests that count. What was the client's own doing, a
    /// limit of its own, or given up by it, does not.
    pub fn service_level(&self) -> Share {
        Share {
            part: self.successes,
            of: self.successes + self.failures,
        }
    }

    /// What failed, of all requests that count: what is missing of the service level.
    pub fn error_rate(&self) -> Share {
        Share {
            part: self.failures,
            of: self.successes + self.failures,
        }
    }

    /// What providers and their accounts delivered, before failover: attempts that did not fail, of all attempts
    /// and of those that could not be made because no account was free of limits. What fails by the client's own
    /// doing does not count.
    pub fn provider_level(&self) -> Share {
        Share {
            part: self.attempts - self.attempts_failed,
            of: self.attempts - self.attempts_client + self.unserved,
        }
    }

    /// Attempts that failed otherwise than by a limit (429), want of capacity (529), or the client's own doing.
    pub fn attempts_failed_otherwise(&self) -> u64 {
        self.attempts_failed
            .saturating_sub(self.attempts_429 + self.attempts_529 + self.attempts_client)
    }

    /// Tokens of prompts and answers.
    pub fn tokens(&self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}

impl Counts {
    /// What clients saw: of what counts, what failed.
    pub fn client_side(&self) -> Counted {
        Counted {
            total: self.successes + self.failures,
            bad: self.failures,
        }
    }

    /// What providers delivered: of the attempts that were not at fault themselves, those that failed.
    pub fn provider_side(&self) -> Counted {
        Counted {
            total: self.attempts.saturating_sub(self.attempts_client),
            bad: self.attempts_failed.saturating_sub(self.attempts_client),
        }
    }
}
