//! Short lists by page number: counted whole, read from their beginning.
//!
//! Promises: `total` and the rows are of one question. For lists of which nobody turns far; those of records have
//! cursors. Must not know: what is listed.

use waybill_model::view::{List, Page};

use crate::sql::{Cells, Db, Result, Value, int};

/// What a list is made of.
pub(crate) struct Numbered<'a> {
    /// What is read of each row.
    pub(crate) columns: &'a str,
    /// Where rows come from: the table and what is joined to it, one row for each of the table.
    pub(crate) from: &'a str,
    /// The table alone, under the name that `which` knows it by.
    pub(crate) table: &'a str,
    /// Which rows of the table.
    pub(crate) which: &'a str,
    /// The values of `which`.
    pub(crate) values: &'a [Value],
    /// In which order.
    pub(crate) order: &'a str,
}

impl Numbered<'_> {
    /// One page, from 1.
    pub(crate) fn page<T>(
        &self,
        db: &dyn Db,
        page: &Page,
        read: impl FnMut(&mut Cells<'_>) -> Result<T>,
    ) -> Result<List<T>> {
        let Numbered {
            columns,
            from,
            table,
            which,
            values,
            order,
        } = *self;
        let total = db.count(
            &format!("SELECT count(*) FROM {table} WHERE {which}"),
            values,
        )?;
        let (page, page_size) = (page.page.max(1), page.page_size.max(1));
        let (size, before) = (values.len() + 1, values.len() + 2);
        let sql = format!(
            "SELECT {columns} FROM {from} WHERE {which} ORDER BY {order} LIMIT ?{size} OFFSET ?{before}"
        );
        let before = u64::from(page - 1) * u64::from(page_size);
        let mut values = values.to_vec();
        values.extend([Value::from(page_size), Value::from(int(before))]);
        Ok(List {
            items: db.rows(&sql, &values, read)?,
            total,
            page,
            page_size,
            next_cursor: None,
            total_is_estimate: false,
        })
    }
}
