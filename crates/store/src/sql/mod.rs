//! What both databases have in common: statements, values, cells, and the connections that take them.
//!
//! A statement is written once, with `?` or `?1` for its values; where the databases differ in wording, a
//! [`Dialect`] spells the difference. Everything here is synchronous: a caller is on a blocking thread.
//!
//! Must not know: which tables there are.

mod cells;
mod dialect;
mod text;
mod value;

pub(crate) use cells::{Cell, Cells, FromCell, Row, hex, int, unhex, word};
pub(crate) use dialect::Dialect;
pub(crate) use text::storable;
pub(crate) use value::{Value, values};

use crate::StoreError;

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// A database that takes statements.
pub(crate) trait Db {
    /// How it wants differences to be spelled.
    fn dialect(&self) -> Dialect;

    /// Runs a statement; answers how many rows it changed.
    fn execute(&self, sql: &str, values: &[Value]) -> Result<u64>;

    /// Runs a question; `each` sees its rows one by one.
    fn each(
        &self,
        sql: &str,
        values: &[Value],
        each: &mut dyn FnMut(&mut Cells<'_>) -> Result<()>,
    ) -> Result<()>;
}

impl dyn Db + '_ {
    /// Every row of a question.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        values: &[Value],
        mut read: impl FnMut(&mut Cells<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut rows = Vec::new();
        self.each(sql, values, &mut |cells| {
            rows.push(read(cells)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first row of a question that has one at most.
    pub(crate) fn first<T>(
        &self,
        sql: &str,
        values: &[Value],
        read: impl FnMut(&mut Cells<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.rows(sql, values, read)?.into_iter().next())
    }

    /// The number that a question counts.
    pub(crate) fn count(&self, sql: &str, values: &[Value]) -> Result<u64> {
        let count = self.first(sql, values, |cells| cells.count())?;
        Ok(count.unwrap_or(0))
    }

    /// The first cell of the first row; `None` where there is no row.
    pub(crate) fn cell<T: FromCell>(&self, sql: &str, values: &[Value]) -> Result<Option<T>> {
        self.first(sql, values, |cells| cells.next())
    }
}

/// One connection, for one user at a time.
pub(crate) trait Connection: Send {
    /// What takes its statements.
    fn db(&self) -> &dyn Db;

    /// Begins a transaction: one that only reads sees one instant, one that writes is alone.
    fn begin(&self, access: Access) -> Result<()>;

    /// Makes what happened since [`begin`](Connection::begin) last.
    fn commit(&self) -> Result<()>;

    /// Undoes what happened since [`begin`](Connection::begin).
    fn roll_back(&self) -> Result<()>;

    /// Stops the statement that runs, from another thread.
    fn canceller(&self) -> Canceller;

    /// Whether it can be used again.
    fn is_usable(&self) -> bool;
}

/// Stops what runs on a connection.
pub(crate) type Canceller = Box<dyn Fn() + Send>;

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Questions.
    Read,
    /// Changes of the configuration and marks on records. One at a time, over all replicas.
    Write,
}

/// Where connections come from.
pub(crate) trait Engine: Send + Sync + std::fmt::Debug {
    /// Opens a connection. Blocks.
    fn open(&self, access: Access) -> Result<Box<dyn Connection>>;
}
