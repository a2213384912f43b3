//! What the gateway must know of a request body: the model, whether a stream is wanted, and what ties
//! it to earlier requests.
//!
//! Promises: builds no tree, and says of a bad body which field is wrong and where. Everything it
//! accepts is whole JSON in UTF-8, and everything a full parser reads it accepts; a lone surrogate or a
//! number too large for a float is left for the provider to judge.
//!
//! Must not know: whether the model exists, or who serves it.

use std::{borrow::Cow, ops::Range};

use serde_json::value::RawValue;
use waybill_model::protocol::Endpoint;
pub use waybill_model::waybill::{Sticky, StickySource};

use scan::{Fault, Scanner};
use sticky::{Opening, Wording};

mod scan;
mod sticky;

pub use sticky::{SESSION_HEADERS, sticky};

/// What was read from a body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peek {
    /// The model named in the body; `None` where the endpoint has it in the path.
    pub model: Option<String>,
    /// The byte span of the model's JSON string in the body, quotes included.
    pub model_span: Option<Range<usize>>,
    /// Whether the body asks for a stream.
    pub stream: bool,
    /// What ties this request to earlier ones: `metadata.user_id`, `session_id` or `prompt_cache_key`,
    /// the first of these that is a string and not blank; else how a conversation of several turns begins.
    pub sticky: Option<Sticky>,
}

/// Why a body cannot be used: the caller's to correct (400).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PeekError {
    /// The field that is wrong, when it is one.
    pub field: Option<&'static str>,
    /// One sentence that can be shown to the client: names the field and the place.
    pub message: String,
    /// Where in the body, in bytes from its start.
    pub offset: usize,
    /// The line of `offset`, from 1.
    pub line: usize,
    /// The column of `offset` in its line, in bytes from 1.
    pub column: usize,
}

/// Reads a request body. Its cost is that of two quick scans (UTF-8 and JSON), well under a millisecond
/// for a mebibyte, and it allocates only what it returns.
pub fn peek(endpoint: Endpoint, body: &[u8]) -> Result<Peek, PeekError> {
    let text = std::str::from_utf8(body).map_err(|e| {
        PeekError::at(
            body,
            e.valid_up_to(),
            None,
            "the request body is not valid UTF-8",
        )
    })?;
    match text.trim_ascii_start().as_bytes().first() {
        None => {
            return Err(PeekError::at(
                body,
                0,
                None,
                "the request body is empty; a JSON object was expected",
            ));
        }
        Some(b'{') => {}
        Some(_) => {
            let offset = text.len() - text.trim_ascii_start().len();
            return Err(PeekError::at(
                body,
                offset,
                None,
                "the request body must be a JSON object",
            ));
        }
    }
    let mut fields = Fields {
        wording: sticky::wording(endpoint, body.len()),
        ..Fields::default()
    };
    Scanner::new(text)
        .object(|scanner, key| fields.member(text, key, scanner))
        .map_err(|fault| {
            let what = format!("the request body is not valid JSON: {}", fault.what);
            PeekError::at(body, fault.offset, None, &what)
        })?;
    fields.into_peek(body, model_place(endpoint))
}

/// Where an endpoint's requests name their model.
#[derive(PartialEq, Eq, Clone, Copy)]
enum ModelPlace {
    Body,
    Elsewhere,
}

const fn model_place(endpoint: Endpoint) -> ModelPlace {
    match endpoint {
        Endpoint::Messages
        | Endpoint::CountTokens
        | Endpoint::ChatCompletions
        | Endpoint::Responses
        | Endpoint::Embeddings => ModelPlace::Body,
        Endpoint::GenerateContent
        | Endpoint::StreamGenerateContent
        | Endpoint::GeminiCountTokens
        | Endpoint::EmbedContent
        | Endpoint::Models => ModelPlace::Elsewhere,
    }
}

/// A member's value as it stands in the body.
#[derive(Clone, Copy)]
struct Raw<'a> {
    json: &'a str,
    start: usize,
}

/// The members of the top-level object that matter.
#[derive(Default)]
struct Fields<'a> {
    model: Option<Raw<'a>>,
    stream: Option<Raw<'a>>,
    metadata: Option<Raw<'a>>,
    session_id: Option<Raw<'a>>,
    prompt_cache_key: Option<Raw<'a>>,
    repeated: Option<(&'static str, usize)>,
    wording: Option<&'static Wording>,
    opening: Opening<'a>,
}

impl<'a> Fields<'a> {
    /// Takes the value of one member from the scanner.
    fn member(
        &mut self,
        text: &'a str,
        key: Range<usize>,
        scanner: &mut Scanner<'_>,
    ) -> Result<(), Fault> {
        let quoted = &text[key];
        let key = match memchr::memchr(b'\\', quoted.as_bytes()) {
            None => Cow::Borrowed(&quoted[1..quoted.len() - 1]),
            Some(_) => Cow::Owned(serde_json::from_str(quoted).unwrap_or_default()),
        };
        let part = self
            .wording
            .and_then(|wording| self.opening.member(wording, &key, text, scanner));
        let value = part.unwrap_or_else(|| scanner.value())?;
        let (name, slot) = match &*key {
            "model" => ("model", &mut self.model),
            "stream" => ("stream", &mut self.stream),
            "metadata" => ("metadata", &mut self.metadata),
            "session_id" => ("session_id", &mut self.session_id),
            "prompt_cache_key" => ("prompt_cache_key", &mut self.prompt_cache_key),
            _ => return Ok(()),
        };
        let start = value.start;
        let earlier = slot.replace(Raw {
            json: &text[value],
            start,
        });
        if earlier.is_some() && matches!(name, "model" | "stream") {
            self.repeated = Some((name, start));
        }
        Ok(())
    }

    fn into_peek(self, body: &[u8], place: ModelPlace) -> Result<Peek, PeekError> {
        if place == ModelPlace::Elsewhere {
            // The path says model and stream; a body member of that name is the provider's to judge.
            return Ok(Peek {
                sticky: self.sticky(),
                ..Peek::default()
            });
        }
        let refuse =
            |field, offset, what: &str| Err(PeekError::at(body, offset, Some(field), what));
        if let Some((name, start)) = self.repeated {
            // Which of two wins depends on the parser: the provider could serve another than we chose.
            return refuse(
                name,
                start,
                &format!("`{name}` appears twice in the request body"),
            );
        }
        let Some(raw) = self.model else {
            return refuse("model", 0, "`model` is missing from the request body");
        };
        let span = raw.start..raw.start + raw.json.len();
        let model = match serde_json::from_str::<String>(raw.json) {
            Ok(model) if !model.trim().is_empty() => model,
            Ok(_) => return refuse("model", raw.start, "`model` must not be empty"),
            Err(_) if raw.kind() == "a string" => {
                return refuse("model", raw.start, "`model` holds half of a surrogate pair");
            }
            Err(_) => {
                let what = format!("`model` must be a string, not {}", raw.kind());
                return refuse("model", raw.start, &what);
            }
        };
        let stream = match self.stream.map(|raw| (raw.json, raw)) {
            Some(("true", _)) => true,
            None | Some(("false" | "null", _)) => false,
            Some((_, raw)) => {
                let what = format!("`stream` must be true or false, not {}", raw.kind());
                return refuse("stream", raw.start, &what);
            }
        };
        Ok(Peek {
            sticky: self.sticky(),
            model: Some(model),
            model_span: Some(span),
            stream,
        })
    }

    fn sticky(&self) -> Option<Sticky> {
        #[derive(serde::Deserialize)]
        struct Metadata<'a> {
            #[serde(borrow)]
            user_id: Option<&'a RawValue>,
        }
        let metadata = self
            .metadata
            .and_then(|raw| serde_json::from_str::<Metadata<'_>>(raw.json).ok());
        let user_id = metadata
            .and_then(|metadata| metadata.user_id)
            .map(RawValue::get);
        [
            user_id,
            self.session_id.map(|raw| raw.json),
            self.prompt_cache_key.map(|raw| raw.json),
        ]
        .into_iter()
        .flatten()
        .find_map(|json| sticky::session(&serde_json::from_str::<String>(json).ok()?))
        .or_else(|| self.opening.key())
    }
}

impl Raw<'_> {
    fn kind(self) -> &'static str {
        match self.json.as_bytes().first() {
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b't' | b'f') => "true or false",
            Some(b'n') => "null",
            _ => "a number",
        }
    }
}

impl PeekError {
    fn at(body: &[u8], offset: usize, field: Option<&'static str>, what: &str) -> PeekError {
        let before = &body[..offset.min(body.len())];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |at| at + 1) + 1;
        let message = format!("{what} (byte {offset}, line {line}, column {column})");
        PeekError {
            field,
            message,
            offset,
            line,
            column,
        }
    }
}

#[cfg(test)]
mod tests;
