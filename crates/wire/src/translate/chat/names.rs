//! How a Chat client names the places of its request.
//!
//! Promises: every place that this dialect's reader notes is spelled as it stands in the client's body.

use crate::translate::{Setting, Spot, talk::At};

/// Parts that are fields of a message rather than elements of its `content` are counted from here on.
const FIELDS: u32 = 1 << 31;

/// The message itself.
pub(super) const MESSAGE: u32 = FIELDS;
/// `content` that is one string.
pub(super) const CONTENT: u32 = FIELDS + 1;
/// `refusal`.
pub(super) const REFUSAL: u32 = FIELDS + 2;
/// `reasoning_content`.
pub(super) const REASONING: u32 = FIELDS + 3;
/// The first of `tool_calls`.
const CALLS: u32 = FIELDS + 4;

/// The place of a call of a tool.
pub(super) fn call(index: usize) -> u32 {
    CALLS.saturating_add(count(index))
}

/// A count as places hold it. No body is long enough to be cut off.
pub(super) fn count(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The client's own name of a place.
pub fn spell(spot: &Spot) -> String {
    match spot {
        Spot::Named(name) => name.clone(),
        Spot::Setting(setting) => setting_name(*setting).to_owned(),
        Spot::Part(at) => part_name(*at),
        Spot::System(index) => format!("messages (system, {index})"),
        Spot::Tool(index) => format!("tools.{index}"),
    }
}

fn part_name(At { message, part }: At) -> String {
    match part {
        MESSAGE => format!("messages.{message}"),
        CONTENT => format!("messages.{message}.content"),
        REFUSAL => format!("messages.{message}.refusal"),
        REASONING => format!("messages.{message}.reasoning_content"),
        CALLS.. => format!("messages.{message}.tool_calls.{}", part - CALLS),
        _ => format!("messages.{message}.content.{part}"),
    }
}

const fn setting_name(setting: Setting) -> &'static str {
    match setting {
        Setting::ToolChoice => "tool_choice",
        Setting::ParallelToolCalls => "parallel_tool_calls",
        Setting::MaxTokens => "max_completion_tokens",
        Setting::Temperature => "temperature",
        Setting::TopP => "top_p",
        Setting::TopK => "top_k",
        Setting::Seed => "seed",
        Setting::PresencePenalty => "presence_penalty",
        Setting::FrequencyPenalty => "frequency_penalty",
        Setting::Stop => "stop",
        Setting::Thinking => "reasoning_effort",
        Setting::Format => "response_format",
        Setting::User => "user",
    }
}
