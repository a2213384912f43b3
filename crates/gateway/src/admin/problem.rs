//! Errors of the admin API: problem details (RFC 9457), with one table of codes.
//!
//! Promises: a problem says what is at fault by name and holds no inner text of ours; what lies
//! behind it is logged once, here. Must not know: which resource it is about.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use waybill_model::time::UnixMillis;
use waybill_store::StoreError;

use crate::{
    ops::query::{BadParameter, Mistake},
    people::{password::CannotHash, throttle::Wait},
};

/// An error of the admin API, on its way to become an answer.
#[derive(Debug)]
pub struct Problem {
    code: ProblemCode,
    detail: String,
    parameter: Option<String>,
    field: Option<String>,
    retry_after_s: Option<u16>,
    retry_at: Option<UnixMillis>,
    inner: Option<Box<StoreError>>,
}

/// The answer, `application/problem+json`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemDetails {
    /// Names the code as a URN.
    r#type: String,
    /// Stable; what programs look at.
    #[schema(value_type = String, example = "invalid_parameter")]
    code: &'static str,
    /// What the code means.
    #[schema(value_type = String)]
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong this time.
    detail: String,
    /// The query or path parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    /// The field of the body at fault, as a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// When the same may be asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<UnixMillis>,
}

macro_rules! codes {
    ($($variant:ident = $name:literal, $status:ident, $title:literal;)*) => {
        /// A code of the admin API's errors.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemCode { $(#[doc = $title] $variant),* }

        impl ProblemCode {
            /// Every code, in table order.
            pub const ALL: &'static [ProblemCode] = &[$(ProblemCode::$variant),*];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self { $(ProblemCode::$variant => $name),* }
            }

            /// The HTTP status it is sent with.
            pub const fn status(self) -> StatusCode {
                match self { $(ProblemCode::$variant => StatusCode::$status),* }
            }

            /// One sentence on what it means.
            pub const fn title(self) -> &'static str {
                match self { $(ProblemCode::$variant => $title),* }
            }
        }
    };
}

// variant = name, status, title
codes! {
    Unauthorized = "unauthorized", UNAUTHORIZED, "It is not known who asks: a token or a sign-in is missing, wrong or over.";
    Forbidden = "forbidden", FORBIDDEN, "Who asks may not do this.";
    CsrfToken = "csrf_token", FORBIDDEN, "A change by a session needs the session's `x-waybill-csrf`.";
    TooManyAttempts = "too_many_attempts", TOO_MANY_REQUESTS, "Too many attempts failed; wait before the next one.";
    TotpRequired = "totp_required", UNAUTHORIZED, "The password is right; a code of the second factor is needed besides.";
    TotpWrong = "totp_wrong", UNAUTHORIZED, "The code of the second factor is wrong, too old, or was used already.";
    TotpLocked = "totp_locked", FORBIDDEN, "Too many codes in a row were wrong: none is taken before another admin gives another password.";
    TotpOn = "totp_on", CONFLICT, "The second factor is on already.";
    TotpOff = "totp_off", CONFLICT, "The second factor is not on, or was not begun.";
    SetupClosed = "setup_closed", CONFLICT, "There is an admin user already.";
    LastAdmin = "last_admin", CONFLICT, "Nobody would be left who is an admin and can sign in.";
    UnknownPath = "unknown_path", NOT_FOUND, "The admin API has no such path.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The path does not take this method.";
    NotFound = "not_found", NOT_FOUND, "There is no such resource.";
    InvalidParameter = "invalid_parameter", BAD_REQUEST, "A parameter cannot be read.";
    UnknownParameter = "unknown_parameter", BAD_REQUEST, "There is no such parameter.";
    WindowTooLong = "window_too_long", BAD_REQUEST, "The window of time is too long.";
    InvalidBody = "invalid_body", BAD_REQUEST, "The body cannot be read.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large.";
    NotReplayable = "not_replayable", UNPROCESSABLE_ENTITY, "The request cannot be sent again.";
    BodyExpired = "body_expired", UNPROCESSABLE_ENTITY, "The request's exact bytes are not kept, or no longer.";
    KeyUnavailable = "key_unavailable", UNPROCESSABLE_ENTITY, "A key that sending the request again needs is not there.";
    AccountNotInGroup = "account_not_in_group", UNPROCESSABLE_ENTITY, "The request's API key has no group with the account.";
    AccountNotSchedulable = "account_not_schedulable", CONFLICT, "The account may not be used now.";
    RetryInProgress = "retry_in_progress", CONFLICT, "The request is being sent again.";
    RetryTooFrequent = "retry_too_frequent", CONFLICT, "The request has just been sent again.";
    WhatIfInProgress = "what_if_in_progress", CONFLICT, "A simulation runs already.";
    PreviewInProgress = "preview_in_progress", CONFLICT, "Rules are being tried already.";
    TooManyRetries = "too_many_retries", SERVICE_UNAVAILABLE, "Too many requests are being sent again.";
    TooManyReplays = "too_many_replays", CONFLICT, "Too many replays of many are running.";
    InvalidField = "invalid_field", BAD_REQUEST, "A field of the body cannot be accepted.";
    Outdated = "outdated", CONFLICT, "It was changed meanwhile: read it again.";
    NameTaken = "name_taken", CONFLICT, "Another resource of the kind has the name.";
    KeyTaken = "key_taken", CONFLICT, "The API key is stored already.";
    InUse = "in_use", CONFLICT, "The resource is still used by others.";
    TooManyStreams = "too_many_streams", TOO_MANY_REQUESTS, "Too many live streams are open.";
    NotPending = "not_pending", CONFLICT, "The notification is not one that can be sent again.";
    StoreBusy = "store_unavailable", SERVICE_UNAVAILABLE, "The store cannot do this now.";
    TooSlow = "query_too_slow", SERVICE_UNAVAILABLE, "The query took too long and was stopped.";
    NotApplied = "not_applied", INTERNAL_SERVER_ERROR, "The change is stored, but not yet in effect.";
    Internal = "internal_error", INTERNAL_SERVER_ERROR, "The gateway itself failed.";
}

impl Problem {
    /// A problem with what is wrong this time.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Problem {
            code,
            detail: detail.into(),
            parameter: None,
            field: None,
            retry_after_s: None,
            retry_at: None,
            inner: None,
        }
    }

    /// The HTTP status it is sent with.
    pub fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// Whether it is one of this code.
    pub fn is(&self, code: ProblemCode) -> bool {
        self.code == code
    }

    /// Says when the same may be asked again.
    #[must_use]
    pub fn again_at(self, retry_at: UnixMillis) -> Self {
        Problem {
            retry_at: Some(retry_at),
            ..self
        }
    }

    /// There is no `kind` with this id.
    pub fn not_found(kind: &str, id: impl std::fmt::Display) -> Self {
        Problem::new(ProblemCode::NotFound, format!("there is no {kind} {id}"))
    }

    /// A path or query parameter that cannot be read.
    pub fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Problem {
            parameter: Some(name.into()),
            ..Problem::new(ProblemCode::InvalidParameter, detail)
        }
    }

    /// A field of the body that cannot be accepted.
    pub fn field(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Problem::new(ProblemCode::InvalidField, detail).at_field(name)
    }

    /// Names the field at fault.
    #[must_use]
    pub fn at_field(self, name: impl Into<String>) -> Self {
        Problem {
            field: Some(name.into()),
            ..self
        }
    }

    /// Too many attempts have failed.
    pub fn wait(wait: Wait) -> Self {
        let seconds = wait.seconds;
        let detail = format!("too many attempts failed; the next one is looked at in {seconds} s");
        Problem {
            retry_after_s: Some(u16::try_from(seconds).unwrap_or(u16::MAX)),
            ..Problem::new(ProblemCode::TooManyAttempts, detail)
        }
    }

    /// A change that was stored while the running gateway could not be told.
    pub fn not_applied(inner: StoreError) -> Self {
        let detail = "the change was stored; the next change, or a restart, brings it into effect";
        Problem {
            inner: Some(Box::new(inner)),
            ..Problem::new(ProblemCode::NotApplied, detail)
        }
    }
}

impl From<BadParameter> for Problem {
    fn from(bad: BadParameter) -> Self {
        let code = match bad.mistake {
            Mistake::Malformed => ProblemCode::InvalidParameter,
            Mistake::Unknown => ProblemCode::UnknownParameter,
            Mistake::WindowTooLong => ProblemCode::WindowTooLong,
        };
        let detail = format!("{}: {}", bad.parameter, bad.message);
        Problem {
            parameter: Some(bad.parameter),
            ..Problem::new(code, detail)
        }
    }
}

/// What the store says about the request is passed on; what it says about itself is logged alone.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let said = error.to_string();
        let hidden = |code, detail: &str| Problem::new(code, detail);
        let problem = match &error {
            StoreError::NotFound { .. } => return Problem::new(ProblemCode::NotFound, said),
            StoreError::NameTaken { .. } => {
                return Problem::new(ProblemCode::NameTaken, said).at_field("name");
            }
            StoreError::KeyTaken { .. } => {
                return Problem::new(ProblemCode::KeyTaken, said).at_field("key");
            }
            StoreError::UnknownReference { field, .. } => return Problem::field(*field, said),
            StoreError::InUse { .. } => return Problem::new(ProblemCode::InUse, said),
            StoreError::Outdated { .. } => return Problem::new(ProblemCode::Outdated, said),
            StoreError::LastAdmin => return Problem::new(ProblemCode::LastAdmin, said),
            StoreError::BadCursor => return Problem::parameter("cursor", said),
            StoreError::Full => hidden(ProblemCode::StoreBusy, "no space is left for the database"),
            StoreError::TooSlow => hidden(
                ProblemCode::TooSlow,
                "the query took too long; narrow it by time, an id or an account",
            ),
            StoreError::Busy | StoreError::Closed => hidden(
                ProblemCode::StoreBusy,
                "the database is busy or being closed; try again",
            ),
            StoreError::Away => hidden(
                ProblemCode::StoreBusy,
                "the shared database cannot be reached; traffic goes on, and records wait in the spool",
            ),
            StoreError::ReadOnly => hidden(
                ProblemCode::StoreBusy,
                "the shared database is read-only: it takes no changes now",
            ),
            StoreError::Newer { .. }
            | StoreError::Older { .. }
            | StoreError::NoNumber
            | StoreError::NoRights(_)
            | StoreError::BadAddress(_)
            | StoreError::JournalTaken
            | StoreError::Unreadable { .. }
            | StoreError::Database(_) => hidden(
                ProblemCode::Internal,
                "the store could not answer; the gateway's log says why",
            ),
        };
        Problem {
            inner: Some(Box::new(error)),
            ..problem
        }
    }
}

impl From<CannotHash> for Problem {
    fn from(error: CannotHash) -> Self {
        Problem::new(ProblemCode::StoreBusy, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        if let Some(inner) = &self.inner {
            tracing::error!(
                code = self.code.name(),
                error = &**inner as &dyn std::error::Error,
                "admin API"
            );
        }
        let details = ProblemDetails {
            r#type: format!("urn:waybill:problem:{}", self.code.name()),
            code: self.code.name(),
            title: self.code.title(),
            status: status.as_u16(),
            detail: self.detail,
            parameter: self.parameter,
            field: self.field,
            retry_at: self.retry_at,
        };
        let mut response = (status, axum::Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code.status() == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"waybill admin\""),
            );
        }
        response
    }
}

/// What an unknown path is answered with.
pub async fn unknown_path(uri: http::Uri) -> Problem {
    Problem::new(
        ProblemCode::UnknownPath,
        format!("there is no {}", uri.path()),
    )
}

/// What a known path is answered with that does not take the method.
pub async fn method_not_allowed(method: http::Method, uri: http::Uri) -> Problem {
    Problem::new(
        ProblemCode::MethodNotAllowed,
        format!("{} does not take {method}", uri.path()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_an_error_and_explained() {
        let mut seen = std::collections::HashSet::new();
        for code in ProblemCode::ALL {
            assert!(seen.insert(code.name()), "{} is there twice", code.name());
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(code.title().ends_with('.'));
        }
    }

    #[test]
    fn what_a_database_says_stays_inside() {
        let inner = StoreError::Database("no such table: accounts".into());
        let problem = Problem::from(inner);
        assert_eq!(problem.code, ProblemCode::Internal);
        assert!(!problem.detail.contains("table"));
    }
}
