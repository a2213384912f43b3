//! Simulated providers that answer, stream, limit and break like the real ones.
//!
//! One [`Sim`] speaks the Anthropic, OpenAI and Gemini APIs on one port, over HTTP/1.1 and HTTP/2, and
//! Code Assist beside them.
//! [`Rule`]s make it break on purpose, set from Rust with [`Sim::script`] or over HTTP at
//! `/_sim/rules`; [`Limit`]s give accounts what they may use; what reached it is read back with [`Sim::received`].
//!
//! # Models by name
//!
//! What a model does beyond answering is in its name, wherever in it, so that
//! `gemini-3-pro-sim-agent` is both of its family and an agent:
//!
//! | name has | the model |
//! |---|---|
//! | `sim-agent` | given tools: thinks (if asked to), says a sentence, calls the first two tools at once (one, where parallel calls are off); given their results: calls the first once more; given that result: answers with `<tool> said «<result>»` for each. Its usage has cached tokens from the second request on. A loop begins anew when the user speaks again. |
//! | `sim-slow-thinker-<n>ms` | opens its stream and is silent for so long (a second without a number) before any content; a plain answer comes that much later as a whole |
//! | `sim-max-tokens` | reaches its limit: `max_tokens`, `length`, `incomplete`, `MAX_TOKENS` |
//! | `sim-stop-sequence` | stops at the request's first stop sequence |
//! | `sim-safety` | is stopped while it speaks: `refusal`, `content_filter`, `SAFETY` |
//! | `sim-blocked` | refuses before it speaks: `refusal` without content, a `refusal` text, `promptFeedback.blockReason` |
//!
//! Families have their rules: `gemini-3` wants its function calls' signatures back, `claude` at Code
//! Assist signs its thoughts, `gpt-5` and `o…` take no sampling parameters.
//!
//! # Strictness
//!
//! A request for a model with `sim-` in its name, and every request to Code Assist, is checked as the
//! real service checks it: unknown fields, roles and their order, each call with its result, schemas, and
//! signatures, which are only the simulator's own. The refusal has the provider's words and shape.
//! [`SimOptions::strictness`] widens this to whole platforms or to all, or switches it off:
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use waybill_model::protocol::Platform;
//! use waybill_sim::{Fault, ProviderError, Rule, Sim, SimOptions, Strictness};
//!
//! let sim = Sim::start(SimOptions {
//!     strictness: Strictness::Platforms(vec![Platform::Gemini]),
//!     ..SimOptions::default()
//! })
//! .await?;
//! // Code Assist runs out once, for an hour; Gemini does not.
//! sim.script(
//!     Rule::new(Fault::Provider {
//!         error: ProviderError::Quota,
//!         retry_after_ms: Some(3_600_000),
//!         echo_key: false,
//!         headers: Default::default(),
//!     })
//!     .platform(Platform::Antigravity)
//!     .times(1),
//! );
//! # Ok(())
//! # }
//! ```
//!
//! Promises: an answer's content depends on the request alone; a request no rule hits is answered as
//! a healthy provider would.
//!
//! Must not know: the gateway and its protocol code, which it exists to check.

mod allowance;
mod apply;
mod ask;
mod behaviour;
mod body;
mod check;
mod clock;
mod compress;
mod control;
mod demo;
mod fast;
mod fault;
mod json;
mod limit;
mod line;
mod outgoing;
mod provider;
mod proxy;
mod received;
mod reply;
mod route;
mod script;
mod seed;
mod serve;
mod signature;
mod sim;
pub mod traffic;
mod words;

pub use allowance::LimitState;
pub use behaviour::Strictness;
pub use clock::SimClock;
pub use demo::{DEMO_ACCOUNTS, DemoAccount, demo_limits, demo_rules};
pub use fast::Fast;
pub use fault::{Cut, Cycle, DEFAULT_FRAMES, Encoding, Fault, Place, ProviderError, Rule};
pub use limit::Limit;
pub use provider::token::{TokenAnswer, TokenCall, TokenEndpoint, TokenManner};
pub use proxy::{Manner, Proxy, ProxyOptions};
pub use received::{Counters, KeyCounters, Received};
pub use script::RuleState;
pub use sim::{Sim, SimOptions};
