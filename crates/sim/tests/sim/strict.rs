//! What the real services refuse is refused, in their words; what they take is taken.

use crate::{
    loops::{TONGUES, Tongue},
    support::{Answer, Rig, rig, rig_with},
};
use serde_json::{Value, json};
use waybill_model::protocol::Platform;
use waybill_sim::{Sim, SimOptions, Strictness};

/// The model whose conversation is spoilt.
const MODEL: &str = "sim-agent";

/// A conversation with one round of tools behind it, as the agent takes it.
async fn conversation(rig: &Rig, tongue: Tongue, model: &str) -> Value {
    let mut turns = tongue.question();
    let heard = tongue.ask(rig, model, &turns, true, false).await;
    let said: Vec<String> = heard.calls.iter().map(|call| call.name.clone()).collect();
    turns.extend(heard.turn);
    turns.extend(tongue.results(&heard.calls, &said));
    tongue.body(model, &turns, true, false)
}

async fn post(rig: &Rig, tongue: Tongue, model: &str, body: &Value) -> Answer {
    rig.post(&tongue.path(model, false), body).await.unwrap()
}

type Spoil = fn(&mut Value);

/// Spoils a good conversation in each way and looks for the complaint in the error.
async fn refuses(tongue: Tongue, model: &str, table: &[(Spoil, &str)]) {
    let rig = rig().await;
    let good = conversation(&rig, tongue, model).await;
    let answer = post(&rig, tongue, model, &good).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for (spoil, complaint) in table {
        let mut body = good.clone();
        spoil(&mut body);
        assert_ne!(body, good, "{complaint}");
        let answer = post(&rig, tongue, model, &body).await;
        assert_eq!(answer.status, 400, "{complaint}\n{body}");
        let error = answer.json()["error"].clone();
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains(complaint),
            "wanted: {complaint}\nsaid: {message}"
        );
        match tongue {
            Tongue::Messages => assert_eq!(error["type"], "invalid_request_error"),
            Tongue::Chat | Tongue::Responses => {
                assert_eq!(error["type"], "invalid_request_error");
                assert!(error.get("param").is_some() && error.get("code").is_some());
            }
            Tongue::Gemini | Tongue::Assist => assert_eq!(error["status"], "INVALID_ARGUMENT"),
        }
    }
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().remove(key);
}

fn list(value: &mut Value) -> &mut Vec<Value> {
    value.as_array_mut().unwrap()
}

#[tokio::test]
async fn messages_are_refused_as_anthropic_refuses_them() {
    refuses(
        Tongue::Messages,
        MODEL,
        &[
            (|b| b["n"] = json!(1), "n: Extra inputs are not permitted"),
            (|b| b["messages"][0]["name"] = json!("x"), "messages.0.name: Extra inputs are not permitted"),
            (|b| b["messages"][1]["content"][1]["id"] = json!("x"), "messages.1.content.1.text.id: Extra inputs are not permitted"),
            (|b| b["messages"][0]["role"] = json!("developer"), "messages.0.role: Input should be 'user', 'assistant' or 'system'"),
            (|b| b["messages"][0]["content"] = json!([{ "type": "input_text", "text": "x" }]), "Input tag 'input_text' found using 'type' does not match any of the expected tags"),
            (|b| b["messages"][0]["content"] = json!([{ "text": "x" }]), "messages.0.content.0: Unable to extract tag using discriminator 'type'"),
            (|b| b["messages"][0]["content"] = json!(5), "messages.0.content: Input should be a valid string"),
            (|b| remove(b, "max_tokens"), "max_tokens: Field required"),
            (|b| b["messages"] = json!([]), "messages: at least one message is required"),
            (|b| { list(&mut b["messages"]).remove(0); }, "first message must use the \"user\" role"),
            (|b| b["messages"][0]["content"] = json!(""), "messages.0: all messages must have non-empty content"),
            (|b| b["messages"][0]["content"] = json!([{ "type": "text", "text": "" }]), "text content blocks must be non-empty"),
            (|b| { list(&mut b["messages"]).pop(); }, "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_"),
            (|b| { list(&mut b["messages"][2]["content"]).pop(); }, "messages.1: `tool_use` ids were found without `tool_result` blocks"),
            (|b| list(&mut b["messages"][2]["content"]).insert(0, json!({ "type": "text", "text": "So:" })), "messages.1: `tool_use` ids were found without `tool_result` blocks"),
            (|b| b["messages"][2]["content"][0]["tool_use_id"] = json!("toolu_x"), "messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_x"),
            (|b| b["messages"][1]["content"][2]["id"] = json!("call|1"), "tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"),
            (|b| b["messages"][1]["content"][2]["input"] = json!("{}"), "messages.1.content.2.tool_use.input: Input should be a valid dictionary"),
            (|b| b["messages"][1]["content"][0]["signature"] = json!("CiQB4"), "messages.1.content.0: Invalid `signature` in `thinking` block"),
            (|b| b["messages"][1]["content"][0]["thinking"] = json!("another"), "messages.1.content.0: Invalid `signature` in `thinking` block"),
            (|b| remove(&mut b["messages"][1]["content"][0], "signature"), "messages.1.content.0.thinking.signature: Field required"),
            (|b| { list(&mut b["messages"][1]["content"]).remove(0); }, "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`"),
            (|b| b["max_tokens"] = json!(1024), "`max_tokens` must be greater than `thinking.budget_tokens`"),
            (|b| b["thinking"]["budget_tokens"] = json!(1000), "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"),
            (|b| b["temperature"] = json!(0.2), "`temperature` may only be set to 1 when thinking is enabled"),
            (|b| b["temperature"] = json!(1.5), "temperature: Input should be less than or equal to 1"),
            (|b| b["top_k"] = json!(5), "`top_k` must be unset when thinking is enabled"),
            (|b| b["tool_choice"] = json!({ "type": "any" }), "Thinking may not be enabled when tool_choice forces tool use"),
            (|b| b["tool_choice"] = json!("auto"), "tool_choice: Input should be an object"),
            (|b| remove(&mut b["tools"][0]["input_schema"], "type"), "tools.0.custom.input_schema.type: Field required"),
            (|b| b["tools"][0]["input_schema"]["properties"]["city"]["type"] = json!("STRING"), "tools.0.custom.input_schema: JSON schema is invalid"),
            (|b| b["tools"][0]["name"] = json!("get.weather"), "tools.0.custom.name: String should match pattern"),
            (|b| b["tools"][1]["name"] = json!("get_weather"), "Tool names must be unique"),
            (|b| b["tools"][0] = json!({ "type": "function", "function": {} }), "tools.0: Input tag 'function' found using 'type'"),
            (|b| b["stop_sequences"] = json!(["\n"]), "each stop sequence must contain non-whitespace"),
            (|b| b["metadata"] = json!({ "team": "a" }), "metadata.team: Extra inputs are not permitted"),
        ],
    )
    .await;
}

#[tokio::test]
async fn chat_completions_are_refused_as_openai_refuses_them() {
    refuses(
        Tongue::Chat,
        MODEL,
        &[
            (|b| b["top_k"] = json!(5), "Unrecognized request argument supplied: top_k"),
            (|b| b["messages"][0]["cache_control"] = json!({}), "Unknown parameter: 'messages[0].cache_control'."),
            (|b| b["messages"][0]["role"] = json!("model"), "Invalid value: 'model'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."),
            (|b| b["messages"] = json!([]), "Invalid 'messages': empty array"),
            (|b| { list(&mut b["messages"]).pop(); }, "The following tool_call_ids did not have response messages: call_"),
            (|b| b["messages"][2]["tool_call_id"] = json!("call_x"), "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'"),
            (|b| b["messages"][1]["tool_calls"] = json!([]), "Invalid 'messages[1].tool_calls': empty array"),
            (|b| { remove(&mut b["messages"][1], "tool_calls"); b["messages"][1]["content"] = Value::Null; list(&mut b["messages"]).truncate(2); }, "Invalid value for 'content': expected a string, got null."),
            (|b| b["messages"][1]["tool_calls"][0]["id"] = json!("x".repeat(41)), "Expected a string with maximum length 40, but got a string with length 41 instead."),
            (|b| b["messages"][1]["tool_calls"][0]["function"]["arguments"] = json!({}), "Invalid type for 'messages[1].tool_calls[0].function.arguments': expected a string, but got an object instead."),
            (|b| b["messages"][2]["content"] = json!([{ "type": "image_url", "image_url": { "url": "https://x" } }]), "Invalid value: 'image_url'. Supported values are: 'text'."),
            (|b| b["messages"][0]["content"] = json!([{ "type": "image_url", "image_url": { "url": "aGk=" } }]), "Expected a valid URL"),
            (|b| b["tools"][0] = json!({ "name": "x", "input_schema": {} }), "Missing required parameter: 'tools[0].type'."),
            (|b| b["tools"][0]["function"]["name"] = json!("a b"), "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."),
            (|b| b["tools"][0]["function"]["parameters"]["type"] = json!("OBJECT"), "Invalid schema for function 'get_weather': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"OBJECT\"'."),
            (|b| b["tools"][0]["function"]["parameters"]["properties"]["city"] = json!({ "type": "array" }), "In context=('properties', 'city'), array schema missing items."),
            (|b| b["tools"][0]["function"]["strict"] = json!(true), "'additionalProperties' is required to be supplied and to be false."),
            (|b| { remove(b, "tools"); b["tool_choice"] = json!("auto"); }, "'tool_choice' is only allowed when 'tools' are specified."),
            (|b| b["tool_choice"] = json!("any"), "Invalid value: 'any'. Supported values are: 'none', 'auto', and 'required'."),
            (|b| b["stop"] = json!(["a", "b", "c", "d", "e"]), "Invalid 'stop': array too long"),
            (|b| b["temperature"] = json!(2.5), "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.5 instead."),
            (|b| b["stream_options"] = json!({ "include_usage": true }), "The 'stream_options' parameter is only allowed when 'stream' is enabled."),
            (|b| { b["max_tokens"] = json!(5); b["max_completion_tokens"] = json!(5); }, "Setting 'max_tokens' and 'max_completion_tokens' at the same time"),
            (|b| b["metadata"] = json!({ "a": 5 }), "Invalid type for 'metadata.a'"),
            (|b| b["response_format"] = json!({ "type": "json_object" }), "'messages' must contain the word 'json'"),
        ],
    )
    .await;
    refuses(
        Tongue::Chat,
        "gpt-5-sim-agent",
        &[
            (|b| b["max_tokens"] = json!(500), "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
            (|b| b["temperature"] = json!(0.5), "Unsupported value: 'temperature' does not support 0.5 with this model."),
        ],
    )
    .await;
}

#[tokio::test]
async fn responses_are_refused_as_openai_refuses_them() {
    refuses(
        Tongue::Responses,
        MODEL,
        &[
            (|b| b["stop"] = json!("x"), "Unknown parameter: 'stop'."),
            (|b| b["messages"] = json!([]), "Unknown parameter: 'messages'."),
            (|b| b["input"][0]["role"] = json!("tool"), "Invalid value: 'tool'. Supported values are: 'assistant', 'system', 'developer', and 'user'."),
            (|b| b["input"][0]["content"] = json!([{ "type": "text", "text": "x" }]), "Invalid value: 'text'. Supported values are: 'input_text'"),
            (|b| b["input"][0]["content"] = json!([{ "type": "output_text", "text": "x" }]), "Invalid value: 'output_text'. Supported values are: 'input_text'"),
            (|b| b["input"][1]["encrypted_content"] = json!("gAAAAABoforeign-content"), "The encrypted content gAAA...tent could not be verified."),
            (|b| remove(&mut b["input"][1], "encrypted_content"), "Items are not persisted when `store` is set to false."),
            (|b| { let item = b["input"][1].clone(); list(&mut b["input"]).push(item); }, "of type 'reasoning' was provided without its required following item."),
            (|b| { list(&mut b["input"]).pop(); }, "No tool output found for function call call_"),
            (|b| { list(&mut b["input"]).remove(3); }, "No tool call found for function call output with call_id call_"),
            (|b| b["input"][3]["id"] = json!("call_1"), "Expected an ID that begins with 'fc'."),
            (|b| b["input"][3]["arguments"] = json!({}), "Invalid type for 'input[3].arguments': expected a string"),
            (|b| remove(&mut b["input"][5], "output"), "Missing required parameter: 'input[5].output'."),
            (|b| b["tools"][0] = json!({ "type": "function", "function": { "name": "x" } }), "Unknown parameter: 'tools[0].function'."),
            (|b| b["max_output_tokens"] = json!(5), "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 5 instead."),
            (|b| b["previous_response_id"] = json!("resp_1"), "Previous response with id 'resp_1' not found."),
            (|b| b["include"] = json!(["thoughts"]), "Invalid value: 'thoughts'."),
            (|b| b["reasoning"]["effort"] = json!("huge"), "Invalid value: 'huge'. Supported values are: 'none', 'minimal'"),
        ],
    )
    .await;
}

const GEMINI: &[(Spoil, &str)] = &[
    (
        |b| b["messages"] = json!([]),
        "Invalid JSON payload received. Unknown name \"messages\"",
    ),
    (
        |b| b["contents"][0]["content"] = json!("x"),
        "contents[0]': Cannot find field.",
    ),
    (
        |b| b["contents"][0]["role"] = json!("assistant"),
        "Please use a valid role: user, model.",
    ),
    (
        |b| b["contents"][0]["parts"] = json!([]),
        "contents[0].parts: contents.parts must not be empty",
    ),
    (
        |b| b["contents"][0]["parts"] = json!([{}]),
        "contents[0].parts[0].data: required oneof field 'data' must have one initialized field",
    ),
    (
        |b| b["contents"][0]["parts"] = json!([{ "text": ["x"] }]),
        "Unknown name \"text\" at '",
    ),
    (
        |b| {
            list(&mut b["contents"]).remove(0);
        },
        "Please ensure that function call turn comes immediately after a user turn",
    ),
    (
        |b| {
            list(&mut b["contents"]).remove(1);
        },
        "Please ensure that function response turn comes immediately after a function call turn.",
    ),
    (
        |b| {
            list(&mut b["contents"][2]["parts"]).pop();
        },
        "the number of function response parts is equal to the number of function call parts",
    ),
    (
        |b| {
            list(&mut b["contents"]).pop();
        },
        "the number of function response parts is equal to the number of function call parts",
    ),
    (
        |b| b["contents"][2]["parts"][0]["functionResponse"]["response"] = json!("x"),
        "(type.googleapis.com/google.protobuf.Struct), \"x\"",
    ),
    (
        |b| b["contents"][2]["parts"][0]["functionResponse"]["name"] = json!(""),
        "function_response.name: Name cannot be empty.",
    ),
    (
        |b| b["contents"][1]["parts"][2]["thoughtSignature"] = json!("CiQB4/H/made-up"),
        "Thought signature is not valid",
    ),
    (
        |b| {
            let s = b["contents"][1]["parts"][2]["thoughtSignature"].take();
            b["contents"][1]["parts"][1]["thoughtSignature"] = s;
        },
        "Thought signature is not valid",
    ),
    (
        |b| b["tools"][0]["functionDeclarations"][0]["strict"] = json!(true),
        "Unknown name \"strict\" at '",
    ),
    (
        |b| b["tools"][0]["functionDeclarations"][0]["parameters"]["$schema"] = json!("x"),
        "tools[0].function_declarations[0].parameters': Cannot find field.",
    ),
    (
        |b| {
            b["tools"][0]["functionDeclarations"][0]["parameters"]["properties"]["city"]["const"] =
                json!("x")
        },
        "tools[0].function_declarations[0].parameters.properties[0].value': Cannot find field.",
    ),
    (
        |b| {
            b["tools"][0]["functionDeclarations"][0]["parameters"]["properties"]["city"]["type"] =
                json!(["string", "null"])
        },
        "parameters.properties[0].value': Proto field is not repeating, cannot start list.",
    ),
    (
        |b| {
            b["tools"][0]["functionDeclarations"][0]["parameters"]["properties"]["city"]["format"] =
                json!("uri")
        },
        "parameters.properties[city].format: only 'enum' and 'date-time' are supported for STRING type",
    ),
    (
        |b| {
            b["tools"][0]["functionDeclarations"][0]["parameters"] =
                json!({ "type": "object", "properties": {} })
        },
        "parameters.properties: should be non-empty for OBJECT type",
    ),
    (
        |b| b["tools"][0]["functionDeclarations"][0]["name"] = json!("9 lives"),
        "Invalid function name. Must start with a letter or an underscore.",
    ),
    (
        |b| b["tools"][0]["functionDeclarations"][1]["name"] = json!("get_weather"),
        "Duplicate function declaration found: get_weather",
    ),
    (
        |b| b["toolConfig"] = json!({ "functionCallingConfig": { "mode": "any_tool" } }),
        "mode' (TYPE_ENUM), \"any_tool\"",
    ),
    (
        |b| b["toolConfig"] = json!({ "functionCallingConfig": { "mode": "AUTO", "allowedFunctionNames": ["get_time"] } }),
        "allowed_function_names: only allowed when the mode is ANY",
    ),
    (
        |b| b["generationConfig"]["stopSequences"] = json!(["1", "2", "3", "4", "5", "6"]),
        "must not exceed 5",
    ),
    (
        |b| {
            b["generationConfig"]["thinkingConfig"] =
                json!({ "thinkingBudget": 5, "thinkingLevel": "LOW" })
        },
        "You can only set only one of thinking budget and thinking level.",
    ),
    (
        |b| b["generationConfig"]["max_tokens"] = json!(5),
        "Unknown name \"max_tokens\" at '",
    ),
];

const SIGNED_CALLS: &[(Spoil, &str)] = &[(
    |b| {
        remove(&mut b["contents"][1]["parts"][2], "thoughtSignature");
    },
    "Function call is missing a thought_signature in functionCall parts.",
)];

#[tokio::test]
async fn gemini_requests_are_refused_as_google_refuses_them() {
    refuses(Tongue::Gemini, MODEL, GEMINI).await;
    refuses(Tongue::Gemini, "gemini-3-pro-sim-agent", SIGNED_CALLS).await;
}

#[tokio::test]
async fn code_assist_checks_its_envelope_and_the_request_in_it() {
    let rig = rig().await;
    let good = conversation(&rig, Tongue::Assist, MODEL).await;
    for (spoil, complaint) in GEMINI {
        let mut body = good.clone();
        spoil(&mut body["request"]);
        let answer = post(&rig, Tongue::Assist, MODEL, &body).await;
        let message = answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        let in_envelope = complaint.replace("at 'contents", "at 'request.contents");
        assert!(
            message.contains(&in_envelope),
            "wanted: {complaint}\nsaid: {message}"
        );
        if message.contains("Unknown name") {
            assert!(message.contains(" at 'request"), "{message}");
        }
    }
    refuses(
        Tongue::Assist,
        MODEL,
        &[
            (
                |b| b["contents"] = json!([]),
                "Unknown name \"contents\": Cannot find field.",
            ),
            (
                |b| remove(b, "model"),
                "Request contains an invalid argument.",
            ),
            (
                |b| remove(b, "request"),
                "Request contains an invalid argument.",
            ),
            (
                |b| remove(b, "project"),
                "Invalid resource field value in the request.",
            ),
            (
                |b| b["request"]["store"] = json!(true),
                "Unknown name \"store\" at 'request': Cannot find field.",
            ),
        ],
    )
    .await;
    refuses(
        Tongue::Assist,
        "claude-sonnet-4-5-sim-agent",
        &[(
            |b| b["request"]["contents"][1]["parts"][0]["thoughtSignature"] = json!("CikBGhQdmade"),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        )],
    )
    .await;
}

#[tokio::test]
async fn a_signature_of_one_provider_is_none_of_anothers() {
    let rig = rig().await;
    let gemini = conversation(&rig, Tongue::Gemini, MODEL).await;
    let body = json!({ "model": MODEL, "project": "p-1", "request": gemini });
    let answer = post(&rig, Tongue::Assist, MODEL, &body).await;
    assert_eq!(
        answer.json()["error"]["message"],
        "Thought signature is not valid"
    );
}

#[tokio::test]
async fn a_call_that_another_model_made_passes_with_the_documented_waiver() {
    let rig = rig().await;
    let model = "gemini-3-pro-sim-agent";
    let mut body = conversation(&rig, Tongue::Gemini, model).await;
    body["contents"][1]["parts"][2]["thoughtSignature"] = json!("skip_thought_signature_validator");
    let answer = post(&rig, Tongue::Gemini, model, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn what_the_documentation_shows_passes() {
    let rig = rig().await;
    let pixel = "iVBORw0KGgo=";
    for (tongue, body) in [
        (
            Tongue::Messages,
            json!({
                "model": MODEL, "max_tokens": 64, "temperature": 0.5, "top_k": 3, "stop_sequences": ["END"],
                "metadata": { "user_id": "u" }, "service_tier": "auto", "tool_choice": { "type": "tool", "name": "f" },
                "system": [{ "type": "text", "text": "Be brief.", "cache_control": { "type": "ephemeral", "ttl": "1h" } }],
                "tools": [{ "name": "f", "description": "d", "input_schema": { "type": "object", "properties": {}, "additionalProperties": false } },
                          { "type": "web_search_20250305", "name": "web_search", "max_uses": 2 }],
                "messages": [
                    { "role": "user", "content": [
                        { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": pixel } },
                        { "type": "document", "source": { "type": "url", "url": "https://example.com/a.pdf" }, "title": "a", "citations": { "enabled": true } },
                        { "type": "text", "text": "What is it?" } ] },
                    { "role": "assistant", "content": [{ "type": "tool_use", "id": "t1", "name": "f", "input": {} }] },
                    { "role": "user", "content": [
                        { "type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": [{ "type": "text", "text": "no" },
                          { "type": "image", "source": { "type": "url", "url": "https://example.com/a.png" } }] },
                        { "type": "text", "text": "So?" } ] },
                    { "role": "user", "content": "Go on." } ],
            }),
        ),
        (
            Tongue::Chat,
            json!({
                "model": MODEL, "temperature": 0.5, "stop": "END", "n": 1, "seed": 5, "user": "u", "max_completion_tokens": 90,
                "reasoning_effort": "low", "parallel_tool_calls": false, "tool_choice": { "type": "function", "function": { "name": "f" } },
                "tools": [{ "type": "function", "function": { "name": "f", "description": "d" } }],
                "messages": [
                    { "role": "system", "content": "Be brief." },
                    { "role": "user", "name": "ann", "content": [
                        { "type": "text", "text": "What is it?" },
                        { "type": "image_url", "image_url": { "url": format!("data:image/png;base64,{pixel}"), "detail": "low" } } ] },
                    { "role": "assistant", "content": null, "refusal": null, "annotations": [], "tool_calls": [{ "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{}" } }] },
                    { "role": "tool", "tool_call_id": "c1", "content": [{ "type": "text", "text": "no" }] } ],
            }),
        ),
        (
            Tongue::Responses,
            json!({
                "model": MODEL, "instructions": "Be brief.", "max_output_tokens": 90, "store": false, "truncation": "auto",
                "text": { "format": { "type": "text" }, "verbosity": "low" }, "tool_choice": "auto", "parallel_tool_calls": true,
                "tools": [{ "type": "function", "name": "f", "parameters": null, "strict": false }, { "type": "web_search_preview" }],
                "input": [
                    { "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "What is it?" }, { "type": "input_image", "image_url": "https://example.com/a.png" }] },
                    { "role": "assistant", "content": "Let me see." },
                    { "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}", "id": null },
                    { "type": "function_call_output", "call_id": "c1", "output": [{ "type": "input_text", "text": "no" }] } ],
            }),
        ),
        (
            Tongue::Gemini,
            json!({
                "system_instruction": { "parts": [{ "text": "Be brief." }] },
                "safetySettings": [{ "category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE" }],
                "generation_config": { "max_output_tokens": 90, "temperature": 0.5, "responseMimeType": "text/plain" },
                "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["f"] } },
                "tools": [{ "functionDeclarations": [
                    { "name": "f", "description": "d" },
                    { "name": "g", "parametersJsonSchema": { "type": "object", "$defs": {}, "additionalProperties": false } },
                    { "name": "h", "parameters": { "type": "OBJECT", "properties": { "a": { "anyOf": [{ "type": "STRING", "enum": ["x"] }, { "type": "ARRAY", "items": { "type": "INTEGER" } }] } }, "required": ["a"] } } ] }],
                "contents": [
                    { "parts": [{ "text": "What is it?" }, { "inlineData": { "mimeType": "image/png", "data": pixel } }] },
                    { "role": "model", "parts": [{ "functionCall": { "name": "f" } }] },
                    { "role": "user", "parts": [{ "function_response": { "name": "f", "response": {} } }, { "text": "So?" }] } ],
            }),
        ),
    ] {
        let answer = post(&rig, tongue, MODEL, &body).await;
        assert_eq!(answer.status, 200, "{tongue:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn how_strict_a_simulator_is_can_be_chosen() {
    for (strictness, ordinary, simulated) in [
        (Strictness::Simulated, 200, 400),
        (Strictness::Platforms(vec![Platform::OpenAi]), 400, 400),
        (Strictness::Platforms(vec![Platform::Gemini]), 200, 400),
        (Strictness::All, 400, 400),
        (Strictness::Off, 200, 200),
    ] {
        let options = SimOptions {
            strictness: strictness.clone(),
            ..SimOptions::default()
        };
        let rig = rig_with(options, false).await;
        for (model, status) in [("gpt-4.1", ordinary), (MODEL, simulated)] {
            let mut body = Tongue::Chat.body(model, &Tongue::Chat.question(), false, false);
            body["top_k"] = json!(5);
            let answer = post(&rig, Tongue::Chat, model, &body).await;
            assert_eq!(answer.status, status, "{strictness:?} {model}");
        }
        Sim::stop(rig.sim).await;
    }
}

#[tokio::test]
async fn every_ordinary_answer_can_be_sent_back_to_a_strict_simulator() {
    let options = SimOptions {
        strictness: Strictness::All,
        ..SimOptions::default()
    };
    let rig = rig_with(options, false).await;
    for (tongue, model) in TONGUES.iter().zip([
        "claude-sonnet-4-5",
        "gpt-5",
        "gpt-5",
        "gemini-3-pro",
        "gemini-3-pro-high",
    ]) {
        for stream in [false, true] {
            let mut turns = tongue.question();
            let heard = tongue.ask(&rig, model, &turns, true, stream).await;
            turns.extend(heard.turn);
            turns.extend(tongue.question());
            tongue.ask(&rig, model, &turns, true, stream).await;
        }
    }
}
