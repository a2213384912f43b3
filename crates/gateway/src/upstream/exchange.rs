//! One request and its answer over one connection.
//!
//! An HTTP/1.1 connection is driven by the task that waits for the answer: no task per connection, no
//! channel between them, no wake-up from one to the other. It goes back to the pool when the answer
//! has been read to its end. HTTP/2 connections are shared and have a driver task of their own.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
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
    Http2(Http2),
}

/// A place on a shared connection. Its load is the number of places taken.
#[derive(Clone)]
pub struct Http2 {
    pub(super) sender: http2::SendRequest<RequestBody>,
    pub(super) load: Arc<()>,
}

/// An HTTP/1.1 connection and the future that moves its bytes.
pub struct Http1 {
    pub(super) sender: http1::SendRequest<RequestBody>,
    /// `None` once it has ended: dropping it is what tells the sender that nothing will come.
    pub(super) driver: Option<Driver>,
}

impl Http1 {
    /// Whether the idle connection can take a request: notices a provider that closed it meanwhile.
    pub(super) fn is_usable(&mut self) -> bool {
        // Outside of the task's budget: a connection must not look open because many were closed before it.
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let open = self.driver.as_mut().is_some_and(|driver| {
            let looked_at = std::pin::pin!(tokio::task::unconstrained(driver.as_mut()));
            looked_at.poll(&mut cx).is_pending()
        });
        open && self.sender.is_ready()
    }
}

/// Moves bytes, as far as they go.
fn drive(driver: &mut Option<Driver>, cx: &mut Context<'_>) {
    if driver
        .as_mut()
        .is_some_and(|driver| driver.as_mut().poll(cx).is_ready())
    {
        *driver = None;
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
                std::future::poll_fn(move |cx| {
                    drive(driver, cx);
                    answer.as_mut().poll(cx)
                })
                .await
                .map_err(fault_of)?
            };
            Ok(response.map(|incoming| AnswerBody {
                incoming,
                http1: Some(http1),
                _http2: None,
                home,
                ended: false,
            }))
        }
        Connection::Http2(mut http2) => {
            http2.sender.ready().await.map_err(|error| TransportError {
                sent: false,
                ..fault_of(error)
            })?;
            let mut request = request;
            home.make_absolute(&mut request);
            let response = http2.sender.send_request(request).await.map_err(fault_of)?;
            Ok(response.map(|incoming| AnswerBody {
                incoming,
                http1: None,
                _http2: Some(http2.load),
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
    /// The place on a shared connection.
    _http2: Option<Arc<()>>,
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
                    if let Some(http1) = &mut self.http1 {
                        drive(&mut http1.driver, cx);
                    }
                }
            }
        }
    }

    /// The next bytes; `None` at a clean end.
    pub async fn data(&mut self) -> Option<Result<Bytes, TransportError>> {
        std::future::poll_fn(|cx| self.poll_data(cx)).await
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
