//! Rules, objectives, and where they stand.

use super::shape::{Table, flag, int, text};

pub(super) const ALERT_RULES: Table = Table::new(
    "alert_rules",
    &["id"],
    &[
        int("id"),
        text("name"),
        text("body"),
        int("created_at"),
        int("updated_at"),
        text("updated_by"),
    ],
)
.ids_from("alert_rules_id_seq");

pub(super) const ALERT_SILENCES: Table = Table::new(
    "alert_silences",
    &["id"],
    &[
        int("id"),
        text("body"),
        int("created_at"),
        int("updated_at"),
        text("updated_by"),
    ],
)
.ids_from("alert_silences_id_seq");

pub(super) const OBJECTIVES: Table = Table::new(
    "objectives",
    &["id"],
    &[
        int("id"),
        text("name"),
        text("body"),
        int("created_at"),
        int("updated_at"),
        text("updated_by"),
    ],
)
.ids_from("objectives_id_seq");

pub(super) const ALERT_PROGRESS: Table = Table::new(
    "alert_progress",
    &["id"],
    &[int("id"), flag("seeded"), int("evaluated_to")],
);

pub(super) const ALERT_LOSSES: Table =
    Table::new("alert_losses", &["at"], &[int("at"), int("total")]);

pub(super) const ALERT_WAITS: Table = Table::new(
    "alert_waits",
    &["rule_id"],
    &[int("rule_id"), int("evaluated_to")],
);

pub(super) const ALERT_STANDS: Table = Table::new(
    "alert_stands",
    &["rule_id", "subject"],
    &[
        int("rule_id"),
        text("subject"),
        text("phase"),
        int("since"),
        int("ended_at"),
        int("seen_at"),
    ],
);

pub(super) const ALERT_EVENTS: Table = Table::new(
    "alert_events",
    &["id"],
    &[
        int("id"),
        int("rule_id"),
        text("subject"),
        text("severity"),
        text("status"),
        int("fired_at"),
        int("resolved_at"),
        text("resolved_by"),
        int("acknowledged_at"),
        text("acknowledged_by"),
        flag("told"),
        text("evidence"),
        text("scope"),
    ],
)
.ids_from("alert_events_id_seq");
