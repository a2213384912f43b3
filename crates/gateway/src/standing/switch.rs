//! Accounts that are switched on and off: the settings decide, the events say since when and by whom.
//!
//! Promises: an event is made only where the settings and the state disagree. Must not know: where the
//! settings are kept.

use std::sync::Arc;

use waybill_model::{
    entity::Status,
    state::{AccountEventKind, MarkKind, Scope},
    time::UnixMillis,
};

use super::Keeper;
use crate::routing::AccountEntry;

impl Keeper {
    /// An account may have been switched on or off by `actor`: brings its state up to its settings.
    pub fn switched(
        &self,
        account: &Arc<AccountEntry>,
        actor: &str,
        reason: String,
        now: UnixMillis,
    ) {
        let state = account.live.state();
        let is_marked = state.mark(MarkKind::Disabled, &Scope::Account).is_some();
        let kind = match (account.status, is_marked) {
            (Status::Active, true) => AccountEventKind::Enabled,
            (Status::Disabled, false) => AccountEventKind::Disabled,
            (Status::Active, false) | (Status::Disabled, true) => return,
        };
        drop(state);
        self.by_hand(account, kind, actor, reason, now);
    }
}
