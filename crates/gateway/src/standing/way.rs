//! Ways: what accounts share on the way to a provider (the proxy and the host), and when it is to blame
//! in their place.
//!
//! Each way remembers what failed on it since its last success. When several accounts fail on it without
//! a success between, the way or the provider is at fault: the marks those failures made are taken back,
//! and no new ones are made until something succeeds.
//!
//! Promises: [`Record`] is pure. Must not know: how accounts are chosen. A failing way is not excluded;
//! routing tries it last, and once each time its own short deadline passes.

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

/// What is remembered of one way since its last success; a success ends it.
#[derive(Debug, Default)]
pub struct Record {
    broken: Vec<AccountId>,
    full: Vec<AccountId>,
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
    /// Notes a failed attempt that began at `began_at`.
    pub fn failed(
        &mut self,
        account: AccountId,
        trouble: Trouble,
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
        let accounts = match trouble {
            Trouble::Network | Trouble::Broken => &mut self.broken,
            Trouble::Full => &mut self.full,
        };
        if !accounts.contains(&account) {
            accounts.push(account);
        }
        self.network_faults += u32::from(trouble == Trouble::Network);
        let is_at_fault = self.broken.len() >= BROKEN_ACCOUNTS
            || self.full.len() >= FULL_ACCOUNTS
            || self.network_faults >= NETWORK_FAULTS;
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

    /// Accounts that failed on it since its last success.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        let full_only = self.full.iter().filter(|id| !self.broken.contains(id));
        self.broken.iter().chain(full_only).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1000);

    fn fail(record: &mut Record, account: i64, trouble: Trouble) -> Meaning {
        record.failed(AccountId(account), trouble, NOW, NOW)
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
