//! Upstream: tries accounts until one serves.
//!
//! In: an [`Inbound`] request and its [`Plan`]. Out: an [`Answer`] of which nothing has reached the
//! client yet, or [`Exhausted`]. Every try is stamped on the waybill, failed or not.
//!
//! Promises: the client sees nothing of an attempt before its first content; an account's slot is held
//! exactly as long as its answer flows; each wait has a bound. Must not know: how an answer is
//! delivered, or what a failure is called in the log.

mod answer;
mod attempt;
mod body;
mod build;
mod connect;
mod decide;
mod exchange;
mod failure;
mod judge;
mod pool;
mod probe;
mod tunnel;

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;
use waybill_model::waybill::{Attempt, Decision, Failure};

pub use answer::{AnswerStream, Broken};
pub use build::headers_sent;
pub use connect::Tls;
pub use failure::{Fault, failure_of};
pub use judge::{Answer, Streaming, Whole, flaw_of, flaw_of_end};
pub use pool::Pool;
pub use probe::{PATIENCE, ProbeKind, ProbeResult, probe};

use crate::{app::Worker, ingress::Inbound, respond::Refusal, routing::Plan};
use attempt::Connect;
use decide::Facts;

/// Nothing served. What the client is to be told.
pub enum Exhausted {
    /// The provider's own error, as it came.
    Surface {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: HeaderMap,
        /// Its body.
        body: bytes::Bytes,
    },
    /// An error of ours in place of what happened upstream.
    Replaced(Refusal),
    /// An error of ours: no attempt could be made.
    Refused(Refusal),
}

/// Serves a request from the accounts of a plan.
pub async fn serve(
    worker: &Worker,
    inbound: &mut Inbound,
    mut plan: Plan,
) -> Result<Answer, Exhausted> {
    let settings = &worker.shared.settings;
    let deadline = inbound.journey.started() + settings.timeouts.attempts;
    let mut retries_here = 0;
    let mut chosen = match plan.choose() {
        Ok(chosen) => chosen,
        Err(why) => {
            stamp_route(inbound, &plan);
            let model = inbound.arrival().model.clone();
            return Err(Exhausted::Refused(Refusal::no_route(why, model.as_deref())));
        }
    };
    let mut connect = Connect::KeptAlive;
    loop {
        let number = inbound.journey.waybill().attempts_made() + 1;
        let begun = attempt::begin(worker, &chosen, number);
        inbound.journey.waybill_mut().begin_attempt(begun.clone());
        let (mut attempt, result) = attempt::attempt(worker, inbound, chosen, begun, connect).await;
        let broken = match result {
            Ok(answer) => {
                inbound.journey.waybill_mut().complete_attempt(attempt);
                if inbound.journey.waybill().attempts_failed() > 0 {
                    stamp_route(inbound, &plan);
                }
                return Ok(answer);
            }
            Err(broken) => *broken,
        };
        let mut failure = broken.failure;
        let mut facts = Facts {
            blame: Some(failure.cause.info().blame),
            answered: attempt.status.is_some_and(|status| status >= 400),
            stale_connection: broken.stale_connection,
            attempts: number,
            max_attempts: settings.failover.max_attempts,
            retries_here,
            has_next: plan.has_next(),
            out_of_time: Instant::now() >= deadline,
        };
        let (mut decision, mut reason) = decide::decide(facts);
        let next = match decision {
            Decision::NextAccount => plan.choose().ok(),
            Decision::RetrySameAccount => plan.again(&broken.account),
            Decision::Serve | Decision::Surface | Decision::GiveUp => None,
        };
        if next.is_none() && matches!(decision, Decision::NextAccount | Decision::RetrySameAccount)
        {
            // Another request took the last slot since the facts were looked at.
            facts.has_next = false;
            facts.stale_connection = false;
            facts.retries_here = u32::MAX;
            (decision, reason) = decide::decide(facts);
        }
        if failure.stream.is_none() {
            failure.kind = decide::event_kind(attempt.status.is_some(), decision, number);
        }
        let last_word = told(decision, &attempt, &failure);
        attempt.decision = decision;
        attempt.decision_reason = reason;
        attempt.failure = Some(failure);
        inbound.journey.waybill_mut().complete_attempt(attempt);
        let Some(next) = next else {
            stamp_route(inbound, &plan);
            return Err(last_word);
        };
        let again = decision == Decision::RetrySameAccount;
        retries_here = if again { retries_here + 1 } else { 0 };
        // What else was kept alive to this provider is as old as what failed.
        connect = if again {
            Connect::Afresh
        } else {
            Connect::KeptAlive
        };
        chosen = next;
    }
}

/// Lists every account that was looked at. Left out for a clean success: nobody will ask.
fn stamp_route(inbound: &mut Inbound, plan: &Plan) {
    if let Some(routing) = &mut inbound.journey.waybill_mut().routing {
        routing.candidates = plan.candidates();
    }
}

/// What the client is told if this failure is the last.
fn told(decision: Decision, attempt: &Attempt, failure: &Failure) -> Exhausted {
    let status = attempt
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    match status.filter(|status| {
        decision != Decision::GiveUp && (status.is_client_error() || status.is_server_error())
    }) {
        Some(status) => Exhausted::Surface {
            status,
            headers: failure.response_headers.clone(),
            body: failure.body.clone(),
        },
        None => Exhausted::Replaced(Refusal::in_place_of(failure)),
    }
}
