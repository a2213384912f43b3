//! Listening, accepting, stopping.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::oneshot};

use super::worker::{self, Connected};
use crate::{app::Shared, record::RecorderThread};

/// Connections the kernel holds while the acceptor is busy.
const BACKLOG: i32 = 4096;

/// A server that runs.
pub struct Running {
    address: SocketAddr,
    acceptor: tokio::task::JoinHandle<()>,
    stop: oneshot::Sender<()>,
    workers: Arc<Vec<worker::Handle>>,
    recorder: RecorderThread,
    shared: Arc<Shared>,
}

/// Opens the listening socket.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    // Inherited by every connection: without it small answers wait for acknowledgements.
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Starts workers (0: one per processor) and accepts connections.
pub fn start(
    listener: TcpListener,
    shared: Arc<Shared>,
    operators: Router,
    recorder: RecorderThread,
    workers: usize,
) -> io::Result<Running> {
    let count = if workers == 0 {
        std::thread::available_parallelism().map_or(1, usize::from)
    } else {
        workers
    };
    let workers = (0..count)
        .map(|number| worker::spawn(number, Arc::clone(&shared), operators.clone()))
        .collect::<io::Result<Vec<_>>>()?;
    let workers = Arc::new(workers);
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let acceptor = tokio::spawn(accept_until(stopped, listener, Arc::clone(&workers)));
    Ok(Running {
        address,
        acceptor,
        stop,
        workers,
        recorder,
        shared,
    })
}

/// Accepts until it is told to stop, and then whoever was connected already: closing the socket would
/// reset them.
async fn accept_until(
    stop: oneshot::Receiver<()>,
    listener: TcpListener,
    workers: Arc<Vec<worker::Handle>>,
) {
    tokio::select! {
        _ = stop => {}
        () = accept(&listener, &workers) => {}
    }
    let Ok(listener) = listener.into_std() else {
        return;
    };
    while let Ok((stream, peer)) = listener.accept() {
        if stream.set_nonblocking(true).is_ok() {
            give(&workers, Connected { stream, peer });
        }
    }
}

async fn accept(listener: &TcpListener, workers: &[worker::Handle]) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: wait for some to be given back.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(stream) = stream
            .into_std()
            .inspect_err(|error| tracing::warn!(%error, "connection lost"))
        else {
            continue;
        };
        give(workers, Connected { stream, peer });
    }
}

/// To the worker that has fewest.
fn give(workers: &[worker::Handle], connected: Connected) {
    if let Some(least) = workers.iter().min_by_key(|worker| worker.open()) {
        least.give(connected);
    }
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it shares.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Stops: no new connections, requests that run or have been sent may end within the drain time, every
    /// record is written before this returns.
    pub async fn stop(self) {
        let Running {
            acceptor,
            stop,
            workers,
            recorder,
            ..
        } = self;
        let _ = stop.send(());
        let _ = acceptor.await;
        let stopped = tokio::task::spawn_blocking(move || {
            if let Some(workers) = Arc::into_inner(workers) {
                // All at once: each has the whole drain time.
                let closing: Vec<_> = workers.into_iter().map(worker::Handle::close).collect();
                closing.into_iter().for_each(worker::Closing::join);
            }
            recorder.stop();
        });
        if let Err(error) = stopped.await {
            tracing::error!(%error, "the gateway did not stop in order");
        }
    }
}
