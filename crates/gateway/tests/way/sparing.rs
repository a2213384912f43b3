//! What spares a provider: a conversation stays where its beginning is cached, and an account that says
//! in a good answer that nothing is left is not asked for more.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use crate::support::{Setup, World, key_of};
use http::Method;
use serde_json::{Value, json};
use waybill_gateway::clock::Clock;
use waybill_sim::{Limit, SimClock, SimOptions};

const POOL_KEY: &str = "client-key-of-the-pool-0123456789";

/// A pool of equal accounts for each protocol, behind a key of its own.
fn pools() -> String {
    let mut text = String::new();
    for (platform, letter) in [("anthropic", "a"), ("openai", "o"), ("gemini", "g")] {
        let _ = write!(
            text,
            "[[group]]\nname = \"pool-{platform}\"\nplatform = \"{platform}\"\n"
        );
        for number in 10..18 {
            let name = format!("{letter}{number}");
            let _ = write!(
                text,
                "[[account]]\nname = \"{name}\"\nplatform = \"{platform}\"\ngroups = [\"pool-{platform}\"]\n\
                 base_url = \"{{providers}}\"\ncredential = {{ api_key = \"{}\" }}\npriority = 10\n",
                key_of(&name),
            );
        }
    }
    let _ = write!(
        text,
        "[[api_key]]\nname = \"pool\"\nkey = \"{POOL_KEY}\"\n\
         groups = [\"pool-anthropic\", \"pool-openai\", \"pool-gemini\"]\n"
    );
    text
}

/// A path, a body, and a header of the client's own.
type Asked<'a> = (&'a str, Value, Option<(&'static str, &'a str)>);

/// The accounts (credentials) that served these requests, with how many each.
async fn serve<'a>(
    world: &World,
    requests: impl IntoIterator<Item = Asked<'a>>,
) -> BTreeMap<String, usize> {
    world.sim.clear_received();
    for (path, body, header) in requests {
        let mut request = world.request(Method::POST, path, body.to_string());
        for name in ["x-api-key", "x-goog-api-key"] {
            if let Some(value) = request.headers_mut().get_mut(name) {
                *value = POOL_KEY.parse().unwrap();
            }
        }
        if let Some(value) = request.headers_mut().get_mut("authorization") {
            *value = format!("Bearer {POOL_KEY}").parse().unwrap();
        }
        if let Some((name, value)) = header {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let answer = world.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let mut served = BTreeMap::new();
    for received in world.sim.received() {
        *served.entry(received.key.unwrap()).or_default() += 1;
    }
    served
}

/// The request of a conversation's turn `turn`, from 1, as a client sends it: everything said so far, and
/// the cache marker on the newest message.
fn turn(first: &str, turn: usize) -> Value {
    let mut messages = vec![json!({"role": "user", "content": first})];
    for number in 1..turn {
        messages.push(json!({"role": "assistant", "content": format!("Answer {number}.")}));
        messages.push(json!({"role": "user", "content": format!("Question {number}?")}));
    }
    let last = messages.last_mut().unwrap();
    let text = last["content"].take();
    last["content"] =
        json!([{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]);
    json!({"model": "claude-sonnet-4-5", "max_tokens": 20, "messages": messages,
        "system": "You are a careful assistant. ".repeat(200)})
}

#[tokio::test]
async fn a_conversation_with_an_id_stays_on_one_account_and_others_spread() {
    let world = World::with(Setup {
        rest: pools(),
        ..Setup::default()
    })
    .await;
    let claude = |user: &str| json!({"model": "m", "max_tokens": 9, "metadata": {"user_id": user}, "messages": [{"role": "user", "content": "hi"}]});
    let codex = json!({"model": "m", "input": "hi"});
    let chat = json!({"model": "m", "prompt_cache_key": "c-1", "messages": [{"role": "user", "content": "hi"}]});
    let gemini = json!({"contents": [{"parts": [{"text": "hi"}]}]});
    let path = "/v1beta/models/gemini-2.5-flash:generateContent";
    let conversations: [Asked<'_>; 4] = [
        ("/v1/messages", claude("user_1_session_2"), None),
        ("/v1/responses", codex, Some(("session-id", "0198-7c"))),
        ("/v1/chat/completions", chat, None),
        (path, gemini, Some(("x-session-id", "g"))),
    ];
    for one in conversations {
        let served = serve(&world, vec![one.clone(); 6]).await;
        assert_eq!(served.len(), 1, "{one:?}: {served:?}");
    }
    let ids: Vec<_> = (0..40).map(|number| format!("user-{number}")).collect();
    let many = ids.iter().map(|id| ("/v1/messages", claude(id), None));
    let served = serve(&world, many).await;
    assert!(served.len() >= 6, "{served:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_conversation_without_an_id_stays_where_its_beginning_is_known_from_its_second_turn_on() {
    let world = World::with(Setup {
        rest: pools(),
        ..Setup::default()
    })
    .await;
    let turns = (2..8).map(|number| ("/v1/messages", turn("What is a waybill?", number), None));
    let served = serve(&world, turns).await;
    assert_eq!(served.len(), 1, "{served:?}");
    // Conversations that begin otherwise are elsewhere, and single requests everywhere.
    let others: BTreeSet<_> = {
        let firsts: Vec<_> = (0..40).map(|number| format!("Question {number}")).collect();
        let requests = firsts
            .iter()
            .map(|first| ("/v1/messages", turn(first, 2), None));
        serve(&world, requests).await.into_keys().collect()
    };
    assert!(others.len() >= 6, "{others:?}");
    let single = (0..16).map(|_| ("/v1/messages", turn("The same", 1), None));
    let served = serve(&world, single).await;
    assert_eq!(served.len(), 8, "{served:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_limit_that_good_answers_announce_is_never_met() {
    let now = Arc::new(AtomicI64::new(1_767_225_600_000));
    let world = World::with(Setup {
        sim: SimOptions {
            clock: SimClock::Manual(Arc::clone(&now)),
            ..SimOptions::default()
        },
        clock: Clock::Manual(Arc::clone(&now)),
        ..Setup::default()
    })
    .await;
    world
        .sim
        .limit(Limit::of(&key_of("a1")).requests_per_minute(3));
    world
        .sim
        .limit(Limit::of(&key_of("o1")).requests_per_minute(3));
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
    for _ in 0..20 {
        for path in ["/v1/messages", "/v1/chat/completions"] {
            assert_eq!(world.post(path, body).await.status, 200);
        }
        now.fetch_add(5_000, Ordering::SeqCst);
    }
    let by_key = world.sim.by_key();
    for account in ["a1", "o1"] {
        let counters = &by_key[&key_of(account)];
        // Three at once, then one in twenty seconds: it is used as far as it goes, and no further.
        assert_eq!(counters.limited, 0, "{account}: {counters:?}");
        assert!(
            (6..=8).contains(&counters.requests),
            "{account}: {counters:?}"
        );
    }
    assert!(world.events().await.is_empty());
    world.stop().await;
}
