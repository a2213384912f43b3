//! Between cells and Rust values: sequential reading, closed words, numbers that may not fit.

use std::{fmt::Write as _, str::FromStr};

use waybill_model::{
    id::{
        AccountEventId, AccountId, AdminTokenId, AdminUserId, ApiKeyId, AuditId, ChannelId,
        ErrorId, EventId, GroupId, NotificationId, ReplayId, RetryId, ScheduleId, UserId,
    },
    money::MicroUsd,
    time::UnixMillis,
};

use super::Result;
use crate::StoreError;

/// What is in a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'r> {
    /// Nothing.
    Null,
    /// A number.
    Int(i64),
    /// Yes or no.
    Flag(bool),
    /// Text.
    Text(&'r str),
    /// Bytes.
    Bytes(&'r [u8]),
}

/// A row, as its database has it.
pub(crate) trait Row {
    /// The cell of the selected column, counted from 0.
    fn cell(&self, at: usize) -> Result<Cell<'_>>;
}

/// Reads a row's cells in the order they were selected in.
pub(crate) struct Cells<'r> {
    row: &'r dyn Row,
    at: usize,
}

impl<'r> Cells<'r> {
    pub(crate) fn of(row: &'r dyn Row) -> Self {
        Cells { row, at: 0 }
    }

    /// The next cell, whatever it holds.
    pub(crate) fn raw(&mut self) -> Result<Cell<'r>> {
        let cell = self.row.cell(self.at)?;
        self.at += 1;
        Ok(cell)
    }

    /// The next cell, as the type it is stored as.
    pub(crate) fn next<T: FromCell>(&mut self) -> Result<T> {
        T::of(self.raw()?).ok_or(StoreError::Unreadable { column: "value" })
    }

    /// The next cell, a text, without copying it.
    pub(crate) fn text(&mut self) -> Result<&'r str> {
        match self.raw()? {
            Cell::Text(text) => Ok(text),
            _ => Err(StoreError::Unreadable { column: "text" }),
        }
    }

    /// The next cell, one of a closed set of words.
    pub(crate) fn word<T: FromStr>(&mut self, column: &'static str) -> Result<T> {
        word(self.text()?, column)
    }

    /// The next cell, one of a closed set of words or nothing.
    pub(crate) fn optional_word<T: FromStr>(&mut self, column: &'static str) -> Result<Option<T>> {
        match self.raw()? {
            Cell::Null => Ok(None),
            Cell::Text(text) => word(text, column).map(Some),
            _ => Err(StoreError::Unreadable { column }),
        }
    }

    /// The next cell, a JSON text.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(
        &mut self,
        column: &'static str,
    ) -> Result<T> {
        serde_json::from_str(self.text()?).map_err(|_| StoreError::Unreadable { column })
    }

    /// The next cell, a JSON text or nothing.
    pub(crate) fn optional_json<T: serde::de::DeserializeOwned>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>> {
        let unreadable = || StoreError::Unreadable { column };
        match self.raw()? {
            Cell::Null => Ok(None),
            Cell::Text(text) => serde_json::from_str(text).map_err(|_| unreadable()),
            _ => Err(unreadable()),
        }
    }

    /// The next cell, an instant.
    pub(crate) fn time(&mut self) -> Result<UnixMillis> {
        self.next()
    }

    /// The next cell, a number that is never negative.
    pub(crate) fn count(&mut self) -> Result<u64> {
        self.next::<i64>()
            .map(|value| u64::try_from(value).unwrap_or(0))
    }

    /// The next cell, such a number or nothing.
    pub(crate) fn optional_count(&mut self) -> Result<Option<u64>> {
        Ok(self
            .next::<Option<i64>>()?
            .map(|value| u64::try_from(value).unwrap_or(0)))
    }
}

/// What can be read from a cell.
pub(crate) trait FromCell: Sized {
    /// The value; `None` if the cell holds something else.
    fn of(cell: Cell<'_>) -> Option<Self>;
}

impl FromCell for i64 {
    fn of(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(number) => Some(number),
            Cell::Null | Cell::Flag(_) | Cell::Text(_) | Cell::Bytes(_) => None,
        }
    }
}

impl FromCell for bool {
    /// SQLite has no flags of its own: 0 and 1 stand for them.
    fn of(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Flag(flag) => Some(flag),
            Cell::Int(number) => Some(number != 0),
            Cell::Null | Cell::Text(_) | Cell::Bytes(_) => None,
        }
    }
}

impl FromCell for String {
    fn of(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.to_owned()),
            Cell::Null | Cell::Int(_) | Cell::Flag(_) | Cell::Bytes(_) => None,
        }
    }
}

impl FromCell for Vec<u8> {
    fn of(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => Some(bytes.to_vec()),
            Cell::Null | Cell::Int(_) | Cell::Flag(_) | Cell::Text(_) => None,
        }
    }
}

impl<const N: usize> FromCell for [u8; N] {
    fn of(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => bytes.try_into().ok(),
            Cell::Null | Cell::Int(_) | Cell::Flag(_) | Cell::Text(_) => None,
        }
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn of(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            some => T::of(some).map(Some),
        }
    }
}

macro_rules! narrow {
    ($($number:ty),*) => {$(
        impl FromCell for $number {
            fn of(cell: Cell<'_>) -> Option<Self> {
                i64::of(cell)?.try_into().ok()
            }
        }
    )*};
}

narrow! { u16, u32, i32 }

macro_rules! wrapped {
    ($($name:ident),*) => {$(
        impl FromCell for $name {
            fn of(cell: Cell<'_>) -> Option<Self> {
                i64::of(cell).map($name)
            }
        }
    )*};
}

wrapped! {
    AccountEventId, AccountId, AdminTokenId, AdminUserId, ApiKeyId, AuditId, ChannelId, ErrorId, EventId, GroupId, NotificationId, ReplayId, RetryId, ScheduleId, UserId, MicroUsd, UnixMillis
}

/// Reads one of a closed set of words.
pub(crate) fn word<T: FromStr>(text: &str, column: &'static str) -> Result<T> {
    text.parse().map_err(|_| StoreError::Unreadable { column })
}

/// A count as it is stored. No count here comes near the limit; one that did stays at it.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Bytes as lowercase hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Hex in either case as bytes; `None` if it is not that.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}
