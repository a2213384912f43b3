//! Versions of an operator's rules, and how far failures are judged anew.

use super::shape::{Table, int, text};

pub(super) const CLASSIFICATION_VERSIONS: Table = Table::new(
    "classification_versions",
    &["version"],
    &[
        int("version"),
        int("at"),
        text("actor"),
        text("note"),
        text("rules"),
    ],
);

pub(super) const CLASSIFICATION_FOLD: Table = Table::new(
    "classification_fold",
    &["id"],
    &[int("id"), int("version"), int("judged_to"), int("changed")],
);
