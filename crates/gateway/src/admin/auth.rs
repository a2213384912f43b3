//! Who may use the admin API: the bearer of its token.
//!
//! Promises: the comparison takes as long for a wrong token as for the right one. Must not know: what
//! is asked for.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use waybill_model::secret::Secret;

use super::{
    actor::Actor,
    problem::{Problem, ProblemCode},
};
use crate::app::Shared;

/// Lets a request through if it is known who sends it, and says who that is.
pub async fn require_somebody(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    if bears(request.headers(), &shared.admin_token) {
        request.extensions_mut().insert(Actor::of_admin_token());
        return next.run(request).await;
    }
    let detail = "send the admin token as `Authorization: Bearer TOKEN`";
    Problem::new(ProblemCode::Unauthorized, detail).into_response()
}

fn bears(headers: &HeaderMap, token: &Secret) -> bool {
    let presented = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    // Equality of these hashes is decided in constant time, and hides the token's length too.
    presented.is_some_and(|presented| {
        !presented.is_empty()
            && blake3::hash(presented.as_bytes()) == blake3::hash(token.expose().as_bytes())
    })
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
            assert_eq!(bears(&headers, &token), let_through, "{sent}");
        }
        assert!(!bears(&HeaderMap::new(), &token));
    }

    #[test]
    fn an_empty_token_opens_nothing() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer "));
        assert!(!bears(&headers, &Secret::new("")));
    }
}
