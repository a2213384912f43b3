#![allow(clippy::unwrap_used, clippy::panic)]
//! The rules, each held against an error as its provider documents it.

use super::*;
use crate::{cause::Phase, waybill::Stage};

fn judged(status: u16, names: &[&str], message: &str) -> Cause {
    judged_on(Platform::OpenAi, Some(status), names, message)
}

fn judged_on(platform: Platform, status: Option<u16>, names: &[&str], message: &str) -> Cause {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    cause_of(&AttemptFacts {
        platform,
        status,
        stated_status: None,
        names: &names,
        message,
        challenge: false,
        transport: None,
        stream: None,
    })
}

#[test]
fn a_status_and_a_specific_code_beat_a_generic_type() {
    assert_eq!(
        judged(429, &["invalid_request_error"], "Slow."),
        Cause::RateLimitRequests
    );
    assert_eq!(
        judged(401, &["invalid_request_error"], "Who?"),
        Cause::AuthInvalidKey
    );
    assert_eq!(
        judged(400, &["model_not_found", "invalid_request_error"], ""),
        Cause::ModelNotFound
    );
    assert_eq!(
        judged(400, &["api_error"], "That does not fit."),
        Cause::InvalidRequest
    );
}

#[test]
fn a_limit_that_waiting_never_fixes_is_not_called_a_rate_limit() {
    assert_eq!(
        judged(
            429,
            &["insufficient_quota"],
            "You exceeded your current quota."
        ),
        Cause::BillingCreditExhausted
    );
    assert_eq!(
        judged(
            429,
            &["rate_limit_exceeded", "tokens"],
            "Request too large for m on tokens per min (TPM): Limit 1"
        ),
        Cause::RequestOverBudget
    );
    assert!(!Cause::RequestOverBudget.info().retryable);
}

#[test]
fn the_same_sentence_means_money_at_one_provider_and_a_rate_at_another() {
    let text = "You exceeded your current quota, please check your plan and billing details.";
    let at = |platform, names: &[&str]| judged_on(platform, Some(429), names, text);
    assert_eq!(at(Platform::OpenAi, &[]), Cause::BillingCreditExhausted);
    assert_eq!(
        at(Platform::Gemini, &["RESOURCE_EXHAUSTED"]),
        Cause::RateLimitRequests
    );
}

#[test]
fn a_name_that_says_only_rate_limit_leaves_the_kind_to_the_words() {
    let kind = |text| judged(429, &["rate_limit_exceeded"], text);
    assert_eq!(
        kind("Too many concurrent requests"),
        Cause::RateLimitConcurrency
    );
    assert_eq!(
        kind("Limit reached on tokens per min (TPM)"),
        Cause::RateLimitTokens
    );
    assert_eq!(
        kind("Limit reached on requests per day (RPD)"),
        Cause::QuotaExhausted
    );
    assert_eq!(kind("Slow down"), Cause::RateLimitRequests);
}

#[test]
fn overload_is_recognised_under_the_status_of_a_rate_limit() {
    assert_eq!(
        judged(429, &["MODEL_CAPACITY_EXHAUSTED", "RESOURCE_EXHAUSTED"], ""),
        Cause::Overloaded
    );
    assert_eq!(
        judged(529, &["overloaded_error"], "Overloaded"),
        Cause::Overloaded
    );
}

#[test]
fn phrases_do_not_depend_on_backticks_case_or_apostrophes() {
    for text in [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.1.content.0: invalid signature in  thinking block",
    ] {
        assert_eq!(
            judged(400, &["invalid_request_error"], text),
            Cause::ThinkingSignature
        );
    }
    assert_eq!(
        judged(400, &[], "This exceeds the model’s context length"),
        Cause::ContextLength
    );
}

#[test]
fn words_that_sound_like_retry_or_permission_do_not_make_one() {
    assert_eq!(
        judged(400, &[], "Update the content block and try again."),
        Cause::InvalidRequest
    );
    assert_eq!(
        judged(
            400,
            &["INVALID_ARGUMENT"],
            "robots.txt: DENIED, confirm it is allowed"
        ),
        Cause::InvalidRequest
    );
}

#[test]
fn an_error_without_a_status_is_judged_by_its_words() {
    let said = |text| judged_on(Platform::Anthropic, None, &[], text);
    assert_eq!(
        said("getaddrinfo ENOTFOUND host.invalid"),
        Cause::NetworkDns
    );
    assert_eq!(said("read tcp: i/o timeout"), Cause::NetworkTimeout);
    assert_eq!(
        said("x509: certificate signed by unknown authority"),
        Cause::NetworkTls
    );
    assert_eq!(said("Post \"https://host/v1\": EOF"), Cause::NetworkReset);
    assert_eq!(said("something else"), Cause::ServerError);
}

#[test]
fn an_error_event_without_any_known_word_stays_an_error_event() {
    assert_eq!(
        judged_on(Platform::OpenAi, Some(200), &["odd_name"], "odd"),
        Cause::StreamErrorEvent
    );
}

#[test]
fn what_a_provider_says_never_becomes_a_fault_of_the_gateway() {
    for text in [
        "no available accounts",
        "gateway.internal",
        "Waybill itself failed",
        "gateway.no_account",
    ] {
        for status in [
            None,
            Some(200),
            Some(400),
            Some(404),
            Some(429),
            Some(500),
            Some(503),
        ] {
            let cause = judged_on(
                Platform::OpenAi,
                status,
                &["gateway.no_account", "gateway_internal"],
                text,
            );
            assert!(
                !cause.as_str().starts_with("gateway."),
                "{status:?} {text} gave {cause}"
            );
        }
    }
    let reachable = names::SPECIFIC
        .iter()
        .chain(names::GENERIC)
        .map(|(cause, _)| *cause);
    assert!(
        reachable
            .into_iter()
            .all(|cause| matches!(cause.info().phase, Phase::Upstream | Phase::Network))
    );
}

#[test]
fn no_name_stands_in_two_rows() {
    let mut seen = std::collections::HashMap::new();
    for (cause, listed) in names::SPECIFIC.iter().chain(names::GENERIC) {
        for name in *listed {
            let folded = name.to_ascii_lowercase().replace(['_', '-', '.', ' '], "");
            if let Some(before) = seen.insert(folded, cause) {
                assert_eq!(before, cause, "{name} stands for both");
            }
        }
    }
}

#[test]
fn what_the_gateway_saw_itself_beats_what_was_said() {
    let names = ["rate_limit_error".to_owned()];
    let facts = AttemptFacts {
        platform: Platform::Anthropic,
        status: Some(200),
        stated_status: None,
        names: &names,
        message: "rate limit",
        challenge: false,
        transport: None,
        stream: Some(StreamFault::Truncated),
    };
    assert_eq!(cause_of(&facts), Cause::StreamTruncated);
    let facts = AttemptFacts {
        stream: None,
        transport: Some(TransportFault::Tls),
        ..facts
    };
    assert_eq!(cause_of(&facts), Cause::NetworkTls);
    assert_eq!(
        cause_of(&AttemptFacts {
            message: "tls handshake eof",
            ..facts
        }),
        Cause::NetworkReset
    );
}

#[test]
fn a_failed_credential_of_the_pool_is_shown_to_the_client_as_an_upstream_error() {
    let waybill = failed_with(Cause::AuthInvalidKey);
    let verdict = verdict(
        &waybill,
        &Outcome::Failed {
            source: Source::Gateway,
        },
        502,
    );
    assert_eq!(
        (verdict.error_type, verdict.owner),
        (ErrorType::Upstream, Owner::Platform)
    );
    assert_eq!(
        (verdict.cause, verdict.source),
        (Cause::AuthInvalidKey, Source::Gateway)
    );
}

#[test]
fn a_request_that_the_provider_rejects_is_the_clients_doing_in_the_providers_words() {
    let verdict = verdict(
        &failed_with(Cause::InvalidRequest),
        &Outcome::Failed {
            source: Source::Upstream,
        },
        400,
    );
    assert_eq!(
        (verdict.owner, verdict.source),
        (Owner::Client, Source::Upstream)
    );
    assert_eq!(verdict.rules_version, RULES_VERSION);
}

#[test]
fn what_failed_alike_on_two_accounts_is_the_clients_doing_whatever_it_sounds_like() {
    let mut waybill = failed_with(Cause::AuthPermission);
    let outcome = Outcome::Failed {
        source: Source::Upstream,
    };
    let owner = |waybill: &Waybill| {
        let verdict = verdict(waybill, &outcome, 403);
        (verdict.owner, verdict.severity)
    };
    assert_eq!(owner(&waybill), (Owner::Platform, Severity::P1));
    waybill.request_at_fault = true;
    assert_eq!(owner(&waybill), (Owner::Client, Severity::P3));
}

#[test]
fn a_hidden_failure_keeps_the_cause_of_the_last_failed_attempt() {
    let mut waybill = failed_with(Cause::Overloaded);
    let attempt = attempt(None);
    waybill.begin_attempt(attempt.clone());
    waybill.complete_attempt(attempt);
    let verdict = verdict(&waybill, &Outcome::Served, 200);
    assert_eq!(
        (verdict.cause, verdict.source),
        (Cause::Overloaded, Source::Upstream)
    );
}

#[test]
fn a_refusal_speaks_for_the_client_only_where_it_is_the_clients_doing() {
    let waybill = failed_with(Cause::Overloaded);
    let refused = |cause| {
        let outcome = Outcome::Refused {
            cause,
            message: String::new(),
        };
        super::verdict(&waybill, &outcome, 400).source
    };
    assert_eq!(refused(Cause::GatewayInvalidRequest), Source::Client);
    assert_eq!(refused(Cause::GatewayNoAccount), Source::Gateway);
}

#[test]
fn departures_and_defects_have_causes_of_their_own() {
    let waybill = failed_with(Cause::Overloaded);
    let cause = |outcome| verdict(&waybill, &outcome, 499).cause;
    assert_eq!(cause(Outcome::ClientLeft), Cause::ClientClosed);
    assert_eq!(cause(Outcome::ClientStalled), Cause::ClientStalled);
    assert_eq!(
        cause(Outcome::Abandoned {
            stage: Stage::Relay
        }),
        Cause::GatewayInternal
    );
}

fn failed_with(cause: Cause) -> Waybill {
    use crate::{id::RequestId, protocol::Protocol, time::UnixMillis, waybill::Arrival};
    let arrival = Arrival {
        method: http::Method::POST,
        path: http::uri::PathAndQuery::from_static("/v1/messages"),
        protocol: Protocol::Anthropic,
        endpoint: None,
        model: None,
        stream: false,
        client_ip: std::net::Ipv4Addr::LOCALHOST.into(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        body_bytes: 0,
        sticky: None,
    };
    let mut waybill = Waybill::open(
        RequestId::new(UnixMillis(0), [0; 10]),
        UnixMillis(0),
        arrival,
    );
    let attempt = attempt(Some(cause));
    waybill.begin_attempt(attempt.clone());
    waybill.complete_attempt(attempt);
    waybill
}

fn attempt(cause: Option<Cause>) -> crate::waybill::Attempt {
    use crate::{id::AccountId, time::UnixMillis, waybill};
    waybill::Attempt {
        number: 1,
        account_id: AccountId(1),
        account_name: "a".into(),
        platform: Platform::Anthropic,
        upstream_model: None,
        host: "host".into(),
        proxy: None,
        started_at: UnixMillis(0),
        connect_ms: None,
        first_byte_ms: None,
        duration_ms: 1,
        status: Some(500),
        upstream_request_id: None,
        failure: cause.map(|cause| waybill::Failure {
            kind: waybill::EventKind::HttpError,
            cause,
            transport: None,
            stream: None,
            message: String::new(),
            name: None,
            detail: None,
            body: bytes::Bytes::new(),
            request_headers: http::HeaderMap::new(),
            response_headers: http::HeaderMap::new(),
            retry_after_ms: None,
            retry_after_source: None,
            reach: crate::state::Reach::Account,
        }),
        decision: waybill::Decision::Surface,
        decision_reason: "test",
    }
}
