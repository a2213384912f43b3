//! The log of what was done and refused.
//!
//! An action is entered before it begins and completed when it has ended: one that was cut off by the end of
//! the process stands there without a status.

use serde_json::Value as Json;
use waybill_model::{
    id::{AdminUserId, AuditId},
    people::{AuditEntry, Role, Through},
    time::UnixMillis,
    view::{List, Page},
};

use crate::{
    Store, StoreError,
    entities::json,
    query::audit,
    sql::{Db, Result, values},
};

/// An entry to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAuditEntry {
    /// When it began.
    pub at: UnixMillis,
    /// Who did it.
    pub actor_id: Option<AdminUserId>,
    /// Their name.
    pub actor: String,
    /// What they may do.
    pub role: Option<Role>,
    /// Through what they were known.
    pub through: Through,
    /// The peer's address.
    pub client_ip: String,
    /// What was done.
    pub action: String,
    /// What kind of thing it was done to.
    pub subject: String,
    /// Which one.
    pub subject_id: Option<String>,
    /// The status of the answer; `None`: there is none yet.
    pub status: Option<u16>,
    /// How often.
    pub count: u64,
    /// What else is worth knowing.
    pub detail: Json,
}

/// What the audit log can be narrowed by. Empty narrows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFilter {
    /// From this instant on.
    pub start: UnixMillis,
    /// Before this instant.
    pub end: UnixMillis,
    /// Name of who did it.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// What kind of thing it was done to.
    pub subject: Option<String>,
    /// Which one.
    pub subject_id: Option<String>,
}

impl Store {
    /// Makes an entry.
    pub async fn audit(&self, new: NewAuditEntry) -> Result<AuditId> {
        self.quick_desk().change(move |db| insert(db, &new)).await
    }

    /// Completes an entry whose action has ended.
    pub async fn audit_ended(
        &self,
        id: AuditId,
        status: u16,
        subject_id: Option<String>,
        detail: Json,
    ) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                let sql = "UPDATE audit_log SET status = ?2, subject_id = coalesce(?3, subject_id), detail = ?4
                     WHERE id = ?1";
                let values = values![id, status, subject_id, json(&detail)?];
                db.execute(sql, values).map(drop)
            })
            .await
    }

    /// Makes an entry, or adds its count to the one of the same minute that says the same of the same name
    /// and address.
    pub async fn audit_counted(&self, new: NewAuditEntry) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                let minute = new.at.0.div_euclid(60_000) * 60_000;
                let found: Option<AuditId> = db.cell(
                    "SELECT id FROM audit_log WHERE action = ?1 AND at >= ?2 AND actor = ?3 AND client_ip = ?4
                     AND status = ?5
                     AND (status >= 400 OR coalesce(subject_id, '') = ?6) ORDER BY at DESC, id DESC LIMIT 1",
                    values![
                        &new.action,
                        minute,
                        &new.actor,
                        &new.client_ip,
                        new.status,
                        new.subject_id.as_deref().unwrap_or_default()
                    ],
                )?;
                match found {
                    Some(id) => {
                        let sql = "UPDATE audit_log SET count = count + ?2 WHERE id = ?1";
                        db.execute(sql, values![id, new.count]).map(drop)
                    }
                    None => insert(db, &new).map(drop),
                }
            })
            .await
    }

    /// The audit log, newest first or oldest first.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`] for a cursor that this list, in this order, did not give out.
    pub async fn audit_log(&self, filter: &AuditFilter, page: &Page) -> Result<List<AuditEntry>> {
        let (filter, page) = (filter.clone(), page.clone());
        self.readers
            .run(move |db| audit::list(db, &filter, &page))
            .await
    }
}

fn insert(db: &dyn Db, new: &NewAuditEntry) -> Result<AuditId> {
    let id = db.cell(
        "INSERT INTO audit_log (at, actor_id, actor, role, through, client_ip, action, subject, subject_id, status,
         count, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING id",
        values![
            new.at,
            new.actor_id,
            &new.actor,
            new.role.map(Role::as_str),
            new.through.as_str(),
            &new.client_ip,
            &new.action,
            &new.subject,
            new.subject_id.clone(),
            new.status,
            new.count,
            json(&new.detail)?
        ],
    )?;
    id.ok_or(StoreError::Unreadable { column: "id" })
}
