//! The proxy an account is reached through, as it is configured.
//!
//! Promises: its password leaves by no `Debug`, `Display` or error. Must not know: how a proxy is spoken to.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use base64::Engine as _;
use percent_encoding::percent_decode_str;
use waybill_model::secret::Secret;

/// Longest user name and longest password: what SOCKS5 can carry (RFC 1929), in bytes.
const MAX_AUTH_BYTES: usize = 255;

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyKind {
    /// `CONNECT` over plain TCP.
    Http,
    /// `CONNECT` over TLS.
    Https,
    /// SOCKS5; names are resolved here.
    Socks5,
    /// SOCKS5; names are resolved by the proxy.
    Socks5h,
}

/// Scheme, kind and default port.
const SCHEMES: &[(&str, ProxyKind, u16)] = &[
    ("http", ProxyKind::Http, 80),
    ("https", ProxyKind::Https, 443),
    ("socks5", ProxyKind::Socks5, 1080),
    ("socks5h", ProxyKind::Socks5h, 1080),
];

/// A proxy. Two accounts share connections only when everything here is the same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    kind: ProxyKind,
    host: String,
    port: u16,
    /// Host and port, as every attempt through it says.
    place: Arc<str>,
    auth: Option<ProxyAuth>,
}

/// What a proxy is told about who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAuth {
    /// User name.
    pub user: String,
    /// Password; may be empty.
    pub password: Secret,
}

impl Hash for ProxyAuth {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.user.hash(state);
        self.password.expose().hash(state);
    }
}

impl Proxy {
    /// Reads `scheme://[user:password@]host[:port]`. The error is a sentence that quotes nothing of it.
    pub fn parse(address: &str) -> Result<Proxy, String> {
        const SHAPE: &str = "an address such as http://host:3128, https://host, socks5://host:1080 or \
                             socks5h://user:password@host:1080 is needed";
        let bad = || SHAPE.to_owned();
        let (scheme, rest) = address.trim().split_once("://").ok_or_else(bad)?;
        let (_, kind, default_port) = SCHEMES
            .iter()
            .find(|(name, ..)| scheme.eq_ignore_ascii_case(name))
            .ok_or_else(bad)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(
                "a proxy's address has no path; signs such as / ? # in a password are written \
                        percent-encoded"
                    .to_owned(),
            );
        }
        let (auth, place) = match rest.rsplit_once('@') {
            Some((auth, place)) => (Some(ProxyAuth::parse(auth)?), place),
            None => (None, rest),
        };
        let place: http::uri::Authority = place.parse().map_err(|_| bad())?;
        let port = match place.as_str().strip_prefix(place.host()) {
            Some("") => *default_port,
            after => after
                .and_then(|after| after.strip_prefix(':')?.parse().ok())
                .filter(|port| *port > 0)
                .ok_or_else(bad)?,
        };
        let host = place
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_ascii_lowercase();
        if host.is_empty() {
            return Err(bad());
        }
        Ok(Proxy {
            kind: *kind,
            place: place_of(&host, port).into(),
            host,
            port,
            auth,
        })
    }

    /// How it is spoken to.
    pub fn kind(&self) -> ProxyKind {
        self.kind
    }

    /// Its host, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port, and nothing of who asks.
    pub fn place(&self) -> &Arc<str> {
        &self.place
    }

    /// What it is told about who asks.
    pub fn auth(&self) -> Option<&ProxyAuth> {
        self.auth.as_ref()
    }

    /// Everything secret about it, in the forms in which it may come back.
    pub fn secrets(&self) -> impl Iterator<Item = Secret> + use<> {
        let auth = self.auth.clone();
        auth.into_iter().flat_map(|auth| {
            let basic = Secret::new(auth.basic());
            [auth.password, basic]
        })
    }
}

impl ProxyAuth {
    fn parse(text: &str) -> Result<ProxyAuth, String> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let decoded = |part: &str| {
            percent_decode_str(part)
                .decode_utf8()
                .ok()
                .filter(|part| part.len() <= MAX_AUTH_BYTES && !part.chars().any(char::is_control))
                .map(|part| part.into_owned())
        };
        match (decoded(user), decoded(password)) {
            (Some(user), Some(_)) if user.is_empty() || user.contains(':') => {
                Err("the proxy's user name is empty or has a colon".to_owned())
            }
            (Some(user), Some(password)) => Ok(ProxyAuth {
                user,
                password: Secret::new(password),
            }),
            (None, _) | (_, None) => Err(format!(
                "the proxy's user name or password is longer than {MAX_AUTH_BYTES} bytes or is not text"
            )),
        }
    }

    /// User and password as `Basic` wants them (RFC 7617), without the word.
    pub fn basic(&self) -> String {
        let pair = format!("{}:{}", self.user, self.password.expose());
        base64::engine::general_purpose::STANDARD.encode(pair)
    }
}

fn place_of(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// Scheme, host and port: how a proxy is called wherever it is shown.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = SCHEMES
            .iter()
            .find(|(_, kind, _)| *kind == self.kind)
            .map_or("", |(name, ..)| name);
        write!(f, "{scheme}://{}", self.place)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for ProxyAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyAuth(…)")
    }
}
