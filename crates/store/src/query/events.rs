//! Failed upstream attempts: by filter, of one error, and one by itself.

use waybill_model::{
    id::{ErrorId, EventId},
    time::UnixMillis,
    view::{Filter, Page, UpstreamErrorEvent, UpstreamErrorList},
};

use super::{
    condition::{self, Asked, Conditions, Window},
    page::{self, Listing, Place, Slice, Source},
};
use crate::{
    Store, issues,
    sql::{Cells, Db, Dialect, Result, values},
};

/// In the order `read` reads them.
const COLUMNS: &str = "u.id, u.created_at, e.request_id, u.error_id, u.attempt, u.platform, u.model, \
    u.account_id, u.account_name, u.upstream_host, u.upstream_status_code, u.upstream_request_id, u.kind, \
    u.message, d.detail, u.cause, u.name, d.request_headers, d.response_headers, d.response_body, \
    u.connect_ms, u.first_byte_ms, u.duration_ms, u.retry_after_ms, u.retry_after_source, u.decision, \
    u.decision_reason, e.recovered";

/// All instants.
const ALWAYS: Window = Window {
    first: UnixMillis(i64::MIN),
    last: UnixMillis(i64::MAX),
};

impl Store {
    /// Failed attempts, those that failover hid from the client included, unless `recovered` says
    /// which. Platform, account, status, cause and half of the text search look at the attempt; the
    /// other filters at the request it belongs to.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`](crate::StoreError::BadCursor) for a cursor that this list, in this
    /// order, did not give out.
    pub async fn upstream_errors(&self, filter: &Filter, page: &Page) -> Result<UpstreamErrorList> {
        let (filter, page) = (filter.clone(), page.clone());
        self.readers
            .run(move |db| {
                let filter = issues::resolve(db, &filter)?;
                let window = Window::between(filter.start, filter.end);
                let asked = condition::on_events(&filter, db.dialect());
                list(
                    db,
                    &condition::way_to_events(&filter, db.dialect()),
                    window,
                    asked,
                    &page,
                )
            })
            .await
    }

    /// One failed attempt.
    pub async fn upstream_error(&self, id: EventId) -> Result<Option<UpstreamErrorEvent>> {
        self.readers
            .run(move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM upstream_events u JOIN errors e ON {} {} WHERE u.id = ?1",
                    condition::of_error(db.dialect()),
                    details(db.dialect()),
                );
                db.first(&sql, values![id], read)
            })
            .await
    }

    /// Failed attempts of one error; empty if there is no such error.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`](crate::StoreError::BadCursor) for a cursor that this list, in this
    /// order, did not give out.
    pub async fn events_of_error(&self, id: ErrorId, page: &Page) -> Result<UpstreamErrorList> {
        let page = page.clone();
        self.readers
            .run(move |db| {
                let mut conditions = Conditions::new(db.dialect());
                conditions.equal("e.id", Some(id));
                let asked = Asked::of(conditions);
                list(db, &of_one_error(db.dialect()), ALWAYS, asked, &page)
            })
            .await
    }
}

/// Every attempt of one error, in the order they were made.
pub(super) fn of_error(db: &dyn Db, id: ErrorId) -> Result<Vec<UpstreamErrorEvent>> {
    let from = with_details(&of_one_error(db.dialect()), db.dialect());
    let sql = format!("SELECT {COLUMNS} FROM {from} WHERE e.id = ?1 ORDER BY u.attempt, u.id");
    db.rows(&sql, values![id], read)
}

/// From an error to its attempts.
fn of_one_error(dialect: Dialect) -> String {
    format!(
        "errors e {} {} ON {}",
        dialect.then_join(),
        dialect.by_index("upstream_events", "u", "events_by_error"),
        condition::of_error(dialect)
    )
}

/// From attempts on to their long texts.
fn details(dialect: Dialect) -> String {
    let same_day = dialect.and_same("d.error_at", "u.error_at");
    format!("LEFT JOIN event_details d ON d.event_id = u.id{same_day}")
}

fn list(
    db: &dyn Db,
    way: &str,
    window: Window,
    asked: Asked,
    page: &Page,
) -> Result<UpstreamErrorList> {
    let from = with_details(way, db.dialect());
    let source = source(&from, way);
    let slice: Slice<UpstreamErrorEvent> =
        page::slice(db, &source, window, asked, page, read, |event| Place {
            created_at: event.created_at,
            id: event.id.0,
        })?;
    Ok(UpstreamErrorList {
        events: slice.rows,
        total: slice.total,
        page: slice.page,
        page_size: slice.page_size,
        next_cursor: slice.next_cursor,
        total_is_estimate: slice.total_is_estimate,
    })
}

/// The way to the attempts, and on to their long texts.
pub(super) fn with_details(way: &str, dialect: Dialect) -> String {
    format!("{way} {}", details(dialect))
}

pub(super) fn source<'a>(from: &'a str, count_from: &'a str) -> Source<'a> {
    Source {
        listing: Listing::Events,
        columns: COLUMNS,
        from,
        count_from,
        alias: "u",
        time: "created_at",
    }
}

fn read(cells: &mut Cells<'_>) -> Result<UpstreamErrorEvent> {
    let id = cells.next()?;
    let created_at = cells.time()?;
    Ok(UpstreamErrorEvent {
        id,
        created_at,
        at_unix_ms: created_at.0,
        request_id: cells.next()?,
        error_id: Some(cells.next()?),
        attempt: cells.next()?,
        platform: cells.word("platform")?,
        model: cells.next()?,
        account_id: cells.next()?,
        account_name: cells.next()?,
        upstream_host: cells.next()?,
        upstream_status_code: cells.next()?,
        upstream_request_id: cells.next()?,
        kind: cells.word("kind")?,
        message: cells.next()?,
        detail: cells.next()?,
        cause: cells.word("cause")?,
        name: cells.next()?,
        request_headers: cells.next()?,
        response_headers: cells.next()?,
        response_body: cells.next()?,
        connect_ms: cells.next()?,
        first_byte_ms: cells.next()?,
        duration_ms: cells.next()?,
        retry_after_ms: cells.optional_count()?,
        retry_after_source: cells.next()?,
        decision: cells.word("decision")?,
        decision_reason: cells.next()?,
        recovered: cells.next()?,
        withheld: Vec::new(),
    })
}
