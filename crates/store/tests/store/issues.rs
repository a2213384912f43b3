//! The contract of the store about issues, written against the interface alone: what is stored is counted once,
//! whatever happens in between; states follow; rules hold for old and new alike.

use crate::common::{DAY, Fixture, Subject, at, everything, failure, first_page, recovered};
use waybill_model::{
    cause::Cause,
    fingerprint::{Scope, fingerprint, template},
    id::{AccountId, UserId},
    issue::{
        By, HOUR_MS, Ignore, IssueDetail, IssueFilter, IssueLog, IssueSort, IssueState, Merge,
        RuleBody, Settings, Split, SplitBy, Why, hex,
    },
    record::Record,
    redact::Shown,
    time::UnixMillis,
};
use waybill_store::{FoldReport, IssueChange, RetentionPolicy, Store, StoreError};

on_both! {
    failures_are_counted_once_however_often_they_are_folded,
    who_folds_at_the_same_time_does_so_in_vain,
    what_was_folded_before_a_crash_is_not_folded_after_it,
    what_an_operator_sent_again_is_not_counted,
    a_resolved_issue_reopens_for_a_new_failure_and_not_for_a_late_one,
    an_ignored_issue_comes_back_after_as_many_failures,
    a_number_that_ends_ignoring_counts_from_when_it_was_said_whatever_is_counted_anew,
    time_alone_makes_an_issue_ongoing_and_resolves_a_quiet_one,
    an_issue_is_judged_when_all_of_its_past_is_counted,
    an_issue_escalates_beyond_its_own_past,
    a_replay_resolves_what_is_not_ignored,
    kinds_are_merged_and_divided_by_rules_and_brought_back,
    members_are_bounded_and_the_rest_is_counted,
    pages_joined_together_are_the_list_in_every_order,
    issues_and_hours_go_by_age,
    notes_and_changes_of_what_is_not_there_are_refused,
}

const SETTINGS: Settings = Settings {
    quiet_ms: Some(7 * 24 * HOUR_MS),
};

/// Failures arrive from `DAY` on; a little later it is looked at them.
const NOW: UnixMillis = UnixMillis(DAY.0 + 60_000);

fn kind(message: &str) -> [u8; 16] {
    fingerprint(
        waybill_model::protocol::Platform::Anthropic,
        Cause::Overloaded.info().phase,
        Cause::Overloaded,
        Scope::Model,
        Some(529),
        Some("overloaded_error"),
        &template(message),
    )
}

/// The `n`th failure, of the kind that its message makes it.
fn of_kind(n: u64, message: &'static str) -> Record {
    change(failure(n), message)
}

fn change(mut record: Record, message: &'static str) -> Record {
    let error = record.error.as_mut().unwrap();
    error.message = Shown::own(message);
    error.fingerprint = kind(message);
    record
}

async fn fold(store: &Store, now: UnixMillis) -> FoldReport {
    let mut all = FoldReport::default();
    loop {
        let report = store.fold_issues(SETTINGS, now).await.unwrap();
        all.folded += report.folded;
        all.recounted += report.recounted;
        all.transitions += report.transitions;
        if !report.more {
            return all;
        }
    }
}

async fn list(store: &Store) -> Vec<IssueLog> {
    let asked = store
        .issues(
            &IssueFilter::default(),
            IssueSort::Count,
            &first_page(500),
            NOW,
        )
        .await;
    asked.unwrap().items
}

async fn only(store: &Store) -> IssueLog {
    let mut items = list(store).await;
    assert_eq!(items.len(), 1, "{items:?}");
    items.remove(0)
}

async fn detail(store: &Store, key: [u8; 16]) -> IssueDetail {
    store.issue(key, NOW).await.unwrap().unwrap()
}

async fn set(store: &Store, key: [u8; 16], change: IssueChange, now: UnixMillis) {
    let actor = Some("ada".to_owned());
    let changed = store.change_issue(key, change, actor, None, SETTINGS, now);
    changed.await.unwrap();
}

async fn failures_are_counted_once_however_often_they_are_folded(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let messages = ["busy", "busy", "busy"];
    let mut records: Vec<Record> = (1..).zip(messages).map(|(n, m)| of_kind(n, m)).collect();
    records.push(change(recovered(4), "busy"));
    records.push(of_kind(5, "other"));
    fixture.write(&records).await;
    assert_eq!(fold(&fixture.store, NOW).await.folded, 5);
    assert_eq!(fold(&fixture.store, NOW).await, FoldReport::default());

    let found = list(&fixture.store).await;
    assert_eq!(found.len(), 2);
    let busy = &found[0];
    assert_eq!(busy.fingerprint, hex::text(kind("busy")));
    assert_eq!((busy.count, busy.hidden_count), (3, 1));
    assert_eq!((busy.title.as_str(), busy.scope), ("busy", Scope::Model));
    assert_eq!(
        (
            busy.users,
            busy.api_keys,
            busy.accounts,
            busy.models,
            busy.groups
        ),
        (1, 1, 1, 1, 1)
    );
    assert_eq!((busy.first_seen, busy.last_seen), (at(1), at(4)));
    assert_eq!(busy.provider_code.as_deref(), Some("overloaded_error"));
    assert_eq!(busy.state, IssueState::New);
    assert_eq!(busy.hourly.iter().sum::<u64>(), 4);
    assert!(busy.impact > 0.0);
    let whole = detail(&fixture.store, kind("busy")).await;
    assert_eq!(whole.members.users.top[0].name.as_deref(), Some("ada"));
    assert_eq!(whole.members.models.top[0].id, "claude-sonnet-4-5");
    assert_eq!(whole.hours.len(), 1);
    assert_eq!(whole.kinds.len(), 1);
    assert_eq!(whole.timeline[0].why, Why::FirstSeen);

    let error = fixture
        .store
        .error(busy.sample_error_id)
        .await
        .unwrap()
        .unwrap();
    let issue = error.issue.unwrap();
    assert_eq!(
        (issue.fingerprint, issue.count),
        (busy.fingerprint.clone(), 3)
    );
    let mut filter = everything();
    filter.issue = Some(busy.fingerprint.clone());
    let errors = fixture
        .store
        .errors(&filter, &first_page(10))
        .await
        .unwrap();
    assert_eq!(errors.total, 3);
    filter.issue = Some("00".repeat(16));
    let errors = fixture
        .store
        .errors(&filter, &first_page(10))
        .await
        .unwrap();
    assert_eq!(errors.total, 0);
}

async fn who_folds_at_the_same_time_does_so_in_vain(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let records: Vec<Record> = (1..=200).map(|n| of_kind(n, "busy")).collect();
    fixture.write(&records).await;
    let (one, other) = (fixture.store.clone(), fixture.store.clone());
    let (one, other) = tokio::join!(fold(&one, NOW), fold(&other, NOW));
    assert_eq!(one.folded + other.folded, 200);
    assert_eq!(only(&fixture.store).await.count, 200);
}

async fn what_was_folded_before_a_crash_is_not_folded_after_it(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    fixture
        .write(&[of_kind(1, "busy"), of_kind(2, "busy")])
        .await;
    fold(&fixture.store, NOW).await;
    fixture.write(&[of_kind(3, "busy")]).await;
    let after = fixture.as_after_a_crash().await;
    assert_eq!(fold(&after, NOW).await.folded, 1);
    assert_eq!(only(&after).await.count, 3);
}

async fn what_an_operator_sent_again_is_not_counted(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let mut again = of_kind(2, "busy");
    again.error.as_mut().unwrap().subject.replay_of = Some(waybill_model::id::ErrorId(1));
    fixture.write(&[of_kind(1, "busy"), again]).await;
    fold(&fixture.store, NOW).await;
    assert_eq!(only(&fixture.store).await.count, 1);
    assert_eq!(fold(&fixture.store, NOW).await, FoldReport::default());
}

async fn a_resolved_issue_reopens_for_a_new_failure_and_not_for_a_late_one(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    fixture.write(&[of_kind(1, "busy")]).await;
    fold(&fixture.store, NOW).await;
    let key = kind("busy");
    set(&fixture.store, key, IssueChange::Resolve, at(1_000)).await;
    fixture.write(&[of_kind(999, "busy")]).await;
    fold(&fixture.store, NOW).await;
    let late = only(&fixture.store).await;
    assert_eq!((late.state, late.count), (IssueState::Resolved, 2));
    assert_eq!(late.state_by.as_deref(), Some("ada"));
    fixture.write(&[of_kind(1_001, "busy")]).await;
    fold(&fixture.store, NOW).await;
    let again = detail(&fixture.store, key).await;
    assert_eq!(again.log.state, IssueState::Regressed);
    let way: Vec<_> = again
        .timeline
        .iter()
        .map(|line| (line.to, line.why))
        .collect();
    assert_eq!(
        way,
        [
            (IssueState::Regressed, Why::Failure),
            (IssueState::Resolved, Why::Manual),
            (IssueState::New, Why::FirstSeen)
        ]
    );
}

async fn an_ignored_issue_comes_back_after_as_many_failures(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    fixture.write(&[of_kind(1, "busy")]).await;
    fold(&fixture.store, NOW).await;
    let ignore = IssueChange::Ignore(Ignore {
        until_count: Some(2),
        ..Ignore::default()
    });
    set(&fixture.store, kind("busy"), ignore, NOW).await;
    fixture.write(&[of_kind(2, "busy")]).await;
    fold(&fixture.store, NOW).await;
    let still = only(&fixture.store).await;
    assert_eq!(
        (still.state, still.ignore_count),
        (IssueState::Ignored, Some(3))
    );
    fixture.write(&[of_kind(3, "busy")]).await;
    fold(&fixture.store, NOW).await;
    let back = only(&fixture.store).await;
    assert_eq!(
        (back.state, back.state_why),
        (IssueState::Ongoing, Why::IgnoreCount)
    );
    assert_eq!(back.ignore_count, None);
}

/// Ignored before a rule has it counted anew, and while it is.
async fn a_number_that_ends_ignoring_counts_from_when_it_was_said_whatever_is_counted_anew(
    subject: Subject,
) {
    for is_meanwhile in [false, true] {
        let mut fixture = Fixture::on(subject).await;
        fixture
            .write(&[
                of_kind(1, "busy"),
                of_kind(2, "busy"),
                of_kind(3, "no capacity"),
            ])
            .await;
        fold(&fixture.store, NOW).await;
        let ignore = IssueChange::Ignore(Ignore {
            until_count: Some(3),
            ..Ignore::default()
        });
        if !is_meanwhile {
            set(&fixture.store, kind("busy"), ignore.clone(), NOW).await;
        }
        let merge = RuleBody::Merge(Merge {
            into: hex::text(kind("busy")),
            text: Some("capacity".to_owned()),
            ..Merge::default()
        });
        fixture
            .store
            .add_issue_rule(merge, None, NOW)
            .await
            .unwrap();
        if is_meanwhile {
            set(&fixture.store, kind("busy"), ignore, NOW).await;
        }
        fixture.write(&[of_kind(4, "busy")]).await;
        fold(&fixture.store, NOW).await;
        let still = only(&fixture.store).await;
        assert_eq!(
            (still.state, still.count, still.ignore_count),
            (IssueState::Ignored, 4, Some(6))
        );
        fixture.write(&[of_kind(5, "no capacity")]).await;
        fold(&fixture.store, NOW).await;
        assert_eq!(only(&fixture.store).await.state, IssueState::Ignored);
        fixture.write(&[of_kind(6, "busy")]).await;
        fold(&fixture.store, NOW).await;
        let back = only(&fixture.store).await;
        assert_eq!(
            (back.state, back.state_why),
            (IssueState::Ongoing, Why::IgnoreCount)
        );
    }
}

async fn time_alone_makes_an_issue_ongoing_and_resolves_a_quiet_one(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    fixture.write(&[of_kind(1, "busy")]).await;
    fold(&fixture.store, NOW).await;
    fold(&fixture.store, at(1).plus_ms(24 * HOUR_MS)).await;
    assert_eq!(only(&fixture.store).await.state, IssueState::Ongoing);
    fold(&fixture.store, at(1).plus_ms(7 * 24 * HOUR_MS)).await;
    let quiet = only(&fixture.store).await;
    assert_eq!(
        (quiet.state, quiet.state_why),
        (IssueState::Resolved, Why::Quiet)
    );
}

async fn an_issue_is_judged_when_all_of_its_past_is_counted(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    // More than a batch of old ones, before the one that says that it is not quiet.
    let old: Vec<Record> = (0..5_001).map(|n| of_kind(n, "busy")).collect();
    for some in old.chunks(500) {
        fixture.write(some).await;
    }
    let late = 10 * 24 * u64::try_from(HOUR_MS).unwrap();
    fixture.write(&[of_kind(late, "busy")]).await;
    fold(&fixture.store, at(late).plus_ms(60_000)).await;
    let issue = only(&fixture.store).await;
    assert_eq!(issue.count, 5_002);
    assert_ne!(issue.state, IssueState::Resolved, "{:?}", issue.state_why);
}

async fn an_issue_escalates_beyond_its_own_past(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let hour = u64::try_from(HOUR_MS).unwrap();
    let past: Vec<Record> = (0..10)
        .flat_map(|h| (0..3).map(move |n| of_kind(h * hour + n, "busy")))
        .collect();
    fixture.write(&past).await;
    let then = DAY.plus_ms(10 * HOUR_MS);
    fold(&fixture.store, then).await;
    assert_eq!(only(&fixture.store).await.state, IssueState::New);
    let burst: Vec<Record> = (0..60).map(|n| of_kind(10 * hour + n, "busy")).collect();
    fixture.write(&burst).await;
    fold(&fixture.store, then.plus_ms(1_000)).await;
    let fast = only(&fixture.store).await;
    assert_eq!(
        (fast.state, fast.state_why),
        (IssueState::Escalating, Why::Rate)
    );
    fold(&fixture.store, then.plus_ms(3 * HOUR_MS)).await;
    let calm = only(&fixture.store).await;
    assert_eq!(
        (calm.state, calm.state_why),
        (IssueState::Ongoing, Why::Calm)
    );
}

async fn a_replay_resolves_what_is_not_ignored(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    fixture.write(&[of_kind(1, "busy")]).await;
    fold(&fixture.store, NOW).await;
    let (store, key) = (&fixture.store, kind("busy"));
    let proven = || store.resolve_issue(key, By::Replay { attempt: 7 }, SETTINGS, NOW);
    set(store, key, IssueChange::Ignore(Ignore::default()), NOW).await;
    assert!(!proven().await.unwrap());
    set(store, key, IssueChange::Reopen, NOW).await;
    assert!(proven().await.unwrap());
    assert!(!proven().await.unwrap());
    let now = only(store).await;
    assert_eq!(
        (now.state, now.state_why),
        (IssueState::Resolved, Why::Replay)
    );
    assert_eq!(now.state_by.as_deref(), Some("7"));
}

async fn kinds_are_merged_and_divided_by_rules_and_brought_back(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let on_account = |n, account| {
        let mut record = of_kind(n, "busy");
        record.error.as_mut().unwrap().subject.account_id = Some(AccountId(account));
        record
    };
    let records = [
        on_account(1, 3),
        on_account(2, 3),
        on_account(3, 5),
        of_kind(4, "no capacity"),
        of_kind(5, "something else"),
    ];
    fixture.write(&records).await;
    fold(&fixture.store, NOW).await;
    let counts = |found: &[IssueLog]| found.iter().map(|issue| issue.count).collect::<Vec<_>>();
    assert_eq!(counts(&list(&fixture.store).await), [3, 1, 1]);

    let merge = RuleBody::Merge(Merge {
        into: hex::text(kind("busy")),
        text: Some("capacity".to_owned()),
        ..Merge::default()
    });
    let rule = fixture
        .store
        .add_issue_rule(merge, Some("ada".to_owned()), NOW)
        .await
        .unwrap();
    assert_eq!(fold(&fixture.store, NOW).await.recounted, 4);
    let merged = list(&fixture.store).await;
    assert_eq!(counts(&merged), [4, 1]);
    assert!(!merged[0].recounting);
    fixture.write(&[of_kind(6, "no capacity")]).await;
    fold(&fixture.store, NOW).await;
    assert_eq!(counts(&list(&fixture.store).await), [5, 1]);
    let of = |issue: &str| {
        let mut filter = everything();
        filter.issue = Some(issue.to_owned());
        filter
    };
    let errors = fixture
        .store
        .errors(&of(&merged[0].fingerprint), &first_page(10))
        .await;
    assert_eq!(errors.unwrap().total, 5);

    let split = RuleBody::Split(Split {
        issue: hex::text(kind("busy")),
        by: SplitBy::Account,
    });
    let divided = fixture
        .store
        .add_issue_rule(split, None, NOW)
        .await
        .unwrap();
    fold(&fixture.store, NOW).await;
    let parts = list(&fixture.store).await;
    assert_eq!(counts(&parts), [4, 1, 1]);
    assert_eq!(parts[0].part_value.as_deref(), Some("3"));
    assert_eq!(
        parts[0].part_of.as_deref(),
        Some(hex::text(kind("busy")).as_str())
    );
    let errors = fixture
        .store
        .errors(&of(&parts[0].fingerprint), &first_page(10))
        .await;
    assert_eq!(errors.unwrap().total, 4);
    let into_a_part = RuleBody::Split(Split {
        issue: parts[0].fingerprint.clone(),
        by: SplitBy::Key,
    });
    assert!(matches!(
        fixture.store.add_issue_rule(into_a_part, None, NOW).await,
        Err(StoreError::UnknownReference { .. })
    ));

    assert_eq!(fixture.store.issue_rules().await.unwrap().len(), 2);
    fixture.store.remove_issue_rule(divided.id).await.unwrap();
    fixture.store.remove_issue_rule(rule.id).await.unwrap();
    fold(&fixture.store, NOW).await;
    assert_eq!(counts(&list(&fixture.store).await), [3, 2, 1]);
    assert!(fixture.store.remove_issue_rule(rule.id).await.is_err());
}

async fn members_are_bounded_and_the_rest_is_counted(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let records: Vec<Record> = (0..250)
        .map(|n| {
            let mut record = of_kind(n + 1, "busy");
            record.error.as_mut().unwrap().subject.user_id =
                Some(UserId(i64::try_from(n).unwrap()));
            record
        })
        .collect();
    for some in records.chunks(60) {
        fixture.write(some).await;
        fold(&fixture.store, NOW).await;
    }
    let whole = detail(&fixture.store, kind("busy")).await;
    assert_eq!(
        (whole.log.users, whole.log.members_are_bounded),
        (100, true)
    );
    assert_eq!(
        (whole.members.users.known, whole.members.users.others),
        (100, 150)
    );
    assert_eq!(whole.members.users.top.len(), 10);
    assert_eq!(whole.members.accounts.others, 0);
    let mut filter = IssueFilter {
        account_id: Some(AccountId(3)),
        ..IssueFilter::default()
    };
    let found = |filter: IssueFilter| {
        let store = fixture.store.clone();
        async move {
            let asked = store
                .issues(&filter, IssueSort::Impact, &first_page(10), NOW)
                .await;
            asked.unwrap().total
        }
    };
    assert_eq!(found(filter.clone()).await, 1);
    filter.account_id = Some(AccountId(99));
    assert_eq!(found(filter).await, 0);
}

async fn pages_joined_together_are_the_list_in_every_order(subject: Subject) {
    const MESSAGES: [&str; 7] = ["a b", "b c", "c d", "d e", "e f", "f g", "g h"];
    let mut fixture = Fixture::on(subject).await;
    let mut n = 0;
    for (times, message) in (1..).zip(MESSAGES) {
        let records: Vec<Record> = (0..times)
            .map(|_| {
                n += 1;
                of_kind(n, message)
            })
            .collect();
        fixture.write(&records).await;
    }
    fold(&fixture.store, NOW).await;
    for sort in IssueSort::ALL.iter().copied() {
        let all = IssueFilter::default();
        let whole = fixture
            .store
            .issues(&all, sort, &first_page(500), NOW)
            .await
            .unwrap();
        assert_eq!(whole.total, 7);
        let (mut joined, mut page) = (Vec::new(), first_page(2));
        loop {
            let some = fixture.store.issues(&all, sort, &page, NOW).await.unwrap();
            joined.extend(some.items);
            match some.next_cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => break,
            }
        }
        assert_eq!(joined, whole.items, "{sort}");
        let other = IssueSort::ALL.iter().find(|other| **other != sort).unwrap();
        page.cursor = fixture
            .store
            .issues(&all, sort, &first_page(2), NOW)
            .await
            .unwrap()
            .next_cursor;
        let refused = fixture.store.issues(&all, *other, &page, NOW).await;
        assert!(matches!(refused, Err(StoreError::BadCursor)));
    }
    let states = |states: &[IssueState]| IssueFilter {
        states: states.to_vec(),
        q: Some("C".to_owned()),
        ..IssueFilter::default()
    };
    for (filter, expected) in [
        (states(&[]), 2),
        (states(&[IssueState::New, IssueState::Ignored]), 2),
        (states(&[IssueState::Resolved]), 0),
    ] {
        let found = fixture
            .store
            .issues(&filter, IssueSort::Count, &first_page(9), NOW)
            .await;
        assert_eq!(found.unwrap().total, expected);
    }
}

async fn issues_and_hours_go_by_age(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    let much_later = 400 * 24 * u64::try_from(HOUR_MS).unwrap();
    fixture
        .write(&[of_kind(1, "old"), of_kind(2, "busy")])
        .await;
    fixture.write(&[of_kind(much_later, "busy")]).await;
    let now = at(much_later).plus_ms(1);
    fold(&fixture.store, now).await;
    let policy = RetentionPolicy {
        issues_max_age_ms: Some(90 * 24 * HOUR_MS),
        ..RetentionPolicy::default()
    };
    assert_eq!(fixture.store.retain(&policy, now).await.unwrap().issues, 1);
    let left = only(&fixture.store).await;
    assert_eq!((left.title.as_str(), left.count), ("busy", 2));
    let hours = fixture
        .store
        .issue(kind("busy"), at(2))
        .await
        .unwrap()
        .unwrap()
        .hours;
    assert_eq!(hours.len(), 1, "of the newest failure alone");
}

async fn notes_and_changes_of_what_is_not_there_are_refused(subject: Subject) {
    let mut fixture = Fixture::on(subject).await;
    fixture.write(&[of_kind(1, "busy")]).await;
    fold(&fixture.store, NOW).await;
    let (store, key) = (&fixture.store, kind("busy"));
    let author = || Some("ada".to_owned());
    let note = store.add_issue_note(key, Shown::own("seen it"), author(), NOW);
    assert_eq!(note.await.unwrap().text, "seen it");
    assert_eq!(detail(store, key).await.notes.len(), 1);
    let nowhere = store.add_issue_note([0; 16], Shown::own("x"), author(), NOW);
    assert!(matches!(nowhere.await, Err(StoreError::NotFound { .. })));
    let nowhere = store.change_issue([0; 16], IssueChange::Resolve, None, None, SETTINGS, NOW);
    assert!(matches!(nowhere.await, Err(StoreError::NotFound { .. })));
    assert!(store.issue([0; 16], NOW).await.unwrap().is_none());
}
