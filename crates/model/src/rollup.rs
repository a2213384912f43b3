//! Roll-ups: what requests add up to, per minute, hour and day, and per whom they were for or served by.
//!
//! A request counts where it arrived, with everything that belongs to it, its attempts included: in one minute, in
//! that minute's hour and day, and in every facet that it has a value of. All of it is sums of whole numbers, and
//! sketches, which add up too: any window is the sum of its parts.
//!
//! Promises: pure; what counts as what is decided here, once, for stored rows and for roll-ups alike.
//! Must not know: where rows and roll-ups rest.

mod ignore;

use serde::{Deserialize, Serialize};

use crate::{
    cause::{Cause, Owner, Phase},
    objective::Counted,
    protocol::Platform,
    sketch::Sketch,
    time::UnixMillis,
    words,
};

pub use ignore::{Ignore, LeftOut};

words! {
    /// How long the time is that one roll-up is of.
    pub enum Span {
        /// A minute.
        Minute = "minute",
        /// An hour.
        Hour = "hour",
        /// A day, in UTC.
        Day = "day",
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

impl Span {
    /// Its length in milliseconds.
    pub const fn millis(self) -> i64 {
        match self {
            Span::Minute => 60_000,
            Span::Hour => 3_600_000,
            Span::Day => 86_400_000,
        }
    }

    /// Where the one begins that an instant lies in.
    pub const fn begin(self, at: UnixMillis) -> UnixMillis {
        UnixMillis(at.0.div_euclid(self.millis()).saturating_mul(self.millis()))
    }

    /// Where the first one begins that lies after all before an instant: the instant itself, or later.
    pub const fn end(self, at: UnixMillis) -> UnixMillis {
        let begin = self.begin(at);
        match begin.0 == at.0 {
            true => begin,
            false => UnixMillis(begin.0.saturating_add(self.millis())),
        }
    }
}

words! {
    /// By what requests are told apart.
    pub enum Facet {
        /// Not at all.
        All = "all",
        /// By platform: of the last account for a request, of its account for an attempt.
        Platform = "platform",
        /// By group.
        Group = "group",
        /// By account: the last one for a request, its own for an attempt.
        Account = "account",
        /// By the model that the client named.
        Model = "model",
        /// By key.
        Key = "key",
        /// By user.
        User = "user",
        /// By group and model.
        GroupModel = "group_model",
        /// By account and model.
        AccountModel = "account_model",
    }
}

impl Facet {
    /// Whether the stages of requests are measured apart.
    pub const fn has_stages(self) -> bool {
        matches!(self, Facet::All | Facet::Platform | Facet::Group)
    }
}

/// Models beyond the bound, and names that no group serves, are counted together under this name.
pub const OTHER_MODELS: &str = "";

/// What requests, or attempts, are narrowed to; or what one of them has. Empty narrows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Platform.
    pub platform: Option<Platform>,
    /// Group.
    pub group_id: Option<i64>,
    /// Account.
    pub account_id: Option<i64>,
    /// Model; [`OTHER_MODELS`] for those without a name of their own.
    pub model: Option<String>,
    /// Key.
    pub api_key_id: Option<i64>,
    /// User.
    pub user_id: Option<i64>,
}

impl Scope {
    /// The facet and value that it is counted under; `None` for one that no facet has.
    pub fn facet(&self) -> Option<(Facet, String)> {
        let model = |id: i64, model: &str| format!("{id}/{model}");
        match self {
            Scope {
                platform: None,
                group_id: None,
                account_id: None,
                model: None,
                api_key_id: None,
                user_id: None,
            } => Some((Facet::All, String::new())),
            Scope {
                platform: Some(one),
                group_id: None,
                account_id: None,
                model: None,
                api_key_id: None,
                user_id: None,
            } => Some((Facet::Platform, one.as_str().to_owned())),
            Scope {
                platform: None,
                group_id: Some(one),
                account_id: None,
                model: None,
                api_key_id: None,
                user_id: None,
            } => Some((Facet::Group, one.to_string())),
            Scope {
                platform: None,
                group_id: None,
                account_id: Some(one),
                model: None,
                api_key_id: None,
                user_id: None,
            } => Some((Facet::Account, one.to_string())),
            Scope {
                platform: None,
                group_id: None,
                account_id: None,
                model: Some(one),
                api_key_id: None,
                user_id: None,
            } => Some((Facet::Model, one.clone())),
            Scope {
                platform: None,
                group_id: None,
                account_id: None,
                model: None,
                api_key_id: Some(one),
                user_id: None,
            } => Some((Facet::Key, one.to_string())),
            Scope {
                platform: None,
                group_id: None,
                account_id: None,
                model: None,
                api_key_id: None,
                user_id: Some(one),
            } => Some((Facet::User, one.to_string())),
            Scope {
                platform: None,
                group_id: Some(one),
                account_id: None,
                model: Some(other),
                api_key_id: None,
                user_id: None,
            } => Some((Facet::GroupModel, model(*one, other))),
            Scope {
                platform: None,
                group_id: None,
                account_id: Some(one),
                model: Some(other),
                api_key_id: None,
                user_id: None,
            } => Some((Facet::AccountModel, model(*one, other))),
            _ => None,
        }
    }

    /// The scope that a facet's value is of; `None` for a value that the facet cannot have.
    pub fn of(facet: Facet, value: &str) -> Option<Scope> {
        let mut scope = Scope::default();
        let pair = || {
            let (id, model) = value.split_once('/')?;
            Some((id.parse::<i64>().ok()?, model.to_owned()))
        };
        match facet {
            Facet::All => return value.is_empty().then_some(scope),
            Facet::Platform => scope.platform = Some(value.parse().ok()?),
            Facet::Group => scope.group_id = Some(value.parse().ok()?),
            Facet::Account => scope.account_id = Some(value.parse().ok()?),
            Facet::Model => scope.model = Some(value.to_owned()),
            Facet::Key => scope.api_key_id = Some(value.parse().ok()?),
            Facet::User => scope.user_id = Some(value.parse().ok()?),
            Facet::GroupModel => {
                let (id, model) = pair()?;
                (scope.group_id, scope.model) = (Some(id), Some(model));
            }
            Facet::AccountModel => {
                let (id, model) = pair()?;
                (scope.account_id, scope.model) = (Some(id), Some(model));
            }
        }
        Some(scope)
    }

    /// Whether what has `other` is of this scope.
    pub fn holds(&self, other: &Scope) -> bool {
        fn same<T: PartialEq>(own: &Option<T>, other: &Option<T>) -> bool {
            own.is_none() || own == other
        }
        same(&self.platform, &other.platform)
            && same(&self.group_id, &other.group_id)
            && same(&self.account_id, &other.account_id)
            && same(&self.model, &other.model)
            && same(&self.api_key_id, &other.api_key_id)
            && same(&self.user_id, &other.user_id)
    }
}

macro_rules! counts {
    ($($(#[$doc:meta])+ $name:ident),* $(,)?) => {
        /// What is counted. Everything adds up.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[schema(as = RequestCounts)]
        pub struct Counts {
            $($(#[$doc])+ pub $name: u64,)*
        }

        impl Counts {
            /// Names, in the order of [`Counts::values`].
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Every count.
            pub fn values(&self) -> impl Iterator<Item = u64> {
                [$(self.$name),*].into_iter()
            }

            /// From counts in their order; what is missing is 0.
            pub fn of(values: &[u64]) -> Counts {
                let mut values = values.iter().copied();
                Counts { $($name: values.next().unwrap_or(0)),* }
            }

            /// Adds another one's.
            pub fn add(&mut self, other: &Counts) {
                $(self.$name += other.$name;)*
            }

            /// Takes another one's away, as far as they are there.
            fn subtract(&mut self, other: &Counts) {
                $(self.$name = self.$name.saturating_sub(other.$name);)*
            }
        }
    };
}

counts! {
    /// Requests of clients that had a valid key. `requests = successes + failures + client_errors +
    /// business_limited + client_gone`, always.
    requests,
    /// The client has a whole, good answer.
    successes,
    /// Of the successes, those after failed attempts that the client never noticed.
    recovered,
    /// Failed, and counts against the service.
    failures,
    /// Of the failures, those inside an answer that had begun as a success.
    broken_answers,
    /// Of the failures, those that no account could be asked for because of limits or trouble at providers.
    unserved,
    /// Failed by the client's own doing.
    client_errors,
    /// Failed for a limit of the client's: balance, quota, rate, concurrency.
    business_limited,
    /// The client went away, or stopped reading.
    client_gone,
    /// Of the requests, those that count tokens.
    token_counts,
    /// Of the failures, those of requests that count tokens.
    token_count_failures,
    /// Attempts at providers.
    attempts,
    /// Of the attempts, those that failed.
    attempts_failed,
    /// Of the failed attempts, those that are the client's own doing.
    attempts_client,
    /// Of the failed attempts that are not the client's own doing, those answered with 429.
    attempts_429,
    /// Of the failed attempts that are not the client's own doing, those answered with 529.
    attempts_529,
    /// Prompt tokens.
    input_tokens,
    /// Answer tokens.
    output_tokens,
    /// Prompt tokens read from caches.
    cache_read_tokens,
    /// Prompt tokens written to caches.
    cache_write_tokens,
    /// What it cost, in millionths of a US dollar.
    cost_micro_usd,
}

words! {
    /// Whose failures a count of causes is of.
    pub enum Side as "FailureSide" {
        /// Requests that failed.
        Failed = "failed",
        /// Requests that succeeded after hidden failures; the cause is the last one's.
        Recovered = "recovered",
        /// Attempts that failed.
        Attempt = "attempt",
    }
}

/// A kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Why {
    /// Whose.
    pub side: Side,
    /// What happened.
    pub cause: Cause,
    /// Where it failed.
    pub phase: Phase,
    /// Whose fault.
    pub owner: Owner,
    /// Whether it is a limit of the client's.
    pub is_business_limited: bool,
    /// The status: the client's of a request, the provider's of an attempt; 0 without one.
    pub status: u16,
}

/// How often something failed in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CauseCount {
    /// In which.
    pub why: Why,
    /// How often.
    pub count: u64,
}

/// How a request that is over counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// For the service.
    Success,
    /// Against it.
    Failure,
    /// Not: the client's own doing.
    ClientError,
    /// Not: a limit of the client's.
    BusinessLimited,
    /// Not: the client went away.
    ClientGone,
}

impl Class {
    /// Of a failure, by its verdict. The same failures count as in [`View::Errors`](crate::view::View::Errors).
    pub fn of(cause: Cause, owner: Owner, is_business_limited: bool) -> Class {
        match (cause, owner) {
            _ if is_business_limited => Class::BusinessLimited,
            (Cause::ClientClosed | Cause::ClientStalled, Owner::Client) => Class::ClientGone,
            (_, Owner::Client) => Class::ClientError,
            (_, Owner::Provider | Owner::Platform) => Class::Failure,
        }
    }
}

macro_rules! sketches {
    ($($(#[$doc:meta])+ $name:ident),* $(,)?) => {
        /// What is measured, in milliseconds.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Sketches {
            $($(#[$doc])+ pub $name: Sketch,)*
        }

        impl Sketches {
            /// Names, in the order of [`Sketches::all`].
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Every sketch.
            pub fn all(&self) -> impl Iterator<Item = &Sketch> {
                [$(&self.$name),*].into_iter()
            }

            /// Every sketch, to be filled.
            pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Sketch> {
                [$(&mut self.$name),*].into_iter()
            }

            /// Adds another one's.
            pub fn merge(&mut self, other: &Sketches) {
                $(self.$name.merge(&other.$name);)*
            }
        }
    };
}

sketches! {
    /// From arrival to end, of successes.
    duration,
    /// From arrival to the first content, of successes.
    first_token,
    /// Time in auth, of whatever came that far; as all stages for [`Facet::has_stages`] alone.
    auth,
    /// Time to find an account, waiting included.
    routing,
    /// From sending upstream to the answer's head.
    upstream,
    /// From the head to the end.
    response,
}

/// What a span of time adds up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Where it begins.
    pub start: UnixMillis,
    /// Which value of the facet it is of.
    pub value: String,
    /// Counts.
    pub counts: Counts,
    /// Why requests and attempts failed, if it was asked for; the most frequent first.
    pub causes: Vec<CauseCount>,
    /// How long requests took, if it was asked for.
    pub sketches: Sketches,
}

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
