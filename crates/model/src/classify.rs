//! From facts to a verdict: what really happened, whose fault it was, what to do about it.
//!
//! Promises: pure functions over tables. [`cause_of`] reads the facts of one attempt, [`verdict`] those
//! of a finished request. What a provider *says* can only select a cause of a provider: no text that
//! came from outside can make a failure look like the gateway's own.
//!
//! An operator's rules come after that, over the verdict made here: [`ruling`].
//!
//! Must not know: how a provider's body is parsed (that is `wire`), and what is done about a cause.
//!
//! The order in which facts are believed, strongest first:
//! 1. how the transport or the stream broke, which the gateway saw itself;
//! 2. wordings that contradict their own status and type ([`wording::OVERRULING`]);
//! 3. specific machine names ([`names::SPECIFIC`]);
//! 4. wordings that say more than the status ([`wording::REFINING`]);
//! 5. the status ([`status`]);
//! 6. generic machine names ([`names::GENERIC`]), which providers attach to anything.

mod names;
pub mod ruling;
mod status;
mod wording;

use crate::{
    cause::{Blame, Cause, ErrorType, Owner, Phase, Severity, Source},
    protocol::Platform,
    record::Verdict,
    waybill::{Outcome, StreamFault, TransportFault, Waybill},
};

/// Version of the rules below; raised with every change that can alter a verdict.
///
/// 2: what failed alike on two accounts is the client's own.
pub const RULES_VERSION: u32 = 2;

/// What is known of one failed attempt.
#[derive(Clone, Copy, Debug)]
pub struct AttemptFacts<'a> {
    /// The account's platform.
    pub platform: Platform,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// The HTTP status the error's own text names; decides only where `status` says nothing.
    pub stated_status: Option<u16>,
    /// Every machine name in the error, most specific first: codes, reasons, types, quota ids.
    pub names: &'a [String],
    /// What the provider or the transport said.
    pub message: &'a str,
    /// Whether the answer is a bot challenge of something in front of the provider.
    pub challenge: bool,
    /// How the transport failed, if it did.
    pub transport: Option<TransportFault>,
    /// How the `200` broke, if it did.
    pub stream: Option<StreamFault>,
}

impl AttemptFacts<'_> {
    /// The status that counts: the answer's own, unless that one claims success.
    fn failing_status(&self) -> Option<u16> {
        self.status
            .filter(|status| *status >= 300)
            .or(self.stated_status.filter(|status| *status >= 400))
    }
}

/// The cause of one attempt's failure.
pub fn cause_of(facts: &AttemptFacts<'_>) -> Cause {
    if let Some(fault) = facts.transport {
        return of_transport(fault, facts.message);
    }
    match facts.stream {
        Some(StreamFault::Truncated) => return Cause::StreamTruncated,
        Some(StreamFault::Reset) => return Cause::NetworkReset,
        Some(StreamFault::Stalled) => return Cause::StreamStalled,
        Some(StreamFault::Garbage) => return Cause::InvalidResponse,
        Some(StreamFault::GaveUp) => return Cause::ModelGaveUp,
        Some(StreamFault::TooLarge) => return Cause::ResponseTooLarge,
        Some(StreamFault::ErrorEvent) | None => {}
    }
    if facts.challenge {
        return Cause::AccessChallenge;
    }
    let status = facts.failing_status();
    let said = wording::Said::read(facts.message, facts.names);
    said.overruling(facts.platform, status)
        .or_else(|| {
            let named = names::specific(facts.names)?;
            let finer = (named == Cause::RateLimitRequests)
                .then(|| said.kind_of_limit(facts.platform, status));
            Some(finer.flatten().unwrap_or(named))
        })
        .or_else(|| said.refining(facts.platform, status))
        .or_else(|| status.map(status::cause_of))
        .or_else(|| names::generic(facts.names))
        .unwrap_or(if facts.status.is_some() || facts.stream.is_some() {
            Cause::StreamErrorEvent
        } else {
            Cause::ServerError
        })
}

/// A TLS handshake that is cut off is a broken connection; anything else TLS complains of stays so.
fn of_transport(fault: TransportFault, message: &str) -> Cause {
    match fault {
        TransportFault::Dns => Cause::NetworkDns,
        TransportFault::Connect => Cause::NetworkConnect,
        TransportFault::Tls if message.to_ascii_lowercase().contains("eof") => Cause::NetworkReset,
        TransportFault::Tls => Cause::NetworkTls,
        TransportFault::Reset => Cause::NetworkReset,
        TransportFault::Timeout => Cause::NetworkTimeout,
        TransportFault::Protocol => Cause::InvalidResponse,
        TransportFault::Proxy => Cause::NetworkProxy,
        TransportFault::Forbidden => Cause::NetworkForbidden,
    }
}

/// The verdict on a finished request that failed, or that succeeded after hidden failures.
/// `status_code` is the status the client was sent.
pub fn verdict(waybill: &Waybill, outcome: &Outcome, status_code: u16) -> Verdict {
    let last_failed = waybill
        .attempts()
        .iter()
        .rev()
        .find_map(|attempt| attempt.failure.as_ref());
    let last_failure = || last_failed.map(|failure| failure.cause);
    let (cause, source) = match outcome {
        Outcome::Served => (
            last_failure().unwrap_or(Cause::GatewayInternal),
            Source::Upstream,
        ),
        Outcome::Failed { source } => (last_failure().unwrap_or(Cause::GatewayInternal), *source),
        Outcome::Refused { cause, .. } => (*cause, source_of_refusal(*cause)),
        Outcome::ClientLeft => (Cause::ClientClosed, Source::Client),
        Outcome::ClientStalled => (Cause::ClientStalled, Source::Client),
        Outcome::Abandoned { .. } => (Cause::GatewayInternal, Source::Gateway),
    };
    let info = cause.info();
    // The pool's own credentials are not the client's business: it was sent a 502 instead.
    let masked = info.blame == Blame::Credential
        && source == Source::Gateway
        && status_code == MASKED_STATUS;
    // What failed alike on two accounts is about the request, whatever it sounds like.
    let at_fault = waybill.request_at_fault && matches!(outcome, Outcome::Failed { .. });
    // A `200` that broke failed at the provider, also where the network is what broke it.
    let broke_inside = matches!(outcome, Outcome::Served | Outcome::Failed { .. })
        && last_failed.is_some_and(|failure| failure.stream.is_some());
    Verdict {
        phase: if broke_inside {
            Phase::Upstream
        } else {
            info.phase
        },
        error_type: if masked {
            ErrorType::Upstream
        } else {
            info.error_type
        },
        cause,
        severity: if at_fault {
            Severity::P3
        } else {
            info.severity
        },
        owner: if at_fault { Owner::Client } else { info.owner },
        source,
        is_retryable: info.retryable && !at_fault,
        is_business_limited: info.business_limited,
        rules_version: RULES_VERSION,
    }
}

/// What a client sees in place of a provider's 401, 402 or 403 to the pool's credential.
const MASKED_STATUS: u16 = 502;

fn source_of_refusal(cause: Cause) -> Source {
    match cause.info().owner {
        Owner::Client => Source::Client,
        Owner::Provider | Owner::Platform => Source::Gateway,
    }
}

#[cfg(test)]
mod tests;
