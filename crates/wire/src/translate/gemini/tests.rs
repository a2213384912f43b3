//! Fixtures written from Google's documentation, and conversations made at random.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use waybill_model::protocol::StreamFormat;

use super::{
    super::{
        Context, Setting, Spot, Target, Untranslatable,
        talk::{
            Amount, Answer, At, Content, Delta, Effort, Format, Maker, Media, MediaKind, Opening,
            Part, Prompt, Role, Signature, Source, Stop, Thinking, Thought, Tokens, Tool, ToolCall,
            ToolChoice, ToolResult, Turn,
        },
        text::{Json, Text},
    },
    *,
};

mod random;
mod refusals;
mod streams;
mod writing;

const OLD: Target<'static> = Target {
    model: "gemini-2.5-pro",
    max_tokens: 1000,
};
const NEW: Target<'static> = Target {
    model: "gemini-3.5-flash",
    max_tokens: 1000,
};

fn context() -> Context {
    Context {
        request_id: "req-1".to_owned(),
        model: "asked-for".to_owned(),
        created: 0,
        stream_usage: false,
    }
}

fn folder(kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/gemini")
        .join(kind)
}

/// Every fixture of a kind, by its file's name.
fn fixtures(kind: &str, ending: &str) -> Vec<(String, String)> {
    let mut all: Vec<_> = std::fs::read_dir(folder(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    all.sort();
    assert!(!all.is_empty());
    all
}

fn fixture(file: &str) -> String {
    std::fs::read_to_string(folder("").join(file)).unwrap()
}

fn json(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).unwrap()
}

fn user(content: Content<'static>) -> Prompt<'static> {
    Prompt {
        turns: vec![Turn {
            role: Role::User,
            parts: vec![content.into()],
        }],
        ..Prompt::default()
    }
}

#[test]
fn requests_are_read_as_they_are_meant() {
    for (name, body) in fixtures("request", "json") {
        insta::assert_debug_snapshot!(format!("request_{name}"), read_prompt(&body).unwrap());
    }
}

#[test]
fn a_request_that_is_written_again_says_the_same() {
    for (name, body) in fixtures("request", "json") {
        let prompt = read_prompt(&body).unwrap();
        for target in [OLD, NEW] {
            let written = String::from_utf8(write_prompt(&prompt, target).unwrap()).unwrap();
            let mut again = read_prompt(&written).unwrap();
            // The older generation takes no files inside results.
            if name == "tools" && target.model == OLD.model {
                continue;
            }
            // Effort becomes a budget where there are no levels.
            if name == "snake" && target.model == OLD.model {
                again.thinking = prompt.thinking.clone();
            }
            assert_eq!(prompt, again, "{name} for {}", target.model);
        }
    }
}

#[test]
fn answers_are_read_as_they_are_meant() {
    for (name, body) in fixtures("answer", "json") {
        insta::assert_debug_snapshot!(format!("answer_{name}"), read_answer(&body).unwrap());
    }
}

#[test]
fn an_answer_that_is_written_again_says_the_same() {
    for (name, body) in fixtures("answer", "json") {
        let answer = read_answer(&body).unwrap();
        let written = String::from_utf8(write_answer(&answer, &context())).unwrap();
        assert_eq!(answer, read_answer(&written).unwrap(), "{name}");
    }
}

#[test]
fn an_answer_that_served_nobody_is_an_error_that_names_the_word() {
    let errors: Vec<String> = fixtures("error", "json")
        .into_iter()
        .map(|(name, body)| format!("{name}: {}", read_answer(&body).unwrap_err()))
        .collect();
    assert_eq!(
        errors,
        [
            "foreign: the answer holds a part that was not asked for: executableCode",
            "malformed: Gemini gave up (MALFORMED_FUNCTION_CALL): Malformed function call: weather(city=",
            "unended: the answer does not say why it is over (no `finishReason`)",
        ]
    );
}

#[test]
fn both_spellings_mean_the_same() {
    let snake = fixture("request/snake.json");
    let camel = snake
        .replace("system_instruction", "systemInstruction")
        .replace("inline_data", "inlineData")
        .replace("mime_type", "mimeType")
        .replace("thought_signature", "thoughtSignature")
        .replace("function_call\"", "functionCall\"")
        .replace("function_response", "functionResponse")
        .replace("function_declarations", "functionDeclarations")
        .replace("parameters_json_schema", "parametersJsonSchema")
        .replace("tool_config", "toolConfig")
        .replace("function_calling_config", "functionCallingConfig")
        .replace("generation_config", "generationConfig")
        .replace("max_output_tokens", "maxOutputTokens")
        .replace("top_k", "topK")
        .replace("stop_sequences", "stopSequences")
        .replace("thinking_config", "thinkingConfig")
        .replace("thinking_level", "thinkingLevel")
        .replace("include_thoughts", "includeThoughts");
    assert!(
        !camel.contains('_') || camel.matches('_').count() == 0,
        "{camel}"
    );
    assert_eq!(read_prompt(&snake).unwrap(), read_prompt(&camel).unwrap());
}

#[test]
fn text_is_borrowed_from_the_body() {
    let body = fixture("request/text.json");
    let prompt = read_prompt(&body).unwrap();
    let Content::Text(text) = &prompt.turns[1].parts[0].content else {
        panic!("{prompt:?}");
    };
    assert!(matches!(text.0, std::borrow::Cow::Borrowed(_)));
}

#[test]
fn a_signature_of_another_maker_travels_as_bytes_in_base64() {
    let foreign = Signature {
        maker: Maker::Anthropic,
        value: Text::from("EqQB/+=="),
    };
    let written = write_signature(&foreign).into_owned();
    assert!(BASE64.decode(&written).is_ok(), "{written}");
    assert!(written.starts_with(FOREIGN));
    // As Google's Python client gives it back.
    let url_safe = written.replace('+', "-").replace('/', "_");
    for form in [written.as_str(), &url_safe, written.trim_end_matches('=')] {
        assert_eq!(read_signature(Text::from(form)), Some(foreign.clone()));
    }
    let own = read_signature(Text::from("c2ln")).unwrap();
    assert_eq!(own.maker, Maker::Gemini);
    assert_eq!(write_signature(&own), "c2ln");
    assert_eq!(read_signature(Text::from(NO_SIGNATURE)), None);
}

#[test]
fn a_count_asks_for_what_would_be_sent() {
    let body = fixture("request/tools.json");
    let prompt = read_prompt(&body).unwrap();
    let counted = count::write_request(&prompt, NEW).unwrap();
    let mut sent = json(&write_prompt(&prompt, NEW).unwrap());
    sent["model"] = "models/gemini-3.5-flash".into();
    assert_eq!(json(&counted)["generateContentRequest"], sent);
    let counted = String::from_utf8(counted).unwrap();
    assert_eq!(count::read_request(&counted).unwrap(), prompt);

    let plain = r#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#;
    assert_eq!(
        count::read_request(plain).unwrap(),
        read_prompt(plain).unwrap()
    );
    let error = count::read_request(
        r#"{"generateContentRequest":{"contents":[],"cachedContent":"cachedContents/1"}}"#,
    )
    .unwrap_err();
    assert_eq!(spell(&error.what), "generateContentRequest.cachedContent");
    assert_eq!(count::read_answer(r#"{"totalTokens":31,"x":[]}"#), Ok(31));
    assert!(count::read_answer("{}").is_err());
    assert_eq!(count::write_answer(31), br#"{"totalTokens":31}"#);
}

#[test]
fn generations_are_read_from_names() {
    for (model, expected) in [
        ("gemini-2.5-pro", Some(2)),
        ("models/gemini-3-pro-preview", Some(3)),
        ("gemini-3.5-flash", Some(3)),
        ("gemini-10", Some(10)),
        ("gemini-2.5-flash-latest", Some(2)),
        ("gemini-flash-latest", Some(u32::MAX)),
        ("gemini-exp", None),
        ("claude-sonnet-4-5", None),
        ("", None),
    ] {
        assert_eq!(generation(model), expected, "{model}");
    }
}

#[test]
fn a_call_that_names_no_function_is_no_answer() {
    for call in ["{}", r#"{"name":null}"#, r#"{"name":""}"#] {
        let body = format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{call}}}]}},"finishReason":"STOP"}}]}}"#
        );
        assert!(read_answer(&body).is_err(), "{call}");
    }
}
