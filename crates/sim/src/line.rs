//! One TCP connection that can be told to break.
//!
//! hyper owns the reading and writing; whoever answers a request holds the connection's [`Control`]
//! and may give one order: reset it, close it, or take it over and write raw bytes. The task that
//! serves the connection obeys by dropping hyper's half first, so nothing of HTTP follows.
//!
//! Must not know: HTTP, faults.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
};

/// What may be done to a connection from outside HTTP.
#[derive(Debug, Clone)]
pub enum Order {
    /// Send RST.
    Reset,
    /// Send FIN without finishing what was begun.
    Close,
    /// Write these bytes as they are, pausing between them, then do what `end` says.
    Raw {
        /// Pieces, each written after its pause.
        pieces: Vec<(Duration, Bytes)>,
        /// What follows.
        end: RawEnd,
    },
}

/// How a connection that was taken over ends.
#[derive(Debug, Clone, Copy)]
pub enum RawEnd {
    /// With RST.
    Reset,
    /// With FIN.
    Close,
    /// When the peer leaves.
    Stall,
}

/// How long written bytes are given to reach the peer before the connection is broken behind them;
/// an RST that overtakes them would make "after content" mean "before content".
pub const SETTLE: Duration = Duration::from_millis(25);

/// The handle through which a connection is told to break. Holds no socket: dropping it does nothing.
#[derive(Debug, Default)]
pub struct Control {
    order: Mutex<Option<Order>>,
    given: Notify,
}

impl Control {
    /// Gives the order. The first one counts.
    pub fn give(&self, order: Order) {
        self.order
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(order);
        self.given.notify_one();
    }

    /// Waits for the order.
    pub async fn given(&self) -> Order {
        loop {
            if let Some(order) = self
                .order
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take()
            {
                return order;
            }
            self.given.notified().await;
        }
    }
}

/// Carries out an order on a socket nobody else writes to any more.
pub async fn obey(tcp: Arc<TcpStream>, order: Order) {
    match order {
        Order::Reset => reset(&tcp),
        Order::Close => {}
        Order::Raw { pieces, end } => {
            for (pause, piece) in pieces {
                tokio::time::sleep(pause).await;
                if write_all(&tcp, &piece).await.is_err() {
                    return;
                }
            }
            match end {
                RawEnd::Stall => until_peer_leaves(&tcp).await,
                RawEnd::Close => {}
                RawEnd::Reset => {
                    tokio::time::sleep(SETTLE).await;
                    reset(&tcp);
                }
            }
        }
    }
}

fn reset(tcp: &TcpStream) {
    // Fails only on a socket that is already gone, which is what was wanted.
    let _ = socket2::SockRef::from(tcp).set_linger(Some(Duration::ZERO));
}

async fn write_all(tcp: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        tcp.writable().await?;
        match tcp.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

async fn until_peer_leaves(tcp: &TcpStream) {
    let mut scratch = [0_u8; 1024];
    while tcp.readable().await.is_ok() {
        match tcp.try_read(&mut scratch) {
            Ok(0) => return,
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// hyper's half of a connection.
pub struct Line {
    tcp: Arc<TcpStream>,
}

impl Line {
    /// Shares the socket with the task that may have to break it.
    pub fn new(tcp: Arc<TcpStream>) -> Self {
        Line { tcp }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.tcp.poll_read_ready(cx))?;
            match self.tcp.try_read_buf(buf) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }
}

impl Line {
    fn poll_try(
        &self,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.tcp.poll_write_ready(cx))?;
            match attempt(&self.tcp) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_try(cx, |tcp| tcp.try_write(buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_try(cx, |tcp| tcp.try_write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match socket2::SockRef::from(&*self.tcp).shutdown(std::net::Shutdown::Write) {
            Err(e) if e.kind() != io::ErrorKind::NotConnected => Poll::Ready(Err(e)),
            _ => Poll::Ready(Ok(())),
        }
    }
}
