//! What was read from OpenAI's documentation, both ways.
#![allow(clippy::unwrap_used, clippy::panic)]

mod fixtures;
mod properties;
mod refusals;
mod streams;

use std::{fs, path::PathBuf};

use crate::translate::{Context, Target};

const TARGET: Target<'static> = Target {
    model: "gpt-5",
    max_tokens: 4096,
};

fn context() -> Context {
    Context {
        request_id: "req01".to_owned(),
        model: "asked-for".to_owned(),
        created: 1_741_476_542,
        stream_usage: false,
    }
}

/// Every fixture of a kind, by name.
fn fixtures(kind: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/responses");
    let mut found: Vec<(String, String)> = fs::read_dir(folder.join(kind))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn fixture(kind: &str, name: &str) -> String {
    let all = fixtures(kind);
    all.into_iter().find(|(found, _)| found == name).unwrap().1
}
