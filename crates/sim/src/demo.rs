//! The demo's pool: accounts by their keys, and what is wrong with some of them.

use serde::Serialize;
use waybill_model::protocol::Platform;

use crate::{
    fault::{Cycle, Fault, ProviderError, Rule},
    limit::Limit,
};

/// One account of the demo.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DemoAccount {
    /// Its name.
    pub name: &'static str,
    /// Whose API.
    pub platform: Platform,
    /// Its credential, which the rules are for.
    pub key: &'static str,
}

const fn account(name: &'static str, platform: Platform, key: &'static str) -> DemoAccount {
    DemoAccount {
        name,
        platform,
        key,
    }
}

/// The accounts, in the order of their priority.
pub const DEMO_ACCOUNTS: &[DemoAccount] = &[
    account(
        "anthropic-limited",
        Platform::Anthropic,
        "sk-ant-demo-limited",
    ),
    account(
        "anthropic-overloaded",
        Platform::Anthropic,
        "sk-ant-demo-overloaded",
    ),
    account(
        "anthropic-healthy",
        Platform::Anthropic,
        "sk-ant-demo-healthy",
    ),
    account("openai-expired", Platform::OpenAi, "sk-demo-expired"),
    account(
        "openai-breaks-streams",
        Platform::OpenAi,
        "sk-demo-breaks-streams",
    ),
    account("openai-healthy", Platform::OpenAi, "sk-demo-healthy"),
    account("gemini-limited", Platform::Gemini, "AIza-demo-limited"),
    account("gemini-healthy", Platform::Gemini, "AIza-demo-healthy"),
];

/// What is wrong with them.
pub fn demo_rules() -> Vec<Rule> {
    let now_and_then = Cycle {
        period_ms: 60_000,
        on_ms: 15_000,
    };
    let limited = |error, retry_after_ms| {
        Rule::new(Fault::Provider {
            error,
            retry_after_ms: Some(retry_after_ms),
            echo_key: false,
            headers: Default::default(),
        })
    };
    vec![
        Rule {
            cycle: Some(now_and_then),
            ..limited(ProviderError::RateLimitRequests, 15_000)
        }
        .key("sk-ant-demo-limited")
        .named("rate limited now and then"),
        Rule::new(Fault::provider(ProviderError::Overloaded))
            .key("sk-ant-demo-overloaded")
            .share(0.4)
            .named("overloaded"),
        Rule::new(Fault::StreamError {
            error: ProviderError::Overloaded,
            frames: 0,
        })
        .key("sk-ant-demo-overloaded")
        .share(0.2)
        .named("overloaded inside the stream"),
        Rule::new(Fault::provider(ProviderError::InvalidKey))
            .key("sk-demo-expired")
            .named("expired key"),
        Rule {
            stream: Some(true),
            ..Rule::new(Fault::Truncate { frames: 4 })
        }
        .key("sk-demo-breaks-streams")
        .share(0.25)
        .named("breaks streams"),
    ]
}

/// What some of them may use: less than the demo's traffic asks for. One says in every answer what is
/// left, the other not until it is too much.
pub fn demo_limits() -> Vec<Limit> {
    vec![
        Limit::of("sk-ant-demo-limited").requests_per_minute(12),
        Limit::of("AIza-demo-limited").tokens_per_minute(1_000),
    ]
}
