//! A conversation in no provider's language: what every dialect reads into and writes from.
//!
//! Promises: text is borrowed from the body it was read from wherever that needs no unescaping; a value
//! says only what the client said, and a default is never filled in. Writers take values apart field by
//! field (`let Prompt { … } = prompt`, without `..`), so that a field added here is one that no writer can
//! forget.
//!
//! Must not know: any dialect.

use serde_json::Number;

use super::{
    Spot, Untranslatable,
    text::{Json, Text},
};

/// A request for an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prompt<'a> {
    /// Instructions that stand above the conversation: texts only.
    pub system: Vec<Part<'a>>,
    /// The conversation. Neighbours have different roles.
    pub turns: Vec<Turn<'a>>,
    /// What the model may call.
    pub tools: Vec<Tool<'a>>,
    /// Whether, and which, it must call.
    pub tool_choice: Option<ToolChoice<'a>>,
    /// Whether it may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// The longest answer, in tokens, thinking included.
    pub max_tokens: Option<u64>,
    /// Sampling.
    pub temperature: Option<Number>,
    /// Sampling.
    pub top_p: Option<Number>,
    /// Sampling.
    pub top_k: Option<u64>,
    /// Sampling.
    pub seed: Option<i64>,
    /// Sampling.
    pub presence_penalty: Option<Number>,
    /// Sampling.
    pub frequency_penalty: Option<Number>,
    /// Texts that end the answer.
    pub stop: Vec<Text<'a>>,
    /// How much to think before answering.
    pub thinking: Option<Thinking>,
    /// The form of the answer.
    pub format: Option<Format<'a>>,
    /// Who the request is for, as the client names them.
    pub user: Option<Text<'a>>,
    /// The answer is to be streamed.
    pub stream: bool,
    /// The stream is to say what it cost (`stream_options.include_usage` of Chat). A wish about the client's
    /// side: no writer of requests looks at it.
    pub stream_usage: bool,
}

impl Prompt<'_> {
    /// About how many bytes it takes when it is written: what is large is its texts and files. An estimate, so
    /// that a body is written without being moved.
    pub(super) fn room(&self) -> usize {
        fn of(parts: &[Part<'_>]) -> usize {
            let sizes = parts.iter().map(|part| match &part.content {
                Content::Text(text) | Content::Refusal(text) => text.len(),
                Content::Media(media) => match &media.source {
                    Source::Base64(text)
                    | Source::Plain(text)
                    | Source::Url(text)
                    | Source::File(text) => text.len(),
                },
                Content::ToolCall(call) => call.arguments.get().len() + 128,
                Content::ToolResult(result) => of(&result.parts) + 64,
                Content::Thinking(_) => 0,
            });
            sizes.map(|size| size + size / 8 + 64).sum()
        }
        let tools = self.tools.iter().map(|tool| {
            let schema = tool.parameters.as_ref().map_or(0, |json| json.get().len());
            schema + tool.description.as_deref().map_or(0, str::len) + 128
        });
        let turns = self.turns.iter().map(|turn| of(&turn.parts));
        512 + of(&self.system) + tools.sum::<usize>() + turns.sum::<usize>()
    }
}

impl Prompt<'_> {
    /// What every dialect demands, whichever it is written in: that calls are the model's and their results the
    /// user's, and that a file's type is one, for it becomes part of addresses and fields that have no room for
    /// others.
    pub(super) fn check(&self) -> Result<(), Untranslatable> {
        fn check(role: Role, parts: &[Part<'_>]) -> Result<(), Untranslatable> {
            let refuse = |part: &Part<'_>, why| Err(Untranslatable::at(Spot::Part(part.at), why));
            parts.iter().try_for_each(|part| match &part.content {
                Content::ToolCall(_) | Content::Thinking(_) | Content::Refusal(_)
                    if role == Role::User =>
                {
                    refuse(
                        part,
                        "is the model's to say, and stands in a message of the user's",
                    )
                }
                Content::ToolResult(_) if role == Role::Assistant => refuse(
                    part,
                    "is the user's to say, and stands in a message of the model's",
                ),
                Content::Media(media) => match media.mime.as_deref() {
                    Some(mime) if !is_media_type(mime) => {
                        refuse(part, "has a media type that is none")
                    }
                    Some(_) | None => Ok(()),
                },
                Content::ToolResult(result) => check(role, &result.parts),
                Content::Text(_)
                | Content::ToolCall(_)
                | Content::Thinking(_)
                | Content::Refusal(_) => Ok(()),
            })
        }
        self.turns
            .iter()
            .try_for_each(|turn| check(turn.role, &turn.parts))
    }
}

/// `type/subtype`, and parameters behind it (RFC 9110, 8.3.1).
fn is_media_type(text: &str) -> bool {
    let is_token = |text: &str| {
        let is_sign = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte))
    };
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b',' || byte == b' ';
    essence
        .trim_end()
        .split_once('/')
        .is_some_and(|(kind, of_it)| is_token(kind) && is_token(of_it))
        && parameters.bytes().all(is_plain)
}

/// Where in the client's body something stands, so that a refusal can name it: counted from 0 in the
/// client's own list of messages (or contents, or input items) and the parts of that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct At {
    /// The message.
    pub message: u32,
    /// The part of it.
    pub part: u32,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The user, and what tools answered.
    User,
    /// The model.
    Assistant,
}

/// What one of both said in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn<'a> {
    /// Who.
    pub role: Role,
    /// What.
    pub parts: Vec<Part<'a>>,
}

/// A piece of what was said.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// What.
    pub content: Content<'a>,
    /// Where it stood. Not part of what it says.
    pub at: At,
}

impl PartialEq for Part<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl<'a> From<Content<'a>> for Part<'a> {
    fn from(content: Content<'a>) -> Self {
        Part {
            content,
            at: At::default(),
        }
    }
}

/// What a part holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content<'a> {
    /// Text.
    Text(Text<'a>),
    /// Something to look at, read or listen to.
    Media(Media<'a>),
    /// The model calls a tool.
    ToolCall(ToolCall<'a>),
    /// A tool's answer.
    ToolResult(ToolResult<'a>),
    /// The model thinks.
    Thinking(Thought<'a>),
    /// The model declines, in words of its own.
    Refusal(Text<'a>),
}

/// A file in a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Media<'a> {
    /// What kind.
    pub kind: MediaKind,
    /// Its type, such as `image/png`; unknown of some that are given by address.
    pub mime: Option<Text<'a>>,
    /// Where it is.
    pub source: Source<'a>,
    /// Its name or title.
    pub name: Option<Text<'a>>,
}

/// Kinds of files that dialects treat differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// Something to be read.
    Document,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq)]
pub enum Source<'a> {
    /// Here, in base64.
    Base64(Text<'a>),
    /// Here, as plain text.
    Plain(Text<'a>),
    /// At an address that the provider is to fetch.
    Url(Text<'a>),
    /// With one provider, under a name that means nothing to another.
    File(Text<'a>),
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall<'a> {
    /// Ties the result to it.
    pub id: Text<'a>,
    /// The tool.
    pub name: Text<'a>,
    /// A JSON object.
    pub arguments: Json<'a>,
    /// A provider's proof of what it thought when it made the call.
    pub signature: Option<Signature<'a>>,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult<'a> {
    /// The call it answers.
    pub id: Text<'a>,
    /// The tool; the name of the call where the dialect repeats no name.
    pub name: Option<Text<'a>>,
    /// Texts and files.
    pub parts: Vec<Part<'a>>,
    /// The tool failed.
    pub is_error: bool,
}

/// Thinking that is shown, hidden, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct Thought<'a> {
    /// What is shown of it; empty when nothing is.
    pub text: Text<'a>,
    /// The provider's proof of it, or the thought itself in sealed form.
    pub signature: Option<Signature<'a>>,
    /// Nothing is shown because the provider says it must not be.
    pub redacted: bool,
}

/// Opaque to all but who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Who can read it.
    pub maker: Maker,
    /// As it was made.
    pub value: Text<'a>,
}

/// Who made a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// Anthropic's models.
    Anthropic,
    /// OpenAI's.
    OpenAi,
    /// Google's.
    Gemini,
}

/// A tool that the client runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// What it is for.
    pub description: Option<Text<'a>>,
    /// The JSON schema of its arguments.
    pub parameters: Option<Json<'a>>,
    /// Whether the model is held to the schema.
    pub strict: Option<bool>,
}

/// What the model must do with its tools.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolChoice<'a> {
    /// As it likes.
    Auto,
    /// Call none.
    None,
    /// Call one.
    Any,
    /// Call this one.
    Named(Text<'a>),
}

/// How much to think.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thinking {
    /// How much.
    pub amount: Amount,
    /// Whether the client wants to see it; `None`: as is usual in its dialect.
    pub shown: Option<bool>,
}

/// Amounts of thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// None.
    Off,
    /// As the model sees fit.
    Adaptive,
    /// At most so many tokens.
    Tokens(u64),
    /// In words.
    Effort(Effort),
}

/// Effort in words, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Hardly any.
    Minimal,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// More than that.
    XHigh,
    /// All there is.
    Max,
}

impl Effort {
    /// About as many tokens: as Google documents them for its compatibility with OpenAI's API, and above
    /// that up to what models take.
    pub const fn tokens(self) -> u64 {
        match self {
            Effort::Minimal | Effort::Low => 1_024,
            Effort::Medium => 8_192,
            Effort::High => 24_576,
            Effort::XHigh | Effort::Max => 32_768,
        }
    }

    /// The least effort that allows so many tokens.
    pub const fn of_tokens(tokens: u64) -> Effort {
        match tokens {
            0..=1_024 => Effort::Low,
            1_025..=8_192 => Effort::Medium,
            _ => Effort::High,
        }
    }
}

/// The form of an answer that is not free text.
#[derive(Debug, Clone, PartialEq)]
pub enum Format<'a> {
    /// Any JSON object.
    Json,
    /// JSON that a schema allows.
    Schema {
        /// What the schema is called.
        name: Option<Text<'a>>,
        /// What it is for.
        description: Option<Text<'a>>,
        /// The schema.
        schema: Json<'a>,
        /// Whether the model is held to it.
        strict: Option<bool>,
    },
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<'a> {
    /// The provider's name for it.
    pub id: Option<Text<'a>>,
    /// The model that answered.
    pub model: Option<Text<'a>>,
    /// What it said.
    pub parts: Vec<Part<'a>>,
    /// Why it stopped.
    pub stop: Stop<'a>,
    /// What it cost.
    pub tokens: Tokens,
}

/// Why an answer is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop<'a> {
    /// All was said.
    End,
    /// It was long enough.
    MaxTokens,
    /// It said one of the texts that end it.
    Sequence(Option<Text<'a>>),
    /// It waits for its tools.
    ToolUse,
    /// It must not be said: the provider's word for why.
    Refused(Option<Text<'a>>),
}

/// What an answer cost, each token counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Read, and neither from nor into a cache.
    pub input: u64,
    /// Read from a cache.
    pub cache_read: u64,
    /// Read, and put into a cache.
    pub cache_write: u64,
    /// Written, thinking included.
    pub output: u64,
    /// Of these, thought.
    pub thinking: u64,
}

impl Tokens {
    /// All that were read.
    pub const fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
    }
}

/// A step of an answer that is streamed. Parts come one after the other: each is opened, grows and is closed
/// before the next.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta<'a> {
    /// The answer begins. Comes first, and once.
    Begin {
        /// The provider's name for it.
        id: Option<Text<'a>>,
        /// The model.
        model: Option<Text<'a>>,
        /// What is known of its cost.
        tokens: Tokens,
    },
    /// A part begins.
    Open(Opening<'a>),
    /// The open part goes on: text, thought, or a piece of the arguments' JSON.
    More(Text<'a>),
    /// The proof of the open part, a thought or a call of a tool. That of a call comes directly after its
    /// opening: some dialects say it before the call.
    Signed(Signature<'a>),
    /// The open part is whole.
    Close,
    /// The answer is whole. Comes last.
    End {
        /// Why it is over.
        stop: Stop<'a>,
        /// What it cost, all in all.
        tokens: Tokens,
    },
}

/// The beginning of a part.
#[derive(Debug, Clone, PartialEq)]
pub enum Opening<'a> {
    /// Text.
    Text,
    /// The model thinks.
    Thinking {
        /// Nothing is shown of it; its signature is all there is.
        redacted: bool,
    },
    /// The model calls a tool.
    ToolCall {
        /// Ties the result to it.
        id: Text<'a>,
        /// The tool.
        name: Text<'a>,
    },
    /// The model declines.
    Refusal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_model_says_and_what_only_the_user_says_is_refused_of_the_other() {
        let call = || {
            Content::ToolCall(ToolCall {
                id: "c".into(),
                name: "f".into(),
                arguments: Json::parse("{}".to_owned()).unwrap_or_else(|_| unreachable!()),
                signature: None,
            })
        };
        let of = |role| {
            let mut prompt = Prompt::default();
            prompt.turns.push(Turn {
                role,
                parts: vec![call().into()],
            });
            prompt.check()
        };
        assert!(of(Role::Assistant).is_ok());
        assert!(of(Role::User).is_err());
    }

    #[test]
    fn a_file_whose_type_is_none_is_refused_by_its_place() {
        let of = |mime: &'static str| {
            let media = Media {
                kind: MediaKind::Document,
                mime: Some(mime.into()),
                source: Source::Base64("AA==".into()),
                name: None,
            };
            let mut prompt = Prompt::default();
            prompt.turns.push(Turn {
                role: Role::User,
                parts: vec![Content::Media(media).into()],
            });
            prompt.check()
        };
        for mime in [
            "image/png",
            "application/vnd.x+json",
            "text/plain; charset=utf-8",
        ] {
            assert!(of(mime).is_ok(), "{mime}");
        }
        for mime in [
            "",
            "png",
            "image/",
            "a b/c",
            "Wind: four, from the west.",
            "text/plain;a,b",
        ] {
            assert!(of(mime).is_err(), "{mime}");
        }
    }
}
