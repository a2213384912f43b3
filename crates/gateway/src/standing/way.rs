//! Ways: what accounts share on the way to a provider (the proxy and the host), and when it is to blame
//! in their place.
//!
//! Each way remembers what failed on it since its last success. When several accounts fail on it without
//! a success between, the way or the provider is at fault: the marks those failures made are taken back,
//! and no new ones are made until something succeeds.
//!
//! Promises: [`Record`] is pure. Must not know: how accounts are chosen. A failing way is not excluded;
//! routing tries it last, and once each time its own short deadline passes.

use std::sync::Arc;

use waybill_model::{
    id::{AccountEventId, AccountId},
    time::UnixMillis,
};

use super::backoff::Ladder;

/// Accounts whose connections or answers broke, without a success between, that mean the way.
const BROKEN_ACCOUNTS: usize = 2;

/// Accounts without capacity, without a success between, that mean the provider.
const FULL_ACCOUNTS: usize = 3;

/// Network faults in a row that mean the way, however few accounts use it.
const NETWORK_FAULTS: u32 = 3;

/// A model that was full so long ago, and was not asked for since, is forgotten.
const FORGET_MS: i64 = 60_000;

/// Marks of one way that may have to be taken back; there are no more than a pool has accounts.
const MOST_MARKS: usize = 4096;

/// How an account failed on a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The network.
    Network,
    /// The provider answered, and its answer was broken or a fault of its own.
    Broken,
    /// The provider had no capacity.
    Full,
}

/// What a failure on a way means.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    /// So far, this account alone.
    Account,
    /// The way, from now on. These marks are to be taken back.
    WayFromNow(Vec<(AccountId, AccountEventId)>),
    /// The way, as before.
    Way,
}

/// What is remembered of one way since its last success; a success ends it, but for what was full and is
/// another model.
#[derive(Debug, Default)]
pub struct Record {
    broken: Vec<AccountId>,
    /// Accounts without capacity, by model: one that is full says nothing of another.
    full: Vec<(Option<Arc<str>>, AccountId)>,
    /// Models without capacity anywhere.
    full_models: Vec<Option<Arc<str>>>,
    /// When a model was last found full.
    full_at: UnixMillis,
    network_faults: u32,
    marks: Vec<(AccountId, AccountEventId)>,
    failing: Option<Failing>,
}

/// A way that is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// Since when.
    pub since: UnixMillis,
    /// When it is tried first again.
    pub until: UnixMillis,
    /// How often in a row it failed when it was tried.
    pub strikes: u32,
    /// When its deadline was set.
    pub set_at: UnixMillis,
}

impl Record {
    /// Notes a failed attempt for `model` that began at `began_at`.
    pub fn failed(
        &mut self,
        account: AccountId,
        trouble: Trouble,
        model: Option<&Arc<str>>,
        began_at: UnixMillis,
        now: UnixMillis,
    ) -> Meaning {
        if let Some(failing) = &mut self.failing {
            // Its trial failed; what was in flight before says nothing new.
            if failing.until <= now && began_at > failing.set_at {
                failing.strikes = failing.strikes.saturating_add(1);
                failing.until = now.plus_ms(Ladder::Concurrency.wait_ms(failing.strikes));
                failing.set_at = now;
            }
            return Meaning::Way;
        }
        match trouble {
            Trouble::Full => self.full(account, model, now),
            Trouble::Network | Trouble::Broken => self.broke(account, trouble, now),
        }
    }

    /// A provider that is full for a model can be reached, and may serve others: the way is not failing.
    fn full(&mut self, account: AccountId, model: Option<&Arc<str>>, now: UnixMillis) -> Meaning {
        let model = model.cloned();
        self.full_at = now;
        if self.full_models.contains(&model) {
            return Meaning::Way;
        }
        let entry = (model, account);
        if !self.full.contains(&entry) && self.full.len() < MOST_MARKS {
            self.full.push(entry.clone());
        }
        let (model, _) = entry;
        if self.full.iter().filter(|(of, _)| *of == model).count() < FULL_ACCOUNTS {
            return Meaning::Account;
        }
        self.full_models.push(model);
        Meaning::WayFromNow(std::mem::take(&mut self.marks))
    }

    fn broke(&mut self, account: AccountId, trouble: Trouble, now: UnixMillis) -> Meaning {
        if !self.broken.contains(&account) {
            self.broken.push(account);
        }
        self.network_faults += u32::from(trouble == Trouble::Network);
        let is_at_fault =
            self.broken.len() >= BROKEN_ACCOUNTS || self.network_faults >= NETWORK_FAULTS;
        if !is_at_fault {
            return Meaning::Account;
        }
        self.failing = Some(Failing {
            since: now,
            until: now.plus_ms(Ladder::Concurrency.wait_ms(1)),
            strikes: 1,
            set_at: now,
        });
        Meaning::WayFromNow(std::mem::take(&mut self.marks))
    }

    /// A request for `model` was served. Whether nothing is left to be remembered.
    pub fn served(&mut self, model: Option<&Arc<str>>, now: UnixMillis) -> bool {
        self.broken.clear();
        self.network_faults = 0;
        self.failing = None;
        self.full.retain(|(of, _)| of.as_ref() != model);
        self.full_models.retain(|of| of.as_ref() != model);
        if now.0.saturating_sub(self.full_at.0) > FORGET_MS {
            // Nobody asks for those models any more.
            self.full.clear();
            self.full_models.clear();
        }
        self.full.is_empty()
    }

    /// Remembers a mark that such a failure made. To take back what was replaced since does nothing.
    pub fn marked(&mut self, account: AccountId, event: AccountEventId) {
        if self.marks.len() < MOST_MARKS {
            self.marks.push((account, event));
        }
    }

    /// Whether it is to blame.
    pub fn failing(&self) -> Option<Failing> {
        self.failing
    }

    /// Models for which several accounts found no capacity; requests that name no model aside.
    pub fn full_models(&self) -> impl Iterator<Item = &Arc<str>> {
        self.full_models.iter().flatten()
    }

    /// Accounts that failed on it since its last success.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        let mut all = self.broken.clone();
        all.extend(self.full.iter().map(|(_, account)| *account));
        all.sort_unstable();
        all.dedup();
        all.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1000);

    fn fail(record: &mut Record, account: i64, trouble: Trouble) -> Meaning {
        record.failed(AccountId(account), trouble, None, NOW, NOW)
    }

    #[test]
    fn two_accounts_with_broken_connections_mean_the_way_and_a_success_between_them_does_not() {
        let mut record = Record::default();
        assert_eq!(fail(&mut record, 1, Trouble::Broken), Meaning::Account);
        record = Record::default();
        assert_eq!(fail(&mut record, 2, Trouble::Network), Meaning::Account);
        assert_eq!(
            fail(&mut record, 3, Trouble::Broken),
            Meaning::WayFromNow(Vec::new())
        );
        assert_eq!(fail(&mut record, 4, Trouble::Broken), Meaning::Way);
    }

    #[test]
    fn the_third_account_without_capacity_means_the_provider_and_the_marks_go_back() {
        let mut record = Record::default();
        for account in [1, 2] {
            assert_eq!(fail(&mut record, account, Trouble::Full), Meaning::Account);
            record.marked(AccountId(account), AccountEventId(account * 10));
        }
        // The same account again proves nothing.
        assert_eq!(fail(&mut record, 2, Trouble::Full), Meaning::Account);
        record.marked(AccountId(2), AccountEventId(21));
        let marks = vec![
            (AccountId(1), AccountEventId(10)),
            (AccountId(2), AccountEventId(20)),
            (AccountId(2), AccountEventId(21)),
        ];
        assert_eq!(
            fail(&mut record, 3, Trouble::Full),
            Meaning::WayFromNow(marks)
        );
    }

    #[test]
    fn a_model_that_is_full_stays_so_while_another_is_served() {
        let mut record = Record::default();
        let (opus, sonnet) = (Arc::from("opus"), Arc::from("sonnet"));
        let full = |record: &mut Record, account| {
            record.failed(AccountId(account), Trouble::Full, Some(&opus), NOW, NOW)
        };
        assert_eq!(full(&mut record, 1), Meaning::Account);
        assert_eq!(full(&mut record, 2), Meaning::Account);
        assert!(!record.served(Some(&sonnet), NOW));
        assert_eq!(full(&mut record, 3), Meaning::WayFromNow(Vec::new()));
        assert!(!record.served(Some(&sonnet), NOW));
        assert_eq!(full(&mut record, 4), Meaning::Way);
        assert!(record.failing().is_none(), "the way itself works");
        assert!(record.served(Some(&opus), NOW));
        assert_eq!(full(&mut record, 1), Meaning::Account);
    }

    #[test]
    fn a_lone_account_whose_network_keeps_failing_means_the_way() {
        let mut record = Record::default();
        assert_eq!(fail(&mut record, 1, Trouble::Network), Meaning::Account);
        assert_eq!(fail(&mut record, 1, Trouble::Network), Meaning::Account);
        assert_ne!(fail(&mut record, 1, Trouble::Network), Meaning::Account);
    }

    #[test]
    fn each_failed_trial_of_a_way_makes_its_wait_longer_and_nothing_else_does() {
        let mut record = Record::default();
        fail(&mut record, 1, Trouble::Broken);
        fail(&mut record, 2, Trouble::Broken);
        let first = record.failing().map(|failing| failing.until);
        let failed_at = |record: &mut Record, began: i64, now: i64| {
            record.failed(
                AccountId(1),
                Trouble::Broken,
                None,
                UnixMillis(began),
                UnixMillis(now),
            );
            record.failing().map(|failing| failing.until.0)
        };
        assert_eq!(first, Some(UnixMillis(2000)));
        assert_eq!(failed_at(&mut record, 1500, 1600), Some(2000));
        assert_eq!(failed_at(&mut record, 900, 2500), Some(2000));
        assert_eq!(failed_at(&mut record, 2100, 2500), Some(4500));
    }
}
