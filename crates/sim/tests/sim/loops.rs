//! A small client goes through the agent's tool loop in every protocol, streamed and not.

use crate::support::{Rig, rig};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use waybill_sim::SimOptions;

/// One call, as every protocol has it.
#[derive(Debug, Clone)]
pub struct Call {
    pub id: String,
    pub name: String,
    pub arguments: Value,
}

/// One answer, read out of a protocol's own words.
#[derive(Debug)]
pub struct Heard {
    pub text: String,
    pub thought: bool,
    pub calls: Vec<Call>,
    pub cached: u64,
    /// What goes back into the conversation.
    pub turn: Vec<Value>,
}

/// A protocol, as a client of it knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    Messages,
    Chat,
    Responses,
    Gemini,
    Assist,
}

pub const TONGUES: &[Tongue] = &[
    Tongue::Messages,
    Tongue::Chat,
    Tongue::Responses,
    Tongue::Gemini,
    Tongue::Assist,
];

const TOOLS: [&str; 2] = ["get_weather", "get_time"];

fn schema() -> Value {
    json!({ "type": "object", "properties": { "city": { "type": "string" }, "days": { "type": "integer" } }, "required": ["city"] })
}

impl Tongue {
    pub fn question(self) -> Vec<Value> {
        let text = "What is it like in Tartu now?";
        match self {
            Tongue::Messages | Tongue::Chat | Tongue::Responses => {
                vec![json!({ "role": "user", "content": text })]
            }
            Tongue::Gemini | Tongue::Assist => {
                vec![json!({ "role": "user", "parts": [{ "text": text }] })]
            }
        }
    }

    pub fn body(self, model: &str, turns: &[Value], thinks: bool, stream: bool) -> Value {
        let mut body = match self {
            Tongue::Messages => json!({
                "model": model, "max_tokens": 4096, "messages": turns, "stream": stream,
                "tools": TOOLS.map(|name| json!({ "name": name, "input_schema": schema() })),
            }),
            Tongue::Chat => json!({
                "model": model, "messages": turns, "stream": stream,
                "tools": TOOLS.map(|name| json!({ "type": "function", "function": { "name": name, "parameters": schema() } })),
            }),
            Tongue::Responses => json!({
                "model": model, "input": turns, "stream": stream, "store": false,
                "include": ["reasoning.encrypted_content"],
                "tools": TOOLS.map(|name| json!({ "type": "function", "name": name, "parameters": schema() })),
            }),
            Tongue::Gemini | Tongue::Assist => json!({
                "contents": turns,
                "tools": [{ "functionDeclarations": TOOLS.map(|name| json!({ "name": name, "parameters": schema() })) }],
            }),
        };
        match self {
            Tongue::Chat if stream => body["stream_options"] = json!({ "include_usage": true }),
            Tongue::Messages if thinks => {
                body["thinking"] = json!({ "type": "enabled", "budget_tokens": 1024 });
            }
            Tongue::Responses if thinks => {
                body["reasoning"] = json!({ "effort": "low", "summary": "auto" })
            }
            Tongue::Gemini | Tongue::Assist if thinks => {
                body["generationConfig"] = json!({ "thinkingConfig": { "includeThoughts": true } });
            }
            _ => {}
        }
        match self {
            Tongue::Assist => json!({ "model": model, "project": "p-1", "request": body }),
            _ => body,
        }
    }

    pub fn path(self, model: &str, stream: bool) -> String {
        let action = if stream {
            "streamGenerateContent?alt=sse"
        } else {
            "generateContent"
        };
        match self {
            Tongue::Messages => "/v1/messages".to_owned(),
            Tongue::Chat => "/v1/chat/completions".to_owned(),
            Tongue::Responses => "/v1/responses".to_owned(),
            Tongue::Gemini => format!("/v1beta/models/{model}:{action}"),
            Tongue::Assist => format!("/v1internal:{action}"),
        }
    }

    pub async fn ask(
        self,
        rig: &Rig,
        model: &str,
        turns: &[Value],
        thinks: bool,
        stream: bool,
    ) -> Heard {
        let body = self.body(model, turns, thinks, stream);
        let answer = rig.post(&self.path(model, stream), &body).await.unwrap();
        assert_eq!(answer.status, 200, "{self:?}: {}\n{body}", answer.text());
        if stream {
            self.hear(self.joined(answer.events()))
        } else {
            self.hear(answer.json())
        }
    }

    /// A stream's events as the plain answer.
    fn joined(self, events: Vec<Value>) -> Value {
        match self {
            Tongue::Messages => messages(&events),
            Tongue::Chat => chat(&events),
            Tongue::Responses => events.last().unwrap()["response"].clone(),
            Tongue::Gemini | Tongue::Assist => {
                let inner = |event: &Value| match self {
                    Tongue::Assist => event["response"].clone(),
                    _ => event.clone(),
                };
                let mut whole = inner(events.last().unwrap());
                let parts = events.iter().flat_map(|event| {
                    inner(event)["candidates"][0]["content"]["parts"]
                        .as_array()
                        .cloned()
                        .unwrap()
                });
                whole["candidates"][0]["content"]["parts"] = parts.collect();
                match self {
                    Tongue::Assist => json!({ "response": whole }),
                    _ => whole,
                }
            }
        }
    }

    fn hear(self, answer: Value) -> Heard {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let parsed = |value: &Value| serde_json::from_str(value.as_str().unwrap()).unwrap();
        match self {
            Tongue::Messages => {
                let blocks = list(&answer["content"]);
                let of = |kind: &str| {
                    blocks
                        .iter()
                        .filter(|block| block["type"] == kind)
                        .collect::<Vec<_>>()
                };
                Heard {
                    text: of("text")
                        .iter()
                        .map(|block| text(&block["text"]))
                        .collect(),
                    thought: !of("thinking").is_empty(),
                    calls: of("tool_use")
                        .iter()
                        .map(|call| Call {
                            id: text(&call["id"]),
                            name: text(&call["name"]),
                            arguments: call["input"].clone(),
                        })
                        .collect(),
                    cached: answer["usage"]["cache_read_input_tokens"].as_u64().unwrap(),
                    turn: vec![json!({ "role": "assistant", "content": blocks })],
                }
            }
            Tongue::Chat => {
                let mut message = answer["choices"][0]["message"].clone();
                if message["tool_calls"].is_null() {
                    message.as_object_mut().unwrap().remove("tool_calls");
                }
                Heard {
                    text: text(&message["content"]),
                    thought: false,
                    calls: list(&message["tool_calls"])
                        .iter()
                        .map(|call| Call {
                            id: text(&call["id"]),
                            name: text(&call["function"]["name"]),
                            arguments: parsed(&call["function"]["arguments"]),
                        })
                        .collect(),
                    cached: answer["usage"]["prompt_tokens_details"]["cached_tokens"]
                        .as_u64()
                        .unwrap(),
                    turn: vec![message],
                }
            }
            Tongue::Responses => {
                let items = list(&answer["output"]);
                let of = |kind: &str| {
                    items
                        .iter()
                        .filter(|item| item["type"] == kind)
                        .collect::<Vec<_>>()
                };
                Heard {
                    text: of("message")
                        .iter()
                        .map(|item| text(&item["content"][0]["text"]))
                        .collect(),
                    thought: !of("reasoning").is_empty(),
                    calls: of("function_call")
                        .iter()
                        .map(|call| Call {
                            id: text(&call["call_id"]),
                            name: text(&call["name"]),
                            arguments: parsed(&call["arguments"]),
                        })
                        .collect(),
                    cached: answer["usage"]["input_tokens_details"]["cached_tokens"]
                        .as_u64()
                        .unwrap(),
                    turn: items,
                }
            }
            Tongue::Gemini | Tongue::Assist => {
                let answer = match self {
                    Tongue::Assist => answer["response"].clone(),
                    _ => answer,
                };
                let content = answer["candidates"][0]["content"].clone();
                let parts = list(&content["parts"]);
                let said = parts.iter().filter(|part| part["thought"] != true);
                let calls = parts.iter().filter(|part| part["functionCall"].is_object());
                Heard {
                    text: said.map(|part| text(&part["text"])).collect(),
                    thought: parts.iter().any(|part| part["thought"] == true),
                    calls: calls
                        .map(|part| &part["functionCall"])
                        .map(|call| Call {
                            id: text(&call["id"]),
                            name: text(&call["name"]),
                            arguments: call["args"].clone(),
                        })
                        .collect(),
                    cached: answer["usageMetadata"]["cachedContentTokenCount"]
                        .as_u64()
                        .unwrap_or(0),
                    turn: vec![content],
                }
            }
        }
    }

    /// The results of some calls, as the client sends them back.
    pub fn results(self, calls: &[Call], said: &[String]) -> Vec<Value> {
        let each = calls.iter().zip(said);
        match self {
            Tongue::Messages => {
                let blocks: Vec<Value> = each
                    .map(|(call, said)| json!({ "type": "tool_result", "tool_use_id": call.id, "content": said }))
                    .collect();
                vec![json!({ "role": "user", "content": blocks })]
            }
            Tongue::Chat => each
                .map(|(call, said)| json!({ "role": "tool", "tool_call_id": call.id, "content": said }))
                .collect(),
            Tongue::Responses => each
                .map(|(call, said)| json!({ "type": "function_call_output", "call_id": call.id, "output": said }))
                .collect(),
            Tongue::Gemini | Tongue::Assist => {
                let parts: Vec<Value> = each
                    .map(|(call, said)| {
                        let mut response = json!({ "name": call.name, "response": { "output": said } });
                        if !call.id.is_empty() {
                            response["id"] = call.id.clone().into();
                        }
                        json!({ "functionResponse": response })
                    })
                    .collect();
                vec![json!({ "role": "user", "parts": parts })]
            }
        }
    }
}

/// The blocks of a Messages stream.
fn messages(events: &[Value]) -> Value {
    let (mut blocks, mut usage): (Vec<Value>, Value) = (Vec::new(), Value::Null);
    let mut json = String::new();
    for event in events {
        let delta = &event["delta"];
        let append = |block: &mut Value, key: &str| {
            let whole = format!(
                "{}{}",
                block[key].as_str().unwrap(),
                delta[key].as_str().unwrap()
            );
            block[key] = whole.into();
        };
        match event["type"].as_str().unwrap() {
            "content_block_start" => blocks.push(event["content_block"].clone()),
            "content_block_delta" => {
                let block = blocks.last_mut().unwrap();
                match delta["type"].as_str().unwrap() {
                    "text_delta" => append(block, "text"),
                    "thinking_delta" => append(block, "thinking"),
                    "signature_delta" => append(block, "signature"),
                    "input_json_delta" => json.push_str(delta["partial_json"].as_str().unwrap()),
                    other => panic!("{other}"),
                }
            }
            "content_block_stop" if !json.is_empty() => {
                blocks.last_mut().unwrap()["input"] = serde_json::from_str(&json).unwrap();
                json.clear();
            }
            "message_delta" => usage = event["usage"].clone(),
            _ => {}
        }
    }
    json!({ "content": blocks, "usage": usage })
}

/// The message of a Chat Completions stream.
fn chat(events: &[Value]) -> Value {
    let mut content = String::new();
    let mut calls: Vec<Value> = Vec::new();
    for delta in events.iter().map(|event| &event["choices"][0]["delta"]) {
        content.push_str(delta["content"].as_str().unwrap_or_default());
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = call["index"].as_u64().unwrap() as usize;
            if index == calls.len() {
                let mut begun = call.clone();
                begun.as_object_mut().unwrap().remove("index");
                calls.push(begun);
            } else {
                let arguments = &mut calls[index]["function"]["arguments"];
                let whole = format!(
                    "{}{}",
                    arguments.as_str().unwrap(),
                    call["function"]["arguments"].as_str().unwrap()
                );
                *arguments = whole.into();
            }
        }
    }
    let mut message = json!({ "role": "assistant", "content": content });
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    let usage = &events[events.len() - 2]["usage"];
    json!({ "choices": [{ "message": message }], "usage": usage })
}

/// Goes through the loop; the conversation in the end.
async fn go_through(
    rig: &Rig,
    tongue: Tongue,
    model: &str,
    thinks: bool,
    stream: bool,
) -> Vec<Value> {
    let mut turns = tongue.question();
    for round in 0..2 {
        let heard = tongue.ask(rig, model, &turns, thinks, stream).await;
        let names: Vec<&str> = heard.calls.iter().map(|call| call.name.as_str()).collect();
        let expected = [&TOOLS[..], &TOOLS[..1]][round];
        assert_eq!(names, expected, "{tongue:?} {model}");
        assert!(
            heard
                .calls
                .iter()
                .all(|call| call.arguments["city"].is_string())
        );
        assert!(
            heard
                .calls
                .iter()
                .all(|call| call.arguments["days"].is_i64())
        );
        assert!(!heard.text.is_empty());
        assert_eq!(
            heard.thought,
            thinks && tongue != Tongue::Chat,
            "{tongue:?} {model}"
        );
        assert_eq!(heard.cached > 0, round > 0);
        let said: Vec<String> = heard
            .calls
            .iter()
            .map(|call| format!("result {round} of {}", call.name))
            .collect();
        turns.extend(heard.turn.clone());
        turns.extend(tongue.results(&heard.calls, &said));
    }
    let last = tongue.ask(rig, model, &turns, thinks, stream).await;
    assert!(last.calls.is_empty());
    assert!(last.cached > 0);
    for expected in [
        "get_weather said «result 0 of get_weather»",
        "get_time said «result 0 of get_time»",
        "get_weather said «result 1 of get_weather»",
    ] {
        assert!(last.text.contains(expected), "{tongue:?}: {}", last.text);
    }
    turns.extend(last.turn);
    turns
}

#[tokio::test]
async fn an_agent_calls_two_tools_then_one_then_says_what_they_said_in_every_protocol() {
    let rig = rig().await;
    for tongue in TONGUES {
        for thinks in [false, true] {
            for stream in [false, true] {
                go_through(&rig, *tongue, "sim-agent", thinks, stream).await;
            }
        }
    }
}

#[tokio::test]
async fn a_loop_begins_anew_when_the_user_speaks_again() {
    let rig = rig().await;
    for tongue in TONGUES {
        let mut turns = go_through(&rig, *tongue, "sim-agent", true, true).await;
        turns.extend(tongue.question());
        let heard = tongue.ask(&rig, "sim-agent", &turns, true, false).await;
        assert_eq!(heard.calls.len(), 2, "{tongue:?}");
    }
}

#[tokio::test]
async fn models_of_other_families_go_through_the_loop_by_their_own_rules() {
    let rig = rig().await;
    for (tongue, model) in [
        (Tongue::Gemini, "gemini-3-pro-sim-agent"),
        (Tongue::Assist, "gemini-3-pro-sim-agent"),
        (Tongue::Assist, "claude-sonnet-4-5-sim-agent"),
        (Tongue::Chat, "gpt-5-sim-agent"),
        (Tongue::Responses, "gpt-5-sim-agent"),
    ] {
        for stream in [false, true] {
            go_through(&rig, tongue, model, true, stream).await;
        }
    }
}

#[tokio::test]
async fn an_agent_calls_one_tool_at_a_time_where_it_must() {
    let rig = rig().await;
    let turns = Tongue::Chat.question();
    let mut body = Tongue::Chat.body("sim-agent", &turns, false, false);
    body["parallel_tool_calls"] = false.into();
    let answer = rig
        .post("/v1/chat/completions", &body)
        .await
        .unwrap()
        .json();
    let calls = answer["choices"][0]["message"]["tool_calls"]
        .as_array()
        .unwrap();
    assert_eq!(calls.len(), 1);
    body["tool_choice"] = "none".into();
    let answer = rig
        .post("/v1/chat/completions", &body)
        .await
        .unwrap()
        .json();
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn code_assist_takes_a_bearer_token_and_nothing_else() {
    let rig = crate::support::rig_with(
        SimOptions {
            keys: vec!["token-1".to_owned()],
            ..SimOptions::default()
        },
        false,
    )
    .await;
    let url = format!("{}/v1internal:loadCodeAssist", rig.sim.url());
    for (name, value, status) in [
        ("x-goog-api-key", "token-1", 401),
        ("x-api-key", "token-1", 401),
        ("authorization", "token-1", 401),
        ("authorization", "Bearer token-2", 401),
        ("authorization", "Bearer token-1", 200),
    ] {
        let request = Request::post(&url)
            .header(name, value)
            .header("user-agent", "a-client/1.0")
            .body(Full::from(
                json!({ "metadata": { "ideType": "IDE_UNSPECIFIED" } }).to_string(),
            ))
            .unwrap();
        let answer = crate::support::read(rig.client.request(request).await.unwrap()).await;
        assert_eq!(answer.status, status, "{name}: {value}");
        if status == 401 {
            assert_eq!(answer.json()["error"]["status"], "UNAUTHENTICATED");
        } else {
            assert!(answer.json()["cloudaicompanionProject"].is_string());
        }
    }
    assert_eq!(
        rig.sim.received()[0].header("user-agent"),
        Some("a-client/1.0")
    );
}
