//! The score of redaction on a corpus of real provider errors, when one is at hand.
#![allow(clippy::unwrap_used, clippy::panic)]

/// Prints past the test runner, which hides what a passing test says: the scores are to be seen.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

use std::path::PathBuf;

use waybill_model::redact::Redactor;

#[derive(serde::Deserialize)]
struct Entry {
    id: String,
    body: String,
    expect: Expect,
}

#[derive(serde::Deserialize)]
struct Expect {
    message: Option<String>,
    #[serde(default)]
    redact: Vec<String>,
}

fn corpus() -> Option<Vec<Entry>> {
    let folder = std::env::var_os("WAYBILL_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let file = if folder.is_dir() {
        folder.join("errors.jsonl")
    } else {
        folder
    };
    let Ok(text) = std::fs::read_to_string(&file) else {
        say!("no corpus at {}: skipped", file.display());
        return None;
    };
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

#[test]
fn nothing_that_must_be_redacted_survives() {
    let Some(entries) = corpus() else { return };
    let redactor = Redactor::default();
    let (mut due, mut done) = (0, 0);
    let mut survivors = Vec::new();
    for entry in &entries {
        let body = redactor.text(&entry.body);
        let message = redactor.text(entry.expect.message.as_deref().unwrap_or_default());
        for secret in &entry.expect.redact {
            due += 1;
            if body.as_str().contains(secret) || message.as_str().contains(secret) {
                survivors.push(format!("{}: {secret}", entry.id));
            } else {
                done += 1;
            }
        }
    }
    say!("redaction score: {done} of {due}");
    assert!(survivors.is_empty(), "{survivors:#?}");
}

#[test]
fn a_body_without_secrets_is_unchanged() {
    let Some(entries) = corpus() else { return };
    let redactor = Redactor::default();
    let clean = entries
        .iter()
        .filter(|entry| entry.expect.redact.is_empty());
    for entry in clean {
        assert_eq!(
            redactor.text(&entry.body).as_str(),
            entry.body,
            "{}",
            entry.id
        );
    }
}

#[test]
fn with_secrets_only_they_go() {
    let Some(entries) = corpus() else { return };
    let redactor = Redactor::default();
    for entry in entries
        .iter()
        .filter(|entry| !entry.expect.redact.is_empty())
    {
        let redacted = redactor.text(&entry.body);
        let mut expected = entry.body.clone();
        for secret in &entry.expect.redact {
            expected = expected.replace(secret, "*");
        }
        assert_eq!(without_marks(redacted.as_str()), expected, "{}", entry.id);
    }
}

/// Marks as one star each.
fn without_marks(text: &str) -> String {
    let mut parts = text.split("[redacted:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('*');
        out.push_str(part.split_once(']').unwrap().1);
    }
    out
}
