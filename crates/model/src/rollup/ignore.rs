//! What is left out of numbers. It is decided when they are read and never when they are written: nothing is lost,
//! and a switch works backwards in time.
//!
//! Promises: pure; rows and roll-ups are left out alike. Requests stay the sum of their five classes. What was used
//! stays used: tokens and cost are those of all requests, and so are durations.

use serde::{Deserialize, Serialize};

use super::{CauseCount, Class, Counts, Seen, Side, Why};

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Ignore {
    /// Requests that count tokens and failed, with their attempts.
    pub count_tokens_errors: bool,
    /// Requests whose client went away. Their attempts stay: they say something of providers.
    pub client_cancellations: bool,
    /// Requests that were refused because their API key is missing or unknown. They are nobody's: where they count,
    /// they do so where nothing narrows the question.
    pub invalid_api_keys: bool,
}

impl Default for Ignore {
    fn default() -> Self {
        Ignore {
            count_tokens_errors: false,
            client_cancellations: false,
            invalid_api_keys: true,
        }
    }
}

/// What was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Requests that count tokens and failed.
    pub count_tokens_errors: u64,
    /// Requests whose client went away.
    pub client_cancellations: u64,
    /// Why they failed, where causes were asked for.
    pub causes: Vec<CauseCount>,
}

impl Ignore {
    /// Leaves out of counts what is to be. `token_count_errors`: what requests that count tokens and failed count
    /// among them.
    pub fn apply(&self, counts: &mut Counts, token_count_errors: &Counts) -> LeftOut {
        let mut left_out = LeftOut::default();
        if self.count_tokens_errors {
            counts.leave_out(token_count_errors);
            // What was rolled up before such requests were added up by themselves: their failures are known alone.
            let others = counts.token_count_failures;
            counts.leave_out(&Counts {
                requests: others,
                failures: others,
                token_counts: others,
                token_count_failures: others,
                ..Counts::default()
            });
            left_out.count_tokens_errors = token_count_errors.requests + others;
        }
        if self.client_cancellations {
            left_out.client_cancellations = counts.client_gone;
            counts.requests -= counts.client_gone.min(counts.requests);
            counts.client_gone = 0;
        }
        left_out
    }

    /// Whether failures of a kind are left out, whatever their requests were for.
    pub fn leaves_out(&self, why: &Why) -> bool {
        let class = Class::of(why.cause, why.owner, why.is_business_limited);
        self.client_cancellations && why.side == Side::Failed && class == Class::ClientGone
    }
}

impl LeftOut {
    /// How many requests that are.
    pub fn requests(&self) -> u64 {
        self.count_tokens_errors + self.client_cancellations
    }

    /// Adds what was left out elsewhere.
    pub fn add(&mut self, other: &LeftOut) {
        self.count_tokens_errors += other.count_tokens_errors;
        self.client_cancellations += other.client_cancellations;
        self.causes.extend(other.causes.iter().copied());
    }
}

impl Counts {
    /// Without some of the requests, but for what they used.
    fn leave_out(&mut self, others: &Counts) {
        let all = *self;
        self.subtract(others);
        *self = Counts {
            input_tokens: all.input_tokens,
            output_tokens: all.output_tokens,
            cache_read_tokens: all.cache_read_tokens,
            cache_write_tokens: all.cache_write_tokens,
            cost_micro_usd: all.cost_micro_usd,
            ..*self
        };
    }
}

impl Seen {
    /// Whether it counts tokens and failed. One whose client went away is that, and nothing else.
    pub fn is_token_count_error(&self) -> bool {
        let is_error = match self.class() {
            Class::Failure | Class::ClientError | Class::BusinessLimited => true,
            Class::Success | Class::ClientGone => false,
        };
        self.counts_tokens && is_error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 requests, of which 10 count tokens and failed: 6 against the service, 3 by the client's doing, one for a
    /// limit; and 5 whose client left.
    fn all() -> (Counts, Counts) {
        let all = Counts {
            requests: 100,
            successes: 70,
            failures: 15,
            unserved: 2,
            client_errors: 8,
            business_limited: 2,
            client_gone: 5,
            token_counts: 20,
            token_count_failures: 6,
            attempts: 120,
            attempts_failed: 30,
            attempts_client: 8,
            attempts_429: 7,
            input_tokens: 1_000,
            cost_micro_usd: 500,
            ..Counts::default()
        };
        let errors = Counts {
            requests: 10,
            failures: 6,
            unserved: 1,
            client_errors: 3,
            business_limited: 1,
            token_counts: 10,
            token_count_failures: 6,
            attempts: 9,
            attempts_failed: 9,
            attempts_client: 3,
            attempts_429: 2,
            input_tokens: 40,
            ..Counts::default()
        };
        (all, errors)
    }

    fn classes(counts: &Counts) -> u64 {
        counts.successes
            + counts.failures
            + counts.client_errors
            + counts.business_limited
            + counts.client_gone
    }

    #[test]
    fn whatever_is_left_out_requests_are_the_sum_of_their_classes_and_use_stays() {
        // (count tokens, cancellations) → (requests, failures, client gone, attempts, level's whole)
        for (count_tokens, cancellations, expected) in [
            (false, false, (100, 15, 5, 120, 114)),
            (true, false, (90, 9, 5, 111, 107)),
            (false, true, (95, 15, 0, 120, 114)),
            (true, true, (85, 9, 0, 111, 107)),
        ] {
            let ignore = Ignore {
                count_tokens_errors: count_tokens,
                client_cancellations: cancellations,
                ..Ignore::default()
            };
            let (mut counts, errors) = all();
            let left_out = ignore.apply(&mut counts, &errors);
            assert_eq!(
                (
                    counts.requests,
                    counts.failures,
                    counts.client_gone,
                    counts.attempts,
                    counts.provider_level().of
                ),
                expected,
                "{ignore:?}"
            );
            assert_eq!(classes(&counts), counts.requests, "{ignore:?}");
            assert_eq!((counts.input_tokens, counts.cost_micro_usd), (1_000, 500));
            assert_eq!(
                left_out.count_tokens_errors + left_out.client_cancellations,
                100 - counts.requests
            );
        }
    }

    #[test]
    fn of_what_was_rolled_up_before_they_were_told_apart_failures_alone_are_left_out() {
        let ignore = Ignore {
            count_tokens_errors: true,
            ..Ignore::default()
        };
        let (mut counts, _) = all();
        let left_out = ignore.apply(&mut counts, &Counts::default());
        assert_eq!(left_out.count_tokens_errors, 6);
        assert_eq!((counts.requests, counts.failures), (94, 9));
        assert_eq!(classes(&counts), counts.requests);
        assert_eq!(counts.attempts, 120);
    }
}
