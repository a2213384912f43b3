//! A picture of the shared store: what a replica needs to start while that is away.
//!
//! It is taken as rows, the way an export is, and looked at through an embedded store in memory, so that
//! it is read by the same words as everything else. What is sealed stays sealed.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use waybill_model::{
    limits::{UsageCount, Used},
    money::MicroUsd,
    state::AccountEvent,
    time::UnixMillis,
};

use crate::{
    Config, StoreError, entities,
    jobs::CLOCK,
    query::{states, usage},
    replicas::{moved, usage_by_replica},
    sql::{Db, Result, word},
    sqlite::database,
    transfer::{
        Writer, read,
        tables::{CONFIG, Table},
    },
};

/// Of what is kept. Another program's is not read.
const FORMAT: u32 = 1;

/// What was seen of the shared store.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// When, by the database's clock.
    pub taken_at: UnixMillis,
    /// Everything configured.
    pub config: Config,
    /// The events that accounts' states came from, by id.
    pub account_events: Vec<AccountEvent>,
    /// The last `seq` of an account event there was.
    pub last_account_event: i64,
    /// What every replica counted, by replica.
    pub usage: Vec<(String, UsageCount)>,
    /// How far this replica's spool had been moved: what it counted beyond is not among that.
    pub moved: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    format: u32,
    taken_at: UnixMillis,
    tables: Vec<KeptTable>,
    account_events: Vec<AccountEvent>,
    last_account_event: i64,
    usage: Vec<KeptUsage>,
    /// The name of the spool then, and how far it had been moved.
    spool: (String, i64),
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptTable {
    name: String,
    columns: Vec<String>,
    rows: Vec<Vec<Json>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptUsage {
    replica: String,
    consumer: String,
    consumer_id: i64,
    window: String,
    started_at: UnixMillis,
    requests: u64,
    tokens: u64,
    micro_usd: i64,
}

/// Only the format, to tell whether the rest can be read.
#[derive(Debug, Deserialize)]
struct KeptFormat {
    format: u32,
}

/// Takes one, for the replica with this spool.
pub(crate) fn take(db: &dyn Db, spool: String) -> Result<Vec<u8>> {
    let last = "SELECT coalesce(max(seq), 0) FROM account_events";
    let kept = Kept {
        format: FORMAT,
        taken_at: UnixMillis(db.cell(&format!("SELECT {CLOCK}"), &[])?.unwrap_or(0)),
        tables: CONFIG
            .iter()
            .map(|table| whole(db, table))
            .collect::<Result<_>>()?,
        account_events: states::all(db)?,
        last_account_event: db.cell(last, &[])?.unwrap_or(0),
        usage: usage_by_replica(db)?
            .into_iter()
            .map(|(replica, count)| KeptUsage::of(replica, &count))
            .collect(),
        spool: (spool.clone(), moved(db, &spool)?),
    };
    serde_json::to_vec(&kept).map_err(|error| StoreError::Database(Box::new(error)))
}

/// Looks at one, for the replica whose spool has this name now. `None`: it is another program's.
pub(crate) fn open(content: &[u8], spool: &str) -> Result<Option<Picture>> {
    let unreadable = || StoreError::Unreadable { column: "content" };
    let KeptFormat { format } = serde_json::from_slice(content).map_err(|_| unreadable())?;
    if format != FORMAT {
        return Ok(None);
    }
    let kept: Kept = serde_json::from_slice(content).map_err(|_| unreadable())?;
    let connection = database::in_memory()?;
    let db: &dyn Db = &connection;
    for table in &kept.tables {
        put(db, table)?.ok_or_else(unreadable)?;
    }
    Ok(Some(Picture {
        taken_at: kept.taken_at,
        config: entities::load(db)?,
        account_events: kept.account_events,
        last_account_event: kept.last_account_event,
        usage: kept
            .usage
            .into_iter()
            .map(KeptUsage::into_count)
            .collect::<Result<_>>()?,
        // What is in a spool that took another name since was not moved.
        moved: match kept.spool.0 == spool {
            true => kept.spool.1,
            false => 0,
        },
    }))
}

fn whole(db: &dyn Db, table: &Table) -> Result<KeptTable> {
    let mut rows = Vec::new();
    read::<StoreError>(db, table, |row| {
        rows.push(row);
        Ok(())
    })?;
    let columns = table.columns.iter().map(|column| column.name.to_owned());
    Ok(KeptTable {
        name: table.name.to_owned(),
        columns: columns.collect(),
        rows,
    })
}

/// Puts rows into a store; `None`: they are none of its.
fn put(db: &dyn Db, kept: &KeptTable) -> Result<Option<()>> {
    let Some(table) = CONFIG.iter().find(|table| table.name == kept.name) else {
        return Ok(None);
    };
    let column = |name: &String| table.columns.iter().find(|column| column.name == name);
    let Some(columns) = kept.columns.iter().map(column).collect() else {
        return Ok(None);
    };
    let mut writer = Writer::new(db, table, columns);
    for row in &kept.rows {
        if writer.add(row)?.is_none() {
            return Ok(None);
        }
    }
    writer.flush()?;
    Ok(Some(()))
}

impl KeptUsage {
    fn of(replica: String, count: &UsageCount) -> Self {
        let (consumer, consumer_id) = usage::key(count.consumer);
        KeptUsage {
            replica,
            consumer: consumer.to_owned(),
            consumer_id,
            window: count.window.as_str().to_owned(),
            started_at: count.started_at,
            requests: count.used.requests,
            tokens: count.used.tokens,
            micro_usd: count.used.usd.0,
        }
    }

    fn into_count(self) -> Result<(String, UsageCount)> {
        let count = UsageCount {
            consumer: usage::consumer(&self.consumer, self.consumer_id)?,
            window: word(&self.window, "window")?,
            started_at: self.started_at,
            used: Used {
                requests: self.requests,
                tokens: self.tokens,
                usd: MicroUsd(self.micro_usd),
            },
        };
        Ok((self.replica, count))
    }
}
