//! `/v1/messages/count_tokens`: how long a request would be.
//!
//! Promises: what is counted is what would be sent; settings that are no part of what the model reads are left
//! out, for the endpoint does not take them.
//!
//! Must not know: how others count.

use serde::{Deserialize, Serialize};

use super::{
    super::{Target, Unreadable, Untranslatable, talk::Prompt},
    read, write,
};

/// Reads the body of a question for a count. It says no `max_tokens`.
///
/// # Errors
/// As for the request that would be sent.
pub fn read_request(body: &str) -> Result<Prompt<'_>, Untranslatable> {
    read::read(body)
}

/// Asks an Anthropic account for a count.
///
/// # Errors
/// As for the request that would be sent.
pub fn write_request(prompt: &Prompt<'_>, target: Target<'_>) -> Result<Vec<u8>, Untranslatable> {
    let request = write::request(prompt, target)?;
    write::encode(
        &write::Request {
            max_tokens: None,
            stream: false,
            temperature: None,
            top_p: None,
            top_k: None,
            stop_sequences: &[],
            metadata: None,
            ..request
        },
        prompt.room(),
    )
}

#[derive(Serialize, Deserialize)]
struct Count {
    input_tokens: u64,
}

/// Reads a count.
///
/// # Errors
/// It is none.
pub fn read_answer(body: &str) -> Result<u64, Unreadable> {
    serde_json::from_str::<Count>(body)
        .map(|count| count.input_tokens)
        .map_err(|error| Unreadable::new(format!("is no count of tokens: {error}")))
}

/// Writes a count.
pub fn write_answer(tokens: u64) -> Vec<u8> {
    format!("{{\"input_tokens\":{tokens}}}").into_bytes()
}
