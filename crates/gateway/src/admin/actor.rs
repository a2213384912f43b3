//! Who acts: put into a request when its credentials were looked at, taken out by handlers.
//!
//! Promises: a handler that takes an [`Actor`] is never reached without one. Must not know: how somebody is
//! known.

use axum::extract::FromRequestParts;
use http::request::Parts;
use waybill_model::{
    id::AdminUserId,
    people::{Area, Role, Through},
    time::UnixMillis,
};

use super::problem::{Problem, ProblemCode};

/// What whoever bears the configured admin token is called.
pub const ADMIN_TOKEN: &str = "admin token";

/// Somebody who is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Which admin user; `None`: the bearer of the configured admin token.
    pub id: Option<AdminUserId>,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Through what they are known.
    pub through: Through,
    /// The areas they are kept to; empty is all of them.
    pub areas: Vec<Area>,
    /// When what they are known through ends; `None`: it does not, or is a session.
    pub until: Option<UnixMillis>,
}

impl Actor {
    /// The bearer of the configured admin token.
    pub fn of_admin_token() -> Self {
        Actor {
            id: None,
            name: ADMIN_TOKEN.to_owned(),
            role: Role::Admin,
            through: Through::AdminToken,
            areas: Vec::new(),
            until: None,
        }
    }

    /// Whether they may see headers and bodies of failed requests.
    pub fn sees_in_full(&self) -> bool {
        self.role.reaches(Role::Operator)
    }

    /// Whether they may use this area.
    pub fn enters(&self, area: Area) -> bool {
        self.areas.is_empty() || self.areas.contains(&area)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Actor>().cloned().ok_or_else(|| {
            Problem::new(
                ProblemCode::Unauthorized,
                "this needs somebody who is known",
            )
        })
    }
}
