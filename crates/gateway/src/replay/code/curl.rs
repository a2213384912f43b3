//! A request as a `curl` command, for a POSIX shell.
//!
//! Promises: what reaches the gateway is the body to the byte, whatever is in it: nothing of it is read by the
//! shell, or by curl.

use base64::Engine as _;
use waybill_model::protocol::Protocol;

use super::{Request, about_file};

/// Longer bodies do not go on the command line: a single argument may have 128 KiB on Linux, and quoting adds to it.
const MAX_ARGUMENT_BYTES: usize = 32 << 10;

/// Characters per line of base64.
const LINE: usize = 76;

pub(super) fn write(request: &Request<'_>) -> String {
    let mut out = String::new();
    let mut flags = Vec::new();
    // Where the body comes from; what stands behind the command because of that.
    let mut behind = String::new();
    if request.body.is_empty() {
        flags.push(format!("-X {}", quoted(request.method.as_str())));
    } else if let Some(file) = request.file() {
        out += &about_file(request, file, "#");
        flags.push(format!("--data-binary @{file}"));
    } else if let Some(text) = request
        .text()
        .filter(|text| text.len() <= MAX_ARGUMENT_BYTES)
    {
        // Not `--data-binary`: a body may begin with `@`.
        flags.push(format!("--data-raw {}", quoted(text)));
    } else {
        let (command, lines) = match request.text() {
            // The text of a here-document always ends with a line; a body may not.
            Some(text) => (format!("head -c {}", request.body.len()), text.to_owned()),
            None => ("base64 -d".to_owned(), in_lines(request.body)),
        };
        let word = word_for(&lines);
        out += &format!("{command} <<'{word}' | ");
        behind = format!("{lines}\n{word}\n");
        flags.push("--data-binary @-".to_owned());
    }
    out += "curl -sS -N --globoff";
    let (name, value) = credential(request.protocol);
    let mut headers = vec![format!("-H \"{name}: {value}\"")];
    let telling: Vec<_> = request.telling_headers().collect();
    headers.extend(
        telling
            .iter()
            .map(|(name, value)| format!("-H {}", quoted(&format!("{name}: {value}")))),
    );
    let has_type = telling.iter().any(|(name, _)| *name == "content-type");
    if !request.body.is_empty() && !has_type {
        // What curl would say instead is that it is a form.
        headers.push("-H 'content-type: application/json'".to_owned());
    }
    let url = format!(
        "\"${{WAYBILL_URL:-{}}}\"{}",
        request.base,
        quoted(request.path)
    );
    for part in std::iter::once(url).chain(headers).chain(flags) {
        out += " \\\n  ";
        out += &part;
    }
    out.push('\n');
    out + &behind
}

/// The header that carries the key, which is left out.
fn credential(protocol: Protocol) -> (&'static str, &'static str) {
    match protocol {
        Protocol::Anthropic => ("x-api-key", "$WAYBILL_API_KEY"),
        Protocol::OpenAi => ("authorization", "Bearer $WAYBILL_API_KEY"),
        Protocol::Gemini => ("x-goog-api-key", "$WAYBILL_API_KEY"),
    }
}

/// Between single quotes a shell reads nothing but the quote that ends them.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn in_lines(body: &[u8]) -> String {
    let whole = base64::engine::general_purpose::STANDARD.encode(body);
    let lines: Vec<_> = whole
        .as_bytes()
        .chunks(LINE)
        .map(|line| std::str::from_utf8(line).unwrap_or_default())
        .collect();
    lines.join("\n")
}

/// A word that no line consists of.
fn word_for(lines: &str) -> String {
    let mut word = "WAYBILL_BODY".to_owned();
    while lines.lines().any(|line| line == word) {
        word.push('_');
    }
    word
}
