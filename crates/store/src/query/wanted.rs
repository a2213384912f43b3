//! From a filter to the words that a block of errors must have for a row of it to match.
//!
//! Promises: only what is true of every row that matches; rows are tested all the same. Must not know: blocks.

use waybill_model::view::{Filter, View};

use crate::{
    blocks::{CHANGING, Word, pieces_of_query},
    sql::{storable, unhex},
};

/// More alternatives than this tell blocks apart badly.
const MOST_ALTERNATIVES: usize = 64;

/// All of these; of each, one or more.
#[derive(Debug, Default)]
pub(super) struct Wanted(Vec<AnyOf>);

/// One of these words.
#[derive(Debug)]
struct AnyOf {
    words: Vec<String>,
    /// They say what never changes.
    lasts: bool,
}

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
            wanted.lasting(["attempt.model", "model"].map(|name| Word::of(name, model.as_bytes())));
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
        self.lasting(filter.fingerprint.iter().map(of_kind));
        self.lasting(filter.fingerprints.iter().map(of_kind));
        if let Some(q) = &filter.q {
            let pieces = pieces_of_query(&storable(q));
            self.0.extend(pieces.into_iter().map(|piece| AnyOf {
                words: vec![piece],
                lasts: true,
            }));
        }
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        let word = value.map(|value| Word::of(name, storable(value).as_bytes()));
        self.any_of(!CHANGING.contains(&name), word);
    }

    fn number(&mut self, name: &str, value: Option<i64>) {
        let word = value.map(|value| Word::of(name, value.to_string().as_bytes()));
        self.any_of(!CHANGING.contains(&name), word);
    }

    fn flag(&mut self, name: &str, value: Option<bool>) {
        self.number(name, value.map(i64::from));
    }

    fn statuses(&mut self, name: &str, codes: &[u16]) {
        self.lasting(
            codes
                .iter()
                .map(|code| Word::of(name, code.to_string().as_bytes())),
        );
    }

    fn lasting(&mut self, words: impl IntoIterator<Item = Word>) {
        self.any_of(true, words);
    }

    /// None given narrows nothing.
    fn any_of(&mut self, lasts: bool, words: impl IntoIterator<Item = Word>) {
        let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
        if (1..=MOST_ALTERNATIVES).contains(&words.len()) {
            self.0.push(AnyOf { words, lasts });
        }
    }

    /// As the index of words is asked; `None` where nothing is wanted.
    pub(super) fn question(&self) -> Option<String> {
        Self::ask(self.0.iter())
    }

    /// The same of what never changes alone: what a block must have that has changed since it was taken in.
    pub(super) fn lasting_question(&self) -> Option<String> {
        Self::ask(self.0.iter().filter(|any| any.lasts))
    }

    fn ask<'a>(all: impl Iterator<Item = &'a AnyOf>) -> Option<String> {
        let all: Vec<String> = all
            .map(|any| match any.words.as_slice() {
                [one] => one.clone(),
                many => format!("({})", many.join(" OR ")),
            })
            .collect();
        (!all.is_empty()).then(|| all.join(" AND "))
    }
}

#[cfg(test)]
mod tests {
    use waybill_model::{id::AccountId, time::UnixMillis};

    use super::*;

    #[test]
    fn of_a_block_that_has_changed_only_what_lasts_is_asked() {
        let mut filter = Filter::between(UnixMillis(0), UnixMillis(1));
        filter.resolved = Some(true);
        filter.view = View::Excluded;
        let lasting = Wanted::of_errors(&filter).lasting_question();
        let word = |name: &str, value: &str| Word::of(name, value.as_bytes()).to_string();
        let flags = format!("{} AND {}", word("recovered", "0"), word("replay", "0"));
        assert_eq!(lasting, Some(flags));
        filter.account_id = Some(AccountId(7));
        let wanted = Wanted::of_errors(&filter);
        let lasting = wanted.lasting_question().unwrap_or_default();
        assert!(lasting.contains(&word("account", "7")), "{lasting}");
        for changing in [word("resolved", "1"), word("view", "excluded")] {
            assert!(!lasting.contains(&changing), "{lasting}");
            assert!(wanted.question().is_some_and(|all| all.contains(&changing)));
        }
    }
}
