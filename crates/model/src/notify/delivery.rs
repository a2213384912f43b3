//! How telling somebody went.

use serde::{Deserialize, Serialize};

use super::notice::{Notice, NoticeKind};
use crate::{
    cause::Severity,
    id::{ChannelId, NotificationId},
    time::UnixMillis,
    words,
};

words! {
    /// How a notice to a channel stands.
    pub enum DeliveryState {
        /// It waits: for its turn, for its group, for the hour, or for another attempt.
        Pending = "pending",
        /// The receiver took it.
        Sent = "sent",
        /// The receiver refused it, or could not be reached for a day.
        Failed = "failed",
        /// It was sent and not answered, five times to a chat, for a day to others: the receiver may have it, and the
        /// next goes on.
        Uncertain = "uncertain",
        /// It was not to be sent any more: its channel was switched off or deleted.
        Dropped = "dropped",
    }
}

/// One notice to one channel, and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Delivery {
    /// Row id. A channel's notices go out in this order.
    pub id: NotificationId,
    /// To which channel.
    pub channel_id: ChannelId,
    /// Its name then.
    pub channel: String,
    /// What the notice says.
    pub kind: NoticeKind,
    /// The alert's event.
    pub event_id: Option<i64>,
    /// How bad it is.
    pub severity: Severity,
    /// How it stands.
    pub state: DeliveryState,
    /// Why it waits, failed, is uncertain or was dropped.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// The message that it is in: the id of the first notice of that message.
    pub message_id: Option<NotificationId>,
    /// What went wrong last, redacted.
    pub last_error: Option<String>,
    /// When it was put into the outbox.
    pub created_at: UnixMillis,
    /// Of one that waits: not before this instant.
    pub next_at: Option<UnixMillis>,
    /// When the receiver took it.
    pub sent_at: Option<UnixMillis>,
    /// The notice.
    pub notice: Notice,
}
