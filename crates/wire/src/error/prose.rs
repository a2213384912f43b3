//! Errors printed as text: by SDKs, relays and proxies, often with the real error as JSON inside.
//!
//! Promises: at most a handful of places are tried for a document, to a bounded depth; a text in which nothing was
//! recognised is loose, however it was quoted. Must not know: what a name means.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{
    dig::{self, Said},
    lenient, markup,
};

/// Documents in strings in documents: deeper than this nothing is opened.
const DEPTH: usize = 8;

/// Opening brackets that are tried as the beginning of a document.
const PLACES: usize = 6;

/// Reads a text that may hold, be, or precede a document.
pub(super) fn read(text: &str, depth: usize) -> Said {
    let text = text.trim();
    // As it came; whoever recognises something in it makes another thing of it.
    let own = || Said {
        message: (!text.is_empty()).then(|| text.to_owned()),
        loose: true,
        ..Said::default()
    };
    if depth > DEPTH || text.is_empty() {
        return own();
    }
    let mut said = match text.as_bytes()[0] {
        b'<' if text.contains("</") || text.contains("<!") => markup::read(text),
        b'"' => match serde_json::from_str::<String>(text) {
            Ok(inner) => read(&inner, depth + 1),
            Err(_) => own(),
        },
        _ => match document_in(text, depth) {
            Some(inner) => inner,
            None => spoken(text).unwrap_or_else(own),
        },
    };
    if !said.speaks() {
        (said.message, said.loose) = (own().message, true);
    }
    said.stated_status = said.stated_status.or_else(|| stated_status(text));
    said
}

/// The first document in the text that is an error, and what stands before it.
fn document_in(text: &str, depth: usize) -> Option<Said> {
    let places = memchr::memchr2_iter(b'{', b'[', text.as_bytes()).take(PLACES);
    for place in places {
        let (before, rest) = text.split_at(place);
        if !opens_document(rest) {
            continue;
        }
        let Some(document) = lenient::prefix(rest) else {
            continue;
        };
        let whole = before.is_empty();
        if !(is_error(&document) || whole && document.is_object()) {
            if is_details(&document) {
                let words = before
                    .rsplit_once("] ")
                    .map_or(before, |(_, words)| words)
                    .trim();
                let message = if words.is_empty() { text } else { words };
                return Some(Said {
                    message: Some(message.to_owned()),
                    documents: vec![document],
                    ..Said::default()
                });
            }
            continue;
        }
        let mut said = dig::read_at(document, depth + 1);
        if said.message.is_none() {
            continue;
        }
        said.nested = true;
        said.number = None;
        said.hints.extend(exception_classes(before));
        said.details
            .extend((!whole).then(|| before.trim_end_matches([' ', '-', ':']).to_owned()));
        return Some(said);
    }
    None
}

fn opens_document(rest: &str) -> bool {
    let inside = rest[1..].trim_start();
    inside.starts_with(['"', '\'', '{', '\\'])
}

/// Whether a document that stands in prose is an error, and not a schema or a sample of the request.
fn is_error(document: &Value) -> bool {
    let node = match document {
        Value::Array(items) => items.first().and_then(Value::as_object),
        other => other.as_object(),
    };
    let Some(node) = node else { return false };
    let has = |keys: &[&str]| {
        keys.iter()
            .any(|key| node.get(*key).is_some_and(|value| !value.is_null()))
    };
    has(&["error", "errors"])
        || node.len() <= 2 && node.get("message").is_some_and(Value::is_string)
        || has(&["message", "msg", "detail"])
            && has(&[
                "code",
                "type",
                "status",
                "name",
                "__type",
                "detail",
                "request_id",
            ])
}

/// Google's SDKs print the typed details as an array behind the message.
fn is_details(document: &Value) -> bool {
    document
        .as_array()
        .is_some_and(|items| items.iter().any(|item| item.get("@type").is_some()))
}

static BOTOCORE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?s)An error occurred \((\w+)\) when calling the \w+ operation(?: \([^)]*\))?: (.+)",
    )
    .ok()
});
static AWS_EXCEPTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?s)^(?:[\w.]+[.#])?([A-Za-z]\w*Exception): (.+)").ok());
static CLOUDFLARE_TEXT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^error code: (1\d{3}|5\d\d)$").ok());

/// Sentences that hold a name and a message in a fixed form.
fn spoken(text: &str) -> Option<Said> {
    if text.contains("Exception") || text.contains("An error occurred (") {
        let found = BOTOCORE
            .as_ref()?
            .captures(text)
            .or_else(|| AWS_EXCEPTION.as_ref()?.captures(text));
        if let Some(found) = found {
            let message = found[2].trim().to_owned();
            return Some(Said {
                message: Some(message),
                names: vec![found[1].to_owned()],
                ..Said::default()
            });
        }
    }
    if let Some(found) = CLOUDFLARE_TEXT.as_ref()?.captures(text) {
        return Some(Said {
            message: Some(text.to_owned()),
            names: vec![found[1].to_owned()],
            ..Said::default()
        });
    }
    let bedrock = BEDROCK_SENTENCES
        .iter()
        .find(|(sentence, _)| text.starts_with(sentence));
    let name = bedrock.map(|(_, name)| (*name).to_owned());
    name.map(|name| Said {
        message: Some(text.to_owned()),
        names: vec![name],
        ..Said::default()
    })
}

/// Bedrock names its exceptions in a header that relays lose; these sentences belong to one exception
/// each, per the Bedrock API reference and its troubleshooting page.
const BEDROCK_SENTENCES: &[(&str, &str)] = &[
    (
        "The model returned the following errors:",
        "ValidationException",
    ),
    ("Invocation of model ID", "ValidationException"),
    (
        "The provided model identifier is invalid",
        "ValidationException",
    ),
    ("Malformed input request", "ValidationException"),
    (
        "You don't have access to the model with the specified model ID",
        "AccessDeniedException",
    ),
    (
        "Too many tokens, please wait before trying again",
        "ThrottlingException",
    ),
    (
        "Too many requests, please wait before trying again",
        "ThrottlingException",
    ),
];

/// Names of exception classes in an SDK's words before a document.
fn exception_classes(prefix: &str) -> impl Iterator<Item = String> + '_ {
    let words = prefix.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.len() > 9 && (word.ends_with("Error") || word.ends_with("Exception")))
        .map(str::to_owned)
}

static STATUS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let before = r"(?i:error code|status code|last status|got status|unexpected status|\bstatus|http error|server response|http|api error)[:= (]*";
    Regex::new(&format!(r"(?:{before}|^\s*|\[)([45]\d\d)\b")).ok()
});

/// The HTTP status a text names.
fn stated_status(text: &str) -> Option<u16> {
    let found = STATUS.as_ref()?.captures(text)?;
    found[1].parse().ok()
}
