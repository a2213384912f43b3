//! What redaction promises for every text, not only for examples.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;

use proptest::prelude::*;
use waybill_model::{redact::Redactor, secret::Secret};

/// How many consecutive bytes of a secret's random part may not survive.
const TELLING: usize = 8;

/// A planted credential: what is written, and the random part of it that must not survive.
#[derive(Debug, Clone)]
struct Planted {
    written: String,
    random: String,
    live: bool,
}

fn planted() -> impl Strategy<Value = Planted> {
    let shape = |prefix: &'static str, random: &'static str| {
        random.prop_map(move |random| Planted {
            // One of each sort, so that it is as random as a real one always is.
            written: format!("{prefix}{random}"),
            random,
            live: false,
        })
    };
    let named = |before: &'static str, after: &'static str| {
        "[A-Za-z]{3}[0-9][A-Za-z0-9]{12,40}".prop_map(move |random| Planted {
            written: format!("{before}{random}{after}"),
            random,
            live: false,
        })
    };
    prop_oneof![
        shape("sk-ant-api03-", "[A-Za-z0-9_-]{24,95}[A-Za-z]"),
        shape("sk-proj-", "[A-Za-z0-9_-]{24,120}[A-Za-z]"),
        shape("sk-", "[a-z][A-Z][0-9][A-Za-z0-9]{20,48}"),
        shape("AIza", "[A-Za-z0-9_-]{34}[A-Za-z]"),
        shape("ya29.", "[A-Za-z0-9_-]{30,150}[A-Za-z]"),
        shape("1//0", "[A-Za-z0-9_-]{30,90}[A-Za-z]"),
        shape("gsk_", "[A-Za-z0-9]{20,52}"),
        shape("xai-", "[a-z][A-Z][0-9][A-Za-z0-9]{20,80}"),
        shape("AKIA", "[A-Z0-9]{16}"),
        shape("ghp_", "[A-Za-z0-9]{36}"),
        shape(
            "Bearer ",
            "[A-Za-z]{3}[0-9][A-Za-z0-9_.~+/-]{20,60}[A-Za-z]"
        ),
        shape(
            "eyJhbGciOiJub25lIn0.",
            "[A-Za-z0-9_-]{20,40}\\.[A-Za-z0-9_-]{20,40}"
        ),
        shape(
            "-----BEGIN PRIVATE KEY-----\n",
            "[A-Za-z0-9+/]{64}\n[A-Za-z0-9+/]{64}\n[A-Za-z0-9+/]{20}"
        ),
        named("\"api_key\": \"", "\""),
        named("password=", "\n"),
        named("x-api-key: ", "\r\n"),
        named("?key=", "&alt=sse"),
        named("https://user:", "@host/"),
        "[!-~]{12,60}".prop_map(|random| Planted {
            written: random.clone(),
            random,
            live: true,
        }),
    ]
}

/// Text around a secret: ends and begins outside a word, as text around a secret does.
fn surroundings() -> impl Strategy<Value = (String, String)> {
    ("(\\PC{0,300}[ (,;>\n])?", "([ ),;<\n]\\PC{0,300})?")
}

fn redactor(planted: &Planted) -> Redactor {
    Redactor::new(planted.live.then(|| Secret::new(planted.written.clone())))
}

/// Fails if `shown` holds a telling part of the secret that the text around it does not hold anyway.
fn assert_gone(shown: &str, secret: &Planted, around: &str) -> Result<(), TestCaseError> {
    let random = secret.random.as_bytes();
    for part in random.windows(TELLING) {
        let part = std::str::from_utf8(part).unwrap();
        prop_assert!(
            !shown.contains(part) || around.contains(part),
            "{part:?} of {secret:?} in {shown:?}"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_planted_secret_never_survives(secret in planted(), (before, after) in surroundings(), max in 0usize..900) {
        let text = format!("{before}{}{after}", secret.written);
        let around = format!("{before}{after}");
        let redactor = redactor(&secret);
        assert_gone(redactor.text(&text).as_str(), &secret, &around)?;
        let bounded = redactor.text_bounded(&text, max);
        prop_assert!(bounded.as_str().len() <= max);
        assert_gone(bounded.as_str(), &secret, &around)?;
        let (bytes, _) = redactor.bytes(text.as_bytes(), max);
        prop_assert!(bytes.as_str().len() <= max);
        assert_gone(bytes.as_str(), &secret, &around)?;
    }

    #[test]
    fn a_planted_secret_never_survives_inside_json(
        secret in planted(), (before, after) in surroundings(), depth in 1usize..4, max in 0usize..3000, unicode in any::<bool>(),
    ) {
        let redactor = redactor(&secret);
        let around = format!("{before}{after}");
        let mut body = format!("{before}{}{after}", secret.written);
        for _ in 0..depth {
            body = serde_json::json!({
                "model": "m",
                "messages": [{ "role": "user", "content": "z".repeat(700) }, { "role": "user", "content": body }],
            }).to_string();
        }
        if unicode {
            body = escape_letters(&body);
        }
        let shown = redactor.text(&body);
        assert_gone(shown.as_str(), &secret, &around)?;
        prop_assert!(serde_json::from_str::<serde_json::Value>(shown.as_str()).is_ok(), "{shown}");
        let shown = redactor.request_body(body.as_bytes(), max);
        prop_assert!(shown.text.as_str().len() <= max);
        assert_gone(shown.text.as_str(), &secret, &around)?;
        let small = max < 300;
        prop_assert!(small || serde_json::from_str::<serde_json::Value>(shown.text.as_str()).is_ok(), "{}", shown.text);
    }

    #[test]
    fn redacting_twice_changes_nothing(secret in planted(), (before, after) in surroundings()) {
        let redactor = redactor(&secret);
        let once = redactor.text(&format!("{before}{}{after}", secret.written));
        let twice = redactor.text(once.as_str());
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn words_without_a_secret_are_unchanged(words in proptest::collection::vec("[a-z]{1,12}|[0-9]{1,9}|[A-Z][a-z]{1,9}", 0..60)) {
        let text = words.join(" ");
        let shown = Redactor::default().text(&text);
        prop_assert_eq!(shown.as_str(), text);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), max in 0usize..700) {
        let redactor = Redactor::new([Secret::new("opaque~credential")]);
        let _ = redactor.bytes(&bytes, max);
        prop_assert!(redactor.request_body(&bytes, max).text.as_str().len() <= max);
    }

    #[test]
    fn no_text_near_the_grammar_makes_it_panic(
        parts in proptest::collection::vec(prop_oneof![
            Just("sk-"), Just("key"), Just("\""), Just("\\"), Just("\\u00"), Just("{"), Just("}"), Just("["), Just("]"),
            Just(":"), Just("="), Just(","), Just(" "), Just("Bearer "), Just("eyJ"), Just("."), Just("-----BEGIN "),
            Just("PRIVATE KEY-----"), Just("://"), Just("@"), Just("a:b"), Just("arn:aws"), Just("::"), Just("projects/"),
            Just("organization"), Just("%4"), Just("[redacted:token]"), Just("?"), Just("é"), Just("token"), Just("1234567890"),
            Just("--"), Just("'"), Just("password"), Just("messages"), Just("authorization"), Just("\n"),
        ], 0..60),
        max in 0usize..400,
    ) {
        let text = parts.concat();
        let redactor = Redactor::default();
        let once = redactor.text(&text);
        let json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        prop_assert!(!json || serde_json::from_str::<serde_json::Value>(once.as_str()).is_ok(), "{text} {once}");
        let _ = redactor.text_bounded(&text, max);
        prop_assert!(redactor.request_body(text.as_bytes(), max).text.as_str().len() <= max);
    }
}

/// The same JSON with every letter of its strings' second half of the alphabet as an escape.
fn escape_letters(json: &str) -> String {
    let mut out = String::new();
    let mut escaped = false;
    for char in json.chars() {
        if !escaped && matches!(char, 'g'..='z') {
            let _ = write!(out, "\\u{:04x}", u32::from(char));
        } else {
            out.push(char);
        }
        escaped = !escaped && char == '\\';
    }
    out
}
