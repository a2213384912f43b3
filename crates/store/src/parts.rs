//! The parts that replay copies share: each is stored once, and a copy is a list of them.
//!
//! Promises: whether a part is there is decided by the database, in the transaction that stores the copy: so no
//! copy is stored without its parts, whatever became of earlier ones. A part stays for as long as any copy has it:
//! [`TOUCH_MS`] is all that `last_used` may lag behind, and retention allows for it.
//!
//! Must not know: what is in a part.

use rusqlite::{Connection, OptionalExtension as _, params};
use waybill_model::{entity::Sealed, record::ReplayPart};

use crate::sql::{Db, Result, values};

/// A part's `last_used` is written anew when it is older than this: a busy conversation names its parts with
/// every failure, and should not write them with every failure.
pub(crate) const TOUCH_MS: i64 = 60_000;

/// More parts than any body has.
const MAX_PARTS: usize = 16 << 20;

/// Stores those parts that are not there, and answers the list of all of them.
pub(crate) fn put(db: &Connection, parts: &[ReplayPart], at: i64) -> rusqlite::Result<Vec<u8>> {
    let mut find = db.prepare_cached("SELECT id, last_used FROM replay_chunks WHERE name = ?1")?;
    let mut touch = db.prepare_cached("UPDATE replay_chunks SET last_used = ?2 WHERE id = ?1")?;
    let mut name =
        db.prepare_cached("INSERT INTO replay_chunks (name, last_used) VALUES (?1, ?2)")?;
    let mut fill =
        db.prepare_cached("INSERT INTO replay_chunk_bytes (id, sealed) VALUES (?1, ?2)")?;
    let mut ids = Vec::with_capacity(parts.len());
    for part in parts {
        let found: Option<(i64, i64)> = find
            .query_row([&part.name()[..]], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let id = match found {
            Some((id, last_used)) => {
                if last_used.saturating_add(TOUCH_MS) < at {
                    touch.execute([id, at])?;
                }
                id
            }
            None => {
                let id = name.insert(params![&part.name()[..], at])?;
                fill.execute(params![id, part.sealed().0])?;
                id
            }
        };
        ids.push(id);
    }
    Ok(write(&ids))
}

/// The parts of a list, in its order; `None` if one of them is not there.
pub(crate) fn get(db: &dyn Db, list: &[u8]) -> Result<Option<Vec<Sealed>>> {
    let Some(runs) = read(list) else {
        return Ok(None);
    };
    let mut parts = Vec::new();
    for (first, length) in runs {
        let last = first.saturating_add(length - 1);
        let run: Vec<Sealed> = db.rows(
            "SELECT sealed FROM replay_chunk_bytes WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
            values![first, last],
            |cells| Ok(Sealed(cells.next()?)),
        )?;
        if run.len() as i64 != length {
            return Ok(None);
        }
        parts.extend(run);
    }
    Ok(Some(parts))
}

/// A list of ids as runs of consecutive ones: parts that came together have ids that follow each other. Of each
/// run, how far it begins from where the one before it ended, and how long it is.
fn write(ids: &[i64]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut expected, mut rest) = (0_i64, ids);
    while let Some(&first) = rest.first() {
        let length = rest
            .iter()
            .zip(first..)
            .take_while(|(id, wanted)| *id == wanted)
            .count()
            .max(1);
        let away = first.wrapping_sub(expected);
        put_number(&mut out, ((away << 1) ^ (away >> 63)) as u64);
        put_number(&mut out, length as u64);
        expected = first.wrapping_add(length as i64);
        rest = &rest[length..];
    }
    out
}

/// What [`write`] wrote: first id and length of each run.
fn read(mut list: &[u8]) -> Option<Vec<(i64, i64)>> {
    let (mut expected, mut all, mut runs) = (0_i64, 0_usize, Vec::new());
    while !list.is_empty() {
        let away = take_number(&mut list)?;
        let away = (away >> 1) as i64 ^ -((away & 1) as i64);
        let length = usize::try_from(take_number(&mut list)?).ok()?;
        all = all.checked_add(length)?;
        if length == 0 || all > MAX_PARTS {
            return None;
        }
        let first = expected.wrapping_add(away);
        runs.push((first, length as i64));
        expected = first.wrapping_add(length as i64);
    }
    Some(runs)
}

/// Seven bits a byte, the lowest first.
fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(list: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = list.split_first()?;
        *list = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn listed(list: &[u8]) -> Vec<i64> {
        let runs = read(list).unwrap().into_iter();
        runs.flat_map(|(first, length)| first..first + length)
            .collect()
    }

    proptest! {
        #[test]
        fn a_list_is_read_as_it_was_written(ids in proptest::collection::vec(0..i64::MAX / 2, 0..50), small in proptest::collection::vec(0..9_i64, 0..50)) {
            prop_assert_eq!(listed(&write(&ids)), ids);
            prop_assert_eq!(listed(&write(&small)), small);
        }

        #[test]
        fn what_is_no_list_is_refused_and_nothing_else_happens(list in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = read(&list);
        }
    }

    #[test]
    fn parts_that_came_together_take_a_few_bytes() {
        let ids: Vec<i64> = (1_000..1_100).chain([7, 2_000]).collect();
        let list = write(&ids);
        assert_eq!((listed(&list), list.len()), (ids, 9));
    }

    #[test]
    fn a_list_beyond_all_bounds_is_refused_before_anything_is_read() {
        assert_eq!(read(&[0, 0xff, 0xff, 0xff, 0xff, 0x0f]), None);
    }
}
