//! What a rule is kept to, by name, and with everything that a silence can name it by.
//!
//! Promises: pure once it is read; what was deleted is named by its number. Must not know: rules, readings.

use waybill_model::{
    alert::{Filter, Subject},
    entity::{Account, ApiKey, Group},
    id::{AccountId, GroupId},
};
use waybill_store::{Store, StoreError};

/// Groups, accounts and keys as they are.
#[derive(Debug, Default)]
pub(super) struct Named {
    groups: Vec<Group>,
    accounts: Vec<Account>,
    keys: Vec<ApiKey>,
}

impl Named {
    /// Reads them.
    pub(super) async fn read(store: &Store) -> Result<Self, StoreError> {
        Ok(Named {
            groups: store.groups().await?,
            accounts: store.accounts().await?,
            keys: store.api_keys().await?,
        })
    }

    /// All that a filter is of: of a group its platform too, of an account its platform and its groups.
    pub(super) fn subject(&self, filter: &Filter) -> Subject {
        if let Some(id) = filter.account_id {
            return match self.account(id) {
                Some(account) => of_account(account),
                None => Subject {
                    account_id: Some(id),
                    ..Subject::default()
                },
            };
        }
        let group = filter.group_id.and_then(|id| self.group(id));
        Subject {
            platform: filter.platform.or(group.map(|group| group.platform)),
            group_ids: filter.group_id.into_iter().collect(),
            account_id: None,
        }
    }

    fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }
}

/// All that an account is of.
pub(super) fn of_account(account: &Account) -> Subject {
    Subject {
        platform: Some(account.platform),
        group_ids: account.group_ids.clone(),
        account_id: Some(account.id),
    }
}
