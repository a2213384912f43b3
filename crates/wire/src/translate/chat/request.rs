//! A Chat request as it stands in a body: every field that OpenAI documents, none of it judged.
//!
//! Promises: text and JSON are borrowed from the body; a field that is not here is an error.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        self, IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::Number;

use crate::translate::text::{Json, Text};

/// The body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    pub messages: Vec<Message<'a>>,
    /// The target names its own.
    #[serde(rename = "model")]
    pub _model: Option<IgnoredAny>,

    pub max_tokens: Option<u64>,
    pub max_completion_tokens: Option<u64>,
    pub temperature: Option<Number>,
    pub top_p: Option<Number>,
    pub seed: Option<i64>,
    pub presence_penalty: Option<Number>,
    pub frequency_penalty: Option<Number>,
    #[serde(borrow)]
    pub stop: Option<Either<'a, Vec<Text<'a>>>>,
    #[serde(borrow)]
    pub reasoning_effort: Option<Text<'a>>,
    #[serde(borrow)]
    pub response_format: Option<Format<'a>>,
    #[serde(borrow)]
    pub user: Option<Text<'a>>,
    #[serde(borrow)]
    pub safety_identifier: Option<Text<'a>>,
    pub stream: Option<bool>,
    pub stream_options: Option<StreamOptions>,

    #[serde(borrow)]
    pub tools: Option<Vec<Tool<'a>>>,
    #[serde(borrow)]
    pub tool_choice: Option<Either<'a, ToolChoice<'a>>>,
    pub parallel_tool_calls: Option<bool>,

    pub n: Option<u64>,
    pub logprobs: Option<bool>,
    pub top_logprobs: Option<u64>,
    #[serde(borrow)]
    pub logit_bias: Option<Json<'a>>,
    #[serde(borrow)]
    pub modalities: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    pub verbosity: Option<Text<'a>>,

    pub audio: Option<IgnoredAny>,
    pub prediction: Option<IgnoredAny>,
    pub web_search_options: Option<IgnoredAny>,
    pub moderation: Option<IgnoredAny>,
    pub functions: Option<IgnoredAny>,
    pub function_call: Option<IgnoredAny>,

    #[serde(rename = "metadata")]
    pub _metadata: Option<IgnoredAny>,
    #[serde(rename = "store")]
    pub _store: Option<IgnoredAny>,
    #[serde(rename = "service_tier")]
    pub _service_tier: Option<IgnoredAny>,
    #[serde(rename = "prompt_cache_key")]
    pub _prompt_cache_key: Option<IgnoredAny>,
    #[serde(rename = "prompt_cache_options")]
    pub _prompt_cache_options: Option<IgnoredAny>,
    #[serde(rename = "prompt_cache_retention")]
    pub _prompt_cache_retention: Option<IgnoredAny>,
}

/// One of `messages`, of any role.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub role: Text<'a>,
    #[serde(borrow)]
    pub content: Option<Either<'a, Vec<Part<'a>>>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub refusal: Option<Text<'a>>,
    #[serde(borrow)]
    pub tool_calls: Option<Vec<Call<'a>>>,
    #[serde(borrow)]
    pub tool_call_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub reasoning_content: Option<Text<'a>>,
    /// Another name for `reasoning_content`.
    #[serde(borrow)]
    pub reasoning: Option<Text<'a>>,
    pub function_call: Option<IgnoredAny>,
    pub audio: Option<IgnoredAny>,
    #[serde(rename = "annotations")]
    pub _annotations: Option<IgnoredAny>,
    #[serde(rename = "extra_content")]
    pub _extra_content: Option<IgnoredAny>,
}

/// One of a message's `content`, of any type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub r#type: Text<'a>,
    #[serde(borrow)]
    pub text: Option<Text<'a>>,
    #[serde(borrow)]
    pub refusal: Option<Text<'a>>,
    #[serde(borrow)]
    pub image_url: Option<ImageUrl<'a>>,
    #[serde(borrow)]
    pub input_audio: Option<InputAudio<'a>>,
    #[serde(borrow)]
    pub file: Option<File<'a>>,
    #[serde(rename = "prompt_cache_breakpoint")]
    pub _prompt_cache_breakpoint: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageUrl<'a> {
    #[serde(borrow)]
    pub url: Text<'a>,
    #[serde(borrow)]
    pub detail: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InputAudio<'a> {
    #[serde(borrow)]
    pub data: Text<'a>,
    #[serde(borrow)]
    pub format: Text<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File<'a> {
    #[serde(borrow)]
    pub file_data: Option<Text<'a>>,
    #[serde(borrow)]
    pub file_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub filename: Option<Text<'a>>,
}

/// One of `tool_calls`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call<'a> {
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub function: Option<Called<'a>>,
    pub custom: Option<IgnoredAny>,
    #[serde(borrow)]
    pub extra_content: Option<Extra<'a>>,
    #[serde(rename = "index")]
    pub _index: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Called<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub arguments: Option<Text<'a>>,
}

/// What Google's compatible API adds to a call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extra<'a> {
    #[serde(borrow)]
    pub google: Option<Google<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Google<'a> {
    #[serde(borrow)]
    pub thought_signature: Option<Text<'a>>,
}

/// One of `tools`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool<'a> {
    #[serde(borrow)]
    pub r#type: Text<'a>,
    #[serde(borrow)]
    pub function: Option<Function<'a>>,
    pub custom: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub description: Option<Text<'a>>,
    #[serde(borrow)]
    pub parameters: Option<Json<'a>>,
    pub strict: Option<bool>,
}

/// `tool_choice` where it is no word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolChoice<'a> {
    #[serde(borrow)]
    pub r#type: Text<'a>,
    #[serde(borrow)]
    pub function: Option<Chosen<'a>>,
    pub custom: Option<IgnoredAny>,
    pub allowed_tools: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Format<'a> {
    #[serde(borrow)]
    pub r#type: Text<'a>,
    #[serde(borrow)]
    pub json_schema: Option<Schema<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schema<'a> {
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub description: Option<Text<'a>>,
    #[serde(borrow)]
    pub schema: Option<Json<'a>>,
    pub strict: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamOptions {
    pub include_usage: Option<bool>,
    #[serde(rename = "include_obfuscation")]
    pub _include_obfuscation: Option<IgnoredAny>,
}

/// A string, or something larger where more is to be said.
#[derive(Debug)]
pub(super) enum Either<'a, T> {
    /// The string.
    Word(Text<'a>),
    /// The list or object.
    Full(T),
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Either<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Looks<'a, T>(PhantomData<(&'a (), T)>);

        impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for Looks<'a, T> {
            type Value = Either<'a, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a list or an object")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Either::Word(Text(Cow::Borrowed(text))))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Either::Word(Text(Cow::Owned(text.to_owned()))))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                T::deserialize(SeqAccessDeserializer::new(seq)).map(Either::Full)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Either::Full)
            }
        }

        deserializer.deserialize_any(Looks(PhantomData))
    }
}
