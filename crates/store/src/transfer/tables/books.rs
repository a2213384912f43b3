//! What was used and counted, and what accounts' states are made of.

use super::shape::{Table, bytes, embedded_only, int, text};

/// What accounts' states are made of.
pub(super) const ACCOUNT_EVENTS: Table = Table::new(
    "account_events",
    &["id"],
    &[
        int("id"),
        int("at"),
        int("account_id"),
        text("kind"),
        text("scope"),
        int("since"),
        int("until"),
        text("source"),
        int("strikes"),
        text("cause"),
        int("status_code"),
        text("reason"),
        text("request_id"),
        int("attempt"),
        text("actor"),
        int("undoes"),
    ],
);

pub(super) const USAGE: Table = Table::new(
        "usage",
        &["consumer", "consumer_id", "window"],
        &[
            text("consumer"),
            int("consumer_id"),
            text("window"),
            int("started_at"),
            int("requests"),
            int("tokens"),
            int("micro_usd"),
        ],
    )
    .shared_as(
        "SELECT consumer, consumer_id, \"window\", started_at, CAST(sum(requests) AS BIGINT) AS requests,
         CAST(sum(tokens) AS BIGINT) AS tokens, CAST(sum(micro_usd) AS BIGINT) AS micro_usd FROM usage u
         WHERE started_at = (SELECT max(l.started_at) FROM usage l WHERE l.consumer = u.consumer
         AND l.consumer_id = u.consumer_id AND l.\"window\" = u.\"window\")
         GROUP BY consumer, consumer_id, \"window\", started_at",
        // Of no replica's that is here.
        ("usage", "replica", "''"),
    );

pub(super) const BOOKS: Table = Table::new(
    "books",
    &["id"],
    &[
        embedded_only(int("id")),
        embedded_only(int("due")),
        int("stored"),
        int("counted_lost"),
        int("without_body"),
        int("without_detail"),
        int("set_aside"),
    ],
)
.shared_as(
    "SELECT id, due, stored, counted_lost, without_body, without_detail, set_aside FROM books",
    ("spools", "id", "'imported'"),
);

pub(super) const LOSSES: Table = Table::new(
        "losses",
        &["reason", "cause", "fingerprint"],
        &[
            text("reason"),
            text("cause"),
            bytes("fingerprint"),
            int("count"),
            int("first_at"),
            int("last_at"),
        ],
    )
    .shared_as(
        "SELECT reason, cause, fingerprint, CAST(sum(count) AS BIGINT) AS count, min(first_at) AS first_at,
         max(last_at) AS last_at FROM losses GROUP BY reason, cause, fingerprint",
        ("losses", "spool", "'imported'"),
    );

pub(super) const SET_ASIDE: Table = Table::new(
    "set_aside",
    &["id"],
    &[
        int("id"),
        text("request_id"),
        int("created_at"),
        text("reason"),
        text("summary"),
    ],
)
.ids_from("set_aside_id_seq");

pub(super) const NOISE: Table = Table::new(
    "noise",
    &["id"],
    &[
        int("id"),
        int("minute"),
        text("client_ip"),
        text("cause"),
        int("count"),
        text("samples"),
    ],
)
.ids_from("noise_id_seq");
