//! What is refused, and under which name.

use super::*;
use crate::translate::{
    Setting, Spot, Untranslatable,
    talk::{Content, Media, MediaKind, Part, Role, Source, ToolResult, Turn},
};

/// A body, the client's name of what is wrong in it, and a piece of why.
const UNREADABLE: &[(&str, &str, &str)] = &[
    (r#"nonsense"#, "", "cannot be read: expected ident"),
    (r#"{}"#, "", "missing field `messages`"),
    (r#"{"messages":[]} x"#, "", "is followed by"),
    (r#"{"messages":"hi"}"#, "messages", "invalid type: string"),
    (
        r#"{"messages":[],"top_k":5}"#,
        "top_k",
        "is not a field that Waybill knows",
    ),
    (
        r#"{"messages":[],"seed":"5"}"#,
        "seed",
        "invalid type: string",
    ),
    (
        r#"{"messages":[],"max_tokens":-1}"#,
        "max_tokens",
        "invalid value",
    ),
    (
        r#"{"messages":[],"max_tokens":5,"max_completion_tokens":6}"#,
        "max_tokens",
        "contradicts",
    ),
    (r#"{"messages":[],"n":2}"#, "n", "only OpenAI's own API"),
    (
        r#"{"messages":[],"logprobs":true}"#,
        "logprobs",
        "only OpenAI's own API",
    ),
    (
        r#"{"messages":[],"top_logprobs":2}"#,
        "top_logprobs",
        "only OpenAI's own API",
    ),
    (
        r#"{"messages":[],"logit_bias":{"50256":-100}}"#,
        "logit_bias",
        "only OpenAI's own API",
    ),
    (
        r#"{"messages":[],"modalities":["text","audio"]}"#,
        "modalities",
        "other than text",
    ),
    (
        r#"{"messages":[],"verbosity":"low"}"#,
        "verbosity",
        "only OpenAI's own API",
    ),
    (
        r#"{"messages":[],"audio":{"voice":"ash","format":"wav"}}"#,
        "audio",
        "only OpenAI's own API",
    ),
    (
        r#"{"messages":[],"prediction":{"type":"content","content":"x"}}"#,
        "prediction",
        "only OpenAI's own API",
    ),
    (
        r#"{"messages":[],"web_search_options":{}}"#,
        "web_search_options",
        "only OpenAI's own API",
    ),
    (
        r#"{"messages":[],"moderation":{"model":"m"}}"#,
        "moderation",
        "only OpenAI's own API",
    ),
    (
        r#"{"messages":[],"functions":[]}"#,
        "functions",
        "deprecated",
    ),
    (
        r#"{"messages":[],"function_call":"auto"}"#,
        "function_call",
        "deprecated",
    ),
    (
        r#"{"messages":[],"reasoning_effort":"huge"}"#,
        "reasoning_effort",
        "is `huge`",
    ),
    (
        r#"{"messages":[],"stream_options":{"pad":1}}"#,
        "stream_options.pad",
        "is not a field",
    ),
    (
        r#"{"messages":[],"response_format":{"type":"grammar"}}"#,
        "response_format.type",
        "is `grammar`",
    ),
    (
        r#"{"messages":[],"response_format":{"type":"json_schema"}}"#,
        "response_format.json_schema",
        "is missing",
    ),
    (
        r#"{"messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"x"}}}"#,
        "response_format.json_schema.schema",
        "is missing",
    ),
    (
        r#"{"messages":[],"response_format":{"type":"text","json_schema":{"name":"x"}}}"#,
        "response_format.json_schema",
        "has no place",
    ),
    (
        r#"{"messages":[],"tools":[{"type":"function","function":{"name":"a"}},{"type":"custom","custom":{"name":"b"}}]}"#,
        "tools.1",
        "of the type `custom`",
    ),
    (
        r#"{"messages":[],"tools":[{"type":"function"}]}"#,
        "tools.0.function",
        "is missing",
    ),
    (
        r#"{"messages":[],"tools":[{"type":"function","function":{"name":"a","cached":1}}]}"#,
        "tools.0.function.cached",
        "is not a field",
    ),
    (
        r#"{"messages":[],"tool_choice":"any"}"#,
        "tool_choice",
        "is `any`",
    ),
    (
        r#"{"messages":[],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}}}"#,
        "tool_choice",
        "of the type `allowed_tools`",
    ),
    (
        r#"{"messages":[],"tool_choice":{"type":"custom","custom":{"name":"b"}}}"#,
        "tool_choice",
        "of the type `custom`",
    ),
    (
        r#"{"messages":[{"role":"function","name":"f","content":"x"}]}"#,
        "messages.0.role",
        "is `function`, which is deprecated",
    ),
    (
        r#"{"messages":[{"role":"robot","content":"x"}]}"#,
        "messages.0.role",
        "is `robot`",
    ),
    (
        r#"{"messages":[{"content":"x"}]}"#,
        "messages.0",
        "missing field `role`",
    ),
    (
        r#"{"messages":[{"role":"user","content":"x"},{"role":"user","content":5}]}"#,
        "messages.1.content",
        "invalid type: integer",
    ),
    (
        r#"{"messages":[{"role":"user","content":"x","name":"ada"}]}"#,
        "messages.0.name",
        "tells apart",
    ),
    (
        r#"{"messages":[{"role":"user","content":"x","tool_calls":[]}]}"#,
        "messages.0.tool_calls",
        "has no place in a message of the role `user`",
    ),
    (
        r#"{"messages":[{"role":"user","content":"x","mood":1}]}"#,
        "messages.0.mood",
        "is not a field",
    ),
    (
        r#"{"messages":[{"role":"tool","content":"x"}]}"#,
        "messages.0.tool_call_id",
        "is missing",
    ),
    (
        r#"{"messages":[{"role":"tool","tool_call_id":"c","content":[{"type":"image_url","image_url":{"url":"https://x.example"}}]}]}"#,
        "messages.0.content.0",
        "of the type `image_url`",
    ),
    (
        r#"{"messages":[{"role":"system","content":[{"type":"text","text":"a"},{"type":"file","file":{"file_id":"f"}}]}]}"#,
        "messages.0.content.1",
        "of the type `file`",
    ),
    (
        r#"{"messages":[{"role":"assistant","audio":{"id":"a"}}]}"#,
        "messages.0.audio",
        "kept with OpenAI",
    ),
    (
        r#"{"messages":[{"role":"assistant","function_call":{"name":"f","arguments":""}}]}"#,
        "messages.0.function_call",
        "deprecated",
    ),
    (
        r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"custom","custom":{"name":"f","input":""}}]}]}"#,
        "messages.0.tool_calls.0",
        "of the type `custom`",
    ),
    (
        r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"[1]"}}]}]}"#,
        "messages.0.tool_calls.0.function.arguments",
        "is no JSON object",
    ),
    (
        r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":"}}]}]}"#,
        "messages.0.tool_calls.0.function.arguments",
        "is no JSON object",
    ),
    (
        r#"{"messages":[{"role":"assistant","tool_calls":[{"type":"function","function":{"name":"f","arguments":"{}"}}]}]}"#,
        "messages.0.tool_calls.0.id",
        "is missing",
    ),
    (
        r#"{"messages":[{"role":"user","content":[{"type":"video_url","text":"x"}]}]}"#,
        "messages.0.content.0",
        "of the type `video_url`",
    ),
    (
        r#"{"messages":[{"role":"user","content":[{"type":"text"}]}]}"#,
        "messages.0.content.0.text",
        "is missing",
    ),
    (
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"x","image_url":{"url":"y"}}]}]}"#,
        "messages.0.content.0.image_url",
        "has no place in a part of the type `text`",
    ),
    (
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"x","weight":2}]}]}"#,
        "messages.0.content.0.weight",
        "is not a field",
    ),
    (
        r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png,raw"}}]}]}"#,
        "messages.0.content.0.image_url.url",
        "not in base64",
    ),
    (
        r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png"}}]}]}"#,
        "messages.0.content.0.image_url.url",
        "without data",
    ),
    (
        r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.example","detail":"low"}}]}]}"#,
        "messages.0.content.0.image_url.detail",
        "is `low`",
    ),
    (
        r#"{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA","format":"ogg"}}]}]}"#,
        "messages.0.content.0.input_audio.format",
        "is `ogg`",
    ),
    (
        r#"{"messages":[{"role":"user","content":[{"type":"file","file":{"filename":"x"}}]}]}"#,
        "messages.0.content.0.file.file_data",
        "is missing",
    ),
    (
        r#"{"messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"AA","file_id":"f"}}]}]}"#,
        "messages.0.content.0.file.file_id",
        "contradicts",
    ),
];

#[test]
fn what_cannot_be_carried_over_is_refused_by_its_name() {
    for (body, name, why) in UNREADABLE {
        let refusal = read_prompt(body).expect_err(body);
        assert_eq!(spell(&refusal.what), *name, "{body}: {}", refusal.why);
        assert!(refusal.why.contains(why), "{body}: {}", refusal.why);
    }
}

#[test]
fn a_refusal_repeats_no_more_of_the_body_than_a_word() {
    let long = "x".repeat(1000);
    let bodies = [
        format!(r#"{{"messages":[],"seed":"{long}"}}"#),
        format!(r#"{{"messages":[],"{long}":1}}"#),
        format!(r#"{{"messages":[],"reasoning_effort":"{long}"}}"#),
        format!(r#"{{"messages":[{{"role":"{long}"}}]}}"#),
        format!(r#"{{"messages":[{{"role":"user","content":[{{"type":"{long}"}}]}}]}}"#),
    ];
    for body in bodies {
        let refusal = read_prompt(&body).unwrap_err();
        let said = format!("{} {}", spell(&refusal.what), refusal.why);
        assert!(said.len() < 250, "{said}");
    }
    let secret = read_prompt(r#"{"messages":[],"seed":"a \"secret\" text"}"#).unwrap_err();
    assert!(!secret.why.contains("secret"), "{}", secret.why);
}

fn media(kind: MediaKind, mime: Option<&'static str>, source: Source<'static>) -> Content<'static> {
    Content::Media(Media {
        kind,
        mime: mime.map(Into::into),
        source,
        name: None,
    })
}

fn refused(role: Role, content: Content<'_>) -> Untranslatable {
    let prompt = Prompt {
        turns: vec![Turn {
            role,
            parts: vec![content.into()],
        }],
        ..Prompt::default()
    };
    write_prompt(&prompt, TARGET).expect_err("was written")
}

#[test]
fn what_chat_cannot_say_is_refused_where_it_stands() {
    let data = || Source::Base64("AAAA".into());
    let url = || Source::Url("https://files.example/x".into());
    let cases = [
        (
            media(MediaKind::Video, Some("video/mp4"), data()),
            "is a video",
        ),
        (
            media(MediaKind::Document, Some("application/pdf"), url()),
            "at an address",
        ),
        (
            media(MediaKind::Document, Some("text/csv"), data()),
            "only PDF",
        ),
        (
            media(MediaKind::Audio, Some("audio/ogg"), data()),
            "sound of a type",
        ),
        (
            media(MediaKind::Audio, Some("audio/wav"), url()),
            "sound at an address",
        ),
        (
            media(MediaKind::Image, None, data()),
            "does not say its type",
        ),
        (
            media(
                MediaKind::Image,
                Some("image/png"),
                Source::File("f".into()),
            ),
            "with another provider",
        ),
        (
            media(
                MediaKind::Image,
                Some("image/png"),
                Source::Plain("x".into()),
            ),
            "plain text",
        ),
        (Content::Refusal("no".into()), "role `user`"),
        (
            Content::ToolResult(ToolResult {
                id: "".into(),
                name: None,
                parts: Vec::new(),
                is_error: false,
            }),
            "which call it answers",
        ),
        (
            Content::ToolResult(ToolResult {
                id: "c".into(),
                name: None,
                parts: vec![Part::from(Content::Refusal("no".into()))],
                is_error: false,
            }),
            "role `tool`",
        ),
    ];
    for (content, why) in cases {
        let refusal = refused(Role::User, content.clone());
        assert!(matches!(refusal.what, Spot::Part(_)), "{content:?}");
        assert!(refusal.why.contains(why), "{content:?}: {}", refusal.why);
    }
    let picture = media(MediaKind::Image, Some("image/png"), data());
    assert!(
        refused(Role::Assistant, picture.clone())
            .why
            .contains("file in an answer")
    );

    let named = Content::Media(Media {
        kind: MediaKind::Image,
        mime: Some("image/png".into()),
        source: data(),
        name: Some("map".into()),
    });
    assert!(refused(Role::User, named).why.contains("has a name"));

    let system = Prompt {
        system: vec![picture.into()],
        ..Prompt::default()
    };
    let refusal = write_prompt(&system, TARGET).unwrap_err();
    assert_eq!(refusal.what, Spot::System(0));

    let top_k = Prompt {
        top_k: Some(1),
        ..Prompt::default()
    };
    let refusal = write_prompt(&top_k, TARGET).unwrap_err();
    assert_eq!(refusal.what, Spot::Setting(Setting::TopK));
}
