//! What can be asked of the log of deliveries.
//!
//! Promises: pure; a parameter is understood or refused by name. Must not know: the store, HTTP.

use waybill_model::{
    notify::{DeliveryState, NoticeKind},
    time::UnixMillis,
    view::{Page, Sort},
};
use waybill_store::DeliveryFilter;

use super::{
    common,
    filter::{Parameter, Takes, id, read_into, word, words_of},
    query::{BadParameter, Pairs},
    time_range::{self, TimeRange},
};

/// Which deliveries, and which of them now.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryQuestion {
    /// Which deliveries.
    pub filter: DeliveryFilter,
    /// Which of them now.
    pub page: Page,
}

impl common::Paged for DeliveryQuestion {
    fn page(&mut self) -> &mut Page {
        &mut self.page
    }
}

/// What `ops/notifications` takes.
pub const DELIVERIES: &[Parameter<DeliveryQuestion>] = &[
    common::time_range("A window that ends now. Without any window: the last 30 days."),
    common::start_time("From this instant on. At most 30 days before the end."),
    common::end_time("Before this instant; now, if there is a start alone."),
    Parameter {
        name: "channel_id",
        about: "To one channel.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.filter.channel_id = Some(id)),
    },
    Parameter {
        name: "state",
        about: "How it stands.",
        takes: words_of!(DeliveryState),
        read: |q, text| word(text).map(|word| q.filter.state = Some(word)),
    },
    Parameter {
        name: "kind",
        about: "What the notice says.",
        takes: words_of!(NoticeKind),
        read: |q, text| word(text).map(|word| q.filter.kind = Some(word)),
    },
    Parameter {
        name: "event_id",
        about: "Of one alert's event.",
        takes: Takes::Number,
        read: |q, text| id(text).map(|id| q.filter.event_id = Some(id)),
    },
    common::sort(),
    common::cursor(
        "The `next_cursor` of the page before: no row is missed or repeated while rows come in.",
    ),
    common::page(common::PAGE_OR_CURSOR),
    common::page_size("Rows per page: 1 to 500; without it 50."),
];

/// Reads the query string of `ops/notifications`.
pub fn parse(query: Option<&str>, now: UnixMillis) -> Result<DeliveryQuestion, BadParameter> {
    let pairs = Pairs::parse(query)?;
    let mut question = DeliveryQuestion {
        filter: DeliveryFilter {
            start: now,
            end: now,
            channel_id: None,
            state: None,
            kind: None,
            event_id: None,
        },
        page: common::first_page(Sort::Newest),
    };
    read_into(&mut question, &pairs, &[DELIVERIES])?;
    let (start, end) = time_range::window(&pairs, TimeRange::Month, now)?;
    (question.filter.start, question.filter.end) = (start, end);
    Ok(question)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn what_is_asked_of_the_log_is_read_or_refused_by_name() {
        let asked = parse(Some("state=failed&channel_id=3&event_id=9"), NOW).unwrap();
        assert_eq!(asked.filter.state, Some(DeliveryState::Failed));
        assert_eq!(asked.filter.event_id, Some(9));
        for (query, parameter) in [("state=lost", "state"), ("kind=x", "kind"), ("q=1", "q")] {
            assert_eq!(parse(Some(query), NOW).unwrap_err().parameter, parameter);
        }
    }
}
