//! Quota: what keys, users and accounts may use, and what they have used.
//!
//! In: an [`Admitted`](crate::auth::Admitted) key. Out: a [`Ticket`], which holds the request's place
//! until it is over, or a refusal that says whose limit is reached, which one, and when it ends.
//!
//! Promises: counts without a lock; a limit of requests is never exceeded, however many come at once, but
//! for what other replicas have let in since they were heard of last; what a request took is given back whatever becomes of it. Must not know: how accounts are chosen,
//! the store.

mod admit;
mod bill;
mod counter;
mod foreign;
mod meter;
mod prices;
mod tally;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod watch;

pub use admit::{Ticket, admit, check_price};
pub use bill::{Charge, charges, estimate_tokens, is_billed};
pub use foreign::{Foreign, Source};
pub use meter::{Exceeded, Meter, Reserved, Unit};
pub use prices::PriceTable;
pub use tally::{Place, Tallies, Tally};
pub use watch::{Notes, Watch};

pub(crate) use bill::{Bill, stamp_cost};

use waybill_model::limits::{Consumer, UsageCount};

use crate::routing::Snapshot;

/// Puts back what was used before the gateway was stopped. To be called before requests come.
pub fn restore(snapshot: &Snapshot, usage: &[UsageCount]) {
    for count in usage {
        let tally;
        let meter = match count.consumer {
            Consumer::Account(id) => snapshot.account(id).map(|account| account.live.meter()),
            Consumer::Key(id) => {
                tally = snapshot.tallies.of_key(id);
                tally.as_deref().map(Tally::meter)
            }
            Consumer::User(id) => {
                tally = snapshot.tallies.of_user(id);
                tally.as_deref().map(Tally::meter)
            }
        };
        // Whoever is no longer there has nothing to restore.
        if let Some(meter) = meter {
            meter.restore(count.window, count.started_at, count.used);
        }
    }
}
