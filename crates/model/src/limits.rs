//! What users, keys and accounts may use, what a request costs, and the windows in which it is counted.

use serde::{Deserialize, Serialize};

use crate::{
    id::{AccountId, ApiKeyId, UserId},
    money::MicroUsd,
    protocol::Platform,
    time::UnixMillis,
    waybill::Usage,
    words,
};

/// Limits of a user or a key. Absent is no limit. Days and months are UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most requests at once.
    pub concurrency: Option<u32>,
    /// Requests in any minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens in any minute, prompt and answer together.
    pub tokens_per_minute: Option<u64>,
    /// Requests in a day.
    pub requests_per_day: Option<u64>,
    /// Tokens in a day.
    pub tokens_per_day: Option<u64>,
    /// US dollars in a day, by the price table.
    pub usd_per_day: Option<MicroUsd>,
    /// Requests in a calendar month.
    pub requests_per_month: Option<u64>,
    /// Tokens in a calendar month.
    pub tokens_per_month: Option<u64>,
    /// US dollars in a calendar month.
    pub usd_per_month: Option<MicroUsd>,
}

/// What a provider is known to allow an account, so that a limit is met before it says no.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Quota {
    /// Requests in any minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens in any minute, prompt and answer together.
    pub tokens_per_minute: Option<u64>,
    /// Requests in a day (UTC).
    pub requests_per_day: Option<u64>,
    /// Tokens in a day (UTC).
    pub tokens_per_day: Option<u64>,
}

/// What a model costs, in US dollars per million tokens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Model name as the client sends it, or a prefix and `*`. An exact name beats a prefix, a longer
    /// prefix a shorter one.
    pub model: String,
    /// Prompt tokens.
    pub input: MicroUsd,
    /// Answer tokens.
    pub output: MicroUsd,
    /// Prompt tokens read from the provider's cache; absent: as `input`.
    #[serde(default)]
    pub cache_read: Option<MicroUsd>,
    /// Prompt tokens written to the provider's cache; absent: as `input`.
    #[serde(default)]
    pub cache_write: Option<MicroUsd>,
}

impl Price {
    /// What `usage` costs, rounded up to a millionth of a dollar.
    pub fn cost(&self, platform: Platform, usage: Usage) -> MicroUsd {
        let read = usage.cache_read_tokens.unwrap_or(0);
        let written = usage.cache_write_tokens.unwrap_or(0);
        let plain = usage.plain_input_tokens(platform);
        let of =
            |tokens: u64, price: MicroUsd| u128::from(tokens) * u128::from(price.0.unsigned_abs());
        let total = of(plain, self.input)
            + of(usage.output_tokens.unwrap_or(0), self.output)
            + of(read, self.cache_read.unwrap_or(self.input))
            + of(written, self.cache_write.unwrap_or(self.input));
        MicroUsd(i64::try_from(total.div_ceil(1_000_000)).unwrap_or(i64::MAX))
    }
}

impl Usage {
    /// Prompt tokens that were neither read from nor written to a cache. Anthropic counts those apart;
    /// the others count them in.
    pub fn plain_input_tokens(&self, platform: Platform) -> u64 {
        let input = self.input_tokens.unwrap_or(0);
        match platform {
            Platform::Anthropic => input,
            Platform::OpenAi | Platform::Gemini | Platform::Antigravity => input
                .saturating_sub(self.cache_read_tokens.unwrap_or(0))
                .saturating_sub(self.cache_write_tokens.unwrap_or(0)),
        }
    }

    /// Every token, prompt and answer, cached or not.
    pub fn total_tokens(&self, platform: Platform) -> u64 {
        self.plain_input_tokens(platform)
            .saturating_add(self.cache_read_tokens.unwrap_or(0))
            .saturating_add(self.cache_write_tokens.unwrap_or(0))
            .saturating_add(self.output_tokens.unwrap_or(0))
    }
}

/// Whose use is counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Consumer {
    /// A user, all keys together.
    User(UserId),
    /// A key.
    Key(ApiKeyId),
    /// An account, at its provider.
    Account(AccountId),
}

words! {
    /// The windows in which use is counted.
    pub enum Window {
        /// A minute of the clock.
        Minute = "minute",
        /// A day (UTC).
        Day = "day",
        /// A calendar month (UTC).
        Month = "month",
        /// Since the beginning.
        Total = "total",
    }
}

impl Window {
    /// When the window that holds `at` began.
    pub fn start(self, at: UnixMillis) -> UnixMillis {
        const MINUTE: i64 = 60_000;
        const DAY: i64 = 86_400_000;
        match self {
            Window::Minute => UnixMillis(at.0.div_euclid(MINUTE) * MINUTE),
            Window::Day => UnixMillis(at.0.div_euclid(DAY) * DAY),
            Window::Month => first_of_month(at, 0),
            Window::Total => UnixMillis(0),
        }
    }

    /// When it ends; `None` for one that never does.
    pub fn end(self, at: UnixMillis) -> Option<UnixMillis> {
        match self {
            Window::Minute => Some(self.start(at).plus_ms(60_000)),
            Window::Day => Some(self.start(at).plus_ms(86_400_000)),
            Window::Month => Some(first_of_month(at, 1)),
            Window::Total => None,
        }
    }
}

/// The first instant of the month `later` months after that of `at` (UTC).
fn first_of_month(at: UnixMillis, later: i32) -> UnixMillis {
    let utc = jiff::tz::Offset::UTC;
    let month = || -> Result<_, jiff::Error> {
        let date = utc
            .to_datetime(jiff::Timestamp::from_millisecond(at.0)?)
            .date()
            .first_of_month()
            .checked_add(jiff::Span::new().try_months(later)?)?;
        utc.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
    };
    month().map_or(UnixMillis(0), |first| UnixMillis(first.as_millisecond()))
}

/// What was used in one window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Used {
    /// Requests.
    pub requests: u64,
    /// Tokens, prompt and answer together.
    pub tokens: u64,
    /// Money, by the price table.
    pub usd: MicroUsd,
}

impl Used {
    /// Adds `more`.
    pub fn add(&mut self, more: Used) {
        self.requests = self.requests.saturating_add(more.requests);
        self.tokens = self.tokens.saturating_add(more.tokens);
        self.usd = MicroUsd(self.usd.0.saturating_add(more.usd.0));
    }
}

/// What one consumer used in the window that began at `started_at`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UsageCount {
    /// Who.
    pub consumer: Consumer,
    /// Which window.
    pub window: Window,
    /// When it began.
    pub started_at: UnixMillis,
    /// How much.
    pub used: Used,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixMillis {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn windows_follow_the_calendar() {
        let now = at("2026-12-31T23:59:30.500Z");
        assert_eq!(Window::Minute.start(now), at("2026-12-31T23:59:00Z"));
        assert_eq!(Window::Day.start(now), at("2026-12-31T00:00:00Z"));
        assert_eq!(Window::Month.start(now), at("2026-12-01T00:00:00Z"));
        assert_eq!(Window::Month.end(now), Some(at("2027-01-01T00:00:00Z")));
        assert_eq!(Window::Total.end(now), None);
    }

    #[test]
    fn cached_tokens_are_neither_counted_twice_nor_forgotten() {
        let usage = Usage {
            input_tokens: Some(1000),
            output_tokens: Some(10),
            cache_read_tokens: Some(900),
            cache_write_tokens: None,
        };
        assert_eq!(usage.total_tokens(Platform::OpenAi), 1010);
        assert_eq!(usage.total_tokens(Platform::Anthropic), 1910);
        let price = Price {
            model: "m".into(),
            input: MicroUsd(2_000_000),
            output: MicroUsd(8_000_000),
            cache_read: Some(MicroUsd(200_000)),
            cache_write: None,
        };
        // 100 plain at $2, 900 read at $0.20, 10 out at $8 a million.
        assert_eq!(
            price.cost(Platform::OpenAi, usage),
            MicroUsd(200 + 180 + 80)
        );
    }
}
