//! Opening a connection to a provider: name, TCP, TLS, HTTP handshake, each with its own fault.

use std::{io, sync::Arc, time::Duration};

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::Instant,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};
use waybill_model::{entity::HttpVersion, waybill::TransportFault};

use super::{
    body::RequestBody,
    exchange::{Connection, Http1, Http2},
};
use crate::routing::Upstream;

/// A fault on the way to the provider, with what was said about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// Which step failed.
    pub fault: TransportFault,
    /// What the step said.
    pub message: String,
    /// Whether the request may already have reached the provider.
    pub sent: bool,
}

impl TransportError {
    /// A fault before anything was sent.
    pub fn unsent(fault: TransportFault, message: impl ToString) -> Self {
        TransportError {
            fault,
            message: message.to_string(),
            sent: false,
        }
    }

    /// A fault after the request went out.
    pub fn sent(fault: TransportFault, message: impl ToString) -> Self {
        TransportError {
            fault,
            message: message.to_string(),
            sent: true,
        }
    }
}

/// TLS settings, shared by all workers. ALPN decides between the two.
#[derive(Clone)]
pub struct Tls {
    negotiate: Arc<ClientConfig>,
    http1_only: Arc<ClientConfig>,
    http2_only: Arc<ClientConfig>,
}

impl Tls {
    /// Trusts the system's certificates, and those of `extra_roots`.
    pub fn new(extra_roots: &[tokio_rustls::rustls::pki_types::CertificateDer<'static>]) -> Self {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "a system certificate could not be read");
        }
        roots.add_parsable_certificates(found.certs);
        roots.add_parsable_certificates(extra_roots.iter().cloned());
        let base = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let with_alpn = |protocols: &[&str]| {
            let mut config = base.clone();
            config.alpn_protocols = protocols
                .iter()
                .map(|name| name.as_bytes().to_vec())
                .collect();
            Arc::new(config)
        };
        Tls {
            negotiate: with_alpn(&["h2", "http/1.1"]),
            http1_only: with_alpn(&["http/1.1"]),
            http2_only: with_alpn(&["h2"]),
        }
    }

    fn config(&self, version: HttpVersion) -> Arc<ClientConfig> {
        Arc::clone(match version {
            HttpVersion::Auto => &self.negotiate,
            HttpVersion::Http1 => &self.http1_only,
            HttpVersion::Http2 => &self.http2_only,
        })
    }
}

/// Opens one connection within `timeout`.
pub async fn connect(
    upstream: &Upstream,
    tls: &Tls,
    timeout: Duration,
) -> Result<Connection, TransportError> {
    let deadline = Instant::now() + timeout;
    let late = |fault, what: &str| {
        TransportError::unsent(
            fault,
            format!("{what} took longer than {} ms", timeout.as_millis()),
        )
    };
    let host = upstream
        .authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let addresses: Vec<_> =
        tokio::time::timeout_at(deadline, tokio::net::lookup_host((host, upstream.port())))
            .await
            .map_err(|_| late(TransportFault::Dns, "resolving the host name"))?
            .map_err(|error| {
                TransportError::unsent(TransportFault::Dns, format!("{host}: {error}"))
            })?
            .collect();

    let mut refused = TransportError::unsent(TransportFault::Dns, format!("{host}: no address"));
    let mut connected = None;
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        // An address that swallows everything must leave time for the next.
        let share = deadline.saturating_duration_since(Instant::now()) / left.max(1);
        left -= 1;
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                connected = Some(stream);
                break;
            }
            Ok(Err(error)) => {
                refused =
                    TransportError::unsent(TransportFault::Connect, format!("{address}: {error}"));
            }
            Err(_) => refused = late(TransportFault::Connect, "connecting"),
        }
    }
    let stream = connected.ok_or(refused)?;
    // Without it a provider's small writes wait for our acknowledgements, 40 ms at a time.
    stream
        .set_nodelay(true)
        .map_err(|error| TransportError::unsent(TransportFault::Connect, error))?;

    if !upstream.tls {
        return handshake(stream, upstream.http_version == HttpVersion::Http2).await;
    }
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| TransportError::unsent(TransportFault::Tls, format!("{host}: {error}")))?;
    let connector = TlsConnector::from(tls.config(upstream.http_version));
    let stream = tokio::time::timeout_at(deadline, connector.connect(name, stream))
        .await
        .map_err(|_| late(TransportFault::Tls, "the TLS handshake"))?
        .map_err(|error: io::Error| {
            TransportError::unsent(TransportFault::Tls, format!("{host}: {error}"))
        })?;
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    handshake(stream, http2).await
}

async fn handshake<S>(stream: S, http2: bool) -> Result<Connection, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(stream);
    let failed = |error| TransportError::unsent(TransportFault::Connect, error);
    if http2 {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(30))
            // A silent loss of the connection shows before a request is sent into it.
            .keep_alive_while_idle(true)
            .adaptive_window(true)
            .handshake::<_, RequestBody>(io)
            .await
            .map_err(failed)?;
        // Streams of many requests share the connection, so it must be driven by a task of its own. It
        // ends when the pool and every exchange have dropped their senders.
        tokio::spawn(connection);
        return Ok(Connection::Http2(Http2 {
            sender,
            load: Arc::default(),
        }));
    }
    let (sender, connection) = http1::Builder::new()
        .handshake::<_, RequestBody>(io)
        .await
        .map_err(failed)?;
    Ok(Connection::Http1(Box::new(Http1 {
        sender,
        driver: Some(Box::pin(connection)),
    })))
}
