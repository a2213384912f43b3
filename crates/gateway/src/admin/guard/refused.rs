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
use crate::{
    admin::{actor::Actor, problem::Problem},
    app::Shared,
};

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
    let at = shared.clock.now();
    count(shared, of_stranger(at, ip, "token", times)).await
}

/// A token was presented that was made here, and is revoked or over. It costs its bearer nothing, so each address
/// is written down once a minute, with how often it was since.
pub async fn ended_token(shared: &Shared, ip: IpAddr) -> Result<(), StoreError> {
    let at = shared.clock.now();
    match shared
        .people
        .repeated
        .times(format!("ended-token {ip}"), at)
    {
        Some(times) => count(shared, of_stranger(at, ip, "ended-token", times)).await,
        None => Ok(()),
    }
}

/// A change by a session did not bear what a page of ours knows: somebody else's page may have sent it. Written
/// down like [`ended_token`].
pub async fn csrf(shared: &Shared, actor: &Actor, ip: IpAddr) -> Result<(), StoreError> {
    let at = shared.clock.now();
    let key = format!("csrf {} {ip}", actor.name);
    let Some(times) = shared.people.repeated.times(key, at) else {
        return Ok(());
    };
    let entry = NewAuditEntry {
        actor_id: actor.id,
        actor: actor.name.clone(),
        role: Some(actor.role),
        through: actor.through,
        subject: "session".to_owned(),
        status: Some(StatusCode::FORBIDDEN.as_u16()),
        ..of_stranger(at, ip, "csrf", times)
    };
    count(shared, entry).await
}

fn of_stranger(at: UnixMillis, ip: IpAddr, action: &str, times: u64) -> NewAuditEntry {
    NewAuditEntry {
        at,
        actor_id: None,
        actor: UNKNOWN.to_owned(),
        role: None,
        through: Through::Nothing,
        client_ip: ip.to_string(),
        action: action.to_owned(),
        subject: "token".to_owned(),
        subject_id: None,
        status: Some(StatusCode::UNAUTHORIZED.as_u16()),
        count: times,
        detail: Value::Object(Map::new()),
    }
}
