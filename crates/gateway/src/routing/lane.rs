//! Lanes: which accounts of a group serve a model, tier by tier, prepared once.
//!
//! Promises: finding a lane takes no lock; names that clients make up do not make memory grow. Must not
//! know: which account is free.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicU32},
};

use arc_swap::ArcSwap;
use waybill_model::{entity::Status, id::AccountId, limits::Quota, time::UnixMillis};
use waybill_wire::translate::tongue::{Tongue, Tongues};

use super::{AccountEntry, Live, Way, live::Readiness, mapping, reach::Asked};

/// Lanes kept per group. A client can name any model where an account serves them all.
const MOST_LANES: usize = 256;

/// The accounts of one group that serve one model and could be used at all.
#[derive(Debug)]
pub(super) struct Lane {
    /// By priority, best first; within a tier by id.
    pub tiers: Box<[Tier]>,
    /// Some account has the model, though perhaps none that could be used.
    pub has_model: bool,
    /// What accounts that have the model are spoken to in, whether they could be used or not.
    pub tongues: Tongues,
}

/// Accounts of the same priority.
#[derive(Debug)]
pub(super) struct Tier {
    pub served: Box<[Served]>,
    /// The best latency among those that could be taken last time; see [`Live::latency`].
    pub fastest: AtomicU32,
}

/// An account of a lane, with what every choice asks of it at hand.
#[derive(Debug)]
pub(super) struct Served {
    pub live: Arc<Live>,
    pub way: Arc<Way>,
    pub limit: Option<u32>,
    /// What is tested of the model where the account has marks.
    pub asked: Asked,
    pub has_quota: bool,
    pub tongue: Tongue,
    /// The account's name for the model.
    pub upstream_model: Option<Arc<str>>,
    pub account: Arc<AccountEntry>,
}

/// The lanes of a group that were asked for, by the client's model after the group's mapping.
#[derive(Debug, Default)]
pub struct Lanes {
    by_model: ArcSwap<HashMap<Option<Arc<str>>, Arc<Lane>>>,
}

impl Lanes {
    /// The lane of a model.
    pub(super) fn get(
        &self,
        accounts: &[Arc<AccountEntry>],
        model: &Option<Arc<str>>,
    ) -> Arc<Lane> {
        if let Some(lane) = self.by_model.load().get(model) {
            return Arc::clone(lane);
        }
        let lane = Arc::new(Lane::new(accounts, model.as_ref()));
        // A model that nobody has is not worth remembering.
        if lane.has_model {
            self.keep(model, &lane);
        }
        lane
    }

    fn keep(&self, model: &Option<Arc<str>>, lane: &Arc<Lane>) {
        self.by_model.rcu(|lanes| {
            // Starting over when it is full, so that made-up names cannot keep out the real ones for
            // good.
            let mut lanes = if lanes.len() < MOST_LANES {
                HashMap::clone(lanes)
            } else {
                HashMap::new()
            };
            lanes.insert(model.clone(), Arc::clone(lane));
            lanes
        });
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.by_model.load().len()
    }
}

impl Lane {
    /// `accounts` are ordered by priority.
    pub(super) fn new(accounts: &[Arc<AccountEntry>], model: Option<&Arc<str>>) -> Lane {
        let having: Vec<_> = accounts
            .iter()
            .filter(|account| serves(account, model.map(|model| &**model)))
            .collect();
        let usable: Vec<_> = having
            .iter()
            .filter(|account| account.status == Status::Active && account.credential.is_some())
            .collect();
        Lane {
            has_model: !having.is_empty(),
            tongues: having.iter().map(|account| account.tongue).collect(),
            tiers: usable
                .chunk_by(|a, b| a.priority == b.priority)
                .map(|tier| Tier {
                    served: tier
                        .iter()
                        .map(|account| Served::new(account, model))
                        .collect(),
                    fastest: AtomicU32::new(u32::MAX),
                })
                .collect(),
        }
    }

    /// Accounts that could take a request if more of their slots were this replica's.
    pub(super) fn short(&self, now: UnixMillis) -> impl Iterator<Item = AccountId> {
        self.served()
            .filter(move |served| served.is_short(now))
            .map(|served| served.account.id)
    }

    /// Every account, best tier first.
    pub(super) fn served(&self) -> impl Iterator<Item = &Served> {
        self.tiers.iter().flat_map(|tier| &tier.served)
    }
}

impl Served {
    /// Whether it could take a request if more of its slots were this replica's.
    #[cold]
    pub(super) fn is_short(&self, now: UnixMillis) -> bool {
        let model = self.upstream_model.as_deref();
        match self.live.readiness(model, self.asked, now) {
            Readiness::Ready | Readiness::HalfOpen(_) => self.live.lacks_allotment(self.limit),
            Readiness::Trying | Readiness::Blocked => false,
        }
    }

    fn new(account: &Arc<AccountEntry>, model: Option<&Arc<str>>) -> Served {
        let upstream_model = upstream_model(account, model);
        Served {
            live: Arc::clone(&account.live),
            way: Arc::clone(&account.way),
            limit: account.concurrency,
            asked: Asked::new(upstream_model.as_deref()),
            has_quota: account.quota != Quota::default(),
            tongue: account.tongue,
            upstream_model,
            account: Arc::clone(account),
        }
    }
}

/// The account's name for a model.
pub(super) fn upstream_model(account: &AccountEntry, model: Option<&Arc<str>>) -> Option<Arc<str>> {
    let model = model?;
    Some(
        account
            .model_map
            .get(model)
            .unwrap_or_else(|| Arc::clone(model)),
    )
}

/// An account serves a model that its list names, or that its own mapping has a rule for.
pub(super) fn serves(account: &AccountEntry, model: Option<&str>) -> bool {
    model.is_none_or(|model| {
        mapping::serves(&account.models, model) || account.model_map.get(model).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_clients_make_up_do_not_fill_the_memory() {
        let lanes = Lanes::default();
        let model = |n: usize| Some(Arc::from(format!("made-up-{n}")));
        for n in 0..3 * MOST_LANES {
            lanes.get(&[], &model(n));
        }
        assert_eq!(lanes.count(), 0, "nobody has them");
        let lane = Arc::new(Lane {
            tiers: Box::default(),
            has_model: true,
            tongues: Tongues::ALL,
        });
        for n in 0..3 * MOST_LANES {
            lanes.keep(&model(n), &lane);
            assert!(lanes.count() <= MOST_LANES);
        }
    }
}
