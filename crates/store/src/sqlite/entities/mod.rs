//! The configuration: groups, accounts, users and API keys.
//!
//! Every entity has one `save` that makes a row or overwrites it whole; create, change and upsert are
//! three ways to it. Each runs in one transaction, so names and references are checked against what
//! the row is stored with.

mod accounts;
mod api_keys;
mod groups;
mod prices;
mod users;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Result, Store};
use crate::{Config, Kind, StoreError};

impl Store {
    /// Everything configured, read at one instant.
    pub async fn load_config(&self) -> Result<Config> {
        self.quick
            .run(|db| {
                Ok(Config {
                    groups: groups::read(db, None)?,
                    accounts: accounts::read(db, None)?,
                    users: users::read(db, None)?,
                    api_keys: api_keys::read(db, None)?,
                    prices: prices::read(db)?,
                })
            })
            .await
    }
}

fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::Group => "groups",
        Kind::Account => "accounts",
        Kind::User => "users",
        Kind::ApiKey => "api_keys",
        Kind::Error => "errors",
    }
}

fn id_of(db: &Connection, kind: Kind, name: &str) -> Result<Option<i64>> {
    let sql = format!("SELECT id FROM {} WHERE name = ?1", table(kind));
    Ok(db.query_row(&sql, [name], |r| r.get(0)).optional()?)
}

/// Fails if a row other than `own` has the name.
fn check_name(db: &Connection, kind: Kind, name: &str, own: Option<i64>) -> Result<()> {
    match id_of(db, kind, name)? {
        Some(id) if Some(id) != own => Err(StoreError::NameTaken {
            kind,
            name: name.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Fails if there is no such row.
fn check_reference(db: &Connection, field: &'static str, kind: Kind, id: i64) -> Result<()> {
    let sql = format!("SELECT 1 FROM {} WHERE id = ?1", table(kind));
    match db.query_row(&sql, [id], |_| Ok(())).optional()? {
        Some(()) => Ok(()),
        None => Err(StoreError::UnknownReference { field, kind, id }),
    }
}

/// Fails if rows of `referring` refer to it by `column`.
fn check_unused(
    db: &Connection,
    (kind, id): (Kind, i64),
    by: Kind,
    referring: &str,
    column: &str,
) -> Result<()> {
    let sql = format!("SELECT count(*) FROM {referring} WHERE {column} = ?1");
    match db.query_row(&sql, [id], |r| super::row::count(r, 0))? {
        0 => Ok(()),
        count => Err(StoreError::InUse {
            kind,
            id,
            by,
            count,
        }),
    }
}

/// Deletes one row; what belongs to it goes along.
fn delete(db: &Connection, kind: Kind, id: i64) -> Result<()> {
    match db.execute(
        &format!("DELETE FROM {} WHERE id = ?1", table(kind)),
        params![id],
    )? {
        0 => Err(StoreError::NotFound { kind, id }),
        _ => Ok(()),
    }
}

/// The one row with the id out of what was read.
fn one<T>(kind: Kind, id: i64, found: Vec<T>) -> Result<T> {
    found
        .into_iter()
        .next()
        .ok_or(StoreError::NotFound { kind, id })
}

/// The list without repetitions, each at its first place.
fn distinct<T: Copy + PartialEq>(list: &[T]) -> Vec<T> {
    let mut seen = Vec::with_capacity(list.len());
    for item in list {
        if !seen.contains(item) {
            seen.push(*item);
        }
    }
    seen
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(Box::new(error)))
}
