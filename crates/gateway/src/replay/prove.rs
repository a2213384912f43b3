//! What a request that was served when it was sent again says about its failure, and about the issue.
//!
//! Promises: the failure is dealt with; its issue is resolved where this was the newest failure of it, so that
//! none is known that might not be served now. Only what went the way of a client's request proves anything:
//! one account alone is no proof for a pool. Must not know: how it was sent.

use waybill_model::id::{ErrorId, RetryId};
use waybill_store::{ResolvedBy, StoreError};

use crate::{app::Shared, jobs::issue_settings};

/// A failure was sent again, through routing, and served.
pub async fn served_again(shared: &Shared, source: ErrorId, attempt: RetryId) {
    if let Err(error) = resolve(shared, source, attempt).await {
        // The attempt is on record; whoever looks can resolve by hand.
        tracing::warn!(%error, %attempt, "what a replay proved is not on record");
    }
}

async fn resolve(shared: &Shared, source: ErrorId, attempt: RetryId) -> Result<(), StoreError> {
    let store = &shared.store;
    store.set_resolved(source, true).await?;
    let Some(key) = store.issue_of_error(source).await? else {
        return Ok(());
    };
    let now = shared.clock.now();
    let newest = store.issue(key, now).await?;
    if newest.is_some_and(|issue| issue.log.last_error_id <= source) {
        let by = ResolvedBy::Replay { attempt: attempt.0 };
        store
            .resolve_issue(key, by, issue_settings(shared), now)
            .await?;
    }
    Ok(())
}
