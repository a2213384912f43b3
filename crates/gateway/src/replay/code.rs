//! A failed request as code that sends it: for a shell, and for the providers' SDKs.
//!
//! Promises: pure; the body is exact where the language lets it be, and the key is left out. Must not know: how
//! the request was kept.

mod curl;
mod sdk;

use http::{HeaderMap, Method};
use waybill_model::{
    protocol::{Endpoint, Protocol},
    words,
};

use crate::record::capture::Head;

words! {
    /// What a request is written as.
    pub enum Language {
        /// A shell command.
        Curl = "curl",
        /// Python, with the provider's SDK.
        Python = "python",
        /// TypeScript, with the provider's SDK.
        TypeScript = "typescript",
        /// The exact body alone.
        Body = "body",
    }
}

/// Larger bodies are not part of the code: it reads them from a file.
const MAX_WITHIN_BYTES: usize = 1 << 20;

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// Path and query.
    pub path: &'a str,
    /// The client's language.
    pub protocol: Protocol,
    /// What is asked for.
    pub endpoint: Endpoint,
    /// Headers, as the client sent them, without credentials.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
    /// The gateway, as the operator reaches it.
    pub base: &'a str,
}

impl<'a> Request<'a> {
    /// What was kept, as it is sent to the gateway at `base`.
    pub fn new(head: &'a Head, body: &'a [u8], base: &'a str) -> Self {
        Request {
            method: &head.method,
            path: head.path.as_str(),
            protocol: head.protocol,
            endpoint: head.endpoint,
            headers: &head.headers,
            body,
            base,
        }
    }

    /// The request as code.
    pub fn write(&self, language: Language) -> Vec<u8> {
        match language {
            Language::Curl => curl::write(self).into_bytes(),
            Language::Python => sdk::python(self).into_bytes(),
            Language::TypeScript => sdk::typescript(self).into_bytes(),
            Language::Body => self.body.to_vec(),
        }
    }

    /// Headers that say something of the request, by name; the others tell of the program that sent it.
    fn telling_headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let told = |name: &str| {
            !matches!(
                name,
                "user-agent" | "accept" | "accept-language" | "priority" | "date" | "traceparent"
            ) && !name.starts_with("x-stainless-")
                && !name.starts_with("sec-")
        };
        self.headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .filter(move |(name, _)| told(name))
    }

    /// The body as text that any of the languages can hold.
    fn text(&self) -> Option<&'a str> {
        let text = std::str::from_utf8(self.body).ok()?;
        (!text.contains('\0')).then_some(text)
    }

    /// What the body is read from where it is too large to be part of the code.
    fn file(&self) -> Option<&'static str> {
        (self.body.len() > MAX_WITHIN_BYTES).then_some("request-body.json")
    }
}

/// What is said where the body is read from a file.
fn about_file(request: &Request<'_>, file: &str, comment: &str) -> String {
    format!(
        "{comment} The body has {} bytes. Save it first: waybill errors code ID --as body > {file}\n",
        request.body.len()
    )
}

#[cfg(test)]
mod tests;
