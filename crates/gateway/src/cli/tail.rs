//! `waybill errors tail`: failures in the order they are written, none missed, none twice.
//!
//! It reads the gateway's live stream. Where that breaks it comes back with the id of the last event, and
//! the gateway goes on behind it.

use std::{
    io::{self, Write},
    time::Duration,
};

use waybill_model::{
    id::ErrorId,
    view::{ErrorLog, MissedErrors, TailBegins},
};

use super::{
    Remote,
    errors::{HEADINGS, Tail, newest, row},
    http::Events,
    table,
};
use crate::ops::filter::{FILTERS, SINCE};

/// Where the stream is.
const PATH: &str = "/ops/stream";

/// As many as may be written while the list of earlier ones is asked for; with more, fewer are shown.
const SPARE: usize = 100;

/// Rest before it comes back.
const REST: Duration = Duration::from_secs(1);

/// How often in a row the gateway may not answer: a restart takes less.
const MAX_MISSES: u32 = 60;

/// Prints what comes, until it is stopped or the gateway stays away.
pub fn run(args: &Tail) -> anyhow::Result<()> {
    let remote = Remote::new(&args.client)?;
    let query = narrowed(args);
    let mut printer = Printer {
        json: args.client.json,
        headed: false,
    };
    // Opened before the list is asked for: what is written in between comes by the stream, and is left out
    // of the list.
    let mut events = remote.events(PATH, &query, None)?;
    let mut place = begin(args, &remote, &mut events, &mut printer)?;
    let mut misses = 0;
    loop {
        let broken = match follow(&mut events, &mut place, &mut misses, &mut printer)? {
            Broke::InOrder => None,
            Broke::With(error) => Some(error),
        };
        say_once(&mut misses, broken)?;
        events = loop {
            std::thread::sleep(REST);
            match remote.events(PATH, &query, Some(&place)) {
                Ok(events) => break events,
                Err(error) => say_once(&mut misses, Some(error))?,
            }
        };
    }
}

/// The filters that the stream takes. A window's end is for the earlier ones, which the list has.
fn narrowed(args: &Tail) -> Vec<(&'static str, String)> {
    let taken = |name: &str| {
        let mut all = SINCE.iter().chain(FILTERS);
        // It says where the list begins; the stream goes on behind the list.
        name != "after_id" && all.any(|parameter| parameter.name == name)
    };
    let mut query = args.filter.pairs();
    query.retain(|(name, _)| taken(name));
    query
}

/// Prints the earlier ones; answers where the stream goes on.
fn begin(
    args: &Tail,
    remote: &Remote,
    events: &mut Events<'_>,
    printer: &mut Printer,
) -> anyhow::Result<String> {
    let hello = events.next()?;
    let hello = hello.ok_or_else(|| anyhow::anyhow!("the gateway stops"))?;
    let begins: TailBegins = serde_json::from_str(&hello.data)?;
    if args.limit > 0 {
        // Those of the newest that arrived, in the order in which they were written.
        let (mut first, _) = newest(remote, &args.filter, args.limit + SPARE)?;
        first.retain(|error| error.id <= begins.after_id);
        first.truncate(args.limit);
        first.sort_by_key(|error| error.id);
        printer.print(&first)?;
    }
    Ok(hello.id.unwrap_or_else(|| begins.after_id.to_string()))
}

/// How a stream ended.
enum Broke {
    InOrder,
    With(anyhow::Error),
}

/// Prints what comes until the stream ends. An error is one of printing.
fn follow(
    events: &mut Events<'_>,
    place: &mut String,
    misses: &mut u32,
    printer: &mut Printer,
) -> anyhow::Result<Broke> {
    loop {
        let mut next = match events.next() {
            Ok(Some(event)) => Some(event),
            Ok(None) => return Ok(Broke::InOrder),
            Err(error) => return Ok(Broke::With(error)),
        };
        *misses = 0;
        // What came together is one table.
        let mut came = Vec::new();
        while let Some(event) = next {
            match event.name.as_str() {
                "error" => came.push(serde_json::from_str(&event.data)?),
                "missed" => {
                    printer.print(&std::mem::take(&mut came))?;
                    eprintln!("waybill: {}", told(&serde_json::from_str(&event.data)?));
                }
                // Its id is all that it says.
                _ => {}
            }
            if let Some(id) = event.id {
                *place = id;
            }
            next = events.ready();
        }
        printer.print(&came)?;
    }
}

fn told(missed: &MissedErrors) -> String {
    let MissedErrors {
        after_id: ErrorId(after),
        up_to_id,
        count,
        count_is_estimate,
    } = missed;
    let at_least = if *count_is_estimate { "at least " } else { "" };
    format!(
        "too slow: {at_least}{count} failures were not shown, those up to id {up_to_id} in \
         `waybill errors list --after-id {after}`"
    )
}

/// Says why a stream is had anew, once until something comes again. An error when it does not come.
fn say_once(misses: &mut u32, broken: Option<anyhow::Error>) -> anyhow::Result<()> {
    let Some(error) = broken else { return Ok(()) };
    if *misses == MAX_MISSES {
        return Err(error);
    }
    if *misses == 0 {
        eprintln!("waybill: {error:#}; trying again");
    }
    *misses += 1;
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_told_with_the_way_to_it() {
        let missed = MissedErrors {
            after_id: ErrorId(7),
            up_to_id: ErrorId(20_000),
            count: 12,
            count_is_estimate: true,
        };
        let told = told(&missed);
        assert!(
            told.contains("at least 12 failures") && told.contains("--after-id 7`"),
            "{told}"
        );
    }
}
