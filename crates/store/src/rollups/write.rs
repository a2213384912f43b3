//! Adding sums to what is there.

use std::collections::{BTreeMap, HashMap};

use waybill_model::{
    rollup::{Counts, Measure, Sketches, Why},
    sketch::Sketch,
    time::UnixMillis,
};

use super::{
    LENGTHS, Length, ROWS_KEY,
    tally::{Place, Spans, Sum},
};
use crate::{
    StoreError,
    sql::{Cells, Db, Dialect, Result, Value, values},
};

/// Values that are looked up at once.
const LOOKED_UP: usize = 50;

/// Rows of one statement in the shared store, where every statement is a way there and back.
const ROWS: usize = 32;

/// From when on roll-ups of each length are whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    lengths: [i64; LENGTHS.len()],
    rows: i64,
}

impl Kept {
    pub(super) fn load(db: &dyn Db) -> Result<Kept> {
        let mut all = Kept {
            lengths: [i64::MIN; LENGTHS.len()],
            rows: i64::MIN,
        };
        db.each(
            "SELECT span_ms, kept_from FROM rollup_kept",
            &[],
            &mut |cells| {
                let (key, from): (i64, i64) = (cells.next()?, cells.next()?);
                if key == ROWS_KEY {
                    all.rows = from;
                }
                for (length, kept) in LENGTHS.iter().zip(&mut all.lengths) {
                    if length.key() == key {
                        *kept = from;
                    }
                }
                Ok(())
            },
        )?;
        Ok(all)
    }

    /// From when on the rows of requests are all there.
    pub(super) fn rows_from(&self) -> UnixMillis {
        UnixMillis(self.rows)
    }

    /// The first instant from which on those of a length are all there.
    pub(super) fn from(&self, length: Length) -> UnixMillis {
        let place = LENGTHS.iter().position(|one| *one == length);
        UnixMillis(place.map_or(i64::MIN, |place| self.lengths[place]))
    }
}

/// Adds sums. What is too old to be kept by some length is not added to it: what was there has gone, and a part of
/// it would pass for the whole.
pub(super) fn add(db: &dyn Db, spans: &Spans, kept: &Kept) -> Result<()> {
    for (place, sums) in spans {
        if place.begin >= kept.from(place.length) {
            add_sums(db, *place, sums)?;
        }
    }
    Ok(())
}

/// What changes of one roll-up.
pub(super) struct Change {
    /// In the order of [`Counts`].
    pub(super) counts: Vec<i64>,
    pub(super) causes: BTreeMap<Why, i64>,
}

/// Changes a roll-up; one that is not there is left alone.
pub(super) fn change(db: &dyn Db, place: Place, value: &str, change: &Change) -> Result<()> {
    // Few of them change: the statement names all, so that there is one.
    let set: Vec<String> = Counts::NAMES
        .iter()
        .map(|name| format!("{name} = {name} + ?"))
        .collect();
    let sql = format!(
        "UPDATE rollups SET {} WHERE span_ms = ? AND facet = ? AND begins_at = ? AND value = ? AND generation = ?",
        set.join(", ")
    );
    let mut values: Vec<Value> = change
        .counts
        .iter()
        .map(|count| Value::from(*count))
        .collect();
    values.extend(place.key(value));
    if db.execute(&sql, &values)? == 0 {
        return Ok(());
    }
    let rows = change.causes.iter();
    let rows = rows.map(|(why, count)| cause_row(place, value, why, Value::from(*count)));
    upsert(
        db,
        "rollup_causes",
        CAUSE_KEY,
        &["count"],
        &[],
        rows.collect(),
    )
}

fn cause_row(place: Place, value: &str, why: &Why, count: Value) -> Vec<Value> {
    let mut row: Vec<Value> = place.key(value).into();
    row.extend([
        Value::from(why.side.as_str()),
        Value::from(why.cause.as_str()),
        Value::from(why.phase.as_str()),
        Value::from(why.owner.as_str()),
        Value::from(i64::from(why.is_business_limited)),
        Value::from(why.status),
        count,
    ]);
    row
}

/// The one generation that there is: none is made beside it.
const GENERATION: i64 = 0;

impl Place {
    fn key(&self, value: &str) -> [Value; 5] {
        [
            Value::from(self.length.key()),
            Value::from(self.name.text()),
            Value::from(self.begin),
            Value::from(value),
            Value::from(GENERATION),
        ]
    }
}

const KEY: &str = "span_ms, facet, begins_at, value, generation";

const CAUSE_KEY: &str = "span_ms, facet, begins_at, value, generation, side, cause, phase, owner, \
    is_business_limited, status";

fn add_sums(db: &dyn Db, place: Place, sums: &BTreeMap<String, Sum>) -> Result<()> {
    let there = sketches(db, place, sums)?;
    let mut rows = Vec::with_capacity(sums.len());
    let mut causes = Vec::new();
    for (value, sum) in sums {
        let mut row: Vec<Value> = place.key(value).into();
        row.extend(sum.counts.values().map(Value::from));
        match there.get(value) {
            None => row.extend(sum.sketches.all().map(bytes)),
            Some(there) => {
                let mut whole = there.clone();
                whole.merge(&sum.sketches);
                row.extend(whole.all().map(bytes));
            }
        }
        rows.push(row);
        for (why, count) in &sum.causes {
            causes.push(cause_row(place, value, why, Value::from(*count)));
        }
    }
    upsert(db, "rollups", KEY, Counts::NAMES, Sketches::NAMES, rows)?;
    upsert(db, "rollup_causes", CAUSE_KEY, &["count"], &[], causes)
}

fn bytes(sketch: &Sketch) -> Value {
    match sketch.is_empty() {
        true => Value::Null,
        false => Value::Bytes(sketch.to_bytes()),
    }
}

/// The sketches of values that are there already.
fn sketches(
    db: &dyn Db,
    place: Place,
    sums: &BTreeMap<String, Sum>,
) -> Result<HashMap<String, Sketches>> {
    let names = Sketches::NAMES.join(", ");
    let mut there = HashMap::new();
    let values: Vec<&String> = sums.keys().collect();
    for chunk in values.chunks(LOOKED_UP) {
        // Of few lengths, so that statements are prepared once.
        let length = if chunk.len() == 1 { 1 } else { LOOKED_UP };
        let places = vec!["?"; length].join(", ");
        let sql = format!(
            "SELECT value, {names} FROM rollups WHERE span_ms = ? AND facet = ? AND begins_at = ?
             AND generation = ? AND value IN ({places})"
        );
        let mut asked: Vec<Value> = values![
            place.length.key(),
            place.name.text(),
            place.begin,
            GENERATION
        ]
        .into();
        let last = chunk.last().copied();
        let padded = chunk
            .iter()
            .copied()
            .chain(std::iter::repeat_n(last, length).flatten());
        asked.extend(padded.take(length).map(Value::from));
        db.each(&sql, &asked, &mut |cells| {
            there.insert(cells.next()?, read_sketches(cells, Measure::ALL)?);
            Ok(())
        })?;
    }
    Ok(there)
}

/// The next cells, as these sketches.
pub(super) fn read_sketches(cells: &mut Cells<'_>, measures: &[Measure]) -> Result<Sketches> {
    let mut sketches = Sketches::default();
    for measure in measures {
        if let Some(bytes) = cells.next::<Option<Vec<u8>>>()? {
            *sketches.get_mut(*measure) = Sketch::from_bytes(&bytes)
                .map_err(|_| StoreError::Unreadable { column: "sketch" })?;
        }
    }
    Ok(sketches)
}

/// Writes rows: adds to what is counted, replaces what is not.
fn upsert(
    db: &dyn Db,
    table: &str,
    key: &str,
    counted: &[&str],
    replaced: &[&str],
    rows: Vec<Vec<Value>>,
) -> Result<()> {
    let counted_sql = counted
        .iter()
        .map(|name| format!("{name} = {table}.{name} + excluded.{name}"));
    let replaced_sql = replaced
        .iter()
        .map(|name| format!("{name} = excluded.{name}"));
    let set: Vec<String> = counted_sql.chain(replaced_sql).collect();
    let set = set.join(", ");
    let all: Vec<&str> = std::iter::once(key)
        .chain(counted.iter().copied())
        .chain(replaced.iter().copied())
        .collect();
    let all = all.join(", ");
    let most = match db.dialect() {
        Dialect::Sqlite => 1,
        Dialect::Postgres => ROWS,
    };
    let mut rest = rows.as_slice();
    while let Some(first) = rest.first() {
        // Halves, so that there are few statements to prepare.
        let mut some = most;
        while some > rest.len() {
            some /= 2;
        }
        let (now, later) = rest.split_at(some);
        let row = format!("({})", vec!["?"; first.len()].join(", "));
        let sql = format!(
            "INSERT INTO {table} ({all}) VALUES {} ON CONFLICT ({key}) DO UPDATE SET {set}",
            vec![row.as_str(); some].join(", ")
        );
        db.execute(&sql, &now.concat())?;
        rest = later;
    }
    Ok(())
}
