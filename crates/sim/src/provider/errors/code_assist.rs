//! The errors of Code Assist, which are Google's with reasons of their own.

use waybill_model::time::UnixMillis;

use super::{Occasion, ProviderError, Said, second_after};
use crate::json::{Json, obj};

const DOMAIN: &str = "cloudcode-pa.googleapis.com";

/// A quota of hours is used up for so long, where nothing else is said.
const USUAL_QUOTA_MS: u64 = 4 * 60 * 60 * 1000 + 12 * 60 * 1000 + 5_000;

/// What Code Assist says on this occasion.
pub fn code_assist(error: ProviderError, on: &Occasion<'_>) -> Said {
    use ProviderError as E;
    let say = |status, kind, message: &str| Said::new(on, status, kind, message);
    match error {
        E::RateLimitRequests => exhausted(on, "RATE_LIMIT_EXCEEDED", on.wait_ms()),
        // The same in an older form: the wait is in the prose alone.
        E::RateLimitTokens => say(
            429,
            "RESOURCE_EXHAUSTED",
            &format!(
                "You have exhausted your capacity on this model. Your quota will reset after {}.",
                spoken(on.wait_ms())
            ),
        ),
        E::RateLimitDay => {
            let message = format!(
                "Quota exceeded for quota metric 'Requests' and limit 'Requests per day per user per tier' of service '{DOMAIN}' for consumer 'project_number:482913'."
            );
            say(429, "RESOURCE_EXHAUSTED", &message)
                .detail(info(
                    "RATE_LIMIT_EXCEEDED",
                    "googleapis.com",
                    obj! {
                        "service": DOMAIN,
                        "quota_metric": format!("{DOMAIN}/requests"),
                        "quota_limit": "RequestsPerDayPerUserPerTier",
                        "quota_limit_value": on.limit.unwrap_or(1000).to_string(),
                    },
                ))
                .detail(obj! {
                    "@type": "type.googleapis.com/google.rpc.Help",
                    "links": [obj! {
                        "description": "Request a higher quota limit.",
                        "url": "https://cloud.google.com/docs/quotas/help/request_increase",
                    }],
                })
        }
        E::RateLimitConcurrency => say(
            429,
            "RESOURCE_EXHAUSTED",
            "Resource has been exhausted (e.g. check quota).",
        ),
        E::Quota => exhausted(on, "QUOTA_EXHAUSTED", on.retry_after_ms.unwrap_or(USUAL_QUOTA_MS)),
        E::Capacity => no_capacity(on, 429, "RESOURCE_EXHAUSTED"),
        E::Overloaded => no_capacity(on, 503, "UNAVAILABLE"),
        E::CreditBalance => say(
            403,
            "PERMISSION_DENIED",
            "This account does not have a valid license for the service. Please contact your administrator.",
        )
        .detail(info("SUBSCRIPTION_REQUIRED", DOMAIN, obj! {})),
        E::InvalidKey => say(
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        )
        .detail(info("ACCESS_TOKEN_EXPIRED", "googleapis.com", obj! { "service": DOMAIN })),
        E::Permission => say(
            403,
            "PERMISSION_DENIED",
            "Permission 'cloudaicompanion.companions.generateChat' denied on resource '//cloudaicompanion.googleapis.com/projects/simulated-harbour/locations/global' (or it may not exist).",
        )
        .detail(info(
            "IAM_PERMISSION_DENIED",
            "cloudaicompanion.googleapis.com",
            obj! {
                "permission": "cloudaicompanion.companions.generateChat",
                "resource": "projects/simulated-harbour/locations/global",
            },
        )),
        E::AccountDisabled => say(
            403,
            "PERMISSION_DENIED",
            "This service has been disabled in this account for violation of Terms of Service. If you believe this is an error, please contact support.",
        )
        .detail(info("TOS_VIOLATION", DOMAIN, obj! {})),
        E::ModelNotFound => say(404, "NOT_FOUND", "Requested entity was not found."),
        E::ContextLength => say(
            400,
            "INVALID_ARGUMENT",
            "The input token count (1214356) exceeds the maximum number of tokens allowed (1048576).",
        ),
        E::BadRequest => say(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
        E::ThinkingSignature if on.model.contains("claude") => {
            let inner = obj! {
                "type": "error",
                "error": obj! {
                    "type": "invalid_request_error",
                    "message": "messages.1.content.0: Invalid `signature` in `thinking` block",
                },
                "request_id": "req_vrtx_011CSimulated",
            };
            say(400, "INVALID_ARGUMENT", inner.get())
        }
        E::ThinkingSignature => say(400, "INVALID_ARGUMENT", "Thought signature is not valid"),
        E::ContentFilter => say(400, "INVALID_ARGUMENT", "The request was blocked because of its content."),
        E::TooLarge => say(413, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes."),
        E::Internal => say(500, "INTERNAL", "Internal error encountered."),
        E::Unavailable => say(503, "UNAVAILABLE", "The service is currently unavailable."),
        E::Timeout => say(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    }
}

/// A quota of one model, with its end in the prose, in the metadata and in a delay.
fn exhausted(on: &Occasion<'_>, reason: &str, wait_ms: u64) -> Said {
    let message = format!(
        "You have exhausted your capacity on this model. Your quota will reset after {}.",
        spoken(wait_ms)
    );
    let delay = format!("{}s", wait_ms as f64 / 1000.0);
    let metadata = obj! {
        "model": on.model,
        "quotaResetDelay": delay,
        "quotaResetTimeStamp": second_after(UnixMillis(on.now.0 + wait_ms as i64)),
        "uiMessage": "true",
    };
    Said::new(on, 429, "RESOURCE_EXHAUSTED", message)
        .detail(info(reason, DOMAIN, metadata))
        .detail(obj! { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay })
}

/// The service has no room for a model; no account has more of it.
fn no_capacity(on: &Occasion<'_>, status: u16, kind: &'static str) -> Said {
    let message = format!("No capacity available for model {} on the server", on.model);
    let said = Said::new(on, status, kind, message).detail(info(
        "MODEL_CAPACITY_EXHAUSTED",
        DOMAIN,
        obj! { "model": on.model },
    ));
    match on.retry_after_ms {
        None => said,
        Some(wait_ms) => {
            let delay = format!("{}s", wait_ms as f64 / 1000.0);
            said.detail(
                obj! { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay },
            )
        }
    }
}

fn info(reason: &str, domain: &str, metadata: Json) -> Json {
    obj! {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": domain,
        "metadata": metadata,
    }
}

/// A time as the prose has it: `4h12m5s`, `20s`.
fn spoken(ms: u64) -> String {
    let seconds = ms / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}
