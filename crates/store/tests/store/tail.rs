//! Following errors as they are committed: every one once, whatever is asked for and whoever commits.

use crate::common::{self, DAY, Fixture, Subject, everything, failure, success};
use waybill_model::{
    id::{ErrorId, UserId},
    record::Record,
    view::{Filter, MissedErrors},
};
use waybill_store::{Newer, RetentionPolicy, Store, TailBounds};

on_both!(
    every_error_that_matches_is_read_once_in_the_order_of_commits,
    one_look_goes_through_a_bounded_number_of_errors,
    who_is_too_far_behind_is_told_what_it_missed,
    where_everything_was_removed_a_reader_stays_where_it_is,
);

const BOUNDS: TailBounds = TailBounds {
    page: 3,
    most_behind: 10_000,
};

/// The `n`th failure, of one user out of three.
fn of_user(n: u64) -> Record {
    let mut record = failure(n);
    let user = UserId(i64::try_from(n % 3).unwrap());
    record.request.as_mut().unwrap().subject.user_id = Some(user);
    record.error.as_mut().unwrap().subject.user_id = Some(user);
    record
}

fn users(user: i64) -> Filter {
    Filter {
        user_id: Some(UserId(user)),
        // A place of a list's; a reader has its own.
        after_id: Some(1_000_000),
        ..everything()
    }
}

/// A reader that goes on until there is nothing more; answers how many looks that took.
async fn read_on(
    store: &Store,
    filter: &Filter,
    place: &mut ErrorId,
    into: &mut Vec<String>,
) -> u32 {
    for looks in 1..100 {
        let Newer {
            errors,
            reached,
            newest,
            missed,
        } = store.errors_after(filter, *place, BOUNDS).await.unwrap();
        assert!(reached >= *place && missed.is_none());
        assert!(errors.len() <= 3 && errors.is_sorted_by_key(|error| error.id));
        *place = reached;
        into.extend(errors.into_iter().map(|error| error.request_id));
        if reached >= newest {
            return looks;
        }
    }
    panic!("no end");
}

async fn every_error_that_matches_is_read_once_in_the_order_of_commits(on: Subject) {
    let mut fixture = Fixture::on(on).await;
    let store = fixture.store.clone();
    assert_eq!(store.newest_error().await.unwrap(), ErrorId(0));
    let mut readers: Vec<(Filter, ErrorId, Vec<String>)> =
        [users(0), users(1), users(2), users(77), everything()]
            .map(|filter| (filter, ErrorId(0), Vec::new()))
            .into();
    // Requests that arrived long ago are committed among younger ones.
    let orders: [&[u64]; 3] = [
        &[500, 1, 400, 2, 300],
        &[10, 9, 8],
        &[600, 7, 6, 5, 4, 3, 700],
    ];
    let mut written = Vec::new();
    for order in orders {
        let mut records: Vec<Record> = order.iter().map(|n| of_user(*n)).collect();
        written.extend(order.iter().copied());
        records.push(success(order[0] + 10_000));
        fixture.write(&records).await;
        for (filter, place, read) in &mut readers {
            read_on(&store, filter, place, read).await;
        }
    }
    let ids = |of: &dyn Fn(u64) -> bool| -> Vec<String> {
        let all = written.iter().copied().filter(|n| of(*n));
        all.map(|n| common::request_id(n).to_string()).collect()
    };
    for (user, (_, place, read)) in readers.iter().take(4).enumerate() {
        assert_eq!(*read, ids(&|n| n % 3 == user as u64), "user {user}");
        assert_eq!(*place, store.newest_error().await.unwrap());
    }
    assert_eq!(readers[4].2, ids(&|_| true));

    let late = Filter {
        start: DAY.plus_ms(400),
        ..everything()
    };
    let (mut place, mut read) = (ErrorId(0), Vec::new());
    read_on(&store, &late, &mut place, &mut read).await;
    assert_eq!(read, ids(&|n| n >= 400));
}

async fn one_look_goes_through_a_bounded_number_of_errors(on: Subject) {
    let mut fixture = Fixture::on(on).await;
    let records: Vec<Record> = (0..5_100).map(plain).collect();
    for chunk in records.chunks(500) {
        fixture.write(chunk).await;
    }
    let (mut place, mut read) = (ErrorId(0), Vec::new());
    let store = fixture.store.clone();
    assert_eq!(read_on(&store, &users(77), &mut place, &mut read).await, 2);
    assert_eq!(
        (read.len(), place),
        (0, store.newest_error().await.unwrap())
    );
    assert_eq!(read_on(&store, &users(77), &mut place, &mut read).await, 1);
}

/// A failure with as little as there can be, for when many are needed.
fn plain(n: u64) -> Record {
    let mut record = failure(n);
    record.events = Vec::new();
    record.replay = None;
    record
}

async fn who_is_too_far_behind_is_told_what_it_missed(on: Subject) {
    let mut fixture = Fixture::on(on).await;
    let records: Vec<Record> = (0..20).map(of_user).collect();
    fixture.write(&records).await;
    let bounds = TailBounds {
        page: 3,
        most_behind: 15,
    };
    let store = fixture.store.clone();
    let newest = store.newest_error().await.unwrap();
    let first = newest.0 - 19;
    let look = async |filter: Filter, after| {
        store
            .errors_after(&filter, ErrorId(after), bounds)
            .await
            .unwrap()
    };

    let Newer {
        errors,
        reached,
        missed,
        ..
    } = look(users(1), first + 1).await;
    assert_eq!((errors.len(), reached), (0, newest));
    let told = MissedErrors {
        after_id: ErrorId(first + 1),
        up_to_id: newest,
        count: 6,
        count_is_estimate: false,
    };
    assert_eq!(missed, Some(told));
    // Of what it does not ask for nothing is missed.
    let nothing = look(users(77), first + 1).await;
    assert_eq!((nothing.missed, nothing.reached), (None, newest));
    let near = look(users(1), newest.0 - 15).await;
    assert_eq!((near.missed, near.errors.len()), (None, 3));
}

async fn where_everything_was_removed_a_reader_stays_where_it_is(on: Subject) {
    let mut fixture = Fixture::on(on).await;
    fixture.write(&[of_user(1), of_user(2)]).await;
    let store = fixture.store.clone();
    let newest = store.newest_error().await.unwrap();
    let policy = RetentionPolicy {
        errors_max_age_ms: Some(1),
        ..RetentionPolicy::default()
    };
    store
        .retain(&policy, DAY.plus_ms(400 * 86_400_000))
        .await
        .unwrap();
    assert_eq!(store.newest_error().await.unwrap(), ErrorId(0));
    let after = store
        .errors_after(&everything(), newest, BOUNDS)
        .await
        .unwrap();
    assert_eq!((after.errors.len(), after.reached), (0, newest));
    fixture.write(&[of_user(3)]).await;
    let after = store
        .errors_after(&everything(), newest, BOUNDS)
        .await
        .unwrap();
    assert_eq!(after.errors.len(), 1);
}
