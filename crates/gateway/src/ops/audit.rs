//! What can be asked of the audit log.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use waybill_model::{
    time::UnixMillis,
    view::{Page, Sort},
};
use waybill_store::AuditFilter;

use super::{
    common,
    filter::{Parameter, Takes, read_into, some_text},
    query::{BadParameter, Pairs},
    time_range::{self, TimeRange},
};

/// Which entries, and which of them now.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditQuestion {
    /// Which entries.
    pub filter: AuditFilter,
    /// Which of them now.
    pub page: Page,
}

impl common::Paged for AuditQuestion {
    fn page(&mut self) -> &mut Page {
        &mut self.page
    }
}

/// What `ops/audit-log` takes.
pub const AUDIT: &[Parameter<AuditQuestion>] = &[
    common::time_range("A window that ends now. Without any window: the last 24 hours."),
    common::start_time("From this instant on. At most 30 days before the end."),
    common::end_time("Before this instant; now, if there is a start alone."),
    Parameter {
        name: "actor",
        about: "Name of who did it.",
        takes: Takes::Text,
        read: |q, text| some_text(text).map(|text| q.filter.actor = Some(text)),
    },
    Parameter {
        name: "action",
        about: "What was done, such as `accounts.disable`.",
        takes: Takes::Text,
        read: |q, text| some_text(text).map(|text| q.filter.action = Some(text)),
    },
    Parameter {
        name: "subject",
        about: "What kind of thing it was done to, such as `accounts`.",
        takes: Takes::Text,
        read: |q, text| some_text(text).map(|text| q.filter.subject = Some(text)),
    },
    Parameter {
        name: "subject_id",
        about: "Which one.",
        takes: Takes::Text,
        read: |q, text| some_text(text).map(|text| q.filter.subject_id = Some(text)),
    },
    common::sort(),
    common::cursor(
        "The `next_cursor` of the page before: no row is missed or repeated while rows come in.",
    ),
    common::page(common::PAGE_OR_CURSOR),
    common::page_size("Rows per page: 1 to 500; without it 50."),
];

/// Reads the query string of `ops/audit-log`.
pub fn parse_audit(query: Option<&str>, now: UnixMillis) -> Result<AuditQuestion, BadParameter> {
    let pairs = Pairs::parse(query)?;
    let mut question = AuditQuestion {
        filter: AuditFilter {
            start: now,
            end: now,
            actor: None,
            action: None,
            subject: None,
            subject_id: None,
        },
        page: common::first_page(Sort::Newest),
    };
    read_into(&mut question, &pairs, &[AUDIT])?;
    let (start, end) = time_range::window(&pairs, TimeRange::Day, now)?;
    (question.filter.start, question.filter.end) = (start, end);
    Ok(question)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn what_is_asked_of_the_log_is_read_or_refused_by_name() {
        let asked = parse_audit(Some("actor=eve&subject=accounts&page_size=7"), NOW).unwrap();
        assert_eq!(asked.filter.actor.as_deref(), Some("eve"));
        assert_eq!(asked.filter.subject.as_deref(), Some("accounts"));
        assert_eq!(
            (asked.page.page_size, asked.filter.end),
            (7, NOW.plus_ms(1))
        );
        for (query, parameter) in [("who=x", "who"), ("page=0", "page"), ("sort=up", "sort")] {
            let refused = parse_audit(Some(query), NOW).unwrap_err();
            assert_eq!(refused.parameter, parameter);
        }
    }
}
