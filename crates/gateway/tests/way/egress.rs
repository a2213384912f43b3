//! The way to a provider: through an account's proxy, with an account's headers, and never to an address
//! that the configuration does not allow.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use crate::support::{self, Answer, CLIENT_KEY, Setup, World, key_of, message};
use bytes::Bytes;
use http::Method;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};
use waybill_gateway::{clock::Clock, config::Config, run};
use waybill_sim::{Fault, Manner, ProviderError, Proxy, ProxyOptions, Rule, Sim, SimOptions};

const PATH: &str = "/v1/messages";

/// An account of the group `claude`.
fn account(name: &str, base_url: &str, more: &str) -> String {
    format!(
        "[[account]]\nname = \"{name}\"\nplatform = \"anthropic\"\ngroups = [\"claude\"]\n\
         base_url = \"{base_url}\"\ncredential = {{ api_key = \"{}\" }}\n{more}\n",
        key_of(name)
    )
}

/// A world of these accounts alone.
async fn world(top: &str, accounts: &str) -> World {
    World::with(Setup {
        top: top.to_owned(),
        rest: accounts.to_owned(),
        accounts: 0,
        ..Setup::default()
    })
    .await
}

/// One connection to the gateway, and so one worker with one pool: which upstream connections it uses
/// does not hang on chance.
struct Line(SendRequest<Full<Bytes>>);

impl Line {
    async fn to(world: &World) -> Line {
        let address = world.url.strip_prefix("http://").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Line(sender)
    }

    /// A message, with this client key.
    async fn ask(&mut self, world: &World, key: &str) -> Answer {
        let mut request = world.request(Method::POST, PATH, message(false));
        *request.uri_mut() = PATH.parse().unwrap();
        request
            .headers_mut()
            .insert("host", "gateway".parse().unwrap());
        request
            .headers_mut()
            .insert("x-api-key", key.parse().unwrap());
        self.0.ready().await.unwrap();
        support::read(self.0.send_request(request).await.unwrap()).await
    }
}

async fn ask(world: &World) -> Answer {
    world.post(PATH, message(false)).await
}

async fn proxy(options: ProxyOptions) -> Proxy {
    Proxy::start(options).await.unwrap()
}

async fn open_proxy() -> Proxy {
    proxy(ProxyOptions::default()).await
}

fn with_auth(user: &str, password: &str) -> ProxyOptions {
    ProxyOptions {
        auth: Some((user.to_owned(), password.to_owned())),
        ..ProxyOptions::default()
    }
}

/// TLS for `localhost` in front of `behind`. Returns where it listens and the certificate to trust.
async fn tls_before(behind: SocketAddr) -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let (Ok(mut client), Ok(mut server)) = (
                    acceptor.accept(stream).await,
                    TcpStream::connect(behind).await,
                ) else {
                    return;
                };
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, made.cert.pem())
}

/// The record of the failure that the answer is about.
async fn record(world: &World, answer: &Answer) -> Value {
    world.error(answer.request_id()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_go_through_the_proxy_whatever_it_speaks_and_whatever_the_provider_speaks() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let (tls_provider, provider_pem) = tls_before(sim.address()).await;
    let plain_port = sim.address().port();
    let providers = [
        ("http", plain_port, "1.1"),
        ("http", plain_port, "2"),
        ("https", tls_provider.port(), "auto"),
    ];
    for (scheme, port, version) in providers {
        for kind in ["http", "https", "socks5", "socks5h"] {
            let proxy = open_proxy().await;
            let (tls_proxy, proxy_pem) = tls_before(proxy.address()).await;
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("ca.pem");
            std::fs::write(&file, format!("{provider_pem}{proxy_pem}")).unwrap();
            let at = match kind {
                "https" => format!("localhost:{}", tls_proxy.port()),
                _ => proxy.address().to_string(),
            };
            let world = world(
                &format!("upstream_ca = \"{}\"", file.display()),
                &account(
                    "a1",
                    &format!("{scheme}://localhost:{port}"),
                    &format!("http_version = \"{version}\"\nproxy = \"{kind}://{at}\""),
                ),
            )
            .await;
            // The second on the connection that the first one left.
            let mut line = Line::to(&world).await;
            for _ in 0..2 {
                let answer = line.ask(&world, CLIENT_KEY).await;
                assert_eq!(answer.status, 200, "{scheme} {kind}: {}", answer.text());
            }
            // The name is resolved where the kind of proxy says.
            let named = match kind {
                "socks5" => format!("127.0.0.1:{port}"),
                _ => format!("localhost:{port}"),
            };
            assert_eq!(proxy.targets(), [named], "{scheme} {kind}");
            assert_eq!(proxy.connections(), 1, "{scheme} {kind}");
            world.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_only_the_proxy_knows_is_resolved_by_the_proxy() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    for kind in ["http", "socks5h"] {
        let proxy = proxy(ProxyOptions {
            hosts: HashMap::from([("provider.test".to_owned(), sim.address())]),
            ..ProxyOptions::default()
        })
        .await;
        let more = format!("proxy = \"{kind}://{}\"", proxy.address());
        let world = world("", &account("a1", "http://provider.test", &more)).await;
        let answer = ask(&world).await;
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
        assert_eq!(proxy.targets(), ["provider.test:80"], "{kind}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_is_told_user_and_password_and_nobody_else_is() {
    const PASSWORD: &str = "open-sesame/1";
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    for kind in ["http", "socks5", "socks5h"] {
        let proxy = proxy(with_auth("me", PASSWORD)).await;
        for (password, good) in [("open-sesame%2F1", true), ("wrong-password-1", false)] {
            let more = format!("proxy = \"{kind}://me:{password}@{}\"", proxy.address());
            let world = world("", &account("a1", &sim.url(), &more)).await;
            let answer = ask(&world).await;
            if good {
                assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
            } else {
                assert_eq!(answer.status, 502, "{kind}: {}", answer.text());
                let error = record(&world, &answer).await;
                assert_eq!(error["cause"], "network.proxy", "{error}");
                let said = error["upstream_error_message"].as_str().unwrap();
                let place = format!("{kind}://{}", proxy.address());
                assert!(said.contains(&place), "{said}");
                let everything = format!("{error}{}{}", answer.text(), world.events().await[0]);
                assert!(!everything.contains(password), "{everything}");
            }
            let accounts = world.admin(Method::GET, "/accounts", "").await.text();
            assert!(
                !accounts.contains("sesame") && !accounts.contains(password),
                "{accounts}"
            );
            world.stop().await;
        }
    }
    assert!(
        sim.received()
            .iter()
            .all(|request| request.header("proxy-authorization").is_none())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_gets_nowhere_is_a_failure_of_the_way_that_names_it() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        listener.local_addr().unwrap()
    };
    for (kind, manner, says) in [
        ("http", Some(Manner::Refuse(403)), "403"),
        ("http", Some(Manner::Refuse(407)), "407"),
        ("http", Some(Manner::Refuse(502)), "502"),
        ("http", Some(Manner::Hang), "1000 ms"),
        ("http", Some(Manner::HangUp), "proxy"),
        ("http", None, "refused"),
        ("socks5", Some(Manner::Refuse(403)), "no way to"),
        ("socks5h", Some(Manner::Refuse(502)), "no way to"),
        ("socks5", Some(Manner::Hang), "1000 ms"),
        ("socks5", Some(Manner::HangUp), "no way to"),
        ("socks5h", None, "refused"),
    ] {
        let proxy = open_proxy().await;
        proxy.behave(manner.unwrap_or_default());
        let at = manner.map_or(closed, |_| proxy.address());
        let more = format!("proxy = \"{kind}://{at}\"");
        let world = world(
            "timeouts.connect_ms = 1000",
            &account("a1", &sim.url(), &more),
        )
        .await;
        let answer = ask(&world).await;
        let story = format!("{kind} {manner:?}: {}", answer.text());
        assert_eq!(answer.status, 502, "{story}");
        assert_eq!(
            answer.json()["error"]["type"],
            "waybill_upstream_unreachable",
            "{story}"
        );
        let error = record(&world, &answer).await;
        assert_eq!(error["cause"], "network.proxy", "{story} {error}");
        assert_eq!(error["error_owner"], "platform", "{story}");
        let said = error["upstream_error_message"].as_str().unwrap();
        assert!(said.contains(&at.to_string()), "{story} {said}");
        assert!(said.contains(says), "{story} {said}");
        world.stop().await;
    }
    assert!(sim.received().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_broken_proxy_the_next_account_serves_and_the_failure_is_on_record() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let broken = open_proxy().await;
    broken.behave(Manner::Refuse(502));
    let first = format!("priority = 1\nproxy = \"http://{}\"", broken.address());
    let accounts = account("a1", &sim.url(), &first) + &account("a2", &sim.url(), "priority = 2");
    let world = world("", &accounts).await;
    let answer = ask(&world).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let events = world.events_of(answer.request_id()).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["cause"], "network.proxy");
    assert_eq!(events[0]["recovered"], true);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_with_different_proxies_or_passwords_share_no_connection() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let (one, other) = (open_proxy().await, open_proxy().await);
    let ways = [
        format!("proxy = \"http://{}\"", one.address()),
        format!("proxy = \"http://{}\"", other.address()),
        format!("proxy = \"http://me:secret-word@{}\"", other.address()),
        format!("proxy = \"socks5://{}\"", other.address()),
        String::new(),
    ];
    let mut rest = String::new();
    for (number, way) in ways.iter().enumerate() {
        let name = format!("a{number}");
        rest += &format!(
            "[[group]]\nname = \"{name}\"\nplatform = \"anthropic\"\n\
             [[api_key]]\nname = \"{name}\"\nkey = \"{CLIENT_KEY}-{number}\"\ngroups = [\"{name}\"]\n"
        );
        rest += &account(&name, &sim.url(), way).replace("[\"claude\"]", &format!("[\"{name}\"]"));
    }
    let world = world("", &rest).await;
    let mut line = Line::to(&world).await;
    for number in (0..ways.len()).chain(0..ways.len()) {
        let answer = line.ask(&world, &format!("{CLIENT_KEY}-{number}")).await;
        assert_eq!(answer.status, 200, "{number}: {}", answer.text());
    }
    assert_eq!(one.connections(), 1);
    assert_eq!(other.connections(), 3);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accounts_headers_are_sent_in_place_of_the_clients_and_shown_nowhere() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let more = "headers = { X-Team = \"blue\", x-gate-pass = \"let-me-in-0123456789\", anthropic-version = \"2099-01-01\" }";
    let world = world("", &account("a1", &sim.url(), more)).await;
    let mut request = world.request(Method::POST, PATH, message(false));
    request
        .headers_mut()
        .insert("x-team", "red".parse().unwrap());
    let answer = world.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let received = sim.received().pop().unwrap();
    assert_eq!(received.header("x-team"), Some("blue"));
    assert_eq!(received.header("x-gate-pass"), Some("let-me-in-0123456789"));
    assert_eq!(received.header("anthropic-version"), Some("2099-01-01"));

    sim.script(Rule::new(Fault::http(
        500,
        json!({"error": {"type": "api_error", "message": "you sent let-me-in-0123456789"}}),
    )));
    let answer = ask(&world).await;
    assert_eq!(answer.status, 500, "{}", answer.text());
    let mut shown = answer.text() + &record(&world, &answer).await.to_string();
    for event in world.events_of(answer.request_id()).await {
        shown += &event.to_string();
        shown += &world
            .ops(&format!("upstream-errors/{}", event["id"]))
            .await
            .to_string();
    }
    assert!(
        shown.contains("x-team") && shown.contains("x-gate-pass"),
        "{shown}"
    );
    shown += &world.admin(Method::GET, "/accounts", "").await.text();
    for value in ["blue", "let-me-in", "2099-01-01"] {
        assert!(!shown.contains(value), "{value}: {shown}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_would_break_the_exchange_are_mistakes_of_the_file() {
    for name in [
        "host",
        "content-length",
        "connection",
        "transfer-encoding",
        "x-api-key",
    ] {
        let text = format!(
            "[[group]]\nname = \"claude\"\nplatform = \"anthropic\"\n{}",
            account(
                "a1",
                "https://api.anthropic.com",
                &format!("headers = {{ {name} = \"hunter2-hunter2\" }}")
            )
        );
        let why = Config::parse(&text, &|_| None).unwrap_err().to_string();
        assert!(why.contains(name) && !why.contains("hunter2"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_not_followed() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let redirecting = listener.local_addr().unwrap();
    let elsewhere = sim.url();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let answer = format!(
                "HTTP/1.1 307 Temporary Redirect\r\nlocation: {elsewhere}/v1/messages\r\n\
                 content-length: 0\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    let world = world("", &account("a1", &format!("http://{redirecting}"), "")).await;
    let answer = ask(&world).await;
    assert!(
        answer.status.is_server_error(),
        "{} {}",
        answer.status,
        answer.text()
    );
    assert!(answer.header("location").is_none());
    assert!(sim.received().is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_may_not_be_pointed_at_the_inside_through_the_api() {
    // The file's own providers are at 127.0.0.1: loopback is allowed, nothing else is.
    let world = World::new().await;
    let others = |urls: Value| {
        json!({
            "name": "new", "platform": "anthropic", "groups": ["claude"], "fallback_urls": urls,
            "credential": {"api_key": "sk-ant-api03-new-0123456789"},
        })
        .to_string()
    };
    let urls = json!(["https://b.test", "http://10.0.0.5"]);
    let answer = world.admin(Method::POST, "/accounts", others(urls)).await;
    let text = answer.text();
    assert_eq!(answer.status, 400, "{text}");
    assert!(
        text.contains("fallback_urls[1]") && text.contains("[egress]"),
        "{text}"
    );
    let form = |base_url: &str, proxy: Value| {
        json!({
            "name": "new", "platform": "anthropic", "groups": ["claude"], "base_url": base_url,
            "credential": {"api_key": "sk-ant-api03-new-0123456789"}, "proxy": proxy,
        })
        .to_string()
    };
    for (base_url, proxy, field) in [
        ("http://10.0.0.5", Value::Null, "base_url"),
        ("http://169.254.169.254", Value::Null, "base_url"),
        ("http://[fe80::1]", Value::Null, "base_url"),
        ("http://metadata.google.internal", Value::Null, "base_url"),
        ("http://[::ffff:192.168.0.1]", Value::Null, "base_url"),
        (
            "https://api.anthropic.com",
            json!("http://10.0.0.5:3128"),
            "proxy",
        ),
        (
            "https://api.anthropic.com",
            json!("socks5h://u:hunter2@169.254.169.254"),
            "proxy",
        ),
    ] {
        let answer = world
            .admin(Method::POST, "/accounts", form(base_url, proxy))
            .await;
        let text = answer.text();
        assert_eq!(answer.status, 400, "{base_url}: {text}");
        assert!(text.contains(field) && text.contains("[egress]"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let answer = world
        .admin(
            Method::POST,
            "/accounts",
            form("http://127.0.0.9:1", Value::Null),
        )
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = answer.json()["id"].clone();
    let answer = world
        .admin(
            Method::PATCH,
            &format!("/accounts/{id}"),
            json!({"base_url": "http://10.0.0.5"}).to_string(),
        )
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_no_longer_allowed_is_not_connected_to() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let proxy = open_proxy().await;
    let through = format!("proxy = \"http://{}\"", proxy.address());
    // Stored while the file named it; then the file does not any more.
    for (base_url, more) in [
        (sim.url(), ""),
        ("http://192.0.2.7".to_owned(), through.as_str()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let setup = |accounts: String, top: &str| {
            let setup = Setup {
                rest: accounts,
                accounts: 0,
                top: top.to_owned(),
                ..Setup::default()
            };
            let mut config = Config::parse(&support::configuration(&setup, ""), &|_| None).unwrap();
            config.data_dir = folder.path().to_owned();
            config
        };
        let gateway = run::start(setup(account("a1", &base_url, more), ""))
            .await
            .unwrap();
        gateway.stop().await;
        let gateway = run::start(setup(String::new(), "")).await.unwrap();
        let url = format!("http://{}", gateway.running.address());
        let request = http::Request::post(format!("{url}{PATH}"))
            .header("x-api-key", CLIENT_KEY)
            .body(message(false).into())
            .unwrap();
        let answer = support::send(&support::client(), request).await;
        assert_eq!(answer.status, 502, "{}", answer.text());
        let request = http::Request::get(format!(
            "{url}/api/v1/admin/ops/errors/{}",
            answer.request_id()
        ))
        .header("authorization", format!("Bearer {}", support::ADMIN_TOKEN))
        .body(Default::default())
        .unwrap();
        let error = support::send(&support::client(), request).await.json();
        assert_eq!(error["cause"], "network.forbidden", "{error}");
        let said = error["upstream_error_message"].as_str().unwrap();
        assert!(said.contains("[egress]"), "{said}");
        gateway.stop().await;
    }
    assert!(sim.received().is_empty() && proxy.connections() == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_setting_allows_is_connected_to() {
    let world = world("[egress]\nallow = [\"127.0.0.0/8\"]", "").await;
    let form = json!({
        "name": "a1", "platform": "anthropic", "groups": ["claude"], "base_url": world.sim.url(),
        "credential": {"api_key": key_of("a1")},
    });
    let made = world
        .admin(Method::POST, "/accounts", form.to_string())
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let answer = ask(&world).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_of_every_platform_can_be_probed() {
    let world = World::with(Setup {
        accounts: 1,
        ..Setup::default()
    })
    .await;
    let accounts = world.admin(Method::GET, "/accounts", "").await.json();
    for (name, model, path) in [
        ("a1", "claude-sonnet-4-5", "/v1/messages"),
        ("o1", "gpt-5", "/v1/chat/completions"),
        (
            "g1",
            "gemini-2.5-pro",
            "/v1beta/models/gemini-2.5-pro:generateContent",
        ),
    ] {
        let listed = accounts["items"].as_array().unwrap();
        let account = listed
            .iter()
            .find(|account| account["name"] == name)
            .unwrap();
        let test = format!("/accounts/{}/test", account["id"]);
        for (ask, kind) in [(json!({}), "models"), (json!({"model": model}), "message")] {
            world.sim.clear_received();
            let answer = world.admin(Method::POST, &test, ask.to_string()).await;
            let result = answer.json();
            assert_eq!(result["ok"], true, "{name} {kind}: {result}");
            assert_eq!(result["kind"], kind, "{name}: {result}");
            let received = world.sim.received().pop().unwrap();
            assert_eq!(received.key, Some(key_of(name)));
            match kind {
                "models" => assert_eq!(received.method, "GET"),
                _ => assert_eq!(received.path, path),
            }
        }
        world
            .sim
            .script(Rule::new(Fault::provider(ProviderError::InvalidKey)));
        let answer = world.admin(Method::POST, &test, "{}").await;
        world.sim.clear_script();
        let result = answer.json();
        assert_eq!(result["ok"], false, "{result}");
        assert_eq!(result["cause"], "auth.invalid_key", "{result}");
        assert!(!answer.text().contains(&key_of(name)), "{result}");
    }
    world.stop().await;
}

/// A world whose one account has a probe and a proxy, and whose time stands still.
async fn probed_world(now: &Arc<AtomicI64>, sim: &Sim, proxy: &Proxy, probe: &str) -> World {
    let more = format!("proxy = \"http://{}\"\nprobe = {probe}", proxy.address());
    World::with(Setup {
        rest: account("a1", &sim.url(), &more),
        accounts: 0,
        clock: Clock::Manual(Arc::clone(now)),
        ..Setup::default()
    })
    .await
}

/// The provider's limit is used up for so many seconds.
fn limited_for(seconds: u64) -> Rule {
    Rule::new(Fault::Provider {
        error: ProviderError::RateLimitRequests,
        retry_after_ms: Some(seconds * 1_000),
        echo_key: false,
        headers: Default::default(),
    })
}

/// The newest event of the one account, once it is of this kind.
async fn newest_event(world: &World, kind: &str) -> Value {
    let accounts = world.admin(Method::GET, "/accounts", "").await.json();
    let path = format!("/accounts/{}/events", accounts["items"][0]["id"]);
    let path = path.as_str();
    support::eventually(kind, || async move {
        let events = world.admin(Method::GET, path, "").await.json();
        let newest = events["items"].as_array()?.first()?.clone();
        (newest["kind"] == kind).then_some(newest)
    })
    .await
}

/// A clock that stands still at today's time.
fn clock() -> Arc<AtomicI64> {
    Arc::new(AtomicI64::new(Clock::System.now().0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_finds_out_at_the_deadline_so_that_no_client_has_to() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let (now, proxy) = (clock(), open_proxy().await);
    let world = probed_world(&now, &sim, &proxy, "{ model = \"claude-sonnet-4-5\" }").await;
    sim.script(limited_for(60).times(1));
    assert_eq!(ask(&world).await.status, 429);
    newest_event(&world, "rate_limited").await;
    assert_eq!(sim.received().len(), 1);

    now.fetch_add(61_000, Ordering::Relaxed);
    let recovered = newest_event(&world, "recovered").await;
    assert_eq!(recovered["actor"], "probe", "{recovered}");
    assert_eq!(recovered["request_id"], Value::Null, "{recovered}");
    let received = sim.received();
    assert_eq!(received.len(), 2);
    let body: Value = serde_json::from_slice(&received[1].body).unwrap();
    assert_eq!(body["max_tokens"], 1);
    // The probe took the account's way: a connection of its own through the same proxy.
    assert_eq!(proxy.connections(), 2);
    assert_eq!(ask(&world).await.status, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_probe_is_about_to_find_out_no_clients_request_does() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let (now, proxy) = (clock(), open_proxy().await);
    let world = probed_world(&now, &sim, &proxy, "{ model = \"claude-sonnet-4-5\" }").await;
    sim.script(limited_for(60).times(1));
    assert_eq!(ask(&world).await.status, 429);
    newest_event(&world, "rate_limited").await;
    // A moment before the deadline the probe has taken the place of whoever finds out.
    now.fetch_add(59_000, Ordering::Relaxed);
    support::eventually("the probe's place", || async {
        (world.in_flight("a1").await == 1).then_some(())
    })
    .await;
    // The provider thinks about the probe, and says no. Whoever comes meanwhile waits for that, and is
    // not the second to hear it.
    sim.script(limited_for(3_600).delay_ms(500).times(1));
    now.fetch_add(2_000, Ordering::Relaxed);
    support::eventually("the probe", || async {
        (sim.received().len() == 2).then_some(())
    })
    .await;
    let answer = ask(&world).await;
    assert_eq!(
        answer.header("x-waybill-attempts"),
        Some("0"),
        "{}",
        answer.text()
    );
    assert_eq!(sim.received().len(), 2);
    let limited = newest_event(&world, "rate_limited").await;
    assert_eq!(limited["actor"], "probe", "{limited}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_notices_that_a_long_limit_has_ended_early() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let (now, proxy) = (clock(), open_proxy().await);
    let probe = "{ model = \"claude-sonnet-4-5\", every_seconds = 60 }";
    let world = probed_world(&now, &sim, &proxy, probe).await;
    sim.script(limited_for(36_000).times(2));
    assert_eq!(ask(&world).await.status, 429);
    newest_event(&world, "rate_limited").await;
    // The first time it still lasts, the second time it does not.
    for received in [2, 3] {
        now.fetch_add(61_000, Ordering::Relaxed);
        support::eventually("a probe", || async {
            // The last one may have ended only after the clock was set: its minute begins then.
            now.fetch_add(1_000, Ordering::Relaxed);
            (sim.received().len() >= received).then_some(())
        })
        .await;
    }
    let recovered = newest_event(&world, "recovered").await;
    assert_eq!(recovered["actor"], "probe", "{recovered}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_that_works_again_is_found_by_asking_for_the_models() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let (now, proxy) = (clock(), open_proxy().await);
    let world = probed_world(&now, &sim, &proxy, "{ every_seconds = 30 }").await;
    sim.script(Rule::new(Fault::provider(ProviderError::InvalidKey)).times(1));
    assert_eq!(ask(&world).await.status, 502);
    newest_event(&world, "error").await;
    now.fetch_add(31_000, Ordering::Relaxed);
    let recovered = newest_event(&world, "recovered").await;
    assert_eq!(recovered["actor"], "probe", "{recovered}");
    assert!(sim.received()[1].path.starts_with("/v1/models"));
    world.stop().await;
}
