//! What can be asked about accounts: their events, and which of them are available.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use waybill_model::{
    id::{AccountEventId, AccountId, GroupId, RequestId},
    protocol::Platform,
    state::AccountEventKind,
    time::UnixMillis,
};

use super::{
    common,
    filter::{
        DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Parameter, Takes, id, number, read_into, some_text, word,
        words_of,
    },
    query::{BadParameter, Pairs},
    time_range::{self, TimeRange},
};

/// Which events of an account, and its state at which moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuestion {
    /// From this instant on.
    pub start: UnixMillis,
    /// Before this instant.
    pub end: UnixMillis,
    /// What they say.
    pub kind: Option<AccountEventKind>,
    /// The request that caused them.
    pub request_id: Option<RequestId>,
    /// The moment whose state is wanted; `None` is now.
    pub at: Option<UnixMillis>,
    /// Rows per page.
    pub page_size: u32,
    /// Those before this one.
    pub before: Option<AccountEventId>,
}

/// What `accounts/{id}/events` takes.
pub const EVENTS: &[Parameter<EventQuestion>] = &[
    common::time_range("A window that ends now. Without any window: every event that is kept."),
    common::start_time("From this instant on. At most 30 days before the end."),
    common::end_time("Before this instant; now, if there is a start alone."),
    Parameter {
        name: "at",
        about: "A moment: `state` is the account's as it was then, and without a window the events are those up to it.",
        takes: Takes::Time,
        read: |_, _| Ok(()),
    },
    Parameter {
        name: "kind",
        about: "What the events say.",
        takes: words_of!(AccountEventKind),
        read: |q, text| word(text).map(|word| q.kind = Some(word)),
    },
    Parameter {
        name: "request_id",
        about: "The request that caused them.",
        takes: Takes::Text,
        read: |q, text| {
            let bad = |_| "not the id of a request".to_owned();
            text.parse().map(|id| q.request_id = Some(id)).map_err(bad)
        },
    },
    Parameter {
        name: "page_size",
        about: "Rows per page: 1 to 500; without it 50.",
        takes: Takes::Number,
        read: |q, text| number(text, MAX_PAGE_SIZE).map(|size| q.page_size = size),
    },
    Parameter {
        name: "cursor",
        about: "The `next_cursor` of the page before.",
        takes: Takes::Text,
        read: |q, text| {
            let id: Result<AccountEventId, _> = id(text);
            id.map(|id| q.before = Some(id))
                .map_err(|_| "it is none that this list has given".to_owned())
        },
    },
];

/// Reads the query string of `accounts/{id}/events`.
pub fn parse_events(query: Option<&str>, now: UnixMillis) -> Result<EventQuestion, BadParameter> {
    let pairs = Pairs::parse(query)?;
    let mut question = EventQuestion {
        start: UnixMillis(0),
        end: now.plus_ms(1),
        kind: None,
        request_id: None,
        at: None,
        page_size: DEFAULT_PAGE_SIZE,
        before: None,
    };
    read_into(&mut question, &pairs, &[EVENTS])?;
    if let Some(text) = pairs.get("at") {
        let at = time_range::instant("at", text)?;
        question.at = Some(at);
        question.end = at.plus_ms(1);
    }
    if let Some(window) = common::window_if_any(&pairs, TimeRange::Day, now)? {
        (question.start, question.end) = window;
    }
    Ok(question)
}

/// Which accounts, and for which model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AvailabilityQuestion {
    /// Of this platform.
    pub platform: Option<Platform>,
    /// Of this group.
    pub group_id: Option<GroupId>,
    /// This one.
    pub account_id: Option<AccountId>,
    /// For this model, as it is sent to the provider; with a group, as clients name it.
    pub model: Option<String>,
}

/// What `ops/account-availability` takes.
pub const AVAILABILITY: &[Parameter<AvailabilityQuestion>] = &[
    Parameter {
        name: "platform",
        about: "Accounts of this platform.",
        takes: words_of!(Platform),
        read: |q, text| word(text).map(|word| q.platform = Some(word)),
    },
    Parameter {
        name: "group_id",
        about: "Accounts of this group.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.group_id = Some(id)),
    },
    Parameter {
        name: "account_id",
        about: "This account.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.account_id = Some(id)),
    },
    Parameter {
        name: "model",
        about: "Accounts that serve this model, and whether they can do so now: as it is sent to the provider or, with `group_id`, as clients name it.",
        takes: Takes::Text,
        read: |q, text| some_text(text).map(|text| q.model = Some(text)),
    },
];

/// Reads the query string of `ops/account-availability`.
pub fn parse_availability(query: Option<&str>) -> Result<AvailabilityQuestion, BadParameter> {
    let mut question = AvailabilityQuestion::default();
    read_into(&mut question, &Pairs::parse(query)?, &[AVAILABILITY])?;
    Ok(question)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn without_a_window_every_event_is_asked_for_and_a_moment_ends_it() {
        let all = parse_events(None, NOW).unwrap();
        assert_eq!(
            (all.start, all.end, all.at),
            (UnixMillis(0), NOW.plus_ms(1), None)
        );
        let then = parse_events(Some("at=2027-01-14T08:00:00Z&kind=rate_limited"), NOW).unwrap();
        assert_eq!(then.end, then.at.unwrap().plus_ms(1));
        assert_eq!(then.kind, Some(AccountEventKind::RateLimited));
        let hour = parse_events(Some("time_range=1h&at=2027-01-14T08:00:00Z"), NOW).unwrap();
        assert_eq!(hour.end, NOW.plus_ms(1));
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        for (query, parameter) in [
            ("at=yesterday", "at"),
            ("kind=tired", "kind"),
            ("request_id=7", "request_id"),
            ("cursor=x", "cursor"),
            ("page_size=0", "page_size"),
            ("time_range=2h", "time_range"),
            ("model=m", "model"),
        ] {
            assert_eq!(
                parse_events(Some(query), NOW).unwrap_err().parameter,
                parameter
            );
        }
        assert_eq!(
            parse_availability(Some("account_id=x"))
                .unwrap_err()
                .parameter,
            "account_id"
        );
        assert_eq!(
            parse_availability(Some("page=1")).unwrap_err().parameter,
            "page"
        );
    }
}
