//! What people write whole and change whole: rules, silences, objectives. One table each, alike.

use serde::{Serialize, de::DeserializeOwned};
use waybill_model::{
    alert::{AlertRule, AlertRuleBody, Objective, Silence, SilenceBody, Written, default_rules},
    objective::ObjectiveBody,
    time::UnixMillis,
};

use super::{events::end_all, marks, round::begin_progress};
use crate::{
    Kind, Store, StoreError,
    entities::{check_name, json},
    sql::{Cells, Db, Result, values},
};

/// What is kept in a table of such rows.
pub(super) trait Resource: Serialize + DeserializeOwned + Send + 'static {
    const KIND: Kind;
    const TABLE: &'static str;
    /// Its unique name, if it has one.
    fn name(&self) -> Option<&str>;
}

impl Resource for AlertRuleBody {
    const KIND: Kind = Kind::AlertRule;
    const TABLE: &'static str = "alert_rules";
    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }
}

impl Resource for ObjectiveBody {
    const KIND: Kind = Kind::Objective;
    const TABLE: &'static str = "objectives";
    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }
}

impl Resource for SilenceBody {
    const KIND: Kind = Kind::Silence;
    const TABLE: &'static str = "alert_silences";
    fn name(&self) -> Option<&str> {
        None
    }
}

impl Store {
    /// Every rule, by id.
    pub async fn alert_rules(&self) -> Result<Vec<AlertRule>> {
        self.readers.run(|db| all(db)).await
    }

    /// Writes a rule: a new one, or over the one with this id. Events of one that is switched off are over.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], [`StoreError::NotFound`].
    pub async fn save_alert_rule(
        &self,
        id: Option<i64>,
        body: AlertRuleBody,
        by: Option<String>,
        now: UnixMillis,
    ) -> Result<AlertRule> {
        self.desk
            .change(move |db| {
                let saved = save(db, id, body, by.as_deref(), now)?;
                // Of what it says now, no minute was missed.
                marks::caught_up(db, saved.id)?;
                if !saved.body.enabled {
                    end_all(db, saved.id, by.as_deref(), now)?;
                }
                Ok(saved)
            })
            .await
    }

    /// Removes a rule. Its events stay, and are over.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_alert_rule(
        &self,
        id: i64,
        by: Option<String>,
        now: UnixMillis,
    ) -> Result<()> {
        self.desk
            .change(move |db| {
                end_all(db, id, by.as_deref(), now)?;
                remove::<AlertRuleBody>(db, id)
            })
            .await
    }

    /// Writes the rules of a new installation, once in its life: who removes them does not have them back.
    pub async fn seed_alert_rules(&self, now: UnixMillis) -> Result<()> {
        self.desk
            .change(move |db| {
                begin_progress(db)?;
                let sql = "UPDATE alert_progress SET seeded = ?1 WHERE id = 1 AND seeded <> ?1";
                if db.execute(sql, values![true])? == 0 {
                    return Ok(());
                }
                for rule in default_rules() {
                    save(db, None, rule, None, now)?;
                }
                Ok(())
            })
            .await
    }

    /// Every silence, by id, those that are over too.
    pub async fn silences(&self) -> Result<Vec<Silence>> {
        self.readers.run(|db| all(db)).await
    }

    /// Writes a silence: a new one, or over the one with this id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn save_silence(
        &self,
        id: Option<i64>,
        body: SilenceBody,
        by: Option<String>,
        now: UnixMillis,
    ) -> Result<Silence> {
        self.desk
            .change(move |db| save(db, id, body, by.as_deref(), now))
            .await
    }

    /// Removes a silence.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_silence(&self, id: i64) -> Result<()> {
        self.desk
            .change(move |db| remove::<SilenceBody>(db, id))
            .await
    }

    /// Every objective, by id.
    pub async fn objectives(&self) -> Result<Vec<Objective>> {
        self.readers.run(|db| all(db)).await
    }

    /// Writes an objective: a new one, or over the one with this id.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], [`StoreError::NotFound`].
    pub async fn save_objective(
        &self,
        id: Option<i64>,
        body: ObjectiveBody,
        by: Option<String>,
        now: UnixMillis,
    ) -> Result<Objective> {
        self.desk
            .change(move |db| save(db, id, body, by.as_deref(), now))
            .await
    }

    /// Removes an objective.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_objective(&self, id: i64) -> Result<()> {
        self.desk
            .change(move |db| remove::<ObjectiveBody>(db, id))
            .await
    }
}

pub(super) fn all<T: Resource>(db: &dyn Db) -> Result<Vec<Written<T>>> {
    let sql = format!(
        "SELECT id, body, created_at, updated_at, updated_by FROM {} ORDER BY id",
        T::TABLE
    );
    db.rows(&sql, &[], read)
}

fn save<T: Resource>(
    db: &dyn Db,
    id: Option<i64>,
    body: T,
    by: Option<&str>,
    now: UnixMillis,
) -> Result<Written<T>> {
    if let Some(name) = body.name() {
        check_name(db, T::KIND, name, id)?;
    }
    let (name_column, name_value, name_set) = match body.name() {
        Some(_) => (", name", ", ?4", ", name = ?4"),
        None => ("", "", ""),
    };
    let table = T::TABLE;
    let text = json(&body)?;
    let mut values = values![text, now, by].to_vec();
    values.extend(body.name().map(Into::into));
    let next = values.len() + 1;
    let sql = match id {
        None => format!(
            "INSERT INTO {table} (body, created_at, updated_at, updated_by{name_column})
             VALUES (?1, ?2, ?2, ?3{name_value}) RETURNING id, body, created_at, updated_at, updated_by"
        ),
        Some(_) => format!(
            "UPDATE {table} SET body = ?1, updated_at = ?2, updated_by = ?3{name_set} WHERE id = ?{next}
             RETURNING id, body, created_at, updated_at, updated_by"
        ),
    };
    values.extend(id.map(Into::into));
    db.first(&sql, &values, read)?.ok_or(StoreError::NotFound {
        kind: T::KIND,
        id: id.unwrap_or_default(),
    })
}

fn remove<T: Resource>(db: &dyn Db, id: i64) -> Result<()> {
    let sql = format!("DELETE FROM {} WHERE id = ?1", T::TABLE);
    match db.execute(&sql, values![id])? {
        0 => Err(StoreError::NotFound { kind: T::KIND, id }),
        _ => Ok(()),
    }
}

fn read<T: DeserializeOwned>(cells: &mut Cells<'_>) -> Result<Written<T>> {
    Ok(Written {
        id: cells.next()?,
        body: cells.json("body")?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
        updated_by: cells.next()?,
    })
}
