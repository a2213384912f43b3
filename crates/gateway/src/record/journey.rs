//! A waybill on its way. Ends by [`Journey::finish`]; being dropped before that is an end, too.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use tokio::{sync::oneshot, time::Instant};
use waybill_model::{
    cause::Cause,
    id::AccountId,
    money::MicroUsd,
    protocol::Protocol,
    redact::Redactor,
    waybill::{Outcome, Waybill},
};

use super::{Commit, compose};
use crate::{
    app::Shared,
    ingress::Peer,
    quota::{self, Bill, Ticket},
};

/// Status under which a departed client is recorded (nginx's word for it).
pub const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Carries a waybill through the stages and makes sure that it reaches the recorder.
pub struct Journey {
    waybill: Option<Box<Waybill>>,
    shared: Arc<Shared>,
    peer: Peer,
    started: Instant,
    /// Its place with its key and user, once it has one.
    ticket: Option<Ticket>,
    /// The status the client was sent, once it was.
    answering: Option<StatusCode>,
    /// Who waits for its end.
    asked_by: Option<oneshot::Sender<Ended>>,
}

/// How a way ended, for whoever sent the request again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// A client would have a whole, good answer.
    pub served: bool,
    /// What went wrong; `None` when it was served.
    pub message: Option<String>,
    /// The account that was tried last.
    pub account_id: Option<AccountId>,
    /// That provider's id for the request.
    pub upstream_request_id: Option<String>,
    /// What really went wrong; of what was served, what failover hid.
    pub cause: Option<Cause>,
    /// The kind of that.
    pub fingerprint: Option<[u8; 16]>,
    /// The status that it is recorded under.
    pub status_code: u16,
    /// What it cost, where that is known.
    pub cost: Option<MicroUsd>,
}

impl Ended {
    fn of(waybill: &Waybill, outcome: &Outcome, status_code: u16, redactor: &Redactor) -> Ended {
        let last = waybill.attempts().last();
        let failure = last.and_then(|last| last.failure.as_ref());
        let said = || failure.map_or("it failed", |failure| failure.message.as_str());
        let message = match outcome {
            Outcome::Served => None,
            Outcome::Refused { message, .. } => Some(message.clone()),
            Outcome::Failed { .. } => Some(said().to_owned()),
            Outcome::ClientLeft | Outcome::ClientStalled => {
                Some("it was given up before the answer was complete".to_owned())
            }
            Outcome::Abandoned { .. } => Some("the gateway failed".to_owned()),
        };
        let served = matches!(outcome, Outcome::Served);
        let kind = (!served || waybill.attempts_failed() > 0)
            .then(|| compose::kind(redactor, waybill, outcome, status_code));
        Ended {
            served,
            cause: kind.as_ref().map(|kind| kind.verdict.cause),
            fingerprint: kind.map(|kind| kind.fingerprint),
            status_code,
            cost: match quota::is_billed(waybill.arrival.endpoint) {
                true => waybill.relayed.as_ref().and_then(|relayed| relayed.cost),
                false => Some(MicroUsd(0)),
            },
            message,
            account_id: last.map(|last| last.account_id),
            upstream_request_id: last.and_then(|last| last.upstream_request_id.clone()),
        }
    }
}

impl Journey {
    /// Takes up a waybill just opened.
    pub fn begin(shared: Arc<Shared>, waybill: Waybill, peer: Peer, started: Instant) -> Self {
        shared.in_flight.enter(started);
        Journey {
            waybill: Some(Box::new(waybill)),
            shared,
            peer,
            started,
            ticket: None,
            answering: None,
            asked_by: None,
        }
    }

    /// Tells how the way ends, when it does.
    pub fn tell(&mut self) -> oneshot::Receiver<Ended> {
        let (asked_by, told) = oneshot::channel();
        self.asked_by = Some(asked_by);
        told
    }

    /// The facts so far.
    #[allow(
        clippy::expect_used,
        reason = "only `finish` takes the waybill, and it takes the journey with it"
    )]
    pub fn waybill(&self) -> &Waybill {
        self.waybill
            .as_deref()
            .expect("a journey has its waybill until it is finished")
    }

    /// The facts, to be stamped.
    #[allow(
        clippy::expect_used,
        reason = "only `finish` takes the waybill, and it takes the journey with it"
    )]
    pub fn waybill_mut(&mut self) -> &mut Waybill {
        self.waybill
            .as_deref_mut()
            .expect("a journey has its waybill until it is finished")
    }

    /// The client's protocol.
    pub fn protocol(&self) -> Protocol {
        self.waybill().arrival.protocol
    }

    /// What every stage shares.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Takes the place that the request was given with its key and user; it is held until the end.
    pub fn hold(&mut self, ticket: Ticket) {
        self.ticket = Some(ticket);
    }

    /// The client has been sent this status; the answer's body follows.
    pub fn answering(&mut self, status: StatusCode) {
        self.answering = Some(status);
    }

    /// Milliseconds since the request arrived.
    pub fn elapsed_ms(&self) -> u32 {
        millis_since(self.started)
    }

    /// When the request arrived.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Ends the way. `told` is the error body or event the client is sent. The last bytes of an answer
    /// must wait for the [`Commit`], if there is one.
    pub fn finish(mut self, outcome: Outcome, status_code: u16, told: Bytes) -> Option<Commit> {
        self.close(outcome, status_code, told)
    }

    /// Ends the way of a request that never got past auth: it is counted, not stored.
    pub fn dismiss(mut self, cause: Cause) {
        if let Some(waybill) = self.waybill.take() {
            self.shared.recorder.noise(
                waybill.arrival.client_ip,
                cause,
                waybill.request_id,
                self.shared.clock.now(),
            );
            self.shared.in_flight.leave(self.started);
        }
    }

    fn close(&mut self, outcome: Outcome, status_code: u16, told: Bytes) -> Option<Commit> {
        let mut waybill = self.waybill.take()?;
        let now = self.shared.clock.now();
        let snapshot = self.shared.snapshot();
        quota::stamp_cost(&mut waybill, &snapshot.prices);
        let bill = Bill::of(&waybill);
        let is_replay = waybill.replay_of.is_some();
        if let Some(asked_by) = self.asked_by.take() {
            // Whoever asked may have gone.
            let redactor = self.shared.secrets.redactor();
            let _ = asked_by.send(Ended::of(&waybill, &outcome, status_code, &redactor));
        }
        self.shared.in_flight.leave(self.started);
        if let Outcome::Refused { cause, .. } = &outcome
            && !is_replay
        {
            self.shared.refusals.count(*cause);
        }
        let commit = self
            .shared
            .recorder
            .record(waybill.finish(outcome, status_code, told, now));
        // After the record: what somebody else is refused for must be on its way to the store.
        if let Some(ticket) = self.ticket.take() {
            ticket.settle(&bill, &snapshot, now);
        } else if is_replay {
            bill.settle_accounts(&snapshot, now);
        }
        commit
    }
}

impl Drop for Journey {
    /// The HTTP server drops a request's future when its client has gone, and every future when it is
    /// stopped: no other way leads here but a panic.
    fn drop(&mut self) {
        let Some(waybill) = self.waybill.as_deref_mut() else {
            return;
        };
        if waybill.admission.is_none() {
            // Who left before showing a key has no place in the books.
            self.waybill = None;
            self.shared.in_flight.leave(self.started);
            return;
        }
        let now = self.shared.clock.now();
        if let Some(attempt) = waybill.last_attempt_mut()
            && attempt.failure.is_none()
        {
            // Cut off in the middle: how long the provider had been waited for is what will be asked.
            let waited = now.0.saturating_sub(attempt.started_at.0);
            attempt.duration_ms = u32::try_from(waited).unwrap_or(0);
        }
        let (outcome, status) = if std::thread::panicking() {
            let stage = waybill.stage();
            (
                Outcome::Abandoned { stage },
                StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
            )
        } else if self.shared.is_cut_off() {
            let message = "the gateway was stopped before the answer was complete".to_owned();
            let cause = Cause::GatewayShutdown;
            let status = self.answering.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            (Outcome::Refused { cause, message }, status.as_u16())
        } else if self.peer.is_stalled() {
            (Outcome::ClientStalled, CLIENT_CLOSED_REQUEST)
        } else {
            (Outcome::ClientLeft, CLIENT_CLOSED_REQUEST)
        };
        drop(self.close(outcome, status, Bytes::new()));
    }
}

/// Whole milliseconds since `start`.
pub fn millis_since(start: Instant) -> u32 {
    u32::try_from(start.elapsed().as_millis()).unwrap_or(u32::MAX)
}
