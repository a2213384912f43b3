//! What every fixture of every dialect becomes in every other: one snapshot for each pair and kind.

use std::fmt::Write;

use serde_json::Value;
use waybill_model::protocol::StreamFormat;

use crate::{
    crossing::Crossing,
    dialects::{all, context, pairs},
};

fn check(kind: &str, from: &str, to: &str, golden: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(format!("{kind}_{from}_to_{to}"), golden);
    });
}

/// As JSON that can be read, with every letter of it.
fn pretty(json: &[u8]) -> String {
    let value: Value = serde_json::from_slice(json).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

#[test]
fn requests() {
    let all = all();
    for (client, provider) in pairs(&all) {
        let mut golden = String::new();
        for (name, body) in client.fixtures("request") {
            let prompt = (client.read_prompt)(&body);
            let told = match prompt
                .and_then(|prompt| (provider.write_prompt)(&prompt, provider.target()))
            {
                Ok(written) => pretty(&written),
                Err(refusal) => {
                    format!("refused: {} {}", (client.spell)(&refusal.what), refusal.why)
                }
            };
            writeln!(golden, "## {name}\n{told}\n").unwrap();
        }
        check("request", client.name, provider.name, &golden);
    }
}

#[test]
fn answers() {
    let all = all();
    for (provider, client) in pairs(&all) {
        let mut golden = String::new();
        for (name, body) in provider.fixtures("answer") {
            let told = match (provider.read_answer)(&body) {
                Ok(answer) => pretty(&(client.write_answer)(&answer, &context())),
                Err(why) => format!("unreadable: {why}"),
            };
            writeln!(golden, "## {name}\n{told}\n").unwrap();
        }
        check("answer", provider.name, client.name, &golden);
    }
}

#[test]
fn streams() {
    let all = all();
    for (provider, client) in pairs(&all) {
        let mut golden = String::new();
        for (name, stream) in provider.fixtures("stream") {
            let format = format_of(&name, provider.format);
            let mut crossing = Crossing::new(provider, format, client);
            let told = match crossing
                .feed(stream.as_bytes())
                .and_then(|()| crossing.finish())
            {
                Ok(bytes) => String::from_utf8(bytes).unwrap(),
                Err(why) => format!("unreadable: {why}"),
            };
            writeln!(golden, "## {name}\n{told}\n").unwrap();
        }
        check("stream", provider.name, client.name, &golden);
    }
}

/// Gemini streams in two ways; the array's fixtures are JSON files.
pub fn format_of(name: &str, usual: StreamFormat) -> StreamFormat {
    if name.ends_with(".json") {
        StreamFormat::GeminiArray
    } else {
        usual
    }
}
