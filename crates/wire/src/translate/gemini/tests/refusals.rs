//! What is refused, by whose name, and why.

use super::*;

fn refused(body: &str) -> (String, String) {
    let Untranslatable { what, why } = read_prompt(body).unwrap_err();
    (spell(&what), why.into_owned())
}

#[test]
fn what_cannot_be_said_to_others_is_refused_by_the_client_s_name() {
    let part = |part: &str| format!(r#"{{"contents":[{{"parts":[{{"text":"a"}},{part}]}}]}}"#);
    let config = |config: &str| format!(r#"{{"generationConfig":{{{config}}}}}"#);
    let tool = |tool: &str| format!(r#"{{"tools":[{{}},{tool}]}}"#);
    let table: Vec<(String, &str, &str)> = vec![
        (r#"{"cachedContent":"cachedContents/1"}"#.into(), "cachedContent", "kept with Google"),
        (r#"{"cached_content":"cachedContents/1"}"#.into(), "cachedContent", "kept with Google"),
        (r#"{"somethingNew":1}"#.into(), "somethingNew", "another provider") ,
        (part(r#"{"executableCode":{"code":"x"}}"#), "contents.0.parts.1.executableCode", "another provider"),
        (part(r#"{"codeExecutionResult":{}}"#), "contents.0.parts.1.codeExecutionResult", "another provider"),
        (part(r#"{"inlineData":{"mimeType":"video/mp4","data":""},"videoMetadata":{"fps":1}}"#), "contents.0.parts.1.videoMetadata", "another provider"),
        (part(r#"{"brandNew":{}}"#), "contents.0.parts.1.brandNew", "another provider"),
        (part("{}"), "contents.0.parts.1", "says nothing"),
        (part(r#"{"text":"a","functionCall":{"name":"f"}}"#), "contents.0.parts.1", "several things"),
        (part(r#"{"functionCall":{"args":{}}}"#), "contents.0.parts.1.functionCall.name", "missing"),
        (part(r#"{"functionCall":{"name":"f","args":"x"}}"#), "contents.0.parts.1.functionCall.args", "no object"),
        (part(r#"{"functionResponse":{"name":"f","response":{}}}"#), "contents.0.parts.1.functionResponse", "answers no function call"),
        (part(r#"{"functionResponse":{"name":"f","response":{},"willContinue":true}}"#), "contents.0.parts.1.functionResponse.willContinue", "another provider"),
        (part(r#"{"text":1}"#), "contents.0.parts.1.text", "cannot be read"),
        (part(r#"{"inlineData":{"data":"AA=="}}"#), "contents.0.parts.1.inlineData.mimeType", "missing"),
        (r#"{"contents":[{"role":"system","parts":[{"text":"a"}]}]}"#.into(), "contents.0.role", "neither"),
        (r#"{"systemInstruction":{"parts":[{"text":"a"},{"inlineData":{"mimeType":"image/png","data":""}}]}}"#.into(), "systemInstruction.parts.1", "not text"),
        (tool(r#"{"googleSearch":{}}"#), "tools.1.googleSearch", "Google runs"),
        (tool(r#"{"google_search":{}}"#), "tools.1.googleSearch", "Google runs"),
        (tool(r#"{"codeExecution":{}}"#), "tools.1.codeExecution", "Google runs"),
        (tool(r#"{"urlContext":{}}"#), "tools.1.urlContext", "Google runs"),
        (tool(r#"{"functionDeclarations":[{"name":"f","parameters":{},"parametersJsonSchema":{}}]}"#), "tools.1.functionDeclarations.0.parametersJsonSchema", "only one"),
        (tool(r#"{"functionDeclarations":[{"name":"f","behavior":"NON_BLOCKING"}]}"#), "tools.1.functionDeclarations.0.behavior", "another provider"),
        (r#"{"tools":[{"functionDeclarations":[{"name":"a"},{"name":"b"},{"name":"c"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["a","b"]}}}"#.into(), "toolConfig.functionCallingConfig.allowedFunctionNames", "some of the tools"),
        (r#"{"toolConfig":{"functionCallingConfig":{"mode":"SOMETIMES"}}}"#.into(), "toolConfig.functionCallingConfig.mode", "not a mode"),
        (r#"{"toolConfig":{"retrievalConfig":{}}}"#.into(), "toolConfig.retrievalConfig", "another provider"),
        (config(r#""candidateCount":2"#), "generationConfig.candidateCount", "one answer"),
        (config(r#""responseModalities":["TEXT","IMAGE"]"#), "generationConfig.responseModalities", "text"),
        (config(r#""responseLogprobs":true"#), "generationConfig.responseLogprobs", "another provider"),
        (config(r#""speechConfig":{}"#), "generationConfig.speechConfig", "another provider"),
        (config(r#""mediaResolution":"MEDIA_RESOLUTION_LOW""#), "generationConfig.mediaResolution", "another provider"),
        (config(r#""responseMimeType":"text/x.enum""#), "generationConfig.responseMimeType", "another provider"),
        (config(r#""topK":1.5"#), "generationConfig.topK", "whole"),
        (config(r#""thinkingConfig":{"thinkingBudget":-2}"#), "generationConfig.thinkingConfig.thinkingBudget", "less"),
        (config(r#""thinkingConfig":{"thinkingLevel":"huge"}"#), "generationConfig.thinkingConfig.thinkingLevel", "not a level"),
        (config(r#""maxOutputTokens":"many""#), "generationConfig.maxOutputTokens", "cannot be read"),
        (r#"{"safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_LOW_AND_ABOVE"}]}"#.into(), "safetySettings.0.threshold", "stricter"),
        ("[]".into(), "", "cannot be read"),
        ("{".into(), "", "cannot be read"),
    ];
    for (body, name, why) in table {
        let (found, reason) = refused(&body);
        assert_eq!(found, name, "{body}");
        assert!(reason.contains(why), "{body}: {reason}");
    }
}

#[test]
fn what_gemini_cannot_be_told_is_refused_before_anything_is_sent() {
    let media = |kind, mime: Option<&'static str>, source| {
        user(Content::Media(Media {
            kind,
            mime: mime.map(Text::from),
            source,
            name: None,
        }))
    };
    let tool = |schema: &'static str| Prompt {
        tools: vec![Tool {
            name: "f".into(),
            description: None,
            parameters: Some(Json::parse(schema.to_owned()).unwrap()),
            strict: None,
        }],
        ..Prompt::default()
    };
    let stops = Prompt {
        stop: ["a", "b", "c", "d", "e", "f"].map(Text::from).to_vec(),
        ..Prompt::default()
    };
    let one_call = Prompt {
        parallel_tool_calls: Some(false),
        ..tool(r#"{"type":"object"}"#)
    };
    let seed = Prompt {
        seed: Some(1 << 40),
        ..Prompt::default()
    };
    let result = user(Content::ToolResult(ToolResult {
        id: "x".into(),
        name: None,
        parts: Vec::new(),
        is_error: false,
    }));
    let call = user(Content::ToolCall(ToolCall {
        id: "x".into(),
        name: "f".into(),
        arguments: Json::parse("3".to_owned()).unwrap(),
        signature: None,
    }));
    let here = Spot::Part(At::default());
    let table = [
        (stops, Spot::Setting(Setting::Stop), "5"),
        (seed, Spot::Setting(Setting::Seed), "larger"),
        (
            one_call,
            Spot::Setting(Setting::ParallelToolCalls),
            "several",
        ),
        (tool(r#"{"type":"string"}"#), Spot::Tool(0), "object"),
        (
            tool(r#"{"properties":{"a":{"items":false,"type":"array","prefixItems":[false]}}}"#),
            Spot::Tool(0),
            "parameters.properties.a.items",
        ),
        (
            media(MediaKind::Image, None, Source::File("file_1".into())),
            here.clone(),
            "another provider",
        ),
        (
            media(MediaKind::Image, None, Source::Url("ftp://x/y.png".into())),
            here.clone(),
            "https://",
        ),
        (
            media(MediaKind::Image, None, Source::Base64("AA==".into())),
            here.clone(),
            "type",
        ),
        (result, here.clone(), "tool's name"),
        (call, here, "JSON object"),
    ];
    for (prompt, what, why) in table {
        let error = write_prompt(&prompt, OLD).unwrap_err();
        assert_eq!(error.what, what, "{prompt:?}");
        assert!(error.why.contains(why), "{}", error.why);
    }
}

#[test]
fn every_place_has_a_name() {
    let at = At {
        message: 2,
        part: 3,
    };
    assert_eq!(spell(&Spot::Part(at)), "contents.2.parts.3");
    assert_eq!(spell(&Spot::System(1)), "systemInstruction.parts.1");
    assert_eq!(spell(&Spot::Tool(4)), "tools.0.functionDeclarations.4");
    for setting in [
        Setting::ToolChoice,
        Setting::ParallelToolCalls,
        Setting::MaxTokens,
        Setting::Temperature,
        Setting::TopP,
        Setting::TopK,
        Setting::Seed,
        Setting::PresencePenalty,
        Setting::FrequencyPenalty,
        Setting::Stop,
        Setting::Thinking,
        Setting::Format,
        Setting::User,
    ] {
        assert!(!spell(&Spot::Setting(setting)).is_empty(), "{setting:?}");
    }
}
