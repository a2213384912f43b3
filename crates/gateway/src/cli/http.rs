//! One request at a time to the admin API of a running gateway.
//!
//! Promises: an error of the API becomes a sentence. Must not know: what is asked for.

mod stream;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};
use waybill_model::secret::Secret;

use super::ClientArgs;

pub use self::stream::Events;

/// For an answer to come: a list over a month of a large store takes its time, and a request that is sent again
/// may take a minute.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Largest answer that is read; the largest page is far smaller.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// The admin API of a running gateway.
pub struct Remote {
    uri: Uri,
    token: Secret,
    runtime: tokio::runtime::Runtime,
}

/// A stream of bytes to the gateway, plain or inside TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Remote {
    /// The gateway that the arguments name. Nothing is sent yet.
    pub fn new(args: &ClientArgs) -> anyhow::Result<Remote> {
        let uri: Uri = args
            .url
            .parse()
            .with_context(|| format!("--url {}", args.url))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            bail!(
                "--url {}: an address such as http://127.0.0.1:8080 is needed",
                args.url
            );
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Remote {
            uri,
            token: args.token.clone(),
            runtime,
        })
    }

    /// `GET` with query parameters.
    pub fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> anyhow::Result<T> {
        read(&self.bytes(path, query)?)
    }

    /// The same, with the answer as it is.
    pub fn bytes(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Bytes> {
        self.ask(Method::GET, &with_query(path, query), Bytes::new())
    }

    /// `POST` with a JSON body.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        read(&self.ask(Method::POST, path, Bytes::from(body.to_string()))?)
    }

    /// `PUT` with a JSON body.
    pub fn put<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        read(&self.ask(Method::PUT, path, Bytes::from(body.to_string()))?)
    }

    /// `PATCH` with a JSON body.
    pub fn patch<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        read(&self.ask(Method::PATCH, path, Bytes::from(body.to_string()))?)
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.ask(Method::DELETE, path, Bytes::new()).map(drop)
    }

    fn ask(&self, method: Method, path: &str, body: Bytes) -> anyhow::Result<Bytes> {
        let answer = self.runtime.block_on(async {
            tokio::time::timeout(TIMEOUT, self.exchange(method, path, body))
                .await
                .map_err(|_| anyhow!("no answer within {} s", TIMEOUT.as_secs()))?
        });
        answer.with_context(|| format!("{}://{}", self.scheme(), self.authority()))
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> anyhow::Result<Bytes> {
        let stream = self.connect().await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let prefix = self.uri.path().trim_end_matches('/');
        let request = Request::builder()
            .method(method)
            .uri(format!("{prefix}/api/v1/admin{path}"))
            .header(header::HOST, self.authority())
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.token.expose()),
            )
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .context("--token: it has characters that cannot be sent")?;
        let answer = async {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES)
                .collect()
                .await;
            let body = body
                .map_err(|error| anyhow!("the answer broke off: {error}"))?
                .to_bytes();
            if status.is_success() {
                Ok(body)
            } else {
                Err(anyhow!(sentence(status, &body)))
            }
        };
        // The connection must be driven for the answer to come; its own end says nothing more.
        let drive = async {
            let _ = connection.await;
            std::future::pending().await
        };
        tokio::select! {
            answer = answer => answer,
            () = drive => bail!("the connection ended"),
        }
    }

    async fn connect(&self) -> anyhow::Result<Box<dyn Stream>> {
        let host = self
            .uri
            .host()
            .unwrap_or_default()
            .trim_start_matches('[')
            .trim_end_matches(']');
        let tls = self.uri.scheme_str() == Some("https");
        let port = self.uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let stream = TcpStream::connect((host, port))
            .await
            .context("no gateway answers there")?;
        if !tls {
            return Ok(Box::new(stream));
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned())?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .context("TLS")?;
        Ok(Box::new(stream))
    }

    fn scheme(&self) -> &str {
        self.uri.scheme_str().unwrap_or("http")
    }

    fn authority(&self) -> &str {
        self.uri
            .authority()
            .map_or("", |authority| authority.as_str())
    }
}

/// A path with query parameters.
fn with_query(path: &str, query: &[(&str, String)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", query.join("&"))
    }
}

fn read<T: DeserializeOwned>(answer: &[u8]) -> anyhow::Result<T> {
    // Nothing to be said is `null`.
    let answer: &[u8] = match answer.is_empty() {
        true => b"null",
        false => answer,
    };
    serde_json::from_slice(answer).context("the answer is not what the admin API promises")
}

/// What an error answer says, as a sentence.
fn sentence(status: http::StatusCode, body: &[u8]) -> String {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    match (
        problem["title"].as_str(),
        problem["detail"].as_str(),
        problem["field"].as_str(),
    ) {
        (Some(title), Some(detail), Some(field)) => format!("{title} {field}: {detail}"),
        (Some(title), Some(detail), None) => format!("{title} {detail}"),
        _ => format!("the answer was {status}, and not from a gateway's admin API"),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn an_error_of_the_api_is_a_sentence() {
        let body =
            br#"{"title":"A parameter cannot be read.","detail":"page: it is empty","code":"x"}"#;
        assert_eq!(
            sentence(StatusCode::BAD_REQUEST, body),
            "A parameter cannot be read. page: it is empty"
        );
        assert!(sentence(StatusCode::BAD_GATEWAY, b"<html>").contains("502"));
    }
}
