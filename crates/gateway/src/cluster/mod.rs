//! Cluster: what several replicas share within milliseconds, through Redis.
//!
//! In: what this replica uses and what it finds out. Out: how many slots of each account are its own, what
//! others use, and what happened to accounts elsewhere; all of it put where requests look anyway.
//!
//! Promises: the way of a request never waits for Redis and asks it nothing; what crosses replicas is
//! exchanged in bulk by a few tasks, each doing one thing at a time, and none waits long for an answer.
//! Redis away, each replica goes on with its own view, bounded, counted and shown, and rejoins by itself.
//! Without `redis_url` nothing of this is there.
//!
//! Must not know: the store, HTTP, why an account is chosen or a request refused.
//!
//! What is exact and what is bounded stands in `docs/CLUSTER.md`.

mod address;
mod counts;
mod drift;
mod events;
mod keys;
mod link;
mod member;
pub mod share;
mod slots;
mod usage;
mod view;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_rustls::rustls::ClientConfig;
use waybill_model::{limits::UsageCount, state::AccountEvent};

pub use self::{
    address::{BadRedisUrl, RedisUrl},
    drift::Resync,
    member::Replica,
    share::Timing,
    view::{AccountShare, ClusterView, CountsView, DriftView, ReplicaView},
};
use self::{
    counts::Counts, drift::Drift, events::Events, keys::Keys, link::Link, member::Members,
    slots::Slots, usage::Usage,
};
use crate::{app::Shared, clock::Clock, routing::Snapshot, vault};

/// For saying goodbye, all of it together. Whatever is not said by then ends with a lease.
const LEAVE_PATIENCE: Duration = Duration::from_secs(1);

/// How a replica takes part.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where Redis is.
    pub url: RedisUrl,
    /// Tells clusters on one Redis apart. All replicas of one have the same.
    pub namespace: String,
    /// Which replica this is.
    pub replica: Replica,
    /// How many replicas are taken to be there for as long as Redis was never reached.
    pub assumed_replicas: usize,
    /// Times.
    pub timing: Timing,
}

/// What every part knows: who this is, and the way to Redis.
struct Place {
    replica: Replica,
    keys: Keys,
    link: Arc<Link>,
    timing: Timing,
    counts: Arc<Counts>,
    began: Instant,
}

impl Place {
    /// Milliseconds since this was made, by a clock that is never set.
    fn now(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// The instant at which [`Place::now`] is `at`; an hour from now at most.
    fn instant(&self, at: i64) -> Instant {
        let left = at.saturating_sub(self.now()).clamp(0, 3_600_000);
        Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or(0))
    }
}

/// What this replica shares with others.
pub struct Cluster {
    place: Arc<Place>,
    slots: Slots,
    usage: Usage,
    events: Events,
    members: Members,
    drift: Drift,
    /// What others publish, until the tasks that read it begin.
    inboxes: Mutex<Vec<mpsc::Receiver<String>>>,
}

/// The tasks that exchange. Dropping them ends them without a goodbye.
#[must_use = "what is dropped exchanges nothing"]
pub struct Tasks(#[expect(dead_code, reason = "held: dropping it ends the tasks")] JoinSet<()>);

impl Cluster {
    /// A replica that takes part once [`Cluster::start`] is called; says which setting cannot be used.
    pub fn new(
        settings: Settings,
        tls: Arc<ClientConfig>,
        clock: &Clock,
    ) -> Result<Arc<Cluster>, String> {
        let Settings {
            url,
            namespace,
            replica,
            assumed_replicas,
            timing,
        } = settings;
        member::check(&replica)?;
        let (keys, counts) = (Keys::of(&namespace), Arc::new(Counts::default()));
        let channels = [keys.slots_channel(), keys.events_channel()];
        let (link, inboxes) = Link::new(url, tls, &channels, clock.clone(), Arc::clone(&counts));
        let place = Arc::new(Place {
            replica,
            keys,
            link,
            timing,
            counts,
            began: Instant::now(),
        });
        let run = vault::random_text();
        Ok(Arc::new(Cluster {
            slots: Slots::new(Arc::clone(&place)),
            usage: Usage::new(Arc::clone(&place)),
            events: Events::new(Arc::clone(&place), run.clone()),
            members: Members::new(Arc::clone(&place), run, assumed_replicas, clock.now()),
            drift: Drift::new(Arc::clone(&place)),
            place,
            inboxes: Mutex::new(inboxes),
        }))
    }

    /// This replica's number, for the ids of its events.
    pub fn number(&self) -> u16 {
        self.place.replica.number
    }

    /// Takes up a picture before requests see it.
    pub fn adopt(&self, snapshot: &Snapshot) {
        self.slots.adopt(snapshot, &self.members);
        self.usage.adopt(snapshot);
        // Something may have been told of an account that is only now here.
        self.events.read_up();
    }

    /// This replica made an event: the others are told. Never waits.
    pub fn publish(&self, event: AccountEvent) {
        self.events.publish(event);
    }

    /// What is on record of another replica's use, in one window. May be told as often as it is read.
    pub fn learn_usage(&self, replica: &str, count: &UsageCount) {
        self.usage.learn(replica, count);
    }

    /// What begins accounts anew whose states have drifted: [`Keeper::resync`] with what is on record.
    ///
    /// [`Keeper::resync`]: crate::standing::Keeper::resync
    pub fn resync_by(&self, resync: Resync) {
        self.drift.resync_by(resync);
    }

    /// Begins to exchange. Once.
    pub fn start(self: &Arc<Self>, shared: &Arc<Shared>) -> Tasks {
        let mut tasks = JoinSet::new();
        let inboxes =
            std::mem::take(&mut *self.inboxes.lock().unwrap_or_else(PoisonError::into_inner));
        let Ok([slots_inbox, events_inbox]) = <[_; 2]>::try_from(inboxes) else {
            return Tasks(tasks);
        };
        let parts = || (Arc::clone(self), Arc::clone(shared));
        tasks.spawn(Arc::clone(&self.place.link).keep());
        let (this, shared) = parts();
        tasks.spawn(async move {
            this.slots
                .exchange(&shared, &this.members, slots_inbox)
                .await;
        });
        let (this, shared) = parts();
        tasks.spawn(async move { this.usage.exchange(&shared, &this.members).await });
        let (this, shared) = parts();
        tasks.spawn(async move { this.events.hear(&shared, events_inbox).await });
        let (this, shared) = parts();
        tasks.spawn(async move { this.members.beat(&shared).await });
        let (this, shared) = parts();
        tasks.spawn(async move {
            this.drift.check(&shared, &this.members, &this.events).await;
        });
        let this = Arc::clone(self);
        tasks.spawn(async move { this.events.tell().await });
        Tasks(tasks)
    }

    /// Resolves when this replica has its slots, or goes by its own view, because Redis is not there.
    pub async fn has_begun(&self) {
        while !self.slots.has_begun() {
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the exchange and gives back at once what this replica holds. For when requests have ended.
    pub async fn leave(&self, tasks: Tasks) {
        let goodbye = async {
            self.slots.leave().await;
            self.usage.leave().await;
            self.members.leave().await;
        };
        // The tasks go on meanwhile: the link is one of them. What they hold was taken from them first.
        let _ = timeout(LEAVE_PATIENCE, goodbye).await;
        drop(tasks);
    }
}

/// Whether Redis is there, within `patience`; says what it said, or what became of asking. For whoever looks for
/// what is wrong.
pub async fn try_out(
    url: RedisUrl,
    tls: Arc<ClientConfig>,
    clock: &Clock,
    patience: Duration,
) -> Result<(), String> {
    let (link, _) = Link::new(url, tls, &[], clock.clone(), Arc::default());
    let mut state = link.state();
    let keeping = tokio::spawn(Arc::clone(&link).keep());
    let told = async {
        // It begins as away, for no reason yet.
        if state.changed().await.is_err() {
            return Err("it was not asked".to_owned());
        }
        match &*state.borrow_and_update() {
            link::State::Up { .. } => Ok(()),
            link::State::Away { reason, .. } => Err(reason.clone()),
        }
    };
    let answer = timeout(patience, told).await;
    keeping.abort();
    answer.unwrap_or_else(|_| Err("it does not answer".to_owned()))
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("replica", &self.place.replica)
            .field("redis", &self.place.link.address())
            .finish_non_exhaustive()
    }
}
