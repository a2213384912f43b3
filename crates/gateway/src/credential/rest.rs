//! How a credential rests: sealed, an access token and what was rotated with it beside what the operator gave.
//!
//! A key is sealed as it is, everything else as JSON under a purpose of its own, so that neither is ever taken
//! for the other. Must not know: which store it rests in.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use waybill_model::{entity::Sealed, secret::Secret, time::UnixMillis};

use super::{
    definition::{Definition, RefreshToken, ServiceAccount, Source},
    key_file::KeyFile,
};
use crate::vault::{CannotOpen, Purpose, Vault};

/// A credential, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtRest {
    /// What the operator gave.
    pub definition: Definition,
    /// What was had for it last.
    pub grant: Option<Grant>,
}

/// What a token endpoint gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What is presented to the provider.
    pub access_token: Secret,
    /// When it was had. Of two grants the one with the larger is the newer; no two of an account have the same.
    pub obtained_at: UnixMillis,
    /// When it ends.
    pub expires_at: UnixMillis,
    /// The refresh token to be used from now on, where it was ever rotated.
    pub refresh_token: Option<Secret>,
}

/// The JSON that is sealed.
#[derive(Deserialize)]
struct Document {
    refresh_token: Option<RefreshTokenDocument>,
    service_account: Option<ServiceAccountDocument>,
    grant: Option<GrantDocument>,
}

#[derive(Deserialize)]
struct RefreshTokenDocument {
    refresh_token: Secret,
    client_id: String,
    client_secret: Option<Secret>,
    token_url: String,
}

#[derive(Deserialize)]
struct ServiceAccountDocument {
    key_file: Secret,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct GrantDocument {
    access_token: Secret,
    obtained_at_ms: i64,
    expires_at_ms: i64,
    refresh_token: Option<Secret>,
}

impl AtRest {
    /// A credential of which no token was had yet.
    pub fn new(definition: Definition) -> AtRest {
        AtRest {
            definition,
            grant: None,
        }
    }

    /// Seals it.
    pub fn seal(&self, vault: &Vault) -> Sealed {
        match &self.definition {
            Definition::ApiKey(key) => vault.seal(Purpose::Credential, key.expose().as_bytes()),
            Definition::Expiring(source) => {
                let document = document(source, self.grant.as_ref()).to_string();
                vault.seal(Purpose::Expiring, document.as_bytes())
            }
        }
    }

    /// Opens one.
    pub fn open(vault: &Vault, sealed: &Sealed) -> Result<AtRest, CannotOpen> {
        if let Ok(key) = vault.open_credential(sealed) {
            return Ok(AtRest::new(Definition::ApiKey(key)));
        }
        let plain = vault.open(Purpose::Expiring, sealed)?;
        let document: Document = serde_json::from_slice(&plain).map_err(|_| CannotOpen)?;
        let source = match (document.refresh_token, document.service_account) {
            (Some(given), None) => Source::RefreshToken(RefreshToken {
                refresh_token: given.refresh_token,
                client_id: given.client_id,
                client_secret: given.client_secret,
                token_url: given.token_url,
            }),
            (None, Some(given)) => Source::ServiceAccount(ServiceAccount {
                key: KeyFile::read(&given.key_file).map_err(|_| CannotOpen)?,
                scopes: given.scopes,
            }),
            _ => return Err(CannotOpen),
        };
        Ok(AtRest {
            definition: Definition::Expiring(Arc::new(source)),
            grant: document.grant.map(|grant| Grant {
                access_token: grant.access_token,
                obtained_at: UnixMillis(grant.obtained_at_ms),
                expires_at: UnixMillis(grant.expires_at_ms),
                refresh_token: grant.refresh_token,
            }),
        })
    }

    /// Everything of it that must never be shown.
    pub fn secrets(&self) -> Vec<Secret> {
        let mut secrets = self.definition.secrets();
        secrets.extend(self.grant.iter().flat_map(Grant::secrets));
        secrets
    }
}

impl Grant {
    /// Everything of it that must never be shown.
    pub fn secrets(&self) -> impl Iterator<Item = Secret> + '_ {
        [&self.access_token]
            .into_iter()
            .chain(&self.refresh_token)
            .cloned()
    }
}

fn document(source: &Source, grant: Option<&Grant>) -> Value {
    let optional =
        |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
    let grant = grant.map(|grant| {
        json!({
            "access_token": grant.access_token.expose(),
            "obtained_at_ms": grant.obtained_at.0,
            "expires_at_ms": grant.expires_at.0,
            "refresh_token": optional(&grant.refresh_token),
        })
    });
    match source {
        Source::RefreshToken(given) => json!({
            "refresh_token": {
                "refresh_token": given.refresh_token.expose(),
                "client_id": given.client_id,
                "client_secret": optional(&given.client_secret),
                "token_url": given.token_url,
            },
            "grant": grant,
        }),
        Source::ServiceAccount(given) => json!({
            "service_account": {
                "key_file": given.key.text().expose(),
                "scopes": given.scopes,
            },
            "grant": grant,
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn refreshable() -> Definition {
        Definition::Expiring(Arc::new(Source::RefreshToken(RefreshToken {
            refresh_token: Secret::new("1//refresh"),
            client_id: "client".to_owned(),
            client_secret: Some(Secret::new("client-secret")),
            token_url: "https://tokens.test/token".to_owned(),
        })))
    }

    #[test]
    fn what_rests_opens_as_it_was_and_a_key_is_never_taken_for_a_document() {
        let vault = Vault::new(&Secret::new("one"));
        let grant = Grant {
            access_token: Secret::new("at-1"),
            obtained_at: UnixMillis(1),
            expires_at: UnixMillis(2),
            refresh_token: Some(Secret::new("1//rotated")),
        };
        let rotated = AtRest {
            definition: refreshable(),
            grant: Some(grant),
        };
        // A key may look like anything.
        let lookalike = document(
            &Source::RefreshToken(RefreshToken {
                refresh_token: Secret::new("x"),
                client_id: "x".to_owned(),
                client_secret: None,
                token_url: "https://x.test".to_owned(),
            }),
            None,
        );
        let key = AtRest::new(Definition::ApiKey(Secret::new(lookalike.to_string())));
        for at_rest in [rotated, AtRest::new(refreshable()), key] {
            let sealed = at_rest.seal(&vault);
            assert!(AtRest::open(&vault, &sealed).unwrap() == at_rest);
            assert!(AtRest::open(&Vault::new(&Secret::new("two")), &sealed).is_err());
        }
    }
}
