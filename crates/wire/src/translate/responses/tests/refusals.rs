//! What is refused, and under which name.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::TARGET;
use crate::translate::{
    Setting, Spot, Untranslatable,
    responses::{read_prompt, spell, write_prompt},
    talk::{Content, Media, MediaKind, Part, Prompt, Role, Source, Turn},
};

fn told(refused: &Untranslatable) -> String {
    format!("{} {}", spell(&refused.what), refused.why)
}

#[test]
fn what_cannot_be_said_is_refused_by_its_name() {
    let bodies = [
        r#"{"input":"#,
        r#"[]"#,
        r#"{}"#,
        r#"{"input":7}"#,
        r#"{"input":"a","temperature":"hot"}"#,
        r#"{"input":"a","logit_bias":{}}"#,
        r#"{"input":"a","previous_response_id":"resp_1"}"#,
        r#"{"input":"a","conversation":{"id":"conv_1"}}"#,
        r#"{"input":"a","background":true}"#,
        r#"{"input":"a","prompt":{"id":"pmpt_1"}}"#,
        r#"{"input":"a","truncation":"auto"}"#,
        r#"{"input":"a","max_tool_calls":3}"#,
        r#"{"input":"a","top_logprobs":2}"#,
        r#"{"input":"a","include":["reasoning.encrypted_content","message.output_text.logprobs"]}"#,
        r#"{"input":"a","stream_options":{"include_usage":true}}"#,
        r#"{"input":"a","user":"x","safety_identifier":"y"}"#,
        r#"{"input":"a","reasoning":{"effort":"heroic"}}"#,
        r#"{"input":"a","reasoning":{"summary":"long"}}"#,
        r#"{"input":"a","reasoning":{"mode":"pro"}}"#,
        r#"{"input":"a","text":{"format":{"type":"grammar"}}}"#,
        r#"{"input":"a","text":{"format":{"type":"json_schema","name":"n"}}}"#,
        r#"{"input":"a","text":{"format":{"type":"json_object","name":"n"}}}"#,
        r#"{"input":"a","tools":[{"type":"function","name":"f"},{"type":"web_search","external_web_access":false}]}"#,
        r#"{"input":"a","tools":[{"type":"local_shell"}]}"#,
        r#"{"input":"a","tools":[{"type":"mcp","server_label":"l","server_url":"https://example.com"}]}"#,
        r#"{"input":"a","tools":[{"type":"namespace","name":"n","tools":[]}]}"#,
        r#"{"input":"a","tools":[{"type":"teleport"}]}"#,
        r#"{"input":"a","tools":[{"type":"function","name":"f","defer_loading":true}]}"#,
        r#"{"input":"a","tools":[{"type":"function","name":"f","colour":"red"}]}"#,
        r#"{"input":"a","tools":[{"type":"function","name":"f__custom"}]}"#,
        r#"{"input":"a","tools":[{"type":"function"}]}"#,
        r#"{"input":"a","tools":[{"type":"custom","name":"c","parameters":{}}]}"#,
        r#"{"input":"a","tool_choice":"sometimes"}"#,
        r#"{"input":"a","tool_choice":{"type":"web_search_preview"}}"#,
        r#"{"input":"a","tool_choice":{"type":"allowed_tools","mode":"auto","tools":[]}}"#,
        r#"{"input":[{"role":"narrator","content":"a"}]}"#,
        r#"{"input":[{"role":"user"}]}"#,
        r#"{"input":[{"role":"user","content":"a"},{"id":"msg_1"}]}"#,
        r#"{"input":[{"type":"item_reference","id":"msg_1"}]}"#,
        r#"{"input":[{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"q"}}]}"#,
        r#"{"input":[{"type":"local_shell_call","call_id":"c","action":{"type":"exec","command":["ls"]}}]}"#,
        r#"{"input":[{"type":"compaction","encrypted_content":"x"}]}"#,
        r#"{"input":[{"role":"user","content":"a","output":"b"}]}"#,
        r#"{"input":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"","format":"mp3"}}]}]}"#,
        r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image"}]}]}"#,
        r#"{"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png,abc"}]}]}"#,
        r#"{"input":[{"role":"user","content":[{"type":"input_image","image_url":"https://a","file_id":"f"}]}]}"#,
        r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"a","cache":true}]}]}"#,
        r#"{"input":[{"role":"user","content":[{"type":"input_text","filename":"a"}]}]}"#,
        r#"{"input":[{"role":"user","content":[{"type":"refusal","refusal":"no"}]}]}"#,
        r#"{"input":[{"role":"developer","content":[{"type":"input_image","image_url":"https://a"}]}]}"#,
        r#"{"input":[{"type":"function_call","name":"f","arguments":"{}"}]}"#,
        r#"{"input":[{"type":"function_call","call_id":"c","name":"f","arguments":"[1]"}]}"#,
        r#"{"input":[{"type":"function_call","call_id":"c","name":"f","namespace":"n","arguments":"{}"}]}"#,
        r#"{"input":[{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"a"},{"type":"sound"}]}]}"#,
        r#"{"input":[{"type":"reasoning","summary":[],"encrypted_content":"waybill.call.x"}]}"#,
        r#"{"input":[{"type":"reasoning","summary":[{"type":"poem","text":"a"}]}]}"#,
    ];
    let mut all = String::new();
    for body in bodies {
        let refused = read_prompt(body).map(|_| ()).expect_err(body);
        all.push_str(&format!("{body}\n    {}\n", told(&refused)));
    }
    insta::assert_snapshot!(all);
}

fn user(content: Content<'static>) -> Vec<Turn<'static>> {
    vec![Turn {
        role: Role::User,
        parts: vec![Part::from(content)],
    }]
}

fn media(
    kind: MediaKind,
    source: Source<'static>,
    name: Option<&'static str>,
) -> Vec<Turn<'static>> {
    user(Content::Media(Media {
        kind,
        mime: None,
        source,
        name: name.map(Into::into),
    }))
}

#[test]
fn what_openai_takes_not_is_refused_before_it_is_sent() {
    let nothing = Prompt::default;
    let prompts = [
        Prompt {
            top_k: Some(5),
            ..nothing()
        },
        Prompt {
            seed: Some(5),
            ..nothing()
        },
        Prompt {
            presence_penalty: Some(1.into()),
            ..nothing()
        },
        Prompt {
            frequency_penalty: Some((-1).into()),
            ..nothing()
        },
        Prompt {
            stop: vec!["\n".into()],
            ..nothing()
        },
        Prompt {
            system: vec![Content::Refusal("no".into()).into()],
            ..nothing()
        },
        Prompt {
            turns: media(MediaKind::Audio, Source::Base64("AA==".into()), None),
            ..nothing()
        },
        Prompt {
            turns: media(MediaKind::Video, Source::Url("https://a".into()), None),
            ..nothing()
        },
        Prompt {
            turns: media(MediaKind::Image, Source::File("f".into()), None),
            ..nothing()
        },
        Prompt {
            turns: media(MediaKind::Image, Source::Base64("AA==".into()), None),
            ..nothing()
        },
        Prompt {
            turns: media(
                MediaKind::Image,
                Source::Url("https://a".into()),
                Some("a.png"),
            ),
            ..nothing()
        },
        Prompt {
            turns: user(Content::Refusal("no".into())),
            ..nothing()
        },
    ];
    let mut all = String::new();
    for prompt in prompts {
        let refused = write_prompt(&prompt, TARGET).unwrap_err();
        all.push_str(&format!("{:?} {}\n", refused.what, refused.why));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_penalty_of_nothing_may_be_left_unsaid() {
    let prompt = Prompt {
        presence_penalty: Some(0.into()),
        frequency_penalty: serde_json::Number::from_f64(0.0),
        ..Prompt::default()
    };
    write_prompt(&prompt, TARGET).unwrap();
}

#[test]
fn a_place_is_spelled_as_the_client_wrote_it() {
    let body = r#"{"input":[
        {"role":"user","content":"a"},
        {"role":"user","content":[{"type":"input_text","text":"b"},{"type":"input_text","text":"c"}]},
        {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
        {"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"d"}]}]}"#;
    let prompt = read_prompt(body).unwrap();
    let mut places = Vec::new();
    for part in prompt.turns.iter().flat_map(|turn| &turn.parts) {
        places.push(spell(&Spot::Part(part.at)));
        if let Content::ToolResult(result) = &part.content {
            places.extend(result.parts.iter().map(|part| spell(&Spot::Part(part.at))));
        }
    }
    assert_eq!(
        places,
        [
            "input.0",
            "input.1.content.0",
            "input.1.content.1",
            "input.2",
            "input.3",
            "input.3.output.0"
        ]
    );
    let only = read_prompt(r#"{"input":"a"}"#).unwrap();
    assert_eq!(spell(&Spot::Part(only.turns[0].parts[0].at)), "input");
    assert_eq!(
        spell(&Spot::Setting(Setting::MaxTokens)),
        "max_output_tokens"
    );
    assert_eq!(spell(&Spot::Tool(2)), "tools.2");
    assert_eq!(spell(&Spot::System(1)), "instructions");
}

#[test]
fn a_user_whose_name_is_too_long_stays_the_same_user() {
    let prompt = |name: String| Prompt {
        user: Some(name.into()),
        ..Prompt::default()
    };
    let written = |name: &str| {
        let body = write_prompt(&prompt(name.to_owned()), TARGET).unwrap();
        let body = String::from_utf8(body).unwrap();
        read_prompt(&body).unwrap().user.unwrap().to_string()
    };
    assert_eq!(written("u"), "u");
    let long = "u".repeat(65);
    assert_eq!(written(&long).len(), 64);
    assert_eq!(written(&long), written(&long));
    assert_ne!(written(&long), written(&"v".repeat(65)));
}
