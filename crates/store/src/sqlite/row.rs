//! Between Rust values and cells: sequential reading, closed words, numbers that may not fit.

use std::{fmt::Write as _, str::FromStr};

use rusqlite::{Row, types::FromSql};
use waybill_model::time::UnixMillis;

use super::Result;
use crate::StoreError;

/// Reads a row's cells in the order they were selected in.
pub(super) struct Cells<'r, 's> {
    row: &'r Row<'s>,
    at: usize,
}

impl<'r, 's> Cells<'r, 's> {
    pub(super) fn of(row: &'r Row<'s>) -> Self {
        Cells { row, at: 0 }
    }

    /// The next cell, as the type it is stored as.
    pub(super) fn next<T: FromSql>(&mut self) -> Result<T> {
        let value = self.row.get(self.at)?;
        self.at += 1;
        Ok(value)
    }

    /// The next cell, a text, without copying it.
    pub(super) fn text(&mut self) -> Result<&'r str> {
        let value = self.row.get_ref(self.at)?;
        self.at += 1;
        value
            .as_str()
            .map_err(|_| StoreError::Unreadable { column: "text" })
    }

    /// The next cell, one of a closed set of words.
    pub(super) fn word<T: FromStr>(&mut self, column: &'static str) -> Result<T> {
        word(self.text()?, column)
    }

    /// The next cell, one of a closed set of words or nothing.
    pub(super) fn optional_word<T: FromStr>(&mut self, column: &'static str) -> Result<Option<T>> {
        let value = self.row.get_ref(self.at)?;
        self.at += 1;
        let text = value
            .as_str_or_null()
            .map_err(|_| StoreError::Unreadable { column })?;
        text.map(|text| word(text, column)).transpose()
    }

    /// The next cell, a JSON text.
    pub(super) fn json<T: serde::de::DeserializeOwned>(
        &mut self,
        column: &'static str,
    ) -> Result<T> {
        serde_json::from_str(self.text()?).map_err(|_| StoreError::Unreadable { column })
    }

    /// The next cell, an instant.
    pub(super) fn time(&mut self) -> Result<UnixMillis> {
        self.next().map(UnixMillis)
    }

    /// The next cell, a number that is never negative.
    pub(super) fn count(&mut self) -> Result<u64> {
        self.next::<i64>()
            .map(|value| u64::try_from(value).unwrap_or(0))
    }

    /// The next cell, such a number or nothing.
    pub(super) fn optional_count(&mut self) -> Result<Option<u64>> {
        Ok(self
            .next::<Option<i64>>()?
            .map(|value| u64::try_from(value).unwrap_or(0)))
    }
}

/// Reads one of a closed set of words.
pub(super) fn word<T: FromStr>(text: &str, column: &'static str) -> Result<T> {
    text.parse().map_err(|_| StoreError::Unreadable { column })
}

/// A count as it is stored. No count here comes near the limit; one that did stays at it.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Reads a count.
pub(super) fn count(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(index)
        .map(|value| u64::try_from(value).unwrap_or(0))
}

/// Bytes as lowercase hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Hex in either case as bytes; `None` if it is not that.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}
