//! From a finished waybill to spans: one for the request, a child for each attempt, an event for each failure.
//!
//! Promises: a pure function, on the recorder's thread; text that came from outside has passed the redactor, which
//! the types say; children lie within their parent; no prompt, no body and no header is among the attributes. Must
//! not know: how spans are sent.

use waybill_model::{
    cause::{Cause, Owner},
    id::RequestId,
    redact::{Redactor, Shown},
    trace::{SpanId, TraceContext},
    waybill::{Attempt, Finished, Outcome, Relayed, Waybill},
};

use super::{
    convention::{self as key, Operation, input_tokens, provider},
    told::{Told, attempt_end},
};

/// Longest text of an attribute, in bytes.
const MAX_TEXT_BYTES: usize = 256;
/// Longest message, in bytes.
const MAX_MESSAGE_BYTES: usize = 2048;

/// The spans of one request.
#[derive(Debug)]
pub struct Trace {
    /// The trace that they belong to.
    pub context: TraceContext,
    /// The request's first, then its attempts'.
    pub spans: Vec<Span>,
}

/// One span.
#[derive(Debug)]
pub struct Span {
    /// Its id.
    pub id: SpanId,
    /// What it is part of.
    pub parent: Option<SpanId>,
    /// Whether that is the client's.
    pub parent_is_remote: bool,
    /// Its name.
    pub name: Shown,
    /// Which side of an exchange it is.
    pub side: Side,
    /// When it began, in milliseconds since the epoch.
    pub began_ms: i64,
    /// When it ended.
    pub ended_ms: i64,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
    /// What happened in it.
    pub events: Vec<Event>,
    /// What went wrong; `None`: nothing that an operator has to know.
    pub error: Option<Shown>,
}

/// Which side of an exchange a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It answers.
    Server,
    /// It asks.
    Client,
}

/// Something known.
pub type Attribute = (&'static str, Fact);

/// What is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A word of ours.
    Word(&'static str),
    /// Any other text.
    Text(Shown),
    /// A whole number.
    Whole(i64),
    /// Any other number.
    Broken(f64),
    /// Yes.
    Yes,
}

/// Something that happened.
#[derive(Debug)]
pub struct Event {
    /// What.
    pub name: &'static str,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
}

/// The spans of a request that is over.
pub fn trace(
    finished: &Finished,
    told: &Told,
    context: TraceContext,
    redactor: &Redactor,
) -> Trace {
    let teller = Teller {
        finished,
        told,
        redactor,
        operation: Operation::of(finished.waybill.arrival.endpoint),
    };
    let attempts = finished.waybill.attempts();
    let mut spans = vec![teller.request(&context)];
    for (index, attempt) in attempts.iter().enumerate() {
        let is_last = index + 1 == attempts.len();
        spans.push(teller.attempt(attempt, is_last));
    }
    Trace { context, spans }
}

struct Teller<'a> {
    finished: &'a Finished,
    told: &'a Told,
    redactor: &'a Redactor,
    operation: Operation,
}

impl Teller<'_> {
    fn request(&self, context: &TraceContext) -> Span {
        let Finished {
            waybill,
            outcome,
            status_code,
            finished_at,
            ..
        } = self.finished;
        let arrival = &waybill.arrival;
        let model = arrival.model.as_deref().map(|model| self.text(model));
        let last = waybill.attempts().last();
        let mut facts = Facts::default();
        facts.put(key::OPERATION, Fact::Word(self.operation.as_str()));
        facts.put(key::PROVIDER, Fact::Word(provider(waybill.platform())));
        facts.maybe(key::REQUEST_MODEL, model.clone().map(Fact::Text));
        facts.maybe(key::STREAM, arrival.stream.then_some(Fact::Yes));
        facts.put(key::METHOD, self.method());
        facts.put(key::STATUS, Fact::Whole((*status_code).into()));
        facts.put(
            key::REQUEST_ID,
            Fact::Text(Shown::request_id(waybill.request_id)),
        );
        facts.put(key::PROTOCOL, Fact::Word(arrival.protocol.as_str()));
        facts.maybe(
            key::ENDPOINT,
            arrival
                .endpoint
                .map(|endpoint| Fact::Word(endpoint.as_str())),
        );
        if let Some(admission) = &waybill.admission {
            facts.put(key::API_KEY_ID, Fact::Whole(admission.api_key_id.0));
            facts.put(key::USER_ID, Fact::Whole(admission.user_id.0));
        }
        if let Some(routing) = &waybill.routing {
            facts.put(key::GROUP, Fact::Text(self.text(&routing.group_name)));
            let queued = routing.queued.map(|queued| seconds(queued.waited_ms));
            facts.maybe(key::QUEUED, queued);
        }
        facts.maybe(
            key::ACCOUNT,
            last.map(|last| Fact::Text(self.text(&last.account_name))),
        );
        facts.put(key::ATTEMPTS, Fact::Whole(waybill.attempts_made().into()));
        if let Some(relayed) = &waybill.relayed {
            self.usage(&mut facts, relayed, waybill.platform());
            facts.maybe(
                key::FIRST_TOKEN,
                relayed.time_to_first_token_ms.map(seconds),
            );
            facts.maybe(key::COST, relayed.cost.map(|cost| Fact::Broken(cost.usd())));
        }
        facts.maybe(
            key::REPLAY_OF,
            waybill.replay_of.map(|id| Fact::Whole(id.0)),
        );
        let is_served = matches!(outcome, Outcome::Served);
        let mut error = None;
        if let Some(verdict) = &self.told.verdict {
            facts.put(key::CAUSE, Fact::Word(verdict.cause.as_str()));
            facts.put(key::OWNER, Fact::Word(verdict.owner.as_str()));
            facts.put(key::PHASE, Fact::Word(verdict.phase.as_str()));
            facts.maybe(key::RECOVERED, is_served.then_some(Fact::Yes));
            if !is_served {
                facts.put(key::ERROR_TYPE, Fact::Word(verdict.cause.as_str()));
                // What its caller did itself is no error of the server's.
                if verdict.owner != Owner::Client {
                    error = Some(self.message(outcome, waybill));
                }
            }
        }
        let mut events = self.decisions();
        let is_attempts = last.is_some_and(|last| last.failure.is_some());
        if let Some(cause) = self.told.error().filter(|_| !is_attempts) {
            let said = self.message(outcome, waybill);
            events.push(exception(cause, said, finished_at.0));
        }
        Span {
            id: SpanId::of(waybill.request_id, 0),
            parent: context.parent,
            parent_is_remote: context.parent.is_some(),
            name: self.name(model.as_ref()),
            side: Side::Server,
            began_ms: waybill.opened_at.0,
            ended_ms: finished_at.0.max(waybill.opened_at.0),
            attributes: facts.0,
            events,
            error,
        }
    }

    fn attempt(&self, attempt: &Attempt, is_last: bool) -> Span {
        let request_id: RequestId = self.finished.waybill.request_id;
        let model = attempt
            .upstream_model
            .as_deref()
            .map(|model| self.text(model));
        let (host, port) = host_and_port(&attempt.host);
        let mut facts = Facts::default();
        facts.put(key::OPERATION, Fact::Word(self.operation.as_str()));
        facts.put(key::PROVIDER, Fact::Word(provider(attempt.platform)));
        facts.maybe(key::REQUEST_MODEL, model.clone().map(Fact::Text));
        facts.maybe(
            key::STREAM,
            self.finished.waybill.arrival.stream.then_some(Fact::Yes),
        );
        facts.put(key::METHOD, self.method());
        facts.maybe(
            key::STATUS,
            attempt.status.map(|status| Fact::Whole(status.into())),
        );
        facts.put(key::SERVER_ADDRESS, Fact::Text(self.text(host)));
        facts.put(key::SERVER_PORT, Fact::Whole(port.into()));
        facts.put(key::REQUEST_ID, Fact::Text(Shown::request_id(request_id)));
        facts.put(key::ACCOUNT, Fact::Text(self.text(&attempt.account_name)));
        facts.put(key::NUMBER, Fact::Whole(attempt.number.into()));
        let upstream_id = attempt.upstream_request_id.as_deref();
        facts.maybe(
            key::UPSTREAM_ID,
            upstream_id.map(|id| Fact::Text(self.text(id))),
        );
        facts.maybe(key::CONNECT, attempt.connect_ms.map(seconds));
        facts.maybe(key::FIRST_BYTE, attempt.first_byte_ms.map(seconds));
        facts.put(key::DECISION, Fact::Word(attempt.decision.as_str()));
        facts.put(key::DECISION_REASON, Fact::Word(attempt.decision_reason));
        let relayed = self.finished.waybill.relayed.as_ref();
        if let Some(relayed) = relayed.filter(|_| is_last) {
            self.usage(&mut facts, relayed, attempt.platform);
        }
        let (mut events, mut error) = (Vec::new(), None);
        let ended_ms = self.within(attempt_end(self.finished, attempt, is_last));
        if let Some(failure) = &attempt.failure {
            facts.put(key::ERROR_TYPE, Fact::Word(failure.cause.as_str()));
            facts.put(key::CAUSE, Fact::Word(failure.cause.as_str()));
            let wait = failure
                .retry_after_ms
                .map(|wait| Fact::Broken(wait as f64 / 1000.0));
            facts.maybe(key::RETRY_AFTER, wait);
            let said = self
                .redactor
                .text_bounded(&failure.message, MAX_MESSAGE_BYTES);
            events.push(exception(failure.cause, said.clone(), ended_ms));
            error = Some(said);
        } else if let Some(cause) = self.told.error().filter(|_| is_last) {
            // Cut off in the middle.
            facts.put(key::ERROR_TYPE, Fact::Word(cause.as_str()));
        }
        Span {
            id: SpanId::of(request_id, attempt.number),
            parent: Some(SpanId::of(request_id, 0)),
            parent_is_remote: false,
            name: self.name(model.as_ref()),
            side: Side::Client,
            began_ms: self.within(attempt.started_at.0).min(ended_ms),
            ended_ms,
            attributes: facts.0,
            events,
            error,
        }
    }

    /// What was decided after each failed attempt.
    fn decisions(&self) -> Vec<Event> {
        let attempts = self.finished.waybill.attempts();
        let failed = attempts
            .iter()
            .enumerate()
            .filter(|(_, attempt)| attempt.failure.is_some());
        failed
            .map(|(index, attempt)| {
                let is_last = index + 1 == attempts.len();
                let mut facts = Facts::default();
                facts.put(key::NUMBER, Fact::Whole(attempt.number.into()));
                facts.put(key::ACCOUNT, Fact::Text(self.text(&attempt.account_name)));
                facts.put(key::DECISION, Fact::Word(attempt.decision.as_str()));
                facts.put(key::DECISION_REASON, Fact::Word(attempt.decision_reason));
                Event {
                    name: key::DECIDED,
                    at_ms: self.within(attempt_end(self.finished, attempt, is_last)),
                    attributes: facts.0,
                }
            })
            .collect()
    }

    fn usage(
        &self,
        facts: &mut Facts,
        relayed: &Relayed,
        platform: waybill_model::protocol::Platform,
    ) {
        let usage = &relayed.usage;
        let whole =
            |tokens: Option<u64>| Some(Fact::Whole(i64::try_from(tokens?).unwrap_or(i64::MAX)));
        facts.maybe(key::INPUT_TOKENS, whole(input_tokens(platform, usage)));
        facts.maybe(key::OUTPUT_TOKENS, whole(usage.output_tokens));
        facts.maybe(key::CACHE_READ, whole(usage.cache_read_tokens));
        facts.maybe(key::CACHE_WRITE, whole(usage.cache_write_tokens));
    }

    fn message(&self, outcome: &Outcome, waybill: &Waybill) -> Shown {
        let last = waybill.attempts().iter().rev();
        let mut failures = last.filter_map(|attempt| attempt.failure.as_ref());
        match (outcome, failures.next()) {
            (Outcome::Refused { message, .. }, _) => {
                self.redactor.text_bounded(message, MAX_MESSAGE_BYTES)
            }
            (Outcome::Failed { .. } | Outcome::Served, Some(failure)) => self
                .redactor
                .text_bounded(&failure.message, MAX_MESSAGE_BYTES),
            (Outcome::Failed { .. } | Outcome::Served, None) => Shown::own("the request failed"),
            (Outcome::ClientLeft, _) => {
                Shown::own("the client left before the answer was complete")
            }
            (Outcome::ClientStalled, _) => Shown::own("the client stopped reading the answer"),
            (Outcome::Abandoned { .. }, _) => {
                Shown::own("the request was abandoned inside the gateway")
            }
        }
    }

    /// `{operation} {model}`.
    fn name(&self, model: Option<&Shown>) -> Shown {
        let operation = Shown::own(self.operation.as_str());
        match model {
            Some(model) => Shown::join([&operation, model], " "),
            None => operation,
        }
    }

    /// One of the known ones: any other is a client's own word.
    fn method(&self) -> Fact {
        const KNOWN: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
        let method = self.finished.waybill.arrival.method.as_str();
        let known = KNOWN.iter().find(|known| **known == method);
        Fact::Word(known.copied().unwrap_or("_OTHER"))
    }

    fn text(&self, text: &str) -> Shown {
        self.redactor.text_bounded(text, MAX_TEXT_BYTES)
    }

    /// An instant within the request, whatever the clock did meanwhile.
    fn within(&self, ms: i64) -> i64 {
        let began = self.finished.waybill.opened_at.0;
        ms.clamp(began, self.finished.finished_at.0.max(began))
    }
}

#[derive(Default)]
struct Facts(Vec<Attribute>);

impl Facts {
    fn put(&mut self, key: &'static str, fact: Fact) {
        self.0.push((key, fact));
    }

    fn maybe(&mut self, key: &'static str, fact: Option<Fact>) {
        self.0.extend(fact.map(|fact| (key, fact)));
    }
}

fn exception(cause: Cause, said: Shown, at_ms: i64) -> Event {
    Event {
        name: key::EXCEPTION,
        at_ms,
        attributes: vec![
            (key::EXCEPTION_TYPE, Fact::Word(cause.as_str())),
            (key::EXCEPTION_MESSAGE, Fact::Text(said)),
        ],
    }
}

fn seconds(millis: u32) -> Fact {
    Fact::Broken(f64::from(millis) / 1000.0)
}

/// A provider without a port is at the one of https.
fn host_and_port(host: &str) -> (&str, u16) {
    let split = host
        .rsplit_once(':')
        .and_then(|(name, port)| Some((name, port.parse().ok()?)));
    let (name, port) = split.unwrap_or((host, 443));
    (name.trim_matches(['[', ']']), port)
}

#[cfg(test)]
mod tests {
    use super::host_and_port;

    #[test]
    fn a_host_is_told_from_its_port() {
        for (text, expected) in [
            ("api.openai.com", ("api.openai.com", 443)),
            ("localhost:8000", ("localhost", 8000)),
            ("[::1]:80", ("::1", 80)),
            ("[::1]", ("::1", 443)),
        ] {
            assert_eq!(host_and_port(text), expected);
        }
    }
}
