//! What operators see of the cluster.

use serde::Serialize;
use waybill_model::{id::AccountId, time::UnixMillis};

use super::{Cluster, link::State};
use crate::routing::Snapshot;

/// The replicas, and how they share.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ClusterView {
    /// This replica.
    pub replica: String,
    /// Where Redis is.
    pub redis: String,
    /// Whether it answers.
    pub redis_up: bool,
    /// Since when it does, or does not.
    pub redis_since: UnixMillis,
    /// Why it does not.
    pub redis_reason: Option<String>,
    /// The replicas that are there; while Redis is away, those seen last.
    pub replicas: Vec<ReplicaView>,
    /// Slots of accounts with a limit, as this replica shares them.
    pub accounts: Vec<AccountShare>,
    /// Accounts whose state differs from that on another replica.
    pub drift: Vec<DriftView>,
    /// Counts since the start.
    pub counts: CountsView,
}

/// A replica that is there.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ReplicaView {
    /// Its id.
    pub id: String,
    /// Its number: the last six bits of the ids of the events it makes.
    pub number: u16,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Since when it runs.
    pub started_at: UnixMillis,
    /// When it was heard of last.
    pub seen_at: UnixMillis,
    /// Whether it is the one that answers.
    pub is_this: bool,
}

/// This replica's share of an account's slots.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AccountShare {
    /// The account.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Most requests at once, over all replicas.
    pub limit: u32,
    /// How many of them this replica may have.
    pub allotment: u32,
    /// How many it has.
    pub in_flight: u32,
    /// Redis is away too long: the allotment is this replica's own view.
    pub own_view: bool,
    /// Other replicas could use more than they have.
    pub contested: bool,
}

/// An account whose state differs from that on another replica, and stays so.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DriftView {
    /// The account.
    pub account_id: AccountId,
    /// The other replica.
    pub replica: String,
    /// Since when.
    pub since: UnixMillis,
}

/// What is counted since the start.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct CountsView {
    /// Connections to Redis that were lost.
    pub redis_losses: u64,
    /// Messages of others that were not read in time; what they told was read up.
    pub messages_lost: u64,
    /// Exchanges of slots that were answered.
    pub slot_exchanges: u64,
    /// Exchanges of slots that were not.
    pub slot_exchanges_failed: u64,
    /// Times that an account went over to this replica's own view.
    pub own_views: u64,
    /// Exchanges of what was used.
    pub usage_exchanges: u64,
    /// Changes of accounts' states told to others.
    pub events_published: u64,
    /// Those of others, heard for the first time.
    pub events_received: u64,
    /// Of these, those that belonged before one that was known.
    pub events_late: u64,
    /// Those that came too late to be placed.
    pub events_too_late: u64,
    /// Those of accounts that are not here.
    pub events_unknown: u64,
    /// Own ones that nobody was told, because too many waited.
    pub events_dropped: u64,
    /// Accounts found in another state than on another replica.
    pub drifts: u64,
}

impl Cluster {
    /// What operators see. Names of accounts come from `snapshot`.
    pub fn view(&self, snapshot: &Snapshot) -> ClusterView {
        let place = &self.place;
        let (redis_up, redis_since, redis_reason) = match &*place.link.state().borrow() {
            State::Up { since, .. } => (true, *since, None),
            State::Away { since, reason } => (false, *since, Some(reason.clone())),
        };
        ClusterView {
            replica: place.replica.id.clone(),
            redis: place.link.address(),
            redis_up,
            redis_since,
            redis_reason,
            replicas: self.replicas(),
            accounts: self.accounts(snapshot),
            drift: self.drifted(),
            counts: self.counts(),
        }
    }

    fn replicas(&self) -> Vec<ReplicaView> {
        let own = &self.place.replica.id;
        let seen = self.members.seen();
        let views = seen.iter().map(|member| ReplicaView {
            id: member.id.clone(),
            number: member.card.number,
            name: member.card.name.clone(),
            version: member.card.version.clone(),
            started_at: member.card.started_at,
            seen_at: member.seen_at,
            is_this: member.id == *own,
        });
        views.collect()
    }

    fn accounts(&self, snapshot: &Snapshot) -> Vec<AccountShare> {
        let views = self.slots.views().into_iter().filter_map(|share| {
            let account = snapshot.account(share.account)?;
            Some(AccountShare {
                id: share.account,
                name: account.name.to_string(),
                limit: share.limit,
                allotment: share.allotment,
                in_flight: share.in_flight,
                own_view: share.is_own_view,
                contested: share.is_contested,
            })
        });
        views.collect()
    }

    fn drifted(&self) -> Vec<DriftView> {
        let found = self.drift.found().into_iter().map(|drifted| DriftView {
            account_id: drifted.account,
            replica: drifted.replica,
            since: drifted.since,
        });
        found.collect()
    }

    fn counts(&self) -> CountsView {
        let counts = &self.place.counts;
        CountsView {
            redis_losses: counts.losses.get(),
            messages_lost: counts.messages_lost.get(),
            slot_exchanges: counts.exchanges.get(),
            slot_exchanges_failed: counts.exchanges_failed.get(),
            own_views: counts.own_views.get(),
            usage_exchanges: counts.usage_exchanges.get(),
            events_published: counts.events_published.get(),
            events_received: counts.events_received.get(),
            events_late: counts.events_late.get(),
            events_too_late: counts.events_too_late.get(),
            events_unknown: counts.events_unknown.get(),
            events_dropped: counts.events_dropped.get(),
            drifts: counts.drifts.get(),
        }
    }
}
