//! Takes the record out of the store: page by page, so that nobody else waits long for a connection.
//!
//! Promises: a bounded number of rows; where there are more, the window begins later, and the trace says so.
//! Must not know: what is tried.

use waybill_model::{id::AccountId, state::AccountEvent, time::UnixMillis};
use waybill_store::{AccountEventFilter, Store, StoreError};

use super::{Past, Scope};

/// Rows per page.
const PAGE: u32 = 5_000;

/// How many rows are read at most.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Requests.
    pub requests: usize,
    /// Failed attempts.
    pub attempts: usize,
    /// Changes of accounts' states, of each account.
    pub events: usize,
}

/// The trace of a window: from the first instant on, before the second.
pub async fn read(
    store: &Store,
    (start, end): (UnixMillis, UnixMillis),
    scope: &Scope,
    accounts: &[AccountId],
    bounds: Bounds,
) -> Result<Past, StoreError> {
    let (mut is_cut, mut from) = (false, start);
    let mut requests = Vec::new();
    loop {
        let before = requests
            .last()
            .map(|last: &waybill_store::PastRequest| last.place);
        let page = store.past_requests((from, end), before, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        requests.extend(page);
        if requests.len() > bounds.requests {
            requests.truncate(bounds.requests);
            is_cut = true;
            break;
        }
        if is_last {
            break;
        }
    }
    if is_cut {
        from = requests
            .last()
            .map_or(from, |oldest| oldest.place.created_at);
    }
    let mut attempts = Vec::new();
    loop {
        let before = attempts
            .last()
            .map(|last: &waybill_store::PastAttempt| last.place);
        let page = store.past_attempts((from, end), before, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        attempts.extend(page);
        if attempts.len() > bounds.attempts {
            attempts.truncate(bounds.attempts);
            // A request whose first attempts are left out would look another one.
            from = attempts
                .last()
                .map_or(from, |oldest| oldest.place.created_at);
            requests.retain(|request| request.place.created_at >= from);
            is_cut = true;
            break;
        }
        if is_last {
            break;
        }
    }
    let before = store.account_states_at(from.plus_ms(-1)).await?;
    let events = events(store, (from, end), accounts, bounds.events).await?;
    let past = Past::of((from, end), requests, attempts, before, events, scope);
    Ok(Past { is_cut, ..past })
}

/// What changed accounts, by id; of each the newest.
async fn events(
    store: &Store,
    (start, end): (UnixMillis, UnixMillis),
    accounts: &[AccountId],
    most: usize,
) -> Result<Vec<AccountEvent>, StoreError> {
    let mut all = Vec::new();
    for account in accounts {
        let mut of_it: Vec<AccountEvent> = Vec::new();
        while of_it.len() < most {
            let filter = AccountEventFilter {
                start: Some(start),
                end: Some(end),
                before_id: of_it.last().map(|last| last.id),
                limit: PAGE,
                ..AccountEventFilter::default()
            };
            let page = store.account_events(*account, filter).await?;
            let is_last = page.len() < PAGE as usize;
            of_it.extend(page);
            if is_last {
                break;
            }
        }
        all.append(&mut of_it);
    }
    all.sort_by_key(|event| event.id);
    Ok(all)
}
