//! A proxy on the way to a provider: HTTP `CONNECT` and SOCKS5 on one port, told apart by the first byte.
//!
//! It counts, and it can refuse, go silent or want a password. Promises: it never reads what goes
//! through it. Must not know: HTTP beyond `CONNECT`, or who is at either end.

mod connect;
mod socks;

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How a proxy is made.
#[derive(Debug, Clone, Default)]
pub struct ProxyOptions {
    /// User and password it wants; `None`: everybody may pass.
    pub auth: Option<(String, String)>,
    /// Names it resolves by itself, before it asks the system.
    pub hosts: HashMap<String, SocketAddr>,
}

/// How it treats those who may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// It lets them through.
    #[default]
    Serve,
    /// It refuses: as this status, or the SOCKS reply that says the same.
    Refuse(u16),
    /// It takes the connection and says nothing.
    Hang,
    /// It closes the connection without a word.
    HangUp,
}

/// A running proxy. Dropping it closes every connection.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: CancellationToken,
}

/// What every connection shares. No lock is held over an await.
struct Shared {
    options: ProxyOptions,
    manner: Mutex<Manner>,
    connections: AtomicUsize,
    targets: Mutex<Vec<String>>,
}

impl Proxy {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(options: ProxyOptions) -> io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            options,
            manner: Mutex::default(),
            connections: AtomicUsize::new(0),
            targets: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let serving = accept(listener, Arc::clone(&shared), stop.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(serving));
        Ok(Proxy {
            shared,
            address,
            stop,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it treats those who come from now on.
    pub fn behave(&self, manner: Manner) {
        *self
            .shared
            .manner
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// Connections taken so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// What was asked for by those who may pass, as they wrote it: `host:port`.
    pub fn targets(&self) -> Vec<String> {
        self.shared
            .targets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shared {
    fn manner(&self) -> Manner {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_pass(&self, given: Option<(&str, &str)>) -> bool {
        match &self.options.auth {
            None => true,
            Some((user, password)) => given == Some((user.as_str(), password.as_str())),
        }
    }

    /// Notes what is asked for, and connects to it.
    async fn reach(&self, target: &str) -> io::Result<TcpStream> {
        self.targets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(target.to_owned());
        let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
        let stream = match self.options.hosts.get(host) {
            Some(address) => TcpStream::connect(address).await?,
            None => TcpStream::connect(target).await?,
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        shared.connections.fetch_add(1, Ordering::Relaxed);
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tasks.spawn(async move {
            // How a peer ends its connection is its own affair.
            let _ = stop.run_until_cancelled(serve(client, &shared)).await;
        });
    }
}

async fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_nodelay(true)?;
    match shared.manner() {
        Manner::Hang => return std::future::pending().await,
        Manner::HangUp => return Ok(()),
        Manner::Serve | Manner::Refuse(_) => {}
    }
    let mut first = [0];
    client.peek(&mut first).await?;
    let reached = match first {
        [socks::VERSION] => socks::greet(&mut client, shared).await?,
        _ => connect::greet(&mut client, shared).await?,
    };
    if let Some(mut provider) = reached {
        copy_bidirectional(&mut client, &mut provider).await?;
    }
    Ok(())
}
