//! JSON, and what was meant to be JSON: raw line breaks in strings, quotes that were not escaped,
//! stray commas, Python's way of printing a dictionary, and documents that were cut off.
//!
//! Promises: work linear in the text but for a fixed number of second tries; depth bounded; no
//! recursion beyond it. Strict JSON is read as strict JSON. Must not know: what an error is.

use serde_json::{Map, Value};

/// Nesting beyond this is not read.
const DEPTH: usize = 32;

/// How often an unescaped document inside a string is tried before it is taken for plain text.
const EMBEDDED_TRIES: u8 = 4;

/// Reads a whole text.
pub(super) fn strict_or_lenient(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| prefix(text))
}

/// Reads the document that a text begins with; what follows it is left alone.
pub(super) fn prefix(text: &str) -> Option<Value> {
    let strict = serde_json::Deserializer::from_str(text)
        .into_iter::<Value>()
        .next();
    if let Some(Ok(value)) = strict {
        return Some(value);
    }
    if text[1..].trim_start().starts_with("\\\"") {
        return strict_or_lenient(&text.replace("\\\"", "\"").replace("\\n", "\n"));
    }
    Reader {
        text,
        at: 0,
        tries: EMBEDDED_TRIES,
    }
    .value(0)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Key,
    Value,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    tries: u8,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH {
            return None;
        }
        self.skip(|c| c.is_whitespace());
        match self.peek()? {
            '{' => self.object(depth),
            '[' => self.array(depth),
            quote @ ('"' | '\'') => Some(self.string_value(quote, depth)),
            _ => Some(self.word()),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut members = Map::new();
        loop {
            self.skip(|c| c.is_whitespace() || c == ',');
            let key = match self.peek() {
                None => break,
                Some('}') => {
                    self.at += 1;
                    break;
                }
                Some(quote @ ('"' | '\'')) => self.string(quote, Role::Key),
                Some(_) => self.take_until(|c| matches!(c, ':' | '}' | ',')).to_owned(),
            };
            self.skip(char::is_whitespace);
            match self.peek() {
                Some(':') => self.at += 1,
                Some('}' | ',') => continue,
                Some(c) => {
                    self.at += c.len_utf8();
                    continue;
                }
                None => break,
            }
            let Some(value) = self.value(depth + 1) else {
                break;
            };
            members.entry(key.trim()).or_insert(value);
        }
        Some(Value::Object(members))
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip(|c| c.is_whitespace() || c == ',');
            match self.peek() {
                None => break,
                Some(']') => {
                    self.at += 1;
                    break;
                }
                Some('}') => break,
                Some(_) => {}
            }
            let before = self.at;
            match self.value(depth + 1) {
                Some(item) if self.at > before => items.push(item),
                _ => break,
            }
        }
        Some(Value::Array(items))
    }

    /// A string, or the document that somebody put between quotes without escaping it.
    fn string_value(&mut self, quote: char, depth: usize) -> Value {
        let start = self.at;
        let inside = self.text[start + 1..].trim_start();
        let is_document = inside.starts_with('{') && inside[1..].trim_start().starts_with(quote);
        if is_document && self.tries > 0 {
            self.tries -= 1;
            self.at = self.text.len() - inside.len();
            let document = self.value(depth + 1);
            self.skip(char::is_whitespace);
            if let (Some(document), Some(next)) = (document, self.peek())
                && next == quote
                && self.ends_string(self.at + 1, Role::Value)
            {
                self.at += 1;
                return document;
            }
            self.at = start;
        }
        Value::String(self.string(quote, Role::Value))
    }

    /// A string up to the quote that ends it; quotes in between are kept as they are.
    fn string(&mut self, quote: char, role: Role) -> String {
        self.at += 1;
        let mut out = String::new();
        while let Some(c) = self.peek() {
            self.at += c.len_utf8();
            match c {
                '\\' => self.escape(&mut out),
                c if c == quote && self.ends_string(self.at, role) => break,
                c => out.push(c),
            }
        }
        out
    }

    /// Whether what follows a quote is what follows the end of a string.
    fn ends_string(&self, after: usize, role: Role) -> bool {
        let rest = self.text[after..].trim_start();
        match (role, rest.chars().next()) {
            (_, None) | (Role::Key, Some(':')) | (Role::Value, Some('}' | ']')) => true,
            (Role::Value, Some(',')) => {
                let next = rest[1..].trim_start().chars().next();
                next.is_none_or(|c| {
                    matches!(c, '"' | '\'' | '{' | '[' | '}' | ']' | '-' | '0'..='9')
                })
            }
            _ => false,
        }
    }

    fn escape(&mut self, out: &mut String) {
        let Some(c) = self.peek() else { return };
        self.at += c.len_utf8();
        match c {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' | 'f' => out.push(' '),
            'u' => {
                let first = self.hex();
                let paired =
                    (0xD800..0xDC00).contains(&first) && self.text[self.at..].starts_with("\\u");
                let code = if paired {
                    self.at += 2;
                    let second = self.hex();
                    0x10000 + ((first - 0xD800) << 10) + (second.wrapping_sub(0xDC00) & 0x3FF)
                } else {
                    first
                };
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => out.push(other),
        }
    }

    fn hex(&mut self) -> u32 {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        match u32::from_str_radix(digits, 16) {
            Ok(code) => {
                self.at += 4;
                code
            }
            Err(_) => u32::from(char::REPLACEMENT_CHARACTER),
        }
    }

    /// A bare word: a number, a constant of JSON or Python, or text.
    fn word(&mut self) -> Value {
        let word = self
            .take_until(|c| matches!(c, ',' | '}' | ']' | '\n'))
            .trim();
        match word {
            "null" | "None" | "" => Value::Null,
            "true" | "True" => Value::Bool(true),
            "false" | "False" => Value::Bool(false),
            word => serde_json::from_str(word).unwrap_or_else(|_| Value::String(word.to_owned())),
        }
    }

    fn take_until(&mut self, stop: impl Fn(char) -> bool) -> &str {
        let rest = &self.text[self.at..];
        let length = rest.find(stop).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip(&mut self, these: impl Fn(char) -> bool) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches(these).len();
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }
}
