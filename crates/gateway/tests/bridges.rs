//! Clients of one protocol served by accounts of another platform, over real sockets: tool loops of several
//! rounds, streamed and not, against providers that refuse what real ones refuse.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::{Answer, CLIENT_KEY, Setup, World, key_of};

/// The platforms, each with a group that serves every protocol, and a model only that group has.
const PLATFORMS: [(&str, &str); 5] = [
    ("anthropic", ""),
    ("openai", "apis = [\"responses\"]"),
    ("openai", "apis = [\"chat_completions\"]"),
    ("gemini", ""),
    ("antigravity", "project = \"project-1\""),
];

/// The model that goes to the platform of this number.
fn model(number: usize) -> String {
    format!("agent-{number}")
}

fn setup() -> Setup {
    let mut rest = String::new();
    let mut groups = Vec::new();
    for (number, (platform, more)) in PLATFORMS.iter().enumerate() {
        groups.push(format!("\"bridge-{number}\""));
        rest += &format!(
            "[[group]]\nname = \"bridge-{number}\"\nplatform = \"{platform}\"\n\
             protocols = [\"anthropic\", \"openai\", \"gemini\"]\n\
             [[account]]\nname = \"b{number}\"\nplatform = \"{platform}\"\ngroups = [\"bridge-{number}\"]\n\
             base_url = \"{{providers}}\"\ncredential = {{ api_key = \"{}\" }}\n\
             models = [\"agent-{number}\"]\n\
             model_mapping = {{ \"agent-{number}\" = \"sim-agent\" }}\n{more}\n",
            key_of(&format!("b{number}")),
        );
    }
    rest += &format!(
        "[[api_key]]\nname = \"bridged\"\nkey = \"{CLIENT_KEY}-bridged\"\ngroups = [{}]\n",
        groups.join(", ")
    );
    Setup {
        rest,
        ..Setup::default()
    }
}

async fn ask(world: &World, path: &str, body: &Value) -> Answer {
    let request = http::Request::post(format!("{}{path}", world.url))
        .header("authorization", format!("Bearer {CLIENT_KEY}-bridged"))
        .header("anthropic-version", "2023-06-01")
        .header("content-type", "application/json")
        .body(body.to_string().into_bytes().into())
        .unwrap();
    world.send(request).await
}

const SCHEMA: &str =
    r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#;

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// A client that speaks one protocol: how it begins, and how it goes on after an answer.
struct Client {
    name: &'static str,
    begin: fn(&str) -> Value,
    path: fn(&str) -> String,
    /// The calls in an answer: their ids and names.
    calls: fn(&Value) -> Vec<(String, String)>,
    /// Puts the answer, and each call's result, into the next request.
    go_on: fn(&mut Value, &Value, &[(String, String)]),
    /// What was said.
    text: fn(&Value) -> String,
}

const RESULT: &str = "it is 21 degrees in";

fn strings(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

const CLIENTS: [Client; 4] = [
    Client {
        name: "messages",
        begin: |model| {
            json!({
                "model": model, "max_tokens": 4096, "system": "Be brief.",
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "messages": [{"role": "user", "content": "How warm is it?"}],
                "tools": [{"name": "weather", "description": "Looks.", "input_schema": schema()}],
            })
        },
        path: |_| "/v1/messages".into(),
        calls: |answer| {
            let parts = answer["content"].as_array().unwrap();
            let calls = parts.iter().filter(|part| part["type"] == "tool_use");
            calls
                .map(|call| (strings(call, "id"), strings(call, "name")))
                .collect()
        },
        go_on: |request, answer, calls| {
            let messages = request["messages"].as_array_mut().unwrap();
            messages.push(json!({"role": "assistant", "content": answer["content"]}));
            let results: Vec<_> = calls
                .iter()
                .map(|(id, _)| json!({"type": "tool_result", "tool_use_id": id, "content": format!("{RESULT} {id}")}))
                .collect();
            messages.push(json!({"role": "user", "content": results}));
        },
        text: |answer| {
            let parts = answer["content"].as_array().unwrap();
            parts.iter().map(|part| strings(part, "text")).collect()
        },
    },
    Client {
        name: "chat",
        begin: |model| {
            json!({
                "model": model, "reasoning_effort": "low",
                "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How warm is it?"}],
                "tools": [{"type": "function", "function": {"name": "weather", "description": "Looks.", "parameters": schema()}}],
            })
        },
        path: |_| "/v1/chat/completions".into(),
        calls: |answer| {
            let calls = answer["choices"][0]["message"]["tool_calls"].as_array();
            calls
                .into_iter()
                .flatten()
                .map(|call| (strings(call, "id"), strings(&call["function"], "name")))
                .collect()
        },
        go_on: |request, answer, calls| {
            let messages = request["messages"].as_array_mut().unwrap();
            messages.push(answer["choices"][0]["message"].clone());
            for (id, _) in calls {
                messages.push(json!({"role": "tool", "tool_call_id": id, "content": format!("{RESULT} {id}")}));
            }
        },
        text: |answer| strings(&answer["choices"][0]["message"], "content"),
    },
    Client {
        name: "responses",
        begin: |model| {
            json!({
                "model": model, "instructions": "Be brief.", "store": false,
                "include": ["reasoning.encrypted_content"], "reasoning": {"effort": "low", "summary": "auto"},
                "input": [{"role": "user", "content": "How warm is it?"}],
                "tools": [{"type": "function", "name": "weather", "description": "Looks.", "parameters": schema(), "strict": false}],
            })
        },
        path: |_| "/v1/responses".into(),
        calls: |answer| {
            let items = answer["output"].as_array().unwrap();
            let calls = items.iter().filter(|item| item["type"] == "function_call");
            calls
                .map(|call| (strings(call, "call_id"), strings(call, "name")))
                .collect()
        },
        go_on: |request, answer, calls| {
            let input = request["input"].as_array_mut().unwrap();
            input.extend(answer["output"].as_array().unwrap().iter().cloned());
            for (id, _) in calls {
                input.push(json!({"type": "function_call_output", "call_id": id, "output": format!("{RESULT} {id}")}));
            }
        },
        text: |answer| {
            let items = answer["output"].as_array().unwrap();
            let messages = items.iter().filter(|item| item["type"] == "message");
            messages
                .flat_map(|message| message["content"].as_array().unwrap())
                .map(|part| strings(part, "text"))
                .collect()
        },
    },
    Client {
        name: "gemini",
        begin: |_| {
            json!({
                "systemInstruction": {"parts": [{"text": "Be brief."}]},
                "generationConfig": {"thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": true}},
                "contents": [{"role": "user", "parts": [{"text": "How warm is it?"}]}],
                "tools": [{"functionDeclarations": [{"name": "weather", "description": "Looks.", "parameters": schema()}]}],
            })
        },
        path: |model| format!("/v1beta/models/{model}:generateContent"),
        calls: |answer| {
            let parts = answer["candidates"][0]["content"]["parts"].as_array();
            let calls = parts.into_iter().flatten();
            calls
                .filter(|part| part.get("functionCall").is_some())
                .map(|part| &part["functionCall"])
                .map(|call| (strings(call, "id"), strings(call, "name")))
                .collect()
        },
        go_on: |request, answer, calls| {
            let contents = request["contents"].as_array_mut().unwrap();
            contents.push(answer["candidates"][0]["content"].clone());
            let results: Vec<_> = calls
                .iter()
                .map(|(id, name)| match id.is_empty() {
                    true => json!({"functionResponse": {"name": name, "response": {"output": RESULT}}}),
                    false => json!({"functionResponse": {"id": id, "name": name, "response": {"output": RESULT}}}),
                })
                .collect();
            contents.push(json!({"role": "user", "parts": results}));
        },
        text: |answer| {
            let parts = answer["candidates"][0]["content"]["parts"]
                .as_array()
                .unwrap();
            let shown = parts.iter().filter(|part| part["thought"] != true);
            shown.map(|part| strings(part, "text")).collect()
        },
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_loop_of_every_client_comes_to_its_end_on_every_platform() {
    let world = World::with(setup()).await;
    let mut faults = Vec::new();
    for client in &CLIENTS {
        for (number, (platform, more)) in PLATFORMS.iter().enumerate() {
            let name = format!("{} on {platform} {more}", client.name);
            let model = model(number);
            let mut request = (client.begin)(&model);
            let mut rounds = 0;
            loop {
                let answer = ask(&world, &(client.path)(&model), &request).await;
                if answer.status != 200 {
                    faults.push(format!(
                        "{name}, round {rounds}: {} {}\n   asked {request}",
                        answer.status,
                        answer.text()
                    ));
                    break;
                }
                if answer.header("x-waybill-attempts") != Some("1") {
                    let events = world.events_of(answer.request_id()).await;
                    faults.push(format!(
                        "{name}, round {rounds}: {events:?}\n   asked {request}"
                    ));
                }
                let body = answer.json();
                let calls = (client.calls)(&body);
                if calls.is_empty() {
                    let text = (client.text)(&body);
                    if !text.contains(RESULT) {
                        faults.push(format!("{name}: results did not arrive: {text:?}"));
                    }
                    if rounds != 2 {
                        faults.push(format!("{name}: {rounds} rounds"));
                    }
                    break;
                }
                (client.go_on)(&mut request, &body, &calls);
                rounds += 1;
                assert!(rounds < 5, "{name}: no end");
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    world.stop().await;
}
