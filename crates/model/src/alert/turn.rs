//! When somebody is told: one step at a time, from what a rule read and from the clock.

use crate::{rollup::Span, time::UnixMillis, words};

/// From one round to the next.
const MINUTE_MS: i64 = Span::Minute.millis();

words! {
    /// Where a rule stands, for one of the things that it looks at.
    pub enum Phase as "AlertPhase" {
        /// All is well.
        Well = "well",
        /// It is broken, but not for long enough.
        Pending = "pending",
        /// It is broken, and an event says so.
        Firing = "firing",
        /// It is well again, but not for long enough.
        Calming = "calming",
        /// It is over, and does not begin again yet.
        Cooling = "cooling",
        /// Somebody said that it is over; it begins again when it was well in between.
        Dismissed = "dismissed",
    }
}

/// A phase, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    /// Where.
    pub phase: Phase,
    /// Since when.
    pub since: UnixMillis,
    /// The end of the last event, for as long as that matters.
    pub ended_at: Option<UnixMillis>,
    /// When something was last read of it. Of the time since then nobody knows.
    pub seen_at: UnixMillis,
}

/// What a rule reads of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It is broken.
    Breach,
    /// It is well.
    Well,
    /// There is nothing to judge.
    Nothing,
}

/// A rule's times, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From the first breach to an event, and from the first time it is well to its end.
    pub sustained_ms: i64,
    /// From the end of an event to the earliest begin of the next.
    pub cooldown_ms: i64,
}

/// What is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// An event begins.
    Fired,
    /// The event that goes on is over.
    Resolved,
}

impl Stand {
    /// How everything begins.
    pub const fn well(since: UnixMillis) -> Self {
        Stand {
            phase: Phase::Well,
            since,
            ended_at: None,
            seen_at: since,
        }
    }

    /// After a person said that the event is over.
    #[must_use]
    pub const fn dismissed(at: UnixMillis) -> Self {
        Stand {
            phase: Phase::Dismissed,
            since: at,
            ended_at: Some(at),
            seen_at: at,
        }
    }

    /// Whether an event goes on.
    pub const fn is_firing(&self) -> bool {
        matches!(self.phase, Phase::Firing | Phase::Calming)
    }

    fn to(self, phase: Phase, at: UnixMillis) -> Self {
        match phase == self.phase {
            true => self,
            false => Stand {
                phase,
                since: at,
                ..self
            },
        }
    }

    /// Whether so much time passed unseen that what was said before it does not count towards what lasts.
    fn is_forgotten(&self, now: UnixMillis, timing: Timing) -> bool {
        now.0.saturating_sub(self.seen_at.0) > timing.sustained_ms.max(MINUTE_MS)
    }

    fn lasted(&self, now: UnixMillis, ms: i64) -> bool {
        now.0.saturating_sub(self.since.0) >= ms
    }
}

/// The next stand, and what is new. A clock that went back changes nothing until it has caught up.
///
/// What lasts is what was read: a gap in which nothing was to be judged, or nobody did, and which is longer than
/// `sustained_ms`, does not count, and what is broken, or well again, begins anew after it.
pub fn turn(stand: Stand, said: Said, timing: Timing, now: UnixMillis) -> (Stand, Option<News>) {
    let forgotten = stand.is_forgotten(now, timing);
    let stand = match stand.phase {
        Phase::Pending if forgotten => stand.to(Phase::Well, now),
        Phase::Calming if forgotten => stand.to(Phase::Firing, now),
        _ => stand,
    };
    if said == Said::Nothing {
        return (stand, None);
    }
    let (next, news) = step(stand, said, timing, now);
    let seen_at = now.max(stand.seen_at);
    (Stand { seen_at, ..next }, news)
}

fn step(stand: Stand, said: Said, timing: Timing, now: UnixMillis) -> (Stand, Option<News>) {
    use {Phase as P, Said as S};
    let resting = stand
        .ended_at
        .is_some_and(|ended| now.0.saturating_sub(ended.0) < timing.cooldown_ms);
    let settled = |phase| {
        let mut next = stand.to(phase, now);
        if !resting {
            next.ended_at = None;
        }
        (next, None)
    };
    match (stand.phase, said) {
        (_, S::Nothing) => (stand, None),
        (P::Well, S::Breach) if timing.sustained_ms == 0 => fire(stand, now),
        (P::Well, S::Breach) => (stand.to(P::Pending, now), None),
        (P::Pending, S::Breach) if stand.lasted(now, timing.sustained_ms) => fire(stand, now),
        (P::Pending, S::Breach) => (stand, None),
        (P::Firing | P::Calming, S::Breach) => (stand.to(P::Firing, now), None),
        (P::Firing, S::Well) if timing.sustained_ms == 0 => resolve(stand, now),
        (P::Firing, S::Well) => (stand.to(P::Calming, now), None),
        (P::Calming, S::Well) if stand.lasted(now, timing.sustained_ms) => resolve(stand, now),
        (P::Calming, S::Well) => (stand, None),
        // What breaks while it cools down is broken for as long as it is, and told when that is over.
        (P::Cooling, _) if resting => (stand, None),
        (P::Cooling, S::Breach) => step(Stand::well(now), said, timing, now),
        (P::Dismissed, S::Breach) => (stand, None),
        (P::Dismissed, S::Well) if resting => settled(P::Cooling),
        (P::Well | P::Pending | P::Cooling | P::Dismissed, S::Well) => settled(P::Well),
    }
}

fn fire(stand: Stand, now: UnixMillis) -> (Stand, Option<News>) {
    let next = Stand {
        ended_at: None,
        ..stand.to(Phase::Firing, now)
    };
    (next, Some(News::Fired))
}

fn resolve(stand: Stand, now: UnixMillis) -> (Stand, Option<News>) {
    let next = Stand {
        ended_at: Some(now),
        ..stand.to(Phase::Cooling, now)
    };
    (next, Some(News::Resolved))
}

#[cfg(test)]
mod tests;
