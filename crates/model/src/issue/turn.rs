//! The table of transitions.

use super::{HOUR_MS, IssueState, Rate, Why};
use crate::time::UnixMillis;

/// So long an issue is new, and a regressed one regressed.
pub const NEW_MS: i64 = 24 * HOUR_MS;

/// An escalation is looked at again so often.
const LOOK_AGAIN_MS: i64 = 5 * 60_000;

/// What the configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Without a failure for so long an issue is resolved; `None`: never.
    pub quiet_ms: Option<i64>,
}

/// What ends that an issue is ignored, whichever comes first. Nothing of it: only a hand does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ignore {
    /// A moment.
    pub until: Option<UnixMillis>,
    /// The count of its failures, of all that ever were.
    pub until_count: Option<u64>,
    /// An escalation.
    pub until_escalation: bool,
}

/// How an issue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: IssueState,
    /// Since when.
    pub since: UnixMillis,
    /// What ends that it is ignored.
    pub ignore: Ignore,
}

/// What is known of an issue's failures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// When the newest arrived.
    pub last_seen: UnixMillis,
    /// When the newest of those arrived that were just looked at; `None` where only time has passed.
    pub newest: Option<UnixMillis>,
    /// How many there ever were.
    pub count: u64,
    /// How fast they come.
    pub rate: Rate,
}

/// A change of an issue's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// To which.
    pub to: IssueState,
    /// Why.
    pub why: Why,
}

/// Who changes a state that does not change by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A person.
    Hand {
        /// Their name.
        actor: String,
    },
    /// An attempt that sent a failure again, and succeeded.
    Replay {
        /// Its id.
        attempt: i64,
    },
}

type Rule = (
    &'static [IssueState],
    fn(&Standing, &Facts, &Settings, UnixMillis) -> bool,
    IssueState,
    Why,
);

/// From which states, when, to which state, why. The first that fits is due.
const RULES: &[Rule] = {
    use IssueState as S;
    const OPEN: &[S] = &[S::New, S::Ongoing, S::Escalating, S::Regressed];
    &[
        // What arrived before it was resolved, and is heard of later, says nothing.
        (
            &[S::Resolved],
            |standing, facts, _, _| facts.newest.is_some_and(|at| at >= standing.since),
            S::Regressed,
            Why::Failure,
        ),
        (
            &[S::Ignored],
            |standing, facts, _, _| {
                standing.ignore.until_escalation && facts.newest.is_some() && facts.rate.departs()
            },
            S::Escalating,
            Why::Rate,
        ),
        (
            &[S::Ignored],
            |standing, facts, _, _| {
                let limit = standing.ignore.until_count;
                limit.is_some_and(|limit| facts.count >= limit)
            },
            S::Ongoing,
            Why::IgnoreCount,
        ),
        (
            &[S::Ignored],
            |standing, _, _, now| standing.ignore.until.is_some_and(|until| now >= until),
            S::Ongoing,
            Why::IgnoreTime,
        ),
        (
            OPEN,
            |_, facts, settings, now| {
                let quiet = settings.quiet_ms;
                quiet.is_some_and(|quiet| now.0.saturating_sub(facts.last_seen.0) >= quiet)
            },
            S::Resolved,
            Why::Quiet,
        ),
        (
            &[S::New, S::Ongoing, S::Regressed],
            |_, facts, _, _| facts.newest.is_some() && facts.rate.departs(),
            S::Escalating,
            Why::Rate,
        ),
        (
            &[S::Escalating],
            |_, facts, _, _| facts.rate.is_calm(),
            S::Ongoing,
            Why::Calm,
        ),
        (
            &[S::New, S::Regressed],
            |standing, _, _, now| now.0.saturating_sub(standing.since.0) >= NEW_MS,
            S::Ongoing,
            Why::Age,
        ),
    ]
};

/// The transition that is due, if any.
pub fn turn(
    standing: &Standing,
    facts: &Facts,
    settings: &Settings,
    now: UnixMillis,
) -> Option<Transition> {
    RULES
        .iter()
        .find(|(from, when, ..)| {
            from.contains(&standing.state) && when(standing, facts, settings, now)
        })
        .map(|(_, _, to, why)| Transition { to: *to, why: *why })
}

/// Every transition that is due, in order: after the last one none is. A failure is news once.
pub fn settle(
    standing: &mut Standing,
    facts: &Facts,
    settings: &Settings,
    now: UnixMillis,
) -> Vec<Transition> {
    let mut facts = *facts;
    let mut made = Vec::new();
    // No way through the table is longer: new, ongoing, resolved.
    while made.len() < 4
        && let Some(due) = turn(standing, &facts, settings, now)
    {
        standing.state = due.to;
        standing.since = now;
        standing.ignore = Ignore::default();
        facts.newest = None;
        made.push(due);
    }
    made
}

/// When time alone may change the state next; `None`: it cannot.
pub fn next_look(
    standing: &Standing,
    last_seen: UnixMillis,
    settings: &Settings,
    now: UnixMillis,
) -> Option<UnixMillis> {
    let quiet = settings.quiet_ms.map(|quiet| last_seen.plus_ms(quiet));
    let grown_up = standing.since.plus_ms(NEW_MS);
    match standing.state {
        IssueState::New | IssueState::Regressed => {
            Some(quiet.map_or(grown_up, |quiet| quiet.min(grown_up)))
        }
        IssueState::Ongoing => quiet,
        IssueState::Escalating => Some(now.plus_ms(LOOK_AGAIN_MS)),
        IssueState::Ignored => standing.ignore.until,
        IssueState::Resolved => None,
    }
}

#[cfg(test)]
mod tests;
