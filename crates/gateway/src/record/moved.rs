//! Up to when everything that was due here is where it belongs: in the embedded store, or the shared one.
//!
//! Promises: never too late; while records wait, as close as it was asked for often. Records go in the order in which
//! they came, so it is enough to count them: when as many are gone as were due at an instant, those are gone.
//!
//! Must not know: where they wait.

use std::collections::VecDeque;

use waybill_model::{time::UnixMillis, view::Books};

/// Instants that are remembered; of more, every other one is.
const MOST: usize = 4_096;

/// What was due when, as far as it is not gone.
#[derive(Debug, Default)]
pub(super) struct Moved {
    due: VecDeque<(UnixMillis, u64)>,
    up_to: UnixMillis,
}

impl Moved {
    /// Up to when everything that was due is gone, as the books are now.
    pub(super) fn note(&mut self, now: UnixMillis, books: &Books) -> UnixMillis {
        // The clock went back: of what lies ahead nothing is known.
        while self.due.back().is_some_and(|(at, _)| *at > now) {
            self.due.pop_back();
        }
        self.up_to = self.up_to.min(now);
        if books.spooled == 0 {
            self.due.clear();
            self.up_to = now;
            return now;
        }
        let gone = books.due.saturating_sub(books.spooled);
        while let Some((at, _)) = self.due.front().filter(|(_, due)| *due <= gone) {
            self.up_to = self.up_to.max(*at);
            self.due.pop_front();
        }
        if self.due.back().is_none_or(|(at, _)| *at < now) {
            self.due.push_back((now, books.due));
        }
        if self.due.len() > MOST {
            let mut is_kept = false;
            self.due.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
        }
        self.up_to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_there_up_to_when_as_much_was_due_as_is_gone() {
        let mut moved = Moved::default();
        let mut at = |now, due, spooled| {
            let books = Books {
                due,
                spooled,
                ..Books::default()
            };
            moved.note(UnixMillis(now), &books).0
        };
        // A start with a spool that was left behind.
        assert_eq!(at(100, 50, 20), 0);
        assert_eq!(at(110, 60, 25), 0);
        assert_eq!(at(120, 70, 20), 100);
        assert_eq!(at(130, 70, 0), 130);
        // Nothing is moved for a while.
        assert_eq!(at(140, 80, 5), 130);
        assert_eq!(at(150, 90, 15), 130);
        assert_eq!(at(160, 95, 10), 140);
        assert_eq!(at(170, 95, 5), 150);
        // A clock that went back.
        assert_eq!(at(120, 100, 5), 120);
        assert_eq!(at(130, 100, 0), 130);
    }

    #[test]
    fn what_waits_for_long_takes_no_more_room() {
        let mut moved = Moved::default();
        for second in 0..20_000_u64 {
            let books = Books {
                due: second,
                spooled: second + 1,
                ..Books::default()
            };
            moved.note(UnixMillis(second as i64), &books);
        }
        assert!(moved.due.len() <= MOST);
        let books = Books {
            due: 20_000,
            spooled: 10_000,
            ..Books::default()
        };
        let up_to = moved.note(UnixMillis(20_000), &books).0;
        assert!((9_900..=10_000).contains(&up_to), "{up_to}");
    }
}
