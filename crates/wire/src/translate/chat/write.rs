//! Writes a Chat request.
//!
//! Promises: nothing of a prompt is left unsaid but thoughts and whether to show them (see [`super`]); what
//! Chat has no field for is said in words where words will do (that a tool failed, which file belongs to
//! which result), and refused where they will not.
//!
//! Must not know: which server it is for. Where servers differ, OpenAI's own API decides.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::Number;

use super::{media, media::DataUrl, read::EFFORTS};
use crate::translate::{
    Setting, Spot, Target, Untranslatable,
    talk::{
        Amount, At, Content, Effort, Format, Maker, Media, MediaKind, Part, Prompt, Role,
        Signature, Source, Thinking, Tool, ToolCall, ToolChoice, ToolResult, Turn,
    },
    text::Json,
};

type Written<T> = Result<T, Untranslatable>;

/// Writes the body of a request.
///
/// # Errors
/// What Chat cannot say.
pub fn write_prompt(prompt: &Prompt<'_>, target: Target<'_>) -> Result<Vec<u8>, Untranslatable> {
    let Prompt {
        system,
        turns,
        tools,
        tool_choice,
        parallel_tool_calls,
        max_tokens,
        temperature,
        top_p,
        top_k,
        seed,
        presence_penalty,
        frequency_penalty,
        stop,
        thinking,
        format,
        user,
        stream,
        // The books want usage always; whether the client does is the encoder's affair.
        stream_usage: _,
    } = prompt;
    if top_k.is_some() {
        return Err(Untranslatable::at(
            Spot::Setting(Setting::TopK),
            "is not something Chat Completions takes",
        ));
    }
    let mut messages = Vec::with_capacity(turns.len() + 1);
    messages.extend(system_message(system)?);
    for turn in turns {
        write_turn(turn, &mut messages)?;
    }
    // Without tools, OpenAI refuses words about them, and so far they say nothing.
    let (choice, parallel) = match (tools.is_empty(), tool_choice) {
        (true, None | Some(ToolChoice::Auto | ToolChoice::None)) => (None, None),
        (true, choice) => (choice.as_ref(), None),
        (false, choice) => (choice.as_ref(), *parallel_tool_calls),
    };
    let request = Request {
        model: target.model,
        messages,
        tools: tools.iter().map(WrittenTool::from).collect(),
        tool_choice: choice.map(Choice::from),
        parallel_tool_calls: parallel,
        max_completion_tokens: *max_tokens,
        temperature: temperature.as_ref(),
        top_p: top_p.as_ref(),
        seed: *seed,
        presence_penalty: presence_penalty.as_ref(),
        frequency_penalty: frequency_penalty.as_ref(),
        stop: stop.iter().map(|text| &**text).collect(),
        reasoning_effort: thinking.as_ref().and_then(effort),
        response_format: format.as_ref().map(WrittenFormat::from),
        user: user.as_deref(),
        stream: stream.then_some(true),
        stream_options: stream.then_some(StreamOptions {
            include_usage: true,
        }),
    };
    let mut body = Vec::with_capacity(room(prompt));
    // Only keys that are no strings can fail, and there are none.
    let _ = serde_json::to_writer(&mut body, &request);
    Ok(body)
}

/// About how long a body will be: what is large in a prompt is its texts and files.
fn room(prompt: &Prompt<'_>) -> usize {
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
    let tools = prompt.tools.iter().map(|tool| {
        let schema = tool.parameters.as_ref().map_or(0, |json| json.get().len());
        schema + tool.description.as_deref().map_or(0, str::len) + 128
    });
    512 + of(&prompt.system)
        + tools.sum::<usize>()
        + prompt
            .turns
            .iter()
            .map(|turn| of(&turn.parts))
            .sum::<usize>()
}

/// An effort in words; `None` where the model decides.
fn effort(thinking: &Thinking) -> Option<&'static str> {
    let Thinking {
        amount,
        // Servers show what they show.
        shown: _,
    } = thinking;
    let amount = match amount {
        Amount::Adaptive => return None,
        Amount::Tokens(0) => Amount::Off,
        Amount::Tokens(tokens) => Amount::Effort(Effort::of_tokens(*tokens)),
        Amount::Off | Amount::Effort(_) => *amount,
    };
    EFFORTS
        .iter()
        .find(|(_, one)| *one == amount)
        .map(|(word, _)| *word)
}

fn system_message<'p>(system: &'p [Part<'p>]) -> Written<Option<Message<'p>>> {
    let mut pieces = Vec::with_capacity(system.len());
    for (index, part) in system.iter().enumerate() {
        match &part.content {
            Content::Text(text) => pieces.push(Piece::text(&**text)),
            Content::Media(_)
            | Content::ToolCall(_)
            | Content::ToolResult(_)
            | Content::Thinking(_)
            | Content::Refusal(_) => {
                return Err(Untranslatable::at(
                    Spot::System(index),
                    "is no text, and a system message of Chat Completions takes nothing else",
                ));
            }
        }
    }
    Ok(Body::of(pieces).map(|body| Message {
        content: Some(body),
        ..Message::of("system")
    }))
}

fn write_turn<'p>(turn: &'p Turn<'p>, messages: &mut Vec<Message<'p>>) -> Written<()> {
    let Turn { role, parts } = turn;
    match role {
        Role::User => write_user(parts, messages),
        Role::Assistant => write_assistant(parts, messages),
    }
}

/// Results first: the API wants them directly after the calls. Then their files, then what the user says.
fn write_user<'p>(parts: &'p [Part<'p>], messages: &mut Vec<Message<'p>>) -> Written<()> {
    let mut pieces = Vec::with_capacity(parts.len());
    let mut said = Vec::with_capacity(parts.len());
    for Part { content, at } in parts {
        match content {
            Content::ToolResult(result) => {
                let message = write_result(result, *at, &mut pieces)?;
                messages.push(message);
            }
            Content::Text(text) => said.push(Piece::text(&**text)),
            Content::Media(media) => said.push(write_media(media, *at)?),
            Content::ToolCall(_) | Content::Thinking(_) | Content::Refusal(_) => {
                return Err(misplaced(*at, "user"));
            }
        }
    }
    pieces.extend(said);
    messages.extend(Body::of(pieces).map(|body| Message {
        content: Some(body),
        ..Message::of("user")
    }));
    Ok(())
}

/// A result as a message. Its files go into `files`, with a word about where they come from.
fn write_result<'p>(
    result: &'p ToolResult<'p>,
    at: At,
    files: &mut Vec<Piece<'p>>,
) -> Written<Message<'p>> {
    let ToolResult {
        id,
        // Repeats the call's.
        name: _,
        parts,
        is_error,
    } = result;
    let mut pieces = Vec::with_capacity(parts.len());
    let mut some_files = false;
    for Part { content, at } in parts {
        match content {
            Content::Text(text) => pieces.push(Piece::text(&**text)),
            Content::Media(media) => {
                if !some_files {
                    some_files = true;
                    files.push(Piece::text(format!("[From the result of {id}:]")));
                }
                files.push(write_media(media, *at)?);
            }
            Content::ToolCall(_)
            | Content::ToolResult(_)
            | Content::Thinking(_)
            | Content::Refusal(_) => return Err(misplaced(*at, "tool")),
        }
    }
    if some_files {
        pieces.push(Piece::text(
            "[The files of this result are in the next message of the user.]",
        ));
    }
    if *is_error {
        const FAILED: &str = "[The tool failed.]";
        match pieces.first_mut() {
            Some(Piece::Text { text }) => *text = Cow::Owned(format!("{FAILED}\n{text}")),
            _ => pieces.push(Piece::text(FAILED)),
        }
    }
    if id.is_empty() {
        return Err(Untranslatable::at(
            Spot::Part(at),
            "does not say which call it answers",
        ));
    }
    Ok(Message {
        content: Some(Body::of(pieces).unwrap_or(Body::Text(Cow::Borrowed("")))),
        tool_call_id: Some(id),
        ..Message::of("tool")
    })
}

fn write_assistant<'p>(parts: &'p [Part<'p>], messages: &mut Vec<Message<'p>>) -> Written<()> {
    let mut pieces = Vec::with_capacity(parts.len());
    let mut calls = Vec::new();
    for Part { content, at } in parts {
        match content {
            Content::Text(text) => pieces.push(Piece::text(&**text)),
            Content::Refusal(text) => pieces.push(Piece::Refusal {
                refusal: Cow::Borrowed(text),
            }),
            Content::ToolCall(call) => calls.push(write_call(call)),
            Content::Thinking(_) => {}
            Content::Media(_) => {
                return Err(Untranslatable::at(
                    Spot::Part(*at),
                    "is a file in an answer, which Chat Completions does not take back",
                ));
            }
            Content::ToolResult(_) => return Err(misplaced(*at, "assistant")),
        }
    }
    let mut message = Message {
        tool_calls: calls,
        ..Message::of("assistant")
    };
    // A refusal by itself has a field of its own.
    match <[Piece<'_>; 1]>::try_from(pieces) {
        Ok([Piece::Refusal { refusal }]) => message.refusal = Some(refusal),
        Ok([piece]) => message.content = Body::of(vec![piece]),
        Err(pieces) => message.content = Body::of(pieces),
    }
    let says = message.content.is_some() || message.refusal.is_some();
    if says || !message.tool_calls.is_empty() {
        messages.push(message);
    }
    Ok(())
}

fn write_call<'p>(call: &'p ToolCall<'p>) -> Call<'p> {
    let ToolCall {
        id,
        name,
        arguments,
        signature,
    } = call;
    Call {
        id,
        r#type: "function",
        function: Called {
            name,
            arguments: arguments.get(),
        },
        extra_content: signature
            .as_ref()
            .filter(|signature| signature.maker == Maker::Gemini)
            .map(Extra::from),
    }
}

fn write_media<'p>(media: &'p Media<'p>, at: At) -> Written<Piece<'p>> {
    let refuse = |why: &'static str| Err(Untranslatable::at(Spot::Part(at), why));
    let Media {
        kind,
        mime,
        source,
        name,
    } = media;
    let data = match source {
        Source::File(_) => return refuse("is kept with another provider, under a name of its own"),
        Source::Plain(text) if *kind == MediaKind::Document => {
            return Ok(Piece::text(match name {
                Some(name) => Cow::Owned(format!("[{name}]\n{text}")),
                None => Cow::Borrowed(&**text),
            }));
        }
        Source::Plain(_) => return refuse("is given as plain text, which no picture or sound is"),
        Source::Url(url) => Err(&**url),
        Source::Base64(data) => Ok(&**data),
    };
    let mime = mime.as_deref();
    let nameless = |piece| match name {
        Some(_) => refuse("has a name, which Chat Completions takes of documents only"),
        None => Ok(piece),
    };
    match (kind, data, mime) {
        (MediaKind::Image, Err(url), _) => nameless(Piece::image(Address::Url(url))),
        (MediaKind::Image, Ok(data), Some(mime)) => {
            nameless(Piece::image(Address::Data(DataUrl { mime, data })))
        }
        (MediaKind::Document, Ok(data), Some(mime)) => {
            if !mime.eq_ignore_ascii_case(PDF) {
                return refuse(
                    "is a document of a type that Chat Completions does not take: only PDF is",
                );
            }
            Ok(Piece::File {
                file: File {
                    filename: name.as_deref().unwrap_or("document.pdf"),
                    file_data: DataUrl { mime, data },
                },
            })
        }
        (MediaKind::Document, Err(_), _) => {
            refuse("is a document at an address, which Chat Completions does not take")
        }
        (MediaKind::Audio, Ok(data), Some(mime)) => match media::audio_format(mime) {
            Some(format) => nameless(Piece::InputAudio {
                input_audio: InputAudio { data, format },
            }),
            None => refuse("is sound of a type that Chat Completions does not take"),
        },
        (MediaKind::Audio, Err(_), _) => {
            refuse("is sound at an address, which Chat Completions does not take")
        }
        (MediaKind::Video, ..) => refuse("is a video, which Chat Completions does not take"),
        (_, Ok(_), None) => refuse("does not say its type, which Chat Completions demands"),
    }
}

const PDF: &str = "application/pdf";

fn misplaced(at: At, role: &str) -> Untranslatable {
    Untranslatable::at(
        Spot::Part(at),
        format!("is not something that a message of the role `{role}` takes in Chat Completions"),
    )
}

/// The body.
#[derive(Serialize)]
struct Request<'p> {
    model: &'p str,
    messages: Vec<Message<'p>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WrittenTool<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'p Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'p Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'p Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'p Number>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop: Vec<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<WrittenFormat<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Message<'p> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Body<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Cow<'p, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'p str>,
}

impl Message<'_> {
    fn of(role: &'static str) -> Self {
        Message {
            role,
            content: None,
            refusal: None,
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }
}

/// A message's `content`: a string where that is all there is, which every server reads.
#[derive(Serialize)]
#[serde(untagged)]
enum Body<'p> {
    Text(Cow<'p, str>),
    Pieces(Vec<Piece<'p>>),
}

impl<'p> Body<'p> {
    fn of(mut pieces: Vec<Piece<'p>>) -> Option<Body<'p>> {
        match (pieces.pop(), pieces.is_empty()) {
            (None, _) => None,
            (Some(Piece::Text { text }), true) => Some(Body::Text(text)),
            (Some(last), _) => {
                pieces.push(last);
                Some(Body::Pieces(pieces))
            }
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece<'p> {
    Text { text: Cow<'p, str> },
    Refusal { refusal: Cow<'p, str> },
    ImageUrl { image_url: ImageUrl<'p> },
    InputAudio { input_audio: InputAudio<'p> },
    File { file: File<'p> },
}

impl<'p> Piece<'p> {
    fn text(text: impl Into<Cow<'p, str>>) -> Self {
        Piece::Text { text: text.into() }
    }

    fn image(url: Address<'p>) -> Self {
        Piece::ImageUrl {
            image_url: ImageUrl { url },
        }
    }
}

#[derive(Serialize)]
struct ImageUrl<'p> {
    url: Address<'p>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Address<'p> {
    Url(&'p str),
    Data(DataUrl<'p>),
}

#[derive(Serialize)]
struct InputAudio<'p> {
    data: &'p str,
    format: &'static str,
}

#[derive(Serialize)]
struct File<'p> {
    filename: &'p str,
    file_data: DataUrl<'p>,
}

/// One of `tool_calls`, in requests and in answers.
#[derive(Serialize)]
pub(super) struct Call<'p> {
    pub id: &'p str,
    pub r#type: &'static str,
    pub function: Called<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_content: Option<Extra<'p>>,
}

#[derive(Serialize)]
pub(super) struct Called<'p> {
    pub name: &'p str,
    pub arguments: &'p str,
}

/// A call's proof, where Google puts it.
#[derive(Debug, Serialize)]
pub(super) struct Extra<'p> {
    google: Google<'p>,
}

#[derive(Debug, Serialize)]
struct Google<'p> {
    thought_signature: Cow<'p, str>,
}

impl<'p> From<&'p Signature<'p>> for Extra<'p> {
    fn from(signature: &'p Signature<'p>) -> Self {
        Extra {
            google: Google {
                thought_signature: signature.written(Maker::Gemini),
            },
        }
    }
}

#[derive(Serialize)]
struct WrittenTool<'p> {
    r#type: &'static str,
    function: Function<'p>,
}

#[derive(Serialize)]
struct Function<'p> {
    name: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'p Json<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'p> From<&'p Tool<'p>> for WrittenTool<'p> {
    fn from(tool: &'p Tool<'p>) -> Self {
        let Tool {
            name,
            description,
            parameters,
            strict,
        } = tool;
        WrittenTool {
            r#type: "function",
            function: Function {
                name,
                description: description.as_deref(),
                parameters: parameters.as_ref(),
                strict: *strict,
            },
        }
    }
}

/// `tool_choice`.
enum Choice<'p> {
    Word(&'static str),
    Named(&'p str),
}

impl<'p> From<&'p ToolChoice<'p>> for Choice<'p> {
    fn from(choice: &'p ToolChoice<'p>) -> Self {
        match choice {
            ToolChoice::Auto => Choice::Word("auto"),
            ToolChoice::None => Choice::Word("none"),
            ToolChoice::Any => Choice::Word("required"),
            ToolChoice::Named(name) => Choice::Named(name),
        }
    }
}

impl Serialize for Choice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'p> {
            r#type: &'static str,
            function: Chosen<'p>,
        }
        #[derive(Serialize)]
        struct Chosen<'p> {
            name: &'p str,
        }
        match self {
            Choice::Word(word) => serializer.serialize_str(word),
            Choice::Named(name) => Named {
                r#type: "function",
                function: Chosen { name },
            }
            .serialize(serializer),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WrittenFormat<'p> {
    JsonObject,
    JsonSchema { json_schema: Schema<'p> },
}

#[derive(Serialize)]
struct Schema<'p> {
    name: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'p str>,
    schema: &'p Json<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'p> From<&'p Format<'p>> for WrittenFormat<'p> {
    fn from(format: &'p Format<'p>) -> Self {
        match format {
            Format::Json => WrittenFormat::JsonObject,
            Format::Schema {
                name,
                description,
                schema,
                strict,
            } => WrittenFormat::JsonSchema {
                json_schema: Schema {
                    // The API demands a name; where the client's has none, any will do.
                    name: name.as_deref().unwrap_or("answer"),
                    description: description.as_deref(),
                    schema,
                    strict: *strict,
                },
            },
        }
    }
}
