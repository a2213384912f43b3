//! Notes which consumers' counts have changed, for whoever tells other replicas.
//!
//! Promises: where nobody is told, one load; else a consumer is noted once until it was read, however
//! often it changes. Must not know: who is told, or what changed.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use crossbeam_channel::{Receiver, Sender};
use waybill_model::limits::Consumer;

/// Consumers noted at once. Beyond, all of them are looked through.
const MOST_NOTED: usize = 16_384;

/// Where changes are noted.
#[derive(Debug)]
pub struct Notes {
    noted: Sender<Consumer>,
    read: Receiver<Consumer>,
    is_incomplete: AtomicBool,
}

/// Notes the changes of one consumer.
#[derive(Debug)]
pub struct Watch {
    consumer: Consumer,
    is_noted: AtomicBool,
    notes: Arc<Notes>,
}

/// The watch on a consumer, if there is one.
#[derive(Debug, Default)]
pub(super) struct Watched(OnceLock<Watch>);

impl Default for Notes {
    fn default() -> Self {
        let (noted, read) = crossbeam_channel::bounded(MOST_NOTED);
        Notes {
            noted,
            read,
            is_incomplete: AtomicBool::new(false),
        }
    }
}

impl Notes {
    /// Those noted since this was called last. `None`: too many to say; it may be any.
    pub fn take(&self) -> Option<Vec<Consumer>> {
        let noted = self.read.try_iter().collect();
        let is_complete = !self.is_incomplete.swap(false, Ordering::Relaxed);
        is_complete.then_some(noted)
    }
}

impl Watch {
    /// For the changes of `consumer`.
    pub fn new(consumer: Consumer, notes: Arc<Notes>) -> Watch {
        Watch {
            consumer,
            is_noted: AtomicBool::new(false),
            notes,
        }
    }
}

impl Watched {
    pub(super) fn by(&self, watch: Watch) {
        // It has one already: of the same consumer.
        let _ = self.0.set(watch);
    }

    #[inline]
    pub(super) fn touch(&self) {
        if let Some(watch) = self.0.get()
            && !watch.is_noted.load(Ordering::Relaxed)
        {
            watch.note();
        }
    }

    pub(super) fn read_from_now(&self) {
        if let Some(watch) = self.0.get() {
            // Before what is read: what changes meanwhile is noted again.
            watch.is_noted.store(false, Ordering::SeqCst);
        }
    }
}

impl Watch {
    #[cold]
    fn note(&self) {
        if self.is_noted.swap(true, Ordering::SeqCst) {
            return;
        }
        if self.notes.noted.try_send(self.consumer).is_err() {
            self.notes.is_incomplete.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use waybill_model::id::ApiKeyId;

    use super::*;

    fn watched(notes: &Arc<Notes>, id: i64) -> Watched {
        let watched = Watched::default();
        watched.by(Watch::new(Consumer::Key(ApiKeyId(id)), Arc::clone(notes)));
        watched
    }

    #[test]
    fn a_consumer_is_noted_once_until_it_was_read() {
        let notes = Arc::new(Notes::default());
        let watched = watched(&notes, 1);
        watched.touch();
        watched.touch();
        assert_eq!(notes.take(), Some(vec![Consumer::Key(ApiKeyId(1))]));
        watched.touch();
        assert_eq!(notes.take(), Some(Vec::new()), "it was not read yet");
        watched.read_from_now();
        watched.touch();
        assert_eq!(notes.take().map(|noted| noted.len()), Some(1));
        Watched::default().touch();
    }

    #[test]
    fn more_than_can_be_noted_means_all() {
        let notes = Arc::new(Notes::default());
        for id in 0..=MOST_NOTED as i64 {
            watched(&notes, id).touch();
        }
        assert_eq!(notes.take(), None);
        assert_eq!(notes.take(), Some(Vec::new()));
    }
}
