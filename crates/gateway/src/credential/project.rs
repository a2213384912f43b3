//! The project that an Antigravity account works in, where its operator named none: Code Assist is asked for it.
//!
//! Promises: asked once per account and credential, by one flight at a time, with the account's own credential, at
//! its own addresses, through its own proxy; what was told is remembered for as long as all of these stay the same;
//! who says no is asked again rarely, who says nothing soon. Must not know: what a request asks.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use waybill_model::{cause::Cause, protocol::Platform, state::AccountState, time::UnixMillis};
use waybill_wire::{error, translate::codeassist};

use super::{
    answer::{NoToken, retry_after, shortened},
    bearer::Trouble,
    flight::{current, mark},
    runway::Runway,
    wait::{refused_by_provider, token_of},
    when,
};
use crate::{
    app::Shared,
    config::rules,
    routing::{AccountEntry, Place},
    upstream::{ADDRESS_RESTS_MS, Outlet, TransportError, USER_AGENT, ask, headers_sent},
};

/// Where it is asked, below an account's address.
const PATH: &str = "/v1internal:loadCodeAssist";

/// Longest time for an answer, from the connection to its end.
const TIME_TO_ANSWER: Duration = Duration::from_secs(10);

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 256 << 10;

/// What an account works in.
#[derive(Debug, Clone)]
pub enum Project {
    /// Its platform has no such thing.
    None,
    /// The operator named it.
    Named(Arc<str>),
    /// Its service tells it.
    Told(Arc<Discovery>),
}

impl Project {
    /// Its id, if it is known by now.
    pub fn id(&self) -> Option<&str> {
        match self {
            Project::None => None,
            Project::Named(id) => Some(id),
            Project::Told(discovery) => discovery.found(),
        }
    }

    /// How it is found out, where it has to be.
    pub fn discovery(&self) -> Option<&Arc<Discovery>> {
        match self {
            Project::None | Project::Named(_) => None,
            Project::Told(discovery) => Some(discovery),
        }
    }
}

/// What is known of a project that the service tells.
#[derive(Debug, Default)]
pub struct Discovery {
    found: OnceLock<Arc<str>>,
    trouble: ArcSwapOption<Trouble>,
    runway: Arc<Runway>,
}

impl Discovery {
    /// The project, once it was told.
    pub fn found(&self) -> Option<&str> {
        self.found.get().map(|id| &**id)
    }

    /// Why the last flight brought none.
    pub fn trouble(&self) -> Option<Arc<Trouble>> {
        self.trouble.load_full()
    }

    /// Where its flights begin and end.
    pub fn runway(&self) -> &Arc<Runway> {
        &self.runway
    }

    /// Whether the service is to be asked.
    pub fn is_due(&self, now: UnixMillis, state: &AccountState) -> bool {
        self.found.get().is_none() && !self.rests(now, state)
    }

    /// Whether nobody is at it, nor will be for a while.
    pub fn is_given_up(&self, now: UnixMillis, state: &AccountState) -> bool {
        !self.runway.is_flying() && self.rests(now, state)
    }

    fn rests(&self, now: UnixMillis, state: &AccountState) -> bool {
        let trouble = self.trouble.load();
        trouble
            .as_ref()
            .is_some_and(|trouble| trouble.rests(now, state))
    }

    /// An operator says that it is worth another try.
    pub fn forgive(&self) {
        self.trouble.store(None);
    }
}

/// One flight: the service is asked, and what it told is remembered, or why it told nothing.
pub async fn discover(shared: &Shared, account: &Arc<AccountEntry>, discovery: &Discovery) {
    let began_at = shared.clock.now();
    match had(shared, account).await {
        Ok(id) => {
            tracing::info!(account = %account.name, project = %id, "Code Assist told the account's project");
            let _ = discovery.found.set(id.into());
            discovery.trouble.store(None);
            let (account, now) = (current(shared, account), shared.clock.now());
            shared.keeper.project_had(&account, now);
        }
        Err(why) => {
            let said = shared.secrets.redactor().text(&why.message).into_string();
            tracing::warn!(account = %account.name, reason = %said, "the account's project is not known");
            let before = discovery.trouble();
            let in_a_row = before
                .map_or(0, |trouble| trouble.in_a_row)
                .saturating_add(1);
            let at = shared.clock.now();
            let pause = when::pause_ms(why.is_refused(), in_a_row, why.retry_after_ms);
            let (retry_at, is_marked) = mark(shared, account, &why, began_at, at.plus_ms(pause));
            let trouble = Trouble {
                why,
                at,
                in_a_row,
                retry_at,
                is_marked,
            };
            discovery.trouble.store(Some(Arc::new(trouble)));
        }
    }
}

/// Asks at the account's addresses, the next where one does not answer; and once more where its access token was
/// refused before its end.
async fn had(shared: &Shared, account: &Arc<AccountEntry>) -> Result<String, NoToken> {
    let mut has_new_token = false;
    let mut others = account.fallbacks.len();
    loop {
        let token = token_of(shared, account).await?;
        let place = account.place(shared.clock.now());
        let answer = post(shared, account, place, token.as_ref()).await;
        let is_of_the_address = match &answer {
            Ok((status, ..)) => status.is_server_error(),
            Err(_) => true,
        };
        let now = shared.clock.now();
        if is_of_the_address
            && account.rests_at(place, now.plus_ms(ADDRESS_RESTS_MS), now)
            && others > 0
        {
            others -= 1;
            continue;
        }
        let (status, headers, body) = answer.map_err(|error| NoToken {
            cause: Cause::ProjectUnavailable,
            ..NoToken::unavailable(format!("Code Assist cannot be reached: {error}"))
        })?;
        if status == StatusCode::UNAUTHORIZED
            && !has_new_token
            && refused_by_provider(shared, account, token.as_ref())
        {
            has_new_token = true;
            continue;
        }
        return read(status, &headers, &body, now);
    }
}

async fn post(
    shared: &Shared,
    account: &AccountEntry,
    place: Place,
    token: Option<&HeaderValue>,
) -> Result<(StatusCode, HeaderMap, Bytes), TransportError> {
    let upstream = account.upstream_at(place);
    let uri = format!("{}{PATH}", upstream.path_prefix);
    let unusable = |_| {
        let fault = waybill_model::waybill::TransportFault::Protocol;
        TransportError::unsent(fault, "its address cannot be read")
    };
    let mut request = Request::new(Bytes::from(codeassist::load_code_assist_request(None)));
    *request.uri_mut() = uri.parse().map_err(unusable)?;
    *request.method_mut() = Method::POST;
    let mut own = HeaderMap::new();
    own.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    own.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let mut headers = headers_sent(&own, account, place, &Method::POST, None);
    if let Some(token) = token {
        headers.insert(header::AUTHORIZATION, token.clone());
    }
    *request.headers_mut() = headers;
    ask(
        Outlet::of(shared),
        upstream,
        request,
        MAX_ANSWER,
        TIME_TO_ANSWER,
    )
    .await
}

/// Reads what the service said. An error of its own that is about the credential keeps its cause; every other
/// refusal is [`Cause::NoProject`], and what says nothing [`Cause::ProjectUnavailable`].
fn read(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixMillis,
) -> Result<String, NoToken> {
    let why = |cause, message| NoToken {
        cause,
        message,
        status: Some(status.as_u16()),
        name: None,
        retry_after_ms: retry_after(headers),
    };
    if !status.is_success() {
        let said = error::read(
            Platform::Antigravity,
            Some(status.as_u16()),
            headers,
            body,
            now,
        );
        let cause = match said.cause_with(None, None) {
            cause @ (Cause::AuthInvalidKey | Cause::AuthAccountDisabled | Cause::AccessRegion) => {
                cause
            }
            _ if is_passing(status) => Cause::ProjectUnavailable,
            _ => Cause::NoProject,
        };
        let message = format!(
            "Code Assist was asked for the account's project, and says {status}: {}",
            shortened(&said.message)
        );
        return Err(NoToken {
            name: said.name,
            ..why(cause, message)
        });
    }
    let text = std::str::from_utf8(body).unwrap_or_default();
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        let message = "Code Assist was asked for the account's project, and answered with no JSON";
        return Err(why(Cause::ProjectUnavailable, message.to_owned()));
    }
    let id =
        codeassist::project_of(text).map_err(|none| why(Cause::NoProject, shortened(&none.why)))?;
    rules::project(Platform::Antigravity, &id).map_err(|bad| {
        why(
            Cause::NoProject,
            format!("Code Assist told no project: {bad}"),
        )
    })?;
    Ok(id)
}

fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || status.is_redirection()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Result<String, NoToken> {
        read(
            StatusCode::from_u16(status).unwrap(),
            &HeaderMap::new(),
            body.as_bytes(),
            UnixMillis(1_800_000_000_000),
        )
    }

    #[test]
    fn a_project_is_taken_and_whatever_else_is_said_has_its_cause() {
        let told = of(200, r#"{"cloudaicompanionProject":"p-1"}"#);
        assert_eq!(told.unwrap(), "p-1");
        for (status, body, cause) in [
            (200, "{}", Cause::NoProject),
            (
                200,
                r#"{"cloudaicompanionProject":"a b"}"#,
                Cause::NoProject,
            ),
            (200, "", Cause::ProjectUnavailable),
            (200, "<html>", Cause::ProjectUnavailable),
            (404, "", Cause::NoProject),
            (
                403,
                r#"{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}"#,
                Cause::NoProject,
            ),
            (
                401,
                r#"{"error":{"code":401,"message":"no","status":"UNAUTHENTICATED"}}"#,
                Cause::AuthInvalidKey,
            ),
            (
                429,
                r#"{"error":{"code":429,"message":"no","status":"RESOURCE_EXHAUSTED"}}"#,
                Cause::ProjectUnavailable,
            ),
            (503, "", Cause::ProjectUnavailable),
        ] {
            let why = of(status, body).unwrap_err();
            assert_eq!(why.cause, cause, "{status} {body}");
            assert_eq!(why.status, Some(status));
            let people_have_to_act = cause != Cause::ProjectUnavailable;
            assert_eq!(why.is_refused(), people_have_to_act, "{status} {body}");
        }
    }
}
