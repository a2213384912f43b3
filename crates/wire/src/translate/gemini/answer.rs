//! Gemini's answers: whole ones, and what every piece of a stream has in common with them.
//!
//! Promises: an answer that served nobody is an error that names Google's word for it; each token is
//! counted once.
//!
//! Must not know: how a stream is framed.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{
    Context, Unreadable,
    talk::{Answer, Content, Part, Stop, Thought, Tokens, ToolCall},
    text::{Json, Text},
};
use super::{
    out::Group, parts::no_arguments, read_signature, write::thought_part, write_signature,
};

/// `GenerateContentResponse`, as far as it matters. Fields may be added by Google at any time.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    #[serde(borrow, default)]
    pub(super) candidates: Option<Vec<Candidate<'a>>>,
    prompt_feedback: Option<Feedback<'a>>,
    usage_metadata: Option<Usage>,
    pub(super) model_version: Option<Text<'a>>,
    pub(super) response_id: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    #[serde(borrow)]
    content: Option<Said<'a>>,
    finish_reason: Option<Text<'a>>,
    finish_message: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    parts: Option<Vec<SaidPart<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SaidPart<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
    thought: Option<bool>,
    thought_signature: Option<Text<'a>>,
    function_call: Option<SaidCall<'a>>,
    inline_data: Option<Json<'a>>,
    file_data: Option<Json<'a>>,
    executable_code: Option<Json<'a>>,
    code_execution_result: Option<Json<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SaidCall<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    name: Option<Text<'a>>,
    args: Option<&'a RawValue>,
    will_continue: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback<'a> {
    #[serde(borrow)]
    block_reason: Option<Text<'a>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
}

/// Reads a whole answer.
///
/// # Errors
/// It is not one, or served nobody.
pub fn read_answer(body: &str) -> Result<Answer<'_>, Unreadable> {
    let response = read(body)?;
    let tokens = response.tokens().unwrap_or_default();
    let blocked = response.blocked();
    let Response {
        candidates,
        prompt_feedback: _,
        usage_metadata: _,
        model_version,
        response_id,
    } = response;
    let mut parts = Vec::new();
    let mut stop = None;
    if let Some(candidate) = candidates.and_then(|all| all.into_iter().next()) {
        stop = candidate.stop()?;
        for piece in candidate.pieces() {
            match piece? {
                Piece::Text(text) => parts.push(Content::Text(text).into()),
                Piece::Thought(thought) => parts.push(Content::Thinking(thought).into()),
                Piece::Call(call) => parts.push(Content::ToolCall(call.into_call()).into()),
            }
        }
    }
    let called = parts
        .iter()
        .any(|part: &Part<'_>| matches!(part.content, Content::ToolCall(_)));
    Ok(Answer {
        id: response_id,
        model: model_version,
        parts,
        stop: conclude(stop.or(blocked), called)?,
        tokens,
    })
}

/// Reads one response object.
pub(super) fn read(body: &str) -> Result<Response<'_>, Unreadable> {
    serde_json::from_str(body)
        .map_err(|error| Unreadable::new(format!("this is no answer of Gemini's: {error}")))
}

/// Why an answer is over, all being said.
pub(super) fn conclude<'a>(stop: Option<Stop<'a>>, called: bool) -> Result<Stop<'a>, Unreadable> {
    match stop {
        Some(Stop::End) if called => Ok(Stop::ToolUse),
        Some(stop) => Ok(stop),
        None => Err(Unreadable::new(
            "the answer does not say why it is over (no `finishReason`)",
        )),
    }
}

/// What a `finishReason` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finish {
    End,
    MaxTokens,
    /// It must not be said.
    Refused,
}

/// Google's words for why an answer is over. Any other (`MALFORMED_FUNCTION_CALL`, `UNEXPECTED_TOOL_CALL`,
/// `MISSING_THOUGHT_SIGNATURE`, `OTHER`, …) says that the model failed: nobody was served.
const FINISHES: &[(&str, Finish)] = &[
    ("STOP", Finish::End),
    ("MAX_TOKENS", Finish::MaxTokens),
    ("SAFETY", Finish::Refused),
    ("RECITATION", Finish::Refused),
    ("LANGUAGE", Finish::Refused),
    ("BLOCKLIST", Finish::Refused),
    ("PROHIBITED_CONTENT", Finish::Refused),
    ("SPII", Finish::Refused),
    ("MODEL_ARMOR", Finish::Refused),
    ("IMAGE_SAFETY", Finish::Refused),
    ("IMAGE_PROHIBITED_CONTENT", Finish::Refused),
    ("IMAGE_RECITATION", Finish::Refused),
];

impl<'a> Response<'a> {
    /// What it cost, if it says so.
    pub(super) fn tokens(&self) -> Option<Tokens> {
        let usage = self.usage_metadata?;
        let cached = usage.cached_content_token_count.unwrap_or(0);
        let thinking = usage.thoughts_token_count.unwrap_or(0);
        let prompt = usage.prompt_token_count.unwrap_or(0).saturating_sub(cached);
        Some(Tokens {
            input: prompt.saturating_add(usage.tool_use_prompt_token_count.unwrap_or(0)),
            cache_read: cached,
            cache_write: 0,
            output: usage
                .candidates_token_count
                .unwrap_or(0)
                .saturating_add(thinking),
            thinking,
        })
    }

    /// The prompt itself was refused: then nothing is answered.
    pub(super) fn blocked(&self) -> Option<Stop<'a>> {
        let feedback = self.prompt_feedback.as_ref()?;
        let word = feedback.block_reason.clone()?;
        (*word != *"BLOCK_REASON_UNSPECIFIED").then_some(Stop::Refused(Some(word)))
    }
}

impl<'a> Candidate<'a> {
    /// Why it is over, if it is.
    pub(super) fn stop(&self) -> Result<Option<Stop<'a>>, Unreadable> {
        let Some(word) = &self.finish_reason else {
            return Ok(None);
        };
        match FINISHES.iter().find(|(known, _)| **word == **known) {
            Some((_, Finish::End)) => Ok(Some(Stop::End)),
            Some((_, Finish::MaxTokens)) => Ok(Some(Stop::MaxTokens)),
            Some((_, Finish::Refused)) => Ok(Some(Stop::Refused(Some(word.clone())))),
            None => Err(Unreadable::gave_up(match self.finish_message.as_deref() {
                Some(message) => format!("Gemini gave up ({word}): {message}"),
                None => format!("Gemini gave up ({word})"),
            })),
        }
    }

    /// What it says.
    pub(super) fn pieces(self) -> impl Iterator<Item = Result<Piece<'a>, Unreadable>> {
        let parts = self.content.and_then(|content| content.parts);
        parts
            .unwrap_or_default()
            .into_iter()
            .flat_map(|part| match part.pieces() {
                Ok(pieces) => pieces.into_iter().flatten().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
    }
}

/// A piece of what was said.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    Text(Text<'a>),
    /// Shown, or the proof of what was shown.
    Thought(Thought<'a>),
    Call(Call<'a>),
}

/// A call, with its arguments as they stand.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) id: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) arguments: Option<&'a RawValue>,
    pub(super) signature: Option<super::Signature<'a>>,
}

impl<'a> Call<'a> {
    fn into_call(self) -> ToolCall<'a> {
        ToolCall {
            id: self.id,
            name: self.name,
            arguments: match self.arguments {
                Some(arguments) => Json::Borrowed(arguments),
                None => no_arguments(),
            },
            signature: self.signature,
        }
    }
}

impl<'a> SaidPart<'a> {
    fn pieces(self) -> Result<[Option<Piece<'a>>; 2], Unreadable> {
        let SaidPart {
            text,
            thought,
            thought_signature,
            function_call,
            inline_data,
            file_data,
            executable_code,
            code_execution_result,
        } = self;
        let signature = thought_signature.and_then(read_signature);
        if let Some(call) = function_call {
            if call.will_continue == Some(true) {
                return Err(Unreadable::new(
                    "a function call comes in pieces, which was not asked for",
                ));
            }
            let Some(name) = call.name.filter(|name| !name.is_empty()) else {
                return Err(Unreadable::new("a function call names no function"));
            };
            let call = Piece::Call(Call {
                id: call.id.unwrap_or_default(),
                name,
                arguments: call.args.filter(|args| args.get().starts_with('{')),
                signature,
            });
            return Ok([Some(call), None]);
        }
        for (name, said) in [
            ("inlineData", inline_data),
            ("fileData", file_data),
            ("executableCode", executable_code),
            ("codeExecutionResult", code_execution_result),
        ] {
            if said.is_some() {
                return Err(Unreadable::new(format!(
                    "the answer holds a part that was not asked for: {name}"
                )));
            }
        }
        let text = text.unwrap_or_default();
        if thought == Some(true) {
            let nothing = text.is_empty() && signature.is_none();
            let thought = Piece::Thought(Thought {
                redacted: text.is_empty() && signature.is_some(),
                text,
                signature,
            });
            return Ok([(!nothing).then_some(thought), None]);
        }
        let proof = signature.map(|signature| {
            Piece::Thought(Thought {
                text: Text::default(),
                signature: Some(signature),
                redacted: false,
            })
        });
        Ok([(!text.is_empty()).then_some(Piece::Text(text)), proof])
    }
}

/// Writes a whole answer.
pub fn write_answer(answer: &Answer<'_>, context: &Context) -> Vec<u8> {
    let Answer {
        id,
        model,
        parts,
        stop,
        tokens,
    } = answer;
    let mut out = Vec::with_capacity(1024);
    let mut body = Group::object(&mut out);
    let mut list = body.list("candidates");
    let mut candidate = Group::object(list.element());
    let mut content = candidate.inner("content");
    let mut said = content.list("parts");
    for part in parts {
        write_part(&part.content, &mut said);
    }
    said.close();
    content.text("role", "model");
    content.close();
    write_stop(stop, &mut candidate);
    candidate.raw("index", 0);
    candidate.close();
    list.close();
    write_tokens(tokens, &mut body);
    body.text("modelVersion", model.as_deref().unwrap_or(&context.model));
    body.text("responseId", id.as_deref().unwrap_or(&context.request_id));
    body.close();
    out
}

/// What no answer holds (files, results of tools) is not written.
fn write_part(content: &Content<'_>, parts: &mut Group<'_>) {
    match content {
        Content::Text(text) | Content::Refusal(text) => {
            let mut part = Group::object(parts.element());
            part.text("text", text);
            part.close();
        }
        Content::Thinking(thought) => thought_part(parts.element(), thought),
        Content::ToolCall(call) => {
            let ToolCall {
                id,
                name,
                arguments,
                signature,
            } = call;
            call_part(
                parts.element(),
                id,
                name,
                arguments.get(),
                signature.as_ref(),
            );
        }
        Content::Media(_) | Content::ToolResult(_) => {}
    }
}

/// A call of a function. A call without an id keeps none: Gemini's clients do without.
pub(super) fn call_part(
    out: &mut Vec<u8>,
    id: &str,
    name: &str,
    arguments: &str,
    signature: Option<&super::Signature<'_>>,
) {
    let mut part = Group::object(out);
    let mut call = part.inner("functionCall");
    if !id.is_empty() {
        call.text("id", id);
    }
    call.text("name", name);
    call.raw("args", arguments);
    call.close();
    if let Some(signature) = signature {
        part.text("thoughtSignature", &write_signature(signature));
    }
    part.close();
}

/// `finishReason`; a word of another provider's for a refusal stands in `finishMessage`.
pub(super) fn write_stop(stop: &Stop<'_>, candidate: &mut Group<'_>) {
    let known = |word: &Text<'_>| {
        FINISHES
            .iter()
            .any(|(known, finish)| **word == **known && *finish == Finish::Refused)
    };
    match stop {
        Stop::End | Stop::Sequence(_) | Stop::ToolUse => candidate.text("finishReason", "STOP"),
        Stop::MaxTokens => candidate.text("finishReason", "MAX_TOKENS"),
        Stop::Refused(Some(word)) if known(word) => candidate.text("finishReason", word),
        Stop::Refused(word) => {
            candidate.text("finishReason", "SAFETY");
            if let Some(word) = word {
                candidate.text("finishMessage", word);
            }
        }
    }
}

/// `usageMetadata`. What was put into a cache is counted as read, for Gemini has no word for it.
pub(super) fn write_tokens(tokens: &Tokens, body: &mut Group<'_>) {
    let prompt = tokens.prompt();
    let mut usage = body.inner("usageMetadata");
    usage.raw("promptTokenCount", prompt);
    usage.raw(
        "candidatesTokenCount",
        tokens.output.saturating_sub(tokens.thinking),
    );
    usage.raw("totalTokenCount", prompt.saturating_add(tokens.output));
    if tokens.cache_read > 0 {
        usage.raw("cachedContentTokenCount", tokens.cache_read);
    }
    if tokens.thinking > 0 {
        usage.raw("thoughtsTokenCount", tokens.thinking);
    }
    usage.close();
}
