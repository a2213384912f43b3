//! The versions of the rules: which are in force, which were, and how others take their place.

use std::collections::HashMap;

use waybill_model::{
    classify::ruling::{ClassificationRule, RuleSet},
    time::UnixMillis,
    view::{RulesChange, RulesVersion},
};

use crate::{
    Kind, Store, StoreError,
    entities::json,
    sql::{Cells, Db, Result, values},
};

/// Versions that are listed.
const MOST_LISTED: i64 = 500;

/// Rules that are to be put into force.
#[derive(Debug, Clone)]
pub struct NewRules {
    /// The version that they take the place of: the one that whoever changes it has seen.
    pub replaces: i64,
    /// The rules. Those without an id are given that of the rule of their name in force, or a new one.
    pub rules: Vec<ClassificationRule>,
    /// Who puts them into force.
    pub by: Option<String>,
    /// Why.
    pub note: Option<String>,
}

impl Store {
    /// The rules in force.
    pub async fn classification_rules(&self) -> Result<RulesVersion> {
        self.quick
            .run(|db| {
                let set = in_force(db)?;
                Ok(version(db, set.version)?.unwrap_or(RulesVersion {
                    version: set.version,
                    at: None,
                    by: None,
                    note: None,
                    rules: set.rules,
                }))
            })
            .await
    }

    /// Every version there was, the newest first, as far as they are listed.
    pub async fn classification_versions(&self) -> Result<Vec<RulesChange>> {
        self.readers
            .run(|db| {
                let sql = "SELECT version, at, actor, note, rules FROM classification_versions \
                     ORDER BY version DESC LIMIT ?1";
                db.rows(sql, values![MOST_LISTED], |cells| {
                    let RulesVersion {
                        version,
                        at,
                        by,
                        note,
                        rules,
                    } = read(cells)?;
                    Ok(RulesChange {
                        version,
                        at: at.unwrap_or(UnixMillis(0)),
                        by,
                        note,
                        rules: rules.len() as u64,
                    })
                })
            })
            .await
    }

    /// The rules of one version.
    pub async fn classification_version(&self, number: i64) -> Result<Option<RulesVersion>> {
        self.readers.run(move |db| version(db, number)).await
    }

    /// Puts rules into force, as a new version. Stored failures follow by and by.
    ///
    /// # Errors
    /// [`StoreError::Outdated`] where another version is in force than the one they are to replace,
    /// [`StoreError::UnknownReference`] for the id of a rule that there never was.
    pub async fn set_classification_rules(
        &self,
        new: NewRules,
        now: UnixMillis,
    ) -> Result<RulesVersion> {
        self.desk.change(move |db| put(db, new, now)).await
    }
}

fn put(db: &dyn Db, new: NewRules, now: UnixMillis) -> Result<RulesVersion> {
    let before = in_force(db)?;
    if before.version != new.replaces {
        return Err(StoreError::Outdated {
            found: before.version,
        });
    }
    let last: i64 = db
        .cell("SELECT last_id FROM classification_rules WHERE id = 1", &[])?
        .unwrap_or(0);
    let (rules, last) = numbered(new.rules, &before.rules, last)?;
    let (number, text) = (before.version + 1, json(&rules)?);
    db.execute(
        "INSERT INTO classification_rules (id, version, last_id, rules) VALUES (1, ?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, last_id = excluded.last_id, rules = excluded.rules",
        values![number, last, text.clone()],
    )?;
    db.execute(
        "INSERT INTO classification_versions (version, at, actor, note, rules) VALUES (?1, ?2, ?3, ?4, ?5)",
        values![number, now, new.by.as_deref(), new.note.as_deref(), text],
    )?;
    Ok(RulesVersion {
        version: number,
        at: Some(now),
        by: new.by,
        note: new.note,
        rules,
    })
}

/// The rules, each with an id; and the last id that was ever given.
fn numbered(
    mut rules: Vec<ClassificationRule>,
    before: &[ClassificationRule],
    mut last: i64,
) -> Result<(Vec<ClassificationRule>, i64)> {
    if let Some(unknown) = rules.iter().find(|rule| rule.id > last) {
        return Err(StoreError::UnknownReference {
            field: "rules.id",
            kind: Kind::ClassificationRule,
            id: unknown.id,
        });
    }
    let given: Vec<i64> = rules.iter().map(|rule| rule.id).collect();
    let known: HashMap<&str, i64> = before
        .iter()
        .map(|rule| (rule.name.as_str(), rule.id))
        .filter(|(_, id)| !given.contains(id))
        .collect();
    for rule in rules.iter_mut().filter(|rule| rule.id == 0) {
        rule.id = match known.get(rule.name.as_str()) {
            Some(id) => *id,
            None => {
                last += 1;
                last
            }
        };
    }
    Ok((rules, last))
}

/// The rules in force, as they are applied.
pub(crate) fn in_force(db: &dyn Db) -> Result<RuleSet> {
    let sql = "SELECT version, rules FROM classification_rules WHERE id = 1";
    let found = db.first(sql, &[], |cells| {
        Ok(RuleSet {
            version: cells.next()?,
            rules: cells.json("rules")?,
        })
    })?;
    Ok(found.unwrap_or_default())
}

fn version(db: &dyn Db, number: i64) -> Result<Option<RulesVersion>> {
    let sql =
        "SELECT version, at, actor, note, rules FROM classification_versions WHERE version = ?1";
    db.first(sql, values![number], read)
}

fn read(cells: &mut Cells<'_>) -> Result<RulesVersion> {
    Ok(RulesVersion {
        version: cells.next()?,
        at: cells.next()?,
        by: cells.next()?,
        note: cells.next()?,
        rules: cells.json("rules")?,
    })
}

/// What a rule is called, or was in a version.
pub(crate) fn name_of(db: &dyn Db, number: i64, id: i64) -> Result<Option<String>> {
    let found = version(db, number)?.map(|version| version.rules);
    let rule = found
        .into_iter()
        .flatten()
        .find(|rule: &ClassificationRule| rule.id == id);
    Ok(rule.map(|rule| rule.name))
}
