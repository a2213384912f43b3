//! What stands before every handler: whether who acts may.
//!
//! Promises: who is refused is told the role, or the area, that is needed. Must not know: how somebody is
//! known.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    actor::Actor,
    problem::{Problem, ProblemCode},
    route::Described,
};
use crate::app::Shared;

/// A route behind its guard.
#[derive(Clone)]
pub struct Guarded(Arc<Inner>);

struct Inner {
    _shared: Arc<Shared>,
    route: Described,
}

impl Guarded {
    /// The guard of a route.
    pub fn new(shared: Arc<Shared>, route: Described) -> Self {
        Guarded(Arc::new(Inner {
            _shared: shared,
            route,
        }))
    }
}

/// Lets a request through if who acts may do what it is for.
pub async fn guard(State(guarded): State<Guarded>, request: Request, next: Next) -> Response {
    let route = &guarded.0.route;
    if !route.public
        && let Err(problem) = may(request.extensions().get::<Actor>(), route)
    {
        return problem.into_response();
    }
    next.run(request).await
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
}
