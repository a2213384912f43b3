//! What stands before every handler: whether who acts may, and that it is written down.
//!
//! An action is entered in the audit log before it begins and completed when it has ended, whether or not the
//! client is still there: what cannot be entered does not happen.
//!
//! Promises: every route that changes something, and every look at headers and bodies, has its entry before the
//! answer leaves; so has every refusal; who is refused is told the role, or the area, that is needed. Must not
//! know: how somebody is known, what a handler does.

pub mod refused;

use std::{net::IpAddr, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{StatusCode, Uri};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value};
use waybill_model::{people::Through, time::UnixMillis};
use waybill_store::NewAuditEntry;

use super::{
    actor::Actor,
    auth::address,
    note::{Note, Noted},
    problem::{Problem, ProblemCode},
    route::{Action, Described},
};
use crate::app::Shared;

/// Longest id of a thing that is kept.
const MAX_ID_BYTES: usize = 64;

/// What an entry calls somebody who is not known.
pub const UNKNOWN: &str = "unknown";

/// A route behind its guard.
#[derive(Clone)]
pub struct Guarded(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    route: Described,
    action: Action,
}

impl Guarded {
    /// The guard of a route.
    pub fn new(shared: Arc<Shared>, route: Described) -> Self {
        let action = route.action();
        Guarded(Arc::new(Inner {
            shared,
            route,
            action,
        }))
    }
}

/// Lets a request through if who acts may do what it is for, and writes down what is worth it.
pub async fn guard(State(guarded): State<Guarded>, mut request: Request, next: Next) -> Response {
    let Inner {
        shared,
        route,
        action,
    } = &*guarded.0;
    let actor = request.extensions().get::<Actor>().cloned();
    let ip = address(request.extensions());
    let entry = entry(
        shared,
        actor.as_ref(),
        action,
        ip,
        id_in(route.path, request.uri()),
    );
    if !route.public
        && let Err(problem) = may(actor.as_ref(), route)
    {
        let status = problem.status();
        return match refused::write(shared, entry, status).await {
            Ok(()) => problem.into_response(),
            Err(error) => error.into_response(),
        };
    }
    let sees = actor.is_some_and(|actor| actor.sees_in_full());
    if route.changes() {
        let note = Note::default();
        request.extensions_mut().insert(note.clone());
        let (shared, public) = (Arc::clone(shared), route.public);
        // What was begun is ended and written down, also where nobody waits for the answer any more.
        let done = tokio::spawn(async move {
            if public {
                open_to_all(&shared, entry, &note, next.run(request)).await
            } else {
                act(&shared, entry, &note, next.run(request)).await
            }
        });
        return match done.await {
            Ok(response) => response,
            Err(_) => Problem::new(ProblemCode::Internal, "the action ended early").into_response(),
        };
    }
    let response = next.run(request).await;
    if route.shows_in_full && sees && response.status().is_success() {
        return match look(shared, entry).await {
            Ok(()) => response,
            Err(problem) => problem.into_response(),
        };
    }
    response
}

/// Whether somebody may use a route.
fn may(actor: Option<&Actor>, route: &Described) -> Result<(), Problem> {
    let Some(actor) = actor else {
        let detail = "this needs somebody who is known";
        return Err(Problem::new(ProblemCode::Unauthorized, detail));
    };
    if !actor.role.reaches(route.needs) {
        let detail = format!(
            "this needs the role {}; you are {}",
            route.needs, actor.role
        );
        return Err(Problem::new(ProblemCode::Forbidden, detail));
    }
    if !actor.enters(route.area) {
        let detail = format!("this token is not for the area {}", route.area);
        return Err(Problem::new(ProblemCode::Forbidden, detail));
    }
    Ok(())
}

/// An action of somebody who is known.
async fn act(
    shared: &Shared,
    entry: NewAuditEntry,
    note: &Note,
    action: impl Future<Output = Response>,
) -> Response {
    let id = match shared.store.audit(entry).await {
        Ok(id) => id,
        Err(error) => return Problem::from(error).into_response(),
    };
    let (response, made) = with_made(action.await).await;
    let noted = note.take();
    let subject = noted.subject_id.clone().or(made);
    let (status, detail) = (response.status().as_u16(), detail(shared, noted));
    if let Err(error) = shared.store.audit_ended(id, status, subject, detail).await {
        // It stands there without its end; what was done is done.
        tracing::error!(%error, %id, "an entry of the audit log could not be completed");
    }
    response
}

/// An action that is open to everybody: a sign-in, the first set-up. Who it was is known afterwards.
async fn open_to_all(
    shared: &Shared,
    entry: NewAuditEntry,
    note: &Note,
    action: impl Future<Output = Response>,
) -> Response {
    let (response, made) = with_made(action.await).await;
    let mut noted = note.take();
    // Refused without a look; the next entry counts it.
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        return response;
    }
    let entry = NewAuditEntry {
        actor: noted.actor.take().unwrap_or_else(|| UNKNOWN.to_owned()),
        subject_id: noted.subject_id.take().or(made),
        status: Some(response.status().as_u16()),
        count: 1 + noted.more,
        detail: detail(shared, noted),
        ..entry
    };
    let written = if response.status().is_success() {
        shared.store.audit(entry).await.map(drop)
    } else {
        refused::count(shared, entry).await
    };
    match written {
        Ok(()) => response,
        Err(error) => Problem::from(error).into_response(),
    }
}

/// A look at headers and bodies. Of lists, which are looked at again and again, there is one entry a minute.
async fn look(shared: &Shared, entry: NewAuditEntry) -> Result<(), Problem> {
    let entry = NewAuditEntry {
        status: Some(StatusCode::OK.as_u16()),
        ..entry
    };
    if entry.subject_id.is_some() {
        shared.store.audit(entry).await?;
    } else {
        shared.store.audit_counted(entry).await?;
    }
    Ok(())
}

fn entry(
    shared: &Shared,
    actor: Option<&Actor>,
    action: &Action,
    ip: IpAddr,
    subject_id: Option<String>,
) -> NewAuditEntry {
    let at: UnixMillis = shared.clock.now();
    let redactor = shared.secrets.redactor();
    NewAuditEntry {
        at,
        actor_id: actor.and_then(|actor| actor.id),
        actor: actor.map_or_else(|| UNKNOWN.to_owned(), |actor| actor.name.clone()),
        role: actor.map(|actor| actor.role),
        through: actor.map_or(Through::Nothing, |actor| actor.through),
        client_ip: ip.to_string(),
        action: action.name.clone(),
        subject: action.subject.clone(),
        subject_id: subject_id.map(|id| redactor.text(&id).into_string()),
        status: None,
        count: 1,
        detail: Value::Object(Map::new()),
    }
}

/// What was said, without anything that looks like a secret.
fn detail(shared: &Shared, noted: Noted) -> Value {
    let redactor = shared.secrets.redactor();
    let text = Value::Object(noted.detail).to_string();
    serde_json::from_str(redactor.text(&text).as_str())
        .unwrap_or_else(|_| Value::Object(Map::new()))
}

/// What stands in a path where the route has `{id}` or another key.
fn id_in(route: &str, uri: &Uri) -> Option<String> {
    let parts = route.split('/').zip(uri.path().split('/'));
    let (_, id) = parts.into_iter().find(|(part, _)| part.starts_with('{'))?;
    (id.len() <= MAX_ID_BYTES).then(|| id.to_owned())
}

/// An answer, and the id of what it says was made.
async fn with_made(response: Response) -> (Response, Option<String>) {
    if response.status() != StatusCode::CREATED {
        return (response, None);
    }
    let (head, body) = response.into_parts();
    let Ok(bytes) = body.collect().await.map(|body| body.to_bytes()) else {
        return (StatusCode::INTERNAL_SERVER_ERROR.into_response(), None);
    };
    let made: Option<Value> = serde_json::from_slice(&bytes).ok();
    let id = made
        .as_ref()
        .map(|made| &made["id"])
        .and_then(|id| match id {
            Value::Number(number) => Some(number.to_string()),
            Value::String(text) => Some(text.clone()),
            _ => None,
        });
    (Response::from_parts(head, Body::from(bytes)), id)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use waybill_model::people::{Area, Role};

    use super::*;

    #[test]
    fn every_route_is_open_from_the_role_it_needs_on_and_in_its_area_alone() {
        for route in super::super::table() {
            for role in Role::ALL {
                let actor = Actor {
                    role: *role,
                    ..Actor::of_admin_token()
                };
                let kept = |area| Actor {
                    areas: vec![area],
                    ..actor.clone()
                };
                let reaches = role.reaches(route.needs);
                assert_eq!(may(Some(&actor), &route).is_ok(), reaches, "{route:?}");
                for area in Area::ALL {
                    let open = reaches && *area == route.area;
                    assert_eq!(may(Some(&kept(*area)), &route).is_ok(), open, "{route:?}");
                }
            }
            assert!(may(None, &route).is_err());
        }
    }

    #[test]
    fn a_refusal_names_the_role_that_is_needed() {
        let viewer = Actor {
            role: Role::Viewer,
            ..Actor::of_admin_token()
        };
        let routes = super::super::table();
        let resolve = routes.iter().find(|route| route.path.ends_with("/resolve"));
        let refused = may(Some(&viewer), resolve.unwrap()).unwrap_err();
        assert!(format!("{refused:?}").contains("the role operator"));
    }

    #[test]
    fn the_thing_is_what_stands_where_the_route_has_an_id() {
        let uri = |path: &str| path.parse::<Uri>().unwrap();
        let route = "/api/v1/admin/accounts/{id}/reset";
        let path = "/api/v1/admin/accounts/7/reset?x=1";
        assert_eq!(id_in(route, &uri(path)).as_deref(), Some("7"));
        assert_eq!(
            id_in("/api/v1/admin/prices", &uri("/api/v1/admin/prices")),
            None
        );
    }
}
