//! Every error code of Waybill's own, in one table. Fault and retryability follow from the cause.

use http::StatusCode;
use waybill_model::{
    cause::{Blame, Cause},
    waybill::Failure,
};

/// What is fixed about a code.
#[derive(Debug, Clone, Copy)]
pub struct CodeInfo {
    /// The type clients see.
    pub name: &'static str,
    /// HTTP status.
    pub status: StatusCode,
    /// The cause it is recorded under, when no upstream failure is behind it.
    pub cause: Cause,
    /// `retry-after` to send, for what passes by itself.
    pub retry_after_s: Option<u16>,
}

macro_rules! codes {
    ($($variant:ident = $name:literal, $status:ident, $cause:ident, $retry:expr, $doc:literal;)*) => {
        /// An error code of ours.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $doc] $variant),* }

        impl Code {
            /// Every code, in table order.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The row of this code.
            pub const fn info(self) -> CodeInfo {
                match self { $(Code::$variant => CodeInfo {
                    name: $name, status: StatusCode::$status, cause: Cause::$cause, retry_after_s: $retry,
                }),* }
            }

            /// One sentence on what it means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $doc),* }
            }
        }
    };
}

// variant = type, status, cause, retry-after, meaning
codes! {
    InvalidApiKey = "waybill_invalid_api_key", UNAUTHORIZED, GatewayInvalidKey, None,
        "The API key is missing, unknown or expired.";
    KeyDisabled = "waybill_key_disabled", FORBIDDEN, GatewayKeyDisabled, None,
        "The API key or its user has been disabled.";
    InvalidRequest = "waybill_invalid_request", BAD_REQUEST, GatewayInvalidRequest, None,
        "The request could not be read; the message names the field.";
    Untranslatable = "waybill_untranslatable", BAD_REQUEST, GatewayUntranslatable, None,
        "The request asks for something that the accounts which serve the model have no words for; the message names the field.";
    RequestTooLarge = "waybill_request_too_large", PAYLOAD_TOO_LARGE, GatewayRequestTooLarge, None,
        "The body is larger than this gateway accepts.";
    HeadersTooLarge = "waybill_headers_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, GatewayRequestTooLarge, None,
        "The headers are larger than this gateway accepts.";
    RequestTimeout = "waybill_request_timeout", REQUEST_TIMEOUT, GatewayRequestTimeout, None,
        "The request body did not arrive in time.";
    NotFound = "waybill_not_found", NOT_FOUND, GatewayNotFound, None,
        "The path is not an endpoint of this gateway.";
    MethodNotAllowed = "waybill_method_not_allowed", METHOD_NOT_ALLOWED, GatewayMethodNotAllowed, None,
        "The endpoint does not take this method.";
    ModelNotServed = "waybill_model_not_served", NOT_FOUND, GatewayModelNotServed, None,
        "No group of the key serves this model over this protocol.";
    NoAccount = "waybill_no_account", SERVICE_UNAVAILABLE, GatewayNoAccount, None,
        "No account of the group can be used.";
    NoSlot = "waybill_no_slot", SERVICE_UNAVAILABLE, GatewayNoSlot, Some(1),
        "Every account of the group is at its concurrency limit.";
    QueueTimeout = "waybill_queue_timeout", SERVICE_UNAVAILABLE, GatewayQueueTimeout, Some(1),
        "The request waited for an account as long as it may, and none became free.";
    QueueFull = "waybill_queue_full", SERVICE_UNAVAILABLE, GatewayQueueFull, Some(1),
        "As many requests are waiting for an account as may.";
    ConcurrencyLimit = "waybill_concurrency_limit", TOO_MANY_REQUESTS, GatewayConcurrencyLimit, Some(1),
        "The key or its user has as many requests in flight as it may.";
    RateLimit = "waybill_rate_limit", TOO_MANY_REQUESTS, GatewayRateLimit, None,
        "The key or its user has used up its requests or tokens per minute.";
    QuotaExhausted = "waybill_quota_exhausted", TOO_MANY_REQUESTS, GatewayQuotaExhausted, None,
        "The key or its user has used up its quota of the day or the month.";
    BalanceExhausted = "waybill_balance_exhausted", PAYMENT_REQUIRED, GatewayBalanceExhausted, None,
        "The user's balance is used up.";
    NoPrice = "waybill_no_price", PAYMENT_REQUIRED, GatewayNoPrice, None,
        "The key or its user has a limit in money, and the model has no price.";
    Overloaded = "waybill_overloaded", SERVICE_UNAVAILABLE, GatewayOverloaded, Some(1),
        "The gateway has as many requests in flight as it may hold.";
    UpstreamCredential = "waybill_upstream_credential", BAD_GATEWAY, AuthInvalidKey, None,
        "The provider refused a credential of the gateway's pool.";
    UpstreamUnreachable = "waybill_upstream_unreachable", BAD_GATEWAY, NetworkConnect, None,
        "No answer could be had from the provider.";
    UpstreamTimeout = "waybill_upstream_timeout", GATEWAY_TIMEOUT, NetworkTimeout, None,
        "The provider did not answer in time.";
    UpstreamInvalid = "waybill_upstream_invalid_response", BAD_GATEWAY, InvalidResponse, None,
        "The provider's answer broke off, or was not what its protocol promises.";
    Internal = "waybill_internal_error", INTERNAL_SERVER_ERROR, GatewayInternal, None,
        "Waybill itself failed.";
}

impl Code {
    /// The code under which a failed attempt that may not be surfaced is answered.
    pub fn in_place_of(failure: &Failure) -> Code {
        match (failure.cause, failure.stream) {
            (cause, _) if cause.info().blame == Blame::Credential => Code::UpstreamCredential,
            (Cause::NetworkTimeout | Cause::UpstreamTimeout | Cause::StreamStalled, _) => {
                Code::UpstreamTimeout
            }
            // It had begun to answer, so it was reached.
            (_, Some(_)) => Code::UpstreamInvalid,
            (
                Cause::NetworkDns
                | Cause::NetworkConnect
                | Cause::NetworkTls
                | Cause::NetworkReset
                | Cause::NetworkProxy
                | Cause::NetworkForbidden
                | Cause::TokenUnavailable
                | Cause::ProjectUnavailable,
                None,
            ) => Code::UpstreamUnreachable,
            (_, None) => Code::UpstreamInvalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unmistakably_ours() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            let info = code.info();
            assert!(
                info.name.starts_with("waybill_") && seen.insert(info.name),
                "{}",
                info.name
            );
            assert!(info.status.is_client_error() || info.status.is_server_error());
            assert!(code.meaning().ends_with('.'));
        }
    }
}
