//! Each fault does what it says, seen from the other end of a real socket.

use crate::support::{Answer, DEADLINE, Rig, rig, rig_with};
use async_compression::tokio::write::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use waybill_model::protocol::{Endpoint, Protocol};
use waybill_sim::{Cut, Encoding, Fault, Place, ProviderError, Rule, SimOptions};

const CLAUDE: &str = "/v1/messages";
const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/gemini-2.5-flash:generateContent";
const GEMINI_SSE: &str = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse";
const GEMINI_ARRAY: &str = "/v1beta/models/gemini-2.5-flash:streamGenerateContent";
const STREAMED: &[&str] = &[CLAUDE, CHAT, RESPONSES, GEMINI_SSE, GEMINI_ARRAY];

fn body(path: &str, stream: bool) -> Value {
    let messages = json!([{ "role": "user", "content": "Tell me about the sea." }]);
    match path {
        CLAUDE => {
            json!({ "model": "claude-sonnet-4-5", "max_tokens": 256, "stream": stream, "messages": messages })
        }
        CHAT => json!({ "model": "gpt-5", "stream": stream, "messages": messages }),
        RESPONSES => {
            json!({ "model": "gpt-5", "stream": stream, "input": "Tell me about the sea." })
        }
        _ => {
            json!({ "contents": [{ "role": "user", "parts": [{ "text": "Tell me about the sea." }] }] })
        }
    }
}

async fn with(fault: Fault) -> Rig {
    let rig = rig().await;
    rig.sim.script(Rule::new(fault));
    rig
}

async fn streamed(rig: &Rig, path: &str) -> Result<Answer, String> {
    rig.post(path, &body(path, true)).await
}

async fn plain(rig: &Rig, path: &str) -> Result<Answer, String> {
    rig.post(path, &body(path, false)).await
}

/// Pieces of text the client saw.
fn content_frames(answer: &Answer) -> usize {
    let text = answer.text();
    [
        "text_delta",
        r#""delta":{"content":"#,
        "event: response.output_text.delta",
        r#"{"parts":[{"text":"#,
    ]
    .iter()
    .map(|mark| text.matches(mark).count())
    .sum::<usize>()
    // The first chunk of a chat has an empty content beside the role, which the marks pass over.
}

#[tokio::test]
async fn every_provider_error_has_the_shape_of_every_protocol() {
    for error in ProviderError::ALL {
        let rig = with(Fault::provider(*error)).await;
        let anthropic = plain(&rig, CLAUDE).await.unwrap();
        assert!(anthropic.status.as_u16() >= 400, "{error:?}");
        assert_eq!(anthropic.json()["type"], "error");
        assert!(anthropic.json()["error"]["message"].is_string());
        let openai = plain(&rig, CHAT).await.unwrap();
        assert!(
            openai.json()["error"]["type"].is_string()
                && openai.json()["error"]["message"].is_string()
        );
        let gemini = plain(&rig, GEMINI).await.unwrap();
        assert_eq!(gemini.json()["error"]["code"], gemini.status.as_u16());
        assert!(gemini.json()["error"]["status"].is_string());
        let array = streamed(&rig, GEMINI_ARRAY).await.unwrap();
        assert_eq!(array.json()[0]["error"]["code"], array.status.as_u16());
    }
}

#[tokio::test]
async fn a_rate_limit_states_its_wait_where_the_provider_states_it() {
    let limit = Fault::Provider {
        error: ProviderError::RateLimitRequests,
        retry_after_ms: Some(7_500),
        echo_key: false,
        headers: [("x-extra".to_owned(), "yes".to_owned())].into(),
    };
    let rig = with(limit).await;
    let anthropic = plain(&rig, CLAUDE).await.unwrap();
    assert_eq!(
        (
            anthropic.status.as_u16(),
            anthropic.headers["retry-after"].to_str().unwrap()
        ),
        (429, "8")
    );
    assert_eq!(
        anthropic.headers["anthropic-ratelimit-requests-remaining"],
        "0"
    );
    assert_eq!(anthropic.headers["x-extra"], "yes");
    let openai = plain(&rig, CHAT).await.unwrap();
    assert_eq!(openai.headers["retry-after-ms"], "7500");
    assert!(openai.text().contains("Please try again in 7.5s"));
    let gemini = plain(&rig, GEMINI).await.unwrap().json();
    let details = gemini["error"]["details"].as_array().unwrap();
    assert!(details.iter().any(|detail| detail["retryDelay"] == "7.5s"));
}

#[tokio::test]
async fn the_presented_credential_is_repeated_on_demand() {
    let echo = Fault::Provider {
        error: ProviderError::InvalidKey,
        retry_after_ms: None,
        echo_key: true,
        headers: Default::default(),
    };
    let rig = with(echo).await;
    for path in [CLAUDE, CHAT, GEMINI] {
        assert!(
            plain(&rig, path).await.unwrap().text().contains("key-1"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_stream_error_comes_after_as_many_content_frames_as_asked_for_and_ends_the_stream() {
    for path in STREAMED {
        for frames in [0, 2] {
            let rig = with(Fault::StreamError {
                error: ProviderError::Overloaded,
                frames,
            })
            .await;
            let answer = streamed(&rig, path).await.unwrap();
            assert_eq!(answer.status, 200, "{path}");
            assert!(answer.whole, "{path}");
            assert_eq!(content_frames(&answer), frames, "{path}\n{}", answer.text());
            let last = match *path {
                GEMINI_ARRAY => answer.json().as_array().unwrap().last().unwrap().clone(),
                _ => answer.events().pop().unwrap(),
            };
            let error = if *path == RESPONSES {
                &last["response"]["error"]
            } else {
                &last["error"]
            };
            assert!(
                error["message"]
                    .as_str()
                    .unwrap()
                    .to_lowercase()
                    .contains("overloaded"),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_truncated_stream_ends_cleanly_without_its_end_marker() {
    for path in STREAMED {
        for frames in [0, 3] {
            let rig = with(Fault::Truncate { frames }).await;
            let answer = streamed(&rig, path).await.unwrap();
            assert!(answer.whole, "{path}");
            assert_eq!(content_frames(&answer), frames, "{path}");
            for end in [
                "message_stop",
                "[DONE]",
                "response.completed",
                "finishReason",
            ] {
                assert!(!answer.text().contains(end), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_truncated_plain_answer_is_half_a_document() {
    let rig = with(Fault::Truncate { frames: 1 }).await;
    let answer = plain(&rig, CLAUDE).await.unwrap();
    assert!(
        answer.whole
            && serde_json::from_slice::<Value>(&answer.bytes).is_err()
            && !answer.bytes.is_empty()
    );
}

#[tokio::test]
async fn a_connection_cut_before_the_answer_gives_no_answer() {
    for how in [Cut::Reset, Cut::Close] {
        for at in [Place::BeforeHeaders, Place::MidHeaders] {
            let rig = with(Fault::Cut { how, at, frames: 0 }).await;
            let error = plain(&rig, CLAUDE).await.err().unwrap();
            if how == Cut::Reset {
                assert!(error.contains("ConnectionReset"), "{at:?}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_connection_cut_inside_the_answer_breaks_it_after_what_was_asked_for() {
    for how in [Cut::Reset, Cut::Close] {
        for (at, frames) in [(Place::BeforeContent, 0), (Place::MidContent, 2)] {
            let rig = with(Fault::Cut { how, at, frames: 2 }).await;
            for path in STREAMED {
                let answer = streamed(&rig, path).await.unwrap();
                assert!(!answer.whole, "{path}");
                assert_eq!(content_frames(&answer), frames, "{path}");
            }
            let answer = plain(&rig, CLAUDE).await.unwrap();
            assert!(!answer.whole);
            assert_eq!(answer.bytes.is_empty(), frames == 0);
        }
    }
}

#[tokio::test]
async fn a_reset_reaches_an_http2_client_too() {
    let rig = rig_with(SimOptions::default(), true).await;
    rig.sim
        .script(Rule::new(Fault::reset(Place::MidContent)).times(1));
    assert!(!streamed(&rig, CLAUDE).await.unwrap().whole);
    assert!(streamed(&rig, CLAUDE).await.unwrap().whole);
}

#[tokio::test]
async fn a_stall_lasts_until_the_peer_leaves_and_is_over_then() {
    for at in [
        Place::BeforeHeaders,
        Place::MidHeaders,
        Place::BeforeContent,
        Place::MidContent,
    ] {
        let rig = with(Fault::stall(at)).await;
        let request = body(CLAUDE, true);
        let mut open = Box::pin(rig.open(CLAUDE, "key-1", &request));
        if matches!(at, Place::BeforeHeaders | Place::MidHeaders) {
            tokio::select! {
                _ = &mut open => panic!("answered in spite of a stall"),
                () = until(|| rig.sim.rules()[0].hits == 1) => {}
            }
            drop(open);
        } else {
            let mut answer = open.await.unwrap();
            let mut seen = Vec::new();
            let enough = if at == Place::MidContent {
                "text_delta"
            } else {
                "message_start"
            };
            while !String::from_utf8_lossy(&seen).contains(enough) {
                seen.extend(answer.frame().await.unwrap().unwrap().into_data().unwrap());
            }
            assert_eq!(rig.sim.counters().in_flight, 1);
        }
        until(|| rig.sim.counters().in_flight == 0).await;
    }
}

#[tokio::test]
async fn a_stall_of_stated_length_is_followed_by_the_rest() {
    for at in [
        Place::BeforeHeaders,
        Place::BeforeContent,
        Place::MidContent,
    ] {
        let rig = with(Fault::Stall {
            at,
            for_ms: Some(30),
            frames: 1,
        })
        .await;
        for path in STREAMED {
            assert!(
                content_frames(&streamed(&rig, path).await.unwrap()) > 3,
                "{path}"
            );
        }
        assert_eq!(plain(&rig, CLAUDE).await.unwrap().json()["type"], "message");
    }
}

#[tokio::test]
async fn a_trickle_and_a_delay_change_nothing_but_the_time() {
    let healthy = rig().await;
    let expected = streamed(&healthy, CLAUDE).await.unwrap().text();
    let rig = rig().await;
    rig.sim.script(
        Rule::new(Fault::Trickle {
            bytes: 700,
            every_ms: 1,
        })
        .delay_ms(20),
    );
    assert_eq!(streamed(&rig, CLAUDE).await.unwrap().text(), expected);
}

#[tokio::test]
async fn pings_come_before_the_content() {
    let rig = with(Fault::Pings {
        count: 3,
        every_ms: 1,
    })
    .await;
    let text = streamed(&rig, CLAUDE).await.unwrap().text();
    let (before, _) = text.split_once("text_delta").unwrap();
    assert_eq!(before.matches("event: ping").count(), 4);
    let text = streamed(&rig, CHAT).await.unwrap().text();
    assert_eq!(text.matches(": keep-alive").count(), 3);
    assert!(
        streamed(&rig, GEMINI_ARRAY)
            .await
            .unwrap()
            .json()
            .is_array()
    );
}

#[tokio::test]
async fn what_is_not_http_is_no_answer() {
    let rig = with(Fault::NotHttp).await;
    let error = plain(&rig, CLAUDE).await.err().unwrap();
    assert!(error.contains("Parse"), "{error}");
}

#[tokio::test]
async fn garbage_and_pages_have_a_good_head_and_a_useless_body() {
    let rig = with(Fault::Garbage { frames: 1 }).await;
    let answer = streamed(&rig, CLAUDE).await.unwrap();
    assert_eq!(
        answer.headers["content-type"],
        "text/event-stream; charset=utf-8"
    );
    assert!(answer.text().contains("not the protocol"));
    assert!(serde_json::from_slice::<Value>(&plain(&rig, CLAUDE).await.unwrap().bytes).is_err());

    let rig = with(Fault::Html { status: 200 }).await;
    let answer = plain(&rig, CLAUDE).await.unwrap();
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.headers["content-type"].to_str().unwrap()
        ),
        (200, "text/html; charset=UTF-8")
    );
}

#[tokio::test]
async fn a_huge_body_has_the_stated_size() {
    let rig = with(Fault::Huge {
        mib: 3,
        status: 500,
    })
    .await;
    let answer = plain(&rig, CLAUDE).await.unwrap();
    assert_eq!(answer.status, 500);
    assert!(answer.bytes.len() > 3 << 20);
    assert!(answer.json()["error"]["message"].is_string());
}

#[tokio::test]
async fn a_length_longer_than_the_body_leaves_it_unfinished() {
    let rig = with(Fault::LongLength { extra: 10 }).await;
    let answer = plain(&rig, CLAUDE).await.unwrap();
    assert!(!answer.whole);
    let stated: usize = answer.headers["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(stated, answer.bytes.len() + 10);
}

#[tokio::test]
async fn an_answer_is_compressed_plain_streamed_and_as_an_error() {
    for encoding in [
        Encoding::Gzip,
        Encoding::Deflate,
        Encoding::Br,
        Encoding::Zstd,
    ] {
        let healthy = rig().await;
        let rig = rig().await;
        rig.sim.script(
            Rule::new(Fault::provider(ProviderError::Overloaded))
                .encoding(encoding)
                .times(1),
        );
        rig.sim.script(Rule::healthy().encoding(encoding));
        let error = plain(&rig, CLAUDE).await.unwrap();
        assert_eq!(error.status, 529);
        assert!(
            unpacked(encoding, &error)
                .await
                .contains("overloaded_error")
        );
        for stream in [false, true] {
            let packed = rig.post(CLAUDE, &body(CLAUDE, stream)).await.unwrap();
            let expected = healthy.post(CLAUDE, &body(CLAUDE, stream)).await.unwrap();
            assert_eq!(
                unpacked(encoding, &packed).await,
                expected.text(),
                "{encoding:?}"
            );
        }
    }
}

async fn unpacked(encoding: Encoding, answer: &Answer) -> String {
    async fn through<D: tokio::io::AsyncWrite + Unpin>(
        mut decoder: D,
        bytes: &[u8],
        into: fn(D) -> Vec<u8>,
    ) -> Vec<u8> {
        decoder.write_all(bytes).await.unwrap();
        decoder.shutdown().await.unwrap();
        into(decoder)
    }
    let (bytes, out) = (&answer.bytes, Vec::new());
    let (name, plain) = match encoding {
        Encoding::Gzip => (
            "gzip",
            through(GzipDecoder::new(out), bytes, GzipDecoder::into_inner).await,
        ),
        Encoding::Deflate => (
            "deflate",
            through(ZlibDecoder::new(out), bytes, ZlibDecoder::into_inner).await,
        ),
        Encoding::Br => (
            "br",
            through(BrotliDecoder::new(out), bytes, BrotliDecoder::into_inner).await,
        ),
        Encoding::Zstd => (
            "zstd",
            through(ZstdDecoder::new(out), bytes, ZstdDecoder::into_inner).await,
        ),
    };
    assert_eq!(answer.headers["content-encoding"], name);
    String::from_utf8(plain).unwrap()
}

#[tokio::test]
async fn invalid_utf8_is_in_the_text_or_in_the_errors_message() {
    for status in [200, 500] {
        let rig = with(Fault::InvalidUtf8 { status }).await;
        for answer in [
            plain(&rig, CLAUDE).await.unwrap(),
            streamed(&rig, CHAT).await.unwrap(),
        ] {
            assert_eq!(answer.status, status);
            assert!(std::str::from_utf8(&answer.bytes).is_err());
            if status == 500 {
                let readable: Value = serde_json::from_str(&answer.text()).unwrap();
                assert!(
                    readable["error"]["message"]
                        .as_str()
                        .unwrap()
                        .contains('\u{fffd}')
                );
            }
        }
    }
}

#[tokio::test]
async fn a_redirect_names_its_target_and_an_error_may_hide_in_a_200() {
    let rig = rig().await;
    rig.sim.script(
        Rule::new(Fault::Redirect {
            to: "/elsewhere".into(),
            status: 307,
        })
        .times(1),
    );
    rig.sim.script(Rule::new(Fault::OkWithError {
        error: ProviderError::Internal,
    }));
    let answer = plain(&rig, CLAUDE).await.unwrap();
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.headers["location"].to_str().unwrap()
        ),
        (307, "/elsewhere")
    );
    let answer = plain(&rig, CLAUDE).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["error"]["type"], "api_error");
}

#[tokio::test]
async fn a_rule_hits_only_what_it_names_and_only_as_often_as_it_says() {
    let rig = rig().await;
    let refuse = || Rule::new(Fault::http(418, json!({ "error": {} })));
    rig.sim.script(refuse().key("other"));
    rig.sim.script(refuse().model("gpt-*"));
    rig.sim.script(refuse().endpoint(Endpoint::CountTokens));
    rig.sim.script(
        Rule {
            protocol: Some(Protocol::Gemini),
            skip: 1,
            ..refuse()
        }
        .times(1)
        .named("second"),
    );
    rig.sim.script(Rule {
        stream: Some(true),
        ..refuse()
    });

    let status = async |path, stream| {
        rig.post(path, &body(path, stream))
            .await
            .unwrap()
            .status
            .as_u16()
    };
    assert_eq!(status(CLAUDE, false).await, 200);
    assert_eq!(status(CLAUDE, true).await, 418);
    assert_eq!(status(CHAT, false).await, 418);
    assert_eq!(
        [
            status(GEMINI, false).await,
            status(GEMINI, false).await,
            status(GEMINI, false).await
        ],
        [200, 418, 200]
    );
    assert_eq!(
        rig.post("/v1/messages/count_tokens", &body(CLAUDE, false))
            .await
            .unwrap()
            .status,
        418
    );
    assert_eq!(
        rig.open(CLAUDE, "other", &body(CLAUDE, false))
            .await
            .unwrap()
            .status(),
        418
    );
    assert!(
        rig.sim
            .received()
            .iter()
            .any(|one| one.rule.as_deref() == Some("second"))
    );
}

#[tokio::test]
async fn a_share_of_requests_is_hit_and_the_same_ones_for_the_same_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let rig = rig_with(
            SimOptions {
                seed: 5,
                ..SimOptions::default()
            },
            false,
        )
        .await;
        rig.sim.script(Rule::new(Fault::http(500, "")).share(0.3));
        let mut statuses = Vec::new();
        for _ in 0..100 {
            statuses.push(plain(&rig, CLAUDE).await.unwrap().status.as_u16());
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    let hit = runs[0].iter().filter(|status| **status == 500).count();
    assert!((15..=45).contains(&hit), "{hit}");
}

#[tokio::test]
async fn rules_are_set_read_and_removed_over_http() {
    let rig = rig().await;
    let set = rig.post("/_sim/rules", &json!([
        { "key": "key-1", "times": 1, "fault": { "kind": "provider", "error": "rate_limit_tokens", "retry_after_ms": 1000 } },
        { "name": "slow", "delay_ms": 1, "encoding": "gzip" },
    ])).await.unwrap();
    assert_eq!(
        (set.status.as_u16(), set.json()["rules"].as_u64()),
        (201, Some(2))
    );
    assert_eq!(plain(&rig, CLAUDE).await.unwrap().status, 429);
    assert_eq!(
        plain(&rig, CLAUDE).await.unwrap().headers["content-encoding"],
        "gzip"
    );
    assert_eq!(rig.get("/_sim/rules").await.json()[0]["hits"], 1);
    let received = rig.get("/_sim/received").await.json();
    assert_eq!(
        (&received[0]["key"], &received[1]["rule"]),
        (&json!("key-1"), &json!("slow"))
    );

    let wrong = rig
        .post(
            "/_sim/rules",
            &json!({ "fault": { "kind": "no_such_fault" } }),
        )
        .await
        .unwrap();
    assert_eq!(wrong.status, 400);
    for path in ["rules", "received"] {
        let request = http::Request::delete(format!("{}/_sim/{path}", rig.sim.url()))
            .body(Default::default())
            .unwrap();
        assert_eq!(rig.client.request(request).await.unwrap().status(), 204);
        assert_eq!(rig.get(&format!("/_sim/{path}")).await.json(), json!([]));
    }
}

/// Waits for a condition that another task brings about.
async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, wait)
        .await
        .expect("the condition in time");
}
