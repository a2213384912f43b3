//! What can be asked of the failures of a replay.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use waybill_model::{
    retry::Verdict,
    view::{Page, Sort},
};

use super::{
    filter::{
        DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Parameter, Takes, number, read_into, word, words_of,
    },
    query::{BadParameter, Pairs},
};

/// Which failures, and which of them now.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemsQuestion {
    /// Those that came to this; `None`: all.
    pub verdict: Option<Verdict>,
    /// Which of them now.
    pub page: Page,
}

/// What `ops/replays/{id}/items` takes.
pub const ITEMS: &[Parameter<ItemsQuestion>] = &[
    Parameter {
        name: "verdict",
        about: "Those that came to this.",
        takes: words_of!(Verdict),
        read: |q, text| word(text).map(|verdict| q.verdict = Some(verdict)),
    },
    Parameter {
        name: "page",
        about: "Page, from 1.",
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

/// Reads the query string.
pub fn parse(query: Option<&str>) -> Result<ItemsQuestion, BadParameter> {
    let mut question = ItemsQuestion {
        verdict: None,
        page: Page {
            sort: Sort::Oldest,
            page: 1,
            page_size: DEFAULT_PAGE_SIZE,
            cursor: None,
        },
    };
    read_into(&mut question, &Pairs::parse(query)?, &[ITEMS])?;
    Ok(question)
}
