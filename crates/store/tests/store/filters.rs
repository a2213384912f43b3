//! Random records and random filters, answered by both databases and by a plain loop over the same
//! records: the same rows in the same order, whatever the page size, by cursor and by page number; and
//! the same in every field of every row.

use crate::common::{self, DAY, Fixture, Subject as On, error_row, event, request_id, subject};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{TestCaseError, TestRunner},
};
use serde_json::Value;
use waybill_model::{
    cause::{Cause, Owner, Severity, Source},
    id::{AccountId, ApiKeyId, GroupId, UserId},
    protocol::Platform,
    record::{Record, RequestRow, Stages, Subject},
    redact::Shown,
    time::UnixMillis,
    view::{Filter, Page, Sort, View},
    waybill::{Decision, EventKind, Usage},
};
use waybill_store::Store;

const MODELS: &[&str] = &["gpt-5", "claude-sonnet-4-5", "gpt_5"];
const WORDS: &[&str] = &[
    "Rate limit reached",
    "100% of the quota",
    "a_b",
    "back\\slash",
    "OVERLOADED",
    "",
    "it's \"quoted\" -- ?1 $1",
    "Über\u{0}LIMIT",
    "über",
    "\u{1f}\n\t",
    "日本語のエラー",
];
const QUERIES: &[&str] = &[
    "limit",
    "LIMIT",
    "%",
    "_",
    "\\",
    "nowhere",
    "GPT",
    "req-",
    "overloaded",
    "0",
    "'",
    "\"q",
    "?1",
    "$1",
    "Über",
    "über",
    "ÜBER",
    "b",
    "er",
    "\u{0}",
    "\u{fffd}",
    "\u{1f}",
    "本語",
    "a_b",
    "\\s",
    "--",
];
const CAUSES: &[Cause] = &[
    Cause::Overloaded,
    Cause::RateLimitRequests,
    Cause::ContextLength,
    Cause::GatewayKeyDisabled,
];
const STATUSES: &[u16] = &[200, 429, 500, 529];
const SPAN_MS: i64 = 12;

/// One request as the generator makes it; few values per field, so that filters hit.
#[derive(Debug, Clone)]
struct Draft {
    arrived_ms: i64,
    platform: Platform,
    who: [Option<i64>; 4],
    model: Option<&'static str>,
    status: u16,
    stream: bool,
    client_request_id: Option<&'static str>,
    failure: Option<DraftFailure>,
}

#[derive(Debug, Clone)]
struct DraftFailure {
    cause: Cause,
    source: Source,
    recovered: bool,
    message: &'static str,
    upstream_message: Option<&'static str>,
    fingerprint: u8,
    events: Vec<DraftEvent>,
}

#[derive(Debug, Clone)]
struct DraftEvent {
    after_ms: i64,
    platform: Platform,
    account: i64,
    model: Option<&'static str>,
    status: Option<u16>,
    cause: Cause,
    message: &'static str,
    upstream_request_id: Option<&'static str>,
}

prop_compose! {
    fn draft()(
        arrived_ms in 0..SPAN_MS,
        platform in select(Platform::ALL),
        who in prop::array::uniform4(option::of(1_i64..4)),
        model in option::of(select(MODELS)),
        status in select(STATUSES),
        stream: bool,
        client_request_id in option::of(select(&["req-A", "req-b"][..])),
        failure in option::weighted(0.8, draft_failure()),
    ) -> Draft {
        Draft { arrived_ms, platform, who, model, status, stream, client_request_id, failure }
    }
}

prop_compose! {
    fn draft_failure()(
        cause in select(CAUSES),
        source in select(Source::ALL),
        recovered in prop::bool::weighted(0.3),
        message in select(WORDS),
        upstream_message in option::of(select(WORDS)),
        fingerprint in 0..3_u8,
        events in vec(draft_event(), 0..3),
    ) -> DraftFailure {
        DraftFailure { cause, source, recovered, message, upstream_message, fingerprint, events }
    }
}

prop_compose! {
    fn draft_event()(
        after_ms in 0..4_i64,
        platform in select(Platform::ALL),
        account in 1_i64..4,
        model in option::of(select(MODELS)),
        status in option::of(select(STATUSES)),
        cause in select(CAUSES),
        message in select(WORDS),
        upstream_request_id in option::of(select(&["req-up", "xyz"][..])),
    ) -> DraftEvent {
        DraftEvent { after_ms, platform, account, model, status, cause, message, upstream_request_id }
    }
}

prop_compose! {
    fn filter(drafts: usize)(
        window in (0..SPAN_MS, 0..SPAN_MS + 4),
        platform in rarely(select(Platform::ALL)),
        who in prop::array::uniform4(rarely(1_i64..4)),
        model in rarely(select(MODELS)),
        status_codes in prop_oneof![4 => Just(Vec::new()), 1 => vec(select(STATUSES), 1..3)],
        verdict in (rarely(select(CAUSES)), rarely(select(Severity::ALL)), rarely(select(Owner::ALL)),
            rarely(select(Source::ALL))),
        derived in (rarely(select(CAUSES)), rarely(select(CAUSES))),
        marks in (rarely(any::<bool>()), option::of(any::<bool>()), rarely(any::<bool>())),
        view in select(View::ALL),
        q in rarely(select(QUERIES)),
        ids in (option::weighted(0.05, 0..drafts as u64), rarely(select(&["req-A", "req-b"][..])),
            rarely(0..4_u8)),
    ) -> Filter {
        let [group, account, key, user] = who;
        Filter {
            platform,
            group_id: group.map(GroupId),
            account_id: account.map(AccountId),
            api_key_id: key.map(ApiKeyId),
            user_id: user.map(UserId),
            model: model.map(str::to_owned),
            status_codes,
            phase: derived.0.map(|cause| cause.info().phase),
            error_type: derived.1.map(|cause| cause.info().error_type),
            cause: verdict.0,
            severity: verdict.1,
            owner: verdict.2,
            source: verdict.3,
            resolved: marks.0,
            recovered: marks.1,
            stream: marks.2,
            view,
            q: q.map(str::to_owned),
            request_id: ids.0.map(|n| request_id(n).to_string()),
            client_request_id: ids.1.map(str::to_owned),
            fingerprint: ids.2.map(|byte| format!("{byte:02X}").repeat(16)),
            ..Filter::between(DAY.plus_ms(window.0), DAY.plus_ms(window.1))
        }
    }
}

fn rarely<S: Strategy + 'static>(some: S) -> impl Strategy<Value = Option<S::Value>>
where
    S::Value: Clone,
{
    option::weighted(0.08, some)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_databases_and_a_plain_loop_agree(
        drafts in vec(draft(), 1..80),
        resolved in vec(any::<bool>(), 80),
        asked in vec((filter(80), 1..9_u32, select(Sort::ALL)), 24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let records: Vec<Record> = (0..).zip(&drafts).map(|(n, draft)| record(n, draft)).collect();
            let mut both = [Fixture::on(On::Sqlite).await, Fixture::on(On::Postgres).await];
            let plain = Plain { records, resolved };
            for f in &mut both {
                f.write(&plain.records).await;
                plain.mark(&f.store).await;
            }
            for (filter, page_size, sort) in &asked {
                let mut answers = Vec::new();
                for f in &both {
                    answers.push(plain.agrees(&f.store, filter, *page_size, *sort).await?);
                }
                prop_assert_eq!(&answers[0], &answers[1], "{:?}", filter);
            }
            for row in plain.errors(&Filter { recovered: None, ..common::everything() }, Sort::Newest) {
                let mut opened = Vec::new();
                for f in &both {
                    let found = f.store.error_by_request_id(&row.0).await.unwrap();
                    opened.push(without_ids(serde_json::to_value(found).unwrap()));
                }
                prop_assert_eq!(&opened[0], &opened[1]);
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}

/// More rows than are looked at one by one, so that the indexes are asked, over several days.
#[tokio::test]
async fn both_databases_agree_about_many_rows_of_many_days() {
    let mut runner = TestRunner::deterministic();
    let mut drafts: Vec<Draft> = Vec::new();
    for n in 0..6_000_i64 {
        let mut one = draft().new_tree(&mut runner).unwrap().current();
        // Four days; rare values in the oldest ones.
        one.arrived_ms = n / 1_500 * 86_400_000 + n % 1_500 * 3;
        if n > 500 {
            one.who[1] = one.who[1].map(|_| 1);
            one.model = one.model.filter(|model| *model != "gpt_5");
        }
        drafts.push(one);
    }
    let records: Vec<Record> = (0..)
        .zip(&drafts)
        .map(|(n, draft)| record(n, draft))
        .collect();
    let mut both = [
        Fixture::on(On::Sqlite).await,
        Fixture::on(On::Postgres).await,
    ];
    for f in &mut both {
        f.write(&records).await;
    }
    both[1].sql("ANALYZE");
    // All blocks but the newest errors' are taken in; then some of their errors change.
    for id in [1_000, 1_001, 1_444] {
        mark(&both, id, true).await;
    }
    while both[0].store.index_errors().await.unwrap().more {}
    for (id, resolved) in [(1_001, false), (70, true), (3_301, true)] {
        mark(&both, id, resolved).await;
    }
    let rare = |change: fn(&mut Filter)| {
        let mut filter = common::everything();
        change(&mut filter);
        filter
    };
    let mut asked = vec![
        rare(|f| f.account_id = Some(AccountId(2))),
        rare(|f| f.model = Some("gpt_5".to_owned())),
        rare(|f| f.q = Some("gpt_5".to_owned())),
        rare(|f| f.q = Some("nowhere to be found".to_owned())),
        rare(|f| f.resolved = Some(true)),
        rare(|f| (f.resolved, f.recovered) = (Some(true), Some(true))),
        rare(|f| f.fingerprints = vec!["02".repeat(16), "09".repeat(16)]),
        rare(|f| f.status_codes = vec![529, 599]),
        rare(|f| f.q = Some("日本".to_owned())),
        rare(|f| f.q = Some("本語の".to_owned())),
        rare(|f| (f.q, f.model) = (Some("ü".to_owned()), Some("gpt_5".to_owned()))),
        rare(|f| {
            (f.q, f.account_id) = (Some("quota".to_owned()), Some(AccountId(3)));
        }),
    ];
    for _ in 0..30 {
        let mut filter = filter(6_000).new_tree(&mut runner).unwrap().current();
        filter.start = DAY.plus_ms((filter.start.0 - DAY.0) * 10_000_000);
        filter.end = DAY.plus_ms((filter.end.0 - DAY.0) * 40_000_000);
        asked.push(filter);
    }
    for filter in &asked {
        for sort in Sort::ALL {
            for list in 0..3 {
                let mut page = Page {
                    sort: *sort,
                    page: 1,
                    page_size: 60,
                    cursor: None,
                };
                // The first pages, and then one from further on.
                for turn in 0..3 {
                    let [one, other] = [
                        one_page(&both[0].store, list, filter, &page).await,
                        one_page(&both[1].store, list, filter, &page).await,
                    ];
                    assert_eq!(one.0, other.0, "{sort:?} {list} {turn} {filter:?}");
                    if let (Some(one), Some(other)) = (one.1, other.1) {
                        assert_eq!(one, other, "{sort:?} {list} {turn} {filter:?}");
                    }
                    assert_eq!(one.2.is_some(), other.2.is_some());
                    assert_eq!(without_ids(one.3), without_ids(other.3));
                    let Some(next) = other.2 else { break };
                    // Ids differ, so each goes on from its own row: those of SQLite are asked by number.
                    page.page += 1;
                    let by_cursor = Page {
                        cursor: Some(next),
                        ..page.clone()
                    };
                    let by_number = one_page(&both[0].store, list, filter, &page).await;
                    let by_cursor = one_page(&both[1].store, list, filter, &by_cursor).await;
                    assert_eq!(
                        by_number.0, by_cursor.0,
                        "{sort:?} {list} {turn} {filter:?}"
                    );
                }
            }
        }
    }
}

/// The `n`th error, by when it came.
async fn mark(both: &[Fixture; 2], n: u32, resolved: bool) {
    for f in both {
        let page = Page {
            sort: Sort::Oldest,
            page: n,
            page_size: 1,
            cursor: None,
        };
        let all = Filter {
            recovered: Some(n.is_multiple_of(2)),
            ..common::everything()
        };
        let found = f.store.errors(&all, &page).await.unwrap();
        let Some(error) = found.errors.first() else {
            continue;
        };
        f.store.set_resolved(error.id, resolved).await.unwrap();
    }
}

/// An answer but for the ids that a database gave.
fn without_ids(mut answer: Value) -> Value {
    match &mut answer {
        Value::Object(fields) => {
            for name in ["id", "error_id", "upstream_errors"] {
                fields.remove(name);
            }
            for field in fields.values_mut() {
                *field = without_ids(field.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_ids(item.take());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    answer
}

fn record(n: u64, draft: &Draft) -> Record {
    let [group, account, key, user] = draft.who;
    let subject = Subject {
        created_at: DAY.plus_ms(draft.arrived_ms),
        client_request_id: draft.client_request_id.map(Shown::own),
        platform: draft.platform,
        model: draft.model.map(Shown::own),
        stream: draft.stream,
        status_code: draft.status,
        user_id: user.map(UserId),
        api_key_id: key.map(ApiKeyId),
        account_id: account.map(AccountId),
        group_id: group.map(GroupId),
        ..subject(n)
    };
    let request = RequestRow {
        subject: subject.clone(),
        cause: draft
            .failure
            .as_ref()
            .filter(|f| !f.recovered)
            .map(|f| f.cause),
        recovered: draft.failure.as_ref().is_some_and(|f| f.recovered),
        usage: Usage::default(),
        cost: None,
        body_bytes: None,
        stages: Stages::default(),
        unserved: false,
    };
    let Some(failure) = &draft.failure else {
        return Record {
            request: Some(request),
            error: None,
            events: Vec::new(),
            replay: None,
        };
    };
    let mut error = error_row(subject, failure.cause);
    error.verdict.source = failure.source;
    error.recovered = failure.recovered;
    error.message = Shown::own(failure.message);
    error.upstream_error_message = failure.upstream_message.map(Shown::own);
    error.fingerprint = [failure.fingerprint; 16];
    let events = (1..).zip(&failure.events).map(|(attempt, drafted)| {
        let mut row = event(n, attempt, EventKind::Failover, Decision::NextAccount);
        row.created_at = DAY.plus_ms(draft.arrived_ms + drafted.after_ms);
        row.platform = drafted.platform;
        row.account_id = AccountId(drafted.account);
        row.model = drafted.model.map(Shown::own);
        row.upstream_status_code = drafted.status;
        row.cause = drafted.cause;
        row.message = Shown::own(drafted.message);
        row.upstream_request_id = drafted.upstream_request_id.map(Shown::own);
        row
    });
    let events = events.collect();
    Record {
        request: Some(request),
        error: Some(Box::new(error)),
        events,
        replay: None,
    }
}

/// The records in memory, and the same questions answered by looking at each.
struct Plain {
    records: Vec<Record>,
    resolved: Vec<bool>,
}

/// What tells a row of any list from all others: its request, and its attempt if it is one.
type Row = (String, u32);

impl Plain {
    /// Marks errors in the store the way they are marked here.
    async fn mark(&self, store: &Store) {
        for (record, resolved) in self.records.iter().zip(&self.resolved) {
            if let (Some(error), true) = (&record.error, resolved) {
                let id = error.subject.request_id.to_string();
                let stored = store.error_by_request_id(&id).await.unwrap().unwrap();
                store.set_resolved(stored.log.id, true).await.unwrap();
            }
        }
    }

    async fn agrees(
        &self,
        store: &Store,
        filter: &Filter,
        page_size: u32,
        sort: Sort,
    ) -> Result<Vec<Value>, TestCaseError> {
        let mut answer = Vec::new();
        for by_cursor in [true, false] {
            let mut found: [Vec<Row>; 3] = Default::default();
            let mut totals = [None; 3];
            for (list, (found, total)) in found.iter_mut().zip(&mut totals).enumerate() {
                let mut page = Page {
                    sort,
                    page: 1,
                    page_size,
                    cursor: None,
                };
                loop {
                    let (rows, whole, next, fields) = one_page(store, list, filter, &page).await;
                    answer.push(without_ids(fields));
                    prop_assert!(rows.len() <= page_size as usize);
                    prop_assert!(next.is_none() || rows.len() == page_size as usize);
                    found.extend(rows);
                    *total = whole;
                    let Some(next) = next else { break };
                    if by_cursor {
                        page.cursor = Some(next);
                    } else {
                        page.page += 1;
                    }
                }
            }
            let expected = [
                self.errors(filter, sort),
                self.events(filter, sort),
                self.requests(filter, sort),
            ];
            for (total, expected) in totals.into_iter().zip(&expected) {
                prop_assert!(total.is_none_or(|total| total as usize == expected.len()));
            }
            prop_assert_eq!(found, expected, "{:?}", filter);
        }
        Ok(answer)
    }

    fn errors(&self, f: &Filter, sort: Sort) -> Vec<Row> {
        let rows = self.records.iter().enumerate().filter_map(|(n, record)| {
            let error = record.error.as_deref()?;
            let subject = &error.subject;
            let matches = error.recovered == f.recovered.unwrap_or(false)
                && during(f, subject.created_at)
                && is(f.platform, subject.platform)
                && is_some(f.account_id, subject.account_id)
                && is(f.cause, error.verdict.cause)
                && text_is(&f.model, &subject.model)
                && (f.status_codes.is_empty() || f.status_codes.contains(&subject.status_code))
                && of_the_request(f, subject)
                && self.of_the_verdict(f, n)
                && has(
                    f,
                    &[
                        Some(&error.message),
                        Some(&Shown::request_id(subject.request_id)),
                        subject.client_request_id.as_ref(),
                        subject.model.as_ref(),
                        error.upstream_error_message.as_ref(),
                    ],
                );
            matches.then(|| (subject.created_at, n, (subject.request_id.to_string(), 0)))
        });
        sorted(rows.collect(), sort)
    }

    fn events(&self, f: &Filter, sort: Sort) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut order = 0;
        for (n, record) in self.records.iter().enumerate() {
            let Some(error) = record.error.as_deref() else {
                continue;
            };
            let subject = &error.subject;
            for event in &record.events {
                order += 1;
                let status = event.upstream_status_code;
                let matches = during(f, event.created_at)
                    && is(f.recovered, error.recovered)
                    && is(f.platform, event.platform)
                    && is(f.account_id, event.account_id)
                    && is(f.cause, event.cause)
                    && (text_is(&f.model, &event.model) || text_is(&f.model, &subject.model))
                    && (f.status_codes.is_empty()
                        || status.is_some_and(|s| f.status_codes.contains(&s)))
                    && of_the_request(f, subject)
                    && self.of_the_verdict(f, n)
                    && has(
                        f,
                        &[
                            Some(&event.message),
                            event.upstream_request_id.as_ref(),
                            event.model.as_ref(),
                            Some(&Shown::request_id(subject.request_id)),
                            subject.client_request_id.as_ref(),
                            subject.model.as_ref(),
                        ],
                    );
                if matches {
                    rows.push((
                        event.created_at,
                        order,
                        (subject.request_id.to_string(), event.attempt),
                    ));
                }
            }
        }
        sorted(rows, sort)
    }

    fn requests(&self, f: &Filter, sort: Sort) -> Vec<Row> {
        let rows = self.records.iter().enumerate().filter_map(|(n, record)| {
            let request = record.request.as_ref()?;
            let subject = &request.subject;
            let matches = during(f, subject.created_at)
                && is(f.recovered, request.recovered)
                && is(f.platform, subject.platform)
                && is_some(f.account_id, subject.account_id)
                && is_some(f.cause, request.cause)
                && text_is(&f.model, &subject.model)
                && (f.status_codes.is_empty() || f.status_codes.contains(&subject.status_code))
                && of_the_request(f, subject)
                && self.of_the_verdict(f, n)
                && (asks_for_no_failure(f) || f.recovered.is_some() || !request.recovered)
                && has(
                    f,
                    &[
                        Some(&Shown::request_id(subject.request_id)),
                        subject.client_request_id.as_ref(),
                        subject.model.as_ref(),
                    ],
                );
            matches.then(|| (subject.created_at, n, (subject.request_id.to_string(), 0)))
        });
        sorted(rows.collect(), sort)
    }

    /// What only a failure has; a success matches when nothing of it is asked for.
    fn of_the_verdict(&self, f: &Filter, n: usize) -> bool {
        let Some(error) = self.records[n].error.as_deref() else {
            return asks_for_no_failure(f);
        };
        let verdict = &error.verdict;
        let excluded = verdict.owner == Owner::Client || verdict.is_business_limited;
        let fingerprint: String = error
            .fingerprint
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        is(f.phase, verdict.phase)
            && is(f.error_type, verdict.error_type)
            && is(f.severity, verdict.severity)
            && is(f.owner, verdict.owner)
            && is(f.source, verdict.source)
            && is(f.resolved, self.resolved[n])
            && is(
                f.fingerprint.as_ref().map(|hex| hex.to_ascii_lowercase()),
                fingerprint,
            )
            && match f.view {
                View::All => true,
                View::Errors => !excluded,
                View::Excluded => excluded,
            }
    }
}

fn asks_for_no_failure(f: &Filter) -> bool {
    (f.phase.is_none() && f.error_type.is_none() && f.severity.is_none())
        && (f.owner.is_none() && f.source.is_none() && f.resolved.is_none())
        && (f.fingerprint.is_none() && f.view == View::All)
}

/// A total, where it was counted to the end: on a busy machine a database may not get there in its time.
fn known(total: u64, is_estimate: bool) -> Option<u64> {
    (!is_estimate).then_some(total)
}

async fn one_page(
    store: &Store,
    list: usize,
    filter: &Filter,
    page: &Page,
) -> (Vec<Row>, Option<u64>, Option<String>, Value) {
    match list {
        0 => {
            let list = store.errors(filter, page).await.unwrap();
            let fields = serde_json::to_value(&list.errors).unwrap();
            let rows = list
                .errors
                .into_iter()
                .map(|row| (row.request_id, 0))
                .collect();
            (
                rows,
                known(list.total, list.total_is_estimate),
                list.next_cursor,
                fields,
            )
        }
        1 => {
            let list = store.upstream_errors(filter, page).await.unwrap();
            let fields = serde_json::to_value(&list.events).unwrap();
            let rows = list
                .events
                .into_iter()
                .map(|row| (row.request_id, row.attempt))
                .collect();
            (
                rows,
                known(list.total, list.total_is_estimate),
                list.next_cursor,
                fields,
            )
        }
        _ => {
            let list = store.requests(filter, page).await.unwrap();
            let fields = serde_json::to_value(&list.items).unwrap();
            let rows = list
                .items
                .into_iter()
                .map(|row| (row.request_id, 0))
                .collect();
            (
                rows,
                known(list.total, list.total_is_estimate),
                list.next_cursor,
                fields,
            )
        }
    }
}

fn of_the_request(f: &Filter, subject: &Subject) -> bool {
    is_some(f.group_id, subject.group_id)
        && is_some(f.api_key_id, subject.api_key_id)
        && is_some(f.user_id, subject.user_id)
        && is(f.stream, subject.stream)
        && is(f.request_id.clone(), subject.request_id.to_string())
        && text_is(&f.client_request_id, &subject.client_request_id)
}

fn sorted(mut rows: Vec<(UnixMillis, usize, Row)>, sort: Sort) -> Vec<Row> {
    rows.sort();
    if sort == Sort::Newest {
        rows.reverse();
    }
    rows.into_iter().map(|(_, _, row)| row).collect()
}

fn during(f: &Filter, at: UnixMillis) -> bool {
    f.start <= at && at < f.end
}

fn is<T: PartialEq>(wanted: Option<T>, value: T) -> bool {
    wanted.is_none_or(|wanted| wanted == value)
}

fn is_some<T: PartialEq>(wanted: Option<T>, value: Option<T>) -> bool {
    wanted.is_none() || wanted == value
}

fn text_is(wanted: &Option<String>, value: &Option<Shown>) -> bool {
    wanted.is_none() || wanted.as_deref() == value.as_ref().map(Shown::as_str)
}

fn has(f: &Filter, texts: &[Option<&Shown>]) -> bool {
    let Some(q) = &f.q else { return true };
    // What is not kept is looked for as it is kept.
    let kept = |text: &str| text.replace('\0', "\u{fffd}").to_ascii_lowercase();
    let q = kept(q);
    let mut texts = texts.iter().flatten();
    texts.any(|text| kept(text.as_str()).contains(&q))
}
