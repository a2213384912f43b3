//! `me/totp`: the second factor of whoever signs in with a password, a code of an authenticator app; and what an
//! admin does about somebody's who lost it.
//!
//! Promises: a secret is shown once, to whoever knows the password, and is in force once a code of it was right; who
//! turns it off has a code, or is not the one whose it is; each code is taken once; guesses are throttled, and
//! counted over all replicas. Must not know: how codes are made.

use axum::{Extension, Json, extract::State};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use waybill_model::{id::AdminUserId, people::AdminUser, secret::Secret, time::UnixMillis};
use waybill_store::{MOST_WRONG_CODES, RightCode};

use super::{
    App,
    actor::Actor,
    admin_users::check_unkept,
    auth::OwnSession,
    body::Body,
    entities::{PathId, id},
    note::Note,
    problem::{Problem, ProblemCode, ProblemDetails},
    sign_in::{Asked, named, own_password},
};
use crate::{
    people::{throttle::Key, totp},
    vault::Purpose,
};

/// Who begins a second factor.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpBegin {
    /// One's password.
    #[schema(value_type = String, format = Password, write_only)]
    password: Secret,
}

/// A secret to be kept by an authenticator app. It is shown this once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct TotpBegun {
    /// In base32, to be typed.
    secret: String,
    /// The same as `otpauth://` address, to be shown as a QR code.
    uri: String,
}

/// What shows that an app keeps the secret.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpCode {
    /// The six digits that it shows.
    #[schema(value_type = String, format = Password, write_only)]
    code: Secret,
}

/// Who turns a second factor off.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpDisable {
    /// One's password.
    #[schema(value_type = String, format = Password, write_only)]
    password: Secret,
    /// The six digits that the authenticator app shows.
    #[schema(value_type = String, format = Password, write_only)]
    code: Secret,
}

/// Begins a second factor: a new secret for an authenticator app. Not in force until `PUT` confirms it.
#[utoipa::path(post, path = "/api/v1/admin/me/totp", operation_id = "begin_totp", tag = "people", request_body = TotpBegin,
    responses((status = 200, body = TotpBegun), (status = 400, body = ProblemDetails), (status = 401, body = ProblemDetails), (status = 409, body = ProblemDetails), (status = 429, body = ProblemDetails)))]
pub async fn begin(
    State(shared): State<App>,
    actor: Actor,
    asked: Asked,
    Body(form): Body<TotpBegin>,
) -> Result<Json<TotpBegun>, Problem> {
    let user = own_password(&shared, &actor, asked.ip, form.password).await?;
    let secret = totp::new_secret();
    let sealed = shared.vault.seal(Purpose::Totp, &secret);
    let now = shared.clock.now();
    if !shared.store.begin_totp(user.id, sealed, now).await? {
        return Err(is_on());
    }
    let public = shared.settings.notifications.public_url.as_deref();
    let public: Option<http::Uri> = public.and_then(|url| url.parse().ok());
    let sent_to = asked.headers.get(header::HOST);
    let host = public
        .as_ref()
        .and_then(http::Uri::host)
        .or_else(|| sent_to.and_then(|host| host.to_str().ok()));
    Ok(Json(TotpBegun {
        secret: totp::text(&secret),
        uri: totp::address(&totp::issuer(host), &user.name, &secret),
    }))
}

/// Confirms a second factor with a code of it: signing in takes one from now on. One's other sessions end.
#[utoipa::path(put, path = "/api/v1/admin/me/totp", operation_id = "confirm_totp", tag = "people", request_body = TotpCode,
    responses((status = 204), (status = 400, body = ProblemDetails), (status = 401, body = ProblemDetails), (status = 409, body = ProblemDetails), (status = 429, body = ProblemDetails)))]
pub async fn confirm(
    State(shared): State<App>,
    actor: Actor,
    own: Option<Extension<OwnSession>>,
    note: Note,
    Body(form): Body<TotpCode>,
) -> Result<StatusCode, Problem> {
    let id = named(&actor)?;
    let now = shared.clock.now();
    let code = right(&shared, id, Wanted::Begun, &form.code, now, &note).await?;
    let own = own.map(|own| own.id);
    let confirmed = shared.store.confirm_totp(id, code, own, now).await;
    shared.people.known.forget();
    if !confirmed? {
        return Err(wrong());
    }
    accepted(&shared, id);
    Ok(StatusCode::NO_CONTENT)
}

/// Turns one's second factor off.
#[utoipa::path(post, path = "/api/v1/admin/me/totp/disable", operation_id = "disable_totp", tag = "people", request_body = TotpDisable,
    responses((status = 204), (status = 400, body = ProblemDetails), (status = 401, body = ProblemDetails), (status = 403, body = ProblemDetails), (status = 409, body = ProblemDetails), (status = 429, body = ProblemDetails)))]
pub async fn disable(
    State(shared): State<App>,
    actor: Actor,
    asked: Asked,
    note: Note,
    Body(form): Body<TotpDisable>,
) -> Result<StatusCode, Problem> {
    let user = own_password(&shared, &actor, asked.ip, form.password).await?;
    let now = shared.clock.now();
    let code = right(&shared, user.id, Wanted::InForce, &form.code, now, &note).await?;
    if !shared.store.end_totp(user.id, code, now).await? {
        return Err(wrong());
    }
    accepted(&shared, user.id);
    shared.people.known.forget();
    Ok(StatusCode::NO_CONTENT)
}

/// Turns the second factor off of somebody who lost their device, and ends their sessions.
#[utoipa::path(delete, path = "/api/v1/admin/admin-users/{id}/totp", operation_id = "reset_totp", tag = "people",
    params(("id" = i64, Path)), responses((status = 204), (status = 403, body = ProblemDetails), (status = 404, body = ProblemDetails)))]
pub async fn reset(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    check_unkept(&actor)?;
    let id = AdminUserId(id(&text)?);
    // Whoever found a session open would turn it off otherwise, without password and code.
    if actor.id == Some(id) {
        let detail = "one's own is turned off with password and code, by `POST me/totp/disable`, or by another admin";
        return Err(Problem::new(ProblemCode::Forbidden, detail));
    }
    let reset = shared.store.reset_totp(id, shared.clock.now()).await;
    shared.people.known.forget();
    reset?;
    accepted(&shared, id);
    Ok(StatusCode::NO_CONTENT)
}

/// The code of somebody who signs in, whose password is right. `None`: none is needed.
pub async fn for_sign_in(
    shared: &App,
    user: &AdminUser,
    given: Option<Secret>,
    now: UnixMillis,
    note: &Note,
) -> Result<Option<RightCode>, Problem> {
    match (user.totp, given) {
        (false, _) => Ok(None),
        (true, None) => {
            note.say("totp", "required");
            let detail = "send the six digits that your authenticator app shows, as `code`";
            Err(Problem::new(ProblemCode::TotpRequired, detail))
        }
        (true, Some(given)) => right(shared, user.id, Wanted::InForce, &given, now, note)
            .await
            .map(Some),
    }
}

/// A code was taken: guesses before it are forgotten.
pub fn accepted(shared: &App, of: AdminUserId) {
    shared.people.throttle.succeeded(&[Key::Code(of)]);
}

/// A code that is not, or no longer, the right one.
pub fn wrong() -> Problem {
    let detail = "wait for the next code of your authenticator app; the device's clock has to be right to within half a minute";
    Problem::new(ProblemCode::TotpWrong, detail)
}

fn is_on() -> Problem {
    let detail = "turn it off before you begin another one";
    Problem::new(ProblemCode::TotpOn, detail)
}

/// Of which second factor a code has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Of one that was begun.
    Begun,
    /// Of one that is in force.
    InForce,
}

/// The step of a code that is right. Whether it was used meanwhile, the store decides when it is.
async fn right(
    shared: &App,
    of: AdminUserId,
    wanted: Wanted,
    given: &Secret,
    now: UnixMillis,
    note: &Note,
) -> Result<RightCode, Problem> {
    let kept = match (shared.store.totp(of).await?, wanted) {
        (Some(kept), Wanted::Begun) if kept.is_on => return Err(is_on()),
        (Some(kept), Wanted::Begun) => kept,
        (Some(kept), Wanted::InForce) if kept.is_on => kept,
        (None, Wanted::Begun) => {
            let detail = "begin it with `POST me/totp`";
            return Err(Problem::new(ProblemCode::TotpOff, detail));
        }
        (_, Wanted::InForce) => {
            let detail = "signing in takes the password alone";
            return Err(Problem::new(ProblemCode::TotpOff, detail));
        }
    };
    let more = shared
        .people
        .throttle
        .attempt(&[Key::Code(of)], now)
        .map_err(Problem::wait)?;
    note.more(more);
    if kept.wrong >= MOST_WRONG_CODES {
        note.say("totp", "locked");
        let detail = "somebody who knows the password guesses codes: ask an admin for another one, or `waybill admins password NAME`";
        return Err(Problem::new(ProblemCode::TotpLocked, detail));
    }
    let secret = shared
        .vault
        .open(Purpose::Totp, &kept.secret)
        .map_err(|error| {
            tracing::error!(%error, %of, "a second factor cannot be read");
            let detail =
                "the second factor was sealed with another instance key: an admin can turn it off";
            Problem::new(ProblemCode::Internal, detail)
        })?;
    match totp::step_of(&secret, given.expose(), now, kept.step) {
        Some(step) => Ok(RightCode {
            secret: kept.secret,
            step,
        }),
        None => {
            note.say("totp", "wrong");
            shared.store.code_was_wrong(of).await?;
            Err(wrong())
        }
    }
}
