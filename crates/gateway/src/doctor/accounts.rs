//! Accounts: whether what is sealed of them can be opened.

use waybill_store::Store;

use super::Finding;
use crate::{egress::Opened, vault::Vault};

pub(super) async fn examine(store: &Store, vault: &Vault) -> Vec<Finding> {
    const CHECK: &str = "credentials";
    let accounts = match store.accounts().await {
        Ok(accounts) => accounts,
        Err(error) => {
            return vec![Finding::bad(
                CHECK,
                error.to_string(),
                "see what is said of the database",
            )];
        }
    };
    let closed: Vec<&str> = accounts
        .iter()
        .filter(|account| Opened::of(account, vault).is_err())
        .map(|account| &*account.name)
        .collect();
    let count = accounts.len();
    vec![match closed.as_slice() {
        [] if count == 0 => Finding::doubtful(
            CHECK,
            "there are no accounts: every request is refused",
            "name accounts in the configuration, or make them through the admin API",
        ),
        [] => Finding::good(CHECK, format!("all {count} accounts can be opened")),
        some => Finding::bad(
            CHECK,
            format!(
                "{} of {count} accounts cannot be opened: {}",
                some.len(),
                some.join(", ")
            ),
            "give the secret_key they were sealed with, or set their credentials anew",
        ),
    }]
}
