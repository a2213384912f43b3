//! A request's side of an account's token: it is there, or is waited for, or it is said why it is not.

use std::sync::Arc;

use http::HeaderValue;
use tokio::time::{Instant, timeout_at};

use super::{NoToken, Trouble};
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
    let deadline = Instant::now() + shared.settings.timeouts.connect;
    let mut landings = bearer.landings();
    loop {
        let now = shared.clock.now();
        if bearer.is_valid(now) {
            return Ok(bearer.header());
        }
        if bearer.is_given_up(now, &account.live.state())
            && let Some(trouble) = bearer.trouble()
        {
            return Err(Trouble::clone(&trouble).why);
        }
        shared.tokens.ask();
        if timeout_at(deadline, landings.changed()).await.is_err() {
            let waited = shared.settings.timeouts.connect.as_millis();
            return Err(NoToken::unavailable(format!(
                "no access token came within {waited} ms"
            )));
        }
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
