//! The little SQL and configuration text that running a server takes. Pure.

use super::PostgresOptions;
use crate::error::{Error, Result};

/// What every server here is set to. `DURABLE` or not comes after, then what was asked for.
const BASE: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("max_connections", "200"),
    ("shared_preload_libraries", ""),
    // A server that is killed leaves nothing outside of its folder, and /dev/shm may be small.
    ("dynamic_shared_memory_type", "mmap"),
    // The same wherever it runs.
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
];

/// Processes may die, the machine may not. `synchronous_commit` stays on: without it a commit could be
/// lost even when only a process dies.
const NOT_DURABLE: &[(&str, &str)] = &[("fsync", "off"), ("full_page_writes", "off")];

/// Lines for `postgresql.conf`; the last of a name counts.
pub(super) fn settings(port: u16, options: PostgresOptions<'_>) -> Result<String> {
    let port = port.to_string();
    let durability: &[_] = match options.durable {
        true => &[],
        false => NOT_DURABLE,
    };
    let own = [("port", port.as_str())];
    [BASE, durability, options.settings, &own]
        .into_iter()
        .flatten()
        .map(|(name, value)| Ok(format!("{} = {}\n", setting(name)?, literal(value))))
        .collect()
}

/// The statement that changes a setting for everybody.
pub(super) fn alter_system(name: &str, value: &str) -> Result<String> {
    Ok(format!(
        "alter system set {} = {}",
        setting(name)?,
        literal(value)
    ))
}

/// A name that needs no quotes, so that it is the same in a URL, in SQL and in what PostgreSQL prints.
pub(super) fn identifier(name: &str) -> Result<&str> {
    let first = name.bytes().next();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    match first.is_some_and(|byte| byte.is_ascii_lowercase())
        && name.bytes().all(plain)
        // PostgreSQL cuts off what is longer.
        && name.len() < 64
    {
        true => Ok(name),
        false => Err(Error::Argument(format!(
            "`{name}` is no name for a database here: lower-case letters, digits and `_`, 63 at most"
        ))),
    }
}

/// The name in an address of the kind this crate makes.
pub(super) fn database_of(url: &str) -> Result<&str> {
    let after_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = after_scheme.split_once('/').map_or("", |(_, path)| path);
    identifier(path.split('?').next().unwrap_or_default())
}

fn setting(name: &str) -> Result<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    match !name.is_empty() && name.bytes().all(plain) {
        true => Ok(name),
        false => Err(Error::Argument(format!("`{name}` is no setting"))),
    }
}

/// The same in SQL and in `postgresql.conf`, as long as there is no backslash.
fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_asked_for_comes_after_the_defaults() {
        let options = PostgresOptions {
            durable: false,
            settings: &[("fsync", "on"), ("application_name", "it's")],
        };
        let text = settings(4711, options).unwrap();
        let line = |wanted: &str| text.lines().position(|line| line == wanted);
        assert!(line("fsync = 'on'") > line("fsync = 'off'"), "{text}");
        assert!(text.contains("application_name = 'it''s'\n"), "{text}");
        assert!(text.ends_with("port = '4711'\n"), "{text}");
    }

    #[test]
    fn a_durable_server_has_postgresqls_own_defaults() {
        let options = PostgresOptions {
            durable: true,
            settings: &[],
        };
        let text = settings(1, options).unwrap();
        assert!(!text.contains("fsync") && !text.contains("full_page_writes"));
    }

    #[test]
    fn names_that_would_need_quotes_are_refused() {
        for name in ["", "Upper", "1st", "a-b", "a\"; drop", &"a".repeat(64)] {
            assert!(identifier(name).is_err(), "{name}");
        }
        assert!(alter_system("fsync; drop", "on").is_err());
        assert!(
            settings(
                1,
                PostgresOptions {
                    durable: false,
                    settings: &[("a b", "")]
                }
            )
            .is_err()
        );
    }

    #[test]
    fn an_address_names_its_database() {
        assert_eq!(
            database_of("postgres://u@127.0.0.1:1/books_3").unwrap(),
            "books_3"
        );
        assert_eq!(
            database_of("postgres://u@h/books?sslmode=disable").unwrap(),
            "books"
        );
        for url in ["books", "postgres://u@h", "postgres://u@h/"] {
            assert!(database_of(url).is_err(), "{url}");
        }
    }
}
