//! Simulated providers that answer, stream, limit and break like the real ones.
//!
//! One [`Sim`] speaks the Anthropic, OpenAI and Gemini APIs on one port, over HTTP/1.1 and HTTP/2.
//! [`Rule`]s make it break on purpose, set from Rust with [`Sim::script`] or over HTTP at
//! `/_sim/rules`; [`Limit`]s give accounts what they may use; what reached it is read back with [`Sim::received`].
//!
//! Promises: an answer's content depends on the request alone; a request no rule hits is answered as
//! a healthy provider would.
//!
//! Must not know: the gateway and its protocol code, which it exists to check.

mod allowance;
mod apply;
mod ask;
mod body;
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
mod sim;
pub mod traffic;
mod words;

pub use allowance::LimitState;
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
