//! The one writer of records: group commit, one fate per record.
//!
//! Promises: never fails and never takes a batch down for one record's sake. Space running out
//! degrades records in steps (body, then details, then a count); what the database refuses by itself
//! is set aside; what cannot be kept is counted. While the database takes no writes at all, records
//! are handed back instead. What goes [`along`] with records is no later on disk than they are, needs
//! no step, and is handed back for want of space, too.
//!
//! It writes to a SQLite file in either set-up: to the embedded store itself ([`home`]), or to the spool
//! in front of a shared one.
//!
//! Must not know: queues, threads. The caller owns the batch and waits.

mod along;
mod home;
mod ledger;
mod target;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use waybill_model::{record::Record, view::NoiseCount};

use self::along::Along;
use crate::{
    Batch, CommitReport, Fate, LossReason, StoreError,
    connections::{Turn, lock},
    sql::Result,
};

pub(crate) use home::{clip, json, ruled_version, spell, summary, text};
pub(crate) use ledger::{Ledger, read_books, read_losses};
pub(crate) use target::{Kind, Target};

/// While space is short, one commit in this many tries to keep more again.
const PROBE_EVERY: u32 = 16;

/// So does the first commit after this long, for where commits are rare.
const PROBE_AFTER: Duration = Duration::from_secs(1);

/// Account events written by one transaction of their own: what one has no room for costs no more.
const EVENTS_ALONE: usize = 256;

/// How much of each record is kept, from the best step down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Whole,
    WithoutBody,
    WithoutDetail,
    CountOnly,
}

impl Step {
    fn less(self) -> Step {
        match self {
            Step::Whole => Step::WithoutBody,
            Step::WithoutBody => Step::WithoutDetail,
            Step::WithoutDetail | Step::CountOnly => Step::CountOnly,
        }
    }

    fn more(self) -> Step {
        match self {
            Step::Whole | Step::WithoutBody => Step::Whole,
            Step::WithoutDetail => Step::WithoutBody,
            Step::CountOnly => Step::WithoutDetail,
        }
    }
}

/// Why a transaction failed, as far as it decides what to do next.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// One of the records is refused whatever else is in the batch.
    Record(String),
    /// No space.
    Space,
    /// The database itself, and what it says: held by another process, unreadable, gone.
    Store(String),
}

/// What a journal shares with the store it was taken from.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// The right to write to the file.
    pub(crate) turn: Arc<Turn>,
    /// Counts not yet written. Held for moments only, never while the disk is written.
    pub(crate) waiting: Mutex<Ledger>,
    journal_taken: AtomicBool,
    /// Something made room: the journal may keep whole records again.
    pub(crate) space_freed: AtomicBool,
}

impl Shared {
    /// Counts records lost before they reached the journal.
    pub(crate) fn count_lost(&self, count: u64, reason: LossReason) {
        if count > 0 {
            lock(&self.waiting).lose_unknown(count, reason);
        }
    }
}

/// The one writer of records. Owned by one thread; dropping it lets another be taken.
#[derive(Debug)]
pub struct Journal {
    connection: Connection,
    kind: Kind,
    shared: Arc<Shared>,
    step: Step,
    commits: u32,
    /// When more than the present step was last tried.
    probed: Instant,
    /// The last transaction failed for the database's own sake; what it said is in the log already.
    failing: bool,
}

impl Journal {
    /// Takes the one journal of a file that `open` opens.
    ///
    /// # Errors
    /// [`StoreError::JournalTaken`] while the journal taken before lives.
    pub(crate) fn take(
        shared: Arc<Shared>,
        kind: Kind,
        open: impl FnOnce() -> Result<Connection>,
    ) -> Result<Journal> {
        if shared.journal_taken.swap(true, Ordering::AcqRel) {
            return Err(StoreError::JournalTaken);
        }
        let connection = open().inspect_err(|_| {
            shared.journal_taken.store(false, Ordering::Release);
        })?;
        Ok(Journal {
            connection,
            kind,
            shared,
            step: Step::Whole,
            commits: 0,
            probed: Instant::now(),
            failing: false,
        })
    }

    /// Writes a batch in one transaction, and says what became of each part, in the batch's order.
    /// Blocks until the commit has the durability the store was opened with. Never fails: what cannot
    /// be written is counted, or [held](Fate::Held) while nothing can be written. An empty batch writes
    /// only what waits to be counted.
    ///
    /// A record whose request id is stored already counts as [`Fate::Stored`] and changes nothing; nor
    /// does an account event whose id is. Events and a replay copy belong to an error row; a record that
    /// has them without one is set aside.
    pub fn commit(&mut self, batch: Batch<'_>) -> CommitReport {
        self.try_for_more();
        let mut along = Along::of(batch);
        let mut fates = Vec::with_capacity(batch.records.len());
        self.settle(batch.records, &mut along, &mut fates);
        if !fates.contains(&Fate::Held) {
            self.write_what_waits(&mut along);
        }
        CommitReport {
            fates,
            account_events: batch.account_events.len() - along.events.len(),
            refused_account_events: along.refused,
            usage: along.usage.is_empty(),
        }
    }

    /// Counts records as lost for a reason of the caller's, who keeps them no longer. Touches memory
    /// only; the next commit, an empty one too, writes it.
    pub fn give_up(&mut self, batch: &[Record], reason: LossReason) {
        let mut waiting = lock(&self.shared.waiting);
        for record in batch {
            waiting.lose(record, reason);
        }
    }

    /// While space is short: whether there is room again is found out by trying.
    fn try_for_more(&mut self) {
        self.commits = self.commits.wrapping_add(1);
        if self.shared.space_freed.swap(false, Ordering::Relaxed) {
            self.step = Step::Whole;
        } else if self.step != Step::Whole
            && (self.commits.is_multiple_of(PROBE_EVERY) || self.probed.elapsed() >= PROBE_AFTER)
        {
            self.step = self.step.more();
            self.probed = Instant::now();
        }
    }

    /// Adds to the counts of refused requests; all of them or, on an error, none.
    pub fn commit_noise(&mut self, counts: &[NoiseCount]) -> Result<()> {
        let _turn = self.shared.turn.take();
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut target = Target::prepare(&self.kind, &tx)?;
        for noise in counts {
            target.noise(noise)?;
        }
        drop(target);
        tx.commit()?;
        Ok(())
    }

    /// Finds each record's fate. Halving isolates a refused record in a few transactions, and at the
    /// last step finds out how many records the remaining space can still take.
    fn settle(&mut self, batch: &[Record], along: &mut Along<'_>, fates: &mut Vec<Fate>) {
        if batch.is_empty() {
            return;
        }
        if self.step == Step::CountOnly {
            self.give_up(batch, LossReason::NoSpace);
            return fates.extend(batch.iter().map(|_| Fate::Lost));
        }
        match (self.write(batch, along), batch) {
            (Ok(written), _) => fates.extend(written),
            (Err(Trouble::Record(reason)), [record]) => fates.push(self.set_aside(record, &reason)),
            (Err(Trouble::Store(_)), _) => fates.extend(batch.iter().map(|_| Fate::Held)),
            (Err(Trouble::Record(_)), _) => self.settle_halves(batch, along, fates),
            (Err(Trouble::Space), [_, _, ..]) if self.step == Step::WithoutDetail => {
                self.settle_halves(batch, along, fates);
            }
            (Err(Trouble::Space), _) => {
                self.step = self.step.less();
                self.probed = Instant::now();
                tracing::warn!(step = ?self.step, "no space for whole records: keeping less of each");
                self.settle(batch, along, fates);
            }
        }
    }

    fn settle_halves(&mut self, batch: &[Record], along: &mut Along<'_>, fates: &mut Vec<Fate>) {
        let (older, newer) = batch.split_at(batch.len() / 2);
        self.settle(older, along, fates);
        if fates.last() == Some(&Fate::Held) {
            // Nothing can be written; finding that out for each part would take that many time-outs.
            return fates.extend(newer.iter().map(|_| Fate::Held));
        }
        self.settle(newer, along, fates);
    }

    /// One transaction: what goes along, all of these records at the current step, and the books.
    fn write(
        &mut self,
        batch: &[Record],
        along: &mut Along<'_>,
    ) -> std::result::Result<Vec<Fate>, Trouble> {
        let step = self.step;
        let (fates, refused) = self.transaction(|target, ledger| {
            let refused = along.write(target)?;
            let mut fates = Vec::with_capacity(batch.len());
            for record in batch {
                let fate = fate_at(step, record);
                if target.record(record, step)? {
                    ledger.delta.due += 1;
                    ledger.delta.stored += 1;
                    ledger.delta.without_body += u64::from(fate == Fate::StoredWithoutBody);
                    ledger.delta.without_detail += u64::from(fate == Fate::StoredWithoutDetail);
                    fates.push(fate);
                } else {
                    fates.push(Fate::Stored);
                }
            }
            Ok((fates, refused))
        })?;
        along.written(refused);
        Ok(fates)
    }

    /// Keeps a summary of a record that the database refused.
    fn set_aside(&mut self, record: &Record, reason: &str) -> Fate {
        tracing::error!(
            reason,
            "the database refused a record; its summary is set aside"
        );
        let kept = self.transaction(|target, ledger| {
            if target.set_aside(record, reason)? {
                ledger.delta.due += 1;
                ledger.delta.stored += 1;
                ledger.delta.set_aside += 1;
            }
            Ok(())
        });
        match kept {
            Ok(()) => Fate::SetAside,
            Err(Trouble::Store(_)) => Fate::Held,
            Err(Trouble::Space | Trouble::Record(_)) => {
                self.give_up(std::slice::from_ref(record), LossReason::StoreFailed);
                Fate::Lost
            }
        }
    }

    /// Writes what no record took along, and counts that wait. Space for all of it, or else for a few
    /// events or the usage, may be left where none is left for a record. What even so cannot be written
    /// stays the caller's; counts go on waiting in memory.
    fn write_what_waits(&mut self, along: &mut Along<'_>) {
        if along.is_empty() && lock(&self.shared.waiting).is_empty() {
            return;
        }
        let written = match self.write_along(along) {
            Err(Trouble::Space) => self.write_piecemeal(along),
            written => written,
        };
        if written.is_err() && !lock(&self.shared.waiting).is_empty() {
            tracing::error!("losses are counted in memory only: the database takes no writes");
        }
    }

    /// Usage adds to rows that are there, so it comes first.
    fn write_piecemeal(&mut self, along: &mut Along<'_>) -> std::result::Result<(), Trouble> {
        let mut usage = along.usage_alone();
        let counted = self.write_along(&mut usage);
        along.usage = usage.usage;
        while !along.events.is_empty() {
            let mut next = along.events_alone(EVENTS_ALONE);
            if self.write_along(&mut next).is_err() {
                break;
            }
            along.events = &along.events[EVENTS_ALONE.min(along.events.len())..];
            along.refused += next.refused;
        }
        counted
    }

    fn write_along(&mut self, along: &mut Along<'_>) -> std::result::Result<(), Trouble> {
        let refused = self.transaction(|target, _| along.write(target))?;
        along.written(refused);
        Ok(())
    }

    /// Runs `work` as [`attempt`](Journal::attempt) does. Trouble with the database itself is logged
    /// when it begins and when it is over.
    fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Target<'_>, &mut Ledger) -> std::result::Result<T, Trouble>,
    ) -> std::result::Result<T, Trouble> {
        let answer = self.attempt(work);
        match (&answer, self.failing) {
            (Err(Trouble::Store(said)), false) => {
                tracing::error!(said, "the database takes no writes: records wait");
            }
            (Ok(_), true) => tracing::info!("the database takes writes again"),
            _ => {}
        }
        self.failing = matches!(answer, Err(Trouble::Store(_)));
        answer
    }

    /// Runs `work` in a transaction together with the books: `work` adds to a fresh ledger, counts
    /// that wait go along, and all of it happens or none.
    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut Target<'_>, &mut Ledger) -> std::result::Result<T, Trouble>,
    ) -> std::result::Result<T, Trouble> {
        let _turn = self.shared.turn.take();
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut ledger = Ledger::default();
        let answer = work(&mut Target::prepare(&self.kind, &tx)?, &mut ledger)?;
        let waited = std::mem::take(&mut *lock(&self.shared.waiting));
        // The lock is not held while the disk is written: counting a loss must never wait for it.
        let written = waited
            .write(&tx)
            .and_then(|()| ledger.write(&tx))
            .and_then(|()| tx.commit());
        if let Err(error) = written {
            lock(&self.shared.waiting).absorb(waited);
            return Err(error.into());
        }
        if let Kind::Spool(numbers) = &self.kind {
            numbers.ring();
        }
        Ok(answer)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.journal_taken.store(false, Ordering::Release);
    }
}

impl Trouble {
    /// Attempts, or a copy to send again, that belong to no error row.
    pub(crate) fn events_without_error() -> Self {
        Trouble::Record("events or a replay copy without an error row".to_owned())
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Trouble::Space,
            Some(
                ErrorCode::ConstraintViolation
                | ErrorCode::TooBig
                | ErrorCode::TypeMismatch
                | ErrorCode::ParameterOutOfRange,
            )
            | None => Trouble::Record(error.to_string()),
            Some(_) => Trouble::Store(error.to_string()),
        }
    }
}

/// The fate a stored record has at a step: the step counts only for records that have what it drops.
fn fate_at(step: Step, record: &Record) -> Fate {
    let has_detail = record.error.is_some();
    let has_body = record.replay.is_some()
        || record
            .error
            .as_ref()
            .is_some_and(|e| e.request_body.is_some());
    match step {
        Step::WithoutDetail if has_detail => Fate::StoredWithoutDetail,
        Step::WithoutBody if has_body => Fate::StoredWithoutBody,
        _ => Fate::Stored,
    }
}
