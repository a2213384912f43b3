//! Attempts whose process has ended: they are found, and said to be interrupted.

use std::time::Duration;

use waybill_store::{RetryBounds, StoreError};

use crate::app::Shared;

/// From the begin of one attempt to that of the next of the same failure: an operator who clicks twice, or a
/// loop, must not become a load on a provider.
const EVERY: Duration = Duration::from_secs(10);

/// How long after its limit of time an attempt may still be writing down its end.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// How often, and for how long, by the configuration.
pub fn bounds(shared: &Shared) -> RetryBounds {
    let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    RetryBounds {
        every_ms: millis(EVERY),
        abandoned_after_ms: millis(shared.settings.replay.timeout.saturating_add(GRACE)),
    }
}

/// What this replica was at when it ended is over.
pub async fn take_over(shared: &Shared) {
    let now = shared.clock.now();
    match shared.store.interrupt_retries(&shared.replica, now).await {
        Ok(0) => {}
        Ok(interrupted) => tracing::warn!(
            interrupted,
            "requests were being sent again when the gateway ended"
        ),
        // Whoever looks at them, or the job, finds them later.
        Err(error) => {
            tracing::warn!(%error, "what was being sent again could not be looked through")
        }
    }
}

/// Ends what runs for too long to be running. Answers how many there were.
pub async fn sweep(shared: &Shared) -> Result<u64, StoreError> {
    let now = shared.clock.now();
    shared.store.sweep_retries(bounds(shared), now).await
}
