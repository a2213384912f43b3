//! `admin-users`: who uses this API by name. A password comes in and never goes out.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use serde::Deserialize;
use waybill_model::{
    entity::Status,
    id::AdminUserId,
    people::{AdminUser, Role, Through},
    secret::Secret,
    view::List,
};
use waybill_store::{AdminUserChange, Keep, NewAdminUser};

use super::{
    App,
    actor::{self, Actor},
    body::Body,
    check,
    entities::{PathId, id, paged},
    guard::UNKNOWN,
    note::Note,
    openapi::NumberParameters,
    problem::{Problem, ProblemCode, ProblemDetails},
};
use crate::people::password;

/// An admin user to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserForm {
    /// Unique name, to sign in with.
    name: String,
    /// At least 12 characters.
    #[schema(value_type = String, format = Password, write_only)]
    password: Secret,
    /// What they may do.
    role: Role,
    /// Whether they may sign in.
    status: Option<Status>,
}

/// What to change about an admin user; what is absent stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserPatch {
    /// Unique name, to sign in with.
    name: Option<String>,
    /// At least 12 characters. Another password ends their sessions.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    password: Option<Secret>,
    /// What they may do.
    role: Option<Role>,
    /// Whether they may sign in. Being switched off ends their sessions, and their tokens do not work.
    status: Option<Status>,
}

/// Every admin user, by id.
#[utoipa::path(get, path = "/api/v1/admin/admin-users", operation_id = "list_admin_users", tag = "people", params(NumberParameters),
    responses((status = 200, body = List<AdminUser>)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<AdminUser>>, Problem> {
    paged(shared.store.admin_users().await?, query.as_deref()).map(Json)
}

/// One admin user.
#[utoipa::path(get, path = "/api/v1/admin/admin-users/{id}", operation_id = "get_admin_user", tag = "people",
    params(("id" = i64, Path)), responses((status = 200, body = AdminUser), (status = 404, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<Json<AdminUser>, Problem> {
    let found = shared.store.admin_user(AdminUserId(id(&text)?)).await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("admin user", text))
}

/// Makes an admin user.
#[utoipa::path(post, path = "/api/v1/admin/admin-users", operation_id = "create_admin_user", tag = "people", request_body = AdminUserForm,
    responses((status = 201, body = AdminUser), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn create(
    State(shared): State<App>,
    actor: Actor,
    note: Note,
    Body(form): Body<AdminUserForm>,
) -> Result<(StatusCode, Json<AdminUser>), Problem> {
    check_unkept(&actor)?;
    note.say("role", form.role.as_str());
    let new = NewAdminUser {
        status: form.status.unwrap_or(Status::Active),
        ..of_form(&shared, form.name, form.password, form.role).await?
    };
    let now = shared.clock.now();
    let made = shared.store.create_admin_user(new, now).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Somebody to be made, looked through, with the hash of their password.
pub async fn of_form(
    shared: &App,
    name: String,
    password: Secret,
    role: Role,
) -> Result<NewAdminUser, Problem> {
    check_name(&name)?;
    Ok(NewAdminUser {
        name,
        role,
        status: Status::Active,
        password_hash: hashed(shared, "password", password).await?,
    })
}

/// Changes an admin user. What it takes away ends at once here, and within seconds on other replicas.
#[utoipa::path(patch, path = "/api/v1/admin/admin-users/{id}", operation_id = "change_admin_user", tag = "people",
    params(("id" = i64, Path)), request_body = AdminUserPatch,
    responses((status = 200, body = AdminUser), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    actor: Actor,
    note: Note,
    PathId(text): PathId,
    Body(patch): Body<AdminUserPatch>,
) -> Result<Json<AdminUser>, Problem> {
    check_unkept(&actor)?;
    let id = AdminUserId(id(&text)?);
    patch.name.as_deref().map_or(Ok(()), check_name)?;
    if let Some(role) = patch.role {
        note.say("role", role.as_str());
    }
    if let Some(status) = patch.status {
        note.say("status", status.as_str());
    }
    let change = AdminUserChange {
        // One's own password may be known to whoever guesses one's codes.
        forgets_wrong_codes: patch.password.is_some() && actor.id != Some(id),
        name: patch.name,
        role: patch.role,
        status: patch.status,
        password_hash: match patch.password {
            Some(password) => Some(hashed(&shared, "password", password).await?),
            None => None,
        },
    };
    let now = shared.clock.now();
    let changed = shared
        .store
        .update_admin_user(id, change, keep(&actor), now)
        .await;
    shared.people.known.forget();
    Ok(Json(changed?))
}

/// Deletes an admin user with their tokens and sessions. What they did stays in the audit log.
#[utoipa::path(delete, path = "/api/v1/admin/admin-users/{id}", operation_id = "delete_admin_user", tag = "people",
    params(("id" = i64, Path)), responses((status = 204), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn remove(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    check_unkept(&actor)?;
    let id = AdminUserId(id(&text)?);
    let removed = shared.store.delete_admin_user(id, keep(&actor)).await;
    shared.people.known.forget();
    removed?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whom a token kept to some areas could make, or become, would be kept to none.
pub fn check_unkept(actor: &Actor) -> Result<(), Problem> {
    if actor.areas.is_empty() {
        return Ok(());
    }
    let detail = "a token that is kept to some areas cannot change admin users";
    Err(Problem::new(ProblemCode::Forbidden, detail))
}

/// Whoever bears the configured admin token has shown that there is another way in.
fn keep(actor: &Actor) -> Keep {
    match actor.through {
        Through::AdminToken => Keep::Nobody,
        Through::PersonalToken | Through::Session | Through::Nothing => Keep::AnAdmin,
    }
}

/// The hash of a new password that stands in `field`.
pub async fn hashed(shared: &App, field: &str, password: Secret) -> Result<String, Problem> {
    password::check(&password).map_err(|why| Problem::field(field, why))?;
    Ok(shared.people.passwords.hash(password).await?)
}

fn check_name(name: &str) -> Result<(), Problem> {
    check::name(name)?;
    match name {
        actor::ADMIN_TOKEN | UNKNOWN => Err(Problem::field(
            "name",
            "the audit log calls somebody else that",
        )),
        _ => Ok(()),
    }
}
