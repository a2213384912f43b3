//! The bodies of Gemini's requests, as Google documents them (`v1beta`, `GenerateContentRequest`).
//!
//! Promises: both spellings that Google's JSON takes, `camelCase` and `snake_case`, are taken; whatever is
//! not named here is unknown, and refused by the reader.
//!
//! Must not know: what is translated and what is refused.

#![allow(
    dead_code,
    reason = "a hint is named so that it is known, and not looked at"
)]

use serde::Deserialize;
use serde_json::Number;

use super::super::text::{Json, Text};

/// `GenerateContentRequest`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    pub(super) model: Option<Text<'a>>,
    pub(super) contents: Option<Vec<Content<'a>>>,
    #[serde(alias = "system_instruction")]
    pub(super) system_instruction: Option<Content<'a>>,
    pub(super) tools: Option<Vec<Tool<'a>>>,
    #[serde(alias = "tool_config")]
    pub(super) tool_config: Option<ToolConfig<'a>>,
    #[serde(alias = "safety_settings")]
    pub(super) safety_settings: Option<Vec<SafetySetting<'a>>>,
    #[serde(alias = "generation_config")]
    pub(super) generation_config: Option<GenerationConfig<'a>>,
    #[serde(alias = "cached_content")]
    pub(super) cached_content: Option<Text<'a>>,
    pub(super) labels: Option<Json<'a>>,
    #[serde(alias = "service_tier")]
    pub(super) service_tier: Option<Json<'a>>,
    pub(super) store: Option<bool>,
}

/// `CountTokensRequest`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CountRequest<'a> {
    #[serde(borrow)]
    pub(super) model: Option<Text<'a>>,
    pub(super) contents: Option<Vec<Content<'a>>>,
    #[serde(alias = "generate_content_request")]
    pub(super) generate_content_request: Option<Request<'a>>,
}

/// `Content`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content<'a> {
    #[serde(borrow)]
    pub(super) role: Option<Text<'a>>,
    pub(super) parts: Option<Vec<Part<'a>>>,
}

/// `Part`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    pub(super) thought: Option<bool>,
    #[serde(alias = "thought_signature")]
    pub(super) thought_signature: Option<Text<'a>>,
    #[serde(alias = "inline_data")]
    pub(super) inline_data: Option<Blob<'a>>,
    #[serde(alias = "file_data")]
    pub(super) file_data: Option<FileData<'a>>,
    #[serde(alias = "function_call")]
    pub(super) function_call: Option<FunctionCall<'a>>,
    #[serde(alias = "function_response")]
    pub(super) function_response: Option<FunctionResponse<'a>>,
    #[serde(alias = "executable_code")]
    pub(super) executable_code: Option<Json<'a>>,
    #[serde(alias = "code_execution_result")]
    pub(super) code_execution_result: Option<Json<'a>>,
    #[serde(alias = "video_metadata")]
    pub(super) video_metadata: Option<Json<'a>>,
    #[serde(alias = "media_resolution")]
    pub(super) media_resolution: Option<Json<'a>>,
    #[serde(alias = "part_metadata")]
    pub(super) part_metadata: Option<Json<'a>>,
}

/// `Blob`, and `FunctionResponseBlob`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Blob<'a> {
    #[serde(borrow, alias = "mime_type")]
    pub(super) mime_type: Option<Text<'a>>,
    pub(super) data: Option<Text<'a>>,
    #[serde(alias = "display_name")]
    pub(super) display_name: Option<Text<'a>>,
}

/// `FileData`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FileData<'a> {
    #[serde(borrow, alias = "mime_type")]
    pub(super) mime_type: Option<Text<'a>>,
    #[serde(alias = "file_uri")]
    pub(super) file_uri: Option<Text<'a>>,
    #[serde(alias = "display_name")]
    pub(super) display_name: Option<Text<'a>>,
}

/// `FunctionCall`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    pub(super) name: Option<Text<'a>>,
    pub(super) args: Option<Json<'a>>,
}

/// `FunctionResponse`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FunctionResponse<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    pub(super) name: Option<Text<'a>>,
    pub(super) response: Option<Json<'a>>,
    pub(super) parts: Option<Vec<ResponsePart<'a>>>,
}

/// `FunctionResponsePart`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ResponsePart<'a> {
    #[serde(borrow, alias = "inline_data")]
    pub(super) inline_data: Option<Blob<'a>>,
}

/// `Tool`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Tool<'a> {
    #[serde(borrow, alias = "function_declarations")]
    pub(super) function_declarations: Option<Vec<Declaration<'a>>>,
    #[serde(alias = "google_search")]
    pub(super) google_search: Option<Json<'a>>,
    #[serde(alias = "google_search_retrieval")]
    pub(super) google_search_retrieval: Option<Json<'a>>,
    #[serde(alias = "google_maps")]
    pub(super) google_maps: Option<Json<'a>>,
    #[serde(alias = "code_execution")]
    pub(super) code_execution: Option<Json<'a>>,
    #[serde(alias = "url_context")]
    pub(super) url_context: Option<Json<'a>>,
    #[serde(alias = "computer_use")]
    pub(super) computer_use: Option<Json<'a>>,
    #[serde(alias = "file_search")]
    pub(super) file_search: Option<Json<'a>>,
    #[serde(alias = "mcp_servers")]
    pub(super) mcp_servers: Option<Json<'a>>,
}

/// `FunctionDeclaration`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Declaration<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    pub(super) description: Option<Text<'a>>,
    pub(super) parameters: Option<Json<'a>>,
    #[serde(alias = "parameters_json_schema")]
    pub(super) parameters_json_schema: Option<Json<'a>>,
    pub(super) response: Option<Json<'a>>,
    #[serde(alias = "response_json_schema")]
    pub(super) response_json_schema: Option<Json<'a>>,
    pub(super) behavior: Option<Text<'a>>,
}

/// `ToolConfig`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ToolConfig<'a> {
    #[serde(borrow, alias = "function_calling_config")]
    pub(super) function_calling_config: Option<CallingConfig<'a>>,
}

/// `FunctionCallingConfig`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CallingConfig<'a> {
    #[serde(borrow)]
    pub(super) mode: Option<Text<'a>>,
    #[serde(alias = "allowed_function_names")]
    pub(super) allowed_function_names: Option<Vec<Text<'a>>>,
}

/// `SafetySetting`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SafetySetting<'a> {
    #[serde(borrow)]
    pub(super) category: Option<Text<'a>>,
    pub(super) threshold: Option<Text<'a>>,
    pub(super) method: Option<Text<'a>>,
}

/// `GenerationConfig`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct GenerationConfig<'a> {
    #[serde(alias = "candidate_count")]
    pub(super) candidate_count: Option<u64>,
    #[serde(borrow, alias = "stop_sequences")]
    pub(super) stop_sequences: Option<Vec<Text<'a>>>,
    #[serde(alias = "max_output_tokens")]
    pub(super) max_output_tokens: Option<u64>,
    pub(super) temperature: Option<Number>,
    #[serde(alias = "top_p")]
    pub(super) top_p: Option<Number>,
    /// An integer that some clients write as `40.0`.
    #[serde(alias = "top_k")]
    pub(super) top_k: Option<Number>,
    pub(super) seed: Option<i64>,
    #[serde(alias = "presence_penalty")]
    pub(super) presence_penalty: Option<Number>,
    #[serde(alias = "frequency_penalty")]
    pub(super) frequency_penalty: Option<Number>,
    #[serde(alias = "response_mime_type")]
    pub(super) response_mime_type: Option<Text<'a>>,
    #[serde(alias = "response_schema")]
    pub(super) response_schema: Option<Json<'a>>,
    #[serde(
        alias = "response_json_schema",
        alias = "_responseJsonSchema",
        alias = "_response_json_schema"
    )]
    pub(super) response_json_schema: Option<Json<'a>>,
    #[serde(alias = "response_modalities")]
    pub(super) response_modalities: Option<Vec<Text<'a>>>,
    #[serde(alias = "response_logprobs")]
    pub(super) response_logprobs: Option<bool>,
    #[serde(alias = "thinking_config")]
    pub(super) thinking_config: Option<ThinkingConfig<'a>>,
}

/// `ThinkingConfig`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ThinkingConfig<'a> {
    #[serde(alias = "include_thoughts")]
    pub(super) include_thoughts: Option<bool>,
    #[serde(alias = "thinking_budget")]
    pub(super) thinking_budget: Option<i64>,
    #[serde(borrow, alias = "thinking_level")]
    pub(super) thinking_level: Option<Text<'a>>,
}
