//! What a table that is taken along is, and a column of it.
//!
//! Must not know: which there are.

use crate::sql::Dialect;

/// What a column holds; any of them may hold nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number, an id, an instant.
    Int,
    /// Yes or no.
    Flag,
    /// Text.
    Text,
    /// Bytes; base64 on the way.
    Bytes,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Where only the shared store has it: what it is in the embedded one, of a row `t`.
    pub(crate) derived: Option<&'static str>,
    /// Whether only the embedded one keeps it.
    embedded_only: bool,
}

impl Column {
    /// How it is read from a row `t`.
    pub(crate) fn read(&self, dialect: Dialect) -> String {
        match (self.derived, dialect) {
            (Some(term), Dialect::Sqlite) => term.to_owned(),
            _ => format!("t.\"{}\"", self.name),
        }
    }

    /// Whether a database keeps it.
    pub(crate) fn is_kept_in(&self, dialect: Dialect) -> bool {
        match dialect {
            Dialect::Sqlite => self.derived.is_none(),
            Dialect::Postgres => !self.embedded_only,
        }
    }
}

/// A table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    /// Its rows are read in this order. Together unique.
    pub(crate) key: &'static [&'static str],
    /// Where the shared store keeps several rows of what is one here: the one they make up.
    shared: Option<&'static str>,
    /// What the shared store wants to know besides: table, columns and values.
    shared_into: Option<(&'static str, &'static str, &'static str)>,
    /// Which of its columns says on which day it is, where the shared store keeps it by day.
    pub(crate) day: Option<&'static str>,
    /// What gives out its ids in the shared store.
    pub(crate) sequence: Option<&'static str>,
}

impl Table {
    pub(super) const fn new(
        name: &'static str,
        key: &'static [&'static str],
        columns: &'static [Column],
    ) -> Self {
        Table {
            name,
            columns,
            key,
            shared: None,
            shared_into: None,
            day: None,
            sequence: None,
        }
    }

    pub(super) const fn by_day(self, day: &'static str) -> Self {
        Table {
            day: Some(day),
            ..self
        }
    }

    pub(super) const fn ids_from(self, sequence: &'static str) -> Self {
        Table {
            sequence: Some(sequence),
            ..self
        }
    }

    pub(super) const fn shared_as(
        self,
        made_up: &'static str,
        into: (&'static str, &'static str, &'static str),
    ) -> Self {
        Table {
            shared: Some(made_up),
            shared_into: Some(into),
            ..self
        }
    }

    /// What its rows are read from.
    pub(crate) fn source(&self, dialect: Dialect) -> String {
        match (self.shared, dialect) {
            (Some(made_up), Dialect::Postgres) => format!("({made_up}) t"),
            _ => format!("{} t", self.name),
        }
    }

    /// Where its rows go: the table, and further columns with their values.
    pub(crate) fn target(&self, dialect: Dialect) -> (&'static str, &'static str, &'static str) {
        match (self.shared_into, dialect) {
            (Some(into), Dialect::Postgres) => into,
            _ => (self.name, "", ""),
        }
    }
}

pub(super) const fn int(name: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Int,
        derived: None,
        embedded_only: false,
    }
}

pub(super) const fn flag(name: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Flag,
        derived: None,
        embedded_only: false,
    }
}

pub(super) const fn text(name: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Text,
        derived: None,
        embedded_only: false,
    }
}

pub(super) const fn bytes(name: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Bytes,
        derived: None,
        embedded_only: false,
    }
}

pub(super) const fn derived(column: Column, term: &'static str) -> Column {
    Column {
        derived: Some(term),
        ..column
    }
}

pub(super) const fn embedded_only(column: Column) -> Column {
    Column {
        embedded_only: true,
        ..column
    }
}
