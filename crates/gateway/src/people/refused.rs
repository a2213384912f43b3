//! Which refusals of strangers have an entry of their own in the audit log.
//!
//! Promises: at most [`MOST`] a minute. Must not know: where entries go.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use waybill_model::time::UnixMillis;
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

/// Sources that are told apart at once.
const MOST_SOURCES: usize = 1_000;

/// What one source does again and again: written down once a minute, with how often it was.
#[derive(Debug, Default)]
pub struct Repeated(Mutex<HashMap<String, Since>>);

/// When a source was last written down, and how often it was there since.
#[derive(Debug, Clone, Copy)]
struct Since {
    minute: i64,
    more: u64,
}

impl Repeated {
    /// How often it was, where it is written down now; `None` where that was done this minute. One that is beyond
    /// what can be remembered is not written down.
    pub fn times(&self, source: String, at: UnixMillis) -> Option<u64> {
        let minute = at.0.div_euclid(60_000);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = all.get_mut(&source) {
            since.more += 1;
            if since.minute == minute {
                return None;
            }
            let times = since.more;
            *since = Since { minute, more: 0 };
            return Some(times);
        }
        if all.len() >= MOST_SOURCES {
            all.retain(|_, since| since.minute == minute);
        }
        if all.len() >= MOST_SOURCES {
            return None;
        }
        all.insert(source, Since { minute, more: 0 });
        Some(1)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use waybill_model::people::Through;

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

    #[test]
    fn what_one_source_repeats_is_written_down_once_a_minute_and_counted() {
        let repeated = Repeated::default();
        let times = |source: &str, at| repeated.times(source.to_owned(), UnixMillis(at));
        assert_eq!(times("a", 0), Some(1));
        assert_eq!((times("a", 1), times("a", 59_999)), (None, None));
        assert_eq!(times("b", 2), Some(1));
        assert_eq!(times("a", 60_000), Some(3));
        let written = (0..10_000).filter(|n| times(&n.to_string(), 60_001).is_some());
        assert!(written.count() <= MOST_SOURCES);
    }
}
