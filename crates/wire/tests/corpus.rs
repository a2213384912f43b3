#![allow(clippy::unwrap_used, clippy::panic)]
//! Scores the reading of provider errors against a corpus of real ones, where one is at hand
//! (`WAYBILL_CORPUS`, else `../shared/corpus` beside the workspace). The corpus is not part of the
//! repository; without it the test says so and passes.

/// Prints past the test runner, which hides what a passing test says: the scores are to be seen.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

use std::{collections::BTreeMap, path::PathBuf};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use waybill_model::{
    cause::{Blame, Cause},
    protocol::Platform,
    time::UnixMillis,
};
use waybill_wire::error::read;

/// Where an entry fixes no clock.
const SOME_DAY: UnixMillis = UnixMillis(1_775_000_000_000);

/// What is scored, and the share that must be right, in percent.
const GOALS: [(&str, usize); 6] = [
    ("message", 98),
    ("class", 98),
    ("type", 95),
    ("reset", 100),
    ("retryable", 95),
    ("failover", 95),
];

#[test]
fn real_errors_of_providers_are_read_and_judged_as_a_person_would() {
    let Some(entries) = corpus() else { return };
    let mut right: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &entries {
        let id = entry["id"].as_str().unwrap();
        for (aspect, miss) in judge(entry) {
            match miss {
                None => *right.entry(aspect).or_default() += 1,
                Some(miss) => say!("miss {aspect} {id}: {miss}"),
            }
        }
    }
    let total = entries.len();
    for (aspect, goal) in GOALS {
        let right = right.get(aspect).copied().unwrap_or_default();
        say!(
            "{aspect}: {right} of {total} ({:.1} %), goal {goal} %",
            right as f64 * 100.0 / total as f64
        );
        assert!(right * 100 >= goal * total, "{aspect}: {right} of {total}");
    }
}

/// Each aspect, with what was got and expected where that differs.
fn judge(entry: &Value) -> [(&'static str, Option<String>); 6] {
    let expect = &entry["expect"];
    let now = entry["now"]
        .as_str()
        .map_or(SOME_DAY, |now| now.parse().unwrap());
    let status = entry["http_status"]
        .as_u64()
        .map(|status| u16::try_from(status).unwrap());
    let body = entry["body"].as_str().unwrap();
    let got = read(
        platform(entry),
        status,
        &headers(entry),
        body.as_bytes(),
        now,
    );

    let redact = strings(&expect["redact"]);
    let shown = |text: &str| {
        redact
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, "[…]"))
    };
    let message = (shown(&got.message) != shown(expect["message"].as_str().unwrap_or_default()))
        .then(|| format!("got {:?}, expected {}", got.message, expect["message"]));
    let name = (got.name.as_deref() != expect["type"].as_str())
        .then(|| format!("got {:?}, expected {}", got.name, expect["type"]));

    let mut accepted = strings(&expect["class_accept"]);
    accepted.extend(expect["class"].as_str());
    let class = class_of(got.cause);
    let class = (!accepted.contains(&class))
        .then(|| format!("got {class} ({}), expected {accepted:?}", got.cause));

    let wait = got.reset.as_ref().map(|reset| reset.after_ms);
    let reset = (!fits(wait, expect))
        .then(|| format!("got {:?}, expected {}", got.reset, expect["reset_after_ms"]));

    let info = got.cause.info();
    let flag = |got: bool, key: &str| {
        (Some(got) != expect[key].as_bool())
            .then(|| format!("got {got} ({}), expected {}", info.code, expect[key]))
    };
    [
        ("message", message),
        ("type", name),
        ("class", class),
        ("reset", reset),
        ("retryable", flag(info.retryable, "retryable")),
        ("failover", flag(info.blame != Blame::Request, "failover")),
    ]
}

fn fits(wait: Option<u64>, expect: &Value) -> bool {
    let range = expect["reset_accept_ms"]
        .as_array()
        .map(|range| [range[0].as_u64().unwrap(), range[1].as_u64().unwrap()]);
    match (wait, expect["reset_after_ms"].as_u64(), range) {
        (Some(got), _, Some([from, to])) => (from..=to).contains(&got),
        (Some(got), Some(stated), None) => got.abs_diff(stated) <= 1,
        (None, None, _) => true,
        _ => false,
    }
}

/// The corpus' coarse classes.
fn class_of(cause: Cause) -> &'static str {
    use Cause as C;
    match cause {
        C::RateLimitRequests | C::RateLimitTokens | C::RateLimitConcurrency | C::QuotaExhausted => {
            "rate_limit"
        }
        C::Overloaded
        | C::GatewayNoAccount
        | C::GatewayNoSlot
        | C::GatewayOverloaded
        | C::GatewayShutdown => "overloaded",
        C::AuthInvalidKey | C::AuthAccountDisabled | C::GatewayInvalidKey => "auth",
        C::AuthPermission | C::AccessRegion | C::AccessChallenge | C::GatewayKeyDisabled => {
            "permission"
        }
        C::BillingCreditExhausted | C::BillingSpendLimit | C::BillingEntitlement => "billing",
        C::InvalidRequest | C::ThinkingSignature | C::ConversationState => "invalid_request",
        C::GatewayInvalidRequest | C::GatewayUntranslatable | C::GatewayMethodNotAllowed => {
            "invalid_request"
        }
        C::ContextLength => "context_length",
        C::RequestTooLarge | C::RequestOverBudget | C::GatewayRequestTooLarge => "too_large",
        C::ContentFilter => "content_filter",
        C::ModelNotFound | C::NotFound | C::GatewayNotFound | C::GatewayModelNotServed => {
            "not_found"
        }
        C::ServerError
        | C::BadGateway
        | C::InvalidResponse
        | C::ResponseTooLarge
        | C::StreamErrorEvent => "server",
        C::GatewayInternal => "server",
        C::UpstreamTimeout | C::NetworkTimeout | C::StreamStalled | C::GatewayRequestTimeout => {
            "timeout"
        }
        C::NetworkDns
        | C::NetworkConnect
        | C::NetworkTls
        | C::NetworkReset
        | C::StreamTruncated => "network",
        C::ClientClosed | C::ClientStalled => "network",
        #[allow(
            unreachable_patterns,
            reason = "causes of the gateway's own may be added without a class"
        )]
        _ => "server",
    }
}

/// The account's platform that would have got this answer.
fn platform(entry: &Value) -> Platform {
    match entry["platform"].as_str().unwrap() {
        "anthropic" | "bedrock" | "edge" => Platform::Anthropic,
        "gemini" => Platform::Gemini,
        "antigravity" => Platform::Antigravity,
        _ => Platform::OpenAi,
    }
}

fn headers(entry: &Value) -> HeaderMap {
    let members = entry["headers"].as_object().into_iter().flatten();
    members
        .map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(&value).unwrap(),
            )
        })
        .collect()
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn corpus() -> Option<Vec<Value>> {
    let folder = std::env::var_os("WAYBILL_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(folder.join("errors.jsonl")) else {
        say!("skipped: no corpus in {}", folder.display());
        return None;
    };
    Some(
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}
