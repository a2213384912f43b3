//! Streams of every format, written from the providers' public documentation: what each frame is
//! taken for, how the stream ends, what it costs; and the same for any split of its bytes.
#![allow(clippy::unwrap_used, clippy::panic)]

use bytes::Bytes;
use proptest::prelude::*;
use waybill_model::{
    protocol::StreamFormat::{self, *},
    waybill::Usage,
};
use waybill_wire::stream::{Limits, Mark, Piece, StreamEnd, StreamReader};

/// What reading a stream gave.
#[derive(Debug, PartialEq)]
struct Read {
    /// Bytes per mark, each in order.
    by_mark: [Vec<u8>; 4],
    /// All bytes in order.
    all: Vec<u8>,
    held: Bytes,
    end: StreamEnd,
    usage: Usage,
}

fn read_with(
    format: StreamFormat,
    limits: Limits,
    chunks: impl IntoIterator<Item = Bytes>,
) -> (Read, Vec<Piece>) {
    let mut reader = StreamReader::new(format, limits);
    let mut pieces = Vec::new();
    for chunk in chunks {
        reader.feed(chunk, &mut pieces);
    }
    let end = reader.finish(&mut pieces);
    let mut by_mark = <[Vec<u8>; 4]>::default();
    let mut all = Vec::new();
    for piece in &pieces {
        assert!(!piece.bytes.is_empty(), "an empty piece says nothing");
        by_mark[piece.mark as usize].extend_from_slice(&piece.bytes);
        all.extend_from_slice(&piece.bytes);
    }
    (
        Read {
            by_mark,
            all,
            held: reader.held(),
            end,
            usage: reader.usage(),
        },
        pieces,
    )
}

fn read(format: StreamFormat, text: &str) -> (Read, Vec<Piece>) {
    read_with(
        format,
        Limits::default(),
        [Bytes::copy_from_slice(text.as_bytes())],
    )
}

/// The marks of a stream, neighbours of one mark counted once.
fn marks(format: StreamFormat, text: &str) -> Vec<Mark> {
    read(format, text)
        .1
        .iter()
        .map(|piece| piece.mark)
        .collect()
}

fn usage(input: u64, output: u64) -> Usage {
    Usage {
        input_tokens: Some(input),
        output_tokens: Some(output),
        ..Usage::default()
    }
}

/// The cases every test runs over: name, format, stream, how it ends (`None`: with an error).
struct Case {
    name: &'static str,
    format: StreamFormat,
    text: String,
    marks: &'static [Mark],
    end: Expect,
    usage: Usage,
}

#[derive(Clone, Copy)]
enum Expect {
    Complete,
    Truncated,
    Error(&'static str),
    Garbage(&'static str),
}

impl Expect {
    fn end(self) -> StreamEnd {
        match self {
            Expect::Complete => StreamEnd::Complete,
            Expect::Truncated => StreamEnd::Truncated,
            Expect::Error(payload) => StreamEnd::Error(Bytes::from(payload)),
            Expect::Garbage(start) => StreamEnd::Garbage(Bytes::from(start)),
        }
    }
}

const A_START: &str = concat!(
    "event: message_start\n",
    r#"data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"claude-x","stop_reason":null,"usage":{"input_tokens":25,"output_tokens":1}}}"#,
    "\n\n",
    "event: content_block_start\n",
    r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
    "\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
);
const A_TEXT: &str = concat!(
    "event: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"an \"error\" of \"type\":\"error\""}}"#,
    "\n\n",
);
const A_END: &str = concat!(
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\n",
    r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}"#,
    "\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);
const A_ERROR: &str = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
const A_ERROR_DATA: &str =
    "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}";
const A_THINKING: &str = concat!(
    "event: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me see"}}"#,
    "\n\n",
    "event: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}"#,
    "\n\n",
);
const A_TOOL: &str = concat!(
    "event: content_block_start\n",
    r#"data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}"#,
    "\n\n",
    "event: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"error\":"}}"#,
    "\n\n",
);

const C_ROLE: &str = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"finish_reason\":null}],\"usage\":null}\n\n";
const C_TEXT: &str = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Say \\\"error\\\" and \\\"usage\\\":{}\"},\"finish_reason\":null}],\"usage\":null}\n\n";
const C_TOOL: &str = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"\"}}]},\"finish_reason\":null}]}\n\n";
const C_REASONING: &str = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":null,\"reasoning_content\":\"Hm\"}}]}\n\n";
const C_END: &str = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\ndata: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4,\"total_tokens\":13}}\n\ndata: [DONE]\n\n";
const C_ERROR: &str = "data: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n";
const C_ERROR_DATA: &str = "{\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\",\"param\":null,\"code\":null}}";

const R_START: &str = concat!(
    "event: response.created\n",
    r#"data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","error":null,"usage":null}}"#,
    "\n\n",
    "event: response.output_item.added\n",
    r#"data: {"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","content":[]}}"#,
    "\n\n",
);
const R_TEXT: &str = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":2,\"delta\":\"Hi\"}\n\n";
const R_ARGUMENTS: &str = "event: response.function_call_arguments.delta\ndata: {\"type\":\"response.function_call_arguments.delta\",\"sequence_number\":2,\"delta\":\"{}\"}\n\n";
const R_END: &str = "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":3,\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"error\":null,\"usage\":{\"input_tokens\":5,\"output_tokens\":6}}}\n\n";
const R_FAILED: &str = "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"id\":\"resp_1\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"Oh\"}}}\n\n";
const R_FAILED_DATA: &str = "{\"type\":\"response.failed\",\"response\":{\"id\":\"resp_1\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"Oh\"}}}";
const R_FLAT: &str = "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"Slow down\",\"param\":null,\"sequence_number\":1}\n\n";
const R_FLAT_DATA: &str = "{\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"Slow down\",\"param\":null,\"sequence_number\":1}";

const G_EMPTY: &str = r#"{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":4},"modelVersion":"gemini-x"}"#;
const G_TEXT: &str = r#"{"candidates":[{"content":{"parts":[{"text":"Hi } ] \"finishReason\" \\"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":1},"modelVersion":"gemini-x"}"#;
const G_CALL: &str = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"report","args":{"error":{"finishReason":"x"}}}}],"role":"model"}}],"modelVersion":"gemini-x"}"#;
const G_LAST: &str = r#"{"candidates":[{"content":{"parts":[{"text":"."}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":7,"totalTokenCount":11}}"#;
const G_BLOCKED: &str = r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":4}}"#;
const G_ERROR: &str =
    r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;

fn events(payloads: &[&str]) -> String {
    payloads
        .iter()
        .map(|payload| format!("data: {payload}\r\n\r\n"))
        .collect()
}

fn array(elements: &[&str]) -> String {
    format!("[{}\n]\n", elements.join(",\r\n"))
}

fn cases() -> Vec<Case> {
    use Mark::{Content as C, Error as E, Lifecycle as L, Terminal as T};
    let none = Usage::default();
    let only_input = |input| Usage {
        input_tokens: Some(input),
        ..Usage::default()
    };
    let mut all = Vec::new();
    let mut add = |name, format, text: String, marks, end, usage| {
        all.push(Case {
            name,
            format,
            text,
            marks,
            end,
            usage,
        });
    };

    add(
        "anthropic text",
        AnthropicSse,
        [A_START, A_TEXT, A_END].concat(),
        &[L, C, T],
        Expect::Complete,
        usage(25, 15),
    );
    add(
        "anthropic thinking and tool",
        AnthropicSse,
        [A_START, A_THINKING, A_TOOL, A_END].concat(),
        &[L, C, T],
        Expect::Complete,
        usage(25, 15),
    );
    add(
        "anthropic empty answer",
        AnthropicSse,
        [A_START, A_END].concat(),
        &[L, T],
        Expect::Complete,
        usage(25, 15),
    );
    add(
        "anthropic error first",
        AnthropicSse,
        A_ERROR.into(),
        &[E],
        Expect::Error(A_ERROR_DATA),
        none,
    );
    add(
        "anthropic error before content",
        AnthropicSse,
        [A_START, A_ERROR].concat(),
        &[L, E],
        Expect::Error(A_ERROR_DATA),
        usage(25, 1),
    );
    add(
        "anthropic error after content",
        AnthropicSse,
        [A_START, A_TEXT, A_ERROR].concat(),
        &[L, C, E],
        Expect::Error(A_ERROR_DATA),
        usage(25, 1),
    );
    add(
        "anthropic error without its event line",
        AnthropicSse,
        format!("data: {A_ERROR_DATA}\n\n"),
        &[E],
        Expect::Error(A_ERROR_DATA),
        none,
    );
    add(
        "anthropic cut between frames",
        AnthropicSse,
        [A_START, A_TEXT].concat(),
        &[L, C],
        Expect::Truncated,
        usage(25, 1),
    );
    add(
        "anthropic cut in the first frame",
        AnthropicSse,
        A_START[..60].into(),
        &[],
        Expect::Truncated,
        none,
    );
    add("anthropic without event lines", AnthropicSse, "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":2,\"output_tokens\":0}}}\n\ndata: {\"type\":\"content_block_delta\",\"delta\":{}}\n\ndata: {\"type\":\"message_stop\"}\n\n".into(), &[L, C, T], Expect::Complete, usage(2, 0));
    add(
        "anthropic end without its blank line",
        AnthropicSse,
        [
            A_START,
            A_TEXT,
            "event: message_stop\ndata: {\"type\":\"message_stop\"}",
        ]
        .concat(),
        &[L, C, T],
        Expect::Complete,
        usage(25, 1),
    );
    add(
        "anthropic event of a kind yet unknown",
        AnthropicSse,
        [
            A_START,
            "event: block_of_tomorrow\ndata: {\"x\":1}\n\n",
            A_END,
        ]
        .concat(),
        &[L, C, T],
        Expect::Complete,
        usage(25, 15),
    );

    add(
        "chat text",
        ChatSse,
        [C_ROLE, C_TEXT, C_TEXT, C_END].concat(),
        &[L, C, T],
        Expect::Complete,
        usage(9, 4),
    );
    add(
        "chat tool call",
        ChatSse,
        [C_ROLE, C_TOOL, C_END].concat(),
        &[L, C, T],
        Expect::Complete,
        usage(9, 4),
    );
    add(
        "chat reasoning",
        ChatSse,
        [C_ROLE, C_REASONING, C_END].concat(),
        &[L, C, T],
        Expect::Complete,
        usage(9, 4),
    );
    add(
        "chat error first",
        ChatSse,
        C_ERROR.into(),
        &[E],
        Expect::Error(C_ERROR_DATA),
        none,
    );
    add(
        "chat error after comments",
        ChatSse,
        [": PROCESSING\n\n", C_ROLE, C_ERROR].concat(),
        &[L, E],
        Expect::Error(C_ERROR_DATA),
        none,
    );
    add(
        "chat error after content, then done",
        ChatSse,
        [C_ROLE, C_TEXT, C_ERROR, "data: [DONE]\n\n"].concat(),
        &[L, C, E, T],
        Expect::Error(C_ERROR_DATA),
        none,
    );
    add(
        "chat error as a string",
        ChatSse,
        "data: {\"code\":\"x\",\"error\":\"Model gone\"}\n\n".into(),
        &[E],
        Expect::Error("{\"code\":\"x\",\"error\":\"Model gone\"}"),
        none,
    );
    add(
        "chat error object",
        ChatSse,
        "data: {\"object\":\"error\",\"message\":\"no\",\"code\":400}\n\n".into(),
        &[E],
        Expect::Error("{\"object\":\"error\",\"message\":\"no\",\"code\":400}"),
        none,
    );
    add(
        "chat error in a choice",
        ChatSse,
        "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n"
            .into(),
        &[E],
        Expect::Error("{\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}"),
        none,
    );
    add(
        "chat null error is none",
        ChatSse,
        [
            "data: {\"error\":null,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
            C_END,
        ]
        .concat(),
        &[C, T],
        Expect::Complete,
        usage(9, 4),
    );
    add(
        "chat without done",
        ChatSse,
        [C_ROLE, C_TEXT].concat(),
        &[L, C],
        Expect::Truncated,
        none,
    );
    add(
        "chat without spaces, in lines of CR",
        ChatSse,
        "data:{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\rdata:[DONE]\r\r".into(),
        &[C, T],
        Expect::Complete,
        none,
    );
    add("chat with mark, ids and several data lines", ChatSse, "\u{feff}id: 1\nretry: 10\ndata: {\"choices\":\ndata: [{\"delta\":{\"content\":\"a\"}}]}\n\n\n\ndata: [DONE]".into(), &[C, T], Expect::Complete, none);
    add(
        "chat error over several data lines",
        ChatSse,
        "data: {\"error\":\r\ndata: \"no\"}\r\n\r\n".into(),
        &[E],
        Expect::Error("{\"error\":\n\"no\"}"),
        none,
    );
    add(
        "chat bare error",
        ChatSse,
        C_ERROR_DATA.into(),
        &[E],
        Expect::Error(C_ERROR_DATA),
        none,
    );
    add(
        "chat bare pretty error",
        ChatSse,
        "{\n  \"error\": {\n    \"message\": \"no\"\n  }\n}\n".into(),
        &[E],
        Expect::Error("{\n  \"error\": {\n    \"message\": \"no\"\n  }\n}"),
        none,
    );
    add(
        "chat page",
        ChatSse,
        "<html><head><title>502</title></head>\n\n<body></body></html>\n".into(),
        &[L],
        Expect::Garbage("<html><head><title>502</title></head>"),
        none,
    );
    add(
        "chat page of one line",
        ChatSse,
        "<html>502</html>".into(),
        &[],
        Expect::Garbage("<html>502</html>"),
        none,
    );
    add(
        "chat data that is no JSON",
        ChatSse,
        "data: hello\n\n".into(),
        &[L],
        Expect::Garbage("hello"),
        none,
    );
    add(
        "nothing",
        ChatSse,
        String::new(),
        &[],
        Expect::Truncated,
        none,
    );
    add(
        "only comments",
        ChatSse,
        ": hi\n\n: hi\n\n".into(),
        &[L],
        Expect::Truncated,
        none,
    );

    add(
        "responses text",
        ResponsesSse,
        [R_START, R_TEXT, R_END].concat(),
        &[L, C, T],
        Expect::Complete,
        usage(5, 6),
    );
    add(
        "responses tool call",
        ResponsesSse,
        [R_START, R_ARGUMENTS, R_END].concat(),
        &[L, C, T],
        Expect::Complete,
        usage(5, 6),
    );
    add(
        "responses incomplete",
        ResponsesSse,
        [R_START, R_TEXT, &R_END.replace("completed", "incomplete")].concat(),
        &[L, C, T],
        Expect::Complete,
        usage(5, 6),
    );
    add(
        "responses failed before content",
        ResponsesSse,
        [R_START, R_FAILED].concat(),
        &[L, E],
        Expect::Error(R_FAILED_DATA),
        none,
    );
    add(
        "responses failed after content",
        ResponsesSse,
        [R_START, R_TEXT, R_FAILED].concat(),
        &[L, C, E],
        Expect::Error(R_FAILED_DATA),
        none,
    );
    add(
        "responses flat error",
        ResponsesSse,
        R_FLAT.into(),
        &[E],
        Expect::Error(R_FLAT_DATA),
        none,
    );
    add(
        "responses nested error without event line",
        ResponsesSse,
        "data: {\"error\":{\"message\":\"no\"}}\n\n".into(),
        &[E],
        Expect::Error("{\"error\":{\"message\":\"no\"}}"),
        none,
    );
    add(
        "responses cut",
        ResponsesSse,
        [R_START, R_TEXT, &R_END[..80]].concat(),
        &[L, C],
        Expect::Truncated,
        none,
    );

    add(
        "gemini text",
        GeminiSse,
        events(&[G_EMPTY, G_TEXT, G_LAST]),
        &[L, C, T],
        Expect::Complete,
        usage(4, 7),
    );
    let wrapped = [G_EMPTY, G_TEXT, G_LAST].map(|event| format!(r#"{{"response":{event}}}"#));
    add(
        "gemini text in Code Assist's envelope",
        GeminiSse,
        events(&wrapped.each_ref().map(String::as_str)),
        &[L, C, T],
        Expect::Complete,
        usage(4, 7),
    );
    add(
        "gemini function call",
        GeminiSse,
        events(&[G_CALL, G_LAST]),
        &[C, T],
        Expect::Complete,
        usage(4, 7),
    );
    add(
        "gemini blocked prompt",
        GeminiSse,
        events(&[G_BLOCKED]),
        &[T],
        Expect::Complete,
        only_input(4),
    );
    add(
        "gemini error first",
        GeminiSse,
        events(&[G_ERROR]),
        &[E],
        Expect::Error(G_ERROR),
        none,
    );
    add(
        "gemini error after content",
        GeminiSse,
        events(&[G_TEXT, G_ERROR]),
        &[C, E],
        Expect::Error(G_ERROR),
        usage(4, 1),
    );
    add(
        "gemini error in an array",
        GeminiSse,
        events(&["[{\"error\":{\"code\":429}}]"]),
        &[E],
        Expect::Error("[{\"error\":{\"code\":429}}]"),
        none,
    );
    add(
        "gemini bare error",
        GeminiSse,
        G_ERROR.into(),
        &[E],
        Expect::Error(G_ERROR),
        none,
    );
    add(
        "gemini without a reason to finish",
        GeminiSse,
        events(&[G_TEXT, G_CALL]),
        &[C],
        Expect::Truncated,
        usage(4, 1),
    );

    add(
        "array text",
        GeminiArray,
        array(&[G_EMPTY, G_TEXT, G_LAST]),
        &[L, C, T, L],
        Expect::Complete,
        usage(4, 7),
    );
    add(
        "array function call",
        GeminiArray,
        array(&[G_CALL, G_LAST]),
        &[C, T, L],
        Expect::Complete,
        usage(4, 7),
    );
    add(
        "array error first",
        GeminiArray,
        array(&[G_ERROR]),
        &[E, L],
        Expect::Error(G_ERROR),
        none,
    );
    add(
        "array error after content",
        GeminiArray,
        array(&[G_TEXT, G_ERROR]),
        &[C, E, L],
        Expect::Error(G_ERROR),
        usage(4, 1),
    );
    add(
        "array bare error",
        GeminiArray,
        G_ERROR.into(),
        &[E],
        Expect::Error(G_ERROR),
        none,
    );
    add(
        "array without its bracket",
        GeminiArray,
        format!("[{G_TEXT},{G_LAST}"),
        &[C],
        Expect::Truncated,
        usage(4, 7),
    );
    add(
        "array without a reason to finish",
        GeminiArray,
        format!("[{G_TEXT}]"),
        &[C],
        Expect::Truncated,
        usage(4, 1),
    );
    add(
        "array cut in its first element",
        GeminiArray,
        "[{\"candidates\":[{\"con".into(),
        &[],
        Expect::Truncated,
        none,
    );
    add(
        "array page",
        GeminiArray,
        "<html>{}</html>".into(),
        &[],
        Expect::Garbage("<html>{}</html>"),
        none,
    );
    add(
        "empty array",
        GeminiArray,
        "[]\n".into(),
        &[L],
        Expect::Truncated,
        none,
    );
    all
}

#[test]
fn every_stream_is_understood_as_its_provider_documents_it() {
    for case in cases() {
        let (read, pieces) = read(case.format, &case.text);
        let marks: Vec<Mark> = pieces.iter().map(|piece| piece.mark).collect();
        assert_eq!(marks, case.marks, "{}", case.name);
        assert_eq!(read.end, case.end.end(), "{}", case.name);
        assert_eq!(read.usage, case.usage, "{}", case.name);
    }
}

#[test]
fn what_comes_out_and_what_is_held_is_what_went_in() {
    for case in cases() {
        let (read, _) = read(case.format, &case.text);
        assert_eq!(
            [&read.all[..], &read.held[..]].concat(),
            case.text.as_bytes(),
            "{}",
            case.name
        );
    }
}

#[test]
fn any_single_split_gives_the_same_pieces_usage_and_end() {
    for case in cases() {
        let whole = read(case.format, &case.text).0;
        let bytes = Bytes::from(case.text.clone());
        for at in 0..=bytes.len() {
            let split = read_with(
                case.format,
                Limits::default(),
                [bytes.slice(..at), bytes.slice(at..)],
            )
            .0;
            assert_eq!(split, whole, "{} split at {at}", case.name);
        }
    }
}

#[test]
fn a_stream_of_single_bytes_gives_the_same_pieces_usage_and_end() {
    for case in cases() {
        let whole = read(case.format, &case.text).0;
        let bytes = Bytes::from(case.text.clone());
        let single = read_with(
            case.format,
            Limits::default(),
            (0..bytes.len()).map(|at| bytes.slice(at..at + 1)),
        )
        .0;
        assert_eq!(single, whole, "{}", case.name);
    }
}

#[test]
fn whole_frames_come_out_at_once_and_share_the_chunk() {
    let chunk = Bytes::from([A_START, A_TEXT, &A_TEXT[..30]].concat());
    let mut reader = StreamReader::new(AnthropicSse, Limits::default());
    let mut out = Vec::new();
    reader.feed(chunk.clone(), &mut out);
    assert_eq!(
        out.iter().map(|piece| piece.mark).collect::<Vec<_>>(),
        [Mark::Lifecycle, Mark::Content]
    );
    assert_eq!(out[0].bytes.as_ptr(), chunk.as_ptr(), "no copy");
    assert_eq!(reader.held(), A_TEXT[..30]);
}

#[test]
fn an_event_that_ends_in_a_lone_carriage_return_is_not_held_back() {
    let mut reader = StreamReader::new(ChatSse, Limits::default());
    let mut out = Vec::new();
    reader.feed(Bytes::from("data: [DONE]\r\n\r"), &mut out);
    assert_eq!(out.last().map(|piece| piece.mark), Some(Mark::Terminal));
    reader.feed(Bytes::from("\n"), &mut out);
    assert_eq!(
        out.last(),
        Some(&Piece {
            bytes: Bytes::from("\n"),
            mark: Mark::Terminal
        })
    );
}

#[test]
fn the_end_is_known_as_soon_as_its_frame_came() {
    let mut reader = StreamReader::new(ChatSse, Limits::default());
    let mut out = Vec::new();
    reader.feed(Bytes::from([C_ROLE, C_TEXT].concat()), &mut out);
    assert_eq!(reader.ended(), None);
    reader.feed(Bytes::from(C_END), &mut out);
    assert_eq!(reader.ended(), Some(&StreamEnd::Complete));
}

#[test]
fn a_frame_beyond_the_limit_passes_as_content_and_the_next_is_read_again() {
    let limits = Limits {
        max_frame_bytes: 200,
    };
    let long = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\r\n\r\n",
        "x".repeat(400)
    );
    let text = Bytes::from([&long, "data: [DONE]\r\n\r\n"].concat());
    let (whole, pieces) = read_with(ChatSse, limits, [text.clone()]);
    assert_eq!(
        pieces.iter().map(|piece| piece.mark).collect::<Vec<_>>(),
        [Mark::Content, Mark::Terminal]
    );
    assert_eq!(whole.end, StreamEnd::Complete);
    for at in 0..=text.len() {
        assert_eq!(
            read_with(ChatSse, limits, [text.slice(..at), text.slice(at..)]).0,
            whole,
            "split at {at}"
        );
    }
    let mut reader = StreamReader::new(ChatSse, limits);
    let mut out = Vec::new();
    reader.feed(text.slice(..300), &mut out);
    assert_eq!(
        (out.len(), reader.held().len()),
        (1, 0),
        "nothing is held beyond the limit"
    );
}

#[test]
fn the_first_words_decide_whether_a_delta_is_content() {
    let delta = |delta: &str| format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
    let cases = [
        ("{}", Mark::Lifecycle),
        ("{\"role\":\"assistant\"}", Mark::Lifecycle),
        ("{\"content\":\"\",\"tool_calls\":[]}", Mark::Lifecycle),
        ("{\"content\":null,\"reasoning\":null}", Mark::Lifecycle),
        ("{\"content\":\" \"}", Mark::Content),
        ("{\"refusal\":\"I cannot\"}", Mark::Content),
        ("{\"function_call\":{\"name\":\"f\"}}", Mark::Content),
    ];
    for (text, mark) in cases {
        assert_eq!(marks(ChatSse, &delta(text)), [mark], "{text}");
    }
}

/// Cuts bytes at the given places, in any order.
fn cut(bytes: &Bytes, mut places: Vec<usize>) -> Vec<Bytes> {
    for place in &mut places {
        *place %= bytes.len() + 1;
    }
    places.sort_unstable();
    let mut from = 0;
    let mut chunks: Vec<Bytes> = places
        .iter()
        .map(|&to| bytes.slice(std::mem::replace(&mut from, to)..to))
        .collect();
    chunks.push(bytes.slice(from..));
    chunks
}

const FORMATS: [StreamFormat; 5] = [AnthropicSse, ChatSse, ResponsesSse, GeminiSse, GeminiArray];

/// Scraps that streams are made of: any mixture must be survived.
const SCRAPS: [&str; 24] = [
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "data:",
    "data: ",
    "event: ",
    ": c",
    "error",
    "message_stop",
    "[DONE]",
    "{\"error\":1}",
    "{\"error\":{\"a\":1}}",
    "{}",
    "[",
    "]",
    ",",
    "\"",
    "\\",
    "{",
    "}",
    "\u{feff}",
    C_TEXT,
    G_LAST,
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_any_case_gives_the_same(which in any::<prop::sample::Index>(), places in prop::collection::vec(0usize..10_000, 0..12)) {
        let cases = cases();
        let case = which.get(&cases);
        let bytes = Bytes::from(case.text.clone());
        let whole = read(case.format, &case.text).0;
        prop_assert_eq!(read_with(case.format, Limits::default(), cut(&bytes, places)).0, whole, "{}", case.name);
    }

    #[test]
    fn any_split_of_any_mixture_gives_the_same(
        format in prop::sample::select(&FORMATS[..]),
        scraps in prop::collection::vec(prop::sample::select(&SCRAPS[..]), 0..30),
        places in prop::collection::vec(0usize..10_000, 0..12),
        limit in prop_oneof![Just(16usize << 20), 1usize..60],
    ) {
        let limits = Limits { max_frame_bytes: limit };
        let bytes = Bytes::from(scraps.concat());
        let whole = read_with(format, limits, [bytes.clone()]).0;
        prop_assert_eq!([&whole.all[..], &whole.held[..]].concat(), &bytes[..]);
        prop_assert_eq!(read_with(format, limits, cut(&bytes, places)).0, whole);
    }

    #[test]
    fn arbitrary_bytes_are_survived_and_passed_on(
        format in prop::sample::select(&FORMATS[..]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        places in prop::collection::vec(0usize..10_000, 0..5),
    ) {
        let bytes = Bytes::from(bytes);
        let read = read_with(format, Limits::default(), cut(&bytes, places)).0;
        prop_assert_eq!([&read.all[..], &read.held[..]].concat(), &bytes[..]);
    }
}

/// Prints what reading costs; asserts nothing, for a shared machine proves nothing.
#[test]
fn reading_is_measured() {
    let streams = [
        (AnthropicSse, [A_START, &A_TEXT.repeat(50), A_END].concat()),
        (ChatSse, [C_ROLE, &C_TEXT.repeat(50), C_END].concat()),
        (ResponsesSse, [R_START, &R_TEXT.repeat(50), R_END].concat()),
        (GeminiSse, events(&[&[G_TEXT; 50][..], &[G_LAST]].concat())),
        (GeminiArray, array(&[&[G_TEXT; 50][..], &[G_LAST]].concat())),
    ];
    for (format, text) in streams {
        let bytes = Bytes::from(text);
        let frame = bytes.len() / 52;
        for (how, chunks) in [
            ("one chunk", vec![bytes.clone()]),
            (
                "a chunk per frame or so",
                bytes.chunks(frame).map(Bytes::copy_from_slice).collect(),
            ),
        ] {
            let rounds = 200;
            let started = std::time::Instant::now();
            let mut pieces = Vec::new();
            for _ in 0..rounds {
                pieces.clear();
                let mut reader = StreamReader::new(format, Limits::default());
                for chunk in &chunks {
                    reader.feed(chunk.clone(), &mut pieces);
                }
                std::hint::black_box((reader.finish(&mut pieces), reader.usage()));
            }
            println!(
                "{format:?}, 50 events in {how}: {:?}",
                started.elapsed() / rounds
            );
        }
    }
}
