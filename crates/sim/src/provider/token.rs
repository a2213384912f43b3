//! A token endpoint (`POST /token`): gives access tokens for refresh tokens (RFC 6749 6) and for assertions of
//! service accounts (RFC 7523), rotates, refuses, lies, is slow.
//!
//! Promises: a scripted answer is given before any other, in order; every call is counted; an assertion is good
//! only if its signature, its audience and its times are. Must not know: who asks.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header, request::Parts};
use percent_encoding::percent_decode_str;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::{
    outgoing::{JSON, Outgoing},
    sim::Shared,
};

/// Where it is.
const PATH: &str = "/token";

/// The grant type of assertions.
const ASSERTION: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How the endpoint behaves when nothing is scripted.
#[derive(Debug, Clone)]
pub struct TokenManner {
    /// The refresh token that is good; with `rotates`, at first.
    pub refresh_token: String,
    /// The client, and its secret if it has one.
    pub client: (String, Option<String>),
    /// Service accounts, with their public keys (PKCS #1, DER).
    pub service_accounts: Vec<(String, Vec<u8>)>,
    /// How long tokens live, in seconds.
    pub lives_s: u64,
    /// Each token comes with a new refresh token, and the one before is good no longer.
    pub rotates: bool,
    /// How long an answer takes.
    pub delay: Duration,
}

impl Default for TokenManner {
    fn default() -> Self {
        TokenManner {
            refresh_token: "refresh-token-of-the-simulator-0".to_owned(),
            client: ("client-of-the-simulator".to_owned(), None),
            service_accounts: Vec::new(),
            lives_s: 3_600,
            rotates: false,
            delay: Duration::ZERO,
        }
    }
}

/// An answer that is given instead.
#[derive(Debug, Clone)]
pub struct TokenAnswer {
    /// Its status.
    pub status: u16,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Its body, be it JSON or not.
    pub body: Bytes,
    /// So many times.
    pub times: u64,
}

impl TokenAnswer {
    /// An error as RFC 6749 5.2 has it, given for ever.
    pub fn error(status: u16, error: &str, description: &str) -> TokenAnswer {
        let body = json!({"error": error, "error_description": description});
        TokenAnswer::raw(status, body.to_string())
    }

    /// Anything, given for ever.
    pub fn raw(status: u16, body: impl Into<Bytes>) -> TokenAnswer {
        TokenAnswer {
            status,
            headers: Vec::new(),
            body: body.into(),
            times: u64::MAX,
        }
    }

    /// Given so many times.
    #[must_use]
    pub fn times(self, times: u64) -> TokenAnswer {
        TokenAnswer { times, ..self }
    }
}

/// One call, as it arrived.
#[derive(Debug, Clone)]
pub struct TokenCall {
    /// The fields of the form.
    pub form: Vec<(String, String)>,
    /// How the caller names itself.
    pub user_agent: String,
    /// The claims of the assertion, if one was sent.
    pub claims: Option<Value>,
}

/// The endpoint.
#[derive(Debug, Default)]
pub struct TokenEndpoint(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    manner: TokenManner,
    scripted: VecDeque<TokenAnswer>,
    calls: Vec<TokenCall>,
    given: Vec<String>,
    /// Refresh tokens given so far.
    rotated: u64,
}

impl TokenEndpoint {
    /// Behaves so from now on.
    pub fn set(&self, manner: TokenManner) {
        self.state().manner = manner;
    }

    /// Changes how it behaves.
    pub fn change(&self, change: impl FnOnce(&mut TokenManner)) {
        change(&mut self.state().manner);
    }

    /// Gives this answer before any other, behind those scripted before.
    pub fn script(&self, answer: TokenAnswer) {
        self.state().scripted.push_back(answer);
    }

    /// Forgets what was scripted.
    pub fn clear(&self) {
        self.state().scripted.clear();
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<TokenCall> {
        self.state().calls.clone()
    }

    /// Every access token that was given.
    pub fn given(&self) -> Vec<String> {
        self.state().given.clone()
    }

    /// The refresh token that is good now.
    pub fn refresh_token(&self) -> String {
        self.state().manner.refresh_token.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a request for a token, and how long it takes; `None`: the request is for something else.
    pub(crate) fn answer(
        head: &Parts,
        body: &Bytes,
        shared: &Shared,
    ) -> Option<(Duration, Outgoing)> {
        if head.uri.path() != PATH || head.method != Method::POST {
            return None;
        }
        let now_s = shared.options.clock.now().0.div_euclid(1_000);
        let audience = format!("http://{}{PATH}", host(&head.headers));
        let mut state = shared.tokens.state();
        let form = form(body);
        let claims = field(&form, "assertion").and_then(claims);
        state.calls.push(TokenCall {
            user_agent: text(&head.headers, header::USER_AGENT.as_str()),
            claims,
            form: form.clone(),
        });
        let answer = match state.scripted() {
            Some(answer) => answer,
            None => state.judge(&form, &audience, now_s),
        };
        let mut out = Outgoing::whole(answer.status, HeaderMap::new(), JSON, answer.body);
        out.set_headers(answer.headers.iter().map(|(name, value)| (name, value)));
        Some((state.manner.delay, out))
    }
}

impl State {
    fn scripted(&mut self) -> Option<TokenAnswer> {
        let first = self.scripted.front_mut()?;
        first.times = first.times.saturating_sub(1);
        let answer = first.clone();
        if first.times == 0 {
            self.scripted.pop_front();
        }
        Some(answer)
    }

    fn judge(&mut self, form: &[(String, String)], audience: &str, now_s: i64) -> TokenAnswer {
        let refuse = |error: &str, why: &str| {
            TokenAnswer::error(StatusCode::BAD_REQUEST.as_u16(), error, why)
        };
        match field(form, "grant_type") {
            Some("refresh_token") => {
                let (id, secret) = &self.manner.client;
                let is_client = field(form, "client_id") == Some(id)
                    && field(form, "client_secret") == secret.as_deref();
                if !is_client {
                    return TokenAnswer::error(
                        401,
                        "invalid_client",
                        "The OAuth client was not found.",
                    );
                }
                if field(form, "refresh_token") != Some(&self.manner.refresh_token) {
                    return refuse("invalid_grant", "Token has been expired or revoked.");
                }
                self.give(self.manner.rotates)
            }
            Some(ASSERTION) => match self.is_signed(form, audience, now_s) {
                Ok(()) => self.give(false),
                Err(why) => refuse("invalid_grant", why),
            },
            Some(_) => refuse("unsupported_grant_type", "Invalid grant_type."),
            None => refuse(
                "invalid_request",
                "Required parameter is missing: grant_type",
            ),
        }
    }

    fn give(&mut self, rotates: bool) -> TokenAnswer {
        let number = self.given.len() + 1;
        // Of no shape that a scanner knows.
        let token = format!("access{number}OfTheSimulatorZq7Wm3Kx9Tn2Vb5Rc8");
        let mut body = json!({
            "access_token": token, "expires_in": self.manner.lives_s, "token_type": "Bearer",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
        });
        self.given.push(token);
        if rotates {
            self.rotated += 1;
            let next = format!("refresh{}OfTheSimulatorHd6Jf1Gs0Ay4Pk", self.rotated);
            body["refresh_token"] = next.as_str().into();
            self.manner.refresh_token = next;
        }
        TokenAnswer::raw(200, body.to_string())
    }

    fn is_signed(
        &self,
        form: &[(String, String)],
        audience: &str,
        now_s: i64,
    ) -> Result<(), &'static str> {
        let assertion = field(form, "assertion").ok_or("There is no assertion.")?;
        let claims = claims(assertion).ok_or("Invalid JWT.")?;
        let (signed, signature) = assertion.rsplit_once('.').ok_or("Invalid JWT.")?;
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| "Invalid JWT Signature.")?;
        let (_, key) = self
            .manner
            .service_accounts
            .iter()
            .find(|(email, _)| claims["iss"] == *email)
            .ok_or("Invalid grant: account not found")?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| "Invalid JWT Signature.")?;
        let (issued, ends) = (claims["iat"].as_i64(), claims["exp"].as_i64());
        let (Some(issued), Some(ends)) = (issued, ends) else {
            return Err("Invalid JWT: iat and exp are needed.");
        };
        if claims["aud"] != audience {
            return Err("Invalid JWT: Failed audience check.");
        }
        if issued > now_s + 60 || ends < now_s || ends - issued > 3_600 {
            return Err(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
            );
        }
        match claims["scope"].as_str() {
            Some(scope) if !scope.is_empty() => Ok(()),
            _ => Err("Invalid OAuth scope or ID token audience provided."),
        }
    }
}

fn host(headers: &HeaderMap) -> String {
    text(headers, header::HOST.as_str())
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn form(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let decoded = |part: &str| {
        percent_decode_str(&part.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut fields = form.iter();
    fields
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

/// What an assertion claims, be it true or not.
fn claims(assertion: &str) -> Option<Value> {
    let part = assertion.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
