//! A link to a server: a port that leads to it, until it is told to be cut, silent or slow.
//!
//! Stands between one client and what it shares with others, so that the client alone loses it.
//! Promises: connections that exist follow as new ones do, and no connection ever goes on with bytes
//! missing in it. Must not know: what is spoken through it.

mod connection;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Mutex, watch},
    task::{JoinHandle, JoinSet},
};

use crate::port::Port;

/// How a link treats what goes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// It passes everything on.
    #[default]
    Pass,
    /// As if no server ran: connections are closed, new ones refused.
    Refuse,
    /// As if the network lost every packet: new connections are taken, bytes both ways are swallowed,
    /// nothing is closed. A connection that lost something is closed when this ends.
    BlackHole,
    /// As if the network came back before anybody gave up: nothing arrives, and everything does when
    /// this ends. Senders notice once the buffers are full.
    Hold,
    /// Everything arrives this much later.
    Delay(Duration),
}

/// What went through a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Connections taken, ever.
    pub connections: u64,
    /// Bytes handed to the server.
    pub to_server_bytes: u64,
    /// Bytes handed to clients.
    pub to_client_bytes: u64,
}

/// A running link. Dropping it closes its port and every connection.
#[derive(Debug)]
pub struct Link {
    port: Port,
    shared: Arc<Shared>,
    /// `None` while connections are refused. Held while that changes.
    serving: Mutex<Option<JoinHandle<()>>>,
}

/// What every connection shares.
#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    manner: watch::Sender<Manner>,
    connections: AtomicU64,
    to_server_bytes: AtomicU64,
    to_client_bytes: AtomicU64,
}

impl Link {
    /// Opens a free port of 127.0.0.1 that leads to this address. Within a tokio runtime.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn to(server: SocketAddr) -> io::Result<Link> {
        let link = Link {
            port: Port::reserve()?,
            shared: Arc::new(Shared {
                server,
                manner: watch::Sender::default(),
                connections: AtomicU64::new(0),
                to_server_bytes: AtomicU64::new(0),
                to_client_bytes: AtomicU64::new(0),
            }),
            serving: Mutex::new(None),
        };
        link.behave(Manner::Pass).await?;
        Ok(link)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// An address of the server's, changed so that it leads through here.
    pub fn url(&self, url: &str) -> String {
        let (server, here) = (self.shared.server.to_string(), self.address().to_string());
        url.replacen(&server, &here, 1)
    }

    /// From now on it treats connections like this, those that exist, too. When this returns, new ones
    /// are refused or not.
    ///
    /// # Errors
    /// The port cannot be opened again.
    pub async fn behave(&self, manner: Manner) -> io::Result<()> {
        let mut serving = self.serving.lock().await;
        self.shared.manner.send_replace(manner);
        match (manner, serving.take()) {
            (Manner::Refuse, None) => {}
            (Manner::Refuse, Some(task)) => {
                task.abort();
                // The listener is closed when its task is gone.
                let _ = task.await;
            }
            (_, Some(task)) => *serving = Some(task),
            (_, None) => {
                let listener = self.port.listen()?;
                *serving = Some(tokio::spawn(serve(listener, Arc::clone(&self.shared))));
            }
        }
        Ok(())
    }

    /// What went through it so far.
    pub fn traffic(&self) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            connections: read(&self.shared.connections),
            to_server_bytes: read(&self.shared.to_server_bytes),
            to_client_bytes: read(&self.shared.to_client_bytes),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(task) = self.serving.get_mut().take() {
            task.abort();
        }
    }
}

/// Takes connections. Ending it ends them all.
async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    shared.connections.fetch_add(1, Ordering::Relaxed);
                    connections.spawn(connection::serve(client, Arc::clone(&shared)));
                }
                // Out of file descriptors, or a peer that left while queued: the next may do better.
                Err(_) => tokio::task::yield_now().await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
