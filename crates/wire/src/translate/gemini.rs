//! Gemini's `generateContent`, `streamGenerateContent` and `countTokens` (`v1beta`).
//!
//! Promises: a request is read whole or refused by its own names; what is read and can be said comes out the
//! same when it is written. Whether a request is to be streamed stands in its path, so that [`read_prompt`]
//! leaves [`Prompt::stream`] unset and [`write_prompt`] does not look at it; the model stands there, too.
//!
//! What is left out, and why: reading, see [`HINTS`]; writing, see [`write_prompt`].
//!
//! Must not know: any other dialect.
//!
//! [`Prompt::stream`]: super::talk::Prompt::stream

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    Setting, Spot,
    talk::{Maker, Signature},
    text::Text,
};

mod answer;
mod body;
pub mod count;
mod declarations;
mod encoder;
mod files;
pub(super) mod out;
mod parts;
mod read;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod tools;
mod write;

pub use answer::{read_answer, write_answer};
pub use encoder::Encoder;
pub use read::read_prompt;
pub use stream::Decoder;
pub use write::write_prompt;

/// Fields of a client's request that change no answer of another provider, and why they may be left out.
pub const HINTS: &[(&str, &str)] = &[
    ("model", "the path names it"),
    ("labels", "marks on the bill"),
    ("store", "a wish about logs of Google's"),
    ("serviceTier", "a wish about Google's queues"),
    (
        "safetySettings",
        "asks Google's own filter for no more than it does by itself; a stricter threshold is refused",
    ),
    ("contents.parts.partMetadata", "the client's own notes"),
    (
        "tools.functionDeclarations.response",
        "describes what the client sends later anyhow",
    ),
    (
        "tools.functionDeclarations.responseJsonSchema",
        "describes what the client sends later anyhow",
    ),
];

/// Settings by Gemini's names.
const SETTINGS: &[(Setting, &str)] = &[
    (Setting::ToolChoice, "toolConfig.functionCallingConfig"),
    (
        Setting::ParallelToolCalls,
        "toolConfig.functionCallingConfig",
    ),
    (Setting::MaxTokens, "generationConfig.maxOutputTokens"),
    (Setting::Temperature, "generationConfig.temperature"),
    (Setting::TopP, "generationConfig.topP"),
    (Setting::TopK, "generationConfig.topK"),
    (Setting::Seed, "generationConfig.seed"),
    (Setting::PresencePenalty, "generationConfig.presencePenalty"),
    (
        Setting::FrequencyPenalty,
        "generationConfig.frequencyPenalty",
    ),
    (Setting::Stop, "generationConfig.stopSequences"),
    (Setting::Thinking, "generationConfig.thinkingConfig"),
    (Setting::Format, "generationConfig.responseJsonSchema"),
    (Setting::User, "labels"),
];

/// The client's own name of a place.
pub fn spell(spot: &Spot) -> String {
    match spot {
        Spot::Named(name) => name.clone(),
        Spot::Setting(setting) => SETTINGS
            .iter()
            .find(|(known, _)| known == setting)
            .map_or_else(String::new, |(_, name)| (*name).to_owned()),
        Spot::Part(at) => format!("contents.{}.parts.{}", at.message, at.part),
        Spot::System(part) => format!("systemInstruction.parts.{part}"),
        Spot::Tool(tool) => format!("tools.0.functionDeclarations.{tool}"),
    }
}

/// Which generation a model is of: 3 for `gemini-3.5-flash`, the newest for `gemini-flash-latest`. `None`
/// where the name does not say.
fn generation(model: &str) -> Option<u32> {
    let name = model.strip_prefix("models/").unwrap_or(model);
    let digits = name.strip_prefix("gemini-")?;
    if name.ends_with("-latest") && !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return Some(u32::MAX);
    }
    let end = digits
        .find(|byte: char| !byte.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// What Google documents for histories that its models did not make: it stands where a signature is
/// demanded, and says that there is none.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// The first bytes of a signature of another maker, as they stand in the field: `waybil…` in base64.
const FOREIGN: &str = "d2F5Ymls";

/// Base64 as the field of a signature takes it. Some clients leave out the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a `thoughtSignature`. The field is one of bytes, in base64, so that clients decode and encode it:
/// a signature of another maker is put into it encoded once more, with its tag. They may come back in the
/// URL-safe alphabet, which Google's Python client writes.
fn read_signature(field: Text<'_>) -> Option<Signature<'_>> {
    if field.is_empty() || *field == *NO_SIGNATURE {
        return None;
    }
    if field.starts_with(FOREIGN) {
        let standard = field.replace('-', "+").replace('_', "/");
        let decoded = BASE64.decode(standard).ok();
        if let Some(tagged) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
            return Some(Signature::read(Maker::Gemini, Text::from(tagged)));
        }
    }
    Some(Signature {
        maker: Maker::Gemini,
        value: field,
    })
}

/// What to put into a `thoughtSignature`.
fn write_signature<'s>(signature: &'s Signature<'_>) -> std::borrow::Cow<'s, str> {
    match signature.maker {
        Maker::Gemini => std::borrow::Cow::Borrowed(&signature.value),
        Maker::Anthropic | Maker::OpenAi => {
            std::borrow::Cow::Owned(BASE64.encode(signature.written(Maker::Gemini).as_bytes()))
        }
    }
}
