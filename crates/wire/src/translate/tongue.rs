//! Tongues: what accounts are spoken to in, as far as the ways to them differ; and sets of them, so that a
//! choice among a thousand accounts asks one bit of each.
//!
//! Must not know: accounts; what a body says. Who finds that it cannot be said closes the tongue.

use waybill_model::protocol::{Endpoint, OpenAiApi, Platform, Protocol};

use super::bridge::{Way, way};

/// What an account is spoken to in. All accounts of one tongue serve a request, or none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tongue {
    /// Anthropic's.
    Anthropic,
    /// OpenAI's, both of its APIs.
    OpenAi,
    /// OpenAI's Chat Completions alone.
    Chat,
    /// OpenAI's Responses alone.
    Responses,
    /// Gemini's.
    Gemini,
    /// Gemini's in Code Assist's envelope.
    Antigravity,
}

impl Tongue {
    const ALL: [Tongue; 6] = [
        Tongue::Anthropic,
        Tongue::OpenAi,
        Tongue::Chat,
        Tongue::Responses,
        Tongue::Gemini,
        Tongue::Antigravity,
    ];

    /// That of an account; `apis`: which of OpenAI's an OpenAI account speaks, empty for all.
    pub fn of(platform: Platform, apis: &[OpenAiApi]) -> Tongue {
        let speaks = |api| apis.is_empty() || apis.contains(&api);
        match platform {
            Platform::Anthropic => Tongue::Anthropic,
            Platform::Gemini => Tongue::Gemini,
            Platform::Antigravity => Tongue::Antigravity,
            Platform::OpenAi => match (
                speaks(OpenAiApi::ChatCompletions),
                speaks(OpenAiApi::Responses),
            ) {
                (true, true) => Tongue::OpenAi,
                (true, false) => Tongue::Chat,
                (false, _) => Tongue::Responses,
            },
        }
    }

    /// What the way to an account of this tongue depends on.
    const fn spoken(self) -> (Platform, &'static [OpenAiApi]) {
        match self {
            Tongue::Anthropic => (Platform::Anthropic, &[]),
            Tongue::OpenAi => (Platform::OpenAi, &[]),
            Tongue::Chat => (Platform::OpenAi, &[OpenAiApi::ChatCompletions]),
            Tongue::Responses => (Platform::OpenAi, &[OpenAiApi::Responses]),
            Tongue::Gemini => (Platform::Gemini, &[]),
            Tongue::Antigravity => (Platform::Antigravity, &[]),
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Some of the tongues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tongues(u8);

impl Tongues {
    /// None.
    pub const NONE: Tongues = Tongues(0);
    /// Every one.
    pub const ALL: Tongues = Tongues((1 << Tongue::ALL.len()) - 1);

    /// Those by which an endpoint is served, as it is or translated.
    pub fn open(protocol: Protocol, endpoint: Endpoint) -> Tongues {
        let is_open = |tongue: &Tongue| {
            let (platform, apis) = tongue.spoken();
            match way(protocol, endpoint, platform, apis) {
                Way::Direct | Way::Over(_) => true,
                Way::Closed => false,
            }
        };
        Tongue::ALL.into_iter().filter(is_open).collect()
    }

    /// Whether it is one of them.
    #[inline]
    pub const fn contains(self, tongue: Tongue) -> bool {
        self.0 & tongue.bit() != 0
    }

    /// Whether some are in both.
    #[inline]
    pub const fn meets(self, other: Tongues) -> bool {
        self.0 & other.0 != 0
    }

    /// The same but for one.
    #[must_use]
    pub const fn without(self, tongue: Tongue) -> Tongues {
        Tongues(self.0 & !tongue.bit())
    }
}

impl FromIterator<Tongue> for Tongues {
    fn from_iter<T: IntoIterator<Item = Tongue>>(tongues: T) -> Self {
        Tongues(
            tongues
                .into_iter()
                .fold(0, |bits, tongue| bits | tongue.bit()),
        )
    }
}

impl From<Tongue> for Tongues {
    fn from(tongue: Tongue) -> Self {
        Tongues(tongue.bit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_of_accounts_of_one_tongue_are_the_same() {
        use OpenAiApi::{ChatCompletions, Responses};
        let apis: [&[OpenAiApi]; 4] = [
            &[],
            &[ChatCompletions],
            &[Responses],
            &[Responses, ChatCompletions],
        ];
        for protocol in [Protocol::Anthropic, Protocol::OpenAi, Protocol::Gemini] {
            for endpoint in Endpoint::ALL.iter().copied() {
                for platform in Platform::ALL.iter().copied() {
                    for apis in apis {
                        let tongue = Tongue::of(platform, apis);
                        let (platform_of, apis_of) = tongue.spoken();
                        let its = way(protocol, endpoint, platform, apis);
                        let of_tongue = way(protocol, endpoint, platform_of, apis_of);
                        assert_eq!(its, of_tongue, "{protocol} {endpoint} {tongue:?}");
                        assert_eq!(
                            Tongues::open(protocol, endpoint).contains(tongue),
                            !matches!(its, Way::Closed),
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn tokens_are_counted_by_those_who_can_count() {
        use Tongue::{Anthropic, Antigravity, Gemini};
        let counts: Tongues = [Anthropic, Gemini, Antigravity].into_iter().collect();
        let open = Tongues::open(Protocol::Anthropic, Endpoint::CountTokens);
        assert_eq!(open, counts);
        assert_eq!(
            Tongues::open(Protocol::Gemini, Endpoint::GeminiCountTokens),
            counts
        );
        let open = Tongues::open(Protocol::Anthropic, Endpoint::Messages);
        assert_eq!(open, Tongues::ALL);
        let left = Tongues::from(Gemini).without(Gemini);
        assert!(left == Tongues::NONE && !left.meets(Tongues::ALL));
    }
}
