//! The request list: successes too, one compact row each.

use waybill_model::{
    view::{Filter, List, Page, RequestLog},
    waybill::Usage,
};

use super::{
    condition::{self, Window},
    page::{self, Listing, Place, Source},
};
use crate::{
    Store, issues,
    sql::{Cells, Result},
};

/// In the order `read` reads them.
const COLUMNS: &str = "r.id, r.created_at, r.request_id, r.client_request_id, r.platform, r.endpoint, \
    r.model, r.stream, r.status_code, r.cause, r.recovered, r.latency_ms, r.time_to_first_token_ms, \
    r.attempts, r.user_id, r.api_key_id, r.account_id, r.group_id, r.input_tokens, r.output_tokens, \
    r.cache_read_tokens, r.cache_write_tokens, r.cost_micro_usd, r.replay_of";

impl Store {
    /// Requests, however they ended. Filters on what only a failure has (phase, type, severity, owner,
    /// source, resolved, fingerprint, a view other than `all`) leave successes out; those with hidden
    /// failures too, unless `recovered` asks for them.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`](crate::StoreError::BadCursor) for a cursor that this list, in this
    /// order, did not give out.
    pub async fn requests(&self, filter: &Filter, page: &Page) -> Result<List<RequestLog>> {
        let (filter, page) = (filter.clone(), page.clone());
        self.readers
            .run(move |db| {
                let filter = issues::resolve(db, &filter)?;
                let dialect = db.dialect();
                let from = condition::way_to_requests(&filter, dialect);
                let slice = page::slice(
                    db,
                    &source(&from),
                    Window::between(filter.start, filter.end),
                    condition::on_requests(&filter, dialect),
                    &page,
                    read,
                    |request| Place {
                        created_at: request.created_at,
                        id: request.id,
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
            })
            .await
    }
}

pub(super) fn source(from: &str) -> Source<'_> {
    Source {
        listing: Listing::Requests,
        columns: COLUMNS,
        from,
        count_from: from,
        alias: "r",
        time: "created_at",
    }
}

fn read(cells: &mut Cells<'_>) -> Result<RequestLog> {
    Ok(RequestLog {
        id: cells.next()?,
        created_at: cells.time()?,
        request_id: cells.next()?,
        client_request_id: cells.next()?,
        platform: cells.word("platform")?,
        endpoint: cells.optional_word("endpoint")?,
        model: cells.next()?,
        stream: cells.next()?,
        status_code: cells.next()?,
        cause: cells.optional_word("cause")?,
        recovered: cells.next()?,
        latency_ms: cells.next()?,
        time_to_first_token_ms: cells.next()?,
        attempts: cells.next()?,
        user_id: cells.next()?,
        api_key_id: cells.next()?,
        account_id: cells.next()?,
        group_id: cells.next()?,
        usage: Usage {
            input_tokens: cells.optional_count()?,
            output_tokens: cells.optional_count()?,
            cache_read_tokens: cells.optional_count()?,
            cache_write_tokens: cells.optional_count()?,
        },
        cost_usd: cells.next()?,
        replay_of: cells.next()?,
    })
}
