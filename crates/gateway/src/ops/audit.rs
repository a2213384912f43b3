//! What can be asked of the audit log.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use waybill_model::{
    time::UnixMillis,
    view::{Page, Sort},
};
use waybill_store::AuditFilter;

use super::{
    filter::{
        DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Parameter, Takes, number, read_into, some_text, word,
        words_of,
    },
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

/// What `ops/audit-log` takes.
pub const AUDIT: &[Parameter<AuditQuestion>] = &[
    Parameter {
        name: "time_range",
        about: "A window that ends now. Without any window: the last 24 hours.",
        takes: words_of!(TimeRange),
        read: |_, _| Ok(()),
    },
    Parameter {
        name: "start_time",
        about: "From this instant on. At most 30 days before the end.",
        takes: Takes::Time,
        read: |_, _| Ok(()),
    },
    Parameter {
        name: "end_time",
        about: "Before this instant; now, if there is a start alone.",
        takes: Takes::Time,
        read: |_, _| Ok(()),
    },
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
    Parameter {
        name: "sort",
        about: "`-created_at`, the default: newest first; `created_at`: oldest first.",
        takes: words_of!(Sort),
        read: |q, text| word(text).map(|word| q.page.sort = word),
    },
    Parameter {
        name: "cursor",
        about: "The `next_cursor` of the page before: no row is missed or repeated while rows come in.",
        takes: Takes::Text,
        read: |q, text| some_text(text).map(|text| q.page.cursor = Some(text)),
    },
    Parameter {
        name: "page",
        about: "Page, from 1; not looked at beside a cursor.",
        takes: Takes::Number,
        read: |q, text| number(text, u32::MAX).map(|page| q.page.page = page),
    },
    Parameter {
        name: "page_size",
        about: "Rows per page: 1 to 500; without it 50.",
        takes: Takes::Number,
        read: |q, text| number(text, MAX_PAGE_SIZE).map(|size| q.page.page_size = size),
    },
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
        page: Page {
            sort: Sort::Newest,
            page: 1,
            page_size: DEFAULT_PAGE_SIZE,
            cursor: None,
        },
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
