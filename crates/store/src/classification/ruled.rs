//! By which rules stored failures were judged, many at once.

use std::collections::HashMap;

use waybill_model::{id::ErrorId, time::UnixMillis};

use super::rules::name_of;
use crate::{
    Store,
    sql::{Result, Value},
};

/// By which rules a failure was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedBy {
    /// The version of the built-in rules.
    pub built_in_version: u32,
    /// The operator's rule that decided, where one did.
    pub rule: Option<DecidedBy>,
}

/// An operator's rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedBy {
    /// Its id.
    pub id: i64,
    /// Its name; `None` where its version is not there any more.
    pub name: Option<String>,
    /// The version of the operator's rules.
    pub version: i64,
}

impl Store {
    /// By which rules failures of a window were judged. Those that are not there any more are left out.
    pub async fn judged_by(
        &self,
        ids: Vec<ErrorId>,
        (start, end): (UnixMillis, UnixMillis),
    ) -> Result<HashMap<ErrorId, JudgedBy>> {
        self.readers
            .run(move |db| {
                if ids.is_empty() {
                    return Ok(HashMap::new());
                }
                let sql = format!(
                    "SELECT e.id, e.rules_version, coalesce(e.ruled_version, 0), e.ruled_by FROM {}
                     WHERE e.created_at >= ? AND e.created_at < ? AND e.id IN ({})",
                    db.dialect().by_id("errors", "e"),
                    vec!["?"; ids.len()].join(", ")
                );
                let mut values: Vec<Value> = vec![start.into(), end.into()];
                values.extend(ids.iter().map(|id| Value::from(id.0)));
                let rows = db.rows(&sql, &values, |cells| {
                    let id: i64 = cells.next()?;
                    let built_in: i64 = cells.next()?;
                    let by: (i64, Option<i64>) = (cells.next()?, cells.next()?);
                    Ok((ErrorId(id), built_in, by))
                })?;
                let mut names = HashMap::new();
                let mut found = HashMap::new();
                for (id, built_in, (version, rule)) in rows {
                    let rule = match rule {
                        None => None,
                        Some(rule) => {
                            let name = match names.get(&(version, rule)) {
                                Some(name) => Option::clone(name),
                                None => {
                                    let name = name_of(db, version, rule)?;
                                    names.insert((version, rule), name.clone());
                                    name
                                }
                            };
                            Some(DecidedBy {
                                id: rule,
                                name,
                                version,
                            })
                        }
                    };
                    let judged = JudgedBy {
                        built_in_version: u32::try_from(built_in).unwrap_or_default(),
                        rule,
                    };
                    found.insert(id, judged);
                }
                Ok(found)
            })
            .await
    }
}
