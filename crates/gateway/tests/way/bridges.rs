//! Clients of one protocol served by accounts of another platform, over real sockets: tool loops of several
//! rounds, streamed and not, against providers that refuse what real ones refuse.

use crate::support::{Answer, CLIENT_KEY, Setup, World, key_of};
use serde_json::{Value, json};
use waybill_model::protocol::Platform;
use waybill_sim::{Fault, Place, ProviderError, Rule};

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
    ask_as(world, "bridged", path, body).await
}

async fn ask_as(world: &World, key: &str, path: &str, body: &Value) -> Answer {
    let request = http::Request::post(format!("{}{path}", world.url))
        .header("authorization", format!("Bearer {CLIENT_KEY}-{key}"))
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

/// A short question of each client's, streamed or not.
fn question(client: &Client, model: &str, stream: bool) -> (String, Value) {
    let mut body = (client.begin)(model);
    body.as_object_mut().unwrap().remove("tools");
    let mut path = (client.path)(model);
    match (client.name, stream) {
        ("gemini", true) => path = path.replace(":generate", ":streamGenerate") + "?alt=sse",
        ("gemini", false) => {}
        (_, stream) => body["stream"] = stream.into(),
    }
    (path, body)
}

/// What ends a client's stream.
fn end_mark(client: &Client) -> &'static str {
    match client.name {
        "messages" => "message_stop",
        "chat" => "[DONE]",
        "responses" => "response.completed",
        _ => "\"finishReason\":\"STOP\"",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_clients_stream_comes_to_its_end_on_every_platform() {
    let world = World::with(setup()).await;
    for client in &CLIENTS {
        for (number, (platform, more)) in PLATFORMS.iter().enumerate() {
            let name = format!("{} on {platform} {more}", client.name);
            let (path, body) = question(client, &model(number), true);
            let answer = ask(&world, &path, &body).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            assert_eq!(
                answer.header("content-type").map(|kind| &kind[..17]),
                Some("text/event-stream"),
                "{name}"
            );
            assert!(
                answer.text().contains(end_mark(client)),
                "{name}: {}",
                answer.text()
            );
            let row = world.request_row(answer.request_id()).await;
            // Chat's own clients are told what it cost only if they ask.
            let is_told = (client.name, number) != ("chat", 2);
            assert!(
                row["output_tokens"].as_u64() > Some(0) || !is_told,
                "{name}: {row}"
            );
        }
    }
    assert_eq!(world.errors().await.len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_is_told_in_the_clients_language_and_kept_in_the_providers() {
    let world = World::with(setup()).await;
    for platform in [
        Platform::Gemini,
        Platform::Antigravity,
        Platform::OpenAi,
        Platform::Anthropic,
    ] {
        let fault = Fault::provider(ProviderError::RateLimitRequests);
        world.sim.script(Rule::new(fault).platform(platform));
    }
    for client in &CLIENTS {
        for (number, (platform, more)) in PLATFORMS.iter().enumerate() {
            let name = format!("{} on {platform} {more}", client.name);
            world.clear_states().await;
            let (path, body) = question(client, &model(number), true);
            let answer = ask(&world, &path, &body).await;
            assert_eq!(answer.status, 429, "{name}: {}", answer.text());
            assert_eq!(
                answer.header("x-waybill-error-source"),
                Some("upstream"),
                "{name}"
            );
            let told = answer.json();
            let (word, expected) = match client.name {
                "messages" => (&told["error"]["type"], "rate_limit_error"),
                "gemini" => (&told["error"]["status"], "RESOURCE_EXHAUSTED"),
                _ => (&told["error"]["message"], ""),
            };
            assert!(word.as_str().unwrap().contains(expected), "{name}: {told}");
            let error = world.error(answer.request_id()).await;
            let said = &error["attempts"][0];
            let message = said["message"].as_str().unwrap();
            assert!(
                told["error"]["message"].as_str().unwrap().contains(message),
                "{name}: {told}"
            );
            let body = said["response_body"].as_str().unwrap();
            assert!(body.contains(&message[..20]), "{name}: {said}");
            assert_eq!(
                error["error_body"].as_str(),
                Some(&*answer.text()),
                "{name}"
            );
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_ends_with_the_clients_own_error() {
    let world = World::with(setup()).await;
    // What the provider says, and what a client of Anthropic's, OpenAI's and Gemini's is told.
    let cases = [
        (
            ProviderError::Overloaded,
            ["overloaded_error", "server_error", "UNAVAILABLE"],
        ),
        (
            ProviderError::RateLimitRequests,
            ["rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"],
        ),
        (
            ProviderError::Timeout,
            ["timeout_error", "server_error", "DEADLINE_EXCEEDED"],
        ),
        (
            ProviderError::Internal,
            ["api_error", "server_error", "INTERNAL"],
        ),
    ];
    for (error, words) in cases {
        world.sim.clear_script();
        let fault = Fault::StreamError { error, frames: 2 };
        world.sim.script(Rule::new(fault));
        for client in &CLIENTS {
            for (number, (platform, more)) in PLATFORMS.iter().enumerate() {
                let name = format!("{error:?}, {} on {platform} {more}", client.name);
                world.clear_states().await;
                let (path, body) = question(client, &model(number), true);
                let answer = ask(&world, &path, &body).await;
                assert_eq!(answer.status, 200, "{name}: {}", answer.text());
                let text = answer.text();
                assert!(text.contains("\"error\""), "{name}: {text}");
                assert!(!text.contains(end_mark(client)), "{name}: {text}");
                let [anthropic, openai, gemini] = words;
                let word = match client.name {
                    "messages" => anthropic,
                    "gemini" => gemini,
                    _ => openai,
                };
                let record = world.error(answer.request_id()).await;
                assert_eq!(record["status_code"], 200, "{name}");
                // In its own language a provider is passed on as it came.
                let is_own = matches!(
                    (client.name, number),
                    ("messages", 0) | ("responses", 1) | ("chat", 2) | ("gemini", 3)
                );
                let is_told = text.contains(&format!("\"{word}\""));
                assert!(is_told || is_own, "{name}: {record} {text}");
            }
        }
    }
    // A credential of the pool is not the client's affair.
    world.sim.clear_script();
    let error = ProviderError::InvalidKey;
    let fault = Fault::StreamError { error, frames: 2 };
    world.sim.script(Rule::new(fault));
    for client in &CLIENTS[1..] {
        world.clear_states().await;
        let (path, body) = question(client, &model(0), true);
        let text = ask(&world, &path, &body).await.text();
        assert!(text.contains("waybill_upstream_credential"), "{text}");
        assert!(!text.contains("x-api-key"), "{text}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_platform_has_no_words_for_is_refused_by_name_before_anything_is_sent() {
    let world = World::with(setup()).await;
    let mut body = (CLIENTS[0].begin)(&model(1));
    body["top_k"] = 5.into();
    let answer = ask(&world, "/v1/messages", &body).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let told = answer.json();
    assert_eq!(told["error"]["type"], "waybill_untranslatable");
    assert!(
        told["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("`top_k`"),
        "{told}"
    );
    assert_eq!(answer.header("x-waybill-attempts"), Some("0"));
    assert!(world.sim.received().is_empty());
    let excluded = world
        .error_in("excluded", answer.request_id())
        .await
        .unwrap();
    assert_eq!(
        (&excluded["cause"], &excluded["error_owner"]),
        (&"gateway.untranslatable".into(), &"client".into())
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_signatures_are_told_without_in_stages_and_the_client_never_learns() {
    let world = World::with(setup()).await;
    for number in [0, 3, 4] {
        let model = model(number);
        let body = json!({
            "model": model, "max_tokens": 4096,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "tools": [{"name": "weather", "description": "Looks.", "input_schema": schema()}],
            "messages": [
                {"role": "user", "content": "How warm is it?"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "I had better look.", "signature": if number == 0 { "bm90IG9uZQ==" } else { "waybill.gemini.bm90IG9uZQ==" }},
                    {"type": "redacted_thinking", "data": if number == 0 { "bm90IG9uZQ==" } else { "waybill.gemini.bm90IG9uZQ==" }},
                    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}},
                ]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "warm"}]},
            ],
        });
        let answer = ask(&world, "/v1/messages", &body).await;
        assert_eq!(answer.status, 200, "{number}: {}", answer.text());
        assert_eq!(answer.header("x-waybill-attempts"), Some("2"), "{number}");
        let events = world.events_of(answer.request_id()).await;
        let event = &events[0];
        assert_eq!(
            (&event["kind"], &event["cause"], &event["recovered"]),
            (
                &"signature_error".into(),
                &"thinking_signature".into(),
                &true.into()
            ),
            "{number}: {event}"
        );
        assert!(
            event["detail"]
                .as_str()
                .unwrap()
                .starts_with("asked with as sent"),
            "{event}"
        );
    }
    assert_eq!(world.errors().await.len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_asked_at_its_next_address_and_that_is_remembered() {
    let mut setup = setup();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let address =
        "base_url = \"{providers}\"\ncredential = { api_key = \"".to_owned() + &key_of("b4");
    let both = format!(
        "fallback_urls = [\"{{providers}}\"]\n{}",
        address.replace("{providers}", &format!("http://{nobody}"))
    );
    assert!(setup.rest.contains(&address));
    setup.rest = setup.rest.replace(&address, &both);
    let world = World::with(setup).await;
    let (path, body) = question(&CLIENTS[0], &model(4), false);
    let answer = ask(&world, &path, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-waybill-attempts"), Some("2"));
    let answer = ask(&world, &path, &body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-waybill-attempts")),
        (200, Some("1"))
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_a_silent_provider_is_sent_signs_of_life() {
    let mut setup = setup();
    setup.top = "[timeouts]\nkeep_alive_ms = 50".into();
    let world = World::with(setup).await;
    world.sim.script(Rule::new(Fault::Stall {
        at: Place::MidContent,
        for_ms: Some(400),
        frames: 2,
    }));
    for client in &CLIENTS {
        let (path, body) = question(client, &model(3), true);
        let answer = ask(&world, &path, &body).await;
        let text = answer.text();
        assert!(
            text.contains(": keep-alive\n\n") && text.contains(end_mark(client)),
            "{text}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn antigravitys_own_paths_are_served_by_its_accounts_alone() {
    let world = World::with(setup()).await;
    for client in [&CLIENTS[0], &CLIENTS[3]] {
        let (path, body) = question(client, &model(4), false);
        let answer = ask(&world, &format!("/antigravity{path}"), &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let (path, body) = question(client, &model(3), false);
        let answer = ask(&world, &format!("/antigravity{path}"), &body).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
    }
    let request = http::Request::get(format!("{}/antigravity/v1/models", world.url))
        .header("x-api-key", format!("{CLIENT_KEY}-bridged"))
        .body(Vec::new().into())
        .unwrap();
    let answer = world.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("\"sim-agent\""), "{}", answer.text());
    // One of them, in the client's shape; what the service does not list is not found, in the client's language.
    for (path, name, missing) in [
        ("/antigravity/v1/models", "id", "type"),
        ("/antigravity/v1beta/models", "displayName", "status"),
    ] {
        let one = |model: &str| {
            http::Request::get(format!("{}{path}/{model}", world.url))
                .header("x-api-key", format!("{CLIENT_KEY}-bridged"))
                .header("anthropic-version", "2023-06-01")
                .body(Vec::new().into())
                .unwrap()
        };
        let answer = world.send(one(&model(4))).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.json()[name], "sim-agent", "{path}");
        world.clear_states().await;
        let answer = world.send(one("agent-of-nobody")).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert!(answer.json()["error"][missing].is_string(), "{path}");
    }
    let count =
        json!({"model": model(4), "messages": [{"role": "user", "content": "How warm is it?"}]});
    let answer = ask(&world, "/antigravity/v1/messages/count_tokens", &count).await;
    assert_eq!(answer.json(), json!({"input_tokens": 7}));
    world.stop().await;
}

/// How the simulated providers count: three tokens, one for each six bytes of a word or part of it, and one
/// for each four bytes of the tools' names and schemas.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_counted_over_bridges_with_the_system_tools_and_turns_before() {
    let world = World::with(setup()).await;
    let (question, turns) = (4, 3 + 3);
    let tools = ("weather".len() + schema().to_string().len()) as u64 / 4;
    // Code Assist counts contents alone: tools are put there, in one word and a description.
    let in_words = json!([{"functionDeclarations": [{"name": "weather", "description": "Looks.", "parameters": schema()}]}]);
    let in_words = in_words.to_string().len().div_ceil(6) as u64;
    let messages = |more: &str| {
        let mut body = json!({"messages": [{"role": "user", "content": "How warm is it?"}]});
        match more {
            "system" => body["system"] = "Be brief.".into(),
            "tools" => {
                body["tools"] =
                    json!([{"name": "weather", "description": "Looks.", "input_schema": schema()}])
            }
            "turns" => {
                let turns = body["messages"].as_array_mut().unwrap();
                turns.push(json!({"role": "assistant", "content": "It is warm."}));
                turns.push(
                    json!({"role": "user", "content": [{"type": "text", "text": "And tomorrow?"}]}),
                );
            }
            _ => {}
        }
        body
    };
    let gemini = |more: &str| {
        let mut body =
            json!({"contents": [{"role": "user", "parts": [{"text": "How warm is it?"}]}]});
        match more {
            "system" => body["systemInstruction"] = json!({"parts": [{"text": "Be brief."}]}),
            "tools" => {
                body["tools"] = json!([{"functionDeclarations": [{"name": "weather", "description": "Looks.", "parameters": schema()}]}]);
            }
            "turns" => {
                let turns = body["contents"].as_array_mut().unwrap();
                turns.push(json!({"role": "model", "parts": [{"text": "It is warm."}]}));
                turns.push(json!({"role": "user", "parts": [{"text": "And tomorrow?"}]}));
            }
            _ => {}
        }
        body
    };
    for number in [0, 3, 4] {
        let name = model(number);
        for (more, tokens) in [
            ("", 0),
            ("system", 2),
            ("tools", if number == 4 { in_words } else { tools }),
            ("turns", turns),
        ] {
            let expected = 3 + question + tokens;
            let mut body = messages(more);
            body["model"] = name.clone().into();
            let answer = ask(&world, "/v1/messages/count_tokens", &body).await;
            assert_eq!(
                answer.json()["input_tokens"],
                expected,
                "{number} {more}: {}",
                answer.text()
            );
            let mut request = gemini(more);
            request["model"] = format!("models/{name}").into();
            let body = json!({"generateContentRequest": request});
            let path = format!("/v1beta/models/{name}:countTokens");
            let answer = ask(&world, &path, &body).await;
            assert_eq!(
                answer.json()["totalTokens"],
                expected,
                "{number} {more}: {}",
                answer.text()
            );
        }
    }
    world.stop().await;
}

/// Groups that have the same model: `mixed` of OpenAI accounts, the first of which speaks Responses alone and
/// the second Chat Completions alone, and `gem` of a Gemini account. The key `mixed` may use the first, the
/// key `both` either in this order.
fn same_model_in_two_groups() -> Setup {
    let mut rest = String::new();
    for (group, platform) in [("mixed", "openai"), ("gem", "gemini")] {
        rest += &format!(
            "[[group]]\nname = \"{group}\"\nplatform = \"{platform}\"\n\
             protocols = [\"anthropic\", \"openai\", \"gemini\"]\n"
        );
    }
    for (name, platform, group, more) in [
        (
            "m1",
            "openai",
            "mixed",
            "priority = 1\napis = [\"responses\"]",
        ),
        (
            "m2",
            "openai",
            "mixed",
            "priority = 2\napis = [\"chat_completions\"]",
        ),
        ("m3", "gemini", "gem", ""),
    ] {
        rest += &format!(
            "[[account]]\nname = \"{name}\"\nplatform = \"{platform}\"\ngroups = [\"{group}\"]\n\
             base_url = \"{{providers}}\"\ncredential = {{ api_key = \"{}\" }}\nmodels = [\"shared\"]\n{more}\n",
            key_of(name),
        );
    }
    for (key, groups) in [("mixed", "\"mixed\""), ("both", "\"mixed\", \"gem\"")] {
        rest += &format!(
            "[[api_key]]\nname = \"{key}\"\nkey = \"{CLIENT_KEY}-{key}\"\ngroups = [{groups}]\n"
        );
    }
    Setup {
        rest,
        ..Setup::default()
    }
}

/// The accounts that were asked, by their keys.
fn asked(world: &World) -> Vec<String> {
    let received = world.sim.received();
    world.sim.clear_received();
    received
        .iter()
        .map(|request| request.key.clone().unwrap())
        .collect()
}

fn short(more: &Value) -> Value {
    let mut body = json!({
        "model": "shared", "max_tokens": 64,
        "messages": [{"role": "user", "content": "How warm is it?"}],
    });
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_whose_accounts_cannot_be_asked_is_passed_over_for_the_keys_next() {
    let world = World::with(same_model_in_two_groups()).await;
    let count = json!({"model": "shared", "messages": [{"role": "user", "content": "Hello."}]});
    let of_gemini = (
        "/v1beta/models/shared:countTokens",
        json!({"contents": [{"role": "user", "parts": [{"text": "Hello."}]}]}),
    );
    let of_messages = ("/v1/messages/count_tokens", count);
    for (path, body) in [&of_gemini, &of_messages] {
        let answer = ask_as(&world, "both", path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("x-waybill-attempts"), Some("1"), "{path}");
        assert_eq!(asked(&world), [key_of("m3")], "{path}");
    }
    // What the first group can be asked, it is asked.
    let answer = ask_as(&world, "both", "/v1/messages", &short(&json!({}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(asked(&world), [key_of("m1")]);

    let (path, body) = &of_messages;
    let answer = ask_as(&world, "mixed", path, body).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.header("x-waybill-attempts"), Some("0"));
    let told = answer.json();
    assert_eq!(
        told["error"],
        json!({
            "type": "waybill_untranslatable",
            "message": "`count_tokens` has no counterpart there: the group that serves this model has openai accounts",
        })
    );
    assert!(asked(&world).is_empty());
    let excluded = world.error_in("excluded", answer.request_id()).await;
    let excluded = excluded.unwrap();
    assert_eq!(
        (&excluded["cause"], &excluded["error_owner"]),
        (&"gateway.untranslatable".into(), &"client".into())
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_account_has_no_words_for_goes_to_one_that_has_in_its_group_or_the_next() {
    let world = World::with(same_model_in_two_groups()).await;
    // Chat Completions has stop sequences, Responses has none; neither has `top_k`, and Gemini has.
    for (key, more, serves) in [
        ("mixed", json!({}), "m1"),
        ("mixed", json!({"stop_sequences": ["END"]}), "m2"),
        ("both", json!({"stop_sequences": ["END"]}), "m2"),
        ("both", json!({"top_k": 5}), "m3"),
    ] {
        let answer = ask_as(&world, key, "/v1/messages", &short(&more)).await;
        assert_eq!(answer.status, 200, "{key} {more}: {}", answer.text());
        assert_eq!(answer.header("x-waybill-attempts"), Some("1"), "{more}");
        assert_eq!(asked(&world), [key_of(serves)], "{more}");
    }
    let more = json!({"top_k": 5});
    let answer = ask_as(&world, "mixed", "/v1/messages", &short(&more)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let message = &answer.json()["error"]["message"];
    assert!(
        message.as_str().unwrap().starts_with("`top_k`"),
        "{message}"
    );
    assert!(asked(&world).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_the_words_is_in_the_route_with_what_it_lacks() {
    let world = World::with(Setup {
        top: "[queue]\ntimeout_ms = 0".into(),
        ..same_model_in_two_groups()
    })
    .await;
    let fault = Fault::provider(ProviderError::RateLimitRequests);
    world.sim.script(Rule::new(fault).key(&key_of("m2")));
    let more = json!({"stop_sequences": ["END"]});
    // Once it was asked, then it may not be: another account could serve it later, so it is not the client's.
    for (status, attempts) in [(429, "1"), (503, "0")] {
        let answer = ask_as(&world, "mixed", "/v1/messages", &short(&more)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header("x-waybill-attempts"), Some(attempts));
        let error = world.error(answer.request_id()).await;
        let route = error["route"].as_array().unwrap();
        assert_eq!(
            (&route[0]["account_name"], &route[0]["excluded"]),
            (&"m1".into(), &"untranslatable".into()),
            "{error}"
        );
        let reason = route[0]["reason"].as_str().unwrap();
        assert!(reason.starts_with("`stop_sequences`"), "{reason}");
    }
    world.stop().await;
}
