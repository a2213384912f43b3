//! Which refusals of strangers have an entry of their own in the audit log.
//!
//! Promises: at most [`MOST`] a minute. Must not know: where entries go.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use waybill_store::NewAuditEntry;

/// Entries of strangers per minute; further ones are counted together.
pub const MOST: usize = 60;

/// Which kinds of refusals of strangers this minute has had.
#[derive(Debug, Default)]
pub struct Minute(Mutex<(i64, HashSet<String>)>);

impl Minute {
    /// Whether a refusal has an entry of its own.
    pub fn has_room(&self, entry: &NewAuditEntry) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = entry.at.0.div_euclid(60_000);
        if held.0 != minute {
            *held = (minute, HashSet::new());
        }
        let key = format!(
            "{} {} {:?} {}",
            entry.action, entry.client_ip, entry.status, entry.actor
        );
        if held.1.len() >= MOST && !held.1.contains(&key) {
            return false;
        }
        held.1.insert(key);
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use waybill_model::{people::Through, time::UnixMillis};

    use super::*;

    #[test]
    fn strangers_fill_so_many_entries_a_minute_and_no_more() {
        let minute = Minute::default();
        let entry = |number: i64, at| NewAuditEntry {
            at: UnixMillis(at),
            actor_id: None,
            actor: format!("name {number}"),
            role: None,
            through: Through::Nothing,
            client_ip: "10.0.0.1".to_owned(),
            action: "sign-in".to_owned(),
            subject: "sign-in".to_owned(),
            subject_id: None,
            status: Some(401),
            count: 1,
            detail: Value::Null,
        };
        let own = (0..1_000).filter(|number| minute.has_room(&entry(*number, 0)));
        assert_eq!(own.count(), MOST);
        assert!(minute.has_room(&entry(0, 59_999)), "it has its entry");
        assert!(minute.has_room(&entry(5_000, 60_000)), "a new minute");
    }
}
