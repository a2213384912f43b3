//! Failures that are judged anew count as they are judged, in the transaction that judges them.
//!
//! What the failures count before and after is added up by the same code as everything else; the difference is
//! added to the roll-ups that they are in. So numbers and lists change together, also where requests have gone by
//! age.

use std::collections::BTreeMap;

use waybill_model::{rollup::Why, time::UnixMillis};

use super::{
    fold::Folded,
    read::{self, Models, Read},
    tally::{Pick, Place, Spans, Sum, Tally},
    write::{self, Change, Kept},
};
use crate::sql::{Db, Result};

/// An error that is about to be judged anew: its request, and when that arrived.
pub(crate) struct Judged {
    pub(crate) request_id: String,
    pub(crate) at: UnixMillis,
}

/// Makes a change of errors' verdicts, and lets roll-ups follow.
pub(crate) fn around(
    db: &dyn Db,
    errors: &[Judged],
    change: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let folded = Folded::load(db)?;
    if errors.is_empty() || folded.to == 0 {
        return change();
    }
    let mut models = Models::default();
    let before = counted(read::of_errors(db, errors, &mut models)?, &folded);
    change()?;
    let after = counted(read::of_errors(db, errors, &mut models)?, &folded);
    // Whoever has read a batch and not written it yet reads it anew.
    db.execute(
        "UPDATE rollup_fold SET judgements = judgements + 1 WHERE id = 1",
        &[],
    )?;
    let kept = Kept::load(db)?;
    for (place, changes) in differences(before, after) {
        if place.begin < kept.from(place.length) {
            continue;
        }
        for (value, change) in changes {
            write::change(db, place, &value, &change)?;
        }
    }
    Ok(())
}

/// What requests count that are folded. What is not will be folded as it is judged then.
fn counted(rows: Vec<Read>, folded: &Folded) -> Spans {
    let mut tally = Tally::of(Pick::Every);
    let is_folded = |row: &&Read| match row.id {
        // It has gone by age; before roll-ups began, it was never folded.
        0 => row.seen.at >= folded.oldest_at,
        id => id <= folded.to,
    };
    let counted = rows.iter().filter(|row| !row.is_replay).filter(is_folded);
    counted.for_each(|row| tally.add(&row.seen));
    tally.spans()
}

type Changes = BTreeMap<Place, BTreeMap<String, Change>>;

fn differences(before: Spans, mut after: Spans) -> Changes {
    let mut changes: Changes = BTreeMap::new();
    for (place, mut olds) in before {
        let mut news = after.remove(&place).unwrap_or_default();
        let mut values: Vec<String> = olds.keys().chain(news.keys()).cloned().collect();
        values.sort_unstable();
        values.dedup();
        for value in values {
            let old = olds.remove(&value).unwrap_or_default();
            let new = news.remove(&value).unwrap_or_default();
            if let Some(change) = difference(&old, &new) {
                changes.entry(place).or_default().insert(value, change);
            }
        }
    }
    changes
}

/// What was measured stays: only how it counts is another.
fn difference(old: &Sum, new: &Sum) -> Option<Change> {
    let minus = |new: u64, old: u64| {
        i64::try_from(new).unwrap_or(i64::MAX) - i64::try_from(old).unwrap_or(i64::MAX)
    };
    let counts: Vec<i64> = new
        .counts
        .values()
        .zip(old.counts.values())
        .map(|(new, old)| minus(new, old))
        .collect();
    let mut causes: BTreeMap<Why, i64> = BTreeMap::new();
    for (why, count) in &new.causes {
        *causes.entry(*why).or_default() += minus(*count, 0);
    }
    for (why, count) in &old.causes {
        *causes.entry(*why).or_default() -= minus(*count, 0);
    }
    causes.retain(|_, count| *count != 0);
    let is_same = causes.is_empty() && counts.iter().all(|count| *count == 0);
    (!is_same).then_some(Change { counts, causes })
}
