//! Which language a client speaks, which platform an account belongs to, and which endpoint was asked for.

use serde::{Deserialize, Serialize};

/// Declares a closed set of words with one spelling each, used in JSON, SQL and the command line alike. Where another
/// type of the API has the same name, `as "Other"` is what the API's document calls it.
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $vis:vis enum $name:ident $(as $schema:literal)? { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
        $vis enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),* }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The one spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::protocol::words_schema([$($text),*])
            }
        }

        impl utoipa::ToSchema for $name {
            $(fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed($schema)
            })?
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::protocol::UnknownWord;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                match s {
                    $($text => Ok($name::$variant),)*
                    _ => Err($crate::protocol::UnknownWord { given: s.to_owned(), expected: &[$($text),*] }),
                }
            }
        }
    };
}

/// The schema of a closed set of words: its spellings, as the API speaks them.
pub fn words_schema<const N: usize>(
    words: [&'static str; N],
) -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(words))
        .into()
}

/// A word that is not one of a closed set.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{given}` is not one of {}", .expected.join(", "))]
pub struct UnknownWord {
    /// What was given.
    pub given: String,
    /// What would have been accepted.
    pub expected: &'static [&'static str],
}

words! {
    /// Whose API an account speaks.
    pub enum Platform {
        /// The Anthropic API.
        Anthropic = "anthropic",
        /// The OpenAI API and services that speak it.
        OpenAi = "openai",
        /// The Gemini API.
        Gemini = "gemini",
        /// Google Cloud Code Assist.
        Antigravity = "antigravity",
    }
}

impl Platform {
    /// The provider's public address; the request path (`/v1/…`) is appended.
    pub const fn default_base_url(self) -> &'static str {
        match self {
            Platform::Anthropic => "https://api.anthropic.com",
            Platform::OpenAi => "https://api.openai.com",
            Platform::Gemini => "https://generativelanguage.googleapis.com",
            Platform::Antigravity => "https://cloudcode-pa.googleapis.com",
        }
    }

    /// Whose clients a group of its accounts serves where nothing is said. Nobody speaks Code Assist's own
    /// language, so its groups serve those whose bridges it was made for.
    pub const fn default_protocols(self) -> &'static [Protocol] {
        match self {
            Platform::Anthropic => &[Protocol::Anthropic],
            Platform::OpenAi => &[Protocol::OpenAi],
            Platform::Gemini => &[Protocol::Gemini],
            Platform::Antigravity => &[Protocol::Anthropic, Protocol::Gemini],
        }
    }

    /// Which of OpenAI's APIs an account's server speaks where nothing is said; none on other platforms.
    pub const fn default_apis(self) -> &'static [OpenAiApi] {
        match self {
            Platform::OpenAi => OpenAiApi::ALL,
            Platform::Anthropic | Platform::Gemini | Platform::Antigravity => &[],
        }
    }
}

words! {
    /// An API for conversations that a server of OpenAI's kind may speak.
    pub enum OpenAiApi {
        /// `/v1/chat/completions`
        ChatCompletions = "chat_completions",
        /// `/v1/responses`
        Responses = "responses",
    }
}

words! {
    /// The API a client speaks; decides the shape of our own errors and of a stream.
    pub enum Protocol {
        /// Anthropic Messages.
        Anthropic = "anthropic",
        /// OpenAI Chat Completions, Responses, Embeddings.
        OpenAi = "openai",
        /// Gemini `generateContent`.
        Gemini = "gemini",
    }
}

impl Protocol {
    /// The platform whose accounts speak this protocol without translation.
    pub const fn native_platform(self) -> Platform {
        match self {
            Protocol::Anthropic => Platform::Anthropic,
            Protocol::OpenAi => Platform::OpenAi,
            Protocol::Gemini => Platform::Gemini,
        }
    }
}

words! {
    /// What the client asked for.
    pub enum Endpoint {
        /// `POST /v1/messages`
        Messages = "messages",
        /// `POST /v1/messages/count_tokens`
        CountTokens = "count_tokens",
        /// `POST /v1/chat/completions`
        ChatCompletions = "chat_completions",
        /// `POST /v1/responses`
        Responses = "responses",
        /// `POST /v1/embeddings`
        Embeddings = "embeddings",
        /// `POST /v1beta/models/{model}:generateContent`
        GenerateContent = "generate_content",
        /// `POST /v1beta/models/{model}:streamGenerateContent`
        StreamGenerateContent = "stream_generate_content",
        /// `POST /v1beta/models/{model}:countTokens`
        GeminiCountTokens = "gemini_count_tokens",
        /// `POST /v1beta/models/{model}:embedContent` and `:batchEmbedContents`
        EmbedContent = "embed_content",
        /// `GET …/models` and `GET …/models/{model}`
        Models = "models",
    }
}

impl Endpoint {
    /// Whether it is asked of accounts of the client's own platform alone: what it answers cannot be said
    /// in another platform's words. Vectors of one model mean nothing to another's, and a list of models
    /// names those of one provider.
    pub const fn is_native(self) -> bool {
        match self {
            Endpoint::Embeddings | Endpoint::EmbedContent | Endpoint::Models => true,
            Endpoint::Messages
            | Endpoint::CountTokens
            | Endpoint::ChatCompletions
            | Endpoint::Responses
            | Endpoint::GenerateContent
            | Endpoint::StreamGenerateContent
            | Endpoint::GeminiCountTokens => false,
        }
    }

    /// Whether it asks how many tokens a prompt has, and for no answer.
    pub const fn counts_tokens(self) -> bool {
        matches!(self, Endpoint::CountTokens | Endpoint::GeminiCountTokens)
    }
}

/// How a streamed answer is framed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub enum StreamFormat {
    /// Anthropic Messages events (`event:` and `data:`; ends with `message_stop`).
    AnthropicSse,
    /// OpenAI Chat Completions chunks (ends with `data: [DONE]`).
    ChatSse,
    /// OpenAI Responses events (ends with `response.completed`, `.incomplete` or `.failed`).
    ResponsesSse,
    /// Gemini with `alt=sse`: one response object per event; no end marker but a `finishReason`.
    GeminiSse,
    /// Gemini without `alt=sse`: one JSON array of response objects.
    GeminiArray,
}
