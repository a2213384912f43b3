//! The plan of one request: which accounts may serve it, in which order, and why the others do not.

use std::sync::Arc;

use waybill_model::{
    cause::Cause,
    entity::Status,
    id::AccountId,
    protocol::Platform,
    waybill::{Candidate, Exclusion},
};

use super::{AccountEntry, GroupEntry, KeyEntry, Slot, mapping};

/// The route of one request. Hands out each account at most once, unless told to retry it.
#[derive(Debug)]
pub struct Plan {
    group: Arc<GroupEntry>,
    /// The client's model after the group's mapping.
    model: Option<Arc<str>>,
    tried: Vec<AccountId>,
}

/// An account chosen for one attempt, with its slot.
#[derive(Debug)]
pub struct Chosen {
    /// The account.
    pub account: Arc<AccountEntry>,
    /// The name the provider is sent; `None` when the request names no model.
    pub upstream_model: Option<Arc<str>>,
    /// Held until the attempt, and the answer's relay, are over.
    pub slot: Slot,
}

/// No account for this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoute {
    /// No group of the key speaks the platform.
    NoGroup,
    /// Groups speak it, but none has the model.
    ModelNotServed,
    /// Accounts have the model, but every one that could serve is full.
    NoSlot,
    /// Accounts have the model, but none may be used.
    NoneUsable,
}

impl NoRoute {
    /// The cause it is recorded under.
    pub fn cause(self) -> Cause {
        match self {
            NoRoute::NoGroup | NoRoute::ModelNotServed => Cause::GatewayModelNotServed,
            NoRoute::NoSlot => Cause::GatewayNoSlot,
            NoRoute::NoneUsable => Cause::GatewayNoAccount,
        }
    }
}

impl Plan {
    /// Picks the first group of the key that speaks `platform` and has the model.
    pub fn new(
        key: &KeyEntry,
        platform: Platform,
        model: Option<&Arc<str>>,
    ) -> Result<Plan, NoRoute> {
        let mut speaks = key
            .groups
            .iter()
            .filter(|group| group.platform == platform)
            .peekable();
        if speaks.peek().is_none() {
            return Err(NoRoute::NoGroup);
        }
        speaks
            .find_map(|group| {
                let model = model.map(|model| {
                    group
                        .model_map
                        .get(model)
                        .unwrap_or_else(|| Arc::clone(model))
                });
                let has_it = group.accounts.is_empty()
                    || group
                        .accounts
                        .iter()
                        .any(|account| serves(account, model.as_deref()));
                has_it.then(|| Plan {
                    group: Arc::clone(group),
                    model,
                    tried: Vec::new(),
                })
            })
            .ok_or(NoRoute::ModelNotServed)
    }

    /// The group that serves.
    pub fn group(&self) -> &Arc<GroupEntry> {
        &self.group
    }

    /// The best account not yet tried: lowest priority value, then fewest in flight, and takes a slot on it.
    pub fn choose(&mut self) -> Result<Chosen, NoRoute> {
        let mut full = false;
        loop {
            let best = self
                .group
                .accounts
                .iter()
                .filter(|account| self.exclusion(account).is_none())
                .min_by_key(|account| (account.priority, account.live.in_flight(), account.id));
            let Some(best) = best else {
                full |= self
                    .group
                    .accounts
                    .iter()
                    .any(|a| self.exclusion(a) == Some(Exclusion::NoSlot));
                return Err(if full {
                    NoRoute::NoSlot
                } else {
                    NoRoute::NoneUsable
                });
            };
            // Another worker may have taken the last slot since it was looked at.
            if let Some(slot) = best.live.take(best.concurrency) {
                let account = Arc::clone(best);
                self.tried.push(account.id);
                return Ok(Chosen {
                    upstream_model: self.upstream_model(&account),
                    account,
                    slot,
                });
            }
            full = true;
        }
    }

    /// A slot on the account just tried, to try it again.
    pub fn again(&self, account: &Arc<AccountEntry>) -> Option<Chosen> {
        let slot = account.live.take(account.concurrency)?;
        Some(Chosen {
            account: Arc::clone(account),
            upstream_model: self.upstream_model(account),
            slot,
        })
    }

    /// Whether [`Plan::choose`] would find an account now.
    pub fn has_next(&self) -> bool {
        self.group
            .accounts
            .iter()
            .any(|account| self.exclusion(account).is_none())
    }

    /// Every account of the group and why it was passed over. For the record of a failure.
    pub fn candidates(&self) -> Vec<Candidate> {
        let chosen = self.tried.last();
        let chosen_priority = self
            .group
            .accounts
            .iter()
            .find(|a| Some(&a.id) == chosen)
            .map(|account| account.priority);
        self.group
            .accounts
            .iter()
            .map(|account| {
                let excluded = if Some(&account.id) == chosen {
                    None
                } else {
                    Some(self.exclusion(account).unwrap_or(
                        if Some(account.priority) == chosen_priority {
                            Exclusion::MoreInFlight
                        } else {
                            Exclusion::LowerPriority
                        },
                    ))
                };
                Candidate::new(account.id, Arc::clone(&account.name), excluded)
            })
            .collect()
    }

    fn upstream_model(&self, account: &AccountEntry) -> Option<Arc<str>> {
        let model = self.model.as_ref()?;
        Some(
            account
                .model_map
                .get(model)
                .unwrap_or_else(|| Arc::clone(model)),
        )
    }

    fn exclusion(&self, account: &AccountEntry) -> Option<Exclusion> {
        if account.status == Status::Disabled {
            Some(Exclusion::Disabled)
        } else if account.credential.is_none() {
            Some(Exclusion::NoCredential)
        } else if !serves(account, self.model.as_deref()) {
            Some(Exclusion::ModelNotServed)
        } else if self.tried.contains(&account.id) {
            Some(Exclusion::AlreadyTried)
        } else if account
            .concurrency
            .is_some_and(|limit| account.live.in_flight() >= limit)
        {
            Some(Exclusion::NoSlot)
        } else {
            None
        }
    }
}

/// An account serves a model that its list names, or that its own mapping has a rule for.
fn serves(account: &AccountEntry, model: Option<&str>) -> bool {
    model.is_none_or(|model| {
        mapping::serves(&account.models, model) || account.model_map.get(model).is_some()
    })
}
