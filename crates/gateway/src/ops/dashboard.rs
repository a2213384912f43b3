//! What dashboards ask: a window, whom it is about, and how it is to be shown.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use waybill_model::{
    protocol::Platform,
    rollup::{Facet, Scope},
    time::UnixMillis,
    words,
};

use super::{
    common::{end_time, start_time, time_range},
    filter::{Parameter, Takes, id, read_into, some_text, word, words_of},
    query::{BadParameter, Pairs},
    time_range::{TimeRange, window},
};

words! {
    /// What an answer is added up from.
    pub enum Mode {
        /// From roll-ups where there are some of what is asked for, else from the requests themselves.
        Auto = "auto",
        /// From the requests themselves.
        Raw = "raw",
        /// From roll-ups.
        RolledUp = "rolled_up",
    }
}

words! {
    /// What a histogram is of.
    pub enum Metric as "HistogramMetric" {
        /// From arrival to end, of successes.
        Duration = "duration",
        /// From arrival to the first content, of successes.
        FirstToken = "time_to_first_token",
        /// Time in auth.
        Auth = "auth",
        /// Time to find an account, waiting included.
        Routing = "routing",
        /// From sending upstream to the answer's head.
        Upstream = "upstream",
        /// From the head to the end.
        Response = "response",
    }
}

words! {
    /// Whose failures a distribution is of.
    pub enum Of {
        /// Requests that failed.
        Requests = "requests",
        /// Requests that succeeded after hidden failures.
        Recovered = "recovered",
        /// Attempts at providers.
        Attempts = "attempts",
    }
}

words! {
    /// By what failures are told apart.
    pub enum By {
        /// By what happened.
        Cause = "cause",
        /// By the status: the client's of a request, the provider's of an attempt.
        Status = "status_code",
        /// By whose fault they are.
        Owner = "owner",
        /// By the stage.
        Phase = "phase",
        /// By platform.
        Platform = "platform",
        /// By group.
        Group = "group",
        /// By account.
        Account = "account",
        /// By model.
        Model = "model",
        /// By key.
        Key = "api_key",
        /// By user.
        User = "user",
    }
}

impl By {
    /// Whom failures are told apart by; `None`: by what is known of each failure itself.
    pub fn facet(self) -> Option<Facet> {
        match self {
            By::Cause | By::Status | By::Owner | By::Phase => None,
            By::Platform => Some(Facet::Platform),
            By::Group => Some(Facet::Group),
            By::Account => Some(Facet::Account),
            By::Model => Some(Facet::Model),
            By::Key => Some(Facet::Key),
            By::User => Some(Facet::User),
        }
    }
}

/// What was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// From this instant on.
    pub start: UnixMillis,
    /// Before this instant.
    pub end: UnixMillis,
    /// About whom.
    pub scope: Scope,
    /// From what.
    pub mode: Mode,
    /// Of which durations.
    pub metric: Metric,
    /// Of which failures.
    pub of: Of,
    /// By what.
    pub by: By,
}

/// The window.
pub const WINDOW: &[Parameter<Question>] = &[
    time_range("A window that ends now. Without any window: the last 24 hours."),
    start_time("From this instant on. At most 30 days before the end."),
    end_time("Before this instant; now, if there is a start alone."),
];

/// About whom.
pub const SCOPE: &[Parameter<Question>] = &[
    Parameter {
        name: "platform",
        about: "Platform of the account.",
        takes: words_of!(Platform),
        read: |q, text| word(text).map(|word| q.scope.platform = Some(word)),
    },
    Parameter {
        name: "group_id",
        about: "Group; roll-ups have it alone or with a model.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.scope.group_id = Some(id)),
    },
    Parameter {
        name: "account_id",
        about: "Account: of a request's last attempt, or of the attempt itself; roll-ups have it alone or with a model.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.scope.account_id = Some(id)),
    },
    Parameter {
        name: "model",
        about: "Model, exact.",
        takes: Takes::Text,
        read: |q, text| some_text(text).map(|text| q.scope.model = Some(text)),
    },
    Parameter {
        name: "api_key_id",
        about: "API key.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.scope.api_key_id = Some(id)),
    },
    Parameter {
        name: "user_id",
        about: "User.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.scope.user_id = Some(id)),
    },
    Parameter {
        name: "mode",
        about: "`auto`, the default: from roll-ups where there are some of what is asked for; `rolled_up`; `raw`: from the requests themselves, if they are few enough. The numbers are the same.",
        takes: words_of!(Mode),
        read: |q, text| word(text).map(|word| q.mode = word),
    },
];

/// Of which durations.
pub const METRIC: &[Parameter<Question>] = &[Parameter {
    name: "metric",
    about: "`duration`, the default, `time_to_first_token`, or a stage: `auth`, `routing`, `upstream`, `response`. Stages are measured for everything, a platform or a group.",
    takes: words_of!(Metric),
    read: |q, text| word(text).map(|word| q.metric = word),
}];

const OF: Parameter<Question> = Parameter {
    name: "of",
    about: "`requests`, the default: those that failed; `recovered`: hidden failures of successes; `attempts`: at providers.",
    takes: words_of!(Of),
    read: |q, text| word(text).map(|word| q.of = word),
};

/// Of which failures, by what.
pub const BREAKDOWN: &[Parameter<Question>] = &[
    OF,
    Parameter {
        name: "by",
        about: "`cause`, the default, `status_code`, `owner` or `phase`; or, where nothing narrows the question, whom they were for or served by: `platform`, `group`, `account`, `model`, `api_key`, `user`.",
        takes: words_of!(By),
        read: |q, text| word(text).map(|word| q.by = word),
    },
];

/// The same over time: a facet has a roll-up of each of its values in every step, which are too many.
pub const BREAKDOWN_OVER_TIME: &[Parameter<Question>] = &[
    OF,
    Parameter {
        name: "by",
        about: "`cause`, the default, `status_code`, `owner` or `phase`.",
        takes: Takes::Word(|| {
            let kinds = By::ALL.iter().filter(|by| by.facet().is_none());
            kinds.map(|by| by.as_str()).collect()
        }),
        read: |q, text| match word::<By>(text)? {
            by if by.facet().is_none() => {
                q.by = by;
                Ok(())
            }
            _ => Err(
                "over time failures are told apart by `cause`, `status_code`, `owner` or `phase`"
                    .to_owned(),
            ),
        },
    },
];

/// Reads a query string by these tables.
pub fn parse(
    query: Option<&str>,
    tables: &[&[Parameter<Question>]],
    now: UnixMillis,
) -> Result<Question, BadParameter> {
    let pairs = Pairs::parse(query)?;
    let mut question = Question {
        start: now,
        end: now,
        scope: Scope::default(),
        mode: Mode::Auto,
        metric: Metric::Duration,
        of: Of::Requests,
        by: By::Cause,
    };
    read_into(&mut question, &pairs, tables)?;
    (question.start, question.end) = window(&pairs, TimeRange::Day, now)?;
    Ok(question)
}
