//! `waybill errors tail`: failures in the order they are written, none missed, none twice.
//!
//! A request that ran for an hour is written when it fails, long after younger ones: so what is new
//! is told by the row's id, not by the time of arrival.

use std::{
    io::{self, Write},
    time::Duration,
};

use waybill_model::{
    id::ErrorId,
    view::{ErrorLog, ErrorLogList},
};

use super::{
    Remote,
    errors::{HEADINGS, PATH, Tail, newest, row},
    flags::FilterFlags,
    table,
};
use crate::ops::filter::MAX_PAGE_SIZE;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(1);

/// How often in a row the gateway may not answer: a restart takes less.
const MAX_MISSES: u32 = 60;

/// Prints what comes, until it is stopped or the gateway stays away.
pub fn run(args: &Tail) -> anyhow::Result<()> {
    let remote = Remote::new(&args.client)?;
    // What was written before the youngest of these is past; the rest is new.
    let (mut first, _) = newest(&remote, &args.filter, MAX_PAGE_SIZE as usize)?;
    let mut last = first
        .iter()
        .map(|error| error.id)
        .fold(ErrorId(0), ErrorId::max);
    first.truncate(args.limit);
    first.sort_by_key(|error| error.id);
    let mut printer = Printer {
        json: args.client.json,
        headed: false,
    };
    printer.print(&first)?;
    let mut misses = 0;
    loop {
        std::thread::sleep(EVERY);
        match written_after(&remote, &args.filter, last) {
            Ok(new) => {
                misses = 0;
                last = new.iter().map(|error| error.id).fold(last, ErrorId::max);
                printer.print(&new)?;
            }
            Err(error) if misses == MAX_MISSES => return Err(error),
            Err(error) => {
                if misses == 0 {
                    eprintln!("waybill: {error:#}; trying again");
                }
                misses += 1;
            }
        }
    }
}

/// Failures written after `last`, in the order they were written.
fn written_after(
    remote: &Remote,
    filter: &FilterFlags,
    last: ErrorId,
) -> anyhow::Result<Vec<ErrorLog>> {
    let mut query = filter.pairs();
    query.retain(|(name, _)| *name != "after_id");
    query.push(("after_id", last.to_string()));
    query.push(("sort", "created_at".to_owned()));
    query.push(("page_size", MAX_PAGE_SIZE.to_string()));
    let mut new: Vec<ErrorLog> = Vec::new();
    loop {
        let page: ErrorLogList = remote.get(PATH, &query)?;
        new.extend(page.errors);
        query.retain(|(name, _)| *name != "cursor");
        match page.next_cursor {
            Some(cursor) => query.push(("cursor", cursor)),
            None => break,
        }
    }
    new.sort_by_key(|error| error.id);
    new.dedup_by_key(|error| error.id);
    Ok(new)
}

struct Printer {
    json: bool,
    headed: bool,
}

impl Printer {
    /// JSON goes one object per line; text has its headings once.
    fn print(&mut self, errors: &[ErrorLog]) -> anyhow::Result<()> {
        if errors.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        if self.json {
            for error in errors {
                writeln!(out, "{}", serde_json::to_string(error)?)?;
            }
        } else {
            let headings = if self.headed { &[][..] } else { HEADINGS };
            table::write(
                &mut out,
                headings,
                &errors.iter().map(row).collect::<Vec<_>>(),
                table::colours(),
            )?;
            self.headed = true;
        }
        out.flush()?;
        Ok(())
    }
}
