//! What whoever exchanges slots with other replicas has to hear of soon.
//!
//! Promises: telling costs a request that gets its slot nothing, and one that does not no more than a wake
//! of the task that exchanges. Must not know: other replicas, or how slots are exchanged.

use tokio::sync::Notify;

/// Whether accounts are shared with other replicas, and a bell for who shares them.
#[derive(Debug)]
pub struct Sharing {
    is_on: bool,
    bell: Notify,
}

impl Sharing {
    /// Every account is this process's alone.
    pub(super) fn off() -> Sharing {
        Sharing {
            is_on: false,
            bell: Notify::new(),
        }
    }

    /// Accounts are shared: each begins without a slot, until some are allotted.
    pub(super) fn on() -> Sharing {
        Sharing {
            is_on: true,
            ..Sharing::off()
        }
    }

    /// Whether accounts are shared.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// Something is short here, or free that others are short of.
    pub fn ring(&self) {
        if self.is_on {
            self.bell.notify_one();
        }
    }

    /// Resolves when it was rung, also before.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }
}
