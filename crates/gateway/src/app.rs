//! The parts of a running gateway, put together once and shared by everything.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use waybill_model::{
    cause::Cause, classify::ruling::Judge, id::AccountId, secret::Secret, settings::Chosen,
};
use waybill_store::{Config, Store, StoreError};

use crate::{
    alerts::Waits,
    clock::Clock,
    cluster::Cluster,
    config::{Retention, Settings},
    credential::Tokens,
    egress::{EgressPolicy, Opened},
    home::SharedHome,
    in_flight::InFlight,
    live::Live,
    notify::Notifier,
    people::People,
    record::{Recorder, RulesInForce},
    relay::Watch,
    replay::Queue,
    routing::{Line, Snapshot},
    secrets::Secrets,
    standing::{Keeper, Sink},
    system::System,
    telemetry::Telemetry,
    upstream::{Pool, Tls},
    vault::Vault,
    whatif::Desk,
};

/// What every stage, every worker, operations and the admin API share.
pub struct Shared {
    /// Wall-clock time.
    pub clock: Clock,
    /// Bounds.
    pub settings: Settings,
    /// Where accounts may lead.
    pub egress: EgressPolicy,
    /// Seals and hashes.
    pub vault: Vault,
    /// Where records and configuration rest. The way of a request does not touch it.
    pub store: Store,
    /// The way to the recorder.
    pub recorder: Arc<Recorder>,
    /// What is counted of requests, and where their spans go.
    pub telemetry: Arc<Telemetry>,
    /// Who follows failures as they come.
    pub live: Live,
    /// What failures do to accounts.
    pub keeper: Keeper,
    /// TLS towards providers.
    pub tls: Tls,
    /// What the process takes of the machine.
    pub system: System,
    /// Requests in flight.
    pub in_flight: InFlight,
    /// Requests refused for a limit of a key or a user.
    pub refusals: Refusals,
    /// Where requests wait for an account.
    pub line: Arc<Line>,
    /// What is shared with other replicas; `None`: this process is alone.
    pub cluster: Option<Arc<Cluster>>,
    /// Every live secret.
    pub secrets: Arc<Secrets>,
    /// Who has access tokens for accounts.
    pub tokens: Tokens,
    /// What operators make of failures; the recorder judges by it.
    pub rules: RulesInForce,
    /// Where requests that are sent again wait for a worker.
    pub replays: Queue,
    /// Who may try other rules of the scheduler over the record.
    pub what_if: Desk,
    /// Who may try classification rules over it.
    pub rule_trials: Desk,
    /// Which notification channels are served.
    pub notifier: Notifier,
    /// For how long rules of alerts have waited for what they look at.
    pub alert_waits: Waits,
    /// Bearer token of the admin API.
    pub admin_token: Secret,
    /// Who uses the admin API.
    pub people: People,
    /// What this replica shares with others; `None`: it is alone.
    pub home: Option<SharedHome>,
    /// Who this is, where the store has to tell replicas apart.
    pub replica: String,
    snapshot: ArcSwap<Snapshot>,
    chosen: ArcSwap<Chosen>,
    reloading: tokio::sync::Mutex<()>,
    /// The version of the shared configuration that the snapshot was made of.
    config_version: AtomicI64,
    /// What requests say of the configuration they met.
    config_revision: AtomicI64,
    leaving: AtomicBool,
    cut_off: AtomicBool,
}

/// One worker thread's share.
pub struct Worker {
    /// What all workers share.
    pub shared: Arc<Shared>,
    /// Its own connections to providers.
    pub pool: Arc<Pool>,
    /// Its HTTP/2 streams, for clients that stop taking one.
    pub watch: Watch,
}

/// Counts requests refused for a limit of a key or a user, by cause.
#[derive(Debug)]
pub struct Refusals(Vec<(Cause, AtomicU64)>);

impl Default for Refusals {
    fn default() -> Self {
        let of_business = Cause::ALL
            .iter()
            .filter(|cause| cause.info().business_limited);
        Refusals(
            of_business
                .map(|cause| (*cause, AtomicU64::new(0)))
                .collect(),
        )
    }
}

impl Refusals {
    /// One more, if it is a limit of the business.
    pub fn count(&self, cause: Cause) {
        if let Some((_, count)) = self.0.iter().find(|(counted, _)| *counted == cause) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Since the start, by cause.
    pub fn counts(&self) -> impl Iterator<Item = (Cause, u64)> {
        self.0
            .iter()
            .map(|(cause, count)| (*cause, count.load(Ordering::Relaxed)))
    }
}

/// What [`Shared::new`] is made from.
pub struct Parts {
    /// Wall-clock time.
    pub clock: Clock,
    /// Bounds.
    pub settings: Settings,
    /// Seals and hashes.
    pub vault: Vault,
    /// The store.
    pub store: Store,
    /// The way to the recorder.
    pub recorder: Recorder,
    /// What is counted; shared with the recorder's thread.
    pub telemetry: Arc<Telemetry>,
    /// TLS towards providers.
    pub tls: Tls,
    /// Every live secret; shared with the recorder's thread.
    pub secrets: Arc<Secrets>,
    /// Bearer token of the admin API.
    pub admin_token: Secret,
    /// What this replica shares with others.
    pub home: Option<SharedHome>,
    /// What is shared with other replicas; `None`: this process is alone.
    pub cluster: Option<Arc<Cluster>>,
    /// What operators make of failures; shared with the recorder's thread.
    pub rules: RulesInForce,
}

/// Which replica changed the configuration that is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// This one: what the change does to accounts' states is for it to say.
    Here,
    /// Another one, which says it: the events come from there.
    Elsewhere,
}

impl Shared {
    /// Puts the parts together; the snapshot is empty until [`Shared::reload`].
    pub fn new(parts: Parts) -> Self {
        let Parts {
            clock,
            settings,
            vault,
            store,
            recorder,
            telemetry,
            tls,
            secrets,
            admin_token,
            home,
            cluster,
            rules,
        } = parts;
        let recorder = Arc::new(recorder);
        let number = match (&home, &cluster) {
            (Some(home), _) => home.replica.number,
            (None, Some(cluster)) => cluster.number(),
            (None, None) => 0,
        };
        let sink = events_of(&recorder, cluster.as_ref());
        let keeper = Keeper::new(Arc::clone(&secrets), number, sink);
        let line = if cluster.is_some() {
            Line::shared(settings.queue)
        } else {
            Line::new(settings.queue)
        };
        Shared {
            cluster,
            clock,
            egress: settings.egress.clone(),
            live: Live::new(&settings),
            settings,
            vault,
            store,
            recorder,
            telemetry,
            keeper,
            tls,
            secrets,
            tokens: Tokens::default(),
            rules,
            replays: Queue::default(),
            what_if: Desk::default(),
            rule_trials: Desk::default(),
            notifier: Notifier::default(),
            alert_waits: Waits::default(),
            admin_token,
            people: People::default(),
            replica: home
                .as_ref()
                .map_or_else(|| "embedded".to_owned(), |home| home.replica.id.clone()),
            home,
            system: System::default(),
            in_flight: InFlight::default(),
            refusals: Refusals::default(),
            line,
            snapshot: ArcSwap::default(),
            chosen: ArcSwap::default(),
            reloading: tokio::sync::Mutex::default(),
            config_version: AtomicI64::new(0),
            config_revision: AtomicI64::new(0),
            leaving: AtomicBool::new(false),
            cut_off: AtomicBool::new(false),
        }
    }

    /// The routing data as it is now.
    pub fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// What operators chose while the gateway runs.
    pub fn chosen(&self) -> Chosen {
        **self.chosen.load()
    }

    /// For how long things are kept, as operators chose or the configuration says.
    pub fn retention(&self) -> Retention {
        self.settings.retention.chosen(&self.chosen().retention)
    }

    /// Reads the configuration from the store and lets the next request see it. Also teaches the
    /// redactor the credentials that are in use.
    pub async fn reload(&self, changed: Changed) -> Result<(), StoreError> {
        // Two changes at once must not leave the older picture behind.
        let _one_at_a_time = self.reloading.lock().await;
        // Read before the configuration: what changes in between is read again.
        let version = match &self.home {
            Some(home) => home.replicas.deployment().await?.config_version,
            None => 0,
        };
        let config = self.store.load_config().await?;
        self.apply(config, changed);
        self.config_version.store(version, Ordering::Release);
        if version > 0 {
            self.config_revision.store(version, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The version of the shared configuration that is in force here.
    pub fn config_version(&self) -> i64 {
        self.config_version.load(Ordering::Acquire)
    }

    /// What tells the configuration that is in force from others: its version where replicas share one, else
    /// since when it is in force here.
    pub fn config_revision(&self) -> i64 {
        self.config_revision.load(Ordering::Relaxed)
    }

    /// Lets the next request see a configuration.
    pub fn apply(&self, config: Config, changed: Changed) {
        let opened: HashMap<AccountId, Opened> = config
            .accounts
            .iter()
            .filter_map(|account| {
                Opened::of(account, &self.vault)
                    .inspect_err(|error| tracing::error!(account = %account.name, %error, "an account's sealed part is not readable"))
                    .ok()
                    .map(|opened| (account.id, opened))
            })
            .collect();
        self.secrets
            .set_accounts(opened.values().flat_map(Opened::secrets).collect());
        let snapshot = Snapshot::build(
            &config.groups,
            &config.accounts,
            &config.users,
            &config.api_keys,
            |account| opened.get(&account.id).cloned(),
            &self.line,
            &self.snapshot.load(),
        )
        .with_prices(config.prices);
        if changed == Changed::Here {
            self.keeper
                .configured(&self.snapshot.load(), &snapshot, self.clock.now());
        }
        if let Some(cluster) = &self.cluster {
            cluster.adopt(&snapshot);
        }
        self.telemetry.adopt(&snapshot);
        self.snapshot.store(Arc::new(snapshot));
        self.rules.store(Arc::new(Judge::of(config.rules)));
        self.chosen.store(Arc::new(config.settings));
        self.config_revision
            .store(self.clock.now().0, Ordering::Relaxed);
        self.line.sharing().ring();
        // What is new may have a credential for which no token was had yet.
        self.tokens.ask();
    }

    /// A provider's bytes without secrets, for the client. Unchanged bytes are not copied.
    pub fn scrub(&self, bytes: Bytes) -> Bytes {
        let redactor = self.secrets.redactor();
        match std::str::from_utf8(&bytes) {
            Ok(text) => {
                let shown = redactor.text(text);
                if shown.as_str() == text {
                    bytes
                } else {
                    Bytes::from(shown.into_string())
                }
            }
            Err(_) => Bytes::from(redactor.bytes(&bytes, usize::MAX).0.into_string()),
        }
    }

    /// Says that the gateway will be stopped: it takes requests, and wants no more.
    pub fn begin_leaving(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    /// Whether it will be stopped.
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// Says that running requests are ended now: by us, not by their clients.
    pub fn cut_off(&self) {
        self.cut_off.store(true, Ordering::Release);
    }

    /// Whether a request that ends now was ended by us.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::Acquire)
    }
}

/// Accounts' events go where records go, and to the other replicas.
fn events_of(recorder: &Arc<Recorder>, cluster: Option<&Arc<Cluster>>) -> Sink {
    let (recorder, cluster) = (Arc::clone(recorder), cluster.cloned());
    Box::new(move |event| {
        if let Some(cluster) = &cluster {
            cluster.publish(event.clone());
        }
        recorder.account_event(event);
    })
}
