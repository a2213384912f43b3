//! The judge of slots as a pure function: what `slots.lua` does, in other words.
//!
//! The protocol's properties are shown with this one; that the script does the same is shown on a real
//! Redis.

use std::collections::BTreeMap;

use waybill_gateway::cluster::share::{Claim, Timing, Verdict};

/// What the judge has on record of one replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub held: u32,
    pub demand: u32,
    pub number: u16,
    pub got: i64,
    pub expires: i64,
    pub seq: u64,
}

/// What the judge has on record of one account, and since when it remembers.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    pub records: BTreeMap<String, Record>,
    pub began: i64,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    pub id: String,
    pub number: u16,
    pub seq: u64,
    /// The beginning of the memory that it met first.
    pub first: Option<i64>,
}

/// What it asks: to hold so many, or to leave.
#[derive(Debug, Clone, Copy)]
pub enum Said {
    Claim(Claim),
    #[allow(dead_code, reason = "the whole of what the judge is told")]
    Leaves,
}

/// What comes of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    Verdict(Verdict),
    /// A later call was first.
    Overtaken(u64),
}

/// Everyone's parts that are told to all.
pub type News = Vec<(String, u32)>;

struct One {
    id: String,
    held: u32,
    demand: u32,
    got: i64,
    rank: u64,
    target: u32,
}

impl Ledger {
    /// Judges one call. `account` decides nothing but whose turn comes first.
    pub fn judge(
        &mut self,
        caller: &Caller,
        account: u64,
        limit: u32,
        said: Said,
        now: i64,
        timing: &Timing,
    ) -> (Judged, News) {
        if let Some(known) = self.records.get(&caller.id)
            && known.seq >= caller.seq
        {
            return (Judged::Overtaken(known.seq), Vec::new());
        }
        self.records
            .retain(|id, record| record.expires > now || *id == caller.id);
        let before = self
            .records
            .get(&caller.id)
            .filter(|record| record.expires > now)
            .cloned();
        let rank = |number: u16| (u64::from(number) + account) % 64;
        let mut all: Vec<One> = self
            .records
            .iter()
            .filter(|(id, _)| **id != caller.id)
            .map(|(id, record)| One {
                id: id.clone(),
                held: record.held,
                demand: record.demand,
                got: record.got,
                rank: rank(record.number),
                target: 0,
            })
            .collect();
        let others: u32 = all.iter().map(|one| one.held).sum();
        let got = before.as_ref().map_or(0, |before| before.got);
        if let Said::Claim(claim) = said {
            all.push(One {
                id: caller.id.clone(),
                held: claim.hold,
                demand: claim.demand,
                got,
                rank: rank(caller.number),
                target: 0,
            });
        }
        set_targets(&mut all, limit, now, timing);
        let target = all
            .iter()
            .find(|one| one.id == caller.id)
            .map_or(0, |one| one.target);
        let is_settled = caller.first.is_none_or(|first| first == self.began)
            || now - self.began >= timing.lease_ms;
        let (mut grant, mut held, mut demand) = (0, 0, 0);
        match said {
            Said::Leaves => {
                self.records.remove(&caller.id);
            }
            Said::Claim(claim) => {
                let most = if is_settled {
                    claim.hold.max(target)
                } else {
                    claim.hold
                };
                grant = limit.saturating_sub(others).min(most);
                held = grant.max(claim.hold);
                demand = claim.demand;
                let grew = grant > before.map_or(0, |before| before.held);
                let record = Record {
                    held,
                    demand,
                    number: caller.number,
                    got: if grew { now } else { got },
                    expires: now + timing.lease_ms,
                    seq: caller.seq,
                };
                self.records.insert(caller.id.clone(), record);
            }
        }
        let is_short = is_settled && demand > grant && target > grant;
        let is_free = limit > others + held;
        let others = all.iter().filter(|one| one.id != caller.id);
        let contested = others.clone().any(|one| one.demand > one.held);
        let news = others
            .filter(|one| {
                let lacks = one.demand > one.held && one.target > one.held;
                (is_short && one.held > one.target) || (is_free && lacks)
            })
            .map(|one| (one.id.clone(), one.target))
            .collect();
        let verdict = Verdict {
            grant,
            target,
            contested,
        };
        (Judged::Verdict(verdict), news)
    }
}

fn set_targets(all: &mut [One], limit: u32, now: i64, timing: &Timing) {
    let count = |n: usize| u32::try_from(n).unwrap();
    let mut left = limit;
    let mut open: Vec<&mut One> = Vec::new();
    let mut asked_by_none = true;
    for one in all.iter_mut().filter(|one| one.demand > 0) {
        open.push(one);
    }
    while !open.is_empty() {
        let share = left / count(open.len());
        if share == 0 {
            break;
        }
        let before = open.len();
        let mut rest = Vec::new();
        for one in open {
            if one.demand - one.target <= share {
                left -= one.demand - one.target;
                one.target = one.demand;
            } else {
                rest.push(one);
            }
        }
        open = rest;
        if open.len() == before {
            for one in &mut open {
                one.target += share;
            }
            left -= share * count(open.len());
            break;
        }
    }
    if !open.is_empty() {
        asked_by_none = false;
        let keeps = |one: &One| one.held > one.target && now - one.got < timing.tenure_ms;
        open.sort_by(|a, b| {
            (!keeps(a), a.got, a.rank, &a.id).cmp(&(!keeps(b), b.got, b.rank, &b.id))
        });
        for one in open.into_iter().take(left as usize) {
            one.target += 1;
        }
    }
    if asked_by_none && left > 0 && !all.is_empty() {
        let (each, over) = (left / count(all.len()), left % count(all.len()));
        all.sort_by(|a, b| (a.demand, a.rank, &a.id).cmp(&(b.demand, b.rank, &b.id)));
        for (one, at) in all.iter_mut().zip(0..) {
            one.target += each + u32::from(at < over);
        }
    }
}
