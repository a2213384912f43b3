//! Mutations that know JSON: bytes turned at random are rarely a document any more, and what reads a
//! document well is never reached. Shared by the targets that fuzz documents and streams of them.

use libfuzzer_sys::fuzzer_mutate;
use serde_json::Value;

/// Random numbers out of libFuzzer's seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit.max(1) as u64).unwrap_or(0)
    }
}

/// Words that another document of the same kind may have where this one has another.
const WORDS: &[&str] = &[
    "",
    "a",
    "user",
    "assistant",
    "model",
    "system",
    "developer",
    "tool",
    "text",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "tool_result",
    "image",
    "document",
    "message",
    "reasoning",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "input_text",
    "output_text",
    "refusal",
    "object",
    "array",
    "string",
    "integer",
    "number",
    "null",
    "auto",
    "none",
    "any",
    "required",
    "low",
    "high",
    "json_object",
    "json_schema",
    "#/$defs/a",
    "#",
    "data:image/png;base64,AAAA",
    "https://example.com/a.png",
    "waybill.anthropic.s",
    "waybill.openai.s",
    "waybill.gemini.s",
    "end_turn",
    "stop",
    "length",
    "tool_calls",
    "STOP",
    "MAX_TOKENS",
    "completed",
    "incomplete",
    "\u{0}",
    "\"\\\n\u{1f600}",
    "{}",
    "{\"a\":1}",
    "[",
    "toolu_1",
    "call_1",
];

/// Names of members, likewise.
const NAMES: &[&str] = &[
    "type",
    "role",
    "content",
    "text",
    "thinking",
    "signature",
    "id",
    "name",
    "input",
    "tool_use_id",
    "call_id",
    "arguments",
    "output",
    "parts",
    "functionCall",
    "functionResponse",
    "thought",
    "thoughtSignature",
    "args",
    "response",
    "tool_calls",
    "tool_call_id",
    "index",
    "delta",
    "finish_reason",
    "stop_reason",
    "usage",
    "choices",
    "candidates",
    "finishReason",
    "usageMetadata",
    "properties",
    "items",
    "prefixItems",
    "anyOf",
    "oneOf",
    "allOf",
    "$ref",
    "$defs",
    "enum",
    "const",
    "required",
    "additionalProperties",
    "exclusiveMinimum",
    "nullable",
    "format",
    "item",
    "item_id",
    "output_index",
    "content_index",
    "summary",
    "encrypted_content",
    "error",
    "is_error",
    "system",
    "tools",
    "tool_choice",
    "max_tokens",
    "stream",
    "source",
    "media_type",
    "data",
    "url",
    "inlineData",
];

/// A mutation of what follows `header` bytes: of the JSON there, or of one line `data: …` of a stream.
pub fn documents(data: &mut [u8], size: usize, max_size: usize, seed: u32, header: usize) -> usize {
    let mut dice = Dice(u64::from(seed));
    if size > header && dice.below(8) > 0 {
        let body = String::from_utf8_lossy(&data[header..size]).into_owned();
        if let Some(changed) = changed(&body, &mut dice)
            && header + changed.len() <= max_size.min(data.len())
        {
            data[header..header + changed.len()].copy_from_slice(changed.as_bytes());
            if dice.below(4) == 0 {
                let at = dice.below(header);
                if let Some(byte) = data.get_mut(at) {
                    *byte = u8::try_from(dice.below(256)).unwrap_or(0);
                }
            }
            return header + changed.len();
        }
    }
    fuzzer_mutate(data, size, max_size)
}

fn changed(body: &str, dice: &mut Dice) -> Option<String> {
    if let Ok(document) = serde_json::from_str::<Value>(body) {
        return Some(mutated(document, dice).to_string());
    }
    let mut lines: Vec<String> = body.lines().map(str::to_owned).collect();
    let events: Vec<usize> = (0..lines.len())
        .filter(|at| lines[*at].starts_with("data:"))
        .collect();
    let at = *events.get(dice.below(events.len()))?;
    match dice.below(6) {
        // An event twice, an event less, an event elsewhere: the whole frame around the line.
        0..3 => {
            let begin = lines[..at]
                .iter()
                .rposition(String::is_empty)
                .map_or(0, |empty| empty + 1);
            let end = lines[at..]
                .iter()
                .position(String::is_empty)
                .map_or(lines.len(), |empty| at + empty + 1);
            let frame: Vec<String> = match dice.below(3) {
                0 => lines.drain(begin..end).collect(),
                _ => lines[begin..end].to_vec(),
            };
            if dice.below(3) > 0 {
                let empty: Vec<usize> = (0..lines.len())
                    .filter(|at| lines[*at].is_empty())
                    .collect();
                let to = empty
                    .get(dice.below(empty.len()))
                    .map_or(0, |empty| empty + 1);
                lines.splice(to..to, frame);
            }
        }
        _ => {
            let document = serde_json::from_str::<Value>(lines[at].strip_prefix("data:")?).ok()?;
            lines[at] = format!("data: {}", mutated(document, dice));
        }
    }
    Some(lines.join("\n") + "\n")
}

fn mutated(mut document: Value, dice: &mut Dice) -> Value {
    let donor = document.clone();
    for _ in 0..=dice.below(3) {
        let count = count(&document);
        let at = dice.below(count);
        let from = dice.below(count);
        let other = nth(&donor, &mut from.clone())
            .cloned()
            .unwrap_or(Value::Null);
        if let Some(place) = nth_mut(&mut document, &mut at.clone()) {
            change(place, other, dice);
        }
    }
    document
}

fn change(place: &mut Value, other: Value, dice: &mut Dice) {
    match (dice.below(6), place) {
        (0, Value::Array(all)) if !all.is_empty() => {
            let at = dice.below(all.len());
            match dice.below(3) {
                0 => drop(all.remove(at)),
                1 => all.insert(at, all[at].clone()),
                _ => all.push(other),
            }
        }
        (0, Value::Object(all)) if !all.is_empty() => {
            let name = all
                .keys()
                .nth(dice.below(all.len()))
                .cloned()
                .unwrap_or_default();
            match dice.below(3) {
                0 => drop(all.remove(&name)),
                1 => drop(all.insert(NAMES[dice.below(NAMES.len())].to_owned(), other)),
                _ => {
                    let value = all.remove(&name).unwrap_or_default();
                    all.insert(NAMES[dice.below(NAMES.len())].to_owned(), value);
                }
            }
        }
        (1, Value::Object(all)) => {
            drop(all.insert(NAMES[dice.below(NAMES.len())].to_owned(), other))
        }
        (1 | 2, place) => *place = other,
        (3, Value::String(text)) => *text = WORDS[dice.below(WORDS.len())].to_owned(),
        (3, place) => *place = Value::from(WORDS[dice.below(WORDS.len())]),
        (4, place) => {
            *place = match dice.below(8) {
                0 => Value::Null,
                1 => Value::from(true),
                2 => Value::from(0),
                3 => Value::from(-1),
                4 => Value::from(u64::MAX),
                5 => Value::from(1e300),
                6 => Value::Array(Vec::new()),
                _ => Value::Object(serde_json::Map::new()),
            }
        }
        (_, place) => {
            let inner = place.take();
            *place = match dice.below(2) {
                0 => Value::Array(vec![inner]),
                _ => Value::Object(
                    [(NAMES[dice.below(NAMES.len())].to_owned(), inner)]
                        .into_iter()
                        .collect(),
                ),
            }
        }
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(all) => all.iter().map(count).sum(),
        Value::Object(all) => all.values().map(count).sum(),
        _ => 0,
    }
}

/// The value at a place of the document's order.
fn nth<'v>(value: &'v Value, left: &mut usize) -> Option<&'v Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(all) => all.iter().find_map(|value| nth(value, left)),
        Value::Object(all) => all.values().find_map(|value| nth(value, left)),
        _ => None,
    }
}

fn nth_mut<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(all) => all.iter_mut().find_map(|value| nth_mut(value, left)),
        Value::Object(all) => all.values_mut().find_map(|value| nth_mut(value, left)),
        _ => None,
    }
}
