//! Replication: how a replica follows what others change through the shared database, and how it comes and
//! goes.
//!
//! Promises: a change made on one replica acts on all within a second: they are told, and look by themselves
//! as well; accounts stand here as they stand for everybody once their events are known; a database that is
//! away changes nothing of what is known. Must not know: how the database tells.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{task::JoinHandle, time::timeout};
use waybill_model::{limits::UsageCount, state::AccountEvent};
use waybill_store::{Change, StoreError, add_up_usage};

use crate::{
    app::{Changed, Shared},
    cluster,
    config::Database,
    home::SharedHome,
    quota,
};

/// How often what others changed is looked for, though nobody said that there is something.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// For a change of this replica's own to be read by whoever made it.
const OWN_CHANGE: Duration = Duration::from_millis(50);

/// How often what others used is read from the database; Redis tells it sooner.
const USAGE_EVERY: Duration = Duration::from_secs(10);

/// How often a replica says that it is there.
const BEAT_EVERY: Duration = Duration::from_secs(2);

/// What saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(3);

/// What a replica says of how far behind it is with moving its records, in milliseconds.
pub const BEHIND: &str = "behind_ms";

/// Since when the others hear of this replica, without a beat that failed.
#[derive(Debug, Default)]
pub struct Heard(Mutex<Option<Instant>>);

impl Heard {
    fn note(&self, is_heard: bool, now: Instant) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *since = is_heard.then(|| since.unwrap_or(now));
    }

    /// For how long, in milliseconds; 0: they do not.
    pub fn for_ms(&self) -> i64 {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ms = since.map_or(0, |since| since.elapsed().as_millis());
        i64::try_from(ms).unwrap_or(i64::MAX)
    }
}

/// What is known of the others' changes when the first request comes.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    /// Account events up to here are part of how accounts stand.
    seen: i64,
}

/// Whether what failed may go well in a while: the shared database is away, full or held.
pub fn is_of_the_moment(error: &anyhow::Error) -> bool {
    let mut causes = error.chain();
    causes.any(|cause| {
        cause
            .downcast_ref()
            .is_some_and(StoreError::is_of_the_moment)
    })
}

/// Takes over the configuration, how accounts stand and what was used, before the first request. Where the
/// database was not reached, or cannot be read now, from what was seen of it last.
pub async fn begin(shared: &Arc<Shared>, is_reached: bool) -> anyhow::Result<Begun> {
    if is_reached {
        match begin_from_store(shared).await {
            Err(error) if shared.home.is_some() && is_of_the_moment(&error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the shared database went away at the start"
                );
            }
            begun => return begun,
        }
    }
    begin_from_picture(shared).await
}

async fn begin_from_store(shared: &Arc<Shared>) -> anyhow::Result<Begun> {
    shared
        .reload(Changed::Here)
        .await
        .context("the configuration cannot be read")?;
    restore(shared).await.context("the store cannot be read")
}

/// The database is away: what was seen of it last is what is known, and what is still in the spool.
async fn begin_from_picture(shared: &Arc<Shared>) -> anyhow::Result<Begun> {
    let home = shared
        .home
        .as_ref()
        .context("only a replica has a picture")?;
    let picture = shared.store.picture().await?.context(
        "the shared database cannot be used now, and this replica has kept no picture of it to start with",
    )?;
    tracing::warn!(taken_at = %picture.taken_at, "starting from what was seen of the shared database then");
    // What was read of the database itself a moment ago is newer.
    if shared.config_version() == 0 {
        shared.apply(picture.config, Changed::Here);
    }
    let mut events = picture.account_events;
    events.extend(home.replicas.spooled_account_events().await?);
    stand(shared, events);
    let spooled = home.replicas.spooled_usage(picture.moved).await?;
    take_up_usage(shared, home, picture.usage, spooled);
    Ok(Begun {
        seen: picture.last_account_event,
    })
}

/// Accounts stand as they stood before, and what was used is used.
async fn restore(shared: &Shared) -> Result<Begun, StoreError> {
    // Read before the states: what comes in between is learned once more, and none is missed.
    let seen = match &shared.home {
        Some(home) => home.replicas.last_account_event().await?,
        None => 0,
    };
    let mut events = shared.store.account_states().await?;
    if let Some(home) = &shared.home {
        events.extend(home.replicas.spooled_account_events().await?);
    }
    stand(shared, events);
    restore_usage(shared).await?;
    Ok(Begun { seen })
}

/// Accounts stand as their events say, and are switched as they are configured.
fn stand(shared: &Shared, mut events: Vec<AccountEvent>) {
    events.sort_by_key(|event| event.id);
    events.dedup_by_key(|event| event.id);
    let snapshot = shared.snapshot().clone();
    shared.keeper.restore(&snapshot, &events);
    for account in snapshot.accounts() {
        let (keeper, now) = (&shared.keeper, shared.clock.now());
        keeper.switched(account, "configuration", String::new(), now);
    }
}

/// What was used is used, what this replica has not moved yet included.
async fn restore_usage(shared: &Shared) -> Result<(), StoreError> {
    match &shared.home {
        None => quota::restore(&shared.snapshot().clone(), &shared.store.usage().await?),
        Some(home) => {
            let (counted, spooled) = home.replicas.usage_and_spooled().await?;
            take_up_usage(shared, home, counted, spooled);
        }
    }
    Ok(())
}

/// Where replicas tell each other, each begins with its own count, and learns the others'; otherwise with what
/// all of them counted.
fn take_up_usage(
    shared: &Shared,
    home: &SharedHome,
    counted: Vec<(String, UsageCount)>,
    spooled: Vec<UsageCount>,
) {
    let is_own = |replica: &str| shared.cluster.is_none() || replica == home.replica.id;
    let (own, others): (Vec<_>, Vec<_>) = counted
        .into_iter()
        .partition(|(replica, _)| is_own(replica));
    let own = own.into_iter().map(|(_, count)| count).chain(spooled);
    quota::restore(&shared.snapshot().clone(), &add_up_usage(own));
    if let Some(cluster) = &shared.cluster {
        for (replica, count) in &others {
            cluster.learn_usage(replica, count);
        }
    }
}

/// What is on record of the others' use.
async fn learn_usage(shared: &Shared, home: &SharedHome) -> Result<(), StoreError> {
    let Some(cluster) = &shared.cluster else {
        return Ok(());
    };
    for (replica, count) in home.replicas.usage().await? {
        if replica != home.replica.id {
            cluster.learn_usage(&replica, &count);
        }
    }
    Ok(())
}

/// Where this replica meets the others within milliseconds; `None` where no Redis is configured.
pub async fn meeting_place(
    database: &Database,
    home: &SharedHome,
) -> anyhow::Result<Option<cluster::Settings>> {
    let Some(url) = &database.redis_url else {
        return Ok(None);
    };
    let known = home.replicas.list().await.unwrap_or_default();
    let alive = known
        .iter()
        .filter(|replica| replica.seen_ms_ago < ALIVE_WITHIN_MS);
    Ok(Some(cluster::Settings {
        url: url.clone(),
        namespace: home.deployment.clone(),
        replica: cluster::Replica {
            id: home.replica.id.clone(),
            number: home.replica.number,
            name: home.replica.name.clone(),
        },
        assumed_replicas: alive.count().max(1),
        timing: cluster::Timing::default(),
    }))
}

/// A replica that was seen within so long is taken to be there.
const ALIVE_WITHIN_MS: i64 = 10_000;

/// Accounts whose states have drifted apart begin anew with what is on record.
fn resync_by_record(shared: &Arc<Shared>) {
    let Some(cluster) = &shared.cluster else {
        return;
    };
    let weak = Arc::downgrade(shared);
    cluster.resync_by(Box::new(move |accounts| {
        let weak = weak.clone();
        Box::pin(async move {
            let Some(shared) = weak.upgrade() else { return };
            match shared.store.account_states().await {
                Ok(events) => {
                    let snapshot = shared.snapshot().clone();
                    shared.keeper.resync(&snapshot, &accounts, &events);
                }
                Err(error) => {
                    tracing::warn!(%error, "states that have drifted apart could not be read anew");
                }
            }
        })
    }));
}

/// Follows what other replicas change, and says that this one is there. Nothing for one that is alone.
pub fn follow(shared: &Arc<Shared>, begun: Begun) -> Vec<JoinHandle<()>> {
    if shared.home.is_none() {
        return Vec::new();
    }
    resync_by_record(shared);
    vec![
        tokio::spawn(follow_changes(Arc::clone(shared), begun.seen)),
        tokio::spawn(follow_usage(Arc::clone(shared))),
        tokio::spawn(beat(Arc::clone(shared))),
    ]
}

async fn follow_changes(shared: Arc<Shared>, mut seen: i64) {
    let Some(home) = &shared.home else { return };
    let mut changes = home.replicas.changes();
    loop {
        let change = timeout(LOOK_EVERY, changes.next())
            .await
            .unwrap_or(Change::Anything);
        let followed = match change {
            Change::Config => follow_config(&shared, home).await,
            Change::AccountEvents => follow_events(&shared, home, &mut seen).await,
            Change::Anything => match follow_config(&shared, home).await {
                Ok(()) => follow_events(&shared, home, &mut seen).await,
                failed => failed,
            },
        };
        if let Err(error) = followed {
            tracing::debug!(%error, "what other replicas changed is not known; it is looked for again");
        }
    }
}

async fn follow_config(shared: &Shared, home: &SharedHome) -> Result<(), StoreError> {
    // A change that was made here is told here, too: whoever made it reads it first.
    tokio::time::sleep(OWN_CHANGE).await;
    let there = home.replicas.deployment().await?.config_version;
    if there == shared.config_version() {
        return Ok(());
    }
    shared.reload(Changed::Elsewhere).await
}

/// Events that are read at once.
const MOST_EVENTS: u32 = 1_000;

async fn follow_events(
    shared: &Shared,
    home: &SharedHome,
    seen: &mut i64,
) -> Result<(), StoreError> {
    loop {
        let events = home
            .replicas
            .account_events_after(*seen, MOST_EVENTS)
            .await?;
        let snapshot = shared.snapshot().clone();
        for (seq, event) in &events {
            shared.keeper.learn(&snapshot, event);
            *seen = *seq;
        }
        if events.len() < MOST_EVENTS as usize {
            return Ok(());
        }
    }
}

/// Every so often: what others used, and a picture of all that a start needs.
async fn follow_usage(shared: Arc<Shared>) {
    let Some(home) = &shared.home else { return };
    let mut every = tokio::time::interval(USAGE_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let known = match learn_usage(&shared, home).await {
            // A copy of what a start needs, for when the database is away then.
            Ok(()) => shared.store.keep_picture().await,
            failed => failed,
        };
        if let Err(error) = known {
            tracing::debug!(%error, "what other replicas used is not known; it is asked for again");
        }
    }
}

async fn beat(shared: Arc<Shared>) {
    let Some(home) = &shared.home else { return };
    let mut every = tokio::time::interval(BEAT_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let status = status(&shared).await;
        let beat = home.replicas.beat(status).await;
        home.heard.note(beat.is_ok(), Instant::now());
        if let Err(error) = beat {
            tracing::debug!(%error, "this replica could not say that it is there");
        }
    }
}

/// What a replica says of itself.
async fn status(shared: &Shared) -> String {
    let now = shared.clock.now();
    let known = shared.recorder.books_and_moved(now).await;
    let (books, moved) = known.unwrap_or_default();
    serde_json::json!({
        "books": books,
        BEHIND: now.0.saturating_sub(moved.0),
        "config_version": shared.config_version(),
        "in_flight": shared.in_flight.count(),
        "leaving": shared.is_leaving(),
    })
    .to_string()
}

/// Gives back what only one replica may have, and says that this one is gone.
pub async fn leave(shared: &Shared) {
    let goodbye = async {
        shared.store.release_jobs(&shared.replica).await?;
        match &shared.home {
            Some(home) => home.replicas.leave().await,
            None => Ok(()),
        }
    };
    match timeout(GOODBYE, goodbye).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "left without saying so: leases end by themselves")
        }
        Err(_) => tracing::warn!("left without saying so: leases end by themselves"),
    }
}
