//! The books: counters of where every due record went, and what remains of lost ones.
//!
//! Counters are written in the transaction that stores the records they count. What cannot be
//! written waits in memory and goes along with the next commit. Every delta balances by itself, so
//! any sum of deltas does, whenever the process ends.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use waybill_model::{cause::Cause, record::Record, time::UnixMillis, view::Books};

use crate::{
    LossCount, LossReason,
    sql::{Db, Result, hex, int, word},
};

/// Kinds of loss told apart while nothing can be written; further ones are counted by reason alone.
const MAX_KINDS_IN_MEMORY: usize = 4_096;

/// Counts that are due to be written.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// What to add to the counters.
    pub(crate) delta: Books,
    losses: HashMap<LossKey, Tally>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct LossKey {
    reason: LossReason,
    cause: Option<Cause>,
    fingerprint: Option<[u8; 16]>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: u64,
    first_at: Option<UnixMillis>,
    last_at: Option<UnixMillis>,
}

impl Ledger {
    pub(crate) fn is_empty(&self) -> bool {
        self.delta == Books::default()
    }

    /// Counts records of which nothing is known.
    pub(crate) fn lose_unknown(&mut self, count: u64, reason: LossReason) {
        self.count_lost(
            LossKey {
                reason,
                cause: None,
                fingerprint: None,
            },
            Tally {
                count,
                first_at: None,
                last_at: None,
            },
        );
        self.delta.due += count;
        self.delta.counted_lost += count;
    }

    /// Counts one record that could not be stored.
    pub(crate) fn lose(&mut self, record: &Record, reason: LossReason) {
        let error = record.error.as_deref();
        let at = error
            .map(|e| e.subject.created_at)
            .or(record.request.as_ref().map(|r| r.subject.created_at));
        self.count_lost(
            LossKey {
                reason,
                cause: error.map(|e| e.verdict.cause),
                fingerprint: error.map(|e| e.fingerprint),
            },
            Tally {
                count: 1,
                first_at: at,
                last_at: at,
            },
        );
        self.delta.due += 1;
        self.delta.counted_lost += 1;
    }

    /// Takes over what another ledger holds.
    pub(crate) fn absorb(&mut self, other: Ledger) {
        add(&mut self.delta, &other.delta);
        for (key, tally) in other.losses {
            self.count_lost(key, tally);
        }
    }

    fn count_lost(&mut self, key: LossKey, tally: Tally) {
        let known = self.losses.len() < MAX_KINDS_IN_MEMORY || self.losses.contains_key(&key);
        let key = if known {
            key
        } else {
            LossKey {
                cause: None,
                fingerprint: None,
                ..key
            }
        };
        self.losses.entry(key).or_default().add(&tally);
    }

    /// Adds everything to the tables. The caller's transaction decides whether it happened.
    pub(crate) fn write(&self, db: &Connection) -> rusqlite::Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let Books {
            due,
            stored,
            spooled: _,
            counted_lost,
            without_body,
            without_detail,
            set_aside,
        } = self.delta;
        db.prepare_cached(
            "UPDATE books SET due = due + ?1, stored = stored + ?2, counted_lost = counted_lost + ?3,
             without_body = without_body + ?4, without_detail = without_detail + ?5, set_aside = set_aside + ?6",
        )?
        .execute(params![
            int(due),
            int(stored),
            int(counted_lost),
            int(without_body),
            int(without_detail),
            int(set_aside)
        ])?;
        for (key, tally) in &self.losses {
            db.prepare_cached(
                "INSERT INTO losses (reason, cause, fingerprint, count, first_at, last_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (reason, cause, fingerprint) DO UPDATE SET
                 count = count + excluded.count,
                 first_at = coalesce(min(first_at, excluded.first_at), first_at, excluded.first_at),
                 last_at = coalesce(max(last_at, excluded.last_at), last_at, excluded.last_at)",
            )?
            .execute(params![
                key.reason.as_str(),
                key.cause.map_or("", Cause::as_str),
                key.fingerprint.as_ref().map_or(&[][..], |bytes| &bytes[..]),
                int(tally.count),
                tally.first_at.map(|at| at.0),
                tally.last_at.map(|at| at.0)
            ])?;
        }
        Ok(())
    }

    /// What is written so far, and what waits here.
    pub(crate) fn books(&self, written: &Books) -> Books {
        let mut books = *written;
        add(&mut books, &self.delta);
        books
    }

    /// The losses written so far, and those that wait here.
    pub(crate) fn losses(&self, db: &dyn Db) -> Result<Vec<LossCount>> {
        let mut all = read(db, LOSSES)?;
        for (key, tally) in &self.losses {
            all.entry(*key).or_default().add(tally);
        }
        Ok(listed(all))
    }
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.count += other.count;
        self.first_at = [self.first_at, other.first_at].into_iter().flatten().min();
        self.last_at = self.last_at.max(other.last_at);
    }
}

/// The counters as written.
pub(crate) fn read_books(db: &dyn Db) -> Result<Books> {
    let sql =
        "SELECT due, stored, counted_lost, without_body, without_detail, set_aside FROM books";
    let books = db.first(sql, &[], |cells| {
        Ok(Books {
            due: cells.count()?,
            stored: cells.count()?,
            spooled: 0,
            counted_lost: cells.count()?,
            without_body: cells.count()?,
            without_detail: cells.count()?,
            set_aside: cells.count()?,
        })
    })?;
    Ok(books.unwrap_or_default())
}

const LOSSES: &str = "SELECT reason, cause, fingerprint, count, first_at, last_at FROM losses";

/// The losses that a question finds, most frequent first.
pub(crate) fn read_losses(db: &dyn Db, sql: &str) -> Result<Vec<LossCount>> {
    read(db, sql).map(listed)
}

fn listed(losses: HashMap<LossKey, Tally>) -> Vec<LossCount> {
    let mut list: Vec<LossCount> = losses
        .into_iter()
        .map(|(key, tally)| LossCount {
            reason: key.reason,
            fingerprint: key.fingerprint.map(|bytes| hex(&bytes)),
            cause: key.cause,
            count: tally.count,
            first_at: tally.first_at,
            last_at: tally.last_at,
        })
        .collect();
    list.sort_by(|a, b| {
        b.count
            .cmp(&a.count)
            .then_with(|| a.fingerprint.cmp(&b.fingerprint))
    });
    list
}

fn read(db: &dyn Db, sql: &str) -> Result<HashMap<LossKey, Tally>> {
    let losses = db.rows(sql, &[], |cells| {
        let key = LossKey {
            reason: cells.word("reason")?,
            cause: match cells.text()? {
                "" => None,
                text => Some(word(text, "cause")?),
            },
            fingerprint: cells.next::<Vec<u8>>()?.try_into().ok(),
        };
        let tally = Tally {
            count: cells.count()?,
            first_at: cells.next()?,
            last_at: cells.next()?,
        };
        Ok((key, tally))
    })?;
    Ok(losses.into_iter().collect())
}

fn add(sum: &mut Books, delta: &Books) {
    let Books {
        due,
        stored,
        spooled,
        counted_lost,
        without_body,
        without_detail,
        set_aside,
    } = *delta;
    sum.due += due;
    sum.stored += stored;
    sum.spooled += spooled;
    sum.counted_lost += counted_lost;
    sum.without_body += without_body;
    sum.without_detail += without_detail;
    sum.set_aside += set_aside;
}
