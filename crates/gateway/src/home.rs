//! Home: where records and the configuration rest, opened at start and closed at the end.
//!
//! In: the configuration. Out: a [`Store`], embedded or shared; of a shared one also this replica's identity
//! and the thread that moves its spool.
//!
//! Promises: a replica that cannot reach the shared database, or finds it full or held, starts with what it saw
//! of it last, if it ever did; one whose instance key is not the deployment's does not start. Must not know: requests.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use waybill_model::{entity::Sealed, secret::Secret, time::UnixMillis};
use waybill_store::{ForwarderThread, PostgresOptions, Replicas, Store, StoreError, StoreOptions};

use crate::{
    config::{Config, Database},
    replication::Heard,
    vault::{self, Vault},
};

/// At the end, what is in the spool is moved for at most so long; the rest is moved at the next start.
const LAST_MOVE: Duration = Duration::from_secs(10);

/// Where records and the configuration rest.
pub struct Home {
    /// The store.
    pub store: Store,
    /// What replicas share; `None`: the store is embedded.
    pub shared: Option<SharedHome>,
}

/// The shared side of a home.
pub struct SharedHome {
    /// What replicas tell each other.
    pub replicas: Replicas,
    /// This replica.
    pub replica: ReplicaId,
    /// Tells deployments apart.
    pub deployment: String,
    /// For how long it has been heard of by others.
    pub heard: Heard,
    /// The database answered at start. If not, the replica goes on from the picture it kept.
    pub is_reached: bool,
}

/// This replica, among the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaId {
    /// Stable for a data folder.
    pub id: String,
    /// From 1 to 63; 0 for an embedded store, which is alone.
    pub number: u16,
    /// What its operator calls it.
    pub name: String,
}

/// Opens the home that the configuration names.
pub async fn open(config: &Config, vault: &Vault, now: UnixMillis) -> anyhow::Result<Home> {
    match &config.database {
        None => Ok(Home {
            store: embedded(config, Purpose::Use)?,
            shared: None,
        }),
        Some(database) => shared(config, database, vault, now).await,
    }
}

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be written to: made where it is not there, and brought up to date. The folder is held.
    Use,
    /// To be looked at: nothing in the folder is made or changed, whoever uses it. A shared database may be
    /// changed all the same.
    Look,
}

/// Where the embedded store of a configuration lies.
pub fn embedded_file(config: &Config) -> PathBuf {
    config.data_dir.join("waybill.db")
}

/// Where the spool of a configuration lies.
pub fn spool_file(config: &Config) -> PathBuf {
    config.data_dir.join("spool.db")
}

/// The embedded store of a configuration.
pub fn embedded(config: &Config, purpose: Purpose) -> anyhow::Result<Store> {
    let database = embedded_file(config);
    if purpose == Purpose::Use {
        private_file(&database)?;
    }
    let options = StoreOptions {
        durability: config.durability,
        read_only: purpose == Purpose::Look,
        ..StoreOptions::at(database)
    };
    Store::open(options).context("the store cannot be opened")
}

/// The shared store of a configuration, not yet asked anything. Its spool is made where it is to be used.
pub fn behind_spool(
    config: &Config,
    database: &Database,
    purpose: Purpose,
) -> anyhow::Result<Store> {
    let spool = spool_file(config);
    if purpose == Purpose::Use {
        private_file(&spool)?;
    }
    let options = StoreOptions {
        durability: config.durability,
        max_file_bytes: Some(database.spool_max_bytes),
        read_only: purpose == Purpose::Look,
        ..StoreOptions::at(spool)
    };
    let postgres = PostgresOptions {
        ca: database.ca.clone(),
        ..PostgresOptions::at(database.url.clone())
    };
    Store::shared(options, &postgres, &vault::random_text()).context("the spool cannot be opened")
}

async fn shared(
    config: &Config,
    database: &Database,
    vault: &Vault,
    now: UnixMillis,
) -> anyhow::Result<Home> {
    let store = behind_spool(config, database, Purpose::Use)?;
    let replicas = store
        .replicas()
        .context("a store behind a spool is shared")?;
    let known = config.data_dir.join("replica.json");
    let name = database.replica_name.clone();
    let (identity, is_reached) = match join(&store, &replicas, &name, vault, now).await {
        Ok(identity) => {
            remember(&known, &identity)?;
            (identity, true)
        }
        Err(Joining::Away(error)) => {
            let identity = remembered(&known).with_context(|| {
                format!(
                    "{error}, and this replica has never seen it: nothing is known to start with"
                )
            })?;
            tracing::warn!(
                %error,
                "starting with what was seen of the shared database last; records wait in the spool"
            );
            (identity, false)
        }
        Err(Joining::Refused(error)) => return Err(error),
    };
    Ok(Home {
        store,
        shared: Some(SharedHome {
            replica: ReplicaId {
                id: replicas.own_id().to_owned(),
                number: identity.number,
                name,
            },
            deployment: identity.deployment,
            replicas,
            heard: Heard::default(),
            is_reached,
        }),
    })
}

/// Why a replica could not become part of the deployment.
enum Joining {
    /// The database does not answer, or takes no changes, or has no room, now.
    Away(StoreError),
    /// It answers, and this replica does not belong there.
    Refused(anyhow::Error),
}

impl From<StoreError> for Joining {
    fn from(error: StoreError) -> Self {
        match error {
            error if error.is_of_the_moment() => Joining::Away(error),
            StoreError::Database(_) => Joining::Refused(anyhow::Error::new(error).context(
                "the shared database cannot be brought up to date; `waybill doctor` looks closer",
            )),
            error => Joining::Refused(error.into()),
        }
    }
}

/// What a replica has to know of itself to start.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Identity {
    number: u16,
    deployment: String,
}

async fn join(
    store: &Store,
    replicas: &Replicas,
    name: &str,
    vault: &Vault,
    now: UnixMillis,
) -> Result<Identity, Joining> {
    store.migrate().await?;
    let opening = vault.clone();
    let opens = move |sealed: &Sealed| opening.open_credential(sealed).is_ok();
    if !replicas.has_key(vault.check_text(), opens).await? {
        return Err(Joining::Refused(anyhow::anyhow!(
            "secret_key is not the one that this deployment's credentials and client keys are sealed with: \
             every replica needs the same"
        )));
    }
    let number = replicas.join(name, env!("CARGO_PKG_VERSION"), now).await?;
    Ok(Identity {
        number,
        deployment: replicas.deployment().await?.name,
    })
}

fn remember(file: &Path, identity: &Identity) -> anyhow::Result<()> {
    let text = serde_json::to_string(identity)?;
    std::fs::write(file, text).with_context(|| file.display().to_string())
}

fn remembered(file: &Path) -> Option<Identity> {
    serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
}

/// The vault of a configuration, where its instance key is known without being made.
pub fn known_vault(config: &Config) -> Option<Vault> {
    let given = config.secret_key.clone();
    let kept = || {
        let text = std::fs::read_to_string(config.data_dir.join("instance.key")).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| Secret::new(text))
    };
    given.or_else(kept).map(|key| Vault::new(&key))
}

/// Starts moving the spool of a shared store. `None` for an embedded one.
pub fn start_forwarding(store: &Store) -> anyhow::Result<Option<ForwarderThread>> {
    let forwarder = store.forwarder()?;
    let thread = forwarder.map(|forwarder| forwarder.spawn(LAST_MOVE));
    Ok(thread.transpose()?)
}

/// Makes the file if it is not there, for its owner alone. The files SQLite keeps beside it follow it.
fn private_file(file: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)
        .map(drop)
        .with_context(|| file.display().to_string())
}
