//! Where the databases want the same thing in other words.

use std::borrow::Cow;

/// Whose words a statement is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The embedded store and the spool.
    Sqlite,
    /// The shared store.
    Postgres,
}

impl Dialect {
    /// A table, by the index that is meant to serve the question. SQLite is told, so that no statistics
    /// are needed; PostgreSQL has statistics and finds it by itself.
    pub(crate) fn by_index(self, table: &str, alias: &str, index: &str) -> String {
        match self {
            Dialect::Sqlite => format!("{table} {alias} INDEXED BY {index}"),
            Dialect::Postgres => format!("{table} {alias}"),
        }
    }

    /// A table in the order of its ids.
    pub(crate) fn by_id(self, table: &str, alias: &str) -> String {
        match self {
            Dialect::Sqlite => format!("{table} {alias} NOT INDEXED"),
            Dialect::Postgres => format!("{table} {alias}"),
        }
    }

    /// Joins two tables, the left one first.
    pub(crate) const fn then_join(self) -> &'static str {
        match self {
            Dialect::Sqlite => "CROSS JOIN",
            Dialect::Postgres => "JOIN",
        }
    }

    /// Adds to a join that both sides lie in the partition of the same day. SQLite has no partitions.
    pub(crate) fn and_same(self, left: &str, right: &str) -> String {
        match self {
            Dialect::Sqlite => String::new(),
            Dialect::Postgres => format!(" AND {left} = {right}"),
        }
    }

    /// Whether a column holds text like a pattern in lowercase, ASCII letters in either case.
    pub(crate) fn like(self, column: &str) -> String {
        match self {
            Dialect::Sqlite => format!("{column} LIKE ? ESCAPE '\\'"),
            Dialect::Postgres => format!("lower({column} COLLATE \"C\") LIKE ? ESCAPE '\\'"),
        }
    }

    /// A flag as a number. PostgreSQL's index over many columns is not asked about flags.
    pub(crate) fn flag(self, column: &str) -> String {
        match self {
            Dialect::Sqlite => column.to_owned(),
            Dialect::Postgres => format!("({column}::INT)"),
        }
    }

    /// "The column is one of so many values." PostgreSQL's index over many columns is not asked about lists.
    pub(crate) fn one_of(self, column: &str, values: usize) -> String {
        match self {
            Dialect::Sqlite => format!("{column} IN ({})", vec!["?"; values].join(", ")),
            Dialect::Postgres => {
                let one = format!("{column} = ?");
                format!("({})", vec![one.as_str(); values].join(" OR "))
            }
        }
    }

    /// All values of a column in an order, as one JSON text.
    pub(crate) fn json_array(self, column: &str, order: &str) -> String {
        match self {
            Dialect::Sqlite => format!("json_group_array({column} ORDER BY {order})"),
            Dialect::Postgres => {
                format!("CAST(coalesce(json_agg({column} ORDER BY {order}), '[]') AS TEXT)")
            }
        }
    }

    /// A statement with its places spelled as the database wants them. `?` is for values and nothing else.
    pub(crate) fn places(self, sql: &str) -> Cow<'_, str> {
        match self {
            Dialect::Sqlite => Cow::Borrowed(sql),
            Dialect::Postgres => Cow::Owned(dollars(sql)),
        }
    }
}

/// `?2` becomes `$2`; a bare `?` takes the next number.
fn dollars(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut next = 0;
    let mut rest = sql;
    while let Some(at) = rest.find('?') {
        out.push_str(&rest[..at]);
        out.push('$');
        rest = &rest[at + 1..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            next += 1;
            out.push_str(&next.to_string());
        } else {
            out.push_str(&rest[..digits]);
            rest = &rest[digits..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_as_they_come_or_as_they_say() {
        let sql = "a = ? AND b IN (?, ?)";
        assert_eq!(Dialect::Postgres.places(sql), "a = $1 AND b IN ($2, $3)");
        assert_eq!(
            Dialect::Postgres.places("a = ?2 OR a = ?12"),
            "a = $2 OR a = $12"
        );
        assert_eq!(Dialect::Sqlite.places(sql), sql);
    }
}
