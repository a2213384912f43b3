//! Who uses the admin API: the bearer of its token or of a personal one, or somebody who signed in.
//!
//! Promises: the comparison takes as long for a wrong token as for the right one; nothing is looked up for a
//! token that was not made here; a change by a session, which a browser sends along by itself, needs what only
//! a page of ours knows. Must not know: what is asked for.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderMap, Method, header};
use waybill_model::{people::Through, secret::Secret};

use super::{
    actor::Actor,
    cookie,
    guard::refused,
    problem::{Problem, ProblemCode},
};
use crate::{
    app::Shared,
    ingress::Peer,
    people::{
        known::{self, Found, Kind, Pass, PassId},
        throttle::Key,
    },
};

/// How a personal token begins.
pub const TOKEN_PREFIX: &str = "wb-pat-";

/// How what a session's cookie holds begins.
pub const SESSION_PREFIX: &str = "wb-ses-";

/// What a change by a session has to bear.
pub const CSRF: &str = "x-waybill-csrf";

/// A configured token from this length on cannot be guessed, however often is tried: its bearer is let in also
/// where others behind the same address have failed.
const UNGUESSABLE_BYTES: usize = 24;

/// The session that a request came with.
#[derive(Clone)]
pub struct OwnSession {
    /// Its row.
    pub id: i64,
    /// What a page must know to change something.
    pub csrf_token: String,
}

/// Who sends a request, and what they are known through.
struct Somebody {
    actor: Actor,
    /// `None`: the configured admin token.
    pass: Option<PassId>,
    own: Option<OwnSession>,
}

impl Somebody {
    fn of_admin_token() -> Self {
        Somebody {
            actor: Actor::of_admin_token(),
            pass: None,
            own: None,
        }
    }
}

/// Lets a request through if it is known who sends it, and says who that is.
pub async fn require_somebody(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let ip = address(request.extensions());
    let known = if let Some(token) = bearer(request.headers()) {
        by_token(&shared, token, ip).await
    } else if let Some(text) = cookie::session(request.headers()) {
        by_session(&shared, text, request.method(), request.headers(), ip).await
    } else {
        Err(unauthorized())
    };
    match known {
        Ok(Somebody { actor, pass, own }) => {
            request.extensions_mut().insert(actor);
            if let Some(pass) = pass {
                request.extensions_mut().insert(pass);
            }
            if let Some(own) = own {
                request.extensions_mut().insert(own);
            }
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// The peer's address.
pub fn address(extensions: &Extensions) -> IpAddr {
    extensions
        .get::<Peer>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip)
}

fn unauthorized() -> Problem {
    let detail = "send a token as `Authorization: Bearer TOKEN`, or sign in";
    Problem::new(ProblemCode::Unauthorized, detail)
}

async fn by_token(shared: &Shared, token: &str, ip: IpAddr) -> Result<Somebody, Problem> {
    let (key, now) = (Key::of_tokens(ip), shared.clock.now());
    if shared.vault.made(TOKEN_PREFIX, token) {
        let hash = shared.vault.hash_pass(token);
        let people = &shared.people;
        let found = people.known.find(&shared.store, Kind::Token, hash, now);
        if let Some(found) = found.await? {
            known::touch(&shared.store, &found, now);
            let kind = Kind::Token;
            return Ok(Somebody {
                actor: actor_of(&found),
                pass: Some(PassId { kind, hash }),
                own: None,
            });
        }
        // It was revoked, or is over: no guess.
        refused::ended_token(shared, ip).await?;
        return Err(unauthorized());
    }
    let is_right = is(token, &shared.admin_token);
    if is_right && shared.admin_token.expose().len() >= UNGUESSABLE_BYTES {
        return Ok(Somebody::of_admin_token());
    }
    shared
        .people
        .throttle
        .check(&key, now)
        .map_err(Problem::wait)?;
    if is_right {
        return Ok(Somebody::of_admin_token());
    }
    let more = shared
        .people
        .throttle
        .attempt(&[key], now)
        .map_err(Problem::wait)?;
    refused::token(shared, ip, 1 + more).await?;
    Err(unauthorized())
}

async fn by_session(
    shared: &Shared,
    text: &str,
    method: &Method,
    headers: &HeaderMap,
    ip: IpAddr,
) -> Result<Somebody, Problem> {
    if !shared.vault.made(SESSION_PREFIX, text) {
        return Err(unauthorized());
    }
    let (hash, now) = (shared.vault.hash_pass(text), shared.clock.now());
    let found = shared
        .people
        .known
        .find(&shared.store, Kind::Session, hash, now)
        .await?
        .ok_or_else(unauthorized)?;
    let csrf_token = shared.vault.csrf_token(text);
    let only_reads = matches!(*method, Method::GET | Method::HEAD);
    let given = headers.get(CSRF).map(|value| value.as_bytes());
    let is_ours = given.is_some_and(|given| same(given, csrf_token.as_bytes()));
    if !only_reads && !is_ours {
        refused::csrf(shared, &actor_of(&found), ip).await?;
        let detail = format!("send `{CSRF}` as `sign-in` and `me` answer it in `csrf_token`");
        return Err(Problem::new(ProblemCode::CsrfToken, detail));
    }
    known::touch(&shared.store, &found, now);
    let id = match &found.pass {
        Pass::Session(session) => session.id,
        Pass::Token(_) => return Err(unauthorized()),
    };
    let kind = Kind::Session;
    Ok(Somebody {
        actor: actor_of(&found),
        pass: Some(PassId { kind, hash }),
        own: Some(OwnSession { id, csrf_token }),
    })
}

fn actor_of(found: &Found) -> Actor {
    let (through, until) = match &found.pass {
        Pass::Token(token) => (Through::PersonalToken, token.expires_at),
        Pass::Session(_) => (Through::Session, None),
    };
    Actor {
        id: Some(found.user.id),
        name: found.user.name.clone(),
        role: found.role(),
        through,
        areas: found.areas().to_vec(),
        until,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Whether a token is the configured one.
pub fn is(presented: &str, token: &Secret) -> bool {
    !presented.is_empty() && same(presented.as_bytes(), token.expose().as_bytes())
}

/// Equality of these hashes is decided in constant time, and hides the length too.
fn same(one: &[u8], other: &[u8]) -> bool {
    blake3::hash(one) == blake3::hash(other)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_the_exact_token_as_a_bearer_token_is_let_through() {
        let token = Secret::new("right");
        for (sent, let_through) in [
            ("Bearer right", true),
            ("bearer right", true),
            ("Bearer wrong", false),
            ("Bearer righ", false),
            ("Bearer right2", false),
            ("Bearer ", false),
            ("Basic right", false),
            ("right", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(sent));
            let known = bearer(&headers).is_some_and(|presented| is(presented, &token));
            assert_eq!(known, let_through, "{sent}");
        }
        assert!(bearer(&HeaderMap::new()).is_none());
    }

    #[test]
    fn an_empty_token_opens_nothing() {
        assert!(!is("", &Secret::new("")));
    }
}
