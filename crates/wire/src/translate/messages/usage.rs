//! Token counts in Anthropic's words. They count each token once, as talk does.
//!
//! Must not know: anything else of an answer.

use serde::{Deserialize, Serialize};

use super::super::talk::Tokens;

/// As read: whatever is said replaces what was said before.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Usage {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Default, Deserialize)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

impl Usage {
    pub(super) fn update(&self, tokens: &mut Tokens) {
        let thinking = self.output_tokens_details.as_ref();
        let said = [
            (self.input_tokens, &mut tokens.input),
            (self.cache_creation_input_tokens, &mut tokens.cache_write),
            (self.cache_read_input_tokens, &mut tokens.cache_read),
            (self.output_tokens, &mut tokens.output),
            (
                thinking.and_then(|details| details.thinking_tokens),
                &mut tokens.thinking,
            ),
        ];
        for (said, count) in said {
            if let Some(said) = said {
                *count = said;
            }
        }
    }
}

/// As written: all that the SDKs demand, and what clients add up.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<WrittenDetails>,
}

#[derive(Debug, Serialize)]
struct WrittenDetails {
    thinking_tokens: u64,
}

impl From<&Tokens> for Written {
    fn from(tokens: &Tokens) -> Self {
        let Tokens {
            input,
            cache_read,
            cache_write,
            output,
            thinking,
        } = *tokens;
        Written {
            input_tokens: input,
            cache_creation_input_tokens: cache_write,
            cache_read_input_tokens: cache_read,
            output_tokens: output,
            output_tokens_details: (thinking > 0).then_some(WrittenDetails {
                thinking_tokens: thinking,
            }),
        }
    }
}
