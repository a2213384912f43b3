//! `ops/books`: where every record went.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::{cause::Cause, time::UnixMillis, view::Books};
use waybill_store::{LossCount, SetAside, StoreError};

use super::{
    App,
    problem::{Problem, ProblemDetails},
};
use crate::{app::Shared, ops::filter};

/// Set-aside records shown; their count is in the books.
const SET_ASIDE_SHOWN: u32 = 100;

/// Where every record went, and what is known of those that are not whole.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BooksView {
    /// The books.
    #[serde(flatten)]
    books: Books,
    /// Answers released before their record was committed, because the store took too long.
    released_early: u64,
    /// Records whose request body was let go before it reached the store: too many were waiting.
    bodies_dropped: u64,
    /// Changes of accounts' states that are not on record: too many came at once, or the store took none.
    account_events_lost: u64,
    /// Requests whose usage is not on record, for the same reasons.
    usage_lost: u64,
    /// Lost records by reason and kind, most frequent first.
    losses: Vec<Loss>,
    /// The newest records that the database refused.
    set_aside_records: Vec<Aside>,
}

/// Lost records of one kind.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Loss {
    /// `queue_full`, `shutdown`, `no_space` or `store_failed`.
    #[schema(value_type = String)]
    reason: &'static str,
    /// Fingerprint of the failures, if it was known.
    fingerprint: Option<String>,
    /// Their cause, if it was known.
    cause: Option<Cause>,
    /// How many.
    count: u64,
    /// Arrival of the oldest.
    first_at: Option<UnixMillis>,
    /// Arrival of the newest.
    last_at: Option<UnixMillis>,
}

/// A record that the database refused.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Aside {
    /// Row id.
    id: i64,
    /// When the request arrived.
    created_at: UnixMillis,
    /// The request.
    request_id: String,
    /// The record's main facts, a JSON object in a string.
    summary: String,
}

/// Where every record went: `due = stored + spooled + counted_lost`.
#[utoipa::path(get, path = "/api/v1/admin/ops/books", operation_id = "get_books", tag = "ops",
    responses((status = 200, body = BooksView), (status = 503, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<BooksView>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    Ok(Json(BooksView {
        books: balanced(&shared).await?,
        released_early: shared.recorder.released_early(),
        bodies_dropped: shared.recorder.without_body(),
        account_events_lost: shared.recorder.account_events_lost(),
        usage_lost: shared.recorder.usage_lost(),
        losses: shared
            .store
            .losses()
            .await?
            .into_iter()
            .map(Loss::from)
            .collect(),
        set_aside_records: shared
            .store
            .set_aside(SET_ASIDE_SHOWN)
            .await?
            .into_iter()
            .map(Aside::from)
            .collect(),
    }))
}

/// The store's books with the recorder's queue before it. The two are read one after the other, so a
/// record on its way between them may be counted in neither or both for a moment; the sum holds.
pub async fn balanced(shared: &Shared) -> Result<Books, StoreError> {
    let waiting = shared.recorder.waiting();
    let books = shared.store.books().await?;
    Ok(Books {
        due: books.due + waiting,
        spooled: books.spooled + waiting,
        ..books
    })
}

impl From<LossCount> for Loss {
    fn from(
        LossCount {
            reason,
            fingerprint,
            cause,
            count,
            first_at,
            last_at,
        }: LossCount,
    ) -> Self {
        Loss {
            reason: reason.as_str(),
            fingerprint,
            cause,
            count,
            first_at,
            last_at,
        }
    }
}

/// What the database said stays inside: it may quote what it refused.
impl From<SetAside> for Aside {
    fn from(
        SetAside {
            id,
            request_id,
            created_at,
            reason: _,
            summary,
        }: SetAside,
    ) -> Self {
        Aside {
            id,
            created_at,
            request_id,
            summary,
        }
    }
}
