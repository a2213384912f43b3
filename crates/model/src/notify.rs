//! Notifications: who is told (a channel), what they are told (a notice), and how that went (a delivery).
//!
//! Promises: closed sets and pure checks that name the field; secrets of a channel are a type of their own, which
//! nothing serialises. A notice holds numbers, names and templates, never what a client sent or was answered.
//!
//! Must not know: how a message looks on the other side, or how it gets there.

mod channel;
mod delivery;
mod notice;

pub use channel::{Channel, ChannelBody, ChannelKind, ChannelSecrets, Email, SmtpSecurity};
pub use delivery::{Delivery, DeliveryState};
pub use notice::{Notice, NoticeKind};

/// What is wrong with a channel.
pub type Invalid = crate::alert::Invalid;
