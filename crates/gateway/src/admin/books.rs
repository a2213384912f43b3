//! `ops/books`: where every record went.

use std::time::Duration;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::{cause::Cause, time::UnixMillis, view::Books};
use waybill_store::{Forwarding, LossCount, SetAside, StoreError};

use super::{
    App,
    problem::{Problem, ProblemDetails},
    replicas,
};
use crate::{app::Shared, ops::filter};

/// How long the books wait for what only the shared database knows.
const PATIENCE: Duration = Duration::from_secs(1);

/// Set-aside records shown; their count is in the books.
const SET_ASIDE_SHOWN: u32 = 100;

/// Where every record went, and what is known of those that are not whole.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BooksView {
    /// The books.
    #[serde(flatten)]
    books: Books,
    /// How records get to the shared store; `null` where the store is embedded.
    forwarding: Option<ForwardingView>,
    /// The books of each replica, this one's first; empty where the store is embedded. The totals above are
    /// their sum.
    replicas: Vec<ReplicaBooks>,
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

/// How records get from the spool to the shared store.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ForwardingView {
    /// They are moved as they come; otherwise they wait in the spool.
    works: bool,
    /// For how long they have waited.
    failing_ms: Option<u64>,
    /// Why.
    reason: Option<String>,
}

/// Where every record went that was due on one replica.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReplicaBooks {
    /// The replica.
    id: String,
    /// What its operator calls it.
    name: String,
    /// It is the one that answers: its numbers are those of now.
    own: bool,
    /// When it said so.
    seen_at: UnixMillis,
    /// Its books.
    #[serde(flatten)]
    books: Books,
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
    let own = shared.recorder.books().await?;
    let replicas = by_replica(&shared, own).await;
    Ok(Json(BooksView {
        books: together(own, &replicas),
        forwarding: forwarding(&shared),
        replicas,
        released_early: shared.recorder.released_early(),
        bodies_dropped: shared.recorder.without_body(),
        account_events_lost: shared.recorder.account_events_lost(),
        usage_lost: shared.recorder.usage_lost(),
        losses: known(&shared, shared.store.losses())
            .await?
            .into_iter()
            .map(Loss::from)
            .collect(),
        set_aside_records: known(&shared, shared.store.set_aside(SET_ASIDE_SHOWN))
            .await?
            .into_iter()
            .map(Aside::from)
            .collect(),
    }))
}

/// What the shared database knows; nothing while it is away: the books themselves are answered all the same.
async fn known<T>(
    shared: &Shared,
    asking: impl Future<Output = Result<Vec<T>, StoreError>>,
) -> Result<Vec<T>, StoreError> {
    if shared.home.is_none() {
        return asking.await;
    }
    let asked = tokio::time::timeout(PATIENCE, asking).await;
    match asked {
        Err(_) | Ok(Err(StoreError::Away | StoreError::TooSlow)) => Ok(Vec::new()),
        Ok(asked) => asked,
    }
}

/// The books of all replicas together: one's own as they are, the others' as they last said.
fn together(own: Books, replicas: &[ReplicaBooks]) -> Books {
    let others = replicas.iter().filter(|replica| !replica.own);
    others.fold(own, |sum, replica| {
        let Books {
            due,
            stored,
            spooled,
            counted_lost,
            without_body,
            without_detail,
            set_aside,
        } = replica.books;
        Books {
            due: sum.due + due,
            stored: sum.stored + stored,
            spooled: sum.spooled + spooled,
            counted_lost: sum.counted_lost + counted_lost,
            without_body: sum.without_body + without_body,
            without_detail: sum.without_detail + without_detail,
            set_aside: sum.set_aside + set_aside,
        }
    })
}

/// The books of each replica. Of a database that is away nothing is known but one's own.
async fn by_replica(shared: &Shared, own: Books) -> Vec<ReplicaBooks> {
    let Some(home) = &shared.home else {
        return Vec::new();
    };
    let known = tokio::time::timeout(PATIENCE, replicas::known(shared)).await;
    let known = known.ok().and_then(Result::ok).unwrap_or_default();
    let others = known
        .into_iter()
        .filter(|known| known.id != home.replica.id);
    let mut all = vec![ReplicaBooks {
        id: home.replica.id.clone(),
        name: home.replica.name.clone(),
        own: true,
        seen_at: shared.clock.now(),
        books: own,
    }];
    all.extend(others.filter_map(|known| {
        Some(ReplicaBooks {
            books: known.books?,
            id: known.id,
            name: known.name,
            own: false,
            seen_at: known.seen_at,
        })
    }));
    all
}

fn forwarding(shared: &Shared) -> Option<ForwardingView> {
    shared.store.forwarding().map(|state| match state {
        Forwarding::Works => ForwardingView {
            works: true,
            failing_ms: None,
            reason: None,
        },
        Forwarding::Fails { since, reason } => ForwardingView {
            works: false,
            failing_ms: u64::try_from(since.as_millis()).ok(),
            reason: Some(reason),
        },
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
