//! What a reader is told, as server-sent events. Pure.
//!
//! Every event has an `id`: the place from which a client that comes back goes on.

use std::{fmt::Write as _, time::Duration};

use bytes::Bytes;
use serde::Serialize;
use waybill_model::{
    id::ErrorId,
    view::{ErrorLog, MissedErrors, TailBegins},
};

/// The first event: where the reader begins, and how long a client rests before it comes back.
pub(super) fn hello(begins: TailBegins, retry: Duration) -> Bytes {
    let mut text = format!("retry: {}\n", retry.as_millis());
    event(&mut text, "hello", begins.after_id, &begins);
    text.into()
}

/// Failures, and before them what was passed over.
pub(super) fn page(missed: Option<&MissedErrors>, errors: &[ErrorLog]) -> Bytes {
    let mut text = String::new();
    if let Some(missed) = missed {
        event(&mut text, "missed", missed.up_to_id, missed);
    }
    for error in errors {
        event(&mut text, "error", error.id, error);
    }
    text.into()
}

/// Nothing happened. The id alone is no event, but a client that comes back brings it.
pub(super) fn alive(reached: ErrorId) -> Bytes {
    format!(": alive\nid: {reached}\n\n").into()
}

/// Why it ends here.
pub(super) fn goodbye(why: &str) -> Bytes {
    format!(": {why}\n\n").into()
}

fn event(text: &mut String, name: &str, id: ErrorId, data: &impl Serialize) {
    // These are plain structs; none of them can fail.
    let data = serde_json::to_string(data).unwrap_or_default();
    let _ = write!(text, "event: {name}\nid: {id}\ndata: {data}\n\n");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(bytes: &Bytes) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn every_event_carries_the_place_to_come_back_to() {
        let begins = TailBegins {
            after_id: ErrorId(7),
            newest_id: ErrorId(9),
        };
        assert_eq!(
            text(&hello(begins, Duration::from_secs(1))),
            "retry: 1000\nevent: hello\nid: 7\ndata: {\"after_id\":7,\"newest_id\":9}\n\n"
        );
        let missed = MissedErrors {
            after_id: ErrorId(7),
            up_to_id: ErrorId(9),
            count: 2,
            count_is_estimate: false,
        };
        assert_eq!(
            text(&page(Some(&missed), &[])),
            "event: missed\nid: 9\ndata: {\"after_id\":7,\"up_to_id\":9,\"count\":2,\"count_is_estimate\":false}\n\n"
        );
        assert_eq!(text(&alive(ErrorId(9))), ": alive\nid: 9\n\n");
    }
}
