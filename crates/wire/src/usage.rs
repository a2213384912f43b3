//! Token counts, as providers state them, in whole answers and in stream frames.
//!
//! Promises: never an error; what is not stated, or not a whole number, is `None`. Nothing is built
//! but the counts.
//!
//! Must not know: prices.

use serde::Deserialize;
use serde_json::value::RawValue;
use waybill_model::{protocol::Endpoint, waybill::Usage};

/// Reads the usage of a whole JSON answer of `endpoint`. Endpoints that only count or list use nothing.
pub fn usage_of(endpoint: Endpoint, body: &[u8]) -> Usage {
    match endpoint {
        Endpoint::Messages
        | Endpoint::ChatCompletions
        | Endpoint::Responses
        | Endpoint::Embeddings
        | Endpoint::GenerateContent
        | Endpoint::StreamGenerateContent
        | Endpoint::EmbedContent => usage_in(body),
        Endpoint::CountTokens | Endpoint::GeminiCountTokens | Endpoint::Models => Usage::default(),
    }
}

/// Where the protocols put usage: beside the answer, or in the event's `message` or `response`.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, rename = "usageMetadata")]
    usage_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}

/// Every name a count goes by. Gemini counts thoughts beside the answer; all others within it.
#[derive(Deserialize)]
struct Counts<'a> {
    #[serde(borrow)]
    input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    output_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_read_input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_creation_input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    input_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    completion_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt_cache_hit_tokens: Option<&'a RawValue>,
    #[serde(borrow, rename = "promptTokenCount")]
    prompt_token_count: Option<&'a RawValue>,
    #[serde(borrow, rename = "candidatesTokenCount")]
    candidates_token_count: Option<&'a RawValue>,
    #[serde(borrow, rename = "thoughtsTokenCount")]
    thoughts_token_count: Option<&'a RawValue>,
    #[serde(borrow, rename = "cachedContentTokenCount")]
    cached_content_token_count: Option<&'a RawValue>,
}

/// Details of a prompt's count.
#[derive(Deserialize)]
struct Details<'a> {
    #[serde(borrow)]
    cached_tokens: Option<&'a RawValue>,
}

/// Reads the usage that any protocol's answer or stream event states.
pub(crate) fn usage_in(json: &[u8]) -> Usage {
    let Ok(text) = std::str::from_utf8(json) else {
        return Usage::default();
    };
    usage_at(text, 1)
}

/// `depth`: how many envelopes may still be opened.
fn usage_at(json: &str, depth: u8) -> Usage {
    let Ok(answer) = serde_json::from_str::<Answer<'_>>(json) else {
        return Usage::default();
    };
    let stated = [answer.usage, answer.usage_metadata]
        .into_iter()
        .flatten()
        .find_map(|raw| serde_json::from_str::<Counts<'_>>(raw.get()).ok());
    if let Some(counts) = stated {
        return counts.into();
    }
    let inner = answer.message.or(answer.response);
    match depth.checked_sub(1) {
        Some(depth) => inner.map_or_else(Usage::default, |raw| usage_at(raw.get(), depth)),
        None => Usage::default(),
    }
}

impl From<Counts<'_>> for Usage {
    fn from(counts: Counts<'_>) -> Usage {
        let thoughts = number(counts.thoughts_token_count);
        let answer = number(counts.candidates_token_count);
        let gemini_output = match (answer, thoughts) {
            (None, None) => None,
            (answer, thoughts) => Some(answer.unwrap_or(0).saturating_add(thoughts.unwrap_or(0))),
        };
        Usage {
            input_tokens: number(counts.input_tokens)
                .or_else(|| number(counts.prompt_tokens))
                .or_else(|| number(counts.prompt_token_count)),
            output_tokens: number(counts.output_tokens)
                .or_else(|| number(counts.completion_tokens))
                .or(gemini_output),
            cache_read_tokens: number(counts.cache_read_input_tokens)
                .or_else(|| cached(counts.input_tokens_details))
                .or_else(|| cached(counts.prompt_tokens_details))
                .or_else(|| number(counts.prompt_cache_hit_tokens))
                .or_else(|| number(counts.cached_content_token_count)),
            cache_write_tokens: number(counts.cache_creation_input_tokens),
        }
    }
}

fn number(raw: Option<&RawValue>) -> Option<u64> {
    raw?.get().parse().ok()
}

fn cached(raw: Option<&RawValue>) -> Option<u64> {
    number(
        serde_json::from_str::<Details<'_>>(raw?.get())
            .ok()?
            .cached_tokens,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn usage(
        input: Option<u64>,
        output: Option<u64>,
        read: Option<u64>,
        write: Option<u64>,
    ) -> Usage {
        Usage {
            input_tokens: input,
            output_tokens: output,
            cache_read_tokens: read,
            cache_write_tokens: write,
        }
    }

    #[test]
    fn every_protocol_states_its_counts_in_its_own_words() {
        let cases = [
            (
                Endpoint::Messages,
                r#"{"type":"message","content":[],"usage":{"input_tokens":12,"cache_creation_input_tokens":5,"cache_read_input_tokens":7,"output_tokens":30}}"#,
                usage(Some(12), Some(30), Some(7), Some(5)),
            ),
            (
                Endpoint::ChatCompletions,
                r#"{"object":"chat.completion","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":8}}}"#,
                usage(Some(9), Some(4), Some(8), None),
            ),
            (
                Endpoint::Responses,
                r#"{"object":"response","usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":1}}}"#,
                usage(Some(3), Some(2), Some(0), None),
            ),
            (
                Endpoint::Embeddings,
                r#"{"object":"list","data":[],"usage":{"prompt_tokens":8,"total_tokens":8}}"#,
                usage(Some(8), None, None, None),
            ),
            (
                Endpoint::GenerateContent,
                r#"{"candidates":[],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":10,"thoughtsTokenCount":90,"cachedContentTokenCount":2}}"#,
                usage(Some(4), Some(100), Some(2), None),
            ),
        ];
        for (endpoint, body, expected) in cases {
            assert_eq!(usage_of(endpoint, body.as_bytes()), expected, "{endpoint}");
        }
    }

    #[test]
    fn usage_inside_an_event_is_found_in_its_message_or_response() {
        let start = br#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":25,"output_tokens":1}}}"#;
        assert_eq!(usage_in(start), usage(Some(25), Some(1), None, None));
        let completed = br#"{"type":"response.completed","response":{"id":"r","usage":{"input_tokens":5,"output_tokens":6}}}"#;
        assert_eq!(usage_in(completed), usage(Some(5), Some(6), None, None));
    }

    #[test]
    fn what_is_no_count_is_not_invented() {
        for body in [
            &b""[..],
            b"[]",
            b"{\"usage\":null}",
            b"{\"usage\":5}",
            b"{\"usage\":{\"input_tokens\":-1,\"output_tokens\":1.5}}",
            b"{\"message\":\"text\"}",
            b"{\"usage\":{\"input_tokens\":3",
            b"\xff\xfe",
        ] {
            assert_eq!(
                usage_of(Endpoint::Messages, body),
                Usage::default(),
                "{}",
                body.escape_ascii()
            );
        }
        assert_eq!(
            usage_of(
                Endpoint::CountTokens,
                br#"{"input_tokens":3,"usage":{"input_tokens":3}}"#
            ),
            Usage::default()
        );
    }
}
