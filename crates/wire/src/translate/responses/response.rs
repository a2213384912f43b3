//! The response around its output, in whole answers and in the first and last events of streams.
//!
//! Promises: every field that the SDKs' types demand. What the client asked for (tools, temperature, …) is not
//! repeated: there `null` stands where the types allow it, and the default where they do not.

use serde::Serialize;

use super::output::json;
use crate::translate::{
    Context,
    talk::{Stop, Tokens},
    text::Text,
};

/// The response around its output.
#[derive(Serialize)]
struct Response<'p> {
    id: &'p str,
    object: &'static str,
    created_at: u64,
    status: &'static str,
    background: bool,
    error: Option<()>,
    incomplete_details: Option<Incomplete>,
    instructions: Option<()>,
    max_output_tokens: Option<()>,
    metadata: Empty,
    model: &'p str,
    parallel_tool_calls: bool,
    previous_response_id: Option<()>,
    reasoning: Reasoning,
    store: bool,
    temperature: Option<()>,
    text: TextConfig,
    tool_choice: &'static str,
    tools: [(); 0],
    top_p: Option<()>,
    truncation: &'static str,
    user: Option<()>,
    usage: Option<Usage>,
}

#[derive(Serialize)]
struct Incomplete {
    reason: &'static str,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Reasoning {
    effort: Option<()>,
    summary: Option<()>,
}

#[derive(Serialize)]
struct TextConfig {
    format: TextFormat,
}

#[derive(Serialize)]
struct TextFormat {
    r#type: &'static str,
}

#[derive(Serialize)]
struct Usage {
    input_tokens: u64,
    input_tokens_details: Cached,
    output_tokens: u64,
    output_tokens_details: Thoughts,
    total_tokens: u64,
}

#[derive(Serialize)]
struct Cached {
    cached_tokens: u64,
}

#[derive(Serialize)]
struct Thoughts {
    reasoning_tokens: u64,
}

/// How far a response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Open,
    Whole,
    /// Cut off, and why.
    Incomplete(&'static str),
}

/// How an answer that is over stands.
pub(super) const fn standing(stop: &Stop<'_>) -> Standing {
    match stop {
        Stop::End | Stop::Sequence(_) | Stop::ToolUse => Standing::Whole,
        Stop::MaxTokens => Standing::Incomplete("max_output_tokens"),
        Stop::Refused(_) => Standing::Incomplete("content_filter"),
    }
}

/// Whose response it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Head {
    id: String,
    model: String,
    created: u64,
}

impl Head {
    /// The provider's id, if it looks like one of this dialect: some clients check that.
    pub(super) fn new(context: &Context, id: Option<&Text<'_>>, model: Option<&Text<'_>>) -> Self {
        let id = id.filter(|id| id.starts_with("resp_"));
        Head {
            id: id.map_or_else(
                || format!("resp_{}", context.request_id),
                |id| id.to_string(),
            ),
            model: model.map_or_else(|| context.model.clone(), |model| model.to_string()),
            created: context.created,
        }
    }

    /// Writes the response. `output`: items in JSON, separated by commas.
    pub(super) fn write(
        &self,
        standing: Standing,
        tokens: Option<Tokens>,
        output: &[u8],
        out: &mut Vec<u8>,
    ) {
        let response = Response {
            id: &self.id,
            object: "response",
            created_at: self.created,
            status: match standing {
                Standing::Open => "in_progress",
                Standing::Whole => "completed",
                Standing::Incomplete(_) => "incomplete",
            },
            background: false,
            error: None,
            incomplete_details: match standing {
                Standing::Open | Standing::Whole => None,
                Standing::Incomplete(reason) => Some(Incomplete { reason }),
            },
            instructions: None,
            max_output_tokens: None,
            metadata: Empty {},
            model: &self.model,
            parallel_tool_calls: true,
            previous_response_id: None,
            reasoning: Reasoning {
                effort: None,
                summary: None,
            },
            store: false,
            temperature: None,
            text: TextConfig {
                format: TextFormat { r#type: "text" },
            },
            tool_choice: "auto",
            tools: [],
            top_p: None,
            truncation: "disabled",
            user: None,
            usage: tokens.map(|tokens| Usage {
                input_tokens: tokens.prompt(),
                input_tokens_details: Cached {
                    cached_tokens: tokens.cache_read,
                },
                output_tokens: tokens.output,
                output_tokens_details: Thoughts {
                    reasoning_tokens: tokens.thinking,
                },
                total_tokens: tokens.prompt().saturating_add(tokens.output),
            }),
        };
        json(&response, out);
        // The output goes in before the closing brace.
        if out.pop().is_some() {
            out.extend_from_slice(b",\"output\":[");
            out.extend_from_slice(output);
            out.extend_from_slice(b"]}");
        }
    }
}
