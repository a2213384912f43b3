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
    /// doing, and what was cut off, does not count. The one definition of the provider's side.
    pub fn provider_level(&self) -> Share {
        let ended = self.attempts_ended();
        Share {
            part: ended.saturating_sub(self.attempts_failed),
            of: ended.saturating_sub(self.attempts_client) + self.unserved,
        }
    }

    /// Attempts that failed otherwise than by limits and by the client's own doing, of all that came to an end.
    pub fn upstream_error_rate(&self) -> Share {
        self.of_attempts(self.attempts_failed_otherwise())
    }

    /// Attempts answered with 429, of all that came to an end.
    pub fn upstream_rate_429(&self) -> Share {
        self.of_attempts(self.attempts_429)
    }

    /// Attempts answered with 529, of all that came to an end.
    pub fn upstream_rate_529(&self) -> Share {
        self.of_attempts(self.attempts_529)
    }

    fn of_attempts(&self, part: u64) -> Share {
        Share {
            part,
            of: self.attempts_ended(),
        }
    }

    /// Attempts that delivered or failed: all that were not cut off.
    pub fn attempts_ended(&self) -> u64 {
        self.attempts.saturating_sub(self.attempts_cut_off)
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

    /// What is missing of what providers were to deliver: [`Counts::provider_level`], seen from the other side.
    pub fn provider_side(&self) -> Counted {
        let level = self.provider_level();
        Counted {
            total: level.of,
            bad: level.of.saturating_sub(level.part),
        }
    }
}
