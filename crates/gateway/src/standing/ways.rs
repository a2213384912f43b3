//! Every way in use, and what is held against each.
//!
//! Promises: a success on a way without trouble costs one relaxed load; the lock is taken for failures,
//! and for the first success after them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use waybill_model::{
    id::{AccountEventId, AccountId},
    time::UnixMillis,
};

use super::way::{Meaning, Record, Trouble};
use crate::routing::{AccountEntry, FailingWay, Way, WayKey};

/// The ways that something is held against.
#[derive(Debug, Default)]
pub struct Ways(Mutex<HashMap<WayKey, Troubled>>);

#[derive(Debug)]
struct Troubled {
    way: Arc<Way>,
    record: Record,
    /// Accounts that have a mark from a failure on it.
    members: Vec<Arc<AccountEntry>>,
}

/// A way as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayView {
    /// The proxy, if there is one, without its password.
    pub proxy: Option<String>,
    /// Host and port of the provider.
    pub host: Arc<str>,
    /// Accounts that failed on it since its last success.
    pub accounts: Vec<AccountId>,
    /// Since when it is to blame; `None`: so far its accounts are.
    pub failing_since: Option<UnixMillis>,
    /// When it is tried first again.
    pub trial_at: Option<UnixMillis>,
    /// Models for which the provider, and not its accounts, has no capacity.
    pub full_models: Vec<Arc<str>>,
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
        model: Option<&Arc<str>>,
        began_at: UnixMillis,
        now: UnixMillis,
    ) -> Verdict {
        self.with(account, |troubled| {
            let meaning = troubled
                .record
                .failed(account.id, trouble, model, began_at, now);
            if let Some(failing) = troubled.record.failing()
                && failing.set_at == now
            {
                troubled.way.fails(FailingWay {
                    since: failing.since,
                    until: failing.until,
                });
            }
            match meaning {
                Meaning::Account => Verdict::Account,
                Meaning::Way => Verdict::Way,
                Meaning::WayFromNow(marks) => {
                    let members = std::mem::take(&mut troubled.members);
                    let of = |id| members.iter().find(|member| member.id == id).cloned();
                    let known = marks
                        .into_iter()
                        .filter_map(|(id, event)| Some((of(id)?, event)));
                    Verdict::WayFromNow(known.collect())
                }
            }
        })
    }

    /// A failure on the way made this mark.
    pub fn marked(&self, account: &Arc<AccountEntry>, event: AccountEventId) {
        self.with(account, |troubled| {
            troubled.record.marked(account.id, event);
            troubled.members.retain(|member| member.id != account.id);
            troubled.members.push(Arc::clone(account));
        });
    }

    /// A request for `model` was served on the way of `account`.
    pub fn served(&self, account: &AccountEntry, model: Option<&Arc<str>>, now: UnixMillis) {
        let way = &account.way;
        if !way.is_watched() {
            return;
        }
        let mut ways = self.lock();
        way.works();
        let troubled = ways.get_mut(way.key());
        if troubled.is_none_or(|troubled| troubled.record.served(model, now)) {
            ways.remove(way.key());
            way.watch(false);
        }
    }

    /// Nothing is held any more against the ways of `account`.
    pub fn forget(&self, account: &AccountEntry) {
        let mut ways = self.lock();
        for way in account.ways() {
            ways.remove(way.key());
            way.watch(false);
            way.works();
        }
    }

    /// The ways that something is held against.
    pub fn views(&self) -> Vec<WayView> {
        let mut views: Vec<WayView> = self
            .lock()
            .iter()
            .map(|(key, troubled)| WayView {
                proxy: key.proxy.as_ref().map(ToString::to_string),
                host: Arc::clone(&key.host),
                accounts: troubled.record.accounts().collect(),
                failing_since: troubled.record.failing().map(|failing| failing.since),
                trial_at: troubled.record.failing().map(|failing| failing.until),
                full_models: troubled.record.full_models().cloned().collect(),
            })
            .collect();
        views.sort_by(|a, b| (&a.host, &a.proxy).cmp(&(&b.host, &b.proxy)));
        views
    }

    fn with<T>(&self, account: &AccountEntry, change: impl FnOnce(&mut Troubled) -> T) -> T {
        let way = &account.way;
        let mut ways = self.lock();
        let troubled = ways.entry(way.key().clone()).or_insert_with(|| Troubled {
            way: Arc::clone(way),
            record: Record::default(),
            members: Vec::new(),
        });
        // Under the lock, so that a success cannot fall between the two.
        way.watch(true);
        change(troubled)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WayKey, Troubled>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
