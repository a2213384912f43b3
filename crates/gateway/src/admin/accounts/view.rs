//! An account as it is shown: its definition, what it is reached through, how it stands.
//!
//! Promises: of what rests sealed it shows a proxy's scheme, host and port and the headers' names, and
//! nothing else.

use serde::Serialize;
use waybill_model::entity::{Account, Group};

use super::super::{
    entities::names,
    state::{StateView, StateWord},
};
use crate::{app::Shared, egress::Opened, routing::AccountEntry};

/// What is shown of a proxy that cannot be opened.
const UNREADABLE: &str = "cannot be opened with this instance key";

/// An account as it is shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AccountView {
    /// Its definition.
    #[serde(flatten)]
    account: Account,
    /// Names of its groups.
    groups: Vec<String>,
    /// Scheme, host and port of the proxy it is reached through.
    proxy: Option<String>,
    /// Names of the headers that are sent along.
    headers: Vec<String>,
    /// Requests on it now.
    in_flight: u32,
    /// How it stands.
    state: StateView,
}

/// How an account is shown.
pub fn view(shared: &Shared, groups: &[Group], account: Account) -> AccountView {
    let entry = shared.snapshot().account(account.id).cloned();
    let (proxy, headers) = match Opened::of(&account, &shared.vault) {
        Ok(opened) => (
            opened.proxy.map(|proxy| proxy.to_string()),
            opened.headers.names(),
        ),
        Err(_) => (
            account.proxy.as_ref().map(|_| UNREADABLE.to_owned()),
            Vec::new(),
        ),
    };
    let state = match &entry {
        Some(entry) => state_of(shared, entry),
        // Its address cannot be read, so it is left out of what is routed to.
        None => StateView {
            status: StateWord::Error,
            until: None,
            marks: Vec::new(),
        },
    };
    AccountView {
        state,
        groups: names(groups, &account.group_ids),
        proxy,
        headers,
        in_flight: entry.as_ref().map_or(0, |entry| entry.live.in_flight()),
        account,
    }
}

/// How an account stands now.
pub fn state_of(shared: &Shared, entry: &AccountEntry) -> StateView {
    let (state, redactor) = (entry.live.state(), shared.secrets.redactor());
    StateView::of(&state, entry.status, None, &redactor, shared.clock.now())
}
