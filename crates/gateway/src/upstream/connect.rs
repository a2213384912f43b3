//! Opening a connection to a provider: name, TCP or proxy, TLS, HTTP handshake, each with its own fault.
//!
//! Promises: every address is held against the egress policy after it was resolved; all steps together
//! keep the connect time-out. Must not know: what is sent.

use std::{fmt::Display, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::Instant,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};
use waybill_model::{entity::HttpVersion, waybill::TransportFault};

use super::{
    body::RequestBody,
    exchange::{Connection, Http1, Http2},
    tunnel,
};
use crate::{
    app::Shared,
    egress::{EgressPolicy, Forbidden},
    routing::Upstream,
};

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

    /// The same, said of what the address was found for.
    pub(super) fn of(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
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

    /// The same certificates, for what is not HTTP.
    pub fn of_no_protocol(&self) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&self.negotiate);
        config.alpn_protocols.clear();
        Arc::new(config)
    }

    fn config(&self, version: HttpVersion) -> Arc<ClientConfig> {
        Arc::clone(match version {
            HttpVersion::Auto => &self.negotiate,
            HttpVersion::Http1 => &self.http1_only,
            HttpVersion::Http2 => &self.http2_only,
        })
    }
}

/// How a connection may be made, and until when.
pub(super) struct Terms<'a> {
    /// TLS settings.
    pub tls: &'a Tls,
    /// Where it may lead.
    pub egress: &'a EgressPolicy,
    /// When it must stand.
    pub deadline: Deadline,
}

/// One time-out over all steps.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    at: Instant,
    timeout: Duration,
}

impl Deadline {
    fn within(timeout: Duration) -> Self {
        Deadline {
            at: Instant::now() + timeout,
            timeout,
        }
    }

    /// What a step says that did not end in time.
    pub(super) fn missed(&self, fault: TransportFault, step: &str) -> TransportError {
        let message = format!("{step} took longer than {} ms", self.timeout.as_millis());
        TransportError::unsent(fault, message)
    }

    /// Does one step.
    pub(super) async fn bound<T>(
        &self,
        fault: TransportFault,
        step: &str,
        future: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        tokio::time::timeout_at(self.at, future)
            .await
            .unwrap_or_else(|_| Err(self.missed(fault, step)))
    }
}

/// What connections are made with, and where they may lead.
#[derive(Clone, Copy)]
pub struct Outlet<'a> {
    /// TLS settings.
    pub tls: &'a Tls,
    /// Where they may lead.
    pub egress: &'a EgressPolicy,
    /// The connect time-out.
    pub timeout: Duration,
}

impl<'a> Outlet<'a> {
    /// The running gateway's.
    pub fn of(shared: &'a Shared) -> Self {
        Outlet {
            tls: &shared.tls,
            egress: &shared.egress,
            timeout: shared.settings.timeouts.connect,
        }
    }
}

/// Opens one connection within the connect time-out, directly or through the account's proxy.
pub async fn connect(upstream: &Upstream, shared: &Shared) -> Result<Connection, TransportError> {
    through(Outlet::of(shared), upstream).await
}

/// The same where no gateway runs.
pub(super) async fn through(
    outlet: Outlet<'_>,
    upstream: &Upstream,
) -> Result<Connection, TransportError> {
    let terms = Terms {
        tls: outlet.tls,
        egress: outlet.egress,
        deadline: Deadline::within(outlet.timeout),
    };
    let (host, port) = (upstream.host(), upstream.port());
    match &upstream.proxy {
        None => secure(tcp(host, port, &terms).await?, upstream, &terms).await,
        Some(proxy) => {
            let through = tunnel::open(proxy, host, port, &terms).await?;
            secure(through, upstream, &terms).await
        }
    }
}

/// A connection for what is not HTTP, by the same policy and within the same time.
pub async fn tcp_to(
    outlet: Outlet<'_>,
    host: &str,
    port: u16,
) -> Result<TcpStream, TransportError> {
    let terms = Terms {
        tls: outlet.tls,
        egress: outlet.egress,
        deadline: Deadline::within(outlet.timeout),
    };
    tcp(host, port, &terms).await
}

/// TLS over such a connection, with the same certificates.
pub async fn tls_over(
    outlet: Outlet<'_>,
    stream: TcpStream,
    host: &str,
) -> Result<TlsStream<TcpStream>, TransportError> {
    let failed = |error: &dyn Display| {
        TransportError::unsent(TransportFault::Tls, format!("{host}: {error}"))
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(&error))?;
    let connector = TlsConnector::from(outlet.tls.of_no_protocol());
    let shaking_hands = async {
        let connected = connector.connect(name, stream).await;
        connected.map_err(|error| failed(&error))
    };
    Deadline::within(outlet.timeout)
        .bound(TransportFault::Tls, "the TLS handshake", shaking_hands)
        .await
}

/// Resolves a name. Addresses that must not be connected to are none; if there are only such, the
/// error says so.
pub(super) async fn resolve(
    host: &str,
    port: u16,
    terms: &Terms<'_>,
) -> Result<Vec<SocketAddr>, TransportError> {
    terms.egress.check_host(host).map_err(forbidden)?;
    let looking_up = async {
        tokio::net::lookup_host((host, port))
            .await
            .map_err(|error| {
                TransportError::unsent(TransportFault::Dns, format!("{host}: {error}"))
            })
    };
    let found = terms
        .deadline
        .bound(TransportFault::Dns, "resolving the host name", looking_up)
        .await?;
    let mut refused = TransportError::unsent(TransportFault::Dns, format!("{host}: no address"));
    let mut allowed = Vec::new();
    for address in found {
        match terms.egress.check_addr(address.ip()) {
            Ok(()) => allowed.push(address),
            Err(error) => refused = forbidden(error).of(host),
        }
    }
    match allowed.is_empty() {
        true => Err(refused),
        false => Ok(allowed),
    }
}

/// A connection to the first address that takes one.
pub(super) async fn tcp(
    host: &str,
    port: u16,
    terms: &Terms<'_>,
) -> Result<TcpStream, TransportError> {
    let addresses = resolve(host, port, terms).await?;
    let mut refused = TransportError::unsent(TransportFault::Dns, format!("{host}: no address"));
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        // An address that swallows everything must leave time for the next.
        let share = terms.deadline.at.saturating_duration_since(Instant::now()) / left.max(1);
        left -= 1;
        let failed = |error: io::Error| {
            TransportError::unsent(TransportFault::Connect, format!("{address}: {error}"))
        };
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Without it a provider's small writes wait for our acknowledgements, 40 ms at a time.
                stream.set_nodelay(true).map_err(failed)?;
                return Ok(stream);
            }
            Ok(Err(error)) => refused = failed(error),
            Err(_) => refused = terms.deadline.missed(TransportFault::Connect, "connecting"),
        }
    }
    Err(refused)
}

/// Speaks TLS to `host`.
pub(super) async fn tls<S>(
    stream: S,
    host: &str,
    version: HttpVersion,
    terms: &Terms<'_>,
) -> Result<TlsStream<S>, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let failed = |error: &dyn Display| {
        TransportError::unsent(TransportFault::Tls, format!("{host}: {error}"))
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(&error))?;
    let connector = TlsConnector::from(terms.tls.config(version));
    let shaking_hands = async {
        connector
            .connect(name, stream)
            .await
            .map_err(|error| failed(&error))
    };
    terms
        .deadline
        .bound(TransportFault::Tls, "the TLS handshake", shaking_hands)
        .await
}

/// From bytes to HTTP.
async fn secure<S>(
    stream: S,
    upstream: &Upstream,
    terms: &Terms<'_>,
) -> Result<Connection, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    if !upstream.tls {
        return handshake(stream, upstream.http_version == HttpVersion::Http2).await;
    }
    let stream = tls(stream, upstream.host(), upstream.http_version, terms).await?;
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    handshake(stream, http2).await
}

/// An address that must not be connected to.
pub(super) fn forbidden(error: Forbidden) -> TransportError {
    TransportError::unsent(TransportFault::Forbidden, error)
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    async fn resolved(allow: &[&str], host: &str) -> Result<Vec<SocketAddr>, TransportError> {
        let allow = allow.iter().map(|range| range.parse().unwrap()).collect();
        let terms = Terms {
            tls: &Tls::new(&[]),
            egress: &EgressPolicy::new(allow, [], []),
            deadline: Deadline::within(Duration::from_secs(30)),
        };
        resolve(host, 80, &terms).await
    }

    /// `localhost` passes as a name as soon as one of its addresses is allowed; which of them it is
    /// resolved to is judged address by address, as with any name that changes its mind.
    #[tokio::test]
    async fn what_a_name_is_resolved_to_is_judged_again() {
        let allowed = resolved(&["127.0.0.1/32"], "localhost").await.unwrap();
        assert!(!allowed.is_empty());
        assert!(
            allowed.iter().all(|address| address.is_ipv4()),
            "{allowed:?}"
        );

        match resolved(&["::1"], "localhost").await {
            Ok(allowed) => assert!(
                allowed.iter().all(|address| address.is_ipv6()),
                "{allowed:?}"
            ),
            Err(error) => {
                assert_eq!(error.fault, TransportFault::Forbidden);
                assert!(error.message.contains("localhost: `127.0.0.1`"), "{error}");
            }
        }
        let refused = resolved(&[], "localhost").await.unwrap_err();
        assert_eq!(refused.fault, TransportFault::Forbidden);
        assert!(!refused.sent);
    }

    #[tokio::test]
    async fn addresses_in_spellings_that_only_a_resolver_reads_are_refused() {
        for host in ["127.1", "2130706433", "0x7f000001", "0177.0.0.1"] {
            let refused = resolved(&["127.0.0.0/8"], host).await.unwrap_err();
            assert_eq!(refused.fault, TransportFault::Forbidden, "{host}");
        }
    }
}
