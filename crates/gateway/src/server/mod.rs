//! The server: sockets, worker threads, and a stop that loses nothing.
//!
//! Each worker is one thread with an event loop of its own; a connection lives on one worker with
//! everything that belongs to it, its upstream connection included. One thread accepts and gives each
//! connection to the worker that has fewest.

mod accept;
mod io;
mod worker;

pub use accept::{Running, listen, start};
