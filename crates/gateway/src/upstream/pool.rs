//! Idle connections to providers, one pool per worker.
//!
//! The lock is never contended: a pool belongs to one worker thread, and no await happens under it.
//! It is there because tasks must be `Send`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{Request, Uri, Version, header, uri::Scheme};
use tokio::time::Instant;

use super::{
    body::RequestBody,
    exchange::{Connection, Http1, Http2},
};
use crate::routing::Upstream;

/// Idle connections kept per provider and worker; more are closed. Enough for a burst, small enough
/// that a worker never holds thousands of sockets for nothing.
const MAX_IDLE: usize = 256;

/// Providers and the balancers before them drop idle connections after a minute or more; staying
/// below avoids sending into a connection that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(45);

/// Requests on one HTTP/2 connection before another is opened: what servers allow at least (RFC 9113
/// 6.5.2). Beyond what they allow, requests would wait unseen.
const MAX_STREAMS: usize = 100;

/// Idle connections by where they lead.
#[derive(Default)]
pub struct Pool {
    shelves: Mutex<HashMap<Upstream, Shelf>>,
}

#[derive(Default)]
struct Shelf {
    /// Newest last: the warmest connection is used first and the others can time out.
    idle: Vec<(Instant, Box<Http1>)>,
    shared: Vec<(Instant, Http2)>,
}

/// Where a connection returns to.
#[derive(Clone)]
pub struct Home {
    pool: Arc<Pool>,
    upstream: Upstream,
}

impl Pool {
    /// A connection that is open and idle, if there is one.
    pub fn take(&self, upstream: &Upstream) -> Option<Connection> {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let shelf = shelves.get_mut(upstream)?;
        shelf.shared.retain(|(_, http2)| !http2.sender.is_closed());
        if let Some((since, http2)) = shelf.shared.iter_mut().find(|(_, http2)| http2.has_room()) {
            *since = Instant::now();
            return Some(Connection::Http2(http2.clone()));
        }
        while let Some((since, mut http1)) = shelf.idle.pop() {
            if since.elapsed() > IDLE_TIMEOUT {
                shelf.idle.clear();
                return None;
            }
            if http1.is_usable() {
                return Some(Connection::Http1(http1));
            }
        }
        None
    }

    /// The way back for a connection to `upstream`.
    pub fn home(self: &Arc<Self>, upstream: &Upstream) -> Home {
        Home {
            pool: Arc::clone(self),
            upstream: upstream.clone(),
        }
    }

    /// Closes what has been idle for too long. Called now and then by the worker.
    pub fn sweep(&self) {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.retain(|_, shelf| {
            shelf
                .idle
                .retain(|(since, _)| since.elapsed() <= IDLE_TIMEOUT);
            shelf.shared.retain(|(since, http2)| {
                !http2.sender.is_closed() && (http2.is_busy() || since.elapsed() <= IDLE_TIMEOUT)
            });
            !shelf.idle.is_empty() || !shelf.shared.is_empty()
        });
    }

    fn with_shelf(&self, upstream: &Upstream, change: impl FnOnce(&mut Shelf)) {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        match shelves.get_mut(upstream) {
            Some(shelf) => change(shelf),
            None => change(shelves.entry(upstream.clone()).or_default()),
        }
    }
}

impl Http2 {
    /// Requests on it; the shelf's own handle is not one.
    fn streams(&self) -> usize {
        Arc::strong_count(&self.load) - 1
    }

    fn has_room(&self) -> bool {
        self.streams() < MAX_STREAMS
    }

    fn is_busy(&self) -> bool {
        self.streams() > 0
    }
}

impl Home {
    /// Puts an idle connection on its shelf.
    pub(super) fn give_back(&self, http1: Box<Http1>) {
        self.pool.with_shelf(&self.upstream, |shelf| {
            if shelf.idle.len() < MAX_IDLE {
                shelf.idle.push((Instant::now(), http1));
            }
        });
    }

    /// Lets others use an HTTP/2 connection that was just opened.
    pub fn share(&self, connection: &Connection) {
        if let Connection::Http2(http2) = connection {
            self.pool.with_shelf(&self.upstream, |shelf| {
                shelf.shared.push((Instant::now(), http2.clone()));
            });
        }
    }

    /// Adds scheme and host to the path, as HTTP/2 wants it.
    pub(super) fn make_absolute(&self, request: &mut Request<RequestBody>) {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme = Some(if self.upstream.tls {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        });
        parts.authority = Some(self.upstream.authority.clone());
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
        *request.version_mut() = Version::HTTP_2;
        request.headers_mut().remove(header::HOST);
    }
}
