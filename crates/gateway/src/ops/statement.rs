//! What can be asked of an objective's statement.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use waybill_model::{time::UnixMillis, words};

use super::{
    common,
    filter::{Parameter, Takes, read_into, word, words_of},
    query::{BadParameter, Pairs},
    time_range::{self, TimeRange},
};

words! {
    /// How a statement is written.
    pub enum Format {
        /// All of it.
        Json = "json",
        /// Its days, as a table.
        Csv = "csv",
        /// Each failure that does not count, as a table.
        Ledger = "ledger",
    }
}

/// Which statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementQuestion {
    /// From this instant on.
    pub start: UnixMillis,
    /// Before this instant.
    pub end: UnixMillis,
    /// How it is written.
    pub format: Format,
}

/// What `objectives/{id}/statement` takes.
pub const STATEMENT: &[Parameter<StatementQuestion>] = &[
    common::time_range("A window that ends now. Without any window: the last 30 days."),
    common::start_time("From this instant on. At most 30 days before the end."),
    common::end_time("Before this instant; now, if there is a start alone."),
    Parameter {
        name: "format",
        about: "`json`, the default; `csv`: a line per day; `ledger`: a line per failure that does not count.",
        takes: words_of!(Format),
        read: |q, text| word(text).map(|word| q.format = word),
    },
];

/// Reads the query string of `objectives/{id}/statement`.
pub fn parse(query: Option<&str>, now: UnixMillis) -> Result<StatementQuestion, BadParameter> {
    let pairs = Pairs::parse(query)?;
    let mut question = StatementQuestion {
        start: now,
        end: now,
        format: Format::Json,
    };
    read_into(&mut question, &pairs, &[STATEMENT])?;
    (question.start, question.end) = time_range::window(&pairs, TimeRange::Month, now)?;
    Ok(question)
}
