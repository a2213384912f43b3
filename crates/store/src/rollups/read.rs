//! Requests as roll-ups look at them: rows, with their error and its attempts where something failed.

use std::collections::{HashMap, HashSet};

use waybill_model::{
    cause::{Cause, Owner},
    protocol::Endpoint,
    rollup::{FailedAttempt, OTHER_MODELS, Scope, Seen, Side, Span, Why},
    time::UnixMillis,
};

use super::{fold::Folded, judged::Judged};
use crate::sql::{Cells, Db, Dialect, Result, Value, values};

/// Requests that are read at once.
pub(super) const BATCH: i64 = 5_000;

/// Rows that are looked up at once.
const LOOKED_UP: usize = 100;

/// Where few are, so many at once.
const FEW: usize = 8;

/// Models that are counted by name: those that were served at least once. Clients may send any; all others are one.
const MOST_MODELS: usize = 1_000;

/// Where there are so many, the one that was not seen for longest, and for so long, makes room.
const FORGOTTEN_AFTER_MS: i64 = 30 * Span::Day.millis();

/// Longer names are counted with the others, in bytes.
const LONGEST_MODEL: usize = 128;

/// A request that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) id: i64,
    pub(super) seen: Seen,
    /// Its error row is gone: not everything is known of how it failed.
    pub(super) is_missing: bool,
    /// An operator sent it again.
    pub(super) is_replay: bool,
    request_id: String,
}

/// In the order [`read`] reads them.
const COLUMNS: &str = "r.id, r.request_id, r.created_at, r.platform, r.endpoint, r.model, r.status_code, r.latency_ms, \
    r.time_to_first_token_ms, r.user_id, r.api_key_id, r.account_id, r.group_id, r.attempts, r.cause, r.recovered, \
    r.input_tokens, r.output_tokens, r.cache_read_tokens, r.cache_write_tokens, r.cost_micro_usd, \
    r.auth_latency_ms, r.routing_latency_ms, r.upstream_latency_ms, r.response_latency_ms, r.unserved, r.replay_of";

/// The same of an error whose request has gone.
const OF_ERRORS: &str = "0, r.request_id, r.created_at, r.platform, r.endpoint, r.model, r.status_code, r.latency_ms, \
    r.time_to_first_token_ms, r.user_id, r.api_key_id, r.account_id, r.group_id, r.attempts, \
    CASE WHEN r.recovered THEN NULL ELSE r.cause END, r.recovered, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
    NULL, NULL, r.replay_of";

/// The next requests behind an id.
pub(super) fn behind(db: &dyn Db, id: i64, most: i64, models: &mut Models) -> Result<Vec<Read>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {} WHERE r.id > ?1 ORDER BY r.id LIMIT {most}",
        db.dialect().by_id("requests", "r")
    );
    let rows = db.rows(&sql, values![id], read)?;
    models.load(db)?;
    models.learn(&rows, id);
    whole(db, rows, models)
}

/// The next requests of a window, in the order of their arrival, behind a place in it; none with a higher id than
/// the last.
pub(super) fn within(
    db: &dyn Db,
    (start, end): (UnixMillis, UnixMillis),
    behind: (UnixMillis, i64),
    last_id: i64,
    models: &mut Models,
) -> Result<Vec<Read>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {} WHERE r.created_at >= ?1 AND r.created_at < ?2
         AND (r.created_at > ?3 OR r.id > ?4) AND r.id <= ?5 ORDER BY r.created_at, r.id LIMIT {BATCH}",
        db.dialect().by_index("requests", "r", "requests_by_time")
    );
    let values = values![start.max(behind.0), end, behind.0, behind.1, last_id];
    let rows = db.rows(&sql, values, read)?;
    models.load(db)?;
    models.learn(&rows, Folded::load(db)?.to);
    whole(db, rows, models)
}

/// The requests of errors, whatever is left of them: of one that has gone, what its error says, and 0 as its id.
pub(super) fn of_errors(db: &dyn Db, errors: &[Judged], models: &mut Models) -> Result<Vec<Read>> {
    let mut errors: Vec<&Judged> = errors.iter().collect();
    errors.sort_by_key(|error| error.at);
    let mut rows = Vec::with_capacity(errors.len());
    for chunk in errors.chunks(LOOKED_UP) {
        let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else {
            continue;
        };
        let ask = |columns: &str, (table, index): (&str, &str), wanted: Vec<Value>| {
            let (sql, values) = among(
                db.dialect(),
                &format!("SELECT {columns} FROM"),
                (table, "r", index),
                ("r.request_id", "r.created_at"),
                wanted,
                (first.at, last.at),
            );
            db.rows(&sql, &values, read)
        };
        let wanted = chunk.iter().map(|error| Value::from(&error.request_id));
        let found = ask(
            COLUMNS,
            ("requests", "requests_by_request_id"),
            wanted.collect(),
        )?;
        let there: HashSet<&str> = found.iter().map(|row| row.request_id.as_str()).collect();
        let gone = chunk
            .iter()
            .filter(|error| !there.contains(error.request_id.as_str()));
        let gone: Vec<Value> = gone.map(|error| Value::from(&error.request_id)).collect();
        drop(there);
        rows.extend(found);
        if !gone.is_empty() {
            rows.extend(ask(OF_ERRORS, ("errors", "errors_by_request_id"), gone)?);
        }
    }
    whole(db, rows, models)
}

fn read(cells: &mut Cells<'_>) -> Result<Read> {
    let id = cells.next()?;
    let request_id = cells.next()?;
    let at = cells.time()?;
    let platform = Some(cells.word("platform")?);
    let endpoint: Option<Endpoint> = cells.optional_word("endpoint")?;
    let model: Option<String> = cells.next()?;
    let status = cells.next()?;
    let duration_ms = cells.count()?;
    let first_token_ms = cells.optional_count()?;
    let (user_id, api_key_id) = (cells.next()?, cells.next()?);
    let (account_id, group_id) = (cells.next()?, cells.next()?);
    let attempts = cells.count()?;
    let cause: Option<Cause> = cells.optional_word("cause")?;
    let recovered: bool = cells.next()?;
    let mut usage = [0; 5];
    for count in &mut usage {
        *count = cells.optional_count()?.unwrap_or(0);
    }
    let mut stages = [None; 4];
    for ms in &mut stages {
        *ms = cells.optional_count()?;
    }
    let unserved = cells.next::<Option<i64>>()? == Some(1);
    let is_replay = cells.next::<Option<i64>>()?.is_some();
    // Until its error row says more, a failure is what its cause says.
    let failed = cause.map(|cause| why(Side::Failed, cause, status));
    let mut seen = Seen {
        at,
        scope: Scope {
            platform,
            group_id,
            account_id,
            model,
            api_key_id,
            user_id,
        },
        status,
        counts_tokens: matches!(endpoint, Some(endpoint) if endpoint.counts_tokens()),
        failed,
        is_recovered: recovered,
        recovered: None,
        unserved,
        attempts,
        attempts_failed: 0,
        failures: Vec::new(),
        usage,
        duration_ms,
        first_token_ms,
        stages,
    };
    // Until its error row says more, an attempt that is not known to have served did not.
    if failed.is_some() {
        seen.attempts_failed = attempts;
    } else if recovered {
        seen.attempts_failed = attempts.saturating_sub(1);
    }
    Ok(Read {
        id,
        is_missing: cause.is_some() || recovered,
        is_replay,
        seen,
        request_id,
    })
}

pub(super) fn why(side: Side, cause: Cause, status: u16) -> Why {
    let info = cause.info();
    Why {
        side,
        cause,
        phase: info.phase,
        owner: info.owner,
        is_business_limited: info.business_limited,
        status,
    }
}

/// Adds what errors and attempts say, and names models.
fn whole(db: &dyn Db, mut rows: Vec<Read>, models: &mut Models) -> Result<Vec<Read>> {
    models.load(db)?;
    for row in &mut rows {
        if let Some(model) = row.seen.scope.model.take() {
            row.seen.scope.model = Some(models.name(model, row.id, &row.seen));
        }
    }
    let mut failed: Vec<&mut Read> = rows.iter_mut().filter(|row| row.is_missing).collect();
    // What is looked up together lies together.
    failed.sort_by_key(|row| row.seen.at);
    for chunk in failed.chunks_mut(LOOKED_UP) {
        look_up(db, chunk)?;
    }
    Ok(rows)
}

fn look_up(db: &dyn Db, rows: &mut [&mut Read]) -> Result<()> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(());
    };
    let days = (first.seen.at, last.seen.at);
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        places.insert(&row.request_id, at);
    }
    let ids = rows.iter().map(|row| Value::from(&row.request_id));
    let (sql, values) = among(
        db.dialect(),
        "SELECT e.request_id, e.id, e.cause, e.phase, e.owner, e.is_business_limited, e.recovered,
         e.upstream_error_count FROM",
        ("errors", "e", "errors_by_request_id"),
        ("e.request_id", "e.created_at"),
        ids.collect(),
        days,
    );
    // The place of the request, by the id of its error.
    let mut errors: HashMap<i64, usize> = HashMap::new();
    let mut verdicts: Vec<(usize, Why, bool, u64)> = Vec::new();
    db.each(&sql, &values, &mut |cells| {
        let Some(&at) = places.get(cells.text()?) else {
            return Ok(());
        };
        errors.insert(cells.next()?, at);
        let mut why = Why {
            side: Side::Failed,
            cause: cells.word("cause")?,
            phase: cells.word("phase")?,
            owner: cells.word("owner")?,
            is_business_limited: cells.next()?,
            status: 0,
        };
        let recovered: bool = cells.next()?;
        if recovered {
            why.side = Side::Recovered;
        }
        verdicts.push((at, why, recovered, cells.count()?));
        Ok(())
    })?;
    drop(places);
    for (at, mut why, recovered, attempts_failed) in verdicts {
        let row = &mut rows[at];
        why.status = row.seen.status;
        match recovered {
            true => row.seen.recovered = Some(why),
            false => row.seen.failed = Some(why),
        }
        row.seen.attempts_failed = attempts_failed;
        row.is_missing = false;
    }
    let ids: Vec<Value> = errors.keys().map(|id| Value::from(*id)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let (sql, values) = among(
        db.dialect(),
        "SELECT u.error_id, u.account_id, u.platform, u.cause, u.upstream_status_code FROM",
        ("upstream_events", "u", "events_by_error"),
        ("u.error_id", "u.error_at"),
        ids,
        days,
    );
    db.each(&sql, &values, &mut |cells| {
        let Some(&at) = errors.get(&cells.next()?) else {
            return Ok(());
        };
        let seen = &mut rows[at].seen;
        let (account_id, platform) = (cells.next()?, cells.word("platform")?);
        let cause = cells.word("cause")?;
        let status: Option<u16> = cells.next()?;
        let mut why = why(Side::Attempt, cause, status.unwrap_or(0));
        // What the whole request was found to be at fault for is no account's failure.
        if let Some(verdict) = seen.failed
            && verdict.cause == cause
            && verdict.owner == Owner::Client
        {
            why.owner = Owner::Client;
        }
        seen.failures.push(FailedAttempt {
            account_id,
            platform,
            why,
        });
        Ok(())
    })
}

/// A question for rows with one of some values, of days that are known where the shared store keeps them by day.
fn among(
    dialect: Dialect,
    select: &str,
    (table, alias, index): (&str, &str, &str),
    (column, day): (&str, &str),
    mut wanted: Vec<Value>,
    (first, last): (UnixMillis, UnixMillis),
) -> (String, Vec<Value>) {
    // Of few lengths, so that statements are prepared once: what is asked twice is answered once.
    let length = if wanted.len() <= FEW { FEW } else { LOOKED_UP };
    if let Some(last) = wanted.last().cloned() {
        wanted.resize(wanted.len().max(length), last);
    }
    let places = vec!["?"; wanted.len()].join(", ");
    let from = dialect.by_index(table, alias, index);
    let mut sql = format!("{select} {from} WHERE {column} IN ({places})");
    if dialect == Dialect::Postgres {
        sql += &format!(" AND {day} >= ? AND {day} <= ?");
        wanted.extend([Value::from(first), Value::from(last)]);
    }
    (sql, wanted)
}

/// A model that is counted by name.
#[derive(Debug, Clone, Copy)]
struct Named {
    /// The last day on which it is known to have been used.
    used_on: UnixMillis,
    /// From which request on: what was counted before it had a name stays with the others.
    since_id: i64,
    /// When the first of those arrived.
    since_at: UnixMillis,
}

/// Which models are counted by name.
#[derive(Debug, Default)]
pub(super) struct Models {
    is_loaded: bool,
    known: HashMap<String, Named>,
    /// Whose entries are to be written.
    news: HashSet<String>,
    /// Those that made room.
    gone: HashSet<String>,
}

impl Models {
    /// Learns those that are there.
    fn load(&mut self, db: &dyn Db) -> Result<()> {
        if !self.is_loaded {
            let sql = "SELECT model, used_on, since_id, since_at FROM rollup_models";
            let rows = db.rows(sql, &[], |cells| {
                let model = cells.next()?;
                let named = Named {
                    used_on: cells.time()?,
                    since_id: cells.next()?,
                    since_at: cells.time()?,
                };
                Ok((model, named))
            })?;
            self.known.extend(rows);
            self.is_loaded = true;
        }
        Ok(())
    }

    /// Gives names to models that are served among these rows, for all that is not folded: what is folded keeps the
    /// name that it was counted by.
    fn learn(&mut self, rows: &[Read], folded_to: i64) {
        let stored = || rows.iter().filter(|row| row.id > folded_to);
        let Some(since_at) = stored().map(|row| row.seen.at).min() else {
            return;
        };
        let since_id = folded_to.saturating_add(1);
        let served = stored().filter(|row| row.seen.failed.is_none() && !row.is_replay);
        for row in served {
            let scope = &row.seen.scope;
            let Some(model) = scope.model.as_ref().filter(|_| scope.group_id.is_some()) else {
                continue;
            };
            let day = Span::Day.begin(row.seen.at);
            if self.known.contains_key(model) || model.len() > LONGEST_MODEL || !self.has_room(day)
            {
                continue;
            }
            let named = Named {
                used_on: day,
                since_id,
                since_at,
            };
            self.known.insert(model.clone(), named);
            self.news.insert(model.clone());
        }
    }

    /// Whether one more may have a name, on a day; lets one go for it that was not seen for long.
    fn has_room(&mut self, day: UnixMillis) -> bool {
        if self.known.len() < MOST_MODELS {
            return true;
        }
        let oldest = self.known.iter().min_by_key(|(_, named)| named.used_on);
        let forgotten = oldest
            .filter(|(_, named)| named.used_on < day.plus_ms(-FORGOTTEN_AFTER_MS))
            .map(|(model, _)| model.clone());
        let Some(forgotten) = forgotten else {
            return false;
        };
        self.known.remove(&forgotten);
        self.news.remove(&forgotten);
        self.gone.insert(forgotten);
        true
    }

    /// What a model is counted as. Of a request that has gone, by when it arrived.
    fn name(&mut self, model: String, id: i64, seen: &Seen) -> String {
        let is_routed = seen.scope.group_id.is_some();
        let day = Span::Day.begin(seen.at);
        match self.known.get_mut(&model).filter(|_| is_routed) {
            Some(named) if id >= named.since_id || (id == 0 && seen.at >= named.since_at) => {
                if named.used_on < day {
                    named.used_on = day;
                    self.news.insert(model.clone());
                }
                model
            }
            _ => OTHER_MODELS.to_owned(),
        }
    }

    /// Keeps what is new.
    pub(super) fn write(&self, db: &dyn Db) -> Result<()> {
        for model in &self.gone {
            db.execute("DELETE FROM rollup_models WHERE model = ?1", values![model])?;
        }
        for model in &self.news {
            let Some(named) = self.known.get(model) else {
                continue;
            };
            db.execute(
                "INSERT INTO rollup_models (model, used_on, since_id, since_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (model) DO UPDATE SET
                 used_on = CASE WHEN excluded.used_on > rollup_models.used_on THEN excluded.used_on
                 ELSE rollup_models.used_on END",
                values![model, named.used_on, named.since_id, named.since_at],
            )?;
        }
        Ok(())
    }
}
