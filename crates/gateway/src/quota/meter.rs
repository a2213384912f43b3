//! What one consumer — a key, a user or an account — has used: requests, tokens and money in every
//! window, checked and counted without a lock.
//!
//! Promises: however many requests come at once, a limit of requests is never exceeded in a minute of
//! the clock, a day or a month, but for what other replicas counted since they were heard of last. Tokens and money are known only afterwards: who has used them up is
//! refused, and one request may go beyond.
//!
//! Must not know: whose use it is, or what a refusal looks like.

use waybill_model::{
    limits::{Limits, Quota, Used, Window},
    money::MicroUsd,
    time::UnixMillis,
    words,
};

use super::{
    counter::{Counter, Full},
    watch::{Watch, Watched},
};

words! {
    /// What is counted.
    pub enum Unit as "QuotaUnit" {
        /// Requests.
        Requests = "requests",
        /// Tokens, prompt and answer together.
        Tokens = "tokens",
        /// Money, in millionths of a US dollar.
        Usd = "usd",
    }
}

/// A limit that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// In which window.
    pub window: Window,
    /// Of what.
    pub unit: Unit,
    /// The limit.
    pub limit: u64,
    /// How much is used.
    pub used: u64,
    /// When there is room again, if nothing else is used; `None`: never by itself.
    pub until: Option<UnixMillis>,
}

/// One limit of a table of limits.
type Row = (Unit, Window, Option<u64>);

/// Counts requests, tokens and money.
#[derive(Debug, Default)]
pub struct Meter {
    requests: Counter,
    tokens: Counter,
    usd: Counter,
    watched: Watched,
}

/// What [`Meter::reserve`] set aside for an attempt. Give it back once the attempt's tokens are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "tokens set aside stay so until they are given back"]
pub struct Reserved {
    tokens: u64,
    at: UnixMillis,
}

impl Meter {
    /// Counts a request, unless a limit is reached. A refused request leaves no trace.
    pub fn try_request(&self, limits: &Limits, now: UnixMillis) -> Result<(), Exceeded> {
        let result = self
            .not_used_up(&after_the_fact(limits), now)
            .and_then(|()| self.take_request(&requests_of(limits), now));
        // Also where it was refused: what others use may have changed.
        self.touch();
        result
    }

    /// Has every change from now on noted, for whoever tells other replicas.
    pub fn watch(&self, watch: Watch) {
        self.watched.by(watch);
    }

    /// Something changed.
    pub(super) fn touch(&self) {
        self.watched.touch();
    }

    /// What is told to others will be read now: what changes from here on is noted again.
    pub fn read_from_now(&self) {
        self.watched.read_from_now();
    }

    /// What was used here, in the window that holds `at`.
    pub fn own(&self, window: Window, at: UnixMillis) -> Used {
        Used {
            requests: self.requests.own(window, at),
            tokens: self.tokens.own(window, at),
            usd: MicroUsd(i64::try_from(self.usd.own(window, at)).unwrap_or(i64::MAX)),
        }
    }

    /// Sets what other replicas used in the window that began at `started_at`.
    pub fn set_foreign(&self, window: Window, started_at: UnixMillis, used: Used) {
        self.requests.set_others(window, started_at, used.requests);
        self.tokens.set_others(window, started_at, used.tokens);
        self.usd.set_others(window, started_at, micros(used.usd));
    }

    /// Takes back a request counted at `at`.
    pub fn take_back_request(&self, at: UnixMillis) {
        for window in Window::ALL {
            self.requests.take_back(*window, 1, at);
        }
        self.touch();
    }

    /// Counts what is known afterwards.
    pub fn add(&self, used: Used, now: UnixMillis) {
        for window in Window::ALL {
            self.requests.add(*window, used.requests, now);
            self.tokens.add(*window, used.tokens, now);
            self.usd.add(*window, micros(used.usd), now);
        }
        self.touch();
    }

    /// What is used in a window; of a minute the estimate for the sixty seconds until now.
    pub fn used(&self, window: Window, now: UnixMillis) -> Used {
        Used {
            requests: self.requests.used(window, now),
            tokens: self.tokens.used(window, now),
            usd: MicroUsd(i64::try_from(self.usd.used(window, now)).unwrap_or(i64::MAX)),
        }
    }

    /// Sets what was used in the window that began at `started_at`. For the start, before requests come.
    pub fn restore(&self, window: Window, started_at: UnixMillis, used: Used) {
        self.requests.restore(window, started_at, used.requests);
        self.tokens.restore(window, started_at, used.tokens);
        self.usd.restore(window, started_at, micros(used.usd));
    }

    /// Whether a request of about so many tokens would keep within what the provider allows. Counts
    /// nothing. A request larger than a whole quota may go alone.
    pub fn has_room(
        &self,
        quota: &Quota,
        estimate_tokens: u64,
        now: UnixMillis,
    ) -> Result<(), Exceeded> {
        for (unit, window, limit) in rows_of(quota) {
            if let Some(limit) = limit {
                let n = match unit {
                    Unit::Requests => 1,
                    Unit::Tokens => estimate_tokens,
                    Unit::Usd => 0,
                };
                self.counter(unit)
                    .room(window, n, limit, now)
                    .map_err(|full| exceeded(unit, window, limit, full))?;
            }
        }
        Ok(())
    }

    /// Counts an attempt and sets its estimated tokens aside, unless that goes beyond what the
    /// provider allows. Each window in one atomic step; a refused attempt leaves no trace.
    pub fn reserve(
        &self,
        quota: &Quota,
        estimate_tokens: u64,
        now: UnixMillis,
    ) -> Result<Reserved, Exceeded> {
        self.take_request(&requests_of_quota(quota), now)?;
        self.touch();
        let rows = [
            (Window::Minute, quota.tokens_per_minute),
            (Window::Day, quota.tokens_per_day),
        ];
        let taken = take(&self.tokens, estimate_tokens, &rows, now);
        if let Err((window, limit, full)) = taken {
            self.take_back_request(now);
            return Err(exceeded(Unit::Tokens, window, limit, full));
        }
        Ok(Reserved {
            tokens: estimate_tokens,
            at: now,
        })
    }

    /// Gives back the tokens that were set aside. What was really used is added by [`Meter::add`].
    pub fn release(&self, reserved: Reserved) {
        for window in [Window::Minute, Window::Day] {
            self.tokens.take_back(window, reserved.tokens, reserved.at);
        }
        self.touch();
    }

    /// Gives back an attempt that was never made, its tokens and its count.
    pub fn undo(&self, reserved: Reserved) {
        self.take_back_request(reserved.at);
        self.release(reserved);
    }

    fn not_used_up(&self, rows: &[Row], now: UnixMillis) -> Result<(), Exceeded> {
        rows.iter().try_for_each(|(unit, window, limit)| {
            let Some(limit) = *limit else { return Ok(()) };
            self.counter(*unit)
                .room(*window, 1, limit, now)
                .map_err(|full| exceeded(*unit, *window, limit, full))
        })
    }

    fn take_request(
        &self,
        rows: &[(Window, Option<u64>)],
        now: UnixMillis,
    ) -> Result<(), Exceeded> {
        take(&self.requests, 1, rows, now)
            .map_err(|(window, limit, full)| exceeded(Unit::Requests, window, limit, full))
    }

    fn counter(&self, unit: Unit) -> &Counter {
        match unit {
            Unit::Requests => &self.requests,
            Unit::Tokens => &self.tokens,
            Unit::Usd => &self.usd,
        }
    }
}

/// Counts `n` in every window of `rows`, or in none.
fn take(
    counter: &Counter,
    n: u64,
    rows: &[(Window, Option<u64>)],
    now: UnixMillis,
) -> Result<(), (Window, u64, Full)> {
    for (done, (window, limit)) in rows.iter().enumerate() {
        let limit = limit.unwrap_or(u64::MAX);
        if let Err(full) = counter.take(*window, n, limit, now) {
            for (window, _) in &rows[..done] {
                counter.take_back(*window, n, now);
            }
            return Err((*window, limit, full));
        }
    }
    Ok(())
}

/// Limits of requests, one per window in which they are counted.
fn requests_of(limits: &Limits) -> [(Window, Option<u64>); 4] {
    [
        (Window::Minute, limits.requests_per_minute.map(u64::from)),
        (Window::Day, limits.requests_per_day),
        (Window::Month, limits.requests_per_month),
        (Window::Total, None),
    ]
}

fn requests_of_quota(quota: &Quota) -> [(Window, Option<u64>); 4] {
    [
        (Window::Minute, quota.requests_per_minute.map(u64::from)),
        (Window::Day, quota.requests_per_day),
        (Window::Month, None),
        (Window::Total, None),
    ]
}

/// Limits of what is known only after the fact.
fn after_the_fact(limits: &Limits) -> [Row; 5] {
    [
        (Unit::Tokens, Window::Minute, limits.tokens_per_minute),
        (Unit::Tokens, Window::Day, limits.tokens_per_day),
        (Unit::Tokens, Window::Month, limits.tokens_per_month),
        (Unit::Usd, Window::Day, limits.usd_per_day.map(micros)),
        (Unit::Usd, Window::Month, limits.usd_per_month.map(micros)),
    ]
}

fn rows_of(quota: &Quota) -> [Row; 4] {
    [
        (
            Unit::Requests,
            Window::Minute,
            quota.requests_per_minute.map(u64::from),
        ),
        (Unit::Tokens, Window::Minute, quota.tokens_per_minute),
        (Unit::Requests, Window::Day, quota.requests_per_day),
        (Unit::Tokens, Window::Day, quota.tokens_per_day),
    ]
}

fn exceeded(unit: Unit, window: Window, limit: u64, full: Full) -> Exceeded {
    Exceeded {
        window,
        unit,
        limit,
        used: full.used,
        until: full.until,
    }
}

fn micros(usd: MicroUsd) -> u64 {
    u64::try_from(usd.0).unwrap_or(0)
}
