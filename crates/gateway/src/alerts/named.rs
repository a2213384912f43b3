//! What a rule is kept to, by name, and with everything that a silence can name it by.
//!
//! Promises: pure once it is read; what was deleted is named by its number. Must not know: rules, readings.

use std::fmt::Display;

use waybill_model::{
    alert::{Filter, Subject},
    entity::{Account, ApiKey, Group},
    id::{AccountId, ApiKeyId, GroupId},
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

    /// What a filter keeps a rule to, in words; `None`: nothing.
    pub(super) fn about(&self, filter: &Filter) -> Option<String> {
        let Filter {
            platform,
            group_id,
            account_id,
            api_key_id,
            model,
            // Objectives are named themselves.
            objective_id: _,
        } = filter;
        let key = |id: ApiKeyId| self.keys.iter().find(|key| key.id == id);
        let parts = [
            model.as_ref().map(|model| format!("model {model}")),
            api_key_id.map(|id| named("key", key(id).map(|key| &key.name), id)),
            account_id.map(|id| named("account", self.account(id).map(|one| &one.name), id)),
            group_id.map(|id| named("group", self.group(id).map(|one| &one.name), id)),
            platform.map(|platform| format!("platform {platform}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" of "))
    }

    fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }
}

fn named(what: &str, name: Option<&String>, id: impl Display) -> String {
    match name {
        Some(name) => format!("{what} {name}"),
        None => format!("{what} {id}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_said_in_words_and_what_is_gone_by_its_number() {
        let named = Named::default();
        let about = |filter: Filter| named.about(&filter);
        assert_eq!(about(Filter::default()), None);
        let of_model = Filter {
            model: Some("haiku".to_owned()),
            group_id: Some(GroupId(7)),
            ..Filter::default()
        };
        assert_eq!(about(of_model).as_deref(), Some("model haiku of group 7"));
        let of_key = Filter {
            api_key_id: Some(ApiKeyId(3)),
            ..Filter::default()
        };
        assert_eq!(about(of_key).as_deref(), Some("key 3"));
    }
}
