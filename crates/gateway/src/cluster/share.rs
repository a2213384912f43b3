//! A replica's side of the protocol by which replicas share the slots of one account.
//!
//! The judge (`slots.lua`, in Redis) keeps for each replica how many slots it holds. The sum is never more
//! than the limit, and never less than what is used, because of two rules: a replica raises its number
//! only after it was granted more, and lowers it before it says that it holds less. A grant is a lease:
//! who cannot renew it stops using it before the judge gives it to others.
//!
//! Promises: pure; whatever gets lost, comes twice or comes late, what may be used here is at most what
//! the judge has on record while the lease lasts. Must not know: Redis, the account, the time of day.

/// Times of the protocol, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long what is granted stays granted without being renewed.
    pub lease_ms: i64,
    /// So long before its end a lease is no longer relied on: clocks run apart, threads are late.
    pub margin_ms: i64,
    /// How often what is held is renewed.
    pub renew_ms: i64,
    /// How long who got a slot in its turn keeps it while others want it.
    pub tenure_ms: i64,
    /// How long a start waits for the first grant.
    pub patience_ms: i64,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            lease_ms: 5_000,
            margin_ms: 500,
            renew_ms: 1_000,
            tenure_ms: 500,
            patience_ms: 1_000,
        }
    }
}

/// What a replica tells the judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The most that is used here, or may be before the answer has come.
    pub hold: u32,
    /// How many could be used.
    pub demand: u32,
}

/// What the judge answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// So many may be used.
    pub grant: u32,
    /// So many are this replica's part. Where that is less, the rest is to be given back.
    pub target: u32,
    /// Other replicas could use more than they hold.
    pub contested: bool,
}

/// One replica's part of one account's slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    allotment: u32,
    /// What the judge has on record, as far as is known: no less than is allotted.
    on_record: u32,
    /// How many could be used, as the judge was told last.
    told_demand: u32,
    /// Until when the judge's word holds.
    relied_on_until: i64,
    is_own_view: bool,
    contested: bool,
}

impl Share {
    /// Nothing yet. The first word of the judge is waited for until `until`.
    pub fn nothing(until: i64) -> Share {
        Share {
            allotment: 0,
            on_record: 0,
            told_demand: 0,
            relied_on_until: until,
            is_own_view: false,
            contested: false,
        }
    }

    /// How many slots may be used.
    pub fn allotment(&self) -> u32 {
        self.allotment
    }

    /// Whether other replicas could use more than they hold.
    pub fn is_contested(&self) -> bool {
        self.contested
    }

    /// Whether it goes by its own view, because the judge is away.
    pub fn is_own_view(&self) -> bool {
        self.is_own_view
    }

    /// What to tell the judge, where `taken` slots are in use and requests wait that could use `wanted`
    /// more. `taken` was read after the last change of the allotment.
    pub fn claim(&self, limit: u32, taken: u32, wanted: u32) -> Claim {
        Claim {
            hold: self.allotment.max(taken),
            demand: taken.saturating_add(wanted).min(limit),
        }
    }

    /// Whether others could use what is not used here, or the judge does not know yet that it is not.
    pub fn has_to_give(&self, claim: Claim) -> bool {
        let is_idle = claim.demand < self.allotment && claim.demand < self.told_demand;
        self.owes(claim) || (self.contested && is_idle)
    }

    /// Whether others could use what was given up here already.
    pub fn owes(&self, claim: Claim) -> bool {
        self.contested && claim.hold < self.on_record
    }

    /// The judge has answered a claim that was sent at `sent_at`.
    pub fn judged(&mut self, claim: Claim, verdict: Verdict, sent_at: i64, timing: &Timing) {
        self.on_record = verdict.grant.max(claim.hold);
        self.told_demand = claim.demand;
        self.allotment = verdict.grant.min(verdict.target);
        self.contested = verdict.contested;
        self.relied_on_until = sent_at + timing.lease_ms - timing.margin_ms;
        self.is_own_view = false;
    }

    /// The judge has told somebody else that this replica's part is `target`. Whether that is news.
    pub fn told(&mut self, target: u32) -> bool {
        let differs = target != self.allotment;
        if target < self.allotment {
            self.allotment = target;
            self.contested = true;
        }
        differs
    }

    /// Until when the judge's word holds.
    pub fn relied_on_until(&self) -> i64 {
        self.relied_on_until
    }

    /// The judge has not been heard of: where its word no longer holds, `own` slots may be used. Whether
    /// that is so only from now on.
    pub fn lapse(&mut self, own: u32, now: i64) -> bool {
        if now < self.relied_on_until {
            return false;
        }
        self.allotment = own;
        self.contested = false;
        !std::mem::replace(&mut self.is_own_view, true)
    }
}

/// How many slots of `limit` a replica uses by its own view, when the judge is away and `replicas` were
/// there: at least one, so that no request waits for the judge.
pub fn own_part(limit: u32, replicas: usize) -> u32 {
    let replicas = u32::try_from(replicas.max(1)).unwrap_or(u32::MAX);
    (limit / replicas).max(1).min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: Timing = Timing {
        lease_ms: 5_000,
        margin_ms: 500,
        renew_ms: 1_000,
        tenure_ms: 500,
        patience_ms: 1_000,
    };

    fn judged(grant: u32, target: u32) -> Share {
        let mut share = Share::nothing(0);
        let claim = share.claim(8, 0, 0);
        let verdict = Verdict {
            grant,
            target,
            contested: true,
        };
        share.judged(claim, verdict, 0, &TIMING);
        share
    }

    #[test]
    fn what_is_over_the_target_is_given_back_before_the_judge_hears_of_it() {
        let share = judged(8, 3);
        assert_eq!(share.allotment(), 3);
        // Five are in use: they are held until they end.
        assert_eq!(share.claim(8, 5, 0).hold, 5);
        assert!(share.owes(share.claim(8, 5, 0)));
        assert_eq!(share.claim(8, 1, 0).hold, 3);
    }

    #[test]
    fn a_lease_that_was_not_renewed_ends_here_before_it_ends_there() {
        let mut share = judged(8, 8);
        assert!(!share.lapse(2, 4_499));
        assert_eq!(share.allotment(), 8);
        assert!(share.lapse(2, 4_500) && share.is_own_view());
        assert_eq!(share.allotment(), 2);
        assert!(!share.lapse(2, 4_600), "once");
    }

    #[test]
    fn without_a_judge_everyone_takes_a_part_and_at_least_one() {
        assert_eq!(own_part(8, 3), 2);
        assert_eq!(own_part(2, 3), 1);
        assert_eq!(own_part(8, 0), 8);
        assert_eq!(own_part(0, 3), 0);
    }
}
