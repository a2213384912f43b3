//! Every cause a failure can have, and everything that follows from it, in one table.
//!
//! A cause is what *really* happened, finer than the error type a client sees. Fault, retryability,
//! severity and the words shown to an operator are columns of the cause: they are decided once, here.

use crate::words;

words! {
    /// The stage of a request's way in which it failed.
    pub enum Phase {
        /// The request itself was not acceptable.
        Request = "request",
        /// The client's key was not accepted.
        Auth = "auth",
        /// Balance or quota of the client.
        Billing = "billing",
        /// Too much at once from this client.
        Concurrency = "concurrency",
        /// No account could be found for it.
        Scheduling = "scheduling",
        /// The provider refused or failed.
        Upstream = "upstream",
        /// The provider could not be reached or the connection broke.
        Network = "network",
        /// The answer could not be delivered.
        Response = "response",
        /// A fault of Waybill itself.
        Internal = "internal",
    }
}

words! {
    /// Whose fault a failure is.
    pub enum Owner {
        /// The caller: their request, key, limits, or departure.
        Client = "client",
        /// The upstream provider.
        Provider = "provider",
        /// The operator of this gateway: its accounts, its configuration, itself.
        Platform = "platform",
    }
}

words! {
    /// Who produced the error the client saw.
    pub enum Source {
        /// The caller caused it and Waybill refused it, or the caller left.
        Client = "client",
        /// Waybill answered by itself.
        Gateway = "gateway",
        /// The provider's own error.
        Upstream = "upstream",
    }
}

words! {
    /// How urgent a failure is.
    pub enum Severity {
        /// The service is down or losing data.
        P0 = "P0",
        /// Requests fail that should not.
        P1 = "P1",
        /// Degraded: limits, single accounts.
        P2 = "P2",
        /// The caller's own doing.
        P3 = "P3",
    }
}

words! {
    /// The error type a client is shown.
    pub enum ErrorType {
        /// 400
        InvalidRequest = "invalid_request_error",
        /// 401
        Authentication = "authentication_error",
        /// 403
        Permission = "permission_error",
        /// 404
        NotFound = "not_found_error",
        /// 413
        RequestTooLarge = "request_too_large",
        /// 402
        Billing = "billing_error",
        /// 429
        RateLimit = "rate_limit_error",
        /// 503, 529
        Overloaded = "overloaded_error",
        /// 408, 504
        Timeout = "timeout_error",
        /// 502
        Upstream = "upstream_error",
        /// 500
        Api = "api_error",
        /// 499
        ClientClosed = "client_closed_request",
    }
}

/// What follows from an attempt's failure for the request it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blame {
    /// The request would fail the same anywhere: do not try another account.
    Request,
    /// This account cannot serve it now; another may.
    Account,
    /// The account's own credential or standing is at fault; the client must not see it as its own.
    Credential,
    /// The way to the provider, or the provider itself, failed; the same account may work in a moment.
    Transient,
}

/// Everything that is fixed about a cause.
#[derive(Clone, Copy, Debug)]
pub struct CauseInfo {
    /// The dotted code.
    pub code: &'static str,
    /// Stage in which it arises.
    pub phase: Phase,
    /// Type the client is shown.
    pub error_type: ErrorType,
    /// Urgency.
    pub severity: Severity,
    /// Whose fault.
    pub owner: Owner,
    /// What it means for the next attempt.
    pub blame: Blame,
    /// Whether the identical request may succeed on the same credential without an operator's action.
    pub retryable: bool,
    /// Whether it is a limit of the business (balance, quota, concurrency of the client), which does
    /// not count against the service.
    pub business_limited: bool,
    /// One sentence: what happened.
    pub explanation: &'static str,
    /// One sentence: what to do.
    pub remedy: &'static str,
}

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $phase:ident, $ty:ident, $sev:ident, $owner:ident, $blame:ident, $retry:literal, $biz:literal, $why:literal, $todo:literal;)*) => {
        /// What really happened.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
        pub enum Cause { $(#[doc = $why] #[serde(rename = $code)] $variant),* }

        impl Cause {
            /// Every cause, in table order.
            pub const ALL: &'static [Cause] = &[$(Cause::$variant),*];

            /// The row of this cause.
            pub const fn info(self) -> &'static CauseInfo {
                match self { $(Cause::$variant => &CauseInfo {
                    code: $code, phase: Phase::$phase, error_type: ErrorType::$ty, severity: Severity::$sev,
                    owner: Owner::$owner, blame: Blame::$blame, retryable: $retry, business_limited: $biz,
                    explanation: $why, remedy: $todo,
                }),* }
            }

            /// The dotted code.
            pub const fn as_str(self) -> &'static str { self.info().code }
        }

        impl utoipa::PartialSchema for Cause {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::protocol::words_schema([$($code),*])
            }
        }

        impl utoipa::ToSchema for Cause {}

        impl std::str::FromStr for Cause {
            type Err = $crate::protocol::UnknownWord;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                match s {
                    $($code => Ok(Cause::$variant),)*
                    _ => Err($crate::protocol::UnknownWord { given: s.to_owned(), expected: &[$($code),*] }),
                }
            }
        }
    };
}

impl Cause {
    /// Whether it is an answer of Waybill's own, or a client's departure that Waybill saw: nothing that is said
    /// outside, and no rule, makes a failure one of these.
    pub fn is_waybills_own(self) -> bool {
        self.as_str().starts_with("gateway.")
            || matches!(self, Cause::ClientClosed | Cause::ClientStalled)
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

// variant = code, phase, type, severity, owner, blame, retryable, business-limited, explanation, remedy
causes! {
    // ── the provider's limits ──
    RateLimitRequests = "rate_limit.requests", Upstream, RateLimit, P2, Provider, Account, true, false,
        "The provider's request rate limit of this account is used up.",
        "Wait for the stated reset, add accounts to the group, or lower the request rate.";
    RateLimitTokens = "rate_limit.tokens", Upstream, RateLimit, P2, Provider, Account, true, false,
        "The provider's token rate limit of this account is used up.",
        "Wait for the stated reset, add accounts, or send smaller prompts.";
    RateLimitConcurrency = "rate_limit.concurrency", Upstream, RateLimit, P2, Provider, Account, true, false,
        "The provider allows no more simultaneous requests on this account.",
        "Lower the account's `concurrency`, or add accounts.";
    QuotaExhausted = "quota.exhausted", Upstream, RateLimit, P2, Provider, Account, true, false,
        "A longer quota of this account (hours, days, a subscription window) is used up.",
        "Wait for the stated reset, or move traffic to another account.";
    Overloaded = "overloaded", Upstream, Overloaded, P1, Provider, Transient, true, false,
        "The provider has no capacity for this model right now.",
        "Wait a moment; if it persists, route to another provider or model.";
    // ── the pool's own credentials ──
    AuthInvalidKey = "auth.invalid_key", Upstream, Authentication, P1, Platform, Credential, false, false,
        "The provider does not accept this account's credential.",
        "Replace the account's key or sign it in again.";
    TokenRefused = "auth.token_refused", Upstream, Authentication, P1, Platform, Credential, false, false,
        "The token endpoint does not accept this account's refresh token, client or service account key.",
        "Sign the account in again, or make a new key, and give it the new credential; what the endpoint said is in the account's events.";
    TokenUnavailable = "auth.token_unavailable", Upstream, Upstream, P1, Provider, Account, true, false,
        "The account's access token has ended, and its token endpoint gave no new one: it did not answer, or not with a token.",
        "Wait for the endpoint, or see that the account's token address and proxy lead to it.";
    NoProject = "auth.no_project", Upstream, Permission, P1, Platform, Credential, false, false,
        "The account has no `project`, and Code Assist, asked for it, tells none.",
        "Name the account's `project`, or sign the account up with Google's own client first; what the service said is in the account's events.";
    ProjectUnavailable = "auth.project_unavailable", Upstream, Upstream, P1, Provider, Account, true, false,
        "The account has no `project`, and Code Assist could not be asked for it: it did not answer, or failed.",
        "Wait for the service, or name the account's `project`.";
    AuthPermission = "auth.permission", Upstream, Permission, P1, Platform, Credential, false, false,
        "This account's credential is valid but not allowed to do this.",
        "Grant the account access to the model or feature, or take it out of the group.";
    AuthAccountDisabled = "auth.account_disabled", Upstream, Permission, P1, Platform, Credential, false, false,
        "The provider has disabled this account or its organization.",
        "Contact the provider, and take the account out of the pool meanwhile.";
    BillingCreditExhausted = "billing.credit_exhausted", Upstream, Billing, P1, Platform, Credential, false, false,
        "This account's credit or billing quota at the provider is used up; waiting does not help.",
        "Add credit at the provider, or take the account out of the pool.";
    BillingSpendLimit = "billing.spend_limit", Upstream, Billing, P2, Platform, Account, true, false,
        "A spending limit that is set on this account at the provider is reached.",
        "Raise the limit at the provider, or wait for the next billing period.";
    BillingEntitlement = "billing.entitlement", Upstream, Billing, P2, Platform, Account, false, false,
        "The request needs a paid extra that this account does not have; waiting does not help.",
        "Buy the extra at the provider, or ask without it (long context, fast mode).";
    AccessRegion = "auth.region", Upstream, Permission, P1, Platform, Credential, false, false,
        "The provider does not serve this account from the gateway's location.",
        "Send this account's traffic from a supported region.";
    AccessChallenge = "edge.challenge", Upstream, Upstream, P1, Platform, Transient, false, false,
        "Something in front of the provider answered with a bot challenge instead of the API.",
        "Check the egress address of the gateway; the credential is not at fault.";
    // ── the request itself ──
    InvalidRequest = "invalid_request", Upstream, InvalidRequest, P3, Client, Request, false, false,
        "The provider rejected the request as malformed or unsupported.",
        "Correct the field that the provider's message names.";
    ContextLength = "context_length", Upstream, InvalidRequest, P3, Client, Request, false, false,
        "The prompt is longer than the model's context window.",
        "Shorten the conversation or choose a model with a larger window.";
    RequestTooLarge = "request_too_large", Upstream, RequestTooLarge, P3, Client, Request, false, false,
        "The request body or its token count is larger than the provider accepts.",
        "Send less: fewer or smaller attachments, or a shorter prompt.";
    RequestOverBudget = "request_too_large.token_budget", Upstream, RequestTooLarge, P3, Client, Account, false, false,
        "The request alone needs more tokens than this account may use in a whole window; waiting does not help.",
        "Send a smaller prompt or ask for fewer tokens, or raise the account's limits at the provider.";
    ContentFilter = "content_filter", Upstream, InvalidRequest, P3, Client, Request, false, false,
        "The provider's content policy blocked the prompt or the answer.",
        "Change the prompt; sending the same one again gives the same result.";
    ModelNotFound = "model_not_found", Upstream, NotFound, P2, Client, Request, false, false,
        "The provider does not know this model, or not for this account.",
        "Check the model's name, the model mapping, and the account's access.";
    NotFound = "not_found", Upstream, NotFound, P3, Client, Request, false, false,
        "The provider does not have what the request refers to.",
        "Check ids and paths in the request.";
    ThinkingSignature = "thinking_signature", Upstream, InvalidRequest, P2, Client, Request, false, false,
        "A thinking signature in the conversation is missing or not valid for this account or model.",
        "Drop thinking blocks made by another model or account before sending the conversation again.";
    ConversationState = "conversation_state", Upstream, InvalidRequest, P3, Client, Request, false, false,
        "The request refers to stored state (a response or item id) that this provider does not have.",
        "Send the whole conversation instead of a reference to it.";
    // ── the provider's faults ──
    ServerError = "server_error", Upstream, Api, P1, Provider, Transient, true, false,
        "The provider failed internally.",
        "Send again; if it persists, see the provider's status page.";
    BadGateway = "upstream.bad_gateway", Upstream, Upstream, P1, Provider, Transient, true, false,
        "A proxy in front of the provider could not get an answer from it.",
        "Send again; if it persists, see the provider's status page.";
    UpstreamTimeout = "upstream.timeout", Upstream, Timeout, P1, Provider, Transient, true, false,
        "The provider reported that it ran out of time.",
        "Send again, stream the answer, or ask for less.";
    InvalidResponse = "upstream.invalid_response", Upstream, Upstream, P1, Provider, Transient, true, false,
        "The provider's answer was not what its protocol promises.",
        "Check the account's base URL; open the event to see the answer.";
    ModelGaveUp = "upstream.model_gave_up", Upstream, Upstream, P2, Provider, Transient, true, false,
        "The model broke its own answer off: it called a tool in a way that cannot be read, or one that it was not given.",
        "Send again; if it persists, simplify the tools, or choose another model.";
    ResponseTooLarge = "upstream.response_too_large", Upstream, Upstream, P2, Provider, Request, false, false,
        "The provider's answer is larger than the gateway's limit.",
        "Raise `limits.response_bytes` if such answers are wanted.";
    // ── the network ──
    NetworkDns = "network.dns", Network, Upstream, P1, Platform, Transient, true, false,
        "The provider's host name could not be resolved.",
        "Check the account's base URL and the gateway's DNS.";
    NetworkConnect = "network.connect", Network, Upstream, P1, Provider, Transient, true, false,
        "No connection to the provider could be made.",
        "Check the base URL, firewalls, and the provider's status.";
    NetworkTls = "network.tls", Network, Upstream, P1, Platform, Transient, false, false,
        "The TLS handshake with the provider failed.",
        "Check the base URL, the clock, and the trusted certificates.";
    NetworkReset = "network.reset", Network, Upstream, P1, Provider, Transient, true, false,
        "The connection to the provider broke before the answer was complete.",
        "Send again; if it persists, look for a proxy or firewall that cuts connections.";
    NetworkTimeout = "network.timeout", Network, Timeout, P1, Provider, Transient, true, false,
        "The provider did not answer within the configured time.",
        "Send again, or raise the time-out if such answers normally take longer.";
    NetworkProxy = "network.proxy", Network, Upstream, P1, Platform, Transient, true, false,
        "The account's proxy could not be reached, refused the connection, or could not reach the provider.",
        "Check the account's proxy: its address, its user and password, and where it may connect to.";
    NetworkForbidden = "network.forbidden", Network, Upstream, P1, Platform, Transient, false, false,
        "The account's address, or its proxy's, leads to a place that the configuration does not allow.",
        "Check the base URL and the proxy; where the address is meant, add its range to `allow` in `[egress]`.";
    // ── inside a 200 stream ──
    StreamErrorEvent = "stream.error_event", Upstream, Api, P1, Provider, Transient, true, false,
        "The provider sent an error inside a stream that had begun with 200.",
        "Send again; the event holds the provider's own words.";
    StreamTruncated = "stream.truncated", Upstream, Upstream, P1, Provider, Transient, true, false,
        "The provider's stream ended without its end marker.",
        "Send again; the answer the client has is incomplete.";
    StreamStalled = "stream.stalled", Upstream, Timeout, P1, Provider, Transient, true, false,
        "The provider's stream went silent for longer than the idle time-out.",
        "Send again, or raise `timeouts.idle_ms` if such pauses are normal.";
    // ── Waybill's own answers ──
    GatewayInvalidKey = "gateway.invalid_key", Auth, Authentication, P3, Client, Request, false, false,
        "The API key is missing, unknown or expired.",
        "Send a key that this gateway issued.";
    GatewayKeyDisabled = "gateway.key_disabled", Auth, Permission, P3, Client, Request, false, true,
        "The API key, its user or its group has been disabled.",
        "Ask the operator to enable it.";
    GatewayInvalidRequest = "gateway.invalid_request", Request, InvalidRequest, P3, Client, Request, false, false,
        "The request could not be read: malformed JSON, no model, broken UTF-8 or a wrong type.",
        "Correct the field that the message names.";
    GatewayUntranslatable = "gateway.untranslatable", Request, InvalidRequest, P3, Client, Request, false, false,
        "The request asks for something that the accounts which serve the model have no words for.",
        "Leave out what the message names, or use a model that accounts of the client's own platform serve.";
    GatewayRequestTooLarge = "gateway.request_too_large", Request, RequestTooLarge, P3, Client, Request, false, false,
        "The request is larger than this gateway accepts.",
        "Send less, or ask the operator to raise `limits.request_bytes`.";
    GatewayRequestTimeout = "gateway.request_timeout", Request, Timeout, P3, Client, Request, true, false,
        "The client did not finish sending its request in time.",
        "Check the client's network, and send again.";
    GatewayNotFound = "gateway.not_found", Request, NotFound, P3, Client, Request, false, false,
        "This path is not an endpoint of the gateway.",
        "Check the client's base URL.";
    GatewayMethodNotAllowed = "gateway.method_not_allowed", Request, InvalidRequest, P3, Client, Request, false, false,
        "This endpoint does not take that HTTP method.",
        "Use the method the endpoint's documentation names.";
    GatewayModelNotServed = "gateway.model_not_served", Scheduling, NotFound, P3, Client, Request, false, false,
        "No group of this key serves the requested model over this protocol.",
        "Ask for a model that the key's groups serve, add it to an account, or add the client's protocol to a group's `protocols`.";
    GatewayNoAccount = "gateway.no_account", Scheduling, Overloaded, P0, Platform, Request, true, false,
        "No account of the group could take the request; the route lists why for each.",
        "Look at the route's exclusions: enable, add or repair accounts.";
    GatewayNoSlot = "gateway.no_slot", Scheduling, Overloaded, P1, Platform, Request, true, false,
        "Every account that could serve the request is at its concurrency limit.",
        "Add accounts or raise their `concurrency`.";
    GatewayQueueTimeout = "gateway.queue_timeout", Scheduling, Overloaded, P1, Platform, Request, true, false,
        "The request waited for an account as long as it may, and none became free.",
        "Add accounts or raise their `concurrency`; the route lists what each was waiting for.";
    GatewayQueueFull = "gateway.queue_full", Scheduling, Overloaded, P1, Platform, Request, true, false,
        "As many requests are waiting for an account as may.",
        "Add accounts or raise their `concurrency`; a longer queue only makes clients wait longer.";
    GatewayConcurrencyLimit = "gateway.concurrency_limit", Concurrency, RateLimit, P3, Client, Request, true, true,
        "The key or its user has as many requests in flight as it may.",
        "Send fewer at once, or ask the operator for a higher limit.";
    GatewayRateLimit = "gateway.rate_limit", Concurrency, RateLimit, P3, Client, Request, true, true,
        "The key or its user has used up its requests or tokens per minute.",
        "Wait for the stated time, or ask the operator for a higher limit.";
    GatewayQuotaExhausted = "gateway.quota_exhausted", Billing, RateLimit, P3, Client, Request, false, true,
        "The key or its user has used up its quota of the day or the month.",
        "Wait for the window to end, or ask the operator for a higher quota.";
    GatewayBalanceExhausted = "gateway.balance_exhausted", Billing, Billing, P3, Client, Request, false, true,
        "The user's balance is used up.",
        "Ask the operator to add credit.";
    GatewayNoPrice = "gateway.no_price", Billing, Billing, P2, Platform, Request, false, true,
        "The key or its user has a limit in money, and the requested model has no price.",
        "Add the model to the price table.";
    GatewayOverloaded = "gateway.overloaded", Scheduling, Overloaded, P0, Platform, Request, true, false,
        "The gateway itself has as many requests in flight as it may hold.",
        "Add a replica, or raise `limits.in_flight`.";
    GatewayShutdown = "gateway.shutdown", Internal, Overloaded, P2, Platform, Request, true, false,
        "The gateway was stopped before the request was finished.",
        "Send again.";
    GatewayInternal = "gateway.internal", Internal, Api, P0, Platform, Request, true, false,
        "Waybill itself failed.",
        "Report it with the request id.";
    ClientClosed = "client_closed_request", Response, ClientClosed, P3, Client, Request, true, false,
        "The client went away before the answer was complete.",
        "Nothing, unless it happens often: then compare client time-outs with latencies.";
    ClientStalled = "client_stalled", Response, ClientClosed, P3, Client, Request, true, false,
        "The client stopped reading its answer.",
        "Check the client; the gateway stopped waiting.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_and_reads_back() {
        let mut seen = std::collections::HashSet::new();
        for cause in Cause::ALL {
            assert!(seen.insert(cause.as_str()), "{cause} is there twice");
            assert_eq!(cause.as_str().parse(), Ok(*cause));
        }
    }

    #[test]
    fn every_cause_explains_itself_in_whole_sentences() {
        for cause in Cause::ALL {
            let info = cause.info();
            assert!(
                info.explanation.ends_with('.') && info.remedy.ends_with('.'),
                "{cause}"
            );
        }
    }
}
