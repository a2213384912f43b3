//! When the next request may leave: evenly, by the gateway's clock.
//!
//! Promises: between two of them is at least the gap that the rate allows; time that was lost is not made up for
//! in a burst; a clock that is set back makes nobody wait for longer than a gap.

use waybill_model::time::UnixMillis;

use super::TICK;
use crate::app::Shared;

const MINUTE_MS: i64 = 60_000;

/// The pace of one replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    gap_ms: i64,
    next: UnixMillis,
}

impl Pace {
    /// The pace of a replay whose last request left at `last`, maybe from another replica.
    pub fn after(last: Option<UnixMillis>, per_minute: u32, now: UnixMillis) -> Self {
        // Rounded up: a minute never has one more than it may.
        let per_minute = i64::from(per_minute.max(1));
        let gap_ms = (MINUTE_MS + per_minute - 1) / per_minute;
        let next = last.map_or(now, |last| last.plus_ms(gap_ms));
        Pace { gap_ms, next }
    }

    /// One has left.
    pub fn sent(&mut self, now: UnixMillis) {
        self.next = now.plus_ms(self.gap_ms);
    }

    /// How long it is until the next may leave.
    fn left_ms(&mut self, now: UnixMillis) -> i64 {
        self.next = self.next.min(now.plus_ms(self.gap_ms));
        self.next.0.saturating_sub(now.0).max(0)
    }

    /// Waits until the next may leave, or the gateway is being stopped.
    pub async fn wait(&mut self, shared: &Shared) {
        while !shared.is_leaving() {
            let left = u64::try_from(self.left_ms(shared.clock.now())).unwrap_or(0);
            if left == 0 {
                return;
            }
            // In steps: clocks are set.
            tokio::time::sleep(TICK.min(std::time::Duration::from_millis(left))).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_leave_evenly_and_what_was_lost_is_not_made_up_for() {
        let at = UnixMillis;
        let mut pace = Pace::after(None, 60, at(0));
        assert_eq!(pace.left_ms(at(0)), 0);
        pace.sent(at(0));
        assert_eq!(pace.left_ms(at(1)), 999);
        assert_eq!(pace.left_ms(at(1_000)), 0);
        // Much later, one leaves and not many.
        pace.sent(at(60_000));
        assert_eq!(pace.left_ms(at(60_000)), 1_000);
        // A clock that is set back.
        assert_eq!(pace.left_ms(at(10_000)), 1_000);
        assert_eq!(pace.left_ms(at(11_000)), 0);
        assert_eq!(Pace::after(None, 7, at(0)).gap_ms, 8_572);
        assert_eq!(Pace::after(None, 600, at(0)).gap_ms, 100);
    }

    #[test]
    fn whoever_goes_on_keeps_the_pace() {
        let mut pace = Pace::after(Some(UnixMillis(500)), 60, UnixMillis(700));
        assert_eq!(pace.left_ms(UnixMillis(700)), 800);
    }
}
