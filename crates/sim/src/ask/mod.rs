//! What a request asks for, read the same way out of every protocol.
//!
//! Promises: refuses what the provider itself would refuse (with the message for its 400). Fields it
//! does not know are overlooked, unless the request is one to be [strict](Strictness) with.

mod rounds;
mod tools;

use serde_json::Value;
use waybill_model::protocol::{Endpoint, Platform};

pub use rounds::Rounds;
pub use tools::Tool;

use crate::{
    behaviour::{Behaviour, Strictness},
    check::{self, Facts, snake_case},
    route::Route,
    seed::Seed,
    words::tokens,
};

/// A request, understood.
#[derive(Debug)]
pub struct Ask {
    /// The model, as the request names it.
    pub model: String,
    /// A streamed answer is wanted.
    pub stream: bool,
    /// All text of the conversation.
    pub text: String,
    /// Tokens of it, tools included.
    pub input_tokens: u64,
    /// The answer may have this many tokens.
    pub max_tokens: Option<u64>,
    /// What the model does, by its name.
    pub behaviour: Behaviour,
    /// The tools to call now.
    pub calls: Vec<Tool>,
    /// How far the tool loop has come.
    pub rounds: Rounds,
    /// Where the answer is to stop.
    pub stop_sequences: Vec<String>,
    /// Thoughts are wanted sealed, to be sent back (Responses).
    pub sealed_thoughts: bool,
    /// The answer must be JSON of this schema.
    pub json_schema: Option<Value>,
    /// Thinking is wanted.
    pub thinking: bool,
    /// Usage is wanted at the end of a Chat Completions stream.
    pub include_usage: bool,
    /// The texts to embed.
    pub inputs: Vec<String>,
    /// Dimensions of the embeddings.
    pub dimensions: usize,
    /// Embeddings are wanted as base64 of little-endian floats.
    pub base64: bool,
}

/// Why a request is refused: the field and the message.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BadRequest {
    /// The field at fault (OpenAI).
    pub param: Option<String>,
    /// `error.code` (OpenAI).
    pub code: Option<&'static str>,
    /// What the provider says.
    pub message: String,
    /// Each field at fault with its complaint (Google).
    pub violations: Vec<(String, String)>,
    /// The reason in `ErrorInfo` (Google).
    pub reason: Option<&'static str>,
}

impl BadRequest {
    /// One that names no field.
    pub fn saying(message: impl Into<String>) -> Self {
        BadRequest {
            message: message.into(),
            ..BadRequest::default()
        }
    }
}

impl Ask {
    /// Understands a body.
    ///
    /// # Errors
    /// What the provider would answer 400 to.
    pub fn read(
        route: &Route,
        body: &[u8],
        strictness: &Strictness,
        beta: bool,
    ) -> Result<Ask, BadRequest> {
        let body: Value = serde_json::from_slice(body).map_err(|e| {
            BadRequest::saying(format!(
                "We could not parse the JSON body of your request: {e}"
            ))
        })?;
        let model = model(route, &body);
        if strictness.applies(route.platform, &model) {
            let facts = Facts {
                model: &model,
                beta,
            };
            check::request(route, &body, facts)?;
        }
        if route.account.is_some() {
            return Ok(Ask::without_body(route));
        }
        let body = match body {
            Value::Object(mut envelope) if route.platform == Platform::Antigravity => {
                envelope.remove("request").unwrap_or_default()
            }
            body => body,
        };
        // The whole request is counted where it is given, its instructions and tools, too.
        let body = match body {
            Value::Object(mut counted) if route.endpoint == Endpoint::GeminiCountTokens => counted
                .remove("generateContentRequest")
                .or_else(|| counted.remove("generate_content_request"))
                .unwrap_or(Value::Object(counted)),
            body => body,
        };
        required(route.endpoint, &body)?;
        Ok(Ask::understand(route, &body, model))
    }

    fn understand(route: &Route, body: &Value, model: String) -> Ask {
        let behaviour = Behaviour::of(&model);
        let mut text = String::new();
        for part in [
            "system",
            "instructions",
            "systemInstruction",
            "messages",
            "input",
            "contents",
            "content",
            "requests",
        ] {
            collect_text(at(body, &[part]), &mut text);
        }
        let tools = tools::offered(body);
        let tools_text: usize = tools
            .iter()
            .map(|tool| tool.name.len() + tool.schema.to_string().len())
            .sum();
        let rounds = match behaviour {
            Behaviour::Agent => Rounds::read(route.endpoint, body),
            _ => Rounds::default(),
        };
        Ask {
            stream: match route.endpoint {
                Endpoint::StreamGenerateContent => true,
                _ => body["stream"].as_bool().unwrap_or(false),
            },
            input_tokens: tokens(&text) + tools_text as u64 / 4 + 3,
            max_tokens: max_tokens(body),
            calls: match behaviour {
                Behaviour::Agent => tools::of_agent(body, tools, rounds.done),
                _ => tools::to_call(body, tools).into_iter().collect(),
            },
            behaviour,
            rounds,
            stop_sequences: stop_sequences(body),
            sealed_thoughts: body["include"]
                .as_array()
                .is_some_and(|list| list.iter().any(|one| one == "reasoning.encrypted_content")),
            json_schema: json_schema(body),
            thinking: body["thinking"]["type"]
                .as_str()
                .is_some_and(|kind| kind != "disabled")
                || body["reasoning"].is_object()
                || at(
                    body,
                    &["generationConfig", "thinkingConfig", "includeThoughts"],
                )
                .as_bool()
                .unwrap_or(false),
            include_usage: body["stream_options"]["include_usage"]
                .as_bool()
                .unwrap_or(false),
            inputs: embedding_inputs(body),
            dimensions: dimensions(body),
            base64: body["encoding_format"] == "base64",
            model,
            text,
        }
    }

    /// A request that has no body.
    pub fn without_body(route: &Route) -> Ask {
        Ask {
            model: route.path_model.clone().unwrap_or_default(),
            stream: false,
            text: String::new(),
            input_tokens: 0,
            max_tokens: None,
            behaviour: Behaviour::Plain,
            calls: Vec::new(),
            rounds: Rounds::default(),
            stop_sequences: Vec::new(),
            sealed_thoughts: false,
            json_schema: None,
            thinking: false,
            include_usage: false,
            inputs: Vec::new(),
            dimensions: 0,
            base64: false,
        }
    }

    /// Whether the body asks for a stream, without reading it as JSON: for the prebuilt answers.
    pub fn wants_stream(route: &Route, body: &[u8]) -> bool {
        route.endpoint == Endpoint::StreamGenerateContent
            || memchr::memmem::find_iter(body, br#""stream""#).any(|at| {
                let rest = &body[at + br#""stream""#.len()..];
                let value: Vec<u8> = rest
                    .iter()
                    .copied()
                    .filter(|b| !b.is_ascii_whitespace())
                    .take(5)
                    .collect();
                value == *b":true"
            })
    }

    /// The seed of everything in the answer.
    pub fn seed(&self) -> Seed {
        match self.behaviour {
            // What tools say is not always text; each round's answer differs all the same.
            Behaviour::Agent => {
                let rounds = format!("{:?}", self.rounds);
                Seed::of(&[&self.model, &self.text, &rounds])
            }
            _ => Seed::of(&[&self.model, &self.text]),
        }
    }
}

/// The model: in the path, or where the body names it.
fn model(route: &Route, body: &Value) -> String {
    let named = match (&route.path_model, route.endpoint) {
        (Some(model), _) => return model.clone(),
        (None, Endpoint::GeminiCountTokens) => &body["request"]["model"],
        (None, _) => &body["model"],
    };
    let named = named.as_str().unwrap_or_default();
    match route.platform {
        Platform::Antigravity => named.strip_prefix("models/").unwrap_or(named).to_owned(),
        Platform::Anthropic | Platform::OpenAi | Platform::Gemini => named.to_owned(),
    }
}

fn required(endpoint: Endpoint, body: &Value) -> Result<(), BadRequest> {
    // endpoint → (field, what the provider says when it is missing)
    let fields: &[(&str, &str)] = match endpoint {
        Endpoint::Messages => &[
            ("model", "model: Field required"),
            ("max_tokens", "max_tokens: Field required"),
            ("messages", "messages: Field required"),
        ],
        Endpoint::CountTokens => &[
            ("model", "model: Field required"),
            ("messages", "messages: Field required"),
        ],
        Endpoint::ChatCompletions => &[
            ("model", "you must provide a model parameter"),
            ("messages", "Missing required parameter: 'messages'."),
        ],
        Endpoint::Responses => &[("model", "Missing required parameter: 'model'.")],
        Endpoint::Embeddings => &[
            ("model", "you must provide a model parameter"),
            ("input", "Missing required parameter: 'input'."),
        ],
        Endpoint::GenerateContent | Endpoint::StreamGenerateContent => &[(
            "contents",
            "* GenerateContentRequest.contents: contents is not specified\n",
        )],
        Endpoint::GeminiCountTokens | Endpoint::EmbedContent | Endpoint::Models => &[],
    };
    let missing = fields.iter().find(|(field, _)| match &body[*field] {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    });
    match missing {
        None => Ok(()),
        Some((param, message)) => Err(BadRequest {
            param: Some((*param).to_owned()),
            ..BadRequest::saying(*message)
        }),
    }
}

/// Every string under a `text`, `content` or `parts` key, and bare strings.
fn collect_text(value: &Value, text: &mut String) {
    match value {
        Value::String(part) => {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(part);
        }
        Value::Array(items) => items.iter().for_each(|item| collect_text(item, text)),
        Value::Object(fields) => {
            for key in [
                "text",
                "content",
                "parts",
                "thinking",
                "output",
                "functionResponse",
                "response",
            ] {
                if let Some(inner) = fields.get(key) {
                    collect_text(inner, text);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The value under a path of keys, each also in the snake case that protobuf's JSON allows.
pub fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, key| match &value[*key] {
        Value::Null => &value[snake_case(key)],
        found => found,
    })
}

fn max_tokens(body: &Value) -> Option<u64> {
    const SPELLINGS: &[&[&str]] = &[
        &["max_tokens"],
        &["max_completion_tokens"],
        &["max_output_tokens"],
        &["generationConfig", "maxOutputTokens"],
    ];
    SPELLINGS.iter().find_map(|path| at(body, path).as_u64())
}

fn stop_sequences(body: &Value) -> Vec<String> {
    const SPELLINGS: &[&[&str]] = &[
        &["stop_sequences"],
        &["stop"],
        &["generationConfig", "stopSequences"],
    ];
    let stated = SPELLINGS
        .iter()
        .map(|path| at(body, path))
        .find(|stated| !stated.is_null());
    match stated {
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    }
}

/// The schema a JSON answer must have; `null` for "any object".
fn json_schema(body: &Value) -> Option<Value> {
    let gemini = at(body, &["generationConfig"]);
    if *at(gemini, &["responseMimeType"]) == "application/json" {
        let spellings = [
            at(gemini, &["responseSchema"]),
            at(gemini, &["responseJsonSchema"]),
        ];
        return Some(
            spellings
                .into_iter()
                .find(|schema| schema.is_object())
                .cloned()
                .unwrap_or_default(),
        );
    }
    let format = [&body["response_format"], &body["text"]["format"]]
        .into_iter()
        .find(|format| format.is_object())?;
    match format["type"].as_str() {
        Some("json_schema") => [&format["json_schema"]["schema"], &format["schema"]]
            .into_iter()
            .find(|schema| schema.is_object())
            .cloned(),
        Some("json_object") => Some(Value::Null),
        _ => None,
    }
}

fn embedding_inputs(body: &Value) -> Vec<String> {
    let items: Vec<&Value> = match (&body["input"], &body["requests"], &body["content"]) {
        (Value::Array(items), _, _) if items.iter().any(Value::is_number) => vec![&body["input"]],
        (Value::Array(items), _, _) => items.iter().collect(),
        (one @ Value::String(_), _, _) => vec![one],
        (_, Value::Array(requests), _) => {
            requests.iter().map(|request| &request["content"]).collect()
        }
        (_, _, content) => vec![content],
    };
    items
        .into_iter()
        .map(|item| {
            let mut text = String::new();
            collect_text(item, &mut text);
            if text.is_empty() {
                item.to_string()
            } else {
                text
            }
        })
        .collect()
}

fn dimensions(body: &Value) -> usize {
    const SMALL_ENOUGH_TO_READ: u64 = 64;
    [
        &body["dimensions"],
        at(body, &["outputDimensionality"]),
        at(&body["requests"][0], &["outputDimensionality"]),
    ]
    .into_iter()
    .find_map(Value::as_u64)
    .unwrap_or(SMALL_ENOUGH_TO_READ)
    .clamp(1, 4096) as usize
}
