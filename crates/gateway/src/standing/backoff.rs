//! Until when an account is stopped: from what it is stopped by already, what was stated, and how often
//! in a row the same happened.
//!
//! Promises: pure; the deadline always lies within a bound; a running deadline is shortened only by a
//! wait that the provider stated to a later attempt; requests that were in flight together count once.
//! Must not know: which failure it is about.

use waybill_model::{
    state::{AccountState, MarkKind, Scope},
    time::UnixMillis,
};

/// How waits grow where none is stated: from a first one, doubling up to a longest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ladder {
    /// Requests or tokens per minute.
    Rate,
    /// Longer quotas.
    Quota,
    /// The provider's capacity.
    Capacity,
    /// Simultaneous requests.
    Concurrency,
    /// A credential or an account's standing: people have to act.
    Refused,
}

impl Ladder {
    /// First and longest wait, in milliseconds.
    const fn bounds_ms(self) -> (i64, i64) {
        const S: i64 = 1000;
        const MIN: i64 = 60 * S;
        match self {
            Ladder::Rate => (2 * S, 5 * MIN),
            Ladder::Quota | Ladder::Refused => (5 * MIN, 60 * MIN),
            Ladder::Capacity => (S, MIN),
            Ladder::Concurrency => (S, 30 * S),
        }
    }

    /// The wait after so many strikes in a row, in milliseconds.
    pub const fn wait_ms(self, strikes: u32) -> i64 {
        let (first, longest) = self.bounds_ms();
        let doublings = if strikes == 0 { 0 } else { strikes - 1 };
        // No ladder has more than eight steps; the shift stays far from its bound.
        let wait = first << (if doublings > 20 { 20 } else { doublings });
        if wait > longest { longest } else { wait }
    }

    /// How long after its end a mark still counts as "in a row": a limit that comes straight back.
    const fn memory_ms(self) -> i64 {
        self.bounds_ms().1
    }
}

/// What a failure asks for.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The mark it would set.
    pub kind: MarkKind,
    /// On what.
    pub scope: &'a Scope,
    /// How the wait grows.
    pub ladder: Ladder,
    /// The deadline the provider states.
    pub stated: Option<UnixMillis>,
    /// Whether its statement ends the mark by itself, as a rule's does: no growth on top.
    pub fixed: bool,
    /// When the attempt began.
    pub began_at: UnixMillis,
    /// Now.
    pub now: UnixMillis,
}

/// What is to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// Since when the account is so.
    pub since: UnixMillis,
    /// Until when.
    pub until: UnixMillis,
    /// How often in a row, this time included.
    pub strikes: u32,
    /// Whether the back-off decided, not what was stated.
    pub backed_off: bool,
}

/// From this strike on, a stated wait is no longer believed to be enough.
const DISTRUST_FROM: u32 = 3;

/// A deadline that would move by less is left as it is.
const WORTH_MOVING_MS: i64 = 1000;

/// Shortest mark: a stated wait may be over before it is read.
const SHORTEST_MS: i64 = 1;

/// The deadline to set, or `None` where nothing changes.
pub fn deadline(state: &AccountState, ask: &Ask<'_>) -> Option<Deadline> {
    let Some(mark) = state.mark(ask.kind, ask.scope) else {
        // A stated wait that had been long enough says nothing about the next one.
        let earlier = match ask.stated {
            Some(_) => 0,
            None => state.strikes(ask.kind, ask.scope, ask.now, ask.ladder.memory_ms()),
        };
        return Some(ask.after(earlier.saturating_add(1), ask.now));
    };
    // Only a hand ends it.
    let running_until = mark.until?;
    let is_news = ask.began_at > mark.set_at;
    if is_news && mark.is_over(ask.now) {
        return Some(ask.after(mark.strikes.saturating_add(1), mark.since));
    }
    // What was in flight when the mark was set, or came before its end, teaches no more than what is
    // stated: it is no further strike.
    ask.stated?;
    let new = ask.after(mark.strikes, mark.since);
    let moved = new.until.0.saturating_sub(running_until.0);
    let worth_it = moved >= WORTH_MOVING_MS || (is_news && moved <= -WORTH_MOVING_MS);
    worth_it.then_some(new)
}

impl Ask<'_> {
    fn after(&self, strikes: u32, since: UnixMillis) -> Deadline {
        let grown = self.now.plus_ms(self.ladder.wait_ms(strikes));
        let earliest = self.now.plus_ms(SHORTEST_MS);
        let (until, backed_off) = match self.stated {
            None => (grown, true),
            Some(stated) if strikes >= DISTRUST_FROM && stated < grown && !self.fixed => {
                (grown, true)
            }
            Some(stated) => (stated.max(earliest), false),
        };
        Deadline {
            since,
            until,
            strikes,
            backed_off,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use waybill_model::{
        id::{AccountEventId, AccountId},
        state::AccountEvent,
    };

    use super::*;

    const LADDERS: [Ladder; 5] = [
        Ladder::Rate,
        Ladder::Quota,
        Ladder::Capacity,
        Ladder::Concurrency,
        Ladder::Refused,
    ];

    fn ask(stated: Option<i64>, began_at: i64, now: i64) -> Ask<'static> {
        Ask {
            kind: MarkKind::RateLimited,
            scope: &Scope::Account,
            ladder: Ladder::Rate,
            stated: stated.map(UnixMillis),
            fixed: false,
            began_at: UnixMillis(began_at),
            now: UnixMillis(now),
        }
    }

    fn set(state: &mut AccountState, at: i64, deadline: Deadline) {
        state.apply(&AccountEvent {
            id: AccountEventId(at),
            at: UnixMillis(at),
            account_id: AccountId(1),
            kind: MarkKind::RateLimited.event(),
            scope: Scope::Account,
            since: Some(deadline.since),
            until: Some(deadline.until),
            source: None,
            strikes: deadline.strikes,
            cause: None,
            status_code: None,
            reason: String::new(),
            request_id: None,
            attempt: None,
            actor: None,
            undoes: None,
        });
    }

    fn until(state: &AccountState) -> Option<i64> {
        state
            .mark(MarkKind::RateLimited, &Scope::Account)
            .and_then(|mark| mark.until)
            .map(|until| until.0)
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<i64> = (1..=4).map(|n| Ladder::Rate.wait_ms(n)).collect();
        assert_eq!(waits, [2000, 4000, 8000, 16_000]);
        for ladder in LADDERS {
            assert_eq!(ladder.wait_ms(u32::MAX), ladder.bounds_ms().1);
            assert_eq!(ladder.wait_ms(0), ladder.wait_ms(1));
        }
    }

    #[test]
    fn requests_that_were_in_flight_together_count_once() {
        let mut state = AccountState::default();
        let first = deadline(&state, &ask(None, 0, 100)).unwrap();
        set(&mut state, 100, first);
        assert_eq!(deadline(&state, &ask(None, 50, 101)), None);
        assert_eq!(
            deadline(&state, &ask(Some(first.until.0 + 900), 100, 101)),
            None
        );
        // Also when the slow one comes back after the deadline.
        assert_eq!(deadline(&state, &ask(None, 50, 60_000)), None);
    }

    #[test]
    fn a_failed_trial_waits_longer_and_a_third_one_no_longer_believes_what_is_stated() {
        let mut state = AccountState::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..4 {
            let next = deadline(&state, &ask(Some(now + 1000), now, now)).unwrap();
            waits.push((next.until.0 - now, next.strikes, next.backed_off));
            set(&mut state, now, next);
            now = next.until.0 + 1;
        }
        assert_eq!(
            waits,
            [
                (1000, 1, false),
                (1000, 2, false),
                (8000, 3, true),
                (16_000, 4, true)
            ]
        );
    }

    #[test]
    fn a_stated_wait_of_a_later_attempt_may_shorten_a_deadline() {
        let mut state = AccountState::default();
        let first = deadline(&state, &ask(Some(100_000), 0, 0)).unwrap();
        set(&mut state, 0, first);
        assert_eq!(deadline(&state, &ask(Some(50_000), 0, 10)), None);
        let shorter = deadline(&state, &ask(Some(50_000), 5, 10)).unwrap();
        assert_eq!(
            (shorter.until.0, shorter.strikes, shorter.since.0),
            (50_000, 1, 0)
        );
    }

    proptest! {
        #[test]
        fn a_deadline_is_never_shortened_by_a_weaker_signal(
            steps in prop::collection::vec((0..400_000_i64, 0..400_000_i64, prop::option::of(0..700_000_i64)), 1..40)
        ) {
            let mut state = AccountState::default();
            let mut now = 0;
            for (later, ago, wait) in steps {
                now += later;
                let began_at = (now - ago).max(0);
                let asked = ask(wait.map(|wait| now + wait), began_at, now);
                let before = until(&state);
                let set_at = state.marks().first().map(|mark| mark.set_at.0);
                if let Some(next) = deadline(&state, &asked) {
                    prop_assert!(next.until.0 > now, "a mark that is over when it is set");
                    if let Some(before) = before && next.until.0 < before {
                        prop_assert!(asked.stated.is_some() && Some(began_at) > set_at);
                    }
                    set(&mut state, now, next);
                } else if let Some(before) = before {
                    prop_assert_eq!(until(&state), Some(before));
                }
            }
        }

        #[test]
        fn a_wait_that_nobody_stated_is_bounded(strikes in 0..200_u32) {
            for ladder in LADDERS {
                prop_assert!((1000..=3_600_000).contains(&ladder.wait_ms(strikes)));
            }
        }
    }
}
