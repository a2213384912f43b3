//! The contract of the outbox, written against the interface alone.

use crate::common::{Fixture, Subject, first_page};
use waybill_model::{
    cause::Severity,
    entity::Sealed,
    id::{ChannelId, NotificationId},
    notify::{ChannelBody, ChannelKind, Delivery, DeliveryState, Notice, NoticeKind},
    report::{ReportKind, ScheduleBody},
    time::UnixMillis,
    view::{Page, Sort},
};
use waybill_store::{DeliveryFilter, DeliveryUpdate, NewChannel, Store, StoreError};

on_both! {
    a_notice_is_there_once_per_channel_that_takes_it,
    an_end_is_told_to_those_who_were_told_of_the_begin,
    a_rules_own_channels_are_told_whatever_the_severity,
    of_many_who_put_the_same_at_once_it_is_there_once,
    a_message_is_begun_by_whoever_holds_the_lease,
    a_message_that_failed_is_tried_again_as_it_was,
    what_waits_for_a_channel_that_goes_is_dropped_and_can_be_put_back,
    the_log_is_read_by_page_and_filter_and_ends_with_its_age,
    a_channel_is_changed_and_its_name_is_its_own,
    a_report_is_made_once_and_moves_its_schedule_on,
}

const THEN: UnixMillis = UnixMillis(1_800_000_000_000);
const JOB: &str = "notifications";

fn channel(name: &str, change: impl FnOnce(&mut ChannelBody)) -> NewChannel {
    let mut body = ChannelBody {
        name: name.to_owned(),
        enabled: true,
        kind: ChannelKind::Webhook,
        min_severity: Severity::P2,
        group_seconds: 0,
        max_per_hour: None,
        send_resolved: true,
        email: None,
    };
    change(&mut body);
    NewChannel {
        body,
        secrets: Sealed(vec![1, 2, 3]),
    }
}

async fn made(store: &Store, name: &str, change: impl FnOnce(&mut ChannelBody)) -> ChannelId {
    let made = store.create_channel(channel(name, change), THEN).await;
    made.unwrap().id
}

fn notice(event: i64, kind: NoticeKind) -> Notice {
    Notice {
        kind,
        topic: Notice::topic_of_event(event),
        event_id: Some(event),
        severity: Severity::P1,
        title: "Requests fail".to_owned(),
        sentence: "the error rate is 12 %".to_owned(),
        text: String::new(),
        rule: None,
        subject: None,
        metric: None,
        value: Some(12.0),
        threshold: Some(5.0),
        unit: None,
        started_at: THEN,
        ended_at: None,
        path: None,
        report: None,
    }
}

async fn fired(store: &Store, event: i64) -> u64 {
    let notice = notice(event, NoticeKind::AlertFired);
    store.notify(notice, Vec::new(), THEN).await.unwrap()
}

fn everything() -> DeliveryFilter {
    DeliveryFilter {
        start: THEN,
        end: THEN.plus_ms(1_000_000),
        channel_id: None,
        state: None,
        kind: None,
        event_id: None,
    }
}

async fn log(store: &Store, filter: &DeliveryFilter) -> Vec<Delivery> {
    let page = Page {
        sort: Sort::Oldest,
        ..first_page(100)
    };
    store.notifications(filter, &page).await.unwrap().items
}

async fn waiting(store: &Store, of: ChannelId) -> Vec<i64> {
    let outbox = store.outbox(of, THEN).await.unwrap();
    let events = outbox.waiting.iter();
    events
        .map(|waiting| waiting.notice.event_id.unwrap())
        .collect()
}

async fn ids(store: &Store, of: ChannelId) -> Vec<NotificationId> {
    let outbox = store.outbox(of, THEN).await.unwrap();
    outbox.waiting.iter().map(|waiting| waiting.id).collect()
}

async fn a_notice_is_there_once_per_channel_that_takes_it(subject: Subject) {
    let f = Fixture::on(subject).await;
    let one = made(&f.store, "one", |_| {}).await;
    let two = made(&f.store, "two", |_| {}).await;
    made(&f.store, "worst", |body| body.min_severity = Severity::P0).await;
    made(&f.store, "off", |body| body.enabled = false).await;
    assert_eq!(fired(&f.store, 7).await, 2);
    assert_eq!(fired(&f.store, 7).await, 0);
    assert_eq!(fired(&f.store, 8).await, 2);
    assert_eq!(waiting(&f.store, one).await, [7, 8]);
    assert_eq!(waiting(&f.store, two).await, [7, 8]);
    let waits = f.store.channels_waiting().await.unwrap();
    let of: Vec<_> = waits.iter().map(|waits| waits.channel_id).collect();
    assert_eq!(of, [one, two]);
}

async fn an_end_is_told_to_those_who_were_told_of_the_begin(subject: Subject) {
    let f = Fixture::on(subject).await;
    let one = made(&f.store, "one", |_| {}).await;
    let quiet = made(&f.store, "quiet", |body| body.send_resolved = false).await;
    fired(&f.store, 7).await;
    let late = made(&f.store, "late", |_| {}).await;
    let end = || notice(7, NoticeKind::AlertResolved);
    for _ in 0..2 {
        f.store.notify(end(), Vec::new(), THEN).await.unwrap();
    }
    assert_eq!(waiting(&f.store, one).await, [7, 7]);
    assert_eq!(waiting(&f.store, quiet).await, [7]);
    assert!(waiting(&f.store, late).await.is_empty());
    // Who may have been told of the begin waits for its end as well.
    f.store.lease_job(JOB, "a", 15_000, THEN).await.unwrap();
    fired(&f.store, 8).await;
    let begin = ids(&f.store, late).await;
    let begun = f.store.begin_message((JOB, "a"), begin.clone(), THEN);
    assert!(begun.await.unwrap());
    let left = DeliveryUpdate::Uncertain {
        reason: "it was sent and not answered".to_owned(),
        error: "no answer".to_owned(),
    };
    f.store.message_ended(begin[0], left, THEN).await.unwrap();
    let end = notice(8, NoticeKind::AlertResolved);
    f.store.notify(end, Vec::new(), THEN).await.unwrap();
    assert_eq!(waiting(&f.store, late).await, [8]);
    // Nobody was told of this one: it began under a silence.
    let unheard = notice(9, NoticeKind::AlertResolved);
    assert_eq!(f.store.notify(unheard, Vec::new(), THEN).await.unwrap(), 0);
}

async fn a_rules_own_channels_are_told_whatever_the_severity(subject: Subject) {
    let f = Fixture::on(subject).await;
    let worst = made(&f.store, "worst", |body| body.min_severity = Severity::P0).await;
    let other = made(&f.store, "other", |_| {}).await;
    let off = made(&f.store, "off", |body| body.enabled = false).await;
    let only = vec![worst, off, ChannelId(99)];
    let told = f
        .store
        .notify(notice(7, NoticeKind::AlertFired), only, THEN);
    assert_eq!(told.await.unwrap(), 1);
    assert_eq!(waiting(&f.store, worst).await, [7]);
    assert!(waiting(&f.store, other).await.is_empty());
}

async fn of_many_who_put_the_same_at_once_it_is_there_once(subject: Subject) {
    let f = Fixture::on(subject).await;
    let one = made(&f.store, "one", |_| {}).await;
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let store = f.store.clone();
            tokio::spawn(async move { fired(&store, 7).await })
        })
        .collect();
    let mut told = 0;
    for tried in tries {
        told += tried.await.unwrap();
    }
    assert_eq!(told, 1);
    assert_eq!(waiting(&f.store, one).await, [7]);
}

async fn a_message_is_begun_by_whoever_holds_the_lease(subject: Subject) {
    let f = Fixture::on(subject).await;
    let one = made(&f.store, "one", |_| {}).await;
    fired(&f.store, 7).await;
    let line = ids(&f.store, one).await;
    let later = THEN.plus_ms(30_000);
    let begin = |holder: &'static str| f.store.begin_message((JOB, holder), line.clone(), later);
    assert!(!begin("a").await.unwrap());
    assert!(f.store.lease_job(JOB, "a", 15_000, THEN).await.unwrap());
    assert!(!begin("b").await.unwrap());
    assert!(begin("a").await.unwrap());
    let outbox = f.store.outbox(one, THEN).await.unwrap();
    assert_eq!(outbox.waiting[0].message_id, Some(line[0]));
    assert_eq!(outbox.waiting[0].attempts, 1);
    assert_eq!(outbox.waiting[0].next_at, later);
    assert!(outbox.sent.is_empty());
    let sent = f
        .store
        .message_ended(line[0], DeliveryUpdate::Sent, THEN.plus_ms(5));
    sent.await.unwrap();
    let outbox = f.store.outbox(one, THEN).await.unwrap();
    assert!(outbox.waiting.is_empty());
    assert_eq!(outbox.sent, [THEN.plus_ms(5)]);
    // What was sent is not begun again.
    assert!(matches!(begin("a").await, Err(StoreError::Busy)));
    assert!(!f.store.retry_notification(line[0], THEN).await.unwrap());
}

async fn a_message_that_failed_is_tried_again_as_it_was(subject: Subject) {
    let f = Fixture::on(subject).await;
    let one = made(&f.store, "one", |_| {}).await;
    f.store.lease_job(JOB, "a", 15_000, THEN).await.unwrap();
    for event in 1..=2 {
        fired(&f.store, event).await;
    }
    let line = ids(&f.store, one).await;
    assert!(
        f.store
            .begin_message((JOB, "a"), line.clone(), THEN)
            .await
            .unwrap()
    );
    let update = DeliveryUpdate::Again {
        at: THEN.plus_ms(1_000),
        error: "it answered 500".to_owned(),
        was_sent: false,
    };
    f.store.message_ended(line[0], update, THEN).await.unwrap();
    fired(&f.store, 3).await;
    let outbox = f.store.outbox(one, THEN).await.unwrap();
    let messages: Vec<_> = outbox.waiting.iter().map(|row| row.message_id).collect();
    // It was written down how it went: nothing is under way.
    assert_eq!(f.store.resume_messages(THEN).await.unwrap(), 0);
    assert_eq!(messages, [Some(line[0]), Some(line[0]), None]);
    let waits = f.store.channels_waiting().await.unwrap();
    assert_eq!(waits[0].next_at, THEN.plus_ms(1_000));
    let later = THEN.plus_ms(60_000);
    let begun = f.store.begin_message((JOB, "a"), line.clone(), later);
    assert!(begun.await.unwrap());
    // Whoever sends it is killed.
    assert_eq!(f.store.resume_messages(THEN).await.unwrap(), 2);
    assert_eq!(f.store.channels_waiting().await.unwrap()[0].next_at, THEN);
    let silent = DeliveryUpdate::Again {
        at: THEN,
        error: "no answer".to_owned(),
        was_sent: true,
    };
    f.store.message_ended(line[0], silent, THEN).await.unwrap();
    let waiting_now = f.store.outbox(one, THEN).await.unwrap().waiting;
    assert_eq!((waiting_now[0].unanswered, waiting_now[0].attempts), (1, 2));
    let update = DeliveryUpdate::Failed {
        reason: "refused".to_owned(),
        error: "it answered 410".to_owned(),
    };
    f.store.message_ended(line[0], update, THEN).await.unwrap();
    assert_eq!(waiting(&f.store, one).await, [3]);
    let failed = f.store.notification(line[1]).await.unwrap().unwrap();
    assert_eq!(failed.state, DeliveryState::Failed);
    assert_eq!(failed.last_error.as_deref(), Some("it answered 410"));
    assert_eq!(failed.message_id, Some(line[0]));
    assert!(f.store.retry_notification(line[1], THEN).await.unwrap());
    assert_eq!(waiting(&f.store, one).await, [2, 3]);
    let unknown = f.store.retry_notification(NotificationId(999), THEN).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
}

async fn what_waits_for_a_channel_that_goes_is_dropped_and_can_be_put_back(subject: Subject) {
    let f = Fixture::on(subject).await;
    let one = made(&f.store, "one", |_| {}).await;
    fired(&f.store, 7).await;
    let off = channel("one", |body| body.enabled = false);
    f.store.update_channel(one, off, THEN).await.unwrap();
    let dropped = &log(&f.store, &everything()).await[0];
    assert_eq!(dropped.state, DeliveryState::Dropped);
    assert!(dropped.reason.as_deref().unwrap().contains("switched off"));
    assert!(!f.store.retry_notification(dropped.id, THEN).await.unwrap());
    let on = channel("one", |_| {});
    f.store.update_channel(one, on, THEN).await.unwrap();
    // Its begin was never told, so its end is not.
    let end = notice(7, NoticeKind::AlertResolved);
    assert_eq!(f.store.notify(end, Vec::new(), THEN).await.unwrap(), 0);
    assert!(f.store.retry_notification(dropped.id, THEN).await.unwrap());
    assert_eq!(waiting(&f.store, one).await, [7]);
    f.store.delete_channel(one).await.unwrap();
    assert!(f.store.channels_waiting().await.unwrap().is_empty());
    assert_eq!(log(&f.store, &everything()).await[0].channel, "one");
}

async fn the_log_is_read_by_page_and_filter_and_ends_with_its_age(subject: Subject) {
    let f = Fixture::on(subject).await;
    let one = made(&f.store, "one", |_| {}).await;
    let two = made(&f.store, "two", |_| {}).await;
    f.store.lease_job(JOB, "a", 15_000, THEN).await.unwrap();
    for event in 1..=3 {
        fired(&f.store, event).await;
    }
    let line = ids(&f.store, one).await;
    let first = vec![line[0]];
    assert!(
        f.store
            .begin_message((JOB, "a"), first, THEN)
            .await
            .unwrap()
    );
    let sent = f.store.message_ended(line[0], DeliveryUpdate::Sent, THEN);
    sent.await.unwrap();
    let narrow = |change: fn(&mut DeliveryFilter, ChannelId)| {
        let mut filter = everything();
        change(&mut filter, two);
        filter
    };
    let count = async |filter: DeliveryFilter| log(&f.store, &filter).await.len();
    assert_eq!(count(everything()).await, 6);
    assert_eq!(count(narrow(|f, two| f.channel_id = Some(two))).await, 3);
    assert_eq!(count(narrow(|f, _| f.event_id = Some(2))).await, 2);
    let sent = narrow(|f, _| f.state = Some(DeliveryState::Sent));
    assert_eq!(count(sent).await, 1);
    let tests = narrow(|f, _| f.kind = Some(NoticeKind::Test));
    assert_eq!(count(tests).await, 0);
    // What waits stays, and so does the begin of what goes on.
    let month_on = THEN.plus_ms(1);
    assert_eq!(f.store.forget_notifications(month_on).await.unwrap(), 0);
    let end = notice(1, NoticeKind::AlertResolved);
    f.store
        .notify(end, Vec::new(), THEN.plus_ms(10))
        .await
        .unwrap();
    assert_eq!(f.store.forget_notifications(month_on).await.unwrap(), 1);
}

async fn a_channel_is_changed_and_its_name_is_its_own(subject: Subject) {
    let f = Fixture::on(subject).await;
    let one = made(&f.store, "one", |_| {}).await;
    made(&f.store, "two", |_| {}).await;
    let taken = f
        .store
        .update_channel(one, channel("two", |_| {}), THEN)
        .await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
    let renamed = channel("three", |body| body.group_seconds = 30);
    let changed = f.store.update_channel(one, renamed, THEN.plus_ms(1));
    let changed = changed.await.unwrap();
    assert_eq!(changed.body.group_seconds, 30);
    assert_eq!(changed.updated_at, THEN.plus_ms(1));
    assert_eq!(changed.secrets, Sealed(vec![1, 2, 3]));
    assert_eq!(f.store.channels().await.unwrap().len(), 2);
    assert_eq!(f.store.channel(one).await.unwrap(), Some(changed));
    let gone = f.store.delete_channel(ChannelId(99)).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
}

async fn a_report_is_made_once_and_moves_its_schedule_on(subject: Subject) {
    let f = Fixture::on(subject).await;
    let (one, two) = (
        made(&f.store, "one", |_| {}).await,
        made(&f.store, "two", |_| {}).await,
    );
    let body = ScheduleBody {
        name: "daily".to_owned(),
        enabled: true,
        kind: ReportKind::DailySummary,
        cron: "0 9 * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        channels: vec![one],
    };
    let (due, next) = (THEN.plus_ms(1_000), Some(THEN.plus_ms(86_401_000)));
    let save = |id, body, next_at| f.store.save_schedule(id, body, next_at, THEN);
    let schedule = save(None, body.clone(), Some(due)).await.unwrap();
    let taken = save(None, body.clone(), None).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
    assert!(f.store.schedules_due(THEN).await.unwrap().is_empty());
    assert_eq!(
        f.store.schedules_due(due).await.unwrap(),
        std::slice::from_ref(&schedule)
    );
    let report = Notice {
        topic: "report:1:2".to_owned(),
        event_id: Some(5),
        ..notice(5, NoticeKind::Report)
    };
    let tries: Vec<_> = (0..4)
        .map(|_| {
            let (store, schedule, report) = (f.store.clone(), schedule.clone(), report.clone());
            tokio::spawn(async move {
                let made = store.report_made(schedule, due, next, report, THEN);
                made.await.unwrap()
            })
        })
        .collect();
    let mut times = 0;
    for tried in tries {
        times += usize::from(tried.await.unwrap());
    }
    assert_eq!(times, 1);
    assert_eq!(waiting(&f.store, one).await, [5]);
    assert!(waiting(&f.store, two).await.is_empty());
    let moved = f.store.schedule(schedule.id).await.unwrap().unwrap();
    assert_eq!((moved.next_at, moved.last_at), (next, Some(due)));
    let off = save(Some(schedule.id), body, None).await.unwrap();
    assert_eq!(off.next_at, None);
    f.store.delete_schedule(schedule.id).await.unwrap();
    assert!(f.store.schedules().await.unwrap().is_empty());
}
