//! What a model does beyond answering, chosen by its name, and which requests are checked strictly.
//!
//! Promises: a behaviour is recognised anywhere in a name, so that `gemini-3-pro-sim-agent` is both a
//! model of its family and an agent.

use std::time::Duration;

use waybill_model::protocol::Platform;

/// What a model's name makes it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers with prose; calls a tool when it is asked to.
    Plain,
    /// Goes through two rounds of tool calls, then answers with what the tools said.
    Agent,
    /// Is silent for a while before its content.
    SlowThinker(Duration),
    /// Reaches its limit of tokens.
    MaxTokens,
    /// Stops at the first stop sequence of the request.
    StopSequence,
    /// Is stopped by the provider's safety rules while it answers.
    Safety,
    /// Refuses before it says anything.
    Blocked,
}

/// The silence of `sim-slow-thinker` when its name states none.
const USUAL_SILENCE: Duration = Duration::from_millis(1000);

/// Part of a name → behaviour. A slow thinker states its silence behind it: `sim-slow-thinker-1500ms`.
const NAMES: &[(&str, Behaviour)] = &[
    ("sim-agent", Behaviour::Agent),
    ("sim-slow-thinker", Behaviour::SlowThinker(USUAL_SILENCE)),
    ("sim-max-tokens", Behaviour::MaxTokens),
    ("sim-stop-sequence", Behaviour::StopSequence),
    ("sim-safety", Behaviour::Safety),
    ("sim-blocked", Behaviour::Blocked),
];

/// What the names of all simulated models have in them.
const MARK: &str = "sim-";

impl Behaviour {
    /// The behaviour a name asks for.
    pub fn of(model: &str) -> Behaviour {
        let found = NAMES.iter().find_map(|(name, behaviour)| {
            let (_, rest) = model.split_once(name)?;
            Some((*behaviour, rest))
        });
        match found {
            None => Behaviour::Plain,
            Some((Behaviour::SlowThinker(usual), rest)) => {
                Behaviour::SlowThinker(stated(rest).unwrap_or(usual))
            }
            Some((behaviour, _)) => behaviour,
        }
    }
}

/// `-1500ms` and what follows.
fn stated(rest: &str) -> Option<Duration> {
    let (number, _) = rest.strip_prefix('-')?.split_once("ms")?;
    number.parse().ok().map(Duration::from_millis)
}

/// Which requests are checked as strictly as the real service checks them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Strictness {
    /// Requests for a model with `sim-` in its name, and every request to Code Assist.
    #[default]
    Simulated,
    /// These providers' requests too, whatever the model.
    Platforms(Vec<Platform>),
    /// Every request.
    All,
    /// None.
    Off,
}

impl Strictness {
    /// Whether this request is checked strictly.
    pub fn applies(&self, platform: Platform, model: &str) -> bool {
        let simulated = platform == Platform::Antigravity || model.contains(MARK);
        match self {
            Strictness::Simulated => simulated,
            Strictness::Platforms(named) => simulated || named.contains(&platform),
            Strictness::All => true,
            Strictness::Off => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Behaviour, Strictness, USUAL_SILENCE};
    use std::time::Duration;
    use waybill_model::protocol::Platform;

    #[test]
    fn a_name_says_what_its_model_does() {
        for (name, behaviour) in [
            ("claude-sonnet-4-5", Behaviour::Plain),
            ("sim-agent", Behaviour::Agent),
            ("gemini-3-pro-sim-agent", Behaviour::Agent),
            ("sim-slow-thinker", Behaviour::SlowThinker(USUAL_SILENCE)),
            (
                "gpt-5-sim-slow-thinker-250ms",
                Behaviour::SlowThinker(Duration::from_millis(250)),
            ),
            ("sim-blocked", Behaviour::Blocked),
        ] {
            assert_eq!(Behaviour::of(name), behaviour, "{name}");
        }
    }

    #[test]
    fn strict_by_default_is_what_no_ordinary_model_meets() {
        let usual = Strictness::default();
        assert!(!usual.applies(Platform::Gemini, "gemini-2.5-pro"));
        assert!(usual.applies(Platform::Gemini, "gemini-2.5-pro-sim-agent"));
        assert!(usual.applies(Platform::Antigravity, "gemini-2.5-pro"));
        let named = Strictness::Platforms(vec![Platform::OpenAi]);
        assert!(named.applies(Platform::OpenAi, "gpt-5"));
        assert!(!named.applies(Platform::Anthropic, "claude-opus-4-5"));
    }
}
