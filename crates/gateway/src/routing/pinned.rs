//! A plan with one account: for whoever wants to know what that account does.
//!
//! Promises: a slot, quota and deadlines hold as for any request; nobody who waits for the same model is held up
//! behind it, nor holds it up. Must not know: who wants to know.

use std::sync::Arc;

use waybill_model::{entity::Status, id::AccountId, state::Standing, time::UnixMillis};

use super::{
    KeyEntry, Plan, Wanted,
    lane::{Lane, Served},
    live::Readiness,
    plan::Sought,
};

/// Why an account cannot be asked alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unpinnable {
    /// No group of the key that serves such requests has the account.
    NotInGroup,
    /// It may not be used now; says why.
    NotUsable(String),
}

impl Plan {
    /// A plan of one account, from the first group of the key that serves such requests and has it.
    pub fn pinned(
        key: &KeyEntry,
        wanted: Wanted<'_>,
        account: AccountId,
        now: UnixMillis,
    ) -> Result<Plan, Unpinnable> {
        let sought = Sought {
            protocol: wanted.protocol,
            only: wanted.only,
        };
        let found = key
            .groups
            .iter()
            .filter(|group| group.is_sought(sought))
            .find_map(|group| {
                let accounts = &group.accounts;
                let entry = accounts.iter().find(|entry| entry.id == account)?;
                Some((group, entry))
            });
        let Some((group, entry)) = found else {
            return Err(Unpinnable::NotInGroup);
        };
        let name = &entry.name;
        let not_usable = |why: String| Err(Unpinnable::NotUsable(format!("`{name}` {why}")));
        let model = group.model_of(wanted);
        let lane = Lane::new(std::slice::from_ref(entry), model.as_ref());
        if entry.status == Status::Disabled {
            return not_usable("is switched off".to_owned());
        }
        if !lane.has_model {
            let model = model.as_deref().unwrap_or_default();
            return not_usable(format!("does not have the model `{model}`"));
        }
        let Some(served) = lane.served().next() else {
            return not_usable(
                "has a credential, proxy or headers that cannot be opened".to_owned(),
            );
        };
        if !wanted.open.contains(served.tongue) {
            return not_usable("has no way to be asked this".to_owned());
        }
        if let Some(why) = stopped(served, now) {
            return not_usable(why);
        }
        let mut plan = Plan::over(group, model, Arc::new(lane), wanted);
        plan.pinned = Some(account);
        Ok(plan)
    }
}

/// What keeps an account from serving, as a sentence's end. One whose deadline has passed may be asked.
fn stopped(served: &Served, now: UnixMillis) -> Option<String> {
    let model = served.upstream_model.as_deref();
    match served.live.readiness(model, served.asked, now) {
        Readiness::Ready | Readiness::HalfOpen(_) | Readiness::Trying => return None,
        Readiness::Blocked => {}
    }
    Some(match served.live.state().standing(model, now) {
        Standing::Blocked(mark) => {
            let until = match mark.until {
                Some(until) => format!("until {until}"),
                None => "until somebody resets it".to_owned(),
            };
            format!("is {} {until}: {}", mark.kind.as_str(), mark.reason)
        }
        Standing::HalfOpen(_) => "is being found out about by another replica".to_owned(),
        Standing::Ready => "could not be used just now".to_owned(),
    })
}
