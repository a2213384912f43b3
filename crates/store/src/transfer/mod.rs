//! Moving a whole store to another database, in either direction: `export` writes it as lines of JSON,
//! `import` reads them.
//!
//! The first line says what follows; then each table comes with its columns, and its rows one per line;
//! the last line counts the rows and has a checksum of everything before it, so that a file that was cut
//! or changed is noticed.
//!
//! Promises: an export sees one instant; an import happens whole or not at all, in one transaction, so
//! that a file that ends early leaves an empty store; ids and times are kept; memory is bounded by a few
//! hundred rows. Rows are inserted in batches, not copied: one way for both databases, and the upkeep of
//! indexes costs more than either. What is sealed goes only where the key is that opens it: the first line
//! says which one that is, without saying anything of it.
//!
//! What is in the spool of a shared store is no part of it: move it first. Leases, replicas and whole
//! records that were refused stay where they are.

mod rows;
pub(crate) mod tables;

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub(crate) use self::rows::{Writer, read};
use self::tables::{CONFIG, Column, RECORD, Table};
use crate::{
    Store, StoreError,
    connections::in_transaction,
    sql::{Access, Db, Dialect, Result, values},
};

/// Of the lines.
const FORMAT: u32 = 1;

/// Why a store was not exported, or not imported.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is written to, or read from.
    #[error("the file cannot be read or written")]
    Io(#[from] io::Error),
    /// The store to import into holds something.
    #[error("the store is not empty: `{0}` has rows; import into one that was just made")]
    NotEmpty(&'static str),
    /// What is sealed in what is read opens with another instance key than the one that is there.
    #[error(
        "what is sealed in this export opens with another instance key than this store's: set secret_key to \
         the key of the store that was exported (what its `instance.key` holds), then import it"
    )]
    OtherKey,
    /// What is read is no export, or not whole.
    #[error("line {line}: {what}")]
    BadFile {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
}

/// What was transferred.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transferred {
    /// Rows per table.
    pub rows: BTreeMap<String, u64>,
}

/// A line that is no row.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mark {
    /// The first one.
    WaybillExport {
        format: u32,
        tables: Vec<String>,
        /// Tells the instance key that everything sealed in it opens with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key_check: Option<String>,
    },
    /// Rows of a table follow.
    Table { name: String, columns: Vec<String> },
    /// The last one.
    End {
        rows: BTreeMap<String, u64>,
        blake3: String,
    },
}

impl Store {
    /// Writes everything that is stored: the configuration (what is sealed stays sealed) and the record.
    /// `key_check` tells the instance key that it opens with; a shared store knows that by itself.
    ///
    /// # Errors
    /// What the store or the writer says.
    pub async fn export(
        &self,
        to: impl Write + Send + 'static,
        key_check: Option<String>,
    ) -> std::result::Result<Transferred, TransferError> {
        self.patient_desk()?
            .run(move |connection, _, _| {
                connection.begin(Access::Read)?;
                let written = export(connection.db(), to, key_check);
                connection.roll_back()?;
                Ok(written)
            })
            .await?
    }

    /// Reads what [`export`](Store::export) wrote into this store, which must be empty. `key_check` tells the
    /// instance key that is there to open it; it is the deployment's from then on.
    ///
    /// # Errors
    /// [`TransferError::NotEmpty`], [`TransferError::OtherKey`], [`TransferError::BadFile`]; nothing was
    /// imported then.
    pub async fn import(
        &self,
        from: impl BufRead + Send + 'static,
        key_check: Option<String>,
    ) -> std::result::Result<Transferred, TransferError> {
        self.patient_desk()?
            .run(move |connection, turn, _| {
                let _turn = turn.take();
                let mut told = None;
                let done = in_transaction(connection, |db| {
                    let imported = import(db, from, key_check.as_deref());
                    imported.map_err(|error| {
                        told = Some(error);
                        StoreError::Closed
                    })
                });
                Ok(match (done, told) {
                    (Err(_), Some(error)) => Err(error),
                    (done, _) => done.map_err(TransferError::Store),
                })
            })
            .await?
    }
}

fn all() -> impl Iterator<Item = &'static Table> {
    CONFIG.iter().chain(RECORD)
}

fn export(
    db: &dyn Db,
    to: impl Write,
    given: Option<String>,
) -> std::result::Result<Transferred, TransferError> {
    let key_check = match db.dialect() {
        Dialect::Sqlite => given,
        Dialect::Postgres => db
            .cell::<Option<String>>("SELECT key_check FROM deployment", &[])?
            .flatten()
            .or(given),
    };
    let mut out = Sum {
        inner: to,
        sum: blake3::Hasher::new(),
    };
    let tables = all().map(|table| table.name.to_owned()).collect();
    out.line(&Mark::WaybillExport {
        format: FORMAT,
        tables,
        key_check,
    })?;
    let mut done = Transferred::default();
    for table in all() {
        let columns = table.columns.iter().map(|column| column.name.to_owned());
        out.line(&Mark::Table {
            name: table.name.to_owned(),
            columns: columns.collect(),
        })?;
        let mut count = 0;
        read(db, table, |row| {
            count += 1;
            out.line(&row)
        })?;
        done.rows.insert(table.name.to_owned(), count);
    }
    let blake3 = out.sum.finalize().to_hex().to_string();
    out.line(&Mark::End {
        rows: done.rows.clone(),
        blake3,
    })?;
    out.inner.flush()?;
    Ok(done)
}

/// Writes lines and sums them up.
struct Sum<W> {
    inner: W,
    sum: blake3::Hasher,
}

impl<W: Write> Sum<W> {
    fn line(&mut self, content: &impl Serialize) -> std::result::Result<(), TransferError> {
        let mut line = serde_json::to_vec(content).map_err(io::Error::from)?;
        line.push(b'\n');
        self.sum.update(&line);
        self.inner.write_all(&line)?;
        Ok(())
    }
}

fn import(
    db: &dyn Db,
    from: impl BufRead,
    own_key: Option<&str>,
) -> std::result::Result<Transferred, TransferError> {
    check_empty(db)?;
    let mut lines = Lines {
        from,
        sum: blake3::Hasher::new(),
        number: 0,
    };
    let key_check = match lines.mark()? {
        (
            Mark::WaybillExport {
                format: FORMAT,
                key_check,
                ..
            },
            _,
        ) => key_check,
        (Mark::WaybillExport { format, .. }, _) => {
            let what = format!(
                "the export has format {format}, this program reads {FORMAT}: use the program that wrote it"
            );
            return Err(lines.bad(what));
        }
        _ => return Err(lines.bad("this is no export")),
    };
    if key_check.is_some() && key_check.as_deref() != own_key {
        return Err(TransferError::OtherKey);
    }
    let mut done = Transferred::default();
    let mut marked = lines.mark()?;
    loop {
        let (mark, sum) = marked;
        let (name, columns) = match mark {
            Mark::Table { name, columns } => (name, columns),
            Mark::End { rows, blake3 } => {
                if rows != done.rows {
                    return Err(lines.bad("rows are missing"));
                }
                if sum.to_hex().as_str() != blake3 {
                    return Err(
                        lines.bad("the checksum is wrong: something was changed on the way")
                    );
                }
                break;
            }
            Mark::WaybillExport { .. } => return Err(lines.bad("another export begins")),
        };
        let table = all().find(|table| table.name == name);
        let table = table.ok_or_else(|| lines.bad(format!("`{name}` is no table known here")))?;
        if table.name == "books" && db.dialect() == Dialect::Sqlite {
            db.execute("DELETE FROM books", &[])?;
        }
        let columns = columns
            .iter()
            .map(|name| {
                let found = table.columns.iter().find(|column| column.name == name);
                found.ok_or_else(|| lines.bad(format!("`{name}` is no column known here")))
            })
            .collect::<std::result::Result<Vec<&Column>, TransferError>>()?;
        let mut writer = Writer::new(db, table, columns);
        let mut count = 0;
        marked = loop {
            match lines.next()? {
                Line::Row(row) => {
                    if writer.add(&row)?.is_none() {
                        return Err(lines.bad(format!("this is no row of `{}`", table.name)));
                    }
                    count += 1;
                }
                Line::Mark(mark, sum) => break (mark, sum),
            }
        };
        writer.flush()?;
        done.rows.insert(table.name.to_owned(), count);
    }
    if db.dialect() == Dialect::Postgres {
        advance_ids(db)?;
        // Nothing was sealed here before: whichever key was there first, this one is the deployment's now.
        if let Some(key_check) = key_check {
            db.execute("UPDATE deployment SET key_check = ?1", values![key_check])?;
        }
    }
    Ok(done)
}

fn check_empty(db: &dyn Db) -> std::result::Result<(), TransferError> {
    for table in all() {
        // The embedded books have one row from the beginning: it is all naught while nothing was due.
        let from = match (table.name, db.dialect()) {
            ("books", Dialect::Sqlite) => "(SELECT 1 FROM books WHERE due > 0) AS found",
            ("books", Dialect::Postgres) => {
                "(SELECT 1 FROM spools WHERE stored + counted_lost > 0) AS found"
            }
            (name, _) => name,
        };
        if !rows::is_empty(db, from)? {
            return Err(TransferError::NotEmpty(table.name));
        }
    }
    Ok(())
}

/// The next ids come after those that are there.
fn advance_ids(db: &dyn Db) -> Result<()> {
    for table in all() {
        let Some(sequence) = table.sequence else {
            continue;
        };
        let sql = format!(
            "SELECT setval('{sequence}', (SELECT max(id) FROM {0})) WHERE EXISTS (SELECT 1 FROM {0})",
            table.name
        );
        db.cell::<i64>(&sql, &[])?;
    }
    Ok(())
}

/// Reads lines and sums them up.
struct Lines<R> {
    from: R,
    sum: blake3::Hasher,
    number: u64,
}

enum Line {
    Row(Vec<Json>),
    /// With the checksum of the lines before it.
    Mark(Mark, blake3::Hash),
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> std::result::Result<Line, TransferError> {
        let mut line = Vec::new();
        self.number += 1;
        self.from.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Err(self.bad("the file ends early"));
        }
        let read = match line.first() {
            Some(b'[') => serde_json::from_slice(&line).map(Line::Row),
            _ => {
                let before = self.sum.finalize();
                serde_json::from_slice(&line).map(|mark| Line::Mark(mark, before))
            }
        };
        self.sum.update(&line);
        read.map_err(|error| self.bad(format!("it cannot be read: {error}")))
    }

    fn mark(&mut self) -> std::result::Result<(Mark, blake3::Hash), TransferError> {
        match self.next()? {
            Line::Mark(mark, sum) => Ok((mark, sum)),
            Line::Row(_) => Err(self.bad("rows come before their table")),
        }
    }

    fn bad(&self, what: impl Into<String>) -> TransferError {
        TransferError::BadFile {
            line: self.number,
            what: what.into(),
        }
    }
}
