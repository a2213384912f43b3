//! Putting notices into the outbox.

use waybill_model::{
    id::ChannelId,
    notify::{Channel, Notice, NoticeKind},
    time::UnixMillis,
};

use super::channels;
use crate::{
    Store,
    entities::json,
    sql::{Db, Result, values},
};

impl Store {
    /// Puts a notice into the outbox, in a transaction of its own; see [`put`].
    pub async fn notify(
        &self,
        notice: Notice,
        only: Vec<ChannelId>,
        now: UnixMillis,
    ) -> Result<u64> {
        self.quick_desk()
            .change(move |db| put(db, &notice, &only, now))
            .await
    }
}

/// Puts a notice into the outbox of each channel that is to be told, within the transaction that `db` is in: commit
/// what it is about together with it. Answers how many channels will be told that were not before; a notice whose
/// topic and kind a channel has been told, or will be, is not put there again, so that calling twice does no harm.
///
/// `only` names the channels, such as those of a rule, whatever their severity; empty: every channel that takes the
/// notice's severity. Channels that are switched off, that want no ends ([`NoticeKind::AlertResolved`]), or that are
/// not there any more are passed over. Of an end those alone are told who were told of the begin, whatever `only`
/// says: so an event that began under a silence ends without a word, and one whose rule was changed meanwhile ends
/// where it began.
///
/// The gateway looks every second; `Notifier::ring` makes that at once.
pub(crate) fn put(
    db: &dyn Db,
    notice: &Notice,
    only: &[ChannelId],
    now: UnixMillis,
) -> Result<u64> {
    let mut told = 0;
    for channel in channels::all(db, None)? {
        if is_told(db, &channel, notice, only)? {
            told += db.execute(
                "INSERT INTO notifications (channel_id, channel, kind, topic, event_id, severity, notice, state,
                 attempts, created_at, queued_at, next_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', 0, ?8, ?8, ?8)
                 ON CONFLICT (topic, kind, channel_id) DO NOTHING",
                values![
                    channel.id,
                    &channel.body.name,
                    notice.kind.as_str(),
                    &notice.topic,
                    notice.event_id,
                    notice.severity.as_str(),
                    json(notice)?,
                    now
                ],
            )?;
        }
    }
    Ok(told)
}

fn is_told(db: &dyn Db, channel: &Channel, notice: &Notice, only: &[ChannelId]) -> Result<bool> {
    let body = &channel.body;
    match notice.kind {
        NoticeKind::AlertResolved => {
            Ok(body.takes_kind(notice.kind) && was_told(db, channel, notice)?)
        }
        NoticeKind::AlertFired | NoticeKind::Report | NoticeKind::Test => Ok(match only {
            [] => body.takes(notice),
            only => body.takes_kind(notice.kind) && only.contains(&channel.id),
        }),
    }
}

/// Whether a channel was told, or will be, that what is over began. A begin that was dropped was not told.
fn was_told(db: &dyn Db, channel: &Channel, notice: &Notice) -> Result<bool> {
    let sql = "SELECT id FROM notifications
         WHERE topic = ?1 AND kind = ?2 AND channel_id = ?3 AND state <> 'dropped'";
    let begin = NoticeKind::AlertFired.as_str();
    let found: Option<i64> = db.cell(sql, values![&notice.topic, begin, channel.id])?;
    Ok(found.is_some())
}
