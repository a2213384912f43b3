//! OpenAI Responses, as its public API reference and the types of its SDKs describe it.
//!
//! Promises: what a client says is read whole or refused by its name; a translated conversation lives in its
//! request alone, since nothing of it is kept, so everything that asks for memory (`previous_response_id`,
//! `conversation`, `background`, `item_reference`, stored prompts) is refused. Tools that OpenAI runs itself
//! are refused by name. Messages of the system and of developers, wherever they stand, become parts of the
//! system prompt, after `instructions`.
//!
//! What this dialect has no field for travels in one that clients hand back unread:
//! - thinking, and the proof of a tool's call, is a `reasoning` item with `encrypted_content` (`sealed`);
//! - a tool's answer that is an error has the status `incomplete`;
//! - a `custom` tool, whose argument is free text, is a function with the argument `input` and a marked name
//!   (`custom`).
//!
//! Must not know: any other dialect.

use super::{Setting, Spot, talk::At};

mod answer;
mod custom;
mod decoder;
mod encoder;
mod faults;
mod items;
mod media;
mod output;
mod read;
mod response;
mod sealed;
mod shapes;
#[cfg(test)]
mod tests;
mod write;

pub use answer::read_answer;
pub use decoder::Decoder;
pub use encoder::Encoder;
pub use output::write_answer;
pub use read::read_prompt;
pub use write::write_prompt;

/// What is left out of a translation because it changes no answer, or changes it only in a way that the
/// other side decides for itself: the client's name of it, and why.
pub const HINTS: &[(&str, &str)] = &[
    (
        "store",
        "a translated answer is stored nowhere, whatever was wished",
    ),
    ("metadata", "labels for what is stored"),
    ("service_tier", "which queue OpenAI serves it from"),
    ("prompt_cache_key", "a hint for OpenAI's cache"),
    ("prompt_cache_retention", "a hint for OpenAI's cache"),
    ("prompt_cache_options", "a hint for OpenAI's cache"),
    ("client_metadata", "labels of the client"),
    (
        "stream_options.include_obfuscation",
        "padding against eavesdroppers of OpenAI's own streams",
    ),
    (
        "include.reasoning.encrypted_content",
        "thinking is always given back sealed",
    ),
    (
        "text.verbosity",
        "a wish about length that only OpenAI's models are trained on",
    ),
    (
        "reasoning.context",
        "which earlier thoughts a model sees is what each provider decides from their signatures",
    ),
    (
        "input.*.id",
        "names of stored items, and nothing is stored here",
    ),
    (
        "input.*.status",
        "items that are handed back are whole; only `incomplete` of a tool's output is read, as its failure",
    ),
    (
        "input.*.phase",
        "a label that only OpenAI's models are trained on",
    ),
    (
        "input.*.internal_chat_message_metadata_passthrough",
        "labels of the client",
    ),
    (
        "input.*.content.*.annotations",
        "where an earlier answer had its words from; the words are kept",
    ),
    (
        "input.*.content.*.logprobs",
        "how sure the model was of an earlier answer",
    ),
    (
        "input.*.content.*.detail",
        "how closely OpenAI's models look; others decide by the picture's size",
    ),
];

/// The part of an [`At`] that stands for the item itself, not for one of its parts.
const WHOLE: u32 = u32::MAX;

/// Added to the part of an [`At`] that stands in a tool's `output`, not in `content`.
const OUTPUT: u32 = 1 << 31;

/// The message of an [`At`] in a body whose `input` is a text.
const ONLY: u32 = u32::MAX;

/// The client's own name of a place.
pub fn spell(spot: &Spot) -> String {
    match spot {
        Spot::Named(name) => name.clone(),
        Spot::Setting(setting) => setting_name(*setting).to_owned(),
        Spot::Part(at) => spell_at(*at),
        // Which of `instructions` and the messages of developers it was is not known here.
        Spot::System(_) => "instructions".to_owned(),
        Spot::Tool(index) => format!("tools.{index}"),
    }
}

fn spell_at(At { message, part }: At) -> String {
    match (message, part) {
        (ONLY, _) => "input".to_owned(),
        (item, WHOLE) => format!("input.{item}"),
        (item, part) if part >= OUTPUT => format!("input.{item}.output.{}", part - OUTPUT),
        (item, part) => format!("input.{item}.content.{part}"),
    }
}

/// The last five are no settings of this dialect: its clients never state them.
const fn setting_name(setting: Setting) -> &'static str {
    match setting {
        Setting::ToolChoice => "tool_choice",
        Setting::ParallelToolCalls => "parallel_tool_calls",
        Setting::MaxTokens => "max_output_tokens",
        Setting::Temperature => "temperature",
        Setting::TopP => "top_p",
        Setting::Thinking => "reasoning",
        Setting::Format => "text.format",
        Setting::User => "user",
        Setting::TopK => "top_k",
        Setting::Seed => "seed",
        Setting::PresencePenalty => "presence_penalty",
        Setting::FrequencyPenalty => "frequency_penalty",
        Setting::Stop => "stop",
    }
}
