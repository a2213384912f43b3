//! What the fixed-answer upstream says, chosen by the model's name alone.
//!
//! | model | answer |
//! |---|---|
//! | `bench-1k`, `bench-100k`, `bench-1m` | `200` with a JSON body of exactly that size |
//! | `bench-stream-50-0us`, `bench-stream-100-200us` | a stream of that many content events, one write each, that far apart |
//! | `bench-fail-10-400`, `bench-fail-100-500` | that status for so many in a hundred requests, else as `bench-1k` |
//! | `bench-failover-500` | that status for the account `first`, else as `bench-1k` |
//! | `bench-in-gemini`, `bench-in-messages-stream-50` | a short answer in that provider's language, whole or so many words as a stream |
//!
//! Answers are built once and shared; the bench must not be what is slow.

use std::{sync::Arc, time::Duration};

use crate::{request::filler, tongue::Tongue};

/// A parsed model name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ask {
    /// A JSON body of that many bytes.
    Plain {
        /// Length of the body.
        body_bytes: usize,
    },
    /// A stream.
    Stream {
        /// Content events.
        events: usize,
        /// Pause between two.
        gap: Duration,
    },
    /// Some requests fail.
    Fail {
        /// In a hundred.
        percent: u64,
        /// How they fail.
        status: u16,
    },
    /// The account named `first` fails, every other serves.
    Failover {
        /// How it fails.
        status: u16,
    },
    /// A short answer in a language of its own.
    In {
        /// Whose.
        tongue: Tongue,
        /// As a stream of so many words.
        words: Option<usize>,
    },
}

/// Size of the answer where the model's name does not say one.
const DEFAULT_BODY_BYTES: usize = 1024;

impl Ask {
    /// Reads a model name; `None` if it is none of the bench's.
    pub fn parse(model: &str) -> Option<Ask> {
        let mut words = model.strip_prefix("bench-")?.split('-');
        let ask = match words.next()? {
            "1k" => Ask::Plain { body_bytes: 1024 },
            "100k" => Ask::Plain {
                body_bytes: 100 * 1024,
            },
            "1m" => Ask::Plain {
                body_bytes: 1024 * 1024,
            },
            "stream" => Ask::Stream {
                events: words.next()?.parse().ok()?,
                gap: Duration::from_micros(words.next()?.strip_suffix("us")?.parse().ok()?),
            },
            "fail" => Ask::Fail {
                percent: words.next()?.parse().ok()?,
                status: words.next()?.parse().ok()?,
            },
            "failover" => Ask::Failover {
                status: words.next()?.parse().ok()?,
            },
            "in" => Ask::In {
                tongue: Tongue::parse(words.next()?)?,
                words: match words.next() {
                    None => None,
                    Some("stream") => Some(words.next()?.parse().ok()?),
                    Some(_) => return None,
                },
            },
            _ => return None,
        };
        words.next().is_none().then_some(ask)
    }

    /// Payload bytes of a good answer.
    pub fn served_bytes(self) -> u64 {
        match self {
            Ask::Plain { body_bytes } => body_bytes as u64,
            Ask::Stream { events, .. } => bytes_of(&events_of(events)),
            Ask::In {
                tongue,
                words: None,
            } => tongue.whole().len() as u64,
            Ask::In {
                tongue,
                words: Some(words),
            } => bytes_of(&tongue.events(words)),
            Ask::Fail { .. } | Ask::Failover { .. } => DEFAULT_BODY_BYTES as u64,
        }
    }
}

/// The bytes of both answers a model can have.
pub struct Answer {
    /// What was asked.
    pub ask: Ask,
    /// The good answer: what goes out in one write each.
    pub served: Vec<Vec<u8>>,
    /// The bad one.
    pub failed: Vec<u8>,
}

impl Answer {
    /// Builds the answers to `ask`.
    pub fn new(ask: Ask) -> Arc<Answer> {
        let (served, failed) = match ask {
            Ask::Plain { body_bytes } => (vec![plain(body_bytes)], Vec::new()),
            Ask::Stream { events, .. } => (stream(events_of(events)), Vec::new()),
            Ask::In {
                tongue,
                words: None,
            } => (vec![whole(200, "", tongue.whole().as_bytes())], Vec::new()),
            Ask::In {
                tongue,
                words: Some(words),
            } => (stream(tongue.events(words)), Vec::new()),
            Ask::Fail { status, .. } | Ask::Failover { status } => {
                (vec![plain(DEFAULT_BODY_BYTES)], failure(status))
            }
        };
        Arc::new(Answer {
            ask,
            served,
            failed,
        })
    }
}

fn bytes_of(events: &[impl AsRef<[u8]>]) -> u64 {
    events.iter().map(|event| event.as_ref().len() as u64).sum()
}

fn plain(body_bytes: usize) -> Vec<u8> {
    let before = r#"{"id":"chatcmpl-bench0000000000000000000000","object":"chat.completion","created":1767225600,"model":"gpt-bench","choices":[{"index":0,"message":{"role":"assistant","content":""#;
    let after = r#""},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":212,"completion_tokens":148,"total_tokens":360}}"#;
    let fill = body_bytes.saturating_sub(before.len() + after.len());
    let mut body = before.as_bytes().to_vec();
    body.extend(filler().take(fill));
    body.extend_from_slice(after.as_bytes());
    whole(200, "", &body)
}

fn failure(status: u16) -> Vec<u8> {
    let (kind, code, message, extra) = match status {
        400 | 413 => (
            "invalid_request_error",
            "\"unsupported_parameter\"",
            "Unsupported parameter: 'frequency_bias' is not supported with this model.",
            "",
        ),
        429 => (
            "requests",
            "\"rate_limit_exceeded\"",
            "Rate limit reached for gpt-bench in organization org-bench on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in 120ms.",
            "retry-after: 1\r\nx-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 120ms\r\n",
        ),
        _ => (
            "server_error",
            "null",
            "The server had an error while processing your request. Sorry about that!",
            "",
        ),
    };
    let body = format!(
        r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":{code}}}}}"#
    );
    whole(status, extra, body.as_bytes())
}

fn whole(status: u16, extra: &str, body: &[u8]) -> Vec<u8> {
    let mut wire = format!(
        "HTTP/1.1 {status} {}\r\ncontent-type: application/json\r\nx-request-id: req_bench00000000000000000000000000\r\n\
         openai-processing-ms: 12\r\n{extra}content-length: {}\r\n\r\n",
        if status == 200 { "OK" } else { "Failed" },
        body.len()
    )
    .into_bytes();
    wire.extend_from_slice(body);
    wire
}

/// One element per write. The head, the role frame and the first words go out together, so that the
/// first payload byte is content's first byte, also for a gateway that holds back the role frame.
fn stream(events: Vec<impl AsRef<[u8]>>) -> Vec<Vec<u8>> {
    let mut head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n\
        x-request-id: req_bench00000000000000000000000000\r\ntransfer-encoding: chunked\r\n\r\n"
        .to_vec();
    let mut frames = events.into_iter();
    for frame in frames.by_ref().take(2) {
        chunk(&mut head, frame.as_ref());
    }
    let mut writes = vec![head];
    for frame in frames {
        let mut wire = Vec::new();
        chunk(&mut wire, frame.as_ref());
        writes.push(wire);
    }
    if let Some(last) = writes.last_mut() {
        last.extend_from_slice(b"0\r\n\r\n");
    }
    writes
}

fn chunk(wire: &mut Vec<u8>, frame: &[u8]) {
    wire.extend_from_slice(format!("{:x}\r\n", frame.len()).as_bytes());
    wire.extend_from_slice(frame);
    wire.extend_from_slice(b"\r\n");
}

/// Role frame, content frames, and the end: finish reason, usage and `[DONE]` in one.
fn events_of(events: usize) -> Vec<Vec<u8>> {
    let frame = |delta: &str, finish: &str| {
        format!(
            r#"data: {{"id":"chatcmpl-bench0000000000000000000000","object":"chat.completion.chunk","created":1767225600,"model":"gpt-bench","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}"#
        ) + "\n\n"
    };
    let mut frames = vec![frame(r#"{"role":"assistant","content":""}"#, "null")];
    frames.extend((0..events).map(|n| frame(&format!(r#"{{"content":" word{n}"}}"#), "null")));
    let usage = r#"data: {"id":"chatcmpl-bench0000000000000000000000","object":"chat.completion.chunk","created":1767225600,"model":"gpt-bench","choices":[],"usage":{"prompt_tokens":212,"completion_tokens":50,"total_tokens":262}}"#;
    frames.push(frame("{}", "\"stop\"") + usage + "\n\ndata: [DONE]\n\n");
    frames.into_iter().map(String::into_bytes).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::http1::{Reader, status};

    #[test]
    fn every_answer_is_framed_as_long_as_it_says() {
        for model in [
            "bench-1k",
            "bench-100k",
            "bench-1m",
            "bench-stream-50-0us",
            "bench-stream-1-200us",
            "bench-fail-100-429",
            "bench-in-gemini",
            "bench-in-messages-stream-50",
        ] {
            let ask = Ask::parse(model).unwrap();
            let answer = Answer::new(ask);
            let wire = answer.served.concat();
            let mut reader = Reader::new(wire.as_slice());
            let (code, message) = reader.message(status, |_| {}).unwrap().unwrap();
            assert_eq!(
                (code, message.body_bytes),
                (Some(200), ask.served_bytes()),
                "{model}"
            );
            assert!(
                reader.message(status, |_| {}).unwrap().is_none(),
                "{model}: nothing is left over"
            );
        }
    }

    #[test]
    fn a_failing_answer_is_an_error_body_of_the_provider() {
        let answer = Answer::new(Ask::parse("bench-fail-100-429").unwrap());
        let mut body = Vec::new();
        let (code, _) = Reader::new(answer.failed.as_slice())
            .message(status, |b| body.extend_from_slice(b))
            .unwrap()
            .unwrap();
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (code, json["error"]["code"].as_str()),
            (Some(429), Some("rate_limit_exceeded"))
        );
    }

    #[test]
    fn a_name_that_is_not_the_benchs_is_not_understood() {
        for model in [
            "gpt-4o",
            "bench-",
            "bench-2k",
            "bench-stream-50",
            "bench-1k-1k",
            "bench-fail-10",
            "bench-in-latin",
            "bench-in-gemini-whole",
        ] {
            assert_eq!(Ask::parse(model), None, "{model}");
        }
    }
}
