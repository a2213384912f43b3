//! A request as JSON: every field that is known, and no other.
//!
//! Promises: texts and raw JSON are borrowed from the body; `null` is the same as absent. A block that may be
//! of several kinds is one flat struct, whose fields are sorted by kind afterwards.
//!
//! Must not know: what fields mean.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        self, IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::Number;

use crate::translate::text::{Json, Text};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "hints are known, not used")]
pub(super) struct Request<'a> {
    pub model: Option<IgnoredAny>,
    #[serde(borrow)]
    pub input: Option<TextOr<'a, Vec<Item<'a>>>>,
    #[serde(borrow)]
    pub instructions: Option<Text<'a>>,
    #[serde(borrow)]
    pub tools: Option<Vec<ToolShape<'a>>>,
    #[serde(borrow)]
    pub tool_choice: Option<TextOr<'a, ChoiceShape<'a>>>,
    pub parallel_tool_calls: Option<bool>,
    pub max_output_tokens: Option<u64>,
    pub temperature: Option<Number>,
    pub top_p: Option<Number>,
    #[serde(borrow)]
    pub reasoning: Option<ReasoningShape<'a>>,
    #[serde(borrow)]
    pub text: Option<TextShape<'a>>,
    #[serde(borrow)]
    pub user: Option<Text<'a>>,
    #[serde(borrow)]
    pub safety_identifier: Option<Text<'a>>,
    pub stream: Option<bool>,

    // Refused, or taken only where they say what is done anyway.
    pub previous_response_id: Option<IgnoredAny>,
    pub conversation: Option<IgnoredAny>,
    pub prompt: Option<IgnoredAny>,
    pub background: Option<bool>,
    #[serde(borrow)]
    pub truncation: Option<Text<'a>>,
    pub max_tool_calls: Option<IgnoredAny>,
    pub top_logprobs: Option<u64>,
    #[serde(borrow)]
    pub include: Option<Vec<Text<'a>>>,
    pub stream_options: Option<StreamOptions>,

    // Hints.
    pub store: Option<IgnoredAny>,
    pub metadata: Option<IgnoredAny>,
    pub service_tier: Option<IgnoredAny>,
    pub prompt_cache_key: Option<IgnoredAny>,
    pub prompt_cache_retention: Option<IgnoredAny>,
    pub prompt_cache_options: Option<IgnoredAny>,
    pub client_metadata: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamOptions {
    #[serde(rename = "include_obfuscation")]
    pub _include_obfuscation: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub status: Option<Text<'a>>,
    #[serde(rename = "phase")]
    pub _phase: Option<IgnoredAny>,
    #[serde(rename = "internal_chat_message_metadata_passthrough")]
    pub _metadata: Option<IgnoredAny>,
    #[serde(borrow)]
    pub role: Option<Text<'a>>,
    #[serde(borrow)]
    pub content: Option<TextOr<'a, Vec<Piece<'a>>>>,
    #[serde(borrow)]
    pub call_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub arguments: Option<Text<'a>>,
    #[serde(borrow)]
    pub input: Option<Text<'a>>,
    #[serde(borrow)]
    pub output: Option<TextOr<'a, Vec<Piece<'a>>>>,
    #[serde(borrow)]
    pub summary: Option<Vec<Piece<'a>>>,
    #[serde(borrow)]
    pub encrypted_content: Option<Text<'a>>,
}

/// A part of a message, of a tool's output or of a summary.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Piece<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub text: Option<Text<'a>>,
    #[serde(borrow)]
    pub refusal: Option<Text<'a>>,
    #[serde(borrow)]
    pub image_url: Option<Text<'a>>,
    #[serde(borrow)]
    pub file_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub file_data: Option<Text<'a>>,
    #[serde(borrow)]
    pub file_url: Option<Text<'a>>,
    #[serde(borrow)]
    pub filename: Option<Text<'a>>,
    #[serde(rename = "detail")]
    pub _detail: Option<IgnoredAny>,
    #[serde(rename = "annotations")]
    pub _annotations: Option<IgnoredAny>,
    #[serde(rename = "logprobs")]
    pub _logprobs: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolShape<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub description: Option<Text<'a>>,
    #[serde(borrow)]
    pub parameters: Option<Json<'a>>,
    pub strict: Option<bool>,
    #[serde(borrow)]
    pub format: Option<GrammarShape<'a>>,
    pub defer_loading: Option<bool>,
}

/// What the free text of a `custom` tool must look like.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrammarShape<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub syntax: Option<Text<'a>>,
    #[serde(borrow)]
    pub definition: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChoiceShape<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasoningShape<'a> {
    #[serde(borrow)]
    pub effort: Option<Text<'a>>,
    #[serde(borrow)]
    pub summary: Option<Text<'a>>,
    #[serde(borrow)]
    pub generate_summary: Option<Text<'a>>,
    #[serde(rename = "context")]
    pub _context: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TextShape<'a> {
    #[serde(borrow)]
    pub format: Option<FormatShape<'a>>,
    #[serde(rename = "verbosity")]
    pub _verbosity: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FormatShape<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub description: Option<Text<'a>>,
    #[serde(borrow)]
    pub schema: Option<Json<'a>>,
    pub strict: Option<bool>,
}

/// A text, or what may stand in its place. An untagged enum would do, but it copies what it reads.
pub(super) enum TextOr<'a, T> {
    Text(Text<'a>),
    Other(T),
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for TextOr<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<'a, T>(PhantomData<(&'a (), T)>);

        impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for Either<'a, T> {
            type Value = TextOr<'a, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, or an object or list in its place")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(TextOr::Text(Text::from(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(TextOr::Text(Text::from(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                T::deserialize(SeqAccessDeserializer::new(seq)).map(TextOr::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(TextOr::Other)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}
