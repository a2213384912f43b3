//! A conversation as an agent has it: tools, twenty turns of calls and results, code and logs in them.

use std::sync::Arc;

use serde_json::{Value, json};

const TURNS: usize = 20;
const TOOLS: usize = 12;

/// Source and prose, with all that JSON escapes.
const TEXT: &str = "fn main() {\n\tlet path = \"C:\\\\logs\\\\a.txt\";\n\tprintln!(\"{path}: \u{2713} fin\u{e9}\");\n}\n\
     The log says that line 4711 failed, and why: \"permission denied\". We look into it.\n";

/// The whole request: head, and a body of about `body_bytes`.
pub fn request(model: &str, body_bytes: usize, key: &str) -> Arc<[u8]> {
    // What the texts take: each of them appears once a turn, or once for a call and once for its result.
    let frame = body("", model);
    let escaped = json!(TEXT).to_string().len() - 2;
    let texts = body_bytes.saturating_sub(frame.len()) / escaped;
    let mut body = body(&TEXT.repeat(texts / (2 * TURNS)), model);
    // Blanks are no part of a document, but a body of the size that was asked for is the same everywhere.
    body.extend(std::iter::repeat_n(
        b' ',
        body_bytes.saturating_sub(body.len()),
    ));
    let mut wire = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: bench.local\r\nx-api-key: {key}\r\nanthropic-version: 2023-06-01\r\n\
         content-type: application/json\r\nuser-agent: waybill-bench\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    wire.extend_from_slice(&body);
    wire.into()
}

fn body(text: &str, model: &str) -> Vec<u8> {
    let stream = model.contains("-stream-");
    let turns: Vec<Value> = (0..TURNS).flat_map(|turn| exchange(turn, text)).collect();
    let messages = Value::from(turns);
    let tools: Vec<Value> = (0..TOOLS).map(tool).collect();
    let tools = Value::from(tools);
    // The upstream looks for the model at the beginning.
    format!(
        r#"{{"model":"{model}","max_tokens":4096,"stream":{stream},"system":[{{"type":"text","text":"You are an agent."}}],"tools":{tools},"messages":{messages}}}"#
    )
    .into_bytes()
}

fn exchange(turn: usize, text: &str) -> [Value; 2] {
    let id = format!("toolu_bench{turn:03}");
    let before = format!("toolu_bench{:03}", turn.wrapping_sub(1));
    let asked = match turn {
        0 => json!([{"type": "text", "text": text}]),
        _ => {
            json!([{"type": "tool_result", "tool_use_id": before, "content": [{"type": "text", "text": text}]}])
        }
    };
    let answered = match turn + 1 {
        TURNS => json!([{"type": "text", "text": text}]),
        _ => json!([
            {"type": "text", "text": "I read it."},
            {"type": "tool_use", "id": id, "name": "tool_1", "input": {"path": "src/main.rs", "content": text, "limit": turn}},
        ]),
    };
    let mut pair = [
        json!({"role": "user", "content": asked}),
        json!({"role": "assistant", "content": answered}),
    ];
    if turn + 1 == TURNS {
        // It is the user's turn in the end.
        pair.swap(0, 1);
        pair[0] = json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": before, "content": text},
            {"type": "text", "text": text},
        ]});
        pair[1] = json!({"role": "user", "content": "What next?"});
    }
    pair
}

/// A tool with a schema that Google does not take as it is.
fn tool(at: usize) -> Value {
    json!({
        "name": format!("tool_{at}"),
        "description": "Reads or writes a file under the project's folder, and says what it did.",
        "input_schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "Relative to the project"},
                "content": {"type": ["string", "null"], "description": "What to write"},
                "limit": {"type": "integer", "exclusiveMinimum": 0},
                "mode": {"enum": ["read", "write"]},
                "edits": {"type": "array", "items": {
                    "type": "object",
                    "properties": {"old": {"type": "string"}, "new": {"type": "string"}},
                    "required": ["old", "new"],
                    "additionalProperties": false,
                }},
            },
            "required": ["path"],
            "additionalProperties": false,
        },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_conversation_is_json_of_about_the_size_asked() {
        let wire = request("bench-in-gemini", 100 * 1024, "k");
        let text = std::str::from_utf8(&wire).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body.len(), 100 * 1024);
        let json: Value = serde_json::from_str(body).unwrap();
        assert_eq!(json["messages"].as_array().unwrap().len(), 2 * TURNS);
        assert!(
            body.trim_end().len() > 90 * 1024,
            "{}",
            body.trim_end().len()
        );
    }
}
