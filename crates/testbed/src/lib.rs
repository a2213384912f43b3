//! Real servers for tests, demos and benchmarks: [`Postgres`], [`Redis`], and a [`Link`] to them that
//! can be cut.
//!
//! Each server is its owner's alone: on a free loopback port, with its files in a temporary folder. It
//! can be stopped, killed, suspended and started again, always on the same port.
//!
//! Promises: nothing is left behind, however the owner ends (`kill -9` included): a watchdog stops the
//! server and removes its folder. Two owners never get the same port, not even while their servers are
//! down. For Linux: it reads `/proc`.
//!
//! Must not know: the gateway and its store, which it exists to check; nor a client library of what it
//! starts. Servers block the calling thread while they start and stop; only [`Link`] is async.

mod error;
mod folder;
mod link;
mod port;
mod postgres;
mod proc;
mod redis;
mod server;
mod user;
mod watchdog;

pub use error::{Error, Result};
pub use link::{Link, Manner, Traffic};
pub use postgres::{Postgres, PostgresOptions};
pub use redis::Redis;
