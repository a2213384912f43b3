//! What can be asked of an objective's statement.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use waybill_model::{objective::MOST_DAYS, time::UnixMillis, words};

use super::{
    common,
    filter::{Parameter, Takes, read_into, word, words_of},
    query::{BadParameter, Pairs},
    time_range,
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
    common::time_range("A window that ends now. Without any window: the objective's own."),
    common::start_time("From this instant on. At most 90 days before the end."),
    common::end_time("Before this instant, now at the latest; now, if there is a start alone."),
    Parameter {
        name: "format",
        about: "`json`, the default; `csv`: a line for the window, per day, and per kind of failure that does not count; `ledger`: a line per failure that does not count.",
        takes: words_of!(Format),
        read: |q, text| word(text).map(|word| q.format = word),
    },
];

/// The longest window: what roll-ups of hours reach.
const MOST_MS: i64 = MOST_DAYS as i64 * 24 * 3_600_000;

/// Reads the query string of `objectives/{id}/statement`, of an objective over `window_ms`.
pub fn parse(
    query: Option<&str>,
    window_ms: i64,
    now: UnixMillis,
) -> Result<StatementQuestion, BadParameter> {
    let pairs = Pairs::parse(query)?;
    let mut question = StatementQuestion {
        start: now,
        end: now,
        format: Format::Json,
    };
    read_into(&mut question, &pairs, &[STATEMENT])?;
    let (start, end) = time_range::window_of(&pairs, window_ms, MOST_MS, now)?;
    // Nothing can be stated of what is to come. What arrived in this very millisecond belongs to "until now".
    let end = end.min(now.plus_ms(1));
    if start >= end {
        let message = "it is not in the past";
        return Err(BadParameter::malformed(time_range::START_TIME, message));
    }
    (question.start, question.end) = (start, end);
    Ok(question)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
    const DAY_MS: i64 = 24 * 3_600_000;

    #[test]
    fn a_statement_is_of_the_objectives_own_window_and_never_of_the_future() {
        let window = |query: &str| {
            let asked = parse(Some(query), 7 * DAY_MS, NOW)?;
            Ok::<_, BadParameter>((asked.start, asked.end))
        };
        let until_now = NOW.plus_ms(1);
        assert_eq!(
            window("").unwrap(),
            (until_now.plus_ms(-7 * DAY_MS), until_now)
        );
        let quarter = format!("start_time={}", NOW.plus_ms(-89 * DAY_MS));
        assert_eq!(window(&quarter).unwrap().0, NOW.plus_ms(-89 * DAY_MS));
        let tomorrow = format!("{quarter}&end_time={}", NOW.plus_ms(DAY_MS));
        assert_eq!(window(&tomorrow).unwrap().1, until_now);
        let year = format!("start_time={}", NOW.plus_ms(-365 * DAY_MS));
        assert_eq!(window(&year).unwrap_err().parameter, "start_time");
        let ahead = format!(
            "start_time={}&end_time={}",
            NOW.plus_ms(DAY_MS),
            NOW.plus_ms(2 * DAY_MS)
        );
        assert_eq!(window(&ahead).unwrap_err().parameter, "start_time");
    }
}
