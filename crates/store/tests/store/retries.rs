//! The contract about sending failed requests again, held by both databases.

use crate::common::{self, DAY, Fixture, Subject, everything, failure, first_page};
use waybill_model::{
    cause::Cause,
    id::{AccountId, ErrorId, RetryId},
    money::MicroUsd,
    redact::Shown,
    retry::{RetryMode, RetryResult, RetryStatus, Verdict},
    time::UnixMillis,
    view::Filter,
};
use waybill_store::{Begun, NewRetry, RetentionPolicy, RetryBounds, RetryOutcome};

on_both! {
    an_attempt_begins_runs_and_ends_with_what_came_of_it,
    one_at_a_time_is_decided_by_the_database,
    what_its_process_left_behind_is_interrupted,
    attempts_go_with_their_error,
    what_was_sent_again_is_apart_from_what_clients_sent,
}

/// So long that no attempt of a test is old, and none too soon.
const BOUNDS: RetryBounds = RetryBounds {
    every_ms: 0,
    abandoned_after_ms: 3_600_000,
};

fn wish(error: i64, holder: &str) -> NewRetry {
    NewRetry {
        source_error_id: ErrorId(error),
        source_error_at: DAY,
        requested_by_user_id: Some(7),
        mode: RetryMode::Upstream,
        pinned_account_id: Some(AccountId(3)),
        holder: holder.to_owned(),
        replay_id: None,
    }
}

/// What time it is, as far as the embedded store is told; the shared one has a clock of its own.
fn now() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixMillis(since.unwrap().as_millis() as i64)
}

async fn begin(f: &Fixture, error: i64, bounds: RetryBounds) -> Begun {
    let wish = wish(error, "here");
    f.store.begin_retry(wish, bounds, now()).await.unwrap()
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

fn outcome(success: bool) -> RetryOutcome {
    RetryOutcome {
        success,
        verdict: match success {
            true => Verdict::WouldSucceed,
            false => Verdict::FailsTheSame,
        },
        cause: (!success).then_some(Cause::Overloaded),
        fingerprint: (!success).then_some([2; 16]),
        cost: success.then_some(MicroUsd(70)),
        cost_is_unknown: false,
        duration_ms: 12,
        result_request_id: common::request_id(7),
        error_message: (!success).then(|| Shown::own("again")),
        http_status_code: Some(529),
        upstream_request_id: Some(Shown::own("req_1")),
        used_account_id: Some(AccountId(3)),
        response_preview: Some(Shown::own("{}")),
        response_truncated: true,
    }
}

async fn an_attempt_begins_runs_and_ends_with_what_came_of_it(on: Subject) {
    let mut f = Fixture::on(on).await;
    // The error it ends in.
    f.write(&[failure(7)]).await;
    let again = f.store.errors(&everything(), &first_page(1)).await.unwrap();
    let id = began(begin(&f, 41, BOUNDS).await);
    let running = f.store.retry(id).await.unwrap().unwrap();
    assert_eq!(
        (running.status, running.success, running.result_error_id),
        (RetryStatus::Running, None, None)
    );
    assert_eq!(running.requested_by_user_id, Some(7));
    let ended = f.store.finish_retry(id, outcome(false), now()).await;
    let ended = ended.unwrap().unwrap();
    assert_eq!(ended.status, RetryStatus::Failed);
    assert_eq!(ended.result_error_id, Some(again.errors[0].id));
    assert_eq!(ended.error_message.as_deref(), Some("again"));
    assert!(ended.response_truncated && ended.finished_at.is_some());
    assert_eq!(
        (ended.verdict, ended.result_cause, ended.cost_usd),
        (Some(Verdict::FailsTheSame), Some(Cause::Overloaded), None)
    );
    assert_eq!(f.store.retry(id).await.unwrap().as_ref(), Some(&ended));
    assert_eq!(RetryResult::from(ended.clone()).attempt_id, id);
    // It has one end.
    let twice = f.store.finish_retry(id, outcome(true), now()).await;
    assert_eq!(twice.unwrap(), None);
    let second = began(begin(&f, 41, BOUNDS).await);
    let list = f
        .store
        .retries_of(ErrorId(41), &first_page(1))
        .await
        .unwrap();
    assert_eq!((list.items[0].id, list.total), (second, 2));
    assert_eq!(f.store.retry(RetryId(999)).await.unwrap(), None);
}

async fn one_at_a_time_is_decided_by_the_database(on: Subject) {
    let f = Fixture::on(on).await;
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let store = f.store.clone();
            tokio::spawn(async move { store.begin_retry(wish(1, "here"), BOUNDS, now()).await })
        })
        .collect();
    let mut first = None;
    let mut others = 0;
    for one in asking {
        match one.await.unwrap().unwrap() {
            Begun::Began(id) => assert_eq!(first.replace(id), None, "one alone begins"),
            Begun::InProgress(_) => others += 1,
            Begun::TooSoon(_) | Begun::NoTurn | Begun::NoTurnYet => panic!("one runs"),
        }
    }
    assert_eq!(others, 7);
    let first = first.unwrap();
    assert_eq!(begin(&f, 1, BOUNDS).await, Begun::InProgress(first));
    // Another failure is another matter.
    began(begin(&f, 2, BOUNDS).await);
    f.store
        .finish_retry(first, outcome(true), now())
        .await
        .unwrap();
    let often = RetryBounds {
        every_ms: 600_000,
        ..BOUNDS
    };
    let began_at = f.store.retry(first).await.unwrap().unwrap().started_at;
    assert_eq!(
        begin(&f, 1, often).await,
        Begun::TooSoon(began_at.plus_ms(600_000))
    );
    began(begin(&f, 1, BOUNDS).await);
}

async fn what_its_process_left_behind_is_interrupted(on: Subject) {
    let f = Fixture::on(on).await;
    let here = began(begin(&f, 1, BOUNDS).await);
    let there = f.store.begin_retry(wish(2, "there"), BOUNDS, now()).await;
    let there = began(there.unwrap());
    assert_eq!(f.store.interrupt_retries("here", now()).await.unwrap(), 1);
    let ended = f.store.retry(here).await.unwrap().unwrap();
    assert_eq!(
        (ended.status, ended.error_message.as_deref()),
        (RetryStatus::Failed, Some("interrupted"))
    );
    assert_eq!(ended.verdict, Some(Verdict::Interrupted));
    // Others' are let be for as long as they may run,
    assert_eq!(f.store.sweep_retries(BOUNDS, now()).await.unwrap(), 0);
    // and no longer; whoever wants to begin finds out, too.
    let at_once = RetryBounds {
        every_ms: 0,
        abandoned_after_ms: -1,
    };
    began(begin(&f, 2, at_once).await);
    let ended = f.store.retry(there).await.unwrap().unwrap();
    assert_eq!(ended.status, RetryStatus::Failed);
    assert_eq!(f.store.sweep_retries(at_once, now()).await.unwrap(), 1);
}

async fn attempts_go_with_their_error(on: Subject) {
    let mut f = Fixture::on(on).await;
    f.write(&[failure(7)]).await;
    let error = f.store.errors(&everything(), &first_page(1)).await.unwrap();
    let error = error.errors[0].id;
    let id = began(begin(&f, error.0, BOUNDS).await);
    let policy = RetentionPolicy {
        errors_max_age_ms: Some(1),
        ..RetentionPolicy::default()
    };
    f.store.retain(&policy, DAY.plus_ms(-1)).await.unwrap();
    assert!(f.store.retry(id).await.unwrap().is_some());
    let later = DAY.plus_ms(3 * 86_400_000);
    f.store.retain(&policy, later).await.unwrap();
    assert_eq!(f.store.error(error).await.unwrap(), None);
    assert_eq!(f.store.retry(id).await.unwrap(), None);
}

async fn what_was_sent_again_is_apart_from_what_clients_sent(on: Subject) {
    let mut f = Fixture::on(on).await;
    let mut again = failure(8);
    again.request.as_mut().unwrap().subject.replay_of = Some(ErrorId(1));
    again.error.as_mut().unwrap().subject.replay_of = Some(ErrorId(1));
    f.write(&[failure(7), again]).await;
    let of = |replay| Filter {
        replay,
        ..everything()
    };
    let mut found = Vec::new();
    for replay in [None, Some(false), Some(true)] {
        let list = f.store.errors(&of(replay), &first_page(9)).await.unwrap();
        let rows: Vec<_> = list.errors.iter().map(|log| log.replay_of).collect();
        found.push((rows, list.total));
    }
    let [clients, again] = [(vec![None], 1), (vec![Some(ErrorId(1))], 1)];
    assert_eq!(found, [clients.clone(), clients, again]);
    let by_id = Filter {
        request_id: Some(common::request_id(8).to_string()),
        ..everything()
    };
    assert_eq!(
        f.store.errors(&by_id, &first_page(9)).await.unwrap().total,
        1
    );
    let requests = async |replay| f.store.requests(&of(replay), &first_page(9)).await.unwrap();
    assert_eq!(requests(None).await.total, 2, "the list of everything");
    assert_eq!(
        requests(Some(true)).await.items[0].replay_of,
        Some(ErrorId(1))
    );
    let events = async |replay| {
        f.store
            .upstream_errors(&of(replay), &first_page(9))
            .await
            .unwrap()
            .total
    };
    assert_eq!((events(None).await, events(Some(true)).await), (4, 2));
}
