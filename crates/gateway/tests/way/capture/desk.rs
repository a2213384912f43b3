//! A conversation as agents have it, and a store that its failures are recorded in.

use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, uri::PathAndQuery};
use serde_json::{Value, json};
use tempfile::TempDir;
use waybill_gateway::{
    config::Capture,
    record::{
        Composer,
        capture::{Copies, Head, Packer},
    },
    secrets::Secrets,
    vault::Vault,
};
use waybill_model::{
    cause::Cause,
    id::{ErrorId, RequestId},
    protocol::{Endpoint, Protocol},
    record::Record,
    secret::Secret,
    time::UnixMillis,
    waybill::{Arrival, Outcome, Waybill},
};
use waybill_store::{Batch, Fate, Journal, RetentionPolicy, Store, StoreOptions};

/// When the conversation begins.
pub const BEGIN: UnixMillis = UnixMillis(1_760_000_000_000);

/// The same words every time.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Text of at least so many bytes, of words of its own and with code in it.
    fn text(&mut self, bytes: usize) -> String {
        const WORDS: [&str; 24] = [
            "the", "request", "handler", "returns", "early", "when", "buffer", "is", "empty",
            "and", "retry", "count", "reads", "config", "before", "test", "fails", "with",
            "timeout", "parser", "state", "of", "stream", "account",
        ];
        let mut text = String::new();
        while text.len() < bytes {
            match self.next() % 12 {
                0 => text.push_str(&format!(
                    "\n    let v{} = \"{}\\t\";\n",
                    self.next() % 100_000,
                    self.next() % 1_000
                )),
                1 => text.push_str(&format!(
                    "src/m{}.rs:{} ",
                    self.next() % 900,
                    self.next() % 2_000
                )),
                n => text.push_str(&format!("{} ", WORDS[((self.next() + n) % 24) as usize])),
            }
        }
        text
    }
}

/// A conversation that grows by a turn per request.
pub struct Talk {
    words: Words,
    system: Value,
    tools: Value,
    messages: Vec<Value>,
    turn_bytes: usize,
}

impl Talk {
    /// One that begins with a prompt and tools of about 40 KiB and grows by `turn_bytes` of text per turn.
    pub fn new(turn_bytes: usize) -> Talk {
        let mut words = Words(0x9e37_79b9_7f4a_7c15);
        let tools: Vec<Value> = (0..16)
            .map(|n| {
                json!({"name": format!("tool_{n}"), "description": words.text(1_200), "input_schema": {
                    "type": "object", "required": ["path"],
                    "properties": {"path": {"type": "string", "description": words.text(150)}}}})
            })
            .collect();
        Talk {
            system: json!([{"type": "text", "text": words.text(16_000),
                "cache_control": {"type": "ephemeral"}}]),
            tools: json!(tools),
            messages: Vec::new(),
            turn_bytes,
            words,
        }
    }

    /// The body of the next request: everything again, the newest turn, and `cache_control` moved to it. The
    /// prompt and the tools come after what grows, as the most used agent has it.
    pub fn next_body(&mut self) -> Bytes {
        let n = self.messages.len();
        if n > 0 {
            let text = self.words.text(self.turn_bytes / 2);
            self.messages
                .push(json!({"role": "assistant", "content": [{"type": "text", "text": text}]}));
        }
        let text = self.words.text(self.turn_bytes / 2);
        self.messages
            .push(json!({"role": "user", "content": [{"type": "text", "text": text}]}));
        let mut messages = self.messages.clone();
        if let Some(last) = messages.last_mut() {
            last["content"][0]["cache_control"] = json!({"type": "ephemeral"});
        }
        // By hand: the order of fields is the client's.
        Bytes::from(format!(
            "{{\"model\":\"claude-sonnet-4-5\",\"messages\":{},\"system\":{},\"tools\":{},\"metadata\":{{\"user_id\":\
             \"user_1\"}},\"max_tokens\":32000,\"stream\":true}}",
            json!(messages),
            self.system,
            self.tools
        ))
    }
}

/// A store, and who packs what is recorded in it.
pub struct Desk {
    pub store: Store,
    pub vault: Vault,
    journal: Journal,
    packer: Packer,
    template: Record,
    head: Head,
    pub folder: TempDir,
    recorded: u64,
}

impl Desk {
    /// An embedded store.
    pub fn new(copies: Copies) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreOptions::at(folder.path().join("waybill.db"))).unwrap();
        let vault = Vault::new(&Secret::new("an instance key"));
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("anthropic-version", "2023-06-01"),
            (
                "anthropic-beta",
                "interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14",
            ),
            ("user-agent", "agent/1.0 (external, cli)"),
            ("content-type", "application/json"),
            ("x-stainless-runtime", "node"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let arrival = Arrival {
            method: Method::POST,
            path: PathAndQuery::from_static("/v1/messages?beta=true"),
            protocol: Protocol::Anthropic,
            endpoint: Some(Endpoint::Messages),
            model: Some("claude-sonnet-4-5".into()),
            stream: true,
            client_ip: Ipv4Addr::LOCALHOST.into(),
            headers,
            body: Bytes::new(),
            body_bytes: 0,
            sticky: None,
        };
        let head = Head::of(&arrival).unwrap();
        let waybill = Waybill::open(RequestId::new(BEGIN, [0; 10]), BEGIN, arrival);
        let refused = Outcome::Refused {
            cause: Cause::GatewayQuotaExhausted,
            message: "no more today".to_owned(),
        };
        let finished = Box::new(waybill).finish(refused, 429, Bytes::new(), BEGIN);
        let secrets = Secrets::new(Vec::new()).into();
        let template = Composer::new(secrets, vault.clone(), Capture::default(), copies)
            .compose(finished, false);
        Desk {
            journal: store.journal().unwrap(),
            packer: Packer::new(vault.clone(), copies),
            store,
            vault,
            template,
            head,
            folder,
            recorded: 0,
        }
    }

    /// Records a failure, with a copy of its body if there is one. They are a second apart.
    pub fn record(&mut self, body: Option<&Bytes>) -> ErrorId {
        self.recorded += 1;
        let at = BEGIN.plus_ms(i64::try_from(self.recorded).unwrap() * 1_000);
        let mut number = [0; 10];
        number[..8].copy_from_slice(&self.recorded.to_be_bytes());
        let mut record = self.template.clone();
        let of_error = record.error.as_deref_mut().map(|error| &mut error.subject);
        let of_request = record.request.as_mut().map(|request| &mut request.subject);
        for subject in of_error.into_iter().chain(of_request) {
            subject.request_id = RequestId::new(at, number);
            subject.created_at = at;
        }
        record.replay = body.map(|body| self.packer.pack(&self.head, body).unwrap());
        let report = self.journal.commit(Batch::of(&[record]));
        assert_eq!(report.fates, [Fate::Stored]);
        ErrorId(i64::try_from(self.recorded).unwrap())
    }

    /// Bytes of all pages that hold something.
    pub async fn bytes_used(&self) -> u64 {
        let nothing = RetentionPolicy::default();
        self.store.retain(&nothing, BEGIN).await.unwrap().bytes_used
    }
}
