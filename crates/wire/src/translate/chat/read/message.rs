//! Reads one message of a Chat request into the conversation.
//!
//! Promises: a field that has no place in a message of its role is refused by its name.
//!
//! Must not know: settings.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Read, missing, not_a_function, part::piece_of, unknown};
use crate::translate::{
    Untranslatable,
    chat::{
        misread::short,
        names::{self, count},
        request::{self, Either},
    },
    talk::{
        At, Content, Maker, Part, Prompt, Role, Signature, Thought, ToolCall, ToolResult, Turn,
    },
    text::{Json, Text},
};

/// Puts one message where it belongs.
pub(super) struct Speaker<'p, 'a> {
    pub prompt: &'p mut Prompt<'a>,
    pub index: usize,
}

impl<'a> Speaker<'_, 'a> {
    pub(super) fn message(&mut self, message: request::Message<'a>) -> Read<()> {
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
                format!("has no place in a message of the role `{}`", short(&role)),
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
                    format!(
                        "is of the type `{}`, which has no place here",
                        short(&piece.r#type)
                    ),
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

/// The arguments of a call, which stand in a string. None at all are an empty object.
pub(in crate::translate::chat) fn arguments_of(text: Text<'_>) -> Option<Json<'_>> {
    let text = match text.trim_ascii() {
        "" | "null" => "{}".into(),
        _ => text,
    };
    let json = match text.0 {
        Cow::Borrowed(text) => {
            let mut json = serde_json::Deserializer::from_str(text);
            let value = Json::deserialize(&mut json).ok()?;
            json.end().ok()?;
            value
        }
        Cow::Owned(text) => Json::parse(text).ok()?,
    };
    json.is_object().then_some(json)
}
