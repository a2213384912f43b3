//! Who is at the other end of a connection.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A client's end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub ip: IpAddr,
    stalled: Arc<AtomicBool>,
}

impl Peer {
    /// A client just connected.
    pub fn new(ip: IpAddr) -> Self {
        Peer {
            ip,
            stalled: Arc::default(),
        }
    }

    /// It has not taken bytes that were ready for it for too long: the connection is about to be closed.
    pub fn has_stalled(&self) {
        self.stalled.store(true, Ordering::Relaxed);
    }

    /// Whether that is why its connection ended.
    pub fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }
}
