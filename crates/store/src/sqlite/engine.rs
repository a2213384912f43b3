//! SQLite as an engine: connections that take the common statements.

use std::borrow::Cow;

use rusqlite::{
    ToSql,
    types::{ToSqlOutput, ValueRef},
};

use super::database;
use crate::{
    StoreError, StoreOptions,
    sql::{
        Access, Canceller, Cell, Cells, Connection, Db, Dialect, Engine, Result, Row, Value,
        storable,
    },
};

/// A file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    pub(crate) options: StoreOptions,
}

impl Engine for Sqlite {
    fn open(&self, access: Access) -> Result<Box<dyn Connection>> {
        Ok(Box::new(match access {
            Access::Read => database::open_reader(&self.options)?,
            Access::Write => database::open_writer(&self.options)?,
        }))
    }
}

impl Connection for rusqlite::Connection {
    fn db(&self) -> &dyn Db {
        self
    }

    fn begin(&self, access: Access) -> Result<()> {
        Ok(self.execute_batch(match access {
            Access::Read => "BEGIN",
            Access::Write => "BEGIN IMMEDIATE",
        })?)
    }

    fn commit(&self) -> Result<()> {
        Ok(self.execute_batch("COMMIT")?)
    }

    fn roll_back(&self) -> Result<()> {
        // Some errors end a transaction by themselves.
        if self.is_autocommit() {
            return Ok(());
        }
        Ok(self.execute_batch("ROLLBACK")?)
    }

    fn canceller(&self) -> Canceller {
        let handle = self.get_interrupt_handle();
        Box::new(move || handle.interrupt())
    }

    fn is_usable(&self) -> bool {
        self.is_autocommit()
    }
}

impl Db for rusqlite::Connection {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn execute(&self, sql: &str, values: &[Value]) -> Result<u64> {
        let changed = self
            .prepare_cached(sql)?
            .execute(rusqlite::params_from_iter(values))?;
        Ok(changed as u64)
    }

    fn each(
        &self,
        sql: &str,
        values: &[Value],
        each: &mut dyn FnMut(&mut Cells<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            each(&mut Cells::of(row))?;
        }
        Ok(())
    }
}

impl Row for rusqlite::Row<'_> {
    fn cell(&self, at: usize) -> Result<Cell<'_>> {
        Ok(match self.get_ref(at)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Int(number),
            ValueRef::Text(text) => Cell::Text(
                std::str::from_utf8(text).map_err(|_| StoreError::Unreadable { column: "text" })?,
            ),
            ValueRef::Blob(bytes) => Cell::Bytes(bytes),
            ValueRef::Real(_) => return Err(StoreError::Unreadable { column: "real" }),
        })
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Flag(flag) => ValueRef::Integer(i64::from(*flag)),
            Value::Text(text) => match storable(text) {
                Cow::Borrowed(text) => ValueRef::Text(text.as_bytes()),
                Cow::Owned(text) => return Ok(ToSqlOutput::Owned(text.into())),
            },
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
