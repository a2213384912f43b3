//! Issues: failures of one kind as one thing, with a state that follows from what happens.
//!
//! Promises: pure. [`turn`] says from the state, the facts and the time which transition is due, if any; the
//! rules are its table. [`Rate`] says when failures come faster than an issue's own past explains, [`Weight`]
//! what an issue does to its users. Must not know: where issues are kept, who looks at them.

pub mod hex;
mod rate;
mod rule;
mod turn;
mod view;
mod weight;

pub use rate::{BASELINE_HOURS, CALM_SHARE, HOUR_MS, MIN_HOURS, MIN_RATE, Rate};
pub use rule::{BadRule, KindFacts, Merge, RuleBody, Split, SplitBy, issue_of, part, split_of};
pub use turn::{
    By, Facts, Ignore, NEW_MS, Settings, Standing, Transition, next_look, settle, turn,
};
pub use view::{
    HourCount, IssueDetail, IssueFilter, IssueKind, IssueLink, IssueLog, IssueMembers, IssueNote,
    IssueRule, IssueSort, IssueTransition, Member, MemberList,
};
pub use weight::{HALF_LIFE_MS, HIDDEN_SHARE, Weight};

use crate::words;

words! {
    /// How an issue stands.
    pub enum IssueState {
        /// Seen for the first time less than a day ago.
        New = "new",
        /// Known, and still there.
        Ongoing = "ongoing",
        /// Its failures come faster than its own past explains.
        Escalating = "escalating",
        /// It was resolved, and failed again.
        Regressed = "regressed",
        /// Dealt with.
        Resolved = "resolved",
        /// Not to be looked at, until something ends that.
        Ignored = "ignored",
    }
}

words! {
    /// Why an issue came to stand as it does.
    pub enum Why {
        /// Its first failure.
        FirstSeen = "first_seen",
        /// It is a day old.
        Age = "age",
        /// Somebody said so.
        Manual = "manual",
        /// It was quiet for as long as the configuration says.
        Quiet = "quiet",
        /// A failure was sent again, and succeeded.
        Replay = "replay",
        /// A failure that arrived after it was resolved.
        Failure = "failure",
        /// Its failures came faster than its past explains.
        Rate = "rate",
        /// They no longer do.
        Calm = "calm",
        /// The time for which it was ignored is over.
        IgnoreTime = "ignore_time",
        /// As many failures came as were to be ignored.
        IgnoreCount = "ignore_count",
    }
}

impl IssueState {
    /// Whether somebody should look at it.
    pub const fn is_open(self) -> bool {
        match self {
            IssueState::New
            | IssueState::Ongoing
            | IssueState::Escalating
            | IssueState::Regressed => true,
            IssueState::Resolved | IssueState::Ignored => false,
        }
    }
}
