//! The log of deliveries.

use waybill_model::{
    id::NotificationId,
    notify::{Delivery, DeliveryState},
    time::UnixMillis,
    view::{List, Page},
};

use super::{
    condition::{Asked, Conditions, Window},
    page::{self, Listing, Place, Source},
};
use crate::{
    DeliveryFilter,
    sql::{Cells, Db, Result, values},
};

const COLUMNS: &str = "n.id, n.channel_id, n.channel, n.kind, n.event_id, n.severity, n.state, n.reason, \
    n.attempts, n.message_id, n.last_error, n.created_at, n.next_at, n.sent_at, n.notice";

/// One page of it.
pub(crate) fn list(db: &dyn Db, filter: &DeliveryFilter, page: &Page) -> Result<List<Delivery>> {
    let source = Source {
        listing: Listing::Deliveries,
        columns: COLUMNS,
        from: "notifications n",
        count_from: "notifications n",
        alias: "n",
        time: "created_at",
    };
    let mut conditions = Conditions::new(db.dialect());
    conditions.equal("n.channel_id", filter.channel_id);
    conditions.equal("n.state", filter.state.map(|state| state.as_str()));
    conditions.equal("n.kind", filter.kind.map(|kind| kind.as_str()));
    conditions.equal("n.event_id", filter.event_id);
    let slice = page::slice(
        db,
        &source,
        Window::between(filter.start, filter.end),
        Asked::of(conditions),
        page,
        read,
        |delivery| Place {
            created_at: delivery.created_at,
            id: delivery.id.0,
        },
    )?;
    Ok(List {
        items: slice.rows,
        total: slice.total,
        page: slice.page,
        page_size: slice.page_size,
        next_cursor: slice.next_cursor,
        total_is_estimate: slice.total_is_estimate,
    })
}

/// One of it.
pub(crate) fn one(db: &dyn Db, id: NotificationId) -> Result<Option<Delivery>> {
    let sql = format!("SELECT {COLUMNS} FROM notifications n WHERE n.id = ?1");
    db.first(&sql, values![id], read)
}

fn read(cells: &mut Cells<'_>) -> Result<Delivery> {
    let mut delivery = Delivery {
        id: cells.next()?,
        channel_id: cells.next()?,
        channel: cells.next()?,
        kind: cells.word("kind")?,
        event_id: cells.next()?,
        severity: cells.word("severity")?,
        state: cells.word("state")?,
        reason: cells.next()?,
        attempts: cells.next()?,
        message_id: cells.next()?,
        last_error: cells.next()?,
        created_at: cells.time()?,
        next_at: cells.next::<Option<UnixMillis>>()?,
        sent_at: cells.next()?,
        notice: cells.json("notice")?,
    };
    if delivery.state != DeliveryState::Pending {
        delivery.next_at = None;
    }
    Ok(delivery)
}
