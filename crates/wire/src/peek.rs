//! What the gateway must know of a request body: the model, whether a stream is wanted, and what ties
//! it to earlier requests.
//!
//! Promises: builds no tree, and says of a bad body which field is wrong and where. Everything it
//! accepts is whole JSON in UTF-8, and everything a full parser reads it accepts; a lone surrogate or a
//! number too large for a float is left for the provider to judge.
//!
//! Must not know: whether the model exists, or who serves it.

use std::{borrow::Cow, fmt, ops::Range};

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use waybill_model::protocol::Endpoint;

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
    /// the first of these that is a non-empty string.
    pub sticky: Option<String>,
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

/// Arrays and objects inside each other. A full parser reads as many, so no later reader of the body
/// meets one that it cannot.
const MAX_NESTING: usize = 127;

/// Reads a request body. Its cost is that of three quick scans (UTF-8, JSON, nesting), under a
/// millisecond for a mebibyte, and it allocates only what it returns.
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
    let mut fields = Fields::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    reader
        .deserialize_map(Members(&mut fields))
        .and_then(|()| reader.end())
        .map_err(|e| PeekError::from_json(body, &e))?;
    if let Some(offset) = first_beyond(MAX_NESTING, body) {
        let what =
            format!("the request body nests arrays and objects more than {MAX_NESTING} deep");
        return Err(PeekError::at(body, offset, None, &what));
    }
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

/// The members of the top-level object that matter, as they stand in the body.
#[derive(Default)]
struct Fields<'a> {
    model: Option<&'a RawValue>,
    stream: Option<&'a RawValue>,
    metadata: Option<&'a RawValue>,
    session_id: Option<&'a RawValue>,
    prompt_cache_key: Option<&'a RawValue>,
    repeated: Option<(&'static str, &'a RawValue)>,
}

impl<'a> Fields<'a> {
    fn slot(&mut self, key: &str) -> Option<(&'static str, &mut Option<&'a RawValue>)> {
        Some(match key {
            "model" => ("model", &mut self.model),
            "stream" => ("stream", &mut self.stream),
            "metadata" => ("metadata", &mut self.metadata),
            "session_id" => ("session_id", &mut self.session_id),
            "prompt_cache_key" => ("prompt_cache_key", &mut self.prompt_cache_key),
            _ => return None,
        })
    }

    fn into_peek(self, body: &[u8], place: ModelPlace) -> Result<Peek, PeekError> {
        if place == ModelPlace::Elsewhere {
            // The path says model and stream; a body member of that name is the provider's to judge.
            return Ok(Peek {
                sticky: self.sticky(),
                ..Peek::default()
            });
        }
        if let Some((name, raw)) = self.repeated {
            // Which of two wins depends on the parser: the provider could serve another than we chose.
            let message = format!("`{name}` appears twice in the request body");
            return Err(PeekError::at(
                body,
                span_of(body, raw).start,
                Some(name),
                &message,
            ));
        }
        let Some(raw) = self.model else {
            return Err(PeekError::at(
                body,
                0,
                Some("model"),
                "`model` is missing from the request body",
            ));
        };
        let span = span_of(body, raw);
        let model: String = serde_json::from_str(raw.get()).map_err(|_| {
            let message = format!("`model` must be a string, not {}", kind_of(raw));
            PeekError::at(body, span.start, Some("model"), &message)
        })?;
        if model.trim().is_empty() {
            return Err(PeekError::at(
                body,
                span.start,
                Some("model"),
                "`model` must not be empty",
            ));
        }
        let stream = match self.stream.map(RawValue::get) {
            Some("true") => true,
            None | Some("false" | "null") => false,
            Some(_) => {
                let raw = self.stream.unwrap_or(raw);
                let message = format!("`stream` must be true or false, not {}", kind_of(raw));
                return Err(PeekError::at(
                    body,
                    span_of(body, raw).start,
                    Some("stream"),
                    &message,
                ));
            }
        };
        Ok(Peek {
            sticky: self.sticky(),
            model: Some(model),
            model_span: Some(span),
            stream,
        })
    }

    fn sticky(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Metadata<'a> {
            #[serde(borrow)]
            user_id: Option<&'a RawValue>,
        }
        let user_id = self.metadata.and_then(|raw| {
            serde_json::from_str::<Metadata<'_>>(raw.get())
                .ok()?
                .user_id
        });
        [user_id, self.session_id, self.prompt_cache_key]
            .into_iter()
            .flatten()
            .find_map(|raw| {
                serde_json::from_str::<String>(raw.get())
                    .ok()
                    .filter(|s| !s.is_empty())
            })
    }
}

/// Walks the top-level object, keeping what matters and skipping the rest.
struct Members<'f, 'a>(&'f mut Fields<'a>);

impl<'de> Visitor<'de> for Members<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let Some((name, slot)) = self.0.slot(&key.0) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let first = slot.is_none();
            let value = map.next_value::<&RawValue>()?;
            *slot = Some(value);
            if !first && matches!(name, "model" | "stream") {
                self.0.repeated = Some((name, value));
            }
        }
        Ok(())
    }
}

/// A member's name, borrowed unless it is escaped.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

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

    fn from_json(body: &[u8], error: &serde_json::Error) -> PeekError {
        // The parser counts lines from 1 and columns as bytes read in the line.
        let line_start = match error.line() {
            0 | 1 => 0,
            line => memchr::memchr_iter(b'\n', body)
                .nth(line - 2)
                .map_or(0, |at| at + 1),
        };
        let offset = match error.is_eof() {
            true => body.len(),
            false => (line_start + error.column().saturating_sub(1)).min(body.len()),
        };
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default();
        PeekError::at(
            body,
            offset,
            None,
            &format!("the request body is not valid JSON: {said}"),
        )
    }
}

/// Where valid JSON first nests deeper than `limit`.
fn first_beyond(limit: usize, json: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => at = string_end(json, at),
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return Some(at);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The closing quote of the string that opens at `open`.
fn string_end(json: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(found) = json
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        at += found;
        if json[at] == b'"' {
            return at;
        }
        at += 2;
    }
    json.len()
}

/// Where a borrowed part of the body stands in it.
fn span_of(body: &[u8], raw: &RawValue) -> Range<usize> {
    let start = (raw.get().as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    start..start + raw.get().len()
}

fn kind_of(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests;
