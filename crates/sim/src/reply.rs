//! What is answered, before it is put into a protocol's words.
//!
//! Promises: a function of the request alone.

use serde_json::Value;

use crate::{
    ask::{Ask, Tool},
    behaviour::Behaviour,
    seed::Seed,
    words::{first_tokens, prose, tokens, value_of},
};

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Thinking before the answer.
    pub thinking: Option<String>,
    /// The text; empty when nothing is said.
    pub text: String,
    /// The tool calls the answer ends with.
    pub calls: Vec<ToolCall>,
    /// Why it ends.
    pub end: End,
    /// Tokens of the request, those from the cache included.
    pub input_tokens: u64,
    /// Tokens of the request that came from the cache.
    pub cached_tokens: u64,
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
    /// Letters and digits to make its id of.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Arguments that fit its schema.
    pub arguments: Value,
}

/// Why an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// All is said.
    Turn,
    /// Tools are called.
    Calls,
    /// The limit of tokens is reached.
    MaxTokens,
    /// This stop sequence would have come next.
    Stop(String),
    /// The provider's safety rules stop it.
    Safety,
    /// It is refused before a word is said.
    Blocked,
}

/// What a model that refuses says where its provider lets it.
pub const REFUSAL: &str = "I'm sorry, but I can't help with that.";

impl Reply {
    /// The answer to a request.
    pub fn to(ask: &Ask) -> Reply {
        let mut seed = ask.seed();
        let id = seed.letters(24);
        let thinking = ask.thinking.then(|| prose(&mut seed, 18));
        let calls: Vec<ToolCall> = ask
            .calls
            .iter()
            .enumerate()
            .map(|(place, tool)| call(tool, place, &id, &mut seed))
            .collect();
        let whole = text(ask, &calls, &mut seed);
        let thinking_tokens = thinking.as_deref().map_or(0, tokens);
        let text = match ask.max_tokens {
            Some(limit) => {
                first_tokens(&whole, limit.saturating_sub(thinking_tokens).max(1)).to_owned()
            }
            None => whole.clone(),
        };
        let end = end(ask, &calls, text.len() < whole.len());
        let (thinking, text) = match end {
            End::Blocked => (None, String::new()),
            _ => (thinking, text),
        };
        let call_tokens: u64 = calls
            .iter()
            .map(|call| 8 + call.arguments.to_string().len() as u64 / 4)
            .sum();
        let thinking_tokens = thinking.as_deref().map_or(0, |_| thinking_tokens);
        Reply {
            output_tokens: (thinking_tokens + call_tokens + tokens(&text)).max(1),
            input_tokens: ask.input_tokens,
            cached_tokens: match ask.rounds.done {
                0 => 0,
                _ => ask.input_tokens / 2,
            },
            thinking,
            text,
            calls,
            end,
            thinking_tokens,
            id,
        }
    }
}

fn call(tool: &Tool, place: usize, id: &str, seed: &mut Seed) -> ToolCall {
    ToolCall {
        id: match place {
            0 => id.to_owned(),
            _ => Seed::of(&[id, &place.to_string()]).letters(24),
        },
        name: tool.name.clone(),
        arguments: match &tool.schema {
            schema @ Value::Object(fields) if !fields.is_empty() => value_of(schema, "", seed),
            _ => Value::Object(serde_json::Map::new()),
        },
    }
}

fn text(ask: &Ask, calls: &[ToolCall], seed: &mut Seed) -> String {
    let words = 24 + seed.below(48);
    match (ask.behaviour, calls, &ask.json_schema) {
        (Behaviour::Agent, [_, ..], _) => prose(seed, 6),
        (Behaviour::Agent, [], None) if !ask.rounds.outcomes.is_empty() => {
            let quoted: Vec<String> = ask
                .rounds
                .outcomes
                .iter()
                .map(|outcome| format!("{} said \u{ab}{}\u{bb}", outcome.tool, outcome.text))
                .collect();
            format!("What the tools said: {}.", quoted.join("; "))
        }
        (_, [_, ..], _) => String::new(),
        (_, [], Some(schema)) => value_of(schema, "answer", seed).to_string(),
        (_, [], None) => prose(seed, words),
    }
}

fn end(ask: &Ask, calls: &[ToolCall], cut: bool) -> End {
    let usual = match (calls.is_empty(), cut) {
        (false, _) => End::Calls,
        (true, true) => End::MaxTokens,
        (true, false) => End::Turn,
    };
    match ask.behaviour {
        Behaviour::Plain | Behaviour::Agent | Behaviour::SlowThinker(_) => usual,
        Behaviour::MaxTokens => End::MaxTokens,
        Behaviour::StopSequence => ask.stop_sequences.first().cloned().map_or(usual, End::Stop),
        Behaviour::Safety => End::Safety,
        Behaviour::Blocked => End::Blocked,
    }
}
