//! What a failed request can be written as.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use super::{
    filter::{Parameter, Takes, read_into, word, words_of},
    query::{BadParameter, Pairs},
};
use crate::replay::code::Language;

/// What `errors/{id}/code` takes.
pub const CODE: &[Parameter<Language>] = &[Parameter {
    name: "as",
    about: "What the request is written as; without it, a `curl` command. `body`: the exact body alone.",
    takes: words_of!(Language),
    read: |language, text| word(text).map(|word| *language = word),
}];

/// Reads the query string of `errors/{id}/code`.
pub fn parse(query: Option<&str>) -> Result<Language, BadParameter> {
    let mut language = Language::Curl;
    read_into(&mut language, &Pairs::parse(query)?, &[CODE])?;
    Ok(language)
}
