//! One worker thread: its event loop, its connections.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use axum::Router;
use http::{HeaderValue, Request, Response, Version, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc, watch},
};
use tower::ServiceExt;

use super::io::ClientStream;
use crate::{
    admin,
    app::{Shared, Worker},
    console,
    ingress::Peer,
    pipeline,
    relay::{ReplyBody, Watch},
    replay,
    upstream::Pool,
};

/// Largest request head the HTTP parser takes. Above the configured limit, so that a request beyond
/// it still gets an answer in its protocol's shape.
const MAX_HEAD_BYTES: usize = 512 << 10;

/// The same for the number of headers. Beyond a hundred the parser allocates room for all of them with
/// every request, 64 bytes each.
const MAX_HEADERS: usize = 320;

/// How long a connection that was opened just before the stop may take to send its request.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// How often idle upstream connections are looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// A worker as its acceptor sees it.
pub struct Handle {
    connections: mpsc::UnboundedSender<Connected>,
    open: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

/// A connection just accepted.
pub struct Connected {
    /// The socket, in no event loop yet.
    pub stream: std::net::TcpStream,
    /// The peer.
    pub peer: SocketAddr,
}

impl Handle {
    /// Connections open on it.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Gives it a connection.
    pub fn give(&self, connected: Connected) {
        self.open.fetch_add(1, Ordering::Relaxed);
        if self.connections.send(connected).is_err() {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Tells it to let its requests end, for at most the drain time, and to end itself.
    pub fn close(self) -> Closing {
        Closing(self.thread)
    }
}

/// A worker that is ending.
pub struct Closing(JoinHandle<()>);

impl Closing {
    /// Waits for its end. Blocks.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("a worker ended with a panic");
        }
    }
}

/// Starts a worker.
pub fn spawn(number: usize, shared: Arc<Shared>, operators: Router) -> std::io::Result<Handle> {
    // Bounded by the number of sockets the process may open.
    let (connections, incoming) = mpsc::unbounded_channel();
    let open = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&open);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let thread = std::thread::Builder::new()
        .name(format!("worker-{number}"))
        .spawn(move || runtime.block_on(run(shared, operators, incoming, counter)))?;
    Ok(Handle {
        connections,
        open,
        thread,
    })
}

async fn run(
    shared: Arc<Shared>,
    operators: Router,
    mut incoming: mpsc::UnboundedReceiver<Connected>,
    open: Arc<AtomicUsize>,
) {
    let drain = shared.settings.timeouts.drain;
    let worker = Arc::new(Worker {
        shared,
        pool: Arc::new(Pool::default()),
        watch: Watch::default(),
    });
    let (stop, stopping) = watch::channel(());
    let server = Arc::new(server(&worker.shared));
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            connected = incoming.recv() => match connected {
                Some(connected) => {
                    let open = OpenConnection(Arc::clone(&open));
                    serve(&server, stopping.clone(), connected, Arc::clone(&worker), operators.clone(), open);
                }
                None => break,
            },
            task = worker.shared.replays.next() => {
                let (worker, stopping) = (Arc::clone(&worker), stopping.clone());
                tokio::spawn(async move {
                    replay::run(worker, task).await;
                    // Let end like a client's request when the server stops.
                    drop(stopping);
                });
            }
            _ = sweep.tick() => {
                worker.pool.sweep();
                worker.watch.sweep(worker.shared.settings.timeouts.write_stall);
            }
        }
    }
    drop(stopping);
    stop.send_replace(());
    if tokio::time::timeout(drain, stop.closed()).await.is_err() {
        tracing::warn!(
            "requests were still running at the end of the drain time; they are recorded as cut off"
        );
        worker.shared.cut_off();
    }
}

/// Counts a connection down when it is over.
struct OpenConnection(Arc<AtomicUsize>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn server(shared: &Shared) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    // Not `pipeline_flush`: it takes the bound off what is buffered for a client that does not read.
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.settings.timeouts.header_read)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
        .max_concurrent_streams(1024)
        .adaptive_window(true)
        .keep_alive_interval(Some(Duration::from_secs(30)));
    server
}

fn serve(
    server: &Arc<auto::Builder<TokioExecutor>>,
    stopping: watch::Receiver<()>,
    connected: Connected,
    worker: Arc<Worker>,
    operators: Router,
    open: OpenConnection,
) {
    let Connected {
        stream,
        peer: address,
    } = connected;
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => return tracing::warn!(%error, "a connection could not be taken up"),
    };
    let peer = Peer::new(address.ip());
    let timeouts = &worker.shared.settings.timeouts;
    let (patience, stall) = (timeouts.header_read, timeouts.write_stall);
    let io = TokioIo::new(ClientStream::new(stream, peer.clone(), stall));
    let asked = Arc::new(Asked::default());
    let has_asked = Arc::clone(&asked);
    let service = service_fn(move |request| {
        has_asked.note();
        let worker = Arc::clone(&worker);
        let (operators, peer) = (operators.clone(), peer.clone());
        async move { Ok::<_, Infallible>(respond(&worker, operators, &peer, request).await) }
    });
    let connection = server.serve_connection(io, service).into_owned();
    tokio::spawn(async move {
        let mut connection = std::pin::pin!(connection);
        // A client that leaves, or sends what is not HTTP, is its own affair; requests that were cut
        // off have recorded themselves.
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = closing(stopping.clone(), &asked) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = nothing_asked(patience, &asked) => {
                tracing::debug!(peer = %address, "no request came");
                Ok(())
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %address, %error, "connection ended");
        }
        drop((open, stopping));
    });
}

/// Whether a request has ever come over a connection.
#[derive(Default)]
struct Asked {
    yes: AtomicBool,
    rings: Notify,
}

impl Asked {
    fn note(&self) {
        if !self.yes.load(Ordering::Relaxed) {
            self.yes.store(true, Ordering::Relaxed);
            self.rings.notify_one();
        }
    }
}

/// Ends when the connection may be closed behind what it is at: the server stops, and the request for
/// which it was opened has come, or does not come.
async fn closing(mut stopping: watch::Receiver<()>, asked: &Asked) {
    // Nobody to tell it is as good as told.
    let _ = stopping.changed().await;
    if !asked.yes.load(Ordering::Relaxed) {
        let _ = tokio::time::timeout(FIRST_REQUEST, asked.rings.notified()).await;
    }
}

/// Ends when no request came within `patience`. hyper counts the time for a head only once it knows
/// which HTTP is spoken; a peer that does not say so would hold its socket for ever.
async fn nothing_asked(patience: Duration, asked: &Asked) {
    tokio::time::sleep(patience).await;
    if asked.yes.load(Ordering::Relaxed) {
        std::future::pending().await
    }
}

/// Client endpoints take the way of a request; everything else is for operators: the admin API and the console.
async fn respond(
    worker: &Worker,
    operators: Router,
    peer: &Peer,
    request: Request<Incoming>,
) -> Response<ReplyBody> {
    let version = request.version();
    let mut response = answer(worker, operators, peer, request).await;
    if version <= Version::HTTP_11 && worker.shared.is_leaving() {
        // Whoever keeps connections opens the next one elsewhere, before this one is gone under a request.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

async fn answer(
    worker: &Worker,
    operators: Router,
    peer: &Peer,
    request: Request<Incoming>,
) -> Response<ReplyBody> {
    let path = request.uri().path();
    if admin::is_admin(path) || console::serves(path) {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(peer.clone());
        let response = match operators.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        return response.map(ReplyBody::admin);
    }
    pipeline::handle(worker, peer, request).await
}
