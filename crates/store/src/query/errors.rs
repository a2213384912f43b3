//! The error list, one error whole, and its replay copy.

use waybill_model::{
    cause::Cause,
    entity::Sealed,
    id::ErrorId,
    record::ReplayCopy,
    time::UnixMillis,
    view::{ErrorLog, ErrorLogDetail, ErrorLogList, Filter, Page, RuledBy, Sort},
    waybill::Queued,
};

use super::{
    condition::{self, Window},
    events,
    page::{self, Listing, Place, Source},
};
use crate::{
    Store, classification, issues, parts,
    sql::{Cells, Db, Result, Value, hex, values},
};

/// In the order `read_log` reads them.
pub(super) const COLUMNS: &str = "e.id, e.created_at, e.phase, e.error_type, e.severity, e.status_code, e.platform, \
    e.model, e.latency_ms, e.client_request_id, e.request_id, e.message, e.user_id, e.api_key_id, \
    e.account_id, e.group_id, e.client_ip, e.request_path, e.stream, e.cause, e.owner, e.source, \
    e.is_retryable, e.is_business_limited, e.upstream_error_count, e.recovered, e.fingerprint, e.resolved, \
    e.user_name, e.api_key_name, e.account_name, e.group_name, e.replay_of";

/// In the order `read_detail` reads them, after the list's columns.
const DETAIL_COLUMNS: &str = "d.error_body, d.user_agent, e.upstream_status_code, e.upstream_error_message, \
    d.upstream_error_detail, e.auth_latency_ms, e.routing_latency_ms, e.upstream_latency_ms, \
    e.response_latency_ms, e.time_to_first_token_ms, d.request_body, e.request_body_truncated, \
    e.request_body_bytes, d.request_headers, e.queued_ahead, e.queued_ms, coalesce(d.route, '[]'), \
    coalesce(e.ruled_version, 0), e.ruled_by, e.found";

impl Store {
    /// Failed requests. Rows of requests that succeeded in the end only where `recovered` asks for them.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`](crate::StoreError::BadCursor) for a cursor that this list, in this
    /// order, did not give out.
    pub async fn errors(&self, filter: &Filter, page: &Page) -> Result<ErrorLogList> {
        let (filter, page) = (filter.clone(), page.clone());
        self.readers.run(move |db| list(db, &filter, &page)).await
    }

    /// How many failed requests a filter chooses, counted up to 10,000; and whether there are more.
    ///
    /// # Errors
    /// [`StoreError::TooSlow`](crate::StoreError::TooSlow) where counting takes longer than a query may.
    pub async fn count_errors(&self, filter: &Filter) -> Result<(u64, bool)> {
        let filter = filter.clone();
        self.readers
            .run(move |db| {
                let filter = &issues::resolve(db, &filter)?;
                page::count_whole(
                    db,
                    &source(&condition::way_along_errors(filter, db.dialect())),
                    Window::between(filter.start, filter.end),
                    condition::on_errors(filter, db.dialect()),
                )
            })
            .await
    }

    /// One error, whole, with its attempts.
    pub async fn error(&self, id: ErrorId) -> Result<Option<ErrorLogDetail>> {
        self.readers
            .run(move |db| detail(db, "e.id = ?1", id.into()))
            .await
    }

    /// One error, whole, by Waybill's request id.
    pub async fn error_by_request_id(&self, request_id: &str) -> Result<Option<ErrorLogDetail>> {
        let request_id = request_id.to_ascii_lowercase();
        self.readers
            .run(move |db| detail(db, "e.request_id = ?1", request_id.into()))
            .await
    }

    /// The exact request, as it was packed; `None` also where some of its parts are not there.
    pub async fn replay_copy(&self, id: ErrorId) -> Result<Option<ReplayCopy>> {
        self.readers
            .run(move |db| {
                let found = db.first(
                    "SELECT sealed, body_bytes, chunks FROM replay_bodies WHERE error_id = ?1",
                    values![id],
                    |cells| Ok((Sealed(cells.next()?), cells.count()?, cells.next()?)),
                )?;
                let Some((sealed, body_bytes, list)) = found else {
                    return Ok(None);
                };
                let list: Option<Vec<u8>> = list;
                let parts = match list {
                    None => Some(Vec::new()),
                    Some(list) => parts::get(db, &list)?,
                };
                Ok(parts.map(|parts| ReplayCopy {
                    sealed,
                    body_bytes,
                    parts,
                }))
            })
            .await
    }
}

/// Where the next rows of the list are, newest first, behind a place in it.
pub(crate) fn behind(
    db: &dyn Db,
    filter: &Filter,
    place: Option<(UnixMillis, ErrorId)>,
    most: u32,
) -> Result<Vec<(UnixMillis, ErrorId)>> {
    let page = Page {
        sort: Sort::Newest,
        page: 1,
        page_size: most,
        cursor: place.map(|(created_at, id)| {
            let place = Place {
                created_at,
                id: id.0,
            };
            page::write_cursor(place, Listing::Errors, Sort::Newest)
        }),
    };
    let filter = &issues::resolve(db, filter)?;
    let from = condition::way_along_errors(filter, db.dialect());
    let slice = page::slice(
        db,
        &Source {
            columns: "e.created_at, e.id",
            ..source(&from)
        },
        Window::between(filter.start, filter.end),
        condition::on_errors(filter, db.dialect()),
        &page,
        |cells| Ok((cells.time()?, cells.next()?)),
        |(created_at, id): &(UnixMillis, ErrorId)| Place {
            created_at: *created_at,
            id: id.0,
        },
    )?;
    Ok(slice.rows)
}

fn list(db: &dyn Db, filter: &Filter, page: &Page) -> Result<ErrorLogList> {
    let filter = &issues::resolve(db, filter)?;
    let slice = page::slice(
        db,
        &source(&condition::way_along_errors(filter, db.dialect())),
        Window::between(filter.start, filter.end),
        condition::on_errors(filter, db.dialect()),
        page,
        read_log,
        |log| Place {
            created_at: log.created_at,
            id: log.id.0,
        },
    )?;
    Ok(ErrorLogList {
        errors: slice.rows,
        total: slice.total,
        page: slice.page,
        page_size: slice.page_size,
        next_cursor: slice.next_cursor,
        total_is_estimate: slice.total_is_estimate,
    })
}

pub(super) fn source(from: &str) -> Source<'_> {
    Source {
        listing: Listing::Errors,
        columns: COLUMNS,
        from,
        count_from: from,
        alias: "e",
        time: "created_at",
    }
}

fn detail(db: &dyn Db, which: &str, key: Value) -> Result<Option<ErrorLogDetail>> {
    let dialect = db.dialect();
    let sql = format!(
        "SELECT {COLUMNS}, {DETAIL_COLUMNS}, \
         EXISTS (SELECT 1 FROM replay_bodies p WHERE p.error_id = e.id{}) \
         FROM errors e LEFT JOIN error_details d ON d.error_id = e.id{} WHERE {which}",
        dialect.and_same("p.created_at", "e.created_at"),
        dialect.and_same("d.error_at", "e.created_at"),
    );
    db.first(&sql, &[key], |cells| read_detail(db, cells))
}

pub(super) fn read_log(cells: &mut Cells<'_>) -> Result<ErrorLog> {
    Ok(ErrorLog {
        id: cells.next()?,
        created_at: cells.time()?,
        phase: cells.word("phase")?,
        error_type: cells.word("error_type")?,
        severity: cells.word("severity")?,
        status_code: cells.next()?,
        platform: cells.word("platform")?,
        model: cells.next()?,
        latency_ms: cells.next()?,
        client_request_id: cells.next()?,
        request_id: cells.next()?,
        message: cells.next()?,
        user_id: cells.next()?,
        api_key_id: cells.next()?,
        account_id: cells.next()?,
        group_id: cells.next()?,
        client_ip: cells.next()?,
        request_path: cells.next()?,
        stream: cells.next()?,
        cause: cells.word("cause")?,
        error_owner: cells.word("owner")?,
        error_source: cells.word("source")?,
        is_retryable: cells.next()?,
        is_business_limited: cells.next()?,
        upstream_error_count: cells.next()?,
        recovered: cells.next()?,
        fingerprint: hex(&cells.next::<Vec<u8>>()?),
        resolved: cells.next()?,
        user_name: cells.next()?,
        api_key_name: cells.next()?,
        account_name: cells.next()?,
        group_name: cells.next()?,
        replay_of: cells.next()?,
    })
}

/// Both are there, or neither.
fn queued(cells: &mut Cells<'_>) -> Result<Option<Queued>> {
    let (ahead, waited_ms): (Option<u32>, Option<u32>) = (cells.next()?, cells.next()?);
    Ok(ahead
        .zip(waited_ms)
        .map(|(ahead, waited_ms)| Queued { ahead, waited_ms }))
}

/// By which version of the rules a failure is judged, and by which rule.
fn ruled(db: &dyn Db, id: ErrorId, cells: &mut Cells<'_>) -> Result<(i64, Option<RuledBy>)> {
    let version: i64 = cells.next()?;
    let (by, found): (Option<i64>, Option<String>) = (cells.next()?, cells.next()?);
    let ruled_by = match by.zip(classification::found(found)?) {
        Some((rule_id, built_in)) => Some(RuledBy {
            rule_id,
            rule_name: classification::name_of(db, version, rule_id)?,
            built_in,
        }),
        None => None,
    };
    // A later version that came to the same is not written into the row.
    let later = match classification::judged_to(db)? {
        (later, to) if id.0 <= to => later,
        _ => 0,
    };
    Ok((version.max(later), ruled_by))
}

fn read_detail(db: &dyn Db, cells: &mut Cells<'_>) -> Result<ErrorLogDetail> {
    let log = read_log(cells)?;
    let attempts = events::of_error(db, log.id)?;
    let upstream_errors = match attempts.as_slice() {
        [] => None,
        some => serde_json::to_string(some).ok(),
    };
    let told = Cause::info(log.cause);
    let issue = issues::link(db, &log.fingerprint, &issues::Attributes::of(&log))?;
    let id = log.id;
    let mut detail = ErrorLogDetail {
        log,
        error_body: cells.next()?,
        user_agent: cells.next()?,
        upstream_status_code: cells.next()?,
        upstream_error_message: cells.next()?,
        upstream_error_detail: cells.next()?,
        upstream_errors,
        auth_latency_ms: cells.next()?,
        routing_latency_ms: cells.next()?,
        upstream_latency_ms: cells.next()?,
        response_latency_ms: cells.next()?,
        time_to_first_token_ms: cells.next()?,
        request_body: cells.next()?,
        request_body_truncated: cells.next()?,
        request_body_bytes: cells.count()?,
        request_headers: cells.next()?,
        attempts,
        queued: queued(cells)?,
        route: cells.json("route")?,
        classification_version: 0,
        ruled_by: None,
        explanation: told.explanation.to_owned(),
        remedy: told.remedy.to_owned(),
        replayable: false,
        issue,
        withheld: Vec::new(),
        // What is known of it here is that it is not there.
        unreplayable: None,
    };
    (detail.classification_version, detail.ruled_by) = ruled(db, id, cells)?;
    detail.replayable = cells.next()?;
    Ok(detail)
}
