//! Who is told, and the outbox: what they are told, in which order, and how it went.
//!
//! A notice is put into the outbox in the transaction in which what it is about is written, so that both are there
//! or neither; see [`put`]. From there one replica at a time sends it.
//!
//! Promises: a notice of one topic and kind is there once per channel, whoever writes it how often; a channel's
//! notices keep the order of their commits; what was begun as one message is tried again as that same message; who no
//! longer holds the lease begins none.
//!
//! Must not know: what a message looks like, how it is sent, when it is tried again.

mod channels;
mod log;
mod outbox;
mod schedules;
mod sending;

pub use channels::NewChannel;
pub use log::DeliveryFilter;
pub(crate) use outbox::put;
pub use sending::{DeliveryUpdate, Outbox, Waiting, Waits};
