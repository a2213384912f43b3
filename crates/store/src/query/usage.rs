//! What users, keys and accounts have used, in the windows that are kept of each.

use std::collections::{HashMap, hash_map::Entry};

use waybill_model::{
    id::{AccountId, ApiKeyId, UserId},
    limits::{Consumer, UsageCount, Used, Window},
};

use crate::{
    Store, StoreError,
    sql::{Cells, Db, Result, Value, values},
};

/// In the order `read` reads them.
pub(crate) const COLUMNS: &str =
    "consumer, consumer_id, \"window\", started_at, requests, tokens, micro_usd";

/// A consumer's two cells.
pub(crate) fn key(consumer: Consumer) -> (&'static str, i64) {
    match consumer {
        Consumer::User(id) => ("user", id.0),
        Consumer::Key(id) => ("key", id.0),
        Consumer::Account(id) => ("account", id.0),
    }
}

pub(crate) fn consumer(word: &str, id: i64) -> Result<Consumer> {
    match word {
        "user" => Ok(Consumer::User(UserId(id))),
        "key" => Ok(Consumer::Key(ApiKeyId(id))),
        "account" => Ok(Consumer::Account(AccountId(id))),
        _ => Err(StoreError::Unreadable { column: "consumer" }),
    }
}

/// Counts of the same window added up. Of the windows of a kind that a consumer was counted in, the one that
/// began last is left: the others are over.
pub fn add_up_usage(counts: impl IntoIterator<Item = UsageCount>) -> Vec<UsageCount> {
    let mut sums = HashMap::<(Consumer, Window), UsageCount>::new();
    for count in counts {
        match sums.entry((count.consumer, count.window)) {
            Entry::Vacant(place) => {
                place.insert(count);
            }
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                if count.started_at > known.started_at {
                    *known = count;
                } else if count.started_at == known.started_at {
                    known.used.add(count.used);
                }
            }
        }
    }
    sums.into_values().collect()
}

impl Store {
    /// What everybody used: of each window the one that was current when it was last used.
    pub async fn usage(&self) -> Result<Vec<UsageCount>> {
        self.readers.run(|db| read(db, "", &[])).await
    }

    /// What one consumer used.
    pub async fn usage_of(&self, consumer: Consumer) -> Result<Vec<UsageCount>> {
        self.readers
            .run(move |db| {
                let (word, id) = key(consumer);
                let who = "AND u.consumer = ?1 AND u.consumer_id = ?2";
                read(db, who, values![word, id])
            })
            .await
    }
}

/// Replicas count apart: what they counted in the window that began last is added up. What one counted
/// in a window before is over.
fn read(db: &dyn Db, which: &str, values: &[Value]) -> Result<Vec<UsageCount>> {
    let sql = format!(
        "SELECT u.consumer, u.consumer_id, u.\"window\", u.started_at, CAST(sum(u.requests) AS BIGINT),
         CAST(sum(u.tokens) AS BIGINT), CAST(sum(u.micro_usd) AS BIGINT)
         FROM usage u
         WHERE u.started_at = (SELECT max(l.started_at) FROM usage l WHERE l.consumer = u.consumer
         AND l.consumer_id = u.consumer_id AND l.\"window\" = u.\"window\") {which}
         GROUP BY u.consumer, u.consumer_id, u.\"window\", u.started_at
         ORDER BY u.consumer, u.consumer_id, u.\"window\""
    );
    db.rows(&sql, values, read_one)
}

pub(crate) fn read_one(cells: &mut Cells<'_>) -> Result<UsageCount> {
    Ok(UsageCount {
        consumer: consumer(cells.text()?, cells.next()?)?,
        window: cells.word("window")?,
        started_at: cells.time()?,
        used: Used {
            requests: cells.count()?,
            tokens: cells.count()?,
            usd: cells.next()?,
        },
    })
}
