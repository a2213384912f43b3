//! Judging an answer, up to the point where it may be given to the client: a whole document that is
//! complete, or a stream that has reached its first content.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode, header};
use tokio::time::{Instant, timeout, timeout_at};
use waybill_model::{
    protocol::{Endpoint, StreamFormat},
    waybill::StreamFault,
};
use waybill_wire::{
    endpoint,
    stream::{Limits as StreamLimits, Mark, Piece, StreamEnd},
    translate::{Reading, Unreadable, UnreadableKind, bridge::Bridge},
};

use super::{
    answer::{AnswerStream, Broken},
    build::Over,
    exchange::AnswerBody,
    failure::Fault,
};
use crate::{
    app::Worker,
    routing::{AccountEntry, Chosen, GroupEntry, Place, Slot},
};

/// Bytes of an error answer that are read; providers' errors are a few kilobytes at most.
const MAX_ERROR_BODY: usize = 256 << 10;
/// Time for an error answer to arrive whole.
const ERROR_BODY_PATIENCE: Duration = Duration::from_secs(10);
/// After so long without content what is held is let through: a client behind a proxy must see that
/// something is there, at the price that this answer can no longer be failed over.
const HOLD_PATIENCE: Duration = Duration::from_secs(20);
/// Frames held back while waiting for first content; a provider that sends more of nothing is let through.
const MAX_HELD: usize = 1 << 20;

/// An answer of which nothing has reached the client.
pub enum Answer {
    /// A complete document.
    Whole(Whole),
    /// A stream at its first content.
    Stream(Box<Streaming>),
}

/// A complete document.
pub struct Whole {
    /// The provider's status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it came, or translated.
    pub body: Vec<Bytes>,
    /// It was translated.
    pub bridge: Option<Bridge>,
    /// When the head came.
    pub head_at: Instant,
}

/// A stream at its first content.
pub struct Streaming {
    /// The provider's status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Everything up to and including the first content.
    pub held: Vec<Piece>,
    /// Has read what is held.
    pub reader: Reading,
    /// The rest.
    pub source: AnswerStream,
    /// How it is framed for the client.
    pub format: StreamFormat,
    /// It is translated.
    pub bridge: Option<Bridge>,
    /// The account, for the facts of a later failure.
    pub account: Arc<AccountEntry>,
    /// At which of its addresses it was asked.
    pub place: Place,
    /// Its place on the account; given to it when it is known that it serves.
    pub slot: Option<Slot>,
    /// The group it was chosen from, for the rules a later failure meets.
    pub group: Option<Arc<GroupEntry>>,
    /// When the attempt began.
    pub started: Instant,
    /// When the head came.
    pub head_at: Instant,
}

/// What an answer is an answer to.
pub struct Asked {
    /// How the client reads a streamed answer.
    pub stream_format: Option<StreamFormat>,
    /// What the client asked for.
    pub endpoint: Endpoint,
    /// What was translated, and is to be translated back.
    pub over: Option<Over>,
    /// At which of the account's addresses.
    pub place: Place,
    /// When the attempt began.
    pub started: Instant,
    /// When the head came.
    pub head_at: Instant,
}

/// Looks at the head, and at as much of the body as it takes to know whether it serves.
pub async fn judge(
    worker: &Worker,
    chosen: &Chosen,
    asked: Asked,
    response: Response<AnswerBody>,
) -> Result<Answer, Fault> {
    let (started, head_at) = (asked.started, asked.head_at);
    let bridge = asked.over.as_ref().map(|over| over.bridge);
    let settings = &worker.shared.settings;
    let (head, body) = response.into_parts();
    let (status, mut headers) = (head.status, head.headers);
    chosen.account.take_secrets_out_of(&mut headers);
    let mut source = AnswerStream::new(body, &mut headers, settings.timeouts.idle);
    if !status.is_success() {
        let body = error_body(&mut source).await;
        return Err(Fault::Status {
            status,
            headers,
            body,
        });
    }
    match framing(&asked, &headers) {
        Some(framing) => {
            let reader = match asked.over {
                None => Reading::direct(framing, StreamLimits::default()),
                Some(over) => {
                    let format = asked.stream_format.unwrap_or(framing);
                    let crossing = over.bridge.crossing(format, over.context);
                    Reading::over(framing, StreamLimits::default(), crossing)
                }
            };
            let format = match bridge {
                None => framing,
                Some(_) => asked.stream_format.unwrap_or(framing),
            };
            let mut streaming = Streaming {
                status,
                headers,
                held: Vec::new(),
                reader,
                source,
                format,
                bridge,
                account: Arc::clone(&chosen.account),
                place: asked.place,
                slot: None,
                group: None,
                started,
                head_at,
            };
            match first_content(&mut streaming).await {
                Ok(()) => Ok(Answer::Stream(Box::new(streaming))),
                Err((fault, message, frame)) => Err(Fault::Broken {
                    fault,
                    message,
                    status,
                    headers: streaming.headers,
                    frame,
                }),
            }
        }
        None => {
            let reading = whole(&mut source, settings.limits.response_bytes);
            let body = match timeout_at(started + settings.timeouts.attempts, reading)
                .await
                .unwrap_or_else(|_| Err(flaw_of_slowness()))
            {
                Ok(body) => body,
                Err((fault, message, frame)) => {
                    return Err(Fault::Broken {
                        fault,
                        message,
                        status,
                        headers,
                        frame,
                    });
                }
            };
            let broken = |(fault, message), headers| Fault::Broken {
                fault,
                message,
                status,
                headers,
                frame: joined(&body, MAX_ERROR_BODY),
            };
            if let Some((fault, message)) = suspicious(&body) {
                return Err(broken((fault, message.to_owned()), headers));
            }
            let read = match &asked.over {
                None => Ok(body.clone()),
                Some(over) => translated(&body, over),
            };
            match read {
                Ok(body) => Ok(Answer::Whole(Whole {
                    status,
                    headers,
                    body,
                    bridge,
                    head_at,
                })),
                // What the service's own list does not have is said as a service that tells of one says it.
                Err(no) if no.kind == UnreadableKind::NoSuchModel => Err(Fault::Status {
                    status: StatusCode::NOT_FOUND,
                    headers,
                    body: no_such_model(&no),
                }),
                Err(no) => Err(broken((fault_of(&no), no.to_string()), headers)),
            }
        }
    }
}

fn no_such_model(no: &Unreadable) -> Bytes {
    let message = no.to_string();
    let error = serde_json::json!({"code": 404, "message": message, "status": "NOT_FOUND"});
    Bytes::from(serde_json::json!({"error": error}).to_string())
}

/// A whole answer in the client's language.
fn translated(body: &[Bytes], over: &Over) -> Result<Vec<Bytes>, Unreadable> {
    let body = joined(body, usize::MAX);
    let text = std::str::from_utf8(&body)
        .map_err(|_| Unreadable::new("the provider's answer is not UTF-8"))?;
    let answer = over.bridge.answer(text, &over.context)?;
    Ok(vec![Bytes::from(answer)])
}

/// How an answer broke that cannot be told to the client.
fn fault_of(unreadable: &Unreadable) -> StreamFault {
    match unreadable.kind {
        UnreadableKind::GaveUp => StreamFault::GaveUp,
        UnreadableKind::Form | UnreadableKind::NoSuchModel => StreamFault::Garbage,
    }
}

/// How the answer is framed: as was asked, unless the provider says that it is something else.
fn framing(asked: &Asked, headers: &HeaderMap) -> Option<StreamFormat> {
    let wanted = match &asked.over {
        None => asked.stream_format,
        Some(over) => asked.stream_format.map(|_| over.bridge.provider_format()),
    };
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let is_events = content_type
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("text/event-stream");
    match wanted {
        Some(StreamFormat::GeminiArray) if !is_events => Some(StreamFormat::GeminiArray),
        Some(StreamFormat::GeminiArray) => Some(StreamFormat::GeminiSse),
        // An error, or a document where a stream was promised: judged as a document.
        Some(_) if content_type.starts_with("application/json") => None,
        // Whatever else it claims to be, the reader will tell.
        Some(format) => Some(format),
        // Some providers stream whatever they are asked for; what they send is still read on its way.
        None if is_events && asked.over.is_none() => {
            endpoint::stream_format(asked.endpoint, true, None)
        }
        None => None,
    }
}

pub(super) type Flaw = (StreamFault, String, Bytes);

/// Reads until content, or an end, is there. Everything read stays in `held`.
async fn first_content(streaming: &mut Streaming) -> Result<(), Flaw> {
    let mut held_bytes = 0;
    loop {
        let from = streaming.held.len();
        let data = if streaming.held.is_empty() {
            streaming.source.data().await
        } else {
            match timeout_at(streaming.head_at + HOLD_PATIENCE, streaming.source.data()).await {
                Ok(data) => data,
                Err(_) => return Ok(()),
            }
        };
        let ended = match data {
            Some(Ok(chunk)) => {
                held_bytes += chunk.len();
                streaming.reader.feed(chunk, &mut streaming.held);
                None
            }
            Some(Err(broken)) => {
                let (fault, message) = flaw_of(broken);
                return Err((fault, message, streaming.reader.held()));
            }
            None => Some(streaming.reader.finish(&mut streaming.held)),
        };
        if streaming.held[from..]
            .iter()
            .any(|piece| matches!(piece.mark, Mark::Content | Mark::Terminal))
        {
            return Ok(());
        }
        match ended.or_else(|| streaming.reader.ended().cloned()) {
            None if held_bytes > MAX_HELD => return Ok(()),
            None => {}
            Some(StreamEnd::Complete) => return Ok(()),
            Some(end) => return Err(flaw_of_end(end, &streaming.reader)),
        }
    }
}

/// What a stream that did not end well says.
pub fn flaw_of_end(end: StreamEnd, reader: &Reading) -> Flaw {
    match end {
        StreamEnd::Error(frame) => (
            StreamFault::ErrorEvent,
            "the provider sent an error inside the stream".into(),
            frame,
        ),
        StreamEnd::Garbage(start) => (
            reader.unreadable().map_or(StreamFault::Garbage, fault_of),
            reader.unreadable().map_or_else(
                || "the provider sent something else than a stream".to_owned(),
                Unreadable::to_string,
            ),
            start,
        ),
        StreamEnd::Truncated | StreamEnd::Complete => (
            StreamFault::Truncated,
            "the stream ended without its end marker".into(),
            reader.held(),
        ),
    }
}

fn flaw_of_slowness() -> Flaw {
    (
        StreamFault::Stalled,
        "the provider's answer took too long to arrive".into(),
        Bytes::new(),
    )
}

/// What a broken connection says in the middle of an answer.
pub fn flaw_of(broken: Broken) -> (StreamFault, String) {
    match broken {
        Broken::Stalled => (
            StreamFault::Stalled,
            "the provider went silent in the middle of its answer".into(),
        ),
        Broken::Transport(error) => (StreamFault::Reset, error.message),
    }
}

/// Collects a document without copying it.
pub(super) async fn whole(source: &mut AnswerStream, limit: usize) -> Result<Vec<Bytes>, Flaw> {
    let mut body = Vec::new();
    let mut size = 0;
    while let Some(data) = source.data().await {
        match data {
            Ok(chunk) => {
                size += chunk.len();
                if size > limit {
                    let message = format!("the answer is larger than {limit} bytes");
                    return Err((StreamFault::TooLarge, message, Bytes::new()));
                }
                body.push(chunk);
            }
            Err(broken) => {
                let (fault, message) = flaw_of(broken);
                // A document that breaks off is truncated, however the connection ended.
                let fault = if fault == StreamFault::Reset {
                    StreamFault::Truncated
                } else {
                    fault
                };
                return Err((fault, message, head_of(&body)));
            }
        }
    }
    Ok(body)
}

/// What is wrong with a `200` document, seen from its edges.
pub(super) fn suspicious(body: &[Bytes]) -> Option<(StreamFault, &'static str)> {
    let first = body
        .iter()
        .flat_map(|chunk| chunk.iter())
        .find(|byte| !byte.is_ascii_whitespace());
    let last = body
        .iter()
        .rev()
        .flat_map(|chunk| chunk.iter().rev())
        .find(|byte| !byte.is_ascii_whitespace());
    match (first, last) {
        (None, _) | (_, None) => Some((StreamFault::Truncated, "the provider's answer is empty")),
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) => in_band_error(body).then_some((
            StreamFault::ErrorEvent,
            "the provider sent an error under status 200",
        )),
        (Some(b'{' | b'['), _) => {
            Some((StreamFault::Truncated, "the provider's answer breaks off"))
        }
        _ => Some((StreamFault::Garbage, "the provider's answer is not JSON")),
    }
}

/// Whether a document says `"error": {…}` at its top. Most are small, or have no such word at all.
fn in_band_error(body: &[Bytes]) -> bool {
    #[derive(serde::Deserialize)]
    struct Top<'a> {
        #[serde(borrow)]
        error: Option<&'a serde_json::value::RawValue>,
    }
    /// An error document is short; in a long one the word belongs to the content.
    const LONGEST_ERROR: usize = 64 << 10;
    let size: usize = body.iter().map(Bytes::len).sum();
    if size > LONGEST_ERROR {
        return false;
    }
    let body = joined(body, size);
    memchr::memmem::find(&body, b"\"error\"").is_some()
        && serde_json::from_slice::<Top<'_>>(&body)
            .is_ok_and(|top| top.error.is_some_and(|raw| raw.get() != "null"))
}

pub(super) async fn error_body(source: &mut AnswerStream) -> Bytes {
    let mut body = BytesMut::new();
    let read = async {
        while let Some(Ok(chunk)) = source.data().await {
            let room = MAX_ERROR_BODY - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == MAX_ERROR_BODY {
                break;
            }
        }
    };
    // Whatever arrived in time is what there is to read.
    let _ = timeout(ERROR_BODY_PATIENCE, read).await;
    body.freeze()
}

/// The chunks as one, at most `limit` bytes. One small chunk is not copied; a large one is not kept.
pub(super) fn joined(body: &[Bytes], limit: usize) -> Bytes {
    match body {
        [only] if only.len() <= limit => only.clone(),
        chunks => {
            let mut all = BytesMut::new();
            for chunk in chunks {
                let room = limit - all.len();
                all.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            all.freeze()
        }
    }
}

fn head_of(body: &[Bytes]) -> Bytes {
    joined(&body[..body.len().min(1)], MAX_ERROR_BODY)
}
