//! Which language an account is spoken to in, and everything that crosses over: requests, whole answers,
//! counts of tokens.

use std::borrow::Cow;

use waybill_model::protocol::{Endpoint, OpenAiApi, Platform, Protocol, StreamFormat};

use crate::{endpoint::stays_in_place, splice::splice_path};

use super::{
    Context, Crossing, Dialect, Target, Unreadable, UnreadableKind, Untranslatable, chat,
    codeassist, gemini, messages, models, responses,
    talk::{Answer, Prompt},
    unsigned::{Stage, unsigned},
};
/// The longest answer for providers that demand a limit, where the client gave none: what every model of
/// Anthropic's that is offered today can give.
const MAX_TOKENS: u64 = 32_000;

/// What is asked of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// An answer.
    Answer,
    /// How many tokens a prompt has.
    Count,
    /// Which models there are.
    Models,
}

/// The way from a client's language to a provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bridge {
    client: Dialect,
    provider: Dialect,
    /// Requests and answers lie in Code Assist's envelope.
    wrapped: bool,
    asks: Asks,
}

/// How an endpoint is served by an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In the client's own language: bytes pass as they are.
    Direct,
    /// Translated.
    Over(Bridge),
    /// Not at all: the provider has no counterpart to it.
    Closed,
}

/// How an endpoint is served by accounts of a platform; `apis`: which of OpenAI's an OpenAI account speaks.
pub fn way(protocol: Protocol, endpoint: Endpoint, platform: Platform, apis: &[OpenAiApi]) -> Way {
    let (client, asks) = match endpoint {
        Endpoint::Messages => (Dialect::Messages, Asks::Answer),
        Endpoint::CountTokens => (Dialect::Messages, Asks::Count),
        Endpoint::ChatCompletions => (Dialect::Chat, Asks::Answer),
        Endpoint::Responses => (Dialect::Responses, Asks::Answer),
        Endpoint::GenerateContent | Endpoint::StreamGenerateContent => {
            (Dialect::Gemini, Asks::Answer)
        }
        Endpoint::GeminiCountTokens => (Dialect::Gemini, Asks::Count),
        Endpoint::Models if platform == Platform::Antigravity => (own(protocol), Asks::Models),
        Endpoint::Models if protocol.native_platform() == platform => return Way::Direct,
        Endpoint::Embeddings if platform == Platform::OpenAi => return Way::Direct,
        Endpoint::EmbedContent if platform == Platform::Gemini => return Way::Direct,
        Endpoint::Embeddings | Endpoint::EmbedContent | Endpoint::Models => {
            return Way::Closed;
        }
    };
    let speaks = |api| apis.is_empty() || apis.contains(&api);
    let (provider, wrapped) = match platform {
        Platform::Anthropic => (Dialect::Messages, false),
        Platform::Gemini => (Dialect::Gemini, false),
        Platform::Antigravity => (Dialect::Gemini, true),
        Platform::OpenAi => {
            // What it is asked in, if it speaks that; else the newer one, which carries more.
            let chat = match client {
                Dialect::Chat => speaks(OpenAiApi::ChatCompletions),
                Dialect::Messages | Dialect::Responses | Dialect::Gemini => {
                    !speaks(OpenAiApi::Responses)
                }
            };
            match chat {
                true => (Dialect::Chat, false),
                false => (Dialect::Responses, false),
            }
        }
    };
    if client == provider && !wrapped {
        return Way::Direct;
    }
    if asks == Asks::Count && !matches!(provider, Dialect::Messages | Dialect::Gemini) {
        return Way::Closed;
    }
    Way::Over(Bridge {
        client,
        provider,
        wrapped,
        asks,
    })
}

/// The language of a protocol's clients, where only the shape of a list depends on it.
const fn own(protocol: Protocol) -> Dialect {
    match protocol {
        Protocol::Anthropic => Dialect::Messages,
        Protocol::OpenAi => Dialect::Chat,
        Protocol::Gemini => Dialect::Gemini,
    }
}

/// The language in which a request that passes as it is is written.
pub fn dialect_of(endpoint: Endpoint) -> Option<Dialect> {
    match endpoint {
        Endpoint::Messages => Some(Dialect::Messages),
        Endpoint::ChatCompletions => Some(Dialect::Chat),
        Endpoint::Responses => Some(Dialect::Responses),
        Endpoint::GenerateContent | Endpoint::StreamGenerateContent => Some(Dialect::Gemini),
        Endpoint::CountTokens
        | Endpoint::GeminiCountTokens
        | Endpoint::Embeddings
        | Endpoint::EmbedContent
        | Endpoint::Models => None,
    }
}

/// What a request needs besides the client's body.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The model as the provider names it.
    pub model: &'a str,
    /// The Google Cloud project of a Code Assist account.
    pub project: Option<&'a str>,
    /// The answer is to be streamed.
    pub stream: bool,
    /// Without the signatures that were refused.
    pub stage: Stage,
}

/// A request as the provider gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Path and query.
    pub path: Cow<'static, str>,
    /// The body.
    pub body: Vec<u8>,
    /// The client wants to be told at the end of a stream what it cost, where its protocol leaves that open.
    pub stream_usage: bool,
}

/// Why a request cannot cross, for the client: it names the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub String);

impl Bridge {
    /// Whether it asks with a body what the client asks without one.
    pub fn is_asked_with_body(&self) -> bool {
        self.asks == Asks::Models
    }

    /// Whether a request over it names the project that its account works in.
    pub fn needs_project(&self) -> bool {
        self.wrapped && self.asks != Asks::Count
    }

    /// Whose language the provider speaks.
    pub const fn provider(&self) -> Dialect {
        self.provider
    }

    /// Translates a request.
    ///
    /// # Errors
    /// What the provider's language cannot say, by the client's name for it.
    pub fn request(&self, body: &str, ask: Ask<'_>) -> Result<Written, Refused> {
        let spelled = |no: Untranslatable| self.refused(&no);
        if self.provider == Dialect::Gemini
            && self.asks != Asks::Models
            && !stays_in_place(bare(ask.model))
        {
            return Err(Refused("`model` is not the name of a model".to_owned()));
        }
        let mut stream_usage = false;
        let mut written = match (self.client, self.asks) {
            (_, Asks::Models) => {
                codeassist::fetch_available_models_request(ask.project.unwrap_or_default())
            }
            // In its envelope, but in its own language.
            (client, _) if client == self.provider => body.as_bytes().to_vec(),
            (Dialect::Messages, Asks::Count) => {
                let prompt = messages::count::read_request(body).map_err(spelled)?;
                self.write(&prompt, ask).map_err(spelled)?
            }
            (Dialect::Gemini, Asks::Count) => {
                let prompt = gemini::count::read_request(body).map_err(spelled)?;
                self.write(&prompt, ask).map_err(spelled)?
            }
            (client, _) => {
                let mut prompt = read_prompt(client, body).map_err(spelled)?;
                prompt.stream |= ask.stream;
                stream_usage = prompt.stream_usage;
                self.write(&prompt, ask).map_err(spelled)?
            }
        };
        if ask.stage != Stage::AsSent
            && let Ok(text) = std::str::from_utf8(&written)
            && let Some(changed) = unsigned(self.provider, text, ask.stage)
        {
            written = changed.into_bytes();
        }
        if self.wrapped {
            written = match self.asks {
                Asks::Answer => {
                    codeassist::wrap(&written, ask.project.unwrap_or_default(), ask.model)
                }
                Asks::Count => codeassist::wrap_count(&written, ask.model),
                Asks::Models => Ok(written),
            }
            .map_err(spelled)?;
        }
        Ok(Written {
            path: self.path(ask),
            body: written,
            stream_usage,
        })
    }

    fn write(&self, prompt: &Prompt<'_>, ask: Ask<'_>) -> Result<Vec<u8>, Untranslatable> {
        let target = Target {
            model: ask.model,
            max_tokens: MAX_TOKENS,
        };
        prompt.check()?;
        match (self.provider, self.asks) {
            (Dialect::Messages, Asks::Count) => messages::count::write_request(prompt, target),
            (Dialect::Messages, _) => messages::write_prompt(prompt, target),
            (Dialect::Gemini, Asks::Count) => gemini::count::write_request(prompt, target),
            (Dialect::Gemini, _) => gemini::write_prompt(prompt, target),
            (Dialect::Chat, _) => chat::write_prompt(prompt, target),
            (Dialect::Responses, _) => responses::write_prompt(prompt, target),
        }
    }

    fn path(&self, ask: Ask<'_>) -> Cow<'static, str> {
        let verb = match (self.asks, ask.stream) {
            (Asks::Count, _) => "countTokens",
            (Asks::Models, _) => "fetchAvailableModels",
            (Asks::Answer, true) => "streamGenerateContent?alt=sse",
            (Asks::Answer, false) => "generateContent",
        };
        match (self.provider, self.asks) {
            (Dialect::Messages, Asks::Count) => "/v1/messages/count_tokens".into(),
            (Dialect::Messages, _) => "/v1/messages".into(),
            (Dialect::Chat, _) => "/v1/chat/completions".into(),
            (Dialect::Responses, _) => "/v1/responses".into(),
            (Dialect::Gemini, _) if self.wrapped => format!("/v1internal:{verb}").into(),
            (Dialect::Gemini, _) => {
                let model = splice_path("", &(0..0), bare(ask.model));
                format!("/v1beta/models/{model}:{verb}").into()
            }
        }
    }

    fn refused(&self, no: &Untranslatable) -> Refused {
        let name = spell(self.client, no);
        Refused(match name.is_empty() {
            true => format!("the request {}", no.why),
            false => format!("`{name}` {}", no.why),
        })
    }

    /// Translates a whole answer.
    ///
    /// # Errors
    /// What the provider sent is no answer.
    pub fn answer(&self, body: &str, context: &Context) -> Result<Vec<u8>, Unreadable> {
        if self.asks == Asks::Models {
            let models = codeassist::models_of(body)?;
            let wanted = bare(&context.model);
            return models::write(self.client, &models, wanted).ok_or_else(|| Unreadable {
                why: format!("the provider has no model `{wanted}`").into(),
                kind: UnreadableKind::NoSuchModel,
            });
        }
        // Counting has no envelope on the way back.
        let body = match (self.wrapped, self.asks) {
            (true, Asks::Answer) => codeassist::unwrap(body)?,
            _ => body,
        };
        if self.client == self.provider {
            return Ok(body.as_bytes().to_vec());
        }
        if self.asks == Asks::Count {
            let tokens = match self.provider {
                Dialect::Messages => messages::count::read_answer(body)?,
                Dialect::Gemini | Dialect::Chat | Dialect::Responses => {
                    gemini::count::read_answer(body)?
                }
            };
            return Ok(match self.client {
                Dialect::Messages => messages::count::write_answer(tokens),
                Dialect::Gemini | Dialect::Chat | Dialect::Responses => {
                    gemini::count::write_answer(tokens)
                }
            });
        }
        let answer = read_answer(self.provider, body)?;
        Ok(write_answer(self.client, &answer, context))
    }

    /// How the provider frames a streamed answer.
    pub const fn provider_format(&self) -> StreamFormat {
        match self.provider {
            Dialect::Messages => StreamFormat::AnthropicSse,
            Dialect::Chat => StreamFormat::ChatSse,
            Dialect::Responses => StreamFormat::ResponsesSse,
            Dialect::Gemini => StreamFormat::GeminiSse,
        }
    }

    /// Translates a streamed answer, for a client that reads `format`.
    pub fn crossing(&self, format: StreamFormat, context: Context) -> Crossing {
        Crossing::new(self.client, self.provider, self.wrapped, format, context)
    }
}

/// A model's name as a path takes it.
fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

fn read_prompt(dialect: Dialect, body: &str) -> Result<Prompt<'_>, Untranslatable> {
    match dialect {
        Dialect::Messages => messages::read_prompt(body),
        Dialect::Chat => chat::read_prompt(body),
        Dialect::Responses => responses::read_prompt(body),
        Dialect::Gemini => gemini::read_prompt(body),
    }
}

fn spell(dialect: Dialect, no: &Untranslatable) -> String {
    match dialect {
        Dialect::Messages => messages::spell(&no.what),
        Dialect::Chat => chat::spell(&no.what),
        Dialect::Responses => responses::spell(&no.what),
        Dialect::Gemini => gemini::spell(&no.what),
    }
}

fn read_answer(dialect: Dialect, body: &str) -> Result<Answer<'_>, Unreadable> {
    match dialect {
        Dialect::Messages => messages::read_answer(body),
        Dialect::Chat => chat::read_answer(body),
        Dialect::Responses => responses::read_answer(body),
        Dialect::Gemini => gemini::read_answer(body),
    }
}

fn write_answer(dialect: Dialect, answer: &Answer<'_>, context: &Context) -> Vec<u8> {
    match dialect {
        Dialect::Messages => messages::write_answer(answer, context),
        Dialect::Chat => chat::write_answer(answer, context),
        Dialect::Responses => responses::write_answer(answer, context),
        Dialect::Gemini => gemini::write_answer(answer, context),
    }
}
