//! Why a stage did not let a request through: what the client is told, and what the log says.

use waybill_model::{
    cause::{Cause, Owner, Source},
    protocol::{Endpoint, Platform},
    time::UnixMillis,
    waybill::{Arrival, Failure},
};
use waybill_wire::{endpoint::Mismatch, peek::PeekError};

use super::Code;
use crate::routing::NoRoute;

/// A stage's "no".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code; status, cause and fault follow from it.
    pub code: Code,
    /// For the client.
    pub message: String,
    /// For the log, where it may say more.
    pub log: Option<String>,
    /// For `allow`, on 405.
    pub allow: Option<&'static str>,
    /// For `retry-after`, where more is known than the code's own wait. Whole seconds, rounded up.
    pub retry_after_s: Option<u64>,
}

impl Refusal {
    /// A refusal that tells the client and the log the same.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Refusal {
            code,
            message: message.into(),
            log: None,
            allow: None,
            retry_after_s: None,
        }
    }

    /// The same, with a wait that is known: from `now` until `until`.
    #[must_use]
    pub fn until(self, until: UnixMillis, now: UnixMillis) -> Self {
        let wait_ms = u64::try_from(until.0.saturating_sub(now.0)).unwrap_or(0);
        Refusal {
            retry_after_s: Some(wait_ms.div_ceil(1000).max(1)),
            ..self
        }
    }

    /// A fault of our own: the client gets no inner text.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Refusal {
            log: Some(error.to_string()),
            ..Refusal::new(
                Code::Internal,
                "the gateway failed; the operator finds the reason under the request id",
            )
        }
    }

    /// In place of a failed attempt. The client is told what kind of failure it was; what exactly was
    /// said on the way is for the log.
    pub fn in_place_of(failure: &Failure) -> Self {
        let code = Code::in_place_of(failure);
        let meaning = code.meaning().trim_end_matches('.');
        Refusal {
            log: Some(failure.message.clone()),
            ..Refusal::new(code, format!("{meaning} ({})", failure.cause))
        }
    }

    /// The cause it is recorded under.
    pub fn cause(&self) -> Cause {
        self.code.info().cause
    }

    /// What the log says.
    pub fn log_message(&self) -> &str {
        self.log.as_deref().unwrap_or(&self.message)
    }

    /// Who caused it, as the client is told.
    pub fn source(&self) -> Source {
        match self.cause().info().owner {
            Owner::Client => Source::Client,
            Owner::Provider | Owner::Platform => Source::Gateway,
        }
    }
}

impl From<PeekError> for Refusal {
    fn from(error: PeekError) -> Self {
        Refusal::new(Code::InvalidRequest, error.message)
    }
}

impl From<Mismatch> for Refusal {
    fn from(mismatch: Mismatch) -> Self {
        match mismatch {
            Mismatch::NotFound => Refusal::new(
                Code::NotFound,
                "this path is not an endpoint of the gateway",
            ),
            Mismatch::MethodNotAllowed { allow } => Refusal {
                allow: Some(allow),
                ..Refusal::new(
                    Code::MethodNotAllowed,
                    format!("this endpoint takes {allow} only"),
                )
            },
        }
    }
}

impl Refusal {
    /// An endpoint that accounts of a platform cannot be asked for.
    pub fn no_counterpart(endpoint: Option<Endpoint>, platform: Platform) -> Self {
        let endpoint = endpoint.map_or("this", Endpoint::as_str);
        let message = format!(
            "`{endpoint}` has no counterpart there: the group that serves this model has {platform} accounts"
        );
        Refusal::new(Code::Untranslatable, message)
    }

    /// No account for the request. What exactly keeps each of them from serving is on its record.
    pub fn no_route(why: NoRoute, arrival: &Arrival, now: UnixMillis) -> Self {
        let model = arrival.model.as_deref();
        match why {
            NoRoute::NoWords(platform) => Refusal::no_counterpart(arrival.endpoint, platform),
            NoRoute::NoGroup(sought) => {
                let alone = match sought.only {
                    Some(_) => ", which alone can answer this",
                    None => "",
                };
                let of_model = model.map(|model| format!(" (model `{model}`)"));
                Refusal::new(
                    Code::ModelNotServed,
                    format!(
                        "no group of this key {sought}{alone}{}",
                        of_model.unwrap_or_default()
                    ),
                )
            }
            NoRoute::ModelNotServed(sought) => Refusal::new(
                Code::ModelNotServed,
                format!(
                    "no group of this key that {sought} has the model `{}`",
                    model.unwrap_or("(none)")
                ),
            ),
            NoRoute::NoSlot => Refusal::new(
                Code::NoSlot,
                "every account that could serve this request is at its concurrency limit",
            ),
            NoRoute::NoneUsable { soonest: None } => Refusal::new(
                Code::NoAccount,
                "no account of the group can take this request now",
            ),
            NoRoute::NoneUsable {
                soonest: Some(soonest),
            } => Refusal::new(
                Code::NoAccount,
                format!(
                    "no account of the group can take this request now; \
                     the first of them is tried again at {soonest}"
                ),
            )
            .until(soonest, now),
            NoRoute::QueueTimeout => Refusal::new(
                Code::QueueTimeout,
                "every account that could serve this request was busy for as long as it may wait",
            ),
            NoRoute::QueueFull => Refusal::new(
                Code::QueueFull,
                "every account that could serve this request is busy, and too many requests wait already",
            ),
        }
    }
}
