//! What can be asked of a report's preview.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use waybill_model::words;

use super::{
    filter::{Parameter, Takes, read_into, word, words_of},
    query::{BadParameter, Pairs},
};

words! {
    /// As what a report is shown.
    pub enum Form {
        /// Its numbers.
        Json = "json",
        /// As mail shows it.
        Html = "html",
        /// The same without markup.
        Text = "text",
    }
}

/// What a preview takes.
pub const PREVIEW: &[Parameter<Form>] = &[Parameter {
    name: "as",
    about: "As what it is shown; `json` when absent.",
    takes: words_of!(Form),
    read: |form, text| word(text).map(|word| *form = word),
}];

/// Reads the query string of a preview.
pub fn parse(query: Option<&str>) -> Result<Form, BadParameter> {
    let mut form = Form::Json;
    read_into(&mut form, &Pairs::parse(query)?, &[PREVIEW])?;
    Ok(form)
}
