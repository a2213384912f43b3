//! Every error a provider answers, as it words it: one table of error × protocol.
//!
//! A row that one provider does not have is answered with what that provider says in the same
//! situation.

mod code_assist;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use waybill_model::{
    protocol::{Endpoint, Platform, StreamFormat},
    time::UnixMillis,
};

use super::{
    Frame,
    headers::{second_after, span},
    responses,
};
use crate::{
    ask::{Ask, BadRequest},
    json::{Json, obj},
    route::Route,
};

/// What a provider complains of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderError {
    /// Too many requests in a minute.
    RateLimitRequests,
    /// Too many tokens in a minute.
    RateLimitTokens,
    /// Too many requests in a day.
    RateLimitDay,
    /// Too many requests at one time.
    RateLimitConcurrency,
    /// A longer quota is used up.
    Quota,
    /// No money left on the account.
    CreditBalance,
    /// No capacity for this model, in the words of a quota (Code Assist); elsewhere as `overloaded`.
    Capacity,
    /// No capacity.
    Overloaded,
    /// The credential is not known.
    InvalidKey,
    /// The credential may not do this.
    Permission,
    /// The account was switched off by the provider.
    AccountDisabled,
    /// No such model.
    ModelNotFound,
    /// The prompt is too long for the model.
    ContextLength,
    /// A field is wrong.
    BadRequest,
    /// A thinking signature is not the provider's.
    ThinkingSignature,
    /// The content is not allowed.
    ContentFilter,
    /// The body is too large.
    TooLarge,
    /// A fault of the provider.
    Internal,
    /// The service is down.
    Unavailable,
    /// The provider took too long.
    Timeout,
}

impl ProviderError {
    /// Every error.
    pub const ALL: &'static [ProviderError] = &[
        ProviderError::RateLimitRequests,
        ProviderError::RateLimitTokens,
        ProviderError::RateLimitDay,
        ProviderError::RateLimitConcurrency,
        ProviderError::Quota,
        ProviderError::CreditBalance,
        ProviderError::Capacity,
        ProviderError::Overloaded,
        ProviderError::InvalidKey,
        ProviderError::Permission,
        ProviderError::AccountDisabled,
        ProviderError::ModelNotFound,
        ProviderError::ContextLength,
        ProviderError::BadRequest,
        ProviderError::ThinkingSignature,
        ProviderError::ContentFilter,
        ProviderError::TooLarge,
        ProviderError::Internal,
        ProviderError::Unavailable,
        ProviderError::Timeout,
    ];
}

/// What the words of an error depend on.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// Whose words.
    pub platform: Platform,
    /// The model asked for.
    pub model: &'a str,
    /// The wait to state, where one is stated; `None` for the usual one.
    pub retry_after_ms: Option<u64>,
    /// The limit to state, where one is stated; `None` for the usual one.
    pub limit: Option<u64>,
    /// A credential to repeat in the message.
    pub echo_key: Option<&'a str>,
    /// The id of the request.
    pub request_id: &'a str,
    /// Now.
    pub now: UnixMillis,
}

/// An error, said.
#[derive(Debug, Clone)]
pub struct Said {
    /// The HTTP status.
    pub status: u16,
    /// `error.type` (Anthropic, OpenAI) or `error.status` (Gemini).
    pub kind: &'static str,
    /// `error.code` (OpenAI).
    pub code: Option<&'static str>,
    /// `error.param` (OpenAI).
    pub param: Option<Cow<'static, str>>,
    /// `error.message`.
    pub message: String,
    /// `error.details` (Gemini).
    pub details: Vec<Json>,
    /// Headers that come with it.
    pub headers: Vec<(&'static str, String)>,
    platform: Platform,
    request_id: String,
}

/// The usual wait of a limit that states one.
const USUAL_WAIT_MS: u64 = 20_000;

/// What the provider says on this occasion.
pub fn say(error: ProviderError, on: &Occasion<'_>) -> Said {
    let mut said = match on.platform {
        Platform::Anthropic => anthropic(error, on),
        Platform::OpenAi => openai(error, on),
        Platform::Gemini => gemini(error, on),
        Platform::Antigravity => code_assist::code_assist(error, on),
    };
    if let Some(key) = on.echo_key {
        said.message = format!("{} (presented credential: {key})", said.message.trim_end());
    }
    said
}

impl Said {
    /// A refusal that is in no table: a request the provider cannot read, or a path it does not have.
    pub fn refusal(on: &Occasion<'_>, status: u16, bad: BadRequest) -> Said {
        let kind = match (on.platform, status) {
            (Platform::Gemini | Platform::Antigravity, 404) => "NOT_FOUND",
            (Platform::Gemini | Platform::Antigravity, _) => "INVALID_ARGUMENT",
            (Platform::Anthropic, 404) => "not_found_error",
            (Platform::Anthropic, 413) => "request_too_large",
            (Platform::Anthropic | Platform::OpenAi, _) => "invalid_request_error",
        };
        let mut said = Said {
            param: bad.param.map(Cow::Owned),
            code: bad.code,
            ..Said::new(on, status, kind, bad.message)
        };
        if !bad.violations.is_empty() {
            let violations: Vec<Json> = bad
                .violations
                .iter()
                .map(|(field, what)| obj! { "field": field, "description": what })
                .collect();
            said = said.detail(
                obj! { "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations },
            );
        }
        if let Some(reason) = bad.reason {
            said = said.detail(obj! {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": reason,
                "domain": "googleapis.com",
                "metadata": obj! { "service": "cloudcode-pa.googleapis.com" },
            });
        }
        said
    }

    /// The body of a plain answer.
    pub fn body(&self) -> Json {
        match self.platform {
            Platform::Anthropic => obj! {
                "type": "error",
                "error": obj! { "type": self.kind, "message": self.message },
                "request_id": self.request_id,
            },
            Platform::OpenAi => obj! { "error": self.openai_error() },
            Platform::Gemini | Platform::Antigravity if self.details.is_empty() => obj! {
                "error": obj! { "code": self.status, "message": self.message, "status": self.kind },
            },
            Platform::Gemini | Platform::Antigravity => obj! {
                "error": obj! {
                    "code": self.status, "message": self.message, "status": self.kind, "details": self.details,
                },
            },
        }
    }

    /// The body of an answer with an error status; Gemini's array streams wrap theirs in an array.
    pub fn status_body(&self, route: &Route) -> String {
        let body = self.body();
        if route.endpoint == Endpoint::StreamGenerateContent && !route.alt_sse {
            format!("[{body}\n]")
        } else {
            body.to_string()
        }
    }

    /// The frames that carry it inside a stream, `before` frames into it.
    pub fn frames(&self, format: StreamFormat, ask: &Ask, created: u64, before: u64) -> Vec<Frame> {
        match format {
            StreamFormat::AnthropicSse => vec![Frame::event("error", &self.body(), false)],
            StreamFormat::ChatSse | StreamFormat::GeminiSse => {
                vec![Frame::data(&self.body(), false)]
            }
            StreamFormat::ResponsesSse => {
                let code = self.code.unwrap_or(self.kind);
                vec![responses::failed(ask, created, before, code, &self.message)]
            }
            StreamFormat::GeminiArray => {
                let opening = if before == 0 { "[" } else { ",\r\n" };
                vec![Frame::raw(format!("{opening}{}\n]", self.body()))]
            }
        }
    }

    fn openai_error(&self) -> Json {
        obj! { "message": self.message, "type": self.kind, "param": self.param, "code": self.code }
    }

    fn new(on: &Occasion<'_>, status: u16, kind: &'static str, message: impl Into<String>) -> Said {
        Said {
            status,
            kind,
            code: None,
            param: None,
            message: message.into(),
            details: Vec::new(),
            headers: Vec::new(),
            platform: on.platform,
            request_id: on.request_id.to_owned(),
        }
    }

    fn code(mut self, code: &'static str) -> Said {
        self.code = Some(code);
        self
    }

    fn param(mut self, param: &'static str) -> Said {
        self.param = Some(Cow::Borrowed(param));
        self
    }

    fn header(mut self, name: &'static str, value: impl ToString) -> Said {
        self.headers.push((name, value.to_string()));
        self
    }

    fn detail(mut self, detail: Json) -> Said {
        self.details.push(detail);
        self
    }
}

impl Occasion<'_> {
    fn wait_ms(&self) -> u64 {
        self.retry_after_ms.unwrap_or(USUAL_WAIT_MS)
    }

    /// Whole seconds, rounded up as `retry-after` wants them.
    fn wait_seconds(&self) -> u64 {
        self.wait_ms().div_ceil(1000)
    }

    /// When the wait is over: RFC 3339, to the second.
    fn reset_at(&self) -> String {
        second_after(UnixMillis(self.now.0 + self.wait_ms() as i64))
    }
}

fn anthropic(error: ProviderError, on: &Occasion<'_>) -> Said {
    use ProviderError as E;
    let say = |status, kind, message: &str| Said::new(on, status, kind, message);
    let limit = |usual| on.limit.unwrap_or(usual);
    match error {
        E::RateLimitRequests => say(
            429,
            "rate_limit_error",
            &format!("This request would exceed your organization's rate limit of {} requests per minute. For details, refer to: https://docs.claude.com/en/api/rate-limits. You can see the response headers for current usage.", limit(50)),
        )
        .header("retry-after", on.wait_seconds())
        .header("anthropic-ratelimit-requests-limit", limit(50))
        .header("anthropic-ratelimit-requests-remaining", 0)
        .header("anthropic-ratelimit-requests-reset", on.reset_at()),
        E::RateLimitTokens => say(
            429,
            "rate_limit_error",
            &format!("This request would exceed your organization's rate limit of {} input tokens per minute. For details, refer to: https://docs.claude.com/en/api/rate-limits. You can see the response headers for current usage. Please reduce the prompt length or the maximum tokens requested, or try again later.", limit(30_000)),
        )
        .header("retry-after", on.wait_seconds())
        .header("anthropic-ratelimit-input-tokens-limit", limit(30_000))
        .header("anthropic-ratelimit-input-tokens-remaining", 0)
        .header("anthropic-ratelimit-input-tokens-reset", on.reset_at()),
        E::RateLimitConcurrency => say(
            429,
            "rate_limit_error",
            "Number of concurrent connections has exceeded your rate limit. Please try again later or contact sales at https://www.anthropic.com/contact-sales to discuss your options for a rate limit increase.",
        ),
        E::RateLimitDay | E::Quota => {
            let reset = (on.now.0 + on.wait_ms() as i64) / 1000;
            say(429, "rate_limit_error", "This request would exceed your account's rate limit. Please try again later.")
                .header("retry-after", on.wait_seconds())
                .header("anthropic-ratelimit-unified-status", "rejected")
                .header("anthropic-ratelimit-unified-5h-status", "rejected")
                .header("anthropic-ratelimit-unified-5h-reset", reset)
                .header("anthropic-ratelimit-unified-representative-claim", "five_hour")
                .header("anthropic-ratelimit-unified-reset", reset)
        }
        E::CreditBalance => say(
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
        ),
        E::Overloaded | E::Capacity => say(529, "overloaded_error", "Overloaded").header("x-should-retry", "true"),
        E::InvalidKey => say(401, "authentication_error", "invalid x-api-key"),
        E::Permission => say(403, "permission_error", "Your API key does not have permission to use the specified resource."),
        E::AccountDisabled => say(400, "invalid_request_error", "This organization has been disabled."),
        E::ModelNotFound => say(404, "not_found_error", &format!("model: {}", on.model)),
        E::ContextLength => say(400, "invalid_request_error", "prompt is too long: 214356 tokens > 200000 maximum"),
        E::BadRequest => say(400, "invalid_request_error", "messages.0.content: Input should be a valid string"),
        E::ThinkingSignature => say(
            400,
            "invalid_request_error",
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        E::ContentFilter => say(400, "invalid_request_error", "Output blocked by content filtering policy"),
        E::TooLarge => say(413, "request_too_large", "Request exceeds the maximum size"),
        E::Internal => say(500, "api_error", "Internal server error").header("x-should-retry", "true"),
        E::Unavailable => say(503, "api_error", "Service temporarily unavailable"),
        E::Timeout => say(504, "timeout_error", "Request timed out"),
    }
}

fn openai(error: ProviderError, on: &Occasion<'_>) -> Said {
    use ProviderError as E;
    let say = |status, kind, message: &str| Said::new(on, status, kind, message);
    let wait = span(on.wait_ms());
    let limited = |kind: &'static str, what: &'static str, usual: u64, names: [&'static str; 3]| {
        let limit = on.limit.unwrap_or(usual);
        let message = format!(
            "Rate limit reached for {} in organization org-4f8Q2xW9bT on {what}: Limit {limit}, Used {limit}, Requested 1. Please try again in {wait}. Visit https://platform.openai.com/account/rate-limits to learn more.",
            on.model
        );
        Said::new(on, 429, kind, message)
            .code("rate_limit_exceeded")
            .header("retry-after", on.wait_seconds())
            .header("retry-after-ms", on.wait_ms())
            .header(names[0], limit)
            .header(names[1], 0)
            .header(names[2], &wait)
    };
    match error {
        E::RateLimitRequests => limited(
            "requests",
            "requests per min (RPM)",
            500,
            ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
        ),
        E::RateLimitTokens => limited(
            "tokens",
            "tokens per min (TPM)",
            30_000,
            ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
        ),
        E::RateLimitDay => limited(
            "requests",
            "requests per day (RPD)",
            200,
            ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
        ),
        E::RateLimitConcurrency => say(429, "requests", "Too many concurrent requests. Please wait for others to finish.")
            .code("concurrency_limit_exceeded"),
        E::Quota => say(
            429,
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
        )
        .code("insufficient_quota"),
        E::CreditBalance => say(
            429,
            "billing_not_active",
            "Your account is not active, please check your billing details on our website.",
        )
        .code("billing_not_active"),
        E::Overloaded | E::Capacity => say(503, "server_error", "The engine is currently overloaded, please try again later")
            .code("server_is_overloaded"),
        E::InvalidKey => say(
            401,
            "invalid_request_error",
            "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.",
        )
        .code("invalid_api_key"),
        E::Permission => say(403, "invalid_request_error", "You have insufficient permissions for this operation. Missing scopes: model.request.")
            .code("missing_scope"),
        E::AccountDisabled => say(
            401,
            "invalid_request_error",
            "The OpenAI account associated with this API key has been deactivated. If you need assistance, please contact our team through our help center.",
        )
        .code("account_deactivated"),
        E::ModelNotFound => say(
            404,
            "invalid_request_error",
            &format!("The model `{}` does not exist or you do not have access to it.", on.model),
        )
        .code("model_not_found"),
        E::ContextLength => say(
            400,
            "invalid_request_error",
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 214356 tokens. Please reduce the length of the messages.",
        )
        .code("context_length_exceeded")
        .param("messages"),
        E::ThinkingSignature => say(
            400,
            "invalid_request_error",
            "The encrypted content gAAA...c90= could not be verified. Reason: Encrypted content could not be decrypted or parsed.",
        )
        .code("invalid_encrypted_content"),
        E::BadRequest => say(
            400,
            "invalid_request_error",
            "Invalid type for 'messages[0].content': expected one of a string or array of objects, but got an integer instead.",
        )
        .code("invalid_type")
        .param("messages[0].content"),
        E::ContentFilter => say(
            400,
            "invalid_request_error",
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt.",
        )
        .code("invalid_prompt"),
        E::TooLarge => say(413, "invalid_request_error", "Maximum content size limit (26214400) exceeded"),
        E::Internal => say(
            500,
            "server_error",
            "The server had an error while processing your request. Sorry about that!",
        ),
        E::Unavailable => say(503, "service_unavailable_error", "Service temporarily unavailable. Please try again later."),
        E::Timeout => say(504, "server_error", "The request timed out. Please try again."),
    }
}

fn gemini(error: ProviderError, on: &Occasion<'_>) -> Said {
    use ProviderError as E;
    let say = |status, kind, message: &str| Said::new(on, status, kind, message);
    let seconds = format!("{}s", on.wait_ms() as f64 / 1000.0);
    let limit = |usual: u64| on.limit.unwrap_or(usual).to_string();
    let exhausted = |metric: &str, id: &str, value: &str| {
        let metric = format!("generativelanguage.googleapis.com/{metric}");
        let message = format!(
            "You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.\n* Quota exceeded for metric: {metric}, limit: {value}\nPlease retry in {seconds}."
        );
        let violation = obj! {
            "quotaMetric": metric,
            "quotaId": id,
            "quotaDimensions": obj! { "location": "global", "model": on.model },
            "quotaValue": value,
        };
        let link = obj! {
            "description": "Learn more about Gemini API quotas",
            "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
        };
        Said::new(on, 429, "RESOURCE_EXHAUSTED", message)
            .detail(obj! { "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation] })
            .detail(obj! { "@type": "type.googleapis.com/google.rpc.Help", "links": [link] })
            .detail(obj! { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": seconds })
    };
    let info = |reason: &str| {
        obj! {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "googleapis.com",
            "metadata": obj! { "service": "generativelanguage.googleapis.com" },
        }
    };
    match error {
        E::RateLimitRequests => {
            exhausted("generate_content_requests", "GenerateRequestsPerMinutePerProjectPerModel", &limit(150))
        }
        E::RateLimitTokens => {
            exhausted("generate_content_input_token_count", "GenerateContentInputTokensPerModelPerMinute", &limit(1_000_000))
        }
        E::RateLimitConcurrency => say(
            429,
            "RESOURCE_EXHAUSTED",
            "Too many concurrent requests for this project. Please try again when others have finished.",
        ),
        E::RateLimitDay | E::Quota => exhausted(
            "generate_content_free_tier_requests",
            "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
            &limit(250),
        ),
        E::CreditBalance => say(
            403,
            "PERMISSION_DENIED",
            "This API method requires billing to be enabled. Please enable billing on project #482913 by visiting https://console.developers.google.com/billing/enable?project=482913 then retry.",
        )
        .detail(info("BILLING_DISABLED")),
        E::Overloaded | E::Capacity => say(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
        E::InvalidKey => say(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
            .detail(info("API_KEY_INVALID")),
        E::Permission => say(403, "PERMISSION_DENIED", "The caller does not have permission"),
        E::AccountDisabled => say(
            403,
            "PERMISSION_DENIED",
            "Permission denied: Consumer 'project:482913' has been suspended.",
        )
        .detail(info("CONSUMER_SUSPENDED")),
        E::ModelNotFound => say(
            404,
            "NOT_FOUND",
            &format!(
                "models/{} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.",
                on.model
            ),
        ),
        E::ContextLength => say(
            400,
            "INVALID_ARGUMENT",
            "The input token count (1214356) exceeds the maximum number of tokens allowed (1048576).",
        ),
        E::ThinkingSignature => say(400, "INVALID_ARGUMENT", "Thought signature is not valid"),
        E::BadRequest => say(
            400,
            "INVALID_ARGUMENT",
            "Invalid JSON payload received. Unknown name \"content\" at 'contents[0]': Cannot find field.",
        ),
        E::ContentFilter => say(400, "INVALID_ARGUMENT", "The request was blocked because of its content."),
        E::TooLarge => say(413, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes."),
        E::Internal => say(500, "INTERNAL", "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting"),
        E::Unavailable => say(503, "UNAVAILABLE", "The service is currently unavailable."),
        E::Timeout => say(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    }
}
