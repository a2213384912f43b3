//! The accounts and groups that a simulation runs over: made as the running ones are, of the same settings.
//!
//! Promises: shares nothing with the running gateway; has no credential. Must not know: what is asked of it.

use std::{collections::HashMap, sync::Arc};

use waybill_model::{
    entity::{Account, ApiKey, Group, Status, User},
    id::{AccountId, ApiKeyId, GroupId, UserId},
    limits::Limits,
    secret::Secret,
    time::UnixMillis,
};

use super::Policy;
use crate::{
    credential::{AtRest, Definition},
    egress::{CustomHeaders, Opened, Proxy},
    routing::{GroupEntry, Line, LineSettings, Snapshot},
};

/// What bounds the way of a request.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Attempts per request.
    pub max_attempts: u32,
    /// Time for attempts, in milliseconds.
    pub attempts_ms: i64,
    /// How requests wait for an account.
    pub queue: LineSettings,
}

/// What is configured now.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Accounts.
    pub accounts: Vec<Account>,
    /// Groups.
    pub groups: Vec<Group>,
    /// What accounts are reached through; those that are not here cannot be used at all.
    pub proxies: HashMap<AccountId, Option<Proxy>>,
    /// Bounds.
    pub rules: Rules,
}

/// Accounts with states of their own.
pub(super) struct World {
    pub snapshot: Snapshot,
    pub groups: HashMap<GroupId, Arc<GroupEntry>>,
}

impl Setting {
    /// What an account is called.
    pub fn name(&self, id: AccountId) -> Option<String> {
        let mut accounts = self.accounts.iter();
        accounts
            .find(|account| account.id == id)
            .map(|account| account.name.clone())
    }

    /// Accounts that have others as peers under a policy that they do not have now: whose turn it was says
    /// nothing about whose it would be.
    pub(super) fn mixed(&self, policy: &Policy) -> Vec<AccountId> {
        let now = |account: &Account| account.priority;
        let then = |account: &Account| priority(account, policy);
        self.accounts
            .iter()
            .filter(|account| {
                self.accounts.iter().any(|other| {
                    then(other) == then(account)
                        && now(other) != now(account)
                        && other
                            .group_ids
                            .iter()
                            .any(|id| account.group_ids.contains(id))
                })
            })
            .map(|account| account.id)
            .collect()
    }

    /// Makes the accounts, under a policy.
    pub(super) fn world(&self, policy: &Policy) -> World {
        let accounts: Vec<Account> = self
            .accounts
            .iter()
            .map(|account| Account {
                priority: priority(account, policy),
                // Whether it was switched on is told by its events.
                status: match policy.disable.contains(&account.id) {
                    true => Status::Disabled,
                    false => Status::Active,
                },
                ..account.clone()
            })
            .collect();
        let groups: Vec<Group> = self
            .groups
            .iter()
            .map(|group| Group {
                status: Status::Active,
                ..group.clone()
            })
            .collect();
        let open = |account: &Account| {
            let proxy = self.proxies.get(&account.id)?;
            Some(Opened {
                credential: AtRest::new(Definition::ApiKey(Secret::new("none"))),
                proxy: proxy.clone(),
                headers: CustomHeaders::default(),
            })
        };
        let line = Line::new(self.rules.queue);
        let (user, key) = nobody(&groups);
        let snapshot = Snapshot::build(
            &groups,
            &accounts,
            &[user],
            &[key],
            open,
            &line,
            &Snapshot::default(),
        );
        let groups = snapshot
            .keys()
            .flat_map(|key| &key.groups)
            .map(|group| (group.id, Arc::clone(group)))
            .collect();
        World { snapshot, groups }
    }
}

fn priority(account: &Account, policy: &Policy) -> i32 {
    let mut others = policy.priority.iter();
    others
        .find(|other| other.account_id == account.id)
        .map_or(account.priority, |other| other.priority)
}

/// A key that has every group.
fn nobody(groups: &[Group]) -> (User, ApiKey) {
    let at = UnixMillis(0);
    let user = User {
        id: UserId(0),
        name: String::new(),
        limits: Limits::default(),
        credit_usd: None,
        status: Status::Active,
        created_at: at,
        updated_at: at,
    };
    let key = ApiKey {
        id: ApiKeyId(0),
        name: String::new(),
        hash: [0; 32],
        prefix: String::new(),
        user_id: user.id,
        group_ids: groups.iter().map(|group| group.id).collect(),
        limits: Limits::default(),
        status: Status::Active,
        expires_at: None,
        created_at: at,
        updated_at: at,
    };
    (user, key)
}
