//! From a filter to the words that a block of errors must have for a row of it to match.
//!
//! Promises: only what is true of every row that matches; rows are tested all the same. Must not know: blocks.

use waybill_model::view::{Filter, View};

use crate::{
    blocks::{Word, pieces_of_query},
    sql::{storable, unhex},
};

/// More alternatives than this tell blocks apart badly.
const MOST_ALTERNATIVES: usize = 64;

/// All of these; of each, one or more.
#[derive(Debug, Default)]
pub(super) struct Wanted(Vec<Vec<String>>);

impl Wanted {
    /// What the error list wants.
    pub(super) fn of_errors(filter: &Filter) -> Self {
        let mut wanted = Wanted::default();
        wanted.flag("recovered", Some(filter.recovered.unwrap_or(false)));
        wanted.flag("replay", Some(filter.replay.unwrap_or(false)));
        wanted.text("platform", filter.platform.map(|word| word.as_str()));
        wanted.number("account", filter.account_id.map(|id| id.0));
        wanted.text("cause", filter.cause.map(|word| word.as_str()));
        wanted.text("model", filter.model.as_deref());
        wanted.statuses("status", &filter.status_codes);
        wanted.shared(filter);
        wanted
    }

    /// What the list of failed attempts wants.
    pub(super) fn of_attempts(filter: &Filter) -> Self {
        let mut wanted = Wanted::default();
        wanted.flag("recovered", filter.recovered);
        wanted.flag("replay", filter.replay);
        wanted.text(
            "attempt.platform",
            filter.platform.map(|word| word.as_str()),
        );
        wanted.number("attempt.account", filter.account_id.map(|id| id.0));
        wanted.text("attempt.cause", filter.cause.map(|word| word.as_str()));
        wanted.statuses("attempt.status", &filter.status_codes);
        if let Some(model) = &filter.model {
            let model = storable(model);
            wanted.any_of(["attempt.model", "model"].map(|name| Word::of(name, model.as_bytes())));
        }
        wanted.shared(filter);
        wanted
    }

    fn shared(&mut self, filter: &Filter) {
        self.flag("stream", filter.stream);
        self.number("group", filter.group_id.map(|id| id.0));
        self.number("key", filter.api_key_id.map(|id| id.0));
        self.number("user", filter.user_id.map(|id| id.0));
        self.text("phase", filter.phase.map(|word| word.as_str()));
        self.text("type", filter.error_type.map(|word| word.as_str()));
        self.text("severity", filter.severity.map(|word| word.as_str()));
        self.text("owner", filter.owner.map(|word| word.as_str()));
        self.text("source", filter.source.map(|word| word.as_str()));
        self.flag("resolved", filter.resolved);
        if filter.view != View::All {
            self.text("view", Some(filter.view.as_str()));
        }
        let of_kind = |hex: &String| Word::of("fingerprint", &unhex(hex).unwrap_or_default());
        self.any_of(filter.fingerprint.iter().map(of_kind));
        self.any_of(filter.fingerprints.iter().map(of_kind));
        if let Some(q) = &filter.q {
            self.0.extend(
                pieces_of_query(&storable(q))
                    .into_iter()
                    .map(|piece| vec![piece]),
            );
        }
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        self.any_of(value.map(|value| Word::of(name, storable(value).as_bytes())));
    }

    fn number(&mut self, name: &str, value: Option<i64>) {
        self.any_of(value.map(|value| Word::of(name, value.to_string().as_bytes())));
    }

    fn flag(&mut self, name: &str, value: Option<bool>) {
        self.number(name, value.map(i64::from));
    }

    fn statuses(&mut self, name: &str, codes: &[u16]) {
        self.any_of(
            codes
                .iter()
                .map(|code| Word::of(name, code.to_string().as_bytes())),
        );
    }

    /// None given narrows nothing.
    fn any_of(&mut self, words: impl IntoIterator<Item = Word>) {
        let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
        if (1..=MOST_ALTERNATIVES).contains(&words.len()) {
            self.0.push(words);
        }
    }

    /// As the index of words is asked; `None` where nothing is wanted.
    pub(super) fn question(&self) -> Option<String> {
        let all: Vec<String> = self
            .0
            .iter()
            .map(|any| match any.as_slice() {
                [one] => one.clone(),
                many => format!("({})", many.join(" OR ")),
            })
            .collect();
        (!all.is_empty()).then(|| all.join(" AND "))
    }
}
