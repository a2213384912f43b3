//! One page of a list: by number, or from a cursor on.
//!
//! Promises: pages joined together are the list, whatever the page size; a cursor is only good for
//! the list and order it came from.

use std::time::Duration;

use waybill_model::{
    time::UnixMillis,
    view::{Page, Sort},
};

use super::{
    condition::{Asked, Conditions, Window},
    stepped::{self, Stepped},
    walk::{self, Walked},
};
use crate::{
    StoreError,
    sql::{Cells, Db, Result, Value, hex, int, unhex},
};

/// Rows per page at most, whatever was asked for.
const MAX_PAGE_SIZE: u32 = 500;

/// Matching rows are counted up to here; beyond, the total is an estimate from below.
pub(super) const COUNT_LIMIT: u64 = 10_000;

/// Rows up to which a page that is asked for by its number is looked for in steps.
const WALKED_PAGES: u64 = 1_000;

/// Which list a cursor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    Errors = b'e' as isize,
    Events = b'u' as isize,
    Requests = b'r' as isize,
    Noise = b'n' as isize,
    Audit = b'a' as isize,
    Deliveries = b'd' as isize,
}

/// A place in the order of a list: the last row of the page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) created_at: UnixMillis,
    pub(super) id: i64,
}

/// What a list is read from. The columns to be ordered by are `{alias}.{time}` and `{alias}.id`.
pub(super) struct Source<'a> {
    pub(super) listing: Listing,
    pub(super) columns: &'a str,
    /// Tables and joins that the columns need.
    pub(super) from: &'a str,
    /// Tables and joins that the conditions need.
    pub(super) count_from: &'a str,
    pub(super) alias: &'static str,
    pub(super) time: &'static str,
}

impl Source<'_> {
    /// The condition for a window, and its values.
    fn within(&self, window: Window) -> (String, Vec<Value>) {
        let Source { alias, time, .. } = self;
        let sql = format!("{alias}.{time} >= ? AND {alias}.{time} <= ?");
        (sql, vec![window.first.into(), window.last.into()])
    }
}

/// Rows of a page and what is known about the whole list.
pub(super) struct Slice<T> {
    pub(super) rows: Vec<T>,
    pub(super) total: u64,
    pub(super) total_is_estimate: bool,
    pub(super) page: u32,
    pub(super) page_size: u32,
    pub(super) next_cursor: Option<String>,
}

/// Reads one page. `read` makes an item of a row; `place` tells where it stands.
pub(super) fn slice<T>(
    db: &dyn Db,
    source: &Source<'_>,
    window: Window,
    mut asked: Asked,
    page: &Page,
    read: impl FnMut(&mut Cells<'_>) -> Result<T>,
    place: impl Fn(&T) -> Place,
) -> Result<Slice<T>> {
    let page_size = page.page_size.clamp(1, MAX_PAGE_SIZE);
    let number = page.page.max(1);
    let after = page
        .cursor
        .as_deref()
        .map(|text| read_cursor(text, source.listing, page.sort))
        .transpose()?;
    let offset = match after {
        Some(_) => 0,
        None => u64::from(number - 1) * u64::from(page_size),
    };

    let walk = asked.walk.take();
    let stepped = Stepped::of(db, source.listing, source.columns, &asked, page.sort);
    let mut counted = stepped
        .as_ref()
        .map(|list| list.count(window, stepped::COUNT_TIME))
        .transpose()?;
    let first_rows = match &stepped {
        // Whoever asks for a page by its number gets it in one go, however far that is.
        Some(list) if offset == 0 => Some((list, page_size as usize + 1)),
        _ => None,
    };
    let mut read = read;
    let rows = match first_rows {
        Some((list, most)) => Some(list.page(window, after, most, &mut read)?),
        None => None,
    };
    let conditions = asked.whole();
    let walked = walk.as_ref().map(|walk| Walked {
        db,
        source,
        conditions: &conditions,
        walk,
        sort: page.sort,
        found: std::cell::OnceCell::new(),
    });
    if let Some(walked) = &walked {
        counted = Some(walked.count(window, walk::COUNT_TIME)?);
    }
    let mut rows = match (rows, &walked) {
        (Some(rows), _) => rows,
        (None, Some(walked)) if offset <= WALKED_PAGES => {
            let most = int(offset) as usize + page_size as usize + 1;
            let mut rows = walked.page(window, after, most, &mut read, &place)?;
            rows.drain(..rows.len().min(int(offset) as usize));
            rows
        }
        (None, _) => {
            let (sql, mut values) = page_sql(source, window, &conditions, page.sort, after);
            values.push(Value::Int(i64::from(page_size) + 1));
            values.push(Value::Int(int(offset)));
            db.rows(&sql, &values, read)?
        }
    };
    let has_more = rows.len() > page_size as usize;
    rows.truncate(page_size as usize);
    let next_cursor = rows
        .last()
        .filter(|_| has_more)
        .map(|last| write_cursor(place(last), source.listing, page.sort));

    let (counted, is_whole) = match counted {
        Some(counted) => counted,
        None => (count(db, source, window, &conditions)?, true),
    };
    Ok(Slice {
        rows,
        total: counted.min(COUNT_LIMIT),
        total_is_estimate: counted > COUNT_LIMIT || !is_whole,
        page: number,
        page_size,
        next_cursor,
    })
}

/// How many rows match, counted up to the limit however long that takes; and whether there are more.
pub(super) fn count_whole(
    db: &dyn Db,
    source: &Source<'_>,
    window: Window,
    mut asked: Asked,
) -> Result<(u64, bool)> {
    let walk = asked.walk.take();
    let by_day = match walk {
        Some(_) => None,
        None => Stepped::of(db, source.listing, source.columns, &asked, Sort::Newest)
            .map(|list| list.count(window, Duration::MAX))
            .transpose()?,
    };
    let (counted, is_whole) = match by_day {
        Some(counted) => counted,
        None => {
            let conditions = asked.whole();
            match &walk {
                None => (count(db, source, window, &conditions)?, true),
                Some(walk) => Walked {
                    db,
                    source,
                    conditions: &conditions,
                    walk,
                    sort: Sort::Newest,
                    found: std::cell::OnceCell::new(),
                }
                .count(window, Duration::MAX)?,
            }
        }
    };
    Ok((counted.min(COUNT_LIMIT), counted > COUNT_LIMIT || !is_whole))
}

/// The statement for a page, and its values but for limit and offset. The cursor narrows the window
/// itself, so that a late page starts in the index where the page before ended.
pub(super) fn page_sql(
    source: &Source<'_>,
    window: Window,
    conditions: &Conditions,
    sort: Sort,
    after: Option<Place>,
) -> (String, Vec<Value>) {
    let Source {
        columns,
        from,
        alias,
        time,
        ..
    } = source;
    let (order, beyond, window) = match (sort, after) {
        (Sort::Newest, None) => ("DESC", "<", window),
        (Sort::Newest, Some(at)) => ("DESC", "<", window.up_to(at.created_at)),
        (Sort::Oldest, None) => ("ASC", ">", window),
        (Sort::Oldest, Some(at)) => ("ASC", ">", window.from(at.created_at)),
    };
    let (within, mut values) = source.within(window);
    let mut sql = format!(
        "SELECT {columns} FROM {from} WHERE {within}{}",
        conditions.sql()
    );
    values.extend(conditions.values().iter().cloned());
    if let Some(at) = after {
        sql += &format!(" AND ({alias}.{time} <> ? OR {alias}.id {beyond} ?)");
        values.push(at.created_at.into());
        values.push(at.id.into());
    }
    sql += &format!(" ORDER BY {alias}.{time} {order}, {alias}.id {order} LIMIT ? OFFSET ?");
    (sql, values)
}

/// Matching rows, counted no further than one beyond the limit.
pub(super) fn count(
    db: &dyn Db,
    source: &Source<'_>,
    window: Window,
    conditions: &Conditions,
) -> Result<u64> {
    let (within, mut values) = source.within(window);
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {} WHERE {within}{} LIMIT {}) AS counted",
        source.count_from,
        conditions.sql(),
        COUNT_LIMIT + 1
    );
    values.extend(conditions.values().iter().cloned());
    db.count(&sql, &values)
}

pub(super) fn write_cursor(place: Place, listing: Listing, sort: Sort) -> String {
    let mut bytes = vec![listing as u8, order_mark(sort)];
    bytes.extend(place.created_at.0.to_be_bytes());
    bytes.extend(place.id.to_be_bytes());
    hex(&bytes)
}

fn read_cursor(text: &str, listing: Listing, sort: Sort) -> Result<Place> {
    let bytes = unhex(text).ok_or(StoreError::BadCursor)?;
    let [of, order, rest @ ..] = bytes.as_slice() else {
        return Err(StoreError::BadCursor);
    };
    let rest = <[u8; 16]>::try_from(rest).map_err(|_| StoreError::BadCursor)?;
    if (*of, *order) != (listing as u8, order_mark(sort)) {
        return Err(StoreError::BadCursor);
    }
    let packed = u128::from_be_bytes(rest);
    // Two 64-bit halves, taken apart the way they were put together.
    let (created_at, id) = ((packed >> 64) as u64, packed as u64);
    Ok(Place {
        created_at: UnixMillis(created_at.cast_signed()),
        id: id.cast_signed(),
    })
}

fn order_mark(sort: Sort) -> u8 {
    match sort {
        Sort::Newest => b'-',
        Sort::Oldest => b'+',
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_list_and_order_only() {
        let place = Place {
            created_at: UnixMillis(1_760_000_000_123),
            id: 42,
        };
        let cursor = write_cursor(place, Listing::Errors, Sort::Newest);
        assert_eq!(
            read_cursor(&cursor, Listing::Errors, Sort::Newest).unwrap(),
            place
        );
        assert!(read_cursor(&cursor, Listing::Errors, Sort::Oldest).is_err());
        assert!(read_cursor(&cursor, Listing::Events, Sort::Newest).is_err());
        for bad in [
            "",
            "zz",
            "65",
            &cursor[2..],
            &format!("{cursor}00"),
            "ü",
            &cursor.replace('6', "ü"),
        ] {
            assert!(
                read_cursor(bad, Listing::Errors, Sort::Newest).is_err(),
                "{bad}"
            );
        }
    }
}
