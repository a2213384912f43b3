//! A request's side of an account's token and project: it is there, or is waited for, or it is said why it is not.

use std::sync::Arc;

use http::HeaderValue;
use tokio::time::{Instant, timeout_at};
use waybill_model::cause::Cause;

use super::{NoToken, Trouble, runway::Runway};
use crate::{
    app::Shared,
    routing::{AccountEntry, Credential},
};

/// What is sent of an account that has access tokens, once there is a valid one; `None` for a key.
///
/// # Errors
/// There is nothing, and there will be nothing soon.
pub async fn token_of(
    shared: &Shared,
    account: &AccountEntry,
) -> Result<Option<HeaderValue>, NoToken> {
    let Some(Credential::Token(bearer)) = &account.credential else {
        return Ok(None);
    };
    if bearer.is_valid(shared.clock.now()) {
        return Ok(bearer.header());
    }
    let landing = wait(shared, bearer.runway(), || {
        let now = shared.clock.now();
        if bearer.is_valid(now) {
            return Some(Ok(bearer.header()));
        }
        let trouble = bearer.trouble()?;
        let is_given_up = bearer.is_given_up(now, &account.live.state());
        is_given_up.then(|| Err(Trouble::clone(&trouble).why))
    });
    landing.await.unwrap_or_else(|| {
        let waited = shared.settings.timeouts.connect.as_millis();
        Err(NoToken::unavailable(format!(
            "no access token came within {waited} ms"
        )))
    })
}

/// Waits until it is known which project the account works in, where that has to be found out.
///
/// # Errors
/// It is not known, and will not be soon.
pub async fn project_of(shared: &Shared, account: &AccountEntry) -> Result<(), NoToken> {
    let Some(discovery) = account.project.discovery() else {
        return Ok(());
    };
    let landing = wait(shared, discovery.runway(), || {
        if discovery.found().is_some() {
            return Some(Ok(()));
        }
        let trouble = discovery.trouble()?;
        let is_given_up = discovery.is_given_up(shared.clock.now(), &account.live.state());
        is_given_up.then(|| Err(Trouble::clone(&trouble).why))
    });
    landing.await.unwrap_or_else(|| {
        let waited = shared.settings.timeouts.connect.as_millis();
        Err(NoToken {
            cause: Cause::ProjectUnavailable,
            ..NoToken::unavailable(format!("no project was told within {waited} ms"))
        })
    })
}

/// Waits for flights until there is something to say; `None`: there was nothing for too long.
async fn wait<T>(shared: &Shared, runway: &Runway, known: impl Fn() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + shared.settings.timeouts.connect;
    let mut landings = runway.landings();
    loop {
        if let Some(known) = known() {
            return Some(known);
        }
        shared.tokens.ask();
        timeout_at(deadline, landings.changed()).await.ok()?.ok()?;
    }
}

/// The provider refused what was sent, though it should have been valid. Says whether a new one is worth having;
/// the next who asks for it waits for it then.
pub fn refused_by_provider(
    shared: &Shared,
    account: &Arc<AccountEntry>,
    sent: Option<&HeaderValue>,
) -> bool {
    match (&account.credential, sent) {
        (Some(Credential::Token(bearer)), Some(sent)) => bearer.refuse(sent, shared.clock.now()),
        _ => false,
    }
}
