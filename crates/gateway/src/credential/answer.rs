//! What a token endpoint says: a token, no, or nothing that helps (RFC 6749 5).
//!
//! Promises: pure; any bytes are one of the three; what is quoted of them is short. Must not know: sockets, or
//! what is then done.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use waybill_model::{
    cause::{Blame, Cause},
    secret::Secret,
    time::UnixMillis,
};

use super::when::{LONGEST_LIFE_MS, UNSTATED_LIFE_MS};

/// Longest access token, in bytes: it has to fit into a header.
const MAX_TOKEN_BYTES: usize = 16 << 10;

/// Longest part of what an endpoint says that is kept, in bytes.
const MAX_SAID_BYTES: usize = 300;

/// Errors that say the same until somebody acts (RFC 6749 5.2; `org_internal` and `admin_policy_enforced`,
/// `deleted_client` and `disabled_client` are Google's).
const FINAL: &[&str] = &[
    "invalid_grant",
    "invalid_client",
    "unauthorized_client",
    "invalid_scope",
    "unsupported_grant_type",
    "access_denied",
    "org_internal",
    "admin_policy_enforced",
    "deleted_client",
    "disabled_client",
];

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The token.
    pub access_token: Secret,
    /// When it ends.
    pub expires_at: UnixMillis,
    /// The refresh token to use from now on, if it is another one.
    pub refresh_token: Option<Secret>,
}

/// Why there is no token, or no project to work in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoToken {
    /// [`Cause::TokenRefused`] or [`Cause::TokenUnavailable`]; for want of a project what
    /// [`super::project::read`] says.
    pub cause: Cause,
    /// What was said; not yet redacted.
    pub message: String,
    /// The endpoint's status, if it answered.
    pub status: Option<u16>,
    /// The endpoint's word for it.
    pub name: Option<String>,
    /// How long it wants to be left alone.
    pub retry_after_ms: Option<u64>,
}

impl NoToken {
    /// The endpoint gave none, and may give one later.
    pub fn unavailable(message: impl Into<String>) -> NoToken {
        NoToken {
            cause: Cause::TokenUnavailable,
            message: message.into(),
            status: None,
            name: None,
            retry_after_ms: None,
        }
    }

    /// Whether people have to act.
    pub fn is_refused(&self) -> bool {
        self.cause.info().blame == Blame::Credential
    }
}

/// Reads an answer that came at `now`.
pub fn read(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixMillis,
) -> Result<Granted, NoToken> {
    let document: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    if status.is_success() {
        return granted(&document, now).map_err(|why| NoToken {
            status: Some(status.as_u16()),
            ..NoToken::unavailable(format!("the token endpoint answered {status}, but {why}"))
        });
    }
    let name = document["error"].as_str().map(shortened);
    let is_final =
        status.is_client_error() && name.as_deref().is_some_and(|name| FINAL.contains(&name));
    let said = match (&name, document["error_description"].as_str()) {
        (Some(name), Some(description)) => format!("{name}: {}", shortened(description)),
        (Some(name), None) => name.clone(),
        (None, _) => format!("{status}{}", hint(status)),
    };
    let cause = match is_final {
        true => Cause::TokenRefused,
        false => Cause::TokenUnavailable,
    };
    Err(NoToken {
        cause,
        message: format!("the token endpoint says {said}"),
        status: Some(status.as_u16()),
        name,
        retry_after_ms: retry_after(headers),
    })
}

fn granted(document: &Value, now: UnixMillis) -> Result<Granted, &'static str> {
    let token = document["access_token"]
        .as_str()
        .ok_or("without an access token")?;
    if token.is_empty()
        || token.len() > MAX_TOKEN_BYTES
        || !token.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err("with an access token that fits no header");
    }
    if let Some(kind) = document["token_type"].as_str()
        && !kind.eq_ignore_ascii_case("bearer")
    {
        return Err("with a token that is not of the type `bearer`");
    }
    let life_ms = match &document["expires_in"] {
        Value::Null => UNSTATED_LIFE_MS,
        stated => seconds(stated)
            .map(|seconds| seconds.saturating_mul(1_000).min(LONGEST_LIFE_MS))
            .ok_or("its `expires_in` is no number of seconds")?,
    };
    if life_ms <= 0 {
        return Err("with a token that has ended already");
    }
    let rotated = document["refresh_token"].as_str();
    let rotated =
        rotated.filter(|token| !token.trim().is_empty() && token.len() <= MAX_TOKEN_BYTES);
    Ok(Granted {
        access_token: Secret::new(token),
        expires_at: now.plus_ms(life_ms),
        refresh_token: rotated.map(Secret::new),
    })
}

/// Some endpoints write numbers as text.
fn seconds(stated: &Value) -> Option<i64> {
    match stated {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|seconds| seconds as i64)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn hint(status: StatusCode) -> &'static str {
    match status {
        status if status.is_redirection() => {
            "; redirects are not followed: the address has to be the endpoint's own"
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            "; is that the address of a token endpoint?"
        }
        _ => "",
    }
}

pub(super) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let seconds: Option<u64> = headers
        .get(header::RETRY_AFTER)
        .map(HeaderValue::to_str)?
        .ok()
        .and_then(|text| text.trim().parse().ok());
    seconds.map(|seconds| seconds.saturating_mul(1_000))
}

/// In one line, without what a terminal would obey.
pub(super) fn shortened(text: &str) -> String {
    let text = &text[..text.floor_char_boundary(MAX_SAID_BYTES)];
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn of(status: u16, body: &str) -> Result<Granted, NoToken> {
        read(
            StatusCode::from_u16(status).unwrap(),
            &HeaderMap::new(),
            body.as_bytes(),
            NOW,
        )
    }

    #[test]
    fn a_token_is_taken_with_its_end_and_with_what_was_rotated() {
        let granted = of(
            200,
            r#"{"access_token":"t","expires_in":3599,"token_type":"Bearer","scope":"s"}"#,
        )
        .unwrap();
        assert_eq!(granted.expires_at, NOW.plus_ms(3_599_000));
        assert_eq!(granted.refresh_token, None);
        let rotated = of(
            200,
            r#"{"access_token":"t","expires_in":"60","refresh_token":"r"}"#,
        )
        .unwrap();
        assert_eq!(rotated.refresh_token.unwrap().expose(), "r");
        assert_eq!(rotated.expires_at, NOW.plus_ms(60_000));
        assert_eq!(
            of(200, r#"{"access_token":"t"}"#).unwrap().expires_at,
            NOW.plus_ms(UNSTATED_LIFE_MS)
        );
        let for_ever = of(200, r#"{"access_token":"t","expires_in":1e300}"#).unwrap();
        assert_eq!(for_ever.expires_at, NOW.plus_ms(LONGEST_LIFE_MS));
    }

    #[test]
    fn an_endpoint_that_lies_gives_no_token_and_is_asked_again() {
        for (status, body) in [
            (200, ""),
            (200, "<html>Sign in</html>"),
            (200, "null"),
            (200, "[]"),
            (200, r#"{"access_token":""}"#),
            (200, r#"{"access_token":7}"#),
            (200, r#"{"access_token":"a b"}"#),
            (200, "{\"access_token\":\"a\\nb\"}"),
            (200, r#"{"access_token":"t","expires_in":[]}"#),
            (200, r#"{"access_token":"t","expires_in":-5}"#),
            (200, r#"{"access_token":"t","expires_in":0}"#),
            (200, r#"{"access_token":"t","token_type":"mac"}"#),
            (302, ""),
            (400, "<html>"),
            (400, r#"{"error":{"code":400}}"#),
            (429, r#"{"error":"rate_limit_exceeded"}"#),
            (500, r#"{"error":"invalid_grant"}"#),
            (503, "busy"),
        ] {
            let no = of(status, body).unwrap_err();
            assert_eq!(no.cause, Cause::TokenUnavailable, "{status} {body}");
        }
    }

    #[test]
    fn an_endpoint_that_says_no_is_quoted() {
        let no = of(
            400,
            r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#,
        );
        let no = no.unwrap_err();
        assert_eq!(no.cause, Cause::TokenRefused);
        assert_eq!(
            no.message,
            "the token endpoint says invalid_grant: Token has been expired or revoked."
        );
        assert_eq!(
            of(401, r#"{"error":"invalid_client"}"#).unwrap_err().cause,
            Cause::TokenRefused
        );
    }

    proptest! {
        #[test]
        fn whatever_it_says_nothing_breaks(status in 100u16..600, body in any::<Vec<u8>>()) {
            let status = StatusCode::from_u16(status).unwrap();
            if let Err(no) = read(status, &HeaderMap::new(), &body, NOW) {
                prop_assert!(no.message.len() < 1_000);
            }
        }
    }
}
