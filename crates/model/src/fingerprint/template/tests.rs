//! What is taken out of a message, and what stays.
#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;

#[test]
fn messages_of_one_kind_have_one_template() {
    for (one, other) in [
        (
            "Rate limit reached for gpt-4.1 in organization org-9TlgPztVTTKDh5cTPrPS4kZn on tokens per min (TPM): Limit 30000, Used 18928. Please try again in 174ms.",
            "Rate limit reached for o4-mini in organization [redacted:organization] on tokens per min (TPM): Limit 800, Used 1. Please try again in 7m12s.",
        ),
        (
            "Please include the request ID 705298be-4771-49de-a282-9d6b3da83aca in your message.",
            "Please include the request ID req_1ac1385bd5129bbb699a7651e2fa391c in your message.",
        ),
        (
            "of 20,000 input tokens per minute",
            "of 800 input tokens per minute",
        ),
        (
            "messages.1.content.0: Invalid signature",
            "messages.31.content.12: Invalid signature",
        ),
        ("Invalid 'messages[0].role'", "Invalid 'messages[17].role'"),
        (
            "regain access on 2026-04-01 at 00:00 UTC",
            "regain access on 2027-12-24 at 18:30 UTC",
        ),
        (
            "see https://a.example/docs/1?x=2\n now",
            "see https://b.example/77#y now",
        ),
        ("model gpt-4.1 not found", "model gpt-4.5 not found"),
        (
            "claude-sonnet-4-20250514 is overloaded",
            "claude-opus-4-20250514 is overloaded",
        ),
        (
            "The model `acme` does not exist",
            "The model `other-thing` does not exist",
        ),
        (
            "metric 'Gemini 2.5 Pro Requests' and",
            "metric 'Gemini 3 Flash Requests' and",
        ),
        (
            "denied on '//x.googleapis.com/projects/apple-tree/locations/global'",
            "denied on '//x.googleapis.com/projects/pear/locations/eu'",
        ),
        (
            "write to ann@acme.example now",
            "write to bob.b@other.example now",
        ),
        (
            "getaddrinfo ENOTFOUND api.a.example",
            "getaddrinfo ENOTFOUND db-2.b.internal",
        ),
        (
            "Incorrect API key provided: sk-***abc.",
            "Incorrect API key provided: ****zz.",
        ),
        ("session x7Qp2mZ9 ended", "session aB3k9Lm2 ended"),
    ] {
        assert_eq!(template(one), template(other));
    }
}

#[test]
fn messages_of_different_kinds_have_different_templates() {
    for (one, other) in [
        (
            "exceeded your 7-day rate limit",
            "exceeded your 5-hour rate limit",
        ),
        ("tokens per min", "requests per min"),
        (
            "Invalid 'temperature': decimal below minimum value.",
            "Invalid 'top_p': decimal below minimum value.",
        ),
        ("Invalid `signature` in block", "Invalid `content` in block"),
        ("model is at capacity", "model is deprecated"),
        (
            "tools.function.name is missing",
            "tools.function.type is missing",
        ),
        ("OAuth token has expired", "OAuth token has been revoked"),
    ] {
        assert_ne!(template(one), template(other));
    }
}

#[test]
fn the_template_is_readable_and_stable() {
    let message = "gpt-4.1 in organization org-9TlgPztVTTKDh5cT: Limit 30000, try again in 7m12s";
    let expected = "<id> in organization <id>: Limit <n>, try again in <n>";
    assert_eq!(template(message), expected);
    assert_eq!(template(expected), expected);
}

#[test]
fn a_known_name_is_taken_out_whatever_it_looks_like() {
    let known = ["fable", "the/house.model"];
    assert_eq!(
        template_without(
            "`fable` and the/house.model are busy, fables are not",
            &known
        ),
        "<id> and <id> are busy, fables are not"
    );
}

proptest::proptest! {
    #[test]
    fn any_text_has_a_template_that_is_no_longer_than_a_few_times_itself(text in "\\PC{0,300}") {
        let short = template(&text);
        proptest::prop_assert!(short.len() <= text.len() * 6 + 16);
    }
}
