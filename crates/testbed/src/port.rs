//! A port of 127.0.0.1 that is ours for as long as we want it, also while nothing listens on it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// A reserved port; dropping it gives it back.
///
/// A socket is bound to it that never listens. Linux gives such a port to nobody who asks for a free one,
/// nor to an outgoing connection (which could otherwise meet itself there); but it can still be bound by
/// name with `SO_REUSEADDR`, which servers set. So there is no race for it between two starts.
#[derive(Debug)]
pub(crate) struct Port {
    address: SocketAddr,
    _holder: TcpSocket,
}

impl Port {
    /// Takes a free one.
    pub fn reserve() -> io::Result<Port> {
        let holder = bound((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok(Port {
            address: holder.local_addr()?,
            _holder: holder,
        })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens on it, within a tokio runtime. Nothing else may be listening.
    pub fn listen(&self) -> io::Result<TcpListener> {
        bound(self.address)?.listen(BACKLOG)
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
