//! Where a journal writes: rows of the embedded store, or a spool.

use rusqlite::Connection;
use waybill_model::{
    limits::UsageCount,
    record::{AccountEventRow, Record},
    view::NoiseCount,
};

use super::{
    Step, Trouble, along,
    home::{self, Inserts},
};
use crate::spool::{Appends, Numbers};

/// What a journal's file is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// The embedded store.
    Home,
    /// A spool, and the numbers of what is put into it.
    Spool(Numbers),
}

/// The statements of one transaction.
pub(crate) enum Target<'c> {
    Home(Box<Inserts<'c>>),
    Spool(Appends<'c>),
}

impl<'c> Target<'c> {
    pub(super) fn prepare(kind: &'c Kind, db: &'c Connection) -> rusqlite::Result<Self> {
        Ok(match kind {
            Kind::Home => Target::Home(Box::new(Inserts::prepare(db)?)),
            Kind::Spool(numbers) => Target::Spool(Appends::prepare(db, numbers)?),
        })
    }

    /// Writes a record as far as `step` lets it; `false` if it was stored before.
    pub(super) fn record(&mut self, record: &Record, step: Step) -> Result<bool, Trouble> {
        match self {
            Target::Home(inserts) => inserts.record(record, step),
            Target::Spool(appends) => appends.record(record, step).map(|()| true),
        }
    }

    /// Writes an event; one that is stored already changes nothing.
    pub(super) fn account_event(&mut self, event: &AccountEventRow) -> rusqlite::Result<()> {
        match self {
            Target::Home(inserts) => along::insert(inserts.db, event),
            Target::Spool(appends) => appends.account_event(event),
        }
    }

    /// Adds a count.
    pub(super) fn usage(&mut self, count: &UsageCount) -> rusqlite::Result<()> {
        match self {
            Target::Home(inserts) => along::add(inserts.db, count),
            Target::Spool(appends) => appends.usage(count),
        }
    }

    /// Adds to a count of refused requests.
    pub(super) fn noise(&mut self, noise: &NoiseCount) -> rusqlite::Result<()> {
        match self {
            Target::Home(inserts) => home::noise(inserts.db, noise),
            Target::Spool(appends) => appends.noise(noise),
        }
    }

    /// Keeps the main facts of a refused record; `false` if they were kept before.
    pub(super) fn set_aside(&mut self, record: &Record, reason: &str) -> Result<bool, Trouble> {
        match self {
            Target::Home(inserts) => home::set_aside(inserts.db, record, reason),
            Target::Spool(appends) => appends.set_aside(record, reason).map(|()| true),
        }
    }
}
