//! The first set-up: a token that makes the first admin user, once.
//!
//! Promises: there is no default password; the token is shown at the start that made it, kept as a hash, and
//! worthless as soon as there is an admin user. Must not know: HTTP.

use waybill_model::secret::Secret;
use waybill_store::{Store, StoreError};

use crate::vault::{Vault, random_text};

/// Makes the set-up token where one is needed and there is none: to be shown once.
pub async fn open(store: &Store, vault: &Vault) -> Result<Option<Secret>, StoreError> {
    if store.has_admin_users().await? || store.setup_token().await?.is_some() {
        return Ok(None);
    }
    let token = Secret::new(format!("wb-setup-{}", random_text()));
    let counts = store.open_setup(vault.hash_pass(token.expose())).await?;
    Ok(counts.then_some(token))
}
