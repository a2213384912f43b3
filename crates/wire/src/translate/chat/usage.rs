//! What Chat answers and chunks have in common: what they cost, and why they are over.
//!
//! Promises: each token is counted once.

use serde::{Deserialize, Serialize};

use crate::translate::talk::{Stop, Tokens};

/// Usage as servers state it. OpenAI counts cached tokens into the prompt and reasoning into the completion.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stated {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek's name for cached tokens.
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl From<Stated> for Tokens {
    fn from(stated: Stated) -> Tokens {
        let details = stated.prompt_tokens_details.unwrap_or_default();
        let prompt = stated.prompt_tokens.unwrap_or(0);
        let cache_read = details
            .cached_tokens
            .or(stated.prompt_cache_hit_tokens)
            .unwrap_or(0);
        let cache_write = details.cache_write_tokens.unwrap_or(0);
        let written = stated.completion_tokens.unwrap_or(0);
        let thinking = stated
            .completion_tokens_details
            .and_then(|details| details.reasoning_tokens)
            .unwrap_or(0);
        // Some servers count reasoning beside the completion; their total gives them away.
        let beside =
            stated.total_tokens == Some(prompt.saturating_add(written).saturating_add(thinking));
        Tokens {
            input: prompt
                .saturating_sub(cache_read)
                .saturating_sub(cache_write),
            cache_read,
            cache_write,
            output: match beside {
                true => written.saturating_add(thinking),
                false => written,
            },
            thinking,
        }
    }
}

/// Usage as OpenAI states it.
#[derive(Debug, Serialize)]
pub(super) struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptCounts,
    completion_tokens_details: CompletionCounts,
}

#[derive(Debug, Serialize)]
struct PromptCounts {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Debug, Serialize)]
struct CompletionCounts {
    reasoning_tokens: u64,
}

impl From<&Tokens> for Usage {
    fn from(tokens: &Tokens) -> Usage {
        let Tokens {
            input: _,
            cache_read,
            cache_write,
            output,
            thinking,
        } = *tokens;
        Usage {
            prompt_tokens: tokens.prompt(),
            completion_tokens: output,
            total_tokens: tokens.prompt().saturating_add(output),
            prompt_tokens_details: PromptCounts {
                cached_tokens: cache_read,
                cache_write_tokens: cache_write,
            },
            completion_tokens_details: CompletionCounts {
                reasoning_tokens: thinking,
            },
        }
    }
}

/// Why an answer is over, in OpenAI's words and in those that compatible servers pass on from the model
/// behind them.
const REASONS: &[(&str, Reason)] = &[
    ("stop", Reason::Stop),
    ("eos", Reason::Stop),
    ("end_turn", Reason::Stop),
    ("length", Reason::Length),
    ("max_tokens", Reason::Length),
    ("tool_calls", Reason::Tools),
    ("function_call", Reason::Tools),
    ("tool_use", Reason::Tools),
    ("content_filter", Reason::Filter),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Stop,
    Length,
    Tools,
    Filter,
}

/// What a `finish_reason` means. `None` and the empty word say nothing; a word that is none of the API's is
/// given back. `called`: the answer calls tools, whatever its reason says: where a tool was demanded by
/// name, and at some servers always, that is `stop`.
pub(super) fn stop_of(reason: Option<&str>, called: bool) -> Result<Stop<'static>, &str> {
    let reason = reason.unwrap_or_default();
    let known = REASONS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(reason))
        .map(|(_, meaning)| *meaning);
    match known {
        Some(Reason::Length) => Ok(Stop::MaxTokens),
        Some(Reason::Tools) => Ok(Stop::ToolUse),
        Some(Reason::Filter) => Ok(Stop::Refused(Some("content_filter".into()))),
        Some(Reason::Stop) if called => Ok(Stop::ToolUse),
        Some(Reason::Stop) => Ok(Stop::End),
        None if reason.is_empty() && called => Ok(Stop::ToolUse),
        None if reason.is_empty() => Ok(Stop::End),
        None => Err(reason),
    }
}

/// The `finish_reason` of an answer.
pub(super) const fn reason_of(stop: &Stop<'_>) -> &'static str {
    match stop {
        Stop::End | Stop::Sequence(_) => "stop",
        Stop::MaxTokens => "length",
        Stop::ToolUse => "tool_calls",
        Stop::Refused(_) => "content_filter",
    }
}
