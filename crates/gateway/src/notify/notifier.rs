//! Who is being served now, in this process.
//!
//! A message that was begun is ended and written down whatever becomes of the lease, so those who serve are no part
//! of the job: it starts them, and stopping waits for them.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};
use waybill_model::id::ChannelId;

use super::sender;
use crate::app::Shared;

/// What stopping waits for at most, beyond the time that a delivery may take.
const GRACE: Duration = Duration::from_secs(2);

/// The channels that are served now.
#[derive(Debug, Default)]
pub struct Notifier {
    serving: Mutex<HashSet<ChannelId>>,
    ended: Notify,
    rung: Notify,
    closing: AtomicBool,
}

impl Notifier {
    /// Something was put into the outbox: look now.
    pub fn ring(&self) {
        self.rung.notify_one();
    }

    /// Waits for a ring.
    pub(super) async fn rung(&self) {
        self.rung.notified().await;
    }

    /// Whether no further message is to be begun.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Lets somebody serve a channel, unless somebody does.
    pub(super) fn serve(shared: &Arc<Shared>, channel: ChannelId) {
        let notifier = &shared.notifier;
        if notifier.is_closing() || !notifier.lock().insert(channel) {
            return;
        }
        let serving = Serving {
            shared: Arc::clone(shared),
            channel,
        };
        tokio::spawn(async move { sender::serve(&serving.shared, channel).await });
    }

    /// Begins no message any more, and waits for those that are under way, which take `longest` at most.
    pub async fn close(&self, longest: Duration) {
        self.closing.store(true, Ordering::Release);
        let all_ended = async {
            loop {
                let ended = self.ended.notified();
                tokio::pin!(ended);
                ended.as_mut().enable();
                if self.lock().is_empty() {
                    break;
                }
                ended.await;
            }
        };
        if timeout(longest + GRACE, all_ended).await.is_err() {
            tracing::warn!("a notification is cut off: it is sent again after the start");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<ChannelId>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who serves a channel. Dropping it, however it ends, makes way for the next.
struct Serving {
    shared: Arc<Shared>,
    channel: ChannelId,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.shared.notifier.lock().remove(&self.channel);
        self.shared.notifier.ended.notify_waiters();
    }
}
