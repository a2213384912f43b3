//! Whom requests were for or served by, and which of them are meant.

use super::Facet;
use crate::protocol::Platform;

/// What requests, or attempts, are narrowed to; or what one of them has. Empty narrows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Platform.
    pub platform: Option<Platform>,
    /// Group.
    pub group_id: Option<i64>,
    /// Account.
    pub account_id: Option<i64>,
    /// Model; [`OTHER_MODELS`](super::OTHER_MODELS) for those without a name of their own.
    pub model: Option<String>,
    /// Key.
    pub api_key_id: Option<i64>,
    /// User.
    pub user_id: Option<i64>,
}

impl Scope {
    /// The facet and value that it is counted under; `None` for one that no facet has.
    pub fn facet(&self) -> Option<(Facet, String)> {
        let model = |id: i64, model: &str| format!("{id}/{model}");
        match self {
            Scope {
                platform: None,
                group_id: None,
                account_id: None,
                model: None,
                api_key_id: None,
                user_id: None,
            } => Some((Facet::All, String::new())),
            Scope {
                platform: Some(one),
                group_id: None,
                account_id: None,
                model: None,
                api_key_id: None,
                user_id: None,
            } => Some((Facet::Platform, one.as_str().to_owned())),
            Scope {
                platform: None,
                group_id: Some(one),
                account_id: None,
                model: None,
                api_key_id: None,
                user_id: None,
            } => Some((Facet::Group, one.to_string())),
            Scope {
                platform: None,
                group_id: None,
                account_id: Some(one),
                model: None,
                api_key_id: None,
                user_id: None,
            } => Some((Facet::Account, one.to_string())),
            Scope {
                platform: None,
                group_id: None,
                account_id: None,
                model: Some(one),
                api_key_id: None,
                user_id: None,
            } => Some((Facet::Model, one.clone())),
            Scope {
                platform: None,
                group_id: None,
                account_id: None,
                model: None,
                api_key_id: Some(one),
                user_id: None,
            } => Some((Facet::Key, one.to_string())),
            Scope {
                platform: None,
                group_id: None,
                account_id: None,
                model: None,
                api_key_id: None,
                user_id: Some(one),
            } => Some((Facet::User, one.to_string())),
            Scope {
                platform: None,
                group_id: Some(one),
                account_id: None,
                model: Some(other),
                api_key_id: None,
                user_id: None,
            } => Some((Facet::GroupModel, model(*one, other))),
            Scope {
                platform: None,
                group_id: None,
                account_id: Some(one),
                model: Some(other),
                api_key_id: None,
                user_id: None,
            } => Some((Facet::AccountModel, model(*one, other))),
            _ => None,
        }
    }

    /// The scope that a facet's value is of; `None` for a value that the facet cannot have.
    pub fn of(facet: Facet, value: &str) -> Option<Scope> {
        let mut scope = Scope::default();
        let pair = || {
            let (id, model) = value.split_once('/')?;
            Some((id.parse::<i64>().ok()?, model.to_owned()))
        };
        match facet {
            Facet::All => return value.is_empty().then_some(scope),
            Facet::Platform => scope.platform = Some(value.parse().ok()?),
            Facet::Group => scope.group_id = Some(value.parse().ok()?),
            Facet::Account => scope.account_id = Some(value.parse().ok()?),
            Facet::Model => scope.model = Some(value.to_owned()),
            Facet::Key => scope.api_key_id = Some(value.parse().ok()?),
            Facet::User => scope.user_id = Some(value.parse().ok()?),
            Facet::GroupModel => {
                let (id, model) = pair()?;
                (scope.group_id, scope.model) = (Some(id), Some(model));
            }
            Facet::AccountModel => {
                let (id, model) = pair()?;
                (scope.account_id, scope.model) = (Some(id), Some(model));
            }
        }
        Some(scope)
    }

    /// Whether what has `other` is of this scope.
    pub fn holds(&self, other: &Scope) -> bool {
        fn same<T: PartialEq>(own: &Option<T>, other: &Option<T>) -> bool {
            own.is_none() || own == other
        }
        same(&self.platform, &other.platform)
            && same(&self.group_id, &other.group_id)
            && same(&self.account_id, &other.account_id)
            && same(&self.model, &other.model)
            && same(&self.api_key_id, &other.api_key_id)
            && same(&self.user_id, &other.user_id)
    }
}
