//! How a finished request and its attempts are told: how they ended, when, and why.
//!
//! Promises: says what the record says; pure. Must not know: who counts it or sends it.

use waybill_model::{
    cause::{Cause, Owner},
    record::Verdict,
    waybill::{Attempt, Finished, Outcome},
    words,
};

words! {
    /// How a request ended, for who counts.
    pub enum Ending {
        /// The client has a whole, good answer.
        Served = "served",
        /// The same, after failures that it did not notice.
        Recovered = "recovered",
        /// It failed, and somebody but the client is at fault.
        Failed = "failed",
        /// A limit of the business.
        Limited = "limited",
        /// The caller's own doing.
        Client = "client",
    }
}

words! {
    /// How an attempt ended.
    pub enum AttemptEnding {
        /// It served.
        Served = "served",
        /// 429
        RateLimited = "rate_limited",
        /// 529
        Overloaded = "overloaded",
        /// Any other way.
        Failed = "failed",
        /// It had not ended when the client left, or the gateway was stopped.
        CutOff = "cut_off",
    }
}

/// How a finished request is told: how it ended, and why where that is worth saying.
pub struct Told {
    /// How it ended.
    pub ending: Ending,
    /// `None` for a plain success.
    pub verdict: Option<Verdict>,
}

impl Told {
    /// By the verdict of its record; `None` for a plain success.
    pub fn of(finished: &Finished, verdict: Option<Verdict>) -> Told {
        let served = matches!(finished.outcome, Outcome::Served);
        let Some(verdict) = verdict else {
            return Told {
                ending: Ending::Served,
                verdict: None,
            };
        };
        let ending = match (served, verdict.is_business_limited, verdict.owner) {
            (true, _, _) => Ending::Recovered,
            (false, true, _) => Ending::Limited,
            (false, false, Owner::Client) => Ending::Client,
            (false, false, Owner::Provider | Owner::Platform) => Ending::Failed,
        };
        Told {
            ending,
            verdict: Some(verdict),
        }
    }

    /// The cause, where the request failed.
    pub fn error(&self) -> Option<Cause> {
        match self.ending {
            Ending::Served | Ending::Recovered => None,
            Ending::Failed | Ending::Limited | Ending::Client => {
                self.verdict.as_ref().map(|verdict| verdict.cause)
            }
        }
    }
}

/// How an attempt ended, within a request that did.
pub fn attempt_ending(attempt: &Attempt, outcome: &Outcome, is_last: bool) -> AttemptEnding {
    match (&attempt.failure, attempt.status) {
        (Some(_), Some(429)) => AttemptEnding::RateLimited,
        (Some(_), Some(529)) => AttemptEnding::Overloaded,
        (Some(_), _) => AttemptEnding::Failed,
        (None, _) => match outcome {
            Outcome::Served => AttemptEnding::Served,
            Outcome::Refused { .. }
            | Outcome::Failed { .. }
            | Outcome::ClientLeft
            | Outcome::ClientStalled
            | Outcome::Abandoned { .. }
                if is_last =>
            {
                AttemptEnding::CutOff
            }
            Outcome::Refused { .. }
            | Outcome::Failed { .. }
            | Outcome::ClientLeft
            | Outcome::ClientStalled
            | Outcome::Abandoned { .. } => AttemptEnding::Served,
        },
    }
}

/// When an attempt ended, in milliseconds since the epoch: the one whose answer was relayed, with the request.
pub fn attempt_end(finished: &Finished, attempt: &Attempt, is_last: bool) -> i64 {
    let judged = attempt.started_at.plus_ms(attempt.duration_ms.into()).0;
    let was_relayed = is_last && (attempt.failure.is_none() || finished.waybill.relayed.is_some());
    let end = match was_relayed {
        true => finished.finished_at.0,
        false => judged.min(finished.finished_at.0),
    };
    end.max(attempt.started_at.0)
}
