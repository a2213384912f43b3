//! Pages and XML that proxies, load balancers and object stores answer with.
//!
//! Promises: one pass per question over bounded text; broken and cut markup is fine. Must not know:
//! JSON.

use std::sync::LazyLock;

use regex::Regex;

use super::dig::Said;

/// Reads a page or an XML error.
pub(super) fn read(text: &str) -> Said {
    if let Some(message) = element(text, "Message").or_else(|| element(text, "message")) {
        return Said {
            message: Some(message),
            names: element(text, "Code").into_iter().collect(),
            request_id: element(text, "RequestId"),
            ..Said::default()
        };
    }
    let title = element(text, "title").or_else(|| element(text, "h1"));
    let loose = title.is_none();
    let message = title.or_else(|| {
        let words = words(text);
        (!words.is_empty()).then_some(words)
    });
    Said {
        loose,
        names: cloudflare_code(text, message.as_deref())
            .into_iter()
            .collect(),
        challenge: is_challenge(text, message.as_deref()),
        message,
        ..Said::default()
    }
}

/// The text of the first element of that name.
fn element(text: &str, name: &str) -> Option<String> {
    let open = find(text, &format!("<{name}"))?;
    let rest = &text[open + name.len() + 1..];
    let rest = rest.strip_prefix('>').or_else(|| {
        rest.starts_with(char::is_whitespace)
            .then(|| rest.split_once('>'))?
            .map(|(_, rest)| rest)
    })?;
    let content = &rest[..find(rest, &format!("</{name}")).unwrap_or(rest.len())];
    let content = words(content);
    (!content.is_empty()).then_some(content)
}

/// Finds without regard to the case of ASCII letters.
fn find(text: &str, needle: &str) -> Option<usize> {
    let (text, needle) = (text.as_bytes(), needle.as_bytes());
    memchr::memchr_iter(needle[0], text).find(|at| {
        text.get(*at..at + needle.len())
            .is_some_and(|here| here.eq_ignore_ascii_case(needle))
    })
}

static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?s)<[^>]*>|\s+").ok());

/// Text without tags, with single spaces and common entities decoded.
fn words(markup: &str) -> String {
    let bare = match &*TAG {
        Some(tag) => tag.replace_all(markup, " "),
        None => markup.into(),
    };
    let bare = bare
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">");
    let bare = bare
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&amp;", "&");
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

static CLOUDFLARE_TITLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\| (5\d\d): ").ok());
static CLOUDFLARE_CODE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?is)error(?:\s+code)?(?:\s|:|<[^>]{0,64}>)+(1\d{3}|5[23]\d)\b").ok()
});

/// Cloudflare's own code, from the title or from the page around it.
fn cloudflare_code(text: &str, title: Option<&str>) -> Option<String> {
    let in_title = CLOUDFLARE_TITLE.as_ref()?.captures(title?);
    let in_page = || {
        let is_theirs = find(text, "cloudflare").is_some();
        is_theirs
            .then(|| CLOUDFLARE_CODE.as_ref()?.captures(text))
            .flatten()
    };
    Some(in_title.or_else(in_page)?[1].to_owned())
}

/// Marks of pages that want a browser to prove itself.
fn is_challenge(text: &str, title: Option<&str>) -> bool {
    let title = title.unwrap_or_default();
    title.starts_with("Just a moment")
        || title.starts_with("Attention Required!")
        || ["cf-chl", "challenge-platform", "cf_chl_", "captcha"]
            .iter()
            .any(|mark| find(text, mark).is_some())
}
