//! An account as it is shown: its definition, what it is reached through, how it stands.
//!
//! Promises: of what rests sealed it shows a proxy's scheme, host and port, the headers' names, and of a
//! credential its kind, its client and its times, and nothing else.

use serde::Serialize;
use waybill_model::{
    cause::Cause,
    entity::{Account, Group},
    time::UnixMillis,
    words,
};

use super::super::{
    entities::names,
    state::{StateView, StateWord},
};
use crate::{
    app::Shared,
    credential::{Definition, Source},
    egress::Opened,
    routing::{AccountEntry, Credential},
};

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
    /// What it presents, but for what is secret of it.
    credential: CredentialView,
    /// Requests on it now.
    in_flight: u32,
    /// How it stands.
    state: StateView,
}

/// What is shown of what an account presents.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CredentialView {
    /// What it is; `null`: it cannot be opened.
    kind: Option<CredentialKind>,
    /// Where its access tokens are had.
    token_url: Option<String>,
    /// Whose key it is: the client's id, or the service account's address.
    client: Option<String>,
    /// When its newest access token was had.
    obtained_at: Option<UnixMillis>,
    /// When that ends.
    expires_at: Option<UnixMillis>,
    /// Why no newer one could be had; `null`: the last try went well.
    last_failure: Option<TokenFailure>,
}

words! {
    /// What an account presents.
    pub enum CredentialKind {
        /// A key, sent as it is.
        ApiKey = "api_key",
        /// Access tokens, had for a refresh token.
        RefreshToken = "refresh_token",
        /// Access tokens, had with a service account's key.
        ServiceAccount = "service_account",
    }
}

/// The last try to have an access token went wrong.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TokenFailure {
    /// When.
    at: UnixMillis,
    /// Why: `auth.token_refused` or `auth.token_unavailable`.
    cause: Cause,
    /// What was said.
    message: String,
    /// The token endpoint's status, if it answered.
    status: Option<u16>,
    /// How often in a row.
    in_a_row: u32,
    /// When it is tried again.
    retry_at: UnixMillis,
}

impl CredentialView {
    fn of(shared: &Shared, opened: Option<&Opened>, entry: Option<&AccountEntry>) -> Self {
        let bare = |kind| CredentialView {
            kind,
            token_url: None,
            client: None,
            obtained_at: None,
            expires_at: None,
            last_failure: None,
        };
        let source = match opened.map(|opened| &opened.credential.definition) {
            None => return bare(None),
            Some(Definition::ApiKey(_)) => return bare(Some(CredentialKind::ApiKey)),
            Some(Definition::Expiring(source)) => source,
        };
        let (kind, client) = match &**source {
            Source::RefreshToken(given) => (CredentialKind::RefreshToken, &*given.client_id),
            Source::ServiceAccount(given) => {
                (CredentialKind::ServiceAccount, given.key.client_email())
            }
        };
        let bearer = entry.and_then(|entry| match &entry.credential {
            Some(Credential::Token(bearer)) if bearer.source() == source => Some(bearer),
            Some(Credential::Token(_) | Credential::Key { .. }) | None => None,
        });
        let held = bearer.and_then(|bearer| bearer.held());
        let trouble = bearer.and_then(|bearer| bearer.trouble());
        CredentialView {
            token_url: Some(source.token_url().to_owned()),
            client: Some(client.to_owned()),
            obtained_at: held.as_ref().map(|held| held.grant.obtained_at),
            expires_at: held.as_ref().map(|held| held.grant.expires_at),
            last_failure: trouble.map(|trouble| TokenFailure {
                at: trouble.at,
                cause: trouble.why.cause,
                message: shared
                    .secrets
                    .redactor()
                    .text(&trouble.why.message)
                    .into_string(),
                status: trouble.why.status,
                in_a_row: trouble.in_a_row,
                retry_at: trouble.retry_at,
            }),
            ..bare(Some(kind))
        }
    }
}

/// How an account is shown.
pub fn view(shared: &Shared, groups: &[Group], account: Account) -> AccountView {
    let entry = shared.snapshot().account(account.id).cloned();
    let opened = Opened::of(&account, &shared.vault).ok();
    let credential = CredentialView::of(shared, opened.as_ref(), entry.as_deref());
    let (proxy, headers) = match opened {
        Some(opened) => (
            opened.proxy.map(|proxy| proxy.to_string()),
            opened.headers.names(),
        ),
        None => (
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
        credential,
        in_flight: entry.as_ref().map_or(0, |entry| entry.live.in_flight()),
        account,
    }
}

/// How an account stands now.
pub fn state_of(shared: &Shared, entry: &AccountEntry) -> StateView {
    let (state, redactor) = (entry.live.state(), shared.secrets.redactor());
    StateView::of(&state, entry.status, None, &redactor, shared.clock.now())
}
