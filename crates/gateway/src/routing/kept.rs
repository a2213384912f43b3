//! Choosing as it was chosen before: for simulations, which want to know what a rule changes, and not what
//! chance does.
//!
//! Whose turn it is, and who is less loaded by one request, depends on everything that happened before. A
//! simulation cannot know all of it, and need not: where priority, deadlines, quota and slots leave the choice
//! open, it chooses what is on record.
//!
//! Promises: what the rules say goes before what was chosen. Must not know: where the record is.

use std::sync::Arc;

use waybill_model::{id::AccountId, time::UnixMillis};

use super::{
    GroupEntry, Plan, Wanted,
    choice::{Pass, Pick},
    lane::Tier,
};

/// Accounts that were chosen, in that order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// The accounts.
    pub accounts: Vec<AccountId>,
    /// The request belongs to them by its conversation: not even a trial of another account goes before.
    pub is_tied: bool,
}

impl Plan {
    /// A plan of a group that keeps to what was chosen. `None` where the group cannot serve such a request.
    pub fn kept_in(group: &Arc<GroupEntry>, wanted: Wanted<'_>, kept: Kept) -> Option<Plan> {
        let mut plan = Plan::in_one(group, wanted)?;
        plan.kept = Some(Box::new(kept));
        Some(plan)
    }

    /// The first account of a tier that was chosen and may be taken, unless a trial is due; else the one that
    /// the rule finds.
    pub(super) fn kept_of<'a>(
        &self,
        tier: &'a Tier,
        kept: &Kept,
        pass: Pass,
        now: UnixMillis,
    ) -> Option<Pick<'a>> {
        let own = kept.accounts.iter().find_map(|id| {
            let served = tier.served.iter().find(|served| served.account.id == *id)?;
            let trial = self.may_take(served, pass, now)?;
            Some(Pick::any_turn(served, trial))
        });
        match own {
            Some(pick) if kept.is_tied || pick.trial.is_some() => Some(pick),
            Some(pick) => {
                let by_rule = self.least_of(tier, pass, now);
                by_rule.filter(|found| found.trial.is_some()).or(Some(pick))
            }
            None => self.least_of(tier, pass, now),
        }
    }
}
