//! Notifications: what waits in the store's outbox reaches its receivers.
//!
//! In: rows of the outbox, which are written with what they are about. Out: mails and requests, and in the rows how
//! it went. [`plan`] says what goes out next, [`compose`] what it looks like there, [`deliver`] takes it there,
//! [`judge`] says what the receiver's answer means, [`when`] what follows from that.
//!
//! Promises: each channel has a line of its own, which goes in order and holds up no other; a receiver that hangs is
//! cut off; what fails is tried again for a day, and what was begun as one message stays that message, with the same
//! key; one replica at a time begins messages. A receiver is sent a message again only if no answer to it was written
//! down: it said nothing in time, or the process, or its way to the store, ended before that. What a receiver that
//! cannot tell repeats was sent five times without an answer is left.
//!
//! Must not know: what alerts are about, SQL.

pub mod compose;
mod deliver;
mod judge;
mod mail;
mod notifier;
mod opened;
mod plan;
mod post;
mod sender;
mod sign;
mod when;

pub use compose::ENQUEUE;
pub use deliver::{Patience, Reply, deliver};
pub use judge::Verdict;
pub use mail::check_addresses;
pub use notifier::Notifier;
pub use opened::{Opened, host_of, seal};
pub use sender::{JOB, send, take_over};
