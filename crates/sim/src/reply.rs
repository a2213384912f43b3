//! What is answered, before it is put into a protocol's words.
//!
//! Promises: a function of the request alone.

use serde_json::Value;

use crate::{
    ask::Ask,
    words::{first_tokens, prose, tokens, value_of},
};

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Thinking before the answer.
    pub thinking: Option<String>,
    /// The text; empty when only a tool is called.
    pub text: String,
    /// The tool call the answer ends with.
    pub tool: Option<ToolCall>,
    /// The text was cut at the request's limit of tokens.
    pub cut: bool,
    /// Tokens of the request.
    pub input_tokens: u64,
    /// Tokens of the answer, thinking included.
    pub output_tokens: u64,
    /// Tokens of the thinking.
    pub thinking_tokens: u64,
    /// Letters and digits to make ids of.
    pub id: String,
}

/// A call of a tool.
#[derive(Debug)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Arguments that fit its schema.
    pub arguments: Value,
}

impl Reply {
    /// The answer to a request.
    pub fn to(ask: &Ask) -> Reply {
        let mut seed = ask.seed();
        let id = seed.letters(24);
        let thinking = ask.thinking.then(|| prose(&mut seed, 18));
        let tool = ask.tool.as_ref().map(|tool| ToolCall {
            name: tool.name.clone(),
            arguments: arguments(&tool.schema, &mut seed),
        });
        let words = 24 + seed.below(48);
        let whole = match (&tool, &ask.json_schema) {
            (Some(_), _) => String::new(),
            (None, Some(schema)) => value_of(schema, "answer", &mut seed).to_string(),
            (None, None) => prose(&mut seed, words),
        };
        let thinking_tokens = thinking.as_deref().map_or(0, tokens);
        let text = match ask.max_tokens {
            Some(limit) => {
                first_tokens(&whole, limit.saturating_sub(thinking_tokens).max(1)).to_owned()
            }
            None => whole.clone(),
        };
        let tool_tokens = tool
            .as_ref()
            .map_or(0, |call| 8 + call.arguments.to_string().len() as u64 / 4);
        Reply {
            cut: text.len() < whole.len(),
            output_tokens: (thinking_tokens + tool_tokens + tokens(&text)).max(1),
            input_tokens: ask.input_tokens,
            thinking,
            text,
            tool,
            thinking_tokens,
            id,
        }
    }
}

fn arguments(schema: &Value, seed: &mut crate::seed::Seed) -> Value {
    match schema {
        Value::Object(fields) if !fields.is_empty() => value_of(schema, "", seed),
        _ => Value::Object(serde_json::Map::new()),
    }
}
