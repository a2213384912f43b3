//! What goes out next to one channel: one pure function.
//!
//! Promises: in order; nothing is left out; what was begun as one message stays that. Must not know: what a message
//! looks like, the store.

use std::ops::Range;

use waybill_model::{
    notify::{ChannelBody, Notice},
    time::UnixMillis,
};
use waybill_store::Waiting;

/// What is counted by the hour.
pub const HOUR_MS: i64 = 3_600_000;

/// Notices of one group; what is more makes another one.
const MOST_GROUPED: usize = 50;

/// More messages than these that wait for a receiver go as one: it was away, and should not be away for longer.
const MOST_BY_THEMSELVES: usize = 100;

/// Nothing is put off for longer: a receiver's wish is kept to for an hour, and so many messages an hour are sent; a
/// delivery takes less.
pub(super) const LONGEST_WAIT_MS: i64 = HOUR_MS + 60_000;

/// Whether what waits until an instant has waited long enough. What waits for longer than anything may was put off by
/// a clock that was ahead, and has, too.
pub fn is_due(until: UnixMillis, now: UnixMillis) -> bool {
    until <= now || until > now.plus_ms(LONGEST_WAIT_MS)
}

/// What is to be done for a channel now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing waits that may go now.
    Nothing,
    /// Nothing goes before that instant.
    Wait {
        /// When to look again.
        until: UnixMillis,
        /// Why.
        why: &'static str,
    },
    /// These go, as one message.
    Send(Vec<usize>),
}

/// What goes next of what is `waiting`, in order, to a channel that was `sent` messages at these instants of the last
/// hour, oldest first.
pub fn next(body: &ChannelBody, waiting: &[Waiting], sent: &[UnixMillis], now: UnixMillis) -> Next {
    let Some(head) = waiting.first() else {
        return Next::Nothing;
    };
    if !is_due(head.next_at, now) {
        return Next::Nothing;
    }
    if head.message_id.is_some() {
        let same = |at: &usize| waiting[*at].message_id == head.message_id;
        return Next::Send((0..waiting.len()).filter(same).collect());
    }
    // PagerDuty takes one by one; to others a long line goes as a few messages.
    let is_long = body.kind.groups() && messages(body, waiting) > MOST_BY_THEMSELVES;
    let group = match is_long {
        true => 0..run_of(waiting),
        false => group_from(body, waiting, 0),
    };
    let closes_at = head.queued_at.plus_ms(window_ms(body, head));
    if !is_due(closes_at, now) && group.len() < MOST_GROUPED {
        return Next::Wait {
            until: closes_at,
            why: "others may come that go with it",
        };
    }
    let Some(most) = body.max_per_hour.map(|most| most as usize) else {
        return Next::Send(group.collect());
    };
    // What was sent in a time that has not come yet is none of the last hour's.
    let sent = &sent[..sent.partition_point(|at| *at <= now.plus_ms(LONGEST_WAIT_MS))];
    let left = most.saturating_sub(sent.len());
    if left == 0 {
        // As many as there may be were sent since this one.
        let oldest = sent.len() - most;
        return Next::Wait {
            until: sent[oldest].plus_ms(HOUR_MS),
            why: "as many messages as there may be in an hour were sent",
        };
    }
    match messages(body, waiting) > left {
        // More than the hour allows: all of it in one.
        true => Next::Send((0..run_of(waiting)).collect()),
        false => Next::Send(group.collect()),
    }
}

/// How long the group that begins with a notice stays open.
fn window_ms(body: &ChannelBody, head: &Waiting) -> i64 {
    match Notice::may_be_grouped(head.notice.kind) && body.kind.groups() {
        true => i64::from(body.group_seconds) * 1000,
        false => 0,
    }
}

/// The group that begins at a place: what came within its window and may go with it.
fn group_from(body: &ChannelBody, waiting: &[Waiting], from: usize) -> Range<usize> {
    let window = window_ms(body, &waiting[from]);
    if window == 0 {
        return from..from + 1;
    }
    let closes_at = waiting[from].queued_at.plus_ms(window);
    let of_it = waiting[from..].iter().take(MOST_GROUPED).take_while(|row| {
        row.message_id.is_none()
            && Notice::may_be_grouped(row.notice.kind)
            && row.queued_at <= closes_at
    });
    from..from + of_it.count().max(1)
}

/// How many messages what waits comes to, group by group.
fn messages(body: &ChannelBody, waiting: &[Waiting]) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < waiting.len() {
        at = group_from(body, waiting, at).end;
        count += 1;
    }
    count
}

/// How much of the line, from its head, may be one message. At least the head.
fn run_of(waiting: &[Waiting]) -> usize {
    let run = waiting
        .iter()
        .take_while(|row| row.message_id.is_none() && Notice::may_be_grouped(row.notice.kind));
    run.count().max(1)
}

#[cfg(test)]
mod tests;
