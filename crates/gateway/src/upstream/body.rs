//! The request body as it is sent: up to three slices, so that naming another model copies nothing.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The client's bytes, with at most the model name replaced.
#[derive(Debug, Default)]
pub struct RequestBody {
    slices: [Bytes; 3],
    next: usize,
}

impl RequestBody {
    /// A body of one slice.
    pub fn whole(body: Bytes) -> Self {
        RequestBody {
            slices: [body, Bytes::new(), Bytes::new()],
            next: 0,
        }
    }

    /// A body of three.
    pub fn spliced(slices: [Bytes; 3]) -> Self {
        RequestBody { slices, next: 0 }
    }

    /// All of it.
    pub fn concat(&self) -> Vec<u8> {
        self.slices.concat()
    }

    fn remaining(&self) -> u64 {
        self.slices
            .iter()
            .skip(self.next)
            .map(|slice| slice.len() as u64)
            .sum()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while self.next < self.slices.len() {
            let at = self.next;
            self.next += 1;
            let slice = std::mem::take(&mut self.slices[at]);
            if !slice.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(slice))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}
