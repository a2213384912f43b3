//! From facts to a record: classified and redacted, once, on the recorder's thread.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderMap, header};
use waybill_model::{
    cause::Cause,
    classify::{
        self,
        ruling::{Facts, Judge, Ruling},
    },
    fingerprint::{fingerprint, scope as reached, template_without},
    record::{
        AccountEventRow, ErrorRow, EventRow, Record, ReplayRow, RequestRow, Stages, Subject,
        Traits, Verdict,
    },
    redact::{Redactor, Shown},
    state::{AccountEvent, Scope},
    traits,
    waybill::{Attempt, Candidate, Exclusion, Failure, Finished, Outcome, Waybill},
};

use super::{
    capture::{Copies, Head, Packer},
    queue::CLIENT_REQUEST_ID,
};
use crate::{auth, config::Capture, secrets::Secrets, vault::Vault};

/// Longest id kept, in bytes.
const MAX_ID_BYTES: usize = 128;
/// Longest message kept, in bytes.
const MAX_MESSAGE_BYTES: usize = 2048;
/// Longest name (model, account, user agent) kept, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// Composes records. Owned by the recorder's thread.
pub struct Composer {
    secrets: Arc<Secrets>,
    capture: Capture,
    packer: Packer,
    rules: RulesInForce,
}

/// The operator's classification rules, as they are in force: read for every failure, replaced when they change.
pub type RulesInForce = Arc<ArcSwap<Judge>>;

impl Composer {
    /// A composer that looks for `secrets` and seals with the vault.
    pub fn new(secrets: Arc<Secrets>, vault: Vault, capture: Capture, copies: Copies) -> Self {
        Composer {
            secrets,
            packer: Packer::new(vault, copies),
            capture,
            rules: RulesInForce::default(),
        }
    }

    /// The same by an operator's rules.
    #[must_use]
    pub fn judged_by(self, rules: RulesInForce) -> Self {
        Composer { rules, ..self }
    }

    /// What nothing of a finished request may leave without. It knows the key that came with it.
    pub fn redactor_for(&self, finished: &Finished) -> Arc<Redactor> {
        if finished.must_be_durable()
            && let Some(key) = auth::presented(
                &finished.waybill.arrival.headers,
                &finished.waybill.arrival.path,
            )
        {
            // Only its hash is stored, so this is the first time that it can be looked for elsewhere.
            self.secrets.learn(&key);
        }
        self.secrets.redactor()
    }

    /// What a finished request is judged to be, by the rules in force: what its record says if it is composed
    /// next. `None` for a plain success.
    pub fn judge(&self, finished: &Finished, redactor: &Redactor) -> Option<Verdict> {
        if !finished.must_be_durable() {
            return None;
        }
        let rules = self.rules.load();
        let waybill = &finished.waybill;
        if rules.is_idle() {
            let (outcome, status_code) = (&finished.outcome, finished.status_code);
            return Some(classify::verdict(waybill, outcome, status_code));
        }
        let subject = subject(redactor, finished);
        let kind = kind(redactor, waybill, &finished.outcome, finished.status_code);
        let facts = Facts {
            platform: subject.platform,
            endpoint: subject.endpoint,
            status_code: subject.status_code,
            upstream_status_code: last_failed(waybill).and_then(|attempt| attempt.status),
            model: subject.model.as_ref().map(Shown::as_str),
            account_id: subject.account_id,
            group_id: subject.group_id,
            api_key_id: subject.api_key_id,
            user_id: subject.user_id,
            stream: subject.stream,
            message: kind.message.as_str(),
            built_in: kind.verdict,
        };
        Some(rules.judge(&facts).0)
    }

    /// The record of a finished request.
    pub fn compose(&mut self, finished: Finished, body_dropped: bool) -> Record {
        let redactor = self.redactor_for(&finished);
        let subject = subject(&redactor, &finished);
        if !finished.must_be_durable() {
            return Record {
                request: Some(request_row(&finished, subject)),
                error: None,
                events: Vec::new(),
                replay: None,
            };
        }
        let events = finished
            .waybill
            .attempts()
            .iter()
            .filter_map(|attempt| Some(self.event(&redactor, attempt, attempt.failure.as_ref()?)))
            .collect();
        let mut request = request_row(&finished, subject.clone());
        let mut error = Box::new(self.error(&redactor, &finished, subject, body_dropped));
        (error.verdict, error.ruling) = self.rules.load().judge(&Facts::of(&error));
        // The request says the same of what it failed of.
        request.cause = request.cause.map(|_| error.verdict.cause);
        Record {
            request: Some(request),
            error: Some(error),
            events,
            replay: self.replay(&finished),
        }
    }

    /// The row of a change of an account's state.
    pub fn account_event(&self, event: &AccountEvent) -> AccountEventRow {
        let redactor = self.secrets.redactor();
        let shown = |text: &Option<String>| text.as_deref().map(|text| name(&redactor, text));
        AccountEventRow {
            id: event.id,
            at: event.at,
            account_id: event.account_id,
            kind: event.kind,
            scope: scope(&redactor, &event.scope),
            since: event.since,
            until: event.until,
            source: shown(&event.source),
            strikes: event.strikes,
            cause: event.cause,
            status_code: event.status_code,
            reason: redactor.text_bounded(&event.reason, MAX_MESSAGE_BYTES),
            request_id: event.request_id,
            attempt: event.attempt,
            actor: shown(&event.actor),
            undoes: event.undoes,
        }
    }

    fn error(
        &self,
        redactor: &Redactor,
        finished: &Finished,
        subject: Subject,
        body_dropped: bool,
    ) -> ErrorRow {
        let waybill = &finished.waybill;
        let arrival = &waybill.arrival;
        let Kind {
            verdict,
            message,
            fingerprint,
        } = kind(redactor, waybill, &finished.outcome, finished.status_code);
        let last = last_failed(waybill);
        let failure = last.and_then(|attempt| attempt.failure.as_ref());
        let body = (!body_dropped && !arrival.body.is_empty())
            .then(|| redactor.request_body(&arrival.body, self.capture.request_body_bytes));
        ErrorRow {
            subject,
            verdict,
            ruling: Ruling::default(),
            message,
            fingerprint,
            recovered: matches!(finished.outcome, Outcome::Served),
            upstream_error_count: waybill.attempts_failed(),
            user_name: waybill
                .admission
                .as_ref()
                .map(|admission| name(redactor, &admission.user_name)),
            api_key_name: waybill
                .admission
                .as_ref()
                .map(|admission| name(redactor, &admission.api_key_name)),
            account_name: last
                .or(waybill.attempts().last())
                .map(|attempt| name(redactor, &attempt.account_name)),
            group_name: waybill
                .routing
                .as_ref()
                .map(|routing| name(redactor, &routing.group_name)),
            client_ip: arrival.client_ip,
            request_path: redactor.path(arrival.path.as_str()),
            user_agent: header_text(
                redactor,
                &arrival.headers,
                header::USER_AGENT.as_str(),
                MAX_NAME_BYTES,
            ),
            error_body: (!finished.told.is_empty())
                .then(|| redactor.bytes(&finished.told, self.capture.detail_bytes).0),
            upstream_status_code: last.and_then(|attempt| attempt.status),
            upstream_error_message: failure
                .map(|failure| redactor.text_bounded(&failure.message, MAX_MESSAGE_BYTES)),
            upstream_error_detail: failure
                .and_then(|failure| failure.detail.as_deref())
                .map(|detail| redactor.text_bounded(detail, self.capture.detail_bytes)),
            auth_latency_ms: waybill
                .admission
                .as_ref()
                .map(|admission| admission.auth_latency_ms),
            routing_latency_ms: waybill
                .routing
                .as_ref()
                .map(|routing| routing.routing_latency_ms),
            upstream_latency_ms: waybill
                .relayed
                .as_ref()
                .and_then(|relayed| relayed.upstream_latency_ms),
            response_latency_ms: waybill
                .relayed
                .as_ref()
                .and_then(|relayed| relayed.response_latency_ms),
            request_body_truncated: body_dropped
                || body.as_ref().is_some_and(|body| body.truncated),
            request_body: body.map(|body| body.text),
            request_body_bytes: arrival.body_bytes,
            request_headers: Some(redactor.headers(&arrival.headers)),
            queued: waybill.routing.as_ref().and_then(|routing| routing.queued),
            route: waybill
                .routing
                .as_ref()
                .map(|routing| {
                    let candidates = routing.candidates.iter();
                    candidates.map(|seen| candidate(redactor, seen)).collect()
                })
                .unwrap_or_default(),
        }
    }

    fn event(&self, redactor: &Redactor, attempt: &Attempt, failure: &Failure) -> EventRow {
        let bounded = |text: &str| redactor.text_bounded(text, self.capture.detail_bytes);
        EventRow {
            created_at: attempt.started_at,
            attempt: attempt.number,
            platform: attempt.platform,
            model: attempt
                .upstream_model
                .as_deref()
                .map(|model| name(redactor, model)),
            account_id: attempt.account_id,
            account_name: name(redactor, &attempt.account_name),
            upstream_host: name(redactor, &attempt.host),
            upstream_status_code: attempt.status,
            upstream_request_id: attempt
                .upstream_request_id
                .as_deref()
                .map(|id| redactor.text_bounded(id, MAX_ID_BYTES)),
            kind: failure.kind,
            cause: failure.cause,
            name: failure.name.as_deref().map(|text| name(redactor, text)),
            message: redactor.text_bounded(&failure.message, MAX_MESSAGE_BYTES),
            detail: failure.detail.as_deref().map(bounded),
            request_headers: (!failure.request_headers.is_empty())
                .then(|| redactor.headers(&failure.request_headers)),
            response_headers: (!failure.response_headers.is_empty())
                .then(|| redactor.headers(&failure.response_headers)),
            response_body: (!failure.body.is_empty())
                .then(|| redactor.bytes(&failure.body, self.capture.detail_bytes).0),
            connect_ms: attempt.connect_ms,
            first_byte_ms: attempt.first_byte_ms,
            duration_ms: attempt.duration_ms,
            retry_after_ms: failure.retry_after_ms,
            retry_after_source: failure
                .retry_after_source
                .as_deref()
                .map(|text| name(redactor, text)),
            decision: attempt.decision,
            decision_reason: attempt.decision_reason,
        }
    }

    fn replay(&mut self, finished: &Finished) -> Option<ReplayRow> {
        let body = &finished.waybill.arrival.body;
        // Only a complete body can be sent again, and only a request of ours has anywhere to go.
        let whole = body.len() as u64 == finished.waybill.arrival.body_bytes
            && finished.waybill.routing.is_some();
        if !self.capture.replay || !whole || body.len() > self.capture.replay_body_bytes {
            return None;
        }
        let head = Head::of(&finished.waybill.arrival)?;
        self.packer.pack(&head, body)
    }
}

/// What a failure is, and of which kind.
pub struct Kind {
    /// What really happened.
    pub verdict: Verdict,
    /// In one line.
    pub message: Shown,
    /// Alike for failures of one kind.
    pub fingerprint: [u8; 16],
}

/// The kind of a failure, or of what failover hid.
pub fn kind(redactor: &Redactor, waybill: &Waybill, outcome: &Outcome, status_code: u16) -> Kind {
    let verdict = classify::verdict(waybill, outcome, status_code);
    let last = last_failed(waybill);
    let failure = last.and_then(|attempt| attempt.failure.as_ref());
    let message = redactor.text_bounded(message(waybill, outcome, failure), MAX_MESSAGE_BYTES);
    let asked = waybill.arrival.model.as_deref();
    let sent = last.and_then(|attempt| attempt.upstream_model.as_deref());
    let models: Vec<Shown> = [asked, sent]
        .into_iter()
        .flatten()
        .map(|model| name(redactor, model))
        .collect();
    let models: Vec<&str> = models.iter().map(Shown::as_str).collect();
    let fingerprint = fingerprint(
        waybill.platform(),
        verdict.phase,
        verdict.cause,
        reached(verdict.cause, failure.map(|failure| failure.reach)),
        last.and_then(|attempt| attempt.status),
        failure.and_then(|failure| failure.name.as_deref()),
        &template_without(message.as_str(), &models),
    );
    Kind {
        verdict,
        message,
        fingerprint,
    }
}

fn last_failed(waybill: &Waybill) -> Option<&Attempt> {
    let attempts = waybill.attempts().iter().rev();
    attempts
        .into_iter()
        .find(|attempt| attempt.failure.is_some())
}

fn request_row(finished: &Finished, subject: Subject) -> RequestRow {
    let served = matches!(finished.outcome, Outcome::Served);
    let waybill = &finished.waybill;
    RequestRow {
        cause: (!served)
            .then(|| classify::verdict(waybill, &finished.outcome, finished.status_code).cause),
        recovered: served && waybill.attempts_failed() > 0,
        usage: waybill
            .relayed
            .as_ref()
            .map(|relayed| relayed.usage)
            .unwrap_or_default(),
        cost: waybill.relayed.as_ref().and_then(|relayed| relayed.cost),
        body_bytes: Some(waybill.arrival.body_bytes),
        stages: stages(waybill),
        unserved: is_unserved(finished),
        subject,
    }
}

fn stages(waybill: &Waybill) -> Stages {
    let relayed = waybill.relayed.as_ref();
    Stages {
        auth_ms: waybill
            .admission
            .as_ref()
            .map(|admission| admission.auth_latency_ms),
        routing_ms: waybill
            .routing
            .as_ref()
            .map(|routing| routing.routing_latency_ms),
        upstream_ms: relayed.and_then(|relayed| relayed.upstream_latency_ms),
        response_ms: relayed.and_then(|relayed| relayed.response_latency_ms),
    }
}

/// Whether no account could be asked, and it was providers who kept those from serving that could have.
fn is_unserved(finished: &Finished) -> bool {
    let for_want_of_accounts = matches!(
        finished.outcome,
        Outcome::Refused {
            cause: Cause::GatewayNoAccount,
            ..
        }
    );
    let routing = finished.waybill.routing.as_ref();
    for_want_of_accounts
        && routing.is_some_and(|routing| {
            let mut stopped = routing.candidates.iter().filter_map(|seen| seen.excluded);
            stopped.any(Exclusion::is_of_provider)
        })
}

fn subject(redactor: &Redactor, finished: &Finished) -> Subject {
    let waybill = &finished.waybill;
    let arrival = &waybill.arrival;
    let last = waybill.attempts().last();
    Subject {
        request_id: waybill.request_id,
        created_at: waybill.opened_at,
        client_request_id: CLIENT_REQUEST_ID
            .iter()
            .find_map(|name| header_text(redactor, &arrival.headers, name, MAX_ID_BYTES)),
        platform: waybill.platform(),
        endpoint: arrival.endpoint,
        model: arrival.model.as_deref().map(|model| name(redactor, model)),
        stream: arrival.stream,
        status_code: finished.status_code,
        latency_ms: u32::try_from(finished.finished_at.0.saturating_sub(waybill.opened_at.0))
            .unwrap_or(0),
        time_to_first_token_ms: waybill
            .relayed
            .as_ref()
            .and_then(|relayed| relayed.time_to_first_token_ms),
        user_id: waybill
            .admission
            .as_ref()
            .map(|admission| admission.user_id),
        api_key_id: waybill
            .admission
            .as_ref()
            .map(|admission| admission.api_key_id),
        account_id: last.map(|attempt| attempt.account_id),
        group_id: waybill.routing.as_ref().map(|routing| routing.group_id),
        attempts: waybill.attempts_made(),
        replay_of: waybill.replay_of,
        traits: traits(redactor, waybill),
    }
}

/// What failures are compared with successes by.
fn traits(redactor: &Redactor, waybill: &Waybill) -> Traits {
    let headers = &waybill.arrival.headers;
    let lines: Vec<Shown> = traits::of_headers(headers)
        .into_iter()
        .map(|(header, value)| Shown::join([&Shown::own(header), &name(redactor, value)], ": "))
        .collect();
    Traits {
        client: traits::client(headers).map(|client| name(redactor, &client.to_string())),
        headers: Some(Shown::join(&lines, "\n")),
        config_version: waybill
            .routing
            .as_ref()
            .map(|routing| routing.config_version),
        egress: waybill
            .attempts()
            .last()
            .map(|attempt| match &attempt.proxy {
                Some(proxy) => name(redactor, proxy),
                None => Shown::own("direct"),
            }),
    }
}

fn message<'a>(waybill: &Waybill, outcome: &'a Outcome, failure: Option<&'a Failure>) -> &'a str {
    match outcome {
        Outcome::Refused { message, .. } => message,
        Outcome::Served | Outcome::Failed { .. } => {
            failure.map_or("the request failed", |failure| failure.message.as_str())
        }
        Outcome::ClientLeft if waybill.replay_of.is_some() => {
            "sent again, and given up before the answer was complete"
        }
        Outcome::ClientLeft => "the client went away before the answer was complete",
        Outcome::ClientStalled => "the client stopped reading the answer",
        Outcome::Abandoned { .. } => "the request was abandoned inside the gateway",
    }
}

/// Spelled as a scope whatever the model's name, which is the client's word.
fn scope(redactor: &Redactor, scope: &Scope) -> Shown {
    match scope {
        Scope::Account => Shown::own("account"),
        Scope::Model(model) => Shown::join([&Shown::own("model"), &name(redactor, model)], ":"),
        Scope::Family(word) => Shown::join([&Shown::own("family"), &name(redactor, word)], ":"),
    }
}

/// A candidate as it is stored: what a provider said of it, and the model a client named, redacted.
fn candidate(redactor: &Redactor, seen: &Candidate) -> Candidate {
    let shown = |text: &str| name(redactor, text).into_string();
    Candidate {
        reason: seen.reason.as_deref().map(shown),
        scope: seen.scope.as_ref().map(|scope| match scope {
            Scope::Model(model) => Scope::Model(shown(model).into()),
            Scope::Account | Scope::Family(_) => scope.clone(),
        }),
        ..seen.clone()
    }
}

fn name(redactor: &Redactor, text: &str) -> Shown {
    redactor.text_bounded(text, MAX_NAME_BYTES)
}

fn header_text(
    redactor: &Redactor,
    headers: &HeaderMap,
    name: &str,
    max_bytes: usize,
) -> Option<Shown> {
    let value = headers.get(name)?;
    Some(redactor.bytes(value.as_bytes(), max_bytes).0)
}
