//! The configuration: groups, accounts, users and API keys.
//!
//! Every entity has one `save` that makes a row or overwrites it whole; create, change and upsert are
//! three ways to it. Each runs in one transaction, and changes happen one after the other, so names and
//! references are checked against what the row is stored with.

mod accounts;
mod api_keys;
mod groups;
mod prices;
mod users;

use crate::{
    Config, Kind, Store, StoreError, classification, settings,
    sql::{Db, Result, Value, values},
};

impl Store {
    /// Everything configured, read at one instant.
    pub async fn load_config(&self) -> Result<Config> {
        self.quick.run(|db| load(db)).await
    }
}

/// Everything configured.
pub(crate) fn load(db: &dyn Db) -> Result<Config> {
    Ok(Config {
        groups: groups::read(db, None)?,
        accounts: accounts::read(db, None)?,
        users: users::read(db, None)?,
        api_keys: api_keys::read(db, None)?,
        prices: prices::read(db)?,
        rules: classification::in_force(db)?,
        settings: settings::chosen(db)?,
    })
}

fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::Group => "groups",
        Kind::Account => "accounts",
        Kind::User => "users",
        Kind::ApiKey => "api_keys",
        Kind::Error => "errors",
        Kind::Issue => "issues",
        Kind::IssueRule => "issue_rules",
        Kind::ClassificationRule => "classification_rules",
        Kind::AdminUser => "admin_users",
        Kind::AdminToken => "admin_tokens",
        Kind::AlertRule => "alert_rules",
        Kind::AlertEvent => "alert_events",
        Kind::Silence => "alert_silences",
        Kind::Objective => "objectives",
        Kind::Channel => "notification_channels",
        Kind::Notification => "notifications",
        Kind::Schedule => "report_schedules",
    }
}

fn id_of(db: &dyn Db, kind: Kind, name: &str) -> Result<Option<i64>> {
    let sql = format!("SELECT id FROM {} WHERE name = ?1", table(kind));
    db.cell(&sql, values![name])
}

/// Fails if a row other than `own` has the name.
pub(crate) fn check_name(db: &dyn Db, kind: Kind, name: &str, own: Option<i64>) -> Result<()> {
    match id_of(db, kind, name)? {
        Some(id) if Some(id) != own => Err(StoreError::NameTaken {
            kind,
            name: name.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Fails if there is no such row.
fn check_reference(db: &dyn Db, field: &'static str, kind: Kind, id: i64) -> Result<()> {
    let sql = format!("SELECT id FROM {} WHERE id = ?1", table(kind));
    match db.cell::<i64>(&sql, values![id])? {
        Some(_) => Ok(()),
        None => Err(StoreError::UnknownReference { field, kind, id }),
    }
}

/// Fails if rows of `referring` refer to it by `column`.
fn check_unused(
    db: &dyn Db,
    (kind, id): (Kind, i64),
    by: Kind,
    referring: &str,
    column: &str,
) -> Result<()> {
    let sql = format!("SELECT count(*) FROM {referring} WHERE {column} = ?1");
    let count = db.count(&sql, values![id])?;
    match count {
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
pub(crate) fn delete(db: &dyn Db, kind: Kind, id: i64) -> Result<()> {
    match db.execute(
        &format!("DELETE FROM {} WHERE id = ?1", table(kind)),
        values![id],
    )? {
        0 => Err(StoreError::NotFound { kind, id }),
        _ => Ok(()),
    }
}

/// Columns of a row and what is to be in them.
pub(crate) type Columns<'a> = &'a [(&'static str, Value)];

/// Makes a row, or overwrites the one with the id; answers its id. `created_at` is `now` for a new one
/// and stays as it is for one that is there.
pub(crate) fn put(
    db: &dyn Db,
    kind: Kind,
    id: Option<i64>,
    columns: Columns<'_>,
    now: waybill_model::time::UnixMillis,
) -> Result<i64> {
    let names = || columns.iter().map(|(name, _)| *name).chain(["updated_at"]);
    let mut values: Vec<Value> = columns.iter().map(|(_, value)| value.clone()).collect();
    values.push(now.into());
    let table = table(kind);
    if let Some(id) = id {
        let sets: Vec<String> = names().map(|name| format!("{name} = ?")).collect();
        values.push(id.into());
        let sql = format!("UPDATE {table} SET {} WHERE id = ?", sets.join(", "));
        return match db.execute(&sql, &values)? {
            0 => Err(StoreError::NotFound { kind, id }),
            _ => Ok(id),
        };
    }
    values.push(now.into());
    let names: Vec<&str> = names().chain(["created_at"]).collect();
    let sql = format!(
        "INSERT INTO {table} ({}) VALUES ({}) RETURNING id",
        names.join(", "),
        vec!["?"; names.len()].join(", ")
    );
    db.cell(&sql, &values)?
        .ok_or(StoreError::Unreadable { column: "id" })
}

/// The one row with the id out of what was read.
pub(crate) fn one<T>(kind: Kind, id: i64, found: Vec<T>) -> Result<T> {
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

pub(crate) fn json(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_string(value)
        .map(Value::Text)
        .map_err(|error| StoreError::Database(Box::new(error)))
}
