//! What rests sealed with an account, opened.

use waybill_model::{entity::Account, secret::Secret};

use super::{CustomHeaders, Proxy};
use crate::{
    credential::AtRest,
    vault::{CannotOpen, Purpose, Vault},
};

/// Everything an account keeps sealed, in the clear.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What it presents to the provider.
    pub credential: AtRest,
    /// What it is reached through; `None`: nothing.
    pub proxy: Option<Proxy>,
    /// What it sends along.
    pub headers: CustomHeaders,
}

/// Why an account's sealed parts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// Another instance key, or damage.
    #[error("{0}: {1}")]
    Sealed(&'static str, CannotOpen),
    /// Sealed by a version that accepted more.
    #[error("{0}: {1}")]
    Refused(&'static str, String),
}

impl Opened {
    /// Opens an account. An account whose proxy cannot be read must not be reached without it, so one
    /// part that does not open closes all of them.
    pub fn of(account: &Account, vault: &Vault) -> Result<Opened, NotOpened> {
        let credential = AtRest::open(vault, &account.credential)
            .map_err(|error| NotOpened::Sealed("credential", error))?;
        let proxy = account.proxy.as_ref().map(|sealed| {
            let plain = vault
                .open(Purpose::Proxy, sealed)
                .map_err(|error| NotOpened::Sealed("proxy", error))?;
            Proxy::parse(&String::from_utf8_lossy(&plain))
                .map_err(|why| NotOpened::Refused("proxy", why))
        });
        let headers = account.headers.as_ref().map(|sealed| {
            let plain = vault
                .open(Purpose::Headers, sealed)
                .map_err(|error| NotOpened::Sealed("headers", error))?;
            CustomHeaders::from_json(account.platform, &plain)
                .map_err(|why| NotOpened::Refused("headers", why))
        });
        Ok(Opened {
            credential,
            proxy: proxy.transpose()?,
            headers: headers.transpose()?.unwrap_or_default(),
        })
    }

    /// Everything of it that must never be shown.
    pub fn secrets(&self) -> Vec<Secret> {
        let proxy = self.proxy.iter().flat_map(Proxy::secrets);
        let headers = self.headers.secrets();
        let credential = self.credential.secrets().into_iter();
        credential.chain(proxy).chain(headers).collect()
    }
}
