//! The shapes of a request, as they are read: every field that Anthropic documents and other providers may
//! have a word for, or that is a hint. A field that is not here is refused by serde.
//!
//! Promises: flat structs whose kind is looked at afterwards, so that text stays borrowed.
//!
//! Must not know: what anything means.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::Number;

use super::super::text::{Json, Text};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body<'a> {
    /// Routing has read it.
    #[serde(rename = "model")]
    pub _model: Option<IgnoredAny>,
    pub max_tokens: Option<u64>,
    #[serde(borrow)]
    pub system: Option<Said<'a>>,
    #[serde(borrow)]
    pub messages: Option<Vec<Message<'a>>>,
    #[serde(borrow)]
    pub metadata: Option<Metadata<'a>>,
    #[serde(borrow)]
    pub stop_sequences: Option<Vec<Text<'a>>>,
    pub stream: Option<bool>,
    pub temperature: Option<Number>,
    pub top_p: Option<Number>,
    pub top_k: Option<u64>,
    #[serde(borrow)]
    pub tools: Option<Vec<Tool<'a>>>,
    #[serde(borrow)]
    pub tool_choice: Option<ToolChoice<'a>>,
    #[serde(borrow)]
    pub thinking: Option<Thinking<'a>>,
    #[serde(borrow)]
    pub output_config: Option<OutputConfig<'a>>,
    /// As `output_config.format`, in its first beta.
    #[serde(borrow)]
    pub output_format: Option<Format<'a>>,
    #[serde(borrow)]
    pub context_management: Option<ContextManagement<'a>>,
    // Refused, where they say something.
    #[serde(borrow)]
    pub container: Option<Json<'a>>,
    #[serde(borrow)]
    pub mcp_servers: Option<Json<'a>>,
    #[serde(borrow)]
    pub inference_geo: Option<Json<'a>>,
    #[serde(borrow)]
    pub fallbacks: Option<Json<'a>>,
    // Hints.
    #[serde(rename = "cache_control")]
    pub _cache_control: Option<IgnoredAny>,
    #[serde(rename = "service_tier")]
    pub _service_tier: Option<IgnoredAny>,
    #[serde(rename = "speed")]
    pub _speed: Option<IgnoredAny>,
    #[serde(rename = "diagnostics")]
    pub _diagnostics: Option<IgnoredAny>,
    #[serde(rename = "user_profile_id")]
    pub _user_profile_id: Option<IgnoredAny>,
    #[serde(rename = "workspace_id")]
    pub _workspace_id: Option<IgnoredAny>,
    #[serde(rename = "anthropic_version")]
    pub _anthropic_version: Option<IgnoredAny>,
    #[serde(rename = "anthropic_beta")]
    pub _anthropic_beta: Option<IgnoredAny>,
    #[serde(rename = "betas")]
    pub _betas: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub role: Option<Text<'a>>,
    #[serde(borrow)]
    pub content: Option<Said<'a>>,
}

/// A string, which is short for one block of text, or blocks.
#[derive(Debug)]
pub(super) enum Said<'a> {
    Text(Text<'a>),
    Blocks(Vec<Block<'a>>),
}

/// A block of any kind; [`super::read`] checks that it has the fields of its kind and no others.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Block<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub text: Option<Text<'a>>,
    #[serde(borrow)]
    pub citations: Option<Json<'a>>,
    #[serde(borrow)]
    pub source: Option<Source<'a>>,
    #[serde(borrow)]
    pub transformations: Option<Json<'a>>,
    #[serde(borrow)]
    pub title: Option<Text<'a>>,
    #[serde(borrow)]
    pub context: Option<Text<'a>>,
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub input: Option<Json<'a>>,
    #[serde(borrow)]
    pub caller: Option<Caller<'a>>,
    #[serde(borrow)]
    pub toolset_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub content: Option<Said<'a>>,
    pub is_error: Option<bool>,
    #[serde(borrow)]
    pub thinking: Option<Text<'a>>,
    #[serde(borrow)]
    pub signature: Option<Text<'a>>,
    #[serde(borrow)]
    pub data: Option<Text<'a>>,
    #[serde(rename = "cache_control")]
    pub _cache_control: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub media_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub data: Option<Text<'a>>,
    #[serde(borrow)]
    pub url: Option<Text<'a>>,
    #[serde(borrow)]
    pub file_id: Option<Text<'a>>,
    /// Of a source that is refused by its kind.
    #[serde(rename = "content")]
    pub _content: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Caller<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    /// Of a caller that is refused by its kind.
    #[serde(rename = "tool_id")]
    pub _tool_id: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metadata<'a> {
    #[serde(borrow)]
    pub user_id: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub description: Option<Text<'a>>,
    #[serde(borrow)]
    pub input_schema: Option<Json<'a>>,
    pub strict: Option<bool>,
    #[serde(borrow)]
    pub allowed_callers: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    pub input_examples: Option<Json<'a>>,
    #[serde(rename = "cache_control")]
    pub _cache_control: Option<IgnoredAny>,
    #[serde(rename = "defer_loading")]
    pub _defer_loading: Option<IgnoredAny>,
    #[serde(rename = "eager_input_streaming")]
    pub _eager_input_streaming: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolChoice<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    pub disable_parallel_tool_use: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Thinking<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    pub budget_tokens: Option<u64>,
    #[serde(borrow)]
    pub display: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputConfig<'a> {
    #[serde(borrow)]
    pub effort: Option<Text<'a>>,
    #[serde(borrow)]
    pub format: Option<Format<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Format<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub schema: Option<Json<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContextManagement<'a> {
    #[serde(borrow)]
    pub edits: Option<Vec<Edit<'a>>>,
}

/// Its other fields say how much is cleared, and when: none matters where nothing is.
#[derive(Debug, Deserialize)]
pub(super) struct Edit<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Said<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Said<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of blocks")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Said<'de>, E> {
                Ok(Said::Text(Text::from(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Said<'de>, E> {
                Ok(Said::Text(Text::from(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Said<'de>, A::Error> {
                let mut blocks = Vec::new();
                while let Some(block) = list.next_element()? {
                    blocks.push(block);
                }
                Ok(Said::Blocks(blocks))
            }
        }

        deserializer.deserialize_any(Either)
    }
}
