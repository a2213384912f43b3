//! Through an account's proxy to its provider: `CONNECT` (RFC 9110 9.3.6) or SOCKS5 (RFC 1928).
//!
//! `CONNECT` is used for plain HTTP, too: one way serves, and the proxy sees no credential of a
//! provider whose address is https. Promises: a failure names the proxy, never its password; the
//! proxy's own address is held against the egress policy like any other. Must not know: what is sent
//! through.

use std::io;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper::{body::Incoming, client::conn::http1, upgrade::Upgraded};
use hyper_util::{client::legacy::connect::proxy::SocksV5, rt::TokioIo};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tower::Service;
use waybill_model::{entity::HttpVersion, waybill::TransportFault};

use super::connect::{Terms, TransportError, forbidden, resolve, tcp, tls};
use crate::egress::{Proxy, ProxyKind};

/// Bytes through a proxy.
pub(super) trait Tunnel: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Tunnel for S {}

/// Opens a way through `proxy` to `host` and `port`.
pub(super) async fn open(
    proxy: &Proxy,
    host: &str,
    port: u16,
    terms: &Terms<'_>,
) -> Result<Box<dyn Tunnel>, TransportError> {
    // Where the proxy resolves the name, what is written is all there is to judge.
    terms.egress.check_host(host).map_err(forbidden)?;
    let target = match proxy.kind() {
        ProxyKind::Socks5 => resolved(host, port, terms).await?,
        ProxyKind::Http | ProxyKind::Https | ProxyKind::Socks5h => authority(host, port),
    };
    let fault = |error| of_proxy(error, proxy);
    let stream = tcp(proxy.host(), proxy.port(), terms)
        .await
        .map_err(fault)?;
    let asking = async {
        match proxy.kind() {
            ProxyKind::Http => connect(stream, proxy, &target).await.map(boxed),
            ProxyKind::Https => {
                let stream = tls(stream, proxy.host(), HttpVersion::Http1, terms).await?;
                connect(stream, proxy, &target).await.map(boxed)
            }
            ProxyKind::Socks5 | ProxyKind::Socks5h => {
                socks(stream, proxy, &target).await.map(boxed)
            }
        }
    };
    terms
        .deadline
        .bound(TransportFault::Proxy, "opening a way through it", asking)
        .await
        .map_err(fault)
}

/// Whatever went wrong at the proxy is the proxy's fault, but for an address that is forbidden.
fn of_proxy(error: TransportError, proxy: &Proxy) -> TransportError {
    let error = match error.fault {
        TransportFault::Forbidden => error,
        TransportFault::Dns
        | TransportFault::Connect
        | TransportFault::Tls
        | TransportFault::Reset
        | TransportFault::Timeout
        | TransportFault::Protocol
        | TransportFault::Proxy => TransportError {
            fault: TransportFault::Proxy,
            ..error
        },
    };
    error.of(&format!("proxy {proxy}"))
}

fn refused(message: impl ToString) -> TransportError {
    TransportError::unsent(TransportFault::Proxy, message)
}

fn boxed(stream: impl Tunnel + 'static) -> Box<dyn Tunnel> {
    Box::new(stream)
}

/// The provider's address, found here. IPv4 if there is one: more proxies reach it.
async fn resolved(host: &str, port: u16, terms: &Terms<'_>) -> Result<String, TransportError> {
    let addresses = resolve(host, port, terms).await?;
    addresses
        .iter()
        .find(|address| address.is_ipv4())
        .or(addresses.first())
        .map(ToString::to_string)
        .ok_or_else(|| TransportError::unsent(TransportFault::Dns, format!("{host}: no address")))
}

fn authority(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// Asks an HTTP proxy for a way to `target`.
async fn connect<S>(
    stream: S,
    proxy: &Proxy,
    target: &str,
) -> Result<TokioIo<Upgraded>, TransportError>
where
    S: Tunnel + 'static,
{
    let request = connect_request(proxy, target).map_err(refused)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(refused)?;
    let mut connection = connection.with_upgrades();
    let asking = async {
        let response = sender.send_request(request).await.map_err(refused)?;
        match response.status() {
            status if status.is_success() => hyper::upgrade::on(response).await.map_err(refused),
            _ => Err(refusal_of(&response, target)),
        }
    };
    let mut asking = std::pin::pin!(asking);
    let mut ended = false;
    loop {
        tokio::select! {
            // The connection ends by handing over what it was: first look for that.
            biased;
            result = &mut asking => return result.map(TokioIo::new),
            _ = &mut connection, if !ended => ended = true,
        }
    }
}

fn connect_request(proxy: &Proxy, target: &str) -> Result<Request<Empty<Bytes>>, http::Error> {
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(target)
        .header(header::HOST, target)
        .body(Empty::new())?;
    if let Some(auth) = proxy.auth() {
        let mut value = HeaderValue::from_str(&format!("Basic {}", auth.basic()))?;
        value.set_sensitive(true);
        request
            .headers_mut()
            .insert(header::PROXY_AUTHORIZATION, value);
    }
    Ok(request)
}

/// What a status other than success means. The proxy's body is not read: it is a page, at best.
fn refusal_of(response: &Response<Incoming>, target: &str) -> TransportError {
    let status = response.status();
    let hint = match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => "it wants another user or password",
        StatusCode::FORBIDDEN => "it does not allow this destination",
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            "it could not reach the destination"
        }
        _ => "it refused",
    };
    refused(format!("{hint}: {status} for CONNECT {target}"))
}

/// Asks a SOCKS5 proxy for a way to `target`.
async fn socks(
    stream: TcpStream,
    proxy: &Proxy,
    target: &str,
) -> Result<TcpStream, TransportError> {
    let uri = |authority: &str| {
        Uri::builder()
            .scheme("http")
            .authority(authority)
            .path_and_query("/")
            .build()
            .map_err(refused)
    };
    let mut connected = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_: Uri| {
        let stream = connected.take().ok_or(io::ErrorKind::NotConnected);
        std::future::ready(stream.map_err(io::Error::from))
    });
    let mut socks = SocksV5::new(uri(&authority(proxy.host(), proxy.port()))?, connector);
    if let Some(auth) = proxy.auth() {
        socks = socks.with_auth(auth.user.clone(), auth.password.expose().to_owned());
    }
    let stream = socks.call(uri(target)?).await.map_err(|error| {
        let said = error.to_string();
        let said = said.strip_prefix("SOCKS error: ").unwrap_or(&said);
        refused(format!("no way to {target}: {said}"))
    })?;
    Ok(stream.into_inner())
}
