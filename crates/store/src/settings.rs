//! The settings: one document, with a version that grows with every change.
//!
//! Promises: nobody writes over what they have not seen, if they say what they saw; what follows from monitoring
//! being switched is one transaction with the switch. Must not know: what a choice means.

use waybill_model::{
    settings::{Chosen, SettingsChange},
    time::UnixMillis,
};

use crate::{
    Store, StoreError, alerts,
    entities::json,
    sql::{Db, Result, values},
};

/// The document as it is stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredSettings {
    /// Its version; 0: nobody chose anything.
    pub version: i64,
    /// What was chosen.
    pub chosen: Chosen,
    /// When it was changed last.
    pub updated_at: Option<UnixMillis>,
    /// By whom.
    pub updated_by: Option<String>,
}

impl Store {
    /// The settings in force.
    pub async fn settings(&self) -> Result<StoredSettings> {
        self.quick.run(|db| stored(db)).await
    }

    /// Changes the settings. A change that changes nothing makes no version.
    ///
    /// # Errors
    /// [`StoreError::Outdated`] where the change names another version than the one in force.
    pub async fn change_settings(
        &self,
        change: SettingsChange,
        by: Option<String>,
        now: UnixMillis,
    ) -> Result<StoredSettings> {
        self.desk
            .change(move |db| {
                let before = stored(db)?;
                if change.version.is_some_and(|seen| seen != before.version) {
                    return Err(StoreError::Outdated {
                        found: before.version,
                    });
                }
                let chosen = before.chosen.changed(&change, now);
                if chosen == before.chosen {
                    return Ok(before);
                }
                if chosen.is_monitored() != before.chosen.is_monitored() {
                    alerts::begin_anew(db)?;
                }
                let after = StoredSettings {
                    version: before.version + 1,
                    chosen,
                    updated_at: Some(now),
                    updated_by: by,
                };
                db.execute(
                    "INSERT INTO settings (id, version, body, updated_at, updated_by) VALUES (1, ?1, ?2, ?3, ?4)
                     ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body,
                     updated_at = excluded.updated_at, updated_by = excluded.updated_by",
                    values![
                        after.version,
                        json(&after.chosen)?,
                        now,
                        after.updated_by.as_deref()
                    ],
                )?;
                Ok(after)
            })
            .await
    }
}

impl Store {
    /// Takes monitoring to have been switched by now: the clock that it was switched by was ahead. Nobody chose that,
    /// so that it makes no version.
    pub async fn monitoring_switched_by(&self, now: UnixMillis) -> Result<()> {
        self.desk
            .change(move |db| {
                let chosen = json(&chosen(db)?.switched_by(now))?;
                let sql = "UPDATE settings SET body = ?1 WHERE id = 1 AND body <> ?1";
                db.execute(sql, values![chosen]).map(drop)
            })
            .await
    }
}

/// What was chosen.
pub(crate) fn chosen(db: &dyn Db) -> Result<Chosen> {
    stored(db).map(|stored| stored.chosen)
}

fn stored(db: &dyn Db) -> Result<StoredSettings> {
    let sql = "SELECT version, body, updated_at, updated_by FROM settings WHERE id = 1";
    let found = db.first(sql, &[], |cells| {
        Ok(StoredSettings {
            version: cells.next()?,
            chosen: cells.json("body")?,
            updated_at: Some(cells.time()?),
            updated_by: cells.next()?,
        })
    })?;
    Ok(found.unwrap_or_default())
}
