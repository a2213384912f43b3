//! One connection of the forwarder's: what is stored in one transaction, and what is kept aside.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use futures_util::SinkExt as _;
use tokio::time::timeout;
use tokio_postgres::{Client, Statement, Transaction};
use waybill_model::{time::UnixMillis, view::NoiseCount};

use super::super::{
    connect::{Server, why},
    copy::{Batch, FirstIds},
    fault::{is_duplicate, is_missing_day, is_of_the_data},
    migrate,
    text::storable,
};
use crate::{
    StoreError,
    spool::{
        Entry, EntryKind, SpooledEvent, SpooledSetAside, Table, Taker,
        take::{LossRow, Moved, Told},
    },
    sql::Result,
};

/// The longest a statement may take. A batch takes some milliseconds; a database that is busy, or waits for
/// its disk, is waited for.
const STATEMENT_LIMIT: Duration = Duration::from_secs(30);

/// A whole batch, waiting for other replicas' included. Beyond, the network is taken to be gone.
const BATCH_LIMIT: Duration = Duration::from_secs(90);

/// Request ids kept per minute, source and cause of refused requests.
const MAX_SAMPLES: usize = 5;

/// Why something was not stored.
pub(super) enum Trouble {
    /// One of the entries is refused whatever else is in the batch.
    Refused(Refusal),
    /// The store takes nothing now.
    Store(StoreError),
}

/// Why an entry was refused.
pub(super) struct Refusal {
    /// What the database said.
    pub(super) reason: String,
    /// It is stored already.
    pub(super) duplicate: bool,
}

/// A connection that stores batches.
pub(super) struct Session {
    client: Client,
    spool: String,
    /// Days whose partitions are known to be there.
    days: BTreeSet<i64>,
    copies: HashMap<(i64, &'static str), Statement>,
    told: Told,
    losses: Vec<LossRow>,
}

impl Session {
    /// Connects, brings the schema up to date, and finds out how far the spool has been moved.
    pub(super) async fn open(server: &Server, taker: &mut Taker, spool: &str) -> Result<Session> {
        migrate::migrate(server).await?;
        let client = server.connect(STATEMENT_LIMIT).await?;
        let known = client
            .query_opt(
                "SELECT position FROM spools WHERE id = $1",
                &[&taker.spool()?],
            )
            .await?;
        let known: i64 = known.map_or(Ok(0), |row| row.try_get(0))?;
        let (position, last) = taker.position()?;
        if known > last {
            // The file is older than what was moved from it: it was restored, or replaced.
            let name: String = client
                .query_one("SELECT gen_random_uuid()::TEXT", &[])
                .await?
                .try_get(0)?;
            tracing::warn!(
                spool,
                name,
                "the shared store knows more of this spool than there is: it goes on under another name"
            );
            taker.rename(&name)?;
        } else if known > position {
            taker.forget(Moved {
                position: known,
                ..Moved::default()
            })?;
        }
        Ok(Session {
            client,
            spool: taker.spool()?,
            days: BTreeSet::new(),
            copies: HashMap::new(),
            told: Told::default(),
            losses: Vec::new(),
        })
    }

    pub(super) fn is_over(&self) -> bool {
        self.client.is_closed()
    }

    /// Stores a batch, and how far it goes.
    pub(super) async fn store(
        &mut self,
        batch: &Batch<'_>,
        taker: &mut Taker,
    ) -> std::result::Result<(), Trouble> {
        let (told, losses) = (taker.told()?, taker.losses()?);
        if batch.position == 0 && told == self.told && losses == self.losses {
            return Ok(());
        }
        for _ in 0..2 {
            let stored = self.try_store(batch, taker, &told, &losses);
            match timeout(BATCH_LIMIT, stored).await {
                Err(_) => return Err(Trouble::Store(StoreError::Away)),
                Ok(Ok(())) => {
                    (self.told, self.losses) = (told, losses);
                    return Ok(());
                }
                // Retention has removed the day since it was made.
                Ok(Err(Fault::Database(error))) if is_missing_day(&error) => self.days.clear(),
                Ok(Err(fault)) => return Err(fault.into()),
            }
        }
        Err(Trouble::Store(StoreError::Busy))
    }

    async fn try_store(
        &mut self,
        batch: &Batch<'_>,
        taker: &mut Taker,
        told: &Told,
        losses: &[LossRow],
    ) -> std::result::Result<(), Fault> {
        self.ensure_days(batch).await?;
        let tables = Table::ALL.map(Table::name);
        for table in tables {
            self.copy_statement(batch, taker, table).await?;
        }
        let tx = self.client.transaction().await?;
        let [requests, errors, events] = batch.ids;
        let begun = tx
            .query_one(
                "SELECT first_request_id, first_error_id, first_event_id
                 FROM waybill_begin_forward($1, $2, $3, $4)",
                &[&self.spool, &requests, &errors, &events],
            )
            .await?;
        let first = FirstIds {
            request: begun.try_get(0)?,
            error: begun.try_get(1)?,
            event: begun.try_get(2)?,
        };
        for (table, rows) in batch.streams(first) {
            if let Some(copy) = self.copies.get(&(batch.layout, table.name())) {
                let sink = tx.copy_in(copy).await?;
                let mut sink = std::pin::pin!(sink);
                sink.send(rows).await?;
                sink.finish().await?;
            }
        }
        account_events(&tx, &batch.account_events).await?;
        usage(&tx, &self.spool, batch).await?;
        for count in &batch.noise {
            noise(&tx, count).await?;
        }
        for aside in &batch.set_aside {
            set_aside(&tx, aside, None).await?;
        }
        for loss in losses.iter().filter(|loss| !self.losses.contains(loss)) {
            lost(&tx, &self.spool, loss).await?;
        }
        tx.execute(
            "UPDATE spools SET position = greatest(position, $2), stored = stored + $3, counted_lost = $4,
             without_body = $5, without_detail = $6, set_aside = set_aside + $7 WHERE id = $1",
            &[
                &self.spool,
                &batch.position,
                &batch.stored(),
                &told.counted_lost,
                &told.without_body,
                &told.without_detail,
                &(batch.set_aside.len() as i64),
            ],
        )
        .await?;
        Ok(tx.commit().await?)
    }

    async fn ensure_days(&mut self, batch: &Batch<'_>) -> std::result::Result<(), Fault> {
        for day in &batch.days {
            if !self.days.contains(day) {
                self.client
                    .query_one("SELECT waybill_ensure_day($1)", &[day])
                    .await?;
                self.days.insert(*day);
            }
        }
        Ok(())
    }

    async fn copy_statement(
        &mut self,
        batch: &Batch<'_>,
        taker: &mut Taker,
        table: &'static str,
    ) -> std::result::Result<(), Fault> {
        let key = (batch.layout, table);
        if batch.layout == 0 || self.copies.contains_key(&key) {
            return Ok(());
        }
        let columns = taker
            .layout(batch.layout)?
            .iter()
            .find(|(name, _)| name == table)
            .map(|(_, columns)| columns.clone());
        if let Some(columns) = columns {
            let sql = format!("COPY {table} ({columns}) FROM STDIN WITH (FORMAT binary)");
            let statement = self.client.prepare(&sql).await?;
            self.copies.insert(key, statement);
        }
        Ok(())
    }

    /// Keeps an entry that was refused, with the reason. `false`: not even that was possible.
    pub(super) async fn keep_aside(&mut self, entry: &Entry, refusal: &Refusal) -> Result<bool> {
        let kept = self.try_keep_aside(entry, refusal).await;
        match kept {
            Ok(()) => Ok(true),
            Err(error) if is_of_the_data(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn try_keep_aside(
        &mut self,
        entry: &Entry,
        refusal: &Refusal,
    ) -> std::result::Result<(), tokio_postgres::Error> {
        let counts = entry.kind == EntryKind::Record && !refusal.duplicate;
        let tx = self.client.transaction().await?;
        tx.query_one(
            "SELECT 1 FROM waybill_begin_forward($1, 0, 0, 0)",
            &[&self.spool],
        )
        .await?;
        if !refusal.duplicate {
            let aside = SpooledSetAside {
                // Only the database's words are known of it here: the entry itself is kept as it is.
                request_id: format!("{}:{}", self.spool, entry.id),
                created_at: entry.at,
                reason: refusal.reason.clone(),
                summary: serde_json::json!({ "spool": self.spool, "entry": entry.id }).to_string(),
            };
            set_aside(&tx, &aside, Some(&entry.payload)).await?;
        }
        tx.execute(
            "UPDATE spools SET position = greatest(position, $2), stored = stored + $3,
             set_aside = set_aside + $3 WHERE id = $1",
            &[&self.spool, &entry.id, &i64::from(counts)],
        )
        .await?;
        tx.commit().await
    }
}

async fn account_events(
    tx: &Transaction<'_>,
    events: &[SpooledEvent],
) -> std::result::Result<(), tokio_postgres::Error> {
    if events.is_empty() {
        return Ok(());
    }
    let insert = tx
        .prepare(
            "INSERT INTO account_events (id, at, account_id, kind, scope, since, until, source, strikes, cause,
             status_code, reason, request_id, attempt, actor, undoes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
             ON CONFLICT (id) DO NOTHING",
        )
        .await?;
    for event in events {
        let text = |text: &Option<String>| text.as_deref().map(|text| storable(text).into_owned());
        tx.execute(
            &insert,
            &[
                &event.id,
                &event.at,
                &event.account_id,
                &event.kind,
                &storable(&event.scope).as_ref(),
                &event.since,
                &event.until,
                &text(&event.source),
                &i64::from(event.strikes),
                &event.cause,
                &event.status_code.map(i64::from),
                &storable(&event.reason).as_ref(),
                &event.request_id,
                &event.attempt.map(i64::from),
                &text(&event.actor),
                &event.undoes,
            ],
        )
        .await?;
    }
    tx.execute("SELECT pg_notify('waybill_events', '')", &[])
        .await?;
    Ok(())
}

/// Adds up per replica: a window that began later replaces the one before.
async fn usage(
    tx: &Transaction<'_>,
    replica: &str,
    batch: &Batch<'_>,
) -> std::result::Result<(), tokio_postgres::Error> {
    if batch.usage.is_empty() {
        return Ok(());
    }
    let counts = batch.usage.values();
    let column = |of: fn(&crate::spool::SpooledUsage) -> i64| -> Vec<i64> {
        counts.clone().map(of).collect()
    };
    let consumers: Vec<&str> = counts.clone().map(|count| &*count.consumer).collect();
    let windows: Vec<&str> = counts.clone().map(|count| &*count.window).collect();
    tx.execute(
        "INSERT INTO usage (consumer, consumer_id, \"window\", replica, started_at, requests, tokens, micro_usd)
         SELECT consumer, consumer_id, \"window\", $1, started_at, requests, tokens, micro_usd
         FROM unnest($2::TEXT[], $3::BIGINT[], $4::TEXT[], $5::BIGINT[], $6::BIGINT[], $7::BIGINT[], $8::BIGINT[])
         AS used (consumer, consumer_id, \"window\", started_at, requests, tokens, micro_usd)
         ON CONFLICT (consumer, consumer_id, \"window\", replica) DO UPDATE SET
         requests = excluded.requests + CASE WHEN usage.started_at = excluded.started_at THEN usage.requests ELSE 0 END,
         tokens = excluded.tokens + CASE WHEN usage.started_at = excluded.started_at THEN usage.tokens ELSE 0 END,
         micro_usd = excluded.micro_usd + CASE WHEN usage.started_at = excluded.started_at THEN usage.micro_usd ELSE 0 END,
         started_at = excluded.started_at
         WHERE excluded.started_at >= usage.started_at",
        &[
            &replica,
            &consumers,
            &column(|count| count.consumer_id),
            &windows,
            &column(|count| count.started_at),
            &column(|count| crate::sql::int(count.requests)),
            &column(|count| crate::sql::int(count.tokens)),
            &column(|count| count.micro_usd),
        ],
    )
    .await?;
    Ok(())
}

async fn noise(
    tx: &Transaction<'_>,
    noise: &NoiseCount,
) -> std::result::Result<(), tokio_postgres::Error> {
    let UnixMillis(minute) = noise.minute;
    let (client_ip, cause) = (storable(&noise.client_ip), noise.cause.as_str());
    let before = tx
        .query_opt(
            "SELECT samples FROM noise WHERE minute = $1 AND client_ip = $2 AND cause = $3",
            &[&minute, &client_ip.as_ref(), &cause],
        )
        .await?;
    let mut samples: Vec<String> = match before {
        Some(row) => serde_json::from_str(row.try_get(0)?).unwrap_or_default(),
        None => Vec::new(),
    };
    for sample in &noise.samples {
        if !samples.contains(sample) && samples.len() < MAX_SAMPLES {
            samples.push(sample.clone());
        }
    }
    let samples = serde_json::json!(samples).to_string();
    tx.execute(
        "INSERT INTO noise (minute, client_ip, cause, count, samples) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (minute, client_ip, cause) DO UPDATE SET
         count = noise.count + excluded.count, samples = excluded.samples",
        &[
            &minute,
            &client_ip.as_ref(),
            &cause,
            &crate::sql::int(noise.count),
            &samples,
        ],
    )
    .await?;
    Ok(())
}

async fn set_aside(
    tx: &Transaction<'_>,
    aside: &SpooledSetAside,
    payload: Option<&[u8]>,
) -> std::result::Result<(), tokio_postgres::Error> {
    tx.execute(
        "INSERT INTO set_aside (request_id, created_at, reason, summary, payload) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (request_id) DO NOTHING",
        &[
            &aside.request_id,
            &aside.created_at,
            &storable(&aside.reason).as_ref(),
            &storable(&aside.summary).as_ref(),
            &payload,
        ],
    )
    .await?;
    Ok(())
}

/// What a spool lost is told whole: it is the spool that adds up.
async fn lost(
    tx: &Transaction<'_>,
    spool: &str,
    loss: &LossRow,
) -> std::result::Result<(), tokio_postgres::Error> {
    tx.execute(
        "INSERT INTO losses (spool, reason, cause, fingerprint, count, first_at, last_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (spool, reason, cause, fingerprint) DO UPDATE SET
         count = excluded.count, first_at = excluded.first_at, last_at = excluded.last_at",
        &[
            &spool,
            &loss.reason,
            &loss.cause,
            &loss.fingerprint,
            &loss.count,
            &loss.first_at,
            &loss.last_at,
        ],
    )
    .await?;
    Ok(())
}

/// What went wrong while a batch was stored.
enum Fault {
    Database(tokio_postgres::Error),
    Spool(StoreError),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Fault::Database(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Fault::Spool(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Trouble::Store(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Database(error) if is_of_the_data(&error) => Trouble::Refused(Refusal {
                duplicate: is_duplicate(&error),
                reason: why(&error),
            }),
            Fault::Database(error) => Trouble::Store(error.into()),
            Fault::Spool(error) => Trouble::Store(error),
        }
    }
}
