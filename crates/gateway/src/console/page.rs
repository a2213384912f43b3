//! The one page of the console, made anew for each look at it: it says where it is, and what may run in it.
//!
//! Promises: a nonce is used once. Must not know: files.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::vault;

/// What the build calls it.
pub const NAME: &str = "index.html";

/// What the build left for us to fill in.
const BASE_HERE: &str = "__BASE__";
const NONCE_HERE: &str = "__NONCE__";

/// What stands where the build had no console.
const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Waybill</title></head>\n<body>\n\
    <h1>This gateway was built without its console</h1>\n\
    <p>It serves all the same. The admin API is under <code>/api/v1/admin</code>, and <code>waybill --help</code> lists the commands over it.</p>\n\
    <p>To have the console, build with Node 20 or newer: <code>make build</code>, or in <code>console/</code> \
    <code>npm ci --ignore-scripts</code> and <code>npm run build</code>, then <code>cargo build --release</code> again.</p>\n\
    </body>\n</html>\n";

/// The page at a path under `/console/`, of the template that the build made, if it made one.
pub fn at(path: &str, template: Option<&[u8]>) -> Response {
    let nonce = vault::random_text();
    let (status, text) = match template.and_then(|bytes| std::str::from_utf8(bytes).ok()) {
        Some(template) => (StatusCode::OK, filled(template, &base(path), &nonce)),
        None => (StatusCode::NOT_FOUND, NOT_BUILT.to_owned()),
    };
    let mut response = (status, Html(text)).into_response();
    response.headers_mut().extend(
        [
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::REFERRER_POLICY, "same-origin"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
        ]
        .map(|(name, value)| (name, HeaderValue::from_static(value))),
    );
    if let Ok(policy) = HeaderValue::try_from(policy(&nonce)) {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn filled(template: &str, base: &str, nonce: &str) -> String {
    template.replace(BASE_HERE, base).replace(NONCE_HERE, nonce)
}

/// The console's own folder, seen from a path in it.
fn base(path: &str) -> String {
    match path.matches('/').count() {
        0 => "./".to_owned(),
        depth => "../".repeat(depth),
    }
}

fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_page_finds_the_consoles_folder_however_deep_it_is() {
        assert_eq!(base(""), "./");
        assert_eq!(base("errors"), "./");
        assert_eq!(base("errors/7"), "../");
        assert_eq!(base("a/b/c"), "../../");
    }

    #[test]
    fn a_page_carries_the_nonce_that_its_policy_names_and_no_two_carry_the_same() {
        let policy_of = |response: &Response| {
            let policy = &response.headers()[header::CONTENT_SECURITY_POLICY];
            policy.to_str().unwrap().to_owned()
        };
        let template = b"<base href=\"__BASE__\"><script nonce=\"__NONCE__\">".as_slice();
        let (one, other) = (at("", Some(template)), at("", Some(template)));
        assert_ne!(policy_of(&one), policy_of(&other));
        assert!(!policy_of(&one).contains("unsafe"));
        let text = filled(
            "<base href=\"__BASE__\"><script nonce=\"__NONCE__\">",
            "../",
            "n",
        );
        assert_eq!(text, "<base href=\"../\"><script nonce=\"n\">");
    }

    #[test]
    fn without_a_build_it_says_how_one_is_made() {
        assert_eq!(at("errors", None).status(), StatusCode::NOT_FOUND);
        assert!(NOT_BUILT.contains("npm run build"));
    }
}
