//! Requests that wait for an account, as the line lets them.
//!
//! Promises: who came first is served first, in each lane. Must not know: what an attempt comes to.

use std::{cmp::Reverse, sync::Arc};

use waybill_model::{id::GroupId, time::UnixMillis};

use super::{Run, What};
use crate::routing::Plan;

impl Run<'_> {
    /// Waits as long as there is hope, as the line lets it. Whether it is over.
    pub(super) fn waits(&mut self, number: usize, now: UnixMillis) -> bool {
        let give_up_at = self.gives_up_at(number, now);
        let Some(under_way) = self.under_way.get_mut(&number) else {
            return true;
        };
        let until = *under_way.gives_up_at.get_or_insert(give_up_at);
        let hope = under_way.plan.hope(now).filter(|hope| hope.0 < until);
        let is_listed = self.waiting.contains(&number);
        let has_place = is_listed || self.waiting.len() < self.rules.queue.max_waiting;
        match hope.filter(|_| has_place && now.0 < until) {
            Some(hope) => {
                self.wakes(number, if hope > now { hope.0 } else { until });
                if !is_listed {
                    self.waiting.push(number);
                }
                false
            }
            None => {
                self.waiting.retain(|waiting| *waiting != number);
                self.end(number, false, None);
                true
            }
        }
    }

    /// It looks again at that moment, unless it does so before.
    fn wakes(&mut self, number: usize, at: i64) {
        let Some(under_way) = self.under_way.get_mut(&number) else {
            return;
        };
        if under_way.alarm.is_none_or(|alarm| at < alarm) {
            under_way.alarm = Some(at);
            self.queue.push(Reverse((at, What::LooksAgain, number)));
        }
    }

    pub(super) fn gives_up_at(&self, number: usize, now: UnixMillis) -> i64 {
        let patience = i64::try_from(self.rules.queue.timeout.as_millis()).unwrap_or(i64::MAX);
        let spent_at = self.past.spells[number].at.plus_ms(self.rules.attempts_ms);
        now.plus_ms(patience).min(spent_at).0
    }

    pub(super) fn looks_again(&mut self, number: usize, now: UnixMillis) {
        if !self.waiting.contains(&number) {
            return;
        }
        if let Some(under_way) = self.under_way.get_mut(&number) {
            under_way.alarm = None;
        }
        if self.looks(number, now) {
            self.waiting.retain(|waiting| *waiting != number);
            // What it waited for may be there for others, too.
            self.is_stirred = true;
        }
    }

    /// Who waits, in the order in which they came; where one finds nothing, nobody behind it in its lane does.
    pub(super) fn serve_waiting(&mut self, now: UnixMillis) {
        let mut refused: Vec<Lane> = Vec::new();
        for number in std::mem::take(&mut self.waiting) {
            let Some(under_way) = self.under_way.get_mut(&number) else {
                continue;
            };
            let lane = lane_of(&under_way.plan);
            if refused.contains(&lane) {
                self.waiting.push(number);
                continue;
            }
            match under_way.plan.choose(now) {
                Ok(chosen) => {
                    under_way.gives_up_at = None;
                    self.begins(number, chosen, now);
                }
                Err(_) => {
                    // What it waits for may have changed.
                    let hope = under_way.plan.hope(now).filter(|hope| *hope > now);
                    let until = under_way.gives_up_at;
                    if under_way.tried.is_empty() {
                        refused.push(lane);
                    }
                    self.waiting.push(number);
                    if let Some(at) = hope.map(|hope| hope.0).or(until) {
                        self.wakes(number, at.min(until.unwrap_or(at)));
                    }
                }
            }
        }
    }
}

/// Who waits for the same: a group, and a model where that matters.
pub(super) type Lane = (GroupId, Option<Arc<str>>);

pub(super) fn lane_of(plan: &Plan) -> Lane {
    let (group, model, _) = plan.lane();
    (group, model.cloned())
}
