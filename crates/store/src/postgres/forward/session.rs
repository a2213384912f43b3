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
};
use crate::{
    StoreError,
    spool::{
        Entry, EntryKind, SpooledEvent, SpooledSetAside, Table, Taker, Tally, columns_of, facts,
        take::{LossRow, Standing, Told},
    },
    sql::{Result, storable},
};

/// Request ids kept per minute, source and cause of refused requests.
const MAX_SAMPLES: usize = 5;

/// Why something was not stored.
pub(super) enum Trouble {
    /// One of the entries is refused whatever else is in the batch.
    Refused(Refusal),
    /// The spool has been moved further than was known: what was taken to be lost on its way was not.
    Overtaken,
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

/// What became of an entry that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// It is kept aside, with the reason.
    Aside,
    /// Not even that was possible.
    Unkept,
    /// It was there already.
    Doubled,
}

/// A connection that stores batches.
pub(super) struct Session {
    client: Client,
    /// What is used is counted for the replica, how far it got for the spool.
    replica: String,
    spool: String,
    /// How far the spool has been moved, and what became of its records.
    position: i64,
    tally: Tally,
    /// The longest a batch may take.
    patience: Duration,
    /// Days whose partitions are known to be there.
    days: BTreeSet<i64>,
    copies: HashMap<(i64, &'static str), Statement>,
    statements: Statements,
    told: Told,
    losses: Vec<LossRow>,
}

/// What every transaction asks, prepared once.
struct Statements {
    begin: Statement,
    note: Statement,
    usage: Statement,
}

impl Statements {
    async fn prepare(client: &Client) -> std::result::Result<Statements, tokio_postgres::Error> {
        Ok(Statements {
            begin: client.prepare(BEGIN).await?,
            note: client.prepare(NOTE).await?,
            usage: client.prepare(USAGE).await?,
        })
    }
}

/// One spool at a time in the whole deployment; answers how far this one was moved.
const BEGIN: &str = "SELECT position, first_request_id, first_error_id, first_event_id
    FROM waybill_begin_forward($1, $2, $3, $4)";

/// How far a spool has been moved, what became of its records, and what it counted itself.
const NOTE: &str = "UPDATE spools SET position = greatest(position, $2), stored = stored + $3,
    refused = refused + $4, unkept = unkept + $5, doubled = doubled + $6,
    counted_lost = $7, without_body = $8, without_detail = $9, set_aside = $10
    WHERE id = $1";

/// Ends whoever has had the right to move, the lock that `waybill_begin_forward` takes, for longer than a
/// batch may take. A role sees, and may end, its own.
const RELIEVE: &str = "SELECT pg_terminate_backend(l.pid) FROM pg_locks l
    JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.classid = 1466005858 AND l.objid = 1 AND l.objsubid = 2 AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND a.usename = current_user AND l.pid <> pg_backend_pid()
    AND a.xact_start < clock_timestamp() - make_interval(secs => $1::BIGINT / 1000.0)";

/// A window that began later replaces the one before.
const USAGE: &str = "INSERT INTO usage (consumer, consumer_id, \"window\", replica, started_at, requests, tokens,
    micro_usd)
    SELECT consumer, consumer_id, \"window\", $1, started_at, requests, tokens, micro_usd
    FROM unnest($2::TEXT[], $3::BIGINT[], $4::TEXT[], $5::BIGINT[], $6::BIGINT[], $7::BIGINT[], $8::BIGINT[])
    AS used (consumer, consumer_id, \"window\", started_at, requests, tokens, micro_usd)
    ON CONFLICT (consumer, consumer_id, \"window\", replica) DO UPDATE SET
    requests = excluded.requests + CASE WHEN usage.started_at = excluded.started_at THEN usage.requests ELSE 0 END,
    tokens = excluded.tokens + CASE WHEN usage.started_at = excluded.started_at THEN usage.tokens ELSE 0 END,
    micro_usd = excluded.micro_usd + CASE WHEN usage.started_at = excluded.started_at THEN usage.micro_usd ELSE 0 END,
    started_at = excluded.started_at
    WHERE excluded.started_at >= usage.started_at";

impl Session {
    /// Connects, brings the schema up to date, sees that nobody who is gone is in the way, and finds out how
    /// far the spool has been moved.
    pub(super) async fn open(
        server: &Server,
        taker: &mut Taker,
        patience: Duration,
    ) -> Result<Session> {
        let opening = Session::try_open(server, taker, patience);
        timeout(patience, opening)
            .await
            .map_err(|_| StoreError::Away)?
    }

    async fn try_open(server: &Server, taker: &mut Taker, patience: Duration) -> Result<Session> {
        migrate::migrate(server).await?;
        let client = server.connect(patience).await?;
        relieve(&client, patience).await;
        let here = taker.standing()?;
        let there = client
            .query_opt(
                "SELECT position, stored, refused, unkept, doubled FROM spools WHERE id = $1",
                &[&here.spool],
            )
            .await?;
        let (mut position, mut tally) = match there {
            Some(row) => (row.try_get(0)?, tally(&row)?),
            None => (0, Tally::default()),
        };
        if position < here.position || position > here.furthest {
            // The file was restored from a copy that is older than what was moved from it, or the shared
            // store was.
            let name: String = client
                .query_one("SELECT gen_random_uuid()::TEXT", &[])
                .await?
                .try_get(0)?;
            tracing::warn!(
                spool = here.spool,
                name,
                here = here.position,
                there = position,
                "the shared store and this spool do not know the same of each other: it goes on under another name"
            );
            // What a copy held when it was made is the same here and there.
            let common = match position > here.furthest {
                true => here.opened_at,
                false => 0,
            };
            taker.rename(&name, common)?;
            (position, tally) = (0, Tally::default());
        } else {
            if position > here.position {
                taker.forget(position, tally)?;
            }
            taker.belongs()?;
        }
        let Standing { replica, spool, .. } = taker.standing()?;
        Ok(Session {
            statements: Statements::prepare(&client).await?,
            client,
            replica,
            spool,
            position,
            tally,
            patience,
            days: BTreeSet::new(),
            copies: HashMap::new(),
            told: Told::default(),
            losses: Vec::new(),
        })
    }

    pub(super) fn is_over(&self) -> bool {
        self.client.is_closed()
    }

    /// Stores a batch, how far it goes, and what the spool counted; forgets it in the spool.
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
            let patience = self.patience;
            let stored = self.try_store(batch, taker, &told, &losses);
            match bounded(patience, stored).await {
                Ok(more) => {
                    (self.told, self.losses) = (told, losses);
                    return self.moved(batch.position, more, taker);
                }
                // Retention has removed the day since it was made.
                Err(Fault::Database(error)) if is_missing_day(&error) => self.days.clear(),
                Err(fault) => return Err(fault.into()),
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
    ) -> std::result::Result<Tally, Fault> {
        self.ensure_days(batch).await?;
        let tables = Table::ALL.map(Table::name);
        for table in tables {
            self.copy_statement(batch, taker, table).await?;
        }
        taker.sends(batch.position);
        let tx = self.client.transaction().await?;
        let asks = &self.statements;
        let first = begin(&tx, asks, &self.spool, self.position, batch.ids).await?;
        for (table, rows) in batch.streams(first) {
            if let Some(copy) = self.copies.get(&(batch.layout, table.name())) {
                let sink = tx.copy_in(copy).await?;
                let mut sink = std::pin::pin!(sink);
                sink.send(rows).await?;
                sink.finish().await?;
            }
        }
        account_events(&tx, &batch.account_events).await?;
        usage(&tx, &asks.usage, &self.replica, batch).await?;
        for count in &batch.noise {
            noise(&tx, count).await?;
        }
        let mut more = Tally {
            stored: batch.records(),
            ..Tally::default()
        };
        for aside in &batch.set_aside {
            match set_aside(&tx, aside, None).await? {
                true => more.stored += 1,
                false => more.doubled += 1,
            }
        }
        for loss in losses.iter().filter(|loss| !self.losses.contains(loss)) {
            lost(&tx, &self.spool, loss).await?;
        }
        note(&tx, asks, &self.spool, batch.position, more, told).await?;
        tx.commit().await?;
        Ok(more)
    }

    /// What was sent has arrived.
    fn moved(
        &mut self,
        position: i64,
        more: Tally,
        taker: &mut Taker,
    ) -> std::result::Result<(), Trouble> {
        self.tally += more;
        if position > self.position {
            self.position = position;
            taker.forget(position, self.tally)?;
        }
        Ok(())
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
        if let Some(columns) = columns_of(taker.layout(batch.layout)?, table) {
            let sql = format!("COPY {table} ({columns}) FROM STDIN WITH (FORMAT binary)");
            let statement = self.client.prepare(&sql).await?;
            self.copies.insert(key, statement);
        }
        Ok(())
    }

    /// Deals with an entry that was refused: keeps it aside, with the reason, if that is possible.
    pub(super) async fn settle(
        &mut self,
        entry: &Entry,
        refusal: &Refusal,
        taker: &mut Taker,
    ) -> std::result::Result<Settled, Trouble> {
        taker.sends(entry.id);
        let told = &taker.told()?;
        let patience = self.patience;
        let is_record = entry.kind == EntryKind::Record;
        let one = i64::from(is_record);
        if !(refusal.duplicate && is_record) {
            let aside = aside(entry, refusal, &self.spool, taker);
            let more = Tally {
                stored: one,
                refused: one,
                ..Tally::default()
            };
            let kept = self.skip(entry, more, told, Some(&aside));
            match bounded(patience, kept).await {
                Ok(()) => {
                    self.moved(entry.id, more, taker)?;
                    return Ok(Settled::Aside);
                }
                Err(Fault::Doubled) => {}
                Err(Fault::Database(error)) if is_of_the_data(&error) => {
                    let more = Tally {
                        unkept: one,
                        ..Tally::default()
                    };
                    bounded(patience, self.skip(entry, more, told, None)).await?;
                    self.moved(entry.id, more, taker)?;
                    return Ok(Settled::Unkept);
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        let more = Tally {
            doubled: one,
            ..Tally::default()
        };
        bounded(patience, self.skip(entry, more, told, None)).await?;
        self.moved(entry.id, more, taker)?;
        Ok(Settled::Doubled)
    }

    /// Goes on behind an entry.
    async fn skip(
        &mut self,
        entry: &Entry,
        more: Tally,
        told: &Told,
        aside: Option<&SpooledSetAside>,
    ) -> std::result::Result<(), Fault> {
        let tx = self.client.transaction().await?;
        let asks = &self.statements;
        begin(&tx, asks, &self.spool, self.position, [0; 3]).await?;
        if let Some(aside) = aside
            && !set_aside(&tx, aside, Some(&entry.payload)).await?
        {
            return Err(Fault::Doubled);
        }
        note(&tx, asks, &self.spool, entry.id, more, told).await?;
        Ok(tx.commit().await?)
    }
}

/// Ends the batch of somebody who is gone. Its transaction holds the right to move, for everybody; and while
/// the server waits for rows to be copied, none of its time limits ends it. Whoever sent it gave up when it
/// had taken as long as a batch may, and moves it again: what is ended here is missed by nobody.
async fn relieve(client: &Client, patience: Duration) {
    let patience = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
    match client.query(RELIEVE, &[&patience]).await {
        Ok(ended) if ended.is_empty() => {}
        Ok(ended) => tracing::warn!(
            batches = ended.len(),
            "another replica vanished in the middle of a batch, which was ended for it"
        ),
        // Whoever may not do this waits for the server to notice.
        Err(error) => tracing::debug!(error = why(&error), "nobody's batch could be ended"),
    }
}

/// No answer in time is as good as none.
async fn bounded<T>(
    patience: Duration,
    answer: impl Future<Output = std::result::Result<T, Fault>>,
) -> std::result::Result<T, Fault> {
    match timeout(patience, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Fault::Spool(StoreError::Away)),
    }
}

/// Begins to move a spool, from where it was moved up to.
async fn begin(
    tx: &Transaction<'_>,
    asks: &Statements,
    spool: &str,
    position: i64,
    [requests, errors, events]: [i64; 3],
) -> std::result::Result<FirstIds, Fault> {
    let begun = tx
        .query_one(&asks.begin, &[&spool, &requests, &errors, &events])
        .await?;
    if begun.try_get::<_, i64>(0)? != position {
        return Err(Fault::Overtaken);
    }
    Ok(FirstIds {
        request: begun.try_get(1)?,
        error: begun.try_get(2)?,
        event: begun.try_get(3)?,
    })
}

/// Notes how far a spool has been moved, and what became of its records.
async fn note(
    tx: &Transaction<'_>,
    asks: &Statements,
    spool: &str,
    position: i64,
    more: Tally,
    told: &Told,
) -> std::result::Result<(), tokio_postgres::Error> {
    tx.execute(
        &asks.note,
        &[
            &spool,
            &position,
            &more.stored,
            &more.refused,
            &more.unkept,
            &more.doubled,
            &told.counted_lost,
            &told.without_body,
            &told.without_detail,
            &told.set_aside,
        ],
    )
    .await?;
    Ok(())
}

/// What is kept of an entry that was refused.
fn aside(entry: &Entry, refusal: &Refusal, spool: &str, taker: &mut Taker) -> SpooledSetAside {
    let facts = match entry.kind {
        EntryKind::Record => taker.layout(entry.layout).ok().map(|l| facts(entry, l)),
        EntryKind::AccountEvent | EntryKind::Usage | EntryKind::Noise | EntryKind::SetAside => None,
    };
    let (request_id, summary) = facts.unwrap_or_default();
    SpooledSetAside {
        // What is none of a request's has a name of its own.
        request_id: request_id.unwrap_or_else(|| format!("{spool}:{}", entry.id)),
        created_at: entry.at,
        reason: refusal.reason.clone(),
        summary: summary.to_string(),
    }
}

fn tally(row: &tokio_postgres::Row) -> Result<Tally> {
    Ok(Tally {
        stored: row.try_get("stored")?,
        refused: row.try_get("refused")?,
        unkept: row.try_get("unkept")?,
        doubled: row.try_get("doubled")?,
    })
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

/// Adds up per replica.
async fn usage(
    tx: &Transaction<'_>,
    statement: &Statement,
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
        statement,
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

/// Keeps a summary; `false` if one of the request is there already.
async fn set_aside(
    tx: &Transaction<'_>,
    aside: &SpooledSetAside,
    payload: Option<&[u8]>,
) -> std::result::Result<bool, tokio_postgres::Error> {
    let added = tx
        .execute(
            "INSERT INTO set_aside (request_id, created_at, reason, summary, payload)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (request_id) DO NOTHING",
            &[
                &aside.request_id,
                &aside.created_at,
                &storable(&aside.reason).as_ref(),
                &storable(&aside.summary).as_ref(),
                &payload,
            ],
        )
        .await?;
    Ok(added > 0)
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
    Overtaken,
    /// What is kept aside is there already.
    Doubled,
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
            Fault::Overtaken | Fault::Doubled => Trouble::Overtaken,
        }
    }
}
