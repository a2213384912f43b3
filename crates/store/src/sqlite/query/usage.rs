//! What users, keys and accounts have used, in the windows that are kept of each.

use rusqlite::{Connection, ToSql};
use waybill_model::{
    id::{AccountId, ApiKeyId, UserId},
    limits::{Consumer, UsageCount, Used},
    money::MicroUsd,
};

use super::super::{Result, Store, row};
use crate::StoreError;

/// In the order `read` reads them.
const COLUMNS: &str = "consumer, consumer_id, \"window\", started_at, requests, tokens, micro_usd";

/// A consumer's two cells.
pub(in super::super) fn key(consumer: Consumer) -> (&'static str, i64) {
    match consumer {
        Consumer::User(id) => ("user", id.0),
        Consumer::Key(id) => ("key", id.0),
        Consumer::Account(id) => ("account", id.0),
    }
}

fn consumer(word: &str, id: i64) -> Result<Consumer> {
    match word {
        "user" => Ok(Consumer::User(UserId(id))),
        "key" => Ok(Consumer::Key(ApiKeyId(id))),
        "account" => Ok(Consumer::Account(AccountId(id))),
        _ => Err(StoreError::Unreadable { column: "consumer" }),
    }
}

impl Store {
    /// What everybody used: of each window the one that was current when it was last used.
    pub async fn usage(&self) -> Result<Vec<UsageCount>> {
        self.readers
            .run(|db| read(db, &format!("SELECT {COLUMNS} FROM usage"), &[]))
            .await
    }

    /// What one consumer used.
    pub async fn usage_of(&self, consumer: Consumer) -> Result<Vec<UsageCount>> {
        self.readers
            .run(move |db| {
                let (word, id) = key(consumer);
                let sql =
                    format!("SELECT {COLUMNS} FROM usage WHERE consumer = ?1 AND consumer_id = ?2");
                read(db, &sql, &[&word, &id])
            })
            .await
    }
}

fn read(db: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<Vec<UsageCount>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut counts = Vec::new();
    while let Some(r) = rows.next()? {
        let mut cells = row::Cells::of(r);
        counts.push(UsageCount {
            consumer: consumer(cells.text()?, cells.next()?)?,
            window: cells.word("window")?,
            started_at: cells.time()?,
            used: Used {
                requests: cells.count()?,
                tokens: cells.count()?,
                usd: MicroUsd(cells.next()?),
            },
        });
    }
    Ok(counts)
}
