//! Channels, the outbox, and reports that are due.

use super::shape::{Table, bytes, int, text};

pub(super) const NOTIFICATION_CHANNELS: Table = Table::new(
    "notification_channels",
    &["id"],
    &[
        int("id"),
        text("name"),
        text("body"),
        bytes("secrets"),
        int("created_at"),
        int("updated_at"),
    ],
)
.ids_from("notification_channels_id_seq");

pub(super) const NOTIFICATIONS: Table = Table::new(
    "notifications",
    &["id"],
    &[
        int("id"),
        int("channel_id"),
        text("channel"),
        text("kind"),
        text("topic"),
        int("event_id"),
        text("severity"),
        text("notice"),
        text("state"),
        text("reason"),
        int("attempts"),
        int("message_id"),
        text("last_error"),
        int("created_at"),
        int("queued_at"),
        int("next_at"),
        int("sent_at"),
        int("unanswered"),
    ],
)
.ids_from("notifications_id_seq");

pub(super) const REPORT_SCHEDULES: Table = Table::new(
    "report_schedules",
    &["id"],
    &[
        int("id"),
        text("name"),
        text("body"),
        int("next_at"),
        int("last_at"),
        int("created_at"),
        int("updated_at"),
    ],
)
.ids_from("report_schedules_id_seq");
