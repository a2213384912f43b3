//! What a simulation reads: pages of requests and attempts, and accounts as they were; the same in both databases.

use crate::common::{DAY, Fixture, Subject, failure, success};
use waybill_model::{record::Record, time::UnixMillis};
use waybill_store::PastPlace;

on_both!(
    every_request_and_attempt_of_a_window_is_read_once_newest_first,
    a_window_has_its_ends,
);

fn at(mut record: Record, ms: i64) -> Record {
    let at = DAY.plus_ms(ms);
    if let Some(request) = &mut record.request {
        request.subject.created_at = at;
    }
    if let Some(error) = &mut record.error {
        error.subject.created_at = at;
    }
    for event in &mut record.events {
        event.created_at = at;
    }
    record
}

async fn all(
    fixture: &Fixture,
    window: (UnixMillis, UnixMillis),
    page: u32,
) -> (Vec<PastPlace>, Vec<PastPlace>) {
    let (mut requests, mut attempts): (Vec<PastPlace>, Vec<PastPlace>) = (Vec::new(), Vec::new());
    loop {
        let found = fixture
            .store
            .past_requests(window, requests.last().copied(), page)
            .await
            .unwrap();
        requests.extend(found.iter().map(|found| found.place));
        if found.len() < page as usize {
            break;
        }
    }
    loop {
        let found = fixture
            .store
            .past_attempts(window, attempts.last().copied(), page)
            .await
            .unwrap();
        attempts.extend(found.iter().map(|found| found.place));
        if found.len() < page as usize {
            return (requests, attempts);
        }
    }
}

async fn every_request_and_attempt_of_a_window_is_read_once_newest_first(on: Subject) {
    let mut fixture = Fixture::on(on).await;
    // Several in the same millisecond, so that pages end among them.
    let mut records: Vec<Record> = (0..20)
        .map(|n| at(failure(n), i64::try_from(n / 6).unwrap()))
        .collect();
    records.extend((100..120).map(|n| at(success(n), i64::try_from((n - 100) / 6).unwrap())));
    let events: usize = records.iter().map(|record| record.events.len()).sum();
    fixture.write(&records).await;
    let window = (DAY, DAY.plus_ms(86_400_000));
    let whole = all(&fixture, window, 1000).await;
    assert_eq!((whole.0.len(), whole.1.len()), (40, events));
    let key = |place: &PastPlace| std::cmp::Reverse((place.created_at, place.id));
    assert!(whole.0.is_sorted_by_key(key) && whole.1.is_sorted_by_key(key));
    assert_eq!(all(&fixture, window, 7).await, whole);
}

async fn a_window_has_its_ends(on: Subject) {
    let mut fixture = Fixture::on(on).await;
    let records = [(0, 0), (1, 10), (2, 20)].map(|(n, ms)| at(failure(n), ms));
    fixture.write(&records).await;
    let window = (DAY.plus_ms(10), DAY.plus_ms(20));
    let found = fixture.store.past_requests(window, None, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].cause.is_some() && !found[0].is_replay);
    let of: Vec<_> = fixture.store.past_attempts(window, None, 10).await.unwrap();
    let own: Vec<_> = of
        .iter()
        .filter(|attempt| attempt.request_id == found[0].request_id)
        .collect();
    assert!(!own.is_empty());
    let states = fixture.store.account_states_at(DAY).await.unwrap();
    assert_eq!(states, []);
}
