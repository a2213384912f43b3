//! Finds the innermost error in a JSON document, however it is wrapped.
//!
//! Promises: the innermost message wins, outer ones become detail; the innermost names come first.
//! Depth is bounded. Must not know: bytes, headers, and what a name means.

mod blocked;
mod google;

use serde_json::{Map, Value};

use super::prose;

/// Wrappers deeper than this are not opened; the deepest seen in the wild is four.
const DEPTH: usize = 10;

/// What an error says, piece by piece.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The innermost message.
    pub(super) message: Option<String>,
    /// Machine names, most specific first.
    pub(super) names: Vec<String>,
    /// A code that is nothing but an HTTP status; a name only if there is no other.
    pub(super) number: Option<String>,
    /// Whether the message was found in a document inside a string: then the outer number is no name.
    pub(super) nested: bool,
    /// The HTTP status the error states.
    pub(super) stated_status: Option<u16>,
    /// What else was said.
    pub(super) details: Vec<String>,
    /// Names that help to judge but name the error less well: quota ids, exception classes.
    pub(super) hints: Vec<String>,
    /// The provider's id for the request.
    pub(super) request_id: Option<String>,
    /// The message is a text as it came: nothing says that it is an error's.
    pub(super) loose: bool,
    /// A bot challenge.
    pub(super) challenge: bool,
    /// Every document found, outermost last: reset times are looked for in them.
    pub(super) documents: Vec<Value>,
}

impl Said {
    /// Whether there is anything to show.
    pub(super) fn speaks(&self) -> bool {
        self.message.is_some() || !self.names.is_empty()
    }

    /// Takes an inner error's words before its own.
    fn wrap(&mut self, inner: Said) {
        if inner.message.is_some() {
            self.details.extend(self.message.take());
            self.message = inner.message;
        }
        self.names.splice(0..0, inner.names);
        self.number = if inner.nested {
            None
        } else {
            inner.number.or(self.number.take())
        };
        self.nested |= inner.nested;
        self.stated_status = inner.stated_status.or(self.stated_status);
        self.details.splice(0..0, inner.details);
        self.hints.extend(inner.hints);
        self.request_id = self.request_id.take().or(inner.request_id);
        self.challenge |= inner.challenge;
        self.documents.extend(inner.documents);
    }
}

/// Reads one document.
pub(super) fn read(document: Value) -> Said {
    read_at(document, 0)
}

/// Reads a document found `depth` levels down.
pub(super) fn read_at(document: Value, depth: usize) -> Said {
    let mut said = value(&document, depth);
    said.documents.push(document);
    said
}

fn value(node: &Value, depth: usize) -> Said {
    match node {
        _ if depth > DEPTH => Said::default(),
        Value::Object(members) => object(members, depth),
        Value::Array(items) => items
            .iter()
            .take(8)
            .map(|item| value(item, depth + 1))
            .find(Said::speaks)
            .unwrap_or_default(),
        Value::String(text) => prose::read(text, depth + 1),
        Value::Null | Value::Bool(_) | Value::Number(_) => Said::default(),
    }
}

/// Members that hold a human's words, best first.
const MESSAGES: [&str; 12] = [
    "message",
    "error_description",
    "errorMessage",
    "error_message",
    "Message",
    "msg",
    "detail",
    "status_msg",
    "error_msg",
    "description",
    "faultstring",
    "title",
];

/// Members that wrap the real error.
const WRAPPERS: [&str; 6] = [
    "error",
    "upstream_error",
    "body",
    "detail",
    "Error",
    "message",
];

/// Members that hold an error where the node itself has no words, and whether the name says that it is one.
const LAST_RESORTS: [(&str, bool); 9] = [
    ("response", false),
    ("errors", true),
    ("err", true),
    ("fault", true),
    ("exception", true),
    ("cause", true),
    ("data", false),
    ("status_details", false),
    ("base_resp", false),
];

fn object(members: &Map<String, Value>, depth: usize) -> Said {
    let mut said = own_words(members);
    let open = |key: &str| {
        members
            .get(key)
            .filter(|inner| inner.is_object() || inner.is_array())
    };
    for inner in WRAPPERS.iter().filter_map(|key| open(key)) {
        said.wrap(value(inner, depth + 1));
    }
    if let Some(text) = said.message.take() {
        said.wrap(prose::read(&text, depth + 1));
    }
    if let Some(metadata) = members.get("metadata").and_then(Value::as_object) {
        relayed(&mut said, metadata, depth);
    }
    if said.message.is_none() {
        let inner = LAST_RESORTS
            .iter()
            .filter_map(|(key, is_error)| Some((members.get(*key)?, is_error)))
            .map(|(inner, is_error)| (value(inner, depth + 1), is_error));
        if let Some((inner, is_error)) = inner.into_iter().find(|(inner, _)| inner.speaks()) {
            // An answer is not an error for being in a document.
            said.loose = inner.loose && !is_error && said.names.is_empty();
            said.wrap(inner);
        }
    }
    if !said.speaks() {
        said.wrap(blocked::read(members));
    }
    said
}

/// OpenRouter puts what the provider behind it said into `metadata`.
fn relayed(said: &mut Said, metadata: &Map<String, Value>, depth: usize) {
    if metadata.contains_key("flagged_input") {
        said.hints.push("moderation_blocked".to_owned());
    }
    said.details
        .extend(text(metadata, "provider_name").map(|name| format!("provider {name}")));
    if let Some(raw) = metadata.get("raw") {
        let inner = value(raw, depth + 1);
        if inner.message.is_some() {
            // What a relay says in place of the provider's words is worth nothing beside them.
            said.message = None;
        }
        said.wrap(inner);
    }
}

/// What the node itself says, without its children.
fn own_words(members: &Map<String, Value>) -> Said {
    let mut said = Said {
        message: MESSAGES
            .iter()
            .find_map(|key| text(members, key))
            .map(str::to_owned),
        request_id: ["request_id", "requestId", "RequestId", "requestID"]
            .iter()
            .find_map(|key| text(members, key))
            .map(str::to_owned),
        ..Said::default()
    };
    let mut names = Names::default();
    for key in [
        "code",
        "error_name",
        "error_code",
        "errorCode",
        "Code",
        "status_code",
        "err_code",
    ] {
        names.code(members.get(key));
    }
    google::read(members, &mut names, &mut said);
    names.plain(
        ["__type", "type", "exception", "name"]
            .iter()
            .filter_map(|key| text(members, key)),
        members.contains_key("error"),
    );
    if let Some(status) = text(members, "status").filter(|status| is_shouted(status)) {
        names.found.push(status.to_owned());
    }
    if let Some(error) = text(members, "error") {
        // A string: a machine name where words stand beside it, else the words themselves.
        let is_name = !error.contains(char::is_whitespace);
        if is_name && !error.starts_with(['{', '[', '<']) {
            names.found.push(error.to_owned());
        }
        if said.message.is_none() {
            said.message = Some(error.to_owned());
        } else if !is_name {
            said.details.push(error.to_owned());
        }
    }
    let stated = ["status", "status_code", "statusCode", "httpStatusCode"]
        .iter()
        .find_map(|key| status_in(members.get(*key)?));
    let metadata = members.get("$metadata").and_then(Value::as_object);
    if let Some(metadata) = metadata {
        said.request_id = said
            .request_id
            .or_else(|| text(metadata, "requestId").map(str::to_owned));
    }
    let in_metadata = metadata.and_then(|metadata| status_in(metadata.get("httpStatusCode")?));
    said.stated_status = names.status.or(stated).or(in_metadata);
    said.details
        .extend(text(members, "param").map(|param| format!("param {param}")));
    if let Some(inner) = members.get("innererror").and_then(Value::as_object) {
        said.hints.extend(text(inner, "code").map(str::to_owned));
    }
    names.found.sort_by_key(|name| is_generic(name));
    said.names = names.found;
    said.number = names.number;
    said
}

/// Names as they are found in one node.
#[derive(Default)]
struct Names {
    found: Vec<String>,
    number: Option<String>,
    status: Option<u16>,
}

impl Names {
    /// A code is a name, unless it is a number that could be an HTTP status, or says nothing.
    fn code(&mut self, code: Option<&Value>) {
        let code = match code {
            Some(Value::String(code)) => code.trim().to_owned(),
            Some(Value::Number(code)) => code.to_string(),
            _ => return,
        };
        match code.parse::<i64>() {
            Ok(status @ 100..=599) => {
                self.status = self.status.or(u16::try_from(status).ok());
                self.number.get_or_insert(code);
            }
            Ok(600..) => self.found.push(code),
            Ok(_) => {}
            Err(_) if says_nothing(&code) => {}
            Err(_) => self.found.push(code),
        }
    }

    /// Types are names, unless they only say that this is an error.
    fn plain<'a>(&mut self, types: impl Iterator<Item = &'a str>, is_envelope: bool) {
        for name in types {
            let name = name.rsplit('#').next().unwrap_or(name);
            let is_frame =
                is_envelope || name.starts_with("response.") || ENVELOPES.contains(&name);
            if !is_frame && !says_nothing(name) && !name.contains([' ', '/']) {
                self.found.push(name.to_owned());
            }
        }
    }
}

/// Types of frames and answers, not of errors.
const ENVELOPES: [&str; 8] = [
    "error",
    "Error",
    "failed",
    "message",
    "response",
    "about:blank",
    "object",
    "exception",
];

fn says_nothing(name: &str) -> bool {
    name.is_empty()
        || ["null", "none", "undefined"]
            .iter()
            .any(|nothing| name.eq_ignore_ascii_case(nothing))
}

/// Names that stand beside a better one in some answers (DeepSeek, relays).
fn is_generic(name: &str) -> bool {
    [
        "invalid_request_error",
        "invalid_request",
        "upstream_error",
        "api_error",
        "bad_request_error",
        "error",
        "unknown_error",
    ]
    .contains(&name)
}

/// Google's canonical codes are shouted; reason phrases and states are not.
fn is_shouted(status: &str) -> bool {
    status.len() > 3
        && status
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

fn status_in(value: &Value) -> Option<u16> {
    let status = match value {
        Value::Number(status) => status.as_u64(),
        Value::String(status) => status.trim().parse().ok(),
        _ => None,
    };
    u16::try_from(status?)
        .ok()
        .filter(|status| (400..600).contains(status))
}

/// A member that is a string with something in it.
fn text<'a>(members: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    members
        .get(key)?
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}
