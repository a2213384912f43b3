//! The first set-up: the first admin user, by the set-up token that the first start showed, or by the configured
//! admin token.
//!
//! Promises: of two set-ups at once one wins; with an admin user it is over. Must not know: who made the token.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use waybill_model::{
    people::{AdminUser, Role},
    secret::Secret,
};

use super::{
    App,
    admin_users::of_form,
    auth,
    body::Body,
    note::Note,
    problem::{Problem, ProblemCode, ProblemDetails},
    sign_in::Asked,
};
use crate::people::throttle::Key;

/// Whether the first admin user is still to be made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SetupState {
    /// Whether it is: there is no admin user.
    open: bool,
}

/// The first admin user.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The token that the first start showed, or the configured admin token.
    #[schema(value_type = String, format = Password, write_only)]
    setup_token: Secret,
    /// Their name.
    name: String,
    /// Their password: at least 12 characters.
    #[schema(value_type = String, format = Password, write_only)]
    password: Secret,
}

/// Whether the first admin user is still to be made.
#[utoipa::path(get, path = "/api/v1/admin/setup", operation_id = "get_setup", tag = "people", security(()),
    responses((status = 200, body = SetupState)))]
pub async fn show(State(shared): State<App>) -> Result<Json<SetupState>, Problem> {
    let open = !shared.store.has_admin_users().await?;
    Ok(Json(SetupState { open }))
}

/// Makes the first admin user, and closes the set-up.
#[utoipa::path(post, path = "/api/v1/admin/setup", operation_id = "set_up", tag = "people", request_body = Setup, security(()),
    responses((status = 201, body = AdminUser), (status = 400, body = ProblemDetails), (status = 401, body = ProblemDetails), (status = 409, body = ProblemDetails), (status = 429, body = ProblemDetails)))]
pub async fn create(
    State(shared): State<App>,
    asked: Asked,
    note: Note,
    Body(form): Body<Setup>,
) -> Result<(StatusCode, Json<AdminUser>), Problem> {
    let keys = [Key::of_address(asked.ip)];
    let now = shared.clock.now();
    let more = shared
        .people
        .throttle
        .attempt(&keys, now)
        .map_err(Problem::wait)?;
    note.more(more);
    let closed = || Problem::new(ProblemCode::SetupClosed, "sign in, or ask an admin");
    if shared.store.has_admin_users().await? {
        return Err(closed());
    }
    let given = form.setup_token.expose();
    let kept = shared.store.setup_token().await?;
    // Hashes with a key that nobody outside has: how long a comparison takes says nothing.
    let is_setup_token = kept.is_some_and(|kept| kept == shared.vault.hash_pass(given));
    if !is_setup_token && !auth::is(given, &shared.admin_token) {
        let detail = "this is neither the set-up token nor the admin token";
        return Err(Problem::new(ProblemCode::Unauthorized, detail));
    }
    shared.people.throttle.succeeded(&keys);
    note.actor(&form.name);
    let new = of_form(&shared, form.name, form.password, Role::Admin).await?;
    let made = shared.store.create_first_admin_user(new, now).await?;
    made.map(|made| (StatusCode::CREATED, Json(made)))
        .ok_or_else(closed)
}
