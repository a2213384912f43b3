//! Clients that stop taking a stream over HTTP/2. Their connection goes on, so no socket tells: the
//! stream is simply not asked for more. A worker looks through its streams now and then and ends those.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use super::stream::Stream;

/// A stream that its response body and the watch both reach. The lock is never contended: both live on
/// one worker thread.
pub type Shared = Arc<Mutex<Option<Box<Stream>>>>;

type Watched = Weak<Mutex<Option<Box<Stream>>>>;

/// The streams of one worker.
#[derive(Default)]
pub struct Watch {
    streams: Mutex<Vec<Watched>>,
}

impl Watch {
    /// Watches a stream.
    pub(super) fn add(&self, stream: &Shared) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.push(Arc::downgrade(stream));
    }

    /// Ends streams whose client has taken nothing for `stall`, and forgets those that are over.
    pub fn sweep(&self, stall: Duration) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|stream| {
            let Some(stream) = stream.upgrade() else {
                return false;
            };
            let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
            if stream
                .as_ref()
                .is_some_and(|stream| stream.is_stalled(stall))
                && let Some(stalled) = stream.take()
            {
                stalled.give_up();
            }
            stream.is_some()
        });
    }
}
