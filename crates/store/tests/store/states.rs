//! The contract of the store about accounts' states, written against the interface alone: whatever
//! happened, the few events it gives back make up the states that all of them make up.

use crate::common::{DAY, Fixture, Subject, failure, new_account, request_id};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    test_runner::{TestCaseError, TestRunner},
};
use waybill_model::{
    cause::Cause,
    id::{AccountEventId, AccountId, RequestId},
    record::AccountEventRow,
    redact::Redactor,
    state::{AccountEvent, AccountEventKind, AccountState, Scope},
    time::UnixMillis,
};
use waybill_store::{AccountEventFilter, Batch, Fate, RetentionPolicy, Store};

on_both_plain! {
    the_few_events_that_states_are_read_from_fold_to_what_all_events_fold_to,
    what_is_removed_for_its_age_changes_no_state_since_then,
    a_list_of_events_holds_those_that_the_filter_names_newest_first,
}

on_both! {
    a_state_survives_a_crash_with_the_record_behind_it,
    events_are_found_by_the_request_that_caused_them_on_every_account,
    an_event_that_is_stored_already_changes_nothing,
    events_of_deleted_accounts_go_by_age_and_belong_to_no_state,
}

/// What is generated of an event: the rest follows from its place.
#[derive(Debug, Clone, Copy)]
struct Sketch {
    account: usize,
    kind: AccountEventKind,
    scope: usize,
    /// How many events before it the one is that it takes back.
    back: usize,
    /// Later than the event before; earlier where threads overtake each other.
    step_ms: i64,
}

fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
    let kind = select(AccountEventKind::ALL);
    let sketch = (0..2_usize, kind, 0..3_usize, 0..6_usize, -3..20_i64).prop_map(
        |(account, kind, scope, back, step_ms)| Sketch {
            account,
            kind,
            scope,
            back,
            step_ms,
        },
    );
    vec(sketch, 0..60)
}

fn event(id: i64, at: UnixMillis, account: AccountId, kind: AccountEventKind) -> AccountEvent {
    AccountEvent {
        id: AccountEventId(id),
        at,
        account_id: account,
        kind,
        scope: Scope::Account,
        since: None,
        until: kind.sets().map(|_| at.plus_ms(1_000)),
        source: Some("back-off".to_owned()),
        strikes: u32::try_from(id % 7).unwrap(),
        cause: Some(Cause::Overloaded),
        status_code: Some(529),
        reason: format!("reason {id}"),
        request_id: Some(request_id(u64::try_from(id % 5).unwrap())),
        attempt: Some(1),
        actor: None,
        undoes: None,
    }
}

fn events_of(sketches: &[Sketch], accounts: [AccountId; 2]) -> Vec<AccountEvent> {
    let scopes = [
        Scope::Account,
        Scope::Model("opus".into()),
        Scope::Family("sonnet".into()),
    ];
    let mut at = DAY;
    let mut events: Vec<AccountEvent> = Vec::new();
    for (index, sketch) in sketches.iter().enumerate() {
        at = at.plus_ms(sketch.step_ms);
        // Ids have gaps, as those of the gateway do.
        let id = 3 * i64::try_from(index).unwrap() + 1;
        let undone = index.checked_sub(sketch.back + 1).map(|i| events[i].id);
        let takes_back = sketch.kind == AccountEventKind::Compensated;
        events.push(AccountEvent {
            scope: scopes[sketch.scope].clone(),
            undoes: undone.filter(|_| takes_back),
            ..event(id, at, accounts[sketch.account], sketch.kind)
        });
    }
    events
}

fn row(event: &AccountEvent) -> AccountEventRow {
    let redactor = Redactor::default();
    let shown = |text: &Option<String>| text.as_deref().map(|text| redactor.text(text));
    AccountEventRow {
        id: event.id,
        at: event.at,
        account_id: event.account_id,
        kind: event.kind,
        scope: redactor.text(&event.scope.to_string()),
        since: event.since,
        until: event.until,
        source: shown(&event.source),
        strikes: event.strikes,
        cause: event.cause,
        status_code: event.status_code,
        reason: redactor.text(&event.reason),
        request_id: event.request_id,
        attempt: event.attempt,
        actor: shown(&event.actor),
        undoes: event.undoes,
    }
}

/// Writes events, the later half first: threads overtake each other on the way to the journal.
async fn write(f: &mut Fixture, events: &[AccountEvent]) {
    let rows: Vec<_> = events.iter().map(row).collect();
    let (older, newer) = rows.split_at(rows.len() / 2);
    for rows in [newer, older] {
        let report = f.journal.commit(Batch {
            account_events: rows,
            ..Batch::default()
        });
        assert_eq!(
            (report.account_events, report.refused_account_events),
            (rows.len(), 0)
        );
        f.drain().await;
    }
}

/// What every event of an account up to a moment makes up.
fn folded(events: &[AccountEvent], account: AccountId, at: UnixMillis) -> AccountState {
    AccountState::of(
        events
            .iter()
            .filter(|event| event.account_id == account && event.at <= at),
    )
}

async fn two_accounts(store: &Store) -> [AccountId; 2] {
    let mut ids = Vec::new();
    for name in ["one", "two"] {
        ids.push(
            store
                .create_account(new_account(name), DAY)
                .await
                .unwrap()
                .id,
        );
    }
    ids.try_into().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Moments at and around everything that happened.
fn moments(events: &[AccountEvent]) -> Vec<UnixMillis> {
    let around = events.iter().flat_map(|e| [e.at.plus_ms(-1), e.at]);
    let mut all: Vec<_> = around
        .chain([UnixMillis(0), UnixMillis(i64::MAX)])
        .collect();
    // Many happen at the same one.
    all.sort();
    all.dedup();
    all
}

/// Cases per property: those in front of PostgreSQL need a database each.
fn check<S: Strategy>(
    on: Subject,
    strategy: S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let cases = match on {
        Subject::Sqlite => 24,
        Subject::Postgres => 4,
    };
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config).run(&strategy, test).unwrap();
}

fn the_few_events_that_states_are_read_from_fold_to_what_all_events_fold_to(on: Subject) {
    check(on, sketches(), |sketches| {
        runtime().block_on(async {
            let mut f = Fixture::on(on).await;
            let accounts = two_accounts(&f.store).await;
            let events = events_of(&sketches, accounts);
            write(&mut f, &events).await;
            let few = f.store.account_states().await.unwrap();
            prop_assert!(few.is_sorted_by_key(|event| event.id));
            for account in accounts {
                let end = UnixMillis(i64::MAX);
                prop_assert_eq!(folded(&few, account, end), folded(&events, account, end));
                for at in moments(&events) {
                    let then = f.store.account_state_at(account, at).await.unwrap();
                    prop_assert_eq!(then, folded(&events, account, at), "at {}", at.0);
                }
            }
            Ok(())
        })
    });
}

fn what_is_removed_for_its_age_changes_no_state_since_then(on: Subject) {
    check(on, (sketches(), 0..=10_i64), |(sketches, share)| {
        runtime().block_on(async {
            let mut f = Fixture::on(on).await;
            let accounts = two_accounts(&f.store).await;
            let events = events_of(&sketches, accounts);
            write(&mut f, &events).await;
            let last = events
                .iter()
                .map(|event| event.at.0 - DAY.0)
                .max()
                .unwrap_or(0);
            let before = DAY.plus_ms(last * share / 10);
            let policy = RetentionPolicy {
                errors_max_age_ms: Some(0),
                ..RetentionPolicy::default()
            };
            f.store.retain(&policy, before).await.unwrap();
            for account in accounts {
                let kept = f
                    .store
                    .account_events(account, AccountEventFilter::default())
                    .await
                    .unwrap();
                let own: Vec<_> = events.iter().filter(|e| e.account_id == account).collect();
                for event in &own {
                    let newest = own
                        .iter()
                        .rev()
                        .find(|e| (e.kind, &e.scope) == (event.kind, &event.scope));
                    let must_stay = event.at >= before || newest == Some(event);
                    prop_assert!(!must_stay || kept.contains(event), "{} is gone", event.id);
                }
                let since = moments(&events)
                    .into_iter()
                    .filter(|at| *at >= before.plus_ms(-1));
                for at in since {
                    let then = f.store.account_state_at(account, at).await.unwrap();
                    prop_assert_eq!(then, folded(&events, account, at), "at {}", at.0);
                }
            }
            Ok(())
        })
    });
}

fn a_list_of_events_holds_those_that_the_filter_names_newest_first(on: Subject) {
    let maybe = || option::of(-5..900_i64);
    let listings = (
        sketches(),
        maybe(),
        maybe(),
        option::of(select(AccountEventKind::ALL)),
        option::of(0..6_u64),
        1..20_u32,
    );
    check(
        on,
        listings,
        |(sketches, start, end, kind, request, limit)| {
            runtime().block_on(async {
                let mut f = Fixture::on(on).await;
                let accounts = two_accounts(&f.store).await;
                let events = events_of(&sketches, accounts);
                write(&mut f, &events).await;
                let filter = AccountEventFilter {
                    start: start.map(|ms| DAY.plus_ms(ms)),
                    end: end.map(|ms| DAY.plus_ms(ms)),
                    kind,
                    request_id: request.map(request_id),
                    before_id: None,
                    limit,
                };
                let wanted = events.iter().rev().filter(|e| {
                    e.account_id == accounts[0]
                        && filter.start.is_none_or(|start| e.at >= start)
                        && filter.end.is_none_or(|end| e.at < end)
                        && kind.is_none_or(|kind| e.kind == kind)
                        && filter.request_id.is_none_or(|id| e.request_id == Some(id))
                });
                let wanted: Vec<_> = wanted.cloned().collect();
                let mut listed = Vec::new();
                let mut before_id = None;
                loop {
                    let filter = AccountEventFilter {
                        before_id,
                        ..filter
                    };
                    let page = f.store.account_events(accounts[0], filter).await.unwrap();
                    prop_assert!(page.len() <= limit as usize);
                    let Some(last) = page.last() else { break };
                    before_id = Some(last.id);
                    listed.extend(page);
                }
                prop_assert_eq!(listed, wanted);
                Ok(())
            })
        },
    );
}

async fn a_state_survives_a_crash_with_the_record_behind_it(on: Subject) {
    let mut f = Fixture::on(on).await;
    let [account, _] = two_accounts(&f.store).await;
    let limited = event(7, DAY, account, AccountEventKind::RateLimited);
    let report = f.journal.commit(Batch {
        records: &[failure(1)],
        account_events: &[row(&limited)],
        ..Batch::default()
    });
    assert_eq!(
        (report.fates, report.account_events),
        (vec![Fate::Stored], 1)
    );
    let store = f.as_after_a_crash().await;
    assert_eq!(
        store.account_states().await.unwrap(),
        std::slice::from_ref(&limited)
    );
    assert_eq!(store.books().await.unwrap().stored, 1);
    assert_eq!(
        store.account_state_at(account, DAY).await.unwrap(),
        AccountState::of([&limited])
    );
}

async fn events_are_found_by_the_request_that_caused_them_on_every_account(on: Subject) {
    let mut f = Fixture::on(on).await;
    let [one, two] = two_accounts(&f.store).await;
    let caused = |id, account, request: Option<RequestId>| AccountEvent {
        request_id: request,
        ..event(id, DAY, account, AccountEventKind::Overloaded)
    };
    let events = [
        caused(1, one, Some(request_id(9))),
        caused(2, two, Some(request_id(8))),
        caused(3, two, None),
        caused(4, two, Some(request_id(9))),
    ];
    write(&mut f, &events).await;
    let found = f
        .store
        .account_events_of_request(request_id(9))
        .await
        .unwrap();
    assert_eq!(found, [events[0].clone(), events[3].clone()]);
}

async fn an_event_that_is_stored_already_changes_nothing(on: Subject) {
    let mut f = Fixture::on(on).await;
    let [account, _] = two_accounts(&f.store).await;
    let first = event(1, DAY, account, AccountEventKind::Paused);
    write(&mut f, std::slice::from_ref(&first)).await;
    let again = AccountEvent {
        reason: "something else".to_owned(),
        ..first.clone()
    };
    write(&mut f, &[again]).await;
    assert_eq!(f.store.account_states().await.unwrap(), [first]);
}

async fn events_of_deleted_accounts_go_by_age_and_belong_to_no_state(on: Subject) {
    let mut f = Fixture::on(on).await;
    let [kept, deleted] = two_accounts(&f.store).await;
    let events = [
        event(1, DAY, kept, AccountEventKind::Error),
        event(2, DAY, deleted, AccountEventKind::Error),
        event(3, DAY.plus_ms(50), deleted, AccountEventKind::Recovered),
    ];
    write(&mut f, &events).await;
    f.store.delete_account(deleted).await.unwrap();
    assert_eq!(f.store.account_states().await.unwrap(), [events[0].clone()]);
    let policy = RetentionPolicy {
        errors_max_age_ms: Some(100),
        ..RetentionPolicy::default()
    };
    let all = AccountEventFilter::default();
    let report = f.store.retain(&policy, DAY.plus_ms(120)).await.unwrap();
    assert_eq!(report.account_events, 1);
    let left = f.store.account_events(deleted, all).await.unwrap();
    assert_eq!(left, [events[2].clone()]);
    let report = f.store.retain(&policy, DAY.plus_ms(1_000)).await.unwrap();
    assert_eq!(report.account_events, 1);
    assert!(
        f.store
            .account_events(deleted, all)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(f.store.account_states().await.unwrap(), [events[0].clone()]);
}
