//! Folding: a batch of errors is read, added up in memory, and written with how far the errors are folded.

use std::collections::{HashMap, HashSet};

use waybill_model::{
    fingerprint::template_without,
    issue::{IssueState, RuleBody, Settings, Why, issue_of},
    time::UnixMillis,
};

use super::{
    judged::verdict_now,
    row::{self, Row},
    rules,
    tally::{Count, Failure, Key, Kind, MemberCount, SORTS, Tally, tally},
};
use crate::{
    Store,
    classification::found,
    sql::{Cells, Db, Result, values},
};

/// Errors of one batch: some milliseconds of writing.
const BATCH: i64 = 5_000;

/// Members of one sort that an issue tells apart.
const MOST_MEMBERS: u64 = 100;

/// Issues that are looked at in one go because of the time.
const LOOKS: i64 = 200;

/// What one batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FoldReport {
    /// Errors that were folded for the first time.
    pub folded: u64,
    /// Errors that were counted anew because of a rule.
    pub recounted: u64,
    /// States that changed.
    pub transitions: u64,
    /// Whether there may be more to do at once.
    pub more: bool,
}

/// Where the fold is, and by which rules.
#[derive(Debug, Clone)]
struct Place {
    folded_to: i64,
    recounted_to: i64,
    recount_end: i64,
    rules_version: i64,
    rules: Vec<RuleBody>,
}

/// A batch that was read: from where on, up to where.
struct Batch {
    place: Place,
    to: i64,
    is_recount: bool,
    count: u64,
    kinds: HashMap<Key, Kind>,
    new_kinds: Vec<Kind>,
    failures: Vec<Failure>,
    is_full: bool,
}

impl Store {
    /// Folds one batch of errors into issues, and makes the changes of state that are due at `now`. Whoever else
    /// folds at the same time does so in vain: a batch counts once.
    pub async fn fold_issues(&self, settings: Settings, now: UnixMillis) -> Result<FoldReport> {
        let batch = self.quick_reader(read_batch).await?;
        let mut report = FoldReport::default();
        let mut is_behind = false;
        if let Some(batch) = batch {
            let (count, is_recount) = (batch.count, batch.is_recount);
            is_behind = batch.is_full;
            report.more = true;
            let made = self
                .quick_desk()
                .change(move |db| write_batch(db, batch, &settings, now))
                .await?;
            if let Some(transitions) = made {
                report.transitions += transitions;
                match is_recount {
                    true => report.recounted += count,
                    false => report.folded += count,
                }
            }
        }
        // What time says of an issue waits until all of its failures are counted: those that are not might be younger.
        if is_behind {
            return Ok(report);
        }
        let due = self.quick_reader(move |db| due(db, now)).await?;
        if !due.is_empty() {
            report.more |= due.len() as i64 >= LOOKS;
            report.transitions += self
                .quick_desk()
                .change(move |db| look(db, &due, &settings, now))
                .await?;
        }
        Ok(report)
    }

    async fn quick_reader<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.run(question).await
    }
}

fn place(db: &dyn Db) -> Result<Place> {
    let found = db.first(
        "SELECT folded_to, recounted_to, recount_end, rules_version FROM issue_fold WHERE id = 1",
        &[],
        |cells| {
            Ok(Place {
                folded_to: cells.next()?,
                recounted_to: cells.next()?,
                recount_end: cells.next()?,
                rules_version: cells.next()?,
                rules: Vec::new(),
            })
        },
    )?;
    let mut place = found.unwrap_or(Place {
        folded_to: 0,
        recounted_to: 0,
        recount_end: 0,
        rules_version: 0,
        rules: Vec::new(),
    });
    place.rules = rules::bodies(db)?;
    Ok(place)
}

/// In the order [`read_failure`] reads them.
const COLUMNS: &str = "e.id, e.created_at, e.fingerprint, e.recovered, e.owner, e.severity, e.user_id, e.user_name, \
    e.api_key_id, e.api_key_name, e.account_id, e.account_name, e.model, e.group_id, e.group_name, e.replay_of";

fn read_batch(db: &dyn Db) -> Result<Option<Batch>> {
    let place = place(db)?;
    // What is new comes first; what is counted anew goes on whenever nothing is.
    for is_recount in [false, true] {
        let (from, end) = match is_recount {
            false => (place.folded_to, i64::MAX),
            true => (place.recounted_to, place.recount_end),
        };
        if from >= end {
            continue;
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM {} WHERE e.id > ?1 AND e.id <= ?2 ORDER BY e.id LIMIT {BATCH}",
            db.dialect().by_id("errors", "e")
        );
        let mut failures = db.rows(&sql, values![from, end], read_failure)?;
        let is_full = failures.len() as i64 >= BATCH;
        let Some(last) = failures.last().map(|failure| failure.id) else {
            if is_recount {
                // Its errors are gone: it ends here.
                return Ok(Some(Batch {
                    to: end,
                    is_recount,
                    count: 0,
                    kinds: HashMap::new(),
                    new_kinds: Vec::new(),
                    failures,
                    is_full,
                    place,
                }));
            }
            continue;
        };
        let is_full = is_full && last < end;
        let mut kinds = HashMap::new();
        // What an operator sent again is nobody's failure.
        failures.retain(|failure| !failure.is_replay);
        if is_recount {
            let recounting = recounting(db)?;
            failures.retain(|failure| recounting.contains(&failure.fingerprint));
        }
        let mut new_kinds = Vec::new();
        for failure in &failures {
            if kinds.contains_key(&failure.fingerprint) {
                continue;
            }
            let kind = match known_kind(db, failure.fingerprint)? {
                Some(kind) => kind,
                None => {
                    let Some(kind) = new_kind(db, failure)? else {
                        continue;
                    };
                    new_kinds.push(kind.clone());
                    kind
                }
            };
            kinds.insert(failure.fingerprint, kind);
        }
        return Ok(Some(Batch {
            to: if is_recount && !is_full { end } else { last },
            is_recount,
            count: failures.len() as u64,
            kinds,
            new_kinds,
            failures,
            is_full,
            place,
        }));
    }
    Ok(None)
}

fn read_failure(cells: &mut Cells<'_>) -> Result<Failure> {
    let mut failure = Failure {
        id: cells.next()?,
        at: cells.time()?,
        fingerprint: cells.next()?,
        hidden: cells.next()?,
        owner: cells.word("owner")?,
        severity: cells.word("severity")?,
        members: Default::default(),
        is_replay: false,
    };
    for sort in [0, 1, 2, 3, 4] {
        failure.members[sort] = if sort == 3 {
            let model: Option<String> = cells.next()?;
            model.map(|model| (model, None))
        } else {
            let id: Option<i64> = cells.next()?;
            let name: Option<String> = cells.next()?;
            id.map(|id| (id.to_string(), name))
        };
    }
    failure.is_replay = cells.next::<Option<i64>>()?.is_some();
    Ok(failure)
}

fn recounting(db: &dyn Db) -> Result<HashSet<Key>> {
    let sql = "SELECT fingerprint FROM issue_kinds WHERE recounting = 1";
    Ok(db
        .rows(sql, &[], |cells| cells.next())?
        .into_iter()
        .collect())
}

/// In the order [`read_kind`] reads them; `k` is the table of kinds.
pub(super) const KIND_COLUMNS: &str =
    "k.fingerprint, k.platform, k.phase, k.cause, k.status_code, k.provider_code, k.title";

pub(super) fn read_kind(cells: &mut Cells<'_>) -> Result<Kind> {
    Ok(Kind {
        fingerprint: cells.next()?,
        platform: cells.word("platform")?,
        phase: cells.word("phase")?,
        cause: cells.word("cause")?,
        status_code: cells.next()?,
        provider_code: cells.next()?,
        title: cells.next()?,
    })
}

fn known_kind(db: &dyn Db, fingerprint: Key) -> Result<Option<Kind>> {
    let sql = format!("SELECT {KIND_COLUMNS} FROM issue_kinds k WHERE k.fingerprint = ?1");
    db.first(&sql, values![fingerprint.as_slice()], read_kind)
}

/// What a failure of a kind not met before stands for: read from its row and its last failed attempt.
fn new_kind(db: &dyn Db, failure: &Failure) -> Result<Option<Kind>> {
    let attempt: Option<(Option<String>, Option<String>)> = db.first(
        "SELECT name, model FROM upstream_events WHERE error_id = ?1 ORDER BY id DESC LIMIT 1",
        values![failure.id],
        |cells| Ok((cells.next()?, cells.next()?)),
    )?;
    let (provider_code, sent) = attempt.unwrap_or_default();
    db.first(
        "SELECT platform, phase, cause, found, upstream_status_code, message, model FROM errors WHERE id = ?1",
        values![failure.id],
        |cells| {
            let (platform, phase, judged) =
                (cells.word("platform")?, cells.word("phase")?, cells.word("cause")?);
            // A kind is what the built-in table makes of it, whatever a rule says.
            let cause = found(cells.next()?)?.map_or(judged, |found| found.cause);
            let status_code = cells.next()?;
            let message: String = cells.next()?;
            let asked: Option<String> = cells.next()?;
            let models: Vec<&str> = [&asked, &sent].into_iter().flatten().map(String::as_str).collect();
            Ok(Kind {
                fingerprint: failure.fingerprint,
                platform,
                phase,
                cause,
                status_code,
                provider_code: provider_code.clone(),
                title: template_without(&message, &models),
            })
        },
    )
}

/// Writes a batch, unless somebody else was there or the rules have changed: then `None`.
fn write_batch(
    db: &dyn Db,
    batch: Batch,
    settings: &Settings,
    now: UnixMillis,
) -> Result<Option<u64>> {
    db.execute(
        "INSERT INTO issue_fold (id, folded_to, recounted_to, recount_end, rules_version) VALUES (1, 0, 0, 0, 0)
         ON CONFLICT (id) DO NOTHING",
        &[],
    )?;
    let (column, from) = match batch.is_recount {
        false => ("folded_to", batch.place.folded_to),
        true => ("recounted_to", batch.place.recounted_to),
    };
    let moved = db.execute(
        &format!("UPDATE issue_fold SET {column} = ?1 WHERE id = 1 AND {column} = ?2 AND rules_version = ?3"),
        values![batch.to, from, batch.place.rules_version],
    )?;
    if moved == 0 {
        return Ok(None);
    }
    for kind in &batch.new_kinds {
        add_kind(db, kind, &batch.place.rules)?;
    }
    let patient = Settings { quiet_ms: None };
    let in_batch = if batch.is_full { &patient } else { settings };
    let mut transitions = 0;
    for (key, mut tally) in tally(batch.failures, &batch.kinds, &batch.place.rules) {
        if let Some((owner, severity)) = verdict_now(db, tally.last.1)? {
            (tally.owner, tally.severity) = (owner, severity);
        }
        transitions += add(
            db,
            key,
            &tally,
            &batch.kinds,
            batch.is_recount,
            in_batch,
            now,
        )?;
    }
    if batch.is_recount && !batch.is_full {
        transitions += rules::recounted(db, settings, now)?;
    }
    Ok(Some(transitions))
}

fn add_kind(db: &dyn Db, kind: &Kind, rules: &[RuleBody]) -> Result<()> {
    db.execute(
        "INSERT INTO issue_kinds (fingerprint, issue, platform, phase, cause, status_code, provider_code, title,
         recounting) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0) ON CONFLICT (fingerprint) DO NOTHING",
        values![
            kind.fingerprint.as_slice(),
            issue_of(&kind.facts(), rules).as_slice(),
            kind.platform.as_str(),
            kind.phase.as_str(),
            kind.cause.as_str(),
            kind.status_code,
            kind.provider_code.as_deref(),
            &kind.title
        ],
    )
    .map(drop)
}

/// Adds a batch's part to an issue.
fn add(
    db: &dyn Db,
    key: Key,
    tally: &Tally,
    kinds: &HashMap<Key, Kind>,
    is_recount: bool,
    settings: &Settings,
    now: UnixMillis,
) -> Result<u64> {
    let mut row = match row::find(db, key)? {
        Some(row) => row,
        None => {
            // A merged issue is called after the kind it has its key from, where that is known.
            let own = known_kind(db, tally.part.as_ref().map_or(key, |part| part.of))?;
            let Some(kind) = own.as_ref().or(kinds.get(&tally.kind)) else {
                return Ok(0);
            };
            let row = Row::new(key, kind, tally);
            row::history(
                db,
                key,
                tally.first.0,
                None,
                IssueState::New,
                Why::FirstSeen,
                None,
                None,
            )?;
            row
        }
    };
    if row.recounting && !is_recount {
        row.came_meanwhile(tally.count);
    }
    row.add(tally);
    row.recounting |= is_recount;
    add_hours(db, key, tally)?;
    add_members(db, &mut row, tally)?;
    // What is counted anew is no news.
    let newest = (!is_recount).then_some(tally.last.0);
    let made = match row.recounting {
        true => 0,
        false => row.settle(db, newest, settings, now)?,
    };
    row.write(db, settings, now)?;
    Ok(made as u64)
}

fn add_hours(db: &dyn Db, key: Key, tally: &Tally) -> Result<()> {
    for (hour, count) in &tally.hours {
        db.execute(
            "INSERT INTO issue_hours (issue, hour, seen, hidden) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (issue, hour) DO UPDATE SET seen = issue_hours.seen + excluded.seen,
             hidden = issue_hours.hidden + excluded.hidden",
            values![key.as_slice(), *hour, count.seen, count.hidden],
        )?;
    }
    Ok(())
}

fn add_members(db: &dyn Db, row: &mut Row, tally: &Tally) -> Result<()> {
    for (at, members) in tally.members.iter().enumerate() {
        if members.is_empty() {
            continue;
        }
        let known: HashSet<String> = match row.members[at] {
            0 => HashSet::new(),
            _ => db
                .rows(
                    "SELECT member FROM issue_members WHERE issue = ?1 AND sort = ?2",
                    values![row.key.as_slice(), SORTS[at]],
                    |cells| cells.next(),
                )?
                .into_iter()
                .collect(),
        };
        let mut others: Option<MemberCount> = None;
        for (id, member) in members {
            if known.contains(id) {
                add_member(db, row.key, SORTS[at], id, member)?;
            } else if row.members[at] < MOST_MEMBERS {
                row.members[at] += 1;
                add_member(db, row.key, SORTS[at], id, member)?;
            } else {
                let others = others.get_or_insert(MemberCount {
                    name: None,
                    count: Count::default(),
                    last_seen: member.last_seen,
                });
                others.count.seen += member.count.seen;
                others.count.hidden += member.count.hidden;
                others.last_seen = others.last_seen.max(member.last_seen);
            }
        }
        if let Some(others) = others {
            row.is_bounded = true;
            add_member(db, row.key, SORTS[at], "", &others)?;
        }
    }
    Ok(())
}

fn add_member(db: &dyn Db, key: Key, sort: &str, id: &str, member: &MemberCount) -> Result<()> {
    db.execute(
        "INSERT INTO issue_members (issue, sort, member, name, seen, hidden, last_seen)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (issue, sort, member) DO UPDATE SET
         seen = issue_members.seen + excluded.seen, hidden = issue_members.hidden + excluded.hidden,
         last_seen = CASE WHEN excluded.last_seen > issue_members.last_seen THEN excluded.last_seen
         ELSE issue_members.last_seen END",
        values![
            key.as_slice(),
            sort,
            id,
            member.name.as_deref(),
            member.count.seen,
            member.count.hidden,
            member.last_seen
        ],
    )
    .map(drop)
}

/// Issues whose state time alone may change now.
fn due(db: &dyn Db, now: UnixMillis) -> Result<Vec<Key>> {
    db.rows(
        "SELECT issue FROM issues WHERE next_look IS NOT NULL AND next_look <= ?1 AND recounting = 0
         ORDER BY next_look LIMIT ?2",
        values![now, LOOKS],
        |cells| cells.next(),
    )
}

fn look(db: &dyn Db, due: &[Key], settings: &Settings, now: UnixMillis) -> Result<u64> {
    let mut transitions = 0;
    for key in due {
        let Some(mut row) = row::find(db, *key)? else {
            continue;
        };
        transitions += row.settle(db, None, settings, now)? as u64;
        row.write(db, settings, now)?;
    }
    Ok(transitions)
}
