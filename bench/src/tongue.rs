//! The same short answer in each language that a provider may speak, whole and as a stream.
//!
//! Every one says the same words and the same cost, so that what differs between two measurements is the
//! translation alone.

/// A provider's language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tongue {
    /// Anthropic's.
    Messages,
    /// OpenAI's newer one.
    Responses,
    /// Google's.
    Gemini,
}

/// A whole answer has as many words.
const WORDS: usize = 50;

impl Tongue {
    /// By its name in a model's.
    pub fn parse(name: &str) -> Option<Tongue> {
        match name {
            "messages" => Some(Tongue::Messages),
            "responses" => Some(Tongue::Responses),
            "gemini" => Some(Tongue::Gemini),
            _ => None,
        }
    }

    /// The body of a whole answer.
    pub fn whole(self) -> String {
        let text: String = (0..WORDS).map(word).collect();
        match self {
            Tongue::Messages => format!(
                r#"{{"id":"msg_bench","type":"message","role":"assistant","model":"bench","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":25000,"output_tokens":50}}}}"#
            ),
            Tongue::Responses => {
                response("completed", &format!("[{}]", message("completed", &text)))
            }
            Tongue::Gemini => gemini(&text, r#","finishReason":"STOP""#),
        }
    }

    /// The events of a stream of so many words.
    pub fn events(self, words: usize) -> Vec<String> {
        match self {
            Tongue::Messages => messages(words),
            Tongue::Responses => responses(words),
            Tongue::Gemini => (0..words)
                .map(|n| {
                    let end = if n + 1 == words {
                        r#","finishReason":"STOP""#
                    } else {
                        ""
                    };
                    format!("data: {}\r\n\r\n", gemini(&word(n), end))
                })
                .collect(),
        }
    }
}

fn word(n: usize) -> String {
    format!(" word{n}\\n")
}

fn messages(words: usize) -> Vec<String> {
    let event =
        |name: &str, rest: &str| format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n");
    let start = r#","message":{"id":"msg_bench","type":"message","role":"assistant","model":"bench","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25000,"output_tokens":1}}"#;
    let mut all = vec![
        event("message_start", start),
        event(
            "content_block_start",
            r#","index":0,"content_block":{"type":"text","text":""}"#,
        ),
    ];
    all.extend((0..words).map(|n| {
        let rest = format!(
            r#","index":0,"delta":{{"type":"text_delta","text":"{}"}}"#,
            word(n)
        );
        event("content_block_delta", &rest)
    }));
    let delta =
        r#","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":50}"#;
    all.push(
        event("content_block_stop", r#","index":0"#)
            + &event("message_delta", delta)
            + &event("message_stop", ""),
    );
    all
}

fn responses(words: usize) -> Vec<String> {
    let event = |name: &str, rest: &str| {
        format!("event: {name}\ndata: {{\"type\":\"{name}\",\"sequence_number\":1,{rest}}}\n\n")
    };
    let place = r#""item_id":"msg_bench","output_index":0,"content_index":0"#;
    let text: String = (0..words).map(word).collect();
    let added = format!(r#""output_index":0,"item":{}"#, message("in_progress", ""));
    let mut all = vec![
        event(
            "response.created",
            &format!(r#""response":{}"#, response("in_progress", "[]")),
        ),
        event("response.output_item.added", &added),
    ];
    all.extend((0..words).map(|n| {
        event(
            "response.output_text.delta",
            &format!(r#"{place},"delta":"{}","logprobs":[]"#, word(n)),
        )
    }));
    let item = message("completed", &text);
    all.push(
        event(
            "response.output_text.done",
            &format!(r#"{place},"text":"{text}","logprobs":[]"#),
        ) + &event(
            "response.output_item.done",
            &format!(r#""output_index":0,"item":{item}"#),
        ) + &event(
            "response.completed",
            &format!(
                r#""response":{}"#,
                response("completed", &format!("[{item}]"))
            ),
        ),
    );
    all
}

fn message(status: &str, text: &str) -> String {
    let content = match text {
        "" => String::new(),
        text => {
            format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":"{text}"}}"#)
        }
    };
    format!(
        r#"{{"id":"msg_bench","type":"message","status":"{status}","role":"assistant","content":[{content}]}}"#
    )
}

fn response(status: &str, output: &str) -> String {
    let usage = match status {
        "completed" => {
            r#"{"input_tokens":25000,"input_tokens_details":{"cached_tokens":0},"output_tokens":50,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":25050}"#
        }
        _ => "null",
    };
    format!(
        r#"{{"id":"resp_bench","object":"response","created_at":1767225600,"status":"{status}","error":null,"incomplete_details":null,"model":"bench","output":{output},"usage":{usage}}}"#
    )
}

fn gemini(text: &str, end: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}],"role":"model"}}{end},"index":0}}],"usageMetadata":{{"promptTokenCount":25000,"candidatesTokenCount":50,"totalTokenCount":25050}},"modelVersion":"bench","responseId":"bench"}}"#
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn all_that_is_said_is_json() {
        for tongue in [Tongue::Messages, Tongue::Responses, Tongue::Gemini] {
            let mut documents = vec![tongue.whole()];
            let stream = tongue.events(3).concat();
            documents.extend(
                stream
                    .lines()
                    .filter_map(|line| line.strip_prefix("data: ").map(str::to_owned)),
            );
            assert!(documents.len() > 3);
            for document in documents {
                serde_json::from_str::<serde_json::Value>(&document).unwrap();
            }
        }
    }
}
