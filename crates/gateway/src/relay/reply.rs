//! The body of every response: a few chunks, a stream, or a page of the admin API.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::PoisonError,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{stream::Stream, watch::Shared};

/// A response body.
pub struct ReplyBody(Kind);

enum Kind {
    Chunks(VecDeque<Bytes>),
    Stream(Shared),
    Admin(axum::body::Body),
}

/// A body that had to be cut off: the connection is closed so that the client notices.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

impl ReplyBody {
    /// One chunk.
    pub fn whole(body: Bytes) -> Self {
        ReplyBody::chunks(vec![body])
    }

    /// Several, with their length known.
    pub fn chunks(body: Vec<Bytes>) -> Self {
        ReplyBody(Kind::Chunks(
            body.into_iter().filter(|chunk| !chunk.is_empty()).collect(),
        ))
    }

    /// A relayed stream.
    pub(super) fn stream(stream: Shared) -> Self {
        ReplyBody(Kind::Stream(stream))
    }

    /// An answer of the admin API.
    pub fn admin(body: axum::body::Body) -> Self {
        ReplyBody(Kind::Admin(body))
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Chunks(chunks) => {
                Poll::Ready(chunks.pop_front().map(|chunk| Ok(Frame::data(chunk))))
            }
            Kind::Stream(shared) => {
                let mut stream = shared.lock().unwrap_or_else(PoisonError::into_inner);
                match stream.as_deref_mut() {
                    Some(stream) => stream
                        .poll_next(cx)
                        .map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk)))),
                    None => Poll::Ready(Some(Err("the client stopped reading".into()))),
                }
            }
            Kind::Admin(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Chunks(chunks) => chunks.is_empty(),
            Kind::Stream(shared) => {
                let stream = shared.lock().unwrap_or_else(PoisonError::into_inner);
                stream.as_deref().is_some_and(Stream::is_end)
            }
            Kind::Admin(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Chunks(chunks) => {
                SizeHint::with_exact(chunks.iter().map(|chunk| chunk.len() as u64).sum())
            }
            Kind::Stream(_) => SizeHint::default(),
            Kind::Admin(body) => body.size_hint(),
        }
    }
}
