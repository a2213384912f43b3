//! Rows of any table: read page by page, written batch by batch, and as JSON in between.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::Value as Json;

use super::tables::{Column, Kind, Table};
use crate::{
    StoreError,
    sql::{Cell, Cells, Db, Dialect, Result, Value, int},
};

/// Rows read, or written, by one statement: few enough to be held, enough to spread its cost.
pub(super) const PAGE_ROWS: usize = 200;

const DAY_MS: i64 = 86_400_000;

/// Hands every row of a table to `each`, in the order of its key, a page at a time.
pub(crate) fn read<E: From<StoreError>>(
    db: &dyn Db,
    table: &Table,
    mut each: impl FnMut(Vec<Json>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let dialect = db.dialect();
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| column.read(dialect))
        .collect();
    let key: Vec<String> = table
        .key
        .iter()
        .map(|name| format!("t.\"{name}\""))
        .collect();
    let key = key.join(", ");
    let places = vec!["?"; table.key.len()].join(", ");
    let mut last: Vec<Value> = Vec::new();
    loop {
        let after = match last.is_empty() {
            true => String::new(),
            false => format!("WHERE ({key}) > ({places})"),
        };
        let sql = format!(
            "SELECT {key}, {} FROM {} {after} ORDER BY {key} LIMIT {PAGE_ROWS}",
            columns.join(", "),
            table.source(dialect),
        );
        let rows = db.rows(&sql, &last, |cells| {
            let key = table.key.iter().map(|_| cells.raw().map(owned));
            let key = key.collect::<Result<Vec<Value>>>()?;
            Ok((key, json_of(cells, table.columns)?))
        })?;
        let is_last = rows.len() < PAGE_ROWS;
        for (key, row) in rows {
            last = key;
            each(row)?;
        }
        if is_last {
            return Ok(());
        }
    }
}

fn owned(cell: Cell<'_>) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(number) => Value::Int(number),
        Cell::Flag(flag) => Value::Flag(flag),
        Cell::Text(text) => text.into(),
        Cell::Bytes(bytes) => bytes.into(),
    }
}

fn json_of(cells: &mut Cells<'_>, columns: &[Column]) -> Result<Vec<Json>> {
    columns
        .iter()
        .map(|column| {
            Ok(match (column.kind, cells.raw()?) {
                (_, Cell::Null) => Json::Null,
                (Kind::Int, Cell::Int(number)) => number.into(),
                (Kind::Flag, Cell::Flag(flag)) => flag.into(),
                (Kind::Flag, Cell::Int(number)) => (number != 0).into(),
                (Kind::Text, Cell::Text(text)) => text.into(),
                (Kind::Bytes, Cell::Bytes(bytes)) => BASE64.encode(bytes).into(),
                _ => {
                    return Err(StoreError::Unreadable {
                        column: column.name,
                    });
                }
            })
        })
        .collect()
}

/// A value of a column; `None` if it is none.
pub(super) fn value_of(column: &Column, json: &Json) -> Option<Value> {
    Some(match (column.kind, json) {
        (_, Json::Null) => Value::Null,
        (Kind::Int, Json::Number(number)) => Value::Int(number.as_i64()?),
        (Kind::Flag, Json::Bool(flag)) => Value::Flag(*flag),
        (Kind::Text, Json::String(text)) => text.into(),
        (Kind::Bytes, Json::String(text)) => BASE64.decode(text).ok()?.into(),
        _ => return None,
    })
}

/// Rows on their way into a table.
pub(crate) struct Writer<'a> {
    db: &'a dyn Db,
    table: &'a Table,
    columns: Vec<&'a Column>,
    waiting: Vec<Vec<Value>>,
    days: Vec<i64>,
}

impl<'a> Writer<'a> {
    /// Rows are given with these columns.
    pub(crate) fn new(db: &'a dyn Db, table: &'a Table, columns: Vec<&'a Column>) -> Self {
        Writer {
            db,
            table,
            columns,
            waiting: Vec::new(),
            days: Vec::new(),
        }
    }

    /// Adds a row. `None`: it is none of this table's.
    pub(crate) fn add(&mut self, row: &[Json]) -> Result<Option<()>> {
        if row.len() != self.columns.len() {
            return Ok(None);
        }
        let values = self.columns.iter().zip(row);
        let values = values.map(|(column, json)| value_of(column, json));
        let Some(values) = values.collect::<Option<Vec<Value>>>() else {
            return Ok(None);
        };
        self.ensure_day(&values)?;
        self.waiting.push(values);
        if self.waiting.len() >= PAGE_ROWS {
            self.flush()?;
        }
        Ok(Some(()))
    }

    /// Writes what waits.
    pub(crate) fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return Ok(());
        }
        let dialect = self.db.dialect();
        let (table, further, with) = self.table.target(dialect);
        let kept: Vec<bool> = self
            .columns
            .iter()
            .map(|column| column.is_kept_in(dialect))
            .collect();
        let mut names: Vec<String> = self
            .columns
            .iter()
            .filter(|column| column.is_kept_in(dialect))
            .map(|column| format!("\"{}\"", column.name))
            .collect();
        let mut places = vec!["?"; names.len()];
        if !further.is_empty() {
            names.push(further.to_owned());
            places.push(with);
        }
        let one = format!("({})", places.join(", "));
        let sql = format!(
            "INSERT INTO {table} ({}) VALUES {}",
            names.join(", "),
            vec![one.as_str(); rows.len()].join(", ")
        );
        let values: Vec<Value> = rows
            .into_iter()
            .flat_map(|row| row.into_iter().zip(&kept).filter(|(_, kept)| **kept))
            .map(|(value, _)| value)
            .collect();
        self.db.execute(&sql, &values)?;
        Ok(())
    }

    /// Makes the partitions of a row's day.
    fn ensure_day(&mut self, row: &[Value]) -> Result<()> {
        let (Some(day), Dialect::Postgres) = (self.table.day, self.db.dialect()) else {
            return Ok(());
        };
        let at = self.columns.iter().position(|column| column.name == day);
        let Some(Value::Int(at)) = at.and_then(|at| row.get(at)) else {
            return Ok(());
        };
        let start = at.div_euclid(DAY_MS) * DAY_MS;
        if !self.days.contains(&start) {
            let made: Option<i64> = self
                .db
                .cell("SELECT waybill_ensure_day(?1)", &[Value::Int(start)])?;
            tracing::debug!(day = start, made, "a day was made");
            self.days.push(start);
        }
        Ok(())
    }
}

/// How many rows a table has, of which it is only asked whether there are any.
pub(super) fn is_empty(db: &dyn Db, table: &str) -> Result<bool> {
    let found = db.count(
        &format!("SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT 1) AS one"),
        &[],
    )?;
    Ok(int(found) == 0)
}
