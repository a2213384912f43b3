//! One request's wait, from its own side.
//!
//! Promises: exactly one fate each; dropping a ticket is leaving: its place closes, and an account that
//! was handed over meanwhile is given back as if it had not been taken.

use std::sync::Arc;

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};
use waybill_model::waybill::Queued;

use super::{
    Chosen, Line, NoRoute, Plan, Routed,
    counts::Fate,
    queue::{Handed, Place},
};

/// What a wait ends with, if it does not end by itself.
pub(super) type Reply = (Plan, Result<Chosen, NoRoute>);

/// A place in the line.
pub(super) struct Ticket {
    line: Arc<Line>,
    place: Place,
    answer: oneshot::Receiver<Reply>,
    joined_at: Instant,
    ahead: u32,
    is_over: bool,
}

/// Gives a request what was found for it. Not to be called under the lock.
pub(super) fn hand_over(handed: Handed) {
    let Handed {
        reply,
        plan,
        result,
    } = handed;
    if let Err(missed) = reply.send((plan, result)) {
        give_back(missed);
    }
}

/// Its request is no longer there. Giving the slot back calls the line, which offers it to the next.
fn give_back((plan, result): Reply) {
    drop(plan);
    if let Ok(chosen) = result {
        chosen.slot.unused();
    }
}

impl Ticket {
    pub(super) fn new(
        line: Arc<Line>,
        place: Place,
        answer: oneshot::Receiver<Reply>,
        joined_at: Instant,
        ahead: u32,
    ) -> Ticket {
        Ticket {
            line,
            place,
            answer,
            joined_at,
            ahead,
            is_over: false,
        }
    }

    /// Waits, until `time_out_at` at the latest.
    pub(super) async fn wait(mut self, time_out_at: Instant) -> Routed {
        if let Ok(reply) = timeout_at(time_out_at, &mut self.answer).await {
            return self.answered(reply);
        }
        match self.line.leave(self.place) {
            Some(waiting) => {
                let queued = self.over(Fate::TimedOut);
                (waiting.plan, Err(NoRoute::QueueTimeout), Some(queued))
            }
            // Handed over at the last moment.
            None => {
                let reply = (&mut self.answer).await;
                self.answered(reply)
            }
        }
    }

    #[allow(
        clippy::expect_used,
        reason = "whoever takes a request out of the queue answers it; only a panic there is in between"
    )]
    fn answered(&mut self, reply: Result<Reply, oneshot::error::RecvError>) -> Routed {
        let (plan, result) = reply.expect("a request taken out of the queue is answered");
        let queued = self.over(match result {
            Ok(_) => Fate::Served,
            Err(_) => Fate::GivenUp,
        });
        (plan, result, Some(queued))
    }

    fn over(&mut self, fate: Fate) -> Queued {
        self.is_over = true;
        let waited = self.joined_at.elapsed();
        self.line.fates.count(fate, waited);
        Queued {
            ahead: self.ahead,
            waited_ms: u32::try_from(waited.as_millis()).unwrap_or(u32::MAX),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        drop(self.line.leave(self.place));
        // From here on a hand-over fails, and gives back by itself.
        self.answer.close();
        if let Ok(missed) = self.answer.try_recv() {
            give_back(missed);
        }
        self.over(Fate::Left);
    }
}
