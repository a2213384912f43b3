//! Takes the record out of the store: page by page, so that nobody else waits long for a connection.
//!
//! Promises: a bounded number of rows; where there are more, the window begins later, and the trace says so. Nothing
//! is worked out here, where clients are served: that is [`Rows::trace`]'s, for a thread of its own.
//! Must not know: what is tried.

use waybill_model::{id::AccountId, state::AccountEvent, time::UnixMillis};
use waybill_store::{AccountEventFilter, PastAttempt, PastRequest, Store, StoreError};

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

/// What is on record of a window, as it was read.
#[derive(Debug)]
pub struct Rows {
    window: (UnixMillis, UnixMillis),
    is_cut: bool,
    requests: Vec<PastRequest>,
    attempts: Vec<PastAttempt>,
    before: Vec<AccountEvent>,
    events: Vec<AccountEvent>,
}

impl Rows {
    /// Makes a trace of them. Keeps a processor busy for a while.
    pub fn trace(self, scope: &Scope) -> Past {
        let Rows {
            window,
            is_cut,
            mut requests,
            attempts,
            before,
            mut events,
        } = self;
        requests.retain(|request| request.place.created_at >= window.0);
        events.retain(|event| event.at >= window.0);
        events.sort_by_key(|event| event.id);
        let past = Past::of(window, requests, attempts, before, events, scope);
        Past { is_cut, ..past }
    }
}

/// What is on record of a window: from the first instant on, before the second.
pub async fn read(
    store: &Store,
    (start, end): (UnixMillis, UnixMillis),
    accounts: &[AccountId],
    bounds: Bounds,
) -> Result<Rows, StoreError> {
    let (mut is_cut, mut from) = (false, start);
    let mut requests: Vec<PastRequest> = Vec::new();
    loop {
        let before = requests.last().map(|last| last.place);
        let page = store.past_requests((from, end), before, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        requests.extend(page);
        if requests.len() > bounds.requests {
            requests.truncate(bounds.requests);
            is_cut = true;
            from = from.max(
                requests
                    .last()
                    .map_or(end, |oldest| oldest.place.created_at),
            );
            break;
        }
        if is_last {
            break;
        }
    }
    let mut attempts: Vec<PastAttempt> = Vec::new();
    loop {
        let before = attempts.last().map(|last| last.place);
        let page = store.past_attempts((from, end), before, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        attempts.extend(page);
        if attempts.len() > bounds.attempts {
            attempts.truncate(bounds.attempts);
            is_cut = true;
            // A request whose first attempts are left out would look another one.
            from = from.max(
                attempts
                    .last()
                    .map_or(end, |oldest| oldest.place.created_at),
            );
            break;
        }
        if is_last {
            break;
        }
    }
    let mut events = Vec::new();
    for account in accounts {
        let (of_it, cut) = events_of(store, *account, (from, end), bounds.events).await?;
        events.extend(of_it);
        // How an account stood is known from there on alone.
        is_cut |= cut.is_some();
        from = from.max(cut.unwrap_or(from));
    }
    let before = store.account_states_at(from.plus_ms(-1)).await?;
    Ok(Rows {
        window: (from, end),
        is_cut,
        requests,
        attempts,
        before,
        events,
    })
}

/// What changed an account, the newest first. Where there is more than is read: from when on it is all.
async fn events_of(
    store: &Store,
    account: AccountId,
    (start, end): (UnixMillis, UnixMillis),
    most: usize,
) -> Result<(Vec<AccountEvent>, Option<UnixMillis>), StoreError> {
    let mut events: Vec<AccountEvent> = Vec::new();
    loop {
        let filter = AccountEventFilter {
            start: Some(start),
            end: Some(end),
            before_id: events.last().map(|last| last.id),
            limit: PAGE,
            ..AccountEventFilter::default()
        };
        let page = store.account_events(account, filter).await?;
        let is_last = page.len() < PAGE as usize;
        events.extend(page);
        if events.len() > most {
            events.truncate(most);
            // Of the same millisecond there may be some that are left out.
            let cut = events.iter().map(|event| event.at).min();
            return Ok((events, Some(cut.map_or(end, |cut| cut.plus_ms(1)))));
        }
        if is_last {
            return Ok((events, None));
        }
    }
}
