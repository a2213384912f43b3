//! The contract of journal and store about records, written against the interface alone.

use crate::common::{
    self, DAY, DEADLINE, Fixture, Subject, at, everything, failure, first_page, recovered,
    request_id, success,
};
use waybill_model::{
    cause::Cause,
    id::ErrorId,
    record::{ReplayCopy, Verdict},
    view::{Books, Filter, JobOutcome, NoiseCount, Page, Sort, View},
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
    rows_of_one_instant_are_in_the_order_in_which_they_came,
    a_cursor_goes_on_where_the_page_ended_while_rows_come,
    what_was_written_after_a_row_is_found_by_its_id,
    numbers_and_times_are_kept_as_far_as_they_go,
    long_texts_are_kept_whole,
    a_job_is_held_by_one_at_a_time_and_says_how_it_went,
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
    let ReplayCopy {
        sealed, body_bytes, ..
    } = f.store.replay_copy(log.id).await.unwrap().unwrap();
    assert_eq!((sealed.0.len(), body_bytes), (600, 2_048));
}

async fn what_does_not_exist_is_nothing_or_not_found(on: Subject) {
    let f = Fixture::on(on).await;
    assert_eq!(f.store.error(ErrorId(1)).await.unwrap(), None);
    assert_eq!(
        f.store.error_by_request_id("no-such-id").await.unwrap(),
        None
    );
    assert_eq!(f.store.replay_copy(ErrorId(1)).await.unwrap(), None);
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

async fn rows_of_one_instant_are_in_the_order_in_which_they_came(on: Subject) {
    let mut f = Fixture::on(on).await;
    let mut records: Vec<_> = (0..40).map(failure).collect();
    for record in &mut records {
        record.request.as_mut().unwrap().subject.created_at = DAY;
        record.error.as_mut().unwrap().subject.created_at = DAY;
        for event in &mut record.events {
            event.created_at = DAY;
        }
    }
    f.write(&records[..13]).await;
    f.write(&records[13..]).await;
    let came: Vec<String> = (0..40).map(|n| request_id(n).to_string()).collect();
    for sort in Sort::ALL {
        let (mut errors, mut attempts, mut requests) = (Vec::new(), Vec::new(), Vec::new());
        let page = |cursor| Page {
            sort: *sort,
            cursor,
            ..first_page(7)
        };
        let mut cursor = None;
        loop {
            let list = f.store.errors(&everything(), &page(cursor)).await.unwrap();
            errors.extend(list.errors.into_iter().map(|row| row.request_id));
            cursor = list.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        loop {
            let list = f.store.upstream_errors(&everything(), &page(cursor)).await;
            let list = list.unwrap();
            let rows = list.events.into_iter();
            attempts.extend(rows.map(|row| (row.request_id, row.attempt)));
            cursor = list.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        loop {
            let list = f
                .store
                .requests(&everything(), &page(cursor))
                .await
                .unwrap();
            requests.extend(list.items.into_iter().map(|row| row.request_id));
            cursor = list.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let mut expected = came.clone();
        let mut of_attempts: Vec<_> = came
            .iter()
            .flat_map(|id| [(id.clone(), 1), (id.clone(), 2)])
            .collect();
        if *sort == Sort::Newest {
            expected.reverse();
            of_attempts.reverse();
        }
        assert_eq!((errors, requests), (expected.clone(), expected), "{sort:?}");
        assert_eq!(attempts, of_attempts, "{sort:?}");
    }
}

async fn a_cursor_goes_on_where_the_page_ended_while_rows_come(on: Subject) {
    for sort in Sort::ALL {
        let mut f = Fixture::on(on).await;
        let there: Vec<_> = (0..50).map(|n| failure(2 * n)).collect();
        f.write(&there).await;
        let mut seen = Vec::new();
        let mut page = Page {
            sort: *sort,
            ..first_page(7)
        };
        // Rows come at both ends, and where it was read already.
        for n in 0.. {
            let list = f.store.errors(&everything(), &page).await.unwrap();
            seen.extend(list.errors.iter().map(|e| e.request_id.clone()));
            let Some(next) = list.next_cursor.filter(|_| n < 40) else {
                break;
            };
            page.cursor = Some(next);
            let behind = match sort {
                Sort::Newest => 99 - 14 * n.min(6),
                Sort::Oldest => 1 + 14 * n.min(6),
            };
            f.write(&[failure(10_000 + n), failure(behind + 100_000 * n)])
                .await;
        }
        let once: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!(once.len(), seen.len(), "{sort:?}: none twice");
        let all = (0..50).map(|n| request_id(2 * n).to_string());
        assert!(all.into_iter().all(|id| once.contains(&id)), "{sort:?}");
    }
}

async fn what_was_written_after_a_row_is_found_by_its_id(on: Subject) {
    let mut f = Fixture::on(on).await;
    // Ids follow the order of writing, whatever the times.
    f.write(&[failure(9), failure(8), failure(7)]).await;
    f.write(&[failure(3), recovered(2), failure(1)]).await;
    let id_of = async |n| {
        let found = f
            .store
            .error_by_request_id(&request_id(n).to_string())
            .await;
        found.unwrap().unwrap().log.id.0
    };
    let mut filter = everything();
    filter.after_id = Some(id_of(8).await);
    let list = f.store.errors(&filter, &first_page(9)).await.unwrap();
    let found: Vec<_> = list.errors.iter().map(|e| e.created_at).collect();
    assert_eq!((found, list.total), (vec![at(7), at(3), at(1)], 3));
    filter.recovered = Some(true);
    let list = f.store.errors(&filter, &first_page(9)).await.unwrap();
    assert_eq!(list.total, 1);
    let all = f
        .store
        .upstream_errors(&everything(), &first_page(50))
        .await;
    let ids: Vec<i64> = all.unwrap().events.iter().map(|e| e.id.0).collect();
    let mut after = everything();
    after.after_id = ids.iter().max().map(|id| id - 2);
    let list = f
        .store
        .upstream_errors(&after, &first_page(9))
        .await
        .unwrap();
    assert_eq!(list.events.len(), 2);
    assert!(list.events.iter().all(|event| event.created_at <= at(5)));
    let requests = f
        .store
        .requests(&everything(), &first_page(9))
        .await
        .unwrap();
    let newest = requests.items.iter().map(|r| r.id).max();
    after.after_id = newest.map(|id| id - 1);
    let list = f.store.requests(&after, &first_page(9)).await.unwrap();
    assert_eq!((list.items.len(), list.items[0].created_at), (1, at(1)));
}

async fn numbers_and_times_are_kept_as_far_as_they_go(on: Subject) {
    let mut f = Fixture::on(on).await;
    let times = [0, -1, 1, 253_402_300_799_999, -62_135_596_800_000];
    let records: Vec<_> = (0..)
        .zip(times)
        .map(|(n, time)| {
            let mut record = failure(n);
            let request = record.request.as_mut().unwrap();
            request.subject.created_at.0 = time;
            request.subject.latency_ms = u32::MAX;
            request.usage.input_tokens = Some(u64::MAX);
            request.usage.output_tokens = Some(0);
            request.cost = Some(waybill_model::money::MicroUsd(i64::MIN));
            let error = record.error.as_mut().unwrap();
            error.subject.created_at.0 = time;
            error.subject.user_id = Some(waybill_model::id::UserId(i64::MAX));
            error.subject.status_code = u16::MAX;
            error.auth_latency_ms = Some(u32::MAX);
            error.request_body_bytes = u64::MAX;
            record.events[0].created_at.0 = time;
            record.events[0].retry_after_ms = Some(u64::MAX);
            record.events[1].created_at.0 = time;
            record
        })
        .collect();
    f.write(&records).await;
    let list = f.store.errors(&everything(), &first_page(9)).await.unwrap();
    let mut found: Vec<i64> = list.errors.iter().map(|e| e.created_at.0).collect();
    found.reverse();
    let mut expected = times.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let detail = f.store.error(list.errors[0].id).await.unwrap().unwrap();
    assert_eq!(detail.log.user_id.map(|id| id.0), Some(i64::MAX));
    assert_eq!(detail.log.status_code, u16::MAX);
    assert_eq!(detail.auth_latency_ms, Some(u32::MAX));
    // Counts end where the databases' numbers do.
    let most = i64::MAX.cast_unsigned();
    assert_eq!(detail.request_body_bytes, most);
    assert_eq!(detail.attempts[0].retry_after_ms, Some(most));
    let requests = f
        .store
        .requests(&everything(), &first_page(9))
        .await
        .unwrap();
    let request = &requests.items[0];
    assert_eq!(request.latency_ms, u32::MAX);
    assert_eq!(request.usage.input_tokens, Some(most));
    assert_eq!(request.usage.output_tokens, Some(0));
    assert_eq!(request.cost_usd.map(|usd| usd.0), Some(i64::MIN));
    let mut day = everything();
    (day.start.0, day.end.0) = (-1, 1);
    let list = f.store.errors(&day, &first_page(9)).await.unwrap();
    assert_eq!((list.total, list.errors.len()), (2, 2));
}

async fn long_texts_are_kept_whole(on: Subject) {
    let mut f = Fixture::on(on).await;
    let mut record = failure(1);
    let error = record.error.as_mut().unwrap();
    error.request_body = Some(common::long_text(500_000));
    error.message = common::long_text(10_000);
    record.events[0].response_body = Some(common::long_text(100_000));
    record.replay.as_mut().unwrap().sealed.0 = (0..3_000_000_u32).map(|n| n as u8).collect();
    f.write(&[failure(0), record.clone(), failure(2)]).await;
    let found = f
        .store
        .error_by_request_id(&request_id(1).to_string())
        .await;
    let found = found.unwrap().unwrap();
    assert_eq!(found.request_body.map(|text| text.len()), Some(8_000_000));
    assert_eq!(found.log.message.len(), 160_000);
    let attempt = found.attempts[0].response_body.as_ref();
    assert_eq!(attempt.map(String::len), Some(1_600_000));
    let ReplayCopy { sealed, .. } = f.store.replay_copy(found.log.id).await.unwrap().unwrap();
    assert_eq!(sealed, record.replay.unwrap().sealed);
    let mut filter = everything();
    filter.q = Some("letters.sixteen".to_owned());
    let list = f.store.errors(&filter, &first_page(9)).await.unwrap();
    assert_eq!(list.total, 1);
}

async fn a_job_is_held_by_one_at_a_time_and_says_how_it_went(on: Subject) {
    let f = Fixture::on(on).await;
    let store = &f.store;
    assert_eq!(store.jobs().await.unwrap(), []);
    assert!(
        store
            .lease_job("retention", "a", 60_000, at(0))
            .await
            .unwrap()
    );
    assert!(
        !store
            .lease_job("retention", "b", 60_000, at(1))
            .await
            .unwrap()
    );
    assert!(store.lease_job("probes", "b", 60_000, at(1)).await.unwrap());
    store.job_began("retention", "a", at(2)).await.unwrap();
    // Whoever does not hold it says nothing about it.
    for (holder, outcome) in [("b", JobOutcome::Ok), ("a", JobOutcome::Failed)] {
        let said = holder.to_owned();
        let ended = store.job_ended("retention", holder, outcome, said, at(3));
        ended.await.unwrap();
    }
    let jobs = store.jobs().await.unwrap();
    let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["probes", "retention"]);
    let retention = &jobs[1];
    assert_eq!((retention.runs, retention.failures), (1, 1));
    assert_eq!(retention.outcome, Some(JobOutcome::Failed));
    assert_eq!(retention.detail.as_deref(), Some("a"));
    store.release_jobs("a").await.unwrap();
    assert!(
        store
            .lease_job("retention", "b", 60_000, at(4))
            .await
            .unwrap()
    );
}
