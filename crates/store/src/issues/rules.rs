//! Rules that bring kinds together or divide an issue, and the counting anew that follows a changed one.

use std::collections::HashSet;

use waybill_model::{
    issue::{IssueRule, RuleBody, Settings, Weight, hex, issue_of, split_of},
    time::UnixMillis,
};

use super::{
    fold::{KIND_COLUMNS, read_kind},
    row,
    tally::Key,
};
use crate::{
    Kind as Resource, Store, StoreError,
    sql::{Db, Result, Value, values},
};

impl Store {
    /// Every rule, in the order in which they are looked at.
    pub async fn issue_rules(&self) -> Result<Vec<IssueRule>> {
        self.readers.run(|db| all(db)).await
    }

    /// Adds a rule. What it changes is counted anew, by and by.
    ///
    /// # Errors
    /// [`StoreError::UnknownReference`] where it names an issue that is not there, or a part of a divided one.
    pub async fn add_issue_rule(
        &self,
        rule: RuleBody,
        actor: Option<String>,
        now: UnixMillis,
    ) -> Result<IssueRule> {
        self.desk
            .change(move |db| {
                let (field, issue) = match &rule {
                    RuleBody::Merge(merge) => ("into", &merge.into),
                    RuleBody::Split(split) => ("issue", &split.issue),
                };
                let found = hex::key(issue).map(|key| row::find(db, key)).transpose()?;
                if found.flatten().is_none_or(|row| row.part.is_some()) {
                    return Err(StoreError::UnknownReference {
                        field,
                        kind: Resource::Issue,
                        id: 0,
                    });
                }
                let before = bodies(db)?;
                let body = serde_json::to_string(&rule)
                    .map_err(|_| StoreError::Unreadable { column: "body" })?;
                let id: Option<i64> = db.cell(
                    "INSERT INTO issue_rules (body, created_at, created_by) VALUES (?1, ?2, ?3) RETURNING id",
                    values![body, now, actor.as_deref()],
                )?;
                changed(db, &before)?;
                Ok(IssueRule {
                    id: id.unwrap_or_default(),
                    rule,
                    created_at: now,
                    created_by: actor,
                })
            })
            .await
    }

    /// Removes a rule. What it changed is counted anew, by and by.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such rule.
    pub async fn remove_issue_rule(&self, id: i64) -> Result<()> {
        self.desk
            .change(move |db| {
                let before = bodies(db)?;
                match db.execute("DELETE FROM issue_rules WHERE id = ?1", values![id])? {
                    0 => Err(StoreError::NotFound {
                        kind: Resource::IssueRule,
                        id,
                    }),
                    _ => changed(db, &before),
                }
            })
            .await
    }
}

fn all(db: &dyn Db) -> Result<Vec<IssueRule>> {
    let sql = "SELECT id, body, created_at, created_by FROM issue_rules ORDER BY id";
    db.rows(sql, &[], |cells| {
        Ok(IssueRule {
            id: cells.next()?,
            rule: cells.json("body")?,
            created_at: cells.time()?,
            created_by: cells.next()?,
        })
    })
}

/// What the rules say, in order.
pub(super) fn bodies(db: &dyn Db) -> Result<Vec<RuleBody>> {
    Ok(all(db)?.into_iter().map(|rule| rule.rule).collect())
}

/// Has every issue counted anew whose kinds are placed differently from before.
fn changed(db: &dyn Db, before: &[RuleBody]) -> Result<()> {
    let after = bodies(db)?;
    let sql = format!("SELECT {KIND_COLUMNS}, k.recounting FROM issue_kinds k");
    let kinds = db.rows(&sql, &[], |cells| {
        Ok((read_kind(cells)?, cells.next::<bool>()?))
    })?;
    let place = |kind: &_, rules: &[RuleBody]| {
        let issue = issue_of(kind, rules);
        (issue, split_of(issue, rules))
    };
    let mut touched: HashSet<Key> = HashSet::new();
    for (kind, is_recounting) in &kinds {
        let (old, new) = (place(&kind.facts(), before), place(&kind.facts(), &after));
        if old != new || *is_recounting {
            touched.extend([old.0, new.0]);
        }
    }
    for (kind, _) in &kinds {
        let (old, new) = (
            place(&kind.facts(), before).0,
            place(&kind.facts(), &after).0,
        );
        if touched.contains(&old) || touched.contains(&new) {
            db.execute(
                "UPDATE issue_kinds SET issue = ?2, recounting = 1 WHERE fingerprint = ?1",
                values![kind.fingerprint.as_slice(), new.as_slice()],
            )?;
        }
    }
    for issue in &touched {
        empty(db, *issue)?;
    }
    db.execute(
        "UPDATE issue_fold SET rules_version = rules_version + 1, recounted_to = 0, recount_end = folded_to WHERE id = 1",
        &[],
    )
    .map(drop)
}

/// Takes an issue's counts away, and its parts': they are counted anew. State, notes and history stay, and of a
/// number of failures that ends its being ignored what is left of it.
fn empty(db: &dyn Db, issue: Key) -> Result<()> {
    let mut keys: Vec<Key> = db.rows(
        "SELECT issue FROM issues WHERE part_of = ?1",
        values![issue.as_slice()],
        |cells| cells.next(),
    )?;
    keys.push(issue);
    for key in keys {
        for table in ["issue_hours", "issue_members"] {
            db.execute(
                &format!("DELETE FROM {table} WHERE issue = ?1"),
                values![key.as_slice()],
            )?;
        }
        db.execute(
            "UPDATE issues SET ignore_count = CASE WHEN recounting = 1 THEN ignore_count
             WHEN ignore_count > total THEN ignore_count - total WHEN ignore_count IS NOT NULL THEN 0 END, seen = 0, hidden = 0, total = 0, users = 0, api_keys = 0, accounts = 0, models = 0,
             group_count = 0, is_bounded = 0, weight = ?2, impact = ?2, next_look = NULL, recounting = 1
             WHERE issue = ?1",
            values![key.as_slice(), Value::Int(Weight::NONE.0)],
        )?;
    }
    Ok(())
}

/// Everything is counted anew: states are looked at again.
pub(super) fn recounted(db: &dyn Db, settings: &Settings, now: UnixMillis) -> Result<u64> {
    db.execute(
        "UPDATE issue_kinds SET recounting = 0 WHERE recounting = 1",
        &[],
    )?;
    let sql = format!(
        "SELECT {} FROM issues i WHERE i.recounting = 1",
        row::COLUMNS
    );
    let mut transitions = 0;
    for mut row in db.rows(&sql, &[], row::read)? {
        row.is_recounted();
        if row.total() > 0 {
            // What came in the meantime is news now.
            let newest = Some(row.last.0);
            transitions += row.settle(db, newest, settings, now)? as u64;
        }
        row.write(db, settings, now)?;
    }
    Ok(transitions)
}
