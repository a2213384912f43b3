//! `tokens`: personal tokens. One is shown once, when it is made, and reaches no further than who makes it.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use waybill_model::{
    id::{AdminTokenId, AdminUserId},
    people::{AdminToken, AdminUser, Area, Role},
    time::UnixMillis,
    view::List,
};
use waybill_store::NewAdminToken;

use super::{
    App,
    actor::Actor,
    auth::TOKEN_PREFIX,
    body::{Body, NameOrId},
    check,
    entities::{PathId, id, paged},
    note::Note,
    openapi::NumberParameters,
    problem::{Problem, ProblemCode, ProblemDetails},
};

/// Characters of a token that are shown, to tell tokens apart.
const SHOWN_CHARS: usize = TOKEN_PREFIX.len() + 6;

/// A personal token as it is shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AdminTokenView {
    /// Its definition.
    #[serde(flatten)]
    token: AdminToken,
    /// Its owner's name.
    admin_user: Option<String>,
}

/// A token just made: the one time it is shown itself.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AdminTokenMade {
    /// As it is shown from now on.
    #[serde(flatten)]
    view: AdminTokenView,
    /// The token. It is stored as a hash, so it cannot be shown again.
    token: String,
}

/// A personal token to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminTokenForm {
    /// Unique among its owner's.
    name: String,
    /// What it may be used for at most: not more than who makes it may.
    role: Role,
    /// The areas it is kept to; empty is all that who makes it may use.
    #[serde(default)]
    scopes: Vec<Area>,
    /// After this instant it no longer works; absent: it works until it is deleted.
    expires_at: Option<UnixMillis>,
    /// Whose it is to be, where an admin makes it for somebody; absent: one's own.
    admin_user: Option<NameOrId>,
}

/// One's own tokens, by id; an admin sees everybody's.
#[utoipa::path(get, path = "/api/v1/admin/tokens", operation_id = "list_tokens", tag = "people", params(NumberParameters),
    responses((status = 200, body = List<AdminTokenView>)))]
pub async fn list(
    State(shared): State<App>,
    actor: Actor,
    RawQuery(query): RawQuery,
) -> Result<Json<List<AdminTokenView>>, Problem> {
    let users = shared.store.admin_users().await?;
    let tokens = shared.store.admin_tokens(only(&actor)?).await?;
    let all = tokens
        .into_iter()
        .map(|token| view(&users, token))
        .collect();
    paged(all, query.as_deref()).map(Json)
}

/// Makes a personal token. It reaches no further and lasts no longer than what its maker is known through.
#[utoipa::path(post, path = "/api/v1/admin/tokens", operation_id = "create_token", tag = "people", request_body = AdminTokenForm,
    responses((status = 201, body = AdminTokenMade), (status = 400, body = ProblemDetails), (status = 403, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn create(
    State(shared): State<App>,
    actor: Actor,
    note: Note,
    Body(form): Body<AdminTokenForm>,
) -> Result<(StatusCode, Json<AdminTokenMade>), Problem> {
    let now = shared.clock.now();
    check::name(&form.name)?;
    check::expires_at(form.expires_at, now)?;
    let users = shared.store.admin_users().await?;
    let owner = owner(&actor, form.admin_user.as_ref(), &users)?;
    note.say("role", form.role.as_str());
    note.say("for", owner.name.as_str());
    within(&actor, owner, &form)?;
    let scopes = match form.scopes.is_empty() {
        true => actor.areas.clone(),
        false => form.scopes,
    };
    let text = shared.vault.new_pass(TOKEN_PREFIX);
    let new = NewAdminToken {
        name: form.name,
        admin_user_id: owner.id,
        hash: shared.vault.hash_pass(text.expose()),
        prefix: text.expose().chars().take(SHOWN_CHARS).collect(),
        role: form.role,
        scopes,
        expires_at: form.expires_at.or(actor.until),
    };
    let made = shared.store.create_admin_token(new, now).await?;
    let made = AdminTokenMade {
        view: view(&users, made),
        token: text.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Deletes a token: one's own, or as an admin anybody's. It ends at once here, and within seconds on other
/// replicas.
#[utoipa::path(delete, path = "/api/v1/admin/tokens/{id}", operation_id = "delete_token", tag = "people",
    params(("id" = i64, Path)), responses((status = 204), (status = 404, body = ProblemDetails)))]
pub async fn remove(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    let id = AdminTokenId(id(&text)?);
    let removed = shared.store.delete_admin_token(id, only(&actor)?).await;
    shared.people.known.forget();
    removed?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose tokens alone somebody may see; `None`: everybody's.
fn only(actor: &Actor) -> Result<Option<AdminUserId>, Problem> {
    match (actor.role, actor.id) {
        (Role::Admin, _) => Ok(None),
        (Role::Viewer | Role::Operator, Some(id)) => Ok(Some(id)),
        (Role::Viewer | Role::Operator, None) => {
            Err(Problem::new(ProblemCode::Forbidden, "nobody has no tokens"))
        }
    }
}

fn owner<'a>(
    actor: &Actor,
    named: Option<&NameOrId>,
    users: &'a [AdminUser],
) -> Result<&'a AdminUser, Problem> {
    let found = match (named, actor.id) {
        (Some(named), _) => users.iter().find(|user| named.means(user.id.0, &user.name)),
        (None, Some(id)) => users.iter().find(|user| user.id == id),
        (None, None) => {
            let why = "the configured admin token is nobody's: say whose the new one is to be";
            return Err(Problem::field("admin_user", why));
        }
    };
    let owner = found.ok_or_else(|| Problem::field("admin_user", "there is no such admin user"))?;
    if actor.id != Some(owner.id) && actor.role != Role::Admin {
        let detail = "a token for somebody else needs the role admin";
        return Err(Problem::new(ProblemCode::Forbidden, detail));
    }
    Ok(owner)
}

/// A token gives nobody more than its maker has, nor than its owner.
fn within(actor: &Actor, owner: &AdminUser, form: &AdminTokenForm) -> Result<(), Problem> {
    let most = actor.role.min(owner.role);
    if !most.reaches(form.role) {
        return Err(Problem::field(
            "role",
            format!("at most {most} can be given"),
        ));
    }
    if let Some(area) = form.scopes.iter().find(|area| !actor.enters(**area)) {
        let why = format!("what you are known through is not for {area}");
        return Err(Problem::field("scopes", why));
    }
    match (actor.until, form.expires_at) {
        (Some(until), Some(at)) if at > until => {
            let why = format!("what you are known through ends at {until}");
            Err(Problem::field("expires_at", why))
        }
        _ => Ok(()),
    }
}

fn view(users: &[AdminUser], token: AdminToken) -> AdminTokenView {
    let owner = users.iter().find(|user| user.id == token.admin_user_id);
    AdminTokenView {
        admin_user: owner.map(|user| user.name.clone()),
        token,
    }
}
