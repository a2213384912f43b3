//! Whether an event about an issue goes on: that is told by the issue's state, not by whether a rule still finds it.
//!
//! An issue that gets worse, or merely older, is not in the state any longer by which it was found, and nothing about
//! it is over.

use waybill_model::{
    alert::Metric,
    issue::{IssueState, hex},
};

use crate::sql::{Db, Result, values};

/// The state of the issue that a subject names; `None`: it names none, or there is none any longer.
pub(super) fn state_of(db: &dyn Db, subject: &str) -> Result<Option<IssueState>> {
    let Some(key) = subject.strip_prefix("issue:").and_then(hex::key) else {
        return Ok(None);
    };
    let sql = "SELECT state FROM issues WHERE issue = ?1";
    db.first(sql, values![key.as_slice()], |cells| cells.word("state"))
}

/// Whether an event that began because a rule of `metric` found an issue goes on while the issue is in `state`. A new
/// issue, and one that is back, are matters until somebody, or silence, has resolved them, or they are ignored; an
/// escalation is over when failures come as they used to.
pub(super) const fn goes_on(metric: Metric, state: IssueState) -> bool {
    match metric {
        Metric::EscalatingIssue => matches!(state, IssueState::Escalating),
        _ => state.is_open(),
    }
}

/// What is said of the end.
pub(super) fn sentence(about: &str, state: Option<IssueState>) -> String {
    match state {
        Some(IssueState::Resolved) => format!("{about} is resolved."),
        Some(IssueState::Ignored) => format!("{about} is ignored."),
        Some(
            IssueState::New | IssueState::Ongoing | IssueState::Escalating | IssueState::Regressed,
        ) => format!("{about} goes on, no faster than before."),
        None => format!(
            "{about} is not there any longer: it was merged into another one, or forgotten."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_that_gets_worse_is_not_over_and_an_escalation_that_calms_down_is() {
        use IssueState as S;
        for (metric, state, goes) in [
            (Metric::NewIssue, S::Escalating, true),
            (Metric::NewIssue, S::Ongoing, true),
            (Metric::NewIssue, S::Resolved, false),
            (Metric::NewIssue, S::Ignored, false),
            (Metric::RegressedIssue, S::Escalating, true),
            (Metric::RegressedIssue, S::Resolved, false),
            (Metric::EscalatingIssue, S::Escalating, true),
            (Metric::EscalatingIssue, S::Ongoing, false),
            (Metric::EscalatingIssue, S::Resolved, false),
        ] {
            assert_eq!(goes_on(metric, state), goes, "{metric} {state}");
        }
        assert_eq!(sentence("busy", Some(S::Resolved)), "busy is resolved.");
    }
}
