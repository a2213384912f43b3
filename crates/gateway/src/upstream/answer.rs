//! The provider's answer as bytes: decoded when it came compressed, and never waited for longer than
//! the idle time-out.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, header};
use tokio::{
    io::AsyncRead,
    time::{Instant, Sleep},
};
use tokio_util::io::{ReaderStream, StreamReader};
use waybill_model::waybill::TransportFault;

use super::{connect::TransportError, exchange::AnswerBody};

/// Answer bytes with a bound on silence.
pub struct AnswerStream {
    source: Source,
    idle: Duration,
    /// Since when nothing has come; a client that does not read is not the provider's silence.
    waiting_since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

enum Source {
    Plain(AnswerBody),
    Decoded(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>),
}

/// Why no more bytes came.
#[derive(Debug)]
pub enum Broken {
    /// The connection, or the encoding, broke.
    Transport(TransportError),
    /// Silence beyond the idle time-out.
    Stalled,
}

impl AnswerStream {
    /// Reads `content-encoding` from the headers, and takes it off them: what comes out is plain.
    pub fn new(body: AnswerBody, headers: &mut HeaderMap, idle: Duration) -> Self {
        let encoding = headers
            .get(header::CONTENT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        let source = match encoding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => decoded(GzipDecoder::new(reader(body))),
            "deflate" => decoded(ZlibDecoder::new(reader(body))),
            "br" => decoded(BrotliDecoder::new(reader(body))),
            "zstd" => decoded(ZstdDecoder::new(reader(body))),
            // `identity`, or something unknown: then the client must make of it what it can.
            _ => Source::Plain(body),
        };
        if matches!(source, Source::Decoded(_)) {
            headers.remove(header::CONTENT_ENCODING);
            headers.remove(header::CONTENT_LENGTH);
        }
        AnswerStream {
            source,
            idle,
            waiting_since: None,
            alarm: None,
        }
    }

    /// The next bytes; `None` at a clean end.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        let polled = match &mut self.source {
            Source::Plain(body) => body.poll_data(cx).map_err(Broken::Transport),
            Source::Decoded(stream) => stream.as_mut().poll_next(cx).map_err(|error| {
                Broken::Transport(TransportError::sent(TransportFault::Reset, error))
            }),
        };
        if polled.is_ready() {
            self.waiting_since = None;
            return polled;
        }
        // The alarm is set once and, when it rings early, set again: moving it with every chunk would
        // cost more than the chunk.
        let due = *self.waiting_since.get_or_insert_with(Instant::now) + self.idle;
        loop {
            let alarm = self
                .alarm
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= due {
                return Poll::Ready(Some(Err(Broken::Stalled)));
            }
            alarm.as_mut().reset(due);
        }
    }

    /// The next bytes; `None` at a clean end.
    pub async fn data(&mut self) -> Option<Result<Bytes, Broken>> {
        std::future::poll_fn(|cx| self.poll_data(cx)).await
    }
}

type Reader = StreamReader<BodyStream, Bytes>;

fn reader(body: AnswerBody) -> Reader {
    StreamReader::new(BodyStream(body))
}

fn decoded(decoder: impl AsyncRead + Send + 'static) -> Source {
    Source::Decoded(Box::pin(ReaderStream::with_capacity(decoder, 32 << 10)))
}

struct BodyStream(AnswerBody);

impl Stream for BodyStream {
    type Item = io::Result<Bytes>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        self.0
            .poll_data(cx)
            .map_err(|error| io::Error::new(io::ErrorKind::ConnectionReset, error))
    }
}
