//! Where accounts and their proxies may lead.

use super::{
    super::{raw::RawEgress, read::entity, seeds::AccountSeed},
    Check,
};
use crate::egress::{EgressPolicy, Proxy, Range};

impl Check<'_> {
    /// What the file allows, and what follows from the addresses of its own accounts. An address that
    /// only a range can allow is a mistake of the file's.
    pub(super) fn egress(&mut self, raw: &RawEgress, accounts: &[AccountSeed]) -> EgressPolicy {
        let mut allow: Vec<Range> = Vec::new();
        for (index, text) in raw.allow.iter().flatten().enumerate() {
            match text.parse() {
                Ok(range) => allow.push(range),
                Err(error) => self.problem(format!("egress.allow[{index}]"), format!("{error}")),
            }
        }
        let proxies: Vec<Option<Proxy>> = accounts.iter().map(proxy_of).collect();
        let token_urls = accounts
            .iter()
            .filter_map(|account| account.credential.token_url());
        let urls = accounts
            .iter()
            .flat_map(AccountSeed::urls)
            .chain(token_urls);
        let hosts = proxies.iter().flatten().map(Proxy::host);
        let policy = EgressPolicy::new(allow, urls, hosts);
        for (index, (account, proxy)) in accounts.iter().zip(&proxies).enumerate() {
            let key = entity("account", index, &account.name);
            self.rule(
                format!("{key}: base_url"),
                policy.check_url(&account.base_url),
            );
            for (index, url) in account.fallback_urls.iter().enumerate() {
                let key = format!("{key}: fallback_urls[{index}]");
                self.rule(key, policy.check_url(url));
            }
            if let Some(url) = account.credential.token_url() {
                self.rule(
                    format!("{key}: credential.token_url"),
                    policy.check_url(url),
                );
            }
            let allowed = proxy.as_ref().map(|proxy| policy.check_host(proxy.host()));
            if let Some(Err(forbidden)) = allowed {
                self.problem(format!("{key}: proxy"), forbidden.to_string());
            }
        }
        policy
    }
}

/// An address that cannot be read has been reported already.
fn proxy_of(account: &AccountSeed) -> Option<Proxy> {
    Proxy::parse(account.proxy.as_ref()?.expose()).ok()
}
