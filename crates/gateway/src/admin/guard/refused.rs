//! Refusals in the audit log: counted, so that nobody can flood it.
//!
//! Promises: strangers have a bounded number of entries a minute, however many names and addresses they come
//! with. Must not know: why something is refused.

use std::net::IpAddr;

use http::StatusCode;
use serde_json::{Map, Value};
use waybill_model::{people::Through, time::UnixMillis};
use waybill_store::{NewAuditEntry, StoreError};

use super::UNKNOWN;
use crate::{admin::problem::Problem, app::Shared};

/// Where those come from who are counted together.
const MANY: &str = "many";

/// Somebody who is known may not do what they tried.
pub async fn write(
    shared: &Shared,
    entry: NewAuditEntry,
    status: StatusCode,
) -> Result<(), Problem> {
    let entry = NewAuditEntry {
        status: Some(status.as_u16()),
        ..entry
    };
    Ok(shared.store.audit_counted(entry).await?)
}

/// A stranger's attempt failed.
pub async fn count(shared: &Shared, entry: NewAuditEntry) -> Result<(), StoreError> {
    let entry = match shared.people.refused.has_room(&entry) {
        true => entry,
        false => NewAuditEntry {
            actor: UNKNOWN.to_owned(),
            client_ip: MANY.to_owned(),
            subject_id: None,
            detail: Value::Object(Map::new()),
            ..entry
        },
    };
    shared.store.audit_counted(entry).await
}

/// A token that nobody has was presented.
pub async fn token(shared: &Shared, ip: IpAddr, times: u64) -> Result<(), StoreError> {
    let at: UnixMillis = shared.clock.now();
    let entry = NewAuditEntry {
        at,
        actor_id: None,
        actor: UNKNOWN.to_owned(),
        role: None,
        through: Through::Nothing,
        client_ip: ip.to_string(),
        action: "token".to_owned(),
        subject: "token".to_owned(),
        subject_id: None,
        status: Some(StatusCode::UNAUTHORIZED.as_u16()),
        count: times,
        detail: Value::Object(Map::new()),
    };
    count(shared, entry).await
}
