//! What goes next, case by case.
#![allow(clippy::unwrap_used, clippy::panic)]
use waybill_model::{
    id::NotificationId,
    notify::{ChannelKind, NoticeKind},
};

use super::*;
use crate::notify::compose::tests::{channel, notice};

fn row(id: i64, at: i64, kind: NoticeKind) -> Waiting {
    Waiting {
        id: NotificationId(id),
        message_id: None,
        attempts: 0,
        unanswered: 0,
        queued_at: UnixMillis(at),
        next_at: UnixMillis(at),
        notice: notice(kind),
    }
}

fn fired(id: i64, at: i64) -> Waiting {
    row(id, at, NoticeKind::AlertFired)
}

fn at(body: &ChannelBody, waiting: &[Waiting], sent: &[i64], now: i64) -> Next {
    let sent: Vec<_> = sent.iter().copied().map(UnixMillis).collect();
    next(body, waiting, &sent, UnixMillis(now))
}

fn one_by_one() -> ChannelBody {
    channel(ChannelKind::Webhook)
}

fn grouped() -> ChannelBody {
    ChannelBody {
        group_seconds: 10,
        ..one_by_one()
    }
}

#[test]
fn without_a_group_each_goes_by_itself_in_order() {
    let line = [fired(1, 0), fired(2, 0)];
    assert_eq!(at(&one_by_one(), &[], &[], 0), Next::Nothing);
    assert_eq!(at(&one_by_one(), &line, &[], 0), Next::Send(vec![0]));
    assert_eq!(at(&one_by_one(), &line[1..], &[], 0), Next::Send(vec![0]));
}

#[test]
fn what_comes_within_the_window_of_the_first_goes_with_it() {
    let line = [fired(1, 0), fired(2, 9_000), fired(3, 11_000)];
    let Next::Wait { until, .. } = at(&grouped(), &line[..1], &[], 0) else {
        panic!("it waits for its group");
    };
    assert_eq!(until, UnixMillis(10_000));
    assert_eq!(at(&grouped(), &line, &[], 12_000), Next::Send(vec![0, 1]));
    let many: Vec<_> = (0..60).map(|id| fired(id, 0)).collect();
    let full = at(&grouped(), &many, &[], 1);
    assert_eq!(full, Next::Send((0..MOST_GROUPED).collect()));
}

#[test]
fn reports_go_by_themselves_and_pagerduty_groups_by_itself() {
    let line = [
        row(1, 0, NoticeKind::Report),
        fired(2, 0),
        row(3, 0, NoticeKind::Report),
        fired(4, 0),
    ];
    assert_eq!(at(&grouped(), &line, &[], 0), Next::Send(vec![0]));
    assert_eq!(at(&grouped(), &line[1..], &[], 10_000), Next::Send(vec![0]));
    let paged = channel(ChannelKind::Pagerduty);
    assert_eq!(at(&paged, &line[3..], &[], 0), Next::Send(vec![0]));
}

#[test]
fn a_head_that_waits_holds_up_its_line_and_what_was_begun_is_begun_again_as_it_was() {
    let mut line = [fired(1, 0), fired(2, 0), fired(3, 0)];
    for row in &mut line[..2] {
        row.message_id = Some(NotificationId(1));
        row.next_at = UnixMillis(500);
    }
    assert_eq!(at(&one_by_one(), &line, &[], 499), Next::Nothing);
    assert_eq!(at(&one_by_one(), &line, &[], 500), Next::Send(vec![0, 1]));
    // One that was put back before it goes first, and takes nothing of the other's with it.
    line.swap(0, 2);
    assert_eq!(at(&grouped(), &line, &[], 10_000), Next::Send(vec![0]));
}

#[test]
fn beyond_the_hours_limit_what_waits_goes_as_one_when_the_hour_allows() {
    let body = ChannelBody {
        max_per_hour: Some(2),
        ..one_by_one()
    };
    let line: Vec<_> = (0..14).map(|id| fired(id, 0)).collect();
    assert_eq!(at(&body, &line[..2], &[], 0), Next::Send(vec![0]));
    // Two places for fourteen: all of them in one message.
    assert_eq!(at(&body, &line, &[], 0), Next::Send((0..14).collect()));
    let Next::Wait { until, .. } = at(&body, &line, &[1_000, 5_000], 6_000) else {
        panic!("the hour is full");
    };
    assert_eq!(until, UnixMillis(1_000 + HOUR_MS));
    let later = at(&body, &line, &[5_000], 1_001 + HOUR_MS);
    assert_eq!(later, Next::Send((0..14).collect()));
    // A report is not merged: what is before it goes.
    let mut mixed = line;
    mixed[3] = row(3, 0, NoticeKind::Report);
    let first = at(&body, &mixed, &[5_000], 1_001 + HOUR_MS);
    assert_eq!(first, Next::Send(vec![0, 1, 2]));
}

#[test]
fn what_a_clock_that_was_ahead_put_off_goes_now() {
    let hour = HOUR_MS;
    let mut line = [fired(1, 0), fired(2, 0)];
    line[0].next_at = UnixMillis(hour);
    assert_eq!(at(&one_by_one(), &line, &[], 0), Next::Nothing);
    line[0].next_at = UnixMillis(24 * hour);
    assert_eq!(at(&one_by_one(), &line, &[], 0), Next::Send(vec![0]));
    // So does what came then, and what was sent then does not count for this hour.
    let line = [fired(1, 24 * hour)];
    assert_eq!(at(&grouped(), &line, &[], 0), Next::Send(vec![0]));
    let body = ChannelBody {
        max_per_hour: Some(1),
        ..one_by_one()
    };
    let sent = [24 * hour];
    assert_eq!(at(&body, &line, &sent, 0), Next::Send(vec![0]));
}

#[test]
fn a_long_line_goes_as_one_message_where_a_receiver_takes_several_notices() {
    let line: Vec<_> = (0..101).map(|id| fired(id, 0)).collect();
    let all = Next::Send((0..101).collect());
    assert_eq!(at(&one_by_one(), &line, &[], 0), all);
    assert_eq!(
        at(&grouped(), &line, &[], 10_000),
        Next::Send((0..50).collect())
    );
    assert_eq!(at(&one_by_one(), &line[1..], &[], 0), Next::Send(vec![0]));
    // What was begun stays the message that it was, and reports go by themselves.
    let mut begun = line.clone();
    begun[0].message_id = Some(NotificationId(0));
    assert_eq!(at(&one_by_one(), &begun, &[], 0), Next::Send(vec![0]));
    let mut mixed = line.clone();
    mixed[2] = row(2, 0, NoticeKind::Report);
    assert_eq!(at(&one_by_one(), &mixed, &[], 0), Next::Send(vec![0, 1]));
    let paged = channel(ChannelKind::Pagerduty);
    assert_eq!(at(&paged, &line, &[], 0), Next::Send(vec![0]));
}
