//! What can be asked of the events of alerts.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use waybill_model::{
    alert::EventStatus,
    view::{Page, Sort},
};

use super::{
    common,
    filter::{Parameter, Takes, id, read_into, word, words_of},
    query::{BadParameter, Pairs},
};

/// Which events, and which of them now.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertQuestion {
    /// How they stand.
    pub status: Option<EventStatus>,
    /// Of which rule.
    pub rule_id: Option<i64>,
    /// Which of them now.
    pub page: Page,
}

impl common::Paged for AlertQuestion {
    fn page(&mut self) -> &mut Page {
        &mut self.page
    }
}

/// What `ops/alert-events` takes.
pub const ALERT_EVENTS: &[Parameter<AlertQuestion>] = &[
    Parameter {
        name: "status",
        about: "How they stand; without it, all.",
        takes: words_of!(EventStatus),
        read: |q, text| word(text).map(|word| q.status = Some(word)),
    },
    Parameter {
        name: "rule_id",
        about: "Events of one rule.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.rule_id = Some(id)),
    },
    common::page("Page, from 1."),
    common::page_size("Rows per page: 1 to 500; without it 50."),
];

/// Reads the query string of `ops/alert-events`.
pub fn parse_events(query: Option<&str>) -> Result<AlertQuestion, BadParameter> {
    let mut question = AlertQuestion {
        status: None,
        rule_id: None,
        page: common::first_page(Sort::Newest),
    };
    read_into(&mut question, &Pairs::parse(query)?, &[ALERT_EVENTS])?;
    Ok(question)
}
