//! The row of an issue: read whole, written whole.

use waybill_model::{
    cause::{Cause, Owner, Phase, Severity},
    id::ErrorId,
    issue::{
        Facts, HOUR_MS, Ignore, IssueState, Rate, Settings, Standing, Weight, Why, next_look,
        settle,
    },
    protocol::Platform,
    time::UnixMillis,
};

use super::tally::{Count, Key, Kind, Part, Tally};
use crate::sql::{Cells, Db, Result, Value, values};

/// An issue.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) key: Key,
    pub(super) title: String,
    pub(super) platform: Platform,
    pub(super) phase: Phase,
    pub(super) cause: Cause,
    pub(super) status_code: Option<u16>,
    pub(super) provider_code: Option<String>,
    pub(super) owner: Owner,
    pub(super) severity: Severity,
    pub(super) standing: Standing,
    pub(super) why: Why,
    pub(super) actor: Option<String>,
    pub(super) first: (UnixMillis, i64),
    pub(super) last: (UnixMillis, i64),
    pub(super) sample: i64,
    pub(super) count: Count,
    /// Of each sort, how many are told apart.
    pub(super) members: [u64; 5],
    pub(super) is_bounded: bool,
    pub(super) weight: Weight,
    pub(super) part: Option<Part>,
    pub(super) recounting: bool,
}

/// In the order [`read`] reads them; `i` is the issues table.
pub(super) const COLUMNS: &str = "i.issue, i.title, i.platform, i.phase, i.cause, i.status_code, i.provider_code, \
    i.owner, i.severity, i.state, i.state_since, i.why, i.actor, i.ignore_until, i.ignore_count, \
    i.ignore_escalation, i.first_seen, i.first_error_id, i.last_seen, i.last_error_id, i.sample_error_id, \
    i.seen, i.hidden, i.users, i.api_keys, i.accounts, i.models, i.group_count, i.is_bounded, i.weight, \
    i.part_of, i.part_by, i.part_value, i.recounting";

/// The next cells as an issue.
pub(super) fn read(cells: &mut Cells<'_>) -> Result<Row> {
    Row {
        key: cells.next()?,
        title: cells.next()?,
        platform: cells.word("platform")?,
        phase: cells.word("phase")?,
        cause: cells.word("cause")?,
        status_code: cells.next()?,
        provider_code: cells.next()?,
        owner: cells.word("owner")?,
        severity: cells.word("severity")?,
        standing: Standing {
            state: cells.word("state")?,
            since: cells.time()?,
            ignore: Ignore::default(),
        },
        why: cells.word("why")?,
        actor: cells.next()?,
        first: (UnixMillis(0), 0),
        last: (UnixMillis(0), 0),
        sample: 0,
        count: Count::default(),
        members: [0; 5],
        is_bounded: false,
        weight: Weight::NONE,
        part: None,
        recounting: false,
    }
    .rest(cells)
}

impl Row {
    fn rest(mut self, cells: &mut Cells<'_>) -> Result<Row> {
        self.standing.ignore = Ignore {
            until: cells.next()?,
            until_count: cells.optional_count()?,
            until_escalation: cells.next()?,
        };
        self.first = (cells.time()?, cells.next()?);
        self.last = (cells.time()?, cells.next()?);
        self.sample = cells.next()?;
        self.count = Count {
            seen: cells.count()?,
            hidden: cells.count()?,
        };
        for count in &mut self.members {
            *count = cells.count()?;
        }
        self.is_bounded = cells.next()?;
        self.weight = Weight(cells.next()?);
        let of: Option<Key> = cells.next()?;
        let by = cells.optional_word("part_by")?;
        let value: Option<String> = cells.next()?;
        self.part = match (of, by, value) {
            (Some(of), Some(by), Some(value)) => Some(Part { of, by, value }),
            _ => None,
        };
        self.recounting = cells.next()?;
        Ok(self)
    }

    /// A new issue of a kind, before anything is added to it.
    pub(super) fn new(key: Key, kind: &Kind, tally: &Tally) -> Row {
        Row {
            key,
            title: kind.title.clone(),
            platform: kind.platform,
            phase: kind.phase,
            cause: kind.cause,
            status_code: kind.status_code,
            provider_code: kind.provider_code.clone(),
            owner: tally.owner,
            severity: tally.severity,
            standing: Standing {
                state: IssueState::New,
                since: tally.first.0,
                ignore: Ignore::default(),
            },
            why: Why::FirstSeen,
            actor: None,
            first: tally.first,
            last: tally.last,
            sample: tally.last.1,
            count: Count::default(),
            members: [0; 5],
            is_bounded: false,
            weight: Weight::NONE,
            part: tally.part.clone(),
            recounting: false,
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.count.seen + self.count.hidden
    }

    /// How many it met: users, or keys, if more.
    pub(super) fn who(&self) -> u64 {
        self.members[0].max(self.members[1])
    }

    /// Where `ignore_count` counts from: it is a total, but while failures are counted anew, when there is none;
    /// then it is how many are left.
    pub(super) fn counted_from(&self) -> u64 {
        match self.recounting {
            true => 0,
            false => self.total(),
        }
    }

    /// Failures came while others were counted anew.
    pub(super) fn came_meanwhile(&mut self, count: Count) {
        let left = &mut self.standing.ignore.until_count;
        *left = left.map(|left| left.saturating_sub(count.seen + count.hidden));
    }

    /// Everything is counted anew: there is a total again.
    pub(super) fn is_recounted(&mut self) {
        self.recounting = false;
        let total = self.total();
        let left = &mut self.standing.ignore.until_count;
        *left = left.map(|left| left.saturating_add(total));
    }

    /// Adds what a batch has, but for members and hours.
    pub(super) fn add(&mut self, tally: &Tally) {
        let was_empty = self.total() == 0;
        self.first = if was_empty {
            tally.first
        } else {
            self.first.min(tally.first)
        };
        if was_empty || tally.last >= self.last {
            self.last = tally.last;
            self.owner = tally.owner;
            self.severity = tally.severity;
        }
        self.sample = match tally.sample {
            Some(seen) if was_empty || self.count.seen == 0 => seen,
            Some(seen) => self.sample.max(seen),
            None if self.count.seen == 0 => self.last.1,
            None => self.sample,
        };
        self.count.seen += tally.count.seen;
        self.count.hidden += tally.count.hidden;
        for (hour, count) in &tally.hours {
            let middle = UnixMillis(*hour).plus_ms(HOUR_MS / 2);
            self.weight =
                self.weight
                    .with(count.seen, false, middle)
                    .with(count.hidden, true, middle);
        }
    }

    /// Makes every transition that is due, and writes it into the history.
    pub(super) fn settle(
        &mut self,
        db: &dyn Db,
        newest: Option<UnixMillis>,
        settings: &Settings,
        now: UnixMillis,
    ) -> Result<usize> {
        let facts = Facts {
            last_seen: self.last.0,
            newest,
            count: self.total(),
            rate: rate(db, self, now)?,
        };
        let mut from = self.standing.state;
        let made = settle(&mut self.standing, &facts, settings, now);
        for transition in &made {
            self.why = transition.why;
            self.actor = None;
            history(
                db,
                self.key,
                now,
                Some(from),
                transition.to,
                transition.why,
                None,
                None,
            )?;
            from = transition.to;
        }
        Ok(made.len())
    }

    /// Writes it.
    pub(super) fn write(&self, db: &dyn Db, settings: &Settings, now: UnixMillis) -> Result<()> {
        let next = next_look(&self.standing, self.last.0, settings, now);
        let ignore = self.standing.ignore;
        let part = self.part.as_ref();
        let values: Vec<Value> = values![
            self.key.as_slice(),
            &self.title,
            self.platform.as_str(),
            self.phase.as_str(),
            self.cause.as_str(),
            self.status_code,
            self.provider_code.as_deref(),
            self.owner.as_str(),
            self.severity.as_str(),
            self.standing.state.as_str(),
            self.standing.since,
            self.why.as_str(),
            self.actor.as_deref(),
            ignore.until,
            ignore.until_count,
            i64::from(ignore.until_escalation),
            self.first.0,
            self.last.0,
            self.first.1,
            self.last.1,
            self.sample,
            self.count.seen,
            self.count.hidden,
            self.total(),
            self.members[0],
            self.members[1],
            self.members[2],
            self.members[3],
            self.members[4],
            i64::from(self.is_bounded),
            self.weight.0,
            self.weight.impact(self.severity, self.who()),
            next,
            part.map(|part| part.of.as_slice()),
            part.map(|part| part.by.as_str()),
            part.map(|part| part.value.as_str()),
            i64::from(self.recounting),
        ]
        .to_vec();
        let places = vec!["?"; WRITTEN.len()].join(", ");
        let set: Vec<String> = WRITTEN[1..]
            .iter()
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        let sql = format!(
            "INSERT INTO issues ({}) VALUES ({places}) ON CONFLICT (issue) DO UPDATE SET {}",
            WRITTEN.join(", "),
            set.join(", ")
        );
        db.execute(&sql, &values).map(drop)
    }
}

const WRITTEN: [&str; 37] = [
    "issue",
    "title",
    "platform",
    "phase",
    "cause",
    "status_code",
    "provider_code",
    "owner",
    "severity",
    "state",
    "state_since",
    "why",
    "actor",
    "ignore_until",
    "ignore_count",
    "ignore_escalation",
    "first_seen",
    "last_seen",
    "first_error_id",
    "last_error_id",
    "sample_error_id",
    "seen",
    "hidden",
    "total",
    "users",
    "api_keys",
    "accounts",
    "models",
    "group_count",
    "is_bounded",
    "weight",
    "impact",
    "next_look",
    "part_of",
    "part_by",
    "part_value",
    "recounting",
];

/// One issue by its key.
pub(super) fn find(db: &dyn Db, key: Key) -> Result<Option<Row>> {
    let sql = format!("SELECT {COLUMNS} FROM issues i WHERE i.issue = ?1");
    db.first(&sql, values![key.as_slice()], read)
}

/// How fast its failures come.
pub(super) fn rate(db: &dyn Db, row: &Row, now: UnixMillis) -> Result<Rate> {
    let from = now.plus_ms(-(waybill_model::issue::BASELINE_HOURS + 3) * HOUR_MS);
    let hours = db.rows(
        "SELECT hour, seen + hidden FROM issue_hours WHERE issue = ?1 AND hour >= ?2",
        values![row.key.as_slice(), from],
        |cells| Ok((cells.time()?, cells.count()?)),
    )?;
    Ok(Rate::of(&hours, row.first.0, now))
}

/// Writes a change of state down.
#[allow(clippy::too_many_arguments, reason = "the columns of one row")]
pub(super) fn history(
    db: &dyn Db,
    key: Key,
    at: UnixMillis,
    from: Option<IssueState>,
    to: IssueState,
    why: Why,
    actor: Option<&str>,
    detail: Option<&str>,
) -> Result<()> {
    db.execute(
        "INSERT INTO issue_history (issue, at, from_state, to_state, why, actor, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            key.as_slice(),
            at,
            from.map(IssueState::as_str),
            to.as_str(),
            why.as_str(),
            actor,
            detail
        ],
    )
    .map(drop)
}

/// The id of an error, as the API has it.
pub(super) fn error(id: i64) -> ErrorId {
    ErrorId(id)
}
