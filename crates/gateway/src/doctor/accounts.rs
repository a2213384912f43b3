//! Accounts: whether what is sealed of them can be opened, and whether tokens can be had where they say.

use std::{cell::OnceCell, collections::HashSet, sync::Arc};

use waybill_model::entity::Account;
use waybill_store::Store;

use super::Finding;
use crate::{
    config::Config,
    credential::{Definition, answers},
    egress::Opened,
    run,
    upstream::Outlet,
    vault::Vault,
};

pub(super) async fn examine(config: &Config, store: &Store, vault: &Vault) -> Vec<Finding> {
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
    let mut findings = vec![match closed.as_slice() {
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
    }];
    let opened = accounts
        .iter()
        .filter_map(|account| Some((account, Opened::of(account, vault).ok()?)));
    findings.extend(tokens(config, opened.collect()).await);
    findings
}

/// Whether something answers where access tokens are had. Each place is asked once, and for nothing, so that no
/// token is made, or rotated, that a running gateway knows nothing of.
async fn tokens(config: &Config, accounts: Vec<(&Account, Opened)>) -> Vec<Finding> {
    const CHECK: &str = "tokens";
    let tls = OnceCell::new();
    let (mut asked, mut findings) = (HashSet::new(), Vec::new());
    for (account, opened) in accounts {
        let Definition::Expiring(source) = &opened.credential.definition else {
            continue;
        };
        let proxy = opened.proxy.map(Arc::new);
        if !asked.insert((source.token_url().to_owned(), proxy.clone())) {
            continue;
        }
        let made = tls.get_or_init(|| run::tls(config));
        let outlet = match made {
            Ok(tls) => Outlet {
                tls,
                egress: &config.settings.egress,
                timeout: config.settings.timeouts.connect,
            },
            Err(error) => {
                findings.push(Finding::bad(
                    CHECK,
                    format!("{error:#}"),
                    "look at upstream_ca",
                ));
                break;
            }
        };
        let way = proxy
            .as_ref()
            .map_or_else(String::new, |proxy| format!(" through {proxy}"));
        let place = format!("{}{way}", source.token_url());
        findings.push(match answers(outlet, source, proxy.as_ref()).await {
            Ok(()) => Finding::good(CHECK, format!("{place} answers")),
            Err(why) => Finding::bad(
                CHECK,
                format!("{place} gives account `{}` no tokens: {why}", account.name),
                "see that the address is a token endpoint's, and that nothing blocks the way",
            ),
        });
    }
    findings
}
