//! One flight: a token is had, written down, and then used; or it is said why there is none.
//!
//! Promises: what was rotated is on record before it is used, unless the store is away; a token that another
//! replica had meanwhile is taken over instead of asking; what an operator changed meanwhile is never overwritten.
//! Must not know: when a flight is due.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderMap;
use tokio::time::timeout;
use waybill_model::{
    state::Reach,
    time::UnixMillis,
    waybill::{EventKind, Failure},
};
use waybill_store::StoreError;

use super::{
    answer::{Granted, NoToken},
    ask::{self},
    bearer::{Bearer, Trouble},
    definition::Definition,
    rest::{AtRest, Grant},
    when,
};
use crate::{
    app::Shared,
    routing::AccountEntry,
    standing::{Blamed, Failed},
    upstream::Outlet,
};

/// Who acts here, in events.
pub const CREDENTIAL: &str = "credential";

/// A store that takes longer does not keep a token from being used.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// Writing meets a change of somebody else's at most so often.
const MOST_COLLISIONS: usize = 5;

/// Has a token, if one is due; writes down what is not on record.
pub async fn fly(shared: &Shared, account: &Arc<AccountEntry>, bearer: &Arc<Bearer>, is_due: bool) {
    if is_due {
        have(shared, account, bearer).await;
    }
    if bearer.is_unwritten()
        && let Some(held) = bearer.held()
    {
        write(shared, account, bearer, &held.grant).await;
    }
}

async fn have(shared: &Shared, account: &Arc<AccountEntry>, bearer: &Arc<Bearer>) {
    if taken_over(shared, account, bearer).await {
        return;
    }
    let began_at = shared.clock.now();
    let before = bearer.held();
    let rotated = before
        .as_ref()
        .and_then(|held| held.grant.refresh_token.clone());
    let outlet = Outlet::of(shared);
    let proxy = account.upstream.proxy.as_ref();
    let now = || shared.clock.now();
    match ask::token(outlet, bearer.source(), rotated.as_ref(), proxy, now).await {
        Ok(granted) => {
            let Granted {
                access_token,
                expires_at,
                refresh_token,
            } = granted;
            let after = before.map_or(i64::MIN, |held| held.grant.obtained_at.0.saturating_add(1));
            let grant = Grant {
                access_token,
                obtained_at: UnixMillis(shared.clock.now().0.max(after)),
                expires_at,
                refresh_token: refresh_token.or(rotated),
            };
            shared.secrets.learn_token(account.id, grant.secrets());
            write(shared, account, bearer, &grant).await;
            tracing::info!(account = %account.name, until = %expires_at, "an access token was had");
            bearer.hold(grant);
            let (account, now) = (current(shared, account), shared.clock.now());
            shared.keeper.token_had(&account, now);
        }
        // Another replica may have been quicker, and what was refused is no longer the newest.
        Err(why) if why.is_refused() && taken_over(shared, account, bearer).await => drop(why),
        Err(why) => failed(shared, account, bearer, why, began_at),
    }
}

/// Takes over what is on record, if it is newer than what is held. Says whether nothing is to be done then.
async fn taken_over(shared: &Shared, account: &Arc<AccountEntry>, bearer: &Arc<Bearer>) -> bool {
    if shared.home.is_none() {
        return false;
    }
    let reading = timeout(STORE_PATIENCE, shared.store.account(account.id)).await;
    let Ok(Ok(Some(row))) = reading else {
        return false;
    };
    let Ok(AtRest {
        definition,
        grant: Some(grant),
    }) = AtRest::open(&shared.vault, &row.credential)
    else {
        return false;
    };
    let held_at = bearer.held().map(|held| held.grant.obtained_at);
    if !is_of(&definition, bearer) || Some(grant.obtained_at) <= held_at {
        return false;
    }
    shared.secrets.learn_token(account.id, grant.secrets());
    bearer.adopt(Some(grant));
    let now = shared.clock.now();
    let state = account.live.state();
    let is_enough = !bearer.is_due(now, &state, |obtained| {
        when::share_of(&shared.replica, account.id.0, obtained)
    });
    if is_enough {
        let account = current(shared, account);
        shared.keeper.token_had(&account, now);
    }
    is_enough
}

/// No token: it is remembered, and where people have to act the account says so.
fn failed(
    shared: &Shared,
    account: &Arc<AccountEntry>,
    bearer: &Arc<Bearer>,
    why: NoToken,
    began_at: UnixMillis,
) {
    let now = shared.clock.now();
    let in_a_row = bearer
        .trouble()
        .map_or(0, |trouble| trouble.in_a_row)
        .saturating_add(1);
    let own = now.plus_ms(when::pause_ms(
        why.is_refused(),
        in_a_row,
        why.retry_after_ms,
    ));
    let said = shared.secrets.redactor().text(&why.message).into_string();
    tracing::warn!(account = %account.name, reason = %said, "no access token could be had");
    let (retry_at, is_marked) = mark(shared, account, &why, began_at, own);
    bearer.fail(Trouble {
        why,
        at: now,
        in_a_row,
        retry_at,
        is_marked,
    });
}

/// Where people have to act the account is marked. When it is tried again, and whether it was marked; `own`:
/// when that would be without a mark.
pub(super) fn mark(
    shared: &Shared,
    account: &Arc<AccountEntry>,
    why: &NoToken,
    began_at: UnixMillis,
    own: UnixMillis,
) -> (UnixMillis, bool) {
    let now = shared.clock.now();
    let (mut retry_at, mut is_marked) = (own, false);
    if why.is_refused() {
        let account = current(shared, account);
        shared.keeper.failed(Failed {
            account: &account,
            group_rules: &[],
            model: None,
            failure: &failure_of(why, HeaderMap::new()),
            // That of the token endpoint is none of the provider's.
            status: None,
            request_id: None,
            attempt: None,
            actor: Some(CREDENTIAL),
            began_at,
            now,
            stale_connection: false,
            acts: true,
            blamed: &mut Blamed::default(),
        });
        // The mark's deadline is when somebody finds out: then it has to be asked.
        let state = account.live.state();
        let marks = state.marks().iter();
        let marked = marks
            .filter(|mark| mark.cause == Some(why.cause))
            .filter_map(|mark| mark.until)
            .min();
        is_marked = marked.is_some();
        retry_at = marked.map_or(own, |until| until.min(own));
    }
    (retry_at, is_marked)
}

/// The facts of an attempt for which there was no token, or no project.
pub fn failure_of(why: &NoToken, request_headers: HeaderMap) -> Failure {
    Failure {
        kind: EventKind::RequestError,
        cause: why.cause,
        transport: None,
        stream: None,
        message: why.message.clone(),
        name: why.name.clone(),
        detail: None,
        body: Bytes::new(),
        request_headers,
        response_headers: HeaderMap::new(),
        retry_after_ms: None,
        retry_after_source: None,
        reach: Reach::Account,
    }
}

/// Writes a grant to where the account's credential rests, unless that is another one by now, or has a newer one.
async fn write(shared: &Shared, account: &AccountEntry, bearer: &Bearer, grant: &Grant) {
    let written = match timeout(STORE_PATIENCE, put(shared, account, bearer, grant)).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(account = %account.name, %error, "an access token is used, but not on record; it is written again");
            false
        }
        Err(_) => {
            tracing::warn!(account = %account.name, "the store takes long; an access token is used, but not on record yet");
            false
        }
    };
    bearer.written(written);
}

async fn put(
    shared: &Shared,
    account: &AccountEntry,
    bearer: &Bearer,
    grant: &Grant,
) -> Result<(), StoreError> {
    for _ in 0..MOST_COLLISIONS {
        let Some(row) = shared.store.account(account.id).await? else {
            return Ok(());
        };
        let Ok(known) = AtRest::open(&shared.vault, &row.credential) else {
            return Ok(());
        };
        let known_at = known.grant.as_ref().map(|known| known.obtained_at);
        if !is_of(&known.definition, bearer) || known_at >= Some(grant.obtained_at) {
            return Ok(());
        }
        let renewed = AtRest {
            grant: Some(grant.clone()),
            ..known
        };
        let sealed = renewed.seal(&shared.vault);
        if shared
            .store
            .renew_credential(account.id, row.credential, sealed)
            .await?
        {
            return Ok(());
        }
    }
    // Whoever comes in between so often has written a newer one.
    Ok(())
}

fn is_of(definition: &Definition, bearer: &Bearer) -> bool {
    match definition {
        Definition::ApiKey(_) => false,
        Definition::Expiring(source) => source == bearer.source(),
    }
}

/// The account as it is defined now.
pub(super) fn current(shared: &Shared, account: &Arc<AccountEntry>) -> Arc<AccountEntry> {
    shared
        .snapshot()
        .account(account.id)
        .cloned()
        .unwrap_or_else(|| Arc::clone(account))
}
