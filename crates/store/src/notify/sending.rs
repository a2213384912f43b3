//! Taking notices out of the outbox, message by message.

use waybill_model::{
    id::{ChannelId, NotificationId},
    notify::{Channel, DeliveryState, Notice},
    time::UnixMillis,
};

use super::channels;
use crate::{
    Kind, Store, StoreError,
    sql::{Cells, Db, Result, Value, values},
};

/// Waiting notices of one channel that are looked at together; those behind have their turn later.
const MOST_WAITING: i64 = 500;

/// Why a notice waits that is in a message that was begun and did not end.
const UNDER_WAY: &str = "it is on its way";

/// That something waits for a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// The channel.
    pub channel_id: ChannelId,
    /// The first in line is not to be tried before this instant.
    pub next_at: UnixMillis,
}

/// A notice that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Row id; also its place in the line.
    pub id: NotificationId,
    /// The message that it was begun in.
    pub message_id: Option<NotificationId>,
    /// How often that was tried.
    pub attempts: u32,
    /// How often of these it was sent, and not answered.
    pub unanswered: u32,
    /// Since when it waits.
    pub queued_at: UnixMillis,
    /// Not before this instant.
    pub next_at: UnixMillis,
    /// What is told.
    pub notice: Notice,
}

/// What waits for one channel, and what it was told lately.
#[derive(Debug, Clone, PartialEq)]
pub struct Outbox {
    /// The channel; `None`: it was deleted.
    pub channel: Option<Channel>,
    /// What waits, in order; at most 500.
    pub waiting: Vec<Waiting>,
    /// When messages were sent since the instant that was asked for, oldest first.
    pub sent: Vec<UnixMillis>,
}

/// What came of trying to send a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryUpdate {
    /// The receiver took it.
    Sent,
    /// It is tried again.
    Again {
        /// Not before this instant.
        at: UnixMillis,
        /// What went wrong.
        error: String,
        /// It was sent, and no answer came.
        was_sent: bool,
    },
    /// It is left: whether the receiver has it is not known.
    Uncertain {
        /// Why it is left.
        reason: String,
        /// What went wrong.
        error: String,
    },
    /// It is not.
    Failed {
        /// Why not.
        reason: String,
        /// What went wrong.
        error: String,
    },
}

impl Store {
    /// The channels for which something waits, each with its first in line.
    pub async fn channels_waiting(&self) -> Result<Vec<Waits>> {
        self.quick
            .run(|db| {
                let sql = "SELECT n.channel_id, n.next_at FROM notifications n JOIN
                     (SELECT channel_id, min(id) AS id FROM notifications WHERE state = 'pending' GROUP BY channel_id)
                     first ON first.id = n.id ORDER BY n.id";
                db.rows(sql, &[], |cells| {
                    Ok(Waits {
                        channel_id: cells.next()?,
                        next_at: cells.time()?,
                    })
                })
            })
            .await
    }

    /// What waits for a channel, and when it was sent messages from `since` on.
    pub async fn outbox(&self, of: ChannelId, since: UnixMillis) -> Result<Outbox> {
        self.quick
            .run(move |db| {
                let waiting = db.rows(
                    "SELECT id, message_id, attempts, unanswered, queued_at, next_at, notice FROM notifications
                     WHERE channel_id = ?1 AND state = 'pending' ORDER BY id LIMIT ?2",
                    values![of, MOST_WAITING],
                    read,
                )?;
                let sent = db.rows(
                    "SELECT max(sent_at) FROM notifications
                     WHERE channel_id = ?1 AND sent_at IS NOT NULL AND sent_at > ?2
                     GROUP BY coalesce(message_id, id) ORDER BY max(sent_at)",
                    values![of, since],
                    |cells| cells.time(),
                )?;
                Ok(Outbox {
                    channel: channels::all(db, Some(of))?.pop(),
                    waiting,
                    sent,
                })
            })
            .await
    }

    /// Begins to send some notices as one message, if `holder` still holds the lease of the job `job`. Until
    /// `back_at` nobody begins it again, so that one that is under way while the lease changes hands is not sent
    /// twice. `false`: begin nothing.
    pub async fn begin_message(
        &self,
        (job, holder): (&'static str, &str),
        ids: Vec<NotificationId>,
        back_at: UnixMillis,
    ) -> Result<bool> {
        let holder = holder.to_owned();
        self.quick_desk()
            .change(move |db| {
                let sql = "SELECT name FROM jobs WHERE name = ?1 AND holder = ?2";
                let held: Option<String> = db.cell(sql, values![job, &holder])?;
                let (Some(first), true) = (ids.first(), held.is_some()) else {
                    return Ok(false);
                };
                let sql = format!(
                    "UPDATE notifications SET message_id = ?, attempts = attempts + 1, next_at = ?, reason = '{UNDER_WAY}'
                     WHERE state = 'pending' AND id IN ({})",
                    places(&ids)
                );
                let mut values: Vec<Value> = vec![(*first).into(), back_at.into()];
                values.extend(ids.iter().map(|id| Value::from(*id)));
                // One that was dropped meanwhile takes the message with it: it is planned anew.
                match db.execute(&sql, &values)? == ids.len() as u64 {
                    true => Ok(true),
                    false => Err(StoreError::Busy),
                }
            })
            .await
    }

    /// Lets what was under way be begun again at once, for whoever sent it is gone: to be called where nobody else can
    /// be sending, at the start of the only process there is. Answers how many notices that is.
    pub async fn resume_messages(&self, now: UnixMillis) -> Result<u64> {
        self.quick_desk()
            .change(move |db| {
                let sql = format!(
                    "UPDATE notifications SET next_at = ?1, reason = NULL
                     WHERE state = 'pending' AND reason = '{UNDER_WAY}'"
                );
                db.execute(&sql, values![now])
            })
            .await
    }

    /// Writes down what came of a message.
    pub async fn message_ended(
        &self,
        message: NotificationId,
        update: DeliveryUpdate,
        now: UnixMillis,
    ) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                let which = "WHERE message_id = ?1 AND state = 'pending'";
                match update {
                    DeliveryUpdate::Sent => {
                        // What was dropped while it was on its way has arrived all the same.
                        let sql = "UPDATE notifications SET state = 'sent', sent_at = ?2, reason = NULL
                             WHERE message_id = ?1 AND state IN ('pending', 'dropped')";
                        db.execute(sql, values![message, now])
                    }
                    DeliveryUpdate::Again {
                        at,
                        error,
                        was_sent,
                    } => {
                        let sql = format!(
                            "UPDATE notifications SET next_at = ?2, last_error = ?3, reason = NULL, unanswered = unanswered + ?4
                             {which}"
                        );
                        db.execute(&sql, values![message, at, error, i64::from(was_sent)])
                    }
                    DeliveryUpdate::Uncertain { reason, error } => {
                        let sql = format!(
                            "UPDATE notifications SET state = 'uncertain', reason = ?2, last_error = ?3 {which}"
                        );
                        db.execute(&sql, values![message, reason, error])
                    }
                    DeliveryUpdate::Failed { reason, error } => {
                        let sql = format!(
                            "UPDATE notifications SET state = 'failed', reason = ?2, last_error = ?3 {which}"
                        );
                        db.execute(&sql, values![message, reason, error])
                    }
                }
                .map(drop)
            })
            .await
    }

    /// Lets the first in a channel's line wait until an instant, and says why.
    pub async fn put_off(
        &self,
        id: NotificationId,
        until: UnixMillis,
        why: &'static str,
    ) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                let sql = "UPDATE notifications SET next_at = ?2, reason = ?3
                     WHERE id = ?1 AND state = 'pending' AND message_id IS NULL";
                db.execute(sql, values![id, until, why]).map(drop)
            })
            .await
    }

    /// Puts what failed or was dropped back into the line, at its old place, or lets what waits be tried at once.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]. `Ok(false)`: it was sent, or its channel takes nothing any more.
    pub async fn retry_notification(&self, id: NotificationId, now: UnixMillis) -> Result<bool> {
        self.quick_desk().change(move |db| retry(db, id, now)).await
    }
}

fn retry(db: &dyn Db, id: NotificationId, now: UnixMillis) -> Result<bool> {
    let sql = "SELECT channel_id, state FROM notifications WHERE id = ?1";
    let found = db.first(sql, values![id], |cells| {
        Ok((cells.next::<ChannelId>()?, cells.word("state")?))
    })?;
    let (channel, state): (ChannelId, DeliveryState) = found.ok_or(StoreError::NotFound {
        kind: Kind::Notification,
        id: id.0,
    })?;
    let channel = channels::all(db, Some(channel))?.pop();
    if !channel.is_some_and(|channel| channel.body.enabled) {
        return Ok(false);
    }
    let sql = match state {
        DeliveryState::Sent => return Ok(false),
        DeliveryState::Pending => {
            "UPDATE notifications SET next_at = least(next_at, ?2) WHERE id = ?1"
        }
        DeliveryState::Failed | DeliveryState::Uncertain | DeliveryState::Dropped => {
            "UPDATE notifications SET state = 'pending', attempts = 0, unanswered = 0, message_id = NULL, reason = NULL,
             queued_at = ?2, next_at = ?2 WHERE id = ?1"
        }
    };
    let sql = match db.dialect() {
        crate::sql::Dialect::Sqlite => sql.replace("least(", "min("),
        crate::sql::Dialect::Postgres => sql.to_owned(),
    };
    db.execute(&sql, values![id, now]).map(|_| true)
}

fn places(ids: &[NotificationId]) -> String {
    vec!["?"; ids.len()].join(", ")
}

fn read(cells: &mut Cells<'_>) -> Result<Waiting> {
    Ok(Waiting {
        id: cells.next()?,
        message_id: cells.next()?,
        attempts: cells.next()?,
        unanswered: cells.next()?,
        queued_at: cells.time()?,
        next_at: cells.time()?,
        notice: cells.json("notice")?,
    })
}
