//! The store as everybody sees it: where records and the configuration rest, and who may use which
//! connection. Where they rest is [`Home`]'s affair.

use std::sync::{Arc, atomic::Ordering};

use waybill_model::{id::ErrorId, time::UnixMillis, view::Books};

use crate::{
    Forwarder, Forwarding, Journal, Kind, LossCount, LossReason, PostgresOptions, Replicas,
    RetentionPolicy, RetentionReport, SetAside, StoreError, StoreOptions,
    connections::{Desk, Readers},
    picture::{self, Picture},
    postgres::Shared,
    sql::{Result, values},
    sqlite::Embedded,
};

/// Queries, configuration and retention. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) readers: Arc<Readers>,
    /// For what must be answered while lists are slow: the books and the configuration.
    pub(crate) quick: Arc<Readers>,
    pub(crate) desk: Arc<Desk>,
    quick_desk: Arc<Desk>,
    home: Home,
}

/// Where everything rests.
#[derive(Clone, Debug)]
enum Home {
    /// In one SQLite file.
    Embedded(Arc<Embedded>),
    /// In PostgreSQL, behind a spool.
    Shared(Arc<Shared>),
}

impl Store {
    /// Opens the embedded store, making or migrating it as needed. Blocks; call it at start.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a database of a newer program, which is left untouched.
    pub fn open(options: StoreOptions) -> Result<Store> {
        let embedded = Embedded::open(options.clone())?;
        let engine = embedded.engine();
        let readers = |most| Arc::new(Readers::new(engine.clone(), most, options.query_limit));
        Ok(Store {
            readers: readers(options.readers),
            quick: readers(1),
            desk: Arc::new(embedded.desk()),
            quick_desk: Arc::new(embedded.desk()),
            home: Home::Embedded(Arc::new(embedded)),
        })
    }

    /// A shared store behind a spool of this replica's own. Opens the spool, naming a new one `new_id`;
    /// whether the shared store is there shows when it is first asked. Blocks; call it at start. One process
    /// at a time may have a spool, but for those that open it `read_only`: they need none to be there, and
    /// cannot move it.
    ///
    /// # Errors
    /// [`StoreError::BadAddress`], [`StoreError::Newer`] for a spool of a newer program.
    pub fn shared(spool: StoreOptions, postgres: &PostgresOptions, new_id: &str) -> Result<Store> {
        let shared = Shared::open(spool, postgres, new_id)?;
        let engine = shared.engine();
        let readers = |most| Arc::new(Readers::new(engine.clone(), most, postgres.query_limit));
        Ok(Store {
            readers: readers(postgres.readers),
            quick: readers(1),
            desk: Arc::new(shared.desk()),
            quick_desk: Arc::new(shared.desk()),
            home: Home::Shared(Arc::new(shared)),
        })
    }

    /// Brings the shared store's schema up to date. The embedded one's is when it is open.
    ///
    /// # Errors
    /// [`StoreError::Away`]; [`StoreError::Newer`] where this program is too old for it.
    pub async fn migrate(&self) -> Result<()> {
        match &self.home {
            Home::Embedded(_) => Ok(()),
            Home::Shared(shared) => shared.migrate().await,
        }
    }

    /// Whether replay copies may come in parts. Through a spool they go whole.
    pub fn takes_parts(&self) -> bool {
        matches!(self.home, Home::Embedded(_))
    }

    /// Who moves the spool into the shared store; one may run at a time. `None` for the embedded store.
    pub fn forwarder(&self) -> Result<Option<Forwarder>> {
        match &self.home {
            Home::Embedded(_) => Ok(None),
            Home::Shared(shared) => shared.forwarder().map(Some),
        }
    }

    /// How records get from the spool to the shared store. `None` for the embedded store.
    pub fn forwarding(&self) -> Option<Forwarding> {
        match &self.home {
            Home::Embedded(_) => None,
            Home::Shared(shared) => Some(shared.forwarding()),
        }
    }

    /// What replicas tell each other through the shared store. `None` for the embedded store.
    pub fn replicas(&self) -> Option<Replicas> {
        match &self.home {
            Home::Embedded(_) => None,
            Home::Shared(shared) => Some(Replicas {
                store: self.clone(),
                shared: Arc::clone(shared),
            }),
        }
    }

    /// Whether replicas share it.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.home, Home::Shared(_))
    }

    /// A desk of its own for what takes as long as it takes.
    pub(crate) fn patient_desk(&self) -> Result<Desk> {
        match &self.home {
            Home::Embedded(embedded) => Ok(embedded.desk()),
            Home::Shared(shared) => shared.patient_desk(),
        }
    }

    /// Keeps a copy of what a replica needs to start: the configuration, accounts' states, usage. It lies
    /// beside the spool; what is sealed stays sealed. Does nothing for an embedded store.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn keep_picture(&self) -> Result<()> {
        match &self.home {
            Home::Embedded(_) => Ok(()),
            Home::Shared(shared) => {
                let spool = shared.spool.name().await?;
                let content = self.quick.run(|db| picture::take(db, spool)).await?;
                shared.spool.keep_picture(content).await
            }
        }
    }

    /// What was kept last, for a start while the shared store is away. `None`: nothing was, or it was by a
    /// program that is too different.
    pub async fn picture(&self) -> Result<Option<Picture>> {
        match &self.home {
            Home::Embedded(_) => Ok(None),
            Home::Shared(shared) => match shared.spool.picture().await? {
                Some(content) => {
                    let spool = shared.spool.name().await?;
                    tokio::task::spawn_blocking(move || picture::open(&content, &spool))
                        .await
                        .map_err(|_| StoreError::Closed)?
                }
                None => Ok(None),
            },
        }
    }

    /// A desk for small changes that must not wait for others' long ones.
    pub(crate) fn quick_desk(&self) -> &Desk {
        &self.quick_desk
    }

    /// Takes the one writer of records. A thread of its own should own it, for its commits block.
    ///
    /// # Errors
    /// [`StoreError::JournalTaken`] while the journal taken before lives.
    pub fn journal(&self) -> Result<Journal> {
        match &self.home {
            Home::Embedded(embedded) => embedded.journal(),
            Home::Shared(shared) => shared.spool.journal(),
        }
    }

    /// Counts records lost before they reached the journal. Touches memory only; the journal's next
    /// commit, an empty one too, writes it.
    pub fn count_lost(&self, count: u64, reason: LossReason) {
        match &self.home {
            Home::Embedded(embedded) => embedded.count_lost(count, reason),
            Home::Shared(shared) => shared.spool.count_lost(count, reason),
        }
    }

    /// Where every record went that was due here: what is written and what waits in memory to be. In
    /// front of a shared store `stored` is what has been moved there, `spooled` what has not; in the
    /// embedded one `spooled` is 0. A caller that queues in front of the journal adds its queue to `due`
    /// and `spooled`.
    pub async fn books(&self) -> Result<Books> {
        match &self.home {
            Home::Embedded(embedded) => embedded.books(&self.quick).await,
            Home::Shared(shared) => shared.spool.books().await,
        }
    }

    /// What remains of lost records, most frequent first.
    pub async fn losses(&self) -> Result<Vec<LossCount>> {
        match &self.home {
            Home::Embedded(embedded) => embedded.losses(&self.quick).await,
            Home::Shared(shared) => shared.losses(&self.quick).await,
        }
    }

    /// Records that the database refused, newest first.
    pub async fn set_aside(&self, limit: u32) -> Result<Vec<SetAside>> {
        self.readers
            .run(move |db| {
                db.rows(
                    "SELECT id, request_id, created_at, reason, summary FROM set_aside ORDER BY id DESC LIMIT ?1",
                    values![limit],
                    |cells| {
                        Ok(SetAside {
                            id: cells.next()?,
                            request_id: cells.next()?,
                            created_at: cells.time()?,
                            reason: cells.next()?,
                            summary: cells.next()?,
                        })
                    },
                )
            })
            .await
    }

    /// Marks an error as dealt with, or not.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such error.
    pub async fn set_resolved(&self, id: ErrorId, resolved: bool) -> Result<()> {
        self.desk
            .change(move |db| {
                let sql = "UPDATE errors SET resolved = ?2 WHERE id = ?1";
                match db.execute(sql, values![id, resolved])? {
                    0 => Err(StoreError::NotFound {
                        kind: Kind::Error,
                        id: id.0,
                    }),
                    _ => Ok(()),
                }
            })
            .await
    }

    /// Removes what is older than the policy allows, then what is too much, oldest first. Works in
    /// small batches between which the journal and changes of the configuration have their turn. A run
    /// whose future is dropped ends after the batch it is at.
    pub async fn retain(
        &self,
        policy: &RetentionPolicy,
        now: UnixMillis,
    ) -> Result<RetentionReport> {
        match &self.home {
            Home::Embedded(embedded) => embedded.retain(policy, now).await,
            Home::Shared(shared) => shared.retain(policy, now).await,
        }
    }

    /// Requests that runs of [`Store::retain`] of this process removed before they were in the roll-ups.
    pub fn requests_given_up_here(&self) -> u64 {
        let given_up = match &self.home {
            Home::Embedded(embedded) => &embedded.given_up,
            Home::Shared(shared) => &shared.given_up,
        };
        given_up.load(Ordering::Relaxed)
    }

    /// Does upkeep now that a commit of the journal would otherwise have to wait for: moves the log of
    /// recent writes to where it belongs. Called every second or so it keeps the slowest commits short;
    /// never called, commits do it in turn. Writers go on meanwhile.
    pub async fn tidy(&self) -> Result<()> {
        match &self.home {
            Home::Embedded(embedded) => embedded.tidy(&self.desk).await,
            Home::Shared(shared) => shared.spool.tidy().await,
        }
    }
}
