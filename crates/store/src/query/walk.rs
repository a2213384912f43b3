//! How one page of errors, or of attempts, is read from the embedded store where no index alone leads to it:
//!
//! 1. The [`WALK`] rows at the end that was asked for, along an index, are tested one by one: whatever many rows
//!    have fills a page here.
//! 2. Behind them the blocks that have all that is wanted, by time, until no later one can hold a row of the page.
//!
//! A total is counted the same way, for a bounded time.
//!
//! Promises: the same rows in the same order as one statement would give; blocks that are not taken in yet are read
//! row by row.

use std::{
    cell::OnceCell,
    time::{Duration, Instant},
};

use waybill_model::{time::UnixMillis, view::Sort};

use super::{
    condition::{Conditions, Window},
    page::{self, COUNT_LIMIT, Place, Source},
    wanted::Wanted,
};
use crate::{
    blocks::ROWS,
    sql::{Cells, Db, Result, Value, int, values},
};

/// Rows that are tested one by one before blocks are asked for.
const WALK: u64 = 1_000;

/// So many times as many where those say that it fills the page.
const LONGEST_WALK: u64 = 8;

/// Rows that are counted before it is looked how long that took.
const COUNT_STEP: u64 = 500;

/// Counting for a list ends after so long; the total is then an estimate from below.
pub(super) const COUNT_TIME: Duration = Duration::from_millis(5);

/// So many rows are gone through in any case: of a list of as many the total is always known.
const LEAST_COUNTED: u64 = 2_000;

/// One in so many rows: where fewer match, blocks lead to them sooner than an index.
const SPARSE: u64 = 20;

/// With more rows than this that are in no block yet, one statement is as good.
const MOST_LOOSE: i64 = 20_000;

/// Where a list is walked along, and what blocks it wants.
#[derive(Debug)]
pub(super) struct Walk {
    /// The table in the order of an index.
    pub(super) from: String,
    /// What of the conditions that index serves.
    pub(super) along: Conditions,
    /// What a block must have.
    pub(super) wanted: Wanted,
    /// The tables from the side of errors' ids, without and with what only columns need.
    pub(super) by_block: [String; 2],
    /// The column that says in which block a row is.
    pub(super) id: &'static str,
    /// When the rows of a block are from: first and last.
    pub(super) span: [&'static str; 2],
}

/// Ids of errors, and when their rows are from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    ids: (i64, i64),
    first: UnixMillis,
    last: UnixMillis,
}

impl Block {
    fn touches(&self, window: Window) -> bool {
        self.last >= window.first && self.first <= window.last
    }
}

/// A list to be read.
pub(super) struct Walked<'a> {
    pub(super) db: &'a dyn Db,
    pub(super) source: &'a Source<'a>,
    pub(super) conditions: &'a Conditions,
    pub(super) walk: &'a Walk,
    pub(super) sort: Sort,
    /// The blocks that were looked for.
    pub(super) found: OnceCell<Option<Vec<Block>>>,
}

impl Walked<'_> {
    /// The first rows of a window, behind a place if there is one.
    pub(super) fn page<T>(
        &self,
        window: Window,
        after: Option<Place>,
        limit: usize,
        mut read: impl FnMut(&mut Cells<'_>) -> Result<T>,
        place: impl Fn(&T) -> Place,
    ) -> Result<Vec<T>> {
        let window = match (self.sort, after) {
            (_, None) => window,
            (Sort::Newest, Some(at)) => window.up_to(at.created_at),
            (Sort::Oldest, Some(at)) => window.from(at.created_at),
        };
        let mut run = |source: &Source<'_>, conditions: &Conditions, window, most: usize| {
            let (sql, mut values) = page::page_sql(source, window, conditions, self.sort, after);
            values.extend([Value::Int(int(most as u64)), Value::Int(0)]);
            self.db.rows(&sql, &values, &mut read)
        };
        let (mut rows, mut rest, mut length) = (Vec::new(), window, WALK);
        for is_last in [false, true] {
            let Some(boundary) = self.boundary(rest, length)? else {
                rows.extend(run(self.source, self.conditions, rest, limit - rows.len())?);
                return Ok(rows);
            };
            let (near, behind) = self.split(rest, boundary);
            rows.extend(run(self.source, self.conditions, near, limit - rows.len())?);
            rest = behind;
            if rows.len() >= limit {
                return Ok(rows);
            }
            // What as many more as there were have, with some to spare.
            let (found, left) = (rows.len() as u64, (limit - rows.len()) as u64);
            length = (WALK * left * 3 / 2).checked_div(found).unwrap_or(u64::MAX);
            if is_last || length > LONGEST_WALK * WALK {
                break;
            }
        }
        let left = limit - rows.len();
        let Some(blocks) = self.blocks(window)? else {
            rows.extend(run(self.source, self.conditions, rest, left)?);
            return Ok(rows);
        };
        let source = self.from(&self.walk.by_block[1]);
        let mut found: Vec<T> = Vec::new();
        for block in blocks.iter().filter(|block| block.touches(rest)) {
            if let Some(last) = found.get(left - 1)
                && self.is_beyond(block, place(last))
            {
                break;
            }
            let conditions = self.within(*block);
            let more = run(&source, &conditions, rest, left)?;
            if !more.is_empty() {
                found.extend(more);
                found.sort_by_key(|row| {
                    let at = place(row);
                    (at.created_at, at.id)
                });
                if self.sort == Sort::Newest {
                    found.reverse();
                }
                found.truncate(left);
            }
        }
        rows.extend(found);
        Ok(rows)
    }

    /// How many rows match, counted no further than one beyond the limit, for about so long; and whether all were.
    pub(super) fn count(&self, window: Window, time: Duration) -> Result<(u64, bool)> {
        if self.conditions.sql() == self.walk.along.sql() {
            // The index alone.
            let source = self.from(&self.walk.from);
            return Ok((self.count_in(&source, self.conditions, window)?, true));
        }
        let begun = Instant::now();
        let (mut counted, mut walked, mut left) = (0, 0, window);
        loop {
            let Some(boundary) = self.boundary(left, COUNT_STEP)? else {
                counted += self.count_in(self.source, self.conditions, left)?;
                return Ok((counted, true));
            };
            let (near, rest) = self.split(left, boundary);
            counted += self.count_in(self.source, self.conditions, near)?;
            walked += COUNT_STEP;
            left = rest;
            let is_late = walked >= LEAST_COUNTED && begun.elapsed() > time;
            if counted > COUNT_LIMIT || is_late {
                return Ok((counted, false));
            }
            if walked >= WALK
                && counted * SPARSE < walked
                && let Some(blocks) = self.blocks(window)?
            {
                return self.count_blocks(counted, left, blocks, (begun, time));
            }
        }
    }

    fn count_blocks(
        &self,
        mut counted: u64,
        window: Window,
        blocks: &[Block],
        (begun, time): (Instant, Duration),
    ) -> Result<(u64, bool)> {
        let source = self.from(&self.walk.by_block[0]);
        let near = blocks.iter().filter(|block| block.touches(window));
        for (at, block) in near.enumerate() {
            let is_begun = at as i64 * ROWS >= LEAST_COUNTED.cast_signed();
            if counted > COUNT_LIMIT || is_begun && begun.elapsed() > time {
                return Ok((counted, false));
            }
            counted += self.count_in(&source, &self.within(*block), window)?;
        }
        Ok((counted, true))
    }

    fn count_in(
        &self,
        source: &Source<'_>,
        conditions: &Conditions,
        window: Window,
    ) -> Result<u64> {
        page::count(self.db, source, window, conditions)
    }

    /// When the row was written that lies so many rows from the end asked for, along the index.
    fn boundary(&self, window: Window, rows: u64) -> Result<Option<UnixMillis>> {
        let (alias, time) = (self.source.alias, self.source.time);
        let way = match self.sort {
            Sort::Newest => "DESC",
            Sort::Oldest => "ASC",
        };
        let sql = format!(
            "SELECT {alias}.{time} FROM {} WHERE {alias}.{time} >= ? AND {alias}.{time} <= ?{}
             ORDER BY {alias}.{time} {way} LIMIT 1 OFFSET ?",
            self.walk.from,
            self.walk.along.sql(),
        );
        let mut values = values![window.first, window.last].to_vec();
        values.extend_from_slice(self.walk.along.values());
        values.push((rows - 1).into());
        self.db.first(&sql, &values, |cells| cells.time())
    }

    /// What lies before a boundary, itself included, and what behind it.
    fn split(&self, window: Window, boundary: UnixMillis) -> (Window, Window) {
        match self.sort {
            Sort::Newest => (window.from(boundary), window.up_to(boundary.plus_ms(-1))),
            Sort::Oldest => (window.up_to(boundary), window.from(boundary.plus_ms(1))),
        }
    }

    /// The blocks that may have rows of the window that was asked for, in the order in which they are looked at;
    /// `None` where they are of no help. Looked for once.
    fn blocks(&self, window: Window) -> Result<Option<&[Block]>> {
        if self.found.get().is_none() {
            let found = self.look_for_blocks(window)?;
            let _ = self.found.set(found);
        }
        Ok(self.found.get().and_then(|found| found.as_deref()))
    }

    fn look_for_blocks(&self, window: Window) -> Result<Option<Vec<Block>>> {
        let Some(question) = self.walk.wanted.question() else {
            return Ok(None);
        };
        let newest: Option<Option<i64>> = self.db.cell("SELECT max(id) FROM errors", &[])?;
        let taken: Option<Option<i64>> =
            self.db.cell("SELECT max(block) FROM error_blocks", &[])?;
        let loose = taken.flatten().map_or(0, |block| (block + 1) * ROWS);
        if newest.flatten().unwrap_or(0) - loose > MOST_LOOSE {
            return Ok(None);
        }
        // One that has changed since is looked at if what never changes is there. How many those are at most is
        // the care of whoever changes them; to go through them is never more than to go through all rows.
        let lasting = self.walk.wanted.lasting_question();
        let changed = match lasting {
            Some(_) => "block IN (SELECT rowid FROM error_words WHERE error_words MATCH ?4)",
            None => "?4 IS NULL",
        };
        let [first, last] = self.walk.span;
        let sql = format!(
            "SELECT b.block, b.{first}, b.{last} FROM error_blocks b WHERE b.block IN
             (SELECT rowid FROM error_words WHERE error_words MATCH ?1
              UNION SELECT block FROM error_blocks_stale WHERE {changed})
             AND b.{last} >= ?2 AND b.{first} <= ?3"
        );
        let mut blocks = self.db.rows(
            &sql,
            values![question, window.first, window.last, lasting],
            |cells| {
                let id: i64 = cells.next()?;
                Ok(Block {
                    ids: (id * ROWS, id * ROWS + ROWS - 1),
                    first: cells.time()?,
                    last: cells.time()?,
                })
            },
        )?;
        blocks.push(Block {
            ids: (loose, i64::MAX),
            first: UnixMillis(i64::MIN),
            last: UnixMillis(i64::MAX),
        });
        match self.sort {
            Sort::Newest => blocks.sort_by_key(|block| std::cmp::Reverse(block.last)),
            Sort::Oldest => blocks.sort_by_key(|block| block.first),
        }
        Ok(Some(blocks))
    }

    /// Whether no row of a block comes before a place.
    fn is_beyond(&self, block: &Block, place: Place) -> bool {
        match self.sort {
            Sort::Newest => block.last < place.created_at,
            Sort::Oldest => block.first > place.created_at,
        }
    }

    fn from<'s>(&'s self, from: &'s str) -> Source<'s> {
        Source {
            from,
            count_from: from,
            ..*self.source
        }
    }

    fn within(&self, block: Block) -> Conditions {
        let mut conditions = self.conditions.clone();
        let id = self.walk.id;
        conditions.with(
            &format!("{id} >= ? AND {id} <= ?"),
            values![block.ids.0, block.ids.1],
        );
        conditions
    }
}
