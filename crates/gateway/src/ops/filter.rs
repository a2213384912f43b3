//! Query string to [`Filter`] and [`Page`]: one table says which parameters there are.
//!
//! The API's documentation and the command line's flags are made from the same table. Promises: a
//! value is understood or refused with its parameter's name. Must not know: the clock; now is an
//! argument.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use waybill_model::{
    cause::{Cause, ErrorType, Owner, Phase, Severity, Source},
    protocol::Platform,
    time::UnixMillis,
    view::{Filter, Page, Sort, View},
};

use super::{
    common,
    query::{BadParameter, Pairs},
    time_range::{self, TimeRange},
};

/// Rows per page when nothing is asked for.
pub const DEFAULT_PAGE_SIZE: u32 = 50;

/// Most rows per page.
pub const MAX_PAGE_SIZE: u32 = 500;

/// Most statuses in one filter.
const MAX_STATUS_CODES: usize = 64;

/// Longest text to be looked for, in bytes; every row is read for it.
const MAX_TEXT_BYTES: usize = 512;

/// One parameter of a list, which is read into `Q`.
pub struct Parameter<Q = Question> {
    /// Its name.
    pub name: &'static str,
    /// What it narrows, for the documentation and the command line.
    pub about: &'static str,
    /// What it takes.
    pub takes: Takes,
    pub(super) read: fn(&mut Q, &str) -> Result<(), String>,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// A positive whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// An RFC 3339 time.
    Time,
    /// Any text.
    Text,
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
}

/// The spellings of a closed set of words.
macro_rules! words_of {
    ($words:ident) => {
        Takes::Word(|| $words::ALL.iter().map(|word| word.as_str()).collect())
    };
}
pub(super) use words_of;

/// What was asked for: which rows, and which of them now.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Which rows.
    pub filter: Filter,
    /// Which of them now.
    pub page: Page,
}

impl common::Paged for Question {
    fn page(&mut self) -> &mut Page {
        &mut self.page
    }
}

/// Reads the query string of `errors`, `upstream-errors` and `requests`.
///
/// Without a window it covers the last 24 hours; where one request is asked for by its id, 30 days.
pub fn parse(query: Option<&str>, now: UnixMillis) -> Result<Question, BadParameter> {
    read(
        query,
        &[WINDOW, FILTERS, ORDER, NUMBERS],
        DEFAULT_PAGE_SIZE,
        now,
    )
}

/// Reads the query string of a question about all errors that a filter chooses.
pub fn parse_chosen(query: Option<&str>, now: UnixMillis) -> Result<Filter, BadParameter> {
    read(query, &[WINDOW, FILTERS], DEFAULT_PAGE_SIZE, now).map(|question| question.filter)
}

/// Reads the filters of errors that are sent again, given by name and value, and answers them as they are kept:
/// with a window that does not move. Without one it covers the last 24 hours, or 30 days where an issue, or one
/// request by its id, is asked for.
pub fn keep_chosen(
    given: BTreeMap<String, String>,
    now: UnixMillis,
) -> Result<(Filter, BTreeMap<String, String>), BadParameter> {
    if given.get("replay").is_some_and(|replay| replay == "true") {
        let message = "what an operator sent again is not sent again itself";
        return Err(BadParameter::malformed("replay", message));
    }
    let pairs = Pairs::of(given.clone());
    let mut question = empty(DEFAULT_PAGE_SIZE, now);
    read_into(&mut question, &pairs, &[WINDOW, FILTERS])?;
    let mut filter = question.filter;
    let default = match filter.issue.is_some() || is_by_id(&filter) {
        true => TimeRange::Month,
        false => TimeRange::Day,
    };
    (filter.start, filter.end) = time_range::window(&pairs, default, now)?;
    let mut kept = given;
    kept.retain(|name, _| !time_range::NAMES.contains(&name.as_str()));
    for (name, at) in [
        (time_range::START_TIME, filter.start),
        (time_range::END_TIME, filter.end),
    ] {
        kept.insert(name.to_owned(), at.to_string());
    }
    filter.replay = Some(false);
    Ok((filter, kept))
}

/// Reads filters that were kept.
pub fn read_chosen(kept: &BTreeMap<String, String>) -> Result<Filter, BadParameter> {
    // Both ends of the window are given, so it does not matter when now is.
    keep_chosen(kept.clone(), UnixMillis(0)).map(|(filter, _)| filter)
}

/// Reads the query string of a question about a window of time, and nothing else: from, and before.
pub fn parse_span(
    query: Option<&str>,
    now: UnixMillis,
) -> Result<(UnixMillis, UnixMillis), BadParameter> {
    let question = read(query, &[WINDOW], DEFAULT_PAGE_SIZE, now)?;
    Ok((question.filter.start, question.filter.end))
}

/// Reads the query string of a list that only time narrows.
pub fn parse_window(query: Option<&str>, now: UnixMillis) -> Result<Question, BadParameter> {
    read(query, &[WINDOW, ORDER, NUMBERS], DEFAULT_PAGE_SIZE, now)
}

/// Reads the query string of a list that nothing narrows.
pub fn parse_page(query: Option<&str>) -> Result<Page, BadParameter> {
    // The window is not looked at, so it does not matter when now is.
    read(query, &[ORDER, NUMBERS], DEFAULT_PAGE_SIZE, UnixMillis(0)).map(|question| question.page)
}

/// Reads the query string of a list so small that it is usually taken whole.
pub fn parse_small_page(query: Option<&str>) -> Result<Page, BadParameter> {
    read(query, &[NUMBERS], MAX_PAGE_SIZE, UnixMillis(0)).map(|question| question.page)
}

/// Reads the query string of the live stream: any failure from the start on, whenever its request arrived.
pub fn parse_live(query: Option<&str>) -> Result<Filter, BadParameter> {
    let mut question = Question {
        filter: Filter::between(UnixMillis(i64::MIN), UnixMillis(i64::MAX)),
        page: common::first_page(Sort::Oldest),
    };
    read_into(&mut question, &Pairs::parse(query)?, &[SINCE, FILTERS])?;
    Ok(question.filter)
}

/// Refuses every parameter: for what takes none.
pub fn parse_nothing(query: Option<&str>) -> Result<(), BadParameter> {
    read(query, &[], DEFAULT_PAGE_SIZE, UnixMillis(0)).map(drop)
}

fn read(
    query: Option<&str>,
    tables: &[&[Parameter]],
    page_size: u32,
    now: UnixMillis,
) -> Result<Question, BadParameter> {
    let pairs = Pairs::parse(query)?;
    let mut question = empty(page_size, now);
    read_into(&mut question, &pairs, tables)?;
    let default = if is_by_id(&question.filter) {
        TimeRange::Month
    } else {
        TimeRange::Day
    };
    (question.filter.start, question.filter.end) = time_range::window(&pairs, default, now)?;
    Ok(question)
}

/// The first page of everything that arrived in no time at all.
fn empty(page_size: u32, now: UnixMillis) -> Question {
    Question {
        filter: Filter::between(now, now),
        page: Page {
            sort: Sort::Newest,
            page: 1,
            page_size,
            cursor: None,
        },
    }
}

/// Whether one request is asked for.
fn is_by_id(filter: &Filter) -> bool {
    filter.request_id.is_some() || filter.client_request_id.is_some()
}

/// Reads every parameter by the tables; one that is in none of them is refused.
pub(super) fn read_into<Q>(
    question: &mut Q,
    pairs: &Pairs,
    tables: &[&[Parameter<Q>]],
) -> Result<(), BadParameter> {
    let known = || tables.iter().copied().flatten();
    for (name, value) in pairs.iter() {
        let parameter = known()
            .find(|parameter| parameter.name == name)
            .ok_or_else(|| BadParameter::unknown(name, known().map(|parameter| parameter.name)))?;
        (parameter.read)(question, value)
            .map_err(|message| BadParameter::malformed(name, message))?;
    }
    Ok(())
}

/// The window's parameters. They depend on each other and are read together, in [`time_range`].
pub const WINDOW: &[Parameter] = &[
    common::time_range(
        "A window that ends now. Without any window: the last 24 hours, or 30 days where a request is asked for by its id.",
    ),
    common::start_time("From this instant on. At most 30 days before the end."),
    common::end_time("Before this instant; now, if there is a start alone."),
];

/// The window of the live stream, which has no end.
pub const SINCE: &[Parameter] = &[Parameter {
    name: "start_time",
    about: "Requests that arrived at this instant or later.",
    takes: Takes::Time,
    read: |q, text| {
        let start = time_range::instant("start_time", text).map_err(|bad| bad.message)?;
        q.filter.start = start;
        Ok(())
    },
}];

/// What rows are narrowed by.
pub const FILTERS: &[Parameter] = &[
    Parameter {
        name: "platform",
        about: "Platform of the account.",
        takes: words_of!(Platform),
        read: |q, text| word(text).map(|word| q.filter.platform = Some(word)),
    },
    Parameter {
        name: "group_id",
        about: "Group.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.filter.group_id = Some(id)),
    },
    Parameter {
        name: "account_id",
        about: "Account: of the last attempt, or of the attempt itself.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.filter.account_id = Some(id)),
    },
    Parameter {
        name: "api_key_id",
        about: "API key.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.filter.api_key_id = Some(id)),
    },
    Parameter {
        name: "user_id",
        about: "User.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.filter.user_id = Some(id)),
    },
    Parameter {
        name: "model",
        about: "Model, exact.",
        takes: Takes::Text,
        read: |q, text| some_text(text).map(|text| q.filter.model = Some(text)),
    },
    Parameter {
        name: "status_codes",
        about: "Any of these statuses, separated by commas.",
        takes: Takes::Text,
        read: |q, text| statuses(text).map(|codes| q.filter.status_codes = codes),
    },
    Parameter {
        name: "phase",
        about: "Stage in which it failed.",
        takes: words_of!(Phase),
        read: |q, text| word(text).map(|word| q.filter.phase = Some(word)),
    },
    Parameter {
        name: "type",
        about: "Error type the client was shown.",
        takes: words_of!(ErrorType),
        read: |q, text| word(text).map(|word| q.filter.error_type = Some(word)),
    },
    Parameter {
        name: "cause",
        about: "What really happened.",
        takes: words_of!(Cause),
        read: |q, text| word(text).map(|word| q.filter.cause = Some(word)),
    },
    Parameter {
        name: "severity",
        about: "Urgency.",
        takes: words_of!(Severity),
        read: |q, text| word(text).map(|word| q.filter.severity = Some(word)),
    },
    Parameter {
        name: "owner",
        about: "Whose fault.",
        takes: words_of!(Owner),
        read: |q, text| word(text).map(|word| q.filter.owner = Some(word)),
    },
    Parameter {
        name: "source",
        about: "Who spoke to the client.",
        takes: words_of!(Source),
        read: |q, text| word(text).map(|word| q.filter.source = Some(word)),
    },
    Parameter {
        name: "resolved",
        about: "Marked as dealt with.",
        takes: Takes::Flag,
        read: |q, text| flag(text).map(|flag| q.filter.resolved = Some(flag)),
    },
    Parameter {
        name: "recovered",
        about: "Succeeded after hidden failures. Without it, `errors` leaves such requests out.",
        takes: Takes::Flag,
        read: |q, text| flag(text).map(|flag| q.filter.recovered = Some(flag)),
    },
    Parameter {
        name: "stream",
        about: "A stream was asked for.",
        takes: Takes::Flag,
        read: |q, text| flag(text).map(|flag| q.filter.stream = Some(flag)),
    },
    Parameter {
        name: "replay",
        about: "Requests that an operator sent again, and no others; or none of them. Without it, `errors` leaves them out, unless a request is asked for by its id.",
        takes: Takes::Flag,
        read: |q, text| flag(text).map(|flag| q.filter.replay = Some(flag)),
    },
    Parameter {
        name: "view",
        about: "`errors`: what counts against the service; `excluded`: business limits and the client's own doing; `all`, the default: both.",
        takes: words_of!(View),
        read: |q, text| word(text).map(|word| q.filter.view = word),
    },
    Parameter {
        name: "q",
        about: "Text in message, ids, model or upstream message, in either case.",
        takes: Takes::Text,
        read: |q, text| {
            // An empty search box looks for nothing in particular.
            q.filter.q = if text.is_empty() {
                None
            } else {
                Some(some_text(text)?)
            };
            Ok(())
        },
    },
    Parameter {
        name: "request_id",
        about: "The gateway's id of one request.",
        takes: Takes::Text,
        read: |q, text| some_text(text).map(|text| q.filter.request_id = Some(text)),
    },
    Parameter {
        name: "client_request_id",
        about: "The id the client gave its request.",
        takes: Takes::Text,
        read: |q, text| some_text(text).map(|text| q.filter.client_request_id = Some(text)),
    },
    Parameter {
        name: "fingerprint",
        about: "Failures of one kind.",
        takes: Takes::Text,
        read: |q, text| fingerprint(text).map(|text| q.filter.fingerprint = Some(text)),
    },
    Parameter {
        name: "issue",
        about: "Failures of one issue.",
        takes: Takes::Text,
        read: |q, text| fingerprint(text).map(|text| q.filter.issue = Some(text)),
    },
    Parameter {
        name: "after_id",
        about: "Rows written after the one with this id: what is new since the last look, however long ago its request arrived.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.filter.after_id = Some(id)),
    },
];

/// In which order, and from where on.
pub const ORDER: &[Parameter] = &[
    common::sort(),
    common::cursor(
        "The `next_cursor` of the page before: no row is missed or repeated while rows come in.",
    ),
];

/// Pages by number.
pub const NUMBERS: &[Parameter] = &[
    common::page(common::PAGE_OR_CURSOR),
    common::page_size("Rows per page: 1 to 500; without it 50, and 500 where lists are small."),
];

pub(super) fn word<T>(text: &str) -> Result<T, String>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|unknown: T::Err| unknown.to_string())
}

pub(super) fn id<T: FromStr>(text: &str) -> Result<T, String> {
    // Digits alone: a sign is no part of an id.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| "an id is a whole number".to_owned())
}

pub(super) fn number(text: &str, most: u32) -> Result<u32, String> {
    id(text)
        .ok()
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| match most {
            u32::MAX => "a whole number from 1 on is needed".to_owned(),
            most => format!("a whole number from 1 to {most} is needed"),
        })
}

pub(super) fn flag(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| "either `true` or `false` is needed".to_owned())
}

pub(super) fn some_text(text: &str) -> Result<String, String> {
    match text.len() {
        0 => Err("it is empty".to_owned()),
        1..=MAX_TEXT_BYTES => Ok(text.to_owned()),
        _ => Err(format!("it is longer than {MAX_TEXT_BYTES} bytes")),
    }
}

fn statuses(text: &str) -> Result<Vec<u16>, String> {
    let status = |text: &str| {
        id(text.trim())
            .ok()
            .filter(|status| (100..=999).contains(status))
    };
    let codes: Option<Vec<u16>> = text.split(',').map(status).collect();
    codes
        .filter(|codes| codes.len() <= MAX_STATUS_CODES)
        .ok_or_else(|| format!("at most {MAX_STATUS_CODES} statuses with commas between are needed, such as 429,529"))
}

pub(super) fn fingerprint(text: &str) -> Result<String, String> {
    let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("a fingerprint is 32 hexadecimal digits".to_owned())
    }
}

#[cfg(test)]
mod tests;
