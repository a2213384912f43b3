//! The contract of journal and store about records, written against the interface alone.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{
    DAY, DEADLINE, Fixture, Subject, at, everything, failure, first_page, recovered, request_id,
    success,
};
use waybill_model::{
    cause::Cause,
    id::ErrorId,
    record::Verdict,
    view::{Books, Filter, NoiseCount, Page, Sort, View},
};
use waybill_store::{Batch, Fate, Kind, LossReason, StoreError};

on_both! {
    a_failure_can_be_opened_with_everything_that_was_written,
    what_does_not_exist_is_nothing_or_not_found,
    a_hidden_failure_is_an_upstream_error_but_no_failed_request,
    requests_that_failover_saved_are_not_among_the_failed_ones,
    a_record_written_twice_is_stored_once_and_counted_once,
    losses_before_the_journal_are_counted_at_once_and_written_with_the_next_commit,
    events_without_an_error_row_are_set_aside_and_their_neighbours_stored,
    there_is_one_journal_at_a_time,
    noise_is_counted_per_minute_source_and_cause_with_few_samples,
    resolved_is_a_mark_that_can_be_filtered_by,
    a_total_stops_counting_and_says_so,
    a_foreign_cursor_is_refused,
    many_callers_are_answered_while_the_journal_writes,
}

async fn a_failure_can_be_opened_with_everything_that_was_written(on: Subject) {
    let mut f = Fixture::on(on).await;
    f.write(&[failure(7)]).await;
    let list = f
        .store
        .errors(&everything(), &first_page(10))
        .await
        .unwrap();
    assert_eq!(
        (list.errors.len(), list.total, list.total_is_estimate),
        (1, 1, false)
    );
    assert_eq!(list.next_cursor, None);
    let log = &list.errors[0];
    assert_eq!(log.request_id, request_id(7).to_string());
    assert_eq!(log.created_at, at(7));
    assert_eq!(log.cause, Cause::Overloaded);
    assert_eq!(log.fingerprint, "09".repeat(16));
    assert_eq!(log.client_ip, "192.0.2.7");

    let detail = f.store.error(log.id).await.unwrap().unwrap();
    assert_eq!(&detail.log, log);
    assert_eq!(detail.error_body.as_deref(), Some(r#"{"type":"error"}"#));
    assert_eq!(detail.user_agent.as_deref(), Some("test-agent/1.0"));
    assert_eq!(detail.upstream_status_code, Some(529));
    assert_eq!(detail.upstream_error_message.as_deref(), Some("Overloaded"));
    assert_eq!(
        detail.upstream_error_detail.as_deref(),
        Some("overloaded_error")
    );
    assert_eq!(
        (
            detail.auth_latency_ms,
            detail.routing_latency_ms,
            detail.upstream_latency_ms
        ),
        (Some(1), Some(2), Some(3))
    );
    assert_eq!(
        (detail.response_latency_ms, detail.time_to_first_token_ms),
        (Some(4), Some(321))
    );
    assert_eq!(detail.request_body.as_ref().map(String::len), Some(2_048));
    assert_eq!(
        (detail.request_body_truncated, detail.request_body_bytes),
        (false, 2_048)
    );
    assert_eq!(
        detail.request_headers.as_deref(),
        Some(r#"{"accept":"*/*"}"#)
    );
    assert_eq!(detail.route, failure(7).error.unwrap().route);
    assert_eq!(detail.queued, failure(7).error.unwrap().queued);
    assert_eq!(detail.explanation, Cause::Overloaded.info().explanation);
    assert_eq!(detail.remedy, Cause::Overloaded.info().remedy);
    assert!(detail.replayable);
    assert_eq!(
        detail
            .attempts
            .iter()
            .map(|a| a.attempt)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    let as_text: serde_json::Value =
        serde_json::from_str(&detail.upstream_errors.clone().unwrap()).unwrap();
    assert_eq!(as_text, serde_json::to_value(&detail.attempts).unwrap());

    let event = &detail.attempts[0];
    assert_eq!(
        f.store.upstream_error(event.id).await.unwrap().as_ref(),
        Some(event)
    );
    assert_eq!(
        (event.error_id, event.at_unix_ms),
        (Some(log.id), at(7).0 + 1)
    );
    assert_eq!(
        event.response_headers.as_deref(),
        Some(r#"{"retry-after":"2"}"#)
    );
    assert_eq!(event.retry_after_ms, Some(2_000));
    assert_eq!(event.decision_reason, "another account may serve");
    assert!(!event.recovered);

    let by_request = f.store.error_by_request_id(&log.request_id).await.unwrap();
    assert_eq!(by_request, Some(detail));
    let (sealed, body_bytes) = f.store.replay_body(log.id).await.unwrap().unwrap();
    assert_eq!((sealed.0.len(), body_bytes), (600, 2_048));
}

async fn what_does_not_exist_is_nothing_or_not_found(on: Subject) {
    let f = Fixture::on(on).await;
    assert_eq!(f.store.error(ErrorId(1)).await.unwrap(), None);
    assert_eq!(
        f.store.error_by_request_id("no-such-id").await.unwrap(),
        None
    );
    assert_eq!(f.store.replay_body(ErrorId(1)).await.unwrap(), None);
    assert_eq!(
        f.store
            .events_of_error(ErrorId(1), &first_page(5))
            .await
            .unwrap()
            .total,
        0
    );
    let missing = f.store.set_resolved(ErrorId(1), true).await;
    assert!(matches!(
        missing,
        Err(StoreError::NotFound {
            kind: Kind::Error,
            id: 1
        })
    ));
}

async fn a_hidden_failure_is_an_upstream_error_but_no_failed_request(on: Subject) {
    let mut f = Fixture::on(on).await;
    f.write(&[recovered(1), failure(2), success(3)]).await;
    let mut filter = everything();
    assert_eq!(
        f.store
            .errors(&filter, &first_page(10))
            .await
            .unwrap()
            .total,
        1
    );
    let events = f
        .store
        .upstream_errors(&filter, &first_page(10))
        .await
        .unwrap();
    assert_eq!(events.events.iter().filter(|e| e.recovered).count(), 1);
    assert_eq!(events.total, 3);
    filter.recovered = Some(true);
    assert_eq!(
        f.store
            .errors(&filter, &first_page(10))
            .await
            .unwrap()
            .total,
        1
    );
    assert_eq!(
        f.store
            .upstream_errors(&filter, &first_page(10))
            .await
            .unwrap()
            .total,
        1
    );
    filter.recovered = Some(false);
    assert_eq!(
        f.store
            .upstream_errors(&filter, &first_page(10))
            .await
            .unwrap()
            .total,
        2
    );
    let requests = f
        .store
        .requests(&everything(), &first_page(10))
        .await
        .unwrap();
    assert_eq!(
        requests
            .items
            .iter()
            .map(|r| r.recovered)
            .collect::<Vec<_>>(),
        [false, false, true]
    );
    assert_eq!(requests.items[0].usage.input_tokens, Some(1_000));
}

async fn requests_that_failover_saved_are_not_among_the_failed_ones(on: Subject) {
    let mut f = Fixture::on(on).await;
    f.write(&[recovered(1), failure(2), success(3)]).await;
    let asking_for_failures: [fn(&mut Filter, &Verdict); 5] = [
        |filter, _| filter.view = View::Errors,
        |filter, verdict| filter.owner = Some(verdict.owner),
        |filter, verdict| filter.phase = Some(verdict.phase),
        |filter, verdict| filter.error_type = Some(verdict.error_type),
        |filter, verdict| filter.severity = Some(verdict.severity),
    ];
    let verdict = common::verdict(Cause::Overloaded);
    for ask in asking_for_failures {
        let mut filter = everything();
        ask(&mut filter, &verdict);
        let mut found: Vec<Vec<_>> = Vec::new();
        for recovered in [None, Some(true)] {
            filter.recovered = recovered;
            let list = f.store.requests(&filter, &first_page(9)).await.unwrap();
            found.push(list.items.into_iter().map(|r| r.created_at).collect());
        }
        assert_eq!(found, [vec![at(2)], vec![at(1)]], "{filter:?}");
    }
}

async fn a_record_written_twice_is_stored_once_and_counted_once(on: Subject) {
    let mut f = Fixture::on(on).await;
    f.write(&[failure(1), failure(1), success(2)]).await;
    f.write(&[failure(1), success(2)]).await;
    assert_eq!(
        f.store
            .errors(&everything(), &first_page(10))
            .await
            .unwrap()
            .total,
        1
    );
    assert_eq!(
        f.store
            .upstream_errors(&everything(), &first_page(10))
            .await
            .unwrap()
            .total,
        2
    );
    assert_eq!(
        f.store
            .requests(&everything(), &first_page(10))
            .await
            .unwrap()
            .total,
        2
    );
    assert_eq!(
        f.store.books().await.unwrap(),
        Books {
            due: 2,
            stored: 2,
            ..Books::default()
        }
    );
}

async fn losses_before_the_journal_are_counted_at_once_and_written_with_the_next_commit(
    on: Subject,
) {
    let mut f = Fixture::on(on).await;
    f.write(&[success(1)]).await;
    f.store.count_lost(3, LossReason::QueueFull);
    let expected = Books {
        due: 4,
        stored: 1,
        counted_lost: 3,
        ..Books::default()
    };
    assert_eq!(f.store.books().await.unwrap(), expected);
    f.journal.commit(Batch::default());
    f.drain().await;
    assert_eq!(f.store.books().await.unwrap(), expected);
    let losses = f.store.losses().await.unwrap();
    assert_eq!(
        (losses.len(), losses[0].reason, losses[0].count),
        (1, LossReason::QueueFull, 3)
    );
}

async fn events_without_an_error_row_are_set_aside_and_their_neighbours_stored(on: Subject) {
    let mut f = Fixture::on(on).await;
    let mut odd = failure(2);
    odd.error = None;
    let report = f
        .journal
        .commit(Batch::of(&[failure(1), odd, failure(3), success(4)]));
    assert_eq!(
        report.fates,
        [Fate::Stored, Fate::SetAside, Fate::Stored, Fate::Stored]
    );
    f.drain().await;
    let aside = f.store.set_aside(10).await.unwrap();
    assert_eq!(
        (aside.len(), aside[0].request_id.clone()),
        (1, request_id(2).to_string())
    );
    let expected = Books {
        due: 4,
        stored: 4,
        set_aside: 1,
        ..Books::default()
    };
    assert_eq!(f.store.books().await.unwrap(), expected);
}

async fn there_is_one_journal_at_a_time(on: Subject) {
    let f = Fixture::on(on).await;
    assert!(matches!(f.store.journal(), Err(StoreError::JournalTaken)));
    drop(f.journal);
    assert!(f.store.journal().is_ok());
}

async fn noise_is_counted_per_minute_source_and_cause_with_few_samples(on: Subject) {
    let mut f = Fixture::on(on).await;
    let noise = |ip: &str, count, sample: &str| NoiseCount {
        minute: DAY,
        client_ip: ip.to_owned(),
        cause: Cause::GatewayInvalidKey,
        count,
        samples: vec![sample.to_owned()],
    };
    f.journal
        .commit_noise(&[noise("192.0.2.1", 10, "a"), noise("192.0.2.2", 1, "b")])
        .unwrap();
    for sample in ["a", "c", "d", "e", "f", "g", "h"] {
        f.journal
            .commit_noise(&[noise("192.0.2.1", 1, sample)])
            .unwrap();
    }
    f.drain().await;
    let page = Page {
        sort: Sort::Oldest,
        ..first_page(10)
    };
    let list = f.store.noise(DAY, DAY.plus_ms(1), &page).await.unwrap();
    assert_eq!(
        list.items.iter().map(|n| n.count).collect::<Vec<_>>(),
        [17, 1]
    );
    assert_eq!(list.items[0].samples, ["a", "c", "d", "e", "f"]);
    assert_eq!(
        f.store
            .noise(DAY.plus_ms(1), DAY.plus_ms(9), &page)
            .await
            .unwrap()
            .total,
        0
    );
    let one = f
        .store
        .noise(
            DAY,
            DAY.plus_ms(1),
            &Page {
                page_size: 1,
                ..page.clone()
            },
        )
        .await
        .unwrap();
    let rest = Page {
        cursor: one.next_cursor,
        page_size: 1,
        ..page
    };
    let two = f.store.noise(DAY, DAY.plus_ms(1), &rest).await.unwrap();
    assert_eq!(
        (two.items[0].client_ip.as_str(), two.next_cursor),
        ("192.0.2.2", None)
    );
}

async fn resolved_is_a_mark_that_can_be_filtered_by(on: Subject) {
    let mut f = Fixture::on(on).await;
    f.write(&[failure(1), failure(2)]).await;
    let id = f
        .store
        .error_by_request_id(&request_id(1).to_string())
        .await
        .unwrap()
        .unwrap()
        .log
        .id;
    f.store.set_resolved(id, true).await.unwrap();
    let mut filter = everything();
    filter.resolved = Some(true);
    let list = f.store.errors(&filter, &first_page(10)).await.unwrap();
    assert_eq!(list.errors.iter().map(|e| e.id).collect::<Vec<_>>(), [id]);
    f.store.set_resolved(id, false).await.unwrap();
    assert_eq!(
        f.store
            .errors(&filter, &first_page(10))
            .await
            .unwrap()
            .total,
        0
    );
}

async fn a_total_stops_counting_and_says_so(on: Subject) {
    let mut f = Fixture::on(on).await;
    let many: Vec<_> = (0..10_001).map(success).collect();
    f.write(&many[..10_000]).await;
    let exact = f
        .store
        .requests(&everything(), &first_page(1))
        .await
        .unwrap();
    assert_eq!((exact.total, exact.total_is_estimate), (10_000, false));
    f.write(&many[10_000..]).await;
    let estimate = f
        .store
        .requests(&everything(), &first_page(1))
        .await
        .unwrap();
    assert_eq!((estimate.total, estimate.total_is_estimate), (10_000, true));
}

async fn a_foreign_cursor_is_refused(on: Subject) {
    let mut f = Fixture::on(on).await;
    f.write(&[failure(1), failure(2), failure(3)]).await;
    let cursor = f
        .store
        .errors(&everything(), &first_page(1))
        .await
        .unwrap()
        .next_cursor;
    assert!(cursor.is_some());
    let page = Page {
        cursor,
        ..first_page(1)
    };
    let other_order = Page {
        sort: Sort::Oldest,
        ..page.clone()
    };
    assert!(matches!(
        f.store.errors(&everything(), &other_order).await,
        Err(StoreError::BadCursor)
    ));
    assert!(matches!(
        f.store.requests(&everything(), &page).await,
        Err(StoreError::BadCursor)
    ));
    let forged = Page {
        cursor: Some("1; DROP TABLE errors".to_owned()),
        ..first_page(1)
    };
    assert!(matches!(
        f.store.errors(&everything(), &forged).await,
        Err(StoreError::BadCursor)
    ));
}

async fn many_callers_are_answered_while_the_journal_writes(on: Subject) {
    let f = Fixture::on(on).await;
    let store = f.store.clone();
    let (mut journal, forwarder) = (f.journal, f.forwarder);
    let forwarder = forwarder.map(|forwarder| forwarder.spawn(DEADLINE).unwrap());
    let writer = tokio::task::spawn_blocking(move || {
        for batch in 0..20 {
            let records: Vec<_> = (batch * 50..batch * 50 + 50).map(success).collect();
            let fates = journal.commit(Batch::of(&records)).fates;
            assert!(fates.iter().all(|fate| *fate == Fate::Stored));
        }
    });
    let readers: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let list = store.requests(&everything(), &first_page(50)).await;
                // One instant is seen: whole batches only.
                assert_eq!(list.unwrap().total % 50, 0);
            })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap();
    }
    writer.await.unwrap();
    if let Some(forwarder) = forwarder {
        tokio::task::spawn_blocking(|| forwarder.stop())
            .await
            .unwrap();
    }
    let list = store.requests(&everything(), &first_page(1)).await;
    assert_eq!(list.unwrap().total, 1_000);
}
