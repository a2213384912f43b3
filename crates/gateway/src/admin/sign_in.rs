//! Signing in and out, who one is, one's own password. The second factor is `totp`'s.
//!
//! Promises: a wrong name and a wrong password are told apart neither by the answer nor by its time; attempts
//! are throttled by name and by address. Must not know: how passwords are hashed.

use std::net::IpAddr;

use axum::{
    Json,
    extract::{FromRequestParts, Request, State},
    response::{AppendHeaders, IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use serde::{Deserialize, Serialize};
use waybill_model::{
    entity::Status,
    id::AdminUserId,
    people::{AdminUser, Area, Role, Through},
    secret::Secret,
    time::UnixMillis,
};
use waybill_store::{AdminUserChange, Keep, NewSession};

use super::{
    App,
    actor::Actor,
    admin_users::hashed,
    auth::{OwnSession, SESSION_PREFIX, address},
    body::Body,
    cookie,
    note::Note,
    problem::{Problem, ProblemCode, ProblemDetails},
    totp,
};
use crate::people::{known::LONGEST_MS, password, throttle::Key};

/// Name and password, and a code where the second factor is on.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The admin user's name.
    name: String,
    /// Their password.
    #[schema(value_type = String, format = Password, write_only)]
    password: Secret,
    /// The six digits that their authenticator app shows, where the answer without them was `totp_required`.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    code: Option<Secret>,
}

/// Who one is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Me {
    /// Which admin user; `null`: the bearer of the configured admin token.
    id: Option<AdminUserId>,
    /// What the audit log calls one.
    name: String,
    /// What one may do.
    role: Role,
    /// Through what one is known.
    through: Through,
    /// The areas one is kept to; empty is all of them.
    scopes: Vec<Area>,
    /// When the token ends that one is known through.
    expires_at: Option<UnixMillis>,
    /// Whether signing in takes a code of an authenticator app besides one's password.
    totp: bool,
    /// What changes by a session have to bear as `x-waybill-csrf`; `null` without a session.
    csrf_token: Option<String>,
}

/// What the address and the headers of a request say, for what answers with a cookie.
pub struct Asked {
    /// Its headers.
    pub headers: HeaderMap,
    /// Where it came from.
    pub ip: IpAddr,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Asked {
            headers: parts.headers.clone(),
            ip: address(&parts.extensions),
        })
    }
}

type WithCookie<T> = (AppendHeaders<Vec<(HeaderName, HeaderValue)>>, T);

fn with_cookie<T>(cookie: Option<HeaderValue>, answer: T) -> WithCookie<T> {
    let set = cookie.map(|value| (header::SET_COOKIE, value));
    (AppendHeaders(set.into_iter().collect()), answer)
}

/// Begins a session. The answer sets its cookie, and says what changes have to bear besides.
#[utoipa::path(post, path = "/api/v1/admin/sign-in", operation_id = "sign_in", tag = "people", request_body = SignIn, security(()),
    responses((status = 200, body = Me), (status = 401, body = ProblemDetails), (status = 429, body = ProblemDetails)))]
pub async fn sign_in(
    State(shared): State<App>,
    asked: Asked,
    note: Note,
    Body(form): Body<SignIn>,
) -> Result<WithCookie<Json<Me>>, Problem> {
    let keys = [Key::of_name(&form.name), Key::of_address(asked.ip)];
    let now = shared.clock.now();
    let more = shared
        .people
        .throttle
        .attempt(&keys, now)
        .map_err(Problem::wait)?;
    note.more(more);
    let user = shared.store.admin_user_named(form.name).await?;
    if let Some(user) = &user {
        note.actor(&user.name);
        note.subject(user.id);
    }
    let user = checked(&shared, user, form.password).await?;
    let code = totp::for_sign_in(&shared, &user, form.code, now, &note).await;
    if let Err(problem) = &code
        && problem.is(ProblemCode::TotpRequired)
    {
        // No guess, but the first half: codes are counted on their own.
        shared.people.throttle.succeeded(&keys);
    }
    let code = code?;
    let has_code = code.is_some();
    let text = shared.vault.new_pass(SESSION_PREFIX);
    let session = NewSession {
        admin_user_id: user.id,
        password_hash: user.password_hash.clone(),
        code,
        hash: shared.vault.hash_pass(text.expose()),
        expires_at: now.plus_ms(LONGEST_MS),
    };
    if !shared.store.begin_session(session, now).await? {
        // It was changed, or the code was used, while it was checked.
        return Err(if has_code { totp::wrong() } else { wrong() });
    }
    shared.people.throttle.succeeded(&keys);
    totp::accepted(&shared, user.id);
    let me = Me {
        id: Some(user.id),
        name: user.name,
        role: user.role,
        through: Through::Session,
        scopes: Vec::new(),
        expires_at: None,
        totp: user.totp,
        csrf_token: Some(shared.vault.csrf_token(text.expose())),
    };
    Ok(with_cookie(
        cookie::set(text.expose(), &asked.headers),
        Json(me),
    ))
}

fn wrong() -> Problem {
    Problem::new(ProblemCode::Unauthorized, "name or password is wrong")
}

/// Whose password it is. It takes as long where there is no such name.
async fn checked(
    shared: &App,
    user: Option<AdminUser>,
    given: Secret,
) -> Result<AdminUser, Problem> {
    if given.expose().len() > password::MAX_BYTES {
        return Err(wrong());
    }
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let is_right = shared.people.passwords.is(given, stored).await?;
    user.filter(|user| is_right && user.status == Status::Active)
        .ok_or_else(wrong)
}

/// Ends the session that the request came with.
#[utoipa::path(post, path = "/api/v1/admin/sign-out", operation_id = "sign_out", tag = "people", responses((status = 204)))]
pub async fn sign_out(State(shared): State<App>, request: Request) -> Result<Response, Problem> {
    if let Some(own) = request.extensions().get::<OwnSession>() {
        shared.store.end_session(own.id).await?;
        shared.people.known.forget();
    }
    let cookie = cookie::unset(request.headers());
    Ok(with_cookie(cookie, StatusCode::NO_CONTENT).into_response())
}

/// Ends all of one's sessions: here at once, within seconds on other replicas.
#[utoipa::path(post, path = "/api/v1/admin/sign-out-everywhere", operation_id = "sign_out_everywhere", tag = "people", responses((status = 204), (status = 400, body = ProblemDetails)))]
pub async fn sign_out_everywhere(
    State(shared): State<App>,
    actor: Actor,
    asked: Asked,
) -> Result<WithCookie<StatusCode>, Problem> {
    shared.store.end_sessions(named(&actor)?).await?;
    shared.people.known.forget();
    Ok(with_cookie(
        cookie::unset(&asked.headers),
        StatusCode::NO_CONTENT,
    ))
}

/// Who one is, and what one may do.
#[utoipa::path(get, path = "/api/v1/admin/me", operation_id = "get_me", tag = "people", responses((status = 200, body = Me)))]
pub async fn me(
    State(shared): State<App>,
    actor: Actor,
    request: Request,
) -> Result<Json<Me>, Problem> {
    let user = match actor.id {
        Some(id) => shared.store.admin_user(id).await?,
        None => None,
    };
    let own = request.extensions().get::<OwnSession>();
    Ok(Json(Me {
        id: actor.id,
        name: actor.name,
        role: actor.role,
        through: actor.through,
        scopes: actor.areas,
        expires_at: actor.until,
        totp: user.is_some_and(|user| user.totp),
        csrf_token: own.map(|own| own.csrf_token.clone()),
    }))
}

/// One's own password.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// As it is now.
    #[schema(value_type = String, format = Password, write_only)]
    old_password: Secret,
    /// At least 12 characters.
    #[schema(value_type = String, format = Password, write_only)]
    new_password: Secret,
}

/// Changes one's own password, and ends all of one's sessions, this one too.
#[utoipa::path(put, path = "/api/v1/admin/me/password", operation_id = "change_password", tag = "people", request_body = NewPassword,
    responses((status = 204), (status = 400, body = ProblemDetails), (status = 401, body = ProblemDetails), (status = 429, body = ProblemDetails)))]
pub async fn change_password(
    State(shared): State<App>,
    actor: Actor,
    asked: Asked,
    Body(form): Body<NewPassword>,
) -> Result<WithCookie<StatusCode>, Problem> {
    let id = own_password(&shared, &actor, asked.ip, form.old_password)
        .await?
        .id;
    let now = shared.clock.now();
    let change = AdminUserChange {
        password_hash: Some(hashed(&shared, "new_password", form.new_password).await?),
        ..AdminUserChange::default()
    };
    // A password takes nobody's role away.
    let changed = shared
        .store
        .update_admin_user(id, change, Keep::Nobody, now);
    changed.await?;
    shared.people.known.forget();
    Ok(with_cookie(
        cookie::unset(&asked.headers),
        StatusCode::NO_CONTENT,
    ))
}

/// Who acts, if the password that is given is theirs. Guesses are throttled as sign-ins are.
pub async fn own_password(
    shared: &App,
    actor: &Actor,
    ip: IpAddr,
    given: Secret,
) -> Result<AdminUser, Problem> {
    let id = named(actor)?;
    let keys = [Key::of_name(&actor.name), Key::of_address(ip)];
    shared
        .people
        .throttle
        .attempt(&keys, shared.clock.now())
        .map_err(Problem::wait)?;
    let user = shared.store.admin_user(id).await?;
    let user = checked(shared, user, given).await?;
    shared.people.throttle.succeeded(&keys);
    Ok(user)
}

/// Which admin user acts.
pub fn named(actor: &Actor) -> Result<AdminUserId, Problem> {
    let detail = "the configured admin token is nobody's: it has no password and no sessions";
    actor
        .id
        .ok_or_else(|| Problem::new(ProblemCode::InvalidField, detail))
}
