//! Roll-ups: what requests add up to, per minute, hour and day, and per whom they were for or served by.
//!
//! A request counts where it arrived, with everything that belongs to it, its attempts included: in one minute, in
//! that minute's hour and day, and in every facet that it has a value of. It counts once more in the minute in which
//! it ended, beside those: that is what alerts look at. All of it is sums of whole numbers, and
//! sketches, which add up too: any window is the sum of its parts.
//!
//! Promises: pure; what counts as what is decided here, once, for stored rows and for roll-ups alike.
//! Must not know: where rows and roll-ups rest.

mod ignore;
mod scope;
mod seen;
mod share;

use serde::{Deserialize, Serialize};

use crate::{
    cause::{Cause, Owner, Phase},
    sketch::Sketch,
    time::UnixMillis,
    words,
};

pub use ignore::{Ignore, LeftOut};
pub use scope::Scope;
pub use seen::{FailedAttempt, Seen};
pub use share::Share;

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

/// By which of its moments a request is counted. It is stored at its end: minutes by arrival grow for as long as
/// requests of them run; minutes by end are whole as soon as they are over, and are what alerts look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// When it arrived.
    Arrival,
    /// When it ended.
    End,
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
    /// Of the attempts, those that were cut off from this side before they failed or delivered: the client left.
    attempts_cut_off,
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
    ($($(#[$doc:meta])+ $name:ident = $measure:ident),* $(,)?) => {
        /// What is measured, in milliseconds.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Sketches {
            $($(#[$doc])+ pub $name: Sketch,)*
        }

        /// One of [`Sketches`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Measure {
            $($(#[$doc])+ $measure,)*
        }

        impl Measure {
            /// Every one, in the order of [`Sketches::all`].
            pub const ALL: &'static [Measure] = &[$(Measure::$measure),*];

            /// What it is called in a store.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Measure::$measure => stringify!($name),)*
                }
            }

            /// It alone.
            pub const fn alone(self) -> &'static [Measure] {
                match self {
                    $(Measure::$measure => &[Measure::$measure],)*
                }
            }
        }

        impl Sketches {
            /// Names, in the order of [`Sketches::all`].
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Every sketch.
            pub fn all(&self) -> impl Iterator<Item = &Sketch> {
                [$(&self.$name),*].into_iter()
            }

            /// One of them.
            pub fn get(&self, measure: Measure) -> &Sketch {
                match measure {
                    $(Measure::$measure => &self.$name,)*
                }
            }

            /// One of them, to be filled.
            pub fn get_mut(&mut self, measure: Measure) -> &mut Sketch {
                match measure {
                    $(Measure::$measure => &mut self.$name,)*
                }
            }

            /// Some of them; the others are empty.
            pub fn only(mut self, measures: &[Measure]) -> Sketches {
                let mut some = Sketches::default();
                for measure in measures {
                    *some.get_mut(*measure) = std::mem::take(self.get_mut(*measure));
                }
                some
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
    duration = Duration,
    /// From arrival to the first content, of successes.
    first_token = FirstToken,
    /// Time in auth, of whatever came that far; as all stages for [`Facet::has_stages`] alone.
    auth = Auth,
    /// Time to find an account, waiting included.
    routing = Routing,
    /// From sending upstream to the answer's head.
    upstream = Upstream,
    /// From the head to the end.
    response = Response,
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
