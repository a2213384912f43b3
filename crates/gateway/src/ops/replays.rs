//! What can be asked of the failures of a replay.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use waybill_model::{
    retry::Verdict,
    view::{Page, Sort},
};

use super::{
    common,
    filter::{Parameter, Takes, read_into, word, words_of},
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

impl common::Paged for ItemsQuestion {
    fn page(&mut self) -> &mut Page {
        &mut self.page
    }
}

/// What `ops/replays/{id}/items` takes.
pub const ITEMS: &[Parameter<ItemsQuestion>] = &[
    Parameter {
        name: "verdict",
        about: "Those that came to this.",
        takes: words_of!(Verdict),
        read: |q, text| word(text).map(|verdict| q.verdict = Some(verdict)),
    },
    common::page("Page, from 1."),
    common::page_size("Rows per page: 1 to 500; without it 50."),
];

/// Reads the query string.
pub fn parse(query: Option<&str>) -> Result<ItemsQuestion, BadParameter> {
    let mut question = ItemsQuestion {
        verdict: None,
        page: common::first_page(Sort::Oldest),
    };
    read_into(&mut question, &Pairs::parse(query)?, &[ITEMS])?;
    Ok(question)
}
