//! Which index serves which question: asked from the database itself.
#![allow(clippy::unwrap_used)]

use rusqlite::{Connection, params_from_iter};
use waybill_model::{
    id::{AccountId, ApiKeyId, UserId},
    time::UnixMillis,
    view::{Filter, Sort},
};

use super::{
    condition::{self, Window},
    errors, events,
    page::{self, Place, Source},
    requests, tail,
};
use crate::{
    StoreOptions,
    sql::{Dialect, Value},
    sqlite::database,
};

const WINDOW: Window = Window {
    first: UnixMillis(1),
    last: UnixMillis(2),
};

fn plan(source: &Source<'_>, conditions: &condition::Conditions, after: Option<Place>) -> String {
    let (sql, mut values) = page::page_sql(source, WINDOW, conditions, Sort::Newest, after);
    values.extend([Value::Int(51), Value::Int(0)]);
    steps(&sql, values)
}

fn steps(sql: &str, values: Vec<Value>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let db: Connection =
        database::prepare(&StoreOptions::at(folder.path().join("waybill.db"))).unwrap();
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = statement
        .query_map(params_from_iter(values), |r| r.get::<_, String>(3))
        .unwrap();
    steps
        .collect::<rusqlite::Result<Vec<_>>>()
        .unwrap()
        .join("\n")
}

fn filter(change: impl FnOnce(&mut Filter)) -> Filter {
    let mut filter = Filter::between(UnixMillis(1), UnixMillis(2));
    change(&mut filter);
    filter
}

#[test]
fn each_filter_on_errors_is_served_by_its_index_in_the_order_of_the_list() {
    let cases = [
        (
            filter(|_| {}),
            "errors_of_clients (recovered=? AND created_at>? AND created_at<?)",
        ),
        (
            filter(|f| f.recovered = Some(true)),
            "errors_of_clients (recovered=? AND created_at>? AND created_at<?)",
        ),
        (
            filter(|f| f.q = Some("x".to_owned())),
            "errors_of_clients (recovered=?",
        ),
        (
            filter(|f| f.account_id = Some(AccountId(1))),
            "errors_by_account (account_id=? AND created_at>?",
        ),
        (
            filter(|f| f.user_id = Some(UserId(1))),
            "errors_by_user (user_id=? AND created_at>?",
        ),
        (
            filter(|f| f.api_key_id = Some(ApiKeyId(1))),
            "errors_by_api_key (api_key_id=? AND created_at>?",
        ),
        (
            filter(|f| f.fingerprint = Some("00".to_owned())),
            "errors_by_fingerprint (fingerprint=? AND created_at>?",
        ),
        (
            filter(|f| f.request_id = Some("x".to_owned())),
            "errors_by_request_id (request_id=?)",
        ),
        (
            filter(|f| f.client_request_id = Some("x".to_owned())),
            "errors_by_client_request_id (client_request_id=?)",
        ),
        (
            filter(|f| f.replay = Some(true)),
            "errors_by_replay (replay_of>?",
        ),
    ];
    for (filter, index) in cases {
        let from = condition::way_to_errors(&filter, Dialect::Sqlite);
        let conditions = condition::on_errors(&filter, Dialect::Sqlite).whole();
        for after in [
            None,
            Some(Place {
                created_at: UnixMillis(1),
                id: 1,
            }),
        ] {
            let plan = plan(&errors::source(&from), &conditions, after);
            assert!(
                plan.contains(&format!("USING INDEX {index}")),
                "{index}: {plan}"
            );
            let few = filter.request_id.is_some()
                || filter.client_request_id.is_some()
                || filter.replay == Some(true);
            assert!(few || !plan.contains("TEMP B-TREE"), "{index}: {plan}");
        }
    }
}

#[test]
fn errors_written_after_one_are_read_from_the_end_of_the_table() {
    let filter = filter(|f| (f.after_id, f.user_id) = (Some(1), Some(UserId(1))));
    let from = condition::way_to_errors(&filter, Dialect::Sqlite);
    let plan = plan(
        &errors::source(&from),
        &condition::on_errors(&filter, Dialect::Sqlite).whole(),
        None,
    );
    assert!(
        plan.starts_with("SEARCH e USING INTEGER PRIMARY KEY (rowid>?)"),
        "{plan}"
    );
}

#[test]
fn who_follows_errors_reads_a_range_of_ids_whatever_is_asked_for() {
    for filter in [
        filter(|_| {}),
        filter(|f| f.account_id = Some(AccountId(1))),
        filter(|f| f.request_id = Some("x".to_owned())),
        filter(|f| f.q = Some("x".to_owned())),
    ] {
        let (sql, values) = tail::explained(Dialect::Sqlite, &filter);
        let plan = steps(&sql, values);
        assert_eq!(
            plan,
            "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
        );
    }
}

#[test]
fn failed_attempts_are_found_along_time_account_or_the_error_that_an_id_names() {
    let cases = [
        (
            filter(|_| {}),
            "u USING INDEX events_by_time (created_at>? AND created_at<?)",
        ),
        (
            filter(|f| f.user_id = Some(UserId(1))),
            "u USING INDEX events_by_time (created_at>?",
        ),
        (
            filter(|f| f.account_id = Some(AccountId(1))),
            "u USING INDEX events_by_account (account_id=? AND",
        ),
        (
            filter(|f| f.request_id = Some("x".to_owned())),
            "e USING INDEX errors_by_request_id (request_id=?)",
        ),
        (
            filter(|f| f.client_request_id = Some("x".to_owned())),
            "e USING INDEX errors_by_client_request_id (client_request_id=?)",
        ),
    ];
    for (filter, step) in cases {
        let way = condition::way_to_events(&filter, Dialect::Sqlite);
        let from = events::with_details(&way, Dialect::Sqlite);
        let plan = plan(
            &events::source(&from, ""),
            &condition::on_events(&filter, Dialect::Sqlite).whole(),
            None,
        );
        assert!(
            plan.starts_with(&format!("SEARCH {step}")),
            "{step}: {plan}"
        );
    }
}

#[test]
fn requests_are_found_along_time_or_by_id() {
    let cases = [
        (
            filter(|_| {}),
            "requests_by_time (created_at>? AND created_at<?)",
        ),
        (
            filter(|f| f.request_id = Some("x".to_owned())),
            "requests_by_request_id (request_id=?)",
        ),
        (
            filter(|f| f.client_request_id = Some("x".to_owned())),
            "requests_by_client_request_id (client_request_id=?)",
        ),
    ];
    for (filter, index) in cases {
        let from = condition::way_to_requests(&filter, Dialect::Sqlite);
        let plan = plan(
            &requests::source(&from),
            &condition::on_requests(&filter, Dialect::Sqlite).whole(),
            None,
        );
        assert!(
            plan.contains(&format!("USING INDEX {index}")),
            "{index}: {plan}"
        );
    }
}
