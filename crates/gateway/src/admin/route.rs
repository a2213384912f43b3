//! One line of the table of routes: what it needs, what area it is of, and what it is called in the audit log.
//!
//! Promises: what only reads needs a viewer, everything else an admin, until something else is said; the name
//! of an action follows from method and path, so that no route is without one. Must not know: what a handler
//! does.

use std::sync::Arc;

use axum::{
    handler::Handler,
    middleware,
    routing::{MethodFilter, MethodRouter, on},
};
use http::Method;
use waybill_model::people::{Area, Role};

use super::{App, guard};
use crate::app::Shared;

/// Where all of it lies but the probes and the metrics.
const PREFIX: &str = "/api/v1/admin/";

/// One line of the table.
pub struct Route {
    described: Described,
    handler: MethodRouter<App>,
}

/// A route as it is seen from outside.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its method.
    pub method: Method,
    /// Its path, with `{id}` where an id is.
    pub path: &'static str,
    /// The area it is of: a personal token may be kept to some.
    pub area: Area,
    /// Whether it is open to everyone.
    pub public: bool,
    /// The role it needs.
    pub needs: Role,
    /// Whether whoever may see headers and bodies is shown some here.
    pub shows_in_full: bool,
    /// What the audit log calls it, where method and path do not say it.
    pub called: Option<&'static str>,
}

/// What is done by it, as the audit log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Such as `accounts.disable`.
    pub name: String,
    /// What kind of thing it is done to.
    pub subject: String,
}

impl Route {
    /// Open to everyone: it tells nothing that needs somebody who is known.
    pub fn public(mut self) -> Self {
        self.described.public = true;
        self
    }

    /// Needs at least this role.
    pub fn needs(mut self, role: Role) -> Self {
        self.described.needs = role;
        self
    }

    /// Shows headers and bodies to whoever may see them, which is worth an entry in the audit log.
    pub fn shows_in_full(mut self) -> Self {
        self.described.shows_in_full = true;
        self
    }

    /// Is called something in the audit log that method and path do not say.
    pub fn called(mut self, name: &'static str) -> Self {
        self.described.called = Some(name);
        self
    }

    /// Whether it is open to everyone.
    pub fn is_public(&self) -> bool {
        self.described.public
    }

    /// Its path.
    pub fn path(&self) -> &'static str {
        self.described.path
    }

    /// As it is seen from outside.
    pub fn described(&self) -> Described {
        self.described.clone()
    }

    /// Its handler behind what the table says about it.
    pub fn guarded(self, shared: &Arc<Shared>) -> MethodRouter<App> {
        let state = guard::Guarded::new(Arc::clone(shared), self.described);
        self.handler
            .route_layer(middleware::from_fn_with_state(state, guard::guard))
    }
}

impl Described {
    /// Whether it changes something.
    pub fn changes(&self) -> bool {
        self.method != Method::GET
    }

    /// What is done by it.
    pub fn action(&self) -> Action {
        let path = self.path.strip_prefix(PREFIX).unwrap_or(self.path);
        let parts: Vec<&str> = path
            .split('/')
            .filter(|part| !part.is_empty() && *part != "ops")
            .collect();
        let (subject, rest) = parts.split_first().map_or(("", &[][..]), |(s, r)| (*s, r));
        let verb = match (
            rest.iter().rfind(|part| !part.starts_with('{')),
            &self.method,
        ) {
            (Some(verb), &Method::GET) => format!("{verb}.open"),
            (Some(verb), &Method::DELETE) => format!("{verb}.delete"),
            (Some(verb), _) => (*verb).to_owned(),
            (None, &Method::GET) => "open".to_owned(),
            (None, &Method::POST) => "create".to_owned(),
            (None, &Method::DELETE) => "delete".to_owned(),
            (None, _) => "change".to_owned(),
        };
        Action {
            name: match self.called {
                Some(name) => name.to_owned(),
                None => format!("{subject}.{verb}"),
            },
            subject: subject.to_owned(),
        }
    }
}

macro_rules! methods {
    ($($name:ident = $method:ident, $needs:ident;)*) => {$(
        #[doc = concat!("A route of ", stringify!($method), ".")]
        pub fn $name<H: Handler<T, App>, T: 'static>(path: &'static str, area: Area, handler: H) -> Route {
            Route {
                described: Described {
                    method: Method::$method,
                    path,
                    area,
                    public: false,
                    needs: Role::$needs,
                    shows_in_full: false,
                    called: None,
                },
                handler: on(MethodFilter::$method, handler),
            }
        }
    )*};
}

// function = method, the role that is needed where nothing else is said
methods! {
    get = GET, Viewer;
    post = POST, Admin;
    put = PUT, Admin;
    patch = PATCH, Admin;
    delete = DELETE, Admin;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(method: Method, path: &'static str) -> String {
        let described = Described {
            method,
            path,
            area: Area::Ops,
            public: false,
            needs: Role::Admin,
            shows_in_full: false,
            called: None,
        };
        described.action().name
    }

    #[test]
    fn what_is_done_is_named_by_method_and_path() {
        for (method, path, name) in [
            (Method::POST, "/api/v1/admin/accounts", "accounts.create"),
            (
                Method::PATCH,
                "/api/v1/admin/accounts/{id}",
                "accounts.change",
            ),
            (Method::PUT, "/api/v1/admin/prices", "prices.change"),
            (Method::DELETE, "/api/v1/admin/groups/{id}", "groups.delete"),
            (
                Method::POST,
                "/api/v1/admin/accounts/{id}/reset",
                "accounts.reset",
            ),
            (
                Method::PUT,
                "/api/v1/admin/ops/errors/{id}/resolve",
                "errors.resolve",
            ),
            (Method::GET, "/api/v1/admin/ops/errors/{id}", "errors.open"),
            (
                Method::GET,
                "/api/v1/admin/ops/errors/{id}/upstream-errors",
                "errors.upstream-errors.open",
            ),
        ] {
            assert_eq!(action(method, path), name);
        }
    }
}
