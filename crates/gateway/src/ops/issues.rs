//! What can be asked about issues.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use waybill_model::{
    cause::{Cause, Owner, Severity},
    issue::{IssueFilter, IssueSort, IssueState},
    protocol::Platform,
    time::UnixMillis,
    view::{Page, Sort},
};

use super::{
    common,
    filter::{Parameter, Takes, id, read_into, some_text, word, words_of},
    query::{BadParameter, Pairs},
    time_range::TimeRange,
};

/// Which issues, and which of them now.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueQuestion {
    /// Which ones.
    pub filter: IssueFilter,
    /// In which order.
    pub sort: IssueSort,
    /// Which of them now. Its own order is not looked at.
    pub page: Page,
}

impl common::Paged for IssueQuestion {
    fn page(&mut self) -> &mut Page {
        &mut self.page
    }
}

/// What `issues` takes.
pub const ISSUES: &[Parameter<IssueQuestion>] = &[
    common::time_range("Failed within a window that ends now. Without any window: every issue."),
    common::start_time("Failed at this instant or later."),
    common::end_time("First failed before this instant."),
    Parameter {
        name: "state",
        about: "Any of these states, separated by commas: new, ongoing, escalating, regressed, resolved, ignored.",
        takes: Takes::Text,
        read: |q, text| {
            let states: Result<Vec<IssueState>, String> =
                text.split(',').map(|text| word(text.trim())).collect();
            states.map(|states| q.filter.states = states)
        },
    },
    Parameter {
        name: "platform",
        about: "Platform of the account.",
        takes: words_of!(Platform),
        read: |q, text| word(text).map(|word| q.filter.platform = Some(word)),
    },
    Parameter {
        name: "cause",
        about: "What really happens.",
        takes: words_of!(Cause),
        read: |q, text| word(text).map(|word| q.filter.cause = Some(word)),
    },
    Parameter {
        name: "owner",
        about: "Whose fault.",
        takes: words_of!(Owner),
        read: |q, text| word(text).map(|word| q.filter.owner = Some(word)),
    },
    Parameter {
        name: "severity",
        about: "Urgency.",
        takes: words_of!(Severity),
        read: |q, text| word(text).map(|word| q.filter.severity = Some(word)),
    },
    Parameter {
        name: "account_id",
        about: "An account it was met on.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.filter.account_id = Some(id)),
    },
    Parameter {
        name: "group_id",
        about: "A group it was met in.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.filter.group_id = Some(id)),
    },
    Parameter {
        name: "api_key_id",
        about: "A key that met it.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.filter.api_key_id = Some(id)),
    },
    Parameter {
        name: "user_id",
        about: "A user that met it.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.filter.user_id = Some(id)),
    },
    Parameter {
        name: "model",
        about: "A model it was met with, exact.",
        takes: Takes::Text,
        read: |q, text| some_text(text).map(|text| q.filter.model = Some(text)),
    },
    Parameter {
        name: "q",
        about: "Text in the title or the provider's name for it, in either case.",
        takes: Takes::Text,
        read: |q, text| {
            q.filter.q = match text {
                "" => None,
                text => Some(some_text(text)?),
            };
            Ok(())
        },
    },
    Parameter {
        name: "sort",
        about: "`-impact`, the default: what hurts most first; `-last_seen`, `-first_seen`: newest first; `-count`: most failures first.",
        takes: words_of!(IssueSort),
        read: |q, text| word(text).map(|word| q.sort = word),
    },
    common::cursor("The `next_cursor` of the page before."),
    common::page(common::PAGE_OR_CURSOR),
    common::page_size("Rows per page: 1 to 500; without it 50."),
];

/// Reads the query string of `issues`.
pub fn parse(query: Option<&str>, now: UnixMillis) -> Result<IssueQuestion, BadParameter> {
    let pairs = Pairs::parse(query)?;
    let mut question = IssueQuestion {
        filter: IssueFilter::default(),
        sort: IssueSort::Impact,
        page: common::first_page(Sort::Newest),
    };
    read_into(&mut question, &pairs, &[ISSUES])?;
    if let Some((start, end)) = common::window_if_any(&pairs, TimeRange::Month, now)? {
        question.filter.start = Some(start);
        question.filter.end = Some(end);
    }
    Ok(question)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn everything_is_asked_for_by_name_and_nothing_narrows_by_itself() {
        let all = parse(None, NOW).unwrap();
        assert_eq!(all.filter, IssueFilter::default());
        assert_eq!(all.sort, IssueSort::Impact);
        let asked = parse(
            Some("state=new,regressed&owner=provider&time_range=1h&sort=-count&model=m"),
            NOW,
        )
        .unwrap();
        assert_eq!(
            asked.filter.states,
            [IssueState::New, IssueState::Regressed]
        );
        assert_eq!(asked.filter.owner, Some(Owner::Provider));
        assert_eq!(asked.filter.start, Some(NOW.plus_ms(1 - 3_600_000)));
        assert_eq!(asked.sort, IssueSort::Count);
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        for (query, parameter) in [
            ("state=new,old", "state"),
            ("account_id=x", "account_id"),
            ("sort=impact", "sort"),
            ("time_range=2h", "time_range"),
            ("status=1", "status"),
        ] {
            assert_eq!(parse(Some(query), NOW).unwrap_err().parameter, parameter);
        }
    }
}
