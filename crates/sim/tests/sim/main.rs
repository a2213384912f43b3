//! The simulator through a real socket: what a healthy provider answers, what each fault does to it,
//! and the traffic that the demo sends.
#![allow(clippy::unwrap_used, clippy::panic)]

mod answers;
mod assist;
mod endings;
mod faults;
mod limits;
mod loops;
mod strict;
mod support;
mod traffic;
