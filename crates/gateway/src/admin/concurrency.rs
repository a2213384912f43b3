//! `ops/concurrency`: who holds how many places, of how many, and who waits for one.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::{id::GroupId, time::UnixMillis};

use super::{App, problem::Problem};
use crate::{ops::filter, routing::LineCounts};

/// Who holds how many places now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Concurrency {
    /// The moment this is of.
    at: UnixMillis,
    /// Requests being served, over all.
    in_flight: usize,
    /// Accounts. The limit is what is let through just now: less than configured while one recovers.
    accounts: Vec<Holder>,
    /// Groups: what is on their accounts, whichever group it came through, and who waits.
    groups: Vec<GroupHolder>,
    /// Users, all keys together.
    users: Vec<Holder>,
    /// Keys.
    api_keys: Vec<Holder>,
    /// Requests that wait for a place on an account.
    queue: Queue,
}

/// Places that one of them holds.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Holder {
    /// Its id.
    id: i64,
    /// Its name.
    name: String,
    /// Requests in flight.
    in_flight: u32,
    /// Most requests at once; `null` is no limit.
    limit: Option<u32>,
}

/// What runs on and waits for a group's accounts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct GroupHolder {
    /// The group.
    id: GroupId,
    /// Its name.
    name: String,
    /// Requests in flight on its accounts.
    in_flight: u32,
    /// Most requests at once on all of them; `null` where one has no limit.
    limit: Option<u32>,
    /// Requests that wait for one of them.
    waiting: u32,
}

/// The queue for places on accounts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Queue {
    /// Requests that wait now.
    waiting: usize,
    /// How long the one that waits longest has.
    longest_wait_ms: u64,
    /// Requests that began to wait, since the gateway was started.
    joined: u64,
    /// Of those, the ones that were given an account.
    served: u64,
    /// The ones that waited as long as they may.
    timed_out: u64,
    /// The ones whose client left.
    left: u64,
    /// The ones for which nothing could be free in time any more.
    given_up: u64,
    /// Time waited by all that no longer wait.
    waited_ms: u64,
    /// Requests that found the queue full.
    refused: u64,
}

/// Who holds how many places, of how many, and who waits for one.
#[utoipa::path(get, path = "/api/v1/admin/ops/concurrency", operation_id = "get_concurrency", tag = "ops",
    responses((status = 200, body = Concurrency)))]
pub async fn show(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Concurrency>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    let config = shared.store.load_config().await?;
    let (snapshot, counts) = (shared.snapshot(), shared.line.counts());
    let accounts: Vec<Holder> = config
        .accounts
        .iter()
        .filter_map(|account| snapshot.account(account.id))
        .map(|entry| Holder {
            id: entry.id.0,
            name: entry.name.to_string(),
            in_flight: entry.live.in_flight(),
            limit: entry.live.allowed(entry.concurrency),
        })
        .collect();
    let groups = config
        .groups
        .into_iter()
        .map(|group| {
            let members = config
                .accounts
                .iter()
                .filter(|account| account.group_ids.contains(&group.id))
                .filter_map(|account| accounts.iter().find(|holder| holder.id == account.id.0));
            GroupHolder {
                in_flight: members.clone().map(|member| member.in_flight).sum(),
                limit: members.map(|member| member.limit).sum(),
                waiting: waiting(&counts, group.id),
                id: group.id,
                name: group.name,
            }
        })
        .collect();
    Ok(Json(Concurrency {
        at: shared.clock.now(),
        in_flight: shared.in_flight.count(),
        accounts,
        groups,
        users: config
            .users
            .into_iter()
            .map(|user| Holder {
                id: user.id.0,
                in_flight: in_flight(snapshot.tallies.of_user(user.id)),
                limit: user.limits.concurrency,
                name: user.name,
            })
            .collect(),
        api_keys: config
            .api_keys
            .into_iter()
            .map(|key| Holder {
                id: key.id.0,
                in_flight: in_flight(snapshot.tallies.of_key(key.id)),
                limit: key.limits.concurrency,
                name: key.name,
            })
            .collect(),
        queue: Queue {
            waiting: counts.waiting,
            longest_wait_ms: counts.longest_wait_ms,
            joined: counts.joined,
            served: counts.served,
            timed_out: counts.timed_out,
            left: counts.left,
            given_up: counts.given_up,
            waited_ms: counts.waited_ms,
            refused: counts.refused,
        },
    }))
}

fn waiting(counts: &LineCounts, group: GroupId) -> u32 {
    let found = counts.groups.iter().find(|(id, _)| *id == group);
    found.map_or(0, |(_, waiting)| *waiting)
}

fn in_flight(tally: Option<std::sync::Arc<crate::quota::Tally>>) -> u32 {
    tally.map_or(0, |tally| tally.in_flight())
}
