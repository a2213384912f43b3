//! One request and its answer over one connection.
//!
//! An HTTP/1.1 connection is driven by the task that waits for the answer: no task per connection, no
//! channel between them, no wake-up from one to the other. It goes back to the pool when the answer
//! has been read to its end. HTTP/2 connections are shared and have a driver task of their own.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use waybill_model::waybill::TransportFault;

use super::{body::RequestBody, connect::TransportError, pool::Home};

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection ready for a request.
pub enum Connection {
    /// Used by one request at a time.
    Http1(Box<Http1>),
    /// Shared.
    Http2(http2::SendRequest<RequestBody>),
}

/// An HTTP/1.1 connection and the future that moves its bytes.
pub struct Http1 {
    pub(super) sender: http1::SendRequest<RequestBody>,
    pub(super) driver: Driver,
}

impl Http1 {
    /// Whether the idle connection can take a request: notices a provider that closed it meanwhile.
    pub(super) fn is_usable(&mut self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        self.driver.as_mut().poll(&mut cx).is_pending() && self.sender.is_ready()
    }
}

/// Sends `request` and waits for the head of the answer.
pub async fn send(
    connection: Connection,
    home: Home,
    request: Request<RequestBody>,
) -> Result<Response<AnswerBody>, TransportError> {
    match connection {
        Connection::Http1(mut http1) => {
            let response = {
                let mut answer = std::pin::pin!(http1.sender.send_request(request));
                let driver = &mut http1.driver;
                let mut closed = false;
                std::future::poll_fn(move |cx| {
                    if !closed && driver.as_mut().poll(cx).is_ready() {
                        closed = true;
                    }
                    answer.as_mut().poll(cx)
                })
                .await
                .map_err(fault_of)?
            };
            Ok(response.map(|incoming| AnswerBody {
                incoming,
                http1: Some(http1),
                home,
                ended: false,
            }))
        }
        Connection::Http2(mut sender) => {
            sender.ready().await.map_err(|error| TransportError {
                sent: false,
                ..fault_of(error)
            })?;
            home.share(&sender);
            let mut request = request;
            home.make_absolute(&mut request);
            let response = sender.send_request(request).await.map_err(fault_of)?;
            Ok(response.map(|incoming| AnswerBody {
                incoming,
                http1: None,
                home,
                ended: false,
            }))
        }
    }
}

/// What a broken exchange says about itself.
pub fn fault_of(error: hyper::Error) -> TransportError {
    let fault = if error.is_parse() || error.is_parse_too_large() {
        TransportFault::Protocol
    } else if error.is_timeout() {
        TransportFault::Timeout
    } else {
        TransportFault::Reset
    };
    let sent = !error.is_canceled();
    let mut message = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        message = format!("{message}: {inner}");
        source = inner.source();
    }
    TransportError {
        fault,
        message,
        sent,
    }
}

/// The answer's body. Reading it to the end returns the connection to its pool; dropping it early closes it.
pub struct AnswerBody {
    incoming: Incoming,
    http1: Option<Box<Http1>>,
    home: Home,
    ended: bool,
}

impl AnswerBody {
    /// The next bytes; `None` at a clean end.
    pub fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, TransportError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut driven = false;
        loop {
            match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    self.ended = true;
                    self.http1 = None;
                    return Poll::Ready(Some(Err(fault_of(error))));
                }
                Poll::Ready(None) => {
                    self.ended = true;
                    self.go_home();
                    return Poll::Ready(None);
                }
                // Only the driver brings more; look again after it ran, then wait.
                Poll::Pending if driven => return Poll::Pending,
                Poll::Pending => {
                    driven = true;
                    if let Some(http1) = &mut self.http1
                        && http1.driver.as_mut().poll(cx).is_ready()
                    {
                        self.http1 = None;
                    }
                }
            }
        }
    }

    /// The next bytes; `None` at a clean end.
    pub async fn data(&mut self) -> Option<Result<Bytes, TransportError>> {
        std::future::poll_fn(|cx| self.poll_data(cx)).await
    }

    /// Whether nothing more will come.
    pub fn is_end(&self) -> bool {
        self.ended || self.incoming.is_end_stream()
    }

    fn go_home(&mut self) {
        if let Some(mut http1) = self.http1.take()
            && http1.is_usable()
        {
            self.home.give_back(http1);
        }
    }
}

impl Drop for AnswerBody {
    /// An answer whose last byte was read, but whose end was not asked for, still frees its connection.
    fn drop(&mut self) {
        if !self.ended && self.incoming.is_end_stream() {
            self.go_home();
        }
    }
}
