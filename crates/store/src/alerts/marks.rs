//! How far rules are evaluated: all of them up to one minute, but for those that wait for what they look at.
//!
//! Promises: a rule says something of a minute once, and of none after a later one; what one rule waits for keeps no
//! other rule waiting.

use std::collections::HashMap;

use waybill_model::time::UnixMillis;

use crate::{
    Store,
    sql::{Db, Result, values},
};

/// How far each rule is evaluated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertMarks {
    /// All rules, but for those that wait. 0: no round was taken in yet.
    pub evaluated_to: UnixMillis,
    /// Those that wait, and up to when each is.
    pub waiting: HashMap<i64, UnixMillis>,
}

impl AlertMarks {
    /// Up to when a rule is evaluated.
    pub fn of(&self, rule: i64) -> UnixMillis {
        self.waiting
            .get(&rule)
            .copied()
            .unwrap_or(self.evaluated_to)
    }

    pub(super) fn load(db: &dyn Db) -> Result<AlertMarks> {
        let evaluated_to = db.cell("SELECT evaluated_to FROM alert_progress WHERE id = 1", &[])?;
        let sql = "SELECT rule_id, evaluated_to FROM alert_waits";
        let waiting = db.rows(sql, &[], |cells| Ok((cells.next()?, cells.time()?)))?;
        Ok(AlertMarks {
            evaluated_to: evaluated_to.unwrap_or_default(),
            waiting: waiting.into_iter().collect(),
        })
    }
}

impl Store {
    /// How far rules are evaluated.
    pub async fn alert_marks(&self) -> Result<AlertMarks> {
        self.readers.run(|db| AlertMarks::load(db)).await
    }
}

/// Notes that a rule is evaluated up to an instant, and others further.
pub(super) fn wait(db: &dyn Db, rule: i64, evaluated_to: UnixMillis) -> Result<()> {
    let sql = "INSERT INTO alert_waits (rule_id, evaluated_to) VALUES (?1, ?2)
         ON CONFLICT (rule_id) DO UPDATE SET evaluated_to = excluded.evaluated_to";
    db.execute(sql, values![rule, evaluated_to]).map(drop)
}

/// Notes that a rule is evaluated as far as the others.
pub(super) fn caught_up(db: &dyn Db, rule: i64) -> Result<()> {
    let sql = "DELETE FROM alert_waits WHERE rule_id = ?1";
    db.execute(sql, values![rule]).map(drop)
}

/// Notes that all rules are evaluated as far as one another: what was missed is nobody's alarm.
pub(super) fn all_caught_up(db: &dyn Db) -> Result<()> {
    db.execute("DELETE FROM alert_waits", &[]).map(drop)
}
