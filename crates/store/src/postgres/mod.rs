//! The shared store: PostgreSQL, used by many replicas at once, each with a spool in front of it.
//!
//! Reading order: [`connect`] is the way there, [`migrate`] brings the schema up to date, [`engine`] makes
//! connections take the common statements, [`forward`] moves spools into it, [`retention`] drops days,
//! [`fault`] says what its errors mean.

mod connect;
mod copy;
mod engine;
mod fault;
mod forward;
mod inspect;
mod listen;
mod migrate;
mod retention;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use waybill_model::time::UnixMillis;

use self::{connect::Server, engine::Postgres, forward::State};
pub use self::{
    forward::{Forwarder, ForwarderThread, Forwarding},
    inspect::DatabaseFacts,
    listen::{Change, Changes},
};
use crate::{
    LossCount, PostgresOptions, RetentionPolicy, RetentionReport, StoreError, StoreOptions,
    connections::{Desk, Readers, Turn},
    journal::read_losses,
    spool::Spool,
    sql::{Engine, Result},
};

/// Whether an address can be read.
pub(crate) fn check_address(options: &PostgresOptions) -> Result<()> {
    connect::address(options).map(drop)
}

/// The longest that a question takes whose answer is only looked at.
const INSPECTION_LIMIT: Duration = Duration::from_secs(5);

/// A database that replicas share, and this replica's spool.
#[derive(Debug)]
pub(crate) struct Shared {
    engine: Arc<Postgres>,
    server: Server,
    pub(crate) spool: Spool,
    /// For the long runs of retention.
    retention: Desk,
    forwarding: Arc<State>,
    batch_limit: Duration,
    /// Requests that runs of retention of this process gave up.
    pub(crate) given_up: Arc<AtomicU64>,
}

impl Shared {
    pub(crate) fn open(
        spool: StoreOptions,
        postgres: &PostgresOptions,
        new_id: &str,
    ) -> Result<Shared> {
        let server = Server::new(postgres)?;
        let engine = Postgres::new(server.clone(), postgres.query_limit)
            .map_err(|error| StoreError::Database(Box::new(error)))?;
        let engine = Arc::new(engine);
        Ok(Shared {
            retention: Desk::new(engine.clone(), Arc::<Turn>::default()),
            engine,
            server,
            spool: Spool::open(spool, new_id)?,
            forwarding: Arc::default(),
            batch_limit: postgres.batch_limit,
            given_up: Arc::default(),
        })
    }

    /// Where connections come from.
    pub(crate) fn engine(&self) -> Arc<dyn Engine> {
        self.engine.clone()
    }

    /// A place to change the configuration at. Replicas take their turns in the database.
    pub(crate) fn desk(&self) -> Desk {
        Desk::new(self.engine(), Arc::<Turn>::default())
    }

    /// The same for work that may take hours, on a connection of its own.
    pub(crate) fn patient_desk(&self) -> Result<Desk> {
        let engine = Postgres::new(self.server.clone(), migrate::LIMIT)
            .map_err(|error| StoreError::Database(Box::new(error)))?;
        Ok(Desk::new(Arc::new(engine), Arc::<Turn>::default()))
    }

    pub(crate) async fn migrate(&self) -> Result<()> {
        let before = migrate::migrate(&self.server).await?;
        if before.version < migrate::known() {
            tracing::info!(
                from = before.version,
                to = migrate::known(),
                "the shared store's schema was brought up to date"
            );
        }
        Ok(())
    }

    pub(crate) async fn inspect(&self) -> Result<DatabaseFacts> {
        inspect::inspect(&self.server, INSPECTION_LIMIT).await
    }

    pub(crate) fn forwarder(&self) -> Result<Forwarder> {
        Forwarder::new(
            self.spool.clone(),
            self.server.clone(),
            Arc::clone(&self.forwarding),
            self.batch_limit,
        )
    }

    pub(crate) fn changes(&self) -> Changes {
        Changes::at(self.server.clone())
    }

    pub(crate) fn forwarding(&self) -> Forwarding {
        self.forwarding.view()
    }

    /// What remains of records that any replica lost.
    pub(crate) async fn losses(&self, readers: &Readers) -> Result<Vec<LossCount>> {
        readers
            .run(|db| {
                read_losses(
                    db,
                    "SELECT reason, cause, fingerprint, CAST(sum(count) AS BIGINT), min(first_at), max(last_at)
                     FROM losses GROUP BY reason, cause, fingerprint",
                )
            })
            .await
    }

    pub(crate) async fn retain(
        &self,
        policy: &RetentionPolicy,
        now: UnixMillis,
    ) -> Result<RetentionReport> {
        let policy = *policy;
        let given_up = Arc::clone(&self.given_up);
        self.retention
            .run(move |connection, _, caller| {
                retention::run(connection, caller, &policy, now, &given_up)
            })
            .await
    }
}
