//! `ops/replicas`: which replicas share the store, and how each of them is.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use serde_json::Value;
use waybill_model::{time::UnixMillis, view::Books};
use waybill_store::Replica;

use super::{
    App,
    problem::{Problem, ProblemDetails},
};
use crate::{app::Shared, cluster::ClusterView, ops::filter, replication::BEHIND};

/// A replica that has not been heard of for so long, in milliseconds, is taken to be gone.
const HEARD_OF_WITHIN: i64 = 10_000;

/// `GET replicas`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Replicas {
    /// The replica that answers; `null` where the store is embedded.
    own: Option<String>,
    /// Every replica that was seen within a day or so, by number. Empty where the store is embedded.
    items: Vec<ReplicaRow>,
    /// What they share through Redis, as this one sees it; `null` where that is not configured.
    cluster: Option<ClusterView>,
}

/// One replica.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReplicaRow {
    /// Stable for its data folder.
    pub id: String,
    /// Tells apart what it makes.
    number: u16,
    /// What its operator calls it.
    pub name: String,
    /// Its program's version.
    version: String,
    /// When it was started.
    started_at: UnixMillis,
    /// When it was last heard of, by the database's clock.
    pub seen_at: UnixMillis,
    /// Whether it was heard of lately, and has not said that it leaves.
    alive: bool,
    /// Whether it has left, or is leaving.
    leaving: bool,
    /// Requests in flight on it.
    in_flight: Option<u64>,
    /// The version of the configuration that is in force there.
    config_version: Option<i64>,
    /// How far it was behind then with moving its records to the store, in milliseconds.
    behind_ms: Option<i64>,
    /// Where records went that were due there.
    #[serde(skip)]
    pub books: Option<Books>,
}

/// Replicas, and when each was last heard of.
#[utoipa::path(get, path = "/api/v1/admin/ops/replicas", operation_id = "list_replicas", tag = "ops",
    responses((status = 200, body = Replicas), (status = 503, body = ProblemDetails)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Replicas>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    Ok(Json(Replicas {
        own: shared.home.as_ref().map(|home| home.replica.id.clone()),
        items: known(&shared).await?,
        cluster: shared
            .cluster
            .as_ref()
            .map(|cluster| cluster.view(&shared.snapshot())),
    }))
}

/// Every replica that is known.
pub async fn known(shared: &Shared) -> Result<Vec<ReplicaRow>, Problem> {
    match &shared.home {
        None => Ok(Vec::new()),
        Some(home) => Ok(home
            .replicas
            .list()
            .await?
            .into_iter()
            .map(ReplicaRow::from)
            .collect()),
    }
}

impl From<Replica> for ReplicaRow {
    fn from(replica: Replica) -> Self {
        let status: Value = serde_json::from_str(&replica.status).unwrap_or_default();
        let is = |key: &str| status[key].as_bool().unwrap_or(false);
        let leaving = is("leaving") || is("left");
        ReplicaRow {
            alive: replica.seen_ms_ago < HEARD_OF_WITHIN && !is("left"),
            leaving,
            in_flight: status["in_flight"].as_u64(),
            config_version: status["config_version"].as_i64(),
            behind_ms: status[BEHIND].as_i64(),
            books: serde_json::from_value(status["books"].clone()).ok(),
            id: replica.id,
            number: replica.number,
            name: replica.name,
            version: replica.version,
            started_at: replica.started_at,
            seen_at: replica.seen_at,
        }
    }
}
