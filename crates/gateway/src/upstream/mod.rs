//! Upstream: tries accounts until one serves.
//!
//! In: an [`Inbound`] request and its [`Plan`]. Out: an [`Answer`] of which nothing has reached the
//! client yet, or [`Exhausted`]. Every try is stamped on the waybill, failed or not.
//!
//! Promises: the client sees nothing of an attempt before its first content; an account's slot is held
//! exactly as long as its answer flows; each wait has a bound. Must not know: how an answer is
//! delivered, or what a failure is called in the log.

mod answer;
mod ask;
mod attempt;
mod body;
mod build;
mod connect;
mod course;
mod decide;
mod exchange;
mod failure;
mod judge;
mod pool;
mod probe;
mod tunnel;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::Instant;
use waybill_model::{
    cause::Cause,
    time::UnixMillis,
    waybill::{Attempt, Decision, EventKind, Failure, Queued, Routing},
};
use waybill_wire::{
    error::Reset,
    limits,
    translate::{told, tongue::Tongues, unsigned::Stage},
};

pub use answer::{AnswerStream, Broken};
pub use ask::{ask, ask_and_wait};
use build::next_stage;
pub use build::{USER_AGENT, headers_sent, mark, passed_on, trace};
pub use connect::{Outlet, Tls, TransportError, tcp_to, tls_over};
pub use course::{Broke, Course, Follows};
pub use decide::Again;
pub use failure::{Fault, failure_of};
pub use judge::{Answer, Streaming, Whole, flaw_of, flaw_of_end};
pub use pool::Pool;
pub use probe::{PATIENCE, ProbeKind, ProbeResult, probe};

use crate::{
    app::Worker,
    ingress::Inbound,
    record::millis_since,
    respond::{Code, Refusal},
    routing::{AccountEntry, Chosen, NoRoute, Plan},
    standing::Served,
};
use attempt::Connect;

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
    /// The same, because no account of the group can be told what is asked: why not, and what accounts of
    /// other groups may be spoken to in.
    Wordless(Refusal, Tongues),
}

/// Serves a request from the accounts of a plan.
pub async fn serve(
    worker: &Worker,
    inbound: &mut Inbound,
    plan: Plan,
) -> Result<Answer, Exhausted> {
    let settings = &worker.shared.settings;
    let mut choosing = Choosing {
        plan: Some(plan),
        deadline: inbound.journey.started() + settings.timeouts.attempts,
    };
    let mut course = Course::new(
        inbound.journey.waybill().request_id,
        inbound.arrival().body_bytes,
        settings.failover.max_attempts,
    );
    if inbound.journey.waybill().replay_of.is_some() {
        course = course.without_effect();
    }
    let mut chosen = match choosing.next(worker, inbound).await {
        Ok(chosen) => chosen,
        Err(why) => {
            choosing.stamp_route(worker, inbound);
            let now = worker.shared.clock.now();
            let refusal = Refusal::no_route(why, inbound.arrival(), now);
            return Err(Exhausted::Refused(refusal));
        }
    };
    let mut connect = Connect::KeptAlive;
    let mut stage = Stage::AsSent;
    let mut last: Option<(Follows, bool)> = None;
    loop {
        let place = chosen.account.place(worker.shared.clock.now());
        let prepared = match build::prepare(inbound, &chosen, place, stage) {
            Ok(prepared) => prepared,
            Err(refusal) => {
                let exhausted = match choosing.instead(worker, inbound, chosen, refusal).await {
                    Ok(next) => {
                        (chosen, stage) = (next, Stage::AsSent);
                        connect = Connect::KeptAlive;
                        continue;
                    }
                    Err(exhausted) => exhausted,
                };
                choosing.stamp_route(worker, inbound);
                return Err(match last {
                    // What was tried before says more to a client that may send it again.
                    Some((follows, translated)) => last_word(inbound, &follows, translated),
                    None => exhausted,
                });
            }
        };
        let is_translated = prepared.over.is_some();
        let number = inbound.journey.waybill().attempts_made() + 1;
        let begun = attempt::begin(worker, &chosen, place, number);
        inbound.journey.waybill_mut().begin_attempt(begun.clone());
        let (mut attempt, result) =
            attempt::attempt(worker, inbound, &chosen, begun, prepared, connect).await;
        let broken = match result {
            Ok(answer) => {
                let answer = serves(worker, inbound, chosen, &attempt, answer, &choosing);
                course.served(&worker.shared.keeper, worker.shared.clock.now());
                inbound.journey.waybill_mut().complete_attempt(attempt);
                if inbound.journey.waybill().attempts_failed() > 0 {
                    choosing.stamp_route(worker, inbound);
                }
                return Ok(answer);
            }
            Err(broken) => *broken,
        };
        let mut failure = broken.failure;
        let retold = match failure.cause {
            Cause::ThinkingSignature => next_stage(inbound, &chosen, stage),
            _ => None,
        };
        let now = worker.shared.clock.now();
        // A failure that an operator repeats on purpose is no news about an address.
        let elsewhere = !broken.stale_connection
            && inbound.journey.waybill().replay_of.is_none()
            && is_of_the_address(&failure, attempt.status)
            && chosen
                .account
                .rests_at(place, now.plus_ms(ADDRESS_RESTS_MS), now);
        let broke = Broke {
            group: choosing.plan().group(),
            account: &chosen.account,
            model: attempt.upstream_model.as_ref(),
            failure: &failure,
            status: attempt.status,
            number,
            began_at: attempt.started_at,
            now: worker.shared.clock.now(),
            stale_connection: broken.stale_connection,
            retold,
            stale_token: broken.stale_token,
            elsewhere,
            out_of_time: Instant::now() >= choosing.deadline,
        };
        let follows = course.failed(&worker.shared.keeper, broke, || choosing.has_next(worker));
        inbound.journey.waybill_mut().request_at_fault |= follows.blames_request();
        let now = worker.shared.clock.now();
        let same = match follows.decision {
            Decision::RetrySameAccount => choosing.plan().again(chosen, now),
            // Its place, and its trial, are free for others before this request takes another.
            Decision::NextAccount | Decision::Serve | Decision::Surface | Decision::GiveUp => {
                drop(chosen);
                None
            }
        };
        stamp(&mut attempt, &mut failure, &follows);
        last = Some((follows, is_translated));
        if failure.cause == Cause::ThinkingSignature {
            failure.kind = match stage {
                Stage::AsSent => EventKind::SignatureError,
                Stage::Thoughts | Stage::Tools => EventKind::SignatureRetry,
            };
            let told = format!("asked with {}", stage.as_str());
            failure.detail = Some(match failure.detail {
                Some(detail) => format!("{told}; {detail}"),
                None => told,
            });
        }
        attempt.failure = Some(failure);
        // On the waybill before anything is waited for: the client may leave meanwhile.
        inbound.journey.waybill_mut().complete_attempt(attempt);
        choosing.stamp_route(worker, inbound);
        // What else was kept alive to this provider is as old as what failed.
        connect = match (&same, retold) {
            (Some(_), None) if !elsewhere => Connect::Afresh,
            _ => Connect::KeptAlive,
        };
        // Another account may know the signatures.
        stage = match (&same, retold) {
            (Some(_), Some(next)) => next,
            (Some(_), None) => stage,
            (None, _) => Stage::AsSent,
        };
        let next = match (same, follows.decision) {
            (Some(same), _) => Some(same),
            // The same account was stopped meanwhile: another one may do.
            (None, Decision::NextAccount | Decision::RetrySameAccount) => {
                choosing.next(worker, inbound).await.ok()
            }
            (None, Decision::Serve | Decision::Surface | Decision::GiveUp) => None,
        };
        let Some(next) = next else {
            if follows.decision == Decision::NextAccount {
                // It was waited for: what the accounts are like is what they are like now.
                choosing.stamp_route(worker, inbound);
            }
            return Err(last_word(inbound, &follows, is_translated));
        };
        chosen = next;
    }
}

/// How long an address that did not answer is gone round, where an account has another one.
pub const ADDRESS_RESTS_MS: i64 = 60_000;

/// Whether another address of the same account may answer what this one did not.
fn is_of_the_address(failure: &Failure, status: Option<u16>) -> bool {
    failure.transport.is_some()
        || failure.cause == Cause::Overloaded
        || status.is_some_and(|status| status >= 500)
}

/// An attempt serves: its account is told before its slot goes on with the answer.
fn serves(
    worker: &Worker,
    inbound: &Inbound,
    chosen: Chosen,
    attempt: &Attempt,
    answer: Answer,
    choosing: &Choosing,
) -> Answer {
    let keeper = &worker.shared.keeper;
    let now = worker.shared.clock.now();
    let Chosen { account, slot, .. } = chosen;
    // What an operator sends again proves nothing about its account, for good or ill.
    let acts = inbound.journey.waybill().replay_of.is_none();
    if acts {
        keeper.served(Served {
            account: &account,
            model: attempt.upstream_model.as_ref(),
            is_trial: slot.is_trial(),
            first_byte_ms: attempt.first_byte_ms,
            used_up: used_up(&account, &answer, now).as_ref(),
            request_id: inbound.journey.waybill().request_id,
            attempt: attempt.number,
            now,
        });
    }
    match answer {
        Answer::Whole(whole) => {
            if acts {
                keeper.completed(&account);
            }
            Answer::Whole(whole)
        }
        Answer::Stream(mut streaming) => {
            streaming.slot = Some(slot);
            streaming.group = Some(Arc::clone(choosing.plan().group()));
            Answer::Stream(streaming)
        }
    }
}

/// The limit that an answer's headers say is used up.
fn used_up(account: &AccountEntry, answer: &Answer, now: UnixMillis) -> Option<Reset> {
    let headers = match answer {
        Answer::Whole(whole) => &whole.headers,
        Answer::Stream(streaming) => &streaming.headers,
    };
    limits::used_up(account.platform, headers, now)
}

/// Stamps what was decided on an attempt and its failure.
fn stamp(attempt: &mut Attempt, failure: &mut Failure, follows: &Follows) {
    if failure.stream.is_none() {
        failure.kind =
            decide::event_kind(attempt.status.is_some(), follows.decision, attempt.number);
    }
    attempt.decision = follows.decision;
    attempt.decision_reason = follows.reason;
}

/// What the client is told: nothing was left to try.
fn last_word(inbound: &mut Inbound, follows: &Follows, is_translated: bool) -> Exhausted {
    let ended = match follows.decision {
        // Another request took the last slot since the facts were looked at, or the wait was in vain.
        Decision::NextAccount | Decision::RetrySameAccount => follows.without_next(),
        Decision::Serve | Decision::Surface | Decision::GiveUp => *follows,
    };
    let Some(attempt) = inbound.journey.waybill_mut().last_attempt_mut() else {
        return Exhausted::Replaced(Refusal::internal("a failed attempt left no trace"));
    };
    let Some(mut failure) = attempt.failure.take() else {
        return Exhausted::Replaced(Refusal::internal("a failed attempt left no trace"));
    };
    stamp(attempt, &mut failure, &ended);
    let told = told(ended.decision, attempt, &failure);
    attempt.failure = Some(failure);
    match is_translated {
        true => in_clients_language(inbound, told),
        false => told,
    }
}

/// The provider's error, told in the client's language: its status and its words, and how long to wait.
fn in_clients_language(inbound: &Inbound, told: Exhausted) -> Exhausted {
    let Exhausted::Surface { status, .. } = told else {
        return told;
    };
    let waybill = inbound.journey.waybill();
    let failure = waybill
        .attempts()
        .last()
        .and_then(|attempt| attempt.failure.as_ref());
    let message = failure.map_or("", |failure| &failure.message);
    let id = waybill.request_id.to_string();
    let protocol = waybill.arrival.protocol;
    let (status, body) = told::error_answer(protocol, status.as_u16(), message, &id);
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    if let Some(wait) = failure.and_then(|failure| failure.retry_after_ms) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.div_ceil(1000)));
    }
    Exhausted::Surface {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY),
        headers,
        body,
    }
}

/// Chooses, and waits, for one request.
struct Choosing {
    /// Away only while it waits in the line.
    plan: Option<Plan>,
    /// When the time for attempts is spent.
    deadline: Instant,
}

impl Choosing {
    #[allow(
        clippy::expect_used,
        reason = "the line gives every plan back; a request that is dropped in it is over"
    )]
    fn plan(&self) -> &Plan {
        self.plan
            .as_ref()
            .expect("only `next` takes the plan, and puts it back")
    }

    /// The next account, at once or after a wait.
    async fn next(&mut self, worker: &Worker, inbound: &mut Inbound) -> Result<Chosen, NoRoute> {
        let waybill = inbound.journey.waybill_mut();
        // Nobody comes here without a key, and the plan is always put back.
        let nobody = Err(NoRoute::NoneUsable { soonest: None });
        let Some(key) = waybill.admission.as_ref().map(|key| key.api_key_id) else {
            return nobody;
        };
        let Some(plan) = self.plan.take() else {
            return nobody;
        };
        let timed = Timed {
            routing: &mut waybill.routing,
            began: Instant::now(),
        };
        let shared = &worker.shared;
        let choosing = shared.line.choose(plan, key, &shared.clock, self.deadline);
        let (plan, result, queued) = choosing.await;
        self.plan = Some(plan);
        timed.waited(queued);
        result
    }

    /// The next account after one that could not be asked: one that is spoken to in another tongue, where
    /// it was words that were missing.
    async fn instead(
        &mut self,
        worker: &Worker,
        inbound: &mut Inbound,
        chosen: Chosen,
        refusal: Refusal,
    ) -> Result<Chosen, Exhausted> {
        let Some(plan) = &mut self.plan else {
            return Err(Exhausted::Refused(refusal));
        };
        if refusal.code != Code::Untranslatable {
            return Err(Exhausted::Refused(refusal));
        }
        plan.close(chosen, refusal.message.clone());
        if !plan.has_words() {
            return Err(Exhausted::Wordless(refusal, plan.open()));
        }
        self.next(worker, inbound).await.map_err(|why| {
            let now = worker.shared.clock.now();
            Exhausted::Refused(Refusal::no_route(why, inbound.arrival(), now))
        })
    }

    /// Whether another account can be tried, or will be before a wait in the line is over.
    fn has_next(&self, worker: &Worker) -> bool {
        let shared = &worker.shared;
        shared
            .line
            .is_hopeful(self.plan(), shared.clock.now(), self.deadline)
    }

    /// Lists every account that was looked at. Left out for a clean success: nobody will ask.
    fn stamp_route(&self, worker: &Worker, inbound: &mut Inbound) {
        if let Some(routing) = &mut inbound.journey.waybill_mut().routing {
            routing.candidates = self.plan().candidates(worker.shared.clock.now());
        }
    }
}

/// A choice under way. Its time is on the waybill also when the client leaves while it waits.
struct Timed<'a> {
    routing: &'a mut Option<Routing>,
    began: Instant,
}

impl Timed<'_> {
    fn waited(self, queued: Option<Queued>) {
        if let Some(routing) = self.routing.as_mut() {
            routing.queued = match (routing.queued, queued) {
                (Some(first), Some(second)) => Some(Queued {
                    ahead: first.ahead,
                    waited_ms: first.waited_ms.saturating_add(second.waited_ms),
                }),
                (first, second) => first.or(second),
            };
        }
    }
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        if let Some(routing) = self.routing {
            routing.routing_latency_ms = routing
                .routing_latency_ms
                .saturating_add(millis_since(self.began));
        }
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
