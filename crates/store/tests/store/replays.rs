//! The contract about sending many failed requests again, held by both databases.

use std::collections::BTreeMap;

use crate::common::{self, DAY, Fixture, Subject, everything, failure, first_page, recovered};
use waybill_model::{
    cause::Cause,
    id::{ErrorId, ReplayId, RetryId},
    issue::{Settings, hex},
    money::MicroUsd,
    redact::Shown,
    retry::{
        NotSent, RetryMode, Verdict,
        many::{
            IssueOutcome, IssueWhy, Replay, ReplayBudget, ReplayIssue, ReplayStatus, StopReason,
            VerdictCounts,
        },
    },
    time::UnixMillis,
    view::{ErrorLog, Filter},
};
use waybill_store::{
    Begun, IssueTurns, NewReplay, NewRetry, Proof, RetentionPolicy, RetryBounds, RetryOutcome, Turn,
};

on_both! {
    a_replay_is_as_it_was_asked_for_and_no_more_run_at_once_than_may,
    failures_are_walked_newest_first_from_any_place_and_never_twice,
    what_each_turn_came_to_is_counted_with_it,
    a_turn_whose_process_ended_is_interrupted_and_not_taken_again,
    a_budget_is_kept_by_whoever_begins,
    a_replay_ends_once_and_not_before_what_is_under_way,
    an_issue_is_proven_by_its_newest_failure_and_by_none_that_failed,
    replays_go_when_their_failures_are_gone,
}

const BOUNDS: RetryBounds = RetryBounds {
    every_ms: 0,
    abandoned_after_ms: 3_600_000,
};

fn now() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixMillis(since.unwrap().as_millis() as i64)
}

fn asked(budget: ReplayBudget, newest: i64) -> NewReplay {
    NewReplay {
        requested_by_user_id: Some(7),
        note: Some(Shown::own("the fix is out")),
        filter: r#"{"issue":"x"}"#.to_owned(),
        mode: RetryMode::Client,
        pinned_account_id: None,
        budget,
        newest_error_id: ErrorId(newest),
        candidates: 12,
        candidates_is_estimate: true,
    }
}

const BUDGET: ReplayBudget = ReplayBudget {
    max_count: 10,
    per_minute: 60,
    max_usd: None,
};

async fn create(f: &Fixture, budget: ReplayBudget) -> ReplayId {
    let made = f.store.create_replay(asked(budget, 99), 4, now()).await;
    made.unwrap().unwrap().id
}

async fn get(f: &Fixture, id: ReplayId) -> Replay {
    f.store.replay(id).await.unwrap().unwrap()
}

fn turn(replay: ReplayId, error: i64) -> Turn {
    Turn {
        replay,
        error: ErrorId(error),
        at: DAY,
    }
}

async fn begin(f: &Fixture, replay: ReplayId, error: i64, at: UnixMillis) -> Begun {
    let new = NewRetry {
        source_error_id: ErrorId(error),
        source_error_at: at,
        requested_by_user_id: Some(7),
        mode: RetryMode::Client,
        pinned_account_id: None,
        holder: "here".to_owned(),
        replay_id: Some(replay),
    };
    f.store.begin_retry(new, BOUNDS, now()).await.unwrap()
}

#[track_caller]
fn began(begun: Begun) -> RetryId {
    match begun {
        Begun::Began(id) => id,
        Begun::InProgress(_) | Begun::TooSoon(_) | Begun::NoTurn | Begun::NoTurnYet => {
            panic!("{begun:?}")
        }
    }
}

fn outcome(verdict: Verdict, cost: Option<i64>, kind: Option<[u8; 16]>) -> RetryOutcome {
    let success = verdict == Verdict::WouldSucceed;
    RetryOutcome {
        success,
        verdict,
        cause: kind.map(|_| Cause::Overloaded),
        fingerprint: kind,
        cost: cost.map(MicroUsd),
        cost_is_unknown: success && cost.is_none(),
        duration_ms: 12,
        result_request_id: common::request_id(7_000),
        error_message: (!success).then(|| Shown::own("again")),
        http_status_code: Some(if success { 200 } else { 529 }),
        upstream_request_id: None,
        used_account_id: None,
        response_preview: Some(Shown::own("{}")),
        response_truncated: false,
    }
}

async fn finish(f: &Fixture, attempt: RetryId, outcome: RetryOutcome) {
    let ended = f.store.finish_retry(attempt, outcome, now()).await;
    assert!(ended.unwrap().is_some());
}

async fn a_replay_is_as_it_was_asked_for_and_no_more_run_at_once_than_may(on: Subject) {
    let f = Fixture::on(on).await;
    let budget = ReplayBudget {
        max_usd: Some(MicroUsd(2_500_000)),
        ..BUDGET
    };
    let made = f.store.create_replay(asked(budget, 99), 2, now()).await;
    let made = made.unwrap().unwrap();
    assert_eq!(
        (made.budget, made.status, made.candidates),
        (budget, ReplayStatus::Running, 12)
    );
    assert!(made.candidates_is_estimate && made.started_at.is_none());
    assert_eq!(made.note.as_deref(), Some("the fix is out"));
    assert_eq!(
        made.filter,
        BTreeMap::from([("issue".to_owned(), "x".to_owned())])
    );
    assert_eq!(
        (made.requested_by_user_id, made.mode),
        (Some(7), RetryMode::Client)
    );
    let other = create(&f, BUDGET).await;
    let third = f.store.create_replay(asked(BUDGET, 99), 2, now()).await;
    assert_eq!(third.unwrap(), None);
    let list = f.store.replays(&first_page(9)).await.unwrap();
    assert_eq!(
        list.items.iter().map(|r| r.id).collect::<Vec<_>>(),
        [other, made.id]
    );
    assert_eq!(list.total, 2);
    assert_eq!(f.store.running_replays().await.unwrap(), [made.id, other]);
    f.store.cancel_replay(other, now()).await.unwrap();
    assert_eq!(f.store.running_replays().await.unwrap(), [made.id]);
    assert!(
        f.store
            .create_replay(asked(BUDGET, 99), 2, now())
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(f.store.replay(ReplayId(999)).await.unwrap(), None);
}

async fn failures_are_walked_newest_first_from_any_place_and_never_twice(on: Subject) {
    let mut f = Fixture::on(on).await;
    let rows: Vec<_> = (1..=7).map(failure).collect();
    f.write(&rows).await;
    let all = f.store.errors(&everything(), &first_page(9)).await.unwrap();
    let (mut place, mut walked) = (None, Vec::new());
    loop {
        let page = f
            .store
            .errors_behind(&everything(), place, 2)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        place = Some(*last);
        walked.extend(page.iter().map(|(_, id)| *id));
    }
    let all: Vec<ErrorId> = all.errors.iter().map(|log| log.id).collect();
    assert_eq!(walked, all);
}

async fn what_each_turn_came_to_is_counted_with_it(on: Subject) {
    let mut f = Fixture::on(on).await;
    let rows: Vec<_> = (1..=5).map(failure).collect();
    f.write(&rows).await;
    let list = f.store.errors(&everything(), &first_page(9)).await.unwrap();
    let logs: Vec<ErrorLog> = list.errors;
    let id = create(&f, BUDGET).await;
    let verdicts = [
        (Verdict::WouldSucceed, Some(40), None),
        (Verdict::WouldSucceed, None, None),
        (Verdict::FailsTheSame, None, Some([2; 16])),
    ];
    for (log, (verdict, cost, kind)) in logs.iter().zip(verdicts) {
        let attempt = began(begin(&f, id, log.id.0, log.created_at).await);
        assert_eq!(get(&f, id).await.under_way, 1);
        finish(&f, attempt, outcome(verdict, cost, kind)).await;
    }
    let skipped = Turn {
        replay: id,
        error: logs[3].id,
        at: logs[3].created_at,
    };
    for expected in [true, false] {
        let took = f
            .store
            .skip_in_replay(skipped, NotSent::BodyExpired, now())
            .await;
        assert_eq!(took.unwrap(), expected, "a failure has one turn");
    }
    let replay = get(&f, id).await;
    assert_eq!(
        replay.verdicts,
        VerdictCounts {
            would_succeed: 2,
            fails_the_same: 1,
            not_replayable: 1,
            ..VerdictCounts::default()
        }
    );
    assert_eq!(
        (replay.done, replay.sent, replay.under_way, replay.unpriced),
        (4, 3, 0, 1)
    );
    assert_eq!(replay.spent_usd, MicroUsd(40));
    assert!(replay.started_at.is_some());
    let course = f.store.replay_course(id).await.unwrap().unwrap();
    assert_eq!(course.place, Some((skipped.at, skipped.error)));
    assert_eq!(
        (course.not_sent_in_a_row, course.newest_error_id),
        (1, ErrorId(99))
    );
    assert!(course.last_began_at.is_some());

    let items = f
        .store
        .replay_items(id, None, &first_page(9))
        .await
        .unwrap();
    assert_eq!(items.total, 4);
    let order: Vec<ErrorId> = items.items.iter().map(|i| i.source_error_id).collect();
    assert_eq!(
        order,
        logs[..4].iter().map(|log| log.id).collect::<Vec<_>>()
    );
    let served = &items.items[0];
    let (old, new) = (served.old.as_ref().unwrap(), served.new.as_ref().unwrap());
    assert_eq!(
        (old.status_code, old.cause),
        (logs[0].status_code, logs[0].cause)
    );
    assert_eq!(
        (new.status_code, new.cost_usd),
        (Some(200), Some(MicroUsd(40)))
    );
    assert!(served.summary.ends_with("is 200"), "{}", served.summary);
    let skipped = &items.items[3];
    assert_eq!(
        (
            skipped.verdict,
            skipped.reason,
            skipped.attempt_id,
            &skipped.new
        ),
        (
            Some(Verdict::NotReplayable),
            Some(NotSent::BodyExpired),
            None,
            &None
        )
    );
    let same = Some(Verdict::FailsTheSame);
    let only = f
        .store
        .replay_items(id, same, &first_page(9))
        .await
        .unwrap();
    assert_eq!((only.total, only.items[0].verdict), (1, same));
    let mut seen = only.items[0].clone();
    seen.withhold();
    assert_eq!(seen.new.unwrap().preview, None);
    let attempt = only.items[0].attempt_id.unwrap();
    assert_eq!(
        f.store.retry(attempt).await.unwrap().unwrap().replay_id,
        Some(id)
    );
}

async fn a_turn_whose_process_ended_is_interrupted_and_not_taken_again(on: Subject) {
    let f = Fixture::on(on).await;
    let id = create(&f, BUDGET).await;
    let attempt = began(begin(&f, id, 5, DAY).await);
    f.store.interrupt_retries("here", now()).await.unwrap();
    let replay = get(&f, id).await;
    assert_eq!((replay.verdicts.interrupted, replay.under_way), (1, 0));
    assert_eq!(replay.unpriced, 1, "what it cost is not known");
    // Its end comes too late, and counts once.
    let late = outcome(Verdict::WouldSucceed, Some(1), None);
    let ended = f.store.finish_retry(attempt, late, now()).await;
    assert_eq!(ended.unwrap(), None);
    assert_eq!(begin(&f, id, 5, DAY).await, Begun::NoTurn);
    let other = began(begin(&f, id, 4, DAY).await);
    let at_once = RetryBounds {
        every_ms: 0,
        abandoned_after_ms: -1,
    };
    f.store.sweep_retries(at_once, now()).await.unwrap();
    assert_eq!(get(&f, id).await.verdicts.interrupted, 2);
    let items = f
        .store
        .replay_items(id, None, &first_page(9))
        .await
        .unwrap();
    assert_eq!(items.items[1].attempt_id, Some(other));
    assert!(
        items.items[1].summary.contains("nothing is known of it"),
        "{}",
        items.items[1].summary
    );
}

async fn a_budget_is_kept_by_whoever_begins(on: Subject) {
    let f = Fixture::on(on).await;
    let two = ReplayBudget {
        max_count: 2,
        max_usd: Some(MicroUsd(100)),
        ..BUDGET
    };
    let id = create(&f, two).await;
    let first = began(begin(&f, id, 9, DAY).await);
    // Others are no turns of it.
    let other = create(&f, BUDGET).await;
    assert_eq!(begin(&f, other, 9, DAY).await, Begun::InProgress(first));
    finish(&f, first, outcome(Verdict::WouldSucceed, Some(99), None)).await;
    began(begin(&f, id, 8, DAY).await);
    assert_eq!(begin(&f, id, 7, DAY).await, Begun::NoTurn, "by count");
    let poor = create(&f, two).await;
    let only = began(begin(&f, poor, 6, DAY).await);
    // Nobody knows yet what that costs, whoever asks.
    assert_eq!(begin(&f, poor, 5, DAY).await, Begun::NoTurnYet);
    finish(&f, only, outcome(Verdict::WouldSucceed, Some(100), None)).await;
    assert_eq!(begin(&f, poor, 5, DAY).await, Begun::NoTurn, "by money");
    let dark = create(&f, two).await;
    let only = began(begin(&f, dark, 6, DAY).await);
    finish(&f, only, outcome(Verdict::WouldSucceed, None, None)).await;
    let next = begin(&f, dark, 5, DAY).await;
    assert_eq!(next, Begun::NoTurn, "what it cost is not known");
    f.store.cancel_replay(other, now()).await.unwrap();
    assert_eq!(begin(&f, other, 5, DAY).await, Begun::NoTurn, "cancelled");
    let skipped = f
        .store
        .skip_in_replay(turn(other, 5), NotSent::NoAccount, now());
    assert!(!skipped.await.unwrap());
    assert_eq!(get(&f, other).await.done, 0);
}

async fn a_replay_ends_once_and_not_before_what_is_under_way(on: Subject) {
    let f = Fixture::on(on).await;
    let id = create(&f, BUDGET).await;
    let attempt = began(begin(&f, id, 9, DAY).await);
    let stop = Some(StopReason::CountReached);
    let said = vec![ReplayIssue {
        issue: "02".to_owned(),
        outcome: IssueOutcome::KeptOpen,
        why: Some(IssueWhy::NewerHidden),
        error_id: ErrorId(9),
    }];
    let end = async || {
        let ended = f.store.end_replay(id, stop, said.clone(), now()).await;
        ended.unwrap()
    };
    assert!(!f.store.settle_replay(id).await.unwrap());
    assert!(!end().await);
    let running = get(&f, id).await;
    assert_eq!(
        (running.status, running.issues),
        (ReplayStatus::Running, Vec::new())
    );
    finish(&f, attempt, outcome(Verdict::WouldSucceed, None, None)).await;
    assert!(f.store.settle_replay(id).await.unwrap());
    assert!(end().await);
    let ended = get(&f, id).await;
    assert_eq!(ended.issues, said);
    assert_eq!(
        (ended.status, ended.stopped_because),
        (ReplayStatus::Stopped, stop)
    );
    assert!(ended.finished_at.is_some());
    // It stays as it ended.
    let again = f.store.cancel_replay(id, now()).await.unwrap();
    assert_eq!(again.as_ref(), Some(&ended));
    assert_eq!(
        f.store.cancel_replay(ReplayId(99), now()).await.unwrap(),
        None
    );
    let other = create(&f, BUDGET).await;
    let none = Vec::new();
    assert!(f.store.end_replay(other, None, none, now()).await.unwrap());
    assert_eq!(get(&f, other).await.status, ReplayStatus::Finished);
}

async fn an_issue_is_proven_by_its_newest_failure_and_by_none_that_failed(on: Subject) {
    let mut f = Fixture::on(on).await;
    let rows: Vec<_> = (1..=3).map(failure).chain([recovered(9)]).collect();
    f.write(&rows).await;
    let settings = Settings { quiet_ms: None };
    while f.store.fold_issues(settings, now()).await.unwrap().more {}
    let list = f.store.errors(&everything(), &first_page(9)).await.unwrap();
    let logs = list.errors;
    let issue = f.store.issue_of_error(logs[0].id).await.unwrap().unwrap();
    let kind = hex::key(&logs[0].fingerprint);

    let id = create(&f, BUDGET).await;
    let mut attempts = Vec::new();
    for log in &logs[..2] {
        let attempt = began(begin(&f, id, log.id.0, log.created_at).await);
        finish(&f, attempt, outcome(Verdict::WouldSucceed, None, None)).await;
        attempts.push(attempt);
    }
    let proof = Proof {
        source: logs[0].id,
        attempt: attempts[0],
    };
    let said = f.store.issues_of_replay(id).await.unwrap();
    assert_eq!(
        said,
        [IssueTurns {
            issue,
            said: Ok(proof)
        }]
    );
    // One that failed says that it is not over, and so does one that was served after one that was hidden: of several
    // that were, the last one's kind is known.
    let other_kind = Some([2; 16]);
    for (verdict, kind, why) in [
        (Verdict::FailsTheSame, kind, IssueWhy::FailedAgain),
        (Verdict::WouldSucceed, kind, IssueWhy::HiddenOnTheWay),
        (Verdict::WouldSucceed, other_kind, IssueWhy::HiddenOnTheWay),
    ] {
        let other = create(&f, BUDGET).await;
        for (at, log) in logs[..2].iter().enumerate() {
            let attempt = began(begin(&f, other, log.id.0, log.created_at).await);
            let how = match at {
                0 => outcome(Verdict::WouldSucceed, None, None),
                _ => outcome(verdict, None, kind),
            };
            finish(&f, attempt, how).await;
        }
        let against = Err((why, logs[1].id));
        let said = f.store.issues_of_replay(other).await.unwrap();
        assert_eq!(
            said,
            [IssueTurns {
                issue,
                said: against
            }],
            "{verdict}"
        );
        f.store.cancel_replay(other, now()).await.unwrap();
    }
}

async fn replays_go_when_their_failures_are_gone(on: Subject) {
    let mut f = Fixture::on(on).await;
    f.write(&[failure(7)]).await;
    let error = f.store.errors(&everything(), &first_page(1)).await.unwrap();
    let error = &error.errors[0];
    let (id, running) = (create(&f, BUDGET).await, create(&f, BUDGET).await);
    let attempt = began(begin(&f, id, error.id.0, error.created_at).await);
    finish(&f, attempt, outcome(Verdict::WouldSucceed, None, None)).await;
    let none = Vec::new();
    f.store.end_replay(id, None, none, now()).await.unwrap();
    let policy = RetentionPolicy {
        errors_max_age_ms: Some(1_000),
        ..RetentionPolicy::default()
    };
    // The failure is old, the replay is not.
    f.store.retain(&policy, now()).await.unwrap();
    assert_eq!(f.store.error(error.id).await.unwrap(), None);
    let items = f
        .store
        .replay_items(id, None, &first_page(9))
        .await
        .unwrap();
    assert_eq!(items.total, 0);
    assert_eq!(get(&f, id).await.done, 1, "what came of it stays counted");
    let later = now().plus_ms(86_400_000);
    f.store.retain(&policy, later).await.unwrap();
    assert_eq!(f.store.replay(id).await.unwrap(), None);
    assert_eq!(get(&f, running).await.status, ReplayStatus::Running);
    let none = Filter::between(DAY, DAY.plus_ms(1));
    assert!(
        f.store
            .errors_behind(&none, None, 9)
            .await
            .unwrap()
            .is_empty()
    );
}

/// Another program's hand on an embedded store's file.
fn other_program(f: &Fixture) -> rusqlite::Connection {
    rusqlite::Connection::open(f.file()).unwrap()
}

#[tokio::test]
async fn whether_a_replay_may_end_is_asked_without_writing() {
    let f = Fixture::new();
    let id = create(&f, BUDGET).await;
    let attempt = began(begin(&f, id, 9, DAY).await);
    let other = other_program(&f);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Whoever would write now would wait, and be refused.
    assert!(!f.store.settle_replay(id).await.unwrap());
    other.execute_batch("ROLLBACK").unwrap();
    // An attempt that is gone is not waited for.
    let gone = format!("DELETE FROM retry_attempts WHERE id = {attempt}");
    other.execute_batch(&gone).unwrap();
    assert!(f.store.settle_replay(id).await.unwrap());
    assert_eq!(get(&f, id).await.verdicts.interrupted, 1);
}

#[tokio::test]
async fn a_failure_that_cannot_be_read_keeps_nobody_from_the_others() {
    let mut f = Fixture::new();
    let rows: Vec<_> = (1..=3).map(failure).collect();
    f.write(&rows).await;
    let all = f.store.errors(&everything(), &first_page(9)).await.unwrap();
    let (bad, at) = (all.errors[1].id, all.errors[1].created_at);
    let spoil = format!("UPDATE errors SET cause = 'of another version' WHERE id = {bad}");
    other_program(&f).execute_batch(&spoil).unwrap();
    assert!(f.store.error(bad).await.is_err());
    let walked = f.store.errors_behind(&everything(), None, 9).await.unwrap();
    assert_eq!(walked.len(), 3);
    let id = create(&f, BUDGET).await;
    let skipped = Turn {
        replay: id,
        error: bad,
        at,
    };
    let took = f.store.skip_in_replay(skipped, NotSent::Unreadable, now());
    assert!(took.await.unwrap());
    let items = f.store.replay_items(id, None, &first_page(9)).await;
    let item = items.unwrap().items.remove(0);
    assert_eq!(item.verdict, Some(Verdict::NotReplayable));
    assert!(
        item.summary
            .ends_with("what is stored of it cannot be read")
    );
}

#[tokio::test]
async fn few_among_many_are_counted_to_the_end() {
    let mut f = Fixture::new();
    let rows: Vec<_> = (1..=8_000).map(failure).collect();
    f.write(&rows).await;
    let resolve = "UPDATE errors SET resolved = 1 WHERE id % 40 = 0";
    other_program(&f).execute_batch(resolve).unwrap();
    // So that each block has one or two, and a list has no time for all of them.
    while f.store.index_errors().await.unwrap().more {}
    let rare = Filter {
        resolved: Some(true),
        ..everything()
    };
    assert_eq!(f.store.count_errors(&rare).await.unwrap(), (200, false));
}
