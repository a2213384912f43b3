//! The outbox as the log of deliveries.

use waybill_model::{
    id::{ChannelId, NotificationId},
    notify::{Channel, Delivery, DeliveryState, Notice, NoticeKind},
    time::UnixMillis,
    view::{List, Page},
};

use crate::{
    Kind, Store, StoreError,
    entities::json,
    query::deliveries,
    sql::{Result, values},
};

/// What the log can be narrowed by. Empty narrows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// From this instant on.
    pub start: UnixMillis,
    /// Before this instant.
    pub end: UnixMillis,
    /// To one channel.
    pub channel_id: Option<ChannelId>,
    /// In one state.
    pub state: Option<DeliveryState>,
    /// Of one kind.
    pub kind: Option<NoticeKind>,
    /// Of one alert's event.
    pub event_id: Option<i64>,
}

impl Store {
    /// The log of deliveries, newest first or oldest first.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`] for a cursor that this list, in this order, did not give out.
    pub async fn notifications(
        &self,
        filter: &DeliveryFilter,
        page: &Page,
    ) -> Result<List<Delivery>> {
        let (filter, page) = (filter.clone(), page.clone());
        self.readers
            .run(move |db| deliveries::list(db, &filter, &page))
            .await
    }

    /// One delivery.
    pub async fn notification(&self, id: NotificationId) -> Result<Option<Delivery>> {
        self.quick.run(move |db| deliveries::one(db, id)).await
    }

    /// Notes a delivery that was made at once, without the line: a test. `error`: what went wrong.
    pub async fn note_delivery(
        &self,
        channel: &Channel,
        notice: Notice,
        error: Option<String>,
        now: UnixMillis,
    ) -> Result<NotificationId> {
        let (id, name) = (channel.id, channel.body.name.clone());
        self.quick_desk()
            .change(move |db| {
                let state = match error {
                    None => DeliveryState::Sent,
                    Some(_) => DeliveryState::Failed,
                };
                let made = db.cell(
                    "INSERT INTO notifications (channel_id, channel, kind, topic, event_id, severity, notice, state,
                     attempts, last_error, created_at, queued_at, next_at, sent_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?10, ?10, ?10, ?11) RETURNING id",
                    values![
                        id,
                        &name,
                        notice.kind.as_str(),
                        &notice.topic,
                        notice.event_id,
                        notice.severity.as_str(),
                        json(&notice)?,
                        state.as_str(),
                        error.clone(),
                        now,
                        error.is_none().then_some(now)
                    ],
                )?;
                made.ok_or(StoreError::NotFound {
                    kind: Kind::Notification,
                    id: 0,
                })
            })
            .await
    }

    /// Forgets deliveries that are over and were put there before an instant; answers how many. Of an event that goes
    /// on, that it was told stays: its end is told to those who were.
    pub async fn forget_notifications(&self, before: UnixMillis) -> Result<u64> {
        self.quick_desk()
            .change(move |db| {
                let sql = "DELETE FROM notifications WHERE id IN (SELECT n.id FROM notifications n
                     WHERE n.created_at < ?1 AND n.state <> 'pending'
                     AND (n.kind <> 'alert_fired' OR n.created_at < ?2 OR EXISTS (SELECT 1 FROM notifications o
                        WHERE o.topic = n.topic AND o.kind = 'alert_resolved'))
                     ORDER BY n.created_at, n.id LIMIT 5000)";
                // For how long an event may go on is not bounded; for how long it is remembered is.
                db.execute(sql, values![before, before.plus_ms(-YEAR_MS)])
            })
            .await
    }
}

const YEAR_MS: i64 = 365 * 24 * 3_600_000;
