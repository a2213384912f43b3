//! What an account's credential is, as an operator gives it: a key, or something that access tokens are had for.
//!
//! Promises: what could be made is complete and of a shape that can be used; no mistake quotes a secret.
//! Must not know: where it rests, or how a token is had.

use std::sync::Arc;

use waybill_model::{entity::HttpVersion, protocol::Platform, secret::Secret};

use super::key_file::KeyFile;
use crate::{config::rules, routing::Upstream};

/// Where Google gives access tokens: <https://developers.google.com/identity/protocols/oauth2/web-server#offline>.
pub const GOOGLE_TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

/// What a service account's token is for where nothing is said.
pub const DEFAULT_SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Longest secret of a credential, in bytes. Refresh tokens are some hundred bytes long.
const MAX_SECRET_BYTES: usize = 8 << 10;

/// Most scopes: no token is for more.
const MAX_SCOPES: usize = 32;

/// What an account presents, or what it is had for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Definition {
    /// It is sent as it is.
    ApiKey(Secret),
    /// Access tokens are had for it.
    Expiring(Arc<Source>),
}

/// What access tokens are had for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A refresh token (RFC 6749 6).
    RefreshToken(RefreshToken),
    /// A key of a service account (RFC 7523).
    ServiceAccount(ServiceAccount),
}

/// A refresh token and the client it was given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The token.
    pub refresh_token: Secret,
    /// The client.
    pub client_id: String,
    /// Its secret; public clients have none.
    pub client_secret: Option<Secret>,
    /// Where access tokens are had.
    pub token_url: String,
}

/// A service account and what its tokens are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its key.
    pub key: KeyFile,
    /// What the tokens are for.
    pub scopes: Vec<String>,
}

/// What an operator wrote, secrets already looked up.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// A key.
    pub api_key: Option<Secret>,
    /// A refresh token.
    pub refresh_token: Option<Secret>,
    /// The client it was given to.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<Secret>,
    /// Where access tokens are had.
    pub token_url: Option<String>,
    /// The text of a service account's key file.
    pub service_account: Option<Secret>,
    /// What its tokens are for.
    pub scopes: Option<Vec<String>>,
}

/// A field at fault, and why.
pub type Mistake = (&'static str, String);

impl Given {
    /// What it comes to, or every mistake in it.
    pub fn checked(self, platform: Option<Platform>) -> Result<Definition, Vec<Mistake>> {
        let mut mistakes = self.misplaced(platform);
        let definition = match self {
            Given {
                api_key: Some(key), ..
            } => api_key(platform, key, &mut mistakes),
            Given {
                refresh_token: Some(token),
                client_id,
                client_secret,
                token_url,
                ..
            } => refresh_token(token, client_id, client_secret, token_url, &mut mistakes),
            Given {
                service_account: Some(text),
                scopes,
                ..
            } => service_account(&text, scopes, &mut mistakes),
            _ => {
                mistakes.push(("api_key", "it is missing".to_owned()));
                None
            }
        };
        match definition {
            Some(definition) if mistakes.is_empty() => Ok(definition),
            _ => Err(mistakes),
        }
    }

    /// Fields that do not go together, or not with the platform.
    fn misplaced(&self, platform: Option<Platform>) -> Vec<Mistake> {
        let kinds = [
            ("api_key", self.api_key.is_some()),
            ("refresh_token", self.refresh_token.is_some()),
            ("service_account", self.service_account.is_some()),
        ];
        let mut given = kinds.iter().filter(|(_, is_given)| *is_given);
        let Some((kind, _)) = given.next() else {
            return Vec::new();
        };
        let mut mistakes: Vec<Mistake> = given
            .map(|(other, _)| {
                (
                    *other,
                    format!("there is `{kind}` already: an account has one credential"),
                )
            })
            .collect();
        let parts = [
            ("client_id", "refresh_token", self.client_id.is_some()),
            (
                "client_secret",
                "refresh_token",
                self.client_secret.is_some(),
            ),
            ("token_url", "refresh_token", self.token_url.is_some()),
            ("scopes", "service_account", self.scopes.is_some()),
        ];
        for (part, of, is_given) in parts {
            if is_given && *kind != of {
                let why = match (part, *kind) {
                    ("token_url", "service_account") => {
                        "the key file says where, as `token_uri`".to_owned()
                    }
                    _ => format!("it belongs to `{of}`, not to `{kind}`"),
                };
                mistakes.push((part, why));
            }
        }
        if let Some(platform) = platform.filter(|_| *kind != "api_key")
            && !may_expire(platform)
        {
            let why = format!(
                "accounts of {platform} have an api_key; gemini and antigravity accounts may have one of these"
            );
            mistakes.push((kind, why));
        }
        mistakes
    }
}

/// Whether accounts of a platform may have access tokens. The others document keys alone.
pub fn may_expire(platform: Platform) -> bool {
    match platform {
        Platform::Gemini | Platform::Antigravity => true,
        Platform::Anthropic | Platform::OpenAi => false,
    }
}

fn api_key(
    platform: Option<Platform>,
    key: Secret,
    mistakes: &mut Vec<Mistake>,
) -> Option<Definition> {
    if let Some(Err(why)) = platform.map(|platform| rules::credential(platform, &key)) {
        mistakes.push(("api_key", why));
    }
    Some(Definition::ApiKey(key))
}

fn refresh_token(
    token: Secret,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    token_url: Option<String>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Definition> {
    let client_id = client_id.unwrap_or_default();
    let token_url = token_url.unwrap_or_else(|| GOOGLE_TOKEN_URL.to_owned());
    let secret = client_secret.as_ref();
    let checks = [
        ("refresh_token", text(token.expose())),
        ("client_id", text(&client_id)),
        (
            "client_secret",
            secret.map_or(Ok(()), |secret| text(secret.expose())),
        ),
        ("token_url", address(&token_url)),
    ];
    let wrong = checks.into_iter();
    mistakes.extend(wrong.filter_map(|(field, checked)| Some((field, checked.err()?))));
    Some(Definition::Expiring(Arc::new(Source::RefreshToken(
        RefreshToken {
            refresh_token: token,
            client_id,
            client_secret,
            token_url,
        },
    ))))
}

fn service_account(
    file: &Secret,
    scopes: Option<Vec<String>>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Definition> {
    let scopes = scopes.unwrap_or_else(|| vec![DEFAULT_SCOPE.to_owned()]);
    let is_scope =
        |scope: &String| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
    if scopes.is_empty() || scopes.len() > MAX_SCOPES || !scopes.iter().all(is_scope) {
        let why = format!("1 to {MAX_SCOPES} scopes are needed, each without spaces");
        mistakes.push(("scopes", why));
    }
    match KeyFile::read(file) {
        Ok(key) => Some(Definition::Expiring(Arc::new(Source::ServiceAccount(
            ServiceAccount { key, scopes },
        )))),
        Err(why) => {
            mistakes.push(("service_account", why));
            None
        }
    }
}

/// Text that goes into a form.
fn text(text: &str) -> Result<(), String> {
    match text {
        text if text.trim().is_empty() => Err("it is missing".to_owned()),
        text if text.len() > MAX_SECRET_BYTES => {
            Err(format!("it is longer than {MAX_SECRET_BYTES} bytes"))
        }
        text if text.chars().any(char::is_control) => Err("it has control characters".to_owned()),
        _ => Ok(()),
    }
}

/// Where tokens are had: an address with a path, without user, password or query.
pub(super) fn address(url: &str) -> Result<(), String> {
    rules::base_url(url, HttpVersion::Http1)
}

impl Definition {
    /// Where access tokens are had; `None` for a key.
    pub fn token_url(&self) -> Option<&str> {
        match self {
            Definition::ApiKey(_) => None,
            Definition::Expiring(source) => Some(source.token_url()),
        }
    }

    /// Everything of it that must never be shown.
    pub fn secrets(&self) -> Vec<Secret> {
        match self {
            Definition::ApiKey(key) => vec![key.clone()],
            Definition::Expiring(source) => source.secrets(),
        }
    }
}

impl Source {
    /// Where access tokens are had.
    pub fn token_url(&self) -> &str {
        match self {
            Source::RefreshToken(RefreshToken { token_url, .. }) => token_url,
            Source::ServiceAccount(ServiceAccount { key, .. }) => key.token_url(),
        }
    }

    /// How it is called.
    pub fn kind(&self) -> &'static str {
        match self {
            Source::RefreshToken(_) => "refresh_token",
            Source::ServiceAccount(_) => "service_account",
        }
    }

    /// Where that is, as a connection is made. The path is asked for as it is written.
    pub fn endpoint(&self) -> Option<Upstream> {
        Upstream::parse(self.token_url(), HttpVersion::Http1).ok()
    }

    /// Everything of it that must never be shown.
    pub fn secrets(&self) -> Vec<Secret> {
        match self {
            Source::RefreshToken(RefreshToken {
                refresh_token,
                client_secret,
                ..
            }) => [refresh_token]
                .into_iter()
                .chain(client_secret)
                .cloned()
                .collect(),
            Source::ServiceAccount(ServiceAccount { key, .. }) => key.secrets(),
        }
    }
}
