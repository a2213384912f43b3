//! A connection to a mail server, up to where mail can be spoken of.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, ReadBuf},
    net::TcpStream,
};
use waybill_model::waybill::TransportFault;

use crate::upstream::{Outlet, TransportError, tcp_to, tls_over};

/// Longest line of a server before TLS, and most lines of one answer.
const MOST_LINE: usize = 1000;
const MOST_LINES: usize = 64;

type Stream = Box<dyn AsyncTokioStream>;

/// In the clear.
pub async fn plain(outlet: Outlet<'_>, host: &str, port: u16) -> Result<Stream, TransportError> {
    let stream = tcp_to(outlet, host, port).await?;
    whole(stream, |stream| stream.peer_addr(), b"")
}

/// TLS from the first byte.
pub async fn tls(outlet: Outlet<'_>, host: &str, port: u16) -> Result<Stream, TransportError> {
    let stream = tcp_to(outlet, host, port).await?;
    let stream = tls_over(outlet, stream, host).await?;
    whole(stream, |stream| stream.get_ref().0.peer_addr(), b"")
}

/// TLS after a greeting and a wish for it in the clear (RFC 3207). Whoever speaks on it next is greeted once more, by
/// us: the server is not.
pub async fn starttls(
    outlet: Outlet<'_>,
    host: &str,
    port: u16,
    hello: &str,
) -> Result<Stream, TransportError> {
    let stream = tcp_to(outlet, host, port).await?;
    let mut talk = BufReader::new(stream);
    answer(&mut talk, "220").await?;
    let offers = say(&mut talk, &format!("EHLO {hello}\r\n"), "250").await?;
    let offers_tls = offers.iter().any(|line| {
        line.get(4..)
            .is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"))
    });
    if !offers_tls {
        return Err(fault("the server does not offer STARTTLS"));
    }
    say(&mut talk, "STARTTLS\r\n", "220").await?;
    // What came along was not said inside TLS, and would be taken for it.
    if !talk.buffer().is_empty() {
        return Err(fault("the server spoke on in the clear after STARTTLS"));
    }
    let stream = tls_over(outlet, talk.into_inner(), host).await?;
    whole(
        stream,
        |stream| stream.get_ref().0.peer_addr(),
        b"220 TLS\r\n",
    )
}

async fn say(
    talk: &mut BufReader<TcpStream>,
    line: &str,
    wanted: &str,
) -> Result<Vec<String>, TransportError> {
    talk.write_all(line.as_bytes()).await.map_err(broken)?;
    answer(talk, wanted).await
}

/// One answer, of one line or several.
async fn answer(
    talk: &mut BufReader<TcpStream>,
    wanted: &str,
) -> Result<Vec<String>, TransportError> {
    use tokio::io::AsyncReadExt as _;
    let mut lines = Vec::new();
    while lines.len() < MOST_LINES {
        let mut line = String::new();
        let mut bounded = (&mut *talk).take(MOST_LINE as u64);
        bounded.read_line(&mut line).await.map_err(broken)?;
        if !line.ends_with('\n') {
            return Err(fault("the server's answer broke off"));
        }
        if !line.starts_with(wanted) {
            return Err(fault(&format!("the server said: {}", line.trim())));
        }
        let is_last = line.as_bytes().get(3) != Some(&b'-');
        lines.push(line);
        if is_last {
            return Ok(lines);
        }
    }
    Err(fault("the server's answer has no end"))
}

fn broken(error: io::Error) -> TransportError {
    TransportError::sent(TransportFault::Reset, error)
}

fn fault(what: &str) -> TransportError {
    TransportError::sent(TransportFault::Protocol, what)
}

fn whole<S>(
    stream: S,
    peer: impl Fn(&S) -> io::Result<SocketAddr>,
    first: &'static [u8],
) -> Result<Stream, TransportError>
where
    S: AsyncRead + AsyncWrite + std::fmt::Debug + Send + Sync + Unpin + 'static,
{
    let peer = peer(&stream).map_err(broken)?;
    Ok(Box::new(Greeted {
        stream,
        peer,
        first,
    }))
}

/// A stream that says something before the server does.
#[derive(Debug)]
struct Greeted<S> {
    stream: S,
    peer: SocketAddr,
    first: &'static [u8],
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, into);
        }
        let (now, later) = self.first.split_at(self.first.len().min(into.remaining()));
        into.put_slice(now);
        self.first = later;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> AsyncTokioStream for Greeted<S>
where
    S: AsyncRead + AsyncWrite + std::fmt::Debug + Send + Sync + Unpin,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
