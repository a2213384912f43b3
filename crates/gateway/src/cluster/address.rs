//! Where Redis is: `redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]`, with TLS `rediss://…`.
//!
//! Promises: the password is never shown. Must not know: how a connection is made.

use std::fmt;

use percent_encoding::percent_decode_str;
use waybill_model::secret::Secret;

/// Redis' own port.
const DEFAULT_PORT: u16 = 6379;

/// Where Redis is, and how one signs in. Shown without its password.
#[derive(Clone)]
pub struct RedisUrl {
    pub(super) tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: i64,
}

/// Why an address is none. Quotes nothing of it: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRedisUrl {
    /// It begins otherwise.
    #[error("must begin with `redis://` or, with TLS, `rediss://`")]
    Scheme,
    /// There is no host.
    #[error("names no host")]
    Host,
    /// What follows the host is no port.
    #[error("what follows the host's colon is not a port")]
    Port,
    /// What follows the slash is no database.
    #[error("what follows the slash is not a database's number")]
    Database,
    /// More than that.
    #[error("takes no `?…` and no `#…`; TLS is `rediss://`, certificates are always checked")]
    Extra,
    /// User or password are not UTF-8 when unescaped.
    #[error("user or password are not valid when their %-escapes are undone")]
    Escapes,
}

impl std::str::FromStr for RedisUrl {
    type Err = BadRedisUrl;

    fn from_str(text: &str) -> Result<Self, BadRedisUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(BadRedisUrl::Scheme)?;
        let tls = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return Err(BadRedisUrl::Scheme),
        };
        // The last @: a password may hold one.
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        if place.contains(['?', '#']) {
            return Err(BadRedisUrl::Extra);
        }
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        let (host, port) = host_and_port(authority)?;
        let (user, password) = match login {
            None => (None, None),
            Some(login) => {
                let (user, password) = login.split_once(':').unwrap_or((login, ""));
                (unescaped(user)?, unescaped(password)?.map(Secret::new))
            }
        };
        let database = match database {
            "" => 0,
            number => number
                .parse::<u32>()
                .map_err(|_| BadRedisUrl::Database)?
                .into(),
        };
        Ok(RedisUrl {
            tls,
            host,
            port,
            user,
            password,
            database,
        })
    }
}

fn host_and_port(authority: &str) -> Result<(String, u16), BadRedisUrl> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(BadRedisUrl::Host)?;
            (
                host,
                after.strip_prefix(':').or(after.is_empty().then_some("")),
            )
        }
        None => {
            let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
            (host, Some(port))
        }
    };
    if host.is_empty() {
        return Err(BadRedisUrl::Host);
    }
    let port = match port.ok_or(BadRedisUrl::Port)? {
        "" => DEFAULT_PORT,
        port => port.parse().map_err(|_| BadRedisUrl::Port)?,
    };
    Ok((host.to_owned(), port))
}

fn unescaped(text: &str) -> Result<Option<String>, BadRedisUrl> {
    let text = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| BadRedisUrl::Escapes)?;
    Ok(Some(text.into_owned()).filter(|text| !text.is_empty()))
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "rediss://" } else { "redis://" })?;
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)?;
        } else {
            write!(f, "{}:{}", self.host, self.port)?;
        }
        if self.database != 0 {
            write!(f, "/{}", self.database)?;
        }
        Ok(())
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_meant_and_shown_without_what_is_secret() {
        let url: RedisUrl = "rediss://waybill:p%40ss:w@rd@redis.internal:6380/3"
            .parse()
            .unwrap();
        assert!(url.tls);
        assert_eq!(
            (&*url.host, url.port, url.database),
            ("redis.internal", 6380, 3)
        );
        assert_eq!(url.user.as_deref(), Some("waybill"));
        assert_eq!(url.password.as_ref().unwrap().expose(), "p@ss:w@rd");
        for shown in [format!("{url}"), format!("{url:?}")] {
            assert_eq!(shown, "rediss://redis.internal:6380/3");
        }
        let url: RedisUrl = "redis://[::1]".parse().unwrap();
        assert_eq!(url.to_string(), "redis://[::1]:6379");
        let url: RedisUrl = "redis://:secret@h".parse().unwrap();
        assert!(url.user.is_none() && url.password.is_some() && url.port == DEFAULT_PORT);
    }

    #[test]
    fn what_is_no_address_is_refused_for_its_reason() {
        for (text, why) in [
            ("localhost:6379", BadRedisUrl::Scheme),
            ("http://localhost", BadRedisUrl::Scheme),
            ("redis://", BadRedisUrl::Host),
            ("redis://user@:1", BadRedisUrl::Host),
            ("redis://h:no", BadRedisUrl::Port),
            ("redis://[::1]x", BadRedisUrl::Port),
            ("redis://h/x", BadRedisUrl::Database),
            ("rediss://h/#insecure", BadRedisUrl::Extra),
            ("redis://h/0?protocol=resp2", BadRedisUrl::Extra),
            ("redis://:%ff@h", BadRedisUrl::Escapes),
        ] {
            assert_eq!(text.parse::<RedisUrl>().err(), Some(why), "{text}");
        }
    }
}
