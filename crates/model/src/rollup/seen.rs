//! One request that is over, and what it counts.
//!
//! Promises: a request and its attempts are counted here and nowhere else.

use super::{By, Class, Counts, Scope, Sketches, Why};
use crate::{cause::Owner, protocol::Platform, time::UnixMillis};

/// A request that is over, with what roll-ups look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// When it arrived.
    pub at: UnixMillis,
    /// What it has; the account and the platform are those of its last attempt.
    pub scope: Scope,
    /// Status the client was sent.
    pub status: u16,
    /// Whether it asks for a count of tokens.
    pub counts_tokens: bool,
    /// Why it failed; `None` for a success.
    pub failed: Option<Why>,
    /// It succeeded after hidden failures.
    pub is_recovered: bool,
    /// Why the last of these happened, as far as that is known.
    pub recovered: Option<Why>,
    /// Whether no account could be asked because of providers.
    pub unserved: bool,
    /// Attempts that were made, and how many of them failed.
    pub attempts: u64,
    /// How many of them failed; at least as many as are listed.
    pub attempts_failed: u64,
    /// The failed ones: whom they asked, and why they failed.
    pub failures: Vec<FailedAttempt>,
    /// Tokens and cost, in the order of [`Counts`].
    pub usage: [u64; 5],
    /// From arrival to end.
    pub duration_ms: u64,
    /// From arrival to the first content.
    pub first_token_ms: Option<u64>,
    /// Auth, routing, upstream, response.
    pub stages: [Option<u64>; 4],
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedAttempt {
    /// The account it asked.
    pub account_id: i64,
    /// That one's platform.
    pub platform: Platform,
    /// Why.
    pub why: Why,
}

impl Seen {
    /// What the request itself counts, and those of its attempts that did not fail.
    pub fn own_counts(&self) -> Counts {
        let [
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_write_tokens,
            cost_micro_usd,
        ] = self.usage;
        let mut counts = Counts {
            requests: 1,
            attempts: self.attempts_not_failed(),
            attempts_cut_off: self.attempts_cut_off(),
            token_counts: u64::from(self.counts_tokens),
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_write_tokens,
            cost_micro_usd,
            ..Counts::default()
        };
        match self.class() {
            Class::Success => {
                counts.successes = 1;
                counts.recovered = u64::from(self.is_recovered);
            }
            Class::Failure => {
                counts.failures = 1;
                counts.broken_answers = u64::from(self.status < 400);
                counts.unserved = u64::from(self.unserved);
                counts.token_count_failures = u64::from(self.counts_tokens);
            }
            Class::ClientError => counts.client_errors = 1,
            Class::BusinessLimited => counts.business_limited = 1,
            Class::ClientGone => counts.client_gone = 1,
        }
        counts
    }

    /// One of its moments.
    pub fn moment(&self, by: By) -> UnixMillis {
        match by {
            By::Arrival => self.at,
            By::End => self
                .at
                .plus_ms(i64::try_from(self.duration_ms).unwrap_or(i64::MAX)),
        }
    }

    /// How it counts.
    pub fn class(&self) -> Class {
        match self.failed {
            None => Class::Success,
            Some(why) => Class::of(why.cause, why.owner, why.is_business_limited),
        }
    }

    /// Attempts that did not fail: those of its last account.
    pub fn attempts_not_failed(&self) -> u64 {
        let listed = self.failures.len() as u64;
        self.attempts
            .saturating_sub(self.attempts_failed.max(listed))
    }

    /// Of these, those that did not deliver either: of a request that failed, an attempt that did not was cut off
    /// when its client left. Nobody knows what would have become of it.
    pub fn attempts_cut_off(&self) -> u64 {
        match self.failed {
            Some(_) => self.attempts_not_failed(),
            None => 0,
        }
    }

    /// Its failed attempts: whom each asked, what it counts, and why it failed. Those that are not listed are
    /// nobody's in particular: they have no account.
    pub fn failed_counts(&self) -> impl Iterator<Item = (Scope, Counts, Option<Why>)> + '_ {
        let unlisted = self
            .attempts_failed
            .saturating_sub(self.failures.len() as u64);
        let unlisted = (unlisted > 0).then(|| {
            let counts = Counts {
                attempts: unlisted,
                attempts_failed: unlisted,
                ..Counts::default()
            };
            let scope = Scope {
                account_id: None,
                ..self.scope.clone()
            };
            (scope, counts, None)
        });
        let failed = self.failures.iter().map(|failure| {
            let is_client = failure.why.owner == Owner::Client;
            let answered = |status| u64::from(!is_client && failure.why.status == status);
            let counts = Counts {
                attempts: 1,
                attempts_failed: 1,
                attempts_client: u64::from(is_client),
                attempts_429: answered(429),
                attempts_529: answered(529),
                ..Counts::default()
            };
            let scope = Scope {
                account_id: Some(failure.account_id),
                platform: Some(failure.platform),
                ..self.scope.clone()
            };
            (scope, counts, Some(failure.why))
        });
        failed.chain(unlisted)
    }

    /// Puts what was measured into sketches; stages only where they are wanted.
    pub fn measure(&self, sketches: &mut Sketches, stages: bool) {
        if self.failed.is_none() {
            sketches.duration.add(self.duration_ms);
            if let Some(ms) = self.first_token_ms {
                sketches.first_token.add(ms);
            }
        }
        if stages {
            let measured = [
                &mut sketches.auth,
                &mut sketches.routing,
                &mut sketches.upstream,
                &mut sketches.response,
            ];
            for (sketch, ms) in measured.into_iter().zip(self.stages) {
                if let Some(ms) = ms {
                    sketch.add(ms);
                }
            }
        }
    }
}
