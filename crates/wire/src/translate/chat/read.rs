//! Reads a Chat request.
//!
//! Promises: every field is either carried, neutral (as the API behaves without it), in the table of what
//! is left out, or refused by its name.
//!
//! Must not know: who will answer.

use serde::Deserialize;
use serde_path_to_error::Segment;

use super::{
    media,
    names::{self, count},
    request::{self, Either, Request},
};
use crate::translate::{
    Untranslatable,
    talk::{
        Amount, At, Content, Effort, Format, Maker, Media, MediaKind, Part, Prompt, Role,
        Signature, Source, Thinking, Thought, Tool, ToolCall, ToolChoice, ToolResult, Turn,
    },
    text::{Json, Text},
};

/// Efforts, in the API's words.
pub(super) const EFFORTS: &[(&str, Amount)] = &[
    ("none", Amount::Off),
    ("minimal", Amount::Effort(Effort::Minimal)),
    ("low", Amount::Effort(Effort::Low)),
    ("medium", Amount::Effort(Effort::Medium)),
    ("high", Amount::Effort(Effort::High)),
    ("xhigh", Amount::Effort(Effort::XHigh)),
    ("max", Amount::Effort(Effort::Max)),
];

type Read<T> = Result<T, Untranslatable>;

/// Reads the body of a request.
///
/// # Errors
/// What no other dialect can be told, by its name in the body; or what is wrong with the body.
pub fn read_prompt(body: &str) -> Result<Prompt<'_>, Untranslatable> {
    let request: Request<'_> = serde_json::from_str(body).map_err(|_| misread(body))?;
    only_neutral(&request)?;
    let max_tokens = longest(&request)?;
    let format = format(request.response_format)?;
    let thinking = thinking(request.reasoning_effort)?;
    let tools = tools(request.tools.unwrap_or_default())?;
    let tool_choice = request.tool_choice.map(tool_choice).transpose()?;
    let mut prompt = Prompt {
        system: Vec::new(),
        turns: Vec::new(),
        tools,
        tool_choice,
        parallel_tool_calls: request.parallel_tool_calls,
        max_tokens,
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: None,
        seed: request.seed,
        presence_penalty: request.presence_penalty,
        frequency_penalty: request.frequency_penalty,
        stop: match request.stop {
            None => Vec::new(),
            Some(Either::Word(text)) => vec![text],
            Some(Either::Full(texts)) => texts,
        },
        thinking,
        format,
        user: request.safety_identifier.or(request.user),
        stream: request.stream.unwrap_or(false),
        stream_usage: request
            .stream_options
            .and_then(|options| options.include_usage)
            .unwrap_or(false),
    };
    for (index, message) in request.messages.into_iter().enumerate() {
        Speaker {
            prompt: &mut prompt,
            index,
        }
        .message(message)?;
    }
    Ok(prompt)
}

/// Says where a body is not what it should be.
fn misread(body: &str) -> Untranslatable {
    let mut json = serde_json::Deserializer::from_str(body);
    let error = match serde_path_to_error::deserialize::<_, Request<'_>>(&mut json) {
        Err(error) => error,
        // What follows the body, then.
        Ok(_) => return Untranslatable::named("", "is followed by something that is not JSON"),
    };
    let mut name = String::new();
    for segment in error.path() {
        let piece = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&piece);
    }
    let inner = error.inner().to_string();
    let why = match inner.starts_with("unknown field") {
        true => "is not a field that Waybill knows of Chat Completions".to_owned(),
        false => format!("cannot be read: {inner}"),
    };
    Untranslatable::named(name, why)
}

/// Refuses what asks for more than any other dialect can do.
fn only_neutral(request: &Request<'_>) -> Read<()> {
    const NOT_HERE: &str = "asks for something that only OpenAI's own API does";
    const LEGACY: &str = "is deprecated: tools are what is carried over";
    let neutral =
        |text: &Option<Text<'_>>, word: &str| text.as_ref().is_none_or(|text| *text == *word);
    let rows = [
        ("n", request.n.is_none_or(|n| n == 1), NOT_HERE),
        ("logprobs", request.logprobs != Some(true), NOT_HERE),
        (
            "top_logprobs",
            request.top_logprobs.unwrap_or(0) == 0,
            NOT_HERE,
        ),
        (
            "logit_bias",
            request.logit_bias.as_ref().is_none_or(is_empty),
            NOT_HERE,
        ),
        (
            "modalities",
            request
                .modalities
                .iter()
                .flatten()
                .all(|one| **one == *"text"),
            "asks for something other than text",
        ),
        ("verbosity", neutral(&request.verbosity, "medium"), NOT_HERE),
        ("audio", request.audio.is_none(), NOT_HERE),
        ("prediction", request.prediction.is_none(), NOT_HERE),
        (
            "web_search_options",
            request.web_search_options.is_none(),
            NOT_HERE,
        ),
        ("moderation", request.moderation.is_none(), NOT_HERE),
        ("functions", request.functions.is_none(), LEGACY),
        ("function_call", request.function_call.is_none(), LEGACY),
    ];
    match rows.into_iter().find(|(_, neutral, _)| !neutral) {
        Some((name, _, why)) => Err(Untranslatable::named(name, why)),
        None => Ok(()),
    }
}

/// Whether JSON is an object without members.
fn is_empty(json: &Json<'_>) -> bool {
    let inner = json.get().strip_prefix('{');
    inner.is_some_and(|inner| inner.trim_ascii_start() == "}")
}

/// The limit goes by two names.
fn longest(request: &Request<'_>) -> Read<Option<u64>> {
    match (request.max_tokens, request.max_completion_tokens) {
        (Some(old), Some(new)) if old != new => Err(Untranslatable::named(
            "max_tokens",
            "contradicts max_completion_tokens",
        )),
        (old, new) => Ok(new.or(old)),
    }
}

fn format(format: Option<request::Format<'_>>) -> Read<Option<Format<'_>>> {
    let Some(request::Format {
        r#type,
        json_schema,
    }) = format
    else {
        return Ok(None);
    };
    match (&*r#type, json_schema) {
        ("text", None) => Ok(None),
        ("json_object", None) => Ok(Some(Format::Json)),
        ("json_schema", Some(schema)) => {
            let request::Schema {
                name,
                description,
                schema,
                strict,
            } = schema;
            let schema = schema.ok_or_else(|| missing("response_format.json_schema.schema"))?;
            Ok(Some(Format::Schema {
                name,
                description,
                schema,
                strict,
            }))
        }
        ("json_schema", None) => Err(missing("response_format.json_schema")),
        ("text" | "json_object", Some(_)) => Err(Untranslatable::named(
            "response_format.json_schema",
            format!("has no place beside the type `{}`", r#type),
        )),
        _ => Err(unknown("response_format.type", &r#type)),
    }
}

fn thinking(effort: Option<Text<'_>>) -> Read<Option<Thinking>> {
    let Some(effort) = effort else {
        return Ok(None);
    };
    match EFFORTS.iter().find(|(word, _)| **word == *effort) {
        Some((_, amount)) => Ok(Some(Thinking {
            amount: *amount,
            shown: None,
        })),
        None => Err(unknown("reasoning_effort", &effort)),
    }
}

fn tools(tools: Vec<request::Tool<'_>>) -> Read<Vec<Tool<'_>>> {
    let mut read = Vec::with_capacity(tools.len());
    for (index, tool) in tools.into_iter().enumerate() {
        let name = || format!("tools.{index}");
        let request::Tool {
            r#type,
            function,
            custom,
        } = tool;
        if r#type != *"function" || custom.is_some() {
            return Err(not_a_function(name(), &r#type));
        }
        let request::Function {
            name,
            description,
            parameters,
            strict,
        } = function.ok_or_else(|| missing(format!("tools.{index}.function")))?;
        read.push(Tool {
            name,
            description,
            parameters,
            strict,
        });
    }
    Ok(read)
}

fn tool_choice<'a>(choice: Either<'a, request::ToolChoice<'a>>) -> Read<ToolChoice<'a>> {
    let choice = match choice {
        Either::Word(word) => {
            return match &*word {
                "auto" => Ok(ToolChoice::Auto),
                "none" => Ok(ToolChoice::None),
                "required" => Ok(ToolChoice::Any),
                _ => Err(unknown("tool_choice", &word)),
            };
        }
        Either::Full(choice) => choice,
    };
    let request::ToolChoice {
        r#type,
        function,
        custom,
        allowed_tools,
    } = choice;
    if r#type != *"function" || custom.is_some() || allowed_tools.is_some() {
        return Err(not_a_function("tool_choice".to_owned(), &r#type));
    }
    let chosen = function.ok_or_else(|| missing("tool_choice.function"))?;
    Ok(ToolChoice::Named(chosen.name))
}

/// Puts one message where it belongs.
struct Speaker<'p, 'a> {
    prompt: &'p mut Prompt<'a>,
    index: usize,
}

impl<'a> Speaker<'_, 'a> {
    fn message(&mut self, message: request::Message<'a>) -> Read<()> {
        let request::Message {
            role,
            content,
            name,
            refusal,
            tool_calls,
            tool_call_id,
            reasoning_content,
            reasoning,
            function_call,
            audio,
            _annotations: _,
            _extra_content: _,
        } = message;
        let thought = reasoning_content.or(reasoning);
        let absent = |fields: &[(&str, bool)]| match fields.iter().find(|(_, given)| *given) {
            Some((field, _)) => Err(Untranslatable::named(
                self.name(field),
                format!("has no place in a message of the role `{role}`"),
            )),
            None => Ok(()),
        };
        if function_call.is_some() {
            return Err(Untranslatable::named(
                self.name("function_call"),
                "is deprecated: tool calls are what is carried over",
            ));
        }
        if audio.is_some() {
            return Err(Untranslatable::named(
                self.name("audio"),
                "names an answer that is kept with OpenAI",
            ));
        }
        let asks = [
            ("refusal", refusal.is_some()),
            ("tool_calls", tool_calls.is_some()),
            ("reasoning_content", thought.is_some()),
        ];
        match &*role {
            "system" | "developer" => {
                absent(&asks)?;
                absent(&[("tool_call_id", tool_call_id.is_some())])?;
                self.nameless(name.as_ref())?;
                let parts = self.content(content, &["text"])?;
                self.prompt.system.extend(parts);
            }
            "user" => {
                absent(&asks)?;
                absent(&[("tool_call_id", tool_call_id.is_some())])?;
                self.nameless(name.as_ref())?;
                let parts = self.content(content, &["text", "image_url", "input_audio", "file"])?;
                self.say(Role::User, parts);
            }
            "assistant" => {
                absent(&[("tool_call_id", tool_call_id.is_some())])?;
                self.nameless(name.as_ref())?;
                self.assistant(content, thought, refusal, tool_calls.unwrap_or_default())?;
            }
            "tool" => {
                absent(&asks)?;
                let id = tool_call_id.ok_or_else(|| missing(self.name("tool_call_id")))?;
                let parts = self.content(content, &["text"])?;
                let result = ToolResult {
                    id,
                    name: None,
                    parts,
                    is_error: false,
                };
                let part = self.part(names::MESSAGE, Content::ToolResult(result));
                self.say(Role::User, vec![part]);
            }
            "function" => {
                return Err(Untranslatable::named(
                    self.name("role"),
                    "is `function`, which is deprecated: results of tools are what is carried over",
                ));
            }
            _ => return Err(unknown(self.name("role"), &role)),
        }
        Ok(())
    }

    fn assistant(
        &mut self,
        content: Option<Either<'a, Vec<request::Part<'a>>>>,
        thought: Option<Text<'a>>,
        refusal: Option<Text<'a>>,
        calls: Vec<request::Call<'a>>,
    ) -> Read<()> {
        let mut parts = Vec::new();
        if let Some(text) = thought.filter(|text| !text.is_empty()) {
            let thought = Thought {
                text,
                signature: None,
                redacted: false,
            };
            parts.push(self.part(names::REASONING, Content::Thinking(thought)));
        }
        // Beside calls, an empty text is how many clients say that there is none.
        let beside = !calls.is_empty();
        let silent = |part: &Part<'_>| {
            beside && matches!(&part.content, Content::Text(text) if text.is_empty())
        };
        let said = self.content(content, &["text", "refusal"])?;
        parts.extend(said.into_iter().filter(|part| !silent(part)));
        if let Some(text) = refusal.filter(|text| !text.is_empty()) {
            parts.push(self.part(names::REFUSAL, Content::Refusal(text)));
        }
        for (index, call) in calls.into_iter().enumerate() {
            let call = self.call(index, call)?;
            parts.push(self.part(names::call(index), Content::ToolCall(call)));
        }
        self.say(Role::Assistant, parts);
        Ok(())
    }

    fn call(&self, index: usize, call: request::Call<'a>) -> Read<ToolCall<'a>> {
        let name = |field: &str| self.name(&format!("tool_calls.{index}{field}"));
        let request::Call {
            id,
            r#type,
            function,
            custom,
            extra_content,
            _index: _,
        } = call;
        let kind = r#type.unwrap_or("function".into());
        if kind != *"function" || custom.is_some() {
            return Err(not_a_function(name(""), &kind));
        }
        let request::Called {
            name: tool,
            arguments,
        } = function.ok_or_else(|| missing(name(".function")))?;
        let arguments = arguments_of(arguments.unwrap_or_default()).ok_or_else(|| {
            Untranslatable::named(name(".function.arguments"), "is no JSON object")
        })?;
        Ok(ToolCall {
            id: id.ok_or_else(|| missing(name(".id")))?,
            name: tool,
            arguments,
            signature: extra_content
                .and_then(|extra| extra.google?.thought_signature)
                .map(|signature| Signature::read(Maker::Gemini, signature)),
        })
    }

    /// A message's `content`, as far as its role may say it.
    fn content(
        &self,
        content: Option<Either<'a, Vec<request::Part<'a>>>>,
        may: &[&str],
    ) -> Read<Vec<Part<'a>>> {
        let pieces = match content {
            None => return Ok(Vec::new()),
            Some(Either::Word(text)) => {
                return Ok(vec![self.part(names::CONTENT, Content::Text(text))]);
            }
            Some(Either::Full(pieces)) => pieces,
        };
        let mut parts = Vec::with_capacity(pieces.len());
        for (index, piece) in pieces.into_iter().enumerate() {
            let at = |field: &str| self.name(&format!("content.{index}{field}"));
            if !may.contains(&&*piece.r#type) {
                return Err(Untranslatable::named(
                    at(""),
                    format!("is of the type `{}`, which has no place here", piece.r#type),
                ));
            }
            let content = piece_of(piece, &at)?;
            parts.push(self.part(count(index), content));
        }
        Ok(parts)
    }

    /// Participants of one role cannot be told apart elsewhere.
    fn nameless(&self, name: Option<&Text<'_>>) -> Read<()> {
        match name {
            Some(_) => Err(Untranslatable::named(
                self.name("name"),
                "tells apart speakers of one role, which only OpenAI's own API can",
            )),
            None => Ok(()),
        }
    }

    fn part(&self, part: u32, content: Content<'a>) -> Part<'a> {
        Part {
            content,
            at: At {
                message: count(self.index),
                part,
            },
        }
    }

    /// The client's name of a field of this message.
    fn name(&self, field: &str) -> String {
        format!("messages.{}.{field}", self.index)
    }

    /// Adds to the conversation. Neighbours of one role become one turn.
    fn say(&mut self, role: Role, parts: Vec<Part<'a>>) {
        if parts.is_empty() {
            return;
        }
        match self.prompt.turns.last_mut() {
            Some(last) if last.role == role => last.parts.extend(parts),
            _ => self.prompt.turns.push(Turn { role, parts }),
        }
    }
}

/// What one of a message's parts holds. `at` names a field of it.
fn piece_of<'a>(piece: request::Part<'a>, at: &dyn Fn(&str) -> String) -> Read<Content<'a>> {
    let request::Part {
        r#type,
        text,
        refusal,
        image_url,
        input_audio,
        file,
        _prompt_cache_breakpoint: _,
    } = piece;
    let given = [
        ("text", text.is_some()),
        ("refusal", refusal.is_some()),
        ("image_url", image_url.is_some()),
        ("input_audio", input_audio.is_some()),
        ("file", file.is_some()),
    ];
    if let Some((field, _)) = given
        .into_iter()
        .find(|(field, given)| *given && **field != *r#type)
    {
        return Err(Untranslatable::named(
            at(&format!(".{field}")),
            format!("has no place in a part of the type `{}`", r#type),
        ));
    }
    let content = match (text, refusal, image_url, input_audio, file) {
        (Some(text), ..) => Content::Text(text),
        (_, Some(refusal), ..) => Content::Refusal(refusal),
        (_, _, Some(image), ..) => Content::Media(image_of(image, at)?),
        (_, _, _, Some(audio), _) => Content::Media(audio_of(audio, at)?),
        (.., Some(file)) => Content::Media(file_of(file, at)?),
        _ => return Err(missing(at(&format!(".{}", r#type)))),
    };
    Ok(content)
}

fn image_of<'a>(image: request::ImageUrl<'a>, at: &dyn Fn(&str) -> String) -> Read<Media<'a>> {
    let request::ImageUrl { url, detail } = image;
    if let Some(detail) = detail.filter(|detail| !matches!(&**detail, "auto" | "high")) {
        return Err(Untranslatable::named(
            at(".image_url.detail"),
            format!("is `{detail}`: how closely to look can only be said to OpenAI's own API"),
        ));
    }
    let located =
        media::locate(url).map_err(|why| Untranslatable::named(at(".image_url.url"), why))?;
    Ok(Media {
        kind: located
            .mime
            .as_ref()
            .map_or(MediaKind::Image, |mime| media::kind_of(mime)),
        mime: located.mime,
        source: located.source,
        name: None,
    })
}

fn audio_of<'a>(audio: request::InputAudio<'a>, at: &dyn Fn(&str) -> String) -> Read<Media<'a>> {
    let request::InputAudio { data, format } = audio;
    let mime =
        media::audio_type(&format).ok_or_else(|| unknown(at(".input_audio.format"), &format))?;
    Ok(Media {
        kind: MediaKind::Audio,
        mime: Some(mime.into()),
        source: Source::Base64(data),
        name: None,
    })
}

fn file_of<'a>(file: request::File<'a>, at: &dyn Fn(&str) -> String) -> Read<Media<'a>> {
    let request::File {
        file_data,
        file_id,
        filename,
    } = file;
    let (mime, source) = match (file_data, file_id) {
        (Some(data), None) if media::is_data(&data) => {
            let located = media::locate(data)
                .map_err(|why| Untranslatable::named(at(".file.file_data"), why))?;
            (located.mime, located.source)
        }
        // Bare base64: a PDF, the only kind of file that the API documents here.
        (Some(data), None) => (Some("application/pdf".into()), Source::Base64(data)),
        (None, Some(id)) => (None, Source::File(id)),
        (Some(_), Some(_)) => {
            return Err(Untranslatable::named(
                at(".file.file_id"),
                "contradicts file_data",
            ));
        }
        (None, None) => return Err(missing(at(".file.file_data"))),
    };
    Ok(Media {
        kind: mime
            .as_ref()
            .map_or(MediaKind::Document, |mime| media::kind_of(mime)),
        mime,
        source,
        name: filename,
    })
}

/// The arguments of a call, which stand in a string. None at all are an empty object.
pub(super) fn arguments_of(text: Text<'_>) -> Option<Json<'_>> {
    let text = match text.trim_ascii() {
        "" | "null" => "{}".into(),
        _ => text,
    };
    let json = match text.0 {
        std::borrow::Cow::Borrowed(text) => {
            let mut json = serde_json::Deserializer::from_str(text);
            let value = Json::deserialize(&mut json).ok()?;
            json.end().ok()?;
            value
        }
        std::borrow::Cow::Owned(text) => Json::parse(text).ok()?,
    };
    json.is_object().then_some(json)
}

fn missing(name: impl Into<String>) -> Untranslatable {
    Untranslatable::named(name, "is missing")
}

fn unknown(name: impl Into<String>, word: &str) -> Untranslatable {
    Untranslatable::named(name, format!("is `{word}`, which Waybill does not know"))
}

fn not_a_function(name: String, kind: &str) -> Untranslatable {
    Untranslatable::named(
        name,
        format!("is of the type `{kind}`: only functions can be carried over"),
    )
}
