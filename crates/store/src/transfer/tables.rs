//! What is taken along from one database to another: tables and columns that both have.
//!
//! Promises: what only one of them keeps, and can be derived, is derived on the way. They are taken along in the
//! order in which they stand here.

mod again;
mod alerts;
mod books;
mod config;
mod issues;
mod people;
mod record;
mod rollups;
mod rulings;
mod shape;
mod told;

pub(crate) use self::shape::{Column, Kind, Table};

/// The configuration.
pub(crate) const CONFIG: &[Table] = &[
    config::GROUPS,
    config::ACCOUNTS,
    config::ACCOUNT_GROUPS,
    config::USERS,
    config::API_KEYS,
    config::API_KEY_GROUPS,
    config::PRICES,
    config::CLASSIFICATION_RULES,
    config::SETTINGS,
];

/// The record.
pub(crate) const RECORD: &[Table] = &[
    people::ADMIN_USERS,
    people::ADMIN_TOKENS,
    people::AUDIT_LOG,
    books::ACCOUNT_EVENTS,
    books::USAGE,
    books::BOOKS,
    books::LOSSES,
    books::SET_ASIDE,
    books::NOISE,
    record::REQUESTS,
    record::ERRORS,
    record::ERROR_DETAILS,
    record::UPSTREAM_EVENTS,
    record::EVENT_DETAILS,
    again::REPLAY_BODIES,
    again::REPLAY_CHUNKS,
    again::REPLAY_CHUNK_BYTES,
    again::RETRY_ATTEMPTS,
    again::REPLAYS,
    again::REPLAY_ITEMS,
    issues::ISSUE_FOLD,
    issues::ISSUE_KINDS,
    issues::ISSUES,
    issues::ISSUE_HOURS,
    issues::ISSUE_MEMBERS,
    issues::ISSUE_HISTORY,
    issues::ISSUE_NOTES,
    issues::ISSUE_RULES,
    rollups::ROLLUPS,
    rollups::ROLLUP_CAUSES,
    rollups::ROLLUP_FOLD,
    rollups::ROLLUP_KEPT,
    rollups::ROLLUP_MODELS,
    alerts::ALERT_RULES,
    alerts::ALERT_SILENCES,
    alerts::OBJECTIVES,
    alerts::ALERT_PROGRESS,
    alerts::ALERT_LOSSES,
    rollups::RETENTION_CLOCK,
    alerts::ALERT_STANDS,
    alerts::ALERT_WAITS,
    alerts::ALERT_EVENTS,
    rulings::CLASSIFICATION_VERSIONS,
    rulings::CLASSIFICATION_FOLD,
    told::NOTIFICATION_CHANNELS,
    told::NOTIFICATIONS,
    told::REPORT_SCHEDULES,
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{StoreOptions, sql::Dialect, sqlite::database};

    #[test]
    fn every_column_of_the_embedded_store_is_taken_along() {
        let folder = tempfile::tempdir().unwrap();
        let db = database::prepare(&StoreOptions::at(folder.path().join("waybill.db"))).unwrap();
        for table in CONFIG.iter().chain(RECORD) {
            let mut listed: Vec<String> = table
                .columns
                .iter()
                .filter(|column| column.is_kept_in(Dialect::Sqlite))
                .map(|column| column.name.to_owned())
                .collect();
            listed.sort();
            let mut there: Vec<String> = db
                .prepare("SELECT name FROM pragma_table_info(?1)")
                .unwrap()
                .query_map([table.name], |row| row.get(0))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            there.sort();
            assert_eq!(listed, there, "{}", table.name);
        }
    }
}
