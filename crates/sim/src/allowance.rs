//! What accounts have used of their limits, and whether a request still fits.
//!
//! Promises: depends on the requests and the clock alone; a request is charged to all limits that apply
//! to it or to none.
//!
//! Must not know: how a provider words a refusal.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;
use waybill_model::time::UnixMillis;

use crate::{limit::Limit, provider::errors::ProviderError, script::like_or_absent};

const DAY_MS: i64 = 86_400_000;

/// Every limit in force and what was used of it.
#[derive(Debug, Default)]
pub struct Allowances(Mutex<Vec<Kept>>);

/// A limit and how often it was met.
#[derive(Debug, Clone, Serialize)]
pub struct LimitState {
    /// The limit.
    #[serde(flatten)]
    pub limit: Limit,
    /// Requests it refused.
    pub refused: u64,
}

#[derive(Debug)]
struct Kept {
    state: LimitState,
    accounts: HashMap<String, Account>,
}

/// What one credential used of one limit.
#[derive(Debug)]
struct Account {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    day: i64,
    used_in_day: u64,
    in_flight: Arc<()>,
}

/// A request that fits. Dropping [`Admitted::places`] gives back its places among those at one time.
#[derive(Debug, Default)]
pub struct Admitted {
    /// Held until the answer is over.
    pub places: Vec<Arc<()>>,
    /// What is left.
    pub left: Left,
}

/// What is left of the tightest limits that apply to a request.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Requests per minute, else per day.
    pub requests: Option<Level>,
    /// Tokens per minute.
    pub tokens: Option<Level>,
}

/// How full a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Of how many.
    pub limit: u64,
    /// So many are left.
    pub remaining: u64,
    /// Until all are back.
    pub full_in_ms: u64,
}

/// A request that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverLimit {
    /// What the provider complains of.
    pub error: ProviderError,
    /// The limit.
    pub limit: u64,
    /// Until it would fit; `None` where that depends on other requests.
    pub wait_ms: Option<u64>,
    /// What is left.
    pub left: Left,
}

impl Allowances {
    /// Adds a limit.
    pub fn add(&self, limit: Limit) {
        self.lock().push(Kept {
            state: LimitState { limit, refused: 0 },
            accounts: HashMap::new(),
        });
    }

    /// Removes every limit.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Every limit and how often it was met.
    pub fn states(&self) -> Vec<LimitState> {
        self.lock().iter().map(|kept| kept.state.clone()).collect()
    }

    /// Charges a request, or says why it does not fit. `tokens` is asked for when a limit counts them.
    pub fn admit(
        &self,
        key: &str,
        model: &str,
        tokens: impl FnOnce() -> u64,
        now: UnixMillis,
    ) -> Result<Admitted, OverLimit> {
        let mut all = self.lock();
        let mut apply: Vec<&mut Kept> = all
            .iter_mut()
            .filter(|kept| kept.state.limit.applies(key, model))
            .collect();
        let counts_tokens = apply
            .iter()
            .any(|kept| kept.state.limit.tokens_per_minute.is_some());
        let tokens = if counts_tokens { tokens() } else { 0 };
        for kept in &mut apply {
            let (limit, account) = kept.of(key, now);
            if let Some((error, limit, wait_ms)) = account.refuses(&limit, tokens, now) {
                kept.state.refused += 1;
                return Err(OverLimit {
                    error,
                    limit,
                    wait_ms,
                    left: left_of(&mut apply, key, now),
                });
            }
        }
        let places = apply
            .iter_mut()
            .map(|kept| kept.of(key, now).1.charge(tokens))
            .collect();
        Ok(Admitted {
            places,
            left: left_of(&mut apply, key, now),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn left_of(apply: &mut [&mut Kept], key: &str, now: UnixMillis) -> Left {
    let mut left = Left::default();
    for kept in apply {
        let (limit, account) = kept.of(key, now);
        left.requests = tighter(left.requests, account.requests_left(&limit, now));
        left.tokens = tighter(left.tokens, account.tokens.map(Bucket::level));
    }
    left
}

fn tighter(a: Option<Level>, b: Option<Level>) -> Option<Level> {
    [a, b]
        .into_iter()
        .flatten()
        .min_by_key(|level| level.remaining)
}

impl Limit {
    fn applies(&self, key: &str, model: &str) -> bool {
        like_or_absent(self.key.as_deref(), Some(key))
            && like_or_absent(self.model.as_deref(), Some(model))
    }
}

impl Kept {
    /// The account of a credential, as it is now.
    fn of(&mut self, key: &str, now: UnixMillis) -> (Limit, &mut Account) {
        let limit = self.state.limit.clone();
        let account = self
            .accounts
            .entry(key.to_owned())
            .or_insert_with(|| Account {
                requests: limit
                    .requests_per_minute
                    .map(|limit| Bucket::full(limit, now)),
                tokens: limit
                    .tokens_per_minute
                    .map(|limit| Bucket::full(limit, now)),
                day: 0,
                used_in_day: 0,
                in_flight: Arc::new(()),
            });
        account.come_to(now);
        (limit, account)
    }
}

impl Account {
    fn come_to(&mut self, now: UnixMillis) {
        for bucket in [&mut self.requests, &mut self.tokens].into_iter().flatten() {
            bucket.refill(now);
        }
        let day = now.0.div_euclid(DAY_MS);
        if day != self.day {
            (self.day, self.used_in_day) = (day, 0);
        }
    }

    fn refuses(
        &self,
        limit: &Limit,
        tokens: u64,
        now: UnixMillis,
    ) -> Option<(ProviderError, u64, Option<u64>)> {
        let in_flight = Arc::strong_count(&self.in_flight) as u64 - 1;
        if let Some(most) = limit.concurrency.filter(|most| in_flight >= *most) {
            return Some((ProviderError::RateLimitConcurrency, most, None));
        }
        if let Some(most) = limit
            .requests_per_day
            .filter(|most| self.used_in_day >= *most)
        {
            return Some((ProviderError::RateLimitDay, most, Some(rest_of_day(now))));
        }
        let short = |bucket: Option<Bucket>, count| {
            bucket.and_then(|bucket| Some((bucket.limit, bucket.wait_for(count)?)))
        };
        let requests = short(self.requests, 1)
            .map(|(most, wait)| (ProviderError::RateLimitRequests, most, Some(wait)));
        requests.or_else(|| {
            short(self.tokens, tokens)
                .map(|(most, wait)| (ProviderError::RateLimitTokens, most, Some(wait)))
        })
    }

    fn charge(&mut self, tokens: u64) -> Arc<()> {
        self.used_in_day += 1;
        if let Some(bucket) = &mut self.requests {
            bucket.take(1);
        }
        if let Some(bucket) = &mut self.tokens {
            bucket.take(tokens);
        }
        Arc::clone(&self.in_flight)
    }

    fn requests_left(&self, limit: &Limit, now: UnixMillis) -> Option<Level> {
        let of_day = || {
            let limit = limit.requests_per_day?;
            Some(Level {
                limit,
                remaining: limit.saturating_sub(self.used_in_day),
                full_in_ms: rest_of_day(now),
            })
        };
        tighter(self.requests.map(Bucket::level), of_day())
    }
}

fn rest_of_day(now: UnixMillis) -> u64 {
    (DAY_MS - now.0.rem_euclid(DAY_MS)) as u64
}

/// What refills by `limit` a minute, counted in sixty-thousandths so that a millisecond adds a whole
/// number of them.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    limit: u64,
    parts: u64,
    at: UnixMillis,
}

impl Bucket {
    const PARTS: u64 = 60_000;

    fn full(limit: u64, now: UnixMillis) -> Self {
        Bucket {
            limit,
            parts: limit * Self::PARTS,
            at: now,
        }
    }

    fn refill(&mut self, now: UnixMillis) {
        let passed = now.0.saturating_sub(self.at.0).max(0) as u64;
        self.at = self.at.max(now);
        self.parts = self
            .parts
            .saturating_add(passed.saturating_mul(self.limit))
            .min(self.limit * Self::PARTS);
    }

    /// How long until `count` are there; `None` when they are.
    fn wait_for(self, count: u64) -> Option<u64> {
        let missing = (count.min(self.limit) * Self::PARTS).checked_sub(self.parts)?;
        match (missing, self.limit) {
            (0, 1..) => None,
            // Nothing is ever allowed: an hour is as good as any wait.
            (_, 0) => Some(3_600_000),
            (missing, limit) => Some(missing.div_ceil(limit)),
        }
    }

    fn take(&mut self, count: u64) {
        self.parts = self.parts.saturating_sub(count.saturating_mul(Self::PARTS));
    }

    fn level(self) -> Level {
        let missing = self.limit * Self::PARTS - self.parts;
        Level {
            limit: self.limit,
            remaining: self.parts / Self::PARTS,
            full_in_ms: missing.div_ceil(self.limit.max(1)),
        }
    }
}

#[cfg(test)]
mod tests;
