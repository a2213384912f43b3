//! The contract of the journal about what goes along with records: usage, and events that cannot be
//! written now, or never.

use crate::common::{
    self, DAY, Fixture, Subject,
    along::{KEY, count, event, open, stored_ids},
    failure, new_account, success,
};
use rusqlite::TransactionBehavior;
use waybill_model::{
    entity::Status,
    id::{AccountId, ApiKeyId, UserId},
    limits::{Consumer, Limits, UsageCount, Window},
    money::MicroUsd,
    view::Books,
};
use waybill_store::{Batch, Fate, NewUser, RetentionPolicy};

on_both! {
    usage_adds_up_within_a_window_and_begins_anew_with_the_next,
    consumers_are_told_apart_and_usage_survives_a_crash,
    usage_of_those_who_are_no_longer_there_goes,
    what_goes_along_is_handed_back_with_the_records_and_counted_once_when_it_is_taken,
    a_cost_is_on_the_request_it_belongs_to,
}

/// Commits usage alone, which must be taken.
async fn add(f: &mut Fixture, usage: &[UsageCount]) {
    let report = f.journal.commit(Batch {
        usage,
        ..Batch::default()
    });
    assert!(report.usage);
    f.drain().await;
}

async fn usage_adds_up_within_a_window_and_begins_anew_with_the_next(on: Subject) {
    let mut f = Fixture::on(on).await;
    let minute = |minutes: i64, requests| {
        count(KEY, Window::Minute, DAY.plus_ms(60_000 * minutes), requests)
    };
    let total = |requests| count(KEY, Window::Total, DAY, requests);
    add(&mut f, &[minute(5, 1), total(1)]).await;
    add(&mut f, &[minute(5, 2), total(2)]).await;
    let sum = |mut one: UsageCount, other: UsageCount| {
        one.used.add(other.used);
        one
    };
    let expected = [sum(minute(5, 1), minute(5, 2)), sum(total(1), total(2))];
    assert_eq!(f.store.usage_of(KEY).await.unwrap(), expected);
    // What belongs to a minute that is over is not asked for any more; the next one begins at nothing.
    add(&mut f, &[minute(4, 50)]).await;
    assert_eq!(f.store.usage_of(KEY).await.unwrap(), expected);
    add(&mut f, &[minute(6, 7)]).await;
    assert_eq!(
        f.store.usage_of(KEY).await.unwrap(),
        [minute(6, 7), expected[1]]
    );
}

async fn consumers_are_told_apart_and_usage_survives_a_crash(on: Subject) {
    let mut f = Fixture::on(on).await;
    let usage = [
        count(Consumer::User(UserId(1)), Window::Day, DAY, 1),
        count(Consumer::Key(ApiKeyId(1)), Window::Day, DAY, 2),
        count(Consumer::Account(AccountId(1)), Window::Day, DAY, 3),
        count(Consumer::Account(AccountId(2)), Window::Month, DAY, 4),
    ];
    add(&mut f, &usage).await;
    let store = f.as_after_a_crash().await;
    let mut all = store.usage().await.unwrap();
    all.sort_by_key(|count| count.used.requests);
    assert_eq!(all, usage);
    for count in usage {
        assert_eq!(store.usage_of(count.consumer).await.unwrap(), [count]);
    }
}

async fn usage_of_those_who_are_no_longer_there_goes(on: Subject) {
    let mut f = Fixture::on(on).await;
    let account = f.store.create_account(new_account("a"), DAY).await.unwrap();
    let user = NewUser {
        name: "u".to_owned(),
        limits: Limits::default(),
        credit_usd: None,
        status: Status::Active,
    };
    let user = f.store.create_user(user, DAY).await.unwrap();
    let kept = [
        count(Consumer::Account(account.id), Window::Total, DAY, 1),
        count(Consumer::User(user.id), Window::Total, DAY, 2),
    ];
    let gone = [
        count(Consumer::Account(AccountId(99)), Window::Total, DAY, 1),
        count(Consumer::User(UserId(99)), Window::Day, DAY, 1),
        count(Consumer::Key(ApiKeyId(99)), Window::Day, DAY, 1),
    ];
    add(&mut f, &[&kept[..], &gone[..]].concat()).await;
    let policy = RetentionPolicy::default();
    let report = f.store.retain(&policy, DAY).await.unwrap();
    assert_eq!(report.usage, 3);
    let left = f.store.usage().await.unwrap();
    assert!(
        left.len() == 2 && kept.iter().all(|count| left.contains(count)),
        "{left:?}"
    );
}

async fn what_goes_along_is_handed_back_with_the_records_and_counted_once_when_it_is_taken(
    on: Subject,
) {
    let mut f = Fixture::on(on).await;
    let mut other = open(&f);
    let held = other
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .unwrap();
    let usage = [count(KEY, Window::Day, DAY, 1)];
    let (records, account_events) = ([failure(1), success(2)], [event(1), event(2)]);
    let batch = Batch {
        records: &records,
        account_events: &account_events,
        usage: &usage,
    };
    let alone = Batch {
        records: &[],
        ..batch
    };
    for batch in [batch, alone] {
        let report = f.journal.commit(batch);
        assert_eq!(report.fates, vec![Fate::Held; batch.records.len()]);
        assert_eq!((report.account_events, report.usage), (0, false));
    }
    held.rollback().unwrap();
    let report = f.journal.commit(batch);
    assert_eq!(report.fates, [Fate::Stored; 2]);
    assert_eq!((report.account_events, report.usage), (2, true));
    f.drain().await;
    assert_eq!(stored_ids(&f).await, [1, 2]);
    assert_eq!(f.store.usage_of(KEY).await.unwrap(), usage);
    let expected = Books {
        due: 2,
        stored: 2,
        ..Books::default()
    };
    assert_eq!(f.store.books().await.unwrap(), expected);
}

async fn a_cost_is_on_the_request_it_belongs_to(on: Subject) {
    let mut f = Fixture::on(on).await;
    f.write(&[success(1)]).await;
    let requests = f
        .store
        .requests(&common::everything(), &common::first_page(1))
        .await
        .unwrap();
    assert_eq!(requests.items[0].cost_usd, Some(MicroUsd(1_250)));
}
