//! Providers over TLS: HTTP/2 where it is negotiated, HTTP/1.1 where it is asked for, and a clear
//! failure where a certificate is not trusted.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use crate::support::{self, Setup, World, chat};
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

/// A provider that answers with the HTTP version it was asked in. Returns the certificate to trust.
async fn provider() -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate ends the handshake.
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let answer = service_fn(|request: Request<Incoming>| async move {
                    let body = format!("{{\"asked_in\":\"{:?}\"}}", request.version());
                    let response = Response::builder()
                        .header("content-type", "application/json")
                        .body(Full::new(bytes::Bytes::from(body)));
                    Ok::<_, Infallible>(response.unwrap())
                });
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    });
    (address, made.cert.pem())
}

/// A world whose only OpenAI account is behind TLS, spoken to in `version`.
async fn world(address: SocketAddr, version: &str, trusted: Option<&str>) -> World {
    let top = trusted.map_or(String::new(), |file| format!("upstream_ca = \"{file}\""));
    let rest = format!(
        "[[group]]\nname = \"tls\"\nplatform = \"openai\"\n\
         [[account]]\nname = \"behind-tls\"\nplatform = \"openai\"\ngroups = [\"tls\"]\n\
         base_url = \"https://localhost:{}\"\nhttp_version = \"{version}\"\n\
         credential = {{ api_key = \"sk-proj-behind-tls-0123456789\" }}\n\
         [[api_key]]\nname = \"tls\"\nkey = \"tls-key-for-tests-0123456789\"\ngroups = [\"tls\"]\n",
        address.port()
    );
    let setup = Setup {
        top,
        rest,
        ..Setup::default()
    };
    World::with(setup).await
}

async fn ask(world: &World) -> support::Answer {
    let mut request = world.request(http::Method::POST, "/v1/chat/completions", chat(false));
    let key = "Bearer tls-key-for-tests-0123456789".parse().unwrap();
    request.headers_mut().insert("authorization", key);
    world.send(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_is_negotiated_and_http_1_spoken_where_it_is_asked_for() {
    let (address, pem) = provider().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    for (version, spoken) in [("auto", "HTTP/2.0"), ("2", "HTTP/2.0"), ("1.1", "HTTP/1.1")] {
        let world = world(address, version, file.to_str()).await;
        // Twice: once on a new connection, once on a kept one.
        for _ in 0..2 {
            let answer = ask(&world).await;
            assert_eq!(answer.status, 200, "{version}: {}", answer.text());
            assert_eq!(answer.json()["asked_in"], spoken, "{version}");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_not_trusted_is_a_failure_of_the_way_not_of_the_client() {
    let (address, _) = provider().await;
    let world = world(address, "auto", None).await;
    let answer = ask(&world).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(
        answer.json()["error"]["type"],
        "waybill_upstream_unreachable"
    );
    let error = world.error(answer.request_id()).await;
    assert_eq!(error["cause"], "network.tls", "{error}");
    assert_eq!(error["error_owner"], "platform");
    assert!(
        error["upstream_error_message"]
            .as_str()
            .unwrap()
            .contains("certificate"),
        "{error}"
    );
    world.stop().await;
}
