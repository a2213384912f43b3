//! What time it is for a simulator: limits refill and rules cycle by it. Pauses and stalls do not; they
//! take real time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use waybill_model::time::UnixMillis;

/// Where the time comes from.
#[derive(Debug, Clone, Default)]
pub enum SimClock {
    /// The machine.
    #[default]
    System,
    /// Milliseconds since the epoch; stands still until it is set, and may be shared with what is tested.
    Manual(Arc<AtomicI64>),
}

impl SimClock {
    /// Now.
    pub fn now(&self) -> UnixMillis {
        match self {
            SimClock::System => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                UnixMillis(since.as_millis() as i64)
            }
            SimClock::Manual(now) => UnixMillis(now.load(Ordering::SeqCst)),
        }
    }
}
