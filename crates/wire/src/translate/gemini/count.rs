//! Gemini's `countTokens`.
//!
//! Promises: what is counted is what would be sent: Google documents `generateContentRequest` for counting
//! instructions and tools, too, while `contents` alone counts neither.
//!
//! Must not know: who asks.

use serde::Deserialize;

use super::super::{Target, Unreadable, Untranslatable, talk::Prompt};
use super::{
    body::{CountRequest, Request},
    out::Group,
    read::{parse, prompt},
    write,
};

/// Writes the body of `countTokens`.
///
/// # Errors
/// As [`super::write_prompt`].
pub fn write_request(prompt: &Prompt<'_>, target: Target<'_>) -> Result<Vec<u8>, Untranslatable> {
    let mut out = Vec::with_capacity(16 * 1024);
    let mut body = Group::object(&mut out);
    let mut request = body.inner("generateContentRequest");
    let model = target.model;
    let name = model.strip_prefix("models/").unwrap_or(model);
    request.text("model", &format!("models/{name}"));
    write::members(prompt, target, &mut request)?;
    request.close();
    body.close();
    Ok(out)
}

/// Reads a client's body of `countTokens`.
///
/// # Errors
/// As [`super::read_prompt`].
pub fn read_request(body: &str) -> Result<Prompt<'_>, Untranslatable> {
    let CountRequest {
        model: _,
        contents,
        generate_content_request,
    } = parse(body)?;
    match (contents, generate_content_request) {
        (Some(_), Some(_)) => Err(Untranslatable::named(
            "generateContentRequest",
            "is said beside `contents`, and only one of both can be meant",
        )),
        (contents, None) => prompt(Request {
            contents,
            ..Request::default()
        }),
        (None, Some(request)) => prompt(request).map_err(|mut error| {
            if let super::Spot::Named(name) = &mut error.what {
                name.insert_str(0, "generateContentRequest.");
            }
            error
        }),
    }
}

/// Reads the answer.
///
/// # Errors
/// It is none.
pub fn read_answer(body: &str) -> Result<u64, Unreadable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Count {
        total_tokens: Option<u64>,
    }

    let count: Count = serde_json::from_str(body)
        .map_err(|error| Unreadable::new(format!("this is no count of Gemini's: {error}")))?;
    count
        .total_tokens
        .ok_or_else(|| Unreadable::new("the answer holds no count (`totalTokens`)"))
}

/// Writes an answer for a client.
pub fn write_answer(tokens: u64) -> Vec<u8> {
    format!("{{\"totalTokens\":{tokens}}}").into_bytes()
}
