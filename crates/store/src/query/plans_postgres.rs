//! Which index of PostgreSQL's serves which question: asked from the database itself.
#![allow(clippy::unwrap_used, clippy::panic)]

use waybill_model::{
    cause::{Cause, ErrorType, Owner, Phase, Severity, Source},
    id::{AccountId, ApiKeyId, GroupId, UserId},
    protocol::Platform,
    secret::Secret,
    time::UnixMillis,
    view::{Filter, Sort, View},
};
use waybill_testbed::Postgres;

use super::{
    condition::{self, Asked, Window},
    page::Listing,
    stepped::Stepped,
    tail,
};
use crate::{
    PostgresOptions, Store, StoreOptions,
    sql::{Db, Dialect, Value, values},
};

const DAY: i64 = 1_760_000_000_000;

const WINDOW: Window = Window {
    first: UnixMillis(DAY),
    last: UnixMillis(DAY + 20_000),
};

/// A day of rows, of which one in a thousand has what is asked for.
const ROWS: &str = "
SELECT waybill_ensure_day(1760000000000);
INSERT INTO errors (id, created_at, status_code, latency_ms, attempts, rules_version, upstream_error_count,
    request_body_bytes, recovered, stream, resolved, is_retryable, is_business_limited, request_body_truncated,
    user_id, api_key_id, account_id, group_id, request_id, fingerprint, cause, phase, error_type, severity, owner,
    source, platform, message, client_ip, request_path, client_request_id, model)
SELECT n, 1760000000000 + n, CASE WHEN rare THEN 529 ELSE 500 END, 1, 1, 1, 1, 1, rare, NOT rare, rare, TRUE, FALSE, FALSE,
    CASE WHEN rare THEN 7 ELSE n % 5 END, CASE WHEN rare THEN 7 ELSE n % 5 END, CASE WHEN rare THEN 7 ELSE n % 5 END,
    CASE WHEN rare THEN 7 ELSE n % 5 END, 'request-' || n, CASE WHEN rare THEN '\\x07'::BYTEA ELSE '\\x01' END,
    CASE WHEN rare THEN 'overloaded' ELSE 'timeout' END, CASE WHEN rare THEN 'auth' ELSE 'upstream' END,
    CASE WHEN rare THEN 'invalid_request_error' ELSE 'api_error' END, CASE WHEN rare THEN 'P0' ELSE 'P2' END,
    CASE WHEN rare THEN 'client' ELSE 'provider' END, CASE WHEN rare THEN 'gateway' ELSE 'upstream' END,
    CASE WHEN rare THEN 'gemini' ELSE 'openai' END, CASE WHEN rare THEN 'xylophone quartet' ELSE 'all the rest ' || n END,
    '', '', CASE WHEN rare THEN 'client-7' END, CASE WHEN rare THEN 'gpt-7' ELSE 'gpt-5' END
FROM (SELECT n, n % 1000 = 0 AS rare FROM generate_series(1, 20000) n) rows;
INSERT INTO upstream_events (id, error_id, error_at, created_at, attempt, account_id, duration_ms, upstream_status_code,
    platform, cause, kind, message, account_name, upstream_host, decision, decision_reason, model)
SELECT id, id, created_at, created_at, 1, account_id, 1, status_code, platform, cause, 'failover', message, '', '', '', '', model
FROM errors;
INSERT INTO requests (id, created_at, status_code, latency_ms, attempts, stream, recovered, user_id, api_key_id, account_id,
    group_id, request_id, platform, client_request_id, model, cause)
SELECT id, created_at, status_code, 1, 1, stream, recovered, user_id, api_key_id, account_id, group_id, request_id, platform,
    client_request_id, model, cause FROM errors;
VACUUM ANALYZE";

fn filter(change: impl FnOnce(&mut Filter)) -> Filter {
    let mut filter = Filter::between(WINDOW.first, WINDOW.last);
    change(&mut filter);
    filter
}

/// The indexes, by their names in the schema, that the plan of a step uses.
fn indexes(db: &dyn Db, listing: Listing, asked: &Asked, walk: bool) -> Vec<String> {
    let list = Stepped::of(db, listing, "1", asked, Sort::Newest).unwrap();
    let window = match walk {
        true => WINDOW.from(UnixMillis(DAY + 18_000)),
        false => WINDOW,
    };
    let (sql, values) = list.explained(window, walk);
    used(db, &sql, &values)
}

/// The indexes that the plan of a statement uses.
fn used(db: &dyn Db, sql: &str, values: &[Value]) -> Vec<String> {
    let plan: Vec<String> = db
        .rows(&format!("EXPLAIN {sql}"), values, |cells| cells.next())
        .unwrap();
    let mut found = Vec::new();
    for line in &plan {
        let used = line
            .split_once("Index Scan on ")
            .or(line.split_once("Scan using "))
            .or(line.split_once("Scan Backward using "));
        let Some(name) = used.and_then(|(_, rest)| rest.split_whitespace().next()) else {
            continue;
        };
        let parent: Option<String> = db
            .cell(
                "SELECT CAST(p.relname AS TEXT) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 JOIN pg_class p ON p.oid = i.inhparent WHERE c.relname = ?1",
                values![name],
            )
            .unwrap();
        found.push(parent.unwrap_or_else(|| panic!("{name}: {plan:#?}")));
    }
    assert!(!found.is_empty(), "{plan:#?}");
    found
}

#[test]
fn each_filter_is_served_by_the_index_that_is_meant_for_it() {
    let server = Postgres::shared();
    let url = server.create_database("plans").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::shared(
        StoreOptions::at(folder.path().join("spool.db")),
        &PostgresOptions::at(Secret::new(url.clone())),
        "plans",
    )
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(store.migrate()).unwrap();
    for statement in ROWS.split(";\n") {
        server.sql(&url, statement).unwrap();
    }
    let asked = store.readers.run(|db| {
        check(db);
        Ok(())
    });
    runtime.block_on(asked).unwrap();
}

type Change = fn(&mut Filter);

fn check(db: &dyn Db) {
    let on_errors = |change: Change| condition::on_errors(&filter(change), Dialect::Postgres);
    let on_events = |change: Change| condition::on_events(&filter(change), Dialect::Postgres);
    let on_requests = |change: Change| condition::on_requests(&filter(change), Dialect::Postgres);

    let of_all: [Change; 10] = [
        |f| f.platform = Some(Platform::Gemini),
        |f| f.account_id = Some(AccountId(7)),
        |f| f.api_key_id = Some(ApiKeyId(7)),
        |f| f.user_id = Some(UserId(7)),
        |f| f.group_id = Some(GroupId(7)),
        |f| f.model = Some("gpt-7".to_owned()),
        |f| f.cause = Some(Cause::Overloaded),
        |f| f.status_codes = vec![529],
        |f| f.recovered = Some(true),
        |f| f.client_request_id = Some("client-7".to_owned()),
    ];
    for change in of_all {
        let shown = filter(change);
        let errors = indexes(db, Listing::Errors, &on_errors(change), false);
        assert_eq!(errors, ["errors_by_value"], "{shown:?}");
        let requests = indexes(db, Listing::Requests, &on_requests(change), false);
        assert_eq!(requests, ["requests_by_value"], "{shown:?}");
        let events = indexes(db, Listing::Events, &on_events(change), false);
        let by_value = ["events_by_value", "errors_by_value"];
        assert!(
            events
                .iter()
                .any(|index| by_value.contains(&index.as_str())),
            "{events:?}: {shown:?}"
        );
    }
    let of_failures: [Change; 8] = [
        |f| f.phase = Some(Phase::Auth),
        |f| f.error_type = Some(ErrorType::InvalidRequest),
        |f| f.severity = Some(Severity::P0),
        |f| f.owner = Some(Owner::Client),
        |f| f.source = Some(Source::Gateway),
        |f| f.view = View::Excluded,
        |f| f.fingerprint = Some("07".to_owned()),
        |f| f.stream = Some(false),
    ];
    for change in of_failures {
        let shown = filter(change);
        let errors = indexes(db, Listing::Errors, &on_errors(change), false);
        assert_eq!(errors, ["errors_by_value"], "{shown:?}");
        let events = indexes(db, Listing::Events, &on_events(change), false);
        assert!(events.iter().any(|i| i == "errors_by_value"), "{shown:?}");
    }
    let others: [(Change, &str); 4] = [
        (|f| f.resolved = Some(true), "errors_resolved"),
        (
            |f| f.request_id = Some("request-7".to_owned()),
            "errors_by_request_id",
        ),
        (|f| f.after_id = Some(19_990), "errors_by_id"),
        (|f| f.q = Some("xylophone".to_owned()), "errors_by_text"),
    ];
    for (change, index) in others {
        let errors = indexes(db, Listing::Errors, &on_errors(change), false);
        assert_eq!(errors, [index], "{:?}", filter(change));
    }
    // Who follows errors reads a range of ids, whatever is asked for.
    let followed: [Change; 3] = [
        |_| {},
        |f| f.account_id = Some(AccountId(7)),
        |f| f.q = Some("xylophone".to_owned()),
    ];
    for change in followed {
        let (sql, values) = tail::explained(Dialect::Postgres, &filter(change));
        assert_eq!(used(db, &sql, &values), ["errors_by_id"]);
    }
    let newest = used(db, "SELECT max(id) FROM errors", &[]);
    assert_eq!(newest, ["errors_by_id"]);
    let text: Change = |f| f.q = Some("xylophone".to_owned());
    let events = indexes(db, Listing::Events, &on_events(text), false);
    assert!(events.iter().any(|i| i == "errors_by_text"), "{events:?}");
    // Whatever is asked for, the end of a list is read along time.
    for change in [text, |f| f.recovered = Some(false)] {
        let walked = indexes(db, Listing::Errors, &on_errors(change), true);
        assert_eq!(walked, ["errors_by_time"]);
        let walked = indexes(db, Listing::Events, &on_events(change), true);
        assert!(walked.iter().any(|i| i == "events_by_time"), "{walked:?}");
    }
    let walked = indexes(db, Listing::Requests, &on_requests(|_| {}), true);
    assert_eq!(walked, ["requests_by_time"]);
}
