//! The audit log.

use waybill_model::{
    people::AuditEntry,
    view::{List, Page},
};

use super::{
    condition::{Asked, Conditions, Window},
    page::{self, Listing, Place, Source},
};
use crate::{
    AuditFilter,
    sql::{Cells, Db, Result},
};

/// One page of it.
pub(crate) fn list(db: &dyn Db, filter: &AuditFilter, page: &Page) -> Result<List<AuditEntry>> {
    let source = Source {
        listing: Listing::Audit,
        columns: "l.id, l.at, l.actor_id, l.actor, l.role, l.through, l.client_ip, l.action, l.subject, l.subject_id, \
            l.status, l.count, l.detail",
        from: "audit_log l",
        count_from: "audit_log l",
        alias: "l",
        time: "at",
    };
    let mut conditions = Conditions::new(db.dialect());
    conditions.equal("l.actor", filter.actor.as_deref());
    conditions.equal("l.action", filter.action.as_deref());
    conditions.equal("l.subject", filter.subject.as_deref());
    conditions.equal("l.subject_id", filter.subject_id.as_deref());
    let slice = page::slice(
        db,
        &source,
        Window::between(filter.start, filter.end),
        Asked::of(conditions),
        page,
        read,
        |entry| Place {
            created_at: entry.at,
            id: entry.id.0,
        },
    )?;
    Ok(List {
        items: slice.rows,
        total: slice.total,
        page: slice.page,
        page_size: slice.page_size,
        next_cursor: slice.next_cursor,
        total_is_estimate: slice.total_is_estimate,
    })
}

fn read(cells: &mut Cells<'_>) -> Result<AuditEntry> {
    Ok(AuditEntry {
        id: cells.next()?,
        at: cells.time()?,
        actor_id: cells.next()?,
        actor: cells.next()?,
        role: cells.optional_word("role")?,
        through: cells.word("through")?,
        client_ip: cells.next()?,
        action: cells.next()?,
        subject: cells.next()?,
        subject_id: cells.next()?,
        status: cells.next()?,
        count: cells.count()?,
        detail: cells.json("detail")?,
    })
}
