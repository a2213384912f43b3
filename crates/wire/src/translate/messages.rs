//! Anthropic Messages: `/v1/messages`, its streams, and `count_tokens`.
//!
//! Promises: what is read says all that the client said but for [`HINTS`]; everything else that other
//! providers lack is refused by its name in the client's body. What is written is what Anthropic documents:
//! no empty texts, a budget of thinking that fits below `max_tokens`, results of tools before other words.
//!
//! System messages that stand among the others (`role: "system"`) become parts of the system prompt, in order.
//!
//! Must not know: other dialects.
//!
//! Follows <https://docs.claude.com/en/api/messages>, <https://docs.claude.com/en/api/messages-streaming>,
//! <https://docs.claude.com/en/api/messages-count-tokens>.

use super::{Setting, Spot};

mod answer;
mod blocks;
mod body;
pub mod count;
mod decode;
mod encode;
mod read;
mod refuse;
mod thinking;
mod usage;
mod write;

#[cfg(test)]
mod tests;

pub use answer::{read_answer, write_answer};
pub use decode::Decoder;
pub use encode::Encoder;
pub use read::read_prompt;
pub use write::write_prompt;

/// What is left out of a request because it changes no answer, and why. `*` stands for any block.
pub const HINTS: &[(&str, &str)] = &[
    (
        "*.cache_control",
        "where a cache may begin; it is found again or it is not",
    ),
    ("cache_control", "the same for the whole request"),
    (
        "context_management.edits",
        "clears old thinking and old results of tools to save tokens; the model may see them. Other edits are refused",
    ),
    (
        "tools.*.defer_loading",
        "keeps a tool out of sight until it is searched for; it may be seen at once",
    ),
    (
        "tools.*.eager_input_streaming",
        "how early pieces of arguments are sent",
    ),
    (
        "output_config.effort",
        "beside `thinking.budget_tokens` or `disabled` alone, which say the same more exactly",
    ),
    (
        "service_tier",
        "which capacity of Anthropic's serves the request",
    ),
    ("speed", "how fast the same model of Anthropic's writes"),
    ("diagnostics", "asks why a cache was missed"),
    ("user_profile_id", "a label for Anthropic's reports"),
    (
        "workspace_id",
        "which of the client's workspaces with Anthropic is billed",
    ),
    (
        "anthropic_version",
        "the version of the protocol, for clouds that take it in the body",
    ),
    (
        "anthropic_beta",
        "allows fields; each field is judged by itself",
    ),
    ("betas", "the same, as some clients spell it"),
];

/// The client's own name of a place.
pub fn spell(spot: &Spot) -> String {
    match spot {
        Spot::Named(name) => name.clone(),
        Spot::Setting(setting) => setting_name(*setting).to_owned(),
        Spot::Part(at) => format!("messages.{}.content.{}", at.message, at.part),
        Spot::System(part) => format!("system.{part}"),
        Spot::Tool(tool) => format!("tools.{tool}"),
    }
}

const fn setting_name(setting: Setting) -> &'static str {
    match setting {
        Setting::ToolChoice => "tool_choice",
        Setting::ParallelToolCalls => "tool_choice.disable_parallel_tool_use",
        Setting::MaxTokens => "max_tokens",
        Setting::Temperature => "temperature",
        Setting::TopP => "top_p",
        Setting::TopK => "top_k",
        Setting::Seed => "seed",
        Setting::PresencePenalty => "presence_penalty",
        Setting::FrequencyPenalty => "frequency_penalty",
        Setting::Stop => "stop_sequences",
        Setting::Thinking => "thinking",
        Setting::Format => "output_config.format",
        Setting::User => "metadata.user_id",
    }
}
