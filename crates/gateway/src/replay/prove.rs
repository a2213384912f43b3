//! What a request that was served when it was sent again says about its failure, and about the issue.
//!
//! Promises: the failure is dealt with; its issue is resolved where this was the newest failure of it, so that
//! none is known that might not be served now. Only what went the way of a client's request proves anything:
//! one account alone is no proof for a pool. Must not know: how it was sent.

use waybill_model::{
    id::{ErrorId, RetryId},
    issue::hex,
    time::UnixMillis,
    view::{Filter, Page, Sort},
};
use waybill_store::{ResolvedBy, StoreError};

use crate::{app::Shared, jobs::issue_settings};

/// How far back a newer failure may have arrived: none takes longer to be written.
const MONTH_MS: i64 = 30 * 24 * 3_600_000;

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
    if !has_newer(shared, &key, source, now).await? {
        let by = ResolvedBy::Replay { attempt: attempt.0 };
        store
            .resolve_issue(key, by, issue_settings(shared), now)
            .await?;
    }
    Ok(())
}

/// Whether clients have seen a failure of the issue since; one that is not yet counted is seen, too.
async fn has_newer(
    shared: &Shared,
    key: &[u8; 16],
    source: ErrorId,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    let filter = Filter {
        issue: Some(hex::text(*key)),
        after_id: Some(source.0),
        replay: Some(false),
        ..Filter::between(now.plus_ms(-MONTH_MS), now.plus_ms(1))
    };
    let page = Page {
        sort: Sort::Newest,
        page: 1,
        page_size: 1,
        cursor: None,
    };
    Ok(!shared.store.errors(&filter, &page).await?.errors.is_empty())
}
