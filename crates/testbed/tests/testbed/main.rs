//! The servers and the link, through real sockets: each thing they can be told, and that nothing is left.
#![allow(clippy::unwrap_used, clippy::panic)]

mod link;
mod postgres;
mod redis;
mod support;
mod watchdog;
