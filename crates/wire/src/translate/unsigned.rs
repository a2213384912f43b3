//! A request without the proofs of thinking that its provider refused.
//!
//! A provider that does not recognise a signature (the conversation began on another account, another model
//! or another platform) refuses the whole conversation. It is told again without: first what was thought as
//! plain text, then the calls of tools, whose signatures some providers demand, as plain text too.
//!
//! Promises: works on the provider's own dialect; what is not touched stays byte for byte as it was. `None`
//! where a stage would change nothing.
//!
//! Must not know: who refused it, how often it is tried.

use std::borrow::Cow;

use super::{
    Dialect,
    members::{Members, array, elements, quoted},
};

/// How much of a conversation is told as plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stage {
    /// Nothing: as the client sent it.
    #[default]
    AsSent,
    /// What was thought.
    Thoughts,
    /// The calls of tools and their results, too.
    Tools,
}

impl Stage {
    /// The next one to try.
    pub const fn next(self) -> Option<Stage> {
        match self {
            Stage::AsSent => Some(Stage::Thoughts),
            Stage::Thoughts => Some(Stage::Tools),
            Stage::Tools => None,
        }
    }

    /// In words, for the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Stage::AsSent => "as sent",
            Stage::Thoughts => "thinking as plain text",
            Stage::Tools => "thinking and tool calls as plain text",
        }
    }
}

/// Documented by Google for calls that another model made: they are not checked.
const NOT_SIGNED: &str = r#""skip_thought_signature_validator""#;

/// The request at a stage; `None` if that is what it is already.
pub fn unsigned(dialect: Dialect, body: &str, stage: Stage) -> Option<String> {
    if stage == Stage::AsSent {
        return None;
    }
    match dialect {
        Dialect::Messages => messages(body, stage),
        Dialect::Responses => responses(body, stage),
        Dialect::Gemini => gemini(body, stage),
        // Has no signatures.
        Dialect::Chat => None,
    }
}

/// What becomes of an element.
enum Fate<'a> {
    Stays,
    Becomes(Cow<'a, str>),
    Goes,
}

/// Changes the elements of an array member; `None` if none changes.
fn change<'a>(
    members: &Members<'a>,
    name: &str,
    fate: impl for<'e> Fn(&Members<'e>) -> Fate<'e>,
) -> Option<String> {
    let mut changed = false;
    let mut out = Vec::new();
    for element in elements(members.get(name)?)? {
        let kept = match Members::read(element) {
            None => Some(Cow::Borrowed(element)),
            Some(read) => match fate(&read) {
                Fate::Stays => Some(Cow::Borrowed(element)),
                Fate::Becomes(other) => {
                    changed = true;
                    Some(Cow::Owned(other.into_owned()))
                }
                Fate::Goes => {
                    changed = true;
                    None
                }
            },
        };
        out.extend(kept);
    }
    changed.then(|| array(&out))
}

fn messages(body: &str, stage: Stage) -> Option<String> {
    let mut request = Members::read(body)?;
    let changed = change(&request, "messages", |message| {
        let Some(mut blocks) = change(message, "content", |block| message_block(block, stage))
        else {
            return Fate::Stays;
        };
        if blocks == "[]" {
            blocks = array(&[text_block("(thinking)").into()]);
        }
        let mut message = message.clone();
        message.set("content", blocks);
        Fate::Becomes(message.write().into())
    });
    // Whoever thinks must have thought before each call: an answer cannot go on with thinking that its
    // conversation lacks.
    let thinks = request
        .get("thinking")
        .is_some_and(|thinking| !thinking.contains("\"disabled\""));
    if changed.is_none() && !(thinks && stage == Stage::Thoughts) {
        return None;
    }
    request.remove("thinking");
    // Clearing old thinking is only for who thinks.
    let clears = |members: &Members<'_>| {
        let edits = members.get("context_management");
        edits.is_some_and(|edits| edits.contains("\"clear_thinking"))
    };
    if clears(&request) {
        request.remove("context_management");
    }
    if let Some(messages) = changed {
        request.set("messages", messages);
    }
    Some(request.write())
}

fn message_block<'a>(block: &Members<'a>, stage: Stage) -> Fate<'a> {
    let text = |name| block.text(name).unwrap_or_default().to_string();
    match &*text("type") {
        "thinking" => match text("thinking") {
            empty if empty.trim().is_empty() => Fate::Goes,
            thought => Fate::Becomes(text_block(&thought).into()),
        },
        "redacted_thinking" => Fate::Goes,
        "tool_use" if stage == Stage::Tools => {
            let said = call(&text("name"), &text("id"), block.get("input"));
            Fate::Becomes(text_block(&said).into())
        }
        "tool_result" if stage == Stage::Tools => {
            let said = result(&text("tool_use_id"), block.get("content"));
            Fate::Becomes(text_block(&said).into())
        }
        _ => Fate::Stays,
    }
}

fn text_block(text: &str) -> String {
    format!(r#"{{"type":"text","text":{}}}"#, quoted(text))
}

fn responses(body: &str, stage: Stage) -> Option<String> {
    let mut request = Members::read(body)?;
    let input = change(&request, "input", |item| {
        let text = |name| item.text(name).unwrap_or_default().to_string();
        match &*text("type") {
            "reasoning" => match summary_of(item) {
                empty if empty.is_empty() => Fate::Goes,
                thought => Fate::Becomes(spoken("assistant", &thought).into()),
            },
            "function_call" if stage == Stage::Tools => {
                let arguments = text("arguments");
                let said = call(&text("name"), &text("call_id"), Some(&arguments));
                Fate::Becomes(spoken("assistant", &said).into())
            }
            "function_call_output" if stage == Stage::Tools => {
                let said = result(&text("call_id"), item.get("output"));
                Fate::Becomes(spoken("user", &said).into())
            }
            _ => Fate::Stays,
        }
    })?;
    request.set("input", input);
    Some(request.write())
}

fn summary_of(item: &Members<'_>) -> String {
    let parts = item.get("summary").and_then(elements).unwrap_or_default();
    let texts = parts
        .into_iter()
        .filter_map(|part| Some(Members::read(part)?.text("text")?.to_string()));
    texts.collect::<Vec<_>>().join("\n\n")
}

fn spoken(role: &str, text: &str) -> String {
    format!(r#"{{"role":"{role}","content":{}}}"#, quoted(text))
}

fn gemini(body: &str, stage: Stage) -> Option<String> {
    let mut request = Members::read(body)?;
    let contents = change(&request, "contents", |content| {
        let Some(mut parts) = change(content, "parts", |part| gemini_part(part, stage)) else {
            return Fate::Stays;
        };
        if parts == "[]" {
            parts = r#"[{"text":"(thinking)"}]"#.to_owned();
        }
        let mut content = content.clone();
        content.set("parts", parts);
        Fate::Becomes(content.write().into())
    })?;
    request.set("contents", contents);
    Some(request.write())
}

fn gemini_part<'a>(part: &Members<'a>, stage: Stage) -> Fate<'a> {
    const SIGNATURES: [&str; 2] = ["thoughtSignature", "thought_signature"];
    let first = |names: [&str; 2]| names.into_iter().find_map(|name| part.get(name));
    let inner = |json: &str, name: &str| {
        let members = Members::read(json)?;
        members.get(name).map(str::to_owned)
    };
    let word = |json: &str, name: &str| {
        inner(json, name)
            .and_then(|raw| serde_json::from_str::<String>(&raw).ok())
            .unwrap_or_default()
    };
    let said = |text: &str| Fate::Becomes(format!(r#"{{"text":{}}}"#, quoted(text)).into());
    if let Some(made) = first(["functionCall", "function_call"]) {
        if stage == Stage::Tools {
            let arguments = inner(made, "args");
            return said(&call(
                &word(made, "name"),
                &word(made, "id"),
                arguments.as_deref(),
            ));
        }
        if first(SIGNATURES) == Some(NOT_SIGNED) {
            return Fate::Stays;
        }
        let mut part = part.clone();
        part.remove("thought_signature");
        part.set("thoughtSignature", NOT_SIGNED.to_owned());
        return Fate::Becomes(part.write().into());
    }
    if let Some(answer) = first(["functionResponse", "function_response"])
        && stage == Stage::Tools
    {
        let response = inner(answer, "response");
        return said(&result(&word(answer, "name"), response.as_deref()));
    }
    if part.get("thought") == Some("true") {
        let text = part.text("text").unwrap_or_default().to_string();
        return match text.trim() {
            "" => Fate::Goes,
            _ => said(&text),
        };
    }
    let mut plain = part.clone();
    let signed = SIGNATURES.map(|name| plain.remove(name));
    match signed.contains(&true) {
        true => Fate::Becomes(plain.write().into()),
        false => Fate::Stays,
    }
}

/// A call of a tool, told.
fn call(name: &str, id: &str, arguments: Option<&str>) -> String {
    let arguments = arguments.unwrap_or("{}");
    format!("[called the tool `{name}` ({id}) with {arguments}]")
}

/// A tool's answer, told.
fn result(id: &str, content: Option<&str>) -> String {
    let content = content.unwrap_or("nothing");
    let plain = serde_json::from_str::<String>(content);
    format!(
        "[the tool answered ({id}): {}]",
        plain.as_deref().unwrap_or(content)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use serde_json::{Value, json};

    use super::*;

    fn at(dialect: Dialect, body: &Value, stage: Stage) -> Option<Value> {
        let body = unsigned(dialect, &body.to_string(), stage)?;
        Some(serde_json::from_str(&body).unwrap())
    }

    #[test]
    fn messages_are_told_in_stages() {
        let body = json!({
            "model": "m", "max_tokens": 9, "thinking": {"type": "enabled", "budget_tokens": 1024},
            "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "redacted_thinking", "data": "d"},
                    {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}},
                ]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "seen"}]},
                {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "d"}]},
            ],
        });
        let first = at(Dialect::Messages, &body, Stage::Thoughts).unwrap();
        assert_eq!(
            first,
            json!({
                "model": "m", "max_tokens": 9,
                "messages": [
                    {"role": "user", "content": "hi"},
                    {"role": "assistant", "content": [
                        {"type": "text", "text": "hm"},
                        {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}},
                    ]},
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "seen"}]},
                    {"role": "assistant", "content": [{"type": "text", "text": "(thinking)"}]},
                ],
            })
        );
        let second = at(Dialect::Messages, &body, Stage::Tools).unwrap();
        assert_eq!(
            second["messages"][1]["content"][1]["text"],
            "[called the tool `look` (t1) with {\"at\":1}]"
        );
        assert_eq!(
            second["messages"][2]["content"][0]["text"],
            "[the tool answered (t1): seen]"
        );
        assert_eq!(at(Dialect::Messages, &first, Stage::Thoughts), None);
    }

    #[test]
    fn geminis_calls_are_marked_as_not_signed_before_they_are_told() {
        let body = json!({"contents": [{"role": "model", "parts": [
            {"text": "hm", "thought": true},
            {"text": "so", "thoughtSignature": "s"},
            {"functionCall": {"name": "look", "args": {"at": 1}}, "thoughtSignature": "s"},
        ]}, {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"output": "seen"}}}]}]});
        let first = at(Dialect::Gemini, &body, Stage::Thoughts).unwrap();
        assert_eq!(
            first["contents"][0]["parts"],
            json!([
                {"text": "hm"},
                {"text": "so"},
                {"functionCall": {"name": "look", "args": {"at": 1}}, "thoughtSignature": "skip_thought_signature_validator"},
            ])
        );
        assert_eq!(at(Dialect::Gemini, &first, Stage::Thoughts), None);
        let second = at(Dialect::Gemini, &body, Stage::Tools).unwrap();
        assert_eq!(
            second["contents"][1]["parts"][0]["text"],
            "[the tool answered (look): {\"output\":\"seen\"}]"
        );
    }

    #[test]
    fn reasoning_becomes_what_is_shown_of_it() {
        let body = json!({"model": "m", "input": [
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "e"},
            {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "e"},
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "seen"},
        ]});
        let first = at(Dialect::Responses, &body, Stage::Thoughts).unwrap();
        assert_eq!(first["input"].as_array().unwrap().len(), 3);
        assert_eq!(
            first["input"][0],
            json!({"role": "assistant", "content": "hm"})
        );
        let second = at(Dialect::Responses, &body, Stage::Tools).unwrap();
        assert_eq!(
            second["input"][2],
            json!({"role": "user", "content": "[the tool answered (c1): seen]"})
        );
    }

    #[test]
    fn what_has_no_proofs_stays_as_it_is() {
        for body in [
            "",
            "nothing",
            "[]",
            "{}",
            r#"{"messages":[1,"x",{"content":"x"}]}"#,
        ] {
            for dialect in [
                Dialect::Messages,
                Dialect::Responses,
                Dialect::Gemini,
                Dialect::Chat,
            ] {
                for stage in [Stage::AsSent, Stage::Thoughts, Stage::Tools] {
                    assert_eq!(unsigned(dialect, body, stage), None, "{body}");
                }
            }
        }
    }
}
