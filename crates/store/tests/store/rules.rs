//! The contract of the store about classification rules, written against the interface alone: two changes cannot
//! both be made, what is stored is judged alike whenever it came, and the built-in verdict comes back exactly.

use crate::common::{
    self, DAY, Fixture, Subject, at, everything, failure, first_page, recovered, roll_up, success,
};
use proptest::prelude::*;
use waybill_model::{
    cause::{Cause, Owner, Severity},
    classify::ruling::{ClassificationRule, Facts, Found, RuleSet, Then, When},
    id::{AccountId, ErrorId},
    issue::{IssueFilter, IssueSort, Settings},
    record::Record,
    redact::{Redactor, Shown},
    time::UnixMillis,
    view::{ErrorLogDetail, Filter, RulesVersion, View},
};
use waybill_store::{JudgeReport, NewRules, RetentionPolicy, Store, StoreError};

on_both! {
    a_version_is_put_in_place_of_the_one_that_was_seen,
    rules_keep_their_ids_by_name_and_ids_are_never_given_twice,
    what_is_stored_is_judged_anew_and_back_exactly,
    what_comes_late_by_an_older_version_is_judged_by_the_one_in_force,
    who_judges_at_the_same_time_does_so_in_vain,
    what_is_tried_is_what_applying_makes,
    the_service_level_is_of_what_is_known_to_have_been_served,
    an_issue_follows_its_last_failure_and_keeps_its_kind,
    replays_are_judged_and_not_counted,
    a_rule_that_changes_meanwhile_begins_anew,
    a_bound_on_what_is_read_cuts_one_window_for_all_figures,
}

const NOW: UnixMillis = UnixMillis(DAY.0 + 60_000);

const WINDOW: (UnixMillis, UnixMillis) = (DAY, NOW);

fn rule(name: &str, when: When, then: Then) -> ClassificationRule {
    ClassificationRule {
        id: 0,
        name: name.to_owned(),
        note: None,
        enabled: true,
        when,
        then,
    }
}

/// What is said in the message does not count.
fn excluding(said: &str) -> ClassificationRule {
    let when = When {
        message_contains: Some(said.to_owned()),
        ..When::default()
    };
    let then = Then {
        counts: Some(false),
        ..Then::default()
    };
    rule(said, when, then)
}

/// What is said in the message is another cause.
fn renaming(said: &str, cause: Cause) -> ClassificationRule {
    let then = Then {
        cause: Some(cause),
        severity: Some(Severity::P0),
        ..Then::default()
    };
    ClassificationRule {
        then,
        ..excluding(said)
    }
}

async fn put(store: &Store, replaces: i64, rules: Vec<ClassificationRule>) -> RulesVersion {
    try_put(store, replaces, rules).await.unwrap()
}

async fn try_put(
    store: &Store,
    replaces: i64,
    rules: Vec<ClassificationRule>,
) -> Result<RulesVersion, StoreError> {
    let new = NewRules {
        replaces,
        rules,
        by: Some("ada".to_owned()),
        note: Some("because".to_owned()),
    };
    store.set_classification_rules(new, NOW).await
}

/// Judges everything; answers how many failures were changed.
async fn judge(store: &Store) -> u64 {
    let mut changed = 0;
    loop {
        let report = store.judge_anew().await.unwrap();
        changed += report.changed;
        if !report.more {
            let progress = store.classification_progress().await.unwrap();
            assert!(progress.is_done && progress.remaining == 0, "{progress:?}");
            return changed;
        }
    }
}

fn saying(n: u64, message: &'static str) -> Record {
    let mut record = failure(n);
    record.error.as_mut().unwrap().message = Shown::own(message);
    record
}

async fn view(store: &Store, view: View) -> u64 {
    let filter = Filter {
        view,
        ..everything()
    };
    store.errors(&filter, &first_page(1)).await.unwrap().total
}

async fn whole(store: &Store, n: u64) -> ErrorLogDetail {
    let id = common::request_id(n).to_string();
    store.error_by_request_id(&id).await.unwrap().unwrap()
}

fn verdict(error: &ErrorLogDetail) -> Found {
    Found {
        cause: error.log.cause,
        error_owner: error.log.error_owner,
        severity: error.log.severity,
        is_retryable: error.log.is_retryable,
        is_business_limited: error.log.is_business_limited,
    }
}

async fn a_version_is_put_in_place_of_the_one_that_was_seen(subject: Subject) {
    let fixture = Fixture::on(subject).await;
    let store = &fixture.store;
    assert_eq!(store.classification_rules().await.unwrap().version, 0);
    let first = put(store, 0, vec![excluding("busy")]).await;
    assert_eq!((first.version, first.rules[0].id), (1, 1));
    let late = try_put(store, 0, vec![excluding("other")]).await;
    assert!(
        matches!(late, Err(StoreError::Outdated { found: 1 })),
        "{late:?}"
    );
    let (one, other) = tokio::join!(
        try_put(store, 1, vec![excluding("a")]),
        try_put(store, 1, vec![excluding("b")])
    );
    assert_eq!(
        [one, other].iter().filter(|made| made.is_ok()).count(),
        1,
        "one of the two"
    );
    let listed = store.classification_versions().await.unwrap();
    let numbers: Vec<i64> = listed.iter().map(|change| change.version).collect();
    assert_eq!(numbers, [2, 1]);
    assert_eq!(
        (listed[1].by.as_deref(), listed[1].note.as_deref()),
        (Some("ada"), Some("because"))
    );
    let found = store.classification_version(1).await.unwrap().unwrap();
    assert_eq!(found, first);
    assert_eq!(store.classification_version(9).await.unwrap(), None);
    assert_eq!(store.load_config().await.unwrap().rules.version, 2);
}

async fn rules_keep_their_ids_by_name_and_ids_are_never_given_twice(subject: Subject) {
    let fixture = Fixture::on(subject).await;
    let store = &fixture.store;
    let first = put(store, 0, vec![excluding("a"), excluding("b")]).await;
    put(store, 1, vec![excluding("b")]).await;
    let third = put(store, 2, vec![excluding("c"), excluding("b")]).await;
    let ids: Vec<i64> = third.rules.iter().map(|rule| rule.id).collect();
    assert_eq!(ids, [3, 2]);
    // An old version is put back with the ids that it had.
    let back = put(store, 3, first.rules.clone()).await;
    assert_eq!(back.rules, first.rules);
    let mut unknown = excluding("x");
    unknown.id = 99;
    let refused = try_put(store, 4, vec![unknown]).await;
    assert!(
        matches!(refused, Err(StoreError::UnknownReference { id: 99, .. })),
        "{refused:?}"
    );
}

async fn what_is_stored_is_judged_anew_and_back_exactly(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    fixture
        .write(&[
            saying(1, "planned work"),
            saying(2, "broken"),
            recovered(3),
            success(4),
        ])
        .await;
    let store = &fixture.store;
    assert_eq!(store.judge_anew().await.unwrap(), JudgeReport::default());
    let before = (whole(store, 1).await, whole(store, 2).await);
    assert_eq!(view(store, View::Errors).await, 2);

    put(store, 0, vec![renaming("PLANNED", Cause::QuotaExhausted)]).await;
    assert_eq!(judge(store).await, 1);
    let ruled = whole(store, 1).await;
    assert_eq!(
        (ruled.log.cause, ruled.log.severity, ruled.log.phase),
        (Cause::QuotaExhausted, Severity::P0, before.0.log.phase)
    );
    let by = ruled.ruled_by.clone().unwrap();
    assert_eq!(
        (by.rule_id, by.rule_name.as_deref(), by.built_in),
        (1, Some("PLANNED"), verdict(&before.0))
    );
    assert_eq!(ruled.explanation, Cause::QuotaExhausted.info().explanation);
    assert_eq!(ruled.log.fingerprint, before.0.log.fingerprint);
    let other = whole(store, 2).await;
    assert_eq!((other.classification_version, &other.ruled_by), (1, &None));
    let of_requests = Filter {
        cause: Some(Cause::QuotaExhausted),
        ..everything()
    };
    let requests = store.requests(&of_requests, &first_page(9)).await.unwrap();
    assert_eq!(requests.total, 1);
    // Attempts keep their own causes.
    assert!(
        ruled
            .attempts
            .iter()
            .all(|attempt| attempt.cause == Cause::Overloaded)
    );

    put(store, 1, vec![excluding("planned")]).await;
    assert_eq!(judge(store).await, 1);
    assert_eq!(
        (
            view(store, View::Errors).await,
            view(store, View::Excluded).await
        ),
        (1, 1)
    );
    assert_eq!(whole(store, 1).await.log.cause, Cause::Overloaded);

    put(store, 2, Vec::new()).await;
    assert_eq!(judge(store).await, 1);
    let back = whole(store, 1).await;
    assert_eq!(
        (back.classification_version, &back.ruled_by),
        (3, &None),
        "no rule is left"
    );
    assert_eq!(back.log, before.0.log);
    assert_eq!(whole(store, 2).await.log, before.1.log);
    assert_eq!(judge(store).await, 0);
}

async fn what_comes_late_by_an_older_version_is_judged_by_the_one_in_force(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    fixture.write(&[saying(1, "planned work")]).await;
    let old = put(
        &fixture.store,
        0,
        vec![renaming("planned", Cause::QuotaExhausted)],
    )
    .await;
    assert_eq!(judge(&fixture.store).await, 1);
    put(&fixture.store, 1, vec![excluding("planned")]).await;
    assert_eq!(judge(&fixture.store).await, 1);
    // It was judged by the version before, or by none, and lay in a spool meanwhile.
    let old = RuleSet {
        version: old.version,
        rules: old.rules,
    };
    let mut late = saying(2, "planned work");
    let row = late.error.as_mut().unwrap();
    let judged = old.judge(&Facts::of(row));
    (row.verdict, row.ruling) = judged;
    late.request.as_mut().unwrap().cause = Some(row.verdict.cause);
    fixture.write(&[late, saying(3, "planned work")]).await;
    let store = &fixture.store;
    assert_eq!(whole(store, 2).await.log.cause, Cause::QuotaExhausted);
    assert_eq!(judge(store).await, 2);
    for n in 1..=3 {
        let error = whole(store, n).await;
        assert_eq!(error.log.cause, Cause::Overloaded);
        assert!(error.log.is_business_limited, "failure {n}");
        assert_eq!(error.classification_version, 2);
    }
    assert_eq!(view(store, View::Excluded).await, 3);
}

async fn who_judges_at_the_same_time_does_so_in_vain(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let records: Vec<Record> = (1..=700).map(|n| saying(n, "planned")).collect();
    fixture.write(&records).await;
    let store = &fixture.store;
    put(store, 0, vec![excluding("planned")]).await;
    let (one, other) = tokio::join!(judge(store), judge(store));
    assert_eq!(one + other, 700);
    let progress = store.classification_progress().await.unwrap();
    assert_eq!((progress.changed, progress.version), (700, 1));
    assert_eq!(view(store, View::Excluded).await, 700);
}

async fn what_is_tried_is_what_applying_makes(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let mut records: Vec<Record> = (1..=60).map(success).collect();
    records.extend((61..=90).map(|n| saying(n, if n % 3 == 0 { "planned" } else { "broken" })));
    records.extend((91..=95).map(recovered));
    let of_client = (96..=99).map(|n| {
        let mut record = saying(n, "theirs");
        let row = record.error.as_mut().unwrap();
        row.verdict = common::verdict(Cause::InvalidRequest);
        record
    });
    records.extend(of_client);
    fixture.write(&records).await;
    let store = &fixture.store;
    let then = Then {
        error_owner: Some(Owner::Platform),
        counts: Some(true),
        ..Then::default()
    };
    let ours = ClassificationRule {
        then,
        ..excluding("theirs")
    };
    let rules = vec![excluding("planned"), ours];
    let preview = store
        .try_classification_rules(rules.clone(), WINDOW, true)
        .await
        .unwrap();
    assert_eq!((preview.examined, preview.is_whole), (39, true));
    assert_eq!((preview.would_change, preview.would_change_hidden), (14, 0));
    assert_eq!((preview.requests, preview.served), (99, 65));
    assert_eq!((preview.failures_before, preview.failures_after), (30, 24));
    assert_eq!(preview.samples.len(), 14);
    assert_eq!(
        preview.sentence,
        "would change 14 requests, SLA 68.42 → 73.03 %"
    );
    assert_eq!(view(store, View::Errors).await, preview.failures_before);
    put(store, 0, rules.clone()).await;
    assert_eq!(judge(store).await, preview.would_change);
    assert_eq!(view(store, View::Errors).await, preview.failures_after);
    // What is in force changes nothing any more.
    let again = store
        .try_classification_rules(rules, WINDOW, true)
        .await
        .unwrap();
    assert_eq!((again.would_change, again.version), (0, 1));
    assert_eq!(again.sla_before, preview.sla_after);
    // Failures and requests outside of the window are none of its business.
    let later = (at(80), NOW);
    let part = store
        .try_classification_rules(Vec::new(), later, true)
        .await
        .unwrap();
    assert_eq!((part.would_change, part.requests), (4 + 4, 20));
}

async fn the_service_level_is_of_what_is_known_to_have_been_served(subject: Subject) {
    const DAY_MS: u64 = 86_400_000;
    let mut fixture = Fixture::on(subject).await;
    let late = 3 * DAY_MS;
    let records = [
        success(1),
        saying(2, "planned"),
        success(late),
        saying(late + 1, "planned"),
        saying(late + 2, "broken"),
    ];
    fixture.write(&records).await;
    let store = &fixture.store;
    roll_up(store).await;
    let now = at(late + DAY_MS);
    let policy = RetentionPolicy {
        requests_max_age_ms: Some(2 * 86_400_000),
        ..RetentionPolicy::default()
    };
    store.retain(&policy, now).await.unwrap();
    let rules = vec![excluding("planned")];
    let tried = store.try_classification_rules(rules.clone(), (DAY, now), true);
    let preview = tried.await.unwrap();
    assert_eq!((preview.would_change, preview.is_whole), (2, true));
    assert_eq!(
        (preview.start_time, preview.sla_start_time),
        (DAY, at(late))
    );
    assert_eq!((preview.requests, preview.served), (3, 1));
    assert_eq!(
        preview.sentence,
        "would change 2 requests, SLA 33.33 → 50.00 %"
    );
    let tried = store.try_classification_rules(rules, (DAY, now), false);
    let preview = tried.await.unwrap();
    assert_eq!((preview.sla_before, preview.sla_after), (None, None));
    assert_eq!(preview.sentence, "would change 2 requests");
}

async fn an_issue_follows_its_last_failure_and_keeps_its_kind(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    fixture
        .write(&[saying(1, "planned"), saying(2, "planned")])
        .await;
    let store = &fixture.store;
    let settings = Settings { quiet_ms: None };
    let fold = || async { store.fold_issues(settings, NOW).await.unwrap() };
    while fold().await.more {}
    let only = || async {
        let (all, page) = (IssueFilter::default(), first_page(9));
        let list = store.issues(&all, IssueSort::Impact, &page, NOW).await;
        list.unwrap().items.remove(0)
    };
    let before = only().await;
    put(store, 0, vec![renaming("planned", Cause::AuthPermission)]).await;
    judge(store).await;
    let ruled = only().await;
    assert_eq!(
        (ruled.owner, ruled.severity, ruled.cause),
        (Owner::Platform, Severity::P0, Cause::Overloaded)
    );
    assert_eq!((ruled.count, ruled.hidden_count), (2, 0));
    assert!(ruled.impact > before.impact);
    put(store, 1, Vec::new()).await;
    judge(store).await;
    assert_eq!(only().await, before);
}

async fn replays_are_judged_and_not_counted(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    fixture.write(&[saying(1, "planned")]).await;
    let mut replay = saying(2, "planned");
    replay.error.as_mut().unwrap().subject.replay_of = Some(ErrorId(1));
    replay.request.as_mut().unwrap().subject.replay_of = Some(ErrorId(1));
    fixture.write(&[replay]).await;
    let store = &fixture.store;
    let rules = vec![excluding("planned")];
    let preview = store
        .try_classification_rules(rules.clone(), WINDOW, true)
        .await
        .unwrap();
    assert_eq!((preview.would_change, preview.requests), (1, 1));
    put(store, 0, rules).await;
    assert_eq!(judge(store).await, 1);
    assert!(whole(store, 2).await.ruled_by.is_some());
}

async fn a_rule_that_changes_meanwhile_begins_anew(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let records: Vec<Record> = (1..=1_200).map(|n| saying(n, "planned")).collect();
    fixture.write(&records).await;
    let store = &fixture.store;
    put(store, 0, vec![excluding("planned")]).await;
    assert!(store.judge_anew().await.unwrap().more);
    let progress = store.classification_progress().await.unwrap();
    assert!(!progress.is_done && progress.changed == 500);
    assert_eq!(progress.remaining, 700);
    put(store, 1, vec![renaming("planned", Cause::QuotaExhausted)]).await;
    let progress = store.classification_progress().await.unwrap();
    assert_eq!((progress.remaining, progress.changed), (1_200, 0));
    assert_eq!(judge(store).await, 1_200);
    assert_eq!(view(store, View::Excluded).await, 0);
}

async fn a_bound_on_what_is_read_cuts_one_window_for_all_figures(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let mut records: Vec<Record> = (1..=10).map(|n| saying(n, "planned")).collect();
    records.extend((11..=20).map(success));
    records.extend((21..=40).map(recovered));
    fixture.write(&records).await;
    let store = &fixture.store;
    let on = |most| {
        let rules = vec![excluding("planned")];
        store.try_classification_rules_on(rules, WINDOW, true, most)
    };
    // More hidden failures than are read, and fewer that clients saw: those are cut with them.
    let cut = on(15).await.unwrap();
    assert_eq!((cut.is_whole, cut.start_time), (false, at(26)));
    assert_eq!((cut.examined, cut.would_change), (15, 0));
    assert_eq!((cut.requests, cut.served, cut.failures_before), (15, 15, 0));
    assert!(
        cut.sentence.contains("as far as was read"),
        "{}",
        cut.sentence
    );
    // More of both: the later beginning counts.
    let cut = on(5).await.unwrap();
    assert_eq!((cut.start_time, cut.examined), (at(36), 5));
    let whole = on(20).await.unwrap();
    assert_eq!((whole.is_whole, whole.start_time), (true, DAY));
    let counted = (whole.examined, whole.would_change, whole.requests);
    assert_eq!(counted, (30, 10, 40));
}

/// How many blocks of errors are to be taken in anew, and how many are taken in.
fn blocks(fixture: &Fixture) -> [i64; 2] {
    let database = rusqlite::Connection::open(fixture.file()).unwrap();
    ["error_blocks_stale", "error_blocks"].map(|table| {
        let sql = format!("SELECT count(*) FROM {table}");
        database.query_row(&sql, [], |row| row.get(0)).unwrap()
    })
}

async fn take_in(fixture: &Fixture) {
    while fixture.store.index_errors().await.unwrap().more {}
}

/// So many records from a place on, written.
async fn write_many(fixture: &mut Fixture, from: u64, count: u64) {
    for first in (from..from + count).step_by(500) {
        let records: Vec<Record> = (first..(first + 500).min(from + count))
            .map(|n| match n {
                _ if n % 1_000 == 0 => saying(n, "planned and rare"),
                _ if n % 2 == 0 => saying(n, "planned"),
                _ => saying(n, "broken"),
            })
            .collect();
        fixture.write(&records).await;
    }
}

/// How many failures do not count, of those whose message is like this: counted in the table.
fn excluded(fixture: &Fixture, message: &str) -> u64 {
    let database = rusqlite::Connection::open(fixture.file()).unwrap();
    let sql = "SELECT count(*) FROM errors WHERE is_business_limited AND message LIKE ?1";
    let counted: i64 = database
        .query_row(sql, [message], |row| row.get(0))
        .unwrap();
    u64::try_from(counted).unwrap()
}

#[tokio::test]
async fn judging_stays_a_few_blocks_ahead_of_who_takes_them_in_and_lists_are_right_meanwhile() {
    let mut fixture = Fixture::new();
    // Ids begin with 1: the last block is not full yet.
    write_many(&mut fixture, 1, 250 * 64).await;
    take_in(&fixture).await;
    assert_eq!(blocks(&fixture), [0, 250]);
    put(&fixture.store, 0, vec![excluding("planned")]).await;
    let (mut changed, mut times_waited) = (0, 0);
    loop {
        let report = fixture.store.judge_anew().await.unwrap();
        changed += report.changed;
        let [stale, _] = blocks(&fixture);
        assert!(stale < 128 + 80, "{stale}");
        if report.waits {
            times_waited += 1;
            assert!(stale >= 128 && !report.more, "{stale} {report:?}");
            assert_eq!(excluded(&fixture, "%"), changed);
            // Few, so that blocks lead to them: those that have changed, too.
            let rare = Filter {
                view: View::Excluded,
                q: Some("rare".to_owned()),
                ..everything()
            };
            let list = fixture.store.errors(&rare, &first_page(50)).await.unwrap();
            assert_eq!(list.errors.len() as u64, excluded(&fixture, "%rare%"));
            if times_waited == 1 {
                // What is new does not wait until all that has changed is taken in.
                write_many(&mut fixture, 20_000, 256).await;
                fixture.store.index_errors().await.unwrap();
                assert_eq!(blocks(&fixture), [stale - 2, 252]);
            }
            take_in(&fixture).await;
        } else if !report.more {
            break;
        }
    }
    assert!(times_waited > 0);
    assert_eq!(changed, 8_000 + 128);
    assert_eq!(excluded(&fixture, "%"), changed);
}

#[tokio::test]
async fn what_is_written_as_it_was_makes_no_block_to_be_taken_in_anew() {
    let mut fixture = Fixture::new();
    write_many(&mut fixture, 1, 200).await;
    take_in(&fixture).await;
    for stale in [1, 0] {
        let store = &fixture.store;
        store.set_resolved(ErrorId(70), true).await.unwrap();
        assert_eq!(blocks(&fixture)[0], stale);
        store.index_errors().await.unwrap();
    }
}

/// A runtime of one thread, as the one that serves clients is: what is judged on it keeps them waiting.
#[test]
fn whoever_tries_rules_keeps_no_thread_that_serves() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut fixture = Fixture::new();
    let said = "a message of a provider that goes on for a while ".repeat(40);
    let records: Vec<Record> = (1..=2_000)
        .map(|n| {
            let mut record = failure(n);
            record.error.as_mut().unwrap().message = Redactor::default().text(&said);
            record
        })
        .collect();
    let rules: Vec<ClassificationRule> = (0..100)
        .map(|n| excluding(&format!("on for a while and then {n}")))
        .collect();
    runtime.block_on(fixture.write(&records));
    let metrics = runtime.metrics();
    let (begun, busy) = (
        std::time::Instant::now(),
        metrics.worker_total_busy_duration(0),
    );
    let store = fixture.store.clone();
    let tried = async move { store.try_classification_rules(rules, WINDOW, false).await };
    let tried = runtime.block_on(runtime.spawn(tried)).unwrap().unwrap();
    let (took, busy) = (
        begun.elapsed(),
        metrics.worker_total_busy_duration(0) - busy,
    );
    assert_eq!(tried.examined, 2_000);
    assert!(busy * 4 < took, "{busy:?} of {took:?}");
}

fn records() -> impl Strategy<Value = (Record, Vec<ClassificationRule>)> {
    let messages = proptest::sample::select(vec!["Planned WORK", "a\0b", "überlast", "", "x"]);
    let models = proptest::option::of(proptest::sample::select(vec!["gpt-5", "claude\0x", "*"]));
    let needles = proptest::option::of(proptest::sample::select(vec![
        "planned", "b", "Ü", "ü", "work",
    ]));
    let globs = proptest::option::of(proptest::sample::select(vec!["gpt-*", "*x", "claude*"]));
    let accounts = proptest::option::of(1..3i64);
    let causes = proptest::sample::select(Cause::ALL);
    (
        messages,
        models,
        needles,
        globs,
        accounts,
        causes,
        any::<bool>(),
    )
        .prop_map(|(message, model, needle, glob, account, cause, stream)| {
            let mut record = failure(1);
            let row = record.error.as_mut().unwrap();
            row.message = Shown::own(message);
            row.subject.model = model.map(Shown::own);
            row.subject.account_id = account.map(AccountId);
            row.subject.stream = stream;
            row.verdict = common::verdict(cause);
            let when = When {
                message_contains: needle.map(str::to_owned),
                model: glob.map(str::to_owned),
                stream: Some(true),
                account_id: account.map(AccountId),
                ..When::default()
            };
            let then = Then {
                severity: Some(Severity::P3),
                counts: Some(false),
                ..Then::default()
            };
            (record, vec![rule("one", when, then)])
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Judged as it is made, and judged when it has been stored: nobody can tell which it was.
    #[test]
    fn old_and_new_are_judged_alike((record, rules) in records()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut old = Fixture::new();
            old.write(std::slice::from_ref(&record)).await;
            let set = put(&old.store, 0, rules.clone()).await;
            judge(&old.store).await;

            let mut new = Fixture::new();
            let set = RuleSet { version: set.version, rules: set.rules };
            put(&new.store, 0, rules).await;
            let mut fresh = record;
            let row = fresh.error.as_mut().unwrap();
            (row.verdict, row.ruling) = set.judge(&Facts::of(row));
            fresh.request.as_mut().unwrap().cause = Some(row.verdict.cause);
            new.write(&[fresh]).await;
            let (before, after) = (whole(&old.store, 1).await, whole(&new.store, 1).await);
            prop_assert_eq!(&before.log, &after.log);
            prop_assert_eq!(&before.ruled_by, &after.ruled_by);
            // And it is left as it is.
            prop_assert_eq!(judge(&new.store).await, 0);
            Ok(())
        })?;
    }
}
