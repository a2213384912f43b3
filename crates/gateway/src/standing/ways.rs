//! Every way in use, and what is held against each.
//!
//! Promises: a success on a gateway without trouble costs one relaxed load; the lock is taken for
//! failures, and for successes only while something is held against some way.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use waybill_model::{
    id::{AccountEventId, AccountId},
    time::UnixMillis,
};

use super::way::{Meaning, Record, Trouble};
use crate::routing::AccountEntry;

/// The ways that something is held against.
#[derive(Debug, Default)]
pub struct Ways {
    troubled: AtomicUsize,
    by_host: Mutex<HashMap<Arc<str>, Troubled>>,
}

#[derive(Debug, Default)]
struct Troubled {
    record: Record,
    members: Vec<Arc<AccountEntry>>,
}

/// A way as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayView {
    /// Host and port of the provider.
    pub host: Arc<str>,
    /// Accounts that failed on it since its last success.
    pub accounts: Vec<AccountId>,
    /// Since when it is to blame; `None`: so far its accounts are.
    pub failing_since: Option<UnixMillis>,
    /// When it is tried first again.
    pub trial_at: Option<UnixMillis>,
}

/// What a failure means, with the accounts whose marks are to be taken back.
pub enum Verdict {
    /// So far, this account alone.
    Account,
    /// The way, from now on; these marks are to be taken back.
    WayFromNow(Vec<(Arc<AccountEntry>, AccountEventId)>),
    /// The way, as before.
    Way,
}

impl Ways {
    /// An attempt on `account` failed.
    pub fn failed(
        &self,
        account: &Arc<AccountEntry>,
        trouble: Trouble,
        began_at: UnixMillis,
        now: UnixMillis,
    ) -> Verdict {
        self.with(account, |way| {
            match way.record.failed(account.id, trouble, began_at, now) {
                Meaning::Account => Verdict::Account,
                Meaning::Way => Verdict::Way,
                Meaning::WayFromNow(marks) => {
                    let members = std::mem::take(&mut way.members);
                    let of = |id| members.iter().find(|member| member.id == id).cloned();
                    let known = marks.into_iter().filter_map(|(id, event)| Some((of(id)?, event)));
                    Verdict::WayFromNow(known.collect())
                }
            }
        })
    }

    /// A failure on the way made this mark.
    pub fn marked(&self, account: &Arc<AccountEntry>, event: AccountEventId) {
        self.with(account, |way| {
            way.record.marked(account.id, event);
            way.members.retain(|member| member.id != account.id);
            way.members.push(Arc::clone(account));
        });
    }

    /// Something was served on the way of `account`.
    pub fn served(&self, account: &AccountEntry) {
        if self.troubled.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut ways = self.by_host.lock().unwrap_or_else(PoisonError::into_inner);
        ways.remove(&account.host);
        self.troubled.store(ways.len(), Ordering::Relaxed);
    }

    /// The ways that something is held against.
    pub fn views(&self) -> Vec<WayView> {
        let ways = self.by_host.lock().unwrap_or_else(PoisonError::into_inner);
        let mut views: Vec<WayView> = ways
            .iter()
            .map(|(host, way)| WayView {
                host: Arc::clone(host),
                accounts: way.record.accounts().collect(),
                failing_since: way.record.failing().map(|failing| failing.since),
                trial_at: way.record.failing().map(|failing| failing.until),
            })
            .collect();
        views.sort_by(|a, b| a.host.cmp(&b.host));
        views
    }

    fn with<T>(&self, account: &AccountEntry, change: impl FnOnce(&mut Troubled) -> T) -> T {
        let mut ways = self.by_host.lock().unwrap_or_else(PoisonError::into_inner);
        let done = change(ways.entry(Arc::clone(&account.host)).or_default());
        self.troubled.store(ways.len(), Ordering::Relaxed);
        done
    }
}
