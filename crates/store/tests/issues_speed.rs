//! How fast errors are folded into issues, and how long the list of ten thousand of them takes.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use common::{DAY, Fixture, failure, first_page};
use waybill_model::issue::{IssueFilter, IssueSort, IssueState, Settings};

/// Errors, of so many kinds.
const ERRORS: u32 = 60_000;
const KINDS: u32 = 10_000;

/// Debug builds are slower by about this.
const SLACK: u32 = if cfg!(debug_assertions) { 5 } else { 1 };

macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

#[tokio::test]
async fn a_list_of_ten_thousand_issues_is_quick_and_so_is_folding_into_a_few() {
    let mut fixture = Fixture::new();
    fixture.write(&[failure(0)]).await;
    let settings = Settings { quiet_ms: None };
    // Copies of one row: of a few kinds first, then of many.
    let copy = |errors: u32, kinds: u32| {
        let db = rusqlite::Connection::open(fixture.file()).unwrap();
        let columns: Vec<String> = db
            .prepare("SELECT name FROM pragma_table_info('errors')")
            .unwrap()
            .query_map([], |row| row.get::<_, String>(0))
            .unwrap()
            .map(Result::unwrap)
            .filter(|name| !["id", "request_id", "fingerprint", "user_id"].contains(&&**name))
            .collect();
        let columns = columns.join(", ");
        db.execute_batch(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {errors})
             INSERT INTO errors (request_id, fingerprint, user_id, {columns})
             SELECT 'r-{kinds}-' || n.i, unhex(printf('02030000%024x', n.i % {kinds} + {kinds} * 7)), n.i % 300, {columns}
             FROM n, errors e WHERE e.id = 1"
        ))
        .unwrap();
    };
    copy(ERRORS, 5);
    let began = Instant::now();
    let mut folded = 0;
    loop {
        let report = fixture.store.fold_issues(settings, DAY).await.unwrap();
        folded += report.folded;
        if !report.more {
            break;
        }
    }
    let per_second = folded as f64 / began.elapsed().as_secs_f64();
    say!("{folded} errors of 5 kinds folded: {per_second:.0} a second");
    assert!(per_second * f64::from(SLACK) >= 10_000.0, "{per_second}");

    copy(ERRORS / 2, KINDS);
    while fixture.store.fold_issues(settings, DAY).await.unwrap().more {}
    let open = IssueFilter {
        states: IssueState::ALL
            .iter()
            .copied()
            .filter(|state| state.is_open())
            .collect(),
        ..IssueFilter::default()
    };
    let text = IssueFilter {
        q: Some("nothing has this".to_owned()),
        ..IssueFilter::default()
    };
    let user = IssueFilter {
        user_id: Some(waybill_model::id::UserId(7)),
        ..IssueFilter::default()
    };
    let mut slowest = Duration::ZERO;
    for filter in [IssueFilter::default(), open, text, user] {
        for sort in IssueSort::ALL.iter().copied() {
            let mut times: Vec<Duration> = Vec::new();
            for _ in 0..20 {
                let began = Instant::now();
                let page = first_page(50);
                let asked = fixture.store.issues(&filter, sort, &page, DAY);
                asked.await.unwrap();
                times.push(began.elapsed());
            }
            times.sort();
            slowest = slowest.max(times[18]);
        }
    }
    say!("first page of 10,000 issues: p95 of the slowest filter and order {slowest:?}");
    assert!(slowest < Duration::from_millis(50) * SLACK, "{slowest:?}");
}
