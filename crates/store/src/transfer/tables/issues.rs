//! Issues, and how far they are folded.

use super::shape::{Table, bytes, int, text};

pub(super) const ISSUE_FOLD: Table = Table::new(
    "issue_fold",
    &["id"],
    &[
        int("id"),
        int("folded_to"),
        int("recounted_to"),
        int("recount_end"),
        int("rules_version"),
    ],
);

pub(super) const ISSUE_KINDS: Table = Table::new(
    "issue_kinds",
    &["fingerprint"],
    &[
        bytes("fingerprint"),
        bytes("issue"),
        text("platform"),
        text("phase"),
        text("cause"),
        int("status_code"),
        text("provider_code"),
        text("title"),
        int("recounting"),
    ],
);

pub(super) const ISSUES: Table = Table::new(
    "issues",
    &["issue"],
    &[
        bytes("issue"),
        text("title"),
        text("platform"),
        text("phase"),
        text("cause"),
        int("status_code"),
        text("provider_code"),
        text("owner"),
        text("severity"),
        text("state"),
        int("state_since"),
        text("why"),
        text("actor"),
        int("ignore_until"),
        int("ignore_count"),
        int("ignore_escalation"),
        int("first_seen"),
        int("last_seen"),
        int("first_error_id"),
        int("last_error_id"),
        int("sample_error_id"),
        int("seen"),
        int("hidden"),
        int("total"),
        int("users"),
        int("api_keys"),
        int("accounts"),
        int("models"),
        int("group_count"),
        int("is_bounded"),
        int("weight"),
        int("impact"),
        int("next_look"),
        bytes("part_of"),
        text("part_by"),
        text("part_value"),
        int("recounting"),
    ],
);

pub(super) const ISSUE_HOURS: Table = Table::new(
    "issue_hours",
    &["issue", "hour"],
    &[bytes("issue"), int("hour"), int("seen"), int("hidden")],
);

pub(super) const ISSUE_MEMBERS: Table = Table::new(
    "issue_members",
    &["issue", "sort", "member"],
    &[
        bytes("issue"),
        text("sort"),
        text("member"),
        text("name"),
        int("seen"),
        int("hidden"),
        int("last_seen"),
    ],
);

pub(super) const ISSUE_HISTORY: Table = Table::new(
    "issue_history",
    &["id"],
    &[
        int("id"),
        bytes("issue"),
        int("at"),
        text("from_state"),
        text("to_state"),
        text("why"),
        text("actor"),
        text("detail"),
    ],
)
.ids_from("issue_history_id_seq");

pub(super) const ISSUE_NOTES: Table = Table::new(
    "issue_notes",
    &["id"],
    &[
        int("id"),
        bytes("issue"),
        int("at"),
        text("author"),
        text("note"),
    ],
)
.ids_from("issue_notes_id_seq");

pub(super) const ISSUE_RULES: Table = Table::new(
    "issue_rules",
    &["id"],
    &[
        int("id"),
        text("body"),
        int("created_at"),
        text("created_by"),
    ],
)
.ids_from("issue_rules_id_seq");
