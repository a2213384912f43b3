//! Where the gateway may connect to.
//!
//! Base URLs and proxies are data that an operator, or whoever holds the admin token, can write. Without
//! a policy an account would be a way to make this machine ask its own services or its cloud's metadata.
//!
//! Promises: addresses are judged, not names: every connection is checked after its name was resolved,
//! so that a name which changes its mind in between gains nothing; a refusal says which setting allows
//! it. Must not know: accounts, HTTP, sockets.

mod headers;
mod kind;
mod opened;
mod proxy;
mod range;

use std::net::IpAddr;

pub use headers::CustomHeaders;
pub use kind::Kind;
pub use opened::Opened;
pub use proxy::{Proxy, ProxyAuth, ProxyKind};
pub use range::Range;

/// Which addresses may be connected to.
#[derive(Debug, Clone, Default)]
pub struct EgressPolicy {
    /// What the operator allows, whatever its kind.
    allow: Vec<Range>,
    /// Kinds that the configuration file's own addresses are of.
    allowed_kinds: Vec<Kind>,
}

/// An address that must not be connected to. Says what would allow it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{what}` {}: {}", .kind.describes(), .kind.remedy(.example.as_deref()))]
pub struct Forbidden {
    /// The address or host name.
    pub what: String,
    /// What it is.
    pub kind: Kind,
    /// A range that would allow it.
    example: Option<String>,
}

impl EgressPolicy {
    /// Allows `allow`, and the kinds of the literal addresses in `urls` and `hosts`: the configuration
    /// file's own accounts and proxies, for a file is configuration.
    pub fn new<'a>(
        allow: Vec<Range>,
        urls: impl IntoIterator<Item = &'a str>,
        hosts: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let of_urls = urls
            .into_iter()
            .filter_map(|url| Kind::of_host(&host_of(url)?));
        let of_hosts = hosts.into_iter().filter_map(Kind::of_host);
        let allowed_kinds = of_urls
            .chain(of_hosts)
            .filter(|kind| kind.may_be_implied())
            .collect();
        EgressPolicy {
            allow,
            allowed_kinds,
        }
    }

    /// For services of the operator's own, which the configuration names and nobody else can: whatever the
    /// file's own addresses may be.
    pub fn of_operator() -> Self {
        EgressPolicy {
            allow: Vec::new(),
            allowed_kinds: [Kind::Loopback, Kind::Private, Kind::Reserved].to_vec(),
        }
    }

    /// Checks the host of an address as it is written. A name that is not known to lead to a forbidden
    /// place passes: it is checked again whenever it has been resolved. So does what is no address: it
    /// is refused for that, elsewhere.
    pub fn check_url(&self, url: &str) -> Result<(), String> {
        let Some(host) = host_of(url) else {
            return Ok(());
        };
        self.check_host(&host).map_err(|error| error.to_string())
    }

    /// The same for a proxy.
    pub fn check_proxy(&self, proxy: &Proxy) -> Result<(), String> {
        self.check_host(proxy.host())
            .map_err(|error| error.to_string())
    }

    /// The same for a host alone, in brackets or without.
    pub fn check_host(&self, host: &str) -> Result<(), Forbidden> {
        let host = kind::plain(host);
        if let Ok(address) = host.parse() {
            return self.check_addr(address);
        }
        let Some(kind) = Kind::of_host(&host) else {
            return Ok(());
        };
        let leads_to = kind.addresses_of_names();
        let allowed = self.allowed_kinds.contains(&kind)
            || leads_to.iter().any(|address| self.is_listed(*address));
        if allowed {
            return Ok(());
        }
        Err(Forbidden {
            what: host.into_owned(),
            kind,
            example: leads_to
                .first()
                .map(|address| Range::only(*address).to_string()),
        })
    }

    /// Checks an address that is about to be connected to.
    pub fn check_addr(&self, address: IpAddr) -> Result<(), Forbidden> {
        let address = kind::canonical(address);
        match Kind::of(address) {
            None => Ok(()),
            Some(kind) if self.allowed_kinds.contains(&kind) || self.is_listed(address) => Ok(()),
            Some(kind) => Err(Forbidden {
                what: address.to_string(),
                kind,
                example: Some(Range::only(address).to_string()),
            }),
        }
    }

    fn is_listed(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|range| range.contains(address))
    }
}

/// The host of an address, without brackets, user or port.
fn host_of(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    let host = kind::plain(uri.host()?).into_owned();
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
